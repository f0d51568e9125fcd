/* Reading a file: open, choose the format by its first bytes, check the seal, let the format announce what is there, and
 * only then read tensors, into memory that the host owns.                                                               */
#include "io.h"
#include "plan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the source -------------------------------------------------------------------------------------------------- */
static luron_status read_fd(luron_io *io, uint64_t at, void *to, uint64_t n) {
    char *p = to;
    while (n) {
        ssize_t got = pread(io->fd, p, n < (1u << 30) ? n : 1u << 30, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return io->status = luron__io_error(io->ctx, io->source.path, "read", errno);
        if (!got)
            return luron__io_fail(io, LURON_E_IO, "cannot read: it became shorter meanwhile");
        p += got, at += (uint64_t)got, n -= (uint64_t)got;
    }
    return LURON_OK;
}

static luron_status source_read(luron_io *io, uint64_t at, void *to, uint64_t n) {
    if (io->status) return io->status;
    if (at > io->source.size || n > io->source.size - at)
        return luron__io_fail(io, LURON_E_FORMAT, "%" PRIu64 " bytes at %" PRIu64 " expected, the file has %" PRIu64, n,
                              at, io->source.size);
    if (!io->image) return read_fd(io, at, to, n);
    memcpy(to, (const char *)io->image->data + at, n);
    return LURON_OK;
}

static luron_status open_source(luron_io *io, const char *path) {
    struct stat st;
    luron__plan_refuse(io->ctx, "reads a file");
    LURON__CHECK(io->ctx, path && *path, LURON_E_ARGUMENT, "the path of the file is empty");
    do io->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a pipe must not make us wait */
    while (io->fd < 0 && errno == EINTR);
    if (io->fd < 0) return luron__io_error(io->ctx, path, "open", errno);
    if (fstat(io->fd, &st)) return luron__io_error(io->ctx, path, "open", errno);
    if (S_ISDIR(st.st_mode)) return luron__io_error(io->ctx, path, "read", EISDIR);
    LURON__CHECK(io->ctx, S_ISREG(st.st_mode), LURON_E_IO, "cannot read: not a regular file");
    LURON__CHECK(io->ctx, st.st_size > 0, LURON_E_FORMAT, "the file is empty");
    LURON__CHECK(io->ctx, (uint64_t)st.st_size <= LURON__MAX_FILE, LURON_E_FORMAT,
                 "the file has %lld bytes, at most %llu are read", (long long)st.st_size,
                 (unsigned long long)LURON__MAX_FILE);
    io->source = (luron_source){
        .struct_size = sizeof io->source, .size = (uint64_t)st.st_size, .path = path, .read_at = source_read
    };
    io->most = 100 * io->source.size +
               ((uint64_t)64 << 20); /* packed files grow; what is not packed is checked by its format */
    return LURON_OK;
}

/* All of a sealed file into memory, so that the bytes that are checked are the bytes that are used. */
static luron_status load_image(luron_io *io, bool verify) {
    const uint64_t size = io->source.size, sealed = size > LURON__TRAILER ? size - LURON__TRAILER : 0;
    luron__block *image = io->image = luron__block_new(io->pool, (size_t)size);
    if (!image) return luron__nomem(io->ctx, (size_t)size);
    uint8_t *data = image->data;
    luron__xxh64 h;
    luron__xxh64_init(&h);
    for (uint64_t at = 0, n; at < sealed; at += n) {
        n = sealed - at < LURON__HASHED ? sealed - at : LURON__HASHED;
        LURON_TRY(read_fd(io, at, data + at, n));
        if (verify) luron__xxh64_add(&h, data + at, (size_t)n);
    }
    LURON_TRY(read_fd(io, sealed, data + sealed, size - sealed));
    if (verify) LURON_TRY(luron__trailer_check(io->ctx, data, size, luron__xxh64_value(&h)));
    if (luron__trailer_present(data, size)) io->source.size -= LURON__TRAILER;
    io->source.data = data;
    return LURON_OK;
}

/* ---- the format -------------------------------------------------------------------------------------------------- */
static bool has_schema(luron_ctx *ctx, const luron_type *container) {
    const luron_type *t;
    for (int i = 0; (t = luron_type_at(ctx, LURON_KIND_FORMAT, i)); i++)
        if (t->format.over && strcmp(t->format.over, container->format.name) == 0) return true;
    return false;
}

/* The best of the registered containers (over NULL), or of the schemas over one. notes: what the losers say. */
static luron_status probe(const luron_type **best, int *score, luron_io *io, const char *over, bool schema,
                          const uint8_t *head, size_t n, char *notes, size_t n_notes) {
    const luron_type *t;
    *best = NULL, *score = 0, notes[0] = 0;
    for (int i = 0; (t = luron_type_at(io->ctx, LURON_KIND_FORMAT, i)); i++) {
        const luron_format_type *f = &t->format;
        bool candidate = over ? f->over && strcmp(f->over, over) == 0 : !f->over && (!schema || has_schema(io->ctx, t));
        if (!candidate || !f->read) continue;
        int s = f->probe ? f->probe(io, luron__tree(), head, n) : 0;
        if (io->status == LURON_E_NOMEM) return io->status;
        size_t at = strlen(notes);
        if (s <= 0) snprintf(notes + at, n_notes - at, "%s%s", at ? "; " : "", io->status ? io->ctx->error : f->name);
        io->status = LURON_OK;
        if (s > *score) *best = t, *score = s;
    }
    return LURON_OK;
}

enum { CERTAIN = 90 };
static luron_status choose_container(const luron_type **out, luron_io *io, bool schema) {
    uint8_t head[LURON__HEAD];
    char notes[400];
    int score;
    size_t n = io->source.size < sizeof head ? (size_t)io->source.size : sizeof head;
    LURON_TRY(read_fd(io, 0, head, n));
    LURON_TRY(probe(out, &score, io, NULL, schema, head, n, notes, sizeof notes));
    if (score < CERTAIN) {
        LURON_TRY(luron_plugin_load_all(io->ctx));
        LURON_TRY(probe(out, &score, io, NULL, schema, head, n, notes, sizeof notes));
    }
    LURON__CHECK(io->ctx, *out, LURON_E_FORMAT, "not a file that can be read%s%s",
                 notes[0] ? ": " : " (no format is loaded)", notes);
    return LURON_OK;
}

luron_status luron__io_take(const luron_type **slot, void **options, luron_io *io, const luron_type *type, int n_args,
                            const luron_arg *args) {
    LURON_TRY(luron__options_new(options, io->ctx, type, type->format.name, NULL, n_args, args));
    *slot = luron__type_ref(type);
    return LURON_OK;
}

static luron_status find_types(luron_io *io, const char *format, bool schema, int n_args, const luron_arg *args) {
    const luron_type *named = NULL, *container = NULL;
    if (format) LURON_TRY(luron_type_find(&named, io->ctx, LURON_KIND_FORMAT, format));
    if (named && named->format.over)
        LURON_TRY(luron_type_find(&container, io->ctx, LURON_KIND_FORMAT, named->format.over));
    else if (named) container = named;
    else LURON_TRY(choose_container(&container, io, schema));
    bool over = named && named != container;
    LURON__CHECK(io->ctx, container->format.read && !container->format.over, LURON_E_UNSUPPORTED,
                 "format '%s' cannot read", container->format.name);
    LURON_TRY(luron__io_take(&io->container, &io->container_options, io, container, over ? 0 : n_args, args));
    return over && schema ? luron__io_take(&io->schema, &io->schema_options, io, named, n_args, args) : LURON_OK;
}

static luron_status read_schema(luron_io *io) {
    char notes[400];
    int score;
    if (!io->schema) {
        const luron_type *best;
        LURON_TRY(probe(&best, &score, io, io->container->format.name, true, NULL, 0, notes, sizeof notes));
        LURON__CHECK(io->ctx, best, LURON_E_FORMAT, "a file of format %s, but it holds no model that can be read%s%s",
                     io->container->format.name, notes[0] ? ": not " : "", notes);
        LURON_TRY(luron__io_take(&io->schema, &io->schema_options, io, best, 0, NULL));
    }
    const luron_format_type *f = &io->schema->format;
    LURON__CHECK(io->ctx, f->read, LURON_E_UNSUPPORTED, "format '%s' cannot read", f->name);
    io->options = io->schema_options;
    luron_status status = luron__io_result(io, f->read(io, luron__tree(), &io->source), f->name);
    io->options = io->container_options;
    return status;
}

static luron_status read_opened(luron_io *io, const char *format, bool schema, bool verify, int n_args,
                                const luron_arg *args) {
    LURON_TRY(find_types(io, format, schema, n_args, args));
    const luron_format_type *f = &io->container->format;
    if (f->flags & LURON_FORMAT_SEALED) LURON_TRY(load_image(io, verify));
    io->options = io->container_options;
    LURON_TRY(luron__io_result(io, f->read(io, luron__tree(), &io->source), f->name));
    return schema ? read_schema(io) : LURON_OK;
}

luron_status luron__io_read(luron_io *io, const char *path, const char *format, bool schema, bool verify, int n_args,
                            const luron_arg *args) {
    luron_status status = open_source(io, path);
    if (!status) status = read_opened(io, format, schema, verify, n_args, args);
    return status ? luron__io_wrap(io->ctx, status, path ? path : "") : LURON_OK;
}

static bool check_seal(luron_io *io) {
    uint8_t trailer[LURON__TRAILER], *buffer = luron__io_alloc(io, LURON__HASHED);
    uint64_t length, checksum, n;
    if (!buffer || io->source.size < sizeof trailer) return false;
    if (read_fd(io, io->source.size - sizeof trailer, trailer, sizeof trailer)) return false;
    if (!luron__trailer_parse(trailer, &length, &checksum) || length != io->source.size - sizeof trailer) return false;
    luron__xxh64 h;
    luron__xxh64_init(&h);
    for (uint64_t at = 0; at < length; at += n) {
        n = length - at < LURON__HASHED ? length - at : LURON__HASHED;
        if (read_fd(io, at, buffer, n)) return false;
        luron__xxh64_add(&h, buffer, n);
    }
    return luron__xxh64_value(&h) == checksum;
}

/* Read whole, but shown to no format. */
static bool is_whole(luron_ctx *ctx, const char *path) {
    luron_io *io;
    if (luron__io_new(&io, ctx)) return false;
    bool whole = !open_source(io, path) && check_seal(io);
    luron__io_free(io);
    return whole;
}

luron_status luron__io_offer_previous(luron_ctx *ctx, luron_status status, const char *path) {
    char prev[PATH_MAX + 8], why[sizeof ctx->error];
    if (status != LURON_E_IO && status != LURON_E_FORMAT && status != LURON_E_CHECKSUM) return status;
    memcpy(why, ctx->error, sizeof why);
    if (luron__io_target(prev, path) && is_whole(ctx, strcat(prev, ".prev")))
        return luron__fail(ctx, status, "%s; the one saved before it is whole: %s", why, prev);
    return luron__fail(ctx, status, "%s", why);
}

/* ---- elements ---------------------------------------------------------------------------------------------------- */
/* Copy n elements, the first at index `first` in row-major order of `shape`, between a dense run and memory with strides
 * (in elements). to_dense: from `far` to `dense`. */
static void copy_strided(int ndim, const int64_t *shape, const int64_t *strides, size_t size, uint64_t first,
                         uint64_t n, char *dense, char *far, bool to_dense) {
    int64_t at[LURON_MAX_DIMS] = { 0 }, offset = 0;
    for (int d = ndim - 1; d >= 0; d--) {
        at[d] = (int64_t)(first % (uint64_t)shape[d]);
        first /= (uint64_t)shape[d];
        offset += at[d] * strides[d];
    }
    for (; n; n--, dense += size) {
        char *p = far + offset * (int64_t)size;
        memcpy(to_dense ? dense : p, to_dense ? p : dense, size);
        for (int d = ndim - 1; d >= 0; d--) {
            offset += strides[d];
            if (++at[d] < shape[d]) break;
            offset -= strides[d] * shape[d];
            at[d] = 0;
        }
    }
}

/* From the file, through its format. */
static luron_status read_stored(luron_io *io, luron_node *node, uint64_t first, uint64_t n, void *to) {
    const luron_format_type *f = io->container ? &io->container->format : NULL;
    const uint64_t size = node->view.dtype_bits / 8;
    if (f && f->flags & LURON_FORMAT_PLAIN) {
        if (first > (UINT64_MAX - node->where) / size)
            return luron__io_fail(io, LURON_E_FORMAT, "tensor '%s' is beyond the file", node->name);
        return source_read(io, node->where + first * size, to, n * size);
    }
    LURON__CHECK(io->ctx, f && f->read_tensor, LURON_E_PLUGIN,
                 "tensor '%s' is announced, but its format has no read_tensor", node->name);
    return luron__io_result(io, f->read_tensor(io, luron__tree(), &io->source, node, node->where, first, n, to),
                            f->name);
}

luron_status luron__io_fetch(luron_io *io, luron_node *node, uint64_t first, uint64_t n, void *to) {
    luron_node *base = node->from ? node->from : node;
    size_t size = node->view.dtype_bits / 8;
    uint64_t total = (uint64_t)luron_numel(&node->view);
    LURON__CHECK(io->ctx, node->kind == LURON__TENSOR && first <= total && n <= total - first, LURON_E_PLUGIN,
                 "fetch: elements beyond the end of '%s'", node->name);
    if (!n) return LURON_OK;
    if (!base->tensor) {
        LURON__CHECK(io->ctx, !node->permuted, LURON_E_UNSUPPORTED,
                     "tensor '%s' would have to be permuted on its way between two files", node->name);
        return read_stored(io, base, first, n, to);
    }
    if (node->view.data) {
        memcpy(to, (const char *)node->view.data + first * size, n * size);
        return LURON_OK;
    }
    int64_t strides[LURON_MAX_DIMS];
    for (int d = 0; d < node->view.ndim; d++) strides[d] = base->tensor->strides[node->from ? node->perm[d] : d];
    copy_strided(node->view.ndim, node->shape, strides, size, first, n, to, luron__data(base->tensor), true);
    return LURON_OK;
}

static luron_status read_permuted(luron_io *io, luron_node *node, luron_tensor *t) {
    luron_node *base = node->from;
    int64_t strides[LURON_MAX_DIMS];
    for (int d = 0; d < t->ndim; d++) strides[node->perm[d]] = t->strides[d];
    size_t size = node->view.dtype_bits / 8;
    uint64_t total = (uint64_t)luron_numel(&node->view), step = LURON__CHUNK / size;
    char *buffer = luron__io_alloc(io, LURON__CHUNK);
    if (!buffer) return io->status;
    for (uint64_t at = 0; at < total; at += step) {
        uint64_t n = total - at < step ? total - at : step;
        LURON_TRY(read_stored(io, base, at, n, buffer));
        copy_strided(t->ndim, base->shape, strides, size, at, n, buffer, luron__data(t), false);
    }
    return LURON_OK;
}

static luron_status check_bools(luron_io *io, const luron_node *node, const luron_tensor *t) {
    const uint64_t n = (uint64_t)luron_tensor_numel(t);
    const uint8_t *bytes = (const uint8_t *)luron__data(t);
    for (uint64_t i = 0; t->dtype == LURON_B8 && i < n; i++)
        LURON__CHECK(io->ctx, bytes[i] <= 1, LURON_E_FORMAT, "tensor '%s' is bool, but element %" PRIu64 " is %d",
                     node->name, i, bytes[i]);
    return LURON_OK;
}

static luron_status fill(luron_io *io, luron_node *node, luron_tensor *t) {
    uint64_t n = (uint64_t)luron_tensor_numel(t);
    if (!n) return LURON_OK;
    if (node->permuted && !node->from->tensor) return read_permuted(io, node, t);
    return luron__io_fetch(io, node, 0, n, luron__data(t));
}

/* Where the image may be shared, a large tensor that lies in it as tensors lie in memory is used where it is, and the
 * image stays as long as it does. Small ones are copied, lest one number keep a whole file. */
enum { LARGE = 65536, ALIGN = 64 };

/* Note that a tensor has this part of the image; false if another has some of it, in a file that was made on purpose. */
static bool take(luron_io *io, uint64_t begin, uint64_t end) {
    int64_t low = 0, high = io->n_taken;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (io->taken[middle].end <= begin) low = middle + 1;
        else high = middle;
    }
    if (low < io->n_taken && io->taken[low].begin < end) return false;
    if (io->n_taken == io->cap_taken) {
        int64_t more = io->cap_taken ? 2 * io->cap_taken : 16;
        luron__extent *taken = luron__io_alloc(io, (uint64_t)more * sizeof *taken);
        if (!taken) return false;
        if (io->n_taken) memcpy(taken, io->taken, (size_t)io->n_taken * sizeof *taken);
        io->taken = taken, io->cap_taken = more;
    }
    memmove(io->taken + low + 1, io->taken + low, (size_t)(io->n_taken++ - low) * sizeof *io->taken);
    io->taken[low] = (luron__extent){begin, end};
    return true;
}

static bool is_in_place(luron_io *io, const luron_node *node, const luron_node *base) {
    const uint64_t bytes = (uint64_t)luron_numel(&node->view) * node->view.dtype_bits / 8, size = io->source.size;
    return io->shares_image && io->image && io->container->format.flags & LURON_FORMAT_PLAIN && !node->permuted &&
           !base->tensor && !io->ctx->plan && bytes >= LARGE && base->where % ALIGN == 0 && base->where <= size &&
           bytes <= size - base->where && take(io, base->where, base->where + bytes);
}

luron_status luron__io_tensor(luron_tensor **out, luron_io *io, luron_node *node) {
    luron_node *base = node->from ? node->from : node;
    if (base->tensor && !node->permuted) {
        *out = luron_tensor_ref(base->tensor);
        return LURON_OK;
    }
    luron_tensor *t;
    const uint32_t dtype = luron_dtype(&node->view);
    const bool in_place = is_in_place(io, node, base);
    LURON_TRY(luron__check_shape(io->ctx, dtype, node->view.ndim, node->shape, NULL));
    if (in_place)
        LURON_TRY(luron__tensor_in_block(&t, io->ctx, dtype, node->view.ndim, node->shape, io->image, base->where));
    else LURON_TRY(luron_tensor_new(&t, io->ctx, dtype, node->view.ndim, node->shape));
    luron_status status = in_place ? LURON_OK : fill(io, node, t);
    if (!status) status = check_bools(io, node, t);
    if (status) luron_tensor_unref(t);
    else *out = t;
    return status;
}
