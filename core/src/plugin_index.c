/* plugin_index.c -- the text file `index` beside plugins, which says what each of them registers without opening it.
 *
 *   luron-index 1
 *   file 16384 1700000000 0 linear.so       size, time of change (seconds, nanoseconds), name
 *   layer Linear -                          kind, name, function or -
 *
 * A line counts for the file above it, and only while size and time are those of the file. A missing or damaged index
 * costs time, nothing else: files it does not know are opened when a name is not found. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "registry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD "luron-index 1"
#define MAX_INDEX (1 << 20) /* bytes */
#define MAX_FILES 4096

/* ---- files of a folder ----------------------------------------------------------------------------------------- */
static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The array has MAX_FILES places, so that its size need not be kept. */
luron_status luron__plugin_files(char ***names, int64_t *n, luron_ctx *ctx, const char *dir) {
    char **list;
    int64_t count = 0;
    LURON_TRY(luron__alloc(&list, ctx, MAX_FILES * sizeof *list));
    luron_status status = LURON_OK;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && count < MAX_FILES && status == LURON_OK && (e = readdir(d));) {
        size_t length = strlen(e->d_name);
        if (e->d_name[0] == '.' || length < 4 || strcmp(e->d_name + length - 3, ".so") || strpbrk(e->d_name, "\n\r"))
            continue;
        status = luron__strdup(&list[count], ctx, e->d_name);
        if (status == LURON_OK) count++;
    }
    if (d) closedir(d);
    if (status != LURON_OK) {
        luron__names_free(ctx, list, count);
        return status;
    }
    qsort(list, (size_t)count, sizeof *list, by_name);
    *names = list;
    *n = count;
    return LURON_OK;
}

void luron__names_free(luron_ctx *ctx, char **names, int64_t n) {
    if (!names) return;
    for (int64_t i = 0; i < n; i++) luron__strfree(ctx->pool, names[i]);
    luron__free(ctx, names, MAX_FILES * sizeof *names);
}

/* ---- reading --------------------------------------------------------------------------------------------------- */
void luron__index_free(luron_ctx *ctx, luron__index *index) {
    luron__free(ctx, index->text, index->text_bytes);
    luron__free(ctx, index->files, (size_t)index->cap_files * sizeof *index->files);
    luron__free(ctx, index->entries, (size_t)index->cap_entries * sizeof *index->entries);
    memset(index, 0, sizeof *index);
}

/* The whole file as a string, *text NULL if there is none of a sensible size. */
static luron_status read_text(char **text, size_t *bytes, luron_ctx *ctx, const char *dir) {
    char path[4096], *buf;
    struct stat st;
    if ((size_t)snprintf(path, sizeof path, "%s/index", dir) >= sizeof path) return LURON_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return LURON_OK;
    luron_status status = LURON_OK;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= MAX_INDEX) {
        size_t n = (size_t)st.st_size;
        status = luron__alloc(&buf, ctx, n + 1);
        if (status == LURON_OK && read(fd, buf, n) == (ssize_t)n) {
            *text = buf;
            *bytes = n + 1;
        } else if (status == LURON_OK) {
            luron__free(ctx, buf, n + 1);
        }
    }
    close(fd);
    return status;
}

static luron_status add_file(luron__index *index, luron_ctx *ctx, char *line, bool *good) {
    int at = 0;
    luron__index_file f = { .name = NULL };
    int fields = sscanf(line, "file %" SCNd64 " %" SCNd64 " %" SCNd64 " %n", &f.size, &f.sec, &f.nsec, &at);
    *good = fields == 3 && at > 0 && line[at] && !strchr(line + at, '/');
    if (!*good) return LURON_OK;
    f.name = line + at;
    LURON_TRY(luron__grow(ctx, &index->files, &index->cap_files, index->n_files + 1, sizeof f));
    index->files[index->n_files++] = f;
    return LURON_OK;
}

static luron_status add_entry(luron__index *index, luron_ctx *ctx, char *line, bool *good) {
    luron__index_entry e = { .file = (int32_t)index->n_files - 1 };
    char *name = strchr(line, ' '), *function = name ? strchr(name + 1, ' ') : NULL;
    *good = function && e.file >= 0;
    if (!*good) return LURON_OK;
    *name = *function = 0;
    e.name = name + 1;
    e.function = strcmp(function + 1, "-") ? function + 1 : NULL;
    e.kind = !strcmp(line, "layer") ? LURON_KIND_LAYER : !strcmp(line, "optim") ? LURON_KIND_OPTIM : LURON_KIND_FORMAT;
    *good = (e.kind != LURON_KIND_FORMAT || !strcmp(line, "format")) && luron__is_identifier(e.name) &&
            (!e.function || luron__is_identifier(e.function));
    if (!*good) return LURON_OK;
    LURON_TRY(luron__grow(ctx, &index->entries, &index->cap_entries, index->n_entries + 1, sizeof e));
    index->entries[index->n_entries++] = e;
    return LURON_OK;
}

luron_status luron__index_read(luron__index *index, luron_ctx *ctx, const char *dir) {
    memset(index, 0, sizeof *index);
    LURON_TRY(read_text(&index->text, &index->text_bytes, ctx, dir));
    char *rest = index->text, *line = strsep(&rest, "\n");
    bool good = line && !strcmp(line, HEAD);
    luron_status status = LURON_OK;
    while (good && status == LURON_OK && (line = strsep(&rest, "\n")))
        if (*line)
            status = !strncmp(line, "file ", 5) ? add_file(index, ctx, line, &good) : add_entry(index, ctx, line,
                    &good);
    if (!good || status != LURON_OK) luron__index_free(ctx, index);
    return status;
}

bool luron__index_knows(const luron__index *index, const char *name, int64_t size, int64_t sec, int64_t nsec) {
    for (int64_t i = 0; i < index->n_files; i++) {
        const luron__index_file *f = &index->files[i];
        /* Archives keep whole seconds: then the nanoseconds of the file are 0. */
        if (!strcmp(f->name, name)) return f->size == size && f->sec == sec && (f->nsec == nsec || nsec == 0);
    }
    return false;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */
static void write_types(FILE *to, luron_ctx *ctx, const char *name, const struct stat *st) {
    static const char *const kinds[] = { "layer", "optim", "format" };
    fprintf(to, "file %" PRId64 " %" PRId64 " %" PRId64 " %s\n", (int64_t)st->st_size, (int64_t)st->st_mtim.tv_sec,
            (int64_t)st->st_mtim.tv_nsec, name);
    const luron__registry *r = ctx->registry;
    for (int64_t i = 0; i < r->n_types; i++) {
        const char *function = luron_type_function(r->types[i]);
        fprintf(to, "%s %s %s\n", kinds[r->types[i]->kind], luron__type_title(r->types[i]), function ? function : "-");
    }
}

/* Each file is opened into a registry of its own, so that names registered elsewhere do not matter. A file that is refused
 * is left out: it will be opened, and its reason shown, when a name is not found. */
static luron_status write_file(FILE *to, luron_ctx *ctx, const char *dir, const char *name) {
    char path[4096];
    struct stat st;
    luron__registry *own, *mine = ctx->registry;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path || stat(path, &st) != 0) return LURON_OK;
    LURON_TRY(luron__registry_new(&own, ctx));
    ctx->registry = own;
    luron_status status = luron__plugin_open(ctx, path);
    if (status == LURON_OK) write_types(to, ctx, name, &st);
    ctx->registry = mine;
    luron__registry_free(own);
    return status == LURON_E_PLUGIN ? LURON_OK : status;
}

static luron_status io_error(luron_ctx *ctx, const char *what, const char *path) {
    return luron__fail(ctx, LURON_E_IO, "cannot %s %s: %s", what, path, strerror(errno));
}

static luron_status sync_folder(luron_ctx *ctx, const char *dir) {
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    luron_status status = good ? LURON_OK : io_error(ctx, "sync", dir);
    if (fd >= 0) close(fd);
    return status;
}

/* Under another name first, so that the index is whole or the old one. */
static luron_status write_index(luron_ctx *ctx, const char *dir, const char *temporary, const char *path, char **names,
                                int64_t n) {
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) return io_error(ctx, "create", temporary);
    FILE *to = fdopen(fd, "w");
    if (!to) {
        close(fd);
        return io_error(ctx, "write", temporary);
    }
    luron_status status = LURON_OK;
    fprintf(to, HEAD "\n");
    for (int64_t i = 0; i < n && status == LURON_OK; i++) status = write_file(to, ctx, dir, names[i]);
    bool good = fflush(to) == 0 && !ferror(to) && fsync(fd) == 0;
    if (status == LURON_OK && !good) status = io_error(ctx, "write", temporary);
    if (fclose(to) != 0 && status == LURON_OK) status = io_error(ctx, "close", temporary);
    if (status == LURON_OK && rename(temporary, path) != 0) status = io_error(ctx, "rename a file to", path);
    return status == LURON_OK ? sync_folder(ctx, dir) : status;
}

luron_status luron_plugin_index(luron_ctx *ctx, const char *dir) {
    char temporary[4096], path[4096];
    struct stat st;
    LURON__CHECK(ctx, dir && *dir, LURON_E_ARGUMENT, "luron_plugin_index: a folder expected");
    if (stat(dir, &st) != 0) return io_error(ctx, "open the folder", dir);
    LURON__CHECK(ctx, S_ISDIR(st.st_mode), LURON_E_IO, "%s is not a folder", dir);
    bool fits = (size_t)snprintf(temporary, sizeof temporary, "%s/index.tmp.%ld", dir,
                                 (long)getpid()) < sizeof temporary;
    snprintf(path, sizeof path, "%s/index", dir);
    LURON__CHECK(ctx, fits, LURON_E_IO, "the path of the folder is too long: %.100s...", dir);
    char **names;
    int64_t n;
    LURON_TRY(luron__plugin_files(&names, &n, ctx, dir));
    unlink(temporary); /* left by an earlier process of this number */
    luron_status status = write_index(ctx, dir, temporary, path, names, n);
    if (status != LURON_OK) unlink(temporary);
    luron__names_free(ctx, names, n);
    return status;
}
