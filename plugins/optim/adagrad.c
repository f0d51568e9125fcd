/* adagrad.c: s is the sum of g^2 (from initial_accumulator_value on), p -= lr' g / (sqrt(s) + eps) with
 * lr' = lr / (1 + (t - 1) lr_decay).                                                                                   */
#ifndef REAL
#include "optim.h"
typedef struct adagrad { double lr, lr_decay, weight_decay, initial_accumulator_value, eps; int32_t maximize; } adagrad;
#define REAL float
#include "adagrad.c"
#define REAL double
#include "adagrad.c"

LOOP_STEP(step)
static const luron_option *const options[] = { OPT_LR(adagrad, 1e-2), OPT(adagrad, lr_decay, 0, ANY_SIZE, "how fast the rate falls"),
    OPT_WEIGHT_DECAY(adagrad, 0, "times the parameter, added to the gradient"),
    OPT(adagrad, initial_accumulator_value, 0, ANY_SIZE, "added to the sum of squares"),
    OPT(adagrad, eps, 1e-10, ANY_SIZE, "keeps the divisor off 0"), OPT_MAXIMIZE(adagrad), NULL };
static const char *const state[] = { "sum", NULL };
const luron_optim_type optim_adagrad = { .struct_size = sizeof(luron_optim_type), .name = "Adagrad",
    .doc = "steps scaled by the sum of squares so far", .options = options, .options_size = sizeof(adagrad), .state = state, .step = step };
#else
LOOP TYPED(step)(luron_step *s) {
    const adagrad *o = s->options;
    const REAL rate = (REAL)(o->lr / (1 + (double)(s->t - 1) * o->lr_decay)), decay = (REAL)o->weight_decay, eps = (REAL)o->eps;
    const REAL start = (REAL)o->initial_accumulator_value, sign = o->maximize ? -1 : 1, *restrict grad = s->grad;
    REAL *restrict p = s->param, *restrict sum = s->state[0];
    for (int64_t i = 0; i < s->n; i++) {
        const REAL g = sign * grad[i] + decay * p[i];
        sum[i] += g * g;
        p[i] -= rate * g / (ROOT(sum[i] + start) + eps);
    }
}
#undef REAL
#endif
