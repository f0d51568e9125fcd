/* rows.c: y = (x - mean) / sqrt(mean of squares + eps) w + b over x (rows, size), each row by itself: layer norm, and
 * without a mean RMS norm. w and b are (size). */
#ifndef REAL
#include "norm.h"
enum {
    LEAST = 16,
    COLUMNS = 1024
}; /* rows of a piece, whose share of the parameters' gradients is added up; columns of one */
typedef struct rows {
    luron_call *c;
    int centred;
    int64_t n, size;
    const void *x, *gy, *w, *b;
    void *y, *gx, *gw, *gb;
    double *stats, *work, eps, beta, beta_w, beta_b; /* work: two sums for each piece and column */
} rows;
static int64_t grain_of(int64_t size) { return size * LEAST < NORM_GRAIN ? NORM_GRAIN / (size > 0 ? size : 1) : LEAST; }
static int64_t pieces_of(const rows *k) { return k->n / grain_of(k->size) + (k->n % grain_of(k->size) != 0); }
#define REAL float
#include "rows.c"
#define REAL double
#include "rows.c"
WIDE_PASS(forward_rows) WIDE_PASS(backward_rows)

luron_status norm_rows_declare(luron_call *c) {
    const norm *o = luron_options(c);
    const luron_ints *s = &o->normalized_shape;
    if (!o->elementwise_affine) return LURON_OK;
    LURON_TRY(c->host->declare_param(c, WEIGHT, "weight", (int)s->n, s->at,
                                     luron_init_or(&o->weight_init, luron_init_constant(1))));
    return o->bias ? c->host->declare_param(c, BIAS, "bias", (int)s->n, s->at,
                                            luron_init_or(&o->bias_init, luron_init_zeros()))
                   : LURON_OK;
}

static rows open_rows(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    const luron_ints *s = &((const norm *)luron_options(c))->normalized_shape;
    rows k = {.c = c, .n = 1, .size = 1};
    for (int i = 0; i < x->ndim; i++)
        *(i < x->ndim - s->n ? &k.n : &k.size) *= x->shape[i];
    return k;
}

luron_status norm_rows_setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    const luron_ints *s = &((const norm *)luron_options(c))->normalized_shape;
    if (x->ndim < s->n)
        return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, normalized_shape has %lld", (int)x->ndim,
                          (long long)s->n);
    for (int64_t i = 0; i < s->n; i++) {
        const int64_t at = x->ndim - s->n + i;
        if (x->shape[at] != s->at[i])
            return luron_fail(c, LURON_E_SHAPE, "input has size %lld in dimension %lld, normalized_shape says %lld",
                              (long long)x->shape[at], (long long)luron_shown(c, at), (long long)s->at[i]);
    }
    const rows k = open_rows(c);
    LURON_TRY(c->host->declare_saved(c, 0, LURON_F64, LURON_SHAPE(2 * k.n)));
    LURON_TRY(c->host->declare_scratch(c, 2 * pieces_of(&k) * k.size * (int64_t)sizeof(double)));
    return luron_set_out_like(c, 0, x);
}

static rows open_run(luron_call *c, int centred) {
    rows k = open_rows(c);
    k.centred = centred, k.x = luron_data(luron_in(c, 0)), k.stats = luron_data(luron_saved(c, 0)),
    k.work = luron_scratch(c);
    k.w = luron_data(luron_param(c, WEIGHT)), k.b = luron_data(luron_param(c, BIAS));
    return k;
}
luron_status norm_rows_forward(luron_call *c, int centred, double eps) {
    rows k = open_run(c, centred);
    k.y = luron_data(luron_out(c, 0)), k.eps = eps;
    c->host->parallel_for(c, k.n, grain_of(k.size), BY_VECTORS(c, forward_rows), &k);
    return LURON_OK;
}
luron_status norm_rows_backward(luron_call *c, int centred) {
    rows k = open_run(c, centred);
    k.gy = luron_data(luron_grad_out(c, 0)), k.gx = luron_data(luron_grad_in_beta(c, 0, &k.beta));
    k.gw = luron_data(luron_grad_param_beta(c, WEIGHT, &k.beta_w)),
    k.gb = luron_data(luron_grad_param_beta(c, BIAS, &k.beta_b));
    c->host->parallel_for(c, k.n, grain_of(k.size), BY_VECTORS(c, backward_rows), &k);
    if (k.gw || k.gb) c->host->parallel_for(c, k.size, COLUMNS, BY_TYPE(c, add_up), &k);
    return LURON_OK;
}
#else
/* In one pass, of what the first number leaves (channels.c): of the variance a factor below n cancels. */
LOOP TYPED(measure)(const rows *k, const REAL *x, double *stats) {
    quad low = {0}, high = {0}, square = {0}, above = {0};
    const int64_t n = k->size, whole = n - n % NORM_LANES;
    const double pivot = k->centred && n > 0 ? (double)x[0] : 0;
    double rest = 0, last = 0;
    for (int64_t i = 0; i < whole; i += NORM_LANES) {
        const quad a = QUAD(x + i) - pivot, b = QUAD(x + i + 4) - pivot;
        low += a, high += b;
        square += a * a, above += b * b;
    }
    for (int64_t i = whole; i < n; i++) {
        const double a = (double)x[i] - pivot;
        rest += a, last += a * a;
    }
    const double shift = k->centred ? (FOLDED(low, high) + rest) / (double)n : 0;
    const double var = (FOLDED(square, above) + last) / (double)n - shift * shift;
    stats[0] = pivot + shift, stats[1] = 1 / sqrt((var < 0 ? 0 : var) + k->eps);
}
LOOP TYPED(forward_rows)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const rows *k = arg;
    const REAL *restrict w = k->w, *restrict b = k->b;
    (void)chunk;
    for (int64_t r = begin; r < end; r++) {
        const REAL *restrict x = (const REAL *)k->x + r * k->size;
        REAL *restrict y = (REAL *)k->y + r * k->size;
        TYPED(measure)(k, x, k->stats + 2 * r);
        const REAL mean = (REAL)k->stats[2 * r], times = (REAL)k->stats[2 * r + 1];
        if (w && b)
            for (int64_t i = 0; i < k->size; i++)
                y[i] = (x[i] - mean) * times * w[i] + b[i];
        else if (w)
            for (int64_t i = 0; i < k->size; i++)
                y[i] = (x[i] - mean) * times * w[i];
        else
            for (int64_t i = 0; i < k->size; i++)
                y[i] = (x[i] - mean) * times;
    }
}

/* Sums of gy w and gy w (x - mean) over a row; w NULL: 1. */
LOOP TYPED(row_sums)(const REAL *gy, const REAL *x, const REAL *w, int64_t n, double mean, double *sums) {
    quad low = {0}, high = {0}, product = {0}, above = {0};
    double p = 0, q = 0;
    const int64_t whole = n - n % NORM_LANES;
    for (int64_t i = 0; i < whole; i += NORM_LANES) {
        quad a = QUAD(gy + i), b = QUAD(gy + i + 4);
        if (w) a *= QUAD(w + i), b *= QUAD(w + i + 4);
        low += a, high += b;
        product += a * (QUAD(x + i) - mean), above += b * (QUAD(x + i + 4) - mean);
    }
    for (int64_t i = whole; i < n; i++) {
        const double g = w ? (double)gy[i] * (double)w[i] : (double)gy[i];
        p += g, q += g * ((double)x[i] - mean);
    }
    sums[0] = FOLDED(low, high) + p, sums[1] = FOLDED(product, above) + q;
}
LOOP TYPED(slope_row)(REAL *restrict gx, const REAL *restrict gy, const REAL *restrict x,
                                    const REAL *restrict w, int64_t n, int add, REAL mean, REAL times, REAL slope,
                                    REAL shift) {
    for (int64_t i = 0; i < n; i++) {
        const REAL g = (w ? gy[i] * w[i] : gy[i]) * times - (x[i] - mean) * slope - shift;
        gx[i] = add ? gx[i] + g : g;
    }
}
/* What a row adds to the gradients of weight and bias. */
LOOP TYPED(param_row)(double *restrict gw, double *restrict gb, const REAL *restrict gy, const REAL *restrict x,
                             int64_t n, double mean, double times) {
    for (int64_t i = 0; i < n; i++)
        gw[i] += (double)gy[i] * (((double)x[i] - mean) * times), gb[i] += (double)gy[i];
}
LOOP TYPED(backward_rows)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const rows *k = arg;
    const REAL *w = k->w;
    const int64_t n = k->size;
    double *gw = k->work + 2 * chunk * n, *gb = gw + n, sums[2];
    if (k->gw || k->gb) memset(gw, 0, 2 * (size_t)n * sizeof *gw);
    for (int64_t r = begin; r < end; r++) {
        const REAL *x = (const REAL *)k->x + r * n, *gy = (const REAL *)k->gy + r * n;
        const double mean = k->stats[2 * r], times = k->stats[2 * r + 1];
        if (k->gw || k->gb) TYPED(param_row)(gw, gb, gy, x, n, mean, times);
        if (!k->gx) continue;
        if (w)
            TYPED(row_sums)(gy, x, w, n, mean, sums);
        else
            TYPED(row_sums)(gy, x, NULL, n, mean, sums);
        const REAL t = (REAL)times, slope = (REAL)(times * times * times * sums[1] / (double)n),
                   shift = (REAL)(k->centred ? times * sums[0] / (double)n : 0);
        REAL *gx = (REAL *)k->gx + r * n;
        const int add = k->beta != 0;
        if (w && add)
            TYPED(slope_row)(gx, gy, x, w, n, 1, (REAL)mean, t, slope, shift);
        else if (w)
            TYPED(slope_row)(gx, gy, x, w, n, 0, (REAL)mean, t, slope, shift);
        else if (add)
            TYPED(slope_row)(gx, gy, x, NULL, n, 1, (REAL)mean, t, slope, shift);
        else
            TYPED(slope_row)(gx, gy, x, NULL, n, 0, (REAL)mean, t, slope, shift);
    }
}
/* The pieces in order. */
static void TYPED(add_up)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const rows *k = arg;
    const int64_t pieces = pieces_of(k);
    REAL *gw = k->gw, *gb = k->gb;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        double w = 0, b = 0;
        for (int64_t p = 0; p < pieces; p++)
            w += k->work[2 * p * k->size + i], b += k->work[(2 * p + 1) * k->size + i];
        if (gw) gw[i] = (REAL)(k->beta_w != 0 ? (double)gw[i] + w : w);
        if (gb) gb[i] = (REAL)(k->beta_b != 0 ? (double)gb[i] + b : b);
    }
}
#undef REAL
#endif
