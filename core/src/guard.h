/* guard.h -- the watch over numbers that are not finite: what is always on, and what detect_anomaly adds. */
#ifndef LURON_GUARD_H
#define LURON_GUARD_H
#include "call.h"

/** Is there an infinity or a NaN in t? Never in integers. */
bool luron__has_nonfinite(const luron_ctx *ctx, const luron_tensor *t);
/** All of t was just found to be finite: known until it changes. */
void luron__note_finite(const luron_tensor *t);
bool luron__is_known_finite(const luron_tensor *t);
/** "(2, 3), 1 nan and 2 infinite of 6, the first nan at (1, 2)", or "(2, 3) from -1 to 4". Returns buf. */
#define LURON__NUMBERS_TEXT 384
const char *luron__numbers_text(char *buf, size_t n, const luron_ctx *ctx, const luron_tensor *t);

/** The value that a backward begins at is not finite: say so, and where on its tape (nodes by descending seq) the first
 *  such number is, as far as what was kept tells. @return LURON_E_NONFINITE. */
luron_status luron__blame(luron_ctx *ctx, const luron_tensor *y, int64_t n_nodes, luron__node *const *nodes);

/* With detect_anomaly on. A NaN is refused always, an infinity only if all that went in was finite: operands, and the
 * numbers given to an op (masked_fill with -inf is meant so).                                                        */
static inline bool luron__is_guarded(const luron_ctx *ctx) { return ctx->anomaly && !ctx->run; }
luron_status luron__guard_op(luron_ctx *ctx, const luron__apply *a, const luron_tensor *out);
luron_status luron__guard_function(luron_ctx *ctx, const char *name, int n_in, luron_tensor *const *ins, int n_out,
                                   luron_tensor *const *outs);
luron_status luron__guard_layer(luron__frame *f, luron_tensor *const *outs);
/** The gradient g that node gave for operand i from the gradients of its outputs. */
luron_status luron__guard_gradient(luron_ctx *ctx, const luron__node *node, int i, const luron_tensor *g,
                                   luron_tensor *const *grads);
/** Note the caller's place on a new node. */
void luron__note_place(luron_ctx *ctx, luron__node *node);

#endif
