/* conv_deep.c -- convolutions with many weights for few places: those of several images are laid side by side, as a
 * matrix (tap, place of an image), and go through the matrix product, whose sums have the same rule (kernels/gemm.c).
 * Weights then come from afar once for many images, and vectors are full however small an image is. */
#ifndef T
#include "internal.h"
#include "kernels/conv_part.h"

enum { MOST_PLACES = 64, LEAST_WEIGHTS = 512 * 1024, LAID_BYTES = 4 * 1024 * 1024, ROWS = 16 /* of a task */ };

/* Some images of one group. */
typedef struct job {
    const luron__conv_part *p;
    int64_t places;               /* of one image */
    int64_t parts, each, longer;  /* how the images are split */
    int64_t group, first, images; /* what is computed now: images `first` and so on */
    const int64_t *offset;        /* of taps in the copy, then in the tensor */
    char *weights, *laid, *other; /* packed; (k, images places); what is made, or read beside that: (rows, images places) */
    char *sums, *work;            /* of the weights' gradient; of the product */
    luron__buffers copies;
} job;

static int64_t places_of(const luron__conv_part *p) { return p->d[0].count * p->d[1].count * p->d[2].count; }
static int64_t weights_of(const luron__conv_part *p) { return p->rows * p->k * p->size; } /* bytes of a group */
static int64_t columns_of(const job *j) { return j->images * j->places; }

bool luron__conv_is_deep(const luron__conv_part *p) {
    return luron__conv_sums_deep(p) && p->d[2].count < LURON__CONV_VECTOR;
}
bool luron__conv_sums_deep(const luron__conv_part *p) {
    const int64_t places = places_of(p);
    return p->g->images > 0 && places > 0 && places <= MOST_PLACES && weights_of(p) >= LEAST_WEIGHTS;
}

/* Images at once: so many that `each` of one make `most`, in equal shares. */
static job job_of(const luron__conv_part *p, int64_t each, int64_t most) {
    job j = {.p = p, .places = places_of(p)};
    j.parts = luron__ceil_div(p->g->images, luron__most(1, most / each));
    j.each = p->g->images / j.parts, j.longer = p->g->images % j.parts;
    j.images = j.each + (j.longer > 0);
    return j;
}
static job job_made(const luron__conv_part *p) { return job_of(p, p->k * places_of(p) * p->size, LAID_BYTES); }
static job job_summed(const luron__conv_part *p) { return job_of(p, places_of(p), LURON__CONV_K); }
static void take(job *j, int64_t part) {
    j->first = part * j->each + luron__least(part, j->longer), j->images = j->each + (part < j->longer);
}

/* Rows of the output, or of the input's gradient. */
static luron__gemm_args product_made(const job *j) {
    const int64_t n = columns_of(j);
    return (luron__gemm_args){.dtype = j->p->g->dtype, .isa = j->p->g->isa, .m = j->p->rows, .n = n, .k = j->p->k,
        .a = j->weights + j->group * weights_of(j->p), .b = j->laid, .c = j->other, .lda = j->p->k, .ldb = n, .ldc = n};
}
/* The weights' gradient, but for where it goes. */
static luron__gemm_args product_summed(const job *j) {
    const int64_t n = columns_of(j);
    return (luron__gemm_args){.dtype = j->p->g->dtype, .isa = j->p->g->isa, .flags = LURON_TRANS_B, .m = j->p->rows, .n = j->p->k, .k = n,
        .a = j->other, .b = j->laid, .c = j->sums + j->group * weights_of(j->p), .lda = n, .ldb = n, .ldc = j->p->k, .beta = j->first > 0};
}

/* Bytes that a product needs for any share: for fewer columns it may be cut into more tiles. */
static int64_t product_work(job j, luron__gemm_args product(const job *), int threads) {
    const luron__gemm_args longer = product(&j);
    j.images = j.each;
    const luron__gemm_args shorter = product(&j);
    return luron__most(luron__gemm_work(&longer, threads), luron__gemm_work(&shorter, threads));
}

/* Sets where everything stands in `work`, if there is one; @return the bytes. */
static int64_t lay_out(job *j, bool packs, bool sums, luron__gemm_args product(const job *), int threads, char *work) {
    const luron__conv_part *p = j->p;
    const int64_t all = luron__round_64(p->g->groups * weights_of(p)), columns = columns_of(j) * p->size;
    int64_t at = work ? (int64_t)((64 - (uintptr_t)work % 64) % 64) : 64;
    const int64_t sizes[] = {2 * p->k * (int64_t)sizeof(int64_t), packs ? all : 0, p->k * columns, p->rows * columns, sums ? all : 0,
        luron__buffers_bytes(luron__conv_copy_bytes(p), threads), product_work(*j, product, threads)};
    int64_t places[sizeof sizes / sizeof *sizes];
    for (int i = 0; i < (int)(sizeof sizes / sizeof *sizes); i++)
        places[i] = at, at += luron__round_64(sizes[i]);
    if (!work) return at;
    j->offset = (const int64_t *)(void *)(work + places[0]);
    j->weights = work + places[1], j->laid = work + places[2], j->other = work + places[3], j->sums = work + places[4];
    j->copies = luron__buffers_at(work + places[5], luron__conv_copy_bytes(p), threads);
    j->work = work + places[6];
    luron__conv_offsets(p, false, (int64_t *)(void *)(work + places[0]));
    if (p->in_place) luron__conv_offsets(p, true, (int64_t *)(void *)(work + places[0]) + p->k);
    return at;
}

/* Lines of a band, `bytes` long, for all taps; a constant of few bytes where that is inlined takes no call of memcpy. */
static inline __attribute__((always_inline)) void lay_lines(const job *j, const char *from, const int64_t *offset, int64_t lines, int64_t line,
                                                            const int64_t bytes, char *to) {
    const int64_t size = j->p->size, ld = columns_of(j) * size, next = j->p->d[2].count * size;
    for (int64_t k = 0; k < j->p->k; k++, to += ld)
        for (int64_t l = 0; l < lines; l++)
            memcpy(to + l * next, from + (offset[k] + l * line) * size, (size_t)bytes);
}
static void lay_band(const job *j, const luron__conv_band *b, char *copy) {
    const luron__conv_part *p = j->p;
    const luron__conv_axis *d = p->d;
    const void *tensor = p->backward ? p->g->gy : p->g->x;
    const int64_t place = (b->at[0] * d[1].count + b->at[1]) * d[2].count + b->at[2], lines = b->n[1], bytes = b->n[2] * p->size;
    char *to = j->laid + ((b->image - j->first) * j->places + place) * p->size;
    const char *from = copy;
    const int64_t *offset = j->offset;
    int64_t line = p->line;
    if (p->in_place) from = (const char *)tensor + luron__conv_place(p, b) * p->size, offset += p->k, line = d[2].source;
    else luron__conv_copy(p, b, tensor, copy);
    if (bytes == 8) lay_lines(j, from, offset, lines, line, 8, to);
    else if (bytes == 16) lay_lines(j, from, offset, lines, line, 16, to);
    else if (bytes == 32) lay_lines(j, from, offset, lines, line, 32, to);
    else lay_lines(j, from, offset, lines, line, bytes, to);
}
static void lay_images(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    job *j = arg;
    const luron__conv_args *g = j->p->g;
    const int64_t bands = luron__conv_bands(j->p) / (g->images * g->groups);
    int which;
    char *copy = luron__buffers_take(&j->copies, &which);
    (void)chunk;
    for (int64_t i = j->first + begin; i < j->first + end; i++)
        for (int64_t k = 0; k < bands; k++) {
            const luron__conv_band b = luron__conv_band_at(j->p, (i * g->groups + j->group) * bands + k);
            lay_band(j, &b, copy);
        }
    luron__buffers_give(&j->copies, which);
}
/* Rows of the output's gradient, as wide as what is laid. */
static void lay_rows(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const job *j = arg;
    const luron__conv_args *g = j->p->g;
    const int64_t bytes = j->places * j->p->size;
    (void)chunk;
    for (int64_t row = begin; row < end; row++)
        for (int64_t i = 0; i < j->images; i++)
            memcpy(j->other + (row * j->images + i) * bytes,
                (const char *)g->gy + (((j->first + i) * g->groups + j->group) * j->p->rows + row) * bytes, (size_t)bytes);
}

#define T float
#define NAME(x) x##_f32
#include "conv_deep.c"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "conv_deep.c"
#undef T
#undef NAME

int64_t luron__conv_deep_work(const luron__conv_part *p, int threads) {
    job j = job_made(p);
    return lay_out(&j, p->backward, false, product_made, threads, NULL);
}
void luron__conv_deep(const luron__conv_part *p, int threads, void *work) {
    const luron__conv_args *g = p->g;
    job j = job_made(p);
    lay_out(&j, p->backward, false, product_made, threads, work);
    if (p->backward) luron__conv_pack(p, threads, j.weights);
    else j.weights = (char *)g->w;
    for (int64_t part = 0; part < j.parts; part++) {
        take(&j, part);
        for (j.group = 0; j.group < g->groups; j.group++) {
            luron__parallel_for(threads, j.images, 1, lay_images, &j);
            const luron__gemm_args m = product_made(&j);
            luron__gemm(&m, threads, j.work);
            luron__parallel_for(threads, j.images, 1, p->size == 4 ? put_f32 : put_f64, &j);
        }
    }
}

int64_t luron__conv_deep_weight_work(const luron__conv_part *p, int threads) {
    job j = job_summed(p);
    return lay_out(&j, false, true, product_summed, threads, NULL);
}
void luron__conv_deep_weight(const luron__conv_part *p, int threads, void *work) {
    const luron__conv_args *g = p->g;
    job j = job_summed(p);
    lay_out(&j, false, true, product_summed, threads, work);
    if (g->beta == 0) j.sums = g->to;
    for (j.group = 0; j.group < g->groups; j.group++)
        for (int64_t part = 0; part < j.parts; part++) {
            take(&j, part);
            luron__parallel_for(threads, j.images, 1, lay_images, &j);
            luron__parallel_for(threads, p->rows, ROWS, lay_rows, &j);
            const luron__gemm_args m = product_summed(&j);
            luron__gemm(&m, threads, j.work);
        }
    if (g->beta != 0) luron__parallel_for(threads, g->groups * p->rows, ROWS, p->size == 4 ? add_sums_f32 : add_sums_f64, &j);
}
#else

/* What is made of some images, to where it goes: beta and bias are added in the order of the rule. */
static void NAME(put)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const job *j = arg;
    const luron__conv_part *p = j->p;
    const luron__conv_args *g = p->g;
    const luron__conv_axis *d = p->d;
    const int64_t *made = p->backward ? g->in : g->out, step = d[2].to_step;
    const T beta = (T)g->beta, *bias = p->backward ? NULL : g->bias;
    (void)chunk;
    for (int64_t i = begin; i < end; i++)
        for (int64_t row = 0; row < p->rows; row++) {
            const T *from = (const T *)(const void *)j->other + (row * j->images + i) * j->places;
            const int64_t channel = j->group * p->rows + row, plane = (j->first + i) * g->groups * p->rows + channel;
            for (int64_t line = 0; line < d[0].count * d[1].count; line++) {
                const int64_t z = d[0].to_first + line / d[1].count * d[0].to_step, y = d[1].to_first + line % d[1].count * d[1].to_step;
                T *to = (T *)g->to + ((plane * made[0] + z) * made[1] + y) * made[2] + d[2].to_first;
                for (int64_t x = 0; x < d[2].count; x++, to += step, from++) {
                    const T sum = beta == 0 ? *from : *from + beta * *to;
                    *to = bias ? sum + bias[channel] : sum;
                }
            }
        }
    if (g->made && !p->backward && g->groups == 1)
        g->made(g->made_arg, (j->first + begin) * p->rows * j->places, (end - begin) * p->rows * j->places);
}

static void NAME(add_sums)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const job *j = arg;
    const T *sums = (const T *)(const void *)j->sums, beta = (T)j->p->g->beta;
    T *to = j->p->g->to;
    (void)chunk;
    for (int64_t i = begin * j->p->k; i < end * j->p->k; i++)
        to[i] = sums[i] + beta * to[i];
}
#endif
