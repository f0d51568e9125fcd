/* max_ids.c: MaxPool and AdaptiveMaxPool with a second output, which says where in its plane each number lay, row by row, as max unpooling
 * wants it (PyTorch's return_indices). A window without a place gives a negative id. */
#include "pool.h"

static luron_status setup(luron_call *c) {
    planes p;
    LURON_TRY(pool_max_setup(c));
    LURON_TRY(pool_open(c, &p));
    int64_t shape[8];
    return c->host->set_out(c, 1, LURON_I64, pool_out_shape(c, &p, shape), shape);
}
static luron_status forward(luron_call *c) {
    LURON_TRY(pool_max_forward(c));
    const int32_t *win = luron_data(luron_saved(c, 0));
    int64_t *ids = luron_i64(luron_out(c, 1));
    for (int64_t i = 0, n = luron_numel(luron_out(c, 1)); i < n; i++)
        ids[i] = win[i] < 0 ? win[i] : win[i] + c->index_base;
    return LURON_OK;
}

/* The places of a plane, counted as ids are: doubles hold them exactly. */
static luron_tensor *places(luron_call *c, const luron_ops *o, const planes *p) {
    luron_tensor *one = o->expand(c, o->cast(c, o->scalar(c, 1), LURON_F64), LURON_SHAPE(p->in_size));
    one = o->scale(c, o->cumsum(c, one, 0), 1, (double)(c->index_base - 1));
    return o->reshape(c, one, p->dims, p->in + POOL_DIMS - p->dims);
}
/* Is the next candidate taken: it is larger, or NaN, or the first that is a place at all. */
static luron_tensor *takes(luron_call *c, const luron_ops *o, luron_tensor *best, luron_tensor *v, luron_tensor *won,
                           luron_tensor *next) {
    luron_tensor *zero = o->cast(c, o->scalar(c, 0), LURON_F64);
    luron_tensor *first = o->logical_and(c, o->lt(c, won, zero), o->ge(c, next, zero));
    return o->logical_or(c, o->logical_or(c, o->gt(c, v, best), (o->isnan)(c, v)), first);
}
/* As MaxPool's, with the place of each candidate beside it. */
static luron_status compose(luron_call *c, const luron_ops *o) {
    planes p;
    LURON_TRY(pool_open(c, &p));
    luron_tensor *x = pool_padded(c, o, &p, o->in(c, 0), -INFINITY), *at = pool_padded(c, o, &p, places(c, o, &p), -1);
    for (int d = POOL_DIMS - 1; d >= POOL_DIMS - p.dims; d--) {
        luron_tensor *best = pool_place(c, o, &p, d, x, 0), *won = pool_place(c, o, &p, d, at, 0);
        for (int64_t k = 1; k < p.kernel[d]; k++) {
            luron_tensor *v = pool_place(c, o, &p, d, x, k), *next = pool_place(c, o, &p, d, at, k);
            luron_tensor *take = takes(c, o, best, v, won, next);
            best = o->where(c, take, v, best), won = o->where(c, take, next, won);
        }
        x = best, at = won;
    }
    int64_t shape[8];
    const int ndim = pool_out_shape(c, &p, shape);
    LURON_TRY(o->set_out(c, 0, x));
    return o->set_out(c, 1, o->cast(c, o->expand(c, at, ndim, shape), LURON_I64));
}

/* Of values and places, one window after the other of `lo` and `hi` along dim: what wins, joined. */
static void join_winners(luron_call *c, const luron_ops *o, const planes *p, int d, luron_tensor *both[2]) {
    const int dim = o->ndim(c, both[0]) - POOL_DIMS + d;
    luron_tensor *piece[2][POOL_JOINED], *all[2] = {NULL, NULL};
    for (int64_t i = 0; i < p->out[d];) {
        int n = 0;
        if (all[0]) piece[0][n] = all[0], piece[1][n++] = all[1];
        for (int64_t lo, hi; n < POOL_JOINED && i < p->out[d]; i++, n++) {
            pool_span(p, d, i, &lo, &hi);
            luron_tensor *x = o->narrow(c, both[0], dim, lo, hi - lo), *ids = o->argmax(c, x, dim, 1);
            piece[0][n] = o->gather(c, x, dim, ids);
            piece[1][n] = o->gather(c, o->narrow(c, both[1], dim, lo, hi - lo), dim, ids);
        }
        for (int k = 0; k < 2; k++)
            all[k] = o->cat(c, n, piece[k], dim);
    }
    both[0] = all[0], both[1] = all[1];
}
static luron_status compose_adaptive(luron_call *c, const luron_ops *o) {
    const luron_view *x = luron_in(c, 0);
    planes p;
    LURON_TRY(pool_open(c, &p));
    luron_tensor *both[2] = {o->in(c, 0), o->contiguous(c, o->expand(c, places(c, o, &p), x->ndim, x->shape))};
    for (int d = POOL_DIMS - 1; d >= POOL_DIMS - p.dims; d--)
        join_winners(c, o, &p, d, both);
    LURON_TRY(o->set_out(c, 0, both[0]));
    return o->set_out(c, 1, o->cast(c, both[1], LURON_I64));
}

static const luron_port *const out[] = {
    LURON_PORT("output", 0, LURON_REAL, 0, "the largest of each window"),
    LURON_PORT("indices", LURON_PORT_INDEX, LURON_I64, 0, "its place in the plane, row by row"), NULL};
#define IDS_TYPE(type_name, text, opts, ports, comp)                                                                   \
    { POOL_FIELDS(type_name, text, opts, ports, setup, forward, pool_max_backward, comp), .out = out }
#define TYPES(n)                                                                                                       \
    static const luron_option *const options##n[] = {                                                                  \
        POOL_KERNEL(n),   POOL_STRIDE(n), POOL_PADDING(n, "places before and after that never win"),                   \
        POOL_DILATION(n), POOL_CEIL,      NULL};                                                                       \
    static const luron_option *const adaptive##n[] = {POOL_OUTPUT(n), NULL};                                           \
    const luron_layer_type pool_max_ids##n##d =                                                                        \
        IDS_TYPE("MaxPool" #n "dWithIndices", "the largest of each window, and where it lies", options##n, pool_in##n, \
                 compose);                                                                                             \
    const luron_layer_type pool_adaptive_max_ids##n##d =                                                               \
        IDS_TYPE("AdaptiveMaxPool" #n "dWithIndices",                                                                  \
                 "the largest of as many windows as output_size says, and where it lies", adaptive##n, pool_in##n,     \
                 compose_adaptive);
TYPES(1) TYPES(2) TYPES(3)
