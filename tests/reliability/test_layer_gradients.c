/* test_layer_gradients.c -- R16: the gradients of every layer type of every plugin on the path, of inputs and
 * parameters, first and second order, in training and in eval mode, with every choice and boolean among its options. */
#include "bar.h"
#include "differences.h"
#include "tensor_assert.h"

#include "layer_table.h"

#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
enum { ROUNDS = 1, ROUNDS_LONG = 6 };
#else
enum { ROUNDS = 3, ROUNDS_LONG = 40 };
#endif

typedef struct counts {
    int64_t n, failures;
    int right_second, failed_second; /* of one type, to second order */
    double worst;
    const char *worst_at;
} counts;

static int collect(differences *d, const layer_bench *b) {
    d->n_x = generate_leaves(d->x, &b->g);
    for (int i = 0; i < luron_layer_n_params(b->layer); i++) {
        if (d->n_x == DIFFERENCES_MAX_X) return 0;
        d->x[d->n_x++] = luron_layer_param(b->layer, i);
    }
    return 1;
}

static void check_orders(luron_ctx *ctx, const char *type, const char *json, variant v, uint64_t seed, layer_bench *b,
                         counts *c) {
    int orders = v == 0 || bar_is_long() ? 2 : 1; /* second derivatives of sequences and images take long */
    for (int order = 1; order <= orders; order++) {
        differences d = {.fn = layer_apply_bench, .ud = b, .n_out = luron_layer_n_outs(b->layer), .seed = seed};
        int right = collect(&d, b) ? differences_check(&d, ctx, order) : 0;
        c->n++;
        if (order == 2) *(right > 0 ? &c->right_second : &c->failed_second) += 1;
        if (right <= 0) { /* refused: all built-in types have compose */
            c->failures++;
            print_error("%s %s %s, order %d, seed %llu: %s\n", type, json, variant_name(v), order,
                        (unsigned long long)seed, d.text);
        }
        if (d.worst > c->worst) c->worst = d.worst, c->worst_at = type;
    }
}

static void check_layer(luron_ctx *ctx, const luron_type *type, const layer_line *line, variant v, uint64_t seed,
                        counts *c) {
    layer_bench b;
    char json[1024];
    for (int i = 0;; i++) {
        if (!generate(&b.g, ctx, line->spec, v, seed, line->lo, line->hi, LURON_F64)) return;
        int more = layer_variation(json, sizeof json, type, line, b.g.size, i);
        luron_ctx_seed(ctx, seed);
        if (more && luron_layer_from_json(&b.layer, ctx, luron_type_name(type), json)) {
            print_error("%s %s: %s\n", luron_type_name(type), json, luron_ctx_error(ctx));
            c->n++, c->failures++, more = 0;
        } else if (more) {
            for (int training = 0; training < 2; training++) {
                luron_layer_set_training(b.layer, training);
                check_orders(ctx, luron_type_name(type), json, v, seed, &b, c);
            }
            luron_layer_unref(b.layer);
        }
        generate_free(&b.g);
        if (!more) return;
    }
}

static void test_layer_gradients_of_every_type(void **state) {
    luron_ctx *ctx = *state;
    bar b = bar_begin("R16", "gradients of layers and losses", 16), second_order = bar_begin("R16", "layers to second order", 16);
    counts c = {0};
    const luron_type *type;
    int rounds = bar_is_long() ? ROUNDS_LONG : ROUNDS, n_types = 0, without_second = 0;
#ifdef __SANITIZE_ADDRESS__
    const int n_variants = bar_is_long() ? N_VARIANTS : 1; /* it is eight times as slow */
#else
    const int n_variants = N_VARIANTS;
#endif
    assert_ok(ctx, luron_plugin_load_all(ctx));
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    for (; (type = luron_type_at(ctx, LURON_KIND_LAYER, n_types)); n_types++) {
        layer_line lines[LAYER_LINES_MAX];
        int n = layer_lines_of(lines, type);
        uint64_t seed = b.seed + (uint64_t)n_types * 1000;
        c.right_second = c.failed_second = 0;
        if (n == 0 || !(luron_type_flags(type) & LURON_LAYER_F64)) {
            print_error("%s of plugin %s: %s\n", luron_type_name(type), luron_type_plugin(type),
                        n ? "serves no float64" : "no line in tests/reliability/layer_table.h");
            c.n++, c.failures++;
            continue;
        }
        for (int r = 0; r < rounds; r++) {
            luron_ctx_set_index_base(ctx, r % 2);
            for (int l = 0; l < n; l++)
                for (int v = 0; v < n_variants; v++)
                    check_layer(ctx, type, &lines[l], (variant)v, seed++, &c);
        }
        without_second += c.failed_second || !c.right_second;
    }
    luron_ctx_set_index_base(ctx, 0);
    printf("%d types, worst error %.2g of max(gradient, 1), at %s\n", n_types, c.worst, c.worst_at);
    assert_true(n_types > 30);
    assert_int_equal(bar_end(&b, c.n, c.failures), 0);
    assert_int_equal(bar_end(&second_order, n_types, without_second), 0);
}

/* ---- second order where higher is off ---------------------------------------------------------------------------- */
typedef struct second {
    int right, refused, wrong; /* cases of one type */
} second;

/* The gradient of the gradient is right, or there is an error that names layer and type. */
static void check_second(luron_ctx *ctx, const luron_type *type, layer_bench *b, const char *json, uint64_t seed,
                         second *s) {
    char name[80];
    differences d = {
        .fn = layer_apply_bench, .ud = b, .n_out = luron_layer_n_outs(b->layer), .seed = seed, .no_higher = 1};
    snprintf(name, sizeof name, "layer '%s' = %s", luron_layer_name(b->layer), luron_type_name(type));
    int right = collect(&d, b) ? differences_check(&d, ctx, 2) : 0;
    if (right < 0 && !strstr(d.text, name)) right = 0;
    *(right > 0 ? &s->right : right < 0 ? &s->refused : &s->wrong) += 1;
    if (!right) print_error("%s %s, higher off: %s\n", luron_type_name(type), json, d.text);
}

static void check_type(luron_ctx *ctx, const luron_type *type, uint64_t seed, second *s) {
    layer_line lines[LAYER_LINES_MAX];
    int n = layer_lines_of(lines, type);
    for (int l = 0; l < n; l++)
        for (int training = 0; training < 2; training++) {
            layer_bench b;
            char json[1024];
            assert_true(generate(&b.g, ctx, lines[l].spec, PLAIN, seed, lines[l].lo, lines[l].hi, LURON_F64));
            layer_variation(json, sizeof json, type, &lines[l], b.g.size, 0);
            assert_ok(ctx, luron_layer_from_json(&b.layer, ctx, luron_type_name(type), json));
            assert_ok(ctx, luron_layer_set_name(ctx, b.layer, "here"));
            luron_layer_set_training(b.layer, training);
            check_second(ctx, type, &b, json, seed, s);
            luron_layer_unref(b.layer);
            generate_free(&b.g);
        }
}

static void test_layer_gradients_second_order_is_right_or_refused(void **state) {
    luron_ctx *ctx = *state;
    assert_ok(ctx, luron_plugin_load_all(ctx));
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    bar b = bar_begin("R16", "layers to second order, higher off", 16);
    const luron_type *type;
    int n = 0, right = 0, refused = 0, failures = 0;
    for (; (type = luron_type_at(ctx, LURON_KIND_LAYER, n)); n++) {
        second s = {0};
        check_type(ctx, type, b.seed + (uint64_t)n, &s);
        failures += s.wrong || !(s.right + s.refused);
        right += !s.wrong && !s.refused && s.right;
        refused += !s.wrong && s.refused;
    }
    printf("higher off: %d types are right, %d raise their error\n", right, refused);
    assert_true(n > 30);
    assert_int_equal(bar_end(&b, n, failures), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_layer_gradients_of_every_type),
                                       test_case(test_layer_gradients_second_order_is_right_or_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
