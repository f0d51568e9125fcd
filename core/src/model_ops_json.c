/* model_ops_json.c -- what is no layer in an architecture as JSON: ops with their attributes, tensors, numbers. */
#include "graph.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

static bool push(json_t *list, json_t *item) { return json_array_append_new(list, item) == 0; }

/* ---- writing ------------------------------------------------------------------------------------------------------
 */
static json_t *number_to_json(double x) {
    if (isfinite(x)) return json_real(x);
    return json_string(isnan(x) ? "nan" : x > 0 ? "inf" : "-inf");
}

/* A whole number, or {"batch": times}. */
static json_t *whole_to_json(const luron__model_op *op, int place) {
    json_t *n = json_integer(op->attrs.at[place]);
    return op->batch >> place & 1 ? json_pack("{so}", "batch", n) : n;
}

static json_t *attr_to_json(const luron__model_op *op, const luron__op_attr *k) {
    const int64_t *at = &op->attrs.at[k->place];
    switch (k->kind) {
    case LURON__ATTR_NUM:
        return number_to_json(op->attrs.num[k->place]);
    case LURON__ATTR_BOOL:
        return json_boolean(*at);
    case LURON__ATTR_DTYPE:
        return json_string(luron_dtype_name((uint32_t)*at));
    case LURON__ATTR_INT:
    case LURON__ATTR_DIM:
        return whole_to_json(op, k->place);
    default:
        break;
    }
    json_t *list = json_array();
    luron__dims dims = luron__dims_of(*at);
    bool good = list != NULL, whole = k->kind == LURON__ATTR_INTS;
    for (int i = 0; i < (whole ? op->attrs.n : dims.n) && good; i++)
        good = push(list, whole ? whole_to_json(op, k->place + i) : json_integer(dims.at[i]));
    if (!good) json_decref(list);
    return good ? list : NULL;
}

static json_t *op_to_json(const luron__model_op *op) {
    json_t *object = json_pack("{ss}", "op", op->op->name);
    for (const luron__op_attr *k = op->op->attrs; object && k && k->name; k++) {
        if (k->kind == LURON__ATTR_BASE || !json_object_set_new(object, k->name, attr_to_json(op, k))) continue;
        json_decref(object);
        object = NULL;
    }
    return object;
}

static json_t *number_node_to_json(const luron__model_node *node) {
    const void *data = luron__data(node->number);
    bool real = node->number->dtype == LURON_F64;
    json_t *value = real ? number_to_json(*(const double *)data) : json_integer(*(const int64_t *)data);
    if (node->by_batch) value = json_pack("{so}", "batch", value);
    return json_pack("{so}", "number", value);
}

/* `ins` (taken) are the values of the operands; that of the batch size stands apart. */
void *luron__model_node_to_json(const luron_model *m, const luron__model_node *node, void *ins) {
    json_t *batch = node->by_batch ? json_incref(json_array_get(ins, (size_t)node->n_in - 1)) : NULL, *object;
    if (node->by_batch) json_array_remove(ins, (size_t)node->n_in - 1);
    if (node->kind == LURON__NODE_OP)
        object = op_to_json(node->op);
    else if (node->kind == LURON__NODE_TENSOR)
        object = json_pack("{ss}", "tensor", m->tensors[node->layer].path);
    else
        object = number_node_to_json(node);
    bool good = object && (node->kind != LURON__NODE_OP || !json_object_set(object, "inputs", ins));
    if (good && batch) good = !json_object_set(object, "batch", batch);
    json_decref(ins);
    json_decref(batch);
    if (!good) json_decref(object);
    return good ? object : NULL;
}

void *luron__model_tensors_to_json(const luron_model *m) {
    json_t *list = json_array();
    bool good = list != NULL;
    for (int64_t i = 0; i < m->n_tensors && good; i++) {
        const luron_tensor *t = m->tensors[i].tensor;
        if (!t) continue; /* it is a layer's */
        json_t *shape = json_array();
        for (int d = 0; shape && d < t->ndim && good; d++)
            good = push(shape, json_integer(t->shape[d]));
        good = good && push(list, json_pack("{ss ss ss so}", "path", m->tensors[i].path, "kind",
                                            m->tensors[i].is_param ? "parameter" : "state", "dtype",
                                            luron_dtype_name(t->dtype), "shape", shape));
    }
    if (!good) json_decref(list);
    return good ? list : NULL;
}

/* ---- reading ------------------------------------------------------------------------------------------------------
 */
static bool number_from_json(double *x, const json_t *v) {
    const char *word = json_string_value(v);
    if (json_is_number(v)) {
        *x = json_number_value(v);
        return true;
    }
    if (!word || (strcmp(word, "nan") && strcmp(word, "inf") && strcmp(word, "-inf"))) return false;
    *x = *word == 'n' ? (double)NAN : *word == 'i' ? (double)INFINITY : -(double)INFINITY;
    return true;
}

/* An integer, or {"batch": integer}, which sets the bit of its place. */
static bool whole_from_json(int64_t *to, luron__model_op *op, int place, const json_t *v) {
    const json_t *times = json_is_object(v) && json_object_size(v) == 1 ? json_object_get(v, "batch") : NULL;
    if (times) op->batch |= 1u << place;
    if (!json_is_integer(times ? times : v)) return false;
    *to = json_integer_value(times ? times : v);
    return true;
}

/* JSON as the argument that luron__model_op_set checks. */
static luron_arg arg_from_json(luron__model_op *op, const luron__op_attr *k, const json_t *v) {
    luron_arg arg = {.name = k->name, .kind = LURON_ARG_STRING};
    bool list = k->kind == LURON__ATTR_INTS || k->kind == LURON__ATTR_DIMS, good = true;
    if (list && json_is_array(v) && json_array_size(v) <= LURON_MAX_DIMS) {
        arg.ints.n = (int64_t)json_array_size(v);
        for (int64_t i = 0; i < arg.ints.n && good; i++) {
            const json_t *item = json_array_get(v, (size_t)i);
            good = k->kind == LURON__ATTR_INTS ? whole_from_json(&arg.ints.at[i], op, k->place + (int)i, item)
                                               : json_is_integer(item);
            if (good && k->kind == LURON__ATTR_DIMS) arg.ints.at[i] = json_integer_value(item);
        }
        if (good) arg.kind = LURON_ARG_INTS;
    } else if (k->kind == LURON__ATTR_NUM && number_from_json(&arg.number, v)) {
        arg.kind = LURON_ARG_NUMBER;
    } else if (k->kind == LURON__ATTR_BOOL && json_is_boolean(v)) {
        arg.kind = LURON_ARG_BOOLEAN, arg.integer = json_is_true(v);
    } else if (k->kind == LURON__ATTR_DTYPE) {
        arg.string = json_string_value(v);
    } else if (k->kind == LURON__ATTR_DIM && json_is_integer(v)) {
        arg.kind = LURON_ARG_INTEGER, arg.integer = json_integer_value(v);
    } else if (k->kind == LURON__ATTR_INT && whole_from_json(&arg.integer, op, k->place, v)) {
        arg.kind = LURON_ARG_INTEGER;
    }
    return arg;
}

/* Nothing but the op's attributes (and what every op node has) may be there. */
static luron_status check_members(luron_ctx *ctx, const char *where, const luron__op *op, json_t *object) {
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        bool known = !strcmp(key, "op") || !strcmp(key, "inputs") || !strcmp(key, "batch");
        for (const luron__op_attr *k = op->attrs; !known && k && k->name; k++)
            known = k->kind != LURON__ATTR_BASE && !strcmp(key, k->name);
        LURON__CHECK(ctx, known, LURON_E_FORMAT, "%s: op '%s' has no attribute '%.64s'", where, op->name, key);
    }
    return LURON_OK;
}

luron_status luron__model_op_from_json(luron__model_op *op, luron_ctx *ctx, const char *where, void *object) {
    const char *name = json_string_value(json_object_get(object, "op"));
    *op = (luron__model_op){.op = name ? luron__op_find(name) : NULL};
    LURON__CHECK(ctx, name, LURON_E_FORMAT, "%s: 'op': string expected", where);
    LURON__CHECK(ctx, op->op, LURON_E_VERSION, "%s: op '%.40s' is not known here", where, name);
    LURON_TRY(check_members(ctx, where, op->op, object));
    for (const luron__op_attr *k = op->op->attrs; k && k->name; k++) {
        if (k->kind == LURON__ATTR_BASE) continue;
        const json_t *v = json_object_get(object, k->name);
        LURON__CHECK(ctx, v, LURON_E_FORMAT, "%s: op '%s': '%s' is missing", where, op->op->name, k->name);
        luron_arg arg = arg_from_json(op, k, v);
        luron_status status = luron__model_op_set(ctx, where, op, k, &arg);
        if (status) return luron__wrap(ctx, LURON_E_FORMAT, "op '%s'", op->op->name);
    }
    return LURON_OK;
}

luron_status luron__model_number_from_json(luron_tensor **number, bool *by_batch, luron_ctx *ctx, const char *where,
                                           void *value) {
    const json_t *v = value,
                 *times = json_is_object(v) && json_object_size(v) == 1 ? json_object_get(v, "batch") : NULL;
    double x;
    *by_batch = times != NULL;
    if (times) v = times;
    if (json_is_integer(v)) return luron_scalar_int(number, ctx, json_integer_value(v));
    LURON__CHECK(ctx, number_from_json(&x, v), LURON_E_FORMAT, "%s: 'number': number expected", where);
    return luron_scalar(number, ctx, x);
}
