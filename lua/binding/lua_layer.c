/* lua_layer.c -- layers, generic over types: constructors, parameters, modes. Nothing here knows a type. */
#include "lua_util.h"

#include <string.h>

static luron_layer *layer_at(lua_State *L, int arg) { return lr_object(L, arg, &lr_layer_key, "layer"); }

/* One that has its parameters: a lazy layer waits for its first input. */
static luron_layer *sized_at(lua_State *L, int arg) {
    luron_layer *layer = layer_at(L, arg);
    luron_status status = luron_layer_check_sized(lr_ctx(L), layer);
    if (status != LURON_OK) lr_raise(L, status);
    return layer;
}

/* ---- types -------------------------------------------------------------------------------------------------------------- */
/* The type a constructor makes: its name is upvalue 1. */
static const luron_type *type_named(lua_State *L, luron_kind kind, const char *name) {
    const luron_type *type = NULL;
    luron_status status = luron_type_find(&type, lr_ctx(L), kind, name);
    if (status != LURON_OK) lr_raise(L, status);
    return type;
}

static int construct(lua_State *L) {
    luron_arg args[LR_MAX_ARGS];
    const luron_type *type = type_named(L, LURON_KIND_LAYER, lua_tostring(L, lua_upvalueindex(1)));
    int top = lua_gettop(L);
    void **box = lr_box(L, &lr_layer_key);
    int n = lr_type_args(L, type, 1, top, 0, args);
    luron_layer *layer = NULL;
    luron_status status = luron_layer_new(&layer, lr_ctx(L), luron_type_name(type), n, args);
    *box = layer;
    lua_settop(L, top + 1);
    return lr_done(L, status, 1);
}

/* layer_type(name): its constructor; nil and a message if no plugin has it. */
static int l_layer_type(lua_State *L) {
    const luron_type *type = NULL;
    const char *name = lr_string(L, 1, "name");
    luron_status status = luron_type_find(&type, lr_ctx(L), LURON_KIND_LAYER, name);
    if (status != LURON_OK) return lr_nil(L, status);
    lua_pushstring(L, luron_type_name(type));
    lua_pushcclosure(L, construct, 1);
    lr_name_function(L, luron_type_name(type));
    return 1;
}

/* Upvalues: the type's name, the dim of the first input that says its first option. */
static int construct_lazy(lua_State *L) {
    luron_arg args[LR_MAX_ARGS];
    const luron_type *type = type_named(L, LURON_KIND_LAYER, lua_tostring(L, lua_upvalueindex(1)));
    const int dim = (int)lua_tointeger(L, lua_upvalueindex(2)), top = lua_gettop(L);
    void **box = lr_box(L, &lr_layer_key);
    int n = lr_lazy_args(L, type, 1, top, args);
    luron_layer *layer = NULL;
    luron_status status = luron_layer_new_lazy(&layer, lr_ctx(L), luron_type_name(type), dim - (dim > 0), n, args);
    *box = layer;
    lua_settop(L, top + 1);
    return lr_done(L, status, 1);
}

/* lazy_type(name, dim): the constructor of LazyNAME. */
static int l_lazy_type(lua_State *L) {
    lua_settop(L, 2);
    lua_pushfstring(L, "Lazy%s", lr_string(L, 1, "name"));
    const char *name = lua_tostring(L, 3);
    lr_integer(L, 2, "dim");
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, construct_lazy, 2);
    lr_name_function(L, name);
    return 1;
}

static int l_waits(lua_State *L) {
    lua_pushboolean(L, luron_layer_check_sized(lr_ctx(L), layer_at(L, 1)) != LURON_OK);
    return 1;
}

/* lazy_resize(layer, size): its size, or 0 to wait for an input again: true, or nil, message, code. */
static int l_lazy_resize(lua_State *L) {
    luron_layer *layer = layer_at(L, 1);
    luron_status status = luron_layer_resize(lr_ctx(L), layer, lr_integer(L, 2, "size"));
    if (status != LURON_OK) return lr_nil(L, status);
    lua_pushboolean(L, 1);
    return 1;
}

static int l_layer_function(lua_State *L) {
    const char *name = lr_string(L, 1, "name");
    if (!lr_push_function(L, name)) return lr_nil(L, LURON_E_NOT_FOUND);
    return 1;
}

/* ---- parameters --------------------------------------------------------------------------------------------------------------------- */
static int l_parameters(lua_State *L) {
    int n = luron_layer_n_params(sized_at(L, 1));
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lr_push_tensor(L, luron_layer_param(layer_at(L, 1), i));
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int named(lua_State *L, luron_tensor *(*tensor)(const luron_layer *, int), const char *(*name)(const luron_layer *, int)) {
    sized_at(L, 1);
    lua_newtable(L);
    for (int i = 0; tensor(layer_at(L, 1), i); i++) {
        lua_pushstring(L, name(layer_at(L, 1), i));
        lua_rawseti(L, -2, 2 * i + 1);
        lr_push_tensor(L, tensor(layer_at(L, 1), i));
        lua_rawseti(L, -2, 2 * i + 2);
    }
    lr_push_pairs(L);
    return 1;
}

static int l_named_parameters(lua_State *L) { return named(L, luron_layer_param, luron_layer_param_name); }
static int l_named_states(lua_State *L) { return named(L, luron_layer_state, luron_layer_state_name); }

/* Number of the parameter (or, after them, of the state) of that name, -1: none. */
static int slot(const luron_layer *layer, const char *name, int *state) {
    for (int i = 0; i < luron_layer_n_params(layer); i++)
        if (strcmp(luron_layer_param_name(layer, i), name) == 0) return *state = 0, i;
    for (int i = 0; i < luron_layer_n_states(layer); i++)
        if (strcmp(luron_layer_state_name(layer, i), name) == 0) return *state = 1, i;
    return -1;
}

/* upvalue 1: methods. A parameter or state by name; an option by name. */
static int layer_index(lua_State *L) {
    lua_settop(L, 2);
    if (lua_type(L, 2) != LUA_TSTRING) return lr_no_field(L, "layer");
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    luron_layer *layer = layer_at(L, 1);
    const char *name = lua_tostring(L, 2);
    int state, i = slot(layer, name, &state);
    if (i >= 0) {
        lr_push_tensor(L, state ? luron_layer_state(layer, i) : luron_layer_param(layer, i));
        return 1;
    }
    const luron_option *o;
    for (i = 0; (o = luron_type_option(luron_layer_type_of(layer), i)); i++)
        if (strcmp(o->name, name) == 0) {
            luron_arg a = luron_layer_option(layer, i);
            lr_push_arg(L, o, &a);
            return 1;
        }
    return lr_no_field(L, "layer");
}

/* Is what is at 2 the name of no method, option or state? */
static int is_unknown(lua_State *L, const luron_layer *layer) {
    const luron_option *o;
    int state;
    if (lua_type(L, 2) != LUA_TSTRING || slot(layer, lua_tostring(L, 2), &state) >= 0) return 0;
    for (int i = 0; (o = luron_type_option(luron_layer_type_of(layer), i)); i++)
        if (strcmp(o->name, lua_tostring(L, 2)) == 0) lr_error(L, "%s is an option of %s, which stays as the layer was made with", o->name, luron_type_name(luron_layer_type_of(layer)));
    return 1;
}

static int layer_newindex(lua_State *L) {
    luron_layer *layer = layer_at(L, 1);
    int state, i = lua_type(L, 2) == LUA_TSTRING ? slot(layer, lua_tostring(L, 2), &state) : -1;
    if (i < 0 && is_unknown(L, layer)) return lr_no_field(L, "layer");
    if (i < 0 || state) return lr_error(L, "%s has no parameter %s to set", luron_type_name(luron_layer_type_of(layer)), lr_got(L, 2));
    luron_tensor *t = lr_to_tensor(L, 3);
    if (!t) return lr_error(L, "%s: %s: tensor expected, got %s", luron_type_name(luron_layer_type_of(layer)), lua_tostring(L, 2), lr_got(L, 3));
    /* A result would be a parameter that no optimiser takes, and whose graph the first backward uses up. */
    if (!luron_tensor_is_leaf(t))
        return lr_error(L, "%s: %s: the tensor was made by recorded operations, a leaf expected: detach() it", luron_type_name(luron_layer_type_of(layer)), lua_tostring(L, 2));
    const int trained = luron_tensor_requires_grad(luron_layer_param(layer, i));
    luron_status status = luron_layer_set_param(lr_ctx(L), layer, i, t);
    /* An ordinary tensor would freeze the layer in silence. */
    if (status == LURON_OK && trained && !luron_tensor_requires_grad(t)) status = luron_tensor_set_requires_grad(lr_ctx(L), t, 1);
    return lr_done(L, status, 0);
}

/* ---- other methods --------------------------------------------------------------------------------------------------------------------- */
static int l_train(lua_State *L) {
    lua_settop(L, 2);
    luron_layer_set_training(layer_at(L, 1), lr_opt_boolean(L, 2, "on", 1));
    lua_settop(L, 1);
    return 1;
}

static int l_eval(lua_State *L) {
    luron_layer_set_training(layer_at(L, 1), 0);
    lua_settop(L, 1);
    return 1;
}

void lr_refuse_mode(lua_State *L) {
    luron_status status = luron_tracer_refuse(lr_ctx(L), "asks for the mode (is_training), but a graph has one way for both: nn.Dropout and "
                                                        "the like do what the mode says");
    luron_ctx_refuse_plan(lr_ctx(L), "asks for the mode: is_training");
    if (status != LURON_OK) lr_raise(L, status);
}

static int l_is_training(lua_State *L) {
    lr_refuse_mode(L);
    lua_pushboolean(L, luron_layer_is_training(layer_at(L, 1)));
    return 1;
}

static int l_to(lua_State *L) {
    luron_layer *layer = layer_at(L, 1);
    luron_status status = luron_layer_set_dtype(lr_ctx(L), layer, lr_dtype(L, 2, "dtype"));
    lua_settop(L, 1);
    return lr_done(L, status, 1);
}

static int l_dtype(lua_State *L) {
    lua_pushstring(L, luron_dtype_name(luron_layer_dtype(layer_at(L, 1))));
    return 1;
}

static int l_n_outs(lua_State *L) {
    lua_pushinteger(L, luron_layer_n_outs(layer_at(L, 1)));
    return 1;
}

static int l_type(lua_State *L) {
    lua_pushstring(L, luron_type_name(luron_layer_type_of(layer_at(L, 1))));
    return 1;
}

static int l_name(lua_State *L) {
    luron_layer *layer = layer_at(L, 1);
    if (!lua_isnoneornil(L, 2)) {
        luron_status status = luron_layer_set_name(lr_ctx(L), layer, lr_string(L, 2, "name"));
        if (status != LURON_OK) return lr_raise(L, status);
    }
    lua_pushstring(L, luron_layer_name(layer));
    return 1;
}

static int l_options(lua_State *L) {
    const luron_option *o;
    luron_layer *layer = layer_at(L, 1);
    lua_newtable(L);
    for (int i = 0; (o = luron_type_option(luron_layer_type_of(layer), i)); i++) {
        luron_arg a = luron_layer_option(layer, i);
        lr_push_arg(L, o, &a);
        lua_setfield(L, -2, o->name);
        layer = layer_at(L, 1);
    }
    return 1;
}

static int l_reset(lua_State *L) {
    luron_status status = luron_layer_reset(lr_ctx(L), layer_at(L, 1));
    lua_settop(L, 1);
    return lr_done(L, status, 1);
}

static int l_clone(lua_State *L) {
    lua_settop(L, 1);
    void **box = lr_box(L, &lr_layer_key);
    luron_layer *copy = NULL;
    luron_status status = luron_layer_clone(&copy, lr_ctx(L), layer_at(L, 1));
    *box = copy;
    return lr_done(L, status, 1);
}

static int l_zero_grad(lua_State *L) {
    luron_layer *layer = sized_at(L, 1);
    luron_status status = LURON_OK;
    for (int i = 0; i < luron_layer_n_params(layer) && status == LURON_OK; i++) status = luron_tensor_set_grad(lr_ctx(L), luron_layer_param(layer, i), NULL);
    lua_settop(L, 1);
    return lr_done(L, status, 1);
}

/* infer({ sizes }, ...): shapes of the outputs, without computing. */
static int l_infer(lua_State *L) {
    luron_dims in[LR_MAX_INS], out[LR_MAX_INS];
    luron_layer *layer = layer_at(L, 1);
    int n = lua_gettop(L) - 1, n_out = luron_layer_n_outs(layer);
    if (n > LR_MAX_INS || n_out > LR_MAX_INS) return lr_argerror(L, LR_MAX_INS + 1, "at most %d inputs", LR_MAX_INS);
    for (int i = 0; i < n; i++) {
        if (!lua_istable(L, i + 2)) return lr_typeerror(L, i + 2, "sizes", "table");
        in[i] = (luron_dims){ luron_layer_dtype(layer), 0, { 0 } };
        in[i].ndim = lr_sizes(L, i + 2, i + 2, 0, in[i].shape);
    }
    luron_status status = luron_layer_infer(out, lr_ctx(L), layer, n, in);
    if (status != LURON_OK) return lr_raise(L, status);
    luaL_checkstack(L, n_out + 4, NULL);
    for (int i = 0; i < n_out; i++) {
        lua_createtable(L, out[i].ndim, 0);
        for (int d = 0; d < out[i].ndim; d++) {
            lua_pushinteger(L, out[i].shape[d]);
            lua_rawseti(L, -2, d + 1);
        }
    }
    return n_out;
}

static luron_arg option_of(const void *layer, int i) { return luron_layer_option(layer, i); }

static int layer_tostring(lua_State *L) {
    void **box = lr_test(L, 1, &lr_layer_key);
    if (!box) return lr_typeerror(L, 1, "layer", "layer");
    if (!*box) {
        lua_pushliteral(L, "layer (closed)");
        return 1;
    }
    lr_push_held(L, &lr_layer_key, luron_layer_ref(*box)); /* on the stack, so that nothing can close it */
    luron_layer *layer = *lr_slot(L, -1);
    const luron_type *type = luron_layer_type_of(layer);
    lua_pushfstring(L, "%s(", luron_type_name(type));
    lr_push_options_text(L, type, option_of, layer);
    lua_pushliteral(L, ")");
    lua_concat(L, 3);
    return 1;
}

static int l_is_layer(lua_State *L) {
    lua_pushboolean(L, lr_test(L, 1, &lr_layer_key) != NULL);
    return 1;
}

static const luaL_Reg methods[] = {
    { "parameters", l_parameters }, { "named_parameters", l_named_parameters }, { "named_states", l_named_states },
    { "train", l_train }, { "eval", l_eval }, { "is_training", l_is_training }, { "to", l_to }, { "dtype", l_dtype },
    { "type", l_type }, { "n_outs", l_n_outs }, { "name", l_name }, { "options", l_options }, { "reset", l_reset }, { "clone", l_clone },
    { "zero_grad", l_zero_grad }, { "infer", l_infer }, { NULL, NULL },
};
static const luaL_Reg functions[] = {
    { "layer_type", l_layer_type }, { "lazy_type", l_lazy_type }, { "waits", l_waits }, { "lazy_resize", l_lazy_resize }, { "layer_function", l_layer_function },
    { "is_layer", l_is_layer }, { NULL, NULL },
};

void lr_open_layer(lua_State *L) {
    lr_setfuncs(L, functions);
    lr_metatable(L, &lr_layer_key, "luron.layer");
    lr_setfuncs(L, methods);
    lua_getfield(L, -3, "methods");
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "layer");
    lua_pop(L, 1);
    lua_pushcclosure(L, layer_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, layer_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_pushcfunction(L, lr_layer_call);
    lr_name_call(L, "layer");
    lua_setfield(L, -2, "__call");
    lua_pushcfunction(L, layer_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
    lr_open_call(L);
    lr_open_types(L);
}
