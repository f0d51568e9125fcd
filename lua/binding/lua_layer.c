/* lua_layer.c -- layers, generic over types: constructors, functional forms, parameters, help. Nothing here knows a type. */
#include "lua_util.h"

#include <stdio.h>
#include <string.h>

enum { MAX_INS = 64 };

static luron_layer *layer_at(lua_State *L, int arg) { return lr_object(L, arg, &lr_layer_key, "layer"); }

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

/* ---- applying ------------------------------------------------------------------------------------------------------------ */
static int n_ports(const luron_type *type, int *variadic) {
    const luron_port *port;
    int n = 0;
    *variadic = 0;
    for (; (port = luron_type_in(type, n)); n++) *variadic = (port->flags & LURON_PORT_VARIADIC) != 0;
    return n ? n : 1; /* without a list: one input */
}

static int port_named(const luron_type *type, const char *name) {
    const luron_port *port;
    for (int i = 0; (port = luron_type_in(type, i)); i++)
        if (strcmp(port->name, name) == 0) return i;
    return -1;
}

static const char *port_name(const luron_type *type, int i) {
    const luron_port *port, *last = NULL;
    for (int k = 0; k <= i && (port = luron_type_in(type, k)); k++) last = port;
    return last ? last->name : "input";
}

/* Inputs of a call of `type` at the arguments first..last; a table at the end names inputs by port. Borrowed: the caller
 * makes nothing until they are used. */
static int inputs(lua_State *L, const luron_type *type, int first, int last, luron_tensor *ins[MAX_INS]) {
    int variadic, ports = n_ports(type, &variadic), n = 0, options = 0;
    memset(ins, 0, MAX_INS * sizeof *ins);
    if (last >= first && lua_istable(L, last)) options = last--;
    if (last - first + 1 > (variadic ? MAX_INS : ports))
        lr_argerror(L, first + (variadic ? MAX_INS : ports), "%s takes %d inputs", luron_type_name(type), variadic ? MAX_INS : ports);
    for (int arg = first; arg <= last; arg++) {
        if (lua_isnil(L, arg)) continue;
        ins[arg - first] = lr_tensor(L, arg, port_name(type, arg - first));
        n = arg - first + 1;
    }
    if (options) {
        lua_pushnil(L);
        while (lua_next(L, options)) {
            int port = lua_type(L, -2) == LUA_TSTRING ? port_named(type, lua_tostring(L, -2)) : -1;
            if (port >= 0 && port < MAX_INS) {
                void **box = lr_test(L, -1, &lr_tensor_key);
                const char *name = lua_tostring(L, -2);
                if (!box || !*box) lr_argerror(L, options, "%s: tensor expected, got %s", name, box ? "a closed one" : lr_got(L, -1));
                if (ins[port]) lr_argerror(L, options, "%s: given twice", name);
                ins[port] = *box;
                if (port + 1 > n) n = port + 1;
            }
            lua_pop(L, 1);
        }
    }
    const luron_port *port;
    for (int i = 0; i < ports; i++) {
        port = luron_type_in(type, i);
        if (!ins[i] && !(port && (port->flags & LURON_PORT_OPTIONAL))) lr_argerror(L, first + i, "%s: tensor expected, got no value", port_name(type, i));
    }
    return n;
}

/* The table at idx, the last argument of a call, names inputs alone: a list is no tensor. */
static void only_ports(lua_State *L, const luron_type *type, int idx) {
    lua_pushnil(L);
    while (lua_next(L, idx)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) == LUA_TNUMBER) lr_typeerror(L, idx, port_name(type, idx - 2), "tensor");
        if (lua_type(L, -1) != LUA_TSTRING || port_named(type, lua_tostring(L, -1)) < 0)
            lr_argerror(L, idx, "%s has no input %s", luron_type_name(type), lr_got(L, -1));
    }
}

/* A loss over class ids may have a sister whose targets are probabilities: cross_entropy and soft_cross_entropy. NULL: none. */
static const luron_type *soft_type(lua_State *L, const luron_type *type) {
    const luron_type *soft = NULL;
    const luron_port *target = luron_type_in(type, 1);
    if (!target || !(target->flags & LURON_PORT_INDEX) || !luron_type_function(type)) return NULL;
    const char *name = lua_pushfstring(L, "soft_%s", luron_type_function(type));
    if (luron_function_find(&soft, lr_ctx(L), name) != LURON_OK) soft = NULL;
    lua_pop(L, 1);
    return soft;
}

static int is_real(const luron_tensor *t) { return t && luron_dtype_is_float(luron_tensor_dtype(t)); }

/* Raise what layer_apply said; where ids were expected and real numbers came, name the type that takes them. */
static int refuse_inputs(lua_State *L, luron_status status, int at, int first, int last) {
    luron_tensor *ins[MAX_INS];
    if (status != LURON_E_DTYPE) return lr_raise(L, status);
    const luron_type *type = luron_layer_type_of(layer_at(L, at));
    if (inputs(L, type, first, last, ins) < 2 || !is_real(ins[1])) return lr_raise(L, status);
    const char *text = lua_pushstring(L, luron_ctx_error(lr_ctx(L))); /* the search for soft may write over it */
    const luron_type *soft = soft_type(L, type);
    return soft ? lr_error(L, "%s; %s takes probabilities", text, luron_type_name(soft)) : lr_error(L, "%s", text);
}

/* Apply the layer in the box at `at` to the inputs first..last; n boxes for the results are made before. */
static int apply(lua_State *L, int at, int first, int last) {
    luron_tensor *ins[MAX_INS];
    luron_layer *layer = layer_at(L, at);
    int n_out = luron_layer_n_outs(layer), n_in = inputs(L, luron_layer_type_of(layer), first, last, ins);
    luaL_checkstack(L, n_out + 10, "too many outputs");
    luron_tensor **outs = lua_newuserdatauv(L, (size_t)n_out * sizeof *outs + 1, 0);
    int base = lua_gettop(L) + 1;
    for (int i = 0; i < n_out; i++) lr_new_tensor(L);
    layer = layer_at(L, at);
    n_in = inputs(L, luron_layer_type_of(layer), first, last, ins); /* again: making boxes may have run finalizers */
    for (int i = 0; i < n_out; i++) outs[i] = NULL;
    lua_State *before = lr_enter(L);
    luron_status status = luron_layer_apply(outs, lr_ctx(L), layer, n_in, ins);
    lr_leave(L, before);
    if (status != LURON_OK) return refuse_inputs(L, status, at, first, last);
    for (int i = 0; i < n_out; i++) *(luron_tensor **)lr_slot(L, base + i) = outs[i];
    return lr_done(L, status, n_out);
}

static int layer_call(lua_State *L) {
    layer_at(L, 1);
    if (lr_call_on_nodes(L)) return lua_gettop(L);
    int top = lua_gettop(L);
    if (top > 1 && lua_istable(L, top)) only_ports(L, luron_layer_type_of(layer_at(L, 1)), top);
    return apply(L, 1, 2, top);
}

/* ---- functional forms: nn.relu(x), x:relu(), nn.cross_entropy(x, y, { weight = w, label_smoothing = 0.1 }) -------------------- */
/* Is the second input, at 2 or by name in a table there, real numbers in the shape of the first where ids could be? */
static int is_soft(lua_State *L, const luron_type *type) {
    const luron_port *target = luron_type_in(type, 1);
    if (!target || !(target->flags & LURON_PORT_INDEX)) return 0;
    lua_pushvalue(L, 2);
    if (lua_istable(L, 2)) lr_field(L, 2, target->name);
    void **x = lr_test(L, 1, &lr_tensor_key), **y = lr_test(L, -1, &lr_tensor_key);
    int soft = x && *x && y && is_real(*y) && luron_tensor_ndim(*y) == luron_tensor_ndim(*x);
    lua_settop(L, -2 - lua_istable(L, 2));
    return soft;
}

/* nn.relu(node): a layer with these options, applied; of the table at the end it gets what names inputs. */
static int function_on_nodes(lua_State *L, const luron_type *type) {
    luron_arg args[LR_MAX_ARGS];
    int last = lua_gettop(L), options = lua_istable(L, last) && !lr_is_node(L, last), n;
    if (options)
        n = lr_type_args(L, type, last, last, 1, args);
    else
        n = lr_type_args(L, type, 1, 0, 0, args); /* required options are missed here */
    lua_settop(L, last);
    luron_layer *layer = NULL;
    void **box = lr_box(L, &lr_layer_key);
    luron_status status = luron_layer_new(&layer, lr_ctx(L), luron_type_name(type), n, args);
    *box = layer;
    if (status != LURON_OK) return lr_raise(L, status);
    lua_insert(L, 1);
    if (options) {
        lua_newtable(L);
        lua_pushnil(L);
        while (lua_next(L, last + 1)) {
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            if (lua_type(L, -2) == LUA_TSTRING && port_named(type, lua_tostring(L, -2)) >= 0)
                lua_rawset(L, last + 2);
            else
                lua_pop(L, 2);
        }
        lua_replace(L, last + 1);
    }
    lr_call_on_nodes(L);
    return lua_gettop(L);
}

/* upvalues: function name, and the layer without options made at first use */
static int function_call(lua_State *L) {
    luron_arg args[LR_MAX_ARGS];
    const luron_type *type = NULL;
    luron_status status = luron_function_find(&type, lr_ctx(L), lua_tostring(L, lua_upvalueindex(1)));
    if (status != LURON_OK) return lr_raise(L, status);
    if (lua_istable(L, 1) && lr_is_node(L, 1)) return function_on_nodes(L, type);
    int last = lua_gettop(L), options = last > 0 && lua_istable(L, last);
    const luron_type *soft = last > 1 && is_soft(L, type) ? soft_type(L, type) : NULL;
    if (soft) type = soft;
    int n = options ? lr_type_args(L, type, last, last, 1, args) : 0;
    if (!options) lr_type_args(L, type, 1, 0, 0, args); /* required options are missed here */
    if (!lr_to_tensor(L, 1)) return lr_typeerror(L, 1, port_name(type, 0), "tensor");
    void **kept = lr_test(L, lua_upvalueindex(2), &lr_layer_key);
    if (n == 0 && !soft && kept && *kept) {
        lua_pushvalue(L, lua_upvalueindex(2));
    } else {
        void **box = lr_box(L, &lr_layer_key);
        luron_layer *layer = NULL;
        status = luron_layer_new(&layer, lr_ctx(L), luron_type_name(type), n, args);
        *box = layer;
        if (status != LURON_OK) return lr_raise(L, status);
        if (luron_layer_n_params(layer) > 0) return lr_error(L, "%s has parameters: make a layer, nn.%s(...)", lua_tostring(L, lua_upvalueindex(1)), luron_type_name(type));
        if (n == 0 && !soft) {
            lr_mark_kept(box);
            lua_pushvalue(L, -1);
            lua_replace(L, lua_upvalueindex(2));
        }
    }
    int at = lua_gettop(L);
    uint32_t dtype = luron_tensor_dtype(lr_tensor(L, 1, "input"));
    luron_layer *layer = layer_at(L, at);
    if ((dtype == LURON_F32 || dtype == LURON_F64) && luron_layer_dtype(layer) != dtype) {
        status = luron_layer_set_dtype(lr_ctx(L), layer, dtype);
        if (status != LURON_OK) return lr_raise(L, status);
    }
    return apply(L, at, 1, last);
}

int lr_push_function(lua_State *L, const char *name) {
    const luron_type *type = NULL;
    if (luron_function_find(&type, lr_ctx(L), name) != LURON_OK) return 0;
    lua_pushstring(L, name);
    lua_pushnil(L);
    lua_pushcclosure(L, function_call, 2);
    lr_name_function(L, name);
    return 1;
}

static int l_layer_function(lua_State *L) {
    const char *name = lr_string(L, 1, "name");
    if (!lr_push_function(L, name)) return lr_nil(L, LURON_E_NOT_FOUND);
    return 1;
}

/* ---- parameters --------------------------------------------------------------------------------------------------------------------- */
static int l_parameters(lua_State *L) {
    int n = luron_layer_n_params(layer_at(L, 1));
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lr_push_tensor(L, luron_layer_param(layer_at(L, 1), i));
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int named(lua_State *L, luron_tensor *(*tensor)(const luron_layer *, int), const char *(*name)(const luron_layer *, int)) {
    layer_at(L, 1);
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

static int layer_newindex(lua_State *L) {
    luron_layer *layer = layer_at(L, 1);
    int state, i = lua_type(L, 2) == LUA_TSTRING ? slot(layer, lua_tostring(L, 2), &state) : -1;
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
    luron_layer *layer = layer_at(L, 1);
    luron_status status = LURON_OK;
    for (int i = 0; i < luron_layer_n_params(layer) && status == LURON_OK; i++) status = luron_tensor_set_grad(lr_ctx(L), luron_layer_param(layer, i), NULL);
    lua_settop(L, 1);
    return lr_done(L, status, 1);
}

/* infer({ sizes }, ...): shapes of the outputs, without computing. */
static int l_infer(lua_State *L) {
    luron_dims in[MAX_INS], out[MAX_INS];
    luron_layer *layer = layer_at(L, 1);
    int n = lua_gettop(L) - 1, n_out = luron_layer_n_outs(layer);
    if (n > MAX_INS || n_out > MAX_INS) return lr_argerror(L, MAX_INS + 1, "at most %d inputs", MAX_INS);
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
    { "layer_type", l_layer_type }, { "layer_function", l_layer_function },
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
    lua_pushcfunction(L, layer_call);
    lr_name_call(L, "layer");
    lua_setfield(L, -2, "__call");
    lua_pushcfunction(L, layer_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
    lr_open_types(L);
}
