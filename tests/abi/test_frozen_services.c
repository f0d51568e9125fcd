/* test_frozen_services.c -- the frozen plugin again (test_frozen.c): every entry of luron_ops, optimisers, the format;
 * and that the header of today has everything where that of 1.0 has it. */
#include "frozen_tools.h"

/* ---- every entry of luron_ops ------------------------------------------------------------------------------------ */
typedef struct terms {
    luron_ctx *ctx;
    luron_tensor *sum;
} terms;
/* Takes over t; cast: t is bool. */
static void term(terms *of, luron_tensor *t, bool cast) {
    luron_ctx *ctx = of->ctx;
    luron_tensor *real = t, *mean, *sum;
    if (cast) GOOD(luron_cast(&real, ctx, t, LURON_F32));
    GOOD(luron_mean(&mean, ctx, real, 0, NULL, 0));
    GOOD(luron_add(&sum, ctx, of->sum, mean));
    if (cast) luron_tensor_unref(real);
    luron_tensor_unref(t), luron_tensor_unref(mean), luron_tensor_unref(of->sum);
    of->sum = sum;
}

/* The same sum by the functions of core, for which the numbers of uniform have been drawn by FrozenNoise. */
static luron_tensor *all_terms(luron_ctx *ctx, luron_tensor *x, luron_tensor *ids, luron_tensor *u) {
    luron_tensor *y, *t, *first, *half, *row, *negative, *column, *column_ids;
    terms of = {ctx, NULL};
    const int zero = 0, one = 1;
    GOOD(luron_tensor_full(&of.sum, ctx, LURON_F32, 0, NULL, 0));
    GOOD(luron_mul(&y, ctx, x, x));
    GOOD(luron_narrow(&first, ctx, x, 0, 0, 1));
#define TERM(call, cast)                                                                                               \
    do {                                                                                                               \
        GOOD(call);                                                                                                    \
        term(&of, t, cast);                                                                                            \
    } while (0);
#define UNARY(name) TERM(luron_##name(&t, ctx, x), false)
    LURON_UNARY_MAP(UNARY)
#define BINARY(name) TERM(luron_##name(&t, ctx, y, first), false)
    LURON_BINARY_MAP(BINARY)
#define COMPARE(name) TERM(luron_##name(&t, ctx, y, first), true)
    LURON_COMPARE_MAP(COMPARE)
    (void)zero;
    GOOD(luron_scalar(&half, ctx, 0.5));
    luron_tensor *cond, *soft, *hot, *turned, *product;
    TERM(luron_scale(&t, ctx, x, 2, 1), false)
    TERM(luron_clamp(&t, ctx, x, 0.25, 0.75), false)
    GOOD(luron_gt(&cond, ctx, x, half));
    TERM(luron_where(&t, ctx, cond, x, y), false)
    GOOD(luron_transpose(&turned, ctx, y, 0, 1));
    TERM(luron_matmul(&t, ctx, x, turned), false)
    GOOD(luron_transpose(&product, ctx, x, 0, 1));
    TERM(luron_matmul(&t, ctx, product, y), false)
    GOOD(luron_reshape(&row, ctx, first, 1, (const int64_t[]){4}));
    TERM(luron_add(&t, ctx, y, row), false)
    TERM(luron_sum(&t, ctx, x, 1, &one, 1), false)
    TERM(luron_amax(&t, ctx, x, 1, &one, 0), false)
    GOOD(luron_softmax(&soft, ctx, x, 1));
    TERM(luron_mul(&t, ctx, soft, y), false)
    TERM(luron_log_softmax(&t, ctx, x, 0), false)
    TERM(luron_matmul(&t, ctx, product, y), false)
    GOOD(luron_narrow(&column, ctx, x, 1, 1, 1));
    TERM(luron_expand(&t, ctx, column, 2, (const int64_t[]){3, 5}), false)
    GOOD(luron_neg(&negative, ctx, y));
    luron_tensor *both[] = {x, negative, x};
    TERM(luron_cat(&t, ctx, 3, both, 1), false)
    GOOD(luron_reshape(&column_ids, ctx, ids, 2, (const int64_t[]){3, 1}));
    TERM(luron_gather(&t, ctx, x, 1, column_ids), false)
    TERM(luron_index_select(&t, ctx, y, 1, ids), false)
    GOOD(luron_one_hot(&hot, ctx, ids, 4, LURON_F32));
    TERM(luron_mul(&t, ctx, hot, x), false)
    TERM(luron_mul(&t, ctx, u, x), false)
    luron_tensor *all[] = {y, first, half, cond, turned, product, row, soft, column, negative, column_ids, hot};
    for (int i = 0; i < 12; i++)
        luron_tensor_unref(all[i]);
    return of.sum;
}

static void test_frozen_ops(void **state) {
    luron_ctx *ctx = *state;
    luron_layer *ops = layer_of(ctx, "FrozenOps", NULL), *noise = layer_of(ctx, "FrozenNoise", NULL);
    luron_tensor *x = numbers(ctx, LURON_F32, 2, (const int64_t[]){3, 4}), *ids, *ones, *u, *got, *want;
    GOOD(luron_tensor_from(&ids, ctx, LURON_I64, 1, (const int64_t[]){3}, (const int64_t[]){2, 0, 3}));
    GOOD(luron_tensor_full(&ones, ctx, LURON_F32, 2, (const int64_t[]){3, 4}, 1));
    GOOD(luron_layer_apply(&u, ctx, noise, 1, &ones)); /* makes its parameter, which takes a random position */
    luron_tensor_unref(u);
    luron_ctx_set_random_state(ctx, 9, 4);
    GOOD(luron_layer_apply(&u, ctx, noise, 1, &ones));
    luron_ctx_set_random_state(ctx, 9, 4);
    luron_tensor *ins[] = {x, ids};
    GOOD(luron_layer_apply(&got, ctx, ops, 2, ins));
    want = all_terms(ctx, x, ids, u);
    assert_memory_equal(read_out(ctx, got), read_out(ctx, want), sizeof(double));
    assert_true(isfinite(read_out(ctx, got)[0]));
    GOOD(luron_backward(ctx, got, NULL, 0));
    double first[12];
    memcpy(first, read_out(ctx, luron_tensor_grad(x)), sizeof first);
    GOOD(luron_tensor_set_grad(ctx, x, NULL));
    GOOD(luron_backward(ctx, want, NULL, 0));
    for (int i = 0; i < 12; i++)
        near("gradient", i, first[i], read_out(ctx, luron_tensor_grad(x))[i], 1e-5);
    luron_tensor *all[] = {x, ids, ones, u, got, want};
    for (int i = 0; i < 6; i++)
        luron_tensor_unref(all[i]);
    luron_layer_unref(ops), luron_layer_unref(noise);
}

/* ---- optimisers -------------------------------------------------------------------------------------------------- */
static void test_frozen_optimisers(void **state) {
    luron_ctx *ctx = *state;
    for (int i = 0; i < 3; i++) {
        const uint32_t dtype = i == 1 ? LURON_F64 : LURON_F32;
        const bool is_whole = i == 2;
        luron_tensor *p = numbers(ctx, dtype, 1, (const int64_t[]){6}), *y;
        luron_optim *o;
        double want[6], momentum[6] = {0}, warm_sum = 0;
        memcpy(want, read_out(ctx, p), sizeof want);
        luron_ctx_set_strict(ctx, i == 0);
        GOOD(luron_optim_new(&o, ctx, is_whole ? "FrozenWhole" : "FrozenDescent", 0, NULL));
        GOOD(luron_optim_add(o, ctx, 1, &p, NULL, 0, NULL));
        for (int t = 1; t <= 6; t++) {
            GOOD(luron_optim_zero_grad(o, ctx));
            GOOD(luron_square(&y, ctx, p));
            back(ctx, y);
            luron_tensor_unref(y);
            GOOD(luron_optim_step(o, ctx));
            const double warm = t < 4 ? t / 4.0 : 1;
            double mean = 0;
            for (int k = 0; k < 6; k++)
                mean += 2 * want[k] / 6;
            for (int k = 0; k < 6; k++) {
                momentum[k] = 0.5 * momentum[k] + 2 * want[k];
                want[k] -= is_whole ? mean : 0.1 * warm * momentum[k];
            }
            warm_sum += warm;
        }
        for (int k = 0; k < 6; k++)
            near("parameter", k, read_out(ctx, p)[k], want[k], i == 1 ? 1e-13 : 1e-5);
        if (!is_whole) {
            assert_string_equal(luron_optim_state_name(o, 0), "momentum");
            for (int k = 0; k < 6; k++)
                near("momentum", k, read_out(ctx, luron_optim_state(o, 0, 0, 0))[k], momentum[k],
                     i == 1 ? 1e-13 : 1e-5);
            assert_true(luron_optim_scalar(o, 0, 0) == 1 && luron_optim_scalar(o, 0, 1) == warm_sum);
        }
        luron_optim_free(o);
        luron_tensor_unref(p);
    }
}

/* ---- the format -------------------------------------------------------------------------------------------------- */
static void test_frozen_format(void **state) {
    luron_ctx *ctx = *state;
    char path[128];
    luron_checkpoint *c;
    luron_file *file;
    luron_tensor *a = numbers(ctx, LURON_F32, 1, (const int64_t[]){9}),
                 *b = numbers(ctx, LURON_F32, 2, (const int64_t[]){2, 3});
    const luron_arg times = {.name = "times", .kind = LURON_ARG_NUMBER, .number = 2};
    snprintf(path, sizeof path, "%s/data", dir);
    GOOD(luron_checkpoint_new(&c, ctx));
    GOOD(luron_checkpoint_set_tensor(c, ctx, "parameters/l/a", a));
    GOOD(luron_checkpoint_set_tensor(c, ctx, "parameters/l/b", b));
    GOOD(luron_checkpoint_save(c, ctx, path, "frozen_file", 0));
    luron_checkpoint_free(c);
    for (int i = 0; i < 2; i++) {
        GOOD(luron_file_read(&file, ctx, path, i ? "frozen_file" : NULL, i, &times));
        assert_int_equal(luron_file_n_tensors(file), 2);
        assert_string_equal(luron_file_name(file, 1), "tensors/b");
        assert_string_equal(luron_file_text(file, 0, "note"), "frozen");
        for (int k = 0; k < 9; k++)
            assert_true(read_out(ctx, luron_file_tensor(file, 0))[k] == read_out(ctx, a)[k] * (1 + i));
        for (int k = 0; k < 6; k++)
            assert_true(read_out(ctx, luron_file_tensor(file, 1))[k] == read_out(ctx, b)[k] * (1 + i));
        luron_file_free(file);
    }
    luron_tensor_unref(a), luron_tensor_unref(b);
}

/* ---- the header -------------------------------------------------------------------------------------------------- */
static int compare(const char *new_header) {
    return shell("'%s/tests/abi/frozen/compare.sh' '%s/tests/abi/frozen/plugin-1.0.h' %s >%s/compared 2>&1",
                 source_tree(), source_tree(), new_header, dir);
}
static void test_frozen_header_is_served_by_that_of_today(void **state) {
    (void)state;
    char path[600];
    snprintf(path, sizeof path, "%s/core/include/luron/plugin.h", source_tree());
    if (compare(path)) {
        (void)shell("cat %s/compared", dir);
        fail_msg("plugin.h does not serve plugins of 1.0");
    }
    /* the comparison itself works */
    static const struct {
        const char *edit, *found;
    } broken[] = {
        {"s/int32_t device_type, device_id, ndim/int32_t device_id, device_type, ndim/",
         "luron_view.device_type moved"},
        {"s/(\\*softmax)(luron_call \\*, luron_tensor \\*, int dim)/(*softmax)(luron_call *, luron_tensor *, int64_t "
         "dim)/",
         "luron_ops.softmax has another type"},
        {"s/void \\*(\\*alloc)(luron_io \\*, uint64_t bytes);//", "luron_tree"},
        {"s/int64_t n, at\\[8\\]/int64_t n, at[9]/", "luron_ints.at has another type"},
        {"s/LURON_LAYER_RANDOM 4u/LURON_LAYER_RANDOM 64u/", "LURON_LAYER_RANDOM changed"},
        {"s/    LURON_INIT_NORMAL, /    LURON_INIT_OTHER, LURON_INIT_NORMAL, /", "LURON_INIT_NORMAL changed"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        char line[300];
        snprintf(path, sizeof path, "%s/broken.h", dir);
        assert_int_equal(shell("sed '%s' '%s/tests/abi/frozen/plugin-1.0.h' >%s", broken[i].edit, source_tree(), path),
                         0);
        assert_int_not_equal(compare(path), 0);
        first_line(line, sizeof line, "grep -c '%s' %s/compared", broken[i].found, dir);
        if (atoi(line) == 0) fail_msg("not found: %s", broken[i].found);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        frozen_test(test_frozen_ops),
        frozen_test(test_frozen_optimisers),
        frozen_test(test_frozen_format),
    };
    const struct CMUnitTest header[] = {cmocka_unit_test(test_frozen_header_is_served_by_that_of_today)};
    int failed = cmocka_run_group_tests_name("the binary of 1.0", tests, binary_setup, group_teardown);
    failed += cmocka_run_group_tests_name("the header", header, source_setup, group_teardown);
    return failed +
           cmocka_run_group_tests_name("its source with the header of today", tests, source_setup, group_teardown);
}
