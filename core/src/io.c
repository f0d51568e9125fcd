/* The tree that formats read into and write from: groups, tensors, texts and attributes. Containers fill the file's
 * side (root), schemas map it to the model's side and back. What comes in here comes from files: every name, rank,
 * size and count is checked, and the first failure sticks.                                                            */
#include "io.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- memory: freed as a whole ------------------------------------------------------------------------------------------- */
struct luron__chunk {
    struct luron__chunk *next;
    size_t bytes;
};
enum { CHUNK_HEAD = 64, BUMP = 16384 };

static luron_status io_fail(luron_io *io, luron_status status, const char *fmt, ...) LURON_PRINTF(3, 4);

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

static void *tree_alloc(luron_io *io, uint64_t bytes) {
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

static char *copy_text(luron_io *io, const char *text, uint64_t n) {
    char *copy = tree_alloc(io, n + 1);
    if (!copy) return NULL;
    if (n) memcpy(copy, text, n);
    copy[n] = 0;
    return copy;
}

/* ---- failure: the first one counts -------------------------------------------------------------------------------------- */
static luron_status io_fail(luron_io *io, luron_status status, const char *fmt, ...) {
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
    return io_fail(io, status > 0 || status < LURON_STATUS_LAST ? LURON_E_PLUGIN : status, "%s failed and did not say why", what);
}

/* ---- names ------------------------------------------------------------------------------------------------------------------ */
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
    if ((n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10ffff)) || (c >= 0xd800 && c < 0xe000) || (c >= 0x80 && c < 0xa0)) return 0;
    return n;
}

static luron_status check_name(luron_io *io, const char *what, const char *name) {
    size_t n = name ? strnlen(name, LURON__MAX_NAME + 1) : 0;
    if (!n || n > LURON__MAX_NAME) return io_fail(io, LURON_E_FORMAT, "%s of %zu bytes: 1 to %d expected", what, n, LURON__MAX_NAME);
    for (size_t i = 0; i < n;) {
        int step = name[i] == '/' ? 0 : utf8_at((const uint8_t *)name + i, n - i);
        if (!step) return io_fail(io, LURON_E_FORMAT, "%s has the byte 0x%02x at position %zu: UTF-8 without control characters and '/' expected", what, (unsigned char)name[i], i);
        i += (size_t)step;
    }
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return io_fail(io, LURON_E_FORMAT, "%s is '%s'", what, name);
    return LURON_OK;
}

/* ---- nodes -------------------------------------------------------------------------------------------------------------------- */
static uint64_t hash_name(const luron_node *parent, const char *name, size_t n) {
    uint64_t h = parent->hash ^ 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ (uint8_t)name[i]) * 0x100000001b3u;
    return h ^ h >> 29;
}

static luron_node *lookup(const luron_io *io, const luron_node *parent, const char *name, size_t n) {
    if (!io->table_cap) return NULL;
    uint64_t h = hash_name(parent, name, n);
    for (uint64_t i = h;; i++) {
        luron_node *node = io->table[i & (uint64_t)(io->table_cap - 1)];
        if (!node) return NULL;
        if (node->hash == h && node->parent == parent && strncmp(node->name, name, n) == 0 && !node->name[n]) return node;
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

static luron_node *make_node(luron_io *io, luron_node *parent, const char *name, int kind) {
    if (!parent || parent->kind != LURON__GROUP) {
        io_fail(io, LURON_E_FORMAT, "'%s' would be inside something that is not a group", name ? name : "");
        return NULL;
    }
    if (check_name(io, "a name", name)) return NULL;
    if (lookup(io, parent, name, strlen(name))) {
        io_fail(io, LURON_E_FORMAT, "'%s' is there twice", name);
        return NULL;
    }
    if (io->n_nodes >= LURON__MAX_NODES || parent->depth >= LURON__MAX_DEPTH) {
        io_fail(io, LURON_E_FORMAT, "'%s': more than %d groups and tensors, or more than %d levels", name, LURON__MAX_NODES, LURON__MAX_DEPTH);
        return NULL;
    }
    if (io->n_nodes * 2 >= io->table_cap && table_grow(io)) return NULL;
    luron_node *node = tree_alloc(io, sizeof *node);
    char *copy = node ? copy_text(io, name, strlen(name)) : NULL;
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
    if (!there) return make_node(io, parent, name, LURON__GROUP);
    if (there->kind == LURON__GROUP) return there;
    io_fail(io, LURON_E_FORMAT, "'%s' is needed as a group and as a value", name);
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
            io_fail(io, LURON_E_ARGUMENT, "a part of the path has %zu bytes, at most %d are allowed", n, LURON__MAX_NAME);
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

size_t luron__path_add(char path[LURON__MAX_PATH], size_t n, const char *name) {
    return n + (size_t)snprintf(path + n, LURON__MAX_PATH - n, "%s%s", n ? "/" : "", name);
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

/* ---- attributes and texts -------------------------------------------------------------------------------------------------- */
static luron__attr *find_attr(const luron_node *node, const char *key) {
    luron__attr *a = node->attrs;
    while (a && strcmp(a->key, key)) a = a->next;
    return a;
}

static const char *tree_text(luron_io *io, luron_node *node, const char *key, uint64_t *n) {
    (void)io;
    luron__attr *a = find_attr(node, key);
    if (!a) return NULL;
    if (n) *n = a->n;
    return a->text;
}

static const char *tree_key(luron_io *io, luron_node *node, int64_t i) {
    (void)io;
    luron__attr *a = i < 0 ? NULL : node->attrs;
    while (a && i--) a = a->next;
    return a ? a->key : NULL;
}

static luron__attr *put_attr(luron_io *io, luron_node *node, const char *key, const char *text, uint64_t n) {
    if (check_name(io, "the name of an attribute", key)) return NULL;
    if (n > LURON__MAX_ATTR) {
        io_fail(io, LURON_E_FORMAT, "attribute '%s' has %" PRIu64 " bytes, at most %u are allowed", key, n, LURON__MAX_ATTR);
        return NULL;
    }
    char *copy = copy_text(io, text, n);
    luron__attr *a = find_attr(node, key);
    if (!copy) return NULL;
    if (!a) {
        if (node->n_attrs >= LURON__MAX_ATTRS) {
            io_fail(io, LURON_E_FORMAT, "'%s' has more than %d attributes", node->name, LURON__MAX_ATTRS);
            return NULL;
        }
        a = tree_alloc(io, sizeof *a);
        char *name = a ? copy_text(io, key, strlen(key)) : NULL;
        if (!name) return NULL;
        memset(a, 0, sizeof *a);
        a->key = name;
        if (node->last_attr) node->last_attr->next = a;
        else node->attrs = a;
        node->last_attr = a;
        node->n_attrs++;
    }
    a->text = copy, a->n = n, a->is_number = false;
    return a;
}

static luron_status tree_set_text(luron_io *io, luron_node *node, const char *key, const char *text, uint64_t n) {
    return put_attr(io, node, key, text, n) ? LURON_OK : io->status;
}

static luron_status tree_set_integer(luron_io *io, luron_node *node, const char *key, int64_t value) {
    char text[32];
    int n = snprintf(text, sizeof text, "%" PRId64, value);
    luron__attr *a = put_attr(io, node, key, text, (uint64_t)n);
    if (!a) return io->status;
    a->is_number = true, a->number = value;
    return LURON_OK;
}

static int tree_integer(luron_io *io, luron_node *node, const char *key, int64_t *value) {
    (void)io;
    const luron__attr *a = find_attr(node, key);
    if (!a || !a->is_number) return 0;
    if (value) *value = a->number;
    return 1;
}

static luron_node *tree_add_text(luron_io *io, luron_node *parent, const char *name, const char *text, uint64_t n) {
    if (n > LURON__MAX_TEXT) {
        io_fail(io, LURON_E_FORMAT, "text '%s' has %" PRIu64 " bytes, at most %u are allowed", name, n, LURON__MAX_TEXT);
        return NULL;
    }
    luron_node *node = make_node(io, parent, name, LURON__TEXT);
    char *copy = node ? copy_text(io, text, n) : NULL;
    if (!copy) return NULL;
    node->text = copy, node->n_text = n;
    return node;
}

static const char *tree_value(luron_io *io, luron_node *node, uint64_t *n) {
    (void)io;
    if (node->kind != LURON__TEXT) return NULL;
    if (n) *n = node->n_text;
    return node->text;
}

/* ---- tensors --------------------------------------------------------------------------------------------------------------------- */
static luron_status check_tensor(luron_io *io, const char *name, uint32_t dtype, int ndim, const int64_t *shape, uint64_t *bytes) {
    char text[LURON__SHAPE_TEXT];
    int size = luron_dtype_size(dtype);
    if (!size) return io_fail(io, LURON_E_FORMAT, "tensor '%s' has the unknown dtype 0x%x", name, dtype);
    if (ndim < 0 || ndim > LURON_MAX_DIMS) return io_fail(io, LURON_E_FORMAT, "tensor '%s' has %d dimensions, at most %d are allowed", name, ndim, LURON_MAX_DIMS);
    uint64_t n = (uint64_t)size;
    bool empty = false;
    for (int i = 0; i < ndim; i++) {
        if (shape[i] < 0) return io_fail(io, LURON_E_FORMAT, "tensor '%s' has the size %" PRId64, name, shape[i]);
        empty = empty || !shape[i];
    }
    for (int i = 0; i < ndim && !empty; i++)
        if (__builtin_mul_overflow(n, (uint64_t)shape[i], &n) || n > LURON__MAX_FILE)
            return io_fail(io, LURON_E_FORMAT, "tensor '%s' of shape %s is too large", name, luron_shape_text(text, sizeof text, ndim, shape));
    *bytes = empty ? 0 : n;
    return LURON_OK;
}

static luron_node *new_tensor(luron_io *io, luron_node *parent, const char *name, uint32_t dtype, int ndim, const int64_t *shape) {
    luron_node *node = make_node(io, parent, name, LURON__TENSOR);
    if (!node) return NULL;
    memcpy(node->shape, shape, (size_t)ndim * sizeof *shape);
    node->view = (luron_view) { .device_type = 1, .ndim = ndim, .dtype_code = (uint8_t)(dtype >> 8), .dtype_bits = (uint8_t)dtype, .dtype_lanes = 1, .shape = node->shape };
    return node;
}

static luron_node *tree_add_tensor(luron_io *io, luron_node *parent, const char *name, uint32_t dtype, int ndim, const int64_t *shape, uint64_t where) {
    uint64_t bytes = 0;
    if (check_tensor(io, name ? name : "", dtype, ndim, shape, &bytes)) return NULL;
    if (bytes > io->most - io->announced) {
        io_fail(io, LURON_E_FORMAT, "tensor '%s': the tensors of the file would take more than %" PRIu64 " bytes, which is more than its size allows", name, io->most);
        return NULL;
    }
    luron_node *node = new_tensor(io, parent, name, dtype, ndim, shape);
    if (!node) return NULL;
    io->announced += bytes;
    node->where = where;
    return node;
}

static luron_node *tree_map_tensor(luron_io *io, luron_node *parent, const char *name, luron_node *from, int ndim, const int *perm) {
    int64_t shape[LURON_MAX_DIMS] = { 0 };
    unsigned seen = 0;
    if (!from || from->kind != LURON__TENSOR || ndim != from->view.ndim) {
        io_fail(io, LURON_E_FORMAT, "'%s' is not a tensor of %d dimensions", from ? from->name : name, ndim);
        return NULL;
    }
    for (int i = 0; i < ndim; i++) {
        int d = perm ? perm[i] : i;
        if (d < 0 || d >= ndim || seen >> d & 1) {
            io_fail(io, LURON_E_PLUGIN, "'%s': no permutation of %d axes", name, ndim);
            return NULL;
        }
        seen |= 1u << d;
        shape[i] = from->shape[d];
    }
    luron_node *node = new_tensor(io, parent, name, luron_dtype(&from->view), ndim, shape);
    if (!node) return NULL;
    for (int i = 0; i < ndim; i++) {
        int d = perm ? perm[i] : i;
        node->perm[i] = from->from ? from->perm[d] : d;
        node->permuted = node->permuted || node->perm[i] != i;
    }
    node->from = from->from ? from->from : from;
    node->ids = from->ids;
    if (!node->permuted) node->view.data = node->from->view.data;
    return node;
}

luron_node *luron__io_put(luron_io *io, luron_node *parent, const char *name, luron_tensor *t) {
    luron_node *node = new_tensor(io, parent, name, t->dtype, t->ndim, t->shape);
    if (!node) return NULL;
    node->tensor = luron_tensor_ref(t);
    if (luron_tensor_is_contiguous(t)) node->view.data = luron__data(t);
    return node;
}

static const luron_view *tree_tensor(luron_io *io, luron_node *node) {
    (void)io;
    return node && node->kind == LURON__TENSOR ? &node->view : NULL;
}

static luron_status tree_set_ids(luron_io *io, luron_node *node) {
    uint8_t code = node && node->kind == LURON__TENSOR ? node->view.dtype_code : 2;
    if (code > 1) return io_fail(io, LURON_E_PLUGIN, "'%s' holds no integers, so no ids", node ? node->name : "");
    node->ids = true;
    return LURON_OK;
}

/* ---- services that need the file ---------------------------------------------------------------------------------------------- */
static luron_status tree_write(luron_io *io, const void *data, uint64_t n) {
    if (io->status) return io->status;
    if (!io->writer) return io_fail(io, LURON_E_STATE, "nothing is being written");
    return io->status = luron__writer_put(io->writer, io->ctx, data, n);
}

static luron_status tree_fetch(luron_io *io, luron_node *node, uint64_t first, uint64_t n, void *to) {
    if (io->status) return io->status;
    return io->status = luron__io_fetch(io, node, first, n, to);
}

static luron_status tree_write_tensor(luron_io *io, luron_node *node) {
    if (!node || node->kind != LURON__TENSOR) return io_fail(io, LURON_E_PLUGIN, "write_tensor: not a tensor");
    uint64_t size = node->view.dtype_bits / 8, total = (uint64_t)luron_numel(&node->view), step = LURON__CHUNK / size;
    if (node->view.data) return tree_write(io, node->view.data, total * size);
    void *buffer = tree_alloc(io, LURON__CHUNK);
    if (!buffer) return io->status;
    for (uint64_t at = 0; at < total; at += step) {
        uint64_t n = total - at < step ? total - at : step;
        LURON_TRY(tree_fetch(io, node, at, n, buffer));
        LURON_TRY(tree_write(io, buffer, n * size));
    }
    return LURON_OK;
}

static const char *tree_path(luron_io *io) { return io->writer ? luron__writer_path(io->writer) : NULL; }
static const void *tree_options(luron_io *io) { return io->options; }
static const luron_host *tree_host(luron_io *io) {
    (void)io;
    return luron__host();
}

const luron_tree *luron__tree(void) {
    static const luron_tree tree = {
        .struct_size = sizeof tree, .root = tree_root, .model = tree_model, .group = tree_group, .find = tree_find, .child = tree_child,
        .name = tree_name, .text = tree_text, .key = tree_key, .set_text = tree_set_text, .add_tensor = tree_add_tensor, .map_tensor = tree_map_tensor,
        .tensor = tree_tensor, .fail = io_fail, .write = tree_write, .write_tensor = tree_write_tensor, .fetch = tree_fetch, .path = tree_path,
        .options = tree_options, .alloc = tree_alloc, .set_ids = tree_set_ids, .host = tree_host, .add_text = tree_add_text, .value = tree_value,
        .set_integer = tree_set_integer, .integer = tree_integer,
    };
    return &tree;
}

/* ---- life ------------------------------------------------------------------------------------------------------------------------ */
luron_status luron__io_new(luron_io **out, luron_ctx *ctx) {
    luron_io *io = NULL;
    LURON_TRY(luron__alloc(&io, ctx, sizeof *io));
    io->ctx = ctx, io->pool = ctx->pool, io->fd = -1;
    luron_node **ends[] = { &io->root, &io->model };
    for (int i = 0; i < 2; i++) {
        luron_node *node = tree_alloc(io, sizeof *node);
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
    luron__pool_free(pool, io->image, io->image_bytes);
    if (io->container) luron__options_free(pool, io->container, io->container_options);
    if (io->schema) luron__options_free(pool, io->schema, io->schema_options);
    luron__type_unref(io->container);
    luron__type_unref(io->schema);
    luron__pool_free(pool, io, sizeof *io);
}
