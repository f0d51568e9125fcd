/* plan_shared.c -- what the plans of a context have together: the block that results in between lie in, for one plan runs at a
 * time; gradients that an optimiser of theirs has read when the run is over; parameters that are kept packed. The context lists its plans,
 * the one that ran last first, and lets go of them from the other end when memory is short.                             */
#include "plan.h"

#include <stdio.h>

/* ---- the list ------------------------------------------------------------------------------------------------------- */
void luron__plan_link(luron_plan *p, luron_ctx *ctx) {
    p->of = ctx, p->before = NULL, p->after = ctx->plans;
    if (p->after) p->after->before = p;
    ctx->plans = p;
}

void luron__plan_unlink(luron_plan *p) {
    if (!p->of) return;
    *(p->before ? &p->before->after : &p->of->plans) = p->after;
    if (p->after) p->after->before = p->before;
    p->of = NULL;
}

static void free_block(luron_ctx *ctx) {
    luron__free(ctx, ctx->block, ctx->block_bytes);
    ctx->block = NULL, ctx->block_bytes = 0;
}

void luron__plan_leave(luron_plan *p) {
    luron_ctx *ctx = p->of;
    luron__plan_unlink(p);
    if (!ctx || ctx->replayed) return;
    size_t most = 0;
    for (const luron_plan *q = ctx->plans; q; q = q->after)
        if (q->block_bytes + q->scratch_bytes > most) most = q->block_bytes + q->scratch_bytes;
    if (most < ctx->block_bytes) free_block(ctx); /* the others need less */
}

void luron__plans_close(luron_ctx *ctx) {
    free_block(ctx);
    while (ctx->plans) luron__plan_empty(ctx->plans); /* their frames know the context */
}

static bool uses(const luron_plan *p, const void *it) {
    for (int64_t i = 0; i < p->n_steps; i++)
        if (p->steps[i].optim == it || (p->steps[i].frame && p->steps[i].frame->layer == it)) return true;
    for (int64_t i = 0; i < p->n_owners; i++)
        if (p->owners[i].layer == it || p->owners[i].model == it) return true;
    return false;
}

void luron_ctx_drop_plans(luron_ctx *ctx, const void *used) {
    for (luron_plan *p = used ? ctx->plans : NULL, *after; p; p = after) {
        after = p->after;
        if (!uses(p, used)) continue;
        if (!p->refusal[0]) snprintf(p->refusal, sizeof p->refusal, "a layer, model or optimiser that it uses was closed");
        luron__plan_empty(p);
    }
}

bool luron__plans_trim(luron_ctx *ctx) {
    if (!ctx->block || ctx->replayed) return false;
    free_block(ctx);
    return true;
}

bool luron__plans_spare(luron_ctx *ctx) {
    luron_plan *last = ctx->plans;
    if (luron__plans_trim(ctx)) return true;
    while (last && last->after) last = last->after;
    if (last) luron__plan_empty(last);
    return last != NULL;
}

/* ---- the block ------------------------------------------------------------------------------------------------------ */
luron_status luron__plan_block(luron_plan *p, luron_ctx *ctx) {
    const size_t bytes = p->block_bytes + p->scratch_bytes;
    if (bytes <= ctx->block_bytes && ctx->block) return LURON_OK;
    free_block(ctx);
    LURON_TRY(luron__alloc(&ctx->block, ctx, bytes));
    ctx->block_bytes = bytes;
    return LURON_OK;
}

/* ---- gradients ------------------------------------------------------------------------------------------------------ */
/* The gradient of the leaf in another plan, best one that lies in an optimiser's block. NULL: there is none. */
static luron__plan_grad *same_grad(const luron_ctx *ctx, const luron__plan_grad *mine) {
    luron__plan_grad *found = NULL;
    for (const luron_plan *q = ctx->plans; q; q = q->after)
        for (int64_t i = 0; i < q->n_grads; i++) {
            luron__plan_grad *g = &q->grads[i];
            if (g->leaf != mine->leaf || !g->own || g->grad->dtype != mine->grad->dtype || !luron__same_shape(g->grad, mine->grad)) continue;
            if (!found || g->flat) found = g;
        }
    return found;
}

/* Does an optimiser of the plan read what lies there? Then its numbers have served when the run is over. Without, they are what the
 * run was for: the program may hold them while another plan runs. */
static bool is_served(const luron_plan *p, const luron__storage *grad) {
    for (int64_t k = 0; k < p->n_steps; k++)
        for (int i = 0; p->steps[k].optim && i < p->steps[k].n / 2; i++)
            if (p->steps[k].in[i] && p->steps[k].in[i]->storage == grad) return true;
    return false;
}

void luron__plan_share_grads(luron_plan *p, luron_ctx *ctx) {
    for (int64_t i = 0; i < p->n_grads; i++) {
        luron__plan_grad *mine = &p->grads[i];
        mine->own = mine->grad && luron__plan_own_grad(p, mine->grad) == mine && is_served(p, mine->grad->storage);
        luron__plan_grad *g = mine->own ? same_grad(ctx, mine) : NULL;
        if (!g || g->grad == mine->grad) continue;
        luron__plan_replace(p, mine->grad->storage, g->grad->storage);
        luron_tensor_unref(mine->grad);
        mine->grad = luron_tensor_ref(g->grad);
    }
}

static bool reads_the_same(const luron__plan_step *s, const luron__plan_step *t) {
    if (t->optim != s->optim || !t->flat || t->n != s->n) return false;
    for (int i = 0; i < s->n / 2; i++)
        if (!s->in[i] != !t->in[i] || (s->in[i] && s->in[i]->storage != t->in[i]->storage)) return false;
    return true;
}

luron_tensor *luron__plan_same_flat(const luron_ctx *ctx, const luron__plan_step *s) {
    for (const luron_plan *q = ctx->plans; q; q = q->after)
        for (int64_t k = 0; k < q->n_steps; k++)
            if (reads_the_same(s, &q->steps[k])) return luron_tensor_ref(q->steps[k].flat);
    return NULL;
}

/* ---- packed parameters ---------------------------------------------------------------------------------------------- */
void luron__panels_unref(luron__pool *pool, luron__panels *panels) {
    if (panels && --panels->refs == 0) luron__pool_free(pool, panels, panels->bytes);
}

static luron__panels *panels_in(const luron_plan *p, const luron__gemm_args *g) {
    for (int64_t i = 0; i < p->n_steps; i++)
        for (int k = 0; k < LURON__MAX_SLOTS && p->steps[i].packed; k++) {
            luron__panels *panels = p->steps[i].packed[k].panels;
            if (panels && luron__panels_are_of(panels, g)) return panels;
        }
    return NULL;
}

/* Panels for b in that form, of whichever numbers. NULL: there is no memory for them. */
static luron__panels *take_panels(const luron_ctx *ctx, const luron__gemm_args *g) {
    luron__panels *found = ctx->replayed ? panels_in(ctx->replayed, g) : NULL;
    for (const luron_plan *q = ctx->plans; q && !found; q = q->after) found = panels_in(q, g);
    if (found) return found->refs++, found;
    const size_t bytes = sizeof *found + (size_t)luron__gemm_packed_bytes(g);
    found = luron__pool_alloc(ctx->pool, bytes);
    if (found) *found = (luron__panels){.refs = 1, .bytes = bytes, .b = g->b, .flags = g->flags & LURON_TRANS_B, .n = g->n, .k = g->k};
    return found;
}

const void *luron__panels_of(luron__packed *p, const luron_ctx *ctx, const luron__gemm_args *g, uint64_t version) {
    const bool same = p->version == version;
    p->version = version;
    luron__panels_unref(ctx->pool, p->panels);
    p->panels = same ? take_panels(ctx, g) : NULL; /* it may be in training: packing would have to pay in one product */
    if (!p->panels) return NULL;
    if (p->panels->version != version) luron__gemm_pack(g, p->panels + 1);
    p->panels->version = version;
    return p->panels + 1;
}

/* ---- what a plan holds ---------------------------------------------------------------------------------------------- */
int64_t luron_plan_kept_bytes(const luron_plan *p) {
    size_t bytes = 0;
    for (int64_t i = 0; i < p->n_grads; i++)
        if (p->grads[i].grad) bytes += p->grads[i].grad->storage->bytes;
    for (int counted = 0; counted < 2; counted++) /* each once, and then as if nobody had counted */
        for (int64_t i = 0; i < p->n_steps; i++)
            for (int k = 0; k < LURON__MAX_SLOTS && p->steps[i].packed; k++) {
                luron__panels *panels = p->steps[i].packed[k].panels;
                if (!panels || panels->counted != counted) continue;
                if (!counted) bytes += panels->bytes;
                panels->counted = !counted;
            }
    return (int64_t)bytes;
}
