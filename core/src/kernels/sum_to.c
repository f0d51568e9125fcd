/* src (contiguous) summed over the dims that dst (contiguous) has as size 1. Every element of dst is summed in ascending
 * order of src, in blocks set by the shape alone. The file includes itself once for each dtype.                       */
#ifndef T
#include "../internal.h"

enum { MAX_GROUPS = LURON_MAX_DIMS, ROWS = 512, COLUMNS = 64, FEW = 16, GRAIN = 32768 };

/* Neighbouring dims that are all kept or all summed are one group. */
typedef struct job {
    int n_kept, n_summed;
    int64_t kept_size[MAX_GROUPS], kept_stride[MAX_GROUPS], summed_size[MAX_GROUPS], summed_stride[MAX_GROUPS];
    int64_t rows, columns; /* numbers summed for one of dst, numbers in dst */
    const void *src;
    void *dst;
    double beta;
} job;

static void add_group(int *n, int64_t *sizes, int64_t *strides, bool merge, int64_t size, int64_t stride) {
    if (merge) {
        sizes[*n - 1] *= size;
        return;
    }
    sizes[*n] = size, strides[*n] = stride;
    ++*n;
}

#define T float
#define NAME(x) x##_f32
#include "sum_to.c"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "sum_to.c"
#undef T
#undef NAME

void luron__sum_to(uint32_t dtype, int ndim, const int64_t *shape, const void *src, const int64_t *kept, void *dst,
                   double beta, int threads) {
    if (ndim == 2 && kept[0] == 1 && kept[1] == shape[1] && shape[1] > 1 && shape[1] <= FEW) { /* the gradient of a small bias */
        job few; /* what few_columns looks at */
        few.src = src, few.dst = dst, few.beta = beta, few.rows = shape[0], few.columns = shape[1];
        (dtype == LURON_F32 ? few_columns_f32 : few_columns_f64)(&few);
        return;
    }
    job j = {.src = src, .dst = dst, .beta = beta, .rows = 1, .columns = 1};
    int64_t stride = 1;
    int last = -1; /* kind of the group to the right */
    for (int d = ndim - 1; d >= 0; d--) {
        int kind = kept[d] == 1;
        *(kind ? &j.rows : &j.columns) *= shape[d];
        if (shape[d] == 1) continue;
        if (kind)
            add_group(&j.n_summed, j.summed_size, j.summed_stride, last == kind, shape[d], stride);
        else
            add_group(&j.n_kept, j.kept_size, j.kept_stride, last == kind, shape[d], stride);
        last = kind;
        stride *= shape[d];
    }
    if (j.columns == 0) return;
    bool is_rows = j.n_summed <= 1 && j.n_kept <= 1 && (j.n_kept == 0 || j.kept_stride[0] == 1) && j.columns > 1;
    if (is_rows && j.columns <= FEW) {
        (dtype == LURON_F32 ? few_columns_f32 : few_columns_f64)(&j);
        return;
    }
    int64_t per = GRAIN / (j.rows < 1 ? 1 : j.rows), grain = is_rows ? COLUMNS : per < 1 ? 1 : per;
    void (*body)(void *, int64_t, int64_t, int64_t) = dtype == LURON_F32 ? (is_rows ? columns_f32 : each_f32)
                                                      : is_rows          ? columns_f64
                                                                         : each_f64;
    luron__parallel_for(threads, j.columns, grain, body, &j);
}
#else

/* n columns from x on, n <= 8 and a constant where it is inlined: their sums stay in registers. */
static inline __attribute__((always_inline)) void NAME(few)(const job *j, const T *x, T *dst, const int n) {
    T total[8], sum[8];
    for (int i = 0; i < n; i++) total[i] = 0;
    for (int64_t r = 0; r < j->rows; r += ROWS) {
        int64_t stop = r + ROWS < j->rows ? r + ROWS : j->rows;
        for (int i = 0; i < n; i++) sum[i] = 0;
        for (int64_t q = r; q < stop; q++, x += j->columns)
            for (int i = 0; i < n; i++) sum[i] += x[i];
        for (int i = 0; i < n; i++) total[i] += sum[i];
    }
    for (int i = 0; i < n; i++) dst[i] = j->beta == 0 ? total[i] : total[i] + (T)j->beta * dst[i];
}

/* src (rows, columns) -> dst (columns): a run of columns at a time, so that rows are read as they lie. */
static void NAME(columns)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const job *j = arg;
    T *dst = (T *)j->dst + begin, total[COLUMNS] = {0}, sum[COLUMNS];
    const T *src = (const T *)j->src + begin;
    int64_t n = end - begin;
    (void)chunk;
    for (int64_t r = 0; r < j->rows; r += ROWS) {
        int64_t stop = r + ROWS < j->rows ? r + ROWS : j->rows;
        for (int64_t i = 0; i < n; i++) sum[i] = 0;
        for (int64_t q = r; q < stop; q++) {
            const T *row = src + q * j->columns;
            for (int64_t i = 0; i < n; i++) sum[i] += row[i];
        }
        for (int64_t i = 0; i < n; i++) total[i] += sum[i];
    }
    for (int64_t i = 0; i < n; i++) dst[i] = j->beta == 0 ? total[i] : total[i] + (T)j->beta * dst[i];
}

/* The same of few columns, as biases of small layers have. */
static void NAME(few_columns)(const job *j) {
    const T *x = j->src;
    T *dst = j->dst;
    int64_t i = 0;
    for (; i + 8 <= j->columns; i += 8) NAME(few)(j, x + i, dst + i, 8);
    if (j->columns & 4) NAME(few)(j, x + i, dst + i, 4), i += 4;
    if (j->columns & 2) NAME(few)(j, x + i, dst + i, 2), i += 2;
    if (j->columns & 1) NAME(few)(j, x + i, dst + i, 1);
}

/* Sum of all that goes into one element, whose first number is at x: runs along the last summed group, in order. */
static T NAME(sum_one)(const job *j, const T *x) {
    int64_t at[MAX_GROUPS] = {0};
    if (j->rows == 0) return 0;
    if (j->n_summed == 0) return *x;
    T total = 0;
    for (;;) {
        total += NAME(luron__sum)(j->summed_size[0], x, j->summed_stride[0]);
        int d = 1;
        for (; d < j->n_summed; d++) {
            x += j->summed_stride[d];
            if (++at[d] < j->summed_size[d]) break;
            x -= j->summed_size[d] * j->summed_stride[d];
            at[d] = 0;
        }
        if (d == j->n_summed) return total;
    }
}

static void NAME(each)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const job *j = arg;
    T *dst = j->dst;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        int64_t rest = i, offset = 0;
        for (int g = 0; g < j->n_kept; g++) {
            offset += rest % j->kept_size[g] * j->kept_stride[g];
            rest /= j->kept_size[g];
        }
        T sum = NAME(sum_one)(j, (const T *)j->src + offset);
        dst[i] = j->beta == 0 ? sum : sum + (T)j->beta * dst[i];
    }
}
#endif
