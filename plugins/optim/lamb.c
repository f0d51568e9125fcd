/* lamb.c: u = m' / (sqrt(v') + eps) + weight_decay p as in Adam, and a step lr times as long as the parameter is:
 * p -= lr |p| / |u| u, with 1 in place of |p| / |u| where either is 0 (You et al., 2020). Lengths are sums over fixed chunks. */
#ifndef REAL
#include "optim.h"
typedef struct lamb { double lr, beta1, beta2, eps, weight_decay; int32_t maximize; } lamb;
typedef struct job { luron_step *s; double *sums, bias1, bias2, by; } job; /* sums: |p|^2 and |u|^2 of each chunk; by: lr |p| / |u| */
enum { GRAIN = 16384 };
#define REAL float
#include "lamb.c"
#define REAL double
#include "lamb.c"

static luron_status setup(luron_step *s) { return s->host->declare_scratch(s->call, (s->n / GRAIN + 1) * 2 * (int64_t)sizeof(double)); }
static void step(luron_step *s) {
    const lamb *o = s->options;
    job j = { s, luron_scratch(s->call), 1 - pow(o->beta1, (double)s->t), 1 - pow(o->beta2, (double)s->t), o->lr };
    double p = 0, u = 0;
    s->host->parallel_for(s->call, s->n, GRAIN, BY_TYPE(s, measure), &j);
    for (int64_t k = 0; k * GRAIN < s->n; k++) p += j.sums[2 * k], u += j.sums[2 * k + 1];
    if (p > 0 && u > 0) j.by *= sqrt(p) / sqrt(u);
    s->host->parallel_for(s->call, s->n, GRAIN, BY_TYPE(s, move), &j);
}
static const luron_option *const options[] = { OPT_LR(lamb, 1e-3), OPT_BETA1(lamb, 0.9), OPT_BETA2(lamb, 0.999), OPT_EPS(lamb, 1e-6),
    OPT_WEIGHT_DECAY(lamb, 0, "times the parameter, added to the step before it is scaled"), OPT_MAXIMIZE(lamb), NULL };
static const char *const state[] = { "exp_avg", "exp_avg_sq", NULL };
const luron_optim_type optim_lamb = { .struct_size = sizeof(luron_optim_type), .flags = LURON_OPTIM_WHOLE, .name = "LAMB",
    .doc = "Adam with steps as long as the parameter, for large batches", .options = options, .options_size = sizeof(lamb), .state = state,
    .setup = setup, .step = step };
#else
static REAL TYPED(way)(const job *j, int64_t i) {
    const lamb *o = j->s->options;
    const REAL *p = j->s->param, *m = j->s->state[0], *v = j->s->state[1];
    return m[i] / (REAL)j->bias1 / (ROOT(v[i] / (REAL)j->bias2) + (REAL)o->eps) + (REAL)o->weight_decay * p[i];
}
static void TYPED(measure)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const job *j = arg;
    const lamb *o = j->s->options;
    const REAL beta1 = (REAL)o->beta1, beta2 = (REAL)o->beta2, rest1 = (REAL)(1 - o->beta1), rest2 = (REAL)(1 - o->beta2);
    const REAL *grad = j->s->grad, *p = j->s->param, sign = o->maximize ? -1 : 1;
    REAL *m = j->s->state[0], *v = j->s->state[1];
    double of_p = 0, of_u = 0;
    for (int64_t i = begin; i < end; i++) {
        const REAL g = sign * grad[i];
        m[i] = beta1 * m[i] + rest1 * g;
        v[i] = beta2 * v[i] + rest2 * g * g;
        const double u = (double)TYPED(way)(j, i);
        of_p += (double)p[i] * (double)p[i], of_u += u * u;
    }
    j->sums[2 * chunk] = of_p, j->sums[2 * chunk + 1] = of_u;
}
static void TYPED(move)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const job *j = arg;
    REAL *p = j->s->param;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) p[i] -= (REAL)j->by * TYPED(way)(j, i);
}
#undef REAL
#endif
