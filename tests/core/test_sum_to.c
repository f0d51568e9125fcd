#include "internal.h"
#include "tensor_assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct sum_case {
    int ndim;
    int64_t shape[5], kept[5];
} sum_case;
static const sum_case cases[] = {
    {2, {7, 5}, {1, 5}},
    {2, {7, 5}, {7, 1}},
    {2, {1500, 70}, {1, 70}},
    {2, {3, 1500}, {3, 1}},
    {4, {3, 4, 5, 6}, {1, 4, 1, 1}},
    {4, {3, 4, 5, 6}, {3, 1, 5, 1}},
    {5, {2, 3, 4, 3, 2}, {1, 3, 1, 3, 1}},
    {3, {2, 1, 3}, {1, 1, 3}},
    {3, {2, 3, 4}, {2, 3, 4}},
    {3, {2, 3, 4}, {1, 1, 1}},
    {1, {1}, {1}},
    {0, {0}, {0}},
    {2, {0, 5}, {1, 5}},
    {2, {5, 0}, {1, 0}},
    {2, {5, 0}, {5, 1}},
    {3, {700, 30, 40}, {1, 30, 1}},
};

static double value(int64_t i) { return (double)((i * 7919 + 13) % 2003) / 1001.5 - 1; }

/* Sums in plain order in doubles. */
static void naive(const sum_case *c, double beta, double *dst) {
    int64_t n = 1, m = 1;
    for (int d = 0; d < c->ndim; d++) n *= c->shape[d], m *= c->kept[d];
    for (int64_t i = 0; i < m; i++) dst[i] = beta == 0 ? 0 : beta * dst[i];
    for (int64_t i = 0; i < n; i++) {
        int64_t rest = i, to = 0, stride = 1;
        for (int d = c->ndim - 1; d >= 0; d--) {
            int64_t at = rest % c->shape[d];
            rest /= c->shape[d];
            if (c->kept[d] != 1) to += at * stride;
            stride *= c->kept[d];
        }
        dst[to] += value(i);
    }
}

static void check(const sum_case *c, double beta, uint32_t dtype) {
    int64_t n = 1, m = 1;
    for (int d = 0; d < c->ndim; d++) n *= c->shape[d], m *= c->kept[d];
    size_t size = dtype == LURON_F64 ? 8 : 4, room = (size_t)(m ? m : 1);
    void *src = malloc((size_t)(n ? n : 1) * size), *first = malloc(room * size), *dst = malloc(room * size);
    double *wanted = malloc(room * sizeof *wanted);
    assert_true(src && first && dst && wanted);
    for (int64_t i = 0; i < n; i++) {
        if (size == 8)
            ((double *)src)[i] = value(i);
        else
            ((float *)src)[i] = (float)value(i);
    }
    for (int64_t i = 0; i < m; i++) wanted[i] = 0.5;
    naive(c, beta, wanted);
    for (int threads = 1; threads <= 8; threads++) {
        for (int64_t i = 0; i < m; i++) { /* with beta 0 what is there is not read */
            if (size == 8)
                ((double *)dst)[i] = beta == 0 ? NAN : 0.5;
            else
                ((float *)dst)[i] = beta == 0 ? NAN : 0.5f;
        }
        luron__sum_to(dtype, c->ndim, c->shape, src, c->kept, dst, beta, threads);
        if (threads == 1) memcpy(first, dst, (size_t)m * size);
        assert_memory_equal(first, dst, (size_t)m * size);
    }
    for (int64_t i = 0; i < m; i++) {
        double is = size == 8 ? ((double *)dst)[i] : (double)((float *)dst)[i];
        /* float32: blocks of 512 numbers below 1, a few dozen blocks */
        if (!(fabs(is - wanted[i]) <= (size == 8 ? 1e-11 : 2e-3) * (1 + fabs(wanted[i]))))
            fail_msg("case %d, element %lld: %g, expected %g", (int)(c - cases), (long long)i, is, wanted[i]);
    }
    free(src), free(first), free(dst), free(wanted);
}

/* A column's sum does not depend on how many stand beside it, whichever loop that chooses. */
static void test_sum_to_of_any_columns(void **state) {
    enum { ROWS = 1100, MOST = 40 };
    static float src[ROWS * MOST], part[ROWS * MOST];
    float all[MOST], some[MOST];
    (void)state;
    for (int64_t i = 0; i < ROWS * MOST; i++) src[i] = (float)value(i);
    for (int times = 0; times < 2; times++)
        for (int64_t n = 2; n <= MOST; n++) {
            for (int64_t r = 0; r < ROWS; r++) memcpy(part + r * n, src + r * MOST, (size_t)n * sizeof *part);
            for (int64_t i = 0; i < MOST; i++) all[i] = some[i] = (float)value(-i);
            luron__sum_to(LURON_F32, 2, (int64_t[]){ROWS, MOST}, src, (int64_t[]){1, MOST}, all, times * 0.5, 1);
            luron__sum_to(LURON_F32, 2, (int64_t[]){ROWS, n}, part, (int64_t[]){1, n}, some, times * 0.5, 1);
            assert_memory_equal(all, some, (size_t)n * sizeof *all);
        }
}

static void test_sum_to_of_shapes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check(&cases[i], 0, LURON_F64);
        check(&cases[i], 1, LURON_F64);
        check(&cases[i], -2, LURON_F64);
        check(&cases[i], 0, LURON_F32);
        check(&cases[i], 1, LURON_F32);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sum_to_of_shapes), cmocka_unit_test(test_sum_to_of_any_columns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
