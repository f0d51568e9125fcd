/* model.h -- a model: a directed graph of layers and ops that is saved, run and exported without Lua. Rules: tensor.h.
 *
 * Inputs come first, then nodes; each node applies a layer or an op of ops.h to values made before it, or is a tensor of
 * the model. A value is (node, output) and is written as one luron_value. Layers have paths with dots ("encoder.linear2"); a layer without a name gets its type
 * in lower snake case and a number ("linear1"). One layer may stand at several nodes.                                */
#ifndef LURON_MODEL_H
#define LURON_MODEL_H
#include "luron/layer.h"
LURON_BEGIN_DECLS

typedef struct luron_model luron_model;
typedef struct luron_value {
    int32_t node, out; /* node -1: absent (an optional input) */
} luron_value;

LURON_API LURON_NODISCARD luron_status luron_model_new(luron_model **out, luron_ctx *ctx);
LURON_API luron_model *luron_model_ref(luron_model *model);
LURON_API void luron_model_unref(luron_model *model);
/** A deep copy: layers, parameters, state. Layers that stand at several nodes, and tied parameters, stay shared in it. */
LURON_API LURON_NODISCARD luron_status luron_model_clone(luron_model **out, luron_ctx *ctx, luron_model *model);

/** Add an input; name NULL: "input", "input2", ... */
LURON_API LURON_NODISCARD luron_status luron_model_input(luron_value *out, luron_ctx *ctx, luron_model *model, const char *name);
/** Apply `layer` to values. name: its path; NULL: by type and number. The name of a layer already in the model is kept.
 *  The value is output 0; others are { out.node, i }. */
LURON_API LURON_NODISCARD luron_status luron_model_add(luron_value *out, luron_ctx *ctx, luron_model *model, const char *name, luron_layer *layer, int n_in, const luron_value *ins);
/** Apply an op by its name, with attributes by theirs: docs/file-format.md lists them. Dims count from 0; a dtype is a
 *  string. @return LURON_E_NOT_FOUND for an unknown op, LURON_E_ARGUMENT for attributes that it does not have or needs. */
LURON_API LURON_NODISCARD luron_status luron_model_op(luron_value *out, luron_ctx *ctx, luron_model *model, const char *op, int n_args, const luron_arg *args, int n_in, const luron_value *ins);
/** A tensor as a value, shared, not copied: a parameter (is_param) or state of the model's own, saved under `path`
 *  ("scale", "encoder/scale"; NULL: "parameter1", "constant1", ...), or one that a layer of the model has already. A number
 *  (luron_scalar) has no path. */
LURON_API LURON_NODISCARD luron_status luron_model_tensor(luron_value *out, luron_ctx *ctx, luron_model *model, const char *path, luron_tensor *t, int is_param);
/** Put all of `part` in, its layers (shared, not copied) under `name` (NULL: "model1", ...), applied to values.
 *  outs has room for part's outputs. */
LURON_API LURON_NODISCARD luron_status luron_model_include(luron_value *outs, luron_ctx *ctx, luron_model *model, const char *name, luron_model *part, int n_in, const luron_value *ins);
/** Say what comes out. Until then it is the value added last. */
LURON_API LURON_NODISCARD luron_status luron_model_set_outputs(luron_ctx *ctx, luron_model *model, int n, const luron_value *outs);

LURON_API int luron_model_n_inputs(const luron_model *model);
LURON_API const char *luron_model_input_name(const luron_model *model, int i);
LURON_API int luron_model_n_outputs(const luron_model *model);
LURON_API int luron_model_n_nodes(const luron_model *model); /* inputs included */
/** Layers in order of adding, each once; path of layer i; NULL past the last; borrowed. */
LURON_API int luron_model_n_layers(const luron_model *model);
LURON_API luron_layer *luron_model_layer(const luron_model *model, int i);
LURON_API const char *luron_model_layer_path(const luron_model *model, int i);
/** How many nodes apply layer i. */
LURON_API int luron_model_layer_uses(const luron_model *model, int i);
/** The layer at a path, NULL if there is none. */
LURON_API luron_layer *luron_model_find(const luron_model *model, const char *path);

/** outs has room for n_outputs. Inputs may be NULL, or left out at the end, where every layer that takes them allows it. */
LURON_API LURON_NODISCARD luron_status luron_model_run(luron_tensor **outs, luron_ctx *ctx, luron_model *model, int n_in, luron_tensor *const *ins);

/** Hooks around a run of the whole model: as those of a layer (layer.h). A model included in another is taken apart: its
 *  layers keep theirs, its own do not run there.                                                                     */
LURON_API LURON_NODISCARD luron_status luron_model_add_hook(int64_t *id, luron_ctx *ctx, luron_model *model, const luron_layer_hook *hook, void *ud);
LURON_API LURON_NODISCARD luron_status luron_model_remove_hook(luron_ctx *ctx, luron_model *model, int64_t id);

/** luron_layer_check_sized of all its layers: those that have no parameters yet are left out of what follows, while functions
 *  with a status (freeze, to_json, summary without a shape, luron_optim_add_model, luron_checkpoint_restore) fail.    */
LURON_API LURON_NODISCARD luron_status luron_model_check_sized(luron_ctx *ctx, const luron_model *model);
/** Parameters, each once, in order of layers, then the model's own: the tensor (borrowed, NULL past the last) and its name
 *  "linear1/weight", written into name[n] if n > 0. A parameter shared by two layers has the first one's name. */
LURON_API luron_tensor *luron_model_param(const luron_model *model, int i, char *name, size_t n);
LURON_API luron_tensor *luron_model_state(const luron_model *model, int i, char *name, size_t n);
LURON_API int64_t luron_model_n_weights(const luron_model *model); /* numbers in all parameters */

LURON_API void luron_model_set_training(luron_model *model, int on);
LURON_API int luron_model_is_training(const luron_model *model);
/** Stop (or restart) training of the parameters whose path begins with `prefix` ("" all): "encoder", "linear1/bias". */
LURON_API LURON_NODISCARD luron_status luron_model_freeze(luron_ctx *ctx, luron_model *model, const char *prefix, int on);
LURON_API LURON_NODISCARD luron_status luron_model_set_dtype(luron_ctx *ctx, luron_model *model, uint32_t dtype);

/** The architecture as JSON (docs/file-format.md); release with luron_text_free. Ids and axes in it count from 0. */
LURON_API LURON_NODISCARD luron_status luron_model_to_json(char **out, luron_ctx *ctx, luron_model *model);
LURON_API LURON_NODISCARD luron_status luron_model_from_json(luron_model **out, luron_ctx *ctx, const char *json);
/** A table: layer or op, output shape, parameters, FLOPs for inputs of the given shapes (NULL: without shapes and FLOPs;
 *  dtype 0: int64 where it comes to what takes ids, else the model's).
 *  FLOPs: two for each use of a number of a parameter of rank 2 or more (2 M N K for a linear layer and for matmul), one
 *  for each element of an element-wise layer or op; nothing else counts.                                              */
LURON_API LURON_NODISCARD luron_status luron_model_summary(char **out, luron_ctx *ctx, luron_model *model, int n_in, const luron_dims *in_dims);
LURON_API void luron_text_free(luron_ctx *ctx, char *text);

LURON_END_DECLS
#endif
