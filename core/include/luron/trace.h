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
    void *object;     /* NULL: none */
    uint64_t reaches; /* filled: bit k: it leads to uds[k] */
} luron_held;
/** For the user data of up to 64 hooks and functions (luron_record, luron_recompute): which of the n references lead to them, and, bit k of
 *  *elsewhere, does something that is not among these references lead there as well? Also set for what was not found.
 *  @return LURON_E_STATE in a backward, LURON_E_NOMEM.                                                               */
LURON_API LURON_NODISCARD luron_status luron_trace_hooks(uint64_t *elsewhere, luron_ctx *ctx, int64_t n, luron_held *held, int n_uds, void *const *uds);

LURON_END_DECLS
#endif
