/* transpose.c -- ConvTranspose1d to 3d: the gradient of a convolution by its input, as a layer. What the services call
 * x is the output here, and gy the input. x (n, in_channels, ...), weight (in_channels, out_channels / groups,
 * kernel_size) -> y (n, out_channels, ...). */
#include "conv.h"

#include <math.h>

enum { GRAIN = 16384 };

/* Of dim d; none given is 0, or with a word for `padding` what Keras's None is: the sizes below say it. */
static int64_t added_of(const conv *o, int d) {
    return o->output_padding.n ? o->output_padding.at[o->output_padding.n > 1 ? d : 0] : 0;
}

static luron_status declare(luron_call *c) {
    const conv *o = luron_options(c);
    const int dims = (int)o->kernel_size.n;
    LURON_TRY(conv_check_groups(c));
    if (o->output_padding.n > 1 && o->output_padding.n != dims)
        return luron_fail(c, LURON_E_ARGUMENT, "output_padding has %lld numbers, 1 or %d expected",
                          (long long)o->output_padding.n, dims);
    int64_t shape[5] = {o->in_channels, o->out_channels / o->groups};
    double fan_in = (double)shape[1];
    for (int d = 0; d < dims; d++) {
        fan_in *= (double)(shape[d + 2] = o->kernel_size.at[d]);
        if (added_of(o, d) >= o->stride.at[d] && added_of(o, d) >= o->dilation.at[d])
            return luron_fail(
                c, LURON_E_ARGUMENT, "output_padding is %lld, less than stride, %lld, or than dilation, %lld, expected",
                (long long)added_of(o, d), (long long)o->stride.at[d], (long long)o->dilation.at[d]);
    }
    const luron_init own =
        luron_init_uniform(-1 / sqrt(fan_in), 1 / sqrt(fan_in)); /* PyTorch's: its fan_in is of dim 1 */
    LURON_TRY(c->host->declare_param(c, CONV_WEIGHT, "weight", dims + 2, shape, luron_init_or(&o->weight_init, own)));
    return o->bias
               ? c->host->declare_param(c, CONV_BIAS, "bias", 1, &o->out_channels, luron_init_or(&o->bias_init, own))
               : LURON_OK;
}

/* What is cut off in front of dim d, and how much longer the output is than before * 2 cut off leaves it, behind. Of 'same'
 * and 'valid' they are Keras's, as with TensorFlow and JAX: size * stride, or at least what a kernel and the strides take;
 * with output_padding given, (size - 1) * stride + that, and 1 if the kernel is odd, or the kernel. */
static int64_t cut_of(const conv *o, int d, int64_t *behind) {
    const int64_t span = o->dilation.at[d] * (o->kernel_size.at[d] - 1) + 1, stride = o->stride.at[d];
    const int64_t added = added_of(o, d), given = o->output_padding.n > 0;
    *behind = added;
    if (o->padding.n > 0) return o->padding.at[d];
    if (o->padding.n == CONV_VALID) {
        if (!given && stride > span) *behind = stride - span;
        return 0;
    }
    const int64_t total = span - (given ? span % 2 + added : stride), before = total > 0 ? total / 2 : 0;
    *behind = 2 * before - total;
    return before;
}

/* s->x has the sizes of the output, s->y those of the input. */
static luron_status shapes_of(luron_call *c, conv_shapes *s) {
    const conv *o = luron_options(c);
    *s = (conv_shapes){.dims = (int)o->kernel_size.n};
    LURON_TRY(conv_input_of(c, luron_in(c, 0)->ndim, luron_in(c, 0)->shape, s, s->y));
    s->x[0] = s->y[0], s->x[1] = o->out_channels;
    for (int d = 0; d < s->dims; d++) {
        const int64_t full = (s->y[d + 2] - 1) * o->stride.at[d] + o->dilation.at[d] * (o->kernel_size.at[d] - 1) + 1;
        int64_t behind;
        s->before[d] = cut_of(o, d, &behind), s->x[d + 2] = full - 2 * s->before[d] + behind;
        if (s->y[d + 2] < 1)
            return luron_fail(c, LURON_E_SHAPE, "input has size 0, at least 1 expected behind the channels");
        if (s->x[d + 2] < 1)
            return luron_fail(
                c, LURON_E_SHAPE,
                "output would have size %lld: from an input of size %lld comes %lld, and padding takes %lld",
                (long long)s->x[d + 2], (long long)s->y[d + 2], (long long)(full + behind),
                (long long)(2 * s->before[d]));
    }
    return LURON_OK;
}

static luron_status setup(luron_call *c) {
    conv_shapes s;
    LURON_TRY(shapes_of(c, &s));
    LURON_TRY(c->host->set_out(c, 0, LURON_REAL, s.dims + 2 - s.unbatched, s.x + s.unbatched));
    const luron_view big = conv_view(c, &s, s.x, NULL), small = conv_view(c, &s, s.y, NULL);
    luron_conv v = conv_service(c, &s, ((const conv *)luron_options(c))->groups);
    v.x = &big, v.gy = &small, v.w = luron_param(c, CONV_WEIGHT);
    const int64_t bytes = c->host->conv_work(c, &v);
    if (bytes < 0) return (luron_status)bytes;
    return c->host->declare_scratch(c, bytes);
}

typedef struct filling {
    const luron_view *bias;
    void *to;
    int64_t channels, size;
} filling;
static void fill(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const filling *f = arg;
    const float *bf = luron_f32(f->bias);
    const double *bd = luron_f64(f->bias);
    (void)chunk;
    for (int64_t plane = begin; plane < end; plane++)
        for (int64_t i = plane * f->size; i < (plane + 1) * f->size; i++)
            if (bf)
                ((float *)f->to)[i] = bf[plane % f->channels];
            else
                ((double *)f->to)[i] = bd[plane % f->channels];
}
static luron_status forward(luron_call *c) {
    conv_shapes s;
    LURON_TRY(shapes_of(c, &s));
    luron_conv v = conv_service(c, &s, ((const conv *)luron_options(c))->groups);
    const luron_view x = conv_view(c, &s, s.y, luron_data(luron_in(c, 0)));
    luron_view y = conv_view(c, &s, s.x, luron_data(luron_out(c, 0)));
    filling f = {luron_param(c, CONV_BIAS), luron_data(&y), s.x[1], 1};
    for (int d = 0; d < s.dims; d++)
        f.size *= s.x[d + 2];
    if (f.bias) c->host->parallel_for(c, s.x[0] * s.x[1], GRAIN / f.size + 1, fill, &f);
    v.gy = &x, v.w = luron_param(c, CONV_WEIGHT), v.out = &y, v.beta = f.bias ? 1 : 0;
    return c->host->conv_grad_input(c, &v);
}

static luron_status backward(luron_call *c) {
    conv_shapes s;
    LURON_TRY(shapes_of(c, &s));
    luron_conv v = conv_service(c, &s, ((const conv *)luron_options(c))->groups);
    const luron_view gy = conv_view(c, &s, s.x, luron_data(luron_grad_out(c, 0)));
    luron_view *gw = luron_grad_param_beta(c, CONV_WEIGHT, &v.beta);
    v.x = &gy;
    if (gw) {
        const luron_view x = conv_view(c, &s, s.y, luron_data(luron_in(c, 0)));
        v.gy = &x, v.out = gw;
        LURON_TRY(c->host->conv_grad_weight(c, &v));
    }
    const luron_view *gx = luron_grad_in_beta(c, 0, &v.beta);
    if (gx) {
        luron_view to = conv_view(c, &s, s.y, luron_data(gx));
        v.w = luron_param(c, CONV_WEIGHT), v.out = &to, v.gy = NULL;
        LURON_TRY(c->host->conv(c, &v));
    }
    return conv_give_bias(c, CONV_BIAS, s.dims, &gy);
}

/* What the taps give of each place, in one product, added up where it lies; then the output is cut out of it. */
static luron_status compose(luron_call *c, const luron_ops *o) {
    const conv *opt = luron_options(c);
    luron_tensor *x = o->in(c, 0), *y;
    int64_t full[3], none[3] = {0}, after[3];
    conv_shapes s;
    LURON_TRY(shapes_of(c, &s));
    const int64_t groups = opt->groups, part = opt->in_channels / groups, taps = conv_taps(opt);
    const int64_t weights[3] = {groups, part, opt->out_channels / groups * taps};
    int64_t flat[4] = {s.x[0], groups, part, 1}, blocks[3] = {s.x[0], opt->out_channels, taps};
    for (int d = 0; d < s.dims; d++) {
        flat[3] *= s.y[d + 2], blocks[2] *= s.y[d + 2];
        full[d] = (s.y[d + 2] - 1) * opt->stride.at[d] + opt->dilation.at[d] * (opt->kernel_size.at[d] - 1) + 1;
    }
    luron_tensor *w = o->reshape(c, o->param(c, CONV_WEIGHT), 3, weights);
    y = o->reshape(c, o->matmul(c, w, o->reshape(c, x, 4, flat), LURON_TRANS_A), 3, blocks);
    y = conv_added(c, o, y, s.dims, s.y + 2, full);
    for (int d = 0; d < s.dims; d++) {
        const int64_t left = full[d] - s.before[d], keep = left < 0 ? 0 : left < s.x[d + 2] ? left : s.x[d + 2];
        y = o->narrow(c, y, d + 2, keep ? s.before[d] : 0, keep);
        after[d] = s.x[d + 2] - keep; /* of output_padding */
    }
    y = conv_with_bias(c, o, o->pad(c, y, s.dims, none, after, 0), o->param(c, CONV_BIAS));
    return o->set_out(c, 0, s.unbatched ? o->squeeze(c, y, 0) : y);
}

#define OPTIONS(n)                                                                                                     \
    static const luron_option *const options##n[] = {                                                                  \
        LURON_OPT_INT_REQ(conv, in_channels, 1, 1e9, "channels in"),                                                   \
        LURON_OPT_INT_REQ(conv, out_channels, 1, 1e9, "channels out"),                                                 \
        LURON_OPT_INTS_REQ(conv, kernel_size, 1, 1e6, n, n, "size of the kernel"),                                     \
        LURON_OPT_INTS(conv, stride, 1, 1, 1e6, n, n, "places of the output a place of the input"),                    \
        LURON_OPT_INTS_OR(conv, padding, 0, 0, 1e6, n, n, conv_paddings2,                                              \
                          "cut off both sides of the output; 'same': as large as the input times stride"),             \
        LURON_OPT_INTS(conv, output_padding, 0, 0, 1e6, 0, n, "added behind the output, which a stride leaves open"),  \
        LURON_OPT_INT(conv, groups, 1, 1, 1e9, "sets of channels, each with a kernel of its own"),                     \
        LURON_OPT_BOOL(conv, bias, 1, "add a bias"),                                                                   \
        LURON_OPT_INTS(conv, dilation, 1, 1, 1e6, n, n, "distance of the numbers that the kernel gives"),              \
        LURON_OPT_INITIALISER(conv, weight_init,                                                                       \
                              "first weights; nil: uniform within 1 / sqrt(out_channels / groups * kernel)"),          \
        LURON_OPT_INITIALISER(conv, bias_init, "first biases; nil: as the weights"),                                   \
        NULL}
OPTIONS(1);
OPTIONS(2);
OPTIONS(3);
#define TYPE(n, text)                                                                                                  \
    const luron_layer_type conv_transpose##n##d = CONV_TYPE("ConvTranspose" #n "d", text, options##n, conv_in##n)
TYPE(1, "transposed convolution along one dimension: larger by the stride");
TYPE(2, "transposed convolution over height and width: larger by the stride");
TYPE(3, "transposed convolution over depth, height and width: larger by the stride");
