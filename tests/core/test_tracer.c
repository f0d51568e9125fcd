/* test_tracer.c -- traces from C. With a path as its argument the program is the stranger who serves a file: it loads
 * the model at the path and compares what it gives for the inputs in the file (preprocessing/in1, ...; ids there count
 * from 0) with the outputs there (preprocessing/out1, ...): the same bits. */
#include "test_files.h"

#include <math.h>

/* ---- a program: h = tanh(x w + h) over the rows, twice; mean over the batch; a mask by ids ----------------------- */
typedef struct program {
    luron_tensor *w, *table;
    luron_layer *out;
} program;

static program program_new(luron_ctx *ctx) {
    program p;
    assert_ok(ctx, luron_tensor_new(&p.w, ctx, LURON_F32, LURON_SHAPE(3, 3)));
    assert_ok(ctx, luron_tensor_uniform(ctx, p.w, -1, 1));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, p.w, 1));
    assert_ok(ctx, luron_tensor_new(&p.table, ctx, LURON_F32, LURON_SHAPE(4, 3)));
    assert_ok(ctx, luron_tensor_uniform(ctx, p.table, -1, 1));
    assert_ok(ctx, luron_layer_from_json(&p.out, ctx, "Linear", "{\"in_features\": 3, \"out_features\": 2}"));
    return p;
}

static void program_free(program *p) {
    luron_tensor_unref(p->w);
    luron_tensor_unref(p->table);
    luron_layer_unref(p->out);
}

enum { STEPS = 9 };
static luron_tensor *forward(luron_ctx *ctx, const program *p, luron_tensor *x) {
    luron_tensor *t[STEPS], *y;
    int64_t n = luron_tensor_size(x, 0);
    assert_ok(ctx, luron_tensor_full(&t[0], ctx, LURON_F32, LURON_SHAPE(n, 3), 0.25));
    assert_ok(ctx, luron_matmul(&t[1], ctx, x, p->w));
    assert_ok(ctx, luron_add(&t[2], ctx, t[1], t[0]));
    assert_ok(ctx, luron_tanh(&t[3], ctx, t[2]));
    double base = luron_ctx_index_base(ctx);
    assert_ok(ctx, luron_tensor_arange(&t[4], ctx, LURON_I64, base + 1, base + 2, 1)); /* the second row */
    assert_ok(ctx, luron_index_select(&t[5], ctx, p->table, 0, t[4]));
    assert_ok(ctx, luron_mul(&t[6], ctx, t[3], t[5]));
    assert_ok(ctx, luron_scalar_int(&t[7], ctx, n));
    assert_ok(ctx, luron_div(&t[8], ctx, t[6], t[7]));
    assert_ok(ctx, luron_layer_apply(&y, ctx, p->out, 1, &t[8]));
    for (int i = 0; i < STEPS; i++)
        luron_tensor_unref(t[i]);
    return y;
}

static luron_tensor *batch(luron_ctx *ctx, int64_t n) {
    luron_tensor *x;
    assert_ok(ctx, luron_tensor_new(&x, ctx, LURON_F32, LURON_SHAPE(n, 3)));
    for (int64_t i = 0; i < 3 * n; i++)
        ((float *)luron_tensor_data(x))[i] = (float)sin((double)(5 * i + n));
    return x;
}

static luron_status traced(luron_tracer **out, luron_ctx *ctx, const program *p, int64_t n) {
    luron_tracer *t;
    LURON_TRY(luron_tracer_new(&t, ctx));
    luron_tensor *x = batch(ctx, n), *y = NULL;
    luron_status status = luron_tracer_layer(t, ctx, "head", p->out);
    if (!status) status = luron_tracer_tensor(t, ctx, "cell/w", p->w, 1);
    if (!status) status = luron_tracer_input(t, ctx, "x", x, 1);
    if (!status) status = luron_tracer_start(t, ctx);
    if (!status) y = forward(ctx, p, x);
    luron_tracer_stop(ctx);
    if (!status) status = luron_tracer_output(t, ctx, y);
    luron_tensor_unref(x);
    luron_tensor_unref(y);
    if (status)
        luron_tracer_free(t);
    else
        *out = t;
    return status;
}

static luron_model *model_of(luron_ctx *ctx, const program *p) {
    luron_tracer *a, *b;
    luron_model *m;
    assert_ok(ctx, traced(&a, ctx, p, 2));
    assert_ok(ctx, traced(&b, ctx, p, 4));
    assert_ok(ctx, luron_tracer_model(&m, ctx, a, b));
    luron_tracer_free(a);
    luron_tracer_free(b);
    return m;
}

static void same_as_program(luron_ctx *ctx, luron_model *m, const program *p, int64_t n) {
    luron_tensor *x = batch(ctx, n), *y, *z = forward(ctx, p, x);
    assert_ok(ctx, luron_model_run(&y, ctx, m, 1, &x));
    assert_tensor_same(y, z);
    luron_tensor *all[] = {x, y, z};
    for (int i = 0; i < 3; i++)
        luron_tensor_unref(all[i]);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */
static void test_tracer_gives_the_program(void **state) {
    luron_ctx *ctx = *state;
    program p = program_new(ctx);
    luron_model *m = model_of(ctx, &p);
    for (int64_t n = 1; n < 8; n++)
        same_as_program(ctx, m, &p, n);
    char name[64];
    assert_ptr_equal(luron_model_param(m, 2, name, sizeof name), p.w);
    assert_string_equal(name, "cell/w");
    assert_string_equal(luron_model_layer_path(m, 0), "head");
    assert_string_equal(luron_model_input_name(m, 0), "x");
    luron_ctx_set_index_base(ctx, 1); /* whatever ids count from: the second row stays the second row */
    same_as_program(ctx, m, &p, 3);
    luron_model *other = model_of(ctx, &p);
    luron_ctx_set_index_base(ctx, 0);
    same_as_program(ctx, other, &p, 3);
    luron_model_unref(m);
    luron_model_unref(other);
    program_free(&p);
}

static void test_tracer_in_a_file(void **state) {
    luron_ctx *ctx = *state;
    program p = program_new(ctx);
    luron_model *m = model_of(ctx, &p), *back;
    luron_checkpoint *c;
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_checkpoint_set_model(c, ctx, m));
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("traced.h5"), NULL, 0));
    luron_checkpoint_free(c);
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("traced.h5"), 1));
    assert_ok(ctx, luron_checkpoint_model(&back, ctx, c));
    same_as_program(ctx, back, &p, 5);
    luron_checkpoint_free(c);
    luron_model_unref(m);
    luron_model_unref(back);
    program_free(&p);
}

static void test_tracer_one_at_a_time(void **state) {
    luron_ctx *ctx = *state;
    luron_tracer *a, *b;
    luron_tensor *x = batch(ctx, 2), *other = batch(ctx, 3);
    assert_ok(ctx, luron_tracer_new(&a, ctx));
    assert_ok(ctx, luron_tracer_new(&b, ctx));
    assert_ok(ctx, luron_tracer_input(a, ctx, NULL, x, 1));
    assert_fails(ctx, luron_tracer_input(a, ctx, NULL, x, 1), LURON_E_ARGUMENT, "is another input");
    assert_fails(ctx, luron_tracer_input(a, ctx, NULL, other, 1), LURON_E_SHAPE, "has 3 rows, the batch size is 2");
    assert_false(luron_ctx_is_tracing(ctx));
    assert_ok(ctx, luron_tracer_start(a, ctx));
    assert_true(luron_ctx_is_tracing(ctx));
    assert_fails(ctx, luron_tracer_start(b, ctx), LURON_E_STATE, "another one is on");
    luron_tracer_stop(ctx);
    luron_model *m;
    assert_fails(ctx, luron_tracer_model(&m, ctx, a, a), LURON_E_STATE, "gave nothing");
    luron_tracer_free(a);
    luron_tracer_free(b);
    luron_tensor_unref(x);
    luron_tensor_unref(other);
}

static void test_tracer_refuses(void **state) {
    luron_ctx *ctx = *state;
    luron_tracer *t;
    luron_tensor *x = batch(ctx, 2), *y, *sum, *mask, *is;
    luron_model *m;
    double number;
    assert_ok(ctx, luron_tracer_new(&t, ctx));
    assert_ok(ctx, luron_tracer_input(t, ctx, NULL, x, 1));
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, x, 1));
    assert_ok(ctx, luron_tracer_start(t, ctx));
    assert_ok(ctx, luron_sum(&sum, ctx, x, 0, NULL, 0));
    assert_fails(ctx, luron_tensor_item(&number, ctx, sum), LURON_E_STATE, "reads the numbers of a tensor (item)");
    assert_fails(ctx, luron_tensor_read(ctx, x, LURON_F32, &number), LURON_E_STATE, "reads the numbers");
    assert_fails(ctx, luron_backward(ctx, sum, NULL, 0), LURON_E_STATE, "computes gradients");
    assert_fails(ctx, luron_tensor_fill(ctx, x, 0), LURON_E_STATE, "changes a tensor in place (fill)");
    assert_ok(ctx, luron_scalar(&y, ctx, 0));
    assert_ok(ctx, luron_gt(&is, ctx, x, y));
    assert_fails(ctx, luron_masked_select(&mask, ctx, x, is), LURON_E_STATE, "chooses by a mask");
    luron_tensor_unref(y);
    assert_ok(ctx, luron_tensor_full(&y, ctx, LURON_F32, LURON_SHAPE(2), 3));
    assert_ok(ctx, luron_tensor_new(&mask, ctx, LURON_F32, LURON_SHAPE(2)));
    assert_ok(ctx, luron_tensor_fill(ctx, mask, 1)); /* nobody has seen it yet */
    assert_fails(ctx, luron_tensor_uniform(ctx, mask, 0, 1), LURON_E_STATE, "draws random numbers");
    luron_tracer_stop(ctx);
    assert_ok(ctx, luron_tracer_output(t, ctx, sum));
    assert_fails(ctx, luron_tracer_model(&m, ctx, t, t), LURON_E_STATE, "reads the numbers of a tensor (item)");
    luron_tensor *all[] = {x, y, sum, mask, is};
    for (int i = 0; i < 5; i++)
        luron_tensor_unref(all[i]);
    luron_tracer_free(t);
}

static void test_tracer_when_memory_is_short(void **state) {
    luron_ctx *ctx = *state;
    program p = program_new(ctx);
    luron_tracer *a, *b;
    luron_model *m;
    assert_ok(ctx, traced(&a, ctx, &p, 2));
    assert_ok(ctx, traced(&b, ctx, &p, 4));
    luron_model_unref(model_of(ctx, &p)); /* from now on the layer has a name */
    luron_status status = LURON_E_NOMEM;
    for (int64_t k = 1; status; k++) {
        int64_t before = luron_ctx_live_bytes(ctx);
        luron_ctx_fail_alloc(ctx, k, 0);
        status = luron_tracer_model(&m, ctx, a, b);
        luron_ctx_fail_alloc(ctx, 0, 0);
        if (status) assert_int_equal(status, LURON_E_NOMEM);
        if (status) assert_int_equal(luron_ctx_live_bytes(ctx), before);
        assert_true(k < 1000);
    }
    luron_model_unref(m);
    luron_tensor *x = batch(ctx, 2);
    status = LURON_E_NOMEM;
    for (int64_t k = 1; status; k++) { /* notes that fail leave the operand, and nothing else */
        luron_tracer *t = NULL;
        luron_tensor *y = NULL, *z = NULL;
        int64_t before = luron_ctx_live_bytes(ctx);
        luron_ctx_fail_alloc(ctx, k, 0);
        status = luron_tracer_new(&t, ctx);
        if (!status) status = luron_tracer_layer(t, ctx, "head", p.out);
        if (!status) status = luron_tracer_input(t, ctx, NULL, x, 1);
        if (!status) status = luron_tracer_start(t, ctx);
        if (!status) status = luron_layer_apply(&y, ctx, p.out, 1, &x);
        if (!status) status = luron_exp(&z, ctx, y);
        luron_tracer_stop(ctx);
        if (!status) status = luron_tracer_output(t, ctx, z);
        luron_ctx_fail_alloc(ctx, 0, 0);
        if (status) assert_int_equal(status, LURON_E_NOMEM);
        luron_tensor_unref(y);
        luron_tensor_unref(z);
        luron_tracer_free(t);
        assert_int_equal(luron_ctx_live_bytes(ctx), before);
        assert_true(k < 1000);
    }
    luron_tensor_unref(x);
    luron_tracer_free(a);
    luron_tracer_free(b);
    program_free(&p);
}

/* ---- the stranger ------------------------------------------------------------------------------------------------ */
enum { MOST = 8 };
static int numbered(luron_tensor **to, const luron_checkpoint *c, const char *what) {
    int n = 0;
    for (char path[64]; n < MOST; n++) {
        snprintf(path, sizeof path, "preprocessing/%s%d", what, n + 1);
        if (!(to[n] = luron_checkpoint_tensor(c, path))) break;
    }
    return n;
}

static int serve(const char *path) {
    luron_ctx *ctx;
    luron_checkpoint *c;
    luron_model *m;
    luron_tensor *ins[MOST], *expect[MOST], *outs[MOST];
    if (luron_ctx_new(&ctx, NULL, NULL)) return 2;
    luron_ctx_set_recording(ctx, 0);
    if (luron_checkpoint_load(&c, ctx, path, 1) || luron_checkpoint_model(&m, ctx, c) || !m) {
        print_error("%s\n", luron_ctx_error(ctx));
        return 3;
    }
    luron_model_set_training(m, 0);
    int n_in = numbered(ins, c, "in"), n_out = numbered(expect, c, "out");
    if (n_out != luron_model_n_outputs(m) || luron_model_run(outs, ctx, m, n_in, ins)) {
        print_error("%s\n", luron_ctx_error(ctx));
        return 4;
    }
    int wrong = n_out == 0;
    for (int i = 0; i < n_out; i++) {
        size_t n = (size_t)luron_tensor_numel(outs[i]) * (size_t)luron_dtype_size(luron_tensor_dtype(outs[i]));
        void *read = malloc(n + 1);
        if (!read || luron_tensor_dtype(outs[i]) != luron_tensor_dtype(expect[i]) ||
            luron_tensor_numel(outs[i]) != luron_tensor_numel(expect[i]) ||
            luron_tensor_read(ctx, outs[i], luron_tensor_dtype(outs[i]), read) ||
            memcmp(read, luron_tensor_data(expect[i]), n))
            wrong = 5;
        free(read);
        luron_tensor_unref(outs[i]);
    }
    luron_model_unref(m);
    luron_checkpoint_free(c);
    luron_ctx_free(ctx);
    return wrong;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        test_case(test_tracer_gives_the_program),    test_case(test_tracer_in_a_file),
        test_case(test_tracer_one_at_a_time),        test_case(test_tracer_refuses),
        test_case(test_tracer_when_memory_is_short),
    };
    if (argc > 1) return serve(argv[1]);
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
