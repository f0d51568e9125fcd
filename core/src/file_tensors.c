/* luron_file: the tensors of a data file, read whole. */
#include "io.h"

#include <string.h>

typedef struct text {
    char *key, *value;
} text;
typedef struct item {
    char *name;
    luron_tensor *tensor;
    bool ids;
    text *texts;
    int64_t n_texts;
} item;
struct luron_file {
    luron__pool *pool;
    item *items; /* the last one is the file itself */
    int64_t n, cap;
};

static void free_item(luron__pool *pool, item *it) {
    luron__strfree(pool, it->name);
    luron_tensor_unref(it->tensor);
    for (int64_t i = 0; i < it->n_texts; i++) {
        luron__strfree(pool, it->texts[i].key);
        luron__strfree(pool, it->texts[i].value);
    }
    luron__pool_free(pool, it->texts, (size_t)it->n_texts * sizeof *it->texts);
}

void luron_file_free(luron_file *file) {
    if (!file) return;
    for (int64_t i = 0; i < file->n; i++) free_item(file->pool, &file->items[i]);
    luron__pool_free(file->pool, file->items, (size_t)file->cap * sizeof *file->items);
    luron__pool_free(file->pool, file, sizeof *file);
}

static luron_status take_texts(item *it, luron_io *io, luron_node *node) {
    if (!node->n_attrs) return LURON_OK;
    LURON_TRY(luron__alloc(&it->texts, io->ctx, (size_t)node->n_attrs * sizeof *it->texts));
    it->n_texts = node->n_attrs;
    int64_t i = 0;
    for (const luron__attr *a = node->attrs; a; a = a->next, i++) {
        LURON_TRY(luron__strdup(&it->texts[i].key, io->ctx, a->key));
        LURON_TRY(luron__strdup(&it->texts[i].value, io->ctx, a->text));
    }
    return LURON_OK;
}

/* Ids as int64 in the context's base; a negative one stands for none and stays. */
static luron_status take_ids(item *it, luron_io *io) {
    luron_tensor *ids, *from = it->tensor;
    LURON_TRY(luron_tensor_new(&ids, io->ctx, LURON_I64, from->ndim, from->shape));
    int64_t n = luron_tensor_numel(from), *id = (int64_t *)(void *)luron__data(ids);
    luron__convert(LURON_I64, id, 1, from->dtype, luron__data(from), 1, n);
    for (int64_t i = 0; i < n; i++)
        if (id[i] >= 0 && id[i] < INT64_MAX) id[i] += io->ctx->index_base;
    luron_tensor_unref(from);
    it->tensor = ids, it->ids = true;
    return LURON_OK;
}

static luron_status take_tensor(luron_file *file, luron_io *io, luron_node *node, const char *path) {
    LURON_TRY(luron__grow(io->ctx, &file->items, &file->cap, file->n + 1, sizeof *file->items));
    item *it = &file->items[file->n++];
    LURON_TRY(luron__strdup(&it->name, io->ctx, path));
    LURON_TRY(take_texts(it, io, node));
    if (node->kind != LURON__TENSOR) return LURON_OK;
    LURON_TRY(luron__io_tensor(&it->tensor, io, node));
    return node->ids ? take_ids(it, io) : LURON_OK;
}

/* path holds the name of the group, n bytes; it is used for those below and put back. */
static luron_status take_group(luron_file *file, luron_io *io, luron_node *group, char path[LURON__MAX_TREE_PATH],
                               size_t n) {
    for (luron_node *node = group->first; node; node = node->next) {
        size_t end = luron__path_add(path, n, node->name);
        if (node->kind == LURON__GROUP) LURON_TRY(take_group(file, io, node, path, end));
        else if (node->kind == LURON__TENSOR) LURON_TRY(take_tensor(file, io, node, path));
        path[n] = 0;
    }
    return LURON_OK;
}

luron_status luron_file_read(luron_file **out, luron_ctx *ctx, const char *path, const char *format, int n_args,
                             const luron_arg *args) {
    luron_file *file = NULL;
    luron_io *io = NULL;
    char name[LURON__MAX_TREE_PATH] = "";
    LURON_TRY(luron__io_new(&io, ctx));
    luron_status status = luron__alloc(&file, ctx, sizeof *file);
    if (!status) {
        file->pool = ctx->pool;
        status = luron__io_read(io, path, format, false, true, n_args, args);
    }
    if (!status) {
        status = take_group(file, io, io->root, name, 0);
        if (!status) status = take_tensor(file, io, io->root, "");
        if (status && status != LURON_E_NOMEM) luron__io_wrap(ctx, status, path);
    }
    luron__io_free(io);
    if (status) luron_file_free(file);
    else *out = file;
    return status;
}

static const item *item_at(const luron_file *file, int i) {
    return i >= 0 && i < luron_file_n_tensors(file) ? &file->items[i] : NULL;
}
int luron_file_n_tensors(const luron_file *file) { return (int)file->n - 1; }
const char *luron_file_name(const luron_file *file, int i) {
    const item *it = item_at(file, i);
    return it ? it->name : NULL;
}
luron_tensor *luron_file_tensor(const luron_file *file, int i) {
    const item *it = item_at(file, i);
    return it ? it->tensor : NULL;
}
int luron_file_is_ids(const luron_file *file, int i) {
    const item *it = item_at(file, i);
    return it && it->ids;
}
const char *luron_file_text(const luron_file *file, int i, const char *key) {
    const item *it = i == -1 ? &file->items[file->n - 1] : item_at(file, i);
    for (int64_t k = 0; it && k < it->n_texts; k++)
        if (strcmp(it->texts[k].key, key) == 0) return it->texts[k].value;
    return NULL;
}
