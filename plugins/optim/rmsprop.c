/* rmsprop.c: s is a running mean of g^2, p -= lr g / (sqrt(s) + eps); centered takes the square of the mean g off s. */
#ifndef REAL
#include "optim.h"
typedef struct rmsprop { double lr, alpha, eps, weight_decay, momentum; int32_t centered, maximize; } rmsprop;
#define REAL float
#include "rmsprop.c"
#define REAL double
#include "rmsprop.c"

LOOP_STEP(step)
static const luron_option *const options[] = { OPT_LR(rmsprop, 1e-2),
    OPT(rmsprop, alpha, 0.99, 1, "share of the mean square that is kept"),
    OPT(rmsprop, eps, 1e-8, ANY_SIZE, "keeps the divisor off 0"),
    OPT_WEIGHT_DECAY(rmsprop, 0, "times the parameter, added to the gradient"),
    OPT(rmsprop, momentum, 0, ANY_SIZE, "share of the last step that is kept"),
    LURON_OPT_BOOL(rmsprop, centered, 0, "divide by the deviation, not the mean square"), OPT_MAXIMIZE(rmsprop), NULL };
static const char *const state[] = { "square_avg", "grad_avg", "momentum_buffer", NULL };
const luron_optim_type optim_rmsprop = { .struct_size = sizeof(luron_optim_type), .name = "RMSprop",
    .doc = "steps scaled by a running mean of squares", .options = options, .options_size = sizeof(rmsprop), .state = state, .step = step };
#else
LOOP TYPED(step)(luron_step *s) {
    const rmsprop *o = s->options;
    const REAL lr = (REAL)o->lr, alpha = (REAL)o->alpha, rest = (REAL)(1 - o->alpha), eps = (REAL)o->eps, decay = (REAL)o->weight_decay;
    const REAL momentum = (REAL)o->momentum, sign = o->maximize ? -1 : 1, *restrict grad = s->grad;
    REAL *restrict p = s->param, *restrict square = s->state[0], *restrict mean = s->state[1], *restrict b = s->state[2];
    for (int64_t i = 0; i < s->n; i++) {
        const REAL g = sign * grad[i] + decay * p[i];
        square[i] = alpha * square[i] + rest * g * g;
        REAL spread = square[i];
        if (o->centered) {
            mean[i] = alpha * mean[i] + rest * g;
            spread -= mean[i] * mean[i];
            if (spread < 0) spread = 0; /* by rounding */
        }
        REAL d = g / (ROOT(spread) + eps);
        if (momentum != 0) d = b[i] = momentum * b[i] + d;
        p[i] -= lr * d;
    }
}
#undef REAL
#endif
