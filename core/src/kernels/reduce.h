/* reduce.h -- one loop for every reduction over any dims of any strided array. */
#ifndef LURON_REDUCE_H
#define LURON_REDUCE_H
#include "luron/tensor.h"

enum {
    LURON__REDUCE_SUM,
    LURON__REDUCE_MEAN,
    LURON__REDUCE_VAR,
    LURON__REDUCE_PROD,
    LURON__REDUCE_MAX, /* also "any" of bool */
    LURON__REDUCE_MIN, /* also "all" of bool */
    LURON__REDUCE_ARGMAX,
    LURON__REDUCE_ARGMIN,
    LURON__REDUCE_SQUARES /* real dtypes alone; y is double */
};

/** y[o] = fn of the n numbers of x that go into output o, taken in row-major order of the reduced dims. They are cut
 * into blocks of 4096; number i of a block goes to lane i % 16; the lanes are folded 8-4-2-1, the blocks combined in
 * order. float32 and float64 are added and multiplied in double, int64 wraps around. So the bits depend on n alone. */
typedef struct luron__reduce_args {
    int fn;
    uint32_t dtype;        /* of x: F32, F64, I64, or B8 for MAX and MIN */
    int n_kept, n_reduced; /* dims, outermost first; neighbours that lie in one piece may be merged */
    int64_t kept[LURON_MAX_DIMS], kept_stride[LURON_MAX_DIMS];
    int64_t reduced[LURON_MAX_DIMS], reduced_stride[LURON_MAX_DIMS];
    int64_t outputs, n; /* products of `kept` and of `reduced` */
    const void *x;
    void *y;        /* contiguous, of x's dtype; ids are int64, SQUARES double */
    double divisor; /* MEAN, VAR */
    int64_t base;   /* ids count from it; ids take one reduced dim at most */
} luron__reduce_args;
/** Sets kept ... n from a shape with strides and a bit mask of the dims to reduce. */
void luron__reduce_dims(luron__reduce_args *r, int ndim, const int64_t *shape, const int64_t *strides, uint32_t mask);
/** Bytes of `work`, 0: none. */
int64_t luron__reduce_work(const luron__reduce_args *r);
void luron__reduce(const luron__reduce_args *r, int threads, void *work);

#endif
