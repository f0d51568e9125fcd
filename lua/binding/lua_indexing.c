/* lua_indexing.c -- writing and reducing at ids, segments, what is in a tensor and in which order, einsum. */
#include "lua_util.h"

#include <math.h>
#include <string.h>

/* The value at argument i for a tensor like x: a tensor as it is; a number, boolean or table becomes one of its dtype. */
static luron_tensor *value_at(lua_State *L, int i, const luron_tensor *x) {
    luron_ctx *ctx = lr_ctx(L);
    uint32_t dtype = luron_tensor_dtype(x);
    if (lua_istable(L, i)) {
        lr_tensor_from_lua(L, i, i, dtype);
        lua_replace(L, i);
    } else if (lua_isboolean(L, i) || lua_type(L, i) == LUA_TNUMBER) {
        luron_tensor **box = lr_new_tensor(L);
        luron_status status = luron_tensor_new(box, ctx, dtype, 0, NULL);
        if (status == LURON_OK) status = lr_fill(L, *box, i);
        if (status != LURON_OK) lr_raise(L, status);
        lua_replace(L, i);
    }
    luron_tensor *value = lr_to_tensor(L, i);
    if (!value) lr_typeerror(L, i, "source", "tensor, table or number");
    return value;
}

/* The tensor at argument i, or a number, which becomes one that takes part in promotion as a number. */
static void operand_at(lua_State *L, int i, const char *name) {
    if (lr_to_tensor(L, i)) return;
    if (lua_type(L, i) != LUA_TNUMBER) lr_typeerror(L, i, name, "tensor or number");
    luron_tensor **box = lr_new_tensor(L);
    luron_status status = lua_isinteger(L, i) ? luron_scalar_int(box, lr_ctx(L), lua_tointeger(L, i)) : luron_scalar(box, lr_ctx(L), lua_tonumber(L, i));
    if (status != LURON_OK) lr_raise(L, status);
    lua_replace(L, i);
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */
/* scatter(dim, ids, source): a number goes to all of them. */
static int l_scatter(lua_State *L) {
    lua_settop(L, 4);
    int dim = lr_dim(L, 2, "dim");
    lr_ids(L, 3);
    luron_tensor **out = lr_new_tensor(L), *wide = NULL, *x = lr_tensor(L, 1, "tensor");
    int number = lua_isboolean(L, 4) || lua_type(L, 4) == LUA_TNUMBER;
    luron_tensor *src = value_at(L, 4, x), *ids = lr_tensor(L, 3, "ids");
    x = lr_tensor(L, 1, "tensor");
    luron_status status = LURON_OK;
    if (number) status = luron_expand(&wide, lr_ctx(L), src, luron_tensor_ndim(ids), luron_tensor_shape(ids));
    if (status == LURON_OK) status = luron_scatter(out, lr_ctx(L), x, dim, ids, number ? wide : src);
    luron_tensor_unref(wide);
    lua_settop(L, 5);
    return lr_done(L, status, 1);
}

/* scatter_reduce(dim, ids, source, how[, include_self]) */
static int l_scatter_reduce(lua_State *L) {
    lua_settop(L, 6);
    int dim = lr_dim(L, 2, "dim"), include = lr_opt_boolean(L, 6, "include_self", 1);
    lr_ids(L, 3);
    int how = lr_how_to_reduce(L, 5);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor"), *ids = lr_tensor(L, 3, "ids"), *src = lr_tensor(L, 4, "source");
    return lr_done(L, luron_scatter_reduce(out, lr_ctx(L), x, dim, ids, src, how, include), 1);
}

static int l_index_copy(lua_State *L) {
    lua_settop(L, 4);
    int dim = lr_dim(L, 2, "dim");
    lr_ids(L, 3);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor"), *ids = lr_tensor(L, 3, "ids"), *src = lr_tensor(L, 4, "source");
    return lr_done(L, luron_index_copy(out, lr_ctx(L), x, dim, ids, src), 1);
}

static int l_index_fill(lua_State *L) {
    lua_settop(L, 4);
    int dim = lr_dim(L, 2, "dim");
    double value = lua_isboolean(L, 4) ? lua_toboolean(L, 4) : lr_number(L, 4, "value");
    lr_ids(L, 3);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor"), *ids = lr_tensor(L, 3, "ids");
    return lr_done(L, luron_index_fill(out, lr_ctx(L), x, dim, ids, value), 1);
}

/* The ids at argument i: a tensor, a list of tensors, or a list of lists, for a dim each. Tables of numbers in it become
 * tensors in a new list, which takes its place. */
static int ids_of_dims(lua_State *L, int i, luron_tensor **ids) {
    ids[0] = lr_to_tensor(L, i);
    if (ids[0]) return 1;
    if (!lua_istable(L, i)) return lr_typeerror(L, i, "ids", "list of tensors of ids");
    lua_Integer n = (lua_Integer)lua_rawlen(L, i);
    if (n < 1 || n > LURON_MAX_DIMS) return lr_argerror(L, i, "ids: a list of 1 to %d tensors of ids expected, got %I", LURON_MAX_DIMS, n);
    lua_createtable(L, (int)n, 0);
    for (lua_Integer k = 1; k <= n; k++) {
        if (lua_rawgeti(L, i, k) == LUA_TTABLE || lua_type(L, -1) == LUA_TNUMBER) {
            lr_tensor_from_lua(L, -1, i, LURON_I64);
            lua_remove(L, -2);
        }
        if (!lr_to_tensor(L, -1)) return lr_argerror(L, i, "ids: tensor or list of ids expected at [%I], got %s", k, lr_got(L, -1));
        lua_rawseti(L, -2, k);
    }
    lua_replace(L, i);
    for (lua_Integer k = 1; k <= n; k++) {
        lua_rawgeti(L, i, k);
        ids[k - 1] = lr_to_tensor(L, -1);
        lua_pop(L, 1);
    }
    return (int)n;
}

/* index_put({ ids, ... }, values[, accumulate]) */
static int l_index_put(lua_State *L) {
    luron_tensor *ids[LURON_MAX_DIMS];
    lua_settop(L, 4);
    int accumulate = lr_opt_boolean(L, 4, "accumulate", 0);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *values = value_at(L, 3, lr_tensor(L, 1, "tensor"));
    int n = ids_of_dims(L, 2, ids);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_index_put(out, lr_ctx(L), x, n, ids, values, accumulate), 1);
}

static int l_take(lua_State *L) {
    lua_settop(L, 2);
    lr_ids(L, 2);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor"), *ids = lr_tensor(L, 2, "ids");
    return lr_done(L, luron_take(out, lr_ctx(L), x, ids), 1);
}

static int l_masked_scatter(lua_State *L) {
    lua_settop(L, 3);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor"), *mask = lr_tensor(L, 2, "mask"), *src = lr_tensor(L, 3, "source");
    return lr_done(L, luron_masked_scatter(out, lr_ctx(L), x, mask, src), 1);
}

/* ---- x[ids] --------------------------------------------------------------------------------------------------------- */
static int is_id_tensor(lua_State *L, int idx) {
    luron_tensor *t = lr_test(L, idx, &lr_tensor_key) ? lr_to_tensor(L, idx) : NULL;
    uint32_t dtype = t ? luron_tensor_dtype(t) : 0;
    return dtype == LURON_I64 || dtype == LURON_I32 || dtype == LURON_U8;
}

int lr_is_ids(lua_State *L, int idx) {
    if (is_id_tensor(L, idx)) return 1;
    if (!lua_istable(L, idx)) return 0;
    lua_rawgeti(L, idx, 1);
    int is = lr_test(L, -1, &lr_tensor_key) != NULL;
    lua_pop(L, 1);
    return is;
}

/* The ids in brackets: a list there holds tensors alone, for { 1, 2 } in it is a range elsewhere. */
static int ids_in_brackets(lua_State *L, luron_tensor **ids) {
    lua_Integer n = lua_istable(L, 2) ? (lua_Integer)lua_rawlen(L, 2) : 0;
    for (lua_Integer k = 1; k <= n; k++) {
        lua_rawgeti(L, 2, k);
        if (!lr_to_tensor(L, -1)) return lr_error(L, "index: tensors of ids stand alone: one expected at [%I], got %s", k, lr_got(L, -1));
        lua_pop(L, 1);
    }
    return ids_of_dims(L, 2, ids);
}

int lr_ids_index(lua_State *L) {
    luron_tensor *ids[LURON_MAX_DIMS], **out = lr_new_tensor(L);
    int n = ids_in_brackets(L, ids);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_index(out, lr_ctx(L), x, n, ids), 1);
}

int lr_put(lua_State *L, int n, luron_tensor *const *ids) {
    if (!lua_isboolean(L, 3) && lua_type(L, 3) != LUA_TNUMBER && !lua_istable(L, 3) && !lr_to_tensor(L, 3))
        return lr_error(L, "x[i] = value: number, boolean, table or tensor expected, got %s", lr_got(L, 3));
    luron_tensor *values = value_at(L, 3, lr_tensor(L, 1, "tensor"));
    luron_status status = luron_tensor_put(lr_ctx(L), lr_tensor(L, 1, "tensor"), n, ids, values);
    return status == LURON_OK ? 0 : lr_raise_write(L, status, "x[i] = value");
}

int lr_ids_newindex(lua_State *L) {
    luron_tensor *ids[LURON_MAX_DIMS];
    int n = ids_in_brackets(L, ids);
    return lr_put(L, n, ids);
}

/* ---- segments ------------------------------------------------------------------------------------------------------- */
typedef luron_status (*segment_fn)(luron_tensor **, luron_ctx *, luron_tensor *, luron_tensor *, int64_t);
static int segment(lua_State *L, segment_fn fn) {
    lua_settop(L, 3);
    int64_t count = lr_integer_in(L, 3, "count", 0, LUA_MAXINTEGER);
    lr_ids(L, 2);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor"), *ids = lr_tensor(L, 2, "ids");
    return lr_done(L, fn(out, lr_ctx(L), x, ids, count), 1);
}
static int l_segment_sum(lua_State *L) { return segment(L, luron_segment_sum); }
static int l_segment_mean(lua_State *L) { return segment(L, luron_segment_mean); }
static int l_segment_max(lua_State *L) { return segment(L, luron_segment_max); }
static int l_segment_min(lua_State *L) { return segment(L, luron_segment_min); }

/* ids:bincount([weights[, min_length]]) */
static int l_bincount(lua_State *L) {
    lua_settop(L, 3);
    int64_t least = lua_isnil(L, 3) ? 0 : lr_integer_in(L, 3, "min_length", 0, LUA_MAXINTEGER);
    lr_ids(L, 1);
    luron_tensor **out = lr_new_tensor(L), *weights = lua_isnil(L, 2) ? NULL : lr_tensor(L, 2, "weights");
    luron_tensor *ids = lr_tensor(L, 1, "ids");
    return lr_done(L, luron_bincount(out, lr_ctx(L), ids, weights, least), 1);
}

/* ---- what is there, and in which order -------------------------------------------------------------------------------- */
/* unique([dim]) -> values, ids, counts */
static int l_unique(lua_State *L) {
    lua_settop(L, 2);
    luron_tensor **values = lr_new_tensor(L), **ids = lr_new_tensor(L), **counts = lr_new_tensor(L);
    int all = lua_isnil(L, 2), dim = all ? 0 : lr_dim(L, 2, "dim");
    luron_ctx *ctx = lr_ctx(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, all ? luron_unique(values, ids, counts, ctx, x) : luron_unique_dim(values, ids, counts, ctx, x, dim), 3);
}

/* searchsorted(sorted, values[, right]), bucketize(values, sorted[, right]): values may be a number. */
static int search(lua_State *L, int sorted, int values) {
    lua_settop(L, 3);
    luron_tensor **out = lr_new_tensor(L);
    int right = lr_opt_boolean(L, 3, "right", 0);
    if (lua_istable(L, sorted)) {
        lr_tensor_from_lua(L, sorted, sorted, 0);
        lua_replace(L, sorted);
    }
    operand_at(L, values, "values");
    luron_tensor *list = lr_tensor(L, sorted, "sorted"), *of = lr_tensor(L, values, "values");
    return lr_done(L, luron_searchsorted(out, lr_ctx(L), list, of, right), 1);
}
static int l_searchsorted(lua_State *L) { return search(L, 1, 2); }
static int l_bucketize(lua_State *L) { return search(L, 2, 1); }

/* repeat_interleave(repeats[, dim]): without a dim of x as one row. */
static int l_repeat_interleave(lua_State *L) {
    lua_settop(L, 3);
    luron_tensor **out = lr_new_tensor(L), *flat = NULL, *one = NULL;
    luron_ctx *ctx = lr_ctx(L);
    int all = lua_isnil(L, 3), dim = all ? 0 : lr_dim(L, 3, "dim");
    int64_t any = -1, times = 0;
    int number = lua_type(L, 2) == LUA_TNUMBER;
    if (number)
        times = lr_integer_in(L, 2, "repeats", 0, LUA_MAXINTEGER);
    else
        lr_ids(L, 2);
    luron_tensor *x = lr_tensor(L, 1, "tensor"), *list = number ? NULL : lr_tensor(L, 2, "repeats");
    luron_status status = all ? luron_reshape(&flat, ctx, x, 1, &any) : LURON_OK;
    if (status == LURON_OK && number) status = luron_tensor_from(&one, ctx, LURON_I64, 0, NULL, &times);
    if (status == LURON_OK) status = luron_repeat_interleave(out, ctx, all ? flat : x, number ? one : list, dim);
    luron_tensor_unref(flat);
    luron_tensor_unref(one);
    return lr_done(L, status, 1);
}

typedef luron_status (*pick_fn)(luron_tensor **, luron_tensor **, luron_ctx *, luron_tensor *, int, int);
/* median([dim[, keepdim]]) -> values, ids; without a dim of all numbers, the value alone. */
static int l_median(lua_State *L) {
    lua_settop(L, 3);
    luron_tensor **values = lr_new_tensor(L), **ids = lr_new_tensor(L), *flat = NULL;
    int64_t any = -1;
    const lr_over o = lr_dim_keep(L, 2, 0);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    luron_status status = o.all ? luron_reshape(&flat, lr_ctx(L), x, 1, &any) : LURON_OK;
    if (status == LURON_OK) status = luron_median(values, ids, lr_ctx(L), o.all ? flat : x, o.dim, !o.all && o.keep);
    luron_tensor_unref(flat);
    lua_settop(L, o.all ? 4 : 5);
    return lr_done(L, status, o.all ? 1 : 2);
}

/* mode([dim[, keepdim]]) -> values, ids: the last dim unless another is named */
static int l_mode(lua_State *L) {
    lua_settop(L, 3);
    luron_tensor **values = lr_new_tensor(L), **ids = lr_new_tensor(L);
    const lr_over o = lr_dim_keep(L, 2, -1);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_mode(values, ids, lr_ctx(L), x, o.dim, o.keep), 2);
}

/* kthvalue(k[, dim[, keepdim]]) -> values, ids */
static int l_kthvalue(lua_State *L) {
    lua_settop(L, 4);
    luron_tensor **values = lr_new_tensor(L), **ids = lr_new_tensor(L);
    int64_t k = lr_integer_in(L, 2, "k", 1, LUA_MAXINTEGER);
    const lr_over o = lr_dim_keep(L, 3, -1);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_kthvalue(values, ids, lr_ctx(L), x, k, o.dim, o.keep), 2);
}

static int running(lua_State *L, luron_status (*fn)(luron_tensor **, luron_tensor **, luron_ctx *, luron_tensor *, int)) {
    lua_settop(L, 2);
    luron_tensor **values = lr_new_tensor(L), **ids = lr_new_tensor(L);
    int dim = lr_dim(L, 2, "dim");
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, fn(values, ids, lr_ctx(L), x, dim), 2);
}
static int l_cummax(lua_State *L) { return running(L, luron_cummax); }
static int l_cummin(lua_State *L) { return running(L, luron_cummin); }

static int l_logcumsumexp(lua_State *L) {
    lua_settop(L, 2);
    luron_tensor **out = lr_new_tensor(L);
    int dim = lr_dim(L, 2, "dim");
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_logcumsumexp(out, lr_ctx(L), x, dim), 1);
}

/* diff([n[, dim]]) */
static int l_diff(lua_State *L) {
    lua_settop(L, 3);
    luron_tensor **out = lr_new_tensor(L);
    int64_t n = lua_isnil(L, 2) ? 1 : lr_integer_in(L, 2, "n", 0, LUA_MAXINTEGER);
    int dim = lua_isnil(L, 3) ? -1 : lr_dim(L, 3, "dim");
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_diff(out, lr_ctx(L), x, n, dim), 1);
}

/* ---- nearly equal --------------------------------------------------------------------------------------------------- */
static int l_isclose(lua_State *L) {
    lua_settop(L, 3);
    luron_tensor **out = lr_new_tensor(L);
    lr_closeness c = lr_closeness_at(L, 3);
    operand_at(L, 2, "tensor");
    luron_tensor *a = lr_tensor(L, 1, "tensor"), *b = lr_tensor(L, 2, "tensor");
    return lr_done(L, luron_isclose(out, lr_ctx(L), a, b, c.rtol, c.atol, c.equal_nan), 1);
}

static int l_allclose(lua_State *L) {
    int is = 0;
    lua_settop(L, 3);
    lr_closeness c = lr_closeness_at(L, 3);
    operand_at(L, 2, "tensor");
    luron_tensor *a = lr_tensor(L, 1, "tensor"), *b = lr_tensor(L, 2, "tensor");
    luron_status status = luron_allclose(&is, lr_ctx(L), a, b, c.rtol, c.atol, c.equal_nan);
    lua_pushboolean(L, is);
    return lr_done(L, status, 1);
}

/* einsum(equation, tensors...), einsum(equation, { tensors }) */
static int l_einsum(lua_State *L) {
    const char *equation = lr_string(L, 1, "equation");
    int n, top = lua_gettop(L);
    if (top != 2 || !lua_istable(L, 2)) {
        lua_createtable(L, top, 0);
        for (int i = 2; i <= top; i++) {
            lr_tensor(L, i, "tensor");
            lua_pushvalue(L, i);
            lua_rawseti(L, -2, i - 1);
        }
        lua_insert(L, 2);
    }
    lua_settop(L, 2);
    luron_tensor **out = lr_new_tensor(L), **xs = lr_tensors(L, 2, &n);
    luron_status status = luron_einsum(out, lr_ctx(L), equation, n, xs);
    lua_settop(L, 3);
    return lr_done(L, status, 1);
}

static const luaL_Reg methods[] = {
    { "scatter", l_scatter }, { "scatter_reduce", l_scatter_reduce }, { "index_copy", l_index_copy },
    { "index_fill", l_index_fill }, { "index_put", l_index_put }, { "take", l_take }, { "masked_scatter", l_masked_scatter },
    { "segment_sum", l_segment_sum }, { "segment_mean", l_segment_mean }, { "segment_max", l_segment_max },
    { "segment_min", l_segment_min }, { "bincount", l_bincount }, { "unique", l_unique }, { "searchsorted", l_searchsorted },
    { "bucketize", l_bucketize }, { "repeat_interleave", l_repeat_interleave }, { "median", l_median }, { "mode", l_mode },
    { "kthvalue", l_kthvalue }, { "cummax", l_cummax }, { "cummin", l_cummin }, { "logcumsumexp", l_logcumsumexp },
    { "diff", l_diff }, { "isclose", l_isclose }, { "allclose", l_allclose }, { NULL, NULL },
};
static const luaL_Reg functions[] = { { "einsum", l_einsum }, { NULL, NULL } };

void lr_open_indexing(lua_State *L) {
    lr_setfuncs(L, functions);
    lr_setfuncs(L, methods);
    for (const luaL_Reg *f = methods; f->name; f++) {
        lua_getfield(L, -1, f->name);
        lr_add_method(L, f->name);
        lua_pop(L, 1);
    }
}
