/* tracer_steps.h -- what tracer.c, tracer_ids.c and tracer_model.c share. */
#ifndef LURON_TRACER_STEPS_H
#define LURON_TRACER_STEPS_H
#include "graph.h"

typedef enum luron__step_kind {
    LURON__STEP_INPUT,
    LURON__STEP_TENSOR, /* named, or a constant */
    LURON__STEP_NUMBER,
    LURON__STEP_OP,
    LURON__STEP_LAYER
} luron__step_kind;
typedef struct luron__step {
    luron__step_kind kind;
    int32_t n_in, n_out, first; /* first: value of output 0 */
    int32_t *ins;               /* values, -1: absent */
    char *name;                 /* of an input or a named tensor; NULL: none, a constant */
    char *where;
    bool has_batch, is_param, detached; /* detached: applied while gradients were off */
    luron_tensor *tensor;               /* owned: named, or a copy of the constant, or the number */
    luron_layer *layer;                 /* owned */
    const luron__op *op;
    luron__attrs attrs;
} luron__step;

typedef struct luron__step_value {
    luron_tensor *tensor; /* owned, so that its address is not used again */
    int32_t step, out;
    bool pure; /* made from constants alone: reading it is no harm */
} luron__step_value;

typedef struct luron__named_layer {
    char *path;
    luron_layer *layer; /* owned */
} luron__named_layer;

struct luron_tracer {
    luron__pool *pool;
    void (*where)(void *ud, char *text, size_t n);
    void *ud;
    luron__step *steps;
    int64_t n_steps, cap_steps;
    luron__step_value *values;
    int64_t n_values, cap_values;
    int32_t *table; /* of values by tensor: open addressing, index + 1 */
    int64_t cap_table;
    luron__named_layer *layers;
    int64_t n_layers, cap_layers;
    int32_t *outputs;
    int64_t n_outputs, cap_outputs;
    int64_t n_inputs;
    int64_t batch;       /* size; -1: no input has one */
    int32_t batch_input; /* the first that has one */
    int index_base;
    bool recording;    /* when it started */
    char failed[1024]; /* text of the first refusal */
};

/** Path of a layer, NULL: it has no name. */
const char *luron__tracer_layer_path(const luron_tracer *t, const luron_layer *layer);

/** Which values are ids, which count as the context counts (tracer_ids.c). Free with luron__free, n_values bytes. */
luron_status luron__tracer_ids(uint8_t **is_ids, luron_ctx *ctx, const luron_tracer *t);
/** Does step s take ids at operand i? */
bool luron__takes_ids(const luron__step *s, int i);
/** Are elements of operand i elements of the output? */
bool luron__carries(const luron__step *s, int i);

/* tracer_compare.c: */
/** The same steps, constants and outputs? */
luron_status luron__tracer_compare(luron_ctx *ctx, const luron_tracer *a, const luron_tracer *b);
/** An op step as the model has it: attributes that differ are multiples of the batch size, or it fails. */
luron_status luron__tracer_compare_op(luron__model_op *op, luron_ctx *ctx, const luron_tracer *a, const luron_tracer *b,
                                     const luron__step *x, const luron__step *y);
luron_status luron__tracer_compare_number(luron_tensor **number, bool *by_batch, luron_ctx *ctx, const luron_tracer *a,
                                         const luron_tracer *b, const luron__step *x, const luron__step *y);
bool luron__same_layers(const luron_layer *x, const luron_layer *y);

#endif
