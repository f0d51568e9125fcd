/* differences.h -- gradients of any function against central differences in float64, without luron_gradcheck, which is
 * itself among what is checked. The loss is sum(v y) with random v. Never fails the running test: it counts.         */
#ifndef DIFFERENCES_H
#define DIFFERENCES_H
#include "luron/luron.h"

enum { DIFFERENCES_MAX_X = 24, DIFFERENCES_MAX_OUT = 12 };
typedef struct differences {
    luron_status (*fn)(luron_tensor **outs, luron_ctx *ctx, void *ud); /* makes n_out outputs from the x */
    void *ud;
    int n_out, n_x;
    luron_tensor *x[DIFFERENCES_MAX_X]; /* float64 leaves, each its own memory, borrowed */
    uint64_t seed;
    int64_t compared; /* elements so far */
    double worst;     /* error relative to max(|gradient|, 1) so far: what the aim of 1e-7 is about */
    char text[400];   /* why it failed */
} differences;

/** Order 1: |analytic - numeric| <= 1e-6 max(|numeric|, 1) for every element (R16 asks for 1e-5 + 1e-3 |numeric|, which a
 *  factor of 0.9995 would pass; rounding in the differences reaches 2e-7). Order 2: the same of the gradient as a
 *  function of the x and of v. @return 1: right, 0: wrong (see text), -1: a fused function without a second derivative. */
int differences_check(differences *d, luron_ctx *ctx, int order);

#endif
