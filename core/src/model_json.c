/* model_json.c -- the architecture of a model written as JSON; docs/file-format.md describes it. */
#include "graph.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing: jansson's pack functions give NULL when memory is short, and NULL in gives NULL out -------------- */
static bool push(json_t *list, json_t *item) { return json_array_append_new(list, item) == 0; }

static json_t *values_to_json(const luron_value *values, int64_t n) {
    json_t *list = json_array();
    bool good = list != NULL;
    for (int64_t i = 0; i < n && good; i++)
        good = push(list, json_pack("[ii]", (int)values[i].node, (int)values[i].out));
    if (!good) json_decref(list);
    return good ? list : NULL;
}

static json_t *layers_to_json(const luron_model *m) {
    json_t *list = json_array();
    bool good = list != NULL;
    for (int64_t i = 0; i < m->n_layers && good; i++) {
        const luron_layer *l = m->layers[i].layer;
        const luron_type *t = l->code->type;
        json_t *options = luron__options_to_json(t, l->code->options);
        good = options && push(list, json_pack("{ss ss ss ss sI ss so}", "path", m->layers[i].path,
                                               "type", luron_type_name(t), "plugin", t->plugin,
                                               "plugin_version", t->plugin_version,
                                               "data_version", (json_int_t)t->layer.data_version,
                                               "dtype", luron_dtype_name(l->dtype), "options", options));
    }
    if (!good) json_decref(list);
    return good ? list : NULL;
}

static json_t *inputs_to_json(const luron_model *m) {
    json_t *list = json_array();
    bool good = list != NULL;
    for (int64_t i = 0; i < m->n_inputs && good; i++) good = push(list, json_string(m->nodes[i].name));
    if (!good) json_decref(list);
    return good ? list : NULL;
}

static json_t *nodes_to_json(const luron_model *m) {
    json_t *list = json_array();
    bool good = list != NULL;
    for (int64_t i = m->n_inputs; i < m->n_nodes && good; i++) {
        const luron__model_node *node = &m->nodes[i];
        json_t *ins = values_to_json(node->ins, node->n_in);
        if (ins && node->kind != LURON__NODE_LAYER)
            good = push(list, luron__model_node_to_json(m, node, ins));
        else
            good = ins && push(list, json_pack("{ss so}", "layer", m->layers[node->layer].path, "inputs", ins));
    }
    if (!good) json_decref(list);
    return good ? list : NULL;
}

/* Only where there are ops: the dtype they compute in, and the model's own tensors. */
static bool put_ops(json_t *all, const luron_model *m) {
    if (m->dtype && json_object_set_new(all, "dtype", json_string(luron_dtype_name(m->dtype)))) return false;
    return !m->n_tensors || !json_object_set_new(all, "tensors", luron__model_tensors_to_json(m));
}

static json_t *param_name(const luron_model *m, const luron__param_ref *ref) {
    char name[LURON__MAX_PATH + 128];
    if (ref->layer < 0) return json_string(m->tensors[ref->param].path);
    snprintf(name, sizeof name, "%s/%s", m->layers[ref->layer].path,
             luron_layer_param_name(m->layers[ref->layer].layer, ref->param));
    return json_string(name);
}

/* One list for each tensor that stands more than once, the first name first. group[i]: the list of entry i. */
static json_t *shared_to_json(const luron_model *m, const luron__param_ref *refs, int64_t n, json_t **group) {
    json_t *list = json_array();
    bool good = list != NULL;
    for (int64_t i = 0; i < n && good; i++) {
        int64_t first = refs[i].first;
        if (first == i) continue;
        if (!group[first]) {
            json_t *names = json_array();
            good = push(list, names) && push(names, param_name(m, &refs[first]));
            group[first] = names;
        }
        good = good && push(group[first], param_name(m, &refs[i]));
    }
    if (!good) json_decref(list);
    return good ? list : NULL;
}

static luron_status shared_json(json_t **out, luron_ctx *ctx, const luron_model *m) {
    luron__param_ref *refs;
    int64_t n;
    json_t **group;
    LURON_TRY(luron__model_param_refs(&refs, &n, ctx, m));
    luron_status status = luron__alloc(&group, ctx, (size_t)(n + 1) * sizeof *group);
    if (status == LURON_OK) {
        *out = shared_to_json(m, refs, n, group);
        luron__free(ctx, group, (size_t)(n + 1) * sizeof *group);
    }
    luron__free(ctx, refs, (size_t)n * sizeof *refs);
    return status;
}

luron_status luron_model_to_json(char **out, luron_ctx *ctx, luron_model *model) {
    luron_value last = model->last;
    json_t *shared = NULL;
    LURON_TRY(luron_model_check_sized(ctx, model));
    LURON_TRY(shared_json(&shared, ctx, model));
    json_t *layers = layers_to_json(model), *inputs = inputs_to_json(model), *nodes = nodes_to_json(model);
    json_t *outputs = values_to_json(model->n_outputs ? model->outputs : &last, luron_model_n_outputs(model));
    json_t *all = NULL;
    if (layers && inputs && nodes && outputs && shared)
        all = json_pack("{ss sO sO sO sO sO}", "name", "model", "layers", layers, "inputs", inputs, "nodes", nodes,
                        "outputs", outputs, "shared", shared);
    if (all && !put_ops(all, model)) {
        json_decref(all);
        all = NULL;
    }
    char *text = all ? json_dumps(all, 0) : NULL;
    luron_status status = text ? LURON_OK : luron__nomem(ctx, 0);
    if (text && strlen(text) > LURON__MAX_JSON)
        status = luron__fail(ctx, LURON_E_UNSUPPORTED,
                             "architecture: at most %d MiB of JSON can be read again, the model makes %zu bytes",
                             LURON__MAX_JSON >> 20, strlen(text));
    if (status == LURON_OK) status = luron__strdup(out, ctx, text);
    free(text);
    json_decref(all);
    json_decref(layers);
    json_decref(inputs);
    json_decref(nodes);
    json_decref(outputs);
    json_decref(shared);
    return status;
}
