/* The tape: applying ops, recording nodes, and letting go of them. A node is kept alive by the tensors it made; it
 * keeps its operands. Releasing is a loop, not a recursion, however long the chain.                                  */
#include "guard.h"
#include "hooks.h"
#include "plan.h"

#include <stddef.h>
#include <string.h>

bool luron__wants_tape(const luron_ctx *ctx, int n_in, luron_tensor *const *in) {
    for (int i = 0; ctx->recording && i < n_in; i++)
        if (in[i] && in[i]->requires_grad) return true;
    return false;
}

/* ---- reference counts --------------------------------------------------------------------------------------------- */
luron_tensor *luron_tensor_ref(luron_tensor *t) {
    if (t) atomic_fetch_add(&t->refs, 1);
    return t;
}

void luron__storage_unref(luron__storage *s) {
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1) return;
    if (s->plan && luron__plan_keeps(s)) return;
    luron__pool *pool = s->pool;
    if (s->in) luron__block_leave(s->in, s->data, s->bytes);
    else luron__pool_free(pool, s->data, s->bytes);
    luron__pool_free(pool, s, sizeof *s);
}

static void node_unref(luron__node *node, luron__node **dead) {
    if (!node || atomic_fetch_sub(&node->refs, 1) != 1) return;
    node->next_dead = *dead;
    *dead = node;
}

/* Nodes that nobody holds any more are put on the list `dead`. With a tensor goes its gradient, with that its own ... */
static void tensor_release(luron_tensor *t, luron__node **dead) {
    while (t && atomic_fetch_sub(&t->refs, 1) == 1) {
        luron_tensor *grad = t->grad;
        if (t->retains) luron__hooks_forget(t->node->hooks, t);
        if (t->hooks) luron__hooks_unref(t->hooks);
        luron__storage_unref(t->storage);
        node_unref(t->node, dead);
        luron__pool_free(t->pool, t, sizeof *t);
        t = grad;
    }
}

static void node_release_operands(luron__node *node, luron__node **dead) {
    for (int i = 0; i < node->n_in; i++) {
        tensor_release(node->in[i], dead);
        node->in[i] = NULL;
    }
}

/* The first version of luron_function ended with `backward`. */
static bool has_release(const luron_function *fn) { return fn->struct_size >= sizeof *fn && fn->release; }

/* Let go of what hangs on a node beside its operands. */
static void release_content(luron__node *node) {
    luron__layer_call_free(node->pool, node->layer);
    if (node->function && has_release(node->function)) node->function->release(node->ud);
    luron__hooks_unref(node->hooks);
    node->layer = NULL, node->function = NULL, node->hooks = NULL;
}

/* The list of the drain that this thread is in: what a function lets go of with its data, which may be the node before
 * it, goes there too.                                                                                                */
static _Thread_local luron__node **draining;

static void node_free(luron__node *node, luron__node **dead) {
    node_release_operands(node, dead);
    for (int i = 0; i < node->n_out; i++) tensor_release(node->out[i], dead);
    release_content(node);
    luron__type_unref(node->type);
    luron__strfree(node->pool, node->label);
    luron__strfree(node->pool, node->where);
    luron__pool_free(node->pool, node, node->bytes);
}

static void drain(luron__node *dead) {
    luron__node **outer = draining, *node;
    if (!outer) draining = &dead;
    while ((node = dead)) {
        dead = node->next_dead;
        if (outer) node->next_dead = *outer, *outer = node;
        else node_free(node, &dead);
    }
    draining = outer;
}

void luron_tensor_unref(luron_tensor *t) {
    luron__node *dead = NULL;
    if (!t) return;
    tensor_release(t, &dead);
    if (dead) drain(dead);
}

void luron__node_unref(luron__node *node) {
    luron__node *dead = NULL;
    node_unref(node, &dead);
    drain(dead);
}

/* For the message of a backward that comes here again. */
static void keep_name(luron__node *node) {
    if (node->layer) node->type = luron__type_ref(node->layer->code->type);
    if (!node->function) return;
    size_t bytes = strlen(node->function->name) + 1;
    node->label = luron__pool_alloc(node->pool, bytes);
    if (node->label) memcpy(node->label, node->function->name, bytes);
}

void luron__node_use(luron__node *node) {
    luron__node *dead = NULL;
    keep_name(node);
    node->used = LURON__USED;
    node_release_operands(node, &dead);
    for (int i = 0; i < node->n_out; i++) {
        luron__storage_unref(node->out[i]->storage);
        node->out[i]->storage = NULL;
    }
    release_content(node);
    drain(dead);
}

/* ---- recording ---------------------------------------------------------------------------------------------------- */
/* What the node keeps of operand x: x itself, or its shape and its place on the tape. */
static luron_status keep_operand(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, bool saved) {
    if (!x || saved || (x->requires_grad && !x->node)) {
        *out = luron_tensor_ref(x);
        return LURON_OK;
    }
    LURON_TRY(luron__tensor_alias(out, ctx, x));
    luron__storage_unref((*out)->storage);
    (*out)->storage = NULL;
    (*out)->requires_grad = x->requires_grad;
    (*out)->node_out = x->node_out;
    (*out)->node = x->node;
    if (x->node) atomic_fetch_add(&x->node->refs, 1);
    return LURON_OK;
}

/* Above those of all operands, also of such as were made in another context: no loop, and the order of backward. */
static uint64_t next_seq(luron_ctx *ctx, int n_in, luron_tensor *const *in) {
    for (int i = 0; i < n_in; i++)
        if (in[i] && in[i]->node && in[i]->node->seq > ctx->seq) ctx->seq = in[i]->node->seq;
    return ++ctx->seq;
}

luron_status luron__node_record(luron__node **result, luron_ctx *ctx, const luron__op *op, const luron__attrs *attrs, int n_in, luron_tensor *const *in, const bool *saved_in, int n_out,
                                luron_tensor *const *out, const bool *saved_out) {
    size_t bytes = sizeof(luron__node) + (size_t)(n_in + n_out) * (sizeof(luron_tensor *) + sizeof(uint64_t)) + (size_t)n_in;
    luron__node *node;
    LURON_TRY(luron__alloc(&node, ctx, bytes));
    node->refs = 1; /* ours until the outputs hold it */
    node->op = op, node->seq = next_seq(ctx, n_in, in), node->bytes = bytes, node->pool = ctx->pool;
    if (attrs) node->attrs = *attrs;
    node->in = (luron_tensor **)(node + 1);
    node->out = node->in + n_in;
    node->version = (uint64_t *)(node->out + n_out);
    node->wants = (uint8_t *)(node->version + n_in + n_out);
    luron_status status = LURON_OK;
    for (int i = 0; i < n_in && !status; i++) {
        status = keep_operand(&node->in[i], ctx, in[i], saved_in[i]);
        if (status) break;
        node->n_in = i + 1;
        node->wants[i] = in[i] && in[i]->requires_grad;
        node->version[i] = in[i] && saved_in[i] ? luron_tensor_version(in[i]) : UINT64_MAX;
    }
    for (int i = 0; i < n_out && !status; i++) {
        status = luron__tensor_alias(&node->out[i], ctx, out[i]);
        if (status) break;
        node->n_out = i + 1;
        node->version[n_in + i] = saved_out[i] ? luron_tensor_version(out[i]) : UINT64_MAX;
        if (!saved_out[i]) {
            luron__storage_unref(node->out[i]->storage);
            node->out[i]->storage = NULL;
        }
    }
    if (status) {
        luron__node_unref(node);
        return status;
    }
    if (ctx->anomaly) luron__note_place(ctx, node);
    *result = NULL;
    for (int i = 0; i < n_out; i++) {
        if (!luron_dtype_is_float(out[i]->dtype)) continue;
        *result = node;
        out[i]->node = node;
        out[i]->node_out = i;
        out[i]->requires_grad = true;
        atomic_fetch_add(&node->refs, 1);
    }
    luron__node_unref(node);
    return LURON_OK;
}

luron_status luron__node_output(luron_tensor **out, luron_ctx *ctx, const luron__node *node, int k) {
    LURON_TRY(luron__tensor_alias(out, ctx, node->out[k]));
    (*out)->node = (luron__node *)node;
    (*out)->node_out = k;
    (*out)->requires_grad = true;
    atomic_fetch_add(&(*out)->node->refs, 1);
    return LURON_OK;
}

/* ---- ops ---------------------------------------------------------------------------------------------------------- */
static luron_status record_op(luron_ctx *ctx, const luron__apply *a, luron_tensor *out) {
    enum { FEW = 8 };
    bool few[FEW], *saved = few, saved_out = (a->op->saves & LURON__SAVE_OUT) != 0;
    if (a->n_in > FEW) LURON_TRY(luron__alloc(&saved, ctx, (size_t)a->n_in));
    for (int i = 0; i < a->n_in; i++) saved[i] = (a->op->saves & LURON__SAVE_IN(i < 30 ? i : 30)) != 0;
    luron__node *node;
    luron_status status = luron__node_record(&node, ctx, a->op, &a->attrs, a->n_in, a->in, saved, 1, &out, &saved_out);
    if (saved != few) luron__free(ctx, saved, (size_t)a->n_in);
    return status;
}

/* Dtype and shape of the output, of which a tensor can be. */
static luron_status infer_op(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(a->op->infer(ctx, a));
    luron_status status = luron__check_shape(ctx, a->dtype, a->ndim, a->shape, NULL);
    return status ? luron__wrap(ctx, status, "%s", a->op->name) : LURON_OK;
}

static luron_status apply_op(luron_tensor **result, luron_ctx *ctx, const luron__op *op, int n_in, luron_tensor *const *in, const luron__attrs *attrs) {
    luron__apply a = {.op = op, .n_in = n_in, .in = in};
    if (attrs) a.attrs = *attrs;
    LURON_TRY(infer_op(ctx, &a));
    luron_tensor *out;
    luron_status status = LURON_OK;
    if (a.is_view) {
        LURON_TRY(luron__tensor_alias(&out, ctx, in[0]));
        out->is_number = false;
        out->ndim = a.ndim, out->offset = a.offset;
        memcpy(out->shape, a.shape, sizeof a.shape);
        memcpy(out->strides, a.strides, sizeof a.strides);
    } else {
        LURON_TRY(luron__tensor_make(&out, ctx, a.dtype, a.ndim, a.shape));
        a.out = out;
        luron_plan *plan = luron__plan_pause(ctx);
        status = op->compute(ctx, &a);
        luron__plan_resume(ctx, plan);
        if (!status) luron__plan_op(ctx, &a);
    }
    out->unrecorded = !ctx->recording;
    if (!status && luron__is_guarded(ctx) && !a.is_view) status = luron__guard_op(ctx, &a, out);
    if (!status && op->gradient && luron_dtype_is_float(out->dtype) && luron__wants_tape(ctx, n_in, in)) status = record_op(ctx, &a, out);
    if (status) {
        luron_tensor_unref(out);
        return status;
    }
    *result = out;
    return LURON_OK;
}

/* Noted by the trace; what the op applies for itself is not. */
static luron_status apply_traced(luron_tensor **result, luron_ctx *ctx, const luron__op *op, int n_in, luron_tensor *const *in, const luron__attrs *attrs) {
    luron_tracer *trace = ctx->trace;
    luron_tensor *out;
    LURON_TRY(luron__tracer_check_op(ctx, op, n_in, in));
    ctx->trace = NULL;
    luron_status status = apply_op(&out, ctx, op, n_in, in, attrs);
    ctx->trace = trace;
    LURON_TRY(status);
    status = luron__tracer_op(ctx, op, attrs, n_in, in, out);
    if (status) {
        luron_tensor_unref(out);
        return status;
    }
    *result = out;
    return LURON_OK;
}

/* A header without storage. */
static luron_status apply_to_shapes(luron_tensor **result, luron_ctx *ctx, const luron__op *op, int n_in, luron_tensor *const *in, const luron__attrs *attrs) {
    luron__apply a = {.op = op, .n_in = n_in, .in = in};
    luron_tensor made = {0};
    if (attrs) a.attrs = *attrs;
    LURON_TRY(infer_op(ctx, &a));
    made.dtype = a.dtype, made.ndim = a.ndim, made.offset = a.offset;
    memcpy(made.shape, a.shape, sizeof a.shape);
    memcpy(made.strides, a.strides, sizeof a.strides);
    if (!a.is_view) luron__set_contiguous(&made);
    return luron__tensor_alias(result, ctx, &made);
}

luron_status luron__apply_op(luron_tensor **result, luron_ctx *ctx, const luron__op *op, int n_in, luron_tensor *const *in, const luron__attrs *attrs) {
    return (ctx->shapes_only ? apply_to_shapes : ctx->trace ? apply_traced : apply_op)(result, ctx, op, n_in, in, attrs);
}

luron_status luron__apply_named(luron_tensor **result, luron_ctx *ctx, const luron__op *op, int n_in, luron_tensor *const *in, const luron__attrs *attrs) {
    return op->call ? op->call(result, ctx, op, n_in, in, attrs) : luron__apply_op(result, ctx, op, n_in, in, attrs);
}

luron_status luron__infer_named(luron_dims *to, luron_ctx *ctx, const luron__op *op, int n_in, luron_tensor *const *in, const luron__attrs *attrs) {
    luron_tensor *out;
    bool before = ctx->shapes_only;
    ctx->shapes_only = true;
    luron_status status = luron__apply_named(&out, ctx, op, n_in, in, attrs);
    ctx->shapes_only = before;
    LURON_TRY(status);
    *to = (luron_dims){.dtype = out->dtype, .ndim = out->ndim};
    memcpy(to->shape, out->shape, sizeof to->shape);
    luron_tensor_unref(out);
    return LURON_OK;
}

/* ---- functions with a gradient of their own ------------------------------------------------------------------------ */
const luron__op luron__op_function = {.name = "function"};

static luron_status check_function(luron_ctx *ctx, const luron_function *fn, int n_in, luron_tensor *const *ins, int n_out, luron_tensor **outs) {
    LURON__CHECK(ctx, fn->struct_size >= offsetof(luron_function, release), LURON_E_ARGUMENT, "record: struct_size of luron_function is %u, at least %zu expected (sizeof the struct)",
                 fn->struct_size, offsetof(luron_function, release));
    LURON__CHECK(ctx, fn->name && fn->backward, LURON_E_ARGUMENT, "record: a function needs a name and a backward");
    for (int i = 0; i < n_out; i++) {
        LURON__CHECK(ctx, !outs[i]->requires_grad, LURON_E_STATE, "%s: output %d is already on the tape: compute it with recording off", fn->name, i + ctx->index_base);
        for (int k = 0; k < n_in; k++)
            LURON__CHECK(ctx, outs[i] != ins[k], LURON_E_ARGUMENT, "%s: output %d is input %d: a tensor cannot be made from itself (detach gives another one over the same memory)",
                         fn->name, i + ctx->index_base, k + ctx->index_base);
    }
    return LURON_OK;
}

luron_status luron_record(luron_ctx *ctx, const luron_function *fn, void *ud, int n_in, luron_tensor *const *ins, int n_out, luron_tensor **outs) {
    LURON_TRY(luron_tracer_refuse(ctx, "applies a function with a gradient of its own, which no file can hold"));
    LURON_TRY(check_function(ctx, fn, n_in, ins, n_out, outs));
    if (luron__is_guarded(ctx)) LURON_TRY(luron__guard_function(ctx, fn->name, n_in, ins, n_out, outs));
    if (!luron__wants_tape(ctx, n_in, ins)) {
        if (has_release(fn)) fn->release(ud);
        return LURON_OK;
    }
    bool *no;
    size_t bytes = (size_t)(n_in + n_out);
    LURON_TRY(luron__alloc(&no, ctx, bytes));
    luron__node *node;
    luron_status status = luron__node_record(&node, ctx, &luron__op_function, NULL, n_in, ins, no, n_out, outs, no + n_in);
    luron__free(ctx, no, bytes);
    if (status) return status;
    if (node) node->function = fn, node->ud = ud;
    else if (has_release(fn)) fn->release(ud);
    return LURON_OK;
}

/* ---- leaves ------------------------------------------------------------------------------------------------------- */
int luron_ctx_set_recording(luron_ctx *ctx, int on) {
    int was = ctx->recording;
    ctx->recording = on != 0;
    return was;
}
int luron_ctx_is_recording(const luron_ctx *ctx) { return ctx->recording; }
int luron_tensor_requires_grad(const luron_tensor *t) { return t->requires_grad; }
int luron_tensor_is_leaf(const luron_tensor *t) { return t->node == NULL; }
luron_tensor *luron_tensor_grad(const luron_tensor *t) { return t->grad; }

luron_status luron_tensor_set_requires_grad(luron_ctx *ctx, luron_tensor *t, int on) {
    LURON__CHECK(ctx, !t->node, LURON_E_STATE, "requires_grad: only a leaf can change it; this tensor was made by '%s' (detach gives a leaf)", t->node->op->name);
    LURON__CHECK(ctx, !on || t->dtype == LURON_F32 || t->dtype == LURON_F64, LURON_E_DTYPE, "requires_grad: float32 or float64 expected, got %s", luron_dtype_name(t->dtype));
    t->requires_grad = on != 0;
    return LURON_OK;
}

luron_status luron_tensor_set_grad(luron_ctx *ctx, luron_tensor *t, luron_tensor *grad) {
    if (grad) {
        char a[LURON__SHAPE_TEXT], b[LURON__SHAPE_TEXT];
        LURON__CHECK(ctx, luron__same_shape(t, grad), LURON_E_SHAPE, "grad: shape %s expected, got %s", luron_shape_text(a, sizeof a, t->ndim, t->shape),
                     luron_shape_text(b, sizeof b, grad->ndim, grad->shape));
        LURON__CHECK(ctx, t->dtype == grad->dtype, LURON_E_DTYPE, "grad: %s expected, got %s", luron_dtype_name(t->dtype), luron_dtype_name(grad->dtype));
        LURON__CHECK(ctx, t != grad, LURON_E_ARGUMENT, "grad: a tensor cannot be its own gradient");
    }
    luron__plan_leaf(ctx, t, !grad);
    if (grad) grad->storage->gradient = true;
    luron_tensor *old = t->grad;
    t->grad = luron_tensor_ref(grad);
    luron_tensor_unref(old);
    return LURON_OK;
}
