/* model_json.c -- the architecture of a model as JSON; docs/file-format.md describes it. Text that is read may be hostile:
 * whatever is missing, unknown or does not fit is an error, and nothing is left behind. */
#include "graph.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_EDGES 4096 /* inputs of one node, outputs of a model */

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
        json_t *ins = values_to_json(m->nodes[i].ins, m->nodes[i].n_in);
        good = ins && push(list, json_pack("{ss so}", "layer", m->layers[m->nodes[i].layer].path, "inputs", ins));
    }
    if (!good) json_decref(list);
    return good ? list : NULL;
}

static json_t *param_name(const luron_model *m, const luron__param_ref *ref) {
    char name[LURON__MAX_PATH + 128];
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
    LURON_TRY(shared_json(&shared, ctx, model));
    json_t *layers = layers_to_json(model), *inputs = inputs_to_json(model), *nodes = nodes_to_json(model);
    json_t *outputs = values_to_json(model->n_outputs ? model->outputs : &last, luron_model_n_outputs(model));
    json_t *all = NULL;
    if (layers && inputs && nodes && outputs && shared)
        all = json_pack("{ss sO sO sO sO sO}", "name", "model", "layers", layers, "inputs", inputs, "nodes", nodes,
                        "outputs", outputs, "shared", shared);
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

/* ---- reading --------------------------------------------------------------------------------------------------- */
typedef struct reader {
    luron_ctx *ctx;
    luron_model *model;
    luron_layer **layers; /* in the order of "layers" */
    size_t n_layers;
    json_t *by_path; /* object: path -> index */
    const luron_checkpoint *file; /* that the parameters will come from; NULL: none */
    json_t *firsts;  /* object: name of a shared parameter -> the first of its names */
    const char *path; /* of the layer that is being made */
} reader;

/* Members `keys` (NULL-terminated) of an object, types[i] being 's' (string), 'i' (integer), 'a' (list) or 'o' (object). */
static luron_status members(json_t **out, const reader *r, json_t *object, const char *where, const char *const *keys,
                            const char *types) {
    for (int i = 0; keys[i]; i++) {
        json_t *v = json_object_get(object, keys[i]);
        static const char *const names[] = { "string", "integer", "list", "object" };
        const bool good[] = { json_is_string(v), json_is_integer(v), json_is_array(v), json_is_object(v) };
        int type = types[i] == 's' ? 0 : types[i] == 'i' ? 1 : types[i] == 'a' ? 2 : 3;
        LURON__CHECK(r->ctx, good[type], LURON_E_FORMAT, "architecture: %.80s: '%s': %s expected%s", where, keys[i],
                     names[type], v ? "" : ", it is missing");
        out[i] = v;
    }
    return LURON_OK;
}

/* Nothing but `keys` (NULL-terminated) may be there: what we do not know could change the meaning. */
static luron_status check_keys(const reader *r, json_t *object, const char *where, const char *const *keys) {
    const char *key;
    json_t *value;
    LURON__CHECK(r->ctx, json_is_object(object), LURON_E_FORMAT, "architecture: %.80s: object expected", where);
    json_object_foreach(object, key, value) {
        int i = 0;
        while (keys[i] && strcmp(keys[i], key)) i++;
        LURON__CHECK(r->ctx, keys[i], LURON_E_FORMAT, "architecture: %.80s: unknown member '%.64s'", where, key);
    }
    return LURON_OK;
}

static luron_status read_value(luron_value *out, const reader *r, const char *where, json_t *v) {
    json_t *node = json_array_get(v, 0), *k = json_array_get(v, 1);
    LURON__CHECK(r->ctx, json_array_size(v) == 2 && json_is_integer(node) && json_is_integer(k), LURON_E_FORMAT,
                 "architecture: %.80s: [node, output] expected", where);
    json_int_t a = json_integer_value(node), b = json_integer_value(k);
    LURON__CHECK(r->ctx, a >= -1 && a < INT32_MAX && b >= 0 && b < INT32_MAX, LURON_E_FORMAT,
                 "architecture: %.80s: there is no value [%lld, %lld]", where, (long long)a, (long long)b);
    *out = (luron_value){ (int32_t)a, (int32_t)b };
    return LURON_OK;
}

/* Values of a list; free with luron__free. */
static luron_status read_values(luron_value **out, size_t *n, const reader *r, const char *where, json_t *list) {
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

static luron_status check_version(const reader *r, const luron_type *type, const char *where, json_int_t saved) {
    json_int_t here = type->layer.data_version;
    if (saved == here) return LURON_OK;
    return luron__fail(r->ctx, saved > here ? LURON_E_VERSION : LURON_E_MISMATCH,
                       "architecture: %.80s = %s was saved with data version %lld, plugin '%s' %s here has %lld", where,
                       luron_type_name(type), (long long)saved, type->plugin, type->plugin_version, (long long)here);
}

/* The parameter of a layer made before this one, NULL: there is none. */
static luron_tensor *made_param(const reader *r, const char *name) {
    char path[LURON__MAX_PATH + 1];
    const char *slash = strrchr(name, '/');
    if (!slash || slash - name > LURON__MAX_PATH) return NULL;
    memcpy(path, name, (size_t)(slash - name));
    path[slash - name] = 0;
    json_t *index = json_object_get(r->by_path, path);
    const luron_layer *layer = index ? r->layers[json_integer_value(index)] : NULL;
    for (int i = 0; layer && i < luron_layer_n_params(layer); i++)
        if (strcmp(luron_layer_param_name(layer, i), slash + 1) == 0) return luron_layer_param(layer, i);
    return NULL;
}

/* Called before memory is taken for what a layer declares. A file is not believed about sizes: what it describes has to be
 * in it. A shared parameter is taken from the first layer that has it, so that it is there once.                        */
static luron_status declaring(luron_tensor **t, luron_ctx *ctx, bool is_state, const char *name, uint32_t dtype, int ndim,
                              const int64_t *shape) {
    const reader *r = ctx->declaring_for;
    char full[LURON__MAX_PATH + 80], path[LURON__MAX_PATH + 96], have[LURON__SHAPE_TEXT], want[LURON__SHAPE_TEXT];
    snprintf(full, sizeof full, "%s/%s", r->path, name);
    const char *first = is_state ? NULL : json_string_value(json_object_get(r->firsts, full));
    luron_tensor *same = first ? made_param(r, first) : NULL;
    if (same && same->dtype == dtype && same->ndim == ndim &&
        (ndim == 0 || memcmp(same->shape, shape, (size_t)ndim * sizeof *shape) == 0)) {
        *t = luron_tensor_ref(same);
        return LURON_OK;
    }
    size_t own = strlen(r->path);
    bool in_itself = first && strncmp(first, r->path, own) == 0 && first[own] == '/';
    LURON__CHECK(ctx, !r->file || !first || same || in_itself, LURON_E_FORMAT,
                 "architecture: shared: '%.100s' comes before '%.100s', the first name of its list", full, first);
    snprintf(path, sizeof path, "%s/%s", is_state ? "state" : "parameters", first ? first : full);
    luron_shape_text(want, sizeof want, ndim, shape);
    const luron_tensor *e = r->file ? luron_checkpoint_tensor(r->file, path) : NULL;
    LURON__CHECK(ctx, !r->file || e, LURON_E_MISMATCH, "%s is missing in the file, %s %s expected", path,
                 luron_dtype_name(dtype), want);
    LURON__CHECK(ctx, !e || (e->dtype == dtype && e->ndim == ndim &&
                             (ndim == 0 || memcmp(e->shape, shape, (size_t)ndim * sizeof *shape) == 0)),
                 LURON_E_MISMATCH, "%s has shape %s (%s) in the file, %s (%s) expected", path,
                 luron_shape_text(have, sizeof have, e->ndim, e->shape), luron_dtype_name(e->dtype),
                 want, luron_dtype_name(dtype));
    return LURON_OK;
}

static luron_status make_layer(luron_layer **out, const reader *r, const char *where, const char *type, uint32_t dtype,
                               json_t *options) {
    luron_ctx *ctx = r->ctx;
    luron_arg *args = NULL;
    luron_layer *layer;
    int n = 0;
    luron_status status = luron__args_from_json(&args, &n, ctx, options);
    uint32_t standard = ctx->default_dtype;
    ctx->default_dtype = dtype;
    ctx->declaring = declaring, ctx->declaring_for = r;
    if (status == LURON_OK) status = luron_layer_new(&layer, ctx, type, n, args);
    ctx->declaring = NULL, ctx->declaring_for = NULL;
    ctx->default_dtype = standard;
    luron__args_free(ctx, args, n);
    if (status != LURON_OK)
        return luron__wrap(ctx, status == LURON_E_ARGUMENT ? LURON_E_FORMAT : status, "architecture: %.80s", where);
    *out = layer;
    return LURON_OK;
}

static luron_status read_layer(luron_layer **out, const reader *r, const char *where, json_t *o) {
    static const char *const keys[] = { "path", "type", "plugin", "plugin_version", "data_version", "dtype", "options",
                                        NULL };
    enum { PATH, TYPE, PLUGIN, PLUGIN_VERSION, DATA_VERSION, DTYPE, OPTIONS, N_KEYS };
    json_t *v[N_KEYS];
    LURON_TRY(check_keys(r, o, where, keys));
    LURON_TRY(members(v, r, o, where, keys, "ssssiso"));
    uint32_t dtype = luron_dtype_find(json_string_value(v[DTYPE]));
    LURON__CHECK(r->ctx, dtype == LURON_F32 || dtype == LURON_F64, LURON_E_FORMAT,
                 "architecture: %.80s: dtype float32 or float64 expected, got '%.40s'", where,
                 json_string_value(v[DTYPE]));
    const luron_type *type;
    luron_status status = luron_type_find(&type, r->ctx, LURON_KIND_LAYER, json_string_value(v[TYPE]));
    if (status == LURON_E_NOT_FOUND || status == LURON_E_PLUGIN)
        return luron__wrap(r->ctx, status, "architecture: %.80s needs plugin '%.40s' %.20s", where,
                           json_string_value(v[PLUGIN]), json_string_value(v[PLUGIN_VERSION]));
    LURON_TRY(status);
    LURON_TRY(check_version(r, type, where, json_integer_value(v[DATA_VERSION])));
    return make_layer(out, r, where, json_string_value(v[TYPE]), dtype, v[OPTIONS]);
}

static luron_status read_layers(reader *r, json_t *list) {
    static const char *const keys[] = { "path", NULL };
    size_t n = json_array_size(list);
    LURON__CHECK(r->ctx, n <= LURON__MAX_NODES, LURON_E_FORMAT, "architecture: at most %d layers expected, got %zu",
                 LURON__MAX_NODES, n);
    r->by_path = json_object();
    LURON__CHECK(r->ctx, r->by_path, LURON_E_NOMEM, "architecture: not enough memory");
    if (n) LURON_TRY(luron__alloc(&r->layers, r->ctx, n * sizeof *r->layers));
    r->n_layers = n;
    for (size_t i = 0; i < n; i++) {
        char where[120];
        snprintf(where, sizeof where, "layer %zu", i);
        json_t *o = json_array_get(list, i), *path;
        LURON_TRY(members(&path, r, o, where, keys, "s"));
        luron_status status = luron__check_path(r->ctx, "architecture", json_string_value(path));
        if (status != LURON_OK) return luron__wrap(r->ctx, LURON_E_FORMAT, "%s", where);
        snprintf(where, sizeof where, "layer '%.80s'", json_string_value(path));
        LURON__CHECK(r->ctx, !json_object_get(r->by_path, json_string_value(path)), LURON_E_FORMAT,
                     "architecture: there are two of %s", where);
        r->path = json_string_value(path);
        LURON_TRY(read_layer(&r->layers[i], r, where, o));
        LURON__CHECK(r->ctx, !json_object_set_new(r->by_path, json_string_value(path), json_integer((json_int_t)i)),
                     LURON_E_NOMEM, "architecture: not enough memory");
    }
    return LURON_OK;
}

static luron_status read_node(reader *r, size_t i, json_t *o) {
    static const char *const keys[] = { "layer", "inputs", NULL };
    char where[40];
    snprintf(where, sizeof where, "node %lld", (long long)i + r->model->n_inputs);
    LURON_TRY(check_keys(r, o, where, keys));
    json_t *v[2];
    LURON_TRY(members(v, r, o, where, keys, "sa"));
    const char *path = json_string_value(v[0]);
    json_t *index = json_object_get(r->by_path, path);
    LURON__CHECK(r->ctx, index, LURON_E_FORMAT, "architecture: %s: there is no layer '%.80s'", where, path);
    luron_value *ins = NULL, out;
    size_t n = 0;
    LURON_TRY(read_values(&ins, &n, r, where, v[1]));
    luron_layer *layer = r->layers[json_integer_value(index)];
    luron_status status = luron_model_add(&out, r->ctx, r->model, path, layer, (int)n, ins);
    luron__free(r->ctx, ins, n * sizeof *ins);
    return status == LURON_E_ARGUMENT ? luron__wrap(r->ctx, LURON_E_FORMAT, "architecture: %s", where) : status;
}

static luron_status read_graph(reader *r, json_t *inputs, json_t *nodes, json_t *outputs) {
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
    for (size_t i = 0; i < json_array_size(nodes); i++) LURON_TRY(read_node(r, i, json_array_get(nodes, i)));
    LURON__CHECK(r->ctx, r->model->n_layers == (int64_t)r->n_layers, LURON_E_FORMAT,
                 "architecture: %lld of %zu layers stand at no node",
                 (long long)r->n_layers - (long long)r->model->n_layers,
                 r->n_layers);
    LURON_TRY(read_values(&outs, &n, r, "outputs", outputs));
    luron_status status = n ? luron_model_set_outputs(r->ctx, r->model, (int)n, outs) : LURON_OK;
    luron__free(r->ctx, outs, n * sizeof *outs);
    LURON__CHECK(r->ctx, n || !r->model->n_nodes, LURON_E_FORMAT, "architecture: outputs: at least one expected");
    return status == LURON_E_ARGUMENT ? luron__wrap(r->ctx, LURON_E_FORMAT, "architecture") : status;
}

/* "linear1/weight" -> layer and number of its parameter. */
static luron_status find_param(luron_layer **layer, int *param, const reader *r, json_t *name) {
    char path[LURON__MAX_PATH + 1];
    const char *s = json_string_value(name), *slash = s ? strrchr(s, '/') : NULL;
    *layer = NULL;
    if (slash && slash - s <= LURON__MAX_PATH) {
        memcpy(path, s, (size_t)(slash - s));
        path[slash - s] = 0;
        *layer = luron_model_find(r->model, path);
    }
    int n = *layer ? luron_layer_n_params(*layer) : 0;
    *param = 0;
    while (*param < n && strcmp(luron_layer_param_name(*layer, *param), slash + 1)) ++*param;
    LURON__CHECK(r->ctx, *param < n, LURON_E_FORMAT, "architecture: shared: there is no parameter '%.100s'",
                 s ? s : "?");
    return LURON_OK;
}

static luron_status read_shared(const reader *r, json_t *list) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *group = json_array_get(list, i);
        luron_layer *first, *layer;
        int first_param, param;
        LURON__CHECK(r->ctx, json_array_size(group) >= 2, LURON_E_FORMAT,
                     "architecture: shared: lists of two names or more expected");
        LURON_TRY(find_param(&first, &first_param, r, json_array_get(group, 0)));
        for (size_t k = 1; k < json_array_size(group); k++) {
            LURON_TRY(find_param(&layer, &param, r, json_array_get(group, k)));
            luron_status status = luron_layer_set_param(r->ctx, layer, param, luron_layer_param(first, first_param));
            if (status != LURON_OK) return luron__wrap(r->ctx, status, "architecture: shared");
        }
    }
    return LURON_OK;
}

/* The first name of each list for all others in it; what is no such list is reported by read_shared. */
static luron_status note_firsts(reader *r, json_t *shared) {
    r->firsts = json_object();
    LURON__CHECK(r->ctx, r->firsts, LURON_E_NOMEM, "architecture: not enough memory");
    for (size_t i = 0; i < json_array_size(shared); i++) {
        json_t *group = json_array_get(shared, i), *first = json_array_get(group, 0);
        for (size_t k = 1; json_is_string(first) && k < json_array_size(group); k++) {
            const char *name = json_string_value(json_array_get(group, k));
            LURON__CHECK(r->ctx, !name || !json_object_set(r->firsts, name, first), LURON_E_NOMEM,
                         "architecture: not enough memory");
        }
    }
    return LURON_OK;
}

static luron_status read_model(reader *r, json_t *json) {
    static const char *const keys[] = { "layers", "inputs", "nodes", "outputs", "name", "shared", NULL };
    static const char *const needed[] = { "layers", "inputs", "nodes", "outputs", NULL };
    json_t *v[4], *shared = json_object_get(json, "shared");
    LURON_TRY(check_keys(r, json, "the whole", keys));
    LURON_TRY(members(v, r, json, "the whole", needed, "aaaa"));
    LURON__CHECK(r->ctx, !shared || json_is_array(shared), LURON_E_FORMAT,
                 "architecture: the whole: 'shared': list expected");
    LURON_TRY(note_firsts(r, shared));
    LURON_TRY(read_layers(r, v[0]));
    LURON_TRY(read_graph(r, v[1], v[2], v[3]));
    return read_shared(r, shared);
}

luron_status luron__model_of_file(luron_model **out, luron_ctx *ctx, const char *json, const luron_checkpoint *c) {
    void *parsed;
    uint64_t position = ctx->position;
    reader r = { .ctx = ctx, .file = c };
    LURON_TRY(luron__json_parse(&parsed, ctx, "architecture", json));
    luron_status status = luron_model_new(&r.model, ctx);
    if (status == LURON_OK) status = read_model(&r, parsed);
    for (size_t i = 0; i < r.n_layers; i++) luron_layer_unref(r.layers[i]);
    luron__free(ctx, r.layers, r.n_layers * sizeof *r.layers);
    json_decref(r.by_path);
    json_decref(r.firsts);
    json_decref(parsed);
    if (status == LURON_OK) {
        *out = r.model;
    } else {
        ctx->position = position; /* as if it had not been tried */
        luron_model_unref(r.model);
    }
    return status;
}

luron_status luron_model_from_json(luron_model **out, luron_ctx *ctx, const char *json) {
    return luron__model_of_file(out, ctx, json, NULL);
}
