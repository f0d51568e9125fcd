/* lua_profile.c -- where the time goes: what luron/bench_tool.lua prints. */
#include "lua_util.h"

static int l_profile_begin(lua_State *L) { return lr_done(L, luron_profile_begin(lr_ctx(L)), 0); }

static int l_profile_end(lua_State *L) {
    luron_profile_end(lr_ctx(L));
    return 0;
}

static void set_number(lua_State *L, const char *key, double value) {
    lua_pushnumber(L, value);
    lua_setfield(L, -2, key);
}
static void set_integer(lua_State *L, const char *key, int64_t value) {
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, key);
}
static void set_string(lua_State *L, const char *key, const char *value) {
    lua_pushstring(L, value);
    lua_setfield(L, -2, key);
}

/* profile_parts(): a list of tables with the members of luron_profile_part; seconds of the whole. */
static int l_profile_parts(lua_State *L) {
    static const char *const kinds[] = {"layer", "backward", "optimizer"};
    luron_profile_part p;
    lua_settop(L, 0);
    lua_newtable(L);
    for (int i = 0; luron_profile_at(&p, lr_ctx(L), i); i++) {
        lua_createtable(L, 0, 10);
        set_string(L, "kind", kinds[p.kind]);
        set_string(L, "name", p.name);
        set_string(L, "type", p.type);
        set_integer(L, "calls", p.calls);
        set_integer(L, "backward_calls", p.backward_calls);
        set_number(L, "forward", p.forward);
        set_number(L, "backward", p.backward);
        set_number(L, "forward_flops", p.forward_flops);
        set_number(L, "backward_flops", p.backward_flops);
        set_number(L, "bytes", p.bytes);
        lua_rawseti(L, 1, i + 1);
    }
    lua_pushnumber(L, luron_profile_seconds(lr_ctx(L)));
    return 2;
}

static const luaL_Reg functions[] = {
    {"profile_begin", l_profile_begin},
    {"profile_end", l_profile_end},
    {"profile_parts", l_profile_parts},
    {NULL, NULL},
};

void lr_open_profile(lua_State *L) { lr_setfuncs(L, functions); }
