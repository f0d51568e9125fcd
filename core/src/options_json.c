/* options_json.c -- options from and to JSON, and the one place that parses JSON text. jansson has its own memory. */
#include "internal.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#define MAX_JSON_DEPTH 64

/* Integers, or numbers if one of them is written with a point. */
static luron_status list_from_json(luron_arg *a, luron_ctx *ctx, const json_t *list) {
    const int64_t n = (int64_t)json_array_size(list);
    LURON__CHECK(ctx, n <= 8, LURON_E_ARGUMENT, "option '%.64s': list of at most 8 numbers expected, got %lld", a->name,
                 (long long)n);
    a->kind = LURON_ARG_INTS;
    for (int64_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, (size_t)i);
        LURON__CHECK(ctx, json_is_number(v), LURON_E_ARGUMENT, "option '%.64s': list of numbers expected", a->name);
        if (!json_is_integer(v)) a->kind = LURON_ARG_FLOATS;
    }
    if (a->kind == LURON_ARG_INTS)
        a->ints.n = n;
    else
        a->floats.n = n;
    for (int64_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, (size_t)i);
        if (a->kind == LURON_ARG_INTS)
            a->ints.at[i] = json_integer_value(v);
        else
            a->floats.at[i] = json_number_value(v);
    }
    return LURON_OK;
}

static luron_status arg_from_json(luron_arg *a, luron_ctx *ctx, const char *name, const json_t *v) {
    char *copy;
    LURON_TRY(luron__strdup(&copy, ctx, name));
    a->name = copy;
    switch (json_typeof(v)) {
    case JSON_INTEGER: a->kind = LURON_ARG_INTEGER, a->integer = json_integer_value(v); return LURON_OK;
    case JSON_REAL: a->kind = LURON_ARG_NUMBER, a->number = json_real_value(v); return LURON_OK;
    case JSON_TRUE: case JSON_FALSE: a->kind = LURON_ARG_BOOLEAN, a->integer = json_is_true(v); return LURON_OK;
    case JSON_ARRAY: return list_from_json(a, ctx, v);
    case JSON_STRING:
        a->kind = LURON_ARG_STRING;
        LURON_TRY(luron__strdup(&copy, ctx, json_string_value(v)));
        a->string = copy;
        return LURON_OK;
    default: return luron__fail(ctx, LURON_E_ARGUMENT,
                                "option '%.64s': number, string, boolean or list of numbers expected, got an object",
                                name);
    }
}

/* null stands for "not given". */
luron_status luron__args_from_json(luron_arg **args, int *n, luron_ctx *ctx, const void *json_object) {
    json_t *object = (json_t *)json_object, *value;
    LURON__CHECK(ctx, json_is_object(object), LURON_E_ARGUMENT, "options: a JSON object expected");
    size_t room = json_object_size(object);
    LURON__CHECK(ctx, room <= 4096, LURON_E_ARGUMENT, "options: at most 4096 expected, got %zu", room);
    const char *name;
    luron_arg *list = NULL;
    int count = 0;
    if (room) LURON_TRY(luron__alloc(&list, ctx, room * sizeof *list));
    luron_status status = LURON_OK;
    json_object_foreach(object, name, value) {
        if (json_is_null(value)) continue;
        status = arg_from_json(&list[count++], ctx, name, value);
        if (status != LURON_OK) break;
    }
    if (status == LURON_OK && (size_t)count < room) { /* the array is freed by its length */
        luron_arg *shorter = NULL;
        if (count) status = luron__alloc(&shorter, ctx, (size_t)count * sizeof *list);
        if (status == LURON_OK) {
            if (count) memcpy(shorter, list, (size_t)count * sizeof *list);
            luron__free(ctx, list, room * sizeof *list);
            list = shorter;
            room = (size_t)count;
        }
    }
    if (status != LURON_OK) {
        luron__args_free(ctx, list, (int)room);
        return status;
    }
    *args = list;
    *n = count;
    return LURON_OK;
}

void luron__args_free(luron_ctx *ctx, luron_arg *args, int n) {
    if (!args) return;
    for (int i = 0; i < n; i++) {
        luron__strfree(ctx->pool, (char *)args[i].name);
        if (args[i].kind == LURON_ARG_STRING) luron__strfree(ctx->pool, (char *)args[i].string);
    }
    luron__free(ctx, args, (size_t)n * sizeof *args);
}

/* jansson recurses: count the brackets first. */
static bool too_deep(const char *json) {
    int depth = 0;
    bool in_string = false;
    for (; *json; json++) {
        if (in_string) {
            if (*json == '\\' && json[1]) json++;
            else if (*json == '"') in_string = false;
        } else if (*json == '"') {
            in_string = true;
        } else if (*json == '[' || *json == '{') {
            if (++depth > MAX_JSON_DEPTH) return true;
        } else if (*json == ']' || *json == '}') {
            depth--;
        }
    }
    return false;
}

luron_status luron__json_parse(void **out, luron_ctx *ctx, const char *what, const char *text) {
    json_error_t e;
    LURON__CHECK(ctx, text, LURON_E_ARGUMENT, "%s: JSON expected, got NULL", what);
    size_t n = strnlen(text, LURON__MAX_JSON + 1);
    LURON__CHECK(ctx, n <= LURON__MAX_JSON, LURON_E_FORMAT, "%s: JSON of at most %d MiB expected", what,
                 LURON__MAX_JSON >> 20);
    LURON__CHECK(ctx, !too_deep(text), LURON_E_FORMAT, "%s: JSON is nested deeper than %d", what, MAX_JSON_DEPTH);
    json_t *json = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
    if (!json && json_error_code(&e) == json_error_out_of_memory) return luron__nomem(ctx, n);
    LURON__CHECK(ctx, json, LURON_E_FORMAT, "%s: JSON line %d column %d: %.100s", what, e.line, e.column, e.text);
    *out = json;
    return LURON_OK;
}

void luron__json_free(void *json) { json_decref(json); }

luron_status luron__args_from_text(luron_arg **args, int *n, luron_ctx *ctx, const char *json) {
    *args = NULL;
    *n = 0;
    if (!json) return LURON_OK;
    void *object;
    LURON_TRY(luron__json_parse(&object, ctx, "options", json));
    luron_status status = luron__args_from_json(args, n, ctx, object);
    json_decref(object);
    return status;
}

static json_t *arg_to_json(const luron_arg *a) {
    switch (a->kind) {
    case LURON_ARG_INTEGER: return json_integer(a->integer);
    case LURON_ARG_NUMBER: return isfinite(a->number) ? json_real(a->number)
        : json_string(isnan(a->number) ? "nan" : a->number > 0 ? "inf" : "-inf");
    case LURON_ARG_BOOLEAN: return json_boolean(a->integer);
    case LURON_ARG_STRING: return a->string ? json_string(a->string) : json_null();
    default: break;
    }
    json_t *list = json_array();
    const bool real = a->kind == LURON_ARG_FLOATS;
    for (int64_t i = 0; list && i < (real ? a->floats.n : a->ints.n); i++)
        if (json_array_append_new(list, real ? json_real(a->floats.at[i]) : json_integer(a->ints.at[i]))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

void *luron__options_to_json(const luron_type *type, const void *options) {
    json_t *object = json_object();
    for (int i = 0; object && i < type->n_options; i++) {
        luron_arg a = luron__options_get(type, options, i);
        if (type->options[i].kind == LURON_INITIALISER && !a.string) continue;
        json_t *value = arg_to_json(&a);
        if (!value || json_object_set_new(object, a.name, value)) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}
