/* Memory for strict mode: exact in size, guarded at both ends, and filled with what shows itself when it is read. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#endif
#include "strict.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static inline __attribute__((always_inline)) uint64_t mix(uint64_t i) { /* splitmix64: a number that looks random for each i */
    uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* ---- guards ------------------------------------------------------------------------------------------------------ */
static size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

luron_status luron__guard_open(luron__guard *g, luron_ctx *ctx, size_t most) {
    *g = (luron__guard){.ctx = ctx, .most = most, .pages = ctx->strict > 1};
    if (!g->pages) {
        g->room = (most + 63) / 64 * 64 + 2 * LURON__GUARD_MARGIN;
        g->base = luron__pool_alloc(ctx->pool, g->room);
        return g->base ? LURON_OK : luron__nomem(ctx, g->room);
    }
    const size_t page = page_size();
    g->room = (most + 63 + page) / page * page + 2 * page;
    void *base = mmap(NULL, g->room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return luron__nomem(ctx, g->room);
    g->base = base;
    return mprotect(g->base + page, g->room - 2 * page, PROT_READ | PROT_WRITE) ? luron__nomem(ctx, g->room) : LURON_OK;
}

void luron__guard_close(luron__guard *g) {
    if (!g->base) return;
    if (g->pages)
        munmap(g->base, g->room);
    else
        luron__pool_free(g->ctx->pool, g->base, g->room);
    g->base = NULL;
}

/* The guard bytes: from *from, `before` of them in front of the data, `after` behind it. */
static char *guarded(const luron__guard *g, size_t *before, size_t *after) {
    const size_t edge = g->pages ? page_size() : 0;
    *before = (size_t)(g->data - g->base) - edge, *after = g->room - 2 * edge - *before - g->bytes;
    if (*before > LURON__GUARD_MARGIN) *before = LURON__GUARD_MARGIN;
    if (*after > LURON__GUARD_MARGIN) *after = LURON__GUARD_MARGIN;
    return g->data - *before;
}

/* Guard bytes i to i + n, by words: read as numbers they are NaN for one seed, and ordinary numbers for another. */
enum { GUARD_WORDS = LURON__GUARD_MARGIN / 8 + 2 };
static const char *guard_bytes(uint64_t words[GUARD_WORDS], uint64_t seed, size_t i, size_t n) {
    for (size_t k = i / 8; k * 8 < i + n; k++)
        words[k - i / 8] = seed ? 0x3ff0000040000000u | (mix(seed + k) & 0xfffff003fffffu) : 0x7ff57ff57fa57fa5u;
    return (const char *)words + i % 8;
}

void *luron__guard_place(luron__guard *g, size_t bytes, size_t align, bool at_start, uint64_t seed) {
    const size_t edge = g->pages ? page_size() : 0;
    size_t before, after;
    g->bytes = bytes, g->seed = seed;
    if (!g->pages) g->data = g->base + LURON__GUARD_MARGIN;
    else g->data = at_start ? g->base + edge : g->base + (g->room - edge - (bytes + align - 1) / align * align);
    char *from = guarded(g, &before, &after);
    uint64_t words[GUARD_WORDS];
    memcpy(from, guard_bytes(words, seed, 0, before), before);
    memcpy(from + before + bytes, guard_bytes(words, seed, before + bytes, after), after);
    return g->data;
}

int64_t luron__guard_damage(const luron__guard *g) {
    size_t before, after;
    const char *from = guarded(g, &before, &after);
    int64_t last = 0;
    uint64_t words[GUARD_WORDS];
    const char *wanted = guard_bytes(words, g->seed, 0, before), *behind = from + before + g->bytes;
    if (memcmp(from, wanted, before) != 0)
        for (size_t i = 0; i < before; i++)
            if (from[i] != wanted[i]) return -(int64_t)(before - i);
    wanted = guard_bytes(words, g->seed, before + g->bytes, after);
    if (memcmp(behind, wanted, after) != 0)
        for (size_t i = 0; i < after; i++)
            if (behind[i] != wanted[i]) last = (int64_t)i + 1;
    return last;
}

/* ---- contents ---------------------------------------------------------------------------------------------------- */
/* What is neither float nor double: bytes that look random, by words. */
static void fill_bytes(size_t bytes, uint64_t seed, char *to) {
    for (size_t i = 0; i < bytes; i += 8) {
        const uint64_t r = mix(seed + i / 8);
        if (bytes - i >= 8)
            memcpy(to + i, &r, 8); /* a size that the compiler knows: no call */
        else
            memcpy(to + i, &r, bytes - i);
    }
}
static size_t bytes_of(uint32_t dtype, int64_t n) { return (size_t)n * ((dtype & 0xff) / 8); } /* index views have a dtype of their own */

void luron__fill_unset(uint32_t dtype, int64_t n, void *to) {
    if (dtype != LURON_F32 && dtype != LURON_F64) {
        fill_bytes(bytes_of(dtype, n), 0, to);
        return;
    }
    for (int64_t i = 0; i < n && dtype == LURON_F32; i++) { /* steps of a large odd number: a vector at a time */
        const uint32_t bits = 0x7fa00000u | (((uint32_t)i + 1) * 0x9e3779b1u >> 11);
        memcpy((char *)to + i * 4, &bits, 4);
    }
    for (int64_t i = 0; i < n && dtype == LURON_F64; i++) {
        const uint64_t bits = 0x7ff4000000000000u | (((uint64_t)i + 1) * 0x9e3779b97f4a7c15u >> 14);
        memcpy((char *)to + i * 8, &bits, 8);
    }
}

static inline double noise_at(int64_t i, double scale) {
    const uint64_t r = mix((uint64_t)i + 0x5eed);
    return scale * (r & 1 ? -1 : 1) * (1 + (double)(r >> 11) * 0x1p-53);
}

void luron__fill_noise(uint32_t dtype, int64_t n, double scale, void *to) {
    if (dtype != LURON_F32 && dtype != LURON_F64) fill_bytes(bytes_of(dtype, n), 0x5eed, to);
    for (int64_t i = 0; i < n && dtype == LURON_F32; i++) {
        const float value = (float)noise_at(i, scale);
        memcpy((char *)to + i * 4, &value, 4);
    }
    for (int64_t i = 0; i < n && dtype == LURON_F64; i++) {
        const double value = noise_at(i, scale);
        memcpy((char *)to + i * 8, &value, 8);
    }
}

double luron__element(uint32_t dtype, const void *data, int64_t i) {
    float narrow;
    double wide;
    if (dtype == LURON_F32) {
        memcpy(&narrow, (const char *)data + i * 4, 4);
        return narrow;
    }
    memcpy(&wide, (const char *)data + i * 8, 8);
    return wide;
}

int64_t luron__first_nonfinite(uint32_t dtype, int64_t n, const void *data) {
    if (dtype != LURON_F32 && dtype != LURON_F64) return -1;
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(luron__element(dtype, data, i))) return i;
    return -1;
}

const char *luron__nonfinite_text(double v) { return isnan(v) ? "nan" : v > 0 ? "inf" : "-inf"; }
