/* main.c -- the luron command: Lua with luron's modules on its paths.
 *
 *   luron SCRIPT [arguments]     run a script ('-': from standard input)
 *   luron -e CODE                run code; before a script, if there is one
 *   luron plugin ...             list, info, new, check: lua/luron/plugin_tool.lua; index DIR
 *   luron bench SCRIPT ...       times a script, or its layers: lua/luron/bench_tool.lua
 *
 * Lua is loaded as text alone, since damaged bytecode can crash the interpreter. Ctrl-C is an error of the script, as under lua. */
#include "luron/version.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] = "usage: luron [-e CODE] SCRIPT [ARGUMENTS]\n"
                           "       luron plugin list | info NAME | new NAME | check FILE | index DIR\n"
                           "       luron bench [--profile | --runs N] SCRIPT [ARGUMENTS]\n"
                           "\n"
                           "Neural networks in Lua: `local luron = require \"luron\"` in the script.\n"
                           "\n"
                           "  SCRIPT            file with Lua code; - reads it from standard input\n"
                           "  -e CODE           run CODE first; may stand several times\n"
                           "  -v, --version     print the version\n"
                           "  -h, --help        print this text\n"
                           "  plugin list       what plugins there are\n"
                           "  plugin info NAME  a plugin or a type\n"
                           "  plugin new NAME   begin a plugin: --kind activation, layer, loss or optimizer\n"
                           "  plugin check FILE look for faults of a plugin\n"
                           "  plugin index DIR  note which plugin of a folder has which names\n"
                           "  bench SCRIPT      run it several times: time, processor time, memory\n"
                           "  bench --profile   run it once: time, FLOP/s and bytes of each layer\n"
                           "\n"
                           "luron plugin COMMAND --help tells about one of them.\n";

/* ---- text mode alone ------------------------------------------------------------------------------------------------------ */
/* load(chunk, name, mode, env) and so on, with mode "t" in their place `arg`; upvalue 1 is the original. */
static int text_only(lua_State *L, int arg, const char *name) {
    int top = lua_gettop(L);
    const char *mode = luaL_optstring(L, arg, "t");
    if (!strchr(mode, 't')) return luaL_error(L, "%s: bytecode is not loaded by the luron command (mode '%s')", name, mode);
    if (top < arg) lua_settop(L, arg);
    lua_pushliteral(L, "t");
    lua_replace(L, arg);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static int text_load(lua_State *L) { return text_only(L, 3, "load"); }
static int text_loadfile(lua_State *L) { return text_only(L, 2, "loadfile"); }

static int text_dofile(lua_State *L) {
    const char *path = luaL_optstring(L, 1, NULL);
    lua_settop(L, 1);
    if (luaL_loadfilex(L, path, "t") != LUA_OK) return lua_error(L);
    lua_call(L, 0, LUA_MULTRET);
    return lua_gettop(L) - 1;
}

/* The searcher for Lua files. */
static int text_searcher(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "searchpath");
    lua_pushvalue(L, 1);
    if (lua_getfield(L, -3, "path") != LUA_TSTRING) return luaL_error(L, "'package.path' must be a string");
    lua_call(L, 2, 2);
    if (lua_isnil(L, -2)) return 1;
    lua_pop(L, 1);
    const char *path = lua_tostring(L, -1);
    if (luaL_loadfilex(L, path, "t") != LUA_OK) return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s", name, path, lua_tostring(L, -1));
    lua_pushstring(L, path);
    return 2;
}

static void wrap(lua_State *L, const char *name, lua_CFunction fn) {
    lua_getglobal(L, name);
    lua_pushcclosure(L, fn, 1);
    lua_setglobal(L, name);
}

static void allow_text_only(lua_State *L) {
    wrap(L, "load", text_load);
    wrap(L, "loadfile", text_loadfile);
    lua_pushcfunction(L, text_dofile);
    lua_setglobal(L, "dofile");
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "searchers");
    lua_pushcfunction(L, text_searcher);
    lua_rawseti(L, -2, 2);
    lua_pop(L, 2);
}

/* ---- paths ------------------------------------------------------------------------------------------------------------------- */
/* Path of this program, "" if it cannot be known. */
static void own_path(char path[4096]) {
    ssize_t n = readlink("/proc/self/exe", path, 4095);
    path[n > 0 ? n : 0] = '\0';
}

/* PREFIX/bin/luron has its modules in PREFIX/share/lua/5.4 and PREFIX/lib/lua/5.4, installed or in the build folder. */
static void set_paths(lua_State *L) {
    char path[4096];
    own_path(path);
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(path, '/');
        if (!slash) return;
        *slash = '\0';
    }
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "path");
    lua_pushfstring(L, "%s/share/lua/5.4/?.lua;%s/share/lua/5.4/?/init.lua;%s", path, path, lua_tostring(L, -1));
    lua_setfield(L, -3, "path");
    lua_getfield(L, -2, "cpath");
    lua_pushfstring(L, "%s/lib/lua/5.4/?.so;%s", path, lua_tostring(L, -1));
    lua_setfield(L, -4, "cpath");
    lua_pop(L, 3);
}

/* ---- Ctrl-C ------------------------------------------------------------------------------------------------------------------- */
static lua_State *main_state;   /* what a signal interrupts */
static int interrupts, ends_it; /* how many were raised; is one of them why the script ended? */
static volatile sig_atomic_t is_pending; /* one that is not raised yet: a read that it ended has failed before */

static void on_interrupt_do(void (*handler)(int)) {
    struct sigaction action = { .sa_handler = handler }; /* without SA_RESTART: a read from a terminal comes back */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

static void note_interrupt(int sig);

/* The hook: raises "FILE:LINE: interrupted!", and the next Ctrl-C begins anew. */
static void raise_interrupt(lua_State *L, lua_Debug *at) {
    (void)at;
    lua_sethook(L, NULL, 0, 0);
    on_interrupt_do(note_interrupt);
    is_pending = 0;
    interrupts++;
    luaL_where(L, 0);
    lua_pushliteral(L, "interrupted!");
    lua_concat(L, 2);
    lua_error(L);
}

/* Raised before Lua's next instruction: none of C code is interrupted, nor what it protects with a pcall of its own. Until then
 * a second signal ends the process, for a call into C may be a long one. */
static void note_interrupt(int sig) {
    on_interrupt_do(SIG_DFL);
    (void)sig;
    is_pending = 1;
    lua_sethook(main_state, raise_interrupt, LUA_MASKCOUNT, 1);
}

static int is_tool; /* luron plugin, luron bench, which raise that themselves where the signal was a child's alone */
static int is_interrupt(const char *text) {
    static const char words[] = "interrupted!";
    const size_t n = strlen(text), m = sizeof words - 1;
    return (interrupts > 0 || is_tool) && n >= m && strcmp(text + n - m, words) == 0;
}

/* ---- running ------------------------------------------------------------------------------------------------------------------ */
static int with_traceback(lua_State *L) {
    const char *text = lua_tostring(L, 1);
    if (is_pending || (text && is_interrupt(text))) ends_it = 1;
    if (!text) {
        if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING) return 1;
        text = lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
    }
    lua_getfield(L, LUA_REGISTRYINDEX, "luron.refused"); /* the environment (lua_module.c) */
    if (lua_rawequal(L, 1, -1)) return lua_settop(L, 1), 1;
    luaL_traceback(L, L, text, 1);
    return 1;
}

static int report(lua_State *L, int status) {
    if (status == LUA_OK) return 1;
    const char *text = lua_tostring(L, -1);
    fprintf(stderr, "luron: %s\n", text ? text : "(error without a text)");
    lua_pop(L, 1);
    return 0;
}

/* Call the function below n arguments on top. */
static int run(lua_State *L, int n) {
    int at = lua_gettop(L) - n;
    lua_pushcfunction(L, with_traceback);
    lua_insert(L, at);
    int status = lua_pcall(L, n, 0, at);
    lua_remove(L, at);
    return report(L, status);
}

static int run_code(lua_State *L, const char *code) {
    int status = luaL_loadbufferx(L, code, strlen(code), "=(command line)", "t");
    return status == LUA_OK ? run(L, 0) : report(L, status);
}

static int run_script(lua_State *L, int argc, char **argv, int script) {
    const char *path = strcmp(argv[script], "-") == 0 ? NULL : argv[script];
    int status = luaL_loadfilex(L, path, "t"), n = argc - script - 1;
    if (status != LUA_OK) {
        if (is_pending) ends_it = 1;
        int nameless = strncmp(lua_tostring(L, -1), "attempt to load a ", 18) == 0; /* Lua's message about bytecode */
        if (path && nameless) lua_pushfstring(L, "%s: %s", path, lua_tostring(L, -1));
        return report(L, status);
    }
    luaL_checkstack(L, n + 4, "too many arguments");
    for (int i = script + 1; i < argc; i++) lua_pushstring(L, argv[i]);
    return run(L, n);
}

/* For the process that checks a type of a plugin: where it was that it ended it, for the one that waits (plugin_check.lua). */
#ifndef __SANITIZE_ADDRESS__ /* which says more */
static void say_where(int sig, siginfo_t *info, void *context) {
    static const char null[] = "fault at NULL\n", elsewhere[] = "fault elsewhere\n";
    const int is_null = info->si_code == SEGV_MAPERR && (size_t)info->si_addr < 65536;
    (void)sig, (void)context;
    if (write(STDERR_FILENO, is_null ? null : elsewhere, is_null ? sizeof null - 1 : sizeof elsewhere - 1) < 0) return;
}

static void say_where_it_crashes(void) {
    struct sigaction action = { .sa_sigaction = say_where, .sa_flags = SA_SIGINFO | (int)SA_RESETHAND };
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, NULL); /* back from it the instruction is tried again, and ends the process */
}
#else
static void say_where_it_crashes(void) {}
#endif

/* luron plugin ..., luron bench ...: its Lua module says whether it went well. The index of plugins is needed by the build
 * and asks for no other module. */
static int run_tool(lua_State *L, int argc, char **argv) {
    char path[4096];
    const int is_bench = strcmp(argv[1], "bench") == 0;
    const int is_index = !is_bench && argc == 4 && strcmp(argv[2], "index") == 0 && argv[3][0] != '-';
    const char *code = is_index ? "local message; done, message = pcall(require('luron.core').plugin_index, (select(3, ...))) "
                                  "if not done then io.stderr:write('luron: ', (message:gsub('^luron plugin:1: ', '')), '\\n') end"
                     : is_bench ? "done = require('luron.bench_tool').main(...)"
                                : "done = require('luron.plugin_tool').main(...)";
    if (argc > 2 && strcmp(argv[2], "check-one") == 0) say_where_it_crashes();
    own_path(path);
    if (luaL_loadbufferx(L, code, strlen(code), is_bench ? "=luron bench" : "=luron plugin", "t") != LUA_OK) return report(L, LUA_ERRSYNTAX);
    luaL_checkstack(L, argc + 4, "too many arguments");
    lua_pushstring(L, path);
    for (int i = 2; i < argc; i++) lua_pushstring(L, argv[i]);
    if (!run(L, argc - 1)) return 0;
    lua_getglobal(L, "done");
    return lua_toboolean(L, -1);
}

/* The table `arg`, as lua makes it: [0] the script, what stands before it below. */
static void set_arg(lua_State *L, int argc, char **argv, int script) {
    lua_createtable(L, argc, 1);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i - script);
    }
    lua_setglobal(L, "arg");
}

/* First argument that is no option, argc if there is none; -1: a wrong option, already reported. */
static int find_script(int argc, char **argv) {
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        if (strncmp(argv[i], "-e", 2) == 0) {
            if (!argv[i][2] && ++i == argc) {
                fprintf(stderr, "luron: -e needs code after it\n");
                return -1;
            }
        } else if (strcmp(argv[i], "--") == 0) {
            return i + 1;
        } else {
            fprintf(stderr, "luron: unknown option '%s'; luron --help lists the options\n", argv[i]);
            return -1;
        }
    }
    return i;
}

static int run_all(lua_State *L, int argc, char **argv) {
    int script = find_script(argc, argv), codes = 0;
    if (script < 0) return 0;
    set_arg(L, argc, argv, script < argc ? script : 0);
    for (int i = 1; i < script && i < argc; i++) {
        if (strncmp(argv[i], "-e", 2) != 0) continue;
        if (!run_code(L, argv[i][2] ? argv[i] + 2 : argv[++i])) return 0;
        codes++;
    }
    if (script < argc) return run_script(L, argc, argv, script);
    if (codes) return 1;
    if (isatty(STDIN_FILENO)) return fputs(help, stdout), 1;
    char *input[] = { argv[0], "-" };
    return run_script(L, 2, input, 1);
}

typedef struct job {
    int argc, done;
    char **argv;
} job;

static int protected_main(lua_State *L) {
    job *j = lua_touserdata(L, 1);
    luaL_openlibs(L);
    lua_gc(L, LUA_GCGEN, 0, 0); /* as the lua command has it: most tensors die young, and are then found at once */
    set_paths(L);
    allow_text_only(L);
    is_tool = j->argc > 1 && (strcmp(j->argv[1], "plugin") == 0 || strcmp(j->argv[1], "bench") == 0);
    j->done = is_tool ? run_tool(L, j->argc, j->argv) : run_all(L, j->argc, j->argv);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && (strcmp(argv[1], "-v") == 0 || strcmp(argv[1], "--version") == 0)) return printf("luron %s, %s\n", LURON_VERSION, LUA_RELEASE) < 0;
    if (argc == 2 && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)) return fputs(help, stdout) < 0;
    /* libgomp, which comes with the library, reads this when it is loaded: its own waits of some 15 ms of spinning cost more
     * than they save where cores are shared. About 200 us here. */
    if (!getenv("OMP_WAIT_POLICY")) setenv("GOMP_SPINCOUNT", "4000", 0);
    job j = { argc, 0, argv };
    lua_State *L = luaL_newstate();
    if (!L) {
        fprintf(stderr, "luron: not enough memory\n");
        return EXIT_FAILURE;
    }
    struct sigaction before;
    main_state = L;
    if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler != SIG_IGN) on_interrupt_do(note_interrupt); /* nohup stays so */
    lua_pushcfunction(L, protected_main);
    lua_pushlightuserdata(L, &j);
    int ok = report(L, lua_pcall(L, 1, 0, 0)) && j.done;
    sigaction(SIGINT, &before, NULL);
    lua_close(L);
    if (ends_it && fflush(NULL) == 0) raise(SIGINT); /* as a shell expects: status 130, and its loop ends too */
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
