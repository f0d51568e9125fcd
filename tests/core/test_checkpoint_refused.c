/* Files that no checkpoint may be read from. */
#include "io.h"
#include "training.h"

static void save_text(luron_ctx *ctx, const char *path, const char *text, int keep_prev) {
    luron_checkpoint *c;
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "training/epoch", text));
    assert_ok(ctx, luron_checkpoint_save(c, ctx, path, NULL, keep_prev));
    luron_checkpoint_free(c);
}
static void test_checkpoint_refused_every_truncation(void **state) {
    luron_ctx *ctx = *state;
    luron_checkpoint *c = NULL;
    save_text(ctx, in_folder("whole.h5"), "1", 0);
    bytes b = read_bytes(in_folder("whole.h5"));
    for (size_t n = 0; n < b.n; n++) {
        write_bytes(in_folder("cut.h5"), b.data, n);
        luron_status status = luron_checkpoint_load(&c, ctx, in_folder("cut.h5"), 1);
        assert_int_equal(status, n < 8 ? LURON_E_FORMAT : LURON_E_CHECKSUM);
        assert_null(c);
    }
    print_message("%zu truncations refused\n", b.n);
    free(b.data);
}

static void test_checkpoint_refused_every_changed_bit(void **state) {
    luron_ctx *ctx = *state;
    training t = make_training(ctx, 4);
    luron_checkpoint *c = make_checkpoint(ctx, &t);
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("bits.h5"), NULL, 0));
    luron_checkpoint_free(c);
    free_training(&t);
    bytes b = read_bytes(in_folder("bits.h5"));
    uint64_t seed = 2;
    c = NULL;
    for (int i = 0; i < 500; i++) {
        uint64_t bit = i < 256 ? 8 * (b.n - 32) + (uint64_t)i : test_random(&seed) % (8 * b.n); /* all of the trailer */
        b.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        write_bytes(in_folder("bit.h5"), b.data, b.n);
        luron_status status = luron_checkpoint_load(&c, ctx, in_folder("bit.h5"), 1);
        if (status != LURON_E_CHECKSUM && !(bit / 8 < 8 && status == LURON_E_FORMAT))
            fail_msg("bit %llu: %s", (unsigned long long)bit, luron_status_name(status));
        assert_null(c);
        b.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    free(b.data);
}

static void test_checkpoint_refused_foreign_files(void **state) {
    luron_ctx *ctx = *state;
    luron_checkpoint *c = NULL;
    write_bytes(in_folder("empty.h5"), "", 0);
    write_string(in_folder("text.h5"), "epoch,loss\n1,0.5\n");
    assert_int_equal(mkfifo(in_folder("pipe.h5"), 0600), 0);
    assert_fails(ctx, luron_checkpoint_load(&c, ctx, in_folder("empty.h5"), 1), LURON_E_FORMAT,
                 "empty.h5: the file is empty");
    assert_fails(ctx, luron_checkpoint_load(&c, ctx, in_folder("text.h5"), 1), LURON_E_FORMAT, "is not an HDF5 file");
    assert_fails(ctx, luron_checkpoint_load(&c, ctx, in_folder("text.h5"), 0), LURON_E_FORMAT, "is not an HDF5 file");
    assert_fails(ctx, luron_checkpoint_load(&c, ctx, in_folder("pipe.h5"), 1), LURON_E_IO,
                 "pipe.h5: cannot read: not a regular file");
    assert_fails(ctx, luron_checkpoint_load(&c, ctx, test_folder, 1), LURON_E_IO, "Is a directory");
    assert_fails(ctx, luron_checkpoint_load(&c, ctx, in_folder("missing.h5"), 1), LURON_E_IO,
                 "missing.h5: cannot open: No such file or directory");
    assert_fails(ctx, luron_checkpoint_load(&c, ctx, "", 1), LURON_E_ARGUMENT, "empty");
    /* HDF5, sealed, but no checkpoint */
    luron_checkpoint *plain;
    assert_ok(ctx, luron_checkpoint_new(&plain, ctx));
    assert_ok(ctx, luron_checkpoint_set_text(plain, ctx, "training/epoch", "1"));
    assert_ok(ctx, luron_checkpoint_save(plain, ctx, in_folder("plain.h5"), "hdf5", 0));
    luron_checkpoint_free(plain);
    assert_fails(ctx, luron_checkpoint_load(&c, ctx, in_folder("plain.h5"), 1), LURON_E_FORMAT,
                 "holds no model that can be read");
    assert_null(c);
}

static void test_checkpoint_refused_without_trailer(void **state) {
    luron_ctx *ctx = *state;
    luron_checkpoint *c = NULL;
    save_text(ctx, in_folder("bare.h5"), "1", 0);
    bytes b = read_bytes(in_folder("bare.h5"));
    write_bytes(in_folder("bare.h5"), b.data, b.n - LURON__TRAILER);
    assert_fails(ctx, luron_checkpoint_load(&c, ctx, in_folder("bare.h5"), 1), LURON_E_CHECKSUM,
                 "the checksum at its end is missing");
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("bare.h5"), 0));
    assert_string_equal(luron_checkpoint_text(c, "training/epoch"), "1");
    luron_checkpoint_free(c);
    c = NULL;
    b.data[b.n - 1] ^= 1;
    write_bytes(in_folder("bare.h5"), b.data, b.n);
    assert_fails(ctx, luron_checkpoint_load(&c, ctx, in_folder("bare.h5"), 1), LURON_E_CHECKSUM,
                 "the file was altered");
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("bare.h5"), 0));
    luron_checkpoint_free(c);
    free(b.data);
}

/* A sealed file of the container alone, with attributes of the test's choice. */
static void write_root(luron_ctx *ctx, const char *path, const char *format, const char *version_text,
                       int64_t version) {
    luron_io *io;
    const luron_type *type;
    assert_ok(ctx, luron__io_new(&io, ctx));
    assert_ok(ctx, luron_type_find(&type, ctx, LURON_KIND_FORMAT, "hdf5"));
    assert_ok(ctx, luron__io_take(&io->container, &io->container_options, io, type, 0, NULL));
    assert_ok(ctx, luron__tree()->set_text(io, io->root, "format", format, strlen(format)));
    if (version_text)
        assert_ok(ctx, luron__tree()->set_text(io, io->root, "format_version", version_text, strlen(version_text)));
    else assert_ok(ctx, luron__tree()->set_integer(io, io->root, "format_version", version));
    assert_ok(ctx, luron__writer_open(&io->writer, ctx, path));
    assert_ok(ctx, type->format.write(io, luron__tree()));
    assert_ok(ctx, luron__writer_commit(io->writer, ctx, true, false));
    luron__io_free(io);
}

static void test_checkpoint_refused_versions(void **state) {
    luron_ctx *ctx = *state;
    luron_checkpoint *c = NULL;
    write_root(ctx, in_folder("version.h5"), "luron", NULL, 1);
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("version.h5"), 1));
    luron_checkpoint_free(c);
    write_root(ctx, in_folder("version.h5"), "luron", NULL, 2);
    assert_fails(ctx, luron_checkpoint_load(&c, ctx, in_folder("version.h5"), 1), LURON_E_VERSION,
                 "version.h5: the file has format_version 2, this luron reads up to 1");
    write_root(ctx, in_folder("version.h5"), "luron", NULL, 0);
    assert_fails(ctx, luron_checkpoint_load(&c, ctx, in_folder("version.h5"), 1), LURON_E_FORMAT,
                 "format_version is 0");
    write_root(ctx, in_folder("version.h5"), "luron", "1", 0);
    assert_fails(ctx, luron_checkpoint_load(&c, ctx, in_folder("version.h5"), 1), LURON_E_FORMAT, "no integer");
    write_root(ctx, in_folder("version.h5"), "keras", NULL, 1);
    assert_fails(ctx, luron_checkpoint_load(&c, ctx, in_folder("version.h5"), 1), LURON_E_FORMAT,
                 "holds no model that can be read");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_checkpoint_refused_every_truncation),
        test_case(test_checkpoint_refused_every_changed_bit),
        test_case(test_checkpoint_refused_foreign_files),
        test_case(test_checkpoint_refused_without_trailer),
        test_case(test_checkpoint_refused_versions),
    };
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
