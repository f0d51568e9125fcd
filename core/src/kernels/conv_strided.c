/* conv_strided.c -- the gradient of the input where the width has stride 2: the parts of all places modulo the strides,
 * band by band. All read one copy of the band, each leaves its sums side by side, and what belongs to even and odd
 * columns is put together at the end, so that whole vectors are written. */
#ifndef T
#include "internal.h"
#include "kernels/conv_part.h"

enum { MOST = 4, LEAST_FLOPS = 1000000 }; /* LEAST_FLOPS: worth handing to another thread */

typedef struct family {
    luron__conv_part p[MOST]; /* by line, then by column modulo the strides */
    const void *weights[MOST];
    int64_t *offset[MOST];
    int n, lines;       /* lines: how many modulo the stride; n: twice as many */
    int64_t wide, each; /* numbers of the sums: of a line, of a part */
    luron__buffers buffers;
} family;

static bool suits(const luron__conv_args *g) {
    return g->stride[2] == 2 && g->in[2] >= 2 && g->stride[1] <= MOST / 2 && luron__conv_volume(g->in) > 0;
}

/* The parts at depth r modulo the stride, with bands and copies that are the same. */
static family family_of(const luron__conv_args *g, int64_t r) {
    family f = {.lines = (int)luron__least(g->stride[1], g->in[1])};
    f.n = 2 * f.lines;
    for (int i = 0; i < f.n; i++) {
        const int64_t at[3] = {r, i / 2, i % 2};
        f.p[i] = luron__conv_part_of(g, true, at);
    }
    luron__conv_share(f.p, f.n);
    f.wide = luron__ceil_div(f.p[0].d[2].band, LURON__CONV_VECTOR) * LURON__CONV_VECTOR;
    f.each = f.p[0].rows * f.p[0].d[1].band * f.wide;
    return f;
}

static int64_t offset_bytes(const luron__conv_part *p) { return luron__round_64(p->k * (int64_t)sizeof(int64_t)); }
static int64_t weight_bytes(const luron__conv_part *p) {
    return luron__round_64(p->g->groups * p->k * p->rows * p->size);
}
static int64_t copy_bytes(const family *f) { return luron__conv_copy_bytes(&f->p[0]); }
static int64_t sums_bytes(const family *f) { return luron__round_64(f->n * f->each * f->p[0].size); }
static int64_t buffer_bytes(const family *f) {
    int64_t kept = 0;
    for (int i = 0; i < f->n; i++)
        kept = luron__most(kept, luron__conv_kept_bytes(&f->p[i]));
    return copy_bytes(f) + sums_bytes(f) + kept;
}

int64_t luron__conv_strided_work(const luron__conv_args *g, int threads) {
    int64_t most = 0;
    if (!suits(g)) return 0;
    for (int64_t r = 0; r < luron__least(g->stride[0], g->in[0]); r++) {
        family f = family_of(g, r);
        int64_t bytes = 64 + luron__buffers_bytes(buffer_bytes(&f), threads);
        for (int i = 0; i < f.n; i++)
            bytes += offset_bytes(&f.p[i]) + weight_bytes(&f.p[i]);
        most = luron__most(most, bytes);
    }
    return most;
}

/* The sums of part i of band b, whose copy is given. */
static void sum_part(const family *f, int i, const luron__conv_band *b, const char *copy, char *sums) {
    const luron__conv_part *p = &f->p[i];
    const int64_t columns = luron__least(p->d[2].band, p->d[2].count - b->at[2]);
    luron__conv_job j = {.b = copy, .offset = f->offset[i], .rows = p->rows, .k = p->k, .line_b = p->line, .kept = sums + sums_bytes(f)};
    j.lines = luron__least(p->d[1].band, p->d[1].count - b->at[1]);
    j.columns = luron__ceil_div(columns, LURON__CONV_VECTOR) * LURON__CONV_VECTOR; /* what is behind them is not read */
    if (p->k == 0 || j.lines <= 0 || columns <= 0) return;
    j.a = (const char *)f->weights[i] + b->group * p->k * p->rows * p->size;
    j.to = sums + i * f->each * p->size, j.ld = p->d[1].band * f->wide, j.line_to = f->wide, j.step = 1;
    luron__conv_kernels_of(p->g->isa)->run[p->size == 8](&j);
}

#define T float
#define NAME(x) x##_f32
#include "conv_strided.c"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "conv_strided.c"
#undef T
#undef NAME

static void run_bands(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    family *f = arg;
    int which;
    char *copy = luron__buffers_take(&f->buffers, &which), *sums = copy + copy_bytes(f);
    (void)chunk;
    (f->p[0].size == 4 ? fill_f32 : fill_f64)(f, sums);
    for (int64_t i = begin; i < end; i++) {
        const luron__conv_band b = luron__conv_band_at(&f->p[0], i);
        luron__conv_copy(&f->p[0], &b, f->p[0].g->gy, copy);
        for (int k = 0; k < f->n; k++)
            sum_part(f, k, &b, copy, sums);
        (f->p[0].size == 4 ? put_f32 : put_f64)(f, &b, sums);
    }
    luron__buffers_give(&f->buffers, which);
}

bool luron__conv_strided_input(const luron__conv_args *g, int threads, void *work) {
    if (!suits(g)) return false;
    for (int64_t r = 0; r < luron__least(g->stride[0], g->in[0]); r++) {
        family f = family_of(g, r);
        char *at = (char *)work + (64 - (uintptr_t)work % 64) % 64;
        double flops = 1;
        for (int i = 0; i < f.n; i++) {
            luron__conv_part *p = &f.p[i];
            f.offset[i] = (int64_t *)(void *)at, at += offset_bytes(p);
            f.weights[i] = at, at += weight_bytes(p);
            luron__conv_offsets(p, false, f.offset[i]);
            luron__conv_pack(p, threads, (void *)f.weights[i]);
            flops += 2.0 * (double)(p->k * p->rows) * (double)(p->d[1].band * p->d[2].band);
        }
        f.buffers = luron__buffers_at(at, buffer_bytes(&f), threads);
        luron__parallel_for(threads, luron__conv_bands(&f.p[0]), luron__most(1, (int64_t)(LEAST_FLOPS / flops)),
                            run_bands, &f);
    }
    return true;
}
#else
/* What is written of a part that no tap reaches: 0, or, where that is added to what is there, what changes nothing. */
static void NAME(fill)(const family *f, char *sums) {
    for (int i = 0; i < f->n; i++) {
        T *to = (T *)(void *)sums + i * f->each;
        for (int64_t k = 0; f->p[i].k == 0 && k < f->each; k++)
            to[k] = f->p[0].g->beta == 1 ? (T)-0.0 : (T)0;
    }
}

/* The sums of a band, to the lines of the input. */
static void NAME(put)(const family *f, const luron__conv_band *b, const char *sums) {
    const luron__conv_part *p = &f->p[0];
    const luron__conv_args *g = p->g;
    luron__conv_zip_fn *zip = luron__conv_kernels_of(g->isa)->moves->zip[sizeof(T) == 8];
    const int64_t plane = (b->group + b->image * g->groups) * p->rows,
                  depth = p->d[0].to_first + b->at[0] * p->d[0].to_step, column = 2 * b->at[2];
    const int64_t n = luron__least(2 * p->d[2].band, g->in[2] - column);
    for (int64_t row = 0; row < p->rows; row++)
        for (int64_t line = 0; line < p->d[1].band * f->lines; line++) {
            const int kind = (int)(line % f->lines) * 2;
            const int64_t y = b->at[1] * f->lines + line;
            if (y >= g->in[1]) break;
            if (f->p[kind].k == 0 && f->p[kind + 1].k == 0 && g->beta == 1) continue;
            const T *even =
                (const T *)(const void *)sums + kind * f->each + (row * p->d[1].band + line / f->lines) * f->wide;
            T *to = (T *)g->to + (((plane + row) * g->in[0] + depth) * g->in[1] + y) * g->in[2] + column;
            zip(even, even + f->each, n, g->beta, to);
        }
}
#endif
