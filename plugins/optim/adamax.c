/* adamax.c: m is a running mean of g, u the largest |g| + eps so far, which fades by beta2; p -= lr m / (1 - beta1^t) / u. */
#ifndef REAL
#include "optim.h"
typedef struct adamax { double lr, beta1, beta2, eps, weight_decay; int32_t maximize; } adamax;
#define REAL float
#include "adamax.c"
#define REAL double
#include "adamax.c"

LOOP_STEP(step)
static const luron_option *const options[] = { OPT_LR(adamax, 2e-3), OPT_BETA1(adamax, 0.9),
    OPT(adamax, beta2, 0.999, BELOW_ONE, "share of the largest gradient that is kept"), OPT_EPS(adamax, 1e-8),
    OPT_WEIGHT_DECAY(adamax, 0, "times the parameter, added to the gradient"), OPT_MAXIMIZE(adamax), NULL };
static const char *const state[] = { "exp_avg", "exp_inf", NULL };
const luron_optim_type optim_adamax = { .struct_size = sizeof(luron_optim_type), .name = "Adamax",
    .doc = "Adam scaled by the largest gradient", .options = options, .options_size = sizeof(adamax), .state = state, .step = step };
#else
LOOP TYPED(step)(luron_step *s) {
    const adamax *o = s->options;
    const REAL beta1 = (REAL)o->beta1, beta2 = (REAL)o->beta2, rest1 = (REAL)(1 - o->beta1), eps = (REAL)o->eps, decay = (REAL)o->weight_decay;
    const REAL size = (REAL)(o->lr / (1 - pow(o->beta1, (double)s->t))), sign = o->maximize ? -1 : 1, *restrict grad = s->grad;
    REAL *restrict p = s->param, *restrict m = s->state[0], *restrict u = s->state[1];
    for (int64_t i = 0; i < s->n; i++) {
        const REAL g = sign * grad[i] + decay * p[i], now = (g < 0 ? -g : g) + eps, before = beta2 * u[i];
        m[i] = beta1 * m[i] + rest1 * g;
        u[i] = now > before ? now : before;
        p[i] -= size * m[i] / u[i];
    }
}
#undef REAL
#endif
