/* unflatten.c: dimension dim becomes those of sizes. */
#include "shape.h"
typedef struct unflatten { int64_t dim; luron_ints sizes; } unflatten;

static luron_status compose(luron_call *c, const luron_ops *o) {
    const unflatten *opt = c->options;
    luron_tensor *x = o->in(c, 0);
    luron_ints sizes = opt->sizes;
    const int ndim = o->ndim(c, x), m = (int)sizes.n;
    int dim, n = 0;
    LURON_TRY(shape_dim(c, "dim", opt->dim, ndim, &dim));
    LURON_TRY(shape_fill(c, "sizes", m, sizes.at, o->size(c, x, dim)));
    if (ndim - 1 + m > 8)
        return luron_fail(c, LURON_E_SHAPE, "sizes: the result has %d dimensions, at most 8 are possible", ndim - 1 + m);
    int64_t shape[8];
    for (int i = 0; i < dim; i++) shape[n++] = o->size(c, x, i);
    for (int i = 0; i < m; i++) shape[n++] = sizes.at[i];
    for (int i = dim + 1; i < ndim; i++) shape[n++] = o->size(c, x, i);
    return o->set_out(c, 0, o->reshape(c, x, n, shape));
}
static const luron_option *const options[] = {
    LURON_OPT_(unflatten, dim, LURON_AXIS, LURON_OPTION_REQUIRED, 0, 0, 0, NULL, NULL, 0, 0, "dimension to split"),
    LURON_OPT_INTS_REQ(unflatten, sizes, -1, 9e15, 1, 8, "what it becomes; one may be -1"), NULL };
const luron_layer_type shape_unflatten = { .struct_size = sizeof(luron_layer_type), .flags = LURON_LAYER_F64, .name = "Unflatten",
    .function = "unflatten", .doc = "splits a dimension into several",
    .options = options, .options_size = sizeof(unflatten), .compose = compose };
