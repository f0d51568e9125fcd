/* tracer.h -- a model from what a program does with tensors. Rules: tensor.h.
 *
 * A trace notes every op and layer that a context applies between luron_tracer_start and luron_tracer_stop. Two traces of one
 * program, with batches of different sizes, are compared: what differs must be a multiple of the batch size, and the model
 * then takes batches of any size. What depends on the numbers in a tensor is no graph: reading them, random draws outside of
 * layers, changes in place and gradients inside the program are refused.                                              */
#ifndef LURON_TRACER_H
#define LURON_TRACER_H
#include "luron/model.h"
LURON_BEGIN_DECLS

typedef struct luron_tracer luron_tracer;
LURON_API LURON_NODISCARD luron_status luron_tracer_new(luron_tracer **out, luron_ctx *ctx);
LURON_API void luron_tracer_free(luron_tracer *trace);
/** Asked for the place in the program ("net.lua:12") of each step, for messages. */
LURON_API void luron_tracer_set_where(luron_tracer *trace, void (*where)(void *ud, char *text, size_t n), void *ud);

/* Before the start: what the program owns, with the paths that it gets in the model, and what goes in. Other tensors that
 * are met are constants, copied, of 1 MiB at most; other layers may have neither parameters nor state nor chance.      */
LURON_API LURON_NODISCARD luron_status luron_tracer_layer(luron_tracer *trace, luron_ctx *ctx, const char *path, luron_layer *layer);
LURON_API LURON_NODISCARD luron_status luron_tracer_tensor(luron_tracer *trace, luron_ctx *ctx, const char *path, luron_tensor *t, int is_param);
/** has_batch: the first size is the batch size, the same for all inputs that have one. name NULL: as luron_model_input. */
LURON_API LURON_NODISCARD luron_status luron_tracer_input(luron_tracer *trace, luron_ctx *ctx, const char *name, luron_tensor *x, int has_batch);

/** One trace at a time. @return LURON_E_STATE */
LURON_API LURON_NODISCARD luron_status luron_tracer_start(luron_tracer *trace, luron_ctx *ctx);
LURON_API void luron_tracer_stop(luron_ctx *ctx);
LURON_API int luron_ctx_is_tracing(const luron_ctx *ctx);
/** After the stop: what comes out. */
LURON_API LURON_NODISCARD luron_status luron_tracer_output(luron_tracer *trace, luron_ctx *ctx, luron_tensor *y);
/** The model of two traces of one program. Named layers and tensors are shared with the program. @return LURON_E_STATE if
 *  something was refused, LURON_E_UNSUPPORTED if the traces differ in more than the batch size; the text says where. */
LURON_API LURON_NODISCARD luron_status luron_tracer_model(luron_model **out, luron_ctx *ctx, const luron_tracer *a, const luron_tracer *b);

/** Refuse what no graph can hold while a trace is on; `what` ends "trace: forward ". LURON_OK: there is none. */
LURON_API LURON_NODISCARD luron_status luron_tracer_refuse(luron_ctx *ctx, const char *what);
/** The same for reading the numbers of a tensor, if they come from the inputs or what the program owns. how: "item". */
LURON_API LURON_NODISCARD luron_status luron_tracer_reads(luron_ctx *ctx, const luron_tensor *t, const char *how);

LURON_END_DECLS
#endif
