/* conv_lstm.h -- sizes of a call, for conv_lstm.c (types and shapes), steps.c (forward, backward) and steps_ops.c
 * (in ops). */
#ifndef CONV_LSTM_H
#define CONV_LSTM_H
#include "../gates.h"
#include <string.h>

enum { INPUT, H_0, C_0 };
enum { WEIGHT_IH, WEIGHT_HH, BIAS };
enum { VALID, SAME };
typedef struct conv_lstm {
    int64_t in_channels, out_channels;
    luron_ints kernel_size, stride, dilation;
    int32_t padding, bias, recurrent_activation;
    luron_named_init weight_init, recurrent_init, bias_init;
} conv_lstm;
/* A convolution over `dims` dims: from sizes in to sizes out, zeros in front and behind. */
typedef struct window {
    int dims;
    int64_t in[3], out[3], before[3], after[3], stride[3], dilation[3], kernel[3];
} window;
/* A call: n sequences of t steps, `at` the dim of the channels. */
typedef struct plane {
    luron_call *c;
    const conv_lstm *o;
    int at;
    int64_t n, t, pixels;
    window input, state;
} plane;

/** The sizes of a call, or what is wrong with them. */
luron_status conv_lstm_open(luron_call *c, plane *p);
/** n, and t where there are steps, then out_channels and sizes. @return how many. */
int conv_lstm_shape(const plane *p, int steps, int64_t shape[6]);
/** What forward and backward need, in setup. */
luron_status conv_lstm_memory(const plane *p);
luron_status conv_lstm_forward(luron_call *c), conv_lstm_backward(luron_call *c);
luron_status conv_lstm_compose(luron_call *c, const luron_ops *o);
#endif
