/* channels.c: y = (x - mean) / sqrt(var + eps) w + b over x (n, channels, places): batch, instance and group norm. Row
 * r of `places` numbers is of channel r mod channels. Sums are of what the first number of a group leaves: its square is at most n
 * variances, so no more digits cancel than n has. */
#ifndef REAL
#include "norm.h"
enum { BLOCK = 64, LEAST_TOLD = 256, SIDE_BY_SIDE = 4096 /* numbers of channels that are worked on at once */ };
static int64_t first_row(const channels *k, int64_t group) { return k->apart > 1 ? group : group * k->rows; }
/* A batch of plain rows: channels lie side by side and are worked on in blocks. */
static int by_columns(const channels *k) { return k->apart > 1 && k->places == 1; }
/* Are rows told of one by one, when they are made or wanted? Short ones, or blocks of channels, all at once. */
static int tells_rows(const channels *k) { return k->places >= LEAST_TOLD; }
static void tell_all(const channels *k, void (*tell)(luron_call *, int64_t, int64_t)) {
    if (!tells_rows(k)) tell(k->c, 0, k->n * k->channels * k->places);
}
/* Rows come from afar one behind the other, and where a page ends processors stop looking ahead. */
static inline void fetch_ahead(const void *x) {
    enum { AHEAD = 2048 };
    __builtin_prefetch((const void *)((uintptr_t)x + AHEAD));
}
#define REAL float
#include "channels.c"
#define REAL double
#include "channels.c"
WIDE_PASS(forward_groups)
WIDE_PASS(backward_groups)

channels norm_channels(luron_call *c, int at, int64_t groups) {
    const luron_view *x = luron_in(c, 0);
    const norm *o = luron_options(c);
    channels k = {.c = c, .o = o, .n = 1, .channels = x->shape[at], .places = 1};
    for (int i = 0; i < at; i++)
        k.n *= x->shape[i];
    for (int i = at + 1; i < x->ndim; i++)
        k.places *= x->shape[i];
    k.groups = groups ? k.n * groups : k.channels;
    k.rows = groups ? k.channels / groups : k.n;
    k.apart = groups ? 1 : k.channels;
    k.count = k.rows * k.places;
    k.own = luron_is_training(c) || !o->track_running_stats;
    return k;
}

luron_status norm_channels_setup(luron_call *c, const channels *k) {
    const int64_t rows = k->n * k->channels;
    LURON_TRY(c->host->declare_saved(c, 0, LURON_F64, LURON_SHAPE(2 * k->groups)));
    LURON_TRY(c->host->declare_scratch(c, 2 * (rows + k->groups) * (int64_t)sizeof(double)));
    return luron_set_out_like(c, 0, luron_in(c, 0));
}

static void open_run(channels *k) {
    k->x = luron_data(luron_in(k->c, 0));
    k->w = luron_data(luron_param(k->c, WEIGHT)), k->b = luron_data(luron_param(k->c, BIAS));
    k->stats = luron_data(luron_saved(k->c, 0)), k->work = luron_scratch(k->c);
    k->slopes = k->work ? k->work + 2 * k->n * k->channels : NULL;
}
static void run(channels *k, void (*groups)(void *, int64_t, int64_t, int64_t),
                void (*columns)(void *, int64_t, int64_t, int64_t)) {
    const int side = by_columns(k);
    const int64_t least = 1 + NORM_GRAIN / (k->count + 1), near = 1 + SIDE_BY_SIDE / (k->places + 1), few = 1 + k->groups / 4;
    const int64_t more = k->apart == 1 ? 1 : near < few ? near : few, grain = side ? BLOCK : more > least ? more : least;
    k->c->host->parallel_for(k->c, k->groups, grain, side ? columns : groups, k);
}

luron_status norm_channels_forward(luron_call *c, channels k) {
    open_run(&k);
    k.y = luron_data(luron_out(c, 0));
    k.running_mean = luron_data(luron_state(c, MEAN)), k.running_var = luron_data(luron_state(c, VAR));
    run(&k, BY_VECTORS(c, forward_groups), BY_TYPE(c, forward_columns));
    tell_all(&k, c->host->made);
    if (luron_is_training(c) && k.o->track_running_stats && k.n * k.count > 0) BY_TYPE(c, track)(&k);
    return LURON_OK;
}

luron_status norm_channels_backward(luron_call *c, channels k) {
    double beta;
    open_run(&k);
    k.gy = luron_data(luron_grad_out(c, 0)), k.gx = luron_data(luron_grad_in_beta(c, 0, &k.beta));
    tell_all(&k, c->host->wants);
    run(&k, BY_VECTORS(c, backward_groups), BY_TYPE(c, backward_columns));
    luron_view *gw = luron_grad_param_beta(c, WEIGHT, &beta);
    if (gw) BY_TYPE(c, add_up)(&k, 1, luron_data(gw), beta);
    luron_view *gb = luron_grad_param_beta(c, BIAS, &beta);
    if (gb) BY_TYPE(c, add_up)(&k, 0, luron_data(gb), beta);
    return LURON_OK;
}
#else
/* ---- a row ------------------------------------------------------------------------------------------------------- */
/* Adds to to[0] the sum of x - pivot, to to[1] that of the squares of these. */
LOOP TYPED(moments)(const REAL *x, int64_t n, double pivot, double *to) {
    quad low = {0}, high = {0}, square = {0}, above = {0};
    double rest = 0, last = 0;
    int64_t i = 0;
    for (; i + NORM_LANES <= n; i += NORM_LANES) {
        const quad a = QUAD(x + i) - pivot, b = QUAD(x + i + 4) - pivot;
        fetch_ahead(x + i);
        low += a, high += b;
        square += a * a, above += b * b;
    }
    for (; i < n; i++) {
        const double a = (double)x[i] - pivot;
        rest += a, last += a * a;
    }
    to[0] += FOLDED(low, high) + rest, to[1] += FOLDED(square, above) + last;
}
/* to[0]: the sum of gy, to[1]: that of gy (x - mean). */
LOOP TYPED(products)(const REAL *gy, const REAL *x, int64_t n, double mean, double *to) {
    quad low = {0}, high = {0}, product = {0}, above = {0};
    double rest = 0, last = 0;
    int64_t i = 0;
    for (; i + NORM_LANES <= n; i += NORM_LANES) {
        const quad a = QUAD(gy + i), b = QUAD(gy + i + 4);
        fetch_ahead(x + i);
        low += a, high += b;
        product += a * (QUAD(x + i) - mean), above += b * (QUAD(x + i + 4) - mean);
    }
    for (; i < n; i++) {
        rest += (double)gy[i];
        last += (double)gy[i] * ((double)x[i] - mean);
    }
    to[0] = FOLDED(low, high) + rest, to[1] = FOLDED(product, above) + last;
}
LOOP TYPED(scale_row)(REAL *restrict y, const REAL *restrict x, int64_t n, REAL mean, REAL times, REAL plus) {
    for (int64_t i = 0; i < n; i++)
        y[i] = (x[i] - mean) * times + plus;
}
/* gx (+)= gy times - (x - mean) slope - shift; x NULL: gy times, whatever is in x: running values do not move with it. */
LOOP TYPED(slope_row)(REAL *restrict gx, const REAL *restrict gy, const REAL *restrict x, int64_t n, REAL beta,
                             REAL mean, REAL times, REAL slope, REAL shift) {
    if (!x)
        for (int64_t i = 0; i < n; i++)
            gx[i] = beta == 0 ? gy[i] * times : gx[i] + gy[i] * times;
    else if (beta == 0)
        for (int64_t i = 0; i < n; i++)
            gx[i] = gy[i] * times - (x[i] - mean) * slope - shift;
    else
        for (int64_t i = 0; i < n; i++)
            gx[i] += gy[i] * times - (x[i] - mean) * slope - shift;
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */
static double TYPED(weight)(const channels *k, int64_t row) {
    return k->w ? (double)((const REAL *)k->w)[row % k->channels] : 1;
}
/* What is done with row `row` of group g. */
LOOP TYPED(moments_row)(const channels *k, int64_t g, int64_t row) {
    const REAL *x = k->x;
    TYPED(moments)(x + row * k->places, k->places, (double)x[first_row(k, g) * k->places], k->stats + 2 * g);
}
LOOP TYPED(forward_row)(const channels *k, int64_t g, int64_t row) {
    const REAL *b = k->b;
    const int64_t at = row * k->places;
    TYPED(scale_row)((REAL *)k->y + at, (const REAL *)k->x + at, k->places, (REAL)k->stats[2 * g],
                     (REAL)(k->stats[2 * g + 1] * TYPED(weight)(k, row)), b ? b[row % k->channels] : 0);
    if (tells_rows(k)) k->c->host->made(k->c, at, k->places);
}
LOOP TYPED(products_row)(const channels *k, int64_t g, int64_t row) {
    const int64_t at = row * k->places;
    double *sums = k->work + 2 * row;
    if (tells_rows(k)) k->c->host->wants(k->c, at, k->places);
    TYPED(products)((const REAL *)k->gy + at, (const REAL *)k->x + at, k->places, k->stats[2 * g], sums);
    sums[1] *= k->stats[2 * g + 1];
}
LOOP TYPED(backward_row)(const channels *k, int64_t g, int64_t row) {
    const int64_t at = row * k->places;
    const REAL *x = k->own ? (const REAL *)k->x + at : NULL;
    TYPED(slope_row)((REAL *)k->gx + at, (const REAL *)k->gy + at, x, k->places, (REAL)k->beta, (REAL)k->stats[2 * g], (REAL)(k->stats[2 * g + 1] * TYPED(weight)(k, row)),
                     (REAL)k->slopes[2 * g + 1], (REAL)k->slopes[2 * g]);
}
/* All rows of groups begin .. end in the order in which they lie, or from the last image to the first: what was looked
 * at last is still near. Of a group they come in ascending order, unless `back`. */
LOOP TYPED(each_row)(const channels *k, int64_t begin, int64_t end, int back,
                     void (*fn)(const channels *, int64_t, int64_t)) {
    const int64_t groups = end - begin, outer = k->apart > 1 ? k->rows : groups, inner = k->apart > 1 ? groups : k->rows;
    for (int64_t o = 0; o < outer; o++) {
        const int64_t at = back ? outer - 1 - o : o;
        for (int64_t i = 0; i < inner; i++) {
            const int64_t g = begin + (k->apart > 1 ? i : at), r = k->apart > 1 ? at : i;
            fn(k, g, first_row(k, g) + r * k->apart);
        }
    }
}
/* Mean and 1 / deviation of groups into stats, their variances into work. */
LOOP TYPED(measure)(const channels *k, int64_t begin, int64_t end) {
    const double count = (double)(k->count > 0 ? k->count : 1);
    for (int64_t g = begin; g < end && k->own; g++)
        k->stats[2 * g] = k->stats[2 * g + 1] = 0;
    if (k->own && k->count > 0) TYPED(each_row)(k, begin, end, 0, TYPED(moments_row)); /* rows of nothing have no first number */
    for (int64_t g = begin; g < end; g++) {
        double *stats = k->stats + 2 * g, mean, var;
        if (k->own) {
            mean = stats[0] / count, var = stats[1] / count - mean * mean;
            mean += k->count > 0 ? (double)((const REAL *)k->x)[first_row(k, g) * k->places] : 0;
            var = var < 0 ? 0 : var;
        } else {
            mean = (double)((const REAL *)k->running_mean)[g % k->channels];
            var = (double)((const REAL *)k->running_var)[g % k->channels];
        }
        stats[0] = mean, stats[1] = 1 / sqrt(var + k->o->eps), k->work[g] = var;
    }
}
LOOP TYPED(forward_groups)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const channels *k = arg;
    (void)chunk;
    TYPED(measure)(k, begin, end);
    TYPED(each_row)(k, begin, end, 1, TYPED(forward_row));
}
LOOP TYPED(backward_groups)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const channels *k = arg;
    (void)chunk;
    TYPED(each_row)(k, begin, end, 0, TYPED(products_row));
    for (int64_t g = begin; g < end; g++) {
        const double inverse = k->stats[2 * g + 1], n = (double)(k->count > 0 ? k->count : 1);
        double s1 = 0, s2 = 0;
        for (int64_t i = 0; i < k->rows; i++) {
            const int64_t row = first_row(k, g) + i * k->apart;
            const double w = TYPED(weight)(k, row), *sums = k->work + 2 * row;
            s1 += w * sums[0], s2 += w * sums[1];
        }
        k->slopes[2 * g] = k->own ? inverse * s1 / n : 0, k->slopes[2 * g + 1] = k->own ? inverse * inverse * s2 / n : 0;
    }
    if (k->gx) TYPED(each_row)(k, begin, end, 1, TYPED(backward_row));
}

/* ---- blocks of channels that lie side by side -------------------------------------------------------------------- */
static void TYPED(measure_columns)(const channels *k, int64_t first, int64_t m) {
    const double n = (double)(k->n > 0 ? k->n : 1);
    double mean[BLOCK] = {0}, var[BLOCK] = {0};
    for (int64_t i = 0; i < k->n; i++)
        for (int64_t j = 0; j < m; j++)
            mean[j] += (double)((const REAL *)k->x)[i * k->channels + first + j];
    for (int64_t j = 0; j < m; j++)
        mean[j] /= n;
    for (int64_t i = 0; i < k->n; i++)
        for (int64_t j = 0; j < m; j++) {
            const double d = (double)((const REAL *)k->x)[i * k->channels + first + j] - mean[j];
            var[j] += d * d;
        }
    for (int64_t j = 0; j < m; j++) {
        k->work[first + j] = var[j] / n;
        k->stats[2 * (first + j)] = mean[j], k->stats[2 * (first + j) + 1] = 1 / sqrt(k->work[first + j] + k->o->eps);
    }
}
static void TYPED(forward_columns)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const channels *k = arg;
    const REAL *b = k->b;
    (void)chunk;
    for (int64_t first = begin; first < end; first += BLOCK) {
        const int64_t m = end - first < BLOCK ? end - first : BLOCK;
        REAL mean[BLOCK], times[BLOCK], plus[BLOCK];
        if (k->own) TYPED(measure_columns)(k, first, m);
        for (int64_t j = 0; j < m; j++) {
            if (!k->own) TYPED(measure)(k, first + j, first + j + 1);
            mean[j] = (REAL)k->stats[2 * (first + j)], plus[j] = b ? b[first + j] : 0;
            times[j] = (REAL)(k->stats[2 * (first + j) + 1] * TYPED(weight)(k, first + j));
        }
        for (int64_t i = 0; i < k->n; i++) {
            const REAL *restrict x = (const REAL *)k->x + i * k->channels + first;
            REAL *restrict y = (REAL *)k->y + i * k->channels + first;
            for (int64_t j = 0; j < m; j++)
                y[j] = (x[j] - mean[j]) * times[j] + plus[j];
        }
    }
}
static void TYPED(backward_columns)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const channels *k = arg;
    (void)chunk;
    for (int64_t first = begin; first < end; first += BLOCK) {
        const int64_t m = end - first < BLOCK ? end - first : BLOCK;
        double sum[BLOCK] = {0}, product[BLOCK] = {0}, center[BLOCK];
        REAL mean[BLOCK], times[BLOCK], slope[BLOCK], shift[BLOCK];
        for (int64_t j = 0; j < m; j++)
            center[j] = k->stats[2 * (first + j)];
        for (int64_t i = 0; i < k->n; i++) {
            const REAL *gy = (const REAL *)k->gy + i * k->channels + first,
                       *x = (const REAL *)k->x + i * k->channels + first;
            for (int64_t j = 0; j < m; j++)
                sum[j] += (double)gy[j], product[j] += (double)gy[j] * ((double)x[j] - center[j]);
        }
        for (int64_t j = 0; j < m; j++) {
            const double inverse = k->stats[2 * (first + j) + 1], w = TYPED(weight)(k, first + j),
                         n = (double)(k->n > 0 ? k->n : 1);
            k->work[2 * (first + j)] = sum[j], k->work[2 * (first + j) + 1] = product[j] * inverse;
            mean[j] = (REAL)center[j], times[j] = (REAL)(inverse * w);
            shift[j] = (REAL)(k->own ? inverse * (w * sum[j]) / n : 0);
            slope[j] = (REAL)(k->own ? inverse * inverse * (w * (product[j] * inverse)) / n : 0);
        }
        for (int64_t i = 0; k->gx && i < k->n; i++) {
            const REAL *restrict gy = (const REAL *)k->gy + i * k->channels + first, *restrict x = (const REAL *)k->x +
                                                                                                   i * k->channels +
                                                                                                   first;
            REAL *restrict gx = (REAL *)k->gx + i * k->channels + first;
            if (!k->own)
                for (int64_t j = 0; j < m; j++)
                    gx[j] = k->beta == 0 ? gy[j] * times[j] : gx[j] + gy[j] * times[j];
            else if (k->beta == 0)
                for (int64_t j = 0; j < m; j++)
                    gx[j] = gy[j] * times[j] - (x[j] - mean[j]) * slope[j] - shift[j];
            else
                for (int64_t j = 0; j < m; j++)
                    gx[j] += gy[j] * times[j] - (x[j] - mean[j]) * slope[j] - shift[j];
        }
    }
}

/* ---- over images ------------------------------------------------------------------------------------------------- */
/* The gradient of the weight (which 1) or bias (0): the sums of each channel's rows in order. */
static void TYPED(add_up)(const channels *k, int which, void *sums, double beta) {
    REAL *to = sums;
    const int64_t n = by_columns(k) ? 1 : k->n;
    for (int64_t c = 0; c < k->channels; c++) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++)
            sum += k->work[2 * (i * k->channels + c) + which];
        to[c] = (REAL)(beta != 0 ? (double)to[c] + sum : sum);
    }
}
/* Running values: the share of this batch is momentum, or 1 / batches; of several groups of one channel their mean
 * counts. */
static void TYPED(track)(const channels *k) {
    int64_t *batches = luron_data(luron_state(k->c, BATCHES));
    REAL *mean = luron_data(luron_state(k->c, MEAN)), *var = luron_data(luron_state(k->c, VAR));
    const double share = k->o->cumulative ? 1 / (double)++*batches : (++*batches, k->o->momentum), n = (double)k->count;
    const int64_t each = k->groups / k->channels;
    for (int64_t c = 0; c < k->channels; c++) {
        double m = 0, v = 0;
        for (int64_t i = 0; i < each; i++)
            m += k->stats[2 * (i * k->channels + c)], v += k->work[i * k->channels + c];
        m /= (double)each, v *= (k->o->unbiased ? n / (n - 1) : 1) / (double)each;
        mean[c] = (REAL)((1 - share) * (double)mean[c] + share * m);
        var[c] = (REAL)((1 - share) * (double)var[c] + share * v);
    }
}
#undef REAL
#endif
