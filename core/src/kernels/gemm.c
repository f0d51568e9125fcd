/* gemm.c -- the matrix product: choice of the kernel, and output tiles over threads.
 *
 * The rule that fixes the bits: y = ((s_0 + s_1) + s_2) ... + beta c + bias, where s_b is one chain of multiply-adds
 * from +0 over ascending k in block b, and the blocks are ceil(K/512) parts of K, the longer ones first. No size but K,
 * no tile, packing, transposition or number of threads takes part in it.                                             */
#include "internal.h"
#include "kernels/gemm_tile.h"

#include <stdatomic.h>

#define ALIGN 64
#define TILE_FLOPS 1000000 /* worth handing to another thread */

/* The grid of output tiles, by shape alone. */
typedef struct grid {
    int64_t rows, cols; /* tiles */
    int64_t width;      /* columns of a tile, a multiple of 64 bytes' worth */
} grid;

static int64_t ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0); }

static grid grid_of(const luron__gemm_args *g) {
    grid t = {.rows = ceil_div(g->m, LURON__GEMM_M)};
    int64_t step = LURON__GEMM_PANEL / (g->dtype == LURON_F64 ? 8 : 4), steps = ceil_div(g->n, step);
    double step_flops = 2.0 * (double)ceil_div(g->m, t.rows) * (double)step * (double)(g->k > 0 ? g->k : 1);
    double least = TILE_FLOPS / step_flops;
    int64_t each = least >= (double)steps ? steps : least < 4 ? 4 : (int64_t)least;
    t.cols = ceil_div(steps, each);
    t.width = ceil_div(steps, t.cols) * step;
    t.cols = ceil_div(g->n, t.width);
    return t;
}

/* At most `threads` tiles are computed at once; each takes a free one of that many buffers. Which one changes no bit.
 */
typedef struct run {
    const luron__gemm_args *g;
    luron__gemm_tile_fn *tile;
    grid grid;
    char *buffers;
    atomic_flag *taken;
    int n_buffers;
} run;

static int buffers_of(const luron__gemm_args *g, int threads) {
    grid t = grid_of(g);
    int64_t tiles = t.rows * t.cols;
    return tiles < threads ? (int)tiles : threads;
}

int64_t luron__gemm_work(const luron__gemm_args *g, int threads) {
    if (g->m == 0 || g->n == 0) return 0;
    int n = buffers_of(g, threads);
    return ALIGN + (int64_t)n * LURON__GEMM_TILE_WORK + ceil_div(n * (int64_t)sizeof(atomic_flag), ALIGN) * ALIGN;
}

int64_t luron__gemm_most_work(int threads) {
    return ALIGN + threads * LURON__GEMM_TILE_WORK + ceil_div(threads * (int64_t)sizeof(atomic_flag), ALIGN) * ALIGN;
}

static int take(run *r) {
    for (int i = 0;; i = i + 1 < r->n_buffers ? i + 1 : 0)
        if (!atomic_flag_test_and_set_explicit(&r->taken[i], memory_order_acquire)) return i;
}

static void tiles(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    run *r = arg;
    const luron__gemm_args *g = r->g;
    int buffer = take(r);
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        /* tiles of one set of columns follow each other: they share its part of B */
        int64_t row = i % r->grid.rows, col = i / r->grid.rows, each = g->m / r->grid.rows,
                longer = g->m % r->grid.rows;
        int64_t m0 = row * each + (row < longer ? row : longer), n0 = col * r->grid.width;
        int64_t n1 = g->n - n0 < r->grid.width ? g->n : n0 + r->grid.width;
        r->tile(g, m0, m0 + each + (row < longer), n0, n1, r->buffers + (int64_t)buffer * LURON__GEMM_TILE_WORK);
    }
    atomic_flag_clear_explicit(&r->taken[buffer], memory_order_release);
}

static luron__gemm_tile_fn *kernel_of(uint32_t dtype, int isa) {
#if defined(__x86_64__)
    if (isa == LURON__ISA_AVX2) return dtype == LURON_F64 ? luron__gemm_tile_f64_avx2 : luron__gemm_tile_f32_avx2;
#endif
    (void)isa;
    return dtype == LURON_F64 ? luron__gemm_tile_f64_plain : luron__gemm_tile_f32_plain;
}

void luron__gemm(const luron__gemm_args *g, int threads, void *work) {
    if (g->m == 0 || g->n == 0) return;
    run r = {.g = g, .tile = kernel_of(g->dtype, g->isa), .grid = grid_of(g), .n_buffers = buffers_of(g, threads)};
    r.buffers = (char *)work + (ALIGN - (uintptr_t)work % ALIGN) % ALIGN;
    r.taken = (atomic_flag *)(void *)(r.buffers + (int64_t)r.n_buffers * LURON__GEMM_TILE_WORK);
    for (int i = 0; i < r.n_buffers; i++)
        atomic_flag_clear(&r.taken[i]);
    luron__parallel_for(threads, r.grid.rows * r.grid.cols, 1, tiles, &r);
}

int luron__isa_pick(const char *wanted) {
    bool avx2 = false;
#if defined(__x86_64__)
    avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    if (!wanted || !*wanted) return avx2 ? LURON__ISA_AVX2 : LURON__ISA_PLAIN;
    if (strcmp(wanted, "plain") == 0) return LURON__ISA_PLAIN;
    return avx2 && strcmp(wanted, "avx2") == 0 ? LURON__ISA_AVX2 : -1;
}
