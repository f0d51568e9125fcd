/* Made by make_preprocess.py with Keras 3.12.0 on PyTorch 2.13.0. Ids count from 0. */
static const double preprocess_0_x[] = { -0.5, 0.875, 1.25, 0.625, 0.25, 0.5, 0, -0.75, 0.25, 2, 2, -1.75 };
static const double preprocess_0_y[] = { -0.66666666666666663, 8.5, -0.375, 0.083333333333333329, 6, -0.75, -0.33333333333333331, 2, -0.875, 1, 13, -1.875 };
static const double preprocess_0_v[] = { 1.125, 1, 1.5, 2, -0.125, 0, 0.75, 0.125, 1.25, 1.75, 0.125, 0.875 };
static const double preprocess_0_g[] = { 0.75, 4, 0.75, 1.3333333333333333, -0.5, 0, 0.5, 0.5, 0.625, 1.1666666666666667, 0.5, 0.4375 };
static const double preprocess_0_state0[] = { 0.5, -1.25, 2 };
static const double preprocess_0_state1[] = { 2.25, 0.0625, 4 };
static const double preprocess_1_x[] = { -0.5, 0.875, 1.25, 0.625, 0.25, 0.5, 0, -0.75, 0.25, 2, 2, -1.75 };
static const double preprocess_1_y[] = { -0.25, -1.03125, 4.5, 1.4375, -1.1875, 3, 0.5, -1.4375, 2.5, 3.5, -0.75, -1.5 };
static const double preprocess_1_v[] = { -1, 1.625, 0, 0.5, 0.375, -0.875, 1.75, 1.625, -1.125, -0.625, 0.75, 1.375 };
static const double preprocess_1_g[] = { -1.5, 0.40625, 0, 0.75, 0.09375, -1.75, 2.625, 0.40625, -2.25, -0.9375, 0.1875, 2.75 };
static const double preprocess_1_state0[] = { 0.5, -1.25, 2 };
static const double preprocess_1_state1[] = { 2.25, 0.0625, 4 };
static const double preprocess_2_x[] = { -0.5, 0.875, 1.25, 0.625, 0.25, 0.5, 0, -0.75, 0.25, 2, 2, -1.75 };
static const double preprocess_2_y[] = { -0.625, 0.0625, 0.25, -0.0625, -0.25, -0.125, -0.375, -0.75, -0.25, 0.625, 0.625, -1.25 };
static const double preprocess_2_v[] = { 1.125, -0.625, 0.5, -1.25, -1.75, 0.875, -0.5, 1.625, -1.875, 0.875, -2, -1.875 };
static const double preprocess_2_g[] = { 0.5625, -0.3125, 0.25, -0.625, -0.875, 0.4375, -0.25, 0.8125, -0.9375, 0.4375, -1, -0.9375 };
static const double preprocess_2_state0[] = { 0.75 };
static const double preprocess_2_state1[] = { 4 };
static const double preprocess_3_x[] = { -0.5, 0.875, 1.25, 0.625, 0.25, 0.5, 0, -0.75, 0.25, 2, 2, -1.75 };
static const double preprocess_3_y[] = { -1.125, -0.78125, -0.6875, -0.84375, -0.9375, -0.875, -1, -1.1875, -0.9375, -0.5, -0.5, -1.4375 };
static const double preprocess_3_v[] = { -0.5, 0.625, -1.125, -1.125, 2, 0.5, -0.875, 2, -0.25, 1.125, 1.75, -0.25 };
static const double preprocess_3_g[] = { -0.125, 0.15625, -0.28125, -0.28125, 0.5, 0.125, -0.21875, 0.5, -0.0625, 0.28125, 0.4375, -0.0625 };
static const double preprocess_4_x[] = { 0, 3, 1, 3, 3, 4, 2, 2, 2, 1, 0, 4 };
static const double preprocess_4_y[] = { 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
static const double preprocess_5_x[] = { 0, 3, 2, 1 };
static const double preprocess_5_y[] = { 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0 };
static const double preprocess_6_x[] = { 0, 3, 1, 3, 3, 4, 2, 2, 2, 1, 0, 4 };
static const double preprocess_6_y[] = { 1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 0 };
static const double preprocess_7_x[] = { 0, 3, 1 };
static const double preprocess_7_y[] = { 1, 1, 0, 1, 0 };
static const double preprocess_8_x[] = { 0, 3, 1, 3, 3, 4, 2, 2, 2, 1, 0, 4 };
static const double preprocess_8_y[] = { 1, 1, 0, 1, 0, 0, 0, 0, 2, 1, 0, 0, 3, 0, 0, 1, 1, 0, 0, 1 };
static const double preprocess_9_x[] = { 0, 3, 1, 3, 3, 4, 2, 2, 2, 1, 0, 4 };
static const double preprocess_9_y[] = { 0.75, 0.625, 0, 0.125, 0, 0, 0, 0, 2.375, 1.375, 0, 0, 1.375, 0, 0, 0.375, 1, 0, 0, 1.75 };
static const double preprocess_9_w[] = { 0.75, 0.125, 0.625, 1.125, 1.25, 1.375, 0.375, 0.75, 0.25, 1, 0.375, 1.75 };
static const double preprocess_9_v[] = { 0.5, -1.625, 0.5, -0.75, -1.125, 0.875, 1.125, 0.25, -1, 0, 0.75, -0.75, -0.25, -1, -1.375, 1.375, -1.25, 1.875, -1, 0 };
static const double preprocess_9_g[] = { 0.5, -0.75, -1.625, -1, -1, 0, -0.25, -0.25, -0.25, -1.25, 1.375, 0 };
static const double preprocess_10_x[] = { -0.5, 0.875, 1.25, 0.625, 0.25, 0.5, 0, -0.75, 0.25, 2, 2, -1.75 };
static const double preprocess_10_y[] = { 1, 3, 3, 3, 3, 3, 2, 1, 3, 3, 3, 0 };
static const double preprocess_10_state0[] = { -1.5, 0, 0.25 };
static const struct {
    const char *type, *options;
    int ids, ndim;
    int64_t shape[2];
    int out_ndim;
    int64_t out_shape[3];
    const double *x, *w, *state0, *state1, *y, *v, *g; /* g: the gradient of w, else of x; NULL: none */
} preprocess_cases[] = {
    { "Normalization", "{\"num_features\": 3}", 0, 2, { 4, 3 }, 2, { 4, 3 }, preprocess_0_x, NULL, preprocess_0_state0, preprocess_0_state1, preprocess_0_y, preprocess_0_v, preprocess_0_g },
    { "Normalization", "{\"num_features\": 3, \"invert\": true}", 0, 2, { 4, 3 }, 2, { 4, 3 }, preprocess_1_x, NULL, preprocess_1_state0, preprocess_1_state1, preprocess_1_y, preprocess_1_v, preprocess_1_g },
    { "Normalization", "{\"num_features\": 0}", 0, 2, { 4, 3 }, 2, { 4, 3 }, preprocess_2_x, NULL, preprocess_2_state0, preprocess_2_state1, preprocess_2_y, preprocess_2_v, preprocess_2_g },
    { "Rescaling", "{\"scale\": 0.25, \"offset\": -1}", 0, 2, { 4, 3 }, 2, { 4, 3 }, preprocess_3_x, NULL, NULL, NULL, preprocess_3_y, preprocess_3_v, preprocess_3_g },
    { "CategoryEncoding", "{\"num_tokens\": 5, \"output_mode\": \"one_hot\"}", 1, 2, { 4, 3 }, 3, { 4, 3, 5 }, preprocess_4_x, NULL, NULL, NULL, preprocess_4_y, NULL, NULL },
    { "CategoryEncoding", "{\"num_tokens\": 5, \"output_mode\": \"one_hot\"}", 1, 2, { 4, 1 }, 2, { 4, 5 }, preprocess_5_x, NULL, NULL, NULL, preprocess_5_y, NULL, NULL },
    { "CategoryEncoding", "{\"num_tokens\": 6}", 1, 2, { 4, 3 }, 2, { 4, 6 }, preprocess_6_x, NULL, NULL, NULL, preprocess_6_y, NULL, NULL },
    { "CategoryEncoding", "{\"num_tokens\": 5}", 1, 1, { 3 }, 1, { 5 }, preprocess_7_x, NULL, NULL, NULL, preprocess_7_y, NULL, NULL },
    { "CategoryEncoding", "{\"num_tokens\": 5, \"output_mode\": \"count\"}", 1, 2, { 4, 3 }, 2, { 4, 5 }, preprocess_8_x, NULL, NULL, NULL, preprocess_8_y, NULL, NULL },
    { "CategoryEncoding", "{\"num_tokens\": 5, \"output_mode\": \"count\"}", 1, 2, { 4, 3 }, 2, { 4, 5 }, preprocess_9_x, preprocess_9_w, NULL, NULL, preprocess_9_y, preprocess_9_v, preprocess_9_g },
    { "Discretization", "{\"num_bins\": 4}", 0, 2, { 4, 3 }, 2, { 4, 3 }, preprocess_10_x, NULL, preprocess_10_state0, NULL, preprocess_10_y, NULL, NULL },
};
