/* The table of ops for `compose`. Handles belong to the call: what an op makes is noted in the frame and released with
 * it. A NULL operand gives NULL, and after the first failure everything gives NULL, so that a plugin checks nothing
 * before set_out.                                                                                                    */
#include "call.h"

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

static luron_tensor *ops_cat(luron_call *c, int n, luron_tensor *const *xs, int dim) {
    bool all = n > 0 && xs;
    for (int i = 0; i < n && all; i++) all = xs[i] != NULL;
    OP(all, luron_cat(&out, f->ctx, n, xs, dim));
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
    c->host->rand_uniform(c, stream, 0, luron_tensor_numel(t), (float *)luron_tensor_data(t));
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
                                .uniform = ops_uniform};
const luron_ops *luron__ops_table(void) { return &table; }
