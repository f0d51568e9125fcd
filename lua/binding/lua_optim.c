/* lua_optim.c -- optimisers: made by luron.optim (in Lua) from groups of parameters. */
#include "lua_util.h"

#include <string.h>

static const char group_key, groups_key; /* metatables of opt.groups[i] and opt.groups */
static const char before_step_key, stepped_key;

static luron_optim *optim_at(lua_State *L, int arg) { return lr_object(L, arg, &lr_optim_key, "optimiser"); }

/* optim_new(type, options) */
static int l_optim_new(lua_State *L) {
    luron_arg args[LR_MAX_ARGS];
    const luron_type *type = NULL;
    lua_settop(L, 2);
    luron_status status = luron_type_find(&type, lr_ctx(L), LURON_KIND_OPTIM, lr_string(L, 1, "type"));
    if (status != LURON_OK) return lr_raise(L, status);
    void **box = lr_box(L, &lr_optim_key);
    int n = lr_type_args(L, type, 2, lua_isnil(L, 2) ? 1 : 2, 0, args);
    luron_optim *optim = NULL;
    status = luron_optim_new(&optim, lr_ctx(L), luron_type_name(type), n, args);
    *box = optim;
    lua_settop(L, 3);
    return lr_done(L, status, 1);
}

/* optim_add(opt, params, names or nil, options or nil): a group */
static int l_optim_add(lua_State *L) {
    luron_arg args[LR_MAX_ARGS];
    lua_settop(L, 4);
    luron_optim *optim = optim_at(L, 1);
    const luron_type *type = luron_optim_type_of(optim);
    if (!lua_istable(L, 2)) return lr_typeerror(L, 2, "parameters", "list of tensors");
    if (!lua_isnil(L, 3) && !lua_istable(L, 3)) return lr_typeerror(L, 3, "names", "list of strings");
    size_t n = lua_rawlen(L, 2);
    if (n > 10000000) return lr_argerror(L, 2, "parameters: too many");
    const char **names = lua_isnil(L, 3) ? NULL : lua_newuserdatauv(L, n * sizeof *names + 1, 0);
    luron_tensor **params = lua_newuserdatauv(L, n * sizeof *params + 1, 0);
    for (size_t i = 0; names && i < n; i++) {
        if (lua_rawgeti(L, 3, (lua_Integer)i + 1) != LUA_TSTRING) return lr_argerror(L, 3, "names: string expected at [%I], got %s", (lua_Integer)i + 1, lr_got(L, -1));
        names[i] = lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    int n_args = lua_isnil(L, 4) ? 0 : lr_type_args(L, type, 4, 4, 0, args);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, 2, (lua_Integer)i + 1);
        void **box = lr_test(L, -1, &lr_tensor_key);
        if (!box || !*box) return lr_argerror(L, 2, "parameters: tensor expected at [%I], got %s", (lua_Integer)i + 1, box ? "a closed one" : lr_got(L, -1));
        params[i] = *box;
        lua_pop(L, 1);
    }
    return lr_done(L, luron_optim_add(optim_at(L, 1), lr_ctx(L), (int)n, params, names, n_args, args), 0);
}

/* Ask what before_step has set about a step of the optimiser at 1, and list it if it is noted for a plan. */
static void check_step(lua_State *L) {
    if (luron_ctx_is_planning(lr_ctx(L))) {
        if (lua_rawgetp(L, LUA_REGISTRYINDEX, &stepped_key) == LUA_TTABLE) {
            lua_pushvalue(L, 1);
            lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
        }
        lua_pop(L, 1);
    }
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &before_step_key) == LUA_TNIL) {
        lua_pop(L, 1);
        return;
    }
    lua_pushvalue(L, 1);
    lua_call(L, 1, 0);
}

/* check_step(opt): the same, for optimisers in Lua. */
static int l_check_step(lua_State *L) {
    check_step(L);
    return 0;
}

/* step([closure]): the closure makes loss and gradients; what it gives is given. */
static int l_step(lua_State *L) {
    optim_at(L, 1);
    lua_settop(L, 2);
    const int with = !lua_isnil(L, 2);
    if (with) {
        if (lr_test(L, 2, &lr_tensor_key)) return lr_argerror(L, 2, "closure: function expected, got a tensor: loss:backward() comes first, then opt:step()");
        lr_callable(L, 2, "closure");
        lr_push_guard(L, luron_ctx_set_recording, 1);
        lua_toclose(L, 3);
        lua_pushvalue(L, 2);
        lua_call(L, 0, 1);
        lua_closeslot(L, 3);
    }
    check_step(L);
    lr_called(L, 1);
    return lr_done(L, luron_optim_step(optim_at(L, 1), lr_ctx(L)), with);
}

/* list_steps(list or nil): optimisers whose steps are noted for a plan go into the list. */
static int l_list_steps(lua_State *L) {
    lua_settop(L, 1);
    if (!lua_isnil(L, 1)) luaL_checktype(L, 1, LUA_TTABLE);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &stepped_key);
    return 0;
}

/* before_step(fn or nil): fn(opt) is called before each step, and may raise. */
static int l_before_step(lua_State *L) {
    lua_settop(L, 1);
    lr_get(L)->before_step = !lua_isnil(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &before_step_key);
    return 0;
}

static int l_zero_grad(lua_State *L) {
    luron_optim *optim = optim_at(L, 1);
    return lr_done(L, luron_optim_zero_grad(optim, lr_ctx(L)), 0);
}

/* A step that a plan repeats would not see numbers change. */
static void refuse_reading(lua_State *L) { luron_ctx_refuse_plan(lr_ctx(L), "asks for numbers of an optimiser (steps, options): give them as arguments"); }

static int l_steps(lua_State *L) {
    refuse_reading(L);
    lua_pushinteger(L, luron_optim_steps(optim_at(L, 1)));
    return 1;
}

static int l_type(lua_State *L) {
    lua_pushstring(L, luron_type_name(luron_optim_type_of(optim_at(L, 1))));
    return 1;
}

static int option_index(const luron_type *type, const char *name) {
    const luron_option *o;
    for (int i = 0; (o = luron_type_option(type, i)); i++)
        if (strcmp(o->name, name) == 0) return i;
    return -1;
}

/* What PyTorch and Keras call otherwise, where the type has the option `has`; NULL: none is needed. */
const char *lr_optim_hint(const luron_type *type, const char *name) {
    static const struct { const char *name, *has, *hint; } hints[] = {
        { "betas", "beta1", "give beta1 and beta2" }, { "etas", "etaminus", "give etaminus and etaplus" },
        { "step_sizes", "step_size_min", "give step_size_min and step_size_max" }, { "ns_coefficients", "ns_a", "give ns_a, ns_b and ns_c" },
        { "learning_rate", "lr", "it is called lr" }, { "epsilon", "eps", "it is called eps" }, { "beta_1", "beta1", "it is called beta1" },
        { "beta_2", "beta2", "it is called beta2" }, { "rho", "alpha", "it is called alpha" }, { "foreach", NULL, "there is one way to run it here" },
        { "fused", NULL, "there is one way to run it here" }, { "capturable", NULL, "there is one way to run it here" },
        { "differentiable", NULL, "steps are not recorded" }, { "clipnorm", NULL, "call luron.clip_grad_norm before the step" },
        { "clipvalue", NULL, "call luron.clip_grad_value before the step" }, { "use_ema", NULL, "see luron.EMA" },
    };
    if (luron_type_in(type, 0)) return NULL; /* a layer */
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (strcmp(name, hints[i].name) == 0 && (!hints[i].has || option_index(type, hints[i].has) >= 0)) return hints[i].hint;
    return NULL;
}

static int no_option(lua_State *L, const luron_type *type) {
    const char *hint = lua_type(L, 2) == LUA_TSTRING ? lr_optim_hint(type, lua_tostring(L, 2)) : NULL, *got = lr_got(L, 2);
    return lr_error(L, "%s has no option %s%s%s; options: %s", luron_type_name(type), got, hint ? ": " : "", hint ? hint : "", lr_push_option_names(L, type, 0));
}

/* opt:set { lr = 0.1 }: for all groups; all values are checked before one is set. */
static int l_set(lua_State *L) {
    luron_arg args[LR_MAX_ARGS];
    lua_settop(L, 2);
    luron_optim *optim = optim_at(L, 1);
    if (!lua_istable(L, 2)) return lr_typeerror(L, 2, "options", "table");
    int n = lr_type_args(L, luron_optim_type_of(optim), 2, 2, 0, args);
    for (int g = 0; g < luron_optim_n_groups(optim); g++)
        for (int i = 0; i < n; i++) {
            luron_status status = luron_optim_set(optim, lr_ctx(L), g, &args[i]);
            if (status != LURON_OK) return lr_raise(L, status);
        }
    lua_settop(L, 1);
    return 1;
}

/* ---- opt.groups[i].lr --------------------------------------------------------------------------------------------------- */
/* The group proxy at 1 holds the optimiser and its number. */
static luron_optim *group_at(lua_State *L, int *group) {
    if (!lua_istable(L, 1)) lr_typeerror(L, 1, "group", "group of an optimiser");
    lua_rawgeti(L, 1, 1);
    lua_rawgeti(L, 1, 2);
    void **box = lr_test(L, -2, &lr_optim_key);
    if (!box || !*box) lr_error(L, "the optimiser of this group is closed");
    *group = (int)lua_tointeger(L, -1) - 1;
    lua_pop(L, 2);
    if (*group < 0 || *group >= luron_optim_n_groups(*box)) lr_error(L, "the optimiser has no such group");
    return *box;
}

static int push_params(lua_State *L, int group) {
    lua_createtable(L, luron_optim_n_params(group_at(L, &group), group), 0);
    for (int i = 0; i < luron_optim_n_params(group_at(L, &group), group); i++) {
        lr_push_tensor(L, luron_optim_param(group_at(L, &group), group, i));
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int push_names(lua_State *L, int group) {
    lua_newtable(L);
    for (int i = 0; i < luron_optim_n_params(group_at(L, &group), group); i++) {
        lua_pushstring(L, luron_optim_param_name(group_at(L, &group), group, i));
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int group_index(lua_State *L) {
    int group;
    lua_settop(L, 2);
    luron_optim *optim = group_at(L, &group);
    const luron_type *type = luron_optim_type_of(optim);
    if (lua_type(L, 2) != LUA_TSTRING) {
        lua_pushnil(L);
        return 1;
    }
    if (strcmp(lua_tostring(L, 2), "params") == 0) return push_params(L, group);
    if (strcmp(lua_tostring(L, 2), "names") == 0) return push_names(L, group);
    int i = option_index(type, lua_tostring(L, 2));
    if (i < 0) return no_option(L, type);
    luron_arg a = luron_optim_option(optim, group, i);
    refuse_reading(L);
    lr_push_arg(L, luron_type_option(type, i), &a);
    return 1;
}

static int group_newindex(lua_State *L) {
    int group;
    luron_arg arg;
    lua_settop(L, 3);
    luron_optim *optim = group_at(L, &group);
    const luron_type *type = luron_optim_type_of(optim);
    int i = lua_type(L, 2) == LUA_TSTRING ? option_index(type, lua_tostring(L, 2)) : -1;
    if (i < 0) return no_option(L, type);
    lr_arg_value(L, LR_FIELD, 3, luron_type_option(type, i), &arg);
    return lr_done(L, luron_optim_set(group_at(L, &group), lr_ctx(L), group, &arg), 0);
}

static void push_groups(lua_State *L) {
    int n = luron_optim_n_groups(optim_at(L, 1));
    lua_createtable(L, n, 0);
    for (int i = 1; i <= n; i++) {
        lua_createtable(L, 2, 0);
        lua_pushvalue(L, 1);
        lua_rawseti(L, -2, 1);
        lua_pushinteger(L, i);
        lua_rawseti(L, -2, 2);
        lua_rawgetp(L, LUA_REGISTRYINDEX, &group_key);
        lua_setmetatable(L, -2);
        lua_rawseti(L, -2, i);
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &groups_key);
    lua_setmetatable(L, -2);
}

/* opt.groups[i] where there is none: nil just past the end, for ipairs. */
static int groups_index(lua_State *L) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
    if (lua_isinteger(L, 2) && lua_tointeger(L, 2) == n + 1) return 0;
    if (lua_type(L, 2) == LUA_TSTRING) return lr_error(L, "opt.groups is a list: opt.groups[1].%s", lua_tostring(L, 2));
    return lr_error(L, "the optimiser has %I group%s, there is no group %s", n, n == 1 ? "" : "s", lr_got(L, 2));
}

/* opt.lr, and what else is known or meant as an option, belongs to a group. */
static void refuse_field(lua_State *L, int reading) {
    void **box = lr_test(L, 1, &lr_optim_key);
    if (!box || !*box || lua_type(L, 2) != LUA_TSTRING) return;
    const luron_type *type = luron_optim_type_of(*box);
    const char *name = lua_tostring(L, 2);
    if (option_index(type, name) >= 0 && reading) lr_error(L, "%s is an option of a group: read opt.groups[1].%s", name, name);
    if (option_index(type, name) >= 0) lr_error(L, "%s is an option of a group: opt:set { %s = ... } for all groups, or opt.groups[1].%s = ...", name, name, name);
    if (lr_optim_hint(type, name)) no_option(L, type);
}

static int optim_index(lua_State *L) {
    lua_settop(L, 2);
    if (lua_type(L, 2) == LUA_TSTRING && strcmp(lua_tostring(L, 2), "groups") == 0) {
        push_groups(L);
        return 1;
    }
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    refuse_field(L, 1);
    return lr_no_field(L, "optimiser");
}

static int optim_newindex(lua_State *L) {
    refuse_field(L, 0);
    return lr_error(L, "an optimiser has no field %s to set", lr_got(L, 2));
}

/* state(group, i): { exp_avg = tensor, ... } of parameter i, and the scalars of the group. */
static int l_state(lua_State *L) {
    luron_optim *optim = optim_at(L, 1);
    int group = (int)lr_integer_in(L, 2, "group", 1, luron_optim_n_groups(optim)) - 1;
    int i = (int)lr_integer_in(L, 3, "parameter", 1, luron_optim_n_params(optim, group)) - 1;
    lua_newtable(L);
    for (int s = 0; s < luron_optim_n_states(optim_at(L, 1)); s++) {
        luron_tensor *state = luron_optim_state(optim_at(L, 1), group, i, s);
        if (!state) continue;
        lr_push_tensor(L, state);
        lua_setfield(L, -2, luron_optim_state_name(optim_at(L, 1), s));
    }
    lua_newtable(L);
    if (luron_optim_n_scalars(optim_at(L, 1))) refuse_reading(L);
    for (int s = 0; s < luron_optim_n_scalars(optim_at(L, 1)); s++) {
        lua_pushnumber(L, luron_optim_scalar(optim_at(L, 1), group, s));
        lua_setfield(L, -2, luron_optim_scalar_name(optim_at(L, 1), s));
    }
    return 2;
}

typedef struct group_of {
    void *const *box; /* a finalizer may close it between two options */
    int group;
} group_of;

static luron_arg option_of(const void *of, int i) {
    const group_of *g = of;
    return *g->box ? luron_optim_option(*g->box, g->group, i) : (luron_arg){ 0 };
}

static int optim_tostring(lua_State *L) {
    void **box = lr_test(L, 1, &lr_optim_key);
    if (!box) return lr_typeerror(L, 1, "optimiser", "optimiser");
    lua_settop(L, 1);
    if (!*box) {
        lua_pushliteral(L, "optimiser (closed)");
        return 1;
    }
    const luron_type *type = luron_optim_type_of(*box);
    refuse_reading(L);
    lua_pushfstring(L, "%s, %I steps", luron_type_name(type), (lua_Integer)luron_optim_steps(*box));
    for (int i = 0; *box && i < luron_optim_n_groups(*box); i++) {
        group_of g = { box, i };
        lua_pushfstring(L, "\n  group %d, %d parameters: ", i + 1, luron_optim_n_params(*box, i));
        lr_push_options_text(L, type, option_of, &g);
        lua_concat(L, 3);
    }
    return 1;
}

static int l_is_optim(lua_State *L) {
    lua_pushboolean(L, lr_test(L, 1, &lr_optim_key) != NULL);
    return 1;
}

static const luaL_Reg methods[] = {
    { "step", l_step }, { "zero_grad", l_zero_grad }, { "steps", l_steps }, { "type", l_type }, { "set", l_set },
    { "state", l_state }, { NULL, NULL },
};
static const luaL_Reg functions[] = {
    { "optim_new", l_optim_new }, { "optim_add", l_optim_add }, { "is_optim", l_is_optim }, { "before_step", l_before_step }, { "check_step", l_check_step }, { "list_steps", l_list_steps }, { NULL, NULL },
};

void lr_open_optim(lua_State *L) {
    lr_setfuncs(L, functions);
    lr_metatable(L, &lr_optim_key, "luron.optim");
    lr_setfuncs(L, methods);
    lua_getfield(L, -3, "methods");
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "optim");
    lua_pop(L, 1);
    lua_pushcclosure(L, optim_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, optim_newindex);
    lr_name_function(L, "optimiser");
    lua_setfield(L, -2, "__newindex");
    lua_pushcfunction(L, optim_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
    lua_createtable(L, 0, 3);
    lua_pushcfunction(L, group_index);
    lr_name_function(L, "group");
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, group_newindex);
    lr_name_function(L, "opt.groups[i]");
    lua_setfield(L, -2, "__newindex");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &group_key);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, groups_index);
    lr_name_function(L, "groups");
    lua_setfield(L, -2, "__index");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &groups_key);
}
