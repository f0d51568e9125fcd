/* lua_autograd.c -- gradients: backward, grad, gradcheck, and the guards no_grad and enable_grad. */
#include "lua_util.h"

#include <string.h>

static const char open_key; /* "train.lua:3" in the registry: where a guard was made that is open */

static int t_requires_grad(lua_State *L) {
    lua_pushboolean(L, luron_tensor_requires_grad(lr_tensor(L, 1, "tensor")));
    return 1;
}

static int t_set_requires_grad(lua_State *L) {
    lua_settop(L, 2);
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    int on = lr_opt_boolean(L, 2, "on", 1);
    luron_status status = luron_tensor_set_requires_grad(lr_ctx(L), t, on);
    lua_settop(L, 1);
    return lr_done(L, status, 1);
}

static int t_is_leaf(lua_State *L) {
    lua_pushboolean(L, luron_tensor_is_leaf(lr_tensor(L, 1, "tensor")));
    return 1;
}

static int t_grad(lua_State *L) {
    lr_push_tensor(L, luron_tensor_grad(lr_tensor(L, 1, "tensor")));
    return 1;
}

static int t_set_grad(lua_State *L) {
    lua_settop(L, 2);
    luron_tensor *t = lr_tensor(L, 1, "tensor"), *g = lua_isnil(L, 2) ? NULL : lr_tensor(L, 2, "gradient");
    luron_status status = luron_tensor_set_grad(lr_ctx(L), t, g);
    lua_settop(L, 1);
    return lr_done(L, status, 1);
}

static int t_zero_grad(lua_State *L) {
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    luron_status status = luron_tensor_set_grad(lr_ctx(L), t, NULL);
    lua_settop(L, 1);
    return lr_done(L, status, 1);
}

static uint32_t flag(lua_State *L, int arg, const char *key, uint32_t bit) {
    int set = 0;
    if (lr_field(L, arg, key) != LUA_TNIL) {
        if (!lua_isboolean(L, -1)) lr_argerror(L, arg, "%s: boolean expected, got %s", key, lr_got(L, -1));
        set = lua_toboolean(L, -1);
    }
    lua_pop(L, 1);
    return set ? bit : 0;
}

static uint32_t flags_at(lua_State *L, int arg) {
    return flag(L, arg, "retain_graph", LURON_RETAIN_GRAPH) | flag(L, arg, "create_graph", LURON_CREATE_GRAPH);
}

/* backward([grad][, { retain_graph =, create_graph = }]) */
static int t_backward(lua_State *L) {
    static const char *const keys[] = { "retain_graph", "create_graph", NULL };
    lua_settop(L, 3);
    int options = lua_istable(L, 2) ? 2 : 3;
    lr_only(L, options, keys);
    uint32_t flags = flags_at(L, options);
    luron_tensor *y = lr_tensor(L, 1, "tensor"), *g = options == 2 || lua_isnil(L, 2) ? NULL : lr_tensor(L, 2, "gradient");
    lr_state *S = lr_get(L);
    lua_State *before = lr_enter(L);
    luron_status status = luron_backward(S->ctx, y, g, flags);
    lr_leave(L, before);
    lr_drain(L, S);
    if (status == LURON_E_STATE && !luron_ctx_is_recording(S->ctx) && lua_rawgetp(L, LUA_REGISTRYINDEX, &open_key) != LUA_TNIL)
        return lr_error(L, "%s; nothing is recorded since %s, where a guard was made that is still open: local _ <close> = luron.no_grad(), "
                           "or luron.no_grad(fn)", luron_ctx_error(S->ctx), lua_tostring(L, -1));
    return lr_done(L, status, 0);
}

/* ---- luron.grad ----------------------------------------------------------------------------------------------------------- */
/* Fill xs with the tensors at arg, which count() has counted. Makes nothing, so that no finalizer runs meanwhile. */
static void fill(lua_State *L, int arg, const char *name, int n, luron_tensor **xs) {
    if (lr_test(L, arg, &lr_tensor_key)) {
        xs[0] = lr_tensor(L, arg, name);
        return;
    }
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, arg, i + 1);
        void **item = lr_test(L, -1, &lr_tensor_key);
        if (!item || !*item) lr_argerror(L, arg, "%s: tensor expected at [%d], got %s", name, i + 1, item ? "a closed one" : lr_got(L, -1));
        xs[i] = *item;
        lua_pop(L, 1);
    }
}

/* Number of tensors at arg: one, or a list of them. */
static int count(lua_State *L, int arg, const char *name) {
    const int list = !lr_test(L, arg, &lr_tensor_key) && lua_istable(L, arg);
    size_t n = list ? lua_rawlen(L, arg) : lr_test(L, arg, &lr_tensor_key) ? 1 : 0;
    if (list && n == 0) lr_argerror(L, arg, "%s: at least one tensor expected, got an empty list", name);
    if (n == 0 || n > 1000000) lr_typeerror(L, arg, name, "tensor or list of tensors");
    return (int)n;
}

/* grad(y | {ys}, x | {xs}[, { grad_outputs =, retain_graph =, create_graph = }]): the gradients, one by one; nil where
 * ys do not depend on x. */
static int l_grad(lua_State *L) {
    static const char *const keys[] = { "retain_graph", "create_graph", "grad_outputs", NULL };
    lua_settop(L, 3);
    lr_only(L, 3, keys);
    uint32_t flags = flags_at(L, 3);
    int given = lr_field(L, 3, "grad_outputs") != LUA_TNIL; /* at 4 */
    int n_y = count(L, 1, "y"), n_x = count(L, 2, "x");
    if (given && count(L, 4, "grad_outputs") != n_y) return lr_argerror(L, 3, "grad_outputs: one for each of %d ys expected", n_y);
    luron_tensor **ys = lua_newuserdatauv(L, (size_t)(2 * n_y + 2 * n_x) * sizeof *ys, 0), **gys = ys + n_y, **xs = gys + n_y, **outs = xs + n_x;
    memset(outs, 0, (size_t)n_x * sizeof *outs);
    int first = lua_gettop(L) + 1;
    luaL_checkstack(L, n_x + 10, "too many tensors");
    for (int i = 0; i < n_x; i++) lr_new_tensor(L);
    fill(L, 1, "y", n_y, ys);
    fill(L, 2, "x", n_x, xs);
    if (given) fill(L, 4, "grad_outputs", n_y, gys);
    lr_state *S = lr_get(L);
    lua_State *before = lr_enter(L);
    luron_status status = luron_grad(outs, S->ctx, n_y, ys, given ? gys : NULL, n_x, xs, flags);
    lr_leave(L, before);
    for (int i = 0; i < n_x && status == LURON_OK; i++) *(luron_tensor **)lr_slot(L, first + i) = outs[i];
    lr_drain(L, S);
    if (status != LURON_OK) return lr_raise(L, status);
    lua_settop(L, first + n_x - 1);
    for (int i = 0; i < n_x; i++)
        if (!*lr_slot(L, first + i)) {
            lua_pushnil(L);
            lua_replace(L, first + i);
        }
    return lr_done(L, status, n_x);
}

/* ---- gradcheck -------------------------------------------------------------------------------------------------------------- */
typedef struct checked {
    lua_State *L;
    lr_state *S;
    int fn, n_in; /* fn: stack index in the frame of l_gradcheck */
    luron_tensor *const *ins;
    luron_tensor **out;
} checked;

static int check_body(lua_State *L) {
    checked *c = lua_touserdata(L, 1);
    luaL_checkstack(L, c->n_in + 10, "too many inputs");
    for (int i = 0; i < c->n_in; i++) lr_push_tensor(L, c->ins[i]);
    lua_call(L, c->n_in, 1);
    void **box = lr_test(L, -1, &lr_tensor_key);
    if (!box || !*box) return lr_error(L, "gradcheck: the function must return a tensor, got %s", box ? "a closed one" : lr_got(L, -1));
    *c->out = luron_tensor_ref(*box);
    return 0;
}

static luron_status check_fn(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    checked *c = ud;
    (void)ctx;
    if (!lua_checkstack(c->L, 4)) return LURON_E_NOMEM;
    c->ins = ins;
    c->out = out;
    lua_pushcfunction(c->L, check_body);
    lua_pushlightuserdata(c->L, c);
    lua_pushvalue(c->L, c->fn);
    return lr_callback(c->L, c->S, 2);
}

static double option(lua_State *L, int arg, const char *key) {
    double v = 0;
    if (lr_field(L, arg, key) != LUA_TNIL) {
        if (lua_type(L, -1) != LUA_TNUMBER) lr_argerror(L, arg, "%s: number expected, got %s", key, lr_got(L, -1));
        v = lua_tonumber(L, -1);
        if (!(v >= 0)) lr_argerror(L, arg, "%s: number of at least 0 expected, got %f", key, v);
    }
    lua_pop(L, 1);
    return v;
}

/* Replace the inputs 2..last by copies that require gradients, where none does so already. */
static void require_some(lua_State *L, int last) {
    for (int i = 2; i <= last; i++)
        if (luron_tensor_requires_grad(lr_tensor(L, i, "input"))) return;
    for (int i = 2; i <= last; i++) {
        if (!luron_dtype_is_float(luron_tensor_dtype(lr_tensor(L, i, "input")))) continue;
        luron_tensor **out = lr_new_tensor(L);
        luron_status status = luron_copy(out, lr_ctx(L), lr_tensor(L, i, "input"));
        if (status == LURON_OK) status = luron_tensor_set_requires_grad(lr_ctx(L), *out, 1);
        if (status != LURON_OK) lr_raise(L, status);
        lua_replace(L, i);
    }
}

/* gradcheck(fn, inputs...[, { order =, eps =, rtol =, atol =, seed = }]): true, or false and what is wrong. */
static int l_gradcheck(lua_State *L) {
    static const char *const keys[] = { "order", "eps", "rtol", "atol", "seed", NULL };
    int last = lua_gettop(L), options = 0;
    if (last > 1 && lua_istable(L, last)) options = last--;
    lr_callable(L, 1, "function");
    if (last < 2) return lr_argerror(L, 2, "input: tensor expected, got no value");
    luron_gradcheck_options o = { 0 };
    if (options) {
        lr_only(L, options, keys);
        double order = option(L, options, "order");
        if (order != 0 && order != 1 && order != 2) return lr_argerror(L, options, "order: 1 or 2 expected, got %f", order);
        double seed = option(L, options, "seed");
        o = (luron_gradcheck_options){ option(L, options, "eps"), option(L, options, "rtol"), option(L, options, "atol"), (int)order,
                                       seed < 9e15 ? (uint64_t)seed : 0 };
    }
    for (int i = 2; i <= last; i++) lr_tensor(L, i, "input");
    require_some(L, last);
    int n = last - 1;
    luron_tensor **ins = lua_newuserdatauv(L, (size_t)n * sizeof *ins, 0);
    for (int i = 0; i < n; i++) ins[i] = lr_tensor(L, i + 2, "input"); /* held by the stack */
    lr_state *S = lr_get(L);
    checked c = { L, S, 1, n, NULL, NULL };
    lua_State *before = lr_enter(L);
    for (int i = 0; i < n; i++) ins[i] = luron_tensor_ref(ins[i]); /* fn could close them */
    luron_status status = luron_gradcheck(S->ctx, check_fn, &c, n, ins, &o);
    for (int i = 0; i < n; i++) luron_tensor_unref(ins[i]);
    lr_leave(L, before);
    lr_drain(L, S);
    if (status == LURON_E_GRADIENT) {
        lua_pushboolean(L, 0);
        lua_pushstring(L, luron_ctx_error(S->ctx));
        return 2;
    }
    lua_pushboolean(L, 1);
    return lr_done(L, status, 1);
}

/* ---- guards -------------------------------------------------------------------------------------------------------------------- */
typedef struct guard {
    int (*set)(luron_ctx *ctx, int on);
    int before, open;
} guard;

static int guard_close(lua_State *L) {
    guard *g = lr_userdata(L, 1, &lr_guard_key);
    if (!g) return lr_typeerror(L, 1, "guard", "guard");
    if (g->open) g->set(lr_ctx(L), g->before);
    g->open = 0;
    if (luron_ctx_is_recording(lr_ctx(L))) { /* no guard has turned it off any more */
        lua_pushnil(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &open_key);
    }
    return 0;
}

/* Note the line at which a guard turned recording off, for the message of a backward that finds nothing. */
static void note_open(lua_State *L) {
    lua_Debug ar;
    int level = 0;
    do { /* behind what is written in C, such as pcall */
        if (!lua_getstack(L, ++level, &ar)) return;
        lua_getinfo(L, "Sl", &ar);
    } while (ar.currentline <= 0);
    lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &open_key);
}

void lr_push_guard(lua_State *L, int (*set)(luron_ctx *, int), int on) {
    guard *g = lua_newuserdatauv(L, sizeof *g, 0);
    *g = (guard){ set, 0, 0 };
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lr_guard_key);
    lua_setmetatable(L, -2);
    *g = (guard){ set, set(lr_ctx(L), on), 1 };
}

/* With a function: run it and return what it returns. Without: a guard for `local _ <close> = luron.no_grad()`. */
static int guarded(lua_State *L, int (*set)(luron_ctx *, int), int on) {
    int n = lua_gettop(L);
    if (n > 0) lr_callable(L, 1, "function");
    lr_push_guard(L, set, on);
    if (n == 0) {
        if (set == luron_ctx_set_recording && !on) note_open(L);
        return 1;
    }
    lua_insert(L, 1);
    lua_toclose(L, 1);
    lua_call(L, n - 1, LUA_MULTRET);
    return lua_gettop(L) - 1;
}

static int l_no_grad(lua_State *L) { return guarded(L, luron_ctx_set_recording, 0); }
static int l_enable_grad(lua_State *L) { return guarded(L, luron_ctx_set_recording, 1); }

static int l_is_recording(lua_State *L) {
    lua_pushboolean(L, luron_ctx_is_recording(lr_ctx(L)));
    return 1;
}

/* detect_anomaly(on): what it was; detect_anomaly([fn, ...]): as no_grad. */
static int l_detect_anomaly(lua_State *L) {
    int is_object = lua_type(L, 1) == LUA_TTABLE || lua_type(L, 1) == LUA_TUSERDATA; /* which guarded looks at */
    if (!lua_isnone(L, 1) && !lua_isboolean(L, 1) && !lua_isfunction(L, 1) && !is_object) return lr_typeerror(L, 1, "on", "boolean or function");
    if (!lua_isboolean(L, 1)) return guarded(L, luron_ctx_set_detect_anomaly, 1);
    lua_pushboolean(L, luron_ctx_set_detect_anomaly(lr_ctx(L), lua_toboolean(L, 1)));
    return 1;
}

static int l_is_detecting_anomaly(lua_State *L) {
    lua_pushboolean(L, luron_ctx_is_detecting_anomaly(lr_ctx(L)));
    return 1;
}

/* higher([on]): does the tape keep what second derivatives through fused layers need? */
static int l_higher(lua_State *L) {
    luron_ctx *ctx = lr_ctx(L);
    if (!lua_isnoneornil(L, 1)) luron_ctx_set_higher(ctx, lr_opt_boolean(L, 1, "on", 0));
    lua_pushboolean(L, luron_ctx_is_higher(ctx));
    return 1;
}

static const luaL_Reg methods[] = {
    { "requires_grad", t_requires_grad }, { "requires_grad_", t_set_requires_grad }, { "is_leaf", t_is_leaf }, { "grad", t_grad },
    { "set_grad", t_set_grad }, { "zero_grad", t_zero_grad }, { "backward", t_backward }, { NULL, NULL },
};
static const luaL_Reg functions[] = {
    { "grad", l_grad }, { "gradcheck", l_gradcheck }, { "no_grad", l_no_grad }, { "enable_grad", l_enable_grad },
    { "is_recording", l_is_recording }, { "higher", l_higher }, { "detect_anomaly", l_detect_anomaly },
    { "is_detecting_anomaly", l_is_detecting_anomaly }, { NULL, NULL },
};

void lr_open_autograd(lua_State *L) {
    lr_setfuncs(L, functions);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lr_methods_key);
    lr_setfuncs(L, methods);
    lua_pop(L, 1);
    luaL_newmetatable(L, "luron.guard");
    lua_pushcfunction(L, guard_close);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__close");
    lua_newtable(L);
    lua_insert(L, -2);
    lua_setfield(L, -2, "close");
    lua_setfield(L, -2, "__index");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &lr_guard_key);
}
