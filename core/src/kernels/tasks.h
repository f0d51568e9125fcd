/* tasks.h -- what the kernels share that cut their work into tasks for the threads. */
#ifndef LURON_TASKS_H
#define LURON_TASKS_H
#include <stdatomic.h>
#include <stdint.h>

static inline int64_t luron__ceil_div(int64_t a, int64_t b) { return a / b + (a % b > 0); }
static inline int64_t luron__least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t luron__most(int64_t a, int64_t b) { return a > b ? a : b; }
/** Up to a multiple of 64. */
static inline int64_t luron__round_64(int64_t bytes) { return (bytes + 63) / 64 * 64; }

/** Memory of which each task in progress takes a part: at most as many are computed at once as there are parts. Which
 * one changes no bit. */
typedef struct luron__buffers {
    char *at;
    int64_t each;
    atomic_flag *taken;
    int n;
} luron__buffers;

/** For n parts of `each` bytes, a multiple of 64. */
static inline int64_t luron__buffers_bytes(int64_t each, int n) {
    return n * each + luron__round_64(n * (int64_t)sizeof(atomic_flag));
}

static inline luron__buffers luron__buffers_at(void *work, int64_t each, int n) {
    luron__buffers b = {.at = work, .each = each, .n = n};
    b.taken = (atomic_flag *)(void *)(b.at + n * each);
    for (int i = 0; i < n; i++)
        atomic_flag_clear(&b.taken[i]);
    return b;
}

static inline void *luron__buffers_take(luron__buffers *b, int *which) {
    for (*which = 0;; *which = *which + 1 < b->n ? *which + 1 : 0)
        if (!atomic_flag_test_and_set_explicit(&b->taken[*which], memory_order_acquire))
            return b->at + *which * b->each;
}

static inline void luron__buffers_give(luron__buffers *b, int which) {
    atomic_flag_clear_explicit(&b->taken[which], memory_order_release);
}

#endif
