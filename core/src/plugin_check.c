/* plugin_check.c -- judges a plugin's descriptor from its data alone and copies it into structs of the host.
 *
 * A struct may be longer than ours (a newer header: what we do not know is ignored) but never shorter than the 1.0
 * layout; fields that a plugin does not know read as 0. */
#include "registry.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Sizes of the 1.0 layout: up to the end of the last field that 1.0 has. */
#define SIZE_1_0(type, last) ((uint32_t)(offsetof(type, last) + sizeof(((type *)NULL)->last)))
#define LAYER_1_0 SIZE_1_0(luron_layer_type, elementwise)
#define ELEMENTWISE_1_0 SIZE_1_0(luron_elementwise, derive)
#define OPTIM_1_0 SIZE_1_0(luron_optim_type, step)
#define FORMAT_1_0 SIZE_1_0(luron_format_type, write)
#define OPTION_1_0 SIZE_1_0(luron_option, n_max)
#define PORT_1_0 SIZE_1_0(luron_port, ndim)
#define PLUGIN_1_0 SIZE_1_0(luron_plugin, init)
#define MAX_NAME 63
#define MAX_CHOICES 64
#define MAX_STATE 16
#define MAX_SCALARS 64

typedef struct judge {
    luron_ctx *ctx;
    const char *instead_of; /* plugin whose types are going to be replaced, NULL: none */
    char subject[200]; /* "layer type 'Linear': option 'bias': " */
} judge;

LURON_PRINTF(2, 3) static luron_status refuse(const judge *j, const char *fmt, ...) {
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 32) *p = '?';
    return luron__fail(j->ctx, LURON_E_PLUGIN, "%s%s", j->subject, text);
}

bool luron__is_identifier(const char *s) {
    if (!s || !*s || (*s >= '0' && *s <= '9')) return false;
    size_t n = 0;
    for (; s[n]; n++) {
        char c = s[n];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!ok || n >= MAX_NAME) return false;
    }
    return true;
}

static luron_status check_name(const judge *j, const char *what, const char *name) {
    if (!name) return refuse(j, "%s: identifier expected, got NULL", what);
    if (!luron__is_identifier(name))
        return refuse(j, "%s: identifier of at most %d characters expected, got '%.70s'", what, MAX_NAME, name);
    return LURON_OK;
}

/* Copy what both sides know of a struct that begins with its size. */
static luron_status take(const judge *j, const char *what, void *to, size_t to_size, const void *from, uint32_t least) {
    uint32_t size;
    memcpy(&size, from, sizeof size);
    if (size < least)
        return refuse(j, "%s has %u bytes, at least %u expected (a struct_size that is not set?)", what, size, least);
    memcpy(to, from, size < to_size ? size : to_size);
    return LURON_OK;
}

/* Length of a NULL-terminated array of pointers, max + 1 if it is longer. */
static int count(const void *array, int max) {
    const void *const *p = array;
    int n = 0;
    while (p && n <= max && p[n]) n++;
    return n;
}

/* ---- options --------------------------------------------------------------------------------------------------- */
static uint32_t member_size(uint32_t kind) {
    switch (kind) {
    case LURON_INT: case LURON_AXIS: case LURON_ID: return sizeof(int64_t);
    case LURON_FLOAT: return sizeof(double);
    case LURON_BOOL: case LURON_CHOICE: return sizeof(int32_t);
    case LURON_STRING: return sizeof(const char *);
    case LURON_INTS: return sizeof(luron_ints);
    case LURON_FLOATS: return sizeof(luron_floats);
    case LURON_INITIALISER: return sizeof(luron_named_init);
    default: return 0;
    }
}

static uint32_t member_align(uint32_t kind) {
    return kind == LURON_BOOL || kind == LURON_CHOICE ? (uint32_t)_Alignof(int32_t)
        : kind == LURON_STRING || kind == LURON_INITIALISER ? (uint32_t)_Alignof(const char *) : (uint32_t)_Alignof(int64_t);
}

static luron_status check_choices(const judge *j, const luron_option *o) {
    int n = count(o->choices, MAX_CHOICES);
    if (n == 0) return refuse(j, "a choice without choices");
    if (n > MAX_CHOICES) return refuse(j, "more than %d choices", MAX_CHOICES);
    for (int i = 0; i < n; i++) {
        if (!luron__is_utf8(o->choices[i])) return refuse(j, "choice %d is not UTF-8", i + 1);
        for (int k = 0; k < i; k++)
            if (!strcmp(o->choices[i], o->choices[k])) return refuse(j, "choice '%s' is there twice", o->choices[i]);
    }
    for (int i = 0; o->default_string && i < n; i++)
        if (!strcmp(o->choices[i], o->default_string)) return LURON_OK;
    return o->default_string ? refuse(j, "default '%s' is none of its choices", o->default_string) : LURON_OK;
}

static luron_status check_default(const judge *j, const luron_option *o) {
    bool whole = o->kind == LURON_INT || o->kind == LURON_INTS || o->kind == LURON_AXIS || o->kind == LURON_ID;
    bool number = whole || o->kind == LURON_FLOAT || o->kind == LURON_FLOATS;
    if (isnan(o->min) || isnan(o->max) || o->min > o->max) return refuse(j, "range from %g to %g", o->min, o->max);
    if (o->flags & LURON_OPTION_REQUIRED) return LURON_OK;
    if (o->kind == LURON_STRING && o->default_string && !luron__is_utf8(o->default_string))
        return refuse(j, "its default is not UTF-8");
    luron_init init;
    if (o->kind == LURON_INITIALISER && o->default_string && luron__init_parse(&init, j->ctx, "default", o->default_string))
        return luron__wrap(j->ctx, LURON_E_PLUGIN, "%.*s", (int)strcspn(j->subject, ""), j->subject);
    if (whole && !(o->default_number == trunc(o->default_number) && fabs(o->default_number) <= 9007199254740992.0))
        return refuse(j, "default %g is no integer", o->default_number);
    if (o->kind == LURON_BOOL && o->default_number != 0 && o->default_number != 1)
        return refuse(j, "default of a boolean: 0 or 1 expected, got %g", o->default_number);
    /* A list that may be empty has no element by default. */
    bool used = number && !((o->kind == LURON_INTS || o->kind == LURON_FLOATS) && o->n_min == 0);
    if (used && o->min < o->max && !(o->default_number >= o->min && o->default_number <= o->max))
        return refuse(j, "default %g is outside the range from %g to %g", o->default_number, o->min, o->max);
    return LURON_OK;
}

static luron_status check_option(judge *j, const luron_type *t, int i, uint64_t options_size) {
    const luron_option *o = &t->options[i];
    size_t at = strlen(j->subject);
    char what[48];
    snprintf(what, sizeof what, "name of option %d", i + 1);
    LURON_TRY(check_name(j, what, o->name));
    snprintf(j->subject + at, sizeof j->subject - at, "option '%s': ", o->name);
    uint32_t size = member_size(o->kind);
    if (!size) return refuse(j, "unknown kind %u", o->kind);
    if ((uint64_t)o->offset + size > options_size)
        return refuse(j, "its member at offset %u with %u bytes lies outside the options struct of %llu bytes",
                      o->offset, size, (unsigned long long)options_size);
    if (o->offset % member_align(o->kind)) return refuse(j, "its member at offset %u is misaligned", o->offset);
    for (int k = 0; k < i; k++) {
        const luron_option *p = &t->options[k];
        if (!strcmp(p->name, o->name)) return refuse(j, "there are two of this name");
        if (o->offset < p->offset + member_size(p->kind) && p->offset < o->offset + size)
            return refuse(j, "shares its member with option '%s'", p->name);
    }
    if (o->kind == LURON_CHOICE || (o->kind == LURON_INTS && o->choices)) LURON_TRY(check_choices(j, o));
    if ((o->kind == LURON_INTS || o->kind == LURON_FLOATS) && (o->n_min < 0 || o->n_max < 1 || o->n_min > o->n_max || o->n_max > 8))
        return refuse(j, "n_min %lld and n_max %lld: 0 <= n_min <= n_max <= 8 and n_max >= 1 expected",
                      (long long)o->n_min, (long long)o->n_max);
    LURON_TRY(check_default(j, o));
    j->subject[at] = 0;
    return LURON_OK;
}

static luron_status take_options(judge *j, luron_type *t, const luron_option *const *from, uint64_t options_size) {
    int n = count(from, LURON__MAX_OPTIONS);
    if (n > LURON__MAX_OPTIONS) return refuse(j, "more than %d options", LURON__MAX_OPTIONS);
    if (n && !options_size) return refuse(j, "options_size is missing: it has %d option%s", n, n == 1 ? "" : "s");
    if (options_size > LURON__MAX_OPTIONS_SIZE)
        return refuse(j, "options_size %llu is above %d", (unsigned long long)options_size, LURON__MAX_OPTIONS_SIZE);
    if (!n) return LURON_OK;
    LURON_TRY(luron__alloc(&t->options, j->ctx, (size_t)n * sizeof *t->options));
    t->n_options = n;
    for (int i = 0; i < n; i++) {
        LURON_TRY(take(j, "a luron_option", &t->options[i], sizeof *t->options, from[i], OPTION_1_0));
        LURON_TRY(check_option(j, t, i, options_size));
    }
    return LURON_OK;
}

/* ---- ports ----------------------------------------------------------------------------------------------------- */
static luron_status check_port(judge *j, const luron_port *ports, int i, int n, bool is_out) {
    const luron_port *p = &ports[i];
    const char *side = is_out ? "output" : "input";
    char what[48];
    snprintf(what, sizeof what, "name of %s port %d", side, i + 1);
    LURON_TRY(check_name(j, what, p->name));
    for (int k = 0; k < i; k++)
        if (!strcmp(ports[k].name, p->name))
            return refuse(j, "%s port '%s': there are two of this name", side, p->name);
    if (p->dtype != LURON_REAL && !luron_dtype_size(p->dtype))
        return refuse(j, "%s port '%s': unknown dtype 0x%x", side, p->name, p->dtype);
    bool whole = !p->dtype || p->dtype == LURON_I64 || p->dtype == LURON_I32 || p->dtype == LURON_U8;
    if (p->flags & LURON_PORT_INDEX && !whole)
        return refuse(j, "%s port '%s': ids are int64, int32 or uint8, got %s", side, p->name,
                      luron_dtype_name(p->dtype));
    if (p->flags & LURON_PORT_MASK && (p->dtype != LURON_REAL || p->flags & LURON_PORT_INDEX))
        return refuse(j, "%s port '%s': a mask has dtype LURON_REAL and holds no ids", side, p->name);
    if (p->ndim < 0 || p->ndim > LURON_MAX_DIMS)
        return refuse(j, "%s port '%s': ndim from 0 to %d expected, got %d", side, p->name, LURON_MAX_DIMS, p->ndim);
    if ((p->flags & LURON_PORT_VARIADIC) && i + 1 < n)
        return refuse(j, "%s port '%s': only the last port can be variadic", side, p->name);
    if (is_out && (p->flags & (LURON_PORT_OPTIONAL | LURON_PORT_VARIADIC)))
        return refuse(j, "output port '%s': an output is neither optional nor variadic", p->name);
    return LURON_OK;
}

/* from NULL: one port of the layer's dtype. */
static luron_status take_ports(judge *j, luron_port **ports, int *n_ports, const luron_port *const *from, bool is_out) {
    const luron_port one = { sizeof one, 0, is_out ? "output" : "input", NULL, LURON_REAL, 0 };
    const luron_port *const standard[] = { &one, NULL };
    if (!from) from = standard;
    int n = count(from, LURON__MAX_PORTS);
    if (n > LURON__MAX_PORTS) return refuse(j, "more than %d %s ports", LURON__MAX_PORTS, is_out ? "output" : "input");
    if (!n) return is_out ? refuse(j, "no output port") : LURON_OK;
    LURON_TRY(luron__alloc(ports, j->ctx, (size_t)n * sizeof **ports));
    *n_ports = n;
    for (int i = 0; i < n; i++) {
        LURON_TRY(take(j, "a luron_port", &(*ports)[i], sizeof **ports, from[i], PORT_1_0));
        LURON_TRY(check_port(j, *ports, i, n, is_out));
    }
    return LURON_OK;
}

/* ---- the three kinds ------------------------------------------------------------------------------------------- */
static luron_status begin(judge *j, const char *kind, int i, const char *name) {
    char what[48];
    snprintf(what, sizeof what, "name of %s %d", kind, i + 1);
    LURON_TRY(check_name(j, what, name));
    snprintf(j->subject, sizeof j->subject, "%s '%s': ", kind, name);
    return LURON_OK;
}

static luron_status take_layer(judge *j, luron_type *t, const void *from, int i) {
    luron_layer_type *l = &t->layer;
    LURON_TRY(take(j, "a luron_layer_type", l, sizeof *l, from, LAYER_1_0));
    LURON_TRY(begin(j, "layer type", i, l->name));
    if (l->function) LURON_TRY(check_name(j, "function", l->function));
    if (!l->elementwise && !l->forward && !l->compose)
        return refuse(j, "none of elementwise, forward and compose is there");
    if (l->forward && !l->backward) return refuse(j, "forward without backward");
    if (l->backward && !l->forward) return refuse(j, "backward without forward");
    if (l->forward_backward && !l->forward) return refuse(j, "forward_backward without forward and backward");
    if (l->elementwise && l->forward) return refuse(j, "elementwise and forward: one of the two expected");
    LURON_TRY(take_options(j, t, l->options, l->options_size));
    LURON_TRY(take_ports(j, &t->in, &t->n_in, l->in, false));
    LURON_TRY(take_ports(j, &t->out, &t->n_out, l->out, true));
    if (!l->setup && !t->n_in && !l->elementwise) return refuse(j, "a layer without inputs needs setup");
    if (!l->elementwise) return LURON_OK;
    LURON_TRY(take(j, "its luron_elementwise", &t->elementwise, sizeof t->elementwise, l->elementwise,
                   ELEMENTWISE_1_0));
    if (!t->elementwise.apply || !t->elementwise.derive)
        return refuse(j, "elementwise without %s", t->elementwise.apply ? "derive" : "apply");
    if (t->n_in != 1 || t->n_out != 1 || t->in[0].flags)
        return refuse(j, "elementwise with other ports than one input and one output");
    l->elementwise = &t->elementwise;
    return LURON_OK;
}

static luron_status check_names(const judge *j, const char *what, const char *const *names, int max) {
    int n = count(names, max);
    if (n > max) return refuse(j, "more than %d %s", max, what);
    for (int i = 0; i < n; i++) {
        LURON_TRY(check_name(j, what, names[i]));
        for (int k = 0; k < i; k++)
            if (!strcmp(names[i], names[k])) return refuse(j, "%s '%s' is there twice", what, names[i]);
    }
    return LURON_OK;
}

static luron_status take_optim(judge *j, luron_type *t, const void *from, int i) {
    luron_optim_type *o = &t->optim;
    LURON_TRY(take(j, "a luron_optim_type", o, sizeof *o, from, OPTIM_1_0));
    LURON_TRY(begin(j, "optimiser type", i, o->name));
    if (!o->step) return refuse(j, "step is missing");
    LURON_TRY(check_names(j, "state", o->state, MAX_STATE));
    LURON_TRY(check_names(j, "scalars", o->scalars, MAX_SCALARS));
    return take_options(j, t, o->options, o->options_size);
}

static luron_status take_format(judge *j, luron_type *t, const void *from, int i) {
    luron_format_type *f = &t->format;
    LURON_TRY(take(j, "a luron_format_type", f, sizeof *f, from, FORMAT_1_0));
    LURON_TRY(begin(j, "format", i, f->name));
    if (f->over) LURON_TRY(check_name(j, "over", f->over));
    if (!f->read && !f->write) return refuse(j, "neither read nor write is there");
    return take_options(j, t, f->options, f->options_size);
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */
/* The type that has the name already and will go on to have it. */
static const luron_type *taken(const judge *j, const luron__want *want) {
    const luron_type *other = luron__registered(j->ctx, want);
    return other && j->instead_of && !strcmp(other->plugin, j->instead_of) ? NULL : other;
}

static luron_status check_duplicate(const judge *j, const luron_type *t, luron_type *const *types, int n,
                                    const luron_plugin *plugin) {
    const luron__want name = { t->kind, luron__type_title(t), false }, function = { t->kind, t->layer.function, true };
    for (int i = 0; i < n; i++) {
        if (types[i]->kind != t->kind) continue;
        if (!strcmp(luron__type_title(types[i]), name.name))
            return refuse(j, "there are two of this name in plugin '%s'", plugin->name);
        if (t->kind == LURON_KIND_LAYER && t->layer.function && types[i]->layer.function &&
            !strcmp(t->layer.function, types[i]->layer.function))
            return refuse(j, "function '%s' is that of '%s' too", t->layer.function, types[i]->layer.name);
    }
    const luron_type *other = taken(j, &name);
    if (other && !strcmp(other->plugin, plugin->name) && !strcmp(other->path, t->path))
        return refuse(j, "plugin '%s' is loaded already; the file has changed since: it can be reloaded", plugin->name);
    if (other)
        return refuse(j, "plugin '%s' cannot register it, plugin '%s' (%s) has it already", plugin->name, other->plugin,
                      other->path);
    other = t->kind == LURON_KIND_LAYER && t->layer.function ? taken(j, &function) : NULL;
    if (other)
        return refuse(j, "function '%s' of plugin '%s' is registered already by '%s' of plugin '%s' (%s)",
                      function.name, plugin->name, other->layer.name, other->plugin, other->path);
    return LURON_OK;
}

static luron_status take_type(judge *j, luron_type *t, luron_kind kind, const void *from, int i,
                              const luron_plugin *plugin, const char *path) {
    atomic_init(&t->refs, 1);
    t->kind = kind;
    t->pool = j->ctx->pool;
    t->abi_minor = plugin->abi_minor;
    LURON_TRY(luron__strdup(&t->plugin, j->ctx, plugin->name));
    LURON_TRY(luron__strdup(&t->plugin_version, j->ctx, plugin->version));
    LURON_TRY(luron__strdup(&t->path, j->ctx, path));
    return kind == LURON_KIND_LAYER ? take_layer(j, t, from, i) : kind == LURON_KIND_OPTIM ? take_optim(j, t, from,
            i) : take_format(j, t, from, i);
}

/* On failure the types made so far stay in types[0 .. *n): the caller releases them. */
static luron_status take_list(judge *j, luron_kind kind, const void *list, const luron_plugin *plugin, const char *path,
                              luron_type **types, int *n) {
    const void *const *from = list;
    int n_list = count(list, LURON__MAX_TYPES);
    if (*n + n_list > LURON__MAX_TYPES) return refuse(j, "more than %d types", LURON__MAX_TYPES);
    for (int i = 0; i < n_list; i++) {
        j->subject[0] = 0;
        LURON_TRY(luron__alloc(&types[*n], j->ctx, sizeof **types));
        *n += 1;
        LURON_TRY(take_type(j, types[*n - 1], kind, from[i], i, plugin, path));
        LURON_TRY(check_duplicate(j, types[*n - 1], types, *n - 1, plugin));
    }
    j->subject[0] = 0;
    return LURON_OK;
}

luron_status luron__plugin_judge(luron_ctx *ctx, const luron_plugin *from, const char *path, const char *instead_of,
                                 luron_plugin *plugin, luron_type **types, int *n) {
    judge j = { .ctx = ctx, .instead_of = instead_of };
    uint32_t head[3]; /* struct_size, abi_major, abi_minor: in this place in every major */
    memcpy(head, from, sizeof head);
    if (head[1] != LURON_ABI_MAJOR)
        return refuse(&j, "built for plugin ABI %u, this host has ABI %u.%u", head[1], LURON_ABI_MAJOR,
                      LURON_ABI_MINOR);
    if (head[2] > LURON_ABI_MINOR)
        return refuse(&j, "needs plugin ABI %u.%u or newer, this host has %u.%u", head[1], head[2], LURON_ABI_MAJOR,
                      LURON_ABI_MINOR);
    memset(plugin, 0, sizeof *plugin);
    LURON_TRY(take(&j, "its luron_plugin", plugin, sizeof *plugin, from, PLUGIN_1_0));
    LURON_TRY(check_name(&j, "name of the plugin", plugin->name));
    if (!plugin->version) plugin->version = "0";
    if (strlen(plugin->version) > MAX_NAME) return refuse(&j, "its version has more than %d characters", MAX_NAME);
    if (!luron__is_utf8(plugin->version)) return refuse(&j, "its version is not UTF-8");
    if (!count(plugin->layers, 1) && !count(plugin->optims, 1) && !count(plugin->formats, 1))
        return refuse(&j, "it lists no layer type, no optimiser and no format");
    luron_status status = take_list(&j, LURON_KIND_LAYER, plugin->layers, plugin, path, types, n);
    if (status == LURON_OK) status = take_list(&j, LURON_KIND_OPTIM, plugin->optims, plugin, path, types, n);
    if (status == LURON_OK) status = take_list(&j, LURON_KIND_FORMAT, plugin->formats, plugin, path, types, n);
    return status;
}
