/* A plan does ReLU behind the max pooling that follows it, on fewer numbers: with the same bits, and only where nothing
 * else looks at what lies between. */
#include "tensor_assert.h"

#include "luron/plan.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { N = 2 * 3 * 9 * 20 };
static const int64_t shape[] = {2, 3, 9, 20};

typedef enum looks { ALONE, SEEN, TWO_POOLS, ITS_GRADIENT, BOTH_GRADIENTS, NO_GRADIENT, WRITTEN, SHOWN, RESHAPED } looks;
typedef struct kase {
    const char *first, *pool, *options;
    looks looks;
    bool turned; /* the pooling comes first */
} kase;

typedef struct network {
    luron_layer *first, *pool, *other;
    luron_tensor *w;
    looks looks;
} network;

/* sum(v pool(first(w x))^2), and gradients. */
static luron_status step(luron_tensor **outs, luron_ctx *ctx, const network *n, luron_tensor *x) {
    luron_tensor *t[12] = {NULL}, *of[2] = {n->w};
    luron_status s = luron_mul(&t[0], ctx, n->w, x);
    if (!s) s = luron_layer_apply(&t[1], ctx, n->first, 1, &t[0]);
    if (!s && n->looks == RESHAPED) s = luron_reshape(&t[10], ctx, t[1], 4, (const int64_t[]){2, 3, 20, 9});
    if (!s) s = luron_layer_apply(&t[2], ctx, n->pool, 1, t[10] ? &t[10] : &t[1]);
    if (!s && n->looks == WRITTEN) {
        luron_tensor *z;
        s = luron_detach(&z, ctx, t[2]);
        if (!s) s = luron_tensor_fill(ctx, z, 3);
        luron_tensor_unref(z);
    }
    if (!s) s = luron_mul(&t[3], ctx, t[2], t[2]);
    if (!s) s = luron_sum(&t[4], ctx, t[3], 0, NULL, 0);
    if (!s && n->looks == SEEN) s = luron_sum(&t[5], ctx, t[1], 0, NULL, 0);
    if (!s && n->looks == TWO_POOLS) s = luron_layer_apply(&t[6], ctx, n->other, 1, &t[1]);
    if (!s && n->looks == TWO_POOLS) s = luron_sum(&t[5], ctx, t[6], 0, NULL, 0);
    if (!s) s = t[5] ? luron_add(&t[7], ctx, t[4], t[5]) : luron_detach(&t[7], ctx, t[4]);
    of[n->looks == BOTH_GRADIENTS] = n->looks == ITS_GRADIENT || n->looks == BOTH_GRADIENTS ? t[1] : n->w;
    const int n_of = n->looks == BOTH_GRADIENTS ? 2 : 1;
    if (!s && n->looks != NO_GRADIENT) s = luron_grad(&t[8], ctx, 1, t[5] ? &t[7] : &t[4], NULL, n_of, of, 0);
    if (!s) s = luron_detach(&outs[0], ctx, t[2]);
    if (!s && n->looks == SHOWN) s = luron_detach(&t[11], ctx, t[1]);
    if (!s) outs[1] = luron_tensor_ref(t[11] ? t[11] : t[9] ? t[9] : t[8] ? t[8] : t[7]);
    for (int i = 0; i < 12; i++)
        luron_tensor_unref(t[i]);
    return s;
}

/* Many equals, many that ReLU makes 0, NaN. */
static luron_tensor *numbers(luron_ctx *ctx, uint32_t dtype, int from) {
    double v[N];
    for (int i = 0; i < N; i++)
        v[i] = i % 97 == from ? NAN : i % 41 == 3 ? -0.0 : ((i * 29 + from * 5) % 23 - 14) / 2.0;
    return tensor_of(ctx, dtype, 4, shape, v);
}

static network make_network(luron_ctx *ctx, const kase *k, uint32_t dtype) {
    network n = {.looks = k->looks};
    double w[N];
    for (int i = 0; i < N; i++)
        w[i] = i % 5 == 0 ? -1 : 1;
    assert_ok(ctx, luron_layer_from_json(&n.first, ctx, k->first, "{}"));
    assert_ok(ctx, luron_layer_from_json(&n.pool, ctx, k->pool, k->options));
    assert_ok(ctx, luron_layer_from_json(&n.other, ctx, k->pool, k->options));
    n.w = tensor_of(ctx, dtype, 4, shape, w);
    if (k->looks != NO_GRADIENT) assert_ok(ctx, luron_tensor_set_requires_grad(ctx, n.w, 1));
    return n;
}

/* Is the first pooling before the activation? */
static bool is_turned(const luron_plan *plan, const kase *k) {
    for (int64_t i = 0; i < luron_plan_n_steps(plan); i++) {
        const char *name = luron_plan_step(plan, i, NULL);
        if (strcmp(name, k->pool) == 0) return true;
        if (strcmp(name, k->first) == 0) return false;
    }
    return false;
}

static void check(luron_ctx *ctx, const kase *k, uint32_t dtype) {
    network n = make_network(ctx, k, dtype);
    luron_tensor *x = numbers(ctx, dtype, 0), *outs[2];
    luron_plan *plan;
    assert_ok(ctx, luron_plan_begin(&plan, ctx, 1, &x));
    assert_ok(ctx, step(outs, ctx, &n, x));
    assert_ok(ctx, luron_plan_end(plan, ctx, 2, outs));
    luron_tensor_unref(outs[0]), luron_tensor_unref(outs[1]), luron_tensor_unref(x);
    if (luron_plan_refusal(plan)) fail_msg("%s, %s: %s", k->first, k->options, luron_plan_refusal(plan));
    if (is_turned(plan, k) != k->turned) fail_msg("%s, %s: the pooling is %s", k->first, k->options, k->turned ? "second" : "first");
    for (int i = 0; i < 4; i++) {
        luron_tensor *expect[2], *got[2];
        x = numbers(ctx, dtype, i);
        assert_ok(ctx, luron_ctx_set_threads(ctx, i + 1));
        assert_ok(ctx, step(expect, ctx, &n, x));
        assert_ok(ctx, luron_plan_run(got, plan, ctx, 1, &x));
        for (int o = 0; o < 2; o++) {
            assert_tensor_same_(got[o], expect[o], k->options, __FILE__, __LINE__);
            luron_tensor_unref(got[o]), luron_tensor_unref(expect[o]);
        }
        luron_tensor_unref(x);
    }
    luron_plan_free(plan);
    luron_layer_unref(n.first), luron_layer_unref(n.pool), luron_layer_unref(n.other);
    luron_tensor_unref(n.w);
}

static void test_pool_plan_has_the_same_bits(void **state) {
    static const kase cases[] = {
        {"ReLU", "MaxPool2d", "{\"kernel_size\": 2}", ALONE, true},
        {"ReLU6", "MaxPool2d", "{\"kernel_size\": 2}", ALONE, true},
        {"ReLU", "MaxPool2d", "{\"kernel_size\": 3, \"stride\": 2, \"ceil_mode\": true}", ALONE, true},
        {"ReLU", "MaxPool2d", "{\"kernel_size\": 2, \"stride\": 1}", ALONE, true},
        {"ReLU", "AdaptiveMaxPool2d", "{\"output_size\": [4, 7]}", ALONE, true},
        {"ReLU", "MaxPool2d", "{\"kernel_size\": 2}", NO_GRADIENT, true},
        {"ReLU", "MaxPool2d", "{\"kernel_size\": 2, \"padding\": 1}", ALONE, false}, /* a window might be without a place */
        {"Tanh", "MaxPool2d", "{\"kernel_size\": 2}", ALONE, false},
        {"ReLU", "AvgPool2d", "{\"kernel_size\": 2}", ALONE, false},
        {"ReLU", "MaxPool2d", "{\"kernel_size\": 2}", SEEN, false},
        {"ReLU", "MaxPool2d", "{\"kernel_size\": 2}", TWO_POOLS, false},
        {"ReLU", "MaxPool2d", "{\"kernel_size\": 2}", ITS_GRADIENT, false},
        {"ReLU", "MaxPool2d", "{\"kernel_size\": 2}", BOTH_GRADIENTS, false},
        {"ReLU", "MaxPool2d", "{\"kernel_size\": 2}", SHOWN, false},
        {"ReLU", "MaxPool2d", "{\"kernel_size\": [2, 3]}", RESHAPED, true},
        {"ReLU", "MaxPool2d", "{\"kernel_size\": 2}", WRITTEN, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check(*state, &cases[i], LURON_F32);
        check(*state, &cases[i], LURON_F64);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_pool_plan_has_the_same_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
