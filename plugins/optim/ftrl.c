/* ftrl.c: follow the regularised leader. With s the sum of g^2 (from initial_accumulator_value on) and f(s) = s^-lr_power / lr:
 * z += g + 2 l2_shrinkage p - (f(s) - f(s of before)) p, p = (z cut to +-l1 - z) / (f(s) + 2 l2 + beta / lr): 0 where |z| <= l1
 * (McMahan et al., 2013, as Keras has it). At a rate of 0 nothing moves.                                                      */
#ifndef REAL
#include "optim.h"
typedef struct ftrl { double lr, lr_power, initial_accumulator_value, l1, l2, l2_shrinkage, beta; int32_t maximize; } ftrl;
static inline float power_float(float x, float y) { return y == 0.5f ? sqrtf(x) : powf(x, y); }
static inline double power_double(double x, double y) { return y == 0.5 ? sqrt(x) : pow(x, y); }
#define REAL float
#include "ftrl.c"
#define REAL double
#include "ftrl.c"

static void step(luron_step *s) {
    if (((const ftrl *)s->options)->lr > 0) BY_TYPE(s, step)(s);
}
static const luron_option *const options[] = { OPT_LR(ftrl, 1e-3),
    LURON_OPT_FLOAT(ftrl, lr_power, -0.5, -ANY_SIZE, 0, "how fast the rate falls with the sum of squares; 0: it does not"),
    OPT(ftrl, initial_accumulator_value, 0.1, ANY_SIZE, "added to the sum of squares"), OPT(ftrl, l1, 0, ANY_SIZE, "makes numbers 0"),
    OPT(ftrl, l2, 0, ANY_SIZE, "keeps numbers small"), OPT(ftrl, l2_shrinkage, 0, ANY_SIZE, "times 2 p, added to the gradient"),
    OPT(ftrl, beta, 0, ANY_SIZE, "over lr, added to the divisor"), OPT_MAXIMIZE(ftrl), NULL };
static const char *const state[] = { "accumulator", "linear", NULL };
const luron_optim_type optim_ftrl = { .struct_size = sizeof(luron_optim_type), .name = "FTRL",
    .doc = "follows the regularised leader: sparse weights for wide linear models", .options = options, .options_size = sizeof(ftrl), .state = state,
    .step = step };
#else
static void TYPED(step)(luron_step *s) {
    const ftrl *o = s->options;
    const REAL lr = (REAL)o->lr, power = (REAL)-o->lr_power, start = (REAL)o->initial_accumulator_value, l1 = (REAL)o->l1;
    const REAL more = (REAL)(2 * o->l2 + o->beta / o->lr), shrink = (REAL)(2 * o->l2_shrinkage), sign = o->maximize ? -1 : 1, *grad = s->grad;
    REAL *p = s->param, *sum = s->state[0], *z = s->state[1];
    for (int64_t i = 0; i < s->n; i++) {
        const REAL g = sign * grad[i], was = TYPED(power)(sum[i] + start, power);
        sum[i] += g * g;
        const REAL now = TYPED(power)(sum[i] + start, power), cut = z[i] + g + shrink * p[i] - (now - was) / lr * p[i];
        z[i] = cut;
        p[i] = ((cut > l1 ? l1 : cut < -l1 ? -l1 : cut) - cut) / (now / lr + more);
    }
}
#undef REAL
#endif
