/* lua_arrange.c -- scans, order, places and masks as functions and methods. */
#include "lua_util.h"

#include <math.h>

/* ---- scans and order ------------------------------------------------------------------------------------------------- */
static int scan(lua_State *L, luron_status (*fn)(luron_tensor **, luron_ctx *, luron_tensor *, int)) {
    lua_settop(L, 2);
    luron_tensor **out = lr_new_tensor(L);
    int dim = lr_dim(L, 2, "dim");
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, fn(out, lr_ctx(L), x, dim), 1);
}

static int l_cumsum(lua_State *L) { return scan(L, luron_cumsum); }
static int l_cumprod(lua_State *L) { return scan(L, luron_cumprod); }

/* sort([dim[, descending]]) -> values, ids: the last dim unless another is named */
static int l_sort(lua_State *L) {
    lua_settop(L, 3);
    luron_tensor **out = lr_new_tensor(L), **ids = lr_new_tensor(L);
    int dim = lua_isnil(L, 2) ? -1 : lr_dim(L, 2, "dim"), descending = lr_opt_boolean(L, 3, "descending", 0);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_sort(out, ids, lr_ctx(L), x, dim, descending), 2);
}

static int l_argsort(lua_State *L) {
    lua_settop(L, 3);
    luron_tensor **out = lr_new_tensor(L);
    int dim = lua_isnil(L, 2) ? -1 : lr_dim(L, 2, "dim"), descending = lr_opt_boolean(L, 3, "descending", 0);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_argsort(out, lr_ctx(L), x, dim, descending), 1);
}

/* topk(k[, dim[, largest]]) -> values, ids */
static int l_topk(lua_State *L) {
    lua_settop(L, 4);
    luron_tensor **out = lr_new_tensor(L), **ids = lr_new_tensor(L);
    int64_t k = lr_integer_in(L, 2, "k", 0, LUA_MAXINTEGER);
    int dim = lua_isnil(L, 3) ? -1 : lr_dim(L, 3, "dim"), largest = lr_opt_boolean(L, 4, "largest", 1);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_topk(out, ids, lr_ctx(L), x, k, dim, largest), 2);
}

/* ---- places ------------------------------------------------------------------------------------------------------------ */
/* flip(dims...), flip({ dims }), flip(): all */
static int l_flip(lua_State *L) {
    int dims[LURON_MAX_DIMS], n = lr_dim_list(L, 2, lua_gettop(L), dims);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_flip(out, lr_ctx(L), x, n, dims), 1);
}

static int l_roll(lua_State *L) {
    lua_settop(L, 3);
    luron_tensor **out = lr_new_tensor(L);
    int64_t shift = lr_integer(L, 2, "shift");
    int dim = lr_dim(L, 3, "dim");
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_roll(out, lr_ctx(L), x, shift, dim), 1);
}

static int l_tile(lua_State *L) {
    int64_t times[LURON_MAX_DIMS];
    int n = lr_sizes(L, 2, lua_gettop(L), 0, times);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_tile(out, lr_ctx(L), x, n, times), 1);
}

/* pad({ { before, after }, ... }[, value]): a pair for each of the last dims */
static int l_pad(lua_State *L) {
    int64_t before[LURON_MAX_DIMS], after[LURON_MAX_DIMS];
    lua_settop(L, 3);
    luron_tensor **out = lr_new_tensor(L);
    int n = lr_pairs(L, 2, before, after);
    double value = lr_opt_number(L, 3, "value", 0);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_pad(out, lr_ctx(L), x, n, before, after, value), 1);
}

/* meshgrid({ x1, x2, ... }) -> a list of as many */
static int l_meshgrid(lua_State *L) {
    luron_tensor *xs[LURON_MAX_DIMS], *outs[LURON_MAX_DIMS];
    lua_settop(L, 1);
    if (!lua_istable(L, 1)) return lr_typeerror(L, 1, "tensors", "list of tensors");
    lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
    if (n < 1 || n > LURON_MAX_DIMS) return lr_argerror(L, 1, "tensors: a list of 1 to %d tensors expected, got %I", LURON_MAX_DIMS, n);
    lua_createtable(L, (int)n, 0);
    for (lua_Integer i = 1; i <= n; i++) {
        lr_new_tensor(L);
        lua_rawseti(L, 2, i);
    }
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, 1, i);
        xs[i - 1] = lr_to_tensor(L, -1);
        if (!xs[i - 1]) return lr_argerror(L, 1, "tensors: tensor expected at [%I], got %s", i, lr_got(L, -1));
        lua_pop(L, 1);
    }
    luron_status status = luron_meshgrid(outs, lr_ctx(L), (int)n, xs);
    for (lua_Integer i = 1; i <= n && status == LURON_OK; i++) {
        lua_rawgeti(L, 2, i);
        *(luron_tensor **)lr_slot(L, -1) = outs[i - 1];
        lua_pop(L, 1);
    }
    return lr_done(L, status, 1);
}

static int triangle(lua_State *L, luron_status (*fn)(luron_tensor **, luron_ctx *, luron_tensor *, int64_t)) {
    lua_settop(L, 2);
    luron_tensor **out = lr_new_tensor(L);
    int64_t diagonal = lua_isnil(L, 2) ? 0 : lr_integer(L, 2, "diagonal");
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, fn(out, lr_ctx(L), x, diagonal), 1);
}

static int l_tril(lua_State *L) { return triangle(L, luron_tril); }
static int l_triu(lua_State *L) { return triangle(L, luron_triu); }

/* ---- reductions -------------------------------------------------------------------------------------------------------- */
/* norm([p[, dim[, keepdim]]]) */
static int l_norm(lua_State *L) {
    int dims[LURON_MAX_DIMS];
    lua_settop(L, 4);
    luron_tensor **out = lr_new_tensor(L);
    double p = lr_opt_number(L, 2, "p", 2);
    int n = lr_dims(L, 3, dims), keep = lr_opt_boolean(L, 4, "keepdim", 0);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_norm(out, lr_ctx(L), x, p, n, dims, keep), 1);
}

static int l_quantile(lua_State *L);

/* For a list of numbers at 2: what each gives, stacked. */
static int quantiles(lua_State *L) {
    int n = (int)lua_rawlen(L, 2);
    if (n == 0 || lr_other_key(L, 2)) return lr_argerror(L, 2, "q: number, or list of numbers, expected");
    luron_tensor **out = lr_new_tensor(L); /* at 5 */
    lua_createtable(L, n, 0);
    for (int i = 1; i <= n; i++) {
        lua_pushcfunction(L, l_quantile);
        lua_pushvalue(L, 1);
        if (lua_rawgeti(L, 2, i) != LUA_TNUMBER) return lr_argerror(L, 2, "q: number expected at [%d], got %s", i, lr_got(L, -1));
        lua_pushvalue(L, 3);
        lua_pushvalue(L, 4);
        lua_call(L, 4, 1);
        lua_rawseti(L, 6, i);
    }
    luron_tensor **xs = lr_tensors(L, 6, &n);
    luron_status status = luron_stack(out, lr_ctx(L), n, xs, 0);
    lua_settop(L, 5);
    return lr_done(L, status, 1);
}

/* quantile(q[, dim[, keepdim]]): without a dim of all numbers. q: a number, or a list or vector of them. */
static int l_quantile(lua_State *L) {
    int64_t any = -1;
    lua_settop(L, 4);
    if (lr_to_tensor(L, 2)) {
        lua_getfield(L, 2, "totable");
        lua_pushvalue(L, 2);
        lua_call(L, 1, 1);
        lua_replace(L, 2);
    }
    if (lua_istable(L, 2)) return quantiles(L);
    luron_tensor **out = lr_new_tensor(L), *flat = NULL;
    double q = lr_number(L, 2, "q");
    const lr_over o = lr_dim_keep(L, 3, 0);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    luron_status status = o.all ? luron_reshape(&flat, lr_ctx(L), x, 1, &any) : LURON_OK;
    if (status == LURON_OK) status = luron_quantile(out, lr_ctx(L), o.all ? flat : x, q, o.dim, !o.all && o.keep);
    luron_tensor_unref(flat);
    return lr_done(L, status, 1);
}

static int l_logsumexp(lua_State *L) {
    int dims[LURON_MAX_DIMS];
    lua_settop(L, 3);
    luron_tensor **out = lr_new_tensor(L);
    int n = lr_dims(L, 2, dims), keep = lr_opt_boolean(L, 3, "keepdim", 0);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_logsumexp(out, lr_ctx(L), x, n, dims, keep), 1);
}

/* ---- masks --------------------------------------------------------------------------------------------------------------- */
static int l_masked_fill(lua_State *L) {
    lua_settop(L, 3);
    luron_tensor **out = lr_new_tensor(L);
    double value = lua_isboolean(L, 3) ? lua_toboolean(L, 3) : lr_number(L, 3, "value");
    luron_tensor *x = lr_tensor(L, 1, "tensor"), *mask = lr_tensor(L, 2, "mask");
    return lr_done(L, luron_masked_fill(out, lr_ctx(L), x, mask, value), 1);
}

static int l_masked_select(lua_State *L) {
    lua_settop(L, 2);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor"), *mask = lr_tensor(L, 2, "mask");
    return lr_done(L, luron_masked_select(out, lr_ctx(L), x, mask), 1);
}

static int l_nonzero(lua_State *L) {
    lua_settop(L, 1);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_nonzero(out, lr_ctx(L), x), 1);
}

/* Does the mask have the first dims of x? */
static void check_mask(lua_State *L, const luron_tensor *x, const luron_tensor *mask) {
    char text[192], mask_text[192];
    int n = luron_tensor_ndim(x), lead = luron_tensor_ndim(mask), fits = lead <= n;
    for (int d = 0; d < lead && fits; d++) fits = luron_tensor_size(mask, d) == luron_tensor_size(x, d);
    if (!fits)
        lr_error(L, "index: a mask has the first dims of the tensor: %s expected, got %s", luron_shape_text(text, sizeof text, n, luron_tensor_shape(x)),
                 luron_shape_text(mask_text, sizeof mask_text, lead, luron_tensor_shape(mask)));
}

/* x[mask]: (count, the dims that the mask does not have). */
int lr_mask_index(lua_State *L) {
    int64_t shape[LURON_MAX_DIMS + 1], all = -1;
    lua_settop(L, 2);
    luron_tensor **out = lr_new_tensor(L), *flat = NULL, *places = NULL, *rows = NULL, *ids = NULL;
    luron_tensor *x = lr_tensor(L, 1, "tensor"), *mask = lr_tensor(L, 2, "mask");
    luron_ctx *ctx = lr_ctx(L);
    check_mask(L, x, mask);
    int n = luron_tensor_ndim(x), lead = luron_tensor_ndim(mask);
    if (lead == n) return lr_done(L, luron_masked_select(out, ctx, x, mask), 1);
    shape[0] = luron_tensor_numel(mask);
    for (int d = lead; d < n; d++) shape[1 + d - lead] = luron_tensor_size(x, d);
    luron_status status = luron_reshape(&rows, ctx, x, 1 + n - lead, shape);
    if (status == LURON_OK) status = luron_reshape(&flat, ctx, mask, 1, shape);
    if (status == LURON_OK) status = luron_nonzero(&places, ctx, flat);
    if (status == LURON_OK) status = luron_reshape(&ids, ctx, places, 1, &all);
    if (status == LURON_OK) status = luron_index_select(out, ctx, rows, 0, ids);
    luron_tensor_unref(flat);
    luron_tensor_unref(places);
    luron_tensor_unref(rows);
    luron_tensor_unref(ids);
    return lr_done(L, status, 1);
}

/* x[mask] = tensor: at the places where it is true, as lists of ids. */
static int put_at_mask(lua_State *L, luron_tensor *mask) {
    luron_tensor *places = NULL, *ids[LURON_MAX_DIMS] = { NULL };
    luron_ctx *ctx = lr_ctx(L);
    int n = luron_tensor_ndim(mask);
    if (n == 0) return lr_error(L, "x[mask] = value: a mask without dims takes a number or boolean");
    luron_status status = luron_nonzero(&places, ctx, mask);
    for (int d = 0; d < n; d++) {
        luron_tensor **box = lr_new_tensor(L);
        if (status == LURON_OK) status = luron_select(box, ctx, places, 1, d);
        ids[d] = *box;
    }
    luron_tensor_unref(places);
    if (status != LURON_OK) return lr_raise(L, status);
    return lr_put(L, n, ids);
}

/* x[mask] = value: in place. */
int lr_mask_newindex(lua_State *L) {
    int64_t shape[LURON_MAX_DIMS];
    luron_tensor *x = lr_tensor(L, 1, "tensor"), *mask = lr_tensor(L, 2, "mask"), *wide = NULL, *filled = NULL;
    luron_ctx *ctx = lr_ctx(L);
    check_mask(L, x, mask);
    if (!lua_isboolean(L, 3) && lua_type(L, 3) != LUA_TNUMBER) return put_at_mask(L, mask);
    double value = lua_isboolean(L, 3) ? lua_toboolean(L, 3) : lua_tonumber(L, 3);
    int n = luron_tensor_ndim(x), lead = luron_tensor_ndim(mask);
    for (int d = 0; d < n; d++) shape[d] = d < lead ? luron_tensor_size(mask, d) : 1;
    luron_status status = luron_reshape(&wide, ctx, mask, n, shape);
    if (status == LURON_OK) status = luron_masked_fill(&filled, ctx, x, wide, value);
    if (status == LURON_OK) status = luron_tensor_copy(ctx, x, filled);
    luron_tensor_unref(wide);
    luron_tensor_unref(filled);
    if (status != LURON_OK) return lr_raise_write(L, status, "x[i] = value");
    return lr_done(L, status, 0);
}

/* linspace(start, stop, n[, { dtype = }]) */
static int l_linspace(lua_State *L) {
    static const char *const keys[] = { "dtype", NULL };
    lua_settop(L, 4);
    double start = lr_number(L, 1, "start"), stop = lr_number(L, 2, "stop");
    int64_t n = lr_integer_in(L, 3, "n", 0, LUA_MAXINTEGER);
    uint32_t dtype = lr_dtype_option(L, 4, keys);
    luron_tensor **out = lr_new_tensor(L);
    return lr_done(L, luron_linspace(out, lr_ctx(L), dtype, start, stop, n), 1);
}

/* logspace(start, stop, n[, { base =, dtype = }]) */
static int l_logspace(lua_State *L) {
    static const char *const keys[] = { "base", "dtype", NULL };
    lua_settop(L, 4);
    double start = lr_number(L, 1, "start"), stop = lr_number(L, 2, "stop"), base = 10;
    int64_t n = lr_integer_in(L, 3, "n", 0, LUA_MAXINTEGER);
    uint32_t dtype = lr_dtype_option(L, 4, keys);
    if (lr_field(L, 4, "base") != LUA_TNIL) {
        if (lua_type(L, -1) != LUA_TNUMBER) return lr_argerror(L, 4, "base: number expected, got %s", lr_got(L, -1));
        base = lua_tonumber(L, -1);
    }
    luron_tensor **out = lr_new_tensor(L);
    return lr_done(L, luron_logspace(out, lr_ctx(L), dtype, start, stop, n, base), 1);
}

static const luaL_Reg methods[] = {
    { "cumsum", l_cumsum }, { "cumprod", l_cumprod }, { "sort", l_sort }, { "argsort", l_argsort }, { "topk", l_topk },
    { "flip", l_flip }, { "roll", l_roll }, { "tile", l_tile }, { "pad", l_pad }, { "tril", l_tril }, { "triu", l_triu },
    { "norm", l_norm }, { "quantile", l_quantile }, { "logsumexp", l_logsumexp }, { "masked_fill", l_masked_fill },
    { "masked_select", l_masked_select }, { "nonzero", l_nonzero }, { NULL, NULL },
};
static const luaL_Reg functions[] = { { "linspace", l_linspace }, { "logspace", l_logspace }, { "meshgrid", l_meshgrid }, { NULL, NULL } };

void lr_open_arrange(lua_State *L) {
    lr_setfuncs(L, functions);
    lr_setfuncs(L, methods);
    for (const luaL_Reg *f = methods; f->name; f++) {
        lua_getfield(L, -1, f->name);
        lr_add_method(L, f->name);
        lua_pop(L, 1);
    }
}
