/* gemm_tile.h -- what gemm.c and the kernels of each instruction set share. */
#ifndef LURON_GEMM_TILE_H
#define LURON_GEMM_TILE_H
#include "kernels/kernels.h"
#include "luron/plugin.h"

#include <stdbool.h>
#include <string.h>

#define LURON__GEMM_K 512       /* longest chain of multiply-adds: part of the rule that fixes the bits              */
#define LURON__GEMM_M 120       /* rows of an output tile at most: bounds the scratch, a multiple of 6              */
#define LURON__GEMM_IN_PLACE 32 /* up to so many rows a panel of B that needs no transposition is not worth copying */
#define LURON__GEMM_PANEL 64    /* columns of a panel are 32 or 64 bytes: a tile's scratch has room for 64 bytes    */
/** Bytes that one tile needs: a packed panel and the sums of a panel of columns. */
#define LURON__GEMM_TILE_WORK ((int64_t)(LURON__GEMM_K + LURON__GEMM_M) * LURON__GEMM_PANEL)

/** Rows m0 .. m1 (at most LURON__GEMM_M) and columns n0 .. n1 of c; n0 is the start of a panel. */
typedef void luron__gemm_tile_fn(const luron__gemm_args *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, void *work);
luron__gemm_tile_fn luron__gemm_tile_f32_plain, luron__gemm_tile_f64_plain, luron__gemm_tile_f32_avx2,
    luron__gemm_tile_f64_avx2;

#endif
