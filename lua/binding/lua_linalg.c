/* lua_linalg.c -- luron.linalg, and diagonals and products of vectors as functions and methods. */
#include "lua_util.h"

/* ---- luron.linalg ---------------------------------------------------------------------------------------------------- */
static int one_of(lua_State *L, luron_status (*fn)(luron_tensor **, luron_ctx *, luron_tensor *)) {
    lua_settop(L, 1);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *a = lr_tensor(L, 1, "a");
    return lr_done(L, fn(out, lr_ctx(L), a), 1);
}

static int two_of(lua_State *L, luron_status (*fn)(luron_tensor **, luron_tensor **, luron_ctx *, luron_tensor *)) {
    lua_settop(L, 1);
    luron_tensor **first = lr_new_tensor(L), **second = lr_new_tensor(L);
    luron_tensor *a = lr_tensor(L, 1, "a");
    return lr_done(L, fn(first, second, lr_ctx(L), a), 2);
}

static int l_inverse(lua_State *L) { return one_of(L, luron_inverse); }
static int l_det(lua_State *L) { return one_of(L, luron_det); }
static int l_cholesky(lua_State *L) { return one_of(L, luron_cholesky); }
static int l_slogdet(lua_State *L) { return two_of(L, luron_slogdet); }
static int l_qr(lua_State *L) { return two_of(L, luron_qr); }
static int l_eigh(lua_State *L) { return two_of(L, luron_eigh); }

static int l_svd(lua_State *L) {
    lua_settop(L, 1);
    luron_tensor **u = lr_new_tensor(L), **s = lr_new_tensor(L), **vh = lr_new_tensor(L);
    luron_tensor *a = lr_tensor(L, 1, "a");
    return lr_done(L, luron_svd(u, s, vh, lr_ctx(L), a), 3);
}

static int l_solve(lua_State *L) {
    lua_settop(L, 2);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *a = lr_tensor(L, 1, "a"), *b = lr_tensor(L, 2, "b");
    return lr_done(L, luron_solve(out, lr_ctx(L), a, b), 1);
}

/* solve_triangular(a, b, upper[, unitriangular]) */
static int l_solve_triangular(lua_State *L) {
    lua_settop(L, 4);
    luron_tensor **out = lr_new_tensor(L);
    if (!lua_isboolean(L, 3)) return lr_typeerror(L, 3, "upper", "boolean");
    int upper = lua_toboolean(L, 3), unit = lr_opt_boolean(L, 4, "unitriangular", 0);
    luron_tensor *a = lr_tensor(L, 1, "a"), *b = lr_tensor(L, 2, "b");
    return lr_done(L, luron_solve_triangular(out, lr_ctx(L), a, b, upper, unit), 1);
}

/* ---- diagonals and products of vectors --------------------------------------------------------------------------------- */
static int64_t offset_at(lua_State *L, int arg) { return lua_isnil(L, arg) ? 0 : lr_integer(L, arg, "offset"); }

/* diagonal([offset[, dim1, dim2]]) */
static int l_diagonal(lua_State *L) {
    lua_settop(L, 4);
    luron_tensor **out = lr_new_tensor(L);
    int64_t offset = offset_at(L, 2);
    int dim1 = lua_isnil(L, 3) ? 0 : lr_dim(L, 3, "dim1"), dim2 = lua_isnil(L, 4) ? 1 : lr_dim(L, 4, "dim2");
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_diagonal(out, lr_ctx(L), x, offset, dim1, dim2), 1);
}

static int l_diag(lua_State *L) {
    lua_settop(L, 2);
    luron_tensor **out = lr_new_tensor(L);
    int64_t offset = offset_at(L, 2);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_diag(out, lr_ctx(L), x, offset), 1);
}

static int l_trace(lua_State *L) { return one_of(L, luron_trace); }

static int of_vectors(lua_State *L, luron_status (*fn)(luron_tensor **, luron_ctx *, luron_tensor *, luron_tensor *)) {
    lua_settop(L, 2);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *a = lr_tensor(L, 1, "tensor"), *b = lr_tensor(L, 2, "other");
    return lr_done(L, fn(out, lr_ctx(L), a, b), 1);
}

static int l_outer(lua_State *L) { return of_vectors(L, luron_outer); }
static int l_dot(lua_State *L) { return of_vectors(L, luron_dot); }

static const luaL_Reg linalg[] = {
    { "solve", l_solve }, { "solve_triangular", l_solve_triangular }, { "inverse", l_inverse }, { "det", l_det }, { "slogdet", l_slogdet },
    { "cholesky", l_cholesky }, { "qr", l_qr }, { "svd", l_svd }, { "eigh", l_eigh }, { NULL, NULL },
};
static const luaL_Reg methods[] = {
    { "diagonal", l_diagonal }, { "diag", l_diag }, { "trace", l_trace }, { "outer", l_outer }, { "dot", l_dot }, { NULL, NULL },
};

void lr_open_linalg(lua_State *L) {
    lua_newtable(L);
    lr_setfuncs(L, linalg);
    lua_setfield(L, -2, "linalg");
    lr_setfuncs(L, methods);
    for (const luaL_Reg *f = methods; f->name; f++) {
        lua_getfield(L, -1, f->name);
        lr_add_method(L, f->name);
        lua_pop(L, 1);
    }
}
