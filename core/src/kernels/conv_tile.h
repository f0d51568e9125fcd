/* conv_tile.h -- what conv.c, conv_weight.c and the kernels of each instruction set share. */
#ifndef LURON_CONV_TILE_H
#define LURON_CONV_TILE_H
#include "kernels/conv.h"
#include "kernels/kernels.h"
#include "kernels/tasks.h"
#include "luron/plugin.h"

#include <stdbool.h>
#include <string.h>

enum {
    LURON__CONV_K = 512,   /* longest chain of multiply-adds: part of the rule that fixes the bits */
    LURON__CONV_LANES = 16 /* of the widest vector: lines of the copy have room for whole ones */
};

/** Lines of the output of one image and group. Number (k, column) of line l is b[offset[k] + l line_b + column], of
 * which whole vectors are read; weight (row, k) is a[row row_stride + k k_stride]; what comes out goes to to[row ld + l
 * line_to + column step]. Strides in elements. */
typedef struct luron__conv_job {
    const void *a, *b, *bias; /* bias: one a row, or NULL */
    void *to;
    const int64_t *offset;
    int64_t rows, k, lines, columns;
    int64_t row_stride, k_stride, line_b, ld, line_to, step;
    double beta;
} luron__conv_job;
typedef void luron__conv_fn(const luron__conv_job *j);
typedef struct luron__conv_kernels { /* of one instruction set; index 0: float32, 1: float64 */
    luron__conv_fn *run[2];
} luron__conv_kernels;
extern const luron__conv_kernels luron__conv_plain;
#if defined(__x86_64__)
extern const luron__conv_kernels luron__conv_avx2, luron__conv_avx512;
#elif defined(__aarch64__)
extern const luron__conv_kernels luron__conv_neon;
#endif

/** Where one vector of the output stands. */
typedef struct luron__conv_spot {
    int64_t b, to;
    int n; /* numbers that are stored */
} luron__conv_spot;

/** n numbers of a line of `size` numbers, `step` apart from place `first` on, which may be outside: there they are 0.
 */
void luron__conv_fill_f32(float *to, int64_t n, const float *line, int64_t size, int64_t first, int64_t step);
void luron__conv_fill_f64(double *to, int64_t n, const double *line, int64_t size, int64_t first, int64_t step);

int64_t luron__conv_weight_work(const luron__conv_args *g, int threads);

static inline int64_t luron__conv_volume(const int64_t *d) { return d[0] * d[1] * d[2]; }

#endif
