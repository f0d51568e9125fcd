/* fake_bad.h -- layer types that misuse the host in the way that the option `how` says; part of fake_layers.h. */
typedef struct fake_bad {
    int32_t how;
} fake_bad;
static const char *const bad_ways[] = {"none",        "declare_set_out", "param_slot",   "param_name",
                                       "param_twice", "param_shape",     "negative",     "rank",
                                       "overflow",    "dtype",           "wrong_dtype",  "output_slot",
                                       "no_output",   "saved_slot",      "scratch",      "fail",
                                       "silent",      "strange_status",  "hidden_fail",  "late_setup",
                                       "gemm_shape",  "gemm_dtype",      "gemm_no_data", "sum_to",
                                       "backward",    "gives_nothing",   "shape_of_ops", "null_ops",
                                       "two_fails",   "compose_fail",    "rank_of_port", "sum_to_rank",
                                       "uniform",     "conv_rank",       "conv_work",    "conv_groups",
                                       "conv_strides", "conv_shared",    NULL};
enum {
    BAD_NONE,
    BAD_DECLARE_SET_OUT,
    BAD_PARAM_SLOT,
    BAD_PARAM_NAME,
    BAD_PARAM_TWICE,
    BAD_PARAM_SHAPE,
    BAD_NEGATIVE,
    BAD_RANK,
    BAD_OVERFLOW,
    BAD_DTYPE,
    BAD_WRONG_DTYPE,
    BAD_OUTPUT_SLOT,
    BAD_NO_OUTPUT,
    BAD_SAVED_SLOT,
    BAD_SCRATCH,
    BAD_FAIL,
    BAD_SILENT,
    BAD_STRANGE_STATUS,
    BAD_HIDDEN_FAIL,
    BAD_LATE_SETUP,
    BAD_GEMM_SHAPE,
    BAD_GEMM_DTYPE,
    BAD_GEMM_NO_DATA,
    BAD_SUM_TO,
    BAD_BACKWARD,
    BAD_GIVES_NOTHING,
    BAD_SHAPE_OF_OPS,
    BAD_NULL_OPS,
    BAD_TWO_FAILS,
    BAD_COMPOSE_FAIL,
    BAD_RANK_OF_PORT,
    BAD_SUM_TO_RANK,
    BAD_UNIFORM,
    BAD_CONV_RANK,
    BAD_CONV_WORK,
    BAD_CONV_GROUPS,
    BAD_CONV_STRIDES,
    BAD_CONV_SHARED
};
static int bad_how(const luron_call *c) { return ((const fake_bad *)luron_options(c))->how; }

static luron_status bad_declare(luron_call *c) {
    const int64_t shape[1] = {2}, negative[1] = {-2};
    switch (bad_how(c)) {
    case BAD_DECLARE_SET_OUT: return c->host->set_out(c, 0, LURON_REAL, 1, shape);
    case BAD_PARAM_SLOT: return c->host->declare_param(c, 16, "w", 1, shape, luron_init_zeros());
    case BAD_PARAM_NAME: return c->host->declare_param(c, 0, "a/b", 1, shape, luron_init_zeros());
    case BAD_PARAM_SHAPE: return c->host->declare_param(c, 0, "w", 1, negative, luron_init_zeros());
    case BAD_PARAM_TWICE:
        LURON_TRY(c->host->declare_param(c, 0, "w", 1, shape, luron_init_zeros()));
        return c->host->declare_state(c, 0, "w", LURON_REAL, 1, shape, luron_init_zeros());
    default: return LURON_OK;
    }
}
static luron_status bad_setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    const int64_t negative[1] = {-3}, many[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1},
                  huge[3] = {1ll << 40, 1ll << 40, 1ll << 40};
    switch (bad_how(c)) {
    case BAD_NEGATIVE: return c->host->set_out(c, 0, LURON_REAL, 1, negative);
    case BAD_RANK: return c->host->set_out(c, 0, LURON_REAL, 9, many);
    case BAD_OVERFLOW: return c->host->set_out(c, 0, LURON_REAL, 3, huge);
    case BAD_DTYPE: return c->host->set_out(c, 0, 0x999u, 1, x->shape);
    case BAD_WRONG_DTYPE: return c->host->set_out(c, 0, LURON_I64, x->ndim, x->shape);
    case BAD_RANK_OF_PORT: return c->host->set_out(c, 0, LURON_REAL, 1, x->shape);
    case BAD_OUTPUT_SLOT: return c->host->set_out(c, 16, LURON_REAL, x->ndim, x->shape);
    case BAD_NO_OUTPUT: return LURON_OK;
    case BAD_SAVED_SLOT: return c->host->declare_saved(c, -1, LURON_REAL, x->ndim, x->shape);
    case BAD_SCRATCH: return c->host->declare_scratch(c, -8);
    default: return luron_set_out_like(c, 0, x);
    }
}
static luron_status bad_gemm(luron_call *c, const luron_view *a, const luron_view *b) {
    luron_gemm g = {sizeof g, 0, a, b, NULL, luron_out(c, 0), 0};
    return c->host->gemm(c, &g);
}
/* One picture of one channel with x's numbers, and a kernel that is its first one. */
static luron_status bad_conv(luron_call *c) {
    luron_view *y = luron_out(c, 0);
    int64_t shape[4] = {1, 1, y->shape[0], y->shape[1]}, ones[4] = {1, 1, 1, 1}, strides[4] = {6, 6, 1, 2};
    luron_view x = *luron_in(c, 0), w = x, out = *y;
    luron_conv v = {.struct_size = sizeof v, .x = &x, .w = &w, .out = &out, .stride = {1, 1}, .dilation = {1, 1}, .groups = 1};
    x.ndim = w.ndim = out.ndim = 4, x.strides = w.strides = out.strides = NULL;
    x.shape = out.shape = shape, w.shape = ones;
    switch (bad_how(c)) {
    case BAD_CONV_RANK: w.ndim = 1 << 30; break;
    case BAD_CONV_WORK: w.shape = shape; break;
    case BAD_CONV_GROUPS: ones[0] = 0, ones[1] = 2, v.groups = INT64_MAX; break;
    case BAD_CONV_STRIDES: x.strides = strides; break;
    default: out.data = x.data, out.byte_offset = x.byte_offset + sizeof(float); /* BAD_CONV_SHARED */
    }
    return c->host->conv(c, &v);
}
static luron_status bad_forward(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    const int64_t shape[1] = {7};
    luron_view other = *x, *y = luron_out(c, 0);
    for (int64_t i = 0; i < luron_numel(x); i++) fake_put(y, i, fake_get(x, i));
    switch (bad_how(c)) {
    case BAD_FAIL: return luron_fail(c, LURON_E_RANGE, "%d is too much", 12);
    case BAD_SILENT: return LURON_E_UNSUPPORTED;
    case BAD_STRANGE_STATUS: return 77;
    case BAD_HIDDEN_FAIL: luron_fail(c, LURON_E_RANGE, "said, and then forgotten"); return LURON_OK;
    case BAD_TWO_FAILS: luron_fail(c, LURON_E_RANGE, "the first"); return luron_fail(c, LURON_E_SHAPE, "the second");
    case BAD_LATE_SETUP: return c->host->set_out(c, 0, LURON_REAL, x->ndim, x->shape);
    case BAD_GEMM_SHAPE: return bad_gemm(c, x, x);
    case BAD_GEMM_DTYPE: other.dtype_bits = 64; return bad_gemm(c, &other, x);
    case BAD_GEMM_NO_DATA: other.data = NULL; return bad_gemm(c, &other, x);
    case BAD_SUM_TO: other.ndim = 1, other.shape = (int64_t *)shape; return c->host->sum_to(c, x, &other, 0);
    case BAD_SUM_TO_RANK: other.ndim = 1 << 30; return c->host->sum_to(c, x, &other, 0);
    case BAD_UNIFORM: c->host->rand_uniform(c, 1, -5, 2, luron_data(y)); return LURON_OK;
    case BAD_CONV_RANK:
    case BAD_CONV_WORK:
    case BAD_CONV_GROUPS:
    case BAD_CONV_STRIDES:
    case BAD_CONV_SHARED: return bad_conv(c);
    default: return LURON_OK;
    }
}
static luron_status bad_backward(luron_call *c) {
    if (bad_how(c) == BAD_GIVES_NOTHING) return LURON_OK;
    luron_view *g = luron_grad_in(c, 0);
    if (g) fake_put(g, 0, 1e9);
    return bad_how(c) == BAD_BACKWARD ? luron_fail(c, LURON_E_RANGE, "not backwards") : LURON_OK;
}
static luron_status bad_compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0);
    switch (bad_how(c)) {
    case BAD_NO_OUTPUT: return LURON_OK;
    case BAD_OUTPUT_SLOT: return o->set_out(c, 1, x);
    case BAD_SHAPE_OF_OPS: return o->set_out(c, 0, o->sum(c, x, 0, NULL, 0));
    case BAD_NULL_OPS: return o->set_out(c, 0, o->add(c, x, o->in(c, 1)));
    case BAD_COMPOSE_FAIL: /* the first error sticks: what comes after it gives NULL */
        if (o->exp(c, o->matmul(c, x, x, 0))) return luron_fail(c, LURON_E_INTERNAL, "an error did not stick");
        if (o->exp(c, x) || o->in(c, 0)) return luron_fail(c, LURON_E_INTERNAL, "an error did not stick");
        return o->set_out(c, 0, x);
    default: return o->set_out(c, 0, o->scale(c, x, 1, 0));
    }
}
static const luron_option *const bad_options[] = {LURON_OPT_CHOICE(fake_bad, how, "none", bad_ways, "what goes wrong"),
                                                  NULL};
static const luron_port *const bad_in[] = {LURON_PORT("input", 0, LURON_REAL, 2, "(n, m)"), NULL};
static const luron_port *const bad_out[] = {LURON_PORT("output", 0, LURON_REAL, 2, "(n, m)"), NULL};
static const luron_layer_type bad_type = {.struct_size = sizeof bad_type,
                                          .name = "Bad",
                                          .options = bad_options,
                                          .options_size = sizeof(fake_bad),
                                          .in = bad_in,
                                          .out = bad_out,
                                          .declare = bad_declare,
                                          .setup = bad_setup,
                                          .forward = bad_forward,
                                          .backward = bad_backward,
                                          .compose = bad_compose};
static const luron_layer_type bad_ops_type = {.struct_size = sizeof bad_ops_type,
                                              .name = "BadOps",
                                              .options = bad_options,
                                              .options_size = sizeof(fake_bad),
                                              .in = bad_in,
                                              .setup = bad_setup,
                                              .compose = bad_compose};
