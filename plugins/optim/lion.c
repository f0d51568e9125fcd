/* lion.c: p -= lr (sign(beta1 m + (1 - beta1) g) + weight_decay p), then m = beta2 m + (1 - beta2) g (Chen et al., 2023). */
#ifndef REAL
#include "optim.h"
typedef struct lion { double lr, beta1, beta2, weight_decay; int32_t maximize; } lion;
#define REAL float
#include "lion.c"
#define REAL double
#include "lion.c"

LOOP_STEP(step)
static const luron_option *const options[] = { OPT_LR(lion, 1e-3), OPT(lion, beta1, 0.9, BELOW_ONE, "share of the mean gradient in the step"),
    OPT(lion, beta2, 0.99, BELOW_ONE, "share of the mean gradient that is kept"),
    OPT_WEIGHT_DECAY(lion, 0, "times lr, taken off the parameter"), OPT_MAXIMIZE(lion), NULL };
static const char *const state[] = { "exp_avg", NULL };
const luron_optim_type optim_lion = { .struct_size = sizeof(luron_optim_type), .name = "Lion",
    .doc = "steps by the sign of the mean gradient", .options = options, .options_size = sizeof(lion), .state = state, .step = step };
#else
LOOP TYPED(step)(luron_step *s) {
    const lion *o = s->options;
    const REAL beta1 = (REAL)o->beta1, beta2 = (REAL)o->beta2, rest1 = (REAL)(1 - o->beta1), rest2 = (REAL)(1 - o->beta2);
    const REAL lr = (REAL)o->lr, kept = (REAL)(1 - o->lr * o->weight_decay), sign = o->maximize ? -1 : 1, *restrict grad = s->grad;
    REAL *restrict p = s->param, *restrict m = s->state[0];
    for (int64_t i = 0; i < s->n; i++) {
        const REAL g = sign * grad[i], way = beta1 * m[i] + rest1 * g;
        p[i] = kept * p[i] - lr * (REAL)((way > 0) - (way < 0));
        m[i] = beta2 * m[i] + rest2 * g;
    }
}
#undef REAL
#endif
