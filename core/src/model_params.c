/* model_params.c -- what a model does with the parameters, state and modes of all its layers, and copies of it. */
#include "graph.h"

#include <stdio.h>
#include <string.h>

/* ---- one after the other --------------------------------------------------------------------------------------- */
/* Does the tensor stand earlier in the model? One that is in no other slot of any layer cannot, and only ties have to be
 * looked for: whoever else holds it, an optimiser or a program, does not make the list slower. */
static bool is_repeated(const luron_model *m, int64_t layer, const luron_tensor *t, int slot) {
    const int own = layer < m->n_layers;
    if (atomic_load_explicit(&t->slots, memory_order_relaxed) <= own) return false;
    for (int64_t l = 0; l <= layer && l < m->n_layers; l++)
        for (int s = 0; s < (l < layer ? LURON__MAX_SLOTS : slot); s++)
            if (m->layers[l].layer->param[s].tensor == t) return true;
    return false;
}

/* Tensor `slot` of holder number `at`: the layers, then the model's own tensors, which have one each. *name: where it
 * stands. */
static luron_tensor *tensor_in(const luron_model *m, bool states, int64_t at, int slot, const char **name) {
    if (at < m->n_layers) {
        const luron__slot *s = states ? &m->layers[at].layer->state[slot] : &m->layers[at].layer->param[slot];
        *name = s->name;
        return s->tensor;
    }
    const luron__model_tensor *t = &m->tensors[at - m->n_layers];
    *name = NULL;
    return slot == 0 && t->is_param != states ? t->tensor : NULL;
}

/* The first parameter or state tensor at or behind (*at, *slot), where it then points. */
static luron_tensor *next(const luron_model *m, bool states, int64_t *at, int *slot) {
    const char *name;
    for (; *at < m->n_layers + m->n_tensors; ++*at, *slot = 0)
        for (; *slot < (*at < m->n_layers ? LURON__MAX_SLOTS : 1); ++*slot) {
            luron_tensor *t = tensor_in(m, states, *at, *slot, &name);
            if (t && (states || !is_repeated(m, *at, t, *slot))) return t;
        }
    return NULL;
}

/* A loop over i would be quadratic without a note of where number i - 1 was: number, layer and slot in one word, so that
 * threads that loop at once at worst walk from the start. */
static luron_tensor *nth(const luron_model *model, bool states, int i, char *name, size_t n) {
    luron_model *m = (luron_model *)model;
    _Atomic uint64_t *note = states ? &m->next_state : &m->next_param;
    uint64_t at = atomic_load_explicit(note, memory_order_relaxed);
    bool goes_on = i > 0 && at >> 32 == (uint64_t)i;
    int64_t layer = goes_on ? (int64_t)(at >> 8 & 0xffffff) : 0;
    int slot = goes_on ? (int)(at & 0xff) : 0;
    if (i < 0) return NULL;
    luron_tensor *t = next(m, states, &layer, &slot);
    for (int k = goes_on ? i : 0; t && k < i; k++) {
        slot++;
        t = next(m, states, &layer, &slot);
    }
    if (!t) return NULL;
    const char *own;
    tensor_in(m, states, layer, slot, &own);
    if (n && own) snprintf(name, n, "%s/%s", m->layers[layer].path, own);
    if (n && !own) snprintf(name, n, "%s", m->tensors[layer - m->n_layers].path);
    atomic_store_explicit(note, (uint64_t)(i + 1) << 32 | (uint64_t)layer << 8 | (uint64_t)(slot + 1),
                          memory_order_relaxed);
    return t;
}

luron_tensor *luron_model_param(const luron_model *model, int i, char *name, size_t n) {
    return nth(model, false, i, name, n);
}
luron_tensor *luron_model_state(const luron_model *model, int i, char *name, size_t n) {
    return nth(model, true, i, name, n);
}

int64_t luron_model_n_weights(const luron_model *model) {
    int64_t n = 0, layer = 0;
    int slot = 0;
    for (luron_tensor *t; (t = next(model, false, &layer, &slot)); slot++) n += luron_tensor_numel(t);
    return n;
}

/* ---- all at once ----------------------------------------------------------------------------------------------- */
/* Fill `first` by a table of tensors that were seen. */
static luron_status find_firsts(luron_ctx *ctx, luron__param_ref *refs, int64_t n) {
    int64_t cap = 16, *at;
    while (cap < 2 * n) cap *= 2;
    LURON_TRY(luron__alloc(&at, ctx, (size_t)cap * sizeof *at));
    for (int64_t i = 0; i < n; i++) {
        uint64_t k = ((uint64_t)(uintptr_t)refs[i].tensor >> 4) * 0x9e3779b97f4a7c15u >> 20;
        while (at[k & (uint64_t)(cap - 1)] && refs[at[k & (uint64_t)(cap - 1)] - 1].tensor != refs[i].tensor) k++;
        int64_t *place = &at[k & (uint64_t)(cap - 1)];
        if (!*place) *place = i + 1;
        refs[i].first = *place - 1;
    }
    luron__free(ctx, at, (size_t)cap * sizeof *at);
    return LURON_OK;
}

luron_status luron__model_param_refs(luron__param_ref **refs, int64_t *n, luron_ctx *ctx, const luron_model *model) {
    int64_t count = 0;
    luron__param_ref *list = NULL;
    for (int64_t i = 0; i < model->n_tensors; i++) count += model->tensors[i].tensor && model->tensors[i].is_param;
    for (int64_t l = 0; l < model->n_layers; l++) count += luron_layer_n_params(model->layers[l].layer);
    if (count) LURON_TRY(luron__alloc(&list, ctx, (size_t)count * sizeof *list));
    int64_t k = 0;
    for (int64_t l = 0; l < model->n_layers; l++)
        for (int p = 0, n_params = luron_layer_n_params(model->layers[l].layer); p < n_params; p++)
            list[k++] = (luron__param_ref){ luron_layer_param(model->layers[l].layer, p), (int32_t)l, p, 0 };
    for (int64_t i = 0; i < model->n_tensors; i++)
        if (model->tensors[i].tensor && model->tensors[i].is_param)
            list[k++] = (luron__param_ref){ model->tensors[i].tensor, -1, (int32_t)i, 0 };
    luron_status status = find_firsts(ctx, list, count);
    if (status != LURON_OK) {
        luron__free(ctx, list, (size_t)count * sizeof *list);
        return status;
    }
    *refs = list;
    *n = count;
    return LURON_OK;
}

/* ---- modes ----------------------------------------------------------------------------------------------------- */
void luron_model_set_training(luron_model *model, int on) {
    model->training = on != 0;
    for (int64_t i = 0; i < model->n_layers; i++) luron_layer_set_training(model->layers[i].layer, on);
}

int luron_model_is_training(const luron_model *model) { return model->training; }

/* What was made in the model's dtype (zeros, casts) is made in the new one. */
static void set_op_dtype(luron__model_op *op, uint32_t from, uint32_t to) {
    for (const luron__op_attr *k = op->op->attrs; k && k->name; k++)
        if (k->kind == LURON__ATTR_DTYPE && op->attrs.at[k->place] == from) op->attrs.at[k->place] = to;
}

luron_status luron_model_set_dtype(luron_ctx *ctx, luron_model *model, uint32_t dtype) {
    LURON__CHECK(ctx, dtype == LURON_F32 || dtype == LURON_F64, LURON_E_DTYPE,
                 "model: float32 or float64 expected, got %s", luron_dtype_name(dtype));
    for (int64_t i = 0; i < model->n_layers && dtype == LURON_F64; i++) {
        const luron__model_layer *l = &model->layers[i];
        LURON__CHECK(ctx, luron_type_flags(l->layer->code->type) & LURON_LAYER_F64, LURON_E_DTYPE,
                     "layer '%.80s' = %s: this type serves float32 alone", l->path, luron_type_name(l->layer->code->type));
    }
    /* Only memory can be missing now; what is converted by then stays so, and the call may be repeated. */
    for (int64_t i = 0; i < model->n_layers; i++) LURON_TRY(luron_layer_set_dtype(ctx, model->layers[i].layer, dtype));
    for (int64_t i = 0; i < model->n_tensors; i++) {
        luron_tensor *t = model->tensors[i].tensor;
        if (t && (t->dtype == LURON_F32 || t->dtype == LURON_F64)) LURON_TRY(luron__tensor_convert(ctx, t, dtype));
    }
    for (int64_t i = 0; i < model->n_nodes && model->dtype; i++)
        if (model->nodes[i].op) set_op_dtype(model->nodes[i].op, model->dtype, dtype);
    if (model->dtype) model->dtype = dtype;
    return LURON_OK;
}

/* "encoder.linear1/bias" begins with "encoder", "encoder.linear1" and the whole, but not with "enc". */
static bool has_prefix(const char *path, const char *param, const char *prefix) {
    char full[2 * LURON__MAX_PATH + 128];
    snprintf(full, sizeof full, "%s%s%s", path, param ? "/" : "", param ? param : "");
    size_t n = strlen(prefix);
    return n == 0 || (!strncmp(full, prefix, n) && strchr("./", full[n]));
}

luron_status luron_model_freeze(luron_ctx *ctx, luron_model *model, const char *prefix, int on) {
    int64_t found = 0;
    LURON_TRY(luron_model_check_sized(ctx, model));
    if (!prefix) prefix = "";
    for (int64_t i = 0; i < model->n_layers; i++) {
        const luron__model_layer *l = &model->layers[i];
        for (int s = 0; s < LURON__MAX_SLOTS; s++) {
            if (!l->layer->param[s].tensor || !has_prefix(l->path, l->layer->param[s].name, prefix)) continue;
            LURON_TRY(luron_tensor_set_requires_grad(ctx, l->layer->param[s].tensor, !on));
            found++;
        }
    }
    for (int64_t i = 0; i < model->n_tensors; i++) {
        const luron__model_tensor *t = &model->tensors[i];
        if (!t->tensor || !t->is_param || !has_prefix(t->path, NULL, prefix)) continue;
        LURON_TRY(luron_tensor_set_requires_grad(ctx, t->tensor, !on));
        found++;
    }
    LURON__CHECK(ctx, found || !*prefix, LURON_E_NOT_FOUND,
                 "model: no parameter's path begins with '%.100s'; layers are called '%.64s' and so on", prefix,
                 model->n_layers ? model->layers[0].path : "(none)");
    return LURON_OK;
}

/* ---- copies ---------------------------------------------------------------------------------------------------- */
static luron_status clone_tensor(luron_ctx *ctx, luron_model *to, const luron__model_tensor *from) {
    luron__model_tensor copy = *from;
    int32_t index;
    if (from->tensor) LURON_TRY(luron_copy(&copy.tensor, ctx, from->tensor));
    if (copy.tensor) copy.tensor->requires_grad = from->tensor->requires_grad;
    luron_status status = luron__model_put_tensor(&index, ctx, to, &copy);
    luron_tensor_unref(copy.tensor);
    return status;
}

/* Layers, tensors and nodes get the numbers that they have. */
static luron_status clone_parts(luron_ctx *ctx, luron_model *to, const luron_model *from) {
    luron_value v;
    int32_t index;
    for (int64_t i = 0; i < from->n_layers; i++) {
        luron_layer *layer;
        LURON_TRY(luron_layer_clone(&layer, ctx, from->layers[i].layer));
        luron_status status = luron__model_put_layer(&index, ctx, to, from->layers[i].path, layer);
        luron_layer_unref(layer);
        LURON_TRY(status);
    }
    int recording = luron_ctx_set_recording(ctx, 0);
    luron_status status = LURON_OK;
    for (int64_t i = 0; i < from->n_tensors && !status; i++) status = clone_tensor(ctx, to, &from->tensors[i]);
    luron_ctx_set_recording(ctx, recording);
    LURON_TRY(status);
    for (int64_t i = 0; i < from->n_inputs; i++) LURON_TRY(luron_model_input(&v, ctx, to, from->nodes[i].name));
    for (int64_t i = from->n_inputs; i < from->n_nodes; i++)
        LURON_TRY(luron__model_add_node(&v, ctx, to, &from->nodes[i], from->nodes[i].ins));
    return LURON_OK;
}

static luron_status clone_ties(luron_ctx *ctx, luron_model *to, const luron_model *from) {
    luron__param_ref *refs;
    int64_t n;
    LURON_TRY(luron__model_param_refs(&refs, &n, ctx, from));
    luron_status status = LURON_OK;
    for (int64_t i = 0; i < n && status == LURON_OK; i++) {
        const luron__param_ref *first = &refs[refs[i].first]; /* of a layer: the model's own tensors differ */
        if (first == &refs[i]) continue;
        luron_tensor *same = luron_layer_param(to->layers[first->layer].layer, first->param);
        luron_tensor **own = refs[i].layer < 0 ? &to->tensors[refs[i].param].tensor : NULL;
        if (!own) status = luron_layer_set_param(ctx, to->layers[refs[i].layer].layer, refs[i].param, same);
        if (own) luron_tensor_unref(*own), *own = luron_tensor_ref(same);
    }
    luron__free(ctx, refs, (size_t)n * sizeof *refs);
    return status;
}

luron_status luron_model_clone(luron_model **out, luron_ctx *ctx, luron_model *model) {
    luron_model *copy;
    LURON_TRY(luron_model_new(&copy, ctx));
    luron_status status = clone_parts(ctx, copy, model);
    if (status == LURON_OK) status = clone_ties(ctx, copy, model);
    if (status == LURON_OK && model->n_outputs)
        status = luron_model_set_outputs(ctx, copy, (int)model->n_outputs, model->outputs);
    copy->training = model->training;
    copy->dtype = model->dtype;
    copy->last = model->last;
    if (status == LURON_OK)
        *out = copy;
    else
        luron_model_unref(copy);
    return status;
}
