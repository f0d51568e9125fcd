/* test_model_ops.c -- ops, numbers and tensors of its own in a model: running, copies, names, files, hostile JSON. */
#include "graph.h"
#include "test_files.h"

#include <math.h>
#include <pthread.h>

static const luron_value first = {0, 0};

static luron_tensor *rows(luron_ctx *ctx, int64_t n) {
    luron_tensor *x;
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, LURON_SHAPE(n, 4)));
    for (int64_t i = 0; i < 4 * n; i++)
        ((float *)(void *)luron__data(x))[i] = (float)sin((double)(7 * i + n));
    return x;
}

static luron_layer *linear(luron_ctx *ctx) {
    luron_layer *layer;
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "Linear", "{\"in_features\": 4, \"out_features\": 4}"));
    return layer;
}

static luron_value op(luron_ctx *ctx, luron_model *m, const char *name, int n_args, const luron_arg *args, int n,
                      const luron_value *ins) {
    luron_value v;
    assert_ok(ctx, luron_model_op(&v, ctx, m, name, n_args, args, n, ins));
    return v;
}

/* (x + linear(x)) * gain * -0.5 with 2 more columns, turned round by the weight of the layer: every kind of node. */
static luron_model *residual(luron_ctx *ctx) {
    luron_model *m;
    luron_value v[3], w;
    luron_tensor *gain, *number;
    luron_layer *layer = linear(ctx);
    assert_ok(ctx, luron_model_new(&m, ctx));
    assert_ok(ctx, luron_model_input(&v[0], ctx, m, NULL));
    assert_ok(ctx, luron_model_add(&v[1], ctx, m, "enc.linear", layer, 1, v));
    v[0] = op(ctx, m, "add", 0, NULL, 2, v);
    gain = tensor_row(ctx, LURON_F32, 1, 2, 3, 4);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, gain, 1));
    assert_ok(ctx, luron_model_tensor(&v[1], ctx, m, "enc/gain", gain, 1));
    v[0] = op(ctx, m, "mul", 0, NULL, 2, v);
    assert_ok(ctx, luron_scalar(&number, ctx, -0.5));
    assert_ok(ctx, luron_model_tensor(&v[1], ctx, m, NULL, number, 0));
    v[0] = op(ctx, m, "mul", 0, NULL, 2, v);
    const luron_arg order = {.name = "dims", .kind = LURON_ARG_INTS, .ints = {2, {1, 0}}};
    assert_ok(ctx, luron_model_tensor(&w, ctx, m, NULL, luron_layer_param(layer, 0), 1));
    v[1] = op(ctx, m, "permute", 1, &order, 1, &w);
    v[0] = op(ctx, m, "matmul", 0, NULL, 2, v);
    const luron_arg pad[] = {{.name = "value", .kind = LURON_ARG_NUMBER, .number = 7},
                             {.name = "before", .kind = LURON_ARG_INTS, .ints = {2, {0, 2}}},
                             {.name = "after", .kind = LURON_ARG_INTS, .ints = {2, {0, 0}}}};
    op(ctx, m, "pad", 3, pad, 1, v);
    luron_tensor_unref(gain);
    luron_tensor_unref(number);
    luron_layer_unref(layer);
    return m;
}

/* The same by hand. */
static luron_tensor *residual_eager(luron_ctx *ctx, luron_model *m, luron_tensor *x) {
    luron_tensor *t[7], *y;
    luron_layer *layer = luron_model_layer(m, 0);
    assert_ok(ctx, luron_layer_apply(&t[0], ctx, layer, 1, &x));
    assert_ok(ctx, luron_add(&t[1], ctx, x, t[0]));
    assert_ok(ctx, luron_mul(&t[2], ctx, t[1], luron_model_param(m, 2, NULL, 0)));
    assert_ok(ctx, luron_scalar(&t[3], ctx, -0.5));
    assert_ok(ctx, luron_mul(&t[4], ctx, t[2], t[3]));
    assert_ok(ctx, luron_transpose(&t[5], ctx, luron_layer_param(layer, 0), 0, 1));
    assert_ok(ctx, luron_matmul(&t[6], ctx, t[4], t[5]));
    assert_ok(ctx, luron_pad(&y, ctx, t[6], 1, (const int64_t[]){2}, (const int64_t[]){0}, 7));
    for (int i = 0; i < 7; i++)
        luron_tensor_unref(t[i]);
    return y;
}

static luron_tensor *run1(luron_ctx *ctx, luron_model *m, luron_tensor *x) {
    luron_tensor *y;
    assert_ok(ctx, luron_model_run(&y, ctx, m, 1, &x));
    return y;
}

static void same_on(luron_ctx *ctx, luron_model *a, luron_model *b, int64_t n) {
    luron_tensor *x = rows(ctx, n), *y = run1(ctx, a, x), *z = run1(ctx, b, x);
    assert_tensor_same(y, z);
    luron_tensor_unref(x);
    luron_tensor_unref(y);
    luron_tensor_unref(z);
}

static void clear(luron_ctx *ctx, luron_tensor *t) {
    luron_ctx_set_recording(ctx, 0);
    assert_ok(ctx, luron_tensor_fill(ctx, t, 0));
    luron_ctx_set_recording(ctx, 1);
}

/* ---- running ------------------------------------------------------------------------------------------------------
 */
static void test_model_ops_run_like_the_functions(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m = residual(ctx);
    luron_tensor *x = rows(ctx, 3), *grad[2][3];
    for (int k = 0; k < 2; k++) {
        luron_tensor *y = k ? residual_eager(ctx, m, x) : run1(ctx, m, x), *sum;
        assert_ok(ctx, luron_sum(&sum, ctx, y, 0, NULL, 0));
        assert_ok(ctx, luron_backward(ctx, sum, NULL, 0));
        for (int i = 0; i < 3; i++) {
            luron_tensor *p = luron_model_param(m, i, NULL, 0);
            grad[k][i] = luron_tensor_ref(luron_tensor_grad(p));
            assert_non_null(grad[k][i]);
            assert_ok(ctx, luron_tensor_set_grad(ctx, p, NULL));
        }
        luron_tensor_unref(sum);
        luron_tensor_unref(y);
    }
    for (int i = 0; i < 3; i++)
        assert_tensor_same(grad[0][i], grad[1][i]);
    for (int i = 0; i < 6; i++)
        luron_tensor_unref(grad[i / 3][i % 3]);
    luron_ctx_set_recording(ctx, 0);
    luron_tensor *y = run1(ctx, m, x), *z = residual_eager(ctx, m, x);
    luron_ctx_set_recording(ctx, 1);
    assert_tensor_same(y, z);
    luron_tensor *all[] = {x, y, z};
    for (int i = 0; i < 3; i++)
        luron_tensor_unref(all[i]);
    luron_model_unref(m);
}

static void test_model_ops_names_and_counts(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m = residual(ctx);
    char name[100];
    static const char *const names[] = {"enc.linear/weight", "enc.linear/bias", "enc/gain"};
    for (int i = 0; i < 3; i++) {
        assert_non_null(luron_model_param(m, i, name, sizeof name));
        assert_string_equal(name, names[i]);
    }
    assert_null(luron_model_param(m, 3, NULL, 0));
    assert_null(luron_model_state(m, 0, NULL, 0));
    assert_int_equal(luron_model_n_weights(m), 24);
    assert_ok(ctx, luron_model_freeze(ctx, m, "enc/gain", 1));
    assert_false(luron_model_param(m, 2, NULL, 0)->requires_grad);
    assert_true(luron_model_param(m, 0, NULL, 0)->requires_grad);
    assert_ok(ctx, luron_model_freeze(ctx, m, "enc", 0));
    assert_true(luron_model_param(m, 2, NULL, 0)->requires_grad);
    luron_model_unref(m);
}

static void test_model_ops_dtype(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m = residual(ctx);
    luron_tensor *x = rows(ctx, 2), *wide, *y;
    assert_ok(ctx, luron_cast(&wide, ctx, x, LURON_F64));
    assert_ok(ctx, luron_model_set_dtype(ctx, m, LURON_F64));
    y = run1(ctx, m, wide);
    assert_int_equal(y->dtype, LURON_F64);
    assert_int_equal(ctx->default_dtype, LURON_F32);
    luron_tensor *all[] = {x, wide, y};
    for (int i = 0; i < 3; i++)
        luron_tensor_unref(all[i]);
    luron_model_unref(m);
}

static void test_model_ops_are_refused(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m = residual(ctx);
    luron_value v[2] = {first, first};
    const luron_arg dim = {.name = "dim", .kind = LURON_ARG_INTEGER}, real = {.name = "dim", .kind = LURON_ARG_NUMBER},
                    other = {.name = "axis", .kind = LURON_ARG_INTEGER};
    int nodes = luron_model_n_nodes(m);
    assert_fails(ctx, luron_model_op(v, ctx, m, "frobnicate", 0, NULL, 1, v), LURON_E_NOT_FOUND, "'frobnicate'");
    assert_fails(ctx, luron_model_op(v, ctx, m, "softmax", 0, NULL, 1, v), LURON_E_ARGUMENT, "'dim' is missing");
    assert_fails(ctx, luron_model_op(v, ctx, m, "softmax", 1, &real, 1, v), LURON_E_ARGUMENT, "integer expected");
    assert_fails(ctx, luron_model_op(v, ctx, m, "softmax", 1, &other, 1, v), LURON_E_ARGUMENT, "attribute 'axis'");
    assert_fails(ctx, luron_model_op(v, ctx, m, "softmax", 1, &dim, 2, v), LURON_E_ARGUMENT,
                 "1 operand expected, got 2");
    assert_fails(ctx, luron_model_op(v, ctx, m, "cat", 1, &dim, 0, v), LURON_E_ARGUMENT, "at least 1 operand");
    assert_fails(ctx, luron_model_op(v, ctx, m, "nonzero", 0, NULL, 1, v), LURON_E_UNSUPPORTED,
                 "depends on the numbers");
    v[1].node = 99;
    assert_fails(ctx, luron_model_op(v, ctx, m, "add", 0, NULL, 2, v), LURON_E_ARGUMENT, "no value made before");
    luron_tensor *t = tensor_row(ctx, LURON_I64, 1, 2);
    assert_fails(ctx, luron_model_tensor(v, ctx, m, "ids", t, 1), LURON_E_DTYPE, "parameter is float32 or float64");
    assert_fails(ctx, luron_model_tensor(v, ctx, m, "enc/gain", t, 0), LURON_E_ARGUMENT, "another tensor 'enc/gain'");
    assert_fails(ctx, luron_model_tensor(v, ctx, m, "enc.linear/bias", t, 0), LURON_E_ARGUMENT, "another tensor");
    assert_fails(ctx, luron_model_tensor(v, ctx, m, "enc.linear", t, 0), LURON_E_ARGUMENT, "a layer 'enc.linear'");
    assert_fails(ctx, luron_model_tensor(v, ctx, m, "a//b", t, 0), LURON_E_ARGUMENT, "has a '/'");
    assert_int_equal(luron_model_n_nodes(m), nodes);
    luron_tensor_unref(t);
    luron_model_unref(m);
}

/* ---- copies -------------------------------------------------------------------------------------------------------
 */
static void test_model_ops_clone_and_include(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m = residual(ctx), *copy, *whole;
    luron_value v, out;
    char name[100];
    assert_ok(ctx, luron_model_clone(&copy, ctx, m));
    same_on(ctx, m, copy, 3);
    assert_ptr_not_equal(luron_model_param(m, 2, NULL, 0), luron_model_param(copy, 2, NULL, 0));
    assert_true(luron_model_param(copy, 2, NULL, 0)->requires_grad);
    clear(ctx, luron_model_param(copy, 2, NULL, 0));
    assert_ok(ctx, luron_model_new(&whole, ctx));
    assert_ok(ctx, luron_model_input(&v, ctx, whole, NULL));
    assert_ok(ctx, luron_model_include(&out, ctx, whole, "body", m, 1, &v));
    same_on(ctx, m, whole, 2);
    assert_ptr_equal(luron_model_param(whole, 2, name, sizeof name), luron_model_param(m, 2, NULL, 0));
    assert_string_equal(name, "body.enc/gain");
    luron_model *all[] = {m, copy, whole};
    for (int i = 0; i < 3; i++)
        luron_model_unref(all[i]);
}

static void test_model_ops_in_a_file(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m = residual(ctx), *back;
    luron_checkpoint *c;
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_checkpoint_set_model(c, ctx, m));
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("ops.h5"), NULL, 0));
    luron_checkpoint_free(c);
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("ops.h5"), 1));
    assert_ok(ctx, luron_checkpoint_model(&back, ctx, c));
    same_on(ctx, m, back, 5);
    assert_true(luron_model_param(back, 2, NULL, 0)->requires_grad);
    clear(ctx, luron_model_param(m, 2, NULL, 0));
    assert_ok(ctx, luron_checkpoint_restore(ctx, c, m));
    same_on(ctx, m, back, 1);
    luron_checkpoint_free(c);
    luron_model_unref(m);
    luron_model_unref(back);
}

/* ---- JSON -----------------------------------------------------------------------------------------------------------
 */
#define GRAPH(nodes, out)                                                                                              \
    "{\"layers\":[],\"inputs\":[\"x\"],\"nodes\":[" nodes "],\"outputs\":[[" out ",0]],\"dtype\":\"float32\","         \
    "\"tensors\":[{\"path\":\"w\",\"kind\":\"state\",\"dtype\":\"float32\",\"shape\":[2]}]}"
#define NODE(op, more) "{\"op\":\"" op "\",\"inputs\":[[0,0]]" more "}"

static void test_model_ops_multiples_of_the_batch(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m, *back;
    char *text;
    const char *json = GRAPH(
        NODE("reshape", ",\"shape\":[{\"batch\":2},2],\"batch\":[0,0]") ","
                                                                        "{\"number\":{\"batch\":1},\"batch\":[0,0]},{"
                                                                        "\"number\":{\"batch\":0.5},\"batch\":[0,0]},"
                                                                        "{\"op\":\"add\",\"inputs\":[[1,0],[2,0]]},{"
                                                                        "\"op\":\"mul\",\"inputs\":[[4,0],[3,0]]},"
                                                                        "{\"tensor\":\"w\"},{\"op\":\"add\",\"inputs\":"
                                                                        "[[5,0],[6,0]]}",
        "7");
    assert_ok(ctx, luron_model_from_json(&m, ctx, json));
    for (int64_t n = 1; n < 4; n++) {
        luron_tensor *x, *y;
        assert_ok(ctx, luron_tensor_full(&x, ctx, LURON_F32, 2, (const int64_t[]){n, 4}, 1));
        y = run1(ctx, m, x);
        assert_shape(y, 2 * n, 2);
        assert_true(((float *)(void *)luron__data(y))[0] == (float)((1 + (double)n) * 0.5 * (double)n));
        luron_tensor_unref(x);
        luron_tensor_unref(y);
    }
    assert_ok(ctx, luron_model_to_json(&text, ctx, m));
    assert_ok(ctx, luron_model_from_json(&back, ctx, text));
    same_on(ctx, m, back, 4);
    luron_text_free(ctx, text);
    assert_ok(ctx, luron_model_summary(&text, ctx, m, 1, &(luron_dims){LURON_F32, 2, {3, 4}}));
    assert_non_null(strstr(text, "reshape  (op)     (6, 2)"));
    assert_non_null(strstr(text, "w        (state)  (2,)"));
    luron_text_free(ctx, text);
    luron_tensor *none;
    assert_ok(ctx, luron_tensor_full(&none, ctx, LURON_F32, 0, NULL, 1));
    assert_fails(ctx, luron_model_run(&none, ctx, m, 1, &none), LURON_E_SHAPE, "has no dims");
    luron_tensor_unref(none);
    luron_model_unref(m);
    luron_model_unref(back);
}

static void test_model_ops_hostile_json(void **state) {
    luron_ctx *ctx = *state;
    static const struct bad {
        const char *json, *part;
        luron_status status;
    } bad[] = {
        {GRAPH(NODE("frob", ""), "1"), "'frob' is not known here", LURON_E_VERSION},
        {GRAPH(NODE("nonzero", ""), "1"), "depends on the numbers", LURON_E_UNSUPPORTED},
        {GRAPH(NODE("layer", ""), "1"), "not known", LURON_E_VERSION},
        {GRAPH(NODE("softmax", ""), "1"), "'dim' is missing", LURON_E_FORMAT},
        {GRAPH(NODE("softmax", ",\"dim\":0.5"), "1"), "dim: integer expected", LURON_E_FORMAT},
        {GRAPH(NODE("softmax", ",\"dim\":{\"batch\":1},\"batch\":[0,0]"), "1"), "integer expected", LURON_E_FORMAT},
        {GRAPH(NODE("softmax", ",\"dim\":0,\"base\":1"), "1"), "no attribute 'base'", LURON_E_FORMAT},
        {GRAPH(NODE("argmax", ",\"dims\":[0],\"keepdim\":0"), "1"), "keepdim: boolean expected", LURON_E_FORMAT},
        {GRAPH(NODE("sum", ",\"dims\":[8],\"keepdim\":true"), "1"), "dims: list of", LURON_E_FORMAT},
        {GRAPH(NODE("sum", ",\"dims\":[1,1],\"keepdim\":true"), "1"), "dims: list of", LURON_E_FORMAT},
        {GRAPH(NODE("reshape", ",\"shape\":[1,1,1,1,1,1,1,1,1]"), "1"), "shape: list of at most 8", LURON_E_FORMAT},
        {GRAPH(NODE("reshape", ",\"shape\":[{\"batch\":1}]"), "1"), "nothing says what the batch size is",
         LURON_E_FORMAT},
        {GRAPH(NODE("reshape", ",\"shape\":[{\"batch\":1}],\"batch\":[1,0]"), "1"), "no value made before",
         LURON_E_FORMAT},
        {GRAPH(NODE("reshape", ",\"shape\":[{\"batch\":1}],\"batch\":[-1,0]"), "1"), "a value expected",
         LURON_E_FORMAT},
        {GRAPH(NODE("pad", ",\"before\":[1],\"after\":[1,2],\"value\":0"), "1"), "as many expected", LURON_E_FORMAT},
        {GRAPH(NODE("cast", ",\"dtype\":\"int3\""), "1"), "name of a dtype expected", LURON_E_FORMAT},
        {GRAPH(NODE("scale", ",\"times\":\"huge\",\"plus\":0"), "1"), "times: number expected", LURON_E_FORMAT},
        {GRAPH("{\"op\":\"add\",\"inputs\":[[0,0]]}", "1"), "2 operands expected, got 1", LURON_E_FORMAT},
        {GRAPH("{\"op\":\"add\",\"inputs\":[[0,0],[-1,0]]}", "1"), "no value made before", LURON_E_FORMAT},
        {GRAPH("{\"op\":\"add\",\"inputs\":[[0,0],[1,0]]}", "1"), "no value made before", LURON_E_FORMAT},
        {GRAPH("{\"tensor\":\"v\"}", "1"), "there is no tensor 'v'", LURON_E_FORMAT},
        {GRAPH("{\"tensor\":\"w\",\"inputs\":[]}", "1"), "unknown member 'inputs'", LURON_E_FORMAT},
        {GRAPH("{\"number\":\"one\"}", "1"), "number expected", LURON_E_FORMAT},
        {GRAPH("{\"number\":{\"batch\":1}}", "1"), "no value made before", LURON_E_FORMAT},
        {GRAPH("{\"number\":1,\"batch\":[0,0]}", "1"), "nothing depends on 'batch'", LURON_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        luron_model *m = NULL;
        assert_fails(ctx, luron_model_from_json(&m, ctx, bad[i].json), bad[i].status, bad[i].part);
        assert_null(m);
    }
}

/* A file asks for a tensor that it does not have, or not so large: refused before memory is taken. */
static void test_model_ops_tensors_have_to_be_in_the_file(void **state) {
    luron_ctx *ctx = *state;
    static const char *const shapes[] = {"[1099511627776,1024]", "[2,2]", "[9223372036854775807]"};
    for (int i = 0; i < 4; i++) {
        char json[400];
        luron_checkpoint *c;
        luron_model *m;
        luron_tensor *t = tensor_row(ctx, LURON_F32, 1, 2, 3);
        snprintf(
            json, sizeof json,
            "{\"layers\":[],\"inputs\":[],\"nodes\":[{\"tensor\":\"w\"}],\"outputs\":[[0,0]],\"tensors\":[{\"path\":"
            "\"w\",\"kind\":\"state\",\"dtype\":\"float32\",\"shape\":%s}]}",
            i < 3 ? shapes[i] : "[3]");
        assert_ok(ctx, luron_checkpoint_new(&c, ctx));
        if (i != 2) assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, i < 3 ? "state/w" : "state/other", t));
        assert_fails(ctx, luron__model_of_file(&m, ctx, json, c), LURON_E_MISMATCH, "state/w");
        luron_checkpoint_free(c);
        luron_tensor_unref(t);
    }
}

/* Bytes of a sound architecture changed by chance: refused, or a model that runs or is refused. */
static void test_model_ops_mutated_json(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m = residual(ctx);
    uint64_t chance = 88172645463325252u;
    char *sound;
    int made = 0;
    assert_ok(ctx, luron_model_to_json(&sound, ctx, m));
    size_t n = strlen(sound), from = (size_t)(strstr(sound, "\"nodes\"") - sound);
    char *text = malloc(n + 1);
    assert_non_null(text);
    luron_tensor *x = rows(ctx, 2);
    luron_ctx_set_recording(ctx, 0);
    for (int i = 0; i < 6000; i++) {
        static const char some[] = "0123456789-1.[]{}\",:etaubn ";
        luron_model *other;
        luron_tensor *y;
        memcpy(text, sound, n + 1);
        for (int k = 0; k < 1 + i % 3; k++) {
            chance ^= chance << 13, chance ^= chance >> 7, chance ^= chance << 17;
            char *at = &text[from + (chance >> 8) % (n - from)];
            bool digit = *at >= '0' && *at <= '9'; /* another one may make another sound model */
            if (digit || i % 4 == 0) *at = some[(chance >> 50) % (digit ? 10 : sizeof some - 1)];
        }
        if (luron_model_from_json(&other, ctx, text)) {
            assert_true(*luron_ctx_error(ctx) != 0);
            continue;
        }
        made++;
        if (!luron_model_run(&y, ctx, other, 1, &x)) luron_tensor_unref(y);
        luron_model_unref(other);
    }
    luron_ctx_set_recording(ctx, 1);
    assert_true(made > 300);
    luron_tensor_unref(x);
    luron_text_free(ctx, sound);
    luron_model_unref(m);
    free(text);
}

/* ---- memory and threads ---------------------------------------------------------------------------------------------
 */
static void test_model_ops_when_memory_is_short(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m = residual(ctx);
    luron_tensor *x = rows(ctx, 2);
    char *sound;
    assert_ok(ctx, luron_model_to_json(&sound, ctx, m));
    luron_status status = LURON_E_NOMEM;
    for (int64_t k = 1; status; k++) {
        luron_model *made = NULL, *copy = NULL, *whole = NULL;
        luron_value v, out;
        luron_tensor *y = NULL;
        int64_t before = luron_ctx_live_bytes(ctx);
        luron_ctx_fail_alloc(ctx, k, 0);
        status = luron_model_from_json(&made, ctx, sound);
        if (!status) status = luron_model_clone(&copy, ctx, made);
        if (!status) status = luron_model_new(&whole, ctx);
        if (!status) status = luron_model_input(&v, ctx, whole, NULL);
        if (!status) status = luron_model_include(&out, ctx, whole, "a", copy, 1, &v);
        if (!status) status = luron_model_run(&y, ctx, whole, 1, &x);
        luron_ctx_fail_alloc(ctx, 0, 0);
        if (status) assert_int_equal(status, LURON_E_NOMEM);
        luron_tensor_unref(y);
        luron_model *all[] = {made, copy, whole};
        for (int i = 0; i < 3; i++)
            luron_model_unref(all[i]);
        assert_int_equal(luron_ctx_live_bytes(ctx), before);
        assert_true(k < 3000);
    }
    luron_text_free(ctx, sound);
    luron_tensor_unref(x);
    luron_model_unref(m);
}

typedef struct job {
    luron_model *model;
    const float *expect;
    int wrong;
} job;
static void *thread(void *ud) {
    job *j = ud;
    luron_ctx *ctx;
    j->wrong = luron_ctx_new(&ctx, NULL, NULL) != LURON_OK;
    if (j->wrong) return NULL;
    luron_ctx_set_recording(ctx, 0);
    luron_tensor *x = rows(ctx, 3), *y;
    for (int i = 0; i < 200 && !j->wrong; i++) {
        j->wrong = luron_model_run(&y, ctx, j->model, 1, &x) != LURON_OK;
        if (j->wrong) break;
        j->wrong = memcmp(luron_tensor_data(y), j->expect, 18 * sizeof(float)) != 0;
        luron_tensor_unref(y);
    }
    luron_tensor_unref(x);
    luron_ctx_free(ctx);
    return NULL;
}

static void test_model_ops_in_several_threads(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m = residual(ctx);
    luron_model_set_training(m, 0);
    luron_tensor *x = rows(ctx, 3), *y = run1(ctx, m, x);
    pthread_t threads[4];
    job jobs[4];
    for (int i = 0; i < 4; i++) {
        jobs[i] = (job){m, luron_tensor_data(y), 0};
        assert_int_equal(pthread_create(&threads[i], NULL, thread, &jobs[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_false(jobs[i].wrong);
    }
    luron_tensor_unref(x);
    luron_tensor_unref(y);
    luron_model_unref(m);
}

/* Sixty nodes that each double their input. */
static void test_model_ops_within_a_limit_of_memory(void **state) {
    luron_ctx *ctx = *state;
    char json[8000] = "{\"name\": \"model\", \"layers\": [], \"inputs\": [\"input\"], \"nodes\": [";
    luron_model *m;
    luron_tensor *x = rows(ctx, 2), *y = NULL;
    for (int i = 0; i < 60; i++)
        luron__append(json, sizeof json, "%s{\"op\": \"cat\", \"dim\": 0, \"inputs\": [[%d, 0], [%d, 0]]}", i ? ", " : "", i, i);
    luron__append(json, sizeof json, "], \"outputs\": [[60, 0]], \"shared\": []}");
    assert_ok(ctx, luron_model_from_json(&m, ctx, json));
    const int64_t blocks = luron_ctx_live_blocks(ctx);
    assert_ok(ctx, luron_ctx_set_memory_limit(ctx, 16 << 20));
    assert_fails(ctx, luron_model_run(&y, ctx, m, 1, &x), LURON_E_NOMEM, "are held, the limit is 16777216");
    assert_ok(ctx, luron_ctx_set_memory_limit(ctx, 0));
    assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    luron_tensor_unref(x);
    luron_model_unref(m);
}

static void test_model_ops_of_absent_inputs(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m;
    luron_value v[2];
    luron_tensor *ins[2] = {rows(ctx, 2), NULL}, *y;
    assert_ok(ctx, luron_model_new(&m, ctx));
    for (int i = 0; i < 2; i++)
        assert_ok(ctx, luron_model_input(&v[i], ctx, m, NULL));
    op(ctx, m, "add", 0, NULL, 2, v);
    assert_fails(ctx, luron_model_run(&y, ctx, m, 2, ins), LURON_E_ARGUMENT,
                 "operand 1 of op 'add' is an input that is absent");
    luron_tensor_unref(ins[0]);
    luron_model_unref(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_model_ops_run_like_the_functions),
        test_case(test_model_ops_names_and_counts),
        test_case(test_model_ops_dtype),
        test_case(test_model_ops_are_refused),
        test_case(test_model_ops_clone_and_include),
        test_case(test_model_ops_in_a_file),
        test_case(test_model_ops_multiples_of_the_batch),
        test_case(test_model_ops_hostile_json),
        test_case(test_model_ops_tensors_have_to_be_in_the_file),
        test_case(test_model_ops_mutated_json),
        test_case(test_model_ops_when_memory_is_short),
        test_case(test_model_ops_within_a_limit_of_memory),
        test_case(test_model_ops_of_absent_inputs),
        test_case(test_model_ops_in_several_threads),
    };
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
