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

/* plan:size(): things that it does, bytes */
static int l_size(lua_State *L) {
    lua_pushinteger(L, luron_plan_n_steps(plan_at(L)));
    lua_pushinteger(L, luron_plan_bytes(plan_at(L)));
    return 2;
}

/* plan:run(inputs): true and the outputs; false, why if it does not fit. */
static int l_run(lua_State *L) {
    luron_tensor *ins[MOST], *outs[MOST];
    luron_plan *plan = plan_at(L);
    luron_ctx *ctx = lr_ctx(L);
    int n = tensors(L, 2, ins), n_out = luron_plan_n_outs(plan);
    const char *why;
    lua_settop(L, 2);
    if (!luron_plan_fits(plan, ctx, n, ins, &why)) {
        lua_pushboolean(L, 0);
        lua_pushstring(L, why);
        return 2;
    }
    luaL_checkstack(L, n_out + 1, "too many results");
    lua_pushboolean(L, 1);
    luron_tensor **boxes[MOST];
    for (int i = 0; i < n_out; i++)
        boxes[i] = lr_new_tensor(L);
    luron_status status = luron_plan_run(outs, plan, ctx, n, ins);
    if (status == LURON_E_NONFINITE) { /* no parameter was changed: the step itself can say what made it */
        lua_pushboolean(L, 0);
        lua_pushliteral(L, "numbers were not finite");
        return 2;
    }
    for (int i = 0; i < n_out && status == LURON_OK; i++)
        *boxes[i] = outs[i];
    return lr_done(L, status, n_out + 1);
}

static int l_is_planning(lua_State *L) {
    lua_pushboolean(L, luron_ctx_is_planning(lr_ctx(L)));
    return 1;
}

static const luaL_Reg methods[] = {
    {"finish", l_finish}, {"refusal", l_refusal}, {"hash", l_hash}, {"size", l_size}, {"run", l_run}, {NULL, NULL},
};
static const luaL_Reg functions[] = {{"plan_begin", l_plan_begin}, {"is_planning", l_is_planning}, {NULL, NULL}};

void lr_open_plan(lua_State *L) {
    lr_setfuncs(L, functions);
    lr_metatable(L, &lr_plan_key, "luron.plan");
    lr_setfuncs(L, methods);
    lua_pop(L, 2);
}
