/* Element-wise work of a plan in tiles: a layer that tells what it has made and what it is about to read, with
 * activations and a sum around it. The bits are those of the step that is computed, and who tells wrongly gets no
 * tiles. Before cmocka.h, whose macro `fail` would take the place of host->fail. */
#define LURON_PLUGIN_STATIC
#include "luron/plugin.h"

#include <stdio.h>

/* y = 2 x, told as its option says. */
typedef struct teller {
    int32_t how;
} teller;
enum { ALL, PIECES, NEVER, LESS, TWICE, BEYOND, LATER };
static const char *const ways[] = {"all", "pieces", "never", "less", "twice", "beyond", "later", NULL};
static int runs; /* of forward: LATER tells of less from the third on */

static void twice(luron_call *c, const luron_view *from, luron_view *to, void (*before)(luron_call *, int64_t, int64_t),
                  void (*after)(luron_call *, int64_t, int64_t)) {
    const int how = ((const teller *)luron_options(c))->how;
    const int64_t n = luron_numel(from), each = how == PIECES || how == LESS ? 3 : n;
    for (int64_t at = 0; at < n; at += each) {
        const int64_t m = n - at < each ? n - at : each, told = how == LATER && runs > 2 ? m - 1 : m;
        const int is_told = how != NEVER && !(how == LESS && at == 3);
        if (is_told && before) before(c, at, told);
        for (int64_t i = at; i < at + m; i++)
            luron_f32(to)[i] = 2 * luron_f32(from)[i];
        if (is_told && after) after(c, at, told);
        if (how == TWICE && after) after(c, at, m);
    }
    if (how == BEYOND && after) after(c, n, 1);
}
static luron_status forward(luron_call *c) {
    runs++;
    twice(c, luron_in(c, 0), luron_out(c, 0), NULL, c->host->made);
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    double beta;
    luron_view *gx = luron_grad_in_beta(c, 0, &beta);
    if (!gx) return LURON_OK;
    if (beta != 0) return luron_fail(c, LURON_E_UNSUPPORTED, "adds to a gradient");
    twice(c, luron_grad_out(c, 0), gx, c->host->wants, NULL);
    return LURON_OK;
}
static const luron_option *const teller_options[] = {LURON_OPT_CHOICE(teller, how, "all", ways, "what is told"), NULL};
static const luron_layer_type teller_type = {.struct_size = sizeof teller_type,
                                             .flags = LURON_LAYER_FREES_IN | LURON_LAYER_FREES_OUT,
                                             .name = "Teller",
                                             .options = teller_options,
                                             .options_size = sizeof(teller),
                                             .forward = forward,
                                             .backward = backward};

/* y = sum x^2, of which a plan may make the gradient too; runs counts what ran. */
static int sums, slopes, at_once;
static luron_status put_sum(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    float sum = 0;
    for (int64_t i = 0; i < luron_numel(x); i++)
        sum += luron_f32(x)[i] * luron_f32(x)[i];
    *luron_f32(luron_out(c, 0)) = sum;
    return LURON_OK;
}
static luron_status add_slopes(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    const float g = *luron_f32(luron_grad_out(c, 0));
    luron_view *gx = luron_grad_in(c, 0);
    for (int64_t i = 0; gx && i < luron_numel(x); i++)
        luron_f32(gx)[i] += 2 * g * luron_f32(x)[i];
    return LURON_OK;
}
static luron_status squares_setup(luron_call *c) { return c->host->set_out(c, 0, LURON_REAL, 0, NULL); }
static luron_status squares_forward(luron_call *c) {
    sums++;
    return put_sum(c);
}
static luron_status squares_backward(luron_call *c) {
    slopes++;
    return add_slopes(c);
}
static luron_status squares_both(luron_call *c) {
    at_once++;
    LURON_TRY(put_sum(c));
    return add_slopes(c);
}
static const luron_layer_type squares_type = {.struct_size = sizeof squares_type,
                                              .flags = LURON_LAYER_LOSS | LURON_LAYER_FREES_OUT,
                                              .name = "Squares",
                                              .setup = squares_setup,
                                              .forward = squares_forward,
                                              .backward = squares_backward,
                                              .forward_backward = squares_both};
static const luron_layer_type *const layers[] = {&teller_type, &squares_type, NULL};
LURON_PLUGIN_DEFINE(tellers) = {.struct_size = sizeof(luron_plugin),
                                .abi_major = LURON_ABI_MAJOR,
                                .name = "tellers",
                                .version = "1",
                                .layers = layers};

#include "fake_bench.h"
#include "plan.h"

static int setup(void **state) {
    if (fake_setup(state)) return -1;
    return luron_plugin_add(*state, &luron_plugin_tellers, NULL) == LURON_OK ? 0 : -1;
}

enum { N = 10 };
typedef struct network {
    luron_layer *teller, *first, *last;
    luron_tensor *w;
    bool sees_between; /* what the teller makes is looked at elsewhere too */
} network;

static void make_network(network *n, luron_ctx *ctx, const char *how, const char *first, bool sees_between) {
    char text[64];
    double w[N];
    snprintf(text, sizeof text, "{\"how\": \"%s\"}", how);
    for (int i = 0; i < N; i++)
        w[i] = i % 3 - 0.75;
    *n = (network){make(ctx, "Teller", text), make(ctx, first, "{}"), make(ctx, "FakeTanh", "{}"),
                   leaf(ctx, tensor_of(ctx, LURON_F32, 1, (const int64_t[]){N}, w)), sees_between};
    runs = 0;
}
static void free_network(network *n) {
    luron_layer_unref(n->teller), luron_layer_unref(n->first), luron_layer_unref(n->last);
    luron_tensor_unref(n->w);
}

/* sum(tanh(first(2 w x) + x x)), and the gradient of w. */
static luron_status step(luron_tensor **outs, luron_ctx *ctx, network *n, luron_tensor *x) {
    luron_tensor *t[8] = {NULL};
    luron_status s = luron_mul(&t[0], ctx, n->w, x);
    if (!s) s = luron_mul(&t[7], ctx, x, x);
    if (!s) s = luron_layer_apply(&t[1], ctx, n->teller, 1, &t[0]);
    if (!s) s = luron_layer_apply(&t[2], ctx, n->first, 1, &t[1]);
    if (!s) s = luron_add(&t[3], ctx, t[2], n->sees_between ? t[1] : t[7]);
    if (!s) s = luron_layer_apply(&t[4], ctx, n->last, 1, &t[3]);
    if (!s) s = luron_sum(&t[5], ctx, t[4], 0, NULL, 0);
    if (!s) s = luron_grad(&t[6], ctx, 1, &t[5], NULL, 1, &n->w, 0);
    if (!s) s = luron_detach(&outs[0], ctx, t[4]);
    if (!s) outs[1] = luron_tensor_ref(t[6]);
    for (int i = 0; i < 8; i++)
        luron_tensor_unref(t[i]);
    return s;
}

static luron_tensor *numbers(luron_ctx *ctx, int from) {
    double v[N];
    for (int i = 0; i < N; i++)
        v[i] = ((i * 7 + from) % 11 - 5) / 4.0;
    return tensor_of(ctx, LURON_F32, 1, (const int64_t[]){N}, v);
}

static luron_plan *note(luron_ctx *ctx, network *n) {
    luron_plan *plan;
    luron_tensor *x = numbers(ctx, 0), *outs[2];
    assert_ok(ctx, luron_plan_begin(&plan, ctx, 1, &x));
    assert_ok(ctx, step(outs, ctx, n, x));
    assert_ok(ctx, luron_plan_end(plan, ctx, 2, outs));
    assert_null(luron_plan_refusal(plan));
    for (int i = 0; i < 2; i++)
        luron_tensor_unref(outs[i]);
    luron_tensor_unref(x);
    return plan;
}
static int fused(const luron_plan *plan) {
    int n = 0;
    for (int64_t i = 0; i < plan->n_steps; i++)
        n += plan->steps[i].fused;
    return n;
}

static void test_plan_fuse_has_the_same_bits(void **state) {
    /* how, the layer behind it, whether something else looks at what it makes, steps done in tiles */
    static const struct {
        const char *how, *first;
        bool sees_between;
        int fused;
    } cases[] = {{"all", "FakeTanh", false, 4},   {"pieces", "FakeTanh", false, 4}, {"pieces", "Square", false, 4},
                 {"pieces", "FakeTanh", true, 3}, {"never", "FakeTanh", false, 0},  {"less", "FakeTanh", false, 0},
                 {"twice", "Square", false, 1}};
    luron_ctx *ctx = *state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        network n;
        make_network(&n, ctx, cases[k].how, cases[k].first, cases[k].sees_between);
        luron_plan *plan = note(ctx, &n);
        if (fused(plan) != cases[k].fused)
            fail_msg("case %d: %d steps in tiles, not %d", (int)k, fused(plan), cases[k].fused);
        for (int i = 0; i < 4; i++) {
            luron_tensor *x = numbers(ctx, i), *expect[2], *got[2];
            assert_ok(ctx, luron_ctx_set_threads(ctx, i + 1));
            assert_ok(ctx, step(expect, ctx, &n, x));
            assert_ok(ctx, luron_plan_run(got, plan, ctx, 1, &x));
            for (int o = 0; o < 2; o++) {
                assert_tensor_same(got[o], expect[o]);
                luron_tensor_unref(got[o]), luron_tensor_unref(expect[o]);
            }
            luron_tensor_unref(x);
        }
        luron_plan_free(plan);
        free_network(&n);
    }
}

static void test_plan_fuse_refuses_wrong_tales(void **state) {
    luron_ctx *ctx = *state;
    network n;
    luron_tensor *x = numbers(ctx, 1), *outs[2];
    make_network(&n, ctx, "beyond", "FakeTanh", false);
    assert_fails(ctx, step(outs, ctx, &n, x), LURON_E_PLUGIN, "elements 10 to 11 of 10");
    free_network(&n);
    make_network(&n, ctx, "later", "FakeTanh", false);
    luron_plan *plan = note(ctx, &n);
    assert_ok(ctx, luron_plan_run(outs, plan, ctx, 1, &x));
    for (int i = 0; i < 2; i++)
        luron_tensor_unref(outs[i]);
    assert_fails(ctx, luron_plan_run(outs, plan, ctx, 1, &x), LURON_E_PLUGIN, "told of 9 elements, before of 10");
    luron_plan_free(plan);
    free_network(&n);
    luron_tensor_unref(x);
}

/* ---- a loss and its gradient ------------------------------------------------------------------------------------- */
typedef enum way { PLAIN, SCALED, SEEDED, LEAF, ADDED, TWO, SEEN } way;

/* Squares of w x with a backward as `how` says; the loss and the gradient of w. */
static luron_status squares_step(luron_tensor **outs, luron_ctx *ctx, luron_layer *layer, luron_tensor *w, luron_tensor *x, way how) {
    luron_tensor *t[5] = {NULL}, *two = NULL;
    luron_status s = luron_tensor_set_grad(ctx, w, NULL);
    if (!s) s = luron_mul(&t[0], ctx, w, x);
    if (!s) s = luron_layer_apply(&t[1], ctx, layer, 1, how == LEAF ? &w : &t[0]);
    if (!s && how == TWO) s = luron_layer_apply(&t[2], ctx, layer, 1, &t[0]);
    if (!s && (how == SCALED || how == SEEDED)) s = luron_tensor_full(&two, ctx, LURON_F32, 0, NULL, 2);
    if (!s && how == SCALED) s = luron_mul(&t[3], ctx, t[1], two);
    if (!s && how == ADDED) s = luron_add(&t[3], ctx, t[1], t[0]), s = s ? s : luron_sum(&t[4], ctx, t[3], 0, NULL, 0);
    if (!s && how == SEEN) s = luron_mul(&t[3], ctx, t[1], t[1]);
    if (!s && how == TWO) s = luron_backward(ctx, t[2], NULL, LURON_RETAIN_GRAPH);
    if (!s) s = luron_backward(ctx, how == SCALED ? t[3] : how == ADDED ? t[4] : t[1], how == SEEDED ? two : NULL, 0);
    if (!s) s = luron_detach(&outs[0], ctx, how == SEEN ? t[3] : t[1]);
    if (!s) s = luron_copy(&outs[1], ctx, luron_tensor_grad(w));
    for (int i = 0; i < 5; i++)
        luron_tensor_unref(t[i]);
    luron_tensor_unref(two);
    return s;
}

static void test_plan_fuse_makes_gradients_of_losses(void **state) {
    /* what is done, and by which callbacks: forward, backward, both */
    static const struct {
        way how;
        int forward, backward, both;
    } cases[] = {{PLAIN, 0, 0, 1}, {SCALED, 1, 1, 0}, {SEEDED, 1, 1, 0}, {LEAF, 1, 1, 0}, {ADDED, 1, 1, 0}, {TWO, 0, 0, 2}, {SEEN, 0, 0, 1}};
    luron_ctx *ctx = *state;
    luron_layer *layer = make(ctx, "Squares", "{}");
    double v[N] = {1, -2, 0.5, 3, -0.25, 4, 1.5, -1, 2, 0.75};
    luron_tensor *w = leaf(ctx, tensor_of(ctx, LURON_F32, 1, (const int64_t[]){N}, v));
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        luron_plan *plan;
        luron_tensor *x = numbers(ctx, 0), *expect[2], *got[2];
        assert_ok(ctx, luron_plan_begin(&plan, ctx, 1, &x));
        assert_ok(ctx, squares_step(got, ctx, layer, w, x, cases[k].how));
        assert_ok(ctx, luron_plan_end(plan, ctx, 2, got));
        assert_null(luron_plan_refusal(plan));
        luron_tensor_unref(x), luron_tensor_unref(got[0]), luron_tensor_unref(got[1]);
        for (int i = 0; i < 3; i++) {
            x = numbers(ctx, i);
            assert_ok(ctx, squares_step(expect, ctx, layer, w, x, cases[k].how));
            sums = slopes = at_once = 0;
            assert_ok(ctx, luron_plan_run(got, plan, ctx, 1, &x));
            if (sums != cases[k].forward || slopes != cases[k].backward || at_once != cases[k].both)
                fail_msg("case %d: %d forward, %d backward, %d of both", (int)k, sums, slopes, at_once);
            for (int o = 0; o < 2; o++) {
                assert_tensor_same(got[o], expect[o]);
                luron_tensor_unref(got[o]), luron_tensor_unref(expect[o]);
            }
            luron_tensor_unref(x);
        }
        luron_plan_free(plan);
    }
    luron_tensor_unref(w);
    luron_layer_unref(layer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plan_fuse_has_the_same_bits, setup, test_ctx_free),
        cmocka_unit_test_setup_teardown(test_plan_fuse_refuses_wrong_tales, setup, test_ctx_free),
        cmocka_unit_test_setup_teardown(test_plan_fuse_makes_gradients_of_losses, setup, test_ctx_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
