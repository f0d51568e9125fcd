/* Tensors of 64 KiB and more: they go from their place into the file, and are used in the image of the file. */
#include "io.h"
#include "training.h"

enum { LARGE = 65536, N_SIZES = 7 };
/* Elements of float32: one less than large, large, one more, and sizes that leave a gap before what follows. */
static const int64_t sizes[N_SIZES] = {16383, 16384, 16385, 50001, 3, 200000, 16384};

static luron_tensor *numbers(luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape, uint64_t seed) {
    luron_tensor *t;
    assert_ok(ctx, luron_tensor_new(&t, ctx, dtype, ndim, shape));
    uint8_t *p = luron_tensor_data(t);
    for (int64_t i = 0; i < luron_tensor_numel(t) * luron_dtype_size(dtype); i++) {
        const uint8_t byte = (uint8_t)test_random(&seed);
        p[i] = dtype == LURON_B8 ? byte & 1 : (i & 3) == 3 ? byte & 0x3f : byte; /* float32: finite */
    }
    return t;
}

static void save(luron_ctx *ctx, luron_checkpoint *c, const char *path) {
    assert_ok(ctx, luron_checkpoint_save(c, ctx, path, NULL, 0));
}

static void assert_same(const luron_tensor *a, const luron_tensor *b) {
    assert_non_null(a);
    assert_true(a->dtype == b->dtype && luron__same_shape(a, b) && luron_tensor_is_contiguous(b));
    assert_memory_equal(luron__data(a), luron__data(b), (size_t)(luron_tensor_numel(b) * luron_dtype_size(b->dtype)));
}

/* Where in `file` the bytes of t begin; -1: nowhere. */
static int64_t place_of(const bytes *file, const luron_tensor *t) {
    const size_t n = (size_t)(luron_tensor_numel(t) * luron_dtype_size(t->dtype));
    for (size_t at = 0; at + n <= file->n; at++)
        if (memcmp(file->data + at, luron__data(t), n) == 0) return (int64_t)at;
    return -1;
}

/* The same bytes whatever was in the memory before, each large tensor at a multiple of 64, and all values back. */
static void test_large_round_trip(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *t[N_SIZES];
    luron_checkpoint *c;
    char path[80];
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    for (int i = 0; i < N_SIZES; i++) {
        t[i] = numbers(ctx, LURON_F32, 1, &sizes[i], (uint64_t)i);
        snprintf(path, sizeof path, "parameters/layer%d/weight", i);
        assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, path, t[i]));
    }
    save(ctx, c, in_folder("first.h5"));
    luron_tensor *soil = numbers(ctx, LURON_U8, 1, (const int64_t[]){1 << 20}, 99);
    luron_tensor_unref(soil);
    save(ctx, c, in_folder("second.h5"));
    luron_checkpoint_free(c);
    bytes a = read_bytes(in_folder("first.h5")), b = read_bytes(in_folder("second.h5"));
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.data, b.data, a.n);
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("first.h5"), 1));
    for (int i = 0; i < N_SIZES; i++) {
        const int64_t at = place_of(&a, t[i]);
        assert_true(at > 0 && (sizes[i] * 4 < LARGE || at % 64 == 0));
        snprintf(path, sizeof path, "parameters/layer%d/weight", i);
        assert_same(luron_checkpoint_tensor(c, path), t[i]);
        luron_tensor_unref(t[i]);
    }
    luron_checkpoint_free(c);
    free(a.data);
    free(b.data);
}

/* What describes comes behind large data too, where there is more of it than was guessed. */
static void test_large_among_many_small(void **state) {
    luron_ctx *ctx = *state;
    enum { N = 300 };
    luron_tensor *large = numbers(ctx, LURON_F32, 2, (const int64_t[]){150, 151}, 1), *small[N];
    luron_checkpoint *c;
    char path[80];
    char *text = malloc(200001);
    memset(text, 'y', 200000), text[200000] = 0;
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    for (int i = 0; i < N; i++) {
        small[i] = numbers(ctx, LURON_F32, 1, (const int64_t[]){i}, (uint64_t)i);
        snprintf(path, sizeof path, "training/a%d/b/c/d/e/f/g/h/weight", i);
        assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, path, small[i]));
        if (i % 100) continue;
        snprintf(path, sizeof path, "training/large%d", i);
        assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, path, large));
    }
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "training/zz", text));
    save(ctx, c, in_folder("many.h5"));
    luron_checkpoint_free(c);
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("many.h5"), 1));
    for (int i = 0; i < N; i++) {
        snprintf(path, sizeof path, "training/a%d/b/c/d/e/f/g/h/weight", i);
        assert_same(luron_checkpoint_tensor(c, path), small[i]);
        luron_tensor_unref(small[i]);
    }
    assert_same(luron_checkpoint_tensor(c, "training/large200"), large);
    assert_string_equal(luron_checkpoint_text(c, "training/zz"), text);
    luron_checkpoint_free(c);
    luron_tensor_unref(large);
    free(text);
}

/* Turned ones are written in order; what is kept lives on without the checkpoint, apart from its neighbours. */
static void test_large_views_and_lives(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *t = numbers(ctx, LURON_F32, 2, (const int64_t[]){300, 200}, 3), *turned, *dense,
                 *flags = numbers(ctx, LURON_B8, 1, (const int64_t[]){70000}, 4);
    luron_checkpoint *c;
    assert_ok(ctx, luron_transpose(&turned, ctx, t, 0, 1));
    assert_ok(ctx, luron_contiguous(&dense, ctx, turned));
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, "training/turned", turned));
    assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, "training/flags", flags));
    save(ctx, c, in_folder("turned.h5"));
    luron_checkpoint_free(c);
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("turned.h5"), 1));
    luron_tensor *kept = luron_tensor_ref(luron_checkpoint_tensor(c, "training/turned")),
                 *kept_flags = luron_tensor_ref(luron_checkpoint_tensor(c, "training/flags"));
    assert_int_equal(luron_tensor_is_shared(kept, kept_flags), 0);
    assert_true(kept->storage->in && kept->storage->in == kept_flags->storage->in);
    luron_checkpoint_free(c);
    assert_same(kept, dense);
    assert_ok(ctx, luron_tensor_fill(ctx, kept, 1));
    assert_same(kept_flags, flags);
    luron_tensor *all[] = {t, turned, dense, flags, kept, kept_flags};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        luron_tensor_unref(all[i]);
}

/* A model copies: what it learns does not reach the checkpoint, nor a second model of it. */
static void test_large_models_are_apart(void **state) {
    luron_ctx *ctx = *state;
    const luron_arg args[] = {{.name = "in_features", .kind = LURON_ARG_INTEGER, .integer = 200},
                              {.name = "out_features", .kind = LURON_ARG_INTEGER, .integer = 200}};
    luron_model *model, *back[2];
    luron_layer *layer;
    luron_checkpoint *c;
    luron_value x, y;
    assert_ok(ctx, luron_model_new(&model, ctx));
    assert_ok(ctx, luron_layer_new(&layer, ctx, "Linear", 2, args));
    assert_ok(ctx, luron_model_input(&x, ctx, model, "input"));
    assert_ok(ctx, luron_model_add(&y, ctx, model, "linear1", layer, 1, &x));
    assert_ok(ctx, luron_model_set_outputs(ctx, model, 1, &y));
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_checkpoint_set_model(c, ctx, model));
    save(ctx, c, in_folder("model.h5"));
    luron_checkpoint_free(c);
    uint64_t seed, before, after;
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("model.h5"), 1));
    luron_ctx_random_state(ctx, &seed, &before);
    for (int i = 0; i < 2; i++) {
        assert_ok(ctx, luron_checkpoint_model(&back[i], ctx, c));
        luron_tensor *w = luron_model_param(back[i], 0, NULL, 0);
        assert_same(w, luron_layer_param(layer, 0));
        assert_true(!w->storage->in && w->requires_grad);
        int was = luron_ctx_set_recording(ctx, 0);
        assert_ok(ctx, luron_tensor_fill(ctx, w, 7));
        luron_ctx_set_recording(ctx, was);
    }
    luron_ctx_random_state(ctx, &seed, &after);
    assert_int_equal(after - before, 4); /* two models of two parameters each, as if made anew */
    assert_same(luron_checkpoint_tensor(c, "parameters/linear1/weight"), luron_layer_param(layer, 0));
    for (int i = 0; i < 2; i++)
        luron_model_unref(back[i]);
    luron_checkpoint_free(c);
    luron_layer_unref(layer);
    luron_model_unref(model);
}

/* A bool that is neither, in a file whose checksum fits: seen in the image too. */
static void test_large_bools_are_checked(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *flags = numbers(ctx, LURON_B8, 1, (const int64_t[]){70000}, 5);
    luron_checkpoint *c;
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, "training/flags", flags));
    save(ctx, c, in_folder("flags.h5"));
    luron_checkpoint_free(c);
    bytes b = read_bytes(in_folder("flags.h5"));
    const int64_t at = place_of(&b, flags);
    assert_true(at > 0);
    b.data[at + 69999] = 2;
    luron__xxh64 sum;
    luron__xxh64_init(&sum);
    luron__xxh64_add(&sum, b.data, b.n - LURON__TRAILER);
    luron__trailer_make(b.data + b.n - LURON__TRAILER, b.n - LURON__TRAILER, luron__xxh64_value(&sum));
    write_bytes(in_folder("flags.h5"), b.data, b.n);
    assert_fails(ctx, luron_checkpoint_load(&c, ctx, in_folder("flags.h5"), 1), LURON_E_FORMAT,
                 "tensor 'flags' is bool, but element 69999 is 2");
    luron_tensor_unref(flags);
    free(b.data);
}

/* A file that was made so that two of its tensors lie in one place gives two tensors that are apart. */
static void test_large_overlaps_are_apart(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *t[2];
    luron_checkpoint *c;
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    for (int i = 0; i < 2; i++) {
        t[i] = numbers(ctx, LURON_F32, 1, (const int64_t[]){20000}, (uint64_t)(7 + i));
        assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, i ? "training/b" : "training/a", t[i]));
    }
    save(ctx, c, in_folder("overlap.h5"));
    luron_checkpoint_free(c);
    bytes b = read_bytes(in_folder("overlap.h5"));
    const uint64_t first = (uint64_t)place_of(&b, t[0]), second = (uint64_t)place_of(&b, t[1]);
    size_t at = 0;
    while (at + 8 < first && memcmp(b.data + at, &second, 8) != 0) at++;
    assert_true(at + 8 < first);
    memcpy(b.data + at, &first, 8); /* where the second one is said to be */
    write_bytes(in_folder("overlap.h5"), b.data, b.n);
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("overlap.h5"), 0));
    luron_tensor *x = luron_checkpoint_tensor(c, "training/a"), *y = luron_checkpoint_tensor(c, "training/b");
    assert_same(x, t[0]);
    assert_same(y, t[0]);
    assert_ok(ctx, luron_tensor_fill(ctx, x, 7));
    assert_same(y, t[0]);
    luron_checkpoint_free(c);
    luron_tensor_unref(t[0]), luron_tensor_unref(t[1]);
    free(b.data);
}

/* Saving and loading with every allocation failing once: nothing is lost, nothing half. */
static void test_large_every_allocation_may_fail(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *t = numbers(ctx, LURON_F32, 1, (const int64_t[]){40000}, 6);
    luron_checkpoint *c, *back;
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, "training/t", t));
    save(ctx, c, in_folder("swept.h5"));
    const int64_t live = luron_ctx_live_bytes(ctx);
    luron_status status = LURON_E_NOMEM;
    for (int64_t k = 1; status == LURON_E_NOMEM; k++) {
        luron_ctx_fail_alloc(ctx, k, 0);
        status = luron_checkpoint_save(c, ctx, in_folder("swept.h5"), NULL, 0);
        if (!status) status = luron_checkpoint_load(&back, ctx, in_folder("swept.h5"), 1);
        luron_ctx_fail_alloc(ctx, 0, 0);
        if (status) assert_int_equal(luron_ctx_live_bytes(ctx), live);
        assert_true(k < 1000);
    }
    assert_ok(ctx, status);
    assert_same(luron_checkpoint_tensor(back, "training/t"), t);
    luron_checkpoint_free(back);
    luron_checkpoint_free(c);
    luron_tensor_unref(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_large_round_trip),        test_case(test_large_among_many_small),
        test_case(test_large_views_and_lives),   test_case(test_large_models_are_apart),
        test_case(test_large_bools_are_checked), test_case(test_large_every_allocation_may_fail),
        test_case(test_large_overlaps_are_apart),
    };
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
