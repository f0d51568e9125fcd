/* lua_plan.c -- plans: what luron/compile.lua makes luron.compile of. */
#include "lua_util.h"

#include <limits.h>
#include <string.h>

enum { MOST = 64 }; /* inputs or outputs */

static luron_plan *plan_at(lua_State *L) { return lr_object(L, 1, &lr_plan_key, "plan"); }

/* The tensors in the list at arg; they stay where they are. */
static int tensors(lua_State *L, int arg, luron_tensor *to[MOST]) {
    luaL_checktype(L, arg, LUA_TTABLE);
    lua_Integer n = (lua_Integer)lua_rawlen(L, arg);
    if (n > MOST) return lr_argerror(L, arg, "at most %d tensors expected, got %d", MOST, (int)n);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, arg, i + 1);
        to[i] = lr_to_tensor(L, -1);
        if (!to[i]) return lr_argerror(L, arg, "[%d]: tensor expected, got %s", i + 1, lr_got(L, -1));
        lua_pop(L, 1);
    }
    return (int)n;
}

/* In the registry while a step is noted: a weak table with its plan, which goes as any other if the step left it behind; the thread.
 * false: none is. The places are there from the beginning, so that no memory is asked for. */
static const char noted_key, thread_key;

/* The plan on top, which stays there, is noted in this thread; or (is_on 0) none is. */
static void set_noting(lua_State *L, lr_state *S, int is_on) {
    S->noting = is_on ? L : NULL;
    if (is_on) lua_pushthread(L);
    else lua_pushboolean(L, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &thread_key);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &noted_key);
    if (is_on) lua_pushvalue(L, -2);
    else lua_pushboolean(L, 0);
    lua_rawseti(L, -2, 1);
    lua_pop(L, 1);
}

static void push_noted(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &noted_key);
    lua_rawgeti(L, -1, 1);
    lua_remove(L, -2);
}

void lr_leave_noting(lua_State *L, lr_state *S) {
    const int has_failed = lua_status(S->noting) > LUA_YIELD;
    push_noted(L);
    void **box = lr_test(L, -1, &lr_plan_key);
    if (box && *box) {
        S->running = NULL; /* the line that comes next is not to blame */
        if (!has_failed) luron_ctx_refuse_plan(S->ctx, "yields in the middle (coroutine.yield), which a run would not");
        S->running = L;
        const luron_status status = luron_plan_end(*box, S->ctx, -1, NULL);
        (void)status; /* it was noted */
    }
    lua_pop(L, 1);
    set_noting(L, S, 0);
}

/* plan_begin(inputs): plan; nil, message, code if there can be none. */
static int l_plan_begin(lua_State *L) {
    luron_tensor *ins[MOST];
    int n = tensors(L, 1, ins);
    lr_state *S = lr_get(L);
    void **box = lr_box(L, &lr_plan_key);
    luron_plan *plan = NULL;
    luron_status status = luron_plan_begin(&plan, S->ctx, n, ins);
    *box = plan;
    if (status) return lr_nil(L, status);
    S->n_notings = S->n_notings == INT_MAX ? 1 : S->n_notings + 1;
    set_noting(L, S, 1);
    return 1;
}

/* Where a step has returned after a yield. */
static int left(lua_State *L, int status, lua_KContext k) {
    lr_state *S = lr_get(L);
    (void)k;
    if (status == LUA_YIELD && S->noting == L) lr_leave_noting(L, S);
    return lua_gettop(L);
}

/* plan_step(fn, ...): fn(...), the step that is noted. */
static int l_plan_step(lua_State *L) {
    lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, left);
    return lua_gettop(L);
}

/* plan:is_noted(): not if it has yielded meanwhile. */
static int l_is_noted(lua_State *L) {
    lr_get(L);
    push_noted(L);
    lua_pushboolean(L, lua_rawequal(L, 1, -1));
    return 1;
}

/* plan:finish(outputs), or without them after an error. */
static int l_finish(lua_State *L) {
    luron_tensor *outs[MOST];
    luron_plan *plan = plan_at(L);
    int n = lua_isnoneornil(L, 2) ? -1 : tensors(L, 2, outs);
    lr_state *S = lr_get(L);
    const luron_status status = luron_plan_end(plan, S->ctx, n, outs);
    set_noting(L, S, 0);
    return lr_done(L, status, 0);
}

static int l_refusal(lua_State *L) {
    lua_pushstring(L, luron_plan_refusal(plan_at(L)));
    return 1;
}

static int l_hash(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)luron_plan_hash(plan_at(L)));
    return 1;
}

/* plan:trail(): for each thing that it does a number, of all up to it, the name of the thing, and where the step made its layer
 * (false: it did not). */
static int l_trail(lua_State *L) {
    const luron_plan *plan = plan_at(L);
    lua_Integer n = (lua_Integer)luron_plan_n_steps(plan);
    lua_createtable(L, (int)(3 * n), 0);
    for (lua_Integer i = 0; i < n; i++) {
        uint64_t hash = 0; /* of no step: a finalizer may have emptied the plan */
        const char *name = luron_plan_step(plan, i, &hash), *made = luron_plan_made(plan, i);
        lua_pushinteger(L, (lua_Integer)hash);
        lua_rawseti(L, -2, 3 * i + 1);
        lua_pushstring(L, name);
        lua_rawseti(L, -2, 3 * i + 2);
        if (made) lua_pushstring(L, made);
        else lua_pushboolean(L, 0);
        lua_rawseti(L, -2, 3 * i + 3);
    }
    return 1;
}

/* plan:size(): things that it does, bytes of results in between, bytes that it keeps */
static int l_size(lua_State *L) {
    lua_pushinteger(L, luron_plan_n_steps(plan_at(L)));
    lua_pushinteger(L, luron_plan_bytes(plan_at(L)));
    lua_pushinteger(L, luron_plan_kept_bytes(plan_at(L)));
    return 3;
}

/* The tensors among the arguments from 2 to top. */
static int inputs(lua_State *L, int top, luron_tensor *to[MOST]) {
    int n = 0;
    for (int i = 2; i <= top; i++) {
        luron_tensor *t = lr_to_tensor(L, i);
        if (!t) continue;
        if (n == MOST) return lr_error(L, "plan: at most %d tensors expected", MOST);
        to[n++] = t;
    }
    return n;
}

/* plan_refuse(what): the step that is being noted does what cannot be repeated. */
static int l_plan_refuse(lua_State *L) {
    luron_ctx_refuse_plan(lr_ctx(L), lr_string(L, 1, "what"));
    return 0;
}

/* false, why, the arguments. */
static int misfit(lua_State *L, int top, const char *why) {
    lua_settop(L, top);
    lua_pushboolean(L, 0);
    lua_replace(L, 1);
    lua_pushstring(L, why);
    lua_insert(L, 2);
    return top + 1;
}

/* Is result i nil? */
static int is_nil(uint64_t nils, int i) { return i < 64 && nils >> i & 1; }

/* Run it with n tensors and push what comes out, with nils where they belong: how many. NULL in *why, or why it does not fit. */
static int run(lua_State *L, luron_ctx *ctx, luron_plan *plan, uint64_t nils, int n, luron_tensor *const *ins, const char **why) {
    luron_tensor *outs[MOST], **boxes[MOST];
    int n_out = luron_plan_n_outs(plan), n_results = 0;
    luaL_checkstack(L, n_out + 66, "too many results");
    for (int i = 0; i < n_out || (n_results < 64 && nils >> n_results); n_results++)
        if (is_nil(nils, n_results)) lua_pushnil(L);
        else boxes[i++] = lr_new_tensor(L);
    luron_status status = luron_plan_run(outs, plan, ctx, n, ins);
    *why = NULL;
    if (status == LURON_E_STATE && !luron_plan_changed(plan) && !luron_plan_fits(plan, ctx, n, ins, why)) return 0;
    if (status == LURON_E_NONFINITE && !luron_plan_changed(plan)) { /* nothing was changed: the step itself can say what made it */
        *why = "numbers were not finite";
        return 0;
    }
    if (status == LURON_E_NOMEM && !luron_plan_changed(plan)) {
        *why = "memory was short";
        return 0;
    }
    for (int i = 0; i < n_out && status == LURON_OK; i++)
        *boxes[i] = outs[i];
    return lr_done(L, status, n_results);
}

/* plan:run(nils, ...): true and the results, of which those with a bit in nils are nil; false, why and the arguments if it does not
 * fit. */
static int l_run(lua_State *L) {
    luron_plan *plan = plan_at(L);
    luron_tensor *ins[MOST];
    const uint64_t nils = (uint64_t)luaL_checkinteger(L, 2);
    lua_remove(L, 2);
    int top = lua_gettop(L), n_in = inputs(L, top, ins);
    const char *why;
    lua_pushboolean(L, 1);
    int n = run(L, lr_ctx(L), plan, nils, n_in, ins, &why);
    return why ? misfit(L, top, why) : n + 1;
}

/* ---- which plan ---------------------------------------------------------------------------------------------------------- */
/* Bytes that are equal for calls which one plan may serve. More than there is room for are counted. The tensors among the
 * arguments are put into `ins`, and counted likewise. */
typedef struct key {
    lr_state *S;
    char *to;
    size_t room, n;
    int n_ins;
    luron_tensor *ins[MOST];
} key;
static void begin(key *k, lr_state *S, char *to, size_t room) { k->S = S, k->to = to, k->room = room, k->n = 0, k->n_ins = 0; }

static void put(key *k, const void *data, size_t n) {
    if (k->n + n <= k->room) memcpy(k->to + k->n, data, n);
    k->n += n;
}
static void put_word(key *k, int64_t v) { put(k, &v, sizeof v); }
static void put_char(key *k, int c) {
    if (k->n < k->room) k->to[k->n] = (char)c;
    k->n++;
}

static void put_number(lua_State *L, key *k, int i) {
    lua_Integer whole = lua_tointeger(L, i);
    double real = lua_tonumber(L, i);
    put_char(k, lua_isinteger(L, i) ? 'i' : 'r');
    if (lua_isinteger(L, i)) put(k, &whole, sizeof whole);
    else put(k, &real, sizeof real);
}

static int put_argument(lua_State *L, key *k, int i) {
    lr_link **data = lr_userdata_in(L, k->S, i, &lr_tensor_key);
    int type = lua_type(L, i);
    put_char(k, 'a' + type);
    if (data) {
        luron_tensor *t = (*data)->object;
        if (!t) return 0; /* closed */
        if (k->n_ins < MOST) k->ins[k->n_ins] = t;
        k->n_ins++;
        const int ndim = luron_tensor_ndim(t);
        const int64_t *shape = luron_tensor_shape(t);
        put_word(k, luron_tensor_dtype(t));
        put_word(k, ndim);
        for (int d = 0; d < ndim; d++) put_word(k, shape[d]);
        return !luron_tensor_requires_grad(t) && luron_tensor_is_contiguous(t); /* a copy would not see what is written to it */
    }
    if (type == LUA_TSTRING) {
        size_t n;
        const char *text = lua_tolstring(L, i, &n);
        put(k, &n, sizeof n);
        put(k, text, n);
    } else if (type == LUA_TNUMBER) put_number(L, k, i);
    else if (type == LUA_TBOOLEAN) put_char(k, lua_toboolean(L, i) ? '1' : '0');
    return type == LUA_TNIL || type == LUA_TSTRING || type == LUA_TNUMBER || type == LUA_TBOOLEAN;
}

/* The key of a call with the arguments from `first` to top. Gives 0, or the argument for which there can be no plan. */
static int put_call(lua_State *L, key *k, int first, int top) {
    put_char(k, '0' + (luron_ctx_is_recording(k->S->ctx) != 0));
    for (int i = first; i <= top; i++)
        if (!put_argument(L, k, i)) return i;
    return 0;
}

static int plans_none(const luron_ctx *ctx) { return luron_ctx_is_planning(ctx) || luron_ctx_is_tracing(ctx); }

/* plan_key(...): a text that is equal for calls which one plan may serve; nil, why if there can be none. */
static int l_plan_key(lua_State *L) {
    int top = lua_gettop(L);
    key counted, k;
    lr_state *S = lr_get(L);
    begin(&counted, S, NULL, 0);
    if (plans_none(S->ctx)) return 0;
    int bad = put_call(L, &counted, 1, top);
    if (bad) {
        lua_pushnil(L);
        void **box = lr_test(L, bad, &lr_tensor_key);
        const luron_tensor *t = box ? *box : NULL;
        if (box && !t) lua_pushfstring(L, "argument %d is closed", bad);
        else if (t && luron_tensor_requires_grad(t)) lua_pushfstring(L, "argument %d requires a gradient", bad);
        else if (t) lua_pushfstring(L, "argument %d does not lie in one piece (contiguous() gives it in one)", bad);
        else lua_pushfstring(L, "argument %d is a %s", bad, luaL_typename(L, bad));
        return 2;
    }
    luaL_Buffer b;
    begin(&k, S, luaL_buffinitsize(L, &b, counted.n), counted.n);
    put_call(L, &k, 1, top);
    luaL_pushresultsize(&b, k.n);
    return 1;
}

/* ---- the shortest way to a plan --------------------------------------------------------------------------------------------- */
/* What a compiled function has at 1: the plan that ran last (user value 1, which keeps it) and the key of its calls. */
typedef struct ready {
    lr_link **plan; /* the userdata */
    uint64_t nils;  /* among the results */
    lua_Integer runs;
    size_t n;
    char key[];
} ready;
enum { LONGEST = 256 }; /* key */

/* plan_ready(key, plan, nils): nil if the key is long. */
static int l_plan_ready(lua_State *L) {
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n);
    lr_object(L, 2, &lr_plan_key, "plan");
    const lua_Integer nils = luaL_checkinteger(L, 3);
    if (n > LONGEST) return 0;
    ready *r = lua_newuserdatauv(L, sizeof *r + n, 1);
    r->plan = lua_touserdata(L, 2), r->nils = (uint64_t)nils, r->runs = 0, r->n = n;
    memcpy(r->key, text, n);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &lr_ready_key);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, 1);
    return 1;
}

static int l_plan_runs(lua_State *L) {
    const ready *r = lr_userdata(L, 1, &lr_ready_key);
    lua_pushinteger(L, r ? r->runs : 0);
    return 1;
}

/* What is ready for this call, which k describes then; it is pushed. NULL: nothing. */
static ready *find_ready(lua_State *L, int top, key *k) {
    if (lua_type(L, 1) != LUA_TTABLE || lua_rawgeti(L, 1, 1) != LUA_TUSERDATA) return NULL;
    ready *r = lr_userdata_in(L, k->S, -1, &lr_ready_key);
    if (!r || plans_none(k->S->ctx) || k->S->before_step || put_call(L, k, 2, top)) return NULL;
    if (k->n_ins > MOST || k->n != r->n || memcmp(k->to, r->key, k->n)) return NULL;
    return r;
}

static int called(lua_State *L, int status, lua_KContext k) {
    (void)status, (void)k;
    return lua_gettop(L);
}

/* Calling a compiled function. Upvalue 1: what calls it where nothing is ready. */
static int l_call(lua_State *L) {
    int top = lua_gettop(L);
    luaL_checkstack(L, 8, "too many arguments");
    char buf[LONGEST];
    key k;
    begin(&k, lr_get(L), buf, sizeof buf);
    ready *r = find_ready(L, top, &k);
    luron_plan *plan = r ? (*r->plan)->object : NULL;
    if (plan) {
        const char *why;
        int n = run(L, k.S->ctx, plan, r->nils, k.n_ins, k.ins, &why);
        if (!why) r->runs++;
        if (!why) return n;
    }
    lua_settop(L, top);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_callk(L, top, LUA_MULTRET, 0, called);
    return lua_gettop(L);
}

/* plan_call(fn): what calls fn(...) unless a plan is ready. */
static int l_plan_call(lua_State *L) {
    lr_callable(L, 1, "fn");
    lua_settop(L, 1);
    lua_pushcclosure(L, l_call, 1);
    return 1;
}

static const luaL_Reg methods[] = {
    {"is_noted", l_is_noted}, {"finish", l_finish}, {"refusal", l_refusal}, {"hash", l_hash}, {"trail", l_trail}, {"size", l_size}, {"run", l_run}, {NULL, NULL},
};
static int l_is_planning(lua_State *L) {
    lua_pushboolean(L, luron_ctx_is_planning(lr_ctx(L)));
    return 1;
}

static const luaL_Reg functions[] = {
    {"plan_begin", l_plan_begin}, {"plan_step", l_plan_step}, {"is_planning", l_is_planning}, {"plan_key", l_plan_key}, {"plan_refuse", l_plan_refuse},
    {"plan_ready", l_plan_ready}, {"plan_runs", l_plan_runs}, {"plan_call", l_plan_call}, {NULL, NULL},
};

void lr_open_plan(lua_State *L) {
    lr_setfuncs(L, functions);
    lr_metatable(L, &lr_plan_key, "luron.plan");
    lr_setfuncs(L, methods);
    lua_pop(L, 2);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &lr_ready_key);
    lua_createtable(L, 1, 0);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &noted_key);
    set_noting(L, lr_get(L), 0);
}
