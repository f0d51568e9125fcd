/* model_run.c -- running the graph. Nothing of a run hangs on the model, so that several threads, each with a context
 * of its own, may run one model in eval mode. */
#include "graph.h"
#include "hooks.h"
#include "plan.h"

#include <stdio.h>
#include <string.h>

typedef struct run {
    luron_tensor **values, **ins, **outs; /* all values; those of one node */
    int32_t *left;                        /* how often a value is still wanted */
    size_t bytes;
} run;

static luron_status run_open(run *r, luron_ctx *ctx, const luron_model *m) {
    size_t n = (size_t)m->n_values, pointers = n + (size_t)m->max_in + (size_t)m->max_out;
    r->bytes = pointers * sizeof(luron_tensor *) + n * sizeof(int32_t);
    LURON_TRY(luron__alloc(&r->values, ctx, r->bytes));
    r->ins = r->values + n;
    r->outs = r->ins + m->max_in;
    r->left = (int32_t *)(void *)(r->values + pointers);
    memcpy(r->left, m->uses, n * sizeof *r->left);
    for (int i = 0; i < luron_model_n_outputs(m); i++) {
        luron_value v = luron__model_output(m, i);
        r->left[m->nodes[v.node].first + v.out]++;
    }
    return LURON_OK;
}

static void drop(luron_tensor **slot) {
    luron_tensor_unref(*slot);
    *slot = NULL;
}

/* The batch size for what depends on it; 0 where nothing does. */
static luron_status batch_size(int64_t *size, luron_ctx *ctx, const run *r, const luron__model_node *node) {
    *size = 0;
    if (!node->by_batch) return LURON_OK;
    const luron_tensor *t = r->ins[node->n_in - 1];
    LURON__CHECK(ctx, t && t->ndim > 0, LURON_E_SHAPE, "model: an input that says the batch size has no dims");
    *size = t->shape[0];
    return LURON_OK;
}

static luron_status apply_op(run *r, luron_ctx *ctx, const luron__model_node *node) {
    luron__attrs attrs;
    int64_t batch;
    const luron__op *op = node->op->op;
    const int n = node->n_in - node->by_batch;
    for (int i = 0; i < n; i++)
        LURON__CHECK(ctx, r->ins[i] || luron__may_miss(op, i), LURON_E_ARGUMENT,
                     "model: operand %d of op '%s' is an input that is absent", i + ctx->index_base, op->name);
    LURON_TRY(batch_size(&batch, ctx, r, node));
    LURON_TRY(luron__model_op_attrs(&attrs, ctx, node->op, batch));
    return luron__apply_named(r->outs, ctx, op, n, r->ins, &attrs);
}

static luron_status number(run *r, luron_ctx *ctx, const luron__model_node *node) {
    int64_t batch, whole;
    if (!node->by_batch) {
        r->outs[0] = luron_tensor_ref(node->number);
        return LURON_OK;
    }
    LURON_TRY(batch_size(&batch, ctx, r, node));
    if (node->number->dtype == LURON_F64)
        return luron_scalar(r->outs, ctx, *(const double *)(const void *)luron__data(node->number) * (double)batch);
    LURON__CHECK(ctx, !__builtin_mul_overflow(*(const int64_t *)(const void *)luron__data(node->number), batch, &whole),
                 LURON_E_RANGE, "model: a number that depends on the batch size is too large");
    return luron_scalar_int(r->outs, ctx, whole);
}

static luron_status make_outs(run *r, luron_ctx *ctx, const luron_model *m, const luron__model_node *node) {
    switch (node->kind) {
    case LURON__NODE_LAYER:
        return luron_layer_apply(r->outs, ctx, m->layers[node->layer].layer, node->n_in, r->ins);
    case LURON__NODE_OP:
        return apply_op(r, ctx, node);
    case LURON__NODE_TENSOR:
        r->outs[0] = luron_tensor_ref(luron__model_tensor_of(m, node->layer));
        return LURON_OK;
    default:
        return number(r, ctx, node);
    }
}

static luron_status run_node(run *r, luron_ctx *ctx, const luron_model *m, const luron__model_node *node) {
    for (int32_t i = 0; i < node->n_in; i++)
        r->ins[i] = node->ins[i].node < 0 ? NULL : r->values[m->nodes[node->ins[i].node].first + node->ins[i].out];
    LURON_TRY(make_outs(r, ctx, m, node));
    for (int32_t i = 0; i < node->n_out; i++) {
        r->values[node->first + i] = r->outs[i];
        if (!r->left[node->first + i]) drop(&r->values[node->first + i]);
    }
    for (int32_t i = 0; i < node->n_in; i++) {
        if (node->ins[i].node < 0) continue;
        int32_t v = m->nodes[node->ins[i].node].first + node->ins[i].out;
        if (--r->left[v] == 0) drop(&r->values[v]);
    }
    return LURON_OK;
}

luron_status luron__model_run(luron_tensor **outs, luron_ctx *ctx, luron_model *model, int n_in,
                              luron_tensor *const *ins) {
    int n_outs = luron_model_n_outputs(model);
    run r;
    uint64_t position = ctx->position;
    LURON_TRY(run_open(&r, ctx, model));
    for (int i = 0; i < n_in; i++) r.values[i] = luron_tensor_ref(ins[i]);
    uint32_t standard = ctx->default_dtype;
    if (model->dtype) ctx->default_dtype = model->dtype;
    luron_status status = LURON_OK;
    for (int64_t i = model->n_inputs; i < model->n_nodes && status == LURON_OK; i++)
        status = run_node(&r, ctx, model, &model->nodes[i]);
    for (int i = 0; i < n_outs && status == LURON_OK; i++) {
        luron_value v = luron__model_output(model, i);
        if (!r.values[model->nodes[v.node].first + v.out])
            status = luron__fail(ctx, LURON_E_ARGUMENT, "model: output %d is input '%s', which is absent",
                                 i + ctx->index_base, luron_model_input_name(model, v.node));
    }
    for (int i = 0; i < n_outs && status == LURON_OK; i++) {
        luron_value v = luron__model_output(model, i);
        outs[i] = luron_tensor_ref(r.values[model->nodes[v.node].first + v.out]);
    }
    ctx->default_dtype = standard;
    for (int64_t i = 0; i < model->n_values; i++) luron_tensor_unref(r.values[i]);
    luron__free(ctx, r.values, r.bytes);
    if (status) ctx->position = position; /* as if it had not been tried */
    return status;
}

/* May input i be absent wherever it goes? */
static bool may_miss(const luron_model *m, int64_t i) {
    for (int64_t k = m->n_inputs; k < m->n_nodes; k++) {
        const luron__model_node *node = &m->nodes[k];
        for (int32_t j = 0; j < node->n_in; j++) {
            if (node->ins[j].node != i) continue;
            if (node->kind != LURON__NODE_LAYER) return false;
            const luron_type *t = m->layers[node->layer].layer->code->type;
            if (!(t->in[j < t->n_in ? j : t->n_in - 1].flags & LURON_PORT_OPTIONAL)) return false;
        }
    }
    for (int i_out = 0; i_out < luron_model_n_outputs(m); i_out++)
        if (luron__model_output(m, i_out).node == i) return false;
    return true;
}
bool luron__model_takes(const luron_model *m, int n_in) {
    bool takes = n_in >= 0 && n_in <= m->n_inputs;
    for (int64_t i = n_in; takes && i < m->n_inputs; i++) takes = may_miss(m, i);
    return takes;
}
static luron_status wrong_count(luron_ctx *ctx, const luron_model *m, int n_in) {
    char names[400] = "";
    int64_t least = m->n_inputs;
    while (least && may_miss(m, least - 1)) least--;
    const int64_t wanted = n_in < least ? least : m->n_inputs;
    for (int64_t i = 0; i < m->n_inputs; i++) {
        const size_t at = strlen(names);
        snprintf(names + at, sizeof names - at, "%s%s%s", i ? ", " : ": ", luron_model_input_name(m, (int)i),
                 i >= least ? " (optional)" : "");
    }
    return luron__fail(ctx, LURON_E_ARGUMENT, "model: %s%lld input%s expected, got %d%s",
                       least == m->n_inputs ? "" : n_in < least ? "at least " : "at most ", (long long)wanted,
                       wanted == 1 ? "" : "s", n_in, names);
}

luron_status luron_model_run(luron_tensor **outs, luron_ctx *ctx, luron_model *model, int n_in,
                             luron_tensor *const *ins) {
    int n_outs = luron_model_n_outputs(model);
    LURON__CHECK(ctx, n_outs, LURON_E_STATE, "model: it is empty");
    if (!luron__model_takes(model, n_in)) return wrong_count(ctx, model, n_in);
    if (model->hooks) {
        luron__plan_refuse(ctx, "calls a hook of a model");
        LURON_TRY(luron_tracer_refuse(ctx, "runs a model with hooks, which no file can hold: remove them first"));
        return luron__apply_hooked(outs, ctx, (luron__owner){.model = model}, n_in, ins, n_outs);
    }
    luron__plan_applies(ctx, NULL, model);
    luron_model_ref(model); /* a hook of a layer may let go of what its caller holds */
    luron_status status = luron__model_run(outs, ctx, model, n_in, ins);
    luron_model_unref(model);
    return status;
}
