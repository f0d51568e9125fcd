/* nadam.c: Adam with Nesterov's momentum: m and v are running means of g and g^2, p -= (a g + b m) / (sqrt(v') + eps), where
 * a and b follow a share of momentum mu that grows from beta1 / 2 to beta1.                                             */
#ifndef REAL
#include "optim.h"
typedef struct nadam { double lr, beta1, beta2, eps, weight_decay, momentum_decay; int32_t decoupled_weight_decay, maximize; } nadam;
enum { GRAD_SIZE, MEAN_SIZE, ROOT_BIAS2, T, N }; /* scalars: a, b, sqrt(1 - beta2^t), t */
static double share(const nadam *o, double t) { return o->beta1 * (1 - 0.5 * pow(0.96, t * o->momentum_decay)); }
static void correct(const nadam *o, double t, double *to) {
    double product = 1; /* of all shares so far; further ones make no difference when it is lost beside 1 */
    for (double k = 1; k <= t && product > 0x1p-60; k++) product *= share(o, k);
    to[GRAD_SIZE] = o->lr * (1 - share(o, t)) / (1 - product);
    to[MEAN_SIZE] = o->lr * share(o, t + 1) / (1 - product * share(o, t + 1));
    to[ROOT_BIAS2] = sqrt(1 - pow(o->beta2, t)), to[T] = t;
}
#define REAL float
#include "nadam.c"
#define REAL double
#include "nadam.c"

static void begin(luron_step *s) { correct(s->options, (double)s->t, s->scalars); }
LOOP_STEP(step)
static const luron_option *const options[] = { OPT_LR(nadam, 2e-3), OPT_BETA1(nadam, 0.9), OPT_BETA2(nadam, 0.999), OPT_EPS(nadam, 1e-8),
    OPT_WEIGHT_DECAY(nadam, 0, "times the parameter, added to the gradient"),
    OPT(nadam, momentum_decay, 4e-3, ANY_SIZE, "how fast the share of momentum grows"), OPT_DECOUPLED(nadam), OPT_MAXIMIZE(nadam), NULL };
static const char *const state[] = { "exp_avg", "exp_avg_sq", NULL }, *const scalars[] = { "grad_size", "mean_size", "root_bias2", "t", NULL };
const luron_optim_type optim_nadam = { .struct_size = sizeof(luron_optim_type), .name = "NAdam", .doc = "Adam with Nesterov's momentum",
    .options = options, .options_size = sizeof(nadam), .state = state, .scalars = scalars, .begin = begin, .step = step };
#else
LOOP TYPED(step)(luron_step *s) {
    const nadam *o = s->options;
    const REAL beta1 = (REAL)o->beta1, beta2 = (REAL)o->beta2, rest1 = (REAL)(1 - o->beta1), rest2 = (REAL)(1 - o->beta2), eps = (REAL)o->eps;
    double own[N], *k = s->scalars;
    if (k[T] != (double)s->t) correct(o, (double)s->t, k = own); /* its first gradient came late */
    const REAL a = (REAL)k[GRAD_SIZE], b = (REAL)k[MEAN_SIZE], root = (REAL)k[ROOT_BIAS2], sign = o->maximize ? -1 : 1, *restrict grad = s->grad;
    const int apart = o->decoupled_weight_decay;
    const REAL added = apart ? 0 : (REAL)o->weight_decay, kept = apart ? (REAL)(1 - o->lr * o->weight_decay) : 1;
    REAL *restrict p = s->param, *restrict m = s->state[0], *restrict v = s->state[1];
    for (int64_t i = 0; i < s->n; i++) {
        const REAL g = sign * grad[i] + added * p[i];
        m[i] = beta1 * m[i] + rest1 * g;
        v[i] = beta2 * v[i] + rest2 * g * g;
        p[i] = kept * p[i] - (a * g + b * m[i]) / (ROOT(v[i]) / root + eps);
    }
}
#undef REAL
#endif
