/* The backward of a layer node, and both directions of element-wise types. */
#include "guard.h"
#include "plan.h"
#include "profile.h"
#include "strict.h"

#include <string.h>

/* ---- element-wise types ------------------------------------------------------------------------------------------ */
static void *view_data(const luron_view *v) { return luron_data(v); }

typedef struct ew_job {
    const luron_elementwise *fn;
    luron_run run;
    const char *x, *y, *gy;
    char *to;
    bool add; /* to += instead of to = */
} ew_job;

static const char *step(const char *p, int64_t bytes) { return p ? p + bytes : NULL; }

static void apply_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const ew_job *j = arg;
    luron_run r = j->run;
    int64_t at = begin * (r.dtype == LURON_F64 ? 8 : 4);
    (void)chunk;
    r.n = end - begin, r.x = j->x + at, r.to = j->to + at;
    j->fn->apply(&r);
}

static void add_run(uint32_t dtype, int64_t n, const void *from, void *to) {
    if (dtype == LURON_F64)
        for (int64_t i = 0; i < n; i++) ((double *)to)[i] += ((const double *)from)[i];
    else
        for (int64_t i = 0; i < n; i++) ((float *)to)[i] += ((const float *)from)[i];
}

static void derive_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    enum { BUFFER = 1024 };
    const ew_job *j = arg;
    luron_run r = j->run;
    double buffer[BUFFER]; /* holds floats as well */
    int64_t size = r.dtype == LURON_F64 ? 8 : 4, most = j->add ? BUFFER : end - begin;
    (void)chunk;
    for (int64_t i = begin; i < end; i += most) {
        r.n = end - i < most ? end - i : most;
        r.x = step(j->x, i * size), r.y = step(j->y, i * size), r.gy = j->gy + i * size;
        r.to = j->add ? (void *)buffer : j->to + i * size;
        j->fn->derive(&r);
        if (j->add) add_run(r.dtype, r.n, buffer, j->to + i * size);
    }
}

static ew_job job_of(const luron__frame *f) {
    return (ew_job){.fn = &f->type->elementwise,
                    .run = {.struct_size = sizeof(luron_run),
                            .dtype = f->call.dtype,
                            .host = f->call.host,
                            .options = f->call.options}};
}

static int64_t grain_of(const luron__frame *f) { return f->hostile.grain ? f->hostile.grain : LURON__EW_GRAIN; }

void luron__elementwise_forward(luron__frame *f) {
    ew_job j = job_of(f);
    j.x = view_data(f->call.in[0]), j.to = view_data(f->call.out[0]);
    luron__parallel_for(f->ctx->threads, luron_numel(f->call.in[0]), grain_of(f), apply_chunk, &j);
}

static void elementwise_backward(luron__frame *f) {
    double beta;
    luron_view *to = luron_grad_in_beta(&f->call, 0, &beta);
    if (!to) return;
    ew_job j = job_of(f);
    j.x = view_data(f->call.in[0]), j.y = view_data(f->call.out[0]); /* one of the two is NULL: restore */
    j.gy = view_data(f->call.grad_out[0]), j.to = view_data(to), j.add = beta != 0;
    luron__parallel_for(f->ctx->threads, luron_numel(to), grain_of(f), derive_chunk, &j);
}

static luron_status run_backward_once(luron__frame *f) {
    if (!luron__is_elementwise(f->type)) return luron__frame_call(f, LURON__PHASE_RUN, "backward", f->type->layer.backward);
    elementwise_backward(f);
    return LURON_OK;
}

/* ---- the call as it was ------------------------------------------------------------------------------------------ */
static void restore(luron__frame *f, const luron__node *node) {
    const struct luron__layer_call *lc = node->layer;
    luron_call *c = &f->call;
    c->flags = lc->flags, c->dtype = lc->dtype, c->index_base = lc->index_base, c->random_position = lc->position;
    f->seed = lc->seed, f->scratch_bytes = lc->scratch_bytes;
    bool no_in = luron__frees_in(f->type), no_out = luron__frees_out(f->type);
    for (int i = 0; i < lc->n_in; i++) {
        if (!node->in[i]) continue;
        luron_view v = luron__view(node->in[i]);
        if (no_in) v.data = NULL; /* also where it happens to be there: a wrong flag fails at once */
        luron__frame_set_in(f, i, v);
    }
    luron__frame_mark_ids(f);
    for (int i = 0; i < node->n_out; i++) {
        f->out_view[i] = luron__view(node->out[i]);
        if (no_out) f->out_view[i].data = NULL;
        c->out[i] = &f->out_view[i];
    }
    for (int s = 0; s < LURON__MAX_SLOTS; s++) {
        if (lc->param_at[s] >= 0) luron__frame_show_param(f, s, node->in[lc->param_at[s]]);
        if (!lc->saved[s]) continue;
        f->saved_view[s] = luron__view(lc->saved[s]);
        c->saved[s] = &f->saved_view[s];
        c->n_saved = s + 1;
    }
}

/* ---- first derivatives ------------------------------------------------------------------------------------------- */
/* Memory for the gradient of one operand. */
typedef struct target {
    luron_tensor **slot; /* NULL: no gradient is wanted */
    luron_tensor *t;
    bool own, fresh, shared; /* own: not what the slot holds now; shared: another operand adds to it too */
} target;

static bool is_exclusive(const luron_tensor *g, const luron_tensor *x) {
    return g->refs == 1 && g->storage->refs == 1 && !g->requires_grad && g->dtype == x->dtype &&
           luron__same_shape(g, x) && luron_tensor_is_contiguous(g);
}

static luron_status open_target(target *targets, int i, luron_ctx *ctx, luron__run *run, const luron__node *node) {
    luron_tensor *x = node->in[i];
    target *t = &targets[i];
    t->slot = x && node->wants[i] ? luron__run_slot(run, x) : NULL;
    if (!t->slot) return LURON_OK;
    for (int k = 0; k < i; k++) {
        if (targets[k].slot != t->slot) continue;
        targets[k].shared = true;
        t->t = targets[k].t;
        return LURON_OK;
    }
    if (*t->slot && is_exclusive(*t->slot, x)) {
        t->t = *t->slot;
        return LURON_OK;
    }
    LURON_TRY(luron__tensor_make(&t->t, ctx, x->dtype, x->ndim, x->shape));
    t->own = true, t->fresh = !*t->slot;
    return t->fresh ? LURON_OK : luron_tensor_copy(ctx, t->t, *t->slot);
}

static void zero(luron_ctx *ctx, luron_tensor *t) {
    luron__plan_zero(ctx, t);
    memset(luron__data(t), 0, (size_t)luron_tensor_numel(t) * (size_t)luron_dtype_size(t->dtype));
}

/* A tensor in two places of the call: each place adds, so its gradient begins at zero. */
static void zero_shared(luron_ctx *ctx, target *targets, int n) {
    for (int i = 0; i < n; i++) {
        if (!targets[i].shared || !targets[i].fresh) continue;
        zero(ctx, targets[i].t);
        targets[i].fresh = false;
    }
}

static void show_targets(luron__frame *f, target *targets, const luron__node *node) {
    luron_call *c = &f->call;
    for (int i = 0; i < c->n_in; i++) {
        if (!targets[i].slot) continue;
        f->grad_in_view[i] = luron__view(targets[i].t);
        c->grad_in[i] = &f->grad_in_view[i];
        c->fresh_in[i] = targets[i].fresh;
    }
    for (int s = 0; s < LURON__MAX_SLOTS; s++) {
        int i = node->layer->param_at[s];
        if (i < 0 || !targets[i].slot) continue;
        f->grad_param_view[s] = luron__view(targets[i].t);
        c->grad_param[s] = &f->grad_param_view[s];
        c->fresh_param[s] = targets[i].fresh;
    }
}

/* What the plugin left untouched is zero. */
static void settle(luron__frame *f) {
    luron_call *c = &f->call;
    for (int i = 0; i < c->n_in; i++)
        if (c->fresh_in[i]) luron_grad_in(c, i);
    for (int s = 0; s < c->n_param; s++)
        if (c->fresh_param[s]) luron_grad_param(c, s);
}

luron_status luron__frame_backward(luron__frame *f) {
    LURON_TRY(run_backward_once(f));
    settle(f);
    return LURON_OK;
}

luron_status luron__frame_forward_backward(luron__frame *f) {
    memcpy(f->call.fresh_in, f->both, (size_t)f->call.n_in);
    LURON_TRY(luron__frame_call(f, LURON__PHASE_RUN, "forward_backward", f->type->layer.forward_backward));
    settle(f);
    return LURON_OK;
}

static luron_status run_backward(luron__frame *f, luron_tensor *const *grads, luron_tensor **owned) {
    luron_call *c = &f->call;
    for (int k = 0; k < c->n_out; k++) {
        if (!grads[k]) continue;
        LURON_TRY(luron_contiguous(&owned[k], f->ctx, grads[k]));
        f->grad_out_view[k] = luron__view(owned[k]);
        c->grad_out[k] = &f->grad_out_view[k];
    }
    LURON_TRY(luron__frame_open_state(f, false));
    LURON_TRY(luron__frame_open_scratch(f));
    if (f->ctx->strict) LURON_TRY(luron__strict_backward(f, run_backward_once));
    enum { FEW = 64 };
    uint8_t fresh_param[LURON__MAX_SLOTS], few[FEW], *fresh_in = few;
    memcpy(fresh_param, c->fresh_param, sizeof fresh_param);
    if (c->n_in > FEW && f->ctx->plan) luron__plan_refuse(f->ctx, "has a layer with very many inputs");
    if (c->n_in <= FEW) memcpy(few, c->fresh_in, (size_t)c->n_in);
    luron_plan *plan = luron__plan_pause(f->ctx);
    luron_status status = luron__frame_backward(f);
    luron__plan_resume(f->ctx, plan);
    luron__profile_gradients(f->ctx->profile, f);
    LURON_TRY(status);
    luron__plan_layer(f->ctx, f, true, fresh_in, fresh_param);
    return LURON_OK;
}

static luron_status backward_fused(luron__frame *f, luron__run *run, luron__node *node, luron_tensor *const *grads) {
    luron_tensor *owned[LURON__MAX_SLOTS] = {0};
    target few[LURON__FEW_IN], *targets = few;
    size_t bytes = (size_t)node->n_in * sizeof *targets;
    memset(few, 0, sizeof few);
    if (node->n_in > LURON__FEW_IN) LURON_TRY(luron__alloc(&targets, f->ctx, bytes));
    luron_status status = LURON_OK;
    for (int i = 0; i < node->n_in && !status; i++) status = open_target(targets, i, f->ctx, run, node);
    if (!status) {
        zero_shared(f->ctx, targets, node->n_in);
        show_targets(f, targets, node);
        for (int i = 0; i < f->call.n_in && f->ctx->plan; i++) f->operand[i] = node->in[i]; /* the node's: n_operands is 0 */
        status = run_backward(f, grads, owned);
    }
    for (int i = 0; i < node->n_in && f->ctx->anomaly && !status; i++)
        if (targets[i].slot) status = luron__guard_gradient(f->ctx, node, i, targets[i].t, grads);
    for (int i = 0; i < node->n_in; i++) {
        if (!targets[i].own) continue;
        luron_tensor *old = status ? targets[i].t : *targets[i].slot;
        if (!status) *targets[i].slot = targets[i].t;
        luron_tensor_unref(old);
    }
    for (int k = 0; k < f->call.n_out; k++) luron_tensor_unref(owned[k]);
    if (targets != few) luron__free(f->ctx, targets, bytes);
    return status;
}

/* ---- higher derivatives: the forward again, in ops --------------------------------------------------------------- */
/* The same elements under another header that the tape connects to x: what flows through compose alone is told from what
 * reaches x by other ways.                                                                                           */
static luron_status alias_infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    (void)ctx;
    a->dtype = x->dtype, a->ndim = x->ndim, a->is_view = true, a->offset = x->offset;
    memcpy(a->shape, x->shape, sizeof x->shape);
    memcpy(a->strides, x->strides, sizeof x->strides);
    return LURON_OK;
}
static luron_status alias_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                   int i) {
    (void)ctx, (void)node, (void)i;
    *out = luron_tensor_ref(g);
    return LURON_OK;
}
static const luron__op alias_op = {.name = "alias", .infer = alias_infer, .gradient = alias_gradient};

static luron_status check_recomposable(const luron__frame *f, const luron__node *node) {
    LURON__CHECK(f->ctx, f->type->layer.compose, LURON_E_GRADIENT,
                 "no second derivative: plugin '%s' gives no compose for it", f->type->plugin);
    for (int i = 0; i < node->n_in; i++)
        LURON__CHECK(f->ctx, !node->in[i] || node->version[i] != UINT64_MAX, LURON_E_GRADIENT,
                     "no second derivative: its inputs were let go after the forward; switch luron.higher on before "
                     "the forward to keep them");
    return LURON_OK;
}

static luron_status take_aliases(luron__frame *f, const luron__node *node) {
    f->n_operands = node->n_in;
    for (int i = 0; i < node->n_in; i++) {
        if (!node->in[i]) continue;
        if (node->wants[i])
            LURON_TRY(luron__apply_op(&f->operand[i], f->ctx, &alias_op, 1, &node->in[i], NULL));
        else
            f->operand[i] = luron_tensor_ref(node->in[i]);
        if (i < f->call.n_in) luron__frame_set_in(f, i, luron__view(f->operand[i]));
    }
    luron__frame_mark_ids(f);
    memcpy(f->param_at, node->layer->param_at, sizeof f->param_at);
    return LURON_OK;
}

static luron_status check_outputs(const luron__frame *f, const luron__node *node) {
    for (int k = 0; k < node->n_out; k++) {
        char a[LURON__SHAPE_TEXT], b[LURON__SHAPE_TEXT];
        const luron_tensor *is = f->composed[k], *was = node->out[k];
        LURON__CHECK(f->ctx, luron__same_shape(is, was) && is->dtype == was->dtype, LURON_E_PLUGIN,
                     "plugin '%s': compose gives output %d %s %s, forward %s %s", f->type->plugin, k,
                     luron_dtype_name(is->dtype), luron_shape_text(a, sizeof a, is->ndim, is->shape),
                     luron_dtype_name(was->dtype), luron_shape_text(b, sizeof b, was->ndim, was->shape));
    }
    return LURON_OK;
}

static luron_status add_gradients(luron__frame *f, luron__run *run, const luron__node *node, luron_tensor *const *grads,
                                  luron_tensor **gs, luron_tensor **xs, int *at) {
    luron_tensor *ys[LURON__MAX_SLOTS], *gys[LURON__MAX_SLOTS];
    int n_y = 0, n_x = 0;
    for (int k = 0; k < node->n_out; k++)
        if (grads[k] && f->composed[k]->requires_grad) ys[n_y] = f->composed[k], gys[n_y++] = grads[k];
    for (int i = 0; i < node->n_in; i++)
        if (node->in[i] && node->wants[i] && luron__run_slot(run, node->in[i])) xs[n_x] = f->operand[i], at[n_x++] = i;
    if (n_y == 0 || n_x == 0) return LURON_OK;
    LURON_TRY(luron_grad(gs, f->ctx, n_y, ys, gys, n_x, xs, LURON_CREATE_GRAPH));
    luron_status status = LURON_OK;
    for (int x = 0; x < n_x; x++) {
        if (gs[x] && !status) status = luron__run_add(run, f->ctx, node->in[at[x]], gs[x]);
        luron_tensor_unref(gs[x]);
    }
    return status;
}

static luron_status backward_composed(luron__frame *f, luron__run *run, luron__node *node, luron_tensor *const *grads) {
    LURON_TRY(check_recomposable(f, node));
    size_t n = (size_t)node->n_in, bytes = n * (2 * sizeof(luron_tensor *) + sizeof(int));
    luron_tensor **gs;
    int recording = luron_ctx_set_recording(f->ctx, 1);
    luron_status status = take_aliases(f, node);
    if (!status) status = luron__frame_open_state(f, false);
    if (!status) status = luron__frame_compose(f);
    if (!status) status = check_outputs(f, node);
    if (!status) status = luron__alloc(&gs, f->ctx, bytes);
    if (!status) {
        status = add_gradients(f, run, node, grads, gs, gs + n, (int *)(gs + 2 * n));
        luron__free(f->ctx, gs, bytes);
    }
    luron_ctx_set_recording(f->ctx, recording);
    return status;
}

/* ---- the tape's entry -------------------------------------------------------------------------------------------- */
luron_status luron__layer_backward(luron_ctx *ctx, luron__run *run, luron__node *node, luron_tensor *const *grads) {
    bool any = false;
    for (int k = 0; k < node->n_out; k++) any |= grads[k] != NULL;
    if (!any) return LURON_OK;
    luron__frame f;
    luron__span span = luron__span_of(ctx);
    luron_status status = luron__frame_open(&f, ctx, node->layer->layer, node->layer->code, node->layer->n_in);
    if (!status) {
        f.n_operands = 0; /* they are the node's */
        restore(&f, node);
    }
    if (!status)
        status = luron__run_creates_graph(run) ? backward_composed(&f, run, node, grads)
                                               : backward_fused(&f, run, node, grads);
    if (status) luron__frame_explain(&f, status);
    luron__span_end_layer(&span, &f, true);
    luron__frame_close(&f);
    return status;
}

int luron_ctx_set_higher(luron_ctx *ctx, int on) {
    int was = ctx->higher;
    ctx->higher = on != 0;
    return was;
}
int luron_ctx_is_higher(const luron_ctx *ctx) { return ctx->higher; }
