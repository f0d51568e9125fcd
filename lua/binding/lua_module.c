/* lua_module.c -- luaopen_luron_core: the context of the Lua state, and the functions on it. */
#include "lua_util.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The box of the state is the first with a finalizer, so it goes last, after every tensor. */
static int state_gc(lua_State *L) {
    lr_state **box = lua_touserdata(L, 1);
    if (!box || !*box) return 0;
    lr_state *S = *box;
    lr_release_all(S);
    lr_drain(NULL, S);
    *box = NULL;
    lr_forget_state();
    luron_ctx_free(S->ctx);
    S->ctx = NULL;
    if (--S->refs == 0) free(S);
    return 0;
}

/* Sources of luron's own Lua files begin with the folder in which the searcher finds them. */
static void find_own(lua_State *L, lr_state *S) {
    lua_getglobal(L, "package");
    if (lua_istable(L, -1)) {
        lua_getfield(L, -1, "searchpath");
        lua_pushliteral(L, "luron.nn");
        lua_getfield(L, -3, "path");
        if (lua_pcall(L, 2, 1, 0) == LUA_OK && lua_type(L, -1) == LUA_TSTRING) {
            const char *path = lua_tostring(L, -1), *slash = strrchr(path, '/');
            size_t n = slash ? (size_t)(slash - path) + 1 : 0;
            if (n && n + 2 < sizeof S->own) {
                S->own[0] = '@';
                memcpy(S->own + 1, path, n);
                S->own[n + 1] = '\0';
            }
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* The line of the user's code that calls now. */
static void locate(void *ud, char *buf, size_t n) {
    const lr_state *S = ud;
    lua_Debug ar;
    size_t own = strlen(S->own);
    buf[0] = '\0';
    for (int level = 1; S->running && lua_getstack(S->running, level, &ar); level++) {
        lua_getinfo(S->running, "Sl", &ar);
        if (ar.currentline <= 0 || (own && strncmp(ar.source, S->own, own) == 0)) continue;
        snprintf(buf, n, "%s:%d", ar.short_src, ar.currentline);
        return;
    }
}

/* No line of a script is to blame for the environment: the luron command gives a message that the registry has as "luron.refused"
 * without a traceback. */
static int refuse_environment(lua_State *L) {
    lua_pushstring(L, luron_ctx_error(NULL));
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, "luron.refused");
    return lua_error(L);
}

static lr_state *new_state(lua_State *L) {
    lr_state **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, state_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &lr_state_key);
    lr_state *S = calloc(1, sizeof *S);
    if (!S) luaL_error(L, "not enough memory");
    const luron_status status = luron_ctx_new(&S->ctx, NULL, NULL);
    if (status) {
        free(S);
        if (status == LURON_E_ARGUMENT) refuse_environment(L);
        luaL_error(L, "not enough memory");
    }
    S->refs = 1;
    S->boxes.before = S->boxes.after = &S->boxes;
    S->held.before = S->held.after = &S->held;
    S->running = L;
    S->scope = LUA_NOREF;
    *box = S;
    luron_ctx_set_index_base(S->ctx, 1);
    luron_ctx_set_locate(S->ctx, locate, S);
    find_own(L, S);
    return S;
}

static int l_seed(lua_State *L) {
    lua_Integer seed = lr_integer(L, 1, "seed");
    luron_ctx_seed(lr_ctx(L), (uint64_t)seed);
    return 0;
}

/* random_state(): seed, position */
static int l_random_state(lua_State *L) {
    uint64_t seed, position;
    luron_ctx_refuse_plan(lr_ctx(L), "asks for the random state");
    luron_ctx_random_state(lr_ctx(L), &seed, &position);
    lua_pushinteger(L, (lua_Integer)seed);
    lua_pushinteger(L, (lua_Integer)position);
    return 2;
}

static int l_set_random_state(lua_State *L) {
    lua_Integer seed = lr_integer(L, 1, "seed"), position = lr_integer_in(L, 2, "position", 0, LUA_MAXINTEGER);
    luron_ctx_set_random_state(lr_ctx(L), (uint64_t)seed, (uint64_t)position);
    return 0;
}

/* Seconds from some moment on, by a clock that is never set back. */
static int l_clock(lua_State *L) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    lua_pushnumber(L, (double)t.tv_sec + 1e-9 * (double)t.tv_nsec);
    return 1;
}

static int l_is_terminal(lua_State *L) {
    lua_pushboolean(L, isatty(STDOUT_FILENO));
    return 1;
}

static int l_threads(lua_State *L) {
    luron_ctx *ctx = lr_ctx(L);
    if (!lua_isnoneornil(L, 1)) {
        int n = (int)lr_integer_in(L, 1, "threads", 1, 256);
        luron_status status = luron_ctx_set_threads(ctx, n);
        if (status != LURON_OK) return lr_raise(L, status);
    }
    lua_pushinteger(L, luron_ctx_threads(ctx));
    return 1;
}

static int l_memory_limit(lua_State *L) {
    luron_ctx *ctx = lr_ctx(L);
    if (!lua_isnoneornil(L, 1)) {
        luron_status status = luron_ctx_set_memory_limit(ctx, lr_integer_in(L, 1, "bytes", 0, LUA_MAXINTEGER));
        if (status != LURON_OK) return lr_raise(L, status);
        lr_get(L)->threshold = 0; /* garbage counts: see what there is before it is in the way */
    }
    lua_pushinteger(L, luron_ctx_memory_limit(ctx));
    return 1;
}

static int l_memory(lua_State *L) {
    luron_ctx *ctx = lr_ctx(L);
    lua_pushinteger(L, luron_ctx_live_bytes(ctx));
    lua_pushinteger(L, luron_ctx_live_blocks(ctx));
    return 2;
}

static int l_trim(lua_State *L) {
    lr_state *S = lr_get(L);
    lua_gc(L, LUA_GCCOLLECT);
    lr_drain(L, S);
    luron_ctx_trim(S->ctx);
    return 0;
}

static int l_fail_alloc(lua_State *L) {
    lua_Integer k = lr_integer_in(L, 1, "k", 0, LUA_MAXINTEGER);
    int sticky = lr_opt_boolean(L, 2, "sticky", 0);
    luron_ctx_fail_alloc(lr_ctx(L), k, sticky);
    return 0;
}

static int l_default_dtype(lua_State *L) {
    luron_ctx *ctx = lr_ctx(L);
    if (!lua_isnoneornil(L, 1)) {
        luron_status status = luron_ctx_set_default_dtype(ctx, lr_dtype(L, 1, "dtype"));
        if (status != LURON_OK) return lr_raise(L, status);
    }
    lua_pushstring(L, luron_dtype_name(luron_ctx_default_dtype(ctx)));
    return 1;
}

/* strict([on]): false, true or "pages", as it was told; with an argument sets it. */
static int l_strict(lua_State *L) {
    luron_ctx *ctx = lr_ctx(L);
    if (lua_type(L, 1) == LUA_TSTRING) {
        if (strcmp(lua_tostring(L, 1), "pages") != 0) return lr_typeerror(L, 1, "on", "boolean or 'pages'");
        luron_ctx_set_strict(ctx, 2);
    } else if (!lua_isnoneornil(L, 1)) {
        luron_ctx_set_strict(ctx, lr_opt_boolean(L, 1, "on", 0));
    }
    if (luron_ctx_strict(ctx) == 2) lua_pushliteral(L, "pages");
    else lua_pushboolean(L, luron_ctx_strict(ctx));
    return 1;
}

static int l_isa(lua_State *L) {
    lua_pushstring(L, luron_ctx_isa(lr_ctx(L)));
    return 1;
}

/* For luron's own Lua files: raise at the user's line; and "bad argument" in the words of the C functions. */
static int l_raise(lua_State *L) {
    const char *text = lr_string(L, 1, "text");
    return lr_error(L, "%s", text);
}

static int l_badarg(lua_State *L) {
    int arg = (int)lr_integer_in(L, 1, "argument", 0, INT_MAX);
    const char *function = lr_string(L, 2, "function"), *text = lr_string(L, 3, "text");
    if (arg == 0) return lr_error(L, "calling '%s' on a bad object (%s)", function, text);
    return lr_error(L, "bad argument #%d to '%s' (%s)", arg, function, text);
}

/* got(value): what error messages call it. */
static int l_got(lua_State *L) {
    luaL_checkany(L, 1);
    lr_got(L, 1);
    return 1;
}

static const luaL_Reg functions[] = {
    { "seed", l_seed }, { "random_state", l_random_state }, { "set_random_state", l_set_random_state }, { "clock", l_clock },
    { "is_terminal", l_is_terminal }, { "threads", l_threads }, { "memory", l_memory }, { "memory_limit", l_memory_limit },
    { "trim", l_trim }, { "fail_alloc", l_fail_alloc }, { "default_dtype", l_default_dtype }, { "isa", l_isa }, { "strict", l_strict },
    { "raise", l_raise }, { "badarg", l_badarg }, { "got", l_got }, { NULL, NULL },
};

static void push_status(lua_State *L) {
    lua_newtable(L);
#define STATUS(name, value, text)                                                                                      \
    lua_pushinteger(L, value);                                                                                         \
    lua_setfield(L, -2, #name);
    LURON_STATUS_MAP(STATUS)
#undef STATUS
}

/* The module itself. Opened again (package.loaded was cleared) it is the same one: other metatables would leave the boxes
 * that there are without a finalizer. */
static const char module_key;

LURON_API int luaopen_luron_core(lua_State *L);
int luaopen_luron_core(lua_State *L) {
    luaL_checkversion(L);
    if (lr_peek(L) && lua_rawgetp(L, LUA_REGISTRYINDEX, &module_key) == LUA_TTABLE) return 1;
    if (!lr_peek(L)) new_state(L);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &lr_names_key);
    lr_open_errors(L);
    lr_open_held(L);
    lua_newtable(L);
    lr_setfuncs(L, functions);
    lua_newtable(L);
    lua_setfield(L, -2, "methods"); /* each part puts its table of methods in here */
    lr_open_missing(L);
    lr_open_tensor(L);
    lr_open_create(L);
    lr_open_ops(L);
    lr_open_autograd(L);
    lr_open_function(L);
    lr_open_scope(L);
    lr_open_recompute(L);
    lr_open_layer(L);
    lr_open_model(L);
    lr_open_tracer(L);
    lr_open_plan(L);
    lr_open_profile(L);
    lr_open_nodes(L);
    lr_open_hooks(L);
    lr_open_optim(L);
    lr_open_file(L);
    lr_open_json(L);
    push_status(L);
    lua_setfield(L, -2, "status");
    lua_pushliteral(L, LURON_VERSION);
    lua_setfield(L, -2, "version");
    lua_pushinteger(L, LURON_ABI_MAJOR);
    lua_setfield(L, -2, "abi_major");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &module_key);
    return 1;
}
