/* lua_tensor.c -- the tensor userdata: box, accessors, conversions to Lua, changes in place. */
#include "lua_util.h"

#include <stdio.h>

/* The metatable of shapes is kept under the address of this. */
static const char shape_key = 0;

/* A list like any other, except that it prints as (2, 3): shapes are what one looks at when something does not fit. */
static int t_shape(lua_State *L) {
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    int n = luron_tensor_ndim(t);
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lua_pushinteger(L, luron_tensor_size(t, i));
        lua_rawseti(L, -2, i + 1);
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &shape_key);
    lua_setmetatable(L, -2);
    return 1;
}

static int shape_tostring(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    luaL_addchar(&b, '(');
    for (lua_Integer i = 1; i <= n; i++) {
        if (i > 1) luaL_addstring(&b, ", ");
        lua_rawgeti(L, 1, i);
        luaL_tolstring(L, -1, NULL); /* whoever changed the list may have put anything in */
        lua_remove(L, -2);
        luaL_addvalue(&b);
    }
    luaL_addstring(&b, n == 1 ? ",)" : ")");
    luaL_pushresult(&b);
    return 1;
}

static int t_strides(lua_State *L) {
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    int n = luron_tensor_ndim(t);
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lua_pushinteger(L, luron_tensor_strides(t)[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int t_size(lua_State *L) {
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    if (lua_isnoneornil(L, 2)) return t_shape(L);
    int dim = lr_dim(L, 2, "dim"), n = luron_tensor_ndim(t);
    if (dim >= n || dim < -n) return lr_argerror(L, 2, "dim: the tensor has %d dims, got %I", n, lua_tointeger(L, 2));
    lua_pushinteger(L, luron_tensor_size(t, dim));
    return 1;
}

static int t_dim(lua_State *L) {
    lua_pushinteger(L, luron_tensor_ndim(lr_tensor(L, 1, "tensor")));
    return 1;
}

static int t_numel(lua_State *L) {
    lua_pushinteger(L, luron_tensor_numel(lr_tensor(L, 1, "tensor")));
    return 1;
}

static int t_dtype(lua_State *L) {
    lua_pushstring(L, luron_dtype_name(luron_tensor_dtype(lr_tensor(L, 1, "tensor"))));
    return 1;
}

static int t_is_floating(lua_State *L) {
    lua_pushboolean(L, luron_dtype_is_float(luron_tensor_dtype(lr_tensor(L, 1, "tensor"))));
    return 1;
}

static int t_version(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)luron_tensor_version(lr_tensor(L, 1, "tensor")));
    return 1;
}

static int t_is_contiguous(lua_State *L) {
    lua_pushboolean(L, luron_tensor_is_contiguous(lr_tensor(L, 1, "tensor")));
    return 1;
}

static int t_is_shared(lua_State *L) {
    luron_tensor *a = lr_tensor(L, 1, "tensor"), *b = lr_tensor(L, 2, "other");
    lua_pushboolean(L, luron_tensor_is_shared(a, b));
    return 1;
}

/* Are the two boxes of one tensor? (every access to layer.weight makes a new box) */
static int t_is_same(lua_State *L) {
    luron_tensor *a = lr_tensor(L, 1, "tensor"), *b = lr_tensor(L, 2, "other");
    lua_pushboolean(L, a == b);
    return 1;
}

/* A key for tables: equal for boxes of one tensor, while the tensor lives. */
static int t_id(lua_State *L) {
    lua_pushlightuserdata(L, lr_tensor(L, 1, "tensor"));
    return 1;
}

static int t_len(lua_State *L) {
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    if (luron_tensor_ndim(t) == 0) return lr_argerror(L, 1, "a tensor without dims has no length; x:item() is its number");
    lua_pushinteger(L, luron_tensor_size(t, 0));
    return 1;
}

static int t_item(lua_State *L) {
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    uint32_t dtype = luron_tensor_dtype(t);
    if (luron_dtype_is_float(dtype)) {
        double v = 0;
        luron_status status = luron_tensor_item(&v, lr_ctx(L), t);
        if (status != LURON_OK) return lr_raise(L, status);
        lua_pushnumber(L, v);
    } else {
        int64_t v = 0;
        luron_status status = luron_tensor_item_int(&v, lr_ctx(L), t);
        if (status != LURON_OK) return lr_raise(L, status);
        if (dtype == LURON_B8)
            lua_pushboolean(L, v != 0);
        else
            lua_pushinteger(L, v);
    }
    return 1;
}

void lr_push_element(lua_State *L, const void *data, uint32_t dtype, int64_t at) {
    switch (dtype) {
    case LURON_F64: lua_pushnumber(L, ((const double *)data)[at]); break;
    case LURON_I64: lua_pushinteger(L, ((const int64_t *)data)[at]); break;
    case LURON_B8: lua_pushboolean(L, ((const uint8_t *)data)[at] != 0); break;
    default: lua_pushnil(L); break;
    }
}

void lr_refuse_reading(lua_State *L, const luron_tensor *t, const char *how) {
    luron_status status = luron_tracer_reads(lr_ctx(L), t, how);
    if (status != LURON_OK) lr_raise(L, status);
}

static void push_nested(lua_State *L, int dim, int ndim, const int64_t *shape, const void *data, uint32_t dtype, int64_t *at) {
    if (dim == ndim) {
        lr_push_element(L, data, dtype, (*at)++);
        return;
    }
    luaL_checkstack(L, 4, NULL);
    lua_createtable(L, shape[dim] < (1 << 26) ? (int)shape[dim] : 0, 0);
    for (int64_t i = 0; i < shape[dim]; i++) {
        push_nested(L, dim + 1, ndim, shape, data, dtype, at);
        lua_rawseti(L, -2, i + 1);
    }
}

static int t_totable(lua_State *L) {
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    uint32_t dtype = luron_tensor_dtype(t), as = luron_dtype_is_float(dtype) ? LURON_F64 : dtype == LURON_B8 ? LURON_B8 : LURON_I64;
    int ndim = luron_tensor_ndim(t);
    lr_refuse_reading(L, t, "totable");
    int64_t shape[LURON_MAX_DIMS], n = luron_tensor_numel(t), at = 0;
    for (int i = 0; i < ndim; i++) shape[i] = luron_tensor_size(t, i);
    void *data = lua_newuserdatauv(L, (size_t)n * (size_t)luron_dtype_size(as) + 1, 0);
    luron_status status = luron_tensor_read(lr_ctx(L), lr_tensor(L, 1, "tensor"), as, data);
    if (status != LURON_OK) return lr_raise(L, status);
    push_nested(L, 0, ndim, shape, data, as, &at);
    return 1;
}

static int t_tobytes(lua_State *L) {
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    uint32_t dtype = luron_tensor_dtype(t);
    size_t n = (size_t)luron_tensor_numel(t) * (size_t)luron_dtype_size(dtype);
    lr_refuse_reading(L, t, "tobytes");
    luaL_Buffer b;
    char *to = luaL_buffinitsize(L, &b, n);
    luron_status status = luron_tensor_read(lr_ctx(L), lr_tensor(L, 1, "tensor"), dtype, to);
    if (status != LURON_OK) return lr_raise(L, status);
    luaL_pushresultsize(&b, n);
    return 1;
}

/* "loss " .. loss */
static int t_concat(lua_State *L) {
    luron_tensor *a = lr_to_tensor(L, 1), *b = lr_to_tensor(L, 2);
    if (a && b) return lr_error(L, "'..' joins strings: join tensors with luron.cat({ a, b }, dim)");
    int which = a ? 1 : 2;
    luron_tensor *t = a ? a : b;
    if (t) lr_refuse_reading(L, t, "..");
    if (!t || !lua_isstring(L, 3 - which)) return lr_typeerror(L, 3 - which, "other side of '..'", "string");
    if (luron_tensor_numel(t) != 1)
        return lr_error(L, "'..' takes a tensor of one element, got one of %I; use tostring(x)", (lua_Integer)luron_tensor_numel(t));
    char text[64];
    double v = 0;
    int64_t whole = 0;
    int real = luron_dtype_is_float(luron_tensor_dtype(t));
    luron_status status = real ? luron_tensor_item(&v, lr_ctx(L), t) : luron_tensor_item_int(&whole, lr_ctx(L), t);
    if (status != LURON_OK) return lr_raise(L, status);
    if (luron_tensor_dtype(t) == LURON_B8)
        snprintf(text, sizeof text, "%s", whole ? "true" : "false");
    else if (real)
        snprintf(text, sizeof text, "%.6g", v);
    else
        snprintf(text, sizeof text, "%lld", (long long)whole);
    lua_pushvalue(L, 3 - which);
    lua_pushstring(L, text);
    if (which == 1) lua_rotate(L, -2, 1);
    lua_concat(L, 2);
    return 1;
}

static int no_order(lua_State *L) {
    return lr_error(L, "'<' and '<=' give one boolean in Lua: compare tensors with x:lt(y), x:le(y), x:gt(y), x:ge(y)");
}

/* ---- rows: for i, row in pairs(x) ---------------------------------------------------------------------------------------- */
static int next_row(lua_State *L) {
    lua_Integer i = lr_integer_in(L, 2, "row", 0, LUA_MAXINTEGER - 1) + 1;
    lua_settop(L, 1);
    lua_pushinteger(L, i);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    if (luron_tensor_ndim(t) == 0 || i > luron_tensor_size(t, 0)) return 0;
    return lr_done(L, luron_select(out, lr_ctx(L), t, 0, i - 1), 2);
}

static int t_pairs(lua_State *L) {
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    if (luron_tensor_ndim(t) == 0) return lr_argerror(L, 1, "a tensor without dims has no rows");
    lua_pushcfunction(L, next_row);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

/* ---- in place ---------------------------------------------------------------------------------------------------------------- */
static int in_place(lua_State *L, luron_status status) {
    if (status != LURON_OK) return lr_raise(L, status);
    lua_settop(L, 1);
    return 1;
}

luron_status lr_fill(lua_State *L, luron_tensor *t, int idx) {
    luron_ctx *ctx = lr_ctx(L);
    if (lua_isboolean(L, idx)) return luron_tensor_fill(ctx, t, lua_toboolean(L, idx));
    const lua_Integer most = (lua_Integer)1 << 53, v = lua_tointeger(L, idx);
    if (!lua_isinteger(L, idx) || luron_tensor_dtype(t) != LURON_I64 || (v >= -most && v <= most)) return luron_tensor_fill(ctx, t, lua_tonumber(L, idx));
    luron_tensor *whole = NULL; /* no double holds it */
    luron_status status = luron_scalar_int(&whole, ctx, v);
    if (status == LURON_OK) status = luron_tensor_copy(ctx, t, whole);
    luron_tensor_unref(whole);
    return status;
}

static int t_fill(lua_State *L) {
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    if (!lua_isboolean(L, 2)) lr_number(L, 2, "value");
    return in_place(L, lr_fill(L, t, 2));
}

static int t_zero(lua_State *L) {
    return in_place(L, luron_tensor_fill(lr_ctx(L), lr_tensor(L, 1, "tensor"), 0));
}

static int t_copy(lua_State *L) {
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    if (lua_type(L, 2) == LUA_TNUMBER) return t_fill(L);
    luron_tensor *src = lr_tensor(L, 2, "source");
    return in_place(L, luron_tensor_copy(lr_ctx(L), t, src));
}

static int t_uniform(lua_State *L) {
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    double a = lr_opt_number(L, 2, "from", 0), b = lr_opt_number(L, 3, "to", 1);
    return in_place(L, luron_tensor_uniform(lr_ctx(L), t, a, b));
}

static int t_normal(lua_State *L) {
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    double mean = lr_opt_number(L, 2, "mean", 0), deviation = lr_opt_number(L, 3, "deviation", 1);
    return in_place(L, luron_tensor_normal(lr_ctx(L), t, mean, deviation));
}

static int t_bernoulli(lua_State *L) {
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    double p = lr_opt_number(L, 2, "p", 0.5);
    return in_place(L, luron_tensor_bernoulli(lr_ctx(L), t, p));
}

/* tensor_set_dtype(x, dtype): in place, for `to` of instances */
static int l_set_dtype(lua_State *L) {
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    return in_place(L, luron_tensor_set_dtype(lr_ctx(L), t, lr_dtype(L, 2, "dtype")));
}

static const luaL_Reg methods[] = {
    { "shape", t_shape }, { "strides", t_strides }, { "size", t_size }, { "dim", t_dim }, { "numel", t_numel },
    { "dtype", t_dtype }, { "is_floating", t_is_floating }, { "version", t_version }, { "is_contiguous", t_is_contiguous },
    { "is_shared", t_is_shared }, { "is_same", t_is_same }, { "id", t_id }, { "item", t_item },
    { "totable", t_totable }, { "tobytes", t_tobytes }, { "fill_", t_fill }, { "zero_", t_zero }, { "copy_", t_copy },
    { "uniform_", t_uniform }, { "normal_", t_normal }, { "bernoulli_", t_bernoulli }, { NULL, NULL },
};
static const luaL_Reg meta[] = {
    { "__len", t_len }, { "__pairs", t_pairs }, { "__concat", t_concat }, { "__lt", no_order }, { "__le", no_order },
    { "__tostring", lr_tensor_tostring }, { "__newindex", lr_tensor_newindex }, { NULL, NULL },
};

static int l_is_tensor(lua_State *L) {
    void **box = lr_test(L, 1, &lr_tensor_key);
    lua_pushboolean(L, box && *box);
    return 1;
}

void lr_open_tensor(lua_State *L) {
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, shape_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "luron.shape");
    lua_setfield(L, -2, "__name");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &shape_key);
    lr_metatable(L, &lr_tensor_key, "luron.tensor");
    lr_setfuncs(L, methods);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &lr_methods_key);
    lua_getfield(L, -3, "methods");
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "tensor");
    lua_pop(L, 1);
    lua_pushcclosure(L, lr_tensor_index, 1);
    lua_setfield(L, -2, "__index");
    lr_setfuncs(L, meta);
    lua_pop(L, 1);
    lua_pushcfunction(L, l_set_dtype);
    lua_setfield(L, -2, "tensor_set_dtype");
    lua_pushcfunction(L, l_is_tensor);
    lr_name_function(L, "is_tensor");
    lua_setfield(L, -2, "is_tensor");
}
