/* hdf5_count.h -- libhdf5 as the plugin has loaded it: its calls are counted, and what it has open is asked for. The
 * program exports H5Fopen, so that the plugin finds this one before that of the library.                             */
#ifndef HDF5_COUNT_H
#define HDF5_COUNT_H
#ifndef _GNU_SOURCE
#error "_GNU_SOURCE first"
#endif
#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

static int hdf5_opens; /* files that libhdf5 was shown */

static int hdf5_is_library(struct dl_phdr_info *info, size_t size, void *ud) {
    (void)size;
    if (!strstr(info->dlpi_name, "libhdf5")) return 0;
    *(const char **)ud = info->dlpi_name;
    return 1;
}

/* A function of the library, NULL: it is not loaded. */
static void *hdf5_function(const char *name) {
    const char *path = NULL;
    dl_iterate_phdr(hdf5_is_library, &path);
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_NOLOAD) : NULL;
    if (!library) return NULL;
    void *found = dlsym(library, name);
    dlclose(library);
    return found;
}

int64_t H5Fopen(const char *path, unsigned flags, int64_t access) __attribute__((visibility("default")));
int64_t H5Fopen(const char *path, unsigned flags, int64_t access) {
    int64_t (*real)(const char *, unsigned, int64_t);
    void *found = hdf5_function("H5Fopen");
    hdf5_opens++;
    memcpy(&real, &found, sizeof real);
    return real(path, flags, access);
}

/* Files, data sets, groups, types and attributes that are open: H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL). */
static inline ssize_t hdf5_open_objects(void) {
    ssize_t (*count)(int64_t, unsigned);
    void *found = hdf5_function("H5Fget_obj_count");
    if (!found) return -1;
    memcpy(&count, &found, sizeof count);
    return count(0x1f, 0x1f);
}

/* Like `from`, an identifier of one kind: a copy of it, or (scalar) a new data space. */
static inline int64_t hdf5_new_id(const char *make, const char *from) {
    int64_t (*new_id)(int64_t), *id = from ? hdf5_function(from) : NULL;
    void *found = hdf5_function(make);
    memcpy(&new_id, &found, sizeof new_id);
    return new_id(id ? *id : 0);
}

/* Data spaces, types and property lists that somebody has not closed: identifiers count up, so that all those below a
 * new one can be asked whether they are in use.                                                                      */
static inline int64_t hdf5_held_ids(void) {
    static const char *const kinds[][2] = {
        {"H5Screate", NULL}, {"H5Tcopy", "H5T_NATIVE_INT_g"}, {"H5Pcreate", "H5P_CLS_FILE_ACCESS_ID_g"}};
    int (*is_valid)(int64_t), (*drop)(int64_t);
    void *found = hdf5_function("H5Iis_valid"), *found_drop = hdf5_function("H5Idec_ref");
    int64_t n = 0;
    memcpy(&is_valid, &found, sizeof is_valid);
    memcpy(&drop, &found_drop, sizeof drop);
    for (int i = 0; i < 3; i++) {
        const int64_t id = hdf5_new_id(kinds[i][0], kinds[i][1]), number = id & 0xffffffffffffff;
        for (int64_t k = 1; k <= number; k++)
            n += is_valid(id - k) > 0;
        drop(id);
    }
    return n;
}
#endif
