/* Attributes, texts and tensors of the tree, and what writers ask for. */
#include "io.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- attributes and texts ---------------------------------------------------------------------------------------- */
static luron__attr *find_attr(const luron_node *node, const char *key) {
    luron__attr *a = node->attrs;
    while (a && strcmp(a->key, key)) a = a->next;
    return a;
}

const char *luron__tree_text(luron_io *io, luron_node *node, const char *key, uint64_t *n) {
    (void)io;
    luron__attr *a = find_attr(node, key);
    if (!a) return NULL;
    if (n) *n = a->n;
    return a->text;
}

const char *luron__tree_key(luron_io *io, luron_node *node, int64_t i) {
    (void)io;
    luron__attr *a = i < 0 ? NULL : node->attrs;
    while (a && i--) a = a->next;
    return a ? a->key : NULL;
}

static luron__attr *put_attr(luron_io *io, luron_node *node, const char *key, const char *text, uint64_t n) {
    if (luron__io_check_name(io, "the name of an attribute", key)) return NULL;
    if (n > LURON__MAX_ATTR) {
        luron__io_fail(io, LURON_E_FORMAT, "attribute '%s' has %" PRIu64 " bytes, at most %u are allowed", key, n,
                       LURON__MAX_ATTR);
        return NULL;
    }
    char *copy = luron__io_copy(io, text, n);
    luron__attr *a = find_attr(node, key);
    if (!copy) return NULL;
    if (!a) {
        if (node->n_attrs >= LURON__MAX_ATTRS) {
            luron__io_fail(io, LURON_E_FORMAT, "'%s' has more than %d attributes", node->name, LURON__MAX_ATTRS);
            return NULL;
        }
        a = luron__io_alloc(io, sizeof *a);
        char *name = a ? luron__io_copy(io, key, strlen(key)) : NULL;
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

luron_status luron__tree_set_text(luron_io *io, luron_node *node, const char *key, const char *text, uint64_t n) {
    return put_attr(io, node, key, text, n) ? LURON_OK : io->status;
}

luron_status luron__tree_set_integer(luron_io *io, luron_node *node, const char *key, int64_t value) {
    char text[32];
    int n = snprintf(text, sizeof text, "%" PRId64, value);
    luron__attr *a = put_attr(io, node, key, text, (uint64_t)n);
    if (!a) return io->status;
    a->is_number = true, a->number = value;
    return LURON_OK;
}

int luron__tree_integer(luron_io *io, luron_node *node, const char *key, int64_t *value) {
    (void)io;
    const luron__attr *a = find_attr(node, key);
    if (!a || !a->is_number) return 0;
    if (value) *value = a->number;
    return 1;
}

luron_node *luron__tree_add_text(luron_io *io, luron_node *parent, const char *name, const char *text, uint64_t n) {
    if (n > LURON__MAX_TEXT) {
        luron__io_fail(io, LURON_E_FORMAT, "text '%s' has %" PRIu64 " bytes, at most %u are allowed", name, n,
                       LURON__MAX_TEXT);
        return NULL;
    }
    luron_node *node = luron__io_node(io, parent, name, LURON__TEXT);
    char *copy = node ? luron__io_copy(io, text, n) : NULL;
    if (!copy) return NULL;
    node->text = copy, node->n_text = n;
    return node;
}

const char *luron__tree_value(luron_io *io, luron_node *node, uint64_t *n) {
    (void)io;
    if (node->kind != LURON__TEXT) return NULL;
    if (n) *n = node->n_text;
    return node->text;
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */
static luron_status check_tensor(luron_io *io, const char *name, uint32_t dtype, int ndim, const int64_t *shape,
                                 uint64_t *bytes) {
    char text[LURON__SHAPE_TEXT];
    int size = luron_dtype_size(dtype);
    if (!size) return luron__io_fail(io, LURON_E_FORMAT, "tensor '%s' has the unknown dtype 0x%x", name, dtype);
    if (ndim < 0 || ndim > LURON_MAX_DIMS)
        return luron__io_fail(io, LURON_E_FORMAT, "tensor '%s' has %d dimensions, at most %d are allowed", name, ndim,
                              LURON_MAX_DIMS);
    uint64_t n = (uint64_t)size;
    bool empty = false;
    for (int i = 0; i < ndim; i++) {
        if (shape[i] < 0)
            return luron__io_fail(io, LURON_E_FORMAT, "tensor '%s' has the size %" PRId64, name, shape[i]);
        empty = empty || !shape[i];
    }
    for (int i = 0; i < ndim && !empty; i++)
        if (__builtin_mul_overflow(n, (uint64_t)shape[i], &n) || n > LURON__MAX_FILE)
            return luron__io_fail(io, LURON_E_FORMAT, "tensor '%s' of shape %s is too large", name,
                                  luron_shape_text(text, sizeof text, ndim, shape));
    *bytes = empty ? 0 : n;
    return LURON_OK;
}

static luron_node *new_tensor(luron_io *io, luron_node *parent, const char *name, uint32_t dtype, int ndim,
                              const int64_t *shape) {
    luron_node *node = luron__io_node(io, parent, name, LURON__TENSOR);
    if (!node) return NULL;
    if (ndim) memcpy(node->shape, shape, (size_t)ndim * sizeof *shape); /* NULL will do for none */
    node->view = (luron_view){ .device_type = 1,
                               .ndim = ndim,
                               .dtype_code = (uint8_t)(dtype >> 8),
                               .dtype_bits = (uint8_t)dtype,
                               .dtype_lanes = 1,
                               .shape = node->shape };
    return node;
}

luron_node *luron__tree_add_tensor(luron_io *io, luron_node *parent, const char *name, uint32_t dtype, int ndim,
                                   const int64_t *shape, uint64_t where) {
    uint64_t bytes = 0;
    if (check_tensor(io, name ? name : "", dtype, ndim, shape, &bytes)) return NULL;
    if (bytes > io->most - io->announced) {
        luron__io_fail(io, LURON_E_FORMAT,
                       "tensor '%s': the tensors of the file would take more than %" PRIu64 " bytes, which is more "
                                                                                            "than its size allows",
                       name, io->most);
        return NULL;
    }
    luron_node *node = new_tensor(io, parent, name, dtype, ndim, shape);
    if (!node) return NULL;
    io->announced += bytes;
    node->where = where;
    return node;
}

luron_node *luron__tree_map_tensor(luron_io *io, luron_node *parent, const char *name, luron_node *from, int ndim,
                                   const int *perm) {
    int64_t shape[LURON_MAX_DIMS] = { 0 };
    unsigned seen = 0;
    if (!from || from->kind != LURON__TENSOR || ndim != from->view.ndim) {
        luron__io_fail(io, LURON_E_FORMAT, "'%s' is not a tensor of %d dimensions", from ? from->name : name, ndim);
        return NULL;
    }
    for (int i = 0; i < ndim; i++) {
        int d = perm ? perm[i] : i;
        if (d < 0 || d >= ndim || seen >> d & 1) {
            luron__io_fail(io, LURON_E_PLUGIN, "'%s': no permutation of %d axes", name, ndim);
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

const luron_view *luron__tree_tensor(luron_io *io, luron_node *node) {
    (void)io;
    return node && node->kind == LURON__TENSOR ? &node->view : NULL;
}

luron_status luron__tree_set_ids(luron_io *io, luron_node *node) {
    uint8_t code = node && node->kind == LURON__TENSOR ? node->view.dtype_code : 2;
    if (code > 1)
        return luron__io_fail(io, LURON_E_PLUGIN, "'%s' holds no integers, so no ids", node ? node->name : "");
    node->ids = true;
    return LURON_OK;
}

/* ---- services that need the file --------------------------------------------------------------------------------- */
luron_status luron__tree_write(luron_io *io, const void *data, uint64_t n) {
    if (io->status) return io->status;
    if (!io->writer) return luron__io_fail(io, LURON_E_STATE, "nothing is being written");
    return io->status = luron__writer_put(io->writer, io->ctx, data, n);
}

luron_status luron__tree_fetch(luron_io *io, luron_node *node, uint64_t first, uint64_t n, void *to) {
    if (io->status) return io->status;
    return io->status = luron__io_fetch(io, node, first, n, to);
}

luron_status luron__tree_write_tensor(luron_io *io, luron_node *node) {
    if (!node || node->kind != LURON__TENSOR) return luron__io_fail(io, LURON_E_PLUGIN, "write_tensor: not a tensor");
    uint64_t size = node->view.dtype_bits / 8, total = (uint64_t)luron_numel(&node->view), step = LURON__CHUNK / size;
    if (node->view.data) return luron__tree_write(io, node->view.data, total * size);
    void *buffer = luron__io_alloc(io, LURON__CHUNK);
    if (!buffer) return io->status;
    for (uint64_t at = 0; at < total; at += step) {
        uint64_t n = total - at < step ? total - at : step;
        LURON_TRY(luron__tree_fetch(io, node, at, n, buffer));
        LURON_TRY(luron__tree_write(io, buffer, n * size));
    }
    return LURON_OK;
}
