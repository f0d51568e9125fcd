/* A file that appears whole or not at all: written beside its place under a name of its own, synced, renamed, and the
 * folder synced. The old file stays until the rename. A failed write, sync or close is never tried again: after it the
 * kernel may have dropped the data.                                                                                    */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* F_OFD_SETLK */
#endif
#include "io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 65536, STALE_SECONDS = 60 };

struct luron__writer {
    luron__pool *pool;
    int fd;
    bool made; /* the temporary is there */
    char target[PATH_MAX], temp[PATH_MAX + 64];
    size_t folder; /* bytes of target up to and with the last '/' */
    luron__xxh64 hash;
    uint64_t size;
    size_t have;
    uint8_t buffer[BUFFER];
};

luron_status luron__io_error(luron_ctx *ctx, const char *path, const char *what, int error) {
    char text[256];
    const char *reason = strerror_r(error, text, sizeof text); /* GNU's */
    return luron__fail(ctx, LURON_E_IO, "%s: cannot %s: %s", path, what, reason);
}

/* A writer holds this lock on its temporary for as long as it lives, on any machine that shares the folder. */
static bool lock(int fd) {
    struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    return fcntl(fd, F_OFD_SETLK, &l) == 0;
}

/* Remove NAME.tmp.PID.* of a process that is gone. */
static void remove_if_stale(const char *path, long pid) {
    struct stat st;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return;
    bool gone = kill((pid_t)pid, 0) < 0 && errno == ESRCH;
    bool old = fstat(fd, &st) == 0 && time(NULL) - st.st_mtime > STALE_SECONDS; /* a container gives its pids again */
    if ((gone || old) && lock(fd)) unlink(path);
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

/* Where the file goes: a link is followed, so that it stays a link. Mode of what is there, -1: nothing. */
static luron_status find_target(luron__writer *w, luron_ctx *ctx, const char *path, int *mode) {
    struct stat st;
    LURON__CHECK(ctx, path && *path, LURON_E_ARGUMENT, "the path of the file is empty");
    if (strlen(path) >= sizeof w->target) return luron__io_error(ctx, path, "write", ENAMETOOLONG);
    *mode = -1;
    strcpy(w->target, path);
    if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) {
        char real[PATH_MAX];
        if (!realpath(path, real)) return luron__io_error(ctx, path, "follow the link", errno);
        strcpy(w->target, real);
    }
    if (stat(w->target, &st) == 0) {
        if (S_ISDIR(st.st_mode)) return luron__io_error(ctx, path, "write", EISDIR);
        LURON__CHECK(ctx, S_ISREG(st.st_mode), LURON_E_IO, "%s: cannot write: not a regular file", path);
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
        if (w->fd >= 0 || errno != EEXIST) break;
    }
    if (w->fd < 0) return luron__io_error(ctx, w->target, "make a file beside it", errno);
    w->made = true;
    (void)lock(w->fd); /* where locks do not work, its process alone says whether it is stale */
    if (mode >= 0 && fchmod(w->fd, (mode_t)mode)) return luron__io_error(ctx, w->temp, "set the mode", errno);
    return LURON_OK;
}

luron_status luron__writer_open(luron__writer **out, luron_ctx *ctx, const char *path) {
    luron__writer *w = NULL;
    int mode;
    LURON_TRY(luron__alloc(&w, ctx, sizeof *w));
    w->pool = ctx->pool, w->fd = -1;
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

static luron_status write_all(luron__writer *w, luron_ctx *ctx, const uint8_t *p, uint64_t n) {
    while (n) {
        ssize_t got = write(w->fd, p, n < (1u << 30) ? n : 1u << 30);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return luron__io_error(ctx, w->target, "write", got ? errno : EIO);
        p += got, n -= (uint64_t)got;
    }
    return LURON_OK;
}

static luron_status flush(luron__writer *w, luron_ctx *ctx) {
    size_t n = w->have;
    w->have = 0;
    return write_all(w, ctx, w->buffer, n);
}

luron_status luron__writer_put(luron__writer *w, luron_ctx *ctx, const void *data, uint64_t n) {
    if (!n) return LURON_OK;
    LURON__CHECK(ctx, n <= LURON__MAX_FILE - w->size, LURON_E_IO, "%s: cannot write: larger than %llu bytes", w->target,
                 (unsigned long long)LURON__MAX_FILE);
    luron__xxh64_add(&w->hash, data, n);
    w->size += n;
    if (n > BUFFER - w->have) LURON_TRY(flush(w, ctx));
    if (n > BUFFER) return write_all(w, ctx, data, n);
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

/* NAME.prev becomes another name of what NAME is now; at no time is NAME missing. */
static luron_status keep_previous(luron__writer *w, luron_ctx *ctx) {
    char link_name[sizeof w->temp + 8], prev[sizeof w->target + 8];
    snprintf(link_name, sizeof link_name, "%s.prev", w->temp);
    snprintf(prev, sizeof prev, "%s.prev", w->target);
    if (link(w->target, link_name))
        return errno == ENOENT ? LURON_OK : luron__io_error(ctx, prev, "keep the old file as this", errno);
    int error = rename(link_name, prev) ? errno : 0;
    unlink(link_name); /* still there if both were the same file already */
    return error ? luron__io_error(ctx, prev, "keep the old file as this", error) : LURON_OK;
}

static luron_status sync_folder(luron__writer *w, luron_ctx *ctx) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%.*s", (int)(w->folder ? w->folder : 1), w->folder ? w->target : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = fd < 0 ? errno : fsync(fd) ? errno : 0;
    if (fd >= 0) close(fd);
    if (!error || error == EINVAL || error == EACCES)
        return LURON_OK; /* a folder that cannot be synced, or not by us */
    return luron__io_error(ctx, w->target,
                           "sync its folder (the file is in place, but a power cut could still undo that)", error);
}

luron_status luron__writer_commit(luron__writer *w, luron_ctx *ctx, bool sealed, bool keep_prev) {
    LURON_TRY(flush(w, ctx));
    if (sealed) {
        uint8_t trailer[LURON__TRAILER];
        luron__trailer_make(trailer, w->size, luron__xxh64_value(&w->hash));
        LURON_TRY(write_all(w, ctx, trailer, sizeof trailer));
    }
    if (fsync(w->fd)) return luron__io_error(ctx, w->target, "sync", errno);
    int fd = w->fd;
    w->fd = -1;
    if (close(fd)) return luron__io_error(ctx, w->target, "close", errno);
    if (keep_prev) LURON_TRY(keep_previous(w, ctx));
    if (rename(w->temp, w->target)) return luron__io_error(ctx, w->target, "put the new file into place", errno);
    w->made = false;
    return sync_folder(w, ctx);
}

void luron__writer_free(luron__writer *w) {
    if (!w) return;
    if (w->fd >= 0) close(w->fd);
    if (w->made) unlink(w->temp);
    luron__pool_free(w->pool, w, sizeof *w);
}
