/* reload.c -- a plugin's file is loaded again while layers and optimisers of its types live: all of them get the new
 * code, or none. The registered types stay where they are and get new contents, so that who holds a type has the new
 * one; the old contents move to the types made for the new ones, and the calls on the tape, which run the old code,
 * with them.
 *
 * Layers may be let go by other threads meanwhile: a reference to each is held from the first look to the end, and one
 * that is being taken down is waited for, since it needs its type as it is. */
#include "reload.h"
#include "registry.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

/* A layer or an optimiser of the plugin, and what it will get. */
typedef struct subject {
    luron__live *live; /* owned */
    union {
        luron__next_layer *layer;
        luron__next_optim *optim;
        void *any;
    } next;
} subject;

typedef struct reload {
    luron_ctx *ctx;
    const char *name; /* of the plugin */
    char path[4096];
    const luron_plugin *was, *from;
    struct stat state; /* of the file */
    luron_type **now;  /* the types of the new file */
    int n_now;
    subject *subjects;
    int64_t n_subjects, room;
} reload;

/* ---- which plugin ------------------------------------------------------------------------------------------------ */
/* Types in the order of registration: those of a plugin stand together, but for new ones of a reload. */
static bool is_first(const luron__registry *r, int64_t i) {
    for (int64_t k = 0; k < i; k++)
        if (!r->types[k]->gone && !strcmp(r->types[k]->plugin, r->types[i]->plugin)) return false;
    return !r->types[i]->gone;
}

static luron_status not_loaded(luron_ctx *ctx, const char *name) {
    const luron__registry *r = ctx->registry;
    const char *near = NULL;
    char list[500] = "";
    int least = (int)(strlen(name) + 2) / 3 + 1;
    for (int64_t i = 0; i < r->n_types; i++) {
        const luron_type *t = r->types[i];
        if (!t->gone && !strcmp(luron_type_name(t), name))
            return luron__fail(ctx, LURON_E_NOT_FOUND, "no plugin '%.64s' is loaded: that is a %s type of plugin '%s'",
                               name, luron__kind_name(t->kind), t->plugin);
        if (!is_first(r, i)) continue;
        luron__append(list, sizeof list, "%s%s", *list ? ", " : "", t->plugin);
        const int distance = luron__edit_distance(name, t->plugin);
        if (distance < least) least = distance, near = t->plugin;
    }
    return luron__fail(ctx, LURON_E_NOT_FOUND, "no plugin '%.64s' is loaded%s%s%s; loaded: %s", name,
                       near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "", *list ? list : "none");
}

static luron_status find_plugin(reload *r) {
    const luron__registry *registry = r->ctx->registry;
    const luron_type *first = NULL;
    for (int64_t i = 0; i < registry->n_types; i++) {
        const luron_type *t = registry->types[i];
        if (t->gone || strcmp(t->plugin, r->name)) continue;
        if (!first) first = t;
        LURON__CHECK(r->ctx, !strcmp(t->path, first->path), LURON_E_ARGUMENT, "two files are plugin '%s': %s and %s",
                     r->name, first->path, t->path);
    }
    if (!first) return not_loaded(r->ctx, r->name);
    LURON__CHECK(r->ctx, first->from, LURON_E_UNSUPPORTED,
                 "plugin '%s' is linked into the program: there is no file to load again", r->name);
    r->was = first->from;
    luron__append(r->path, sizeof r->path, "%s", first->path);
    return LURON_OK;
}

/* ---- the new file ------------------------------------------------------------------------------------------------ */
static luron_status open_file(reload *r) {
    luron_plugin plugin;
    LURON_TRY(luron__plugin_open_copy(&r->from, &r->state, r->ctx, r->path, r->name));
    LURON_TRY(luron__alloc(&r->now, r->ctx, LURON__MAX_TYPES * sizeof *r->now));
    LURON_TRY(luron__plugin_judge(r->ctx, r->from, r->path, r->name, &plugin, r->now, &r->n_now));
    LURON__CHECK(r->ctx, !strcmp(plugin.name, r->name), LURON_E_PLUGIN, "its plugin is called '%s' now", plugin.name);
    for (int i = 0; i < r->n_now; i++)
        r->now[i]->from = r->from;
    return luron__plugin_init(r->ctx, &plugin);
}

/* What takes the place of a registered type; NULL: nothing. */
static luron_type *successor(const reload *r, const luron_type *was) {
    for (int i = 0; i < r->n_now; i++)
        if (r->now[i]->kind == was->kind && !strcmp(luron_type_name(r->now[i]), luron_type_name(was))) return r->now[i];
    return NULL;
}

/* ---- what lives -------------------------------------------------------------------------------------------------- */
static luron_layer *layer_of(luron__live *live) { return (luron_layer *)(void *)live; }
static luron_optim *optim_of(luron__live *live) { return (luron_optim *)(void *)live; }

static const luron_type *type_of(luron__live *live) {
    return live->kind == LURON_KIND_LAYER ? layer_of(live)->code->type : luron_optim_type_of(optim_of(live));
}

static void release(luron__live *live) {
    if (live->kind == LURON_KIND_LAYER)
        luron_layer_unref(layer_of(live));
    else
        luron_optim_free(optim_of(live));
}

/* Hold everything that lives, once nothing is half gone. */
static luron_status take_live(luron__live ***out, int64_t *n, int64_t *room, luron_ctx *ctx) {
    for (bool again = true; again;) {
        *room = luron__live_count(ctx->pool);
        LURON_TRY(luron__alloc(out, ctx, (size_t)*room * sizeof **out));
        *n = luron__live_take(*out, *room, ctx->pool, &again);
        if (!again) break;
        for (int64_t i = 0; i < *n; i++)
            release((*out)[i]);
        luron__free(ctx, *out, (size_t)*room * sizeof **out);
        sched_yield();
    }
    return LURON_OK;
}

/* Keep those of the plugin. */
static luron_status take_subjects(reload *r) {
    luron__live **live = NULL;
    int64_t n = 0;
    LURON_TRY(take_live(&live, &n, &r->room, r->ctx));
    luron_status status = luron__alloc(&r->subjects, r->ctx, (size_t)r->room * sizeof *r->subjects);
    for (int64_t i = 0; i < n; i++) {
        if (!status && !strcmp(type_of(live[i])->plugin, r->name))
            r->subjects[r->n_subjects++].live = live[i];
        else
            release(live[i]);
    }
    luron__free(r->ctx, live, (size_t)r->room * sizeof *live);
    return status;
}

/* ---- checking ---------------------------------------------------------------------------------------------------- */
static luron_status refuse_missing(const reload *r, const luron_type *type) {
    int64_t n = 0;
    for (int64_t i = 0; i < r->n_subjects; i++)
        n += type_of(r->subjects[i].live) == type;
    return luron__fail(r->ctx, LURON_E_PLUGIN, "%s type '%s' is gone, and %lld of it %s in use",
                       luron__kind_name(type->kind), luron_type_name(type), (long long)n, n == 1 ? "is" : "are");
}

static luron_status refuse(const reload *r, luron__live *live, const luron__diffs *diffs) {
    const luron_type *type = type_of(live);
    if (live->kind == LURON_KIND_OPTIM)
        return luron__fail(r->ctx, LURON_E_PLUGIN, "optimiser %s: %s", luron_type_name(type), diffs->text);
    char options[200];
    const luron_layer *layer = layer_of(live);
    const char *name = luron_layer_name(layer);
    return luron__fail(r->ctx, LURON_E_PLUGIN, "layer %s%s%s%s: %s", *name ? "'" : "", name, *name ? "' = " : "",
                       luron__options_text(options, sizeof options, r->ctx, type, layer->code->options), diffs->text);
}

static luron_status rebind(reload *r, subject *s) {
    luron__diffs diffs = {.n = 0};
    const luron_type *now = successor(r, type_of(s->live));
    if (!now) return refuse_missing(r, type_of(s->live));
    if (s->live->kind == LURON_KIND_LAYER)
        LURON_TRY(luron__layer_rebind(&s->next.layer, r->ctx, layer_of(s->live), now, &diffs));
    else
        LURON_TRY(luron__optim_rebind(&s->next.optim, r->ctx, optim_of(s->live), now, &diffs));
    return diffs.n ? refuse(r, s->live, &diffs) : LURON_OK;
}

static luron_status check(reload *r) {
    luron_ctx *ctx = r->ctx;
    const uint64_t position = ctx->position;
    const int recording = luron_ctx_set_recording(ctx, 0);
    luron_status status = LURON_OK;
    for (int64_t i = 0; i < r->n_subjects && !status; i++)
        status = rebind(r, &r->subjects[i]);
    luron_ctx_set_recording(ctx, recording);
    ctx->position = position;
    return status;
}

/* ---- putting into place: nothing here can fail ------------------------------------------------------------------- */
static void exchange(luron_type *a, luron_type *b) {
    const size_t from = offsetof(luron_type, plugin), n = sizeof *a - from;
    char kept[sizeof *a];
    memcpy(kept, (char *)a + from, n);
    memcpy((char *)a + from, (char *)b + from, n);
    memcpy((char *)b + from, kept, n);
    luron_type *both[] = {a, b};
    for (int i = 0; i < 2; i++)
        if (both[i]->layer.elementwise) both[i]->layer.elementwise = &both[i]->elementwise;
}

static void exchange_types(reload *r) {
    luron__registry *registry = r->ctx->registry;
    const int64_t n = registry->n_types;
    bool is_new[LURON__MAX_TYPES];
    for (int k = 0; k < r->n_now; k++)
        is_new[k] = true;
    for (int64_t i = 0; i < n; i++) {
        luron_type *t = registry->types[i];
        if (strcmp(t->plugin, r->name) || strcmp(t->path, r->path)) continue;
        luron_type *now = successor(r, t);
        t->gone = !now;
        if (now) exchange(t, now);
        for (int k = 0; k < r->n_now; k++)
            is_new[k] &= r->now[k] != now;
    }
    for (int k = 0; k < r->n_now; k++)
        if (is_new[k]) registry->types[registry->n_types++] = luron__type_ref(r->now[k]);
    for (int64_t i = 0; i < registry->n_plugins; i++)
        if (registry->plugins[i] == r->was) registry->plugins[i] = r->from;
}

static void switch_all(reload *r) {
    for (int64_t i = 0; i < r->n_subjects; i++) {
        subject *s = &r->subjects[i];
        if (s->live->kind == LURON_KIND_OPTIM) luron__optim_switch(optim_of(s->live), s->next.optim);
    }
    exchange_types(r);
    for (int64_t i = 0; i < r->n_subjects; i++) {
        subject *s = &r->subjects[i];
        if (s->live->kind == LURON_KIND_LAYER) luron__layer_switch(layer_of(s->live), s->next.layer);
        s->next.any = NULL;
    }
    luron__plugin_note(r->ctx, r->path, &r->state);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */
static luron_status run(reload *r) {
    luron__registry *registry = r->ctx->registry;
    LURON_TRY(open_file(r));
    LURON_TRY(take_subjects(r));
    LURON_TRY(check(r));
    LURON_TRY(luron__grow(r->ctx, &registry->types, &registry->cap_types, registry->n_types + r->n_now,
                          sizeof *registry->types));
    switch_all(r);
    return LURON_OK;
}

static void end(reload *r) {
    for (int64_t i = 0; i < r->n_subjects; i++) {
        subject *s = &r->subjects[i];
        if (s->live->kind == LURON_KIND_LAYER)
            luron__next_layer_free(s->next.layer);
        else
            luron__next_optim_free(optim_of(s->live), s->next.optim);
        release(s->live);
    }
    luron__free(r->ctx, r->subjects, (size_t)r->room * sizeof *r->subjects);
    for (int i = 0; i < r->n_now; i++)
        luron__type_unref(r->now[i]);
    luron__free(r->ctx, r->now, LURON__MAX_TYPES * sizeof *r->now);
}

luron_status luron_plugin_reload(luron_ctx *ctx, const char *name) {
    reload r = {.ctx = ctx, .name = name};
    LURON__CHECK(ctx, name, LURON_E_ARGUMENT, "luron_plugin_reload: a name expected, got NULL");
    LURON_TRY(find_plugin(&r));
    luron_status status = run(&r);
    end(&r);
    if (!status || status == LURON_E_NOMEM) return status;
    char reason[sizeof ctx->error];
    memcpy(reason, ctx->error, sizeof reason);
    return luron__fail(ctx, LURON_E_PLUGIN, "plugin %s refused, the one that is loaded stays: %s", r.path, reason);
}
