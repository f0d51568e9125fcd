/* Places and company: names that cannot be written or read, two who write one file, files that must stay open for
 * nobody (the file's half of R24). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bar.h"
#include "hdf5_count.h"
#include "io.h"
#include "io_shim.h"
#include "saver.h"
#include "test_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static saver make_saver(luron_ctx *ctx) {
    assert_ok(ctx, luron_ctx_set_threads(ctx, 1));
    return (saver){ctx, test_folder, 4, 2000};
}

static void assert_step(const saver *s, const char *path, int expected) {
    int step;
    assert_int_equal(saver_load(s, path, &step), SAVER_WHOLE);
    assert_int_equal(step, expected);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */
static char *long_path(char *path, size_t n, size_t part) {
    size_t at = (size_t)snprintf(path, n, "%s", test_folder);
    while (at + 1 < n)
        path[at] = at % part ? 'x' : '/', at++;
    path[at] = 0;
    return path;
}

/* What cannot be written, what cannot be read: why is in the error, and nothing hangs. */
static void test_paths_that_are_refused(void **state) {
    saver s = make_saver(*state);
    luron_ctx *ctx = s.ctx;
    luron_checkpoint *c = NULL;
    char deep[6000], wide[700];
    bar b = bar_begin("R4", "places that cannot be written or read", 0);
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    assert_int_equal(symlink("pipe", in_folder("to-pipe")), 0);
    assert_int_equal(symlink("nowhere", in_folder("to-nowhere")), 0);
    assert_int_equal(symlink("loop", in_folder("loop")), 0);
    assert_int_equal(symlink(test_folder, in_folder("to-folder")), 0);
    write_string(in_folder("plain"), "text");
    const struct {
        const char *path, *save, *load;
    } cases[] = {
        {strdup(in_folder("pipe")), "not a regular file", "not a regular file"},
        {strdup(in_folder("to-pipe")), "not a regular file", "not a regular file"},
        {strdup(in_folder("to-nowhere")), "No such file or directory", "No such file or directory"},
        {strdup(in_folder("loop")), "Too many levels of symbolic links", "Too many levels of symbolic links"},
        {strdup(in_folder("to-folder")), "Is a directory", "Is a directory"},
        {strdup(in_folder("plain/x.h5")), "Not a directory", "Not a directory"},
        {strdup(in_folder("plain/")), "Not a directory", "Not a directory"},
        {strdup(in_folder("new/")), "No such file or directory", "No such file or directory"},
        {test_folder, "Is a directory", "Is a directory"},
        {"/dev/full", "not a regular file", "not a regular file"},
        {"/dev/null", "not a regular file", "not a regular file"},
        {"/dev/stdout/", NULL, NULL},
        {".", "Is a directory", "Is a directory"},
        {"..", "Is a directory", "Is a directory"},
        {"/", "Is a directory", "Is a directory"},
        {"", "empty", "empty"},
        {long_path(deep, sizeof deep, 100), "File name too long", "File name too long"},
        {long_path(wide, sizeof wide, 1000), "File name too long", "File name too long"},
    };
    const int n = sizeof cases / sizeof *cases;
    int bad = 0;
    for (int i = 0; i < n; i++) {
        luron_status saved = saver_save(&s, cases[i].path, 1, 1);
        bool good = saved && (!cases[i].save || strstr(luron_ctx_error(ctx), cases[i].save));
        if (!good) print_message("save %.80s: %s\n", cases[i].path, saved ? luron_ctx_error(ctx) : "done");
        luron_status loaded = luron_checkpoint_load(&c, ctx, cases[i].path, 1);
        bool good_load = loaded && (!cases[i].load || strstr(luron_ctx_error(ctx), cases[i].load));
        if (!good_load) print_message("load %.80s: %s\n", cases[i].path, loaded ? luron_ctx_error(ctx) : "done");
        bad += !good + !good_load;
    }
    for (int i = 0; i < 8; i++)
        free((char *)cases[i].path);
    assert_int_equal(count_files("plain"), 1);
    assert_int_equal(bar_end(&b, 2 * n, bad), 0);
}

/* A name for which no temporary fits beside it, and the longest that works. */
static void test_paths_long_names(void **state) {
    saver s = make_saver(*state);
    char path[600], file[300];
    memset(file, 'n', sizeof file);
    file[220] = 0;
    snprintf(path, sizeof path, "%s/%s", test_folder, file);
    for (int i = 0; i < 3; i++)
        assert_ok(s.ctx, saver_save(&s, path, i, 1));
    assert_step(&s, path, 2);
    file[220] = 'n', file[255] = 0;
    snprintf(path, sizeof path, "%s/%s", test_folder, file);
    assert_fails(s.ctx, saver_save(&s, path, 1, 0), LURON_E_IO, "File name too long");
    file[220] = 0;
    assert_int_equal(count_files(file), 2); /* and the one before it */
}

/* As a user without rights: a folder that cannot be written, a file that cannot be read, one that is read-only. */
static int try_without_rights(const saver *s, const char *closed, const char *hidden, const char *fixed) {
    if (geteuid() == 0 && (setgid(65534) || setuid(65534))) return 0; /* nothing to try */
    luron_checkpoint *c = NULL;
    if (saver_save(s, closed, 1, 0) != LURON_E_IO || !strstr(luron_ctx_error(s->ctx), "Permission denied")) return 1;
    if (luron_checkpoint_load(&c, s->ctx, hidden, 1) != LURON_E_IO ||
        !strstr(luron_ctx_error(s->ctx), "Permission denied"))
        return 2;
    if (saver_save(s, fixed, 9, 1) != LURON_E_IO || !strstr(luron_ctx_error(s->ctx), "Permission denied")) return 3;
    int step;
    if (saver_load(s, fixed, &step) != SAVER_WHOLE || step != 1) return 4;
    return 0;
}

static void test_paths_without_rights(void **state) {
    saver s = make_saver(*state);
    char closed[400], hidden[400], fixed[400];
    int how;
    snprintf(closed, sizeof closed, "%s", in_folder("closed/x.h5"));
    snprintf(hidden, sizeof hidden, "%s", in_folder("hidden.h5"));
    snprintf(fixed, sizeof fixed, "%s", in_folder("open/fixed.h5"));
    assert_int_equal(mkdir(in_folder("closed"), 0555), 0);
    assert_int_equal(mkdir(in_folder("open"), 0777), 0);
    assert_int_equal(chmod(in_folder("open"), 0777) | chmod(test_folder, 0755), 0);
    assert_ok(s.ctx, saver_save(&s, hidden, 1, 0));
    assert_ok(s.ctx, saver_save(&s, fixed, 1, 0));
    assert_int_equal(chmod(hidden, 0) | chmod(fixed, 0444), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) _exit(try_without_rights(&s, closed, hidden, fixed));
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
}

/* Through links to files and to folders; mode of what is there; both for the previous file too. */
static void test_paths_links_and_modes(void **state) {
    static const int modes[] = {0600, 0640, 0664, 0755};
    saver s = make_saver(*state);
    struct stat st;
    char real[400], link_path[400], through[400];
    assert_int_equal(mkdir(in_folder("runs"), 0755), 0);
    snprintf(real, sizeof real, "%s", in_folder("runs/real.h5"));
    snprintf(link_path, sizeof link_path, "%s", in_folder("latest.h5"));
    snprintf(through, sizeof through, "%s", in_folder("current/real.h5"));
    assert_ok(s.ctx, saver_save(&s, real, 0, 0));
    assert_int_equal(symlink("runs/real.h5", link_path), 0);
    assert_int_equal(symlink("runs", in_folder("current")), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(chmod(real, (mode_t)modes[i]), 0);
        for (int copied = 0; copied < 2; copied++) {
            io_shim_arm(&(io_plan){.folder = test_folder, .link_error = copied ? EPERM : 0});
            assert_ok(s.ctx, saver_save(&s, i % 2 ? link_path : through, 2 * i + copied + 1, 1));
            io_shim_disarm();
            assert_step(&s, real, 2 * i + copied + 1);
            assert_step(&s, in_folder("runs/real.h5.prev"), 2 * i + copied);
            for (int k = 0; k < 2; k++) {
                assert_int_equal(stat(k ? in_folder("runs/real.h5.prev") : real, &st), 0);
                if (!k || copied) assert_int_equal(st.st_mode & 07777, modes[i]);
            }
        }
    }
    assert_int_equal(lstat(link_path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(count_files("latest.h5"), 1);
}

/* Where no hard link can be made the old file is copied. */
static void test_paths_without_hard_links(void **state) {
    static const int reasons[] = {EPERM, EOPNOTSUPP, ENOSYS, EMLINK};
    saver s = make_saver(*state);
    char path[400];
    snprintf(path, sizeof path, "%s", in_folder("fat.h5"));
    assert_ok(s.ctx, saver_save(&s, path, 0, 1));
    for (int i = 0; i < 4; i++) {
        io_shim_arm(&(io_plan){.folder = test_folder, .link_error = reasons[i]});
        assert_ok(s.ctx, saver_save(&s, path, i + 1, 1));
        io_shim_disarm();
        assert_step(&s, path, i + 1);
        assert_step(&s, in_folder("fat.h5.prev"), i);
        assert_int_equal(count_files("fat.h5"), 2);
    }
    io_shim_arm(&(io_plan){.folder = test_folder, .link_error = EACCES});
    assert_fails(s.ctx, saver_save(&s, path, 9, 1), LURON_E_IO,
                 "fat.h5.prev: cannot keep the old file as this: Permission denied");
    io_shim_disarm();
    assert_step(&s, path, 4);
    assert_step(&s, in_folder("fat.h5.prev"), 3);
}

/* ---- two who write one file -------------------------------------------------------------------------------------- */
enum { WRITERS = 4 };
static void write_many(const saver *s, const char *path, int who, int n, int link_error) {
    if (link_error) io_shim_arm(&(io_plan){.folder = test_folder, .link_error = link_error});
    for (int i = 1; i <= n; i++)
        if (saver_save(s, path, 1000 * who + i, 1)) {
            print_message("writer %d: %s\n", who, luron_ctx_error(s->ctx));
            _exit(1);
        }
    _exit(0);
}

/* Each save works, and whoever looks finds a whole file and a whole previous one, at any time. */
static int write_together(const saver *s, int n, int link_error, int *looks) {
    char path[400], prev[410];
    pid_t child[WRITERS];
    int bad = 0, step, links, living = WRITERS;
    snprintf(path, sizeof path, "%s", in_folder("shared.h5"));
    snprintf(prev, sizeof prev, "%s.prev", path);
    for (int i = 0; i < 2; i++)
        assert_ok(s->ctx, saver_save(s, path, i, 1));
    for (int i = 0; i < WRITERS; i++) {
        child[i] = fork();
        assert_true(child[i] >= 0);
        if (!child[i]) write_many(s, path, i + 1, n, link_error);
    }
    while (living) {
        int how;
        bad += saver_load(s, path, &step) != SAVER_WHOLE;
        bad += saver_load(s, prev, &step) != SAVER_WHOLE;
        *looks += 2;
        while (living && waitpid(-1, &how, WNOHANG) > 0)
            living--, bad += !WIFEXITED(how) || WEXITSTATUS(how);
    }
    bad += saver_load(s, path, &step) != SAVER_WHOLE || step % 1000 != n; /* the last save of somebody */
    bad += saver_temporaries(s, "shared.h5", &links) + links;
    return bad;
}

static void test_paths_several_writers(void **state) {
    saver s = make_saver(*state);
    const int n = bar_is_long() ? 400 : 40;
    int looks = 0;
    bar b = bar_begin("R1", "four processes save to one file", 0);
    int bad = write_together(&s, n, 0, &looks) + write_together(&s, n, EPERM, &looks);
    print_message("looked %d times\n", looks);
    assert_int_equal(bar_end(&b, 2 * WRITERS * n + looks, bad), 0);
}

/* Who keeps the old file waits for another who is about to put his own into place. */
static void test_paths_a_writer_waits(void **state) {
    saver s = make_saver(*state);
    char path[400];
    int how;
    snprintf(path, sizeof path, "%s", in_folder("waits.h5"));
    for (int i = 0; i < 2; i++)
        assert_ok(s.ctx, saver_save(&s, path, i, 1));
    int lock = open(path, O_RDWR | O_CLOEXEC); /* as one holds it who is about to put his file into place */
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    assert_int_equal(fcntl(lock, F_OFD_SETLK, &l), 0);
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        nanosleep(&(struct timespec){0, 200000000}, NULL);
        _exit(0);
    }
    close(lock); /* the child has it too: until it ends */
    assert_ok(s.ctx, saver_save(&s, path, 2, 1));
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true((double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec) >= 0.2);
    assert_step(&s, path, 2);
    assert_step(&s, in_folder("waits.h5.prev"), 1);
}

/* Somebody else's temporary stays as long as he lives; what a dead one left goes. */
static void test_paths_a_living_writer_is_left_alone(void **state) {
    saver s = make_saver(*state);
    luron__writer *w;
    char path[400];
    snprintf(path, sizeof path, "%s", in_folder("two.h5"));
    assert_ok(s.ctx, luron__writer_open(&w, s.ctx, path));
    assert_ok(s.ctx, luron__writer_put(w, s.ctx, "first", 5));
    assert_ok(s.ctx, saver_save(&s, path, 1, 0));
    assert_int_equal(count_files("two.h5.tmp"), 1);
    assert_step(&s, path, 1);
    luron__writer_free(w); /* given up */
    assert_int_equal(count_files("two.h5.tmp"), 0);
    write_string(in_folder("two.h5.tmp.999999999.00000000"), "left behind");
    write_string(in_folder("two.h5.tmp.notes"), "of the user");
    assert_int_equal(mkfifo(in_folder("two.h5.tmp.999999999.pipe"), 0600), 0);
    assert_ok(s.ctx, saver_save(&s, path, 2, 0));
    assert_int_equal(count_files("two.h5.tmp.999999999.0"), 0);
    assert_int_equal(count_files("two.h5.tmp"), 2);
}

/* ---- nothing stays open -------------------------------------------------------------------------------------------
 */
static int open_files(void) {
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static long resident_pages(void) {
    long size, resident;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld", &size, &resident), 2);
    fclose(f);
    return resident;
}

static void test_paths_cycles_leave_nothing(void **state) {
    saver s = make_saver(*state);
    const int n = bar_is_long() ? 2000 : 300, warm = 50;
    char path[400], broken[400];
    int bad = 0, files = 0, step;
    int64_t ids = 0;
    long pages = 0;
    bar b = bar_begin("R24", "save and load: open files, HDF5 objects, memory", 0);
    snprintf(path, sizeof path, "%s", in_folder("cycle.h5"));
    snprintf(broken, sizeof broken, "%s", in_folder("broken.h5"));
    write_string(broken, "\x89HDF\r\n\x1a\n and nothing that makes sense");
    for (int i = 0; i < n; i++) {
        luron_checkpoint *c = NULL;
        if (i == warm) files = open_files(), pages = resident_pages(), ids = hdf5_held_ids();
        bad += saver_save(&s, path, i, i & 1) != LURON_OK;
        bad += saver_load(&s, path, &step) != SAVER_WHOLE || step != i;
        bad += luron_checkpoint_load(&c, s.ctx, broken, 0) == LURON_OK; /* shown to libhdf5, which refuses it */
        bad += hdf5_open_objects() != 0;
        if (i > warm) bad += open_files() != files;
    }
    bad += hdf5_held_ids() != ids;
    long grown = (resident_pages() - pages) * sysconf(_SC_PAGESIZE);
    print_message("%ld KiB more memory after %d cycles\n", grown / 1024, n - warm);
    bad += !SAVER_IS_SLOW && grown > 1 << 20; /* a sanitizer keeps what was freed */
    assert_int_equal(bar_end(&b, n, bad), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_paths_that_are_refused),     test_case(test_paths_long_names),
        test_case(test_paths_without_rights),       test_case(test_paths_links_and_modes),
        test_case(test_paths_without_hard_links),   test_case(test_paths_several_writers),
        test_case(test_paths_a_writer_waits),       test_case(test_paths_a_living_writer_is_left_alone),
        test_case(test_paths_cycles_leave_nothing),
    };
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
