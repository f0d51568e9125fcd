/* lua_model.c -- models: building by nodes (for nn.Sequential and nn.Graph, in Lua), running, parameters, summary. */
#include "lua_util.h"

#include <limits.h>
#include <string.h>

enum { MAX_VALUES = LR_MAX_VALUES, NAME = 1100 };

static luron_model *model_at(lua_State *L, int arg) { return lr_object(L, arg, &lr_model_key, "model"); }

/* One that has all its parameters: lazy layers wait for their first input. */
static luron_model *sized_at(lua_State *L, int arg) {
    luron_model *model = model_at(L, arg);
    luron_status status = luron_model_check_sized(lr_ctx(L), model);
    if (status != LURON_OK) lr_raise(L, status);
    return model;
}

/* ---- building: values are pairs of integers (node, output from 1) ----------------------------------------------------------- */
static int l_model_new(lua_State *L) {
    void **box = lr_box(L, &lr_model_key);
    luron_model *model = NULL;
    luron_status status = luron_model_new(&model, lr_ctx(L));
    *box = model;
    return lr_done(L, status, 1);
}

static const char *opt_name(lua_State *L, int arg) { return lua_isnoneornil(L, arg) ? NULL : lr_string(L, arg, "name"); }

/* model_input(model, name): node */
static int l_model_input(lua_State *L) {
    luron_value v = { 0, 0 };
    luron_status status = luron_model_input(&v, lr_ctx(L), model_at(L, 1), opt_name(L, 2));
    lua_pushinteger(L, v.node);
    return lr_done(L, status, 1);
}

int lr_values(lua_State *L, int arg, luron_value vs[LR_MAX_VALUES]) {
    if (!lua_istable(L, arg)) lr_typeerror(L, arg, "values", "list");
    size_t n = lua_rawlen(L, arg) / 2;
    if (n > MAX_VALUES) lr_argerror(L, arg, "values: at most %d, got %I", MAX_VALUES, (lua_Integer)n);
    for (size_t i = 0; i < n; i++) {
        int32_t pair[2];
        for (size_t k = 0; k < 2; k++) {
            int ok = 0;
            lua_rawgeti(L, arg, (lua_Integer)(2 * i + k + 1));
            lua_Integer v = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &ok) : 0;
            if (!ok || v < -1 || v > INT_MAX) lr_argerror(L, arg, "values: node or output expected, got %s", lr_got(L, -1));
            pair[k] = (int32_t)v;
            lua_pop(L, 1);
        }
        vs[i] = (luron_value){ pair[0], pair[1] < 1 ? 0 : pair[1] - 1 };
    }
    return (int)n;
}

/* model_add(model, name, layer, values): node */
static int l_model_add(lua_State *L) {
    luron_value ins[MAX_VALUES], v = { 0, 0 };
    int n = lr_values(L, 4, ins);
    luron_layer *layer = lr_object(L, 3, &lr_layer_key, "layer");
    luron_status status = luron_model_add(&v, lr_ctx(L), model_at(L, 1), opt_name(L, 2), layer, n, ins);
    lua_pushinteger(L, v.node);
    return lr_done(L, status, 1);
}

/* model_include(model, name, part, values): { node, out, ... } */
static int l_model_include(lua_State *L) {
    luron_value ins[MAX_VALUES], outs[MAX_VALUES];
    int n = lr_values(L, 4, ins);
    luron_model *part = model_at(L, 3), *model = model_at(L, 1);
    int n_out = luron_model_n_outputs(part);
    if (n_out > MAX_VALUES) return lr_argerror(L, 3, "model: at most %d outputs, got %d", MAX_VALUES, n_out);
    luron_status status = luron_model_include(outs, lr_ctx(L), model, opt_name(L, 2), part, n, ins);
    if (status != LURON_OK) return lr_raise(L, status);
    lua_createtable(L, 2 * n_out, 0);
    for (int i = 0; i < n_out; i++) {
        lua_pushinteger(L, outs[i].node);
        lua_rawseti(L, -2, 2 * i + 1);
        lua_pushinteger(L, outs[i].out + 1);
        lua_rawseti(L, -2, 2 * i + 2);
    }
    return 1;
}

static int l_model_outputs(lua_State *L) {
    luron_value outs[MAX_VALUES];
    int n = lr_values(L, 2, outs);
    return lr_done(L, luron_model_set_outputs(lr_ctx(L), model_at(L, 1), n, outs), 0);
}

static int l_model_from_json(lua_State *L) {
    const char *json = lr_string(L, 1, "json");
    void **box = lr_box(L, &lr_model_key);
    luron_model *model = NULL;
    luron_status status = luron_model_from_json(&model, lr_ctx(L), json);
    *box = model;
    if (status != LURON_OK) return lr_nil(L, status);
    return 1;
}

/* ---- running -------------------------------------------------------------------------------------------------------------------- */
static int input_named(const luron_model *model, const char *name) {
    for (int i = 0; i < luron_model_n_inputs(model); i++)
        if (strcmp(luron_model_input_name(model, i), name) == 0) return i;
    return -1;
}

/* Inputs behind those in order may stand in a table by name, the last argument: they take its place. A finalizer may close the model
 * wherever Lua allocates. */
static void spread_named(lua_State *L) {
    const int last = lua_gettop(L), n = luron_model_n_inputs(model_at(L, 1));
    if (last < 2 || lua_type(L, last) != LUA_TTABLE) return;
    if (lua_getmetatable(L, last)) { /* another object, which lr_tensor refuses */
        lua_settop(L, last);
        return;
    }
    for (lua_pushnil(L); lua_next(L, last); lua_pop(L, 1)) {
        const int at = lua_type(L, -2) == LUA_TSTRING ? input_named(model_at(L, 1), lua_tostring(L, -2)) : -1;
        if (lua_type(L, -2) == LUA_TNUMBER) { /* a list is no tensor, which is said below */
            lua_settop(L, last);
            return;
        }
        if (at < 0) lr_argerror(L, last, "the model has no input %s", lr_got(L, -2));
        if (at < last - 2) lr_argerror(L, last, "the input %s is there twice", lr_got(L, -2));
    }
    luaL_checkstack(L, n + 4, "too many inputs");
    for (int i = last - 2; i < n; i++) lr_field(L, last, luron_model_input_name(model_at(L, 1), i));
    lua_remove(L, last);
    while (lua_gettop(L) > 2 && lua_isnil(L, -1)) lua_pop(L, 1);
}

static int model_call(lua_State *L) {
    luron_tensor *ins[MAX_VALUES];
    model_at(L, 1);
    if (lr_call_on_nodes(L)) return lua_gettop(L);
    spread_named(L);
    luron_model *model = model_at(L, 1);
    int n_in = lua_gettop(L) - 1, n_out = luron_model_n_outputs(model);
    const int most = luron_model_n_inputs(model);
    if (n_in > most) return lr_argerror(L, most + 2, "the model takes %d input%s, got %d", most, most == 1 ? "" : "s", n_in);
    if (n_in == 0 && most > 0) return lr_argerror(L, 2, "%s: tensor expected, got no value", luron_model_input_name(model, 0));
    luaL_checkstack(L, n_out + 10, "too many outputs");
    luron_tensor **outs = lua_newuserdatauv(L, (size_t)n_out * sizeof *outs + 1, 0);
    int base = lua_gettop(L) + 1;
    for (int i = 0; i < n_out; i++) lr_new_tensor(L);
    model = model_at(L, 1);
    for (int i = 0; i < n_in; i++) ins[i] = lua_isnil(L, i + 2) ? NULL : lr_tensor(L, i + 2, luron_model_input_name(model, i));
    for (int i = 0; i < n_out; i++) outs[i] = NULL;
    lr_called(L, 1);
    lua_State *before = lr_enter(L);
    luron_status status = luron_model_run(outs, lr_ctx(L), model, n_in, ins);
    lr_leave(L, before);
    for (int i = 0; i < n_out && status == LURON_OK; i++) *(luron_tensor **)lr_slot(L, base + i) = outs[i];
    return lr_done(L, status, n_out);
}

/* ---- parameters ---------------------------------------------------------------------------------------------------------------------- */
static int l_parameters(lua_State *L) {
    luron_tensor *t;
    sized_at(L, 1);
    lua_newtable(L);
    for (int i = 0; (t = luron_model_param(model_at(L, 1), i, NULL, 0)); i++) {
        lr_push_tensor(L, t);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int named(lua_State *L, luron_tensor *(*at)(const luron_model *, int, char *, size_t)) {
    char name[NAME];
    luron_tensor *t;
    sized_at(L, 1);
    lua_newtable(L);
    for (int i = 0; (t = at(model_at(L, 1), i, name, sizeof name)); i++) {
        lr_push_tensor(L, t);
        lua_rawseti(L, -2, 2 * i + 2);
        lua_pushstring(L, name);
        lua_rawseti(L, -2, 2 * i + 1);
    }
    lr_push_pairs(L);
    return 1;
}

static int l_named_parameters(lua_State *L) { return named(L, luron_model_param); }
static int l_named_states(lua_State *L) { return named(L, luron_model_state); }

static int l_n_weights(lua_State *L) {
    lua_pushinteger(L, luron_model_n_weights(sized_at(L, 1)));
    return 1;
}

static int l_zero_grad(lua_State *L) {
    luron_model *model = sized_at(L, 1);
    luron_status status = LURON_OK;
    luron_tensor *t;
    for (int i = 0; status == LURON_OK && (t = luron_model_param(model, i, NULL, 0)); i++) status = luron_tensor_set_grad(lr_ctx(L), t, NULL);
    lua_settop(L, 1);
    return lr_done(L, status, 1);
}

/* ---- modes ------------------------------------------------------------------------------------------------------------------------------ */
static int l_train(lua_State *L) {
    lua_settop(L, 2);
    luron_model_set_training(model_at(L, 1), lr_opt_boolean(L, 2, "on", 1));
    lua_settop(L, 1);
    return 1;
}

static int l_eval(lua_State *L) {
    luron_model_set_training(model_at(L, 1), 0);
    lua_settop(L, 1);
    return 1;
}

static int l_is_training(lua_State *L) {
    lr_refuse_mode(L);
    lua_pushboolean(L, luron_model_is_training(model_at(L, 1)));
    return 1;
}

static int freeze(lua_State *L, int on) {
    lua_settop(L, 2);
    const char *prefix = lua_isnil(L, 2) ? "" : lr_string(L, 2, "prefix");
    luron_status status = luron_model_freeze(lr_ctx(L), model_at(L, 1), prefix, on);
    lua_settop(L, 1);
    return lr_done(L, status, 1);
}

static int l_freeze(lua_State *L) { return freeze(L, 1); }
static int l_unfreeze(lua_State *L) { return freeze(L, 0); }

static int l_to(lua_State *L) {
    luron_status status = luron_model_set_dtype(lr_ctx(L), model_at(L, 1), lr_dtype(L, 2, "dtype"));
    lua_settop(L, 1);
    return lr_done(L, status, 1);
}

static int l_clone(lua_State *L) {
    lua_settop(L, 1);
    void **box = lr_box(L, &lr_model_key);
    luron_model *copy = NULL;
    luron_status status = luron_model_clone(&copy, lr_ctx(L), model_at(L, 1));
    *box = copy;
    return lr_done(L, status, 1);
}

/* ---- texts ------------------------------------------------------------------------------------------------------------------------------- */
/* Push a text of core and free it, also if Lua has no memory for it. */
static int push_only(lua_State *L) {
    lua_pushstring(L, lua_touserdata(L, 1));
    return 1;
}

static int push_text(lua_State *L, luron_status status, char *text) {
    if (status != LURON_OK) return lr_raise(L, status);
    lua_pushcfunction(L, push_only);
    lua_pushlightuserdata(L, text);
    int failed = lua_pcall(L, 1, 1, 0);
    luron_text_free(lr_ctx(L), text);
    return failed ? lua_error(L) : 1;
}

static int l_json(lua_State *L) {
    char *text = NULL;
    luron_status status = luron_model_to_json(&text, lr_ctx(L), model_at(L, 1));
    return push_text(L, status, text);
}

/* summary(sizes of one input... | { sizes }, { sizes } ...); without sizes no shapes. */
static int l_summary(lua_State *L) {
    luron_dims in[MAX_VALUES];
    luron_model *model = model_at(L, 1);
    int n = lua_gettop(L) - 1;
    char *text = NULL;
    if (n > MAX_VALUES) return lr_argerror(L, MAX_VALUES + 2, "too many inputs");
    const int one_by_one = n > 0 && lua_isinteger(L, 2);
    if (one_by_one) in[0] = (luron_dims){ 0 }, in[0].ndim = lr_sizes(L, 2, n + 1, 0, in[0].shape), n = 1;
    for (int i = 0; i < n && !one_by_one; i++) {
        if (!lua_istable(L, i + 2)) return lr_typeerror(L, i + 2, "sizes", "table");
        in[i] = (luron_dims){ 0 };
        in[i].ndim = lr_sizes(L, i + 2, i + 2, 0, in[i].shape);
    }
    luron_status status = luron_model_summary(&text, lr_ctx(L), model, n, n ? in : NULL);
    return push_text(L, status, text);
}

static void push_layer(lua_State *L, luron_layer *layer) { lr_push_held(L, &lr_layer_key, luron_layer_ref(layer)); }

static luron_arg option_of(const void *layer, int i) { return luron_layer_option(layer, i); }

static void push_indent(lua_State *L, int depth) {
    lua_pushliteral(L, "\n");
    for (int i = 0; i < depth; i++) lua_pushliteral(L, "  ");
    lua_concat(L, depth + 1);
}

/* Append to the text on top the line of layer `layer`, which is applied `uses` times, after lines for the groups of its path that `group`, the groups of the
 * layer before, does not have. */
static void add_layer_line(lua_State *L, luron_layer *layer, int uses, const char *path, char group[NAME]) {
    const char *name = path, *dot;
    int depth = 1;
    for (; (dot = strchr(name, '.')); name = dot + 1, depth++) {
        size_t n = (size_t)(dot - path);
        if (strncmp(group, path, n) == 0 && (group[n] == '\0' || group[n] == '.')) continue;
        luaL_checkstack(L, depth + 10, NULL);
        push_indent(L, depth);
        lua_pushlstring(L, name, (size_t)(dot - name));
        lua_concat(L, 3);
    }
    size_t n = name > path ? (size_t)(name - path) - 1 : 0;
    if (n >= NAME) n = 0;
    memcpy(group, path, n);
    group[n] = '\0';
    luaL_checkstack(L, depth + 10, NULL);
    push_indent(L, depth);
    lua_pushfstring(L, "%s: %s(", name, luron_type_name(luron_layer_type_of(layer)));
    lr_push_options_text(L, luron_layer_type_of(layer), option_of, layer);
    if (uses > 1) lua_pushfstring(L, "), %d times", uses);
    else lua_pushliteral(L, ")");
    lua_concat(L, 5);
}

static int model_tostring(lua_State *L) {
    void **box = lr_test(L, 1, &lr_model_key);
    if (!box) return lr_typeerror(L, 1, "model", "model");
    lua_settop(L, 1);
    if (!*box) {
        lua_pushliteral(L, "model (closed)");
        return 1;
    }
    lr_push_held(L, &lr_model_key, luron_model_ref(*box)); /* on the stack, so that nothing can close it */
    box = lr_slot(L, 2);
    int n_in = luron_model_n_inputs(*box), n_out = luron_model_n_outputs(*box);
    const char *so_far = luron_model_check_sized(lr_ctx(L), *box) == LURON_OK ? "" : " so far"; /* those of lazy layers come later */
    lua_pushfstring(L, "model (%d input%s, %d output%s, %I weights%s)", n_in, n_in == 1 ? "" : "s", n_out, n_out == 1 ? "" : "s",
                    (lua_Integer)luron_model_n_weights(*box), so_far);
    char group[NAME] = "";
    luron_layer *layer;
    for (int i = 0; (layer = luron_model_layer(*box, i)); i++) add_layer_line(L, layer, luron_model_layer_uses(*box, i), luron_model_layer_path(*box, i), group);
    return 1;
}

/* ---- layers ------------------------------------------------------------------------------------------------------------------------------- */
static int l_layer(lua_State *L) {
    luron_layer *layer = luron_model_find(model_at(L, 1), lr_string(L, 2, "path"));
    if (layer)
        push_layer(L, layer);
    else
        lua_pushnil(L);
    return 1;
}

static int l_layers(lua_State *L) {
    luron_layer *layer;
    model_at(L, 1);
    lua_newtable(L);
    for (int i = 0; (layer = luron_model_layer(model_at(L, 1), i)); i++) {
        push_layer(L, layer);
        lua_rawseti(L, -2, 2 * i + 2);
        lua_pushstring(L, luron_model_layer_path(model_at(L, 1), i));
        lua_rawseti(L, -2, 2 * i + 1);
    }
    lr_push_pairs(L);
    return 1;
}

static int l_inputs(lua_State *L) {
    luron_model *model = model_at(L, 1);
    int n = luron_model_n_inputs(model);
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lua_pushstring(L, luron_model_input_name(model_at(L, 1), i));
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushinteger(L, luron_model_n_outputs(model_at(L, 1)));
    return 2;
}

static int l_n_nodes(lua_State *L) {
    lua_pushinteger(L, luron_model_n_nodes(model_at(L, 1)));
    return 1;
}

static int model_len(lua_State *L) {
    lua_pushinteger(L, luron_model_n_layers(model_at(L, 1)));
    return 1;
}

/* upvalue 1: methods. model[i]: layer i (negative from the end). */
static int model_index(lua_State *L) {
    luron_model *model = model_at(L, 1);
    if (lua_type(L, 2) == LUA_TNUMBER) {
        lua_Integer n = luron_model_n_layers(model), given = lr_integer(L, 2, "layer"), i = given < 0 ? given + n + 1 : given;
        if (given == 0) return lr_error(L, "model: layers count from 1 (or from the end: -1), got 0");
        if (i < 1 || i > n) return lr_error(L, "model: layer %I is not within 1..%I; model:named_layers() walks the layers", given, n);
        push_layer(L, luron_model_layer(model, (int)i - 1));
        return 1;
    }
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    return lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL ? lr_no_field(L, "model") : 1;
}

static int model_newindex(lua_State *L) {
    if (lua_type(L, 2) == LUA_TSTRING)
        return lr_error(L, "a model has no fields to set, such as '%s': an instance of a class has (nn.class); parameters are those of its layers, model:layer(path).weight = t",
                        lua_tostring(L, 2));
    return lr_error(L, "a model keeps the layers that it was made with: nn.Sequential makes another");
}

static int l_is_model(lua_State *L) {
    lua_pushboolean(L, lr_test(L, 1, &lr_model_key) != NULL);
    return 1;
}

static const luaL_Reg methods[] = {
    { "parameters", l_parameters }, { "named_parameters", l_named_parameters }, { "named_states", l_named_states },
    { "n_weights", l_n_weights }, { "zero_grad", l_zero_grad }, { "train", l_train }, { "eval", l_eval },
    { "is_training", l_is_training }, { "freeze", l_freeze }, { "unfreeze", l_unfreeze }, { "to", l_to }, { "clone", l_clone },
    { "json", l_json }, { "summary", l_summary }, { "layer", l_layer }, { "named_layers", l_layers }, { "inputs", l_inputs },
    { "n_nodes", l_n_nodes }, { NULL, NULL },
};
static const luaL_Reg functions[] = {
    { "model_new", l_model_new }, { "model_input", l_model_input }, { "model_add", l_model_add }, { "model_include", l_model_include },
    { "model_outputs", l_model_outputs }, { "model_from_json", l_model_from_json }, { "is_model", l_is_model }, { NULL, NULL },
};

void lr_open_model(lua_State *L) {
    lr_setfuncs(L, functions);
    lr_metatable(L, &lr_model_key, "luron.model");
    lr_setfuncs(L, methods);
    lua_getfield(L, -3, "methods");
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "model");
    lua_pop(L, 1);
    lua_pushcclosure(L, model_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, model_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_pushcfunction(L, model_len);
    lua_setfield(L, -2, "__len");
    lua_pushcfunction(L, model_call);
    lr_name_call(L, "model");
    lua_setfield(L, -2, "__call");
    lua_pushcfunction(L, model_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
}
