/* einsum_dense.c: y = einsum(equation, x, W) + b, as Keras's EinsumDense: "abc,cd->abd" is a Linear. The shapes of W
 * and of b, which broadcasts with the result, are given, where Keras finds them out from the first input. */
#include <luron/plugin.h>
#include <math.h>

enum { WEIGHT, BIAS };
typedef struct einsum_dense {
    const char *equation;
    luron_ints weight_shape, bias_shape;
    luron_named_init weight_init, bias_init;
} einsum_dense;
extern const luron_layer_type linear_einsum_dense;

/* Keras's glorot_uniform: the last two dims are those of a matrix, the others places of a kernel. */
static luron_init own_init(const luron_ints *s) {
    double places = 1, ends = (double)(s->n > 1 ? s->at[s->n - 2] + s->at[s->n - 1] : 2 * s->at[0]);
    for (int i = 0; i < s->n - 2; i++)
        places *= (double)s->at[i];
    const double r = sqrt(6 / (places * ends));
    return luron_init_uniform(-r, r);
}
static luron_status declare(luron_call *c) {
    const einsum_dense *o = luron_options(c);
    LURON_TRY(c->host->declare_param(c, WEIGHT, "weight", (int)o->weight_shape.n, o->weight_shape.at,
                                     luron_init_or(&o->weight_init, own_init(&o->weight_shape))));
    if (o->bias_shape.n == 1 && o->bias_shape.at[0] == 0) return LURON_OK;
    for (int i = 0; i < o->bias_shape.n; i++)
        if (o->bias_shape.at[i] < 1)
            return luron_fail(c, LURON_E_ARGUMENT, "bias_shape has a size of 0; 0 alone stands for no bias");
    return c->host->declare_param(c, BIAS, "bias", (int)o->bias_shape.n, o->bias_shape.at,
                                  luron_init_or(&o->bias_init, luron_init_zeros()));
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *ins[] = {o->in(c, 0), o->param(c, WEIGHT)}, *b = o->param(c, BIAS);
    luron_tensor *y = o->einsum(c, ((const einsum_dense *)luron_options(c))->equation, 2, ins);
    return o->set_out(c, 0, b ? o->add(c, y, b) : y);
}

static const luron_option *const options[] = {
    LURON_OPT_STRING(einsum_dense, equation, "...a,ab->...b", "of input and weight"),
    LURON_OPT_INTS_REQ(einsum_dense, weight_shape, 1, 1e9, 1, 8, "sizes of the weight"),
    LURON_OPT_INTS(einsum_dense, bias_shape, 0, 0, 1e9, 1, 8, "sizes of the bias, which broadcasts; 0: none"),
    LURON_OPT_INITIALISER(einsum_dense, weight_init, "first weights; nil: uniform, as Keras's glorot_uniform"),
    LURON_OPT_INITIALISER(einsum_dense, bias_init, "first biases; nil: zeros"),
    NULL};
const luron_layer_type linear_einsum_dense = {.struct_size = sizeof(luron_layer_type),
                                              .flags = LURON_LAYER_F64,
                                              .name = "EinsumDense",
                                              .doc = "einsum of input and weight, + b",
                                              .options = options,
                                              .options_size = sizeof(einsum_dense),
                                              .declare = declare,
                                              .compose = compose};
