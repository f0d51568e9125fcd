/* Checkpoints that should not be saved, and files that are sealed and well-formed but ask for what they do not hold. */
#include "io.h"
#include "training.h"

#include <math.h>

/* ---- weights that are not finite ----------------------------------------------------------------------------------- */
static void test_checkpoint_hostile_numbers_are_not_saved(void **state) {
    luron_ctx *ctx = *state;
    training t = make_training(ctx, 4);
    luron_checkpoint *c = make_checkpoint(ctx, &t);
    float *w = (float *)(void *)luron__data(luron_model_param(t.model, 2, NULL, 0));
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("finite.h5"), NULL, 0));
    bytes before = read_bytes(in_folder("finite.h5"));
    static const float bad[] = { NAN, INFINITY, -INFINITY };
    for (int i = 0; i < 3; i++) {
        w[6] = bad[i];
        assert_fails(ctx, luron_checkpoint_save(c, ctx, in_folder("finite.h5"), NULL, 1), LURON_E_NONFINITE,
                     "parameters/head.out/weight is not finite (number 6 of 8 is ");
        assert_int_equal(count_files("finite.h5"), 1);
        bytes after = read_bytes(in_folder("finite.h5"));
        assert_int_equal(after.n, before.n);
        assert_memory_equal(after.data, before.data, before.n);
        free(after.data);
    }
    free(before.data);
    luron_checkpoint_allow_nonfinite(c, 1);
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("finite.h5"), NULL, 0));
    luron_checkpoint *back;
    assert_ok(ctx, luron_checkpoint_load(&back, ctx, in_folder("finite.h5"), 1));
    assert_true(isinf(((float *)(void *)luron__data(luron_checkpoint_tensor(back, "parameters/head.out/weight")))[6]));
    luron_checkpoint_free(back);
    luron_checkpoint_free(c);
    free_training(&t);
    /* a state may be infinite, but not NaN; what a program adds for itself may be both; strides are followed */
    luron_tensor *x, *view;
    assert_ok(ctx, luron_tensor_full(&x, ctx, LURON_F64, 2, (const int64_t[]){ 3, 2 }, 1));
    assert_ok(ctx, luron_transpose(&view, ctx, x, 0, 1));
    double *v = (double *)(void *)luron__data(x);
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, "state/a/mask", view));
    assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, "training/best", x));
    v[1] = -INFINITY;
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("state.h5"), NULL, 0));
    v[1] = NAN;
    assert_fails(ctx, luron_checkpoint_save(c, ctx, in_folder("state.h5"), NULL, 0), LURON_E_NONFINITE,
                 "state/a/mask is not finite (number 3 of 6 is ");
    luron_checkpoint_free(c);
    luron_tensor_unref(view);
    luron_tensor_unref(x);
}

/* ---- architectures ------------------------------------------------------------------------------------------------- */
#define LAYER(path, options)                                                                                           \
    "{\"path\":\"" path "\",\"type\":\"Linear\",\"plugin\":\"linear\",\"plugin_version\":\"1\",\"data_version\":0,"      \
    "\"dtype\":\"float32\",\"options\":" options "}"
#define MODEL(layers, nodes, shared)                                                                                   \
    "{\"layers\":[" layers "],\"inputs\":[\"input\"],\"nodes\":[" nodes "],\"outputs\":[[1,0]],\"shared\":[" shared "]}"
#define NODE(path) "{\"layer\":\"" path "\",\"inputs\":[[0,0]]}"
#define SQUARE "{\"in_features\":3,\"out_features\":3,\"bias\":false}"

/* A checkpoint that holds one weight (3, 3), `a/weight`, and this architecture. */
static luron_checkpoint *with_architecture(luron_ctx *ctx, const char *json) {
    luron_checkpoint *c;
    luron_tensor *t;
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_tensor_full(&t, ctx, LURON_F32, 2, (const int64_t[]){ 3, 3 }, 0.5));
    assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, "parameters/a/weight", t));
    luron_tensor_unref(t);
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "training/architecture", json));
    luron__entry *e = &c->texts.at[0];
    luron__strfree(c->pool, e->path);
    assert_ok(ctx, luron__strdup(&e->path, ctx, "architecture"));
    return c;
}

static void test_checkpoint_hostile_sizes_are_held_against_the_file(void **state) {
    luron_ctx *ctx = *state;
    static const struct {
        const char *json, *text;
    } cases[] = {
        /* 400 GB: refused before memory is asked for */
        { MODEL(LAYER("a", "{\"in_features\":1000000,\"out_features\":100000,\"bias\":false}"), NODE("a"), ""),
          "parameters/a/weight has shape (3, 3) (float32) in the file, (100000, 1000000) (float32) expected" },
        { MODEL(LAYER("b", "{\"in_features\":1000000,\"out_features\":100000,\"bias\":false}"), NODE("b"), ""),
          "parameters/b/weight is missing in the file, float32 (100000, 1000000) expected" },
        { MODEL(LAYER("a", "{\"in_features\":3,\"out_features\":3}"), NODE("a"), ""), "parameters/a/bias is missing" },
        { MODEL(LAYER("b", SQUARE) "," LAYER("a", SQUARE), NODE("b") "," NODE("a"), "[\"a/weight\",\"b/weight\"]"),
          "'b/weight' comes before 'a/weight'" },
        { MODEL(LAYER("a", SQUARE) "," LAYER("b", "{\"in_features\":100000,\"out_features\":1000000,\"bias\":false}"),
                NODE("a") "," NODE("b"), "[\"a/weight\",\"b/weight\"]"),
          "parameters/a/weight has shape (3, 3) (float32) in the file, (1000000, 100000) (float32) expected" },
        { MODEL(LAYER("a", SQUARE) "," LAYER("a", SQUARE), NODE("a"), ""), "there are two of layer 'a'" },
        { MODEL(LAYER("a", SQUARE), NODE("a"), "[\"a/weight\",\"c/weight\"]"), "there is no parameter 'c/weight'" },
        { MODEL(LAYER("a", SQUARE), NODE("a"), "[7,\"a/weight\"]"), "there is no parameter '?'" },
    };
    luron_layer_unref(make_linear(ctx, 1, 1)); /* the plugin is loaded */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        luron_model *model = NULL;
        luron_checkpoint *c = with_architecture(ctx, cases[i].json);
        uint64_t seed, position, now;
        int64_t blocks = luron_ctx_live_blocks(ctx);
        luron_ctx_random_state(ctx, &seed, &position);
        luron_status status = luron_checkpoint_model(&model, ctx, c);
        if (status != LURON_E_MISMATCH && status != LURON_E_FORMAT)
            fail_msg("case %zu: %s: %s", i, luron_status_name(status), luron_ctx_error(ctx));
        if (!strstr(luron_ctx_error(ctx), cases[i].text)) fail_msg("case %zu: %s", i, luron_ctx_error(ctx));
        luron_ctx_random_state(ctx, &seed, &now);
        assert_int_equal(now, position);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
        assert_null(model);
        luron_checkpoint_free(c);
    }
}

static void test_checkpoint_hostile_shared_parameters_are_made_once(void **state) {
    luron_ctx *ctx = *state;
    luron_model *model;
    luron_checkpoint *c =
        with_architecture(ctx, MODEL(LAYER("a", SQUARE) "," LAYER("b", SQUARE) "," LAYER("c", SQUARE),
                                     NODE("a") "," NODE("b") "," NODE("c"), "[\"a/weight\",\"b/weight\",\"c/weight\"]"));
    assert_ok(ctx, luron_checkpoint_model(&model, ctx, c));
    luron_tensor *t = luron_layer_param(luron_model_find(model, "a"), 0);
    assert_ptr_equal(luron_layer_param(luron_model_find(model, "b"), 0), t);
    assert_ptr_equal(luron_layer_param(luron_model_find(model, "c"), 0), t);
    assert_true(luron_tensor_requires_grad(t));
    assert_true(((float *)(void *)luron__data(t))[8] == 0.5f);
    luron_model_unref(model);
    luron_checkpoint_free(c);
}

/* ---- optimisers: parameters that had fewer gradients than there were steps ------------------------------------------ */
static void test_checkpoint_hostile_texts(void **state) {
    luron_ctx *ctx = *state;
    luron_checkpoint *c;
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_fails(ctx, luron_checkpoint_set_text(c, ctx, "training/a\xff", "x"), LURON_E_ARGUMENT, "UTF-8 expected");
    assert_fails(ctx, luron_checkpoint_set_text(c, ctx, "training/a", "\xe4"), LURON_E_ARGUMENT,
                 "training/a: text of UTF-8 expected");
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "training/\xc3\xa4", "\xc3\xa4"));
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("texts.h5"), NULL, 0));
    luron_checkpoint_free(c);
}

/* Numbers whose meaning has changed since are not taken for today's, by a restore as little as by a load. */
static void test_checkpoint_hostile_data_of_another_version(void **state) {
    luron_ctx *ctx = *state;
    training t = make_training(ctx, 4);
    luron_checkpoint *c;
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_checkpoint_set_model(c, ctx, t.model));
    luron__entry *e = (luron__entry *)luron__entry_find(&c->texts, "parameters/linear1@data_version");
    assert_non_null(e);
    assert_ok(ctx, luron_checkpoint_restore(ctx, c, t.model));
    e->number = 1;
    assert_fails(ctx, luron_checkpoint_restore(ctx, c, t.model), LURON_E_VERSION,
                 "layer 'linear1': the data of its Linear are of version 1, plugin 'linear' 1.0.0 has 0");
    e->number = -1;
    assert_fails(ctx, luron_checkpoint_restore(ctx, c, t.model), LURON_E_MISMATCH, "are of version -1");
    luron_checkpoint_free(c);
    free_training(&t);
}

static void test_checkpoint_hostile_steps_of_parameters(void **state) {
    luron_ctx *ctx = *state;
    training t = make_training(ctx, 4), copy;
    assert_ok(ctx, luron_model_freeze(ctx, t.model, "head", 1));
    for (int i = 0; i < 7; i++) train_step(ctx, &t);
    assert_ok(ctx, luron_model_freeze(ctx, t.model, "head", 0));
    for (int i = 0; i < 2; i++) train_step(ctx, &t);
    luron_checkpoint *c = make_checkpoint(ctx, &t);
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("late.h5"), NULL, 0));
    luron_checkpoint_free(c);
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("late.h5"), 1));
    assert_ok(ctx, luron_checkpoint_model(&copy.model, ctx, c));
    copy.optim = make_optim(ctx, copy.model, 0.5);
    assert_ok(ctx, luron_checkpoint_restore_optim(ctx, c, copy.optim));
    assert_same_training(&t, &copy);
    uint64_t seed, position;
    luron_ctx_random_state(ctx, &seed, &position);
    for (int i = 0; i < 3; i++) train_step(ctx, &t);
    luron_ctx_set_random_state(ctx, seed, position);
    for (int i = 0; i < 3; i++) train_step(ctx, &copy);
    assert_same_training(&t, &copy);
    int64_t *steps = (int64_t *)(void *)luron__data(luron_checkpoint_tensor(c, "optimizer/groups/1/steps"));
    assert_int_equal(steps[0], 2);
    steps[1] = 10; /* of 9 */
    assert_fails(ctx, luron_checkpoint_restore_optim(ctx, c, copy.optim), LURON_E_MISMATCH, "optimizer/groups/1/steps: 2 numbers");
    assert_same_training(&t, &copy);
    luron_checkpoint_free(c);
    free_training(&copy);
    free_training(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_checkpoint_hostile_numbers_are_not_saved),
        test_case(test_checkpoint_hostile_sizes_are_held_against_the_file),
        test_case(test_checkpoint_hostile_shared_parameters_are_made_once),
        test_case(test_checkpoint_hostile_texts),
        test_case(test_checkpoint_hostile_data_of_another_version),
        test_case(test_checkpoint_hostile_steps_of_parameters),
    };
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
