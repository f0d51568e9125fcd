/* The tree that formats read into and write from: groups, tensors, texts and attributes. Containers fill the file's
 * side (root), schemas map it to the model's side and back. What comes in here comes from files: every name, rank,
 * size and count is checked, and the first failure sticks.                                                            */
#include "io.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- memory: freed as a whole ------------------------------------------------------------------------------------ */
struct luron__chunk {
    struct luron__chunk *next;
    size_t bytes;
};
enum { CHUNK_HEAD = 64, BUMP = 16384 };

static void *take_chunk(luron_io *io, size_t bytes) {
    struct luron__chunk *chunk = luron__pool_alloc(io->pool, bytes + CHUNK_HEAD);
    if (!chunk) {
        if (!io->status) io->status = luron__nomem(io->ctx, bytes);
        return NULL;
    }
    chunk->next = io->chunks, chunk->bytes = bytes + CHUNK_HEAD;
    io->chunks = chunk;
    return (char *)chunk + CHUNK_HEAD;
}

void *luron__io_alloc(luron_io *io, uint64_t bytes) {
    if (bytes > PTRDIFF_MAX / 2) {
        if (!io->status) io->status = luron__nomem(io->ctx, (size_t)bytes);
        return NULL;
    }
    size_t n = ((size_t)bytes + 15) & ~(size_t)15;
    if (n > BUMP / 2) return take_chunk(io, n);
    if (n > io->bump_left) {
        char *bump = take_chunk(io, BUMP);
        if (!bump) return NULL;
        io->bump = bump, io->bump_left = BUMP;
    }
    void *p = io->bump;
    io->bump += n, io->bump_left -= n;
    return p;
}

char *luron__io_copy(luron_io *io, const char *text, uint64_t n) {
    char *copy = luron__io_alloc(io, n + 1);
    if (!copy) return NULL;
    if (n) memcpy(copy, text, n);
    copy[n] = 0;
    return copy;
}

/* ---- failure: the first one counts ------------------------------------------------------------------------------- */
luron_status luron__io_fail(luron_io *io, luron_status status, const char *fmt, ...) {
    if (io->status) return io->status;
    va_list args;
    va_start(args, fmt);
    io->status = luron__vfail(io->ctx, status ? status : LURON_E_INTERNAL, fmt, args);
    va_end(args);
    return io->status;
}

luron_status luron__io_result(luron_io *io, luron_status status, const char *what) {
    if (io->status) return io->status;
    if (!status) return LURON_OK;
    return luron__io_fail(io, status > 0 || status < LURON_STATUS_LAST ? LURON_E_PLUGIN : status,
                          "%s failed and did not say why", what);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */
/* Bytes of the UTF-8 character at p, 0: not one, a control character, or cut short by the end. */
static int utf8_at(const uint8_t *p, size_t left) {
    if (p[0] < 0x80) return p[0] >= 0x20 && p[0] != 0x7f;
    int n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || left < (size_t)n) return 0;
    uint32_t c = p[0] & (0x7fu >> n);
    for (int i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    if ((n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10ffff)) || (c >= 0xd800 && c < 0xe000) ||
        (c >= 0x80 && c < 0xa0))
        return 0;
    return n;
}

luron_status luron__io_check_name(luron_io *io, const char *what, const char *name) {
    size_t n = name ? strnlen(name, LURON__MAX_NAME + 1) : 0;
    if (!n || n > LURON__MAX_NAME)
        return luron__io_fail(io, LURON_E_FORMAT, "%s of %zu bytes: 1 to %d expected", what, n, LURON__MAX_NAME);
    for (size_t i = 0; i < n;) {
        int step = name[i] == '/' ? 0 : utf8_at((const uint8_t *)name + i, n - i);
        if (!step)
            return luron__io_fail(io, LURON_E_FORMAT,
                                  "%s has the byte 0x%02x at position %zu: UTF-8 without control characters and '/' "
                                  "expected",
                                  what, (unsigned char)name[i], i);
        i += (size_t)step;
    }
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return luron__io_fail(io, LURON_E_FORMAT, "%s is '%s'", what, name);
    return LURON_OK;
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */
static uint64_t hash_name(const luron_node *parent, const char *name, size_t n) {
    uint64_t h = luron__hash(parent->hash ^ LURON__HASH_BEGIN, name, n);
    return h ^ h >> 29;
}

static luron_node *lookup(const luron_io *io, const luron_node *parent, const char *name, size_t n) {
    if (!io->table_cap) return NULL;
    uint64_t h = hash_name(parent, name, n);
    for (uint64_t i = h;; i++) {
        luron_node *node = io->table[i & (uint64_t)(io->table_cap - 1)];
        if (!node) return NULL;
        if (node->hash == h && node->parent == parent && strncmp(node->name, name, n) == 0 && !node->name[n])
            return node;
    }
}

static void table_put(luron_node **table, int64_t cap, luron_node *node) {
    uint64_t i = node->hash;
    while (table[i & (uint64_t)(cap - 1)]) i++;
    table[i & (uint64_t)(cap - 1)] = node;
}

static luron_status table_grow(luron_io *io) {
    int64_t cap = io->table_cap ? 2 * io->table_cap : 64;
    luron_node **table = NULL;
    luron_status status = luron__alloc(&table, io->ctx, (size_t)cap * sizeof *table);
    if (status) return io->status = io->status ? io->status : status;
    for (int64_t i = 0; i < io->table_cap; i++)
        if (io->table[i]) table_put(table, cap, io->table[i]);
    luron__free(io->ctx, io->table, (size_t)io->table_cap * sizeof *table);
    io->table = table, io->table_cap = cap;
    return LURON_OK;
}

luron_node *luron__io_node(luron_io *io, luron_node *parent, const char *name, int kind) {
    if (!parent || parent->kind != LURON__GROUP) {
        luron__io_fail(io, LURON_E_FORMAT, "'%s' would be inside something that is not a group", name ? name : "");
        return NULL;
    }
    if (luron__io_check_name(io, "a name", name)) return NULL;
    if (lookup(io, parent, name, strlen(name))) {
        luron__io_fail(io, LURON_E_FORMAT, "'%s' is there twice", name);
        return NULL;
    }
    if (io->n_nodes >= LURON__MAX_NODES || parent->depth >= LURON__MAX_DEPTH) {
        luron__io_fail(io, LURON_E_FORMAT, "'%s': more than %d groups and tensors, or more than %d levels", name,
                       LURON__MAX_NODES, LURON__MAX_DEPTH);
        return NULL;
    }
    if (io->n_nodes * 2 >= io->table_cap && table_grow(io)) return NULL;
    luron_node *node = luron__io_alloc(io, sizeof *node);
    char *copy = node ? luron__io_copy(io, name, strlen(name)) : NULL;
    if (!copy) return NULL;
    memset(node, 0, sizeof *node);
    node->kind = kind, node->name = copy, node->parent = parent, node->depth = parent->depth + 1;
    node->hash = hash_name(parent, name, strlen(name));
    table_put(io->table, io->table_cap, node);
    if (parent->last) parent->last->next = node;
    else parent->first = node;
    parent->last = node;
    parent->n_children++, io->n_nodes++;
    return node;
}

static luron_node *tree_root(luron_io *io) { return io->root; }
static luron_node *tree_model(luron_io *io) { return io->model; }

static luron_node *tree_group(luron_io *io, luron_node *parent, const char *name) {
    luron_node *there = parent && name ? lookup(io, parent, name, strlen(name)) : NULL;
    if (!there) return luron__io_node(io, parent, name, LURON__GROUP);
    if (there->kind == LURON__GROUP) return there;
    luron__io_fail(io, LURON_E_FORMAT, "'%s' is needed as a group and as a value", name);
    return NULL;
}

static luron_node *tree_find(luron_io *io, luron_node *node, const char *path) {
    while (node && *path) {
        size_t n = strcspn(path, "/");
        node = lookup(io, node, path, n);
        path += n + (path[n] == '/');
    }
    return node;
}

luron_node *luron__io_parent(luron_io *io, luron_node *from, const char *path, const char **last) {
    char part[LURON__MAX_NAME + 1];
    for (;;) {
        size_t n = strcspn(path, "/");
        if (!path[n]) break;
        if (n > LURON__MAX_NAME) {
            luron__io_fail(io, LURON_E_ARGUMENT, "a part of the path has %zu bytes, at most %d are allowed", n,
                           LURON__MAX_NAME);
            return NULL;
        }
        memcpy(part, path, n);
        part[n] = 0;
        if (!(from = tree_group(io, from, part))) return NULL;
        path += n + 1;
    }
    *last = path;
    return from;
}

size_t luron__path_add(char path[LURON__MAX_TREE_PATH], size_t n, const char *name) {
    return n + (size_t)snprintf(path + n, LURON__MAX_TREE_PATH - n, "%s%s", n ? "/" : "", name);
}

static luron_node *tree_child(luron_io *io, luron_node *node, int64_t i) {
    (void)io;
    if (!node || i < 0 || i >= node->n_children) return NULL;
    if (!node->cursor || i < node->cursor_at) node->cursor = node->first, node->cursor_at = 0;
    for (; node->cursor_at < i; node->cursor_at++) node->cursor = node->cursor->next;
    return node->cursor;
}

static const char *tree_name(luron_io *io, luron_node *node) {
    (void)io;
    return node->name;
}

static const char *tree_path(luron_io *io) { return io->writer ? luron__writer_path(io->writer) : NULL; }
static const void *tree_options(luron_io *io) { return io->options; }
static const luron_host *tree_host(luron_io *io) {
    return luron__host(io->ctx->isa);
}

const luron_tree *luron__tree(void) {
    static const luron_tree tree = {
        .struct_size = sizeof tree,
        .root = tree_root,
        .model = tree_model,
        .group = tree_group,
        .find = tree_find,
        .child = tree_child,
        .name = tree_name,
        .text = luron__tree_text,
        .key = luron__tree_key,
        .set_text = luron__tree_set_text,
        .add_tensor = luron__tree_add_tensor,
        .map_tensor = luron__tree_map_tensor,
        .tensor = luron__tree_tensor,
        .fail = luron__io_fail,
        .write = luron__tree_write,
        .write_tensor = luron__tree_write_tensor,
        .fetch = luron__tree_fetch,
        .path = tree_path,
        .options = tree_options,
        .alloc = luron__io_alloc,
        .set_ids = luron__tree_set_ids,
        .host = tree_host,
        .add_text = luron__tree_add_text,
        .value = luron__tree_value,
        .set_integer = luron__tree_set_integer,
        .integer = luron__tree_integer,
    };
    return &tree;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */
luron_status luron__io_new(luron_io **out, luron_ctx *ctx) {
    luron_io *io = NULL;
    LURON_TRY(luron__alloc(&io, ctx, sizeof *io));
    io->ctx = ctx, io->pool = ctx->pool, io->fd = -1;
    luron_node **ends[] = { &io->root, &io->model };
    for (int i = 0; i < 2; i++) {
        luron_node *node = luron__io_alloc(io, sizeof *node);
        if (!node) {
            luron__io_free(io);
            return LURON_E_NOMEM;
        }
        memset(node, 0, sizeof *node);
        node->name = "", node->hash = (uint64_t)i + 1;
        *ends[i] = node;
    }
    *out = io;
    return LURON_OK;
}

void luron__io_free(luron_io *io) {
    if (!io) return;
    for (int64_t i = 0; i < io->table_cap; i++)
        if (io->table[i]) luron_tensor_unref(io->table[i]->tensor);
    luron__pool *pool = io->pool;
    luron__pool_free(pool, io->table, (size_t)io->table_cap * sizeof *io->table);
    while (io->chunks) {
        struct luron__chunk *next = io->chunks->next;
        luron__pool_free(pool, io->chunks, io->chunks->bytes);
        io->chunks = next;
    }
    if (io->fd >= 0) close(io->fd);
    luron__writer_free(io->writer);
    luron__block_unref(io->image);
    if (io->container) luron__options_free(pool, io->container, io->container_options);
    if (io->schema) luron__options_free(pool, io->schema, io->schema_options);
    luron__type_unref(io->container);
    luron__type_unref(io->schema);
    luron__pool_free(pool, io, sizeof *io);
}
