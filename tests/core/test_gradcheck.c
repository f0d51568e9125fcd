/* The checker of gradients: passes what is right, and names what is wrong. */
#define LURON_PLUGIN_STATIC
#include "luron/plugin.h"

#include "internal.h"
#include "tensor_assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static luron_tensor *leaf(luron_ctx *ctx, int ndim, const int64_t *shape) {
    luron_tensor *t;
    assert_ok(ctx, luron_tensor_new(&t, ctx, LURON_F64, ndim, shape));
    assert_ok(ctx, luron_tensor_uniform(ctx, t, 0.5, 1.5));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, t, 1));
    return t;
}

/* ---- functions to check ----------------------------------------------------------------------------------------- */

/** a b sin(a): mixed second derivatives. */
static luron_status smooth(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    (void)ud;
    luron_tensor *p = NULL, *s = NULL;
    luron_status status = luron_mul(&p, ctx, ins[0], ins[1]);
    if (!status) status = luron_sin(&s, ctx, ins[0]);
    if (!status) status = luron_mul(out, ctx, p, s);
    luron_tensor_unref(p);
    luron_tensor_unref(s);
    return status;
}

/* The square of x, whose backward is wrong in a chosen way. */
typedef enum wrong {
    RIGHT,
    ZERO,
    HALF_OF_ONE,
    SIGN,
    CONSTANT,
    COTANGENT_CONSTANT,
    OTHER_WITH_GRAPH, /* by a hundredth */
    NAN_WITH_GRAPH,
    INF_LATER, /* without a graph, after the first time */
} wrong;
static int without_graph; /* backwards so far */
typedef struct square {
    wrong how;
    luron_tensor *x;
} square;

static luron_status square_backward(luron_ctx *ctx, void *ud, int n_out, luron_tensor *const *grad_outs, int n_in,
                                    luron_tensor **grad_ins) {
    const square *s = ud;
    (void)n_out, (void)n_in;
    luron_tensor *twice, *x = s->x, *g = grad_outs[0], *fixed = NULL;
    if (s->how == ZERO) return LURON_OK;
    if (s->how == CONSTANT) { /* right at order 1, but the gradient does not know that it depends on x */
        LURON_TRY(luron_detach(&fixed, ctx, x));
        x = fixed;
    }
    if (s->how == COTANGENT_CONSTANT) { /* the same of what flows in */
        LURON_TRY(luron_detach(&fixed, ctx, g));
        g = fixed;
    }
    if (s->how == HALF_OF_ONE) {
        LURON_TRY(luron_copy(&fixed, ctx, x));
        luron_ctx_set_recording(ctx, 0);
        ((double *)luron_tensor_data(fixed))[luron_tensor_numel(fixed) - 1] /= 2;
        x = fixed;
    }
    double factor = s->how == SIGN ? -2 : 2;
    if (luron_ctx_is_recording(ctx)) {
        if (s->how == OTHER_WITH_GRAPH) factor = 2.02;
        if (s->how == NAN_WITH_GRAPH) factor = NAN;
    } else if (without_graph++ > 0 && s->how == INF_LATER) {
        factor = INFINITY;
    }
    LURON_TRY(luron_scale(&twice, ctx, x, factor, 0));
    luron_status status = luron_mul(&grad_ins[0], ctx, twice, g);
    luron_tensor_unref(twice);
    luron_tensor_unref(fixed);
    return status;
}
static void square_release(void *ud) { free(ud); }
static const luron_function square_fn = {
    .struct_size = sizeof square_fn, .name = "square", .backward = square_backward, .release = square_release};

static luron_status square_of(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    luron_tensor *y;
    int was = luron_ctx_set_recording(ctx, 0);
    luron_status status = luron_square(&y, ctx, ins[0]);
    luron_ctx_set_recording(ctx, was);
    LURON_TRY(status);
    square *s = malloc(sizeof *s);
    *s = (square){.how = *(wrong *)ud, .x = ins[0]};
    *out = y;
    return luron_record(ctx, &square_fn, s, 1, ins, 1, out);
}

static luron_status normal_noise(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    (void)ud;
    luron_tensor *noise;
    LURON_TRY(luron_tensor_new(&noise, ctx, LURON_F64, ins[0]->ndim, ins[0]->shape));
    luron_status status = luron_tensor_normal(ctx, noise, 0, 1);
    if (!status) status = luron_mul(out, ctx, ins[0], noise);
    luron_tensor_unref(noise);
    return status;
}

static luron_status to_float32(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    (void)ud;
    return luron_cast(out, ctx, ins[0], LURON_F32);
}
static luron_status detached(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    (void)ud;
    return luron_detach(out, ctx, ins[0]);
}
static luron_status itself(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    (void)ctx, (void)ud;
    *out = luron_tensor_ref(ins[0]);
    return LURON_OK;
}
static luron_status failing(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    int *left = ud;
    if (--*left == 0) return luron__fail(ctx, LURON_E_CALLBACK, "failing: as told");
    return luron_square(out, ctx, ins[0]);
}
static luron_status growing(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    int *calls = ud;
    return luron_expand(out, ctx, ins[0], LURON_SHAPE(++*calls > 1 ? 2 : 1, 3));
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static void test_gradcheck_passes_right_gradients(void **state) {
    luron_ctx *ctx = *state;
    for (int order = 1; order <= 2; order++) {
        luron_tensor *base = leaf(ctx, LURON_SHAPE(3, 4)), *ins[2] = {NULL, leaf(ctx, LURON_SHAPE(1, 3))};
        const luron_gradcheck_options options = {.order = order};
        luron_ctx_set_recording(ctx, 0);
        assert_ok(ctx, luron_transpose(&ins[0], ctx, base, 0, 1)); /* (4, 3), not contiguous */
        luron_ctx_set_recording(ctx, 1);
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, ins[0], 1));
        luron_tensor *before[2];
        for (int i = 0; i < 2; i++)
            assert_ok(ctx, luron_tensor_from(&before[i], ctx, LURON_F64, 1, &(int64_t){i ? 3 : 12},
                                             i ? luron_tensor_data(ins[1]) : luron_tensor_data(base)));
        assert_ok(ctx, luron_gradcheck(ctx, smooth, NULL, 2, ins, &options));
        assert_memory_equal(luron_tensor_data(base), luron_tensor_data(before[0]),
                            12 * sizeof(double)); /* restored, bit for bit */
        assert_memory_equal(luron_tensor_data(ins[1]), luron_tensor_data(before[1]), 3 * sizeof(double));
        assert_null(luron_tensor_grad(ins[0]));
        luron_tensor *all[] = {base, ins[0], ins[1], before[0], before[1]};
        for (int i = 0; i < 5; i++) luron_tensor_unref(all[i]);
    }
}

static void test_gradcheck_finds_wrong_gradients(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = leaf(ctx, LURON_SHAPE(2, 3));
    const luron_gradcheck_options second = {.order = 2};
    wrong how = RIGHT;
    assert_ok(ctx, luron_gradcheck(ctx, square_of, &how, 1, &x, NULL));
    assert_ok(ctx, luron_gradcheck(ctx, square_of, &how, 1, &x, &second));
    how = ZERO;
    assert_fails(ctx, luron_gradcheck(ctx, square_of, &how, 1, &x, NULL), LURON_E_GRADIENT,
                 "gradcheck: input 0, element (");
    assert_non_null(strstr(luron_ctx_error(ctx), "the gradient is 0 "));
    how = SIGN;
    assert_fails(ctx, luron_gradcheck(ctx, square_of, &how, 1, &x, NULL), LURON_E_GRADIENT, "gradcheck: input 0");
    how = HALF_OF_ONE; /* one element of six */
    assert_fails(ctx, luron_gradcheck(ctx, square_of, &how, 1, &x, NULL), LURON_E_GRADIENT,
                 "gradcheck: input 0, element (1, 2): differences give ");
    luron_ctx_set_index_base(ctx, 1);
    assert_fails(ctx, luron_gradcheck(ctx, square_of, &how, 1, &x, NULL), LURON_E_GRADIENT,
                 "gradcheck: input 1, element (2, 3): differences give ");
    how = CONSTANT;
    assert_ok(ctx, luron_gradcheck(ctx, square_of, &how, 1, &x, NULL));
    assert_fails(ctx, luron_gradcheck(ctx, square_of, &how, 1, &x, &second), LURON_E_GRADIENT,
                 "gradcheck of order 2: input 1, element (");
    how = COTANGENT_CONSTANT;
    assert_ok(ctx, luron_gradcheck(ctx, square_of, &how, 1, &x, NULL));
    assert_fails(ctx, luron_gradcheck(ctx, square_of, &how, 1, &x, &second), LURON_E_GRADIENT,
                 "gradcheck of order 2: the cotangent, element (");
    assert_fails(ctx, luron_gradcheck(ctx, detached, NULL, 1, &x, NULL), LURON_E_GRADIENT, "the gradient is 0 ");
    luron_tensor_unref(x);
}

/* Differences are taken of gradients without a graph, so those with one have to be the same numbers. */
static void test_gradcheck_compares_gradients_with_and_without_a_graph(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_row(ctx, LURON_F64, 0.5, 0.75);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    const luron_gradcheck_options second = {.order = 2};
    static const wrong hows[] = {OTHER_WITH_GRAPH, NAN_WITH_GRAPH, INF_LATER};
    static const char *const ends[] = {", and ", ", and nan with a graph", " is inf, and "};
    for (int i = 0; i < 3; i++) {
        wrong how = hows[i];
        without_graph = 0;
        assert_ok(ctx, luron_gradcheck(ctx, square_of, &how, 1, &x, NULL));
        without_graph = 0;
        assert_fails(ctx, luron_gradcheck(ctx, square_of, &how, 1, &x, &second), LURON_E_GRADIENT,
                     "gradcheck of order 2: the gradient of input 0, element 0, is ");
        assert_non_null(strstr(luron_ctx_error(ctx), ends[i]));
        assert_non_null(strstr(luron_ctx_error(ctx), " with a graph"));
    }
    luron_tensor_unref(x);
}

/* A layer whose gradient is x without a graph and, by compose, another with one: it says that it is the half of its square. */
typedef struct halved {
    double factor;
} halved;
static luron_status halved_forward(luron_call *c) {
    const double *x = luron_f64(luron_in(c, 0));
    for (int64_t i = 0; i < luron_numel(luron_in(c, 0)); i++)
        luron_f64(luron_out(c, 0))[i] = x[i] * x[i] / 2;
    return LURON_OK;
}
static luron_status halved_backward(luron_call *c) {
    const double *x = luron_f64(luron_in(c, 0)), *g = luron_f64(luron_grad_out(c, 0));
    for (int64_t i = 0; luron_grad_in(c, 0) && i < luron_numel(luron_in(c, 0)); i++)
        luron_f64(luron_grad_in(c, 0))[i] += x[i] * g[i];
    return LURON_OK;
}
static luron_status halved_compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0);
    return o->set_out(c, 0, o->scale(c, o->mul(c, x, x), ((const halved *)luron_options(c))->factor, 0));
}
static const luron_option *const halved_options[] = {LURON_OPT_FLOAT(halved, factor, 0.5, 0, 0, "of the square"), NULL};
static const luron_layer_type halved_type = {.struct_size = sizeof halved_type,
                                             .flags = LURON_LAYER_F64,
                                             .name = "Halved",
                                             .options = halved_options,
                                             .options_size = sizeof(halved),
                                             .forward = halved_forward,
                                             .backward = halved_backward,
                                             .compose = halved_compose};
static const luron_layer_type *const layers[] = {&halved_type, NULL};
LURON_PLUGIN_DEFINE(graphs) = {.struct_size = sizeof(luron_plugin),
                               .abi_major = LURON_ABI_MAJOR,
                               .name = "graphs",
                               .version = "1",
                               .layers = layers};

static luron_status apply_layer(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    return luron_layer_apply(out, ctx, ud, 1, ins);
}

static void test_gradcheck_compares_compose_and_backward(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = tensor_row(ctx, LURON_F64, 0.5, 0.75);
    const luron_gradcheck_options second = {.order = 2};
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx, luron_plugin_add(ctx, &luron_plugin_graphs, NULL));
    luron_ctx_set_index_base(ctx, 1);
    for (int right = 0; right < 2; right++) {
        luron_layer *layer;
        const luron_arg factor = {.kind = LURON_ARG_NUMBER, .number = right ? 0.5 : 0.75};
        assert_ok(ctx, luron_layer_new(&layer, ctx, "Halved", 1, &factor));
        assert_ok(ctx, luron_gradcheck(ctx, apply_layer, layer, 1, &x, NULL));
        if (right)
            assert_ok(ctx, luron_gradcheck(ctx, apply_layer, layer, 1, &x, &second));
        else
            assert_fails(ctx, luron_gradcheck(ctx, apply_layer, layer, 1, &x, &second), LURON_E_GRADIENT,
                         "gradcheck of order 2: the gradient of input 1, element 1, is ");
        luron_layer_unref(layer);
    }
    luron_tensor_unref(x);
}

/* A gradient that is right among the others and wrong alone: the function of two inputs that fills both in one go. */
static luron_status pair_backward(luron_ctx *ctx, void *ud, int n_out, luron_tensor *const *grad_outs, int n_in,
                                  luron_tensor **grad_ins) {
    int *calls = ud;
    (void)n_out, (void)n_in;
    for (int i = 0; i < 2; i++) LURON_TRY(luron_scale(&grad_ins[i], ctx, grad_outs[0], *calls > 0 ? 1 + 1e-15 : 1, 0));
    ++*calls;
    return LURON_OK;
}
static luron_status pair_sum(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    static const luron_function fn = {.struct_size = sizeof fn, .name = "pair", .backward = pair_backward};
    int was = luron_ctx_set_recording(ctx, 0);
    luron_status status = luron_add(out, ctx, ins[0], ins[1]);
    luron_ctx_set_recording(ctx, was);
    return status ? status : luron_record(ctx, &fn, ud, 2, ins, 1, out);
}

static void test_gradcheck_asks_for_each_gradient_alone(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *ins[2] = {leaf(ctx, LURON_SHAPE(3)), leaf(ctx, LURON_SHAPE(3))};
    int calls = 0;
    assert_fails(ctx, luron_gradcheck(ctx, pair_sum, &calls, 2, ins, NULL), LURON_E_GRADIENT,
                 "gradcheck: the gradient of input 0 differs when it is asked for alone");
    luron_tensor_unref(ins[0]);
    luron_tensor_unref(ins[1]);
}

static void test_gradcheck_special_inputs(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *none = leaf(ctx, LURON_SHAPE(0, 3)), *one = leaf(ctx, 0, NULL), *ins[2] = {one, none};
    const luron_gradcheck_options second = {.order = 2};
    assert_ok(ctx, luron_gradcheck(ctx, smooth, NULL, 2, ins, &second));
    assert_ok(ctx, luron_gradcheck(ctx, itself, NULL, 1, &one, &second));
    luron_tensor *x = leaf(ctx, LURON_SHAPE(3)), *inner, *constant = tensor_row(ctx, LURON_F64, 2, 3, 4);
    assert_ok(ctx, luron_square(&inner, ctx, x)); /* not a leaf */
    assert_ok(ctx, luron_gradcheck(ctx, smooth, NULL, 2, (luron_tensor *[]){inner, constant}, &second));
    assert_ok(ctx, luron_backward(ctx, inner, constant, 0)); /* its own tape is as it was */
    luron_tensor *all[] = {none, one, x, inner, constant};
    for (int i = 0; i < 5; i++) luron_tensor_unref(all[i]);
}

static void test_gradcheck_repeats_random_numbers(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = leaf(ctx, LURON_SHAPE(5));
    uint64_t seed, position;
    luron_ctx_set_random_state(ctx, 4, 9);
    luron_ctx_set_recording(ctx, 0);
    assert_ok(ctx, luron_gradcheck(ctx, normal_noise, NULL, 1, &x, NULL));
    luron_ctx_random_state(ctx, &seed, &position);
    assert_int_equal(seed, 4);
    assert_int_equal(position, 9);
    assert_false(luron_ctx_is_recording(ctx)); /* both as they were */
    luron_tensor_unref(x);
}

static void test_gradcheck_refuses(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = leaf(ctx, LURON_SHAPE(1, 3)), *narrow = tensor_row(ctx, LURON_F32, 1),
                 *plain = tensor_row(ctx, LURON_F64, 1), *wide, *half;
    luron_gradcheck_options bad = {.order = 3};
    assert_fails(ctx, luron_gradcheck(ctx, smooth, NULL, 2, (luron_tensor *[]){x, narrow}, NULL), LURON_E_DTYPE,
                 "gradcheck: input 1 must be float64, got float32");
    assert_fails(ctx, luron_gradcheck(ctx, itself, NULL, 1, &plain, NULL), LURON_E_ARGUMENT,
                 "no input requires a gradient");
    assert_fails(ctx, luron_gradcheck(ctx, itself, NULL, 1, &x, &bad), LURON_E_ARGUMENT, "order is 1 or 2, got 3");
    bad = (luron_gradcheck_options){.eps = NAN};
    assert_fails(ctx, luron_gradcheck(ctx, itself, NULL, 1, &x, &bad), LURON_E_ARGUMENT, "must be positive");
    assert_fails(ctx, luron_gradcheck(ctx, to_float32, NULL, 1, &x, NULL), LURON_E_DTYPE,
                 "the output must be float64, got float32");
    assert_fails(ctx, luron_gradcheck(ctx, smooth, NULL, 2, (luron_tensor *[]){x, x}, NULL), LURON_E_ARGUMENT,
                 "inputs 0 and 1 share memory");
    assert_ok(ctx, luron_expand(&wide, ctx, x, LURON_SHAPE(2, 3)));
    assert_fails(ctx, luron_gradcheck(ctx, itself, NULL, 1, &wide, NULL), LURON_E_ARGUMENT, "input 0 is expanded");
    assert_ok(ctx, luron_narrow(&half, ctx, x, 1, 1, 2));
    assert_fails(ctx, luron_gradcheck(ctx, smooth, NULL, 2, (luron_tensor *[]){half, x}, NULL), LURON_E_ARGUMENT,
                 "share memory");
    int calls = 0;
    assert_fails(ctx, luron_gradcheck(ctx, growing, &calls, 1, &x, NULL), LURON_E_SHAPE,
                 "changed its shape between two evaluations");
    luron_tensor *all[] = {x, narrow, plain, wide, half};
    for (int i = 0; i < 5; i++) luron_tensor_unref(all[i]);
}

/* Whatever the function fails at, the inputs have their bits again and nothing is left behind. */
static void test_gradcheck_failures_leave_no_trace(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = leaf(ctx, LURON_SHAPE(3)), *ins[2] = {x, leaf(ctx, LURON_SHAPE(3))};
    const luron_gradcheck_options second = {.order = 2};
    double before[3];
    memcpy(before, luron_tensor_data(x), sizeof before);
    int64_t blocks = luron_ctx_live_blocks(ctx), k = 1;
    for (int at = 1; at < 9; at++) {
        int left = at;
        luron_status status = luron_gradcheck(ctx, failing, &left, 1, &x, NULL);
        assert_int_equal(status, at <= 7 ? LURON_E_CALLBACK : LURON_OK); /* one evaluation and two an element */
        assert_memory_equal(luron_tensor_data(x), before, sizeof before);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    }
    for (luron_status status = LURON_E_NOMEM; status; k += k < 400 ? 1 : 37) {
        luron_ctx_fail_alloc(ctx, k, 0);
        status = luron_gradcheck(ctx, smooth, NULL, 2, ins, &second);
        luron_ctx_fail_alloc(ctx, 0, 0);
        assert_true(status == LURON_OK || status == LURON_E_NOMEM);
        assert_memory_equal(luron_tensor_data(x), before, sizeof before);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    }
    assert_true(k > 400);
    luron_tensor_unref(x);
    luron_tensor_unref(ins[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_gradcheck_passes_right_gradients),       test_case(test_gradcheck_finds_wrong_gradients),
        test_case(test_gradcheck_asks_for_each_gradient_alone), test_case(test_gradcheck_special_inputs),
        test_case(test_gradcheck_repeats_random_numbers),       test_case(test_gradcheck_refuses),
        test_case(test_gradcheck_failures_leave_no_trace),
        test_case(test_gradcheck_compares_gradients_with_and_without_a_graph),
        test_case(test_gradcheck_compares_compose_and_backward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
