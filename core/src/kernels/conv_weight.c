/* conv_weight.c -- the gradient of a convolution's weight: for each image and run of pixels the numbers that the taps
 * read are gathered as lines, one a tap, and multiplied by the gradient of the output. Work is shared out by parts of
 * the images, groups, and sets of taps; the parts are added in order. */
#ifndef T
#include "internal.h"
#include "kernels/conv_tile.h"

enum { MOST_PARTS = 8, PANEL = 48, GATHERED = 64 * 1024, GRAIN = 16384 };
#define PARTS_BYTES ((int64_t)8 << 20) /* of all parts */
#define PART_FLOPS 1e6                 /* of a part at least */

typedef struct job {
    const luron__conv_args *g;
    int64_t rows, k, pixels, numel; /* of one group: output channels and taps; numel: of all weights */
    int64_t run;                    /* pixels of a run at most */
    int64_t set, sets;              /* taps gathered at once, and how many times */
    int64_t parts;                  /* of the images */
    char *sums;                     /* of the parts, if there are several */
    luron__buffers buffers;
    int size;
} job;

static job job_of(const luron__conv_args *g) {
    job j = {.g = g, .size = (int)luron_dtype_size(g->dtype), .rows = g->c_out / g->groups, .parts = 1};
    j.k = g->c_in / g->groups * luron__conv_volume(g->kernel);
    j.pixels = luron__conv_volume(g->out);
    j.numel = g->groups * j.rows * j.k;
    j.run = luron__most(1, luron__least(j.pixels, LURON__CONV_RUN));
    j.set = luron__most(1, luron__least(j.k, luron__most(1, GATHERED / j.run / PANEL) * PANEL));
    j.sets = luron__ceil_div(j.k, j.set);
    const double flops = 2.0 * (double)j.numel * (double)j.pixels * (double)g->images;
    int64_t parts =
        luron__least(flops < PART_FLOPS * MOST_PARTS ? (int64_t)(flops / PART_FLOPS) : MOST_PARTS, g->images);
    if (j.numel > 0) parts = luron__least(parts, PARTS_BYTES / (j.numel * j.size));
    if (parts > 1) j.parts = parts;
    return j;
}

static int64_t sums_bytes(const job *j) { return j->parts > 1 ? luron__round_64(j->parts * j->numel * j->size) : 0; }
static int64_t gathered_bytes(const job *j) { return luron__round_64(j->set * j->run * j->size); }
static int64_t buffer_bytes(const job *j) { return gathered_bytes(j) + luron__round_64(luron__gemm_most_work(1)); }

int64_t luron__conv_weight_work(const luron__conv_args *g, int threads) {
    const job j = job_of(g);
    return 64 + sums_bytes(&j) + luron__buffers_bytes(buffer_bytes(&j), threads);
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

/* Taps first .. first + n of a group, from the images of a part. */
static void sum_images(const job *j, int64_t part, int64_t group, int64_t first, int64_t n, char *buffer) {
    const luron__conv_args *g = j->g;
    const int64_t each = g->images / j->parts, longer = g->images % j->parts;
    int64_t image = part * each + luron__least(part, longer), end = image + each + (part < longer);
    char *to = j->parts > 1 ? j->sums + part * j->numel * j->size : g->to;
    luron__gemm_args m = {.dtype = g->dtype, .flags = LURON_TRANS_B, .m = j->rows, .n = n, .b = buffer, .isa = g->isa};
    m.c = to + (group * j->rows * j->k + first) * j->size;
    m.ldc = j->k, m.lda = j->pixels, m.beta = j->parts > 1 ? 0 : g->beta;
    for (; image < end; image++)
        for (int64_t at = 0; at < j->pixels; at += j->run) {
            m.k = m.ldb = luron__least(j->run, j->pixels - at);
            m.a = (const char *)g->gy + ((image * g->c_out + group * j->rows) * j->pixels + at) * j->size;
            (j->size == 4 ? gather_f32 : gather_f64)(j, image, group, first, n, at, m.k, buffer);
            luron__gemm(&m, 1, buffer + gathered_bytes(j));
            m.beta = 1;
        }
}

static void run_sets(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    job *j = arg;
    int which;
    char *buffer = luron__buffers_take(&j->buffers, &which);
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const int64_t set = i % j->sets, group = i / j->sets % j->g->groups, part = i / j->sets / j->g->groups;
        sum_images(j, part, group, set * j->set, luron__least(j->set, j->k - set * j->set), buffer);
    }
    luron__buffers_give(&j->buffers, which);
}

void luron__conv_grad_weight(const luron__conv_args *g, int threads, void *work) {
    job j = job_of(g);
    char *at = (char *)work + (64 - (uintptr_t)work % 64) % 64;
    if (j.numel == 0) return;
    j.sums = at;
    j.buffers = luron__buffers_at(at + sums_bytes(&j), buffer_bytes(&j), threads);
    if (g->images * j.pixels == 0)
        j.parts = 0; /* nothing to add */
    else
        luron__parallel_for(threads, j.parts * g->groups * j.sets, 1, run_sets, &j);
    if (j.parts != 1) luron__parallel_for(threads, j.numel, GRAIN, j.size == 4 ? add_parts_f32 : add_parts_f64, &j);
}
#else

/* Lines of what taps first .. first + n read at pixels at .. at + count of the output. */
static void NAME(gather)(const job *j, int64_t image, int64_t group, int64_t first, int64_t n, int64_t at,
                         int64_t count, void *buffer) {
    const luron__conv_args *g = j->g;
    const int64_t volume = luron__conv_volume(g->in), taps = luron__conv_volume(g->kernel);
    const T *x = (const T *)g->x + (image * g->c_in + group * (g->c_in / g->groups)) * volume;
    T *to = buffer;
    for (int64_t k = first; k < first + n; k++) {
        const int64_t tap = k % taps, kz = tap / (g->kernel[1] * g->kernel[2]), ky = tap / g->kernel[2] % g->kernel[1];
        const int64_t from = tap % g->kernel[2] * g->dilation[2] - g->before[2];
        const T *channel = x + k / taps * volume;
        int64_t column = at % g->out[2], line = at / g->out[2] % g->out[1], depth = at / g->out[2] / g->out[1];
        for (int64_t left = count; left > 0;) {
            const int64_t m = luron__least(left, g->out[2] - column);
            const int64_t z = depth * g->stride[0] + kz * g->dilation[0] - g->before[0],
                          y = line * g->stride[1] + ky * g->dilation[1] - g->before[1];
            if (z < 0 || z >= g->in[0] || y < 0 || y >= g->in[1])
                memset(to, 0, (size_t)m * sizeof(T));
            else
                NAME(luron__conv_fill)(to, m, channel + (z * g->in[1] + y) * g->in[2], g->in[2],
                                       column * g->stride[2] + from, g->stride[2]);
            to += m, left -= m, column = 0;
            if (++line == g->out[1]) line = 0, depth++;
        }
    }
}

static void NAME(add_parts)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const job *j = arg;
    const T *sums = (const T *)(const void *)j->sums, beta = (T)j->g->beta;
    T *to = j->g->to;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        T sum = 0;
        for (int64_t p = 0; p < j->parts; p++)
            sum = p ? sum + sums[p * j->numel + i] : sums[i];
        to[i] = beta == 0 ? sum : sum + beta * to[i];
    }
}
#endif
