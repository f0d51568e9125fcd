/* lua_states.c -- several Lua states at once, each in a thread of its own, opened and closed over and over while they train:
 * what the binding remembers of a state (lua/binding/lua_state.c) is never taken for that of another, and each state gets
 * the numbers that one alone gets.                                                                                     */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, STATES = 6, TEXT = 512 };

static const char code[] =
    "local luron = require 'luron'\n"
    "local nn = luron.nn\n"
    "luron.threads(1)\n"
    "luron.seed(...)\n"
    "local model = nn.Sequential { nn.Linear(5, 9), nn.Tanh(), nn.Dropout(0.2), nn.Linear(9, 2) }\n"
    "local opt = luron.optim.Adam(model, { lr = 0.01 })\n"
    "local step = luron.compile(function(x, y)\n"
    "  local loss = nn.cross_entropy(model(x), y)\n"
    "  opt:zero_grad()\n"
    "  loss:backward()\n"
    "  opt:step()\n"
    "  return loss\n"
    "end)\n"
    "local text = {}\n"
    "for i = 1, 40 do\n"
    "  local x = luron.randn(7, 5)\n"
    "  local y = luron.arange(1, 7):remainder(2):to 'int64' + 1\n"
    "  if i % 8 == 0 then text[#text + 1] = string.format('%a', step(x, y):item()) else step(x, y) end\n"
    "  if i == 20 then collectgarbage() end\n"
    "end\n"
    "return table.concat(text, ' ')\n";

/* What the code gives for a seed, in a state of its own; 0: it failed, and the text says why. */
static int result(char text[TEXT], int seed) {
    lua_State *L = luaL_newstate();
    if (!L) return 0;
    luaL_openlibs(L);
    int status = luaL_loadstring(L, code);
    lua_pushinteger(L, seed);
    if (!status) status = lua_pcall(L, 1, 1, 0);
    const char *given = lua_tostring(L, -1);
    snprintf(text, TEXT, "%s", given ? given : "no text");
    lua_close(L);
    return !status;
}

static char expected[THREADS][TEXT];

/* arg: the text of its thread. Gives the text of the first state that was wrong; NULL: none was. */
static void *work(void *arg) {
    const char *wanted = arg;
    const int seed = (int)((char(*)[TEXT])arg - expected);
    for (int i = 0; i < STATES; i++) {
        char text[TEXT];
        if (!result(text, seed) || strcmp(text, wanted)) return strdup(text);
    }
    return NULL;
}

int main(void) {
    pthread_t thread[THREADS];
    int wrong = 0;
    for (int i = 0; i < THREADS; i++) {
        if (result(expected[i], i)) continue;
        fprintf(stderr, "one state alone: %s\n", expected[i]);
        return 1;
    }
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, work, expected[i])) return 1;
    for (int i = 0; i < THREADS; i++) {
        void *text;
        pthread_join(thread[i], &text);
        if (!text) continue;
        fprintf(stderr, "thread %d: expected %s, got %s\n", i, expected[i], (char *)text);
        free(text);
        wrong++;
    }
    printf("%d states in %d threads, %d wrong\n", THREADS * STATES, THREADS, wrong);
    return wrong != 0;
}
