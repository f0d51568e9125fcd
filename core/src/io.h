/* io.h -- what io.c, file.c, write.c and checkpoint*.c share: one reading or writing of one file. */
#ifndef LURON_IO_H
#define LURON_IO_H
#include "internal.h"

#include <limits.h>

/* ---- limits of what a file may ask for; all sizes are also held against the bytes that are there ----------------- */
#define LURON__MAX_FILE ((uint64_t)16 << 30)
#define LURON__MAX_NODES 400000
#define LURON__MAX_DEPTH 16
#define LURON__MAX_NAME 512
#define LURON__MAX_ATTRS 64
#define LURON__MAX_ATTR (16u << 20)
#define LURON__MAX_TEXT (16u << 20)
#define LURON__HEAD 4096                /* first bytes that `probe` is shown */
#define LURON__CHUNK 65536
#define LURON__HASHED 262144            /* bytes moved and summed at a time: they are still in the second cache */

/* ---- checksum.c: XXH64 (Yann Collet, github.com/Cyan4973/xxHash, doc/xxhash_spec.md), seed 0 --------------------- */
typedef struct luron__xxh64 {
    uint64_t lane[4], total;
    uint8_t rest[32];
    size_t n_rest;
} luron__xxh64;
void luron__xxh64_init(luron__xxh64 *h);
void luron__xxh64_add(luron__xxh64 *h, const void *data, size_t n);
uint64_t luron__xxh64_value(const luron__xxh64 *h);

/* The trailer behind a sealed file: magic, version and kind of checksum, bytes before it, checksum of those. */
#define LURON__TRAILER 32
void luron__trailer_make(uint8_t to[LURON__TRAILER], uint64_t length, uint64_t checksum);
/** Is `file` of `size` bytes, those before the trailer with the checksum `have`, whole and unchanged? LURON_E_CHECKSUM; the
 *  text says what is wrong. */
luron_status luron__trailer_check(luron_ctx *ctx, const uint8_t *file, uint64_t size, uint64_t have);
/** What a trailer says; false: it is none that is known here. */
bool luron__trailer_parse(const uint8_t trailer[LURON__TRAILER], uint64_t *length, uint64_t *checksum);
/** Does the file end in something that was meant as a trailer? */
bool luron__trailer_present(const uint8_t *file, uint64_t size);

/* ---- write.c: a new file in the place of an old one, or no change at all ----------------------------------------- */
typedef struct luron__writer luron__writer;
luron_status luron__writer_open(luron__writer **out, luron_ctx *ctx, const char *path);
luron_status luron__writer_put(luron__writer *w, luron_ctx *ctx, const void *data, uint64_t n);
/** The name under which it is written. */
const char *luron__writer_path(const luron__writer *w);
/** The file was written by somebody else, under that name: take its bytes into account. */
luron_status luron__writer_adopt(luron__writer *w, luron_ctx *ctx);
/** Trailer (if sealed), sync, put into place. keep_prev: what was there stays as PATH.prev. */
luron_status luron__writer_commit(luron__writer *w, luron_ctx *ctx, bool sealed, bool keep_prev);
/** Close, and remove what was not put into place. NULL allowed. */
void luron__writer_free(luron__writer *w);
/** The file that PATH stands for: a link is followed. false: it leads nowhere (errno), or is too long. */
bool luron__io_target(char target[PATH_MAX], const char *path);
/** LURON_E_IO "PATH: cannot WHAT: text of errno". */
luron_status luron__io_error(luron_ctx *ctx, const char *path, const char *what, int error);
/** Put "PATH: " before the error, unless it begins so. Of a very long path the end is shown. */
luron_status luron__io_wrap(luron_ctx *ctx, luron_status status, const char *path);

/* ---- io.c: the tree between a container, a schema and core ------------------------------------------------------- */
enum { LURON__GROUP, LURON__TENSOR, LURON__TEXT };
typedef struct luron__attr {
    struct luron__attr *next;
    const char *key, *text;
    uint64_t n;
    int64_t number;
    bool is_number;
} luron__attr;
struct luron_node {
    int kind, depth;
    const char *name;
    uint64_t hash;
    luron_node *parent, *first, *last, *next;
    luron_node *cursor; /* child asked for last, and its number: so that a walk is linear */
    int64_t n_children, cursor_at;
    luron__attr *attrs, *last_attr;
    int n_attrs;
    /* a tensor: shape in view; in memory, or at `where` in the file; a mapped one is `from` with axes permuted */
    luron_view view;
    int64_t shape[LURON_MAX_DIMS];
    int perm[LURON_MAX_DIMS];
    bool ids, permuted;
    uint64_t where;
    luron_node *from;
    luron_tensor *tensor;
    /* a text */
    const char *text;
    uint64_t n_text;
};
typedef struct luron__extent { /* bytes of the image */
    uint64_t begin, end;
} luron__extent;
struct luron_io {
    luron_ctx *ctx;
    luron__pool *pool;
    struct luron__chunk *chunks; /* all memory of the io */
    char *bump;
    size_t bump_left;
    luron_node *root, *model, **table;
    int64_t n_nodes, table_cap;
    const luron_type *container, *schema; /* owned */
    void *container_options, *schema_options;
    const void *options;                  /* of the format whose callback runs */
    luron_source source;
    int fd;               /* of the source, -1: none */
    luron__block *image;  /* the file in memory */
    bool shares_image;    /* tensors may lie in it: whoever asks for them does not keep them long */
    luron__extent *taken; /* ... what of it those that do have, in order */
    int64_t n_taken, cap_taken;
    uint64_t announced, most; /* bytes of tensors so far, and allowed */
    luron__writer *writer;
    luron_status status;  /* first failure */
};
luron_status luron__io_new(luron_io **out, luron_ctx *ctx);
void luron__io_free(luron_io *io);
const luron_tree *luron__tree(void);
/* What io.c and io_values.c share. Failures are noted in the io. */
void *luron__io_alloc(luron_io *io, uint64_t bytes);                        /* until the io ends; NULL: failed */
char *luron__io_copy(luron_io *io, const char *text, uint64_t n);           /* with a 0 behind it */
luron_status luron__io_fail(luron_io *io, luron_status status, const char *fmt, ...)
    LURON_PRINTF(3, 4); /* first one counts */
luron_status luron__io_check_name(luron_io *io, const char *what, const char *name);
luron_node *luron__io_node(luron_io *io, luron_node *parent, const char *name, int kind);
/* Services of luron_tree: io_values.c. */
const char *luron__tree_text(luron_io *io, luron_node *node, const char *key, uint64_t *n);
const char *luron__tree_key(luron_io *io, luron_node *node, int64_t i);
luron_status luron__tree_set_text(luron_io *io, luron_node *node, const char *key, const char *text, uint64_t n);
luron_status luron__tree_set_integer(luron_io *io, luron_node *node, const char *key, int64_t value);
int luron__tree_integer(luron_io *io, luron_node *node, const char *key, int64_t *value);
luron_node *luron__tree_add_text(luron_io *io, luron_node *parent, const char *name, const char *text, uint64_t n);
const char *luron__tree_value(luron_io *io, luron_node *node, uint64_t *n);
luron_node *luron__tree_add_tensor(luron_io *io, luron_node *parent, const char *name, uint32_t dtype, int ndim,
                                   const int64_t *shape, uint64_t where);
luron_node *luron__tree_map_tensor(luron_io *io, luron_node *parent, const char *name, luron_node *from, int ndim,
                                   const int *perm);
const luron_view *luron__tree_tensor(luron_io *io, luron_node *node);
luron_status luron__tree_set_ids(luron_io *io, luron_node *node);
luron_status luron__tree_write(luron_io *io, const void *data, uint64_t n);
luron_status luron__tree_fetch(luron_io *io, luron_node *node, uint64_t first, uint64_t n, void *to);
luron_status luron__tree_write_tensor(luron_io *io, luron_node *node);
/** Outcome of a callback of a format: the first failure noted, else what it returned. `what`: "hdf5: read". */
luron_status luron__io_result(luron_io *io, luron_status status, const char *what);
/** "a/b" and "c" make "a/b/c": nodes are so few levels deep that it always fits. @return the new length. */
#define LURON__MAX_TREE_PATH ((LURON__MAX_DEPTH + 1) * (LURON__MAX_NAME + 1))
size_t luron__path_add(char path[LURON__MAX_TREE_PATH], size_t n, const char *name);
/** A node for a tensor in memory (shared). NULL: failed, noted in the io. */
luron_node *luron__io_put(luron_io *io, luron_node *parent, const char *name, luron_tensor *t);
/** The groups of a path with '/', made where absent, except its last part, whose start goes into *last. */
luron_node *luron__io_parent(luron_io *io, luron_node *from, const char *path, const char **last);

/* ---- file.c: reading a file through its format ------------------------------------------------------------------- */
/** Open, read, check and announce. format NULL: by its first bytes, among containers alone (schema false), or those with
 *  a schema over them, whose `read` then fills io->model. verify 0: a seal that is missing or wrong is no error. */
luron_status luron__io_read(luron_io *io, const char *path, const char *format, bool schema, bool verify, int n_args,
                            const luron_arg *args);
/** After a failed read: if PATH.prev is there and its seal fits, the error says so. @return `status`. */
luron_status luron__io_offer_previous(luron_ctx *ctx, luron_status status, const char *path);
/** Note a format with options (args for it, or its defaults) in slot and options. */
luron_status luron__io_take(const luron_type **slot, void **options, luron_io *io, const luron_type *type, int n_args,
                            const luron_arg *args);
/** The tensor of a node, read into fresh memory unless it is in memory. */
luron_status luron__io_tensor(luron_tensor **out, luron_io *io, luron_node *node);
/** Elements first .. first + n of a node, in row-major order. */
luron_status luron__io_fetch(luron_io *io, luron_node *node, uint64_t first, uint64_t n, void *to);

/* ---- checkpoint*.c -------------------------------------------------------------------------- */
typedef struct luron__entry {
    char *path; /* "parameters/linear1/weight"; of an attribute "parameters/linear1@type", of the file "isa" */
    luron_tensor *tensor;
    char *text;
    int64_t attr; /* of attributes: where '@' stands in path, 0 of the file; -1: none */
    bool is_number;
    int64_t number;
} luron__entry;
typedef struct luron__entries {
    luron__entry *at; /* in order of making */
    int64_t *sorted;  /* by path */
    int64_t n, cap, sorted_cap;
} luron__entries;
struct luron_checkpoint {
    luron__pool *pool;
    luron__entries tensors, texts;
    bool has_model, has_optim, nonfinite; /* nonfinite: may be saved */
};
/** The entry at a path, NULL: none. */
const luron__entry *luron__entry_find(const luron__entries *list, const char *path);
/** Put an entry in, whose tensor is shared and whose text is copied. replace: one of that path may be there. */
luron_status luron__entry_put(luron__entries *list, luron_ctx *ctx, const luron__entry *from, bool replace);
/** The first n alone stay. */
void luron__entries_truncate(luron__pool *pool, luron__entries *list, int64_t n);
void luron__entries_free(luron__pool *pool, luron__entries *list);

#endif
