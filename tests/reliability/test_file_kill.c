/* A process that dies while it saves: at a random moment (R1) and at every call that a save makes to the system (R2).
 * Whatever happens the name holds the old state or the new one, whole. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bar.h"
#include "io_shim.h"
#include "saver.h"
#include "test_files.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static saver make_saver(luron_ctx *ctx, int tensors, int elements) {
    setenv("LURON_NUM_THREADS", "1", 1);
    assert_ok(ctx, luron_ctx_set_threads(ctx, 1)); /* children have no threads of ours */
    return (saver){ctx, test_folder, tensors, elements};
}

static int wait_for(pid_t child) {
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    return how;
}

/* ---- R1 ---------------------------------------------------------------------------------------------------------- */
/* Save, one state after the other, until killed; the old file kept or not. */
static void save_for_ever(const saver *s, const char *path, int step, int keep, unsigned plant) {
    if (plant) io_shim_arm(&(io_plan){.folder = test_folder, .plant = plant});
    for (;; step++)
        if (saver_save(s, path, step, keep)) _exit(1);
}

/* Nanoseconds that a save takes here and now. */
static uint64_t time_of_save(const saver *s, const char *path) {
    struct timespec begin, end;
    assert_ok(s->ctx, saver_save(s, path, 0, 1)); /* the plugin is loaded */
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < 2; i++)
        assert_ok(s->ctx, saver_save(s, path, i, 1));
    clock_gettime(CLOCK_MONOTONIC, &end);
    uint64_t ns = (uint64_t)(end.tv_sec - begin.tv_sec) * 1000000000u + (uint64_t)(end.tv_nsec - begin.tv_nsec);
    return ns / 2 < 100000000 ? ns / 2 : 100000000;
}

/* One kill, within a few saves. @return how many things are wrong. */
static int kill_once(const saver *s, const char *path, const char *prev, int keep, unsigned plant, uint64_t ns,
                     int *last, int *stale) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) save_for_ever(s, path, *last + 1, keep, plant);
    nanosleep(&(struct timespec){0, (long)ns}, NULL);
    kill(child, SIGKILL);
    int how = wait_for(child), step, links, bad = !WIFSIGNALED(how);
    bad += saver_load(s, path, &step) != SAVER_WHOLE || step < *last;
    int own = saver_temporaries(s, "kill.h5", &links), prev_step;
    bad += own > 1 || links > 1;
    if (keep) bad += saver_load(s, prev, &prev_step) != SAVER_WHOLE || prev_step >= step;
    *stale += own > 0;
    *last = step > *last ? step : *last;
    return bad;
}

static int kill_often(const saver *s, int n, int keep, unsigned plant, uint64_t seed) {
    char path[400], prev[410];
    int last = 1, stale = 0, bad = 0, links;
    snprintf(path, sizeof path, "%s", in_folder("kill.h5"));
    snprintf(prev, sizeof prev, "%s.prev", path);
    const uint64_t ns = 3 * time_of_save(s, path);
    for (int i = 0; i < n; i++) {
        bad += kill_once(s, path, prev, keep, plant, test_random(&seed) % ns, &last, &stale) > 0;
        if (plant || test_random(&seed) % 4) continue;
        assert_ok(s->ctx, saver_save(s, path, ++last, keep)); /* which removes what the dead left */
        bad += saver_temporaries(s, "kill.h5", &links) + links;
    }
    print_message("%d kills, %d states saved, %d kills left a temporary\n", n, last, stale);
    if (plant) return bad;
    assert_ok(s->ctx, saver_save(s, path, ++last, keep));
    bad += saver_temporaries(s, "kill.h5", &links) + links;
    assert_true(last > n / 4 && stale); /* else the kills come at a time that says nothing */
    saver_clear(s);
    return bad;
}

static void test_kill_at_any_moment(void **state) {
    saver s = make_saver(*state, 12, 16384); /* 64 KiB each */
    const int n = bar_is_long() ? 1000 : SAVER_IS_SLOW ? 30 : 80;
    bar b = bar_begin("R1", "kill -9 at a random moment of a save", 1);
    int bad = kill_often(&s, n, 0, 0, b.seed) + kill_often(&s, n, 1, 0, b.seed + 1);
    assert_int_equal(bar_end(&b, 2 * n, bad), 0);
}

/* ---- R2 ---------------------------------------------------------------------------------------------------------- */
typedef struct scene {
    const char *what;
    int keep, before; /* before: files that are there already: 0, 1 (NAME), 2 (NAME.prev too) */
    int link_error;
    bool symbolic;
} scene;
static const scene scenes[] = {
    {"nothing there", 0, 0, 0, false}, {"replaced", 0, 1, 0, false},
    {"kept", 1, 1, 0, false},          {"kept again", 1, 2, 0, false},
    {"through a link", 1, 2, 0, true}, {"kept without hard links", 1, 2, EPERM, false},
};

static void prepare(const saver *s, const scene *at, const char *path, int step) {
    char real[400];
    int there;
    snprintf(real, sizeof real, "%s", in_folder("dead.h5"));
    saver_clear(s);
    for (int i = 0; i < at->before; i++)
        assert_ok(s->ctx, saver_save(s, real, step - 2 + i, i));
    if (at->symbolic) assert_int_equal(symlink("dead.h5", path), 0);
    if (at->before) assert_int_equal(saver_load(s, path, &there), SAVER_WHOLE);
}

/* The next state, by a child that follows the plan. @return it died. */
static bool save_in_child(const saver *s, const char *path, int step, int keep, const io_plan *plan) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        io_shim_arm(plan);
        luron_status status = saver_save(s, path, step, keep);
        _exit(status ? 1 : 0);
    }
    int how = wait_for(child);
    if (WIFSIGNALED(how)) return true;
    assert_int_equal(WEXITSTATUS(how), 0);
    return false;
}

/* What a death at call k leaves behind. @return how many things are wrong. */
static int look_after_death(const saver *s, const scene *at, const char *path, int step) {
    char prev[410];
    int there, links, bad = 0, result = saver_load(s, path, &there), old = step - 3 + at->before;
    snprintf(prev, sizeof prev, "%s.prev", in_folder("dead.h5"));
    if (result == SAVER_MISSING)
        bad += at->before > 0;
    else
        bad += result != SAVER_WHOLE || (there != step && (there != old || !at->before));
    if (at->before == 2 || access(prev, F_OK) == 0) bad += saver_load(s, prev, &there) != SAVER_WHOLE || there >= step;
    int own = saver_temporaries(s, "dead.h5", &links);
    bad += own > (at->link_error ? 2 : 1) || links > 1; /* a copy of the old file is one too */
    if (saver_save(s, path, step + 1, at->keep)) return bad + 1;
    bad += saver_temporaries(s, "dead.h5", &links) + links;
    return bad + (saver_load(s, path, &there) != SAVER_WHOLE || there != step + 1);
}

static int kill_everywhere(const saver *s, const scene *at, int action, unsigned plant, int *n) {
    char path[400];
    int bad = 0;
    snprintf(path, sizeof path, "%s", in_folder(at->symbolic ? "link.h5" : "dead.h5"));
    for (int k = 1;; k++, ++*n) {
        prepare(s, at, path, 3 * k);
        io_plan plan = {.folder = test_folder, .at = k, .action = action, .plant = plant, .link_error = at->link_error};
        if (!save_in_child(s, path, 3 * k, at->keep, &plan)) break;
        int wrong = look_after_death(s, at, path, 3 * k);
        if (wrong && !plant) print_message("%s: killed at call %d (kind %d): wrong\n", at->what, k, action);
        bad += wrong > 0;
    }
    return bad;
}

static void test_kill_at_every_call(void **state) {
    static const int actions[] = {IO_KILL, IO_POWER_CUT, IO_KILL_HALF, IO_POWER_ZERO};
    const size_t n_actions = bar_is_long() ? 4 : SAVER_IS_SLOW ? 1 : 3;
    saver s = make_saver(*state, 3, 6000);
    int n = 0, bad = 0;
    bar b = bar_begin("R2", "killed at every call of a save", 0);
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        for (size_t a = 0; a < n_actions; a++)
            bad += kill_everywhere(&s, &scenes[i], actions[a], 0, &n);
    assert_true(n > 100);
    assert_int_equal(bar_end(&b, n, bad), 0);
}

/* ---- the tests are tested: a save that is not safe has to be found ----------------------------------------------- */
static void test_kill_finds_planted_faults(void **state) {
    saver large = make_saver(*state, 12, 16384), s = make_saver(*state, 3, 6000);
    bar b = bar_begin("R2", "planted faults of saving that kills find", 1);
    int missed = 0, n = 0;
    int found[] = {
        kill_often(&large, 12, 0, IO_IN_PLACE, b.seed),
        kill_everywhere(&s, &scenes[1], IO_KILL, IO_IN_PLACE, &n),
        kill_everywhere(&s, &scenes[1], IO_POWER_CUT, IO_FORGET_SYNC, &n),
        kill_everywhere(&s, &scenes[3], IO_POWER_ZERO, IO_FORGET_SYNC, &n),
    };
    const int planted = sizeof found / sizeof *found;
    for (int i = 0; i < planted; i++)
        missed += !found[i];
    print_message("planted faults: seen %d, %d, %d, %d times\n", found[0], found[1], found[2], found[3]);
    assert_int_equal(bar_end(&b, planted, missed), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_kill_at_any_moment),
        test_case(test_kill_at_every_call),
        test_case(test_kill_finds_planted_faults),
    };
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
