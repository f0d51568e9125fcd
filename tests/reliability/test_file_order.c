/* The order of the calls of a save, and what is left where the power fails (R3): written, synced, closed, renamed, the
 * folder synced. The journal of real saves is judged, and every state that a file system may legally be in at any point
 * of it is made and loaded (replay.h). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bar.h"
#include "io_shim.h"
#include "replay.h"
#include "saver.h"
#include "test_files.h"

#include <errno.h>
#include <fcntl.h>

static char name[400], prev[410];

static saver make_saver(luron_ctx *ctx) {
    assert_ok(ctx, luron_ctx_set_threads(ctx, 1));
    snprintf(name, sizeof name, "%s", in_folder("order.h5"));
    snprintf(prev, sizeof prev, "%s.prev", name);
    return (saver){ctx, test_folder, 6, 700};
}

/* ---- the order --------------------------------------------------------------------------------------------------- */
static int find(const io_record *journal, int n, int from, int op, uint64_t ino, bool folder) {
    for (int i = from; i < n; i++)
        if (journal[i].op == op && !journal[i].error && journal[i].folder == folder &&
            (folder || journal[i].ino == ino))
            return i;
    return -1;
}

/* Is the file that a rename put into place whole on the disk before it, and its name after it? `from`: a temporary. */
static const char *judge_rename(const io_record *journal, int n, int at) {
    uint64_t ino = journal[at].ino;
    int sync = -1, close = -1, made = -1;
    for (int i = 0; i < at; i++) {
        const io_record *r = &journal[i];
        if (r->ino != ino) continue;
        if (r->op == IO_OPEN && r->created) made = i;
        if (r->op == IO_SYNC && r->error) return "renamed after a failed sync";
        if (r->op == IO_CLOSE && r->error) return "renamed after a failed close";
        if (r->op == IO_SYNC) sync = i;
        if (r->op == IO_CLOSE && sync >= 0 && close < 0) close = i;
        if (r->op == IO_WRITE) sync = close = -1;
    }
    if (made < 0) return NULL; /* the old file's second name: it was on the disk before */
    if (sync < 0) return "renamed, but not synced after the last write";
    if (close < 0) return "renamed, but not closed after the sync";
    if (find(journal, n, at, IO_WRITE, ino, false) >= 0) return "written after it was renamed";
    return NULL;
}

/* What is wrong with a journal; NULL: nothing. ok: the save said that it worked. */
static const char *judge_order(const io_record *journal, int n, bool ok) {
    int last = -1;
    for (int i = 0; i < n; i++) {
        const io_record *r = &journal[i];
        if (r->op == IO_OPEN && r->created && !strstr(r->name, ".tmp.")) return "written in place";
        if (r->op != IO_RENAME || r->error) continue;
        const char *wrong = judge_rename(journal, n, i);
        if (wrong) return wrong;
        last = i;
    }
    if (ok && last < 0) return "nothing was renamed";
    if (ok && find(journal, n, last, IO_SYNC, 0, true) < 0) return "the folder was not synced after the last rename";
    return NULL;
}

/* One save with a plan. @return what is wrong with the order of its calls. */
static const char *save_and_judge(const saver *s, io_plan plan, int step, int keep) {
    int n;
    plan.folder = test_folder;
    io_shim_arm(&plan);
    luron_status status = saver_save(s, name, step, keep);
    io_shim_disarm();
    const io_record *journal = io_shim_journal(&n);
    return judge_order(journal, n, !status);
}

/* Saves of all kinds, and saves of which any one call fails: what is done after that has its order too. */
static int judge_many(const saver *s, unsigned plant, int *n) {
    static const int errors[] = {EIO, ENOSPC};
    int bad = 0;
    saver_clear(s);
    for (int keep = 0; keep < (plant & IO_IN_PLACE ? 1 : 2); keep++) /* in place the old file is the new one */
        for (int link_error = 0; link_error <= (keep ? EPERM : 0); link_error += EPERM)
            for (size_t e = 0; e < sizeof errors / sizeof *errors; e++)
                for (int k = 0;; k++, ++*n) { /* 0: none fails */
                    io_plan plan = {.at = k, .error = errors[e], .plant = plant, .link_error = link_error};
                    const char *wrong = save_and_judge(s, plan, k, keep);
                    bad += wrong != NULL;
                    if (wrong && !plant) {
                        print_message("call %d, %s: %s\n", k, strerror(errors[e]), wrong);
                        io_shim_print();
                    }
                    if (k && !io_shim_fired()) break;
                }
    return bad;
}

static void test_order_of_calls(void **state) {
    saver s = make_saver(*state);
    int n = 0;
    bar b = bar_begin("R3", "order of the calls of a save", 0);
    int bad = judge_many(&s, 0, &n);
    assert_int_equal(bar_end(&b, n, bad), 0);
}

/* ---- the power fails --------------------------------------------------------------------------------------------- */
typedef struct power {
    saver s;      /* with a folder of its own, where states are laid out */
    bool had_one; /* a file was there when it began */
    int keep, reports;
} power;

static const char *judge_state(power *p, const char *path, int low, int high) {
    char before[410];
    int step, older, links;
    int result = saver_load(&p->s, path, &step);
    snprintf(before, sizeof before, "%s.prev", path);
    if (result == SAVER_MISSING && (p->had_one || low > 0)) return "the file is missing";
    if (result != SAVER_WHOLE && result != SAVER_MISSING) return "the file is not whole";
    if (result == SAVER_WHOLE && step != low && step != high) return "the file is neither the old one nor the new one";
    result = saver_load(&p->s, before, &older);
    if (result == SAVER_MISSING && p->keep && low >= 2) return "the previous file is missing";
    if (result != SAVER_MISSING && result != SAVER_WHOLE) return "the previous file is not whole";
    if (result == SAVER_WHOLE && step >= 0 && older > step) return "the previous file is newer";
    if (saver_save(&p->s, path, high + 1, p->keep)) return "the next save fails";
    if (saver_temporaries(&p->s, "order.h5", &links) + links) return "the next save left a temporary";
    return NULL;
}

static bool good_state(void *ud, const replay_folder *state, int low, int high) {
    power *p = ud;
    char path[400];
    saver_clear(&p->s);
    replay_write(state, p->s.folder);
    for (int i = 0; i < state->n; i++) { /* by the time the machine is up again, a while has gone by */
        struct timespec then[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
        snprintf(path, sizeof path, "%.200s/%.150s", p->s.folder, state->files[i].name);
        assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
    }
    snprintf(path, sizeof path, "%.200s/order.h5", p->s.folder);
    const char *wrong = judge_state(p, path, low, high);
    if (wrong && p->reports++ < 3) print_message("after save %d, before %d: %s\n", low, high, wrong);
    return !wrong;
}

/* Saves 1 .. n into a folder that holds `before` of them, and the power fails at any point. */
static replay_result cut_power(const saver *s, int before, int n, int keep, int link_error, unsigned plant,
                               uint64_t seed) {
    static char folder[300];
    replay_folder start;
    power p = {.s = *s, .had_one = before > 0, .keep = keep, .reports = plant ? 3 : 0};
    int n_journal;
    snprintf(folder, sizeof folder, "%s.states", test_folder);
    assert_true(mkdir(folder, 0700) == 0 || errno == EEXIST);
    p.s.folder = folder;
    saver_clear(s);
    for (int i = 1; i <= before; i++)
        assert_ok(s->ctx, saver_save(s, name, i, keep));
    replay_read(&start, test_folder);
    io_shim_arm(&(io_plan){.folder = test_folder, .plant = plant, .link_error = link_error});
    for (int i = before + 1; i <= before + n; i++) {
        assert_ok(s->ctx, saver_save(s, name, i, keep));
        io_shim_mark(i);
    }
    io_shim_disarm();
    const io_record *journal = io_shim_journal(&n_journal);
    replay_result r = replay_run(&start, journal, n_journal, before, seed, good_state, &p);
    replay_free(&start);
    saver_clear(&p.s);
    assert_int_equal(rmdir(folder), 0);
    return r;
}

static replay_result cut_power_often(const saver *s, unsigned plant, uint64_t seed, int long_form) {
    replay_result all = {0};
    for (int before = 0; before < 3; before++)
        for (int keep = 0; keep < 2; keep++)
            for (int link_error = 0; link_error <= (keep ? EPERM : 0); link_error += EPERM) {
                replay_result r = cut_power(s, before, long_form ? 4 : 2, keep, link_error, plant, seed);
                all.states += r.states, all.different += r.different, all.bad += r.bad;
            }
    return all;
}

static void test_order_power_cuts(void **state) {
    saver s = make_saver(*state);
    bar b = bar_begin("R3", "states after a power cut", 1);
    replay_result r = cut_power_often(&s, 0, b.seed, bar_is_long());
    for (int i = 1; bar_is_long() && i < 20; i++) {
        replay_result more = cut_power_often(&s, 0, b.seed + (uint64_t)i, 1);
        r.states += more.states, r.different += more.different, r.bad += more.bad;
    }
    print_message("%lld states, %lld of them different\n", (long long)r.states, (long long)r.different);
    assert_true(r.different > 100);
    assert_int_equal(bar_end(&b, r.states, r.bad), 0);
}

/* ---- the tests are tested: each planted fault has to be found, by the order and by what it does ------------------ */
static void test_order_finds_planted_faults(void **state) {
    static const struct {
        unsigned plant;
        const char *what;
    } faults[] = {
        {IO_FORGET_SYNC, "the file is not synced"},
        {IO_FORGET_FOLDER_SYNC, "the folder is not synced"},
        {IO_RENAME_FIRST, "renamed before it is synced"},
        {IO_IN_PLACE, "written in place"},
    };
    const int planted = sizeof faults / sizeof *faults;
    saver s = make_saver(*state);
    bar b = bar_begin("R3", "planted faults of saving that order and power cuts find", 1);
    int missed = 0, n = 0;
    for (int i = 0; i < planted; i++) {
        int order = judge_many(&s, faults[i].plant, &n);
        replay_result r = cut_power(&s, 1, 2, 0, 0, faults[i].plant, b.seed);
        print_message("%s: wrong order %d times, %lld bad states of %lld\n", faults[i].what, order, (long long)r.bad,
                      (long long)r.states);
        missed += (order == 0) + (r.bad == 0);
    }
    assert_int_equal(bar_end(&b, 2 * planted, missed), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_order_of_calls),
        test_case(test_order_power_cuts),
        test_case(test_order_finds_planted_faults),
    };
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
