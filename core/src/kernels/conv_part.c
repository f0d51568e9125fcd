/* conv_part.c -- the geometry of a convolution: taps, bands and copies (kernels/conv_part.h). */
#ifndef T
#include "kernels/conv_part.h"

#include "internal.h"

enum { MOST_LINE = 512, LEAST_LINE = 64, BAND_BYTES = 128 * 1024, LEAST_TASKS = 8, FEW_ROWS = 32 };

bool luron__conv_tap_at(const luron__conv_axis *a, int64_t k, int64_t *offset) {
    int64_t place = a->base + k * a->dilation;
    *offset = place / a->divide;
    return place % a->divide == 0;
}

static void measure(luron__conv_axis *a) {
    int64_t low = 0, high = 0, offset;
    for (int64_t k = 0; k < a->kernel; k++) {
        if (!luron__conv_tap_at(a, k, &offset)) continue;
        low = a->taps ? luron__least(low, offset) : offset;
        high = a->taps ? luron__most(high, offset) : offset;
        a->taps++;
    }
    a->first = low;
    a->extra = high - low;
    a->splits = luron__least(a->step, a->extra + 1);
}

static luron__conv_axis forward_axis(const luron__conv_args *g, int d) {
    luron__conv_axis a = {.kernel = g->kernel[d], .base = -g->before[d], .dilation = g->dilation[d], .divide = 1};
    a.step = g->stride[d], a.source = g->in[d], a.count = g->out[d], a.to_step = 1;
    measure(&a);
    return a;
}

/* Places r, r + stride, ... of the input. */
static luron__conv_axis gradient_axis(const luron__conv_args *g, int d, int64_t r) {
    luron__conv_axis a = {
        .kernel = g->kernel[d], .base = r + g->before[d], .dilation = -g->dilation[d], .divide = g->stride[d]};
    a.step = 1, a.source = g->out[d], a.to_first = r, a.to_step = g->stride[d];
    a.count = luron__ceil_div(g->in[d] - r, g->stride[d]);
    measure(&a);
    return a;
}

/* Room that the copy of a band takes, in numbers; sets the strides in it. */
static int64_t measure_copy(luron__conv_part *p) {
    const luron__conv_axis *h = &p->d[1], *w = &p->d[2];
    int64_t columns = (w->band + LURON__CONV_LANES - 1) / LURON__CONV_LANES * LURON__CONV_LANES;
    p->high = h->band + h->extra / h->step;
    p->wide = columns + w->extra / w->step;
    p->line = w->splits * p->wide;
    p->plane = h->splits * p->high * p->line;
    return p->channels * p->d[0].taps * p->plane;
}

/* Bands that fit the cache, and enough of them for some threads; by the shapes alone. */
static void choose_bands(luron__conv_part *p) {
    luron__conv_axis *h = &p->d[1], *w = &p->d[2];
    const int64_t room = BAND_BYTES / p->size, others = luron__most(1, p->g->images * p->g->groups * p->d[0].count);
    w->band = luron__most(1, luron__least(w->count, MOST_LINE));
    h->band = 1;
    while (w->band > LEAST_LINE && measure_copy(p) > room)
        w->band = luron__most(LEAST_LINE, w->band / 2);
    const int64_t one = measure_copy(p);
    h->band = 2;
    const int64_t more = measure_copy(p) - one;
    h->band = one >= room || more == 0 ? 1 : 1 + (room - one) / more;
    if (more == 0) h->band = h->count;
    const int64_t wanted = luron__ceil_div(LEAST_TASKS, others);
    h->band = luron__most(1, luron__least(h->band, luron__ceil_div(h->count, wanted)));
    p->bands[0] = luron__ceil_div(h->count, h->band);
    if (p->bands[0] > 0) h->band = luron__ceil_div(h->count, p->bands[0]); /* equal ones */
    p->bands[1] = luron__ceil_div(w->count, w->band);
    measure_copy(p);
}

/* Without stride and padding lines need no copy; a cache holds few that are a multiple of 1024 bytes apart. */
static bool reads_in_place(const luron__conv_part *p) {
    int64_t plane = p->size;
    for (int d = 0; d < 3; d++) {
        const luron__conv_axis *a = &p->d[d];
        if (a->step != 1 || a->to_step != 1 || a->first < 0 || a->count + a->first + a->extra > a->source) return false;
        plane *= a->source;
    }
    return p->rows <= FEW_ROWS || plane % 1024 != 0;
}

luron__conv_part luron__conv_part_of(const luron__conv_args *g, bool backward, const int64_t *r) {
    luron__conv_part p = {.g = g, .backward = backward, .size = (int)luron_dtype_size(g->dtype)};
    p.channels = (backward ? g->c_out : g->c_in) / g->groups;
    p.rows = (backward ? g->c_in : g->c_out) / g->groups;
    for (int d = 0; d < 3; d++)
        p.d[d] = backward ? gradient_axis(g, d, r[d]) : forward_axis(g, d);
    p.k = p.channels * p.d[0].taps * p.d[1].taps * p.d[2].taps;
    choose_bands(&p);
    p.in_place = reads_in_place(&p);
    return p;
}

/* A kernel of 1 that goes over all pixels: they are one line. */
luron__conv_args luron__conv_flattened(const luron__conv_args *g) {
    luron__conv_args f = *g;
    for (int d = 0; d < 3; d++)
        if (g->kernel[d] != 1 || g->stride[d] != 1 || g->before[d] != 0 || g->in[d] != g->out[d]) return f;
    f.in[2] = f.out[2] = luron__conv_volume(g->in);
    f.in[0] = f.in[1] = f.out[0] = f.out[1] = 1;
    return f;
}

void luron__conv_offsets(const luron__conv_part *p, bool in_place, int64_t *to) {
    const luron__conv_axis *d = p->d;
    const int64_t lines = d[1].source * d[2].source;
    int64_t at[3];
    for (int64_t c = 0; c < p->channels; c++) {
        int64_t depth = 0;
        for (int64_t i = 0; i < d[0].kernel; i++) {
            if (!luron__conv_tap_at(&d[0], i, &at[0])) continue;
            for (int64_t j = 0; j < d[1].kernel; j++) {
                if (!luron__conv_tap_at(&d[1], j, &at[1])) continue;
                const int64_t y = at[1] - d[1].first, row = y % d[1].step * p->high + y / d[1].step;
                for (int64_t k = 0; k < d[2].kernel; k++) {
                    if (!luron__conv_tap_at(&d[2], k, &at[2])) continue;
                    const int64_t x = at[2] - d[2].first;
                    *to++ = in_place ? (c * d[0].source + at[0]) * lines + at[1] * d[2].source + at[2]
                                     : (c * d[0].taps + depth) * p->plane + row * p->line + x % d[2].step * p->wide +
                                           x / d[2].step;
                }
            }
            depth++;
        }
    }
}

int64_t luron__conv_copy_bytes(luron__conv_part *p) { return luron__round_64(measure_copy(p) * p->size); }

int64_t luron__conv_bands(const luron__conv_part *p) {
    return p->g->images * p->g->groups * p->d[0].count * p->bands[0] * p->bands[1];
}

luron__conv_band luron__conv_band_at(const luron__conv_part *p, int64_t i) {
    const luron__conv_axis *d = p->d;
    luron__conv_band b = {.n = {1, 0, 0}};
    b.at[2] = i % p->bands[1] * d[2].band, i /= p->bands[1];
    b.at[1] = i % p->bands[0] * d[1].band, i /= p->bands[0];
    b.at[0] = i % d[0].count, i /= d[0].count;
    b.group = i % p->g->groups, b.image = i / p->g->groups;
    for (int k = 1; k < 3; k++)
        b.n[k] = luron__least(d[k].band, d[k].count - b.at[k]);
    return b;
}

int64_t luron__conv_place(const luron__conv_part *p, const luron__conv_band *b) {
    const luron__conv_axis *d = p->d;
    const int64_t plane = (b->image * p->g->groups + b->group) * p->channels * d[0].source + b->at[0];
    return (plane * d[1].source + b->at[1]) * d[2].source + b->at[2];
}

#define T float
#define NAME(x) x##_f32
#define HALVES(low, high) __builtin_shufflevector(low, high, 0, 2, 4, 6)
#include "conv_part.c"
#undef T
#undef NAME
#undef HALVES
#define T double
#define NAME(x) x##_f64
#define HALVES(low, high) __builtin_shufflevector(low, high, 0, 2)
#include "conv_part.c"
#undef T
#undef NAME
#undef HALVES

void luron__conv_copy(const luron__conv_part *p, const luron__conv_band *b, const void *from, void *copy) {
    if (p->size == 4)
        copy_band_f32(p, b, from, copy);
    else
        copy_band_f64(p, b, from, copy);
}
#else
/* n numbers side by side, 16 bytes at a time; the last of them may be copied twice. */
static inline void NAME(copy_run)(const T *from, int64_t n, T *to) {
    enum { N = 16 / (int)sizeof(T) };
    int64_t i = 0;
    for (; i + N <= n; i += N)
        memcpy(to + i, from + i, 16);
    if (i < n && n >= N)
        memcpy(to + n - N, from + n - N, 16);
    else
        for (; i < n; i++)
            to[i] = from[i];
}
/* n numbers, each two places from the one before. */
static inline void NAME(copy_halves)(const T *from, int64_t n, T *to) {
    typedef __attribute__((vector_size(16))) T piece;
    enum { N = 16 / (int)sizeof(T) };
    int64_t i = 0;
    for (; i + N < n; i += N) { /* that another follows keeps the second piece in the line */
        piece low, high;
        memcpy(&low, from + 2 * i, sizeof low);
        memcpy(&high, from + 2 * i + N, sizeof high);
        low = HALVES(low, high);
        memcpy(to + i, &low, sizeof low);
    }
    for (; i < n; i++)
        to[i] = from[2 * i];
}
static inline void NAME(copy_steps)(const T *from, int64_t step, int64_t n, T *to) {
    if (step == 1)
        NAME(copy_run)(from, n, to);
    else if (step == 2)
        NAME(copy_halves)(from, n, to);
    else
        for (int64_t i = 0; i < n; i++)
            to[i] = from[i * step];
}
/* At least the first `low` of n numbers and those from `high` on, n being LURON__CONV_LANES or more. */
static inline void NAME(clear_ends)(T *to, int64_t low, int64_t high, int64_t n) {
    enum { N = 16 / (int)sizeof(T) };
    static const T none[N];
    int64_t i = 0;
    for (; i < low && i + N <= n; i += N)
        memcpy(to + i, none, sizeof none);
    for (; i < low; i++)
        to[i] = 0;
    for (i = n; i > high && i >= N; i -= N)
        memcpy(to + i - N, none, sizeof none);
    for (; i > high; i--)
        to[i - 1] = 0;
}

/* Lines of numbers `step` apart from place `first` of each line of a plane on; what is outside is 0. */
static void NAME(copy_lines)(const luron__conv_part *p, const luron__conv_band *b, int64_t kind, const T *plane,
                             int64_t first, T *to) {
    const luron__conv_axis *h = &p->d[1], *w = &p->d[2];
    const int64_t n = p->wide, step = w->step, size = w->source;
    const int64_t low = first < 0 ? luron__least(n, luron__ceil_div(-first, step)) : 0,
                  high = first < size ? luron__least(n, (size - 1 - first) / step + 1) : 0;
    for (int64_t i = 0; i < p->high; i++, to += p->line) {
        const int64_t y = (b->at[1] + i) * h->step + h->first + kind;
        if (!plane || y < 0 || y >= h->source || high <= low) {
            memset(to, 0, (size_t)n * sizeof(T));
            continue;
        }
        NAME(clear_ends)(to, low, high, n); /* in whole pieces, which reach into what is copied next */
        NAME(copy_steps)(plane + y * size + first + low * step, step, high - low, to + low);
    }
}

/* The lines of one channel and depth. */
static void NAME(copy_plane)(const luron__conv_part *p, const luron__conv_band *b, const T *plane, T *to) {
    const luron__conv_axis *h = &p->d[1], *w = &p->d[2];
    for (int64_t kind = 0; kind < h->splits; kind++)
        for (int64_t k = 0; k < w->splits; k++)
            NAME(copy_lines)(p, b, kind, plane, b->at[2] * w->step + w->first + k,
                             to + kind * p->high * p->line + k * p->wide);
}

/* A plane is wanted soon: it begins a page of its own, or is read by every second line, where processors do not look
 * ahead. */
static inline void NAME(ahead)(const T *plane, int64_t n) {
    enum { LINE = 64 / (int)sizeof(T), MOST = 128 * LINE };
    for (int64_t i = 0; i < n && i < MOST; i += LINE)
        __builtin_prefetch(plane + i);
}

static void NAME(copy_band)(const luron__conv_part *p, const luron__conv_band *b, const T *x, T *to) {
    const luron__conv_axis *d = p->d;
    const int64_t lines = d[1].source * d[2].source;
    const T *from = x + (b->image * p->g->groups + b->group) * p->channels * d[0].source * lines;
    for (int64_t c = 0; c < p->channels; c++, from += d[0].source * lines)
        for (int64_t k = 0; k < d[0].kernel; k++) {
            int64_t offset;
            if (!luron__conv_tap_at(&d[0], k, &offset)) continue;
            const int64_t z = b->at[0] * d[0].step + offset;
            if (c + 1 < p->channels) NAME(ahead)(from + d[0].source * lines, lines);
            NAME(copy_plane)(p, b, z < 0 || z >= d[0].source ? NULL : from + z * lines, to);
            to += p->plane;
        }
}

#endif
