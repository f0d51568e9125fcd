/* steps_ops.c -- the convolutions as products and the steps in ops, from which higher derivatives follow. */
#include "conv_lstm.h"
enum { TOGETHER = 64 }; /* parts that are joined at once */

/* What each tap of the kernel reads of x (m, channels, size ...): (m, taps channels, pixels). */
static luron_tensor *columns(luron_call *c, const luron_ops *o, const window *w, luron_tensor *x, int64_t m,
                             int64_t channels) {
    luron_tensor *parts[TOGETHER + 1], *all = NULL;
    int64_t taps = 1, pixels = 1, n = 0;
    for (int d = 0; d < w->dims; d++)
        taps *= w->kernel[d], pixels *= w->out[d];
    x = o->pad(c, x, w->dims, w->before, w->after, 0);
    for (int64_t tap = 0; tap < taps; tap++) {
        luron_tensor *part = x;
        for (int64_t d = w->dims - 1, at = tap; d >= 0; at /= w->kernel[d--])
            part = o->slice(c, part, (int)d + 2, at % w->kernel[d] * w->dilation[d], (w->out[d] - 1) * w->stride[d] + 1,
                            w->stride[d]);
        if (all && n == 0) parts[n++] = all;
        parts[n++] = o->reshape(c, part, LURON_SHAPE(m, channels, pixels));
        if (n <= TOGETHER - 1 && tap + 1 < taps) continue;
        all = n > 1 ? o->cat(c, (int)n, parts, 1) : parts[0], n = 0;
    }
    return all;
}
/* x (m, channels, size ...) -> (m, 4 out, pixels); w (4 out, channels, kernel ...). */
static luron_tensor *convolved(luron_call *c, const luron_ops *o, const window *w, luron_tensor *x, int64_t m,
                               luron_tensor *weight) {
    const int64_t rows = o->size(c, weight, 0), channels = o->size(c, weight, 1);
    weight = o->transpose(c, o->reshape(c, weight, LURON_SHAPE(rows, channels, -1)), 1, 2);
    return o->matmul(c, o->reshape(c, weight, LURON_SHAPE(rows, -1)), columns(c, o, w, x, m, channels), 0);
}
/* A step: z (n, 4 out, pixels) of the input, h and *cell_state (n, out, pixels) before it. */
static luron_tensor *step_of(const plane *p, const luron_ops *o, luron_tensor *z, luron_tensor *h,
                             luron_tensor **cell_state) {
    luron_call *c = p->c;
    const int64_t out = p->o->out_channels;
    luron_tensor *gate[4];
    if (h) {
        int64_t shape[6];
        const int ndim = conv_lstm_shape(p, 0, shape);
        z = o->add(c, z, convolved(c, o, &p->state, o->reshape(c, h, ndim, shape), p->n, o->param(c, WEIGHT_HH)));
    }
    for (int i = 0; i < 4; i++) {
        gate[i] = o->narrow(c, z, 1, i * out, out);
        gate[i] = i == 2 ? o->tanh(c, gate[i]) : gate_composed(c, o, p->o->recurrent_activation, gate[i]);
    }
    luron_tensor *next = o->mul(c, gate[0], gate[2]);
    *cell_state = *cell_state ? o->add(c, o->mul(c, gate[1], *cell_state), next) : next;
    return o->mul(c, gate[3], o->tanh(c, *cell_state));
}
luron_status conv_lstm_compose(luron_call *c, const luron_ops *o) {
    plane p;
    int64_t shape[6] = {0};
    LURON_TRY(conv_lstm_open(c, &p));
    const int64_t out = p.o->out_channels;
    shape[0] = p.n * p.t, shape[1] = p.o->in_channels;
    for (int d = 0; d < p.input.dims; d++)
        shape[d + 2] = p.input.in[d];
    luron_tensor *z = convolved(c, o, &p.input, o->reshape(c, o->in(c, INPUT), p.input.dims + 2, shape), p.n * p.t,
                                o->param(c, WEIGHT_IH));
    if (p.o->bias) z = o->add(c, z, o->reshape(c, o->param(c, BIAS), LURON_SHAPE(4 * out, 1)));
    z = o->reshape(c, z, LURON_SHAPE(p.n, p.t, 4 * out, p.pixels));
    luron_tensor *states[2], *parts[TOGETHER + 1], *all = NULL;
    for (int i = 0; i < 2; i++)
        states[i] = luron_in(c, H_0 + i) ? o->reshape(c, o->in(c, H_0 + i), LURON_SHAPE(p.n, out, p.pixels)) : NULL;
    for (int64_t s = 0, n = 0; s < p.t; s++) {
        states[0] = step_of(&p, o, o->select(c, z, 1, s), states[0], &states[1]);
        if (all && n == 0) parts[n++] = all;
        parts[n++] = o->unsqueeze(c, states[0], 1);
        if (n <= TOGETHER - 1 && s + 1 < p.t) continue;
        all = n > 1 ? o->cat(c, (int)n, parts, 1) : parts[0], n = 0;
    }
    const int steps = p.at == 2;
    if (steps) LURON_TRY(o->set_out(c, 0, o->reshape(c, all, conv_lstm_shape(&p, 1, shape), shape)));
    const int ndim = conv_lstm_shape(&p, 0, shape);
    for (int i = 0; i < 2; i++)
        LURON_TRY(o->set_out(c, steps + i, o->reshape(c, states[i], ndim, shape)));
    return LURON_OK;
}
