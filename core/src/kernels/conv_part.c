/* conv_part.c -- the geometry of a convolution: taps, bands and copies (kernels/conv_part.h). */
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

/* Room that the copy of a band takes, in numbers, with lines of whole vectors; sets the strides in it. */
static int64_t measure_copy(luron__conv_part *p, int64_t vector) {
    const luron__conv_axis *h = &p->d[1], *w = &p->d[2];
    const int64_t columns = luron__ceil_div(w->band, vector) * vector;
    p->high = h->band + h->extra / h->step;
    p->wide = columns + w->extra / w->step;
    p->line = w->splits * p->wide;
    p->plane = h->splits * p->high * p->line;
    return p->channels * p->d[0].taps * p->plane;
}

/* Bands that fit the cache, and enough of them for some threads; by the shapes alone. */
static void choose_bands(luron__conv_part *p) {
    luron__conv_axis *h = &p->d[1], *w = &p->d[2];
    /* Of blocks of taps half of the copy is read at a time, or less. Not forward: those bands cut the sums of the weight's gradient too. */
    const int64_t halves = p->backward && p->k > LURON__CONV_K ? 2 : 1;
    const int64_t room = halves * BAND_BYTES / p->size, others = luron__most(1, p->g->images * p->g->groups * p->d[0].count);
    w->band = luron__most(1, luron__least(w->count, MOST_LINE));
    h->band = 1;
    while (w->band > LEAST_LINE && measure_copy(p, LURON__CONV_LANES) > room)
        w->band = luron__most(LEAST_LINE, w->band / 2);
    const int64_t one = measure_copy(p, LURON__CONV_LANES);
    h->band = 2;
    const int64_t more = measure_copy(p, LURON__CONV_LANES) - one;
    h->band = one >= room || more == 0 ? 1 : 1 + (room - one) / more;
    if (more == 0) h->band = h->count;
    const int64_t wanted = luron__ceil_div(LEAST_TASKS, others);
    h->band = luron__most(1, luron__least(h->band, luron__ceil_div(h->count, wanted)));
    p->bands[0] = luron__ceil_div(h->count, h->band);
    if (p->bands[0] > 0) h->band = luron__ceil_div(h->count, p->bands[0]); /* equal ones */
    p->bands[1] = luron__ceil_div(w->count, w->band);
    measure_copy(p, LURON__CONV_VECTOR);
}

void luron__conv_share(luron__conv_part *p, int n) {
    for (int d = 1; d < 3; d++) {
        int64_t first = p[0].d[d].first, last = first + p[0].d[d].extra;
        for (int i = 1; i < n; i++) {
            first = luron__least(first, p[i].d[d].first);
            last = luron__most(last, p[i].d[d].first + p[i].d[d].extra);
        }
        for (int i = 0; i < n; i++)
            p[i].d[d].first = first, p[i].d[d].extra = last - first;
    }
    choose_bands(&p[0]);
    for (int i = 1; i < n; i++) {
        for (int d = 1; d < 3; d++)
            p[i].d[d].band = p[0].d[d].band, p[i].bands[d - 1] = p[0].bands[d - 1];
        measure_copy(&p[i], LURON__CONV_VECTOR);
    }
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

int64_t luron__conv_copy_bytes(const luron__conv_part *p) { /* its last vector may end 64 bytes after it */
    return luron__round_64(p->channels * p->d[0].taps * p->plane * p->size) + 64;
}

int64_t luron__conv_kept_bytes(const luron__conv_part *p) { /* the widest vectors, of two halves, may end so far behind a line */
    const int64_t line = luron__ceil_div(p->d[2].band, LURON__CONV_LANES) * LURON__CONV_LANES;
    return p->k > LURON__CONV_K ? luron__round_64(p->rows * (p->d[1].band * line + LURON__CONV_LANES) * p->size) : 0;
}

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

bool luron__conv_is_whole(const luron__conv_part *p) {
    return luron__conv_bands(p) == p->g->images * p->g->groups;
}

luron__conv_ahead luron__conv_ahead_of(const luron__conv_part *p, int64_t i, const void *from) {
    enum { LINE = 64, LEAST_TAPS = 64, TILE = 96 /* numbers of what is made that a small vector's tile has */ };
    const luron__conv_axis *d = p->d;
    const int64_t bytes = p->channels * d[0].source * d[1].source * d[2].source * p->size;
    if (!luron__conv_is_whole(p) || bytes > BAND_BYTES || p->k < LEAST_TAPS) return (luron__conv_ahead){0};
    luron__conv_ahead a = {.at = (const char *)from + i * bytes, .left = bytes / LINE};
    a.each = 1 + a.left * TILE / (p->rows * d[1].band * d[2].band + 1);
    return a;
}

int64_t luron__conv_place(const luron__conv_part *p, const luron__conv_band *b) {
    const luron__conv_axis *d = p->d;
    const int64_t plane = (b->image * p->g->groups + b->group) * p->channels * d[0].source + b->at[0];
    return (plane * d[1].source + b->at[1]) * d[2].source + b->at[2];
}

void luron__conv_copy(const luron__conv_part *p, const luron__conv_band *b, const void *from, void *copy) {
    luron__conv_kernels_of(p->g->isa)->moves->copy[p->size == 8](p, b, from, copy);
}
