/* glu.c: y = a sigmoid(b) of the halves a and b of x along dim. Dauphin et al., 2017. */
#include "gate.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    int at = 0;
    LURON_TRY(gate_dim(c, &at));
    const int64_t n = luron_in(c, 0)->shape[at];
    if (n % 2)
        return luron_fail(c, LURON_E_SHAPE, "input has size %lld in dimension %lld: two halves expected", (long long)n,
                          (long long)luron_shown(c, at));
    luron_tensor *x = o->in(c, 0);
    return o->set_out(c, 0, o->mul(c, o->narrow(c, x, at, 0, n / 2), o->sigmoid(c, o->narrow(c, x, at, n / 2, n / 2))));
}
static const luron_option *const options[] = {LURON_OPT_AXIS(gate, dim, -1, "that is halved"), NULL};
const luron_layer_type gate_glu = {GATE_TYPE("GLU", "glu", "one half times the sigmoid of the other"), GATE_OPTIONS};
