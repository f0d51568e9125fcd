/* model.c -- the graph: its layers, tensors and nodes. */
#include "graph.h"
#include "hooks.h"

#include <stdio.h>
#include <string.h>

/* ---- tables: paths and layers ---------------------------------------------------------------------------------- */
static uint64_t hash_text(const char *s) { return luron__hash(LURON__HASH_BEGIN, s, strlen(s)); }

static uint64_t hash_pointer(const void *p) { return ((uint64_t)(uintptr_t)p >> 4) * 0x9e3779b97f4a7c15u >> 20; }

static int32_t find_path(const luron_model *m, const char *path) {
    uint64_t mask = (uint64_t)m->by_path.cap - 1;
    for (uint64_t i = hash_text(path) & mask; m->by_path.cap && m->by_path.at[i]; i = (i + 1) & mask)
        if (!strcmp(m->layers[m->by_path.at[i] - 1].path, path)) return m->by_path.at[i] - 1;
    return -1;
}

static int32_t find_layer(const luron_model *m, const luron_layer *layer) {
    uint64_t mask = (uint64_t)m->by_layer.cap - 1;
    for (uint64_t i = hash_pointer(layer) & mask; m->by_layer.cap && m->by_layer.at[i]; i = (i + 1) & mask)
        if (m->layers[m->by_layer.at[i] - 1].layer == layer) return m->by_layer.at[i] - 1;
    return -1;
}

int32_t luron__model_tensor_index(const luron_model *m, const char *path) {
    uint64_t mask = (uint64_t)m->by_tensor.cap - 1;
    for (uint64_t i = hash_text(path) & mask; m->by_tensor.cap && m->by_tensor.at[i]; i = (i + 1) & mask)
        if (!strcmp(m->tensors[m->by_tensor.at[i] - 1].path, path)) return m->by_tensor.at[i] - 1;
    return -1;
}

static void put(luron__table *t, uint64_t hash, int32_t index) {
    uint64_t mask = (uint64_t)t->cap - 1, i = hash & mask;
    while (t->at[i]) i = (i + 1) & mask;
    t->at[i] = index + 1;
}

/* All tables anew from the first layers and tensors. */
static void refill(luron_model *m, int64_t n_layers, int64_t n_tensors) {
    luron__table *const all[] = { &m->by_path, &m->by_layer, &m->by_tensor };
    for (int i = 0; i < 3; i++)
        if (all[i]->at) memset(all[i]->at, 0, (size_t)all[i]->cap * sizeof(int32_t));
    for (int64_t i = 0; i < n_layers; i++) {
        put(&m->by_path, hash_text(m->layers[i].path), (int32_t)i);
        put(&m->by_layer, hash_pointer(m->layers[i].layer), (int32_t)i);
    }
    for (int64_t i = 0; i < n_tensors; i++) put(&m->by_tensor, hash_text(m->tensors[i].path), (int32_t)i);
}

/* Room for n items, half of it empty. */
static luron_status reserve_table(luron_model *m, luron_ctx *ctx, luron__table *t, int64_t n) {
    int64_t cap = t->cap ? t->cap : 32;
    while (cap < 2 * n) cap *= 2;
    if (cap == t->cap) return LURON_OK;
    luron__table wider = { NULL, cap };
    LURON_TRY(luron__alloc(&wider.at, ctx, (size_t)cap * sizeof(int32_t)));
    luron__pool_free(m->pool, t->at, (size_t)t->cap * sizeof(int32_t));
    *t = wider;
    refill(m, m->n_layers, m->n_tensors);
    return LURON_OK;
}

static luron_status reserve_layer(luron_model *m, luron_ctx *ctx) {
    LURON_TRY(luron__grow(ctx, &m->layers, &m->cap_layers, m->n_layers + 1, sizeof *m->layers));
    LURON_TRY(reserve_table(m, ctx, &m->by_path, m->n_layers + 1));
    return reserve_table(m, ctx, &m->by_layer, m->n_layers + 1);
}

int32_t luron__model_layer_index(const luron_model *model, const char *path) { return find_path(model, path); }

/* ---- life ------------------------------------------------------------------------------------------------------ */
luron_status luron_model_new(luron_model **out, luron_ctx *ctx) {
    luron_model *m;
    LURON_TRY(luron__alloc(&m, ctx, sizeof *m));
    atomic_init(&m->refs, 1);
    m->pool = ctx->pool;
    m->training = true;
    m->last.node = -1;
    *out = m;
    return LURON_OK;
}

luron_model *luron_model_ref(luron_model *model) {
    if (model) atomic_fetch_add_explicit(&model->refs, 1, memory_order_relaxed);
    return model;
}

luron__model_mark luron__model_mark_of(const luron_model *m) {
    return (luron__model_mark){ m->n_nodes, m->n_layers, m->n_tensors, m->last };
}

static void free_node(luron_model *m, luron__model_node *node) {
    luron__pool_free(m->pool, node->ins, (size_t)node->n_in * sizeof *node->ins);
    if (node->op) luron__pool_free(m->pool, node->op, sizeof *node->op);
    luron_tensor_unref(node->number);
    luron__strfree(m->pool, node->name);
}

void luron__model_truncate(luron_model *m, luron__model_mark to) {
    while (m->n_nodes > to.n_nodes) {
        luron__model_node *node = &m->nodes[--m->n_nodes];
        for (int32_t i = 0; i < node->n_in; i++)
            if (node->ins[i].node >= 0) m->uses[m->nodes[node->ins[i].node].first + node->ins[i].out]--;
        m->n_values = node->first;
        free_node(m, node);
    }
    if (m->n_layers > to.n_layers || m->n_tensors > to.n_tensors) refill(m, to.n_layers, to.n_tensors);
    while (m->n_layers > to.n_layers) {
        m->n_layers--;
        luron_layer_unref(m->layers[m->n_layers].layer);
        luron__strfree(m->pool, m->layers[m->n_layers].path);
    }
    while (m->n_tensors > to.n_tensors) {
        m->n_tensors--;
        luron_tensor_unref(m->tensors[m->n_tensors].tensor);
        luron__strfree(m->pool, m->tensors[m->n_tensors].path);
    }
    m->last = to.last;
}

void luron_model_unref(luron_model *m) {
    if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1) return;
    luron__pool *pool = m->pool;
    luron__hooks_unref(m->hooks);
    luron__model_truncate(m, (luron__model_mark){ 0 });
    luron__pool_free(pool, m->nodes, (size_t)m->cap_nodes * sizeof *m->nodes);
    luron__pool_free(pool, m->uses, (size_t)m->cap_values * sizeof *m->uses);
    luron__pool_free(pool, m->layers, (size_t)m->cap_layers * sizeof *m->layers);
    luron__pool_free(pool, m->tensors, (size_t)m->cap_tensors * sizeof *m->tensors);
    luron__pool_free(pool, m->by_path.at, (size_t)m->by_path.cap * sizeof(int32_t));
    luron__pool_free(pool, m->by_layer.at, (size_t)m->by_layer.cap * sizeof(int32_t));
    luron__pool_free(pool, m->by_tensor.at, (size_t)m->by_tensor.cap * sizeof(int32_t));
    luron__pool_free(pool, m->counts, (size_t)m->cap_counts * sizeof *m->counts);
    luron__pool_free(pool, m->outputs, (size_t)m->n_outputs * sizeof *m->outputs);
    luron__pool_free(pool, m, sizeof *m);
}

/* ---- building -------------------------------------------------------------------------------------------------- */
static luron_status reserve_node(luron_model *m, luron_ctx *ctx, int n_out) {
    LURON__CHECK(ctx, m->n_nodes < LURON__MAX_NODES, LURON_E_ARGUMENT, "model: at most %d nodes", LURON__MAX_NODES);
    LURON_TRY(luron__grow(ctx, &m->nodes, &m->cap_nodes, m->n_nodes + 1, sizeof *m->nodes));
    return luron__grow(ctx, &m->uses, &m->cap_values, m->n_values + n_out, sizeof *m->uses);
}

static void add_node(luron_model *m, luron__model_node node) {
    node.first = (int32_t)m->n_values;
    for (int32_t i = 0; i < node.n_out; i++) m->uses[m->n_values++] = 0;
    for (int32_t i = 0; i < node.n_in; i++)
        if (node.ins[i].node >= 0) m->uses[m->nodes[node.ins[i].node].first + node.ins[i].out]++;
    if (node.n_in > m->max_in) m->max_in = node.n_in;
    if (node.n_out > m->max_out) m->max_out = node.n_out;
    m->last = (luron_value){ (int32_t)m->n_nodes, 0 };
    m->nodes[m->n_nodes++] = node;
}

luron_status luron__model_add_node(luron_value *out, luron_ctx *ctx, luron_model *model, const luron__model_node *like,
                                   const luron_value *ins) {
    luron__model_node node = *like;
    size_t bytes = (size_t)node.n_in * sizeof *ins;
    node.ins = NULL, node.op = NULL;
    LURON_TRY(reserve_node(model, ctx, node.n_out));
    if (node.n_in) LURON_TRY(luron__alloc(&node.ins, ctx, bytes));
    luron_status status = like->op ? luron__alloc(&node.op, ctx, sizeof *node.op) : LURON_OK;
    if (status != LURON_OK) {
        luron__free(ctx, node.ins, bytes);
        return status;
    }
    if (node.n_in) memcpy(node.ins, ins, bytes);
    if (like->op) *node.op = *like->op;
    luron_tensor_ref(node.number);
    add_node(model, node);
    *out = model->last;
    return LURON_OK;
}

luron_status luron_model_input(luron_value *out, luron_ctx *ctx, luron_model *model, const char *name) {
    char word[32] = "input";
    LURON__CHECK(ctx, model->n_nodes == model->n_inputs, LURON_E_STATE, "model: inputs come before the first layer");
    LURON__CHECK(ctx, model->n_inputs < LURON__MAX_MODEL_INPUTS, LURON_E_ARGUMENT, "model: at most %d inputs",
                 LURON__MAX_MODEL_INPUTS);
    if (!name && model->n_inputs) snprintf(word, sizeof word, "input%d", (int)model->n_inputs + 1);
    if (!name) name = word;
    LURON_TRY(luron__check_path(ctx, "input", name));
    for (int64_t i = 0; i < model->n_inputs; i++)
        LURON__CHECK(ctx, strcmp(model->nodes[i].name, name), LURON_E_ARGUMENT,
                     "model: there is an input '%.64s' already", name);
    luron__model_node node = { .kind = LURON__NODE_INPUT, .layer = -1, .n_out = 1 };
    LURON_TRY(reserve_node(model, ctx, 1));
    LURON_TRY(luron__strdup(&node.name, ctx, name));
    add_node(model, node);
    model->n_inputs++;
    *out = model->last;
    return LURON_OK;
}

luron_status luron__check_value(luron_ctx *ctx, const luron_model *m, const char *what, int i, luron_value v) {
    if (v.node >= 0 && v.node < m->n_nodes && v.out >= 0 && v.out < m->nodes[v.node].n_out) return LURON_OK;
    return luron__fail(ctx, LURON_E_ARGUMENT,
                       "%s: %d is no value made before it: node %d, output %d; the model has %lld nodes", what,
                       i + ctx->index_base, v.node, v.out,
                       (long long)m->n_nodes);
}

luron_status luron__model_check_ins(luron_ctx *ctx, const luron_model *m, const char *path, const luron_layer *layer,
                                    int n_in, const luron_value *ins) {
    const luron_type *t = layer->code->type;
    char what[200];
    int least = 0;
    bool variadic = t->n_in && t->in[t->n_in - 1].flags & LURON_PORT_VARIADIC;
    for (int i = 0; i < t->n_in; i++)
        if (!(t->in[i].flags & LURON_PORT_OPTIONAL)) least = i + 1;
    snprintf(what, sizeof what, "layer '%.80s' = %s", path, luron_type_name(t));
    LURON__CHECK(ctx, n_in >= least && (variadic || n_in <= t->n_in), LURON_E_ARGUMENT,
                 "%s: %s%d input%s expected, got %d", what,
                 variadic || least < t->n_in ? "at least " : "", least, least == 1 ? "" : "s", n_in);
    snprintf(what, sizeof what, "layer '%.80s' = %s: input", path, luron_type_name(t));
    for (int i = 0; i < n_in; i++) {
        const luron_port *p = &t->in[i < t->n_in ? i : t->n_in - 1];
        if (ins[i].node == -1 && p->flags & LURON_PORT_OPTIONAL) continue;
        LURON__CHECK(ctx, ins[i].node != -1, LURON_E_ARGUMENT, "%s %d ('%s') cannot be absent", what,
                     i + ctx->index_base, p->name);
        LURON_TRY(luron__check_value(ctx, m, what, i, ins[i]));
    }
    return LURON_OK;
}

static luron_status add_layer(luron_model *m, luron_ctx *ctx, const char *path, luron_layer *layer, char **was) {
    char *copy, *name;
    LURON_TRY(luron__check_path(ctx, "layer", path));
    LURON__CHECK(ctx, find_path(m, path) < 0, LURON_E_ARGUMENT, "model: there is another layer '%.64s' already", path);
    LURON__CHECK(ctx, luron__model_tensor_index(m, path) < 0, LURON_E_ARGUMENT,
                 "model: there is a tensor '%.64s' already", path);
    LURON_TRY(reserve_layer(m, ctx));
    LURON_TRY(luron__strdup(&copy, ctx, path));
    luron_status status = luron__strdup(&name, ctx, path);
    if (status != LURON_OK) {
        luron__strfree(m->pool, copy);
        return status;
    }
    *was = layer->name;
    layer->name = name;
    m->layers[m->n_layers] = (luron__model_layer){ luron_layer_ref(layer), copy };
    put(&m->by_path, hash_text(path), (int32_t)m->n_layers);
    put(&m->by_layer, hash_pointer(layer), (int32_t)m->n_layers);
    m->n_layers++;
    return LURON_OK;
}

luron_status luron__model_put_layer_undo(int32_t *index, luron__renamed *undo, luron_ctx *ctx, luron_model *model,
                                         const char *path, luron_layer *layer) {
    *index = find_layer(model, layer);
    if (*index >= 0) return LURON_OK;
    char word[96], *was = NULL;
    if (!path) LURON_TRY(luron__model_next_name(word, model, ctx, layer->code->type));
    luron_status status = add_layer(model, ctx, path ? path : word, layer, &was);
    if (status && !path) luron__model_unname(model, layer->code->type);
    if (status) return status;
    *index = (int32_t)model->n_layers - 1;
    *undo = (luron__renamed){ layer, was };
    return LURON_OK;
}

void luron__renamed_end(luron__renamed *undo, bool back) {
    if (!undo->layer) return;
    luron__strfree(undo->layer->pool, back ? undo->layer->name : undo->was);
    if (back) undo->layer->name = undo->was;
    undo->layer = NULL;
}

luron_status luron__model_put_layer(int32_t *index, luron_ctx *ctx, luron_model *model, const char *path,
                                    luron_layer *layer) {
    luron__renamed undo = { 0 };
    LURON_TRY(luron__model_put_layer_undo(index, &undo, ctx, model, path, layer));
    luron__renamed_end(&undo, false);
    return LURON_OK;
}

luron_status luron__model_put_tensor(int32_t *index, luron_ctx *ctx, luron_model *model,
                                     const luron__model_tensor *like) {
    luron__model_tensor t = *like;
    LURON__CHECK(ctx, model->n_tensors < LURON__MAX_NODES, LURON_E_ARGUMENT, "model: at most %d tensors",
                 LURON__MAX_NODES);
    LURON__CHECK(ctx, find_path(model, t.path) < 0, LURON_E_ARGUMENT, "model: there is a layer '%.64s' already",
                 t.path);
    LURON_TRY(luron__grow(ctx, &model->tensors, &model->cap_tensors, model->n_tensors + 1, sizeof *model->tensors));
    LURON_TRY(reserve_table(model, ctx, &model->by_tensor, model->n_tensors + 1));
    LURON_TRY(luron__strdup(&t.path, ctx, like->path));
    luron_tensor_ref(t.tensor);
    put(&model->by_tensor, hash_text(t.path), (int32_t)model->n_tensors);
    model->tensors[model->n_tensors] = t;
    *index = (int32_t)model->n_tensors++;
    return LURON_OK;
}

static luron_status add_named(luron_value *out, luron_ctx *ctx, luron_model *model, const char *name, int32_t known,
                              luron_layer *layer, int n_in, const luron_value *ins) {
    LURON_TRY(luron__model_check_ins(ctx, model, known >= 0 ? model->layers[known].path : name, layer, n_in, ins));
    luron__model_node node = {
        .kind = LURON__NODE_LAYER, .layer = known, .n_in = n_in, .n_out = luron_layer_n_outs(layer)
    };
    luron__renamed undo = { 0 };
    luron__model_mark before = luron__model_mark_of(model);
    if (known < 0) LURON_TRY(luron__model_put_layer_undo(&node.layer, &undo, ctx, model, name, layer));
    luron_status status = luron__model_add_node(out, ctx, model, &node, ins);
    luron__renamed_end(&undo, status != LURON_OK);
    if (status != LURON_OK) luron__model_truncate(model, before);
    return status;
}

luron_status luron_model_add(luron_value *out, luron_ctx *ctx, luron_model *model, const char *name, luron_layer *layer,
                             int n_in, const luron_value *ins) {
    char word[96];
    LURON__CHECK(ctx, layer, LURON_E_ARGUMENT, "model: a layer expected, got NULL");
    const int32_t known = find_layer(model, layer);
    const bool given = known >= 0 || name;
    if (!given) LURON_TRY(luron__model_next_name(word, model, ctx, layer->code->type));
    luron_status status = add_named(out, ctx, model, given ? name : word, known, layer, n_in, ins);
    if (status && !given) luron__model_unname(model, layer->code->type);
    return status;
}

luron_status luron_model_set_outputs(luron_ctx *ctx, luron_model *model, int n, const luron_value *outs) {
    LURON__CHECK(ctx, n > 0 && n <= LURON__MAX_NODES, LURON_E_ARGUMENT, "model: at least one output expected");
    for (int i = 0; i < n; i++) LURON_TRY(luron__check_value(ctx, model, "output", i, outs[i]));
    luron_value *copy;
    LURON_TRY(luron__alloc(&copy, ctx, (size_t)n * sizeof *copy));
    memcpy(copy, outs, (size_t)n * sizeof *copy);
    luron__pool_free(model->pool, model->outputs, (size_t)model->n_outputs * sizeof *copy);
    model->outputs = copy;
    model->n_outputs = n;
    return LURON_OK;
}

/* ---- reading --------------------------------------------------------------------------------------------------- */
luron_value luron__model_output(const luron_model *model, int64_t i) {
    return model->n_outputs ? model->outputs[i] : model->last;
}
int luron_model_n_inputs(const luron_model *model) { return (int)model->n_inputs; }
const char *luron_model_input_name(const luron_model *model, int i) {
    return i >= 0 && i < model->n_inputs ? model->nodes[i].name : NULL;
}
int luron_model_n_outputs(const luron_model *model) {
    return model->n_outputs ? (int)model->n_outputs : model->last.node >= 0;
}
int luron_model_n_nodes(const luron_model *model) { return (int)model->n_nodes; }
int luron_model_n_layers(const luron_model *model) { return (int)model->n_layers; }
luron_layer *luron_model_layer(const luron_model *model, int i) {
    return i >= 0 && i < model->n_layers ? model->layers[i].layer : NULL;
}
const char *luron_model_layer_path(const luron_model *model, int i) {
    return i >= 0 && i < model->n_layers ? model->layers[i].path : NULL;
}
int luron_model_layer_uses(const luron_model *model, int i) {
    int n = 0;
    for (int64_t k = 0; k < model->n_nodes; k++) n += model->nodes[k].kind == LURON__NODE_LAYER && model->nodes[k].layer == i;
    return n;
}
luron_layer *luron_model_find(const luron_model *model, const char *path) {
    int32_t i = path ? find_path(model, path) : -1;
    return i < 0 ? NULL : model->layers[i].layer;
}

void luron_text_free(luron_ctx *ctx, char *text) { luron__strfree(ctx->pool, text); }
