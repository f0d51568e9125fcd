/* gate.h -- the types of this plugin: activations that look at more than one number, and RReLU. A file is a type. */
#ifndef GATE_H
#define GATE_H
#include <luron/plugin.h>

#define GATES(X) X(glu) X(crelu) X(maxout) X(softmin) X(softmax2d) X(sparsemax) X(rrelu)
#define GATE_DECLARE(id) extern const luron_layer_type gate_##id;
GATES(GATE_DECLARE)

/* The options of all types; each lists those it has. */
typedef struct gate {
    int64_t dim, num_units;
    double lower, upper;
} gate;
/* A type of ops: compose of the file. */
#define GATE_TYPE(type_name, call_name, text)                                                                          \
    .struct_size = sizeof(luron_layer_type), .flags = LURON_LAYER_F64, .name = type_name, .function = call_name,       \
    .doc = text, .compose = compose
#define GATE_OPTIONS .options = options, .options_size = sizeof(gate)
/** The dimension of the options from 0, within that of the input. */
static inline luron_status gate_dim(luron_call *c, int *at) {
    const int64_t dim = ((const gate *)luron_options(c))->dim, ndim = luron_in(c, 0)->ndim;
    if (dim < -ndim || dim >= ndim)
        return luron_fail(c, LURON_E_RANGE, "dim %lld is not there: input has %lld dimensions",
                          (long long)luron_shown(c, dim), (long long)ndim);
    *at = (int)(dim < 0 ? dim + ndim : dim);
    return LURON_OK;
}
#endif
