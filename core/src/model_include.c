/* model_include.c -- a model within another: its layers and tensors are shared, its nodes copied. */
#include "graph.h"

#include <stdio.h>
#include <string.h>

/* The value of the whole that stands for value v of the part; map: the whole's node for each node of the part. */
static luron_value mapped(const luron_model *part, const int32_t *map, int n_in, const luron_value *ins, luron_value v) {
    if (v.node < 0) return v;
    if (v.node < part->n_inputs) return v.node < n_in ? ins[v.node] : (luron_value){ -1, 0 };
    return (luron_value){ map[v.node], v.out };
}

/* Paths of the part below `name`: "name.linear1", "name.encoder/scale", "name/scale". */
static void path_below(char to[2 * LURON__MAX_PATH + 2], const char *name, const char *path, bool is_tensor) {
    snprintf(to, 2 * LURON__MAX_PATH + 2, "%s%c%s", name, is_tensor && !strchr(path, '/') ? '/' : '.', path);
}

/* A tensor that the whole has already keeps its path. */
static luron_status include_tensor(int32_t *index, luron_ctx *ctx, luron_model *m, const char *name,
                                   const luron__model_tensor *t, const int32_t *layers) {
    char path[2 * LURON__MAX_PATH + 2], full[2 * LURON__MAX_PATH + 2];
    luron__model_tensor copy = *t;
    for (*index = 0; t->tensor && *index < m->n_tensors; ++*index)
        if (m->tensors[*index].tensor == t->tensor) return LURON_OK;
    path_below(path, name, t->path, true);
    copy.path = path;
    if (!t->tensor) { /* its layer may be known under another path */
        copy.layer = layers[t->layer];
        snprintf(full, sizeof full, "%s/%s", m->layers[copy.layer].path, strrchr(t->path, '/') + 1);
        copy.path = full;
        *index = luron__model_tensor_index(m, full);
        if (*index >= 0) return LURON_OK;
    }
    LURON__CHECK(ctx, luron__model_tensor_index(m, copy.path) < 0, LURON_E_ARGUMENT,
                 "model: there is another tensor '%.64s' already", copy.path);
    return luron__model_put_tensor(index, ctx, m, &copy);
}

/* Which node, layer and tensor of the whole stands for those of the part; room for the inputs of a node. One block. */
typedef struct maps {
    int32_t *nodes, *layers, *tensors;
    luron_value *values;
    luron__renamed *renamed; /* layers of the part that the whole had not */
    size_t bytes;
} maps;

static luron_status maps_open(maps *to, luron_ctx *ctx, const luron_model *part) {
    int64_t n = part->n_nodes + part->n_layers + part->n_tensors;
    to->bytes = (size_t)part->n_layers * sizeof *to->renamed + (size_t)(part->max_in + 1) * sizeof *to->values +
                (size_t)n * sizeof(int32_t);
    LURON_TRY(luron__alloc(&to->renamed, ctx, to->bytes));
    to->values = (luron_value *)(void *)(to->renamed + part->n_layers);
    to->nodes = (int32_t *)(void *)(to->values + part->max_in + 1);
    to->layers = to->nodes + part->n_nodes;
    to->tensors = to->layers + part->n_layers;
    return LURON_OK;
}

static luron_status include_nodes(luron_ctx *ctx, luron_model *m, const char *name, const luron_model *part, int n_in,
                                  const luron_value *ins, maps *map) {
    char path[2 * LURON__MAX_PATH + 2];
    for (int64_t i = 0; i < part->n_layers; i++) {
        path_below(path, name, part->layers[i].path, false);
        LURON_TRY(luron__model_put_layer_undo(&map->layers[i], &map->renamed[i], ctx, m, path, part->layers[i].layer));
    }
    for (int64_t i = 0; i < part->n_tensors; i++)
        LURON_TRY(include_tensor(&map->tensors[i], ctx, m, name, &part->tensors[i], map->layers));
    for (int64_t i = part->n_inputs; i < part->n_nodes; i++) {
        luron__model_node node = part->nodes[i];
        luron_value v;
        if (node.kind == LURON__NODE_LAYER) node.layer = map->layers[node.layer];
        if (node.kind == LURON__NODE_TENSOR) node.layer = map->tensors[node.layer];
        for (int32_t k = 0; k < node.n_in; k++) map->values[k] = mapped(part, map->nodes, n_in, ins, node.ins[k]);
        if (node.kind == LURON__NODE_LAYER)
            LURON_TRY(luron__model_check_ins(ctx, m, m->layers[node.layer].path, m->layers[node.layer].layer, node.n_in,
                                map->values));
        for (int32_t k = 0; k < node.n_in && node.kind != LURON__NODE_LAYER; k++)
            if (map->values[k].node != -1 || !node.op || !luron__may_miss(node.op->op, k))
                LURON_TRY(luron__check_value(ctx, m, node.op ? node.op->op->name : "number", k, map->values[k]));
        LURON_TRY(luron__model_add_node(&v, ctx, m, &node, map->values));
        map->nodes[i] = v.node;
    }
    return LURON_OK;
}

static luron_status check_dtype(luron_ctx *ctx, const luron_model *m, const luron_model *part) {
    LURON__CHECK(ctx, !m->dtype || !part->dtype || m->dtype == part->dtype, LURON_E_DTYPE,
                 "model: its ops compute in %s, those of the included model in %s", luron_dtype_name(m->dtype),
                 luron_dtype_name(part->dtype));
    return LURON_OK;
}

luron_status luron_model_include(luron_value *outs, luron_ctx *ctx, luron_model *model, const char *name,
                                 luron_model *part, int n_in, const luron_value *ins) {
    char word[96];
    LURON__CHECK(ctx, part && part != model, LURON_E_ARGUMENT, "model: another model to include expected");
    LURON__CHECK(ctx, luron__model_takes(part, n_in), LURON_E_ARGUMENT, "model: the included model has %lld input%s, got %d",
                 (long long)part->n_inputs, part->n_inputs == 1 ? "" : "s", n_in);
    int n_outs = luron_model_n_outputs(part);
    LURON__CHECK(ctx, n_outs, LURON_E_STATE, "model: the included model is empty");
    for (int i = 0; i < n_in; i++)
        if (ins[i].node != -1) LURON_TRY(luron__check_value(ctx, model, "included model: input", i, ins[i]));
    maps map;
    luron__model_mark before = luron__model_mark_of(model);
    LURON_TRY(check_dtype(ctx, model, part));
    if (name) LURON_TRY(luron__check_path(ctx, "included model", name));
    LURON_TRY(maps_open(&map, ctx, part));
    luron_status status = name ? LURON_OK : luron__model_next_name(word, model, ctx, NULL);
    const bool given = name || status;
    if (!given) name = word;
    if (!status) status = include_nodes(ctx, model, name, part, n_in, ins, &map);
    for (int i = 0; i < n_outs && status == LURON_OK; i++)
        if (mapped(part, map.nodes, n_in, ins, luron__model_output(part, i)).node < 0)
            status = luron__fail(ctx, LURON_E_ARGUMENT, "included model: output %d is an absent input",
                                 i + ctx->index_base);
    for (int64_t i = part->n_layers - 1; i >= 0; i--) luron__renamed_end(&map.renamed[i], status != LURON_OK);
    if (status != LURON_OK) luron__model_truncate(model, before);
    if (status != LURON_OK && !given) luron__model_unname(model, NULL);
    for (int i = 0; i < n_outs && status == LURON_OK; i++)
        outs[i] = mapped(part, map.nodes, n_in, ins, luron__model_output(part, i));
    if (status == LURON_OK) model->last = outs[0];
    if (status == LURON_OK && part->dtype) model->dtype = part->dtype;
    luron__free(ctx, map.renamed, map.bytes);
    return status;
}
