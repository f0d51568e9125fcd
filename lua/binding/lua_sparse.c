/* lua_sparse.c -- sparse products for lua/luron/sparse.lua, which has the objects. A structure is a table with the fields of
 * luron_csr.                                                                                                             */
#include "lua_util.h"

/* The structure at arg; its tensors are left on the stack. */
static luron_csr structure(lua_State *L, int arg) {
    static const char *const names[] = { "offsets", "cols", "order", "offsets_t", "cols_t", "order_t" };
    luron_csr a = { 0 };
    luron_tensor **to[] = { &a.offsets, &a.cols, &a.order, &a.offsets_t, &a.cols_t, &a.order_t };
    luaL_checkstack(L, 8, NULL);
    luaL_checktype(L, arg, LUA_TTABLE);
    for (int i = 0; i < 6; i++) {
        lua_getfield(L, arg, names[i]);
        *to[i] = lr_to_tensor(L, -1);
    }
    lua_getfield(L, arg, "n_cols");
    a.n_cols = lua_tointeger(L, -1);
    return a;
}

/* matmul(structure, values or nil, x) */
static int l_matmul(lua_State *L) {
    lua_settop(L, 3);
    luron_csr a = structure(L, 1);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *values = lua_isnil(L, 2) ? NULL : lr_tensor(L, 2, "values"), *x = lr_tensor(L, 3, "x");
    return lr_done(L, luron_csr_matmul(out, lr_ctx(L), &a, values, x), 1);
}

/* sample(structure, g, x) */
static int l_sample(lua_State *L) {
    lua_settop(L, 3);
    luron_csr a = structure(L, 1);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *g = lr_tensor(L, 2, "g"), *x = lr_tensor(L, 3, "x");
    return lr_done(L, luron_csr_sample(out, lr_ctx(L), &a, g, x), 1);
}

/* transpose(structure) -> offsets_t, cols_t, order_t */
static int l_transpose(lua_State *L) {
    lua_settop(L, 1);
    luron_csr a = structure(L, 1);
    luron_tensor **offsets = lr_new_tensor(L), **cols = lr_new_tensor(L), **order = lr_new_tensor(L);
    return lr_done(L, luron_csr_transpose(offsets, cols, order, lr_ctx(L), &a), 3);
}

/* from_coo(rows, cols, n_rows, n_cols) -> offsets, cols, place */
static int l_from_coo(lua_State *L) {
    lua_settop(L, 4);
    int64_t n_rows = lr_integer(L, 3, "rows"), n_cols = lr_integer(L, 4, "columns");
    luron_tensor **offsets = lr_new_tensor(L), **cols = lr_new_tensor(L), **place = lr_new_tensor(L);
    luron_tensor *row_ids = lr_tensor(L, 1, "rows"), *col_ids = lr_tensor(L, 2, "cols");
    return lr_done(L, luron_csr_from_coo(offsets, cols, place, lr_ctx(L), row_ids, col_ids, n_rows, n_cols), 3);
}

static const luaL_Reg functions[] = {
    { "matmul", l_matmul }, { "sample", l_sample }, { "transpose", l_transpose }, { "from_coo", l_from_coo }, { NULL, NULL },
};

void lr_open_sparse(lua_State *L) {
    lua_newtable(L);
    for (const luaL_Reg *f = functions; f->name; f++) { /* their names in messages are the caller's */
        lua_pushcfunction(L, f->func);
        lua_setfield(L, -2, f->name);
    }
    lua_setfield(L, -2, "sparse");
}
