/* test_allocation_models.c -- R7: failed allocations in models, training, files, and where plugins are first used. */
#include "sweep.h"

#include "network.h"
#include "test_files.h"

typedef struct trained {
    network net;
    luron_tensor *x, *y, *loss;
    char path[64];
} trained;

static void batch(luron_ctx *ctx, void *state) {
    trained *t = state;
    assert_ok(ctx, luron_tensor_new(&t->x, ctx, LURON_F32, LURON_SHAPE(t->net.batch, t->net.in)));
    assert_ok(ctx, luron_tensor_normal(ctx, t->x, 0, 1));
}
static void batch_free(luron_ctx *ctx, void *state) {
    trained *t = state;
    assert_ok(ctx, luron_optim_zero_grad(t->net.optim, ctx));
    luron_tensor_unref(t->x);
    luron_tensor_unref(t->loss);
    t->x = t->loss = NULL;
}
static void loss_ready(luron_ctx *ctx, void *state) {
    trained *t = state;
    assert_ok(ctx, network_loss(&t->loss, ctx, &t->net));
}
static void gradients_ready(luron_ctx *ctx, void *state) {
    trained *t = state;
    loss_ready(ctx, t);
    assert_ok(ctx, luron_backward(ctx, t->loss, NULL, 0));
}

static luron_status run_build(uint64_t *bits, luron_ctx *ctx, void *state) {
    network net = ((const trained *)state)->net;
    LURON_TRY(network_model(ctx, &net));
    *bits = hash_model(HASH_START, ctx, net.model);
    luron_model_unref(net.model);
    return LURON_OK;
}
static luron_status run_forward(uint64_t *bits, luron_ctx *ctx, void *state) {
    trained *t = state;
    luron_tensor *y;
    LURON_TRY(luron_model_run(&y, ctx, t->net.model, 1, &t->x));
    *bits = hash_tensor(HASH_START, ctx, y);
    luron_tensor_unref(y);
    return LURON_OK;
}
static uint64_t hash_gradients(luron_ctx *ctx, const network *n) {
    uint64_t h = HASH_START;
    luron_tensor *p;
    for (int i = 0; (p = luron_model_param(n->model, i, NULL, 0)); i++)
        h = hash_tensor(h, ctx, luron_tensor_grad(p));
    return h;
}
/* Of a tape that is retained: the second try takes the same. */
static luron_status run_backward(uint64_t *bits, luron_ctx *ctx, void *state) {
    trained *t = state;
    LURON_TRY(luron_backward(ctx, t->loss, NULL, LURON_RETAIN_GRAPH));
    *bits = hash_gradients(ctx, &t->net);
    return LURON_OK;
}
static luron_status run_loss_backward(uint64_t *bits, luron_ctx *ctx, void *state) {
    trained *t = state;
    luron_tensor *loss;
    LURON_TRY(network_loss(&loss, ctx, &t->net));
    luron_status status = luron_backward(ctx, loss, NULL, 0);
    luron_tensor_unref(loss);
    *bits = hash_gradients(ctx, &t->net);
    return status;
}
static luron_status run_optim_step(uint64_t *bits, luron_ctx *ctx, void *state) {
    trained *t = state;
    LURON_TRY(luron_optim_step(t->net.optim, ctx));
    *bits = hash_optim(hash_model(HASH_START, ctx, t->net.model), ctx, t->net.optim);
    return LURON_OK;
}
static luron_status run_optim_new(uint64_t *bits, luron_ctx *ctx, void *state) {
    network net = ((const trained *)state)->net;
    LURON_TRY(network_optim(ctx, &net, luron_type_name(luron_optim_type_of(net.optim))));
    *bits = hash_optim(HASH_START, ctx, net.optim);
    luron_optim_free(net.optim);
    return LURON_OK;
}
static luron_status run_batch(uint64_t *bits, luron_ctx *ctx, void *state) {
    trained *t = state;
    luron_tensor *order, *some = NULL, *rows = NULL, *wide = NULL;
    LURON_TRY(luron_tensor_permutation(&order, ctx, t->net.batch));
    luron_status status = luron_narrow(&some, ctx, order, 0, 1, 3);
    if (!status) status = luron_index_select(&rows, ctx, t->x, 0, some);
    if (!status) status = luron_cast(&wide, ctx, rows, LURON_F64);
    if (!status) *bits = hash_tensor(HASH_START, ctx, wide);
    luron_tensor *made[] = {order, some, rows, wide};
    for (int i = 0; i < 4; i++)
        luron_tensor_unref(made[i]);
    return status;
}
static luron_status run_json(uint64_t *bits, luron_ctx *ctx, void *state) {
    trained *t = state;
    char *json;
    luron_model *model;
    LURON_TRY(luron_model_to_json(&json, ctx, t->net.model));
    luron_status status = luron_model_from_json(&model, ctx, json);
    if (!status) {
        *bits = hash_model(hash_bytes(HASH_START, json, strlen(json)), ctx, model);
        luron_model_unref(model);
    }
    luron_text_free(ctx, json);
    return status;
}
static luron_status run_clone(uint64_t *bits, luron_ctx *ctx, void *state) {
    luron_model *model;
    LURON_TRY(luron_model_clone(&model, ctx, ((trained *)state)->net.model));
    *bits = hash_model(HASH_START, ctx, model);
    luron_model_unref(model);
    return LURON_OK;
}
static luron_status run_summary(uint64_t *bits, luron_ctx *ctx, void *state) {
    trained *t = state;
    char *text;
    luron_dims dims = {.dtype = LURON_F32, .ndim = 2, .shape = {t->net.batch, t->net.in}};
    LURON_TRY(luron_model_summary(&text, ctx, t->net.model, 1, &dims));
    *bits = hash_bytes(HASH_START, text, strlen(text));
    luron_text_free(ctx, text);
    return LURON_OK;
}
static luron_status run_dtype(uint64_t *bits, luron_ctx *ctx, void *state) {
    trained *t = state;
    LURON_TRY(luron_model_set_dtype(ctx, t->net.model, LURON_F64));
    *bits = hash_model(HASH_START, ctx, t->net.model);
    return LURON_OK;
}
static void back_to_f32(luron_ctx *ctx, void *state) {
    assert_ok(ctx, luron_model_set_dtype(ctx, ((trained *)state)->net.model, LURON_F32));
}

static luron_status run_save(uint64_t *bits, luron_ctx *ctx, void *state) {
    trained *t = state;
    luron_checkpoint *c;
    LURON_TRY(luron_checkpoint_new(&c, ctx));
    luron_status status = luron_checkpoint_set_model(c, ctx, t->net.model);
    if (!status) status = luron_checkpoint_set_optim(c, ctx, t->net.optim);
    if (!status) status = luron_checkpoint_set_text(c, ctx, "training/epoch", "3");
    if (!status) status = luron_checkpoint_save(c, ctx, in_folder(t->path), NULL, 1);
    luron_checkpoint_free(c);
    *bits = (uint64_t)count_files("save"); /* no temporary file is left */
    return status;
}
static luron_status run_load(uint64_t *bits, luron_ctx *ctx, void *state) {
    trained *t = state;
    luron_checkpoint *c;
    luron_model *model = NULL;
    LURON_TRY(luron_checkpoint_load(&c, ctx, in_folder(t->path), 1));
    luron_status status = luron_checkpoint_model(&model, ctx, c);
    if (!status) *bits = hash_model(HASH_START, ctx, model);
    luron_model_unref(model);
    luron_checkpoint_free(c);
    return status;
}
static luron_status run_restore(uint64_t *bits, luron_ctx *ctx, void *state) {
    trained *t = state;
    luron_checkpoint *c;
    LURON_TRY(luron_checkpoint_load(&c, ctx, in_folder(t->path), 1));
    luron_status status = luron_checkpoint_restore(ctx, c, t->net.model);
    if (!status) status = luron_checkpoint_restore_optim(ctx, c, t->net.optim);
    *bits = hash_optim(hash_model(HASH_START, ctx, t->net.model), ctx, t->net.optim);
    luron_checkpoint_free(c);
    return status;
}
static luron_status run_read(uint64_t *bits, luron_ctx *ctx, void *state) {
    luron_file *file;
    LURON_TRY(luron_file_read(&file, ctx, in_folder(((trained *)state)->path), NULL, 0, NULL));
    *bits = HASH_START;
    for (int i = 0; i < luron_file_n_tensors(file); i++)
        *bits = hash_tensor(*bits, ctx, luron_file_tensor(file, i));
    luron_file_free(file);
    return LURON_OK;
}
static luron_status squared(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    (void)ud;
    return luron_square(out, ctx, ins[0]);
}
static luron_status run_gradcheck(uint64_t *bits, luron_ctx *ctx, void *state) {
    luron_gradcheck_options options = {.order = 2};
    *bits = 1;
    return luron_gradcheck(ctx, squared, NULL, 1, &((trained *)state)->y, &options);
}

static void sweep_trained(luron_ctx **both, trained *t, const char *path, const sweep *s) {
    snprintf(t[0].path, sizeof t[0].path, path, 0);
    snprintf(t[1].path, sizeof t[1].path, path, 1);
    int64_t n = sweep_all(s, both[0], both[1], &t[0], &t[1]);
    printf("%s: %lld allocations\n", s->name, (long long)n);
    if (n == 0 && s->run != run_optim_step) n_wrong++; /* a step with gradients in order allocates nothing */
}

static trained train_a_little(luron_ctx *ctx, const char *optim) {
    luron_ctx_seed(ctx, 7);
    trained t = {.net = network_new(ctx, 5, 7, 3, 4, optim)};
    for (int i = 0; i < 2; i++)
        assert_ok(ctx, network_step(ctx, &t.net));
    t.y = tensor_row(ctx, LURON_F64, 1, 2);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, t.y, 1));
    return t;
}
static void trained_free(trained *t) {
    luron_tensor_unref(t->y);
    network_free(&t->net);
}

static void test_allocation_models(void **state) {
    static const sweep sweeps[] = {
        {.name = "build a model", .run = run_build, .steps = true},
        {.name = "forward", .prepare = batch, .run = run_forward, .after = batch_free},
        {.name = "backward", .prepare = loss_ready, .run = run_backward, .after = batch_free},
        {.name = "loss and backward", .run = run_loss_backward, .after = batch_free, .steps = true},
        {.name = "a batch of data", .prepare = batch, .run = run_batch, .after = batch_free, .steps = true},
        {.name = "to and from JSON", .run = run_json, .same = true},
        {.name = "clone a model", .run = run_clone, .same = true},
        {.name = "summary", .run = run_summary, .same = true},
        {.name = "other dtype", .run = run_dtype, .after = back_to_f32},
        {.name = "gradcheck", .run = run_gradcheck, .same = true},
    };
    luron_ctx *both[] = {*state, calm_context()};
    bar b = bar_begin("R7", "failed allocations in models and training", 7);
    const luron_type *type;
    n_failed = n_wrong = 0;
    trained t[] = {train_a_little(both[0], "Adam"), train_a_little(both[1], "Adam")};
    for (size_t i = 0; i < sizeof sweeps / sizeof *sweeps; i++)
        sweep_trained(both, t, "", &sweeps[i]);
    for (int i = 0; i < 2; i++)
        trained_free(&t[i]);
    assert_ok(both[0], luron_plugin_load_all(both[0]));
    for (int k = 0; (type = luron_type_at(both[0], LURON_KIND_OPTIM, k)); k++) {
        sweep step = {.name = luron_type_name(type), .prepare = gradients_ready, .run = run_optim_step, .after = batch_free},
              make = {.name = luron_type_name(type), .run = run_optim_new};
        for (int i = 0; i < 2; i++)
            t[i] = train_a_little(both[i], luron_type_name(type));
        sweep_trained(both, t, "", &step);
        sweep_trained(both, t, "", &make);
        for (int i = 0; i < 2; i++)
            trained_free(&t[i]);
    }
    luron_ctx_free(both[1]);
    assert_int_equal(bar_end(&b, n_failed, n_wrong), 0);
}

static void test_allocation_files(void **state) {
    luron_ctx *both[] = {*state, calm_context()};
    bar b = bar_begin("R7", "failed allocations in files", 7);
    n_failed = n_wrong = 0;
    const sweep save = {.name = "save", .run = run_save}, load = {.name = "load", .run = run_load},
                restore = {.name = "restore", .run = run_restore},
                csv = {.name = "read a CSV file", .run = run_read},
                idx = {.name = "read an IDX file", .run = run_read};
    trained t[] = {train_a_little(both[0], "Adam"), train_a_little(both[1], "Adam")};
    write_string(in_folder("data.csv"), "a,b,name\n1,2.5,x\n3,4.5,y\n");
    write_bytes(in_folder("data.idx"), "\0\0\x08\2\0\0\0\2\0\0\0\3abcdef", 18);
    for (int i = 0; i < 2; i++) {
        char path[64];
        uint64_t bits;
        snprintf(t[i].path, sizeof t[i].path, "load%d.h5", i);
        assert_ok(both[i], run_save(&bits, both[i], &t[i]));
        snprintf(path, sizeof path, "save%d.h5.prev", i);
        write_bytes(in_folder(path), "", 0);
        path[8] = 0;
        write_bytes(in_folder(path), "", 0);
    }
    sweep_trained(both, t, "save%d.h5", &save);
    sweep_trained(both, t, "load%d.h5", &load);
    sweep_trained(both, t, "load%d.h5", &restore);
    sweep_trained(both, t, "data.csv", &csv);
    sweep_trained(both, t, "data.idx", &idx);
    for (int i = 0; i < 2; i++)
        trained_free(&t[i]);
    luron_ctx_free(both[1]);
    assert_int_equal(bar_end(&b, n_failed, n_wrong), 0);
}

/* ---- contexts that know no type yet ------------------------------------------------------------------------------ */
typedef struct held {
    int64_t blocks, left; /* left: allocations until one fails, 0: off */
    int sticky;
} held;
static void *counted(void *ud, void *ptr, size_t old_size, size_t new_size) {
    held *h = ud;
    (void)old_size;
    if (new_size == 0) {
        h->blocks -= ptr != NULL;
        free(ptr);
        return NULL;
    }
    if (h->left && --h->left == 0) {
        h->left = h->sticky;
        return NULL;
    }
    void *fresh = realloc(ptr, new_size);
    h->blocks += fresh && !ptr;
    return fresh;
}

static luron_status first_layer(luron_ctx *ctx) {
    const luron_type *type;
    return luron_type_find(&type, ctx, LURON_KIND_LAYER, "Linear");
}
static luron_status first_function(luron_ctx *ctx) {
    const luron_type *type;
    return luron_function_find(&type, ctx, "relu");
}
static luron_status first_optim(luron_ctx *ctx) {
    const luron_type *type;
    return luron_type_find(&type, ctx, LURON_KIND_OPTIM, "Adam");
}
static luron_status first_file(luron_ctx *ctx) {
    const char *path = getenv("LURON_PLUGIN_PATH");
    char file[400];
    snprintf(file, sizeof file, "%s/loss.so", path);
    return luron_plugin_load(ctx, file);
}
static luron_status first_index(luron_ctx *ctx) { return luron_plugin_index(ctx, in_folder("plugins")); }

/* @return 1: something failed. */
static int first_use(const char *name, luron_status (*fn)(luron_ctx *), int64_t k, int sticky) {
    held h = {0};
    luron_ctx *ctx = NULL;
    assert_int_equal(luron_ctx_new(&ctx, counted, &h), LURON_OK);
    luron_ctx_fail_alloc(ctx, k, sticky);
    luron_status status = fn(ctx);
    luron_ctx_fail_alloc(ctx, 0, 0);
    if (status) {
        n_failed++;
        int wrong = status != LURON_E_NOMEM || !strstr(luron_ctx_error(ctx), "not enough memory");
        if (wrong)
            print_error("%s, allocation %lld: %s: %s\n", name, (long long)k, luron_status_name(status),
                        luron_ctx_error(ctx));
        luron_status again = fn(ctx);
        if (again) print_error("%s, allocation %lld, again: %s\n", name, (long long)k, luron_ctx_error(ctx));
        n_wrong += wrong + (again != LURON_OK);
    }
    luron_ctx_free(ctx);
    if (h.blocks)
        print_error("%s, allocation %lld: %lld blocks are left\n", name, (long long)k, (long long)h.blocks), n_wrong++;
    return status != LURON_OK;
}

static void sweep_context(void) {
    for (int sticky = 0; sticky < 2; sticky++)
        for (int64_t k = 1;; k++) {
            held h = {.left = k, .sticky = sticky};
            luron_ctx *ctx = NULL;
            luron_status status = luron_ctx_new(&ctx, counted, &h);
            if (!status)
                luron_ctx_free(ctx);
            else
                n_failed++;
            if (h.blocks || (status && (status != LURON_E_NOMEM || ctx)))
                print_error("new context, allocation %lld\n", (long long)k), n_wrong++;
            if (!status) break;
        }
}

static void test_allocation_first_use(void **state) {
    static const struct {
        const char *name;
        luron_status (*fn)(luron_ctx *);
    } firsts[] = {{"a layer type", first_layer},          {"a function", first_function},
                  {"an optimiser type", first_optim},     {"a plugin by its file", first_file},
                  {"all plugins", luron_plugin_load_all}, {"an index", first_index}};
    (void)state;
    bar b = bar_begin("R7", "failed allocations at first use of plugins", 7);
    char command[900];
    n_failed = n_wrong = 0;
    assert_non_null(getenv("LURON_PLUGIN_PATH"));
    snprintf(command, sizeof command, "mkdir '%s' && cp '%s'/lo*.so '%s'", in_folder("plugins"),
             getenv("LURON_PLUGIN_PATH"), in_folder("plugins"));
    assert_int_equal(system(command), 0);
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++)
        for (int sticky = 0; sticky < 2; sticky++) {
            int64_t k = 1;
            for (int quiet = 0; quiet < QUIET; k++)
                quiet = first_use(firsts[i].name, firsts[i].fn, k, sticky) ? 0 : quiet + 1;
            if (sticky) printf("%s: %lld allocations\n", firsts[i].name, (long long)k - QUIET - 1);
        }
    sweep_context();
    assert_int_equal(bar_end(&b, n_failed, n_wrong), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_allocation_models), test_case(test_allocation_files),
                                       cmocka_unit_test(test_allocation_first_use)};
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
