/* radam.c: Adam whose first steps, while the mean square rests on few numbers, are lr m' alone; later lr r m' sqrt(1 - beta2^t)
 * / (sqrt(v) + eps), where r makes up for the variance of v.                                                              */
#ifndef REAL
#include "optim.h"
typedef struct radam { double lr, beta1, beta2, eps, weight_decay; int32_t decoupled_weight_decay, maximize; } radam;
enum { SIZE, SCALED, T, N }; /* scalars: the factor before m or m / (sqrt(v) + eps); which of the two; t */
static void correct(const radam *o, double t, double *to) {
    const double power = pow(o->beta2, t), most = 2 / (1 - o->beta2) - 1, length = most - 2 * t * power / (1 - power);
    const double variance = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length);
    to[SCALED] = length > 5, to[T] = t;
    to[SIZE] = o->lr / (1 - pow(o->beta1, t)) * (length > 5 ? sqrt((1 - power) * variance) : 1);
}
#define REAL float
#include "radam.c"
#define REAL double
#include "radam.c"

static void begin(luron_step *s) { correct(s->options, (double)s->t, s->scalars); }
LOOP_STEP(step)
static const luron_option *const options[] = { OPT_LR(radam, 1e-3), OPT_BETA1(radam, 0.9), OPT_BETA2(radam, 0.999), OPT_EPS(radam, 1e-8),
    OPT_WEIGHT_DECAY(radam, 0, "times the parameter, added to the gradient"), OPT_DECOUPLED(radam), OPT_MAXIMIZE(radam), NULL };
static const char *const state[] = { "exp_avg", "exp_avg_sq", NULL }, *const scalars[] = { "size", "scaled", "t", NULL };
const luron_optim_type optim_radam = { .struct_size = sizeof(luron_optim_type), .name = "RAdam", .doc = "Adam that warms up by itself",
    .options = options, .options_size = sizeof(radam), .state = state, .scalars = scalars, .begin = begin, .step = step };
#else
LOOP TYPED(step)(luron_step *s) {
    const radam *o = s->options;
    const REAL beta1 = (REAL)o->beta1, beta2 = (REAL)o->beta2, rest1 = (REAL)(1 - o->beta1), rest2 = (REAL)(1 - o->beta2), eps = (REAL)o->eps;
    double own[N], *k = s->scalars;
    if (k[T] != (double)s->t) correct(o, (double)s->t, k = own); /* its first gradient came late */
    const REAL size = (REAL)k[SIZE], sign = o->maximize ? -1 : 1, *restrict grad = s->grad;
    const int apart = o->decoupled_weight_decay;
    const REAL added = apart ? 0 : (REAL)o->weight_decay, kept = apart ? (REAL)(1 - o->lr * o->weight_decay) : 1;
    const int scaled = k[SCALED] != 0;
    REAL *restrict p = s->param, *restrict m = s->state[0], *restrict v = s->state[1];
    for (int64_t i = 0; i < s->n; i++) {
        const REAL g = sign * grad[i] + added * p[i];
        m[i] = beta1 * m[i] + rest1 * g;
        v[i] = beta2 * v[i] + rest2 * g * g;
        p[i] = kept * p[i] - size * m[i] / (scaled ? ROOT(v[i]) + eps : 1);
    }
}
#undef REAL
#endif
