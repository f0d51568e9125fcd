/* model.c -- the graph: building and running it. Nothing of a run hangs on the model, so that several threads, each with a
 * context of its own, may run one model in eval mode. */
#include "graph.h"
#include "hooks.h"

#include <stdio.h>
#include <string.h>

/* ---- tables: paths and layers ---------------------------------------------------------------------------------- */
static uint64_t hash_text(const char *s) {
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (; *s; s++) h = (h ^ (unsigned char)*s) * 1099511628211u;
    return h;
}

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

static void put(luron__table *t, uint64_t hash, int32_t index) {
    uint64_t mask = (uint64_t)t->cap - 1, i = hash & mask;
    while (t->at[i]) i = (i + 1) & mask;
    t->at[i] = index + 1;
}

/* Both tables anew from the first n layers. */
static void refill(luron_model *m, int64_t n) {
    if (m->by_path.at) memset(m->by_path.at, 0, (size_t)m->by_path.cap * sizeof(int32_t));
    if (m->by_layer.at) memset(m->by_layer.at, 0, (size_t)m->by_layer.cap * sizeof(int32_t));
    for (int64_t i = 0; i < n; i++) {
        put(&m->by_path, hash_text(m->layers[i].path), (int32_t)i);
        put(&m->by_layer, hash_pointer(m->layers[i].layer), (int32_t)i);
    }
}

static luron_status reserve_tables(luron_model *m, luron_ctx *ctx) {
    int64_t cap = m->by_path.cap ? m->by_path.cap : 32;
    while (cap < 2 * (m->n_layers + 1)) cap *= 2;
    if (cap == m->by_path.cap) return LURON_OK;
    int32_t *a, *b;
    size_t bytes = (size_t)cap * sizeof *a;
    LURON_TRY(luron__alloc(&a, ctx, bytes));
    luron_status status = luron__alloc(&b, ctx, bytes);
    if (status != LURON_OK) {
        luron__free(ctx, a, bytes);
        return status;
    }
    luron__pool_free(m->pool, m->by_path.at, (size_t)m->by_path.cap * sizeof *a);
    luron__pool_free(m->pool, m->by_layer.at, (size_t)m->by_layer.cap * sizeof *a);
    m->by_path = (luron__table){ a, cap };
    m->by_layer = (luron__table){ b, cap };
    refill(m, m->n_layers);
    return LURON_OK;
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

/* Drop nodes and layers from the given numbers on. */
static void truncate_to(luron_model *m, int64_t n_nodes, int64_t n_layers, luron_value last) {
    while (m->n_nodes > n_nodes) {
        luron__model_node *node = &m->nodes[--m->n_nodes];
        for (int32_t i = 0; i < node->n_in; i++)
            if (node->ins[i].node >= 0) m->uses[m->nodes[node->ins[i].node].first + node->ins[i].out]--;
        luron__pool_free(m->pool, node->ins, (size_t)node->n_in * sizeof *node->ins);
        luron__strfree(m->pool, node->name);
        m->n_values = node->first;
    }
    if (m->n_layers > n_layers) refill(m, n_layers);
    while (m->n_layers > n_layers) {
        m->n_layers--;
        luron_layer_unref(m->layers[m->n_layers].layer);
        luron__strfree(m->pool, m->layers[m->n_layers].path);
    }
    m->last = last;
}

void luron_model_unref(luron_model *m) {
    if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1) return;
    luron__pool *pool = m->pool;
    luron__hooks_unref(m->hooks);
    truncate_to(m, 0, 0, m->last);
    luron__pool_free(pool, m->nodes, (size_t)m->cap_nodes * sizeof *m->nodes);
    luron__pool_free(pool, m->uses, (size_t)m->cap_values * sizeof *m->uses);
    luron__pool_free(pool, m->layers, (size_t)m->cap_layers * sizeof *m->layers);
    luron__pool_free(pool, m->by_path.at, (size_t)m->by_path.cap * sizeof(int32_t));
    luron__pool_free(pool, m->by_layer.at, (size_t)m->by_layer.cap * sizeof(int32_t));
    luron__pool_free(pool, m->counts, (size_t)m->cap_counts * sizeof *m->counts);
    luron__pool_free(pool, m->outputs, (size_t)m->n_outputs * sizeof *m->outputs);
    luron__pool_free(pool, m, sizeof *m);
}

/* ---- names ----------------------------------------------------------------------------------------------------- */
luron_status luron__check_path(luron_ctx *ctx, const char *what, const char *path) {
    size_t n = strnlen(path, LURON__MAX_PATH + 1);
    LURON__CHECK(ctx, n > 0 && n <= LURON__MAX_PATH, LURON_E_ARGUMENT, "%s: name of 1 to %d bytes expected, got %s%zu",
                 what, LURON__MAX_PATH, n > LURON__MAX_PATH ? "more than " : "",
                 n > LURON__MAX_PATH ? n - 1 : n);
    LURON__CHECK(ctx, luron__is_utf8(path), LURON_E_ARGUMENT, "%s: name is not UTF-8", what);
    for (const char *p = path; *p; p++) {
        LURON__CHECK(ctx, (unsigned char)*p >= 32 && *p != 127 && *p != '/', LURON_E_ARGUMENT,
                     "%s: name '%.64s' has a '/' or a control character", what, path);
        LURON__CHECK(ctx, *p != '.' || (p > path && p[1] && p[1] != '.'), LURON_E_ARGUMENT,
                     "%s: name '%.64s' has an empty part between dots", what, path);
    }
    return LURON_OK;
}

/* "CrossEntropyLoss" -> "cross_entropy_loss". Where the function's name is the type's up to case and underscores, its
 * author has said where the words end: "ReLU" with "relu" -> "relu". */
static void snake(char to[80], const luron_type *type) {
    const char *name = luron_type_name(type), *f = luron_type_function(type), *p = name;
    for (const char *q = f; q && (*q || *p); q++) {
        if (*q == '_') continue;
        if ((*p | 32) != (*q | 32)) f = q = NULL;
        if (!q) break;
        p++;
    }
    if (f) {
        snprintf(to, 80, "%s", f);
        return;
    }
    size_t n = 0;
    for (p = name; *p && n < 76; p++) {
        bool upper = *p >= 'A' && *p <= 'Z', after_small = p > name && p[-1] >= 'a' && p[-1] <= 'z';
        bool before_small = p > name && p[-1] >= 'A' && p[-1] <= 'Z' && p[1] >= 'a' && p[1] <= 'z';
        if (upper && (after_small || before_small)) to[n++] = '_';
        to[n++] = upper ? (char)(*p | 32) : *p;
    }
    to[n] = 0;
}

static bool begins_with_part(const char *path, const char *part) {
    size_t n = strlen(part);
    return !strncmp(path, part, n) && (path[n] == 0 || path[n] == '.');
}

static bool is_taken(const luron_model *m, const luron_type *type, const char *name) {
    if (type) return find_path(m, name) >= 0;
    for (int64_t i = 0; i < m->n_layers; i++)
        if (begins_with_part(m->layers[i].path, name)) return true;
    return false;
}

/* The next free name by type and number ("linear1"), or for an included model (type NULL) "model1". */
static luron_status next_name(char to[96], luron_model *m, luron_ctx *ctx, const luron_type *type) {
    char word[80] = "model";
    int64_t i = 0;
    if (type) snake(word, type);
    while (i < m->n_counts && m->counts[i].type != type) i++;
    if (i == m->n_counts) {
        LURON_TRY(luron__grow(ctx, &m->counts, &m->cap_counts, i + 1, sizeof *m->counts));
        m->counts[m->n_counts++] = (luron__name_count){ type, 0 };
    }
    do snprintf(to, 96, "%s%d", word, ++m->counts[i].n);
    while (is_taken(m, type, to));
    return LURON_OK;
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
    luron__model_node node = { .layer = -1, .n_out = 1 };
    LURON_TRY(reserve_node(model, ctx, 1));
    LURON_TRY(luron__strdup(&node.name, ctx, name));
    add_node(model, node);
    model->n_inputs++;
    *out = model->last;
    return LURON_OK;
}

static luron_status check_value(luron_ctx *ctx, const luron_model *m, const char *what, int i, luron_value v) {
    if (v.node >= 0 && v.node < m->n_nodes && v.out >= 0 && v.out < m->nodes[v.node].n_out) return LURON_OK;
    return luron__fail(ctx, LURON_E_ARGUMENT,
                       "%s: %d is no value made before it: node %d, output %d; the model has %lld nodes", what,
                       i + ctx->index_base, v.node, v.out,
                       (long long)m->n_nodes);
}

static luron_status check_ins(luron_ctx *ctx, const luron_model *m, const char *path, const luron_layer *layer,
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
        LURON_TRY(check_value(ctx, m, what, i, ins[i]));
    }
    return LURON_OK;
}

static luron_status add_layer(luron_model *m, luron_ctx *ctx, const char *path, luron_layer *layer) {
    char *copy;
    LURON_TRY(luron__check_path(ctx, "layer", path));
    LURON__CHECK(ctx, find_path(m, path) < 0, LURON_E_ARGUMENT, "model: there is another layer '%.64s' already", path);
    LURON_TRY(luron__grow(ctx, &m->layers, &m->cap_layers, m->n_layers + 1, sizeof *m->layers));
    LURON_TRY(reserve_tables(m, ctx));
    LURON_TRY(luron__strdup(&copy, ctx, path));
    luron_status status = luron_layer_set_name(ctx, layer, path);
    if (status != LURON_OK) {
        luron__strfree(m->pool, copy);
        return status;
    }
    m->layers[m->n_layers] = (luron__model_layer){ luron_layer_ref(layer), copy };
    put(&m->by_path, hash_text(path), (int32_t)m->n_layers);
    put(&m->by_layer, hash_pointer(layer), (int32_t)m->n_layers);
    m->n_layers++;
    return LURON_OK;
}

luron_status luron_model_add(luron_value *out, luron_ctx *ctx, luron_model *model, const char *name, luron_layer *layer,
                             int n_in, const luron_value *ins) {
    char word[96];
    LURON__CHECK(ctx, layer, LURON_E_ARGUMENT, "model: a layer expected, got NULL");
    int32_t known = find_layer(model, layer);
    if (known < 0 && !name) {
        LURON_TRY(next_name(word, model, ctx, layer->code->type));
        name = word;
    }
    LURON_TRY(check_ins(ctx, model, known >= 0 ? model->layers[known].path : name, layer, n_in, ins));
    luron__model_node node = { .layer = known, .n_in = n_in, .n_out = luron_layer_n_outs(layer) };
    LURON_TRY(reserve_node(model, ctx, node.n_out));
    if (n_in) LURON_TRY(luron__alloc(&node.ins, ctx, (size_t)n_in * sizeof *ins));
    luron_status status = known < 0 ? add_layer(model, ctx, name, layer) : LURON_OK;
    if (status != LURON_OK) {
        luron__free(ctx, node.ins, (size_t)n_in * sizeof *ins);
        return status;
    }
    if (known < 0) node.layer = (int32_t)model->n_layers - 1;
    if (n_in) memcpy(node.ins, ins, (size_t)n_in * sizeof *ins);
    add_node(model, node);
    *out = model->last;
    return LURON_OK;
}

/* The value of the whole that stands for value v of the part; map: the whole's node for each node of the part. */
static luron_value mapped(const luron_model *part, const int32_t *map, const luron_value *ins, luron_value v) {
    if (v.node < 0) return v;
    if (v.node < part->n_inputs) return ins[v.node];
    return (luron_value){ map[v.node], v.out };
}

static luron_status include_nodes(luron_ctx *ctx, luron_model *m, const char *name, const luron_model *part,
                                  const luron_value *ins, int32_t *map, luron_value *values) {
    for (int64_t i = part->n_inputs; i < part->n_nodes; i++) {
        const luron__model_node *node = &part->nodes[i];
        const luron__model_layer *l = &part->layers[node->layer];
        char path[2 * LURON__MAX_PATH + 2];
        luron_value v;
        snprintf(path, sizeof path, "%s.%s", name, l->path);
        for (int32_t k = 0; k < node->n_in; k++) values[k] = mapped(part, map, ins, node->ins[k]);
        LURON_TRY(luron_model_add(&v, ctx, m, path, l->layer, node->n_in, values));
        map[i] = v.node;
    }
    return LURON_OK;
}

luron_status luron_model_include(luron_value *outs, luron_ctx *ctx, luron_model *model, const char *name,
                                 luron_model *part, int n_in, const luron_value *ins) {
    char word[96];
    LURON__CHECK(ctx, part && part != model, LURON_E_ARGUMENT, "model: another model to include expected");
    LURON__CHECK(ctx, n_in == part->n_inputs, LURON_E_ARGUMENT, "model: the included model has %lld input%s, got %d",
                 (long long)part->n_inputs, part->n_inputs == 1 ? "" : "s", n_in);
    int n_outs = luron_model_n_outputs(part);
    LURON__CHECK(ctx, n_outs, LURON_E_STATE, "model: the included model is empty");
    for (int i = 0; i < n_in; i++)
        if (ins[i].node != -1) LURON_TRY(check_value(ctx, model, "included model: input", i, ins[i]));
    if (!name) LURON_TRY(next_name(word, model, ctx, NULL));
    if (!name) name = word;
    LURON_TRY(luron__check_path(ctx, "included model", name));
    size_t map_bytes = (size_t)part->n_nodes * sizeof(int32_t),
        value_bytes = (size_t)(part->max_in + 1) * sizeof(luron_value);
    int32_t *map;
    luron_value *values = NULL, last = model->last;
    int64_t n_nodes = model->n_nodes, n_layers = model->n_layers;
    LURON_TRY(luron__alloc(&map, ctx, map_bytes));
    luron_status status = luron__alloc(&values, ctx, value_bytes);
    if (status == LURON_OK) status = include_nodes(ctx, model, name, part, ins, map, values);
    for (int i = 0; i < n_outs && status == LURON_OK; i++)
        if (mapped(part, map, ins, luron__model_output(part, i)).node < 0)
            status = luron__fail(ctx, LURON_E_ARGUMENT, "included model: output %d is an absent input",
                                 i + ctx->index_base);
    if (status != LURON_OK) truncate_to(model, n_nodes, n_layers, last);
    for (int i = 0; i < n_outs && status == LURON_OK; i++)
        outs[i] = mapped(part, map, ins, luron__model_output(part, i));
    if (status == LURON_OK) model->last = outs[0];
    luron__free(ctx, values, value_bytes);
    luron__free(ctx, map, map_bytes);
    return status;
}

luron_status luron_model_set_outputs(luron_ctx *ctx, luron_model *model, int n, const luron_value *outs) {
    LURON__CHECK(ctx, n > 0 && n <= LURON__MAX_NODES, LURON_E_ARGUMENT, "model: at least one output expected");
    for (int i = 0; i < n; i++) LURON_TRY(check_value(ctx, model, "output", i, outs[i]));
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
luron_layer *luron_model_find(const luron_model *model, const char *path) {
    int32_t i = path ? find_path(model, path) : -1;
    return i < 0 ? NULL : model->layers[i].layer;
}

/* ---- running --------------------------------------------------------------------------------------------------- */
typedef struct run {
    luron_tensor **values, **ins, **outs; /* all values; those of one node */
    int32_t *left;                        /* how often a value is still wanted */
    size_t bytes;
} run;

static luron_status run_open(run *r, luron_ctx *ctx, const luron_model *m) {
    size_t n = (size_t)m->n_values, pointers = n + (size_t)m->max_in + (size_t)m->max_out;
    r->bytes = pointers * sizeof(luron_tensor *) + n * sizeof(int32_t);
    LURON_TRY(luron__alloc(&r->values, ctx, r->bytes));
    r->ins = r->values + n;
    r->outs = r->ins + m->max_in;
    r->left = (int32_t *)(void *)(r->values + pointers);
    memcpy(r->left, m->uses, n * sizeof *r->left);
    for (int i = 0; i < luron_model_n_outputs(m); i++) {
        luron_value v = luron__model_output(m, i);
        r->left[m->nodes[v.node].first + v.out]++;
    }
    return LURON_OK;
}

static void drop(luron_tensor **slot) {
    luron_tensor_unref(*slot);
    *slot = NULL;
}

static luron_status run_node(run *r, luron_ctx *ctx, const luron_model *m, const luron__model_node *node) {
    for (int32_t i = 0; i < node->n_in; i++)
        r->ins[i] = node->ins[i].node < 0 ? NULL : r->values[m->nodes[node->ins[i].node].first + node->ins[i].out];
    LURON_TRY(luron_layer_apply(r->outs, ctx, m->layers[node->layer].layer, node->n_in, r->ins));
    for (int32_t i = 0; i < node->n_out; i++) {
        r->values[node->first + i] = r->outs[i];
        if (!r->left[node->first + i]) drop(&r->values[node->first + i]);
    }
    for (int32_t i = 0; i < node->n_in; i++) {
        if (node->ins[i].node < 0) continue;
        int32_t v = m->nodes[node->ins[i].node].first + node->ins[i].out;
        if (--r->left[v] == 0) drop(&r->values[v]);
    }
    return LURON_OK;
}

luron_status luron__model_run(luron_tensor **outs, luron_ctx *ctx, luron_model *model, int n_in,
                              luron_tensor *const *ins) {
    int n_outs = luron_model_n_outputs(model);
    run r;
    uint64_t position = ctx->position;
    LURON_TRY(run_open(&r, ctx, model));
    for (int i = 0; i < n_in; i++) r.values[i] = luron_tensor_ref(ins[i]);
    luron_status status = LURON_OK;
    for (int64_t i = model->n_inputs; i < model->n_nodes && status == LURON_OK; i++)
        status = run_node(&r, ctx, model, &model->nodes[i]);
    for (int i = 0; i < n_outs && status == LURON_OK; i++) {
        luron_value v = luron__model_output(model, i);
        if (!r.values[model->nodes[v.node].first + v.out])
            status = luron__fail(ctx, LURON_E_ARGUMENT, "model: output %d is input '%s', which is absent",
                                 i + ctx->index_base, luron_model_input_name(model, v.node));
    }
    for (int i = 0; i < n_outs && status == LURON_OK; i++) {
        luron_value v = luron__model_output(model, i);
        outs[i] = luron_tensor_ref(r.values[model->nodes[v.node].first + v.out]);
    }
    for (int64_t i = 0; i < model->n_values; i++) luron_tensor_unref(r.values[i]);
    luron__free(ctx, r.values, r.bytes);
    if (status) ctx->position = position; /* as if it had not been tried */
    return status;
}

luron_status luron_model_run(luron_tensor **outs, luron_ctx *ctx, luron_model *model, int n_in,
                             luron_tensor *const *ins) {
    int n_outs = luron_model_n_outputs(model);
    LURON__CHECK(ctx, n_outs, LURON_E_STATE, "model: it is empty");
    LURON__CHECK(ctx, n_in == model->n_inputs, LURON_E_ARGUMENT, "model: %lld input%s expected, got %d",
                 (long long)model->n_inputs, model->n_inputs == 1 ? "" : "s", n_in);
    if (model->hooks) return luron__apply_hooked(outs, ctx, (luron__owner){.model = model}, n_in, ins, n_outs);
    luron_model_ref(model); /* a hook of a layer may let go of what its caller holds */
    luron_status status = luron__model_run(outs, ctx, model, n_in, ins);
    luron_model_unref(model);
    return status;
}

void luron_text_free(luron_ctx *ctx, char *text) { luron__strfree(ctx->pool, text); }
