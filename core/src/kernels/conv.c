/* conv.c -- convolution and the gradient of its input, over bands of the output.
 *
 * Both are the same sum over taps: an element at place q of an axis takes the numbers at q step + offset of each tap.
 * The forward pass steps by the stride. The gradient of the input falls into one part for each place modulo the stride,
 * which has taps of its own, steps by 1, and goes to every stride-th place. For each band the lines that it reads are
 * copied with zeros around them, split by their place modulo the step, so that the kernel finds whatever it wants in
 * whole vectors. */
#ifndef T
#include "internal.h"
#include "kernels/conv_tile.h"

enum { MOST_LINE = 512, LEAST_LINE = 64, BAND_BYTES = 128 * 1024, LEAST_TASKS = 8, FEW_ROWS = 32 };
#define LEAST_FLOPS 1e6 /* worth handing to another thread */

/* One dimension of a part. Tap k is there if base + k dilation is a multiple of `divide`; the quotient is its offset.
 */
typedef struct axis {
    int64_t kernel, base, dilation, divide;
    int64_t taps, first, extra; /* how many, the least offset, the greatest less the least */
    int64_t step, splits;       /* lines are kept by place modulo the step: so many kinds occur */
    int64_t source, count;      /* sizes of what is read and of what is made */
    int64_t to_first, to_step;  /* where that goes */
    int64_t band;               /* places of a band at most */
} axis;

static bool tap_at(const axis *a, int64_t k, int64_t *offset) {
    int64_t place = a->base + k * a->dilation;
    *offset = place / a->divide;
    return place % a->divide == 0;
}

static void measure(axis *a) {
    int64_t low = 0, high = 0, offset;
    for (int64_t k = 0; k < a->kernel; k++) {
        if (!tap_at(a, k, &offset)) continue;
        low = a->taps ? luron__least(low, offset) : offset;
        high = a->taps ? luron__most(high, offset) : offset;
        a->taps++;
    }
    a->first = low;
    a->extra = high - low;
    a->splits = luron__least(a->step, a->extra + 1);
}

static axis forward_axis(const luron__conv_args *g, int d) {
    axis a = {.kernel = g->kernel[d], .base = -g->before[d], .dilation = g->dilation[d], .divide = 1};
    a.step = g->stride[d], a.source = g->in[d], a.count = g->out[d], a.to_step = 1;
    measure(&a);
    return a;
}

/* Places r, r + stride, ... of the input. */
static axis gradient_axis(const luron__conv_args *g, int d, int64_t r) {
    axis a = {.kernel = g->kernel[d], .base = r + g->before[d], .dilation = -g->dilation[d], .divide = g->stride[d]};
    a.step = 1, a.source = g->out[d], a.to_first = r, a.to_step = g->stride[d];
    a.count = luron__ceil_div(g->in[d] - r, g->stride[d]);
    measure(&a);
    return a;
}

typedef struct part {
    const luron__conv_args *g;
    axis d[3];
    bool backward, in_place;
    int64_t channels, rows; /* that are read and made, of a group */
    int64_t k;              /* taps of all channels */
    int64_t line, plane;    /* numbers of the copy, of one line and of one channel and depth */
    int64_t high, wide;     /* lines and numbers of one kind */
    int64_t bands[2];       /* of height and width */
    const void *from, *a;
    int64_t *offset;
    luron__buffers buffers;
    int size;
} part;

/* Room that the copy of a band takes, in numbers; sets the strides in it. */
static int64_t measure_copy(part *p) {
    const axis *h = &p->d[1], *w = &p->d[2];
    int64_t columns = (w->band + LURON__CONV_LANES - 1) / LURON__CONV_LANES * LURON__CONV_LANES;
    p->high = h->band + h->extra / h->step;
    p->wide = columns + w->extra / w->step;
    p->line = w->splits * p->wide;
    p->plane = h->splits * p->high * p->line;
    return p->channels * p->d[0].taps * p->plane;
}

/* Bands that fit the cache, and enough of them for some threads; by the shapes alone. */
static void choose_bands(part *p) {
    axis *h = &p->d[1], *w = &p->d[2];
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

/* Without taps beside each other, stride or padding, lines need no copy; a cache holds few that are far apart. */
static bool reads_in_place(const part *p) {
    const luron__conv_args *g = p->g;
    for (int d = 0; d < 3; d++)
        if (p->d[d].kernel != 1 || p->d[d].step != 1 || p->d[d].to_step != 1 || p->d[d].base != 0 ||
            p->d[d].source != p->d[d].count)
            return false;
    return p->rows <= FEW_ROWS || g->out[2] * p->size % 1024 != 0;
}

static part part_of(const luron__conv_args *g, bool backward, const int64_t *r) {
    part p = {.g = g, .backward = backward, .size = (int)luron_dtype_size(g->dtype)};
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
static luron__conv_args flattened(const luron__conv_args *g) {
    luron__conv_args f = *g;
    for (int d = 0; d < 3; d++)
        if (g->kernel[d] != 1 || g->stride[d] != 1 || g->before[d] != 0 || g->in[d] != g->out[d]) return f;
    f.in[2] = f.out[2] = luron__conv_volume(g->in);
    f.in[0] = f.in[1] = f.out[0] = f.out[1] = 1;
    return f;
}

/* Where number (channel, taps) of a place stands in the copy, seen from the place itself. */
static void set_offsets(const part *p) {
    const axis *d = p->d;
    int64_t *to = p->offset, at[3];
    for (int64_t c = 0; c < p->channels; c++) {
        int64_t depth = 0;
        for (int64_t i = 0; i < d[0].kernel; i++) {
            if (!tap_at(&d[0], i, &at[0])) continue;
            for (int64_t j = 0; j < d[1].kernel; j++) {
                if (!tap_at(&d[1], j, &at[1])) continue;
                const int64_t y = at[1] - d[1].first, row = y % d[1].step * p->high + y / d[1].step;
                for (int64_t k = 0; k < d[2].kernel; k++) {
                    if (!tap_at(&d[2], k, &at[2])) continue;
                    const int64_t x = at[2] - d[2].first;
                    *to++ =
                        (c * d[0].taps + depth) * p->plane + row * p->line + x % d[2].step * p->wide + x / d[2].step;
                }
            }
            depth++;
        }
    }
}

/* A band of one image and group, and one depth of the output. */
typedef struct band {
    int64_t image, group, at[3], n[3]; /* places where it begins, and how many */
} band;

#define T float
#define NAME(x) x##_f32
#include "conv.c"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "conv.c"
#undef T
#undef NAME

static luron__conv_fn *kernel_of(const luron__conv_args *g) {
    const int is_f64 = g->dtype == LURON_F64;
    switch (g->isa) {
#if defined(__x86_64__)
    case LURON__ISA_AVX512:
        return luron__conv_avx512.run[is_f64];
    case LURON__ISA_AVX2:
        return luron__conv_avx2.run[is_f64];
#elif defined(__aarch64__)
    case LURON__ISA_NEON:
        return luron__conv_neon.run[is_f64];
#endif
    default:
        return luron__conv_plain.run[is_f64];
    }
}

/* Can whole vectors of the band be read from the tensor itself, without going beyond its end? */
static bool is_inside(const part *p, const band *b) {
    const int64_t lines = p->g->images * p->g->groups * p->channels, pixels = p->d[2].source;
    const int64_t last = (b->image * p->g->groups + b->group + 1) * p->channels - 1;
    const int64_t read = (b->n[2] + LURON__CONV_LANES - 1) / LURON__CONV_LANES * LURON__CONV_LANES;
    return last * pixels + b->at[2] + read <= lines * pixels;
}

static void run_band(const part *p, const band *b, char *copy, int64_t *offset) {
    const luron__conv_args *g = p->g;
    const axis *d = p->d;
    const int64_t *made = p->backward ? g->in : g->out, pixels = luron__conv_volume(made);
    const int64_t source = d[0].source * d[1].source * d[2].source, first_row = b->group * p->rows;
    luron__conv_job j = {.offset = p->offset, .rows = p->rows, .k = p->k, .lines = b->n[1], .columns = b->n[2]};
    int64_t to = (b->image * g->groups * p->rows + first_row) * pixels, places[3];
    for (int i = 0; i < 3; i++)
        places[i] = d[i].to_first + b->at[i] * d[i].to_step;
    to += (places[0] * made[1] + places[1]) * made[2] + places[2];
    j.to = (char *)g->to + to * p->size;
    j.ld = pixels, j.line_to = made[2] * d[1].to_step, j.step = d[2].to_step, j.beta = g->beta;
    j.a = (const char *)p->a + first_row * p->k * p->size;
    j.row_stride = p->backward ? 1 : p->k, j.k_stride = p->backward ? p->rows : 1;
    if (!p->backward && g->bias) j.bias = (const char *)g->bias + first_row * p->size;
    if (p->in_place && is_inside(p, b)) {
        j.b = (const char *)p->from + ((b->image * g->groups + b->group) * p->channels * source + b->at[2]) * p->size;
        j.offset = offset;
    } else {
        (p->size == 4 ? copy_band_f32 : copy_band_f64)(p, b, copy);
        j.b = copy;
        j.line_b = p->line;
    }
    kernel_of(g)(&j);
}

static void run_bands(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    part *p = arg;
    const axis *d = p->d;
    int which;
    char *copy = luron__buffers_take(&p->buffers, &which);
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        int64_t rest = i;
        band b = {.n = {1, 0, 0}};
        b.at[2] = rest % p->bands[1] * d[2].band, rest /= p->bands[1];
        b.at[1] = rest % p->bands[0] * d[1].band, rest /= p->bands[0];
        b.at[0] = rest % d[0].count, rest /= d[0].count;
        b.group = rest % p->g->groups, b.image = rest / p->g->groups;
        for (int k = 1; k < 3; k++)
            b.n[k] = luron__least(d[k].band, d[k].count - b.at[k]);
        run_band(p, &b, copy, p->offset + p->k);
    }
    luron__buffers_give(&p->buffers, which);
}

/* Tables of a part: two offsets a tap, and, for the gradient, its weights. */
static int64_t tables_bytes(const part *p) {
    return luron__round_64(2 * p->k * (int64_t)sizeof(int64_t)) +
           (p->backward ? luron__round_64(p->g->groups * p->k * p->rows * p->size) : 0);
}
static int64_t copy_bytes(part *p) { return luron__round_64(measure_copy(p) * p->size); }
static int64_t part_bytes(part *p, int threads) {
    return 64 + tables_bytes(p) + luron__buffers_bytes(copy_bytes(p), threads);
}

static void run_part(part *p, int threads, void *work) {
    const luron__conv_args *g = p->g;
    const double flops =
        2.0 * (double)(p->k + 1) * (double)(p->rows * p->d[0].count * p->d[1].band) * (double)p->d[2].band;
    const int64_t tasks = g->images * g->groups * p->d[0].count * p->bands[0] * p->bands[1];
    char *at = (char *)work + (64 - (uintptr_t)work % 64) % 64;
    if (tasks == 0 || p->rows == 0) return;
    p->offset = (int64_t *)(void *)at;
    set_offsets(p);
    if (p->in_place)
        for (int64_t c = 0; c < p->channels; c++)
            p->offset[p->k + c] = c * p->d[2].source;
    p->from = p->backward ? g->gy : g->x;
    p->a = g->w;
    if (p->backward) {
        char *packed = at + luron__round_64(2 * p->k * (int64_t)sizeof(int64_t));
        (p->size == 4 ? pack_f32 : pack_f64)(p, packed);
        p->a = packed;
    }
    p->buffers = luron__buffers_at(at + tables_bytes(p), copy_bytes(p), threads);
    luron__parallel_for(threads, tasks, luron__most(1, (int64_t)(LEAST_FLOPS / (flops + 1))), run_bands, p);
}

/* ---- what others call ----------------------------------------------------------------------------------------------
 */
/* The next of the parts of a gradient, one for each place modulo the strides. */
static bool next_place(const luron__conv_args *g, int64_t *r) {
    for (int d = 2; d >= 0; d--) {
        if (++r[d] < luron__least(g->stride[d], g->in[d])) return true;
        r[d] = 0;
    }
    return false;
}

int64_t luron__conv_work(const luron__conv_args *args, int threads) {
    const luron__conv_args g = flattened(args);
    int64_t r[3] = {0};
    part p = part_of(&g, false, r);
    int64_t bytes = luron__most(part_bytes(&p, threads), luron__conv_weight_work(&g, threads));
    do {
        p = part_of(&g, true, r);
        bytes = luron__most(bytes, part_bytes(&p, threads));
    } while (next_place(&g, r));
    return bytes;
}

void luron__conv(const luron__conv_args *args, int threads, void *work) {
    const luron__conv_args g = flattened(args);
    part p = part_of(&g, false, NULL);
    run_part(&p, threads, work);
}

void luron__conv_grad_input(const luron__conv_args *args, int threads, void *work) {
    const luron__conv_args g = flattened(args);
    int64_t r[3] = {0};
    do {
        part p = part_of(&g, true, r);
        run_part(&p, threads, work);
    } while (next_place(&g, r));
}
#else

void NAME(luron__conv_fill)(T *to, int64_t n, const T *line, int64_t size, int64_t first, int64_t step) {
    int64_t low = first < 0 ? luron__ceil_div(-first, step) : 0,
            high = first < size ? (size - 1 - first) / step + 1 : 0, i = 0;
    if (low > n) low = n;
    if (high > n) high = n;
    for (; i < low; i++)
        to[i] = 0;
    if (step == 1) {
        const T *from = line + first;
        for (; i < high; i++)
            to[i] = from[i];
    } else
        for (; i < high; i++)
            to[i] = line[first + i * step];
    for (; i < n; i++)
        to[i] = 0;
}

/* The lines of one channel and depth. */
static void NAME(copy_plane)(const part *p, const band *b, const T *plane, T *to) {
    const axis *h = &p->d[1], *w = &p->d[2];
    for (int64_t kind = 0; kind < h->splits; kind++)
        for (int64_t i = 0; i < p->high; i++) {
            const int64_t y = (b->at[1] + i) * h->step + h->first + kind;
            T *line = to + (kind * p->high + i) * p->line;
            if (!plane || y < 0 || y >= h->source) {
                memset(line, 0, (size_t)p->line * sizeof(T));
                continue;
            }
            for (int64_t k = 0; k < w->splits; k++)
                NAME(luron__conv_fill)(line + k * p->wide, p->wide, plane + y * w->source, w->source,
                                       b->at[2] * w->step + w->first + k, w->step);
        }
}

static void NAME(copy_band)(const part *p, const band *b, void *copy) {
    const axis *d = p->d;
    const int64_t lines = d[1].source * d[2].source;
    const T *from = (const T *)p->from + (b->image * p->g->groups + b->group) * p->channels * d[0].source * lines;
    T *to = copy;
    for (int64_t c = 0; c < p->channels; c++, from += d[0].source * lines)
        for (int64_t k = 0; k < d[0].kernel; k++) {
            int64_t offset;
            if (!tap_at(&d[0], k, &offset)) continue;
            const int64_t z = b->at[0] * d[0].step + offset;
            NAME(copy_plane)(p, b, z < 0 || z >= d[0].source ? NULL : from + z * lines, to);
            to += p->plane;
        }
}

/* The weights of the part as (group, output channel, taps, input channel). */
static void NAME(pack)(const part *p, void *packed) {
    const luron__conv_args *g = p->g;
    const int64_t taps = luron__conv_volume(g->kernel);
    T *to = packed;
    int64_t none;
    for (int64_t c = 0; c < g->c_out; c++)
        for (int64_t i = 0; i < taps; i++) {
            const int64_t z = i / (g->kernel[1] * g->kernel[2]), y = i / g->kernel[2] % g->kernel[1],
                          x = i % g->kernel[2];
            if (!tap_at(&p->d[0], z, &none) || !tap_at(&p->d[1], y, &none) || !tap_at(&p->d[2], x, &none)) continue;
            const T *from = (const T *)g->w + c * p->rows * taps + i;
            for (int64_t k = 0; k < p->rows; k++)
                *to++ = from[k * taps];
        }
}
#endif
