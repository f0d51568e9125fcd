/* Backward: collect the part of the tape that leads to what is wanted, then walk it from the last node recorded to the
 * first. The order, and with it the order of every sum of gradients, follows from the tape alone.                     */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

typedef struct slot {
    luron_tensor *grad;
    bool target; /* a leaf to accumulate into, or an x of luron_grad */
    bool wanted; /* a target, or the output of a node that leads to one */
} slot;
/* Marks that a node or leaf carried for a backward further out, put back at the end. */
typedef struct mark {
    luron__node *node; /* one of the two */
    luron_tensor *leaf;
    const luron__run *run;
    int64_t slot;
} mark;
struct luron__run {
    luron__run *outer;
    bool create_graph, retain;
    uint64_t first_seq; /* operands of this node and of older ones lead to nothing that is wanted; 0: none is so old */
    mark *marks; /* nodes and leaves in order of finding */
    int64_t n_marks, cap_marks, n_slots, cap_slots;
    luron__node **nodes; /* by descending seq */
    int64_t n_nodes;
    slot *slots;
};

bool luron__run_creates_graph(const luron__run *run) { return run->create_graph; }

/* ---- collecting ---------------------------------------------------------------------------------------------------- */
static luron_status add_mark(luron__run *run, luron_ctx *ctx, luron__node *node, luron_tensor *leaf, int64_t n_slots) {
    LURON_TRY(luron__grow(ctx, &run->marks, &run->cap_marks, run->n_marks + 1, sizeof *run->marks));
    mark *m = &run->marks[run->n_marks++];
    *m = (mark){node, leaf, node ? node->run : leaf->run, node ? node->slot : leaf->slot};
    if (node) {
        node->run = run, node->slot = run->n_slots;
        atomic_fetch_add(&node->refs, 1);
        run->n_nodes++;
    } else {
        leaf->run = run, leaf->slot = run->n_slots;
        luron_tensor_ref(leaf);
    }
    run->n_slots += n_slots;
    return LURON_OK;
}

static luron_status visit(luron__run *run, luron_ctx *ctx, luron_tensor *x) {
    if (!x || !x->requires_grad) return LURON_OK;
    if (x->node) return x->node->run == run || x->node->seq < run->first_seq ? LURON_OK : add_mark(run, ctx, x->node, NULL, x->node->n_out);
    return x->run == run ? LURON_OK : add_mark(run, ctx, NULL, x, 1);
}

/* The list of marks is also the queue of what is still to be looked at. */
static luron_status collect(luron__run *run, luron_ctx *ctx, int n_y, luron_tensor *const *ys) {
    for (int i = 0; i < n_y; i++) LURON_TRY(visit(run, ctx, ys[i]));
    for (int64_t at = 0; at < run->n_marks; at++) {
        luron__node *node = run->marks[at].node;
        for (int i = 0; node && i < node->n_in; i++) LURON_TRY(visit(run, ctx, node->in[i]));
    }
    return LURON_OK;
}

static int later_first(const void *a, const void *b) {
    uint64_t x = (*(luron__node *const *)a)->seq, y = (*(luron__node *const *)b)->seq;
    return x < y ? 1 : x > y ? -1 : 0;
}

static slot *slot_of(luron__run *run, const luron_tensor *x) {
    if (!x || !x->requires_grad) return NULL;
    if (x->node) return x->node->run == run ? &run->slots[x->node->slot + x->node_out] : NULL;
    return x->run == run ? &run->slots[x->slot] : NULL;
}

/* The operands of a used node are gone: where it may lead to what is wanted, it has to be walked to say so. */
static bool is_lost(const luron__run *run, const luron__node *node) { return node->used && node->n_in && node->seq > run->first_seq; }

/* Which nodes lead to a target. Every operand of a node was made by a node with a smaller seq. */
static void find_wanted(luron__run *run) {
    for (int64_t k = run->n_nodes - 1; k >= 0; k--) {
        luron__node *node = run->nodes[k];
        bool leads = is_lost(run, node);
        for (int i = 0; i < node->n_in && !leads; i++) {
            slot *s = node->wants[i] ? slot_of(run, node->in[i]) : NULL;
            leads = s && s->wanted;
        }
        for (int i = 0; i < node->n_out && leads; i++) run->slots[node->slot + i].wanted = true;
    }
}

static luron_status run_begin(luron__run *run, luron_ctx *ctx, int n_y, luron_tensor *const *ys) {
    run->outer = ctx->run;
    ctx->run = run;
    LURON_TRY(collect(run, ctx, n_y, ys));
    run->cap_slots = run->n_slots;
    LURON_TRY(luron__alloc(&run->slots, ctx, (size_t)run->n_slots * sizeof *run->slots));
    LURON_TRY(luron__alloc(&run->nodes, ctx, (size_t)run->n_nodes * sizeof *run->nodes));
    int64_t n = 0;
    for (int64_t i = 0; i < run->n_marks; i++)
        if (run->marks[i].node) run->nodes[n++] = run->marks[i].node;
    qsort(run->nodes, (size_t)n, sizeof *run->nodes, later_first);
    return LURON_OK;
}

static void run_end(luron__run *run, luron_ctx *ctx) {
    ctx->run = run->outer;
    for (int64_t i = 0; run->slots && i < run->n_slots; i++) luron_tensor_unref(run->slots[i].grad);
    for (int64_t i = run->n_marks - 1; i >= 0; i--) {
        mark *m = &run->marks[i];
        if (m->node) {
            m->node->run = m->run, m->node->slot = m->slot;
            luron__node_unref(m->node);
        } else {
            m->leaf->run = m->run, m->leaf->slot = m->slot;
            luron_tensor_unref(m->leaf);
        }
    }
    luron__free(ctx, run->slots, (size_t)run->cap_slots * sizeof *run->slots);
    luron__free(ctx, run->nodes, (size_t)run->n_nodes * sizeof *run->nodes);
    luron__free(ctx, run->marks, (size_t)run->cap_marks * sizeof *run->marks);
}

/* ---- gradients in the slots ----------------------------------------------------------------------------------------- */
luron_tensor **luron__run_slot(luron__run *run, const luron_tensor *x) {
    slot *s = slot_of(run, x);
    return s && s->wanted ? &s->grad : NULL;
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
    luron_tensor **at = luron__run_slot(run, x), *t, *sum;
    if (!at) return LURON_OK;
    LURON_TRY(fit(&t, ctx, x, g));
    if (!*at) {
        *at = t;
        return LURON_OK;
    }
    luron_status status = luron_add(&sum, ctx, *at, t);
    luron_tensor_unref(t);
    if (status) return status;
    luron_tensor_unref(*at);
    *at = sum;
    return LURON_OK;
}

/* ---- walking ---------------------------------------------------------------------------------------------------------- */
static luron_status walk_function(luron__run *run, luron_ctx *ctx, luron__node *node, luron_tensor *const *grads) {
    luron_tensor **ins;
    size_t bytes = (size_t)node->n_in * sizeof *ins;
    LURON_TRY(luron__alloc(&ins, ctx, bytes));
    luron_status status = node->function->backward(ctx, node->ud, node->n_out, grads, node->n_in, ins);
    for (int i = 0; i < node->n_in; i++) {
        if (!status && ins[i] && node->wants[i]) {
            char a[LURON__SHAPE_TEXT], b[LURON__SHAPE_TEXT];
            if (luron__same_shape(ins[i], node->in[i])) status = luron__run_add(run, ctx, node->in[i], ins[i]);
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
        if (!node->wants[i] || !luron__run_slot(run, node->in[i])) continue;
        luron_tensor *gi = NULL;
        LURON_TRY(node->op->gradient(&gi, ctx, node, g, i));
        if (!gi) continue;
        luron_status status = luron__run_add(run, ctx, node->in[i], gi);
        luron_tensor_unref(gi);
        LURON_TRY(status);
    }
    return LURON_OK;
}

static luron_status walk_node(luron__run *run, luron_ctx *ctx, luron__node *node) {
    slot *s = &run->slots[node->slot];
    bool leads = false, any = false;
    for (int i = 0; i < node->n_out; i++) any |= s[i].grad != NULL;
    for (int i = 0; i < node->n_in && !leads; i++) leads = node->wants[i] && node->in[i] && luron__run_slot(run, node->in[i]);
    if (!any || !(leads || is_lost(run, node))) return LURON_OK;
    LURON_TRY(luron__node_check(ctx, node));
    enum { FEW = 4 };
    luron_tensor *few[FEW], **grads = few;
    if (node->n_out > FEW) LURON_TRY(luron__alloc(&grads, ctx, (size_t)node->n_out * sizeof *grads));
    for (int i = 0; i < node->n_out; i++) {
        grads[i] = s[i].grad;
        if (s[i].target) luron_tensor_ref(s[i].grad); /* stays as a result */
        else s[i].grad = NULL;
    }
    luron_status status = node->layer       ? luron__layer_backward(ctx, run, node, grads)
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
        slot *s = slot_of(run, ys[i]);
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
    for (int64_t k = 0; k < run->n_nodes && !status; k++) status = walk_node(run, ctx, run->nodes[k]);
    luron_ctx_set_recording(ctx, was);
    return status;
}

/* ---- public ------------------------------------------------------------------------------------------------------------ */
enum { MAX_DEPTH = 32 };

static luron_status check_ys(luron_ctx *ctx, int n_y, luron_tensor *const *ys, luron_tensor *const *gys) {
    LURON__CHECK(ctx, ctx->depth < MAX_DEPTH, LURON_E_STATE, "backward: %d backwards inside each other", ctx->depth);
    for (int i = 0; i < n_y; i++) {
        char a[LURON__SHAPE_TEXT], b[LURON__SHAPE_TEXT];
        const luron_tensor *g = gys ? gys[i] : NULL;
        bool fits = ys[i]->requires_grad && (g ? luron__same_shape(ys[i], g) : luron_tensor_numel(ys[i]) == 1);
        if (!fits) luron_shape_text(a, sizeof a, ys[i]->ndim, ys[i]->shape); /* for the messages */
        LURON__CHECK(ctx, ys[i]->requires_grad, LURON_E_STATE, "backward: the tensor of shape %s depends on nothing that requires a gradient (or was made while recording was off)", a);
        LURON__CHECK(ctx, g || luron_tensor_numel(ys[i]) == 1, LURON_E_SHAPE, "backward: a tensor of one element expected, got shape %s (or give the gradient of that shape)", a);
        LURON__CHECK(ctx, !g || luron__same_shape(ys[i], g), LURON_E_SHAPE, "backward: gradient of shape %s expected, got %s", a,
                     g ? luron_shape_text(b, sizeof b, g->ndim, g->shape) : "");
        LURON__CHECK(ctx, !g || g->dtype == ys[i]->dtype, LURON_E_DTYPE, "backward: gradient of dtype %s expected, got %s", luron_dtype_name(ys[i]->dtype), g ? luron_dtype_name(g->dtype) : "");
    }
    return LURON_OK;
}

/* A gradient that a leaf can keep: nobody else's memory, contiguous. */
static luron_status own(luron_tensor **g, luron_ctx *ctx) {
    bool exclusive = (*g)->refs == 1 && (*g)->storage->refs == 1 && luron_tensor_is_contiguous(*g);
    if (exclusive) return LURON_OK;
    luron_tensor *copy;
    LURON_TRY(luron_copy(&copy, ctx, *g));
    luron_tensor_unref(*g);
    *g = copy;
    return LURON_OK;
}

/* New gradients of all leaves first, then put them in place: all or nothing. */
static luron_status accumulate(luron__run *run, luron_ctx *ctx) {
    int was = luron_ctx_set_recording(ctx, run->create_graph);
    luron_status status = LURON_OK;
    for (int64_t i = 0; i < run->n_marks && !status; i++) {
        luron_tensor *leaf = run->marks[i].leaf, *sum;
        slot *s = leaf ? &run->slots[leaf->slot] : NULL;
        if (!s || !s->grad) continue;
        if (!leaf->grad) {
            status = own(&s->grad, ctx);
            continue;
        }
        status = luron_add(&sum, ctx, leaf->grad, s->grad);
        if (status) break;
        luron_tensor_unref(s->grad);
        s->grad = sum;
    }
    luron_ctx_set_recording(ctx, was);
    for (int64_t i = 0; i < run->n_marks && !status; i++) {
        luron_tensor *leaf = run->marks[i].leaf;
        slot *s = leaf ? &run->slots[leaf->slot] : NULL;
        if (!s || !s->grad) continue;
        luron_tensor_unref(leaf->grad);
        leaf->grad = s->grad;
        s->grad = NULL;
    }
    return status;
}

luron_status luron_backward(luron_ctx *ctx, luron_tensor *y, luron_tensor *grad, uint32_t flags) {
    LURON_TRY(luron_tracer_refuse(ctx, "computes gradients"));
    LURON_TRY(check_ys(ctx, 1, &y, &grad));
    luron__run run = {.create_graph = flags & LURON_CREATE_GRAPH, .retain = flags & (LURON_RETAIN_GRAPH | LURON_CREATE_GRAPH)};
    ctx->depth++;
    luron_status status = run_begin(&run, ctx, 1, &y);
    if (!status) {
        for (int64_t i = 0; i < run.n_marks; i++)
            if (run.marks[i].leaf) run.slots[run.marks[i].leaf->slot].target = run.slots[run.marks[i].leaf->slot].wanted = true;
        find_wanted(&run);
        status = walk(&run, ctx, 1, &y, &grad);
    }
    if (!status) status = accumulate(&run, ctx);
    run_end(&run, ctx);
    ctx->depth--;
    return status;
}

luron_status luron_grad(luron_tensor **outs, luron_ctx *ctx, int n_y, luron_tensor *const *ys, luron_tensor *const *gys, int n_x, luron_tensor *const *xs, uint32_t flags) {
    LURON_TRY(luron_tracer_refuse(ctx, "computes gradients"));
    LURON_TRY(check_ys(ctx, n_y, ys, gys));
    luron__run run = {.create_graph = flags & LURON_CREATE_GRAPH, .retain = flags & (LURON_RETAIN_GRAPH | LURON_CREATE_GRAPH), .first_seq = UINT64_MAX};
    for (int i = 0; i < n_x; i++) {
        LURON__CHECK(ctx, xs[i]->requires_grad, LURON_E_STATE, "grad: input %d requires no gradient", i + ctx->index_base);
        uint64_t seq = xs[i]->node ? xs[i]->node->seq : 0;
        if (seq < run.first_seq) run.first_seq = seq;
    }
    ctx->depth++;
    luron_status status = run_begin(&run, ctx, n_y, ys);
    if (!status) {
        for (int i = 0; i < n_x; i++) {
            slot *s = slot_of(&run, xs[i]);
            if (s) s->target = s->wanted = true;
        }
        find_wanted(&run);
        status = walk(&run, ctx, n_y, ys, gys);
    }
    for (int i = 0; i < n_x && !status; i++) {
        slot *s = slot_of(&run, xs[i]);
        outs[i] = s ? luron_tensor_ref(s->grad) : NULL;
    }
    run_end(&run, ctx);
    ctx->depth--;
    return status;
}
