/* rprop.c: a step size for each number, lr at first, which grows while the gradient keeps its sign and shrinks when it turns;
 * p -= size sign(g), and no step where it has just turned. For whole batches: the size of the gradient says nothing here.     */
#ifndef REAL
#include "optim.h"
typedef struct rprop { double lr, etaminus, etaplus, step_size_min, step_size_max; int32_t maximize; } rprop;
#define REAL float
#include "rprop.c"
#define REAL double
#include "rprop.c"

LOOP_STEP(step)
static const luron_option *const options[] = { OPT(rprop, lr, 1e-2, ANY_SIZE, "step size at first"),
    LURON_OPT_FLOAT(rprop, etaminus, 0.5, 1e-300, BELOW_ONE, "times the step size where the gradient turned"),
    LURON_OPT_FLOAT(rprop, etaplus, 1.2, 1 + 0x1p-52, ANY_SIZE, "times the step size where it did not"),
    OPT(rprop, step_size_min, 1e-6, ANY_SIZE, "smallest step"), OPT(rprop, step_size_max, 50, ANY_SIZE, "largest step"), OPT_MAXIMIZE(rprop), NULL };
static const char *const state[] = { "prev", "step_size", NULL };
const luron_optim_type optim_rprop = { .struct_size = sizeof(luron_optim_type), .name = "Rprop",
    .doc = "steps by the sign of the gradient, for whole batches", .options = options, .options_size = sizeof(rprop), .state = state, .step = step };
#else
LOOP TYPED(step)(luron_step *s) {
    const rprop *o = s->options;
    const REAL minus = (REAL)o->etaminus, plus = (REAL)o->etaplus, least = (REAL)o->step_size_min, most = (REAL)o->step_size_max;
    const REAL first = (REAL)o->lr, sign = o->maximize ? -1 : 1, *restrict grad = s->grad;
    REAL *restrict p = s->param, *restrict last = s->state[0], *restrict size = s->state[1];
    for (int64_t i = 0; i < s->n; i++) {
        const REAL g = sign * grad[i], same = g * last[i];
        const REAL by = (s->t == 1 ? first : size[i]) * (same > 0 ? plus : same < 0 ? minus : 1), floored = by < least ? least : by;
        size[i] = floored > most ? most : floored;
        last[i] = same < 0 ? 0 : g;
        p[i] -= (REAL)((last[i] > 0) - (last[i] < 0)) * size[i];
    }
}
#undef REAL
#endif
