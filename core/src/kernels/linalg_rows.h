/* linalg_rows.h -- steps on rows of double that linalg.c and linalg_jacobi.c share. */
#ifndef LURON_KERNELS_LINALG_ROWS_H
#define LURON_KERNELS_LINALG_ROWS_H
#include <stdint.h>

/* In four lanes, so that the order of the sum depends on n alone. */
static inline double luron__row_dot(int64_t n, const double *x, const double *y) {
    double lane[4] = {0};
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int l = 0; l < 4; l++)
            lane[l] += x[i + l] * y[i + l];
    for (int l = 0; i < n; i++, l++)
        lane[l] += x[i] * y[i];
    return (lane[0] + lane[2]) + (lane[1] + lane[3]);
}

static inline void luron__row_exchange(int64_t n, double *restrict x, double *restrict y) {
    for (int64_t i = 0; i < n; i++) {
        double t = x[i];
        x[i] = y[i];
        y[i] = t;
    }
}

/** y -= times x. */
static inline void luron__row_subtract(int64_t n, double times, const double *restrict x, double *restrict y) {
    for (int64_t i = 0; i < n; i++)
        y[i] -= times * x[i];
}

static inline void luron__row_scale(int64_t n, double times, double *x) {
    for (int64_t i = 0; i < n; i++)
        x[i] *= times;
}

#endif
