/* plan.c -- noting what a step computes. What is noted are things done to memory (an op computed, a callback of a layer run,
 * a gradient added in place), each with headers of the tensors that it reads and writes, so that doing them again needs no
 * tape. A storage made in the step is kept by the plan when the step lets go of it, and moves into the plan's block.   */
#include "plan.h"

#include "optim_groups.h"

#include <stdio.h>
#include <string.h>

/* ---- refusing and hashing ---------------------------------------------------------------------------------------- */
/* The first reason, and which line of the program it comes from; what is found once it is over comes from none. */
__attribute__((cold, noinline)) static void refuse(luron_plan *p, const char *what) {
    if (p->refusal[0]) return;
    char place[100] = "";
    if (!p->is_over && p->ctx->locate) p->ctx->locate(p->ctx->locate_ud, place, sizeof place);
    snprintf(p->refusal, sizeof p->refusal, *place ? "%s (%s)" : "%s", what, place);
}
void luron__plan_refuse(luron_ctx *ctx, const char *what) {
    if (ctx->plan) refuse(ctx->plan, what);
}
void luron_ctx_refuse_plan(luron_ctx *ctx, const char *what) { luron__plan_refuse(ctx, what); }

static void mix(luron_plan *p, const void *data, size_t n) { p->hash = luron__hash(p->hash, data, n); }
static void mix_int(luron_plan *p, int64_t v) { mix(p, &v, sizeof v); }

void luron__plan_mix_which(luron_plan *p, const void *thing, atomic_ullong *number) {
    mix(p, &thing, sizeof thing); /* numbers of two pools may be the same */
    mix_int(p, (int64_t)luron__number_of(number, p->pool));
}

/* ---- storages ---------------------------------------------------------------------------------------------------- */
static int64_t find_store(const luron_plan *p, const luron__storage *s) {
    for (int64_t i = p->n_stores - 1; i >= 0; i--)
        if (p->stores[i].storage == s) return i;
    return -1;
}

/* Inputs may show one memory: which one t is, or shows a part of, it knows itself. */
static int64_t find_store_of(const luron_plan *p, const luron_tensor *t) {
    const uint32_t input = t->given - p->number;
    return input < (uint32_t)p->n_in && p->stores[input].storage == t->storage ? (int64_t)input : find_store(p, t->storage);
}

static int64_t add_store(luron_plan *p, luron__storage *s, bool born) {
    if (luron__grow(p->ctx, &p->stores, &p->cap_stores, p->n_stores + 1, sizeof *p->stores)) {
        refuse(p, "there is not enough memory");
        return -1;
    }
    p->stores[p->n_stores] = (luron__plan_store){.storage = s, .born = born, .input = -1, .first = -1};
    if (!born) atomic_fetch_add(&s->refs, 1);
    return p->n_stores++;
}

/* The coming step of the plan reads or writes storage i. */
static void use_store(luron_plan *p, int64_t i, bool writes) {
    luron__plan_store *store = &p->stores[i];
    if (store->first < 0) store->first = p->n_steps, store->written_first = writes;
    store->last = p->n_steps;
}

/* The storage of t, which the coming step reads or writes. What the program knows by another name than what is given would be
 * another tensor in the next run. */
static int64_t use_tensor(luron_plan *p, const luron_tensor *t, bool writes) {
    int64_t i = find_store_of(p, t);
    if (i < 0 && t->storage->gradient) refuse(p, "uses gradients that were there before: call backward in it"); /* next time they are others */
    if (i < 0 && (i = add_store(p, t->storage, false)) >= 0) luron__plan_mix_which(p, t->storage, &t->storage->number);
    if (i < 0) return -1;
    if (p->stores[i].input >= 0 && t->given - p->number >= (uint32_t)p->n_in) refuse(p, "uses a tensor that shares memory with what is given to it");
    use_store(p, i, writes);
    return i;
}

void luron__plan_born(luron_plan *p, luron__storage *s) {
    if (add_store(p, s, true) >= 0) s->plan = p;
}

/* It is called by whoever lets go of the storage: by the step itself, in its thread. */
bool luron__plan_keeps(luron__storage *s) {
    luron_plan *p = s->plan;
    int64_t i = find_store(p, s);
    s->plan = NULL;
    if (i < 0) return false;
    atomic_store(&s->refs, 1);
    p->stores[i].kept = true;
    if (p->stores[i].constant) return true;
    luron__pool_free(p->pool, s->data, s->bytes); /* what was computed there is of no use any more */
    s->data = NULL;
    return true;
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */
/* Small pieces lie side by side. */
void *luron__plan_memory(luron_plan *p, size_t bytes) {
    enum { ROOM = LURON__HOSTILE ? 0 : 4096 };
    luron__plan_chunk *chunk = p->chunks;
    bytes = (bytes + 15) / 16 * 16;
    if (!chunk || chunk->bytes - chunk->used < bytes) {
        const size_t all = sizeof *chunk + (bytes > ROOM ? bytes : ROOM);
        if (luron__alloc(&chunk, p->ctx, all)) {
            refuse(p, "there is not enough memory");
            return NULL;
        }
        chunk->bytes = all, chunk->used = sizeof *chunk;
        luron__plan_chunk **at = p->chunks && bytes > ROOM ? &p->chunks->next : &p->chunks; /* the first one is filled up */
        chunk->next = *at;
        *at = chunk;
    }
    void *piece = (char *)chunk + chunk->used;
    chunk->used += bytes;
    return piece;
}

/* A write in place that no step of the plan stands for. */
static void refuse_pending(luron_plan *p) {
    char text[96];
    if (!p->pending) return;
    snprintf(text, sizeof text, "writes in place: %s", p->pending);
    refuse(p, text);
}

static luron__plan_step *new_step(luron_plan *p, luron__plan_kind kind, int n) {
    refuse_pending(p);
    if (p->refusal[0]) return NULL;
    if (luron__grow(p->ctx, &p->steps, &p->cap_steps, p->n_steps + 1, sizeof *p->steps)) {
        refuse(p, "there is not enough memory");
        return NULL;
    }
    luron__plan_step *s = &p->steps[p->n_steps];
    *s = (luron__plan_step){.kind = kind, .n = n};
    s->headers = luron__plan_memory(p, (size_t)n * sizeof *s->headers);
    if (!s->headers) return NULL;
    mix_int(p, kind);
    mix_int(p, n);
    return s;
}

/* t without what ties it to the program: nobody counts its references. */
static void copy_header(luron_tensor *h, const luron_tensor *t) {
    *h = (luron_tensor){.refs = LURON__PLAN_REFS, .dtype = t->dtype, .ndim = t->ndim, .is_number = t->is_number};
    memcpy(h->shape, t->shape, sizeof h->shape);
    memcpy(h->strides, t->strides, sizeof h->strides);
    h->offset = t->offset, h->storage = t->storage, h->pool = t->pool, h->given = t->given;
}

/* Bytes from the beginning of what a storage holds: an input is wherever the program has it this time. */
static int64_t place_in(const luron_plan *p, int64_t store, int64_t bytes) {
    const int input = store < 0 ? -1 : p->stores[store].input;
    return input < 0 ? bytes : bytes - p->ins[input].offset * luron_dtype_size(p->ins[input].dtype);
}

/* Header i of the step is t. */
static void set_header(luron_plan *p, luron__plan_step *s, int i, const luron_tensor *t, bool writes) {
    luron_tensor *h = &s->headers[i];
    int64_t store = use_tensor(p, t, writes);
    copy_header(h, t);
    mix_int(p, store);
    mix_int(p, h->dtype);
    mix_int(p, place_in(p, store, h->offset * luron_dtype_size(h->dtype)));
    mix(p, h->shape, (size_t)h->ndim * sizeof *h->shape);
    mix(p, h->strides, (size_t)h->ndim * sizeof *h->strides);
}

static void end_step(luron_plan *p) {
    if (p->refusal[0]) return;
    p->steps[p->n_steps].hash = p->hash;
    p->n_steps++;
}

void luron__plan_op(luron_ctx *ctx, const luron__apply *a) {
    luron_plan *p = ctx->plan;
    if (!p) return;
    if (a->op->flags & LURON__OP_BY_NUMBERS) {
        char text[96];
        snprintf(text, sizeof text, "makes a shape of numbers: %s", a->op->name);
        refuse(p, text);
    }
    for (int i = 0; i < a->n_in; i++)
        if (a->in[i]) luron__plan_see(p, a->in[i]);
    if (a->is_view) return; /* nothing is done to memory */
    luron__plan_step *s = new_step(p, LURON__PLAN_OP, a->n_in + 1);
    if (!s) return;
    s->in = luron__plan_memory(p, (size_t)a->n_in * sizeof *s->in);
    for (int i = 0; i < a->n_in && s->in; i++) {
        mix_int(p, a->in[i] != NULL); /* a sparse matrix may be without values */
        if (!a->in[i]) continue;
        set_header(p, s, i, a->in[i], false);
        s->in[i] = &s->headers[i];
    }
    set_header(p, s, a->n_in, a->out, true);
    s->apply = *a;
    s->apply.in = s->in, s->apply.out = &s->headers[a->n_in];
    mix(p, a->op->name, strlen(a->op->name));
    mix(p, a->attrs.at, sizeof a->attrs.at);
    mix(p, a->attrs.num, sizeof a->attrs.num);
    mix_int(p, a->attrs.n);
    mix_int(p, a->attrs.flags);
    end_step(p);
}

/* Numbers that the program brought in are there for every run, unless the step writes all of them first. */
static bool is_given(const luron_plan *p, const luron_tensor *t, bool writes_first) {
    int64_t i = find_store(p, t->storage);
    return i >= 0 && p->stores[i].constant && !p->stores[i].written_first && (p->stores[i].first >= 0 || !writes_first);
}

static void note_two(luron_ctx *ctx, luron__plan_kind kind, luron_tensor *to, const luron_tensor *from, bool writes_first) {
    luron_plan *p = ctx->plan;
    if (!p) return;
    p->pending = NULL;
    if (kind != LURON__PLAN_ROOT && is_given(p, to, writes_first)) refuse(p, "writes into numbers that it brought in: make the tensor outside of it, or with an op");
    luron__plan_step *s = new_step(p, kind, from ? 2 : 1);
    if (!s) return;
    if (from) set_header(p, s, 0, from, false);
    set_header(p, s, s->n - 1, to, writes_first);
    s->lasting = kind != LURON__PLAN_ROOT && to->storage->plan != p;
    int64_t store = find_store(p, to->storage);
    if (kind != LURON__PLAN_ROOT && store >= 0 && p->stores[store].input >= 0) refuse(p, "writes into what is given to it: clone it first");
    end_step(p);
}
/* Are the elements of t all that its storage has? */
static bool is_whole(const luron_tensor *t) {
    return luron_tensor_is_contiguous(t) && (size_t)luron_tensor_numel(t) * (size_t)luron_dtype_size(t->dtype) == t->storage->bytes;
}
void luron__plan_copy(luron_ctx *ctx, luron_tensor *t, const luron_tensor *src) { note_two(ctx, LURON__PLAN_COPY, t, src, is_whole(t)); }
void luron__plan_fill(luron_ctx *ctx, luron_tensor *t, double value) {
    int64_t n = ctx->plan ? ctx->plan->n_steps : 0;
    note_two(ctx, LURON__PLAN_FILL, t, NULL, is_whole(t));
    if (!ctx->plan || ctx->plan->n_steps == n) return;
    ctx->plan->steps[n].value = value;
    mix(ctx->plan, &value, sizeof value);
    ctx->plan->steps[n].hash = ctx->plan->hash;
}
void luron__plan_draw(luron_ctx *ctx, luron_tensor *t, uint64_t position, int stream) {
    luron_plan *p = ctx->plan;
    int64_t n = p ? p->n_steps : 0;
    note_two(ctx, LURON__PLAN_DRAW, t, NULL, is_whole(t));
    if (!p || p->n_steps == n) return;
    luron__plan_step *s = &p->steps[n];
    s->draws = true, s->draw = position - p->position, s->stream = stream;
    mix_int(p, (int64_t)s->draw);
    mix_int(p, stream);
    s->hash = p->hash;
}
void luron__plan_add(luron_ctx *ctx, luron_tensor *t, const luron_tensor *g) { note_two(ctx, LURON__PLAN_ADD, t, g, false); }
void luron__plan_zero(luron_ctx *ctx, luron_tensor *t) { note_two(ctx, LURON__PLAN_ZERO, t, NULL, true); }
void luron__plan_root(luron_ctx *ctx, luron_tensor *y) { note_two(ctx, LURON__PLAN_ROOT, y, NULL, false); }

/* What comes from outside: known before views look for it. */
static void know(luron_plan *p, luron_tensor *t) {
    luron__plan_see(p, t);
    use_tensor(p, t, false);
}
void luron__plan_seed(luron_ctx *ctx, luron_tensor *gy) {
    if (ctx->plan && gy) know(ctx->plan, gy);
}

void luron__plan_writes(luron_ctx *ctx, const char *what) {
    if (ctx->plan) ctx->plan->pending = what;
}

void luron__plan_constant(luron_ctx *ctx, luron_tensor *t) {
    int64_t i = ctx->plan ? find_store(ctx->plan, t->storage) : -1;
    if (i >= 0) ctx->plan->stores[i].constant = true;
}

/* ---- layers ------------------------------------------------------------------------------------------------------ */
/* The storage that a view of a frame looks into. */
static int64_t store_at(const luron_plan *p, const void *data) {
    for (int64_t i = p->n_stores - 1; i >= 0; i--) {
        const luron__storage *s = p->stores[i].storage;
        if (!s->data) continue;
        if ((const char *)data >= (const char *)s->data && (const char *)data < (const char *)s->data + (s->bytes ? s->bytes : 1)) return i;
    }
    return -1;
}

/* A copy of a view, of t if that is known, for the plan's own frame. NULL data: shape alone. */
static void set_view(luron_plan *p, luron__plan_step *s, luron_view *to, luron_view **at, const luron_view *from, const luron_tensor *t, bool writes) {
    luron__plan_view *v = &s->views[s->n_views];
    int64_t store = !from->data ? -1 : t ? find_store_of(p, t) : store_at(p, from->data);
    if (from->data && store < 0) {
        refuse(p, "uses a tape that is older than it");
        return;
    }
    const int input = store < 0 ? -1 : p->stores[store].input;
    if (input >= 0 && !t && p->stores[input].shared) refuse(p, "takes a gradient from memory that two of its arguments share: clone one of them");
    v->dims = luron__plan_memory(p, 2 * (size_t)from->ndim * sizeof *v->dims);
    if (!v->dims) return;
    s->n_views++;
    v->view = to, v->input = input;
    v->storage = from->data ? p->stores[store].storage : NULL;
    v->offset = from->data ? (char *)from->data - (char *)v->storage->data : 0;
    if (from->data) use_store(p, store, writes);
    *to = *from, *at = to;
    to->shape = v->dims, to->strides = from->strides ? v->dims + from->ndim : NULL;
    memcpy(to->shape, from->shape, (size_t)from->ndim * sizeof *from->shape);
    if (from->strides) memcpy(to->strides, from->strides, (size_t)from->ndim * sizeof *from->strides);
    mix_int(p, store);
    mix_int(p, place_in(p, store, v->offset));
    mix(p, to->shape, (size_t)to->ndim * sizeof *to->shape);
}

static void set_views(luron_plan *p, luron__plan_step *s, int n, luron_view *to, luron_view **at, luron_view *const *from, luron_tensor *const *of, bool writes) {
    for (int i = 0; i < n; i++)
        if (from[i] && !p->refusal[0]) set_view(p, s, &to[i], &at[i], from[i], of ? of[i] : NULL, writes);
}

static void know_operands(luron_plan *p, luron__frame *f) {
    for (int i = 0; i < f->n_operands; i++)
        if (f->operand[i] && f->operand[i]->storage) know(p, f->operand[i]);
    for (int k = 0; k < LURON__MAX_SLOTS; k++) {
        luron_tensor *weights = luron__frame_param(f, k)->tensor;
        if (weights) know(p, weights);
        if (f->state[k]) use_tensor(p, f->state[k], false);
    }
}

static void copy_frame(luron_plan *p, luron__plan_step *s, luron__frame *f, bool backward, const uint8_t *fresh_in, const uint8_t *fresh_param) {
    luron_call *from = &f->call, *c = &s->frame->call;
    luron__frame *to = s->frame;
    c->flags = from->flags, c->dtype = from->dtype, c->index_base = from->index_base;
    c->n_param = from->n_param, c->n_state = from->n_state, c->n_saved = from->n_saved, c->n_out = from->n_out;
    to->seed = f->seed, to->phase = LURON__PHASE_RUN;
    if (p->scratch_bytes < (size_t)f->scratch_bytes) p->scratch_bytes = (size_t)f->scratch_bytes;
    set_views(p, s, from->n_in, to->in_view, c->in, from->in, f->operand, false);
    set_views(p, s, from->n_param, to->param_view, to->param_ptr, from->param, NULL, false);
    set_views(p, s, from->n_state, to->state_view, to->state_at, from->state, NULL, false);
    set_views(p, s, from->n_out, to->out_view, to->out_at, from->out, NULL, !backward);
    set_views(p, s, from->n_saved, to->saved_view, to->saved_at, from->saved, NULL, !backward);
    if (!backward) return;
    set_views(p, s, from->n_out, to->grad_out_view, to->grad_out_at, from->grad_out, NULL, false);
    for (int i = 0; i < from->n_in; i++) /* of a gradient that is not wanted fresh was never set */
        if (from->grad_in[i] && !p->refusal[0]) {
            set_view(p, s, &to->grad_in_view[i], &c->grad_in[i], from->grad_in[i], NULL, fresh_in[i]);
            s->fresh[i] = fresh_in[i];
        }
    for (int k = 0; k < from->n_param; k++)
        if (from->grad_param[k] && !p->refusal[0]) {
            set_view(p, s, &to->grad_param_view[k], &to->grad_param_at[k], from->grad_param[k], NULL, fresh_param[k]);
            s->fresh[from->n_in + k] = fresh_param[k];
        }
    mix(p, s->fresh, (size_t)from->n_in + LURON__MAX_SLOTS);
}

static int64_t count(int n, luron_view *const *views) {
    int64_t found = 0;
    for (int i = 0; i < n; i++)
        found += views[i] != NULL;
    return found;
}

static int64_t count_views(const luron_call *c, bool backward) {
    int64_t n = count(c->n_in, c->in) + count(c->n_param, c->param) + count(c->n_state, c->state) + count(c->n_out, c->out) + count(c->n_saved, c->saved);
    return backward ? n + count(c->n_out, c->grad_out) + count(c->n_in, c->grad_in) + count(c->n_param, c->grad_param) : n;
}

void luron__plan_layer(luron_ctx *ctx, luron__frame *f, bool backward, const uint8_t *fresh_in, const uint8_t *fresh_param) {
    luron_plan *p = ctx->plan;
    if (!p) return;
    luron__plan_step *s = new_step(p, backward ? LURON__PLAN_BACKWARD : LURON__PLAN_FORWARD, 0);
    if (!s) return;
    size_t n = (size_t)f->call.n_in;
    s->frame = luron__plan_memory(p, sizeof *s->frame);
    s->views = luron__plan_memory(p, (size_t)count_views(&f->call, backward) * sizeof *s->views);
    s->fresh = luron__plan_memory(p, n + LURON__MAX_SLOTS);
    s->packed = luron__plan_memory(p, LURON__MAX_SLOTS * sizeof *s->packed);
    if (!s->frame || !s->views || !s->fresh || !s->packed) return;
    luron__product *products = f->call.n_param ? luron__plan_memory(p, LURON__PRODUCTS * sizeof *products) : NULL;
    if (luron__frame_open(s->frame, ctx, luron_layer_ref(f->layer), luron__code_ref(f->code), f->call.n_in)) refuse(p, "there is not enough memory");
    s->frame->n_operands = 0;
    s->frame->products = products;
    if (!backward) s->frame->packed = s->packed;
    if (p->refusal[0]) return;
    know_operands(p, f);
    mix(p, f->type->layer.name, strlen(f->type->layer.name));
    s->made = luron__plan_made_at(p, f->layer);
    luron__plan_mix_which(p, f->layer, &f->layer->live.number);
    mix_int(p, f->call.flags);
    copy_frame(p, s, f, backward, fresh_in, fresh_param);
    s->told = atomic_load(&f->told);
    s->draws = f->type->layer.flags & LURON_LAYER_RANDOM && f->call.flags & LURON_CALL_TRAINING;
    s->draw = f->call.random_position - p->position;
    s->lasting = !backward && f->call.n_state && f->call.flags & LURON_CALL_TRAINING;
    if (s->draws) mix_int(p, (int64_t)s->draw);
    end_step(p);
}

/* ---- gradients and optimisers ------------------------------------------------------------------------------------ */
void luron__plan_leaf(luron_ctx *ctx, luron_tensor *leaf, bool zeroed) {
    luron_plan *p = ctx->plan;
    if (!p) return;
    for (int64_t i = 0; i < p->n_grads; i++)
        if (p->grads[i].leaf == leaf) {
            p->grads[i].last = p->n_steps;
            return;
        }
    if (luron__grow(ctx, &p->grads, &p->cap_grads, p->n_grads + 1, sizeof *p->grads))
        refuse(p, "there is not enough memory");
    else
        p->grads[p->n_grads++] = (luron__plan_grad){.leaf = luron_tensor_ref(leaf), .zeroed = zeroed, .first = p->n_steps, .last = p->n_steps};
}

void luron__plan_adds_to(luron_ctx *ctx, const luron_tensor *leaf) {
    luron_plan *p = ctx->plan;
    int64_t i = p ? find_store(p, leaf->grad->storage) : 0;
    if (p && (i < 0 || !p->stores[i].born)) refuse(p, "adds to gradients that were there before: set them to zero in it");
}

void luron__plan_optim(luron_ctx *ctx, luron_optim *o) {
    luron_plan *p = ctx->plan;
    if (!p) return;
    int64_t n = luron__optim_n_params(o);
    luron__plan_step *s = new_step(p, LURON__PLAN_OPTIM, (int)(2 * n));
    if (!s) return;
    s->optim = o;
    s->lasting = true;
    atomic_fetch_add(&o->live.refs, 1);
    s->in = luron__plan_memory(p, (size_t)n * sizeof *s->in);
    for (int64_t i = 0; i < n && s->in; i++) {
        luron__optim_param at = luron__optim_param_at(o, i);
        luron__plan_see(p, at.tensor);
        set_header(p, s, (int)(2 * i), at.tensor, false);
        if (!at.grad) continue;
        set_header(p, s, (int)(2 * i + 1), at.grad, false);
        s->in[i] = &s->headers[2 * i + 1];
    }
    luron__plan_mix_which(p, o, &o->live.number);
    end_step(p);
}

/* ---- begin and end ----------------------------------------------------------------------------------------------- */
static luron_status take_inputs(luron_plan *p, luron_ctx *ctx, int n_in, luron_tensor *const *ins) {
    p->n_in = n_in;
    LURON_TRY(luron__alloc(&p->ins, ctx, (size_t)n_in * sizeof *p->ins));
    LURON_TRY(luron__alloc(&p->inputs, ctx, (size_t)n_in * sizeof *p->inputs));
    LURON_TRY(luron__alloc(&p->given, ctx, (size_t)n_in * sizeof *p->given));
    for (int i = 0; i < n_in; i++) {
        int number = i + ctx->index_base;
        LURON__CHECK(ctx, ins[i], LURON_E_ARGUMENT, "plan: input %d is missing", number);
        LURON__CHECK(ctx, luron_tensor_is_contiguous(ins[i]), LURON_E_ARGUMENT, "plan: input %d is not contiguous", number);
        LURON__CHECK(ctx, !ins[i]->requires_grad, LURON_E_ARGUMENT, "plan: input %d requires a gradient (detach it)", number);
        LURON__CHECK(ctx, ins[i]->given - p->number >= (uint32_t)i, LURON_E_ARGUMENT, "plan: input %d is the same tensor as another one: give a view of it", number);
        int64_t other = find_store(p, ins[i]->storage), at = add_store(p, ins[i]->storage, false);
        if (at < 0) return luron__nomem(ctx, sizeof *p->stores);
        p->stores[at].input = i, p->stores[at].shared = other >= 0;
        if (other >= 0) p->stores[other].shared = true;
        copy_header(&p->ins[i], ins[i]);
        p->given[i] = luron_tensor_ref(ins[i]);
        ins[i]->given = p->number + (uint32_t)i;
        mix_int(p, ins[i]->dtype);
        mix(p, ins[i]->shape, (size_t)ins[i]->ndim * sizeof *ins[i]->shape);
    }
    return LURON_OK;
}

luron_status luron_plan_begin(luron_plan **out, luron_ctx *ctx, int n_in, luron_tensor *const *ins) {
    LURON__CHECK(ctx, !ctx->plan, LURON_E_STATE, "plan: another one is being made in this context");
    LURON__CHECK(ctx, !ctx->trace, LURON_E_STATE, "plan: the context traces a model");
    LURON__CHECK(ctx, n_in >= 0 && (n_in == 0 || ins), LURON_E_ARGUMENT, "plan: %d inputs", n_in);
    static _Atomic uint32_t n_begun;
    luron_plan *p;
    LURON_TRY(luron__alloc(&p, ctx, sizeof *p));
    p->number = atomic_fetch_add(&n_begun, (uint32_t)n_in + 1) + 1;
    p->pool = ctx->pool, p->ctx = ctx, p->hash = LURON__HASH_BEGIN;
    p->position = ctx->position, p->recording = ctx->recording, p->higher = ctx->higher;
    p->default_dtype = ctx->default_dtype, p->index_base = ctx->index_base;
    luron_status status = take_inputs(p, ctx, n_in, ins);
    if (status) {
        luron_plan_free(p);
        return status;
    }
    if (ctx->anomaly) refuse(p, "runs while detect_anomaly is on");
    if (ctx->strict) refuse(p, "runs in strict mode");
    if (ctx->profile) refuse(p, "is being profiled");
    ctx->plan = p;
    *out = p;
    return LURON_OK;
}

/* What comes out gets memory of its own: runs of the plan write where it was. */
static void give_apart(luron_plan *p, luron_ctx *ctx, luron_tensor *t, int64_t store) {
    if (store < 0 || !p->stores[store].born) return;
    luron__storage *s = t->storage, *own = luron__pool_alloc(ctx->pool, sizeof *own);
    void *data = own ? luron__pool_alloc(ctx->pool, s->bytes) : NULL;
    if (!data) {
        luron__pool_free(ctx->pool, own, sizeof *own);
        refuse(p, "there is not enough memory");
        return;
    }
    memcpy(data, s->data, s->bytes);
    *own = (luron__storage){.refs = 1, .pool = ctx->pool, .data = data, .bytes = s->bytes};
    t->storage = own;
    luron__storage_unref(s);
}

/* Output i is the tensor of one before it: it has given its storage away. */
static bool is_repeated(luron_plan *p, int i, luron_tensor *const *outs) {
    for (int k = 0; k < i; k++) {
        if (outs[k] != outs[i]) continue;
        p->outs[i] = p->outs[k];
        p->same[i] = p->same[k] ? luron_tensor_ref(p->same[k]) : NULL;
        p->n_out = i + 1;
        mix_int(p, k);
        return true;
    }
    return false;
}

/* A gradient that comes out keeps the storage that the step writes, which the tensor is about to give away. */
static void hold_grad(luron_plan *p, luron_ctx *ctx, luron_tensor *t) {
    for (int64_t k = 0; k < p->n_grads; k++)
        if (p->grads[k].leaf->grad == t && !p->grads[k].grad && luron__tensor_alias(&p->grads[k].grad, ctx, t)) refuse(p, "there is not enough memory");
}

static void take_outputs(luron_plan *p, luron_ctx *ctx, int n_out, luron_tensor *const *outs) {
    p->outs = luron__plan_memory(p, (size_t)n_out * sizeof *p->outs);
    p->same = luron__plan_memory(p, (size_t)n_out * sizeof *p->same);
    for (int i = 0; i < n_out && !p->refusal[0]; i++) {
        if (is_repeated(p, i, outs)) continue;
        hold_grad(p, ctx, outs[i]);
        if (outs[i]->node && !outs[i]->node->used)
            refuse(p, "gives a tensor whose gradient can still be asked for: call backward in it, without retain_graph, record nothing "
                      "(luron.no_grad), or give it detached (y:detach())");
        int64_t store = use_tensor(p, outs[i], false);
        copy_header(&p->outs[i], outs[i]);
        if (store >= 0 && !p->stores[store].born && p->stores[store].input < 0) p->same[i] = luron_tensor_ref(outs[i]);
        p->n_out = i + 1;
        mix_int(p, store);
        give_apart(p, ctx, outs[i], store);
    }
}

/* Every storage is the plan's or held by it now, and known to be filled by the step, the program or from outside. */
static void settle_stores(luron_plan *p) {
    for (int64_t i = 0; i < p->n_stores; i++) {
        luron__plan_store *s = &p->stores[i];
        if (!s->born) continue;
        s->storage->plan = NULL;
        if (!s->kept) atomic_fetch_add(&s->storage->refs, 1);
        if (s->first < 0 || s->written_first) continue;
        if (!s->constant) {
            refuse(p, "does something that cannot be noted");
            continue;
        }
        mix(p, s->storage->data, s->storage->bytes);
        if (s->first < p->n_steps) p->steps[s->first].hash ^= luron__hash(LURON__HASH_BEGIN, s->storage->data, s->storage->bytes);
    }
}

/* Gradients that a run leaves: not those of leaves that the step itself made. */
static void settle_grads(luron_plan *p) {
    int64_t n = 0;
    for (int64_t i = 0; i < p->n_grads; i++) {
        luron__plan_grad g = p->grads[i];
        if (g.leaf->storage->plan == p || g.leaf->given - p->number < (uint32_t)p->n_in) {
            luron_tensor_unref(g.grad);
            luron_tensor_unref(g.leaf);
            continue;
        }
        if (!g.grad) g.grad = luron_tensor_ref(g.leaf->grad);
        p->grads[n++] = g;
    }
    p->n_grads = n;
}

luron_status luron_plan_end(luron_plan *p, luron_ctx *ctx, int n_out, luron_tensor *const *outs) {
    LURON__CHECK(ctx, ctx->plan == p && p, LURON_E_STATE, "plan: this one is not being made in this context");
    LURON__CHECK(ctx, n_out <= 0 || outs, LURON_E_ARGUMENT, "plan: %d outputs", n_out);
    p->is_over = true;
    refuse_pending(p);
    if (n_out < 0) refuse(p, "failed");
    else take_outputs(p, ctx, n_out, outs);
    luron__plan_settle_seen(p, ctx);
    p->draws = ctx->position - p->position;
    ctx->plan = NULL;
    settle_grads(p);
    settle_stores(p);
    p->ctx = NULL;
    if (!p->refusal[0] && luron__plan_part(p, ctx)) refuse(p, "there is not enough memory");
    if (!p->refusal[0]) luron__plan_fuse(p, ctx);
    if (!p->refusal[0] && luron__plan_lay_out(p, ctx)) refuse(p, "there is not enough memory");
    if (!p->refusal[0]) luron__plan_share_grads(p, ctx);
    p->ended = !p->refusal[0];
    if (n_out < 0) luron__plan_empty(p); /* nobody asks what a step that failed did */
    else luron__plan_link(p, ctx);
    return LURON_OK;
}

int luron_ctx_is_planning(const luron_ctx *ctx) { return ctx->plan != NULL; }
int64_t luron_plan_bytes(const luron_plan *p) { return (int64_t)(p->block_bytes + p->scratch_bytes); }

/* It was not ended. */
void luron__plan_abandon(luron_plan *p) {
    if (!p->ctx) return;
    if (p->ctx->plan == p) p->ctx->plan = NULL;
    settle_stores(p);
    p->ctx = NULL;
}
