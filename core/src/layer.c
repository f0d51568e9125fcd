/* Layers: a type with options, parameters and state. */
#include "call.h"
#include "hooks.h"
#include "plan.h"

#include <string.h>

/* ---- what a layer runs ------------------------------------------------------------------------------------------- */
luron__code *luron__code_ref(luron__code *code) {
    atomic_fetch_add_explicit(&code->refs, 1, memory_order_relaxed);
    return code;
}

void luron__slots_free(luron__pool *pool, luron__slot *slots) {
    for (int s = 0; s < LURON__MAX_SLOTS; s++) {
        luron__slot_clear(&slots[s]);
        luron__strfree(pool, slots[s].name);
    }
}

void luron__was_free(luron__pool *pool, luron__slots *was) {
    if (!was) return;
    luron__slots_free(pool, was->param);
    luron__slots_free(pool, was->state);
    luron__pool_free(pool, was, sizeof *was);
}

void luron__code_unref(luron__code *code) {
    if (!code || atomic_fetch_sub_explicit(&code->refs, 1, memory_order_acq_rel) != 1) return;
    luron__options_free(code->pool, code->type, code->options);
    luron__type_unref(code->type);
    luron__was_free(code->pool, code->was);
    luron__pool_free(code->pool, code, sizeof *code);
}

/* Takes over the options, also on failure. */
luron_status luron__code_new(luron__code **out, luron_ctx *ctx, const luron_type *type, void *options) {
    luron__code *code;
    luron_status status = luron__alloc(&code, ctx, sizeof *code);
    if (status) {
        luron__options_free(ctx->pool, type, options);
        return status;
    }
    atomic_init(&code->refs, 1);
    code->pool = ctx->pool, code->type = luron__type_ref(type), code->options = options;
    *out = code;
    return LURON_OK;
}

/* ---- making ------------------------------------------------------------------------------------------------------ */
/* A layer without parameters yet; base: options to start from. */
static luron_status layer_open(luron_layer **out, luron_ctx *ctx, const luron_type *type, const void *base, int n_args,
                               const luron_arg *args) {
    const char *name = luron_type_name(type);
    LURON__CHECK(ctx, type->n_out <= LURON__MAX_SLOTS, LURON_E_UNSUPPORTED, "%s: %d outputs, at most %d can be served",
                 name, type->n_out, LURON__MAX_SLOTS);
    void *options;
    luron__code *code;
    LURON_TRY(luron__options_new(&options, ctx, type, name, base, n_args, args));
    LURON_TRY(luron__code_new(&code, ctx, type, options));
    luron_layer *layer;
    luron_status status = luron__alloc(&layer, ctx, sizeof *layer);
    if (status) {
        luron__code_unref(code);
        return status;
    }
    layer->pool = ctx->pool;
    layer->code = code;
    layer->training = true;
    layer->dtype = ctx->default_dtype;
    luron__live_begin(&layer->live, type->pool, LURON_KIND_LAYER);
    luron__plan_makes(ctx, layer);
    *out = layer;
    return LURON_OK;
}

static luron_status check_dtype(luron_ctx *ctx, const luron_type *type, uint32_t dtype) {
    LURON__CHECK(ctx, dtype == LURON_F32 || dtype == LURON_F64, LURON_E_DTYPE,
                 "%s: dtype float32 or float64 expected, got %s", luron_type_name(type), luron_dtype_name(dtype));
    LURON__CHECK(ctx, dtype == LURON_F32 || type->layer.flags & LURON_LAYER_F64, LURON_E_DTYPE,
                 "%s: this type serves float32 alone, float64 is wanted", luron_type_name(type));
    return LURON_OK;
}

luron_status luron__layer_declare(luron_ctx *ctx, luron_layer *layer) {
    luron_status (*const fn)(luron_call *) = layer->code->type->layer.declare;
    if (!fn) return LURON_OK;
    luron__frame f;
    luron_status status = luron__frame_open(&f, ctx, layer, layer->code, 0);
    if (!status) status = luron__frame_call(&f, LURON__PHASE_DECLARE, "declare", fn);
    if (status) luron__frame_explain(&f, status);
    luron__frame_close(&f);
    return status;
}

luron_status luron_layer_new(luron_layer **out, luron_ctx *ctx, const char *type_name, int n_args,
                             const luron_arg *args) {
    const luron_type *type;
    luron_layer *layer;
    LURON_TRY(luron_type_find(&type, ctx, LURON_KIND_LAYER, type_name));
    LURON_TRY(check_dtype(ctx, type, ctx->default_dtype));
    LURON_TRY(layer_open(&layer, ctx, type, NULL, n_args, args));
    uint64_t position = ctx->position;
    luron_tracer *trace = ctx->trace;
    ctx->trace = NULL; /* whoever applies it hears what a trace thinks of it */
    luron_status status = luron__layer_declare(ctx, layer);
    ctx->trace = trace;
    if (status) {
        ctx->position = position;
        luron_layer_unref(layer);
    } else
        *out = layer;
    return status;
}

luron_status luron_layer_new_lazy(luron_layer **out, luron_ctx *ctx, const char *type_name, int axis, int n_args,
                                  const luron_arg *args) {
    const luron_type *type;
    luron_layer *layer = NULL;
    luron_arg *all;
    const size_t bytes = (size_t)(n_args + 1) * sizeof *all;
    LURON_TRY(luron_type_find(&type, ctx, LURON_KIND_LAYER, type_name));
    LURON_TRY(check_dtype(ctx, type, ctx->default_dtype));
    LURON__CHECK(ctx, type->n_options && type->options[0].kind == LURON_INT, LURON_E_ARGUMENT,
                 "%s: a type whose first option is a size expected", type_name);
    LURON_TRY(luron__alloc(&all, ctx, bytes));
    all[0] = (luron_arg){.kind = LURON_ARG_INTEGER, .integer = 1};
    if (n_args) memcpy(all + 1, args, (size_t)n_args * sizeof *all);
    luron_status status = layer_open(&layer, ctx, type, NULL, n_args + 1, all);
    luron__free(ctx, all, bytes);
    if (!status) status = luron__lazy_new(ctx, layer, axis);
    if (status)
        luron_layer_unref(layer);
    else
        *out = layer;
    return status;
}

luron_status luron_layer_from_json(luron_layer **out, luron_ctx *ctx, const char *type, const char *options) {
    luron_arg *args;
    int n;
    luron_status status = luron__args_from_text(&args, &n, ctx, options);
    if (status) return luron__wrap(ctx, status, "%s", type);
    status = luron_layer_new(out, ctx, type, n, args);
    luron__args_free(ctx, args, n);
    return status;
}

static luron_status copy_slot(luron_ctx *ctx, luron__slot *to, const luron__slot *from, bool is_param) {
    if (!from->tensor) return LURON_OK;
    const luron_tensor *t = from->tensor;
    LURON_TRY(luron__strdup(&to->name, ctx, from->name));
    luron_tensor *copy;
    LURON_TRY(luron__tensor_make_slot(&copy, ctx, is_param, t->dtype, t->ndim, t->shape));
    luron__slot_put(to, copy);
    LURON_TRY(luron_tensor_copy(ctx, to->tensor, from->tensor));
    to->tensor->requires_grad = t->requires_grad;
    to->init = from->init, to->dtype = from->dtype;
    return LURON_OK;
}

static luron_status copy_late_ins(luron_ctx *ctx, luron_layer *to, const luron_layer *from) {
    const size_t bytes = (size_t)from->n_late_ins * sizeof *from->late_ins;
    if (!from->late_ins) return LURON_OK;
    LURON_TRY(luron__alloc(&to->late_ins, ctx, bytes));
    memcpy(to->late_ins, from->late_ins, bytes);
    to->n_late_ins = from->n_late_ins;
    return LURON_OK;
}

luron_status luron_layer_clone(luron_layer **out, luron_ctx *ctx, luron_layer *layer) {
    luron_layer *copy;
    LURON_TRY(layer_open(&copy, ctx, layer->code->type, layer->code->options, 0, NULL));
    copy->training = layer->training;
    copy->dtype = layer->dtype;
    int recording = luron_ctx_set_recording(ctx, 0);
    luron_status status = layer->name ? luron__strdup(&copy->name, ctx, layer->name) : LURON_OK;
    for (int s = 0; s < LURON__MAX_SLOTS && !status; s++) {
        status = copy_slot(ctx, &copy->param[s], &layer->param[s], true);
        if (!status) status = copy_slot(ctx, &copy->state[s], &layer->state[s], false);
    }
    luron_ctx_set_recording(ctx, recording);
    if (!status) status = copy_late_ins(ctx, copy, layer);
    if (!status) status = luron__lazy_copy(ctx, copy, layer);
    if (status)
        luron_layer_unref(copy);
    else
        *out = copy;
    return status;
}

luron_layer *luron_layer_ref(luron_layer *layer) {
    if (layer) atomic_fetch_add(&layer->live.refs, 1);
    return layer;
}

void luron_layer_unref(luron_layer *layer) {
    if (!layer || !luron__live_unref(&layer->live)) return;
    const luron_type *type = luron__type_ref(layer->code->type); /* the list is in its pool */
    luron__code_unref(layer->code);
    luron__live_end(&layer->live, type->pool);
    luron__type_unref(type);
    /* Hooks last: one that is let go of may load the plugin again, which waits for layers that are half gone. */
    luron__slots_free(layer->pool, layer->param);
    luron__slots_free(layer->pool, layer->state);
    luron__hooks_unref(layer->hooks);
    luron__pool_free(layer->pool, layer->late_ins, (size_t)layer->n_late_ins * sizeof *layer->late_ins);
    luron__lazy_free(layer);
    luron__strfree(layer->pool, layer->name);
    luron__pool_free(layer->pool, layer, sizeof *layer);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */
const luron_type *luron_layer_type_of(const luron_layer *layer) { return layer->code->type; }
const char *luron_layer_name(const luron_layer *layer) { return layer->name ? layer->name : ""; }
luron_arg luron_layer_option(const luron_layer *layer, int i) {
    luron_arg arg = luron__options_get(layer->code->type, layer->code->options, i);
    if (i == 0 && layer->waits) arg.integer = 0;
    return arg;
}
void luron_layer_set_training(luron_layer *layer, int on) { layer->training = on != 0; }
int luron_layer_is_training(const luron_layer *layer) { return layer->training; }
uint32_t luron_layer_dtype(const luron_layer *layer) { return layer->dtype; }
int luron_layer_n_outs(const luron_layer *layer) { return layer->code->type->n_out; }

luron_status luron_layer_set_name(luron_ctx *ctx, luron_layer *layer, const char *name) {
    char *copy;
    LURON_TRY(luron__strdup(&copy, ctx, name));
    luron__strfree(layer->pool, layer->name);
    layer->name = copy;
    return LURON_OK;
}

/* The i-th slot that is declared, NULL past the last; *n: how many there are. */
static const luron__slot *slot_at(const luron__slot *slots, int i, int *n) {
    *n = 0;
    for (int s = 0; s < LURON__MAX_SLOTS; s++) {
        if (!slots[s].tensor) continue;
        if (*n == i) return &slots[s];
        ++*n;
    }
    return NULL;
}

int luron_layer_n_params(const luron_layer *layer) {
    int n;
    slot_at(layer->param, -1, &n);
    return n;
}
luron_tensor *luron_layer_param(const luron_layer *layer, int i) {
    int n;
    const luron__slot *slot = slot_at(layer->param, i, &n);
    return slot ? slot->tensor : NULL;
}
const char *luron_layer_param_name(const luron_layer *layer, int i) {
    int n;
    const luron__slot *slot = slot_at(layer->param, i, &n);
    return slot ? slot->name : NULL;
}
int luron_layer_n_states(const luron_layer *layer) {
    int n;
    slot_at(layer->state, -1, &n);
    return n;
}
luron_tensor *luron_layer_state(const luron_layer *layer, int i) {
    int n;
    const luron__slot *slot = slot_at(layer->state, i, &n);
    return slot ? slot->tensor : NULL;
}
const char *luron_layer_state_name(const luron_layer *layer, int i) {
    int n;
    const luron__slot *slot = slot_at(layer->state, i, &n);
    return slot ? slot->name : NULL;
}

/* ---- changing ---------------------------------------------------------------------------------------------------- */
luron_status luron_layer_set_param(luron_ctx *ctx, luron_layer *layer, int i, luron_tensor *t) {
    int n;
    luron__slot *slot = (luron__slot *)slot_at(layer->param, i, &n);
    luron__plan_refuse(ctx, "puts a parameter into a layer: do that outside of the step");
    LURON__CHECK(ctx, slot, LURON_E_RANGE, "%s: no parameter %d: it has %d", luron_type_name(layer->code->type),
                 i + ctx->index_base, luron_layer_n_params(layer));
    LURON__CHECK(ctx, t, LURON_E_ARGUMENT, "%s: parameter '%s': a tensor expected, got NULL",
                 luron_type_name(layer->code->type), slot->name);
    char a[LURON__SHAPE_TEXT], b[LURON__SHAPE_TEXT];
    LURON__CHECK(ctx, luron__same_shape(slot->tensor, t), LURON_E_SHAPE, "%s: parameter '%s' has shape %s, got %s",
                 luron_type_name(layer->code->type), slot->name,
                 luron_shape_text(a, sizeof a, slot->tensor->ndim, slot->tensor->shape),
                 luron_shape_text(b, sizeof b, t->ndim, t->shape));
    LURON__CHECK(ctx, slot->tensor->dtype == t->dtype, LURON_E_DTYPE, "%s: parameter '%s' is %s, got %s",
                 luron_type_name(layer->code->type), slot->name, luron_dtype_name(slot->tensor->dtype),
                 luron_dtype_name(t->dtype));
    luron_tensor_ref(t); /* it may be the one that is there */
    luron__slot_clear(slot);
    luron__slot_put(slot, t);
    return LURON_OK;
}

/* Parameters and state as one row of slots. */
static luron__slot *slot_number(luron_layer *layer, int s) {
    return s < LURON__MAX_SLOTS ? &layer->param[s] : &layer->state[s - LURON__MAX_SLOTS];
}

luron_status luron_layer_reset(luron_ctx *ctx, luron_layer *layer) {
    if (layer->waits) return luron__lazy_set_aside(ctx, layer);
    int recording = luron_ctx_set_recording(ctx, 0);
    luron_status status = LURON_OK;
    for (int s = 0; s < 2 * LURON__MAX_SLOTS && !status; s++) {
        luron__slot *slot = slot_number(layer, s);
        if (slot->tensor) status = luron__init_tensor(ctx, slot->tensor, slot->init);
    }
    luron_ctx_set_recording(ctx, recording);
    return status;
}

/* The same numbers in the other dtype behind the same header, so that tied layers and optimisers go on sharing it. The
 * version moves on: a backward that still needs the old numbers reports it.                                           */
static void swap_in(luron_tensor *t, luron_tensor *cast) {
    luron__storage *old = t->storage;
    luron_tensor *grad = t->grad;
    atomic_store(&cast->storage->version, atomic_load(&old->version) + 1);
    t->storage = cast->storage, cast->storage = old;
    t->dtype = cast->dtype, t->offset = cast->offset, t->grad = NULL;
    memcpy(t->strides, cast->strides, sizeof t->strides);
    luron_tensor_unref(grad);
    luron_tensor_unref(cast);
}

luron_status luron_layer_set_dtype(luron_ctx *ctx, luron_layer *layer, uint32_t dtype) {
    LURON_TRY(check_dtype(ctx, layer->code->type, dtype));
    luron_tensor *cast[2 * LURON__MAX_SLOTS] = {0};
    luron_status status = LURON_OK;
    int recording = luron_ctx_set_recording(ctx, 0);
    for (int s = 0; s < 2 * LURON__MAX_SLOTS && !status; s++) {
        const luron__slot *slot = slot_number(layer, s);
        if (!slot->tensor || slot->dtype != LURON_REAL || slot->tensor->dtype == dtype) continue;
        status = luron__tensor_make_slot(&cast[s], ctx, s < LURON__MAX_SLOTS, dtype, slot->tensor->ndim, slot->tensor->shape);
        if (!status) status = luron_tensor_copy(ctx, cast[s], slot->tensor);
    }
    luron_ctx_set_recording(ctx, recording);
    for (int s = 0; s < 2 * LURON__MAX_SLOTS; s++) {
        luron__slot *slot = slot_number(layer, s);
        if (!cast[s]) continue;
        if (status)
            luron_tensor_unref(cast[s]);
        else
            swap_in(slot->tensor, cast[s]);
    }
    if (!status) layer->dtype = dtype;
    return status;
}

luron_status luron__tensor_convert(luron_ctx *ctx, luron_tensor *t, uint32_t dtype) {
    luron_tensor *cast;
    if (t->dtype == dtype) return LURON_OK;
    LURON_TRY(luron__tensor_make(&cast, ctx, dtype, t->ndim, t->shape));
    int recording = luron_ctx_set_recording(ctx, 0);
    luron_status status = luron_tensor_copy(ctx, cast, t);
    luron_ctx_set_recording(ctx, recording);
    if (status)
        luron_tensor_unref(cast);
    else
        swap_in(t, cast);
    return status;
}

luron_status luron_tensor_set_dtype(luron_ctx *ctx, luron_tensor *t, uint32_t dtype) {
    LURON__CHECK(ctx, luron_dtype_is_float(dtype) && luron_dtype_is_float(t->dtype), LURON_E_DTYPE,
                 "set_dtype: a real dtype in another expected, got %s in %s", luron_dtype_name(t->dtype),
                 luron_dtype_name(dtype));
    LURON__CHECK(ctx, !t->node, LURON_E_STATE, "set_dtype: the tensor was made by '%s' on the tape, a leaf expected",
                 t->node->op->name);
    LURON_TRY(luron__tracer_check_write(ctx, "set_dtype", t));
    return luron__tensor_convert(ctx, t, dtype);
}
