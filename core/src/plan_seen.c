/* plan_seen.c -- what a step finds and does not make: tensors that were there before and are no results of ops, layers,
 * models, settings of the context. What the step does may hang on how they are (a parameter that is frozen gets no
 * gradient), so a plan notes it, fits as long as it stays so, and is refused if the step itself changes it. */
#include "graph.h"
#include "plan.h"

/* ---- tensors ----------------------------------------------------------------------------------------------------- */
static const char *change_of(const luron__plan_tensor *was) {
    const luron_tensor *t = was->tensor;
    if (t->requires_grad != was->requires_grad) return "a tensor or parameter was frozen or unfrozen";
    if (t->storage != was->storage) return "a tensor has other memory";
    return (t->hooks != NULL) != was->hooked ? "a tensor has a hook, or none any more" : NULL;
}

static const char *const CHANGES =
    "changes what was there before (frozen or not, hooks, dtype): do that outside of the step";

void luron__plan_see(luron_plan *p, luron_tensor *t) {
    if (t->node || t->storage->plan == p || p->refusal[0]) return;
    for (int i = 0; i < p->n_in; i++)
        if (p->stores[i].storage == t->storage) return;
    for (int64_t i = p->n_tensors - 1; i >= 0; i--) {
        if (p->tensors[i].tensor != t) continue;
        if (change_of(&p->tensors[i])) luron__plan_refuse(p->ctx, CHANGES);
        return;
    }
    if (luron__grow(p->ctx, &p->tensors, &p->cap_tensors, p->n_tensors + 1, sizeof *p->tensors)) {
        luron__plan_refuse(p->ctx, "there is not enough memory");
        return;
    }
    p->tensors[p->n_tensors++] =
        (luron__plan_tensor){luron_tensor_ref(t), t->storage, t->requires_grad, t->hooks != NULL};
}

/* Headers that the step made of such tensors (views, detached ones) are nobody else's: they stay as they are. */
static void settle_tensors(luron_plan *p, luron_ctx *ctx) {
    int64_t n = 0;
    for (int64_t i = 0; i < p->n_tensors; i++) {
        if (change_of(&p->tensors[i])) luron__plan_refuse(ctx, CHANGES);
        if (atomic_load(&p->tensors[i].tensor->refs) == 1)
            luron_tensor_unref(p->tensors[i].tensor);
        else
            p->tensors[n++] = p->tensors[i];
    }
    p->n_tensors = n;
}

/* ---- layers and models ------------------------------------------------------------------------------------------- */
bool luron__plan_frame_fits(const luron__frame *f) {
    const luron_layer *layer = f->layer;
    if (layer->code != f->code || layer->hooks || layer->training != ((f->call.flags & LURON_CALL_TRAINING) != 0))
        return false;
    for (int i = 0; i < f->call.n_param; i++) {
        const luron_tensor *t = layer->param[i].tensor;
        if (f->param_ptr[i] && (!t || luron__data(t) != f->param_view[i].data)) return false;
    }
    return true;
}

static bool owner_fits(const luron__plan_owner *o) {
    if (o->model) return !o->model->hooks && o->model->n_nodes == o->n_nodes;
    if (o->layer->code != o->code || o->layer->hooks || o->layer->training != o->training) return false;
    for (int i = 0; i < LURON__MAX_SLOTS; i++)
        if (o->layer->param[i].tensor != o->params[i]) return false;
    return true;
}

void luron__plan_applies(luron_ctx *ctx, luron_layer *layer, luron_model *model) {
    luron_plan *p = ctx->plan;
    if (!p || p->refusal[0]) return;
    for (int64_t i = 0; i < p->n_owners; i++)
        if (p->owners[i].layer == layer && p->owners[i].model == model && owner_fits(&p->owners[i])) return;
    luron_tensor **params = layer ? luron__plan_memory(p, LURON__MAX_SLOTS * sizeof *params) : NULL;
    if ((layer && !params) || luron__grow(ctx, &p->owners, &p->cap_owners, p->n_owners + 1, sizeof *p->owners)) {
        luron__plan_refuse(ctx, "there is not enough memory");
        return;
    }
    luron__plan_owner *o = &p->owners[p->n_owners++];
    *o = (luron__plan_owner){.params = params};
    if (model) {
        o->model = luron_model_ref(model), o->n_nodes = model->n_nodes;
        luron__plan_mix_which(p, model, &model->number);
        return;
    }
    if (!luron__plan_made_at(p, layer)) luron__plan_mix_which(p, layer, &layer->live.number);
    o->layer = luron_layer_ref(layer), o->code = luron__code_ref(layer->code), o->training = layer->training;
    for (int i = 0; i < LURON__MAX_SLOTS; i++) {
        o->params[i] = layer->param[i].tensor;
        if (o->params[i]) luron__plan_see(p, o->params[i]); /* which holds it */
    }
}

static void settle_owners(const luron_plan *p, luron_ctx *ctx) {
    const char *what = "switches the mode of a layer (train, eval), or changes its parameters or hooks: do that outside of the step";
    for (int64_t i = 0; i < p->n_steps; i++)
        if (p->steps[i].kind == LURON__PLAN_FORWARD && !luron__plan_frame_fits(p->steps[i].frame))
            luron__plan_refuse(ctx, what);
    for (int64_t i = 0; i < p->n_owners; i++)
        if (!owner_fits(&p->owners[i])) luron__plan_refuse(ctx, what);
}

/* ---- layers that the step makes ------------------------------------------------------------------------------------ */
static luron__plan_layer_made *find_made(const luron_plan *p, const luron_layer *layer) {
    luron__plan_layer_made *m = p->made;
    while (m && m->layer != layer) m = m->before;
    return m;
}

void luron__plan_makes(luron_ctx *ctx, const luron_layer *layer) {
    luron_plan *p = ctx->plan;
    luron__plan_layer_made *m = p && !p->refusal[0] ? luron__plan_memory(p, sizeof *m) : NULL;
    if (!m) return;
    m->layer = layer, m->before = p->made;
    if (ctx->locate) ctx->locate(ctx->locate_ud, m->place, sizeof m->place);
    p->made = m;
}

void luron_ctx_keep_layer(luron_ctx *ctx, const luron_layer *layer) {
    luron__plan_layer_made *m = NULL;
    while (ctx->plan && (m = find_made(ctx->plan, layer))) m->layer = NULL; /* others that were at its place are gone */
}

const char *luron__plan_made_at(const luron_plan *p, const luron_layer *layer) {
    const luron__plan_layer_made *m = find_made(p, layer);
    return m ? m->place : NULL;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */
static bool settings_fit(const luron_plan *p, const luron_ctx *ctx) {
    return ctx->higher == p->higher && ctx->default_dtype == p->default_dtype && ctx->index_base == p->index_base;
}

void luron__plan_drop_given(luron_plan *p) {
    for (int i = 0; i < p->n_in && p->given; i++)
        luron_tensor_unref(p->given[i]);
    luron__pool_free(p->pool, p->given, (size_t)p->n_in * sizeof *p->given);
    p->given = NULL;
}

/* A run is given other tensors, which would not require a gradient after it. */
static void settle_given(luron_plan *p, luron_ctx *ctx) {
    for (int i = 0; i < p->n_in; i++) {
        bool changed = p->given[i]->requires_grad;
        for (int64_t g = 0; g < p->n_grads; g++)
            changed = changed || p->grads[g].leaf == p->given[i];
        if (changed)
            luron__plan_refuse(ctx, "makes what is given to it require a gradient, or gives it one: detach it first");
    }
    luron__plan_drop_given(p);
}

void luron__plan_settle_seen(luron_plan *p, luron_ctx *ctx) {
    if (ctx->recording != p->recording || !settings_fit(p, ctx))
        luron__plan_refuse(ctx, "switches settings, such as whether gradients are recorded");
    settle_given(p, ctx);
    settle_owners(p, ctx);
    settle_tensors(p, ctx);
}

const char *luron__plan_misfit_seen(const luron_plan *p, const luron_ctx *ctx) {
    if (!settings_fit(p, ctx)) return "settings are others: default dtype, second derivatives";
    for (int64_t i = 0; i < p->n_owners; i++)
        if (!owner_fits(&p->owners[i])) return "a layer or model has another mode, parameter, code or a hook";
    for (int64_t i = 0; i < p->n_tensors; i++) {
        const char *change = change_of(&p->tensors[i]);
        if (change) return change;
    }
    return NULL;
}

void luron__plan_forget_seen(luron_plan *p) {
    for (int64_t i = 0; i < p->n_tensors; i++)
        luron_tensor_unref(p->tensors[i].tensor);
    for (int64_t i = 0; i < p->n_owners; i++) {
        luron_layer_unref(p->owners[i].layer);
        luron__code_unref(p->owners[i].code);
        luron_model_unref(p->owners[i].model);
    }
    luron__pool_free(p->pool, p->tensors, (size_t)p->cap_tensors * sizeof *p->tensors);
    luron__pool_free(p->pool, p->owners, (size_t)p->cap_owners * sizeof *p->owners);
}
