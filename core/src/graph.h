/* graph.h -- what model.c, model_params.c, model_json.c and model_summary.c share. */
#ifndef LURON_GRAPH_H
#define LURON_GRAPH_H
#include "internal.h"

#define LURON__MAX_NODES 100000
#define LURON__MAX_MODEL_INPUTS 1024
#define LURON__MAX_PATH 512 /* bytes of the path of a layer */

typedef struct luron__model_node {
    int32_t layer; /* index of the layer, -1: an input */
    int32_t n_in, n_out;
    int32_t first; /* values are numbered through: that of output 0 */
    luron_value *ins;
    char *name; /* of an input */
} luron__model_node;

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
    luron__pool *pool;
    luron__model_node *nodes;
    int64_t n_nodes, cap_nodes, n_inputs;
    int32_t *uses; /* of each value: how many nodes read it */
    int64_t n_values, cap_values;
    luron__model_layer *layers;
    int64_t n_layers, cap_layers;
    luron__table by_path, by_layer;
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

/** One parameter of one layer; `first`: the entry that has the same tensor first (itself, if it is not shared). */
typedef struct luron__param_ref {
    luron_tensor *tensor;
    int32_t layer, param;
    int64_t first;
} luron__param_ref;
/** Parameters of all layers, shared ones as often as they stand. Free with luron__free, n * sizeof *refs bytes. */
luron_status luron__model_param_refs(luron__param_ref **refs, int64_t *n, luron_ctx *ctx, const luron_model *model);
/** Value i that comes out. */
luron_value luron__model_output(const luron_model *model, int64_t i);
/** Index of the layer at a path, -1: none. */
int32_t luron__model_layer_index(const luron_model *model, const char *path);
luron_status luron__check_path(luron_ctx *ctx, const char *what, const char *path);

#endif
