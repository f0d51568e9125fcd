/* separable.c -- SeparableConv1d and 2d, as in Keras: depth_multiplier kernels for each channel, then one of size 1
 * over all that they give. x (n, in_channels, ...), depthwise_weight (in_channels * depth_multiplier, 1, kernel_size),
 * pointwise_weight (out_channels, in_channels * depth_multiplier, 1 ...) -> y (n, out_channels, ...). What lies between
 * is kept for backward.               */
#include "conv.h"

#include <math.h>
#include <string.h>

enum { DEPTHWISE, POINTWISE, BIAS };

static luron_status declare(luron_call *c) {
    const conv *o = luron_options(c);
    const int dims = (int)o->kernel_size.n;
    LURON_TRY(conv_check_same(c));
    const double taps = (double)conv_taps(o), middle = (double)o->in_channels * (double)o->depth_multiplier;
    if (middle > 1e9)
        return luron_fail(c, LURON_E_ARGUMENT,
                          "in_channels times depth_multiplier is %.0f, at most 1000000000 expected", middle);
    int64_t deep[5] = {(int64_t)middle, 1}, point[5] = {o->out_channels, (int64_t)middle, 1, 1, 1};
    for (int d = 0; d < dims; d++)
        deep[d + 2] = o->kernel_size.at[d];
    const luron_init own = luron_init_uniform(-1 / sqrt(taps), 1 / sqrt(taps)),
                     own_point = luron_init_uniform(-1 / sqrt(middle), 1 / sqrt(middle));
    LURON_TRY(c->host->declare_param(c, DEPTHWISE, "depthwise_weight", dims + 2, deep,
                                     luron_init_or(&o->depthwise_init, own)));
    LURON_TRY(c->host->declare_param(c, POINTWISE, "pointwise_weight", dims + 2, point,
                                     luron_init_or(&o->pointwise_init, own_point)));
    return o->bias
               ? c->host->declare_param(c, BIAS, "bias", 1, &o->out_channels, luron_init_or(&o->bias_init, own_point))
               : LURON_OK;
}

/* Shapes of the call; `middle` gets those of what lies between. Its gradient is the layer's own part of the scratch
 * memory. */
static luron_status shapes_of(luron_call *c, int ndim, const int64_t *sizes, conv_shapes *s, int64_t *middle) {
    const conv *o = luron_options(c);
    LURON_TRY(conv_shapes_of(c, ndim, sizes, s));
    memcpy(middle, s->y, sizeof s->y);
    middle[1] = o->in_channels * o->depth_multiplier;
    s->own = (c->dtype & 0xff) / 8;
    for (int i = 0; i < s->dims + 2; i++)
        s->own *= middle[i];
    s->own = (s->own + 63) / 64 * 64;
    return LURON_OK;
}
/* The second convolution, which no border goes before. */
static luron_conv pointwise(const luron_call *c, const conv_shapes *s) {
    luron_conv v = {.struct_size = sizeof v, .groups = 1, .stride = {1, 1, 1}, .dilation = {1, 1, 1}};
    v.w = luron_param(c, POINTWISE);
    if (luron_scratch(c)) v.work = (char *)luron_scratch(c) + s->own;
    return v;
}
static luron_status setup(luron_call *c) {
    const conv *o = luron_options(c);
    conv_shapes s;
    int64_t middle[5];
    LURON_TRY(shapes_of(c, luron_in(c, 0)->ndim, luron_in(c, 0)->shape, &s, middle));
    const luron_view x = conv_view(c, &s, s.copies ? s.padded : s.x, NULL), y = conv_view(c, &s, s.y, NULL),
                     m = conv_view(c, &s, middle, NULL);
    luron_conv first = conv_service(c, &s, o->in_channels), second = pointwise(c, &s);
    first.x = &x, first.gy = &m, first.w = luron_param(c, DEPTHWISE), second.x = &m, second.gy = &y;
    int64_t one = c->host->conv_work(c, &first), two = one < 0 ? one : c->host->conv_work(c, &second);
    if (two < 0) return (luron_status)two;
    one += conv_border_bytes(c, &s);
    LURON_TRY(c->host->declare_saved(c, 0, LURON_REAL, s.dims + 2, middle));
    LURON_TRY(c->host->declare_scratch(c, s.own + (one > two ? one : two)));
    return c->host->set_out(c, 0, LURON_REAL, s.dims + 2 - s.unbatched, s.y + s.unbatched);
}

static luron_status forward(luron_call *c) {
    conv_shapes s;
    int64_t middle[5];
    LURON_TRY(shapes_of(c, luron_in(c, 0)->ndim, luron_in(c, 0)->shape, &s, middle));
    luron_view m = conv_view(c, &s, middle, luron_data(luron_saved(c, 0))),
               y = conv_view(c, &s, s.y, luron_data(luron_out(c, 0)));
    LURON_TRY(conv_run(c, &s, ((const conv *)luron_options(c))->in_channels, NULL, &m, 0));
    luron_conv v = pointwise(c, &s);
    v.x = &m, v.bias = luron_param(c, BIAS), v.out = &y, v.flags = LURON_CONV_MADE;
    return c->host->conv(c, &v);
}

static luron_status backward(luron_call *c) {
    conv_shapes s;
    int64_t middle[5];
    LURON_TRY(shapes_of(c, luron_in(c, 0)->ndim, luron_in(c, 0)->shape, &s, middle));
    const luron_view gy = conv_view(c, &s, s.y, luron_data(luron_grad_out(c, 0)));
    luron_conv v = pointwise(c, &s);
    luron_view *gw = luron_grad_param_beta(c, POINTWISE, &v.beta);
    v.gy = &gy;
    if (gw) {
        const luron_view m = conv_view(c, &s, middle, luron_data(luron_saved(c, 0)));
        v.x = &m, v.out = gw;
        LURON_TRY(c->host->conv_grad_weight(c, &v));
    }
    LURON_TRY(conv_give_bias(c, BIAS, s.dims, &gy));
    luron_view gm = conv_view(c, &s, middle, luron_scratch(c));
    v.out = &gm, v.x = NULL, v.beta = 0;
    LURON_TRY(c->host->conv_grad_input(c, &v));
    return conv_give(c, &s, ((const conv *)luron_options(c))->in_channels, &gm);
}

static luron_status compose(luron_call *c, const luron_ops *o) {
    const conv *opt = luron_options(c);
    const int64_t middle = opt->in_channels * opt->depth_multiplier, deep[3] = {middle, 1, conv_taps(opt)};
    conv_shapes s;
    luron_tensor *x;
    LURON_TRY(conv_opened(&x, c, o, &s));
    int64_t flat[3] = {s.y[0], middle, 1}, point[2] = {opt->out_channels, middle};
    for (int d = 0; d < s.dims; d++)
        flat[2] *= s.y[d + 2];
    luron_tensor *m =
        conv_product(c, o, &s, x, o->reshape(c, o->param(c, DEPTHWISE), 3, deep), opt->in_channels, middle);
    luron_tensor *y = o->matmul(c, o->reshape(c, o->param(c, POINTWISE), 2, point), o->reshape(c, m, 3, flat), 0);
    y = conv_with_bias(c, o, o->reshape(c, y, s.dims + 2, s.y), o->param(c, BIAS));
    return o->set_out(c, 0, s.unbatched ? o->squeeze(c, y, 0) : y);
}

#define TYPE(n, text, padding_doc)                                                                                     \
    static const luron_option *const options##n[] = {                                                                  \
        LURON_OPT_INT_REQ(conv, in_channels, 1, 1e9, "channels in"),                                                   \
        LURON_OPT_INT_REQ(conv, out_channels, 1, 1e9, "channels out"),                                                 \
        LURON_OPT_INTS_REQ(conv, kernel_size, 1, 1e6, n, n, "size of the kernels of single channels"),                 \
        LURON_OPT_INTS(conv, stride, 1, 1, 1e6, n, n, "step of the kernel"),                                           \
        LURON_OPT_INTS_OR(conv, padding, 0, 0, 1e6, n, n, conv_paddings##n, padding_doc),                              \
        LURON_OPT_INTS(conv, dilation, 1, 1, 1e6, n, n, "distance of the numbers that the kernel takes"),              \
        LURON_OPT_INT(conv, depth_multiplier, 1, 1, 1e9, "kernels for each channel"),                                  \
        LURON_OPT_BOOL(conv, bias, 1, "add a bias"),                                                                   \
        LURON_OPT_CHOICE(conv, padding_mode, "zeros", conv_modes, "what the border is made of"),                       \
        LURON_OPT_INITIALISER(conv, depthwise_init, "first depthwise weights; nil: uniform within 1 / sqrt(kernel)"),  \
        LURON_OPT_INITIALISER(                                                                                         \
            conv, pointwise_init,                                                                                      \
            "first pointwise weights; nil: uniform within 1 / sqrt(in_channels * depth_multiplier)"),                  \
        LURON_OPT_INITIALISER(conv, bias_init, "first biases; nil: as the pointwise weights"),                         \
        NULL};                                                                                                         \
    const luron_layer_type conv_separable##n##d = CONV_TYPE("SeparableConv" #n "d", text, options##n, conv_in##n)
TYPE(1, "a convolution of each channel, then one over all channels",
     "border on both sides; 'same': as long as the input, 'causal': before it alone");
TYPE(2, "a convolution of each channel, then one over all channels",
     "border on both sides; 'same': as large as the input");
