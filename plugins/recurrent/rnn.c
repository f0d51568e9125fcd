/* rnn.c: h = tanh or relu of W_ih x + b_ih + W_hh h' + b_hh. z (n,h) -> h (n,h). */
#ifndef REAL
#include "recurrent.h"
#define REAL float
#include "rnn.c"
#define REAL double
#include "rnn.c"
WIDE_PASS(rows) WIDE_PASS(slopes)

static luron_status step_forward(const run *r, step *k) {
    LURON_TRY(rnn_recurrent(r, LURON_TRANS_B, (matrix) { k->prev, r->n, r->h, k->prev_ld }, k->part, 0, (matrix) { r->product, r->n, r->h, r->h }, 0));
    r->c->host->parallel_for(r->c, r->n, rnn_grain(r), BY_VECTORS(r->c, rows), k);
    return LURON_OK;
}
static luron_status step_backward(const run *r, step *k) {
    r->c->host->parallel_for(r->c, r->n, rnn_grain(r), BY_VECTORS(r->c, slopes), k);
    if (!k->wants_prev) return LURON_OK;
    return rnn_recurrent(r, 0, (matrix) { k->dz, r->n, r->h, r->h }, k->part, 0, (matrix) { r->dh, r->n, r->h, r->h }, 0);
}
static luron_tensor *step_compose(const run *r, const luron_ops *o, luron_tensor *z, luron_tensor *prev, luron_tensor **c, luron_tensor *w_hh,
                                  luron_tensor *b_hh) {
    luron_tensor *a = o->matmul(r->c, prev, w_hh, LURON_TRANS_B);
    (void)c;
    z = o->add(r->c, z, b_hh ? o->add_row(r->c, a, b_hh) : a);
    return r->o->nonlinearity == TANH ? o->tanh(r->c, z) : o->maximum(r->c, z, o->scalar(r->c, 0));
}
const cell rnn_cell_rnn = { .gates = 1, .forward = step_forward, .backward = step_backward, .compose = step_compose };

RNN_TYPE_CALLBACKS(rnn_cell_rnn)
static const char *const functions[] = { "tanh", "relu", NULL };
#define NONLINEARITY LURON_OPT_CHOICE(recurrent, nonlinearity, "tanh", functions, "of the new state")
static const luron_option *const options[] = { RNN_SIZES, RNN_LAYERS, NONLINEARITY, RNN_BIAS, RNN_SEQUENCE, RNN_INITS, NULL };
static const luron_option *const options_one[] = { RNN_SIZES, RNN_BIAS, NONLINEARITY, RNN_INITS, NULL };
const luron_layer_type rnn_rnn = { RNN_TYPE("RNN", "simple recurrent network over sequences"), .options = options, .in = rnn_in, .out = rnn_out,
    .flags = LURON_LAYER_F64 | LURON_LAYER_RANDOM | LURON_LAYER_FREES_OUT };
const luron_layer_type rnn_rnn_one = { RNN_TYPE("RNNCell", "a step of a simple recurrent network"), .options = options_one, .in = rnn_cell_in,
    .out = rnn_cell_out, .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT };
#else
LOOP TYPED(rows)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const step *k = arg;
    const luron_host *host = k->r->c->host;
    const int64_t h = k->r->h;
    (void)chunk;
    for (int64_t row = begin; row < end; row++) {
        REAL *z = (REAL *)k->z + row * h, *to = (REAL *)k->h + row * k->r->out;
        REAL *out = k->out ? (REAL *)k->out + row * k->r->t * k->r->out : to;
        TYPED(rnn_sum)(h, rnn_input_row(k, row), (const REAL *)k->b_ih, (const REAL *)k->r->product + row * h, (const REAL *)k->b_hh, z);
        if (k->r->o->nonlinearity == TANH) host->map(host, LURON_MAP_tanh, k->r->c->dtype, h, z, z);
        for (int64_t j = 0; j < h; j++) {
            if (k->r->o->nonlinearity == RELU) z[j] = z[j] < 0 ? 0 : z[j]; /* NaN stays */
            out[j] = to[j] = z[j];
        }
    }
}
LOOP TYPED(slopes)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const step *k = arg;
    const int64_t h = k->r->h;
    (void)chunk;
    for (int64_t row = begin; row < end; row++) {
        const REAL *y = (const REAL *)k->z + row * h, *dh = (const REAL *)k->r->dh + row * h, *dy = (const REAL *)k->dy + row * k->dy_ld;
        REAL *dz = (REAL *)k->dz + row * h;
        if (k->r->o->nonlinearity == TANH)
            for (int64_t j = 0; j < h; j++) dz[j] = (dh[j] + dy[j]) * (1 - y[j] * y[j]);
        else
            for (int64_t j = 0; j < h; j++) dz[j] = y[j] > 0 ? dh[j] + dy[j] : 0;
    }
}
#undef REAL
#endif
