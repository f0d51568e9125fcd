/* ops_view.c -- views: other shapes, strides and offsets over the storage of their operand. */
#include "internal.h"

#include <stdio.h>

/** out starts as in[0] seen as it is. */
static void view_as_is(luron__apply *a) {
    const luron_tensor *x = a->in[0];
    a->is_view = true;
    a->dtype = x->dtype, a->ndim = x->ndim, a->offset = x->offset;
    for (int i = 0; i < x->ndim; i++) a->shape[i] = x->shape[i], a->strides[i] = x->strides[i];
}

/** Positions in messages count as the context counts. */
static luron_status fail_positions(luron_ctx *ctx, const char *what, const luron_tensor *x, int dim, int64_t first,
                                   int64_t length) {
    char text[LURON__SHAPE_TEXT];
    int base = ctx->index_base;
    long long shown = first < 0 ? first : first + base;
    luron_shape_text(text, sizeof text, x->ndim, x->shape);
    if (length == 1)
        return luron__fail(ctx, LURON_E_RANGE, "%s: position %lld is not within dim %d of %s, which has size %lld",
                           what, shown, dim + base, text, (long long)x->shape[dim]);
    return luron__fail(ctx, LURON_E_RANGE,
                       "%s: %lld positions from %lld are not within dim %d of %s, which has size %lld", what,
                       (long long)length, shown, dim + base, text, (long long)x->shape[dim]);
}

/* ---- reshape: at = shape, n = ndim ------------------------------------------------------------------------------ */

static void contiguous_strides(int ndim, const int64_t *shape, int64_t *strides) {
    int64_t step = 1;
    for (int d = ndim - 1; d >= 0; d--) {
        strides[d] = step;
        step *= shape[d] ? shape[d] : 1;
    }
}

/** Strides that show x as `shape` (of as many elements), or false if only a copy can. Runs of dims of x that lie in one
 *  piece are matched, from the last on, with runs of new dims of the same product. */
static bool view_strides(const luron_tensor *x, int ndim, const int64_t *shape, int64_t *strides) {
    if (x->ndim == 0 || luron__numel(x->ndim, x->shape) == 0) {
        contiguous_strides(ndim, shape, strides);
        return true;
    }
    int to = ndim - 1;
    int64_t step = x->strides[x->ndim - 1], run = 1, made = 1;
    for (int d = x->ndim - 1; d >= 0; d--) {
        run *= x->shape[d];
        if (d > 0 && (x->shape[d - 1] == 1 || x->strides[d - 1] == run * step)) continue;
        while (to >= 0 && (made < run || shape[to] == 1)) {
            strides[to] = made * step;
            made *= shape[to--];
        }
        if (made != run) return false;
        if (d > 0) step = x->strides[d - 1], run = made = 1;
    }
    return to == -1;
}

static luron_status fail_reshape(luron_ctx *ctx, const luron__apply *a, bool fits, int64_t known) {
    char have[LURON__SHAPE_TEXT], want[LURON__SHAPE_TEXT];
    const luron_tensor *x = a->in[0];
    long long numel = luron__numel(x->ndim, x->shape);
    bool open = false, negative = false, twice = false;
    for (int i = 0; i < a->attrs.n; i++) {
        negative |= a->attrs.at[i] < -1;
        twice |= open && a->attrs.at[i] == -1;
        open |= a->attrs.at[i] == -1;
    }
    luron_shape_text(have, sizeof have, x->ndim, x->shape);
    luron_shape_text(want, sizeof want, a->attrs.n, a->attrs.at);
    LURON__CHECK(ctx, !twice, LURON_E_SHAPE, "reshape: %s has more than one -1", want);
    LURON__CHECK(ctx, !negative, LURON_E_SHAPE, "reshape: sizes in %s must be positive, 0, or one -1", want);
    LURON__CHECK(ctx, fits, LURON_E_SHAPE, "reshape: %s has %lld elements, %s has too many", have, numel, want);
    LURON__CHECK(ctx, !open || known > 0, LURON_E_SHAPE,
                 "reshape: the -1 in %s could be any size, for there are 0 elements", want);
    LURON__CHECK(ctx, !open, LURON_E_SHAPE, "reshape: %s has %lld elements, which %s cannot share out", have, numel,
                 want);
    return luron__fail(ctx, LURON_E_SHAPE, "reshape: %s has %lld elements, %s has %lld", have, numel, want,
                       (long long)known);
}

/** The sizes asked for, with a -1 replaced by what is left. */
static luron_status resolve_shape(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    int64_t numel = luron__numel(x->ndim, x->shape), known = 1, *at = a->attrs.at;
    int open = -1;
    bool fits = true, zero = false, good = true;
    LURON_TRY(luron__attr_count(ctx, a));
    for (int i = 0; i < a->attrs.n; i++) {
        good = good && at[i] >= -1 && (at[i] >= 0 || open < 0);
        if (at[i] == -1)
            open = i;
        else if (at[i] == 0)
            zero = true;
        else if (__builtin_mul_overflow(known, at[i], &known))
            fits = false;
    }
    if (zero)
        known = 0, fits = true;
    good = good && fits && (open < 0 ? known == numel : known > 0 && numel % known == 0);
    if (!good) return fail_reshape(ctx, a, fits, known);
    if (open >= 0) at[open] = numel / known;
    return LURON_OK;
}

static luron_status reshape_infer(luron_ctx *ctx, luron__apply *a) {
    LURON_TRY(resolve_shape(ctx, a));
    view_as_is(a);
    a->ndim = a->attrs.n;
    for (int i = 0; i < a->ndim; i++) a->shape[i] = a->attrs.at[i];
    luron_status status = luron__check_shape(ctx, a->dtype, a->ndim, a->shape, NULL);
    if (status) return luron__wrap(ctx, status, "reshape");
    a->is_view = view_strides(a->in[0], a->ndim, a->shape, a->strides);
    return LURON_OK;
}

/* Where no strides show x in that shape: a copy. */
static luron_status reshape_compute(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    int64_t strides[LURON_MAX_DIMS];
    contiguous_strides(x->ndim, x->shape, strides);
    luron__copy_into(ctx, a->dtype, luron__data(a->out), strides, x);
    return LURON_OK;
}

static luron_status reshape_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                     int i) {
    return luron_reshape(out, ctx, g, node->in[i]->ndim, node->in[i]->shape);
}

static const luron__op_attr shape_attrs[] = {{"shape", LURON__ATTR_INTS, 0}, {0}};
static const luron__op op_reshape = {.name = "reshape",
                                     .infer = reshape_infer,
                                     .compute = reshape_compute,
                                     .gradient = reshape_gradient,
                                     .attrs = shape_attrs,
                                     .n_in = 1,
                                     .carries = LURON__SAVE_IN(0)};

/** Sizes given by a caller as attributes; if they are too many infer sees it by n. */
static luron__attrs attrs_of_shape(int ndim, const int64_t *shape) {
    luron__attrs attrs = {.n = ndim};
    for (int i = 0; i < ndim && i < LURON_MAX_DIMS; i++) attrs.at[i] = shape[i];
    return attrs;
}

luron_status luron_reshape(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int ndim, const int64_t *shape) {
    luron__attrs attrs = attrs_of_shape(ndim, shape);
    return luron__apply_op(out, ctx, &op_reshape, 1, &x, &attrs);
}

/* ---- expand: at = shape, n = ndim ------------------------------------------------------------------------------- */

static luron_status expand_infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    LURON_TRY(luron__attr_count(ctx, a));
    int lead = a->attrs.n - x->ndim;
    bool fits = lead >= 0;
    view_as_is(a);
    a->ndim = a->attrs.n;
    for (int i = 0; i < a->ndim && fits; i++) {
        int64_t have = i < lead ? 1 : x->shape[i - lead], *want = &a->attrs.at[i];
        if (*want == -1 && i >= lead) *want = have;
        fits = *want >= 0 && (have == *want || have == 1);
        a->shape[i] = *want;
        a->strides[i] = i < lead || (have == 1 && *want != 1) ? 0 : x->strides[i - lead];
    }
    if (!fits) {
        char from[LURON__SHAPE_TEXT], to[LURON__SHAPE_TEXT];
        return luron__fail(ctx, LURON_E_SHAPE,
                           "expand: %s cannot become %s: only sizes of 1 and new leading dims repeat",
                           luron_shape_text(from, sizeof from, x->ndim, x->shape),
                           luron_shape_text(to, sizeof to, a->attrs.n, a->attrs.at));
    }
    return LURON_OK;
}

static luron_status expand_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                    int i) {
    return luron_sum_to(out, ctx, g, node->in[i]->ndim, node->in[i]->shape);
}

static const luron__op op_expand = {.name = "expand",
                                    .infer = expand_infer,
                                    .gradient = expand_gradient,
                                    .attrs = shape_attrs,
                                    .n_in = 1,
                                    .carries = LURON__SAVE_IN(0)};

luron_status luron_expand(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int ndim, const int64_t *shape) {
    luron__attrs attrs = attrs_of_shape(ndim, shape);
    return luron__apply_op(out, ctx, &op_expand, 1, &x, &attrs);
}

/* ---- permute: at = dims ----------------------------------------------------------------------------------------- */

static luron_status permute_infer(luron_ctx *ctx, luron__apply *a) {
    unsigned seen = 0;
    char text[LURON__SHAPE_TEXT];
    const luron_tensor *x = a->in[0];
    LURON__CHECK(ctx, a->attrs.n == x->ndim, LURON_E_SHAPE, "permute: %d dims given, %s has %d", a->attrs.n,
                 luron_shape_text(text, sizeof text, x->ndim, x->shape), x->ndim);
    view_as_is(a);
    for (int i = 0; i < a->ndim; i++) {
        LURON_TRY(luron__attr_dim(ctx, a, i, a->ndim));
        int dim = (int)a->attrs.at[i];
        LURON__CHECK(ctx, !(seen & 1u << dim), LURON_E_ARGUMENT,
                     "permute: dim %d is named twice, every dim of %s must be named once", dim + ctx->index_base,
                     luron_shape_text(text, sizeof text, x->ndim, x->shape));
        seen |= 1u << dim;
        a->shape[i] = x->shape[dim];
        a->strides[i] = x->strides[dim];
    }
    return LURON_OK;
}

static luron_status permute_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                     int operand) {
    (void)operand;
    int back[LURON_MAX_DIMS];
    for (int i = 0; i < g->ndim; i++) back[node->attrs.at[i]] = i;
    return luron_permute(out, ctx, g, g->ndim, back);
}

static const luron__op_attr permute_attrs[] = {{"dims", LURON__ATTR_INTS, 0}, {0}};
static const luron__op op_permute = {.name = "permute",
                                     .infer = permute_infer,
                                     .gradient = permute_gradient,
                                     .attrs = permute_attrs,
                                     .n_in = 1,
                                     .carries = LURON__SAVE_IN(0)};

luron_status luron_permute(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int ndim, const int *dims) {
    luron__attrs attrs = {.n = ndim};
    for (int i = 0; i < ndim && i < LURON_MAX_DIMS; i++) attrs.at[i] = dims[i];
    return luron__apply_op(out, ctx, &op_permute, 1, &x, &attrs);
}

luron_status luron_transpose(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim0, int dim1) {
    LURON_TRY(luron__wrap_dim(&dim0, ctx, "transpose: dim", x->ndim));
    LURON_TRY(luron__wrap_dim(&dim1, ctx, "transpose: dim", x->ndim));
    luron__attrs attrs = {.n = x->ndim};
    for (int i = 0; i < x->ndim; i++) attrs.at[i] = i;
    if (x->ndim) attrs.at[dim0] = dim1, attrs.at[dim1] = dim0;
    return luron__apply_op(out, ctx, &op_permute, 1, &x, &attrs);
}

/* ---- slice (and narrow): at = dim, first, count, step ----------------------------------------------------------- */

static luron_status slice_infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    LURON__CHECK(ctx, x->ndim > 0, LURON_E_SHAPE, "slice: a tensor without dims has no positions to choose from");
    LURON_TRY(luron__attr_dim(ctx, a, 0, x->ndim));
    int64_t dim = a->attrs.at[0], first = a->attrs.at[1], count = a->attrs.at[2], step = a->attrs.at[3];
    LURON__CHECK(ctx, step >= 1, LURON_E_ARGUMENT, "slice: step is %lld, it must be 1 or more", (long long)step);
    bool fits = first >= 0 && count >= 0 && first <= x->shape[dim];
    if (fits && count > 0) fits = first < x->shape[dim] && count - 1 <= (x->shape[dim] - 1 - first) / step;
    if (!fits) return fail_positions(ctx, "slice", x, (int)dim, first, count);
    view_as_is(a);
    if (count > 0) a->offset += first * a->strides[dim];
    if (count > 1) a->strides[dim] *= step;
    a->shape[dim] = count;
    return LURON_OK;
}

static luron_status slice_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                   int i) {
    const int64_t *at = node->attrs.at;
    return luron__pad_slice(out, ctx, g, node->in[i]->ndim, node->in[i]->shape, (int)at[0], at[1], at[3]);
}

static const luron__op_attr slice_attrs[] = {{"dim", LURON__ATTR_DIM, 0},
                                          {"start", LURON__ATTR_INT, 1},
                                          {"count", LURON__ATTR_INT, 2},
                                          {"step", LURON__ATTR_INT, 3},
                                          {0}};
static const luron__op op_slice = {.name = "slice",
                                   .infer = slice_infer,
                                   .gradient = slice_gradient,
                                   .attrs = slice_attrs,
                                   .n_in = 1,
                                   .is_part = true,
                                   .carries = LURON__SAVE_IN(0)};

static luron_status slice(luron_tensor **out, luron_ctx *ctx, const char *what, luron_tensor *x, int dim, int64_t start,
                          int64_t length, int64_t step) {
    char dim_text[32];
    LURON__CHECK(ctx, x->ndim > 0, LURON_E_SHAPE, "%s: a tensor without dims has no positions to choose from", what);
    snprintf(dim_text, sizeof dim_text, "%s: dim", what);
    LURON_TRY(luron__wrap_dim(&dim, ctx, dim_text, x->ndim));
    if (start < 0 || length < 0 || start > x->shape[dim] || length > x->shape[dim] - start)
        return fail_positions(ctx, what, x, dim, start, length);
    int64_t count = length / step + (length % step != 0);
    luron__attrs attrs = {.at = {dim, start, count, step}};
    return luron__apply_op(out, ctx, &op_slice, 1, &x, &attrs);
}

luron_status luron_narrow(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, int64_t start, int64_t length) {
    return slice(out, ctx, "narrow", x, dim, start, length, 1);
}

luron_status luron_slice(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, int64_t start, int64_t length,
                         int64_t step) {
    LURON__CHECK(ctx, step >= 1, LURON_E_ARGUMENT, "slice: step is %lld, it must be 1 or more", (long long)step);
    return slice(out, ctx, "slice", x, dim, start, length, step);
}

/* ---- select: at = dim, position --------------------------------------------------------------------------------- */

static void drop_dim(luron__apply *a, int64_t dim) {
    a->ndim--;
    for (int64_t i = dim; i < a->ndim; i++) a->shape[i] = a->shape[i + 1], a->strides[i] = a->strides[i + 1];
}

static luron_status select_infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    LURON__CHECK(ctx, x->ndim > 0, LURON_E_SHAPE, "select: a tensor without dims has no positions to choose from");
    LURON_TRY(luron__attr_dim(ctx, a, 0, x->ndim));
    int64_t dim = a->attrs.at[0], at = a->attrs.at[1], size = x->shape[dim];
    if (at < -size || at >= size) return fail_positions(ctx, "select", x, (int)dim, at, 1);
    if (at < 0) a->attrs.at[1] = at += size;
    view_as_is(a);
    a->offset += at * a->strides[dim];
    drop_dim(a, dim);
    return LURON_OK;
}

static luron_status select_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                    int i) {
    int dim = (int)node->attrs.at[0];
    luron_tensor *wide;
    LURON_TRY(luron_unsqueeze(&wide, ctx, g, dim));
    luron_status status =
        luron__pad_slice(out, ctx, wide, node->in[i]->ndim, node->in[i]->shape, dim, node->attrs.at[1], 1);
    luron_tensor_unref(wide);
    return status;
}

static const luron__op_attr select_attrs[] = {{"dim", LURON__ATTR_DIM, 0}, {"position", LURON__ATTR_INT, 1}, {0}};
static const luron__op op_select = {.name = "select",
                                    .infer = select_infer,
                                    .gradient = select_gradient,
                                    .attrs = select_attrs,
                                    .n_in = 1,
                                    .is_part = true,
                                   .carries = LURON__SAVE_IN(0)};

luron_status luron_select(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, int64_t at) {
    return luron__apply_op(out, ctx, &op_select, 1, &x, &(luron__attrs){.at = {dim, at}});
}

/* ---- unsqueeze and squeeze: at = dim ---------------------------------------------------------------------------- */

static luron_status unsqueeze_infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    LURON__CHECK(ctx, x->ndim < LURON_MAX_DIMS, LURON_E_SHAPE,
                 "unsqueeze: the tensor has %d dimensions, and no more are possible", x->ndim);
    LURON_TRY(luron__attr_dim(ctx, a, 0, x->ndim + 1));
    int64_t dim = a->attrs.at[0];
    view_as_is(a);
    for (int64_t i = a->ndim++; i > dim; i--) a->shape[i] = a->shape[i - 1], a->strides[i] = a->strides[i - 1];
    a->strides[dim] = dim + 1 < a->ndim ? a->shape[dim + 1] * a->strides[dim + 1] : 1;
    a->shape[dim] = 1;
    return LURON_OK;
}

static luron_status unsqueeze_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                       int i) {
    (void)i;
    return luron_squeeze(out, ctx, g, (int)node->attrs.at[0]);
}

static const luron__op_attr dim_attrs[] = {{"dim", LURON__ATTR_DIM, 0}, {0}};
static const luron__op op_unsqueeze = {.name = "unsqueeze",
                                       .infer = unsqueeze_infer,
                                       .gradient = unsqueeze_gradient,
                                       .attrs = dim_attrs,
                                       .n_in = 1,
                                       .carries = LURON__SAVE_IN(0)};

luron_status luron_unsqueeze(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim) {
    return luron__apply_op(out, ctx, &op_unsqueeze, 1, &x, &(luron__attrs){.at = {dim}});
}

static luron_status squeeze_infer(luron_ctx *ctx, luron__apply *a) {
    const luron_tensor *x = a->in[0];
    LURON_TRY(luron__attr_dim(ctx, a, 0, x->ndim));
    view_as_is(a);
    if (x->ndim && x->shape[a->attrs.at[0]] == 1) drop_dim(a, a->attrs.at[0]);
    return LURON_OK;
}

static luron_status squeeze_gradient(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g,
                                     int i) {
    if (node->in[i]->ndim != g->ndim) return luron_unsqueeze(out, ctx, g, (int)node->attrs.at[0]);
    *out = luron_tensor_ref(g);
    return LURON_OK;
}

static const luron__op op_squeeze = {.name = "squeeze",
                                     .infer = squeeze_infer,
                                     .gradient = squeeze_gradient,
                                     .attrs = dim_attrs,
                                     .n_in = 1,
                                     .carries = LURON__SAVE_IN(0)};

luron_status luron_squeeze(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim) {
    return luron__apply_op(out, ctx, &op_squeeze, 1, &x, &(luron__attrs){.at = {dim}});
}

/* ---- detach: as it is, off the tape ------------------------------------------------------------------------------- */

static luron_status detach_infer(luron_ctx *ctx, luron__apply *a) {
    (void)ctx;
    view_as_is(a);
    return LURON_OK;
}

static const luron__op op_detach = {.name = "detach", .infer = detach_infer, .n_in = 1, .carries = LURON__SAVE_IN(0)};

luron_status luron_detach(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return luron__apply_op(out, ctx, &op_detach, 1, &x, NULL);
}

const luron__op *const luron__ops_view[] = {&op_reshape, &op_expand,    &op_permute, &op_slice,
                                            &op_select,  &op_unsqueeze, &op_squeeze, &op_detach, NULL};
