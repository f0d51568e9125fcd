/* From HDF5 to the tree: announce what is there. Objects are reached by hard links alone and once each; data sets are
 * contiguous, inside the file, and of a type that is known; strings are capped.                                          */
#include "hdf5_plugin.h"

#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 16, MAX_TEXT = 16 << 20, MAX_RANK = 8 };

typedef struct reader {
    luron_io *io;
    const luron_tree *t;
    const luron_source *source;
    uint64_t bytes; /* of tensors and texts so far: no more than the file has, or few bytes could stand for many */
    haddr_t *seen;  /* addresses of objects: a hash table, 0 is free */
    uint64_t n_seen, cap;
    luron_node *group; /* being read */
    int depth;
} reader;

static luron_status read_object(reader *r, hid_t object, const char *name);

/* ---- each object once -------------------------------------------------------------------------------------------- */
static void put_address(haddr_t *table, uint64_t cap, haddr_t at) {
    uint64_t i = at * 0x9E3779B97F4A7C15u >> 20;
    while (table[i & (cap - 1)]) i++;
    table[i & (cap - 1)] = at;
}

static int is_seen(const reader *r, haddr_t at) {
    for (uint64_t i = at * 0x9E3779B97F4A7C15u >> 20; r->cap && r->seen[i & (r->cap - 1)]; i++)
        if (r->seen[i & (r->cap - 1)] == at) return 1;
    return 0;
}

static luron_status note_address(reader *r, haddr_t at, const char *name) {
    if (is_seen(r, at))
        return r->t->fail(r->io, LURON_E_FORMAT, "'%s' is another name for an object that has one already", name);
    if (2 * r->n_seen >= r->cap) {
        uint64_t cap = r->cap ? 2 * r->cap : 256;
        haddr_t *table = r->t->alloc(r->io, cap * sizeof *table);
        if (!table) return LURON_E_NOMEM;
        memset(table, 0, cap * sizeof *table);
        for (uint64_t i = 0; i < r->cap; i++)
            if (r->seen[i]) put_address(table, cap, r->seen[i]);
        r->seen = table, r->cap = cap;
    }
    put_address(r->seen, r->cap, at);
    r->n_seen++;
    return LURON_OK;
}

/* ---- strings: attributes and data sets of one string, of fixed or variable length -------------------------------- */
/* At `at` (0: somewhere) and in sum, what the file says it holds is no more than the file. */
static luron_status take_bytes(reader *r, uint64_t at, uint64_t bytes, const char *what, const char *name) {
    const uint64_t size = r->source->size;
    if (at > size || bytes > size - at || bytes > size - r->bytes)
        return r->t->fail(r->io, LURON_E_FORMAT, "%s '%s' of %llu bytes reaches beyond the file of %llu", what, name,
                          (unsigned long long)bytes, (unsigned long long)size);
    r->bytes += bytes;
    return LURON_OK;
}

/* `id` is an attribute or a data set. *text stays NULL if it is not one string. */
static luron_status read_string(reader *r, hid_t id, int is_attribute, hid_t type, hid_t space, size_t most,
                                const char *name, char **text, uint64_t *n) {
    *text = NULL;
    if (H5Tget_class(type) != H5T_STRING || H5Sget_simple_extent_type(space) != H5S_SCALAR) return LURON_OK;
    int variable = H5Tis_variable_str(type) > 0;
    size_t size = variable ? sizeof(char *) : H5Tget_size(type);
    if (!size || size > most)
        return r->t->fail(r->io, LURON_E_FORMAT, "text '%s' has %zu bytes, at most %zu are allowed", name, size, most);
    if (!variable) LURON_TRY(take_bytes(r, 0, size, "text", name));
    char *to = r->t->alloc(r->io, size + 1), *string = NULL;
    if (!to) return LURON_E_NOMEM;
    void *memory = variable ? (void *)&string : to;
    if ((is_attribute ? H5Aread(id, type, memory) : H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, memory)) < 0)
        return h5_fail(r->io, r->t, LURON_E_FORMAT, "text '%s' cannot be read", name);
    if (variable) {
        size = string ? strnlen(string, most + 1) : 0;
        to = size > most ? NULL : r->t->alloc(r->io, size + 1);
        if (to && size) memcpy(to, string, size);
        H5free_memory(string);
        if (!to) return r->t->fail(r->io, LURON_E_FORMAT, "text '%s' has more than %zu bytes", name, most);
        LURON_TRY(take_bytes(r, 0, size, "text", name));
    }
    to[size] = 0;
    if (!variable && H5Tget_strpad(type) == H5T_STR_SPACEPAD)
        while (size && to[size - 1] == ' ') to[--size] = 0;
    *text = to, *n = strlen(to);
    return LURON_OK;
}

typedef struct attribute {
    reader *r;
    luron_node *node;
    luron_status status;
} attribute;

static luron_status take_attribute(reader *r, luron_node *node, hid_t id, hid_t type, hid_t space, const char *name) {
    char *text;
    uint64_t n;
    LURON_TRY(read_string(r, id, 1, type, space, MAX_ATTRIBUTE, name, &text, &n));
    if (text && r->t->tensor(r->io, node) && strcmp(name, H5_BF16_KEY) == 0)
        return LURON_OK; /* says how it is stored */
    if (text) return r->t->set_text(r->io, node, name, text, n);
    if (H5Tget_class(type) != H5T_INTEGER || H5Tget_size(type) > 8 || H5Sget_simple_extent_type(space) != H5S_SCALAR)
        return LURON_OK; /* not for us */
    int64_t number;
    if (H5Aread(id, H5T_NATIVE_INT64, &number) < 0)
        return h5_fail(r->io, r->t, LURON_E_FORMAT, "attribute '%s' cannot be read", name);
    return r->t->set_integer(r->io, node, name, number);
}

static herr_t visit_attribute(hid_t object, const char *name, const H5A_info_t *info, void *ud) {
    attribute *a = ud;
    (void)info;
    hid_t id = H5Aopen(object, name, H5P_DEFAULT), type = id < 0 ? -1 : H5Aget_type(id),
          space = id < 0 ? -1 : H5Aget_space(id);
    if (id < 0 || type < 0 || space < 0)
        a->status = h5_fail(a->r->io, a->r->t, LURON_E_FORMAT, "attribute '%s' cannot be opened", name);
    else a->status = take_attribute(a->r, a->node, id, type, space, name);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (id >= 0) H5Aclose(id);
    return a->status ? -1 : 0;
}

static luron_status read_attributes(reader *r, hid_t object, luron_node *node, const char *name) {
    attribute a = { r, node, LURON_OK };
    if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, visit_attribute, &a) < 0 && !a.status)
        return h5_fail(r->io, r->t, LURON_E_FORMAT, "the attributes of '%s' cannot be read", name);
    return a.status;
}

/* ---- data sets --------------------------------------------------------------------------------------------------- */
static luron_status check_storage(reader *r, hid_t set, const char *name) {
    hid_t how = H5Dget_create_plist(set);
    H5D_layout_t layout = how < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout(how);
    int outside = how < 0 ? -1 : H5Pget_external_count(how), filters = how < 0 ? -1 : H5Pget_nfilters(how);
    if (how >= 0) H5Pclose(how);
    if (layout == H5D_VIRTUAL || outside > 0)
        return r->t->fail(r->io, LURON_E_FORMAT, "data set '%s' keeps its data in other files, which are not opened",
                          name);
    if (layout != H5D_CONTIGUOUS || outside || filters)
        return r->t->fail(r->io, LURON_E_FORMAT,
                          "data set '%s' is stored in chunks or with filters; contiguous ones are read here", name);
    return LURON_OK;
}

static luron_status check_bfloat16(reader *r, hid_t set, const char *name) {
    char text[sizeof H5_BF16_TEXT + 8] = "";
    if (H5Aexists(set, H5_BF16_KEY) > 0) {
        hid_t id = H5Aopen(set, H5_BF16_KEY, H5P_DEFAULT), type = id < 0 ? -1 : H5Aget_type(id);
        if (type >= 0 && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 &&
            H5Tget_size(type) < sizeof text && H5Aget_storage_size(id) == H5Tget_size(type) &&
            H5Aread(id, type, text) < 0)
            text[0] = 0;
        if (type >= 0) H5Tclose(type);
        if (id >= 0) H5Aclose(id);
    }
    if (strcmp(text, H5_BF16_TEXT) == 0) return LURON_OK;
    return r->t->fail(r->io, LURON_E_FORMAT, "data set '%s' is of uint16 without the attribute dtype = bfloat16", name);
}

/* Where the bytes are, checked against the bytes there are. */
static luron_status locate(reader *r, hid_t set, uint64_t bytes, const char *name, uint64_t *where) {
    *where = 0;
    if (!bytes) return LURON_OK;
    haddr_t at = H5Dget_offset(set);
    if (at == HADDR_UNDEF || H5Dget_storage_size(set) != bytes)
        return r->t->fail(r->io, LURON_E_FORMAT, "data set '%s' should have %llu bytes, it has %llu", name,
                          (unsigned long long)bytes, (unsigned long long)H5Dget_storage_size(set));
    *where = at;
    return take_bytes(r, at, bytes, "data set", name);
}

static luron_status take_tensor(reader *r, hid_t set, hid_t type, hid_t space, const char *name) {
    hsize_t dims[MAX_RANK];
    int64_t shape[MAX_RANK];
    uint64_t where, bytes = H5Tget_size(type);
    uint32_t dtype = h5_dtype(type);
    if (!dtype)
        return r->t->fail(r->io, LURON_E_FORMAT,
                          "data set '%s' has a type that is not read here (float16, 32, 64, int32, 64, uint8 and bool, "
                          "little-endian)",
                          name);
    if (dtype == LURON_BF16) LURON_TRY(check_bfloat16(r, set, name));
    int rank = H5Sget_simple_extent_ndims(space);
    if (H5Sget_simple_extent_type(space) == H5S_NULL || rank < 0 || rank > MAX_RANK)
        return r->t->fail(r->io, LURON_E_FORMAT, "data set '%s' has %d dimensions, 0 to %d expected", name, rank,
                          MAX_RANK);
    if (H5Sget_simple_extent_dims(space, dims, NULL) < 0)
        return h5_fail(r->io, r->t, LURON_E_FORMAT, "data set '%s' has no shape", name);
    int empty = 0;
    for (int i = 0; i < rank; i++) {
        if (dims[i] > INT64_MAX) return r->t->fail(r->io, LURON_E_FORMAT, "data set '%s' is too large", name);
        shape[i] = (int64_t)dims[i];
        empty |= !dims[i];
    }
    for (int i = 0; i < rank && !empty; i++)
        if (__builtin_mul_overflow(bytes, dims[i], &bytes))
            return r->t->fail(r->io, LURON_E_FORMAT, "data set '%s' is too large", name);
    LURON_TRY(locate(r, set, empty ? 0 : bytes, name, &where));
    luron_node *node = r->t->add_tensor(r->io, r->group, name, dtype, rank, shape, where);
    return node ? read_attributes(r, set, node, name) : LURON_E_FORMAT;
}

static luron_status read_set(reader *r, hid_t set, const char *name) {
    LURON_TRY(check_storage(r, set, name));
    hid_t type = H5Dget_type(set), space = type < 0 ? -1 : H5Dget_space(set);
    luron_status status;
    char *text = NULL;
    uint64_t n;
    if (space < 0) {
        status = h5_fail(r->io, r->t, LURON_E_FORMAT, "data set '%s' cannot be opened", name);
    } else {
        status = read_string(r, set, 0, type, space, MAX_TEXT, name, &text, &n);
        if (!status && !text) status = take_tensor(r, set, type, space, name);
        if (!status && text) {
            luron_node *node = r->t->add_text(r->io, r->group, name, text, n);
            status = node ? read_attributes(r, set, node, name) : LURON_E_FORMAT;
        }
    }
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return status;
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */
typedef struct walk {
    reader *r;
    luron_status status;
} walk;

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *link, void *ud) {
    walk *w = ud;
    reader *r = w->r;
    if (link->type != H5L_TYPE_HARD) {
        w->status =
            r->t->fail(r->io, LURON_E_FORMAT, "'%s' is a link to another place or file; links are not followed", name);
        return -1;
    }
    hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    if (object < 0) w->status = h5_fail(r->io, r->t, LURON_E_FORMAT, "'%s' cannot be opened", name);
    else w->status = read_object(r, object, name);
    if (object >= 0) H5Oclose(object);
    return w->status ? -1 : 0;
}

static luron_status read_group(reader *r, hid_t group, luron_node *node, const char *name) {
    walk w = { r, LURON_OK };
    luron_node *before = r->group;
    if (r->depth >= MAX_DEPTH)
        return r->t->fail(r->io, LURON_E_FORMAT, "'%s' is more than %d levels deep", name, MAX_DEPTH);
    LURON_TRY(read_attributes(r, group, node, name));
    r->group = node;
    r->depth++;
    if (H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, visit_link, &w) < 0 && !w.status)
        w.status = h5_fail(r->io, r->t, LURON_E_FORMAT, "group '%s' cannot be read", name);
    r->depth--;
    r->group = before;
    return w.status;
}

static luron_status read_object(reader *r, hid_t object, const char *name) {
    H5O_info_t info;
    if (H5Oget_info(object, &info) < 0) return h5_fail(r->io, r->t, LURON_E_FORMAT, "'%s' cannot be read", name);
    LURON_TRY(note_address(r, info.addr, name));
    if (info.type == H5O_TYPE_DATASET) return read_set(r, object, name);
    if (info.type != H5O_TYPE_GROUP)
        return r->t->fail(r->io, LURON_E_FORMAT, "'%s' is neither a group nor a data set", name);
    if (r->t->find(r->io, r->group, name)) return r->t->fail(r->io, LURON_E_FORMAT, "'%s' is there twice", name);
    luron_node *node = r->t->group(r->io, r->group, name);
    return node ? read_group(r, object, node, name) : LURON_E_FORMAT;
}

static luron_status read_file(reader *r, h5_image *image) {
    hid_t access = h5_access(image, 0), file = access < 0 ? -1 : H5Fopen(image->name, H5F_ACC_RDONLY, access),
          root = file < 0 ? -1 : H5Gopen2(file, "/", H5P_DEFAULT);
    H5O_info_t info;
    luron_status status;
    if (root < 0 || H5Oget_info(root, &info) < 0) status = h5_fail(r->io, r->t, LURON_E_FORMAT, "HDF5 cannot open it");
    else status = note_address(r, info.addr, "/");
    if (!status) status = read_group(r, root, r->t->root(r->io), "/");
    if (root >= 0) H5Gclose(root);
    if (file >= 0 && H5Fclose(file) < 0 && !status)
        status = h5_fail(r->io, r->t, LURON_E_FORMAT, "HDF5 cannot close it");
    if (access >= 0) H5Pclose(access);
    return status;
}

luron_status h5_read(luron_io *io, const luron_tree *tree, const luron_source *source) {
    h5_session session;
    reader r = { .io = io, .t = tree, .source = source };
    h5_image image = { .io = io, .tree = tree, .data = (char *)source->data, .size = (size_t)source->size };
    if (!source->data) return tree->fail(io, LURON_E_INTERNAL, "the file is not in memory");
    LURON_TRY(h5_begin(&session, io, tree));
    luron_status status = read_file(&r, &image);
    h5_end(&session);
    return status;
}
