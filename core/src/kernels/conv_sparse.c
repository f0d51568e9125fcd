/* conv_sparse.c -- the gradient of the input of a convolution with few channels from an output's gradient that is
 * mostly 0: what is not 0 is added to all places that its taps reach, channels side by side. float32, stride 1. */
#include "internal.h"
#include "kernels/conv_part.h"

enum { W = LURON__CONV_SPARSE, MOST_PIXELS = 1024, MOST_PLACES = 4096, SAMPLE = 4 };
#define LIST_COST 2.4  /* cycles of a tap of a number that is not 0, for all channels */
#define DENSE_COST 0.1 /* cycles of a product otherwise */

typedef struct job {
    const luron__conv_args *g;
    const luron__conv_sparse *kernels;
    int64_t channels, rows, taps, pixels; /* of a group's input and output; pixels of the output */
    int64_t high, wide;                   /* places that taps reach, padding included */
    const int64_t *offset;
    const int32_t *place;
    const float *weights; /* (output channel, tap, W) */
    luron__buffers buffers;
} job;

bool luron__conv_is_sparse(const luron__conv_args *g, double limit) {
    const int64_t n = luron__least(g->images, SAMPLE) * g->c_out * luron__conv_volume(g->out);
    const float *gy = g->gy;
    int64_t found = 0;
    for (int64_t i = 0; i < n; i++)
        found += gy[i] != 0;
    return (double)found < limit * (double)n;
}

static bool suits(const luron__conv_args *g) {
    if (g->dtype != LURON_F32 || !luron__conv_kernels_of(g->isa)->sparse) return false;
    for (int d = 0; d < 3; d++)
        if (g->stride[d] != 1 || g->out[d] + g->dilation[d] * (g->kernel[d] - 1) < g->before[d] + g->in[d])
            return false;
    return g->in[0] == 1 && g->out[0] == 1 && g->kernel[0] == 1 && g->before[0] == 0 && g->c_in / g->groups <= W;
}

static job job_of(const luron__conv_args *g) {
    job j = {.g = g, .taps = luron__conv_volume(g->kernel), .pixels = luron__conv_volume(g->out)};
    j.channels = g->c_in / g->groups, j.rows = g->c_out / g->groups;
    j.high = g->out[1] + g->dilation[1] * (g->kernel[1] - 1), j.wide = g->out[2] + g->dilation[2] * (g->kernel[2] - 1);
    return j;
}
static bool fits(const job *j) {
    return j->rows * j->taps <= LURON__CONV_K && j->pixels <= MOST_PIXELS && j->high * j->wide <= MOST_PLACES;
}

static int64_t offset_bytes(const job *j) { return luron__round_64(j->taps * (int64_t)sizeof(int64_t)); }
static int64_t place_bytes(const job *j) { return luron__round_64(j->pixels * (int64_t)sizeof(int32_t)); }
static int64_t weight_bytes(const job *j) {
    return luron__round_64(j->g->c_out * j->taps * W * (int64_t)sizeof(float));
}
static int64_t sums_bytes(const job *j) { return luron__round_64(j->high * j->wide * W * (int64_t)sizeof(float)); }
static int64_t list_bytes(const job *j) { return luron__round_64((j->pixels + LURON__CONV_LANES) * (int64_t)sizeof(int32_t)); }

int64_t luron__conv_sparse_work(const luron__conv_args *g, int threads) {
    if (!suits(g)) return 0;
    const job j = job_of(g);
    if (!fits(&j)) return 0;
    return 64 + offset_bytes(&j) + place_bytes(&j) + weight_bytes(&j) +
           luron__buffers_bytes(sums_bytes(&j) + list_bytes(&j), threads);
}

static void set_tables(const job *j, int64_t *offset, int32_t *place, float *weights) {
    const luron__conv_args *g = j->g;
    for (int64_t t = 0; t < j->taps; t++)
        offset[t] =
            (t / g->kernel[2] * g->dilation[1] * j->wide + t % g->kernel[2] * g->dilation[2]) * LURON__CONV_SPARSE;
    for (int64_t i = 0; i < j->pixels; i++)
        place[i] = (int32_t)((i / g->out[2] * j->wide + i % g->out[2]) * W);
    for (int64_t o = 0; o < g->c_out; o++)
        for (int64_t t = 0; t < j->taps; t++, weights += W)
            for (int64_t c = 0; c < W; c++)
                weights[c] = c < j->channels ? ((const float *)g->w)[(o * j->channels + c) * j->taps + t] : 0;
}

typedef float piece __attribute__((vector_size(16), aligned(4), may_alias));

/* n sums, channels side by side, to a run of each of the planes, which are `plane` numbers apart. */
static void store_run(const job *j, const float *from, int64_t n, int64_t plane, float *to) {
    enum { FOUR = 4 };
    const float beta = (float)j->g->beta;
    for (int64_t first = 0; first < j->channels; first += FOUR, from += FOUR, to += FOUR * plane) {
        const int64_t rows = luron__least(FOUR, j->channels - first);
        int64_t x = 0;
        for (; x + FOUR <= n; x += FOUR) {
            piece p[FOUR];
            for (int k = 0; k < FOUR; k++)
                p[k] = *(const piece *)(from + (x + k) * W);
            LURON__TURN_F32(p);
            for (int64_t r = 0; r < rows; r++) {
                piece *at = (piece *)(to + r * plane + x);
                if (beta != 0) p[r] += beta * *at;
                *at = p[r];
            }
        }
        for (; x < n; x++)
            for (int64_t r = 0; r < rows; r++) {
                float *at = to + r * plane + x;
                *at = beta == 0 ? from[x * W + r] : from[x * W + r] + beta * *at;
            }
    }
}

/* The sums to the planes of one image and group: line by line, or all of them if no border is between. */
static void store(const job *j, const float *sums, float *to) {
    const luron__conv_args *g = j->g;
    const int64_t wide = g->in[2], plane = g->in[1] * wide, lines = j->wide == wide ? 1 : g->in[1], n = plane / lines;
    const float *from = sums + (g->before[1] * j->wide + g->before[2]) * W;
    for (int64_t y = 0; y < lines; y++, from += j->wide * W)
        store_run(j, from, n, plane, to + y * n);
}

static void run_images(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    job *j = arg;
    const luron__conv_args *g = j->g;
    int which;
    char *buffer = luron__buffers_take(&j->buffers, &which);
    float *sums = (float *)(void *)buffer;
    int32_t *list = (int32_t *)(void *)(buffer + sums_bytes(j));
    (void)chunk;
    for (int64_t i = begin; i < end; i++) { /* an image and group */
        const int64_t first = i % g->groups * j->rows;
        luron__conv_sparse_job s = {.sums = sums, .list = list, .place = j->place, .offset = j->offset};
        s.rows = j->taps, s.width = g->dilation[2] == 1 ? (int)g->kernel[2] : 1;
        memset(sums, 0, (size_t)sums_bytes(j));
        for (int64_t o = 0; o < j->rows; o++) {
            s.g = (const float *)g->gy + (i * j->rows + o) * j->pixels;
            s.x = j->weights + (first + o) * j->taps * W;
            s.n = j->kernels->list(s.g, (int)j->pixels, list);
            j->kernels->input(&s);
        }
        store(j, sums, (float *)g->to + i * j->channels * g->in[1] * g->in[2]);
    }
    luron__buffers_give(&j->buffers, which);
}

bool luron__conv_sparse_input(const luron__conv_args *g, int threads, void *work) {
    if (luron__conv_sparse_work(g, 1) == 0) return false;
    job j = job_of(g);
    const double products = DENSE_COST * (double)(j.channels * g->in[1] * ((g->in[2] + W - 1) / W * W));
    if (!luron__conv_is_sparse(g, products / (LIST_COST * (double)j.pixels + 1))) return false;
    char *at = (char *)work + (64 - (uintptr_t)work % 64) % 64;
    int64_t *offset = (int64_t *)(void *)at;
    int32_t *place = (int32_t *)(void *)(at += offset_bytes(&j));
    float *weights = (float *)(void *)(at += place_bytes(&j));
    at += weight_bytes(&j);
    set_tables(&j, offset, place, weights);
    j.offset = offset, j.place = place, j.weights = weights, j.kernels = luron__conv_kernels_of(g->isa)->sparse;
    j.buffers = luron__buffers_at(at, sums_bytes(&j) + list_bytes(&j), threads);
    luron__parallel_for(threads, g->images * g->groups, 1 + (int64_t)(1e5 / (double)(j.rows * j.pixels * j.taps + 1)),
                        run_images, &j);
    return true;
}
