/* adam.c: m and v are running means of g and g^2, p -= lr m' / (sqrt(v') + eps), where ' takes out the start at 0.
 * Adam adds weight_decay p to the gradient; AdamW takes lr weight_decay p off the parameter instead.                   */
#ifndef REAL
#include "optim.h"
typedef struct adam { double lr, beta1, beta2, eps, weight_decay; int32_t maximize, amsgrad; } adam;
enum { STEP_SIZE, ROOT_BIAS2, T, N }; /* scalars: lr / (1 - beta1^t), sqrt(1 - beta2^t), t */
static void correct(const adam *o, double t, double *to) {
    to[STEP_SIZE] = o->lr / (1 - pow(o->beta1, t)), to[ROOT_BIAS2] = sqrt(1 - pow(o->beta2, t)), to[T] = t;
}
#define REAL float
#include "adam.c"
#define REAL double
#include "adam.c"

static void begin(luron_step *s) { correct(s->options, (double)s->t, s->scalars); }
LOOP_STEP(step) LOOP_STEP(step_w)
#define OPTIONS(decay, doc)                                                                                            \
    OPT_LR(adam, 1e-3), OPT(adam, beta1, 0.9, BELOW_ONE, "share of the mean gradient that is kept"),                   \
    OPT(adam, beta2, 0.999, BELOW_ONE, "share of the mean square that is kept"),                                       \
    OPT(adam, eps, 1e-8, ANY_SIZE, "keeps the divisor off 0"), OPT_WEIGHT_DECAY(adam, decay, doc), OPT_MAXIMIZE(adam), \
    LURON_OPT_BOOL(adam, amsgrad, 0, "divide by the largest mean square so far"), NULL
static const luron_option *const options[] = { OPTIONS(0, "times the parameter, added to the gradient") };
static const luron_option *const options_w[] = { OPTIONS(0.01, "times lr, taken off the parameter") };
static int keeps(const void *o, int i) { return i < 2 || ((const adam *)o)->amsgrad; }
static const char *const state[] = { "exp_avg", "exp_avg_sq", "max_exp_avg_sq", NULL }, *const scalars[] = { "step_size", "root_bias2", "t", NULL };
const luron_optim_type optim_adam = { .struct_size = sizeof(luron_optim_type), .name = "Adam",
    .doc = "steps scaled by running means of gradient and square", .options = options, .options_size = sizeof(adam), .state = state,
    .scalars = scalars, .begin = begin, .step = step, .keeps = keeps };
const luron_optim_type optim_adamw = { .struct_size = sizeof(luron_optim_type), .name = "AdamW",
    .doc = "Adam with weight decay apart from the gradient", .options = options_w, .options_size = sizeof(adam), .state = state,
    .scalars = scalars, .begin = begin, .step = step_w, .keeps = keeps };
#else
LOOP TYPED(update)(luron_step *s, int apart) {
    const adam *o = s->options;
    const REAL beta1 = (REAL)o->beta1, beta2 = (REAL)o->beta2, rest1 = (REAL)(1 - o->beta1), rest2 = (REAL)(1 - o->beta2);
    double own[N], *k = s->scalars;
    if (k[T] != (double)s->t) correct(o, (double)s->t, k = own); /* its first gradient came late */
    const REAL eps = (REAL)o->eps, size = (REAL)k[STEP_SIZE], root = (REAL)k[ROOT_BIAS2];
    const REAL sign = o->maximize ? -1 : 1, *restrict grad = s->grad;
    const REAL added = apart ? 0 : (REAL)o->weight_decay, kept = apart ? (REAL)(1 - o->lr * o->weight_decay) : 1;
    REAL *restrict p = s->param, *restrict m = s->state[0], *restrict v = s->state[1], *restrict most = s->state[2];
    for (int64_t i = 0; i < s->n; i++) {
        const REAL g = sign * grad[i] + added * p[i];
        m[i] = beta1 * m[i] + rest1 * g;
        v[i] = beta2 * v[i] + rest2 * g * g;
        const REAL by = o->amsgrad ? most[i] = most[i] > v[i] ? most[i] : v[i] : v[i];
        p[i] = kept * p[i] - size * m[i] / (ROOT(by) / root + eps);
    }
}
LOOP TYPED(step)(luron_step *s) { TYPED(update)(s, 0); }
LOOP TYPED(step_w)(luron_step *s) { TYPED(update)(s, 1); }
#undef REAL
#endif
