/* reduce_ints.c -- reductions of int64 and bool. */
#include "kernels/reduce_blocks.h"

#define T int64_t
#define A int64_t
#define LOWEST INT64_MIN
#define HIGHEST INT64_MAX
#define IS_NAN(v) false
#define SERVES(id) ((int)(id) != SQUARES)
#define NAME(x) x##_i64
#include "kernels/reduce_body.h"
#undef T
#undef LOWEST
#undef HIGHEST
#undef NAME
#undef SERVES
#define T uint8_t
#define SERVES(id) ((int)(id) == LURON__REDUCE_MAX || (int)(id) == LURON__REDUCE_MIN)
#define LOWEST 0
#define HIGHEST 1
#define NAME(x) x##_b8
#include "kernels/reduce_body.h"

luron__reduce_tile_fn *const luron__reduce_i64[2] = {tile_i64, arg_tile_i64};
luron__reduce_tile_fn *const luron__reduce_b8[2] = {tile_b8, arg_tile_b8};
