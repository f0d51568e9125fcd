/* The host side of optimisers: groups of parameters and their state. The step is in optim_step.c: what can fail in it is done
 * before the first number changes, which is why scratch is made with the group.                                         */
#include "graph.h"
#include "optim_groups.h"
#include "plan.h"

#include <stdio.h>
#include <string.h>

static int count(const char *const *names) {
    int n = 0;
    while (names && names[n]) n++;
    return n;
}

static void options_free(luron_optim *o, group *g) {
    luron__options_free(o->pool, o->type, g->options);
    g->options = NULL;
}

static void tensors_free(luron_optim *o, group *g) {
    for (int i = 0; g->params && i < g->n; i++) {
        luron_tensor_unref(g->params[i].tensor);
        luron__strfree(o->pool, g->params[i].name);
    }
    for (int i = 0; g->states && i < g->n * o->n_states; i++) luron_tensor_unref(g->states[i]);
    luron__pool_free(o->pool, g->params, (size_t)g->n * sizeof *g->params);
    luron__pool_free(o->pool, g->states, (size_t)g->n * (size_t)o->n_states * sizeof *g->states);
    luron__pool_free(o->pool, g->scalars, (size_t)o->n_scalars * sizeof *g->scalars);
}

luron_status luron_optim_new(luron_optim **out, luron_ctx *ctx, const char *type, int n_args, const luron_arg *args) {
    const luron_type *found;
    LURON_TRY(luron_type_find(&found, ctx, LURON_KIND_OPTIM, type));
    const int n_states = count(found->optim.state);
    LURON__CHECK(ctx, n_states <= LURON__MAX_SLOTS, LURON_E_PLUGIN, "%s: %d state tensors a parameter, at most %d are possible", type, n_states,
                 LURON__MAX_SLOTS);
    void *defaults;
    LURON_TRY(luron__options_new(&defaults, ctx, found, found->optim.name, NULL, n_args, args));
    luron_optim *o;
    luron_status status = luron__alloc(&o, ctx, sizeof *o);
    if (status) {
        luron__options_free(ctx->pool, found, defaults);
        return status;
    }
    *o = (luron_optim) { .pool = ctx->pool, .type = luron__type_ref(found), .defaults = defaults, .n_states = n_states };
    o->n_scalars = count(found->optim.scalars);
    luron__live_begin(&o->live, found->pool, LURON_KIND_OPTIM);
    *out = o;
    return LURON_OK;
}

void luron_optim_free(luron_optim *o) {
    if (!o || !luron__live_unref(&o->live)) return;
    for (int64_t i = 0; i < o->n_groups; i++) options_free(o, &o->groups[i]);
    luron__options_free(o->pool, o->type, o->defaults);
    luron__live_end(&o->live, o->type->pool);
    luron__type_unref(o->type);
    for (int64_t i = 0; i < o->n_groups; i++) tensors_free(o, &o->groups[i]); /* last, as of layers: luron_layer_unref */
    luron__pool_free(o->pool, o->groups, (size_t)o->cap_groups * sizeof *o->groups);
    luron__pool_free(o->pool, o->scratch, (size_t)o->scratch_bytes);
    luron__pool_free(o->pool, o->work, (size_t)o->work_bytes);
    luron__pool_free(o->pool, o, sizeof *o);
}

/* ---- types that see whole parameters --------------------------------------------------------------------------------------- */
void luron__optim_call(luron__frame *f, const luron_type *type, luron_ctx *ctx, const void *options, uint32_t dtype, luron__phase phase) {
    memset(f, 0, offsetof(luron__frame, unzeroed));
    f->ctx = ctx, f->type = type, f->phase = phase, f->seed = ctx->seed;
    f->call = (luron_call) { .struct_size = sizeof f->call, .host = luron__host(ctx->isa), .options = options, .dtype = dtype, .index_base = ctx->index_base,
                             .internal = f };
}

luron_status luron__optim_reserve(luron_optim *o, luron_ctx *ctx, void **block, int64_t *have, int64_t bytes) {
    if (bytes <= *have) return LURON_OK;
    void *more;
    LURON_TRY(luron__alloc(&more, ctx, (size_t)bytes));
    luron__pool_free(o->pool, *block, (size_t)*have);
    *block = more, *have = bytes;
    return LURON_OK;
}

static luron_dims dims_of(const luron_tensor *t) {
    luron_dims dims = { .dtype = t->dtype, .ndim = t->ndim };
    for (int d = 0; d < t->ndim; d++) dims.shape[d] = t->shape[d];
    return dims;
}

luron_status luron__optim_setup(int64_t *scratch_bytes, luron__wants *wants, luron_ctx *ctx, const luron_type *type, const void *options, double *scalars,
                                const param *p) {
    *wants = (luron__wants) { .n = count(type->optim.state) };
    for (int s = 0; s < wants->n; s++) wants->state[s] = dims_of(p->tensor);
    if (!(type->optim.flags & LURON_OPTIM_WHOLE) || !type->optim.setup) return LURON_OK;
    luron__frame f;
    luron_view whole = luron__view(p->tensor);
    whole.data = NULL;
    luron__optim_call(&f, type, ctx, options, p->tensor->dtype, LURON__PHASE_OPTIM);
    f.wants = wants;
    luron_step s = { .struct_size = sizeof s, .dtype = p->tensor->dtype, .host = luron__host(ctx->isa), .options = options, .scalars = scalars,
                     .n = luron_tensor_numel(p->tensor), .whole = &whole, .call = &f.call };
    luron_status status = type->optim.setup(&s), first = atomic_load(&f.status);
    if (first) return luron__wrap(ctx, first, "%s: parameter '%s'", type->optim.name, p->name);
    LURON__CHECK(ctx, !status, LURON_E_PLUGIN, "%s: plugin '%s' refused parameter '%s' and did not say why", type->optim.name, type->plugin, p->name);
    if (*scratch_bytes < f.scratch_bytes) *scratch_bytes = f.scratch_bytes;
    return LURON_OK;
}

static const char *dims_text(char text[LURON__SHAPE_TEXT], const luron_dims *dims) {
    if (dims->ndim >= 0) return luron_shape_text(text, LURON__SHAPE_TEXT, dims->ndim, dims->shape);
    return strcpy(text, "none");
}
/* State s of p is as `is`; with other options or other code it would be as `want`. */
static luron_status check_same(luron_ctx *ctx, const luron_type *type, const param *p, int s, const luron_dims *is, const luron_dims *want) {
    char a[LURON__SHAPE_TEXT], b[LURON__SHAPE_TEXT];
    const bool same = is->ndim == want->ndim && (is->ndim < 0 || memcmp(is->shape, want->shape, (size_t)is->ndim * sizeof *is->shape) == 0);
    LURON__CHECK(ctx, same, LURON_E_STATE, "%s: state '%s' of parameter '%s' has shape %s, now %s is wanted", type->optim.name, type->optim.state[s], p->name,
                 dims_text(a, is), dims_text(b, want));
    return LURON_OK;
}

luron_status luron__optim_states(luron_tensor **states, luron_ctx *ctx, const luron_type *type, const void *options, const luron__wants *wants,
                                 const param *p) {
    const luron_optim_type *t = &type->optim;
    for (int s = 0; s < wants->n; s++) {
        const luron_dims *want = &wants->state[s];
        if (states[s]) {
            const luron_dims is = dims_of(states[s]);
            LURON_TRY(check_same(ctx, type, p, s, &is, want));
        }
        if (states[s] || want->ndim < 0 || (t->keeps && !t->keeps(options, s))) continue;
        LURON_TRY(luron_tensor_full(&states[s], ctx, want->dtype, want->ndim, want->shape, wants->start[s]));
    }
    return LURON_OK;
}

luron_status luron__optim_setup_param(luron_optim *o, luron_ctx *ctx, group *g, int i, const void *options) {
    luron__wants wants, were;
    int64_t bytes = 0;
    LURON_TRY(luron__optim_setup(&bytes, &wants, ctx, o->type, options, g->scalars, &g->params[i]));
    if (options != g->options) {
        LURON_TRY(luron__optim_setup(&bytes, &were, ctx, o->type, g->options, g->scalars, &g->params[i]));
        for (int s = 0; s < o->n_states; s++) LURON_TRY(check_same(ctx, o->type, &g->params[i], s, &were.state[s], &wants.state[s]));
    }
    LURON_TRY(luron__optim_reserve(o, ctx, &o->scratch, &o->scratch_bytes, bytes));
    return luron__optim_states(&g->states[i * o->n_states], ctx, o->type, options, &wants, &g->params[i]);
}

/* ---- adding a group ------------------------------------------------------------------------------------------------------ */
/* A file has to tell parameters apart, and counts those without a name from 0. */
static const char *file_name(char buf[24], const param *p) {
    if (p->number < 0) return p->name;
    snprintf(buf, 24, "%lld", (long long)p->number);
    return buf;
}

/* Is p already in the first n of the group, or does one of them bear its name? */
static luron_status check_new(const luron_optim *o, luron_ctx *ctx, const group *g, int n, const param *p) {
    char a[24], b[24];
    for (int i = 0; i < n; i++) {
        const luron_tensor *t = g->params[i].tensor;
        const bool same = t == p->tensor || (t->storage == p->tensor->storage && t->offset == p->tensor->offset && luron_tensor_numel(t) > 0);
        LURON__CHECK(ctx, !same, LURON_E_ARGUMENT, "%s: parameter '%s' is there already, as '%s': each can be in one group only", luron__optim_name(o), p->name,
                     g->params[i].name);
        LURON__CHECK(ctx, strcmp(file_name(a, p), file_name(b, &g->params[i])), LURON_E_ARGUMENT, "%s: two parameters are called '%s'", luron__optim_name(o), p->name);
    }
    return LURON_OK;
}

static luron_status check_param(const luron_optim *o, luron_ctx *ctx, const luron_tensor *t, const char *name) {
    const char *type = luron__optim_name(o);
    LURON__CHECK(ctx, t->dtype == LURON_F32 || t->dtype == LURON_F64, LURON_E_DTYPE, "%s: parameter '%s' is %s, expected float32 or float64", type, name,
                 luron_dtype_name(t->dtype));
    LURON__CHECK(ctx, !t->node, LURON_E_STATE, "%s: parameter '%s' is the result of an op, expected a leaf", type, name);
    LURON__CHECK(ctx, luron_tensor_is_contiguous(t), LURON_E_STATE, "%s: parameter '%s' is not contiguous", type, name);
    return LURON_OK;
}

static luron_status add_param(luron_optim *o, luron_ctx *ctx, group *g, int i, luron_tensor *t, const char *name) {
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)(o->n_params + i + ctx->index_base));
    param *p = &g->params[i];
    LURON__CHECK(ctx, t, LURON_E_ARGUMENT, "%s: parameter %d is missing", luron__optim_name(o), i + ctx->index_base);
    p->number = name ? -1 : o->n_params + i;
    p->tensor = luron_tensor_ref(t);
    LURON_TRY(luron__strdup(&p->name, ctx, name ? name : number));
    LURON__CHECK(ctx, luron__is_utf8(p->name), LURON_E_ARGUMENT, "%s: the name of parameter %d is not UTF-8", luron__optim_name(o), i + ctx->index_base);
    LURON_TRY(check_param(o, ctx, t, p->name));
    for (int64_t k = 0; k < o->n_groups; k++) LURON_TRY(check_new(o, ctx, &o->groups[k], o->groups[k].n, p));
    LURON_TRY(check_new(o, ctx, g, i, p));
    p->dims = dims_of(t);
    return LURON_OK;
}

/* State s of all parameters, one behind the other in one block, so that a step goes over many at once (optim_step.c). */
static luron_status add_state(luron_optim *o, luron_ctx *ctx, group *g, int s) {
    size_t bytes = 0, at = 0;
    for (int i = 0; i < g->n; i++) bytes += luron__aligned(luron__tensor_bytes(g->params[i].tensor));
    luron__block *block = luron__block_new(ctx->pool, bytes);
    if (!block) return luron__nomem(ctx, bytes);
    memset(block->data, 0, bytes);
    luron_status status = LURON_OK;
    for (int i = 0; i < g->n && !status; i++) {
        const luron_tensor *t = g->params[i].tensor;
        status = luron__tensor_in_block(&g->states[i * o->n_states + s], ctx, t->dtype, t->ndim, t->shape, block, at);
        at += luron__aligned(luron__tensor_bytes(t));
    }
    luron__block_unref(block);
    return status;
}

static luron_status fill_group(luron_optim *o, luron_ctx *ctx, group *g, luron_tensor *const *params, const char *const *names, int n_args,
                               const luron_arg *args) {
    LURON_TRY(luron__options_new(&g->options, ctx, o->type, luron__optim_name(o), o->defaults, n_args, args));
    LURON_TRY(luron__alloc(&g->params, ctx, (size_t)g->n * sizeof *g->params));
    LURON_TRY(luron__alloc(&g->states, ctx, (size_t)g->n * (size_t)o->n_states * sizeof *g->states));
    LURON_TRY(luron__alloc(&g->scalars, ctx, (size_t)o->n_scalars * sizeof *g->scalars));
    for (int i = 0; i < g->n; i++) LURON_TRY(add_param(o, ctx, g, i, params[i], names ? names[i] : NULL));
    for (int s = 0; s < o->n_states && luron__may_share(ctx) && !luron__optim_is_whole(o); s++)
        if (luron__optim_keeps(o, g->options, s)) LURON_TRY(add_state(o, ctx, g, s));
    for (int i = 0; i < g->n; i++) LURON_TRY(luron__optim_setup_param(o, ctx, g, i, g->options));
    return luron__grow(ctx, &o->groups, &o->cap_groups, o->n_groups + 1, sizeof *o->groups);
}

luron_status luron_optim_add(luron_optim *o, luron_ctx *ctx, int n, luron_tensor *const *params, const char *const *names, int n_args,
                             const luron_arg *args) {
    LURON__CHECK(ctx, n > 0, LURON_E_ARGUMENT, "%s: no parameters given", luron__optim_name(o));
    luron__plan_refuse(ctx, "adds parameters to an optimiser: do that outside of the step");
    group g = { .n = n };
    luron_status status = fill_group(o, ctx, &g, params, names, n_args, args);
    if (status) {
        options_free(o, &g);
        tensors_free(o, &g);
        return status;
    }
    o->groups[o->n_groups++] = g;
    o->n_params += n;
    return LURON_OK;
}

static luron_status name_params(char **names, luron_tensor **params, luron_ctx *ctx, const luron_model *model, int n) {
    char name[LURON__MAX_PATH + 128]; /* path and name of the parameter */
    for (int i = 0; i < n; i++) {
        params[i] = luron_model_param(model, i, name, sizeof name);
        LURON_TRY(luron__strdup(&names[i], ctx, name));
    }
    return LURON_OK;
}

luron_status luron_optim_add_model(luron_optim *o, luron_ctx *ctx, const luron_model *model, int n_args, const luron_arg *args) {
    int n = 0;
    LURON_TRY(luron_model_check_sized(ctx, model));
    while (luron_model_param(model, n, NULL, 0)) n++;
    LURON__CHECK(ctx, n > 0, LURON_E_ARGUMENT, "%s: the model has no parameters", luron__optim_name(o));
    luron_tensor **params = NULL;
    char **names = NULL;
    size_t bytes = (size_t)n * sizeof(void *);
    luron_status status = luron__alloc(&params, ctx, bytes);
    if (!status) status = luron__alloc(&names, ctx, bytes);
    if (!status) status = name_params(names, params, ctx, model, n);
    if (!status) status = luron_optim_add(o, ctx, n, params, (const char *const *)names, n_args, args);
    for (int i = 0; names && i < n; i++) luron__strfree(ctx->pool, names[i]);
    luron__free(ctx, names, bytes);
    luron__free(ctx, params, bytes);
    return status;
}

/* ---- looking at it ------------------------------------------------------------------------------------------------------------ */
static group *group_at(const luron_optim *o, int i) { return i >= 0 && i < o->n_groups ? &o->groups[i] : NULL; }
static param *param_at(const luron_optim *o, int k, int i) {
    const group *g = group_at(o, k);
    return g && i >= 0 && i < g->n ? &g->params[i] : NULL;
}

const luron_type *luron_optim_type_of(const luron_optim *o) { return o->type; }
int luron_optim_n_groups(const luron_optim *o) { return (int)o->n_groups; }
luron_arg luron_optim_option(const luron_optim *o, int k, int i) {
    const group *g = group_at(o, k);
    return luron__options_get(o->type, g ? g->options : o->defaults, g ? i : -1);
}
int luron_optim_n_params(const luron_optim *o, int k) { return group_at(o, k) ? group_at(o, k)->n : 0; }
luron_tensor *luron_optim_param(const luron_optim *o, int k, int i) { return param_at(o, k, i) ? param_at(o, k, i)->tensor : NULL; }
const char *luron_optim_param_name(const luron_optim *o, int k, int i) { return param_at(o, k, i) ? param_at(o, k, i)->name : NULL; }
const char *luron__optim_file_name(char buf[24], const luron_optim *o, int k, int i) { return file_name(buf, param_at(o, k, i)); }
int64_t luron_optim_steps(const luron_optim *o) { return o->steps; }

int luron_optim_n_states(const luron_optim *o) { return o->n_states; }
const char *luron_optim_state_name(const luron_optim *o, int s) { return s >= 0 && s < o->n_states ? o->type->optim.state[s] : NULL; }
luron_tensor *luron_optim_state(const luron_optim *o, int k, int i, int s) {
    const group *g = param_at(o, k, i) ? group_at(o, k) : NULL;
    return g && s >= 0 && s < o->n_states && luron__optim_keeps(o, g->options, s) ? g->states[i * o->n_states + s] : NULL;
}
int luron_optim_n_scalars(const luron_optim *o) { return o->n_scalars; }
const char *luron_optim_scalar_name(const luron_optim *o, int s) { return s >= 0 && s < o->n_scalars ? o->type->optim.scalars[s] : NULL; }
double luron_optim_scalar(const luron_optim *o, int k, int s) {
    return group_at(o, k) && s >= 0 && s < o->n_scalars ? group_at(o, k)->scalars[s] : 0;
}
void luron_optim_set_scalar(luron_optim *o, int k, int s, double value) {
    if (group_at(o, k) && s >= 0 && s < o->n_scalars) group_at(o, k)->scalars[s] = value;
}
void luron_optim_set_steps(luron_optim *o, int64_t steps) {
    o->steps = steps;
    for (int64_t k = 0; k < o->n_groups; k++)
        for (int i = 0; i < o->groups[k].n; i++) o->groups[k].params[i].steps = steps;
}
int64_t luron__optim_param_steps(const luron_optim *o, int k, int i) { return param_at(o, k, i) ? param_at(o, k, i)->steps : 0; }
void luron__optim_set_param_steps(luron_optim *o, int k, int i, int64_t steps) {
    if (param_at(o, k, i)) param_at(o, k, i)->steps = steps;
}
