/* conv.c -- convolution and the gradient of its input, over bands of the output (kernels/conv_part.h). */
#ifndef T
#include "internal.h"
#include "kernels/conv_part.h"

#define LEAST_FLOPS 1e6 /* worth handing to another thread, */
enum { LEAST_PACKED = 1 << 17, PACKED_ROWS = 16 }; /* and so many numbers */

typedef struct job {
    luron__conv_part p;
    const void *from, *a; /* what is read, and the weights */
    int64_t *offset;      /* in the copy, then in the tensor */
    luron__buffers buffers;
} job;

/* The taps that are there: the first and every step-th behind it; none: the first is beyond the kernel. */
typedef struct kept {
    int64_t first, step;
} kept;

static kept kept_of(const luron__conv_axis *a) {
    int64_t none;
    kept t = {0, 1};
    while (t.first < a->kernel && !luron__conv_tap_at(a, t.first, &none))
        t.first++;
    while (t.first + t.step < a->kernel && !luron__conv_tap_at(a, t.first + t.step, &none))
        t.step++;
    return t;
}

typedef struct packing {
    const luron__conv_part *p;
    void *to;
} packing;

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

void luron__conv_pack(const luron__conv_part *p, int threads, void *packed) {
    packing m = {p, packed};
    luron__parallel_for(threads, p->g->groups * luron__ceil_div(p->rows, PACKED_ROWS), luron__most(1, LEAST_PACKED / (PACKED_ROWS * p->k + 1)),
                        p->size == 4 ? pack_f32 : pack_f64, &m);
}

const luron__conv_kernels *luron__conv_kernels_of(int isa) {
    switch (isa) {
#if defined(__x86_64__)
    case LURON__ISA_AVX512:
        return &luron__conv_avx512;
    case LURON__ISA_AVX2:
        return &luron__conv_avx2;
#elif defined(__aarch64__)
    case LURON__ISA_NEON:
        return &luron__conv_neon;
#endif
    default:
        return &luron__conv_plain;
    }
}

/* Can whole vectors of the band be read from the tensor itself, without going beyond its end? */
static bool is_inside(const luron__conv_part *p, const luron__conv_band *b) {
    const luron__conv_axis *d = p->d;
    const int64_t plane = d[0].source * d[1].source * d[2].source;
    const int64_t read = luron__ceil_div(b->n[2], LURON__CONV_VECTOR) * LURON__CONV_VECTOR;
    int64_t last = luron__conv_place(p, b) + (p->channels - 1) * plane + (b->n[1] - 1) * d[2].source + read;
    last += ((d[0].first + d[0].extra) * d[1].source + d[1].first + d[1].extra) * d[2].source + d[2].first + d[2].extra;
    return last <= p->g->images * p->g->groups * p->channels * plane;
}

static void run_band(const job *m, const luron__conv_band *b, luron__conv_ahead *ahead, char *copy) {
    const luron__conv_part *p = &m->p;
    const luron__conv_args *g = p->g;
    const luron__conv_axis *d = p->d;
    const int64_t *made = p->backward ? g->in : g->out, pixels = luron__conv_volume(made);
    const int64_t first_row = b->group * p->rows;
    if (p->k == 0 && g->beta == 1) return; /* no tap comes here */
    luron__conv_job j = {.offset = m->offset, .rows = p->rows, .k = p->k, .lines = b->n[1], .columns = b->n[2], .ahead = ahead};
    j.kept = copy + luron__conv_copy_bytes(p);
    int64_t to = (b->image * g->groups * p->rows + first_row) * pixels, places[3];
    for (int i = 0; i < 3; i++)
        places[i] = d[i].to_first + b->at[i] * d[i].to_step;
    to += (places[0] * made[1] + places[1]) * made[2] + places[2];
    j.to = (char *)g->to + to * p->size;
    j.ld = pixels, j.line_to = made[2] * d[1].to_step, j.step = d[2].to_step, j.beta = g->beta;
    j.a = (const char *)m->a + first_row * p->k * p->size;
    if (!p->backward && g->bias) j.bias = (const char *)g->bias + first_row * p->size;
    if (p->in_place && is_inside(p, b)) {
        j.b = (const char *)m->from + luron__conv_place(p, b) * p->size;
        j.line_b = d[2].source;
        j.offset = m->offset + p->k;
    } else {
        if (p->k > 0) luron__conv_copy(p, b, m->from, copy);
        j.b = copy;
        j.line_b = p->line;
    }
    luron__conv_kernels_of(g->isa)->run[g->dtype == LURON_F64](&j);
}

static bool tells_bands(const luron__conv_part *p) {
    return p->g->made && !p->backward && (luron__conv_is_deep(p) ? p->g->groups == 1 : luron__conv_is_whole(p));
}

static void run_bands(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    job *m = arg;
    int which;
    char *copy = luron__buffers_take(&m->buffers, &which);
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const luron__conv_band b = luron__conv_band_at(&m->p, i);
        luron__conv_ahead ahead = {0};
        if (i + 1 < end) ahead = luron__conv_ahead_of(&m->p, i + 1, m->from);
        run_band(m, &b, &ahead, copy);
        if (tells_bands(&m->p)) { /* the band is all of a group of an image */
            const int64_t n = m->p.rows * luron__conv_volume(m->p.g->out);
            m->p.g->made(m->p.g->made_arg, i * n, n);
        }
    }
    luron__buffers_give(&m->buffers, which);
}

/* Tables of a part: two offsets a tap, and, for the gradient, its weights. */
static int64_t offset_bytes(const luron__conv_part *p) { return luron__round_64(2 * p->k * (int64_t)sizeof(int64_t)); }
static int64_t tables_bytes(const luron__conv_part *p) {
    return offset_bytes(p) + (p->backward ? luron__round_64(p->g->groups * p->k * p->rows * p->size) : 0);
}
static int64_t band_bytes(const luron__conv_part *p) { return luron__conv_copy_bytes(p) + luron__conv_kept_bytes(p); }
static int64_t part_bytes(luron__conv_part *p, int threads) {
    if (luron__conv_is_deep(p)) return luron__conv_deep_work(p, threads);
    return 64 + tables_bytes(p) + luron__buffers_bytes(band_bytes(p), threads);
}

/* The tables at `at`, a multiple of 64. */
static job job_of(const luron__conv_part *p, int threads, char *at) {
    const luron__conv_args *g = p->g;
    job m = {.p = *p, .from = p->backward ? g->gy : g->x, .a = g->w, .offset = (int64_t *)(void *)at};
    luron__conv_offsets(p, false, m.offset);
    if (p->in_place) luron__conv_offsets(p, true, m.offset + p->k);
    if (p->backward) {
        char *packed = at + offset_bytes(p);
        luron__conv_pack(p, threads, packed);
        m.a = packed;
    }
    return m;
}
static int64_t grain_of(double flops) { return luron__most(1, (int64_t)(LEAST_FLOPS / (flops + 1))); }

static void run_part(luron__conv_part *p, int threads, void *work) {
    if (luron__conv_is_deep(p)) {
        luron__conv_deep(p, threads, work);
        return;
    }
    const double flops =
        2.0 * (double)(p->k + 1) * (double)(p->rows * p->d[0].count * p->d[1].band) * (double)p->d[2].band;
    char *at = (char *)work + (64 - (uintptr_t)work % 64) % 64;
    if (luron__conv_bands(p) == 0 || p->rows == 0) return;
    job m = job_of(p, threads, at);
    m.buffers = luron__buffers_at(at + tables_bytes(p), band_bytes(p), threads);
    luron__parallel_for(threads, luron__conv_bands(p), grain_of(flops), run_bands, &m);
}

/* The parts of a gradient, one for each place modulo the strides that a tap meets: the k[d]-th of those in dim d. */
typedef struct places {
    int64_t n[3], k[3], r[3];
} places;

static int64_t gcd(int64_t a, int64_t b) { return b == 0 ? a : gcd(b, a % b); }

static int64_t place_of(const luron__conv_args *g, int d, int64_t k) {
    const int64_t r = (k * g->dilation[d] - g->before[d]) % g->stride[d];
    return r < 0 ? r + g->stride[d] : r;
}

/* The next place of dim d; those beyond the input are passed over. */
static bool next_of(const luron__conv_args *g, places *p, int d) {
    while (++p->k[d] < p->n[d])
        if ((p->r[d] = place_of(g, d, p->k[d])) < g->in[d]) return true;
    return false;
}
static bool first_of(const luron__conv_args *g, places *p, int d) {
    p->k[d] = -1;
    return next_of(g, p, d);
}

/* false: no tap meets the input. */
static bool begin(const luron__conv_args *g, places *p) {
    bool some = true;
    for (int d = 0; d < 3; d++) {
        p->n[d] = luron__least(g->kernel[d], g->stride[d] / gcd(g->stride[d], g->dilation[d]));
        some = first_of(g, p, d) && some;
    }
    return some;
}

static bool go_on(const luron__conv_args *g, places *p) {
    for (int d = 2; d >= 0; d--) {
        if (next_of(g, p, d)) return true;
        first_of(g, p, d);
    }
    return false;
}

/* Where places are left out: their gradient is what beta leaves, and the others are added to it. */
static void leave_others(luron__conv_args *g) {
    const int64_t n = g->images * g->c_in * luron__conv_volume(g->in);
    if (g->beta == 0) {
        memset(g->to, 0, (size_t)(n * luron_dtype_size(g->dtype)));
    } else if (g->beta != 1) {
        for (int64_t i = 0; i < n && g->dtype == LURON_F32; i++)
            ((float *)g->to)[i] *= (float)g->beta;
        for (int64_t i = 0; i < n && g->dtype == LURON_F64; i++)
            ((double *)g->to)[i] *= g->beta;
        g->beta = 1;
    }
}

static bool leaves_some(const luron__conv_args *g, const places *p) {
    for (int d = 0; d < 3; d++) {
        int64_t met = 0;
        for (int64_t k = 0; k < p->n[d]; k++)
            met += place_of(g, d, k) < g->in[d];
        if (met < luron__least(g->stride[d], g->in[d])) return true;
    }
    return false;
}

/* ---- what others call ----------------------------------------------------------------------------------------------
 */
int64_t luron__conv_work(const luron__conv_args *args, int threads) {
    const luron__conv_args g = luron__conv_flattened(args);
    places at;
    luron__conv_part p = luron__conv_part_of(&g, false, NULL);
    int64_t bytes = luron__most(part_bytes(&p, threads), luron__conv_weight_work(&g, threads));
    bytes = luron__most(bytes, luron__conv_sparse_work(&g, threads));
    const int64_t strided = luron__conv_is_deep(&p) ? 0 : luron__conv_strided_work(&g, threads);
    if (strided > 0) return luron__most(bytes, strided);
    for (bool more = begin(&g, &at); more; more = go_on(&g, &at)) {
        p = luron__conv_part_of(&g, true, at.r);
        bytes = luron__most(bytes, part_bytes(&p, threads));
    }
    return bytes;
}

void luron__conv(const luron__conv_args *args, int threads, void *work) {
    const luron__conv_args g = luron__conv_flattened(args);
    luron__conv_part p = luron__conv_part_of(&g, false, NULL);
    run_part(&p, threads, work);
    if (g.made && !tells_bands(&p)) g.made(g.made_arg, 0, g.images * g.c_out * luron__conv_volume(g.out));
}

void luron__conv_grad_input(const luron__conv_args *args, int threads, void *work) {
    luron__conv_args g = luron__conv_flattened(args);
    places at;
    const luron__conv_part whole = luron__conv_part_of(&g, false, NULL);
    if (luron__conv_sparse_input(&g, threads, work)) return;
    if (!luron__conv_is_deep(&whole) && luron__conv_strided_input(&g, threads, work)) return;
    bool more = begin(&g, &at);
    if (!more || leaves_some(&g, &at)) leave_others(&g);
    for (; more; more = go_on(&g, &at)) {
        luron__conv_part p = luron__conv_part_of(&g, true, at.r);
        run_part(&p, threads, work);
    }
}
#else
/* A task: some rows of a group. */
static void NAME(pack)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const packing *m = arg;
    const luron__conv_part *p = m->p;
    const luron__conv_args *g = p->g;
    const int64_t taps = luron__conv_volume(g->kernel), blocks = luron__ceil_div(p->rows, PACKED_ROWS);
    const kept z = kept_of(&p->d[0]), y = kept_of(&p->d[1]), x = kept_of(&p->d[2]);
    const int64_t each = p->channels > 0 ? p->k / p->channels : 0;
    (void)chunk;
    for (int64_t block = begin; block < end; block++) {
        const int64_t group = block / blocks, row = block % blocks * PACKED_ROWS,
                      rows = luron__least(PACKED_ROWS, p->rows - row);
        const T *w = (const T *)g->w + (group * p->channels * p->rows + row) * taps;
        T *packed = (T *)m->to + (group * p->rows + row) * p->k;
        for (int64_t first = 0; first < p->channels; first += PACKED_ROWS) { /* what a cache holds of both */
            const int64_t last = luron__least(p->channels, first + PACKED_ROWS);
            for (int64_t r = 0; r < rows; r++) {
                T *to = packed + r * p->k + first * each;
                for (int64_t c = first; c < last; c++)
                    for (int64_t i = z.first; i < g->kernel[0]; i += z.step)
                        for (int64_t j = y.first; j < g->kernel[1]; j += y.step)
                            for (int64_t k = x.first; k < g->kernel[2]; k += x.step)
                                *to++ = w[(c * p->rows + r) * taps + (i * g->kernel[1] + j) * g->kernel[2] + k];
            }
        }
    }
}
#endif
