/* conv.c -- the plugin `conv`, and of it Conv1d, Conv2d and Conv3d, cross-correlations as in PyTorch.
 * x (n, in_channels, ...), weight (out_channels, in_channels / groups, kernel_size) -> y (n, out_channels, ...).       */
#include "conv.h"

#include <math.h>
#include <string.h>

luron_status conv_check_same(luron_call *c) {
    const conv *o = luron_options(c);
    for (int d = 0; d < o->kernel_size.n && o->padding.n == CONV_SAME; d++)
        if (o->stride.at[d] != 1) return luron_fail(c, LURON_E_ARGUMENT, "padding 'same' goes with stride 1 alone, stride is %lld", (long long)o->stride.at[d]);
    return LURON_OK;
}

luron_status conv_check_groups(luron_call *c) {
    const conv *o = luron_options(c);
    if (o->in_channels % o->groups == 0 && o->out_channels % o->groups == 0) return LURON_OK;
    return luron_fail(c, LURON_E_ARGUMENT, "in_channels, %lld, and out_channels, %lld, have to be multiples of groups, %lld",
                      (long long)o->in_channels, (long long)o->out_channels, (long long)o->groups);
}

static luron_status declare(luron_call *c) {
    const conv *o = luron_options(c);
    const int dims = (int)o->kernel_size.n;
    LURON_TRY(conv_check_groups(c));
    LURON_TRY(conv_check_same(c));
    int64_t shape[5] = { o->out_channels, o->in_channels / o->groups };
    double fan_in = (double)shape[1];
    for (int d = 0; d < dims; d++) fan_in *= (double)(shape[d + 2] = o->kernel_size.at[d]);
    const luron_init own = luron_init_uniform(-1 / sqrt(fan_in), 1 / sqrt(fan_in)); /* kaiming_uniform of slope sqrt(5) */
    LURON_TRY(c->host->declare_param(c, CONV_WEIGHT, "weight", dims + 2, shape, luron_init_or(&o->weight_init, own)));
    return o->bias ? c->host->declare_param(c, CONV_BIAS, "bias", 1, shape, luron_init_or(&o->bias_init, own)) : LURON_OK;
}

/* ---- shapes ------------------------------------------------------------------------------------------------------------ */
static luron_status check_border(luron_call *c, const conv_shapes *s, int d) {
    const int mode = ((const conv *)luron_options(c))->padding_mode;
    const int64_t size = s->x[d + 2], most = s->before[d] > s->after[d] ? s->before[d] : s->after[d];
    const int64_t limit = mode == CONV_REFLECT ? size - 1 : mode == CONV_CIRCULAR ? size : size > 0 ? INT64_MAX : 0;
    if (most <= limit) return LURON_OK;
    return luron_fail(c, LURON_E_SHAPE, "padding of %lld is too much for a size of %lld: with padding_mode '%s' %s", (long long)most, (long long)size,
                      mode == CONV_REFLECT ? "reflect" : mode == CONV_CIRCULAR ? "circular" : "replicate",
                      mode == CONV_REFLECT ? "less than the size is expected" : mode == CONV_CIRCULAR ? "at most the size is expected" : "there has to be something to repeat");
}

luron_status conv_input_of(luron_call *c, int ndim, const int64_t *sizes, conv_shapes *s, int64_t *to) {
    const conv *o = luron_options(c);
    s->unbatched = ndim == s->dims + 1;
    if (ndim != s->dims + 2 && !s->unbatched)
        return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, %d expected, or %d without a batch: (n, in_channels, %s)", ndim, s->dims + 2, s->dims + 1,
                          s->dims == 1 ? "length" : s->dims == 2 ? "height, width" : "depth, height, width");
    to[0] = 1;
    for (int i = 0; i < ndim; i++) to[i + s->unbatched] = sizes[i];
    if (to[1] == o->in_channels) return LURON_OK;
    return luron_fail(c, LURON_E_SHAPE, "input has %lld channels, in_channels is %lld", (long long)to[1], (long long)o->in_channels);
}

luron_status conv_shapes_of(luron_call *c, int ndim, const int64_t *sizes, conv_shapes *s) {
    const conv *o = luron_options(c);
    memset(s, 0, sizeof *s);
    s->dims = (int)o->kernel_size.n;
    LURON_TRY(conv_input_of(c, ndim, sizes, s, s->x));
    s->padded[0] = s->y[0] = s->x[0], s->padded[1] = s->x[1], s->y[1] = o->out_channels;
    for (int d = 0; d < s->dims; d++) {
        const int64_t span = o->dilation.at[d] * (o->kernel_size.at[d] - 1), padding = o->padding.n;
        s->before[d] = padding == CONV_SAME ? span / 2 : padding == CONV_CAUSAL ? span : padding == CONV_VALID ? 0 : o->padding.at[d];
        s->after[d] = padding == CONV_SAME ? span - span / 2 : padding == CONV_CAUSAL ? 0 : s->before[d];
        s->padded[d + 2] = s->x[d + 2] + s->before[d] + s->after[d];
        if (s->padded[d + 2] <= span)
            return luron_fail(c, LURON_E_SHAPE, "input has size %lld, %lld with padding: the kernel takes %lld%s", (long long)s->x[d + 2],
                              (long long)s->padded[d + 2], (long long)span + 1, o->dilation.at[d] > 1 ? " with its dilation" : "");
        s->y[d + 2] = (s->padded[d + 2] - span - 1) / o->stride.at[d] + 1;
        if (o->padding_mode == CONV_ZEROS || s->before[d] + s->after[d] == 0) continue;
        s->copies = 1;
        LURON_TRY(check_border(c, s, d));
    }
    return LURON_OK;
}

luron_view conv_view(const luron_call *c, const conv_shapes *s, int64_t *sizes, void *data) {
    luron_view v = { .ndim = s->dims + 2, .shape = sizes, .data = data, .dtype_code = (uint8_t)(c->dtype >> 8), .dtype_bits = (uint8_t)c->dtype, .dtype_lanes = 1 };
    return v;
}
int64_t conv_border_bytes(const luron_call *c, const conv_shapes *s) {
    if (!s->copies) return 0;
    int64_t n = (c->dtype & 0xff) / 8;
    for (int i = 0; i < s->dims + 2; i++) n *= s->padded[i];
    return (n + 63) / 64 * 64;
}
luron_conv conv_service(const luron_call *c, const conv_shapes *s, int64_t groups) {
    const conv *o = luron_options(c);
    luron_conv v = { .struct_size = sizeof v, .groups = groups };
    for (int d = 0; d < s->dims; d++) {
        v.stride[d] = o->stride.at[d], v.dilation[d] = o->dilation.at[d];
        v.padding[d] = s->copies ? 0 : s->before[d];
    }
    if (luron_scratch(c)) v.work = (char *)luron_scratch(c) + s->own + conv_border_bytes(c, s);
    return v;
}
static void *border_memory(const luron_call *c, const conv_shapes *s) { return (char *)luron_scratch(c) + s->own; }

static luron_status setup(luron_call *c) {
    conv_shapes s;
    LURON_TRY(conv_shapes_of(c, luron_in(c, 0)->ndim, luron_in(c, 0)->shape, &s));
    const luron_view x = conv_view(c, &s, s.copies ? s.padded : s.x, NULL), y = conv_view(c, &s, s.y, NULL);
    luron_conv v = conv_service(c, &s, ((const conv *)luron_options(c))->groups);
    v.x = &x, v.gy = &y, v.w = luron_param(c, CONV_WEIGHT);
    const int64_t bytes = c->host->conv_work(c, &v);
    if (bytes < 0) return (luron_status)bytes;
    LURON_TRY(c->host->declare_scratch(c, conv_border_bytes(c, &s) + bytes));
    return c->host->set_out(c, 0, LURON_REAL, s.dims + 2 - s.unbatched, s.y + s.unbatched);
}

/* ---- running ----------------------------------------------------------------------------------------------------------- */
/* The input, with its border where that is copied. */
static luron_view input(luron_call *c, conv_shapes *s) {
    if (!s->copies) return conv_view(c, s, s->x, luron_data(luron_in(c, 0)));
    conv_pad(c, s, luron_in(c, 0), border_memory(c, s));
    return conv_view(c, s, s->padded, border_memory(c, s));
}
luron_status conv_run(luron_call *c, const conv_shapes *shapes, int64_t groups, const luron_view *bias, luron_view *out, uint32_t flags) {
    conv_shapes s = *shapes;
    const luron_view x = input(c, &s);
    luron_conv v = conv_service(c, &s, groups);
    v.x = &x, v.w = luron_param(c, CONV_WEIGHT), v.bias = bias, v.out = out, v.flags = flags;
    return c->host->conv(c, &v);
}
static luron_status forward(luron_call *c) {
    conv_shapes s;
    LURON_TRY(conv_shapes_of(c, luron_in(c, 0)->ndim, luron_in(c, 0)->shape, &s));
    luron_view y = conv_view(c, &s, s.y, luron_data(luron_out(c, 0)));
    return conv_run(c, &s, ((const conv *)luron_options(c))->groups, luron_param(c, CONV_BIAS), &y, LURON_CONV_MADE);
}

static luron_status grad_input(luron_call *c, conv_shapes *s, int64_t groups, const luron_view *gy) {
    double beta;
    luron_view *gx = luron_grad_in_beta(c, 0, &beta);
    if (!gx) return LURON_OK;
    luron_view out = conv_view(c, s, s->copies ? s->padded : s->x, s->copies ? border_memory(c, s) : luron_data(gx));
    luron_conv v = conv_service(c, s, groups);
    v.w = luron_param(c, CONV_WEIGHT), v.gy = gy, v.out = &out, v.beta = s->copies ? 0 : beta;
    LURON_TRY(c->host->conv_grad_input(c, &v));
    if (s->copies) conv_fold(c, s, border_memory(c, s), gx, beta);
    return LURON_OK;
}
luron_status conv_give(luron_call *c, const conv_shapes *shapes, int64_t groups, const luron_view *gy) {
    conv_shapes s = *shapes;
    luron_conv v = conv_service(c, &s, groups);
    luron_view *gw = luron_grad_param_beta(c, CONV_WEIGHT, &v.beta);
    if (gw) {
        const luron_view x = input(c, &s);
        v.x = &x, v.gy = gy, v.out = gw;
        LURON_TRY(c->host->conv_grad_weight(c, &v));
    }
    return grad_input(c, &s, groups, gy);
}
luron_status conv_give_bias(luron_call *c, int slot, int dims, const luron_view *gy) {
    double beta;
    luron_view *gb = luron_grad_param_beta(c, slot, &beta);
    if (!gb) return LURON_OK;
    int64_t sizes[4] = { gy->shape[1], 1, 1, 1 };
    luron_view channels = *gb;
    channels.shape = sizes, channels.ndim = dims + 1, channels.strides = NULL;
    return c->host->sum_to(c, gy, &channels, beta);
}

static luron_status backward(luron_call *c) {
    conv_shapes s;
    LURON_TRY(conv_shapes_of(c, luron_in(c, 0)->ndim, luron_in(c, 0)->shape, &s));
    const luron_view gy = conv_view(c, &s, s.y, luron_data(luron_grad_out(c, 0)));
    LURON_TRY(conv_give(c, &s, ((const conv *)luron_options(c))->groups, &gy));
    return conv_give_bias(c, CONV_BIAS, s.dims, &gy);
}

static luron_status compose(luron_call *c, const luron_ops *o) {
    const conv *opt = luron_options(c);
    conv_shapes s;
    luron_tensor *x;
    LURON_TRY(conv_opened(&x, c, o, &s));
    const int64_t each[3] = { opt->out_channels, opt->in_channels / opt->groups, conv_taps(opt) };
    luron_tensor *w = o->reshape(c, o->param(c, CONV_WEIGHT), 3, each);
    luron_tensor *y = conv_with_bias(c, o, conv_product(c, o, &s, x, w, opt->groups, opt->out_channels), o->param(c, CONV_BIAS));
    return o->set_out(c, 0, s.unbatched ? o->squeeze(c, y, 0) : y);
}

/* ---- the types --------------------------------------------------------------------------------------------------------- */
const char *const conv_modes[] = { "zeros", "reflect", "replicate", "circular", NULL };
const char *const conv_paddings1[] = { "same", "valid", "causal", NULL }, *const conv_paddings2[] = { "same", "valid", NULL };
/* The options of so many dimensions. */
#define OPTIONS(n, words, padding_doc)                                                                                                        \
    { LURON_OPT_INT_REQ(conv, in_channels, 1, 1e9, "channels in"), LURON_OPT_INT_REQ(conv, out_channels, 1, 1e9, "channels out"),             \
      LURON_OPT_INTS_REQ(conv, kernel_size, 1, 1e6, n, n, "size of the kernel"), LURON_OPT_INTS(conv, stride, 1, 1, 1e6, n, n, "step of the kernel"), \
      LURON_OPT_INTS_OR(conv, padding, 0, 0, 1e6, n, n, words, padding_doc),                                                                  \
      LURON_OPT_INTS(conv, dilation, 1, 1, 1e6, n, n, "distance of the numbers that the kernel takes"),                                       \
      LURON_OPT_INT(conv, groups, 1, 1, 1e9, "sets of channels, each with a kernel of its own"), LURON_OPT_BOOL(conv, bias, 1, "add a bias"), \
      LURON_OPT_CHOICE(conv, padding_mode, "zeros", conv_modes, "what the border is made of"),                                                \
      LURON_OPT_INITIALISER(conv, weight_init, "first weights; nil: uniform within 1 / sqrt(numbers that go into an output)"),                \
      LURON_OPT_INITIALISER(conv, bias_init, "first biases; nil: as the weights"), NULL }
static const luron_option *const options_1d[] = OPTIONS(1, conv_paddings1, "border on both sides; 'same': as long as the input, 'causal': before it alone");
static const luron_option *const options_2d[] = OPTIONS(2, conv_paddings2, "border on both sides; 'same': as large as the input");
static const luron_option *const options_3d[] = OPTIONS(3, conv_paddings2, "border on both sides; 'same': as large as the input");
const luron_port *const conv_in1[] = { LURON_PORT("input", 0, LURON_REAL, 0, "(n, in_channels, length)"), NULL };
const luron_port *const conv_in2[] = { LURON_PORT("input", 0, LURON_REAL, 0, "(n, in_channels, height, width)"), NULL };
const luron_port *const conv_in3[] = { LURON_PORT("input", 0, LURON_REAL, 0, "(n, in_channels, depth, height, width)"), NULL };
static const luron_layer_type conv1d = CONV_TYPE("Conv1d", "convolution along one dimension", options_1d, conv_in1),
                              conv2d = CONV_TYPE("Conv2d", "convolution over height and width", options_2d, conv_in2),
                              conv3d = CONV_TYPE("Conv3d", "convolution over depth, height and width", options_3d, conv_in3);
#define LISTED(id) &conv_##id,
static const luron_layer_type *const layers[] = { &conv1d, &conv2d, &conv3d, CONVS(LISTED) NULL };
LURON_PLUGIN_DEFINE(conv) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "conv", .version = "0.1.0", .layers = layers };
