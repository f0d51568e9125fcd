/* strict.h -- strict mode: the host looks for faults of plugins while they run (luron_ctx_set_strict). Before a callback
 * runs for good it runs several times on copies of its data, each time with something changed that must not matter.
 * strict_memory.c has the memory, strict_places.c and strict.c forward and backward, strict_compose.c setup and
 * compose, strict_step.c optimisers.                                                                                 */
#ifndef LURON_STRICT_H
#define LURON_STRICT_H
#include "call.h"

/* ---- strict_memory.c: memory of an exact size, between guard bytes or at a page that cannot be touched ----------- */
typedef struct luron__guard {
    luron_ctx *ctx;
    char *base, *data; /* data: of the size that was asked for last */
    size_t room, bytes, most;
    bool pages;
    uint64_t seed; /* of the guard bytes that are there now */
} luron__guard;
/** Room for up to `most` bytes. close: also after a failure to open, or of a zeroed one. */
luron_status luron__guard_open(luron__guard *g, luron_ctx *ctx, size_t most);
void luron__guard_close(luron__guard *g);
enum { LURON__GUARD_MARGIN = 256 /* guard bytes at each end, where no page guards */ };

/** Memory of `bytes`, a multiple of align, with fresh guards. at_start: where pages guard, against the page before. */
void *luron__guard_place(luron__guard *g, size_t bytes, size_t align, bool at_start, uint64_t seed);
/** Bytes that were written outside since then: 0 none, below 0 before the start (how far), above 0 past the end. */
int64_t luron__guard_damage(const luron__guard *g);

/** Fill memory of n elements with what no computation gives: signalling NaN, each its own. */
void luron__fill_unset(uint32_t dtype, int64_t n, void *to);
/** Fill it with other, finite numbers: element i is `scale` times one from -2 to -1 or 1 to 2 (integers: any bytes). */
void luron__fill_noise(uint32_t dtype, int64_t n, double scale, void *to);
/** The first element that is not finite, -1: none, or not a real dtype. */
int64_t luron__first_nonfinite(uint32_t dtype, int64_t n, const void *data);
const char *luron__nonfinite_text(double v); /* "nan", "inf", "-inf" */
/** Element i of real data. */
double luron__element(uint32_t dtype, const void *data, int64_t i);

/* ---- strict.c: the callback is about to run on the frame as it is ------------------------------------------------ */
luron_status luron__strict_forward(luron__frame *f, luron_status (*run)(luron__frame *));
luron_status luron__strict_backward(luron__frame *f, luron_status (*run)(luron__frame *));

/* ---- strict_compose.c -------------------------------------------------------------------------------------------- */
luron_status luron__strict_setup(luron__frame *f);
/** After compose: run it again, and judge what it gave. before: luron__strict_hash of the frame before compose. */
luron_status luron__strict_compose(luron__frame *f, uint64_t before);
uint64_t luron__strict_hash(const luron__frame *f);
/** Note that a gemm has written what is watched; and did one write v, and nothing else? */
void luron__strict_note_gemm(luron__frame *f, const luron_view *out);
luron_status luron__strict_gemm_last(luron__frame *f, const char *what, const luron_view *v, const char *name);
/** Does compose give what forward gave, outs[k]? */
luron_status luron__strict_against_compose(luron__frame *f, const void *const *outs);
/** Fail with "plugin 'p': WHAT TEXT". */
luron_status luron__strict_found(luron__frame *f, const char *what, const char *fmt, ...) LURON_PRINTF(3, 4);

/* ---- strict_step.c ----------------------------------------------------------------------------------------------- */
/** A step over n elements on copies: start.param, grad, state and scalars are those of the whole tensor `name`; state k
 * has state_n[k] elements. */
luron_status luron__strict_step(luron_ctx *ctx, const luron_type *type, const luron_step *start, int64_t n,
                                const int64_t *state_n, int n_scalars, const char *name);
/** begin on copies of the scalars; *start has them. */
luron_status luron__strict_begin(luron_ctx *ctx, const luron_type *type, const luron_step *start, int n_scalars);

#endif
