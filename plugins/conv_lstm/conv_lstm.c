/* conv_lstm.c -- the plugin `conv_lstm`: long short-term memory whose products are convolutions, with Keras's gates i,
 * f, g, o. x (n,t,in,size ...), h_0, c_0 (n,out,size' ...) -> y (n,t,out,size' ...), h_n, c_n; of a cell without t. The
 * convolution of the input goes over all steps at once, that of the state, which keeps its size, step by step. Shi and
 * others, 2015.               */
#include "conv_lstm.h"

static luron_status declare(luron_call *c) {
    const conv_lstm *o = luron_options(c);
    int64_t shape[5] = {4 * o->out_channels, o->in_channels};
    const int ndim = (int)o->kernel_size.n + 2;
    for (int d = 0; d < ndim - 2; d++)
        shape[d + 2] = o->kernel_size.at[d];
    LURON_TRY(c->host->declare_param(c, WEIGHT_IH, "weight_ih", ndim, shape,
                                     luron_init_or(&o->weight_init, luron_init_(LURON_INIT_XAVIER_UNIFORM, 1, 0))));
    shape[1] = o->out_channels;
    LURON_TRY(c->host->declare_param(c, WEIGHT_HH, "weight_hh", ndim, shape,
                                     luron_init_or(&o->recurrent_init, luron_init_(LURON_INIT_ORTHOGONAL, 1, 0))));
    return o->bias ? c->host->declare_param(c, BIAS, "bias", 1, shape, luron_init_or(&o->bias_init, luron_init_zeros()))
                   : LURON_OK;
}

/* ---- shapes ------------------------------------------------------------------------------------------------------ */
static luron_status open_window(const plane *p, const int64_t *sizes, int same, int is_state, window *w) {
    const conv_lstm *o = p->o;
    w->dims = (int)o->kernel_size.n;
    for (int d = 0; d < w->dims; d++) {
        w->stride[d] = is_state ? 1 : o->stride.at[d], w->dilation[d] = is_state ? 1 : o->dilation.at[d],
        w->kernel[d] = o->kernel_size.at[d];
        const int64_t reach = (w->kernel[d] - 1) * w->dilation[d] + 1;
        w->in[d] = sizes[d], w->before[d] = w->after[d] = 0;
        if (same) {
            w->out[d] = (sizes[d] + w->stride[d] - 1) / w->stride[d];
            const int64_t more = (w->out[d] - 1) * w->stride[d] + reach - sizes[d];
            if (more > 0) w->before[d] = more / 2, w->after[d] = more - more / 2;
        } else
            w->out[d] = sizes[d] < reach ? 0 : (sizes[d] - reach) / w->stride[d] + 1;
        if (w->out[d] <= 0)
            return luron_fail(p->c, LURON_E_SHAPE,
                              "input has size %lld in dimension %lld, and the kernel reaches over %lld",
                              (long long)sizes[d], (long long)luron_shown(p->c, p->at + 1 + d), (long long)reach);
    }
    return LURON_OK;
}
luron_status conv_lstm_open(luron_call *c, plane *p) {
    const luron_view *x = luron_in(c, INPUT);
    *p = (plane){.c = c, .o = luron_options(c), .n = x->shape[0], .t = 1, .pixels = 1};
    p->at = x->ndim - (int)p->o->kernel_size.n - 1;
    if (p->at == 2) p->t = x->shape[1];
    if (p->t == 0) return luron_fail(c, LURON_E_SHAPE, "input has sequences of length 0, 1 or more expected");
    if (x->shape[p->at] != p->o->in_channels)
        return luron_fail(c, LURON_E_SHAPE, "input has %lld channels, in_channels is %lld", (long long)x->shape[p->at],
                          (long long)p->o->in_channels);
    LURON_TRY(open_window(p, x->shape + p->at + 1, p->o->padding == SAME, 0, &p->input));
    LURON_TRY(open_window(p, p->input.out, 1, 1, &p->state));
    for (int d = 0; d < p->state.dims; d++)
        p->pixels *= p->state.out[d];
    for (int i = H_0; i <= C_0; i++) {
        const luron_view *s = luron_in(c, i);
        int fits = !s || (s->shape[0] == p->n && s->shape[1] == p->o->out_channels);
        for (int d = 0; s && d < p->state.dims; d++)
            fits &= s->shape[2 + d] == p->state.out[d];
        if (!fits)
            return luron_fail(c, LURON_E_SHAPE, "%s: n, out_channels and the sizes of the output expected",
                              i == H_0 ? "h_0" : "c_0");
    }
    return LURON_OK;
}
int conv_lstm_shape(const plane *p, int steps, int64_t shape[6]) {
    int n = 0;
    shape[n++] = p->n;
    if (steps) shape[n++] = p->t;
    shape[n++] = p->o->out_channels;
    for (int d = 0; d < p->state.dims; d++)
        shape[n++] = p->state.out[d];
    return n;
}
static luron_status setup(luron_call *c) {
    plane p;
    int64_t shape[6];
    LURON_TRY(conv_lstm_open(c, &p));
    for (int i = 0; i < 2 + (p.at == 2); i++) {
        const int ndim = conv_lstm_shape(&p, p.at == 2 && i == 0, shape);
        LURON_TRY(c->host->set_out(c, i, LURON_REAL, ndim, shape));
    }
    return conv_lstm_memory(&p);
}

/* ---- the types --------------------------------------------------------------------------------------------------- */
static const char *const paddings[] = {"valid", "same", NULL};
#define OPTIONS(n)                                                                                                     \
    {LURON_OPT_INT_REQ(conv_lstm, in_channels, 1, 1e9, "channels in"),                                                 \
     LURON_OPT_INT_REQ(conv_lstm, out_channels, 1, 1e8, "channels of the state"),                                      \
     LURON_OPT_INTS_REQ(conv_lstm, kernel_size, 1, 1e4, n, n, "size of both kernels"),                                 \
     LURON_OPT_INTS(conv_lstm, stride, 1, 1, 1e6, n, n, "step of the kernel over the input"),                          \
     LURON_OPT_CHOICE(conv_lstm, padding, "valid", paddings, "of the input: none, or zeros that keep its size"),       \
     LURON_OPT_INTS(conv_lstm, dilation, 1, 1, 1e6, n, n,                                                              \
                    "distance of the numbers of the input that the kernel takes"),                                     \
     LURON_OPT_BOOL(conv_lstm, bias, 1, "add a bias"),                                                                 \
     LURON_OPT_CHOICE(conv_lstm, recurrent_activation, "sigmoid", gate_names, "of the gates"),                         \
     LURON_OPT_INITIALISER(conv_lstm, weight_init, "first weight_ih; nil: xavier_uniform"),                            \
     LURON_OPT_INITIALISER(conv_lstm, recurrent_init, "first weight_hh; nil: orthogonal"),                             \
     LURON_OPT_INITIALISER(conv_lstm, bias_init, "first bias; nil: zeros"),                                            \
     NULL}
static const luron_option *const options_1d[] = OPTIONS(1), *const options_2d[] = OPTIONS(2),
                                 *const options_3d[] = OPTIONS(3);
#define STATE(name, n)                                                                                                 \
    LURON_PORT(name, LURON_PORT_OPTIONAL, LURON_REAL, n + 2,                                                           \
               "first state, (n, out_channels, sizes of the output); zeros if absent")
#define LAST(name, n) LURON_PORT(name, 0, LURON_REAL, n + 2, "last state")
#define PORTS(n)                                                                                                       \
    static const luron_port *const in_##n[] = {                                                                        \
        LURON_PORT("input", 0, LURON_REAL, n + 3, "(n, t, in_channels, sizes)"), STATE("h_0", n), STATE("c_0", n),     \
        NULL};                                                                                                         \
    static const luron_port *const out_##n[] = {                                                                       \
        LURON_PORT("output", 0, LURON_REAL, n + 3, "(n, t, out_channels, sizes)"), LAST("h_n", n), LAST("c_n", n),     \
        NULL};                                                                                                         \
    static const luron_port *const one_in_##n[] = {                                                                    \
        LURON_PORT("input", 0, LURON_REAL, n + 2, "(n, in_channels, sizes)"), STATE("h", n), STATE("c", n), NULL};     \
    static const luron_port *const one_out_##n[] = {LAST("h", n), LAST("c", n), NULL};
PORTS(1)
PORTS(2) PORTS(3)
#define TYPE(type_name, n, from, to, text)                                                                             \
    {.struct_size = sizeof(luron_layer_type),                                                                          \
     .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT,                                                                 \
     .name = type_name,                                                                                                \
     .doc = text,                                                                                                      \
     .options = options_##n##d,                                                                                        \
     .options_size = sizeof(conv_lstm),                                                                                \
     .in = from,                                                                                                       \
     .out = to,                                                                                                        \
     .declare = declare,                                                                                               \
     .setup = setup,                                                                                                   \
     .forward = conv_lstm_forward,                                                                                     \
     .backward = conv_lstm_backward,                                                                                   \
     .compose = conv_lstm_compose}
    static const luron_layer_type conv_1d = TYPE("ConvLSTM1d", 1, in_1, out_1,
                                                 "long short-term memory of convolutions over sequences of signals"),
                                  conv_2d = TYPE("ConvLSTM2d", 2, in_2, out_2, "the same over sequences of images"),
                                  conv_3d = TYPE("ConvLSTM3d", 3, in_3, out_3, "the same over sequences of volumes"),
                                  cell_1d = TYPE("ConvLSTM1dCell", 1, one_in_1, one_out_1, "a step of ConvLSTM1d"),
                                  cell_2d = TYPE("ConvLSTM2dCell", 2, one_in_2, one_out_2, "a step of ConvLSTM2d"),
                                  cell_3d = TYPE("ConvLSTM3dCell", 3, one_in_3, one_out_3, "a step of ConvLSTM3d");
static const luron_layer_type *const layers[] = {&conv_1d, &conv_2d, &conv_3d, &cell_1d, &cell_2d, &cell_3d, NULL};
LURON_PLUGIN_DEFINE(conv_lstm) = {.struct_size = sizeof(luron_plugin),
                                  .abi_major = LURON_ABI_MAJOR,
                                  .name = "conv_lstm",
                                  .version = "0.1.0",
                                  .layers = layers};
