/* recompute.c -- a piece of the tape that is not kept but made again when a backward comes to it: activations for time
 * (Chen et al., "Training deep nets with sublinear memory cost", 2016).
 *
 * The piece has been recorded as usual. What goes into it from outside is found on the tape, whether it was handed to
 * the function or caught by it: parameters, inputs, results of older nodes. One node over these takes its place. */
#include "internal.h"

#include <stddef.h>
#include <string.h>

const luron__op luron__op_recompute = {.name = "recompute"};

typedef struct segment {
    const luron_segment *fn;
    void *ud;
    uint64_t position; /* of the random numbers */
    luron__pool *pool;
} segment;

static void segment_release(void *ud) {
    segment *s = ud;
    if (s->fn->release) s->fn->release(s->ud);
    luron__pool_free(s->pool, s, sizeof *s);
}
static const luron_function segment_function = {
    .struct_size = sizeof(luron_function), .name = "recompute", .release = segment_release};

const void *luron__function_ud(const luron__node *node) {
    return node->function == &segment_function ? ((const segment *)node->ud)->ud : node->ud;
}

/* ---- what goes in ------------------------------------------------------------------------------------------------ */
/* Seen: nodes of the piece (by themselves) and tensors from outside (a leaf, or an output of an older node). */
typedef struct seen {
    const void *at;
    int out; /* -1: a leaf, or a node of the piece */
} seen;
typedef struct search {
    luron_ctx *ctx;
    uint64_t first; /* nodes of the piece have a larger seq */
    seen *table;
    int64_t cap, used;
    luron__node **nodes; /* of the piece, also the queue */
    int64_t n_nodes, cap_nodes;
    luron_tensor **ins; /* borrowed */
    int64_t n_ins, cap_ins;
} search;

static seen *place(const search *s, const void *at, int out) {
    uint64_t k = ((uint64_t)(uintptr_t)at >> 4) * 0x9e3779b97f4a7c15u + (uint64_t)(out + 1) * 0xff51afd7ed558ccdu;
    k ^= k >> 29;
    while (s->table[k & (uint64_t)(s->cap - 1)].at &&
           (s->table[k & (uint64_t)(s->cap - 1)].at != at || s->table[k & (uint64_t)(s->cap - 1)].out != out))
        k++;
    return &s->table[k & (uint64_t)(s->cap - 1)];
}

static luron_status rehash(search *s) {
    search bigger = *s;
    bigger.cap = s->cap ? 2 * s->cap : 64;
    LURON_TRY(luron__alloc(&bigger.table, s->ctx, (size_t)bigger.cap * sizeof *bigger.table));
    for (int64_t i = 0; i < s->cap; i++)
        if (s->table[i].at) *place(&bigger, s->table[i].at, s->table[i].out) = s->table[i];
    luron__free(s->ctx, s->table, (size_t)s->cap * sizeof *s->table);
    *s = bigger;
    return LURON_OK;
}

/* *fresh: it had not been seen. */
static luron_status note(bool *fresh, search *s, const void *at, int out) {
    if (2 * (s->used + 1) > s->cap) LURON_TRY(rehash(s));
    seen *p = place(s, at, out);
    *fresh = !p->at;
    if (*fresh) s->used++;
    *p = (seen){at, out};
    return LURON_OK;
}

static luron_status visit(search *s, luron_tensor *x) {
    bool fresh, inside = x && x->node && x->node->seq > s->first;
    if (!x || !x->requires_grad) return LURON_OK;
    LURON_TRY(note(&fresh, s, x->node ? (const void *)x->node : x, inside || !x->node ? -1 : x->node_out));
    if (!fresh) return LURON_OK;
    if (inside) {
        LURON_TRY(luron__grow(s->ctx, &s->nodes, &s->cap_nodes, s->n_nodes + 1, sizeof *s->nodes));
        s->nodes[s->n_nodes++] = x->node;
    } else {
        LURON_TRY(luron__grow(s->ctx, &s->ins, &s->cap_ins, s->n_ins + 1, sizeof *s->ins));
        s->ins[s->n_ins++] = x;
    }
    return LURON_OK;
}

static luron_status find_ins(search *s, int n_out, luron_tensor *const *outs) {
    for (int i = 0; i < n_out; i++)
        LURON_TRY(visit(s, outs[i]));
    for (int64_t k = 0; k < s->n_nodes; k++)
        for (int i = 0; i < s->nodes[k]->n_in; i++)
            LURON_TRY(visit(s, s->nodes[k]->in[i]));
    LURON__CHECK(s->ctx, s->n_ins < 1 << 20, LURON_E_UNSUPPORTED, "recompute: more than %d tensors go in", 1 << 20);
    return LURON_OK;
}

static void search_end(search *s) {
    luron__free(s->ctx, s->table, (size_t)s->cap * sizeof *s->table);
    luron__free(s->ctx, s->nodes, (size_t)s->cap_nodes * sizeof *s->nodes);
    luron__free(s->ctx, s->ins, (size_t)s->cap_ins * sizeof *s->ins);
}

/* ---- recording ----------------------------------------------------------------------------------------------------
 */
luron_mark luron_tape_mark(const luron_ctx *ctx) { return (luron_mark){ctx->seq, ctx->position}; }

/* Of an operand whose numbers the tape has, a change in place is noticed; outputs are not needed. */
static luron_status record(luron_ctx *ctx, const search *s, segment *piece, int n_out, luron_tensor **outs) {
    size_t bytes = (size_t)(s->n_ins + n_out);
    bool *saved;
    LURON_TRY(luron__alloc(&saved, ctx, bytes));
    for (int64_t i = 0; i < s->n_ins; i++)
        saved[i] = s->ins[i]->storage != NULL;
    luron__node *node;
    luron_status status = luron__node_record(&node, ctx, &luron__op_recompute, NULL, (int)s->n_ins, s->ins, saved,
                                             n_out, outs, saved + s->n_ins);
    luron__free(ctx, saved, bytes);
    if (!status) node->function = &segment_function, node->ud = piece;
    return status;
}

static luron_status replace(luron_ctx *ctx, luron_mark mark, const search *s, const luron_segment *fn, void *ud,
                            int n_out, luron_tensor **outs) {
    luron_tensor **bare;
    segment *piece = NULL;
    size_t bytes = (size_t)n_out * sizeof *bare;
    LURON_TRY(luron__alloc(&bare, ctx, bytes));
    luron_status status = luron__alloc(&piece, ctx, sizeof *piece);
    for (int i = 0; i < n_out && !status; i++)
        status = luron__tensor_alias(&bare[i], ctx, outs[i]);
    if (!status) {
        *piece = (segment){fn, ud, mark.position, ctx->pool};
        status = record(ctx, s, piece, n_out, bare);
    }
    for (int i = 0; i < n_out; i++) { /* on success the new ones take the place of the old */
        luron_tensor *other = status ? bare[i] : outs[i];
        if (!status) outs[i] = bare[i];
        luron_tensor_unref(other);
    }
    if (status && piece) luron__pool_free(ctx->pool, piece, sizeof *piece);
    luron__free(ctx, bare, bytes);
    return status;
}

luron_status luron_recompute(luron_ctx *ctx, luron_mark mark, const luron_segment *fn, void *ud, int n_out,
                             luron_tensor **outs) {
    search s = {.ctx = ctx, .first = mark.seq};
    LURON__CHECK(ctx, mark.seq <= ctx->seq, LURON_E_ARGUMENT, "recompute: the mark is none of this context");
    LURON__CHECK(ctx, fn->struct_size >= offsetof(luron_segment, done) && fn->again, LURON_E_ARGUMENT, "recompute: a function expected");
    luron_status status = n_out ? find_ins(&s, n_out, outs) : LURON_OK;
    const bool kept = s.n_nodes > 0;
    if (!status && kept) status = replace(ctx, mark, &s, fn, ud, n_out, outs);
    search_end(&s);
    if (!status && !kept && fn->release) fn->release(ud); /* nothing was recorded */
    return status;
}

/* ---- backward ---------------------------------------------------------------------------------------------------- */
/* Apply the function again, on the tape, with the random numbers that it drew and without a change to state. */
static luron_status again(luron_ctx *ctx, const segment *s, int n_out, luron_tensor **outs) {
    const uint64_t position = ctx->position;
    const bool was = ctx->recomputing;
    int recording = luron_ctx_set_recording(ctx, 1);
    ctx->position = s->position, ctx->recomputing = true;
    luron_status status = s->fn->again(ctx, s->ud, n_out, outs);
    ctx->position = position, ctx->recomputing = was;
    luron_ctx_set_recording(ctx, recording);
    return status;
}

static void done(luron_ctx *ctx, const segment *s, bool graph) {
    if (s->fn->struct_size >= sizeof *s->fn && s->fn->done) s->fn->done(ctx, s->ud, graph);
}

static luron_status check_same(luron_ctx *ctx, const luron__node *node, luron_tensor *const *outs) {
    char a[LURON__SHAPE_TEXT], b[LURON__SHAPE_TEXT];
    for (int i = 0; i < node->n_out; i++)
        LURON__CHECK(
            ctx, outs[i] && luron__same_shape(outs[i], node->out[i]) && outs[i]->dtype == node->out[i]->dtype,
            LURON_E_STATE,
            "recompute: output %d was %s %s, the second time it is %s %s: the function has to do the same again",
            i + ctx->index_base, luron_dtype_name(node->out[i]->dtype),
            luron_shape_text(a, sizeof a, node->out[i]->ndim, node->out[i]->shape),
            outs[i] ? luron_dtype_name(outs[i]->dtype) : "nothing",
            outs[i] ? luron_shape_text(b, sizeof b, outs[i]->ndim, outs[i]->shape) : "");
    return LURON_OK;
}

/* Those outputs through which something flows back, moved to the front with their gradients. */
static int gather(int n, luron_tensor **outs, luron_tensor *const *grads, luron_tensor **ys, luron_tensor **gys) {
    int found = 0;
    for (int i = 0; i < n; i++) {
        if (!grads[i] || !outs[i]->requires_grad) continue;
        ys[found] = outs[i];
        gys[found++] = grads[i];
    }
    return found;
}

luron_status luron__recompute_backward(luron_ctx *ctx, luron__run *run, luron__node *node, luron_tensor *const *grads) {
    const int n_in = node->n_in, n_out = node->n_out;
    const size_t bytes = (size_t)(n_in + 3 * n_out) * sizeof(luron_tensor *);
    luron_tensor **outs;
    LURON_TRY(luron__alloc(&outs, ctx, bytes));
    luron_tensor **ys = outs + n_out, **gys = ys + n_out, **gins = gys + n_out;
    const uint64_t before = ctx->seq;
    luron_status status = again(ctx, node->ud, n_out, outs);
    const bool made = !status;
    if (!status) status = check_same(ctx, node, outs);
    int n_y = status ? 0 : gather(n_out, outs, grads, ys, gys);
    if (n_y)
        status = luron__grad_since(gins, ctx, before, n_y, ys, gys, n_in, node->in,
                                   luron__run_creates_graph(run) ? LURON_CREATE_GRAPH : 0);
    for (int i = 0; i < n_in; i++) {
        if (!status && gins[i]) status = luron__run_add(run, ctx, node->in[i], gins[i]);
        luron_tensor_unref(gins[i]);
    }
    for (int i = 0; i < n_out; i++)
        luron_tensor_unref(outs[i]);
    if (made) done(ctx, node->ud, luron__run_creates_graph(run));
    luron__free(ctx, outs, bytes);
    return status;
}
