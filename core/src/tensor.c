#include "plan.h"

#include <stdio.h>
#include <string.h>

/* ---- dtypes ------------------------------------------------------------------------------------------------------- */
static const struct dtype {
    uint32_t dtype;
    const char *name, *alias;
} dtypes[] = {
    {LURON_F32, "float32", "float"}, {LURON_F64, "float64", "double"}, {LURON_I64, "int64", "long"}, {LURON_I32, "int32", "int"},
    {LURON_U8, "uint8", "byte"},     {LURON_B8, "bool", "bool"},       {LURON_F16, "float16", "half"}, {LURON_BF16, "bfloat16", "bfloat16"},
};
enum { N_DTYPES = sizeof dtypes / sizeof *dtypes };

static const struct dtype *dtype_of(uint32_t dtype) {
    for (int i = 0; i < N_DTYPES; i++)
        if (dtypes[i].dtype == dtype) return &dtypes[i];
    return NULL;
}
const char *luron_dtype_name(uint32_t dtype) { return dtype_of(dtype) ? dtype_of(dtype)->name : "?"; }
uint32_t luron_dtype_find(const char *name) {
    for (int i = 0; name && i < N_DTYPES; i++)
        if (strcmp(name, dtypes[i].name) == 0 || strcmp(name, dtypes[i].alias) == 0) return dtypes[i].dtype;
    return 0;
}
int luron_dtype_size(uint32_t dtype) { /* asked for in every op */
    switch (dtype) {
    case LURON_F32:
    case LURON_I32: return 4;
    case LURON_F64:
    case LURON_I64: return 8;
    case LURON_F16:
    case LURON_BF16: return 2;
    case LURON_U8:
    case LURON_B8: return 1;
    }
    return 0;
}
int luron_dtype_is_float(uint32_t dtype) { return dtype >> 8 == 2 || dtype >> 8 == 4; }

/* ---- shapes ------------------------------------------------------------------------------------------------------- */
const char *luron_shape_text(char *buf, size_t n, int ndim, const int64_t *shape) {
    size_t at = 0;
    for (int i = 0; i < ndim && at < n; i++) at += (size_t)snprintf(buf + at, n - at, "%s%lld", i ? ", " : "(", (long long)shape[i]);
    if (at < n) snprintf(buf + at, n - at, ndim == 0 ? "()" : ndim == 1 ? ",)" : ")");
    return buf;
}

int64_t luron__numel(int ndim, const int64_t *shape) {
    int64_t n = 1;
    for (int i = 0; i < ndim; i++) n *= shape[i];
    return n;
}

luron_status luron__check_shape(luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape, int64_t *numel) {
    char text[LURON__SHAPE_TEXT];
    int size = luron_dtype_size(dtype);
    LURON__CHECK(ctx, size > 0, LURON_E_DTYPE, "0x%x is no dtype", dtype);
    LURON__CHECK(ctx, ndim >= 0 && ndim <= LURON_MAX_DIMS, LURON_E_SHAPE, "%d dimensions: at most %d", ndim, LURON_MAX_DIMS);
    /* Zero sizes do not excuse the others from fitting: strides are made of them. */
    int64_t n = 1, bound = 1;
    for (int i = 0; i < ndim; i++) {
        LURON__CHECK(ctx, shape[i] >= 0, LURON_E_SHAPE, "shape %s has a negative size", luron_shape_text(text, sizeof text, ndim, shape));
        n *= shape[i];
        LURON__CHECK(ctx, !__builtin_mul_overflow(bound, shape[i] ? shape[i] : 1, &bound) && bound <= INT64_MAX / 64, LURON_E_SHAPE,
                     "shape %s is too large", luron_shape_text(text, sizeof text, ndim, shape));
    }
    if (numel) *numel = n;
    return LURON_OK;
}

bool luron__same_shape(const luron_tensor *a, const luron_tensor *b) {
    if (a->ndim != b->ndim) return false;
    for (int i = 0; i < a->ndim; i++)
        if (a->shape[i] != b->shape[i]) return false;
    return true;
}

luron_status luron__wrap_dim(int *dim, luron_ctx *ctx, const char *what, int ndim) {
    int d = *dim < 0 ? *dim + ndim : *dim;
    if (ndim == 0 && (*dim == 0 || *dim == -1)) d = 0; /* a 0-d tensor counts as one of a single dim */
    else if (d < 0 || d >= ndim) {
        int given = *dim < 0 ? *dim : *dim + ctx->index_base;
        return luron__fail(ctx, LURON_E_RANGE, "%s: no dim %d in a tensor of %d dims (they count from %d, -1 is the last)", what, given, ndim, ctx->index_base);
    }
    *dim = d;
    return LURON_OK;
}

luron_status luron__broadcast(luron_ctx *ctx, const char *what, const luron_tensor *a, const luron_tensor *b, int *ndim, int64_t *shape) {
    int n = a->ndim > b->ndim ? a->ndim : b->ndim;
    for (int i = 1; i <= n; i++) {
        int64_t x = i <= a->ndim ? a->shape[a->ndim - i] : 1, y = i <= b->ndim ? b->shape[b->ndim - i] : 1;
        if (x != y && x != 1 && y != 1) {
            char s[LURON__SHAPE_TEXT], t[LURON__SHAPE_TEXT];
            return luron__fail(ctx, LURON_E_SHAPE, "%s: shapes %s and %s do not broadcast: sizes %lld and %lld at dim -%d", what,
                               luron_shape_text(s, sizeof s, a->ndim, a->shape), luron_shape_text(t, sizeof t, b->ndim, b->shape), (long long)x, (long long)y, i);
        }
        shape[n - i] = x == 1 ? y : x;
    }
    *ndim = n;
    return LURON_OK;
}

/* ---- making ------------------------------------------------------------------------------------------------------- */
void luron__set_contiguous(luron_tensor *t) {
    int64_t stride = 1;
    for (int i = t->ndim - 1; i >= 0; i--) {
        t->strides[i] = stride;
        stride *= t->shape[i] ? t->shape[i] : 1;
    }
}

/* in NULL: with memory of its own. */
static luron_status make(luron_tensor **out, luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape, luron__block *in, size_t at) {
    luron_tensor *t;
    LURON_TRY(luron__alloc(&t, ctx, sizeof *t));
    luron__storage *s = luron__pool_alloc(ctx->pool, sizeof *s);
    size_t bytes = (size_t)luron__numel(ndim, shape) * (size_t)luron_dtype_size(dtype);
    void *data = !s ? NULL : in ? (char *)in->data + at : luron__take(ctx, bytes);
    if (!data) {
        luron__pool_free(ctx->pool, s, sizeof *s);
        luron__free(ctx, t, sizeof *t);
        return luron__nomem(ctx, bytes);
    }
    *s = (luron__storage){.refs = 1, .pool = ctx->pool, .data = data, .bytes = bytes, .in = in};
    if (in) atomic_fetch_add(&in->refs, 1);
    t->refs = 1;
    t->dtype = dtype, t->ndim = ndim, t->storage = s, t->pool = ctx->pool;
    if (ndim) memcpy(t->shape, shape, (size_t)ndim * sizeof *shape);
    luron__set_contiguous(t);
    if (ctx->plan) luron__plan_born(ctx->plan, s);
    *out = t;
    return LURON_OK;
}

luron_status luron__tensor_make(luron_tensor **out, luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape) {
    return make(out, ctx, dtype, ndim, shape, NULL, 0);
}

luron_status luron__tensor_make_slot(luron_tensor **out, luron_ctx *ctx, bool is_param, uint32_t dtype, int ndim, const int64_t *shape) {
    const size_t bytes = (size_t)luron__numel(ndim, shape) * (size_t)luron_dtype_size(dtype);
    if (!luron__may_share(ctx) || !is_param || bytes > LURON__SHELF / 4) return luron__tensor_make(out, ctx, dtype, ndim, shape);
    size_t at;
    luron__block *shelf = luron__shelf(&at, ctx->pool, bytes);
    if (!shelf) return luron__nomem(ctx, bytes);
    luron_status status = make(out, ctx, dtype, ndim, shape, shelf, at);
    if (status) luron__block_leave(shelf, (char *)shelf->data + at, bytes);
    else luron__block_unref(shelf);
    return status;
}

luron_status luron__tensor_in_block(luron_tensor **out, luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape, luron__block *block,
                                    size_t at) {
    return make(out, ctx, dtype, ndim, shape, block, at);
}

luron_status luron__tensor_alias(luron_tensor **out, luron_ctx *ctx, const luron_tensor *t) {
    luron_tensor *a;
    LURON_TRY(luron__alloc(&a, ctx, sizeof *a));
    a->refs = 1;
    a->dtype = t->dtype, a->ndim = t->ndim, a->is_number = t->is_number, a->offset = t->offset, a->given = t->given;
    memcpy(a->shape, t->shape, sizeof t->shape);
    memcpy(a->strides, t->strides, sizeof t->strides);
    a->pool = ctx->pool, a->storage = t->storage;
    if (a->storage) atomic_fetch_add(&a->storage->refs, 1);
    *out = a;
    return LURON_OK;
}

luron_status luron_tensor_new(luron_tensor **out, luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape) {
    LURON_TRY(luron__check_shape(ctx, dtype, ndim, shape, NULL));
    LURON_TRY(luron__tensor_make(out, ctx, dtype, ndim, shape));
    luron__plan_constant(ctx, *out);
    return LURON_OK;
}

luron_status luron_tensor_from(luron_tensor **out, luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape, const void *data) {
    LURON_TRY(luron_tensor_new(out, ctx, dtype, ndim, shape));
    if ((*out)->storage->bytes) memcpy((*out)->storage->data, data, (*out)->storage->bytes);
    return LURON_OK;
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */
int luron_tensor_ndim(const luron_tensor *t) { return t->ndim; }
int64_t luron_tensor_size(const luron_tensor *t, int dim) {
    if (dim < 0) dim += t->ndim;
    return dim >= 0 && dim < t->ndim ? t->shape[dim] : -1;
}
const int64_t *luron_tensor_shape(const luron_tensor *t) { return t->shape; }
const int64_t *luron_tensor_strides(const luron_tensor *t) { return t->strides; }
int64_t luron_tensor_numel(const luron_tensor *t) { return luron__numel(t->ndim, t->shape); }
uint32_t luron_tensor_dtype(const luron_tensor *t) { return t->dtype; }
void *luron_tensor_data(const luron_tensor *t) { return luron__data(t); }
void luron_tensor_touch(luron_tensor *t) { luron__touch(t->storage); }
uint64_t luron_tensor_version(const luron_tensor *t) { return atomic_load(&t->storage->version); }
int luron_tensor_is_shared(const luron_tensor *a, const luron_tensor *b) { return a->storage == b->storage; }

int luron_tensor_is_contiguous(const luron_tensor *t) {
    int64_t stride = 1;
    int fits = 1;
    for (int i = t->ndim - 1; i >= 0; i--) {
        fits &= t->shape[i] == 1 || t->strides[i] == stride;
        stride *= t->shape[i];
    }
    return fits || stride == 0; /* nothing is where there are no elements */
}

static luron_status item(luron_ctx *ctx, const luron_tensor *t, uint32_t dtype, void *to) {
    char text[LURON__SHAPE_TEXT];
    LURON_TRY(luron_tracer_reads(ctx, t, "item"));
    LURON__CHECK(ctx, luron_tensor_numel(t) == 1, LURON_E_SHAPE, "item: a tensor of one element expected, got %s",
                 luron_shape_text(text, sizeof text, t->ndim, t->shape));
    luron__convert(dtype, to, 1, t->dtype, luron__data(t), 1, 1);
    return LURON_OK;
}
luron_status luron_tensor_item(double *out, luron_ctx *ctx, const luron_tensor *t) { return item(ctx, t, LURON_F64, out); }
luron_status luron_tensor_item_int(int64_t *out, luron_ctx *ctx, const luron_tensor *t) { return item(ctx, t, LURON_I64, out); }

luron_status luron_tensor_read(luron_ctx *ctx, const luron_tensor *t, uint32_t dtype, void *to) {
    int size = luron_dtype_size(dtype), from = luron_dtype_size(t->dtype);
    LURON__CHECK(ctx, size > 0, LURON_E_DTYPE, "0x%x is no dtype", dtype);
    LURON_TRY(luron_tracer_reads(ctx, t, "read"));
    int64_t n = luron_tensor_numel(t), inner = t->ndim ? t->shape[t->ndim - 1] : 1, at[LURON_MAX_DIMS] = {0};
    if (luron_tensor_is_contiguous(t)) inner = n; /* one run */
    int64_t stride = luron_tensor_is_contiguous(t) ? 1 : t->strides[t->ndim - 1];
    const char *x = luron__data(t);
    for (int64_t done = 0; done < n; done += inner) {
        luron__convert(dtype, (char *)to + done * size, 1, t->dtype, x, stride, inner);
        for (int d = t->ndim - 2; d >= 0 && inner != n; d--) {
            x += t->strides[d] * from;
            if (++at[d] < t->shape[d]) break;
            x -= t->shape[d] * t->strides[d] * from;
            at[d] = 0;
        }
    }
    return LURON_OK;
}

luron_view luron__view(const luron_tensor *t) {
    return (luron_view){.data = t->storage ? luron__data(t) : NULL, .device_type = 1, .ndim = t->ndim, .dtype_code = (uint8_t)(t->dtype >> 8),
                        .dtype_bits = (uint8_t)t->dtype, .dtype_lanes = 1, .shape = (int64_t *)t->shape, .strides = (int64_t *)t->strides};
}

/* A view of a leaf is no result of an operation to whoever writes x[1] = 3. */
static const char *refusal(const luron_tensor *t) {
    if (!t->node) return "requires a gradient";
    const luron_tensor *from = t;
    while (from && from->node && !from->node->op->compute) from = from->node->n_in == 1 ? from->node->in[0] : NULL;
    return from && !from->node && from->storage == t->storage ? "is part of one that requires a gradient" : "was made by recorded operations";
}

luron_status luron__check_writable(luron_ctx *ctx, const char *what, const luron_tensor *t, const luron_tensor *src) {
    LURON_TRY(luron__tracer_check_write(ctx, what, t));
    LURON__CHECK(ctx, !(ctx->recording && t->requires_grad), LURON_E_STATE,
                 "%s: the tensor %s, so it cannot be changed in place while gradients are recorded (use no_grad, or an operation that makes a new tensor)",
                 what, refusal(t));
    LURON__CHECK(ctx, !(ctx->recording && src && src->requires_grad), LURON_E_STATE,
                 "%s: the source needs a gradient and an in-place change is not recorded (use no_grad or detach)", what);
    for (int i = 0; i < t->ndim; i++)
        LURON__CHECK(ctx, t->strides[i] != 0 || t->shape[i] <= 1, LURON_E_STATE, "%s: an expanded tensor cannot be changed in place: several positions are one element", what);
    luron__plan_writes(ctx, what);
    return LURON_OK;
}
