/* plan.h -- a step of training or inference, noted once and repeated without its program. Rules: tensor.h.
 *
 * Between luron_plan_begin and luron_plan_end a context computes as always and notes what it computes: ops, layers, their
 * gradients, writes in place, random draws, steps of optimisers. luron_plan_run repeats that for other inputs of the same
 * shapes: no tape, no allocation for results in between (they share one block), and the same bits. Numbers and tensors that the
 * program brought in by itself stay what they were; whoever is not sure that they do notes the step twice and compares
 * luron_plan_hash. What reads numbers of a tensor, or makes shapes of them, cannot be repeated: luron_plan_refusal says so. Nor
 * can what is done to the context, optimisers, layers and files: options, hooks, mode, seeds. What is frozen, the mode of layers
 * and the like belong to the plan: luron_plan_fits sees that they were changed since. */
#ifndef LURON_PLAN_H
#define LURON_PLAN_H
#include "luron/optim.h"
LURON_BEGIN_DECLS

typedef struct luron_plan luron_plan;

/** Begin to note. ins: what goes in, contiguous, without gradient; anywhere in their memory, and a run takes them from anywhere.
 *  They may share memory with each other; a step that uses it by tensors which are not theirs, or writes into it, is refused. One
 *  plan at a time in a context. @return LURON_E_STATE, LURON_E_ARGUMENT (one of them is there twice), LURON_E_NOMEM. */
LURON_API LURON_NODISCARD luron_status luron_plan_begin(luron_plan **out, luron_ctx *ctx, int n_in, luron_tensor *const *ins);
/** End it, with what comes out. After an error of the step: n_out -1, and the plan is of no use. */
LURON_API LURON_NODISCARD luron_status luron_plan_end(luron_plan *plan, luron_ctx *ctx, int n_out, luron_tensor *const *outs);
/** Why the plan cannot be run: "item reads numbers"; NULL: it can. The text lives as long as the plan. */
LURON_API const char *luron_plan_refusal(const luron_plan *plan);
/** Of everything that was noted but the inputs' numbers: equal in two plans of a step that does the same twice. */
LURON_API uint64_t luron_plan_hash(const luron_plan *plan);

/** Is it a plan for these inputs, and is everything that it uses as it was: layers, their parameters and mode, optimisers?
 *  If not NULL, *why says what is not. */
LURON_API int luron_plan_fits(const luron_plan *plan, const luron_ctx *ctx, int n_in, luron_tensor *const *ins, const char **why);
/** Repeat the step. outs: what comes out, owned, not on a tape. Gradients are left in the leaves as the step left them. @return
 *  LURON_E_STATE if the plan does not fit; what the step itself may return. */
LURON_API LURON_NODISCARD luron_status luron_plan_run(luron_tensor **outs, luron_plan *plan, luron_ctx *ctx, int n_in, luron_tensor *const *ins);
/** The last run failed: had it changed anything before that: state of layers, tensors, parameters? If not, and it returned
 *  LURON_E_NONFINITE or LURON_E_NOMEM, nothing has happened, but to gradients that an earlier run left: the step itself may be
 *  done in its place, and says what was not finite. */
LURON_API int luron_plan_changed(const luron_plan *plan);

/** Is one being noted? */
LURON_API int luron_ctx_is_planning(const luron_ctx *ctx);
/** The layer will be there in the next step too, though the one that is being noted, if there is one, made it: it is kept, as that
 *  of a function. Any other layer that a step makes and applies tells its luron_plan_hash from all others. */
LURON_API void luron_ctx_keep_layer(luron_ctx *ctx, const luron_layer *layer);
/** The program has done with this layer, model or optimiser, though plans hold it: those of the context that use it fit nothing any more. */
LURON_API void luron_ctx_drop_plans(luron_ctx *ctx, const void *used);
/** The step that is being noted, if there is one, does what a run would not repeat: `what` says it, "reads the clock". */
LURON_API void luron_ctx_refuse_plan(luron_ctx *ctx, const char *what);

LURON_API int luron_plan_n_outs(const luron_plan *plan);
/** Things that a run does, and bytes of the block that results in between share. */
LURON_API int64_t luron_plan_n_steps(const luron_plan *plan);
/** The op, type of layer or of optimiser behind thing i; NULL: there is no such thing. The first thing with another *hash (of
 *  what was done up to it and with it; may be NULL) in two plans of one step tells what the step did otherwise. */
LURON_API const char *luron_plan_step(const luron_plan *plan, int64_t i, uint64_t *hash);
/** Where the step made the layer behind thing i, "file:line", or "" if nobody can say; NULL: it was there before. */
LURON_API const char *luron_plan_made(const luron_plan *plan, int64_t i);
LURON_API int64_t luron_plan_bytes(const luron_plan *plan);
/** Bytes of the gradients that it leaves and of parameters that it keeps packed. Plans of a context share these, and gradients that
 *  an optimiser of the plan reads, as they share the block: it is as large as the largest of them needs. When memory is short, plans that were not run for longest let go of what
 *  they hold, and fit nothing any more. */
LURON_API int64_t luron_plan_kept_bytes(const luron_plan *plan);
/** NULL is allowed. */
LURON_API void luron_plan_free(luron_plan *plan);

LURON_END_DECLS
#endif
