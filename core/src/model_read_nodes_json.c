/* model_read_nodes_json.c -- the graph of an architecture: inputs, nodes, outputs. */
#include "model_reader.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define MAX_EDGES 4096 /* inputs of one node, outputs of a model */

static luron_status read_value(luron_value *out, const luron__reader *r, const char *where, json_t *v) {
    json_t *node = json_array_get(v, 0), *k = json_array_get(v, 1);
    LURON__CHECK(r->ctx, json_array_size(v) == 2 && json_is_integer(node) && json_is_integer(k), LURON_E_FORMAT,
                 "architecture: %.80s: [node, output] expected", where);
    json_int_t a = json_integer_value(node), b = json_integer_value(k);
    LURON__CHECK(r->ctx, a >= -1 && a < INT32_MAX && b >= 0 && b < INT32_MAX, LURON_E_FORMAT,
                 "architecture: %.80s: there is no value [%lld, %lld]", where, (long long)a, (long long)b);
    *out = (luron_value){(int32_t)a, (int32_t)b};
    return LURON_OK;
}

/* Values of a list; free with luron__free. */
static luron_status read_values(luron_value **out, size_t *n, const luron__reader *r, const char *where, json_t *list) {
    size_t count = json_array_size(list);
    luron_value *values = NULL;
    LURON__CHECK(r->ctx, count <= MAX_EDGES, LURON_E_FORMAT, "architecture: %.80s: at most %d values expected, got %zu",
                 where, MAX_EDGES, count);
    if (count) LURON_TRY(luron__alloc(&values, r->ctx, count * sizeof *values));
    luron_status status = LURON_OK;
    for (size_t i = 0; i < count && status == LURON_OK; i++)
        status = read_value(&values[i], r, where, json_array_get(list, i));
    if (status != LURON_OK) {
        luron__free(r->ctx, values, count * sizeof *values);
        return status;
    }
    *out = values;
    *n = count;
    return LURON_OK;
}

static luron_status read_layer_node(luron__reader *r, const char *where, json_t *o) {
    static const char *const keys[] = {"layer", "inputs", NULL};
    json_t *v[2];
    LURON_TRY(luron__check_keys(r, o, where, keys));
    LURON_TRY(luron__read_members(v, r, o, where, keys, "sa"));
    const char *path = json_string_value(v[0]);
    json_t *index = json_object_get(r->by_path, path);
    LURON__CHECK(r->ctx, index, LURON_E_FORMAT, "architecture: %s: there is no layer '%.80s'", where, path);
    luron_value *ins = NULL, out;
    size_t n = 0;
    LURON_TRY(read_values(&ins, &n, r, where, v[1]));
    r->stands[json_integer_value(index)] = 1;
    luron_layer *layer = r->layers[json_integer_value(index)];
    luron_status status = luron_model_add(&out, r->ctx, r->model, path, layer, (int)n, ins);
    luron__free(r->ctx, ins, n * sizeof *ins);
    return status;
}

/* The value whose first size is the batch size; node -1: the node does not say one. */
static luron_status read_batch(luron_value *batch, const luron__reader *r, const char *where, json_t *o) {
    json_t *v = json_object_get(o, "batch");
    *batch = (luron_value){-1, 0};
    if (!v) return LURON_OK;
    LURON_TRY(read_value(batch, r, where, v));
    LURON__CHECK(r->ctx, batch->node >= 0, LURON_E_FORMAT, "architecture: %s: 'batch': a value expected", where);
    return LURON_OK;
}

static luron_status read_op_node(luron__reader *r, const char *where, json_t *o) {
    static const char *const keys[] = {"inputs", NULL};
    luron__model_op op;
    luron_value *ins = NULL, out, batch;
    json_t *list;
    size_t n = 0;
    LURON_TRY(luron__read_members(&list, r, o, where, keys, "a"));
    luron_status status = luron__model_op_from_json(&op, r->ctx, where, o);
    if (status) return luron__wrap(r->ctx, status, "architecture");
    LURON_TRY(read_batch(&batch, r, where, o));
    LURON_TRY(read_values(&ins, &n, r, where, list));
    status = luron__model_add_op(&out, r->ctx, r->model, &op, (int)n, ins, batch);
    luron__free(r->ctx, ins, n * sizeof *ins);
    return status;
}

static luron_status read_number_node(luron__reader *r, const char *where, json_t *o) {
    static const char *const keys[] = {"number", "batch", NULL};
    luron__model_node node = {.kind = LURON__NODE_NUMBER, .layer = -1, .n_out = 1};
    luron_value out, batch;
    bool by_batch;
    LURON_TRY(luron__check_keys(r, o, where, keys));
    LURON_TRY(read_batch(&batch, r, where, o));
    luron_status status =
        luron__model_number_from_json(&node.number, &by_batch, r->ctx, where, json_object_get(o, "number"));
    if (status) return luron__wrap(r->ctx, status, "architecture");
    node.by_batch = by_batch, node.n_in = by_batch;
    status = by_batch ? luron__check_value(r->ctx, r->model, "number: batch", 0, batch) : LURON_OK;
    if (!status && !by_batch && batch.node >= 0)
        status = luron__fail(r->ctx, LURON_E_FORMAT, "architecture: %s: nothing depends on 'batch'", where);
    if (!status) status = luron__model_add_node(&out, r->ctx, r->model, &node, &batch);
    luron_tensor_unref(node.number);
    return status;
}

/* A tensor of the model's own, or of a layer: "linear1/weight". */
static luron_status read_tensor_node(luron__reader *r, const char *where, json_t *o) {
    static const char *const keys[] = {"tensor", NULL};
    char group[LURON__MAX_PATH + 1];
    json_t *v;
    luron_value out;
    LURON_TRY(luron__check_keys(r, o, where, keys));
    LURON_TRY(luron__read_members(&v, r, o, where, keys, "s"));
    const char *path = json_string_value(v), *slash = strrchr(path, '/');
    luron__model_node node = {.kind = LURON__NODE_TENSOR, .n_out = 1};
    node.layer = luron__model_tensor_index(r->model, path);
    if (node.layer < 0 && slash && slash - path <= LURON__MAX_PATH) {
        luron__model_tensor t = {.path = (char *)path};
        memcpy(group, path, (size_t)(slash - path));
        group[slash - path] = 0;
        t.layer = luron__model_layer_index(r->model, group);
        t.slot = t.layer < 0 ? -1 : luron__layer_slot(r->model->layers[t.layer].layer, slash + 1, &t.is_param);
        if (t.slot >= 0) LURON_TRY(luron__model_put_tensor(&node.layer, r->ctx, r->model, &t));
    }
    LURON__CHECK(r->ctx, node.layer >= 0, LURON_E_FORMAT, "architecture: %s: there is no tensor '%.80s'", where, path);
    return luron__model_add_node(&out, r->ctx, r->model, &node, NULL);
}

static luron_status read_node(luron__reader *r, size_t i, json_t *o) {
    char where[40];
    snprintf(where, sizeof where, "node %lld", (long long)i + r->model->n_inputs);
    luron_status status;
    if (json_object_get(o, "op"))
        status = read_op_node(r, where, o);
    else if (json_object_get(o, "tensor"))
        status = read_tensor_node(r, where, o);
    else if (json_object_get(o, "number"))
        status = read_number_node(r, where, o);
    else
        status = read_layer_node(r, where, o);
    return status == LURON_E_ARGUMENT ? luron__wrap(r->ctx, LURON_E_FORMAT, "architecture: %s", where) : status;
}

luron_status luron__read_graph(luron__reader *r, json_t *inputs, json_t *nodes, json_t *outputs) {
    luron_value v, *outs = NULL;
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(inputs); i++) {
        const char *name = json_string_value(json_array_get(inputs, i));
        LURON__CHECK(r->ctx, name, LURON_E_FORMAT, "architecture: inputs: list of strings expected");
        luron_status status = luron_model_input(&v, r->ctx, r->model, name);
        if (status == LURON_E_ARGUMENT) return luron__wrap(r->ctx, LURON_E_FORMAT, "architecture: inputs");
        LURON_TRY(status);
    }
    LURON__CHECK(r->ctx, json_array_size(nodes) <= LURON__MAX_NODES, LURON_E_FORMAT,
                 "architecture: at most %d nodes expected, got %zu", LURON__MAX_NODES, json_array_size(nodes));
    for (size_t i = 0; i < json_array_size(nodes); i++)
        LURON_TRY(read_node(r, i, json_array_get(nodes, i)));
    size_t idle = 0;
    for (size_t i = 0; i < r->n_layers; i++)
        idle += !r->stands[i];
    LURON__CHECK(r->ctx, !idle, LURON_E_FORMAT, "architecture: %zu of %zu layers stand at no node", idle, r->n_layers);
    LURON_TRY(read_values(&outs, &n, r, "outputs", outputs));
    luron_status status = n ? luron_model_set_outputs(r->ctx, r->model, (int)n, outs) : LURON_OK;
    luron__free(r->ctx, outs, n * sizeof *outs);
    LURON__CHECK(r->ctx, n || !r->model->n_nodes, LURON_E_FORMAT, "architecture: outputs: at least one expected");
    return status == LURON_E_ARGUMENT ? luron__wrap(r->ctx, LURON_E_FORMAT, "architecture") : status;
}
