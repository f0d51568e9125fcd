/* lua_function.c -- luron.op: a differentiable function with forward and backward written in Lua.
 *
 * What an application keeps for its backward hangs on a record that the tape owns. Tensors given to ctx:save are held
 * by it in C, other things by lua_held.c, which sees to it that no cycle through Lua keeps a tape alive. The tape may
 * release a record at any time, also from a finalizer: it is only put on a list then, and freed by lr_drain, without
 * recursion, when Lua is at rest.                                                                                      */
#include "lua_util.h"

#include <stdlib.h>
#include <string.h>

typedef struct saved {
    luron_tensor *t; /* NULL: a value that is no tensor, kept in Lua */
    uint64_t version;
    int is_output;
} saved;
typedef struct record {
    lr_held held; /* { backward, context, values } */
    luron_function fn;
    int n_in, n_out, n_args, n_saved;
    int *arg_of;      /* of input i, from 0 */
    luron_dims *dims; /* of inputs, then outputs */
    saved *saved;
    char name[64];
} record;
static const char context_key;

static void record_free(lr_held *held) {
    record *r = (record *)held;
    for (int i = 0; i < r->n_saved; i++) luron_tensor_unref(r->saved[i].t);
    free(r->arg_of);
    free(r->dims);
    free(r->saved);
    free(r);
}

static int record_keeps(lr_held *held, luron_held *to) {
    const record *r = (record *)held;
    int n = 0;
    for (int i = 0; i < r->n_saved; i++) {
        if (!r->saved[i].t) continue;
        if (to) to[n] = (luron_held){ LURON_HELD_TENSOR, r->saved[i].t, 0 };
        n++;
    }
    return n;
}

/* ---- the context that forward and backward get ------------------------------------------------------------------------------- */
static int context_save(lua_State *L) {
    if (!lua_istable(L, 1)) return lr_typeerror(L, 1, "context", "context");
    int n = lua_gettop(L) - 1;
    lua_createtable(L, n, 1);
    lua_insert(L, 2);
    for (int i = n; i >= 1; i--) lua_rawseti(L, 2, i);
    lua_pushinteger(L, n);
    lua_setfield(L, 2, "n");
    lua_rawsetp(L, 1, &context_key);
    return 0;
}

static int context_saved(lua_State *L) {
    if (!lua_istable(L, 1)) return lr_typeerror(L, 1, "context", "context");
    if (lua_rawgetp(L, 1, &context_key) != LUA_TTABLE) return 0;
    lua_getfield(L, -1, "n");
    int n = (int)lua_tointeger(L, -1), list = lua_gettop(L) - 1;
    luaL_checkstack(L, n + 2, "too many saved values");
    for (int i = 1; i <= n; i++) lua_rawgeti(L, list, i);
    return n;
}

/* ---- backward ----------------------------------------------------------------------------------------------------------------------- */
typedef struct backward_call {
    record *r;
    luron_tensor *const *grad_outs;
    luron_tensor **grad_ins;
} backward_call;

/* Put the saved values into the context at idx. */
static void restore_saved(lua_State *L, record *r, int context, int values) {
    lua_createtable(L, r->n_saved, 1);
    for (int i = 0; i < r->n_saved; i++) {
        saved *s = &r->saved[i];
        if (s->t && luron_tensor_version(s->t) != s->version)
            lr_error(L, "backward of '%s': saved tensor %d was changed in place after forward", r->name, i + 1);
        if (s->t && s->is_output && luron_ctx_is_recording(lr_ctx(L)))
            lr_error(L, "backward of '%s': saved tensor %d is an output, whose own derivative is not known here; for higher derivatives save the "
                        "inputs", r->name, i + 1);
        if (s->t)
            lr_push_tensor(L, s->t);
        else
            lua_rawgeti(L, values, i + 1);
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushinteger(L, r->n_saved);
    lua_setfield(L, -2, "n");
    lua_rawsetp(L, context, &context_key);
}

static void push_grad_out(lua_State *L, const luron_dims *d, luron_tensor *g) {
    if (g) {
        lr_push_tensor(L, g);
        return;
    }
    luron_tensor **out = lr_new_tensor(L); /* nothing flowed back: zeros, so that backward need not ask */
    luron_status status = luron_tensor_full(out, lr_ctx(L), d->dtype, d->ndim, d->shape, 0);
    if (status != LURON_OK) lr_raise(L, status);
}

static void check_grad(lua_State *L, record *r, int i, luron_tensor *g) {
    const luron_dims *d = &r->dims[i];
    if (g && !luron_dtype_is_float(luron_tensor_dtype(g)))
        lr_error(L, "backward of '%s': gradient %d is %s: real numbers expected", r->name, r->arg_of[i] + 1, luron_dtype_name(luron_tensor_dtype(g)));
    if (g && luron_tensor_ndim(g) == d->ndim && memcmp(luron_tensor_shape(g), d->shape, (size_t)d->ndim * sizeof *d->shape) == 0) return;
    char a[192], b[192];
    if (!g) lr_error(L, "backward of '%s': gradient %d: tensor or nil expected, got %s", r->name, r->arg_of[i] + 1, lr_got(L, -1));
    lr_error(L, "backward of '%s': gradient %d has shape %s, the argument has %s", r->name, r->arg_of[i] + 1,
             luron_shape_text(a, sizeof a, luron_tensor_ndim(g), luron_tensor_shape(g)), luron_shape_text(b, sizeof b, d->ndim, d->shape));
}

static int backward_body(lua_State *L) {
    backward_call *b = lua_touserdata(L, 1);
    record *r = b->r;
    luaL_checkstack(L, r->n_out + r->n_args + 10, "too many outputs");
    lr_push_value(L, &r->held);
    lua_rawgeti(L, 2, 2); /* context, at 3 */
    lua_rawgeti(L, 2, 3); /* values, at 4 */
    restore_saved(L, r, 3, 4);
    lua_rawgeti(L, 2, 1); /* backward */
    lua_pushvalue(L, 3);
    for (int i = 0; i < r->n_out; i++) push_grad_out(L, &r->dims[r->n_in + i], b->grad_outs[i]);
    lua_call(L, r->n_out + 1, LUA_MULTRET);
    int n = lua_gettop(L) - 4;
    if (n > r->n_args) lr_error(L, "backward of '%s' gave %d gradients for %d arguments", r->name, n, r->n_args);
    if (n <= r->arg_of[r->n_in - 1])
        lr_error(L, "backward of '%s' gave %d gradient%s, and argument %d is a tensor: return nil where there is none", r->name, n, n == 1 ? "" : "s",
                 r->arg_of[r->n_in - 1] + 1);
    lua_settop(L, 4 + r->n_args);
    for (int i = 0; i < r->n_in; i++) {
        int at = 5 + r->arg_of[i];
        if (lua_isnil(L, at)) continue;
        lua_pushvalue(L, at);
        void **box = lr_test(L, -1, &lr_tensor_key);
        check_grad(L, r, i, box ? *box : NULL);
        lua_pop(L, 1);
    }
    for (int i = 0; i < r->n_in; i++)
        if (!lua_isnil(L, 5 + r->arg_of[i])) b->grad_ins[i] = luron_tensor_ref(*(luron_tensor **)lr_slot(L, 5 + r->arg_of[i]));
    lua_pushnil(L);
    lua_rawsetp(L, 3, &context_key); /* the boxes go with this call */
    return 0;
}

static luron_status backward(luron_ctx *ctx, void *ud, int n_out, luron_tensor *const *grad_outs, int n_in, luron_tensor **grad_ins) {
    record *r = ud;
    lua_State *L = r->held.S->L;
    (void)ctx;
    (void)n_out;
    (void)n_in;
    if (!L || !lua_checkstack(L, 4)) return LURON_E_STATE;
    backward_call b = { r, grad_outs, grad_ins };
    lua_pushcfunction(L, backward_body);
    lua_pushlightuserdata(L, &b);
    return lr_callback(L, r->held.S, 1);
}

/* ---- applying an op -------------------------------------------------------------------------------------------------------------------- */
static luron_dims dims_of(const luron_tensor *t) {
    luron_dims d = { luron_tensor_dtype(t), luron_tensor_ndim(t), { 0 } };
    memcpy(d.shape, luron_tensor_shape(t), (size_t)d.ndim * sizeof *d.shape);
    return d;
}

static record *record_new(const char *name, int n_args, int n_in, int n_out, int n_saved) {
    record *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->fn = (luron_function){ sizeof r->fn, 0, r->name, backward, lr_released };
    strncpy(r->name, name, sizeof r->name - 1);
    r->n_args = n_args;
    r->n_in = n_in;
    r->n_out = n_out;
    r->arg_of = calloc((size_t)n_in + 1, sizeof *r->arg_of);
    r->dims = calloc((size_t)(n_in + n_out) + 1, sizeof *r->dims);
    r->saved = calloc((size_t)n_saved + 1, sizeof *r->saved);
    if (r->arg_of && r->dims && r->saved) {
        r->n_saved = n_saved;
        return r;
    }
    record_free(&r->held);
    return NULL;
}

/* Stack: arguments 1..n, context, list of saved values or nil, results, then n_out empty boxes from `first` on. Nothing
 * here may raise while core memory is held. */
static luron_status put_on_tape(lua_State *L, record *r, int list, int results, int first, luron_tensor **ins, luron_tensor **outs) {
    luron_ctx *ctx = lr_ctx(L);
    luron_status status = LURON_OK;
    for (int i = 0, k = 0; i < r->n_args; i++) {
        void **box = lr_test(L, i + 1, &lr_tensor_key);
        if (!box) continue;
        if (!*box) return LURON_E_STATE;
        r->arg_of[k] = i;
        r->dims[k] = dims_of(*box);
        ins[k++] = *box;
    }
    for (int i = 0; i < r->n_out && status == LURON_OK; i++) {
        luron_tensor *y = *(luron_tensor **)lr_slot(L, results + i);
        r->dims[r->n_in + i] = dims_of(y);
        outs[i] = NULL;
        status = luron_detach(&outs[i], ctx, y);
        *(luron_tensor **)lr_slot(L, first + i) = outs[i];
    }
    for (int i = 0; i < r->n_saved; i++) {
        lua_rawgeti(L, list, i + 1);
        void **box = lr_test(L, -1, &lr_tensor_key);
        if (box && *box) {
            saved *s = &r->saved[i];
            s->t = luron_tensor_ref(*box);
            s->version = luron_tensor_version(s->t);
            for (int k = 0; k < r->n_out; k++) s->is_output |= *(luron_tensor **)lr_slot(L, results + k) == s->t;
        }
        lua_pop(L, 1);
    }
    if (status == LURON_OK) status = luron_record(ctx, &r->fn, r, r->n_in, ins, r->n_out, outs);
    return status;
}

/* Results are at results.. ; make them results of the op on the tape. */
static int recorded(lua_State *L, const char *name, int n_args, int context, int results, int n_in) {
    int n_out = lua_gettop(L) - results + 1, n_saved = 0;
    lr_state *S = lr_get(L);
    luaL_checkstack(L, n_out + 12, "too many outputs");
    int list = lua_gettop(L) + 1;
    lua_createtable(L, 3, 0);
    int keep = list + 1;
    if (lua_rawgetp(L, context, &context_key) == LUA_TTABLE) {
        lua_getfield(L, -1, "n");
        n_saved = (int)lua_tointeger(L, -1);
        lua_pop(L, 1);
    }
    lua_insert(L, list); /* saved values at list, the table to keep at keep */
    lua_pushvalue(L, lua_upvalueindex(3));
    lua_rawseti(L, keep, 1);
    lua_pushvalue(L, context);
    lua_rawseti(L, keep, 2);
    lua_createtable(L, n_saved, 0);
    for (int i = 1; i <= n_saved; i++) {
        lua_rawgeti(L, list, i);
        if (lr_test(L, -1, &lr_tensor_key)) {
            lua_pop(L, 1);
            lua_pushboolean(L, 0);
        }
        lua_rawseti(L, -2, i);
    }
    lua_rawseti(L, keep, 3);
    lua_pushnil(L);
    lua_rawsetp(L, context, &context_key);
    luron_tensor **ins = lua_newuserdatauv(L, (size_t)(n_in + n_out) * sizeof *ins, 0);
    int first = lua_gettop(L) + 1;
    for (int i = 0; i < n_out; i++) lr_new_tensor(L);
    lua_pushvalue(L, keep);
    int ref = lr_held_ref(L);
    record *r = record_new(name, n_args, n_in, n_out, n_saved);
    if (!r) {
        luaL_unref(L, LUA_REGISTRYINDEX, ref);
        return lr_raise(L, LURON_E_NOMEM);
    }
    lr_hold(S, &r->held, ref, r, record_free);
    r->held.keeps = record_keeps;
    luron_status status = put_on_tape(L, r, list, results, first, ins, ins + n_in);
    if (status != LURON_OK) lr_released(r);
    for (int i = 0; i < n_out && status == LURON_OK; i++) lr_note_box(L, first + i);
    return lr_done(L, status, n_out);
}

static int recording_off_close(lua_State *L) {
    int *before = lua_touserdata(L, 1);
    luron_ctx_set_recording(lr_ctx(L), *before);
    return 0;
}

/* Call with recording off: function and n arguments on top are replaced by the results. */
static int forward_body(lua_State *L) {
    int n = lua_gettop(L);
    int *before = lua_newuserdatauv(L, sizeof *before, 0);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, recording_off_close);
    lua_setfield(L, -2, "__close");
    *before = luron_ctx_is_recording(lr_ctx(L));
    lua_setmetatable(L, -2);
    lua_insert(L, 1);
    lua_toclose(L, 1);
    luron_ctx_set_recording(lr_ctx(L), 0);
    lua_call(L, n - 1, LUA_MULTRET);
    return lua_gettop(L) - 1;
}

/* upvalues: name, forward, backward */
static int op_call(lua_State *L) {
    int n = lua_gettop(L), n_in = 0, wants = 0;
    const char *name = lua_tostring(L, lua_upvalueindex(1));
    if (luron_ctx_is_tracing(lr_ctx(L)))
        return lr_raise(L, luron_tracer_refuse(lr_ctx(L), lua_pushfstring(L, "applies '%s', a luron.op, whose Lua no file can hold", name)));
    luaL_checkstack(L, 2 * n + 12, "too many arguments");
    for (int i = 1; i <= n; i++) {
        luron_tensor *x = lr_to_tensor(L, i);
        if (!x) continue;
        n_in++;
        wants |= luron_tensor_requires_grad(x);
    }
    wants = wants && luron_ctx_is_recording(lr_ctx(L));
    lua_newtable(L);
    luaL_setmetatable(L, "luron.op_context");
    int context = n + 1;
    lua_pushcfunction(L, forward_body);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_pushvalue(L, context);
    for (int i = 1; i <= n; i++) lua_pushvalue(L, i);
    lua_call(L, n + 2, LUA_MULTRET);
    int results = context + 1, n_out = lua_gettop(L) - context;
    if (n_out == 0) return lr_error(L, "forward of '%s' returned nothing: at least one tensor expected", name);
    for (int i = 0; i < n_out; i++) {
        void **box = lr_test(L, results + i, &lr_tensor_key);
        if (!box || !*box) return lr_error(L, "forward of '%s': result %d: tensor expected, got %s", name, i + 1, box ? "a closed one" : lr_got(L, results + i));
    }
    for (int i = 1; i <= n && wants; i++) {
        void **box = lr_test(L, i, &lr_tensor_key);
        if (box && !*box) return lr_error(L, "forward of '%s' closed argument %d, whose gradient is wanted", name, i);
    }
    return wants ? recorded(L, name, n, context, results, n_in) : n_out;
}

/* luron.op { name =, forward = function(ctx, ...) end, backward = function(ctx, g...) end } */
static int l_op(lua_State *L) {
    static const char *const keys[] = { "name", "forward", "backward", NULL };
    if (!lua_istable(L, 1)) return lr_typeerror(L, 1, "op", "table { name =, forward =, backward = }");
    lua_settop(L, 1);
    lr_only(L, 1, keys);
    if (lr_field(L, 1, "name") != LUA_TSTRING) return lr_argerror(L, 1, "name: string expected, got %s", lr_got(L, -1));
    for (int i = 1; i <= 2; i++) {
        const int is_callable = lr_field(L, 1, keys[i]) == LUA_TFUNCTION || luaL_getmetafield(L, -1, "__call") != LUA_TNIL;
        if (!is_callable) return lr_argerror(L, 1, "%s: function expected, got %s", keys[i], lr_got(L, -1));
        lua_settop(L, i + 2);
    }
    lua_pushcclosure(L, op_call, 3);
    return 1;
}

void lr_open_function(lua_State *L) {
    lua_pushcfunction(L, l_op);
    lr_name_function(L, "op");
    lua_setfield(L, -2, "op");
    luaL_newmetatable(L, "luron.op_context");
    lua_newtable(L);
    lua_pushcfunction(L, context_save);
    lr_name_function(L, "save");
    lua_setfield(L, -2, "save");
    lua_pushcfunction(L, context_saved);
    lr_name_function(L, "saved");
    lua_setfield(L, -2, "saved");
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
