/* lua_args.c -- arguments: integers, dims, sizes, dtypes, options tables. */
#include "lua_util.h"

#include <math.h>
#include <string.h>

static int is_integer(lua_State *L, int idx, int64_t *out) {
    int ok = 0;
    *out = 0;
    if (lua_type(L, idx) == LUA_TNUMBER) *out = (int64_t)lua_tointegerx(L, idx, &ok);
    return ok;
}

lua_Integer lr_integer(lua_State *L, int arg, const char *name) {
    int64_t v;
    if (!is_integer(L, arg, &v)) lr_typeerror(L, arg, name, "integer");
    return v;
}

lua_Integer lr_integer_in(lua_State *L, int arg, const char *name, lua_Integer min, lua_Integer max) {
    lua_Integer v = lr_integer(L, arg, name);
    if (v >= min && v <= max) return v;
    if (max == LUA_MAXINTEGER)
        return lr_typeerror(L, arg, name, min == 1 ? "positive integer" : lua_pushfstring(L, "integer of at least %I", min));
    return lr_typeerror(L, arg, name, lua_pushfstring(L, "integer from %I to %I", min, max));
}

double lr_number(lua_State *L, int arg, const char *name) {
    if (lua_type(L, arg) != LUA_TNUMBER) lr_typeerror(L, arg, name, "number");
    return lua_tonumber(L, arg);
}

double lr_opt_number(lua_State *L, int arg, const char *name, double dflt) {
    return lua_isnoneornil(L, arg) ? dflt : lr_number(L, arg, name);
}

const char *lr_string(lua_State *L, int arg, const char *name) {
    if (lua_type(L, arg) != LUA_TSTRING) lr_typeerror(L, arg, name, "string");
    size_t n;
    const char *s = lua_tolstring(L, arg, &n);
    if (strlen(s) != n) lr_argerror(L, arg, "%s: the string has a zero byte in it", name);
    return s;
}

int lr_opt_boolean(lua_State *L, int arg, const char *name, int dflt) {
    if (lua_isnoneornil(L, arg)) return dflt;
    if (lua_type(L, arg) != LUA_TBOOLEAN) lr_typeerror(L, arg, name, "boolean");
    return lua_toboolean(L, arg);
}

static int to_dim(lua_State *L, int arg, int idx, const char *name) {
    int64_t d;
    if (!is_integer(L, idx, &d))
        lr_argerror(L, arg, "%s: integer expected, got %s", name, lua_type(L, idx) == LUA_TNONE ? "no value" : lr_got(L, idx));
    if (d == 0) lr_argerror(L, arg, "%s: dims count from 1 (or from the end: -1), got 0", name);
    if (d < -LURON_MAX_DIMS - 1 || d > LURON_MAX_DIMS + 1)
        lr_argerror(L, arg, "%s: a tensor has at most %d dims, got %I", name, LURON_MAX_DIMS, (lua_Integer)d);
    return (int)(d > 0 ? d - 1 : d);
}

int lr_dim(lua_State *L, int arg, const char *name) {
    return to_dim(L, arg, arg, name);
}

lr_over lr_dim_keep(lua_State *L, int arg, int otherwise) {
    lr_over o = { .all = lua_isnoneornil(L, arg), .dim = otherwise };
    if (!o.all) o.dim = lr_dim(L, arg, "dim");
    o.keep = lr_opt_boolean(L, arg + 1, "keepdim", 0);
    return o;
}

int lr_dims(lua_State *L, int arg, int dims[LURON_MAX_DIMS]) {
    if (lua_isnoneornil(L, arg)) return 0;
    if (!lua_istable(L, arg)) {
        dims[0] = lr_dim(L, arg, "dim");
        return 1;
    }
    size_t n = lua_rawlen(L, arg);
    if (n > LURON_MAX_DIMS) lr_argerror(L, arg, "dims: at most %d dims, got %I", LURON_MAX_DIMS, (lua_Integer)n);
    if (n == 0 && lr_other_key(L, arg)) lr_argerror(L, arg, "dims: integer or list of integers expected, got a table with the name %s: sum(1), not sum { dim = 1 }", lr_got(L, -1));
    if (n == 0) lr_argerror(L, arg, "dims: an empty list; leave the argument out for all dims");
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, arg, (lua_Integer)i + 1);
        dims[i] = to_dim(L, arg, -1, "dims");
        lua_pop(L, 1);
    }
    return (int)n;
}

int lr_dim_list(lua_State *L, int first, int last, int dims[LURON_MAX_DIMS]) {
    int n = last - first + 1;
    if (n > LURON_MAX_DIMS) return lr_argerror(L, first + LURON_MAX_DIMS, "dims: at most %d dims, got %d", LURON_MAX_DIMS, n);
    if (n == 1 && (lua_istable(L, first) || lua_isnil(L, first))) return lr_dims(L, first, dims);
    for (int i = 0; i < n; i++) dims[i] = lr_dim(L, first + i, "dims");
    return n < 0 ? 0 : n;
}

static int64_t to_size(lua_State *L, int arg, int idx, int64_t min) {
    int64_t v;
    if (!is_integer(L, idx, &v))
        lr_argerror(L, arg, "size: integer expected, got %s", lua_type(L, idx) == LUA_TNONE ? "no value" : lr_got(L, idx));
    if (v < min) lr_argerror(L, arg, "size: integer of at least %I expected, got %I", (lua_Integer)min, (lua_Integer)v);
    return v;
}

int lr_sizes(lua_State *L, int first, int last, int64_t min, int64_t shape[LURON_MAX_DIMS]) {
    if (first == last && lua_istable(L, first)) {
        size_t n = lua_rawlen(L, first);
        if (n > LURON_MAX_DIMS) lr_argerror(L, first, "sizes: at most %d dims, got %I", LURON_MAX_DIMS, (lua_Integer)n);
        for (size_t i = 0; i < n; i++) {
            lua_rawgeti(L, first, (lua_Integer)i + 1);
            shape[i] = to_size(L, first, -1, min);
            lua_pop(L, 1);
        }
        return (int)n;
    }
    int n = last - first + 1;
    if (n > LURON_MAX_DIMS) lr_argerror(L, first + LURON_MAX_DIMS, "sizes: at most %d dims, got %d", LURON_MAX_DIMS, n);
    for (int i = 0; i < n; i++) shape[i] = to_size(L, first + i, first + i, min);
    return n < 0 ? 0 : n;
}

uint32_t lr_dtype(lua_State *L, int arg, const char *name) {
    uint32_t dtype = lua_type(L, arg) == LUA_TSTRING ? luron_dtype_find(lua_tostring(L, arg)) : 0;
    if (!dtype)
        lr_typeerror(L, arg, name, "dtype (float32, float64, float16, bfloat16, int64, int32, uint8 or bool)");
    return dtype;
}

uint32_t lr_dtype_option(lua_State *L, int arg, const char *const *keys) {
    uint32_t dtype = luron_ctx_default_dtype(lr_ctx(L));
    lr_only(L, arg, keys);
    if (lr_field(L, arg, "dtype") != LUA_TNIL) {
        dtype = lua_type(L, -1) == LUA_TSTRING ? luron_dtype_find(lua_tostring(L, -1)) : 0;
        if (!dtype) lr_argerror(L, arg, "dtype: name of a dtype expected, got %s", lr_got(L, -1));
    }
    lua_pop(L, 1);
    return dtype;
}

int lr_pairs(lua_State *L, int arg, int64_t before[LURON_MAX_DIMS], int64_t after[LURON_MAX_DIMS]) {
    if (!lua_istable(L, arg)) return lr_typeerror(L, arg, "widths", "list of pairs { before, after }");
    lua_Integer n = (lua_Integer)lua_rawlen(L, arg);
    if (n > LURON_MAX_DIMS) return lr_argerror(L, arg, "widths: at most %d pairs, got %I", LURON_MAX_DIMS, n);
    for (lua_Integer i = 0; i < n; i++) {
        if (lua_rawgeti(L, arg, i + 1) != LUA_TTABLE || lua_rawlen(L, -1) != 2)
            return lr_argerror(L, arg, "widths: a pair { before, after } expected at [%I], got %s", i + 1,
                               lua_istable(L, -1) ? lua_pushfstring(L, "%I numbers", (lua_Integer)lua_rawlen(L, -1)) : lr_got(L, -1));
        for (int k = 0; k < 2; k++) {
            int64_t v;
            lua_rawgeti(L, -1 - k, k + 1);
            if (!is_integer(L, -1, &v) || v < 0)
                return lr_argerror(L, arg, "widths: integer of at least 0 expected at [%I][%d], got %s", i + 1, k + 1, lr_got(L, -1));
            *(k ? &after[i] : &before[i]) = v;
        }
        lua_pop(L, 3);
    }
    return (int)n;
}

int lr_how_to_reduce(lua_State *L, int arg) {
    static const char *const names[] = { "sum", "prod", "mean", "amax", "amin" };
    const char *name = lua_type(L, arg) == LUA_TSTRING ? lua_tostring(L, arg) : "";
    for (int how = 0; how < 5; how++)
        if (strcmp(name, names[how]) == 0) return how;
    return lr_argerror(L, arg, "how: sum, prod, mean, amax or amin expected, got %s", lr_got(L, arg));
}

lr_closeness lr_closeness_at(lua_State *L, int arg) {
    static const char *const keys[] = { "rtol", "atol", "equal_nan", NULL };
    lr_closeness c = { 1e-5, 1e-8, 0 };
    lr_only(L, arg, keys);
    for (int i = 0; i < 2; i++) {
        if (lr_field(L, arg, keys[i]) != LUA_TNIL) {
            if (lua_type(L, -1) != LUA_TNUMBER) lr_argerror(L, arg, "%s: number expected, got %s", keys[i], lr_got(L, -1));
            *(i ? &c.atol : &c.rtol) = lua_tonumber(L, -1);
        }
        lua_pop(L, 1);
    }
    if (lr_field(L, arg, "equal_nan") != LUA_TNIL && !lua_isboolean(L, -1)) lr_argerror(L, arg, "equal_nan: boolean expected, got %s", lr_got(L, -1));
    c.equal_nan = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return c;
}

int lr_is_options(lua_State *L, int idx) {
    if (!lua_istable(L, idx)) return 0;
    idx = lua_absindex(L, idx);
    int any = 0;
    lua_pushnil(L);
    while (lua_next(L, idx)) {
        any = 1;
        lua_pop(L, 1);
        if (lua_type(L, -1) == LUA_TSTRING) {
            lua_pop(L, 1);
            return 1;
        }
    }
    return !any;
}

int lr_other_key(lua_State *L, int idx) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, idx), key;
    int whole;
    idx = lua_absindex(L, idx);
    if (n) lua_pushinteger(L, n); /* lists come before other keys, as a rule */
    else lua_pushnil(L);
    if (!lua_next(L, idx)) return 0;
    lua_pop(L, 1);
    key = lua_tointegerx(L, -1, &whole);
    if (lua_type(L, -1) != LUA_TNUMBER || !whole || key < 1 || key > n) return 1;
    lua_pop(L, 1);
    return 0;
}

int lr_field(lua_State *L, int arg, const char *key) {
    if (lua_isnoneornil(L, arg)) {
        lua_pushnil(L);
        return LUA_TNIL;
    }
    if (!lua_istable(L, arg)) lr_typeerror(L, arg, "options", "table");
    lua_pushstring(L, key);
    return lua_rawget(L, arg);
}

void lr_only(lua_State *L, int arg, const char *const *keys) {
    if (lua_isnoneornil(L, arg)) return;
    if (!lua_istable(L, arg)) lr_typeerror(L, arg, "options", "table");
    lua_pushnil(L);
    while (lua_next(L, arg)) {
        lua_pop(L, 1);
        int known = 0;
        for (int i = 0; keys[i] && !known; i++)
            known = lua_type(L, -1) == LUA_TSTRING && strcmp(keys[i], lua_tostring(L, -1)) == 0;
        if (known) continue;
        luaL_Buffer b;
        const char *key = lr_got(L, -1);
        luaL_buffinit(L, &b);
        for (int i = 0; keys[i]; i++) {
            if (i) luaL_addstring(&b, ", ");
            luaL_addstring(&b, keys[i]);
        }
        luaL_pushresult(&b);
        lr_argerror(L, arg, "no option %s; options: %s", key, lua_tostring(L, -1));
    }
}

/* ---- options of types ---------------------------------------------------------------------------------------------------- */
static int is_place(const luron_option *o) { return o->kind == LURON_AXIS || o->kind == LURON_ID; }

luron_option lr_shown_option(const luron_option *option) {
    luron_option o = *option;
    if (is_place(option) && o.min < o.max) o.min += o.min >= 0, o.max += o.max >= 0;
    return o;
}

static const char *expected(lua_State *L, const luron_option *option) {
    luron_option shown = lr_shown_option(option);
    const luron_option *o = &shown;
    const char *what = o->kind == LURON_FLOAT    ? "number"
                       : o->kind == LURON_FLOATS ? "number or list of numbers"
                       : o->kind == LURON_INTS   ? "integer or list of integers"
                                                 : "integer";
    if (!(o->min < o->max)) return what;
    if (o->kind == LURON_INT && o->min == 1 && o->max >= 1e9) return "positive integer";
    if (o->max >= 1e9) return lua_pushfstring(L, "%s of at least %f", what, o->min);
    if (o->kind == LURON_FLOAT || o->kind == LURON_FLOATS)
        return lua_pushfstring(L, "%s from %f to %f", what, o->min, o->max);
    return lua_pushfstring(L, "%s from %I to %I", what, (lua_Integer)o->min, (lua_Integer)o->max);
}

static int refuse(lua_State *L, int arg, int idx, const luron_option *o, const char *want) {
    const char *got = lua_type(L, idx) == LUA_TNONE ? "no value" : lr_got(L, idx);
    return lr_argerror(L, arg, "%s: %s expected, got %s", o->name, want, got);
}

static void choice_value(lua_State *L, int arg, int idx, const luron_option *o, luron_arg *out) {
    out->kind = LURON_ARG_STRING;
    out->string = lua_type(L, idx) == LUA_TSTRING ? lua_tostring(L, idx) : NULL;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (int i = 0; o->choices && o->choices[i]; i++) {
        if (out->string && strcmp(o->choices[i], out->string) == 0) {
            luaL_pushresult(&b);
            lua_pop(L, 1);
            return;
        }
        if (i) luaL_addstring(&b, o->choices[i + 1] ? ", " : " or ");
        luaL_addstring(&b, o->choices[i]);
    }
    luaL_pushresult(&b);
    refuse(L, arg, idx, o, lua_tostring(L, -1));
}

static void ints_value(lua_State *L, int arg, int idx, const luron_option *o, luron_arg *out) {
    out->kind = LURON_ARG_INTS;
    if (o->choices && lua_type(L, idx) == LUA_TSTRING) {
        choice_value(L, arg, idx, o, out);
        return;
    }
    if (!lua_istable(L, idx)) {
        out->kind = LURON_ARG_INTEGER;
        if (!is_integer(L, idx, &out->integer)) refuse(L, arg, idx, o, expected(L, o));
        return;
    }
    size_t n = lua_rawlen(L, idx);
    if (n > 8) lr_argerror(L, arg, "%s: at most 8 integers, got %I", o->name, (lua_Integer)n);
    out->ints.n = (int64_t)n;
    for (size_t i = 0; i < n; i++) {
        int64_t v;
        lua_rawgeti(L, idx, (lua_Integer)i + 1);
        const int at = lua_gettop(L); /* before what is expected is pushed */
        if (!is_integer(L, at, &v) || (o->min < o->max && ((double)v < o->min || (double)v > o->max)))
            refuse(L, arg, at, o, expected(L, o));
        out->ints.at[i] = v;
        lua_pop(L, 1);
    }
}

static double finite_value(lua_State *L, int arg, int idx, const luron_option *o) {
    const double v = lua_tonumber(L, idx);
    idx = lua_absindex(L, idx);
    if (lua_type(L, idx) != LUA_TNUMBER || !isfinite(v) || (o->min < o->max && (v < o->min || v > o->max)))
        refuse(L, arg, idx, o, expected(L, o));
    return v;
}
static void floats_value(lua_State *L, int arg, int idx, const luron_option *o, luron_arg *out) {
    out->kind = LURON_ARG_NUMBER;
    if (!lua_istable(L, idx)) {
        out->number = finite_value(L, arg, idx, o);
        return;
    }
    out->kind = LURON_ARG_FLOATS;
    const size_t n = lua_rawlen(L, idx);
    if (n > 8) lr_argerror(L, arg, "%s: at most 8 numbers, got %I", o->name, (lua_Integer)n);
    out->floats.n = (int64_t)n;
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, idx, (lua_Integer)i + 1);
        out->floats.at[i] = finite_value(L, arg, -1, o);
        lua_pop(L, 1);
    }
}

static void number_value(lua_State *L, int arg, int idx, const luron_option *o, luron_arg *out) {
    out->kind = LURON_ARG_INTEGER;
    if (lua_type(L, idx) != LUA_TNUMBER) refuse(L, arg, idx, o, expected(L, o));
    double v = lua_tonumber(L, idx);
    if (o->kind == LURON_FLOAT) {
        out->kind = LURON_ARG_NUMBER;
        out->number = v;
        if (isnan(v)) refuse(L, arg, idx, o, expected(L, o));
    } else if (!is_integer(L, idx, &out->integer)) {
        refuse(L, arg, idx, o, expected(L, o));
    }
    const luron_option range = lr_shown_option(o);
    if (range.min < range.max && !(v >= range.min && v <= range.max)) refuse(L, arg, idx, o, expected(L, o));
    if (!is_place(o)) return;
    if (out->integer == 0) lr_argerror(L, arg, "%s: counts from 1 in Lua, got 0", o->name);
    if (out->integer > 0) out->integer--;
}

void lr_arg_value(lua_State *L, int arg, int idx, const luron_option *o, luron_arg *out) {
    idx = lua_absindex(L, idx);
    memset(out, 0, sizeof *out);
    out->name = o->name;
    if (o->kind == LURON_BOOL) {
        out->kind = LURON_ARG_BOOLEAN;
        if (lua_type(L, idx) != LUA_TBOOLEAN) refuse(L, arg, idx, o, "boolean");
        out->integer = lua_toboolean(L, idx);
    } else if (o->kind == LURON_STRING || o->kind == LURON_INITIALISER) { /* core knows which initialisers there are */
        out->kind = LURON_ARG_STRING;
        if (lua_type(L, idx) != LUA_TSTRING) refuse(L, arg, idx, o, "string");
        out->string = lua_tostring(L, idx);
    } else if (o->kind == LURON_CHOICE) {
        choice_value(L, arg, idx, o, out);
    } else if (o->kind == LURON_INTS) {
        ints_value(L, arg, idx, o, out);
    } else if (o->kind == LURON_FLOATS) {
        floats_value(L, arg, idx, o, out);
    } else {
        number_value(L, arg, idx, o, out);
    }
}

/* What lr_type_args has found so far. */
typedef struct parse {
    const luron_type *type;
    luron_arg *args;
    int n, ports, skip; /* skip: 1 where the first option is not given here */
    uint64_t given; /* bit of option i */
} parse;

static void put(lua_State *L, parse *p, int arg, int idx, int i) {
    const luron_option *o = luron_type_option(p->type, i);
    if (i < p->skip) lr_argerror(L, arg, "%s: the first input says it", o->name);
    if (p->given >> i & 1) lr_argerror(L, arg, "%s: given twice", o->name);
    p->given |= (uint64_t)1 << i;
    lr_arg_value(L, arg, idx, o, &p->args[p->n++]);
}

const char *lr_push_option_names(lua_State *L, const luron_type *type, int first) {
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    const luron_option *o;
    for (int i = first; (o = luron_type_option(type, i)); i++) {
        if (i > first) luaL_addstring(&b, ", ");
        luaL_addstring(&b, o->name);
    }
    luaL_pushresult(&b);
    return lua_tostring(L, -1);
}

/* What PyTorch's and Keras's option is here, by luron.names where that is loaded; NULL: nothing is known. The text stays on the stack. */
static const char *layer_hint(lua_State *L, const luron_type *type, int key) {
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, "luron.names") != LUA_TTABLE) return NULL;
    lua_getfield(L, -1, "layer_option");
    lua_pushstring(L, luron_type_name(type));
    lua_pushvalue(L, key);
    lua_call(L, 2, 1);
    return lua_tostring(L, -1);
}

static int refuse_option(lua_State *L, parse *p, int arg, int key) {
    key = lua_absindex(L, key);
    const char *got = lr_got(L, key), *names = lr_push_option_names(L, p->type, p->skip), *hint = NULL;
    int is_layer = luron_type_in(p->type, 0) != NULL, is_name = lua_type(L, key) == LUA_TSTRING;
    if (is_name) hint = is_layer ? layer_hint(L, p->type, key) : lr_optim_hint(p->type, lua_tostring(L, key));
    const char *before = !hint || *hint == ':' ? "" : is_layer ? ": here it is " : ": ";
    if (!*names) return lr_argerror(L, arg, "no option %s%s%s; %s has no options", got, before, hint ? hint : "", luron_type_name(p->type));
    return lr_argerror(L, arg, "no option %s%s%s; options: %s", got, before, hint ? hint : "", names);
}

static int is_port(const luron_type *type, const char *name) {
    const luron_port *port;
    for (int i = 0; (port = luron_type_in(type, i)); i++)
        if (strcmp(port->name, name) == 0) return 1;
    return 0;
}

static int find_option(lua_State *L, parse *p, int key, int *n_options) {
    const luron_option *o;
    int found = -1, i = 0;
    int64_t at = 0;
    int positional = is_integer(L, key, &at);
    for (; i < LR_MAX_ARGS && (o = luron_type_option(p->type, i)); i++)
        if (positional ? at == i + 1 - p->skip : lua_type(L, key) == LUA_TSTRING && strcmp(o->name, lua_tostring(L, key)) == 0) found = i;
    *n_options = i;
    return found;
}

static void put_table(lua_State *L, parse *p, int arg) {
    luaL_checkstack(L, 8, NULL);
    lua_pushnil(L);
    while (lua_next(L, arg)) {
        int n, value = lua_gettop(L), i = find_option(L, p, value - 1, &n);
        if (i >= 0)
            put(L, p, arg, value, i);
        else if (!p->ports || lua_type(L, value - 1) != LUA_TSTRING || !is_port(p->type, lua_tostring(L, value - 1)))
            refuse_option(L, p, arg, value - 1);
        lua_settop(L, value - 1);
    }
}

/* { 28, 28 } alone for a type whose first option is a list of numbers is that list. */
static int is_list_of_first(lua_State *L, const luron_type *type, int idx) {
    const luron_option *o = luron_type_option(type, 0);
    if (!o || (o->kind != LURON_INTS && o->kind != LURON_FLOATS) || lua_rawlen(L, idx) == 0 || lr_is_options(L, idx)) return 0;
    int number = lua_rawgeti(L, idx, 1) == LUA_TNUMBER;
    lua_pop(L, 1);
    return number;
}

static int type_args(lua_State *L, const luron_type *type, int first, int last, int ports, int skip, luron_arg args[LR_MAX_ARGS]) {
    parse p = { type, args, 0, ports, skip, 0 };
    luaL_checkstack(L, 10, NULL);
    for (int arg = first; arg <= last; arg++) {
        if (lua_isnil(L, arg)) continue;
        int table = lua_istable(L, arg) && (lr_is_options(L, arg) || (first == last && !is_list_of_first(L, type, arg)));
        if (table) {
            if (arg != last) lr_argerror(L, arg, "the options table comes last");
            put_table(L, &p, arg);
        } else if (arg - first + skip >= LR_MAX_ARGS || !luron_type_option(type, arg - first + skip)) {
            lr_argerror(L, arg, "%s takes %d options, got one more: %s", luron_type_name(type), arg - first, lr_got(L, arg));
        } else {
            put(L, &p, arg, arg, arg - first + skip);
        }
    }
    const luron_option *o;
    for (int i = skip; i < LR_MAX_ARGS && (o = luron_type_option(type, i)); i++)
        if ((o->flags & LURON_OPTION_REQUIRED) && !(p.given >> i & 1)) {
            int table = first <= last && lua_istable(L, last);
            lr_argerror(L, table ? last : first + i - skip, "%s: %s expected, got no value", o->name, expected(L, o));
        }
    return p.n;
}

int lr_type_args(lua_State *L, const luron_type *type, int first, int last, int ports, luron_arg args[LR_MAX_ARGS]) {
    return type_args(L, type, first, last, ports, 0, args);
}

int lr_lazy_args(lua_State *L, const luron_type *type, int first, int last, luron_arg args[LR_MAX_ARGS]) { return type_args(L, type, first, last, 0, 1, args); }

void lr_push_arg(lua_State *L, const luron_option *o, const luron_arg *a) {
    switch (o->kind) {
    case LURON_FLOAT: lua_pushnumber(L, a->kind == LURON_ARG_INTEGER ? (double)a->integer : a->number); break;
    case LURON_BOOL: lua_pushboolean(L, (int)a->integer); break;
    case LURON_STRING:
    case LURON_INITIALISER:
    case LURON_CHOICE: lua_pushstring(L, a->string); break;
    case LURON_INTS:
        if (a->kind == LURON_ARG_STRING) {
            lua_pushstring(L, a->string);
            break;
        }
        lua_createtable(L, (int)a->ints.n, 0);
        for (int i = 0; i < a->ints.n; i++) {
            lua_pushinteger(L, a->ints.at[i]);
            lua_rawseti(L, -2, i + 1);
        }
        break;
    case LURON_FLOATS:
        lua_createtable(L, (int)a->floats.n, 0);
        for (int i = 0; i < a->floats.n; i++) {
            lua_pushnumber(L, a->floats.at[i]);
            lua_rawseti(L, -2, i + 1);
        }
        break;
    case LURON_AXIS:
    case LURON_ID: lua_pushinteger(L, a->integer >= 0 ? a->integer + 1 : a->integer); break;
    default: lua_pushinteger(L, a->integer); break;
    }
}

/* Push the value of an option as Lua source. */
static void push_literal(lua_State *L, const luron_option *o, const luron_arg *a) {
    if (a->kind == LURON_ARG_INTS || a->kind == LURON_ARG_FLOATS) {
        luaL_Buffer b;
        luaL_buffinit(L, &b);
        luaL_addstring(&b, "{");
        const int real = a->kind == LURON_ARG_FLOATS;
        for (int i = 0; i < (real ? a->floats.n : a->ints.n); i++) {
            luaL_addstring(&b, i ? ", " : " ");
            if (real)
                lua_pushfstring(L, "%f", a->floats.at[i]);
            else
                lua_pushfstring(L, "%I", (lua_Integer)a->ints.at[i]);
            luaL_addvalue(&b);
        }
        luaL_addstring(&b, " }");
        luaL_pushresult(&b);
        return;
    }
    lr_push_arg(L, o, a);
    if (lua_type(L, -1) == LUA_TSTRING)
        lua_pushfstring(L, "\"%s\"", lua_tostring(L, -1));
    else
        luaL_tolstring(L, -1, NULL);
    lua_remove(L, -2);
}

void lr_push_options_text(lua_State *L, const luron_type *type, luron_arg (*get)(const void *, int), const void *of) {
    const luron_option *o;
    luaL_checkstack(L, 8, NULL);
    int shown = 0;
    lua_pushliteral(L, "");
    for (int i = 0; (o = luron_type_option(type, i)); i++) {
        luron_arg a = get(of, i);
        if (o->kind == LURON_INITIALISER && !a.string) continue; /* says nothing */
        lua_pushfstring(L, "%s%s = ", shown++ ? ", " : "", o->name);
        push_literal(L, o, &a);
        lua_concat(L, 3);
    }
}
