/* adadelta.c: s and d are running means of g^2 and of the squared step, step = g sqrt(d + eps) / sqrt(s + eps), p -= lr step. */
#ifndef REAL
#include "optim.h"
typedef struct adadelta { double lr, rho, eps, weight_decay; int32_t maximize; } adadelta;
#define REAL float
#include "adadelta.c"
#define REAL double
#include "adadelta.c"

LOOP_STEP(step)
static const luron_option *const options[] = { OPT_LR(adadelta, 1), OPT(adadelta, rho, 0.9, 1, "share of both means that is kept"),
    OPT_EPS(adadelta, 1e-6), OPT_WEIGHT_DECAY(adadelta, 0, "times the parameter, added to the gradient"), OPT_MAXIMIZE(adadelta), NULL };
static const char *const state[] = { "square_avg", "acc_delta", NULL };
const luron_optim_type optim_adadelta = { .struct_size = sizeof(luron_optim_type), .name = "Adadelta",
    .doc = "steps as large as recent ones were", .options = options, .options_size = sizeof(adadelta), .state = state, .step = step };
#else
LOOP TYPED(step)(luron_step *s) {
    const adadelta *o = s->options;
    const REAL lr = (REAL)o->lr, rho = (REAL)o->rho, rest = (REAL)(1 - o->rho), eps = (REAL)o->eps, decay = (REAL)o->weight_decay;
    const REAL sign = o->maximize ? -1 : 1, *restrict grad = s->grad;
    REAL *restrict p = s->param, *restrict square = s->state[0], *restrict moved = s->state[1];
    for (int64_t i = 0; i < s->n; i++) {
        const REAL g = sign * grad[i] + decay * p[i];
        square[i] = rho * square[i] + rest * g * g;
        const REAL by = ROOT(moved[i] + eps) / ROOT(square[i] + eps) * g;
        moved[i] = rho * moved[i] + rest * by * by;
        p[i] -= lr * by;
    }
}
#undef REAL
#endif
