/* lua_hooks.c -- hooks in Lua: x:register_hook, layer:register_forward_hook and their like, and handles to remove them. */
#include "lua_util.h"

#include <stdlib.h>

typedef enum which { ON_TENSOR, FORWARD_PRE, FORWARD, BACKWARD } which;
typedef struct hook {
    lr_held held; /* the function */
    int refs;     /* by core and by the handle */
    int alive;    /* core has it */
    which which;
    luron_tensor *tensor; /* whose it is, not held; NULL: another's, or made by an op, whose header may go before its tape */
    luron_layer *layer;
    luron_model *model;
    int64_t id;
} hook;
static const char handle_key;

static void hook_unref(hook *h) {
    if (--h->refs == 0) free(h);
}
static void hook_free(lr_held *held) {
    hook *h = (hook *)held;
    h->alive = 0;
    hook_unref(h);
}

/* ---- what is called ------------------------------------------------------------------------------------------------------ */
typedef struct call {
    hook *h;
    int n_in, n_out, n_instead;
    luron_tensor *const *ins, *const *outs; /* or gradients of them; of a tensor: ins alone */
    luron_tensor **instead;
} call;

/* A list of tensors and its length `n`, for there may be none in some places. */
static void push_list(lua_State *L, int n, luron_tensor *const *ts) {
    lua_createtable(L, n, 1);
    for (int i = 0; i < n; i++) {
        lr_push_tensor(L, ts[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushinteger(L, n);
    lua_setfield(L, -2, "n");
}

static void push_owner(lua_State *L, const hook *h) {
    if (h->layer) lr_push_held(L, &lr_layer_key, luron_layer_ref(h->layer));
    else lr_push_held(L, &lr_model_key, luron_model_ref(h->model));
}

/* "hook (train.lua:12)", of the function at 2. */
static const char *name_of(lua_State *L, const hook *h) {
    static const char *const names[] = { "hook", "forward pre-hook", "forward hook", "backward hook" };
    lua_Debug ar;
    lua_pushvalue(L, 2);
    if (!lua_isfunction(L, -1)) return names[h->which];
    lua_getinfo(L, ">S", &ar);
    return lua_pushfstring(L, "%s (%s:%d)", names[h->which], ar.short_src, ar.linedefined);
}

/* Result i at idx: nil, or a tensor instead. */
static void take(lua_State *L, call *c, int i, int idx) {
    if (lua_isnil(L, idx)) return;
    void **box = lr_test(L, idx, &lr_tensor_key);
    if (!box || !*box) lr_error(L, "%s: result %d: tensor or nil expected, got %s", name_of(L, c->h), i + 1, box ? "a closed one" : lr_got(L, idx));
    c->instead[i] = luron_tensor_ref(*box);
}

/* What the function returned, from `first` on: one by one, or one list. */
static void take_results(lua_State *L, call *c, int first) {
    int n = lua_gettop(L) - first + 1, list = n == 1 && lua_istable(L, first);
    if (list) n = (int)lua_rawlen(L, first);
    if (n > c->n_instead) lr_error(L, "%s: at most %d results expected, got %d", name_of(L, c->h), c->n_instead, n);
    for (int i = 0; i < n; i++) {
        if (list) lua_rawgeti(L, first, i + 1);
        take(L, c, i, list ? -1 : first + i);
        if (list) lua_pop(L, 1);
    }
}

static int call_body(lua_State *L) {
    call *c = lua_touserdata(L, 1);
    luaL_checkstack(L, c->n_out + 12, "too many outputs");
    if (!lr_push_value(L, &c->h->held)) return 0; /* removed */
    lua_pushvalue(L, 2);
    switch (c->h->which) {
    case ON_TENSOR: lr_push_tensor(L, c->ins[0]); break;
    case FORWARD_PRE:
    case FORWARD:
        push_owner(L, c->h);
        push_list(L, c->n_in, c->ins);
        for (int i = 0; i < c->n_out; i++) lr_push_tensor(L, c->outs[i]);
        break;
    default:
        push_owner(L, c->h);
        push_list(L, c->n_in, c->ins);
        push_list(L, c->n_out, c->outs);
    }
    lua_call(L, lua_gettop(L) - 3, LUA_MULTRET);
    take_results(L, c, 3);
    return 0;
}

static luron_status run(call c) {
    lua_State *L = c.h->held.S->L;
    if (!L || !lua_checkstack(L, 4)) return LURON_E_STATE;
    lua_pushcfunction(L, call_body);
    lua_pushlightuserdata(L, &c);
    return lr_callback(L, c.h->held.S, 1);
}

static luron_status run_on_tensor(luron_ctx *ctx, void *ud, luron_tensor *grad, luron_tensor **instead) {
    (void)ctx;
    return run((call){ ud, 1, 0, 1, &grad, NULL, instead });
}
static luron_status run_pre(luron_ctx *ctx, void *ud, int n_in, luron_tensor *const *ins, luron_tensor **instead) {
    (void)ctx;
    return run((call){ ud, n_in, 0, n_in, ins, NULL, instead });
}
static luron_status run_forward(luron_ctx *ctx, void *ud, int n_in, luron_tensor *const *ins, int n_out, luron_tensor *const *outs, luron_tensor **instead) {
    (void)ctx;
    return run((call){ ud, n_in, n_out, n_out, ins, outs, instead });
}
static luron_status run_backward(luron_ctx *ctx, void *ud, int n_in, luron_tensor *const *ins, int n_out, luron_tensor *const *outs, luron_tensor **instead) {
    (void)ctx;
    return run((call){ ud, n_in, n_out, n_in, ins, outs, instead });
}

/* ---- registering --------------------------------------------------------------------------------------------------------------- */
static hook *push_handle(lua_State *L) {
    hook **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &handle_key);
    lua_setmetatable(L, -2);
    hook *h = calloc(1, sizeof *h);
    if (!h) lr_raise(L, LURON_E_NOMEM);
    h->refs = 1; /* the handle's */
    *box = h;
    return h;
}

static void check_function(lua_State *L) {
    if (lua_isfunction(L, 2)) return;
    if (lua_isnoneornil(L, 2) || luaL_getmetafield(L, 2, "__call") == LUA_TNIL) lr_typeerror(L, 2, "hook", "function");
    lua_pop(L, 1);
}

/* Hold the function at 2 for the new hook; status of core's part follows. */
static hook *begin(lua_State *L, which w) {
    check_function(L);
    lua_settop(L, 2);
    lr_note_box(L, 1);
    hook *h = push_handle(L);
    lua_pushvalue(L, 2);
    int ref = lr_held_ref(L);
    lr_hold(lr_get(L), &h->held, ref, h, hook_free);
    h->which = w;
    h->refs++;
    h->alive = 1;
    return h;
}

/* Is the object at 1 still open? A finalizer may have closed it while memory was asked for; then core never has the hook. */
static void check_open(lua_State *L, hook *h, const char *key) {
    void **box = lr_test(L, 1, key);
    if (box && *box) return;
    lr_released(h);
    lr_drain(L, lr_get(L));
}

static int end(lua_State *L, hook *h, luron_status status) {
    if (status != LURON_OK) lr_released(h);
    lr_state *S = lr_get(L);
    lr_drain(L, S);
    if (status != LURON_OK) return lr_raise(L, status);
    return 1;
}

static int t_register_hook(lua_State *L) {
    lr_tensor(L, 1, "tensor");
    luron_status traced = luron_tracer_refuse(lr_ctx(L), "registers a hook on a tensor (register_hook), whose Lua no graph can hold");
    if (traced != LURON_OK) return lr_raise(L, traced);
    hook *h = begin(L, ON_TENSOR);
    check_open(L, h, &lr_tensor_key);
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    if (luron_tensor_is_leaf(t)) h->tensor = t;
    return end(L, h, luron_tensor_add_hook(&h->id, lr_ctx(L), t, run_on_tensor, h, lr_released));
}

static int t_retain_grad(lua_State *L) {
    luron_status status = luron_tensor_retain_grad(lr_ctx(L), lr_tensor(L, 1, "tensor"));
    lua_settop(L, 1);
    return lr_done(L, status, 1);
}

/* The layer or model at 1. */
static void *owner_at(lua_State *L, int *is_layer) {
    *is_layer = lr_test(L, 1, &lr_layer_key) != NULL;
    if (!*is_layer && !lr_test(L, 1, &lr_model_key)) lr_typeerror(L, 1, "layer", "layer or model");
    return lr_object(L, 1, *is_layer ? &lr_layer_key : &lr_model_key, *is_layer ? "layer" : "model");
}

static int register_on(lua_State *L, which w) {
    luron_layer_hook callbacks = { .struct_size = sizeof callbacks, .release = lr_released };
    int is_layer;
    if (w == FORWARD_PRE) callbacks.forward_pre = run_pre;
    if (w == FORWARD) callbacks.forward = run_forward;
    if (w == BACKWARD) callbacks.backward = run_backward;
    owner_at(L, &is_layer);
    hook *h = begin(L, w);
    check_open(L, h, is_layer ? &lr_layer_key : &lr_model_key);
    void *owner = owner_at(L, &is_layer);
    if (is_layer) h->layer = owner;
    else h->model = owner;
    return end(L, h, is_layer ? luron_layer_add_hook(&h->id, lr_ctx(L), owner, &callbacks, h) : luron_model_add_hook(&h->id, lr_ctx(L), owner, &callbacks, h));
}

static int l_register_forward_pre_hook(lua_State *L) { return register_on(L, FORWARD_PRE); }
static int l_register_forward_hook(lua_State *L) { return register_on(L, FORWARD); }
static int l_register_full_backward_hook(lua_State *L) { return register_on(L, BACKWARD); }

/* ---- handles ----------------------------------------------------------------------------------------------------------------------- */
static hook *handle_at(lua_State *L) {
    hook **box = lr_userdata(L, 1, &handle_key);
    if (!box) lr_typeerror(L, 1, "handle", "handle of a hook");
    return *box;
}

static int handle_remove(lua_State *L) {
    hook *h = handle_at(L);
    if (!h || !h->alive) return 0;
    luron_ctx *ctx = lr_ctx(L);
    lr_drain(L, lr_get(L)); /* its owner may just have gone */
    if (!h->alive) return 0;
    luron_status status = h->layer    ? luron_layer_remove_hook(ctx, h->layer, h->id)
                          : h->model  ? luron_model_remove_hook(ctx, h->model, h->id)
                          : h->tensor ? luron_tensor_remove_hook(ctx, h->tensor, h->id)
                                      : LURON_E_NOT_FOUND;
    if (status != LURON_OK) lr_unhold(L, &h->held); /* hangs on the tape: goes with it, and does nothing until then */
    lr_drain(L, lr_get(L));
    return 0;
}

static int handle_gc(lua_State *L) {
    hook **box = lr_userdata(L, 1, &handle_key);
    if (box && lr_lives_on(L)) return 0;
    if (box && *box) hook_unref(*box);
    if (box) *box = NULL;
    return 0;
}

static const luaL_Reg tensor_methods[] = { { "register_hook", t_register_hook }, { "retain_grad", t_retain_grad }, { NULL, NULL } };
static const luaL_Reg methods[] = {
    { "register_forward_pre_hook", l_register_forward_pre_hook }, { "register_forward_hook", l_register_forward_hook },
    { "register_full_backward_hook", l_register_full_backward_hook }, { NULL, NULL },
};
static const luaL_Reg handle_methods[] = { { "remove", handle_remove }, { NULL, NULL } };

void lr_open_hooks(lua_State *L) {
    lua_getfield(L, -1, "methods");
    lua_getfield(L, -1, "tensor");
    lr_setfuncs(L, tensor_methods);
    lua_getfield(L, -2, "layer");
    lr_setfuncs(L, methods);
    lua_getfield(L, -3, "model");
    lr_setfuncs(L, methods);
    lua_pop(L, 3);
    lua_createtable(L, 0, 4);
    lua_pushliteral(L, "luron.hook");
    lua_setfield(L, -2, "__name");
    lua_newtable(L);
    lr_setfuncs(L, handle_methods);
    lua_pushvalue(L, -1);
    lua_setfield(L, -4, "hook"); /* methods.hook */
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, handle_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, handle_remove);
    lua_setfield(L, -2, "__close");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &handle_key);
    lua_pop(L, 1);
}
