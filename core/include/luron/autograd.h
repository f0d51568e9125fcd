/* autograd.h -- gradients. Rules: tensor.h.
 *
 * While recording is on, an op or layer whose argument needs a gradient puts a node on the tape. luron_backward walks
 * the tape from a result and adds into the gradients of the leaves; nodes are released as they are used.             */
#ifndef LURON_AUTOGRAD_H
#define LURON_AUTOGRAD_H
#include "luron/tensor.h"
LURON_BEGIN_DECLS

/** Is recording on? On in a new context. Returns what it was. */
LURON_API int luron_ctx_set_recording(luron_ctx *ctx, int on);
LURON_API int luron_ctx_is_recording(const luron_ctx *ctx);
/** Keep what second derivatives through fused layers need (their inputs) while recording? Off in a new context: without
 *  it LURON_CREATE_GRAPH may raise LURON_E_GRADIENT at such a layer. Returns what it was.                             */
LURON_API int luron_ctx_set_higher(luron_ctx *ctx, int on);
LURON_API int luron_ctx_is_higher(const luron_ctx *ctx);

/** Look for numbers that are not finite in everything that is computed: the outputs of ops and layers, and in a backward
 *  every gradient? Off in a new context. Returns what it was. Where one appears the call fails with LURON_E_NONFINITE and
 *  names the op or layer, how many there are and the first place, and the ranges of what went in; for a gradient also
 *  where in the caller's program the op was applied (luron_ctx_set_locate). A NaN is always refused; an infinity is not
 *  where one went in, as an element or as a number given to the op (masked_fill with -inf). What is written in place or
 *  made from given numbers is not looked at, nor what a gradient is computed from on the way.                         */
LURON_API int luron_ctx_set_detect_anomaly(luron_ctx *ctx, int on);
LURON_API int luron_ctx_is_detecting_anomaly(const luron_ctx *ctx);

/** Leaves only (LURON_E_STATE otherwise), and real dtypes (LURON_E_DTYPE). */
LURON_API LURON_NODISCARD luron_status luron_tensor_set_requires_grad(luron_ctx *ctx, luron_tensor *t, int on);
LURON_API int luron_tensor_requires_grad(const luron_tensor *t);
LURON_API int luron_tensor_is_leaf(const luron_tensor *t);
/** The gradient, NULL if there is none; borrowed. */
LURON_API luron_tensor *luron_tensor_grad(const luron_tensor *t);
/** Replace the gradient (NULL: none). Shape and dtype must be t's. */
LURON_API LURON_NODISCARD luron_status luron_tensor_set_grad(luron_ctx *ctx, luron_tensor *t, luron_tensor *grad);
/** A view of x that is not on the tape. */
LURON_API LURON_NODISCARD luron_status luron_detach(luron_tensor **out, luron_ctx *ctx, luron_tensor *x);

#define LURON_RETAIN_GRAPH 1u /* keep the tape for another backward                          */
#define LURON_CREATE_GRAPH 2u /* record the backward too, for higher derivatives (implies the former). A gradient that */
                              /* luron_backward then leaves in a leaf holds the tape and with it the leaf: set_grad NULL lets go */
/** Add dy/dleaf, times `grad` (NULL: 1, y must have one element), into the gradient of every leaf.
 *  All or nothing: on failure no gradient has changed; but without LURON_RETAIN_GRAPH a failure in the midst of the walk
 *  has used up the part of the tape walked so far, and a backward that comes there again says so.
 *  @return LURON_E_STATE if the tape was used up or a saved tensor was changed in place, LURON_E_GRADIENT if a node has
 *  no (second) derivative, LURON_E_NONFINITE if y has one element and it is not finite: before anything changes.     */
LURON_API LURON_NODISCARD luron_status luron_backward(luron_ctx *ctx, luron_tensor *y, luron_tensor *grad, uint32_t flags);
/** Gradients of sum(ys[i] gys[i]) with respect to xs, leaves or not, into outs[0..n_x); nothing is accumulated.
 *  gys NULL: all 1. outs[i] is NULL where ys do not depend on xs[i]. Several threads, each with a context of its own, may
 *  ask for gradients of results that share leaves.                                                                   */
LURON_API LURON_NODISCARD luron_status luron_grad(luron_tensor **outs, luron_ctx *ctx, int n_y, luron_tensor *const *ys, luron_tensor *const *gys, int n_x,
                                                  luron_tensor *const *xs, uint32_t flags);

/* ---- hooks on tensors --------------------------------------------------------------------------------------------- */
/** Called in a backward with the complete gradient of a tensor, before it flows on or is added to the gradient of a leaf.
 *  *instead, NULL at first, may be set to a tensor (owned) of the same shape and dtype that takes its place; `grad` itself
 *  must not be changed. Ops are recorded if the backward is (LURON_CREATE_GRAPH). A failure ends the backward, with
 *  nothing changed.                                                                                                  */
typedef luron_status (*luron_tensor_hook)(luron_ctx *ctx, void *ud, luron_tensor *grad, luron_tensor **instead);
/** Hang a hook on a tensor that requires a gradient (LURON_E_STATE otherwise). Hooks run in order of adding, those of
 *  leaves after the walk over the tape. A hook of a tensor that was computed goes with its part of the tape, that of a
 *  leaf with the leaf: then `release` (NULL allowed) is called, from any thread. *id is above 0.                      */
LURON_API LURON_NODISCARD luron_status luron_tensor_add_hook(int64_t *id, luron_ctx *ctx, luron_tensor *t, luron_tensor_hook fn, void *ud, void (*release)(void *ud));
/** @return LURON_E_NOT_FOUND if t has no such hook (any more). */
LURON_API LURON_NODISCARD luron_status luron_tensor_remove_hook(luron_ctx *ctx, luron_tensor *t, int64_t id);
/** Keep the gradient of a tensor that was computed as well: luron_backward then adds it to luron_tensor_grad(t), after the
 *  hooks. Nothing happens for a leaf. @return LURON_E_STATE if t requires no gradient.                               */
LURON_API LURON_NODISCARD luron_status luron_tensor_retain_grad(luron_ctx *ctx, luron_tensor *t);

/** A function with a gradient of its own. `backward` gets the gradients of the outputs (NULL: nothing flowed back)
 *  and sets those of the inputs (owned; NULL: none); it may use ops, which are recorded when higher derivatives are wanted. */
typedef struct luron_function {
    uint32_t struct_size, reserved; /* sizeof(luron_function): what lies beyond it is not read */
    const char *name;
    luron_status (*backward)(luron_ctx *ctx, void *ud, int n_out, luron_tensor *const *grad_outs, int n_in, luron_tensor **grad_ins);
    void (*release)(void *ud);
} luron_function;
/** Put outputs, already computed, not on the tape and none of the inputs, on the tape as made from `ins` by `fn`. On success the tape owns
 *  `ud`; when nothing needs a gradient it is released at once. `fn` itself is not copied: it outlives the tape.       */
LURON_API LURON_NODISCARD luron_status luron_record(luron_ctx *ctx, const luron_function *fn, void *ud, int n_in, luron_tensor *const *ins, int n_out, luron_tensor **outs);

/** A place on the tape: where it ended, and which random number came next. */
typedef struct luron_mark {
    uint64_t seq, position;
} luron_mark;
LURON_API luron_mark luron_tape_mark(const luron_ctx *ctx);
/** `again` makes the same outputs once more (owned), by the same operations. When the gradient has gone through what it
 *  recorded, or cannot, `done` is called (NULL allowed), in reverse order of nested ones; `graph`: what was recorded is still
 *  on the tape (LURON_CREATE_GRAPH). */
typedef struct luron_segment {
    uint32_t struct_size, reserved;
    luron_status (*again)(luron_ctx *ctx, void *ud, int n_out, luron_tensor **outs);
    void (*release)(void *ud);
    void (*done)(luron_ctx *ctx, void *ud, int graph);
} luron_segment;
/** Forget what was recorded since `mark` on the way to outs, and make it again in a backward: memory for time. outs are
 *  replaced. Random numbers are drawn anew as they were, running state of layers moves once. On success the tape owns
 *  `ud`; when nothing was recorded it is released at once. `segment` itself is not copied: it outlives the tape.      */
LURON_API LURON_NODISCARD luron_status luron_recompute(luron_ctx *ctx, luron_mark mark, const luron_segment *segment, void *ud, int n_out, luron_tensor **outs);

typedef struct luron_gradcheck_options {
    double eps, rtol, atol; /* 0: 1e-6, 1e-5, 1e-7 */
    int order;              /* 1 or 2; 0: 1 */
    uint64_t seed;
} luron_gradcheck_options;
/** Compare gradients of fn at float64 inputs with central differences along every element, with a random cotangent in
 *  place of the sum of the outputs. fn makes one output. Inputs that require a gradient are checked.
 *  @return LURON_E_GRADIENT with the worst element in the error text.                                                 */
LURON_API LURON_NODISCARD luron_status luron_gradcheck(luron_ctx *ctx, luron_status (*fn)(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins),
                                                       void *ud, int n_in, luron_tensor *const *ins, const luron_gradcheck_options *options);

LURON_END_DECLS
#endif
