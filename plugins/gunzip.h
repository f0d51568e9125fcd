/* gunzip.h -- for the plugins idx, cifar and csv: the bytes of a source, unpacked if they are gzip. Needs zlib. */
#ifndef GUNZIP_H
#define GUNZIP_H
#include <luron/plugin.h>
#include <string.h>
#include <zlib.h>

static inline int gunzip_is_packed(const uint8_t *head, uint64_t n) {
    return n >= 18 && head[0] == 0x1f && head[1] == 0x8b;
}

/** What the first bytes unpack to: up to `room` bytes into `to`; not packed: a copy. @return how many. */
static inline uint64_t gunzip_head(const uint8_t *head, uint64_t n, uint8_t *to, uint64_t room) {
    if (!gunzip_is_packed(head, n)) {
        uint64_t some = n < room ? n : room;
        memcpy(to, head, some);
        return some;
    }
    z_stream z = { .next_in = (uint8_t *)head, .avail_in = (uInt)n, .next_out = to, .avail_out = (uInt)room };
    if (inflateInit2(&z, 15 + 16) != Z_OK) return 0;
    (void)inflate(&z, Z_SYNC_FLUSH);
    inflateEnd(&z);
    return room - z.avail_out;
}

typedef struct gunzip_buffer {
    luron_io *io;
    const luron_tree *tree;
    uint8_t *data;
    uint64_t n, room, most;
} gunzip_buffer;

static inline luron_status gunzip_grow(gunzip_buffer *b) {
    if (b->room >= b->most)
        return b->tree->fail(b->io, LURON_E_FORMAT,
                             "it unpacks to more than %llu bytes, which is more than its size allows",
                             (unsigned long long)b->most);
    uint64_t room = b->room < b->most / 2 ? 2 * b->room : b->most;
    uint8_t *more = b->tree->alloc(b->io, room);
    if (!more) return LURON_E_NOMEM;
    memcpy(more, b->data, b->n);
    b->data = more, b->room = room;
    return LURON_OK;
}

/* One or more gzip members, up to the end of the source. */
static inline luron_status gunzip_members(gunzip_buffer *b, z_stream *z, const luron_source *source, uint8_t *input,
                                          uint64_t n_input) {
    uint64_t at = 0;
    int ended = 0;
    for (;;) {
        if (!z->avail_in) {
            uint64_t n = source->size - at < n_input ? source->size - at : n_input;
            if (!n) break;
            LURON_TRY(source->read_at(b->io, at, input, n));
            z->next_in = input, z->avail_in = (uInt)n;
            at += n;
        }
        if (ended && inflateReset(z) != Z_OK) break;
        uint64_t some = b->room - b->n < (1u << 30) ? b->room - b->n : 1u << 30;
        z->next_out = b->data + b->n, z->avail_out = (uInt)some;
        int result = inflate(z, Z_NO_FLUSH);
        b->n += some - z->avail_out;
        ended = result == Z_STREAM_END;
        if (result == Z_MEM_ERROR) return b->tree->fail(b->io, LURON_E_NOMEM, "not enough memory to unpack it");
        if (result != Z_OK && !ended && result != Z_BUF_ERROR)
            return b->tree->fail(b->io, LURON_E_FORMAT, "the gzip data are damaged at byte %llu: %s",
                                 (unsigned long long)(at - z->avail_in), z->msg ? z->msg : "wrong header");
        if (!ended && !z->avail_out) LURON_TRY(gunzip_grow(b));
    }
    return ended ? LURON_OK
                 : b->tree->fail(b->io, LURON_E_FORMAT, "the gzip data end too early: the file is cut short");
}

/** Everything, unpacked; lives until the io ends. */
static inline luron_status gunzip_all(luron_io *io, const luron_tree *tree, const luron_source *source,
                                      const uint8_t **data, uint64_t *n) {
    uint8_t head[18], tail[4];
    uint64_t size = source->size;
    *data = NULL, *n = 0;
    if (size >= sizeof head) LURON_TRY(source->read_at(io, 0, head, sizeof head));
    if (!gunzip_is_packed(head, size)) {
        uint8_t *to = tree->alloc(io, size);
        *data = to, *n = size;
        return to ? source->read_at(io, 0, to, size) : LURON_E_NOMEM;
    }
    LURON_TRY(source->read_at(io, size - 4, tail, 4)); /* a gzip file ends in the number of bytes that it unpacks to */
    gunzip_buffer b = { .io = io, .tree = tree, .most = 100 * size + (64u << 20) };
    uint64_t hint = (tail[0] | (uint64_t)tail[1] << 8 | (uint64_t)tail[2] << 16 | (uint64_t)tail[3] << 24) + 64;
    b.room = hint < b.most ? hint : 4 * size;
    b.data = tree->alloc(io, b.room);
    uint8_t *input = b.data ? tree->alloc(io, 65536) : NULL;
    if (!input) return LURON_E_NOMEM;
    z_stream z = { .next_in = NULL };
    if (inflateInit2(&z, 15 + 16) != Z_OK) return tree->fail(io, LURON_E_NOMEM, "not enough memory to unpack it");
    luron_status status = gunzip_members(&b, &z, source, input, 65536);
    inflateEnd(&z);
    *data = b.data, *n = b.n;
    return status;
}
#endif
