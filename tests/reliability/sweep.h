/* sweep.h -- R7: the k-th allocation fails, for every k, once and from then on. The error is NOMEM, nothing leaks, and
 * the same objects then finish with the bits of a run in which nothing failed: each sweep runs in two contexts side by
 * side, and in one of them nothing ever fails.                                                                       */
#ifndef SWEEP_H
#define SWEEP_H
#include "bar.h"
#include "hash.h"

#include <stdbool.h>
#include <string.h>

enum { QUIET = 3 /* runs in a row that nothing fails: k is past the last allocation */ };

/* What is swept. prepare: before each round, without failures. run: gives the bits of what it did, and keeps nothing
 * but what it is there to change. */
typedef struct sweep {
    const char *name;
    void (*prepare)(luron_ctx *ctx, void *state);
    luron_status (*run)(uint64_t *bits, luron_ctx *ctx, void *state);
    void (*after)(luron_ctx *ctx, void *state); /* of prepare's doing */
    bool steps; /* run is several calls: those before the one that fails have drawn their random numbers */
    bool same;  /* run changes nothing: from one random state it gives the same bits each time, and the calm context finds them once */
} sweep;

static int64_t n_failed, n_wrong; /* allocations made to fail; things that were not as they should be */

#define WRONG(s, ...)                                                                                                  \
    (print_error("%s, allocation %lld%s: ", (s)->name, (long long)k, sticky ? " and all after it" : ""),               \
     print_error(__VA_ARGS__), print_error("\n"), n_wrong++)

/* One round with the k-th allocation failing; wanted: what the calm context finds, where it knows it from the first round
 * it stays. @return 1: something failed. */
static inline int round_of(const sweep *s, luron_ctx *ctx, luron_ctx *calm, void *state, void *calm_state, int64_t k,
                           int sticky, uint64_t *wanted) {
    uint64_t bits = 0, position, position_after, seed;
    bool knows = s->same && (k > 1 || sticky);
    luron_ctx *both[] = {ctx, calm};
    void *states[] = {state, calm_state};
    for (int i = 0; i < 2; i++) {
        luron_ctx_set_random_state(both[i], 7, s->same ? 100 : (uint64_t)k * 100);
        if (s->prepare) s->prepare(both[i], states[i]);
    }
    int64_t blocks = luron_ctx_live_blocks(ctx);
    luron_ctx_random_state(ctx, &seed, &position);
    luron_ctx_fail_alloc(ctx, k, sticky);
    luron_status status = s->run(&bits, ctx, state);
    luron_ctx_fail_alloc(ctx, 0, 0);
    luron_ctx_random_state(ctx, &seed, &position_after);
    if (!knows) assert_ok(calm, s->run(wanted, calm, calm_state));
    if (status) {
        n_failed++;
        if (status != LURON_E_NOMEM || !strstr(luron_ctx_error(ctx), "not enough memory"))
            WRONG(s, "%s: %s", luron_status_name(status), luron_ctx_error(ctx));
        if (luron_ctx_live_blocks(ctx) != blocks)
            WRONG(s, "%lld blocks are left", (long long)(luron_ctx_live_blocks(ctx) - blocks));
        if (s->steps)
            luron_ctx_set_random_state(ctx, seed, position);
        else if (position != position_after)
            WRONG(s, "random numbers are used up");
        if (!luron_ctx_is_recording(ctx)) WRONG(s, "recording is off");
        luron_ctx_set_recording(ctx, 1);
        luron_status again = s->run(&bits, ctx, state);
        if (again) WRONG(s, "run again: %s", luron_ctx_error(ctx));
    }
    if (bits != *wanted) WRONG(s, "other bits than without a failure");
    for (int i = 0; i < 2; i++)
        if (s->after) s->after(both[i], states[i]);
    return status != LURON_OK;
}

/* @return how many allocations there are. */
static inline int64_t sweep_all(const sweep *s, luron_ctx *ctx, luron_ctx *calm, void *state, void *calm_state) {
    int64_t last = 0;
    uint64_t wanted = 0;
    for (int sticky = 0; sticky < 2; sticky++)
        for (int64_t k = 1, quiet = 0; quiet < QUIET && k < 100000; k++) {
            int failed = round_of(s, ctx, calm, state, calm_state, k, sticky, &wanted);
            quiet = failed ? 0 : quiet + 1;
            if (failed) last = k;
        }
    return last;
}

static inline luron_ctx *calm_context(void) {
    luron_ctx *calm;
    assert_int_equal(luron_ctx_new(&calm, NULL, NULL), LURON_OK);
    return calm;
}

#endif
