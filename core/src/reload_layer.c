/* reload_layer.c -- a layer whose plugin is loaded again: the options in the new struct, the slots in the new order.
 * What the new code declares is collected by a layer that nobody else sees; its tensors are those of the layer under
 * other headers. */
#include "call.h"
#include "reload.h"

#include <stdio.h>
#include <string.h>

struct luron__next_layer {
    luron__pool *pool;
    luron__code *code;  /* owned */
    luron__slots slots; /* names and tensors borrowed from the layer */
    luron__pool *was_pool;
    luron__slots *was; /* owned; NULL: no call on the tape needs it */
};

void luron__diff(luron__diffs *diffs, const char *fmt, ...) {
    size_t at = strlen(diffs->text);
    if (diffs->n++) at += (size_t)snprintf(diffs->text + at, sizeof diffs->text - at, "; ");
    if (at >= sizeof diffs->text) return; /* the first of very many */
    va_list args;
    va_start(args, fmt);
    vsnprintf(diffs->text + at, sizeof diffs->text - at, fmt, args);
    va_end(args);
}

void luron__next_layer_free(luron__next_layer *next) {
    if (!next) return;
    luron__code_unref(next->code);
    luron__was_free(next->was_pool, next->was);
    luron__pool_free(next->pool, next, sizeof *next);
}

/* ---- slots ------------------------------------------------------------------------------------------------------- */
typedef struct match {
    const luron_layer *layer;
    luron__diffs *diffs;
} match;

static const luron__slot *find_slot(const luron__slot *slots, const char *name) {
    for (int s = 0; s < LURON__MAX_SLOTS; s++)
        if (slots[s].tensor && !strcmp(slots[s].name, name)) return &slots[s];
    return NULL;
}

/* A header without numbers, so that declare goes on and all differences are found. */
static luron_status make_shape(luron_tensor **t, luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape) {
    luron_tensor like = {.dtype = dtype, .ndim = ndim};
    int64_t stride = 1;
    for (int d = ndim - 1; d >= 0; d--) {
        like.shape[d] = shape[d], like.strides[d] = stride;
        stride *= shape[d];
    }
    return luron__tensor_alias(t, ctx, &like);
}

/* ctx->declaring: the tensor that the layer has under this name. */
static luron_status match_slot(luron_tensor **t, luron_ctx *ctx, bool is_state, const char *name, uint32_t dtype,
                               int ndim, const int64_t *shape) {
    const match *m = ctx->declaring_for;
    const char *what = is_state ? "state" : "parameter";
    const luron__slot *slot = find_slot(is_state ? m->layer->state : m->layer->param, name);
    const luron_tensor *has = slot ? slot->tensor : NULL;
    if (has && has->dtype == dtype && has->ndim == ndim && !memcmp(has->shape, shape, (size_t)ndim * sizeof *shape))
        return luron__tensor_alias(t, ctx, has);
    char a[LURON__SHAPE_TEXT], b[LURON__SHAPE_TEXT];
    if (has)
        luron__diff(m->diffs, "%s '%s' is %s %s, the layer has %s %s", what, name, luron_dtype_name(dtype),
                    luron_shape_text(a, sizeof a, ndim, shape), luron_dtype_name(has->dtype),
                    luron_shape_text(b, sizeof b, has->ndim, has->shape));
    else
        luron__diff(m->diffs, "%s '%s' is new", what, name);
    return make_shape(t, ctx, dtype, ndim, shape);
}

/* Run setup for the inputs for which the layer's setup declared slots. */
static luron_status set_up(luron_ctx *ctx, luron_layer *shadow, const luron_layer *layer) {
    const size_t bytes = (size_t)layer->n_late_ins * sizeof *layer->late_ins;
    luron_dims *ins;
    luron__frame f;
    LURON_TRY(luron__alloc(&ins, ctx, bytes));
    memcpy(ins, layer->late_ins, bytes);
    for (int i = 0; i < layer->n_late_ins; i++)
        if (luron_dtype_is_float(ins[i].dtype)) ins[i].dtype = layer->dtype; /* it may have been cast since */
    luron_status status = luron__frame_open(&f, ctx, shadow, shadow->code, layer->n_late_ins);
    if (!status) {
        luron__frame_show_dims(&f, ins);
        status = luron__frame_check_ins(&f);
    }
    if (!status) luron__frame_show_params(&f);
    if (!status) status = luron__frame_setup(&f);
    if (status) luron__frame_explain(&f, status);
    luron__frame_close(&f);
    luron__free(ctx, ins, bytes);
    return status;
}

/* The i-th slot of the new order is the one that the layer has under its name. */
static void place_slots(luron__slot *to, const luron__slot *declared, const luron__slot *has, const char *what,
                        luron__diffs *diffs) {
    for (int s = 0; s < LURON__MAX_SLOTS; s++) {
        const luron__slot *from = declared[s].tensor ? find_slot(has, declared[s].name) : NULL;
        if (from) to[s] = (luron__slot){from->name, from->tensor, declared[s].init, declared[s].dtype};
        if (has[s].tensor && !find_slot(declared, has[s].name))
            luron__diff(diffs, "%s '%s' is gone", what, has[s].name);
    }
}

static luron_status match_slots(luron__next_layer *next, luron_ctx *ctx, luron_layer *layer, luron__diffs *diffs) {
    luron_layer shadow = {.pool = ctx->pool, .code = next->code, .name = layer->name, .dtype = layer->dtype};
    const match m = {layer, diffs};
    shadow.training = layer->training;
    const void *outer_for = ctx->declaring_for;
    luron_status (*outer)(luron_tensor **, luron_ctx *, bool, const char *, uint32_t, int, const int64_t *) =
        ctx->declaring;
    ctx->declaring = match_slot, ctx->declaring_for = &m;
    luron_status status = luron__layer_declare(ctx, &shadow);
    const bool all = !layer->late_ins || !diffs->n; /* otherwise what setup declares stays unknown */
    if (!status && layer->late_ins && all) status = set_up(ctx, &shadow, layer);
    ctx->declaring = outer, ctx->declaring_for = outer_for;
    if (!status && all) {
        place_slots(next->slots.param, shadow.param, layer->param, "parameter", diffs);
        place_slots(next->slots.state, shadow.state, layer->state, "state", diffs);
    }
    luron__slots_free(ctx->pool, shadow.param);
    luron__slots_free(ctx->pool, shadow.state);
    luron__free(ctx, shadow.late_ins, (size_t)shadow.n_late_ins * sizeof *shadow.late_ins);
    return status;
}

/* ---- ports ------------------------------------------------------------------------------------------------------- */
/* Graphs and the tape refer to them by number. */
static void compare_ports(const luron_type *now, const luron_type *was, luron__diffs *diffs) {
    if (now->n_out != was->n_out) luron__diff(diffs, "outputs: %d, the layer has %d", now->n_out, was->n_out);
    for (int i = 0; i < was->n_in || i < now->n_in; i++) {
        const luron_port *p = i < now->n_in ? &now->in[i] : NULL, *q = i < was->n_in ? &was->in[i] : NULL;
        if (!p)
            luron__diff(diffs, "input '%s' is gone", q->name);
        else if (!q && !(p->flags & LURON_PORT_OPTIONAL))
            luron__diff(diffs, "input '%s' is new and not optional", p->name);
        else if (q && (p->flags | LURON_PORT_OPTIONAL) != (q->flags | LURON_PORT_OPTIONAL))
            luron__diff(diffs, "input '%s' is of another kind", p->name);
        else if (q && q->flags & LURON_PORT_OPTIONAL && !(p->flags & LURON_PORT_OPTIONAL))
            luron__diff(diffs, "input '%s' is not optional any more", p->name);
    }
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */
/* The slots as the old code has them; only the state is read through them. NULL for no memory. */
static luron__slots *copy_slots(luron__pool *pool, const luron_layer *layer) {
    luron__slots *slots = luron__pool_alloc(pool, sizeof *slots);
    bool good = slots != NULL;
    if (good) memset(slots, 0, sizeof *slots);
    for (int s = 0; good && s < LURON__MAX_SLOTS * 2; s++) {
        const bool is_state = s >= LURON__MAX_SLOTS;
        const luron__slot *from = is_state ? &layer->state[s - LURON__MAX_SLOTS] : &layer->param[s];
        luron__slot *to = is_state ? &slots->state[s - LURON__MAX_SLOTS] : &slots->param[s];
        if (!from->tensor) continue;
        const size_t n = strlen(from->name) + 1;
        to->name = luron__pool_alloc(pool, n);
        good = to->name != NULL;
        if (good) memcpy(to->name, from->name, n);
        if (is_state) luron__slot_put(to, luron_tensor_ref(from->tensor));
    }
    if (good) return slots;
    luron__was_free(pool, slots);
    return NULL;
}

static luron_status rebind(luron__next_layer *next, luron_ctx *ctx, luron_layer *layer, const luron_type *type,
                           luron__diffs *diffs) {
    luron__code *code = layer->code;
    void *options;
    if (layer->waits) {
        luron__diff(diffs, "it waits for its first input: call it before");
        return LURON_OK;
    }
    LURON_TRY(luron__options_rebind(&options, ctx, type, code->type, code->options, diffs));
    compare_ports(type, code->type, diffs);
    if (layer->dtype == LURON_F64 && !(type->layer.flags & LURON_LAYER_F64))
        luron__diff(diffs, "it serves float32 alone, the layer is float64");
    if (!options) return LURON_OK;
    LURON_TRY(luron__code_new(&next->code, ctx, type, options));
    LURON_TRY(match_slots(next, ctx, layer, diffs));
    if (diffs->n || atomic_load(&code->refs) == 1) return LURON_OK;
    next->was_pool = code->pool;
    next->was = copy_slots(code->pool, layer);
    return next->was ? LURON_OK : luron__nomem(ctx, sizeof *next->was);
}

luron_status luron__layer_rebind(luron__next_layer **out, luron_ctx *ctx, luron_layer *layer, const luron_type *type,
                                 luron__diffs *diffs) {
    luron__next_layer *next;
    LURON_TRY(luron__alloc(&next, ctx, sizeof *next));
    next->pool = ctx->pool;
    luron_status status = rebind(next, ctx, layer, type, diffs);
    if (status || diffs->n) {
        luron__next_layer_free(next);
        next = NULL;
    }
    *out = next;
    return status;
}

void luron__layer_switch(luron_layer *layer, luron__next_layer *next) {
    luron__code *old = layer->code;
    const luron_type *type = old->type; /* the contents of the two have been exchanged */
    old->type = next->code->type, next->code->type = type;
    old->was = next->was, next->was = NULL;
    layer->code = next->code, next->code = NULL;
    memcpy(layer->param, next->slots.param, sizeof layer->param);
    memcpy(layer->state, next->slots.state, sizeof layer->state);
    luron__code_unref(old);
    luron__next_layer_free(next);
}
