/* softmax.c: core's op along a dimension, which complains about a dim that is not there. */
#include "activation.h"
typedef struct softmax { int64_t dim; } softmax;

static luron_status compose(luron_call *c, const luron_ops *o) {
    int64_t dim = ((const softmax *)c->options)->dim;
    return o->set_out(c, 0, o->softmax(c, o->in(c, 0), dim == (int)dim ? (int)dim : INT32_MAX));
}
static const luron_option *const options[] = { LURON_OPT_AXIS(softmax, dim, -1, "along which the results sum to 1"), NULL };
const luron_layer_type activation_softmax = { .struct_size = sizeof(luron_layer_type), .flags = LURON_LAYER_F64, .name = "Softmax",
    .function = "softmax", .doc = "exp(x) divided by its sum along dim", WITH_OPTIONS(softmax), .compose = compose };
