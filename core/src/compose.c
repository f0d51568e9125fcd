/* The table of ops for `compose`. Handles belong to the call: what an op makes is noted in the frame and released with
 * it. A NULL operand gives NULL, and after the first failure everything gives NULL, so that a plugin checks nothing
 * before set_out.                                                                                                    */
#include "plan.h"

#include <string.h>

static luron__frame *frame_of(luron_call *c) { return c->internal; }
static bool stuck(luron__frame *f) { return atomic_load(&f->status) != LURON_OK; }

/* Take over what an op made, or note why it failed. */
static luron_tensor *keep(luron__frame *f, luron_status status, luron_tensor *t) {
    if (!status) {
        status = luron__grow(f->ctx, &f->handles, &f->cap_handles, f->n_handles + 1, sizeof *f->handles);
        if (status)
            luron_tensor_unref(t);
        else
            return f->handles[f->n_handles++] = t;
    }
    luron__frame_note(f, status);
    return NULL;
}

/* ---- the call's own tensors -------------------------------------------------------------------------------------- */
static luron_tensor *ops_in(luron_call *c, int i) {
    luron__frame *f = frame_of(c);
    return stuck(f) || i < 0 || i >= c->n_in ? NULL : f->operand[i];
}
static luron_tensor *ops_param(luron_call *c, int s) {
    luron__frame *f = frame_of(c);
    return stuck(f) || s < 0 || s >= LURON__MAX_SLOTS || f->param_at[s] < 0 ? NULL : f->operand[f->param_at[s]];
}
static luron_tensor *ops_state(luron_call *c, int s) {
    luron__frame *f = frame_of(c);
    return stuck(f) || s < 0 || s >= LURON__MAX_SLOTS ? NULL : f->state[s];
}

static luron_status ops_set_out(luron_call *c, int i, luron_tensor *t) {
    luron__frame *f = frame_of(c);
    luron_status status = atomic_load(&f->status);
    if (status) return status;
    const char *plugin = f->type->plugin;
    if (i < 0 || i >= c->n_out)
        return luron__frame_fail(f, LURON_E_PLUGIN, "plugin '%s': set_out: output %d is not within 0 to %d", plugin, i,
                                 c->n_out - 1);
    if (!t)
        return luron__frame_fail(f, LURON_E_PLUGIN,
                                 "plugin '%s': set_out: output %d is made from an absent input, parameter or state",
                                 plugin, i);
    luron_tensor *old = f->composed[i];
    f->composed[i] = luron_tensor_ref(t);
    luron_tensor_unref(old);
    return LURON_OK;
}

static int ops_ndim(luron_call *c, luron_tensor *t) {
    (void)c;
    return t ? t->ndim : 0;
}
static int64_t ops_size(luron_call *c, luron_tensor *t, int dim) {
    (void)c;
    return t ? luron_tensor_size(t, dim) : -1;
}

/* ---- ops of core ------------------------------------------------------------------------------------------------- */
/* `call` makes the tensor `out`; `ready` says whether all operands are there. */
#define OP(ready, call)                                                                                                \
    luron__frame *f = frame_of(c);                                                                                     \
    luron_tensor *out = NULL;                                                                                          \
    if (stuck(f) || !(ready)) return NULL;                                                                             \
    luron_status status = (call);                                                                                      \
    return keep(f, status, out)

#define UNARY(name)                                                                                                    \
    static luron_tensor *ops_##name(luron_call *c, luron_tensor *x) { OP(x, luron_##name(&out, f->ctx, x)); }
LURON_UNARY_MAP(UNARY)
#undef UNARY
#define BINARY(name)                                                                                                   \
    static luron_tensor *ops_##name(luron_call *c, luron_tensor *a, luron_tensor *b) {                                 \
        OP(a && b, luron_##name(&out, f->ctx, a, b));                                                                  \
    }
LURON_BINARY_MAP(BINARY)
LURON_COMPARE_MAP(BINARY)
#undef BINARY
#define REDUCE(name)                                                                                                   \
    static luron_tensor *ops_##name(luron_call *c, luron_tensor *x, int n, const int *dims, int hold) {                \
        OP(x, luron_##name(&out, f->ctx, x, n, dims, hold));                                                           \
    }
REDUCE(sum)
REDUCE(mean)
REDUCE(amax)
#undef REDUCE

static luron_tensor *ops_scalar(luron_call *c, double value) {
    static const int64_t none[1] = {0};
    OP(true, luron_tensor_full(&out, f->ctx, c->dtype, 0, none, value));
}
static luron_tensor *ops_scale(luron_call *c, luron_tensor *x, double times, double plus) {
    OP(x, luron_scale(&out, f->ctx, x, times, plus));
}
static luron_tensor *ops_clamp(luron_call *c, luron_tensor *x, double lo, double hi) {
    OP(x, luron_clamp(&out, f->ctx, x, lo, hi));
}
static luron_tensor *ops_where(luron_call *c, luron_tensor *cond, luron_tensor *a, luron_tensor *b) {
    OP(cond && a && b, luron_where(&out, f->ctx, cond, a, b));
}

static luron_status transposed(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, bool wanted) {
    if (wanted) return luron_transpose(out, ctx, x, -2, -1);
    *out = luron_tensor_ref(x);
    return LURON_OK;
}
static luron_status matmul(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b, uint32_t flags) {
    luron_tensor *left, *right;
    LURON_TRY(transposed(&left, ctx, a, flags & LURON_TRANS_A));
    luron_status status = transposed(&right, ctx, b, flags & LURON_TRANS_B);
    if (!status) {
        status = luron_matmul(out, ctx, left, right);
        luron_tensor_unref(right);
    }
    luron_tensor_unref(left);
    return status;
}
static luron_tensor *ops_matmul(luron_call *c, luron_tensor *a, luron_tensor *b, uint32_t flags) {
    OP(a && b, matmul(&out, f->ctx, a, b, flags));
}

static luron_tensor *ops_softmax(luron_call *c, luron_tensor *x, int dim) {
    OP(x, luron_softmax(&out, f->ctx, x, dim));
}
static luron_tensor *ops_log_softmax(luron_call *c, luron_tensor *x, int dim) {
    OP(x, luron_log_softmax(&out, f->ctx, x, dim));
}
static luron_tensor *ops_reshape(luron_call *c, luron_tensor *x, int ndim, const int64_t *shape) {
    OP(x, luron_reshape(&out, f->ctx, x, ndim, shape));
}
static luron_tensor *ops_transpose(luron_call *c, luron_tensor *x, int a, int b) {
    OP(x, luron_transpose(&out, f->ctx, x, a, b));
}
static luron_tensor *ops_narrow(luron_call *c, luron_tensor *x, int dim, int64_t start, int64_t n) {
    OP(x, luron_narrow(&out, f->ctx, x, dim, start, n));
}
static luron_tensor *ops_expand(luron_call *c, luron_tensor *x, int ndim, const int64_t *shape) {
    OP(x, luron_expand(&out, f->ctx, x, ndim, shape));
}

static bool all_there(int n, luron_tensor *const *xs) {
    bool all = n > 0 && xs;
    for (int i = 0; i < n && all; i++) all = xs[i] != NULL;
    return all;
}
static luron_tensor *ops_cat(luron_call *c, int n, luron_tensor *const *xs, int dim) {
    OP(all_there(n, xs), luron_cat(&out, f->ctx, n, xs, dim));
}
static luron_tensor *ops_gather(luron_call *c, luron_tensor *x, int dim, luron_tensor *ids) {
    OP(x && ids, luron_gather(&out, f->ctx, x, dim, ids));
}
static luron_tensor *ops_index_select(luron_call *c, luron_tensor *x, int dim, luron_tensor *ids) {
    OP(x && ids, luron_index_select(&out, f->ctx, x, dim, ids));
}
static luron_tensor *ops_one_hot(luron_call *c, luron_tensor *ids, int64_t n) {
    OP(ids, luron_one_hot(&out, f->ctx, ids, n, c->dtype));
}
static luron_tensor *ops_cast(luron_call *c, luron_tensor *x, uint32_t dtype) {
    OP(x, luron_cast(&out, f->ctx, x, dtype ? dtype : c->dtype));
}

static luron_status uniform(luron_tensor **out, luron_call *c, int stream, int ndim, const int64_t *shape) {
    luron__frame *f = frame_of(c);
    luron_tensor *t, *cast;
    LURON_TRY(luron_tensor_new(&t, f->ctx, LURON_F32, ndim, shape));
    c->host->rand_uniform(c, stream, 0, luron_tensor_numel(t), (float *)luron__data(t));
    luron__plan_draw(f->ctx, t, c->random_position, stream);
    if (c->dtype == LURON_F32) {
        *out = t;
        return LURON_OK;
    }
    luron_status status = luron_cast(&cast, f->ctx, t, c->dtype);
    luron_tensor_unref(t);
    if (!status) *out = cast;
    return status;
}
static luron_tensor *ops_uniform(luron_call *c, int stream, int ndim, const int64_t *shape) {
    OP(true, uniform(&out, c, stream, ndim, shape));
}

/* ---- the others of core: one line each ---------------------------------------------------------------------------- */
#define OP_1(name)                                                                                                     \
    static luron_tensor *ops_##name(luron_call *c, luron_tensor *x) { OP(x, luron_##name(&out, f->ctx, x)); }
OP_1(logical_not) OP_1(isfinite) OP_1(isnan) OP_1(contiguous) OP_1(detach) OP_1(trace) OP_1(inverse) OP_1(det) OP_1(cholesky)
OP_1(asinh) OP_1(acosh) OP_1(atanh)
#undef OP_1
#define OP_2(name)                                                                                                     \
    static luron_tensor *ops_##name(luron_call *c, luron_tensor *a, luron_tensor *b) {                                 \
        OP(a && b, luron_##name(&out, f->ctx, a, b));                                                                  \
    }
OP_2(outer) OP_2(dot) OP_2(solve) OP_2(take)
#undef OP_2
/* Parameters and arguments behind the operand. */
#define OP_X(name, parameters, ...)                                                                                    \
    static luron_tensor *ops_##name parameters { OP(x, luron_##name(&out, f->ctx, x, __VA_ARGS__)); }
#define DIMS (luron_call *c, luron_tensor *x, int n, const int *dims, int hold)
OP_X(prod, DIMS, n, dims, hold)
OP_X(amin, DIMS, n, dims, hold)
OP_X(any, DIMS, n, dims, hold)
OP_X(all, DIMS, n, dims, hold)
OP_X(logsumexp, DIMS, n, dims, hold)
#undef DIMS
OP_X(var, (luron_call *c, luron_tensor *x, int n, const int *dims, int hold, double correction), n, dims, hold, correction)
OP_X(std, (luron_call *c, luron_tensor *x, int n, const int *dims, int hold, double correction), n, dims, hold, correction)
OP_X(norm, (luron_call *c, luron_tensor *x, double p, int n, const int *dims, int hold), p, n, dims, hold)
OP_X(quantile, (luron_call *c, luron_tensor *x, double q, int dim, int hold), q, dim, hold)
OP_X(argmax, (luron_call *c, luron_tensor *x, int dim, int hold), dim, hold)
OP_X(argmin, (luron_call *c, luron_tensor *x, int dim, int hold), dim, hold)
OP_X(argsort, (luron_call *c, luron_tensor *x, int dim, int descending), dim, descending)
OP_X(sum_to, (luron_call *c, luron_tensor *x, int ndim, const int64_t *shape), ndim, shape)
OP_X(cumsum, (luron_call *c, luron_tensor *x, int dim), dim)
OP_X(cumprod, (luron_call *c, luron_tensor *x, int dim), dim)
OP_X(logcumsumexp, (luron_call *c, luron_tensor *x, int dim), dim)
OP_X(diff, (luron_call *c, luron_tensor *x, int64_t n, int dim), n, dim)
OP_X(permute, (luron_call *c, luron_tensor *x, int ndim, const int *dims), ndim, dims)
OP_X(movedim, (luron_call *c, luron_tensor *x, int n, const int *from, const int *to), n, from, to)
OP_X(squeeze, (luron_call *c, luron_tensor *x, int dim), dim)
OP_X(unsqueeze, (luron_call *c, luron_tensor *x, int dim), dim)
OP_X(select, (luron_call *c, luron_tensor *x, int dim, int64_t at), dim, at)
OP_X(slice, (luron_call *c, luron_tensor *x, int dim, int64_t start, int64_t length, int64_t step), dim, start, length, step)
OP_X(diagonal, (luron_call *c, luron_tensor *x, int64_t offset, int dim1, int dim2), offset, dim1, dim2)
OP_X(diag, (luron_call *c, luron_tensor *x, int64_t offset), offset)
OP_X(flip, (luron_call *c, luron_tensor *x, int n, const int *dims), n, dims)
OP_X(roll, (luron_call *c, luron_tensor *x, int64_t shift, int dim), shift, dim)
OP_X(tile, (luron_call *c, luron_tensor *x, int ndim, const int64_t *times), ndim, times)
OP_X(pad, (luron_call *c, luron_tensor *x, int n, const int64_t *before, const int64_t *after, double value), n, before, after, value)
OP_X(tril, (luron_call *c, luron_tensor *x, int64_t diagonal), diagonal)
OP_X(triu, (luron_call *c, luron_tensor *x, int64_t diagonal), diagonal)
#undef OP_X
/* The same with more operands. */
#define OP_MORE(name, ready, parameters, ...)                                                                          \
    static luron_tensor *ops_##name parameters { OP(ready, luron_##name(&out, f->ctx, __VA_ARGS__)); }
#define AT_IDS (luron_call *c, luron_tensor *x, int dim, luron_tensor *ids, luron_tensor *src)
OP_MORE(scatter, x &&ids &&src, AT_IDS, x, dim, ids, src)
OP_MORE(scatter_add, x &&ids &&src, AT_IDS, x, dim, ids, src)
OP_MORE(index_add, x &&ids &&src, AT_IDS, x, dim, ids, src)
OP_MORE(index_copy, x &&ids &&src, AT_IDS, x, dim, ids, src)
#undef AT_IDS
OP_MORE(scatter_reduce, x &&ids &&src,
        (luron_call *c, luron_tensor *x, int dim, luron_tensor *ids, luron_tensor *src, int how, int include_self), x, dim, ids, src, how, include_self)
OP_MORE(index_fill, x &&ids, (luron_call *c, luron_tensor *x, int dim, luron_tensor *ids, double value), x, dim, ids, value)
OP_MORE(masked_fill, x &&mask, (luron_call *c, luron_tensor *x, luron_tensor *mask, double value), x, mask, value)
OP_MORE(masked_scatter, x &&mask &&src, (luron_call *c, luron_tensor *x, luron_tensor *mask, luron_tensor *src), x, mask, src)
#define BY_SEGMENT (luron_call *c, luron_tensor *x, luron_tensor *ids, int64_t count)
OP_MORE(segment_sum, x &&ids, BY_SEGMENT, x, ids, count)
OP_MORE(segment_mean, x &&ids, BY_SEGMENT, x, ids, count)
OP_MORE(segment_max, x &&ids, BY_SEGMENT, x, ids, count)
OP_MORE(segment_min, x &&ids, BY_SEGMENT, x, ids, count)
#undef BY_SEGMENT
OP_MORE(searchsorted, x &&values, (luron_call *c, luron_tensor *x, luron_tensor *values, int right), x, values, right)
OP_MORE(isclose, a &&b, (luron_call *c, luron_tensor *a, luron_tensor *b, double rtol, double atol, int equal_nan), a, b, rtol, atol, equal_nan)
OP_MORE(solve_triangular, a &&b, (luron_call *c, luron_tensor *a, luron_tensor *b, int upper, int unitriangular), a, b, upper, unitriangular)
#undef OP_MORE

static luron_tensor *ops_stack(luron_call *c, int n, luron_tensor *const *xs, int dim) { OP(all_there(n, xs), luron_stack(&out, f->ctx, n, xs, dim)); }
static luron_tensor *ops_einsum(luron_call *c, const char *equation, int n, luron_tensor *const *xs) {
    OP(all_there(n, xs), luron_einsum(&out, f->ctx, equation, n, xs));
}

/* Of several results the first; the others become handles where they are wanted. */
static luron_tensor *keep_two(luron__frame *f, luron_status status, luron_tensor *first, luron_tensor *other, luron_tensor **to) {
    luron_tensor *kept = to ? keep(f, status, other) : NULL;
    if (to) *to = kept;
    else luron_tensor_unref(other);
    if (to && !kept && !status) return luron_tensor_unref(first), NULL;
    return keep(f, status, first);
}
#define OP_TWO(name, parameters, ...)                                                                                  \
    static luron_tensor *ops_##name parameters {                                                                       \
        luron__frame *f = frame_of(c);                                                                                 \
        luron_tensor *out = NULL, *other = NULL;                                                                       \
        if (to) *to = NULL;                                                                                            \
        if (stuck(f) || !x) return NULL;                                                                               \
        luron_status status = luron_##name(__VA_ARGS__);                                                               \
        return keep_two(f, status, out, other, to);                                                                    \
    }
OP_TWO(cummax, (luron_call *c, luron_tensor *x, int dim, luron_tensor **to), &out, &other, f->ctx, x, dim)
OP_TWO(cummin, (luron_call *c, luron_tensor *x, int dim, luron_tensor **to), &out, &other, f->ctx, x, dim)
OP_TWO(sort, (luron_call *c, luron_tensor *x, int dim, int descending, luron_tensor **to), &out, &other, f->ctx, x, dim, descending)
OP_TWO(topk, (luron_call *c, luron_tensor *x, int64_t k, int dim, int largest, luron_tensor **to), &out, &other, f->ctx, x, k, dim, largest)
OP_TWO(median, (luron_call *c, luron_tensor *x, int dim, int hold, luron_tensor **to), &out, &other, f->ctx, x, dim, hold)
OP_TWO(mode, (luron_call *c, luron_tensor *x, int dim, int hold, luron_tensor **to), &out, &other, f->ctx, x, dim, hold)
OP_TWO(kthvalue, (luron_call *c, luron_tensor *x, int64_t k, int dim, int hold, luron_tensor **to), &out, &other, f->ctx, x, k, dim, hold)
OP_TWO(slogdet, (luron_call *c, luron_tensor *x, luron_tensor **to), &out, &other, f->ctx, x)
OP_TWO(qr, (luron_call *c, luron_tensor *x, luron_tensor **to), &out, &other, f->ctx, x)
OP_TWO(eigh, (luron_call *c, luron_tensor *x, luron_tensor **to), &out, &other, f->ctx, x)
#undef OP_TWO
static luron_tensor *ops_svd(luron_call *c, luron_tensor *x, luron_tensor **s, luron_tensor **vh) {
    luron__frame *f = frame_of(c);
    luron_tensor *out = NULL, *values = NULL, *right = NULL;
    if (s) *s = NULL;
    if (vh) *vh = NULL;
    if (stuck(f) || !x) return NULL;
    luron_status status = luron_svd(&out, &values, &right, f->ctx, x);
    out = keep_two(f, status, out, values, s);
    if (status) return NULL;
    if (!vh || !out) luron_tensor_unref(right);
    else if (!(*vh = keep(f, LURON_OK, right))) return NULL;
    return out;
}

static luron_tensor *ops_csr_matmul(luron_call *c, luron_tensor *offsets, luron_tensor *cols, luron_tensor *values, int64_t n_cols, luron_tensor *x) {
    const luron_csr a = {.n_cols = n_cols, .offsets = offsets, .cols = cols};
    OP(offsets && cols && x, luron_csr_matmul(&out, f->ctx, &a, values, x));
}
static luron_tensor *ops_csr_sample(luron_call *c, luron_tensor *offsets, luron_tensor *cols, int64_t n_cols, luron_tensor *g, luron_tensor *x) {
    const luron_csr a = {.n_cols = n_cols, .offsets = offsets, .cols = cols};
    OP(offsets && cols && g && x, luron_csr_sample(&out, f->ctx, &a, g, x));
}

static const luron_ops table = {.struct_size = sizeof table,
                                .in = ops_in,
                                .param = ops_param,
                                .state = ops_state,
                                .set_out = ops_set_out,
                                .ndim = ops_ndim,
                                .size = ops_size,
#define ENTRY(name) .name = ops_##name,
                                LURON_UNARY_MAP(ENTRY) LURON_BINARY_MAP(ENTRY) LURON_COMPARE_MAP(ENTRY)
#undef ENTRY
                                    .scalar = ops_scalar,
                                .scale = ops_scale,
                                .clamp = ops_clamp,
                                .where = ops_where,
                                .matmul = ops_matmul,
                                .add_row = ops_add,
                                .sum = ops_sum,
                                .mean = ops_mean,
                                .amax = ops_amax,
                                .softmax = ops_softmax,
                                .log_softmax = ops_log_softmax,
                                .reshape = ops_reshape,
                                .transpose = ops_transpose,
                                .narrow = ops_narrow,
                                .expand = ops_expand,
                                .cat = ops_cat,
                                .gather = ops_gather,
                                .index_select = ops_index_select,
                                .one_hot = ops_one_hot,
                                .cast = ops_cast,
                                .uniform = ops_uniform,
#define ENTRY(name) .name = ops_##name,
                                ENTRY(logical_not) ENTRY(isfinite) ENTRY(isnan) ENTRY(prod) ENTRY(amin) ENTRY(any) ENTRY(all) ENTRY(logsumexp)
                                ENTRY(var) ENTRY(std) ENTRY(norm) ENTRY(quantile) ENTRY(argmax) ENTRY(argmin) ENTRY(sum_to) ENTRY(cumsum)
                                ENTRY(cumprod) ENTRY(logcumsumexp) ENTRY(diff) ENTRY(cummax) ENTRY(cummin) ENTRY(sort) ENTRY(topk)
                                ENTRY(median) ENTRY(mode) ENTRY(kthvalue) ENTRY(argsort) ENTRY(permute) ENTRY(movedim) ENTRY(squeeze)
                                ENTRY(unsqueeze) ENTRY(select) ENTRY(slice) ENTRY(diagonal) ENTRY(diag) ENTRY(contiguous) ENTRY(detach)
                                ENTRY(stack) ENTRY(flip) ENTRY(roll) ENTRY(tile) ENTRY(pad) ENTRY(tril) ENTRY(triu) ENTRY(masked_fill)
                                ENTRY(masked_scatter) ENTRY(scatter) ENTRY(scatter_add) ENTRY(scatter_reduce) ENTRY(index_add)
                                ENTRY(index_copy) ENTRY(index_fill) ENTRY(take) ENTRY(segment_sum) ENTRY(segment_mean) ENTRY(segment_max)
                                ENTRY(segment_min) ENTRY(searchsorted) ENTRY(isclose) ENTRY(einsum) ENTRY(outer) ENTRY(dot) ENTRY(trace)
                                ENTRY(solve) ENTRY(inverse) ENTRY(det) ENTRY(cholesky) ENTRY(solve_triangular) ENTRY(slogdet) ENTRY(qr)
                                ENTRY(eigh) ENTRY(svd) ENTRY(csr_matmul) ENTRY(csr_sample) ENTRY(asinh) ENTRY(acosh)
                                ENTRY(atanh)
#undef ENTRY
};
const luron_ops *luron__ops_table(void) { return &table; }
