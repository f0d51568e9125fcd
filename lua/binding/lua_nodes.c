/* lua_nodes.c -- nodes of nn.Graph, where tensors stand otherwise: in calls of layers and models, in functions, and as
 * what methods of tensors are called on. Such a method has the arguments that it has on tensors, by the table below;
 * what they become are attributes and operands of an op in the model, which lua/luron/graph_ops.lua notes. */
#include "lua_util.h"

#include <math.h>
#include <string.h>

enum { MOST_ARGS = 4 };
typedef enum kind {
    NO_ARG,
    DIM,     /* from 1 */
    OPT_DIM, /* or nil: no attribute */
    DIM_OR,  /* or nil: the number */
    DIMS,    /* a dim, a list, or nil: all */
    FROM,    /* a dim or a list */
    TO,      /* as many */
    LIST,    /* all arguments from here on, or one list of them: dims */
    SIZES,   /* ... or sizes, each at least `least` */
    FLAG,    /* boolean, or nil: the number */
    NUMBER,
    NUMBER_OR,
    VALUE,   /* number or boolean */
    INTEGER, /* at least `least` */
    INTEGER_OR,
    PLACE, /* a position from 1, or from the end */
    DTYPE,
    DTYPE_IN, /* { dtype = } or nil: the default one */
    PAIRS,    /* { { before, after }, ... } */
    REDUCTION,
    CLOSENESS, /* { rtol =, atol =, equal_nan = } */
    OPERAND,   /* node, tensor, number or boolean */
    TENSOR,    /* node or tensor */
    TABLE,     /* ... or a table of numbers */
    IDS        /* ... of ids */
} kind;
typedef struct arg {
    const char *name; /* in messages, as the same method of tensors has it; and of the attribute */
    kind kind;
    double number;
    int64_t least, most; /* most 0: no end */
    const char *as;      /* of the attribute, where that differs */
} arg;
typedef struct form {
    const char *method, *op; /* op NULL: of the method's name */
    arg args[MOST_ARGS];
    int either; /* what it is called on may be a number: an operator */
} form;

#define A(name_, kind_, ...) {.name = name_, .kind = kind_, __VA_ARGS__}
#define M(method_, op_, ...)                                                                                           \
    {                                                                                                                  \
        .method = method_, .op = op_, .args = {__VA_ARGS__}                                                            \
    }
#define ALONG A("dim", DIM)
#define OVER A("dims", DIMS)
#define KEEP A("keepdim", FLAG)
#define ONE(name) {.method = #name},
#define TWO(name) {.method = #name, .args = {A("b", OPERAND)}, .either = 1},
static const form forms[] = {
    /* clang-format off */
    LURON_UNARY_MAP(ONE) ONE(asinh) ONE(acosh) ONE(atanh) ONE(logical_not) ONE(isfinite) ONE(isnan) ONE(contiguous) ONE(detach) ONE(t) ONE(trace)
    LURON_BINARY_MAP(TWO) LURON_COMPARE_MAP(TWO)
    {.method = "clone", .op = "copy"},
    M("clamp", NULL, A("lowest", NUMBER_OR, .number = -INFINITY), A("highest", NUMBER_OR, .number = INFINITY)),
    M("scale", NULL, A("times", NUMBER), A("plus", NUMBER_OR)),
    M("to", "cast", A("dtype", DTYPE)),
    M("where", NULL, A("a", OPERAND), A("b", OPERAND)),
    M("isclose", NULL, A("tensor", OPERAND), A("options", CLOSENESS)),
    M("matmul", NULL, A("b", TENSOR)), M("outer", NULL, A("other", TENSOR)), M("dot", NULL, A("other", TENSOR)),
    M("sum", NULL, OVER, KEEP), M("mean", NULL, OVER, KEEP), M("prod", NULL, OVER, KEEP), M("amax", NULL, OVER, KEEP),
    M("amin", NULL, OVER, KEEP), M("any", NULL, OVER, KEEP), M("all", NULL, OVER, KEEP), M("logsumexp", NULL, OVER, KEEP),
    M("sum_squares", NULL, OVER, KEEP),
    M("var", NULL, OVER, KEEP, A("correction", NUMBER_OR, .number = 1)), M("std", NULL, OVER, KEEP, A("correction", NUMBER_OR, .number = 1)),
    M("norm", NULL, A("p", NUMBER_OR, .number = 2), OVER, KEEP),
    M("quantile", NULL, A("q", NUMBER), A("dim", OPT_DIM), KEEP),
    M("argmax", NULL, A("dim", OPT_DIM), KEEP), M("argmin", NULL, A("dim", OPT_DIM), KEEP),
    M("max", NULL, A("dim", OPT_DIM), KEEP), M("min", NULL, A("dim", OPT_DIM), KEEP),
    M("median", NULL, A("dim", OPT_DIM), KEEP), M("mode", NULL, A("dim", DIM_OR, .number = -1), KEEP),
    M("kthvalue", NULL, A("k", INTEGER, .least = 1), A("dim", DIM_OR, .number = -1), KEEP),
    M("softmax", NULL, ALONG), M("log_softmax", NULL, ALONG), M("cumsum", NULL, ALONG), M("cumprod", NULL, ALONG),
    M("logcumsumexp", NULL, ALONG), M("cummax", NULL, ALONG), M("cummin", NULL, ALONG),
    M("diff", NULL, A("n", INTEGER_OR, .number = 1), A("dim", DIM_OR, .number = -1)),
    M("sort", NULL, A("dim", DIM_OR, .number = -1), A("descending", FLAG)), M("argsort", NULL, A("dim", DIM_OR, .number = -1), A("descending", FLAG)),
    M("topk", NULL, A("k", INTEGER, .as = "count"), A("dim", DIM_OR, .number = -1), A("largest", FLAG, .number = 1, .as = "descending")),
    M("reshape", NULL, A("shape", SIZES, .least = -1)), M("view", "reshape", A("shape", SIZES, .least = -1)),
    M("expand", NULL, A("shape", SIZES, .least = -1)), M("broadcast_to", "expand", A("shape", SIZES, .least = -1)),
    M("sum_to", NULL, A("shape", SIZES)), M("tile", NULL, A("times", SIZES)),
    M("permute", NULL, A("dims", LIST)), M("flip", NULL, A("dims", LIST)),
    M("transpose", NULL, A("dim 1", DIM, .as = "dim1"), A("dim 2", DIM, .as = "dim2")),
    M("swapdims", "transpose", A("dim 1", DIM, .as = "dim1"), A("dim 2", DIM, .as = "dim2")),
    M("movedim", NULL, A("from", FROM), A("to", TO)),
    M("flatten", NULL, A("from", DIM_OR), A("to", DIM_OR, .number = -1)),
    M("unflatten", NULL, A("dim", DIM_OR), A("sizes", SIZES, .least = -1)),
    M("unsqueeze", NULL, ALONG), M("squeeze", NULL, A("dim", OPT_DIM)),
    M("narrow", NULL, ALONG, A("start", PLACE), A("length", INTEGER)), M("select", NULL, ALONG, A("position", PLACE)),
    M("repeat_interleave", "repeat_each", A("repeats", INTEGER, .as = "times"), A("dim", OPT_DIM)),
    M("roll", NULL, A("shift", INTEGER, .least = INT64_MIN), ALONG),
    M("pad", NULL, A("widths", PAIRS), A("value", NUMBER_OR)),
    M("tril", NULL, A("diagonal", INTEGER_OR, .least = INT64_MIN)), M("triu", NULL, A("diagonal", INTEGER_OR, .least = INT64_MIN)),
    M("diagonal", NULL, A("offset", INTEGER_OR, .least = INT64_MIN), A("dim1", DIM_OR), A("dim2", DIM_OR, .number = 1)),
    M("diag", NULL, A("offset", INTEGER_OR, .least = INT64_MIN)),
    M("masked_fill", NULL, A("mask", TENSOR), A("value", VALUE)),
    M("masked_scatter", NULL, A("mask", TENSOR), A("source", TENSOR)),
    M("index_select", NULL, ALONG, A("ids", IDS)), M("gather", NULL, ALONG, A("ids", IDS)),
    M("scatter_add", NULL, ALONG, A("ids", IDS), A("source", TENSOR)), M("index_add", NULL, ALONG, A("ids", IDS), A("source", TENSOR)),
    M("index_copy", NULL, ALONG, A("ids", IDS), A("source", TENSOR)), M("index_fill", NULL, ALONG, A("ids", IDS), A("value", VALUE)),
    M("scatter", NULL, ALONG, A("ids", IDS), A("source", OPERAND)),
    M("scatter_reduce", NULL, ALONG, A("ids", IDS), A("source", TENSOR), A("how", REDUCTION)),
    M("take", "take_elements", A("ids", IDS)),
    M("one_hot", NULL, A("n", INTEGER, .least = 1, .most = INT32_MAX), A("dtype", DTYPE_IN)),
    M("segment_sum", NULL, A("ids", IDS), A("count", INTEGER)), M("segment_mean", NULL, A("ids", IDS), A("count", INTEGER)),
    M("segment_max", "segment_largest", A("ids", IDS), A("count", INTEGER)),
    M("segment_min", "segment_smallest", A("ids", IDS), A("count", INTEGER)),
    M("searchsorted", NULL, A("values", OPERAND), A("right", FLAG)), M("bucketize", NULL, A("sorted", TABLE), A("right", FLAG)),
    /* clang-format on */
};

/* ---- arguments --------------------------------------------------------------------------------------------------- */
/* Where the attributes of a node are collected: a table on the stack. */
typedef struct parse {
    const form *form;
    int attrs, top; /* top: the last argument given */
} parse;

static void set_integers(lua_State *L, int attrs, const char *name, int n, const int64_t *list) {
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lua_pushinteger(L, list[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, attrs, name);
}

static void set_dims(lua_State *L, int attrs, const char *name, int n, const int *dims) {
    int64_t list[LURON_MAX_DIMS];
    for (int i = 0; i < n; i++)
        list[i] = dims[i];
    set_integers(L, attrs, name, n, list);
}

static void check_twice(lua_State *L, const parse *p, int n, const int *dims) {
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++)
            if (dims[k] == dims[i])
                lr_error(L, "%s: dim %d is listed twice", p->form->method, dims[i] + (dims[i] >= 0));
}

static int moved_dims(lua_State *L, const parse *p, const arg *a, int at, int dims[LURON_MAX_DIMS]) {
    for (int i = at; i <= at + (a->kind == FROM); i++)
        if (lua_isnil(L, i)) return lr_typeerror(L, i, i == at ? a->name : "to", "dim or list of dims");
    int n = lr_dims(L, at, dims);
    if (a->kind == FROM) return n;
    lua_getfield(L, p->attrs, "from");
    int from = (int)lua_rawlen(L, -1);
    lua_pop(L, 1);
    return n == from ? n : lr_argerror(L, at, "to: as many dims as in from (%d) expected, got %d", from, n);
}

static int64_t place_at(lua_State *L, int at, const char *name) {
    int64_t place = lr_integer(L, at, name);
    if (place == 0) lr_argerror(L, at, "%s: positions count from 1 (or from the end: -1), got 0", name);
    return place > 0 ? place - 1 : place;
}

static void set_pairs(lua_State *L, const parse *p, int at) {
    int64_t before[LURON_MAX_DIMS], after[LURON_MAX_DIMS];
    int n = lr_pairs(L, at, before, after);
    set_integers(L, p->attrs, "before", n, before);
    set_integers(L, p->attrs, "after", n, after);
}

/* The reductions as the op has them, and whether what is there takes part. */
static void set_how(lua_State *L, const parse *p, int at) {
    static const int how[] = {3, 4, 5, 1, 2};
    lua_pushinteger(L, how[lr_how_to_reduce(L, at)]);
    lua_setfield(L, p->attrs, "how");
    lua_pushboolean(L, lr_opt_boolean(L, at + 1, "include_self", 1));
    lua_setfield(L, p->attrs, "include_self");
}

static void set_closeness(lua_State *L, const parse *p, int at) {
    lr_closeness c = lr_closeness_at(L, at);
    lua_pushnumber(L, c.rtol);
    lua_setfield(L, p->attrs, "rtol");
    lua_pushnumber(L, c.atol);
    lua_setfield(L, p->attrs, "atol");
    lua_pushboolean(L, c.equal_nan);
    lua_setfield(L, p->attrs, "equal_nan");
}

/* One attribute, pushed; 0: there is none. */
static int push_attr(lua_State *L, const arg *a, int at) {
    static const char *const dtype_alone[] = {"dtype", NULL};
    int absent = lua_isnil(L, at);
    switch (a->kind) {
    case OPT_DIM:
        if (absent) return 0;
        /* fall through */
    case DIM:
        lua_pushinteger(L, lr_dim(L, at, a->name));
        return 1;
    case DIM_OR:
        lua_pushinteger(L, absent ? (lua_Integer)a->number : lr_dim(L, at, a->name));
        return 1;
    case FLAG:
        lua_pushboolean(L, lr_opt_boolean(L, at, a->name, a->number != 0));
        return 1;
    case VALUE:
        lua_pushnumber(L, lua_isboolean(L, at) ? lua_toboolean(L, at) : lr_number(L, at, a->name));
        return 1;
    case NUMBER:
        lua_pushnumber(L, lr_number(L, at, a->name));
        return 1;
    case NUMBER_OR:
        lua_pushnumber(L, lr_opt_number(L, at, a->name, a->number));
        return 1;
    case INTEGER_OR:
        if (absent) {
            lua_pushinteger(L, (lua_Integer)a->number);
            return 1;
        }
        /* fall through */
    case INTEGER:
        lua_pushinteger(L, lr_integer_in(L, at, a->name, a->least, a->most ? a->most : LUA_MAXINTEGER));
        return 1;
    case PLACE:
        lua_pushinteger(L, place_at(L, at, a->name));
        return 1;
    case DTYPE:
        lua_pushstring(L, luron_dtype_name(lr_dtype(L, at, a->name)));
        return 1;
    case DTYPE_IN:
        lua_pushstring(L, luron_dtype_name(lr_dtype_option(L, at, dtype_alone)));
        return 1;
    default:
        return 0;
    }
}

static void set_attr(lua_State *L, const parse *p, const arg *a, int at) {
    int dims[LURON_MAX_DIMS], n;
    int64_t sizes[LURON_MAX_DIMS];
    const char *as = a->as ? a->as : a->name;
    switch (a->kind) {
    case DIMS:
        n = lr_dims(L, at, dims);
        check_twice(L, p, n, dims);
        set_dims(L, p->attrs, as, n, dims);
        return;
    case FROM:
    case TO:
        n = moved_dims(L, p, a, at, dims);
        set_dims(L, p->attrs, as, n, dims);
        return;
    case LIST:
        n = lr_dim_list(L, at, p->top, dims);
        set_dims(L, p->attrs, as, n, dims);
        return;
    case SIZES:
        n = lr_sizes(L, at, p->top, a->least, sizes);
        set_integers(L, p->attrs, as, n, sizes);
        return;
    case PAIRS:
        set_pairs(L, p, at);
        return;
    case REDUCTION:
        set_how(L, p, at);
        return;
    case CLOSENESS:
        set_closeness(L, p, at);
        return;
    default:
        if (push_attr(L, a, at)) lua_setfield(L, p->attrs, as);
    }
}

/* Is it an operand? Then it is pushed, a table as a tensor, ids through the field `ids` of nodes. */
static int push_operand(lua_State *L, const arg *a, int at) {
    if (a->kind < OPERAND) return 0;
    int is_ids = a->kind == IDS, type = lua_type(L, at);
    if (lr_is_node(L, at) || (a->kind == OPERAND && (type == LUA_TNUMBER || type == LUA_TBOOLEAN))) {
        lua_pushvalue(L, at);
        return 1;
    }
    if (is_ids) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &lr_node_key);
        lua_getfield(L, -1, "ids");
        lua_remove(L, -2);
    }
    if (type == LUA_TTABLE && (is_ids || a->kind == TABLE)) {
        lr_tensor_from_lua(L, at, at, is_ids ? LURON_I64 : 0);
    } else {
        if (!lr_to_tensor(L, at)) lr_typeerror(L, at, a->name, a->kind == OPERAND ? "tensor or number" : "tensor");
        lua_pushvalue(L, at);
    }
    if (is_ids) lua_call(L, 1, 1);
    return 1;
}

/* Push the field `make` of nodes, and the method, the op and an empty table of attributes for it. Returns where make
 * is. */
static int push_make(lua_State *L, const char *method, const char *op) {
    luaL_checkstack(L, 20, NULL);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lr_node_key);
    lua_getfield(L, -1, "make");
    lua_remove(L, -2);
    lua_pushstring(L, method);
    lua_pushstring(L, op ? op : method);
    lua_newtable(L);
    return lua_gettop(L) - 3;
}

static int apply_form(lua_State *L, const form *f) {
    int n = 0, top = lua_gettop(L), operands = 1;
    const arg self = A(f->either ? "a" : "tensor", f->either ? OPERAND : TENSOR);
    while (n < MOST_ARGS && f->args[n].kind)
        n++;
    if (top < n + 2) lua_settop(L, n + 2); /* one more: what follows a reduction */
    int make = push_make(L, f->method, f->op);
    const parse p = {f, make + 3, top};
    push_operand(L, &self, 1);
    for (int i = 0; i < n; i++) {
        if (push_operand(L, &f->args[i], i + 2))
            operands++;
        else
            set_attr(L, &p, &f->args[i], i + 2);
    }
    lua_call(L, operands + 3, LUA_MULTRET);
    return lua_gettop(L) - make + 1;
}

static int node_method(lua_State *L) { return apply_form(L, lua_touserdata(L, lua_upvalueindex(1))); }

/* ---- where nodes stand instead of tensors ------------------------------------------------------------------------ */
int lr_is_node(lua_State *L, int idx) {
    idx = lua_absindex(L, idx);
    if (!lua_istable(L, idx) || !lua_getmetatable(L, idx)) return 0;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lr_node_key);
    int same = lua_rawequal(L, -1, -2) && !lua_isnil(L, -1);
    lua_pop(L, 2);
    return same;
}

static int any_node(lua_State *L, int first) {
    int any = 0;
    for (int i = first, top = lua_gettop(L); i <= top && !any; i++)
        any = lr_is_node(L, i);
    return any;
}

int lr_method_on_nodes(lua_State *L, const char *name) {
    if (!any_node(L, 1)) return 0;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (!strcmp(forms[i].method, name)) return apply_form(L, &forms[i]);
    return 0;
}

int lr_call_on_nodes(lua_State *L) {
    if (!any_node(L, 2)) return 0;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lr_node_key);
    lua_getfield(L, -1, "apply");
    lua_insert(L, 1);
    lua_pop(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return 1;
}

int lr_join_nodes(lua_State *L, const char *name) {
    if (!lua_istable(L, 1)) return 0;
    lua_Integer n = (lua_Integer)lua_rawlen(L, 1), any = 0;
    for (lua_Integer i = 1; i <= n && !any; i++) {
        lua_rawgeti(L, 1, i);
        any = lr_is_node(L, -1);
        lua_pop(L, 1);
    }
    if (!any) return 0;
    if (n > LR_MAX_VALUES)
        return lr_argerror(L, 1, "tensors: at most %d with nodes of a graph among them, got %I", LR_MAX_VALUES, n);
    luaL_checkstack(L, (int)n + 20, NULL);
    push_make(L, name, NULL);
    lua_pushinteger(L, lua_isnil(L, 2) ? 0 : lr_dim(L, 2, "dim"));
    lua_setfield(L, -2, "dim");
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, 1, i);
        if (!lr_is_node(L, -1) && !lr_to_tensor(L, -1))
            return lr_argerror(L, 1, "tensors: tensor expected at [%I], got %s", i, lr_got(L, -1));
    }
    lua_call(L, (int)n + 3, 1);
    return 1;
}

/* ---- registration ------------------------------------------------------------------------------------------------ */
/* node_methods(metatable): methods of graph nodes by name. The metatable, from now on that of nodes, has the fields
 * `apply`, called where a layer or model meets a node, `make`, for an op, and `ids`, for a tensor of ids. */
static int l_node_methods(lua_State *L) {
    if (!lua_istable(L, 1)) return lr_typeerror(L, 1, "metatable", "table");
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &lr_node_key);
    lua_newtable(L);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        lua_pushlightuserdata(L, (void *)&forms[i]);
        lua_pushcclosure(L, node_method, 1);
        lr_name_function(L, forms[i].method);
        lua_setfield(L, -2, forms[i].method);
    }
    return 1;
}

/* upvalues: form, and the function of tensors, which has none and is called as it is: it costs no call of Lua. */
static int either(lua_State *L) {
    if (any_node(L, 1)) return apply_form(L, lua_touserdata(L, lua_upvalueindex(1)));
    return lua_tocfunction(L, lua_upvalueindex(2))(L);
}

static const luaL_Reg functions[] = {{"node_methods", l_node_methods}, {NULL, NULL}};

/* Functions of tensors take nodes from here on, as functions of the module and as methods of tensors; those with
 * upvalues ask lr_method_on_nodes themselves. */
void lr_open_nodes(lua_State *L) {
    int module_at = lua_gettop(L);
    lr_setfuncs(L, functions);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        lua_pushlightuserdata(L, (void *)&forms[i]);
        if (lua_getfield(L, -2, forms[i].method) != LUA_TFUNCTION || lua_getupvalue(L, -1, 1)) {
            lua_settop(L, module_at);
            continue;
        }
        lua_pushcclosure(L, either, 2);
        lr_name_function(L, forms[i].method);
        lr_add_method(L, forms[i].method);
        lua_setfield(L, -2, forms[i].method);
    }
}
