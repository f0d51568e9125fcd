/* ops_inplace.c -- writing into a tensor that exists: not on the tape. */
#include "ops_elementwise.h"
#include "plan.h"

#include <math.h>
#include <string.h>

enum { SMALL = 4096 /* elements that are converted without more ado */ };

/* Does src give one number, or numbers that lie as those of t? */
static bool is_simple(const luron_tensor *t, const luron_tensor *src) {
    return luron_tensor_is_contiguous(t) && luron_tensor_numel(t) <= SMALL &&
           (src->ndim == 0 || (luron__same_shape(t, src) && luron_tensor_is_contiguous(src)));
}

void luron__copy_in_place(luron_ctx *ctx, luron_tensor *t, const luron_tensor *src) {
    if (is_simple(t, src)) {
        luron__convert(t->dtype, luron__data(t), 1, src->dtype, luron__data(src), src->ndim > 0, luron_tensor_numel(t));
        luron_tensor_touch(t);
        return;
    }
    luron__ew e = {.n_in = 1, .ndim = t->ndim};
    memcpy(e.shape, t->shape, sizeof e.shape);
    luron__ew_operand_of(&e.out, t, t->dtype, t->ndim, t->shape);
    luron__ew_operand_of(&e.in[0], src, t->dtype, t->ndim, t->shape);
    luron__elementwise(&e, ctx->threads);
    luron_tensor_touch(t);
}

void luron__add_in_place(luron_ctx *ctx, luron_tensor *t, const luron_tensor *g) {
    uint32_t run = luron__compute_dtype(t->dtype);
    luron__ew e = {.fn = luron__ew_binary, .id = LURON__BINARY_add, .n_in = 2, .ndim = t->ndim};
    memcpy(e.shape, t->shape, sizeof e.shape);
    luron__ew_operand_of(&e.out, t, run, t->ndim, t->shape);
    luron__ew_operand_of(&e.in[0], t, run, t->ndim, t->shape);
    luron__ew_operand_of(&e.in[1], g, run, t->ndim, t->shape);
    luron__elementwise(&e, ctx->threads);
    luron__plan_add(ctx, t, g);
}

luron_status luron_tensor_copy(luron_ctx *ctx, luron_tensor *t, luron_tensor *src) {
    LURON_TRY(luron__check_writable(ctx, "copy", t, src));
    int ndim;
    int64_t shape[LURON_MAX_DIMS];
    LURON_TRY(luron__broadcast(ctx, "copy", src, t, &ndim, shape));
    if (ndim != t->ndim || memcmp(shape, t->shape, (size_t)ndim * sizeof *shape) != 0) {
        char from[LURON__SHAPE_TEXT], to[LURON__SHAPE_TEXT];
        return luron__fail(ctx, LURON_E_SHAPE, "copy: source of shape %s does not broadcast to %s",
                           luron_shape_text(from, sizeof from, src->ndim, src->shape),
                           luron_shape_text(to, sizeof to, t->ndim, t->shape));
    }
    if (!luron_tensor_is_shared(t, src)) {
        luron__copy_in_place(ctx, t, src);
        luron__plan_copy(ctx, t, src);
        return LURON_OK;
    }
    luron_tensor *apart; /* the two may overlap */
    LURON_TRY(luron_copy(&apart, ctx, src));
    luron__copy_in_place(ctx, t, apart);
    luron__plan_copy(ctx, t, apart);
    luron_tensor_unref(apart);
    return LURON_OK;
}

luron_status luron__check_number(luron_ctx *ctx, const char *what, double value, uint32_t dtype) {
    double low = -9007199254740992.0, high = -low; /* doubles between these are whole numbers one by one */
    if (luron_dtype_is_float(dtype)) return LURON_OK;
    if (dtype == LURON_U8) low = 0, high = UINT8_MAX;
    if (dtype == LURON_I32) low = INT32_MIN, high = INT32_MAX;
    LURON__CHECK(ctx, value == floor(value), LURON_E_ARGUMENT, "%s is %g, but the tensor is %s: a whole number expected",
                 what, value, luron_dtype_name(dtype));
    LURON__CHECK(ctx, value >= low && value <= high, LURON_E_ARGUMENT,
                 "%s is %.17g, but the tensor is %s: a whole number from %.0f to %.0f expected", what, value,
                 luron_dtype_name(dtype), low, high);
    return LURON_OK;
}

luron_status luron_tensor_fill(luron_ctx *ctx, luron_tensor *t, double value) {
    LURON_TRY(luron__check_number(ctx, "fill: value", value, t->dtype));
    LURON_TRY(luron__check_writable(ctx, "fill", t, NULL));
    luron__plan_fill(ctx, t, value);
    luron__storage storage = {.data = &value};
    luron__copy_in_place(ctx, t, &(luron_tensor){.dtype = LURON_F64, .storage = &storage});
    return LURON_OK;
}
