/* Which hooks can be reached from where: a walk over tensors, tape, layers and models that counts the references it
 * comes by. What has more than these is held by somebody else. */
#include "luron/trace.h"

#include "call.h"
#include "graph.h"
#include "hooks.h"

#include <string.h>

typedef enum kind { TENSOR, NODE, LAYER, MODEL, OPTIM, GATES } kind;
typedef struct object {
    const void *at;
    kind kind;
    bool entered;  /* its ways have been taken */
    bool outside;  /* held by somebody else, or by something that is */
    int64_t found; /* references come by */
    uint64_t reaches;
} object;

typedef struct trace {
    luron_ctx *ctx;
    object *objects; /* in order of finding */
    int64_t n, cap;
    int64_t *order; /* what an object leads to before itself, but for loops */
    int64_t n_order, cap_order;
    int64_t *stack; /* 2 i: to be entered; 2 i + 1: to be put into the order */
    int64_t n_stack, cap_stack;
    int64_t *table; /* open addressing: index + 1; a power of two places, 0: empty */
    int64_t n_table;
    int n_uds;
    void *const *uds;
    bool counts, changed; /* counts: the first walk, which finds the objects */
} trace;

/* ---- the table --------------------------------------------------------------------------------------------------- */
static int64_t place_of(const trace *t, const void *at) {
    int64_t mask = t->n_table - 1, i = (int64_t)((uint64_t)(uintptr_t)at * 0x9e3779b97f4a7c15u >> 33) & mask;
    while (t->table[i] && t->objects[t->table[i] - 1].at != at)
        i = (i + 1) & mask;
    return i;
}

static luron_status reserve(trace *t) {
    LURON_TRY(luron__grow(t->ctx, &t->objects, &t->cap, t->n + 1, sizeof *t->objects));
    if (2 * (t->n + 1) <= t->n_table) return LURON_OK;
    int64_t *old = t->table, n = t->n_table;
    int64_t *wider;
    LURON_TRY(luron__alloc(&wider, t->ctx, (size_t)(n ? 2 * n : 256) * sizeof *wider));
    t->table = wider, t->n_table = n ? 2 * n : 256;
    luron__free(t->ctx, old, (size_t)n * sizeof *old);
    for (int64_t i = 0; i < t->n; i++)
        t->table[place_of(t, t->objects[i].at)] = i + 1;
    return LURON_OK;
}

static luron_status push(trace *t, int64_t what) {
    LURON_TRY(luron__grow(t->ctx, &t->stack, &t->cap_stack, t->n_stack + 1, sizeof *t->stack));
    t->stack[t->n_stack++] = what;
    return LURON_OK;
}

/* One more reference to an object. */
static luron_status come_by(trace *t, kind k, const void *at) {
    if (!at) return LURON_OK;
    LURON_TRY(reserve(t));
    int64_t *place = &t->table[place_of(t, at)];
    if (!*place) {
        t->objects[t->n++] = (object){.at = at, .kind = k};
        *place = t->n;
    }
    object *o = &t->objects[*place - 1];
    o->found++;
    return o->entered ? LURON_OK : push(t, 2 * (*place - 1));
}

/* ---- the ways ---------------------------------------------------------------------------------------------------- */
/* In the first walk: count it. Later: what the child reaches, the parent does, and what holds the parent from outside
 * holds the child. */
static luron_status way(trace *t, int64_t parent, kind k, const void *at) {
    if (t->counts || !at) return come_by(t, k, at);
    object *p = &t->objects[parent], *c = &t->objects[t->table[place_of(t, at)] - 1];
    t->changed |= (c->reaches & ~p->reaches) || (p->outside && !c->outside);
    p->reaches |= c->reaches;
    c->outside |= p->outside;
    return LURON_OK;
}

static luron_status ways_of_node(trace *t, int64_t i, const luron__node *node) {
    const luron__gates *gates = luron__gates_of(node);
    for (int k = 0; k < node->n_in; k++)
        LURON_TRY(way(t, i, TENSOR, node->in[k]));
    if (node->layer) LURON_TRY(way(t, i, LAYER, node->layer->layer));
    return way(t, i, GATES, gates);
}

static luron_status ways_of_optim(trace *t, int64_t i, const luron_optim *o) {
    for (int g = 0; g < luron_optim_n_groups(o); g++)
        for (int k = 0; k < luron_optim_n_params(o, g); k++)
            LURON_TRY(way(t, i, TENSOR, luron_optim_param(o, g, k)));
    return LURON_OK;
}

static luron_status ways_of(trace *t, int64_t i) {
    const object o = t->objects[i];
    switch (o.kind) {
    case TENSOR:
        LURON_TRY(way(t, i, NODE, ((const luron_tensor *)o.at)->node));
        return way(t, i, TENSOR, ((const luron_tensor *)o.at)->grad);
    case NODE:
        return ways_of_node(t, i, o.at);
    case LAYER:
        for (int s = 0; s < LURON__MAX_SLOTS; s++)
            LURON_TRY(way(t, i, TENSOR, ((const luron_layer *)o.at)->param[s].tensor));
        return LURON_OK;
    case MODEL:
        for (int64_t l = 0; l < ((const luron_model *)o.at)->n_layers; l++)
            LURON_TRY(way(t, i, LAYER, ((const luron_model *)o.at)->layers[l].layer));
        return LURON_OK;
    case OPTIM:
        return ways_of_optim(t, i, o.at);
    default:
        LURON_TRY(way(t, i, LAYER, luron__gates_owner(o.at).layer));
        return way(t, i, MODEL, luron__gates_owner(o.at).model);
    }
}

/* ---- what an object holds itself --------------------------------------------------------------------------------- */
static int64_t refs_of(const object *o) {
    switch (o->kind) {
    case TENSOR:
        return ((const luron_tensor *)o->at)->refs;
    case NODE:
        return ((const luron__node *)o->at)->refs;
    case LAYER:
        return ((const luron_layer *)o->at)->live.refs;
    case MODEL:
        return ((const luron_model *)o->at)->refs;
    case OPTIM:
        return 1;
    default:
        return luron__gates_refs(o->at);
    }
}

static uint64_t bit_of(const trace *t, const void *ud) {
    uint64_t bits = 0;
    for (int k = 0; k < t->n_uds; k++)
        if (t->uds[k] == ud) bits |= (uint64_t)1 << k;
    return bits;
}

static uint64_t own_bits(const trace *t, const object *o) {
    const luron__hooks *hooks = NULL;
    uint64_t bits = 0;
    if (o->kind == TENSOR) hooks = ((const luron_tensor *)o->at)->hooks;
    if (o->kind == NODE) hooks = ((const luron__node *)o->at)->hooks;
    if (o->kind == LAYER) hooks = ((const luron_layer *)o->at)->hooks;
    if (o->kind == MODEL) hooks = ((const luron_model *)o->at)->hooks;
    for (const luron__hook *h = hooks ? hooks->first : NULL; h; h = h->next)
        if (!h->keeper) bits |= bit_of(t, h->ud);
    if (o->kind == NODE && ((const luron__node *)o->at)->function) bits |= bit_of(t, luron__function_ud(o->at));
    return bits;
}

/* ---- public ------------------------------------------------------------------------------------------------------ */
static const kind kinds[] = {
    [LURON_HELD_TENSOR] = TENSOR, [LURON_HELD_LAYER] = LAYER, [LURON_HELD_MODEL] = MODEL, [LURON_HELD_OPTIM] = OPTIM};

/* Take all ways from what is on the stack, depth first. */
static luron_status explore(trace *t) {
    while (t->n_stack) {
        int64_t top = t->stack[--t->n_stack], i = top / 2;
        if (top % 2) {
            LURON_TRY(luron__grow(t->ctx, &t->order, &t->cap_order, t->n_order + 1, sizeof *t->order));
            t->order[t->n_order++] = i;
        } else if (!t->objects[i].entered) {
            t->objects[i].entered = true;
            LURON_TRY(push(t, top + 1));
            LURON_TRY(ways_of(t, i));
        }
    }
    return LURON_OK;
}

static luron_status walk(trace *t, int64_t n, const luron_held *held) {
    t->counts = true;
    for (int64_t i = 0; i < n; i++) {
        LURON_TRY(come_by(t, kinds[held[i].kind], held[i].object));
        LURON_TRY(explore(t));
    }
    for (int64_t i = 0; i < t->n; i++) {
        object *o = &t->objects[i];
        o->outside = refs_of(o) > o->found, o->reaches = own_bits(t, o);
    }
    t->counts = false, t->changed = true;
    while (t->changed) { /* without loops the first round does all, the second sees that */
        t->changed = false;
        for (int64_t i = 0; i < t->n; i++)
            LURON_TRY(ways_of(t, t->order[i]));
        for (int64_t i = t->n - 1; i >= 0; i--)
            LURON_TRY(ways_of(t, t->order[i]));
    }
    return LURON_OK;
}

luron_status luron_trace_hooks(uint64_t *elsewhere, luron_ctx *ctx, int64_t n, luron_held *held, int n_uds,
                         void *const *uds) {
    LURON__CHECK(ctx, !ctx->run, LURON_E_STATE, "trace: a backward is going on, which holds part of the tape");
    LURON__CHECK(ctx, n_uds >= 0 && n_uds <= 64, LURON_E_ARGUMENT, "trace: at most 64 hooks at a time, got %d", n_uds);
    trace t = {.ctx = ctx, .n_uds = n_uds, .uds = uds};
    luron_status status = walk(&t, n, held);
    if (!status) {
        uint64_t inside = 0, outside = 0;
        for (int64_t i = 0; i < t.n; i++) {
            uint64_t own = own_bits(&t, &t.objects[i]);
            *(t.objects[i].outside ? &outside : &inside) |= own;
        }
        *elsewhere = ~inside | outside;
        for (int64_t i = 0; i < n; i++)
            held[i].reaches = held[i].object ? t.objects[t.table[place_of(&t, held[i].object)] - 1].reaches : 0;
    }
    luron__free(ctx, t.objects, (size_t)t.cap * sizeof *t.objects);
    luron__free(ctx, t.order, (size_t)t.cap_order * sizeof *t.order);
    luron__free(ctx, t.stack, (size_t)t.cap_stack * sizeof *t.stack);
    luron__free(ctx, t.table, (size_t)t.n_table * sizeof *t.table);
    return status;
}
