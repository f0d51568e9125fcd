/* test_options.c -- values for the options of a type: by name, by position, from JSON, and everything that is refused. */
#include "internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A type with an option of every kind. */
typedef struct every {
    int64_t count, axis, id;
    double rate;
    luron_ints size;
    const char *text;
    int32_t on, mode;
    luron_named_init init;
    luron_floats range;
} every;
static const char *const modes[] = { "none", "mean", "sum", NULL };
static void nothing(const luron_run *r) { (void)r; }
static const luron_option *const every_options[] = {
    LURON_OPT_INT_REQ(every, count, 1, 1e9, "how many"),
    LURON_OPT_FLOAT(every, rate, 0.5, 0, 1, "a share"),
    LURON_OPT_BOOL(every, on, 1, "a switch"),
    LURON_OPT_STRING(every, text, "abc", "a text"),
    LURON_OPT_CHOICE(every, mode, "mean", modes, "a choice"),
    LURON_OPT_INTS(every, size, 3, 1, 100, 2, 2, "a pair"),
    LURON_OPT_AXIS(every, axis, -1, "a dimension"),
    LURON_OPT_ID(every, id, -100, "a class"),
    LURON_OPT_INITIALISER(every, init, "first values"),
    LURON_OPT_FLOATS(every, range, 0.5, -1, 1, 1, 3, "one to three"),
    NULL,
};
static const luron_elementwise every_fn = { sizeof every_fn, 0, nothing, nothing };
static const luron_layer_type every_type = { .struct_size = sizeof every_type, .name = "Every",
                                             .options = every_options, .options_size = sizeof(every),
                                             .elementwise = &every_fn };
static const luron_layer_type plain_type = { .struct_size = sizeof plain_type, .name = "Plain",
                                             .elementwise = &every_fn };
static const luron_layer_type *const layers[] = { &every_type, &plain_type, NULL };
static const luron_plugin plugin = { .struct_size = sizeof plugin, .abi_major = LURON_ABI_MAJOR, .name = "options",
                                     .version = "1", .layers = layers };

static luron_ctx *ctx;
static const luron_type *type, *plain;

static int setup(void **state) {
    (void)state;
    return luron_ctx_new(&ctx, NULL, NULL) || luron_plugin_add(ctx, &plugin, NULL) ||
        luron_type_find(&type, ctx, LURON_KIND_LAYER, "Every") ||
           luron_type_find(&plain, ctx, LURON_KIND_LAYER, "Plain");
}
static int teardown(void **state) {
    (void)state;
    luron_ctx_free(ctx);
    return 0;
}

#define INTEGER(n, v) { .name = n, .kind = LURON_ARG_INTEGER, .integer = v }
#define NUMBER(n, v) { .name = n, .kind = LURON_ARG_NUMBER, .number = v }
#define BOOLEAN(n, v) { .name = n, .kind = LURON_ARG_BOOLEAN, .integer = v }
#define STRING(n, v) { .name = n, .kind = LURON_ARG_STRING, .string = v }
#define LIST(n, ...) { .name = n, .kind = LURON_ARG_INTS, .ints = { __VA_ARGS__ } }
#define REALS(n, ...) { .name = n, .kind = LURON_ARG_FLOATS, .floats = { __VA_ARGS__ } }
#define COUNT(a) (int)(sizeof(a) / sizeof *(a))

static void test_options_by_name(void **state) {
    (void)state;
    const luron_arg args[] = { INTEGER("id", 4), LIST("size", 2, { 5, 6 }), STRING("mode", "sum"),
                               STRING("text", "h\xc3\xa9"), BOOLEAN("on", 0), NUMBER("rate", 0.25),
                               INTEGER("axis", 1), INTEGER("count", 7), REALS("range", 2, { -0.25, 1 }) };
    void *p;
    assert_int_equal(luron__options_new(&p, ctx, type, "Every", NULL, COUNT(args), args), LURON_OK);
    const every *o = p;
    assert_int_equal(o->count, 7);
    assert_int_equal(o->id, 4);
    assert_int_equal(o->axis, 1);
    assert_true(o->rate == 0.25);
    assert_int_equal(o->on, 0);
    assert_int_equal(o->mode, 2);
    assert_string_equal(o->text, "h\xc3\xa9");
    assert_int_equal(o->size.n, 2);
    assert_int_equal(o->size.at[1], 6);
    assert_int_equal(o->range.n, 2);
    assert_true(o->range.at[0] == -0.25 && o->range.at[1] == 1 && o->range.at[2] == 0);
    luron__options_free(ctx->pool, type, p);
}

static void test_options_by_position_and_defaults(void **state) {
    (void)state;
    const luron_arg args[] = { NUMBER(NULL, 7.0), INTEGER(NULL, 1), INTEGER("size", 9) };
    void *p;
    assert_int_equal(luron__options_new(&p, ctx, type, "Every", NULL, COUNT(args), args), LURON_OK);
    const every *o = p;
    assert_int_equal(o->count, 7); /* 7.0 is an integer */
    assert_true(o->rate == 1);
    assert_int_equal(o->on, 1);
    assert_string_equal(o->text, "abc");
    assert_int_equal(o->mode, 1);
    assert_int_equal(o->axis, -1);
    assert_int_equal(o->id, -100);
    assert_int_equal(o->size.n, 2); /* one number is repeated */
    assert_int_equal(o->size.at[0], 9);
    assert_int_equal(o->size.at[1], 9);
    assert_int_equal(o->range.n, 1);
    assert_true(o->range.at[0] == 0.5);
    luron__options_free(ctx->pool, type, p);
}

static void test_options_refused(void **state) {
    (void)state;
    const struct {
        luron_arg arg;
        const char *text;
    } cases[] = {
        { INTEGER("count", -3), "Every: count: integer of at least 1 expected, got -3" },
        { NUMBER("count", 1.5), "Every: count: integer of at least 1 expected, got 1.5" },
        { NUMBER("count", 1e300), "Every: count: integer of at least 1 expected, got 1e+300" },
        { NUMBER("count", NAN), "Every: count: integer of at least 1 expected, got nan" },
        { STRING("count", "3"), "Every: count: integer of at least 1 expected, got '3'" },
        { BOOLEAN("count", 1), "Every: count: integer of at least 1 expected, got true" },
        { NUMBER("rate", 1.01), "Every: rate: number from 0 to 1 expected, got 1.01" },
        { NUMBER("rate", NAN), "Every: rate: number from 0 to 1 expected, got nan" },
        { STRING("rate", "inf"), "Every: rate: number from 0 to 1 expected, got 'inf'" },
        { INTEGER("on", 1), "Every: on: true or false expected, got 1" },
        { INTEGER("text", 1), "Every: text: a string expected, got 1" },
        { STRING("text", "\xff"), "Every: text: a string of UTF-8 expected" },
        { STRING("mode", "men"), "Every: mode: one of 'none', 'mean', 'sum' expected, got 'men'" },
        { STRING("mode", NULL), "Every: mode: one of 'none', 'mean', 'sum' expected, got nothing" },
        { LIST("size", 3, { 1, 2, 3 }),
          "Every: size: integer from 1 to 100 or list of 2 such expected, got { 1, 2, 3 }" },
        { LIST("size", 2, { 1, 101 }),
          "Every: size: integer from 1 to 100 or list of 2 such expected, got { 1, 101 }" },
        { LIST("size", 0, { 0 }), "Every: size: integer from 1 to 100 or list of 2 such expected, got { }" },
        { LIST("size", 99, { 0 }),
          "Every: size: integer from 1 to 100 or list of 2 such expected, got { 0, 0, 0, 0, 0, 0, 0, 0 }" },
        { REALS("size", 2, { 1.5, 2 }),
          "Every: size: integer from 1 to 100 or list of 2 such expected, got { 1.5, 2 }" },
        { REALS("range", 2, { 0.5, 1.25 }),
          "Every: range: number from -1 to 1 or list of 1 to 3 such expected, got { 0.5, 1.25 }" },
        { REALS("range", 1, { NAN }), "Every: range: number from -1 to 1 or list of 1 to 3 such expected, got { nan }" },
        { REALS("range", 9, { 0 }),
          "Every: range: number from -1 to 1 or list of 1 to 3 such expected, got { 0, 0, 0, 0, 0, 0, 0, 0 }" },
        { LIST("range", 4, { 0 }), "Every: range: number from -1 to 1 or list of 1 to 3 such expected, got { 0, 0, 0, 0 }" },
        { STRING("range", "inf"), "Every: range: number from -1 to 1 or list of 1 to 3 such expected, got 'inf'" },
        { NUMBER("axis", 0.5), "Every: axis: integer expected, got 0.5" },
        { INTEGER("coutn", 1),
          "Every: unknown option 'coutn', did you mean 'count'?; valid: count, rate, on, text, mode, size, axis, id, init, range" },
        { INTEGER("zzz", 1), "Every: unknown option 'zzz'; valid: count, rate, on, text, mode, size, axis, id, init, range" },
        { { .name = "count", .kind = (luron_arg_kind)99 },
          "Every: count: integer of at least 1 expected, got an argument of unknown kind 99" },
    };
    int64_t blocks = luron_ctx_live_blocks(ctx);
    for (int i = 0; i < COUNT(cases); i++) {
        void *p = &p;
        assert_int_equal(luron__options_new(&p, ctx, type, "Every", NULL, 1, &cases[i].arg), LURON_E_ARGUMENT);
        assert_string_equal(luron_ctx_error(ctx), cases[i].text);
        assert_ptr_equal(p, &p);
    }
    assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
}

static void expect(const luron_type *t, int n, const luron_arg *args, const char *text) {
    void *p;
    assert_int_equal(luron__options_new(&p, ctx, t, luron_type_name(t), NULL, n, args), LURON_E_ARGUMENT);
    assert_string_equal(luron_ctx_error(ctx), text);
}

static void test_options_missing_twice_too_many(void **state) {
    (void)state;
    const luron_arg twice[] = { INTEGER(NULL, 1), INTEGER("count", 2) }, one[] = { INTEGER(NULL, 1) };
    luron_arg many[11] = { INTEGER(NULL, 1), INTEGER(NULL, 1), BOOLEAN(NULL, 1), STRING(NULL, "a"), STRING(NULL, "sum"),
                          INTEGER(NULL, 1), INTEGER(NULL, 1), INTEGER(NULL, 1), STRING(NULL, "ones"),
                           NUMBER(NULL, 1), INTEGER(NULL, 1) };
    expect(type, 0, NULL, "Every: count: integer of at least 1 expected, got nothing");
    expect(type, 2, twice, "Every: count: given twice");
    expect(type, 11, many, "Every: 10 options expected at most, got 11");
    expect(plain, 1, one, "Plain: 0 options expected at most, got 1");
    const luron_arg named[] = { INTEGER("beta", 1) };
    expect(plain, 1, named, "Plain: unknown option 'beta'; valid: none, it has no options");
}

static void test_options_base_and_set(void **state) {
    (void)state;
    const luron_arg args[] = { INTEGER("count", 7), STRING("text", "mine"), STRING("init", "normal(0, 2)") }, change[] = { NUMBER("rate", 0.125) };
    void *p, *q;
    assert_int_equal(luron__options_new(&p, ctx, type, "Every", NULL, COUNT(args), args), LURON_OK);
    assert_int_equal(luron__options_new(&q, ctx, type, "Every", p, COUNT(change), change), LURON_OK);
    luron__options_free(ctx->pool, type, p); /* the copy has strings of its own */
    const every *o = q;
    assert_int_equal(o->count, 7);
    assert_true(o->rate == 0.125);
    assert_string_equal(o->text, "mine");
    assert_string_equal(o->init.text, "normal(0, 2)");
    assert_true(o->init.init.kind == LURON_INIT_NORMAL && o->init.init.b == 2);
    const luron_arg good = STRING("text", "other"), bad = NUMBER("rate", 2);
    assert_int_equal(luron__options_set(ctx, type, "Every", q, &good), LURON_OK);
    assert_string_equal(o->text, "other");
    assert_int_equal(luron__options_set(ctx, type, "Every", q, &bad), LURON_E_ARGUMENT);
    assert_true(o->rate == 0.125);
    luron__options_free(ctx->pool, type, q);
}

static void test_options_text(void **state) {
    (void)state;
    const luron_arg args[] = { INTEGER("count", 7), NUMBER("rate", 0.1) };
    char buf[300], small[12];
    void *p, *q;
    assert_int_equal(luron__options_new(&p, ctx, type, "Every", NULL, COUNT(args), args), LURON_OK);
    assert_int_equal(luron__options_new(&q, ctx, plain, "Plain", NULL, 0, NULL), LURON_OK);
    assert_string_equal(luron__options_text(buf, sizeof buf, ctx, type, p),
                        "Every { count = 7, rate = 0.1, on = true, text = 'abc', mode = 'mean', size = { 3, 3 }, axis = -1, id = -100, range = { 0.5 } }");
    luron_ctx_set_index_base(ctx, 1); /* places alone count from it; those from the end, and "none", are what they are */
    const luron_arg places[] = { INTEGER("axis", 1), INTEGER("id", 0) };
    assert_int_equal(luron__options_set(ctx, type, "Every", p, &places[0]), LURON_OK);
    assert_int_equal(luron__options_set(ctx, type, "Every", p, &places[1]), LURON_OK);
    assert_non_null(strstr(luron__options_text(buf, sizeof buf, ctx, type, p), "size = { 3, 3 }, axis = 2, id = 1, range = { 0.5 } }"));
    assert_int_equal(luron__options_get(type, p, 6).integer, 1);
    luron_ctx_set_index_base(ctx, 0);
    assert_string_equal(luron__options_text(small, sizeof small, ctx, type, p), "Every { cou");
    assert_string_equal(luron__options_text(buf, sizeof buf, ctx, plain, q), "Plain");
    luron__options_free(ctx->pool, type, p);
    luron__options_free(ctx->pool, plain, q);
}

static void test_options_json_there_and_back(void **state) {
    (void)state;
    luron_arg *args;
    int n;
    void *p, *q;
    assert_int_equal(luron__args_from_text(&args, &n, ctx,
                                           "{\"count\": 3, \"rate\": 0.1, \"on\": false, \"text\": null, \"mode\": \"sum\", \"size\": [4, 5], \"range\": [-1, 0.1]}"), LURON_OK);
    assert_int_equal(n, 6);
    assert_int_equal(luron__options_new(&p, ctx, type, "Every", NULL, n, args), LURON_OK);
    luron__args_free(ctx, args, n);
    void *json = luron__options_to_json(type, p);
    assert_non_null(json);
    assert_int_equal(luron__args_from_json(&args, &n, ctx, json), LURON_OK);
    assert_int_equal(n, 9);
    assert_int_equal(luron__options_new(&q, ctx, type, "Every", NULL, n, args), LURON_OK);
    luron__args_free(ctx, args, n);
    luron__json_free(json);
    const every *a = p, *b = q;
    assert_true(a->count == 3 && b->count == 3 && a->rate == b->rate && a->on == 0 && b->on == 0 && b->mode == 2 &&
                b->size.at[1] == 5 && b->range.n == 2 && b->range.at[0] == -1 && b->range.at[1] == 0.1 && b->axis == -1 && b->id == -100);
    assert_string_equal(b->text, "abc");
    luron__options_free(ctx->pool, type, p);
    luron__options_free(ctx->pool, type, q);
}

static void test_options_json_refused(void **state) {
    (void)state;
    static const struct {
        const char *json;
        luron_status status;
        const char *text;
    } cases[] = {
        { "[1]", LURON_E_ARGUMENT, "options: a JSON object expected" },
        { "{\"a\": 1", LURON_E_FORMAT, "options: JSON line 1 column 7: " },
        { "{\"a\": 1, \"a\": 2}", LURON_E_FORMAT, "options: JSON line 1 column 12: duplicate object key" },
        { "{\"a\": {}}", LURON_E_ARGUMENT,
          "option 'a': number, string, boolean or list of numbers expected, got an object" },
        { "{\"a\": [1, 2, 3, 4, 5, 6, 7, 8, 9]}", LURON_E_ARGUMENT,
          "option 'a': list of at most 8 numbers expected, got 9" },
        { "{\"a\": [1.5, true]}", LURON_E_ARGUMENT, "option 'a': list of numbers expected" },
        { "{\"a\": 1e999}", LURON_E_FORMAT, "options: JSON line 1" },
        { "{\"a\": \"\xff\"}", LURON_E_FORMAT, "options: JSON line 1" },
        { "", LURON_E_FORMAT, "options: JSON line 1" },
    };
    int64_t blocks = luron_ctx_live_blocks(ctx);
    luron_arg *args;
    int n;
    for (int i = 0; i < COUNT(cases); i++) {
        assert_int_equal(luron__args_from_text(&args, &n, ctx, cases[i].json), cases[i].status);
        assert_int_equal(strncmp(luron_ctx_error(ctx), cases[i].text, strlen(cases[i].text)), 0);
    }
    static char deep[200001];
    memset(deep, '[', sizeof deep - 1);
    assert_int_equal(luron__args_from_text(&args, &n, ctx, deep), LURON_E_FORMAT);
    assert_string_equal(luron_ctx_error(ctx), "options: JSON is nested deeper than 64");
    assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
}

static void test_options_infinity_in_json(void **state) {
    (void)state;
    typedef struct wide { double limit; } wide;
    static const luron_option limit = { sizeof limit, LURON_FLOAT, 0, offsetof(wide, limit), "limit", NULL, INFINITY, 0,
                                        0, NULL, NULL, 0, 0 };
    static const luron_option *const options[] = { &limit, NULL };
    static const luron_layer_type wide_type = { .struct_size = sizeof wide_type, .name = "Wide", .options = options,
                                                .options_size = sizeof(wide), .elementwise = &every_fn };
    static const luron_layer_type *const list[] = { &wide_type, NULL };
    static const luron_plugin one = { .struct_size = sizeof one, .abi_major = LURON_ABI_MAJOR, .name = "wide",
                                      .version = "1", .layers = list };
    const luron_type *t;
    luron_arg *args;
    void *p, *q;
    int n;
    assert_int_equal(luron_plugin_add(ctx, &one, NULL), LURON_OK);
    assert_int_equal(luron_type_find(&t, ctx, LURON_KIND_LAYER, "Wide"), LURON_OK);
    assert_int_equal(luron__options_new(&p, ctx, t, "Wide", NULL, 0, NULL), LURON_OK);
    void *json = luron__options_to_json(t, p);
    assert_non_null(json);
    assert_int_equal(luron__args_from_json(&args, &n, ctx, json), LURON_OK);
    luron__json_free(json);
    assert_int_equal(luron__options_new(&q, ctx, t, "Wide", NULL, n, args), LURON_OK);
    luron__args_free(ctx, args, n);
    assert_true(((wide *)q)->limit == INFINITY);
    luron__options_free(ctx->pool, t, p);
    luron__options_free(ctx->pool, t, q);
}

/* Fail every allocation in turn: NOMEM, nothing left behind, and the same call then works. */
static void test_options_out_of_memory(void **state) {
    (void)state;
    const char *json = "{\"count\": 3, \"text\": \"t\", \"mode\": \"sum\", \"rate\": null}";
    int failures = 0;
    for (int k = 1;; k++) {
        int64_t blocks = luron_ctx_live_blocks(ctx);
        luron_arg *args = NULL;
        int n = 0;
        void *p = NULL;
        luron_ctx_fail_alloc(ctx, k, 0);
        luron_status status = luron__args_from_text(&args, &n, ctx, json);
        if (status == LURON_OK) status = luron__options_new(&p, ctx, type, "Every", NULL, n, args);
        luron_ctx_fail_alloc(ctx, 0, 0);
        luron__args_free(ctx, args, n);
        luron__options_free(ctx->pool, type, p);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
        if (status == LURON_OK) break;
        assert_int_equal(status, LURON_E_NOMEM);
        failures++;
    }
    assert_true(failures >= 6);
}

/* Programs that embed the library pass these by value: they may gain no byte while it is libluron.so.0. */
_Static_assert(sizeof(luron_arg) == 112, "luron_arg has another size");

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_options_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_options_by_position_and_defaults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_options_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_options_missing_twice_too_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_options_base_and_set, setup, teardown),
        cmocka_unit_test_setup_teardown(test_options_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_options_json_there_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_options_json_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_options_infinity_in_json, setup, teardown),
        cmocka_unit_test_setup_teardown(test_options_out_of_memory, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
