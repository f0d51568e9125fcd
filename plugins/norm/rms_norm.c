/* rms_norm.c: each row over the root of the mean of its squares. x (..., normalized_shape) -> y as x. Zhang and
 * Sennrich, 2019. */
#include "norm.h"
#include <float.h>

static double eps_of(const luron_call *c) {
    const double eps = ((const norm *)luron_options(c))->eps;
    return eps >= 0 ? eps : c->dtype == LURON_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
}
static luron_status forward(luron_call *c) { return norm_rows_forward(c, 0, eps_of(c)); }
static luron_status backward(luron_call *c) { return norm_rows_backward(c, 0); }
static luron_status compose(luron_call *c, const luron_ops *o) {
    const int n = (int)((const norm *)luron_options(c))->normalized_shape.n;
    luron_tensor *x = o->in(c, 0);
    int dims[8];
    for (int i = 0; i < n; i++)
        dims[i] = i - n;
    x = o->mul(c, x, o->rsqrt(c, o->scale(c, o->mean(c, o->square(c, x), n, dims, 1), 1, eps_of(c))));
    return o->set_out(c, 0, luron_param(c, WEIGHT) ? o->mul(c, x, o->param(c, WEIGHT)) : x);
}

static const luron_option *const options[] = {
    LURON_OPT_INTS_REQ(norm, normalized_shape, 1, 1e9, 1, 8, "sizes of the last dims, over which it goes"),
    LURON_OPT_FLOAT(norm, eps, -1, -1, 1e9,
                    "added to the mean of the squares; negative: the machine epsilon of the dtype"),
    LURON_OPT_BOOL(norm, elementwise_affine, 1, "a weight for each number of a row"),
    LURON_OPT_INITIALISER(norm, weight_init, "first weights; nil: ones"), NULL};
static const luron_port *const in[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(..., normalized_shape)"), NULL};
const luron_layer_type norm_rms = {.struct_size = sizeof(luron_layer_type),
                                   .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT,
                                   .name = "RMSNorm",
                                   .doc = "each row with a mean square of 1",
                                   .options = options,
                                   .options_size = sizeof(norm),
                                   .in = in,
                                   .declare = norm_rows_declare,
                                   .setup = norm_rows_setup,
                                   .forward = forward,
                                   .backward = backward,
                                   .compose = compose};
