/* registry.h -- what registry.c, plugin*.c and reload.c share. */
#ifndef LURON_REGISTRY_H
#define LURON_REGISTRY_H
#include "internal.h"

#include <sys/stat.h>

/** A plugin file as it was when it was opened. */
typedef struct luron__seen {
    char *path, *reason; /* reason NULL: loaded */
    int64_t size, sec, nsec;
    uint64_t device, inode;
} luron__seen;

struct luron__registry {
    luron__pool *pool;
    luron_type **types;
    int64_t n_types, cap_types;
    int64_t found[64]; /* where types that were looked for lately stand, by a hash of the name: functions are looked for in each call */
    const luron_plugin **plugins; /* descriptors that are registered */
    int64_t n_plugins, cap_plugins;
    luron__seen *seen;
    int64_t n_seen, cap_seen;
};

/** What is looked for: a type by kind and name, or a layer type by its function name. */
typedef struct luron__want {
    luron_kind kind;
    const char *name;
    bool by_function;
} luron__want;

/** "layer", "optimiser", "format". */
const char *luron__kind_name(luron_kind kind);
/** Name of type `t`, whatever its kind. */
const char *luron__type_title(const luron_type *t);
/** A registered type, NULL: none. */
const luron_type *luron__registered(const luron_ctx *ctx, const luron__want *want);

/* ---- judging a descriptor (plugin_check.c): its data alone, no code -------------------------------------------- */
#define LURON__MAX_TYPES 256
#define LURON__MAX_OPTIONS 64
#define LURON__MAX_PORTS 32
#define LURON__MAX_OPTIONS_SIZE 65536
/** Zero-extended copy of the descriptor in *plugin and new types in types[0 .. *n) (room for LURON__MAX_TYPES).
 *  instead_of: plugin whose types they will replace, so that their names are free; NULL: none.
 *  The error text is the reason alone: "layer type 'X': ...". */
luron_status luron__plugin_judge(luron_ctx *ctx, const luron_plugin *from, const char *path, const char *instead_of,
                                 luron_plugin *plugin, luron_type **types, int *n);
bool luron__is_identifier(const char *s);

/* ---- loading (plugin.c) ---------------------------------------------------------------------------------------- */
/** Load the file unless it was seen already and has not changed since. refused: the error text is the reason. */
luron_status luron__plugin_open(luron_ctx *ctx, const char *path);
/** Is the open file a shared object for this machine, and whole? */
luron_status luron__plugin_check_elf(luron_ctx *ctx, int fd, uint64_t size);
/** Load the file at `path`, which has a '/', for good; its descriptor. */
luron_status luron__plugin_link(const luron_plugin **from, luron_ctx *ctx, const char *path, const struct stat *st);
luron_status luron__plugin_init(luron_ctx *ctx, const luron_plugin *plugin);
/** The file at `path`, which was loaded once, is loaded now as *st says. */
void luron__plugin_note(luron_ctx *ctx, const char *path, const struct stat *st);

/* ---- loading a file once more (plugin_copy.c) ------------------------------------------------------------------ */
/** The descriptor of a copy of the file as it is now, and its state. The error text is the reason alone. */
luron_status luron__plugin_open_copy(const luron_plugin **from, struct stat *st, luron_ctx *ctx, const char *path,
                                     const char *plugin);

/* ---- the index of a folder (plugin_index.c) -------------------------------------------------------------------- */
typedef struct luron__index_entry {
    luron_kind kind;
    const char *name, *function; /* function "-": none */
    int32_t file;
} luron__index_entry;
typedef struct luron__index_file {
    const char *name;
    int64_t size, sec, nsec;
} luron__index_file;
typedef struct luron__index {
    char *text; /* the names point into it */
    size_t text_bytes;
    luron__index_file *files;
    int64_t n_files, cap_files;
    luron__index_entry *entries;
    int64_t n_entries, cap_entries;
} luron__index;
/** Read the index of a folder; one that is missing or damaged reads as empty. */
luron_status luron__index_read(luron__index *index, luron_ctx *ctx, const char *dir);
void luron__index_free(luron_ctx *ctx, luron__index *index);
/** Does the index know this file in this state? */
bool luron__index_knows(const luron__index *index, const char *name, int64_t size, int64_t sec, int64_t nsec);
/** Names of the files in `dir` that end in ".so", sorted; free with luron__names_free. An unreadable folder has none. */
luron_status luron__plugin_files(char ***names, int64_t *n, luron_ctx *ctx, const char *dir);
void luron__names_free(luron_ctx *ctx, char **names, int64_t n);

#endif
