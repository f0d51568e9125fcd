/* A file that appears whole or not at all: written beside its place under a name of its own, synced, renamed, and the
 * folder synced. The old file stays until the rename. A failed write, sync or close is never tried again: after it the
 * kernel may have dropped the data. Two who write one file at once do not disturb each other: each has a temporary of
 * its own, and the file is that of who came last.                                                                      */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* F_OFD_SETLK */
#endif
#include "io.h"
#include "plan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 65536, STALE_SECONDS = 60, WAIT_MS = 5000, SHOWN = 600, START_WRITING = 8 << 20 };

struct luron__writer {
    luron__pool *pool;
    int fd, lock, old_lock; /* lock: of the temporary, old_lock: of the second name of the old file; -1: none */
    bool made, kept;        /* the temporary is there; so is that second name */
    char target[PATH_MAX], temp[PATH_MAX + 64], old[PATH_MAX + 72];
    size_t folder; /* bytes of target up to and with the last '/' */
    luron__xxh64 hash;
    uint64_t size, started; /* started: as far as the disk was told to begin */
    size_t have;
    uint8_t buffer[BUFFER];
};

/* ---- paths in messages ------------------------------------------------------------------------------------------- */
/* A message has room for the end of a very long path alone: what is wrong has to fit too. */
static const char *shown(const char *path, const char **dots) {
    size_t n = strlen(path);
    *dots = n > SHOWN ? "..." : "";
    return n > SHOWN ? path + n - SHOWN : path;
}

luron_status luron__io_error(luron_ctx *ctx, const char *path, const char *what, int error) {
    char text[256];
    const char *dots, *end = shown(path, &dots), *reason = strerror_r(error, text, sizeof text); /* GNU's */
    return luron__fail(ctx, LURON_E_IO, "%s%s: cannot %s: %s", dots, end, what, reason);
}

luron_status luron__io_wrap(luron_ctx *ctx, luron_status status, const char *path) {
    const char *dots, *end = shown(path, &dots);
    size_t n = strlen(dots);
    if (strncmp(ctx->error, dots, n) == 0 && strncmp(ctx->error + n, end, strlen(end)) == 0) return status;
    return luron__wrap(ctx, status, "%s%s", dots, end);
}

/* ---- temporaries ------------------------------------------------------------------------------------------------- */
/* A writer holds this lock on its temporary for as long as it lives, on any machine that shares the folder. */
static bool lock(int fd) {
    struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    return fcntl(fd, F_OFD_SETLK, &l) == 0;
}

/* Lock what is being written. @return a second descriptor, which holds the lock when the first one is closed, before the
 * file is in place. -1: locks do not work here; then its process alone says whether a temporary is stale. */
static int hold(int fd) { return lock(fd) ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1; }

/* Remove NAME.tmp.PID.* of a process that is gone. */
static void remove_if_stale(const char *path, long pid) {
    struct stat st;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return;
    bool known = fstat(fd, &st) == 0 && S_ISREG(st.st_mode), gone = kill((pid_t)pid, 0) < 0 && errno == ESRCH;
    bool old = known && time(NULL) - st.st_mtime > STALE_SECONDS; /* a container gives its pids again */
    if (known && (gone || old) && lock(fd)) unlink(path);
    close(fd);
}

static void remove_stale(const luron__writer *w) {
    char folder[PATH_MAX], path[2 * PATH_MAX];
    const char *name = w->target + w->folder;
    size_t n = strlen(name);
    snprintf(folder, sizeof folder, "%.*s", (int)(w->folder ? w->folder : 1), w->folder ? w->target : ".");
    DIR *dir = opendir(folder);
    if (!dir) return;
    for (struct dirent *e; (e = readdir(dir));) {
        if (strncmp(e->d_name, name, n) || strncmp(e->d_name + n, ".tmp.", 5)) continue;
        char *end;
        long pid = strtol(e->d_name + n + 5, &end, 10);
        if (pid <= 0 || *end != '.') continue;
        snprintf(path, sizeof path, "%.*s%s", (int)w->folder, w->target, e->d_name);
        remove_if_stale(path, pid);
    }
    closedir(dir);
}

bool luron__io_target(char target[PATH_MAX], const char *path) {
    struct stat st;
    errno = ENAMETOOLONG;
    if (strlen(path) >= PATH_MAX) return false;
    if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) return realpath(path, target);
    strcpy(target, path);
    return true;
}

/* Where the file goes: a link is followed, so that it stays a link. Mode of what is there, -1: nothing. */
static luron_status find_target(luron__writer *w, luron_ctx *ctx, const char *path, int *mode) {
    struct stat st;
    LURON__CHECK(ctx, path && *path, LURON_E_ARGUMENT, "the path of the file is empty");
    if (!luron__io_target(w->target, path))
        return luron__io_error(ctx, path, errno == ENAMETOOLONG ? "write" : "follow the link", errno);
    *mode = -1;
    if (stat(w->target, &st) == 0) {
        if (S_ISDIR(st.st_mode)) return luron__io_error(ctx, path, "write", EISDIR);
        LURON__CHECK(ctx, S_ISREG(st.st_mode), LURON_E_IO, "cannot write: not a regular file");
        /* A rename would get past it, but who made a file read-only wants to keep it. */
        if (faccessat(AT_FDCWD, w->target, W_OK, AT_EACCESS)) return luron__io_error(ctx, path, "write", errno);
        *mode = (int)(st.st_mode & 0777);
    }
    const char *slash = strrchr(w->target, '/');
    w->folder = slash ? (size_t)(slash - w->target) + 1 : 0;
    return LURON_OK;
}

static luron_status make_temporary(luron__writer *w, luron_ctx *ctx, int mode) {
    strcpy(w->temp, w->target); /* which has room for the rest */
    for (int tries = 0; tries < 100; tries++) {
        char rest[48];
        uint32_t random = 0;
        if (getentropy(&random, sizeof random)) random = (uint32_t)tries;
        snprintf(rest, sizeof rest, ".tmp.%ld.%08x", (long)getpid(), random);
        strcpy(w->temp + strlen(w->target), rest);
        w->fd = open(w->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode < 0 ? 0666 : 0600);
        if (w->fd >= 0 || (errno != EEXIST && errno != EINTR)) break;
    }
    if (w->fd < 0) return luron__io_error(ctx, w->target, "make a file beside it", errno);
    w->made = true;
    w->lock = hold(w->fd);
    if (mode >= 0 && fchmod(w->fd, (mode_t)mode)) return luron__io_error(ctx, w->temp, "set the mode", errno);
    return LURON_OK;
}

luron_status luron__writer_open(luron__writer **out, luron_ctx *ctx, const char *path) {
    luron__writer *w = NULL;
    int mode;
    luron__plan_refuse(ctx, "writes a file");
    LURON_TRY(luron__alloc(&w, ctx, sizeof *w));
    w->pool = ctx->pool, w->fd = w->lock = w->old_lock = -1;
    luron__xxh64_init(&w->hash);
    luron_status status = find_target(w, ctx, path, &mode);
    if (!status) {
        remove_stale(w);
        status = make_temporary(w, ctx, mode);
    }
    if (status) luron__writer_free(w);
    else *out = w;
    return status;
}

const char *luron__writer_path(const luron__writer *w) { return w->temp; }

static luron_status write_all(luron__writer *w, luron_ctx *ctx, int fd, const uint8_t *p, uint64_t n) {
    while (n) {
        ssize_t got = write(fd, p, n < (1u << 30) ? n : 1u << 30);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return luron__io_error(ctx, w->target, "write", got ? errno : EIO);
        p += got, n -= (uint64_t)got;
    }
    return LURON_OK;
}

static luron_status flush(luron__writer *w, luron_ctx *ctx) {
    size_t n = w->have;
    w->have = 0;
    return write_all(w, ctx, w->fd, w->buffer, n);
}

/* Let the disk begin with what was written, so that the sync at the end waits for little. A hint: that it cannot be given
 * is no failure, but what is said of the disk is. */
static luron_status start_writing(luron__writer *w, luron_ctx *ctx) {
#ifdef SYNC_FILE_RANGE_WRITE
    if (w->size - w->started < START_WRITING) return LURON_OK;
    const off_t at = (off_t)w->started;
    w->started = w->size;
    if (sync_file_range(w->fd, at, (off_t)w->size - at, SYNC_FILE_RANGE_WRITE) &&
        (errno == EIO || errno == ENOSPC || errno == EDQUOT))
        return luron__io_error(ctx, w->target, "write", errno);
#else
    (void)w, (void)ctx;
#endif
    return LURON_OK;
}

/* Sum and write piece by piece: the second finds in cache what the first has read. */
static luron_status put_large(luron__writer *w, luron_ctx *ctx, const uint8_t *data, uint64_t n) {
    for (uint64_t step; n; data += step, n -= step) {
        step = n < LURON__HASHED ? n : LURON__HASHED;
        luron__xxh64_add(&w->hash, data, step);
        LURON_TRY(write_all(w, ctx, w->fd, data, step));
        w->size += step;
        LURON_TRY(start_writing(w, ctx));
    }
    return LURON_OK;
}

luron_status luron__writer_put(luron__writer *w, luron_ctx *ctx, const void *data, uint64_t n) {
    if (!n) return LURON_OK;
    LURON__CHECK(ctx, n <= LURON__MAX_FILE - w->size, LURON_E_IO, "%s: cannot write: larger than %llu bytes", w->target,
                 (unsigned long long)LURON__MAX_FILE);
    if (n > BUFFER - w->have) LURON_TRY(flush(w, ctx));
    if (n > BUFFER) return put_large(w, ctx, data, n);
    luron__xxh64_add(&w->hash, data, n);
    w->size += n;
    memcpy(w->buffer + w->have, data, n);
    w->have += n;
    return LURON_OK;
}

luron_status luron__writer_adopt(luron__writer *w, luron_ctx *ctx) {
    for (;;) {
        ssize_t got = pread(w->fd, w->buffer, BUFFER, (off_t)w->size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return luron__io_error(ctx, w->temp, "read back", errno);
        if (!got) break;
        luron__xxh64_add(&w->hash, w->buffer, (size_t)got);
        w->size += (uint64_t)got;
    }
    return lseek(w->fd, (off_t)w->size, SEEK_SET) < 0 ? luron__io_error(ctx, w->temp, "read back", errno) : LURON_OK;
}

/* ---- the old file stays as NAME.prev ----------------------------------------------------------------------------- */
static luron_status prev_error(luron__writer *w, luron_ctx *ctx, int error) {
    char prev[sizeof w->target + 8];
    snprintf(prev, sizeof prev, "%s.prev", w->target);
    return luron__io_error(
        ctx, prev, w->made ? "keep the old file as this" : "keep the old file as this (the new file is in place)", error);
}

/* Lock the file that is in place, so that who comes at the same time waits: what he then keeps is ours. Without a lock
 * we go on all the same, since no file is harmed. */
static int lock_old(const luron__writer *w) {
    struct stat st, now;
    for (int ms = 0; ms < WAIT_MS; ms += 5) {
        int fd = open(w->target, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0) return -1;
        bool locked = lock(fd), busy = !locked && (errno == EAGAIN || errno == EACCES);
        if (locked && fstat(fd, &st) == 0 && lstat(w->target, &now) == 0 && st.st_ino == now.st_ino) return fd;
        close(fd);
        if (!locked && !busy) return -1;
        if (busy) nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
    }
    return -1;
}

static int make_copy(luron__writer *w) {
    int fd = open(w->old, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return -1;
    if (w->old_lock >= 0) close(w->old_lock);
    w->old_lock = hold(fd);
    return fd;
}

static luron_status copy_bytes(luron__writer *w, luron_ctx *ctx, int from, int to) {
    for (off_t at = 0;;) {
        ssize_t got = pread(from, w->buffer, BUFFER, at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return prev_error(w, ctx, errno);
        if (!got) break;
        LURON_TRY(write_all(w, ctx, to, w->buffer, (uint64_t)got));
        at += got;
    }
    return fsync(to) ? prev_error(w, ctx, errno) : LURON_OK;
}

/* For a file system without hard links. */
static luron_status copy_old(luron__writer *w, luron_ctx *ctx) {
    struct stat st;
    luron_status status;
    int from = open(w->target, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), to = -1;
    if (from < 0) return prev_error(w, ctx, errno);
    if (fstat(from, &st) || (to = make_copy(w)) < 0 || fchmod(to, st.st_mode & 0777)) status = prev_error(w, ctx, errno);
    else status = copy_bytes(w, ctx, from, to);
    close(from);
    if (to >= 0 && close(to) && !status) status = prev_error(w, ctx, errno);
    return status;
}

/* Give the old file a second name, so that at no time NAME is missing. */
static luron_status keep_old(luron__writer *w, luron_ctx *ctx) {
    snprintf(w->old, sizeof w->old, "%s.prev", w->temp);
    w->old_lock = lock_old(w);
    w->kept = true; /* if only in part: a network may lose the answer */
    if (link(w->target, w->old) == 0) return LURON_OK;
    if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS || errno == EMLINK) return copy_old(w, ctx);
    if (errno != ENOENT) return prev_error(w, ctx, errno);
    w->kept = false; /* there is none */
    return LURON_OK;
}

static luron_status name_previous(luron__writer *w, luron_ctx *ctx) {
    char prev[sizeof w->target + 8];
    snprintf(prev, sizeof prev, "%s.prev", w->target);
    if (rename(w->old, prev)) return prev_error(w, ctx, errno);
    unlink(w->old); /* still there if both were the same file already */
    w->kept = false;
    return LURON_OK;
}

/* ---- into place -------------------------------------------------------------------------------------------------- */
/* errno, 0: done. */
static int sync_folder(const luron__writer *w) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%.*s", (int)(w->folder ? w->folder : 1), w->folder ? w->target : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = fd < 0 ? errno : fsync(fd) ? errno : 0;
    if (fd >= 0) close(fd);
    return error == EINVAL || error == EACCES ? 0 : error; /* a folder that cannot be synced, or not by us */
}

luron_status luron__writer_commit(luron__writer *w, luron_ctx *ctx, bool sealed, bool keep_prev) {
    LURON_TRY(flush(w, ctx));
    if (sealed) {
        uint8_t trailer[LURON__TRAILER];
        luron__trailer_make(trailer, w->size, luron__xxh64_value(&w->hash));
        LURON_TRY(write_all(w, ctx, w->fd, trailer, sizeof trailer));
    }
    if (fsync(w->fd)) return luron__io_error(ctx, w->target, "sync", errno);
    int fd = w->fd;
    w->fd = -1;
    if (close(fd)) return luron__io_error(ctx, w->target, "close", errno);
    if (keep_prev) LURON_TRY(keep_old(w, ctx));
    if (rename(w->temp, w->target)) return luron__io_error(ctx, w->target, "put the new file into place", errno);
    w->made = false;
    luron_status status = w->kept ? name_previous(w, ctx) : LURON_OK;
    int error = sync_folder(w);
    if (status || !error) return status;
    return luron__io_error(ctx, w->target,
                           "sync its folder (the file is in place, but a power cut could still undo that)", error);
}

void luron__writer_free(luron__writer *w) {
    if (!w) return;
    if (w->made) unlink(w->temp);
    if (w->kept) unlink(w->old);
    int held[] = { w->fd, w->lock, w->old_lock };
    for (int i = 0; i < 3; i++)
        if (held[i] >= 0) close(held[i]);
    luron__pool_free(w->pool, w, sizeof *w);
}
