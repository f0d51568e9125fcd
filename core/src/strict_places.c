/* The memory that a plugin sees in strict mode: copies of what the call has, and what is in them before each run. */
#include "strict_places.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static luron_ctx *ctx_of(const strict *s) { return s->f->ctx; }
/* ---- names ------------------------------------------------------------------------------------------------------- */
static const char *port_of(const luron__frame *f, bool out, int slot) {
    return out ? f->type->out[slot].name
               : luron__port_in(f->type, slot)->name; /* inputs and outputs are within the ports */
}

const char *luron__place_name(char to[128], const strict *s, const place *p) {
    switch (p->role) {
    case IN:
        snprintf(to, 128, "input '%s'", port_of(s->f, false, p->slot));
        break;
    case PARAM:
        snprintf(to, 128, "parameter '%s'", luron__frame_param(s->f, p->slot)->name);
        break;
    case STATE:
        snprintf(to, 128, "state '%s'", luron__frame_state(s->f, p->slot)->name);
        break;
    case OUT:
        snprintf(to, 128, "output '%s'", port_of(s->f, true, p->slot));
        break;
    case SAVED:
        snprintf(to, 128, "saved tensor %d", p->slot);
        break;
    case GRAD_OUT:
        snprintf(to, 128, "the gradient of output '%s'", port_of(s->f, true, p->slot));
        break;
    case GRAD_IN:
        snprintf(to, 128, "the gradient of input '%s'", port_of(s->f, false, p->slot));
        break;
    case GRAD_PARAM:
        snprintf(to, 128, "the gradient of parameter '%s'", luron__frame_param(s->f, p->slot)->name);
        break;
    default:
        snprintf(to, 128, "the scratch memory");
    }
    return to;
}

/* ---- collecting what the plugin sees ----------------------------------------------------------------------------- */
static luron_status add_place(strict *s, place_role role, int slot, luron_view *view, bool written) {
    luron_ctx *ctx = ctx_of(s);
    place *p = &s->places[s->n++];
    *p = (place){.role = role, .slot = slot, .same = -1, .view = view, .was = *view, .written = written};
    p->dtype = luron_dtype(view), p->size = view->dtype_bits / 8u, p->n = luron_numel(view);
    p->bytes = (size_t)p->n * p->size;
    p->original = luron_data(view);
    for (int k = 0; written && k < s->n - 1; k++)
        if (s->places[k].written && s->places[k].original == p->original && p->bytes && s->places[k].same < 0)
            p->same = k;
    if (p->same >= 0) return LURON_OK;
    LURON_TRY(luron__guard_open(&p->guard, ctx, p->bytes));
    return written ? luron__alloc(&p->first, ctx, p->bytes + 1) : LURON_OK;
}

static luron_status add_scratch(strict *s) {
    const size_t bytes = (size_t)s->f->scratch_bytes;
    if (!bytes) return LURON_OK;
    place *p = &s->places[s->n++];
    *p = (place){.role = SCRATCH, .same = -1, .dtype = LURON_U8, .n = (int64_t)bytes, .size = 1, .bytes = bytes};
    return luron__guard_open(&p->guard, ctx_of(s), bytes);
}

static luron_status add_row(strict *s, place_role role, luron_view **views, int n, bool written) {
    for (int i = 0; i < n; i++)
        if (views && views[i]) LURON_TRY(add_place(s, role, i, views[i], written));
    return LURON_OK;
}

static void note_fresh(strict *s) {
    for (int i = 0; i < s->n; i++) {
        place *p = &s->places[i];
        if (p->role == GRAD_IN) p->fresh = s->f->call.fresh_in[p->slot];
        if (p->role == GRAD_PARAM) p->fresh = s->f->fresh_param[p->slot];
    }
}

luron_status luron__places_open(strict *s, bool backward) {
    luron__frame *f = s->f;
    luron_call *c = &f->call;
    s->cap = 2 * c->n_in + 7 * LURON__MAX_SLOTS + 1;
    LURON_TRY(luron__alloc(&s->places, f->ctx, (size_t)s->cap * sizeof *s->places));
    LURON_TRY(luron__alloc(&s->fresh_in, f->ctx, (size_t)c->n_in + 1));
    const size_t options = (size_t)f->type->layer.options_size;
    LURON_TRY(luron__alloc(&s->options_copy, f->ctx, options + 1));
    if (c->options) memcpy(s->options_copy, c->options, options);
    LURON_TRY(add_row(s, IN, c->in, c->n_in, false));
    LURON_TRY(add_row(s, PARAM, c->param, c->n_param, false));
    LURON_TRY(add_row(s, STATE, c->state, c->n_state, !backward && c->flags & LURON_CALL_TRAINING));
    LURON_TRY(add_row(s, OUT, c->out, c->n_out, !backward));
    LURON_TRY(add_row(s, SAVED, c->saved, c->n_saved, !backward));
    LURON_TRY(add_scratch(s));
    if (!backward) return LURON_OK;
    memcpy(s->fresh_in, c->fresh_in, (size_t)c->n_in);
    memcpy(s->fresh_param, f->fresh_param, sizeof s->fresh_param);
    LURON_TRY(add_row(s, GRAD_OUT, c->grad_out, c->n_out, false));
    LURON_TRY(add_row(s, GRAD_IN, c->grad_in, c->n_in, true));
    LURON_TRY(add_row(s, GRAD_PARAM, c->grad_param, LURON__MAX_SLOTS, true));
    note_fresh(s);
    return LURON_OK;
}

void luron__places_put_back(strict *s) {
    luron__frame *f = s->f;
    for (int i = 0; i < s->n; i++)
        if (s->places[i].view) *s->places[i].view = s->places[i].was;
    f->call.scratch = s->scratch, f->call.index_base = s->base, f->call.options = s->options;
    f->hostile = (luron__hostile){0};
    if (s->fresh_in) memcpy(f->call.fresh_in, s->fresh_in, (size_t)f->call.n_in);
    memcpy(f->fresh_param, s->fresh_param, sizeof s->fresh_param);
}

void luron__places_close(strict *s) {
    luron_ctx *ctx = ctx_of(s);
    luron__places_put_back(s);
    for (int i = 0; i < s->n; i++) {
        luron__guard_close(&s->places[i].guard);
        luron__free(ctx, s->places[i].first, s->places[i].bytes + 1);
    }
    luron__free(ctx, s->places, (size_t)s->cap * sizeof *s->places);
    luron__free(ctx, s->fresh_in, (size_t)s->f->call.n_in + 1);
    luron__free(ctx, s->options_copy, (size_t)s->f->type->layer.options_size + 1);
}
/* ---- a run ------------------------------------------------------------------------------------------------------- */
bool luron__place_is_grad(const place *p) { return p->role == GRAD_IN || p->role == GRAD_PARAM; }
bool luron__place_is_index(const strict *s, const place *p) {
    if (p->role == IN) return luron__port_in(s->f->type, p->slot)->flags & LURON_PORT_INDEX;
    return p->role == OUT && s->f->type->out[p->slot].flags & LURON_PORT_INDEX;
}

static int64_t id_at(const place *p, const void *data, int64_t i) {
    int32_t small;
    int64_t id;
    if (p->size == 1) return ((const uint8_t *)data)[i];
    if (p->size == 4) {
        memcpy(&small, (const char *)data + i * 4, 4);
        return small;
    }
    memcpy(&id, (const char *)data + i * 8, 8);
    return id;
}

bool luron__place_shift_ids(const place *p, void *data, int64_t base) {
    for (int64_t i = 0; i < p->n; i++) {
        int64_t id = id_at(p, data, i);
        if (id < 0) continue;
        if (id == (base == 1 ? 0 : INT64_MAX)) return false;
        id += base ? -1 : 1;
        const int32_t small = (int32_t)id;
        if ((p->size == 1 && id > 255) || (p->size == 4 && small != id)) return false;
        memcpy((char *)data + (size_t)i * p->size, p->size == 4 ? (const void *)&small : (const void *)&id,
               p->size); /* little-endian */
    }
    return true;
}

double
luron__place_scale(const place *p) { /* of what a gradient has held before in ADDED: not small beside the gradient */
    double most = 1;
    for (int64_t i = 0; i < p->n; i++) {
        const double v = fabs(luron__element(p->dtype, p->first, i));
        if (v > most && isfinite(v)) most = v;
    }
    return most;
}

bool luron__place_holds(const place *p) {
    return p->original && !p->fresh && !(p->written && (p->role == OUT || p->role == SAVED));
}

bool luron__place_prepare(strict *s, int i, variation v) {
    place *p = &s->places[i];
    const bool noise = (v == FILL && p->written) || (v == CLEAN && p->role == SCRATCH) || (v == FREED && i == s->freed);
    p->now = p->same >= 0
                 ? s->places[p->same].now
                 : luron__guard_place(&p->guard, p->bytes, p->role == SCRATCH ? 64 : p->size, v == AGAIN, v == GUARDS);
    const place *operand = &s->places[0];
    if (v == IN_PLACE && (p->role == OUT || p->role == GRAD_IN) && p->written) {
        for (int k = 0; k < i; k++)
            if (s->places[k].role == (p->role == OUT ? IN : GRAD_OUT)) operand = &s->places[k];
        p->now = operand->now;
    } else if (p->same >= 0) {
        /* as the other one */
    } else if (luron__place_is_grad(p) && v == ADDED)
        luron__fill_noise(p->dtype, p->n, luron__place_scale(p), p->now);
    else if (luron__place_holds(p))
        memcpy(p->now, p->original, p->bytes);
    else if (noise)
        luron__fill_noise(p->dtype, p->n, 1, p->now);
    else
        luron__fill_unset(p->dtype, p->n, p->now);
    if (p->role == SCRATCH) {
        s->f->call.scratch = p->now;
        return true;
    }
    p->view->data = p->now, p->view->byte_offset = 0;
    return !(v == BASE && p->role == IN && luron__place_is_index(s, p)) || luron__place_shift_ids(p, p->now, s->base);
}