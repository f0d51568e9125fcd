#include "io.h"

#include <inttypes.h>
#include <string.h>

#define P1 0x9E3779B185EBCA87u
#define P2 0xC2B2AE3D27D4EB4Fu
#define P3 0x165667B19E3779F9u
#define P4 0x85EBCA77C2B2AE63u
#define P5 0x27D4EB2F165667C5u

static uint64_t rotl(uint64_t x, int n) { return x << n | x >> (64 - n); }
static uint64_t get_le(const uint8_t *p, int n) {
    uint64_t x = 0;
    for (int i = 0; i < n; i++) x |= (uint64_t)p[i] << (8 * i);
    return x;
}
static void put_le(uint8_t *p, int n, uint64_t x) {
    for (int i = 0; i < n; i++) p[i] = (uint8_t)(x >> (8 * i));
}
static uint64_t lane_round(uint64_t acc, uint64_t lane) { return rotl(acc + lane * P2, 31) * P1; }
static uint64_t merge(uint64_t acc, uint64_t lane) { return (acc ^ lane_round(0, lane)) * P1 + P4; }

void luron__xxh64_init(luron__xxh64 *h) {
    memset(h, 0, sizeof *h);
    h->lane[0] = P1 + P2, h->lane[1] = P2, h->lane[3] = 0 - P1;
}

void luron__xxh64_add(luron__xxh64 *h, const void *data, size_t n) {
    const uint8_t *p = data;
    if (!n) return;
    h->total += n;
    if (h->n_rest) {
        size_t take = 32 - h->n_rest < n ? 32 - h->n_rest : n;
        memcpy(h->rest + h->n_rest, p, take);
        h->n_rest += take, p += take, n -= take;
        if (h->n_rest < 32) return;
        for (int i = 0; i < 4; i++) h->lane[i] = lane_round(h->lane[i], get_le(h->rest + 8 * i, 8));
        h->n_rest = 0;
    }
    for (; n >= 32; p += 32, n -= 32)
        for (int i = 0; i < 4; i++) h->lane[i] = lane_round(h->lane[i], get_le(p + 8 * i, 8));
    memcpy(h->rest, p, n);
    h->n_rest = n;
}

uint64_t luron__xxh64_value(const luron__xxh64 *h) {
    uint64_t x = P5;
    if (h->total >= 32) {
        x = rotl(h->lane[0], 1) + rotl(h->lane[1], 7) + rotl(h->lane[2], 12) + rotl(h->lane[3], 18);
        for (int i = 0; i < 4; i++) x = merge(x, h->lane[i]);
    }
    x += h->total;
    const uint8_t *p = h->rest;
    size_t n = h->n_rest;
    for (; n >= 8; p += 8, n -= 8) x = rotl(x ^ lane_round(0, get_le(p, 8)), 27) * P1 + P4;
    if (n >= 4) {
        x = rotl(x ^ (get_le(p, 4) * P1), 23) * P2 + P3;
        p += 4, n -= 4;
    }
    for (; n; p++, n--) x = rotl(x ^ (*p * P5), 11) * P1;
    x = (x ^ x >> 33) * P2;
    x = (x ^ x >> 29) * P3;
    return x ^ x >> 32;
}

/* A byte that is no text and both kinds of line end: a transfer as text breaks the magic. */
static const uint8_t magic[8] = { 'L', 'U', 'R', 'O', 'N', 0x1a, '\r', '\n' };
enum { TRAILER_VERSION = 1, KIND_XXH64 = 1 };

void luron__trailer_make(uint8_t to[LURON__TRAILER], uint64_t length, uint64_t checksum) {
    memcpy(to, magic, 8);
    put_le(to + 8, 4, TRAILER_VERSION);
    put_le(to + 12, 4, KIND_XXH64);
    put_le(to + 16, 8, length);
    put_le(to + 24, 8, checksum);
}

bool luron__trailer_present(const uint8_t *file, uint64_t size) {
    return size >= LURON__TRAILER && memcmp(file + size - LURON__TRAILER, magic, 8) == 0;
}

bool luron__trailer_parse(const uint8_t trailer[LURON__TRAILER], uint64_t *length, uint64_t *checksum) {
    *length = get_le(trailer + 16, 8), *checksum = get_le(trailer + 24, 8);
    return luron__trailer_present(trailer, LURON__TRAILER) && get_le(trailer + 8, 4) == TRAILER_VERSION &&
           get_le(trailer + 12, 4) == KIND_XXH64;
}

luron_status luron__trailer_check(luron_ctx *ctx, const uint8_t *file, uint64_t size, uint64_t have) {
    LURON__CHECK(ctx, luron__trailer_present(file, size), LURON_E_CHECKSUM,
                 "the checksum at its end is missing: the file is cut short, was changed by another program, or was "
                 "not written by luron");
    const uint8_t *t = file + size - LURON__TRAILER;
    uint64_t length, want;
    LURON__CHECK(ctx, luron__trailer_parse(t, &length, &want), LURON_E_CHECKSUM,
                 "the checksum at its end is of kind %u.%u, which is not known here", (unsigned)get_le(t + 8, 4),
                 (unsigned)get_le(t + 12, 4));
    LURON__CHECK(ctx, length == size - LURON__TRAILER, LURON_E_CHECKSUM,
                 "%" PRIu64 " bytes expected before the checksum, there are %" PRIu64, length, size - LURON__TRAILER);
    LURON__CHECK(ctx, have == want, LURON_E_CHECKSUM,
                 "checksum %016" PRIx64 " expected, the bytes give %016" PRIx64 ": the file was altered", want, have);
    return LURON_OK;
}
