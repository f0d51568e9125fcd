/* local.c -- LocallyConnected1d and 2d, as in Keras 2: a convolution that has weights of its own at every place of the
 * output. x (n, in_channels, input_size), weight (places, out_channels, in_channels * kernel), bias (out_channels,
 * output size)
 * -> y (n, out_channels, output size): a matrix product a place. */
#include "conv.h"

#include <math.h>

/* The output's sizes by the options alone. */
static luron_status shapes_of(luron_call *c, conv_shapes *s) {
    const conv *o = luron_options(c);
    const int dims = (int)o->kernel_size.n;
    int64_t sizes[4] = {1, o->in_channels};
    for (int d = 0; d < dims; d++)
        sizes[d + 2] = o->input_size.at[d];
    return conv_shapes_of(c, dims + 2, sizes, s);
}
/* What the host would make of the fans of the whole weight, by those of one place: `in` numbers go into an output,
 * `out` outputs read a number. */
static luron_init of_a_place(luron_init i, double in, double out) {
    const double fan = (1 + i.a * i.a) * (i.b != 0 ? out : in);
    double within = 0, deviation = 0;
    switch (i.kind) {
    case LURON_INIT_XAVIER_UNIFORM:
        within = i.a * sqrt(6 / (in + out));
        break;
    case LURON_INIT_KAIMING_UNIFORM:
        within = sqrt(6 / fan);
        break;
    case LURON_INIT_LECUN_UNIFORM:
        within = sqrt(3 / in);
        break;
    case LURON_INIT_XAVIER_NORMAL:
        deviation = i.a * sqrt(2 / (in + out));
        break;
    case LURON_INIT_KAIMING_NORMAL:
        deviation = sqrt(2 / fan);
        break;
    case LURON_INIT_LECUN_NORMAL: /* the deviation of what is left between the cuts is 0.8796 of that before */
        return luron_init_(LURON_INIT_TRUNC_NORMAL, 0, sqrt(1 / in) / 0.87962566103423978);
    default:
        return i;
    }
    return within != 0 ? luron_init_uniform(-fabs(within), fabs(within)) : luron_init_normal(0, fabs(deviation));
}
static luron_status declare(luron_call *c) {
    const conv *o = luron_options(c);
    conv_shapes s;
    LURON_TRY(conv_check_same(c));
    LURON_TRY(shapes_of(c, &s));
    int64_t weight[3] = {1, o->out_channels}, bias[4] = {o->out_channels};
    if (__builtin_mul_overflow(o->in_channels, conv_taps(o), &weight[2]))
        return luron_fail(c, LURON_E_ARGUMENT, "in_channels, %lld, times the kernel are more than an int64 can hold",
                          (long long)o->in_channels);
    for (int d = 0; d < s.dims; d++)
        weight[0] *= bias[d + 1] = s.y[d + 2];
    const double bound = 1 / sqrt((double)weight[2]);
    const luron_init own = luron_init_uniform(-bound, bound);
    const luron_init first =
        of_a_place(luron_init_or(&o->weight_init, own), (double)weight[2], (double)o->out_channels);
    LURON_TRY(c->host->declare_param(c, CONV_WEIGHT, "weight", 3, weight, first));
    return o->bias ? c->host->declare_param(c, CONV_BIAS, "bias", s.dims + 1, bias, luron_init_or(&o->bias_init, own))
                   : LURON_OK;
}

static luron_status compose(luron_call *c, const luron_ops *o) {
    const conv *opt = luron_options(c);
    conv_shapes s;
    luron_tensor *x;
    LURON_TRY(conv_opened(&x, c, o, &s));
    int64_t places = 1, flat[3] = {s.x[0], opt->in_channels, 1};
    for (int d = 0; d < s.dims; d++) {
        if (s.x[d + 2] != opt->input_size.at[d])
            return luron_fail(c, LURON_E_SHAPE, "input has size %lld, input_size is %lld", (long long)s.x[d + 2],
                              (long long)opt->input_size.at[d]);
        places *= s.y[d + 2], flat[2] *= s.padded[d + 2];
    }
    const int64_t taps = conv_taps(opt), each[4] = {s.x[0], opt->in_channels, taps, places};
    x = o->index_select(c, o->reshape(c, x, 3, flat), 2, conv_ids(c, o, s.dims, s.y + 2, s.padded + 2));
    luron_tensor *all = o->reshape(c, x, 4, each);
    const int order[4] = {3, 0, 1, 2}, back[3] = {1, 2, 0};
    const int64_t rows[3] = {places, s.x[0], opt->in_channels * taps};
    luron_tensor *y =
        o->matmul(c, o->reshape(c, o->permute(c, all, 4, order), 3, rows), o->param(c, CONV_WEIGHT), LURON_TRANS_B);
    y = o->reshape(c, o->permute(c, y, 3, back), s.dims + 2, s.y);
    if (opt->bias) y = o->add(c, y, o->param(c, CONV_BIAS));
    return o->set_out(c, 0, s.unbatched ? o->squeeze(c, y, 0) : y);
}

#define TYPE(n, text)                                                                                                  \
    static const luron_option *const options##n[] = {                                                                  \
        LURON_OPT_INT_REQ(conv, in_channels, 1, 1e9, "channels in"),                                                   \
        LURON_OPT_INT_REQ(conv, out_channels, 1, 1e9, "channels out"),                                                 \
        LURON_OPT_INTS_REQ(conv, input_size, 1, 1e6, n, n, "size of the input, without channels"),                     \
        LURON_OPT_INTS_REQ(conv, kernel_size, 1, 1e6, n, n, "size of the kernels"),                                    \
        LURON_OPT_INTS(conv, stride, 1, 1, 1e6, n, n, "step from place to place"),                                     \
        LURON_OPT_INTS_OR(conv, padding, 0, 0, 1e6, n, n, conv_paddings2,                                              \
                          "zeros on both sides; 'same': as large as the input"),                                       \
        LURON_OPT_INTS(conv, dilation, 1, 1, 1e6, n, n, "distance of the numbers that a kernel takes"),                \
        LURON_OPT_BOOL(conv, bias, 1, "add a bias, one of its own at every place"),                                    \
        LURON_OPT_INITIALISER(conv, weight_init, "first weights; nil: uniform within 1 / sqrt(in_channels * kernel)"), \
        LURON_OPT_INITIALISER(conv, bias_init, "first biases; nil: as the weights"),                                   \
        NULL};                                                                                                         \
    const luron_layer_type conv_local##n##d = {.struct_size = sizeof(luron_layer_type),                                \
                                               .flags = LURON_LAYER_F64,                                               \
                                               .name = "LocallyConnected" #n "d",                                      \
                                               .doc = text,                                                            \
                                               .options = options##n,                                                  \
                                               .options_size = sizeof(conv),                                           \
                                               .in = conv_in##n,                                                       \
                                               .declare = declare,                                                     \
                                               .compose = compose}
TYPE(1, "a convolution along one dimension with weights of its own at every place");
TYPE(2, "a convolution over height and width with weights of its own at every place");
