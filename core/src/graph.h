/* graph.h -- what the files model*.c and tracer*.c share. */
#ifndef LURON_GRAPH_H
#define LURON_GRAPH_H
#include "internal.h"

#define LURON__MAX_NODES 100000
#define LURON__MAX_MODEL_INPUTS 1024
#define LURON__MAX_PATH 512 /* bytes of the path of a layer */

/** An op with its attributes. Whole numbers whose bit is set in `batch` are to be multiplied by the batch size. */
typedef struct luron__model_op {
    const luron__op *op;
    luron__attrs attrs;
    uint32_t batch; /* bits of attrs.at */
} luron__model_op;

typedef enum luron__node_kind {
    LURON__NODE_INPUT,
    LURON__NODE_LAYER,
    LURON__NODE_OP,
    LURON__NODE_TENSOR, /* a tensor of the model */
    LURON__NODE_NUMBER  /* luron_scalar */
} luron__node_kind;
typedef struct luron__model_node {
    luron__node_kind kind;
    int32_t layer; /* index of the layer or of the tensor */
    int32_t n_in, n_out;
    int32_t first; /* values are numbered through: that of output 0 */
    bool by_batch; /* the last of ins is no operand: its first size is the batch size */
    luron_value *ins;
    char *name;           /* of an input */
    luron__model_op *op;  /* owned */
    luron_tensor *number; /* owned; by_batch: to be multiplied by the batch size */
} luron__model_node;

/** A tensor of the model's own, or a parameter or state of one of its layers that stands as a value. */
typedef struct luron__model_tensor {
    char *path;           /* "scale", "encoder/scale" */
    luron_tensor *tensor; /* owned; NULL: it is in a slot of layer */
    int32_t layer, slot;
    bool is_param;
} luron__model_tensor;

typedef struct luron__model_layer {
    luron_layer *layer;
    char *path;
} luron__model_layer;

/** Open addressing: index + 1 of an item, 0 for an empty place; the number of places is a power of two. */
typedef struct luron__table {
    int32_t *at;
    int64_t cap;
} luron__table;

typedef struct luron__name_count {
    const luron_type *type; /* NULL: included models */
    int32_t n;
} luron__name_count;

struct luron_model {
    atomic_int refs;
    atomic_ullong number; /* luron__number_of */
    luron__pool *pool;
    luron__model_node *nodes;
    int64_t n_nodes, cap_nodes, n_inputs;
    int32_t *uses; /* of each value: how many nodes read it */
    int64_t n_values, cap_values;
    luron__model_layer *layers;
    int64_t n_layers, cap_layers;
    luron__model_tensor *tensors;
    int64_t n_tensors, cap_tensors;
    luron__table by_path, by_layer, by_tensor; /* by_tensor: paths of tensors */
    uint32_t dtype; /* default dtype of ops; 0: no op yet */
    luron__name_count *counts; /* last number given to each type */
    int64_t n_counts, cap_counts;
    luron_value *outputs;
    int64_t n_outputs; /* 0: the value added last */
    luron_value last;
    int32_t max_in, max_out; /* of any node */
    bool training;
    luron__hooks *hooks; /* NULL: none */
    _Atomic uint64_t next_param, next_state; /* where a loop over parameters goes on: model_params.c */
};

/** One parameter of one layer (layer -1: the model's own tensor number `param`); `first`: the entry that has the same
 *  tensor first (itself, if it is not shared). */
typedef struct luron__param_ref {
    luron_tensor *tensor;
    int32_t layer, param;
    int64_t first;
} luron__param_ref;
/** Parameters of all layers, then the model's own, shared ones as often as they stand. Free with luron__free, n * sizeof
 *  *refs bytes. */
luron_status luron__model_param_refs(luron__param_ref **refs, int64_t *n, luron_ctx *ctx, const luron_model *model);
/** Value i that comes out. */
luron_value luron__model_output(const luron_model *model, int64_t i);
/** May it be given n_in inputs? The others, at the end, are those that may be absent. */
bool luron__model_takes(const luron_model *m, int n_in);
/** Add a layer that stands at no node yet; it is borrowed. The one that is known already keeps its path. */
luron_status luron__model_put_layer(int32_t *index, luron_ctx *ctx, luron_model *model, const char *path, luron_layer *layer);
/** ... and how its name was before, to go back to where the whole fails: luron__renamed_end frees the one that goes. Of a
 *  layer that is known *undo stays as it was, {0}: nothing to end. */
typedef struct luron__renamed {
    luron_layer *layer; /* borrowed; NULL: none */
    char *was;
} luron__renamed;
luron_status luron__model_put_layer_undo(int32_t *index, luron__renamed *undo, luron_ctx *ctx, luron_model *model, const char *path, luron_layer *layer);
void luron__renamed_end(luron__renamed *undo, bool back);
/** How far it is built, and back to there. */
typedef struct luron__model_mark {
    int64_t n_nodes, n_layers, n_tensors;
    luron_value last;
} luron__model_mark;
luron__model_mark luron__model_mark_of(const luron_model *m);
void luron__model_truncate(luron_model *m, luron__model_mark to);
/** Inputs of a layer: how many, and that they are there. */
luron_status luron__model_check_ins(luron_ctx *ctx, const luron_model *m, const char *path, const luron_layer *layer, int n_in, const luron_value *ins);
/** Index of the layer at a path, -1: none. */
int32_t luron__model_layer_index(const luron_model *model, const char *path);
luron_status luron__check_path(luron_ctx *ctx, const char *what, const char *path);
/** The next free name by type and number ("linear1"), or for an included model (type NULL) "model1" (model_names.c). */
luron_status luron__model_next_name(char to[96], luron_model *m, luron_ctx *ctx, const luron_type *type);
/** What was to have that name has failed: the next one gets it. */
void luron__model_unname(luron_model *m, const luron_type *type);
luron_status luron__check_value(luron_ctx *ctx, const luron_model *m, const char *what, int i, luron_value v);
/** Index of the tensor at a path, -1: none. */
int32_t luron__model_tensor_index(const luron_model *model, const char *path);
/** Add a tensor of the model's own, or (tensor NULL) the one in a slot of a layer. */
luron_status luron__model_put_tensor(int32_t *index, luron_ctx *ctx, luron_model *model, const luron__model_tensor *like);
/** ... of its own, whose path is checked. */
luron_status luron__model_own_tensor(luron_ctx *ctx, luron_model *m, const char *path, luron_tensor *t, bool is_param);
/** Slot of the parameter (else of the state: *is_param false) called `name`, -1: none. */
int luron__layer_slot(const luron_layer *layer, const char *name, bool *is_param);
luron_tensor *luron__model_tensor_of(const luron_model *model, int32_t index);
/** A copy of node `like`, with other inputs; what it refers to is there. */
luron_status luron__model_add_node(luron_value *out, luron_ctx *ctx, luron_model *model, const luron__model_node *like, const luron_value *ins);
/** A node that applies an op: checks the number of operands and that the values are there. batch node -1: no attribute
 *  depends on the batch size. (model_nodes.c) */
luron_status luron__model_add_op(luron_value *out, luron_ctx *ctx, luron_model *model, const luron__model_op *op, int n_in, const luron_value *ins, luron_value batch);
/** Set an attribute; `what` begins messages. */
luron_status luron__model_op_set(luron_ctx *ctx, const char *what, luron__model_op *op, const luron__op_attr *k, const luron_arg *arg);
/** The attributes of an op node with the batch size put in. */
luron_status luron__model_op_attrs(luron__attrs *attrs, luron_ctx *ctx, const luron__model_op *op, int64_t batch);
/** Nodes that are no layers, from and to JSON (json_t *; model_ops_json.c). NULL: no memory. */
void *luron__model_node_to_json(const luron_model *m, const luron__model_node *node, void *ins);
void *luron__model_tensors_to_json(const luron_model *m);
luron_status luron__model_op_from_json(luron__model_op *op, luron_ctx *ctx, const char *where, void *object);
luron_status luron__model_number_from_json(luron_tensor **number, bool *by_batch, luron_ctx *ctx, const char *where, void *value);

#endif
