/* tracer_model.c -- the model of two traces. */
#include "tracer_steps.h"

#include <stdio.h>
#include <string.h>

typedef struct builder {
    luron_ctx *ctx;
    luron_model *model;
    const luron_tracer *a, *b;
    luron_value *values, *as_ids,
        *as_numbers;  /* of each value of the trace; as_ids, as_numbers: converted, node -1: not yet */
    luron_value *ins; /* of one node */
    uint8_t *is_ids, *lives;
    int64_t most_in;
} builder;

/* ---- what is needed -----------------------------------------------------------------------------------------------
 */
/* Outputs live, and what they are made from. Layers live anyway: they may draw random numbers or have state. */
static void mark_living(builder *m) {
    const luron_tracer *t = m->a;
    for (int64_t i = 0; i < t->n_outputs; i++)
        m->lives[t->outputs[i]] = 1;
    for (int64_t k = t->n_steps - 1; k >= 0; k--) {
        const luron__step *s = &t->steps[k];
        if (s->n_in > m->most_in) m->most_in = s->n_in;
        bool lives = s->kind == LURON__STEP_LAYER || s->kind == LURON__STEP_INPUT;
        for (int i = 0; i < s->n_out; i++)
            lives = lives || m->lives[s->first + i];
        for (int i = 0; i < s->n_out && lives; i++)
            m->lives[s->first + i] = 1;
        for (int i = 0; i < s->n_in && lives; i++)
            if (s->ins[i] >= 0) m->lives[s->ins[i]] = 1;
    }
}

static luron_status builder_open(builder *m) {
    size_t n = (size_t)m->a->n_values + 1;
    LURON_TRY(luron__alloc(&m->values, m->ctx, 3 * n * sizeof *m->values));
    m->as_ids = m->values + n;
    m->as_numbers = m->as_ids + n;
    memset(m->as_ids, 0xff, 2 * n * sizeof *m->values);
    LURON_TRY(luron__alloc(&m->lives, m->ctx, n));
    mark_living(m);
    LURON_TRY(luron__alloc(&m->ins, m->ctx, (size_t)(m->most_in + 1) * sizeof *m->ins));
    LURON_TRY(luron__tracer_ids(&m->is_ids, m->ctx, m->a));
    return luron_model_new(&m->model, m->ctx);
}

static void builder_close(builder *m) {
    size_t n = (size_t)m->a->n_values + 1;
    luron__free(m->ctx, m->values, 3 * n * sizeof *m->values);
    luron__free(m->ctx, m->lives, n);
    luron__free(m->ctx, m->ins, (size_t)(m->most_in + 1) * sizeof *m->ins);
    luron__free(m->ctx, m->is_ids, n);
}

/* ---- operands ------------------------------------------------------------------------------------------------------
 */
/* The value with to_ids or from_ids behind it. */
static luron_status converted(luron_value *out, builder *m, int32_t value, luron_value *made, const char *op) {
    if (made[value].node < 0) {
        luron__model_op shift = {.op = luron__op_find(op), .attrs = {.at = {m->a->index_base}}};
        LURON_TRY(
            luron__model_add_op(&made[value], m->ctx, m->model, &shift, 1, &m->values[value], (luron_value){-1, 0}));
    }
    *out = made[value];
    return LURON_OK;
}

static luron_status operand(luron_value *out, builder *m, const luron__step *s, int i) {
    int32_t value = s->ins[i];
    *out = (luron_value){-1, 0};
    if (value < 0) return LURON_OK;
    const luron_tensor *t = m->a->values[value].tensor;
    bool whole = !luron_dtype_is_float(t->dtype) && t->dtype != LURON_B8;
    bool want = luron__takes_ids(s, i) || (luron__carries(s, i) && m->is_ids[s->first]);
    if (want && !m->is_ids[value] && whole) return converted(out, m, value, m->as_ids, "to_ids");
    if (!want && m->is_ids[value] && t->dtype != LURON_B8) return converted(out, m, value, m->as_numbers, "from_ids");
    *out = m->values[value];
    return LURON_OK;
}

static luron_status operands(builder *m, const luron__step *s) {
    for (int i = 0; i < s->n_in; i++)
        LURON_TRY(operand(&m->ins[i], m, s, i));
    return LURON_OK;
}

static luron_value batch_value(const builder *m) { return (luron_value){m->a->batch_input, 0}; }

/* ---- steps ---------------------------------------------------------------------------------------------------------
 */
static luron_status add_op(builder *m, const luron__step *s, const luron__step *other) {
    luron__model_op op;
    LURON_TRY(luron__tracer_compare_op(&op, m->ctx, m->a, m->b, s, other));
    return luron__model_add_op(&m->values[s->first], m->ctx, m->model, &op, s->n_in, m->ins,
                               op.batch ? batch_value(m) : (luron_value){-1, 0});
}

static luron_status add_number(builder *m, const luron__step *s, const luron__step *other) {
    luron__model_node node = {.kind = LURON__NODE_NUMBER, .layer = -1, .n_out = 1};
    luron_value batch = batch_value(m);
    LURON_TRY(luron__tracer_compare_number(&node.number, &node.by_batch, m->ctx, m->a, m->b, s, other));
    node.n_in = node.by_batch;
    luron_status status = luron__model_add_node(&m->values[s->first], m->ctx, m->model, &node, &batch);
    luron_tensor_unref(node.number);
    return status;
}

/* Layers without a name are the same if they have the same options: one of them stands for all. */
static luron_status unnamed(luron_layer **out, builder *m, luron_layer *layer) {
    for (int64_t i = 0; i < m->model->n_layers; i++) {
        luron_layer *known = m->model->layers[i].layer;
        bool named = luron__tracer_layer_path(m->a, known) != NULL;
        if (named || !luron__same_layers(known, layer)) continue;
        *out = luron_layer_ref(known);
        return LURON_OK;
    }
    return luron_layer_clone(out, m->ctx, layer);
}

static luron_status add_layer(builder *m, const luron__step *s) {
    luron_value v;
    luron_layer *layer = luron_layer_ref(s->layer);
    const char *path = luron__tracer_layer_path(m->a, layer);
    if (!path) {
        luron_layer_unref(layer);
        LURON_TRY(unnamed(&layer, m, s->layer));
    }
    luron_status status = luron_model_add(&v, m->ctx, m->model, path, layer, s->n_in, m->ins);
    luron_layer_unref(layer);
    for (int i = 0; i < s->n_out && !status; i++)
        m->values[s->first + i] = (luron_value){v.node, i};
    return status;
}

/* What was made while gradients were off lets none through. */
static luron_status detach(builder *m, const luron__step *s) {
    luron__model_op op = {.op = luron__op_find("detach")};
    for (int i = 0; i < s->n_out; i++) {
        luron_value *v = &m->values[s->first + i];
        if (luron_dtype_is_float(m->a->values[s->first + i].tensor->dtype))
            LURON_TRY(luron__model_add_op(v, m->ctx, m->model, &op, 1, v, (luron_value){-1, 0}));
    }
    return LURON_OK;
}

static luron_status add_step(builder *m, const luron__step *s, const luron__step *other) {
    bool lives = false;
    for (int i = 0; i < s->n_out; i++)
        lives = lives || m->lives[s->first + i];
    if (!lives) return LURON_OK;
    LURON_TRY(operands(m, s));
    switch (s->kind) {
    case LURON__STEP_OP:
        LURON_TRY(add_op(m, s, other));
        break;
    case LURON__STEP_NUMBER:
        return add_number(m, s, other);
    case LURON__STEP_TENSOR:
        return luron_model_tensor(&m->values[s->first], m->ctx, m->model, s->name, s->tensor, s->is_param);
    case LURON__STEP_LAYER:
        LURON_TRY(add_layer(m, s));
        break;
    default:
        return LURON_OK;
    }
    return s->detached ? detach(m, s) : LURON_OK;
}

/* Inputs first; then the named layers that are applied, in the order of their names, so that a shared parameter has the
 * name that it has in the program. */
static luron_status add_names(builder *m) {
    const luron_tracer *t = m->a;
    int32_t index;
    for (int64_t k = 0; k < t->n_steps; k++)
        if (t->steps[k].kind == LURON__STEP_INPUT)
            LURON_TRY(luron_model_input(&m->values[t->steps[k].first], m->ctx, m->model, t->steps[k].name));
    for (int64_t i = 0; i < t->n_layers; i++) {
        bool applied = false;
        for (int64_t k = 0; k < t->n_steps && !applied; k++)
            applied = t->steps[k].layer == t->layers[i].layer;
        if (applied) LURON_TRY(luron__model_put_layer(&index, m->ctx, m->model, t->layers[i].path, t->layers[i].layer));
    }
    return LURON_OK;
}

static luron_status set_outputs(builder *m) {
    luron_value *outs;
    size_t bytes = (size_t)(m->a->n_outputs + 1) * sizeof *outs;
    LURON__CHECK(m->ctx, m->a->n_outputs > 0, LURON_E_STATE, "trace: forward gave nothing");
    LURON_TRY(luron__alloc(&outs, m->ctx, bytes));
    for (int64_t i = 0; i < m->a->n_outputs; i++)
        outs[i] = m->values[m->a->outputs[i]];
    luron_status status = luron_model_set_outputs(m->ctx, m->model, (int)m->a->n_outputs, outs);
    luron__free(m->ctx, outs, bytes);
    return status;
}

/* In training if any of its layers is; those without a name do what the whole does. */
static void set_mode(builder *m) {
    bool training = m->a->n_layers == 0;
    for (int64_t i = 0; i < m->a->n_layers; i++)
        training = training || luron_layer_is_training(m->a->layers[i].layer);
    m->model->training = training;
    for (int64_t i = 0; i < m->model->n_layers; i++)
        if (!luron__tracer_layer_path(m->a, m->model->layers[i].layer))
            luron_layer_set_training(m->model->layers[i].layer, training);
}

luron_status luron_tracer_model(luron_model **out, luron_ctx *ctx, const luron_tracer *a, const luron_tracer *b) {
    builder m = {.ctx = ctx, .a = a, .b = b};
    const luron_tracer *refused = a->failed[0] ? a : b;
    LURON__CHECK(ctx, !refused->failed[0], LURON_E_STATE, "%s", refused->failed);
    LURON__CHECK(ctx, !ctx->trace, LURON_E_STATE, "trace: it is still on");
    LURON_TRY(luron__tracer_compare(ctx, a, b));
    luron_status status = builder_open(&m);
    if (!status) status = add_names(&m);
    for (int64_t k = 0; k < a->n_steps && !status; k++)
        status = add_step(&m, &a->steps[k], &b->steps[k]);
    if (!status) status = set_outputs(&m);
    if (!status) set_mode(&m);
    builder_close(&m);
    if (status)
        luron_model_unref(m.model);
    else
        *out = m.model;
    return status;
}
