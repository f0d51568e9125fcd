/* sgd.c: b = momentum b + (1 - dampening) g (at first b = g), p -= lr b; nesterov: p -= lr (g + momentum b). */
#ifndef REAL
#include "optim.h"
typedef struct sgd { double lr, momentum, dampening, weight_decay; int32_t nesterov, maximize; } sgd;
#define REAL float
#include "sgd.c"
#define REAL double
#include "sgd.c"

LOOP_STEP(step)
static const luron_option *const options[] = { OPT_LR(sgd, 1e-3), OPT(sgd, momentum, 0, ANY_SIZE, "share of the last step that is kept"),
    LURON_OPT_FLOAT(sgd, dampening, 0, 0, 0, "share of the gradient that momentum leaves out"),
    OPT_WEIGHT_DECAY(sgd, 0, "times the parameter, added to the gradient"),
    LURON_OPT_BOOL(sgd, nesterov, 0, "look ahead along the momentum"), OPT_MAXIMIZE(sgd), NULL };
static const char *const state[] = { "momentum_buffer", NULL };
const luron_optim_type optim_sgd = { .struct_size = sizeof(luron_optim_type), .name = "SGD",
    .doc = "gradient descent, with momentum if wanted", .options = options, .options_size = sizeof(sgd), .state = state, .step = step };
#else
LOOP TYPED(step)(luron_step *s) {
    const sgd *o = s->options;
    const REAL lr = (REAL)o->lr, decay = (REAL)o->weight_decay, momentum = (REAL)o->momentum, sign = o->maximize ? -1 : 1;
    const REAL share = s->t == 1 ? 1 : (REAL)(1 - o->dampening), *restrict grad = s->grad;
    REAL *restrict p = s->param, *restrict b = s->state[0];
    const int64_t n = s->n;
    const int decays = decay != 0, nesterov = o->nesterov;
    if (momentum == 0) {
        for (int64_t i = 0; i < n; i++) {
            const REAL g = sign * grad[i];
            p[i] -= lr * (decays ? g + decay * p[i] : g);
        }
        return;
    }
    for (int64_t i = 0; i < n; i++) { /* a loop of its own: one that stores b only at times is not vectorised */
        const REAL own = sign * grad[i], g = decays ? own + decay * p[i] : own, to = momentum * b[i] + share * g;
        b[i] = to;
        p[i] -= lr * (nesterov ? g + momentum * to : to);
    }
}
#undef REAL
#endif
