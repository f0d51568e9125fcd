/* test_model.c -- the graph of layers: names, running, parameters and copies. */
#include "graph_types.h"

#include <stdio.h>

static void test_model_names_layers_by_type_and_number(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m = chain(ctx);
    luron_value two[2] = { { 1, 0 }, { 1, 0 } }, v;
    add(ctx, m, NULL, "TwoSumsOfXYLoss", NULL, 2, two);
    add(ctx, m, "affine3", "Affine", "{\"in\": 4, \"out\": 4}", 1, two);
    luron_layer *layer = make(ctx, "Affine", "{\"in\": 4, \"out\": 4}");
    luron_model *empty;
    assert_ok(ctx, luron_model_new(&empty, ctx));
    for (int i = 0; i < 3; i++) { /* what fails takes no number */
        assert_fails(ctx, luron_model_add(&v, ctx, m, NULL, layer, 0, NULL), LURON_E_ARGUMENT, "layer 'affine4'");
        assert_fails(ctx, luron_model_include(&v, ctx, m, NULL, empty, 0, NULL), LURON_E_STATE, "is empty");
    }
    luron_model_unref(empty);
    luron_layer_unref(layer);
    v = add(ctx, m, NULL, "Affine", "{\"in\": 4, \"out\": 4}", 1, two);
    static const char *const names[] = { "affine1", "halvely_relu1", "affine2", "two_sums_of_xy_loss1", "affine3",
                                         "affine4" };
    assert_int_equal(luron_model_n_layers(m), 6);
    for (int i = 0; i < 6; i++) assert_string_equal(luron_model_layer_path(m, i), names[i]);
    assert_null(luron_model_layer_path(m, 6));
    assert_ptr_equal(luron_model_find(m, "affine4"), luron_model_layer(m, 5));
    assert_string_equal(luron_layer_name(luron_model_layer(m, 5)), "affine4");
    assert_null(luron_model_find(m, "affine5"));
    assert_int_equal(v.node, 6);
    assert_int_equal(luron_model_n_nodes(m), 7);
    assert_string_equal(luron_model_input_name(m, 0), "input");
    luron_model_unref(m);
}

static void test_model_runs_like_its_layers(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m = chain(ctx);
    luron_tensor *x = batch(ctx), *a, *b, *c, *y = run1(ctx, m, x);
    assert_ok(ctx, luron_layer_apply(&a, ctx, luron_model_find(m, "affine1"), 1, &x));
    assert_ok(ctx, luron_layer_apply(&b, ctx, luron_model_find(m, "halvely_relu1"), 1, &a));
    assert_ok(ctx, luron_layer_apply(&c, ctx, luron_model_find(m, "affine2"), 1, &b));
    assert_shape(y, 2, 2);
    assert_tensor_same(y, c);
    luron_tensor *all[] = { x, a, b, c, y };
    for (int i = 0; i < 5; i++) luron_tensor_unref(all[i]);
    luron_model_unref(m);
}

static void test_model_several_inputs_and_outputs(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m;
    luron_value v[2], sums, masked;
    luron_tensor *ins[2] = { tensor_row(ctx, LURON_F32, 1, 2), tensor_row(ctx, LURON_F32, 10, 20) }, *outs[4];
    assert_ok(ctx, luron_model_new(&m, ctx));
    assert_ok(ctx, luron_model_input(&v[0], ctx, m, "left"));
    assert_ok(ctx, luron_model_input(&v[1], ctx, m, NULL));
    assert_string_equal(luron_model_input_name(m, 1), "input2");
    sums = add(ctx, m, NULL, "TwoSumsOfXYLoss", NULL, 2, v);
    const luron_value difference[2] = { { sums.node, 1 }, { -1, 0 } };
    masked = add(ctx, m, NULL, "Masked", NULL, 2, difference);
    const luron_value want[4] = { sums, { sums.node, 1 }, masked, v[1] };
    assert_ok(ctx, luron_model_set_outputs(ctx, m, 4, want));
    assert_int_equal(luron_model_n_outputs(m), 4);
    assert_ok(ctx, luron_model_run(outs, ctx, m, 2, ins));
    assert_tensor_close(outs[0], ((const double[]){ 11, 22 }), 2, 0, 0);
    assert_tensor_close(outs[1], ((const double[]){ -9, -18 }), 2, 0, 0);
    assert_tensor_close(outs[2], ((const double[]){ -9, -18 }), 2, 0, 0);
    assert_ptr_equal(outs[3], ins[1]);
    for (int i = 0; i < 4; i++) luron_tensor_unref(outs[i]);
    luron_tensor *absent[2] = { ins[0], NULL };
    assert_fails(ctx, luron_model_run(outs, ctx, m, 2, absent), LURON_E_ARGUMENT, "two_sums_of_xy_loss1");
    assert_fails(ctx, luron_model_run(outs, ctx, m, 1, ins), LURON_E_ARGUMENT, "model: 2 inputs expected, got 1");
    for (int i = 0; i < 2; i++) luron_tensor_unref(ins[i]);
    luron_model_unref(m);
}

/* While a chain of 40 layers runs without a tape, no more than a few of its values live. */
static void test_model_frees_values_early(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m;
    luron_value v;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 1, (const int64_t[]){ 1 << 16 }, NULL), *y;
    assert_ok(ctx, luron_model_new(&m, ctx));
    assert_ok(ctx, luron_model_input(&v, ctx, m, NULL));
    for (int i = 0; i < 40; i++) v = add(ctx, m, NULL, "HALVElyReLU", NULL, 1, &v);
    luron_ctx_set_recording(ctx, 0);
    y = run1(ctx, m, x); /* the first use of a layer may keep something */
    luron_tensor_unref(y);
    int64_t before = luron_ctx_live_bytes(ctx);
    y = run1(ctx, m, x);
    assert_true(luron_ctx_live_bytes(ctx) - before < 2 * (4 << 16));
    luron_tensor_unref(y);
    assert_int_equal(luron_ctx_live_bytes(ctx), before);
    luron_ctx_set_recording(ctx, 1);
    luron_tensor_unref(x);
    luron_model_unref(m);
}

static void test_model_refuses_bad_graphs(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m = chain(ctx);
    luron_value v, ok = { 0, 0 }, ahead = { 4, 0 }, no_output = { 1, 1 }, absent = { -1, 0 },
        two[2] = { { 0, 0 }, { 0, 0 } };
    luron_layer *layer = make(ctx, "HALVElyReLU", NULL);
    char name[514];
    int64_t blocks = luron_ctx_live_blocks(ctx);
    assert_fails(ctx, luron_model_input(&v, ctx, m, NULL), LURON_E_STATE, "inputs come before the first layer");
    assert_fails(ctx, luron_model_add(&v, ctx, m, "x", layer, 1, &ahead), LURON_E_ARGUMENT,
                 "layer 'x' = HALVElyReLU: input: 0 is no value made before it: node 4, output 0; the model has 4 nodes");
    assert_fails(ctx, luron_model_add(&v, ctx, m, "x", layer, 1, &no_output), LURON_E_ARGUMENT, "node 1, output 1");
    assert_fails(ctx, luron_model_add(&v, ctx, m, "x", layer, 1, &absent), LURON_E_ARGUMENT,
                 "input 0 ('input') cannot be absent");
    assert_fails(ctx, luron_model_add(&v, ctx, m, "x", layer, 0, NULL), LURON_E_ARGUMENT, "1 input expected, got 0");
    assert_fails(ctx, luron_model_add(&v, ctx, m, "x", layer, 2, two), LURON_E_ARGUMENT, "1 input expected, got 2");
    assert_fails(ctx, luron_model_add(&v, ctx, m, "affine1", layer, 1, &ok), LURON_E_ARGUMENT,
                 "there is another layer 'affine1' already");
    static const char *const bad[] = { "", "a/b", "a\nb", "\xff", ".a", "a.", "a..b", "\x7f" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(ctx, luron_model_add(&v, ctx, m, bad[i], layer, 1, &ok), LURON_E_ARGUMENT, "layer: name");
    memset(name, 'n', 513);
    name[513] = 0;
    assert_fails(ctx, luron_model_add(&v, ctx, m, name, layer, 1, &ok), LURON_E_ARGUMENT,
                 "name of 1 to 512 bytes expected, got more than 512");
    assert_fails(ctx, luron_model_set_outputs(ctx, m, 1, &ahead), LURON_E_ARGUMENT, "output: 0 is no value");
    assert_fails(ctx, luron_model_set_outputs(ctx, m, 0, NULL), LURON_E_ARGUMENT, "at least one output");
    assert_int_equal(luron_ctx_live_blocks(ctx), blocks); /* a refused layer leaves nothing */
    assert_int_equal(luron_model_n_nodes(m), 4);
    name[512] = 0;
    assert_ok(ctx, luron_model_add(&v, ctx, m, name, layer, 1, &ok));
    luron_layer_unref(layer);
    luron_model_unref(m);
}

static void test_model_lists_parameters_once(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m = chain(ctx);
    luron_layer *first = luron_model_find(m, "affine1");
    luron_value v = { 0, 0 }, again;
    char name[64];
    assert_ok(ctx, luron_model_add(&again, ctx, m, "other", first, 1, &v)); /* known: keeps its name, no new layer */
    assert_int_equal(luron_model_n_layers(m), 3);
    add(ctx, m, "tied", "Affine", "{\"in\": 3, \"out\": 4, \"bias\": false}", 1, &v);
    assert_ok(ctx, luron_layer_set_param(ctx, luron_model_find(m, "tied"), 0, luron_layer_param(first, 0)));
    static const char *const names[] = { "affine1/weight", "affine1/bias", "affine2/weight", "affine2/bias" };
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4; i++) {
            assert_non_null(luron_model_param(m, i, name, sizeof name));
            assert_string_equal(name, names[i]);
        }
        assert_null(luron_model_param(m, 4, name, sizeof name));
        assert_null(luron_model_param(m, -1, name, sizeof name));
    }
    assert_ptr_equal(luron_model_param(m, 2, NULL, 0), luron_layer_param(luron_model_find(m, "affine2"),
            0)); /* not in order */
    assert_non_null(luron_model_param(m, 1, name, sizeof name));
    assert_string_equal(name, "affine1/bias");
    assert_non_null(luron_model_state(m, 2, name, sizeof name));
    assert_string_equal(name, "tied/runs");
    assert_null(luron_model_state(m, 3, name, sizeof name));
    assert_int_equal(luron_model_n_weights(m), 12 + 4 + 8 + 2);
    luron_model_unref(m);
}

/* Ties are what a list of parameters has to look for, and who else holds a tensor plays no part: it stays linear. */
static void test_model_knows_ties(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m = chain(ctx), *copy;
    luron_layer *a = luron_model_find(m, "affine1");
    luron_tensor *w = luron_tensor_ref(luron_layer_param(a, 0)), *other;
    luron_value v = { 0, 0 };
    assert_int_equal(w->slots, 1); /* held by us, too */
    luron_layer *b = luron_model_layer(m, add(ctx, m, "tied", "Affine", "{\"in\": 3, \"out\": 4}", 1, &v).node - 1);
    assert_ok(ctx, luron_layer_set_param(ctx, b, 0, w));
    assert_ok(ctx, luron_layer_set_param(ctx, b, 0, w)); /* the one that is there */
    assert_int_equal(w->slots, 2);
    assert_ok(ctx, luron_model_clone(&copy, ctx, m));
    assert_int_equal(w->slots, 2);
    assert_int_equal(luron_layer_param(luron_model_find(copy, "tied"), 0)->slots, 2);
    luron_model_unref(copy);
    luron_ctx_set_recording(ctx, 0);
    assert_ok(ctx, luron_copy(&other, ctx, w));
    luron_ctx_set_recording(ctx, 1);
    assert_ok(ctx, luron_layer_set_param(ctx, a, 0, other)); /* no tie any more */
    assert_int_equal(w->slots, 1);
    assert_non_null(luron_model_param(m, 5, NULL, 0));
    assert_null(luron_model_param(m, 6, NULL, 0));
    assert_ok(ctx, luron_model_tensor(&v, ctx, m, "own", other, 1)); /* stands for the layer's */
    assert_null(luron_model_param(m, 6, NULL, 0));
    luron_tensor_unref(other);
    luron_model_unref(m);
    assert_int_equal(w->slots, 0);
    luron_tensor_unref(w);
}

static void test_model_freezes_by_whole_parts(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m;
    luron_value v;
    assert_ok(ctx, luron_model_new(&m, ctx));
    assert_ok(ctx, luron_model_input(&v, ctx, m, NULL));
    v = add(ctx, m, "enc.one", "Affine", "{\"in\": 3, \"out\": 3}", 1, &v);
    v = add(ctx, m, "enc.two", "Affine", "{\"in\": 3, \"out\": 3}", 1, &v);
    add(ctx, m, "encoder", "Affine", "{\"in\": 3, \"out\": 3}", 1, &v);
    static const struct {
        const char *prefix;
        const char *frozen; /* of the six parameters */
    } cases[] = { { "enc", "111100" }, { "enc.one", "110000" }, { "enc.two/bias", "000100" }, { "encoder", "000011" },
                  { "", "111111" } };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        assert_ok(ctx, luron_model_freeze(ctx, m, cases[c].prefix, 1));
        for (int i = 0; i < 6; i++)
            assert_int_equal(luron_tensor_requires_grad(luron_model_param(m, i, NULL, 0)), cases[c].frozen[i] == '0');
        assert_ok(ctx, luron_model_freeze(ctx, m, "", 0));
    }
    assert_fails(ctx, luron_model_freeze(ctx, m, "en", 1), LURON_E_NOT_FOUND, "no parameter's path begins with 'en'");
    assert_fails(ctx, luron_model_freeze(ctx, m, "enc.one/bia", 1), LURON_E_NOT_FOUND, "enc.one/bia");
    luron_model_unref(m);
}

static void test_model_modes_and_dtype(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m;
    luron_value v;
    assert_ok(ctx, luron_model_new(&m, ctx));
    assert_ok(ctx, luron_model_input(&v, ctx, m, NULL));
    v = add(ctx, m, NULL, "Affine", "{\"in\": 3, \"out\": 3}", 1, &v);
    assert_true(luron_model_is_training(m));
    luron_model_set_training(m, 0);
    assert_false(luron_model_is_training(m) || luron_layer_is_training(luron_model_layer(m, 0)));
    assert_ok(ctx, luron_model_set_dtype(ctx, m, LURON_F64));
    assert_int_equal(luron_tensor_dtype(luron_model_param(m, 0, NULL, 0)), LURON_F64);
    assert_ok(ctx, luron_model_set_dtype(ctx, m, LURON_F32));
    add(ctx, m, NULL, "HALVElyReLU", NULL, 1, &v);
    assert_fails(ctx, luron_model_set_dtype(ctx, m, LURON_F64), LURON_E_DTYPE,
                 "layer 'halvely_relu1' = HALVElyReLU: this type serves float32 alone");
    assert_int_equal(luron_tensor_dtype(luron_model_param(m, 0, NULL, 0)), LURON_F32); /* nothing was converted */
    assert_fails(ctx, luron_model_set_dtype(ctx, m, LURON_I64), LURON_E_DTYPE,
                 "float32 or float64 expected, got int64");
    luron_model_unref(m);
}

static void test_model_includes_another(void **state) {
    luron_ctx *ctx = *state;
    luron_model *part = chain(ctx), *m;
    luron_value v, out;
    luron_tensor *x = batch(ctx), *y = run1(ctx, part, x), *z;
    assert_ok(ctx, luron_model_new(&m, ctx));
    assert_ok(ctx, luron_model_input(&v, ctx, m, NULL));
    assert_fails(ctx, luron_model_include(&out, ctx, m, "p", m, 1, &v), LURON_E_ARGUMENT, "another model");
    assert_fails(ctx, luron_model_include(&out, ctx, m, "p", part, 0, NULL), LURON_E_ARGUMENT, "has 1 input, got 0");
    assert_ok(ctx, luron_model_include(&out, ctx, m, NULL, part, 1, &v));
    assert_non_null(luron_model_find(m, "model1.halvely_relu1"));
    assert_ptr_equal(luron_model_find(m, "model1.affine1"), luron_model_find(part, "affine1"));
    z = run1(ctx, m, x);
    assert_tensor_same(z, y);
    luron_tensor_unref(z);
    assert_ok(ctx, luron_model_include(&out, ctx, m, "twice", part, 1, &v)); /* the same layers: shared */
    assert_int_equal(luron_model_n_layers(m), 3);
    assert_int_equal(luron_model_n_nodes(m), 7);
    z = run1(ctx, m, x);
    assert_tensor_same(z, y);
    luron_tensor_unref(z);

    /* a part whose second layer cannot be named: nothing of it stays */
    luron_model *clash;
    luron_value w;
    assert_ok(ctx, luron_model_new(&clash, ctx));
    assert_ok(ctx, luron_model_input(&w, ctx, clash, NULL));
    w = add(ctx, clash, "fresh", "HALVElyReLU", NULL, 1, &w);
    add(ctx, clash, "affine1", "Affine", "{\"in\": 3, \"out\": 3}", 1, &w);
    assert_fails(ctx, luron_model_include(&out, ctx, m, "model1", clash, 1, &v), LURON_E_ARGUMENT,
                 "another layer 'model1.affine1' already");
    assert_int_equal(luron_model_n_layers(m), 3);
    assert_int_equal(luron_model_n_nodes(m), 7);
    assert_null(luron_model_find(m, "model1.fresh"));
    assert_string_equal(luron_layer_name(luron_model_layer(clash, 0)), "fresh"); /* nor is anything renamed */
    assert_string_equal(luron_layer_name(luron_model_layer(clash, 1)), "affine1");
    z = run1(ctx, m, x);
    assert_tensor_same(z, y);
    luron_tensor *all[] = { x, y, z };
    for (int i = 0; i < 3; i++) luron_tensor_unref(all[i]);
    luron_model_unref(clash);
    luron_model_unref(part);
    luron_model_unref(m);
}

static void test_model_clone_is_deep_and_keeps_ties(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m = rich(ctx), *copy;
    luron_tensor *x = batch(ctx), *a[2], *b[2];
    luron_model_set_training(m, 0);
    assert_ok(ctx, luron_model_clone(&copy, ctx, m));
    assert_same_graph(ctx, m, copy);
    assert_false(luron_model_is_training(copy));
    assert_false(luron_tensor_requires_grad(luron_layer_param(luron_model_find(copy, "affine2"), 1)));
    assert_true(luron_tensor_requires_grad(luron_layer_param(luron_model_find(copy, "affine2"), 0)));
    assert_ok(ctx, luron_model_run(a, ctx, m, 1, &x));
    luron_ctx_set_recording(ctx, 0);
    for (int i = 0; i < 4; i++)
        assert_ok(ctx, luron_tensor_fill(ctx, luron_model_param(m, i, NULL, 0), 0)); /* not the copy's */
    luron_ctx_set_recording(ctx, 1);
    assert_ok(ctx, luron_model_run(b, ctx, copy, 1, &x));
    for (int i = 0; i < 2; i++) {
        assert_tensor_same(b[i], a[i]);
        luron_tensor_unref(a[i]);
        luron_tensor_unref(b[i]);
    }
    luron_tensor_unref(x);
    luron_model_unref(m);
    luron_model_unref(copy);
}

static void test_model_of_many_layers(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m;
    luron_value v, outs;
    assert_ok(ctx, luron_model_new(&m, ctx));
    assert_ok(ctx, luron_model_input(&v, ctx, m, NULL));
    for (int i = 1; i < LURON__MAX_NODES; i++) v = add(ctx, m, NULL, "HALVElyReLU", NULL, 1, &v);
    luron_layer *layer = make(ctx, "HALVElyReLU", NULL);
    assert_fails(ctx, luron_model_add(&outs, ctx, m, NULL, layer, 1, &v), LURON_E_ARGUMENT, "at most 100000 nodes");
    luron_layer_unref(layer);
    assert_ptr_equal(luron_model_find(m, "halvely_relu99999"), luron_model_layer(m, 99998));
    luron_model_unref(m);
}

/* Build, include, clone, write, read, run: each allocation fails in turn. */
static luron_status everything(luron_ctx *ctx, luron_model *m, luron_tensor *x) {
    luron_model *whole = NULL, *copy = NULL, *back = NULL;
    luron_value v, out[2];
    luron_tensor *y[2];
    char *json = NULL, *text = NULL;
    const luron_dims in = { LURON_F32, 2, { 2, 3 } };
    luron_status status = luron_model_new(&whole, ctx);
    if (!status) status = luron_model_input(&v, ctx, whole, NULL);
    if (!status) status = luron_model_include(out, ctx, whole, "part", m, 1, &v);
    if (!status) status = luron_model_set_outputs(ctx, whole, 2, out);
    if (!status) status = luron_model_clone(&copy, ctx, whole);
    if (!status) status = luron_model_to_json(&json, ctx, copy);
    if (!status) status = luron_model_from_json(&back, ctx, json);
    if (!status) status = luron_model_summary(&text, ctx, back, 1, &in);
    if (!status) status = luron_model_run(y, ctx, back, 1, &x);
    for (int i = 0; i < 2 && !status; i++) luron_tensor_unref(y[i]);
    luron_text_free(ctx, json);
    luron_text_free(ctx, text);
    luron_model_unref(whole);
    luron_model_unref(copy);
    luron_model_unref(back);
    return status;
}

static void test_model_out_of_memory(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m = rich(ctx);
    luron_tensor *x = batch(ctx);
    assert_ok(ctx, everything(ctx, m, x));
    int k = 0;
    for (luron_status status = LURON_E_NOMEM; status != LURON_OK;) {
        int64_t blocks = luron_ctx_live_blocks(ctx);
        luron_ctx_fail_alloc(ctx, ++k, 0);
        status = everything(ctx, m, x);
        luron_ctx_fail_alloc(ctx, 0, 0);
        assert_true(status == LURON_OK || status == LURON_E_NOMEM);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    }
    assert_true(k > 100);
    luron_tensor_unref(x);
    luron_model_unref(m);
}

/* A layer bears the name of the model that it came into last, or the one of before. */
static void test_model_renames_when_all_goes_well(void **state) {
    luron_ctx *ctx = *state;
    luron_model *part = chain(ctx), *m;
    luron_layer *layer = make(ctx, "HALVElyReLU", NULL);
    luron_value v, out;
    luron_status status = LURON_E_NOMEM;
    int64_t k = 0;
    assert_ok(ctx, luron_layer_set_name(ctx, layer, "before"));
    while (status) {
        assert_ok(ctx, luron_model_new(&m, ctx));
        assert_ok(ctx, luron_model_input(&v, ctx, m, NULL));
        luron_ctx_fail_alloc(ctx, ++k, 0);
        status = luron_model_add(&out, ctx, m, "after", layer, 1, &v);
        const luron_status added = status;
        if (!status) status = luron_model_include(&out, ctx, m, "part", part, 1, &out);
        luron_ctx_fail_alloc(ctx, 0, 0);
        assert_string_equal(luron_layer_name(layer), added ? "before" : "after");
        assert_string_equal(luron_layer_name(luron_model_layer(part, 2)), status ? "affine2" : "part.affine2");
        assert_ok(ctx, luron_layer_set_name(ctx, layer, "before"));
        luron_model_unref(m);
    }
    assert_true(k > 10);
    luron_layer_unref(layer);
    luron_model_unref(part);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        model_test(test_model_names_layers_by_type_and_number),
        model_test(test_model_runs_like_its_layers),
        model_test(test_model_several_inputs_and_outputs),
        model_test(test_model_frees_values_early),
        model_test(test_model_refuses_bad_graphs),
        model_test(test_model_lists_parameters_once),
        model_test(test_model_knows_ties),
        model_test(test_model_freezes_by_whole_parts),
        model_test(test_model_modes_and_dtype),
        model_test(test_model_includes_another),
        model_test(test_model_renames_when_all_goes_well),
        model_test(test_model_clone_is_deep_and_keeps_ties),
        model_test(test_model_of_many_layers),
        model_test(test_model_out_of_memory),
    };
    unsetenv("LURON_PLUGIN_PATH"); /* its own types are enough */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
