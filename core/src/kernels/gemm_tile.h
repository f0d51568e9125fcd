/* gemm_tile.h -- what gemm.c and the kernels of each instruction set share. */
#ifndef LURON_GEMM_TILE_H
#define LURON_GEMM_TILE_H
#include "kernels/kernels.h"
#include "kernels/unroll.h"
#include "luron/plugin.h"

#include <stdbool.h>
#include <string.h>

#define LURON__GEMM_K 512                    /* longest chain of multiply-adds: part of the rule that fixes the bits */
#define LURON__GEMM_M 256                    /* rows of an output tile at most: so much of A stays in a 1 MiB cache */
#define LURON__GEMM_PANEL 384                /* bytes of a row of the panels that are packed at once, at most */
#define LURON__GEMM_WIDTHS 5                 /* panel widths an instruction set has, at most, and a 0 */
#define LURON__GEMM_IN_PLACE_M 32            /* up to so many rows, or if all of B is so small ... */
#define LURON__GEMM_IN_PLACE_B (1600 * 1024) /* (bytes), a panel of B that lies in order is not worth copying */
/** Bytes that one tile needs at most: packed panels and the sums of a panel of columns. */
#define LURON__GEMM_TILE_WORK ((int64_t)(LURON__GEMM_K + LURON__GEMM_M) * LURON__GEMM_PANEL)
#define LURON__GEMM_FAR 4096                 /* bytes from row to row of B from which on rows are far apart */
#define LURON__GEMM_FEW 8                    /* rows at most that a transposed b is turned for on the way */
#define LURON__GEMM_MANY (160 * 1024)         /* bytes of A from which on panels of B take turns */
#define LURON__GEMM_GROUP (128 * 1024)        /* bytes of A after which they do */
#define LURON__GEMM_WIDE_K 300               /* longest K of which a wider panel stays in the first cache */
#define LURON__GEMM_TURN_M 32  /* from so many rows ... */
#define LURON__GEMM_TURN_N 512 /* and columns on, a transposed a is worth copying */
#define LURON__GEMM_TURN_ROWS_M 64   /* the same of one by rows */
#define LURON__GEMM_TURN_ROWS_N 1024
#define LURON__GEMM_TURN_WORK ((int64_t)LURON__GEMM_K * LURON__GEMM_M) /* numbers: of a, while it is copied */

/* A function that is there once, not for each constant it is called with: not worth its code. */
#if defined(__GNUC__) && !defined(__clang__)
#define LURON__ONCE __attribute__((noinline, noclone))
#else
#define LURON__ONCE __attribute__((noinline))
#endif

/** Bytes of the packed panels of a tile of this product, and with the sums of a panel of columns of all that a tile needs. */
static inline int64_t luron__gemm_panel_work(const luron__gemm_args *g) {
    return (g->k < LURON__GEMM_K ? g->k : LURON__GEMM_K) * LURON__GEMM_PANEL;
}
static inline int64_t luron__gemm_tile_work(const luron__gemm_args *g) {
    return luron__gemm_panel_work(g) + (g->m < LURON__GEMM_M ? g->m : LURON__GEMM_M) * LURON__GEMM_PANEL;
}

/** Is a copied, so that what a tile reads of it lies together? One by rows by the kernels for AVX2 alone. The blocks of k are then
 *  the outer loop, so what they have added up lies in c between. */
static inline bool luron__gemm_turns_a(const luron__gemm_args *g) {
    if (g->beta != 0 && g->k > LURON__GEMM_K) return false;
    if (g->flags & LURON_TRANS_A) return g->m >= LURON__GEMM_TURN_M && g->n >= LURON__GEMM_TURN_N;
    return g->isa == LURON__ISA_AVX2 && g->m >= LURON__GEMM_TURN_ROWS_M && g->n >= LURON__GEMM_TURN_ROWS_N;
}

/** Has it panels that are wider than those of a packed b, where there are such? They make fewer loads, but a panel has to stay in the
 *  first cache, and c, which comes in parts of lines, in the second. */
static inline bool luron__gemm_is_wide(const luron__gemm_args *g) {
    return !g->packed && g->m > LURON__GEMM_FEW && g->k <= LURON__GEMM_WIDE_K && (g->flags & LURON_TRANS_A || g->m <= LURON__GEMM_M);
}

/** Rows m0 .. m1 (at most LURON__GEMM_M) and columns n0 .. n1 of c; of a packed b n0 is the start of a panel. */
typedef void luron__gemm_tile_fn(const luron__gemm_args *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, void *work);
/** Columns from n0 on of at most LURON__GEMM_FEW rows, of an a by rows and a transposed b. @return the first that is left to
 *  others: there are not enough to n1 for vectors. */
typedef int64_t luron__gemm_few_fn(const luron__gemm_args *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1);
/** Columns n0 .. n1 of one row times a b in order, whose rows are read one after the other: all of what lies together comes at once. */
typedef void luron__gemm_line_fn(const luron__gemm_args *g, int64_t n0, int64_t n1);
/** All of op(b) as panels, one behind the other. */
typedef void luron__gemm_pack_fn(const luron__gemm_args *g, void *to);

typedef struct luron__gemm_kernels { /* of one instruction set; index 0: float32, 1: float64 */
    luron__gemm_tile_fn *tile[2];
    luron__gemm_pack_fn *pack[2];
    int widths[2][LURON__GEMM_WIDTHS]; /* of panels, falling, then 0 */
    luron__gemm_few_fn *few[2];        /* NULL of AVX-512 */
    luron__gemm_line_fn *line[2];      /* too */
} luron__gemm_kernels;
extern const luron__gemm_kernels luron__gemm_plain;
#if defined(__x86_64__)
extern const luron__gemm_kernels luron__gemm_avx2, luron__gemm_avx512;
#elif defined(__aarch64__)
extern const luron__gemm_kernels luron__gemm_neon;
#endif

/** Which width the next panel has when `left` columns are left: the widest, or the least that holds them all and
 *  wastes less than the narrowest, or the widest that they fill. */
static inline int luron__gemm_width(const int *widths, int64_t left) {
    int last = 0, i = 0;
    while (widths[last + 1])
        last++;
    if (left >= widths[0]) return 0;
    while (i < last && widths[i + 1] >= left)
        i++;
    return widths[i] - left < widths[last] || i == last ? i : i + 1;
}

#endif
