/* optim.h -- what the files of this plugin share. A file is an optimiser: PyTorch's formula, options and defaults, in a
 * loop that its file includes once for float and once for double. Element i depends on element i alone.               */
#ifndef PLUGIN_OPTIM_H
#define PLUGIN_OPTIM_H
#include "../loops.h"
#include <math.h>

extern const luron_optim_type optim_sgd, optim_adam, optim_adamw, optim_rmsprop, optim_adagrad, optim_nadam, optim_radam, optim_adamax, optim_adadelta,
    optim_rprop, optim_lion, optim_asgd, optim_lamb, optim_muon, optim_adafactor, optim_lars, optim_ftrl;

#define ROOT(x) TYPED(root)(x)

/* The square root of a REAL. */
static inline float root_float(float x) { return sqrtf(x); }
static inline double root_double(double x) { return sqrt(x); }

/* LOOP_STEP(name): name, from LOOP TYPED(name). */
#define LOOP_STEP(name)                                                                                                \
    WIDE(name, (luron_step *s), (s))                                                                                   \
    static void name(luron_step *s) { BY_VECTORS(s, name)(s); }

/* An option that is not negative: of any size, or a share below 1. */
#define OPT(type, name, value, max, doc) LURON_OPT_FLOAT(type, name, value, 0, max, doc)
#define ANY_SIZE 1e300
#define BELOW_ONE (1 - 0x1p-53)
#define OPT_LR(type, value) OPT(type, lr, value, ANY_SIZE, "learning rate")
#define OPT_BETA1(type, value) OPT(type, beta1, value, BELOW_ONE, "share of the mean gradient that is kept")
#define OPT_BETA2(type, value) OPT(type, beta2, value, BELOW_ONE, "share of the mean square that is kept")
#define OPT_EPS(type, value) OPT(type, eps, value, ANY_SIZE, "keeps the divisor off 0")
#define OPT_WEIGHT_DECAY(type, value, doc) OPT(type, weight_decay, value, ANY_SIZE, doc)
#define OPT_DECOUPLED(type) LURON_OPT_BOOL(type, decoupled_weight_decay, 0, "decay as in AdamW, apart from the gradient")
#define OPT_MAXIMIZE(type) LURON_OPT_BOOL(type, maximize, 0, "go up the gradient instead of down")

#endif
