/* reshape.c: every example takes a shape; the first dimension, the batch, stays. */
#include "shape.h"
typedef struct reshape { luron_ints shape; } reshape;

static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_ints sizes = ((const reshape *)c->options)->shape;
    luron_tensor *x = o->in(c, 0);
    const int ndim = o->ndim(c, x), m = (int)sizes.n;
    int64_t own[8], shape[8], numel;
    if (ndim == 0) return luron_fail(c, LURON_E_SHAPE, "input has no dimension, expected (batch, ...)");
    for (int i = 0; i < ndim; i++) own[i] = o->size(c, x, i);
    LURON_TRY(shape_numel(c, ndim - 1, own + 1, &numel));
    LURON_TRY(shape_fill(c, "shape", m, sizes.at, numel));
    shape[0] = own[0];
    for (int i = 0; i < m; i++) shape[i + 1] = sizes.at[i];
    return o->set_out(c, 0, o->reshape(c, x, m + 1, shape));
}
static const luron_option *const options[] = {
    LURON_OPT_INTS_REQ(reshape, shape, -1, 9e15, 1, 7, "of one example, without the batch; one size may be -1"), NULL };
const luron_layer_type shape_reshape = { .struct_size = sizeof(luron_layer_type), .flags = LURON_LAYER_F64, .name = "Reshape",
    .function = "reshape", .doc = "gives every example of a batch another shape",
    .options = options, .options_size = sizeof(reshape), .compose = compose };
