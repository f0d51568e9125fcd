/* max_ids.c: MaxPool with a second output, which says where in its plane each number lay, row by row, as max unpooling
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

static const luron_port *const out[] = {
    LURON_PORT("output", 0, LURON_REAL, 0, "the largest of each window"),
    LURON_PORT("indices", LURON_PORT_INDEX, LURON_I64, 0, "its place in the plane, row by row"), NULL};
#define TYPES(n)                                                                                                       \
    static const luron_option *const options##n[] = {                                                                  \
        POOL_KERNEL(n),   POOL_STRIDE(n), POOL_PADDING(n, "places before and after that never win"),                   \
        POOL_DILATION(n), POOL_CEIL,      NULL};                                                                       \
    const luron_layer_type pool_max_ids##n##d = {.struct_size = sizeof(luron_layer_type),                              \
                                                 .flags = POOL_FLAGS,                                                  \
                                                 .name = "MaxPool" #n "dWithIndices",                                  \
                                                 .doc = "the largest of each window, and where it lies",               \
                                                 .options = options##n,                                                \
                                                 .options_size = sizeof(pool),                                         \
                                                 .in = pool_in##n,                                                     \
                                                 .out = out,                                                           \
                                                 .setup = setup,                                                       \
                                                 .forward = forward,                                                   \
                                                 .backward = pool_max_backward,                                        \
                                                 .compose = compose};
TYPES(1) TYPES(2) TYPES(3)
