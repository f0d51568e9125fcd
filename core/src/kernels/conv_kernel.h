/* conv_kernel.h -- the innermost loops of convolution, included once per vector type by conv_<isa>.c, with
 *
 *   T, VEC                   element type and vector of it
 *   FMA(a, b, c), SET1(p)    multiply-add on vectors; the number at p in every lane
 *   KEEP(v)                  forbid the compiler to load v again at each use
 *   VNAME(x)                 x with a suffix of dtype, instruction set and vector type
 *   MOST_ROWS, MOST_VECS     of a tile; MOST_VECS is 2 or 3
 *   LOW_ROWS                 optional, with MOST_VECS 2: rows in multiples of so many are quicker in tiles of 3 vectors
 *   TURN(p)                  turn a square of vectors of 16 bytes; with it conv_weight_kernel.h comes too
 *   PAIRS                    in place of TURN: that comes for panels of two vectors alone, which another vector type turns
 *   EVENS, ODDS, ZIP         as conv_copy_kernel.h says; with them that comes too
 *   LIST_8                   as conv_sparse_kernel.h says; with it that comes too
 *   HALVES(low, high)        optional: a vector of two HALFs, each anywhere; HALF_OF(v, i) takes it apart
 *
 * Vectors lie along a line of the output, so an element is the same chain of multiply-adds wherever it stands.       */
#ifdef HALVES
#define PIECES 2
#define BOTH(at, i) HALVES(VNAME(load)((at)[0] + (i)), VNAME(load)((at)[1] + (i)))
#else
#define HALF VEC
#define PIECES 1
#define HALF_OF(v, i) (v)
#define BOTH(at, i) VNAME(load)((at)[0] + (i))
#endif
#define VL ((int)(sizeof(HALF) / sizeof(T))) /* numbers beside each other */

/* A vector anywhere. memcpy would have some compilers keep a copy on the stack. */
typedef __attribute__((vector_size(sizeof(HALF)), aligned(sizeof(T)), may_alias)) T VNAME(loose);
static inline HALF VNAME(load)(const T *p) { return (HALF) * (const VNAME(loose) *)p; }
static inline void VNAME(store)(T *p, HALF v) { *(VNAME(loose) *)p = (VNAME(loose))v; }

/* Sums into the output: beta and bias are added in the order of the rule. */
static LURON__CONV_ONCE void VNAME(finish)(const luron__conv_job *j, int64_t row, int rows, int vecs, const VEC *sum,
                                           const luron__conv_spot *at) {
    const T beta = (T)j->beta, *bias = j->bias;
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vecs * PIECES; v++) {
            T *c = (T *)j->to + (row + r) * j->ld + at[v].to, y[sizeof(HALF) / sizeof(T)];
            HALF s = HALF_OF(sum[r * vecs + v / PIECES], v % PIECES);
            if (at[v].n == VL && j->step == 1) {
                if (beta != 0) s = s + beta * VNAME(load)(c);
                if (bias) s = s + bias[row + r];
                memcpy(c, &s, sizeof s);
                continue;
            }
            memcpy(y, &s, sizeof s);
            for (int i = 0; i < at[v].n; i++, c += j->step) {
                if (beta != 0) y[i] = y[i] + beta * *c;
                *c = bias ? y[i] + bias[row + r] : y[i];
            }
        }
}

/* n more terms of rows x (vecs vectors) sums. */
static inline __attribute__((always_inline)) void VNAME(chains)(const int rows, const int vecs, int64_t n, const T *a,
                                                                int64_t row_stride, const T *const *b,
                                                                const int64_t *offset, VEC *sum) {
    VEC x[8];
    for (; n > 0; n--, a++, offset++) {
        LURON__UNROLL(8)
        for (int v = 0; v < vecs; v++) {
            x[v] = BOTH(b + v * PIECES, *offset);
            if (rows > 1) KEEP(x[v]);
        }
        LURON__UNROLL(8)
        for (int r = 0; r < rows; r++) {
            VEC y = SET1(a + r * row_stride);
            KEEP(y);
            LURON__UNROLL(8)
            for (int v = 0; v < vecs; v++)
                sum[r * vecs + v] = FMA(y, x[v], sum[r * vecs + v]);
        }
    }
}

/* rows x (vecs vectors) sums over the taps of a block; rows and vecs are constants where it is inlined. */
static inline __attribute__((always_inline)) void VNAME(tile)(const int rows, const int vecs, const luron__conv_job *j,
                                                              int64_t row, const luron__conv_spot *at, VEC *kept) {
    VEC sum[24];
    const T *b[8 * PIECES];
    bool whole = j->step == 1 && j->beta == 0;
    LURON__UNROLL(8)
    for (int v = 0; v < vecs * PIECES; v++) {
        b[v] = (const T *)j->b + at[v].b;
        whole &= at[v].n == VL;
    }
    if (j->last && (j->step != 1 || j->beta != 0)) /* what is read there is on its way during the sums */
        LURON__UNROLL(24)
        for (int i = 0; i < rows * vecs; i++)
            __builtin_prefetch((const T *)j->to + (row + i / vecs) * j->ld + at[i % vecs * PIECES].to);
    LURON__UNROLL(24)
    for (int i = 0; i < rows * vecs; i++)
        sum[i] = (VEC){0};
    VNAME(chains)(rows, vecs, j->taps, (const T *)j->a + row * j->k, j->k, b, j->offset, sum);
    if (!j->first)
        LURON__UNROLL(24)
        for (int i = 0; i < rows * vecs; i++)
            sum[i] = kept[i] + sum[i];
    if (!j->last) {
        LURON__UNROLL(24)
        for (int i = 0; i < rows * vecs; i++)
            kept[i] = sum[i];
        return;
    }
    if (!whole) {
        VEC all[24]; /* not `sum`, which would be in memory then */
        LURON__UNROLL(24)
        for (int i = 0; i < rows * vecs; i++)
            all[i] = sum[i];
        VNAME(finish)(j, row, rows, vecs, all, at);
        return;
    }
    LURON__UNROLL(8)
    for (int r = 0; r < rows; r++) {
        const T *bias = j->bias ? (const T *)j->bias + row + r : NULL;
        LURON__UNROLL(8)
        for (int v = 0; v < vecs; v++) {
            VEC y = sum[r * vecs + v];
            if (bias) y = y + SET1(bias);
            LURON__UNROLL(2)
            for (int h = 0; h < PIECES; h++)
                VNAME(store)((T *)j->to + (row + r) * j->ld + at[v * PIECES + h].to, HALF_OF(y, h));
        }
    }
}

#define ROWS(r, vecs)                                                                                                  \
    case r:                                                                                                            \
        VNAME(tile)(r, vecs, j, row, at, kept);                                                                        \
        return;
#define ROWS_6(v) ROWS(1, v) ROWS(2, v) ROWS(3, v) ROWS(4, v) ROWS(5, v) ROWS(6, v)
#define ROWS_8(v) ROWS_6(v) ROWS(7, v) ROWS(8, v)
#define TILES(name, heights)                                                                                           \
    static void VNAME(name)(int rows, const luron__conv_job *j, int64_t row, const luron__conv_spot *at, VEC *kept) {  \
        switch (rows) { heights }                                                                                      \
    }
TILES(by1, ROWS_8(1))
#if MOST_ROWS == 8
TILES(by2, ROWS_8(2))
#else
TILES(by2, ROWS_6(2))
#endif
#if MOST_VECS == 3
TILES(by3, ROWS_8(3))
#elif defined LOW_ROWS
TILES(by3, ROWS(LOW_ROWS, 3))
#endif
TILES(by8, ROWS(1, 8))

static void VNAME(some)(int rows, int vecs, const luron__conv_job *j, int64_t row, const luron__conv_spot *at, VEC *kept) {
    if (vecs == 8) VNAME(by8)(rows, j, row, at, kept);
#if MOST_VECS == 3 || defined LOW_ROWS
    else if (vecs == 3)
        VNAME(by3)(rows, j, row, at, kept);
#endif
    else if (vecs == 2)
        VNAME(by2)(rows, j, row, at, kept);
    else
        VNAME(by1)(rows, j, row, at, kept);
}

/* A block of taps: the vectors of all lines, `most` at a time, which may stand on several lines, and all rows of these, `highest` at
 * a time, so that what the block reads of them stays in the first cache. The last of a line takes numbers of the one before once more, where
 * that gives them the same value again: a whole vector needs no care. */
static void VNAME(block)(const luron__conv_job *j, int64_t highest, int64_t most) {
    const bool overlaps = j->beta == 0 && j->step == 1 && j->columns >= VL;
    const int64_t per_line = (j->columns + VL - 1) / VL;
    int64_t line = 0, chunk = 0, left = (per_line * j->lines + PIECES - 1) / PIECES;
    luron__conv_spot at[8 * PIECES];
    VEC *kept = j->kept;
    const int64_t tiles = (j->rows + highest - 1) / highest, each = j->rows / luron__most(1, tiles), longer = j->rows - each * tiles;
    while (left > 0) {
        int vecs = j->rows == 1 && left >= 8 ? 8 : left == 4 ? 2 : left >= most ? (int)most : (int)left;
        for (int v = 0; v < vecs * PIECES; v++) {
            if (line == j->lines) { /* half a vector that is nowhere: its neighbour again, which is stored twice or not at all */
                at[v] = at[v - 1];
                if (!overlaps) at[v].n = 0;
                continue;
            }
            int64_t column = chunk * VL, more = j->columns - column;
            if (overlaps && more < VL) column = j->columns - VL, more = VL;
            at[v].b = line * j->line_b + column;
            at[v].to = line * j->line_to + column * j->step;
            at[v].n = more < VL ? (int)more : VL;
            if (++chunk == per_line) chunk = 0, line++;
        }
        for (int64_t tile = 0, row = 0; tile < tiles; tile++) {
            const int rows = (int)(each + (tile < longer));
            if (j->ahead) luron__conv_fetch(j->ahead);
            VNAME(some)(rows, vecs, j, row, at, kept);
            row += rows, kept += rows * vecs;
        }
        left -= vecs;
    }
}

/* All rows together; but where few places share the weights, these are read once, tile by tile, and where a place has few taps, what is
 * written goes along lines. */
static void VNAME(run)(const luron__conv_job *job) {
    enum { FEW_TAPS = 32, FEW_VECTORS = 4 };
    const int64_t vectors = (job->columns + VL - 1) / VL * job->lines, blocks = luron__most(1, luron__ceil_div(job->k, LURON__CONV_K));
    int64_t highest = MOST_ROWS, most = MOST_VECS;
#ifdef LOW_ROWS
    if (job->rows % LOW_ROWS == 0 && vectors >= 3 * PIECES) highest = LOW_ROWS, most = 3;
#endif
    const int64_t parts = job->k <= FEW_TAPS || vectors <= FEW_VECTORS ? luron__ceil_div(job->rows, highest) : 1;
    for (int64_t part = 0, row = 0; part < parts; part++) {
        luron__conv_job j = *job;
        j.rows = job->rows / parts + (part < job->rows % parts);
        j.a = (const T *)job->a + row * job->k, j.to = (T *)job->to + row * job->ld;
        if (job->bias) j.bias = (const T *)job->bias + row;
        row += j.rows;
        for (int64_t block = 0; block < blocks; block++) {
            j.taps = job->k / blocks + (block < job->k % blocks);
            j.first = block == 0, j.last = block == blocks - 1;
            VNAME(block)(&j, highest, most);
            j.a = (const T *)j.a + j.taps, j.offset += j.taps;
        }
    }
}
#if defined TURN || defined PAIRS
#include "kernels/conv_weight_kernel.h"
#undef TURN
#undef PAIRS
#endif
#ifdef EVENS
#include "kernels/conv_copy_kernel.h"
#undef EVENS
#undef ODDS
#undef ZIP
#endif
#ifdef LIST_8
#include "kernels/conv_sparse_kernel.h"
#undef LIST_8
#endif
#undef VL
#undef HALF
#undef HALVES
#undef HALF_OF
#undef PIECES
#undef BOTH
#undef VEC
#undef VNAME
#undef FMA
#undef SET1
#undef ROWS
#undef ROWS_6
#undef ROWS_8
#undef LOW_ROWS
#undef TILES
