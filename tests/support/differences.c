#include "differences.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 7, POSITION = 1000 }; /* every evaluation draws the same random numbers */
static const double UNRECORDED = 1e-12; /* values with a tape and without: as far apart, of max(|value|, 1), at most */

typedef struct job {
    differences *d;
    luron_ctx *ctx;
    luron_tensor *v[DIFFERENCES_MAX_OUT]; /* NULL: an output that is no real tensor, or is absent */
    bool keeps;                           /* the x stay as they are: outputs, once made, are kept for all of the v */
    luron_tensor *kept[DIFFERENCES_MAX_OUT];
    int n_kept;
} job;

static void unref_all(luron_tensor **t, int n) {
    for (int i = 0; i < n; i++)
        luron_tensor_unref(t[i]);
}

static int wrong(differences *d, luron_ctx *ctx, luron_status status, const char *at) {
    snprintf(d->text, sizeof d->text, "%s: %s: %.300s", at, luron_status_name(status), luron_ctx_error(ctx));
    return 0;
}

static luron_status evaluate(luron_tensor **outs, luron_ctx *ctx, differences *d) {
    luron_ctx_set_random_state(ctx, SEED, POSITION);
    memset(outs, 0, sizeof *outs * (size_t)d->n_out);
    return d->fn(outs, ctx, d->ud);
}

static bool is_real(const luron_tensor *t) { return t && luron_tensor_dtype(t) == LURON_F64; }

static luron_status make_cotangents(job *j, luron_tensor *const *outs) {
    for (int i = 0; i < j->d->n_out; i++) {
        if (!is_real(outs[i])) continue;
        luron_ctx_set_random_state(j->ctx, j->d->seed, (uint64_t)i);
        LURON_TRY(
            luron_tensor_new(&j->v[i], j->ctx, LURON_F64, luron_tensor_ndim(outs[i]), luron_tensor_shape(outs[i])));
        LURON_TRY(luron_tensor_uniform(j->ctx, j->v[i], -1, 1));
    }
    return LURON_OK;
}

/* Gradients of sum(v y) with respect to the x; NULL where it does not depend on one. */
static luron_status gradients(luron_tensor **grads, job *j, luron_tensor *const *outs, uint32_t flags) {
    luron_tensor *ys[DIFFERENCES_MAX_OUT], *vs[DIFFERENCES_MAX_OUT];
    int n = 0;
    for (int i = 0; i < j->d->n_out; i++)
        if (j->v[i] && outs[i] && luron_tensor_requires_grad(outs[i])) ys[n] = outs[i], vs[n++] = j->v[i];
    memset(grads, 0, sizeof *grads * (size_t)j->d->n_x);
    return n ? luron_grad(grads, j->ctx, n, ys, vs, j->d->n_x, j->d->x, flags) : LURON_OK;
}

static luron_status add_products(double *sum, luron_ctx *ctx, const luron_tensor *v, const luron_tensor *y,
                                 double sign) {
    int64_t n = luron_tensor_numel(v);
    double *a = malloc(2 * sizeof *a * (size_t)(n ? n : 1)), *b = a + n;
    luron_status status = luron_tensor_read(ctx, v, LURON_F64, a);
    if (!status) status = luron_tensor_read(ctx, y, LURON_F64, b);
    for (int64_t i = 0; i < n && !status; i++)
        *sum += sign * a[i] * b[i];
    free(a);
    return status;
}

static luron_status add_loss(double *sum, job *j, double sign) {
    luron_tensor *outs[DIFFERENCES_MAX_OUT];
    luron_status status = evaluate(outs, j->ctx, j->d);
    for (int i = 0; i < j->d->n_out && !status; i++)
        if (j->v[i] && outs[i]) status = add_products(sum, j->ctx, j->v[i], outs[i], sign);
    unref_all(outs, j->d->n_out);
    return status;
}

static double *element(luron_tensor *t, int64_t k) {
    int64_t offset = 0;
    const int64_t *shape = luron_tensor_shape(t), *strides = luron_tensor_strides(t);
    for (int dim = luron_tensor_ndim(t) - 1; dim >= 0; dim--) {
        offset += k % shape[dim] * strides[dim];
        k /= shape[dim];
    }
    return (double *)luron_tensor_data(t) + offset;
}

static luron_status numeric(double *out, job *j, luron_tensor *x, int64_t k) {
    double *at = element(x, k), kept = *at, above = kept + 1e-6, below = kept - 1e-6, sum = 0;
    *at = above;
    luron_tensor_touch(x);
    luron_status status = add_loss(&sum, j, 1);
    *at = below;
    luron_tensor_touch(x);
    if (!status) status = add_loss(&sum, j, -1);
    *at = kept;
    luron_tensor_touch(x);
    *out = sum / (above - below);
    return status;
}

static double largest_gap(const double *a, const double *b, int64_t n) {
    double worst = 0;
    for (int64_t i = 0; i < n; i++) {
        double gap = a[i] == b[i] || (isnan(a[i]) && isnan(b[i])) ? 0 : fabs(a[i] - b[i]) / fmax(fabs(b[i]), 1);
        if (!(gap <= worst)) worst = isnan(gap) ? INFINITY : gap;
    }
    return worst;
}

/* Differences are taken without a tape, in order 2 of gradients without a graph: those have to be the values `recorded`. */
static int check_unrecorded(job *j, luron_tensor *const *recorded) {
    differences *d = j->d;
    luron_tensor *outs[DIFFERENCES_MAX_OUT];
    luron_status status = evaluate(outs, j->ctx, d);
    int right = 1;
    for (int i = 0; i < d->n_out && !status && right; i++) {
        if (!j->v[i] || (!recorded[i] && !outs[i])) continue;
        int64_t n = luron_tensor_numel(j->v[i]);
        double *a = calloc(2 * (size_t)(n ? n : 1), sizeof *a), gap = INFINITY;
        if (outs[i] && luron_tensor_numel(outs[i]) == n) {
            if (recorded[i]) status = luron_tensor_read(j->ctx, recorded[i], LURON_F64, a);
            if (!status) status = luron_tensor_read(j->ctx, outs[i], LURON_F64, a + n);
            gap = largest_gap(a, a + n, n);
        }
        free(a);
        right = gap <= UNRECORDED;
        if (!right) snprintf(d->text, sizeof d->text, "output %d is another when it is not recorded, by %.3g", i, gap);
    }
    unref_all(outs, d->n_out);
    return status ? wrong(d, j->ctx, status, "without a tape") : right;
}

static int compare(job *j, int i, const luron_tensor *grad) {
    differences *d = j->d;
    luron_tensor *x = d->x[i];
    int64_t n = luron_tensor_numel(x);
    int right = 1;
    double *a = calloc((size_t)(n ? n : 1), sizeof *a);
    if (grad && (luron_tensor_numel(grad) != n || luron_tensor_ndim(grad) != luron_tensor_ndim(x)))
        right = 0, snprintf(d->text, sizeof d->text, "gradient of x %d has another shape", i);
    if (right && grad && luron_tensor_read(j->ctx, grad, LURON_F64, a)) right = 0;
    for (int64_t k = 0; k < n && right; k++) {
        double b = 0;
        luron_status status = numeric(&b, j, x, k);
        if (status) right = wrong(d, j->ctx, status, "while differences were taken");
        double error = fabs(a[k] - b), scale = fabs(b) > 1 ? fabs(b) : 1;
        if (right && !(error <= 1e-6 * scale)) {
            snprintf(d->text, sizeof d->text, "x %d, element %lld: the gradient is %.12g, differences give %.12g", i,
                     (long long)k, a[k], b);
            right = 0;
        }
        if (error / scale > d->worst) d->worst = error / scale;
        d->compared++;
    }
    free(a);
    return right;
}

/* first: of order 2, the job whose gradient is the function: its x come before its cotangents. */
static int check_first(differences *d, luron_ctx *ctx, job *first) {
    job j = {.d = d, .ctx = ctx};
    luron_tensor *outs[DIFFERENCES_MAX_OUT], *grads[DIFFERENCES_MAX_X] = {0};
    luron_status status = evaluate(outs, ctx, d);
    if (status) return wrong(d, ctx, status, "forward");
    status = make_cotangents(&j, outs);
    if (!status) status = gradients(grads, &j, outs, 0);
    int right = status ? wrong(d, ctx, status, "backward") : 1;
    luron_ctx_set_recording(ctx, 0);
    if (right) right = check_unrecorded(&j, outs);
    unref_all(outs, d->n_out);
    for (int i = 0; i < d->n_x && right; i++) {
        if (first) first->keeps = i >= first->d->n_x;
        right = compare(&j, i, grads[i]);
    }
    if (first) {
        unref_all(first->kept, first->n_kept);
        first->n_kept = 0;
    }
    luron_ctx_set_recording(ctx, 1);
    unref_all(grads, d->n_x);
    unref_all(j.v, d->n_out);
    return right;
}

/* The gradient as a function: of the x of `first`, and of its cotangents. With recording off it is no part of a graph. */
static luron_status gradient_fn(luron_tensor **outs, luron_ctx *ctx, void *ud) {
    job *first = ud;
    luron_tensor *made[DIFFERENCES_MAX_OUT], **ys = first->keeps ? first->kept : made;
    int recording = luron_ctx_set_recording(ctx, 1);
    luron_status status = first->n_kept ? LURON_OK : evaluate(ys, ctx, first->d);
    if (first->keeps && !status) first->n_kept = first->d->n_out;
    if (!status)
        status = gradients(outs, first, ys, recording ? LURON_CREATE_GRAPH : first->keeps ? LURON_RETAIN_GRAPH : 0);
    if (!first->keeps) unref_all(ys, first->d->n_out);
    luron_ctx_set_recording(ctx, recording);
    return status;
}

/* The mean of nothing is NaN: linear in no cotangent. */
static bool is_finite(luron_ctx *ctx, const luron_tensor *t) {
    int64_t n = luron_tensor_numel(t);
    double *v = malloc(sizeof *v * (size_t)(n ? n : 1));
    bool finite = luron_tensor_read(ctx, t, LURON_F64, v) == LURON_OK;
    for (int64_t i = 0; i < n && finite; i++)
        finite = isfinite(v[i]);
    free(v);
    return finite;
}

static int check_second(differences *d, luron_ctx *ctx) {
    job first = {.d = d, .ctx = ctx};
    luron_tensor *outs[DIFFERENCES_MAX_OUT];
    differences second = {.fn = gradient_fn, .ud = &first, .n_out = d->n_x, .n_x = d->n_x, .seed = d->seed + 1};
    luron_status status = evaluate(outs, ctx, d);
    if (status) return wrong(d, ctx, status, "forward");
    status = make_cotangents(&first, outs);
    memcpy(second.x, d->x, sizeof d->x);
    for (int i = 0; i < d->n_out && !status; i++) {
        if (!first.v[i] || !is_finite(ctx, outs[i])) continue;
        status = luron_tensor_set_requires_grad(ctx, first.v[i], 1);
        second.x[second.n_x++] = first.v[i];
    }
    unref_all(outs, d->n_out);
    int right = status ? wrong(d, ctx, status, "cotangents") : check_first(&second, ctx, &first);
    if (!right) {
        snprintf(d->text, sizeof d->text, "order 2: %.380s", second.text);
        if (strstr(second.text, "GRADIENT:")) right = -1;
    }
    d->compared += second.compared;
    if (second.worst > d->worst) d->worst = second.worst;
    unref_all(first.v, d->n_out);
    return right;
}

int differences_check(differences *d, luron_ctx *ctx, int order) {
    uint64_t seed, position;
    luron_ctx_random_state(ctx, &seed, &position);
    int recording = luron_ctx_set_recording(ctx, 1), higher = luron_ctx_set_higher(ctx, order > 1 && !d->no_higher);
    int right = order > 1 ? check_second(d, ctx) : check_first(d, ctx, NULL);
    luron_ctx_set_recording(ctx, recording);
    luron_ctx_set_higher(ctx, higher);
    luron_ctx_set_random_state(ctx, seed, position);
    return right;
}
