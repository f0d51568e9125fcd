/* reduce.c -- sums, products, extremes and their places. The order of every sum: reduce.h. */
#include "kernels/reduce_blocks.h"

#include <math.h>
#ifdef __x86_64__
#include <immintrin.h>
#define BY_AVX2
#endif

void luron__reduce_blocks(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const luron__reduce_job *job = arg;
    (void)chunk;
    for (int64_t b = begin; b < end; b++)
        job->block(job->fn, job->r, job->x, job->width, b * BLOCK, job->mean, (char *)job->work + (size_t)b * job->row);
}

#define T float
#define A double
#define LOWEST (-(A)INFINITY)
#define HIGHEST ((A)INFINITY)
#define IS_NAN(v) ((v) != (v))
#define SERVES(id) true
#define WIDEN(v, to) _mm256_cvtps_pd(v) /* gcc makes two halves of a conversion */
#define NAME(x) x##_f32
#include "kernels/reduce_body.h"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "kernels/reduce_body.h"
static void add_dim(int *n, int64_t *sizes, int64_t *strides, int64_t size, int64_t stride) {
    if (*n && strides[*n - 1] == size * stride) {
        sizes[*n - 1] *= size;
        strides[*n - 1] = stride;
        return;
    }
    sizes[*n] = size;
    strides[*n] = stride;
    ++*n;
}

void luron__reduce_dims(luron__reduce_args *r, int ndim, const int64_t *shape, const int64_t *strides, uint32_t mask) {
    r->n_kept = r->n_reduced = 0;
    r->outputs = r->n = 1;
    for (int d = 0; d < ndim; d++) {
        bool out = mask >> d & 1u;
        *(out ? &r->n : &r->outputs) *= shape[d];
        if (shape[d] == 1) continue;
        if (out)
            add_dim(&r->n_reduced, r->reduced, r->reduced_stride, shape[d], strides[d]);
        else
            add_dim(&r->n_kept, r->kept, r->kept_stride, shape[d], strides[d]);
    }
}

bool luron__reduce_by_rows(const luron__reduce_args *r) {
    return r->n <= BLOCK && (r->n_reduced == 0 || (r->n_reduced == 1 && r->reduced_stride[0] == 1));
}

/* Outputs of a tile: several where their numbers lie closer together than those of one output, or where one has few; rows, of which
 * a tile of one would take longer to find than to add. */
static int tile_width(const luron__reduce_args *r) {
    if (!r->n_kept) return 1;
    int last = r->n_reduced - 1;
    bool columns = last < 0 || r->reduced[last] < SHORT_RUN || r->kept_stride[r->n_kept - 1] < r->reduced_stride[last];
    int64_t inner = r->kept[r->n_kept - 1];
    int64_t width = columns ? COLUMNS : luron__reduce_by_rows(r) && r->n < BLOCK / 2 ? BLOCK / r->n : 1;
    if (width > COLUMNS) width = COLUMNS;
    return (int)(inner < width ? inner : width);
}

static int64_t n_tiles(const luron__reduce_args *r) {
    if (!r->n_kept) return 1;
    int64_t inner = r->kept[r->n_kept - 1], width = tile_width(r);
    return r->outputs / inner * ((inner + width - 1) / width);
}

/* Few outputs of many numbers: then threads share the blocks of each. */
static bool splits_blocks(const luron__reduce_args *r) {
    return r->fn != LURON__REDUCE_ARGMAX && r->fn != LURON__REDUCE_ARGMIN && r->n >= 16 * BLOCK && n_tiles(r) < 8;
}

int64_t luron__reduce_work(const luron__reduce_args *r) {
    if (r->outputs == 0 || !splits_blocks(r)) return 0;
    return (r->n + BLOCK - 1) / BLOCK * COLUMNS * 8;
}

typedef struct tiles_job {
    const luron__reduce_args *r;
    luron__reduce_tile_fn *tile;
    int threads;
    void *work;
} tiles_job;

static void some_tiles(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const tiles_job *job = arg;
    const luron__reduce_args *r = job->r;
    int last = r->n_kept - 1, width = tile_width(r);
    int64_t inner = last < 0 ? 1 : r->kept[last], tiles = (inner + width - 1) / width;
    (void)chunk;
    for (int64_t t = begin; t < end; t++) {
        int64_t first = t % tiles * width, rest = t / tiles, offset = last < 0 ? 0 : first * r->kept_stride[last];
        int64_t output = rest * inner + first;
        for (int d = last - 1; d >= 0; d--) {
            offset += rest % r->kept[d] * r->kept_stride[d];
            rest /= r->kept[d];
        }
        job->tile(r, offset, output, inner - first < width ? (int)(inner - first) : width, job->threads, job->work);
    }
}

void luron__reduce(const luron__reduce_args *r, int threads, void *work) {
    if (r->outputs == 0) return;
    bool ids = r->fn == LURON__REDUCE_ARGMAX || r->fn == LURON__REDUCE_ARGMIN, split = splits_blocks(r);
    tiles_job job = {.r = r, .threads = threads, .work = split ? work : NULL};
    switch (r->dtype) {
    case LURON_F32:
        job.tile = ids ? arg_tile_f32 : tile_f32;
        break;
    case LURON_F64:
        job.tile = ids ? arg_tile_f64 : tile_f64;
        break;
    case LURON_I64:
        job.tile = luron__reduce_i64[ids];
        break;
    default:
        job.tile = luron__reduce_b8[ids];
        break;
    }
    double each = (double)(r->n ? r->n : 1) * tile_width(r);
    int64_t tiles = n_tiles(r), grain = each < GRAIN ? (int64_t)(GRAIN / each) : 1;
    if (split)
        some_tiles(&job, 0, tiles, 0);
    else
        luron__parallel_for(threads, tiles, grain, some_tiles, &job);
}

double luron__sum_f64(int64_t n, const double *x, int64_t stride) {
    luron__reduce_args r = {.n_reduced = 1, .reduced = {n}, .reduced_stride = {stride}, .n = n};
    double total, mean = 0;
    tile_total_f64(LURON__REDUCE_SUM, &r, x, 1, NULL, &mean, &total);
    return total;
}

float luron__sum_f32(int64_t n, const float *x, int64_t stride) {
    luron__reduce_args r = {.n_reduced = 1, .reduced = {n}, .reduced_stride = {stride}, .n = n};
    double total, mean = 0;
    tile_total_f32(LURON__REDUCE_SUM, &r, x, 1, NULL, &mean, &total);
    return (float)total;
}
