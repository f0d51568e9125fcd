/* ops_table.c -- all ops by name, and the checks of attributes that their infers share. */
#include "internal.h"

#include <stdio.h>
#include <string.h>

static const luron__op *const *const lists[] = {
    luron__ops_unary,   luron__ops_binary, luron__ops_elementwise, luron__ops_matmul, luron__ops_reduce,
    luron__ops_view,    luron__ops_join,   luron__ops_index,       luron__ops_scan,   luron__ops_softmax,
    luron__ops_sort,    luron__ops_move,   luron__ops_make,        luron__ops_order,  luron__ops_put,
    luron__ops_scatter, luron__ops_unique, luron__ops_diagonal,    luron__ops_linalg, luron__ops_linalg_factor,
    luron__ops_sparse,  luron__ops_named};

const luron__op *luron__op_at(int i) {
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (const luron__op *const *op = lists[l]; *op; op++)
            if (i-- == 0) return *op;
    return NULL;
}

const luron__op *luron__op_find(const char *name) {
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (const luron__op *const *op = lists[l]; *op; op++)
            if (strcmp((*op)->name, name) == 0) return *op;
    return NULL;
}

luron_status luron__attr_dim(luron_ctx *ctx, luron__apply *a, int place, int ndim) {
    int64_t *at = &a->attrs.at[place];
    if (*at >= 0 && *at < ndim) return LURON_OK;
    char what[40];
    int dim = *at < INT32_MIN / 2 ? INT32_MIN / 2 : *at > INT32_MAX / 2 ? INT32_MAX / 2 : (int)*at;
    snprintf(what, sizeof what, "%s: dim", a->op->name);
    LURON_TRY(luron__wrap_dim(&dim, ctx, what, ndim));
    *at = dim;
    return LURON_OK;
}

luron_status luron__attr_dims(luron_ctx *ctx, luron__apply *a, int place, int ndim) {
    int64_t *at = &a->attrs.at[place], all = ((int64_t)1 << ndim) - 1, bits = 0;
    char what[40];
    if (*at == 0) *at = all;
    if ((*at & ~all) == 0) return LURON_OK;
    luron__dims dims = luron__dims_of(*at);
    snprintf(what, sizeof what, "%s: dim", a->op->name);
    for (int i = 0; i < dims.n; i++) {
        LURON_TRY(luron__wrap_dim(&dims.at[i], ctx, what, ndim));
        LURON__CHECK(ctx, !(bits >> dims.at[i] & 1), LURON_E_ARGUMENT, "%s: dim %d is listed twice", a->op->name,
                     dims.at[i] + ctx->index_base);
        bits |= (int64_t)1 << dims.at[i];
    }
    *at = bits & all; /* a tensor without dims counts as one of a single dim */
    return LURON_OK;
}

luron__dims luron__dims_of(int64_t bits) {
    luron__dims list = {.n = 0};
    for (int i = 0; i < 2 * LURON_MAX_DIMS; i++)
        if (bits >> i & 1) list.at[list.n++] = i < LURON_MAX_DIMS ? i : LURON_MAX_DIMS - 1 - i;
    if (bits >> 2 * LURON_MAX_DIMS) list.at[list.n++] = 2 * LURON_MAX_DIMS; /* no tensor has it */
    return list;
}

luron_status luron__attr_dtype(luron_ctx *ctx, const luron__apply *a, int place) {
    int64_t dtype = a->attrs.at[place];
    LURON__CHECK(ctx, dtype > 0 && dtype <= UINT32_MAX && luron_dtype_size((uint32_t)dtype) > 0, LURON_E_DTYPE,
                 "%s: 0x%llx is no dtype", a->op->name, (long long)dtype);
    return LURON_OK;
}

luron_status luron__attr_bool(luron_ctx *ctx, const luron__apply *a, int place, const char *name) {
    int64_t value = a->attrs.at[place];
    LURON__CHECK(ctx, value == 0 || value == 1, LURON_E_ARGUMENT, "%s: %s is %lld, 0 or 1 expected", a->op->name, name,
                 (long long)value);
    return LURON_OK;
}

luron_status luron__attr_count(luron_ctx *ctx, const luron__apply *a) {
    LURON__CHECK(ctx, a->attrs.n >= 0 && a->attrs.n <= LURON_MAX_DIMS, LURON_E_SHAPE,
                 "%s: %d dimensions given, at most %d are possible", a->op->name, a->attrs.n, LURON_MAX_DIMS);
    return LURON_OK;
}

luron_status luron__attr_base(luron_ctx *ctx, const luron__apply *a, int place) {
    LURON__CHECK(ctx, a->attrs.at[place] == 0 || a->attrs.at[place] == 1, LURON_E_ARGUMENT,
                 "%s: ids count from 0 or 1, not from %lld", a->op->name, (long long)a->attrs.at[place]);
    return LURON_OK;
}
