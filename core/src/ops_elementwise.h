/* ops_elementwise.h -- what the files of element-wise ops share. */
#ifndef LURON_OPS_ELEMENTWISE_H
#define LURON_OPS_ELEMENTWISE_H
#include "internal.h"
#include "kernels/elementwise.h"

/** The layout of t, broadcast to shape, as an operand whose runs have dtype `run`. */
void luron__ew_operand_of(luron__ew_operand *o, const luron_tensor *t, uint32_t run, int ndim, const int64_t *shape);
/** Run fn over the operands of `a` (in runs of dtype `run_in`) into its output (from runs of `run_out`). Num of attrs
 * is handed on. Turns what the function found into an error. */
luron_status luron__ew_compute(luron_ctx *ctx, luron__apply *a, luron__ew_fn fn, int32_t id, uint32_t run_in,
                               uint32_t run_out);
/** The output has the shape of operand 0, and this dtype. */
luron_status luron__infer_like(luron__apply *a, uint32_t dtype);
/** dtype itself if it is real, else the default dtype. */
uint32_t luron__real_dtype(const luron_ctx *ctx, uint32_t dtype);

#endif
