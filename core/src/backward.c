/* Backward: collect the part of the tape that leads to what is wanted (backward_collect.c), then walk it from the last node
 * recorded to the first. The order, and with it the order of every sum of gradients, follows from the tape alone.       */
#include "backward.h"
#include "guard.h"
#include "hooks.h"
#include "plan.h"
#include "profile.h"

void **luron__run_carried(luron__run *run) { return &run->carried; }
bool luron__run_creates_graph(const luron__run *run) { return run->create_graph; }

/* ---- gradients in the slots ----------------------------------------------------------------------------------------- */
static bool is_wanted(luron__run *run, const luron_tensor *x) {
    slot *s = luron__run_slot_of(run, x);
    return s && s->wanted;
}

luron_tensor **luron__run_slot(luron__run *run, const luron_tensor *x) {
    slot *s = luron__run_slot_of(run, x);
    if (!s || !s->wanted) return NULL;
    s->no_minus_zero = false; /* a layer may write there */
    return &s->grad;
}

/* g as the gradient of x: summed down to its shape, of its dtype. */
static luron_status fit(luron_tensor **out, luron_ctx *ctx, const luron_tensor *x, luron_tensor *g) {
    luron_tensor *t = luron_tensor_ref(g);
    luron_status status = LURON_OK;
    if (!luron__same_shape(x, t)) {
        luron_tensor *summed;
        status = luron_sum_to(&summed, ctx, t, x->ndim, x->shape);
        luron_tensor_unref(t);
        if (status) return status;
        t = summed;
    }
    if (t->dtype != x->dtype) {
        luron_tensor *cast;
        status = luron_cast(&cast, ctx, t, x->dtype);
        luron_tensor_unref(t);
        if (status) return status;
        t = cast;
    }
    *out = t;
    return LURON_OK;
}

luron_status luron__run_add(luron__run *run, luron_ctx *ctx, const luron_tensor *x, luron_tensor *g) {
    slot *s = luron__run_slot_of(run, x);
    luron_tensor *t, *sum;
    if (!s || !s->wanted) return LURON_OK;
    LURON_TRY(fit(&t, ctx, x, g));
    if (!s->grad) {
        s->grad = t;
        return LURON_OK;
    }
    luron_status status = luron_add(&sum, ctx, s->grad, t);
    luron_tensor_unref(t);
    if (status) return status;
    luron_tensor_unref(s->grad);
    s->grad = sum;
    return LURON_OK;
}

/* Nobody else's memory, contiguous. */
static bool is_exclusive(const luron_tensor *g) { return g->refs == 1 && g->storage->refs == 1 && luron_tensor_is_contiguous(g); }

/* Of a contiguous tensor of a real dtype. */
static bool has_minus_zero(const luron_tensor *t) {
    int64_t n = luron_tensor_numel(t);
    const void *data = luron__data(t);
    uint64_t found = 0;
    switch (luron_dtype_size(t->dtype)) {
    case 2:
        for (int64_t i = 0; i < n; i++) found |= ((const uint16_t *)data)[i] == 0x8000u;
        break;
    case 4:
        for (int64_t i = 0; i < n; i++) found |= ((const uint32_t *)data)[i] == 0x80000000u;
        break;
    default:
        for (int64_t i = 0; i < n; i++) found |= ((const uint64_t *)data)[i] == (uint64_t)1 << 63;
    }
    return found != 0;
}

/* The gradient of a part of x, which is g there and 0 elsewhere, added to what is there of x's gradient at the cost of the
 * part, so that T parts cost as much as x and not T times as much. The bits are those of the whole sum, for x + 0 is x
 * except where x is -0.0: as long as there is one the sum is made. done: false, and nothing has happened, if it must be. */
static luron_status add_part(bool *done, luron__run *run, luron_ctx *ctx, const luron__node *node, luron_tensor *g) {
    slot *s = luron__run_slot_of(run, node->in[0]);
    luron_tensor *part;
    *done = false;
    if (!node->op->is_part || run->create_graph || !s->grad || !is_exclusive(s->grad)) return LURON_OK;
    if (!s->no_minus_zero) s->no_minus_zero = !has_minus_zero(s->grad);
    if (!s->no_minus_zero) return LURON_OK;
    LURON_TRY(luron__apply_op(&part, ctx, node->op, 1, &s->grad, &node->attrs));
    luron__add_in_place(ctx, part, g);
    luron_tensor_unref(part);
    *done = true;
    return LURON_OK;
}

/* ---- walking ---------------------------------------------------------------------------------------------------------- */
/* Add the gradient of operand i, and look at what it comes to if that was asked for; parts of grads were looked at before. */
static luron_status add_checked(luron__run *run, luron_ctx *ctx, luron__node *node, int i, luron_tensor *g, luron_tensor *const *grads) {
    LURON_TRY(luron__run_add(run, ctx, node->in[i], g));
    luron_tensor **at = ctx->anomaly ? luron__run_slot(run, node->in[i]) : NULL;
    if (!at || !*at || (grads[0] && (*at)->storage == grads[0]->storage)) return LURON_OK;
    return luron__guard_gradient(ctx, node, i, *at, grads);
}

static luron_status walk_function(luron__run *run, luron_ctx *ctx, luron__node *node, luron_tensor *const *grads) {
    luron_tensor **ins;
    size_t bytes = (size_t)node->n_in * sizeof *ins;
    LURON_TRY(luron__alloc(&ins, ctx, bytes));
    luron_status status = node->function->backward(ctx, node->ud, node->n_out, grads, node->n_in, ins);
    for (int i = 0; i < node->n_in; i++) {
        if (!status && ins[i] && node->wants[i]) {
            char a[LURON__SHAPE_TEXT], b[LURON__SHAPE_TEXT];
            if (luron__same_shape(ins[i], node->in[i])) status = add_checked(run, ctx, node, i, ins[i], grads);
            else
                status = luron__fail(ctx, LURON_E_SHAPE, "%s: backward gave a gradient of shape %s for operand %d of shape %s", node->function->name,
                                     luron_shape_text(a, sizeof a, ins[i]->ndim, ins[i]->shape), i + ctx->index_base,
                                     luron_shape_text(b, sizeof b, node->in[i]->ndim, node->in[i]->shape));
        }
        luron_tensor_unref(ins[i]);
    }
    luron__free(ctx, ins, bytes);
    return status;
}

static luron_status walk_op(luron__run *run, luron_ctx *ctx, luron__node *node, luron_tensor *g) {
    for (int i = 0; i < node->n_in; i++) {
        if (!node->wants[i] || !is_wanted(run, node->in[i])) continue;
        luron_tensor *gi = NULL;
        bool done;
        LURON_TRY(add_part(&done, run, ctx, node, g));
        if (done) continue;
        LURON_TRY(node->op->gradient(&gi, ctx, node, g, i));
        if (!gi) continue;
        luron_status status = add_checked(run, ctx, node, i, gi, &g);
        luron_tensor_unref(gi);
        LURON_TRY(status);
    }
    return LURON_OK;
}

/* The gradient g of output `out` of a node, for the headers that keep it. */
static luron_status retain(luron__run *run, luron_ctx *ctx, const luron__node *node, int out, luron_tensor *g) {
    for (luron__hook *h = node->hooks ? node->hooks->first : NULL; h && run->accumulates; h = h->next) {
        if (!h->keeper || h->out != out) continue;
        LURON_TRY(luron__grow(ctx, &run->retained, &run->cap_retained, run->n_retained + 1, sizeof *run->retained));
        run->retained[run->n_retained++] = (retained){luron_tensor_ref(h->keeper), luron_tensor_ref(g)};
    }
    return LURON_OK;
}

/* The gradients of the outputs are complete: the hooks see them. */
static luron_status run_hooks(luron__run *run, luron_ctx *ctx, luron__node *node) {
    for (int i = 0; i < node->n_out; i++) {
        slot *s = &run->slots[node->slot + i];
        if (!s->grad || !s->wanted) continue;
        luron__plan_refuse(ctx, "calls a hook of a tensor");
        LURON_TRY(luron__hooks_gradient(&s->grad, ctx, node->hooks, i));
        LURON_TRY(retain(run, ctx, node, i, s->grad));
    }
    return LURON_OK;
}

static luron_status run_leaf_hooks(luron__run *run, luron_ctx *ctx) {
    for (int64_t i = 0; i < run->n_marks; i++) {
        luron_tensor *leaf = run->marks[i].leaf;
        if (!leaf || !leaf->hooks) continue;
        slot *s = &run->slots[run->marks[i].slot];
        luron__plan_refuse(ctx, "calls a hook of a tensor");
        if (s->grad && s->wanted) LURON_TRY(luron__hooks_gradient(&s->grad, ctx, leaf->hooks, 0));
    }
    return LURON_OK;
}

static bool is_root(const luron__run *run, const luron__node *node) {
    for (int i = 0; i < run->n_y; i++)
        if (run->ys[i]->node == node) return true;
    return false;
}

static luron_status walk_node(luron__run *run, luron_ctx *ctx, luron__node *node) {
    if (node->hooks) LURON_TRY(run_hooks(run, ctx, node));
    slot *s = &run->slots[node->slot];
    bool leads = false, any = false;
    for (int i = 0; i < node->n_out; i++) any |= s[i].grad != NULL;
    for (int i = 0; i < node->n_in && !leads; i++) leads = node->wants[i] && is_wanted(run, node->in[i]);
    if (!any || !(leads || luron__run_lost(run, node))) return LURON_OK;
    LURON_TRY(luron__node_check(ctx, node, is_root(run, node)));
    enum { FEW = 4 };
    luron_tensor *few[FEW], **grads = few;
    if (node->n_out > FEW) LURON_TRY(luron__alloc(&grads, ctx, (size_t)node->n_out * sizeof *grads));
    for (int i = 0; i < node->n_out; i++) {
        grads[i] = s[i].grad;
        if (s[i].target) luron_tensor_ref(s[i].grad); /* stays as a result */
        else s[i].grad = NULL;
    }
    luron_status status = node->layer       ? luron__layer_backward(ctx, run, node, grads)
                          : node->op == &luron__op_recompute ? luron__recompute_backward(ctx, run, node, grads)
                          : node->function  ? walk_function(run, ctx, node, grads)
                                            : walk_op(run, ctx, node, grads[0]);
    for (int i = 0; i < node->n_out; i++) luron_tensor_unref(grads[i]);
    if (grads != few) luron__free(ctx, grads, (size_t)node->n_out * sizeof *grads);
    if (!status && !run->retain) luron__node_use(node);
    return status;
}

static luron_status seed_slots(luron__run *run, luron_ctx *ctx, int n_y, luron_tensor *const *ys, luron_tensor *const *gys) {
    for (int i = 0; i < n_y; i++) {
        luron_tensor *g = gys && gys[i] ? luron_tensor_ref(gys[i]) : NULL;
        if (!g) LURON_TRY(luron_tensor_full(&g, ctx, ys[i]->dtype, ys[i]->ndim, ys[i]->shape, 1));
        slot *s = luron__run_slot_of(run, ys[i]);
        if (!s) { /* older than everything that is asked for */
            luron_tensor_unref(g);
            continue;
        }
        bool wanted = s->wanted;
        s->wanted = true; /* luron__run_add takes it whether it leads anywhere or not */
        luron_status status = luron__run_add(run, ctx, ys[i], g);
        s->wanted = wanted;
        luron_tensor_unref(g);
        LURON_TRY(status);
    }
    return LURON_OK;
}

static luron_status walk(luron__run *run, luron_ctx *ctx, int n_y, luron_tensor *const *ys, luron_tensor *const *gys) {
    int was = luron_ctx_set_recording(ctx, run->create_graph);
    luron_status status = seed_slots(run, ctx, n_y, ys, gys);
    for (int64_t k = 0; k < run->n_nodes && !status && run->nodes[k]->seq > run->stop_seq; k++) status = walk_node(run, ctx, run->nodes[k]);
    if (!status && !run->stop_seq) status = run_leaf_hooks(run, ctx); /* else it is a part, which is added to others */
    luron_ctx_set_recording(ctx, was);
    return status;
}

/* ---- public ------------------------------------------------------------------------------------------------------------ */
enum { MAX_DEPTH = 32 };

static luron_status check_ys(luron_ctx *ctx, int n_y, luron_tensor *const *ys, luron_tensor *const *gys) {
    LURON__CHECK(ctx, ctx->depth < MAX_DEPTH, LURON_E_STATE, "backward: %d backwards inside each other", ctx->depth);
    for (int i = 0; i < n_y; i++) LURON_TRY(luron__check_root(ctx, ys[i], gys ? gys[i] : NULL));
    return LURON_OK;
}

/* A gradient that a leaf can keep. */
static luron_status own(luron_tensor **g, luron_ctx *ctx) {
    if (is_exclusive(*g)) return LURON_OK;
    luron_tensor *copy;
    LURON_TRY(luron_copy(&copy, ctx, *g));
    luron_tensor_unref(*g);
    *g = copy;
    return LURON_OK;
}

/* *g becomes what `t` is to have as its gradient, *g itself or a sum. */
static luron_status add_to_grad(luron_tensor **g, luron_ctx *ctx, const luron_tensor *t) {
    luron_tensor *sum;
    if (!t->grad) return own(g, ctx);
    luron__plan_adds_to(ctx, t);
    LURON_TRY(luron_add(&sum, ctx, t->grad, *g));
    luron_tensor_unref(*g);
    *g = sum;
    return LURON_OK;
}

static void put_grad(luron_tensor *t, luron_tensor **g) {
    luron_tensor *old = t->grad;
    t->grad = *g, *g = NULL;
    t->grad->storage->gradient = true;
    luron_tensor_unref(old); /* last: what it releases may look at t */
}

/* New gradients of all leaves, and of what retains its own, first; then put them in place: all or nothing. */
static luron_status accumulate(luron__run *run, luron_ctx *ctx) {
    int was = luron_ctx_set_recording(ctx, run->create_graph);
    luron_status status = LURON_OK;
    for (int64_t i = 0; i < run->n_marks && !status; i++) {
        luron_tensor *leaf = run->marks[i].leaf, **g = leaf ? &run->slots[run->marks[i].slot].grad : NULL;
        if (g && *g) status = add_to_grad(g, ctx, leaf);
    }
    for (int64_t i = 0; i < run->n_retained && !status; i++) status = add_to_grad(&run->retained[i].grad, ctx, run->retained[i].keeper);
    luron_ctx_set_recording(ctx, was);
    for (int64_t i = 0; i < run->n_marks && !status; i++) {
        luron_tensor *leaf = run->marks[i].leaf, **g = leaf ? &run->slots[run->marks[i].slot].grad : NULL;
        if (!g || !*g) continue;
        luron__plan_leaf(ctx, leaf, false);
        put_grad(leaf, g);
    }
    for (int64_t i = 0; i < run->n_retained && !status; i++) put_grad(run->retained[i].keeper, &run->retained[i].grad);
    return status;
}

luron_status luron_backward(luron_ctx *ctx, luron_tensor *y, luron_tensor *grad, uint32_t flags) {
    LURON_TRY(luron_tracer_refuse(ctx, "computes gradients"));
    LURON_TRY(check_ys(ctx, 1, &y, &grad));
    luron__run run = {.create_graph = flags & LURON_CREATE_GRAPH, .retain = flags & (LURON_RETAIN_GRAPH | LURON_CREATE_GRAPH), .accumulates = true};
    luron__span span = luron__span_of(ctx);
    ctx->depth++;
    luron_status status = luron__run_begin(&run, ctx, 1, &y);
    if (!status) {
        for (int64_t i = 0; i < run.n_marks; i++)
            if (run.marks[i].leaf) run.slots[run.marks[i].slot].target = run.slots[run.marks[i].slot].wanted = true;
        luron__run_find_wanted(&run);
        bool bad = luron_tensor_numel(y) == 1 && luron__has_nonfinite(ctx, y);
        if (luron_tensor_numel(y) == 1) luron__plan_root(ctx, y);
        luron__plan_seed(ctx, grad);
        status = bad ? luron__blame(ctx, y, run.n_nodes, run.nodes) : walk(&run, ctx, 1, &y, &grad);
    }
    if (!status) status = accumulate(&run, ctx);
    luron__run_end(&run, ctx, status != LURON_OK);
    ctx->depth--;
    luron__span_end_other(&span, ctx, NULL);
    return status;
}

luron_status luron__grad_since(luron_tensor **outs, luron_ctx *ctx, uint64_t stop_seq, int n_y, luron_tensor *const *ys, luron_tensor *const *gys, int n_x,
                               luron_tensor *const *xs, uint32_t flags) {
    LURON_TRY(luron_tracer_refuse(ctx, "computes gradients"));
    LURON_TRY(check_ys(ctx, n_y, ys, gys));
    luron__run run = {.stop_seq = stop_seq, .create_graph = flags & LURON_CREATE_GRAPH, .retain = flags & (LURON_RETAIN_GRAPH | LURON_CREATE_GRAPH), .first_seq = UINT64_MAX};
    for (int i = 0; i < n_x; i++) {
        LURON__CHECK(ctx, xs[i]->requires_grad, LURON_E_STATE, "grad: input %d requires no gradient", i + ctx->index_base);
        uint64_t seq = xs[i]->node ? xs[i]->node->seq : 0;
        if (seq < run.first_seq) run.first_seq = seq;
    }
    luron__span span = luron__span_of(ctx);
    ctx->depth++;
    for (int i = 0; i < n_x; i++) luron_tensor_ref(xs[i]);
    luron_status status = luron__run_begin(&run, ctx, n_y, ys);
    if (!status) {
        for (int i = 0; i < n_x; i++) {
            slot *s = luron__run_slot_of(&run, xs[i]);
            if (s) s->target = s->wanted = true;
        }
        luron__run_find_wanted(&run);
        for (int i = 0; gys && i < n_y; i++) luron__plan_seed(ctx, gys[i]);
        status = walk(&run, ctx, n_y, ys, gys);
    }
    for (int i = 0; i < n_x && !status; i++) {
        slot *s = luron__run_slot_of(&run, xs[i]);
        outs[i] = s ? luron_tensor_ref(s->grad) : NULL;
    }
    luron__run_end(&run, ctx, status != LURON_OK);
    for (int i = 0; i < n_x; i++) luron_tensor_unref(xs[i]);
    ctx->depth--;
    luron__span_end_other(&span, ctx, NULL);
    return status;
}

luron_status luron_grad(luron_tensor **outs, luron_ctx *ctx, int n_y, luron_tensor *const *ys, luron_tensor *const *gys, int n_x, luron_tensor *const *xs, uint32_t flags) {
    return luron__grad_since(outs, ctx, 0, n_y, ys, gys, n_x, xs, flags);
}
