/* hdf5_plugin.h -- what the files of this plugin share. */
#ifndef HDF5_PLUGIN_H
#define HDF5_PLUGIN_H
#define H5_USE_110_API /* one source for 1.10 and 1.14 */
#include <hdf5.h>
#include <luron/plugin.h>

enum { MAX_ATTRIBUTE = 60000 }; /* bytes: HDF5's earliest format keeps attributes in headers of 64 KiB */
enum { H5_LARGE = 65536 };      /* bytes from which on data go by without libhdf5 */

extern const luron_format_type hdf5_container, luron_schema;

/** Where a file lives while libhdf5 has it: always in memory, so that libhdf5 opens nothing. */
typedef struct h5_image {
    luron_io *io;
    const luron_tree *tree;
    char *data;
    size_t size;  /* bytes there are */
    size_t grown; /* bytes that libhdf5 has filled, when writing */
    char name[64];
} h5_image;
/** Properties of an access to `image`; negative: failed. increment: bytes to grow by, when writing. */
hid_t h5_access(h5_image *image, size_t increment);

/** From begin to end this thread alone is in libhdf5; it prints nothing and loads no filters from files. Its settings
 *  are put back, since the program may use libhdf5 too. */
typedef struct h5_session {
    H5E_auto2_t print;
    void *print_data;
    unsigned plugins;
} h5_session;
luron_status h5_begin(h5_session *s, luron_io *io, const luron_tree *tree);
void h5_end(h5_session *s);

/** A failure with what libhdf5's error stack says of it. */
luron_status h5_fail(luron_io *io, const luron_tree *tree, luron_status status, const char *fmt, ...)
    LURON_PRINTF(4, 5);

/** A new type for a dtype, as stored (little-endian) or as it is in memory; negative: failed. bfloat16 is stored as uint16. */
hid_t h5_type(uint32_t dtype, int in_memory);
/** The dtype that a stored type stands for (uint16: LURON_BF16), 0: none. */
uint32_t h5_dtype(hid_t type);
#define H5_BF16_KEY "dtype" /* attribute that says what the uint16 are */
#define H5_BF16_TEXT "bfloat16"

luron_status h5_read(luron_io *io, const luron_tree *tree, const luron_source *source);
luron_status h5_write(luron_io *io, const luron_tree *tree);
#endif
