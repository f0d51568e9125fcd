/* gradcheck.c -- gradients against central differences. The loss is sum(v y) with random v: the sum of outputs would be
 * blind where a function normalises. Order 2 checks the gradient in the same way, as a function of the inputs and of
 * its cotangent: then there are several outputs, one gradient an input.                                              */
#include "internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef luron_status (*check_fn)(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins);

typedef struct check {
    luron_ctx *ctx;
    check_fn fn;
    void *ud;
    int n_in, n_x;
    luron_tensor *const *ins;
    int *index;              /* of x k among ins; -1: the cotangent of order 2 */
    luron_tensor **xs;       /* what is varied, borrowed; room for one more than ins */
    luron_tensor *cotangent; /* order 2: of the output of fn; NULL: order 1 */
    int n_first;             /* order 2: the xs whose gradient is the function's output */
    int n_y;
    luron_tensor **vs; /* cotangents of the outputs, n_y; NULL: that output is none */
    luron_gradcheck_options options;
    uint64_t seed, position, draws;  /* random state in which every evaluation starts; draws of our own */
    double worst, numeric, analytic; /* the worst element so far: how many times the tolerance */
    int worst_x;
    int64_t worst_at;
} check;

static void unref_all(luron_tensor **ts, int n) {
    for (int i = 0; i < n; i++) {
        luron_tensor_unref(ts[i]);
        ts[i] = NULL;
    }
}

/** Numbers in [-1, 1), that the context's own random state knows nothing of. */
static luron_status random_like(luron_tensor **out, check *c, const luron_tensor *t) {
    LURON_TRY(luron__tensor_make(out, c->ctx, LURON_F64, t->ndim, t->shape));
    int64_t n = luron_tensor_numel(t);
    double *to = (double *)(void *)luron__data(*out);
    luron__uniform_f64(c->options.seed, c->draws++, 0x67726164u, 0, n, to);
    for (int64_t i = 0; i < n; i++) to[i] = 2 * to[i] - 1;
    return LURON_OK;
}

/* ---- evaluating ------------------------------------------------------------------------------------------------- */

static luron_status call_fn(luron_tensor **y, check *c) {
    luron_ctx *ctx = c->ctx;
    *y = NULL;
    ctx->recording = true;
    luron_ctx_set_random_state(ctx, c->seed, c->position);
    LURON_TRY(c->fn(y, ctx, c->ud, c->ins));
    LURON__CHECK(ctx, *y, LURON_E_ARGUMENT, "gradcheck: the function gave no output");
    if ((*y)->dtype == LURON_F64) return LURON_OK;
    luron_status status =
        luron__fail(ctx, LURON_E_DTYPE, "gradcheck: the output must be float64, got %s", luron_dtype_name((*y)->dtype));
    unref_all(y, 1);
    return status;
}

/** All outputs: of fn, or in order 2 the gradients of fn (NULL: an input that it does not depend on); with a graph if
 *  they are to be differentiated: differences take the gradients that training has, which cost a fraction of it. */
static luron_status evaluate(luron_tensor **ys, check *c, bool graph) {
    if (!c->cotangent) return call_fn(ys, c);
    luron_tensor *y;
    LURON_TRY(call_fn(&y, c));
    luron_status status = LURON_OK;
    char got[LURON__SHAPE_TEXT], want[LURON__SHAPE_TEXT];
    if (!luron__same_shape(y, c->cotangent))
        status = luron__fail(c->ctx, LURON_E_SHAPE, "gradcheck: the output had shape %s and now has %s",
                             luron_shape_text(want, sizeof want, c->cotangent->ndim, c->cotangent->shape),
                             luron_shape_text(got, sizeof got, y->ndim, y->shape));
    memset(ys, 0, (size_t)c->n_first * sizeof *ys);
    if (!status && y->requires_grad)
        status = luron_grad(ys, c->ctx, 1, &y, &c->cotangent, c->n_first, c->xs, graph ? LURON_CREATE_GRAPH : 0);
    luron_tensor_unref(y);
    return status;
}

/** Values of the outputs one after the other; outputs that are none count as zeros. `to` has room for all of vs.
 *  graph: as they are when they are to be differentiated.                                                           */
static luron_status values(double *to, check *c, luron_tensor **ys, bool graph) {
    LURON_TRY(evaluate(ys, c, graph));
    luron_status status = LURON_OK;
    for (int i = 0; i < c->n_y && !status; i++) {
        if (!c->vs[i]) continue;
        int64_t n = luron_tensor_numel(c->vs[i]);
        if (!ys[i])
            memset(to, 0, (size_t)n * sizeof *to);
        else if (!luron__same_shape(ys[i], c->vs[i]))
            status =
                luron__fail(c->ctx, LURON_E_SHAPE, "gradcheck: the output changed its shape between two evaluations");
        else
            status = luron_tensor_read(c->ctx, ys[i], LURON_F64, to);
        to += n;
    }
    unref_all(ys, c->n_y);
    return status;
}

/* ---- the analytic gradient -------------------------------------------------------------------------------------- */

/** Gradients of sum(v y) for n of xs. Outputs that depend on nothing are left out: their gradient is zero. */
static luron_status gradients(luron_tensor **grads, check *c, luron_tensor *const *ys, luron_tensor **work, int n,
                              luron_tensor *const *xs) {
    int n_y = 0;
    luron_tensor **gs = work + c->n_y;
    for (int i = 0; i < c->n_y; i++)
        if (ys[i] && ys[i]->requires_grad) work[n_y] = ys[i], gs[n_y++] = c->vs[i];
    memset(grads, 0, (size_t)n * sizeof *grads);
    return n_y ? luron_grad(grads, c->ctx, n_y, work, gs, n, xs, LURON_RETAIN_GRAPH) : LURON_OK;
}

static const char *name_of(char *buf, size_t n, const check *c, int x) {
    if (c->index[x] < 0)
        snprintf(buf, n, "the cotangent");
    else
        snprintf(buf, n, "input %d", c->index[x] + c->ctx->index_base);
    return buf;
}

static bool same_bits(const luron_tensor *a, const luron_tensor *b, double *x, double *y, luron_status *status,
                      luron_ctx *ctx) {
    if (!a || !b) return !a && !b;
    *status = luron_tensor_read(ctx, a, LURON_F64, x);
    if (!*status) *status = luron_tensor_read(ctx, b, LURON_F64, y);
    return *status || memcmp(x, y, (size_t)luron_tensor_numel(a) * sizeof *x) == 0;
}

/** Asked for alone, each gradient must have the bits that it has among all. x and y: room for any gradient. */
static luron_status check_alone(check *c, luron_tensor *const *ys, luron_tensor **work, luron_tensor *const *grads,
                                double *x, double *y) {
    char name[48];
    luron_status status = LURON_OK;
    for (int k = 0; k < c->n_x && c->n_x > 1 && !status; k++) {
        luron_tensor *alone;
        LURON_TRY(gradients(&alone, c, ys, work, 1, &c->xs[k]));
        if (!same_bits(grads[k], alone, x, y, &status, c->ctx))
            status = luron__fail(
                c->ctx, LURON_E_GRADIENT,
                "gradcheck: the gradient of %s differs when it is asked for alone and together with the others",
                name_of(name, sizeof name, c, k));
        luron_tensor_unref(alone);
    }
    return status;
}

/* ---- the numeric gradient --------------------------------------------------------------------------------------- */
typedef struct buffers { /* one block */
    double *above, *below, *grad, *other;
    luron_tensor **ys;
    int64_t n_values, n_grad;
} buffers;

static double *element(const luron_tensor *t, int64_t k) {
    int64_t offset = 0;
    for (int d = t->ndim - 1; d >= 0; d--) {
        offset += k % t->shape[d] * t->strides[d];
        k /= t->shape[d];
    }
    return (double *)(void *)luron__data(t) + offset;
}

/** d sum(v y) / d element, the element being the same bits again afterwards. */
static luron_status difference(double *out, check *c, const buffers *b, double *at) {
    double kept = *at, above = kept + c->options.eps, below = kept - c->options.eps, sum = 0;
    *at = above;
    luron_status status = values(b->above, c, b->ys, false);
    *at = below;
    if (!status) status = values(b->below, c, b->ys, false);
    *at = kept;
    LURON_TRY(status);
    const double *x = b->above, *y = b->below;
    for (int i = 0; i < c->n_y; i++) {
        if (!c->vs[i]) continue;
        const double *v = (const double *)(const void *)luron__data(c->vs[i]);
        int64_t n = luron_tensor_numel(c->vs[i]);
        for (int64_t k = 0; k < n; k++) sum += v[k] * (*x++ - *y++);
    }
    *out = sum / (above - below);
    return LURON_OK;
}

static luron_status check_x(check *c, const buffers *b, int k, const luron_tensor *grad) {
    const luron_tensor *x = c->xs[k];
    int64_t n = luron_tensor_numel(x);
    if (grad)
        LURON_TRY(luron_tensor_read(c->ctx, grad, LURON_F64, b->grad));
    else
        memset(b->grad, 0, (size_t)n * sizeof *b->grad);
    for (int64_t i = 0; i < n; i++) {
        double numeric, analytic = b->grad[i];
        LURON_TRY(difference(&numeric, c, b, element(x, i)));
        double error = fabs(numeric - analytic),
               allowed = c->options.atol + c->options.rtol * (fabs(numeric) + fabs(analytic));
        double ratio = isfinite(error) ? error / allowed : INFINITY;
        if (ratio <= c->worst) continue;
        c->worst = ratio, c->numeric = numeric, c->analytic = analytic;
        c->worst_x = k, c->worst_at = i;
    }
    return LURON_OK;
}

/** The first gradients with a graph have the values of those without one, which differences are taken of. */
static luron_status check_graph(check *c, const buffers *b) {
    LURON_TRY(values(b->above, c, b->ys, true));
    LURON_TRY(values(b->below, c, b->ys, false));
    const double *with = b->above, *without = b->below;
    for (int k = 0; k < c->n_first; k++) {
        int64_t n = c->vs[k] ? luron_tensor_numel(c->vs[k]) : 0;
        for (int64_t i = 0; i < n; i++, with++, without++) {
            double gap = fabs(*with - *without);
            if (*with == *without || (isnan(*with) && isnan(*without))) continue;
            if (isfinite(gap) && gap <= c->options.atol + c->options.rtol * (fabs(*with) + fabs(*without))) continue;
            char name[48];
            return luron__fail(c->ctx, LURON_E_GRADIENT,
                               "gradcheck of order 2: the gradient of %s, element %lld, is %.10g, and %.10g with a graph",
                               name_of(name, sizeof name, c, k), (long long)(i + c->ctx->index_base), *without, *with);
        }
    }
    return LURON_OK;
}

static luron_status report(check *c) {
    if (c->worst <= 1) return LURON_OK;
    const luron_tensor *x = c->xs[c->worst_x];
    char name[48], where[LURON__SHAPE_TEXT];
    int64_t at[LURON_MAX_DIMS], k = c->worst_at;
    for (int d = x->ndim - 1; d >= 0; d--) {
        at[d] = k % x->shape[d] + c->ctx->index_base;
        k /= x->shape[d];
    }
    return luron__fail(c->ctx, LURON_E_GRADIENT,
                       "gradcheck%s: %s, element %s: differences give %.10g, the gradient is %.10g (apart by %.3g, "
                       "%.3g times what is allowed)",
                       c->cotangent ? " of order 2" : "", name_of(name, sizeof name, c, c->worst_x),
                       luron_shape_text(where, sizeof where, x->ndim, at), c->numeric, c->analytic,
                       fabs(c->numeric - c->analytic), c->worst);
}

/* ---- one order -------------------------------------------------------------------------------------------------- */

static luron_status make_cotangents(check *c, luron_tensor *const *ys) {
    for (int i = 0; i < c->n_y; i++) LURON_TRY(ys[i] ? random_like(&c->vs[i], c, ys[i]) : LURON_OK);
    return LURON_OK;
}

static luron_status buffers_new(buffers *b, size_t *bytes, void **block, check *c) {
    for (int i = 0; i < c->n_y; i++) b->n_values += c->vs[i] ? luron_tensor_numel(c->vs[i]) : 0;
    for (int k = 0; k < c->n_x; k++)
        if (luron_tensor_numel(c->xs[k]) > b->n_grad) b->n_grad = luron_tensor_numel(c->xs[k]);
    *bytes = (size_t)(2 * b->n_values + 2 * b->n_grad) * sizeof(double) + (size_t)c->n_y * sizeof(luron_tensor *);
    LURON_TRY(luron__alloc(block, c->ctx, *bytes));
    b->above = *block;
    b->below = b->above + b->n_values;
    b->grad = b->below + b->n_values;
    b->other = b->grad + b->n_grad;
    b->ys = (luron_tensor **)(void *)(b->other + b->n_grad);
    return LURON_OK;
}

/** ys: room for n_y; work: for 2 n_y; grads: for n_x. */
static luron_status check_order(check *c, luron_tensor **ys, luron_tensor **work, luron_tensor **grads) {
    buffers b = {0};
    size_t bytes = 0;
    void *block = NULL;
    LURON_TRY(evaluate(ys, c, true));
    luron_status status = make_cotangents(c, ys);
    if (!status) status = buffers_new(&b, &bytes, &block, c);
    if (!status) status = gradients(grads, c, ys, work, c->n_x, c->xs);
    if (!status) status = check_alone(c, ys, work, grads, b.grad, b.other);
    unref_all(ys, c->n_y);
    if (!status && c->cotangent) status = check_graph(c, &b);
    for (int k = 0; k < c->n_x && !status; k++) status = check_x(c, &b, k, grads[k]);
    if (!status) status = report(c);
    unref_all(grads, c->n_x);
    unref_all(c->vs, c->n_y);
    if (block) luron__free(c->ctx, block, bytes);
    return status;
}

/** Make c one of the second order: a cotangent of fn's output joins what is varied. */
static luron_status to_order_2(check *c) {
    luron_tensor *y;
    LURON_TRY(call_fn(&y, c));
    luron_status status = random_like(&c->cotangent, c, y);
    luron_tensor_unref(y);
    LURON_TRY(status);
    c->cotangent->requires_grad = true;
    c->n_first = c->n_y = c->n_x;
    c->index[c->n_x] = -1;
    c->xs[c->n_x++] = c->cotangent;
    c->worst = 0;
    return LURON_OK;
}

static luron_status run_orders(check *c) {
    int n = c->n_in + 1;
    size_t bytes = (size_t)n * (6 * sizeof(luron_tensor *) + sizeof(int));
    luron_tensor **block;
    LURON_TRY(luron__alloc(&block, c->ctx, bytes));
    c->xs = block, c->vs = block + n;
    c->index = (int *)(void *)(block + 6 * n);
    for (int i = 0; i < c->n_in; i++)
        if (c->ins[i]->requires_grad) c->index[c->n_x] = i, c->xs[c->n_x++] = c->ins[i];
    c->n_y = 1;
    luron_status status = check_order(c, block + 2 * n, block + 3 * n, block + 5 * n);
    if (!status && c->options.order == 2) {
        status = to_order_2(c);
        if (!status) status = check_order(c, block + 2 * n, block + 3 * n, block + 5 * n);
    }
    luron_tensor_unref(c->cotangent);
    luron__free(c->ctx, block, bytes);
    return status;
}

/* ---- public ----------------------------------------------------------------------------------------------------- */

/** First and last element in memory. */
static void extent(const luron_tensor *t, int64_t *first, int64_t *last) {
    *first = *last = t->offset;
    for (int d = 0; d < t->ndim; d++) {
        int64_t reach = (t->shape[d] - 1) * t->strides[d];
        *(reach < 0 ? first : last) += reach;
    }
}

static bool overlap(const luron_tensor *a, const luron_tensor *b) {
    if (a->storage != b->storage || luron_tensor_numel(a) == 0 || luron_tensor_numel(b) == 0) return false;
    int64_t a0, a1, b0, b1;
    extent(a, &a0, &a1);
    extent(b, &b0, &b1);
    return a0 <= b1 && b0 <= a1;
}

/* Differences move one element at a time, so no two elements may be the same memory. */
static luron_status check_inputs(luron_ctx *ctx, int n_in, luron_tensor *const *ins) {
    int base = ctx->index_base, varied = 0;
    for (int i = 0; i < n_in; i++) {
        LURON__CHECK(ctx, !luron_dtype_is_float(ins[i]->dtype) || ins[i]->dtype == LURON_F64, LURON_E_DTYPE,
                     "gradcheck: input %d must be float64, got %s", i + base, luron_dtype_name(ins[i]->dtype));
        if (!ins[i]->requires_grad) continue;
        varied++;
        for (int d = 0; d < ins[i]->ndim; d++)
            LURON__CHECK(ctx, ins[i]->strides[d] != 0 || ins[i]->shape[d] <= 1, LURON_E_ARGUMENT,
                         "gradcheck: input %d is expanded: several of its elements are one", i + base);
        for (int k = 0; k < n_in; k++)
            LURON__CHECK(ctx, k == i || !overlap(ins[i], ins[k]), LURON_E_ARGUMENT,
                         "gradcheck: inputs %d and %d share memory", i + base, k + base);
    }
    LURON__CHECK(ctx, varied > 0, LURON_E_ARGUMENT, "gradcheck: no input requires a gradient");
    return LURON_OK;
}

luron_status luron_gradcheck(luron_ctx *ctx, check_fn fn, void *ud, int n_in, luron_tensor *const *ins,
                             const luron_gradcheck_options *options) {
    check c = {.ctx = ctx, .fn = fn, .ud = ud, .n_in = n_in, .ins = ins, .seed = ctx->seed, .position = ctx->position};
    if (options) c.options = *options;
    if (c.options.eps == 0) c.options.eps = 1e-6;
    if (c.options.rtol == 0) c.options.rtol = 1e-5;
    if (c.options.atol == 0) c.options.atol = 1e-7;
    if (c.options.order == 0) c.options.order = 1;
    LURON__CHECK(ctx, c.options.eps > 0 && c.options.rtol > 0 && c.options.atol > 0, LURON_E_ARGUMENT,
                 "gradcheck: eps, rtol and atol must be positive, got %g, %g and %g", c.options.eps, c.options.rtol,
                 c.options.atol);
    LURON__CHECK(ctx, c.options.order == 1 || c.options.order == 2, LURON_E_ARGUMENT,
                 "gradcheck: order is 1 or 2, got %d", c.options.order);
    LURON_TRY(check_inputs(ctx, n_in, ins));
    bool was = ctx->recording, higher = ctx->higher;
    if (c.options.order == 2) ctx->higher = true; /* fused layers keep what order 2 needs */
    luron_status status = run_orders(&c);
    ctx->recording = was, ctx->higher = higher;
    luron_ctx_set_random_state(ctx, c.seed, c.position);
    return status;
}
