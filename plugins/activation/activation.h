/* activation.h -- what the files of this plugin share. A file is a type. An element-wise one writes its function and
 * gradient as expressions and includes loops.h once for float and once for double.                                   */
#ifndef ACTIVATION_H
#define ACTIVATION_H
#include "../loops.h"
#include <math.h>

/* The types, by what their functions are called; activation.c lists them for the host. */
#define ACTIVATIONS(X)                                                                                                 \
    X(identity) X(relu) X(leaky_relu) X(prelu) X(elu) X(selu) X(gelu) X(silu) X(mish) X(sigmoid) X(tanh) X(softplus)   \
    X(softsign) X(hardtanh) X(hardsigmoid) X(hardswish) X(relu6) X(softmax) X(log_softmax)
#define ACTIVATION_DECLARE(id) extern const luron_layer_type activation_##id;
ACTIVATIONS(ACTIVATION_DECLARE)

#define BY_RUN(name)                                                                                                   \
    WIDE(name, (const luron_run *r), (r))                                                                              \
    static void name(const luron_run *r) { BY_VECTORS(r, name)(r); }

/* An element-wise type from apply_float ... derive_double and compose of the file. More members may follow. */
#define ACTIVATION(id, type_name, text, ew_flags, ...)                                                                 \
    BY_RUN(apply)                                                                                                      \
    BY_RUN(derive)                                                                                                     \
    static const luron_elementwise fn = { sizeof fn, ew_flags, apply, derive };                                        \
    const luron_layer_type activation_##id = { .struct_size = sizeof(luron_layer_type), .flags = LURON_LAYER_F64,      \
                                               .name = type_name, .function = #id, .doc = text, .compose = compose,    \
                                               .elementwise = &fn, __VA_ARGS__ }
#define WITH_OPTIONS(type) .options = options, .options_size = sizeof(type)

/* Runs are worked off in pieces that fit a buffer on the stack, for the host's vectorised functions. */
enum { PIECE = 256 };
static inline int64_t piece(const luron_run *r, int64_t at) { return r->n - at < PIECE ? r->n - at : PIECE; }

#endif
