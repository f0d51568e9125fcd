/* log_softmax.c: core's op along a dimension, which complains about a dim that is not there. */
#include "activation.h"
typedef struct log_softmax { int64_t dim; } log_softmax;

static luron_status compose(luron_call *c, const luron_ops *o) {
    int64_t dim = ((const log_softmax *)c->options)->dim;
    return o->set_out(c, 0, o->log_softmax(c, o->in(c, 0), dim == (int)dim ? (int)dim : INT32_MAX));
}
static const luron_option *const options[] = { LURON_OPT_AXIS(log_softmax, dim, -1, "along which the probabilities sum to 1"), NULL };
const luron_layer_type activation_log_softmax = { .struct_size = sizeof(luron_layer_type), .flags = LURON_LAYER_F64, .name = "LogSoftmax",
    .function = "log_softmax", .doc = "log(softmax(x)), without overflow", WITH_OPTIONS(log_softmax), .compose = compose };
