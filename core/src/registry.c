/* registry.c -- the types a context knows, and the search for the plugin that has a name. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dladdr */
#endif
#include "registry.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define MAX_FOLDERS 64
#define MAX_NEAR 3

luron_status luron__registry_new(luron__registry **out, luron_ctx *ctx) {
    luron__registry *r;
    LURON_TRY(luron__alloc(&r, ctx, sizeof *r));
    r->pool = ctx->pool;
    *out = r;
    return LURON_OK;
}

void luron__registry_free(luron__registry *r) {
    if (!r) return;
    for (int64_t i = 0; i < r->n_types; i++) luron__type_unref(r->types[i]);
    for (int64_t i = 0; i < r->n_seen; i++) {
        luron__strfree(r->pool, r->seen[i].path);
        luron__strfree(r->pool, r->seen[i].reason);
    }
    luron__pool_free(r->pool, r->types, (size_t)r->cap_types * sizeof *r->types);
    luron__pool_free(r->pool, r->plugins, (size_t)r->cap_plugins * sizeof *r->plugins);
    luron__pool_free(r->pool, r->seen, (size_t)r->cap_seen * sizeof *r->seen);
    luron__pool_free(r->pool, r, sizeof *r);
}

/* ---- types ----------------------------------------------------------------------------------------------------- */
luron_type *luron__type_ref(const luron_type *type) {
    luron_type *t = (luron_type *)type;
    if (t) atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void luron__type_unref(const luron_type *type) {
    luron_type *t = (luron_type *)type;
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1) return;
    luron__pool *pool = t->pool;
    luron__strfree(pool, t->plugin);
    luron__strfree(pool, t->plugin_version);
    luron__strfree(pool, t->path);
    luron__pool_free(pool, t->options, (size_t)t->n_options * sizeof *t->options);
    luron__pool_free(pool, t->in, (size_t)t->n_in * sizeof *t->in);
    luron__pool_free(pool, t->out, (size_t)t->n_out * sizeof *t->out);
    luron__pool_free(pool, t, sizeof *t);
}

const char *luron__kind_name(luron_kind kind) {
    return kind == LURON_KIND_LAYER ? "layer" : kind == LURON_KIND_OPTIM ? "optimiser" : "format";
}

const char *luron__type_title(const luron_type *t) {
    return t->kind == LURON_KIND_LAYER ? t->layer.name : t->kind == LURON_KIND_OPTIM ? t->optim.name : t->format.name;
}

const char *luron_type_name(const luron_type *type) { return luron__type_title(type); }
const char *luron_type_function(const luron_type *type) {
    return type->kind == LURON_KIND_LAYER ? type->layer.function : NULL;
}
const char *luron_type_doc(const luron_type *type) {
    return type->kind == LURON_KIND_LAYER ? type->layer.doc : type->kind == LURON_KIND_OPTIM ? type->optim.doc
        : type->format.doc;
}
uint32_t luron_type_flags(const luron_type *type) {
    return type->kind == LURON_KIND_LAYER ? type->layer.flags : type->kind == LURON_KIND_OPTIM ? type->optim.flags
        : type->format.flags;
}
const luron_option *luron_type_option(const luron_type *type, int i) {
    return i >= 0 && i < type->n_options ? &type->options[i] : NULL;
}
const luron_port *luron_type_in(const luron_type *type, int i) {
    return i >= 0 && i < type->n_in ? &type->in[i] : NULL;
}
const luron_port *luron_type_out(const luron_type *type, int i) {
    return i >= 0 && i < type->n_out ? &type->out[i] : NULL;
}
const char *luron_type_plugin(const luron_type *type) { return type->plugin; }
const char *luron_type_plugin_version(const luron_type *type) { return type->plugin_version; }
const char *luron_type_plugin_path(const luron_type *type) { return type->path; }
int luron_type_plugin_abi(const luron_type *type) { return (int)type->abi_minor; }
uint32_t luron_type_forms(const luron_type *type) {
    const luron_layer_type *l = &type->layer;
    return (l->elementwise ? LURON_FORM_ELEMENTWISE : 0) | (l->forward ? LURON_FORM_FUSED : 0) | (l->compose ? LURON_FORM_COMPOSE : 0);
}

const char *luron_plugin_file(luron_ctx *ctx, int i, const char **reason) {
    const luron__registry *r = ctx->registry;
    if (i < 0 || i >= r->n_seen) return NULL;
    *reason = r->seen[i].reason;
    return r->seen[i].path;
}

const luron_type *luron_type_at(luron_ctx *ctx, luron_kind kind, int i) {
    const luron__registry *r = ctx->registry;
    for (int64_t k = 0; i >= 0 && k < r->n_types; k++)
        if (r->types[k]->kind == kind && !r->types[k]->gone && i-- == 0) return r->types[k];
    return NULL;
}

static bool matches(const luron__want *want, luron_kind kind, const char *name, const char *function) {
    const char *is = want->by_function ? function : name;
    return kind == want->kind && is && !strcmp(is, want->name);
}

static bool is_wanted(const luron__want *want, const luron_type *type) {
    return !type->gone && matches(want, type->kind, luron__type_title(type), luron_type_function(type));
}

const luron_type *luron__registered(const luron_ctx *ctx, const luron__want *want) {
    luron__registry *r = ctx->registry;
    int64_t *found = &r->found[luron__hash(LURON__HASH_BEGIN, want->name, strlen(want->name)) % (sizeof r->found / sizeof *r->found)];
    if (*found < r->n_types && is_wanted(want, r->types[*found])) return r->types[*found];
    for (int64_t i = 0; i < r->n_types; i++)
        if (is_wanted(want, r->types[i])) return r->types[*found = i];
    return NULL;
}

/* ---- the folders: $LURON_PLUGIN_PATH, then luron/plugins beside libluron; never the working directory ---------- */
typedef struct folders {
    char *dir[MAX_FOLDERS];
    int n;
    char ignored[400]; /* of $LURON_PLUGIN_PATH, with the reason; "" */
} folders;

/* Code is loaded from absolute paths alone, and not from folders into which everybody may put some. */
static const char *reason_to_ignore(const char *path) {
    struct stat st;
    if (*path != '/') return "not an absolute path";
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) return "no folder";
    return st.st_mode & S_IWOTH ? "everybody may write to it" : NULL;
}

static luron_status add_folder(folders *f, luron_ctx *ctx, const char *text, size_t length) {
    char path[4096];
    if (f->n == MAX_FOLDERS || length == 0 || length >= sizeof path || text[0] != '/') return LURON_OK;
    memcpy(path, text, length);
    path[length] = 0;
    while (length > 1 && path[length - 1] == '/') path[--length] = 0;
    for (int i = 0; i < f->n; i++)
        if (!strcmp(f->dir[i], path)) return LURON_OK;
    LURON_TRY(luron__strdup(&f->dir[f->n], ctx, path));
    f->n++;
    return LURON_OK;
}

static void folders_free(folders *f, luron_ctx *ctx) {
    for (int i = 0; i < f->n; i++) luron__strfree(ctx->pool, f->dir[i]);
}

static luron_status folders_find(folders *f, luron_ctx *ctx) {
    memset(f, 0, sizeof *f);
    luron_status status = LURON_OK;
    const char *env = secure_getenv("LURON_PLUGIN_PATH");
    while (env && *env && status == LURON_OK) {
        size_t n = strcspn(env, ":");
        char path[4096];
        snprintf(path, sizeof path, "%.*s", (int)(n < sizeof path ? n : sizeof path - 1), env);
        const char *reason = n ? reason_to_ignore(path) : NULL;
        if (reason)
            luron__append(f->ignored, sizeof f->ignored, "%s%.100s (%s)", *f->ignored ? ", " : "", path, reason);
        else
            status = add_folder(f, ctx, env, n);
        env += n + (env[n] == ':');
    }
    Dl_info info;
    char library[4096];
    if (status == LURON_OK && dladdr((const void *)(uintptr_t)&luron_type_find, &info) && info.dli_fname &&
        strchr(info.dli_fname, '/') &&
        strlen(info.dli_fname) < sizeof library && realpath(info.dli_fname, library)) {
        char *slash = strrchr(library, '/');
        size_t room = sizeof library - (size_t)(slash - library);
        if ((size_t)snprintf(slash, room, "/luron/plugins") < room)
            status = add_folder(f, ctx, library, strlen(library));
    }
    if (status != LURON_OK) folders_free(f, ctx);
    return status;
}

/* ---- names that are near, for messages ------------------------------------------------------------------------- */
typedef struct near {
    char name[MAX_NEAR][64];
    int distance[MAX_NEAR], n;
} near;

int luron__edit_distance(const char *a, const char *b) {
    int row[65];
    size_t n = strlen(a), m = strlen(b);
    if (n > 63 || m > 63) return 1000;
    for (size_t j = 0; j <= m; j++) row[j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        int corner = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int above = row[j], change = corner + ((a[i - 1] | 32) != (b[j - 1] | 32));
            row[j] = change < above + 1 ? change : above + 1;
            if (row[j - 1] + 1 < row[j]) row[j] = row[j - 1] + 1;
            corner = above;
        }
    }
    return row[m];
}

static void near_add(near *best, const luron__want *want, luron_kind kind, const char *name, const char *function) {
    const char *is = want->by_function ? function : name;
    if (kind != want->kind || !is || !*is) return;
    int distance = luron__edit_distance(want->name, is), limit = (int)(strlen(want->name) + 2) / 3;
    size_t n = strlen(want->name);
    if (distance > limit && n >= 3 && !strncasecmp(is, want->name, n)) distance = limit; /* "MSE" for "MSELoss" */
    if (distance > limit) return;
    for (int i = 0; i < best->n; i++)
        if (!strcmp(best->name[i], is)) return;
    int at = best->n;
    while (at > 0 && best->distance[at - 1] > distance) at--;
    if (at == MAX_NEAR) return;
    if (best->n < MAX_NEAR) best->n++;
    for (int i = best->n - 1; i > at; i--) {
        memcpy(best->name[i], best->name[i - 1], sizeof best->name[i]);
        best->distance[i] = best->distance[i - 1];
    }
    snprintf(best->name[at], sizeof best->name[at], "%s", is);
    best->distance[at] = distance;
}

/* ---- search ---------------------------------------------------------------------------------------------------- */
static bool file_state(const char *dir, const char *name, char *path, size_t n, struct stat *st) {
    return (size_t)snprintf(path, n, "%s/%s", dir, name) < n && stat(path, st) == 0;
}

/* The plugin that the index of `dir` gives for the name, if the file is still the one that was indexed. */
static luron_status search_index(const luron_type **out, luron_ctx *ctx, const char *dir, const luron__want *want,
                                 near *best) {
    luron__index index;
    LURON_TRY(luron__index_read(&index, ctx, dir));
    luron_status status = LURON_OK;
    for (int64_t i = 0; i < index.n_entries && status == LURON_OK && !*out; i++) {
        const luron__index_entry *e = &index.entries[i];
        near_add(best, want, e->kind, e->name, e->function);
        if (!matches(want, e->kind, e->name, e->function)) continue;
        char path[4096];
        struct stat st;
        const char *file = index.files[e->file].name;
        if (!file_state(dir, file, path, sizeof path, &st) ||
            !luron__index_knows(&index, file, st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec))
            continue;
        status = luron__plugin_open(ctx, path);
        if (status == LURON_E_PLUGIN)
            (void)luron__wrap(ctx, status, "%s type '%s': plugin %s refused", luron__kind_name(want->kind), want->name,
                              path);
        if (status == LURON_OK) *out = luron__registered(ctx, want);
    }
    luron__index_free(ctx, &index);
    return status;
}

/* Open the files of `dir` that its index does not know, until one of them has the name (want NULL: all files). */
static luron_status search_files(const luron_type **out, luron_ctx *ctx, const char *dir, const luron__want *want) {
    luron__index index;
    char **names = NULL;
    int64_t n = 0;
    LURON_TRY(luron__index_read(&index, ctx, dir));
    luron_status status = luron__plugin_files(&names, &n, ctx, dir);
    for (int64_t i = 0; i < n && status == LURON_OK && !(out && *out); i++) {
        char path[4096];
        struct stat st;
        if (!file_state(dir, names[i], path, sizeof path, &st)) continue;
        if (want && luron__index_knows(&index, names[i], st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec)) continue;
        status = luron__plugin_open(ctx, path);
        if (status == LURON_E_PLUGIN) status = LURON_OK; /* remembered; the message names it if nothing is found */
        if (status == LURON_OK && want) *out = luron__registered(ctx, want);
    }
    luron__names_free(ctx, names, n);
    luron__index_free(ctx, &index);
    return status;
}

static luron_status not_found(luron_ctx *ctx, const luron__want *want, near *best, const folders *f) {
    const luron__registry *r = ctx->registry;
    char text[900] = "";
    for (int64_t i = 0; i < r->n_types; i++)
        if (!r->types[i]->gone)
            near_add(best, want, r->types[i]->kind, luron__type_title(r->types[i]), luron_type_function(r->types[i]));
    while (best->n > 1 && best->distance[best->n - 1] > best->distance[0] + 1) best->n--; /* far from the nearest */
    for (int i = 0; i < best->n; i++)
        luron__append(text, sizeof text, "%s'%s'", i == 0 ? "; did you mean " : i + 1 < best->n ? ", " : " or ",
               best->name[i]);
    if (best->n) luron__append(text, sizeof text, "?");
    int64_t refused = 0;
    for (int64_t i = 0; i < r->n_seen; i++)
        if (r->seen[i].reason && refused++ < 4)
            luron__append(text, sizeof text, "%s%s (%s)", refused == 1 ? "; refused plugins: " : ", ", r->seen[i].path,
                   r->seen[i].reason);
    if (refused > 4) luron__append(text, sizeof text, " and %lld more", (long long)refused - 4);
    if (!best->n && !refused) {
        luron__append(text, sizeof text, "; searched:");
        for (int i = 0; i < f->n; i++) luron__append(text, sizeof text, " %s", f->dir[i]);
    }
    if (*f->ignored) luron__append(text, sizeof text, "; ignored in LURON_PLUGIN_PATH: %s", f->ignored);
    return luron__fail(ctx, LURON_E_NOT_FOUND, "no %s %s '%.64s'%s", luron__kind_name(want->kind),
                       want->by_function ? "function" : "type", want->name, text);
}

static luron_status find(const luron_type **out, luron_ctx *ctx, const luron__want *want) {
    const luron_type *found = want->name ? luron__registered(ctx, want) : NULL;
    if (found) {
        *out = found;
        return LURON_OK;
    }
    LURON__CHECK(ctx, luron__is_identifier(want->name), LURON_E_NOT_FOUND, "no %s %s '%.64s': that is no identifier",
                 luron__kind_name(want->kind),
                 want->by_function ? "function" : "type", want->name ? want->name : "(NULL)");
    folders f;
    near best = { .n = 0 };
    LURON_TRY(folders_find(&f, ctx));
    luron_status status = LURON_OK;
    for (int i = 0; i < f.n && status == LURON_OK && !found; i++)
        status = search_index(&found, ctx, f.dir[i], want, &best);
    for (int i = 0; i < f.n && status == LURON_OK && !found; i++) status = search_files(&found, ctx, f.dir[i], want);
    if (status == LURON_OK && found) *out = found;
    if (status == LURON_OK && !found) status = not_found(ctx, want, &best, &f);
    folders_free(&f, ctx);
    return status;
}

luron_status luron_type_find(const luron_type **out, luron_ctx *ctx, luron_kind kind, const char *name) {
    const luron__want want = { kind, name, false };
    return find(out, ctx, &want);
}

luron_status luron_function_find(const luron_type **out, luron_ctx *ctx, const char *function) {
    const luron__want want = { LURON_KIND_LAYER, function, true };
    return find(out, ctx, &want);
}

luron_status luron_plugin_load_all(luron_ctx *ctx) {
    folders f;
    LURON_TRY(folders_find(&f, ctx));
    luron_status status = LURON_OK;
    for (int i = 0; i < f.n && status == LURON_OK; i++) status = search_files(NULL, ctx, f.dir[i], NULL);
    folders_free(&f, ctx);
    return status;
}
