/* lua_util.c -- state, errors and boxes of the Lua module. */
#include "lua_util.h"

#include <stdarg.h>
#include <string.h>

static const char kept_key, links_key;
static const char calls_key; /* the set of functions that are a __call */

/* ---- errors ---------------------------------------------------------------------------------------------------------- */
static const char epochs_key; /* coroutine -> { epoch, batch } of the luron.fit that runs in it */

/* "epoch 1, batch 2: " in that coroutine, "" elsewhere. */
static void push_batch(lua_State *L) {
    luaL_checkstack(L, 5, NULL);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &epochs_key);
    lua_pushthread(L);
    if (lua_istable(L, -2) && lua_rawget(L, -2) == LUA_TTABLE) {
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        lua_pushfstring(L, "epoch %I, batch %I: ", (LUAI_UACINT)lua_tointeger(L, -2), (LUAI_UACINT)lua_tointeger(L, -1));
        lua_replace(L, -5);
        lua_pop(L, 3);
        return;
    }
    lua_pop(L, 2);
    lua_pushliteral(L, "");
}

void lr_where(lua_State *L) {
    lr_state *S = lr_peek(L);
    size_t n = S ? strlen(S->own) : 0;
    lua_Debug ar;
    for (int level = 1; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline <= 0 || (n && strncmp(ar.source, S->own, n) == 0)) continue;
        lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
        push_batch(L);
        lua_concat(L, 2);
        return;
    }
    lua_pushliteral(L, "");
}

int lr_error(lua_State *L, const char *fmt, ...) {
    va_list args;
    lr_where(L);
    va_start(args, fmt);
    lua_pushvfstring(L, fmt, args);
    va_end(args);
    lua_concat(L, 2);
    lua_error(L);
    __builtin_unreachable();
}

/* Name of the running C function; *method: it was called as one, or by calling the object, which is not counted then. */
static const char *function_name(lua_State *L, int *method) {
    lua_Debug ar;
    const char *name = NULL;
    *method = 0;
    if (!lua_getstack(L, 0, &ar)) return "?";
    lua_getinfo(L, "nf", &ar);
    *method = ar.namewhat && strcmp(ar.namewhat, "method") == 0;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lr_names_key);
    lua_pushvalue(L, -2);
    if (lua_rawget(L, -2) == LUA_TSTRING) name = lua_tostring(L, -1);
    lua_pushvalue(L, -3);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &calls_key) == LUA_TTABLE) {
        lua_insert(L, -2);
        *method |= lua_rawget(L, -2) != LUA_TNIL;
    }
    return name ? name : ar.name ? ar.name : "?";
}

int lr_argerror(lua_State *L, int arg, const char *fmt, ...) {
    int method;
    luaL_checkstack(L, 10, NULL);
    const char *name = function_name(L, &method);
    va_list args;
    lr_where(L);
    va_start(args, fmt);
    const char *text = lua_pushvfstring(L, fmt, args);
    va_end(args);
    if (method && arg != LR_FIELD) arg--;
    if (arg == LR_FIELD)
        lua_pushfstring(L, "%s.%s", name, text);
    else if (arg == 0)
        lua_pushfstring(L, "calling '%s' on a bad object (%s)", name, text);
    else
        lua_pushfstring(L, "bad argument #%d to '%s' (%s)", arg, name, text);
    lua_remove(L, -2);
    lua_concat(L, 2);
    lua_error(L);
    __builtin_unreachable();
}

const char *lr_got(lua_State *L, int idx) {
    idx = lua_absindex(L, idx);
    switch (lua_type(L, idx)) {
    case LUA_TNONE: return lua_pushliteral(L, "no value");
    case LUA_TNUMBER: lua_pushvalue(L, idx); return lua_tostring(L, -1);
    case LUA_TBOOLEAN: return lua_pushstring(L, lua_toboolean(L, idx) ? "true" : "false");
    case LUA_TSTRING: {
        size_t n;
        const char *s = lua_tolstring(L, idx, &n);
        lua_pushlstring(L, s, n < 40 ? n : 40);
        return lua_pushfstring(L, n < 40 ? "'%s'" : "'%s...'", lua_tostring(L, -1));
    }
    default:
        if (luaL_getmetafield(L, idx, "__name") == LUA_TSTRING) return lua_tostring(L, -1);
        return lua_pushstring(L, luaL_typename(L, idx));
    }
}

int lr_typeerror(lua_State *L, int arg, const char *name, const char *expected) {
    const char *got = lua_type(L, arg) == LUA_TNONE ? "no value" : lr_got(L, arg);
    if (luaL_getmetafield(L, arg, "__hint") == LUA_TSTRING) lr_argerror(L, arg, "%s: %s expected, got %s: %s", name, expected, got, lua_tostring(L, -1));
    lr_argerror(L, arg, "%s: %s expected, got %s", name, expected, got);
}

static const char *status_text(luron_ctx *ctx, luron_status status) {
    const char *text = luron_ctx_status(ctx) == status ? luron_ctx_error(ctx) : "";
    return *text ? text : luron_status_text(status);
}

/* Core runs below the callback, so this may not raise: the slot of the error is there from the start. */
static const char error_key;

void lr_open_errors(lua_State *L) {
    lua_createtable(L, 1, 0);
    lua_pushboolean(L, 0);
    lua_rawseti(L, -2, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
}

luron_status lr_keep_error(lua_State *L, lr_state *S) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &error_key);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);
    lua_pop(L, 1);
    S->failed = 1;
    return LURON_E_CALLBACK;
}

int lr_raise(lua_State *L, luron_status status) {
    lr_state *S = lr_get(L);
    if (status == LURON_E_CALLBACK && S->failed) {
        S->failed = 0;
        lua_rawgetp(L, LUA_REGISTRYINDEX, &error_key);
        lua_rawgeti(L, -1, 1);
        lua_pushboolean(L, 0);
        lua_rawseti(L, -3, 1);
        lua_error(L);
    }
    lr_error(L, "%s", status_text(S->ctx, status));
}

int lr_raise_write(lua_State *L, luron_status status, const char *subject) {
    const char *text = status_text(lr_ctx(L), status);
    static const char *const own[] = {"copy", "fill", "index_put"}; /* what core calls them */
    for (int i = 0; i < 3; i++) {
        size_t n = strlen(own[i]);
        if (strncmp(text, own[i], n) == 0 && text[n] == ':') lr_error(L, "%s%s", subject, text + n);
    }
    lr_raise(L, status);
}

int lr_nil(lua_State *L, luron_status status) {
    lua_pushnil(L);
    lua_pushstring(L, status_text(lr_ctx(L), status));
    lua_pushstring(L, luron_status_name(status));
    return 3;
}

/* How much more core may hold before the next collection: a little more than it holds now, or what it takes as long to
 * compute as to go through Lua's own memory; but never more than half as much again, or 32 MiB, or half of what a limit
 * leaves. */
static int64_t growth(lua_State *L, int64_t held) {
    const int64_t mib = 1 << 20, own = (int64_t)lua_gc(L, LUA_GCCOUNT) * 1024;
    int64_t more = held / 16 > 4 * mib ? held / 16 : 4 * mib, most = held / 2 > 32 * mib ? held / 2 : 32 * mib;
    if (most < own) most = own;
    if (more < 4 * own) more = 4 * own;
    const int64_t limit = luron_ctx_memory_limit(lr_ctx(L));
    if (limit && most > (limit - held) / 2) most = (limit - held) / 2;
    return more < most ? more : most;
}

/* How many boxes more there may be before the next collection: so few that the garbage of small steps stays in the caches
 * (a small tensor is half a KiB), so many that to go through Lua's own memory costs little beside making them. */
static int64_t more_boxes(lua_State *L) {
    const int64_t own = (int64_t)lua_gc(L, LUA_GCCOUNT) * 1024;
    return own / 1024 > 512 ? own / 1024 : 512;
}

/* Lua sees 8 bytes of a tensor of megabytes, so it has to be told when to collect: before a box is made, when the value of the
 * last call may be garbage already, and its memory can be the next one's while it is in the caches. */
static void collect_if_due(lua_State *L, lr_state *S) {
    int64_t held = luron_ctx_live_bytes(S->ctx);
    const int64_t much = luron_ctx_memory_limit(S->ctx) ? S->least : S->least / 2;
    if (held < much) S->least = held, S->threshold = held + growth(L, held); /* that was let go of by itself */
    if (held < S->threshold && S->n_boxes < S->most_boxes) return;
    if (lua_gc(L, LUA_GCISRUNNING) <= 0) return; /* -1: in a finalizer */
    lua_gc(L, LUA_GCSTEP, 0); /* in generational mode what died young, which costs next to nothing */
    lr_drain(L, S);
    held = luron_ctx_live_bytes(S->ctx);
    if (held <= S->least + (S->threshold - S->least) / 2 && S->n_boxes <= S->most_boxes - more_boxes(L) / 2) return;
    lua_gc(L, LUA_GCCOLLECT);
    lr_drain(L, S);
    S->least = luron_ctx_live_bytes(S->ctx);
    S->threshold = S->least + growth(L, S->least);
    S->most_boxes = S->n_boxes + more_boxes(L);
}

int lr_done(lua_State *L, luron_status status, int n) {
    if (status != LURON_OK) return lr_raise(L, status);
    return n;
}

/* ---- what is not there ------------------------------------------------------------------------------------------------ */
static const char missing_key;

/* set_missing(fn): fn(kind, object, key) raises; it knows what is near (lua/luron/parts.lua). */
static int l_set_missing(lua_State *L) {
    lr_callable(L, 1, "fn");
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &missing_key);
    return 0;
}

int lr_no_field(lua_State *L, const char *kind) {
    luaL_checkstack(L, 10, NULL);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &missing_key) != LUA_TNIL) {
        lua_pushstring(L, kind);
        lua_pushvalue(L, 1);
        lua_pushvalue(L, 2);
        lua_call(L, 3, 0);
    }
    lr_error(L, "no such method or field of a %s: %s", kind, lr_got(L, 2));
}

/* set_epochs(t): errors in a coroutine name t's entry for it, { epoch, batch }. */
static int l_set_epochs(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &epochs_key);
    return 0;
}

static const luaL_Reg errors[] = { { "set_missing", l_set_missing }, { "set_epochs", l_set_epochs }, { NULL, NULL } };

void lr_open_missing(lua_State *L) { lr_setfuncs(L, errors); }

/* ---- boxes ------------------------------------------------------------------------------------------------------------- */
static void release(const char *key, void *object) {
    if (!object) return;
    if (key == &lr_tensor_key) luron_tensor_unref(object);
    else if (key == &lr_layer_key || key == &kept_key) luron_layer_unref(object);
    else if (key == &lr_model_key) luron_model_unref(object);
    else if (key == &lr_optim_key) luron_optim_free(object);
    else if (key == &lr_checkpoint_key) luron_checkpoint_free(object);
    else if (key == &lr_tracer_key) luron_tracer_free(object);
    else if (key == &lr_plan_key) luron_plan_free(object);
}

static lr_link gone; /* of boxes whose finalizer has run */

static void close_box(lr_state *S, lr_link *box) {
    void *object = box->object, *parked = box->parked;
    box->object = box->parked = NULL;
    if (S && box->after != box) S->n_boxes--;
    box->before->after = box->after;
    box->after->before = box->before;
    box->before = box->after = box;
    release(box->key, object);
    release(box->key, parked);
}

/* Does a finalizer run, perhaps in a coroutine of it? It may have come into the midst of any function of ours that makes a
 * Lua value. The collector, which Lua has stopped meanwhile, says no more than that. */
static int in_finalizer(lua_State *L) { return lua_gc(L, LUA_GCCOUNT) < 0; }

void lr_called(lua_State *L, int idx) {
    const lr_state *S = lr_peek(L);
    if (S && S->noting) (*(lr_link **)lua_touserdata(L, idx))->in_plan = S->n_notings;
}

enum { BY_PROGRAM, BY_FINALIZER, BY_COLLECTOR };
static int close_at(lua_State *L, int by) {
    const char *key = lua_touserdata(L, lua_upvalueindex(1));
    lr_link *box = (lr_link *)lr_test(L, 1, key);
    if (!box) return lr_typeerror(L, 1, "object", lua_tostring(L, lua_upvalueindex(2)));
    if (box == &gone) return 0;
    if (by != BY_FINALIZER) {
        lr_state *S = lr_peek(L);
        if (by == BY_PROGRAM && S && box->in_plan) {
            if (box->in_plan == S->n_notings) luron_ctx_refuse_plan(S->ctx, "closes a layer, model or optimiser that it has called");
            luron_ctx_drop_plans(S->ctx, box->object);
        }
        close_box(S, box);
    } else if (box->object)
        box->parked = box->object, box->object = NULL; /* a function that has the object now may go on with it */
    lua_pushnil(L); /* it leads nowhere any more: lua_held.c */
    lua_setiuservalue(L, 1, 1);
    lr_state *S = lr_peek(L);
    if (S && S->dead) lr_drain(L, S);
    return 0;
}

/* __close and close; upvalue 1: the key. */
static int box_close(lua_State *L) { return close_at(L, in_finalizer(L) ? BY_FINALIZER : BY_PROGRAM); }

/* __gc. Where core holds no Lua value a box leads nowhere, and nothing can need it any more. */
static int box_gc(lua_State *L) {
    lr_state *S = lr_peek(L);
    lr_link **data = lr_userdata_in(L, S, 1, lua_touserdata(L, lua_upvalueindex(1))), *box = data ? *data : NULL;
    const int is_plain = S && S->n_held == 0 && box && box != &gone;
    if (!is_plain && box && lr_box_lives_on(L)) return 0;
    if (is_plain) close_box(S, box);
    else close_at(L, BY_COLLECTOR);
    if (!S || !box || box == &gone) return 0;
    if (S->dead) lr_drain(L, S);
    *data = &gone;
    box->after = S->spare;
    S->spare = box;
    return 0;
}

void lr_release_all(lr_state *S) {
    while (S->boxes.after != &S->boxes) close_box(S, S->boxes.after);
}

void lr_mark_kept(void **box) { ((lr_link *)(void *)box)->key = &kept_key; }

void lr_close_kept(lr_state *S) {
    for (lr_link *box = S->boxes.after, *next; box != &S->boxes; box = next) {
        next = box->after;
        if (box->key == &kept_key) close_box(S, box);
    }
}

void lr_metatable(lua_State *L, const char *key, const char *name) {
    const uintptr_t kind = (uintptr_t)key - (uintptr_t)lr_keys;
    lr_state *S = lr_peek(L);
    if (S && kind < LR_KINDS) S->metatables[kind] = NULL; /* another one, from an opening that failed */
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
    lua_newtable(L); /* methods */
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__index");
    lua_pushlightuserdata(L, (void *)key);
    lua_pushstring(L, name);
    lua_pushcclosure(L, box_close, 2);
    lr_name_function(L, "close");
    lua_pushlightuserdata(L, (void *)key);
    lua_pushstring(L, name);
    lua_pushcclosure(L, box_gc, 2);
    lua_setfield(L, -4, "__gc");
    lua_pushvalue(L, -1);
    lua_setfield(L, -4, "__close");
    lua_setfield(L, -2, "close");
}

void lr_name_function(lua_State *L, const char *name) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lr_names_key);
    lua_pushvalue(L, -2);
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pushvalue(L, -3);
        lua_pushstring(L, name);
        lua_rawset(L, -4);
    }
    lua_pop(L, 2);
}

void lr_name_call(lua_State *L, const char *name) {
    lr_name_function(L, name);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &calls_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &calls_key);
    }
    lua_pushvalue(L, -2);
    lua_pushboolean(L, 1);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

void lr_setfuncs(lua_State *L, const luaL_Reg *funcs) {
    for (; funcs->name; funcs++) {
        lua_pushcfunction(L, funcs->func);
        lr_name_function(L, funcs->name);
        lua_setfield(L, -2, funcs->name);
    }
}

void lr_add_method(lua_State *L, const char *name) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lr_methods_key);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

/* Make spare links, in memory that Lua frees when all finalizers have run. */
static void make_links(lua_State *L, lr_state *S) {
    enum { N = 64 };
    int top = lua_gettop(L);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &links_key) != LUA_TTABLE) {
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &links_key);
    }
    lr_link *links = lua_newuserdatauv(L, N * sizeof *links, 0);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_settop(L, top);
    for (int i = 0; i < N; i++) links[i].after = S->spare, S->spare = &links[i];
}

static void **box_of(lua_State *L, lr_state *S, const char *key) {
    collect_if_due(L, S);
    luaL_checkstack(L, 10, "too many results");
    lr_link **data = lua_newuserdatauv(L, sizeof *data, 1);
    *data = &gone;
    if (!S->spare) make_links(L, S);
    lr_link *box = *data = S->spare;
    S->spare = box->after;
    *box = (lr_link){ .before = &S->boxes, .after = S->boxes.after, .key = key };
    box->after->before = S->boxes.after = box;
    S->n_boxes++;
    lua_rawgetp(L, LUA_REGISTRYINDEX, key);
    lua_setmetatable(L, -2);
    if (S->notes) lr_note_new_box(L, S);
    else if (key == &lr_layer_key || key == &lr_model_key) lr_note_box(L, -1);
    return &box->object;
}
void **lr_box(lua_State *L, const char *key) { return box_of(L, lr_get(L), key); }

luron_tensor **lr_new_tensor(lua_State *L) {
    lr_state *S = lr_get(L);
    if (S->dead) lr_drain(L, S);
    void **box = box_of(L, S, &lr_tensor_key);
    if (S->scope != LUA_NOREF) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, S->scope);
        lua_pushvalue(L, -2);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
        lua_pop(L, 1);
    }
    return (luron_tensor **)box;
}

static int new_box(lua_State *L) {
    const char *key = lua_touserdata(L, 1);
    if (key == &lr_tensor_key) lr_new_tensor(L);
    else lr_box(L, key);
    return 1;
}

/* Making the box may run finalizers, which could release what is borrowed, and may fail: so the reference is held first,
 * and is let go if there is no memory for the box. */
void lr_push_held(lua_State *L, const char *key, void *object) {
    lua_pushcfunction(L, new_box);
    lua_pushlightuserdata(L, (void *)key);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
        release(key, object);
        lua_error(L);
    }
    *lr_slot(L, -1) = object;
}

void lr_push_tensor(lua_State *L, luron_tensor *t) {
    if (t) lr_push_held(L, &lr_tensor_key, luron_tensor_ref(t));
    else lua_pushnil(L);
}

luron_tensor *lr_to_tensor(lua_State *L, int idx) {
    void **box = lr_test(L, idx, &lr_tensor_key);
    if (!box) return NULL;
    if (!*box) lr_argerror(L, idx, "the tensor is closed");
    return *box;
}

luron_tensor *lr_tensor(lua_State *L, int arg, const char *name) {
    luron_tensor *t = lr_to_tensor(L, arg);
    if (!t) lr_typeerror(L, arg, name, "tensor");
    return t;
}

void *lr_object(lua_State *L, int arg, const char *key, const char *what) {
    void **box = lr_test(L, arg, key);
    if (!box) lr_typeerror(L, arg, what, what);
    if (!*box) lr_argerror(L, arg, "the %s is closed", what);
    return *box;
}

void lr_callable(lua_State *L, int arg, const char *name) {
    if (lua_isfunction(L, arg)) return;
    if (lua_isnone(L, arg) || luaL_getmetafield(L, arg, "__call") == LUA_TNIL) lr_typeerror(L, arg, name, "function");
    lua_pop(L, 1);
}

/* ---- iterators ----------------------------------------------------------------------------------------------------------- */
static int next_pair(lua_State *L) {
    lua_Integer i = lua_tointeger(L, lua_upvalueindex(2));
    lua_pushinteger(L, i + 2);
    lua_replace(L, lua_upvalueindex(2));
    if (lua_rawgeti(L, lua_upvalueindex(1), i + 1) == LUA_TNIL) return 1;
    lua_rawgeti(L, lua_upvalueindex(1), i + 2);
    return 2;
}

void lr_push_pairs(lua_State *L) {
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_pair, 2);
}

/* ---- callbacks ------------------------------------------------------------------------------------------------------------- */
lua_State *lr_enter(lua_State *L) {
    lr_state *S = lr_get(L);
    lua_State *before = S->L;
    S->L = L;
    return before;
}

luron_status lr_callback(lua_State *L, lr_state *S, int n_args) {
    int failed = lua_pcall(L, n_args, 0, 0);
    S->running = L; /* a coroutine in there may have gone */
    return failed ? lr_keep_error(L, S) : LURON_OK;
}

void lr_leave(lua_State *L, lua_State *before) {
    lr_get(L)->L = before;
}
