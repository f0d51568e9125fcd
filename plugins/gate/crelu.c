/* crelu.c: y = max(x, 0) beside max(-x, 0) along dim. Shang et al., 2016. */
#include "gate.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    int at = 0;
    LURON_TRY(gate_dim(c, &at));
    luron_tensor *x = o->in(c, 0), *zero = o->scalar(c, 0);
    luron_tensor *halves[2] = {o->where(c, o->le(c, x, zero), zero, x),
                               o->where(c, o->ge(c, x, zero), zero, o->neg(c, x))}; /* NaN stays */
    return o->set_out(c, 0, o->cat(c, 2, halves, at));
}
static const luron_option *const options[] = {LURON_OPT_AXIS(gate, dim, 1, "that doubles"), NULL};
const luron_layer_type gate_crelu = {
    GATE_TYPE("CReLU", "crelu", "what is positive beside what is negative, without signs"), GATE_OPTIONS};
