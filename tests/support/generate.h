/* generate.h -- random inputs for checks over many functions, drawn from one line a function.
 *
 * A spec lists the inputs, separated by commas. Each is a shape, a letter or digit a dim:
 *   "*"           any dims: the same for all inputs that have it, and such that they broadcast in BROADCAST
 *   "*mk,kn"      a letter has the same size wherever it stands; a * stands in front of letters
 *   "4k"          a digit is that size itself
 *   "Nk,#m<N"     a capital letter is never 0; # makes ids below N of an input, #m!N ids that differ along its first
 * dim
 *   "?mk"         bool
 *   "=k"          real, in [0.5, 1.5), without a gradient
 *   "@k5<N"       real, in [0.1, 0.9), without a gradient; the first of the last dim is an id below N
 *   "-"           an optional input that is absent
 * Real inputs are float64 and require gradients. Their numbers lie in [lo, hi), differ by far more than the step of a
 * difference, and keep away from multiples of 1/2, where functions have their kinks.                                */
#ifndef GENERATE_H
#define GENERATE_H
#include "luron/luron.h"

#include <stdbool.h>

enum { GENERATE_MAX_IN = 6 };
typedef enum variant {
    PLAIN,     /* sizes 2 to 4 */
    ONES,      /* sizes of 1 */
    EMPTY,     /* one size is 0 */
    STRIDED,   /* in memory of other strides */
    BROADCAST, /* the dims under * broadcast; without * the first dim is expanded on the tape */
    SHARED,    /* one tensor for all real inputs */
    N_VARIANTS,
    LARGE /* cut for threads */
} variant;

typedef struct generated {
    int n_in;
    luron_tensor *in[GENERATE_MAX_IN]; /* leaves, ids, masks; NULL: absent */
    bool real[GENERATE_MAX_IN];
    int64_t size[128];                  /* of letters */
    int64_t expand_to[GENERATE_MAX_IN]; /* size of the first dim of the real input that is made from the leaf; -1: it is
                                           the leaf */
} generated;

/** Draw. @return 0: the spec has no such variant (the result is empty); else 1. */
int generate(generated *g, luron_ctx *ctx, const char *spec, variant v, uint64_t seed, double lo, double hi,
             uint32_t dtype);
void generate_free(generated *g);
/** The inputs for one application, owned: refs, or for BROADCAST expanded from the leaves, on the tape. */
luron_status generate_inputs(luron_tensor **ins, luron_ctx *ctx, const generated *g);
/** The leaves, each once. @return how many. */
int generate_leaves(luron_tensor **leaves, const generated *g);
const char *variant_name(variant v);
/** The generator behind it, for choices of the checks themselves. */
uint64_t generate_random(uint64_t *state);

#endif
