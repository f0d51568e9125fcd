/* The system fails while a file is written or read (R4): every call of a save and of a load gives every error, once and
 * from then on, or does half of what it was asked. The error says what and why, the old file stays, no temporary is
 * left, training goes on with the same numbers and a later save works. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bar.h"
#include "io_shim.h"
#include "saver.h"
#include "test_files.h"

#include "../core/training.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

static const int errors[] = {ENOSPC, EIO, EINTR, EROFS, EDQUOT};
enum { N_ERRORS = sizeof errors / sizeof *errors };

static int open_files(void) {
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static saver make_saver(luron_ctx *ctx) {
    assert_ok(ctx, luron_ctx_set_threads(ctx, 1));
    return (saver){ctx, test_folder, 3, 6000};
}

/* Does the error say which file, and why? */
static bool says(luron_ctx *ctx, luron_status status, const char *file, int error) {
    const char *text = luron_ctx_error(ctx);
    return status == LURON_E_IO && strstr(text, test_folder) && strstr(text, file) && strstr(text, strerror(error));
}

/* ---- saving ------------------------------------------------------------------------------------------------------ */
typedef struct scene {
    int keep, link_error;
} scene;
static const scene scenes[] = {{0, 0}, {1, 0}, {1, EOPNOTSUPP}};

/* One save of `step` over step - 1 under a plan. @return what is wrong. */
static const char *save_under(const saver *s, const char *path, const io_plan *plan, int step, int keep) {
    const int before = open_files();
    int there, links;
    char prev[410];
    snprintf(prev, sizeof prev, "%s.prev", path);
    io_shim_arm(plan);
    luron_status status = saver_save(s, path, step, keep);
    io_shim_disarm();
    bool in_place = status && strstr(luron_ctx_error(s->ctx), "file is in place");
    if (!io_shim_fired()) return status ? "it failed for no reason" : NULL;
    if (status && !says(s->ctx, status, "fault.h5", plan->error)) return luron_ctx_error(s->ctx);
    if (open_files() != before) return "a file stays open";
    int left = saver_temporaries(s, "fault.h5", &links) + links;
    if (left && !plan->sticky) return "a temporary is left";
    if (saver_load(s, path, &there) != SAVER_WHOLE) return "the file is not whole";
    if (there != (!status || in_place ? step : step - 1)) return "the file is not the one that it should be";
    if (saver_load(s, prev, &there) != SAVER_WHOLE || there >= step) return "the previous file is not whole";
    if (saver_save(s, path, step + 1, keep)) return "the next save fails";
    return saver_temporaries(s, "fault.h5", &links) + links && !left ? "the next save leaves a temporary" : NULL;
}

static int fail_every_call(const saver *s, const scene *at, int action, int error, bool sticky, unsigned ops, int *n) {
    char path[400];
    int bad = 0;
    snprintf(path, sizeof path, "%s", in_folder("fault.h5"));
    for (int k = 1;; k++, ++*n) {
        saver_clear(s);
        for (int i = 0; i < 2; i++)
            assert_ok(s->ctx, saver_save(s, path, i, 1));
        io_plan plan = {.folder = test_folder,
                        .ops = ops,
                        .at = k,
                        .action = action,
                        .error = error,
                        .sticky = sticky,
                        .link_error = at->link_error};
        const char *wrong = save_under(s, path, &plan, 2, at->keep);
        bad += wrong != NULL;
        if (wrong) {
            print_message("keep %d, call %d, %s%s: %s\n", at->keep, k, strerror(error), sticky ? " for ever" : "",
                          wrong);
            io_shim_print();
        }
        if (!io_shim_fired()) return bad;
    }
}

static void test_errors_of_saving(void **state) {
    saver s = make_saver(*state);
    const unsigned names = 1u << IO_RENAME | 1u << IO_LINK | 1u << IO_UNLINK | 1u << IO_SYNC;
    const int n_errors = SAVER_IS_SLOW && !bar_is_long() ? 3 : N_ERRORS;
    int n = 0, bad = 0;
    bar b = bar_begin("R4", "every call of a save fails", 0);
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        for (int sticky = 0; sticky < 2; sticky++) {
            for (int e = 0; e < n_errors; e++)
                if (!(sticky && errors[e] == EINTR)) /* no signal comes for ever */
                    bad += fail_every_call(&s, &scenes[i], IO_FAIL, errors[e], sticky, 0, &n);
            bad += fail_every_call(&s, &scenes[i], IO_SHORT, EIO, sticky, 1u << IO_WRITE | 1u << IO_READ, &n);
        }
    /* done, but the answer is lost, as a network may do */
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
        bad += fail_every_call(&s, &scenes[i], IO_FAIL_AFTER, EIO, false, names & ~(1u << IO_RENAME), &n);
    assert_int_equal(bar_end(&b, n, bad), 0);
}

/* ---- training goes on -------------------------------------------------------------------------------------------- */
static luron_status save_training(luron_ctx *ctx, training *t, const char *path) {
    luron_checkpoint *c = make_checkpoint(ctx, t);
    luron_status status = luron_checkpoint_save(c, ctx, path, NULL, 1);
    luron_checkpoint_free(c);
    return status;
}

static void test_errors_training_goes_on(void **state) {
    luron_ctx *ctx = *state;
    bar b = bar_begin("R4", "training goes on after saves that fail", 3);
    char path[400];
    int n = 0, bad = 0;
    snprintf(path, sizeof path, "%s", in_folder("training.h5"));
    luron_ctx_seed(ctx, b.seed);
    training calm = make_training(ctx, 8);
    for (int i = 0; i < 120; i++)
        train_step(ctx, &calm);
    luron_ctx_seed(ctx, b.seed);
    training t = make_training(ctx, 8);
    assert_ok(ctx, save_training(ctx, &t, path));
    for (int i = 0; i < 120; i++, n++) {
        train_step(ctx, &t);
        io_shim_arm(&(io_plan){.folder = test_folder, .at = 1 + i % 24, .error = errors[i % 4], .sticky = i % 3 == 0});
        luron_status status = save_training(ctx, &t, path);
        io_shim_disarm();
        bad += status && !says(ctx, status, "training.h5", errors[i % 4]);
    }
    assert_same_training(&t, &calm);
    assert_ok(ctx, save_training(ctx, &t, path));
    luron_checkpoint *c;
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, path, 1));
    train_step(ctx, &calm);
    assert_ok(ctx, luron_checkpoint_restore(ctx, c, calm.model));
    assert_ok(ctx, luron_checkpoint_restore_optim(ctx, c, calm.optim));
    assert_same_training(&t, &calm);
    luron_checkpoint_free(c);
    free_training(&t);
    free_training(&calm);
    assert_int_equal(bar_end(&b, n, bad), 0);
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */
/* One load under a plan. @return what is wrong. */
static const char *load_under(const saver *s, const char *path, const io_plan *plan, bool harmless) {
    const int before = open_files();
    luron_checkpoint *c = NULL;
    io_shim_arm(plan);
    luron_status status = luron_checkpoint_load(&c, s->ctx, path, 1);
    io_shim_disarm();
    luron_checkpoint_free(c);
    if (open_files() != before) return "a file stays open";
    if (harmless || !io_shim_fired()) return status ? luron_ctx_error(s->ctx) : NULL;
    if (status && !says(s->ctx, status, "read.h5", plan->error)) return luron_ctx_error(s->ctx);
    int step;
    return saver_load(s, path, &step) == SAVER_WHOLE && step == 3 ? NULL : "it cannot be loaded any more";
}

static void test_errors_of_loading(void **state) {
    saver s = make_saver(*state);
    char path[400];
    int n = 0, bad = 0;
    bar b = bar_begin("R4", "every call of a load fails", 0);
    snprintf(path, sizeof path, "%s", in_folder("read.h5"));
    saver_clear(&s);
    assert_ok(s.ctx, saver_save(&s, path, 3, 0));
    for (int prev = 0; prev < 2; prev++) { /* which is looked at when the file cannot be read */
        for (int sticky = 0; sticky < 2; sticky++)
            for (int e = 0; e <= N_ERRORS; e++)
                for (int k = 1;; k++, n++) {
                    const int error = e < N_ERRORS ? errors[e] : EIO;
                    io_plan plan = {.folder = test_folder,
                                    .at = k,
                                    .action = e < N_ERRORS ? IO_FAIL : IO_SHORT,
                                    .error = error,
                                    .sticky = sticky};
                    if (sticky && error == EINTR) break;
                    if (error == EINTR)
                        plan.ops = 1u << IO_OPEN | 1u << IO_READ | 1u << IO_CLOSE; /* the rest never waits */
                    const char *wrong = load_under(&s, path, &plan, error == EINTR || e == N_ERRORS);
                    if (wrong) print_message("call %d, %s: %s\n", k, strerror(error), wrong);
                    bad += wrong != NULL;
                    if (!io_shim_fired()) break;
                }
        assert_ok(s.ctx, saver_save(&s, path, 3, 1));
    }
    assert_int_equal(bar_end(&b, n, bad), 0);
}

/* ---- a limit that is real ---------------------------------------------------------------------------------------- */
static void test_errors_a_limit_on_the_size(void **state) {
    saver s = make_saver(*state);
    struct rlimit old, small;
    char path[400];
    int step;
    snprintf(path, sizeof path, "%s", in_folder("limit.h5"));
    saver_clear(&s);
    assert_ok(s.ctx, saver_save(&s, path, 1, 0));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    small = old, small.rlim_cur = 50000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    luron_status status = saver_save(&s, path, 2, 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, LURON_E_IO);
    assert_non_null(strstr(luron_ctx_error(s.ctx), strerror(EFBIG)));
    assert_int_equal(saver_load(&s, path, &step), SAVER_WHOLE);
    assert_int_equal(step, 1);
    assert_int_equal(count_files("limit.h5"), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_errors_of_saving),
        test_case(test_errors_training_goes_on),
        test_case(test_errors_of_loading),
        test_case(test_errors_a_limit_on_the_size),
    };
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
