/* The container hdf5 against files of other programs, and our files in other programs. The files in tests/data/hdf5 are
 * made by tests/data/make_hdf5.py; each breaks one rule.                                                                 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "test_files.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <sys/wait.h>

/* ---- libhdf5 keeps nothing open ---------------------------------------------------------------------------------- */
static int find_library(struct dl_phdr_info *info, size_t size, void *ud) {
    (void)size;
    if (!strstr(info->dlpi_name, "libhdf5")) return 0;
    *(void **)ud = dlopen(info->dlpi_name, RTLD_NOW | RTLD_NOLOAD);
    return 1;
}

/* Objects open in the library that the plugin uses: H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL). */
static void assert_nothing_open(void) {
    void *library = NULL;
    dl_iterate_phdr(find_library, &library);
    assert_non_null(library);
    long (*count)(int64_t, unsigned);
    void *symbol = dlsym(library, "H5Fget_obj_count");
    assert_non_null(symbol);
    memcpy(&count, &symbol, sizeof count);
    assert_int_equal(count(0x1f, 0x1f), 0);
    dlclose(library);
}

static const char *data_file(const char *name) {
    static char path[500];
    const char *source = getenv("LURON_TEST_SOURCE");
    snprintf(path, sizeof path, "%s/tests/data/hdf5/%s.h5", source ? source : ".", name);
    return path;
}

static void test_hdf5_file_of_h5py(void **state) {
    luron_ctx *ctx = *state;
    luron_checkpoint *c = NULL;
    assert_fails(ctx, luron_checkpoint_load(&c, ctx, data_file("good"), 1), LURON_E_CHECKSUM,
                 "the checksum at its end is missing");
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, data_file("good"), 0));
    luron_tensor *w = luron_checkpoint_tensor(c, "parameters/gate/weight");
    assert_shape(w, 2, 3);
    assert_tensor_close(w, ((const double[]){ 0, 1, 2, 3, 4, 5 }), 6, 0, 0);
    assert_string_equal(luron_checkpoint_text(c, "parameters/gate@type"), "Linear"); /* variable length */
    assert_string_equal(luron_checkpoint_text(c, "architecture"), "");
    assert_string_equal(luron_checkpoint_text(c, "preprocessing/classes"), "[\"a\"]");
    assert_string_equal(luron_checkpoint_text(c, "training/epoch"), "7");
    assert_int_equal(luron_tensor_dtype(luron_checkpoint_tensor(c, "training/mask")), LURON_B8);
    assert_tensor_close(luron_checkpoint_tensor(c, "training/mask"), ((const double[]){ 1, 0 }), 2, 0, 0);
    assert_int_equal(luron_tensor_dtype(luron_checkpoint_tensor(c, "training/half")), LURON_F16);
    assert_tensor_close(luron_checkpoint_tensor(c, "training/half"), ((const double[]){ 1, -2 }), 2, 0, 0);
    assert_tensor_close(luron_checkpoint_tensor(c, "training/number"), ((const double[]){ 0.5 }), 1, 0, 0);
    assert_shape(luron_checkpoint_tensor(c, "training/empty"), 0, 3);
    assert_null(luron_checkpoint_tensor(c, "other/of_the_user"));
    luron_checkpoint_free(c);
    assert_nothing_open();
}

static void test_hdf5_bad_files_are_refused(void **state) {
    luron_ctx *ctx = *state;
    static const struct {
        const char *name, *says;
        luron_status status;
    } bad[] = {
        { "version_missing", "format_version is missing", LURON_E_FORMAT },
        { "version_text", "no integer", LURON_E_FORMAT },
        { "version_real", "no integer", LURON_E_FORMAT },
        { "version_newer", "the file has format_version 2, this luron reads up to 1", LURON_E_VERSION },
        { "soft_link", "'w' is a link to another place or file", LURON_E_FORMAT },
        { "external_link", "'w' is a link to another place or file", LURON_E_FORMAT },
        { "hard_link_twice", "'b' is another name for an object", LURON_E_FORMAT },
        { "cycle", "'again' is another name for an object", LURON_E_FORMAT },
        { "virtual", "data set 'w' keeps its data in other files", LURON_E_FORMAT },
        { "external_storage", "data set 'w' keeps its data in other files", LURON_E_FORMAT },
        { "chunked", "data set 'w' is stored in chunks", LURON_E_FORMAT },
        { "deflate", "data set 'w' is stored in chunks", LURON_E_FORMAT },
        { "compact", "data set 'w' is stored in chunks", LURON_E_FORMAT },
        { "compound", "data set 'w' has a type that is not read", LURON_E_FORMAT },
        { "big_endian", "data set 'w' has a type that is not read", LURON_E_FORMAT },
        { "int16", "data set 'w' has a type that is not read", LURON_E_FORMAT },
        { "uint16", "'w' is of uint16 without the attribute dtype", LURON_E_FORMAT },
        { "complex", "data set 'w' has a type that is not read", LURON_E_FORMAT },
        { "opaque", "data set 'w' has a type that is not read", LURON_E_FORMAT },
        { "enum", "data set 'w' has a type that is not read", LURON_E_FORMAT },
        { "strings", "data set 'w' has a type that is not read", LURON_E_FORMAT },
        { "references", "data set 'w' has a type that is not read", LURON_E_FORMAT },
        { "null_space", "data set 'w' has 0 dimensions", LURON_E_FORMAT },
        { "rank9", "data set 'w' has 9 dimensions", LURON_E_FORMAT },
        { "named_type", "'w' is neither a group nor a data set", LURON_E_FORMAT },
        { "deep", "levels", LURON_E_FORMAT },
        { "name_control", "0x0a", LURON_E_FORMAT },
        { "name_long", "513 bytes", LURON_E_FORMAT },
        { "attributes", "more than 64 attributes", LURON_E_FORMAT },
        { "attribute_name", "0x09", LURON_E_FORMAT },
        { "never_written", "'w'", LURON_E_FORMAT },
        { "text_never_written", "text 'w' of 16777216 bytes reaches beyond the file", LURON_E_FORMAT },
        { "text_twice", "text 'w' of 20000 bytes reaches beyond the file", LURON_E_FORMAT },
        { "huge", "'w'", LURON_E_FORMAT },
        { "overflow", "'w'", LURON_E_FORMAT },
        { "larger_than_stored", "'w'", LURON_E_FORMAT },
        { "bool_2", "tensor 'w' is bool, but element 7 is 2", LURON_E_FORMAT },
        { "beyond_end", "'w'", LURON_E_FORMAT }, /* libhdf5 1.14 says so itself */
    };
    luron_checkpoint *c = NULL;
    int64_t blocks = luron_ctx_live_blocks(ctx);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_fails(ctx, luron_checkpoint_load(&c, ctx, data_file(bad[i].name), 0), bad[i].status, bad[i].says);
        assert_non_null(strstr(luron_ctx_error(ctx), bad[i].name)); /* the file is named */
        assert_null(c);
        assert_nothing_open();
        assert_fails(ctx, luron_checkpoint_load(&c, ctx, data_file(bad[i].name), 1), LURON_E_CHECKSUM, bad[i].name);
        if (i == 0) blocks = luron_ctx_live_blocks(ctx); /* with the plugin loaded */
    }
    assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
}

/* ---- our files in other programs --------------------------------------------------------------------------------- */
static void save_everything(luron_ctx *ctx, const char *path) {
    static const uint32_t dtypes[] = { LURON_F32, LURON_F64, LURON_F16, LURON_BF16,
                                       LURON_I64, LURON_I32, LURON_U8,  LURON_B8 };
    luron_checkpoint *c;
    char name[64];
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    for (int i = 0; i < 8; i++) {
        luron_tensor *t = tensor_of(ctx, dtypes[i], 2, (const int64_t[]){ 2, 2 }, (const double[]){ 0, 1, 1, 0 });
        snprintf(name, sizeof name, "parameters/layer.%d/%s", i, luron_dtype_name(dtypes[i]));
        assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, name, t));
        luron_tensor_unref(t);
    }
    luron_tensor *number = tensor_of(ctx, LURON_F64, 0, NULL, (const double[]){ 2.5 }),
                 *empty = tensor_of(ctx, LURON_F32, 2, (const int64_t[]){ 0, 3 }, NULL);
    assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, "training/number", number));
    assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, "training/empty", empty));
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "training/epoch", "3"));
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "preprocessing/classes", "[\"\xc3\xa9t\xc3\xa9\"]"));
    assert_ok(ctx, luron_checkpoint_save(c, ctx, path, NULL, 0));
    luron_tensor_unref(number);
    luron_tensor_unref(empty);
    luron_checkpoint_free(c);
    assert_nothing_open();
}

static void test_hdf5_h5py_reads_ours(void **state) {
    luron_ctx *ctx = *state;
    char command[1500];
    const char *python = getenv("LURON_TEST_PYTHON"), *source = getenv("LURON_TEST_SOURCE");
    if (!python) python = "python3";
    snprintf(command, sizeof command, "%s -c 'import h5py' 2>/dev/null", python);
    if (system(command)) {
        print_message("skipped: %s has no h5py (LURON_TEST_PYTHON may name one that has)\n", python);
        skip();
    }
    save_everything(ctx, in_folder("ours.h5"));
    snprintf(command, sizeof command, "%s '%s/tests/data/check_hdf5.py' '%s'", python, source ? source : ".",
             in_folder("ours.h5"));
    assert_int_equal(system(command), 0);
}

static void test_hdf5_h5dump_reads_ours(void **state) {
    luron_ctx *ctx = *state;
    char command[900];
    if (system("h5dump --version >/dev/null 2>&1")) {
        print_message("skipped: no h5dump (Debian's package hdf5-tools)\n");
        skip();
    }
    save_everything(ctx, in_folder("dump.h5"));
    snprintf(command, sizeof command, "h5dump '%s' >'%s' 2>&1", in_folder("dump.h5"), in_folder("dump.txt"));
    assert_int_equal(system(command), 0);
    bytes b = read_bytes(in_folder("dump.txt"));
    b.data[b.n] = 0;
    assert_non_null(strstr((char *)b.data, "H5T_IEEE_F32LE"));
    assert_non_null(strstr((char *)b.data, "layer.0"));
    free(b.data);
}

/* ---- what the library does not show elsewhere -------------------------------------------------------------------- */
static void test_hdf5_long_attributes_are_refused(void **state) {
    luron_ctx *ctx = *state;
    luron_checkpoint *c;
    enum { N = 1000 };
    char name[520], path[1200];
    memset(name, 'n', 511);
    name[511] = 0;
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    luron_tensor *t = tensor_row(ctx, LURON_F32, 1, 2);
    snprintf(path, sizeof path, "parameters/%s/%s", name, name); /* the longest names */
    assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, path, t));
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("long.h5"), NULL, 0));
    luron_checkpoint_free(c);
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("long.h5"), 1));
    assert_tensor_same(luron_checkpoint_tensor(c, path), t);
    luron_checkpoint_free(c);
    luron_tensor_unref(t);
    assert_nothing_open();
}

/* Thousands of layers: more than one block of everything, and in reasonable time. */
static void test_hdf5_many_tensors(void **state) {
    luron_ctx *ctx = *state;
    luron_checkpoint *c;
    enum { N = 3000 };
    char path[100];
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    for (int i = 0; i < N; i++) {
        luron_tensor *t = tensor_row(ctx, LURON_F32, i, -i);
        snprintf(path, sizeof path, "parameters/layer%d/weight", i);
        assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, path, t));
        luron_tensor_unref(t);
    }
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("many.h5"), NULL, 0));
    luron_checkpoint_free(c);
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("many.h5"), 1));
    for (int i = 0; i < N; i++) {
        snprintf(path, sizeof path, "parameters/layer%d/weight", i);
        assert_tensor_close(luron_checkpoint_tensor(c, path), ((const double[]){ i, -i }), 2, 0, 0);
    }
    assert_null(luron_checkpoint_tensor_path(c, N));
    luron_checkpoint_free(c);
    assert_nothing_open();
}

/* Contexts of several threads at once: libhdf5 is entered by one at a time. */
static void *save_and_load(void *arg) {
    luron_ctx *ctx;
    luron_status status = luron_ctx_new(&ctx, NULL, NULL);
    const char *path = arg;
    for (int i = 0; i < 20 && !status; i++) {
        luron_checkpoint *c;
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        status = luron_checkpoint_new(&c, ctx);
        if (!status) status = luron_checkpoint_set_text(c, ctx, "training/epoch", text);
        if (!status) status = luron_checkpoint_save(c, ctx, path, NULL, 0);
        luron_checkpoint_free(c);
        if (!status) status = luron_checkpoint_load(&c, ctx, path, 1);
        if (status) break;
        if (strcmp(luron_checkpoint_text(c, "training/epoch"), text)) status = LURON_E_INTERNAL;
        luron_checkpoint_free(c);
    }
    luron_ctx_free(ctx);
    return status ? arg : NULL;
}

static void test_hdf5_several_threads(void **state) {
    luron_ctx *ctx = *state;
    pthread_t threads[4];
    char paths[4][400];
    const luron_type *type;
    assert_ok(ctx, luron_type_find(&type, ctx, LURON_KIND_FORMAT, "hdf5"));
    for (int i = 0; i < 4; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/thread%d.h5", test_folder, i);
        assert_int_equal(pthread_create(&threads[i], NULL, save_and_load, paths[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_nothing_open();
}

/* Data of other formats are read by luron_file; a file of HDF5 without a checksum is none of them. */
static void test_hdf5_as_data(void **state) {
    luron_ctx *ctx = *state;
    luron_file *file = NULL;
    assert_fails(ctx, luron_file_read(&file, ctx, data_file("good"), NULL, 0, NULL), LURON_E_CHECKSUM,
                 "checksum at its end is missing");
    save_everything(ctx, in_folder("data.h5"));
    assert_ok(ctx, luron_file_read(&file, ctx, in_folder("data.h5"), NULL, 0, NULL));
    assert_int_equal(luron_file_n_tensors(file), 10);
    assert_string_equal(luron_file_text(file, -1, "format"), "luron");
    luron_file_free(file);
    assert_nothing_open();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_hdf5_file_of_h5py),
        test_case(test_hdf5_bad_files_are_refused),
        test_case(test_hdf5_h5py_reads_ours),
        test_case(test_hdf5_h5dump_reads_ours),
        test_case(test_hdf5_long_attributes_are_refused),
        test_case(test_hdf5_many_tensors),
        test_case(test_hdf5_several_threads),
        test_case(test_hdf5_as_data),
    };
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
