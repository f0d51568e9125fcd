/* lua_memory.c -- R7 in the interpreter: the k-th allocation of Lua itself fails, for every k, once and from then on,
 * while lua_memory.lua trains, makes graphs, saves, and while luron is required. The binding neither crashes nor leaks,
 * and the same state then finishes with the same result. Lua collects everything and asks again before it gives up, so
 * "once" fails two in a row. */
#include "bar.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
enum { SLOW = 11 };
#else
enum { SLOW = 1 };
#endif

typedef struct memory {
    long left; /* allocations until one fails; 0: off */
    int fails; /* how many fail then */
    int failed;
    size_t held;
} memory;

static void *allocate(void *ud, void *ptr, size_t old_size, size_t new_size) {
    memory *m = ud;
    if (!ptr) old_size = 0;
    if (new_size == 0) {
        free(ptr);
        m->held -= old_size;
        return NULL;
    }
    if (new_size > old_size && m->left > 0) { /* Lua takes it for granted that blocks can shrink */
        if (m->left > 1) {
            m->left--;
        } else if (m->fails > 0) {
            m->fails--, m->failed++;
            return NULL;
        }
    }
    void *fresh = realloc(ptr, new_size);
    if (fresh) m->held += new_size - old_size;
    return fresh;
}
static void fail_from(memory *m, long k, int sticky) { m->left = k, m->fails = sticky ? 1 << 30 : 2, m->failed = 0; }

static int64_t n_tried, n_wrong;
static char path[64];

static void wrong(const char *name, long k, int sticky, const char *text) {
    fprintf(stderr, "%s, allocation %ld%s of Lua: %s\n", name, k, sticky ? " and all after it" : "",
            text ? text : "(no text)");
    n_wrong++;
}

static lua_State *new_state(memory *m) {
    memset(m, 0, sizeof *m);
    lua_State *L = lua_newstate(allocate, m);
    luaL_openlibs(L);
    return L;
}

/* Index 1: runs a work, 2: counts blocks. The result is pushed; NULL: it failed and its message is on the stack. */
static const char *work(lua_State *L, const char *name, size_t *n) {
    lua_pushvalue(L, 1);
    lua_pushstring(L, name);
    lua_pushstring(L, path);
    return lua_pcall(L, 2, 1, 0) == LUA_OK ? lua_tolstring(L, -1, n) : NULL;
}
static lua_Integer blocks(lua_State *L) {
    lua_pushvalue(L, 2);
    lua_Integer n = lua_pcall(L, 0, 1, 0) == LUA_OK ? lua_tointeger(L, -1) : -1;
    lua_pop(L, 1);
    return n;
}

/* @return 1: an allocation was made to fail. */
static int try_work(lua_State *L, memory *m, const char *name, const char *wanted, size_t n, long k, int sticky) {
    size_t got_n = 0;
    lua_Integer before = blocks(L);
    luaL_checkstack(L, 20, NULL);
    fail_from(m, k, sticky);
    lua_pushvalue(L, 1); /* strings of the call may fail too, but not outside of a pcall */
    lua_getglobal(L, "NAME"), lua_getglobal(L, "PATH");
    int status = lua_pcall(L, 2, 1, 0);
    int failed = m->failed;
    fail_from(m, 0, 0);
    const char *text = lua_tostring(L, -1);
    if (status != LUA_OK && !(text && strstr(text, "memory"))) wrong(name, k, sticky, text);
    text = lua_tolstring(L, -1, &got_n); /* whatever failed in a finalizer */
    if (status == LUA_OK && (!text || got_n != n || memcmp(text, wanted, n))) wrong(name, k, sticky, "another result");
    lua_settop(L, 2);
    if (blocks(L) != before) wrong(name, k, sticky, "blocks are left");
    const char *again = work(L, name, &got_n);
    if (!again || got_n != n || memcmp(again, wanted, n))
        wrong(name, k, sticky, again ? "another result the second time" : lua_tostring(L, -1));
    lua_settop(L, 2);
    n_tried += failed > 0;
    return failed > 0;
}

static void sweep_work(lua_State *L, memory *m, const char *name, int stride) {
    size_t n;
    for (int i = 0; i < 2; i++) { /* twice: what is kept for later is there now */
        if (!work(L, name, &n)) wrong(name, 0, 0, lua_tostring(L, -1));
        if (i == 0) lua_settop(L, 2);
    }
    char *wanted = malloc(n + 1);
    memcpy(wanted, lua_tostring(L, -1), n + 1);
    lua_settop(L, 2);
    lua_pushstring(L, name), lua_setglobal(L, "NAME");
    lua_pushstring(L, path), lua_setglobal(L, "PATH");
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1 + sticky; try_work(L, m, name, wanted, n, k, sticky); k += stride) {
        }
    free(wanted);
}

/* `require "luron"` in a new state. @return 1: an allocation was made to fail. */
static int try_require(long k, int sticky) {
    memory m;
    lua_State *L = new_state(&m);
    if (luaL_loadstring(L, "return require('luron').ones(2):sum():item()") != LUA_OK) return 0;
    lua_pushvalue(L, 1);
    fail_from(&m, k, sticky);
    int status = lua_pcall(L, 0, 1, 0), failed = m.failed > 0;
    fail_from(&m, 0, 0);
    const char *text = lua_tostring(L, -1);
    if (status != LUA_OK && !(text && strstr(text, "memory"))) wrong("require", k, sticky, text);
    lua_settop(L, 1);
    if (lua_pcall(L, 0, 1, 0) != LUA_OK || lua_tonumber(L, -1) != 2) wrong("require", k, sticky, lua_tostring(L, -1));
    lua_close(L);
    if (m.held) wrong("require", k, sticky, "Lua's blocks are left");
    n_tried += failed;
    return failed;
}

int main(void) {
    static const char *const names[] = {"training", "tensors", "graph",     "class",  "own_op",
                                        "hooks",    "copies",  "recompute", "no_grad", "files"};
    bar b = bar_begin("R7", "failed allocations of Lua", 7);
    memory m;
    char file[1024];
    const char *source = getenv("LURON_TEST_SOURCE");
    int coarse = bar_is_long() ? SLOW : 5 * SLOW;
    snprintf(path, sizeof path, "%s/luron-memory-%ld.h5", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm",
             (long)getpid());
    snprintf(file, sizeof file, "%s/tests/reliability/lua_memory.lua", source ? source : ".");
    lua_State *L = new_state(&m);
    if (luaL_loadfile(L, file) != LUA_OK || lua_pcall(L, 0, 2, 0) != LUA_OK) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        sweep_work(L, &m, names[i], coarse);
    lua_close(L);
    remove(path);
    if (m.held) wrong("the state", 0, 0, "Lua's blocks are left");
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1 + sticky; try_require(k, sticky); k += 5 * coarse) {
        }
    return bar_end(&b, n_tried, n_wrong) ? EXIT_FAILURE : EXIT_SUCCESS;
}
