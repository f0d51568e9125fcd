/* conv_weight.c -- the gradient of a convolution's weight: over the bands of the forward pass, in blocks of pixels
 * whose part of the output's gradient is turned, channels side by side, so that vectors lie along channels and each
 * weight is a chain of multiply-adds over pixels. Bands are summed in parts, whose number follows from the shapes; the
 * parts are added in order. */
#ifndef T
#include "internal.h"
#include "kernels/conv_part.h"

enum { MOST_PARTS = 8, MOST_LANES = 16, MOST_LINES = 64, GRAIN = 16384 };
#define PARTS_BYTES ((int64_t)8 << 20) /* of all parts */
#define SPARSE 0.12                    /* times the length of a line of taps: share that is worth walking through */
#define PART_FLOPS 1e6                 /* of a part at least */

typedef struct job {
    luron__conv_part p;
    const luron__conv_kernels *kernels;
    const luron__conv_sparse
        *sparse;          /* if only what is not 0 is walked through; the sums are (channel, line, lane) then */
    int64_t numel;        /* of a part's sums: (group, panel of channels, tap, channel) */
    int64_t bands, parts; /* bands of one group, and how many parts they fall into */
    char *sums;
    int64_t *offset;
    luron__buffers buffers;
    int lanes;
} job;

static int64_t up_to(int64_t n, int64_t multiple) { return luron__ceil_div(n, multiple) * multiple; }

static job job_of(const luron__conv_args *g) {
    job j = {.p = luron__conv_part_of(g, false, NULL), .kernels = luron__conv_kernels_of(g->isa), .parts = 1};
    j.lanes = j.kernels->lanes[g->dtype == LURON_F64];
    if (j.p.rows <= j.lanes) j.lanes = j.kernels->few[g->dtype == LURON_F64];
    j.numel = g->groups * up_to(j.p.rows, j.lanes) * j.p.k;
    j.bands = g->groups > 0 ? luron__conv_bands(&j.p) / g->groups : 0;
    const int64_t most = g->groups * up_to(j.p.rows, MOST_LANES) * j.p.k * j.p.size;
    const double flops = 2.0 * (double)(g->c_out * j.p.k) * (double)luron__conv_volume(g->out) * (double)g->images;
    int64_t parts = flops < PART_FLOPS * MOST_PARTS ? (int64_t)(flops / PART_FLOPS) : MOST_PARTS;
    parts =
        luron__least(luron__least(parts, j.bands), most > 0 ? PARTS_BYTES / most : 1); /* on no instruction set more */
    if (parts > 1) j.parts = parts;
    return j;
}

/* Taps of one line of the kernel, of all channels, fit a vector each. */
static int64_t lines_of(const job *j) { return j->p.channels * j->p.g->kernel[1]; }
static bool may_be_sparse(const job *j) {
    const luron__conv_args *g = j->p.g;
    return g->dtype == LURON_F32 && j->kernels->sparse && g->kernel[0] == 1 && g->out[0] == 1 && g->stride[1] == 1 &&
           g->stride[2] == 1 && g->dilation[2] == 1 && g->kernel[2] <= LURON__CONV_SPARSE &&
           lines_of(j) <= MOST_LINES && g->out[2] <= LURON__CONV_BLOCK && j->p.bands[1] == 1;
}
static int64_t sparse_numel(const job *j) { return j->p.g->c_out * lines_of(j) * LURON__CONV_SPARSE; }
static int64_t sums_bytes(const job *j) {
    const int64_t numel = may_be_sparse(j) ? luron__most(j->numel, sparse_numel(j)) : j->numel;
    return luron__round_64(j->parts * numel * j->p.size);
}
/* Of a group. */
static int64_t panels_of(const job *j) { return j->sparse ? j->p.rows : luron__ceil_div(j->p.rows, 2 * j->lanes); }
static int64_t offset_bytes(const job *j) { return luron__round_64(2 * j->p.k * (int64_t)sizeof(int64_t)); }
static int64_t turned_bytes(const job *j) { return luron__round_64(LURON__CONV_BLOCK * 2 * j->lanes * j->p.size); }
static int64_t buffer_bytes(job *j) {
    return turned_bytes(j) + (j->p.in_place && !may_be_sparse(j) ? 0 : luron__conv_copy_bytes(&j->p));
}

int64_t luron__conv_weight_work(const luron__conv_args *g, int threads) {
    job j = job_of(g);
    if (luron__conv_sums_deep(&j.p)) return luron__conv_deep_weight_work(&j.p, threads);
    return 64 + sums_bytes(&j) + offset_bytes(&j) + luron__buffers_bytes(buffer_bytes(&j), threads);
}

#define T float
#define NAME(x) x##_f32
#include "conv_weight.c"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "conv_weight.c"
#undef T
#undef NAME

/* Turn pixels of `cols` channels from channel c on: lines from y on, columns from x on, of the output of the band. */
static void turn(const job *j, const luron__conv_band *b, int64_t c, int cols, int64_t y, int64_t x,
                 const luron__conv_weight_job *w, void *to) {
    const luron__conv_args *g = j->p.g;
    const int64_t pixels = luron__conv_volume(g->out), row = b->group * j->p.rows + c;
    const bool whole = w->columns == g->out[2];
    const int64_t at = (b->at[0] * g->out[1] + b->at[1] + y) * g->out[2] + b->at[2] + x;
    const char *from = (const char *)g->gy + ((b->image * g->c_out + row) * pixels + at) * j->p.size;
    char *turned = to;
    for (int64_t line = 0; line < (whole ? 1 : w->lines); line++) {
        const int64_t n = whole ? w->lines * w->columns : w->columns;
        j->kernels->moves->turn[g->dtype == LURON_F64](from, pixels, n, cols, w->width, turned);
        from += g->out[2] * j->p.size, turned += n * w->width * j->p.size;
    }
}

/* Lines from y on and columns from x on of the band: all taps and channels. */
static void sum_block(const job *j, const luron__conv_band *b, int64_t y, int64_t x, luron__conv_weight_job w,
                      void *turned) {
    const int size = j->p.size;
    w.b = turned;
    w.a = (const char *)w.a + (y * w.line_a + x) * size;
    for (int64_t c = 0; c < j->p.rows; c += 2 * j->lanes) {
        const int64_t left = j->p.rows - c;
        w.width = left > j->lanes ? 2 * j->lanes : j->lanes;
        turn(j, b, c, (int)luron__least(left, w.width), y, x, &w, turned);
        j->kernels->weight[size == 8](&w);
        w.sum = (char *)w.sum + w.taps * w.width * size;
    }
}

/* The same for what is not 0 alone: line r of taps stands at offset[r]. */
static void sum_sparse(const job *j, const luron__conv_band *b, int64_t y, luron__conv_weight_job w, void *buffer) {
    const luron__conv_args *g = j->p.g;
    const int64_t pixels = luron__conv_volume(g->out);
    int32_t *place = buffer;
    luron__conv_sparse_job s = {.place = place, .list = place + LURON__CONV_BLOCK, .offset = w.offset};
    s.x = (const float *)w.a + y * w.line_a, s.rows = lines_of(j), s.first = w.first, s.sums = w.sum;
    for (int64_t i = 0; i < w.lines; i++)
        for (int64_t k = 0; k < w.columns; k++)
            *place++ = (int32_t)(i * w.line_a + k);
    const float *gy = (const float *)g->gy + (b->image * g->c_out + b->group * j->p.rows) * pixels;
    gy += (b->at[1] + y) * g->out[2];
    for (int64_t c = 0; c < j->p.rows; c++, gy += pixels, s.sums += s.rows * LURON__CONV_SPARSE) {
        s.g = gy;
        s.n = j->sparse->list(gy, (int)(w.lines * w.columns), (int32_t *)buffer + LURON__CONV_BLOCK);
        j->sparse->weight(&s);
    }
}

/* May the band be read in place, by vectors in the sparse case? */
static bool is_in_place(const job *j, const luron__conv_band *b) {
    const luron__conv_part *p = &j->p;
    const luron__conv_axis *h = &p->d[1], *w = &p->d[2];
    const int64_t after = (b->n[1] - 1 + h->first + h->extra) * w->source + b->n[2] + w->first + LURON__CONV_SPARSE;
    const int64_t last = luron__conv_place(p, b) + (p->channels - 1) * h->source * w->source + after;
    return p->in_place && (!j->sparse || last <= p->g->images * p->g->c_in * h->source * w->source);
}

static void sum_band(const job *j, const luron__conv_band *b, bool first, luron__conv_ahead *ahead, char *sums, char *buffer) {
    const luron__conv_part *p = &j->p;
    const void *x = p->g->x;
    const bool in_place = is_in_place(j, b);
    luron__conv_weight_job w = {.taps = p->k, .offset = j->offset + (in_place ? p->k : 0), .first = first, .ahead = ahead};
    w.sum = sums + b->group * (j->numel / p->g->groups) * p->size;
    if (in_place)
        w.a = (const char *)x + luron__conv_place(p, b) * p->size, w.line_a = p->d[2].source;
    else {
        char *copy = buffer + turned_bytes(j);
        luron__conv_copy(p, b, x, copy);
        w.a = copy, w.line_a = p->line;
    }
    const int64_t across = luron__ceil_div(b->n[2], LURON__CONV_BLOCK), columns = luron__ceil_div(b->n[2], across);
    const int64_t lines = luron__most(1, LURON__CONV_BLOCK / columns);
    for (int64_t y = 0; y < b->n[1]; y += lines)
        for (int64_t at = 0; at < b->n[2]; at += columns) {
            w.lines = luron__least(lines, b->n[1] - y), w.columns = luron__least(columns, b->n[2] - at);
            if (j->sparse)
                sum_sparse(j, b, y, w, buffer);
            else
                sum_block(j, b, y, at, w, buffer);
            w.first = false;
        }
}

/* What band i reads, the output's gradient too, to be asked for beside the tiles of a band like it. */
static luron__conv_ahead ahead_of(const job *j, int64_t i) {
    enum { LINE = 64, ROWS = 6 /* taps of a tile */ };
    const luron__conv_part *p = &j->p;
    const int64_t pixels = luron__conv_volume(p->g->out), bytes = p->rows * pixels * p->size;
    luron__conv_ahead a = luron__conv_ahead_of(p, i, p->g->x);
    if (a.left > 0) a.then = (const char *)p->g->gy + i * bytes, a.then_left = bytes / LINE;
    a.each = 1 + (a.left + a.then_left) * LURON__CONV_BLOCK * ROWS / (pixels * p->k + 1);
    return a;
}

/* Task: a part of the bands of one group. */
static void run_parts(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    job *j = arg;
    const luron__conv_args *g = j->p.g;
    const int64_t per_image = j->bands / g->images, each = j->bands / j->parts, longer = j->bands % j->parts;
    int which;
    char *buffer = luron__buffers_take(&j->buffers, &which);
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const int64_t group = i % g->groups, part = i / g->groups;
        const int64_t from = part * each + luron__least(part, longer), to = from + each + (part < longer);
        for (int64_t k = from; k < to; k++) {
            const int64_t image = k / per_image;
            const int64_t at = (image * g->groups + group) * per_image + k % per_image, next = at + g->groups * per_image;
            const luron__conv_band b = luron__conv_band_at(&j->p, at);
            luron__conv_ahead ahead = {0};
            if (k + 1 < to) ahead = ahead_of(j, next);
            sum_band(j, &b, k == from, &ahead, j->sums + part * j->numel * j->p.size, buffer);
        }
    }
    luron__buffers_give(&j->buffers, which);
}

void luron__conv_grad_weight(const luron__conv_args *args, int threads, void *work) {
    const luron__conv_args g = luron__conv_flattened(args);
    job j = job_of(&g);
    char *at = (char *)work + (64 - (uintptr_t)work % 64) % 64;
    if (j.numel == 0) return;
    if (luron__conv_sums_deep(&j.p)) {
        luron__conv_deep_weight(&j.p, threads, work);
        return;
    }
    j.sums = at, at += sums_bytes(&j);
    j.offset = (int64_t *)(void *)at, at += offset_bytes(&j);
    luron__conv_offsets(&j.p, false, j.offset);
    if (j.p.in_place) luron__conv_offsets(&j.p, true, j.offset + j.p.k);
    j.buffers = luron__buffers_at(at, buffer_bytes(&j), threads);
    if (may_be_sparse(&j) && luron__conv_is_sparse(&g, SPARSE * (double)g.kernel[2])) {
        j.sparse = j.kernels->sparse, j.numel = sparse_numel(&j);
        for (int64_t r = 0; r < lines_of(&j); r++)
            for (int k = 0; k < 2; k++)
                j.offset[k * j.p.k + r] = j.offset[k * j.p.k + r * g.kernel[2]];
    }
    if (j.bands == 0)
        j.parts = 0; /* nothing to add */
    else
        luron__parallel_for(threads, j.parts * g.groups, 1, run_parts, &j);
    luron__parallel_for(threads, g.groups * panels_of(&j), luron__most(1, GRAIN / (j.p.k + 1)),
                        j.p.size == 4 ? add_parts_f32 : add_parts_f64, &j);
}
#else

/* All parts of n sums, in order, into those of the first. */
static void NAME(fold)(const job *j, T *restrict sums, int64_t n) {
    for (int64_t p = 1; p < j->parts; p++) {
        const T *restrict more = sums + p * j->numel;
        for (int64_t i = 0; i < n; i++)
            sums[i] = sums[i] + more[i];
    }
}

/* Panels begin .. end, which hold `width` channels side by side, or, in the sparse case, one channel each. */
static void NAME(add_parts)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const job *j = arg;
    const luron__conv_args *g = j->p.g;
    const int64_t rows = j->p.rows, padded = up_to(rows, j->lanes), panels = panels_of(j);
    const T beta = (T)g->beta;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const int64_t first = j->sparse ? i % rows : i % panels * 2 * j->lanes,
                      width = j->sparse ? 1 : luron__least(2 * j->lanes, padded - first),
                      n = luron__least(width, rows - first), lines = lines_of(j) * LURON__CONV_SPARSE;
        T *sums = (T *)(void *)j->sums + (j->sparse ? i * lines : (i / panels * padded + first) * j->p.k);
        T *to = (T *)g->to + (i / panels * rows + first) * j->p.k;
        NAME(fold)(j, sums, j->sparse ? lines : width * j->p.k);
        for (int64_t c = 0; c < n; c++)
            for (int64_t k = 0; k < j->p.k; k++, to++) {
                const int64_t at = j->sparse ? k / g->kernel[2] * LURON__CONV_SPARSE + k % g->kernel[2] : k * width + c;
                const T sum = j->parts ? sums[at] : 0;
                *to = beta == 0 ? sum : sum + beta * *to;
            }
    }
}
#endif
