/* The container hdf5. libhdf5 sees a copy in memory and never a file, so it takes no locks, meets no full disk and can
 * follow no link to another file.                                                                                       */
#include "hdf5_plugin.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* libhdf5 need not be built for threads. The lock is the one thing here that outlives a call. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

luron_status h5_begin(h5_session *s, luron_io *io, const luron_tree *tree) {
    pthread_mutex_lock(&one_at_a_time);
    /* Everything is closed when we leave, but a damaged file can leave the library in a state in which its own clean-up at
     * exit loops, prints or crashes. No effect in a program that used libhdf5 before us. */
    H5dont_atexit();
    if (H5open() >= 0 && H5Eget_auto2(H5E_DEFAULT, &s->print, &s->print_data) >= 0) {
        if (H5Eset_auto2(H5E_DEFAULT, NULL, NULL) >= 0 && H5PLget_loading_state(&s->plugins) >= 0 &&
            H5PLset_loading_state(0) >= 0)
            return LURON_OK;
        H5Eset_auto2(H5E_DEFAULT, s->print, s->print_data);
    }
    pthread_mutex_unlock(&one_at_a_time);
    return tree->fail(io, LURON_E_INTERNAL, "libhdf5 does not start");
}

void h5_end(h5_session *s) {
    H5PLset_loading_state(s->plugins);
    H5Eclear2(H5E_DEFAULT);
    H5Eset_auto2(H5E_DEFAULT, s->print, s->print_data);
    H5garbage_collect(); /* else it keeps what it has freed */
    pthread_mutex_unlock(&one_at_a_time);
}

static herr_t keep_innermost(unsigned n, const H5E_error2_t *e, void *ud) {
    (void)n;
    snprintf(ud, 160, "%s", e->desc ? e->desc : "");
    return 0;
}

luron_status h5_fail(luron_io *io, const luron_tree *tree, luron_status status, const char *fmt, ...) {
    char why[160] = "", what[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_innermost, why);
    return tree->fail(io, status, "%s%s%s", what, why[0] ? ": " : "", why);
}

/* ---- the file in memory: libhdf5 works in our buffer, without a copy of its own ---------------------------------- */
static void *image_malloc(size_t n, H5FD_file_image_op_t op, void *ud) {
    (void)n, (void)op;
    return ((h5_image *)ud)->data;
}
static void *image_memcpy(void *to, const void *from, size_t n, H5FD_file_image_op_t op, void *ud) {
    (void)op, (void)ud;
    return to == from ? to : memcpy(to, from, n);
}
static void *image_realloc(void *old, size_t n, H5FD_file_image_op_t op, void *ud) {
    (void)old, (void)op;
    h5_image *image = ud;
    if (n > image->grown) image->grown = n;
    if (n <= image->size) return image->data;
    char *more = image->tree->alloc(image->io, n + n / 8);
    if (!more) return NULL;
    if (image->data) memcpy(more, image->data, image->size);
    image->data = more, image->size = n + n / 8;
    return more;
}
static herr_t image_free(void *p, H5FD_file_image_op_t op, void *ud) {
    (void)p, (void)op, (void)ud;
    return 0;
}
static void *image_keep(void *ud) { return ud; }
static herr_t image_drop(void *ud) {
    (void)ud;
    return 0;
}

/* Large data begin where the host likes tensors to begin: then it reads them without a copy. */
enum { ALIGNMENT = 64 };

hid_t h5_access(h5_image *image, size_t increment) {
    H5FD_file_image_callbacks_t callbacks = { image_malloc, image_memcpy, image_realloc, image_free,
                                              image_keep,   image_drop,   image };
    /* No file can have this name, and no two images that are open at once have the same. */
    snprintf(image->name, sizeof image->name, "/dev/null/luron-%p", (void *)image);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access < 0) return access;
    if (H5Pset_fapl_core(access, increment ? increment : 65536, 0) >= 0 &&
        H5Pset_file_image_callbacks(access, &callbacks) >= 0 && H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0 &&
        H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST) >= 0 &&
        (!increment || H5Pset_alignment(access, H5_LARGE, ALIGNMENT) >= 0) &&
        (increment || H5Pset_file_image(access, image->data, image->size) >= 0))
        return access;
    H5Pclose(access);
    return -1;
}

/* ---- types ------------------------------------------------------------------------------------------------------- */
/* As h5py: an enum over int8. */
static hid_t bool_type(void) {
    hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
    int8_t no = 0, yes = 1;
    if (type >= 0 && H5Tenum_insert(type, "FALSE", &no) >= 0 && H5Tenum_insert(type, "TRUE", &yes) >= 0) return type;
    if (type >= 0) H5Tclose(type);
    return -1;
}

static hid_t half_type(hid_t from) {
    hid_t type = H5Tcopy(from);
    if (type >= 0 && H5Tset_fields(type, 15, 10, 5, 0, 10) >= 0 && H5Tset_size(type, 2) >= 0 &&
        H5Tset_ebias(type, 15) >= 0)
        return type;
    if (type >= 0) H5Tclose(type);
    return -1;
}

hid_t h5_type(uint32_t dtype, int in_memory) {
    switch (dtype) {
    case LURON_F32: return H5Tcopy(in_memory ? H5T_NATIVE_FLOAT : H5T_IEEE_F32LE);
    case LURON_F64: return H5Tcopy(in_memory ? H5T_NATIVE_DOUBLE : H5T_IEEE_F64LE);
    case LURON_F16: return half_type(in_memory ? H5T_NATIVE_FLOAT : H5T_IEEE_F32LE);
    case LURON_BF16: return H5Tcopy(in_memory ? H5T_NATIVE_UINT16 : H5T_STD_U16LE);
    case LURON_I64: return H5Tcopy(in_memory ? H5T_NATIVE_INT64 : H5T_STD_I64LE);
    case LURON_I32: return H5Tcopy(in_memory ? H5T_NATIVE_INT32 : H5T_STD_I32LE);
    case LURON_U8: return H5Tcopy(H5T_STD_U8LE);
    case LURON_B8: return bool_type();
    default: return -1;
    }
}

/* Types whose bytes are those that this machine computes with: then tensors are read without libhdf5. */
uint32_t h5_dtype(hid_t type) {
    static const uint32_t dtypes[] = { LURON_F32, LURON_F64, LURON_F16, LURON_BF16,
                                       LURON_I64, LURON_I32, LURON_U8,  LURON_B8 };
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        hid_t ours = h5_type(dtypes[i], 1);
        int same = ours >= 0 && H5Tequal(type, ours) > 0;
        if (ours >= 0) H5Tclose(ours);
        if (same) return dtypes[i];
    }
    return 0;
}

/* ---- the format -------------------------------------------------------------------------------------------------- */
static int probe(luron_io *io, const luron_tree *tree, const uint8_t *head, uint64_t n) {
    if (n >= 8 && memcmp(head, "\x89HDF\r\n\x1a\n", 8) == 0) return 100;
    tree->fail(io, LURON_E_FORMAT, "it is not an HDF5 file");
    return 0;
}

const luron_format_type hdf5_container = { .struct_size = sizeof hdf5_container,
                                           .flags = LURON_FORMAT_SEALED |
                                                    LURON_FORMAT_PLAIN, /* read.c checks place and type */
                                           .name = "hdf5",
                                           .doc = "HDF5: groups, contiguous data sets and text attributes",
                                           .probe = probe,
                                           .read = h5_read,
                                           .write = h5_write };
static const luron_format_type *const formats[] = { &hdf5_container, &luron_schema, NULL };
LURON_PLUGIN_DEFINE(hdf5) = { .struct_size = sizeof(luron_plugin),
                              .abi_major = LURON_ABI_MAJOR,
                              .name = "hdf5",
                              .version = "1",
                              .formats = formats };
