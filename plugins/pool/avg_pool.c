/* avg_pool.c: the mean of each window. x (n,c,d,h,w) -> y (n,c,p,q,r). Sums run in double: place by place over a row of
 * windows, or, where a row is short or the windows differ (adaptive), run by run within a window. */
#ifndef REAL
#include "pool.h"
enum { PIECE = 64, LANES = 16, SHORT = 4 };
/* What a window divides by, from its rows and columns. */
static double divisor(const planes *p, double rows, double columns) {
    return !p->adaptive && p->o->divisor_override ? (double)p->o->divisor_override : rows * columns;
}
static int64_t rows_of(const planes *p) { return p->out[POOL_D] * p->out[POOL_H]; }
static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }
/* Windows first .. end - 1 of a row in which place k lies within the input: from *lo to before the result. */
static int64_t within(const planes *p, int64_t k, int64_t first, int64_t end, int64_t *lo) {
    const int64_t s = p->step[POOL_W], from = k - p->pad[POOL_W], last = p->in[POOL_W] - 1 - from;
    *lo = from < 0 ? (-from + s - 1) / s : 0;
    if (*lo < first) *lo = first;
    return at_most(end, last < 0 ? 0 : last / s + 1);
}
#define REAL float
#include "avg_pool.c"
#define REAL double
#include "avg_pool.c"
WIDE_PASS(plane_means)
WIDE_PASS(plane_spread)

static luron_status setup(luron_call *c) {
    planes p;
    LURON_TRY(pool_set_out(c, &p));
    return c->host->declare_scratch(c, p.out[POOL_W] * (int64_t)(sizeof *p.share + 2 * sizeof *p.span));
}
typedef void pass(void *arg, int64_t begin, int64_t end, int64_t chunk);
static luron_status open_run(luron_call *c, planes *p) {
    LURON_TRY(pool_open(c, p));
    p->share = luron_scratch(c), p->span = (int64_t *)(void *)(p->share + p->out[POOL_W]);
    for (int64_t i = 0; i < p->out[POOL_W]; i++)
        p->share[i] = pool_span(p, POOL_W, i, &p->span[2 * i], &p->span[2 * i + 1]);
    return LURON_OK;
}
/* A mean over the whole plane? */
static int is_whole(const planes *p) { return p->adaptive && p->out_size == 1; }
static int by_window(const planes *p) { return p->adaptive || p->out[POOL_W] < SHORT; }
static luron_status forward(luron_call *c) {
    planes p;
    LURON_TRY(open_run(c, &p));
    p.x = luron_data(luron_in(c, 0)), p.y = luron_data(luron_out(c, 0));
    pass *means = is_whole(&p)    ? BY_VECTORS(c, plane_means)
                  : by_window(&p) ? BY_TYPE(c, window_means)
                                  : BY_TYPE(c, row_means);
    c->host->parallel_for(c, p.n, pool_grain(&p), means, &p);
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    planes p;
    LURON_TRY(open_run(c, &p));
    p.gx = luron_data(luron_grad_in_beta(c, 0, &p.beta)), p.gy = luron_data(luron_grad_out(c, 0));
    pass *spread = is_whole(&p)    ? BY_VECTORS(c, plane_spread)
                   : by_window(&p) ? BY_TYPE(c, window_spread)
                                   : BY_TYPE(c, row_spread);
    if (p.gx) c->host->parallel_for(c, p.n, pool_grain(&p), spread, &p);
    return LURON_OK;
}

luron_tensor *pool_added_up(luron_call *c, const luron_ops *o, const planes *p, int d, luron_tensor *x) {
    luron_tensor *sum = pool_place(c, o, p, d, x, 0);
    for (int64_t k = 1; k < p->kernel[d]; k++)
        sum = o->add(c, sum, pool_place(c, o, p, d, x, k));
    return sum;
}
/* What the windows along dim d divide by, as a tensor of the type's dims: the same windows over ones. */
luron_tensor *pool_divisors(luron_call *c, const luron_ops *o, const planes *p, int d) {
    int64_t one[POOL_DIMS] = {1, 1, 1}, shape[POOL_DIMS] = {1, 1, 1}, around[POOL_DIMS] = {0}, none[POOL_DIMS] = {0},
            after[POOL_DIMS] = {0};
    const int k = d - POOL_DIMS + p->dims;
    const int64_t end = (p->out[d] - 1) * p->step[d] + p->kernel[d] - 2 * p->pad[d];
    shape[k] = p->in[d], around[k] = p->pad[d], after[k] = end > p->in[d] ? end - p->in[d] : 0;
    luron_tensor *ones = o->expand(c, o->reshape(c, o->scalar(c, 1), p->dims, one), p->dims, shape);
    ones = o->pad(c, ones, p->dims, around, around, p->o->count_include_pad);
    return pool_added_up(c, o, p, d, o->pad(c, ones, p->dims, none, after, 0));
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    planes p;
    LURON_TRY(pool_open(c, &p));
    luron_tensor *x = pool_padded(c, o, &p, o->in(c, 0), 0);
    for (int d = POOL_DIMS - 1; d >= POOL_DIMS - p.dims; d--) {
        x = pool_added_up(c, o, &p, d, x);
        if (!p.o->divisor_override) x = o->div(c, x, pool_divisors(c, o, &p, d));
    }
    return o->set_out(c, 0, p.o->divisor_override ? o->scale(c, x, 1 / (double)p.o->divisor_override, 0) : x);
}
static luron_tensor *mean(luron_call *c, const luron_ops *o, luron_tensor *x, int dim) {
    return o->mean(c, x, 1, &dim, 1);
}
static luron_status compose_adaptive(luron_call *c, const luron_ops *o) {
    planes p;
    LURON_TRY(pool_open(c, &p));
    return o->set_out(c, 0, pool_adaptive(c, o, &p, mean));
}

#define INCLUDE LURON_OPT_BOOL(pool, count_include_pad, 1, "padding counts in what a window divides by")
#define DIVISOR LURON_OPT_INT(pool, divisor_override, 0, 0, 1e9, "what every window divides by; 0: its size")
#define TYPES(n, ...)                                                                                                  \
    static const luron_option *const options##n[] = {                                                                  \
        POOL_KERNEL(n), POOL_STRIDE(n), POOL_PADDING(n, "zeros before and after"), POOL_CEIL, INCLUDE, __VA_ARGS__};   \
    static const luron_option *const adaptive##n[] = {POOL_OUTPUT(n), NULL};                                           \
    const luron_layer_type pool_avg##n##d = POOL_TYPE("AvgPool" #n "d", "the mean of each window", options##n,         \
                                                      pool_in##n, setup, forward, backward, compose);                  \
    const luron_layer_type pool_adaptive_avg##n##d =                                                                   \
        POOL_TYPE("AdaptiveAvgPool" #n "d", "the mean of as many windows as output_size says", adaptive##n,            \
                  pool_in##n, setup, forward, backward, compose_adaptive);
TYPES(1, NULL) TYPES(2, DIVISOR, NULL) TYPES(3, DIVISOR, NULL)
#else
/* ---- by rows of windows ------------------------------------------------------------------------------------------ */
static inline void TYPED(add_place)(const REAL *restrict x, double *restrict sum, int64_t n, int64_t step) {
    for (int64_t i = 0; i < n; i++)
        sum[i] += (double)x[i * step];
}
/* Add what the row x of the input has for the windows first .. end - 1. */
static void TYPED(add_row)(const planes *p, const REAL *x, double *sum, int64_t first, int64_t end) {
    const int64_t s = p->step[POOL_W];
    for (int64_t k = 0; k < p->kernel[POOL_W]; k++) {
        int64_t lo;
        const int64_t n = within(p, k, first, end, &lo) - lo;
        if (n <= 0) continue;
        const REAL *from = x + (lo * s + k - p->pad[POOL_W]);
        if (s == 1)
            TYPED(add_place)(from, sum + (lo - first), n, 1);
        else if (s == 2)
            TYPED(add_place)(from, sum + (lo - first), n, 2);
        else
            TYPED(add_place)(from, sum + (lo - first), n, s);
    }
}
static inline void TYPED(give_place)(REAL *restrict gx, const REAL *restrict g, int64_t n, int64_t step) {
    for (int64_t i = 0; i < n; i++)
        gx[i * step] += g[i];
}
static void TYPED(give_row)(const planes *p, REAL *gx, const REAL *g, int64_t first, int64_t end) {
    const int64_t s = p->step[POOL_W];
    for (int64_t k = 0; k < p->kernel[POOL_W]; k++) {
        int64_t lo;
        const int64_t n = within(p, k, first, end, &lo) - lo;
        if (n <= 0) continue;
        REAL *to = gx + (lo * s + k - p->pad[POOL_W]);
        if (s == 1)
            TYPED(give_place)(to, g + (lo - first), n, 1);
        else
            TYPED(give_place)(to, g + (lo - first), n, s);
    }
}
/* One row of windows, whose rows in the input are h0 .. h1 - 1 of d0 .. d1 - 1, in pieces: y or, backward, gx. */
static void TYPED(mean_row)(const planes *p, const REAL *x, REAL *y, const int64_t *at, double rows) {
    const int64_t width = p->out[POOL_W];
    for (int64_t first = 0, end; first < width; first = end) {
        double sum[PIECE] = {0};
        end = at_most(width, first + PIECE);
        for (int64_t d = at[0]; d < at[1]; d++)
            for (int64_t h = at[2]; h < at[3]; h++)
                TYPED(add_row)(p, x + (d * p->in[POOL_H] + h) * p->in[POOL_W], sum, first, end);
        for (int64_t i = first; i < end; i++)
            y[i] = (REAL)(sum[i - first] / divisor(p, rows, p->share[i]));
    }
}
static void TYPED(spread_row)(const planes *p, REAL *gx, const REAL *gy, const int64_t *at, double rows) {
    const int64_t width = p->out[POOL_W];
    for (int64_t first = 0, end; first < width; first = end) {
        REAL g[PIECE];
        end = at_most(width, first + PIECE);
        for (int64_t i = first; i < end; i++)
            g[i - first] = (REAL)((double)gy[i] / divisor(p, rows, p->share[i]));
        for (int64_t d = at[0]; d < at[1]; d++)
            for (int64_t h = at[2]; h < at[3]; h++)
                TYPED(give_row)(p, gx + (d * p->in[POOL_H] + h) * p->in[POOL_W], g, first, end);
    }
}

/* ---- by windows -------------------------------------------------------------------------------------------------- */
INLINE double TYPED(run_sum)(const REAL *x, int64_t n) {
    quad a = {0}, b = {0}, d = {0}, e = {0};
    double rest = 0;
    const int64_t whole = n / LANES * LANES;
    for (int64_t i = whole; i < n; i++)
        rest += (double)x[i];
    if (!whole) return rest; /* a row of most windows */
    for (int64_t i = 0; i < whole; i += LANES) {
        a += QUAD(x + i), b += QUAD(x + i + 4);
        d += QUAD(x + i + 8), e += QUAD(x + i + 12);
    }
    const quad all = (a + b) + (d + e);
    return (all[0] + all[2]) + (all[1] + all[3]) + rest;
}
/* One window a plane: what ends most networks for images. */
LOOP TYPED(plane_means)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const planes *p = arg;
    (void)chunk;
    for (int64_t i = begin; i < end; i++)
        ((REAL *)p->y)[i] = (REAL)(TYPED(run_sum)((const REAL *)p->x + i * p->in_size, p->in_size) / (double)p->in_size);
}
LOOP TYPED(plane_spread)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const planes *p = arg;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const REAL g = (REAL)((double)((const REAL *)p->gy)[i] / (double)p->in_size);
        REAL *gx = (REAL *)p->gx + i * p->in_size;
        for (int64_t k = 0; k < p->in_size; k++)
            gx[k] = p->beta == 0 ? g : gx[k] + g;
    }
}
/* Rows and columns as of mean_row; the windows of the row one by one. */
static void TYPED(mean_windows)(const planes *p, const REAL *x, REAL *y, const int64_t *at, double rows) {
    for (int64_t i = 0; i < p->out[POOL_W]; i++) {
        const int64_t lo = p->span[2 * i], hi = p->span[2 * i + 1];
        double sum = 0;
        const int whole = lo == 0 && hi == p->in[POOL_W]; /* rows that follow each other are one run */
        for (int64_t d = at[0]; d < at[1]; d++) {
            const REAL *plane = x + d * p->in[POOL_H] * p->in[POOL_W];
            if (whole) sum += TYPED(run_sum)(plane + at[2] * hi, (at[3] - at[2]) * hi);
            for (int64_t h = at[2]; !whole && h < at[3]; h++)
                sum += TYPED(run_sum)(plane + h * p->in[POOL_W] + lo, hi - lo);
        }
        y[i] = (REAL)(sum / divisor(p, rows, p->share[i]));
    }
}
static void TYPED(spread_windows)(const planes *p, REAL *gx, const REAL *gy, const int64_t *at, double rows) {
    for (int64_t i = 0; i < p->out[POOL_W]; i++) {
        const int64_t lo = p->span[2 * i], hi = p->span[2 * i + 1];
        const REAL g = (REAL)((double)gy[i] / divisor(p, rows, p->share[i]));
        for (int64_t d = at[0]; d < at[1]; d++)
            for (int64_t h = at[2]; h < at[3]; h++) {
                REAL *row = gx + (d * p->in[POOL_H] + h) * p->in[POOL_W];
                for (int64_t w = lo; w < hi; w++)
                    row[w] += g;
            }
    }
}

/* Every row of windows of the planes begin .. end - 1. */
#define EACH_ROW(call)                                                                                                 \
    for (int64_t i = begin * rows_of(p); i < end * rows_of(p); i++) {                                                  \
        int64_t at[4];                                                                                                 \
        const int64_t plane = i / rows_of(p), row = i % rows_of(p);                                                    \
        double rows = pool_span(p, POOL_D, row / p->out[POOL_H], &at[0], &at[1]);                                      \
        rows *= pool_span(p, POOL_H, row % p->out[POOL_H], &at[2], &at[3]);                                            \
        call;                                                                                                          \
    }
#define MEANS(name, row_fn)                                                                                            \
    static void TYPED(name)(void *arg, int64_t begin, int64_t end, int64_t chunk) {                                    \
        const planes *p = arg;                                                                                         \
        (void)chunk;                                                                                                   \
        EACH_ROW(                                                                                                      \
            TYPED(row_fn)(p, (const REAL *)p->x + plane * p->in_size, (REAL *)p->y + i * p->out[POOL_W], at, rows))    \
    }
#define SPREAD(name, row_fn)                                                                                           \
    static void TYPED(name)(void *arg, int64_t begin, int64_t end, int64_t chunk) {                                    \
        const planes *p = arg;                                                                                         \
        (void)chunk;                                                                                                   \
        if (p->beta == 0)                                                                                              \
            memset((REAL *)p->gx + begin * p->in_size, 0, (size_t)((end - begin) * p->in_size) * sizeof(REAL));        \
        EACH_ROW(                                                                                                      \
            TYPED(row_fn)(p, (REAL *)p->gx + plane * p->in_size, (const REAL *)p->gy + i * p->out[POOL_W], at, rows))  \
    }
MEANS(row_means, mean_row)
MEANS(window_means, mean_windows)
SPREAD(row_spread, spread_row)
SPREAD(window_spread, spread_windows)
#undef SPREAD
#undef MEANS
#undef EACH_ROW
#undef REAL
#endif
