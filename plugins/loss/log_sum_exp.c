/* log_sum_exp.c -- log(sum exp(x)) over the classes of each row, in pieces for the host's vectorised exp. */
#ifndef REAL
#include "loss.h"
#define REAL float
#include "log_sum_exp.c"
#define REAL double
#include "log_sum_exp.c"
WIDE(put_lse, (const classes *k, int64_t begin, int64_t end), (k, begin, end))

void loss_put_lse(const classes *k, int64_t begin, int64_t end) { BY_VECTORS(k->c, put_lse)(k, begin, end); }
#else
#include "log_sum_exp.h"
/* The largest of n numbers: in 8 lanes, so that one number does not wait for the one before. */
INLINE REAL TYPED(largest)(int64_t n, const REAL *x) {
    REAL top = x[0];
    int64_t j = 0;
    if (n >= 8) {
        REAL lane[8];
        for (int l = 0; l < 8; l++) lane[l] = x[l];
        for (j = 8; j + 8 <= n; j += 8)
            for (int l = 0; l < 8; l++) lane[l] = x[j + l] > lane[l] ? x[j + l] : lane[l];
        for (int l = 0; l < 8; l++) top = lane[l] > top ? lane[l] : top;
    }
    for (; j < n; j++) top = x[j] > top ? x[j] : top;
    return top;
}
/* The sum of exp(x - *top) over a row, *top the largest of it. */
INLINE double TYPED(sum_exp)(const luron_call *c, const REAL *x, int64_t n, REAL *tops) {
    const REAL top = tops[0] = TYPED(largest)(n, x);
    REAL e[LOSS_PIECE];
    double sum = 0;
    for (int64_t at = 0; at < n; at += LOSS_PIECE) {
        const int64_t m = n - at < LOSS_PIECE ? n - at : LOSS_PIECE;
        for (int64_t j = 0; j < m; j++) e[j] = x[at + j] - top;
        c->host->map(c->host, LURON_MAP_exp, c->dtype, m, e, e);
        sum += TYPED(total)(m, e);
    }
    return sum;
}
/* The same of m <= LOSS_PIECE rows that lie beside each other, their classes `stride` apart: class by class for all of them. */
LOOP TYPED(sums_exp_beside)(const luron_call *c, const REAL *x, int64_t m, int64_t n, int64_t stride, double *restrict sums, REAL *restrict tops) {
    REAL e[LOSS_PIECE];
    memset(sums, 0, (size_t)m * sizeof *sums);
    for (int64_t r = 0; r < m; r++) tops[r] = x[r];
    for (int64_t j = 1; j < n; j++)
        for (int64_t r = 0; r < m; r++) tops[r] = x[j * stride + r] > tops[r] ? x[j * stride + r] : tops[r];
    for (int64_t j = 0; j < n; j++) {
        for (int64_t r = 0; r < m; r++) e[r] = x[j * stride + r] - tops[r];
        c->host->map(c->host, LURON_MAP_exp, c->dtype, m, e, e);
        for (int64_t r = 0; r < m; r++) sums[r] += e[r];
    }
}

/* Rows of n numbers less the largest of each. Of two numbers, n is a constant where this is inlined. */
LOOP TYPED(less_tops)(int64_t rows, const int64_t n, const REAL *x, REAL *tops, REAL *e) {
    for (int64_t i = 0; i < rows; i++, x += n, e += n) {
        const REAL top = tops[i] = TYPED(largest)(n, x);
        for (int64_t j = 0; j < n; j++) e[j] = x[j] - top;
    }
}
/* The same of `rows` rows of n <= LOSS_PIECE / rows classes that lie side by side: their exp is one run. */
LOOP TYPED(sums_exp)(const luron_call *c, const REAL *x, int64_t rows, int64_t n, double *sums, REAL *tops) {
    REAL e[LOSS_PIECE], *p = e;
    if (n == 2) TYPED(less_tops)(rows, 2, x, tops, e);
    else TYPED(less_tops)(rows, n, x, tops, e);
    c->host->map(c->host, LURON_MAP_exp, c->dtype, rows * n, e, e);
    for (int64_t i = 0; i < rows; i++, p += n) sums[i] = n == 2 ? (double)p[0] + (double)p[1] : TYPED(total)(n, p);
}

JOIN(LOSS_LOOP, REAL) void TYPED(put_lse)(const classes *k, int64_t begin, int64_t end) {
    REAL tops[LOSS_PIECE];
    for (int64_t i = begin, m; i < end; i += m) {
        const REAL *x = (const REAL *)k->x + loss_row_at(k, i);
        double *lse = k->lse + i;
        if ((m = TYPED(beside)(k, i, end))) TYPED(sums_exp_beside)(k->c, x, m, k->n, k->inner, lse, tops);
        else if ((m = TYPED(run)(k, i, end))) TYPED(sums_exp)(k->c, x, m, k->n, lse, tops);
        else lse[0] = TYPED(sum_exp)(k->c, x, k->n, tops), m = 1;
        for (int64_t r = 0; r < m; r++) lse[r] = (double)tops[r] + loss_log(lse[r]);
    }
}
#undef REAL
#endif
