/* From the tree to HDF5, made in memory with the earliest format and given to the host in one piece. Data sets are
 * contiguous, types little-endian and of fixed size, no times are kept: the same tree gives the same bytes.              */
#include "hdf5_plugin.h"

#include <string.h>

typedef struct writer {
    luron_io *io;
    const luron_tree *t;
    hid_t how; /* properties of data sets */
    hid_t group_how;
} writer;

/* ---- how large it will be, so that memory is short before libhdf5 begins, or not at all -------------------------- */
enum { OBJECT = 3072, ATTRIBUTE = 160, FILE_HEAD = 8192 }; /* generous guesses: what is more is asked for later */

static uint64_t estimate(const writer *w, luron_node *node) {
    uint64_t n, bytes = OBJECT;
    const char *key;
    luron_node *child;
    const luron_view *v = w->t->tensor(w->io, node);
    for (int64_t i = 0; (key = w->t->key(w->io, node, i)); i++) {
        w->t->text(w->io, node, key, &n);
        bytes += ATTRIBUTE + 2 * n;
    }
    if (v) return bytes + (uint64_t)luron_numel(v) * v->dtype_bits / 8;
    if (w->t->value(w->io, node, &n)) return bytes + n;
    for (int64_t i = 0; (child = w->t->child(w->io, node, i)); i++)
        bytes += estimate(w, child) + strlen(w->t->name(w->io, child));
    return bytes;
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

static luron_status write_set(const writer *w, hid_t group, luron_node *node, hid_t type, hid_t memory_type,
                              hid_t space, const void *data) {
    const char *name = w->t->name(w->io, node);
    hid_t set = type < 0 || memory_type < 0 || space < 0
                    ? -1
                    : H5Dcreate2(group, name, type, space, H5P_DEFAULT, w->how, H5P_DEFAULT);
    luron_status status = LURON_OK;
    if (set < 0 || (data && H5Dwrite(set, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0))
        status = h5_fail(w->io, w->t, LURON_E_IO, "'%s' cannot be written", name);
    if (!status) status = write_attributes(w, set, node);
    const luron_view *v = w->t->tensor(w->io, node);
    if (!status && v && luron_dtype(v) == LURON_BF16)
        status = write_text_attribute(w, set, H5_BF16_KEY, H5_BF16_TEXT, strlen(H5_BF16_TEXT));
    if (set >= 0) H5Dclose(set);
    return status;
}

static luron_status write_text(const writer *w, hid_t group, luron_node *node, const char *text, uint64_t n) {
    hid_t type = string_type(n), space = H5Screate(H5S_SCALAR);
    luron_status status = write_set(w, group, node, type, type, space, text);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return status;
}

static luron_status write_tensor(const writer *w, hid_t group, luron_node *node, const luron_view *v) {
    hsize_t dims[8];
    uint64_t numel = (uint64_t)luron_numel(v);
    const void *data = v->data;
    if (!data && numel) {
        void *dense = w->t->alloc(w->io, numel * v->dtype_bits / 8);
        if (!dense) return LURON_E_NOMEM;
        LURON_TRY(w->t->fetch(w->io, node, 0, numel, dense));
        data = dense;
    }
    for (int i = 0; i < v->ndim; i++) dims[i] = (hsize_t)v->shape[i];
    hid_t type = h5_type(luron_dtype(v), 0), memory_type = h5_type(luron_dtype(v), 1);
    hid_t space = v->ndim ? H5Screate_simple(v->ndim, dims, NULL) : H5Screate(H5S_SCALAR);
    luron_status status = write_set(w, group, node, type, memory_type, space, numel ? data : NULL);
    if (space >= 0) H5Sclose(space);
    if (memory_type >= 0) H5Tclose(memory_type);
    if (type >= 0) H5Tclose(type);
    return status;
}

static luron_status write_children(const writer *w, hid_t group, luron_node *node) {
    luron_node *child;
    LURON_TRY(write_attributes(w, group, node));
    for (int64_t i = 0; (child = w->t->child(w->io, node, i)); i++) {
        uint64_t n;
        const luron_view *v = w->t->tensor(w->io, child);
        const char *text = w->t->value(w->io, child, &n);
        if (v) LURON_TRY(write_tensor(w, group, child, v));
        else if (text) LURON_TRY(write_text(w, group, child, text, n));
        else {
            hid_t inner = H5Gcreate2(group, w->t->name(w->io, child), H5P_DEFAULT, w->group_how, H5P_DEFAULT);
            luron_status status =
                inner < 0 ? h5_fail(w->io, w->t, LURON_E_IO, "group '%s' cannot be made", w->t->name(w->io, child))
                          : write_children(w, inner, child);
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
    return w->how >= 0 && w->group_how >= 0 && H5Pset_layout(w->how, H5D_CONTIGUOUS) >= 0 &&
           H5Pset_fill_time(w->how, H5D_FILL_TIME_NEVER) >= 0 && H5Pset_obj_track_times(w->how, 0) >= 0 &&
           H5Pset_obj_track_times(w->group_how, 0) >= 0;
}

/* The finished file is the first *length bytes of the image. */
static luron_status write_file(writer *w, h5_image *image, size_t increment, size_t *length) {
    hid_t access = h5_access(image, increment), root_how = H5Pcreate(H5P_FILE_CREATE), file = -1, root = -1;
    if (access >= 0 && root_how >= 0 && H5Pset_obj_track_times(root_how, 0) >= 0 && make_properties(w))
        file = H5Fcreate(image->name, H5F_ACC_TRUNC, root_how, access);
    if (file >= 0) root = H5Gopen2(file, "/", H5P_DEFAULT);
    luron_status status = root < 0 ? h5_fail(w->io, w->t, LURON_E_IO, "HDF5 cannot make a file")
                                   : write_children(w, root, w->t->root(w->io));
    if (root >= 0) H5Gclose(root);
    ssize_t size = -1;
    if (!status && (H5Fflush(file, H5F_SCOPE_GLOBAL) < 0 || (size = H5Fget_file_image(file, NULL, 0)) <= 0 ||
                    (size_t)size > image->size))
        status = h5_fail(w->io, w->t, LURON_E_IO, "HDF5 cannot finish the file");
    if (file >= 0 && H5Fclose(file) < 0 && !status)
        status = h5_fail(w->io, w->t, LURON_E_IO, "HDF5 cannot close the file");
    if (w->how >= 0) H5Pclose(w->how);
    if (w->group_how >= 0) H5Pclose(w->group_how);
    if (root_how >= 0) H5Pclose(root_how);
    if (access >= 0) H5Pclose(access);
    *length = (size_t)size;
    return status;
}

luron_status h5_write(luron_io *io, const luron_tree *tree) {
    h5_session session;
    size_t length;
    writer w = { io, tree, -1, -1 };
    uint64_t size = FILE_HEAD + estimate(&w, tree->root(io));
    h5_image image = { .io = io, .tree = tree, .size = size };
    image.data = tree->alloc(io, size);
    if (!image.data) return LURON_E_NOMEM;
    LURON_TRY(h5_begin(&session, io, tree));
    luron_status status = write_file(&w, &image, size, &length);
    h5_end(&session);
    return status ? status : tree->write(io, image.data, length);
}
