/* lua_types.c -- what plugins register: lists, help texts, loading. */
#include "lua_util.h"

#include <stdio.h>
#include <string.h>

static luron_kind kind_at(lua_State *L, int arg) {
    static const char *const names[] = { "layer", "optim", "format", NULL };
    const char *name = lua_isnoneornil(L, arg) ? "layer" : lr_string(L, arg, "kind");
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0) return (luron_kind)i;
    lr_typeerror(L, arg, "kind", "'layer', 'optim' or 'format'");
    return LURON_KIND_LAYER;
}

/* types([kind[, loaded]]): names of all types of all plugins on the path; loaded: of those that are loaded by now. */
static int l_types(lua_State *L) {
    luron_ctx *ctx = lr_ctx(L);
    luron_kind kind = kind_at(L, 1);
    luron_status status = lr_opt_boolean(L, 2, "loaded", 0) ? LURON_OK : luron_plugin_load_all(ctx);
    if (status != LURON_OK) return lr_raise(L, status);
    const luron_type *type;
    lua_newtable(L);
    for (int i = 0; (type = luron_type_at(ctx, kind, i)); i++) {
        lua_pushstring(L, luron_type_name(type));
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* ---- help -------------------------------------------------------------------------------------------------------------- */
static void add_number(luaL_Buffer *b, double v) {
    char text[40];
    snprintf(text, sizeof text, "%.10g", v);
    luaL_addstring(b, text);
}

static void add_default(luaL_Buffer *b, const luron_option *o) {
    if (o->kind == LURON_BOOL)
        luaL_addstring(b, o->default_number != 0 ? "true" : "false");
    else if (o->kind == LURON_INITIALISER)
        luaL_addstring(b, o->default_string ? o->default_string : "nil");
    else if ((o->kind == LURON_INTS || o->kind == LURON_FLOATS) && o->n_min == 0)
        luaL_addstring(b, "nil");
    else if (o->kind == LURON_STRING || o->kind == LURON_CHOICE) {
        luaL_addstring(b, "\"");
        luaL_addstring(b, o->default_string ? o->default_string : o->choices && o->choices[0] ? o->choices[0] : "");
        luaL_addstring(b, "\"");
    } else {
        double shift = (o->kind == LURON_AXIS || o->kind == LURON_ID) && o->default_number >= 0;
        add_number(b, o->default_number + shift);
    }
}

static void add_option(luaL_Buffer *b, const luron_option *o) {
    const luron_option shown = lr_shown_option(o);
    static const char *const kinds[] = { "", "integer", "number", "boolean", "string", "choice", "integers", "dim", "id", "initialiser", "numbers" };
    char line[96];
    snprintf(line, sizeof line, "\n  %-16s %s", o->name, o->kind <= LURON_FLOATS ? kinds[o->kind] : "?");
    luaL_addstring(b, line);
    if (o->flags & LURON_OPTION_REQUIRED) {
        luaL_addstring(b, ", required");
    } else {
        luaL_addstring(b, ", default ");
        add_default(b, o);
    }
    for (int i = 0; o->choices && o->choices[i]; i++) {
        luaL_addstring(b, i ? ", \"" : "; one of \"");
        luaL_addstring(b, o->choices[i]);
        luaL_addstring(b, "\"");
    }
    if (o->min < o->max) {
        luaL_addstring(b, "; from ");
        add_number(b, shown.min);
        luaL_addstring(b, " to ");
        add_number(b, shown.max);
    }
    luaL_addstring(b, o->doc && *o->doc ? ": " : "");
    luaL_addstring(b, o->doc ? o->doc : "");
}

static void add_ports(luaL_Buffer *b, const char *title, const luron_type *type, const luron_port *(*at)(const luron_type *, int)) {
    const luron_port *port;
    for (int i = 0; (port = at(type, i)); i++) {
        luaL_addstring(b, "\n  ");
        luaL_addstring(b, title);
        luaL_addstring(b, " ");
        luaL_addstring(b, port->name);
        luaL_addstring(b, port->flags & LURON_PORT_OPTIONAL ? " (optional)" : port->flags & LURON_PORT_VARIADIC ? " (one or more)" : "");
        luaL_addstring(b, port->doc && *port->doc ? ": " : "");
        luaL_addstring(b, port->doc ? port->doc : "");
    }
}

static void push_help(lua_State *L, const luron_type *type, luron_kind kind) {
    const luron_option *o;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    luaL_addstring(&b, luron_type_name(type));
    luaL_addstring(&b, "(");
    if (kind == LURON_KIND_OPTIM) luaL_addstring(&b, "parameters, { ");
    for (int i = 0; (o = luron_type_option(type, i)); i++) {
        if (i) luaL_addstring(&b, ", ");
        luaL_addstring(&b, o->name);
        if (o->flags & LURON_OPTION_REQUIRED) continue;
        luaL_addstring(&b, " = ");
        add_default(&b, o);
    }
    luaL_addstring(&b, kind == LURON_KIND_OPTIM ? " })" : ")");
    if (luron_type_doc(type)) {
        luaL_addstring(&b, "\n  ");
        luaL_addstring(&b, luron_type_doc(type));
    }
    if (luron_type_function(type)) {
        luaL_addstring(&b, "\n  as a function: nn.");
        luaL_addstring(&b, luron_type_function(type));
    }
    for (int i = 0; (o = luron_type_option(type, i)); i++) add_option(&b, o);
    add_ports(&b, "input", type, luron_type_in);
    add_ports(&b, "output", type, luron_type_out);
    luaL_addstring(&b, "\n  from plugin ");
    luaL_addstring(&b, luron_type_plugin(type) ? luron_type_plugin(type) : "?");
    luaL_addstring(&b, " ");
    luaL_addstring(&b, luron_type_plugin_version(type) ? luron_type_plugin_version(type) : "");
    luaL_pushresult(&b);
}

/* help([name]): the text about a layer, function, optimiser or format, or nil and why there is none; without a name the list of all. */
static int l_help(lua_State *L) {
    luron_ctx *ctx = lr_ctx(L);
    const luron_type *type = NULL;
    if (!lua_isnoneornil(L, 1)) {
        const char *name = lr_string(L, 1, "name");
        static const luron_kind kinds[] = { LURON_KIND_LAYER, LURON_KIND_OPTIM, LURON_KIND_FORMAT };
        for (int i = 0; i < 3; i++)
            if (luron_type_find(&type, ctx, kinds[i], name) == LURON_OK) return push_help(L, type, kinds[i]), 1;
        if (luron_function_find(&type, ctx, name) == LURON_OK) return push_help(L, type, LURON_KIND_LAYER), 1;
        luron_status status = luron_type_find(&type, ctx, LURON_KIND_LAYER, name);
        if (status != LURON_E_NOT_FOUND) return lr_raise(L, status);
        lua_pushnil(L);
        lua_pushstring(L, luron_ctx_error(ctx));
        return 2;
    }
    static const char *const titles[] = { "layers (nn.NAME)", "optimisers (luron.optim.NAME)", "file formats" };
    luron_status status = luron_plugin_load_all(ctx);
    if (status != LURON_OK) return lr_raise(L, status);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (int k = 0; k < 3; k++) {
        luaL_addstring(&b, k ? "\n" : "");
        luaL_addstring(&b, titles[k]);
        luaL_addstring(&b, ":");
        for (int i = 0; (type = luron_type_at(ctx, (luron_kind)k, i)); i++) {
            luaL_addstring(&b, i ? ", " : " ");
            luaL_addstring(&b, luron_type_name(type));
        }
    }
    luaL_pushresult(&b);
    return 1;
}

/* ---- a type as a table -------------------------------------------------------------------------------------------------- */
static void set_text(lua_State *L, const char *key, const char *text) {
    lua_pushstring(L, text);
    lua_setfield(L, -2, key);
}
static void set_integer(lua_State *L, const char *key, lua_Integer value) {
    lua_pushinteger(L, value);
    lua_setfield(L, -2, key);
}
static void set_flag(lua_State *L, const char *key, int on) {
    if (!on) return;
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, key);
}

/* { name =, kind =, doc =, required =, default =, min =, max =, choices =, n_min =, n_max = }; axes and ids from 1. */
static void push_option(lua_State *L, const luron_option *o) {
    static const char *const kinds[] = { "?", "int", "float", "bool", "string", "choice", "ints", "axis", "id", "initialiser", "floats" };
    const luron_option shown = lr_shown_option(o);
    const int whole = o->kind == LURON_INT || o->kind == LURON_INTS || o->kind == LURON_AXIS || o->kind == LURON_ID;
    lua_newtable(L);
    set_text(L, "name", o->name);
    set_text(L, "doc", o->doc);
    set_text(L, "kind", o->kind <= LURON_FLOATS ? kinds[o->kind] : kinds[0]);
    if (o->flags & LURON_OPTION_GRADIENT) set_flag(L, "gradient", 1);
    if (o->flags & LURON_OPTION_REQUIRED) set_flag(L, "required", 1);
    else if (o->kind == LURON_STRING || o->kind == LURON_CHOICE)
        set_text(L, "default", o->default_string ? o->default_string : o->choices && o->choices[0] ? o->choices[0] : "");
    else {
        const double shift = (o->kind == LURON_AXIS || o->kind == LURON_ID) && o->default_number >= 0;
        if (o->kind == LURON_BOOL) lua_pushboolean(L, o->default_number != 0);
        else if (whole) lua_pushinteger(L, (lua_Integer)(o->default_number + shift));
        else lua_pushnumber(L, o->default_number);
        lua_setfield(L, -2, "default");
    }
    if (o->min < o->max) {
        lua_pushnumber(L, shown.min);
        lua_setfield(L, -2, "min");
        lua_pushnumber(L, shown.max);
        lua_setfield(L, -2, "max");
    }
    if (o->kind == LURON_INTS || o->kind == LURON_FLOATS) set_integer(L, "n_min", o->n_min), set_integer(L, "n_max", o->n_max);
    if (!o->choices) return;
    lua_newtable(L);
    for (int i = 0; o->choices[i]; i++) {
        lua_pushstring(L, o->choices[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "choices");
}

/* { name =, doc =, dtype = (nil: as the layer is; ids: nil is any integer), ndim = (nil: any), optional =, variadic =, index =, mask = } */
static void push_ports(lua_State *L, const luron_type *type, const luron_port *(*at)(const luron_type *, int)) {
    const luron_port *port;
    lua_newtable(L);
    for (int i = 0; (port = at(type, i)); i++) {
        lua_newtable(L);
        set_text(L, "name", port->name);
        set_text(L, "doc", port->doc);
        if (port->dtype) set_text(L, "dtype", luron_dtype_name(port->dtype));
        if (port->ndim) set_integer(L, "ndim", port->ndim);
        set_flag(L, "optional", port->flags & LURON_PORT_OPTIONAL);
        set_flag(L, "variadic", port->flags & LURON_PORT_VARIADIC);
        set_flag(L, "index", port->flags & LURON_PORT_INDEX);
        set_flag(L, "mask", port->flags & LURON_PORT_MASK);
        lua_rawseti(L, -2, i + 1);
    }
}

static void push_flags(lua_State *L, const luron_type *type, luron_kind kind) {
    const uint32_t flags = luron_type_flags(type);
    lua_newtable(L);
    if (kind == LURON_KIND_LAYER) {
        set_flag(L, "loss", flags & LURON_LAYER_LOSS);
        set_flag(L, "f64", flags & LURON_LAYER_F64);
        set_flag(L, "random", flags & LURON_LAYER_RANDOM);
        set_flag(L, "frees_in", flags & LURON_LAYER_FREES_IN);
        set_flag(L, "frees_out", flags & LURON_LAYER_FREES_OUT);
        set_flag(L, "gemm_last", flags & LURON_LAYER_GEMM_LAST);
    }
    set_flag(L, "whole", kind == LURON_KIND_OPTIM && flags & LURON_OPTIM_WHOLE);
    set_flag(L, "own_file", kind == LURON_KIND_FORMAT && flags & LURON_FORMAT_OWN_FILE);
    set_flag(L, "sealed", kind == LURON_KIND_FORMAT && flags & LURON_FORMAT_SEALED);
}

static void push_names(lua_State *L, const luron_type *type) {
    const luron_option *o;
    lua_newtable(L);
    for (int i = 0; (o = luron_type_option(type, i)); i++) {
        lua_pushstring(L, o->name);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "options");
    lua_newtable(L);
    for (int i = 0; (o = luron_type_option(type, i)); i++) {
        push_option(L, o);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "schema");
    const luron_port *port;
    lua_newtable(L);
    for (int i = 0; (port = luron_type_in(type, i)); i++) {
        lua_pushstring(L, port->name);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "inputs");
}

/* type_info(kind, name): options in order, ports, flags, plugin. */
static int l_type_info(lua_State *L) {
    const luron_type *type = NULL;
    luron_kind kind = kind_at(L, 1);
    luron_status status = luron_type_find(&type, lr_ctx(L), kind, lr_string(L, 2, "name"));
    if (status != LURON_OK) return lr_nil(L, status);
    const char *const texts[][2] = {
        { "name", luron_type_name(type) }, { "function_name", luron_type_function(type) }, { "doc", luron_type_doc(type) },
        { "plugin", luron_type_plugin(type) }, { "plugin_version", luron_type_plugin_version(type) }, { "plugin_path", luron_type_plugin_path(type) },
    };
    lua_newtable(L);
    for (int i = 0; i < (int)(sizeof texts / sizeof *texts); i++) set_text(L, texts[i][0], texts[i][1]);
    lua_pushfstring(L, "%d.%d", (int)LURON_ABI_MAJOR, luron_type_plugin_abi(type));
    lua_setfield(L, -2, "abi");
    lua_pushboolean(L, kind == LURON_KIND_LAYER && (luron_type_flags(type) & LURON_LAYER_LOSS));
    lua_setfield(L, -2, "is_loss");
    push_names(L, type);
    push_ports(L, type, luron_type_in);
    lua_setfield(L, -2, "ports");
    push_ports(L, type, luron_type_out);
    lua_setfield(L, -2, "outputs");
    push_flags(L, type, kind);
    lua_setfield(L, -2, "flags");
    lua_newtable(L);
    set_flag(L, "elementwise", luron_type_forms(type) & LURON_FORM_ELEMENTWISE);
    set_flag(L, "fused", luron_type_forms(type) & LURON_FORM_FUSED);
    set_flag(L, "compose", luron_type_forms(type) & LURON_FORM_COMPOSE);
    lua_setfield(L, -2, "forms");
    return 1;
}

/* ---- plugins ------------------------------------------------------------------------------------------------------------- */
/* load_plugin(path): true, or nil, message, code. */
static int l_load_plugin(lua_State *L) {
    luron_status status = luron_plugin_load(lr_ctx(L), lr_string(L, 1, "path"));
    if (status != LURON_OK) return lr_nil(L, status);
    lua_pushboolean(L, 1);
    return 1;
}

/* reload(name): true, or nil, message, code if the file is refused. Garbage is no reason to refuse it, nor are the layers
 * that functions keep. */
static int l_reload(lua_State *L) {
    lr_state *S = lr_get(L);
    const char *name = lr_string(L, 1, "name");
    lua_gc(L, LUA_GCCOLLECT);
    lr_drain(L, S);
    lr_close_kept(S);
    luron_status status = luron_plugin_reload(S->ctx, name);
    if (status == LURON_E_PLUGIN) return lr_nil(L, status);
    if (status != LURON_OK) return lr_raise(L, status);
    lua_pushboolean(L, 1);
    return 1;
}

/* plugins(): { path =, refused = } for every file on the path. */
static int l_plugins(lua_State *L) {
    luron_ctx *ctx = lr_ctx(L);
    luron_status status = luron_plugin_load_all(ctx);
    if (status != LURON_OK) return lr_raise(L, status);
    const char *path, *reason = NULL;
    lua_newtable(L);
    for (int i = 0; (path = luron_plugin_file(ctx, i, &reason)); i++) {
        lua_newtable(L);
        set_text(L, "path", path);
        if (reason) set_text(L, "refused", reason);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int l_plugin_index(lua_State *L) {
    luron_status status = luron_plugin_index(lr_ctx(L), lr_string(L, 1, "folder"));
    return lr_done(L, status, 0);
}

static const luaL_Reg functions[] = {
    { "types", l_types }, { "help", l_help }, { "type_info", l_type_info }, { "load_plugin", l_load_plugin }, { "reload", l_reload },
    { "plugins", l_plugins },
    { "plugin_index", l_plugin_index }, { NULL, NULL },
};

void lr_open_types(lua_State *L) {
    lr_setfuncs(L, functions);
}
