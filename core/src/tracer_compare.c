/* tracer_compare.c -- two traces of one program: do they differ in the batch size alone? */
#include "tracer_steps.h"

#include <stdio.h>
#include <string.h>

/* " at net.lua:12" */
static const char *at(char to[240], const luron__step *s) {
    snprintf(to, 240, "%s%s", s->where ? " at " : "", s->where ? s->where : "");
    return to;
}

static const char *name_of(const luron__step *s) {
    switch (s->kind) {
    case LURON__STEP_OP:
        return s->op->name;
    case LURON__STEP_LAYER:
        return luron_type_name(s->layer->code->type);
    case LURON__STEP_NUMBER:
        return "a number";
    case LURON__STEP_INPUT:
        return "an input";
    default:
        return s->name ? s->name : "a constant";
    }
}

/* ---- whole numbers and numbers --------------------------------------------------------------------------------------
 */
/* *x: y in trace b; of a batch of `a` rows and of `b`. The same, or *times of them. */
static bool proportional(int64_t *x, bool *by_batch, int64_t y, int64_t a, int64_t b) {
    *by_batch = false;
    if (*x == y) return true;
    if (a <= 0 || a == b || *x % a != 0 || *x / a != y / b || y % b != 0) return false;
    *by_batch = true;
    *x /= a;
    return true;
}

static luron_status depends(luron_ctx *ctx, const luron_tracer *a, const luron_tracer *b, const luron__step *s,
                            const char *what, double x, double y) {
    char where[240];
    if (a->batch == b->batch)
        return luron__fail(
            ctx, LURON_E_UNSUPPORTED,
            "trace: forward does not do the same twice: '%s'%s: %s is %g, then %g; what is random, or read from a "
            "clock or a counter, is no part of a graph",
            name_of(s), at(where, s), what, x, y);
    return luron__fail(
        ctx, LURON_E_UNSUPPORTED,
        "trace: forward depends on the batch size: '%s'%s: %s is %g for a batch of %lld and %g for one of %lld, which "
        "is no multiple of it (or is random)",
        name_of(s), at(where, s), what, x, (long long)a->batch, y, (long long)b->batch);
}

/* ---- attributes -------------------------------------------------------------------------------------------------- */
static luron_status compare_whole(luron_ctx *ctx, luron__model_op *op, const luron__op_attr *k, int place,
                                  const luron_tracer *a, const luron_tracer *b, const luron__step *x,
                                  const luron__step *y) {
    bool by_batch;
    char what[60];
    int64_t given = x->attrs.at[place], other = y->attrs.at[place];
    bool may = k->kind == LURON__ATTR_INT || k->kind == LURON__ATTR_INTS;
    op->attrs.at[place] = given;
    if (may ? proportional(&op->attrs.at[place], &by_batch, other, a->batch, b->batch) : given == other) {
        if (may && by_batch) op->batch |= 1u << place;
        return LURON_OK;
    }
    snprintf(what, sizeof what, "%s", k->name);
    if (k->kind == LURON__ATTR_INTS) snprintf(what, sizeof what, "%s[%d]", k->name, place - k->place + ctx->index_base);
    return depends(ctx, a, b, x, what, (double)given, (double)other);
}

luron_status luron__tracer_compare_op(luron__model_op *op, luron_ctx *ctx, const luron_tracer *a, const luron_tracer *b,
                                     const luron__step *x, const luron__step *y) {
    *op = (luron__model_op){.op = x->op, .attrs = x->attrs};
    for (const luron__op_attr *k = x->op->attrs; k && k->name; k++) {
        double p = x->attrs.num[k->place & 3], q = y->attrs.num[k->place & 3];
        if (k->kind == LURON__ATTR_BASE) continue;
        if (k->kind == LURON__ATTR_NUM) {
            if (memcmp(&p, &q, sizeof p)) return depends(ctx, a, b, x, k->name, p, q);
            continue;
        }
        int n = k->kind == LURON__ATTR_INTS ? x->attrs.n : 1;
        if (k->kind == LURON__ATTR_INTS && n != y->attrs.n)
            return depends(ctx, a, b, x, "number of dims", n, y->attrs.n);
        for (int i = 0; i < n && i < LURON_MAX_DIMS; i++)
            LURON_TRY(compare_whole(ctx, op, k, k->place + i, a, b, x, y));
    }
    return LURON_OK;
}

/* A number as the model keeps it: what one row counts, where it is a multiple of the batch size. */
luron_status luron__tracer_compare_number(luron_tensor **number, bool *by_batch, luron_ctx *ctx, const luron_tracer *a,
                                         const luron_tracer *b, const luron__step *x, const luron__step *y) {
    const void *p = luron__data(x->tensor), *q = luron__data(y->tensor);
    *by_batch = false;
    if (x->tensor->dtype == LURON_I64 && y->tensor->dtype == LURON_I64) {
        int64_t whole = *(const int64_t *)p;
        if (!proportional(&whole, by_batch, *(const int64_t *)q, a->batch, b->batch))
            return depends(ctx, a, b, x, "it", (double)whole, (double)*(const int64_t *)q);
        return luron_scalar_int(number, ctx, whole);
    }
    double r = 0, s = 0;
    luron__convert(LURON_F64, &r, 1, x->tensor->dtype, p, 1, 1);
    luron__convert(LURON_F64, &s, 1, y->tensor->dtype, q, 1, 1);
    bool same = x->tensor->dtype == y->tensor->dtype && !memcmp(&r, &s, sizeof r);
    *by_batch = !same && a->batch > 0 && a->batch != b->batch && r / (double)a->batch * (double)b->batch == s &&
                r / (double)a->batch * (double)a->batch == r;
    if (!same && !*by_batch) return depends(ctx, a, b, x, "it", r, s);
    return luron_scalar(number, ctx, *by_batch ? r / (double)a->batch : r);
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */
bool luron__same_layers(const luron_layer *x, const luron_layer *y) {
    if (x->code->type != y->code->type || x->dtype != y->dtype) return false;
    for (int i = 0; i < x->code->type->n_options; i++) {
        luron_arg p = luron_layer_option(x, i), q = luron_layer_option(y, i);
        if (p.integer != q.integer || memcmp(&p.number, &q.number, sizeof p.number) || !p.string != !q.string)
            return false;
        if (p.string && strcmp(p.string, q.string)) return false;
        if (p.kind == LURON_ARG_INTS &&
            (p.ints.n != q.ints.n || memcmp(p.ints.at, q.ints.at, (size_t)p.ints.n * sizeof *p.ints.at)))
            return false;
        if (p.kind == LURON_ARG_FLOATS &&
            (p.floats.n != q.floats.n || memcmp(p.floats.at, q.floats.at, (size_t)p.floats.n * sizeof *p.floats.at)))
            return false;
    }
    return true;
}

static bool same_constants(const luron_tensor *x, const luron_tensor *y) {
    size_t bytes = (size_t)luron_tensor_numel(x) * (size_t)luron_dtype_size(x->dtype);
    return x->dtype == y->dtype && luron__same_shape(x, y) &&
           (!bytes || !memcmp(luron__data(x), luron__data(y), bytes));
}

static bool same_step(const luron_tracer *a, const luron_tracer *b, const luron__step *x, const luron__step *y) {
    if (x->kind != y->kind || x->n_in != y->n_in || x->n_out != y->n_out || x->op != y->op || !x->name != !y->name)
        return false;
    if (x->n_in && memcmp(x->ins, y->ins, (size_t)x->n_in * sizeof *x->ins)) return false;
    if (x->name && strcmp(x->name, y->name)) return false;
    if (x->kind != LURON__STEP_LAYER || x->layer == y->layer) return true;
    return !luron__tracer_layer_path(a, x->layer) && !luron__tracer_layer_path(b, y->layer) &&
           luron__same_layers(x->layer, y->layer);
}

/* "'add' at net.lua:12" */
static const char *quoted(char to[300], const luron__step *s) {
    char where[240];
    snprintf(to, 300, "%s%s%s%s", s ? "'" : "nothing", s ? name_of(s) : "", s ? "'" : "", s ? at(where, s) : "");
    return to;
}

static luron_status another_way(luron_ctx *ctx, const luron_tracer *a, const luron_tracer *b, const luron__step *x,
                                const luron__step *y) {
    char here[300], there[300];
    return luron__fail(ctx, LURON_E_UNSUPPORTED, "trace: forward takes another way when %s: first %s, then %s",
                       a->batch == b->batch ? "it runs a second time" : "the batch is larger", quoted(here, x),
                       quoted(there, y));
}

luron_status luron__tracer_compare(luron_ctx *ctx, const luron_tracer *a, const luron_tracer *b) {
    char where[240];
    for (int64_t i = 0; i < a->n_steps || i < b->n_steps; i++) {
        const luron__step *x = i < a->n_steps ? &a->steps[i] : NULL, *y = i < b->n_steps ? &b->steps[i] : NULL;
        if (!x || !y || !same_step(a, b, x, y)) return another_way(ctx, a, b, x, y);
        if (x->kind != LURON__STEP_TENSOR || x->name || same_constants(x->tensor, y->tensor)) continue;
        return luron__fail(
            ctx, LURON_E_UNSUPPORTED,
            "trace: forward makes another tensor%s each time; those that luron.zeros, ones, full and arange make may "
            "depend on the batch size",
            at(where, x));
    }
    bool same = a->n_outputs == b->n_outputs;
    for (int64_t i = 0; i < a->n_outputs && same; i++)
        same = a->outputs[i] == b->outputs[i];
    LURON__CHECK(ctx, same, LURON_E_UNSUPPORTED, "trace: forward gives other values when it runs a second time");
    return LURON_OK;
}
