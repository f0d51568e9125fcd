/* Numbers that are not finite: finding them fast, and saying where they are. */
#include "guard.h"
#include "plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { GRAIN = 8192 /* elements of a chunk */ };

/* ---- is there one? ----------------------------------------------------------------------------------------------- */
typedef int (*scan_fn)(uint32_t dtype, int64_t n, const void *x, int64_t step);

/* The elements of a tensor in whatever order is quickest: `n` of them `step` apart, as often as the dims left say. */
typedef struct rows {
    const char *x;
    int64_t n, step;
    int ndim;
    int64_t shape[LURON_MAX_DIMS], strides[LURON_MAX_DIMS];
} rows;

/* Dims that count, by ascending stride, turned to go forwards. */
static rows rows_of(const luron_tensor *t) {
    rows r = {.x = luron__data(t), .n = 1, .step = 1};
    for (int d = 0; d < t->ndim; d++) {
        int64_t size = t->shape[d], stride = t->strides[d];
        if (size == 1 || stride == 0) continue;
        if (stride < 0) r.x += (size - 1) * stride * luron_dtype_size(t->dtype), stride = -stride;
        int at = r.ndim++;
        for (; at > 0 && r.strides[at - 1] > stride; at--)
            r.shape[at] = r.shape[at - 1], r.strides[at] = r.strides[at - 1];
        r.shape[at] = size, r.strides[at] = stride;
    }
    int merged = 0;
    for (; merged < r.ndim && (merged == 0 || r.strides[merged] == r.n * r.step); merged++) {
        if (merged == 0) r.step = r.strides[0];
        r.n *= r.shape[merged];
    }
    r.ndim -= merged;
    memmove(r.shape, r.shape + merged, (size_t)r.ndim * sizeof *r.shape);
    memmove(r.strides, r.strides + merged, (size_t)r.ndim * sizeof *r.strides);
    return r;
}

typedef struct scan_job {
    const rows *r;
    uint32_t dtype;
    scan_fn fn;
    atomic_bool found;
} scan_job;

static void scan_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    scan_job *j = arg;
    (void)chunk;
    if (j->fn(j->dtype, end - begin, j->r->x + begin * j->r->step * luron_dtype_size(j->dtype), j->r->step))
        atomic_store(&j->found, true);
}

static bool any(const luron_ctx *ctx, const luron_tensor *t, scan_fn fn) {
    if (!luron_dtype_is_float(t->dtype) || !t->storage) return false;
    if (t->ndim == 0) return fn(t->dtype, 1, luron__data(t), 1);
    const int64_t n = luron_tensor_numel(t);
    if (n == 0) return false;
    const bool is_one = luron_tensor_is_contiguous(t);
    if (is_one && n <= GRAIN) return fn(t->dtype, n, luron__data(t), 1);
    rows r = is_one ? (rows){.x = luron__data(t), .n = n, .step = 1} : rows_of(t);
    if (r.ndim == 0 && (ctx->threads == 1 || r.n <= GRAIN)) return fn(t->dtype, r.n, r.x, r.step);
    scan_job j = {.r = &r, .dtype = t->dtype, .fn = fn};
    int64_t at[LURON_MAX_DIMS] = {0};
    int d;
    do {
        luron__parallel_for(ctx->threads, r.n, GRAIN, scan_chunk, &j);
        for (d = 0; d < r.ndim; d++) {
            r.x += r.strides[d] * luron_dtype_size(t->dtype);
            if (++at[d] < r.shape[d]) break;
            r.x -= r.shape[d] * r.strides[d] * luron_dtype_size(t->dtype);
            at[d] = 0;
        }
    } while (d < r.ndim && !j.found);
    return j.found;
}

bool luron__has_nonfinite(const luron_ctx *ctx, const luron_tensor *t) {
    if (t->dtype != LURON_F32 || t->ndim != 0 || !t->storage) return any(ctx, t, luron__any_nonfinite);
    float value; /* of a loss */
    memcpy(&value, luron__data(t), sizeof value);
    return !isfinite(value);
}

static bool is_whole(const luron_tensor *t) {
    return luron_tensor_is_contiguous(t) &&
           (size_t)luron_tensor_numel(t) * (size_t)luron_dtype_size(t->dtype) == t->storage->bytes;
}
void luron__note_finite(const luron_tensor *t) {
    if (is_whole(t)) t->storage->finite = luron_tensor_version(t) + 1;
}
bool luron__is_known_finite(const luron_tensor *t) {
    return is_whole(t) && t->storage->finite == luron_tensor_version(t) + 1;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */
/* In row-major order; only for messages. */
typedef struct tally {
    int64_t n, nan, infinite, first; /* first NaN; without one, first infinity; -1: none */
    double lo, hi;                   /* of the finite ones */
} tally;

static tally count(const luron_tensor *t) {
    tally c = {.n = luron_tensor_numel(t), .first = -1, .lo = INFINITY, .hi = -INFINITY};
    int64_t at[LURON_MAX_DIMS] = {0};
    int size = luron_dtype_size(t->dtype);
    const char *x = luron__data(t);
    for (int64_t i = 0; i < c.n; i++) {
        double v;
        luron__convert(LURON_F64, &v, 1, t->dtype, x, 1, 1);
        if (isnan(v) ? c.nan == 0 : isinf(v) && c.first < 0) c.first = i;
        c.nan += isnan(v) != 0, c.infinite += isinf(v) != 0;
        if (isfinite(v)) c.lo = v < c.lo ? v : c.lo, c.hi = v > c.hi ? v : c.hi;
        for (int d = t->ndim - 1; d >= 0; d--) {
            x += t->strides[d] * size;
            if (++at[d] < t->shape[d]) break;
            x -= t->shape[d] * t->strides[d] * size;
            at[d] = 0;
        }
    }
    return c;
}

static const char *place_text(char *buf, size_t n, const luron_ctx *ctx, const luron_tensor *t, int64_t i) {
    int64_t at[LURON_MAX_DIMS];
    for (int d = t->ndim - 1; d >= 0; d--)
        at[d] = i % t->shape[d] + ctx->index_base, i /= t->shape[d];
    return luron_shape_text(buf, n, t->ndim, at);
}

const char *luron__numbers_text(char *buf, size_t n, const luron_ctx *ctx, const luron_tensor *t) {
    char shape[LURON__SHAPE_TEXT], place[LURON__SHAPE_TEXT];
    luron_shape_text(shape, sizeof shape, t->ndim, t->shape);
    if (!t->storage) {
        snprintf(buf, n, "%s", shape);
        return buf;
    }
    tally c = count(t);
    if (c.n == 1 && c.first == 0)
        snprintf(buf, n, "%s, %s", shape, c.nan ? "nan" : "infinite");
    else if (c.n == 1)
        snprintf(buf, n, "%s, %g", shape, c.lo);
    else if (c.first < 0)
        snprintf(buf, n, c.n ? "%s from %g to %g" : "%s", shape, c.lo, c.hi);
    else
        snprintf(buf, n, "%s, %lld %s%s of %lld, the first %sat %s", shape, (long long)(c.nan ? c.nan : c.infinite),
                 c.nan ? "nan" : "infinite", c.nan && c.infinite ? " and some infinite" : "", (long long)c.n,
                 c.nan && c.infinite ? "nan " : "", place_text(place, sizeof place, ctx, t, c.first));
    return buf;
}

/* ---- always on: where a backward begins -------------------------------------------------------------------------- */
static bool has_infinite_number(const luron__attrs *attrs) {
    bool found = false;
    for (int i = 0; i < (int)(sizeof attrs->num / sizeof *attrs->num); i++)
        found |= isinf(attrs->num[i]) != 0;
    return found;
}

typedef enum origin {
    INNOCENT, /* finite, or made of infinities that were there before */
    PERHAPS,  /* infinite, and what it was made from is not known: it may have been meant, as a mask is */
    GUILTY    /* NaN, or infinite and made from finite numbers */
} origin;

static origin judge(const luron_ctx *ctx, const luron_tensor *t, const luron__node *maker) {
    if (!luron__has_nonfinite(ctx, t)) return INNOCENT;
    if (any(ctx, t, luron__any_nan)) return GUILTY;
    if (!maker) return PERHAPS;
    if (has_infinite_number(&maker->attrs)) return INNOCENT;
    origin o = GUILTY;
    for (int i = 0; i < maker->n_in; i++) {
        const luron_tensor *x = maker->in[i];
        if (!x || !luron_dtype_is_float(x->dtype)) continue;
        if (!x->storage)
            o = PERHAPS;
        else if (luron__has_nonfinite(ctx, x))
            return INNOCENT;
    }
    return o;
}

static bool keeps_operands(const luron__node *node) {
    bool all = true;
    for (int i = 0; i < node->n_in; i++)
        all &= !node->in[i] || !luron_dtype_is_float(node->in[i]->dtype) || node->in[i]->storage;
    return all;
}

/* Where a result comes of nothing, a mean over no rows, say so. */
static void tell_empty(char *text, size_t n, const luron__node *node) {
    char shape[LURON__SHAPE_TEXT];
    text[0] = '\0';
    for (int i = 0; i < node->n_in && !*text; i++)
        if (node->in[i] && luron_tensor_numel(node->in[i]) == 0)
            snprintf(text, n, ": its input %s is empty", luron_shape_text(shape, sizeof shape, node->in[i]->ndim, node->in[i]->shape));
}

/* Tensor i of a node, operands first, then outputs: who it is, and what is in it. */
static void accuse(char text[600], const luron_ctx *ctx, const luron__node *node, int i) {
    char what[LURON__NODE_TEXT], operand[128], found[LURON__NUMBERS_TEXT];
    const luron_tensor *t = i < node->n_in ? node->in[i] : node->out[i - node->n_in];
    bool given = i < node->n_in && !t->node;
    luron__node_text(what, sizeof what, i < node->n_in && t->node ? t->node : node);
    char empty[LURON__SHAPE_TEXT + 32];
    tell_empty(empty, sizeof empty, i < node->n_in && t->node ? t->node : node);
    snprintf(text, 600, "%s of %s, %s%s", given ? luron__operand_text(operand, sizeof operand, ctx, node, i) : "output",
             what, luron__numbers_text(found, sizeof found, ctx, t), given ? "" : empty);
}

luron_status luron__blame(luron_ctx *ctx, const luron_tensor *y, int64_t n_nodes, luron__node *const *nodes) {
    char text[600], before[600] = "", value[32];
    double v = 0;
    luron__convert(LURON_F64, &v, 1, y->dtype, luron__data(y), 1, 1);
    snprintf(value, sizeof value, "%s", isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
    for (int64_t k = n_nodes - 1; k >= 0; k--) {
        const luron__node *node = nodes[k];
        for (int i = 0; i < node->n_in + node->n_out; i++) {
            const luron_tensor *t = i < node->n_in ? node->in[i] : node->out[i - node->n_in];
            origin o = t && t->storage ? judge(ctx, t, i < node->n_in ? t->node : node) : INNOCENT;
            if (o == PERHAPS && !*before) accuse(before, ctx, node, i);
            if (o != GUILTY) continue;
            accuse(text, ctx, node, i);
            return luron__fail(
                ctx, LURON_E_NONFINITE,
                "backward: the value is %s; the first numbers on the tape that are not finite: %s%s%.300s", value, text,
                *before ? "; infinite before that, if it was not meant: " : "", before);
        }
    }
    if (*before)
        return luron__fail(ctx, LURON_E_NONFINITE,
                           "backward: the value is %s; the first numbers on the tape that are not finite: %s", value,
                           before);
    if (y->node && keeps_operands(y->node)) { /* which are finite, then */
        tell_empty(before, sizeof before, y->node);
        return luron__fail(
            ctx, LURON_E_NONFINITE,
            "backward: the value is %s; it is the first number on the tape that is not finite: output of %s%s", value,
            luron__node_text(text, sizeof text, y->node), before);
    }
    return luron__fail(ctx, LURON_E_NONFINITE,
                       "backward: the value is %s; what the tape keeps does not tell where that began: do the step "
                       "again with detect_anomaly on, which does",
                       value);
}

/* ---- asked for: everything that is computed ---------------------------------------------------------------------- */
int luron_ctx_set_detect_anomaly(luron_ctx *ctx, int on) {
    int was = ctx->anomaly;
    if (on) luron__plan_refuse(ctx, "runs while detect_anomaly is on");
    ctx->anomaly = on != 0;
    return was;
}
int luron_ctx_is_detecting_anomaly(const luron_ctx *ctx) { return ctx->anomaly; }

void luron_ctx_set_locate(luron_ctx *ctx, luron_locate_fn fn, void *ud) { ctx->locate = fn, ctx->locate_ud = ud; }

void luron__note_place(luron_ctx *ctx, luron__node *node) {
    char place[160] = "";
    if (ctx->locate) ctx->locate(ctx->locate_ud, place, 100);
    if (ctx->within) luron__append(place, sizeof place, "%sin %.40s", *place ? ", " : "", luron_type_name(luron_layer_type_of(ctx->within)));
    size_t bytes = strlen(place) + 1;
    if (bytes == 1) return;
    node->where = luron__pool_alloc(ctx->pool, bytes); /* none left: the message does without */
    if (node->where) memcpy(node->where, place, bytes);
}

/* Is what came out to be refused? An infinity is not if one went in. */
static bool is_bad(const luron_ctx *ctx, const luron_tensor *out, int n_in, luron_tensor *const *ins, bool given) {
    if (!luron__has_nonfinite(ctx, out)) return false;
    if (any(ctx, out, luron__any_nan)) return true;
    for (int i = 0; i < n_in && !given; i++)
        given = ins[i] && luron__has_nonfinite(ctx, ins[i]);
    return !given;
}

static void append_tensor(char *text, size_t size, const luron_ctx *ctx, const char *name, const luron_tensor *t) {
    char numbers[LURON__NUMBERS_TEXT];
    luron__append(text, size, "; %s %s", name, luron__numbers_text(numbers, sizeof numbers, ctx, t));
}

static void append_operands(char *text, size_t size, const luron_ctx *ctx, int n, luron_tensor *const *ins) {
    char name[32];
    for (int i = 0; i < n; i++) {
        if (!ins[i] || !luron_dtype_is_float(ins[i]->dtype)) continue;
        snprintf(name, sizeof name, "operand %d", i + ctx->index_base);
        append_tensor(text, size, ctx, name, ins[i]);
    }
}

luron_status luron__guard_op(luron_ctx *ctx, const luron__apply *a, const luron_tensor *out) {
    if (!is_bad(ctx, out, a->n_in, a->in, has_infinite_number(&a->attrs))) return LURON_OK;
    char text[700], numbers[LURON__NUMBERS_TEXT];
    snprintf(text, sizeof text, "output %s", luron__numbers_text(numbers, sizeof numbers, ctx, out));
    append_operands(text, sizeof text, ctx, a->n_in, a->in);
    return luron__fail(ctx, LURON_E_NONFINITE, "'%s' gave numbers that are not finite: %s", a->op->name, text);
}

luron_status luron__guard_function(luron_ctx *ctx, const char *name, int n_in, luron_tensor *const *ins, int n_out,
                                   luron_tensor *const *outs) {
    for (int k = 0; k < n_out; k++) {
        if (!is_bad(ctx, outs[k], n_in, ins, false)) continue;
        char text[700], numbers[LURON__NUMBERS_TEXT];
        snprintf(text, sizeof text, "output %d %s", k + ctx->index_base,
                 luron__numbers_text(numbers, sizeof numbers, ctx, outs[k]));
        append_operands(text, sizeof text, ctx, n_in, ins);
        return luron__fail(ctx, LURON_E_NONFINITE, "'%s' gave numbers that are not finite: %s", name, text);
    }
    return LURON_OK;
}

luron_status luron__guard_layer(luron__frame *f, luron_tensor *const *outs) {
    luron_ctx *ctx = f->ctx;
    for (int k = 0; k < f->call.n_out; k++) {
        if (!is_bad(ctx, outs[k], f->n_operands, f->operand, false)) continue;
        char text[700], numbers[LURON__NUMBERS_TEXT], name[96];
        snprintf(text, sizeof text, "output '%s' %s", f->type->n_out ? f->type->out[k].name : "output",
                 luron__numbers_text(numbers, sizeof numbers, ctx, outs[k]));
        for (int i = 0; i < f->call.n_in; i++) {
            if (!f->operand[i] || !luron_dtype_is_float(f->operand[i]->dtype)) continue;
            snprintf(name, sizeof name, "input '%s'", luron__port_in(f->type, i)->name);
            append_tensor(text, sizeof text, ctx, name, f->operand[i]);
        }
        for (int s = 0; s < LURON__MAX_SLOTS; s++) {
            if (f->param_at[s] < 0) continue;
            snprintf(name, sizeof name, "parameter '%s'", f->layer->param[s].name);
            append_tensor(text, sizeof text, ctx, name, f->operand[f->param_at[s]]);
        }
        return luron__fail(ctx, LURON_E_NONFINITE, "numbers that are not finite came out: %s", text);
    }
    return LURON_OK;
}

luron_status luron__guard_gradient(luron_ctx *ctx, const luron__node *node, int i, const luron_tensor *g,
                                   luron_tensor *const *grads) {
    if (!luron__has_nonfinite(ctx, g)) {
        luron__note_finite(g); /* the optimiser need not look again */
        return LURON_OK;
    }
    if (!is_bad(ctx, g, node->n_out, grads, has_infinite_number(&node->attrs))) return LURON_OK;
    char text[700], what[LURON__NODE_TEXT], name[128];
    luron__numbers_text(text, sizeof text, ctx, g);
    for (int k = 0; k < node->n_out; k++) {
        if (!grads[k]) continue;
        snprintf(name, sizeof name,
                 node->n_out > 1 ? "the gradient of output %d that came back" : "the gradient that came back",
                 k + ctx->index_base);
        append_tensor(text, sizeof text, ctx, name, grads[k]);
    }
    for (int k = 0; k < node->n_in; k++) {
        const luron_tensor *t = node->in[k];
        if (!t || !t->storage || node->version[k] == UINT64_MAX || !luron_dtype_is_float(t->dtype)) continue;
        append_tensor(text, sizeof text, ctx, luron__operand_text(name, sizeof name, ctx, node, k), t);
    }
    return luron__fail(ctx, LURON_E_NONFINITE, "backward: the gradient of %s of %s is not finite: %s",
                       luron__operand_text(name, sizeof name, ctx, node, i), luron__node_text(what, sizeof what, node),
                       text);
}
