/* linalg_jacobi.c -- singular values and eigenvalues by rotations of pairs, sweep after sweep until nothing is left to
 * rotate. Pairs come in one order (row by row), so that results depend on the matrix alone. */
#include "kernels/linalg.h"
#include "kernels/linalg_rows.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { SWEEPS = 64 }; /* ten are usual: convergence is quadratic */

/* x, y = c x - s y, s x + c y. */
static void rotate(int64_t n, double c, double s, double *restrict x, double *restrict y) {
    for (int64_t i = 0; i < n; i++) {
        double t = x[i];
        x[i] = c * t - s * y[i];
        y[i] = s * t + c * y[i];
    }
}

/* The smaller root t of t^2 + 2 zeta t - 1: the tangent of the angle that makes a pair orthogonal. */
static double tangent(double zeta) {
    if (fabs(zeta) > 1e150) return 0.5 / zeta;
    return copysign(1, zeta) / (fabs(zeta) + sqrt(1 + zeta * zeta));
}

static void identity(int64_t n, double *v) {
    memset(v, 0, (size_t)(n * n) * sizeof *v);
    for (int64_t i = 0; i < n; i++)
        v[i * n + i] = 1;
}

/* *power: the exponent of the largest size in a, which is divided by two to that power. False: something is not finite.
 */
static bool normalise(int64_t n, double *a, int *power) {
    double most = 0;
    *power = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(a[i])) return false;
        most = fabs(a[i]) > most ? fabs(a[i]) : most;
    }
    if (most > 0) frexp(most, power);
    for (int64_t i = 0; i < n; i++)
        a[i] = ldexp(a[i], -*power);
    return true;
}

/* Does the first of the elements of (nearly) the largest size have the sign -? */
static bool points_down(int64_t n, const double *x) {
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        most = fabs(x[i]) > most ? fabs(x[i]) : most;
    for (int64_t i = 0; i < n; i++)
        if (fabs(x[i]) >= most * (1 - 1e-6)) return x[i] < 0;
    return false;
}

/* ---- singular values --------------------------------------------------------------------------------------------- */
/* One sweep; true if a pair was rotated. Columns so small that their square vanishes beside 1 count as 0. */
static bool sweep_columns(int64_t m, int64_t n, double *w, double *v) {
    const double close = DBL_EPSILON * sqrt((double)m);
    bool rotated = false;
    for (int64_t p = 0; p < n; p++)
        for (int64_t q = p + 1; q < n; q++) {
            double *x = w + p * m, *y = w + q * m, xx = luron__row_dot(m, x, x), yy = luron__row_dot(m, y, y),
                   xy = luron__row_dot(m, x, y);
            if (xx < DBL_MIN || yy < DBL_MIN || fabs(xy) <= close * sqrt(xx) * sqrt(yy)) continue;
            double t = tangent((yy - xx) / (2 * xy)), c = 1 / sqrt(1 + t * t);
            rotate(m, c, c * t, x, y);
            rotate(n, c, c * t, v + p * n, v + q * n);
            rotated = true;
        }
    return rotated;
}

/* Row k of w, which is nothing, becomes a unit vector orthogonal to the k rows before it: the axis furthest from them,
 * made orthogonal twice. `far` has m numbers. */
static void complete(int64_t m, int64_t k, double *w, double *far) {
    int64_t best = 0;
    double *x = w + k * m;
    for (int64_t i = 0; i < m; i++)
        far[i] = 1;
    for (int64_t r = 0; r < k; r++)
        for (int64_t i = 0; i < m; i++)
            far[i] -= w[r * m + i] * w[r * m + i];
    for (int64_t i = 1; i < m; i++)
        if (far[i] > far[best]) best = i;
    memset(x, 0, (size_t)m * sizeof *x);
    x[best] = 1;
    for (int twice = 0; twice < 2; twice++) {
        for (int64_t r = 0; r < k; r++) {
            double along = luron__row_dot(m, w + r * m, x);
            luron__row_subtract(m, along, w + r * m, x);
        }
        luron__row_scale(m, 1 / sqrt(luron__row_dot(m, x, x)), x);
    }
}

int64_t luron__svd(int64_t m, int64_t n, double *w, double *s, double *v, bool by_v, double *work) {
    int power, sweeps = 0;
    if (!normalise(m * n, w, &power)) return LURON__NOT_FINITE;
    identity(n, v);
    while (sweep_columns(m, n, w, v))
        if (++sweeps == SWEEPS) return LURON__NOT_CONVERGED;
    for (int64_t i = 0; i < n; i++) {
        double square = luron__row_dot(m, w + i * m, w + i * m);
        s[i] = square < DBL_MIN ? 0 : sqrt(square);
    }
    for (int64_t i = 0; i < n; i++) { /* in order, the first of equal ones first */
        int64_t most = i;
        for (int64_t k = i + 1; k < n; k++)
            if (s[k] > s[most]) most = k;
        for (int64_t k = most; k > i; k--) {
            double t = s[k];
            s[k] = s[k - 1], s[k - 1] = t;
            luron__row_exchange(m, w + k * m, w + (k - 1) * m);
            luron__row_exchange(n, v + k * n, v + (k - 1) * n);
        }
        if (s[i] > 0)
            luron__row_scale(m, 1 / s[i], w + i * m);
        else
            complete(m, i, w, work);
        if (by_v ? points_down(n, v + i * n) : points_down(m, w + i * m)) {
            luron__row_scale(m, -1, w + i * m);
            luron__row_scale(n, -1, v + i * n);
        }
        s[i] = ldexp(s[i], power);
    }
    return 0;
}

/* ---- eigenvalues ------------------------------------------------------------------------------------------------- */
/* Rows and columns p and q of the symmetric a turned so that a[p][q] becomes 0. */
static void turn(int64_t n, double *a, int64_t p, int64_t q, double c, double t) {
    double s = c * t, shift = t * a[p * n + q];
    for (int64_t i = 0; i < n; i++) {
        if (i == p || i == q) continue;
        double x = a[i * n + p], y = a[i * n + q];
        a[i * n + p] = a[p * n + i] = c * x - s * y;
        a[i * n + q] = a[q * n + i] = s * x + c * y;
    }
    a[p * n + p] -= shift;
    a[q * n + q] += shift;
    a[p * n + q] = a[q * n + p] = 0;
}

static bool sweep_pairs(int64_t n, double *a, double *v, double close) {
    bool rotated = false;
    for (int64_t p = 0; p < n; p++)
        for (int64_t q = p + 1; q < n; q++) {
            double off = a[p * n + q], x = a[p * n + p], y = a[q * n + q];
            if (fabs(off) <= close) continue;
            double t = tangent((y - x) / (2 * off)), c = 1 / sqrt(1 + t * t);
            turn(n, a, p, q, c, t);
            rotate(n, c, c * t, v + p * n, v + q * n);
            rotated = true;
        }
    return rotated;
}

int64_t luron__eigh(int64_t n, double *a, double *values, double *v) {
    int power, sweeps = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++)
            a[i * n + j] = a[j * n + i];
    if (!normalise(n * n, a, &power)) return LURON__NOT_FINITE;
    identity(n, v);
    /* What is left of all n^2 elements is far below the rounding of the largest eigenvalue. */
    double close = n ? 0.01 * DBL_EPSILON * sqrt(luron__row_dot(n * n, a, a)) / (double)n : 0;
    while (sweep_pairs(n, a, v, close))
        if (++sweeps == SWEEPS) return LURON__NOT_CONVERGED;
    for (int64_t i = 0; i < n; i++)
        values[i] = ldexp(a[i * n + i], power);
    for (int64_t i = 0; i < n; i++) {
        int64_t least = i;
        for (int64_t k = i + 1; k < n; k++)
            if (values[k] < values[least]) least = k;
        for (int64_t k = least; k > i; k--) {
            double t = values[k];
            values[k] = values[k - 1], values[k - 1] = t;
            luron__row_exchange(n, v + k * n, v + (k - 1) * n);
        }
        if (points_down(n, v + i * n)) luron__row_scale(n, -1, v + i * n);
    }
    return 0;
}
