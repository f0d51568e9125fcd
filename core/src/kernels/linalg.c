/* linalg.c -- factors of matrices that take a fixed number of steps: LU, Cholesky, QR; and solving with triangles. */
#include "kernels/linalg.h"
#include "kernels/linalg_rows.h"

#include <math.h>
#include <string.h>

/* ---- LU ---------------------------------------------------------------------------------------------------------- */
int64_t luron__lu(int64_t n, double *a, int64_t *pivot) {
    for (int64_t k = 0; k < n; k++) {
        int64_t p = k;
        for (int64_t i = k + 1; i < n && !isnan(a[p * n + k]); i++)
            if (fabs(a[i * n + k]) > fabs(a[p * n + k]) || isnan(a[i * n + k])) p = i;
        pivot[k] = p;
        if (a[p * n + k] == 0) return k + 1;
        if (p != k) luron__row_exchange(n, a + p * n, a + k * n);
        for (int64_t i = k + 1; i < n; i++) {
            double times = a[i * n + k] / a[k * n + k];
            a[i * n + k] = times;
            if (times != 0) luron__row_subtract(n - k - 1, times, a + k * n + k + 1, a + i * n + k + 1);
        }
    }
    return 0;
}

static void solve_lower(int64_t n, int64_t k, const double *t, bool unit, double *b) {
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < i; j++)
            luron__row_subtract(k, t[i * n + j], b + j * k, b + i * k);
        for (int64_t c = 0; c < k && !unit; c++)
            b[i * k + c] /= t[i * n + i];
    }
}

static void solve_upper(int64_t n, int64_t k, const double *t, bool unit, double *b) {
    for (int64_t i = n - 1; i >= 0; i--) {
        for (int64_t j = n - 1; j > i; j--)
            luron__row_subtract(k, t[i * n + j], b + j * k, b + i * k);
        for (int64_t c = 0; c < k && !unit; c++)
            b[i * k + c] /= t[i * n + i];
    }
}

void luron__lu_solve(int64_t n, int64_t k, const double *lu, const int64_t *pivot, double *b) {
    for (int64_t i = 0; i < n; i++)
        if (pivot[i] != i) luron__row_exchange(k, b + pivot[i] * k, b + i * k);
    solve_lower(n, k, lu, true, b);
    solve_upper(n, k, lu, false, b);
}

int64_t luron__triangular_solve(int64_t n, int64_t k, const double *t, bool upper, bool unit, double *b) {
    for (int64_t i = 0; i < n && !unit; i++)
        if (t[i * n + i] == 0) return i + 1;
    if (upper)
        solve_upper(n, k, t, unit, b);
    else
        solve_lower(n, k, t, unit, b);
    return 0;
}

/* ---- Cholesky ---------------------------------------------------------------------------------------------------- */
int64_t luron__cholesky(int64_t n, double *a) {
    for (int64_t i = 0; i < n; i++) {
        double *row = a + i * n;
        for (int64_t j = 0; j < i; j++)
            row[j] = (row[j] - luron__row_dot(j, row, a + j * n)) / a[j * n + j];
        double left = row[i] - luron__row_dot(i, row, row);
        if (!(left > 0)) return i + 1;
        row[i] = sqrt(left);
        memset(row + i + 1, 0, (size_t)(n - i - 1) * sizeof *row);
    }
    return 0;
}

/* ---- QR ---------------------------------------------------------------------------------------------------------- */
/* The power of two that brings the largest element of a to about 1, so that squares neither overflow nor vanish. */
static double scale_of(int64_t n, const double *a) {
    double most = 0;
    int power;
    for (int64_t i = 0; i < n; i++)
        most = fabs(a[i]) > most ? fabs(a[i]) : most;
    if (most == 0 || !isfinite(most)) return 1;
    frexp(most, &power);
    return ldexp(1, power < -1000 ? 1000 : power > 1000 ? -1000 : -power);
}

/* Rows j.. of c (m,n), from column `from` on, times I - tau v v^T; v begins with 1, its rest is in column j of a. */
static void reflect(int64_t m, int64_t lda, const double *a, int64_t j, double tau, int64_t n, int64_t from, double *c,
                    double *work) {
    for (int64_t i = j; i < m; i++) {
        double v = i == j ? 1 : a[i * lda + j];
        for (int64_t k = from; k < n; k++)
            work[k] = (i == j ? 0 : work[k]) + v * c[i * n + k];
    }
    for (int64_t i = j; i < m; i++)
        luron__row_subtract(n - from, tau * (i == j ? 1 : a[i * lda + j]), work + from, c + i * n + from);
}

/* The reflection that makes column j of a 0 below the diagonal: it is left there. Gives tau (LAPACK's dlarfg). */
static double make_reflection(int64_t m, int64_t n, double *a, int64_t j) {
    double below = 0, top = a[j * n + j];
    for (int64_t i = j + 1; i < m; i++)
        below += a[i * n + j] * a[i * n + j];
    if (below == 0) return 0;
    double beta = -copysign(sqrt(top * top + below), top);
    for (int64_t i = j + 1; i < m; i++)
        a[i * n + j] /= top - beta;
    a[j * n + j] = beta;
    return (beta - top) / beta;
}

void luron__qr(int64_t m, int64_t n, double *a, double *q, double *r, double *work) {
    double *tau = work + n, scale = scale_of(m * n, a);
    luron__row_scale(m * n, scale, a);
    for (int64_t j = 0; j < n; j++) {
        tau[j] = make_reflection(m, n, a, j);
        if (tau[j] != 0) reflect(m, n, a, j, tau[j], n, j + 1, a, work);
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            r[i * n + j] = j < i ? 0 : a[i * n + j] / scale;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++)
            q[i * n + j] = i == j;
    for (int64_t j = n - 1; j >= 0; j--)
        if (tau[j] != 0) reflect(m, n, a, j, tau[j], n, j, q, work);
}
