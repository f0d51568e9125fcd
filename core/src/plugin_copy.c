/* plugin_copy.c -- loads the file of a plugin once more, beside what it gave before.
 *
 * The dynamic linker gives what it has when it is asked for a name or an inode that it knows, so the file is copied.
 * The copy is a memfd and not a temporary file: /tmp may forbid execution, the folder of the plugin may be read-only,
 * and nothing is left behind when the process dies. It also cannot change or shrink under the linker, so what was
 * checked is what is loaded. Its descriptor need not stay open, which would end a long session at the limit of open
 * files: the name by which it is opened, /proc/self/fd/N in a spelling that has the inode in it, is used once, since an
 * inode that is mapped is not given again. Price: the linker knows no file, so $ORIGIN in the plugin's run path leads
 * nowhere and debuggers find no symbols.  */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif
#include "registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3; older ones refuse it */
#endif

static luron_status system_error(luron_ctx *ctx, const char *what) {
    return luron__fail(ctx, LURON_E_PLUGIN, "cannot %s: %s", what, strerror(errno));
}

static bool write_all(int fd, const char *data, size_t n) {
    while (n) {
        ssize_t done = write(fd, data, n);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        data += done, n -= (size_t)done;
    }
    return true;
}

static luron_status copy_bytes(luron_ctx *ctx, int from, int to) {
    char buffer[16384];
    for (ssize_t n; (n = read(from, buffer, sizeof buffer)) != 0;) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_error(ctx, "read the file");
        if (!write_all(to, buffer, (size_t)n)) return system_error(ctx, "copy the file");
    }
    return LURON_OK;
}

static bool same_state(const struct stat *a, const struct stat *b) {
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* The file as it is now; one that somebody writes meanwhile is refused. */
static luron_status copy_file(luron_ctx *ctx, const char *path, int to, struct stat *st) {
    struct stat after, copied;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return system_error(ctx, "open the file");
    luron_status status = LURON_OK;
    if (fstat(fd, st) != 0)
        status = system_error(ctx, "read the file");
    else if (!S_ISREG(st->st_mode))
        status = luron__fail(ctx, LURON_E_PLUGIN, "not a regular file");
    else
        status = copy_bytes(ctx, fd, to);
    if (!status && (fstat(fd, &after) != 0 || fstat(to, &copied) != 0)) status = system_error(ctx, "read the file");
    if (!status && (!same_state(st, &after) || copied.st_size != st->st_size))
        status = luron__fail(ctx, LURON_E_PLUGIN, "the file changed while it was read");
    close(fd);
    return status;
}

static luron_status link_copy(const luron_plugin **from, luron_ctx *ctx, int fd) {
    struct stat st;
    char path[64];
    if (fstat(fd, &st) != 0) return system_error(ctx, "read the copy");
    LURON_TRY(luron__plugin_check_elf(ctx, fd, (uint64_t)st.st_size));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return luron__plugin_link(from, ctx, path, &st);
}

luron_status luron__plugin_open_copy(const luron_plugin **from, struct stat *st, luron_ctx *ctx, const char *path,
                                     const char *plugin) {
    char name[96]; /* in /proc/PID/maps and backtraces */
    snprintf(name, sizeof name, "luron-%s", plugin);
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_EXEC);
    if (fd < 0 && errno == EINVAL) fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0) return system_error(ctx, "make room for a copy of the file");
    luron_status status = copy_file(ctx, path, fd, st);
    if (!status) status = link_copy(from, ctx, fd);
    close(fd);
    return status;
}
