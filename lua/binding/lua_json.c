/* JSON for what checkpoints and data files keep as text: history, class names, states of loaders. By jansson. */
#include "lua_util.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64 };

/* ---- encoding: no Lua error while a json_t is held; what is wrong is noted and raised at the end ------------------------ */
static json_t *encode(lua_State *L, int idx, int depth, const char **wrong);

/* A reader of JSON may refuse such a string; the one here does. */
static int has_zero(lua_State *L, int idx) { return strlen(lua_tostring(L, idx)) != lua_rawlen(L, idx); }

static json_t *encode_list(lua_State *L, int idx, lua_Integer n, int depth, const char **wrong) {
    json_t *list = json_array();
    for (lua_Integer i = 1; i <= n && list; i++) {
        lua_rawgeti(L, idx, i);
        json_t *item = encode(L, lua_gettop(L), depth + 1, wrong);
        lua_pop(L, 1);
        if (!item || json_array_append_new(list, item) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *encode_object(lua_State *L, int idx, int depth, const char **wrong) {
    json_t *object = json_object();
    lua_pushnil(L);
    while (object && lua_next(L, idx)) {
        json_t *item = NULL;
        if (lua_type(L, -2) != LUA_TSTRING) *wrong = "a table has both names and positions, or positions with holes";
        else if (has_zero(L, -2)) *wrong = "a name has a zero byte in it";
        else item = encode(L, lua_gettop(L), depth + 1, wrong);
        if (!item || json_object_set_new(object, lua_tostring(L, -2), item) != 0) {
            if (!*wrong) *wrong = "a name is not UTF-8";
            json_decref(object);
            lua_pop(L, 2);
            return NULL;
        }
        lua_pop(L, 1);
    }
    return object;
}

static json_t *encode_table(lua_State *L, int idx, int depth, const char **wrong) {
    if (depth > MAX_DEPTH || !lua_checkstack(L, 8)) {
        *wrong = "tables nested too deep, or in a circle";
        return NULL;
    }
    lua_Integer n = (lua_Integer)lua_rawlen(L, idx), count = 0;
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) count++;
    return n > 0 && n == count ? encode_list(L, idx, n, depth, wrong) : encode_object(L, idx, depth, wrong);
}

static json_t *encode(lua_State *L, int idx, int depth, const char **wrong) {
    json_t *value = NULL;
    const char *otherwise = "number, string, boolean or table expected";
    switch (lua_type(L, idx)) {
    case LUA_TBOOLEAN: value = json_boolean(lua_toboolean(L, idx)); break;
    case LUA_TSTRING:
        if (!has_zero(L, idx)) value = json_stringn(lua_tostring(L, idx), lua_rawlen(L, idx));
        otherwise = has_zero(L, idx) ? "a string has a zero byte in it" : "a string is not UTF-8";
        break;
    case LUA_TNUMBER:
        value = lua_isinteger(L, idx) ? json_integer(lua_tointeger(L, idx)) : json_real(lua_tonumber(L, idx));
        otherwise = "a number is not finite";
        break;
    case LUA_TTABLE: value = encode_table(L, idx, depth, wrong); break;
    default: break;
    }
    if (!value && !*wrong) *wrong = otherwise;
    return value;
}

/* json_encode(value): text */
static int l_encode(lua_State *L) {
    const char *wrong = NULL;
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    char **box = lua_newuserdatauv(L, sizeof *box, 0); /* the text goes with it, for pushing may raise for want of memory */
    *box = NULL;
    lua_getfield(L, LUA_REGISTRYINDEX, "luron.json.text");
    lua_setmetatable(L, -2);
    json_t *value = encode(L, 1, 0, &wrong);
    *box = value ? json_dumps(value, JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;
    json_decref(value);
    if (!*box) return lr_error(L, "JSON: %s", wrong ? wrong : "not enough memory");
    lua_pushstring(L, *box);
    return 1;
}

static int text_gc(lua_State *L) {
    char **box = lua_touserdata(L, 1);
    free(*box);
    *box = NULL;
    return 0;
}

/* ---- decoding ------------------------------------------------------------------------------------------------------------ */
static void push(lua_State *L, const json_t *value) {
    luaL_checkstack(L, 8, "JSON nested too deep");
    const char *key;
    json_t *item;
    size_t i;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        lua_newtable(L);
        json_object_foreach((json_t *)value, key, item) {
            push(L, item);
            lua_setfield(L, -2, key);
        }
        break;
    case JSON_ARRAY:
        lua_createtable(L, (int)(json_array_size(value) < 65536 ? json_array_size(value) : 65536), 0);
        json_array_foreach(value, i, item) {
            push(L, item);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        break;
    case JSON_STRING: lua_pushlstring(L, json_string_value(value), json_string_length(value)); break;
    case JSON_INTEGER: lua_pushinteger(L, json_integer_value(value)); break;
    case JSON_REAL: lua_pushnumber(L, json_real_value(value)); break;
    case JSON_TRUE: lua_pushboolean(L, 1); break;
    case JSON_FALSE: lua_pushboolean(L, 0); break;
    case JSON_NULL: lua_pushnil(L); break;
    }
}

static int value_gc(lua_State *L) {
    json_t **box = lua_touserdata(L, 1);
    json_decref(*box);
    *box = NULL;
    return 0;
}

static int depth_of(const json_t *value, int limit) {
    int deepest = 0, depth;
    const char *key;
    json_t *item;
    size_t i;
    if (limit == 0) return 1;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, key, item) {
            depth = depth_of(item, limit - 1);
            if (depth > deepest) deepest = depth;
        }
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, item) {
            depth = depth_of(item, limit - 1);
            if (depth > deepest) deepest = depth;
        }
    }
    return deepest + 1;
}

/* json_decode(text): value; nil, message for a text that is no JSON. null is nil. */
static int l_decode(lua_State *L) {
    size_t n;
    json_error_t error;
    const char *text = luaL_checklstring(L, 1, &n);
    json_t **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    lua_getfield(L, LUA_REGISTRYINDEX, "luron.json.value");
    lua_setmetatable(L, -2);
    *box = json_loadb(text, n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (!*box) {
        lua_pushnil(L);
        lua_pushfstring(L, "JSON: line %d: %s", error.line, error.text);
        return 2;
    }
    if (depth_of(*box, MAX_DEPTH + 1) > MAX_DEPTH) {
        lua_pushnil(L);
        lua_pushliteral(L, "JSON: nested too deep");
        return 2;
    }
    push(L, *box);
    return 1;
}

static void new_metatable(lua_State *L, const char *name, lua_CFunction gc) {
    luaL_newmetatable(L, name);
    lua_pushcfunction(L, gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}

void lr_push_json(lua_State *L, const char *text) {
    lua_pushcfunction(L, l_decode);
    lua_pushstring(L, text);
    lua_call(L, 1, 1);
}

void lr_open_json(lua_State *L) {
    static const luaL_Reg functions[] = { { "json_encode", l_encode }, { "json_decode", l_decode }, { NULL, NULL } };
    new_metatable(L, "luron.json.text", text_gc);
    new_metatable(L, "luron.json.value", value_gc);
    lr_setfuncs(L, functions);
}
