/* gradient.c -- wrong derivatives, planted. Every test of this program has to fail: planted.sh sees to it. */
#define LURON_PLUGIN_STATIC
#include "luron/plugin.h" /* before cmocka, whose `fail` is a macro */

/* A layer whose derivative is wrong where x > 1. */
static void apply(const luron_run *r) {
    for (int64_t i = 0; i < r->n; i++)
        if (r->dtype == LURON_F64)
            ((double *)r->to)[i] = ((const double *)r->x)[i] * ((const double *)r->x)[i];
        else
            ((float *)r->to)[i] = ((const float *)r->x)[i] * ((const float *)r->x)[i];
}
static void derive(const luron_run *r) {
    for (int64_t i = 0; i < r->n; i++)
        if (r->dtype == LURON_F64) {
            double x = ((const double *)r->x)[i];
            ((double *)r->to)[i] = ((const double *)r->gy)[i] * (x > 1 ? 1.999 * x : 2 * x);
        } else {
            float x = ((const float *)r->x)[i];
            ((float *)r->to)[i] = ((const float *)r->gy)[i] * 2 * x;
        }
}
static const luron_elementwise planted_fn = {.struct_size = sizeof planted_fn, .apply = apply, .derive = derive};
static const luron_layer_type planted_type = {
    .struct_size = sizeof planted_type, .flags = LURON_LAYER_F64, .name = "Planted", .elementwise = &planted_fn};
static const luron_layer_type *const layers[] = {&planted_type, NULL};
LURON_PLUGIN_DEFINE(planted) = {.struct_size = sizeof(luron_plugin),
                                .abi_major = LURON_ABI_MAJOR,
                                .name = "planted",
                                .version = "1",
                                .layers = layers};

#include "differences.h"
#include "generate.h"
#include "layer_check.h"
#include "tensor_assert.h"

#include "../layer_table.h"

static void test_planted_layer_by_differences(void **state) {
    luron_ctx *ctx = *state;
    layer_bench b;
    differences d = {.fn = layer_apply_bench, .ud = &b, .n_out = 1};
    assert_ok(ctx, luron_plugin_add(ctx, &luron_plugin_planted, NULL));
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    assert_ok(ctx, luron_layer_new(&b.layer, ctx, "Planted", 0, NULL));
    assert_true(generate(&b.g, ctx, "mk", PLAIN, 1, -2, 2, LURON_F64));
    d.n_x = generate_leaves(d.x, &b.g);
    int right = differences_check(&d, ctx, 1);
    generate_free(&b.g);
    luron_layer_unref(b.layer);
    if (!right) print_error("%s\n", d.text);
    assert_int_equal(right, 1);
}

static void test_planted_layer_by_layer_check(void **state) {
    static const layer_case c = {"Planted", NULL, 1, {{INPUT_SHAPE(3, 4), .lo = -2, .hi = 2}}, .tol = 1e-4};
    assert_ok(*state, luron_plugin_add(*state, &luron_plugin_planted, NULL));
    layer_check(*state, &c);
}

/* An op whose gradient forgets a factor. */
static luron_status forgets(luron_ctx *ctx, void *ud, int n_out, luron_tensor *const *grad_outs, int n_in,
                            luron_tensor **grad_ins) {
    (void)ud, (void)n_out, (void)n_in;
    return luron_scale(&grad_ins[0], ctx, grad_outs[0], 2, 0);
}
static const luron_function forgetful = {.struct_size = sizeof forgetful, .name = "planted", .backward = forgets};
static luron_status triple(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    (void)ud;
    int was = luron_ctx_set_recording(ctx, 0);
    luron_status status = luron_scale(out, ctx, ins[0], 3, 0);
    luron_ctx_set_recording(ctx, was);
    return status ? status : luron_record(ctx, &forgetful, NULL, 1, ins, 1, out);
}

static void test_planted_op_by_gradcheck(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_row(ctx, LURON_F64, 1, 2, 3);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    luron_status status = luron_gradcheck(ctx, triple, NULL, 1, &x, NULL);
    luron_tensor_unref(x);
    if (status) print_error("%s\n", luron_ctx_error(ctx));
    assert_int_equal(status, LURON_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_planted_layer_by_differences),
                                       test_case(test_planted_layer_by_layer_check),
                                       test_case(test_planted_op_by_gradcheck)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
