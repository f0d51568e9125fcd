/* test_model_json.c -- models as JSON, what is refused of it, and the summary. */
#include "graph_types.h"

static void test_model_json_there_and_back(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m = rich(ctx), *copy;
    char *json;
    assert_ok(ctx, luron_model_to_json(&json, ctx, m));
    assert_non_null(strstr(json,
                           "{\"path\": \"head.tied\", \"type\": \"Affine\", \"plugin\": \"graphtest\", \"plugin_version\": \"3.1\", \"data_version\": 2, \"dtype\": \"float32\", "
                                 "\"options\": {\"in\": 3, \"out\": 4, \"bias\": false}}"));
    assert_non_null(strstr(json, "\"shared\": [[\"affine1/weight\", \"head.tied/weight\"]]"));
    assert_non_null(strstr(json, "\"outputs\": [[5, 0], [6, 0]]"));
    assert_non_null(strstr(json, "\"inputs\": [[5, 0], [-1, 0]]"));
    assert_ok(ctx, luron_model_from_json(&copy, ctx, json));
    assert_same_graph(ctx, m, copy);
    assert_int_equal(luron_model_n_nodes(copy), 7);
    luron_model_unref(copy);
    luron_text_free(ctx, json);
    assert_ok(ctx, luron_model_set_dtype(ctx, luron_model_ref(m), LURON_F32));
    luron_model_unref(m);
    luron_model_unref(m);
}

/* ---- JSON that is refused -------------------------------------------------------------------------------------- */
#define LAYER_OF(path, more)                                                                                            \
    "{\"path\": \"" path "\", \"type\": \"Affine\", \"plugin\": \"graphtest\", \"plugin_version\": \"1\", "                        \
    "\"data_version\": 2, \"dtype\": \"float32\", \"options\": {\"in\": 2, \"out\": 2}" more "}"
#define MODEL_OF(layers, inputs, nodes, outputs, more)                                                                  \
    "{\"name\": \"m\", \"layers\": [" layers "], \"inputs\": [" inputs "], \"nodes\": [" nodes "], "                               \
    "\"outputs\": [" outputs "]" more "}"
#define NODE_OF(layer, ins) "{\"layer\": \"" layer "\", \"inputs\": [" ins "]}"
#define GOOD LAYER_OF("a", "")
#define ONE_LAYER(type, plugin, data_version, dtype, options)                                                          \
    MODEL_OF("{\"path\": \"a\", \"type\": \"" type "\", \"plugin\": \"" plugin "\", \"plugin_version\": \"9\", "              \
             "\"data_version\": " data_version ", \"dtype\": \"" dtype "\", \"options\": " options "}", "", "", "", "")

static void test_model_json_refused(void **state) {
    luron_ctx *ctx = *state;
    static const struct {
        const char *json;
        luron_status status;
        const char *text;
    } cases[] = {
        { "", LURON_E_FORMAT, "architecture: JSON line 1" },
        { "[]", LURON_E_FORMAT, "the whole: object expected" },
        { "{}", LURON_E_FORMAT, "'layers': list expected, it is missing" },
        { MODEL_OF(GOOD, "\"x\"", NODE_OF("a", "[0, 0]"), "[1, 0]", ", \"code\": 1"), LURON_E_FORMAT,
          "the whole: unknown member 'code'" },
        { MODEL_OF(GOOD, "\"x\"", NODE_OF("a", "[0, 0]"), "", ""), LURON_E_FORMAT, "outputs: at least one expected" },
        { MODEL_OF(GOOD, "\"x\"", NODE_OF("a", "[0, 0]"), "[2, 0]", ""), LURON_E_FORMAT,
          "output: 0 is no value made before it: node 2" },
        { MODEL_OF(GOOD, "\"x\"", NODE_OF("a", "[0, 0]"), "[1]", ""), LURON_E_FORMAT,
          "outputs: [node, output] expected" },
        { MODEL_OF(GOOD, "\"x\"", NODE_OF("a", "[1, 0]"), "[1, 0]", ""), LURON_E_FORMAT,
          "node 1: layer 'a' = Affine: input: 0 is no value made before it: node 1" },
        { MODEL_OF(GOOD, "\"x\"", NODE_OF("a", "[-1, 0]"), "[1, 0]", ""), LURON_E_FORMAT,
          "input 0 ('input') cannot be absent" },
        { MODEL_OF(GOOD, "\"x\"", NODE_OF("a", "[-2, 0]"), "[1, 0]", ""), LURON_E_FORMAT, "there is no value [-2, 0]" },
        { MODEL_OF(GOOD, "\"x\"", NODE_OF("a", "[4294967296, 0]"), "[1, 0]", ""), LURON_E_FORMAT,
          "there is no value [4294967296, 0]" },
        { MODEL_OF(GOOD, "\"x\"", NODE_OF("a", "[0, 0.5]"), "[1, 0]", ""), LURON_E_FORMAT, "[node, output] expected" },
        { MODEL_OF(GOOD, "\"x\"", NODE_OF("b", "[0, 0]"), "[1, 0]", ""), LURON_E_FORMAT,
          "node 1: there is no layer 'b'" },
        { MODEL_OF(GOOD, "\"x\"", "7", "[1, 0]", ""), LURON_E_FORMAT, "node 1: object expected" },
        { MODEL_OF(GOOD, "\"x\"", "", "[0, 0]", ""), LURON_E_FORMAT, "1 of 1 layers stand at no node" },
        { MODEL_OF(GOOD, "\"x\", \"x\"", NODE_OF("a", "[0, 0]"), "[1, 0]", ""), LURON_E_FORMAT,
          "there is an input 'x' already" },
        { MODEL_OF(GOOD, "7", NODE_OF("a", "[0, 0]"), "[1, 0]", ""), LURON_E_FORMAT,
          "inputs: list of strings expected" },
        { MODEL_OF(GOOD ", " GOOD, "\"x\"", NODE_OF("a", "[0, 0]"), "[1, 0]", ""), LURON_E_FORMAT,
          "there are two of layer 'a'" },
        { MODEL_OF(LAYER_OF("a/b", ""), "\"x\"", NODE_OF("a/b", "[0, 0]"), "[1, 0]", ""), LURON_E_FORMAT,
          "has a '/' or a control character" },
        { MODEL_OF(LAYER_OF("a", ", \"lua\": \"os.exit()\""), "\"x\"", NODE_OF("a", "[0, 0]"), "[1, 0]", ""),
          LURON_E_FORMAT, "layer 'a': unknown member 'lua'" },
        { ONE_LAYER("Afine", "far", "0", "float32", "{}"), LURON_E_NOT_FOUND,
          "architecture: layer 'a' needs plugin 'far' 9: no layer type 'Afine'; did you mean 'Affine'?" },
        { ONE_LAYER("Affine", "graphtest", "3", "float32", "{}"), LURON_E_VERSION,
          "layer 'a' = Affine was saved with data version 3, plugin 'graphtest' 3.1 here has 2" },
        { ONE_LAYER("Affine", "graphtest", "2", "int64", "{}"), LURON_E_FORMAT,
          "dtype float32 or float64 expected, got 'int64'" },
        { ONE_LAYER("Affine", "graphtest", "2", "float32", "{\"in\": 0}"), LURON_E_FORMAT,
          "layer 'a': Affine: in: integer of at least 1 expected, got 0" },
        { MODEL_OF(GOOD, "\"x\"", NODE_OF("a", "[0, 0]"), "[1, 0]", ", \"shared\": [[\"a/weight\"]]"), LURON_E_FORMAT,
          "shared: lists of two names or more expected" },
        { MODEL_OF(GOOD, "\"x\"", NODE_OF("a", "[0, 0]"), "[1, 0]", ", \"shared\": [[\"a/weight\", \"b/weight\"]]"),
          LURON_E_FORMAT, "shared: there is no parameter 'b/weight'" },
        { MODEL_OF(GOOD, "\"x\"", NODE_OF("a", "[0, 0]"), "[1, 0]", ", \"shared\": [[\"a/weight\", \"a\"]]"),
          LURON_E_FORMAT, "shared: there is no parameter 'a'" },
        { MODEL_OF(GOOD, "\"x\"", NODE_OF("a", "[0, 0]"), "[1, 0]", ", \"shared\": [[\"a/weight\", \"a/bias\"]]"),
          LURON_E_SHAPE, "shared" },
        { MODEL_OF(GOOD, "\"x\"", NODE_OF("a", "[0, 0]"), "[1, 0]", ", \"shared\": 3"), LURON_E_FORMAT,
          "'shared': list expected" },
    };
    int64_t blocks = luron_ctx_live_blocks(ctx);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        luron_model *m = NULL;
        assert_fails(ctx, luron_model_from_json(&m, ctx, cases[i].json), cases[i].status, cases[i].text);
        assert_null(m);
    }
    assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    assert_fails(ctx, luron_model_from_json(NULL, ctx, NULL), LURON_E_ARGUMENT, "JSON expected, got NULL");
}

/* The model's own tensor becomes the weight of a layer too: before the layer comes, or by tying later. */
static luron_model *own_and_tied(luron_ctx *ctx, bool later) {
    luron_model *m;
    luron_value v[2];
    luron_layer *layer;
    luron_tensor *own;
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "Affine", "{\"in\": 2, \"out\": 2}"));
    own = later ? tensor_of(ctx, LURON_F32, 2, (int64_t[]){2, 2}, (double[]){1, 2, 3, 4}) : luron_tensor_ref(luron_layer_param(layer, 0));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, own, 1));
    assert_ok(ctx, luron_model_new(&m, ctx));
    assert_ok(ctx, luron_model_input(&v[0], ctx, m, NULL));
    assert_ok(ctx, luron_model_tensor(&v[1], ctx, m, "scale", own, 1));
    assert_ok(ctx, luron_model_op(&v[0], ctx, m, "matmul", 0, NULL, 2, v));
    assert_ok(ctx, luron_model_add(&v[0], ctx, m, "out", layer, 1, v));
    if (later) assert_ok(ctx, luron_layer_set_param(ctx, layer, 0, own));
    luron_tensor_unref(own);
    luron_layer_unref(layer);
    return m;
}

static void assert_own_is_tied(luron_ctx *ctx, luron_model *a, luron_model *b) {
    char name[64];
    luron_tensor *w = luron_model_param(b, 0, name, sizeof name);
    assert_string_equal(name, "out/weight");
    assert_ptr_equal(b->tensors[0].tensor, w);
    assert_null(luron_model_param(b, 2, NULL, 0)); /* the weight is there once, and the bias */
    const luron_tensor *x = luron_model_param(a, 0, NULL, 0);
    assert_memory_equal(luron_tensor_data(x), luron_tensor_data(w), 4 * sizeof(float));
    char *one, *other;
    assert_ok(ctx, luron_model_to_json(&one, ctx, a));
    assert_ok(ctx, luron_model_to_json(&other, ctx, b));
    assert_string_equal(one, other);
    luron_text_free(ctx, one);
    luron_text_free(ctx, other);
}

static void test_model_json_own_tensor_of_a_layer(void **state) {
    luron_ctx *ctx = *state;
    for (int later = 0; later < 2; later++) {
        luron_model *m = own_and_tied(ctx, later), *copy, *loaded = NULL;
        luron_checkpoint *c;
        assert_ok(ctx, luron_model_clone(&copy, ctx, m));
        assert_own_is_tied(ctx, m, copy);
        assert_ok(ctx, luron_checkpoint_new(&c, ctx));
        assert_ok(ctx, luron_checkpoint_set_model(c, ctx, m));
        assert_ok(ctx, luron_checkpoint_model(&loaded, ctx, c));
        assert_own_is_tied(ctx, m, loaded);
        luron_checkpoint_free(c);
        luron_model_unref(loaded);
        luron_model_unref(copy);
        luron_model_unref(m);
    }
}

static void test_model_summary_counts(void **state) {
    luron_ctx *ctx = *state;
    luron_model *m = chain(ctx);
    luron_value v = { 1, 0 }, w;
    char *text;
    assert_ok(ctx, luron_model_add(&w, ctx, m, NULL, luron_model_find(m, "affine2"), 1, &v));
    assert_ok(ctx, luron_model_freeze(ctx, m, "affine1/bias", 1));
    const luron_dims in = { LURON_F32, 2, { 500, 3 } };
    assert_ok(ctx, luron_model_summary(&text, ctx, m, 1, &in));
    assert_string_equal(text,
                        "layer          type         output shape  parameters   FLOPs\n"
                        "------------------------------------------------------------\n"
                        "input          (input)      (500, 3)\n"
                        "affine1        Affine       (500, 4)              16  12,000\n" /* 2 * 500 * 3 * 4 */
                        "halvely_relu1  HALVElyReLU  (500, 4)               0   2,000\n"
                        "affine2        Affine       (500, 2)              10   8,000\n"
                        "affine2        Affine       (500, 2)         (again)   8,000\n"
                        "------------------------------------------------------------\n"
                        "26 parameters, 22 of them trained; 30,000 FLOPs forward\n");
    luron_text_free(ctx, text);
    assert_ok(ctx, luron_model_summary(&text, ctx, m, 0, NULL));
    assert_null(strstr(text, "FLOPs"));
    assert_non_null(strstr(text, "26 parameters, 22 of them trained\n"));
    luron_text_free(ctx, text);
    const luron_dims wrong = { LURON_F32, 2, { 500, 5 } };
    assert_fails(ctx, luron_model_summary(&text, ctx, m, 1, &wrong), LURON_E_SHAPE, "affine1");
    assert_fails(ctx, luron_model_summary(&text, ctx, m, 2, &wrong), LURON_E_ARGUMENT,
                 "shapes of 1 input expected, got 2");
    const luron_dims none[] = { { 0, LURON_MAX_DIMS + 1, { 1 } }, { 0, 2, { -1, 3 } } };
    for (int i = 0; i < 2; i++)
        assert_fails(ctx, luron_model_summary(&text, ctx, m, 1, &none[i]), LURON_E_SHAPE, "summary: input '");
    luron_model_unref(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        model_test(test_model_json_there_and_back),
        model_test(test_model_json_refused),
        model_test(test_model_json_own_tensor_of_a_layer),
        model_test(test_model_summary_counts),
    };
    unsetenv("LURON_PLUGIN_PATH"); /* its own types are enough */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
