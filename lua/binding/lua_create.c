/* lua_create.c -- constructors: from Lua tables, filled, random. */
#include "lua_util.h"

#include <limits.h>
#include <math.h>
#include <string.h>

/* ---- from nested tables ------------------------------------------------------------------------------------------------- */
enum { SEEN_INTEGER = 1, SEEN_FLOAT = 2, SEEN_BOOLEAN = 4 };
typedef struct scan {
    lua_State *L;
    int arg, ndim, seen;
    int64_t shape[LURON_MAX_DIMS], at[LURON_MAX_DIMS]; /* at: place, from 1 */
    uint32_t dtype;
    char *to;
} scan;

static const char *place(scan *s, int depth) {
    lua_pushliteral(s->L, "");
    for (int i = 0; i < depth; i++) {
        lua_pushfstring(s->L, "[%I]", (lua_Integer)s->at[i]);
        lua_concat(s->L, 2);
    }
    return lua_tostring(s->L, -1);
}

static int ragged(scan *s, int depth, const char *what) {
    const char *where = place(s, depth);
    return lr_argerror(s->L, s->arg, "data: the rows do not have one length: at %s %s", *where ? where : "the top", what);
}

/* First walk, over the value on top: shape, kinds, raggedness. */
static void scan_value(scan *s, int depth, int first) {
    lua_State *L = s->L;
    int type = lua_type(L, -1);
    luaL_checkstack(L, 8, NULL);
    if (type == LUA_TTABLE) {
        if (depth >= LURON_MAX_DIMS) lr_argerror(L, s->arg, "data: tables nested deeper than %d dims", LURON_MAX_DIMS);
        int64_t n = (int64_t)lua_rawlen(L, -1);
        if (lr_other_key(L, -1)) lr_argerror(L, s->arg, "data: a list of numbers expected, got the key %s", lr_got(L, -1));
        if (first) {
            s->shape[depth] = n;
            s->ndim = depth + 1;
        } else if (depth >= s->ndim) {
            ragged(s, depth, "a table stands beside numbers");
        } else if (s->shape[depth] != n) {
            ragged(s, depth, lua_pushfstring(L, "%I expected, got %I", (lua_Integer)s->shape[depth], (lua_Integer)n));
        }
        for (int64_t i = 0; i < n; i++) {
            s->at[depth] = i + 1;
            lua_rawgeti(L, -1, i + 1);
            scan_value(s, depth + 1, first && i == 0);
            lua_pop(L, 1);
        }
        return;
    }
    if (depth != s->ndim) ragged(s, depth, lua_pushfstring(L, "a table expected, got %s", lr_got(L, -1)));
    if (type == LUA_TNUMBER)
        s->seen |= lua_isinteger(L, -1) ? SEEN_INTEGER : SEEN_FLOAT;
    else if (type == LUA_TBOOLEAN)
        s->seen |= SEEN_BOOLEAN;
    else if (lr_test(L, -1, &lr_tensor_key))
        lr_argerror(L, s->arg, "data: a tensor in the table; join tensors with luron.stack or luron.cat");
    else {
        const char *got = lr_got(L, -1);
        if (depth == 0) lr_argerror(L, s->arg, "data: number, boolean or table expected, got %s", got);
        lr_argerror(L, s->arg, "data: number or boolean expected at %s, got %s", place(s, depth), got);
    }
}

static int64_t to_integer(scan *s, int depth, int64_t min, int64_t max) {
    lua_State *L = s->L;
    int ok = 1;
    int64_t v = lua_isboolean(L, -1) ? lua_toboolean(L, -1) : lua_tointegerx(L, -1, &ok);
    if (!ok || v < min || v > max) {
        const char *got = lr_got(L, -1);
        lr_argerror(L, s->arg, "data: %s at %s does not fit into %s", got, place(s, depth), luron_dtype_name(s->dtype));
    }
    return v;
}

static void store(scan *s, int depth) {
    lua_State *L = s->L;
    double number = lua_isboolean(L, -1) ? lua_toboolean(L, -1) : lua_tonumber(L, -1);
    switch (s->dtype) {
    case LURON_F32: *(float *)s->to = (float)number; break;
    case LURON_F64: *(double *)s->to = number; break;
    case LURON_I64: *(int64_t *)s->to = to_integer(s, depth, INT64_MIN, INT64_MAX); break;
    case LURON_I32: *(int32_t *)s->to = (int32_t)to_integer(s, depth, INT32_MIN, INT32_MAX); break;
    case LURON_U8: *(uint8_t *)s->to = (uint8_t)to_integer(s, depth, 0, 255); break;
    default: *(uint8_t *)s->to = number != 0; break;
    }
    s->to += luron_dtype_size(s->dtype);
}

/* Second walk: nothing has run since the first one that could have changed the tables. */
static void store_value(scan *s, int depth) {
    if (depth == s->ndim) {
        store(s, depth);
        return;
    }
    for (int64_t i = 0; i < s->shape[depth]; i++) {
        s->at[depth] = i + 1;
        lua_rawgeti(s->L, -1, i + 1);
        store_value(s, depth + 1);
        lua_pop(s->L, 1);
    }
}

luron_tensor *lr_tensor_from_lua(lua_State *L, int idx, int arg, uint32_t dtype) {
    scan s = { .L = L, .arg = arg };
    luron_ctx *ctx = lr_ctx(L);
    idx = lua_absindex(L, idx);
    luron_tensor **out = lr_new_tensor(L);
    lua_pushvalue(L, idx);
    scan_value(&s, 0, 1);
    if ((s.seen & SEEN_BOOLEAN) && (s.seen & (SEEN_INTEGER | SEEN_FLOAT)))
        lr_argerror(L, arg, "data: booleans and numbers in one tensor");
    if (!dtype)
        dtype = s.seen & SEEN_BOOLEAN ? LURON_B8 : s.seen == SEEN_INTEGER ? LURON_I64 : luron_ctx_default_dtype(ctx);
    int half = dtype == LURON_F16 || dtype == LURON_BF16;
    s.dtype = half ? LURON_F32 : dtype;
    luron_status status = luron_tensor_new(out, ctx, s.dtype, s.ndim, s.shape);
    if (status != LURON_OK) lr_raise(L, status);
    s.to = luron_tensor_data(*out);
    store_value(&s, 0);
    lua_pop(L, 1);
    if (half) {
        luron_tensor *cast = NULL;
        status = luron_cast(&cast, ctx, *out, dtype);
        if (status != LURON_OK) lr_raise(L, status);
        luron_tensor_unref(*out);
        *out = cast;
    }
    return *out;
}

/* ---- options { dtype =, requires_grad = } at the end --------------------------------------------------------------------- */
typedef struct making {
    int last; /* last argument before the options */
    uint32_t dtype;
    int requires_grad;
} making;

static making options(lua_State *L, int first, uint32_t dflt) {
    static const char *const keys[] = { "dtype", "requires_grad", NULL };
    making m = { lua_gettop(L), dflt, 0 };
    if (m.last < first || !lua_istable(L, m.last) || !lr_is_options(L, m.last)) return m;
    lua_pushnil(L);
    int empty = !lua_next(L, m.last);
    if (!empty) lua_pop(L, 2);
    if (empty && m.last == first) return m; /* {} alone is a list of no sizes */
    int arg = m.last--;
    lr_only(L, arg, keys);
    if (lr_field(L, arg, "dtype") != LUA_TNIL) {
        m.dtype = lua_type(L, -1) == LUA_TSTRING ? luron_dtype_find(lua_tostring(L, -1)) : 0;
        if (!m.dtype) lr_argerror(L, arg, "dtype: float32, float64, float16, bfloat16, int64, int32, uint8 or bool expected, got %s", lr_got(L, -1));
    }
    if (lr_field(L, arg, "requires_grad") != LUA_TNIL) {
        if (!lua_isboolean(L, -1)) lr_argerror(L, arg, "requires_grad: boolean expected, got %s", lr_got(L, -1));
        m.requires_grad = lua_toboolean(L, -1);
    }
    lua_settop(L, arg);
    return m;
}

/* Return the box on top. */
static int finish(lua_State *L, luron_tensor **out, const making *m, luron_status status) {
    if (status == LURON_OK && m->requires_grad) status = luron_tensor_set_requires_grad(lr_ctx(L), *out, 1);
    return lr_done(L, status, 1);
}

static int l_tensor(lua_State *L) {
    if (lua_isnone(L, 1)) return lr_typeerror(L, 1, "data", "number, boolean or table");
    making m = { 1, 0, 0 };
    if (!lua_isnoneornil(L, 2)) {
        if (!lua_istable(L, 2)) return lr_typeerror(L, 2, "options", "table");
        lua_settop(L, 2);
        m = options(L, 2, 0);
    }
    luron_tensor *x = lr_to_tensor(L, 1);
    if (x) return lr_argerror(L, 1, "data: number, boolean or table expected, got a tensor; x:clone() copies it");
    lr_tensor_from_lua(L, 1, 1, m.dtype);
    return finish(L, (luron_tensor **)lr_test(L, -1, &lr_tensor_key), &m, LURON_OK);
}

static int filled(lua_State *L, double value) {
    int64_t shape[LURON_MAX_DIMS];
    making m = options(L, 1, luron_ctx_default_dtype(lr_ctx(L)));
    int n = lr_sizes(L, 1, m.last, 0, shape);
    luron_tensor **out = lr_new_tensor(L);
    return finish(L, out, &m, luron_tensor_full(out, lr_ctx(L), m.dtype, n, shape, value));
}

static int l_zeros(lua_State *L) { return filled(L, 0); }
static int l_ones(lua_State *L) { return filled(L, 1); }

/* Filled with the number or boolean at idx; lr_fill takes care of integers that no double holds. */
static luron_status full(lua_State *L, luron_tensor **out, uint32_t dtype, int n, const int64_t *shape, int idx) {
    double value = lua_isboolean(L, idx) ? lua_toboolean(L, idx) : lua_tonumber(L, idx);
    int whole = dtype == LURON_I64 && lua_isinteger(L, idx) && fabs(value) >= 9007199254740992.0;
    luron_status status = luron_tensor_full(out, lr_ctx(L), dtype, n, shape, whole ? 0 : value);
    return status == LURON_OK && whole ? lr_fill(L, *out, idx) : status;
}

static int l_full(lua_State *L) {
    int64_t shape[LURON_MAX_DIMS];
    if (!lua_isboolean(L, 1)) lr_number(L, 1, "value");
    making m = options(L, 2, luron_ctx_default_dtype(lr_ctx(L)));
    int n = lr_sizes(L, 2, m.last, 0, shape);
    luron_tensor **out = lr_new_tensor(L);
    luron_status status = full(L, out, m.dtype, n, shape, 1);
    return finish(L, out, &m, status);
}

static int l_empty(lua_State *L) {
    int64_t shape[LURON_MAX_DIMS];
    making m = options(L, 1, luron_ctx_default_dtype(lr_ctx(L)));
    int n = lr_sizes(L, 1, m.last, 0, shape);
    luron_tensor **out = lr_new_tensor(L);
    return finish(L, out, &m, luron_tensor_new(out, lr_ctx(L), m.dtype, n, shape));
}

static luron_status fill_uniform(luron_ctx *ctx, luron_tensor *t) { return luron_tensor_uniform(ctx, t, 0, 1); }
static luron_status fill_normal(luron_ctx *ctx, luron_tensor *t) { return luron_tensor_normal(ctx, t, 0, 1); }

static int drawn(lua_State *L, luron_status (*draw)(luron_ctx *, luron_tensor *)) {
    int64_t shape[LURON_MAX_DIMS];
    making m = options(L, 1, luron_ctx_default_dtype(lr_ctx(L)));
    int n = lr_sizes(L, 1, m.last, 0, shape);
    luron_tensor **out = lr_new_tensor(L);
    luron_status status = luron_tensor_new(out, lr_ctx(L), m.dtype, n, shape);
    if (status == LURON_OK) status = draw(lr_ctx(L), *out);
    return finish(L, out, &m, status);
}

static int l_rand(lua_State *L) { return drawn(L, fill_uniform); }
static int l_randn(lua_State *L) { return drawn(L, fill_normal); }

/* ---- like another ------------------------------------------------------------------------------------------------------------ */
static int like(lua_State *L, double value, luron_status (*draw)(luron_ctx *, luron_tensor *)) {
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    int given = value == 2;
    lua_settop(L, given ? 3 : 2);
    if (given) lr_number(L, 2, "value");
    int64_t shape[LURON_MAX_DIMS];
    int n = luron_tensor_ndim(x), arg = lua_gettop(L);
    uint32_t dtype = luron_tensor_dtype(x);
    memcpy(shape, luron_tensor_shape(x), (size_t)n * sizeof *shape);
    making m = { arg, dtype, 0 };
    if (!lua_isnil(L, arg)) {
        if (!lua_istable(L, arg)) return lr_typeerror(L, arg, "options", "table");
        m = options(L, 2, dtype);
    }
    luron_tensor **out = lr_new_tensor(L);
    luron_status status = given ? full(L, out, m.dtype, n, shape, 2) : luron_tensor_full(out, lr_ctx(L), m.dtype, n, shape, value);
    if (status == LURON_OK && draw) status = draw(lr_ctx(L), *out);
    return finish(L, out, &m, status);
}

static int l_zeros_like(lua_State *L) { return like(L, 0, NULL); }
static int l_ones_like(lua_State *L) { return like(L, 1, NULL); }
static int l_rand_like(lua_State *L) { return like(L, 0, fill_uniform); }
static int l_randn_like(lua_State *L) { return like(L, 0, fill_normal); }
static int l_full_like(lua_State *L) { return like(L, 2, NULL); }

/* ---- sequences ------------------------------------------------------------------------------------------------------------------ */
/* arange(n), arange(start, stop[, step]): stop included, as in Lua's for. */
static int l_arange(lua_State *L) {
    making m = options(L, 2, 0);
    int args = m.last, integers = 1;
    for (int i = 1; i <= args; i++) integers = integers && lua_isinteger(L, i);
    double start = lr_number(L, 1, args > 1 ? "start" : "n"), stop = start, step = 1;
    if (args > 1)
        stop = lr_number(L, 2, "stop");
    else
        start = 1;
    if (args > 2) step = lr_number(L, 3, "step");
    if (step == 0 || !isfinite(step)) return lr_argerror(L, 3, "step: number other than 0 expected, got %f", step);
    if (!isfinite(start) || !isfinite(stop)) return lr_argerror(L, 1, "start and stop must be finite numbers");
    if (!m.dtype) m.dtype = integers ? LURON_I64 : luron_ctx_default_dtype(lr_ctx(L));
    double n = floor((stop - start) / step + 1e-9) + 1; /* so that 0, 1, 0.1 ends with 1 */
    if (n < 0) n = 0;
    for (int i = 1; i <= (args > 1 ? 2 : 1); i++) /* doubles count them, and are whole numbers one by one as far as this */
        if (fabs(i == 1 && args > 1 ? start : stop) > 4e15)
            return lr_argerror(L, i, "%s: number from -4e15 to 4e15 expected, got %s", args < 2 ? "n" : i == 1 ? "start" : "stop", lr_got(L, i));
    if (n > 1e15) return lr_argerror(L, args > 1 ? 2 : 1, "%f numbers are too many", n);
    luron_tensor **out = lr_new_tensor(L);
    int64_t none = 0;
    if (n == 0) return finish(L, out, &m, luron_tensor_new(out, lr_ctx(L), m.dtype, 1, &none));
    return finish(L, out, &m, luron_tensor_arange(out, lr_ctx(L), m.dtype, start, start + (n - 0.5) * step, step));
}

static int l_eye(lua_State *L) {
    int64_t n = lr_integer_in(L, 1, "n", 0, INT32_MAX);
    making m = options(L, 2, luron_ctx_default_dtype(lr_ctx(L)));
    luron_tensor **out = lr_new_tensor(L), *ids = NULL;
    luron_ctx *ctx = lr_ctx(L);
    double base = luron_ctx_index_base(ctx);
    luron_status status = luron_tensor_arange(&ids, ctx, LURON_I64, base, base + (double)n, 1);
    if (status == LURON_OK) status = luron_one_hot(out, ctx, ids, n, m.dtype);
    luron_tensor_unref(ids);
    return finish(L, out, &m, status);
}

static luron_status draw_integers(luron_tensor **out, luron_ctx *ctx, uint32_t dtype, double lo, double hi, int n, const int64_t *shape) {
    luron_tensor *u = NULL, *f = NULL, *c = NULL;
    luron_status status = luron_tensor_new(&u, ctx, LURON_F64, n, shape);
    if (status == LURON_OK) status = luron_tensor_uniform(ctx, u, lo, hi + 1);
    if (status == LURON_OK) status = luron_floor(&f, ctx, u);
    if (status == LURON_OK) status = luron_clamp(&c, ctx, f, lo, hi);
    if (status == LURON_OK) status = luron_cast(out, ctx, c, dtype);
    luron_tensor_unref(u);
    luron_tensor_unref(f);
    luron_tensor_unref(c);
    return status;
}

static int l_randint(lua_State *L) {
    const lua_Integer most = (lua_Integer)1 << 52;
    lua_Integer lo = lr_integer_in(L, 1, "lowest", -most, most), hi = lr_integer_in(L, 2, "highest", -most, most);
    if (hi < lo) return lr_argerror(L, 2, "highest: at least %I expected, got %I", lo, hi);
    int64_t shape[LURON_MAX_DIMS];
    making m = options(L, 3, LURON_I64);
    int n = lr_sizes(L, 3, m.last, 0, shape);
    luron_tensor **out = lr_new_tensor(L);
    return finish(L, out, &m, draw_integers(out, lr_ctx(L), m.dtype, (double)lo, (double)hi, n, shape));
}

static int l_randperm(lua_State *L) {
    int64_t n = lr_integer_in(L, 1, "n", 0, LUA_MAXINTEGER);
    luron_tensor **out = lr_new_tensor(L);
    return lr_done(L, luron_tensor_permutation(out, lr_ctx(L), n), 1);
}

/* frombytes(string, dtype, sizes...) */
static int l_frombytes(lua_State *L) {
    if (lua_type(L, 1) != LUA_TSTRING) return lr_typeerror(L, 1, "bytes", "string");
    uint32_t dtype = lr_dtype(L, 2, "dtype");
    int64_t shape[LURON_MAX_DIMS], numel = luron_dtype_size(dtype);
    int n = lr_sizes(L, 3, lua_gettop(L), 0, shape);
    size_t bytes;
    const char *data = lua_tolstring(L, 1, &bytes);
    if (lua_gettop(L) == 2) {
        n = 1;
        shape[0] = (int64_t)bytes / luron_dtype_size(dtype);
    }
    for (int i = 0; i < n; i++)
        if (__builtin_mul_overflow(numel, shape[i], &numel)) numel = -1, i = n;
    if (numel < 0 || (size_t)numel != bytes) {
        char text[192];
        return lr_argerror(L, 1, "bytes: %s of %s needs %I bytes, got %I", luron_shape_text(text, sizeof text, n, shape), luron_dtype_name(dtype),
                           (lua_Integer)numel, (lua_Integer)bytes);
    }
    if (dtype == LURON_B8)
        for (size_t i = 0; i < bytes; i++)
            if ((unsigned char)data[i] > 1) return lr_argerror(L, 1, "bytes: a bool is a byte 0 or 1, got %d", (unsigned char)data[i]);
    luron_tensor **out = lr_new_tensor(L);
    return lr_done(L, luron_tensor_from(out, lr_ctx(L), dtype, n, shape, data), 1);
}

/* ---- initialisers, for nn.init ---------------------------------------------------------------------------------------------- */
/* tensor_init(tensor, "xavier_uniform(1.4)") -> tensor */
static int l_tensor_init(lua_State *L) {
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    luron_status status = luron_tensor_init(lr_ctx(L), t, luaL_checkstring(L, 2));
    lua_settop(L, 1);
    return lr_done(L, status, 1);
}

/* initialisers() -> { { name, names of its arguments ..., doc = }, ... } */
static int l_initialisers(lua_State *L) {
    const char *name, *arg;
    lua_newtable(L);
    for (int i = 0; (name = luron_initialiser_name(i)); i++) {
        lua_newtable(L);
        lua_pushstring(L, name);
        lua_rawseti(L, -2, 1);
        lua_pushstring(L, luron_initialiser_doc(i));
        lua_setfield(L, -2, "doc");
        for (int k = 0; (arg = luron_initialiser_arg(i, k)); k++) {
            lua_pushstring(L, arg);
            lua_rawseti(L, -2, k + 2);
        }
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static const luaL_Reg functions[] = {
    { "tensor", l_tensor }, { "zeros", l_zeros }, { "ones", l_ones }, { "full", l_full }, { "empty", l_empty },
    { "rand", l_rand }, { "randn", l_randn }, { "zeros_like", l_zeros_like }, { "ones_like", l_ones_like },
    { "full_like", l_full_like }, { "rand_like", l_rand_like }, { "randn_like", l_randn_like },
    { "arange", l_arange }, { "eye", l_eye }, { "randint", l_randint }, { "randperm", l_randperm },
    { "frombytes", l_frombytes }, { "tensor_init", l_tensor_init }, { "initialisers", l_initialisers }, { NULL, NULL },
};

void lr_open_create(lua_State *L) {
    lr_setfuncs(L, functions);
}
