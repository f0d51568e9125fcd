/* From a checkpoint into models, optimisers and the context: everything is compared before the first number changes. */
#include "io.h"
#include "plan.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the list of what does not fit ------------------------------------------------------------------------------- */
enum { MAX_LINES = 10 };
typedef struct report {
    char text[900];
    size_t n;
    int64_t lines, more;
} report;

static void note(report *r, const char *fmt, ...) LURON_PRINTF(2, 3);
static void note(report *r, const char *fmt, ...) {
    char line[300];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (n >= (int)sizeof line) n = sizeof line - 1;
    if (r->lines >= MAX_LINES || r->n + (size_t)n + 3 > sizeof r->text) {
        r->more++;
        return;
    }
    r->n += (size_t)snprintf(r->text + r->n, sizeof r->text - r->n, "\n  %s", line);
    r->lines++;
}

static luron_status report_result(const report *r, luron_ctx *ctx, const char *what) {
    char more[40] = "";
    if (!r->lines) return LURON_OK;
    if (r->more) snprintf(more, sizeof more, "\n  and %" PRId64 " more", r->more);
    return luron__fail(ctx, LURON_E_MISMATCH, "the checkpoint does not fit the %s:%s%s", what, r->text, more);
}

/* ---- pairs of tensors: noted while comparing, copied once all fit ------------------------------------------------ */
typedef struct pair {
    luron_tensor *to, *from; /* borrowed */
} pair;
typedef struct pairs {
    luron_ctx *ctx;
    const luron_checkpoint *c;
    pair *at;
    int64_t n, cap;
    uint8_t *used; /* by tensor of the checkpoint */
    report report;
} pairs;

static luron_status pairs_begin(pairs *p, luron_ctx *ctx, const luron_checkpoint *c) {
    *p = (pairs){ .ctx = ctx, .c = c };
    return luron__alloc(&p->used, ctx, (size_t)c->tensors.n + 1);
}
static void pairs_end(pairs *p) {
    luron__free(p->ctx, p->at, (size_t)p->cap * sizeof *p->at);
    luron__free(p->ctx, p->used, (size_t)p->c->tensors.n + 1);
}

static luron_status compare(pairs *p, const char *path, luron_tensor *to) {
    char have[LURON__SHAPE_TEXT], want[LURON__SHAPE_TEXT];
    const luron__entry *e = luron__entry_find(&p->c->tensors, path);
    luron_shape_text(want, sizeof want, to->ndim, to->shape);
    if (!e) {
        note(&p->report, "%s is missing in the file, %s %s expected", path, luron_dtype_name(to->dtype), want);
        return LURON_OK;
    }
    p->used[e - p->c->tensors.at] = 1;
    if (!luron__same_shape(e->tensor, to))
        note(&p->report, "%s has shape %s in the file, %s expected", path,
             luron_shape_text(have, sizeof have, e->tensor->ndim, e->tensor->shape), want);
    else if (e->tensor->dtype != to->dtype)
        note(&p->report, "%s is %s in the file, %s expected (bring the model to %s first)", path,
             luron_dtype_name(e->tensor->dtype), luron_dtype_name(to->dtype), luron_dtype_name(e->tensor->dtype));
    LURON_TRY(luron__grow(p->ctx, &p->at, &p->cap, p->n + 1, sizeof *p->at));
    p->at[p->n++] = (pair){ to, e->tensor };
    return LURON_OK;
}

/* Tensors of the checkpoint below `prefix` that nothing asked for. */
static void note_unused(pairs *p, const char *prefix) {
    char shape[LURON__SHAPE_TEXT];
    for (int64_t i = 0; i < p->c->tensors.n; i++) {
        const luron__entry *e = &p->c->tensors.at[i];
        if (p->used[i] || strncmp(e->path, prefix, strlen(prefix))) continue;
        note(&p->report, "%s of shape %s is in the file alone", e->path,
             luron_shape_text(shape, sizeof shape, e->tensor->ndim, e->tensor->shape));
    }
}

/* Same shape and dtype. Cannot fail. */
static void copy_values(luron_tensor *to, const luron_tensor *from) {
    int64_t at[LURON_MAX_DIMS] = { 0 }, n = luron_tensor_numel(to);
    size_t size = (size_t)luron_dtype_size(to->dtype);
    char *t = luron__data(to);
    const char *f = luron__data(from);
    if (luron_tensor_is_contiguous(to) && luron_tensor_is_contiguous(from)) {
        if (n) memmove(t, f, (size_t)n * size);
        n = 0;
    }
    for (; n > 0; n--) {
        memmove(t, f, size);
        for (int d = to->ndim - 1; d >= 0; d--) {
            t += to->strides[d] * (int64_t)size, f += from->strides[d] * (int64_t)size;
            if (++at[d] < to->shape[d]) break;
            t -= at[d] * to->strides[d] * (int64_t)size, f -= at[d] * from->strides[d] * (int64_t)size;
            at[d] = 0;
        }
    }
    luron_tensor_touch(to);
}

static void copy_pairs(const pairs *p) {
    for (int64_t i = 0; i < p->n; i++) copy_values(p->at[i].to, p->at[i].from);
}

/* ---- models ------------------------------------------------------------------------------------------------------ */
static luron_status check_version(luron_ctx *ctx, const luron_checkpoint *c, const luron_layer *layer,
                                  const char *path) {
    char key[LURON__MAX_TREE_PATH + 32];
    const luron_type *type = luron_layer_type_of(layer);
    static const char *const groups[] = { "parameters", "state" };
    for (int i = 0; i < 2; i++) {
        snprintf(key, sizeof key, "%s/%s@data_version", groups[i], path);
        const luron__entry *e = luron__entry_find(&c->texts, key);
        const int64_t here = type->layer.data_version;
        if (!e || !e->is_number || e->number == here) continue;
        return luron__fail(ctx, e->number > here ? LURON_E_VERSION : LURON_E_MISMATCH,
                           "layer '%s': the data of its %s are of version %" PRId64 ", plugin '%s' %s has %" PRId64,
                           path, luron_type_name(type), e->number, luron_type_plugin(type),
                           luron_type_plugin_version(type), here);
    }
    return LURON_OK;
}

/* whole: nothing else may be in the file. */
static luron_status compare_model(pairs *p, luron_model *model, bool whole) {
    char path[LURON__MAX_TREE_PATH] = "parameters/";
    luron_tensor *t;
    for (int i = 0; i < luron_model_n_layers(model); i++)
        LURON_TRY(check_version(p->ctx, p->c, luron_model_layer(model, i), luron_model_layer_path(model, i)));
    for (int i = 0; (t = luron_model_param(model, i, path + 11, sizeof path - 11)); i++) LURON_TRY(compare(p, path, t));
    strcpy(path, "state/");
    for (int i = 0; (t = luron_model_state(model, i, path + 6, sizeof path - 6)); i++) LURON_TRY(compare(p, path, t));
    if (whole) note_unused(p, "parameters/");
    if (whole) note_unused(p, "state/");
    return report_result(&p->report, p->ctx, "model");
}

luron_status luron_checkpoint_restore(luron_ctx *ctx, const luron_checkpoint *c, luron_model *model) {
    pairs p;
    /* what a class owns beyond the graph of its forward stands beside it */
    bool traced = luron_checkpoint_text(c, "training/module") && luron_checkpoint_text(c, "architecture");
    LURON_TRY(luron_model_check_sized(ctx, model));
    LURON_TRY(pairs_begin(&p, ctx, c));
    luron_status status = compare_model(&p, model, !traced);
    if (!status) copy_pairs(&p);
    pairs_end(&p);
    return status;
}

luron_status luron_checkpoint_model(luron_model **out, luron_ctx *ctx, const luron_checkpoint *c) {
    const char *json = luron_checkpoint_text(c, "architecture");
    luron_model *model = NULL;
    uint64_t position = ctx->position;
    if (json) {
        LURON_TRY(luron__model_of_file(&model, ctx, json, c));
        luron_status status = luron_checkpoint_restore(ctx, c, model);
        if (status) {
            ctx->position = position; /* as if it had not been tried */
            luron_model_unref(model);
            return status;
        }
    }
    *out = model;
    return LURON_OK;
}

/* ---- optimisers -------------------------------------------------------------------------------------------------- */
static luron_status get_json(json_t **out, luron_ctx *ctx, const luron_checkpoint *c, const char *path) {
    const char *text = luron_checkpoint_text(c, path);
    LURON__CHECK(ctx, text, LURON_E_MISMATCH, "the checkpoint has no '%s'", path);
    void *json;
    LURON_TRY(luron__json_parse(&json, ctx, path, text));
    *out = json;
    return LURON_OK;
}

static luron_status compare_names(pairs *p, const luron_optim *optim, int group) {
    char path[64], name[24];
    json_t *names = NULL;
    snprintf(path, sizeof path, "optimizer/groups/%d/parameters", group);
    LURON_TRY(get_json(&names, p->ctx, p->c, path));
    const int n = luron_optim_n_params(optim, group), base = p->ctx->index_base;
    if (json_array_size(names) != (size_t)n)
        note(&p->report, "group %d has %zu parameters in the file, %d expected", group + base, json_array_size(names), n);
    for (int i = 0; i < n && (size_t)i < json_array_size(names); i++) {
        const char *have = json_string_value(json_array_get(names, (size_t)i)),
                   *want = luron__optim_file_name(name, optim, group, i);
        if (!have || strcmp(have, want))
            note(&p->report, "parameter %d of group %d is '%s' in the file, '%s' expected", i + base, group + base, have ? have : "?",
                 want);
    }
    json_decref(names);
    return LURON_OK;
}

/* How many steps each parameter of a group made; NULL: a file that does not say it, all as many as the optimiser. */
static const int64_t *param_steps(const luron_checkpoint *c, int group) {
    char path[64];
    snprintf(path, sizeof path, "optimizer/groups/%d/steps", group);
    const luron_tensor *t = luron_checkpoint_tensor(c, path);
    return t ? (const int64_t *)(const void *)luron__data(t) : NULL;
}

static void compare_steps(pairs *p, const luron_optim *optim, int group, int64_t most) {
    char path[64];
    snprintf(path, sizeof path, "optimizer/groups/%d/steps", group);
    const luron_tensor *t = luron_checkpoint_tensor(p->c, path);
    const int64_t *steps = param_steps(p->c, group), n = luron_optim_n_params(optim, group);
    bool good = !t || (t->dtype == LURON_I64 && t->ndim == 1 && t->shape[0] == n && luron_tensor_is_contiguous(t));
    for (int64_t i = 0; t && good && i < n; i++) good = steps[i] >= 0 && steps[i] <= most;
    if (!good) note(&p->report, "%s: %" PRId64 " numbers of int64 from 0 to %" PRId64 " expected", path, n, most);
}

static luron_status compare_group(pairs *p, const luron_optim *optim, int group, int64_t steps) {
    char path[LURON__MAX_TREE_PATH], name[24];
    LURON_TRY(compare_names(p, optim, group));
    compare_steps(p, optim, group, steps);
    for (int s = 0; s < luron_optim_n_scalars(optim); s++) {
        snprintf(path, sizeof path, "optimizer/groups/%d/scalars/%s", group, luron_optim_scalar_name(optim, s));
        const luron_tensor *t = luron_checkpoint_tensor(p->c, path);
        if (!t || t->dtype != LURON_F64 || t->ndim) note(&p->report, "%s: one float64 expected", path);
    }
    for (int i = 0; i < luron_optim_n_params(optim, group); i++)
        for (int s = 0; s < luron_optim_n_states(optim); s++) {
            snprintf(path, sizeof path, "optimizer/state/%s/%s", luron__optim_file_name(name, optim, group, i),
                     luron_optim_state_name(optim, s));
            if (luron_optim_state(optim, group, i, s)) LURON_TRY(compare(p, path, luron_optim_state(optim, group, i, s)));
        }
    return LURON_OK;
}

static luron_status check_type(luron_ctx *ctx, const luron_checkpoint *c, const luron_optim *optim) {
    const luron_type *type = luron_optim_type_of(optim);
    const char *have = luron_checkpoint_text(c, "optimizer@type");
    LURON__CHECK(ctx, have, LURON_E_NOT_FOUND, "the checkpoint holds no optimiser");
    LURON__CHECK(ctx, strcmp(have, luron_type_name(type)) == 0, LURON_E_MISMATCH,
                 "the checkpoint is of optimiser %s, %s expected", have, luron_type_name(type));
    const luron__entry *steps = luron__entry_find(&c->texts, "optimizer@steps");
    LURON__CHECK(ctx, steps && steps->is_number && steps->number >= 0, LURON_E_MISMATCH,
                 "the checkpoint does not say how many steps the optimiser made");
    return LURON_OK;
}

/* How many groups of parameters the file has. */
static int count_groups(const luron_checkpoint *c) {
    char path[64];
    int n = -1;
    do
        snprintf(path, sizeof path, "optimizer/groups/%d/options", ++n);
    while (luron_checkpoint_text(c, path));
    return n;
}

/* Too few are told at once: what they lack would be of no use. */
static luron_status check_groups(luron_ctx *ctx, const luron_checkpoint *c, const luron_optim *optim) {
    int have = count_groups(c), n = luron_optim_n_groups(optim);
    LURON__CHECK(ctx, have >= n, LURON_E_MISMATCH, "the optimiser has %d group%s of parameters in the file, %d expected", have,
                 have == 1 ? "" : "s", n);
    return LURON_OK;
}

static luron_status compare_optim(pairs *p, const luron_optim *optim) {
    int n = luron_optim_n_groups(optim), have = count_groups(p->c);
    if (have > n) note(&p->report, "%d groups of parameters in the file, %d expected", have, n);
    const int64_t steps = luron__entry_find(&p->c->texts, "optimizer@steps")->number;
    for (int g = 0; g < n; g++) LURON_TRY(compare_group(p, optim, g, steps));
    note_unused(p, "optimizer/state/");
    return report_result(&p->report, p->ctx, "optimiser");
}

/* The options of a group as the file has them. */
static luron_status make_options(void **next, luron_ctx *ctx, const luron_checkpoint *c, luron_optim *optim, int group) {
    char path[64];
    luron_arg *args;
    int n;
    snprintf(path, sizeof path, "optimizer/groups/%d/options", group);
    const char *text = luron_checkpoint_text(c, path);
    LURON__CHECK(ctx, text, LURON_E_MISMATCH, "the checkpoint has no '%s'", path);
    LURON_TRY(luron__args_from_text(&args, &n, ctx, text));
    luron_status status = luron__optim_next_make(next, optim, ctx, group, n, args);
    luron__args_free(ctx, args, n);
    return status;
}

/* Options first, for which state there is follows from them; back to those of before if the rest does not fit. */
static luron_status apply_options(pairs *p, luron_optim *optim) {
    void **next;
    LURON_TRY(luron__optim_next_new(&next, optim, p->ctx));
    luron_status status = LURON_OK;
    for (int g = 0; g < luron_optim_n_groups(optim) && !status; g++) status = make_options(next, p->ctx, p->c, optim, g);
    if (!status) {
        luron__optim_next_exchange(next, optim);
        status = compare_optim(p, optim);
        if (status) luron__optim_next_exchange(next, optim);
    }
    luron__optim_next_free(next, optim);
    return status;
}

luron_status luron_checkpoint_restore_optim(luron_ctx *ctx, const luron_checkpoint *c, luron_optim *optim) {
    char path[LURON__MAX_TREE_PATH];
    pairs p;
    luron__plan_refuse(ctx, "restores an optimiser: do that outside of the step");
    LURON_TRY(check_type(ctx, c, optim));
    LURON_TRY(check_groups(ctx, c, optim));
    LURON_TRY(pairs_begin(&p, ctx, c));
    luron_status status = apply_options(&p, optim);
    if (!status) {
        copy_pairs(&p);
        for (int g = 0; g < luron_optim_n_groups(optim); g++)
            for (int s = 0; s < luron_optim_n_scalars(optim); s++) {
                snprintf(path, sizeof path, "optimizer/groups/%d/scalars/%s", g, luron_optim_scalar_name(optim, s));
                luron_optim_set_scalar(optim, g, s,
                                       *(const double *)(const void *)luron__data(luron_checkpoint_tensor(c, path)));
            }
        luron_optim_set_steps(optim, luron__entry_find(&c->texts, "optimizer@steps")->number);
        for (int g = 0; g < luron_optim_n_groups(optim); g++)
            for (int i = 0; param_steps(c, g) && i < luron_optim_n_params(optim, g); i++)
                luron__optim_set_param_steps(optim, g, i, param_steps(c, g)[i]);
    }
    pairs_end(&p);
    return status;
}

/* ---- random state ------------------------------------------------------------------------------------------------ */
static bool get_u64(uint64_t *out, const luron_checkpoint *c, const char *path) {
    const char *text = luron_checkpoint_text(c, path);
    if (!text || *text < '0' || *text > '9') return false;
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return !*end && !errno;
}

luron_status luron_checkpoint_restore_random(luron_ctx *ctx, const luron_checkpoint *c) {
    uint64_t seed, position;
    LURON__CHECK(ctx, get_u64(&seed, c, "training/random_seed") && get_u64(&position, c, "training/random_position"),
                 LURON_E_NOT_FOUND, "the checkpoint holds no random state");
    luron_ctx_set_random_state(ctx, seed, position);
    return LURON_OK;
}
