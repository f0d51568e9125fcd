/* lua_views.c -- views, joining and indexing by ids as functions and methods. */
#include "lua_util.h"

#include <limits.h>
#include <string.h>

#define MAKE(i)                                                                                                        \
    lua_settop(L, i);                                                                                                  \
    luron_tensor **out = lr_new_tensor(L)

static int l_reshape(lua_State *L) {
    int64_t shape[LURON_MAX_DIMS];
    int top = lua_gettop(L), n = lr_sizes(L, 2, top, -1, shape);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_reshape(out, lr_ctx(L), x, n, shape), 1);
}

static int l_expand(lua_State *L) {
    int64_t shape[LURON_MAX_DIMS];
    int top = lua_gettop(L), n = lr_sizes(L, 2, top, -1, shape);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_expand(out, lr_ctx(L), x, n, shape), 1);
}

static int l_sum_to(lua_State *L) {
    int64_t shape[LURON_MAX_DIMS];
    int top = lua_gettop(L), n = lr_sizes(L, 2, top, 0, shape);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_sum_to(out, lr_ctx(L), x, n, shape), 1);
}

static int l_permute(lua_State *L) {
    int dims[LURON_MAX_DIMS], n = lr_dim_list(L, 2, lua_gettop(L), dims);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_permute(out, lr_ctx(L), x, n, dims), 1);
}

static int l_transpose(lua_State *L) {
    MAKE(3);
    int a = lr_dim(L, 2, "dim 1"), b = lr_dim(L, 3, "dim 2");
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_transpose(out, lr_ctx(L), x, a, b), 1);
}

static int l_t(lua_State *L) {
    MAKE(1);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    char text[192];
    int n = luron_tensor_ndim(x);
    if (n > 2)
        return lr_argerror(L, 1, "t: a matrix expected, got shape %s; name the dims: x:transpose(1, 2)",
                           luron_shape_text(text, sizeof text, n, luron_tensor_shape(x)));
    if (n < 2) {
        *out = luron_tensor_ref(x);
        return 1;
    }
    return lr_done(L, luron_transpose(out, lr_ctx(L), x, 0, 1), 1);
}

/* A position from 1 (or from the end) at argument i of dim, from 0; out of range as it comes, for core to refuse. */
static int64_t position(lua_State *L, int i, const char *name, const luron_tensor *x, int dim) {
    int64_t at = lr_integer(L, i, name), size = luron_tensor_size(x, dim);
    if (at == 0) lr_argerror(L, i, "%s: positions count from 1 (or from the end: -1), got 0", name);
    if (size >= 0 && (at > size + 1 || at < -size))
        lr_argerror(L, i, "%s: position from 1 to %I (or from the end) expected, got %I", name, (lua_Integer)size, (lua_Integer)at);
    return at > 0 ? at - 1 : size + at;
}

static int l_narrow(lua_State *L) {
    MAKE(4);
    int dim = lr_dim(L, 2, "dim");
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    int64_t start = position(L, 3, "start", x, dim), length = lr_integer_in(L, 4, "length", 0, LUA_MAXINTEGER);
    x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_narrow(out, lr_ctx(L), x, dim, start, length), 1);
}

static int l_select(lua_State *L) {
    MAKE(3);
    int dim = lr_dim(L, 2, "dim");
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    int64_t at = position(L, 3, "position", x, dim);
    x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_select(out, lr_ctx(L), x, dim, at), 1);
}

/* squeeze([dim]): without one, every dim of size 1. */
static int l_squeeze(lua_State *L) {
    MAKE(2);
    int all = lua_isnil(L, 2), dim = all ? 0 : lr_dim(L, 2, "dim"), n = 0;
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    if (!all) return lr_done(L, luron_squeeze(out, lr_ctx(L), x, dim), 1);
    int64_t shape[LURON_MAX_DIMS];
    for (int i = 0; i < luron_tensor_ndim(x); i++)
        if (luron_tensor_size(x, i) != 1) shape[n++] = luron_tensor_size(x, i);
    return lr_done(L, luron_reshape(out, lr_ctx(L), x, n, shape), 1);
}

static int dim_or(lua_State *L, int i, const char *name, int dflt) { return lua_isnil(L, i) ? dflt : lr_dim(L, i, name); }

/* flatten([from[, to]]): the dims from `from` to `to` become one. */
static int l_flatten(lua_State *L) {
    MAKE(3);
    int from = dim_or(L, 2, "from", 0), to = dim_or(L, 3, "to", -1);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_flatten(out, lr_ctx(L), x, from, to), 1);
}

/* unflatten(dim, sizes...): one dim becomes several; one size may be -1. */
static int l_unflatten(lua_State *L) {
    int64_t sizes[LURON_MAX_DIMS];
    int top = lua_gettop(L), n = lr_sizes(L, 3, top, -1, sizes), dim = lua_isnone(L, 2) ? 0 : dim_or(L, 2, "dim", 0);
    luron_tensor **out = lr_new_tensor(L), *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_unflatten(out, lr_ctx(L), x, dim, n, sizes), 1);
}

/* movedim(from, to): dims, or lists of them */
static int l_movedim(lua_State *L) {
    int from[LURON_MAX_DIMS], to[LURON_MAX_DIMS];
    MAKE(3);
    if (lua_isnil(L, 2) || lua_isnil(L, 3)) return lr_typeerror(L, lua_isnil(L, 2) ? 2 : 3, lua_isnil(L, 2) ? "from" : "to", "dim or list of dims");
    int n = lr_dims(L, 2, from), m = lr_dims(L, 3, to);
    if (n != m) return lr_argerror(L, 3, "to: as many dims as in from (%d) expected, got %d", n, m);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_movedim(out, lr_ctx(L), x, n, from, to), 1);
}

/* ---- lists ------------------------------------------------------------------------------------------------------------------ */
luron_tensor **lr_tensors(lua_State *L, int i, int *n) {
    if (!lua_istable(L, i)) lr_typeerror(L, i, "tensors", "list of tensors");
    size_t len = lua_rawlen(L, i);
    if (len == 0 || len > INT_MAX / 2) lr_argerror(L, i, "tensors: a list of at least one tensor expected, got %I", (lua_Integer)len);
    luron_tensor **xs = lua_newuserdatauv(L, len * sizeof *xs, 0);
    for (size_t k = 0; k < len; k++) {
        lua_rawgeti(L, i, (lua_Integer)k + 1);
        void **box = lr_test(L, -1, &lr_tensor_key);
        if (!box) lr_argerror(L, i, "tensors: tensor expected at [%I], got %s", (lua_Integer)k + 1, lr_got(L, -1));
        if (!*box) lr_argerror(L, i, "tensors: the tensor at [%I] is closed", (lua_Integer)k + 1);
        xs[k] = *box;
        lua_pop(L, 1);
    }
    *n = (int)len;
    return xs;
}

static int join(lua_State *L, const char *name, luron_status (*fn)(luron_tensor **, luron_ctx *, int, luron_tensor *const *, int)) {
    int n;
    lua_settop(L, 2);
    if (lr_join_nodes(L, name)) return 1;
    luron_tensor **out = lr_new_tensor(L);
    int dim = lua_isnil(L, 2) ? 0 : lr_dim(L, 2, "dim");
    luron_tensor **xs = lr_tensors(L, 1, &n);
    luron_status status = fn(out, lr_ctx(L), n, xs, dim);
    lua_settop(L, 3);
    return lr_done(L, status, 1);
}

static int l_cat(lua_State *L) { return join(L, "cat", luron_cat); }
static int l_stack(lua_State *L) { return join(L, "stack", luron_stack); }

/* How to cut: into pieces of a size, of these sizes, or (0) into positions. */
typedef struct cut {
    int64_t n, size;
    const int64_t *sizes;
    int dim;
} cut;

/* Push the list of views. */
static int pieces(lua_State *L, cut c) {
    if (c.n > INT_MAX / 2) return lr_argerror(L, 2, "%I pieces are too many", (lua_Integer)c.n);
    luron_tensor **outs = lua_newuserdatauv(L, (size_t)c.n * sizeof *outs + 1, 0);
    luron_ctx *ctx = lr_ctx(L);
    lua_createtable(L, (int)c.n, 0);
    int to = lua_gettop(L);
    for (int64_t i = 0; i < c.n; i++) {
        lr_new_tensor(L);
        lua_rawseti(L, to, i + 1);
    }
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    luron_status status = c.sizes       ? luron_split_sizes(outs, ctx, x, c.n, c.sizes, c.dim)
                          : c.n == 0    ? LURON_OK
                          : c.size == 0 ? luron_unbind(outs, ctx, x, c.dim)
                                        : luron_split(outs, ctx, x, c.size, c.dim);
    for (int64_t i = 0; i < c.n && status == LURON_OK; i++) {
        lua_rawgeti(L, to, i + 1);
        *(luron_tensor **)lr_slot(L, -1) = outs[i];
        lua_pop(L, 1);
    }
    return lr_done(L, status, 1);
}

static int64_t size_of_dim(lua_State *L, int arg, int *dim) {
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    *dim = lua_isnil(L, arg) ? 0 : lr_dim(L, arg, "dim");
    int64_t size = *dim < luron_tensor_ndim(x) ? luron_tensor_size(x, *dim) : -1;
    if (size < 0) lr_argerror(L, arg, "dim: the tensor has %d dims, got %I", luron_tensor_ndim(x), lua_isnil(L, arg) ? 1 : lua_tointeger(L, arg));
    return size;
}

/* split(size[, dim]), split({ sizes }[, dim]) */
static int l_split(lua_State *L) {
    lua_settop(L, 3);
    int dim;
    if (lua_istable(L, 2)) {
        size_of_dim(L, 3, &dim);
        lua_Integer n = (lua_Integer)lua_rawlen(L, 2);
        int64_t *sizes = lua_newuserdatauv(L, (size_t)n * sizeof *sizes + 1, 0);
        for (lua_Integer i = 0; i < n; i++) {
            int whole = lua_rawgeti(L, 2, i + 1) == LUA_TNUMBER;
            sizes[i] = whole ? (int64_t)lua_tointegerx(L, -1, &whole) : 0;
            if (!whole) return lr_argerror(L, 2, "sizes: integer expected at [%I], got %s", i + 1, lr_got(L, -1));
            lua_pop(L, 1);
        }
        return pieces(L, (cut){ .n = n, .sizes = sizes, .dim = dim });
    }
    int64_t size = lr_integer_in(L, 2, "size", 1, LUA_MAXINTEGER), all = size_of_dim(L, 3, &dim);
    if (size > all) size = all > 0 ? all : 1;
    return pieces(L, (cut){ .n = all / size + (all % size != 0), .size = size, .dim = dim });
}

static int l_chunk(lua_State *L) {
    lua_settop(L, 3);
    int dim;
    int64_t n = lr_integer_in(L, 2, "chunks", 1, LUA_MAXINTEGER), all = size_of_dim(L, 3, &dim);
    int64_t size = n > all ? 1 : all / n + (all % n != 0);
    return pieces(L, (cut){ .n = all / size + (all % size != 0), .size = size, .dim = dim });
}

/* unbind([dim]) */
static int l_unbind(lua_State *L) {
    lua_settop(L, 2);
    int dim;
    int64_t n = size_of_dim(L, 2, &dim);
    return pieces(L, (cut){ .n = n, .dim = dim });
}

/* ---- by ids ---------------------------------------------------------------------------------------------------------------------- */
luron_tensor *lr_ids(lua_State *L, int i) {
    if (lua_istable(L, i)) {
        lr_tensor_from_lua(L, i, i, LURON_I64);
        lua_replace(L, i);
    }
    return lr_tensor(L, i, "ids");
}

static int l_index_select(lua_State *L) {
    lua_settop(L, 3);
    int dim = lr_dim(L, 2, "dim");
    lr_ids(L, 3);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor"), *ids = lr_tensor(L, 3, "ids");
    return lr_done(L, luron_index_select(out, lr_ctx(L), x, dim, ids), 1);
}

static int l_gather(lua_State *L) {
    lua_settop(L, 3);
    int dim = lr_dim(L, 2, "dim");
    lr_ids(L, 3);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor"), *ids = lr_tensor(L, 3, "ids");
    return lr_done(L, luron_gather(out, lr_ctx(L), x, dim, ids), 1);
}

static int added(lua_State *L, luron_status (*fn)(luron_tensor **, luron_ctx *, luron_tensor *, int, luron_tensor *, luron_tensor *)) {
    lua_settop(L, 4);
    int dim = lr_dim(L, 2, "dim");
    lr_ids(L, 3);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor"), *ids = lr_tensor(L, 3, "ids"), *src = lr_tensor(L, 4, "source");
    return lr_done(L, fn(out, lr_ctx(L), x, dim, ids, src), 1);
}

static int l_scatter_add(lua_State *L) { return added(L, luron_scatter_add); }
static int l_index_add(lua_State *L) { return added(L, luron_index_add); }

static const luaL_Reg functions[] = {
    { "reshape", l_reshape }, { "view", l_reshape }, { "expand", l_expand }, { "sum_to", l_sum_to },
    { "permute", l_permute }, { "transpose", l_transpose }, { "t", l_t }, { "narrow", l_narrow }, { "select", l_select },
    { "squeeze", l_squeeze }, { "flatten", l_flatten }, { "split", l_split }, { "chunk", l_chunk },
    { "unbind", l_unbind }, { "unflatten", l_unflatten }, { "movedim", l_movedim }, { "swapdims", l_transpose }, { "broadcast_to", l_expand },
    { "index_select", l_index_select }, { "gather", l_gather }, { "scatter_add", l_scatter_add },
    { "index_add", l_index_add }, { NULL, NULL },
};
static const luaL_Reg lists[] = { { "cat", l_cat }, { "stack", l_stack }, { NULL, NULL } };

void lr_open_views(lua_State *L) {
    lr_setfuncs(L, functions);
    lr_setfuncs(L, lists);
    for (const luaL_Reg *f = functions; f->name; f++) {
        lua_getfield(L, -1, f->name);
        lr_add_method(L, f->name);
        lua_pop(L, 1);
    }
}
