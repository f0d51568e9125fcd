/* profile.h -- what the places that are timed call (profile.c). ctx->profile is NULL where nothing is timed. */
#ifndef LURON_PROFILE_INTERNAL_H
#define LURON_PROFILE_INTERNAL_H
#include "call.h"
#include "luron/profile.h"

typedef struct luron__span {
    luron__profile *profile; /* NULL: not timed */
    double began, within;
    int64_t flops, flops_within;
} luron__span;
void luron__span_begin(luron__span *span, luron__profile *profile);
static inline luron__span luron__span_of(const luron_ctx *ctx) {
    luron__span span;
    span.profile = ctx->profile;
    if (span.profile) luron__span_begin(&span, span.profile);
    return span;
}
/** Note the gradients of a call of a layer whose backward has just run: they may be gone at the end of its span. */
void luron__profile_gradients(luron__profile *profile, const luron__frame *f);
/** End of a call of a layer, with the frame as it ran. */
void luron__span_end_layer(luron__span *span, const luron__frame *f, bool backward);
/** End of a backward (type NULL) or of a step of an optimiser. */
void luron__span_end_other(luron__span *span, luron_ctx *ctx, const luron_type *type);
/** `times` products of (m, k) with (k, n). Any thread. */
void luron__profile_products(luron__profile *profile, int64_t times, int64_t m, int64_t n, int64_t k);
/** With the context. NULL allowed. */
void luron__profile_free(luron_ctx *ctx);

#endif
