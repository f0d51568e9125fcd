/* lua_scope.c -- luron.scope: tensors that live no longer than a function runs. */
#include "lua_util.h"

static int keep(lua_State *L, int set, int depth) {
    int found = 0;
    luaL_checkstack(L, 6, "tables too deep");
    if (lr_test(L, -1, &lr_tensor_key)) {
        lua_pushvalue(L, -1);
        lua_pushboolean(L, 1);
        lua_rawset(L, set);
        return 1;
    }
    if (!lua_istable(L, -1) || depth == 16) return 0;
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        found |= keep(L, set, depth + 1);
        lua_pop(L, 1);
    }
    return found;
}

int lr_scope_keep(lua_State *L, int idx) { return keep(L, idx, 0); }

static int guard_close(lua_State *L) {
    lr_state *S = lr_get(L);
    int *before = lua_touserdata(L, 1);
    if (*before == LUA_REFNIL) return 0;
    luaL_unref(L, LUA_REGISTRYINDEX, S->scope);
    S->scope = *before;
    *before = LUA_REFNIL;
    return 0;
}

void lr_scope_begin(lua_State *L) {
    lr_state *S = lr_get(L);
    luaL_checkstack(L, 6, "too many arguments");
    int *before = lua_newuserdatauv(L, sizeof *before, 0);
    *before = LUA_REFNIL;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, guard_close);
    lua_setfield(L, -2, "__close");
    lua_setmetatable(L, -2);
    lua_insert(L, 1);
    lua_toclose(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_insert(L, 2);
    int ref = luaL_ref(L, LUA_REGISTRYINDEX);
    *before = S->scope;
    S->scope = ref;
}

void lr_scope_end(lua_State *L) {
    lua_pushcfunction(L, guard_close);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 0);
}

void lr_scope_close(lua_State *L, int list, int keep) {
    lr_state *S = lr_get(L);
    lua_Integer n = (lua_Integer)lua_rawlen(L, list), kept = 0;
    lua_rawgeti(L, LUA_REGISTRYINDEX, S->scope);
    int outer = lua_istable(L, -1) ? lua_gettop(L) : 0;
    if (outer) kept = (lua_Integer)lua_rawlen(L, outer);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, list, i);
        void **box = lr_test(L, -1, &lr_tensor_key);
        lua_pushvalue(L, -1);
        if (!keep || lua_rawget(L, keep) == LUA_TNIL) {
            luron_tensor *t = *box;
            *box = NULL;
            luron_tensor_unref(t);
        } else if (outer) {
            lua_pushvalue(L, -2);
            lua_rawseti(L, outer, ++kept);
        }
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
    lr_drain(L, S);
}

static int l_scope(lua_State *L) {
    lr_callable(L, 1, "function");
    lr_scope_begin(L);
    lua_newtable(L);
    lua_insert(L, 3); /* guard, list, set to keep, function, arguments */
    lua_call(L, lua_gettop(L) - 4, LUA_MULTRET);
    int top = lua_gettop(L);
    luaL_checkstack(L, 8, "too many results");
    for (int i = 4; i <= top; i++) {
        lua_pushvalue(L, i);
        lr_scope_keep(L, 3);
        lua_pop(L, 1);
    }
    lr_scope_end(L);
    lr_scope_close(L, 2, 3);
    return top - 3;
}

void lr_open_scope(lua_State *L) {
    lua_pushcfunction(L, l_scope);
    lr_name_function(L, "scope");
    lua_setfield(L, -2, "scope");
}
