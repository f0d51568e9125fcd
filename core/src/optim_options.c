/* optim_options.c -- changing the options of groups: one, or those of all groups at once. */
#include "optim_groups.h"
#include "plan.h"

/* State and scratch that the options bring are there before they count, and stay when they go. */
static luron_status make_options(void **out, luron_optim *o, luron_ctx *ctx, group *g, int n, const luron_arg *args) {
    void *options;
    LURON_TRY(luron__options_new(&options, ctx, o->type, o->type->optim.name, g->options, n, args));
    luron_status status = LURON_OK;
    const bool asks = o->type->optim.keeps || o->type->optim.setup;
    for (int i = 0; asks && i < g->n && !status; i++)
        status = luron__optim_setup_param(o, ctx, g, i, options);
    if (status)
        luron__options_free(o->pool, o->type, options);
    else
        *out = options;
    return status;
}

luron_status luron_optim_set(luron_optim *o, luron_ctx *ctx, int k, const luron_arg *arg) {
    void *options;
    LURON__CHECK(ctx, k >= 0 && k < o->n_groups, LURON_E_RANGE, "%s: no group %d, there are %lld", o->type->optim.name,
                 k + ctx->index_base, (long long)o->n_groups);
    luron__plan_refuse(ctx, "changes options of an optimiser: do that outside of the step");
    group *g = &o->groups[k];
    if (!o->type->optim.keeps && !o->type->optim.setup)
        return luron__options_set(ctx, o->type, o->type->optim.name, g->options, arg);
    LURON_TRY(make_options(&options, o, ctx, g, 1, arg));
    luron__options_free(o->pool, o->type, g->options);
    g->options = options;
    return LURON_OK;
}

luron_status luron__optim_next_new(void ***next, luron_optim *o, luron_ctx *ctx) {
    return luron__alloc(next, ctx, (size_t)o->n_groups * sizeof **next);
}

luron_status luron__optim_next_make(void **next, luron_optim *o, luron_ctx *ctx, int k, int n, const luron_arg *args) {
    return make_options(&next[k], o, ctx, &o->groups[k], n, args);
}

void luron__optim_next_exchange(void **next, luron_optim *o) {
    for (int64_t k = 0; k < o->n_groups; k++) {
        void *options = o->groups[k].options;
        o->groups[k].options = next[k], next[k] = options;
    }
}

void luron__optim_next_free(void **next, luron_optim *o) {
    for (int64_t k = 0; k < o->n_groups; k++)
        if (next[k]) luron__options_free(o->pool, o->type, next[k]);
    luron__pool_free(o->pool, next, (size_t)o->n_groups * sizeof *next);
}
