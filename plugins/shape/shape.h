/* shape.h -- what the files of this plugin share. All types are composites: core's reshape, which copies nothing. */
#ifndef SHAPE_H
#define SHAPE_H
#include <luron/plugin.h>

extern const luron_layer_type shape_flatten, shape_unflatten, shape_reshape;

/** `dim` counted from 0 of a tensor with ndim dimensions, or an error that names the option. */
luron_status shape_dim(luron_call *c, const char *option, int64_t dim, int ndim, int *out);
/** Replace one -1 in sizes[0 .. n) so that they hold `numel` elements, or an error that names the option. */
luron_status shape_fill(luron_call *c, const char *option, int n, int64_t *sizes, int64_t numel);
/** The product of n sizes, or an error if it does not fit. */
luron_status shape_numel(luron_call *c, int n, const int64_t *sizes, int64_t *out);

#endif
