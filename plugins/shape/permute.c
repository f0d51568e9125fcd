/* permute.c: dimensions in another order: Keras's Permute of one example, PyTorch's transpose of two. */
#include "shape.h"
typedef struct permute {
    luron_ints dims;
    int64_t dim0, dim1;
} permute;

/* The dims of an example count from 1, behind the batch. */
static luron_status compose_permute(luron_call *c, const luron_ops *o) {
    const luron_ints *dims = &((const permute *)c->options)->dims;
    const int ndim = luron_in(c, 0)->ndim;
    int order[8] = {0}, seen = 1;
    if (dims->n != ndim - 1)
        return luron_fail(c, LURON_E_SHAPE, "dims names %d dimensions, an example has %d", (int)dims->n, ndim - 1);
    for (int i = 0; i < dims->n; i++) {
        if (dims->at[i] >= ndim || seen & 1 << dims->at[i])
            return luron_fail(c, LURON_E_ARGUMENT, "dims: each of 1 to %d once expected, got %lld%s", ndim - 1,
                              (long long)dims->at[i], dims->at[i] < ndim ? " again" : "");
        seen |= 1 << dims->at[i], order[i + 1] = (int)dims->at[i];
    }
    return o->set_out(c, 0, o->permute(c, o->in(c, 0), ndim, order));
}
static luron_status compose_transpose(luron_call *c, const luron_ops *o) {
    const permute *opt = c->options;
    const int ndim = luron_in(c, 0)->ndim;
    int a, b;
    LURON_TRY(shape_dim(c, "dim0", opt->dim0, ndim, &a));
    LURON_TRY(shape_dim(c, "dim1", opt->dim1, ndim, &b));
    return o->set_out(c, 0, o->transpose(c, o->in(c, 0), a, b));
}
static const luron_option *const options[] = {
    LURON_OPT_INTS_REQ(permute, dims, 1, 7, 1, 7,
                       "dimensions of one example, which count from 1: { 2, 1 } turns a matrix"),
    NULL};
static const luron_option *const two[] = {SHAPE_DIM(permute, dim0, "one of the dimensions"),
                                          SHAPE_DIM(permute, dim1, "the other"), NULL};
const luron_layer_type shape_permute =
    SHAPE_TYPE("Permute", "puts the dimensions of every example into another order", options, permute, compose_permute);
const luron_layer_type shape_transpose =
    SHAPE_TYPE("Transpose", "exchanges two dimensions", two, permute, compose_transpose);
