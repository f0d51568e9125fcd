/* Saving when the system fails: the calls that a save makes are caught here and made to fail, to do half, or to be the
 * last thing that the process does. After each the old file or the new one must load, and no other.                    */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "io.h"
#include "test_files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

/* ---- the calls of a save ----------------------------------------------------------------------------------------- */
enum { OPEN = 'o', WRITE = 'w', SYNC = 's', CLOSE = 'c', LINK = 'l', RENAME = 'r' };
static struct {
    bool on, sticky, kill, half;
    int error, at, count;
    char journal[4096]; /* what was called, in order */
} shim;

static void shim_arm(int at, int error, bool sticky, bool kill_there) {
    memset(&shim, 0, sizeof shim);
    shim.on = true, shim.at = at, shim.error = error, shim.sticky = sticky, shim.kill = kill_there;
}

/* Note a call; true: it has to fail. */
static bool shim_call(char what) {
    if (!shim.on) return false;
    if (shim.count < (int)sizeof shim.journal - 1) shim.journal[shim.count] = what;
    int now = ++shim.count;
    if (!shim.at || now < shim.at || (now > shim.at && !shim.sticky)) return false;
    if (shim.kill) kill(getpid(), SIGKILL);
    errno = shim.error;
    return true;
}

int open(const char *path, int flags, ...) {
    va_list args;
    va_start(args, flags);
    int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, int) : 0;
    va_end(args);
    return (flags & O_CREAT) && shim_call(OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
ssize_t write(int fd, const void *data, size_t n) {
    if (shim_call(WRITE)) return -1;
    return syscall(SYS_write, fd, data, shim.on && shim.half && n > 1 ? n / 2 : n);
}
int fsync(int fd) { return shim_call(SYNC) ? -1 : (int)syscall(SYS_fsync, fd); }
int close(int fd) {
    bool fails = shim_call(CLOSE);
    int result = (int)syscall(SYS_close, fd); /* closed all the same, as the kernel does */
    if (!fails) return result;
    errno = shim.error;
    return -1;
}
int link(const char *from, const char *to) {
    return shim_call(LINK) ? -1 : (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}
int rename(const char *from, const char *to) {
    return shim_call(RENAME) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* ---- a state that shows when it is torn: the step in a text and in every element of many tensors ----------------- */
enum { N_TENSORS = 12, N_ELEMENTS = 3000 };

static luron_status save_step(luron_ctx *ctx, const char *path, int step, int keep_prev) {
    luron_checkpoint *c;
    char text[64];
    luron_status status = luron_checkpoint_new(&c, ctx);
    if (status) return status;
    for (int i = 0; i < N_TENSORS && !status; i++) {
        luron_tensor *t;
        snprintf(text, sizeof text, "parameters/layer%d/weight", i);
        status = luron_tensor_full(&t, ctx, LURON_F32, 1, (const int64_t[]){ N_ELEMENTS }, step);
        if (status) break;
        status = luron_checkpoint_set_tensor(c, ctx, text, t);
        luron_tensor_unref(t);
    }
    snprintf(text, sizeof text, "%d", step);
    if (!status) status = luron_checkpoint_set_text(c, ctx, "training/step", text);
    if (!status) status = luron_checkpoint_save(c, ctx, path, NULL, keep_prev);
    luron_checkpoint_free(c);
    return status;
}

/* The step that a file holds, which must be whole. */
static int load_step(luron_ctx *ctx, const char *path) {
    luron_checkpoint *c;
    assert_ok(ctx, luron_checkpoint_load(&c, ctx, path, 1));
    int step = atoi(luron_checkpoint_text(c, "training/step"));
    for (int i = 0; i < N_TENSORS; i++) {
        char text[64];
        snprintf(text, sizeof text, "parameters/layer%d/weight", i);
        luron_tensor *t = luron_checkpoint_tensor(c, text);
        assert_non_null(t);
        const float *x = luron_tensor_data(t);
        for (int k = 0; k < N_ELEMENTS; k++) assert_true(x[k] == (float)step);
    }
    luron_checkpoint_free(c);
    return step;
}

static void test_write_order_of_calls(void **state) {
    luron_ctx *ctx = *state;
    assert_ok(ctx, save_step(ctx, in_folder("order.h5"), 1, 1));
    shim_arm(0, 0, false, false);
    assert_ok(ctx, save_step(ctx, in_folder("order.h5"), 2, 1));
    shim.on = false;
    /* made, written, synced, closed; the old one linked; both put into place; the folder synced; the two locks closed */
    const char *p = shim.journal + strcspn(shim.journal, "o");
    assert_int_equal(*p++, OPEN);
    size_t writes = strspn(p, "w");
    assert_true(writes >= 1);
    assert_string_equal(p + writes, "sclrrsccc");
}

static void test_write_every_call_may_fail(void **state) {
    luron_ctx *ctx = *state;
    static const int errors[] = { ENOSPC, EIO, EROFS, EDQUOT };
    int tried = 0;
    for (int sticky = 0; sticky < 2; sticky++)
        for (size_t e = 0; e < sizeof errors / sizeof *errors; e++)
            for (int k = 1;; k++, tried++) {
                assert_ok(ctx, save_step(ctx, in_folder("fault.h5"), 1, 0));
                shim_arm(k, errors[e], sticky, false);
                luron_status status = save_step(ctx, in_folder("fault.h5"), 2, 1);
                shim.on = false;
                bool reached = shim.count >= k, in_place = status && strstr(luron_ctx_error(ctx), "file is in "
                                                                                                  "place");
                assert_int_equal(count_files("fault.h5.tmp"), 0);
                if (!reached) {
                    assert_int_equal(status, LURON_OK);
                    break;
                }
                if (status) {
                    assert_int_equal(status, LURON_E_IO);
                    assert_non_null(strstr(luron_ctx_error(ctx), "fault.h5"));
                    assert_non_null(strstr(luron_ctx_error(ctx), strerror(errors[e])));
                }
                assert_int_equal(load_step(ctx, in_folder("fault.h5")), !status || in_place ? 2 : 1);
            }
    print_message("%d calls made to fail\n", tried);
}

static void test_write_short_writes_are_continued(void **state) {
    luron_ctx *ctx = *state;
    shim_arm(0, 0, false, false);
    shim.half = true;
    assert_ok(ctx, save_step(ctx, in_folder("half.h5"), 5, 0));
    shim.on = false;
    assert_int_equal(load_step(ctx, in_folder("half.h5")), 5);
    shim_arm(2, EINTR, false, false); /* the first write */
    assert_ok(ctx, save_step(ctx, in_folder("half.h5"), 6, 0));
    shim.on = false;
    assert_int_equal(load_step(ctx, in_folder("half.h5")), 6);
}

/* A child that dies at its k-th call. @return false: it lived on. */
static bool save_and_die(luron_ctx *ctx, const char *path, int step, int k) {
    int how;
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        shim_arm(k, 0, false, true);
        _exit(save_step(ctx, path, step, 1) ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    if (WIFSIGNALED(how)) return true;
    assert_int_equal(WEXITSTATUS(how), 0);
    return false;
}

static void test_write_killed_at_every_call(void **state) {
    luron_ctx *ctx = *state;
    const char *path = in_folder("dead.h5");
    char name[400];
    snprintf(name, sizeof name, "%s", path);
    int deaths = 0, new_ones = 0;
    assert_ok(ctx, save_step(ctx, name, 0, 0));
    for (int k = 1; k < 1000; k++) {
        bool died = save_and_die(ctx, name, k, k);
        int step = load_step(ctx, name);
        assert_true(step == k || (died && step == 1000 + k - 1) || k == 1);
        deaths += died, new_ones += step == k;
        assert_true(count_files("dead.h5.tmp") <= 2); /* the new file, and the second name of the old one */
        assert_ok(ctx, save_step(ctx, name, 1000 + k, 1));
        assert_int_equal(count_files("dead.h5.tmp"), 0);
        if (!died) break;
    }
    assert_true(deaths >= 8);
    print_message("%d deaths, after %d of them the new file was there\n", deaths, new_ones - 1);
}

static void test_write_killed_at_any_moment(void **state) {
    luron_ctx *ctx = *state;
    char name[400];
    snprintf(name, sizeof name, "%s", in_folder("kill.h5"));
    uint64_t seed = 3;
    int last = 0, stale = 0;
    assert_ok(ctx, save_step(ctx, name, 0, 0));
    for (int i = 0; i < 50; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (!child)
            for (int step = last + 1;; step++)
                if (save_step(ctx, name, step, step & 1)) _exit(1);
        struct timespec pause = { 0, (long)(test_random(&seed) % 8000000) };
        nanosleep(&pause, NULL);
        int how;
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how));
        int step = load_step(ctx, name), temporaries = count_files("kill.h5.tmp");
        assert_true(step >= last && temporaries <= 2);
        stale += temporaries > 0;
        last = step;
        if (i % 10 == 9) {
            assert_ok(ctx, save_step(ctx, name, ++last, 1));
            assert_int_equal(count_files("kill.h5.tmp"), 0);
        }
    }
    print_message("50 kills, %d steps saved, %d kills left a temporary, removed by the next save\n", last, stale);
}

/* Somebody else's temporary stays as long as he lives. */
static void test_write_a_living_writer_is_left_alone(void **state) {
    luron_ctx *ctx = *state;
    luron__writer *w;
    char name[400];
    snprintf(name, sizeof name, "%s", in_folder("two.h5"));
    assert_ok(ctx, luron__writer_open(&w, ctx, name));
    assert_ok(ctx, luron__writer_put(w, ctx, "first", 5));
    assert_ok(ctx, save_step(ctx, name, 1, 0));
    assert_int_equal(count_files("two.h5.tmp"), 1);
    assert_int_equal(load_step(ctx, name), 1);
    luron__writer_free(w); /* given up */
    assert_int_equal(count_files("two.h5.tmp"), 0);
    write_string(in_folder("two.h5.tmp.999999999.00000000"), "left behind");
    write_string(in_folder("two.h5.tmp.notes"), "of the user");
    assert_ok(ctx, save_step(ctx, name, 2, 0));
    assert_int_equal(count_files("two.h5.tmp.9"), 0);
    assert_int_equal(count_files("two.h5.tmp.notes"), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_write_order_of_calls),
        test_case(test_write_every_call_may_fail),
        test_case(test_write_short_writes_are_continued),
        test_case(test_write_killed_at_every_call),
        test_case(test_write_killed_at_any_moment),
        test_case(test_write_a_living_writer_is_left_alone),
    };
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
