/* ops_ids.h -- what ops that take ids share: walking through positions, reading ids, checking them. An id inside a
 * tensor counts from the index base of the context at the time of the call, which the attributes keep, so that a
 * gradient computed later reads the same ids.                                                                                 */
#ifndef LURON_OPS_IDS_H
#define LURON_OPS_IDS_H
#include "internal.h"

#include <string.h>

/* ---- walking: through positions in row-major order, with up to three offsets ------------------------------------- */
enum { LURON__STREAMS = 3 };
typedef struct luron__walk {
    int ndim; /* 1 or more */
    int64_t shape[LURON_MAX_DIMS], at[LURON_MAX_DIMS];
    int64_t stride[LURON__STREAMS][LURON_MAX_DIMS], offset[LURON__STREAMS];
} luron__walk;

/** A walk through `shape`; the dims that are of size 1 go, and those that are one run in every stream become one. */
static inline luron__walk luron__walk_make(int ndim, const int64_t *shape, const int64_t *a, const int64_t *b,
                                           const int64_t *c) {
    const int64_t *stream[LURON__STREAMS] = {a, b, c};
    luron__walk w = {.ndim = 0};
    for (int d = 0; d < ndim; d++) {
        if (shape[d] == 1) continue;
        bool joins = w.ndim > 0;
        for (int s = 0; s < LURON__STREAMS && joins; s++)
            joins = w.stride[s][w.ndim - 1] == (stream[s] ? stream[s][d] * shape[d] : 0);
        if (!joins) w.shape[w.ndim++] = 1;
        w.shape[w.ndim - 1] *= shape[d];
        for (int s = 0; s < LURON__STREAMS; s++)
            w.stride[s][w.ndim - 1] = stream[s] ? stream[s][d] : 0;
    }
    if (w.ndim == 0) w.shape[w.ndim++] = 1;
    return w;
}

static inline void luron__walk_to(luron__walk *w, int64_t position) {
    memset(w->offset, 0, sizeof w->offset);
    for (int d = w->ndim - 1; d >= 0; d--) {
        w->at[d] = position % w->shape[d];
        position /= w->shape[d];
        for (int s = 0; s < LURON__STREAMS; s++)
            w->offset[s] += w->at[d] * w->stride[s][d];
    }
}

/** What is left of this row, at most `most`. */
static inline int64_t luron__walk_row(const luron__walk *w, int64_t most) {
    int64_t left = w->shape[w->ndim - 1] - w->at[w->ndim - 1];
    return left < most ? left : most;
}

static inline void luron__walk_on(luron__walk *w, int64_t n) {
    int d = w->ndim - 1;
    w->at[d] += n;
    for (int s = 0; s < LURON__STREAMS; s++)
        w->offset[s] += n * w->stride[s][d];
    for (; d > 0 && w->at[d] == w->shape[d]; d--) {
        for (int s = 0; s < LURON__STREAMS; s++)
            w->offset[s] += w->stride[s][d - 1] - w->at[d] * w->stride[s][d];
        w->at[d] = 0;
        w->at[d - 1]++;
    }
}

/* ---- ids -------------------------------------------------------------------------------------------------------- */

static inline int64_t luron__id_at(uint32_t dtype, const char *ids, int64_t offset, int64_t base) {
    if (dtype == LURON_I64) return ((const int64_t *)(const void *)ids)[offset] - base;
    if (dtype == LURON_I32) return ((const int32_t *)(const void *)ids)[offset] - base;
    return ((const uint8_t *)ids)[offset] - base;
}

/** Strides of `ids` over a shape of ndim dims: those of a list run along dim alone. */
static inline void luron__id_strides(int64_t *strides, const luron_tensor *ids, int ndim, int dim, bool list) {
    for (int d = 0; d < ndim; d++)
        strides[d] = !list ? ids->strides[d] : d == dim ? ids->strides[0] : 0;
}

/** int64, int32 or uint8? */
luron_status luron__check_id_dtype(luron_ctx *ctx, const char *what, const luron_tensor *ids);
/** Are all ids within `size`? The first that is not is named. */
luron_status luron__check_ids(luron_ctx *ctx, const char *what, const luron_tensor *ids, int64_t base, int64_t size);
/** ids of x's rank, and no larger than x outside dim, which is made positive? */
luron_status luron__check_gather(luron_ctx *ctx, const char *what, const luron_tensor *x, int *dim,
                                 const luron_tensor *ids);
/** A list of ids for a dim of x, which is made positive? */
luron_status luron__check_list(luron_ctx *ctx, const char *what, const luron_tensor *x, int *dim,
                               const luron_tensor *ids);
/** As check_gather, and src of x's dtype and the shape of ids? */
luron_status luron__check_scatter(luron_ctx *ctx, const char *what, const luron_tensor *x, int *dim,
                                  const luron_tensor *ids, const luron_tensor *src);
/** As check_list, and src of x's dtype and shape, but along dim with as many positions as ids? */
luron_status luron__check_rows(luron_ctx *ctx, const char *what, const luron_tensor *x, int *dim,
                               const luron_tensor *ids, const luron_tensor *src);

/* The ops on arguments that are checked but for the ids themselves, which count from `base`: a gradient is given the
 * base of its forward. list: one dim, the same ids in all columns (index_select, index_add, index_copy); else as many
 * dims as x (gather, scatter_add, scatter).                                                                          */
luron_status luron__choose(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids,
                           int64_t base, bool list);
luron_status luron__add_at(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids,
                           luron_tensor *src, int64_t base, bool list);
luron_status luron__write_at(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, int dim, luron_tensor *ids,
                             luron_tensor *src, int64_t base, bool list);
/** Row i of src into row ids[i] of x, in place; ids are int64 and checked, and x and src do not overlap. */
void luron__put_rows(luron_ctx *ctx, luron_tensor *x, luron_tensor *ids, luron_tensor *src);
/** Row i of x becomes the largest (smallest) of the rows of src whose id is i, if there are any (ops_scatter.c). */
luron_status luron__segment_extreme(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_tensor *ids,
                                    luron_tensor *src, bool largest);
/** Along dim y[i] = b[i] where the bool `begins` is true, else a[i] y[i - 1] + b[i] (ops_scan.c). x has dims. */
luron_status luron__recur(luron_tensor **out, luron_ctx *ctx, luron_tensor *a, luron_tensor *b, luron_tensor *begins,
                          int dim);

#endif
