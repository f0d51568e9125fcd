/* model_summary.c -- the table of a model: a line for each node, with totals.
 *
 * FLOPs are those of one forward for the given shapes. A layer with a parameter of rank 2 or more (linear, convolution)
 * multiplies and adds each of its numbers once for every row or place of the output: 2 * numel(weight) *
 * numel(output) / size 0 of the weight; matmul counts 2 * numel(output) * inner size. An element-wise layer or op counts
 * one for each element. Biases, losses and everything else count nothing. Numbers have no line. */
#include "call.h"
#include "graph.h"

#include <stdio.h>
#include <string.h>

enum { N_COLUMNS = 5 };
typedef struct row {
    const char *name, *type;
    char shape[LURON__SHAPE_TEXT], params[40], flops[40];
} row;

typedef struct text {
    luron_ctx *ctx;
    char *s;
    int64_t n, cap;
    luron_status status; /* sticks */
} text;

static void add(text *t, const char *s, size_t n) {
    if (t->status == LURON_OK) t->status = luron__grow(t->ctx, &t->s, &t->cap, t->n + (int64_t)n + 1, 1);
    if (t->status != LURON_OK) return;
    memcpy(t->s + t->n, s, n);
    t->n += (int64_t)n;
    t->s[t->n] = 0;
}

/* Places on the screen, taking every character for one. */
static int width(const char *s) {
    int n = 0;
    for (; *s; s++) n += (*s & 0xc0) != 0x80;
    return n;
}

static void add_cell(text *t, const char *s, int columns, bool right) {
    int blanks = columns - width(s);
    for (int i = 0; right && i < blanks; i++) add(t, " ", 1);
    add(t, s, strlen(s));
    for (int i = 0; !right && i < blanks; i++) add(t, " ", 1);
}

/* 25690112 -> "25,690,112" */
static const char *number(char to[40], double x) {
    char digits[40];
    int n = snprintf(digits, sizeof digits, "%.0f", x), k = 0;
    if (n < 0 || n > 24) {
        snprintf(to, 40, "%.3g", x);
        return to;
    }
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0) to[k++] = ',';
        to[k++] = digits[i];
    }
    to[k] = 0;
    return to;
}

static double numel(const luron_dims *d) {
    double n = 1;
    for (int i = 0; i < d->ndim; i++) n *= (double)d->shape[i];
    return n;
}

static double layer_flops(const luron_layer *layer, const luron_dims *out) {
    double sum = 0;
    if (layer->code->type->layer.elementwise) return numel(out);
    for (int i = 0; i < luron_layer_n_params(layer); i++) {
        const luron_tensor *t = luron_layer_param(layer, i);
        if (t->ndim >= 2 && t->shape[0] > 0)
            sum += 2 * (double)luron_tensor_numel(t) * numel(out) / (double)t->shape[0];
    }
    return sum;
}

/* ---- shapes ---------------------------------------------------------------------------------------------------- */
/* A tensor of these dims without numbers. */
static luron_status shadow(luron_tensor **out, luron_ctx *ctx, const luron_dims *d, bool is_number) {
    luron_tensor t = { .dtype = d->dtype, .ndim = d->ndim, .is_number = is_number };
    memcpy(t.shape, d->shape, sizeof t.shape);
    luron__set_contiguous(&t);
    return luron__tensor_alias(out, ctx, &t);
}

/* What the op says of shapes alone; numbers among the operands take part in promotion as such. */
static luron_status infer_op(luron_dims *out, luron_ctx *ctx, const luron_model *m, const luron__model_node *node,
                             const luron_dims *ins) {
    int n = node->n_in - node->by_batch;
    size_t bytes = (size_t)(n + 1) * sizeof(luron_tensor *);
    luron__attrs attrs;
    luron_tensor **in;
    const luron_dims *batch = node->by_batch ? &ins[n] : NULL;
    LURON__CHECK(ctx, !batch || batch->ndim > 0, LURON_E_SHAPE, "model: an input that says the batch size has no dims");
    LURON_TRY(luron__model_op_attrs(&attrs, ctx, node->op, batch ? batch->shape[0] : 0));
    LURON_TRY(luron__alloc(&in, ctx, bytes));
    luron_status status = LURON_OK;
    for (int k = 0; k < n && status == LURON_OK; k++)
        if (node->ins[k].node >= 0) status = shadow(&in[k], ctx, &ins[k], m->nodes[node->ins[k].node].kind == LURON__NODE_NUMBER);
    uint32_t standard = ctx->default_dtype;
    ctx->default_dtype = m->dtype;
    if (status == LURON_OK) status = luron__infer_named(out, ctx, node->op->op, n, in, &attrs);
    ctx->default_dtype = standard;
    for (int k = 0; k < n; k++) luron_tensor_unref(in[k]);
    luron__free(ctx, in, bytes);
    return status;
}

static luron_dims dims_of(const luron_tensor *t) {
    luron_dims d = { .dtype = t->dtype, .ndim = t->ndim };
    memcpy(d.shape, t->shape, sizeof d.shape);
    return d;
}

static luron_status infer(luron_dims *dims, luron_ctx *ctx, const luron_model *m, int64_t i) {
    const luron__model_node *node = &m->nodes[i];
    luron_dims *ins = NULL, *out = &dims[node->first];
    size_t bytes = (size_t)node->n_in * sizeof *ins;
    if (node->n_in) LURON_TRY(luron__alloc(&ins, ctx, bytes));
    for (int32_t k = 0; k < node->n_in; k++)
        if (node->ins[k].node >= 0) ins[k] = dims[m->nodes[node->ins[k].node].first + node->ins[k].out];
    luron_status status = LURON_OK;
    if (node->kind == LURON__NODE_LAYER)
        status = luron_layer_infer(out, ctx, m->layers[node->layer].layer, node->n_in, ins);
    else if (node->kind == LURON__NODE_OP)
        status = infer_op(out, ctx, m, node, ins);
    else
        *out = dims_of(node->kind == LURON__NODE_NUMBER ? node->number : luron__model_tensor_of(m, node->layer));
    luron__free(ctx, ins, bytes);
    return status;
}

/* Does operand k hold ids, or whole numbers that become some? passes: if the result does. */
static bool takes_ids(const luron_model *m, const luron__model_node *node, int32_t k, bool *passes) {
    *passes = false;
    if (node->kind == LURON__NODE_LAYER) {
        const luron_type *type = m->layers[node->layer].layer->code->type;
        return luron__port_in(type, k)->flags & LURON_PORT_INDEX;
    }
    if (node->kind != LURON__NODE_OP || k >= node->n_in - node->by_batch) return false;
    const luron__op *op = node->op->op;
    const uint32_t bit = 1u << (k < 30 ? k : 30);
    *passes = op->carries & bit;
    return op->ids_in & bit || !strcmp(op->name, "to_ids") || !strcmp(op->name, "from_ids");
}

/* The dtype of inputs for which none is said: int64 where they come, as they are, to what takes ids; else the model's. */
static luron_status guess_dtypes(luron_dims *dims, luron_ctx *ctx, const luron_model *m) {
    uint8_t *ids;
    const size_t bytes = (size_t)m->n_values + 1;
    LURON_TRY(luron__alloc(&ids, ctx, bytes));
    for (int64_t i = m->n_nodes - 1; i >= m->n_inputs; i--)
        for (int32_t k = 0; k < m->nodes[i].n_in; k++) {
            const luron__model_node *node = &m->nodes[i];
            if (node->ins[k].node < 0) continue;
            bool passes;
            if (takes_ids(m, node, k, &passes) || (passes && ids[node->first]))
                ids[m->nodes[node->ins[k].node].first + node->ins[k].out] = 1;
        }
    const uint32_t real = m->n_layers ? m->layers[0].layer->dtype : m->dtype ? m->dtype : ctx->default_dtype;
    for (int64_t i = 0; i < m->n_inputs; i++)
        if (!dims[i].dtype) dims[i].dtype = ids[i] ? LURON_I64 : real;
    luron__free(ctx, ids, bytes);
    return LURON_OK;
}

/* Shapes before counts: a lazy layer has its parameters only then. */
static luron_status infer_all(luron_dims *dims, luron_ctx *ctx, const luron_model *m, int n_in,
                              const luron_dims *in_dims) {
    LURON__CHECK(ctx, n_in == m->n_inputs, LURON_E_ARGUMENT, "summary: shapes of %lld input%s expected, got %d",
                 (long long)m->n_inputs, m->n_inputs == 1 ? "" : "s", n_in);
    for (int i = 0; i < n_in; i++) dims[i] = in_dims[i];
    LURON_TRY(guess_dtypes(dims, ctx, m));
    for (int i = 0; i < n_in; i++) {
        luron_status status = luron__check_shape(ctx, dims[i].dtype, dims[i].ndim, dims[i].shape, NULL);
        if (status) return luron__wrap(ctx, status, "summary: input '%.64s'", m->nodes[i].name);
    }
    for (int64_t i = m->n_inputs; i < m->n_nodes; i++) LURON_TRY(infer(dims, ctx, m, i));
    return LURON_OK;
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */
static double op_flops(const luron_model *m, const luron__model_node *node, const luron_dims *dims) {
    const luron_dims *out = &dims[node->first], *a;
    if (node->op->op->flags & LURON__OP_ELEMENTWISE) return numel(out);
    if (strcmp(node->op->op->name, "matmul")) return 0;
    a = &dims[m->nodes[node->ins[0].node].first + node->ins[0].out];
    return 2 * numel(out) * (double)a->shape[a->ndim - 1];
}

/* Number of weights; a second time they are "(again)". */
static void put_weights(row *r, int64_t n, uint8_t *seen) {
    if (*seen && n)
        snprintf(r->params, sizeof r->params, "(again)");
    else
        number(r->params, (double)n);
    *seen = 1;
}

static double fill_layer(row *r, const luron_model *m, const luron__model_node *node, const luron_dims *dims,
                         uint8_t *seen) {
    const luron_layer *layer = m->layers[node->layer].layer;
    int64_t n = 0;
    r->name = m->layers[node->layer].path;
    r->type = luron_type_name(layer->code->type);
    for (int k = 0; k < luron_layer_n_params(layer); k++) n += luron_tensor_numel(luron_layer_param(layer, k));
    put_weights(r, n, &seen[node->layer]);
    return dims ? layer_flops(layer, &dims[node->first]) : 0;
}

/* The tensor of a layer counts there. */
static void fill_tensor(row *r, const luron_model *m, const luron__model_node *node, uint8_t *seen) {
    const luron__model_tensor *t = &m->tensors[node->layer];
    r->name = t->path;
    r->type = t->is_param ? "(parameter)" : "(state)";
    put_weights(r, t->tensor && t->is_param ? luron_tensor_numel(t->tensor) : 0, &seen[m->n_layers + node->layer]);
}

/* seen: of layers, then of tensors: it has a line already. Returns the FLOPs of the line. */
static double fill_row(row *r, const luron_model *m, int64_t i, const luron_dims *dims, uint8_t *seen) {
    const luron__model_node *node = &m->nodes[i];
    double flops = 0;
    if (dims && dims[node->first].dtype)
        luron_shape_text(r->shape, sizeof r->shape, dims[node->first].ndim, dims[node->first].shape);
    switch (node->kind) {
    case LURON__NODE_INPUT: r->name = node->name, r->type = "(input)"; return 0;
    case LURON__NODE_LAYER: flops = fill_layer(r, m, node, dims, seen); break;
    case LURON__NODE_TENSOR: fill_tensor(r, m, node, seen); return 0;
    default:
        r->name = node->op->op->name, r->type = "(op)";
        snprintf(r->params, sizeof r->params, "0");
        if (dims) flops = op_flops(m, node, dims);
    }
    if (dims) number(r->flops, flops);
    return flops;
}

static void add_row(text *t, const char *const cells[N_COLUMNS], const int *widths) {
    for (int c = 0; c < N_COLUMNS; c++) {
        if (!widths[c]) continue;
        if (c) add(t, "  ", 2);
        add_cell(t, cells[c], widths[c], c >= 3);
    }
    while (t->n && t->s[t->n - 1] == ' ') t->s[--t->n] = 0;
    add(t, "\n", 1);
}

static void add_table(text *t, const row *rows, int64_t n, bool shaped) {
    static const char *const head[N_COLUMNS] = { "layer", "type", "output shape", "parameters", "FLOPs" };
    int widths[N_COLUMNS], whole = 0;
    for (int c = 0; c < N_COLUMNS; c++) widths[c] = shaped || (c != 2 && c != 4) ? width(head[c]) : 0;
    for (int64_t i = 0; i < n; i++) {
        const char *const cells[N_COLUMNS] = { rows[i].name, rows[i].type, rows[i].shape, rows[i].params,
                                               rows[i].flops };
        for (int c = 0; c < N_COLUMNS; c++)
            if (widths[c] && width(cells[c]) > widths[c]) widths[c] = width(cells[c]);
    }
    for (int c = 0; c < N_COLUMNS; c++) whole += widths[c] ? widths[c] + (c ? 2 : 0) : 0;
    add_row(t, head, widths);
    for (int i = 0; i < whole; i++) add(t, "-", 1);
    add(t, "\n", 1);
    for (int64_t i = 0; i < n; i++) {
        const char *const cells[N_COLUMNS] = { rows[i].name, rows[i].type, rows[i].shape, rows[i].params,
                                               rows[i].flops };
        add_row(t, cells, widths);
    }
    for (int i = 0; i < whole; i++) add(t, "-", 1);
    add(t, "\n", 1);
}

static void add_totals(text *t, const luron_model *m, bool shaped, double flops) {
    char line[200], all[40], trained[40], work[40];
    double n = (double)luron_model_n_weights(m), n_trained = 0;
    luron_tensor *p;
    for (int i = 0; (p = luron_model_param(m, i, NULL, 0)); i++)
        n_trained += p->requires_grad ? (double)luron_tensor_numel(p) : 0;
    snprintf(line, sizeof line, "%s parameters, %s of them trained", number(all, n), number(trained, n_trained));
    add(t, line, strlen(line));
    snprintf(line, sizeof line, "; %s FLOPs forward", number(work, flops));
    if (shaped) add(t, line, strlen(line));
    add(t, "\n", 1);
}

static luron_status write_summary(text *t, const luron_model *m, const luron_dims *dims, row *rows, uint8_t *seen) {
    double flops = 0;
    int64_t n = 0;
    for (int64_t i = 0; i < m->n_nodes; i++)
        if (m->nodes[i].kind != LURON__NODE_NUMBER) flops += fill_row(&rows[n++], m, i, dims, seen);
    add_table(t, rows, n, dims != NULL);
    add_totals(t, m, dims != NULL, flops);
    return t->status;
}

luron_status luron_model_summary(char **out, luron_ctx *ctx, luron_model *model, int n_in, const luron_dims *in_dims) {
    size_t dims_bytes = (size_t)(model->n_values + 1) * sizeof(luron_dims),
        rows_bytes = (size_t)(model->n_nodes + 1) * sizeof(row), seen_bytes = (size_t)(model->n_layers + model->n_tensors) + 1;
    luron_dims *dims = NULL;
    row *rows = NULL;
    uint8_t *seen = NULL;
    text t = { .ctx = ctx };
    luron_status status = in_dims ? luron__alloc(&dims, ctx, dims_bytes) : luron_model_check_sized(ctx, model);
    if (status == LURON_OK && dims) status = infer_all(dims, ctx, model, n_in, in_dims);
    if (status == LURON_OK) status = luron__alloc(&rows, ctx, rows_bytes);
    if (status == LURON_OK) status = luron__alloc(&seen, ctx, seen_bytes);
    if (status == LURON_OK) status = write_summary(&t, model, dims, rows, seen);
    if (status == LURON_OK) status = luron__strdup(out, ctx, t.s);
    luron__free(ctx, t.s, (size_t)t.cap);
    luron__free(ctx, seen, seen_bytes);
    luron__free(ctx, rows, rows_bytes);
    luron__free(ctx, dims, dims_bytes);
    return status;
}
