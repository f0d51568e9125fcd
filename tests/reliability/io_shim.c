#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "io_shim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { RUN, FAIL, FAIL_AFTER, HALF, DIE_AFTER };
static struct {
    io_plan plan;
    bool armed, fired;
    int calls;
    char folder[2][PATH_MAX]; /* as given, and without links */
    io_record *journal;
    int n, cap;
} shim;

const char *io_op_name(int op) {
    static const char *const names[IO_OPS] = {"open", "stat",   "read", "write", "sync", "close", "rename",
                                              "link", "unlink", "mode", "lock",  "dup",  "mark"};
    return names[op];
}

/* ---- which calls ------------------------------------------------------------------------------------------------- */
/* The part of a path below the folder; false: it is elsewhere. */
static bool watched(const char *path, char name[static 96]) {
    if (!shim.armed || !path) return false;
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(shim.folder[i]);
        if (!n || strncmp(path, shim.folder[i], n) || (path[n] && path[n] != '/')) continue;
        snprintf(name, 96, "%.95s", path[n] ? path + n + 1 : "");
        return true;
    }
    return false;
}

static bool watched_fd(int fd, char name[static 96]) {
    char link[64], path[PATH_MAX];
    if (!shim.armed) return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long n = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (n <= 0) return false;
    path[n] = 0;
    return watched(path, name);
}

static bool stat_fd(int fd, struct stat *st) { return syscall(SYS_fstat, fd, st) == 0; }

/* ---- the journal ------------------------------------------------------------------------------------------------- */
static io_record *note(int op, const char *name, int error) {
    if (shim.n == shim.cap) {
        shim.cap = shim.cap ? 2 * shim.cap : 256;
        shim.journal = realloc(shim.journal, (size_t)shim.cap * sizeof *shim.journal);
        if (!shim.journal) abort();
    }
    io_record *r = &shim.journal[shim.n++];
    memset(r, 0, sizeof *r);
    r->op = op, r->error = error;
    memcpy(r->name, name, sizeof r->name);
    return r;
}

static void note_fd(int op, const char *name, int error, int fd) {
    struct stat st;
    io_record *r = note(op, name, error);
    if (stat_fd(fd, &st)) r->ino = st.st_ino, r->folder = S_ISDIR(st.st_mode);
}

void io_shim_mark(int mark) { note(IO_MARK, (char[96]){0}, 0)->mark = mark; }

const io_record *io_shim_journal(int *n) {
    *n = shim.n;
    return shim.journal;
}

void io_shim_print(void) {
    for (int i = 0; i < shim.n; i++) {
        const io_record *r = &shim.journal[i];
        printf("%3d %-6s %s%s%s", i, io_op_name(r->op), r->folder ? "(folder)" : r->name, r->to[0] ? " -> " : "",
               r->to);
        if (r->op == IO_WRITE || r->op == IO_READ) printf(" %lld+%lld", (long long)r->offset, (long long)r->size);
        printf("%s%s\n", r->error ? ": " : "", r->error ? strerror(r->error) : "");
    }
}

int io_shim_calls(void) { return shim.calls; }
bool io_shim_fired(void) { return shim.fired; }
void io_shim_disarm(void) { shim.armed = false; }

void io_shim_arm(const io_plan *plan) {
    char *real = realpath(plan->folder, NULL);
    for (int i = 0; i < shim.n; i++)
        free(shim.journal[i].data);
    snprintf(shim.folder[0], PATH_MAX, "%s", plan->folder);
    snprintf(shim.folder[1], PATH_MAX, "%s", real ? real : "");
    free(real);
    shim.plan = *plan;
    shim.n = shim.calls = 0;
    shim.fired = false, shim.armed = true;
}

/* ---- what happens at a call -------------------------------------------------------------------------------------- */
static void cut(const char *name, int64_t synced, int64_t size) {
    char path[PATH_MAX + 100];
    snprintf(path, sizeof path, "%s/%s", shim.folder[0], name);
    if (syscall(SYS_truncate, path, synced)) return; /* it is gone */
    if (shim.plan.action == IO_POWER_ZERO) syscall(SYS_truncate, path, size);
}

/* Each file that was written after its last sync loses what came since. */
static void lose_unsynced(void) {
    for (int i = 0; i < shim.n; i++) {
        const io_record *made = &shim.journal[i];
        char name[96];
        int64_t size = 0, synced = 0;
        if (made->op != IO_OPEN || !made->created || made->error) continue;
        memcpy(name, made->name, sizeof name);
        for (int k = i + 1; k < shim.n; k++) {
            const io_record *r = &shim.journal[k];
            if (r->error) continue;
            if (r->op == IO_WRITE && r->ino == made->ino && r->offset + r->size > size) size = r->offset + r->size;
            if (r->op == IO_SYNC && r->ino == made->ino) synced = size;
            if (r->op == IO_RENAME && strcmp(r->name, name) == 0) memcpy(name, r->to, sizeof name);
        }
        if (synced < size) cut(name, synced, size);
    }
}

static int judge(int op) {
    const io_plan *p = &shim.plan;
    if (p->ops && !(p->ops & 1u << op)) return RUN;
    int now = ++shim.calls;
    if (!p->at || now < p->at || (now > p->at && !p->sticky)) return RUN;
    shim.fired = true;
    switch (p->action) {
    case IO_FAIL:
        errno = p->error;
        return FAIL;
    case IO_FAIL_AFTER:
        return FAIL_AFTER;
    case IO_SHORT:
        return HALF;
    case IO_KILL_HALF:
        return DIE_AFTER;
    case IO_POWER_CUT:
    case IO_POWER_ZERO:
        lose_unsynced();
        break;
    default:
        break;
    }
    kill(getpid(), SIGKILL);
    return RUN;
}

static long after(int how, long result) {
    if (how == DIE_AFTER) kill(getpid(), SIGKILL);
    if (how != FAIL_AFTER) return result;
    errno = shim.plan.error;
    return -1;
}

static size_t part(int how, size_t n) { return (how == HALF || how == DIE_AFTER) && n > 1 ? n / 2 : n; }

/* ---- the calls --------------------------------------------------------------------------------------------------- */
static bool is_temporary(const char *name) {
    size_t n = strlen(name);
    return strstr(name, ".tmp.") && (n < 5 || strcmp(name + n - 5, ".prev"));
}

int open(const char *path, int flags, ...) {
    char name[96], direct[PATH_MAX];
    va_list args;
    va_start(args, flags);
    int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, int) : 0;
    va_end(args);
    if (!watched(path, name)) return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    int how = judge(IO_OPEN);
    if (how == FAIL) return note(IO_OPEN, name, errno), -1;
    if (shim.plan.plant & IO_IN_PLACE && flags & O_EXCL && is_temporary(name)) {
        snprintf(direct, sizeof direct, "%s", path);
        *strstr(direct, ".tmp.") = 0, *strstr(name, ".tmp.") = 0;
        path = direct, flags = (flags & ~O_EXCL) | O_TRUNC;
    }
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode), error = fd < 0 ? errno : 0;
    note_fd(IO_OPEN, name, error, fd);
    shim.journal[shim.n - 1].created = !error && flags & O_CREAT;
    errno = error;
    return fd < 0 ? fd : (int)after(how, fd);
}
int open64(const char *path, int flags, ...) {
    va_list args;
    va_start(args, flags);
    int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, int) : 0;
    va_end(args);
    return open(path, flags, mode);
}

int fstat(int fd, struct stat *st) {
    char name[96];
    if (!watched_fd(fd, name)) return (int)syscall(SYS_fstat, fd, st);
    int how = judge(IO_STAT);
    note_fd(IO_STAT, name, how == FAIL ? errno : 0, fd);
    return how == FAIL ? -1 : (int)after(how, syscall(SYS_fstat, fd, st));
}

static long move_bytes(int op, long call, int fd, void *data, size_t n, off_t at, bool placed) {
    char name[96];
    if (!watched_fd(fd, name)) return syscall(call, fd, data, n, at);
    int how = judge(op);
    int64_t offset = placed ? at : syscall(SYS_lseek, fd, 0, SEEK_CUR);
    long got = how == FAIL ? -1 : syscall(call, fd, data, part(how, n), at);
    int error = got < 0 ? errno : 0;
    note_fd(op, name, error, fd);
    io_record *r = &shim.journal[shim.n - 1];
    r->offset = offset, r->size = got < 0 ? 0 : got;
    if (op == IO_WRITE && got > 0) {
        r->data = malloc((size_t)got);
        if (!r->data) abort();
        memcpy(r->data, data, (size_t)got);
    }
    errno = error;
    return how == FAIL ? -1 : after(how, got);
}
ssize_t read(int fd, void *data, size_t n) { return move_bytes(IO_READ, SYS_read, fd, data, n, 0, false); }
ssize_t pread(int fd, void *data, size_t n, off_t at) {
    return move_bytes(IO_READ, SYS_pread64, fd, data, n, at, true);
}
ssize_t write(int fd, const void *data, size_t n) {
    return move_bytes(IO_WRITE, SYS_write, fd, (void *)data, n, 0, false);
}
ssize_t pwrite(int fd, const void *data, size_t n, off_t at) {
    return move_bytes(IO_WRITE, SYS_pwrite64, fd, (void *)data, n, at, true);
}
/* What a fortified build calls. */
ssize_t __pread_chk(int fd, void *data, size_t n, off_t at, size_t room);
ssize_t __pread_chk(int fd, void *data, size_t n, off_t at, size_t room) {
    return n > room ? (abort(), -1) : pread(fd, data, n, at);
}
ssize_t __read_chk(int fd, void *data, size_t n, size_t room);
ssize_t __read_chk(int fd, void *data, size_t n, size_t room) { return n > room ? (abort(), -1) : read(fd, data, n); }

static int sync_fd(long call, int fd) {
    char name[96];
    struct stat st;
    if (!watched_fd(fd, name)) return (int)syscall(call, fd);
    int how = judge(IO_SYNC);
    bool folder = stat_fd(fd, &st) && S_ISDIR(st.st_mode);
    unsigned forget = folder ? IO_FORGET_FOLDER_SYNC : IO_FORGET_SYNC | IO_RENAME_FIRST;
    if (how != FAIL && shim.plan.plant & forget) return 0;
    int result = how == FAIL ? -1 : (int)syscall(call, fd), error = result ? errno : 0;
    note_fd(IO_SYNC, name, error, fd);
    errno = error;
    return how == FAIL ? -1 : (int)after(how, result);
}
int fsync(int fd) { return sync_fd(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_fd(SYS_fdatasync, fd); }

int close(int fd) {
    char name[96];
    if (!watched_fd(fd, name)) return (int)syscall(SYS_close, fd);
    int how = judge(IO_CLOSE);
    int error = how == FAIL || how == FAIL_AFTER ? shim.plan.error : 0;
    note_fd(IO_CLOSE, name, error, fd);
    int result = (int)syscall(SYS_close, fd); /* closed all the same, as the kernel does */
    if (how == DIE_AFTER) kill(getpid(), SIGKILL);
    errno = error;
    return error ? -1 : result;
}

int rename(const char *from, const char *to) {
    char name[96], name_to[96];
    struct stat st = {0};
    if (!watched(from, name) || !watched(to, name_to))
        return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    int how = judge(IO_RENAME);
    if (how != FAIL && shim.plan.plant & IO_IN_PLACE && is_temporary(name)) return 0;
    lstat(from, &st);
    int result = how == FAIL ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    int error = result ? errno : 0;
    io_record *r = note(IO_RENAME, name, error);
    r->ino = st.st_ino;
    memcpy(r->to, name_to, sizeof r->to);
    if (!error && shim.plan.plant & IO_RENAME_FIRST && is_temporary(name)) note(IO_SYNC, name_to, 0)->ino = st.st_ino;
    errno = error;
    return how == FAIL ? -1 : (int)after(how, result);
}

int link(const char *from, const char *to) {
    char name[96], name_to[96];
    struct stat st = {0};
    if (!watched(from, name) || !watched(to, name_to)) return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    int how = judge(IO_LINK), result = -1;
    if (how != FAIL && shim.plan.link_error)
        errno = lstat(from, &st) ? ENOENT : shim.plan.link_error;
    else if (how != FAIL)
        result = (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    int error = result ? errno : 0;
    io_record *r = note(IO_LINK, name, error);
    if (lstat(from, &st) == 0) r->ino = st.st_ino;
    memcpy(r->to, name_to, sizeof r->to);
    errno = error;
    return how == FAIL ? -1 : (int)after(how, result);
}

int unlink(const char *path) {
    char name[96];
    if (!watched(path, name)) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    int how = judge(IO_UNLINK);
    int result = how == FAIL ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0), error = result ? errno : 0;
    note(IO_UNLINK, name, error);
    errno = error;
    return how == FAIL ? -1 : (int)after(how, result);
}

int fchmod(int fd, mode_t mode) {
    char name[96];
    if (!watched_fd(fd, name)) return (int)syscall(SYS_fchmod, fd, mode);
    int how = judge(IO_MODE);
    note_fd(IO_MODE, name, how == FAIL ? errno : 0, fd);
    return how == FAIL ? -1 : (int)after(how, syscall(SYS_fchmod, fd, mode));
}

int fcntl(int fd, int command, ...) {
    char name[96];
    va_list args;
    va_start(args, command);
    long arg = va_arg(args, long);
    va_end(args);
    if ((command != F_OFD_SETLK && command != F_DUPFD_CLOEXEC) || !watched_fd(fd, name))
        return (int)syscall(SYS_fcntl, fd, command, arg);
    int op = command == F_OFD_SETLK ? IO_LOCK : IO_DUP, how = judge(op);
    int result = how == FAIL ? -1 : (int)syscall(SYS_fcntl, fd, command, arg), error = result < 0 ? errno : 0;
    note_fd(op, name, error, fd);
    errno = error;
    return how == FAIL ? -1 : (int)after(how, result);
}
