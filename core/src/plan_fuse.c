/* plan_fuse.c -- what a plan does at once. Element-wise work is done tile by tile while what it reads is in the cache:
 * behind a layer that says which elements of its output are made (host->made), or before one that says which elements of
 * its output's gradient it is about to read (host->wants). Each element is computed by the same function as in a step of
 * its own, so the bits are the same. What lies between two such steps alone is written over. A loss at which backward
 * begins makes its gradient too. */
#include "plan.h"

#include "kernels/elementwise.h"
#include "ops_elementwise.h"

#include <string.h>

enum { MOST_FUSED = 4 };
typedef struct part { /* one step, by the frame of an element-wise layer or by the headers of a sum of two tensors */
    const luron__frame *frame;
    const luron_tensor *headers; /* two operands, the result; NULL: a layer */
    bool backward;
} part;
struct luron__fused {
    int n;
    uint32_t dtype;
    part at[MOST_FUSED];
};

/* ---- running ----------------------------------------------------------------------------------------------------- */
static const char *from(const luron_view *v, int64_t bytes) {
    return v && v->data ? (const char *)luron_data(v) + bytes : NULL;
}

static void run_layer(const part *p, int64_t bytes, int64_t n) {
    const luron_call *c = &p->frame->call;
    const luron_elementwise *fn = &p->frame->type->elementwise;
    luron_run r = {.struct_size = sizeof r, .dtype = c->dtype, .host = c->host, .options = c->options, .n = n};
    r.x = from(c->in[0], bytes);
    if (p->backward) {
        r.y = from(c->out[0], bytes), r.gy = from(c->grad_out[0], bytes),
        r.to = (char *)luron_data(c->grad_in[0]) + bytes;
        fn->derive(&r);
    } else {
        r.to = (char *)luron_data(c->out[0]) + bytes;
        fn->apply(&r);
    }
}

static void run_sum(const part *p, uint32_t dtype, int64_t bytes, int64_t n) {
    const luron__ew e = {
        .id = LURON__BINARY_add, .n_in = 2, .in = {{.run = dtype}, {.run = dtype}}, .out = {.run = dtype}};
    const void *in[] = {luron__data(&p->headers[0]) + bytes, luron__data(&p->headers[1]) + bytes};
    luron__ew_binary(&e, n, in, (const int[]){1, 1}, luron__data(&p->headers[2]) + bytes);
}

void luron__fused_run(const luron__fused *f, int64_t first, int64_t n) {
    const int64_t bytes = first * luron_dtype_size(f->dtype);
    for (int i = 0; i < f->n; i++)
        if (f->at[i].headers)
            run_sum(&f->at[i], f->dtype, bytes, n);
        else
            run_layer(&f->at[i], bytes, n);
}

/* ---- which steps ------------------------------------------------------------------------------------------------- */
typedef struct place { /* a tensor, contiguous, of the dtype of the layer */
    const luron__storage *storage;
    int64_t offset, numel; /* offset: bytes */
} place;
static bool same(place a, place b) {
    return a.storage && a.storage == b.storage && a.offset == b.offset && a.numel == b.numel;
}

static place place_of(const luron__plan_step *s, const luron_view *v) {
    for (int64_t i = 0; v && i < s->n_views; i++)
        if (s->views[i].view == v) return (place){s->views[i].storage, s->views[i].offset, luron_numel(v)};
    return (place){0};
}
static place place_of_header(const luron_tensor *t, uint32_t dtype) {
    if (t->dtype != dtype || !luron_tensor_is_contiguous(t)) return (place){0};
    return (place){t->storage, t->offset * luron_dtype_size(dtype), luron_tensor_numel(t)};
}

static luron__plan_store *store_of(luron_plan *p, const luron__storage *s) {
    for (int64_t i = p->n_stores - 1; i >= 0; i--)
        if (p->stores[i].storage == s) return &p->stores[i];
    return NULL;
}
/* What shows an input of the plan is another tensor in every run, which only a step of its own looks for. */
static bool shows_input(luron_plan *p, const luron__plan_step *s) {
    for (int64_t v = 0; v < s->n_views; v++) {
        const luron__plan_store *store = store_of(p, s->views[v].storage);
        if (store && store->input >= 0) return true;
    }
    return false;
}

static bool is_plain_layer(luron_plan *p, const luron__plan_step *s, luron__plan_kind kind, uint32_t dtype) {
    return s->kind == kind && luron__is_elementwise(s->frame->type) && s->frame->call.n_in == 1 &&
           s->frame->call.dtype == dtype && !s->draws && !shows_input(p, s);
}
static bool is_sum(const luron__plan_step *s, uint32_t dtype) {
    const int64_t n = s->kind == LURON__PLAN_OP ? luron_tensor_numel(&s->headers[s->n - 1]) : 0;
    if (n == 0 || strcmp(s->apply.op->name, "add") != 0) return false;
    for (int i = 0; i < 3; i++)
        if (place_of_header(&s->headers[i], dtype).numel != n) return false;
    return true;
}

/* What step s makes of `x` element by element, as a part; storage NULL: it is no such step. */
static place follow(luron_plan *plan, const luron__plan_step *s, place x, uint32_t dtype, part *p) {
    *p = (part){0};
    if (is_plain_layer(plan, s, LURON__PLAN_FORWARD, dtype) && same(place_of(s, s->frame->call.in[0]), x)) {
        p->frame = s->frame;
        return place_of(s, s->frame->call.out[0]);
    }
    if (is_sum(s, dtype) &&
        (same(place_of_header(&s->headers[0], dtype), x) || same(place_of_header(&s->headers[1], dtype), x))) {
        p->headers = s->headers;
        return place_of_header(&s->headers[2], dtype);
    }
    return (place){0};
}

/* ---- storages ---------------------------------------------------------------------------------------------------- */
static bool is_whole(place x, uint32_t dtype) {
    return x.offset == 0 && x.storage->bytes == (size_t)(x.numel * luron_dtype_size(dtype));
}

/* Steps first .. last are done at once: what they use is in use during all of them. */
static void join_times(luron_plan *p, int64_t first, int64_t last) {
    for (int64_t i = 0; i < p->n_stores; i++) {
        luron__plan_store *s = &p->stores[i];
        if (s->first > first && s->first <= last) s->first = first;
        if (s->last >= first && s->last < last) s->last = last;
    }
}

void luron__plan_move(luron_plan *p, int64_t first, int64_t last, const luron__storage *was, luron__storage *is) {
    for (int o = 0; o < p->n_out && last >= p->n_steps; o++)
        if (p->outs[o].storage == was) p->outs[o].storage = is;
    for (int64_t k = first; k <= last && k < p->n_steps; k++) {
        luron__plan_step *s = &p->steps[k];
        for (int64_t v = 0; v < s->n_views; v++)
            if (s->views[v].storage == was) s->views[v].storage = is;
        for (int h = 0; h < s->n; h++)
            if (s->headers[h].storage == was) s->headers[h].storage = is;
    }
}

/* x, which only steps first .. last know, is written over by what the last of them makes of it. */
static void write_over(luron_plan *p, int64_t first, int64_t last, place *x, place y, const part *by, uint32_t dtype) {
    luron__plan_store *a = store_of(p, x->storage), *b = store_of(p, y.storage);
    if (by->frame && !(by->frame->type->elementwise.flags & LURON_EW_IN_PLACE)) return;
    if (!a || !b || a == b || !a->kept || !a->written_first || a->first < first || a->last > last) return;
    if (!b->written_first || b->input >= 0 || b->first < first || !is_whole(*x, dtype) || !is_whole(y, dtype)) return;
    luron__plan_move(p, first, last, a->storage, b->storage);
    x->storage = b->storage;
    a->written_first = false; /* it takes no place */
}

/* The gradient that an element-wise layer gives is written over the one it is given, if that ends there. */
static void derive_over(luron_plan *p, int64_t k) {
    const luron__plan_step *s = &p->steps[k];
    if (!luron__is_elementwise(s->frame->type) || s->frame->call.n_in != 1 || !s->fresh[0]) return;
    const uint32_t dtype = s->frame->call.dtype;
    const place gy = place_of(s, s->frame->call.grad_out[0]), g = place_of(s, s->frame->call.grad_in[0]);
    luron__plan_store *a = store_of(p, gy.storage), *b = store_of(p, g.storage);
    if (!a || !b || a == b || !a->kept || !b->kept || !a->written_first || !b->written_first) return;
    if (a->last != k || b->first != k || !is_whole(gy, dtype) || !is_whole(g, dtype) || gy.numel != g.numel) return;
    luron__plan_move(p, k, b->last, b->storage, a->storage);
    a->last = b->last;
    b->written_first = false; /* it takes no place */
}

/* ---- behind the largest of some ---------------------------------------------------------------------------------- */
/* How often steps look at a storage. */
static int64_t uses(const luron_plan *p, const luron__storage *storage) {
    int64_t n = 0;
    for (int64_t k = 0; k < p->n_steps; k++) {
        for (int h = 0; h < p->steps[k].n; h++)
            n += p->steps[k].headers[h].storage == storage;
        for (int64_t v = 0; v < p->steps[k].n_views; v++)
            n += p->steps[k].views[v].storage == storage;
    }
    return n;
}

static bool has_view(luron_view *const *views, int n, const luron_view *v) {
    for (int i = 0; i < n; i++)
        if (views[i] == v) return true;
    return false;
}
static bool writes(const luron__plan_step *s, const luron__storage *storage) {
    if (s->n > 0 && s->headers[s->n - 1].storage == storage) return true;
    for (int64_t i = 0; i < s->n_views; i++) {
        const luron_call *c = &s->frame->call;
        const luron_view *v = s->views[i].view;
        if (s->views[i].storage != storage) continue;
        if (s->kind == LURON__PLAN_FORWARD ? !has_view(c->in, c->n_in, v) && !has_view(c->param, c->n_param, v)
                                           : has_view(c->grad_in, c->n_in, v) || has_view(c->grad_param, c->n_param, v))
            return true;
    }
    return false;
}

/* View `v` of step s is at `x` from now on, with the sizes of `like`. */
static void point(luron__plan_step *s, luron_view *v, place x, const luron_view *like) {
    for (int64_t i = 0; i < s->n_views; i++)
        if (s->views[i].view == v) s->views[i].storage = (luron__storage *)x.storage, s->views[i].offset = x.offset;
    v->ndim = like->ndim, v->shape = like->shape, v->strides = like->strides;
}
/* What a pair of steps has between them: kept for them alone, but for `more` other looks, and no output of the plan. */
static bool is_between(luron_plan *p, place x, int64_t more) {
    const luron__plan_store *store = store_of(p, x.storage);
    return store && store->kept && store->written_first && store->last < p->n_steps && uses(p, x.storage) == 2 + more;
}

/* Steps k and k + 1 change places; what each needs is in use during both. */
static void swap_steps(luron_plan *p, int64_t k) {
    luron__plan_step *s = &p->steps[k];
    const luron__plan_step first = s[0];
    const uint64_t hash = s[1].hash;
    s[0] = s[1], s[0].hash = first.hash;
    s[1] = first, s[1].hash = hash;
    join_times(p, k, k + 1);
}

/* The step of the gradient of `most`, by what that has saved: n_steps if there is none, -1 if there are several. */
static int64_t gradient_of(luron_plan *p, const luron__plan_step *most) {
    const luron_view *saved = most->frame->call.saved[0];
    const place at = place_of(most, saved);
    int64_t found = p->n_steps;
    for (int64_t k = 0; k < p->n_steps && saved; k++) {
        const luron__plan_step *s = &p->steps[k];
        if (s->kind != LURON__PLAN_BACKWARD || !s->frame->call.saved[0] || !same(place_of(s, s->frame->call.saved[0]), at)) continue;
        if (found < p->n_steps) return -1;
        found = k;
    }
    return found;
}

/* The gradients of the two layers, at steps k and k + 1, in the other order: the one that is given, gz, goes through the layer that
 * rises first, into the memory of what was between them. */
static bool rise_back(luron_plan *p, int64_t k, place y, place z, uint32_t dtype) {
    luron__plan_step *most = &p->steps[k], *rise = most + 1;
    if (k + 1 >= p->n_steps || !is_plain_layer(p, rise, LURON__PLAN_BACKWARD, dtype)) return false;
    luron_call *m = &most->frame->call, *r = &rise->frame->call;
    const place gz = place_of(most, m->grad_out[0]), gy = place_of(most, m->grad_in[0]), gx = place_of(rise, r->grad_in[0]);
    const place less = {gy.storage, gy.offset, gz.numel};
    if (!same(gy, place_of(rise, r->grad_out[0])) || !same(y, place_of(rise, r->out[0])) || !is_between(p, gy, 0)) return false;
    if (!gx.storage || !most->fresh[0] || !rise->fresh[0] || gz.numel != z.numel || gz.numel > gy.numel) return false;
    point(rise, r->out[0], z, m->grad_out[0]);
    point(rise, r->grad_out[0], gz, m->grad_out[0]);
    point(most, m->grad_in[0], gx, m->grad_in[0]);
    point(rise, r->grad_in[0], less, m->grad_out[0]);
    point(most, m->grad_out[0], less, m->grad_out[0]);
    luron__plan_store *store = store_of(p, z.storage);
    if (store->last < k) store->last = k;
    swap_steps(p, k);
    return true;
}

/* A layer that rises, step k, before one that takes the largest of some of its numbers: done behind it, on fewer. Where it is flat no
 * gradient passes, so it makes no difference which of equals has won there. */
static void rise_behind(luron_plan *p, int64_t k) {
    enum { NEEDED = LURON_EW_RISES | LURON_EW_FROM_Y | LURON_EW_IN_PLACE };
    luron__plan_step *rise = &p->steps[k], *most = rise + 1;
    const uint32_t dtype = rise->frame->call.dtype;
    if (!is_plain_layer(p, rise, LURON__PLAN_FORWARD, dtype) || most->kind != LURON__PLAN_FORWARD) return;
    luron_call *r = &rise->frame->call, *m = &most->frame->call;
    const place x = place_of(rise, r->in[0]), y = place_of(rise, r->out[0]), z = place_of(most, m->out[0]);
    if (~rise->frame->type->elementwise.flags & NEEDED || !(m->flags & LURON_CALL_LARGEST)) return;
    if (m->n_in != 1 || m->n_out != 1 || m->dtype != dtype || !same(y, place_of(most, m->in[0])) || !store_of(p, z.storage)) return;
    const int64_t back = gradient_of(p, most);
    if (back < 0 || !is_between(p, y, back < p->n_steps)) return;
    for (int64_t i = k + 2; i < p->n_steps; i++)
        if (writes(&p->steps[i], z.storage)) return;
    if (back < p->n_steps && !rise_back(p, back, y, z, dtype)) return;
    store_of(p, y.storage)->written_first = false; /* it takes no place */
    point(most, m->in[0], x, m->in[0]);
    point(rise, r->in[0], z, m->out[0]);
    point(rise, r->out[0], z, m->out[0]);
    swap_steps(p, k);
}

/* ---- a loss and its gradient ------------------------------------------------------------------------------------- */
static bool same_views(const luron__plan_step *s, luron_view *const *v, const luron__plan_step *t, luron_view *const *w, int n) {
    for (int i = 0; i < n; i++) {
        if (!v[i] && !w[i]) continue;
        if (!v[i] || !w[i] || !same(place_of(s, v[i]), place_of(t, w[i])) || v[i]->ndim != w[i]->ndim) return false;
        if (v[i]->ndim && memcmp(v[i]->shape, w[i]->shape, (size_t)v[i]->ndim * sizeof *v[i]->shape)) return false;
    }
    return true;
}
/* Is step t the backward of what step s does? */
static bool is_backward_of(const luron__plan_step *t, const luron__plan_step *s) {
    if (t->kind != LURON__PLAN_BACKWARD || t->fused || t->frame->layer != s->frame->layer) return false;
    const luron_call *c = &s->frame->call, *b = &t->frame->call;
    return c->n_in == b->n_in && c->n_saved == b->n_saved && same_views(s, c->in, t, b->in, c->n_in) &&
           same_views(s, c->saved, t, b->saved, c->n_saved);
}

/* The step that makes the gradient which step t is given, all ones and for t alone: a backward begins there. NULL: there is none. */
static luron__plan_step *seed_of(luron_plan *p, const luron__plan_step *t) {
    const place gy = place_of(t, t->frame->call.grad_out[0]);
    if (!gy.storage || !is_between(p, gy, 0)) return NULL;
    for (luron__plan_step *s = p->steps; s < t; s++)
        if (s->kind == LURON__PLAN_OP && s->headers[s->n - 1].storage == gy.storage)
            return strcmp(s->apply.op->name, "full") == 0 && s->apply.attrs.num[0] == 1 ? s : NULL;
    return NULL;
}

/* Nobody sees the gradients of step t but steps behind it, and no step since s writes what it reads. */
static bool may_be_sooner(luron_plan *p, const luron__plan_step *s, const luron__plan_step *t) {
    const luron_call *b = &t->frame->call;
    for (int i = 0; i < b->n_in; i++) {
        const luron__plan_store *to = store_of(p, place_of(t, b->grad_in[i]).storage);
        if (b->grad_in[i] && (!to || !to->kept || !to->written_first || to->first != t - p->steps || !t->fresh[i])) return false;
        for (const luron__plan_step *k = s + 1; k < t && b->in[i]; k++)
            if (writes(k, place_of(t, b->in[i]).storage)) return false;
    }
    return true;
}

/* Step k, a loss that can do so, makes its gradient in the same pass, where backward begins at it: with a one. */
static void fuse_gradient(luron_plan *p, int64_t k) {
    luron__plan_step *s = &p->steps[k], *t = s + 1;
    luron__frame *f = s->frame;
    const luron__plan_step *const end = p->steps + p->n_steps;
    if (!f->type->layer.forward_backward || f->call.n_out != 1 || f->call.n_param || f->call.n_state || s->draws) return;
    while (t < end && !is_backward_of(t, s)) t++;
    luron__plan_step *seed = t < end ? seed_of(p, t) : NULL;
    if (!seed || luron_numel(t->frame->call.grad_out[0]) != 1 || !may_be_sooner(p, s, t)) return;
    double *one = luron__plan_memory(p, sizeof *one);
    if (!one) return;
    if (f->call.dtype == LURON_F64) *one = 1;
    else *(float *)(void *)one = 1;
    f->grad_out_view[0] = *t->frame->call.grad_out[0];
    f->grad_out_view[0].data = one;
    f->call.grad_out[0] = &f->grad_out_view[0];
    for (int i = 0; i < f->call.n_in; i++) {
        luron_view *to = t->frame->call.grad_in[i];
        if (!to) continue;
        f->call.grad_in[i] = to;
        store_of(p, place_of(t, to).storage)->first = k;
    }
    store_of(p, seed->headers[0].storage)->written_first = false; /* it takes no place */
    f->both = t->fresh, t->fused = seed->fused = true;
}

/* ---- the plan ---------------------------------------------------------------------------------------------------- */
static bool tells(const luron__plan_step *s, place x) { return s->told == x.numel && x.numel > 0 && x.storage; }

/* Steps behind step k, a layer that tells what it has made. */
static void fuse_behind(luron_plan *p, int64_t k) {
    luron__plan_step *s = &p->steps[k];
    const uint32_t dtype = s->frame->call.dtype;
    luron__fused f = {.dtype = dtype};
    place x[MOST_FUSED + 1] = {place_of(s, s->frame->call.out[0])};
    if (s->frame->both) return; /* forward told of pieces, forward_backward need not */
    if (s->frame->call.n_out != 1 || luron__is_elementwise(s->frame->type) || !tells(s, x[0])) return;
    for (; f.n < MOST_FUSED && k + 1 + f.n < p->n_steps; f.n++) {
        x[f.n + 1] = follow(p, &p->steps[k + 1 + f.n], x[f.n], dtype, &f.at[f.n]);
        if (!x[f.n + 1].storage) break;
    }
    if (f.n == 0 || !(s->frame->fused = luron__plan_memory(p, sizeof f))) return;
    for (int i = 0; i < f.n; i++)
        p->steps[k + 1 + i].fused = true;
    for (int i = f.n; i-- > 0;)
        write_over(p, k, k + 1 + i, &x[i], x[i + 1], &f.at[i], dtype);
    *s->frame->fused = f;
    join_times(p, k, k + f.n);
}

/* A copy, as a layer takes of its state, of nothing that step s uses. */
static bool is_copy_apart(const luron__plan_step *copy, const luron__plan_step *s) {
    if (copy->kind != LURON__PLAN_COPY) return false;
    for (int h = 0; h < copy->n; h++)
        for (int64_t v = 0; v < s->n_views; v++)
            if (s->views[v].storage == copy->headers[h].storage) return false;
    return true;
}

/* Step k before the one that reads the gradient which it makes, and tells what it is about to read. */
static void fuse_before(luron_plan *p, int64_t k) {
    luron__plan_step *s = &p->steps[k], *next = s + 1;
    while (next + 1 < p->steps + p->n_steps && is_copy_apart(next, s))
        next++;
    if (next->kind != LURON__PLAN_BACKWARD || next->frame->call.n_out != 1 || luron__is_elementwise(next->frame->type))
        return;
    const uint32_t dtype = next->frame->call.dtype;
    if (!is_plain_layer(p, s, LURON__PLAN_BACKWARD, dtype) || !s->frame->call.grad_in[0] || !s->fresh[0]) return;
    const place x = place_of(next, next->frame->call.grad_out[0]);
    if (!tells(next, x) || !same(place_of(s, s->frame->call.grad_in[0]), x)) return;
    if (!(next->frame->fused = luron__plan_memory(p, sizeof *next->frame->fused))) return;
    *next->frame->fused = (luron__fused){.n = 1, .dtype = dtype, .at = {{.frame = s->frame, .backward = true}}};
    s->fused = true;
    join_times(p, k, next - p->steps);
}

void luron__plan_fuse(luron_plan *p, luron_ctx *ctx) {
    p->ctx = ctx; /* for luron__plan_memory */
    for (int64_t k = 0; k + 1 < p->n_steps && !p->refusal[0]; k++)
        if (p->steps[k].kind == LURON__PLAN_FORWARD) rise_behind(p, k);
    for (int64_t k = 0; k + 1 < p->n_steps && !p->refusal[0]; k++)
        if (p->steps[k].kind == LURON__PLAN_FORWARD)
            fuse_gradient(p, k), fuse_behind(p, k);
        else if (p->steps[k].kind == LURON__PLAN_BACKWARD)
            derive_over(p, k), fuse_before(p, k);
    p->ctx = NULL;
}
