/* Lists of hooks, and the hooks of tensors. */
#include "hooks.h"
#include "plan.h"

#include <string.h>

/* ---- lists ------------------------------------------------------------------------------------------------------- */
luron_status luron__hooks_add(int64_t *id, luron_ctx *ctx, luron__hooks **hooks, const luron__hook *hook) {
    luron__hook *h;
    if (!hook->keeper) luron__plan_refuse(ctx, "registers a hook: do that outside of the step");
    LURON_TRY(luron__alloc(&h, ctx, sizeof *h));
    if (!*hooks) {
        luron__hooks *list;
        luron_status status = luron__alloc(&list, ctx, sizeof *list);
        if (status) {
            luron__free(ctx, h, sizeof *h);
            return status;
        }
        atomic_init(&list->refs, 1);
        list->pool = ctx->pool;
        *hooks = list;
    }
    luron__hook **end = &(*hooks)->first;
    for (; *end; end = &(*end)->next)
        if ((*end)->id > ctx->hook) ctx->hook = (*end)->id; /* added by another context */
    *h = *hook;
    h->next = NULL, h->id = ++ctx->hook;
    atomic_init(&h->refs, 1);
    *end = h;
    *id = h->id;
    return LURON_OK;
}

void luron__hook_unref(luron__pool *pool, luron__hook *h) {
    if (!h || atomic_fetch_sub(&h->refs, 1) != 1) return;
    if (h->release) h->release(h->ud);
    luron__pool_free(pool, h, sizeof *h);
}

void luron__hooks_unref(luron__hooks *hooks) {
    if (!hooks || atomic_fetch_sub(&hooks->refs, 1) != 1) return;
    luron__pool *pool = hooks->pool;
    while (hooks->first) {
        luron__hook *h = hooks->first;
        hooks->first = h->next;
        luron__hook_unref(pool, h);
    }
    luron__pool_free(pool, hooks, sizeof *hooks);
}

static void take_out(luron__hooks *hooks, luron__hook **at) {
    luron__hook *h = *at;
    *at = h->next;
    luron__hook_unref(hooks->pool, h);
}

luron_status luron__hooks_remove(luron_ctx *ctx, luron__hooks **hooks, int64_t id, const char *what) {
    luron__hook **at = *hooks ? &(*hooks)->first : NULL;
    while (at && *at && (*at)->id != id)
        at = &(*at)->next;
    LURON__CHECK(ctx, at && *at && !(*at)->keeper, LURON_E_NOT_FOUND, "remove_hook: the %s has no hook %lld (any more)",
                 what, (long long)id);
    luron__hooks *list = *hooks;
    if (at == &list->first && !(*at)->next) *hooks = NULL; /* the last one: nothing to ask for from now on */
    take_out(list, at);
    if (!*hooks) luron__hooks_unref(list);
    return LURON_OK;
}

luron__hook *luron__hooks_after(luron__hooks *hooks, int64_t id) {
    luron__hook *h = hooks->first;
    while (h && h->id <= id)
        h = h->next;
    if (h) atomic_fetch_add(&h->refs, 1);
    return h;
}

void luron__hooks_forget(luron__hooks *hooks, const luron_tensor *keeper) {
    luron__hook **at = hooks ? &hooks->first : NULL;
    while (at && *at && (*at)->keeper != keeper)
        at = &(*at)->next;
    if (at && *at) take_out(hooks, at);
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */
static luron_status check_instead(luron_ctx *ctx, const luron_tensor *g, const luron_tensor *t) {
    char a[LURON__SHAPE_TEXT], b[LURON__SHAPE_TEXT];
    LURON__CHECK(ctx, luron__same_shape(g, t), LURON_E_SHAPE, "hook: a gradient of shape %s expected, got %s",
                 luron_shape_text(a, sizeof a, g->ndim, g->shape), luron_shape_text(b, sizeof b, t->ndim, t->shape));
    LURON__CHECK(ctx, g->dtype == t->dtype, LURON_E_DTYPE, "hook: a gradient of dtype %s expected, got %s",
                 luron_dtype_name(g->dtype), luron_dtype_name(t->dtype));
    return LURON_OK;
}

static luron_status run_hook(luron_tensor **g, luron_ctx *ctx, const luron__hook *h) {
    luron_tensor *instead = NULL;
    uint64_t version = luron_tensor_version(*g);
    luron_status status = h->of_tensor(ctx, h->ud, *g, &instead);
    if (!status && luron_tensor_version(*g) != version)
        status =
            luron__fail(ctx, LURON_E_STATE,
                        "hook: the gradient was changed in place, and others may share it: give a new tensor instead");
    if (!status && instead) status = check_instead(ctx, *g, instead);
    if (status || !instead) {
        luron_tensor_unref(instead);
        return status;
    }
    luron_tensor_unref(*g);
    *g = instead;
    return LURON_OK;
}

luron_status luron__hooks_gradient(luron_tensor **g, luron_ctx *ctx, luron__hooks *hooks, int out) {
    luron_status status = LURON_OK;
    luron__hook *h;
    atomic_fetch_add(&hooks->refs, 1);
    for (int64_t id = 0; !status && (h = luron__hooks_after(hooks, id)); luron__hook_unref(hooks->pool, h)) {
        id = h->id;
        if (h->of_tensor && h->out == out) status = run_hook(g, ctx, h);
    }
    luron__hooks_unref(hooks);
    return status;
}

/* ---- public ------------------------------------------------------------------------------------------------------ */
static luron__hooks **hooks_of(luron_tensor *t) { return t->node ? &t->node->hooks : &t->hooks; }

static luron_status check_hookable(luron_ctx *ctx, const luron_tensor *t, const char *what) {
    char text[LURON__NODE_TEXT];
    LURON__CHECK(ctx, t->requires_grad, LURON_E_STATE, "%s: the tensor requires no gradient, so none comes by", what);
    LURON__CHECK(ctx, !t->node || !t->node->used, LURON_E_STATE,
                 "%s: a backward has used up the tape behind the tensor, made by %s: say it before", what,
                 luron__node_text(text, sizeof text, t->node));
    return LURON_OK;
}

luron_status luron_tensor_add_hook(int64_t *id, luron_ctx *ctx, luron_tensor *t, luron_tensor_hook fn, void *ud,
                                   void (*release)(void *ud)) {
    LURON_TRY(check_hookable(ctx, t, "hook"));
    return luron__hooks_add(id, ctx, hooks_of(t),
                            &(luron__hook){.out = t->node_out, .of_tensor = fn, .ud = ud, .release = release});
}

luron_status luron_tensor_remove_hook(luron_ctx *ctx, luron_tensor *t, int64_t id) {
    return luron__hooks_remove(ctx, hooks_of(t), id, "tensor");
}

luron_status luron_tensor_retain_grad(luron_ctx *ctx, luron_tensor *t) {
    int64_t id;
    LURON_TRY(check_hookable(ctx, t, "retain_grad"));
    luron__plan_refuse(ctx, "keeps the gradient of a result: retain_grad");
    if (!t->node || t->retains) return LURON_OK;
    LURON_TRY(luron__hooks_add(&id, ctx, hooks_of(t), &(luron__hook){.out = t->node_out, .keeper = t}));
    t->retains = true;
    return LURON_OK;
}
