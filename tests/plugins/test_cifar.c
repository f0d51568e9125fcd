/* CIFAR's binary files: records of labels and a picture. */
#include "test_files.h"

enum { PIXELS = 3 * 32 * 32 };

static unsigned char pixel(int record, int at) { return (unsigned char)(at * 7 + record * 31 + at / 256); }

/* n records with `labels` label bytes each: 10 record + place. */
static void write_cifar(const char *name, int n, int labels, size_t cut) {
    unsigned char b[4 * (2 + PIXELS)];
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < labels; k++)
            b[at++] = (unsigned char)(10 * i + k);
        for (int k = 0; k < PIXELS; k++)
            b[at++] = pixel(i, k);
    }
    write_bytes(in_folder(name), b, at - cut);
}

static luron_status read_cifar(luron_file **file, luron_ctx *ctx, const char *name, int labels) {
    const luron_arg arg = {.name = "labels", .kind = LURON_ARG_INTEGER, .integer = labels};
    return luron_file_read(file, ctx, in_folder(name), "cifar", 1, &arg);
}

static void assert_pictures(luron_tensor *t, int n) {
    const uint8_t *x = luron_tensor_data(t);
    assert_shape(t, n, 3, 32, 32);
    assert_int_equal(luron_tensor_dtype(t), LURON_U8);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < PIXELS; k++)
            assert_int_equal(x[i * PIXELS + k], pixel(i, k));
}

static void test_cifar_10(void **state) {
    luron_ctx *ctx = *state;
    luron_file *file;
    write_cifar("ten", 3, 1, 0);
    for (int base = 0; base < 2; base++) {
        luron_ctx_set_index_base(ctx, base);
        assert_ok(ctx, read_cifar(&file, ctx, "ten", 1));
        assert_int_equal(luron_file_n_tensors(file), 2);
        assert_string_equal(luron_file_name(file, 0), "images");
        assert_string_equal(luron_file_name(file, 1), "labels");
        assert_pictures(luron_file_tensor(file, 0), 3);
        assert_false(luron_file_is_ids(file, 0));
        assert_true(luron_file_is_ids(file, 1));
        assert_tensor_close(luron_file_tensor(file, 1), ((const double[]){base, 10 + base, 20 + base}), 3, 0, 0);
        luron_file_free(file);
    }
}

static void test_cifar_100_has_two_labels(void **state) {
    luron_ctx *ctx = *state;
    luron_file *file;
    char command[1000];
    write_cifar("hundred", 2, 2, 0);
    snprintf(command, sizeof command, "gzip -9 -n -c '%s' > '%s'", in_folder("hundred"), in_folder("hundred.gz"));
    assert_int_equal(system(command), 0);
    luron_ctx_set_index_base(ctx, 0);
    for (int packed = 0; packed < 2; packed++) {
        assert_ok(ctx, read_cifar(&file, ctx, packed ? "hundred.gz" : "hundred", 2));
        assert_int_equal(luron_file_n_tensors(file), 3);
        assert_pictures(luron_file_tensor(file, 0), 2);
        assert_string_equal(luron_file_name(file, 1), "labels");
        assert_tensor_close(luron_file_tensor(file, 1), ((const double[]){1, 11}), 2, 0, 0);
        assert_string_equal(luron_file_name(file, 2), "coarse");
        assert_tensor_close(luron_file_tensor(file, 2), ((const double[]){0, 10}), 2, 0, 0);
        luron_file_free(file);
    }
}

static void test_cifar_bad_files_are_refused(void **state) {
    luron_ctx *ctx = *state;
    luron_file *file = NULL;
    write_cifar("short", 2, 1, 5);
    assert_fails(ctx, read_cifar(&file, ctx, "short", 1), LURON_E_FORMAT,
                 "it has 6141 bytes, a multiple of 3073 expected: 1 label and 3072 picture bytes each");
    write_cifar("ten", 3, 1, 0);
    assert_fails(ctx, read_cifar(&file, ctx, "ten", 2), LURON_E_FORMAT, "a multiple of 3074 expected");
    write_bytes(in_folder("empty"), "", 0);
    assert_fails(ctx, read_cifar(&file, ctx, "empty", 1), LURON_E_FORMAT, "the file is empty");
    assert_fails(ctx, read_cifar(&file, ctx, "ten", 3), LURON_E_ARGUMENT, "labels");
    assert_null(file);
}

static void test_cifar_every_allocation_may_fail(void **state) {
    luron_ctx *ctx = *state;
    luron_file *file = NULL;
    write_cifar("sweep", 1, 2, 0);
    assert_ok(ctx, read_cifar(&file, ctx, "sweep", 2));
    luron_file_free(file);
    file = NULL;
    int64_t blocks = luron_ctx_live_blocks(ctx);
    for (int64_t k = 1;; k++) {
        luron_ctx_fail_alloc(ctx, k, 0);
        luron_status status = read_cifar(&file, ctx, "sweep", 2);
        luron_ctx_fail_alloc(ctx, 0, 0);
        if (!status) {
            luron_file_free(file);
            assert_true(k > 5);
            break;
        }
        assert_int_equal(status, LURON_E_NOMEM);
        assert_null(file);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_cifar_10),
        test_case(test_cifar_100_has_two_labels),
        test_case(test_cifar_bad_files_are_refused),
        test_case(test_cifar_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
