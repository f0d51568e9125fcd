/* Numbers that are not finite: found in any tensor, before a backward and before a step; and detect_anomaly. */
#include "fake_layers.h"
#include "guard.h"
#include "on_tape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fake_setup(void **state) {
    if (test_ctx_new(state)) return -1;
    return luron_plugin_add(*state, &luron_plugin_fakes, NULL) == LURON_OK ? 0 : -1;
}
#define fake_test(f) cmocka_unit_test_setup_teardown(f, fake_setup, test_ctx_free)
static luron_layer *make(luron_ctx *ctx, const char *type, const char *options) {
    luron_layer *layer = NULL;
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, type, options));
    return layer;
}

/* ---- finding them ------------------------------------------------------------------------------------------------ */
static void test_guard_finds_every_one(void **state) {
    (void)state;
    static const uint32_t dtypes[] = {LURON_F32, LURON_F64, LURON_F16, LURON_BF16};
    static const double bad[] = {NAN, -NAN, INFINITY, -INFINITY},
                        good[] = {0, -0.0, 1, -1, 6e4, -6e4, 1e-7, 65504, -65504};
    enum { MOST = 70 };
    char memory[8 * 3 * MOST];
    for (int d = 0; d < 4; d++)
        for (int64_t step = 1; step <= 3; step += 2)
            for (int64_t n = 0; n <= MOST; n++) {
                int size = luron_dtype_size(dtypes[d]);
                memset(memory, 0xff, sizeof memory); /* NaN between the elements */
                for (int64_t i = 0; i < n; i++)
                    luron__convert(dtypes[d], memory + i * step * size, 1, LURON_F64, &good[i % 9], 1, 1);
                assert_false(luron__any_nonfinite(dtypes[d], n, memory, step));
                assert_false(luron__any_nan(dtypes[d], n, memory, step));
                for (int64_t i = 0; i < n; i++)
                    for (int b = 0; b < 4; b++) {
                        luron__convert(dtypes[d], memory + i * step * size, 1, LURON_F64, &bad[b], 1, 1);
                        assert_true(luron__any_nonfinite(dtypes[d], n, memory, step));
                        assert_int_equal(luron__any_nan(dtypes[d], n, memory, step), isnan(bad[b]) != 0);
                        luron__convert(dtypes[d], memory + i * step * size, 1, LURON_F64, &good[0], 1, 1);
                    }
            }
    assert_false(luron__any_nonfinite(LURON_I64, 10, memory, 1));
}

/* Views: everything that is seen through them, and nothing else. */
static void test_guard_looks_through_views(void **state) {
    luron_ctx *ctx = *state;
    srand(5);
    for (int round = 0; round < 400; round++) {
        luron_tensor *x, *v, *next;
        int64_t shape[3] = {1 + rand() % 4, 1 + rand() % 5, 1 + rand() % 4};
        assert_ok(ctx, luron_tensor_full(&x, ctx, round % 2 ? LURON_F32 : LURON_F16, 3, shape, 1));
        v = luron_tensor_ref(x);
        for (int k = rand() % 4; k > 0; k--) {
            int dim = rand() % 3;
            int64_t n = luron_tensor_size(v, dim), most = n ? 1 + rand() % n : 0;
            switch (rand() % 4) {
            case 0:
                assert_ok(ctx, luron_transpose(&next, ctx, v, dim, rand() % 3));
                break;
            case 1:
                assert_ok(ctx, luron_narrow(&next, ctx, v, dim, rand() % (n - most + 1), most));
                break;
            case 2:
                assert_ok(ctx, luron_slice(&next, ctx, v, dim, 0, n, 1 + rand() % 2));
                break;
            default:
                if (luron_tensor_size(v, 0) == 1) {
                    int64_t wide[3] = {3, luron_tensor_size(v, 1), luron_tensor_size(v, 2)};
                    assert_ok(ctx, luron_expand(&next, ctx, v, 3, wide));
                } else
                    next = luron_tensor_ref(v);
            }
            luron_tensor_unref(v);
            v = next;
        }
        int64_t n = luron_tensor_numel(x), at = rand() % n;
        double value = round % 3 ? NAN : INFINITY, sum = 0, values[1000];
        luron__convert(x->dtype, (char *)luron_tensor_data(x) + at * luron_dtype_size(x->dtype), 1, LURON_F64, &value,
                       1, 1);
        assert_ok(ctx, luron_tensor_read(ctx, v, LURON_F64, values));
        for (int64_t i = 0; i < luron_tensor_numel(v); i++)
            sum += values[i] * 0;
        assert_int_equal(luron__has_nonfinite(ctx, v), isnan(sum) != 0);
        release(x, v);
    }
}

static void test_guard_finds_them_on_all_threads(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x;
    assert_ok(ctx, luron_tensor_full(&x, ctx, LURON_F32, 1, (const int64_t[]){300001}, 1));
    for (int threads = 1; threads <= 8; threads++) {
        assert_ok(ctx, luron_ctx_set_threads(ctx, threads));
        assert_false(luron__has_nonfinite(ctx, x));
        for (int64_t at = 0; at <= 300000; at += 60000) {
            ((float *)luron_tensor_data(x))[at] = INFINITY;
            assert_true(luron__has_nonfinite(ctx, x));
            ((float *)luron_tensor_data(x))[at] = 1;
        }
    }
    release(x);
}

static void test_guard_says_where(void **state) {
    luron_ctx *ctx = *state;
    char text[LURON__NUMBERS_TEXT];
    luron_tensor *x = tensor_of(ctx, LURON_F32, LURON_SHAPE(2, 3), ROW(1, -2, 3, 4, 5, 6)),
                 *e = tensor_of(ctx, LURON_F32, LURON_SHAPE(0, 3), NULL), *t;
    assert_string_equal(luron__numbers_text(text, sizeof text, ctx, x), "(2, 3) from -2 to 6");
    assert_string_equal(luron__numbers_text(text, sizeof text, ctx, e), "(0, 3)");
    ((float *)luron_tensor_data(x))[2] = -INFINITY;
    assert_string_equal(luron__numbers_text(text, sizeof text, ctx, x), "(2, 3), 1 infinite of 6, the first at (0, 2)");
    ((float *)luron_tensor_data(x))[3] = ((float *)luron_tensor_data(x))[5] = NAN;
    luron_ctx_set_index_base(ctx, 1);
    assert_string_equal(luron__numbers_text(text, sizeof text, ctx, x),
                        "(2, 3), 2 nan and some infinite of 6, the first nan at (2, 1)");
    assert_ok(ctx, luron_transpose(&t, ctx, x, 0, 1));
    assert_string_equal(luron__numbers_text(text, sizeof text, ctx, t),
                        "(3, 2), 2 nan and some infinite of 6, the first nan at (1, 2)");
    release(x, e, t);
}

/* ---- always on: where a backward begins -------------------------------------------------------------------------- */
static void test_guard_before_a_backward(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 1, 0), *data = tensor_row(ctx, LURON_F64, 1, NAN),
                 *kept = tensor_row(ctx, LURON_F64, 4, 5), *y, *z, *s;
    assert_ok(ctx, luron_tensor_set_grad(ctx, x, kept));
    /* what came in */
    y = two(ctx, luron_mul, x, data), s = total(ctx, y);
    assert_fails(ctx, luron_backward(ctx, s, NULL, 0), LURON_E_NONFINITE,
                 "backward: the value is nan; the first numbers on the tape that are not finite: operand 1 of 'mul', "
                 "(2,), 1 nan of 2, the first at (1,)");
    release(y, s);
    /* what an op made, as the next one kept it */
    y = one(ctx, luron_log, x), z = one(ctx, luron_square, y), s = total(ctx, z);
    assert_fails(ctx, luron_backward(ctx, s, NULL, 0), LURON_E_NONFINITE,
                 "the value is inf; the first numbers on the tape that are not finite: output of 'log', (2,), 1 "
                 "infinite of 2, the first at (1,)");
    release(y, z, s);
    /* what an op keeps of its own */
    y = one(ctx, luron_reciprocal, x), s = total(ctx, y);
    assert_fails(ctx, luron_backward(ctx, s, NULL, 0), LURON_E_NONFINITE,
                 "output of 'reciprocal', (2,), 1 infinite of 2");
    release(y, s);
    /* the last op itself */
    luron_tensor *part;
    assert_ok(ctx, luron_narrow(&part, ctx, x, 0, 1, 1));
    y = one(ctx, luron_log, part);
    assert_fails(ctx, luron_backward(ctx, y, NULL, 0), LURON_E_NONFINITE,
                 "the value is -inf; it is the first number on the tape that is not finite: output of 'log'");
    release(part, y);
    /* nothing that was kept tells */
    y = one(ctx, luron_log, x), s = total(ctx, y);
    assert_fails(ctx, luron_backward(ctx, s, NULL, 0), LURON_E_NONFINITE,
                 "the value is -inf; what the tape keeps does not tell where that began: do the step again with "
                 "detect_anomaly on");
    assert_fails(ctx, luron_backward(ctx, s, NULL, 0), LURON_E_NONFINITE,
                 "does not tell"); /* the tape is still there */
    assert_ptr_equal(luron_tensor_grad(x), kept);
    assert_values(kept, 4, 5);
    release(y, s);
    luron_tensor *low = LEAF(ctx, -1, 1);
    y = one(ctx, luron_log, low), s = total(ctx, y);
    assert_fails(ctx, luron_backward(ctx, s, NULL, 0), LURON_E_NONFINITE,
                 "the value is nan; what the tape keeps does not tell");
    release(low, y, s);
    /* an infinity that was meant is not to blame */
    luron_tensor *mask = tensor_row(ctx, LURON_B8, 1, 0), *e;
    assert_ok(ctx, luron_masked_fill(&y, ctx, x, mask, -INFINITY));
    e = one(ctx, luron_square, y), z = two(ctx, luron_mul, e, data), s = total(ctx, z);
    assert_fails(ctx, luron_backward(ctx, s, NULL, 0), LURON_E_NONFINITE,
                 "that are not finite: operand 1 of 'mul', (2,), 1 nan of 2, the first at (1,); infinite before that, "
                 "if it was not meant: output of 'where', (2,), 1 infinite");
    release(x, data, kept, y, z, s, mask, e);
}

static void test_guard_names_layers(void **state) {
    luron_ctx *ctx = *state;
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    luron_layer *pair = make(ctx, "Pair", "{\"n\": 2}"), *square = make(ctx, "Square", NULL);
    luron_tensor *x = LEAF(ctx, 1e200, 2), *outs[2], *y, *s;
    assert_ok(ctx, luron_layer_set_name(ctx, pair, "head"));
    assert_ok(ctx, luron_layer_set_name(ctx, square, "body"));
    assert_ok(ctx, luron_layer_apply(&y, ctx, square, 1, &x)); /* 1e400 */
    assert_ok(ctx, luron_layer_apply(outs, ctx, pair, 1, &y));
    s = total(ctx, outs[0]);
    assert_fails(ctx, luron_backward(ctx, s, NULL, 0), LURON_E_NONFINITE,
                 "output of layer 'body' = Square, (2,), 1 infinite of 2, the first at (0,)");
    release(y, outs[0], outs[1], s);
    ((double *)luron_tensor_data(luron_layer_param(pair, 0)))[1] = NAN;
    assert_ok(ctx, luron_layer_apply(outs, ctx, pair, 1, &x));
    assert_fails(ctx, luron_backward(ctx, outs[1], NULL, 0), LURON_E_NONFINITE,
                 "parameter 'weight' of layer 'head' = Pair, (2,), 1 nan of 2, the first at (1,)");
    release(x, outs[0], outs[1]);
    luron_layer_unref(pair);
    luron_layer_unref(square);
}

/* ---- detect_anomaly ---------------------------------------------------------------------------------------------- */
static void locate(void *ud, char *buf, size_t n) { snprintf(buf, n, "%s", *(const char **)ud); }

static void test_guard_of_ops(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 1, 0, -1), *y = NULL, *nan = tensor_row(ctx, LURON_F64, NAN, 1, 1),
                 *zero = tensor_row(ctx, LURON_F64, 0, 0, 0), *f;
    assert_false(luron_ctx_is_detecting_anomaly(ctx));
    y = one(ctx, luron_log, x); /* off: no word of it */
    release(y);
    assert_int_equal(luron_ctx_set_detect_anomaly(ctx, 1), 0);
    assert_int_equal(luron_ctx_set_detect_anomaly(ctx, 1), 1);
    assert_fails(ctx, luron_log(&y, ctx, x), LURON_E_NONFINITE,
                 "'log' gave numbers that are not finite: output (3,), 1 nan and some infinite of 3, the first nan at "
                 "(2,); operand 0 (3,) from -1 to 1");
    assert_fails(ctx, luron_div(&y, ctx, zero, zero), LURON_E_NONFINITE,
                 "'div' gave numbers that are not finite: output (3,), 3 nan of 3");
    assert_fails(ctx, luron_add(&y, ctx, x, nan), LURON_E_NONFINITE, "operand 1 (3,), 1 nan of 3, the first at (0,)");
    luron_ctx_set_recording(ctx, 0);
    assert_fails(ctx, luron_reciprocal(&y, ctx, x), LURON_E_NONFINITE,
                 "'reciprocal' gave numbers that are not finite: output (3,), 1 infinite of 3, the first at (1,)");
    luron_ctx_set_recording(ctx, 1);
    assert_ok(ctx, luron_tensor_full(&f, ctx, LURON_F32, 1, (const int64_t[]){2}, 1e5));
    assert_fails(ctx, luron_cast(&y, ctx, f, LURON_F16), LURON_E_NONFINITE,
                 "output (2,), 2 infinite of 2, the first at (0,); operand 0 (2,) from 100000 to 100000");
    assert_int_equal(luron_ctx_set_detect_anomaly(ctx, 0), 1);
    release(x, nan, zero, f);
}

/* Infinities that were put in: not refused, and neither is what they lead to, as long as it is no NaN. */
static void test_guard_lets_pass_what_was_meant(void **state) {
    luron_ctx *ctx = *state;
    const double inf = INFINITY;
    luron_tensor *x = LEAF(ctx, 1, 2, 3), *mask = tensor_row(ctx, LURON_B8, 0, 1, 0), *low, *y, *z, *s, *minus,
                 *ids = tensor_row(ctx, LURON_I64, 1, 2, 3);
    luron_ctx_set_detect_anomaly(ctx, 1);
    assert_ok(ctx, luron_tensor_full(&low, ctx, LURON_F64, 1, (const int64_t[]){3}, -inf));
    assert_ok(ctx, luron_masked_fill(&y, ctx, x, mask, -inf));
    assert_ok(ctx, luron_softmax(&z, ctx, y, 0));
    s = total(ctx, z);
    assert_ok(ctx, luron_backward(ctx, s, NULL, 0));
    release(y, z, s);
    assert_ok(ctx, luron_where(&y, ctx, mask, low, x));
    assert_ok(ctx, luron_exp(&z, ctx, y));
    release(y, z);
    assert_ok(ctx, luron_pad(&y, ctx, x, 1, (const int64_t[]){1}, (const int64_t[]){1}, inf));
    assert_ok(ctx, luron_scale(&z, ctx, x, inf, 0));
    assert_ok(ctx, luron_scalar(&minus, ctx, -inf));
    assert_ok(ctx, luron_add(&s, ctx, x, minus));
    release(y, z, s);
    assert_ok(ctx, luron_clamp(&y, ctx, low, -inf, 0));
    assert_ok(ctx, luron_add(&z, ctx, low, x));
    assert_ok(ctx, luron_add(&s, ctx, ids, ids));
    release(z, s);
    assert_fails(ctx, luron_sub(&z, ctx, low, low), LURON_E_NONFINITE,
                 "'sub' gave numbers that are not finite: output (3,), 3 nan of 3, the first at (0,); operand 0 (3,), "
                 "3 infinite");
    release(x, mask, low, y, minus, ids);
}

static void test_guard_of_gradients(void **state) {
    luron_ctx *ctx = *state;
    const char *place = "train.lua:7";
    luron_tensor *x = LEAF(ctx, 4, 0), *y, *z, *s, *g;
    luron_ctx_set_locate(ctx, locate, &place);
    luron_ctx_set_detect_anomaly(ctx, 1);
    y = one(ctx, luron_sqrt, x), place = "train.lua:9", s = total(ctx, y);
    assert_fails(ctx, luron_backward(ctx, s, NULL, 0), LURON_E_NONFINITE,
                 "backward: the gradient of operand 0 of 'sqrt' (applied at train.lua:7) is not finite: (2,), 1 "
                 "infinite of 2, the first at (1,); the gradient that came back (2,) from 1 to 1");
    assert_null(luron_tensor_grad(x));
    release(y, s);
    y = one(ctx, luron_sqrt, x), z = one(ctx, luron_square, y), s = total(ctx, z); /* 0 times infinity */
    assert_fails(ctx, luron_backward(ctx, s, NULL, 0), LURON_E_NONFINITE,
                 "of 'sqrt' (applied at train.lua:9) is not finite: (2,), 1 nan of 2");
    release(y, z, s);
    luron_ctx_set_detect_anomaly(ctx, 0);
    y = one(ctx, luron_square, x), s = total(ctx, y); /* recorded before it was switched on: no place is known */
    luron_ctx_set_detect_anomaly(ctx, 1);
    luron_tensor *inf = tensor_row(ctx, LURON_F64, INFINITY, 1);
    assert_ok(ctx, luron_grad(&g, ctx, 1, &s, NULL, 1, &x, LURON_CREATE_GRAPH));
    release(g, s);
    assert_ok(ctx, luron_backward(ctx, y, inf, LURON_RETAIN_GRAPH)); /* 8 times infinity: it was asked for */
    release(inf);
    inf = tensor_row(ctx, LURON_F64, 1, INFINITY); /* 0 times infinity */
    assert_fails(ctx, luron_backward(ctx, y, inf, 0), LURON_E_NONFINITE,
                 "operand 0 of 'square' is not finite: (2,), 1 nan of 2");
    release(x, y, inf);
    luron_ctx_set_locate(ctx, NULL, NULL);
}

static void test_guard_of_layers(void **state) {
    luron_ctx *ctx = *state;
    const char *place = "net.lua:3";
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    luron_layer *pair = make(ctx, "Pair", "{\"n\": 2}"), *square = make(ctx, "Square", NULL),
                *affine = make(ctx, "Affine", NULL);
    luron_tensor *x = LEAF(ctx, 1e200, 2), *outs[2], *y = NULL,
                 *rows = tensor_of(ctx, LURON_F64, LURON_SHAPE(1, 3), ROW(1, NAN, 2)), *v, *g;
    assert_ok(ctx, luron_layer_set_name(ctx, square, "body.square"));
    luron_ctx_set_locate(ctx, locate, &place);
    luron_ctx_set_detect_anomaly(ctx, 1);
    assert_fails(ctx, luron_layer_apply(&y, ctx, square, 1, &x), LURON_E_NONFINITE,
                 "layer 'body.square' = Square { times = 1 }: numbers that are not finite came out: output 'output' "
                 "(2,), 1 infinite of 2, the first at (0,); input 'input' (2,) from 2 to 1e+200");
    assert_fails(ctx, luron_layer_apply(&y, ctx, affine, 1, &rows), LURON_E_NONFINITE,
                 "layer Affine: 'matmul' gave numbers that are not finite: output (1, 2), 2 nan of 2");
    assert_ok(ctx, luron_layer_apply(outs, ctx, pair, 1, &x));
    v = tensor_row(ctx, LURON_F64, 1e200, 1);
    assert_fails(ctx, luron_backward(ctx, outs[0], v, 0), LURON_E_NONFINITE,
                 "layer Pair { n = 2 }: backward: the gradient of parameter 'weight' of layer Pair (applied at "
                 "net.lua:3) is not finite: (2,), 1 infinite of 2, the first at (0,)");
    assert_null(luron_tensor_grad(x));
    release(outs[0], outs[1], v, rows);
    rows = tensor_of(ctx, LURON_F64, LURON_SHAPE(1, 3), ROW(1, 1, 2));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, rows, 1));
    assert_ok(ctx, luron_layer_apply(&y, ctx, affine, 1, &rows));
    v = tensor_of(ctx, LURON_F64, LURON_SHAPE(1, 2), ROW(1.7e308, 1));
    assert_fails(ctx, luron_grad(&g, ctx, 1, &y, &v, 1, &rows, 0), LURON_E_NONFINITE,
                 "(applied at net.lua:3, in Affine) is not finite");
    ((double *)luron_tensor_data(luron_layer_param(pair, 0)))[1] = NAN;
    luron_tensor *one_x = LEAF(ctx, 1, 1);
    assert_fails(ctx, luron_layer_apply(outs, ctx, pair, 1, &one_x), LURON_E_NONFINITE,
                 "output 'product' (2,), 1 nan of 2, the first at (1,); input 'a' (2,) from 1 to 1; parameter 'weight' "
                 "(2,), 1 nan of 2, the first at (1,)");
    release(x, y, rows, v, one_x);
    luron_layer_unref(pair);
    luron_layer_unref(square);
    luron_layer_unref(affine);
    luron_ctx_set_locate(ctx, NULL, NULL);
}

static luron_status same(luron_ctx *ctx, void *ud, int n_out, luron_tensor *const *grads, int n_in,
                         luron_tensor **ins) {
    (void)ctx, (void)n_out, (void)n_in;
    ins[0] = luron_tensor_ref(*(luron_tensor **)ud ? *(luron_tensor **)ud : grads[0]);
    return LURON_OK;
}
static void test_guard_of_functions(void **state) {
    static const luron_function fn = {.struct_size = sizeof fn, .name = "same", .backward = same};
    luron_ctx *ctx = *state;
    luron_tensor *x = LEAF(ctx, 1), *bad = tensor_row(ctx, LURON_F64, NAN), *good = tensor_row(ctx, LURON_F64, 2),
                 *none = NULL;
    luron_ctx_set_detect_anomaly(ctx, 1);
    assert_fails(ctx, luron_record(ctx, &fn, &none, 1, &x, 1, &bad), LURON_E_NONFINITE,
                 "'same' gave numbers that are not finite: output 0 (1,), nan");
    assert_ok(ctx, luron_record(ctx, &fn, &bad, 1, &x, 1, &good));
    assert_fails(ctx, luron_backward(ctx, good, NULL, LURON_RETAIN_GRAPH), LURON_E_NONFINITE,
                 "the gradient of operand 0 of 'same' is not finite");
    luron_ctx_set_detect_anomaly(ctx, 0);
    assert_ok(ctx, luron_backward(ctx, good, NULL, 0));
    release(x, bad, good);
}

/* The guard changes no bit, and nothing is kept when it finds something. */
static void test_guard_changes_no_bit(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *affine = make(ctx, "Affine", NULL);
    luron_tensor *g[2][3];
    for (int on = 0; on < 2; on++) {
        luron_tensor *x = tensor_of(ctx, LURON_F32, LURON_SHAPE(2, 3), ROW(1, 2, 3, 4, 5, 6)), *y, *z, *s;
        luron_ctx_set_detect_anomaly(ctx, on);
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
        assert_ok(ctx, luron_layer_apply(&y, ctx, affine, 1, &x));
        z = one(ctx, luron_exp, y), s = total(ctx, z);
        luron_tensor *xs[3] = {x, luron_layer_param(affine, 0), luron_layer_param(affine, 1)};
        assert_ok(ctx, luron_grad(g[on], ctx, 1, &s, NULL, 3, xs, 0));
        release(x, y, z, s);
    }
    for (int i = 0; i < 3; i++) {
        assert_tensor_same(g[0][i], g[1][i]);
        release(g[0][i], g[1][i]);
    }
    luron_layer_unref(affine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guard_finds_every_one),
        test_case(test_guard_looks_through_views),
        test_case(test_guard_finds_them_on_all_threads),
        test_case(test_guard_says_where),
        test_case(test_guard_before_a_backward),
        fake_test(test_guard_names_layers),
        test_case(test_guard_of_ops),
        test_case(test_guard_lets_pass_what_was_meant),
        test_case(test_guard_of_gradients),
        fake_test(test_guard_of_layers),
        test_case(test_guard_of_functions),
        fake_test(test_guard_changes_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
