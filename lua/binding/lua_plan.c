/* lua_plan.c -- plans: what luron/compile.lua makes luron.compile of. */
#include "lua_util.h"

enum { MOST = 64 }; /* inputs or outputs */

static luron_plan *plan_at(lua_State *L) { return lr_object(L, 1, &lr_plan_key, "plan"); }

/* The tensors in the list at arg; they stay where they are. */
static int tensors(lua_State *L, int arg, luron_tensor *to[MOST]) {
    luaL_checktype(L, arg, LUA_TTABLE);
    lua_Integer n = (lua_Integer)lua_rawlen(L, arg);
    if (n > MOST) return lr_argerror(L, arg, "at most %d tensors expected, got %d", MOST, (int)n);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, arg, i + 1);
        to[i] = lr_to_tensor(L, -1);
        if (!to[i]) return lr_argerror(L, arg, "[%d]: tensor expected, got %s", i + 1, lr_got(L, -1));
        lua_pop(L, 1);
    }
    return (int)n;
}

/* plan_begin(inputs): plan; nil, message, code if there can be none. */
static int l_plan_begin(lua_State *L) {
    luron_tensor *ins[MOST];
    int n = tensors(L, 1, ins);
    void **box = lr_box(L, &lr_plan_key);
    luron_plan *plan = NULL;
    luron_status status = luron_plan_begin(&plan, lr_ctx(L), n, ins);
    *box = plan;
    return status == LURON_OK ? 1 : lr_nil(L, status);
}

/* plan:finish(outputs), or without them after an error. */
static int l_finish(lua_State *L) {
    luron_tensor *outs[MOST];
    luron_plan *plan = plan_at(L);
    int n = lua_isnoneornil(L, 2) ? -1 : tensors(L, 2, outs);
    return lr_done(L, luron_plan_end(plan, lr_ctx(L), n, outs), 0);
}

static int l_refusal(lua_State *L) {
    lua_pushstring(L, luron_plan_refusal(plan_at(L)));
    return 1;
}

static int l_hash(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)luron_plan_hash(plan_at(L)));
    return 1;
}

/* plan:trail(): for each thing that it does a number, of all up to it, and the name of the thing. */
static int l_trail(lua_State *L) {
    const luron_plan *plan = plan_at(L);
    lua_Integer n = (lua_Integer)luron_plan_n_steps(plan);
    lua_createtable(L, (int)(2 * n), 0);
    for (lua_Integer i = 0; i < n; i++) {
        uint64_t hash;
        lua_pushstring(L, luron_plan_step(plan, i, &hash));
        lua_rawseti(L, -2, 2 * i + 2);
        lua_pushinteger(L, (lua_Integer)hash);
        lua_rawseti(L, -2, 2 * i + 1);
    }
    return 1;
}

/* plan:size(): things that it does, bytes */
static int l_size(lua_State *L) {
    lua_pushinteger(L, luron_plan_n_steps(plan_at(L)));
    lua_pushinteger(L, luron_plan_bytes(plan_at(L)));
    return 2;
}

/* The tensors among the arguments from 2 on, contiguous: those that are not are replaced by copies, which stay in their place. */
static int inputs(lua_State *L, int top, luron_tensor *to[MOST]) {
    int n = 0;
    for (int i = 2; i <= top; i++) {
        luron_tensor *t = lr_to_tensor(L, i);
        if (!t) continue;
        if (n == MOST) return lr_error(L, "plan: at most %d tensors expected", MOST);
        if (!luron_tensor_is_contiguous(t)) {
            luron_tensor **box = lr_new_tensor(L);
            luron_status status = luron_contiguous(box, lr_ctx(L), t);
            if (status != LURON_OK) lr_raise(L, status);
            t = *box;
            lua_replace(L, i);
        }
        to[n++] = t;
    }
    return n;
}

/* plan_refuse(what): the step that is being noted does what cannot be repeated. */
static int l_plan_refuse(lua_State *L) {
    luron_ctx_refuse_plan(lr_ctx(L), lr_string(L, 1, "what"));
    return 0;
}

/* false, why, the arguments. */
static int misfit(lua_State *L, int top, const char *why) {
    lua_settop(L, top);
    lua_pushboolean(L, 0);
    lua_replace(L, 1);
    lua_pushstring(L, why);
    lua_insert(L, 2);
    return top + 1;
}

/* plan:run(...): true and the outputs; false, why and the arguments if it does not fit. */
static int l_run(lua_State *L) {
    luron_tensor *ins[MOST], *outs[MOST], **boxes[MOST];
    luron_plan *plan = plan_at(L);
    luron_ctx *ctx = lr_ctx(L);
    int top = lua_gettop(L), n = inputs(L, top, ins), n_out = luron_plan_n_outs(plan);
    const char *why;
    luaL_checkstack(L, n_out + 2, "too many results");
    lua_pushboolean(L, 1);
    for (int i = 0; i < n_out; i++)
        boxes[i] = lr_new_tensor(L);
    luron_status status = luron_plan_run(outs, plan, ctx, n, ins);
    if (status == LURON_E_STATE && !luron_plan_changed(plan) && !luron_plan_fits(plan, ctx, n, ins, &why)) return misfit(L, top, why);
    /* nothing was changed: the step itself can say what made it */
    if (status == LURON_E_NONFINITE && !luron_plan_changed(plan)) return misfit(L, top, "numbers were not finite");
    for (int i = 0; i < n_out && status == LURON_OK; i++)
        *boxes[i] = outs[i];
    return lr_done(L, status, n_out + 1);
}

/* plan_key(...): a text that is equal for calls which one plan may serve; nil, why if there can be none. */
static int l_plan_key(lua_State *L) {
    luaL_Buffer b;
    luron_ctx *ctx = lr_ctx(L);
    int top = lua_gettop(L);
    if (luron_ctx_is_planning(ctx) || luron_ctx_is_tracing(ctx)) return 0;
    luaL_buffinit(L, &b);
    luaL_addchar(&b, (char)('0' + (luron_ctx_is_recording(ctx) != 0)));
    for (int i = 1; i <= top; i++) {
        const luron_tensor *t = lr_to_tensor(L, i);
        int type = lua_type(L, i);
        luaL_addchar(&b, (char)('a' + type));
        if (t) {
            int64_t head[2] = {luron_tensor_dtype(t), luron_tensor_ndim(t)};
            if (luron_tensor_requires_grad(t)) {
                lua_pushnil(L);
                lua_pushfstring(L, "argument %d requires a gradient", i);
                return 2;
            }
            luaL_addlstring(&b, (const char *)head, sizeof head);
            luaL_addlstring(&b, (const char *)luron_tensor_shape(t), (size_t)head[1] * sizeof(int64_t));
        } else if (type == LUA_TSTRING) {
            size_t n;
            const char *text = lua_tolstring(L, i, &n);
            luaL_addlstring(&b, (const char *)&n, sizeof n);
            luaL_addlstring(&b, text, n);
        } else if (type == LUA_TNUMBER) {
            lua_Integer whole = lua_tointeger(L, i);
            double real = lua_tonumber(L, i);
            luaL_addchar(&b, lua_isinteger(L, i) ? 'i' : 'r');
            luaL_addlstring(&b, lua_isinteger(L, i) ? (const char *)&whole : (const char *)&real, 8);
        } else if (type == LUA_TBOOLEAN)
            luaL_addchar(&b, lua_toboolean(L, i) ? '1' : '0');
        else if (type != LUA_TNIL) {
            lua_pushnil(L);
            lua_pushfstring(L, "argument %d is a %s", i, luaL_typename(L, i));
            return 2;
        }
    }
    luaL_pushresult(&b);
    return 1;
}

static const luaL_Reg methods[] = {
    {"finish", l_finish}, {"refusal", l_refusal}, {"hash", l_hash}, {"trail", l_trail}, {"size", l_size}, {"run", l_run}, {NULL, NULL},
};
static int l_is_planning(lua_State *L) {
    lua_pushboolean(L, luron_ctx_is_planning(lr_ctx(L)));
    return 1;
}

static const luaL_Reg functions[] = {{"plan_begin", l_plan_begin}, {"is_planning", l_is_planning}, {"plan_key", l_plan_key}, {"plan_refuse", l_plan_refuse}, {NULL, NULL}};

void lr_open_plan(lua_State *L) {
    lr_setfuncs(L, functions);
    lr_metatable(L, &lr_plan_key, "luron.plan");
    lr_setfuncs(L, methods);
    lua_pop(L, 2);
}
