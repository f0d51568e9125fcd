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
static const luron_layer_type *const layers[] = {&teller_type, NULL};
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plan_fuse_has_the_same_bits, setup, test_ctx_free),
        cmocka_unit_test_setup_teardown(test_plan_fuse_refuses_wrong_tales, setup, test_ctx_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
