/* profile.h -- where the time of a context goes: layer by layer, backward, optimiser steps. Rules: tensor.h.
 *
 * Between luron_profile_begin and luron_profile_end every layer that is applied, its backward and every step are timed on
 * the wall; a span within another one counts for itself alone. Without a profile this costs one look at a pointer a call.
 * While it is on no plan is made (luron_plan_refusal), for a plan knows no layers: a step runs as it was written.         */
#ifndef LURON_PROFILE_H
#define LURON_PROFILE_H
#include "luron/layer.h"
LURON_BEGIN_DECLS

enum {
    LURON_PROFILE_LAYER,
    LURON_PROFILE_BACKWARD, /* what of backwards is no layer's: ops and the walk over the tape */
    LURON_PROFILE_OPTIM     /* steps of an optimiser type */
};
typedef struct luron_profile_part { /* one layer; or all backwards, or all steps of a type, which count in `forward` */
    int kind;
    const char *name, *type; /* a layer's (luron_layer_name), "" if it has none; both valid until the next begin */
    int64_t calls, backward_calls;
    double forward, backward; /* seconds */
    double forward_flops, backward_flops; /* multiplications and additions of matrix products and convolutions; for a layer
                                             without any, one per element of its outputs */
    double bytes; /* of inputs, parameters, outputs and their gradients that were read or written, each once a call */
} luron_profile_part;

/** Begin, and forget what there was. @return LURON_E_NOMEM; LURON_E_STATE within a layer, a backward or a step. */
LURON_API LURON_NODISCARD luron_status luron_profile_begin(luron_ctx *ctx);
/** End. What was found stays until the next begin, and keeps its layers alive. */
LURON_API void luron_profile_end(luron_ctx *ctx);
/** Seconds from begin to end, or until now; 0: there is no profile. */
LURON_API double luron_profile_seconds(const luron_ctx *ctx);
/** Part i in the order of first use. @return 1; 0 past the last. */
LURON_API int luron_profile_at(luron_profile_part *out, const luron_ctx *ctx, int i);

LURON_END_DECLS
#endif
