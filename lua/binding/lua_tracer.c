/* lua_tracer.c -- traces: what luron/trace.lua makes nn.trace of; and ops, tensors and numbers in models. */
#include "lua_util.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static luron_tracer *trace_at(lua_State *L, int arg) { return lr_object(L, arg, &lr_tracer_key, "trace"); }

static int l_trace_new(lua_State *L) {
    void **box = lr_box(L, &lr_tracer_key);
    luron_tracer *trace = NULL;
    luron_status status = luron_tracer_new(&trace, lr_ctx(L));
    *box = trace;
    return lr_done(L, status, 1);
}

/* trace:layer(path, layer) */
static int l_layer(lua_State *L) {
    luron_tracer *trace = trace_at(L, 1);
    luron_layer *layer = lr_object(L, 3, &lr_layer_key, "layer");
    return lr_done(L, luron_tracer_layer(trace, lr_ctx(L), lr_string(L, 2, "path"), layer), 0);
}

/* trace:tensor(path, tensor, is_param) */
static int l_tensor(lua_State *L) {
    luron_tracer *trace = trace_at(L, 1);
    luron_tensor *t = lr_tensor(L, 3, "tensor");
    return lr_done(L, luron_tracer_tensor(trace, lr_ctx(L), lr_string(L, 2, "path"), t, lua_toboolean(L, 4)), 0);
}

/* trace:input(tensor, has_batch) */
static int l_input(lua_State *L) {
    luron_tracer *trace = trace_at(L, 1);
    luron_tensor *t = lr_tensor(L, 2, "tensor");
    return lr_done(L, luron_tracer_input(trace, lr_ctx(L), NULL, t, lua_toboolean(L, 3)), 0);
}

static int l_output(lua_State *L) {
    luron_tracer *trace = trace_at(L, 1);
    luron_tensor *t = lr_tensor(L, 2, "tensor");
    return lr_done(L, luron_tracer_output(trace, lr_ctx(L), t), 0);
}

/* "net.lua:12": the innermost Lua code that is not luron's own. */
static void where(void *ud, char *text, size_t n) {
    lua_State *L = ud;
    lr_state *S = lr_peek(L);
    size_t own = S ? strlen(S->own) : 0;
    lua_Debug ar;
    for (int level = 0; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline <= 0 || (own && strncmp(ar.source, S->own, own) == 0)) continue;
        snprintf(text, n, "%s:%d", ar.short_src, ar.currentline);
        return;
    }
}

static int stop(lua_State *L) {
    lr_state *S = lr_peek(L);
    if (S) luron_tracer_stop(S->ctx);
    return 0;
}

/* trace:run(fn, ...): the results of fn(...), whose steps are noted. */
static int l_run(lua_State *L) {
    luron_tracer *trace = trace_at(L, 1);
    int n = lua_gettop(L) - 2;
    luaL_checkany(L, 2);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, stop);
    lua_setfield(L, -2, "__close");
    lua_setmetatable(L, -2);
    lua_insert(L, 2);
    luron_tracer_set_where(trace, where, L);
    luron_status status = luron_tracer_start(trace, lr_ctx(L)); /* nothing may fail between this and what ends it */
    if (status != LURON_OK) return lr_raise(L, status);
    lua_toclose(L, 2);
    lua_call(L, n, LUA_MULTRET);
    luron_tracer_set_where(trace, NULL, NULL);
    return lua_gettop(L) - 2;
}

/* trace_model(a, b) */
static int l_trace_model(lua_State *L) {
    lua_settop(L, 2);
    void **box = lr_box(L, &lr_model_key);
    luron_model *model = NULL;
    luron_status status = luron_tracer_model(&model, lr_ctx(L), trace_at(L, 1), trace_at(L, 2));
    *box = model;
    return lr_done(L, status, 1);
}

static int l_is_tracing(lua_State *L) {
    lua_pushboolean(L, luron_ctx_is_tracing(lr_ctx(L)));
    return 1;
}

/* trace_refuse(what): an error while a trace is on. */
static int l_trace_refuse(lua_State *L) {
    return lr_done(L, luron_tracer_refuse(lr_ctx(L), lr_string(L, 1, "what")), 0);
}

/* ---- models ------------------------------------------------------------------------------------------------------------ */
/* One attribute, whose value is on top. */
static luron_arg attribute(lua_State *L, const char *name) {
    luron_arg a = {.name = name};
    switch (lua_type(L, -1)) {
    case LUA_TBOOLEAN: a.kind = LURON_ARG_BOOLEAN, a.integer = lua_toboolean(L, -1); return a;
    case LUA_TSTRING: a.kind = LURON_ARG_STRING, a.string = lua_tostring(L, -1); return a;
    case LUA_TTABLE: break;
    default:
        a.kind = lua_isinteger(L, -1) ? LURON_ARG_INTEGER : LURON_ARG_NUMBER;
        a.integer = lua_tointeger(L, -1), a.number = lua_tonumber(L, -1);
        return a;
    }
    a.kind = LURON_ARG_INTS;
    a.ints.n = (int64_t)lua_rawlen(L, -1);
    for (int i = 0; i < a.ints.n && i < 8; i++) {
        lua_rawgeti(L, -1, i + 1);
        a.ints.at[i] = lua_tointeger(L, -1);
        lua_pop(L, 1);
    }
    return a;
}

/* model_op(model, op, { name = value }, values): node. Dims count from 0 here. */
static int l_model_op(lua_State *L) {
    enum { MOST = 8 };
    luron_arg args[MOST];
    luron_value ins[LR_MAX_VALUES], v = {0, 0};
    int n = lr_values(L, 4, ins), k = 0;
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_pushnil(L);
    while (k < MOST && lua_next(L, 3)) {
        if (lua_type(L, -2) != LUA_TSTRING) return lr_argerror(L, 3, "names of attributes expected, got %s", lr_got(L, -2));
        args[k++] = attribute(L, lua_tostring(L, -2));
        lua_pop(L, 1);
    }
    luron_model *model = lr_object(L, 1, &lr_model_key, "model");
    luron_status status = luron_model_op(&v, lr_ctx(L), model, lr_string(L, 2, "op"), k, args, n, ins);
    lua_pushinteger(L, v.node);
    return lr_done(L, status, 1);
}

/* model_tensor(model, path, tensor or number, is_param): node */
static int l_model_tensor(lua_State *L) {
    luron_value v = {0, 0};
    luron_model *model = lr_object(L, 1, &lr_model_key, "model");
    const char *path = lua_isnil(L, 2) ? NULL : lr_string(L, 2, "path");
    luron_ctx *ctx = lr_ctx(L);
    luron_tensor *t = NULL;
    luron_status status = LURON_OK;
    if (lua_isinteger(L, 3))
        status = luron_scalar_int(&t, ctx, lua_tointeger(L, 3));
    else if (lua_type(L, 3) == LUA_TNUMBER)
        status = luron_scalar(&t, ctx, lua_tonumber(L, 3));
    else
        t = luron_tensor_ref(lr_tensor(L, 3, "tensor"));
    if (status == LURON_OK) status = luron_model_tensor(&v, ctx, model, path, t, lua_toboolean(L, 4));
    luron_tensor_unref(t);
    lua_pushinteger(L, v.node);
    return lr_done(L, status, 1);
}

static const luaL_Reg methods[] = {
    {"layer", l_layer},   {"tensor", l_tensor}, {"input", l_input},
    {"output", l_output}, {"run", l_run},       {NULL, NULL},
};
static const luaL_Reg functions[] = {
    {"trace_new", l_trace_new},       {"trace_model", l_trace_model}, {"is_tracing", l_is_tracing},
    {"trace_refuse", l_trace_refuse}, {"model_op", l_model_op},       {"model_tensor", l_model_tensor},
    {NULL, NULL},
};

void lr_open_tracer(lua_State *L) {
    lr_setfuncs(L, functions);
    lr_metatable(L, &lr_tracer_key, "luron.trace");
    lr_setfuncs(L, methods);
    lua_pop(L, 2);
}
