/* product.h -- y = x w + b, in float32. BIAS_IN_GEMM: the gemm adds the bias, else a loop behind it does. */
#include <luron/plugin.h>

typedef struct product { int64_t in, out; } product;
static luron_status declare(luron_call *c) {
    const product *o = luron_options(c);
    LURON_TRY(c->host->declare_param(c, 0, "weight", LURON_SHAPE(o->in, o->out), luron_init_uniform(-1, 1)));
    return c->host->declare_param(c, 1, "bias", LURON_SHAPE(o->out), luron_init_uniform(-1, 1));
}
static luron_status setup(luron_call *c) {
    const product *o = luron_options(c);
    if (luron_in(c, 0)->shape[1] != o->in) return luron_fail(c, LURON_E_SHAPE, "%lld columns expected", (long long)o->in);
    return c->host->set_out(c, 0, LURON_REAL, LURON_SHAPE(luron_in(c, 0)->shape[0], o->out));
}
static luron_status forward(luron_call *c) {
    luron_view *y = luron_out(c, 0);
    luron_gemm g = { .struct_size = sizeof g, .a = luron_in(c, 0), .b = luron_param(c, 0), .out = y };
#ifdef BIAS_IN_GEMM
    g.bias = luron_param(c, 1);
#endif
    LURON_TRY(c->host->gemm(c, &g));
    for (int64_t i = 0; !g.bias && i < luron_numel(y); i++) luron_f32(y)[i] += luron_f32(luron_param(c, 1))[i % y->shape[1]];
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    const luron_view *gy = luron_grad_out(c, 0);
    luron_gemm g = { .struct_size = sizeof g, .flags = LURON_TRANS_B, .a = gy, .b = luron_param(c, 0) };
    if ((g.out = luron_grad_in_beta(c, 0, &g.beta))) LURON_TRY(c->host->gemm(c, &g));
    g = (luron_gemm){ .struct_size = sizeof g, .flags = LURON_TRANS_A, .a = luron_in(c, 0), .b = gy };
    if ((g.out = luron_grad_param_beta(c, 0, &g.beta))) LURON_TRY(c->host->gemm(c, &g));
    double beta;
    luron_view *gb = luron_grad_param_beta(c, 1, &beta);
    return gb ? c->host->sum_to(c, gy, gb, beta) : LURON_OK;
}
static const luron_option *const options[] = { LURON_OPT_INT_REQ(product, in, 1, 64, "columns"), LURON_OPT_INT_REQ(product, out, 1, 64, "columns of the result"),
                                               NULL };
static const luron_port *const in[] = { LURON_PORT("input", 0, LURON_REAL, 2, "rows"), NULL };
static const luron_layer_type type = { .struct_size = sizeof type, .flags = FLAGS, .name = "WrongProduct", .doc = "x w + b", .options = options,
                                       .options_size = sizeof(product), .in = in, .declare = declare, .setup = setup, .forward = forward, .backward = backward };
static const luron_layer_type *const layers[] = { &type, NULL };
LURON_PLUGIN_DEFINE(wrong) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "wrong", .version = "1", .layers = layers };
