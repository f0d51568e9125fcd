/* conv.h -- what the files of this plugin share. */
#ifndef CONV_H
#define CONV_H
#include <luron/plugin.h>

enum { CONV_WEIGHT, CONV_BIAS };
enum { CONV_SAME = -1, CONV_VALID = -2, CONV_CAUSAL = -3 }; /* n of the option `padding` */
enum { CONV_ZEROS, CONV_REFLECT, CONV_REPLICATE, CONV_CIRCULAR };
/* The options of all types; each lists those it has. */
typedef struct conv {
    int64_t in_channels, out_channels;
    luron_ints kernel_size, stride, padding, dilation;
    int64_t groups, depth_multiplier;
    int32_t bias, padding_mode;
    luron_named_init weight_init, bias_init, depthwise_init, pointwise_init;
    luron_ints output_padding, input_size, output_size;
} conv;

/** A convolution's shapes; an input without a batch is one example. All arrays of sizes have dims + 2 numbers. */
typedef struct conv_shapes {
    int dims, unbatched;
    int64_t x[5], padded[5], y[5];
    int64_t before[3], after[3];
    int copies; /* the border is not of zeros: x is copied with it */
    int64_t own; /* bytes that the layer has for itself at the front of the scratch memory */
} conv_shapes;

/** The shapes for an input of `ndim` sizes, or an error that says what does not fit. */
luron_status conv_shapes_of(luron_call *c, int ndim, const int64_t *sizes, conv_shapes *out);
/** The rank and channels of an input of the layer, whose sizes go to `to` with a batch, or an error; `dims` is set. */
luron_status conv_input_of(luron_call *c, int ndim, const int64_t *sizes, conv_shapes *s, int64_t *to);
/** Which place of an axis of `size` numbers stands at place i, which may be beside it. */
int64_t conv_border_place(int mode, int64_t i, int64_t size);
/** x with its border, and the way back: the border's gradients go to the places it came from, gx = sums + beta gx. */
void conv_pad(luron_call *c, const conv_shapes *s, const luron_view *x, void *padded);
void conv_fold(luron_call *c, const conv_shapes *s, const void *padded, luron_view *gx, double beta);

/* ---- calls of the services ----------------------------------------------------------------------------------------------- */
/** A view of dims + 2 sizes on data, of the layer's dtype. */
luron_view conv_view(const luron_call *c, const conv_shapes *s, int64_t *sizes, void *data);
/** What all the services are given. In the scratch memory lie the layer's own, a copied border, and what is the services'. */
luron_conv conv_service(const luron_call *c, const conv_shapes *s, int64_t groups);
/** Bytes of the copied border, 0 if there is none. */
int64_t conv_border_bytes(const luron_call *c, const conv_shapes *s);
/** out = input 0 * parameter 0 + bias; flags as of luron_conv. */
luron_status conv_run(luron_call *c, const conv_shapes *s, int64_t groups, const luron_view *bias, luron_view *out, uint32_t flags);
/** The gradients of parameter 0 and of input 0, where they are wanted, from that of the output. */
luron_status conv_give(luron_call *c, const conv_shapes *s, int64_t groups, const luron_view *gy);
/** The gradient of the bias in `slot` from that of the output, y (n, channels, ...), if it is wanted. */
luron_status conv_give_bias(luron_call *c, int slot, int dims, const luron_view *gy);
/** Errors for stride with padding 'same', and for channels that groups do not divide. */
luron_status conv_check_same(luron_call *c);
luron_status conv_check_groups(luron_call *c);

/* ---- in ops -------------------------------------------------------------------------------------------------------------- */
/** The shapes for the input, which gets a batch if it has none, and a border. */
luron_status conv_opened(luron_tensor **out, luron_call *c, const luron_ops *o, conv_shapes *s);
/** x * w: x with its border, w (out_channels, in_channels / groups, taps). */
luron_tensor *conv_product(luron_call *c, const luron_ops *o, const conv_shapes *s, luron_tensor *x, luron_tensor *w, int64_t groups, int64_t out_channels);
/** y + bias (channels); bias may be NULL. */
luron_tensor *conv_with_bias(luron_call *c, const luron_ops *o, luron_tensor *y, luron_tensor *bias);
/** Where what the kernel takes lies in an image of these sizes, border included, as ids (taps * places). */
luron_tensor *conv_ids(luron_call *c, const luron_ops *o, int dims, const int64_t *places, const int64_t *sizes);
/** blocks (n, channels, taps * places) added up where they lie -> (n, channels, sizes). */
luron_tensor *conv_added(luron_call *c, const luron_ops *o, luron_tensor *blocks, int dims, const int64_t *places, const int64_t *sizes);
/** Taps of the kernel. */
int64_t conv_taps(const conv *o);

/* ---- the types ----------------------------------------------------------------------------------------------------------- */
#define CONVS(X)                                                                                                              \
    X(transpose1d) X(transpose2d) X(transpose3d) X(separable1d) X(separable2d) X(local1d) X(local2d) X(unfold) X(folded)
#define CONV_DECLARE(id) extern const luron_layer_type conv_##id;
CONVS(CONV_DECLARE)
/* A type with declare, setup, forward, backward and compose, as its file has them. */
#define CONV_TYPE(type_name, text, opts, ports)                                                                               \
    { .struct_size = sizeof(luron_layer_type), .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT, .name = type_name,           \
      .doc = text, .options = opts, .options_size = sizeof(conv), .in = ports, .declare = declare, .setup = setup,            \
      .forward = forward, .backward = backward, .compose = compose }
extern const char *const conv_modes[], *const conv_paddings1[], *const conv_paddings2[]; /* of 1 dim, and of more */
extern const luron_port *const conv_in1[], *const conv_in2[], *const conv_in3[];

#endif
