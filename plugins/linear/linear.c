/* linear.c: y = x W^T + b.  x (..., in), W (out, in), b (out) -> y (..., out). */
#include <luron/plugin.h>
#include <math.h>
#include <string.h>

enum { WEIGHT, BIAS };
typedef struct linear {
    int64_t in_features, out_features;
    int32_t bias;
    luron_named_init weight_init, bias_init;
} linear;

static luron_status declare(luron_call *c) {
    const linear *o = luron_options(c);
    double r = 1 / sqrt((double)o->in_features);
    const luron_init own = luron_init_uniform(-r, r);
    LURON_TRY(c->host->declare_param(c, WEIGHT, "weight", LURON_SHAPE(o->out_features, o->in_features), luron_init_or(&o->weight_init, own)));
    return o->bias ? c->host->declare_param(c, BIAS, "bias", LURON_SHAPE(o->out_features), luron_init_or(&o->bias_init, own)) : LURON_OK;
}

static luron_status setup(luron_call *c) {
    const linear *o = luron_options(c);
    const luron_view *x = luron_in(c, 0);
    int64_t shape[8];
    if (x->ndim < 1) return luron_fail(c, LURON_E_SHAPE, "input has no dimension, (..., in_features) expected");
    if (x->shape[x->ndim - 1] != o->in_features)
        return luron_fail(c, LURON_E_SHAPE, "input has %lld features, in_features is %lld", (long long)x->shape[x->ndim - 1], (long long)o->in_features);
    memcpy(shape, x->shape, (size_t)x->ndim * sizeof *shape);
    shape[x->ndim - 1] = o->out_features;
    return c->host->set_out(c, 0, LURON_REAL, x->ndim, shape);
}

/* v (..., n) as (rows, n); `shape` holds the new shape. */
static luron_view rows(const luron_view *v, int64_t shape[2]) {
    luron_view flat = *v;
    if (v->ndim == 2) return flat;
    shape[0] = 1, shape[1] = v->shape[v->ndim - 1];
    for (int d = 0; d < v->ndim - 1; d++) shape[0] *= v->shape[d];
    flat.ndim = 2, flat.shape = shape, flat.strides = NULL;
    return flat;
}

static luron_status forward(luron_call *c) {
    int64_t xs[2], ys[2];
    luron_view x = rows(luron_in(c, 0), xs), y = rows(luron_out(c, 0), ys);
    luron_gemm g = { sizeof g, LURON_TRANS_B, &x, luron_param(c, WEIGHT), luron_param(c, BIAS), &y, 0 };
    return c->host->gemm(c, &g);
}

static luron_status backward(luron_call *c) {
    int64_t gys[2], xs[2];
    double beta;
    luron_view gy = rows(luron_grad_out(c, 0), gys), x = rows(luron_in(c, 0), xs);
    luron_view *gx = luron_grad_in_beta(c, 0, &beta);
    if (gx) {
        luron_view to = rows(gx, xs);
        luron_gemm g = { sizeof g, 0, &gy, luron_param(c, WEIGHT), NULL, &to, beta };
        LURON_TRY(c->host->gemm(c, &g));
    }
    luron_view *gw = luron_grad_param_beta(c, WEIGHT, &beta);
    if (gw) {
        luron_gemm g = { sizeof g, LURON_TRANS_A, &gy, &x, NULL, gw, beta };
        LURON_TRY(c->host->gemm(c, &g));
    }
    luron_view *gb = luron_grad_param_beta(c, BIAS, &beta);
    return gb ? c->host->sum_to(c, &gy, gb, beta) : LURON_OK;
}

static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *y = o->matmul(c, o->in(c, 0), o->param(c, WEIGHT), LURON_TRANS_B);
    if (o->param(c, BIAS)) y = o->add_row(c, y, o->param(c, BIAS));
    return o->set_out(c, 0, y);
}

static const luron_option *const options[] = {
    LURON_OPT_INT_REQ(linear, in_features, 1, 1e9, "features in"), LURON_OPT_INT_REQ(linear, out_features, 1, 1e9, "features out"),
    LURON_OPT_BOOL(linear, bias, 1, "add a bias"), LURON_OPT_INITIALISER(linear, weight_init, "first weights; nil: uniform within 1 / sqrt(in_features)"),
    LURON_OPT_INITIALISER(linear, bias_init, "first biases; nil: as the weights"), NULL };
static const luron_port *const in[] = { LURON_PORT("input", 0, LURON_REAL, 0, "(..., in_features)"), NULL };
static const luron_layer_type type = {
    .struct_size = sizeof type, .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT | LURON_LAYER_GEMM_LAST, .name = "Linear", .doc = "x W^T + b",
    .options = options, .options_size = sizeof(linear), .in = in,
    .declare = declare, .setup = setup, .forward = forward, .backward = backward, .compose = compose };
extern const luron_layer_type linear_bilinear, linear_einsum_dense;
static const luron_layer_type *const layers[] = { &type, &linear_bilinear, &linear_einsum_dense, NULL };
LURON_PLUGIN_DEFINE(linear) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "linear", .version = "1.0.0", .layers = layers };
