/* memory.c -- faults with memory, planted; the argument says which. planted.sh sees to it that each is reported.
 *   leak       a tensor is dropped: LeakSanitizer
 *   fixture    the same in a test: the fixture of tensor_assert.h
 *   overflow   one element past the end of a tensor is written: AddressSanitizer
 *   released   a tensor is read after it was released: AddressSanitizer
 *   sweep      a function that loses a tensor when an allocation fails: the sweep of R7 */
#include "../sweep.h"

#include <stdio.h>

static luron_tensor *row(luron_ctx *ctx) {
    luron_tensor *t;
    assert_ok(ctx, luron_tensor_full(&t, ctx, LURON_F32, LURON_SHAPE(5), 1));
    return t;
}

static void drops(void **state) { (void)!row(*state); }

static luron_status careless(uint64_t *bits, luron_ctx *ctx, void *state) {
    luron_tensor *first, *second;
    (void)state;
    *bits = 1;
    LURON_TRY(luron_tensor_full(&first, ctx, LURON_F32, LURON_SHAPE(2), 1));
    LURON_TRY(luron_tensor_full(&second, ctx, LURON_F32, LURON_SHAPE(2), 1)); /* first is lost */
    luron_tensor_unref(first);
    luron_tensor_unref(second);
    return LURON_OK;
}

int main(int argc, char **argv) {
    luron_ctx *ctx;
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "fixture")) {
        const struct CMUnitTest tests[] = {test_case(drops)};
        return cmocka_run_group_tests(tests, NULL, NULL);
    }
    if (luron_ctx_new(&ctx, NULL, NULL)) return 2;
    if (!strcmp(what, "leak")) (void)!row(ctx);
    if (!strcmp(what, "overflow")) {
        luron_tensor *t = row(ctx);
        ((volatile float *)luron_tensor_data(t))[5] = 1;
        luron_tensor_unref(t);
    }
    if (!strcmp(what, "released")) {
        luron_tensor *t = row(ctx);
        volatile float *data = luron_tensor_data(t);
        luron_tensor_unref(t);
        if (data[0] == 3) puts("3");
    }
    if (!strcmp(what, "sweep")) {
        const sweep s = {.name = "careless", .run = careless};
        luron_ctx *calm = calm_context();
        sweep_all(&s, ctx, calm, NULL, NULL);
        luron_ctx_free(calm);
        return n_wrong ? 1 : 0;
    }
    luron_ctx_free(ctx);
    return 0;
}
