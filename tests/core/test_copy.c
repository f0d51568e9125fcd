/* Copies between any two orders of the dims, against one loop over all positions. */
#include "internal.h"
#include "kernels/elementwise.h"
#include "tensor_assert.h"

#include <stdlib.h>
#include <string.h>

static uint64_t rng = 1;
static int64_t draw(int64_t n) {
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)(rng >> 33) % n;
}

/* Strides of a tensor whose dims lie in a random order; some run backwards, which `data` then begins for. */
static char *lay_out(int ndim, const int64_t *shape, int size, char *data, int64_t *strides) {
    int order[LURON_MAX_DIMS];
    int64_t step = 1;
    for (int d = 0; d < ndim; d++) order[d] = d;
    for (int d = ndim - 1; d > 0; d--) {
        int k = (int)draw(d + 1), kept = order[d];
        order[d] = order[k], order[k] = kept;
    }
    for (int d = ndim - 1; d >= 0; d--) {
        strides[order[d]] = step;
        step *= shape[order[d]];
    }
    for (int d = 0; d < ndim; d++)
        if (draw(4) == 0) {
            data += (shape[d] - 1) * strides[d] * size;
            strides[d] = -strides[d];
        }
    return data;
}

static void copy_and_check(uint32_t to_dtype, uint32_t from_dtype, int threads) {
    static const int64_t sizes[] = {1, 2, 3, 7, 8, 9, 16, 17, 31, 64, 65, 130, 200};
    luron__ew e = {.n_in = 1, .ndim = 1 + (int)draw(4)};
    int64_t numel = 1;
    for (int d = 0; d < e.ndim; d++) {
        do e.shape[d] = sizes[draw(13)];
        while (numel * e.shape[d] > 200000);
        numel *= e.shape[d];
    }
    int to_size = luron_dtype_size(to_dtype), from_size = luron_dtype_size(from_dtype);
    char *to = malloc((size_t)(numel * to_size)), *from = malloc((size_t)(numel * from_size)); /* sanitizers see their ends */
    assert_true(to && from);
    for (int64_t i = 0; i < numel; i++) luron__convert(from_dtype, from + i * from_size, 1, LURON_I64, &(int64_t){i % 251}, 1, 1);
    memset(to, 0xff, (size_t)(numel * to_size));
    e.out = (luron__ew_operand){.dtype = to_dtype, .run = to_dtype};
    e.in[0] = (luron__ew_operand){.dtype = from_dtype, .run = to_dtype};
    e.out.data = lay_out(e.ndim, e.shape, to_size, to, e.out.strides);
    e.in[0].data = lay_out(e.ndim, e.shape, from_size, from, e.in[0].strides);
    if (draw(5) == 0) e.in[0].strides[draw(e.ndim)] = 0; /* broadcast */
    luron__elementwise(&e, threads);
    for (int64_t i = 0; i < numel; i++) {
        int64_t rest = i, at = 0, was = 0, got, want;
        for (int d = e.ndim - 1; d >= 0; d--) {
            at += rest % e.shape[d] * e.out.strides[d];
            was += rest % e.shape[d] * e.in[0].strides[d];
            rest /= e.shape[d];
        }
        luron__convert(LURON_I64, &got, 1, to_dtype, e.out.data + at * to_size, 1, 1);
        luron__convert(LURON_I64, &want, 1, from_dtype, e.in[0].data + was * from_size, 1, 1);
        if (to_dtype == LURON_B8) want = want != 0;
        if (got != want)
            fail_msg("%s to %s, %d dims, %d threads: element %lld is %lld, not %lld", luron_dtype_name(from_dtype), luron_dtype_name(to_dtype),
                     e.ndim, threads, (long long)i, (long long)got, (long long)want);
    }
    free(to);
    free(from);
}

static void test_copy_between_any_orders(void **state) {
    static const uint32_t dtypes[] = {LURON_F32, LURON_F64, LURON_F16, LURON_BF16, LURON_I64, LURON_I32, LURON_U8, LURON_B8};
    static const int threads[] = {1, 2, 3, 8};
    (void)state;
    luron__parallel_always(true);
    for (int round = 0; round < 40; round++)
        for (int d = 0; d < 8; d++) {
            copy_and_check(dtypes[d], dtypes[d], threads[round % 4]);
            if (round % 8 == 0) copy_and_check(dtypes[d], dtypes[draw(8)], threads[round % 4]);
        }
    luron__parallel_always(false);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_copy_between_any_orders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
