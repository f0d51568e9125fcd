#include "test_files.h"

/* ---- making files ------------------------------------------------------------------------------------------------ */
/* An IDX file of `rank` sizes and n bytes of elements. */
static void write_idx(const char *path, int type, int rank, const uint32_t *shape, const void *elements, size_t n) {
    unsigned char b[4096] = { 0, 0, (unsigned char)type, (unsigned char)rank };
    size_t at = 4;
    for (int i = 0; i < rank; i++)
        for (int k = 0; k < 4; k++) b[at++] = (unsigned char)(shape[i] >> (24 - 8 * k));
    assert_true(at + n <= sizeof b);
    if (n) memcpy(b + at, elements, n);
    write_bytes(path, b, at + n);
}
static void gzip(const char *name) {
    char command[1000];
    snprintf(command, sizeof command, "gzip -9 -n -c '%s' > '%s.gz'", in_folder(name), in_folder(name));
    assert_int_equal(system(command), 0);
}
static luron_file *read_idx(luron_ctx *ctx, const char *name, const char *format) {
    luron_file *file;
    assert_ok(ctx, luron_file_read(&file, ctx, in_folder(name), format, 0, NULL));
    assert_int_equal(luron_file_n_tensors(file), 1);
    assert_string_equal(luron_file_name(file, 0), "data");
    return file;
}

static void test_idx_every_type(void **state) {
    luron_ctx *ctx = *state;
    static const struct {
        int type;
        uint32_t dtype;
        size_t n;
        unsigned char elements[32];
        double expect[4];
    } cases[] = {
        { 0x08, LURON_U8, 4, { 0, 1, 127, 255 }, { 0, 1, 127, 255 } },
        { 0x09, LURON_I32, 4, { 0, 1, 0x80, 0xff }, { 0, 1, -128, -1 } },
        { 0x0b, LURON_I32, 8, { 0, 1, 1, 0, 0x80, 0, 0xff, 0xfe }, { 1, 256, -32768, -2 } },
        { 0x0c,
          LURON_I32,
          16,
          { 0, 0, 0, 1, 0, 1, 0, 0, 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xfd },
          { 1, 65536, -2147483648.0, -3 } },
        { 0x0d, LURON_F32, 16, { 0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0, 0x3e, 0x80, 0, 0, 0, 0, 0, 0 }, { 1, -2, 0.25, 0 } },
        { 0x0e,
          LURON_F64,
          32,
          { 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a },
          { 1, -2, 0.1, 0 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_idx(in_folder("type.idx"), cases[i].type, 2, (const uint32_t[]){ 2, 2 }, cases[i].elements, cases[i].n);
        gzip("type.idx");
        for (int packed = 0; packed < 2; packed++) {
            luron_file *file = read_idx(ctx, packed ? "type.idx.gz" : "type.idx", NULL);
            luron_tensor *t = luron_file_tensor(file, 0);
            assert_int_equal(luron_tensor_dtype(t), cases[i].dtype);
            assert_shape(t, 2, 2);
            assert_tensor_close(t, cases[i].expect, 4, 0, 0);
            assert_false(luron_file_is_ids(file, 0));
            luron_file_free(file);
        }
    }
}

/* A row of uint8 is labels: int64, counted as the context counts. */
static void test_idx_labels_are_ids(void **state) {
    luron_ctx *ctx = *state;
    luron_arg no = { .name = "ids", .kind = LURON_ARG_STRING, .string = "no" },
              yes = { .name = "ids", .kind = LURON_ARG_STRING, .string = "yes" };
    luron_file *file;
    write_idx(in_folder("labels"), 0x08, 1, (const uint32_t[]){ 4 }, (const unsigned char[]){ 0, 9, 3, 255 }, 4);
    for (int base = 0; base < 2; base++) {
        luron_ctx_set_index_base(ctx, base);
        file = read_idx(ctx, "labels", "idx");
        assert_true(luron_file_is_ids(file, 0));
        assert_int_equal(luron_tensor_dtype(luron_file_tensor(file, 0)), LURON_I64);
        assert_tensor_close(luron_file_tensor(file, 0), ((const double[]){ base, 9 + base, 3 + base, 255 + base }), 4,
                            0, 0);
        luron_file_free(file);
    }
    assert_ok(ctx, luron_file_read(&file, ctx, in_folder("labels"), NULL, 1, &no));
    assert_false(luron_file_is_ids(file, 0));
    assert_int_equal(luron_tensor_dtype(luron_file_tensor(file, 0)), LURON_U8);
    assert_tensor_close(luron_file_tensor(file, 0), ((const double[]){ 0, 9, 3, 255 }), 4, 0, 0);
    luron_file_free(file);
    write_idx(in_folder("classes"), 0x0b, 2, (const uint32_t[]){ 1, 2 }, (const unsigned char[]){ 0, 5, 0xff, 0xff },
              4);
    assert_ok(ctx, luron_file_read(&file, ctx, in_folder("classes"), NULL, 1, &yes));
    assert_tensor_close(luron_file_tensor(file, 0), ((const double[]){ 6, -1 }), 2, 0, 0); /* -1 is "none" */
    luron_file_free(file);
    luron_ctx_set_index_base(ctx, 0);
}

static void test_idx_empty_and_many_dimensions(void **state) {
    luron_ctx *ctx = *state;
    write_idx(in_folder("empty"), 0x08, 3, (const uint32_t[]){ 0, 28, 28 }, NULL, 0);
    luron_file *file = read_idx(ctx, "empty", NULL);
    assert_shape(luron_file_tensor(file, 0), 0, 28, 28);
    luron_file_free(file);
    write_idx(in_folder("eight"), 0x08, 8, (const uint32_t[]){ 1, 1, 2, 1, 1, 1, 1, 1 }, "ab", 2);
    file = read_idx(ctx, "eight", NULL);
    assert_shape(luron_file_tensor(file, 0), 1, 1, 2, 1, 1, 1, 1, 1);
    luron_file_free(file);
}

static void test_idx_bad_files_are_refused(void **state) {
    luron_ctx *ctx = *state;
    luron_file *file = NULL;
    static const struct {
        size_t n;
        unsigned char b[48];
        const char *says;
    } bad[] = {
        { 3, { 0, 0, 8 }, "begin as IDX files do" },
        { 8, { 1, 0, 8, 1, 0, 0, 0, 0 }, "begin as IDX files do" },
        { 8, { 0, 0, 7, 1, 0, 0, 0, 0 }, "begin as IDX files do" },
        { 8, { 0, 0, 0x0a, 1, 0, 0, 0, 0 }, "begin as IDX files do" },
        { 8, { 0, 0, 8, 0, 0, 0, 0, 0 }, "0 dimensions" },
        { 44, { 0, 0, 8, 9 }, "9 dimensions" },
        { 10, { 0, 0, 8, 2, 0, 0, 0, 1, 0, 0 }, "ends within its head" },
        { 10, { 0, 0, 8, 1, 0, 0, 0, 3, 1, 2 }, "announces 3 bytes of elements, there are 2" },
        { 10, { 0, 0, 8, 1, 0, 0, 0, 1, 1, 2 }, "announces 1 bytes of elements, there are 2" },
        { 16, { 0, 0, 8, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, "too large" },
        { 8, { 0, 0, 0x0e, 1, 0xff, 0xff, 0xff, 0xff }, "announces 34359738360 bytes" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_bytes(in_folder("bad.idx"), bad[i].b, bad[i].n);
        assert_fails(ctx, luron_file_read(&file, ctx, in_folder("bad.idx"), "idx", 0, NULL), LURON_E_FORMAT,
                     bad[i].says);
        assert_non_null(strstr(luron_ctx_error(ctx), "bad.idx: "));
        gzip("bad.idx");
        assert_fails(ctx, luron_file_read(&file, ctx, in_folder("bad.idx.gz"), "idx", 0, NULL), LURON_E_FORMAT,
                     bad[i].says);
    }
    assert_null(file);
}

static void test_idx_damaged_gzip_is_refused(void **state) {
    luron_ctx *ctx = *state;
    luron_file *file = NULL;
    unsigned char elements[2000];
    uint64_t seed = 1;
    for (size_t i = 0; i < sizeof elements; i++) elements[i] = (unsigned char)test_random(&seed) & 15;
    write_idx(in_folder("pack"), 0x08, 2, (const uint32_t[]){ 20, 100 }, elements, sizeof elements);
    gzip("pack");
    bytes b = read_bytes(in_folder("pack.gz"));
    for (size_t n = 1; n < b.n; n++) {
        write_bytes(in_folder("cut.gz"), b.data, n);
        if (luron_file_read(&file, ctx, in_folder("cut.gz"), "idx", 0, NULL) != LURON_E_FORMAT)
            fail_msg("%zu bytes of %zu", n, b.n);
    }
    /* gzip keeps a CRC of the content: only bits of its head that mean nothing may change */
    for (size_t bit = 8 * 10; bit < 8 * b.n; bit += 3) {
        b.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        write_bytes(in_folder("bit.gz"), b.data, b.n);
        luron_status status = luron_file_read(&file, ctx, in_folder("bit.gz"), "idx", 0, NULL);
        if (status != LURON_E_FORMAT) fail_msg("bit %zu: %s", bit, luron_status_name(status));
        b.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    assert_null(file);
    free(b.data);
}

/* 100 MB of zeros in 100 kB: refused before they are all unpacked. */
static void test_idx_bombs_are_refused(void **state) {
    luron_ctx *ctx = *state;
    luron_file *file = NULL;
    char command[1000];
    snprintf(command, sizeof command,
             "{ printf '\\000\\000\\010\\001\\005\\365\\341\\000'; head -c 100000000 /dev/zero; } | gzip -9 > '%s'",
             in_folder("bomb.gz"));
    assert_int_equal(system(command), 0);
    assert_fails(ctx, luron_file_read(&file, ctx, in_folder("bomb.gz"), "idx", 0, NULL), LURON_E_FORMAT,
                 "more than its size allows");
    assert_null(file);
}

static void test_idx_fashion_mnist(void **state) {
    luron_ctx *ctx = *state;
    const char *data = getenv("LURON_DATA");
    char folder[300], path[400];
    snprintf(folder, sizeof folder, "%s/fashion-mnist", data ? data : "/usr/share/datasets");
    snprintf(path, sizeof path, "%s/t10k-images-idx3-ubyte.gz", folder);
    if (access(path, R_OK)) {
        print_message("skipped: no %s (Debian's package dataset-fashion-mnist has it)\n", path);
        skip();
    }
    luron_file *file;
    assert_ok(ctx, luron_file_read(&file, ctx, path, NULL, 0, NULL));
    luron_tensor *t = luron_file_tensor(file, 0);
    assert_shape(t, 10000, 28, 28);
    assert_int_equal(luron_tensor_dtype(t), LURON_U8);
    const uint8_t *x = luron_tensor_data(t);
    int64_t sum = 0;
    for (int64_t i = 0; i < luron_tensor_numel(t); i++) sum += x[i];
    assert_int_equal(sum, 573469082);
    luron_file_free(file);
    snprintf(path, sizeof path, "%s/t10k-labels-idx1-ubyte.gz", folder);
    assert_ok(ctx, luron_file_read(&file, ctx, path, NULL, 0, NULL));
    const int64_t *label = luron_tensor_data(luron_file_tensor(file, 0));
    int count[10] = { 0 };
    for (int i = 0; i < 10000; i++) count[label[i]]++;
    for (int i = 0; i < 10; i++) assert_int_equal(count[i], 1000);
    assert_true(label[0] == 9 && label[1] == 2 && label[2] == 1);
    luron_file_free(file);
}

static void test_idx_every_allocation_may_fail(void **state) {
    luron_ctx *ctx = *state;
    luron_file *file = NULL;
    write_idx(in_folder("sweep"), 0x08, 1, (const uint32_t[]){ 4 }, "\1\2\3\4", 4);
    gzip("sweep");
    luron_file_free(read_idx(ctx, "sweep.gz", NULL));
    int64_t blocks = luron_ctx_live_blocks(ctx);
    for (int64_t k = 1;; k++) {
        luron_ctx_fail_alloc(ctx, k, 0);
        luron_status status = luron_file_read(&file, ctx, in_folder("sweep.gz"), NULL, 0, NULL);
        luron_ctx_fail_alloc(ctx, 0, 0);
        if (!status) {
            luron_file_free(file);
            assert_true(k > 10);
            break;
        }
        assert_int_equal(status, LURON_E_NOMEM);
        assert_null(file);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_idx_every_type),
        test_case(test_idx_labels_are_ids),
        test_case(test_idx_empty_and_many_dimensions),
        test_case(test_idx_bad_files_are_refused),
        test_case(test_idx_damaged_gzip_is_refused),
        test_case(test_idx_bombs_are_refused),
        test_case(test_idx_fashion_mnist),
        test_case(test_idx_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
