/* Saving and loading through the Lua API while the system fails (R4), and while the process is killed (R1): the luron
 * command runs save_faults.lua with io_shim.so in it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bar.h"
#include "saver.h"
#include "test_files.h"

#include <link.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <time.h>

static char command[600], script[600], shim[1300];

static int is_sanitizer(struct dl_phdr_info *info, size_t size, void *ud) {
    (void)size;
    if (!strstr(info->dlpi_name, "libasan")) return 0;
    *(const char **)ud = info->dlpi_name;
    return 1;
}

/* @return false: built without Lua. */
static bool find_command(void) {
    const char *build = getenv("LURON_TEST_BUILD"), *source = getenv("LURON_TEST_SOURCE"), *first = NULL;
    assert_true(build && source);
    snprintf(command, sizeof command, "%s/bin/luron", build);
    snprintf(script, sizeof script, "%s/tests/reliability/save_faults.lua", source);
    dl_iterate_phdr(is_sanitizer, &first); /* which has to come before all others */
    snprintf(shim, sizeof shim, "%s%s%s/tests/io_shim.so", first ? first : "", first ? ":" : "", build);
    return access(command, X_OK) == 0;
}

/* Start the script; its output comes through *out. */
static pid_t start(FILE **out, const char *what, uint64_t seed, bool preload) {
    int ends[2];
    char number[32];
    snprintf(number, sizeof number, "%llu", (unsigned long long)seed);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        if (preload) setenv("LD_PRELOAD", shim, 1);
        execl(command, command, script, test_folder, what, number, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    *out = fdopen(ends[0], "r");
    assert_non_null(*out);
    return child;
}

static void test_lua_errors(void **state) {
    (void)state;
    bar b = bar_begin("R4", "every call of save and load fails, in Lua", 1);
    char line[400];
    int n = 0, bad = 0, how;
    FILE *out;
    if (!find_command()) skip();
    pid_t child = start(&out, "faults", b.seed, true);
    while (fgets(line, sizeof line, out))
        if (sscanf(line, "%d %d", &n, &bad) != 2) print_message("%s", line);
    fclose(out);
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    assert_true(n > 100);
    assert_int_equal(bar_end(&b, n, bad), 0);
}

/* @return how many things are wrong after one kill; *last: the state that the file holds. */
static int kill_once(const saver *s, uint64_t ns, int *last) {
    char path[400], prev[410], line[100];
    int how, step, older, links;
    FILE *out;
    snprintf(path, sizeof path, "%s", in_folder("model.h5"));
    snprintf(prev, sizeof prev, "%s.prev", path);
    pid_t child = start(&out, "kill", 1, false);
    bool ready = fgets(line, sizeof line, out) && strcmp(line, "ready\n") == 0;
    nanosleep(&(struct timespec){0, (long)ns}, NULL);
    kill(child, SIGKILL);
    fclose(out);
    assert_int_equal(waitpid(child, &how, 0), child);
    int bad = !ready || !WIFSIGNALED(how);
    bad += saver_load(s, path, &step) != SAVER_WHOLE || step < 2;
    bad += saver_load(s, prev, &older) != SAVER_WHOLE || older >= step;
    bad += saver_temporaries(s, "model.h5", &links) > 1 || links > 1;
    *last = step;
    return bad;
}

static void test_lua_kills(void **state) {
    saver s = {*state, test_folder, 4, 0};
    bar b = bar_begin("R1", "kill -9 while a model is saved in Lua", 5);
    const int n = bar_is_long() ? 200 : 20;
    uint64_t seed = b.seed;
    int bad = 0, last = 0, furthest = 0;
    if (!find_command()) skip();
    for (int i = 0; i < n; i++) {
        bad += kill_once(&s, test_random(&seed) % 15000000, &last) > 0;
        furthest = last > furthest ? last : furthest;
    }
    print_message("up to state %d\n", furthest);
    assert_true(furthest > 2);
    assert_int_equal(bar_end(&b, n, bad), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_lua_errors),
        test_case(test_lua_kills),
    };
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
