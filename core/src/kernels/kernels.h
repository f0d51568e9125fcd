/* kernels.h -- pure functions on pointers and sizes: no context, no allocation, no error. Fixed order of every sum:
 * one chain in ascending order, in blocks set by the length alone, so that results do not depend on threads.        */
#ifndef LURON_KERNELS_H
#define LURON_KERNELS_H
#include <stdbool.h>
#include <stdint.h>

/** Compute dtype of element-wise work on a dtype: float32, float64 or int64 (integers and bool). */
uint32_t luron__compute_dtype(uint32_t dtype);
/** to[i][j] = from[j][i]: rows of `columns` elements of `size` bytes (1, 2, 4 or 8) to, to_stride apart; columns in order from, from_stride
 *  apart. */
void luron__transpose(int size, int64_t rows, int64_t columns, const void *from, int64_t from_stride, void *to, int64_t to_stride);

/** Convert n elements between any two dtypes; a stride (in elements) on each side. Real to integer truncates, NaN gives 0,
 *  out of range saturates; anything but 0 is true. */
void luron__convert(uint32_t to_dtype, void *to, int64_t to_stride, uint32_t from_dtype, const void *from, int64_t from_stride, int64_t n);
/** The loop behind it, for many short runs: n elements of x, xs apart, to y, ys apart. */
typedef void (*luron__convert_fn)(int64_t n, const void *x, int64_t xs, void *y, int64_t ys);
luron__convert_fn luron__convert_pick(uint32_t to_dtype, uint32_t from_dtype);

/** y[i] = fn(x[i]) for fn = LURON_MAP_exp ...; dtype F32, F64, I64 (neg, abs, sign, square, and what rounds); y may be x.
 *  float32 within 2 units in the last place; LURON__ISA_PLAIN and float64: by the C library. */
void luron__map(int isa, uint32_t fn, uint32_t dtype, int64_t n, const void *x, void *y);

/** Pairs of normal numbers from pairs of words, by Box and Muller; the same bits on every instruction set. */
void luron__draw_normals(int isa, int64_t pairs, const uint32_t *words, double mean, double deviation, float *y);

/** c (M,N) = op(a) op(b) + beta c + bias; op by LURON_TRANS_*; row strides lda.. in elements; bias (N) or NULL.
 *  Each element is one chain of multiply-adds over ascending k, in ceil(K/512) equal blocks added in order; then beta c,
 *  then bias. Any of M, N, K may be 0. `work` has luron__gemm_work(...) bytes, or NULL when that is 0. */
typedef struct luron__gemm_args {
    uint32_t dtype, flags;
    int64_t m, n, k;
    const void *a, *b, *bias;
    void *c;
    int64_t lda, ldb, ldc;
    double beta;
    int isa;            /* luron__isa_pick() */
    const void *packed; /* op(b) as luron__gemm_pack left it, or NULL; then b, ldb and LURON_TRANS_B are not looked at */
} luron__gemm_args;
int64_t luron__gemm_work(const luron__gemm_args *g, int threads);
/** What is enough for any product. */
int64_t luron__gemm_most_work(int threads);
void luron__gemm(const luron__gemm_args *g, int threads, void *work);
/** Compute a product that is worth no tiles and no memory for them, which has the same bits; false: it is none
 *  (gemm_small.c). luron__gemm asks this too. */
bool luron__gemm_small(const luron__gemm_args *g);
bool luron__gemm_is_small(const luron__gemm_args *g);
void luron__gemm_small_run(const luron__gemm_args *g); /* of one that is known to be */
/** op(b) in the order in which the kernels of g->isa read it, for products with the same b; they have the same bits. `to`
 *  has luron__gemm_packed_bytes(g), best at a multiple of 64. */
int64_t luron__gemm_packed_bytes(const luron__gemm_args *g);
void luron__gemm_pack(const luron__gemm_args *g, void *to);

enum { LURON__ISA_PLAIN, LURON__ISA_AVX2, LURON__ISA_AVX512, LURON__ISA_NEON, LURON__ISA_COUNT };
/** The best this machine has; `wanted` (LURON_ISA, may be NULL) forces one that it has. -1: unknown or not here. */
int luron__isa_pick(const char *wanted);
const char *luron__isa_name(int isa);
/** Loops that are compiled for AVX2 too and are told of no instruction set are to run so: the processor has it and LURON_ISA,
 *  read once, leaves it. */
bool luron__has_avx2(void);

/** Sum of n numbers in a fixed tree of blocks. */
double luron__sum_f64(int64_t n, const double *x, int64_t stride);
float luron__sum_f32(int64_t n, const float *x, int64_t stride);
/** dst = sum of src over the dims where `kept` is 1 + beta dst; F32 or F64; src has `shape`, dst has `kept` (each 1 or the
 *  size in `shape`), both contiguous. beta 0: dst is not read. */
void luron__sum_to(uint32_t dtype, int ndim, const int64_t *shape, const void *src, const int64_t *kept, void *dst, double beta, int threads);

/** softmax or log_softmax of x (outer, n, inner) along n into `to`, which may be x; with g the gradient: x is their result, and `to`
 *  may be g. All contiguous, F32 or F64. Tiles begin .. end of outer * ceil(inner / width). */
typedef struct luron__softmax_args {
    uint32_t dtype;
    int isa;
    bool log;
    int64_t n, inner;
    const void *x, *g;
    void *to;
} luron__softmax_args;
int64_t luron__softmax_width(const luron__softmax_args *a);
void luron__softmax(const luron__softmax_args *a, int64_t begin, int64_t end);

/** Is one of n numbers, `step` elements apart, an infinity or NaN; is one NaN? Never of integers. */
int luron__any_nonfinite(uint32_t dtype, int64_t n, const void *x, int64_t step);
int luron__any_nan(uint32_t dtype, int64_t n, const void *x, int64_t step);

#endif
