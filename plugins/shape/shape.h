/* shape.h -- what the files of this plugin share. All types are composites of core's ops, most of which copy nothing. */
#ifndef SHAPE_H
#define SHAPE_H
#include <luron/plugin.h>

#define SHAPES(X)                                                                                                      \
    X(flatten) X(unflatten) X(reshape) X(permute) X(transpose) X(select) X(narrow) X(squeeze) X(unsqueeze) X(repeat_vector) X(masking) \
    X(unflatten_steps)
#define SHAPE_DECLARE(id) extern const luron_layer_type shape_##id;
SHAPES(SHAPE_DECLARE)
/* A required option that counts as dims do, and a type of one input. */
#define SHAPE_DIM(type, name, doc) LURON_OPT_(type, name, LURON_AXIS, LURON_OPTION_REQUIRED, 0, 0, 0, NULL, NULL, 0, 0, doc)
#define SHAPE_TYPE(type_name, text, opts, type, comp)                                                                  \
    { .struct_size = sizeof(luron_layer_type), .flags = LURON_LAYER_F64, .name = type_name, .doc = text, .options = opts,                 \
      .options_size = sizeof(type), .compose = comp }

/** `dim` counted from 0 of a tensor with ndim dimensions, or an error that names the option. */
luron_status shape_dim(luron_call *c, const char *option, int64_t dim, int ndim, int *out);
/** Replace one -1 in sizes[0 .. n) so that they hold `numel` elements, or an error that names the option. */
luron_status shape_fill(luron_call *c, const char *option, int n, int64_t *sizes, int64_t numel);
/** The product of n sizes, or an error if it does not fit. */
luron_status shape_numel(luron_call *c, int n, const int64_t *sizes, int64_t *out);

#endif
