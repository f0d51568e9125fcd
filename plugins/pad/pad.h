/* pad.h -- what the files of this plugin share. Padding, cropping and upsampling are one thing here: along each of the
 * last one to three dims, place i of the output is made of places of the input - of none (a constant), of one (most),
 * or of several with weights (linear, cubic, area). x (..., d, h, w) -> y (..., p, q, r); what leads are planes, made
 * one by one. */
#ifndef PAD_PLUGIN_H
#define PAD_PLUGIN_H
#include "../loops.h"
#include <math.h>
#include <string.h>

#define PADS(X)                                                                                                        \
    X(zero1d)                                                                                                          \
    X(zero2d)                                                                                                          \
    X(zero3d) X(constant1d) X(constant2d) X(constant3d) X(reflection1d) X(reflection2d) X(reflection3d)                \
        X(replication1d) X(replication2d) X(replication3d) X(circular1d) X(circular2d) X(circular3d) X(cropping1d)     \
            X(cropping2d) X(cropping3d) X(center_crop) X(upsample) X(nearest2d) X(bilinear2d) X(pixel_shuffle)         \
                X(pixel_unshuffle) X(channel_shuffle)
#define PAD_DECLARE(id) extern const luron_layer_type pad_##id;
PADS(PAD_DECLARE)

enum {
    PAD_CONSTANT,
    PAD_REFLECT,
    PAD_REPLICATE,
    PAD_CIRCULAR,
    PAD_NEAREST,
    PAD_NEAREST_EXACT,
    PAD_LINEAR,
    PAD_CUBIC,
    PAD_AREA
};
enum { PAD_DIMS = 3, PAD_TAPS = 4 };

typedef struct pad_axis {
    int64_t in, out;
    int64_t before, after; /* places added, or taken away where negative */
    double scale;          /* input places an output place (upsampling) */
    int aligned;           /* the corners' middles fall together (upsampling) */
    int64_t taps;          /* at most so many places an output place */
    int64_t *at;           /* (out, taps); -1: no (further) place */
    double *weight;        /* the same */
    int64_t run, run_size; /* outputs that are neighbours as in the input, from `run` on */
} pad_axis;

typedef struct pad {
    int mode, dims, ndim;
    double value; /* of what is made of no place */
    int64_t planes;
    pad_axis axis[PAD_DIMS]; /* depth, height, width; a dim that is not there has size 1 */
    const void *from;
    void *to, *lines;
    double beta;
} pad;

/** What place `at[t]`, t < n, of the input goes into a place of the output with; area: n places from at[0] on, all with
 * weight[0]. */
typedef struct pad_taps {
    int64_t n, at[PAD_TAPS];
    double weight[PAD_TAPS];
} pad_taps;

/** A type's own part: given the input's sizes, fill mode, value, dims, and in each axis `out` and what its mode needs;
 *  or an error that says what does not fit. The axes' `in` are set, after pad_begin. */
typedef luron_status pad_open(luron_call *c, int ndim, const int64_t *sizes, pad *p);
/** Dims of an input with at least `dims` of them, and sizes of at least one. @return an error otherwise. */
luron_status pad_begin(luron_call *c, int ndim, const int64_t *sizes, int dims, pad *p);
/** The axis of the type's dim k, 0 its first. */
static inline pad_axis *pad_axis_of(pad *p, int k) { return &p->axis[PAD_DIMS - p->dims + k]; }
void pad_taps_of(const luron_call *c, const pad *p, int d, int64_t i, pad_taps *to);

luron_status pad_setup(luron_call *c, pad_open *open);
luron_status pad_forward(luron_call *c, pad_open *open);
luron_status pad_backward(luron_call *c, pad_open *open);
luron_status pad_compose(luron_call *c, const luron_ops *o, pad_open *open);

/** The four functions of a type whose own part is `open`, and the type. */
#define PAD_FUNCTIONS(open)                                                                                            \
    static luron_status open##_setup(luron_call *c) { return pad_setup(c, open); }                                     \
    static luron_status open##_forward(luron_call *c) { return pad_forward(c, open); }                                 \
    static luron_status open##_backward(luron_call *c) { return pad_backward(c, open); }                               \
    static luron_status open##_compose(luron_call *c, const luron_ops *o) { return pad_compose(c, o, open); }
#define PAD_TYPE(type_name, function_name, text, opts, size, ports, open)                                              \
    PAD_CHECKED(type_name, function_name, text, opts, size, ports, NULL, open)
/** With options that `check` looks at when the layer is made. */
#define PAD_CHECKED(type_name, function_name, text, opts, size, ports, check, open)                                    \
    {.struct_size = sizeof(luron_layer_type),                                                                          \
     .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_IN | LURON_LAYER_FREES_OUT,                                          \
     .name = type_name,                                                                                                \
     .function = function_name,                                                                                        \
     .doc = text,                                                                                                      \
     .options = opts,                                                                                                  \
     .options_size = size,                                                                                             \
     .in = ports,                                                                                                      \
     .declare = check,                                                                                                 \
     .setup = open##_setup,                                                                                            \
     .forward = open##_forward,                                                                                        \
     .backward = open##_backward,                                                                                      \
     .compose = open##_compose}
extern const luron_port *const pad_in1[], *const pad_in2[], *const pad_in3[];

#endif
