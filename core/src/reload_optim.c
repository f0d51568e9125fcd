/* reload_optim.c -- an optimiser whose plugin is loaded again: options by name, state and scalars in the new order, and
 * what the new code wants with these options: state that it keeps, scratch for whole parameters. */
#include "optim_groups.h"
#include "reload.h"

#include <string.h>

struct luron__next_optim {
    const luron_type *type;    /* of the options; borrowed */
    void *defaults, **options; /* those of the groups */
    luron_tensor **states;     /* of all parameters, group by group; owned */
    void *scratch;             /* NULL: what is there will do */
    int64_t scratch_bytes;
    int state_at[LURON__MAX_SLOTS], scalar_at[MAX_SCALARS]; /* where each of the new type is with the old one */
};

static size_t states_bytes(const luron_optim *o) {
    return (size_t)o->n_params * (size_t)o->n_states * sizeof(luron_tensor *);
}

void luron__next_optim_free(luron_optim *o, luron__next_optim *next) {
    if (!next) return;
    for (int64_t k = 0; next->options && k < o->n_groups; k++)
        luron__options_free(o->pool, next->type, next->options[k]);
    for (int64_t i = 0; next->states && i < o->n_params * o->n_states; i++)
        luron_tensor_unref(next->states[i]);
    luron__pool_free(o->pool, next->options, (size_t)o->n_groups * sizeof *next->options);
    luron__pool_free(o->pool, next->states, states_bytes(o));
    luron__pool_free(o->pool, next->scratch, (size_t)next->scratch_bytes);
    luron__options_free(o->pool, next->type, next->defaults);
    luron__pool_free(o->pool, next, sizeof *next);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */
static int name_index(const char *const *names, const char *name) {
    for (int i = 0; names && names[i]; i++)
        if (!strcmp(names[i], name)) return i;
    return -1;
}

/* The same names in any order; at[i]: where that of number i stood. */
static void match_names(int *at, const char *what, const char *const *names, const char *const *was,
                        luron__diffs *diffs) {
    for (int i = 0; names && names[i]; i++) {
        int k = name_index(was, names[i]);
        if (k < 0)
            luron__diff(diffs, "%s '%s' is new", what, names[i]);
        else
            at[i] = k;
    }
    for (int k = 0; was && was[k]; k++)
        if (name_index(names, was[k]) < 0) luron__diff(diffs, "%s '%s' is gone", what, was[k]);
}

/* ---- what the new code wants ------------------------------------------------------------------------------------- */
/* The state of a parameter in the new order, and what the new code wants beside it. */
static luron_status take_states(luron_tensor **to, luron_ctx *ctx, luron__next_optim *next, const luron_optim *o,
                                const group *g, int i, const void *options, double *scalars) {
    luron__wants wants;
    LURON_TRY(luron__optim_setup(&next->scratch_bytes, &wants, ctx, next->type, options, scalars, &g->params[i]));
    for (int s = 0; s < o->n_states; s++)
        to[s] = luron_tensor_ref(g->states[i * o->n_states + next->state_at[s]]);
    return luron__optim_states(to, ctx, next->type, options, &wants, &g->params[i]);
}

static void order_scalars(double *to, const luron__next_optim *next, const luron_optim *o, const group *g) {
    for (int s = 0; s < o->n_scalars; s++)
        to[s] = g->scalars[next->scalar_at[s]];
}

static luron_status rebind_group(luron__next_optim *next, luron_ctx *ctx, const luron_optim *o, int64_t k,
                                 luron_tensor **states, luron__diffs *diffs) {
    const group *g = &o->groups[k];
    double scalars[MAX_SCALARS];
    LURON_TRY(luron__options_rebind(&next->options[k], ctx, next->type, o->type, g->options, diffs));
    if (diffs->n) return LURON_OK;
    order_scalars(scalars, next, o, g);
    for (int i = 0; i < g->n; i++)
        LURON_TRY(take_states(states + i * o->n_states, ctx, next, o, g, i, next->options[k], scalars));
    return LURON_OK;
}

static luron_status take_scratch(luron__next_optim *next, luron_ctx *ctx, const luron_optim *o) {
    const int64_t bytes = next->scratch_bytes;
    next->scratch_bytes = 0;
    if (bytes <= o->scratch_bytes) return LURON_OK;
    LURON_TRY(luron__alloc(&next->scratch, ctx, (size_t)bytes));
    next->scratch_bytes = bytes;
    return LURON_OK;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */
static luron_status rebind(luron__next_optim *next, luron_ctx *ctx, const luron_optim *o, luron__diffs *diffs) {
    const luron_optim_type *now = &next->type->optim, *was = &o->type->optim;
    match_names(next->state_at, "state", now->state, was->state, diffs);
    match_names(next->scalar_at, "scalar", now->scalars, was->scalars, diffs);
    LURON_TRY(luron__options_rebind(&next->defaults, ctx, next->type, o->type, o->defaults, diffs));
    LURON_TRY(luron__alloc(&next->options, ctx, (size_t)o->n_groups * sizeof *next->options));
    LURON_TRY(luron__alloc(&next->states, ctx, states_bytes(o)));
    luron_tensor **states = next->states;
    for (int64_t k = 0; k < o->n_groups && !diffs->n; k++) {
        LURON_TRY(rebind_group(next, ctx, o, k, states, diffs));
        states += o->groups[k].n * o->n_states;
    }
    return take_scratch(next, ctx, o);
}

luron_status luron__optim_rebind(luron__next_optim **out, luron_ctx *ctx, luron_optim *o, const luron_type *type,
                                 luron__diffs *diffs) {
    luron__next_optim *next;
    LURON_TRY(luron__alloc(&next, ctx, sizeof *next));
    next->type = type;
    luron_status status = rebind(next, ctx, o, diffs);
    if (status || diffs->n) {
        luron__next_optim_free(o, next);
        next = NULL;
    }
    *out = next;
    return status;
}

void luron__optim_switch(luron_optim *o, luron__next_optim *next) {
    luron_tensor **states = next->states;
    for (int64_t k = 0; k < o->n_groups; k++) {
        group *g = &o->groups[k];
        double scalars[MAX_SCALARS];
        order_scalars(scalars, next, o, g);
        memcpy(g->scalars, scalars, (size_t)o->n_scalars * sizeof *scalars);
        for (int i = 0; i < g->n * o->n_states; i++, states++) {
            luron_tensor *old = g->states[i];
            g->states[i] = *states, *states = old; /* let go of with next */
        }
        luron__options_free(o->pool, o->type, g->options);
        g->options = next->options[k], next->options[k] = NULL;
    }
    luron__options_free(o->pool, o->type, o->defaults);
    o->defaults = next->defaults, next->defaults = NULL;
    if (next->scratch) {
        void *scratch = o->scratch;
        int64_t bytes = o->scratch_bytes;
        o->scratch = next->scratch, o->scratch_bytes = next->scratch_bytes;
        next->scratch = scratch, next->scratch_bytes = bytes;
    }
    luron__next_optim_free(o, next);
}
