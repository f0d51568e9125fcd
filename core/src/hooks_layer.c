/* Hooks of layers and models. For those of the backward the inputs and the outputs of a call pass through a node of the
 * tape each, a gate, which gives them on as they are: what flows back through the gate of the outputs is carried by the
 * run to the gate of the inputs, where the hooks see both.                                                           */
#include "graph.h"
#include "hooks.h"

#include <string.h>

enum { FEW = 8 /* inputs or outputs that need no block */ };

/* ---- what the two gates of a call share -------------------------------------------------------------------------- */
struct luron__gates {
    atomic_int refs;
    luron__pool *pool;
    luron__owner owner; /* owned */
    int64_t last;       /* hooks with higher numbers were added after the call */
    int n_in, n_out;
    bool has_entry; /* an input requires a gradient */
    bool *passes;   /* of inputs, then of outputs: goes through the gate */
    size_t bytes;
};
typedef struct luron__gates gates;

static luron__hooks *hooks_of(luron__owner owner) { return owner.layer ? owner.layer->hooks : owner.model->hooks; }

static void gates_unref(void *ud) {
    gates *g = ud;
    if (!g || atomic_fetch_sub(&g->refs, 1) != 1) return;
    luron_layer_unref(g->owner.layer);
    luron_model_unref(g->owner.model);
    luron__pool_free(g->pool, g, g->bytes);
}

static bool wants_gates(const luron_ctx *ctx, luron__hooks *hooks, int64_t *last) {
    bool any = false;
    for (const luron__hook *h = hooks->first; h; h = h->next)
        any |= h->of_layer.backward != NULL, *last = h->id;
    return any && ctx->recording;
}

static luron_status gates_new(gates **out, luron_ctx *ctx, luron__owner owner, int64_t last, int n_in, int n_out) {
    gates *g;
    size_t bytes = sizeof *g + (size_t)(n_in + n_out) * sizeof *g->passes;
    LURON_TRY(luron__alloc(&g, ctx, bytes));
    atomic_init(&g->refs, 1);
    g->pool = ctx->pool, g->bytes = bytes, g->last = last, g->n_in = n_in, g->n_out = n_out;
    g->owner = (luron__owner){luron_layer_ref(owner.layer), luron_model_ref(owner.model)};
    g->passes = (bool *)(g + 1);
    *out = g;
    return LURON_OK;
}

/* ---- gradients of outputs on their way --------------------------------------------------------------------------- */
typedef struct carried {
    struct carried *next;
    const gates *of;
    int n;
    luron_tensor *grads[];
} carried;

static size_t carried_bytes(int n) { return sizeof(carried) + (size_t)n * sizeof(luron_tensor *); }

void luron__carried_free(luron_ctx *ctx, void *list) {
    for (carried *c = list; c;) {
        carried *next = c->next;
        for (int i = 0; i < c->n; i++)
            luron_tensor_unref(c->grads[i]);
        luron__free(ctx, c, carried_bytes(c->n));
        c = next;
    }
}

/* ---- the backward of the gates ----------------------------------------------------------------------------------- */
static luron_status check_grad_in(luron_ctx *ctx, int i, const luron_tensor *was, const luron_tensor *is) {
    char a[LURON__SHAPE_TEXT], b[LURON__SHAPE_TEXT];
    LURON__CHECK(ctx, was, LURON_E_ARGUMENT, "backward hook: input %d has no gradient that could be replaced",
                 i + ctx->index_base);
    LURON__CHECK(ctx, luron__same_shape(was, is), LURON_E_SHAPE,
                 "backward hook: gradient of shape %s for input %d expected, got %s",
                 luron_shape_text(a, sizeof a, was->ndim, was->shape), i + ctx->index_base,
                 luron_shape_text(b, sizeof b, is->ndim, is->shape));
    LURON__CHECK(ctx, was->dtype == is->dtype, LURON_E_DTYPE,
                 "backward hook: gradient of dtype %s for input %d expected, got %s", luron_dtype_name(was->dtype),
                 i + ctx->index_base, luron_dtype_name(is->dtype));
    return LURON_OK;
}

/* What a hook gave takes the place of what was there; both are owned. check: are they gradients? */
static luron_status take_instead(luron_ctx *ctx, luron_status status, int n, luron_tensor **now, luron_tensor **instead,
                                 bool check) {
    for (int i = 0; i < n && check && !status; i++)
        if (instead[i]) status = check_grad_in(ctx, i, now[i], instead[i]);
    for (int i = 0; i < n; i++) {
        luron_tensor *gone = status ? instead[i] : now[i];
        if (!instead[i]) continue;
        if (!status) now[i] = instead[i];
        instead[i] = NULL;
        luron_tensor_unref(gone);
    }
    return status;
}

/* grad_ins: owned, n_in of them, behind them room for as many. */
static luron_status run_backward_hooks(luron_ctx *ctx, const gates *g, luron_tensor **grad_ins,
                                       luron_tensor *const *grad_outs) {
    luron_status status = LURON_OK;
    luron__hook *h;
    luron__hooks *hooks = hooks_of(g->owner);
    if (!hooks) return LURON_OK;
    atomic_fetch_add(&hooks->refs, 1);
    for (int64_t id = 0; !status && (h = luron__hooks_after(hooks, id)); luron__hook_unref(hooks->pool, h)) {
        id = h->id;
        if (!h->of_layer.backward || id > g->last) continue;
        status = h->of_layer.backward(ctx, h->ud, g->n_in, grad_ins, g->n_out, grad_outs, grad_ins + g->n_in);
        status = take_instead(ctx, status, g->n_in, grad_ins, grad_ins + g->n_in, true);
    }
    luron__hooks_unref(hooks);
    return status;
}

/* The gate of the outputs. */
static luron_status exit_backward(luron_ctx *ctx, void *ud, int n_out, luron_tensor *const *grad_outs, int n_in,
                                  luron_tensor **grad_ins) {
    const gates *g = ud;
    carried *c;
    (void)n_out, (void)n_in;
    LURON_TRY(luron__alloc(&c, ctx, carried_bytes(g->n_out)));
    void **list = luron__run_carried(ctx->run);
    c->next = *list, c->of = g, c->n = g->n_out;
    *list = c;
    for (int i = 0, k = 0; i < g->n_out; i++)
        if (g->passes[g->n_in + i])
            c->grads[i] = luron_tensor_ref(grad_outs[k]), grad_ins[k] = luron_tensor_ref(grad_outs[k]), k++;
    if (g->has_entry) return LURON_OK;
    luron_tensor **none;
    size_t bytes = (size_t)(2 * g->n_in) * sizeof *none;
    LURON_TRY(luron__alloc(&none, ctx, bytes));
    luron_status status = run_backward_hooks(ctx, g, none, c->grads);
    luron__free(ctx, none, bytes);
    return status;
}

/* The gate of the inputs: every gradient of them is complete. */
static luron_status entry_backward(luron_ctx *ctx, void *ud, int n_out, luron_tensor *const *grad_outs, int n_in,
                                   luron_tensor **grad_ins) {
    const gates *g = ud;
    const carried *c = *luron__run_carried(ctx->run);
    luron_tensor **all;
    size_t n = (size_t)(2 * g->n_in + g->n_out), bytes = n * sizeof *all;
    (void)n_out, (void)n_in;
    while (c && c->of != g)
        c = c->next;
    LURON_TRY(luron__alloc(&all, ctx, bytes));
    for (int i = 0, k = 0; i < g->n_in; i++)
        if (g->passes[i]) all[i] = luron_tensor_ref(grad_outs[k++]);
    luron_status status = run_backward_hooks(ctx, g, all, c ? c->grads : all + 2 * g->n_in);
    for (int i = 0, k = 0; i < g->n_in; i++) {
        if (status)
            luron_tensor_unref(all[i]);
        else if (g->passes[i])
            grad_ins[k++] = all[i];
    }
    luron__free(ctx, all, bytes);
    return status;
}

static const luron_function entry = {.struct_size = sizeof entry,
                                     .name = "inputs of a layer with hooks",
                                     .backward = entry_backward,
                                     .release = gates_unref};
static const luron_function exit_ = {.struct_size = sizeof exit_,
                                     .name = "outputs of a layer with hooks",
                                     .backward = exit_backward,
                                     .release = gates_unref};

/* Send those of the n tensors ts (owned) that require a gradient through a gate. */
static luron_status pass(luron_ctx *ctx, gates *g, const luron_function *fn, int n, luron_tensor **ts, bool *passes) {
    luron_tensor **from;
    size_t bytes = (size_t)(2 * n) * sizeof *from;
    LURON_TRY(luron__alloc(&from, ctx, bytes));
    luron_tensor **to = from + n;
    luron_status status = LURON_OK;
    int k = 0;
    for (int i = 0; i < n && !status; i++) {
        passes[i] = ts[i] && ts[i]->requires_grad;
        if (!passes[i]) continue;
        from[k] = ts[i];
        status = luron_detach(&to[k], ctx, ts[i]);
        if (!status) k++;
    }
    if (!status && k) {
        atomic_fetch_add(&g->refs, 1); /* for the tape */
        status = luron_record(ctx, fn, g, k, from, k, to);
        if (status) gates_unref(g);
    }
    k = status ? k : 0;
    for (int i = 0; i < k; i++)
        luron_tensor_unref(to[i]);
    for (int i = 0, at = 0; i < n && !status; i++) {
        if (!passes[i]) continue;
        luron_tensor_unref(ts[i]);
        ts[i] = to[at++];
    }
    luron__free(ctx, from, bytes);
    return status;
}

/* ---- the forward ------------------------------------------------------------------------------------------------- */
/* ins: owned, n_in of them, behind them room for as many. */
static luron_status run_pre_hooks(luron_ctx *ctx, luron__hooks *hooks, int n_in, luron_tensor **ins) {
    luron_status status = LURON_OK;
    luron__hook *h;
    for (int64_t id = 0; !status && (h = luron__hooks_after(hooks, id)); luron__hook_unref(hooks->pool, h)) {
        id = h->id;
        if (!h->of_layer.forward_pre) continue;
        status = h->of_layer.forward_pre(ctx, h->ud, n_in, ins, ins + n_in);
        status = take_instead(ctx, status, n_in, ins, ins + n_in, false);
    }
    return status;
}

static luron_status run_forward_hooks(luron_ctx *ctx, luron__hooks *hooks, int n_in, luron_tensor *const *ins,
                                      int n_out, luron_tensor **outs, luron_tensor **instead) {
    luron_status status = LURON_OK;
    luron__hook *h;
    for (int64_t id = 0; !status && (h = luron__hooks_after(hooks, id)); luron__hook_unref(hooks->pool, h)) {
        id = h->id;
        if (!h->of_layer.forward) continue;
        status = h->of_layer.forward(ctx, h->ud, n_in, ins, n_out, outs, instead);
        status = take_instead(ctx, status, n_out, outs, instead, false);
    }
    return status;
}

/* ts: 2 n_in places for inputs, 2 n_out for outputs, all NULL at first; what is in them at the end belongs to the
 * caller. */
static luron_status apply_between(luron_tensor **ts, luron_ctx *ctx, luron__owner owner, luron__hooks *hooks, int n_in,
                                  int n_out, gates **g) {
    luron_tensor **outs = ts + 2 * n_in;
    int64_t last = 0;
    LURON_TRY(run_pre_hooks(ctx, hooks, n_in, ts));
    if (wants_gates(ctx, hooks, &last)) {
        LURON_TRY(gates_new(g, ctx, owner, last, n_in, n_out));
        LURON_TRY(pass(ctx, *g, &entry, n_in, ts, (*g)->passes));
        for (int i = 0; i < n_in; i++)
            (*g)->has_entry |= (*g)->passes[i];
    }
    LURON_TRY(owner.layer ? luron__layer_run(outs, ctx, owner.layer, n_in, ts)
                          : luron__model_run(outs, ctx, owner.model, n_in, ts));
    LURON_TRY(run_forward_hooks(ctx, hooks, n_in, ts, n_out, outs, outs + n_out));
    return *g ? pass(ctx, *g, &exit_, n_out, outs, (*g)->passes + n_in) : LURON_OK;
}

luron_status luron__apply_hooked(luron_tensor **outs, luron_ctx *ctx, luron__owner owner, int n_in,
                                 luron_tensor *const *ins, int n_out) {
    luron_tensor *few[4 * FEW] = {NULL}, **ts = few;
    size_t n = 2 * (size_t)n_in + 2 * (size_t)n_out, bytes = n * sizeof *ts;
    gates *g = NULL;
    if (n > 4 * FEW) LURON_TRY(luron__alloc(&ts, ctx, bytes));
    for (int i = 0; i < n_in; i++)
        ts[i] = luron_tensor_ref(ins[i]);
    luron__hooks *hooks = hooks_of(owner);
    atomic_fetch_add(&hooks->refs, 1); /* a hook may remove the last one, and let go of the owner */
    luron_layer_ref(owner.layer), luron_model_ref(owner.model);
    luron_status status = apply_between(ts, ctx, owner, hooks, n_in, n_out, &g);
    luron__hooks_unref(hooks);
    luron_layer_unref(owner.layer), luron_model_unref(owner.model);
    for (int i = 0; i < n_out && !status; i++)
        outs[i] = ts[2 * n_in + i], ts[2 * n_in + i] = NULL;
    for (size_t i = 0; i < n; i++)
        luron_tensor_unref(ts[i]);
    gates_unref(g);
    if (ts != few) luron__free(ctx, ts, bytes);
    return status;
}

/* ---- for trace.c ------------------------------------------------------------------------------------------------- */
const luron__gates *luron__gates_of(const luron__node *node) {
    return node->function == &entry || node->function == &exit_ ? node->ud : NULL;
}
luron__owner luron__gates_owner(const luron__gates *g) { return g->owner; }
int luron__gates_refs(const luron__gates *g) { return g->refs; }

/* ---- public ------------------------------------------------------------------------------------------------------ */
static luron_status add_layer_hook(int64_t *id, luron_ctx *ctx, luron__hooks **hooks, const luron_layer_hook *hook,
                                   void *ud) {
    luron__hook h = {.ud = ud};
    LURON__CHECK(ctx, hook->struct_size >= sizeof hook->struct_size + sizeof hook->reserved, LURON_E_ARGUMENT,
                 "add_hook: struct_size of luron_layer_hook is %u, sizeof the struct expected", hook->struct_size);
    memcpy(&h.of_layer, hook, hook->struct_size < sizeof *hook ? hook->struct_size : sizeof *hook);
    h.release = h.of_layer.release;
    LURON__CHECK(ctx, h.of_layer.forward_pre || h.of_layer.forward || h.of_layer.backward, LURON_E_ARGUMENT,
                 "add_hook: forward_pre, forward or backward expected, all are NULL");
    return luron__hooks_add(id, ctx, hooks, &h);
}

luron_status luron_layer_add_hook(int64_t *id, luron_ctx *ctx, luron_layer *layer, const luron_layer_hook *hook,
                                  void *ud) {
    return add_layer_hook(id, ctx, &layer->hooks, hook, ud);
}
luron_status luron_layer_remove_hook(luron_ctx *ctx, luron_layer *layer, int64_t id) {
    return luron__hooks_remove(ctx, &layer->hooks, id, "layer");
}

luron_status luron_model_add_hook(int64_t *id, luron_ctx *ctx, luron_model *model, const luron_layer_hook *hook,
                                  void *ud) {
    return add_layer_hook(id, ctx, &model->hooks, hook, ud);
}
luron_status luron_model_remove_hook(luron_ctx *ctx, luron_model *model, int64_t id) {
    return luron__hooks_remove(ctx, &model->hooks, id, "model");
}
