/* tracer.c -- noting what is applied. The model is made in tracer_model.c. */
#include "plan.h"
#include "tracer_steps.h"

#include <stdio.h>
#include <string.h>

enum { WHERE = 200, MOST_CONSTANT = 1 << 20 /* bytes */ };

/* ---- life -------------------------------------------------------------------------------------------------------- */
luron_status luron_tracer_new(luron_tracer **out, luron_ctx *ctx) {
    luron_tracer *t;
    LURON_TRY(luron__alloc(&t, ctx, sizeof *t));
    t->pool = ctx->pool;
    t->batch = t->batch_input = -1;
    t->index_base = ctx->index_base;
    *out = t;
    return LURON_OK;
}

static void free_step(luron_tracer *t, luron__step *s) {
    luron__pool_free(t->pool, s->ins, (size_t)s->n_in * sizeof *s->ins);
    luron__strfree(t->pool, s->name);
    luron__strfree(t->pool, s->where);
    luron_tensor_unref(s->tensor);
    luron_layer_unref(s->layer);
}

void luron_tracer_free(luron_tracer *t) {
    if (!t) return;
    for (int64_t i = 0; i < t->n_steps; i++)
        free_step(t, &t->steps[i]);
    for (int64_t i = t->n_values - 1; i >= 0; i--)
        luron_tensor_unref(t->values[i].tensor);
    for (int64_t i = 0; i < t->n_layers; i++) {
        luron__strfree(t->pool, t->layers[i].path);
        luron_layer_unref(t->layers[i].layer);
    }
    luron__pool_free(t->pool, t->steps, (size_t)t->cap_steps * sizeof *t->steps);
    luron__pool_free(t->pool, t->values, (size_t)t->cap_values * sizeof *t->values);
    luron__pool_free(t->pool, t->table, (size_t)t->cap_table * sizeof *t->table);
    luron__pool_free(t->pool, t->layers, (size_t)t->cap_layers * sizeof *t->layers);
    luron__pool_free(t->pool, t->outputs, (size_t)t->cap_outputs * sizeof *t->outputs);
    luron__pool_free(t->pool, t, sizeof *t);
}

void luron_tracer_set_where(luron_tracer *trace, void (*where)(void *ud, char *text, size_t n), void *ud) {
    trace->where = where;
    trace->ud = ud;
}

/* ---- refusals ---------------------------------------------------------------------------------------------------- */
/* Note the text that is set, so that a program that catches the error gets no model all the same. */
static luron_status note_refusal(luron_tracer *t, luron_ctx *ctx, luron_status status) {
    if (!t->failed[0]) snprintf(t->failed, sizeof t->failed, "%s", ctx->error);
    return status;
}

luron_status luron_tracer_refuse(luron_ctx *ctx, const char *what) {
    if (!ctx->trace) return LURON_OK;
    return note_refusal(ctx->trace, ctx, luron__fail(ctx, LURON_E_STATE, "trace: forward %s", what));
}

int luron_ctx_is_tracing(const luron_ctx *ctx) { return ctx->trace != NULL; }

/* ---- values ------------------------------------------------------------------------------------------------------ */
static uint64_t hash(const void *p) { return ((uint64_t)(uintptr_t)p >> 4) * 0x9e3779b97f4a7c15u >> 20; }

static int32_t find_value(const luron_tracer *t, const luron_tensor *x) {
    uint64_t mask = (uint64_t)t->cap_table - 1;
    for (uint64_t i = hash(x) & mask; t->cap_table && t->table[i]; i = (i + 1) & mask)
        if (t->values[t->table[i] - 1].tensor == x) return t->table[i] - 1;
    return -1;
}

static void put(luron_tracer *t, int32_t value) {
    uint64_t mask = (uint64_t)t->cap_table - 1, i = hash(t->values[value].tensor) & mask;
    while (t->table[i])
        i = (i + 1) & mask;
    t->table[i] = value + 1;
}

/* Room for one step and n more values. */
static luron_status reserve(luron_tracer *t, luron_ctx *ctx, int n) {
    int64_t cap = t->cap_table ? t->cap_table : 64;
    LURON__CHECK(ctx, t->n_steps < LURON__MAX_NODES, LURON_E_UNSUPPORTED, "trace: more than %d steps",
                 LURON__MAX_NODES);
    LURON_TRY(luron__grow(ctx, &t->steps, &t->cap_steps, t->n_steps + 1, sizeof *t->steps));
    LURON_TRY(luron__grow(ctx, &t->values, &t->cap_values, t->n_values + n, sizeof *t->values));
    while (cap < 2 * (t->n_values + n))
        cap *= 2;
    if (cap == t->cap_table) return LURON_OK;
    int32_t *table;
    LURON_TRY(luron__alloc(&table, ctx, (size_t)cap * sizeof *table));
    luron__pool_free(t->pool, t->table, (size_t)t->cap_table * sizeof *table);
    t->table = table;
    t->cap_table = cap;
    for (int64_t i = 0; i < t->n_values; i++)
        put(t, (int32_t)i);
    return LURON_OK;
}

/* Take over a step whose outputs are the tensors outs; `step` is copied, name and ins with it. */
static luron_status add_step(luron_tracer *t, luron_ctx *ctx, const luron__step *step, luron_tensor *const *outs,
                             bool pure) {
    luron__step s = *step;
    char where[WHERE] = "";
    size_t bytes = (size_t)s.n_in * sizeof *s.ins;
    s.ins = NULL, s.name = s.where = NULL;
    LURON_TRY(reserve(t, ctx, s.n_out));
    if (t->where && ctx->trace == t) t->where(t->ud, where, sizeof where);
    luron_status status = bytes ? luron__alloc(&s.ins, ctx, bytes) : LURON_OK;
    if (!status) status = luron__strdup(&s.name, ctx, step->name);
    if (!status && where[0]) status = luron__strdup(&s.where, ctx, where);
    if (status) {
        luron__pool_free(t->pool, s.ins, bytes);
        luron__strfree(t->pool, s.name);
        return status;
    }
    if (bytes) memcpy(s.ins, step->ins, bytes);
    luron_tensor_ref(s.tensor);
    luron_layer_ref(s.layer);
    s.first = (int32_t)t->n_values;
    for (int i = 0; i < s.n_out; i++) {
        t->values[t->n_values] = (luron__step_value){luron_tensor_ref(outs[i]), (int32_t)t->n_steps, i, pure};
        put(t, (int32_t)t->n_values++);
    }
    t->steps[t->n_steps++] = s;
    return LURON_OK;
}

/* ---- what the program owns --------------------------------------------------------------------------------------- */
luron_status luron_tracer_tensor(luron_tracer *trace, luron_ctx *ctx, const char *path, luron_tensor *x, int is_param) {
    luron__step s = {.kind = LURON__STEP_TENSOR, .n_out = 1, .name = (char *)path, .is_param = is_param, .tensor = x};
    if (find_value(trace, x) >= 0) return LURON_OK; /* the first name counts */
    return add_step(trace, ctx, &s, &x, false);
}

/* Parameters and state of a layer by their names: they may be met as tensors. */
static luron_status name_slots(luron_tracer *t, luron_ctx *ctx, const char *path, const luron_layer *layer) {
    char name[2 * LURON__MAX_PATH];
    for (int p = 1; p >= 0; p--)
        for (int s = 0; s < LURON__MAX_SLOTS; s++) {
            const luron__slot *slot = p ? &layer->param[s] : &layer->state[s];
            if (!slot->tensor) continue;
            snprintf(name, sizeof name, "%s/%s", path, slot->name);
            LURON_TRY(luron_tracer_tensor(t, ctx, name, slot->tensor, p));
        }
    return LURON_OK;
}

const char *luron__tracer_layer_path(const luron_tracer *t, const luron_layer *layer) {
    for (int64_t i = 0; i < t->n_layers; i++)
        if (t->layers[i].layer == layer) return t->layers[i].path;
    return NULL;
}

luron_status luron_tracer_layer(luron_tracer *trace, luron_ctx *ctx, const char *path, luron_layer *layer) {
    luron__named_layer named = {.layer = layer};
    if (luron__tracer_layer_path(trace, layer)) return LURON_OK;
    LURON_TRY(luron__check_path(ctx, "layer", path));
    LURON_TRY(luron__grow(ctx, &trace->layers, &trace->cap_layers, trace->n_layers + 1, sizeof *trace->layers));
    LURON_TRY(luron__strdup(&named.path, ctx, path));
    luron_layer_ref(layer);
    trace->layers[trace->n_layers++] = named;
    return name_slots(trace, ctx, path, layer);
}

luron_status luron_tracer_input(luron_tracer *trace, luron_ctx *ctx, const char *name, luron_tensor *x, int has_batch) {
    luron__step s = {.kind = LURON__STEP_INPUT, .n_out = 1, .name = (char *)name, .has_batch = has_batch};
    LURON__CHECK(ctx, find_value(trace, x) < 0, LURON_E_ARGUMENT,
                 "trace: input %lld is another input or a tensor of the program itself (clone it)",
                 (long long)trace->n_inputs + ctx->index_base);
    LURON__CHECK(ctx, !has_batch || (x->ndim > 0 && x->shape[0] > 0), LURON_E_SHAPE,
                 "trace: input %lld has no rows: a batch of at least one expected",
                 (long long)trace->n_inputs + ctx->index_base);
    LURON__CHECK(ctx, !has_batch || trace->batch < 0 || trace->batch == x->shape[0], LURON_E_SHAPE,
                 "trace: input %lld has %lld rows, the batch size is %lld",
                 (long long)trace->n_inputs + ctx->index_base, (long long)(x->ndim ? x->shape[0] : 0),
                 (long long)trace->batch);
    LURON_TRY(add_step(trace, ctx, &s, &x, false));
    if (has_batch && trace->batch < 0) trace->batch = x->shape[0], trace->batch_input = (int32_t)trace->n_inputs;
    trace->n_inputs++;
    return LURON_OK;
}

luron_status luron_tracer_start(luron_tracer *trace, luron_ctx *ctx) {
    LURON__CHECK(ctx, !ctx->trace, LURON_E_STATE, "trace: another one is on");
    ctx->trace = trace;
    trace->recording = ctx->recording;
    trace->index_base = ctx->index_base;
    return LURON_OK;
}

void luron_tracer_stop(luron_ctx *ctx) { ctx->trace = NULL; }

/* ---- tensors that are met ---------------------------------------------------------------------------------------- */
/* A parameter that a layer got when it first ran. */
static luron_status name_late_slots(luron_tracer *t, luron_ctx *ctx) {
    for (int64_t i = 0; i < t->n_layers; i++)
        LURON_TRY(name_slots(t, ctx, t->layers[i].path, t->layers[i].layer));
    return LURON_OK;
}

static luron_status meet_constant(luron_tracer *t, luron_ctx *ctx, luron_tensor *x) {
    luron__step s = {.kind = LURON__STEP_TENSOR, .n_out = 1};
    char text[LURON__SHAPE_TEXT];
    LURON__CHECK(
        ctx, !x->requires_grad, LURON_E_STATE,
        "trace: forward uses a tensor of shape %s that needs a gradient and is no part of the module: put it into a "
        "field (or detach it)",
        luron_shape_text(text, sizeof text, x->ndim, x->shape));
    LURON__CHECK(
        ctx, luron_tensor_numel(x) * luron_dtype_size(x->dtype) <= MOST_CONSTANT, LURON_E_UNSUPPORTED,
        "trace: forward uses a constant of shape %s; one of more than 1 MiB has to be named as a buffer of the module",
        luron_shape_text(text, sizeof text, x->ndim, x->shape));
    luron_tracer *now = ctx->trace;
    ctx->trace = NULL;
    luron_status status = luron_copy(&s.tensor, ctx, x);
    ctx->trace = now;
    if (!status) status = add_step(t, ctx, &s, &x, true);
    luron_tensor_unref(s.tensor);
    return status;
}

/* The value of an operand; one that is met for the first time becomes a step. */
static luron_status value_of(int32_t *value, luron_tracer *t, luron_ctx *ctx, luron_tensor *x) {
    *value = find_value(t, x);
    if (*value >= 0) return LURON_OK;
    luron__step number = {.kind = LURON__STEP_NUMBER, .n_out = 1, .tensor = x};
    if (x->is_number) {
        LURON_TRY(add_step(t, ctx, &number, &x, true));
    } else {
        LURON_TRY(name_late_slots(t, ctx));
        *value = find_value(t, x);
        if (*value >= 0) return LURON_OK;
        luron_status status = meet_constant(t, ctx, x);
        if (status) return note_refusal(t, ctx, status);
    }
    *value = (int32_t)t->n_values - 1;
    return LURON_OK;
}

/* Values of n operands; *pure: all of them are. ins is grown to hold them (NULL: n is 0). */
static luron_status values_of(int32_t **ins, bool *pure, luron_tracer *t, luron_ctx *ctx, int n,
                              luron_tensor *const *in) {
    *ins = NULL;
    *pure = true;
    if (n) LURON_TRY(luron__alloc(ins, ctx, (size_t)n * sizeof **ins));
    luron_status status = LURON_OK;
    for (int i = 0; i < n && !status; i++) {
        (*ins)[i] = -1;
        if (!in[i]) continue;
        status = value_of(&(*ins)[i], t, ctx, in[i]);
        if (!status) *pure = *pure && t->values[(*ins)[i]].pure;
    }
    if (status) luron__free(ctx, *ins, (size_t)n * sizeof **ins);
    return status;
}

/* ---- what is applied --------------------------------------------------------------------------------------------- */
luron_status luron__tracer_check_op(luron_ctx *ctx, const luron__op *op, int n_in, luron_tensor *const *in) {
    if (luron__op_find(op->name) != op) {
        char what[120];
        snprintf(what, sizeof what, "applies '%.40s', an op that no file can hold", op->name);
        return luron_tracer_refuse(ctx, what);
    }
    if (!(op->flags & LURON__OP_BY_NUMBERS)) return LURON_OK;
    for (int i = 0; i < n_in; i++) {
        int32_t value = find_value(ctx->trace, in[i]);
        if (value >= 0 && !ctx->trace->values[value].pure)
            return luron_tracer_refuse(
                ctx, "chooses by a mask (nonzero, masked_select, x[mask]), so that a shape depends on the "
                     "numbers in a tensor; luron.where and masked_fill keep the shape");
    }
    return LURON_OK;
}

luron_status luron__tracer_op(luron_ctx *ctx, const luron__op *op, const luron__attrs *attrs, int n_in,
                             luron_tensor *const *in, luron_tensor *out) {
    luron_tracer *t = ctx->trace;
    luron__step s = {
        .kind = LURON__STEP_OP, .n_in = n_in, .n_out = 1, .op = op, .detached = t->recording && !ctx->recording};
    bool pure;
    if (op->flags & LURON__OP_BY_NUMBERS) return LURON_OK; /* of constants: the result is one, too */
    if (attrs) s.attrs = *attrs;
    LURON_TRY(values_of(&s.ins, &pure, t, ctx, n_in, in));
    luron_status status = add_step(t, ctx, &s, &out, pure);
    luron__free(ctx, s.ins, (size_t)n_in * sizeof *s.ins);
    return status;
}

luron_status luron__tracer_layer_call(luron_ctx *ctx, luron_layer *layer, int n_in, luron_tensor *const *ins, int n_out,
                                     luron_tensor *const *outs) {
    luron_tracer *t = ctx->trace;
    luron__step s = {.kind = LURON__STEP_LAYER,
                     .n_in = n_in,
                     .n_out = n_out,
                     .layer = layer,
                     .detached = t->recording && !ctx->recording};
    bool pure;
    const char *name = luron_type_name(layer->code->type);
    if (!luron__tracer_layer_path(t, layer)) {
        char what[200];
        snprintf(what, sizeof what,
                 "applies a %.60s that is no part of the module: make it in init and keep it in a field", name);
        if (luron_layer_n_params(layer) || luron_layer_n_states(layer) || layer->code->type->layer.flags & LURON_LAYER_RANDOM)
            return luron_tracer_refuse(ctx, what);
    }
    LURON_TRY(values_of(&s.ins, &pure, t, ctx, n_in, ins));
    luron_status status = add_step(t, ctx, &s, outs, false);
    luron__free(ctx, s.ins, (size_t)n_in * sizeof *s.ins);
    return status;
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */
luron_status luron_tracer_reads(luron_ctx *ctx, const luron_tensor *x, const char *how) {
    if (ctx->plan) {
        char text[64];
        snprintf(text, sizeof text, "reads numbers of a tensor: %s", how);
        luron__plan_refuse(ctx, text);
    }
    char what[160];
    int32_t value = ctx->trace ? find_value(ctx->trace, x) : -1;
    if (value < 0 || ctx->trace->values[value].pure) return LURON_OK;
    snprintf(what, sizeof what, "reads the numbers of a tensor (%.40s): what it does would depend on them", how);
    return luron_tracer_refuse(ctx, what);
}

luron_status luron__tracer_check_write(luron_ctx *ctx, const char *how, const luron_tensor *x) {
    char what[160];
    if (!ctx->trace) return LURON_OK;
    for (int64_t i = 0; i < ctx->trace->n_values; i++) {
        if (!luron_tensor_is_shared(ctx->trace->values[i].tensor, x)) continue;
        snprintf(what, sizeof what, "changes a tensor in place (%.40s), which no graph shows: make a new one", how);
        return luron_tracer_refuse(ctx, what);
    }
    return LURON_OK;
}

luron_status luron__tracer_check_draw(luron_ctx *ctx, const char *how) {
    char what[160];
    luron__plan_refuse(ctx, "draws random numbers outside of layers");
    snprintf(what, sizeof what, "draws random numbers (%.40s), which a graph does in layers alone (nn.Dropout)", how);
    return luron_tracer_refuse(ctx, what);
}

luron_status luron_tracer_output(luron_tracer *trace, luron_ctx *ctx, luron_tensor *y) {
    int32_t value;
    LURON_TRY(luron__grow(ctx, &trace->outputs, &trace->cap_outputs, trace->n_outputs + 1, sizeof *trace->outputs));
    LURON_TRY(value_of(&value, trace, ctx, y));
    trace->outputs[trace->n_outputs++] = value;
    return LURON_OK;
}
