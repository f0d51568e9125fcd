/* flatten.c: the dimensions from start_dim to end_dim become one; a scalar becomes one element. */
#include "shape.h"
typedef struct flatten { int64_t start_dim, end_dim; } flatten;

static luron_status compose(luron_call *c, const luron_ops *o) {
    const flatten *opt = c->options;
    luron_tensor *x = o->in(c, 0);
    const int ndim = o->ndim(c, x);
    int64_t sizes[8] = { 1 }, shape[8];
    for (int i = 0; i < ndim; i++) sizes[i] = o->size(c, x, i);
    if (ndim == 0) return o->set_out(c, 0, o->reshape(c, x, 1, sizes));
    int first, last, n = 0;
    LURON_TRY(shape_dim(c, "start_dim", opt->start_dim, ndim, &first));
    LURON_TRY(shape_dim(c, "end_dim", opt->end_dim, ndim, &last));
    if (first > last)
        return luron_fail(c, LURON_E_ARGUMENT, "start_dim is %lld, after end_dim, which is %lld", (long long)luron_shown(c, first),
                          (long long)luron_shown(c, last));
    for (int i = 0; i < first; i++) shape[n++] = sizes[i];
    LURON_TRY(shape_numel(c, last - first + 1, sizes + first, &shape[n++]));
    for (int i = last + 1; i < ndim; i++) shape[n++] = sizes[i];
    return o->set_out(c, 0, o->reshape(c, x, n, shape));
}
static const luron_option *const options[] = { LURON_OPT_AXIS(flatten, start_dim, 1, "first dimension to join"),
    LURON_OPT_AXIS(flatten, end_dim, -1, "last dimension to join"), NULL };
const luron_layer_type shape_flatten = { .struct_size = sizeof(luron_layer_type), .flags = LURON_LAYER_F64, .name = "Flatten",
    .function = "flatten", .doc = "joins dimensions, all but the batch if none are named",
    .options = options, .options_size = sizeof(flatten), .compose = compose };
