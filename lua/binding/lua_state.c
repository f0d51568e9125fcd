/* lua_state.c -- the state behind a lua_State, and what kind a userdata is of: both are asked for in every call. */
#include "lua_util.h"

#include <stdatomic.h>

const char lr_keys[LR_KINDS];
const char lr_state_key, lr_names_key, lr_methods_key;

/* What this thread found last, by the address of the registry, which one lua_State has as long as it lives. When any state
 * goes all threads look anew: another could have the address. */
static atomic_ulong n_gone;
static _Thread_local struct found {
    const void *registry;
    unsigned long n_gone;
    lr_state *S;
} found;

lr_state *lr_peek(lua_State *L) {
    const void *registry = lua_topointer(L, LUA_REGISTRYINDEX);
    const unsigned long gone = atomic_load_explicit(&n_gone, memory_order_acquire);
    struct found *last = &found;
    if (last->registry == registry && last->n_gone == gone) return last->S;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lr_state_key);
    lr_state **box = lua_touserdata(L, -1);
    lua_pop(L, 1);
    if (!box || !*box || !(*box)->ctx) return NULL;
    *last = (struct found) { registry, gone, *box };
    return *box;
}

void lr_forget_state(void) { atomic_fetch_add_explicit(&n_gone, 1, memory_order_release); }

lr_state *lr_get(lua_State *L) {
    lr_state *S = lr_peek(L);
    if (!S) luaL_error(L, "luron is closed: the Lua state is ending");
    S->running = L;
    if (S->noting && lua_status(S->noting) != LUA_OK) lr_leave_noting(L, S); /* what others do is no part of the step */
    return S;
}

void *lr_userdata_in(lua_State *L, lr_state *S, int idx, const char *key) {
    void *data = lua_touserdata(L, idx);
    if (!data || lua_type(L, idx) != LUA_TUSERDATA || !lua_getmetatable(L, idx)) return NULL;
    if (!S) S = lr_peek(L);
    const uintptr_t kind = (uintptr_t)key - (uintptr_t)lr_keys;
    const void *is = lua_topointer(L, -1);
    if (S && kind < LR_KINDS && S->metatables[kind]) {
        lua_pop(L, 1);
        return is == S->metatables[kind] ? data : NULL;
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, key);
    const int same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    if (same && S && kind < LR_KINDS) S->metatables[kind] = is;
    return same ? data : NULL;
}
void *lr_userdata(lua_State *L, int idx, const char *key) { return lr_userdata_in(L, NULL, idx, key); }

void **lr_test(lua_State *L, int idx, const char *key) {
    return lr_userdata(L, idx, key) ? lr_slot(L, idx) : NULL;
}
