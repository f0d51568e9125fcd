/* conv.h -- what the files of this plugin share. */
#ifndef CONV_H
#define CONV_H
#include <luron/plugin.h>

enum { CONV_WEIGHT, CONV_BIAS };
enum { CONV_SAME = -1, CONV_VALID = -2, CONV_CAUSAL = -3 }; /* n of the option `padding` */
enum { CONV_ZEROS, CONV_REFLECT, CONV_REPLICATE, CONV_CIRCULAR };
typedef struct conv {
    int64_t in_channels, out_channels;
    luron_ints kernel_size, stride, padding, dilation;
    int64_t groups;
    int32_t bias, padding_mode;
    luron_named_init weight_init, bias_init;
} conv;

/** A convolution's shapes; an input without a batch is one example. All arrays of sizes have dims + 2 numbers. */
typedef struct conv_shapes {
    int dims, unbatched;
    int64_t x[5], padded[5], y[5];
    int64_t before[3], after[3];
    int copies; /* the border is not of zeros: x is copied with it */
} conv_shapes;

/** The shapes for an input of `ndim` sizes, or an error that says what does not fit. */
luron_status conv_shapes_of(luron_call *c, int ndim, const int64_t *sizes, conv_shapes *out);
/** Which place of an axis of `size` numbers stands at place i, which may be beside it. */
int64_t conv_border_place(int mode, int64_t i, int64_t size);
/** x with its border, and the way back: the border's gradients go to the places it came from, gx = sums + beta gx. */
void conv_pad(luron_call *c, const conv_shapes *s, const luron_view *x, void *padded);
void conv_fold(luron_call *c, const conv_shapes *s, const void *padded, luron_view *gx, double beta);
luron_status conv_compose(luron_call *c, const luron_ops *o);

#endif
