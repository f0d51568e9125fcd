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

/* types([kind]): names of all types of all plugins on the path. */
static int l_types(lua_State *L) {
    luron_ctx *ctx = lr_ctx(L);
    luron_kind kind = kind_at(L, 1);
    luron_status status = luron_plugin_load_all(ctx);
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
    static const char *const kinds[] = { "", "integer", "number", "boolean", "string", "choice", "integers", "dim", "id", "initialiser" };
    char line[96];
    snprintf(line, sizeof line, "\n  %-16s %s", o->name, o->kind <= LURON_INITIALISER ? kinds[o->kind] : "?");
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
        add_number(b, o->min);
        luaL_addstring(b, " to ");
        add_number(b, o->max);
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

/* help([name]): the text about a layer, function, optimiser or format; without a name the list of all. */
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
        return lr_raise(L, status);
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
    luaL_addstring(&b, "\nluron.help \"Linear\" tells about one of them");
    luaL_pushresult(&b);
    return 1;
}

/* type_info(kind, name): a table for tools and tests: options in order, ports, plugin. */
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
    for (int i = 0; i < (int)(sizeof texts / sizeof *texts); i++) {
        lua_pushstring(L, texts[i][1]);
        lua_setfield(L, -2, texts[i][0]);
    }
    lua_pushboolean(L, kind == LURON_KIND_LAYER && (luron_type_flags(type) & LURON_LAYER_LOSS));
    lua_setfield(L, -2, "is_loss");
    const luron_option *o;
    lua_newtable(L);
    for (int i = 0; (o = luron_type_option(type, i)); i++) {
        lua_pushstring(L, o->name);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "options");
    const luron_port *port;
    lua_newtable(L);
    for (int i = 0; (port = luron_type_in(type, i)); i++) {
        lua_pushstring(L, port->name);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "inputs");
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

static int l_plugin_index(lua_State *L) {
    luron_status status = luron_plugin_index(lr_ctx(L), lr_string(L, 1, "folder"));
    return lr_done(L, status, 0);
}

static const luaL_Reg functions[] = {
    { "types", l_types }, { "help", l_help }, { "type_info", l_type_info }, { "load_plugin", l_load_plugin },
    { "plugin_index", l_plugin_index }, { NULL, NULL },
};

void lr_open_types(lua_State *L) {
    lr_setfuncs(L, functions);
}
