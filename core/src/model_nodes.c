/* model_nodes.c -- nodes that are no layers: ops by name, and tensors of the model. */
#include "graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- attributes by name ------------------------------------------------------------------------------------------ */
static luron_status wrong(luron_ctx *ctx, const char *what, const luron__op_attr *k, const char *expected) {
    return luron__fail(ctx, LURON_E_ARGUMENT, "%s: %s: %s expected", what, k->name, expected);
}

static luron_status set_ints(luron_ctx *ctx, const char *what, luron__model_op *op, const luron__op_attr *k,
                             const luron_arg *arg) {
    const luron_ints *list = &arg->ints;
    if (arg->kind != LURON_ARG_INTS || list->n < 0 || list->n > LURON_MAX_DIMS)
        return wrong(ctx, what, k, "list of at most 8 integers");
    for (const luron__op_attr *other = op->op->attrs; other != k; other++)
        LURON__CHECK(ctx, other->kind != LURON__ATTR_INTS || op->attrs.n == list->n, LURON_E_ARGUMENT,
                     "%s: %s has %lld numbers, %s has %d: as many expected", what, k->name, (long long)list->n,
                     other->name, op->attrs.n);
    op->attrs.n = (int32_t)list->n;
    memcpy(&op->attrs.at[k->place], list->at, (size_t)list->n * sizeof *list->at);
    return LURON_OK;
}

static luron_status set_dims(luron_ctx *ctx, const char *what, luron__model_op *op, const luron__op_attr *k,
                             const luron_arg *arg) {
    int64_t *bits = &op->attrs.at[k->place];
    if (arg->kind != LURON_ARG_INTS || arg->ints.n < 0 || arg->ints.n > LURON_MAX_DIMS)
        return wrong(ctx, what, k, "list of dims");
    *bits = 0;
    for (int64_t i = 0; i < arg->ints.n; i++) {
        int64_t dim = arg->ints.at[i];
        if (dim < -LURON_MAX_DIMS || dim >= LURON_MAX_DIMS) return wrong(ctx, what, k, "list of dims from 0 or the end");
        int64_t place = dim < 0 ? LURON_MAX_DIMS - 1 - dim : dim;
        if (*bits >> place & 1) return wrong(ctx, what, k, "list of different dims");
        *bits |= (int64_t)1 << place;
    }
    return LURON_OK;
}

luron_status luron__model_op_set(luron_ctx *ctx, const char *what, luron__model_op *op, const luron__op_attr *k,
                                 const luron_arg *arg) {
    int64_t *at = &op->attrs.at[k->place];
    bool whole = arg->kind == LURON_ARG_INTEGER;
    switch (k->kind) {
    case LURON__ATTR_INTS:
        return set_ints(ctx, what, op, k, arg);
    case LURON__ATTR_DIMS:
        return set_dims(ctx, what, op, k, arg);
    case LURON__ATTR_NUM:
        if (!whole && arg->kind != LURON_ARG_NUMBER) return wrong(ctx, what, k, "number");
        op->attrs.num[k->place] = whole ? (double)arg->integer : arg->number;
        return LURON_OK;
    case LURON__ATTR_BOOL:
        if (arg->kind != LURON_ARG_BOOLEAN) return wrong(ctx, what, k, "boolean");
        *at = arg->integer != 0;
        return LURON_OK;
    case LURON__ATTR_DTYPE:
        *at = arg->kind == LURON_ARG_STRING ? luron_dtype_find(arg->string) : 0;
        return *at ? LURON_OK : wrong(ctx, what, k, "name of a dtype");
    default:
        if (!whole) return wrong(ctx, what, k, "integer");
        *at = arg->integer;
        return LURON_OK;
    }
}

/* The base that ids count from, and the batch size where it plays a part. */
luron_status luron__model_op_attrs(luron__attrs *attrs, luron_ctx *ctx, const luron__model_op *op, int64_t batch) {
    *attrs = op->attrs;
    attrs->flags = op->op->id;
    for (const luron__op_attr *k = op->op->attrs; k && k->name; k++)
        if (k->kind == LURON__ATTR_BASE) attrs->at[k->place] = ctx->index_base;
    for (int i = 0; op->batch && i < 2 * LURON_MAX_DIMS; i++)
        LURON__CHECK(ctx, !(op->batch >> i & 1) || !__builtin_mul_overflow(attrs->at[i], batch, &attrs->at[i]),
                     LURON_E_SHAPE, "%s: a multiple of the batch size is too large", op->op->name);
    return LURON_OK;
}

/* ---- ops --------------------------------------------------------------------------------------------------------- */
luron_status luron__model_add_op(luron_value *out, luron_ctx *ctx, luron_model *model, const luron__model_op *op,
                                 int n_in, const luron_value *ins, luron_value batch) {
    const char *name = op->op->name;
    bool any = op->op->n_in < 0, by_batch = batch.node >= 0;
    LURON__CHECK(ctx, !(op->op->flags & LURON__OP_BY_NUMBERS), LURON_E_UNSUPPORTED,
                 "model: the shape of what '%s' gives depends on the numbers, so it is no part of a model", name);
    LURON__CHECK(ctx, any ? n_in >= 1 : n_in == op->op->n_in, LURON_E_ARGUMENT,
                 "model: %s: %s%d operand%s expected, got %d", name, any ? "at least " : "", any ? 1 : op->op->n_in,
                 any || op->op->n_in == 1 ? "" : "s", n_in);
    LURON__CHECK(ctx, by_batch || !op->batch, LURON_E_ARGUMENT, "model: %s: nothing says what the batch size is", name);
    for (int i = 0; i < n_in; i++)
        if (ins[i].node != -1 || !luron__may_miss(op->op, i)) LURON_TRY(luron__check_value(ctx, model, name, i, ins[i]));
    if (by_batch) LURON_TRY(luron__check_value(ctx, model, name, n_in, batch));
    luron__model_node node = {.kind = LURON__NODE_OP,
                              .layer = -1,
                              .n_in = n_in + by_batch,
                              .n_out = 1,
                              .by_batch = by_batch,
                              .op = (luron__model_op *)op};
    luron_value *all;
    size_t bytes = (size_t)(n_in + 1) * sizeof *all;
    LURON_TRY(luron__alloc(&all, ctx, bytes));
    if (n_in) memcpy(all, ins, (size_t)n_in * sizeof *all);
    all[n_in] = batch;
    luron_status status = luron__model_add_node(out, ctx, model, &node, all);
    luron__free(ctx, all, bytes);
    if (status == LURON_OK && !model->dtype) model->dtype = ctx->default_dtype;
    return status;
}

static const luron_arg *arg_called(const char *name, int n, const luron_arg *args) {
    for (int i = 0; i < n; i++)
        if (args[i].name && !strcmp(args[i].name, name)) return &args[i];
    return NULL;
}

static bool has_attr(const luron__op *op, const char *name) {
    for (const luron__op_attr *k = op->attrs; k && k->name; k++)
        if (name && k->kind != LURON__ATTR_BASE && !strcmp(k->name, name)) return true;
    return false;
}

luron_status luron_model_op(luron_value *out, luron_ctx *ctx, luron_model *model, const char *op, int n_args,
                            const luron_arg *args, int n_in, const luron_value *ins) {
    char what[80];
    luron__model_op made = {.op = op ? luron__op_find(op) : NULL};
    snprintf(what, sizeof what, "model: op '%.40s'", op ? op : "");
    LURON__CHECK(ctx, made.op, LURON_E_NOT_FOUND, "%s is not known", what);
    for (int i = 0; i < n_args; i++)
        LURON__CHECK(ctx, has_attr(made.op, args[i].name), LURON_E_ARGUMENT, "%s has no attribute '%.40s'", what,
                     args[i].name ? args[i].name : "");
    for (const luron__op_attr *k = made.op->attrs; k && k->name; k++) {
        const luron_arg *arg = arg_called(k->name, n_args, args);
        bool may_miss = k->kind == LURON__ATTR_DIMS || k->kind == LURON__ATTR_BOOL || k->kind == LURON__ATTR_BASE;
        LURON__CHECK(ctx, arg || may_miss, LURON_E_ARGUMENT, "%s: '%s' is missing", what, k->name);
        if (arg) LURON_TRY(luron__model_op_set(ctx, what, &made, k, arg));
    }
    return luron__model_add_op(out, ctx, model, &made, n_in, ins, (luron_value){-1, 0});
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */
int luron__layer_slot(const luron_layer *layer, const char *name, bool *is_param) {
    for (int p = 1; p >= 0; p--) {
        const luron__slot *slots = p ? layer->param : layer->state;
        for (int s = 0; s < LURON__MAX_SLOTS; s++)
            if (slots[s].tensor && !strcmp(slots[s].name, name)) {
                *is_param = p;
                return s;
            }
    }
    return -1;
}

luron_tensor *luron__model_tensor_of(const luron_model *model, int32_t index) {
    const luron__model_tensor *t = &model->tensors[index];
    if (t->tensor) return t->tensor;
    const luron_layer *layer = model->layers[t->layer].layer;
    return t->is_param ? layer->param[t->slot].tensor : layer->state[t->slot].tensor;
}

static luron_status split_path(luron_ctx *ctx, char group[LURON__MAX_PATH + 2], const char **name, const char *path) {
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    LURON__CHECK(ctx, n <= LURON__MAX_PATH, LURON_E_ARGUMENT, "tensor: name of at most %d bytes expected",
                 LURON__MAX_PATH);
    memcpy(group, path, n);
    group[n] = 0;
    *name = slash ? slash + 1 : path;
    if (slash) LURON_TRY(luron__check_path(ctx, "tensor", group));
    return luron__check_path(ctx, "tensor", *name);
}

/* The slot of a layer of the model that holds t, as a tensor of the model; -1 in `layer`: there is none. */
static luron__model_tensor in_layers(const luron_model *m, const luron_tensor *t) {
    for (int32_t l = 0; l < m->n_layers; l++)
        for (int s = 0; s < LURON__MAX_SLOTS; s++) {
            const luron_layer *layer = m->layers[l].layer;
            if (layer->param[s].tensor == t) return (luron__model_tensor){.layer = l, .slot = s, .is_param = true};
            if (layer->state[s].tensor == t) return (luron__model_tensor){.layer = l, .slot = s};
        }
    return (luron__model_tensor){.layer = -1};
}

/* A name that is free: "constant1", "parameter1". */
static void free_name(char to[32], const luron_model *m, bool is_param) {
    int64_t n = 0;
    do
        snprintf(to, 32, "%s%lld", is_param ? "parameter" : "constant", (long long)++n);
    while (luron__model_tensor_index(m, to) >= 0 || luron__model_layer_index(m, to) >= 0);
}

luron_status luron__model_own_tensor(luron_ctx *ctx, luron_model *m, const char *path, luron_tensor *t, bool is_param) {
    char group[LURON__MAX_PATH + 2];
    const char *name = path;
    int32_t index;
    bool ignored;
    LURON_TRY(split_path(ctx, group, &name, path));
    int32_t layer = luron__model_layer_index(m, group);
    bool taken = luron__model_tensor_index(m, path) >= 0;
    if (layer >= 0) taken = taken || luron__layer_slot(m->layers[layer].layer, name, &ignored) >= 0;
    LURON__CHECK(ctx, !taken, LURON_E_ARGUMENT, "model: there is another tensor '%.64s' already", path);
    luron__model_tensor entry = {.path = (char *)path, .tensor = t, .layer = -1, .is_param = is_param};
    return luron__model_put_tensor(&index, ctx, m, &entry);
}

static luron_status put_tensor(int32_t *index, luron_ctx *ctx, luron_model *m, const char *path, luron_tensor *t,
                               bool is_param) {
    char full[2 * LURON__MAX_PATH], word[32];
    luron__model_tensor entry = in_layers(m, t);
    if (entry.layer >= 0) {
        const luron__model_layer *l = &m->layers[entry.layer];
        snprintf(full, sizeof full, "%s/%s", l->path,
                 entry.is_param ? l->layer->param[entry.slot].name : l->layer->state[entry.slot].name);
        entry.path = full;
        *index = luron__model_tensor_index(m, full);
        return *index >= 0 ? LURON_OK : luron__model_put_tensor(index, ctx, m, &entry);
    }
    for (*index = 0; *index < m->n_tensors; ++*index)
        if (m->tensors[*index].tensor == t) return LURON_OK;
    free_name(word, m, is_param);
    if (!path) path = word;
    LURON_TRY(luron__model_own_tensor(ctx, m, path, t, is_param));
    *index = (int32_t)m->n_tensors - 1;
    return LURON_OK;
}

luron_status luron_model_tensor(luron_value *out, luron_ctx *ctx, luron_model *model, const char *path, luron_tensor *t,
                                int is_param) {
    LURON__CHECK(ctx, t, LURON_E_ARGUMENT, "model: a tensor expected, got NULL");
    luron__model_node node = {.kind = LURON__NODE_NUMBER, .layer = -1, .n_out = 1, .number = t};
    if (t->is_number) return luron__model_add_node(out, ctx, model, &node, NULL);
    LURON__CHECK(ctx, !t->node, LURON_E_STATE,
                 "model: a tensor that was made by '%s' on the tape is no constant (detach)", t->node->op->name);
    LURON__CHECK(ctx, !is_param || t->dtype == LURON_F32 || t->dtype == LURON_F64, LURON_E_DTYPE,
                 "model: a parameter is float32 or float64, got %s", luron_dtype_name(t->dtype));
    node = (luron__model_node){.kind = LURON__NODE_TENSOR, .n_out = 1};
    LURON_TRY(put_tensor(&node.layer, ctx, model, path, t, is_param != 0));
    return luron__model_add_node(out, ctx, model, &node, NULL);
}
