/* trace.h -- for bindings to languages with a garbage collector. Rules: tensor.h.
 *
 * What a hook or a function on the tape refers to in such a language may lead back to the very tensor, layer or model
 * that holds the hook, through this library, where the collector does not see the way. Told what the binding holds,
 * luron_trace_hooks says what of it leads to which hook: the collector can follow these ways then, and a hook that nothing
 * leads to but what it refers to itself is garbage.                                                                  */
#ifndef LURON_TRACE_H
#define LURON_TRACE_H
#include "luron/model.h"
#include "luron/optim.h"
LURON_BEGIN_DECLS

typedef enum luron_held_kind { LURON_HELD_TENSOR, LURON_HELD_LAYER, LURON_HELD_MODEL, LURON_HELD_OPTIM } luron_held_kind;
/** One reference of the binding. */
typedef struct luron_held {
    luron_held_kind kind;
    void *object;  /* NULL: none */
    int64_t place; /* filled: where it leads to, counted from 0; -1: to no hook */
} luron_held;

/** From a place to another, or to hook k as -1 - k. */
typedef struct luron_way {
    int64_t from, to;
} luron_way;
/** What was found, to be freed by luron_ways_free. Places are objects in which ways meet. */
typedef struct luron_ways {
    int64_t n_places, n_ways, room;
    luron_way *ways; /* by ascending from */
} luron_ways;

/** The ways from n references to hooks and functions (luron_record, luron_recompute), known by their n_uds user data. To a
 *  hook that something else leads to as well, or that was not found, there is none.
 *  @return LURON_E_STATE in a backward, LURON_E_NOMEM.                                                               */
LURON_API LURON_NODISCARD luron_status luron_trace_hooks(luron_ways *out, luron_ctx *ctx, int64_t n, luron_held *held, int64_t n_uds, void *const *uds);
LURON_API void luron_ways_free(luron_ctx *ctx, luron_ways *ways);

LURON_END_DECLS
#endif
