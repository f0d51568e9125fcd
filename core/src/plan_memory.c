/* plan_memory.c -- the block of a plan: storages of the step that nobody else holds, at places where no two that are in use at
 * the same time overlap. The largest goes first, to the lowest place that is free while it is in use. The gradients of an
 * optimiser, which the program may look at, have a block of their own.                                                */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

typedef struct piece {
    int64_t store, first, last;
    size_t bytes, at;
} piece;

static int larger_first(const void *a, const void *b) {
    const piece *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x->store < y->store ? -1 : 1;
}

static bool overlap(const piece *a, const piece *b) { return a->first <= b->last && b->first <= a->last; }

/* placed: n pieces by rising place. */
static size_t place_for(const piece *p, piece *const *placed, int64_t n) {
    size_t at = 0;
    for (int64_t i = 0; i < n; i++)
        if (overlap(p, placed[i]) && placed[i]->at < at + p->bytes && at < placed[i]->at + placed[i]->bytes) at = placed[i]->at + placed[i]->bytes;
    return at;
}

static void insert(piece **placed, int64_t n, piece *p) {
    for (; n > 0 && placed[n - 1]->at > p->at; n--)
        placed[n] = placed[n - 1];
    placed[n] = p;
}

static size_t place_all(piece *pieces, piece **placed, int64_t n) {
    size_t total = 0;
    qsort(pieces, (size_t)n, sizeof *pieces, larger_first);
    for (int64_t i = 0; i < n; i++) {
        pieces[i].at = place_for(&pieces[i], placed, i);
        insert(placed, i, &pieces[i]);
        if (pieces[i].at + pieces[i].bytes > total) total = pieces[i].at + pieces[i].bytes;
    }
    return total;
}

static int64_t collect(luron_plan *p, piece *pieces) {
    int64_t n = 0;
    for (int64_t i = 0; i < p->n_stores; i++) {
        const luron__plan_store *s = &p->stores[i];
        if (!s->kept || !s->written_first) continue;
        pieces[n++] = (piece){.store = i, .first = s->first, .last = s->last, .bytes = luron__aligned(s->storage->bytes)};
    }
    return n;
}

/* View v shows an input: it goes among the first ones, which every run refreshes. */
static void put_first(luron__plan_step *s, int64_t v) {
    luron__plan_view view = s->views[v];
    s->views[v] = s->views[s->n_inputs];
    s->views[s->n_inputs++] = view;
}

/* Headers that show an input look at what stands for it from now on. */
static void point_at_inputs(luron_plan *p) {
    for (int64_t i = 0; i < p->n_stores; i++) {
        luron__plan_store *store = &p->stores[i];
        if (store->input < 0) continue;
        luron__storage *stand_in = &p->inputs[store->input];
        const uint32_t given = p->number + (uint32_t)store->input; /* other inputs may lie in this memory */
        *stand_in = (luron__storage){.refs = LURON__PLAN_REFS, .pool = p->pool, .data = store->storage->data, .bytes = store->storage->bytes};
        for (int64_t k = 0; k < p->n_steps; k++) {
            luron__plan_step *s = &p->steps[k];
            for (int h = 0; h < s->n; h++)
                if (s->headers[h].given == given && s->headers[h].storage == store->storage) s->headers[h].storage = stand_in;
            for (int64_t v = 0; v < s->n_views; v++)
                if (s->views[v].input == store->input) s->views[v].storage = stand_in, put_first(s, v);
        }
        for (int o = 0; o < p->n_out; o++)
            if (p->outs[o].given == given && p->outs[o].storage == store->storage) p->outs[o].storage = stand_in;
        luron__storage_unref(store->storage);
        store->storage = NULL;
    }
}

void luron__plan_refresh(luron__plan_step *s, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        luron__plan_view *v = &s->views[i];
        if (v->storage) v->view->data = (char *)v->storage->data + v->offset;
    }
}

luron_status luron__plan_lay_out(luron_plan *p, luron_ctx *ctx) {
    piece *pieces, **placed = NULL;
    size_t room = (size_t)p->n_stores;
    LURON_TRY(luron__alloc(&pieces, ctx, room * sizeof *pieces));
    luron_status status = luron__alloc(&placed, ctx, room * sizeof *placed);
    int64_t n = collect(p, pieces);
    if (!status) p->block_bytes = place_all(pieces, placed, n);
    for (int64_t i = 0; i < n && !status; i++) {
        luron__plan_store *store = &p->stores[pieces[i].store];
        luron__pool_free(p->pool, store->storage->data, store->storage->bytes);
        store->storage->data = NULL;
        store->at = pieces[i].at, store->moved = true;
    }
    luron__free(ctx, placed, room * sizeof *placed);
    luron__free(ctx, pieces, room * sizeof *pieces);
    if (!status) point_at_inputs(p);
    return status;
}

/* ---- gradients that stay ----------------------------------------------------------------------------------------- */
luron__plan_grad *luron__plan_own_grad(luron_plan *p, const luron_tensor *header) {
    luron__plan_grad *found = NULL;
    for (int64_t i = 0; i < p->n_grads; i++) {
        luron__plan_grad *g = &p->grads[i];
        if (!g->grad || g->grad->storage != header->storage) continue;
        if (found || g->flat) return NULL;
        found = g;
    }
    const bool is_whole = found && luron_tensor_is_contiguous(found->grad) && luron_tensor_is_contiguous(header) &&
                          (size_t)luron_tensor_numel(header) * (size_t)luron_dtype_size(header->dtype) == header->storage->bytes;
    for (int64_t i = 0; i < p->n_stores && is_whole; i++) {
        const luron__plan_store *store = &p->stores[i];
        if (store->storage == header->storage) return store->born && !store->moved && store->written_first ? found : NULL;
    }
    return NULL;
}

void luron__plan_replace(luron_plan *p, luron__storage *from, luron__storage *to) {
    luron__plan_move(p, 0, p->n_steps, from, to);
    for (int64_t i = 0; i < p->n_stores; i++)
        if (p->stores[i].storage == from) {
            atomic_fetch_add(&to->refs, 1);
            p->stores[i].storage = to;
            luron__storage_unref(from);
        }
}

static bool is_left(const luron_plan *p, const luron__storage *s) {
    for (int64_t i = 0; i < p->n_grads; i++)
        if (p->grads[i].grad && p->grads[i].grad->storage == s) return true;
    return false;
}

luron_status luron__plan_part(luron_plan *p, luron_ctx *ctx) {
    for (int64_t i = 0; i < p->n_stores; i++) {
        luron__plan_store *store = &p->stores[i];
        luron__storage *was = store->storage, *own;
        if (!store->born || store->kept || is_left(p, was)) continue;
        LURON_TRY(luron__alloc(&own, ctx, sizeof *own));
        own->pool = p->pool, own->bytes = was->bytes;
        if (store->constant && !(own->data = luron__take(ctx, was->bytes))) {
            luron__free(ctx, own, sizeof *own);
            return luron__nomem(ctx, was->bytes);
        }
        if (own->data) memcpy(own->data, was->data, was->bytes);
        if (store->first >= 0) luron__plan_move(p, store->first, store->last, was, own);
        atomic_store(&own->refs, 1);
        store->storage = own, store->kept = true;
        luron__storage_unref(was);
    }
    return LURON_OK;
}

/* Bytes of the gradients of step s; 0: they are not all alone in a storage, or of several dtypes. */
static size_t flat_bytes(luron_plan *p, const luron__plan_step *s) {
    const luron_tensor *first = NULL;
    size_t bytes = 0;
    for (int i = 0; i < s->n / 2; i++) {
        const luron_tensor *t = s->in[i];
        if (!t) continue;
        if (!first) first = t;
        if (t->dtype != first->dtype || !luron__plan_own_grad(p, t)) return 0;
        bytes += luron__aligned(t->storage->bytes);
    }
    return bytes;
}

/* The gradients that the optimiser of step s reads get one block, one behind the other, so that one look tells whether all are
 * finite. What they were in the step that was noted stays with whoever holds it.                                       */
static luron_status make_flat(luron_plan *p, luron_ctx *ctx, luron__plan_step *s) {
    const size_t bytes = flat_bytes(p, s);
    if (!bytes) return LURON_OK;
    luron__block *block = luron__block_new(p->pool, bytes);
    if (!block) return luron__nomem(ctx, bytes);
    memset(block->data, 0, bytes); /* what lies between them is looked at too */
    luron_tensor *flat = NULL, *own = NULL;
    size_t at = 0;
    luron_status status = LURON_OK;
    for (int i = 0; i < s->n / 2 && !status; i++) {
        if (!s->in[i]) continue;
        luron__plan_grad *g = luron__plan_own_grad(p, s->in[i]);
        status = luron__tensor_in_block(&own, ctx, g->grad->dtype, g->grad->ndim, g->grad->shape, block, at);
        if (status) break;
        at += luron__aligned(own->storage->bytes);
        own->storage->gradient = true;
        luron__plan_replace(p, g->grad->storage, own->storage);
        luron_tensor_unref(g->grad);
        g->grad = own;
    }
    if (!status) {
        const int64_t n = (int64_t)(bytes / (size_t)luron_dtype_size(own->dtype));
        status = luron__tensor_in_block(&flat, ctx, own->dtype, 1, &n, block, 0);
    }
    s->flat = flat;
    luron__block_unref(block);
    return status;
}

static luron_status flatten(luron_plan *p, luron_ctx *ctx, luron__plan_step *s) {
    if (s->flat) return LURON_OK;
    s->flat = luron__plan_same_flat(ctx, s);
    if (!s->flat) LURON_TRY(make_flat(p, ctx, s));
    for (int i = 0; i < s->n / 2 && s->flat; i++) { /* a later step of an optimiser that reads them must not move them */
        luron__plan_grad *g = s->in[i] ? luron__plan_own_grad(p, s->in[i]) : NULL;
        if (g) g->flat = true;
    }
    return LURON_OK;
}

/* List what every run writes outside of the block. */
static luron_status list_written(luron_plan *p, luron_ctx *ctx) {
    if (!p->written) LURON_TRY(luron__alloc(&p->written, ctx, (size_t)p->n_stores * sizeof *p->written));
    p->n_written = 0;
    for (int64_t i = 0; i < p->n_stores; i++) {
        const luron__plan_store *s = &p->stores[i];
        if (s->born && !s->moved && s->written_first) p->written[p->n_written++] = s->storage;
    }
    return LURON_OK;
}

/* Once: what every run finds outside of the block. */
static luron_status settle_written(luron_plan *p, luron_ctx *ctx) {
    luron__plan_share_grads(p, ctx);
    for (int64_t k = 0; k < p->n_steps; k++)
        if (p->steps[k].optim) LURON_TRY(flatten(p, ctx, &p->steps[k]));
    LURON_TRY(list_written(p, ctx));
    luron__pool_trim(p->pool); /* of the step that was noted: kept for a program that will not run again */
    return LURON_OK;
}

luron_status luron__plan_open(luron_plan *p, luron_ctx *ctx) {
    if (!p->written) LURON_TRY(settle_written(p, ctx));
    LURON_TRY(luron__plan_block(p, ctx));
    if (p->block == ctx->block) return LURON_OK;
    p->block = ctx->block;
    char *scratch = p->scratch_bytes ? (char *)ctx->block + p->block_bytes : NULL;
    for (int64_t i = 0; i < p->n_stores; i++)
        if (p->stores[i].moved) p->stores[i].storage->data = (char *)ctx->block + p->stores[i].at;
    for (int64_t k = 0; k < p->n_steps; k++) {
        luron__plan_refresh(&p->steps[k], p->steps[k].n_views);
        if (p->steps[k].frame) p->steps[k].frame->call.scratch = scratch, p->steps[k].frame->scratch_bytes = (int64_t)p->scratch_bytes;
    }
    return LURON_OK;
}

/* ---- letting go -------------------------------------------------------------------------------------------------- */
static void close_step(const luron_plan *p, luron__plan_step *s) {
    if (s->optim) luron_optim_free(s->optim);
    luron_tensor_unref(s->flat);
    if (!s->frame || !s->frame->code) return;
    luron_layer *layer = s->frame->layer;
    luron__code *code = s->frame->code;
    s->frame->call.scratch = NULL, s->frame->scratch_bytes = 0; /* they are the plan's */
    for (int k = 0; k < LURON__MAX_SLOTS; k++) luron__panels_unref(p->pool, s->packed[k].panels);
    luron__frame_close(s->frame);
    luron__code_unref(code);
    luron_layer_unref(layer);
}

void luron__plan_empty(luron_plan *p) {
    luron__plan_abandon(p);
    luron__plan_leave(p);
    luron__plan_drop_given(p);
    for (int64_t i = 0; i < p->cap_steps && i <= p->n_steps; i++) /* the last one may be half made */
        close_step(p, &p->steps[i]);
    for (int64_t i = 0; i < p->n_grads; i++) {
        luron_tensor_unref(p->grads[i].grad);
        luron_tensor_unref(p->grads[i].leaf);
    }
    luron__plan_forget_seen(p);
    for (int i = 0; i < p->n_out; i++)
        luron_tensor_unref(p->same[i]);
    for (int64_t i = 0; i < p->n_stores; i++) {
        luron__storage *s = p->stores[i].storage;
        if (p->stores[i].moved) luron__pool_free(p->pool, s, sizeof *s); /* its data are in the block */
        else luron__storage_unref(s);
    }
    luron__pool_free(p->pool, p->steps, (size_t)p->cap_steps * sizeof *p->steps);
    luron__pool_free(p->pool, p->written, (size_t)p->n_stores * sizeof *p->written);
    luron__pool_free(p->pool, p->stores, (size_t)p->cap_stores * sizeof *p->stores);
    luron__pool_free(p->pool, p->grads, (size_t)p->cap_grads * sizeof *p->grads);
    luron__pool_free(p->pool, p->ins, (size_t)p->n_in * sizeof *p->ins);
    luron__pool_free(p->pool, p->inputs, (size_t)p->n_in * sizeof *p->inputs);
    for (luron__plan_chunk *c = p->chunks, *next; c; c = next) {
        next = c->next;
        luron__pool_free(p->pool, c, c->bytes);
    }
    luron_plan left = {.pool = p->pool, .hash = p->hash, .emptied = true, .refusal = "memory was short"};
    if (p->refusal[0]) memcpy(left.refusal, p->refusal, sizeof left.refusal);
    *p = left;
}

void luron_plan_free(luron_plan *p) {
    if (!p) return;
    luron__plan_empty(p);
    luron__pool_free(p->pool, p, sizeof *p);
}
