/* softmin.c: softmax(-x) along dim. */
#include "gate.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    const int64_t dim = ((const gate *)luron_options(c))->dim;
    return o->set_out(c, 0, o->softmax(c, o->neg(c, o->in(c, 0)), dim == (int)dim ? (int)dim : INT32_MAX));
}
static const luron_option *const options[] = {LURON_OPT_AXIS(gate, dim, -1, "along which the results sum to 1"), NULL};
const luron_layer_type gate_softmin = {GATE_TYPE("Softmin", "softmin", "exp(-x) divided by its sum along dim"),
                                       GATE_OPTIONS};
