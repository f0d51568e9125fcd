#include "fake_layers.h"

/* Op: one op of the table on a (and b, ids), the one that the option `op` says. */
typedef struct fake_op {
    int64_t op;
} fake_op;
enum {
#define NAME(name) OP_##name,
    LURON_UNARY_MAP(NAME) LURON_BINARY_MAP(NAME) LURON_COMPARE_MAP(NAME)
#undef NAME
        OP_scalar,
    OP_scale,
    OP_clamp,
    OP_where,
    OP_matmul,
    OP_matmul_a,
    OP_matmul_b,
    OP_add_row,
    OP_sum,
    OP_mean,
    OP_amax,
    OP_softmax,
    OP_log_softmax,
    OP_reshape,
    OP_transpose,
    OP_narrow,
    OP_expand,
    OP_cat,
    OP_gather,
    OP_index_select,
    OP_one_hot,
    OP_cast,
    OP_uniform,
    OP_size,
    OP_many,
    OP_last
};
static luron_tensor *other_op(luron_call *c, const luron_ops *o, int64_t op, luron_tensor *a, luron_tensor *b,
                              luron_tensor *ids) {
    const int dim = 1;
    const int64_t flat[] = {-1}, row[] = {3, 2, 2}, shape[] = {2, 3};
    luron_tensor *two[] = {a, b}, *sum = a;
    switch (op) {
    case OP_scalar: return o->mul(c, a, o->scalar(c, 2.5));
    case OP_scale: return o->scale(c, a, 2, -1);
    case OP_clamp: return o->clamp(c, a, -0.5, 0.5);
    case OP_where: return o->where(c, o->gt(c, a, b), a, b);
    case OP_matmul: return o->matmul(c, a, b, 0);
    case OP_matmul_a: return o->matmul(c, a, b, LURON_TRANS_A);
    case OP_matmul_b: return o->matmul(c, a, b, LURON_TRANS_B);
    case OP_add_row: return o->add_row(c, a, b);
    case OP_sum: return o->sum(c, a, 1, &dim, 1);
    case OP_mean: return o->mean(c, a, 1, &dim, 0);
    case OP_amax: return o->amax(c, a, 0, NULL, 0);
    case OP_softmax: return o->softmax(c, a, 1);
    case OP_log_softmax: return o->log_softmax(c, a, 0);
    case OP_reshape: return o->reshape(c, a, 1, flat);
    case OP_transpose: return o->transpose(c, a, 0, 1);
    case OP_narrow: return o->narrow(c, a, 1, 1, 1);
    case OP_expand: return o->expand(c, a, 3, row);
    case OP_cat: return o->cat(c, 2, two, 0);
    case OP_gather: return o->gather(c, a, 0, ids);
    case OP_index_select: return o->index_select(c, a, 0, o->reshape(c, ids, 1, flat));
    case OP_one_hot: return o->one_hot(c, ids, 4);
    case OP_cast: return o->cast(c, o->cast(c, a, LURON_I32), LURON_REAL);
    case OP_uniform: return o->uniform(c, 3, 2, shape);
    case OP_size:
        return o->scalar(c, 100.0 * o->ndim(c, a) + 10.0 * (double)o->size(c, a, 0) + (double)o->size(c, a, -1));
    case OP_many:
        for (int i = 0; i < 60; i++) sum = o->add(c, sum, a);
        return sum;
    default: return NULL;
    }
}
static luron_status op_compose(luron_call *c, const luron_ops *o) {
    luron_tensor *a = o->in(c, 0), *b = o->in(c, 1);
    int64_t op = ((const fake_op *)luron_options(c))->op;
    switch (op) {
#define UNARY(name)                                                                                                    \
    case OP_##name: return o->set_out(c, 0, o->name(c, a));
#define BINARY(name)                                                                                                   \
    case OP_##name: return o->set_out(c, 0, o->name(c, a, b));
        LURON_UNARY_MAP(UNARY)
        LURON_BINARY_MAP(BINARY) LURON_COMPARE_MAP(BINARY)
#undef UNARY
#undef BINARY
            default : return o->set_out(c, 0, other_op(c, o, op, a, b, o->in(c, 2)));
    }
}
static const luron_option *const op_options[] = {LURON_OPT_INT(fake_op, op, 0, 0, OP_last - 1, "which"), NULL};
static const luron_port *const op_in[] = {LURON_PORT("a", 0, LURON_REAL, 0, ""),
                                          LURON_PORT("b", LURON_PORT_OPTIONAL, LURON_REAL, 0, ""),
                                          LURON_PORT("ids", LURON_PORT_OPTIONAL | LURON_PORT_INDEX, 0, 0, ""), NULL};
static const luron_layer_type op_type = {.struct_size = sizeof op_type,
                                         .flags = LURON_LAYER_F64 | LURON_LAYER_RANDOM,
                                         .name = "Op",
                                         .options = op_options,
                                         .options_size = sizeof(fake_op),
                                         .in = op_in,
                                         .compose = op_compose};
static const luron_layer_type *const op_layers[] = {&op_type, NULL};
LURON_PLUGIN_DEFINE(ops) = {.struct_size = sizeof(luron_plugin),
                            .abi_major = LURON_ABI_MAJOR,
                            .name = "ops",
                            .version = "1",
                            .layers = op_layers};

#include "internal.h"
#include "layer_check.h"
#include "tensor_assert.h"

#include <stdio.h>

static int setup(void **state) {
    if (test_ctx_new(state)) return -1;
    return luron_plugin_add(*state, &luron_plugin_fakes, NULL) || luron_plugin_add(*state, &luron_plugin_ops, NULL) ? -1
                                                                                                                    : 0;
}
#define fake_test(f) cmocka_unit_test_setup_teardown(f, setup, test_ctx_free)

static luron_tensor *run_op(luron_ctx *ctx, int op, int n, luron_tensor *const *in) {
    luron_arg arg = {.kind = LURON_ARG_INTEGER, .integer = op};
    luron_layer *layer;
    luron_tensor *out = NULL;
    assert_ok(ctx, luron_layer_new(&layer, ctx, "Op", 1, &arg));
    assert_ok(ctx, luron_layer_apply(&out, ctx, layer, n, in));
    luron_layer_unref(layer);
    return out;
}

static void check_op(luron_ctx *ctx, int op, int n, luron_tensor *const *in, luron_status status,
                     luron_tensor **wanted) {
    assert_ok(ctx, status);
    luron_tensor *is = run_op(ctx, op, n, in);
    assert_tensor_same(is, *wanted);
    luron_tensor_unref(is);
    luron_tensor_unref(*wanted);
}

static luron_tensor *matrix(luron_ctx *ctx, uint32_t dtype, double times) {
    return tensor_of(ctx, dtype, 2, (const int64_t[]){2, 2},
                     (const double[]){0.25 * times, 0.75 * times, 0.5 * times, 0.125 * times});
}

/* The entries of the table do what the ops of the same names do, to the bit. */
static void check_maps(luron_ctx *ctx, uint32_t dtype) {
    luron_tensor *in[] = {matrix(ctx, dtype, 1), matrix(ctx, dtype, 1.5)}, *t = NULL;
#define UNARY(name) check_op(ctx, OP_##name, 1, in, luron_##name(&t, ctx, in[0]), &t);
#define BINARY(name) check_op(ctx, OP_##name, 2, in, luron_##name(&t, ctx, in[0], in[1]), &t);
    LURON_UNARY_MAP(UNARY)
    LURON_BINARY_MAP(BINARY)
    LURON_COMPARE_MAP(BINARY)
    luron_tensor_unref(in[0]);
    luron_tensor_unref(in[1]);
}
static void test_compose_maps(void **state) {
    check_maps(*state, LURON_F32);
    check_maps(*state, LURON_F64);
}

static void test_compose_ops(void **state) {
    luron_ctx *ctx = *state;
    luron_ctx_set_index_base(ctx, 1);
    luron_tensor *in[] = {matrix(ctx, LURON_F64, 1), matrix(ctx, LURON_F64, -2),
                          tensor_of(ctx, LURON_I64, 2, (const int64_t[]){1, 2}, (const double[]){2, 1})};
    luron_tensor *a = in[0], *b = in[1], *t = NULL, *u = NULL, *v;
    const int one = 1;
    const int64_t flat = -1, row[] = {3, 2, 2};
    check_op(ctx, OP_scale, 1, in, luron_scale(&t, ctx, a, 2, -1), &t);
    check_op(ctx, OP_scalar, 1, in, luron_scale(&t, ctx, a, 2.5, 0), &t);
    check_op(ctx, OP_clamp, 1, in, luron_clamp(&t, ctx, a, -0.5, 0.5), &t);
    assert_ok(ctx, luron_gt(&u, ctx, a, b));
    check_op(ctx, OP_where, 2, in, luron_where(&t, ctx, u, a, b), &t);
    luron_tensor_unref(u);
    check_op(ctx, OP_matmul, 2, in, luron_matmul(&t, ctx, a, b), &t);
    assert_ok(ctx, luron_transpose(&u, ctx, a, 0, 1));
    assert_ok(ctx, luron_transpose(&v, ctx, b, 0, 1));
    check_op(ctx, OP_matmul_a, 2, in, luron_matmul(&t, ctx, u, b), &t);
    check_op(ctx, OP_matmul_b, 2, in, luron_matmul(&t, ctx, a, v), &t);
    luron_tensor_unref(u);
    luron_tensor_unref(v);
    check_op(ctx, OP_add_row, 2, in, luron_add(&t, ctx, a, b), &t);
    check_op(ctx, OP_sum, 1, in, luron_sum(&t, ctx, a, 1, &one, 1), &t);
    check_op(ctx, OP_mean, 1, in, luron_mean(&t, ctx, a, 1, &one, 0), &t);
    check_op(ctx, OP_amax, 1, in, luron_amax(&t, ctx, a, 0, NULL, 0), &t);
    check_op(ctx, OP_softmax, 1, in, luron_softmax(&t, ctx, a, 1), &t);
    check_op(ctx, OP_log_softmax, 1, in, luron_log_softmax(&t, ctx, a, 0), &t);
    check_op(ctx, OP_reshape, 1, in, luron_reshape(&t, ctx, a, 1, &flat), &t);
    check_op(ctx, OP_transpose, 1, in, luron_transpose(&t, ctx, a, 0, 1), &t);
    check_op(ctx, OP_narrow, 1, in, luron_narrow(&t, ctx, a, 1, 1, 1), &t);
    check_op(ctx, OP_expand, 1, in, luron_expand(&t, ctx, a, 3, row), &t);
    check_op(ctx, OP_cat, 2, in, luron_cat(&t, ctx, 2, in, 0), &t);
    check_op(ctx, OP_gather, 3, in, luron_gather(&t, ctx, a, 0, in[2]), &t);
    assert_ok(ctx, luron_reshape(&u, ctx, in[2], 1, &flat));
    check_op(ctx, OP_index_select, 3, in, luron_index_select(&t, ctx, a, 0, u), &t);
    luron_tensor_unref(u);
    check_op(ctx, OP_one_hot, 3, in, luron_one_hot(&t, ctx, in[2], 4, LURON_F64), &t);
    assert_ok(ctx, luron_cast(&u, ctx, a, LURON_I32));
    check_op(ctx, OP_cast, 1, in, luron_cast(&t, ctx, u, LURON_F64), &t);
    luron_tensor_unref(u);
    check_op(ctx, OP_size, 1, in, luron_tensor_full(&t, ctx, LURON_F64, 0, NULL, 222), &t);
    for (int i = 0; i < 3; i++) luron_tensor_unref(in[i]);
}

/* The numbers of rand_uniform, of the layer's dtype, one position of the context a call. */
static void test_compose_uniform(void **state) {
    luron_ctx *ctx = *state;
    const uint32_t dtypes[] = {LURON_F32, LURON_F64};
    for (int d = 0; d < 2; d++) {
        float wanted[6];
        luron_tensor *a = matrix(ctx, dtypes[d], 1), *u;
        luron_ctx_set_random_state(ctx, 77, 5);
        u = run_op(ctx, OP_uniform, 1, &a);
        luron__uniform_f32(77, 5, 3, 0, 6, wanted);
        assert_int_equal(luron_tensor_dtype(u), dtypes[d]);
        assert_shape(u, 2, 3);
        for (int i = 0; i < 6; i++)
            assert_true((d ? ((double *)luron_tensor_data(u))[i] : (double)((float *)luron_tensor_data(u))[i]) ==
                        (double)wanted[i]);
        assert_int_equal(ctx->position, 6);
        luron_tensor_unref(a);
        luron_tensor_unref(u);
    }
}

/* Many handles; they are released with the call (the teardown counts), also when memory runs out on the way. */
static void test_compose_many_handles(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *a = tensor_row(ctx, LURON_F32, 1, 2), *y = run_op(ctx, OP_many, 1, &a);
    assert_tensor_close(y, ((const double[]){61, 122}), 2, 0, 0);
    luron_tensor_unref(a);
    luron_tensor_unref(y);
    char options[32];
    const layer_case many = {"Op", options, 1, {{INPUT_SHAPE(2)}}, .order = 1};
    snprintf(options, sizeof options, "{\"op\": %d}", OP_many);
    layer_sweep(ctx, &many);
}

/* A composite puts its ops on the tape as they are, and nothing when recording is off. */
static void test_compose_on_the_tape(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *affine;
    luron_tensor *x = tensor_of(ctx, LURON_F32, 2, (const int64_t[]){1, 3}, NULL), *y;
    assert_ok(ctx, luron_layer_new(&affine, ctx, "Affine", 0, NULL));
    assert_ok(ctx, luron_layer_apply(&y, ctx, affine, 1, &x));
    assert_non_null(y->node);
    assert_true(y->node->op != &luron__op_layer);
    luron_tensor_unref(y);
    luron_ctx_set_recording(ctx, 0);
    assert_ok(ctx, luron_layer_apply(&y, ctx, affine, 1, &x));
    assert_null(y->node);
    luron_tensor_unref(y);
    luron_tensor_unref(x);
    luron_layer_unref(affine);
}

static void test_compose_misuse(void **state) {
    luron_ctx *ctx = *state;
    static const struct {
        const char *how;
        luron_status status;
        const char *text;
    } cases[] = {
        {"output_slot", LURON_E_PLUGIN, "set_out: output 16 is not within 0 to 0"}, /* by setup */
        {"no_output", LURON_E_PLUGIN, "plugin 'fakes' set no output 0 in compose"},
        {"shape_of_ops", LURON_E_PLUGIN, "plugin 'fakes': output 0 is float32 (), setup said float32 (2, 3)"},
        {"null_ops", LURON_E_PLUGIN, "output 0 is made from an absent input"},
        {"compose_fail", LURON_E_SHAPE, "matmul"},
    };
    luron_tensor *x = tensor_of(ctx, LURON_F32, 2, (const int64_t[]){2, 3}, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char options[64];
        luron_layer *layer;
        luron_tensor *y = NULL;
        snprintf(options, sizeof options, "{\"how\": \"%s\"}", cases[i].how);
        assert_ok(ctx, luron_layer_from_json(&layer, ctx, "BadOps", options));
        assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 1, &x), cases[i].status, cases[i].text);
        assert_non_null(strstr(luron_ctx_error(ctx), "layer BadOps { how = "));
        assert_non_null(strstr(luron_ctx_error(ctx), "given input (2, 3)"));
        assert_null(y);
        luron_layer_unref(layer);
    }
    luron_tensor_unref(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fake_test(test_compose_maps),         fake_test(test_compose_ops),         fake_test(test_compose_uniform),
        fake_test(test_compose_many_handles), fake_test(test_compose_on_the_tape), fake_test(test_compose_misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
