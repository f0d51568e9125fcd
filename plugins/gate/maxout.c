/* maxout.c: y = the largest of each of num_units runs of neighbours along dim. Goodfellow et al., 2013. */
#include "gate.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    const int64_t units = ((const gate *)luron_options(c))->num_units;
    const luron_view *x = luron_in(c, 0);
    int64_t shape[9];
    int at = 0;
    LURON_TRY(gate_dim(c, &at));
    if (x->ndim > 7) return luron_fail(c, LURON_E_SHAPE, "input has 8 dimensions, at most 7 expected");
    if (x->shape[at] % units || x->shape[at] == 0)
        return luron_fail(c, LURON_E_SHAPE,
                          "input has size %lld in dimension %lld, which num_units = %lld does not divide",
                          (long long)x->shape[at], (long long)luron_shown(c, at), (long long)units);
    for (int i = 0; i <= x->ndim; i++)
        shape[i] = i < at ? x->shape[i] : i == at ? units : i == at + 1 ? x->shape[at] / units : x->shape[i - 1];
    const int run = at + 1;
    return o->set_out(c, 0, o->amax(c, o->reshape(c, o->in(c, 0), x->ndim + 1, shape), 1, &run, 0));
}
static const luron_option *const options[] = {LURON_OPT_INT_REQ(gate, num_units, 1, 1e9, "numbers that are left"),
                                              LURON_OPT_AXIS(gate, dim, -1, "along which they lie"), NULL};
const luron_layer_type gate_maxout = {GATE_TYPE("Maxout", "maxout", "the largest of each run of neighbours"),
                                      GATE_OPTIONS};
