/* lua_call.c -- layers applied: inputs by place and by name, and the functional forms. Nothing here knows a type. */
#include "lua_util.h"

#include <string.h>

static luron_layer *layer_at(lua_State *L, int arg) { return lr_object(L, arg, &lr_layer_key, "layer"); }

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
static int inputs(lua_State *L, const luron_type *type, int first, int last, luron_tensor *ins[LR_MAX_INS]) {
    int variadic, ports = n_ports(type, &variadic), n = 0, options = 0;
    memset(ins, 0, LR_MAX_INS * sizeof *ins);
    if (last >= first && lua_istable(L, last)) options = last--;
    const int most = variadic ? LR_MAX_INS : ports;
    if (last - first + 1 > most) lr_argerror(L, first + most, "%s takes %d input%s", luron_type_name(type), most, most == 1 ? "" : "s");
    for (int arg = first; arg <= last; arg++) {
        if (lua_isnil(L, arg)) continue;
        ins[arg - first] = lr_tensor(L, arg, port_name(type, arg - first));
        n = arg - first + 1;
    }
    if (options) {
        lua_pushnil(L);
        while (lua_next(L, options)) {
            int port = lua_type(L, -2) == LUA_TSTRING ? port_named(type, lua_tostring(L, -2)) : -1;
            if (port >= 0 && port < LR_MAX_INS) {
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

/* Is the second input, behind that at `first` or by name in a table there, real numbers in the shape of the first where ids could be? */
static int is_soft(lua_State *L, const luron_type *type, int first) {
    const luron_port *target = luron_type_in(type, 1);
    if (!target || !(target->flags & LURON_PORT_INDEX) || lua_gettop(L) <= first) return 0;
    lua_pushvalue(L, first + 1);
    const int named = lua_istable(L, -1);
    if (named) lr_field(L, first + 1, target->name);
    void **x = lr_test(L, first, &lr_tensor_key), **y = lr_test(L, -1, &lr_tensor_key);
    int soft = x && *x && y && is_real(*y) && luron_tensor_ndim(*y) == luron_tensor_ndim(*x);
    lua_pop(L, 1 + named);
    return soft;
}

static const luron_option *option_named(const luron_type *type, const char *name) {
    const luron_option *o = NULL;
    for (int i = 0; (o = luron_type_option(type, i)) && strcmp(o->name, name) != 0; i++) {}
    return o;
}

static void refuse_option(lua_State *L, const char *name) {
    lr_error(L, "%s goes with class ids, and the target holds probabilities", name);
}

/* Raise for an option in the table at idx that the sister does not have. */
static void refuse_id_options(lua_State *L, const luron_type *type, const luron_type *soft, int idx) {
    lua_pushnil(L);
    while (lua_next(L, idx)) {
        lua_pop(L, 1);
        const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
        if (option_named(type, name) && !option_named(soft, name)) refuse_option(L, name);
    }
}

static const char sisters_key; /* in the registry: sisters by the boxes of layers, for a plan wants the same one each time */

/* Push the sister, with the same options, of the layer at 1, whose targets are ids. */
static void push_sister(lua_State *L, const luron_type *soft) {
    luron_arg args[LR_MAX_ARGS];
    void **box = lr_box(L, &lr_layer_key);
    const luron_option *o;
    luron_layer *layer = layer_at(L, 1), *sister = NULL;
    const luron_type *type = luron_layer_type_of(layer);
    int n = 0;
    for (int i = 0; (o = luron_type_option(type, i)); i++) {
        args[n] = luron_layer_option(layer, i);
        if (option_named(soft, o->name)) n++;
        else if (args[n].kind == LURON_ARG_INTEGER && args[n].integer != (int64_t)o->default_number) refuse_option(L, o->name);
    }
    luron_status status = luron_layer_new(&sister, lr_ctx(L), luron_type_name(soft), n, args);
    *box = sister;
    if (status != LURON_OK) lr_raise(L, status);
    luron_ctx_keep_layer(lr_ctx(L), sister);
}

/* Replace the layer at 1 by its sister. */
static void put_soft(lua_State *L, const luron_type *soft) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &sisters_key);
    lua_pushvalue(L, 1);
    if (lua_rawget(L, -2) == LUA_TNIL) {
        push_sister(L, soft);
        lua_pushvalue(L, 1);
        lua_pushvalue(L, -2);
        lua_rawset(L, -5);
    }
    luron_layer *sister = layer_at(L, lua_gettop(L));
    luron_status status = luron_layer_set_dtype(lr_ctx(L), sister, luron_layer_dtype(layer_at(L, 1)));
    if (status != LURON_OK) lr_raise(L, status);
    luron_layer_set_training(sister, luron_layer_is_training(layer_at(L, 1)));
    lua_replace(L, 1);
}

/* Raise what layer_apply said; where ids were expected and real numbers came, name the type that takes them. */
static int refuse_inputs(lua_State *L, luron_status status, int at, int first, int last) {
    luron_tensor *ins[LR_MAX_INS];
    if (status != LURON_E_DTYPE) return lr_raise(L, status);
    const luron_type *type = luron_layer_type_of(layer_at(L, at));
    if (inputs(L, type, first, last, ins) < 2 || !is_real(ins[1])) return lr_raise(L, status);
    const char *text = lua_pushstring(L, luron_ctx_error(lr_ctx(L))); /* the search for soft may write over it */
    const luron_type *soft = soft_type(L, type);
    return soft ? lr_error(L, "%s; %s takes probabilities", text, luron_type_name(soft)) : lr_error(L, "%s", text);
}

/* Apply the layer in the box at `at` to the inputs first..last; n boxes for the results are made before. */
static int apply(lua_State *L, int at, int first, int last) {
    luron_tensor *ins[LR_MAX_INS];
    luron_layer *layer = layer_at(L, at);
    int n_out = luron_layer_n_outs(layer), n_in = inputs(L, luron_layer_type_of(layer), first, last, ins);
    luaL_checkstack(L, n_out + 10, "too many outputs");
    luron_tensor **outs = lua_newuserdatauv(L, (size_t)n_out * sizeof *outs + 1, 0);
    int base = lua_gettop(L) + 1;
    for (int i = 0; i < n_out; i++) lr_new_tensor(L);
    layer = layer_at(L, at);
    n_in = inputs(L, luron_layer_type_of(layer), first, last, ins); /* again: making boxes may have run finalizers */
    for (int i = 0; i < n_out; i++) outs[i] = NULL;
    lr_called(L, at);
    lua_State *before = lr_enter(L);
    luron_status status = luron_layer_apply(outs, lr_ctx(L), layer, n_in, ins);
    lr_leave(L, before);
    if (status != LURON_OK) return refuse_inputs(L, status, at, first, last);
    for (int i = 0; i < n_out; i++) *(luron_tensor **)lr_slot(L, base + i) = outs[i];
    return lr_done(L, status, n_out);
}

int lr_layer_call(lua_State *L) {
    layer_at(L, 1);
    if (lr_call_on_nodes(L)) return lua_gettop(L);
    int top = lua_gettop(L);
    const luron_type *type = luron_layer_type_of(layer_at(L, 1)), *soft = NULL;
    if (top > 1 && lua_istable(L, top)) only_ports(L, type, top);
    if (is_soft(L, type, 2)) soft = soft_type(L, type);
    if (soft) put_soft(L, soft);
    return apply(L, 1, 2, top);
}

/* ---- functional forms: nn.relu(x), x:relu(), nn.cross_entropy(x, y, { weight = w, label_smoothing = 0.1 }) -------------------- */
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

/* A function keeps its layers, so that a plan finds the same one in each call, and a profile has one row. Upvalues: its name; the layers
 * without options, the type's own and that of its sister; those with options, by the options; those that were so before, which go when
 * there are MOST_KEPT new ones (an option may be another number in each call); how many new ones there are. */
enum { NAME = 1, PLAIN, SISTER, NEW, OLD, N_NEW, MOST_KEPT = 16 };

static int is_open_layer(lua_State *L, int idx) {
    void **box = lr_test(L, idx, &lr_layer_key);
    return box && *box; /* a reload closes what is kept */
}

static void add_value(luaL_Buffer *b, int i, const luron_arg *a) {
    luaL_addchar(b, (char)('a' + i));
    luaL_addchar(b, (char)('a' + a->kind));
    switch (a->kind) {
    case LURON_ARG_NUMBER: luaL_addlstring(b, (const char *)&a->number, sizeof a->number); break;
    case LURON_ARG_STRING: luaL_addlstring(b, a->string, strlen(a->string) + 1); break;
    case LURON_ARG_INTS: luaL_addlstring(b, (const char *)&a->ints, (size_t)(a->ints.n + 1) * sizeof(int64_t)); break;
    case LURON_ARG_FLOATS: luaL_addlstring(b, (const char *)&a->floats, (size_t)(a->floats.n + 1) * sizeof(double)); break;
    default: luaL_addlstring(b, (const char *)&a->integer, sizeof a->integer); break;
    }
}

/* Push a text that is equal for equal options, in whatever order the table has them. */
static void push_options_key(lua_State *L, const luron_type *type, int is_sister, int n, const luron_arg *args) {
    luaL_Buffer b;
    const luron_option *o;
    luaL_buffinit(L, &b);
    luaL_addchar(&b, is_sister ? 's' : ' ');
    for (int i = 0; (o = luron_type_option(type, i)); i++)
        for (int k = 0; k < n; k++)
            if (args[k].name == o->name) add_value(&b, i, &args[k]);
    luaL_pushresult(&b);
}

/* Keep the layer on top under the key. */
static void keep(lua_State *L, int key) {
    lua_Integer n = lua_tointeger(L, lua_upvalueindex(N_NEW)) + 1;
    if (n > MOST_KEPT || !lua_istable(L, lua_upvalueindex(NEW))) {
        lua_pushvalue(L, lua_upvalueindex(NEW));
        lua_replace(L, lua_upvalueindex(OLD));
        lua_newtable(L);
        lua_replace(L, lua_upvalueindex(NEW));
        n = 1;
    }
    lua_pushvalue(L, key);
    lua_pushvalue(L, -2);
    lua_rawset(L, lua_upvalueindex(NEW));
    lua_pushinteger(L, n);
    lua_replace(L, lua_upvalueindex(N_NEW));
}

/* Push the layer that is kept under the key. 0: there is none, and nothing is pushed. */
static int push_kept(lua_State *L, int key) {
    for (int place = NEW; place <= OLD && lua_istable(L, lua_upvalueindex(place)); place++) {
        lua_pushvalue(L, key);
        lua_rawget(L, lua_upvalueindex(place));
        if (is_open_layer(L, -1)) {
            if (place == OLD) keep(L, key);
            return 1;
        }
        lua_pop(L, 1);
    }
    return 0;
}

/* Push a new layer, which will be kept. */
static void push_new(lua_State *L, const luron_type *type, int n, const luron_arg *args) {
    void **box = lr_box(L, &lr_layer_key);
    luron_layer *layer = NULL;
    luron_status status = luron_layer_new(&layer, lr_ctx(L), luron_type_name(type), n, args);
    *box = layer;
    if (status != LURON_OK) lr_raise(L, status);
    if (luron_layer_n_params(layer) > 0) lr_error(L, "%s has parameters: make a layer, nn.%s(...)", lua_tostring(L, lua_upvalueindex(NAME)), luron_type_name(type));
    luron_ctx_keep_layer(lr_ctx(L), layer);
    lr_mark_kept(box);
}

/* nn.leaky_relu(x, 0.2): what stands behind all inputs is no tensor, and could be an option. */
static void refuse_options_by_place(lua_State *L, const luron_type *type, int last) {
    const luron_option *o = luron_type_option(type, 0);
    int variadic;
    const int ports = n_ports(type, &variadic);
    for (int arg = 2; arg <= last && o; arg++) {
        const int t = lua_type(L, arg);
        if (t != LUA_TNUMBER && t != LUA_TBOOLEAN && t != LUA_TSTRING) continue;
        if (arg <= ports) lr_typeerror(L, arg, port_name(type, arg - 1), "tensor");
        const char *got = lr_got(L, arg), *names = lr_push_option_names(L, type, 0);
        lr_argerror(L, arg, "tensor expected, got %s: options go in a table at the end, { %s = ... }; options: %s", got, o->name, names);
    }
}

static int function_call(lua_State *L) {
    luron_arg args[LR_MAX_ARGS];
    const luron_type *type = NULL;
    luron_status status = luron_function_find(&type, lr_ctx(L), lua_tostring(L, lua_upvalueindex(NAME)));
    if (status != LURON_OK) return lr_raise(L, status);
    if (lua_istable(L, 1) && lr_is_node(L, 1)) return function_on_nodes(L, type);
    int last = lua_gettop(L), options = last > 0 && lua_istable(L, last);
    const luron_type *soft = last > 1 && is_soft(L, type, 1) ? soft_type(L, type) : NULL;
    if (soft && options) refuse_id_options(L, type, soft, last);
    if (soft) type = soft;
    int n = options ? lr_type_args(L, type, last, last, 1, args) : 0;
    if (!options) lr_type_args(L, type, 1, 0, 0, args); /* required options are missed here */
    if (!lr_to_tensor(L, 1)) return lr_typeerror(L, 1, port_name(type, 0), "tensor");
    refuse_options_by_place(L, type, last);
    if (n == 0) {
        const int place = lua_upvalueindex(soft ? SISTER : PLAIN);
        if (!is_open_layer(L, place)) {
            push_new(L, type, 0, args);
            lua_replace(L, place);
        }
        lua_pushvalue(L, place);
    } else {
        push_options_key(L, type, soft != NULL, n, args);
        const int key = lua_gettop(L);
        if (!push_kept(L, key)) {
            push_new(L, type, n, args);
            keep(L, key);
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

static const char functions_key; /* in the registry: functions by name, for nn.relu(x) and x:relu() are one */

int lr_push_function(lua_State *L, const char *name) {
    const luron_type *type = NULL;
    if (luron_function_find(&type, lr_ctx(L), name) != LURON_OK) return 0;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &functions_key);
    lua_pushstring(L, name);
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_pushstring(L, name);
        lua_pushstring(L, name);
        for (int i = NAME; i < N_NEW; i++) lua_pushnil(L);
        lua_pushcclosure(L, function_call, N_NEW);
        lr_name_function(L, name);
        lua_pushvalue(L, -1);
        lua_insert(L, -3);
        lua_rawset(L, -4);
    }
    lua_remove(L, -2);
    return 1;
}

void lr_open_call(lua_State *L) {
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &sisters_key);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &functions_key);
}
