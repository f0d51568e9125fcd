/* deform_conv.h -- what the files of this plugin share. A kernel's taps read x (n, c, h, w) where offset (n, 2 * offset
 * groups
 * * taps, p, q) moves them to, rows before columns, between four numbers and with zeros beside x; mask (n, offset
 * groups * taps, p, q) multiplies what is read. Channels share the offsets of their offset group. */
#ifndef DEFORM_CONV_H
#define DEFORM_CONV_H
#include "../loops.h"

enum { DEFORM_INPUT, DEFORM_OFFSET, DEFORM_MASK };
enum { DEFORM_WEIGHT, DEFORM_BIAS };
typedef struct deform {
    int64_t in_channels, out_channels;
    luron_ints kernel_size, stride, padding, dilation;
    int64_t groups;
    int32_t bias;
    luron_named_init weight_init, bias_init;
} deform;
typedef struct deform_shapes {
    int64_t n, c, h, w, p, q; /* of the input and of the output */
    int64_t taps, places, offset_groups;
} deform_shapes;

/** The shapes of the call, or an error that says what does not fit. */
luron_status deform_shapes_of(luron_call *c, deform_shapes *s);
luron_status deform_compose(luron_call *c, const luron_ops *o);

#endif
