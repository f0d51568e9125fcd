/* The tree between formats and core, with formats made here: a container `raw` of one tensor, a schema `turned` over it
 * that has the axes the other way round, and ones that do what they must not.                                           */
#include "io.h"
#include "test_files.h"

/* ---- checksum ---------------------------------------------------------------------------------------------------- */
static uint64_t checksum(const char *text, size_t n, size_t step) {
    luron__xxh64 h;
    luron__xxh64_init(&h);
    for (size_t i = 0; i < n; i += step) luron__xxh64_add(&h, text + i, n - i < step ? n - i : step);
    return luron__xxh64_value(&h);
}

/* Published values: xxHash's own tests, and those of python-xxhash. */
static void test_io_checksum_is_xxh64(void **state) {
    const char *long_text = "Nobody inspects the spammish repetition";
    (void)state;
    assert_int_equal(checksum("", 0, 1), 0xef46db3751d8e999u);
    assert_int_equal(checksum("a", 1, 1), 0xd24ec4f1a98c6e5bu);
    assert_int_equal(checksum("abc", 3, 3), 0x44bc2cf5ad770999u);
    for (size_t step = 1; step < 40; step++)
        assert_int_equal(checksum(long_text, strlen(long_text), step), 0xfbcea83c8a378bf1u);
}

/* ---- formats of the test ----------------------------------------------------------------------------------------- */
typedef struct head {
    char magic[4];
    int32_t rank;
    int64_t shape[8];
} head;

static int probe_raw(luron_io *io, const luron_tree *t, const uint8_t *first, uint64_t n) {
    (void)io, (void)t;
    return n >= 4 && memcmp(first, "RAW1", 4) == 0 ? 100 : 0;
}
static luron_status read_raw(luron_io *io, const luron_tree *t, const luron_source *source) {
    head h;
    LURON_TRY(source->read_at(io, 0, &h, sizeof h));
    return t->add_tensor(io, t->root(io), "x", LURON_F32, h.rank, h.shape, sizeof h) ? LURON_OK : LURON_E_FORMAT;
}
static luron_status read_raw_tensor(luron_io *io, const luron_tree *t, const luron_source *source, luron_node *node,
                                    uint64_t where, uint64_t first, uint64_t n, void *to) {
    (void)t, (void)node;
    return source->read_at(io, where + 4 * first, to, 4 * n);
}
static luron_status write_raw(luron_io *io, const luron_tree *t) {
    luron_node *x = t->find(io, t->root(io), "x");
    const luron_view *v = x ? t->tensor(io, x) : NULL;
    if (!v) return (t->fail)(io, LURON_E_ARGUMENT, "no tensor 'x'");
    head h = { .magic = "RAW1", .rank = v->ndim };
    memcpy(h.shape, v->shape, (size_t)v->ndim * sizeof *h.shape);
    LURON_TRY(t->write(io, &h, sizeof h));
    return t->write_tensor(io, x);
}
static luron_status write_raw_itself(luron_io *io, const luron_tree *t) {
    luron_node *x = t->find(io, t->root(io), "x");
    const luron_view *v = t->tensor(io, x);
    head h = { .magic = "RAW1", .rank = v->ndim };
    memcpy(h.shape, v->shape, (size_t)v->ndim * sizeof *h.shape);
    FILE *f = fopen(t->path(io), "r+b");
    float number;
    fwrite(&h, sizeof h, 1, f);
    for (int64_t i = 0; i < luron_numel(v); i++) {
        LURON_TRY(t->fetch(io, x, (uint64_t)i, 1, &number));
        fwrite(&number, 4, 1, f);
    }
    return fclose(f) ? LURON_E_IO : LURON_OK;
}

static int probe_turned(luron_io *io, const luron_tree *t, const uint8_t *first, uint64_t n) {
    (void)first, (void)n;
    return t->find(io, t->root(io), "x") ? 50 : 0;
}
static luron_node *turn(luron_io *io, const luron_tree *t, luron_node *parent, const char *name, luron_node *from) {
    int perm[8], rank = t->tensor(io, from)->ndim;
    for (int i = 0; i < rank; i++) perm[i] = rank - 1 - i;
    return parent ? t->map_tensor(io, parent, name, from, rank, perm) : NULL;
}
static luron_status read_turned(luron_io *io, const luron_tree *t, const luron_source *source) {
    (void)source;
    luron_node *group = t->group(io, t->model(io), "parameters"), *layer = group ? t->group(io, group, "gate") : NULL;
    return turn(io, t, layer, "weight", t->find(io, t->root(io), "x")) ? LURON_OK : LURON_E_FORMAT;
}
static luron_status write_turned(luron_io *io, const luron_tree *t) {
    luron_node *from = t->find(io, t->model(io), "parameters/gate/weight");
    if (!from) return (t->fail)(io, LURON_E_ARGUMENT, "no gate");
    return turn(io, t, t->root(io), "x", from) ? LURON_OK : LURON_E_FORMAT;
}

static luron_status read_silent(luron_io *io, const luron_tree *t, const luron_source *source) {
    (void)io, (void)t, (void)source;
    return LURON_E_FORMAT;
}
static luron_status read_careless(luron_io *io, const luron_tree *t, const luron_source *source) {
    (void)source;
    t->add_tensor(io, t->root(io), "x", LURON_F32, 1, (const int64_t[]){ -1 }, 0); /* and goes on */
    return LURON_OK;
}
static luron_status read_without_tensor(luron_io *io, const luron_tree *t, const luron_source *source) {
    (void)source;
    return t->add_tensor(io, t->root(io), "x", LURON_F32, 1, (const int64_t[]){ 3 }, 0) ? LURON_OK : LURON_E_FORMAT;
}

static const luron_format_type raw = { .struct_size = sizeof raw,
                                       .name = "raw",
                                       .doc = "",
                                       .probe = probe_raw,
                                       .read = read_raw,
                                       .read_tensor = read_raw_tensor,
                                       .write = write_raw };
static const luron_format_type own = { .struct_size = sizeof own,
                                       .name = "raw_own",
                                       .doc = "",
                                       .flags = LURON_FORMAT_OWN_FILE | LURON_FORMAT_SEALED,
                                       .read = read_raw,
                                       .write = write_raw_itself };
static const luron_format_type turned = { .struct_size = sizeof turned,
                                          .name = "turned",
                                          .doc = "",
                                          .over = "raw",
                                          .probe = probe_turned,
                                          .read = read_turned,
                                          .write = write_turned };
static const luron_format_type turned_own = { .struct_size = sizeof turned_own,
                                              .name = "turned_own",
                                              .doc = "",
                                              .over = "raw_own",
                                              .read = read_turned,
                                              .write = write_turned };
static const luron_format_type silent = {
    .struct_size = sizeof silent, .name = "silent", .doc = "", .read = read_silent
};
static const luron_format_type careless = {
    .struct_size = sizeof careless, .name = "careless", .doc = "", .read = read_careless
};
static const luron_format_type no_tensor = {
    .struct_size = sizeof no_tensor, .name = "no_tensor", .doc = "", .read = read_without_tensor
};
static const luron_format_type *const formats[] = { &raw,    &own,      &turned,    &turned_own,
                                                    &silent, &careless, &no_tensor, NULL };
static const luron_plugin plugin = { .struct_size = sizeof plugin,
                                     .abi_major = LURON_ABI_MAJOR,
                                     .name = "test_formats",
                                     .version = "1",
                                     .formats = formats };

static void add_formats(luron_ctx *ctx) { assert_ok(ctx, luron_plugin_add(ctx, &plugin, "here")); }

/* ---- data through formats ---------------------------------------------------------------------------------------- */
static void test_io_axes_are_permuted_both_ways(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *t, *turned_t, *dense;
    luron_checkpoint *c;
    add_formats(ctx);
    assert_ok(ctx, luron_tensor_arange(&t, ctx, LURON_F32, 0, 90 * 50 * 7, 1)); /* more than one chunk */
    assert_ok(ctx, luron_reshape(&dense, ctx, t, 3, (const int64_t[]){ 90, 50, 7 }));
    static const char *const names[] = { "turned", "turned_own" };
    for (int i = 0; i < 2; i++) {
        assert_ok(ctx, luron_checkpoint_new(&c, ctx));
        assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, "parameters/gate/weight", dense));
        assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("turned.raw"), names[i], 0));
        luron_checkpoint_free(c);
        bytes b = read_bytes(in_folder("turned.raw"));
        assert_int_equal(b.n, sizeof(head) + 4 * 90 * 50 * 7 + (i ? LURON__TRAILER : 0));
        const float *x = (const float *)(const void *)(b.data + sizeof(head));
        assert_true(((const head *)(const void *)b.data)->shape[0] == 7 && x[1] == 350 && x[90] == 7); /* (7, 50, 90) */
        luron__xxh64 sum;
        luron__xxh64_init(&sum);
        luron__xxh64_add(&sum, b.data, b.n - LURON__TRAILER);
        if (i) assert_ok(ctx, luron__trailer_check(ctx, b.data, b.n, luron__xxh64_value(&sum)));
        free(b.data);
    }
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, "parameters/gate/weight", dense));
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("turned.raw"), "turned", 0));
    luron_checkpoint_free(c);
    luron_io *io;
    assert_ok(ctx, luron__io_new(&io, ctx));
    assert_ok(ctx, luron__io_read(io, in_folder("turned.raw"), NULL, true, true, 0, NULL));
    assert_ok(ctx, luron__io_tensor(&turned_t, io, luron__tree()->find(io, io->model, "parameters/gate/weight")));
    assert_tensor_same(turned_t, dense);
    luron_tensor_unref(turned_t);
    luron__io_free(io);
    luron_tensor_unref(dense);
    luron_tensor_unref(t);
}

static void test_io_views_go_through_write_tensor(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *t, *dense, *view;
    luron_checkpoint *c;
    luron_file *file;
    add_formats(ctx);
    assert_ok(ctx, luron_tensor_arange(&t, ctx, LURON_F32, 0, 300 * 200, 1));
    assert_ok(ctx, luron_reshape(&dense, ctx, t, 2, (const int64_t[]){ 300, 200 }));
    assert_ok(ctx, luron_transpose(&view, ctx, dense, 0, 1)); /* turned twice: as it lies in memory */
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, "parameters/gate/weight", view));
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("view.raw"), "turned", 0));
    luron_checkpoint_free(c);
    assert_ok(ctx, luron_file_read(&file, ctx, in_folder("view.raw"), NULL, 0, NULL));
    assert_int_equal(luron_file_n_tensors(file), 1);
    assert_string_equal(luron_file_name(file, 0), "x");
    assert_tensor_same(luron_file_tensor(file, 0), dense);
    assert_null(luron_file_name(file, 1));
    assert_null(luron_file_tensor(file, -1));
    assert_null(luron_file_text(file, 0, "none"));
    luron_file_free(file);
    luron_tensor_unref(view);
    luron_tensor_unref(dense);
    luron_tensor_unref(t);
}

static void test_io_formats_that_misbehave(void **state) {
    luron_ctx *ctx = *state;
    luron_file *file = NULL;
    luron_checkpoint *c;
    add_formats(ctx);
    write_string(in_folder("any.raw"), "something");
    assert_fails(ctx, luron_file_read(&file, ctx, in_folder("any.raw"), "silent", 0, NULL), LURON_E_FORMAT,
                 "any.raw: silent failed and did not say why");
    assert_fails(ctx, luron_file_read(&file, ctx, in_folder("any.raw"), "careless", 0, NULL), LURON_E_FORMAT,
                 "tensor 'x' has the size -1");
    assert_fails(ctx, luron_file_read(&file, ctx, in_folder("any.raw"), "no_tensor", 0, NULL), LURON_E_PLUGIN,
                 "has no read_tensor");
    assert_fails(ctx, luron_file_read(&file, ctx, in_folder("any.raw"), "nothing", 0, NULL), LURON_E_NOT_FOUND,
                 "nothing");
    assert_fails(ctx, luron_file_read(&file, ctx, in_folder("any.raw"), "raw", 0, NULL), LURON_E_FORMAT,
                 "bytes at 0 expected, the file has 9");
    assert_null(file);
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_fails(ctx, luron_checkpoint_save(c, ctx, in_folder("no.raw"), "silent", 0), LURON_E_UNSUPPORTED,
                 "format 'silent' cannot write");
    assert_fails(ctx, luron_checkpoint_save(c, ctx, in_folder("no.raw"), "turned", 0), LURON_E_ARGUMENT,
                 "no.raw: no gate");
    assert_int_equal(count_files("no.raw"), 0);
    luron_checkpoint_free(c);
}

/* A head that announces more than there is. */
static void test_io_sizes_are_held_against_the_file(void **state) {
    luron_ctx *ctx = *state;
    luron_file *file = NULL;
    add_formats(ctx);
    const struct {
        int32_t rank;
        int64_t shape[8];
        const char *says;
    } bad[] = {
        { 1, { 1000 }, "bytes at" },
        { 1, { INT64_MAX }, "too large" },
        { 8, { 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1, 1, 1 }, "too large" },
        { 2, { (int64_t)1 << 31, (int64_t)1 << 31 }, "too large" },
        { 1, { 30 << 20 }, "more than its size allows" },
        { 9, { 1 }, "9 dimensions" },
        { -1, { 1 }, "-1 dimensions" },
        { 2, { 3, -3 }, "the size -3" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        head h = { .magic = "RAW1", .rank = bad[i].rank };
        memcpy(h.shape, bad[i].shape, sizeof h.shape);
        write_bytes(in_folder("bad.raw"), &h, sizeof h);
        assert_fails(ctx, luron_file_read(&file, ctx, in_folder("bad.raw"), NULL, 0, NULL), LURON_E_FORMAT,
                     bad[i].says);
        assert_non_null(strstr(luron_ctx_error(ctx), "bad.raw: "));
    }
    assert_null(file);
}

/* ---- the tree ---------------------------------------------------------------------------------------------------- */
static luron_io *new_io(luron_ctx *ctx) {
    luron_io *io;
    assert_ok(ctx, luron__io_new(&io, ctx));
    io->most = 1 << 30;
    return io;
}

static void test_io_tree_finds_what_was_put_in(void **state) {
    luron_ctx *ctx = *state;
    const luron_tree *t = luron__tree();
    luron_io *io = new_io(ctx);
    char name[32], path[64];
    for (int g = 0; g < 40; g++) {
        snprintf(name, sizeof name, "group%d", g);
        luron_node *group = t->group(io, t->root(io), name);
        assert_ptr_equal(group, t->group(io, t->root(io), name));
        for (int i = 0; i < 50; i++) {
            snprintf(name, sizeof name, "tensor%d", i);
            assert_non_null(t->add_tensor(io, group, name, LURON_F32, 1, (const int64_t[]){ g * 100 + i }, 0));
        }
    }
    for (int g = 0; g < 40; g++)
        for (int i = 0; i < 50; i++) {
            snprintf(path, sizeof path, "group%d/tensor%d", g, i);
            luron_node *node = t->find(io, t->root(io), path);
            assert_non_null(node);
            assert_int_equal(t->tensor(io, node)->shape[0], g * 100 + i);
            luron_node *group = t->child(io, t->root(io), g);
            assert_ptr_equal(t->child(io, group, 49 - i),
                             t->find(io, group, (snprintf(name, sizeof name, "tensor%d", 49 - i), name)));
        }
    assert_null(t->find(io, t->root(io), "group1/tensor50"));
    assert_null(t->find(io, t->root(io), "group1/tensor1/more"));
    assert_null(t->find(io, t->model(io), "group1"));
    assert_null(t->child(io, t->root(io), 40));
    assert_null(t->child(io, t->root(io), -1));
    luron__io_free(io);
}

static void test_io_attributes_and_texts(void **state) {
    luron_ctx *ctx = *state;
    const luron_tree *t = luron__tree();
    luron_io *io = new_io(ctx);
    int64_t number = 0;
    uint64_t n = 0;
    assert_ok(ctx, t->set_text(io, t->root(io), "a", "one", 3));
    assert_ok(ctx, t->set_integer(io, t->root(io), "b", -7));
    assert_ok(ctx, t->set_text(io, t->root(io), "a", "two", 3));
    assert_string_equal(t->text(io, t->root(io), "a", &n), "two");
    assert_int_equal(n, 3);
    assert_string_equal(t->text(io, t->root(io), "b", NULL), "-7");
    assert_true(t->integer(io, t->root(io), "b", &number) && number == -7);
    assert_false(t->integer(io, t->root(io), "a", &number));
    assert_string_equal(t->key(io, t->root(io), 1), "b");
    assert_null(t->key(io, t->root(io), 2));
    assert_null(t->text(io, t->root(io), "c", NULL));
    luron_node *text = t->add_text(io, t->root(io), "text", "words", 5);
    assert_string_equal(t->value(io, text, &n), "words");
    assert_null(t->tensor(io, text));
    assert_null(t->value(io, t->root(io), NULL));
    assert_null(t->group(io, text, "inside"));
    assert_int_equal(io->status, LURON_E_FORMAT);
    luron__io_free(io);
}

static void test_io_names_are_checked(void **state) {
    luron_ctx *ctx = *state;
    const luron_tree *t = luron__tree();
    char long_name[LURON__MAX_NAME + 2];
    memset(long_name, 'n', sizeof long_name);
    long_name[LURON__MAX_NAME + 1] = 0;
    const char *bad[] = { "",
                          ".",
                          "..",
                          "a/b",
                          "a\nb",
                          "\x7f",
                          "\x80",
                          "\xc0\x80",
                          "\xc3",
                          "\xed\xa0\x80",
                          "\xf4\x90\x80\x80",
                          "\xc2\x85",
                          "a\xff",
                          long_name };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        luron_io *io = new_io(ctx);
        assert_null(t->group(io, t->root(io), bad[i]));
        assert_int_equal(io->status, LURON_E_FORMAT);
        assert_null(t->child(io, t->root(io), 0));
        assert_int_equal((t->fail)(io, LURON_E_SHAPE, "later"), LURON_E_FORMAT); /* the first failure counts */
        luron__io_free(io);
    }
    long_name[LURON__MAX_NAME] = 0;
    const char *good[] = { "a", "weight", "...", "\xc3\xa9", "\xe4\xb8\xad", "\xf0\x9f\x98\x80", "a b", long_name };
    luron_io *io = new_io(ctx);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_non_null(t->group(io, t->root(io), good[i]));
    assert_null(t->add_tensor(io, t->root(io), "a", LURON_F32, 0, NULL, 0));
    assert_string_equal(luron_ctx_error(ctx), "'a' is there twice");
    luron__io_free(io);
}

static void test_io_limits(void **state) {
    luron_ctx *ctx = *state;
    const luron_tree *t = luron__tree();
    luron_io *io = new_io(ctx);
    luron_node *node = t->root(io);
    for (int i = 0; i < LURON__MAX_DEPTH; i++) assert_non_null(node = t->group(io, node, "deeper"));
    assert_null(t->group(io, node, "deeper"));
    luron__io_free(io);
    io = new_io(ctx);
    io->most = 100;
    assert_non_null(t->add_tensor(io, t->root(io), "a", LURON_U8, 1, (const int64_t[]){ 60 }, 0));
    assert_null(t->add_tensor(io, t->root(io), "b", LURON_U8, 1, (const int64_t[]){ 41 }, 0));
    luron__io_free(io);
    io = new_io(ctx);
    for (int i = 0; i < LURON__MAX_ATTRS; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%d", i);
        assert_ok(ctx, t->set_integer(io, t->root(io), key, i));
    }
    assert_fails(ctx, t->set_integer(io, t->root(io), "more", 0), LURON_E_FORMAT, "more than 64 attributes");
    luron__io_free(io);
    io = new_io(ctx);
    luron_node *real = t->add_tensor(io, t->root(io), "real", LURON_F32, 1, (const int64_t[]){ 3 }, 0);
    assert_fails(ctx, t->set_ids(io, real), LURON_E_PLUGIN, "no integers");
    luron__io_free(io);
    io = new_io(ctx);
    real = t->add_tensor(io, t->root(io), "real", LURON_F32, 2, (const int64_t[]){ 3, 2 }, 0);
    assert_null(t->map_tensor(io, t->root(io), "twice", real, 2, (const int[]){ 0, 0 }));
    luron__io_free(io);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_io_checksum_is_xxh64),
        test_case(test_io_axes_are_permuted_both_ways),
        test_case(test_io_views_go_through_write_tensor),
        test_case(test_io_formats_that_misbehave),
        test_case(test_io_sizes_are_held_against_the_file),
        test_case(test_io_tree_finds_what_was_put_in),
        test_case(test_io_attributes_and_texts),
        test_case(test_io_names_are_checked),
        test_case(test_io_limits),
    };
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
