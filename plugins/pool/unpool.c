/* unpool.c: what a max pooling with indices gave goes back to where it lay, between zeros. Where windows overlap and
 * one place comes more than once the last in order stays, and it alone has a gradient. */
#ifndef REAL
#include "pool.h"
typedef struct placing {
    luron_call *c;
    planes p;
} placing;
#define REAL float
#include "unpool.c"
#define REAL double
#include "unpool.c"

/* Size k of the output: as pooling that gave the input would have had it, or within a stride of that. */
static luron_status out_size(luron_call *c, const pool *o, int k, int64_t in, int64_t *out) {
    const int64_t step = o->stride.at[k] ? o->stride.at[k] : o->kernel_size.at[k];
    const int64_t usual = (in - 1) * step - 2 * o->padding.at[k] + o->kernel_size.at[k], given = o->output_size.at[k];
    if (given && (given <= usual - step || given >= usual + step))
        return luron_fail(c, LURON_E_SHAPE, "output_size is %lld, between %lld and %lld expected", (long long)given,
                          (long long)(usual - step), (long long)(usual + step));
    *out = given ? given : usual;
    return *out >= 1
               ? LURON_OK
               : luron_fail(c, LURON_E_SHAPE, "the output would have size %lld: padding is too large", (long long)*out);
}
/* Of planes alone their sizes count; the output's shape goes to `shape` unless NULL. */
static luron_status open_planes(luron_call *c, planes *p, int64_t *shape) {
    const luron_view *x = luron_in(c, 0), *ids = luron_in(c, 1);
    LURON_TRY(pool_begin(c, p));
    for (int i = 0; i < x->ndim; i++) {
        int64_t size = x->shape[i];
        if (ids->ndim != x->ndim || ids->shape[i] != size)
            return luron_fail(c, LURON_E_SHAPE, "indices do not have the shape of the input");
        if (i >= p->first) {
            if (size < 1)
                return luron_fail(c, LURON_E_SHAPE, "input has size 0 in dimension %lld, at least 1 expected",
                                  (long long)luron_shown(c, i));
            LURON_TRY(out_size(c, p->o, i - p->first, x->shape[i], &size));
            if ((p->in_size *= x->shape[i]) > INT32_MAX || size > INT32_MAX || (p->out_size *= size) > INT32_MAX)
                return luron_fail(c, LURON_E_UNSUPPORTED, "planes of more than 2^31 - 1 numbers");
        }
        if (shape) shape[i] = size;
    }
    return LURON_OK;
}
static luron_status setup(luron_call *c) {
    planes p;
    int64_t shape[8];
    LURON_TRY(open_planes(c, &p, shape));
    LURON_TRY(c->host->set_out(c, 0, LURON_REAL, luron_in(c, 0)->ndim, shape));
    return c->host->declare_saved(c, 0, LURON_I32, LURON_SHAPE(p.n * p.out_size));
}
static luron_status forward(luron_call *c) {
    placing k = {.c = c};
    LURON_TRY(open_planes(c, &k.p, NULL));
    LURON_TRY(luron_check_ids(c, 1, k.p.out_size));
    k.p.x = luron_data(luron_in(c, 0)), k.p.y = luron_data(luron_out(c, 0)), k.p.win = luron_data(luron_saved(c, 0));
    c->host->parallel_for(c, k.p.n, pool_grain(&k.p), BY_TYPE(c, put_back), &k);
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    planes p;
    LURON_TRY(open_planes(c, &p, NULL));
    return pool_max_spread(c, &p);
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    planes p;
    int64_t shape[8];
    LURON_TRY(open_planes(c, &p, shape));
    luron_tensor *none = o->expand(c, o->scalar(c, 0), LURON_SHAPE(p.n, p.out_size));
    luron_tensor *x = o->reshape(c, o->in(c, 0), LURON_SHAPE(p.n, p.in_size)),
                 *ids = o->reshape(c, o->in(c, 1), LURON_SHAPE(p.n, p.in_size));
    return o->set_out(c, 0, o->reshape(c, o->scatter(c, none, 1, ids, x), luron_in(c, 0)->ndim, shape));
}

#define TYPES(n, shapes)                                                                                               \
    static const luron_option *const options##n[] = {                                                                  \
        POOL_KERNEL(n), POOL_STRIDE(n), POOL_PADDING(n, "of the pooling, before and after"),                           \
        LURON_OPT_INTS(pool, output_size, 0, 0, 1e9, n, n, "of the pooling's input; 0: the usual one"), NULL};         \
    static const luron_port *const in##n[] = {LURON_PORT("input", 0, LURON_REAL, 0, shapes),                           \
                                              LURON_PORT("indices", LURON_PORT_INDEX, 0, 0, "as the input: places"),   \
                                              NULL};                                                                   \
    const luron_layer_type pool_unpool##n##d =                                                                         \
        POOL_TYPE("MaxUnpool" #n "d", "puts what MaxPool" #n "dWithIndices gave back to its places", options##n,       \
                  in##n, setup, forward, backward, compose);
TYPES(1, "(n, c, l) or (c, l)") TYPES(2, "(n, c, h, w) or (c, h, w)") TYPES(3, "(n, c, d, h, w) or (c, d, h, w)")
#else
static void TYPED(put_back)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const placing *k = arg;
    const planes *p = &k->p;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const REAL *x = (const REAL *)p->x + i * p->in_size;
        REAL *y = (REAL *)p->y + i * p->out_size;
        int32_t *win = p->win + i * p->out_size;
        for (int64_t at = 0; at < p->out_size; at++)
            y[at] = 0, win[at] = -1;
        for (int64_t from = 0; from < p->in_size; from++) {
            const int64_t at = luron_id(k->c, 1, i * p->in_size + from);
            y[at] = x[from], win[at] = (int32_t)from;
        }
    }
}
#undef REAL
#endif
