#include "io.h"
#include "training.h"

/* ---- round trips ------------------------------------------------------------------------------------------------- */
static const uint32_t dtypes[] = {
    LURON_F32, LURON_F64, LURON_F16, LURON_BF16, LURON_I64, LURON_I32, LURON_U8, LURON_B8
};
enum { N_DTYPES = sizeof dtypes / sizeof *dtypes };

static luron_tensor *random_tensor(luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape, uint64_t *seed) {
    luron_tensor *t;
    assert_ok(ctx, luron_tensor_new(&t, ctx, dtype, ndim, shape));
    unsigned char *p = luron_tensor_data(t);
    for (int64_t i = 0; i < luron_tensor_numel(t) * luron_dtype_size(dtype); i++)
        p[i] = (unsigned char)(dtype == LURON_B8 ? test_random(seed) & 1 : test_random(seed));
    return t;
}

static void test_checkpoint_every_dtype_and_rank(void **state) {
    luron_ctx *ctx = *state;
    const int64_t shape[] = { 2, 1, 3, 2, 1, 2, 1, 3 }, empty[] = { 2, 0, 3 };
    luron_tensor *kept[N_DTYPES][10];
    luron_checkpoint *c;
    char path[100];
    uint64_t seed = 1;
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    for (int d = 0; d < N_DTYPES; d++)
        for (int r = 0; r < 10; r++) {
            kept[d][r] = r == 9 ? random_tensor(ctx, dtypes[d], 3, empty, &seed)
                                : random_tensor(ctx, dtypes[d], r, shape, &seed);
            snprintf(path, sizeof path, "training/%s/rank%d", luron_dtype_name(dtypes[d]), r);
            assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, path, kept[d][r]));
        }
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("dtypes.h5"), NULL, 0));
    luron_checkpoint_free(c);
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("dtypes.h5"), 1));
    for (int d = 0; d < N_DTYPES; d++)
        for (int r = 0; r < 10; r++) {
            snprintf(path, sizeof path, "training/%s/rank%d", luron_dtype_name(dtypes[d]), r);
            luron_tensor *t = luron_checkpoint_tensor(c, path);
            assert_non_null(t);
            assert_int_equal(t->dtype, dtypes[d]);
            assert_int_equal(t->ndim, kept[d][r]->ndim);
            assert_true(luron__same_shape(t, kept[d][r]));
            assert_memory_equal(luron_tensor_data(t), luron_tensor_data(kept[d][r]),
                                (size_t)(luron_tensor_numel(t) * luron_dtype_size(dtypes[d])));
            luron_tensor_unref(kept[d][r]);
        }
    luron_checkpoint_free(c);
}

static void test_checkpoint_views_are_written_in_order(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *t = tensor_of(ctx, LURON_F32, 2, (const int64_t[]){ 2, 3 }, (const double[]){ 1, 2, 3, 4, 5, 6 }),
                 *turned;
    luron_checkpoint *c;
    assert_ok(ctx, luron_transpose(&turned, ctx, t, 0, 1));
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, "parameters/gate/weight", turned));
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("view.h5"), NULL, 0));
    luron_checkpoint_free(c);
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("view.h5"), 1));
    luron_tensor *back = luron_checkpoint_tensor(c, "parameters/gate/weight");
    assert_shape(back, 3, 2);
    assert_tensor_close(back, ((const double[]){ 1, 4, 2, 5, 3, 6 }), 6, 0, 0);
    luron_model *model = (luron_model *)c;
    assert_ok(ctx, luron_checkpoint_model(&model, ctx, c));
    assert_null(model); /* parameters without an architecture */
    luron_checkpoint_free(c);
    luron_tensor_unref(turned);
    luron_tensor_unref(t);
}

static void test_checkpoint_texts(void **state) {
    luron_ctx *ctx = *state;
    luron_checkpoint *c;
    size_t n = 300000;
    char *large = malloc(n + 1);
    memset(large, 'x', n);
    large[n] = 0;
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "training/epoch", "2"));
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "training/epoch", "3"));
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "training/empty", ""));
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "training/history/loss", large));
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "preprocessing/classes", "[\"\xe4\xb8\xad\xe6\x96\x87\"]"));
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("texts.h5"), NULL, 0));
    luron_checkpoint_free(c);
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("texts.h5"), 1));
    assert_string_equal(luron_checkpoint_text(c, "training/epoch"), "3");
    assert_string_equal(luron_checkpoint_text(c, "training/empty"), "");
    assert_string_equal(luron_checkpoint_text(c, "training/history/loss"), large);
    assert_string_equal(luron_checkpoint_text(c, "preprocessing/classes"), "[\"\xe4\xb8\xad\xe6\x96\x87\"]");
    assert_string_equal(luron_checkpoint_text(c, "luron_version"), LURON_VERSION);
    assert_string_equal(luron_checkpoint_text(c, "isa"), luron_ctx_isa(ctx));
    assert_null(luron_checkpoint_text(c, "training/none"));
    luron_checkpoint_free(c);
    free(large);
}

static void test_checkpoint_paths_are_checked(void **state) {
    luron_ctx *ctx = *state;
    static const char *const bad[] = {
        "weight", "other/weight", "parameters", "parameters/", "parameters//weight", "training/a@b", ""
    };
    luron_checkpoint *c;
    luron_tensor *t = tensor_row(ctx, LURON_F32, 1, 2);
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_fails(ctx, luron_checkpoint_set_tensor(c, ctx, bad[i], t), LURON_E_ARGUMENT,
                     "begins with 'parameters/'");
        assert_fails(ctx, luron_checkpoint_set_text(c, ctx, bad[i], "x"), LURON_E_ARGUMENT,
                     "begins with 'parameters/'");
    }
    assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, "training/a", t));
    assert_fails(ctx, luron_checkpoint_set_text(c, ctx, "training/a", "x"), LURON_E_ARGUMENT, "is a tensor already");
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "training/a/b", "x"));
    assert_fails(ctx, luron_checkpoint_save(c, ctx, in_folder("paths.h5"), NULL, 0), LURON_E_FORMAT,
                 "'a' is needed as a group and as a value");
    assert_int_equal(count_files("paths.h5"), 0);
    luron_checkpoint_free(c);
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "training/a\nb", "x"));
    assert_fails(ctx, luron_checkpoint_save(c, ctx, in_folder("paths.h5"), NULL, 0), LURON_E_FORMAT, "0x0a");
    assert_fails(ctx, luron_checkpoint_save(c, ctx, in_folder("paths.h5"), "no_such_format", 0), LURON_E_NOT_FOUND,
                 "no_such_format");
    luron_checkpoint_free(c);
    luron_tensor_unref(t);
}

/* Train, save, go on; load into a new context, go on: the same bits. */
static void test_checkpoint_resume_gives_the_same_bits(void **state) {
    luron_ctx *ctx = *state, *other;
    training a = make_training(ctx, 4), b = { NULL, NULL };
    luron_ctx_seed(ctx, 0xfedcba9876543210u);
    for (int i = 0; i < 7; i++) train_step(ctx, &a);
    luron_optim_set_scalar(a.optim, 1, 0, luron_optim_scalar(a.optim, 1, 0));
    luron_checkpoint *c = make_checkpoint(ctx, &a);
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("resume.h5"), NULL, 0));
    luron_checkpoint_free(c);
    for (int i = 0; i < 5; i++) train_step(ctx, &a);

    assert_int_equal(luron_ctx_new(&other, NULL, NULL), LURON_OK);
    assert_ok(other, luron_checkpoint_load(&c, other, in_folder("resume.h5"), 1));
    assert_ok(other, luron_checkpoint_model(&b.model, other, c));
    assert_non_null(luron_model_find(b.model, "head.out"));
    b.optim = make_optim(other, b.model, 0.5); /* the file's rate counts */
    assert_ok(other, luron_checkpoint_restore_optim(other, c, b.optim));
    assert_ok(other, luron_checkpoint_restore_random(other, c));
    assert_string_equal(luron_checkpoint_text(c, "training/epoch"), "3");
    assert_string_equal(luron_checkpoint_text(c, "optimizer@type"), "Adam");
    luron_checkpoint_free(c);
    for (int i = 0; i < 5; i++) train_step(other, &b);
    assert_same_training(&a, &b);
    free_training(&b);
    luron_ctx_free(other);
    free_training(&a);
}

static void test_checkpoint_same_content_gives_the_same_bytes(void **state) {
    luron_ctx *ctx = *state;
    training t = make_training(ctx, 4);
    for (int i = 0; i < 2; i++) {
        luron_checkpoint *c = make_checkpoint(ctx, &t);
        assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder(i ? "same2.h5" : "same1.h5"), NULL, 0));
        luron_checkpoint_free(c);
    }
    bytes a = read_bytes(in_folder("same1.h5")), b = read_bytes(in_folder("same2.h5"));
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.data, b.data, a.n);
    free(a.data), free(b.data);
    free_training(&t);
}

/* A loaded checkpoint can be changed and saved again. */
static void test_checkpoint_save_what_was_loaded(void **state) {
    luron_ctx *ctx = *state;
    training t = make_training(ctx, 4), b = { NULL, NULL };
    train_step(ctx, &t);
    luron_checkpoint *c = make_checkpoint(ctx, &t);
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("first.h5"), NULL, 0));
    luron_checkpoint_free(c);
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("first.h5"), 1));
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "training/epoch", "4"));
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("second.h5"), NULL, 0));
    luron_checkpoint_free(c);
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("second.h5"), 1));
    assert_string_equal(luron_checkpoint_text(c, "training/epoch"), "4");
    assert_string_equal(luron_checkpoint_text(c, "parameters/linear1@type"), "Linear");
    assert_ok(ctx, luron_checkpoint_model(&b.model, ctx, c));
    b.optim = make_optim(ctx, b.model, 0.5);
    assert_ok(ctx, luron_checkpoint_restore_optim(ctx, c, b.optim));
    assert_same_training(&t, &b);
    luron_checkpoint_free(c);
    free_training(&b);
    free_training(&t);
}

/* ---- the file in its place --------------------------------------------------------------------------------------- */
static void save_text(luron_ctx *ctx, const char *path, const char *text, int keep_prev) {
    luron_checkpoint *c;
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "training/epoch", text));
    assert_ok(ctx, luron_checkpoint_save(c, ctx, path, NULL, keep_prev));
    luron_checkpoint_free(c);
}
static void assert_text(luron_ctx *ctx, const char *path, const char *text) {
    luron_checkpoint *c;
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, path, 1));
    assert_string_equal(luron_checkpoint_text(c, "training/epoch"), text);
    luron_checkpoint_free(c);
}
static int mode_of(const char *path) {
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (int)(st.st_mode & 07777);
}

static void test_checkpoint_replaces_and_keeps_the_previous(void **state) {
    luron_ctx *ctx = *state;
    mode_t mask = umask(027);
    save_text(ctx, in_folder("keep.h5"), "1", 1);
    assert_int_equal(mode_of(in_folder("keep.h5")), 0640);
    umask(mask);
    assert_int_equal(chmod(in_folder("keep.h5"), 0604), 0);
    save_text(ctx, in_folder("keep.h5"), "2", 1);
    save_text(ctx, in_folder("keep.h5"), "3", 1);
    assert_int_equal(mode_of(in_folder("keep.h5")), 0604);
    assert_text(ctx, in_folder("keep.h5"), "3");
    assert_text(ctx, in_folder("keep.h5.prev"), "2");
    save_text(ctx, in_folder("keep.h5"), "4", 0);
    assert_text(ctx, in_folder("keep.h5.prev"), "2");
    assert_int_equal(count_files("keep.h5"), 2);
}

static void test_checkpoint_follows_a_link(void **state) {
    luron_ctx *ctx = *state;
    struct stat st;
    save_text(ctx, in_folder("real.h5"), "1", 0);
    assert_int_equal(symlink("real.h5", in_folder("link.h5")), 0);
    save_text(ctx, in_folder("link.h5"), "2", 0);
    assert_int_equal(lstat(in_folder("link.h5"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_text(ctx, in_folder("real.h5"), "2");
}

static void test_checkpoint_places_that_cannot_be_written(void **state) {
    luron_ctx *ctx = *state;
    luron_checkpoint *c;
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "training/epoch", "1"));
    assert_fails(ctx, luron_checkpoint_save(c, ctx, in_folder("no/such/folder.h5"), NULL, 0), LURON_E_IO,
                 "No such file or directory");
    assert_fails(ctx, luron_checkpoint_save(c, ctx, test_folder, NULL, 0), LURON_E_IO, "Is a directory");
    assert_fails(ctx, luron_checkpoint_save(c, ctx, "/dev/null", NULL, 0), LURON_E_IO, "not a regular file");
    assert_fails(ctx, luron_checkpoint_save(c, ctx, "", NULL, 0), LURON_E_ARGUMENT, "empty");
    assert_int_equal(mkdir(in_folder("closed"), 0500), 0);
    if (geteuid() == 0) print_message("as root: a folder that cannot be written is not tried\n");
    else
        assert_fails(ctx, luron_checkpoint_save(c, ctx, in_folder("closed/x.h5"), NULL, 0), LURON_E_IO,
                     "Permission denied");
    luron_checkpoint_free(c);
}

/* ---- what does not fit ------------------------------------------------------------------------------------------- */
static void test_checkpoint_mismatches_change_nothing(void **state) {
    luron_ctx *ctx = *state;
    training a = make_training(ctx, 4), b = make_training(ctx, 5);
    luron_model *before;
    luron_checkpoint *c = make_checkpoint(ctx, &a);
    assert_ok(ctx, luron_model_clone(&before, ctx, b.model));
    assert_fails(ctx, luron_checkpoint_restore(ctx, c, b.model), LURON_E_MISMATCH,
                 "parameters/linear1/weight has shape (4, 3) in the file, (5, 3) expected");
    assert_non_null(strstr(luron_ctx_error(ctx), "parameters/head.out/weight has shape (2, 4) in the file, (2, 5) "
                                                 "expected"));
    luron_tensor *t;
    for (int i = 0; (t = luron_model_param(before, i, NULL, 0)); i++)
        assert_tensor_same(t, luron_model_param(b.model, i, NULL, 0));
    assert_fails(ctx, luron_checkpoint_restore_optim(ctx, c, b.optim), LURON_E_MISMATCH,
                 "optimizer/state/linear1/weight");
    assert_int_equal(luron_optim_steps(b.optim), 0);
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("mismatch.h5"), NULL, 0));
    luron_checkpoint_free(c); /* which shares the tensors of the model */
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, in_folder("mismatch.h5"), 1));
    assert_ok(ctx, luron_model_set_dtype(ctx, a.model, LURON_F64));
    assert_fails(ctx, luron_checkpoint_restore(ctx, c, a.model), LURON_E_MISMATCH,
                 "parameters/linear1/weight is float32 in the file, float64 expected");
    luron_checkpoint_free(c);

    luron_model *small;
    luron_value v;
    luron_layer *layer = make_linear(ctx, 3, 2);
    assert_ok(ctx, luron_model_new(&small, ctx));
    assert_ok(ctx, luron_model_input(&v, ctx, small, NULL));
    assert_ok(ctx, luron_model_add(&v, ctx, small, "other", layer, 1, &v));
    luron_layer_unref(layer);
    c = make_checkpoint(ctx, &b);
    assert_fails(ctx, luron_checkpoint_restore(ctx, c, small), LURON_E_MISMATCH,
                 "parameters/other/weight is missing in the file, float32 (2, 3) expected");
    assert_non_null(strstr(luron_ctx_error(ctx), "parameters/linear1/weight of shape (5, 3) is in the file alone"));
    luron_checkpoint_free(c);
    luron_model_unref(small);
    luron_model_unref(before);
    free_training(&a);
    free_training(&b);
}

static void test_checkpoint_long_lists_are_cut(void **state) {
    luron_ctx *ctx = *state;
    training a = make_training(ctx, 4);
    luron_checkpoint *c;
    char path[64];
    luron_tensor *t = tensor_row(ctx, LURON_F32, 1);
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    for (int i = 0; i < 50; i++) {
        snprintf(path, sizeof path, "parameters/layer%d/weight", i);
        assert_ok(ctx, luron_checkpoint_set_tensor(c, ctx, path, t));
    }
    assert_fails(ctx, luron_checkpoint_restore(ctx, c, a.model), LURON_E_MISMATCH, "\n  and 44 more");
    assert_fails(ctx, luron_checkpoint_restore_optim(ctx, c, a.optim), LURON_E_NOT_FOUND, "no optimiser");
    assert_fails(ctx, luron_checkpoint_restore_random(ctx, c), LURON_E_NOT_FOUND, "no random state");
    luron_checkpoint_free(c);
    luron_tensor_unref(t);
    free_training(&a);
}

static void test_checkpoint_other_optimisers_are_refused(void **state) {
    luron_ctx *ctx = *state;
    training a = make_training(ctx, 4);
    luron_optim *sgd, *whole;
    luron_tensor *t, *params[8];
    char names[8][64];
    const char *list[8];
    int n = 0;
    for (; (t = luron_model_param(a.model, n, names[n], sizeof names[n])); n++) params[n] = t, list[n] = names[n];
    luron_arg lr = { .name = "lr", .kind = LURON_ARG_NUMBER, .number = 0.25 };
    assert_ok(ctx, luron_optim_new(&sgd, ctx, "SGD", 1, &lr));
    assert_ok(ctx, luron_optim_add(sgd, ctx, n, params, list, 0, NULL));
    assert_ok(ctx, luron_optim_new(&whole, ctx, "Adam", 1, &lr));
    assert_ok(ctx, luron_optim_add(whole, ctx, n, params, list, 0, NULL));
    luron_checkpoint *c = make_checkpoint(ctx, &a);
    assert_fails(ctx, luron_checkpoint_restore_optim(ctx, c, sgd), LURON_E_MISMATCH,
                 "the checkpoint is of optimiser Adam, SGD expected");
    assert_fails(ctx, luron_checkpoint_restore_optim(ctx, c, whole), LURON_E_MISMATCH, "2 groups of parameters in the file, 1 expected");
    assert_non_null(strstr(luron_ctx_error(ctx), "group 0 has 2 parameters in the file, 4 expected"));
    int i = 0;
    while (strcmp(luron_type_option(luron_optim_type_of(whole), i)->name, "lr")) i++;
    assert_true(luron_optim_option(whole, 0, i).number == 0.25); /* the options did not change either */
    luron_checkpoint_free(c);
    luron_optim_free(sgd);
    luron_optim_free(whole);
    free_training(&a);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */
static luron_status round_trip(luron_ctx *ctx, training *t, const char *path) {
    luron_checkpoint *c = NULL;
    luron_model *model = NULL;
    LURON_TRY(luron_checkpoint_new(&c, ctx));
    luron_status status = luron_checkpoint_set_model(c, ctx, t->model);
    if (!status) status = luron_checkpoint_set_optim(c, ctx, t->optim);
    if (!status) status = luron_checkpoint_set_text(c, ctx, "training/epoch", "3");
    if (!status) status = luron_checkpoint_save(c, ctx, path, NULL, 1);
    luron_checkpoint_free(c);
    if (status) return status;
    LURON_TRY(luron_checkpoint_load(&c, ctx, path, 1));
    status = luron_checkpoint_model(&model, ctx, c);
    if (!status) status = luron_checkpoint_restore(ctx, c, t->model);
    if (!status) status = luron_checkpoint_restore_optim(ctx, c, t->optim);
    luron_model_unref(model);
    luron_checkpoint_free(c);
    return status;
}

static void test_checkpoint_every_allocation_may_fail(void **state) {
    luron_ctx *ctx = *state;
    training t = make_training(ctx, 4), copy;
    train_step(ctx, &t);
    assert_ok(ctx, round_trip(ctx, &t, in_folder("sweep.h5")));
    assert_ok(ctx, luron_model_clone(&copy.model, ctx, t.model));
    copy.optim = t.optim;
    for (int sticky = 0; sticky < 2; sticky++) {
        int64_t k = 1, blocks = luron_ctx_live_blocks(ctx), failures = 0;
        for (;; k++) {
            luron_ctx_fail_alloc(ctx, k, sticky);
            luron_status status = round_trip(ctx, &t, in_folder("sweep.h5"));
            luron_ctx_fail_alloc(ctx, 0, 0);
            assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
            assert_int_equal(count_files("sweep.h5.tmp"), 0);
            if (!status) break;
            if (status != LURON_E_NOMEM)
                fail_msg("allocation %lld: %s: %s", (long long)k, luron_status_name(status), luron_ctx_error(ctx));
            failures++;
            assert_same_training(&t, &copy);
        }
        print_message("%lld allocations made to fail%s\n", (long long)failures, sticky ? ", and all after each" : "");
        assert_true(failures > 100);
    }
    luron_model_unref(copy.model);
    free_training(&t);
}

static int64_t count_entries(const luron_checkpoint *c) {
    int n = 0, k = 0;
    while (luron_checkpoint_tensor_path(c, n)) n++;
    while (luron_checkpoint_text_path(c, k)) k++;
    return n + k;
}

/* What could not be put in whole is not in at all, and can be put in again. */
static void test_checkpoint_sets_all_or_nothing(void **state) {
    luron_ctx *ctx = *state;
    training t = make_training(ctx, 4);
    luron_checkpoint *c, *whole = make_checkpoint(ctx, &t);
    train_step(ctx, &t);
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "training/epoch", "3"));
    assert_ok(ctx, luron_checkpoint_set_text(c, ctx, "preprocessing/classes", "[]"));
    for (int which = 0; which < 2; which++) {
        const int64_t before = count_entries(c);
        luron_status status = LURON_E_NOMEM;
        int64_t k = 0;
        while (status) {
            luron_ctx_fail_alloc(ctx, ++k, 0);
            status = which ? luron_checkpoint_set_optim(c, ctx, t.optim) : luron_checkpoint_set_model(c, ctx, t.model);
            luron_ctx_fail_alloc(ctx, 0, 0);
            assert_true(!status || (status == LURON_E_NOMEM && count_entries(c) == before));
            assert_string_equal(luron_checkpoint_text(c, "training/epoch"), "3");
        }
        assert_true(k > 10);
    }
    assert_int_equal(count_entries(c), count_entries(whole));
    luron_checkpoint_free(c);
    luron_checkpoint_free(whole);
    free_training(&t);
}

static double lr_of(const luron_optim *optim, int group) {
    int i = 0;
    while (strcmp(luron_type_option(luron_optim_type_of(optim), i)->name, "lr")) i++;
    return luron_optim_option(optim, group, i).number;
}

/* From one that does not fit, whatever memory there is: the options of both groups stay. */
static void test_checkpoint_options_stay_when_memory_is_short(void **state) {
    luron_ctx *ctx = *state;
    training a = make_training(ctx, 4), b = make_training(ctx, 5);
    luron_checkpoint *c = make_checkpoint(ctx, &a);
    const luron_arg lr = { .name = "lr", .kind = LURON_ARG_NUMBER, .number = 0.5 };
    for (int g = 0; g < 2; g++) assert_ok(ctx, luron_optim_set(b.optim, ctx, g, &lr));
    luron_status status = LURON_E_NOMEM;
    for (int sticky = 0; sticky < 2; sticky++) {
        int64_t k = 0, blocks = luron_ctx_live_blocks(ctx);
        for (status = LURON_E_NOMEM; status == LURON_E_NOMEM; ) {
            luron_ctx_fail_alloc(ctx, ++k, sticky);
            status = luron_checkpoint_restore_optim(ctx, c, b.optim);
            luron_ctx_fail_alloc(ctx, 0, 0);
            assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
            for (int g = 0; g < 2; g++) assert_true(lr_of(b.optim, g) == 0.5);
        }
        assert_int_equal(status, LURON_E_MISMATCH);
        assert_true(k > 10);
    }
    luron_checkpoint_free(c);
    free_training(&a);
    free_training(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_checkpoint_every_dtype_and_rank),
        test_case(test_checkpoint_views_are_written_in_order),
        test_case(test_checkpoint_texts),
        test_case(test_checkpoint_paths_are_checked),
        test_case(test_checkpoint_resume_gives_the_same_bits),
        test_case(test_checkpoint_same_content_gives_the_same_bytes),
        test_case(test_checkpoint_save_what_was_loaded),
        test_case(test_checkpoint_replaces_and_keeps_the_previous),
        test_case(test_checkpoint_follows_a_link),
        test_case(test_checkpoint_places_that_cannot_be_written),
        test_case(test_checkpoint_mismatches_change_nothing),
        test_case(test_checkpoint_long_lists_are_cut),
        test_case(test_checkpoint_other_optimisers_are_refused),
        test_case(test_checkpoint_sets_all_or_nothing),
        test_case(test_checkpoint_options_stay_when_memory_is_short),
        test_case(test_checkpoint_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
