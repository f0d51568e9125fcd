/* The pool behind a context: 64-byte aligned blocks of a size that the caller gives again when it frees them. Freed
 * blocks are kept in lists by size class, so that a training loop does not go to the system for every tensor.
 * Blocks may be freed from any thread, so the lists stand behind a lock that is held for a few instructions.        */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* madvise */
#endif
#include "plan.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGN = 64, SMALL = 1024, N_SMALL = SMALL / ALIGN, N_CLASSES = N_SMALL + 4 * 54 };
/* Around a block lies what its alignment takes: a sanitizer would not see that it is nobody's. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define FENCE(at, n) __asan_poison_memory_region((at), (n))
#define UNFENCE(at, n) __asan_unpoison_memory_region((at), (n))
#else
#define FENCE(at, n) ((void)(at), (void)(n))
#define UNFENCE(at, n) ((void)(at), (void)(n))
#endif
#define CACHE_MAX ((int64_t)1 << 30) /* bytes kept at most */

struct luron__pool {
    luron_alloc_fn alloc;
    void *ud;
    atomic_flag lock;
    bool released;
    _Atomic int64_t live_bytes, limit; /* written under the lock, read without: Lua asks for both whenever it makes a value */
    int64_t live_blocks, cached_bytes, given_bytes, refused;
    luron__block *shelf; /* not owned; NULL: none */
    luron__block *aside; /* other shelves with room, the last one first; not owned */
    luron__live *first_live, *last_live;
    int64_t n_live;
    uint64_t n_numbers; /* luron__number_of */
    int64_t fail_in; /* allocations until one fails; 0: off */
    bool fail_sticky;
    void *free_list[N_CLASSES]; /* the first word of a free block points to the next */
};

/* Large blocks come from the system and go back to it, in pages of the largest size there is: what malloc frees in the middle
 * of its heap stays there. */
static void *default_alloc(void *ud, void *ptr, size_t old_size, size_t new_size) {
    const size_t large = LURON__HOSTILE ? SIZE_MAX : (size_t)1 << 20, huge = (size_t)1 << 22;
    (void)ud;
    if (!new_size && old_size >= large) munmap(ptr, old_size);
    else if (!new_size) free(ptr);
    if (new_size < large) return new_size ? malloc(new_size) : NULL;
    void *block = mmap(NULL, new_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return NULL;
#ifdef MADV_HUGEPAGE
    if (new_size >= huge) madvise(block, new_size, MADV_HUGEPAGE);
#endif
    return block;
}

/* Classes: multiples of 64 up to 1 KiB, then four to a power of two. */
static int size_class(size_t bytes, size_t *size) {
    if (bytes <= SMALL) {
        int c = bytes ? (int)((bytes - 1) / ALIGN) : 0;
        *size = (size_t)(c + 1) * ALIGN;
        return c;
    }
    int log = 63 - __builtin_clzll(bytes - 1); /* 2^log <= bytes - 1 */
    size_t step = (size_t)1 << (log - 2);
    size_t quarter = (bytes - 1 - ((size_t)1 << log)) / step;
    *size = ((size_t)1 << log) + (quarter + 1) * step;
    return N_SMALL + 4 * (log - 10) + (int)quarter;
}

static size_t class_size(int c) {
    if (c < N_SMALL) return (size_t)(c + 1) * ALIGN;
    int log = (c - N_SMALL) / 4 + 10;
    return ((size_t)1 << log) + (size_t)((c - N_SMALL) % 4 + 1) * ((size_t)1 << (log - 2));
}

static void lock(luron__pool *p) {
    while (atomic_flag_test_and_set_explicit(&p->lock, memory_order_acquire))
        ;
}
static void unlock(luron__pool *p) { atomic_flag_clear_explicit(&p->lock, memory_order_release); }

static int64_t get(_Atomic int64_t *field) { return atomic_load_explicit(field, memory_order_relaxed); }
static void put(_Atomic int64_t *field, int64_t n) { atomic_store_explicit(field, n, memory_order_relaxed); }

static void *raw_alloc(luron__pool *p, size_t size) {
    char *raw = p->alloc(p->ud, NULL, 0, size + ALIGN);
    if (!raw) return NULL;
    uintptr_t at = ((uintptr_t)raw + ALIGN) & ~(uintptr_t)(ALIGN - 1);
    ((void **)at)[-1] = raw;
    size_t before = at - (uintptr_t)raw;
    FENCE(raw, before);
    FENCE((char *)at + size, ALIGN - before);
    return (void *)at;
}
static void raw_free(luron__pool *p, void *ptr, size_t size) {
    UNFENCE((void **)ptr - 1, sizeof(void *));
    void *raw = ((void **)ptr)[-1];
    UNFENCE(raw, size + ALIGN);
    p->alloc(p->ud, raw, size + ALIGN, 0);
}

luron__pool *luron__pool_new(luron_alloc_fn alloc, void *ud) {
    if (!alloc) alloc = default_alloc;
    luron__pool *p = alloc(ud, NULL, 0, sizeof *p);
    if (!p) return NULL;
    memset(p, 0, sizeof *p);
    p->alloc = alloc, p->ud = ud, p->refused = -1;
    atomic_flag_clear(&p->lock);
    return p;
}

void luron__pool_trim(luron__pool *p) {
    for (int c = 0; c < N_CLASSES; c++) {
        lock(p);
        void *block = p->free_list[c];
        p->free_list[c] = NULL;
        for (void *b = block; b; b = *(void **)b) p->cached_bytes -= (int64_t)class_size(c);
        unlock(p);
        while (block) {
            void *next = *(void **)block;
            raw_free(p, block, class_size(c));
            block = next;
        }
    }
}

static void destroy(luron__pool *p) {
    luron__pool_trim(p);
    p->alloc(p->ud, p, sizeof *p, 0);
}

void luron__pool_release(luron__pool *p) {
    lock(p);
    p->released = true;
    bool last = p->live_blocks == 0;
    unlock(p);
    if (last) destroy(p);
}

void *luron__pool_alloc(luron__pool *p, size_t bytes) {
    if (bytes > (size_t)1 << 60) return NULL;
    size_t size;
    int c = size_class(bytes, &size);
    if (LURON__HOSTILE) size = bytes; /* so that the byte after the last one is out of bounds */
    void *block = NULL;
    lock(p);
    if (p->fail_in && --p->fail_in == 0) {
        if (p->fail_sticky) p->fail_in = 1;
        unlock(p);
        return NULL;
    }
    const int64_t live = get(&p->live_bytes), limit = get(&p->limit);
    p->refused = limit && (int64_t)bytes > limit - live ? live : -1;
    if (p->refused >= 0) {
        unlock(p);
        return NULL;
    }
    put(&p->live_bytes, live + (int64_t)bytes);
    p->live_blocks++, p->given_bytes += (int64_t)bytes;
    if (p->free_list[c]) {
        block = p->free_list[c];
        p->free_list[c] = *(void **)block;
        p->cached_bytes -= (int64_t)size;
    }
    unlock(p);
    if (!block) {
        block = raw_alloc(p, size);
        if (!block) {
            luron__pool_trim(p); /* what is kept for reuse may make room */
            block = raw_alloc(p, size);
        }
        if (!block) {
            lock(p);
            put(&p->live_bytes, get(&p->live_bytes) - (int64_t)bytes);
            p->live_blocks--;
            unlock(p);
            return NULL;
        }
    }
    if (LURON__HOSTILE) memset(block, 0xff, bytes);
    return block;
}

void luron__pool_free(luron__pool *p, void *ptr, size_t bytes) {
    if (!ptr) return;
    size_t size;
    int c = size_class(bytes, &size);
    if (LURON__HOSTILE) {
        memset(ptr, 0xff, bytes);
        size = bytes;
    }
    lock(p);
    put(&p->live_bytes, get(&p->live_bytes) - (int64_t)bytes);
    p->live_blocks--;
    bool keep = !LURON__HOSTILE && !p->released && p->cached_bytes + (int64_t)size <= CACHE_MAX;
    if (keep) {
        *(void **)ptr = p->free_list[c];
        p->free_list[c] = ptr;
        p->cached_bytes += (int64_t)size;
    }
    bool last = p->released && p->live_blocks == 0;
    unlock(p);
    if (!keep) raw_free(p, ptr, size);
    if (last) destroy(p);
}

static int64_t read_locked(luron__pool *p, const int64_t *field) {
    lock(p);
    int64_t n = *field;
    unlock(p);
    return n;
}
int64_t luron__pool_bytes(luron__pool *p) { return get(&p->live_bytes); }
int64_t luron__pool_blocks(luron__pool *p) { return read_locked(p, &p->live_blocks); }
int64_t luron__pool_given(luron__pool *p) { return read_locked(p, &p->given_bytes); }
int64_t luron__pool_refused(luron__pool *p) { return read_locked(p, &p->refused); }
int64_t luron__pool_limit(luron__pool *p) { return get(&p->limit); }
void luron__pool_set_limit(luron__pool *p, int64_t bytes) {
    lock(p);
    put(&p->limit, bytes);
    unlock(p);
}

void luron__pool_fail(luron__pool *p, int64_t k, bool sticky) {
    lock(p);
    p->fail_in = k > 0 ? k : 0, p->fail_sticky = sticky;
    unlock(p);
}

/* ---- blocks of several storages ----------------------------------------------------------------------------------- */
luron__block *luron__block_new(luron__pool *pool, size_t bytes) {
    luron__block *b = luron__pool_alloc(pool, sizeof *b);
    void *data = b ? luron__pool_alloc(pool, bytes) : NULL;
    if (!data) {
        luron__pool_free(pool, b, sizeof *b);
        return NULL;
    }
    *b = (luron__block){.refs = 1, .pool = pool, .data = data, .bytes = bytes};
    return b;
}

/* Shelves of which half is free again wait to be filled once more. The lock is held, here and below. */
static void set_aside(luron__block *b) {
    if (b->is_aside || 2 * b->n_taken > LURON__PLACES) return;
    b->before = NULL, b->after = b->pool->aside;
    if (b->after) b->after->before = b;
    b->pool->aside = b, b->is_aside = true;
}
static void take_back(luron__block *b) {
    if (!b->is_aside) return;
    *(b->before ? &b->before->after : &b->pool->aside) = b->after;
    if (b->after) b->after->before = b->before;
    b->is_aside = false;
}

void luron__block_unref(luron__block *b) {
    if (!b || atomic_fetch_sub(&b->refs, 1) != 1) return;
    lock(b->pool);
    if (b->pool->shelf == b) b->pool->shelf = NULL;
    take_back(b);
    unlock(b->pool);
    luron__pool_free(b->pool, b->data, b->bytes);
    luron__pool_free(b->pool, b, sizeof *b);
}

void luron__block_leave(luron__block *b, const void *data, size_t bytes) {
    if (b->is_shelf) {
        const size_t n = luron__aligned(bytes) / LURON__PLACE;
        lock(b->pool);
        memset(b->taken + ((const char *)data - (char *)b->data) / LURON__PLACE, false, n);
        b->n_taken -= n;
        if (b->pool->shelf != b) set_aside(b);
        unlock(b->pool);
    }
    luron__block_unref(b);
}

/* Where the next n free places of a shelf begin; -1: nowhere. */
static int64_t find_places(const luron__block *shelf, size_t n) {
    size_t first = shelf->next;
    for (size_t end = first; end < first + n; end++) {
        if (end == LURON__PLACES) return -1;
        if (shelf->taken[end]) first = end + 1;
    }
    return (int64_t)first;
}

static size_t take_places(luron__block *shelf, size_t first, size_t n) {
    memset(shelf->taken + first, true, n);
    shelf->n_taken += n, shelf->next = first + n;
    return first * LURON__PLACE;
}

/* n places of a shelf, which is then held. One that nobody holds any more is on its way out. */
static bool take_from(size_t *at, luron__block *shelf, size_t n) {
    const int64_t first = shelf ? find_places(shelf, n) : -1;
    int refs = first >= 0 ? atomic_load(&shelf->refs) : 0;
    while (refs > 0 && !atomic_compare_exchange_weak(&shelf->refs, &refs, refs + 1))
        ;
    if (refs > 0) *at = take_places(shelf, (size_t)first, n);
    return refs > 0;
}

/* n places of the pool's shelf, or of one of the last few set aside, which is then the pool's. NULL: no room. */
static luron__block *take_room(size_t *at, luron__pool *p, size_t n) {
    enum { FEW = 16 };
    lock(p);
    luron__block *shelf = p->shelf, *next = p->aside;
    bool found = take_from(at, shelf, n);
    for (int i = 0; i < FEW && next && !found; i++) {
        shelf = next, next = shelf->after;
        shelf->next = 0;
        found = take_from(at, shelf, n);
    }
    if (!found) shelf = NULL;
    if (shelf != p->shelf) {
        if (p->shelf) set_aside(p->shelf);
        if (shelf) take_back(shelf);
        p->shelf = shelf;
    }
    unlock(p);
    return shelf;
}

luron__block *luron__shelf(size_t *at, luron__pool *pool, size_t bytes) {
    const size_t takes = luron__aligned(bytes), n = takes / LURON__PLACE;
    luron__block *shelf = take_room(at, pool, n);
    if (!shelf) {
        shelf = luron__block_new(pool, LURON__SHELF);
        if (!shelf) return NULL;
        shelf->is_shelf = true;
        *at = take_places(shelf, 0, n);
        lock(pool);
        pool->shelf = shelf;
        unlock(pool);
    }
    memset((char *)shelf->data + *at + bytes, 0, takes - bytes); /* an optimiser steps over it too */
    return shelf;
}

/* ---- layers and optimisers --------------------------------------------------------------------------------------- */
void luron__live_begin(luron__live *live, luron__pool *p, int kind) {
    atomic_init(&live->refs, 1);
    atomic_init(&live->number, 0);
    live->kind = kind;
    lock(p);
    live->before = p->last_live, live->after = NULL;
    *(live->before ? &live->before->after : &p->first_live) = live;
    p->last_live = live, p->n_live++;
    unlock(p);
}

bool luron__live_unref(luron__live *live) { return atomic_fetch_sub(&live->refs, 1) == 1; }

void luron__live_end(luron__live *live, luron__pool *p) {
    lock(p);
    *(live->before ? &live->before->after : &p->first_live) = live->after;
    *(live->after ? &live->after->before : &p->last_live) = live->before;
    p->n_live--;
    unlock(p);
}

int64_t luron__live_count(luron__pool *p) { return read_locked(p, &p->n_live); }

int64_t luron__live_take(luron__live **to, int64_t room, luron__pool *p, bool *again) {
    int64_t n = 0;
    *again = false;
    lock(p);
    for (luron__live *live = p->first_live; live; live = live->after) {
        int refs = n < room ? atomic_load(&live->refs) : 0;
        while (refs > 0 && !atomic_compare_exchange_weak(&live->refs, &refs, refs + 1))
            ;
        if (refs > 0) to[n++] = live;
        *again |= refs == 0;
    }
    unlock(p);
    return n;
}

uint64_t luron__number_of(atomic_ullong *number, luron__pool *p) {
    unsigned long long is = atomic_load(number);
    if (is) return is;
    lock(p);
    const uint64_t next = ++p->n_numbers;
    unlock(p);
    return atomic_compare_exchange_strong(number, &is, next) ? next : is; /* another thread may have been first */
}

void *luron__take(luron_ctx *ctx, size_t bytes) {
    void *p;
    do p = luron__pool_alloc(ctx->pool, bytes);
    while (!p && luron__plans_spare(ctx));
    return p;
}

luron_status luron__alloc(void *out, luron_ctx *ctx, size_t bytes) {
    void *p = luron__take(ctx, bytes);
    if (!p) return luron__nomem(ctx, bytes);
    memset(p, 0, bytes);
    memcpy(out, &p, sizeof p);
    return LURON_OK;
}
void luron__free(luron_ctx *ctx, void *ptr, size_t bytes) { luron__pool_free(ctx->pool, ptr, bytes); }

luron_status luron__grow(luron_ctx *ctx, void *array, int64_t *cap, int64_t n, size_t item) {
    if (n <= *cap) return LURON_OK;
    int64_t more = *cap < 8 ? 8 : *cap * 2;
    if (more < n) more = n;
    void *old, *p = NULL;
    memcpy(&old, array, sizeof old);
    LURON_TRY(luron__alloc(&p, ctx, (size_t)more * item));
    if (old) memcpy(p, old, (size_t)*cap * item);
    luron__free(ctx, old, (size_t)*cap * item);
    memcpy(array, &p, sizeof p);
    *cap = more;
    return LURON_OK;
}

luron_status luron__strdup(char **out, luron_ctx *ctx, const char *s) {
    char *copy = NULL;
    if (s) {
        LURON_TRY(luron__alloc(&copy, ctx, strlen(s) + 1));
        strcpy(copy, s);
    }
    *out = copy;
    return LURON_OK;
}
void luron__strfree(luron__pool *pool, char *s) {
    if (s) luron__pool_free(pool, s, strlen(s) + 1);
}
