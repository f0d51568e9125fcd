/* conv_tile.h -- what conv.c, conv_weight.c and the kernels of each instruction set share. */
#ifndef LURON_CONV_TILE_H
#define LURON_CONV_TILE_H
#include "kernels/conv.h"
#include "kernels/kernels.h"
#include "kernels/tasks.h"
#include "kernels/turn.h"
#include "kernels/unroll.h"
#include "luron/plugin.h"

#include <stdbool.h>
#include <string.h>

enum {
    LURON__CONV_SPARSE = 8,
    LURON__CONV_BLOCK = 256, /* pixels of a chain of the weight's gradient at most */
    LURON__CONV_K = 512,     /* longest chain of multiply-adds: part of the rule that fixes the bits */
    LURON__CONV_LANES = 16,  /* of the widest vector: bands are as large as if lines were made of those */
    LURON__CONV_VECTOR = 8   /* lines of a multiple of so many numbers are whole vectors of those that are taken */
};

/* gcc would make a copy of a function for each constant that it is called with. */
#if defined(__clang__)
#define LURON__CONV_ONCE __attribute__((noinline))
#else
#define LURON__CONV_ONCE __attribute__((noinline, noclone))
#endif

/** What is read next, in up to two runs of lines of 64 bytes: asked for while tiles are computed, `each` beside a tile. */
typedef struct luron__conv_ahead {
    const char *at, *then;
    int64_t left, then_left, each;
} luron__conv_ahead;
static inline void luron__conv_fetch(luron__conv_ahead *a) {
    for (int64_t i = luron__least(a->each, a->left); i > 0; i--, a->left--, a->at += 64)
        __builtin_prefetch(a->at, 0, 2);
    if (a->left == 0) a->at = a->then, a->left = a->then_left, a->then_left = 0;
}

/** Lines of the output of one image and group. Number (k, column) of line l is b[offset[k] + l line_b + column], of
 * which whole vectors are read; weight (row, i) is a[row k + i]; what comes out goes to to[row ld + l
 * line_to + column step]. Strides in elements. */
typedef struct luron__conv_job {
    const void *a, *b, *bias; /* bias: one a row, or NULL */
    void *to;
    const int64_t *offset;
    int64_t rows, k, lines, columns;
    int64_t line_b, ld, line_to, step;
    double beta;
    luron__conv_ahead *ahead;
    void *kept;       /* luron__conv_kept_bytes: sums of the blocks of taps before */
    int64_t taps;     /* of a block, which `a` and `offset` begin with then: set by the kernel, as */
    bool first, last; /* are these */
} luron__conv_job;
typedef void luron__conv_fn(const luron__conv_job *j);

/** Sums over pixels, for taps times columns of the output's gradient: sum[tap width + column] (+)= a[offset[tap] + l
 * line_a + x] b[pixel width + column] over lines l and places x, b's pixels in that order; `width` is that of a panel.
 */
typedef struct luron__conv_weight_job {
    const void *a, *b;
    void *sum;
    const int64_t *offset;
    int64_t taps, lines, columns, line_a;
    int width;
    bool first; /* nothing is in `sum` yet */
    luron__conv_ahead *ahead;
} luron__conv_weight_job;
typedef void luron__conv_weight_fn(const luron__conv_weight_job *j);
/** n pixels of c <= width rows, `ld` apart, to b's order, with zeros in columns c .. width. */
typedef void luron__conv_turn_fn(const void *from, int64_t ld, int64_t n, int c, int width, void *to);

/** The numbers of one channel of the output's gradient that are not 0, and what they go into. Number list[i] stands at
 * g[list[i]]; float32, `rows` vectors of LURON__CONV_SPARSE numbers.
 *   weight: sums[row] (+)= g x[place + offset[row] ...], rows being lines of taps
 *   input: sums[place + offset[row]] += g x[row], rows being taps and x their weights, channels side by side; `width`
 *   taps after each other go to neighbours */
typedef struct luron__conv_sparse_job {
    const float *g, *x;
    float *sums;
    const int32_t *list, *place;
    const int64_t *offset;
    int64_t rows;
    int n, width;
    bool first;
} luron__conv_sparse_job;
typedef struct luron__conv_sparse {
    int (*list)(const float *g, int n, int32_t *list); /* to a list with room for LURON__CONV_LANES more than n */
    void (*weight)(const luron__conv_sparse_job *j);
    void (*input)(const luron__conv_sparse_job *j);
} luron__conv_sparse;

/** n numbers of `even` and `odd` in turn, plus beta times what was there. */
typedef void luron__conv_zip_fn(const void *even, const void *odd, int64_t n, double beta, void *to);
/** What band b of part p reads of `from`, to a copy of luron__conv_copy_bytes. */
struct luron__conv_part;
struct luron__conv_band;
typedef void luron__conv_copy_fn(const struct luron__conv_part *p, const struct luron__conv_band *b, const void *from,
                                 void *copy);

typedef struct luron__conv_moves { /* what computes nothing; index 0: float32, 1: float64 */
    luron__conv_turn_fn *turn[2];
    luron__conv_copy_fn *copy[2];
    luron__conv_zip_fn *zip[2];
} luron__conv_moves;
typedef struct luron__conv_kernels { /* of one instruction set; indices as above */
    luron__conv_fn *run[2];
    luron__conv_weight_fn *weight[2];
    const luron__conv_moves *moves;
    int lanes[2], few[2];             /* panels of the weight's gradient have a width of `lanes` or twice it; `few` for that many channels or less */
    const luron__conv_sparse *sparse; /* of float32, or NULL */
} luron__conv_kernels;
const luron__conv_kernels *luron__conv_kernels_of(int isa);
extern const luron__conv_kernels luron__conv_plain;
#if defined(__x86_64__)
extern const luron__conv_kernels luron__conv_avx2, luron__conv_avx512;
extern const luron__conv_moves luron__conv_moves_avx2;
extern const luron__conv_sparse luron__conv_sparse_avx2;
#elif defined(__aarch64__)
extern const luron__conv_kernels luron__conv_neon;
#endif

/** Where one vector of the output stands. */
typedef struct luron__conv_spot {
    int64_t b, to;
    int n;               /* numbers that are stored */
} luron__conv_spot;

/** Is less than `limit` of gy (float32; of its first images) something else than 0? */
bool luron__conv_is_sparse(const luron__conv_args *g, double limit);
/** The gradient of the input, if gy is worth walking through what is not 0 in it; @return whether it was. Work: bytes.
 */
bool luron__conv_sparse_input(const luron__conv_args *g, int threads, void *work);
int64_t luron__conv_sparse_work(const luron__conv_args *g, int threads);
/** The gradient of the input, if the stride is one that conv_strided.c is for; @return whether it is. Work: bytes, 0: it
 * is not. */
bool luron__conv_strided_input(const luron__conv_args *g, int threads, void *work);
int64_t luron__conv_strided_work(const luron__conv_args *g, int threads);
int64_t luron__conv_weight_work(const luron__conv_args *g, int threads);

static inline int64_t luron__conv_volume(const int64_t *d) { return d[0] * d[1] * d[2]; }

#endif
