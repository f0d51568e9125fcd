/* model_read_json.c -- a model from its architecture as JSON. The text may be hostile: whatever is missing, unknown or does
 * not fit is an error, and nothing is left behind. */
#include "model_reader.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

luron_status luron__read_members(json_t **out, const luron__reader *r, json_t *object, const char *where, const char *const *keys,
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

luron_status luron__check_keys(const luron__reader *r, json_t *object, const char *where, const char *const *keys) {
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

static luron_status check_version(const luron__reader *r, const luron_type *type, const char *where, json_int_t saved) {
    json_int_t here = type->layer.data_version;
    if (saved == here) return LURON_OK;
    return luron__fail(r->ctx, saved > here ? LURON_E_VERSION : LURON_E_MISMATCH,
                       "architecture: %.80s = %s was saved with data version %lld, plugin '%s' %s here has %lld", where,
                       luron_type_name(type), (long long)saved, type->plugin, type->plugin_version, (long long)here);
}

static bool has_dims(const luron_tensor *t, uint32_t dtype, int ndim, const int64_t *shape) {
    return t->dtype == dtype && t->ndim == ndim &&
           (ndim == 0 || memcmp(t->shape, shape, (size_t)ndim * sizeof *shape) == 0);
}

/* The parameter of a layer made before this one, NULL: there is none. */
static luron_tensor *made_param(const luron__reader *r, const char *name) {
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

/* A file is not believed about sizes: a tensor that the architecture describes has to be in it, before memory is taken. */
static luron_status check_in_file(const luron__reader *r, bool is_state, const char *name, uint32_t dtype, int ndim,
                                  const int64_t *shape) {
    char path[2 * LURON__MAX_PATH + 96], have[LURON__SHAPE_TEXT], want[LURON__SHAPE_TEXT];
    if (!r->file) return LURON_OK;
    snprintf(path, sizeof path, "%s/%s", is_state ? "state" : "parameters", name);
    luron_shape_text(want, sizeof want, ndim, shape);
    const luron_tensor *e = luron_checkpoint_tensor(r->file, path);
    LURON__CHECK(r->ctx, e, LURON_E_MISMATCH, "%s is missing in the file, %s %s expected", path,
                 luron_dtype_name(dtype), want);
    LURON__CHECK(r->ctx, has_dims(e, dtype, ndim, shape), LURON_E_MISMATCH, "%s has shape %s (%s) in the file, %s (%s) expected", path,
                 luron_shape_text(have, sizeof have, e->ndim, e->shape), luron_dtype_name(e->dtype), want,
                 luron_dtype_name(dtype));
    return LURON_OK;
}

/* Called before memory is taken for what a layer declares. A shared parameter is taken from the first layer that has it, so
 * that it is there once. */
static luron_status declaring(luron_tensor **t, luron_ctx *ctx, bool is_state, const char *name, uint32_t dtype, int ndim,
                              const int64_t *shape) {
    const luron__reader *r = ctx->declaring_for;
    char full[LURON__MAX_PATH + 80];
    snprintf(full, sizeof full, "%s/%s", r->path, name);
    const char *first = is_state ? NULL : json_string_value(json_object_get(r->firsts, full));
    luron_tensor *same = first ? made_param(r, first) : NULL;
    if (same && has_dims(same, dtype, ndim, shape)) {
        *t = luron_tensor_ref(same);
        return LURON_OK;
    }
    size_t own = strlen(r->path);
    bool in_itself = first && strncmp(first, r->path, own) == 0 && first[own] == '/';
    LURON__CHECK(ctx, !r->file || !first || same || in_itself, LURON_E_FORMAT,
                 "architecture: shared: '%.100s' comes before '%.100s', the first name of its list", full, first);
    LURON_TRY(check_in_file(r, is_state, first ? first : full, dtype, ndim, shape));
    if (!r->file) return LURON_OK;
    ctx->position++; /* what follows draws as if there had been first values; the file's come instead */
    return luron__tensor_make(t, ctx, dtype, ndim, shape);
}

static luron_status make_layer(luron_layer **out, const luron__reader *r, const char *where, const char *type, uint32_t dtype,
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

static luron_status read_layer(luron_layer **out, const luron__reader *r, const char *where, json_t *o) {
    static const char *const keys[] = { "path", "type", "plugin", "plugin_version", "data_version", "dtype", "options",
                                        NULL };
    enum { PATH, TYPE, PLUGIN, PLUGIN_VERSION, DATA_VERSION, DTYPE, OPTIONS, N_KEYS };
    json_t *v[N_KEYS];
    LURON_TRY(luron__check_keys(r, o, where, keys));
    LURON_TRY(luron__read_members(v, r, o, where, keys, "ssssiso"));
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

static luron_status read_layers(luron__reader *r, json_t *list) {
    static const char *const keys[] = { "path", NULL };
    size_t n = json_array_size(list);
    LURON__CHECK(r->ctx, n <= LURON__MAX_NODES, LURON_E_FORMAT, "architecture: at most %d layers expected, got %zu",
                 LURON__MAX_NODES, n);
    r->by_path = json_object();
    LURON__CHECK(r->ctx, r->by_path, LURON_E_NOMEM, "architecture: not enough memory");
    if (n) LURON_TRY(luron__alloc(&r->layers, r->ctx, n * sizeof *r->layers));
    r->n_layers = n;
    if (n) LURON_TRY(luron__alloc(&r->stands, r->ctx, n));
    for (size_t i = 0; i < n; i++) {
        char where[120];
        snprintf(where, sizeof where, "layer %zu", i);
        json_t *o = json_array_get(list, i), *path;
        LURON_TRY(luron__read_members(&path, r, o, where, keys, "s"));
        luron_status status = luron__check_path(r->ctx, "architecture", json_string_value(path));
        if (status != LURON_OK) return luron__wrap(r->ctx, LURON_E_FORMAT, "%s", where);
        snprintf(where, sizeof where, "layer '%.80s'", json_string_value(path));
        LURON__CHECK(r->ctx, !json_object_get(r->by_path, json_string_value(path)), LURON_E_FORMAT,
                     "architecture: there are two of %s", where);
        r->path = json_string_value(path);
        LURON_TRY(read_layer(&r->layers[i], r, where, o));
        int32_t index;
        LURON_TRY(luron__model_put_layer(&index, r->ctx, r->model, r->path, r->layers[i]));
        LURON__CHECK(r->ctx, !json_object_set_new(r->by_path, json_string_value(path), json_integer((json_int_t)i)),
                     LURON_E_NOMEM, "architecture: not enough memory");
    }
    return LURON_OK;
}

/* "linear1/weight" -> layer and number of its parameter. */
static luron_status find_param(luron_layer **layer, int *param, const luron__reader *r, json_t *name) {
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

/* Is t a tensor of the model's own under this name? */
static bool is_own(const luron__reader *r, json_t *name, const luron_tensor *t) {
    const char *s = json_string_value(name);
    int32_t i = s ? luron__model_tensor_index(r->model, s) : -1;
    return i >= 0 && r->model->tensors[i].tensor == t;
}

static luron_status read_shared(const luron__reader *r, json_t *list) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *group = json_array_get(list, i);
        luron_layer *first, *layer;
        int first_param, param;
        LURON__CHECK(r->ctx, json_array_size(group) >= 2, LURON_E_FORMAT,
                     "architecture: shared: lists of two names or more expected");
        LURON_TRY(find_param(&first, &first_param, r, json_array_get(group, 0)));
        for (size_t k = 1; k < json_array_size(group); k++) {
            if (is_own(r, json_array_get(group, k), luron_layer_param(first, first_param))) continue;
            LURON_TRY(find_param(&layer, &param, r, json_array_get(group, k)));
            luron_status status = luron_layer_set_param(r->ctx, layer, param, luron_layer_param(first, first_param));
            if (status != LURON_OK) return luron__wrap(r->ctx, status, "architecture: shared");
        }
    }
    return LURON_OK;
}

/* The first name of each list for all others in it; what is no such list is reported by read_shared. */
static luron_status note_firsts(luron__reader *r, json_t *shared) {
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

/* The dtype of the ops, where there are any. */
static luron_status read_dtype(const luron__reader *r, json_t *v) {
    if (!v) return LURON_OK;
    uint32_t dtype = luron_dtype_find(json_string_value(v));
    LURON__CHECK(r->ctx, dtype == LURON_F32 || dtype == LURON_F64, LURON_E_FORMAT,
                 "architecture: the whole: 'dtype': float32 or float64 expected");
    r->model->dtype = dtype;
    return LURON_OK;
}

/* One that a layer has too is that of the layer. */
static luron_status make_tensor(luron_tensor **t, const luron__reader *r, const char *path, bool is_param, uint32_t dtype,
                                int ndim, const int64_t *shape) {
    const char *first = is_param ? json_string_value(json_object_get(r->firsts, path)) : NULL;
    luron_tensor *same = first ? made_param(r, first) : NULL;
    if (same && has_dims(same, dtype, ndim, shape)) {
        *t = luron_tensor_ref(same);
        return LURON_OK;
    }
    LURON_TRY(check_in_file(r, !is_param, path, dtype, ndim, shape));
    LURON_TRY(luron_tensor_full(t, r->ctx, dtype, ndim, shape, 0));
    (*t)->requires_grad = is_param;
    return LURON_OK;
}

static luron_status read_tensor(const luron__reader *r, const char *where, json_t *o) {
    static const char *const keys[] = { "path", "kind", "dtype", "shape", NULL };
    json_t *v[4];
    LURON_TRY(luron__check_keys(r, o, where, keys));
    LURON_TRY(luron__read_members(v, r, o, where, keys, "sssa"));
    const char *path = json_string_value(v[0]), *kind = json_string_value(v[1]);
    uint32_t dtype = luron_dtype_find(json_string_value(v[2]));
    int64_t shape[LURON_MAX_DIMS] = { 0 };
    bool is_param = !strcmp(kind, "parameter");
    size_t ndim = json_array_size(v[3]);
    LURON__CHECK(r->ctx, is_param || !strcmp(kind, "state"), LURON_E_FORMAT,
                 "architecture: %s: 'kind': parameter or state expected, got '%.40s'", where, kind);
    LURON__CHECK(r->ctx, dtype && (!is_param || dtype == LURON_F32 || dtype == LURON_F64), LURON_E_FORMAT,
                 "architecture: %s: 'dtype': '%.40s'", where, json_string_value(v[2]));
    LURON__CHECK(r->ctx, ndim <= LURON_MAX_DIMS, LURON_E_FORMAT, "architecture: %s: 'shape': at most %d sizes", where,
                 LURON_MAX_DIMS);
    for (size_t d = 0; d < ndim; d++) {
        LURON__CHECK(r->ctx, json_is_integer(json_array_get(v[3], d)), LURON_E_FORMAT,
                     "architecture: %s: 'shape': integers expected", where);
        shape[d] = json_integer_value(json_array_get(v[3], d));
    }
    luron_tensor *t;
    luron_status status = make_tensor(&t, r, path, is_param, dtype, (int)ndim, shape);
    if (status) return luron__wrap(r->ctx, status == LURON_E_SHAPE ? LURON_E_FORMAT : status, "architecture: %s", where);
    status = luron__model_own_tensor(r->ctx, r->model, path, t, is_param);
    luron_tensor_unref(t);
    return status == LURON_E_ARGUMENT ? luron__wrap(r->ctx, LURON_E_FORMAT, "architecture: %s", where) : status;
}

static luron_status read_tensors(const luron__reader *r, json_t *list) {
    LURON__CHECK(r->ctx, !list || json_is_array(list), LURON_E_FORMAT,
                 "architecture: the whole: 'tensors': list expected");
    for (size_t i = 0; i < json_array_size(list); i++) {
        char where[40];
        snprintf(where, sizeof where, "tensor %zu", i);
        LURON_TRY(read_tensor(r, where, json_array_get(list, i)));
    }
    return LURON_OK;
}

static luron_status read_model(luron__reader *r, json_t *json) {
    static const char *const keys[] = { "layers", "inputs", "nodes", "outputs", "name", "shared", "tensors", "dtype",
                                        NULL };
    static const char *const needed[] = { "layers", "inputs", "nodes", "outputs", NULL };
    json_t *v[4], *shared = json_object_get(json, "shared");
    LURON_TRY(luron__check_keys(r, json, "the whole", keys));
    LURON_TRY(luron__read_members(v, r, json, "the whole", needed, "aaaa"));
    LURON__CHECK(r->ctx, !shared || json_is_array(shared), LURON_E_FORMAT,
                 "architecture: the whole: 'shared': list expected");
    LURON_TRY(note_firsts(r, shared));
    LURON_TRY(read_layers(r, v[0]));
    LURON_TRY(read_tensors(r, json_object_get(json, "tensors")));
    LURON_TRY(read_dtype(r, json_object_get(json, "dtype")));
    LURON_TRY(luron__read_graph(r, v[1], v[2], v[3]));
    return read_shared(r, shared);
}

luron_status luron__model_of_file(luron_model **out, luron_ctx *ctx, const char *json, const luron_checkpoint *c) {
    void *parsed;
    uint64_t position = ctx->position;
    luron__reader r = { .ctx = ctx, .file = c };
    LURON_TRY(luron__json_parse(&parsed, ctx, "architecture", json));
    luron_status status = luron_model_new(&r.model, ctx);
    if (status == LURON_OK) status = read_model(&r, parsed);
    for (size_t i = 0; i < r.n_layers; i++) luron_layer_unref(r.layers[i]);
    luron__free(ctx, r.layers, r.n_layers * sizeof *r.layers);
    luron__free(ctx, r.stands, r.n_layers);
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
