/* test_threads.c -- R17: the same bits with 1, 2, 3, 4 and 8 threads, again and again: every op, every layer type,
 * every optimiser type in training. Sizes are such that the work is cut in pieces. */
#include "bar.h"
#include "hash.h"
#include "internal.h"

#include "layer_table.h"
#include "network.h"
#include "op_table.h"

static const int threads[] = {1, 2, 3, 4, 8};
enum { N_THREADS = sizeof threads / sizeof *threads, MAX_X = 24, MAX_OUT = 12 };
#ifndef __has_feature /* clang's way to say what gcc has a macro for */
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(thread_sanitizer)
enum { SLOW = 1 };
#else
enum { SLOW = 0 };
#endif
static int repeats(uint32_t dtype) { return SLOW ? 1 : bar_is_long() && dtype == LURON_F32 ? 10 : 3; }

typedef luron_status (*apply_fn)(luron_tensor **outs, luron_ctx *ctx, void *ud);

/* Outputs, and gradients of sum(v y), as one number. */
static uint64_t bits_of(luron_ctx *ctx, apply_fn fn, void *ud, int n_out, int n_x, luron_tensor *const *xs) {
    luron_tensor *outs[MAX_OUT] = {0}, *ys[MAX_OUT], *vs[MAX_OUT], *grads[MAX_X] = {0};
    uint64_t h = HASH_START;
    int n = 0;
    luron_ctx_set_random_state(ctx, 5, 0);
    assert_ok(ctx, fn(outs, ctx, ud));
    for (int i = 0; i < n_out; i++) {
        h = hash_tensor(h, ctx, outs[i]);
        if (!luron_tensor_requires_grad(outs[i])) continue;
        ys[n] = outs[i];
        assert_ok(ctx, luron_tensor_new(&vs[n], ctx, luron_tensor_dtype(outs[i]), luron_tensor_ndim(outs[i]),
                                        luron_tensor_shape(outs[i])));
        assert_ok(ctx, luron_tensor_uniform(ctx, vs[n++], -1, 1));
    }
    if (n && n_x) assert_ok(ctx, luron_grad(grads, ctx, n, ys, vs, n_x, xs, 0));
    for (int i = 0; i < n_x; i++)
        h = hash_tensor(h, ctx, grads[i]), luron_tensor_unref(grads[i]);
    for (int i = 0; i < n_out; i++)
        luron_tensor_unref(outs[i]);
    for (int i = 0; i < n; i++)
        luron_tensor_unref(vs[i]);
    return h;
}

/* All thread counts against the first run. @return runs with other bits. */
static int64_t compare(luron_ctx *ctx, const char *name, const char *what, apply_fn fn, void *ud, int n_out, int n_x,
                       luron_tensor *const *xs, int64_t *n) {
    int64_t failures = 0;
    uint64_t first = 0;
    for (int t = 0; t < N_THREADS; t++) {
        assert_ok(ctx, luron_ctx_set_threads(ctx, threads[t]));
        for (int r = 0; r < repeats(n_x ? luron_tensor_dtype(xs[0]) : LURON_F64); r++) {
            uint64_t h = bits_of(ctx, fn, ud, n_out, n_x, xs);
            if (t == 0 && r == 0)
                first = h;
            else
                ++*n;
            if (h == first) continue;
            print_error("%s %s: %d threads, repeat %d: other bits\n", name, what, threads[t], r);
            failures++;
        }
    }
    return failures;
}

static void test_threads_ops(void **state) {
    luron_ctx *ctx = *state;
    bar b = bar_begin("R17", "bits of ops at 1, 2, 3, 4, 8 threads", 17);
    int64_t n = 0, failures = 0;
    for (int k = 0; k < N_OPS; k++)
        for (int wide = 0; wide <= bar_is_long(); wide++) {
            op_bench bench = {.op = &ops[k]};
            luron_tensor *xs[MAX_X];
            assert_true(generate(&bench.g, ctx, ops[k].spec, LARGE, b.seed + (uint64_t)k, ops[k].lo, ops[k].hi,
                                 wide ? LURON_F64 : LURON_F32));
            int n_x = generate_leaves(xs, &bench.g);
            failures += compare(ctx, ops[k].name, ops[k].spec, op_apply, &bench, ops[k].n_out, n_x, xs, &n);
            generate_free(&bench.g);
        }
    assert_int_equal(bar_end(&b, n, failures), 0);
}

static int64_t compare_layer(luron_ctx *ctx, const luron_type *type, const layer_line *line, uint64_t seed,
                             uint32_t dtype, int64_t *n) {
    layer_bench b;
    char json[1024];
    luron_tensor *xs[MAX_X];
    assert_true(generate(&b.g, ctx, line->spec, LARGE, seed, line->lo, line->hi, dtype));
    layer_variation(json, sizeof json, type, line, b.g.size, 0);
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
    assert_ok(ctx, luron_layer_from_json(&b.layer, ctx, luron_type_name(type), json));
    int n_x = generate_leaves(xs, &b.g);
    for (int i = 0; i < luron_layer_n_params(b.layer) && n_x < MAX_X; i++)
        xs[n_x++] = luron_layer_param(b.layer, i);
    int64_t failures =
        compare(ctx, luron_type_name(type), json, layer_apply_bench, &b, luron_layer_n_outs(b.layer), n_x, xs, n);
    luron_layer_unref(b.layer);
    generate_free(&b.g);
    return failures;
}

static void test_threads_layers(void **state) {
    luron_ctx *ctx = *state;
    bar b = bar_begin("R17", "bits of layers at 1, 2, 3, 4, 8 threads", 17);
    int64_t n = 0, failures = 0;
    const luron_type *type;
    assert_ok(ctx, luron_plugin_load_all(ctx));
    for (int k = 0; (type = luron_type_at(ctx, LURON_KIND_LAYER, k)); k++) {
        layer_line lines[LAYER_LINES_MAX];
        int n_lines = layer_lines_of(lines, type);
        for (int l = 0; l < n_lines; l++)
            for (int wide = 0; wide <= bar_is_long(); wide++)
                failures += compare_layer(ctx, type, &lines[l], b.seed + (uint64_t)k, wide ? LURON_F64 : LURON_F32, &n);
    }
    assert_int_equal(bar_end(&b, n, failures), 0);
}

static uint64_t train(luron_ctx *ctx, const char *type, int steps) {
    luron_ctx_seed(ctx, 17);
    network net = network_new(ctx, 131, 130, 20, 48, type); /* 17,030 weights: two pieces for an optimiser */
    for (int i = 0; i < steps; i++)
        assert_ok(ctx, network_step(ctx, &net));
    uint64_t h = hash_optim(hash_model(HASH_START, ctx, net.model), ctx, net.optim);
    network_free(&net);
    return h;
}

static void test_threads_training(void **state) {
    luron_ctx *ctx = *state;
    bar b = bar_begin("R17", "bits of 100 training steps, each optimiser", 17);
    int64_t n = 0, failures = 0;
    const luron_type *type;
    int steps = SLOW ? 10 : 100, again = bar_is_long() && !SLOW ? 10 : 1;
    assert_ok(ctx, luron_plugin_load_all(ctx));
    for (int k = 0; (type = luron_type_at(ctx, LURON_KIND_OPTIM, k)); k++) {
        uint64_t first = 0;
        for (int t = 0; t < N_THREADS; t++)
            for (int r = 0; r < again; r++) {
                assert_ok(ctx, luron_ctx_set_threads(ctx, threads[t]));
                uint64_t h = train(ctx, luron_type_name(type), steps);
                if (t == 0 && r == 0)
                    first = h;
                else
                    n++;
                if (h == first) continue;
                print_error("%s: %d threads, repeat %d: other bits\n", luron_type_name(type), threads[t], r);
                failures++;
            }
    }
    assert_true(n >= 40);
    assert_int_equal(bar_end(&b, n, failures), 0);
}

int main(void) {
    luron__parallel_always(true);
    const struct CMUnitTest tests[] = {test_case(test_threads_ops), test_case(test_threads_layers),
                                       test_case(test_threads_training)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
