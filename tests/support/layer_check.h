/* layer_check.h -- one harness for every layer type: its gradients against central differences, and the traps that
 * plain gradient checks miss. Fails the running cmocka test with a message that names the layer and the element.
 *
 *   static const layer_case cases[] = {
 *       { "Linear", "{\"in_features\": 3, \"out_features\": 2}", 1, { { INPUT_SHAPE(5, 3) } }, .tol = 1e-7, .order = 2 },
 *       { "CrossEntropyLoss", NULL, 2, { { INPUT_SHAPE(4, 3), .lo = -2, .hi = 2 }, { INPUT_SHAPE(4), .ids = true, .n_ids = 3 } }, .order = 2 },
 *   };
 *   for (...) layer_check(ctx, &cases[i]);
 */
#ifndef LAYER_CHECK_H
#define LAYER_CHECK_H
#include "luron/luron.h"

#include <stdbool.h>

#define LAYER_CHECK_MAX_IN 8
#define LAYER_CHECK_MAX_KINKS 6

/* .ndim and .shape of an input. (Designated: gcc warns of members that a positional initialiser leaves out.) */
#define INPUT_SHAPE(...) .ndim = (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), .shape = {__VA_ARGS__}
typedef struct layer_input {
    int ndim;
    int64_t shape[LURON_MAX_DIMS];
    double lo, hi; /* real inputs: uniform in [lo, hi); 0, 0 stands for -1, 1 */
    bool ids;      /* int64 ids, uniform within n_ids; counted in the context's base */
    int64_t n_ids;
    bool absent;          /* an optional input that is not given */
    bool no_grad;         /* a real input without a gradient */
    const double *values; /* instead of random ones: ids count from 0 here */
} layer_input;

typedef struct layer_case {
    const char *type, *options; /* options: JSON or NULL */
    int n_in;
    layer_input in[LAYER_CHECK_MAX_IN];
    double tol;  /* of |analytic - numeric| / max(|analytic| + |numeric|, 0.1); 0: 1e-6 */
    int order;   /* 2: second derivatives too (the type has `compose`); 0 and 1: first alone */
    bool eval;   /* in eval mode, otherwise in training mode */
    int n_kinks; /* real inputs keep 0.01 away from these points */
    double kinks[LAYER_CHECK_MAX_KINKS];
    double tol32; /* float32 outputs and gradients against float64, relative with floor 1; 0: 2e-5 */
} layer_case;

/** Runs on `ctx` (index base 0 or 1): every real input and every parameter
 *   - gradient against central differences in float64 with random cotangents over all outputs (a type that serves
 *     float32 alone: 4-point stencil with a tolerance of 2e-3 or `tol`, whichever is larger);
 *   - (a) added into gradient memory that already holds something, (b) each alone with the others not wanted,
 *     (c) the layer twice in one graph, (d) the same bits with 1, 2, 3 and 8 threads;
 *   - the same from inputs that are not contiguous, and in float32; index inputs in both index bases;
 *   - each output's gradient alone where there are several; with `order` 2 the gradient of the gradient;
 *   - an allocation sweep over making the layer, applying it and backward.
 * What it changes in the context (default dtype, threads, seed, index base) it puts back.                          */
void layer_check(luron_ctx *ctx, const layer_case *c);

/** The allocation sweep alone: for k = 1, 2 ... the k-th allocation fails; nothing may leak. */
void layer_sweep(luron_ctx *ctx, const layer_case *c);

/** Build the layer and inputs of a case (dtype: LURON_F32 or LURON_F64), for tests of their own. Asserts success. */
luron_layer *layer_case_layer(luron_ctx *ctx, const layer_case *c, uint32_t dtype);
void layer_case_inputs(luron_tensor **ins, luron_ctx *ctx, const layer_case *c, uint32_t dtype);

#endif
