/* The pool: alignment, counting, failing on demand, release from other threads and after the context. */
#include "internal.h"
#include "tensor_assert.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static void test_alloc_alignment_and_counts(void **state) {
    luron_ctx *ctx = *state;
    int64_t bytes = luron_ctx_live_bytes(ctx), blocks = luron_ctx_live_blocks(ctx), sum = 0;
    void *held[64];
    size_t sizes[64];
    for (int i = 0; i < 64; i++) {
        sizes[i] = i < 32 ? (size_t)i * 37 : (size_t)1 << (i % 22);
        held[i] = luron__pool_alloc(ctx->pool, sizes[i]);
        assert_non_null(held[i]);
        assert_int_equal((uintptr_t)held[i] % 64, 0);
        memset(held[i], 1, sizes[i]); /* sanitizers see a block that is too small */
        sum += (int64_t)sizes[i];
    }
    assert_int_equal(luron_ctx_live_bytes(ctx), bytes + sum);
    assert_int_equal(luron_ctx_live_blocks(ctx), blocks + 64);
    for (int i = 0; i < 64; i++) luron__pool_free(ctx->pool, held[i], sizes[i]);
    assert_int_equal(luron_ctx_live_bytes(ctx), bytes);
    assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    luron_ctx_trim(ctx);
}

static void test_alloc_size_classes_hold_their_sizes(void **state) {
    luron_ctx *ctx = *state;
    for (size_t n = 1; n < 1 << 20; n += n / 7 + 1) {
        for (size_t m = n - 1; m <= n + 1; m++) {
            char *p = luron__pool_alloc(ctx->pool, m);
            if (m) p[0] = p[m - 1] = 1;
            luron__pool_free(ctx->pool, p, m);
        }
    }
}

static void test_alloc_fails_on_demand(void **state) {
    luron_ctx *ctx = *state;
    const int64_t shape[] = {4};
    luron_tensor *t = NULL;
    for (int k = 1; k <= 3; k++) { /* header, storage, data */
        luron_ctx_fail_alloc(ctx, k, 0);
        int64_t blocks = luron_ctx_live_blocks(ctx);
        assert_fails(ctx, luron_tensor_new(&t, ctx, LURON_F32, 1, shape), LURON_E_NOMEM, "not enough memory");
        assert_null(t);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    }
    luron_ctx_fail_alloc(ctx, 1, 1);
    for (int i = 0; i < 5; i++) assert_int_equal(luron_tensor_new(&t, ctx, LURON_F32, 1, shape), LURON_E_NOMEM);
    luron_ctx_fail_alloc(ctx, 0, 0);
    assert_ok(ctx, luron_tensor_new(&t, ctx, LURON_F32, 1, shape));
    luron_tensor_unref(t);
}

static void test_alloc_absurd_sizes_are_refused(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *t = NULL;
    assert_null(luron__pool_alloc(ctx->pool, SIZE_MAX));
    assert_null(luron__pool_alloc(ctx->pool, SIZE_MAX - 128));
    assert_fails(ctx, luron_tensor_new(&t, ctx, LURON_F32, 3, (const int64_t[]){1LL << 40, 1LL << 40, 0}), LURON_E_SHAPE, "too large");
    assert_fails(ctx, luron_tensor_new(&t, ctx, LURON_F32, 1, (const int64_t[]){-1}), LURON_E_SHAPE, "negative");
    assert_fails(ctx, luron_tensor_new(&t, ctx, LURON_F32, 9, (const int64_t[]){1, 1, 1, 1, 1, 1, 1, 1, 1}), LURON_E_SHAPE, "at most 8");
    assert_fails(ctx, luron_tensor_new(&t, ctx, 0x777, 0, NULL), LURON_E_DTYPE, "no dtype");
}

static void *release(void *tensors) {
    for (int i = 0; i < 1000; i++) luron_tensor_unref(((luron_tensor **)tensors)[i]);
    return NULL;
}

static void test_alloc_tensors_are_freed_from_other_threads(void **state) {
    luron_ctx *ctx = *state;
    static luron_tensor *made[4][1000];
    pthread_t threads[4];
    int64_t blocks = luron_ctx_live_blocks(ctx);
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < 1000; i++) assert_ok(ctx, luron_tensor_new(&made[k][i], ctx, LURON_F32, 1, (const int64_t[]){i}));
    for (int k = 0; k < 4; k++) assert_int_equal(pthread_create(&threads[k], NULL, release, made[k]), 0);
    for (int k = 0; k < 4; k++) pthread_join(threads[k], NULL);
    assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
}

static void test_alloc_tensors_outlive_their_context(void **state) {
    (void)state;
    luron_ctx *ctx;
    luron_tensor *t;
    assert_int_equal(luron_ctx_new(&ctx, NULL, NULL), LURON_OK);
    assert_ok(ctx, luron_tensor_full(&t, ctx, LURON_F64, 1, (const int64_t[]){3}, 7));
    luron_ctx_free(ctx);
    assert_true(((double *)luron_tensor_data(t))[2] == 7);
    luron_tensor_unref(t);
}

static void test_alloc_limit(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *t = NULL, *held;
    char text[200];
    int64_t with_header;
    assert_int_equal(luron_ctx_memory_limit(ctx), 0);
    assert_fails(ctx, luron_ctx_set_memory_limit(ctx, -1), LURON_E_ARGUMENT, "or 0 for none, expected, got -1");
    with_header = luron_ctx_live_bytes(ctx);
    assert_ok(ctx, luron_tensor_new(&held, ctx, LURON_F32, LURON_SHAPE(1000)));
    const int64_t before = luron_ctx_live_bytes(ctx), blocks = luron_ctx_live_blocks(ctx);
    with_header = before - with_header - 4000 + before; /* of one tensor more */
    assert_ok(ctx, luron_ctx_set_memory_limit(ctx, before + 8000));
    assert_int_equal(luron_ctx_memory_limit(ctx), before + 8000);
    assert_int_equal(luron_tensor_new(&t, ctx, LURON_F32, LURON_SHAPE(2000)), LURON_E_NOMEM);
    snprintf(text, sizeof text, "not enough memory: 8000 bytes wanted, %lld are held, the limit is %lld",
             (long long)with_header, (long long)before + 8000);
    assert_string_equal(luron_ctx_error(ctx), text);
    assert_fails(ctx, luron_tensor_new(&t, ctx, LURON_F32, LURON_SHAPE((int64_t)1 << 50)), LURON_E_NOMEM, "the limit is");
    assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    assert_ok(ctx, luron_tensor_new(&t, ctx, LURON_F32, LURON_SHAPE(1500)));
    luron_tensor_unref(t);
    assert_ok(ctx, luron_ctx_set_memory_limit(ctx, 1)); /* what is held stays, and may go */
    assert_fails(ctx, luron_tensor_new(&t, ctx, LURON_F32, LURON_SHAPE(1)), LURON_E_NOMEM, "the limit is 1");
    luron_tensor_unref(held);
    assert_ok(ctx, luron_ctx_set_memory_limit(ctx, 0));
    assert_ok(ctx, luron_tensor_new(&t, ctx, LURON_F32, LURON_SHAPE(2000)));
    luron_tensor_unref(t);
}

/* Places that small parameters get, given back and taken again in any order: each keeps its bytes as long as it is held, and what
 * fills it up is zero. In every build, also where parameters have memory of their own. */
typedef struct place {
    luron__block *in; /* NULL: none */
    size_t at, bytes;
} place;
static unsigned char *data_of(const place *p) { return (unsigned char *)p->in->data + p->at; }

static void test_alloc_places_of_shelves(void **state) {
    luron_ctx *ctx = *state;
    static place places[400];
    const int64_t bytes = luron_ctx_live_bytes(ctx);
    for (uint32_t round = 0, seed = 1; round < 20000 + 400; round++) {
        seed = seed * 1664525u + 1013904223u;
        const bool ends = round >= 20000; /* all go */
        const size_t i = ends ? round - 20000 : (seed >> 8) % 400;
        place *p = &places[i];
        if (p->in) {
            for (size_t k = 0; k < luron__aligned(p->bytes); k++) assert_int_equal(data_of(p)[k], k < p->bytes ? 1 + i % 250 : 0);
            luron__block_leave(p->in, data_of(p), p->bytes);
            p->in = NULL;
        } else if (!ends) {
            p->bytes = 1 + (seed >> 16) % (round % 2 ? 200 : 8192);
            p->in = luron__shelf(&p->at, ctx->pool, p->bytes);
            assert_non_null(p->in);
            assert_true(p->at % LURON__PLACE == 0 && p->at + luron__aligned(p->bytes) <= LURON__SHELF);
            memset(data_of(p), 1 + (int)(i % 250), p->bytes);
        }
    }
    assert_int_equal(luron_ctx_live_bytes(ctx), bytes);
}

/* Of a full shelf half is given back: as much again needs no memory, and lies one behind the other. */
static void test_alloc_places_are_taken_again(void **state) {
    luron_ctx *ctx = *state;
    place places[LURON__PLACES + 1], again[LURON__PLACES / 2];
    const int64_t bytes = luron_ctx_live_bytes(ctx);
    for (int i = 0; i <= LURON__PLACES; i++) {
        places[i].in = luron__shelf(&places[i].at, ctx->pool, 1);
        assert_true(places[i].in && (places[i].in == places[0].in) == (i < LURON__PLACES));
    }
    luron__block_leave(places[LURON__PLACES].in, data_of(&places[LURON__PLACES]), 1); /* the second shelf goes */
    for (int i = 0; i < LURON__PLACES / 2; i++) luron__block_leave(places[i].in, data_of(&places[i]), 1);
    const int64_t held = luron_ctx_live_bytes(ctx);
    for (int i = 0; i < LURON__PLACES / 2; i++) {
        again[i].in = luron__shelf(&again[i].at, ctx->pool, 1);
        assert_ptr_equal(again[i].in, places[0].in);
        assert_int_equal(again[i].at, i * LURON__PLACE);
    }
    assert_int_equal(luron_ctx_live_bytes(ctx), held);
    for (int i = 0; i < LURON__PLACES; i++) {
        const place *p = i < LURON__PLACES / 2 ? &again[i] : &places[i];
        luron__block_leave(p->in, data_of(p), 1);
    }
    assert_int_equal(luron_ctx_live_bytes(ctx), bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_alloc_alignment_and_counts),     test_case(test_alloc_size_classes_hold_their_sizes),
        test_case(test_alloc_limit),                    test_case(test_alloc_places_of_shelves),
        test_case(test_alloc_places_are_taken_again),
        test_case(test_alloc_fails_on_demand),          test_case(test_alloc_absurd_sizes_are_refused),
        test_case(test_alloc_tensors_are_freed_from_other_threads), test_case(test_alloc_tensors_outlive_their_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
