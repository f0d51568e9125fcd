/* asgd.c: p -= eta (g + lambd p) and ax is the mean of p since step t0; after step t eta = lr / (1 + lambd lr t)^alpha (Polyak
 * and Juditsky, 1992). `ax` is what to use in the end.                                                                     */
#ifndef REAL
#include "optim.h"
typedef struct asgd { double lr, lambd, alpha, t0, weight_decay; int32_t maximize; } asgd;
enum { LAST_LR, LR }; /* scalars: of the step before, of this one */
#define REAL float
#include "asgd.c"
#define REAL double
#include "asgd.c"

static void begin(luron_step *s) {
    s->scalars[LAST_LR] = s->scalars[LR], s->scalars[LR] = ((const asgd *)s->options)->lr;
}
LOOP_STEP(step)
static const luron_option *const options[] = { OPT_LR(asgd, 1e-2), OPT(asgd, lambd, 1e-4, ANY_SIZE, "how fast the rate and the parameter fall"),
    OPT(asgd, alpha, 0.75, ANY_SIZE, "power by which the rate falls"), OPT(asgd, t0, 1e6, ANY_SIZE, "step from which on ax is a mean"),
    OPT_WEIGHT_DECAY(asgd, 0, "times the parameter, added to the gradient"), OPT_MAXIMIZE(asgd), NULL };
static const char *const state[] = { "ax", NULL }, *const scalars[] = { "last_lr", "lr", NULL };
const luron_optim_type optim_asgd = { .struct_size = sizeof(luron_optim_type), .name = "ASGD", .doc = "gradient descent with a mean of the parameters",
    .options = options, .options_size = sizeof(asgd), .state = state, .scalars = scalars, .begin = begin, .step = step };
#else
LOOP TYPED(step)(luron_step *s) {
    const asgd *o = s->options;
    const double last = s->scalars[LAST_LR], before = (double)(s->t - 1);
    const double rate = s->t == 1 ? o->lr : last / pow(1 + o->lambd * last * before, o->alpha);
    const REAL eta = (REAL)rate, kept = (REAL)(1 - o->lambd * rate), decay = (REAL)o->weight_decay, sign = o->maximize ? -1 : 1, *restrict grad = s->grad;
    const REAL mu = (REAL)(before - o->t0 > 1 ? 1 / (before - o->t0) : 1);
    REAL *restrict p = s->param, *restrict ax = s->state[0];
    for (int64_t i = 0; i < s->n; i++) {
        const REAL g = sign * grad[i] + decay * p[i];
        p[i] = kept * p[i] - eta * g;
        ax[i] = mu == 1 ? p[i] : ax[i] + mu * (p[i] - ax[i]);
    }
}
#undef REAL
#endif
