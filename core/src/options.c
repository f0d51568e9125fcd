/* options.c -- values of options: checked against the schema of a type and stored in the type's own struct. */
#include "reload.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_INTEGER 9007199254740992.0 /* 2^53: beyond it a double skips integers */
#define MAX_TEXT 65536                 /* of a string option */
#define TEXT 600 /* buffers for parts of messages */

static size_t struct_bytes(const luron_type *t) {
    uint64_t n = t->kind == LURON_KIND_LAYER ? t->layer.options_size
        : t->kind == LURON_KIND_OPTIM ? t->optim.options_size : t->format.options_size;
    return n ? (size_t)n : 1;
}

static void *member(void *options, const luron_option *o) { return (char *)options + o->offset; }
static bool is_ranged(const luron_option *o) { return o->min < o->max; }
static bool is_integer(const luron_option *o) {
    return o->kind == LURON_INT || o->kind == LURON_AXIS || o->kind == LURON_ID;
}

/* A text of the host's stands first in the member. */
static bool owns_text(const luron_option *o) { return o->kind == LURON_STRING || o->kind == LURON_INITIALISER; }

/* ---- messages -------------------------------------------------------------------------------------------------- */
/* The shortest decimal text that reads as the same number. */
static const char *number_text(char buf[40], double x) {
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(buf, 40, "%.*g", digits, x);
        double back;
        if (sscanf(buf, "%lf", &back) == 1 && back == x) break;
    }
    return buf;
}

/* What a place that counts from 0 is shown higher by; one from the end, or an id for "none", stays as it is. */
static int64_t base_of(const luron_ctx *ctx, const luron_option *o, double place) {
    return (o->kind == LURON_AXIS || o->kind == LURON_ID) && place >= 0 ? ctx->index_base : 0;
}

static void append_range(char *buf, size_t n, const luron_option *o) {
    char a[40], b[40];
    if (!is_ranged(o)) return;
    if (o->max >= 1e9)
        luron__append(buf, n, " of at least %s", number_text(a, o->min));
    else if (o->min <= -1e9)
        luron__append(buf, n, " of at most %s", number_text(a, o->max));
    else
        luron__append(buf, n, " from %s to %s", number_text(a, o->min), number_text(b, o->max));
}

static void append_ints(char *buf, size_t n, const luron_ints *ints) {
    luron__append(buf, n, "{");
    for (int64_t i = 0; i < ints->n && i < 8; i++) luron__append(buf, n, "%s%lld", i ? ", " : " ", (long long)ints->at[i]);
    luron__append(buf, n, " }");
}

static void append_floats(char *buf, size_t n, const luron_floats *floats) {
    char number[40];
    luron__append(buf, n, "{");
    for (int64_t i = 0; i < floats->n && i < 8; i++)
        luron__append(buf, n, "%s%s", i ? ", " : " ", number_text(number, floats->at[i]));
    luron__append(buf, n, " }");
}

/* "integer of at least 1" */
static const char *expected(char buf[TEXT], const luron_ctx *ctx, const luron_option *option) {
    luron_option shown = *option;
    const luron_option *o = &shown;
    if (is_ranged(o)) shown.min += (double)base_of(ctx, option, o->min), shown.max += (double)base_of(ctx, option, o->max);
    buf[0] = 0;
    switch (o->kind) {
    case LURON_BOOL: return "true or false";
    case LURON_STRING: return "a string";
    case LURON_INITIALISER: return "name of an initialiser";
    case LURON_CHOICE:
        luron__append(buf, TEXT, "one of");
        for (int i = 0; o->choices[i]; i++) luron__append(buf, TEXT, "%s '%s'", i ? "," : "", o->choices[i]);
        return buf;
    case LURON_INTS: case LURON_FLOATS:
        luron__append(buf, TEXT, o->kind == LURON_INTS ? "integer" : "number");
        append_range(buf, TEXT, o);
        if (o->n_min == o->n_max)
            luron__append(buf, TEXT, " or list of %lld such", (long long)o->n_max);
        else
            luron__append(buf, TEXT, " or list of %lld to %lld such", (long long)o->n_min, (long long)o->n_max);
        for (int i = 0; o->choices && o->choices[i]; i++) luron__append(buf, TEXT, ", or '%s'", o->choices[i]);
        return buf;
    default:
        luron__append(buf, TEXT, o->kind == LURON_FLOAT ? "number" : "integer");
        append_range(buf, TEXT, o);
        return buf;
    }
}

static const char *arg_text(char buf[TEXT], const luron_ctx *ctx, const luron_option *o, const luron_arg *a) {
    char number[40];
    buf[0] = 0;
    switch (a->kind) {
    case LURON_ARG_INTEGER:
        luron__append(buf, TEXT, "%lld", (long long)(a->integer + base_of(ctx, o, (double)a->integer)));
        break;
    case LURON_ARG_NUMBER: luron__append(buf, TEXT, "%s", number_text(number, a->number)); break;
    case LURON_ARG_BOOLEAN: luron__append(buf, TEXT, "%s", a->integer ? "true" : "false"); break;
    case LURON_ARG_STRING: luron__append(buf, TEXT, a->string ? "'%.60s'" : "nothing", a->string); break;
    case LURON_ARG_INTS: append_ints(buf, TEXT, &a->ints); break;
    case LURON_ARG_FLOATS: append_floats(buf, TEXT, &a->floats); break;
    default: luron__append(buf, TEXT, "an argument of unknown kind %d", (int)a->kind); break;
    }
    return buf;
}

static luron_status wrong(luron_ctx *ctx, const char *what, const luron_option *o, const luron_arg *a) {
    char want[TEXT], got[TEXT];
    return luron__fail(ctx, LURON_E_ARGUMENT, "%s: %s: %s expected, got %s", what, o->name, expected(want, ctx, o),
                       arg_text(got, ctx, o, a));
}

/* The option whose name is nearest, if it is near at all. */
static const char *near_name(const luron_type *t, const char *name) {
    const char *best = NULL;
    int least = (int)(strlen(name) + 2) / 3 + 1;
    for (int i = 0; i < t->n_options; i++) {
        int distance = luron__edit_distance(name, t->options[i].name);
        if (distance >= least) continue;
        least = distance;
        best = t->options[i].name;
    }
    return best;
}

static luron_status unknown(luron_ctx *ctx, const char *what, const luron_type *t, const char *name) {
    char list[TEXT] = "";
    for (int i = 0; i < t->n_options; i++) luron__append(list, sizeof list, "%s%s", i ? ", " : "", t->options[i].name);
    const char *near = near_name(t, name);
    return luron__fail(ctx, LURON_E_ARGUMENT, "%s: unknown option '%.64s'%s%s%s; valid: %s", what, name,
                       near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "",
                       t->n_options ? list : "none, it has no options");
}

bool luron__is_utf8(const char *s) {
    const unsigned char *p = (const unsigned char *)s;
    while (*p) {
        uint32_t c = *p++;
        int more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 &&
            c < 0xf5 ? 3 : -1;
        if (more < 0) return false;
        c &= more == 0 ? 0x7f : 0x3fu >> more;
        for (int i = 0; i < more; i++, p++) {
            if ((*p & 0xc0) != 0x80) return false;
            c = c << 6 | (*p & 0x3f);
        }
        if ((more == 2 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) || (more == 3 && (c < 0x10000 || c > 0x10ffff)))
            return false;
    }
    return true;
}

/* ---- setting one ----------------------------------------------------------------------------------------------- */
static bool integer_of(int64_t *out, const luron_arg *a) {
    if (a->kind == LURON_ARG_NUMBER && a->number == trunc(a->number) && fabs(a->number) <= MAX_INTEGER)
        *out = (int64_t)a->number;
    else if (a->kind == LURON_ARG_INTEGER)
        *out = a->integer;
    else
        return false;
    return true;
}

/* JSON has no infinity and no NaN: they travel as strings. */
static bool number_of(double *out, const luron_arg *a) {
    if (a->kind == LURON_ARG_INTEGER)
        *out = (double)a->integer;
    else if (a->kind == LURON_ARG_NUMBER)
        *out = a->number;
    else if (a->kind == LURON_ARG_STRING && a->string && !strcmp(a->string, "inf"))
        *out = (double)INFINITY;
    else if (a->kind == LURON_ARG_STRING && a->string && !strcmp(a->string, "-inf"))
        *out = -(double)INFINITY;
    else if (a->kind == LURON_ARG_STRING && a->string && !strcmp(a->string, "nan"))
        *out = (double)NAN;
    else
        return false;
    return true;
}

static bool in_range(const luron_option *o, double x) { return !is_ranged(o) || (x >= o->min && x <= o->max); }

static bool ints_of(luron_ints *out, const luron_option *o, const luron_arg *a) {
    luron_ints v = { .n = 1 };
    for (int i = 0; a->kind == LURON_ARG_STRING && a->string && o->choices && o->choices[i]; i++)
        if (strcmp(o->choices[i], a->string) == 0) {
            *out = (luron_ints){ .n = -1 - i };
            return true;
        }
    if (a->kind == LURON_ARG_INTS)
        v = a->ints;
    else if (!integer_of(&v.at[0], a))
        return false;
    if (v.n < 0 || v.n > 8) return false;
    bool repeat = v.n == 1;
    while (repeat && v.n < o->n_min) v.at[v.n++] = v.at[0];
    for (int64_t i = v.n; i < 8; i++) v.at[i] = 0;
    bool good = v.n >= o->n_min && v.n <= o->n_max;
    for (int64_t i = 0; i < v.n; i++) good = good && in_range(o, (double)v.at[i]);
    *out = v;
    return good;
}

static bool floats_of(luron_floats *out, const luron_option *o, const luron_arg *a) {
    luron_floats v = { .n = 1 };
    if (a->kind == LURON_ARG_FLOATS)
        v = a->floats;
    else if (a->kind == LURON_ARG_INTS)
        v.n = a->ints.n;
    else if (!number_of(&v.at[0], a))
        return false;
    if (v.n < 0 || v.n > 8) return false;
    for (int64_t i = 0; i < v.n && a->kind == LURON_ARG_INTS; i++) v.at[i] = (double)a->ints.at[i];
    bool repeat = v.n == 1;
    while (repeat && v.n < o->n_min) v.at[v.n++] = v.at[0];
    for (int64_t i = v.n; i < 8; i++) v.at[i] = 0;
    bool good = v.n >= o->n_min && v.n <= o->n_max;
    for (int64_t i = 0; i < v.n; i++) good = good && isfinite(v.at[i]) && in_range(o, v.at[i]);
    *out = v;
    return good;
}

static luron_status set_string(luron_ctx *ctx, const char **to, const char *from) {
    char *copy;
    LURON_TRY(luron__strdup(&copy, ctx, from));
    luron__strfree(ctx->pool, (char *)*to);
    *to = copy;
    return LURON_OK;
}

/* text NULL: the layer's own choice. */
static luron_status set_initialiser(luron_ctx *ctx, const char *what, const luron_option *o, luron_named_init *to, const char *text) {
    char subject[160];
    luron_init init = { 0 };
    snprintf(subject, sizeof subject, "%.80s: %.70s", what, o->name);
    if (text) LURON_TRY(luron__init_parse(&init, ctx, subject, text));
    LURON_TRY(set_string(ctx, &to->text, text));
    to->init = init;
    return LURON_OK;
}

static luron_status set(luron_ctx *ctx, const char *what, const luron_option *o, void *options, const luron_arg *a) {
    void *to = member(options, o);
    if (is_integer(o)) {
        int64_t v;
        if (!integer_of(&v, a) || !in_range(o, (double)v)) return wrong(ctx, what, o, a);
        *(int64_t *)to = v;
    } else if (o->kind == LURON_FLOAT) {
        double v;
        if (!number_of(&v, a) || !in_range(o, v) || (isnan(v) && !isnan(o->default_number)))
            return wrong(ctx, what, o, a);
        *(double *)to = v;
    } else if (o->kind == LURON_BOOL) {
        if (a->kind != LURON_ARG_BOOLEAN) return wrong(ctx, what, o, a);
        *(int32_t *)to = a->integer != 0;
    } else if (o->kind == LURON_STRING) {
        if (a->kind != LURON_ARG_STRING || (a->string && strlen(a->string) > MAX_TEXT)) return wrong(ctx, what, o, a);
        LURON__CHECK(ctx, !a->string || luron__is_utf8(a->string), LURON_E_ARGUMENT,
                     "%s: %s: a string of UTF-8 expected", what, o->name);
        return set_string(ctx, to, a->string);
    } else if (o->kind == LURON_INITIALISER) {
        if (a->kind != LURON_ARG_STRING) return wrong(ctx, what, o, a);
        return set_initialiser(ctx, what, o, to, a->string);
    } else if (o->kind == LURON_CHOICE) {
        int32_t i = 0;
        while (a->kind == LURON_ARG_STRING && a->string && o->choices[i] && strcmp(o->choices[i], a->string)) i++;
        if (a->kind != LURON_ARG_STRING || !a->string || !o->choices[i]) return wrong(ctx, what, o, a);
        *(int32_t *)to = i;
    } else if (o->kind == LURON_FLOATS) {
        luron_floats v;
        if (!floats_of(&v, o, a)) return wrong(ctx, what, o, a);
        *(luron_floats *)to = v;
    } else {
        luron_ints v;
        if (!ints_of(&v, o, a)) return wrong(ctx, what, o, a);
        *(luron_ints *)to = v;
    }
    return LURON_OK;
}

static luron_status set_default(luron_ctx *ctx, const luron_option *o, void *options) {
    void *to = member(options, o);
    switch (o->kind) {
    case LURON_INT: case LURON_AXIS: case LURON_ID: *(int64_t *)to = (int64_t)o->default_number; return LURON_OK;
    case LURON_FLOAT: *(double *)to = o->default_number; return LURON_OK;
    case LURON_BOOL: *(int32_t *)to = o->default_number != 0; return LURON_OK;
    case LURON_STRING: return set_string(ctx, to, o->default_string);
    case LURON_INITIALISER: return set_initialiser(ctx, o->name, o, to, o->default_string);
    case LURON_CHOICE:
        for (int32_t i = 0; o->default_string && o->choices[i]; i++)
            if (!strcmp(o->choices[i], o->default_string)) *(int32_t *)to = i;
        return LURON_OK;
    case LURON_FLOATS:
        for (int64_t i = 0; i < o->n_min; i++) ((luron_floats *)to)->at[i] = o->default_number;
        ((luron_floats *)to)->n = o->n_min;
        return LURON_OK;
    default:
        for (int64_t i = 0; i < o->n_min; i++) ((luron_ints *)to)->at[i] = (int64_t)o->default_number;
        ((luron_ints *)to)->n = o->n_min;
        return LURON_OK;
    }
}

/* ---- the whole struct ------------------------------------------------------------------------------------------ */
static int option_index(const luron_type *t, const char *name) {
    for (int i = 0; i < t->n_options; i++)
        if (!strcmp(t->options[i].name, name)) return i;
    return -1;
}

/* Arguments in the order given: those without a name take the options one after the other. */
static luron_status set_args(luron_ctx *ctx, const luron_type *t, const char *what, void *options, uint64_t *given,
                             int n_args, const luron_arg *args) {
    int position = 0;
    for (int k = 0; k < n_args; k++) {
        const luron_arg *a = &args[k];
        int i = a->name ? option_index(t, a->name) : position++;
        if (i < 0) return unknown(ctx, what, t, a->name);
        LURON__CHECK(ctx, i < t->n_options, LURON_E_ARGUMENT, "%s: %d option%s expected at most, got %d", what,
                     t->n_options, t->n_options == 1 ? "" : "s", n_args);
        LURON__CHECK(ctx, !(*given >> i & 1), LURON_E_ARGUMENT, "%s: %s: given twice", what, t->options[i].name);
        *given |= (uint64_t)1 << i;
        LURON_TRY(set(ctx, what, &t->options[i], options, a));
    }
    return LURON_OK;
}

static luron_status fill(luron_ctx *ctx, const luron_type *t, const char *what, void *options, const void *base,
                         int n_args, const luron_arg *args) {
    uint64_t given = 0;
    for (int i = 0; i < t->n_options; i++) {
        const luron_option *o = &t->options[i];
        if (owns_text(o) && base)
            LURON_TRY(set_string(ctx, member(options, o), *(const char *const *)member((void *)base, o)));
        else if (!base)
            LURON_TRY(set_default(ctx, o, options));
    }
    LURON_TRY(set_args(ctx, t, what, options, &given, n_args, args));
    for (int i = 0; i < t->n_options && !base; i++) {
        char want[TEXT];
        if ((t->options[i].flags & LURON_OPTION_REQUIRED) && !(given >> i & 1))
            return luron__fail(ctx, LURON_E_ARGUMENT, "%s: %s: %s expected, got nothing", what, t->options[i].name,
                               expected(want, ctx, &t->options[i]));
    }
    return LURON_OK;
}

luron_status luron__options_new(void **out, luron_ctx *ctx, const luron_type *type, const char *what, const void *base,
                                int n_args, const luron_arg *args) {
    void *options;
    LURON_TRY(luron__alloc(&options, ctx, struct_bytes(type)));
    if (base) { /* the strings of base stay its own */
        memcpy(options, base, struct_bytes(type));
        for (int i = 0; i < type->n_options; i++)
            if (owns_text(&type->options[i])) *(const char **)member(options, &type->options[i]) = NULL;
    }
    luron_status status = fill(ctx, type, what, options, base, n_args, args);
    if (status == LURON_OK)
        *out = options;
    else
        luron__options_free(ctx->pool, type, options);
    return status;
}

/* ---- a plugin is reloaded --------------------------------------------------------------------------------------- */
static luron_status rebind(luron_ctx *ctx, const luron_type *type, void *to, const luron_type *was, const void *from, luron__diffs *diffs) {
    for (int i = 0; i < type->n_options; i++) {
        const luron_option *o = &type->options[i];
        const int k = option_index(was, o->name);
        if (k < 0 && o->flags & LURON_OPTION_REQUIRED) {
            luron__diff(diffs, "option '%s' is new and required", o->name);
            continue;
        }
        const luron_arg a = luron__options_get(was, from, k);
        luron_status status = k < 0 ? set_default(ctx, o, to) : set(ctx, "", o, to, &a);
        if (status != LURON_OK && status != LURON_E_ARGUMENT) return status;
        if (status != LURON_OK) luron__diff(diffs, "option %s", ctx->error + strlen(": "));
    }
    for (int k = 0; k < was->n_options; k++)
        if (option_index(type, was->options[k].name) < 0) luron__diff(diffs, "option '%s' is gone", was->options[k].name);
    return LURON_OK;
}

luron_status luron__options_rebind(void **out, luron_ctx *ctx, const luron_type *type, const luron_type *was, const void *from, luron__diffs *diffs) {
    void *options;
    const int n = diffs->n;
    LURON_TRY(luron__alloc(&options, ctx, struct_bytes(type)));
    luron_status status = rebind(ctx, type, options, was, from, diffs);
    if (status != LURON_OK || diffs->n > n) {
        luron__options_free(ctx->pool, type, options);
        options = NULL;
    }
    *out = options;
    return status;
}

void luron__options_free(luron__pool *pool, const luron_type *type, void *options) {
    if (!options) return;
    for (int i = 0; i < type->n_options; i++)
        if (owns_text(&type->options[i])) luron__strfree(pool, *(char **)member(options, &type->options[i]));
    luron__pool_free(pool, options, struct_bytes(type));
}

luron_status luron__options_set(luron_ctx *ctx, const luron_type *type, const char *what, void *options,
                                const luron_arg *arg) {
    uint64_t given = 0;
    return set_args(ctx, type, what, options, &given, 1, arg);
}

luron_arg luron__options_get(const luron_type *type, const void *options, int i) {
    luron_arg a = { .kind = LURON_ARG_STRING };
    if (i < 0 || i >= type->n_options) return a;
    const luron_option *o = &type->options[i];
    const void *from = member((void *)options, o);
    a.name = o->name;
    if (is_integer(o))
        a.kind = LURON_ARG_INTEGER, a.integer = *(const int64_t *)from;
    else if (o->kind == LURON_FLOAT)
        a.kind = LURON_ARG_NUMBER, a.number = *(const double *)from;
    else if (o->kind == LURON_BOOL)
        a.kind = LURON_ARG_BOOLEAN, a.integer = *(const int32_t *)from;
    else if (owns_text(o))
        a.string = *(const char *const *)from;
    else if (o->kind == LURON_CHOICE)
        a.string = o->choices[*(const int32_t *)from];
    else if (o->kind == LURON_FLOATS)
        a.kind = LURON_ARG_FLOATS, a.floats = *(const luron_floats *)from;
    else if (((const luron_ints *)from)->n < 0)
        a.string = o->choices[-1 - ((const luron_ints *)from)->n];
    else
        a.kind = LURON_ARG_INTS, a.ints = *(const luron_ints *)from;
    return a;
}

const char *luron__options_text(char *buf, size_t n, const luron_ctx *ctx, const luron_type *type, const void *options) {
    if (!n) return buf;
    buf[0] = 0;
    int shown = 0;
    luron__append(buf, n, "%s", luron_type_name(type));
    for (int i = 0; i < type->n_options; i++) {
        char value[TEXT];
        luron_arg a = luron__options_get(type, options, i);
        if (type->options[i].kind == LURON_INITIALISER && !a.string) continue; /* says nothing */
        luron__append(buf, n, "%s%s = %s", shown++ ? ", " : " { ", a.name, arg_text(value, ctx, &type->options[i], &a));
    }
    if (shown) luron__append(buf, n, " }");
    return buf;
}
