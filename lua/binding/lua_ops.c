/* lua_ops.c -- the ops of core as functions and methods, from tables. */
#include "lua_util.h"

#include <limits.h>
#include <math.h>
#include <string.h>

typedef luron_status (*unary_fn)(luron_tensor **, luron_ctx *, luron_tensor *);
typedef luron_status (*binary_fn)(luron_tensor **, luron_ctx *, luron_tensor *, luron_tensor *);
typedef luron_status (*reduce_fn)(luron_tensor **, luron_ctx *, luron_tensor *, int, const int *, int);
typedef luron_status (*along_fn)(luron_tensor **, luron_ctx *, luron_tensor *, int);
typedef luron_status (*arg_fn)(luron_tensor **, luron_ctx *, luron_tensor *, int, int);
typedef struct unary { const char *name; unary_fn fn; } unary;
typedef struct binary { const char *name; binary_fn fn; } binary;
typedef struct reduce { const char *name; reduce_fn fn; } reduce;
typedef struct along { const char *name; along_fn fn; } along;
typedef struct arg { const char *name; arg_fn fn; } arg;

#define ENTRY(name) { #name, luron_##name },
static const unary unaries[] = { LURON_UNARY_MAP(ENTRY) ENTRY(asinh) ENTRY(acosh) ENTRY(atanh) ENTRY(logical_not) ENTRY(isfinite) ENTRY(isnan) ENTRY(contiguous) ENTRY(detach){ "clone", luron_copy } };
static const binary binaries[] = { LURON_BINARY_MAP(ENTRY) LURON_COMPARE_MAP(ENTRY) };
static const reduce reductions[] = { ENTRY(sum) ENTRY(mean) ENTRY(prod) ENTRY(amax) ENTRY(amin) ENTRY(any) ENTRY(all) ENTRY(sum_squares) };
static const along alongs[] = { ENTRY(softmax) ENTRY(log_softmax) ENTRY(unsqueeze) };
static const arg args[] = { ENTRY(argmax) ENTRY(argmin) };
#undef ENTRY
#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

/* ---- operands: a tensor, or a number as a 0-d tensor that lives for the call -------------------------------------------------- */
static int is_operand(lua_State *L, int i) {
    int type = lua_type(L, i);
    return type == LUA_TNUMBER || type == LUA_TBOOLEAN || lr_to_tensor(L, i);
}

static void check_operand(lua_State *L, int i, const char *name) {
    if (!is_operand(L, i)) lr_typeerror(L, i, name, "tensor or number");
}

static luron_status operand(lua_State *L, int i, luron_ctx *ctx, luron_tensor **out) {
    if (lua_type(L, i) == LUA_TBOOLEAN) return luron_tensor_full(out, ctx, LURON_B8, 0, NULL, lua_toboolean(L, i));
    if (lua_type(L, i) == LUA_TNUMBER)
        return lua_isinteger(L, i) ? luron_scalar_int(out, ctx, lua_tointeger(L, i)) : luron_scalar(out, ctx, lua_tonumber(L, i));
    *out = luron_tensor_ref(*(luron_tensor **)lr_slot(L, i));
    return LURON_OK;
}

static luron_status apply_binary(lua_State *L, binary_fn fn, luron_tensor **out, int i, int j) {
    luron_ctx *ctx = lr_ctx(L);
    luron_tensor *a = NULL, *b = NULL;
    luron_status status = operand(L, i, ctx, &a);
    if (status == LURON_OK) status = operand(L, j, ctx, &b);
    if (status == LURON_OK) status = fn(out, ctx, a, b);
    luron_tensor_unref(a);
    luron_tensor_unref(b);
    return status;
}

static int op_unary(lua_State *L) {
    const unary *op = lua_touserdata(L, lua_upvalueindex(1));
    lua_settop(L, 1);
    if (lua_istable(L, 1) && lr_method_on_nodes(L, op->name)) return 1;
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, op->fn(out, lr_ctx(L), x), 1);
}

static int op_binary(lua_State *L) {
    const binary *op = lua_touserdata(L, lua_upvalueindex(1));
    lua_settop(L, 2);
    if (!(is_operand(L, 1) && is_operand(L, 2)) && lr_method_on_nodes(L, op->name)) return 1;
    luron_tensor **out = lr_new_tensor(L);
    check_operand(L, 1, "a");
    check_operand(L, 2, "b");
    if (!lr_to_tensor(L, 1) && !lr_to_tensor(L, 2)) return lr_typeerror(L, 1, "a", "tensor");
    return lr_done(L, apply_binary(L, op->fn, out, 1, 2), 1);
}

/* & | ~ on masks */
static int op_mask(lua_State *L) {
    const binary *op = lua_touserdata(L, lua_upvalueindex(1));
    if ((lua_istable(L, 1) || lua_istable(L, 2)) && lr_method_on_nodes(L, op->name)) return 1;
    for (int i = 1; i <= 2; i++) {
        luron_tensor *x = lr_to_tensor(L, i);
        if (x ? luron_tensor_dtype(x) != LURON_B8 : !lua_isboolean(L, i)) {
            const char *got = x ? luron_dtype_name(luron_tensor_dtype(x)) : lr_got(L, i);
            return lr_error(L, "'&', '|' and '~' combine masks: bool tensor expected, got %s", got);
        }
    }
    lua_settop(L, 2);
    luron_tensor **out = lr_new_tensor(L);
    return lr_done(L, apply_binary(L, op->fn, out, 1, 2), 1);
}

static int op_bnot(lua_State *L) {
    lua_settop(L, 1);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "mask");
    if (luron_tensor_dtype(x) != LURON_B8) return lr_error(L, "'~' turns masks round: bool tensor expected, got %s", luron_dtype_name(luron_tensor_dtype(x)));
    return lr_done(L, luron_logical_not(out, lr_ctx(L), x), 1);
}

/* add_ ... : the result copied into the tensor; core refuses it for what is on the tape. */
static int op_inplace(lua_State *L) {
    const binary *op = lua_touserdata(L, lua_upvalueindex(1));
    lua_settop(L, 2);
    luron_tensor **out = lr_new_tensor(L);
    lr_tensor(L, 1, "tensor");
    check_operand(L, 2, "b");
    luron_status status = apply_binary(L, op->fn, out, 1, 2);
    if (status != LURON_OK) return lr_raise(L, status);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    if (luron_dtype_is_float(luron_tensor_dtype(*out)) && !luron_dtype_is_float(luron_tensor_dtype(x)))
        return lr_argerror(L, 2, "the result is %s and does not fit into %s in place", luron_dtype_name(luron_tensor_dtype(*out)), luron_dtype_name(luron_tensor_dtype(x)));
    status = luron_tensor_copy(lr_ctx(L), x, *out);
    if (status != LURON_OK) return lr_raise_write(L, status, lua_pushfstring(L, "%s_", op->name));
    lua_settop(L, 1);
    return lr_done(L, status, 1);
}

/* ---- reductions ------------------------------------------------------------------------------------------------------------------ */
static int op_reduce(lua_State *L) {
    const reduce *op = lua_touserdata(L, lua_upvalueindex(1));
    int dims[LURON_MAX_DIMS];
    lua_settop(L, 3);
    if (lua_istable(L, 1) && lr_method_on_nodes(L, op->name)) return 1;
    luron_tensor **out = lr_new_tensor(L);
    int n = lr_dims(L, 2, dims), keep = lr_opt_boolean(L, 3, "keepdim", 0);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, op->fn(out, lr_ctx(L), x, n, dims, keep), 1);
}

static int spread(lua_State *L, luron_status (*fn)(luron_tensor **, luron_ctx *, luron_tensor *, int, const int *, int, double)) {
    int dims[LURON_MAX_DIMS];
    lua_settop(L, 4);
    luron_tensor **out = lr_new_tensor(L);
    int n = lr_dims(L, 2, dims), keep = lr_opt_boolean(L, 3, "keepdim", 0);
    double correction = lr_opt_number(L, 4, "correction", 1);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, fn(out, lr_ctx(L), x, n, dims, keep, correction), 1);
}

static int l_var(lua_State *L) { return spread(L, luron_var); }
static int l_std(lua_State *L) { return spread(L, luron_std); }

/* argmax([dim[, keep]]): without a dim the id in x flattened. */
static int op_arg(lua_State *L) {
    const arg *op = lua_touserdata(L, lua_upvalueindex(1));
    lua_settop(L, 3);
    if (lua_istable(L, 1) && lr_method_on_nodes(L, op->name)) return 1;
    luron_tensor **out = lr_new_tensor(L), *flat = NULL;
    int all = lua_isnil(L, 2), dim = all ? 0 : lr_dim(L, 2, "dim"), keep = lr_opt_boolean(L, 3, "keepdim", 0);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    int64_t any = -1;
    luron_status status = all ? luron_reshape(&flat, lr_ctx(L), x, 1, &any) : LURON_OK;
    if (status == LURON_OK) status = op->fn(out, lr_ctx(L), all ? flat : x, dim, all ? 0 : keep);
    luron_tensor_unref(flat);
    return lr_done(L, status, 1);
}

/* max([dim[, keep]]): a scalar tensor, or values and ids; the gradient goes to the place of the id. */
static int extreme(lua_State *L, reduce_fn all, arg_fn ids_of) {
    lua_settop(L, 3);
    luron_tensor **out = lr_new_tensor(L), **ids = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor"), *kept = NULL, *picked = NULL;
    if (lr_to_tensor(L, 2)) return lr_argerror(L, 2, "dim: integer expected, got a tensor; for two tensors: luron.maximum, luron.minimum");
    luron_ctx *ctx = lr_ctx(L);
    if (lua_isnil(L, 2)) {
        lua_pop(L, 1);
        return lr_done(L, all(out, ctx, x, 0, NULL, 0), 1);
    }
    int dim = lr_dim(L, 2, "dim"), keep = lr_opt_boolean(L, 3, "keepdim", 0);
    luron_status status = ids_of(&kept, ctx, x, dim, 1);
    if (status == LURON_OK) status = luron_gather(keep ? out : &picked, ctx, x, dim, kept);
    if (status == LURON_OK && keep) *ids = luron_tensor_ref(kept);
    if (status == LURON_OK && !keep) status = luron_squeeze(out, ctx, picked, dim);
    if (status == LURON_OK && !keep) status = luron_squeeze(ids, ctx, kept, dim);
    luron_tensor_unref(kept);
    luron_tensor_unref(picked);
    return lr_done(L, status, 2);
}

static int l_max(lua_State *L) { return extreme(L, luron_amax, luron_argmax); }
static int l_min(lua_State *L) { return extreme(L, luron_amin, luron_argmin); }

static int op_along(lua_State *L) {
    const along *op = lua_touserdata(L, lua_upvalueindex(1));
    lua_settop(L, 2);
    if (lua_istable(L, 1) && lr_method_on_nodes(L, op->name)) return 1;
    luron_tensor **out = lr_new_tensor(L);
    int dim = lr_dim(L, 2, "dim");
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, op->fn(out, lr_ctx(L), x, dim), 1);
}

/* ---- others ------------------------------------------------------------------------------------------------------------------------ */
static int l_clamp(lua_State *L) {
    lua_settop(L, 3);
    luron_tensor **out = lr_new_tensor(L);
    double lo = lr_opt_number(L, 2, "lowest", -INFINITY), hi = lr_opt_number(L, 3, "highest", INFINITY);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_clamp(out, lr_ctx(L), x, lo, hi), 1);
}

static int l_scale(lua_State *L) {
    lua_settop(L, 3);
    luron_tensor **out = lr_new_tensor(L);
    double times = lr_number(L, 2, "times"), plus = lr_opt_number(L, 3, "plus", 0);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    return lr_done(L, luron_scale(out, lr_ctx(L), x, times, plus), 1);
}

static int l_where(lua_State *L) {
    lua_settop(L, 3);
    luron_tensor **out = lr_new_tensor(L), *a = NULL, *b = NULL;
    check_operand(L, 2, "a");
    check_operand(L, 3, "b");
    luron_tensor *cond = lr_tensor(L, 1, "condition");
    luron_ctx *ctx = lr_ctx(L);
    luron_status status = operand(L, 2, ctx, &a);
    if (status == LURON_OK) status = operand(L, 3, ctx, &b);
    if (status == LURON_OK) status = luron_where(out, ctx, cond, a, b);
    luron_tensor_unref(a);
    luron_tensor_unref(b);
    return lr_done(L, status, 1);
}

static int l_matmul(lua_State *L) {
    lua_settop(L, 2);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *a = lr_tensor(L, 1, "a"), *b = lr_tensor(L, 2, "b");
    return lr_done(L, luron_matmul(out, lr_ctx(L), a, b), 1);
}

static int cast_to(lua_State *L, uint32_t dtype) {
    lua_settop(L, 1);
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    if (luron_tensor_dtype(x) == dtype) {
        *out = luron_tensor_ref(x);
        return 1;
    }
    return lr_done(L, luron_cast(out, lr_ctx(L), x, dtype), 1);
}

static int l_to(lua_State *L) { return cast_to(L, lr_dtype(L, 2, "dtype")); }
static int l_float(lua_State *L) { return cast_to(L, LURON_F32); }
static int l_double(lua_State *L) { return cast_to(L, LURON_F64); }
static int l_long(lua_State *L) { return cast_to(L, LURON_I64); }
static int l_int(lua_State *L) { return cast_to(L, LURON_I32); }
static int l_byte(lua_State *L) { return cast_to(L, LURON_U8); }
static int l_bool(lua_State *L) { return cast_to(L, LURON_B8); }

static int l_one_hot(lua_State *L) {
    static const char *const keys[] = { "dtype", NULL };
    lua_settop(L, 3);
    uint32_t dtype = lr_dtype_option(L, 3, keys);
    luron_tensor **out = lr_new_tensor(L);
    int64_t n = lr_integer_in(L, 2, "n", 1, INT32_MAX);
    luron_tensor *ids = lr_tensor(L, 1, "ids");
    return lr_done(L, luron_one_hot(out, lr_ctx(L), ids, n, dtype), 1);
}

/* ---- registration -------------------------------------------------------------------------------------------------------------------- */
/* Function and method of that name; entry: of a table, its upvalue, or NULL: it has none. */
static void add(lua_State *L, const char *name, lua_CFunction fn, const void *entry) {
    if (entry) lua_pushlightuserdata(L, (void *)entry);
    lua_pushcclosure(L, fn, entry ? 1 : 0);
    lr_name_function(L, name);
    lr_add_method(L, name);
    lua_setfield(L, -2, name);
}

static void add_meta(lua_State *L, const char *event, const char *method) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lr_tensor_key);
    lua_getfield(L, -2, method);
    lua_setfield(L, -2, event);
    lua_pop(L, 1);
}

static void add_mask(lua_State *L, const char *event, const char *method) {
    for (int i = 0; i < COUNT(binaries); i++) {
        if (strcmp(binaries[i].name, method) != 0) continue;
        lua_rawgetp(L, LUA_REGISTRYINDEX, &lr_tensor_key);
        lua_pushlightuserdata(L, (void *)&binaries[i]);
        lua_pushcclosure(L, op_mask, 1);
        lua_setfield(L, -2, event);
        lua_pop(L, 1);
    }
}

static void add_inplace(lua_State *L, const char *method) {
    for (int i = 0; i < COUNT(binaries); i++) {
        if (strcmp(binaries[i].name, method) != 0) continue;
        lua_pushlightuserdata(L, (void *)&binaries[i]);
        lua_pushcclosure(L, op_inplace, 1);
        const char *name = lua_pushfstring(L, "%s_", method);
        lua_pushvalue(L, -2);
        lr_name_function(L, name);
        lr_add_method(L, name);
        lua_pop(L, 3);
    }
}

static const luaL_Reg functions[] = {
    { "var", l_var }, { "std", l_std }, { "max", l_max }, { "min", l_min }, { "clamp", l_clamp }, { "scale", l_scale },
    { "where", l_where }, { "matmul", l_matmul }, { "to", l_to }, { "float", l_float }, { "double", l_double },
    { "long", l_long }, { "int", l_int }, { "byte", l_byte }, { "bool", l_bool }, { "one_hot", l_one_hot },
};

void lr_open_ops(lua_State *L) {
    static const char *const arithmetic[][2] = {
        { "__add", "add" }, { "__sub", "sub" }, { "__mul", "mul" }, { "__div", "div" }, { "__idiv", "floor_divide" },
        { "__mod", "remainder" }, { "__pow", "pow" }, { "__unm", "neg" },
    };
    for (int i = 0; i < COUNT(unaries); i++) add(L, unaries[i].name, op_unary, &unaries[i]);
    for (int i = 0; i < COUNT(binaries); i++) add(L, binaries[i].name, op_binary, &binaries[i]);
    for (int i = 0; i < COUNT(reductions); i++) add(L, reductions[i].name, op_reduce, &reductions[i]);
    for (int i = 0; i < COUNT(alongs); i++) add(L, alongs[i].name, op_along, &alongs[i]);
    for (int i = 0; i < COUNT(args); i++) add(L, args[i].name, op_arg, &args[i]);
    for (int i = 0; i < COUNT(functions); i++) add(L, functions[i].name, functions[i].func, NULL);
    for (int i = 0; i < COUNT(arithmetic); i++) add_meta(L, arithmetic[i][0], arithmetic[i][1]);
    add_mask(L, "__band", "logical_and");
    add_mask(L, "__bor", "logical_or");
    add_mask(L, "__bxor", "logical_xor");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lr_tensor_key);
    lua_pushcfunction(L, op_bnot);
    lua_setfield(L, -2, "__bnot");
    lua_pop(L, 1);
    add_inplace(L, "add");
    add_inplace(L, "sub");
    add_inplace(L, "mul");
    add_inplace(L, "div");
    lr_open_views(L);
    lr_open_arrange(L);
    lr_open_linalg(L);
    lr_open_sparse(L);
    lr_open_indexing(L);
}
