/* From the tree to HDF5, made in memory with the earliest format. Data sets are contiguous, types little-endian and of
 * fixed size, no times are kept: the same tree gives the same bytes. libhdf5 sees no large data: it says where they go,
 * and they are written from where they are, between the pieces of what it made.                                          */
#include "hdf5_plugin.h"

#include <string.h>

typedef struct piece {
    struct piece *next;
    luron_node *node;
    uint64_t at, bytes; /* in the file */
} piece;
typedef struct writer {
    luron_io *io;
    const luron_tree *t;
    hid_t how, how_large, group_how; /* properties of data sets, of those that are left out, and of groups */
    piece *large, *last_large;       /* in the order of the file */
} writer;

static uint64_t bytes_of(const luron_view *v) { return (uint64_t)luron_numel(v) * v->dtype_bits / 8; }

/* ---- how large it will be, so that memory is short before libhdf5 begins, or not at all -------------------------- */
enum { OBJECT = 3072, ATTRIBUTE = 160, FILE_HEAD = 8192 }; /* generous guesses: what is more is asked for later */
typedef struct sizes {
    uint64_t about, data, large; /* bytes: what describes, data, and data that libhdf5 does not see */
} sizes;

static void estimate(const writer *w, luron_node *node, sizes *to) {
    uint64_t n;
    const char *key;
    luron_node *child;
    const luron_view *v = w->t->tensor(w->io, node);
    to->about += OBJECT;
    for (int64_t i = 0; (key = w->t->key(w->io, node, i)); i++) {
        w->t->text(w->io, node, key, &n);
        to->about += ATTRIBUTE + 2 * n;
    }
    if (v) *(bytes_of(v) < H5_LARGE ? &to->data : &to->large) += bytes_of(v);
    else if (w->t->value(w->io, node, &n)) to->data += n;
    for (int64_t i = 0; (child = w->t->child(w->io, node, i)); i++) {
        to->about += strlen(w->t->name(w->io, child));
        estimate(w, child, to);
    }
}

/* ---- pieces ------------------------------------------------------------------------------------------------------ */
static hid_t string_type(uint64_t n) {
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 && H5Tset_size(type, n ? n : 1) >= 0 && H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0 &&
        H5Tset_cset(type, H5T_CSET_UTF8) >= 0)
        return type;
    if (type >= 0) H5Tclose(type);
    return -1;
}

static luron_status write_attribute(const writer *w, hid_t object, const char *key, hid_t type, hid_t memory_type,
                                    const void *data) {
    hid_t space = H5Screate(H5S_SCALAR),
          id = space < 0 || type < 0 ? -1 : H5Acreate2(object, key, type, space, H5P_DEFAULT, H5P_DEFAULT);
    luron_status status = LURON_OK;
    if (id < 0 || H5Awrite(id, memory_type, data) < 0)
        status = h5_fail(w->io, w->t, LURON_E_IO, "attribute '%s' cannot be written", key);
    if (id >= 0) H5Aclose(id);
    if (space >= 0) H5Sclose(space);
    return status;
}

static luron_status write_text_attribute(const writer *w, hid_t object, const char *key, const char *text, uint64_t n) {
    if (n > MAX_ATTRIBUTE)
        return w->t->fail(w->io, LURON_E_ARGUMENT, "attribute '%s' has %llu bytes, HDF5 keeps up to %d", key,
                          (unsigned long long)n, MAX_ATTRIBUTE);
    hid_t type = string_type(n);
    luron_status status = write_attribute(w, object, key, type, type, text);
    if (type >= 0) H5Tclose(type);
    return status;
}

static luron_status write_attributes(const writer *w, hid_t object, luron_node *node) {
    const char *key;
    for (int64_t i = 0; (key = w->t->key(w->io, node, i)); i++) {
        int64_t number;
        uint64_t n;
        const char *text = w->t->text(w->io, node, key, &n);
        if (w->t->integer(w->io, node, key, &number))
            LURON_TRY(write_attribute(w, object, key, H5T_STD_I64LE, H5T_NATIVE_INT64, &number));
        else LURON_TRY(write_text_attribute(w, object, key, text, n));
    }
    return LURON_OK;
}

/* Note where its data go: mostly behind the last of those that are left out so far. */
static luron_status leave_out(writer *w, hid_t set, luron_node *node, uint64_t bytes) {
    haddr_t at = H5Dget_offset(set);
    if (at == HADDR_UNDEF) return h5_fail(w->io, w->t, LURON_E_IO, "'%s' gets no place", w->t->name(w->io, node));
    piece *last = w->last_large, **end = last && last->at < at ? &last->next : &w->large;
    piece *p = w->t->alloc(w->io, sizeof *p);
    if (!p) return LURON_E_NOMEM;
    while (*end && (*end)->at < at) end = &(*end)->next;
    *p = (piece){ *end, node, at, bytes };
    *end = p;
    if (!p->next) w->last_large = p;
    return LURON_OK;
}

/* data NULL: none, or (large) left out. */
static luron_status write_set(writer *w, hid_t group, luron_node *node, hid_t type, hid_t memory_type, hid_t space,
                              const void *data, uint64_t large) {
    const char *name = w->t->name(w->io, node);
    hid_t set = type < 0 || memory_type < 0 || space < 0
                    ? -1
                    : H5Dcreate2(group, name, type, space, H5P_DEFAULT, large ? w->how_large : w->how, H5P_DEFAULT);
    luron_status status = LURON_OK;
    if (set < 0 || (data && H5Dwrite(set, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0))
        status = h5_fail(w->io, w->t, LURON_E_IO, "'%s' cannot be written", name);
    if (!status && large) status = leave_out(w, set, node, large);
    if (!status) status = write_attributes(w, set, node);
    const luron_view *v = w->t->tensor(w->io, node);
    if (!status && v && luron_dtype(v) == LURON_BF16)
        status = write_text_attribute(w, set, H5_BF16_KEY, H5_BF16_TEXT, strlen(H5_BF16_TEXT));
    if (set >= 0) H5Dclose(set);
    return status;
}

static luron_status write_text(writer *w, hid_t group, luron_node *node, const char *text, uint64_t n) {
    hid_t type = string_type(n), space = H5Screate(H5S_SCALAR);
    luron_status status = write_set(w, group, node, type, type, space, text, 0);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return status;
}

static luron_status write_tensor(writer *w, hid_t group, luron_node *node, const luron_view *v) {
    hsize_t dims[8];
    uint64_t numel = (uint64_t)luron_numel(v), large = bytes_of(v) < H5_LARGE ? 0 : bytes_of(v);
    const void *data = v->data;
    if (!data && numel && !large) {
        void *dense = w->t->alloc(w->io, numel * v->dtype_bits / 8);
        if (!dense) return LURON_E_NOMEM;
        LURON_TRY(w->t->fetch(w->io, node, 0, numel, dense));
        data = dense;
    }
    for (int i = 0; i < v->ndim; i++) dims[i] = (hsize_t)v->shape[i];
    hid_t type = h5_type(luron_dtype(v), 0), memory_type = h5_type(luron_dtype(v), 1);
    hid_t space = v->ndim ? H5Screate_simple(v->ndim, dims, NULL) : H5Screate(H5S_SCALAR);
    luron_status status;
    if (large && type >= 0 && memory_type >= 0 && H5Tequal(type, memory_type) <= 0)
        status = w->t->fail(w->io, LURON_E_UNSUPPORTED, "'%s': this machine is not little-endian", w->t->name(w->io, node));
    else status = write_set(w, group, node, type, memory_type, space, numel && !large ? data : NULL, large);
    if (space >= 0) H5Sclose(space);
    if (memory_type >= 0) H5Tclose(memory_type);
    if (type >= 0) H5Tclose(type);
    return status;
}

/* In two passes: small data behind large data would make the image as long as the file. */
static luron_status write_children(writer *w, hid_t group, luron_node *node, int large) {
    luron_node *child;
    if (!large) LURON_TRY(write_attributes(w, group, node));
    for (int64_t i = 0; (child = w->t->child(w->io, node, i)); i++) {
        uint64_t n;
        const luron_view *v = w->t->tensor(w->io, child);
        const char *text = w->t->value(w->io, child, &n);
        if (v || text) {
            if (large != (v && bytes_of(v) >= H5_LARGE)) continue;
            LURON_TRY(v ? write_tensor(w, group, child, v) : write_text(w, group, child, text, n));
        } else {
            const char *name = w->t->name(w->io, child);
            hid_t inner = large ? H5Gopen2(group, name, H5P_DEFAULT)
                                : H5Gcreate2(group, name, H5P_DEFAULT, w->group_how, H5P_DEFAULT);
            luron_status status =
                inner < 0 ? h5_fail(w->io, w->t, LURON_E_IO, "group '%s' cannot be made", w->t->name(w->io, child))
                          : write_children(w, inner, child, large);
            if (inner >= 0) H5Gclose(inner);
            if (status) return status;
        }
    }
    return LURON_OK;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */
static int make_properties(writer *w) {
    w->how = H5Pcreate(H5P_DATASET_CREATE);
    w->group_how = H5Pcreate(H5P_GROUP_CREATE);
    if (w->how < 0 || w->group_how < 0 || H5Pset_layout(w->how, H5D_CONTIGUOUS) < 0 ||
        H5Pset_fill_time(w->how, H5D_FILL_TIME_NEVER) < 0 || H5Pset_obj_track_times(w->how, 0) < 0 ||
        H5Pset_obj_track_times(w->group_how, 0) < 0)
        return 0;
    w->how_large = H5Pcopy(w->how);
    return w->how_large >= 0 && H5Pset_alloc_time(w->how_large, H5D_ALLOC_TIME_EARLY) >= 0;
}

/* All that describes in one block at the front (half of the guess is enough), and small data in the next: what comes
 * behind the first large data would make libhdf5 fill their room with zeros. That is no fault, but it takes time and
 * memory. */
static int put_in_front(hid_t access, const sizes *s) {
    return !s->large || (H5Pset_meta_block_size(access, s->about / 2) >= 0 &&
                         H5Pset_small_data_block_size(access, s->data + 64) >= 0);
}

/* libhdf5 writes zeros as the image grows, then data over them: in small steps both find them in cache. */
enum { GROWTH = 65536 };

static luron_status write_file(writer *w, h5_image *image, const sizes *s) {
    hid_t access = h5_access(image, GROWTH), root_how = H5Pcreate(H5P_FILE_CREATE), file = -1, root = -1;
    if (access >= 0 && root_how >= 0 && H5Pset_obj_track_times(root_how, 0) >= 0 && put_in_front(access, s) &&
        make_properties(w))
        file = H5Fcreate(image->name, H5F_ACC_TRUNC, root_how, access);
    if (file >= 0) root = H5Gopen2(file, "/", H5P_DEFAULT);
    luron_status status = root < 0 ? h5_fail(w->io, w->t, LURON_E_IO, "HDF5 cannot make a file")
                                   : write_children(w, root, w->t->root(w->io), 0);
    if (!status) status = write_children(w, root, w->t->root(w->io), 1);
    if (root >= 0) H5Gclose(root);
    if (file >= 0 && H5Fclose(file) < 0 && !status)
        status = h5_fail(w->io, w->t, LURON_E_IO, "HDF5 cannot close the file");
    if (w->how >= 0) H5Pclose(w->how);
    if (w->how_large >= 0) H5Pclose(w->how_large);
    if (w->group_how >= 0) H5Pclose(w->group_how);
    if (root_how >= 0) H5Pclose(root_how);
    if (access >= 0) H5Pclose(access);
    return status;
}

/* The end of the file, as a superblock of version 0 with addresses of 8 bytes has it; 0: it is none. */
static uint64_t end_of_file(const h5_image *image) {
    const uint8_t *head = (const uint8_t *)image->data;
    uint64_t end = 0;
    if (image->grown < 96 || head[8] != 0 || head[13] != 8) return 0;
    for (int i = 7; i >= 0; i--) end = end << 8 | head[40 + i];
    return end;
}

/* What libhdf5 made, up to `to`; where it wrote nothing: zeros. */
static luron_status put_image(const writer *w, const h5_image *image, uint64_t *at, uint64_t to) {
    static const char zeros[512];
    const uint64_t made = to < image->grown ? to : image->grown;
    if (*at > to) return w->t->fail(w->io, LURON_E_INTERNAL, "HDF5 gave the same place twice");
    if (*at < made) LURON_TRY(w->t->write(w->io, image->data + *at, made - *at));
    if (*at < made) *at = made;
    for (uint64_t n; *at < to; *at += n) {
        n = to - *at < sizeof zeros ? to - *at : sizeof zeros;
        LURON_TRY(w->t->write(w->io, zeros, n));
    }
    return LURON_OK;
}

static luron_status put_all(const writer *w, const h5_image *image) {
    uint64_t at = 0, end = end_of_file(image);
    if (!end) return w->t->fail(w->io, LURON_E_INTERNAL, "HDF5 made a file of another version");
    for (const piece *p = w->large; p; p = p->next) {
        LURON_TRY(put_image(w, image, &at, p->at));
        LURON_TRY(w->t->write_tensor(w->io, p->node));
        at += p->bytes;
    }
    return put_image(w, image, &at, end);
}

luron_status h5_write(luron_io *io, const luron_tree *tree) {
    h5_session session;
    sizes s = { 0, 0, 0 };
    writer w = { .io = io, .t = tree, .how = -1, .how_large = -1, .group_how = -1 };
    estimate(&w, tree->root(io), &s);
    h5_image image = { .io = io, .tree = tree, .size = FILE_HEAD + s.about + s.data + GROWTH };
    image.data = tree->alloc(io, image.size);
    if (!image.data) return LURON_E_NOMEM;
    LURON_TRY(h5_begin(&session, io, tree));
    luron_status status = write_file(&w, &image, &s);
    h5_end(&session);
    return status ? status : put_all(&w, &image);
}
