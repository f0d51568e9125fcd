/* model_reader.h -- what the files model_read_json.c and model_read_nodes_json.c share. */
#ifndef LURON_MODEL_READER_H
#define LURON_MODEL_READER_H
#include "graph.h"

typedef struct json_t json_t; /* jansson.h */

typedef struct luron__reader {
    luron_ctx *ctx;
    luron_model *model;
    luron_layer **layers; /* in the order of "layers" */
    size_t n_layers;
    json_t *by_path; /* object: path -> index */
    const luron_checkpoint *file; /* that the parameters will come from; NULL: none */
    json_t *firsts;  /* object: name of a shared parameter -> the first of its names */
    const char *path; /* of the layer that is being made */
    uint8_t *stands; /* layer i stands at a node */
} luron__reader;

/** Members `keys` (NULL-terminated) of an object, types[i] being 's' (string), 'i' (integer), 'a' (list) or 'o' (object). */
luron_status luron__read_members(json_t **out, const luron__reader *r, json_t *object, const char *where, const char *const *keys, const char *types);
/** Nothing but `keys` (NULL-terminated) may be there: what we do not know could change the meaning. */
luron_status luron__check_keys(const luron__reader *r, json_t *object, const char *where, const char *const *keys);
/** Inputs, nodes and outputs, once the layers and tensors are there (model_read_nodes_json.c). */
luron_status luron__read_graph(luron__reader *r, json_t *inputs, json_t *nodes, json_t *outputs);

#endif
