/* IDX (yann.lecun.com/exdb/mnist): 0 0 TYPE RANK, RANK sizes of 32 bits, elements, all big-endian; gzip too. */
#include "../gunzip.h"

enum { U8 = 0x08, I8 = 0x09, I16 = 0x0b, I32 = 0x0c, F32 = 0x0d, F64 = 0x0e };
static int type_size(int type) {
    static const uint8_t sizes[] = { [U8] = 1, [I8] = 1, [I16] = 2, [I32] = 4, [F32] = 4, [F64] = 8 };
    return type >= 0 && type < (int)sizeof sizes ? sizes[type] : 0;
}
static uint32_t type_dtype(int type) {
    return type == U8 ? LURON_U8 : type == F32 ? LURON_F32 : type == F64 ? LURON_F64 : LURON_I32;
}

typedef struct options {
    int32_t ids;
} options;
static const char *const when[] = { "auto", "yes", "no", NULL };
static const luron_option *const option_list[] = {
    LURON_OPT_CHOICE(options, ids, "auto", when, "the elements are class ids; auto: a row of uint8 is"), NULL
};

static int probe(luron_io *io, const luron_tree *t, const uint8_t *head, uint64_t n) {
    uint8_t four[4];
    (void)io, (void)t;
    return gunzip_head(head, n, four, 4) == 4 && !four[0] && !four[1] && type_size(four[2]) && four[3] >= 1 &&
                   four[3] <= 8
               ? 95
               : 0;
}

/* Where the elements are, unpacked. */
typedef struct elements {
    int type;
    const uint8_t *data;
} elements;

static luron_status read_idx(luron_io *io, const luron_tree *t, const luron_source *source) {
    const uint8_t *data = NULL;
    uint64_t n = 0;
    int64_t shape[8];
    LURON_TRY(gunzip_all(io, t, source, &data, &n));
    if (n < 4 || data[0] || data[1] || !type_size(data[2]))
        return t->fail(io, LURON_E_FORMAT, "it does not begin as IDX files do: 0, 0, a type, a rank");
    int type = data[2], rank = data[3];
    uint64_t bytes = (uint64_t)type_size(type), head = 4 + 4 * (uint64_t)rank;
    if (rank < 1 || rank > 8) return t->fail(io, LURON_E_FORMAT, "it has %d dimensions, 1 to 8 expected", rank);
    if (n < head) return t->fail(io, LURON_E_FORMAT, "it ends within its head");
    for (int i = 0; i < rank; i++) {
        const uint8_t *p = data + 4 + 4 * i;
        shape[i] = (int64_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
        if (__builtin_mul_overflow(bytes, (uint64_t)shape[i], &bytes))
            return t->fail(io, LURON_E_FORMAT, "its sizes are too large");
    }
    if (bytes != n - head)
        return t->fail(io, LURON_E_FORMAT, "its head announces %llu bytes of elements, there are %llu",
                       (unsigned long long)bytes, (unsigned long long)(n - head));
    elements *e = t->alloc(io, sizeof *e);
    if (!e) return LURON_E_NOMEM;
    e->type = type, e->data = data + head;
    luron_node *node = t->add_tensor(io, t->root(io), "data", type_dtype(type), rank, shape, (uint64_t)(uintptr_t)e);
    if (!node) return LURON_E_FORMAT;
    const options *o = t->options(io);
    int ids = o->ids == 1 || (o->ids == 0 && rank == 1 && type == U8);
    return ids ? t->set_ids(io, node) : LURON_OK;
}

static luron_status read_elements(luron_io *io, const luron_tree *t, const luron_source *source, luron_node *node,
                                  uint64_t where, uint64_t first, uint64_t n, void *to) {
    const elements *e = (const elements *)(uintptr_t)where;
    int size = type_size(e->type);
    const uint8_t *from = e->data + first * (uint64_t)size;
    (void)io, (void)t, (void)source, (void)node;
    if (e->type == U8) {
        memcpy(to, from, n);
        return LURON_OK;
    }
    for (uint64_t i = 0; i < n; i++, from += size) {
        uint64_t bits = 0;
        for (int k = 0; k < size; k++) bits = bits << 8 | from[k];
        int32_t narrow = e->type == I8 ? (int8_t)bits : e->type == I16 ? (int16_t)bits : (int32_t)bits;
        if (size == 8) memcpy((char *)to + 8 * i, &bits, 8);
        else memcpy((char *)to + 4 * i, &narrow, 4); /* the bits of a float are those of an int32 */
    }
    return LURON_OK;
}

static const luron_format_type idx = { .struct_size = sizeof idx,
                                       .name = "idx",
                                       .doc = "one tensor in the format of MNIST; gzip too",
                                       .options = option_list,
                                       .options_size = sizeof(options),
                                       .probe = probe,
                                       .read = read_idx,
                                       .read_tensor = read_elements };
static const luron_format_type *const formats[] = { &idx, NULL };
LURON_PLUGIN_DEFINE(idx) = {
    .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "idx", .version = "1", .formats = formats
};
