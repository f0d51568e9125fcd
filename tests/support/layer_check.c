#include "layer_check.h"

#include "tensor_assert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OUT = 16, MAX_X = LAYER_CHECK_MAX_IN + 16, SEED = 7, POSITION = 1000 };

/* A layer with its inputs, and what is differentiated. */
typedef struct bench {
    luron_ctx *ctx;
    const layer_case *c;
    uint32_t dtype;
    luron_layer *layer;
    luron_tensor *in[LAYER_CHECK_MAX_IN];
    int n_out, n_x;
    luron_tensor *x[MAX_X]; /* borrowed: the inputs and parameters with a gradient */
    char name[MAX_X][64];
    double slack; /* for results that differ by rounding alone */
} bench;

#define FAIL(b, ...)                                                                                                   \
    do {                                                                                                               \
        char text_[256];                                                                                               \
        snprintf(text_, sizeof text_, __VA_ARGS__);                                                                    \
        fail_msg("%s %s (%s): %s", (b)->c->type, (b)->c->options ? (b)->c->options : "{}",                             \
                 luron_dtype_name((b)->dtype), text_);                                                                 \
    } while (0)

/* Numbers of our own, so that a test does not depend on the generator that it may be testing: splitmix64. */
static double unit(uint64_t stream, uint64_t i) {
    uint64_t z = (stream << 32) + i * 0x9e3779b97f4a7c15u + 0x1234567u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double real_value(const layer_case *c, int input, int64_t i) {
    const layer_input *in = &c->in[input];
    if (in->values) return in->values[i];
    double lo = in->lo, hi = in->hi;
    if (lo == 0 && hi == 0) lo = -1, hi = 1;
    double v = lo + (hi - lo) * unit((uint64_t)input + 1, (uint64_t)i);
    for (int k = 0; k < c->n_kinks; k++)
        if (fabs(v - c->kinks[k]) < 0.01) v = c->kinks[k] + (v < c->kinks[k] ? -0.01 : 0.01);
    return v;
}

static int64_t id_value(const layer_case *c, int input, int64_t i) {
    const layer_input *in = &c->in[input];
    return in->values ? (int64_t)in->values[i] : (int64_t)(unit((uint64_t)input + 1, (uint64_t)i) * (double)in->n_ids);
}

static int64_t numel(const layer_input *in) {
    int64_t n = 1;
    for (int d = 0; d < in->ndim; d++) n *= in->shape[d];
    return n;
}

static void set_grad(luron_ctx *ctx, luron_tensor *t, int on) {
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, t, on));
}

void layer_case_inputs(luron_tensor **ins, luron_ctx *ctx, const layer_case *c, uint32_t dtype) {
    for (int i = 0; i < c->n_in; i++) {
        const layer_input *in = &c->in[i];
        ins[i] = NULL;
        if (in->absent) continue;
        int64_t n = numel(in);
        double *values = malloc(sizeof *values * (size_t)(n ? n : 1));
        assert_non_null(values);
        for (int64_t k = 0; k < n; k++)
            values[k] =
                in->ids
                    ? (double)(id_value(c, i, k) + (in->values && in->values[k] < 0 ? 0 : luron_ctx_index_base(ctx)))
                    : real_value(c, i, k);
        ins[i] = tensor_of(ctx, in->ids ? LURON_I64 : dtype, in->ndim, in->shape, values);
        free(values);
        if (!in->ids && !in->no_grad) set_grad(ctx, ins[i], 1);
    }
}

static luron_status make_layer(luron_layer **out, luron_ctx *ctx, const layer_case *c, uint32_t dtype) {
    uint32_t was = luron_ctx_default_dtype(ctx);
    luron_status status = luron_ctx_set_default_dtype(ctx, dtype);
    luron_ctx_seed(ctx, SEED);
    if (!status) status = luron_layer_from_json(out, ctx, c->type, c->options);
    if (!status) luron_layer_set_training(*out, !c->eval);
    luron_status back = luron_ctx_set_default_dtype(ctx, was);
    return status ? status : back;
}

luron_layer *layer_case_layer(luron_ctx *ctx, const layer_case *c, uint32_t dtype) {
    luron_layer *layer = NULL;
    assert_ok(ctx, make_layer(&layer, ctx, c, dtype));
    return layer;
}

/* ---- a bench ----------------------------------------------------------------------------------------------------- */
static luron_status apply_to(luron_tensor **outs, luron_ctx *ctx, luron_layer *layer, int n, luron_tensor *const *ins) {
    luron_ctx_set_random_state(ctx, SEED, POSITION); /* every application draws the same numbers */
    return luron_layer_apply(outs, ctx, layer, n, ins);
}
static void forward(bench *b, luron_tensor **outs) {
    assert_ok(b->ctx, apply_to(outs, b->ctx, b->layer, b->c->n_in, b->in));
}

static void unref_all(luron_tensor **t, int n) {
    for (int i = 0; i < n; i++) luron_tensor_unref(t[i]);
}

static void bench_open(bench *b, luron_ctx *ctx, const layer_case *c, uint32_t dtype) {
    memset(b, 0, sizeof *b);
    b->ctx = ctx, b->c = c, b->dtype = dtype;
    b->slack = dtype == LURON_F64 ? 1e-12 : 1e-5;
    b->layer = layer_case_layer(ctx, c, dtype);
    b->n_out = luron_layer_n_outs(b->layer);
    assert_true(b->n_out <= MAX_OUT);
    layer_case_inputs(b->in, ctx, c, dtype);
    luron_tensor *outs[MAX_OUT];
    forward(b, outs); /* parameters that depend on the input exist from now on */
    unref_all(outs, b->n_out);
    for (int i = 0; i < c->n_in; i++) {
        if (!b->in[i] || !luron_tensor_requires_grad(b->in[i])) continue;
        const luron_port *port = luron_type_in(luron_layer_type_of(b->layer), i);
        snprintf(b->name[b->n_x], sizeof b->name[0], "input %d (%.30s)", i, port ? port->name : "");
        b->x[b->n_x++] = b->in[i];
    }
    for (int i = 0; i < luron_layer_n_params(b->layer); i++) {
        snprintf(b->name[b->n_x], sizeof b->name[0], "parameter %.30s", luron_layer_param_name(b->layer, i));
        b->x[b->n_x++] = luron_layer_param(b->layer, i);
    }
}

static void bench_close(bench *b) {
    unref_all(b->in, b->c->n_in);
    luron_layer_unref(b->layer);
}

/* Cotangent of output k. */
static luron_tensor *cotangent(bench *b, const luron_tensor *y, int k, int which) {
    int64_t n = luron_tensor_numel(y);
    double *values = malloc(sizeof *values * (size_t)(n ? n : 1));
    assert_non_null(values);
    for (int64_t i = 0; i < n; i++) values[i] = 2 * unit((uint64_t)(100 + 20 * which + k), (uint64_t)i) - 1;
    luron_tensor *v = tensor_of(b->ctx, luron_tensor_dtype(y), luron_tensor_ndim(y), luron_tensor_shape(y), values);
    free(values);
    return v;
}

static double *read_all(bench *b, const luron_tensor *t, int64_t n) {
    double *to = calloc((size_t)(n ? n : 1), sizeof *to);
    assert_non_null(to);
    if (t) assert_ok(b->ctx, luron_tensor_read(b->ctx, t, LURON_F64, to));
    return to;
}

/* Gradients of sum(v y) over the outputs that are differentiable (only: that one alone, -1: all), in doubles. */
typedef struct grads {
    double *of[MAX_X];
} grads;
static int differentiable(bench *b, luron_tensor **outs, int which, int only, luron_tensor **ys, luron_tensor **vs) {
    int n = 0;
    for (int k = 0; k < b->n_out; k++) {
        if (!luron_tensor_requires_grad(outs[k]) || (only >= 0 && k != only)) continue;
        ys[n] = outs[k];
        vs[n++] = cotangent(b, outs[k], k, which);
    }
    return n;
}

static grads gradients(bench *b, luron_tensor **outs, int which, int only, int n_x, luron_tensor *const *xs,
                       uint32_t flags) {
    luron_tensor *ys[MAX_OUT], *vs[MAX_OUT], *gs[MAX_X] = {0};
    grads g = {{0}};
    int n = differentiable(b, outs, which, only, ys, vs);
    if (n && n_x) assert_ok(b->ctx, luron_grad(gs, b->ctx, n, ys, vs, n_x, xs, flags | LURON_RETAIN_GRAPH));
    for (int i = 0; i < n_x; i++) {
        g.of[i] = read_all(b, gs[i], luron_tensor_numel(xs[i]));
        luron_tensor_unref(gs[i]);
    }
    unref_all(vs, n);
    return g;
}

static void grads_free(grads *g) {
    for (int i = 0; i < MAX_X; i++) free(g->of[i]);
}

static grads plain_gradients(bench *b) {
    luron_tensor *outs[MAX_OUT];
    forward(b, outs);
    grads g = gradients(b, outs, 0, -1, b->n_x, b->x, 0);
    unref_all(outs, b->n_out);
    return g;
}

static void compare(bench *b, const char *what, int x, const double *is, const double *wanted, double tol) {
    int64_t n = luron_tensor_numel(b->x[x]);
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(is[i] - wanted[i]) <= tol * (1 + fabs(wanted[i]))))
            FAIL(b, "%s: gradient of %s, element %lld: %.17g, expected %.17g", what, b->name[x], (long long)i, is[i],
                 wanted[i]);
}

/* ---- against differences ----------------------------------------------------------------------------------------- */
static double loss(bench *b) {
    luron_tensor *outs[MAX_OUT];
    double sum = 0;
    int recording = luron_ctx_set_recording(b->ctx, 0);
    forward(b, outs);
    luron_ctx_set_recording(b->ctx, recording);
    for (int k = 0; k < b->n_out; k++) {
        int64_t n = luron_tensor_numel(outs[k]);
        if (luron_dtype_is_float(luron_tensor_dtype(outs[k]))) {
            luron_tensor *v = cotangent(b, outs[k], k, 0);
            double *y = read_all(b, outs[k], n), *w = read_all(b, v, n);
            for (int64_t i = 0; i < n; i++) sum += y[i] * w[i];
            free(y), free(w);
            luron_tensor_unref(v);
        }
        luron_tensor_unref(outs[k]);
    }
    return sum;
}

static double loss_at(bench *b, luron_tensor *x, int64_t i, double value) {
    if (b->dtype == LURON_F64)
        ((double *)luron_tensor_data(x))[i] = value;
    else
        ((float *)luron_tensor_data(x))[i] = (float)value;
    luron_tensor_touch(x);
    return loss(b);
}

static double numeric(bench *b, luron_tensor *x, int64_t i) {
    bool wide = b->dtype == LURON_F64;
    double at = wide ? ((double *)luron_tensor_data(x))[i] : (double)((float *)luron_tensor_data(x))[i],
           h = wide ? 1e-6 : 1e-2, d;
    if (wide) {
        double right = loss_at(b, x, i, at + h), left = loss_at(b, x, i, at - h);
        d = (right - left) / ((at + h) - (at - h));
    } else {
        double r1 = loss_at(b, x, i, at + h), l1 = loss_at(b, x, i, at - h), r2 = loss_at(b, x, i, at + 2 * h),
               l2 = loss_at(b, x, i, at - 2 * h);
        d = (8 * (r1 - l1) - (r2 - l2)) / (12 * h);
    }
    loss_at(b, x, i, at);
    return d;
}

static void check_numeric(bench *b, const grads *g) {
    double tol = b->c->tol ? b->c->tol : 1e-6;
    if (b->dtype == LURON_F32 && tol < 2e-3) tol = 2e-3;
    for (int x = 0; x < b->n_x; x++) {
        int64_t n = luron_tensor_numel(b->x[x]);
        for (int64_t i = 0; i < n; i++) {
            double a = g->of[x][i], d = numeric(b, b->x[x], i), floor = 0.1, scale = fabs(a) + fabs(d);
            if (!(fabs(a - d) <= tol * (scale > floor ? scale : floor)))
                FAIL(b, "gradient of %s, element %lld: backward gives %.12g, differences %.12g", b->name[x],
                     (long long)i, a, d);
        }
    }
}

/* ---- the traps --------------------------------------------------------------------------------------------------- */
/* (a) What x gets besides, u, is on the tape behind the layer, so it is in the gradient's memory when backward comes:
 * memory of its own, or the very tensor u, which must not change.                                                    */
static void check_adds(bench *b, const grads *g, bool own) {
    luron_tensor *outs[MAX_OUT], *ys[MAX_OUT + MAX_X], *vs[MAX_OUT + MAX_X], *gs[MAX_X] = {0}, *u[MAX_X];
    forward(b, outs);
    int n = differentiable(b, outs, 0, -1, ys, vs), n_y = n;
    for (int x = 0; x < b->n_x; x++, n_y++) {
        luron_tensor *term;
        u[x] = cotangent(b, b->x[x], x, 1);
        assert_ok(b->ctx, own ? luron_mul(&term, b->ctx, b->x[x], u[x]) : luron_add(&term, b->ctx, b->x[x], u[x]));
        if (own) {
            assert_ok(b->ctx, luron_sum(&ys[n_y], b->ctx, term, 0, NULL, 0));
            luron_tensor_unref(term);
        } else
            ys[n_y] = term;
        vs[n_y] = own ? NULL : u[x];
    }
    if (b->n_x) assert_ok(b->ctx, luron_grad(gs, b->ctx, n_y, ys, vs, b->n_x, b->x, 0));
    for (int x = 0; x < b->n_x; x++) {
        int64_t m = luron_tensor_numel(b->x[x]);
        luron_tensor *kept = cotangent(b, b->x[x], x, 1);
        double *is = read_all(b, gs[x], m), *wanted = read_all(b, kept, m);
        for (int64_t i = 0; i < m; i++) wanted[i] += g->of[x][i];
        compare(b, own ? "(a) added to noise" : "(a) added to somebody's tensor", x, is, wanted, b->slack);
        assert_tensor_same(u[x], kept);
        free(is), free(wanted);
        luron_tensor_unref(gs[x]);
        luron_tensor_unref(u[x]);
        luron_tensor_unref(kept);
        luron_tensor_unref(ys[n + x]);
    }
    unref_all(vs, n);
    unref_all(outs, b->n_out);
}

/* (b) The others do not require a gradient: the layer gets NULL for them. */
static void check_alone(bench *b, const grads *g) {
    for (int x = 0; x < b->n_x; x++) {
        luron_tensor *outs[MAX_OUT];
        for (int i = 0; i < b->n_x; i++) set_grad(b->ctx, b->x[i], i == x);
        forward(b, outs);
        grads alone = gradients(b, outs, 0, -1, 1, &b->x[x], 0);
        compare(b, "(b) alone", x, alone.of[0], g->of[x], b->slack);
        grads_free(&alone);
        unref_all(outs, b->n_out);
    }
    for (int i = 0; i < b->n_x; i++) set_grad(b->ctx, b->x[i], 1);
}

/* (c) Twice in one graph, with different cotangents: the gradients add. */
static void check_twice(bench *b, const grads *g) {
    luron_tensor *first[MAX_OUT], *second[MAX_OUT], *ys[2 * MAX_OUT], *vs[2 * MAX_OUT], *gs[MAX_X] = {0};
    forward(b, first);
    forward(b, second);
    grads other = gradients(b, second, 2, -1, b->n_x, b->x, 0);
    int n = differentiable(b, first, 0, -1, ys, vs);
    n += differentiable(b, second, 2, -1, ys + n, vs + n);
    if (b->n_x && n) assert_ok(b->ctx, luron_grad(gs, b->ctx, n, ys, vs, b->n_x, b->x, 0));
    for (int x = 0; x < b->n_x; x++) {
        int64_t m = luron_tensor_numel(b->x[x]);
        double *is = read_all(b, gs[x], m);
        for (int64_t i = 0; i < m; i++) other.of[x][i] += g->of[x][i];
        compare(b, "(c) twice in one graph", x, is, other.of[x], b->slack);
        free(is);
        luron_tensor_unref(gs[x]);
    }
    grads_free(&other);
    unref_all(vs, n);
    unref_all(first, b->n_out);
    unref_all(second, b->n_out);
}

/* (d) The same bits at any thread count, recorded or not. */
static void check_threads(bench *b, const grads *g) {
    static const int threads[] = {1, 2, 3, 8};
    luron_tensor *wanted[MAX_OUT], *outs[MAX_OUT];
    int was = luron_ctx_threads(b->ctx);
    forward(b, wanted);
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        assert_ok(b->ctx, luron_ctx_set_threads(b->ctx, threads[t]));
        luron_ctx_set_recording(b->ctx, 0);
        forward(b, outs);
        luron_ctx_set_recording(b->ctx, 1);
        for (int k = 0; k < b->n_out; k++) assert_tensor_same(outs[k], wanted[k]);
        unref_all(outs, b->n_out);
        grads h = plain_gradients(b);
        for (int x = 0; x < b->n_x; x++)
            if (memcmp(h.of[x], g->of[x], sizeof(double) * (size_t)luron_tensor_numel(b->x[x])) != 0)
                FAIL(b, "(d) %d threads: gradient of %s has other bits", threads[t], b->name[x]);
        grads_free(&h);
    }
    assert_ok(b->ctx, luron_ctx_set_threads(b->ctx, was));
    unref_all(wanted, b->n_out);
}

/* The same values between others: (..., 2) of which the first is taken. */
static luron_tensor *scattered(bench *b, luron_tensor *t, luron_tensor **base) {
    luron_tensor *both[2], *out;
    luron_ctx_set_recording(b->ctx, 0);
    assert_ok(b->ctx, luron_detach(&both[0], b->ctx, t));
    assert_ok(b->ctx, luron_copy(&both[1], b->ctx, t));
    assert_ok(b->ctx, luron_stack(base, b->ctx, 2, both, -1));
    luron_ctx_set_recording(b->ctx, 1);
    if (luron_tensor_requires_grad(t)) set_grad(b->ctx, *base, 1);
    assert_ok(b->ctx, luron_select(&out, b->ctx, *base, -1, 0));
    unref_all(both, 2);
    return out;
}

static void check_strided(bench *b, const grads *g) {
    luron_tensor *base[LAYER_CHECK_MAX_IN] = {0}, *in[LAYER_CHECK_MAX_IN] = {0}, *xs[MAX_X], *outs[MAX_OUT],
                 *wanted[MAX_OUT];
    int n_x = 0;
    forward(b, wanted);
    for (int i = 0; i < b->c->n_in; i++) {
        if (!b->in[i]) continue;
        in[i] = scattered(b, b->in[i], &base[i]);
        if (luron_tensor_requires_grad(b->in[i])) xs[n_x++] = in[i];
    }
    assert_ok(b->ctx, apply_to(outs, b->ctx, b->layer, b->c->n_in, in));
    for (int k = 0; k < b->n_out; k++) assert_tensor_same(outs[k], wanted[k]);
    grads h = gradients(b, outs, 0, -1, n_x, xs, 0);
    for (int x = 0; x < n_x; x++) compare(b, "input that is not contiguous", x, h.of[x], g->of[x], b->slack);
    grads_free(&h);
    unref_all(outs, b->n_out);
    unref_all(wanted, b->n_out);
    unref_all(in, b->c->n_in);
    unref_all(base, b->c->n_in);
}

static void check_outputs_alone(bench *b, const grads *g) {
    luron_tensor *outs[MAX_OUT];
    grads sum = {{0}};
    if (b->n_out < 2) return;
    forward(b, outs);
    for (int x = 0; x < b->n_x; x++) sum.of[x] = read_all(b, NULL, luron_tensor_numel(b->x[x]));
    for (int k = 0; k < b->n_out; k++) {
        grads h = gradients(b, outs, 0, k, b->n_x, b->x, 0);
        for (int x = 0; x < b->n_x; x++)
            for (int64_t i = 0; i < luron_tensor_numel(b->x[x]); i++) sum.of[x][i] += h.of[x][i];
        grads_free(&h);
    }
    for (int x = 0; x < b->n_x; x++) compare(b, "output by output", x, sum.of[x], g->of[x], b->slack);
    grads_free(&sum);
    unref_all(outs, b->n_out);
}

/* ---- second derivatives ------------------------------------------------------------------------------------------ */
typedef struct second {
    bench *b;
    int k;
} second;
static luron_status one_output(luron_tensor **out, luron_ctx *ctx, void *ud, luron_tensor *const *ins) {
    second *s = ud;
    luron_tensor *outs[MAX_OUT];
    (void)ins; /* the tensors of the bench themselves */
    luron_status status = apply_to(outs, ctx, s->b->layer, s->b->c->n_in, s->b->in);
    if (status) return status;
    for (int k = 0; k < s->b->n_out; k++)
        if (k == s->k)
            *out = outs[k];
        else
            luron_tensor_unref(outs[k]);
    return LURON_OK;
}

static void check_second(bench *b, const grads *g) {
    luron_tensor *outs[MAX_OUT];
    if (b->c->order < 2 || b->dtype != LURON_F64) return;
    int was = luron_ctx_set_higher(b->ctx, 1);
    forward(b, outs);
    grads h = gradients(b, outs, 0, -1, b->n_x, b->x, LURON_CREATE_GRAPH);
    for (int x = 0; x < b->n_x; x++) compare(b, "compose against backward", x, h.of[x], g->of[x], 1e-9);
    grads_free(&h);
    luron_ctx_set_higher(b->ctx, was); /* gradcheck switches it on itself */
    for (int k = 0; k < b->n_out; k++) {
        second s = {b, k};
        luron_gradcheck_options o = {.order = 2, .rtol = b->c->tol > 1e-5 ? b->c->tol : 1e-5, .atol = 1e-6};
        if (!luron_tensor_requires_grad(outs[k])) continue;
        if (luron_gradcheck(b->ctx, one_output, &s, b->n_x, b->x, &o))
            FAIL(b, "second order, output %d: %.180s", k, luron_ctx_error(b->ctx));
    }
    unref_all(outs, b->n_out);
}

/* ---- float32 and index bases ------------------------------------------------------------------------------------- */
static void copy_params(bench *to, bench *from) {
    luron_ctx_set_recording(to->ctx, 0);
    for (int i = 0; i < luron_layer_n_params(to->layer); i++)
        assert_ok(to->ctx,
                  luron_tensor_copy(to->ctx, luron_layer_param(to->layer, i), luron_layer_param(from->layer, i)));
    for (int i = 0; i < luron_layer_n_states(to->layer); i++)
        assert_ok(to->ctx,
                  luron_tensor_copy(to->ctx, luron_layer_state(to->layer, i), luron_layer_state(from->layer, i)));
    luron_ctx_set_recording(to->ctx, 1);
}

static void check_float32(bench *b, const grads *g) {
    bench n;
    luron_tensor *wide[MAX_OUT], *narrow[MAX_OUT];
    double tol = b->c->tol32 ? b->c->tol32 : 2e-5;
    bench_open(&n, b->ctx, b->c, LURON_F32);
    copy_params(&n, b);
    forward(b, wide);
    forward(&n, narrow);
    for (int k = 0; k < b->n_out; k++) {
        int64_t m = luron_tensor_numel(wide[k]);
        double *y = read_all(b, wide[k], m), *z = read_all(b, narrow[k], m);
        if (luron_dtype_is_float(luron_tensor_dtype(wide[k])))
            assert_int_equal(luron_tensor_dtype(narrow[k]), LURON_F32);
        for (int64_t i = 0; i < m; i++)
            if (!(y[i] == z[i] || fabs(z[i] - y[i]) <= tol * (1 + fabs(y[i]))))
                FAIL(&n, "output %d, element %lld: %.9g, in float64 %.9g", k, (long long)i, z[i], y[i]);
        free(y), free(z);
    }
    grads h = gradients(&n, narrow, 0, -1, n.n_x, n.x, 0);
    for (int x = 0; x < b->n_x; x++) compare(&n, "float32", x, h.of[x], g->of[x], tol);
    grads_free(&h);
    unref_all(wide, b->n_out);
    unref_all(narrow, b->n_out);
    bench_close(&n);
}

static void check_index_base(bench *b) {
    bool ids = false;
    for (int i = 0; i < b->c->n_in; i++) ids |= b->c->in[i].ids && !b->c->in[i].absent;
    if (!ids) return;
    luron_tensor *wanted[MAX_OUT], *outs[MAX_OUT];
    forward(b, wanted);
    int was = luron_ctx_index_base(b->ctx);
    luron_ctx_set_index_base(b->ctx, !was);
    bench other;
    bench_open(&other, b->ctx, b->c, b->dtype);
    copy_params(&other, b);
    forward(&other, outs);
    for (int k = 0; k < b->n_out; k++) assert_tensor_same(outs[k], wanted[k]);
    unref_all(outs, b->n_out);
    unref_all(wanted, b->n_out);
    bench_close(&other);
    luron_ctx_set_index_base(b->ctx, was);
}

/* ---- running out of memory --------------------------------------------------------------------------------------- */
/* Make, apply, go back; everything is released again. */
static luron_status whole_life(luron_ctx *ctx, const layer_case *c, uint32_t dtype, luron_tensor *const *ins) {
    luron_layer *layer;
    luron_tensor *outs[MAX_OUT], *sum;
    luron_status status = make_layer(&layer, ctx, c, dtype);
    if (status) return status;
    int n = luron_layer_n_outs(layer);
    status = apply_to(outs, ctx, layer, c->n_in, ins);
    if (!status) {
        if (luron_tensor_requires_grad(outs[0])) {
            status = luron_sum(&sum, ctx, outs[0], 0, NULL, 0);
            if (!status) {
                status = luron_backward(ctx, sum, NULL, 0);
                luron_tensor_unref(sum);
            }
        }
        unref_all(outs, n);
    }
    for (int i = 0; i < c->n_in; i++)
        if (ins[i] && luron_tensor_requires_grad(ins[i])) (void)!luron_tensor_set_grad(ctx, ins[i], NULL);
    luron_layer_unref(layer);
    return status;
}

static void sweep(luron_ctx *ctx, const layer_case *c, uint32_t dtype, int sticky) {
    luron_tensor *ins[LAYER_CHECK_MAX_IN];
    layer_case_inputs(ins, ctx, c, dtype);
    assert_ok(ctx, whole_life(ctx, c, dtype, ins));
    int64_t blocks = luron_ctx_live_blocks(ctx), bytes = luron_ctx_live_bytes(ctx);
    int k = 1;
    for (;; k++) {
        luron_ctx_fail_alloc(ctx, k, sticky);
        luron_status status = whole_life(ctx, c, dtype, ins);
        luron_ctx_fail_alloc(ctx, 0, 0);
        if (status == LURON_OK) break;
        if (status != LURON_E_NOMEM)
            fail_msg("%s: allocation %d failed and gave %s: %s", c->type, k, luron_status_name(status),
                     luron_ctx_error(ctx));
        if (luron_ctx_live_blocks(ctx) != blocks || luron_ctx_live_bytes(ctx) != bytes)
            fail_msg("%s: allocation %d failed and %lld blocks of %lld bytes leaked: %s", c->type, k,
                     (long long)(luron_ctx_live_blocks(ctx) - blocks), (long long)(luron_ctx_live_bytes(ctx) - bytes),
                     luron_ctx_error(ctx));
    }
    assert_true(k > 4); /* a layer, its options, an output: less means that the sweep did not run */
    unref_all(ins, c->n_in);
}

static uint32_t widest(luron_ctx *ctx, const layer_case *c) {
    const luron_type *type;
    assert_ok(ctx, luron_type_find(&type, ctx, LURON_KIND_LAYER, c->type));
    return luron_type_flags(type) & LURON_LAYER_F64 ? LURON_F64 : LURON_F32;
}

void layer_sweep(luron_ctx *ctx, const layer_case *c) {
    uint64_t seed, position;
    luron_ctx_random_state(ctx, &seed, &position);
    sweep(ctx, c, widest(ctx, c), 0);
    sweep(ctx, c, widest(ctx, c), 1);
    luron_ctx_set_random_state(ctx, seed, position);
}

void layer_check(luron_ctx *ctx, const layer_case *c) {
    bench b;
    uint64_t seed, position;
    luron_ctx_random_state(ctx, &seed, &position);
    bench_open(&b, ctx, c, widest(ctx, c));
    grads g = plain_gradients(&b);
    check_numeric(&b, &g);
    check_adds(&b, &g, true);
    check_adds(&b, &g, false);
    check_alone(&b, &g);
    check_twice(&b, &g);
    check_threads(&b, &g);
    check_strided(&b, &g);
    check_outputs_alone(&b, &g);
    check_second(&b, &g);
    if (b.dtype == LURON_F64) check_float32(&b, &g);
    check_index_base(&b);
    grads_free(&g);
    bench_close(&b);
    luron_ctx_set_random_state(ctx, seed, position);
    layer_sweep(ctx, c);
}
