/* Strict mode for forward and backward: they run on copies first, several times, and every fault is named. */
#include "strict_places.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static luron_ctx *ctx_of(const strict *s) { return s->f->ctx; }

#define found(s, ...) luron__strict_found((s)->f, (s)->what, __VA_ARGS__)

static luron_status check_guards(const strict *s) {
    char name[128];
    for (int i = 0; i < s->n; i++) {
        const place *p = &s->places[i];
        const int64_t damage = p->same >= 0 ? 0 : luron__guard_damage(&p->guard);
        if (!damage) continue;
        /* a byte of an element may be what stood there: elements are written whole */
        const int64_t size = p->size ? (int64_t)p->size : 1, n = ((damage < 0 ? -damage : damage) + size - 1) / size * size;
        return found(s, "writes %s%lld byte%s %s of %s", n >= LURON__GUARD_MARGIN ? "at least " : "", (long long)n,
                     n == 1 ? "" : "s", damage < 0 ? "before the start" : "past the end", luron__place_name(name, s, p));
    }
    return LURON_OK;
}

static luron_status check_unchanged(const strict *s, variation v) {
    char name[128];
    if (v == BASE || v == IN_PLACE) return LURON_OK;
    for (int i = 0; i < s->n; i++) {
        const place *p = &s->places[i];
        if (p->written || !p->original || memcmp(p->now, p->original, p->bytes) == 0) continue;
        if (p->role == STATE)
            return found(s, "changes %s, which only forward may, in training", luron__place_name(name, s, p));
        return found(s, "changes %s", luron__place_name(name, s, p));
    }
    if (s->options && memcmp(s->options, s->options_copy, (size_t)s->f->type->layer.options_size))
        return found(s, "changes the options of the layer");
    return LURON_OK;
}

static const char *condition(variation v) {
    switch (v) {
    case ORDER:
    case ORDER_2:
        return "the pieces of parallel_for come in another order";
    case CUT:
        return "the run is cut into pieces";
    case IN_PLACE:
        return "it works in place";
    case CLEAN:
        return "scratch memory holds something else";
    case FILL:
        return "outputs and fresh gradients hold something else before";
    case GUARDS:
        return "something else is around the tensors";
    case FREED:
        return "what its flags say is not read holds something else";
    case BASE:
        return "ids count from the other base";
    case ADDED:
        return "gradients hold something before";
    default:
        return "it is run again with the same data";
    }
}

/* What LURON_LAYER_GEMM_LAST is about: output 0 of forward, the gradient of input 0 of backward; NULL: it says nothing. */
static const place *gemm_last(const strict *s) {
    for (int i = 0; i < s->n && s->f->type->layer.flags & LURON_LAYER_GEMM_LAST; i++) {
        const place *p = &s->places[i];
        if (p->written && p->slot == 0 && p->n && (p->role == OUT || p->role == GRAD_IN)) return p;
    }
    return NULL;
}

static luron_status check_gemm_last(const strict *s) {
    char name[128];
    const place *p = gemm_last(s);
    if (!p || p->same >= 0) return LURON_OK;
    return luron__strict_gemm_last(s->f, s->what, p->view, luron__place_name(name, s, p));
}

/* One run of the callback. *done false: this variation cannot be tried here. */
static luron_status run_once(strict *s, variation v, bool *done) {
    luron__frame *f = s->f;
    luron_call *c = &f->call;
    *done = true;
    for (int i = 0; i < s->n; i++)
        *done = luron__place_prepare(s, i, v) && *done;
    if (!*done) return LURON_OK;
    f->hostile = (luron__hostile){.order = v == ORDER     ? -1
                                           : v == ORDER_2 ? -2
                                                          : v == FIRST || v == AGAIN,
                                  .grain = v == CUT ? 3 : 0,
                                  .watched = gemm_last(s) ? gemm_last(s)->now : NULL};
    c->options = s->options ? s->options_copy : NULL;
    memcpy(c->fresh_in, s->fresh_in, (size_t)c->n_in);
    memcpy(f->fresh_param, s->fresh_param, sizeof s->fresh_param);
    for (int i = 0; i < s->n && v == ADDED; i++)
        if (luron__place_is_grad(&s->places[i]))
            *(s->places[i].role == GRAD_IN ? &c->fresh_in[s->places[i].slot] : &f->fresh_param[s->places[i].slot]) = 0;
    if (v == BASE) c->index_base = !s->base;
    luron_status status = s->run(f);
    c->index_base = s->base;
    if (status && v != FIRST) {
        atomic_store(&f->status, LURON_OK);
        char why[300];
        snprintf(why, sizeof why, "%.299s", f->ctx->error);
        return found(s, "fails when %s: %s", condition(v), why);
    }
    if (status) return status;
    LURON_TRY(check_guards(s));
    if (v == FIRST) LURON_TRY(check_gemm_last(s));
    return check_unchanged(s, v);
}

/* ---- judging what came out --------------------------------------------------------------------------------------- */
/* Has the plugin taken this gradient? What it leaves the host zeroes. */
static bool taken(const strict *s, const place *p) {
    if (!p->fresh || p->left) return !p->left;
    return !(p->role == GRAD_IN ? s->f->call.fresh_in[p->slot] : s->f->fresh_param[p->slot]);
}

static luron_status differs(const strict *s, variation v, const place *p, int64_t i) {
    char name[128], freed[128];
    const luron_call *c = &s->f->call;
    luron__place_name(name, s, p);
    const long long at = (long long)(i + c->index_base);
    switch (v) {
    case AGAIN:
        return found(s,
                     "gives other bits in %s, element %lld, when it is run again with the same data: it keeps "
                     "something between calls, or reads what it must not",
                     name, at);
    case ORDER:
    case ORDER_2:
        return found(s,
                     "gives other bits in %s, element %lld, when the pieces of parallel_for come in another order: "
                     "results would depend on the threads",
                     name, at);
    case CUT:
        return found(s,
                     "gives other bits in %s, element %lld, when the run is cut into pieces of 3: element i may depend "
                     "on element i alone",
                     name, at);
    case IN_PLACE:
        return found(s, "gives other bits in %s, element %lld, when result and operand are one memory", name, at);
    case CLEAN:
        return found(s, "reads scratch memory before it has written it: %s, element %lld, depends on it", name, at);
    case FILL:
        return found(s, "reads %s, element %lld, or other results before it has written them%s", name, at,
                     luron__place_is_grad(p) ? " (beta 0 says: store)" : "");
    case GUARDS:
        return found(s, "reads outside its tensors: %s, element %lld, depends on it", name, at);
    case FREED: {
        const bool in = s->places[s->freed].role == IN;
        return found(s, "reads %s although %s says that it does not", luron__place_name(freed, s, &s->places[s->freed]),
                     luron__is_elementwise(s->f->type) ? (in ? "LURON_EW_FROM_Y" : "the lack of LURON_EW_FROM_Y")
                                                       : (in ? "LURON_LAYER_FREES_IN" : "LURON_LAYER_FREES_OUT"));
    }
    default:
        return found(s,
                     "gives other bits in %s, element %lld, when ids count from the other base: read them by luron_id",
                     name, at);
    }
}

/* Was element i left as it was, in the first run and in this one? */
static bool untouched(const place *p, int64_t i, const char *unset, const char *noise) {
    const size_t at = (size_t)i * p->size;
    return memcmp(p->first + at, unset + at, p->size) == 0 && memcmp(p->now + at, noise + at, p->size) == 0;
}

static luron_status compare_place(strict *s, variation v, place *p) {
    if (v == BASE && luron__place_is_index(s, p) && !luron__place_shift_ids(p, p->now, !s->base)) return LURON_OK;
    if (memcmp(p->now, p->first, p->bytes) == 0) return LURON_OK; /* in FILL too: what is left holds what was there, another each time */
    char *unset, *noise = NULL, name[128];
    LURON_TRY(luron__alloc(&unset, ctx_of(s), p->bytes + 1));
    luron_status status = luron__alloc(&noise, ctx_of(s), p->bytes + 1);
    if (!status) {
        luron__fill_unset(p->dtype, p->n, unset);
        if (v == FILL)
            luron__fill_noise(p->dtype, p->n, 1, noise);
        else
            luron__fill_unset(p->dtype, p->n, noise);
    }
    const bool filled = p->role == OUT || p->role == SAVED || p->fresh;
    for (int64_t i = 0; i < p->n && !status; i++) {
        if (filled && untouched(p, i, unset, noise)) {
            if (v == FILL && p->role != SAVED)
                status = found(s, "leaves %s, element %lld, unwritten%s", luron__place_name(name, s, p),
                               (long long)(i + s->base), luron__place_is_grad(p) ? ", though beta is 0" : "");
        } else if (memcmp(p->first + (size_t)i * p->size, p->now + (size_t)i * p->size, p->size))
            status = differs(s, v, p, i);
    }
    luron__free(ctx_of(s), unset, p->bytes + 1);
    if (noise) luron__free(ctx_of(s), noise, p->bytes + 1);
    return status;
}

/* What was there before, and the gradient of the first run beside it, within rounding: `=` for `+=` is off by as much
 * as there was. */
static luron_status compare_added(strict *s, place *p) {
    char name[128], *before;
    const double scale = luron__place_scale(p), slack = (p->dtype == LURON_F64 ? 1e-6 : 1e-2) * scale;
    LURON_TRY(luron__alloc(&before, ctx_of(s), p->bytes + 1));
    luron__fill_noise(p->dtype, p->n, scale, before);
    luron_status status = LURON_OK;
    for (int64_t i = 0; i < p->n && !status; i++) {
        const double had = p->fresh || !p->original ? 0 : luron__element(p->dtype, p->original, i);
        const double own = luron__element(p->dtype, p->first, i) - had;
        const double got = luron__element(p->dtype, p->now, i), wanted = luron__element(p->dtype, before, i) + own;
        if (isfinite(wanted) && !(fabs(got - wanted) <= slack))
            status = found(
                s, "does not add to %s: element %lld was %g, its share is %g, and it became %g ('=' for '+='?)",
                luron__place_name(name, s, p), (long long)(i + s->base), luron__element(p->dtype, before, i), own, got);
    }
    luron__free(ctx_of(s), before, p->bytes + 1);
    return status;
}

static luron_status vary(strict *s, variation v) {
    bool done;
    LURON_TRY(run_once(s, v, &done));
    for (int i = 0; i < s->n && done; i++) {
        place *p = &s->places[i];
        if (!p->written || p->same >= 0 || !taken(s, p)) continue;
        if (v != ADDED)
            LURON_TRY(compare_place(s, v, p));
        else if (luron__place_is_grad(p))
            LURON_TRY(compare_added(s, p));
    }
    return LURON_OK;
}

/* Is all of it finite? What forward has left unwritten in a saved tensor counts as finite: it should not be read. */
static luron_status is_finite(const strict *s, const place *p, bool *yes) {
    *yes = luron__first_nonfinite(p->dtype, p->n, p->original) < 0;
    if (*yes || p->role != SAVED) return LURON_OK;
    char *unset;
    LURON_TRY(luron__alloc(&unset, ctx_of(s), p->bytes + 1));
    luron__fill_unset(p->dtype, p->n, unset);
    *yes = true;
    for (int64_t i = 0; i < p->n; i++)
        if (!isfinite(luron__element(p->dtype, p->original, i)) &&
            memcmp((const char *)p->original + (size_t)i * p->size, unset + (size_t)i * p->size, p->size))
            *yes = false;
    luron__free(ctx_of(s), unset, p->bytes + 1);
    return LURON_OK;
}

/* Numbers that are not finite, from numbers that are. */
static luron_status check_finite(strict *s) {
    char name[128];
    bool finite = true;
    for (int i = 0; i < s->n; i++) {
        const place *p = &s->places[i];
        if (p->role == IN && p->n == 0) return LURON_OK; /* the mean of nothing */
        if (luron__place_holds(p)) LURON_TRY(is_finite(s, p, &finite));
        if (!finite) return LURON_OK;
    }
    for (int i = 0; i < s->n; i++) {
        const place *p = &s->places[i];
        if (!p->written || p->same >= 0 || p->role == SAVED || (luron__place_is_grad(p) && !taken(s, p))) continue;
        const int64_t at = luron__first_nonfinite(p->dtype, p->n, p->first);
        if (at >= 0)
            return found(s, "gives %s in %s, element %lld, from finite numbers",
                         luron__nonfinite_text(luron__element(p->dtype, p->first, at)), luron__place_name(name, s, p),
                         (long long)(at + s->base));
    }
    return LURON_OK;
}

static bool has_ids(const strict *s) {
    for (int i = 0; i < s->n; i++)
        if (s->places[i].role == IN && luron__place_is_index(s, &s->places[i])) return true;
    return false;
}

/* May result and operand be one memory here? */
static bool may_be_in_place(const strict *s, bool backward) {
    if (!luron__is_elementwise(s->f->type)) return false;
    if (!backward) return s->f->type->elementwise.flags & LURON_EW_IN_PLACE;
    for (int i = 0; i < s->n; i++)
        if (s->places[i].role == GRAD_IN) return s->places[i].fresh;
    return false;
}

static luron_status judge(strict *s, bool backward) {
    bool done;
    LURON_TRY(run_once(s, FIRST, &done));
    for (int i = 0; i < s->n; i++) {
        place *p = &s->places[i];
        p->left = luron__place_is_grad(p) && !taken(s, p);
        if (p->written && p->same < 0) memcpy(p->first, p->now, p->bytes);
    }
    LURON_TRY(vary(s, AGAIN));
    if (luron__is_elementwise(s->f->type)) LURON_TRY(vary(s, CUT));
    LURON_TRY(vary(s, ORDER));
    LURON_TRY(vary(s, ORDER_2));
    for (s->freed = 0; s->freed < s->n; s->freed++)
        if (!s->places[s->freed].original && s->places[s->freed].view && s->places[s->freed].n)
            LURON_TRY(vary(s, FREED));
    if (s->f->scratch_bytes) LURON_TRY(vary(s, CLEAN));
    LURON_TRY(vary(s, GUARDS));
    LURON_TRY(vary(s, FILL));
    if (may_be_in_place(s, backward)) LURON_TRY(vary(s, IN_PLACE));
    if (has_ids(s)) LURON_TRY(vary(s, BASE));
    if (backward) LURON_TRY(vary(s, ADDED));
    return check_finite(s);
}

/* ---- forward and backward at once -------------------------------------------------------------------------------- */
enum { MOST_MADE = 3 * LURON__MAX_SLOTS };
typedef struct made { /* outputs, saved tensors and gradients of inputs, in memory of their own */
    luron_view *at[MOST_MADE], was[MOST_MADE];
    const char *what[MOST_MADE];
    int n;
} made;
static void add_made(made *m, const char *what, luron_view *const *views, int n) {
    for (int i = 0; i < n && m->n < MOST_MADE; i++)
        if (views[i]) m->what[m->n] = what, m->was[m->n] = *views[i], m->at[m->n++] = views[i];
}
static size_t bytes_of(const luron_view *v) { return ((size_t)luron_numel(v) * (v->dtype_bits / 8) + 7) / 8 * 8; }

/* Forward and backward as they are, without gradients for the first. */
static luron_status one_by_one(luron__frame *f, luron_status (*run)(luron__frame *)) {
    luron_call *c = &f->call;
    luron_view **grad_in = c->grad_in, **grad_out = c->grad_out;
    c->grad_in = c->grad_out = NULL;
    luron_status status = luron__frame_call(f, LURON__PHASE_RUN, "forward", f->type->layer.forward);
    c->grad_in = grad_in, c->grad_out = grad_out;
    return status ? status : run(f);
}

/* forward_backward makes what forward and backward make, bit for bit. */
static luron_status check_both(luron__frame *f, luron_status (*run)(luron__frame *)) {
    luron_call *c = &f->call;
    made m = {.n = 0};
    size_t bytes = 0;
    char *block;
    for (int i = 0; i < c->n_in; i++)
        if (c->in[i] && !c->in[i]->data) return LURON_OK; /* freed: forward cannot be run again */
    if (c->n_in > LURON__FEW_IN || c->n_state || c->n_param) return LURON_OK; /* plans leave these alone */
    add_made(&m, "an output", c->out, c->n_out);
    add_made(&m, "a saved tensor", c->saved, c->n_saved);
    add_made(&m, "a gradient", c->grad_in, c->n_in);
    uint8_t fresh[LURON__FEW_IN];
    memcpy(fresh, c->fresh_in, (size_t)c->n_in);
    for (int i = 0; i < m.n; i++)
        bytes += bytes_of(m.at[i]);
    LURON_TRY(luron__alloc(&block, f->ctx, 2 * bytes));
    luron_status status = LURON_OK;
    for (int both = 0; both < 2 && !status; both++) {
        char *to = block + (size_t)both * bytes;
        for (int i = 0; i < m.n; to += bytes_of(m.at[i++])) {
            m.at[i]->data = to, m.at[i]->byte_offset = 0;
            luron__fill_unset(luron_dtype(m.at[i]), luron_numel(m.at[i]), to);
        }
        memset(c->fresh_in, 1, (size_t)c->n_in);
        status = both ? luron__frame_call(f, LURON__PHASE_RUN, "forward_backward", f->type->layer.forward_backward)
                      : one_by_one(f, run);
        for (int i = 0; i < c->n_in && !status; i++) luron_grad_in(c, i); /* what was left untouched is zero */
    }
    for (int i = 0; i < m.n; i++)
        *m.at[i] = m.was[i];
    memcpy(c->fresh_in, fresh, (size_t)c->n_in);
    const char *a = block;
    for (int i = 0; i < m.n && !status; a += bytes_of(m.at[i++])) {
        if (memcmp(a, a + bytes, (size_t)luron_numel(m.at[i]) * (m.at[i]->dtype_bits / 8)) == 0) continue;
        status = luron__strict_found(f, "forward_backward", "gives other bits in %s than forward and backward do", m.what[i]);
    }
    luron__free(f->ctx, block, 2 * bytes);
    return status;
}

/* ---- the callbacks ----------------------------------------------------------------------------------------------- */
luron_status luron__strict_backward(luron__frame *f, luron_status (*run)(luron__frame *)) {
    if (f->type->layer.forward_backward) LURON_TRY(check_both(f, run));
    strict s = {.f = f,
                .run = run,
                .what = "backward",
                .base = f->call.index_base,
                .scratch = f->call.scratch,
                .options = f->call.options};
    luron_status status = luron__places_open(&s, true);
    if (!status) status = judge(&s, true);
    luron__places_close(&s);
    return status;
}

luron_status luron__strict_forward(luron__frame *f, luron_status (*run)(luron__frame *)) {
    strict s = {.f = f,
                .run = run,
                .what = "forward",
                .base = f->call.index_base,
                .scratch = f->call.scratch,
                .options = f->call.options};
    luron_status status = luron__places_open(&s, false);
    if (!status) status = judge(&s, false);
    const void *outs[LURON__MAX_SLOTS] = {0};
    for (int i = 0; i < s.n; i++)
        if (s.places[i].role == OUT) outs[s.places[i].slot] = s.places[i].first;
    luron__places_put_back(&s);
    if (!status && f->type->layer.compose) status = luron__strict_against_compose(f, outs);
    luron__places_close(&s);
    for (int i = 0; i < f->call.n_saved && !status; i++) /* what forward leaves alone shows itself in backward */
        if (f->saved[i])
            luron__fill_unset(f->saved[i]->dtype, luron_tensor_numel(f->saved[i]), luron__data(f->saved[i]));
    return status;
}
