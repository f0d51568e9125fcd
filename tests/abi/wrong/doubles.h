/* doubles.h -- y = x weight, in both real types, for the plugins here that are wrong in float32 alone: IN_FLOAT(a, b) is a there and
 * b in float64.                                                                                                             */
#include <luron/plugin.h>

#define IN_FLOAT(a, b) (sizeof(T) == sizeof(float) ? (a) : (b))
#ifndef OF_X
#define OF_X 1
#endif
#ifndef OF_WEIGHT
#define OF_WEIGHT 1
#endif
#define FORWARD(REAL)                                                                        \
    do {                                                                                     \
        const REAL *x = luron_data(luron_in(c, 0)), *w = luron_data(luron_param(c, 0));      \
        REAL *y = luron_data(luron_out(c, 0));                                               \
        for (int64_t i = 0; i < n; i++) y[i] = x[i] * w[i % size];                           \
    } while (0)
#define BACKWARD(REAL)                                                                               \
    do {                                                                                             \
        typedef REAL T;                                                                              \
        const T *x = luron_data(luron_in(c, 0)), *w = luron_data(luron_param(c, 0)), *gy;            \
        T *gx = luron_data(luron_grad_in(c, 0)), *gw = luron_data(luron_grad_param(c, 0));           \
        gy = luron_data(luron_grad_out(c, 0));                                                       \
        for (int64_t i = 0; i < n; i++) {                                                            \
            if (gx) gx[i] += gy[i] * w[i % size] * OF_X;                                             \
            if (gw) gw[i % size] += gy[i] * x[i] * OF_WEIGHT;                                        \
        }                                                                                            \
    } while (0)

typedef struct scale { int64_t size; } scale;
static int64_t size_of(const luron_call *c) { return ((const scale *)luron_options(c))->size; }
static luron_status declare(luron_call *c) {
    return c->host->declare_param(c, 0, "weight", LURON_SHAPE(size_of(c)), luron_init_uniform(0.5, 1.5));
}
static luron_status setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    if (x->ndim < 1 || x->shape[x->ndim - 1] != size_of(c))
        return luron_fail(c, LURON_E_SHAPE, "input of shape (..., %lld) expected", (long long)size_of(c));
    return luron_set_out_like(c, 0, x);
}
static luron_status forward(luron_call *c) {
    const int64_t n = luron_numel(luron_in(c, 0)), size = size_of(c);
    if (c->dtype == LURON_F64) FORWARD(double);
    else FORWARD(float);
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    const int64_t n = luron_numel(luron_in(c, 0)), size = size_of(c);
    if (c->dtype == LURON_F64) BACKWARD(double);
    else BACKWARD(float);
    return LURON_OK;
}
static const luron_option *const options[] = { LURON_OPT_INT_REQ(scale, size, 1, 1e6, "size of the last dimension"), NULL };
static const luron_layer_type type = { .struct_size = sizeof type, .flags = LURON_LAYER_F64, .name = "WrongDoubles", .doc = "x weight", .options = options,
                                       .options_size = sizeof(scale), .declare = declare, .setup = setup, .forward = forward, .backward = backward };
static const luron_layer_type *const layers[] = { &type, NULL };
LURON_PLUGIN_DEFINE(wrong) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "wrong", .version = "1", .layers = layers };
