/* plugin.c -- opens plugin files and registers what they list: all of it, or nothing. Plugins are never unloaded: types,
 * tensors and the tape may point into them for as long as the process lives. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "registry.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the file, before the dynamic linker sees it: a truncated one would kill the process with SIGBUS ----------- */
static bool read_at(int fd, void *to, size_t n, uint64_t at) {
    return at <= INT64_MAX && pread(fd, to, n, (off_t)at) == (ssize_t)n;
}

static luron_status check_segments(luron_ctx *ctx, int fd, const ElfW(Ehdr) *head, uint64_t size) {
    for (int i = 0; i < head->e_phnum; i++) {
        ElfW(Phdr) segment;
        bool there = read_at(fd, &segment, sizeof segment, head->e_phoff + (uint64_t)i * sizeof segment);
        if (there && segment.p_type != PT_LOAD) continue;
        if (!there || segment.p_offset > size || segment.p_filesz > size - segment.p_offset)
            return luron__fail(ctx, LURON_E_PLUGIN, "truncated: its segments go beyond its %llu bytes",
                               (unsigned long long)size);
    }
    uint64_t sections = (uint64_t)head->e_shnum * head->e_shentsize;
    LURON__CHECK(ctx, head->e_shoff <= size && sections <= size - head->e_shoff, LURON_E_PLUGIN,
                 "truncated: its section table goes beyond its %llu bytes",
                 (unsigned long long)size);
    return LURON_OK;
}

luron_status luron__plugin_check_elf(luron_ctx *ctx, int fd, uint64_t size) {
    ElfW(Ehdr) head;
    bool whole = read_at(fd, &head, sizeof head, 0);
    LURON__CHECK(ctx, whole && !memcmp(head.e_ident, ELFMAG, SELFMAG), LURON_E_PLUGIN, "not an ELF shared object%s",
                 size == 0 ? ": it is empty" : "");
    unsigned char bits = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
    LURON__CHECK(ctx, head.e_ident[EI_CLASS] == bits, LURON_E_PLUGIN, "made for %d-bit processes, this one has %d bits",
                 bits == ELFCLASS64 ? 32 : 64, (int)sizeof(void *) * 8);
#if defined(__x86_64__)
    const int machine = EM_X86_64;
#elif defined(__aarch64__)
    const int machine = EM_AARCH64;
#else
    const int machine = head.e_machine;
#endif
    LURON__CHECK(ctx, head.e_machine == machine, LURON_E_PLUGIN,
                 "made for another processor (ELF machine %d, here it is %d)", head.e_machine, machine);
    LURON__CHECK(ctx, head.e_type == ET_DYN && head.e_phentsize == sizeof(ElfW(Phdr)), LURON_E_PLUGIN,
                 "not an ELF shared object: its type is %d", head.e_type);
    return check_segments(ctx, fd, &head, size);
}

static luron_status check_file(luron_ctx *ctx, const char *path) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    LURON__CHECK(ctx, fd >= 0, LURON_E_PLUGIN, "cannot open the file: %s", strerror(errno));
    luron_status status;
    if (fstat(fd, &st) != 0)
        status = luron__fail(ctx, LURON_E_PLUGIN, "cannot read the file: %s", strerror(errno));
    else if (!S_ISREG(st.st_mode))
        status = luron__fail(ctx, LURON_E_PLUGIN, "not a regular file");
    else
        status = luron__plugin_check_elf(ctx, fd, (uint64_t)st.st_size);
    close(fd);
    return status;
}

/* ---- init: its call serves fail and extension alone ------------------------------------------------------------ */
static luron_status init_fail(luron_call *call, luron_status status, const char *fmt, ...) LURON_PRINTF(3, 4);
static luron_status init_fail(luron_call *call, luron_status status, const char *fmt, ...) {
    char *text = call->internal;
    if (text[0]) return status;
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, 256, fmt, args);
    va_end(args);
    return status;
}

static const void *init_extension(const luron_host *host, const char *id) {
    (void)host;
    const luron_host *any = luron__host(LURON__ISA_PLAIN);
    return any->extension ? any->extension(any, id) : NULL;
}

static const luron_host init_host = { .struct_size = sizeof init_host, .abi_minor = LURON_ABI_MINOR, .fail = init_fail,
                                      .extension = init_extension };

luron_status luron__plugin_init(luron_ctx *ctx, const luron_plugin *plugin) {
    char text[256] = "";
    luron_call call = { .struct_size = sizeof call, .host = &init_host, .internal = text };
    luron_status status = plugin->init ? plugin->init(&call) : LURON_OK;
    if (status == LURON_OK) return LURON_OK;
    return luron__fail(ctx, LURON_E_PLUGIN, "init failed (%s): %s", luron_status_name(status),
                       text[0] ? text : luron_status_text(status));
}

/* ---- registering ----------------------------------------------------------------------------------------------- */
static luron_status register_types(luron_ctx *ctx, const luron_plugin *from, const luron_plugin *plugin,
                                   luron_type **types, int n) {
    luron__registry *r = ctx->registry;
    LURON_TRY(luron__grow(ctx, &r->types, &r->cap_types, r->n_types + n, sizeof *r->types));
    LURON_TRY(luron__grow(ctx, &r->plugins, &r->cap_plugins, r->n_plugins + 1, sizeof *r->plugins));
    LURON_TRY(luron__plugin_init(ctx, plugin));
    for (int i = 0; i < n; i++) r->types[r->n_types++] = types[i]; /* from here on nothing can fail */
    r->plugins[r->n_plugins++] = from;
    return LURON_OK;
}

/* The error text is the reason alone. A descriptor that is registered already is left as it is. */
static luron_status add(luron_ctx *ctx, const luron_plugin *from, const char *path, bool is_file) {
    const luron__registry *r = ctx->registry;
    for (int64_t i = 0; i < r->n_plugins; i++)
        if (r->plugins[i] == from) return LURON_OK;
    luron_type **types;
    luron_plugin plugin;
    int n = 0;
    LURON_TRY(luron__alloc(&types, ctx, LURON__MAX_TYPES * sizeof *types));
    luron_status status = luron__plugin_judge(ctx, from, path, NULL, &plugin, types, &n);
    for (int i = 0; i < n && is_file; i++) types[i]->from = from;
    if (status == LURON_OK) status = register_types(ctx, from, &plugin, types, n);
    for (int i = 0; status != LURON_OK && i < n; i++) luron__type_unref(types[i]);
    luron__free(ctx, types, LURON__MAX_TYPES * sizeof *types);
    return status;
}

luron_status luron_plugin_add(luron_ctx *ctx, const luron_plugin *plugin, const char *path) {
    LURON__CHECK(ctx, plugin, LURON_E_ARGUMENT, "luron_plugin_add: a plugin expected, got NULL");
    if (!path) path = "(linked in)";
    luron_status status = add(ctx, plugin, path, false);
    return status == LURON_E_PLUGIN ? luron__wrap(ctx, status, "plugin %s refused", path) : status;
}

/* ---- loading --------------------------------------------------------------------------------------------------- */
/* The linker begins its text with the path, which our message has already. */
static luron_status linker_error(luron_ctx *ctx, const char *path) {
    const char *text = dlerror();
    size_t n = strlen(path);
    if (!text) text = "the dynamic linker refused it";
    if (!strncmp(text, path, n) && !strncmp(text + n, ": ", 2)) text += n + 2;
    return luron__fail(ctx, LURON_E_PLUGIN, "%s", text);
}

/* The linker gives what it has when it knows the name, even if another file lies there by now; so the inode is part of the
 * name: its bits stand as "/" and "/." between folder and file. Inodes that are mapped are not given again.           */
static void spell(char *to, size_t n, const char *path, uint64_t inode) {
    const char *file = strrchr(path, '/');
    size_t at = (size_t)snprintf(to, n, "%.*s", (int)(file - path), path);
    for (; inode && at + 2 < n; inode >>= 1) at += (size_t)snprintf(to + at, n - at, inode & 1 ? "/." : "/");
    snprintf(to + (at < n ? at : n), at < n ? n - at : 0, "%s", file);
}

luron_status luron__plugin_link(const luron_plugin **from, luron_ctx *ctx, const char *path, const struct stat *st) {
    char name[4352];
    spell(name, sizeof name, path, st->st_ino);
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle) return linker_error(ctx, name);
    *from = dlsym(handle, "luron_plugin_main");
    LURON__CHECK(ctx, *from, LURON_E_PLUGIN,
                 "it has no symbol luron_plugin_main, so it is no plugin of luron (or LURON_PLUGIN_DEFINE is missing)");
    return LURON_OK;
}

/* Is this file in this state loaded, under whatever path? A reload has loaded it under a name of its own. */
static bool is_loaded(const luron__registry *r, const struct stat *st) {
    for (int64_t i = 0; i < r->n_seen; i++) {
        const luron__seen *e = &r->seen[i];
        if (!e->reason && e->size == st->st_size && e->sec == st->st_mtim.tv_sec && e->nsec == st->st_mtim.tv_nsec &&
            e->device == st->st_dev && e->inode == st->st_ino)
            return true;
    }
    return false;
}

static luron_status load(luron_ctx *ctx, const char *path, const struct stat *st) {
    const luron_plugin *from;
    if (is_loaded(ctx->registry, st)) return LURON_OK;
    LURON_TRY(check_file(ctx, path));
    LURON_TRY(luron__plugin_link(&from, ctx, path, st));
    return add(ctx, from, path, true);
}

static luron_status seen_entry(luron__seen **out, luron_ctx *ctx, const char *path) {
    luron__registry *r = ctx->registry;
    for (int64_t i = 0; i < r->n_seen; i++)
        if (!strcmp(r->seen[i].path, path)) {
            *out = &r->seen[i];
            return LURON_OK;
        }
    LURON_TRY(luron__grow(ctx, &r->seen, &r->cap_seen, r->n_seen + 1, sizeof *r->seen));
    luron__seen *e = &r->seen[r->n_seen];
    LURON_TRY(luron__strdup(&e->path, ctx, path));
    e->size = -1;
    r->n_seen++;
    *out = e;
    return LURON_OK;
}

static void note(luron__seen *e, const struct stat *st) {
    e->size = st->st_size, e->sec = st->st_mtim.tv_sec, e->nsec = st->st_mtim.tv_nsec;
    e->device = st->st_dev, e->inode = st->st_ino;
}

/* Load, and remember how that went for this state of the file. */
static luron_status load_and_note(luron_ctx *ctx, const char *path, luron__seen *e, const struct stat *st) {
    luron_status status = load(ctx, path, st);
    luron__strfree(ctx->pool, e->reason);
    e->reason = NULL;
    e->size = -1;
    if (status == LURON_E_PLUGIN) {
        char text[sizeof ctx->error];
        snprintf(text, sizeof text, "%s", ctx->error);
        LURON_TRY(luron__strdup(&e->reason, ctx, text));
    }
    if (status == LURON_OK || status == LURON_E_PLUGIN) note(e, st);
    return status;
}

void luron__plugin_note(luron_ctx *ctx, const char *path, const struct stat *st) {
    luron__registry *r = ctx->registry;
    for (int64_t i = 0; i < r->n_seen; i++) {
        if (strcmp(r->seen[i].path, path)) continue;
        luron__strfree(ctx->pool, r->seen[i].reason);
        r->seen[i].reason = NULL;
        note(&r->seen[i], st);
    }
}

luron_status luron__plugin_open(luron_ctx *ctx, const char *path) {
    struct stat st;
    luron__seen *e;
    LURON__CHECK(ctx, stat(path, &st) == 0, LURON_E_PLUGIN, "cannot open the file: %s", strerror(errno));
    LURON_TRY(seen_entry(&e, ctx, path));
    bool same = e->size == st.st_size && e->sec == st.st_mtim.tv_sec && e->nsec == st.st_mtim.tv_nsec;
    if (!same) return load_and_note(ctx, path, e, &st);
    return e->reason ? luron__fail(ctx, LURON_E_PLUGIN, "%s", e->reason) : LURON_OK;
}

luron_status luron_plugin_load(luron_ctx *ctx, const char *path) {
    struct stat st;
    LURON__CHECK(ctx, path, LURON_E_ARGUMENT, "luron_plugin_load: a path expected, got NULL");
    LURON__CHECK(ctx, strchr(path, '/'), LURON_E_PLUGIN,
                 "plugin %s refused: a path with a '/' expected ('./%s'), plugins are not looked for in the system's folders", path, path);
    LURON__CHECK(ctx, stat(path, &st) == 0, LURON_E_PLUGIN, "plugin %s refused: cannot open the file: %s", path,
                 strerror(errno));
    luron__seen *e;
    LURON_TRY(seen_entry(&e, ctx, path));
    luron_status status = load_and_note(ctx, path, e, &st);
    return status == LURON_E_PLUGIN ? luron__wrap(ctx, status, "plugin %s refused", path) : status;
}
