/* gemm.c -- the matrix product: choice of the kernel, and output tiles over threads.
 *
 * The rule that fixes the bits: y = ((s_0 + s_1) + s_2) ... + beta c + bias, where s_b is one chain of multiply-adds
 * from +0 over ascending k in block b, and the blocks are ceil(K/512) parts of K, the longer ones first. No size but K,
 * no tile, packing, transposition or number of threads takes part in it.                                             */
#include "internal.h"
#include "kernels/gemm_tile.h"
#include "kernels/tasks.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <stdlib.h>

enum { ALIGN = 64, TILES_EACH = 4 /* for a thread, at most */ };
#define LEAST_FLOPS 1e6 /* of a tile: worth handing to another thread */
#define SECONDS 3e-11   /* about what a multiply-add of float32 takes: are threads worth waking? */
#define PACK_COST 40.0  /* of a number that a tile copies, in multiply-adds, */
#define TURN_COST 20.0  /* and of one of an A that it copies */
#define LEAST_STREAM (64 * 1024) /* numbers of B that are read row by row for one row: they come from afar */

static const luron__gemm_kernels *kernels_of(int isa) {
    switch (isa) {
#if defined(__x86_64__)
    case LURON__ISA_AVX512:
        return &luron__gemm_avx512;
    case LURON__ISA_AVX2:
        return &luron__gemm_avx2;
#elif defined(__aarch64__)
    case LURON__ISA_NEON:
        return &luron__gemm_neon;
#endif
    default:
        return &luron__gemm_plain;
    }
}

/* Those for few rows: AVX-512 has those of AVX2, whose bits are the same. */
static const luron__gemm_kernels *few_of(int isa) {
#if defined(__x86_64__)
    if (isa == LURON__ISA_AVX512) isa = LURON__ISA_AVX2;
#endif
    return kernels_of(isa);
}

/* The grid of output tiles. It changes no bit, so that it may depend on the number of threads. */
typedef struct grid {
    int64_t rows, cols;    /* tiles */
    int64_t height, width; /* of a tile; a multiple of the widest panel */
} grid;

static grid cut(const luron__gemm_args *g, int64_t rows, int64_t cols, int64_t panel) {
    grid t = {.height = luron__ceil_div(luron__ceil_div(g->m, rows), 8) * 8,
              .width = luron__ceil_div(luron__ceil_div(g->n, panel), cols) * panel};
    t.rows = luron__ceil_div(g->m, t.height);
    t.cols = luron__ceil_div(g->n, t.width);
    return t;
}

/* Multiply-adds of the thread that has most to do: its tiles, each of which packs its part of B and of an A that is copied, and
 * a tenth of one that others are waited for. */
static double cost_of(const luron__gemm_args *g, grid t, int threads) {
    double pack = g->packed ? 0 : PACK_COST * (double)t.width;
    double turn = luron__gemm_turns_a(g) ? TURN_COST * (double)t.height : 0;
    double each = ((double)t.height * (double)t.width + pack + turn) * (double)g->k;
    return each * ((double)luron__ceil_div(t.rows * t.cols, threads) + (threads > 1 ? 0.1 : 0));
}

static grid grid_of(const luron__gemm_args *g, int threads) {
    int64_t panel = kernels_of(g->isa)->widths[g->dtype == LURON_F64][0];
    int64_t least = luron__ceil_div(g->m, LURON__GEMM_M), most = 1;
    double flops = 2.0 * (double)g->m * (double)g->n * (double)g->k;
    if (threads > 1) most = luron__least(TILES_EACH * threads, (int64_t)(flops / LEAST_FLOPS));
    grid best = cut(g, least, 1, panel);
    double best_cost = cost_of(g, best, threads);
    for (int64_t rows = least; rows <= most; rows++)
        for (int64_t cols = 1; rows * cols <= most; cols++) {
            grid t = cut(g, rows, cols, panel);
            double cost = cost_of(g, t, threads);
            if (cost < best_cost) best = t, best_cost = cost;
        }
    return best;
}

typedef struct run {
    const luron__gemm_args *g;
    luron__gemm_tile_fn *tile;
    luron__gemm_few_fn *few;
    luron__gemm_line_fn *line;
    grid grid;
    luron__buffers buffers;
} run;

/* Rows m0 .. m1 and columns n0 .. n1. */
static void multiply(const run *r, int64_t m0, int64_t m1, int64_t n0, int64_t n1, void *work) {
    const luron__gemm_args *g = r->g;
    const bool turns = (g->flags & LURON_TRANS_B) && !g->packed && (!(g->flags & LURON_TRANS_A) || g->lda == 1);
    if (g->m == 1 && !g->packed && !(g->flags & LURON_TRANS_B) && g->k * g->ldb >= LEAST_STREAM) {
        r->line(g, n0, n1);
        return;
    }
    if (turns && m1 - m0 <= LURON__GEMM_FEW) n0 = r->few(g, m0, m1, n0, n1);
    if (n0 < n1) r->tile(g, m0, m1, n0, n1, work);
}

/* Is the product one tile? */
static bool is_one(const luron__gemm_args *g, int threads) {
    return g->m <= LURON__GEMM_M &&
           (threads <= 1 || 2.0 * (double)g->m * (double)g->n * (double)g->k < 2 * LEAST_FLOPS);
}

/* A product with one column is the row that a transposed one makes: *to; false: it is none, or its b lies apart. */
static bool as_row(const luron__gemm_args *g, luron__gemm_args *to) {
    const bool near = g->flags & LURON_TRANS_B || g->ldb == 1 || g->k == 1;
    if (g->n != 1 || g->m == 1 || g->ldc != 1 || g->packed || g->bias || !near) return false;
    *to = *g;
    to->m = 1, to->n = g->m;
    to->a = g->b, to->lda = g->k;
    to->b = g->a, to->ldb = g->lda, to->ldc = g->m;
    to->flags = g->flags & LURON_TRANS_A ? 0 : LURON_TRANS_B;
    return true;
}

static int buffers_of(grid t, int threads) { return (int)luron__least(t.rows * t.cols, threads); }

/* Bytes of the memory that one tile needs. */
static int64_t tile_work(const luron__gemm_args *g) {
    return luron__gemm_tile_work(g) + (luron__gemm_turns_a(g) ? LURON__GEMM_TURN_WORK * luron_dtype_size(g->dtype) : 0);
}

int64_t luron__gemm_work(const luron__gemm_args *g, int threads) {
    luron__gemm_args row;
    if (g->m == 0 || g->n == 0 || luron__gemm_is_small(g)) return 0;
    if (as_row(g, &row)) g = &row;
    if (is_one(g, threads)) return ALIGN + tile_work(g);
    return ALIGN + luron__buffers_bytes(tile_work(g), buffers_of(grid_of(g, threads), threads));
}

int64_t luron__gemm_most_work(int threads) {
    return ALIGN + luron__buffers_bytes(LURON__GEMM_TILE_WORK + LURON__GEMM_TURN_WORK * (int64_t)sizeof(double), threads);
}

static void tiles(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    run *r = arg;
    const luron__gemm_args *g = r->g;
    int which;
    void *buffer = luron__buffers_take(&r->buffers, &which);
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        /* tiles of one set of columns follow each other: they share its part of B */
        int64_t m0 = i % r->grid.rows * r->grid.height, n0 = i / r->grid.rows * r->grid.width;
        multiply(r, m0, luron__least(m0 + r->grid.height, g->m), n0, luron__least(n0 + r->grid.width, g->n), buffer);
    }
    luron__buffers_give(&r->buffers, which);
}

void luron__gemm(const luron__gemm_args *g, int threads, void *work) {
    luron__gemm_args row;
    if (g->m == 0 || g->n == 0) return;
    if (luron__gemm_small(g)) return;
    if (as_row(g, &row)) g = &row;
    const bool wide = g->dtype == LURON_F64;
    run r = {.g = g, .tile = kernels_of(g->isa)->tile[wide], .few = few_of(g->isa)->few[wide], .line = few_of(g->isa)->line[wide]};
    char *at = (char *)work + (ALIGN - (uintptr_t)work % ALIGN) % ALIGN;
    threads = luron__threads_for(threads, SECONDS * (double)g->m * (double)g->n * (double)g->k);
    if (is_one(g, threads)) {
        multiply(&r, 0, g->m, 0, g->n, at);
        return;
    }
    r.grid = grid_of(g, threads);
    r.buffers = luron__buffers_at(at, tile_work(g), buffers_of(r.grid, threads));
    luron__parallel_for(threads, r.grid.rows * r.grid.cols, 1, tiles, &r);
}

int64_t luron__gemm_packed_bytes(const luron__gemm_args *g) {
    const int *widths = kernels_of(g->isa)->widths[g->dtype == LURON_F64];
    int64_t n = g->n / widths[0] * widths[0];
    while (n < g->n)
        n += widths[luron__gemm_width(widths, g->n - n)];
    return n * g->k * luron_dtype_size(g->dtype);
}

void luron__gemm_pack(const luron__gemm_args *g, void *to) {
    if (g->n > 0 && g->k > 0) kernels_of(g->isa)->pack[g->dtype == LURON_F64](g, to);
}

static const char *const isa_names[] = {"plain", "avx2", "avx512", "neon"};

#if defined(__x86_64__)
static bool has_f16c(void) { /* clang 14 cannot be asked for it by name */
    unsigned a, b, c = 0, d;
    return __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
}
#endif
static bool has_isa(int isa) {
    switch (isa) {
    case LURON__ISA_PLAIN:
        return true;
#if defined(__x86_64__)
    case LURON__ISA_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") && has_f16c();
    case LURON__ISA_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && has_isa(LURON__ISA_AVX2);
#elif defined(__aarch64__)
    case LURON__ISA_NEON:
        return true;
#endif
    default:
        return false;
    }
}

int luron__isa_pick(const char *wanted) {
    for (int isa = LURON__ISA_COUNT - 1; isa >= 0; isa--)
        if (has_isa(isa) && (!wanted || !*wanted || strcmp(wanted, isa_names[isa]) == 0)) return isa;
    return -1;
}

const char *luron__isa_name(int isa) { return isa_names[isa]; }

bool luron__has_avx2(void) {
    static atomic_int known; /* 1: no; 2: yes */
    int has = atomic_load_explicit(&known, memory_order_relaxed);
    if (has) return has == 2;
    const int forced = luron__isa_pick(getenv("LURON_ISA")), isa = forced < 0 ? luron__isa_pick(NULL) : forced;
    has = isa == LURON__ISA_AVX2 || isa == LURON__ISA_AVX512 ? 2 : 1;
    atomic_store_explicit(&known, has, memory_order_relaxed);
    return has == 2;
}
