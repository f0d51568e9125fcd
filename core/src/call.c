/* Applying a layer: the forward of a fused type, the function of an element-wise one, or the ops of a composite. */
#include "guard.h"
#include "hooks.h"
#include "plan.h"
#include "profile.h"
#include "strict.h"

#include <string.h>

const luron__op luron__op_layer = {.name = "layer"};

void luron__layer_call_free(luron__pool *pool, struct luron__layer_call *call) {
    if (!call) return;
    for (int s = 0; s < LURON__MAX_SLOTS; s++)
        if (call->saved[s]) luron_tensor_unref(call->saved[s]);
    luron__code_unref(call->code); /* before the layer, whose own code counts on it: luron_plugin_reload */
    luron_layer_unref(call->layer);
    luron__pool_free(pool, call, sizeof *call);
}

/* ---- operands ---------------------------------------------------------------------------------------------------- */
static luron_status take_inputs(luron__frame *f, luron_tensor *const *ins) {
    for (int i = 0; i < f->call.n_in; i++)
        if (ins[i]) luron__frame_set_in(f, i, luron__view(ins[i]));
    LURON_TRY(luron__frame_check_ins(f));
    for (int i = 0; i < f->call.n_in; i++) {
        if (!ins[i]) continue;
        LURON_TRY(luron_contiguous(&f->operand[i], f->ctx, ins[i]));
        luron__frame_set_in(f, i, luron__view(f->operand[i]));
    }
    luron__frame_mark_ids(f);
    return LURON_OK;
}

/* Operands behind the inputs: the parameters in slot order. After setup, which may have declared some. */
static luron_status take_params(luron__frame *f) {
    for (int s = 0; s < LURON__MAX_SLOTS; s++) {
        luron_tensor *t = f->layer->param[s].tensor;
        if (!t) continue;
        LURON_TRY(luron_contiguous(&f->operand[f->n_operands], f->ctx, t));
        luron__frame_show_param(f, s, f->operand[f->n_operands]);
        f->param_at[s] = f->n_operands++;
    }
    return LURON_OK;
}

/* ---- composites -------------------------------------------------------------------------------------------------- */
/* What setup said, if it said anything, has to come out. */
static luron_status check_composed(luron__frame *f) {
    for (int i = 0; i < f->call.n_out; i++) {
        const luron_tensor *t = f->composed[i];
        const luron_dims *d = &f->out[i];
        if (f->out_ndim[i] < 0) continue;
        char a[LURON__SHAPE_TEXT], b[LURON__SHAPE_TEXT];
        LURON__CHECK(f->ctx,
                     t->dtype == d->dtype && t->ndim == d->ndim &&
                         memcmp(t->shape, d->shape, (size_t)d->ndim * sizeof *d->shape) == 0,
                     LURON_E_PLUGIN, "plugin '%s': output %d is %s %s, setup said %s %s", f->type->plugin, i,
                     luron_dtype_name(t->dtype), luron_shape_text(a, sizeof a, t->ndim, t->shape),
                     luron_dtype_name(d->dtype), luron_shape_text(b, sizeof b, d->ndim, d->shape));
    }
    return LURON_OK;
}

static void take_position(luron__frame *f) {
    if (f->type->layer.flags & LURON_LAYER_RANDOM && f->call.flags & LURON_CALL_TRAINING)
        f->call.random_position = f->ctx->position++;
}

static luron_status apply_composite(luron__frame *f) {
    luron__plan_applies(f->ctx, f->layer, NULL);
    take_position(f);
    if (f->ctx->recording) f->call.flags |= LURON_CALL_RECORDING;
    LURON_TRY(luron__frame_open_state(f, false));
    LURON_TRY(luron__frame_compose(f));
    return check_composed(f);
}

/* ---- fused types ------------------------------------------------------------------------------------------------- */
static luron_status make_outputs(luron__frame *f, luron_tensor **outs) {
    luron_call *c = &f->call;
    for (int i = 0; i < c->n_out; i++) {
        LURON_TRY(luron__tensor_make(&outs[i], f->ctx, f->out[i].dtype, f->out[i].ndim, f->out[i].shape));
        f->out_view[i] = luron__view(outs[i]);
        c->out[i] = &f->out_view[i];
    }
    for (int s = 0; s < c->n_saved; s++) {
        if (!c->saved[s]) continue;
        const luron_dims *d = &f->saved_dims[s];
        LURON_TRY(luron__tensor_make(&f->saved[s], f->ctx, d->dtype, d->ndim, d->shape));
        f->saved_view[s] = luron__view(f->saved[s]);
    }
    return LURON_OK;
}

/* Is there something for a backward to do? */
static bool wants_node(const luron__frame *f) {
    bool real = false;
    for (int i = 0; i < f->call.n_out; i++) real |= luron_dtype_is_float(f->out[i].dtype) != 0;
    return real && luron__wants_tape(f->ctx, f->n_operands, f->operand);
}

static luron_status keep_call(struct luron__layer_call **out, luron__frame *f) {
    struct luron__layer_call *lc;
    LURON_TRY(luron__alloc(&lc, f->ctx, sizeof *lc));
    lc->layer = luron_layer_ref(f->layer), lc->code = luron__code_ref(f->code);
    lc->flags = f->call.flags, lc->dtype = f->call.dtype;
    lc->seed = f->seed, lc->position = f->call.random_position;
    lc->scratch_bytes = f->scratch_bytes;
    lc->index_base = (int)f->call.index_base, lc->n_in = f->call.n_in;
    memcpy(lc->param_at, f->param_at, sizeof lc->param_at);
    for (int s = 0; s < f->call.n_saved; s++) lc->saved[s] = luron_tensor_ref(f->saved[s]);
    *out = lc;
    return LURON_OK;
}

static luron_status record(luron__frame *f, luron_tensor **outs) {
    struct luron__layer_call *lc;
    luron__node *node;
    bool keep_out[LURON__MAX_SLOTS], higher = f->ctx->higher && f->type->layer.compose;
    for (int i = 0; i < f->n_operands; i++) f->keep[i] = i >= f->call.n_in || higher || !luron__frees_in(f->type);
    for (int i = 0; i < f->call.n_out; i++) keep_out[i] = !luron__frees_out(f->type);
    LURON_TRY(keep_call(&lc, f));
    luron_status status = luron__node_record(&node, f->ctx, &luron__op_layer, NULL, f->n_operands, f->operand, f->keep,
                                             f->call.n_out, outs, keep_out);
    if (status)
        luron__layer_call_free(f->ctx->pool, lc);
    else
        node->layer = lc;
    return status;
}

luron_status luron__frame_forward(luron__frame *f) {
    if (!luron__is_elementwise(f->type)) return luron__frame_call(f, LURON__PHASE_RUN, "forward", f->type->layer.forward);
    luron__elementwise_forward(f);
    return LURON_OK;
}

static luron_status apply_fused(luron__frame *f, luron_tensor **outs) {
    bool training = f->call.flags & LURON_CALL_TRAINING, recording = wants_node(f);
    LURON_TRY(make_outputs(f, outs));
    for (int i = 0; i < f->call.n_out; i++) outs[i]->unrecorded = !f->ctx->recording;
    LURON_TRY(luron__frame_open_state(f, training && !f->ctx->recomputing));
    LURON_TRY(luron__frame_open_scratch(f));
    take_position(f);
    if (recording) f->call.flags |= LURON_CALL_RECORDING;
    if (f->ctx->strict) LURON_TRY(luron__strict_forward(f, luron__frame_forward));
    luron_plan *plan = luron__plan_pause(f->ctx);
    luron_status status = luron__frame_forward(f);
    luron__plan_resume(f->ctx, plan);
    LURON_TRY(status);
    luron__plan_layer(f->ctx, f, false, NULL, NULL);
    for (int s = 0; s < f->call.n_state && training; s++)
        if (f->state[s]) luron_tensor_touch(f->state[s]);
    if (luron__is_guarded(f->ctx)) LURON_TRY(luron__guard_layer(f, outs));
    return recording ? record(f, outs) : LURON_OK;
}

/* ---- public ------------------------------------------------------------------------------------------------------ */
luron_status luron__layer_run(luron_tensor **outs, luron_ctx *ctx, luron_layer *layer, int n_in,
                              luron_tensor *const *ins) {
    if (layer->waits) return luron__lazy_run(outs, ctx, layer, n_in, ins);
    luron__frame f;
    luron_tensor *made[LURON__MAX_SLOTS] = {0};
    uint64_t position = ctx->position;
    luron__span span = luron__span_of(ctx);
    luron_status status = luron__frame_open(&f, ctx, layer, layer->code, n_in);
    if (!status) status = take_inputs(&f, ins);
    if (!status) luron__frame_show_params(&f);
    if (!status) status = luron__frame_setup(&f);
    if (!status) status = take_params(&f);
    if (!status) status = luron__is_composite(f.type) ? apply_composite(&f) : apply_fused(&f, made);
    luron__span_end_layer(&span, &f, false);
    for (int i = 0; i < f.call.n_out; i++) {
        if (status) {
            luron_tensor_unref(made[i]);
            continue;
        }
        outs[i] = made[i] ? made[i] : f.composed[i];
        if (!made[i]) f.composed[i] = NULL;
    }
    if (status) {
        ctx->position = position; /* as if it had not been tried */
        luron__frame_explain(&f, status);
    }
    luron__frame_close(&f);
    return status;
}

/* Noted by a trace as one step, whatever ops it is made of. */
static luron_status apply_traced(luron_tensor **outs, luron_ctx *ctx, luron_layer *layer, int n_in,
                                 luron_tensor *const *ins) {
    luron_tracer *tracer = ctx->trace;
    luron_tensor *made[LURON__MAX_SLOTS];
    if (layer->hooks) return luron_tracer_refuse(ctx, "applies a layer with hooks, which no file can hold: remove them first");
    ctx->trace = NULL;
    luron_status status = luron__layer_run(made, ctx, layer, n_in, ins);
    ctx->trace = tracer;
    LURON_TRY(status);
    int n_out = luron_layer_n_outs(layer);
    status = luron__tracer_layer_call(ctx, layer, n_in, ins, n_out, made);
    for (int i = 0; i < n_out; i++) {
        if (status) luron_tensor_unref(made[i]);
        else outs[i] = made[i];
    }
    return status;
}

luron_status luron_layer_apply(luron_tensor **outs, luron_ctx *ctx, luron_layer *layer, int n_in,
                               luron_tensor *const *ins) {
    LURON__CHECK(ctx, n_in >= 0 && (n_in == 0 || ins), LURON_E_ARGUMENT, "layer_apply: %d inputs", n_in);
    if (ctx->trace) return apply_traced(outs, ctx, layer, n_in, ins);
    if (layer->hooks) luron__plan_refuse(ctx, "calls a hook of a layer");
    return layer->hooks ? luron__apply_hooked(outs, ctx, (luron__owner){.layer = layer}, n_in, ins, layer->code->type->n_out)
                        : luron__layer_run(outs, ctx, layer, n_in, ins);
}

/* A composite whose setup does not say its shapes says them by running: on zeros (the first id), without a trace. */
static luron_status infer_by_running(luron__frame *f, const luron_dims *in_dims) {
    for (int i = 0; i < f->call.n_in; i++) {
        const luron_dims *d = &in_dims[i];
        if (!d->dtype) continue;
        bool ids = luron__port_in(f->type, i)->flags & LURON_PORT_INDEX;
        LURON_TRY(luron_tensor_full(&f->operand[i], f->ctx, d->dtype, d->ndim, d->shape, ids ? f->ctx->index_base : 0));
        luron__frame_set_in(f, i, luron__view(f->operand[i]));
    }
    luron__frame_mark_ids(f);
    LURON_TRY(take_params(f));
    LURON_TRY(luron__frame_open_state(f, false));
    f->hostile.trusted = true; /* zeros may give what is not finite */
    LURON_TRY(luron__frame_compose(f));
    for (int i = 0; i < f->call.n_out; i++) {
        const luron_tensor *t = f->composed[i];
        f->out[i].dtype = t->dtype, f->out[i].ndim = t->ndim;
        memcpy(f->out[i].shape, t->shape, sizeof t->shape);
    }
    return LURON_OK;
}

luron_status luron_layer_infer(luron_dims *out_dims, luron_ctx *ctx, luron_layer *layer, int n_in,
                               const luron_dims *in_dims) {
    LURON__CHECK(ctx, n_in >= 0 && (n_in == 0 || in_dims), LURON_E_ARGUMENT, "layer_infer: %d inputs", n_in);
    for (int i = 0; i < n_in; i++)
        if (in_dims[i].dtype)
            LURON_TRY(luron__check_shape(ctx, in_dims[i].dtype, in_dims[i].ndim, in_dims[i].shape, NULL));
    if (layer->waits) return luron__lazy_infer(out_dims, ctx, layer, n_in, in_dims);
    luron__frame f;
    int recording = luron_ctx_set_recording(ctx, 0);
    luron_status status = luron__frame_open(&f, ctx, layer, layer->code, n_in);
    if (!status) {
        luron__frame_show_dims(&f, in_dims);
        status = luron__frame_check_ins(&f);
    }
    if (!status) luron__frame_show_params(&f);
    if (!status) status = luron__frame_setup(&f);
    bool run = false;
    for (int i = 0; i < f.call.n_out; i++) run |= f.out_ndim[i] < 0;
    if (!status && run) status = infer_by_running(&f, in_dims);
    for (int i = 0; i < f.call.n_out && !status; i++) out_dims[i] = f.out[i];
    if (status) luron__frame_explain(&f, status);
    luron__frame_close(&f);
    luron_ctx_set_recording(ctx, recording);
    return status;
}
