/* The matrix product kernel: bit for bit against a scalar loop that states the rule of its sums. */
#include "internal.h"
#include "tensor_assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PADDING = 3, CANARY = 0x5a };

/* ---- a small generator, so that failures repeat ------------------------------------------------------------------ */
static uint32_t next(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}
static int64_t among(uint32_t *seed, const int64_t *of, int n) { return of[next(seed) % (uint32_t)n]; }
static double number(uint32_t *seed) { return (double)next(seed) / 8388608.0 - 1; }

/* ---- the rule ---------------------------------------------------------------------------------------------------- */
/* y = ((s_0 + s_1) + s_2) ... + beta c + bias; s_b is one chain of multiply-adds from 0 over ascending k of block b;
 * the blocks are ceil(K / 512) equal parts of K, the longer ones first. */
#define RULE(T, fused)                                                                                                 \
    static T rule_##T(int is_fused, int64_t k, const T *a, int64_t a_step, const T *b, int64_t b_step, T beta, T c,    \
                      const T *bias) {                                                                                 \
        int64_t blocks = k > 0 ? (k + 511) / 512 : 1, at = 0;                                                          \
        T y = 0;                                                                                                       \
        for (int64_t i = 0; i < blocks; i++) {                                                                         \
            T sum = 0;                                                                                                 \
            for (int64_t end = at + k / blocks + (i < k % blocks); at < end; at++) {                                   \
                T p = a[at * a_step], q = b[at * b_step];                                                              \
                sum = is_fused ? fused(p, q, sum) : p * q + sum;                                                       \
            }                                                                                                          \
            y = i == 0 ? sum : y + sum;                                                                                \
        }                                                                                                              \
        if (beta != 0) y = y + beta * c;                                                                               \
        return bias ? y + *bias : y;                                                                                   \
    }
RULE(float, fmaf)
RULE(double, fma)

/* ---- one product ------------------------------------------------------------------------------------------------- */
typedef struct operands {
    luron__gemm_args g;
    int64_t a_numbers, b_numbers, c_numbers, size;
    char *a, *b, *c, *c_before, *bias;
} operands;

static void put(const operands *o, char *to, int64_t i, double v) {
    if (o->size == 4)
        ((float *)(void *)to)[i] = (float)v;
    else
        ((double *)(void *)to)[i] = v;
}

static void *memory(int64_t bytes) {
    void *p = malloc((size_t)bytes + 1);
    assert_non_null(p);
    return p;
}

static void make(operands *o, uint32_t *seed, uint32_t dtype, int isa, int64_t m, int64_t n, int64_t k, uint32_t flags,
                 double beta, bool bias, int64_t padding) {
    *o = (operands){.size = dtype == LURON_F64 ? 8 : 4};
    int64_t a_rows = flags & LURON_TRANS_A ? k : m, a_cols = flags & LURON_TRANS_A ? m : k,
            b_rows = flags & LURON_TRANS_B ? n : k, b_cols = flags & LURON_TRANS_B ? k : n;
    o->g = (luron__gemm_args){.dtype = dtype, .flags = flags, .m = m, .n = n, .k = k, .beta = beta, .isa = isa};
    o->g.lda = a_cols + padding, o->g.ldb = b_cols + padding, o->g.ldc = n + padding;
    o->a_numbers = a_rows * o->g.lda, o->b_numbers = b_rows * o->g.ldb, o->c_numbers = m * o->g.ldc;
    o->a = memory(o->a_numbers * o->size), o->b = memory(o->b_numbers * o->size), o->bias = memory(n * o->size);
    o->c = memory(o->c_numbers * o->size), o->c_before = memory(o->c_numbers * o->size);
    for (int64_t i = 0; i < o->a_numbers; i++)
        put(o, o->a, i, number(seed));
    for (int64_t i = 0; i < o->b_numbers; i++)
        put(o, o->b, i, number(seed));
    for (int64_t i = 0; i < n; i++)
        put(o, o->bias, i, number(seed));
    for (int64_t i = 0; i < o->c_numbers; i++)
        put(o, o->c_before, i, beta == 0 ? NAN : number(seed)); /* beta 0: not to be read */
    o->g.a = o->a, o->g.b = o->b, o->g.c = o->c, o->g.bias = bias ? o->bias : NULL;
}

static void drop(operands *o) {
    char *all[] = {o->a, o->b, o->c, o->c_before, o->bias};
    for (int i = 0; i < 5; i++)
        free(all[i]);
}

/* Run with exactly the work memory asked for, and a canary behind it. */
static void multiply(operands *o, int threads) {
    int64_t bytes = luron__gemm_work(&o->g, threads);
    char *work = memory(bytes);
    work[bytes] = CANARY;
    memcpy(o->c, o->c_before, (size_t)(o->c_numbers * o->size));
    luron__gemm(&o->g, threads, work);
    assert_int_equal(work[bytes], CANARY);
    free(work);
}

static void expect(const operands *o, int64_t i, int64_t j, void *to) {
    const luron__gemm_args *g = &o->g;
    int64_t a = g->flags & LURON_TRANS_A ? i : i * g->lda, a_step = g->flags & LURON_TRANS_A ? g->lda : 1;
    int64_t b = g->flags & LURON_TRANS_B ? j * g->ldb : j, b_step = g->flags & LURON_TRANS_B ? 1 : g->ldb,
            c = i * g->ldc + j;
    int fused = g->isa != LURON__ISA_PLAIN;
    if (o->size == 4) {
        float v =
            rule_float(fused, g->k, (const float *)g->a + a, a_step, (const float *)g->b + b, b_step, (float)g->beta,
                       ((const float *)(void *)o->c_before)[c], g->bias ? (const float *)g->bias + j : NULL);
        memcpy(to, &v, 4);
    } else {
        double v = rule_double(fused, g->k, (const double *)g->a + a, a_step, (const double *)g->b + b, b_step, g->beta,
                               ((const double *)(void *)o->c_before)[c], g->bias ? (const double *)g->bias + j : NULL);
        memcpy(to, &v, 8);
    }
}

/* All of c by the rule, and what lies between its rows untouched. */
static void check(const operands *o, int threads) {
    const luron__gemm_args *g = &o->g;
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->ldc; j++) {
            char want[8];
            int64_t at = (i * g->ldc + j) * o->size;
            if (j < g->n)
                expect(o, i, j, want);
            else
                memcpy(want, o->c_before + at, (size_t)o->size);
            if (!memcmp(o->c + at, want, (size_t)o->size)) continue;
            fail_msg("%s, %s, %lldx%lldx%lld, flags %u, beta %g, bias %d, %d threads: element (%lld, %lld) differs",
                     luron__isa_name(g->isa), o->size == 4 ? "float32" : "float64", (long long)g->m, (long long)g->n,
                     (long long)g->k, g->flags, g->beta, g->bias != NULL, threads, (long long)i, (long long)j);
        }
}

static bool has(int isa) { return luron__isa_pick(luron__isa_name(isa)) == isa; }

/* Every instruction set that this machine has. */
#define FOR_EACH_ISA(isa)                                                                                              \
    for (int isa = 0; isa < LURON__ISA_COUNT; isa++)                                                                   \
        if (has(isa))

/* One product, on each instruction set and in both dtypes, against the naive loop. */
static void check_products(uint32_t *seed, int64_t m, int64_t n, int64_t k, uint32_t flags, double beta, bool bias, int64_t padding) {
    FOR_EACH_ISA(isa)
    for (int wide = 0; wide < 2; wide++) {
        operands o;
        make(&o, seed, wide ? LURON_F64 : LURON_F32, isa, m, n, k, flags, beta, bias, padding);
        multiply(&o, 1);
        check(&o, 1);
        drop(&o);
    }
}

/* ---- cases ------------------------------------------------------------------------------------------------------- */
static void test_gemm_every_bit_follows_the_rule(void **state) {
    static const int64_t ms[] = {0, 1, 2, 3, 5, 6, 7, 12, 13, 31, 32, 33, 64, 121, 270},
                         ns[] = {0, 1, 2, 4, 7, 8, 9, 15, 16, 17, 31, 33, 48, 65, 100, 130, 259};
    static const int64_t ks[] = {0, 1, 2, 3, 8, 17, 64, 255, 511, 512, 513, 784, 1024, 1025, 1540};
    static const double betas[] = {0, 1, 0.625, -2.5};
    uint32_t seed = 1;
    int done = 0;
    (void)state;
    while (done < 500) {
        int64_t m = among(&seed, ms, 15), n = among(&seed, ns, 17), k = among(&seed, ks, 15);
        if (m * n * k > 300000) continue;
        uint32_t flags = next(&seed) % 4;
        double beta = betas[next(&seed) % 4];
        bool bias = next(&seed) % 2;
        int64_t padding = next(&seed) % 2 * PADDING;
        check_products(&seed, m, n, k, flags, beta, bias, padding);
        done++;
    }
}

static void test_gemm_same_bits_on_any_thread_count(void **state) {
    static const int64_t shapes[][3] = {{250, 200, 300}, {64, 256, 784}, {300, 70, 520}, {1, 900, 1030}, {500, 3, 700}, {71, 1040, 90}};
    static const int threads[] = {1, 2, 3, 8};
    uint32_t seed = 2;
    (void)state;
    for (int s = 0; s < 6; s++)
        FOR_EACH_ISA(isa)
    for (int kind = 0; kind < 4; kind++) {
        operands o;
        make(&o, &seed, kind % 2 ? LURON_F64 : LURON_F32, isa, shapes[s][0], shapes[s][1], shapes[s][2],
             (uint32_t)(s + kind) % 4, kind < 2 ? 0 : 0.5, kind > 0, PADDING);
        multiply(&o, 1);
        if (s < 2 && kind == 2) check(&o, 1);
        char *first = memory(o.c_numbers * o.size);
        memcpy(first, o.c, (size_t)(o.c_numbers * o.size));
        for (int t = 1; t < 4; t++) {
            multiply(&o, threads[t]);
            assert_memory_equal(o.c, first, (size_t)(o.c_numbers * o.size));
        }
        free(first);
        drop(&o);
    }
}

/* The threads test means something only if there are tiles for several threads. */
static void test_gemm_large_products_have_tiles_for_threads(void **state) {
    luron__gemm_args g = {.dtype = LURON_F32, .m = 64, .n = 256, .k = 784, .lda = 784, .ldb = 256, .ldc = 256};
    (void)state;
    assert_true(luron__gemm_work(&g, 2) > luron__gemm_work(&g, 1));
    g.m = g.n = g.k = 16;
    assert_int_equal(luron__gemm_work(&g, 8), luron__gemm_work(&g, 1));
}

static void test_gemm_near_a_naive_sum_in_double(void **state) {
    uint32_t seed = 3;
    (void)state;
    for (int round = 0; round < 60; round++)
        FOR_EACH_ISA(isa) {
            operands o;
            make(&o, &seed, LURON_F32, isa, next(&seed) % 40, next(&seed) % 40, next(&seed) % 900, next(&seed) % 4, 0,
                 false, 0);
            multiply(&o, 1);
            const luron__gemm_args *g = &o.g;
            for (int64_t i = 0; i < g->m; i++)
                for (int64_t j = 0; j < g->n; j++) {
                    double sum = 0;
                    for (int64_t k = 0; k < g->k; k++)
                        sum +=
                            (double)((const float *)g->a)[g->flags & LURON_TRANS_A ? k * g->lda + i : i * g->lda + k] *
                            ((const float *)g->b)[g->flags & LURON_TRANS_B ? j * g->ldb + k : k * g->ldb + j];
                    /* numbers below 1: the error of a chain is below its length times 2^-24 times the sum of the sizes
                     */
                    assert_true(fabs(sum - ((const float *)g->c)[i * g->ldc + j]) <=
                                1e-6 * (1 + sqrt((double)g->k) * 10));
                }
            drop(&o);
        }
}

/* One not-a-number touches its own row or column and nothing else; edges of tiles are filled up with zeros. */
static void test_gemm_nan_and_infinity_stay_where_they_belong(void **state) {
    uint32_t seed = 4;
    (void)state;
    FOR_EACH_ISA(isa)
    for (uint32_t flags = 0; flags < 4; flags++) {
        operands o;
        make(&o, &seed, LURON_F32, isa, 9, 21, 30, flags, 0, true, 0);
        put(&o, o.a, flags & LURON_TRANS_A ? 5 * o.g.lda + 4 : 4 * o.g.lda + 5, INFINITY);
        put(&o, o.b, flags & LURON_TRANS_B ? 20 * o.g.ldb + 5 : 5 * o.g.ldb + 20, NAN);
        multiply(&o, 1);
        for (int i = 0; i < 9; i++)
            for (int j = 0; j < 21; j++) {
                float v = ((const float *)o.g.c)[i * 21 + j];
                assert_int_equal(isnan(v) != 0, j == 20);
                assert_int_equal(isinf(v) != 0, i == 4 && j != 20);
            }
        drop(&o);
    }
}

/* b packed beforehand, and rows of c that are tiles of their own, change no bit. */
static void test_gemm_packed_and_row_by_row(void **state) {
    static const int64_t shapes[][3] = {{5, 130, 520}, {9, 65, 30}, {1, 300, 700}, {17, 10, 64}, {3, 8, 3}, {2, 97, 1100},
                                        {13, 1030, 40}, /* rows of b far apart: copied though few rows see them */
                                        {40, 530, 600}, /* wide enough for a transposed a to be copied, in two blocks */
                                        {34, 515, 70},
                                        {66, 1027, 530}, /* one by rows */
                                        {121, 214, 400}}; /* more of a than a cache holds: panels take turns */
    uint32_t seed = 5;
    (void)state;
    for (int s = 0; s < (int)(sizeof shapes / sizeof *shapes); s++)
        FOR_EACH_ISA(isa)
    for (uint32_t kind = 0; kind < 8; kind++) {
        operands o;
        make(&o, &seed, kind & 4 ? LURON_F64 : LURON_F32, isa, shapes[s][0], shapes[s][1], shapes[s][2], kind % 4,
             kind & 1 ? 0.5 : 0, kind & 2, PADDING);
        multiply(&o, 1);
        char *first = memory(o.c_numbers * o.size);
        memcpy(first, o.c, (size_t)(o.c_numbers * o.size));
        int64_t bytes = luron__gemm_packed_bytes(&o.g);
        char *packed = memory(bytes);
        packed[bytes] = CANARY;
        luron__gemm_pack(&o.g, packed);
        assert_int_equal(packed[bytes], CANARY);
        o.g.packed = packed, o.g.b = NULL;
        multiply(&o, 1);
        assert_memory_equal(o.c, first, (size_t)(o.c_numbers * o.size));
        luron__gemm_args whole = o.g;
        memcpy(o.c, o.c_before, (size_t)(o.c_numbers * o.size));
        void *work = memory(luron__gemm_work(&o.g, 1));
        for (int64_t i = 0; i < whole.m; i++) {
            luron__gemm_args row = whole;
            row.m = 1;
            row.a = (const char *)whole.a + (whole.flags & LURON_TRANS_A ? i : i * whole.lda) * o.size;
            row.c = (char *)whole.c + i * whole.ldc * o.size;
            luron__gemm(&row, 1, work);
        }
        assert_memory_equal(o.c, first, (size_t)(o.c_numbers * o.size));
        free(work), free(packed), free(first);
        drop(&o);
    }
}

/* Same bits on 1, 2, 4 and 8 threads. */
static void check_threads(operands *o) {
    multiply(o, 1);
    char *first = memory(o->c_numbers * o->size);
    memcpy(first, o->c, (size_t)(o->c_numbers * o->size));
    for (int threads = 2; threads <= 8; threads += threads) {
        multiply(o, threads);
        assert_memory_equal(o->c, first, (size_t)(o->c_numbers * o->size));
    }
    free(first);
}

/* So few rows that a transposed b is turned on the way: around the edges of vectors, pieces and blocks of k; rows of b a multiple
 * of 4096 bytes apart, of which two blocks are read at once. */
static void test_gemm_few_rows_by_a_transposed_b(void **state) {
    static const int64_t ms[] = {1, 1, 2, 3, 4, 7, 8, 9}, ns[] = {3, 7, 8, 9, 15, 16, 17, 33, 64, 79},
                         ks[] = {1, 3, 4, 7, 8, 12, 100, 511, 512, 513, 516, 1024, 1030, 1536, 2048, 2560};
    static const double betas[] = {0, 1, 0.625};
    uint32_t seed = 6;
    (void)state;
    for (int done = 0; done < 200;) {
        int64_t m = among(&seed, ms, 8), n = among(&seed, ns, 10), k = among(&seed, ks, 16), up = next(&seed) % 4;
        if (m * n * k > 100000) continue;
        int64_t padding = up == 0 ? PADDING : up == 1 ? 0 : (1024 - k % 1024) % 1024;
        uint32_t flags = LURON_TRANS_B | (next(&seed) % 8 ? 0 : LURON_TRANS_A);
        double beta = betas[next(&seed) % 3];
        bool bias = next(&seed) % 2;
        check_products(&seed, m, n, k, flags, beta, bias, padding);
        done++;
    }
    static const int64_t shapes[][3] = {{1, 1513, 1024}, {1, 1300, 784}, {2, 777, 1536}, {7, 301, 2048}};
    for (int s = 0; s < (int)(sizeof shapes / sizeof *shapes); s++)
        FOR_EACH_ISA(isa)
    for (int kind = 0; kind < 4; kind++) {
        operands o;
        make(&o, &seed, kind & 1 ? LURON_F64 : LURON_F32, isa, shapes[s][0], shapes[s][1], shapes[s][2], LURON_TRANS_B,
             kind & 2 ? 0.5 : 0, kind & 2, kind & 2 ? PADDING : 0);
        check_threads(&o);
        drop(&o);
    }
}

/* One row by a b in order that is read row by row, around the edges of vectors, pages and blocks of k, and one column, which is a row
 * of the transposed product. */
static void test_gemm_one_row_or_column(void **state) {
    static const int64_t shapes[][3] = {{1, 1030, 70}, {1, 2053, 33}, {1, 515, 520},  {1, 129, 1030}, {1, 9, 7300}, {1, 4096, 16},
                                        {1030, 1, 70}, {300, 1, 300}, {79, 1, 1030}, {64, 1, 513},   {17, 1, 8},   {2053, 1, 1}};
    uint32_t seed = 7;
    (void)state;
    for (int s = 0; s < (int)(sizeof shapes / sizeof *shapes); s++)
        for (uint32_t kind = 0; kind < 32; kind++)
            check_products(&seed, shapes[s][0], shapes[s][1], shapes[s][2], kind % 4, kind & 4 ? 0.625 : 0, kind & 8, kind & 16 ? PADDING : 0);
    static const int64_t wide[][3] = {{1, 2100, 600}, {1100, 1, 530}};
    for (int s = 0; s < 2; s++)
        FOR_EACH_ISA(isa)
    for (uint32_t flags = 0; flags < 4; flags++) {
        operands o;
        make(&o, &seed, flags & 1 ? LURON_F64 : LURON_F32, isa, wide[s][0], wide[s][1], wide[s][2], flags, 0, false, 0);
        check_threads(&o);
        drop(&o);
    }
}

static void test_gemm_isa_pick(void **state) {
    (void)state;
    int best = luron__isa_pick(NULL);
    assert_true(best >= 0 && has(best) && has(LURON__ISA_PLAIN));
    assert_int_equal(luron__isa_pick("plain"), LURON__ISA_PLAIN);
    assert_int_equal(luron__isa_pick("AVX2"), -1);
    assert_int_equal(luron__isa_pick("avx"), -1);
    assert_int_equal(luron__isa_pick(""), best);
    if (has(LURON__ISA_AVX512)) assert_true(has(LURON__ISA_AVX2) && best == LURON__ISA_AVX512);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm_every_bit_follows_the_rule),
        cmocka_unit_test(test_gemm_same_bits_on_any_thread_count),
        cmocka_unit_test(test_gemm_large_products_have_tiles_for_threads),
        cmocka_unit_test(test_gemm_near_a_naive_sum_in_double),
        cmocka_unit_test(test_gemm_nan_and_infinity_stay_where_they_belong),
        cmocka_unit_test(test_gemm_packed_and_row_by_row),
        cmocka_unit_test(test_gemm_few_rows_by_a_transposed_b),
        cmocka_unit_test(test_gemm_one_row_or_column),
        cmocka_unit_test(test_gemm_isa_pick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
