/* lazy.c -- layers whose first option, a size, is said by their first input. Until then they have no parameters; the draws
 * of their first numbers are set aside, so that they are those of a layer that was given the size.                   */
#include "graph.h"
#include "hooks.h"
#include "plan.h"

#include <stdio.h>
#include <string.h>

struct luron__lazy {
    int axis; /* of the first input; negative: from the last */
    uint32_t dtype;
    uint64_t seed, position; /* of the first numbers */
    bool bare;               /* it has no tensors, whatever its size */
};

/* "layer 'encoder.linear1' = Linear" */
static const char *words(char to[200], const luron_layer *layer) {
    const char *name = luron_layer_name(layer), *type = luron_type_name(layer->code->type);
    snprintf(to, 200, "layer %s%.80s%s%.80s", *name ? "'" : "", name, *name ? "' = " : "", type);
    return to;
}

static const char *size_name(const luron_layer *layer) { return layer->code->type->options[0].name; }

static void forget_slots(luron_layer *layer) {
    luron__slots_free(layer->pool, layer->param);
    luron__slots_free(layer->pool, layer->state);
    memset(layer->param, 0, sizeof layer->param);
    memset(layer->state, 0, sizeof layer->state);
}

/* ---- with a size ------------------------------------------------------------------------------------------------- */
static luron_status set_size(luron_ctx *ctx, luron_layer *layer, int64_t size) {
    const luron_arg arg = {.kind = LURON_ARG_INTEGER, .integer = size};
    const luron_type *type = layer->code->type;
    char what[200];
    void *options;
    luron__code *code;
    LURON_TRY(luron__options_new(&options, ctx, type, words(what, layer), layer->code->options, 1, &arg));
    LURON_TRY(luron__code_new(&code, ctx, type, options));
    luron__code_unref(layer->code);
    layer->code = code;
    return LURON_OK;
}

/* The parameters for this size, in the dtype in which they would have been made and then the one of now. *draws: how many
 * positions that took. What surrounds the call, a trace or a plan, does not hear of it.                              */
static luron_status declare(uint64_t *draws, luron_ctx *ctx, luron_layer *layer, int64_t size) {
    const luron__lazy *lazy = layer->lazy;
    const uint64_t seed = ctx->seed, position = ctx->position;
    const uint32_t dtype = layer->dtype;
    LURON_TRY(set_size(ctx, layer, size));
    luron_tracer *trace = ctx->trace;
    luron_plan *plan = luron__plan_pause(ctx);
    ctx->trace = NULL;
    ctx->seed = lazy->seed, ctx->position = lazy->position;
    layer->dtype = lazy->dtype;
    luron_status status = luron__layer_declare(ctx, layer);
    *draws = ctx->position - lazy->position;
    if (!status) status = luron_layer_set_dtype(ctx, layer, dtype);
    layer->dtype = dtype;
    ctx->seed = seed, ctx->position = position;
    luron__plan_resume(ctx, plan);
    ctx->trace = trace;
    if (status) forget_slots(layer);
    return status;
}

static bool is_bare(const luron_layer *layer) {
    for (int i = 0; i < LURON__MAX_SLOTS; i++)
        if (layer->param[i].tensor || layer->state[i].tensor) return false;
    return true;
}

/* Their number is the same for every size that goes with the other options: 1, or as many as there are groups. */
luron_status luron__lazy_set_aside(luron_ctx *ctx, luron_layer *layer) {
    const luron_type *type = layer->code->type;
    uint64_t draws;
    int64_t size = 1;
    for (int i = 0; i < type->n_options; i++)
        if (!strcmp(type->options[i].name, "groups")) size = luron__options_get(type, layer->code->options, i).integer;
    layer->lazy->seed = ctx->seed, layer->lazy->position = ctx->position;
    LURON_TRY(declare(&draws, ctx, layer, size));
    layer->lazy->bare = is_bare(layer);
    forget_slots(layer);
    ctx->position += draws;
    return LURON_OK;
}

/* ---- making ------------------------------------------------------------------------------------------------------ */
luron_status luron__lazy_new(luron_ctx *ctx, luron_layer *layer, int axis) {
    LURON_TRY(luron__alloc(&layer->lazy, ctx, sizeof *layer->lazy));
    layer->waits = true;
    layer->lazy->axis = axis;
    layer->lazy->dtype = layer->dtype;
    return luron__lazy_set_aside(ctx, layer);
}

luron_status luron__lazy_copy(luron_ctx *ctx, luron_layer *to, const luron_layer *from) {
    if (!from->lazy) return LURON_OK;
    LURON_TRY(luron__alloc(&to->lazy, ctx, sizeof *to->lazy));
    *to->lazy = *from->lazy;
    to->waits = from->waits;
    return LURON_OK;
}

void luron__lazy_free(luron_layer *layer) { luron__pool_free(layer->pool, layer->lazy, sizeof *layer->lazy); }

/* ---- the size ---------------------------------------------------------------------------------------------------- */
static void wait_again(luron_layer *layer) {
    forget_slots(layer);
    layer->waits = true;
}

luron_status luron_layer_resize(luron_ctx *ctx, luron_layer *layer, int64_t size) {
    char what[200];
    uint64_t draws;
    LURON__CHECK(ctx, layer->lazy, LURON_E_STATE, "%s: it was made with its size", words(what, layer));
    luron__plan_refuse(ctx, "gives a layer its size: do that outside of the step");
    wait_again(layer);
    if (size == 0) return LURON_OK;
    LURON_TRY(declare(&draws, ctx, layer, size));
    layer->waits = false;
    return LURON_OK;
}

static luron_status take_size(luron_ctx *ctx, luron_layer *layer, const luron_dims *in) {
    char what[200], shape[LURON__SHAPE_TEXT];
    uint64_t draws;
    const int axis = layer->lazy->axis, at = axis < 0 ? axis + in->ndim : axis;
    LURON__CHECK(ctx, in->dtype, LURON_E_ARGUMENT, "%s: the first input, which says %s, is absent", words(what, layer),
                 size_name(layer));
    LURON__CHECK(ctx, at >= 0 && at < in->ndim, LURON_E_SHAPE, "%s: the first input says %s, and %s has too few dims",
                 words(what, layer), size_name(layer), luron_shape_text(shape, sizeof shape, in->ndim, in->shape));
    LURON_TRY(declare(&draws, ctx, layer, in->shape[at]));
    layer->waits = false;
    return LURON_OK;
}

/* After a call that failed it is as if there had been none: the next input says the size. */
luron_status luron__lazy_run(luron_tensor **outs, luron_ctx *ctx, luron_layer *layer, int n_in, luron_tensor *const *ins) {
    luron_dims in = {0};
    if (n_in && ins[0]) {
        in.dtype = ins[0]->dtype, in.ndim = ins[0]->ndim;
        memcpy(in.shape, ins[0]->shape, sizeof in.shape);
    }
    LURON_TRY(take_size(ctx, layer, &in));
    luron_status status = luron__layer_run(outs, ctx, layer, n_in, ins);
    if (status) wait_again(layer);
    return status;
}

luron_status luron__lazy_infer(luron_dims *out_dims, luron_ctx *ctx, luron_layer *layer, int n_in, const luron_dims *in_dims) {
    LURON_TRY(take_size(ctx, layer, n_in ? in_dims : &(luron_dims){0}));
    luron_status status = luron_layer_infer(out_dims, ctx, layer, n_in, in_dims);
    if (status) wait_again(layer);
    return status;
}

/* ---- before it ---------------------------------------------------------------------------------------------------- */
luron_status luron_layer_check_sized(luron_ctx *ctx, const luron_layer *layer) {
    char what[200];
    LURON__CHECK(ctx, !layer->waits || layer->lazy->bare, LURON_E_STATE,
                 "%s: it has no parameters before its first input, which says %s: call the model on one first",
                 words(what, layer), size_name(layer));
    return LURON_OK;
}

luron_status luron_model_check_sized(luron_ctx *ctx, const luron_model *model) {
    for (int64_t i = 0; i < model->n_layers; i++) LURON_TRY(luron_layer_check_sized(ctx, model->layers[i].layer));
    return LURON_OK;
}
