/* merge.h -- what the files of this plugin share. All types are composites of core's ops over inputs (n, ...) with the
 * numbers of Keras's merging layers; an input of a lower rank has sizes of 1 behind the batch, as there. */
#ifndef MERGE_H
#define MERGE_H
#include <luron/plugin.h>

#define MERGES(X) X(add) X(subtract) X(multiply) X(average) X(maximum) X(minimum) X(concatenate) X(dot)
#define MERGE_DECLARE(id) extern const luron_layer_type merge_##id;
MERGES(MERGE_DECLARE)

/** One or more inputs, any number of them. */
extern const luron_port *const merge_many[];

/** `dim` counted from 0 of input i, or an error that names the option. */
luron_status merge_dim(luron_call *c, const char *option, int64_t dim, int i, int *out);

#endif
