/* A checkpoint in memory: tensors and texts by path. It is written from, and read into, the model's side of a tree; what
 * the file looks like is up to the format (the default one is described in docs/file-format.md).                        */
#include "guard.h"
#include "io.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_FORMAT "luron"

/* ---- entries ----------------------------------------------------------------------------------------------------- */
static luron_status put_tensor(luron_checkpoint *c, luron_ctx *ctx, char *path, luron_tensor *t) {
    return luron__entry_put(&c->tensors, ctx, &(luron__entry){ .path = path, .tensor = t, .attr = -1 }, false);
}
static luron_status put_text(luron_checkpoint *c, luron_ctx *ctx, char *path, const char *text) {
    return luron__entry_put(&c->texts, ctx, &(luron__entry){ .path = path, .text = (char *)text, .attr = -1 }, false);
}
/* An attribute of what is at `path`. text NULL: a number. */
static luron_status put_attr(luron_checkpoint *c, luron_ctx *ctx, const char *path, const char *key, const char *text,
                             int64_t number) {
    char full[LURON__MAX_TREE_PATH + LURON__MAX_NAME + 2], decimal[32];
    snprintf(full, sizeof full, "%s%s%s", path, *path ? "@" : "", key);
    snprintf(decimal, sizeof decimal, "%" PRId64, number);
    luron__entry e = { .path = full,
                       .text = text ? (char *)text : decimal,
                       .attr = (int64_t)strlen(path),
                       .is_number = !text,
                       .number = number };
    return luron__entry_put(&c->texts, ctx, &e, false);
}

luron_status luron_checkpoint_new(luron_checkpoint **out, luron_ctx *ctx) {
    luron_checkpoint *c = NULL;
    LURON_TRY(luron__alloc(&c, ctx, sizeof *c));
    c->pool = ctx->pool;
    *out = c;
    return LURON_OK;
}

void luron_checkpoint_free(luron_checkpoint *c) {
    if (!c) return;
    luron__pool *pool = c->pool;
    luron__entries_free(pool, &c->tensors);
    luron__entries_free(pool, &c->texts);
    luron__pool_free(pool, c, sizeof *c);
}

luron_tensor *luron_checkpoint_tensor(const luron_checkpoint *c, const char *path) {
    const luron__entry *e = luron__entry_find(&c->tensors, path);
    return e ? e->tensor : NULL;
}
const char *luron_checkpoint_text(const luron_checkpoint *c, const char *path) {
    const luron__entry *e = luron__entry_find(&c->texts, path);
    return e ? e->text : NULL;
}
const char *luron_checkpoint_tensor_path(const luron_checkpoint *c, int i) {
    return i >= 0 && i < c->tensors.n ? c->tensors.at[i].path : NULL;
}
const char *luron_checkpoint_text_path(const luron_checkpoint *c, int i) {
    return i >= 0 && i < c->texts.n ? c->texts.at[i].path : NULL;
}

/* ---- what is to be saved ----------------------------------------------------------------------------------------- */
static luron_status check_path(luron_ctx *ctx, const char *path) {
    static const char *const groups[] = { "parameters/", "state/", "training/", "preprocessing/" };
    bool known = false;
    LURON__CHECK(ctx, path, LURON_E_ARGUMENT, "path expected, got NULL");
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        known = known || strncmp(path, groups[i], strlen(groups[i])) == 0;
    size_t n = strlen(path);
    LURON__CHECK(ctx, luron__is_utf8(path), LURON_E_ARGUMENT, "path '%.200s': UTF-8 expected", path);
    LURON__CHECK(ctx,
                 known && !strchr(path, '@') && !strstr(path, "//") && path[n - 1] != '/' && n < LURON__MAX_TREE_PATH,
                 LURON_E_ARGUMENT,
                 "path '%.200s': one that begins with 'parameters/', 'state/', 'training/' or 'preprocessing/' and has "
                 "no empty part and no '@' expected",
                 path);
    return LURON_OK;
}

luron_status luron_checkpoint_set_tensor(luron_checkpoint *c, luron_ctx *ctx, const char *path, luron_tensor *t) {
    LURON_TRY(check_path(ctx, path));
    LURON__CHECK(ctx, t, LURON_E_ARGUMENT, "%s: tensor expected, got NULL", path);
    LURON__CHECK(ctx, !luron__entry_find(&c->texts, path), LURON_E_ARGUMENT, "'%s' is a text already", path);
    return luron__entry_put(&c->tensors, ctx, &(luron__entry){ .path = (char *)path, .tensor = t, .attr = -1 }, true);
}

luron_status luron_checkpoint_set_text(luron_checkpoint *c, luron_ctx *ctx, const char *path, const char *text) {
    LURON_TRY(check_path(ctx, path));
    LURON__CHECK(ctx, text && strlen(text) <= LURON__MAX_TEXT, LURON_E_ARGUMENT,
                 "%s: text of at most %u bytes expected", path, LURON__MAX_TEXT);
    LURON__CHECK(ctx, luron__is_utf8(text), LURON_E_ARGUMENT, "%s: text of UTF-8 expected", path);
    LURON__CHECK(ctx, !luron__entry_find(&c->tensors, path), LURON_E_ARGUMENT, "'%s' is a tensor already", path);
    return luron__entry_put(&c->texts, ctx, &(luron__entry){ .path = (char *)path, .text = (char *)text, .attr = -1 }, true);
}

static luron_status put_layer(luron_checkpoint *c, luron_ctx *ctx, const luron_layer *layer, const char *layer_path) {
    char path[LURON__MAX_TREE_PATH];
    int params = luron_layer_n_params(layer), states = luron_layer_n_states(layer);
    if (!params && !states) return LURON_OK;
    const luron_type *type = luron_layer_type_of(layer);
    snprintf(path, sizeof path, "%s/%s", params ? "parameters" : "state", layer_path);
    LURON_TRY(put_attr(c, ctx, path, "type", luron_type_name(type), 0));
    LURON_TRY(put_attr(c, ctx, path, "plugin", luron_type_plugin(type), 0));
    LURON_TRY(put_attr(c, ctx, path, "plugin_version", luron_type_plugin_version(type), 0));
    return put_attr(c, ctx, path, "data_version", NULL, type->layer.data_version);
}

/* How far it is filled; back to there, where what was to follow failed. */
typedef struct mark {
    int64_t tensors, texts;
} mark;
static mark mark_of(const luron_checkpoint *c) { return (mark){ c->tensors.n, c->texts.n }; }
static void truncate_to(luron_checkpoint *c, mark to) {
    luron__entries_truncate(c->pool, &c->tensors, to.tensors);
    luron__entries_truncate(c->pool, &c->texts, to.texts);
}

static luron_status put_model(luron_checkpoint *c, luron_ctx *ctx, luron_model *model) {
    char path[LURON__MAX_TREE_PATH] = "parameters/", *json;
    luron_tensor *t;
    for (int i = 0; (t = luron_model_param(model, i, path + 11, sizeof path - 11)); i++)
        LURON_TRY(put_tensor(c, ctx, path, t));
    strcpy(path, "state/");
    for (int i = 0; (t = luron_model_state(model, i, path + 6, sizeof path - 6)); i++)
        LURON_TRY(put_tensor(c, ctx, path, t));
    for (int i = 0; i < luron_model_n_layers(model); i++)
        LURON_TRY(put_layer(c, ctx, luron_model_layer(model, i), luron_model_layer_path(model, i)));
    LURON_TRY(luron_model_to_json(&json, ctx, model));
    luron_status status = put_text(c, ctx, (char[]){ "architecture" }, json);
    luron_text_free(ctx, json);
    return status;
}

luron_status luron_checkpoint_set_model(luron_checkpoint *c, luron_ctx *ctx, luron_model *model) {
    LURON__CHECK(ctx, !c->has_model, LURON_E_STATE, "the checkpoint has a model already");
    const mark before = mark_of(c);
    luron_status status = put_model(c, ctx, model);
    if (status) truncate_to(c, before);
    c->has_model = !status;
    return status;
}

/* ---- an optimiser: optimizer/groups/<i>/{options,parameters,scalars/<name>}, optimizer/state/<parameter>/<name> -- */
static luron_status put_json(luron_checkpoint *c, luron_ctx *ctx, char *path, json_t *json) {
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    json_decref(json);
    if (!text) return luron__nomem(ctx, 0);
    luron_status status = put_text(c, ctx, path, text);
    free(text);
    return status;
}

static luron_status put_options(luron_checkpoint *c, luron_ctx *ctx, const luron_optim *optim, int group) {
    const luron_type *type = luron_optim_type_of(optim);
    luron_arg *args = NULL;
    void *options;
    char path[64];
    if (type->n_options) LURON_TRY(luron__alloc(&args, ctx, (size_t)type->n_options * sizeof *args));
    for (int i = 0; i < type->n_options; i++) args[i] = luron_optim_option(optim, group, i);
    luron_status status = luron__options_new(&options, ctx, type, luron_type_name(type), NULL, type->n_options, args);
    luron__free(ctx, args, (size_t)type->n_options * sizeof *args);
    if (status) return status;
    json_t *json = luron__options_to_json(type, options);
    luron__options_free(ctx->pool, type, options);
    snprintf(path, sizeof path, "optimizer/groups/%d/options", group);
    return put_json(c, ctx, path, json);
}

static luron_status put_steps(luron_checkpoint *c, luron_ctx *ctx, const luron_optim *optim, int group) {
    char path[64];
    luron_tensor *t;
    int64_t n = luron_optim_n_params(optim, group);
    LURON_TRY(luron_tensor_new(&t, ctx, LURON_I64, 1, &n));
    for (int i = 0; i < n; i++)
        ((int64_t *)(void *)luron__data(t))[i] = luron__optim_param_steps(optim, group, i);
    snprintf(path, sizeof path, "optimizer/groups/%d/steps", group);
    luron_status status = put_tensor(c, ctx, path, t);
    luron_tensor_unref(t);
    return status;
}

static luron_status put_group(luron_checkpoint *c, luron_ctx *ctx, const luron_optim *optim, int group) {
    char path[LURON__MAX_TREE_PATH], name[24];
    LURON_TRY(put_options(c, ctx, optim, group));
    json_t *names = json_array();
    for (int i = 0; names && i < luron_optim_n_params(optim, group); i++)
        if (json_array_append_new(names, json_string(luron__optim_file_name(name, optim, group, i)))) {
            json_decref(names);
            names = NULL;
        }
    snprintf(path, sizeof path, "optimizer/groups/%d/parameters", group);
    LURON_TRY(put_json(c, ctx, path, names));
    LURON_TRY(put_steps(c, ctx, optim, group));
    for (int s = 0; s < luron_optim_n_scalars(optim); s++) {
        luron_tensor *t;
        snprintf(path, sizeof path, "optimizer/groups/%d/scalars/%s", group, luron_optim_scalar_name(optim, s));
        LURON_TRY(luron_tensor_full(&t, ctx, LURON_F64, 0, NULL, luron_optim_scalar(optim, group, s)));
        luron_status status = put_tensor(c, ctx, path, t);
        luron_tensor_unref(t);
        if (status) return status;
    }
    for (int i = 0; i < luron_optim_n_params(optim, group); i++)
        for (int s = 0; s < luron_optim_n_states(optim); s++) {
            snprintf(path, sizeof path, "optimizer/state/%s/%s", luron__optim_file_name(name, optim, group, i),
                     luron_optim_state_name(optim, s));
            if (luron_optim_state(optim, group, i, s)) LURON_TRY(put_tensor(c, ctx, path, luron_optim_state(optim, group, i, s)));
        }
    return LURON_OK;
}

static luron_status put_optim(luron_checkpoint *c, luron_ctx *ctx, const luron_optim *optim) {
    const luron_type *type = luron_optim_type_of(optim);
    LURON_TRY(put_attr(c, ctx, "optimizer", "type", luron_type_name(type), 0));
    LURON_TRY(put_attr(c, ctx, "optimizer", "plugin", luron_type_plugin(type), 0));
    LURON_TRY(put_attr(c, ctx, "optimizer", "plugin_version", luron_type_plugin_version(type), 0));
    LURON_TRY(put_attr(c, ctx, "optimizer", "steps", NULL, luron_optim_steps(optim)));
    for (int g = 0; g < luron_optim_n_groups(optim); g++) LURON_TRY(put_group(c, ctx, optim, g));
    return LURON_OK;
}

luron_status luron_checkpoint_set_optim(luron_checkpoint *c, luron_ctx *ctx, luron_optim *optim) {
    LURON__CHECK(ctx, !c->has_optim, LURON_E_STATE, "the checkpoint has an optimiser already");
    const mark before = mark_of(c);
    luron_status status = put_optim(c, ctx, optim);
    if (status) truncate_to(c, before);
    c->has_optim = !status;
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */
static luron_status add_text(luron_io *io, const char *path, const char *text) {
    const char *last;
    luron_node *parent = luron__io_parent(io, io->model, path, &last);
    return parent && luron__tree()->add_text(io, parent, last, text, strlen(text)) ? LURON_OK : io->status;
}

static luron_status add_attr(luron_io *io, const luron__entry *e) {
    char path[LURON__MAX_TREE_PATH];
    const luron_tree *tree = luron__tree();
    const char *last;
    luron_node *node = io->model;
    if (e->attr > 0) {
        snprintf(path, sizeof path, "%.*s", (int)e->attr, e->path);
        node = tree->find(io, io->model, path);
        luron_node *parent = node ? node : luron__io_parent(io, io->model, path, &last);
        if (!node) node = parent ? tree->group(io, parent, last) : NULL;
        if (!node) return io->status;
    }
    const char *key = e->path + e->attr + (e->attr > 0);
    return e->is_number ? tree->set_integer(io, node, key, e->number)
                        : tree->set_text(io, node, key, e->text, strlen(e->text));
}

/* Seed and position go with training alone: a file of a model is the same whatever the random state. */
static luron_status add_random(luron_io *io, const luron_checkpoint *c) {
    bool wanted = c->has_optim;
    for (int64_t i = 0; i < c->texts.n; i++) wanted = wanted || strncmp(c->texts.at[i].path, "training/", 9) == 0;
    if (!wanted) return LURON_OK;
    char text[32];
    uint64_t seed, position;
    luron_ctx_random_state(io->ctx, &seed, &position);
    snprintf(text, sizeof text, "%" PRIu64, seed);
    LURON_TRY(add_text(io, "training/random_seed", text));
    snprintf(text, sizeof text, "%" PRIu64, position);
    return add_text(io, "training/random_position", text);
}

static bool is_random(const char *path) {
    return strcmp(path, "training/random_seed") == 0 || strcmp(path, "training/random_position") == 0;
}

/* The model's side of the tree. */
static luron_status build(luron_io *io, const luron_checkpoint *c) {
    const luron_tree *tree = luron__tree();
    for (int64_t i = 0; i < c->tensors.n; i++) {
        const char *last;
        luron_node *parent = luron__io_parent(io, io->model, c->tensors.at[i].path, &last);
        if (!parent || !luron__io_put(io, parent, last, c->tensors.at[i].tensor)) return io->status;
    }
    for (int64_t i = 0; i < c->texts.n; i++)
        if (c->texts.at[i].attr < 0 && !is_random(c->texts.at[i].path))
            LURON_TRY(add_text(io, c->texts.at[i].path, c->texts.at[i].text));
    for (int64_t i = 0; i < c->texts.n; i++)
        if (c->texts.at[i].attr >= 0) LURON_TRY(add_attr(io, &c->texts.at[i]));
    LURON_TRY(tree->set_text(io, io->model, "luron_version", LURON_VERSION, strlen(LURON_VERSION)));
    LURON_TRY(tree->set_text(io, io->model, "isa", luron_ctx_isa(io->ctx), strlen(luron_ctx_isa(io->ctx))));
    return add_random(io, c);
}

static luron_status take_formats(luron_io *io, const char *format) {
    const luron_type *named, *container;
    LURON_TRY(luron_type_find(&named, io->ctx, LURON_KIND_FORMAT, format));
    container = named;
    if (named->format.over) LURON_TRY(luron_type_find(&container, io->ctx, LURON_KIND_FORMAT, named->format.over));
    LURON__CHECK(io->ctx, named->format.write && container->format.write, LURON_E_UNSUPPORTED,
                 "format '%s' cannot write", format);
    LURON_TRY(luron__io_take(&io->container, &io->container_options, io, container, 0, NULL));
    return named == container ? LURON_OK : luron__io_take(&io->schema, &io->schema_options, io, named, 0, NULL);
}

static luron_status write_formats(luron_io *io) {
    const luron_format_type *f = &io->container->format;
    if (io->schema) {
        io->options = io->schema_options;
        LURON_TRY(luron__io_result(io, io->schema->format.write(io, luron__tree()), io->schema->format.name));
    } else {
        io->root = io->model;
    }
    io->options = io->container_options;
    LURON_TRY(luron__io_result(io, f->write(io, luron__tree()), f->name));
    return f->flags & LURON_FORMAT_OWN_FILE ? luron__writer_adopt(io->writer, io->ctx) : LURON_OK;
}

void luron_checkpoint_allow_nonfinite(luron_checkpoint *c, int on) { c->nonfinite = on != 0; }

/* A weight that is not finite, or state that is NaN (an infinity may be meant: a mask, a running minimum). */
static luron_status check_finite(luron_ctx *ctx, const luron__entry *e) {
    bool weight = strncmp(e->path, "parameters/", 11) == 0;
    if (!luron_dtype_is_float(e->tensor->dtype) || !(weight || strncmp(e->path, "state/", 6) == 0)) return LURON_OK;
    if (!luron__has_nonfinite(ctx, e->tensor)) return LURON_OK;
    luron_tensor *t = e->tensor, *dense = NULL;
    if (!luron_tensor_is_contiguous(t)) {
        int recording = luron_ctx_set_recording(ctx, 0);
        luron_status status = luron_contiguous(&dense, ctx, t);
        luron_ctx_set_recording(ctx, recording);
        if (status) return status;
        t = dense;
    }
    double x[1024];
    const int64_t n = luron_tensor_numel(t), most = sizeof x / sizeof *x;
    luron_status status = LURON_OK;
    for (int64_t at = 0; at < n && !status; at += most) {
        const int64_t run = n - at < most ? n - at : most;
        luron__convert(LURON_F64, x, 1, t->dtype, (const char *)luron__data(t) + at * luron_dtype_size(t->dtype), 1, run);
        for (int64_t i = 0; i < run && !status; i++)
            if (isnan(x[i]) || (weight && isinf(x[i])))
                status = luron__fail(ctx, LURON_E_NONFINITE,
                                     "%s is not finite (number %" PRId64 " of %" PRId64
                                     " is %g): the file is not written",
                                     e->path, at + i + ctx->index_base, n, isnan(x[i]) ? fabs(x[i]) : x[i]); /* no "-nan" */
    }
    luron_tensor_unref(dense);
    return status;
}

static luron_status check_all_finite(luron_ctx *ctx, const luron_checkpoint *c) {
    for (int64_t i = 0; i < c->tensors.n && !c->nonfinite; i++) LURON_TRY(check_finite(ctx, &c->tensors.at[i]));
    return LURON_OK;
}

luron_status luron_checkpoint_save(luron_checkpoint *c, luron_ctx *ctx, const char *path, const char *format,
                                   int keep_prev) {
    luron_io *io = NULL;
    LURON_TRY(luron__io_new(&io, ctx));
    luron_status status = take_formats(io, format ? format : DEFAULT_FORMAT);
    if (!status) status = check_all_finite(ctx, c);
    if (!status) status = build(io, c);
    if (!status) status = luron__writer_open(&io->writer, ctx, path);
    if (!status) status = write_formats(io);
    if (!status)
        status = luron__writer_commit(io->writer, ctx, io->container->format.flags & LURON_FORMAT_SEALED, keep_prev);
    luron__io_free(io);
    return status && path ? luron__io_wrap(ctx, status, path) : status;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */
static luron_status take_attrs(luron_checkpoint *c, luron_io *io, const luron_node *node, const char *path) {
    for (const luron__attr *a = node->attrs; a; a = a->next)
        LURON_TRY(put_attr(c, io->ctx, path, a->key, a->is_number ? NULL : a->text, a->number));
    return LURON_OK;
}

static luron_status take_node(luron_checkpoint *c, luron_io *io, luron_node *node, char path[LURON__MAX_TREE_PATH],
                              size_t n) {
    luron_tensor *t;
    LURON_TRY(take_attrs(c, io, node, path));
    if (node->kind == LURON__TEXT) return put_text(c, io->ctx, path, node->text);
    if (node->kind == LURON__TENSOR) {
        LURON_TRY(luron__io_tensor(&t, io, node));
        luron_status status = put_tensor(c, io->ctx, path, t);
        luron_tensor_unref(t);
        return status;
    }
    for (luron_node *child = node->first; child; child = child->next) {
        LURON_TRY(take_node(c, io, child, path, luron__path_add(path, n, child->name)));
        path[n] = 0;
    }
    return LURON_OK;
}

luron_status luron_checkpoint_load(luron_checkpoint **out, luron_ctx *ctx, const char *path, int verify) {
    luron_checkpoint *c = NULL;
    luron_io *io = NULL;
    const luron_type *type;
    char name[LURON__MAX_TREE_PATH] = "";
    LURON_TRY(
        luron_type_find(&type, ctx, LURON_KIND_FORMAT, DEFAULT_FORMAT)); /* so that it is among those that are asked */
    LURON_TRY(luron_checkpoint_new(&c, ctx));
    luron_status status = luron__io_new(&io, ctx);
    if (!status) {
        io->shares_image = true; /* a model or an optimiser copies what it takes from a checkpoint */
        status = luron__io_read(io, path, NULL, true, verify, 0, NULL);
    }
    if (!status) {
        status = take_node(c, io, io->model, name, 0);
        if (status && status != LURON_E_NOMEM) luron__io_wrap(ctx, status, path);
    }
    luron__io_free(io);
    if (status) luron_checkpoint_free(c);
    else *out = c;
    return status ? luron__io_offer_previous(ctx, status, path) : LURON_OK;
}
