/* lua_recompute.c -- luron.recompute: a function that is run again in the backward, so that nothing of it is kept.
 *
 * It runs in a scope both times, the second time until its gradient is through. What its results were computed from goes
 * when they are replaced by others, of which the tape knows only that they are made by the function: a record, which holds
 * the function and its arguments, the tensors among them in C (lua_held.c).                                           */
#include "lua_util.h"

#include <stdlib.h>

typedef struct argument {
    luron_tensor *t; /* NULL: no tensor, kept in Lua */
    uint64_t version;
} argument;
typedef struct record {
    lr_held held; /* { function, arguments } */
    int n_args, n_results;
    char *wants; /* of each result: is it one whose gradient is wanted? behind the arguments */
    argument args[];
} record;

static void record_free(lr_held *held) {
    record *r = (record *)held;
    for (int i = 0; i < r->n_args; i++) luron_tensor_unref(r->args[i].t);
    free(r);
}

static int record_keeps(lr_held *held, luron_held *to) {
    const record *r = (record *)held;
    int n = 0;
    for (int i = 0; i < r->n_args; i++) {
        if (!r->args[i].t) continue;
        if (to) to[n] = (luron_held){ LURON_HELD_TENSOR, r->args[i].t, 0 };
        n++;
    }
    return n;
}

static const char runs_key; /* a list of the lists of tensors that runs made whose gradient is not through yet */

/* The tensor whose gradient is wanted at idx, NULL: something else. */
static luron_tensor *wanted(lua_State *L, int idx) {
    void **box = lr_test(L, idx, &lr_tensor_key);
    return box && *box && luron_tensor_requires_grad(*box) ? *box : NULL;
}

/* ---- the second time ----------------------------------------------------------------------------------------------------- */
typedef struct call {
    const record *r;
    luron_tensor **outs;
} call;

/* "train.lua:12", where the function at idx is. */
static const char *place_of(lua_State *L, int idx) {
    lua_Debug ar;
    if (!lua_isfunction(L, idx)) return lua_pushstring(L, luaL_typename(L, idx));
    lua_pushvalue(L, idx);
    lua_getinfo(L, ">S", &ar);
    if (ar.linedefined <= 0) return lua_pushstring(L, ar.short_src);
    return lua_pushfstring(L, "%s:%d", ar.short_src, ar.linedefined);
}

static const char *got(lua_State *L, int idx) {
    void **box = lr_test(L, idx, &lr_tensor_key);
    return !box ? lr_got(L, idx) : *box ? "one that needs none" : "a closed one";
}

static void check_same(lua_State *L, const record *r, int fn, int first) {
    int n = lua_gettop(L) - first + 1;
    if (n != r->n_results)
        lr_error(L, "recompute: the function (%s) gave %d results, the second time %d: it has to do the same again", place_of(L, fn), r->n_results, n);
    for (int i = 0; i < n; i++)
        if (r->wants[i] && !wanted(L, first + i))
            lr_error(L, "recompute: result %d of the function (%s) was a tensor that needs a gradient, the second time it is %s: it has to do the same again",
                     i + 1, place_of(L, fn), got(L, first + i));
}

static int again_body(lua_State *L) {
    const call *c = lua_touserdata(L, 1);
    const record *r = c->r;
    lr_scope_begin(L);
    luaL_checkstack(L, r->n_args + 10, "too many arguments");
    lr_push_value(L, (lr_held *)&r->held);
    lua_rawgeti(L, 4, 1); /* the function stays at 5, for messages */
    lua_pushvalue(L, 5);
    for (int i = 0; i < r->n_args; i++) {
        const argument *a = &r->args[i];
        if (a->t && luron_tensor_version(a->t) != a->version)
            lr_error(L, "recompute: argument %d of the function (%s) was changed in place after it had run", i + 1, place_of(L, 5));
        if (a->t) lr_push_tensor(L, a->t);
        else lua_rawgeti(L, 4, i + 2);
    }
    lua_call(L, r->n_args, LUA_MULTRET);
    luaL_checkstack(L, 10, "too many results");
    check_same(L, r, 5, 6);
    lr_scope_end(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &runs_key);
    lua_pushvalue(L, 2);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    for (int i = 0, k = 0; i < r->n_results; i++)
        if (r->wants[i]) c->outs[k++] = luron_tensor_ref(wanted(L, 6 + i));
    return 0;
}

static luron_status again(luron_ctx *ctx, void *ud, int n_out, luron_tensor **outs) {
    record *r = ud;
    lua_State *L = r->held.S->L;
    (void)ctx;
    (void)n_out;
    if (!lua_checkstack(L, 4)) return LURON_E_NOMEM;
    call c = { r, outs };
    lua_pushcfunction(L, again_body);
    lua_pushlightuserdata(L, &c);
    return lr_callback(L, r->held.S, 1);
}

/* Close what the last run made. Where that is still on the tape, a function within may need it later. */
static int done_body(lua_State *L) {
    int graph = lua_toboolean(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &runs_key);
    lua_Integer n = (lua_Integer)lua_rawlen(L, 2);
    lua_rawgeti(L, 2, n);
    lua_pushnil(L);
    lua_rawseti(L, 2, n);
    if (graph) {
        lua_newtable(L);
        for (lua_Integer i = 1, m = (lua_Integer)lua_rawlen(L, 3); i <= m; i++) {
            lua_rawgeti(L, 3, i);
            lr_scope_keep(L, 4);
            lua_pop(L, 1);
        }
    }
    lr_scope_close(L, 3, graph ? 4 : 0);
    return 0;
}

static void done(luron_ctx *ctx, void *ud, int graph) {
    lua_State *L = ((record *)ud)->held.S->L;
    (void)ctx;
    if (!lua_checkstack(L, 4)) return; /* the collector gets it */
    lua_pushcfunction(L, done_body);
    lua_pushboolean(L, graph);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1); /* no memory: so here */
}
static const luron_segment segment = { sizeof segment, 0, again, lr_released, done };

/* ---- the first time ------------------------------------------------------------------------------------------------------- */
enum { GUARD = 1, LIST, KEPT, ARGUMENTS, VERSIONS, FIRST }; /* places on the stack; KEPT: boxes that the scope does not close */

/* Put below function and arguments: { function, arguments } with tensors in boxes of their own, which nobody else closes,
 * and the versions of these. */
static void note_arguments(lua_State *L, int n) {
    luaL_checkstack(L, 8, "too many arguments");
    lua_createtable(L, n + 1, 0);
    uint64_t *versions = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *versions, 0);
    int table = lua_gettop(L) - 1;
    for (int i = 1; i <= n + 1; i++) {
        luron_tensor *t = lr_to_tensor(L, i);
        if (t) {
            versions[i - 1] = luron_tensor_version(t);
            lr_push_tensor(L, t);
        } else {
            lua_pushvalue(L, i);
        }
        lua_rawseti(L, table, i);
    }
    lua_insert(L, 1);
    lua_insert(L, 1);
}

/* Raise for tensors that cannot be replaced. */
static void check_results(lua_State *L, int first, int last) {
    lua_newtable(L);
    for (int i = first; i <= last; i++) {
        void **box = lr_test(L, i, &lr_tensor_key);
        if (box && !*box) lr_error(L, "recompute: result %d of the function (%s) is a closed tensor", i - first + 1, place_of(L, FIRST));
        if (box || !lua_istable(L, i)) continue;
        lua_pushvalue(L, i);
        if (lr_scope_keep(L, lua_gettop(L) - 1))
            lr_error(L, "recompute: result %d of the function (%s) is a table with tensors: it has to give tensors one by one", i - first + 1, place_of(L, FIRST));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* Each tensor that is wanted gets a box of its own, which is its only one if it was made inside, so that it can be
 * exchanged. How many are wanted. */
static int own_boxes(lua_State *L, int first, int last) {
    int n = 0;
    lua_newtable(L); /* boxes made inside that are not a result so far */
    int inside = lua_gettop(L);
    for (lua_Integer i = 1, m = (lua_Integer)lua_rawlen(L, LIST); i <= m; i++) {
        lua_rawgeti(L, LIST, i);
        lua_pushboolean(L, 1);
        lua_rawset(L, inside);
    }
    for (int i = first; i <= last; i++) {
        luron_tensor *t = wanted(L, i);
        lua_pushvalue(L, i);
        if (t && lua_rawget(L, inside) == LUA_TNIL) {
            lr_push_tensor(L, t);
            lua_replace(L, i);
        } else if (t) {
            lua_pushvalue(L, i);
            lua_pushnil(L);
            lua_rawset(L, inside);
        }
        lua_settop(L, inside);
        n += t != NULL;
        lua_pushvalue(L, i);
        lr_scope_keep(L, KEPT);
        lua_settop(L, inside);
    }
    lua_pop(L, 1);
    return n;
}

/* The record of a call; the boxes of its arguments are emptied into it. */
static record *push_record(lua_State *L, int n_args, int first, int n_results) {
    const uint64_t *versions = lua_touserdata(L, VERSIONS);
    lua_pushvalue(L, ARGUMENTS);
    int ref = lr_held_ref(L);
    record *r = calloc(1, sizeof *r + (size_t)n_args * sizeof *r->args + (size_t)n_results);
    if (!r) {
        luaL_unref(L, LUA_REGISTRYINDEX, ref);
        lr_raise(L, LURON_E_NOMEM);
    }
    lr_hold(lr_get(L), &r->held, ref, r, record_free);
    r->held.keeps = record_keeps;
    r->n_args = n_args, r->n_results = n_results, r->wants = (char *)(r->args + n_args);
    for (int i = 0; i < n_args; i++) {
        lua_rawgeti(L, ARGUMENTS, i + 2);
        void **box = lr_test(L, -1, &lr_tensor_key);
        if (box) r->args[i] = (argument){ *box, versions[i + 1] }, *box = NULL;
        lua_pop(L, 1);
    }
    for (int i = 0; i < n_results; i++) r->wants[i] = wanted(L, first + i) != NULL;
    return r;
}

static luron_status exchange(lua_State *L, luron_mark mark, record *r, int first, int n_out, luron_tensor **outs) {
    for (int i = 0, k = 0; i < r->n_results; i++)
        if (r->wants[i]) outs[k++] = wanted(L, first + i);
    char *wants = r->wants; /* goes with the record if there is nothing to run again */
    int n_results = r->n_results;
    luron_status status = luron_recompute(lr_ctx(L), mark, &segment, r, n_out, outs);
    if (status != LURON_OK) lr_released(r);
    for (int i = 0, k = 0; i < n_results && status == LURON_OK; i++) {
        if (!wants[i]) continue;
        *lr_slot(L, first + i) = outs[k++];
    }
    return status;
}

/* recompute(fn, ...): the results of fn(...). */
static int l_recompute(lua_State *L) {
    if (lr_test(L, 1, &lr_tensor_key)) return lr_argerror(L, 1, "function: function expected, got a tensor: recompute(f, x), not recompute(f(x))");
    lr_callable(L, 1, "function");
    int n_args = lua_gettop(L) - 1;
    if (luron_ctx_is_tracing(lr_ctx(L))) { /* a graph is not trained by this call: nothing to give up */
        lua_call(L, n_args, LUA_MULTRET);
        return lua_gettop(L);
    }
    note_arguments(L, n_args);
    lua_newtable(L);
    lua_insert(L, 1);
    lr_scope_begin(L);
    lua_pushvalue(L, FIRST);
    lua_insert(L, FIRST); /* for messages */
    luron_mark mark = luron_tape_mark(lr_ctx(L));
    lua_call(L, n_args, LUA_MULTRET);
    const int first = FIRST + 1, last = lua_gettop(L);
    luaL_checkstack(L, 12, "too many results");
    check_results(L, first, last);
    int n_out = own_boxes(L, first, last);
    luron_status status = LURON_OK;
    if (n_out) {
        luron_tensor **outs = lua_newuserdatauv(L, (size_t)n_out * sizeof *outs, 0);
        record *r = push_record(L, n_args, first, last - first + 1);
        status = exchange(L, mark, r, first, n_out, outs);
        for (int i = first; i <= last && status == LURON_OK; i++)
            if (wanted(L, i)) lr_note_box(L, i);
        lua_settop(L, last);
    }
    lr_scope_end(L);
    lr_scope_close(L, LIST, KEPT);
    return lr_done(L, status, last - FIRST);
}

void lr_open_recompute(lua_State *L) {
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &runs_key);
    lua_pushcfunction(L, l_recompute);
    lr_name_function(L, "recompute");
    lua_setfield(L, -2, "recompute");
}
