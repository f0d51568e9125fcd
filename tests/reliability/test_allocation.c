/* test_allocation.c -- R7: failed allocations in every op and every layer type, forward and gradient. */
#include "sweep.h"

#include "layer_table.h"
#include "op_table.h"

enum { MAX_X = 24, MAX_OUT = 12 };

typedef struct applied {
    luron_status (*fn)(luron_tensor **outs, luron_ctx *ctx, void *ud);
    union {
        op_bench op;
        layer_bench layer;
    } bench;
    int n_out, n_x;
    luron_tensor *xs[MAX_X];
} applied;

/* Forward, and gradients of the outputs' sums. */
static luron_status apply_and_grad(uint64_t *bits, luron_ctx *ctx, void *state) {
    applied *a = state;
    luron_tensor *outs[MAX_OUT] = {0}, *ys[MAX_OUT], *vs[MAX_OUT] = {0}, *grads[MAX_X] = {0};
    int n = 0;
    luron_status status = a->fn(outs, ctx, &a->bench);
    *bits = HASH_START;
    for (int i = 0; i < a->n_out && !status; i++) {
        if (!luron_tensor_requires_grad(outs[i])) continue;
        ys[n] = outs[i];
        status = luron_tensor_full(&vs[n++], ctx, luron_tensor_dtype(outs[i]), luron_tensor_ndim(outs[i]),
                                   luron_tensor_shape(outs[i]), 1);
    }
    if (!status && n && a->n_x) status = luron_grad(grads, ctx, n, ys, vs, a->n_x, a->xs, 0);
    for (int i = 0; i < a->n_out && !status; i++)
        *bits = hash_tensor(*bits, ctx, outs[i]);
    for (int i = 0; i < a->n_x && !status; i++)
        *bits = hash_tensor(*bits, ctx, grads[i]);
    for (int i = 0; i < a->n_out; i++)
        luron_tensor_unref(outs[i]), luron_tensor_unref(vs[i]);
    for (int i = 0; i < a->n_x; i++)
        luron_tensor_unref(grads[i]);
    return status;
}

static void test_allocation_ops(void **state) {
    luron_ctx *ctx = *state, *calm = calm_context(), *both[] = {ctx, calm};
    bar b = bar_begin("R7", "failed allocations in ops", 7);
    n_failed = n_wrong = 0;
    for (int k = 0; k < N_OPS; k++) {
        applied a[2];
        for (int i = 0; i < 2; i++) {
            a[i] = (applied){.fn = op_apply, .bench.op.op = &ops[k], .n_out = ops[k].n_out};
            assert_true(generate(&a[i].bench.op.g, both[i], ops[k].spec, PLAIN, b.seed + (uint64_t)k, ops[k].lo,
                                 ops[k].hi, LURON_F32));
            a[i].n_x = generate_leaves(a[i].xs, &a[i].bench.op.g);
        }
        sweep s = {.name = ops[k].name, .run = apply_and_grad, .steps = true, .same = true};
        sweep_all(&s, ctx, calm, &a[0], &a[1]);
        for (int i = 0; i < 2; i++)
            generate_free(&a[i].bench.op.g);
    }
    luron_ctx_free(calm);
    assert_int_equal(bar_end(&b, n_failed, n_wrong), 0);
}

static luron_status new_layer(uint64_t *bits, luron_ctx *ctx, void *state) {
    const char *const *made = state; /* type, options */
    luron_layer *layer;
    LURON_TRY(luron_layer_from_json(&layer, ctx, made[0], made[1]));
    *bits = HASH_START;
    for (int i = 0; i < luron_layer_n_params(layer); i++)
        *bits = hash_tensor(*bits, ctx, luron_layer_param(layer, i));
    luron_layer_unref(layer);
    return LURON_OK;
}

static void sweep_layer(luron_ctx **both, const luron_type *type, const layer_line *line, uint64_t seed) {
    applied a[2];
    char json[1024];
    const char *made[2] = {luron_type_name(type), json};
    for (int i = 0; i < 2; i++) {
        a[i] = (applied){.fn = layer_apply_bench};
        assert_true(generate(&a[i].bench.layer.g, both[i], line->spec, PLAIN, seed, line->lo, line->hi, LURON_F32));
        layer_variation(json, sizeof json, type, line, a[i].bench.layer.g.size, 0);
        luron_ctx_seed(both[i], seed);
        assert_ok(both[i], luron_layer_from_json(&a[i].bench.layer.layer, both[i], luron_type_name(type), json));
        luron_layer *layer = a[i].bench.layer.layer;
        a[i].n_out = luron_layer_n_outs(layer);
        a[i].n_x = generate_leaves(a[i].xs, &a[i].bench.layer.g);
        for (int p = 0; p < luron_layer_n_params(layer) && a[i].n_x < MAX_X; p++)
            a[i].xs[a[i].n_x++] = luron_layer_param(layer, p);
    }
    bool stateless = luron_layer_n_states(a[0].bench.layer.layer) == 0;
    sweep apply = {.name = made[0], .run = apply_and_grad, .steps = true, .same = stateless},
          make = {.name = made[0], .run = new_layer, .same = true};
    sweep_all(&apply, both[0], both[1], &a[0], &a[1]);
    sweep_all(&make, both[0], both[1], made, made);
    for (int i = 0; i < 2; i++) {
        luron_layer_unref(a[i].bench.layer.layer);
        generate_free(&a[i].bench.layer.g);
    }
}

/* Layers that are made of eleven others: their thousand allocations, each failing once, take a sanitizer five minutes. */
static bool takes_minutes(const luron_type *type) {
#ifdef __SANITIZE_ADDRESS__
    const char *name = luron_type_name(type);
    return !strcmp(name, "RandAugment") || !strcmp(name, "AugMix");
#else
    (void)type;
    return false;
#endif
}

static void test_allocation_layers(void **state) {
    luron_ctx *ctx = *state, *calm = calm_context(), *both[] = {ctx, calm};
    bar b = bar_begin("R7", "failed allocations in layers", 7);
    const luron_type *type;
    n_failed = n_wrong = 0;
    assert_ok(ctx, luron_plugin_load_all(ctx));
    assert_ok(calm, luron_plugin_load_all(calm));
    for (int k = 0; (type = luron_type_at(ctx, LURON_KIND_LAYER, k)); k++) {
        layer_line lines[LAYER_LINES_MAX];
        int n = takes_minutes(type) ? 0 : layer_lines_of(lines, type);
        for (int l = 0; l < n; l++)
            sweep_layer(both, type, &lines[l], b.seed + (uint64_t)k);
    }
    luron_ctx_free(calm);
    assert_int_equal(bar_end(&b, n_failed, n_wrong), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_allocation_ops), test_case(test_allocation_layers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
