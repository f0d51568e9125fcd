/* plan_run.c -- doing again what a plan has noted. */
#include "guard.h"
#include "ops_elementwise.h"
#include "plan.h"

#include "optim_groups.h"

#include <stdio.h>
#include <string.h>

/* ---- does it fit ------------------------------------------------------------------------------------------------- */
static bool same_input(const luron_tensor *was, const luron_tensor *is) {
    return is && is->dtype == was->dtype && luron__same_shape(is, was) && luron_tensor_is_contiguous(is) && !is->requires_grad;
}

/* A gradient that another run has left, and this one would write while it reads it. */
static bool writes_into(const luron_plan *p, const luron__storage *in) {
    for (int64_t i = 0; in->gradient && i < p->n_grads; i++)
        if (p->grads[i].grad && p->grads[i].grad->storage == in) return true;
    return false;
}

static const char *misfit(const luron_plan *p, const luron_ctx *ctx, int n_in, luron_tensor *const *ins) {
    if (!p->ended) return p->emptied ? p->refusal : "the plan cannot be run";
    if (ctx->pool != p->pool) return "it is of another context";
    if (n_in != p->n_in) return "another number of inputs";
    for (int i = 0; i < n_in; i++)
        if (!same_input(&p->ins[i], ins[i])) return "inputs of another shape or dtype, or not contiguous";
        else if (writes_into(p, ins[i]->storage)) return "it is given a gradient that it writes";
    if (ctx->recording != p->recording) return "gradients are recorded, or not";
    if (ctx->anomaly || ctx->strict || ctx->trace || ctx->plan || ctx->profile) return "the context looks at what is computed";
    for (int64_t i = 0; i < p->n_steps; i++) {
        const luron__plan_step *s = &p->steps[i];
        if (s->kind == LURON__PLAN_FORWARD && !luron__plan_frame_fits(s->frame)) return "a layer has another mode, parameter, code or a hook";
        if (s->kind == LURON__PLAN_OPTIM && !luron__optim_has(s->optim, s->headers, s->n / 2, 2)) return "an optimiser has other parameters";
    }
    for (int64_t i = 0; i < p->n_grads; i++)
        if (p->grads[i].leaf->hooks) return "a parameter has a hook";
        else if (p->grads[i].leaf->grad && !p->grads[i].zeroed) return "there are gradients, which the step would be added to";
    return luron__plan_misfit_seen(p, ctx);
}

int luron_plan_fits(const luron_plan *p, const luron_ctx *ctx, int n_in, luron_tensor *const *ins, const char **why) {
    const char *text = misfit(p, ctx, n_in, ins);
    if (why) *why = text;
    return !text;
}

/* ---- running ----------------------------------------------------------------------------------------------------- */
static luron_status run_frame(luron_plan *p, luron_ctx *ctx, luron__plan_step *s) {
    luron__frame *f = s->frame;
    luron_call *c = &f->call;
    f->ctx = ctx;
    f->seed = ctx->seed;
    f->n_products = 0, f->thread = p->thread;
    atomic_store_explicit(&f->status, LURON_OK, memory_order_relaxed); /* nobody else looks at it yet */
    atomic_store_explicit(&f->told, 0, memory_order_relaxed);
    if (s->n_inputs) luron__plan_refresh(s, s->n_inputs);
    if (s->draws) c->random_position = p->position + s->draw;
    if (s->kind == LURON__PLAN_BACKWARD) {
        memcpy(c->fresh_in, s->fresh, (size_t)c->n_in);
        memcpy(c->fresh_param, s->fresh + c->n_in, LURON__MAX_SLOTS);
    }
    luron_status status = s->kind == LURON__PLAN_BACKWARD ? luron__frame_backward(f) : f->both ? luron__frame_forward_backward(f) : luron__frame_forward(f);
    for (int k = 0; k < c->n_state && s->kind == LURON__PLAN_FORWARD && c->flags & LURON_CALL_TRAINING; k++)
        if (f->layer->state[k].tensor) luron_tensor_touch(f->layer->state[k].tensor);
    if (!status && f->fused && atomic_load(&f->told) != s->told)
        status = luron__frame_fail(f, LURON_E_PLUGIN, "made and wants were told of %lld elements, before of %lld", (long long)atomic_load(&f->told),
                                   (long long)s->told);
    return status ? luron__frame_explain(f, status) : LURON_OK;
}

static luron_status run_root(luron_ctx *ctx, const luron_tensor *y) {
    if (!luron__has_nonfinite(ctx, y)) return LURON_OK;
    char text[LURON__NUMBERS_TEXT];
    return luron__fail(ctx, LURON_E_NONFINITE, "plan: what backward begins at is not finite: %s (do the step again with detect_anomaly on, which tells what made it)",
                       luron__numbers_text(text, sizeof text, ctx, y));
}

static luron_status run_optim(luron_ctx *ctx, luron__plan_step *s) {
    return luron__optim_step_with(s->optim, ctx, s->in, s->flat && !luron__has_nonfinite(ctx, s->flat));
}

/* ---- what it is -------------------------------------------------------------------------------------------------- */
const char *luron_plan_refusal(const luron_plan *p) { return p->refusal[0] ? p->refusal : NULL; }
uint64_t luron_plan_hash(const luron_plan *p) { return p->hash; }
int luron_plan_n_outs(const luron_plan *p) { return p->n_out; }
int luron_plan_changed(const luron_plan *p) { return p->changed; }
int64_t luron_plan_n_steps(const luron_plan *p) { return p->n_steps; }

const char *luron_plan_step(const luron_plan *p, int64_t i, uint64_t *hash) {
    if (i < 0 || i >= p->n_steps) return NULL;
    const luron__plan_step *s = &p->steps[i];
    if (hash) *hash = s->hash;
    switch (s->kind) {
    case LURON__PLAN_OP: return s->apply.op->name;
    case LURON__PLAN_FORWARD: return s->frame->type->layer.name;
    case LURON__PLAN_BACKWARD: return s->frame->type->layer.name;
    case LURON__PLAN_COPY: return "copy";
    case LURON__PLAN_ADD: return "sum of gradients";
    case LURON__PLAN_FILL: return "fill";
    case LURON__PLAN_DRAW: return "random numbers";
    case LURON__PLAN_ZERO: return "fill";
    case LURON__PLAN_ROOT: return "backward";
    case LURON__PLAN_OPTIM: return s->optim->type->optim.name;
    }
    return NULL;
}

const char *luron_plan_made(const luron_plan *p, int64_t i) { return i < 0 || i >= p->n_steps ? NULL : p->steps[i].made; }

static luron_status run_step(luron_plan *p, luron_ctx *ctx, luron__plan_step *s) {
    switch (s->kind) {
    case LURON__PLAN_OP:
        return s->apply.op->compute(ctx, &s->apply);
    case LURON__PLAN_FORWARD:
    case LURON__PLAN_BACKWARD:
        return run_frame(p, ctx, s);
    case LURON__PLAN_COPY:
        luron__copy_in_place(ctx, &s->headers[1], &s->headers[0]);
        return LURON_OK;
    case LURON__PLAN_FILL:
        return luron_tensor_fill(ctx, &s->headers[0], s->value);
    case LURON__PLAN_DRAW:
        luron__uniform_f32(ctx->seed, p->position + s->draw, (uint32_t)s->stream, 0, luron_tensor_numel(&s->headers[0]),
                           (float *)luron__data(&s->headers[0]));
        return LURON_OK;
    case LURON__PLAN_ADD:
        luron__add_in_place(ctx, &s->headers[1], &s->headers[0]);
        return LURON_OK;
    case LURON__PLAN_ZERO:
        memset(luron__data(&s->headers[0]), 0, (size_t)luron_tensor_numel(&s->headers[0]) * (size_t)luron_dtype_size(s->headers[0].dtype));
        return LURON_OK;
    case LURON__PLAN_ROOT:
        return run_root(ctx, &s->headers[0]);
    case LURON__PLAN_OPTIM:
        return run_optim(ctx, s);
    }
    return LURON_E_INTERNAL;
}

/* The gradients of leaves as the step leaves them. */
static void put_grads(luron_plan *p) {
    for (int64_t i = 0; i < p->n_grads; i++) {
        luron__plan_grad *g = &p->grads[i];
        if (g->grad) g->grad->storage->finite = 0; /* what was known of its numbers */
        if (g->leaf->grad == g->grad) continue;
        luron_tensor *old = g->leaf->grad;
        g->leaf->grad = luron_tensor_ref(g->grad);
        luron_tensor_unref(old);
    }
}

/* A tensor of its own with what an output has now. */
static luron_status copy_out(luron_tensor **out, luron_ctx *ctx, luron_tensor *t) {
    if (!luron_tensor_is_contiguous(t)) return luron_copy(out, ctx, t);
    LURON_TRY(luron__tensor_make(out, ctx, t->dtype, t->ndim, t->shape));
    memcpy((*out)->storage->data, luron__data(t), (*out)->storage->bytes);
    return LURON_OK;
}

static luron_status make_outputs(luron_tensor **outs, luron_plan *p, luron_ctx *ctx) {
    for (int i = 0; i < p->n_out; i++)
        outs[i] = NULL;
    luron_status status = LURON_OK;
    for (int i = 0; i < p->n_out && !status; i++)
        if (p->same[i])
            outs[i] = luron_tensor_ref(p->same[i]);
        else
            status = copy_out(&outs[i], ctx, &p->outs[i]);
    for (int i = 0; i < p->n_out && status; i++) {
        luron_tensor_unref(outs[i]);
        outs[i] = NULL;
    }
    return status;
}

/* Step i has failed: random numbers and gradients as the step that is computed would leave them. If nothing has changed so
 * far, as if it had not been tried: whoever wants to know what was not finite does the step itself.                     */
static void leave_at(luron_plan *p, luron_ctx *ctx, int64_t i, luron_status status) {
    uint64_t drawn = 0;
    for (int64_t k = 0; k < i; k++) {
        const luron__plan_step *s = &p->steps[k];
        p->changed = p->changed || s->lasting;
        if (s->kind != LURON__PLAN_BACKWARD && s->draws && drawn <= s->draw) drawn = s->draw + 1;
    }
    if (status == LURON_E_NOMEM && p->steps[i].lasting) p->changed = true; /* it may have begun */
    bool undone = (status == LURON_E_NONFINITE || status == LURON_E_NOMEM) && !p->changed;
    ctx->position = p->position + (undone ? 0 : drawn);
    for (int64_t k = 0; k < p->n_grads && !undone; k++) {
        luron__plan_grad *g = &p->grads[k];
        if (g->last > i && !(g->zeroed && g->first <= i)) continue;
        luron_tensor *old = g->leaf->grad;
        g->leaf->grad = g->last <= i ? luron_tensor_ref(g->grad) : NULL;
        luron_tensor_unref(old);
    }
}

/* What the step made and the program still holds is written again: a tape that has saved it must notice. */
static void touch_kept(luron_plan *p) {
    for (int64_t i = 0; i < p->n_written; i++)
        luron__touch(p->written[i]);
}

static bool is_lasting(const luron_plan *p) {
    for (int64_t i = 0; i < p->n_steps; i++)
        if (p->steps[i].lasting) return true;
    return false;
}

static luron_status run_steps(luron_tensor **outs, luron_plan *p, luron_ctx *ctx, int n_in, luron_tensor *const *ins) {
    for (int i = 0; i < n_in; i++)
        p->inputs[i].data = luron__data(ins[i]) - p->ins[i].offset * luron_dtype_size(ins[i]->dtype);
    touch_kept(p);
    p->thread = ctx->threads > 1 ? luron__this_thread() : NULL;
    p->position = ctx->position;
    ctx->position += p->draws;
    bool recording = ctx->recording;
    ctx->recording = false;
    luron_status status = LURON_OK;
    luron__plan_step *s = p->steps;
    for (const luron__plan_step *const end = s + p->n_steps; s < end && !status; s++)
        if (!s->fused) status = run_step(p, ctx, s);
    if (status) leave_at(p, ctx, s - p->steps - 1, status);
    else {
        status = make_outputs(outs, p, ctx);
        p->changed = status && is_lasting(p);
        if (status && !p->changed) ctx->position = p->position;
        else put_grads(p);
    }
    ctx->recording = recording;
    return status;
}

luron_status luron_plan_run(luron_tensor **outs, luron_plan *p, luron_ctx *ctx, int n_in, luron_tensor *const *ins) {
    const char *why = misfit(p, ctx, n_in, ins);
    p->changed = false;
    LURON__CHECK(ctx, !why, LURON_E_STATE, "plan: it was made for something else: %s", why);
    luron__plan_unlink(p); /* nobody lets go of it while it runs */
    ctx->replayed = p;
    luron_status status = luron__plan_open(p, ctx);
    if (!status) status = run_steps(outs, p, ctx, n_in, ins);
    ctx->replayed = NULL;
    luron__plan_link(p, ctx);
    return status;
}
