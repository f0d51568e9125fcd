/* CIFAR's binary files (cs.toronto.edu/~kriz/cifar.html): records of one label byte, or two in CIFAR-100, and 3 x 32 x
 * 32 bytes of a picture, red, green and blue one behind the other. They have no head: the format has to be named. */
#include "../gunzip.h"

enum { PIXELS = 3 * 32 * 32 };

typedef struct options {
    int64_t labels;
} options;
static const luron_option *const option_list[] = {
    LURON_OPT_INT(options, labels, 1, 1, 2, "label bytes of a record: 1 in CIFAR-10, 2 (coarse and fine) in CIFAR-100"),
    NULL};

/* One column of the records: bytes `start` to `start + size` of each. */
typedef struct column {
    const uint8_t *data;
    uint64_t record, start, size;
} column;

static int probe(luron_io *io, const luron_tree *t, const uint8_t *head, uint64_t n) {
    (void)io, (void)t, (void)head, (void)n;
    return 0;
}

static luron_node *announce(luron_io *io, const luron_tree *t, const char *name, int rank, const int64_t *shape,
                            const column *from) {
    column *c = t->alloc(io, sizeof *c);
    if (!c) return NULL;
    *c = *from;
    return t->add_tensor(io, t->root(io), name, LURON_U8, rank, shape, (uint64_t)(uintptr_t)c);
}

static luron_status read_cifar(luron_io *io, const luron_tree *t, const luron_source *source) {
    static const char *const names[] = {"labels", "coarse"};
    uint64_t n = 0, labels = (uint64_t)((const options *)t->options(io))->labels;
    column c = {.record = labels + PIXELS};
    LURON_TRY(gunzip_all(io, t, source, &c.data, &n));
    if (!n || n % c.record)
        return t->fail(io, LURON_E_FORMAT,
                       "it has %llu bytes, a multiple of %llu expected: %llu label and %d picture bytes each",
                       (unsigned long long)n, (unsigned long long)c.record, (unsigned long long)labels, (int)PIXELS);
    const int64_t shape[] = {(int64_t)(n / c.record), 3, 32, 32};
    c.start = labels, c.size = PIXELS;
    if (!announce(io, t, "images", 4, shape, &c)) return LURON_E_FORMAT;
    for (c.size = 1; c.start-- > 0;) { /* the last label byte is the one that says what is to be learned */
        luron_node *node = announce(io, t, names[labels - 1 - c.start], 1, shape, &c);
        if (!node) return LURON_E_FORMAT;
        LURON_TRY(t->set_ids(io, node));
    }
    return LURON_OK;
}

static luron_status read_bytes(luron_io *io, const luron_tree *t, const luron_source *source, luron_node *node,
                               uint64_t where, uint64_t first, uint64_t n, void *to) {
    const column *c = (const column *)(uintptr_t)where;
    uint8_t *out = to;
    (void)io, (void)t, (void)source, (void)node;
    for (uint64_t done = 0; done < n;) {
        uint64_t row = (first + done) / c->size, at = (first + done) % c->size, some = c->size - at;
        if (some > n - done) some = n - done;
        memcpy(out + done, c->data + row * c->record + c->start + at, some);
        done += some;
    }
    return LURON_OK;
}

static const luron_format_type cifar = {.struct_size = sizeof cifar,
                                        .name = "cifar",
                                        .doc = "pictures and labels of CIFAR's binary files; gzip too",
                                        .options = option_list,
                                        .options_size = sizeof(options),
                                        .probe = probe,
                                        .read = read_cifar,
                                        .read_tensor = read_bytes};
static const luron_format_type *const formats[] = {&cifar, NULL};
LURON_PLUGIN_DEFINE(cifar) = {.struct_size = sizeof(luron_plugin),
                              .abi_major = LURON_ABI_MAJOR,
                              .name = "cifar",
                              .version = "1",
                              .formats = formats};
