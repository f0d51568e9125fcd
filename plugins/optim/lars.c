/* lars.c: a rate of its own for each parameter, lr' = lr trust |p| / (|g| + weight_decay |p| + eps), with lr' = lr where |p| or |g|
 * is 0; v <- momentum v + lr' (g + weight_decay p), p -= v (You et al., 2017). Lengths are sums over fixed chunks.            */
#ifndef REAL
#include "optim.h"
typedef struct lars { double lr, momentum, weight_decay, trust_coefficient, eps; int32_t maximize; } lars;
typedef struct job { luron_step *s; double *sums, rate; } job; /* sums: |p|^2 and |g|^2 of each chunk */
enum { GRAIN = 16384 };
#define REAL float
#include "lars.c"
#define REAL double
#include "lars.c"

static luron_status setup(luron_step *s) { return s->host->declare_scratch(s->call, (s->n / GRAIN + 1) * 2 * (int64_t)sizeof(double)); }
static void step(luron_step *s) {
    const lars *o = s->options;
    job j = { s, luron_scratch(s->call), o->lr };
    double p = 0, g = 0;
    s->host->parallel_for(s->call, s->n, GRAIN, BY_TYPE(s, measure), &j);
    for (int64_t k = 0; k * GRAIN < s->n; k++) p += j.sums[2 * k], g += j.sums[2 * k + 1];
    if (p > 0 && g > 0) j.rate *= o->trust_coefficient * sqrt(p) / (sqrt(g) + o->weight_decay * sqrt(p) + o->eps);
    s->host->parallel_for(s->call, s->n, GRAIN, BY_TYPE(s, move), &j);
}
static const luron_option *const options[] = { OPT_LR(lars, 1e-2), OPT(lars, momentum, 0.9, ANY_SIZE, "share of the last step that is kept"),
    OPT_WEIGHT_DECAY(lars, 0, "times the parameter, added to the gradient"),
    OPT(lars, trust_coefficient, 1e-3, ANY_SIZE, "length of a step, in lengths of the parameter, at lr 1"),
    OPT(lars, eps, 0, ANY_SIZE, "added to the divisor"), OPT_MAXIMIZE(lars), NULL };
static const char *const state[] = { "momentum_buffer", NULL };
const luron_optim_type optim_lars = { .struct_size = sizeof(luron_optim_type), .flags = LURON_OPTIM_WHOLE, .name = "LARS",
    .doc = "SGD with steps as long as the parameter, for large batches", .options = options, .options_size = sizeof(lars), .state = state,
    .setup = setup, .step = step };
#else
static void TYPED(measure)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const job *j = arg;
    const REAL *grad = j->s->grad, *p = j->s->param;
    double of_p = 0, of_g = 0;
    for (int64_t i = begin; i < end; i++) of_p += (double)p[i] * (double)p[i], of_g += (double)grad[i] * (double)grad[i];
    j->sums[2 * chunk] = of_p, j->sums[2 * chunk + 1] = of_g;
}
static void TYPED(move)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const job *j = arg;
    const lars *o = j->s->options;
    const REAL rate = (REAL)j->rate, decay = (REAL)o->weight_decay, kept = (REAL)o->momentum, sign = o->maximize ? -1 : 1, *grad = j->s->grad;
    REAL *p = j->s->param, *v = j->s->state[0];
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        v[i] = kept * v[i] + rate * (sign * grad[i] + decay * p[i]);
        p[i] -= v[i];
    }
}
#undef REAL
#endif
