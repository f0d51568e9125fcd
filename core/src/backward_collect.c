/* backward_collect.c -- the part of the tape that a backward sees: its nodes and leaves, and a slot for each gradient. */
#include "backward.h"
#include "hooks.h"

#include <stdlib.h>

static int64_t find_place(const luron__run *run, const luron_tensor *leaf) {
    int64_t mask = run->n_places - 1, i = (int64_t)((uint64_t)(uintptr_t)leaf * 0x9e3779b97f4a7c15u >> 33) & mask;
    while (run->places[i].leaf && run->places[i].leaf != leaf) i = (i + 1) & mask;
    return i;
}

/* Room for one leaf more, at most half of it full. */
static luron_status reserve_place(luron__run *run, luron_ctx *ctx) {
    if (2 * (run->n_leaves + 1) <= run->n_places) return LURON_OK;
    int64_t n = run->n_places;
    place *old = run->places, *wider;
    LURON_TRY(luron__alloc(&wider, ctx, (size_t)(2 * n) * sizeof *wider));
    run->places = wider, run->n_places = 2 * n;
    for (int64_t i = 0; i < n; i++)
        if (old[i].leaf) run->places[find_place(run, old[i].leaf)] = old[i];
    if (old != run->few) luron__free(ctx, old, (size_t)n * sizeof *old);
    return LURON_OK;
}

static luron_status add_mark(luron__run *run, luron_ctx *ctx, mark m, int64_t n_slots) {
    LURON_TRY(luron__grow(ctx, &run->marks, &run->cap_marks, run->n_marks + 1, sizeof *run->marks));
    run->marks[run->n_marks++] = m;
    run->n_slots += n_slots;
    return LURON_OK;
}

static luron_status add_node(luron__run *run, luron_ctx *ctx, luron__node *node) {
    LURON_TRY(add_mark(run, ctx, (mark){.node = node, .run = node->run, .slot = node->slot, .was_used = node->used}, node->n_out));
    node->run = run, node->slot = run->n_slots - node->n_out;
    atomic_fetch_add(&node->refs, 1);
    run->n_nodes++;
    return LURON_OK;
}

static luron_status add_leaf(luron__run *run, luron_ctx *ctx, luron_tensor *leaf) {
    LURON_TRY(reserve_place(run, ctx));
    place *at = &run->places[find_place(run, leaf)];
    if (at->leaf) return LURON_OK;
    LURON_TRY(add_mark(run, ctx, (mark){.leaf = leaf, .slot = run->n_slots}, 1));
    *at = (place){leaf, run->n_slots - 1};
    run->n_leaves++;
    luron_tensor_ref(leaf);
    return LURON_OK;
}

/* x as an operand of `of`, NULL: as a result to begin at. */
static luron_status visit(luron__run *run, luron_ctx *ctx, luron_tensor *x, const luron__node *of) {
    if (!x || !x->requires_grad) return LURON_OK;
    if (!x->node) return add_leaf(run, ctx, x);
    char text[LURON__NODE_TEXT];
    LURON__CHECK(ctx, !of || x->node->seq < of->seq, LURON_E_INTERNAL, "backward: the tape has a loop: an operand of %s was made after it",
                 luron__node_text(text, sizeof text, of));
    return x->node->run == run || x->node->seq < run->first_seq ? LURON_OK : add_node(run, ctx, x->node);
}

/* The list of marks is also the queue of what is still to be looked at. */
static luron_status collect(luron__run *run, luron_ctx *ctx, int n_y, luron_tensor *const *ys) {
    for (int i = 0; i < n_y; i++) LURON_TRY(visit(run, ctx, ys[i], NULL));
    for (int64_t at = 0; at < run->n_marks; at++) {
        luron__node *node = run->marks[at].node;
        for (int i = 0; node && node->seq > run->stop_seq && i < node->n_in; i++) LURON_TRY(visit(run, ctx, node->in[i], node));
    }
    return LURON_OK;
}

static int later_first(const void *a, const void *b) {
    uint64_t x = (*(luron__node *const *)a)->seq, y = (*(luron__node *const *)b)->seq;
    return x < y ? 1 : x > y ? -1 : 0;
}

slot *luron__run_slot_of(luron__run *run, const luron_tensor *x) {
    if (!x || !x->requires_grad) return NULL;
    if (x->node) return x->node->run == run ? &run->slots[x->node->slot + x->node_out] : NULL;
    const place *at = &run->places[find_place(run, x)];
    return at->leaf ? &run->slots[at->slot] : NULL;
}

bool luron__run_lost(const luron__run *run, const luron__node *node) { return node->used && node->n_in && node->seq > run->first_seq; }

/* Every operand of a node was made by a node with a smaller seq. */
void luron__run_find_wanted(luron__run *run) {
    for (int64_t k = run->n_nodes - 1; k >= 0; k--) {
        luron__node *node = run->nodes[k];
        if (node->seq <= run->stop_seq) continue;
        bool leads = luron__run_lost(run, node);
        for (int i = 0; i < node->n_in && !leads; i++) {
            slot *s = node->wants[i] ? luron__run_slot_of(run, node->in[i]) : NULL;
            leads = s && s->wanted;
        }
        for (int i = 0; i < node->n_out && leads; i++) run->slots[node->slot + i].wanted = true;
    }
}

luron_status luron__run_begin(luron__run *run, luron_ctx *ctx, int n_y, luron_tensor *const *ys) {
    run->outer = ctx->run;
    ctx->run = run;
    run->places = run->few, run->n_places = FEW_LEAVES;
    run->n_y = n_y, run->ys = ys;
    for (int i = 0; i < n_y; i++) luron_tensor_ref(ys[i]); /* a hook may let go of what its caller holds */
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

void luron__run_end(luron__run *run, luron_ctx *ctx, bool failed) {
    ctx->run = run->outer;
    for (int i = 0; i < run->n_y; i++) luron_tensor_unref(run->ys[i]);
    for (int64_t i = 0; run->slots && i < run->n_slots; i++) luron_tensor_unref(run->slots[i].grad);
    for (int64_t i = 0; i < run->n_retained; i++) {
        luron_tensor_unref(run->retained[i].keeper);
        luron_tensor_unref(run->retained[i].grad);
    }
    luron__carried_free(ctx, run->carried);
    for (int64_t i = run->n_marks - 1; i >= 0; i--) {
        mark *m = &run->marks[i];
        if (m->node) {
            if (failed && m->node->used && !m->was_used) m->node->used = LURON__USED_IN_VAIN;
            m->node->run = m->run, m->node->slot = m->slot;
            luron__node_unref(m->node);
        } else
            luron_tensor_unref(m->leaf);
    }
    luron__free(ctx, run->slots, (size_t)run->cap_slots * sizeof *run->slots);
    luron__free(ctx, run->nodes, (size_t)run->n_nodes * sizeof *run->nodes);
    luron__free(ctx, run->marks, (size_t)run->cap_marks * sizeof *run->marks);
    luron__free(ctx, run->retained, (size_t)run->cap_retained * sizeof *run->retained);
    if (run->places != run->few) luron__free(ctx, run->places, (size_t)run->n_places * sizeof *run->places);
}
