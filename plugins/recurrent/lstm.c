/* lstm.c: gates i, f, g, o of z = W_ih x + b_ih + W_hh h + b_hh: c = f c' + i g, h = o tanh(c), with sigmoid and, for g,
 * tanh. z (n,4h) -> h (n,h); a row of extra is c. tanh(c) is made anew for the gradients: as quick as to keep it.         */
#ifndef REAL
#include "recurrent.h"
#define REAL float
#include "lstm.c"
#define REAL double
#include "lstm.c"
WIDE_PASS(rows) WIDE_PASS(slopes)

static luron_status step_forward(const run *r, step *k) {
    LURON_TRY(rnn_recurrent(r, LURON_TRANS_B, (matrix) { k->prev, r->n, r->h, k->prev_ld }, k->part, 0, (matrix) { r->product, r->n, r->wide, r->wide }, 0));
    r->c->host->parallel_for(r->c, r->n, rnn_grain(r), BY_VECTORS(r->c, rows), k);
    return LURON_OK;
}
static luron_status step_backward(const run *r, step *k) {
    r->c->host->parallel_for(r->c, r->n, rnn_grain(r), BY_VECTORS(r->c, slopes), k);
    if (!k->wants_prev) return LURON_OK;
    return rnn_recurrent(r, 0, (matrix) { k->dz, r->n, r->wide, r->wide }, k->part, 0, (matrix) { r->dh, r->n, r->h, r->h }, 0);
}
static luron_tensor *step_compose(const run *r, const luron_ops *o, luron_tensor *z, luron_tensor *prev, luron_tensor **c, luron_tensor *w_hh,
                                  luron_tensor *b_hh) {
    luron_call *k = r->c;
    luron_tensor *a = o->matmul(k, prev, w_hh, LURON_TRANS_B), *gate[4];
    z = o->add(k, z, b_hh ? o->add_row(k, a, b_hh) : a);
    for (int i = 0; i < 4; i++) {
        gate[i] = o->narrow(k, z, 1, i * r->h, r->h);
        gate[i] = i == 2 ? o->tanh(k, gate[i]) : gate_composed(k, o, r->o->recurrent_activation, gate[i]);
    }
    *c = o->add(k, o->mul(k, gate[1], *c), o->mul(k, gate[0], gate[2]));
    return o->mul(k, gate[3], o->tanh(k, *c));
}
const cell rnn_cell_lstm = { .gates = 4, .extra = 1, .has_c = 1, .forward = step_forward, .backward = step_backward, .compose = step_compose };

RNN_TYPE_CALLBACKS(rnn_cell_lstm)
static const luron_option *const options[] = { RNN_SIZES, RNN_LAYERS, RNN_BIAS, RNN_SEQUENCE, RNN_GATES, RNN_INITS, NULL };
static const luron_option *const options_one[] = { RNN_SIZES, RNN_BIAS, RNN_GATES, RNN_INITS, NULL };
const luron_layer_type rnn_lstm = { RNN_TYPE("LSTM", "long short-term memory over sequences"), .options = options, .in = rnn_in_c, .out = rnn_out_c,
    .flags = LURON_LAYER_F64 | LURON_LAYER_RANDOM | LURON_LAYER_FREES_OUT };
const luron_layer_type rnn_lstm_one = { RNN_TYPE("LSTMCell", "a step of long short-term memory"), .options = options_one, .in = rnn_cell_in_c,
    .out = rnn_cell_out_c, .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT };
#else
LOOP TYPED(rows)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const step *k = arg;
    const luron_host *host = k->r->c->host;
    const uint32_t dtype = k->r->c->dtype;
    const int64_t h = k->r->h, bytes = h * (int64_t)sizeof(REAL);
    (void)chunk;
    for (int64_t row = begin; row < end; row++) {
        REAL *z = (REAL *)k->z + row * 4 * h, *c = (REAL *)k->extra + row * h, *sums = (REAL *)k->r->product + row * 4 * h, *tc = sums;
        REAL *to = (REAL *)k->h + row * k->r->out;
        REAL *out = k->out ? (REAL *)k->out + row * k->r->t * k->r->out : to;
        const REAL *c_prev = (const REAL *)k->c_prev + row * k->c_ld, *i = z, *f = z + h, *g = z + 2 * h, *o = z + 3 * h;
        const int64_t next = row + 1 < end; /* what it writes is fetched between the functions */
        REAL *z_next = z + next * 4 * h, *c_next = c + next * h;
        rnn_fetch_to_write(z_next, bytes), rnn_fetch_to_write(to + next * k->r->out, bytes);
        TYPED(rnn_sum)(4 * h, rnn_input_row(k, row), (const REAL *)k->b_ih, sums, (const REAL *)k->b_hh, z);
        rnn_fetch_to_write(z_next + h, bytes);
        TYPED(gate)(k->r->c, k->r->o->recurrent_activation, 2 * h, z);
        rnn_fetch_to_write(z_next + 2 * h, bytes), rnn_fetch_to_write(c_next, bytes);
        host->map(host, LURON_MAP_tanh, dtype, h, g, z + 2 * h);
        rnn_fetch_to_write(z_next + 3 * h, bytes);
        TYPED(gate)(k->r->c, k->r->o->recurrent_activation, h, z + 3 * h);
        if (k->out) rnn_fetch_to_write(out + next * k->r->t * k->r->out, bytes);
        _Pragma("GCC ivdep") for (int64_t j = 0; j < h; j++) c[j] = f[j] * c_prev[j] + i[j] * g[j];
        host->map(host, LURON_MAP_tanh, dtype, h, c, tc);
        _Pragma("GCC ivdep") for (int64_t j = 0; j < h; j++) out[j] = to[j] = o[j] * tc[j];
    }
}
/* Of a row: gates z, tanh(c), c', gradients of h carried and direct; to dz, and dc from that of c to that of c'. */
LOOP TYPED(slope_piece)(int64_t h, const REAL *restrict z, const REAL *restrict tc, const REAL *restrict c_prev, const REAL *restrict dh,
                        const REAL *restrict dy, REAL *restrict dz, REAL *restrict dc, int hard) {
    for (int64_t j = 0; j < h; j++) {
        const REAL i = z[j], f = z[h + j], g = z[2 * h + j], o = z[3 * h + j], all = dh[j] + dy[j], into_c = dc[j] + all * o * (1 - tc[j] * tc[j]);
        dz[j] = into_c * g * TYPED(gate_slope)(i, hard);
        dz[h + j] = into_c * c_prev[j] * TYPED(gate_slope)(f, hard);
        dz[2 * h + j] = into_c * i * (1 - g * g);
        dz[3 * h + j] = all * tc[j] * TYPED(gate_slope)(o, hard);
        dc[j] = into_c * f;
    }
}
SELDOM TYPED(hard_piece)(int64_t h, const REAL *z, const REAL *tc, const REAL *c_prev, const REAL *dh, const REAL *dy, REAL *dz, REAL *dc) {
    TYPED(slope_piece)(h, z, tc, c_prev, dh, dy, dz, dc, 1);
}
LOOP TYPED(slopes)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const step *k = arg;
    const luron_host *host = k->r->c->host;
    const int64_t h = k->r->h;
    (void)chunk;
    for (int64_t row = begin; row < end; row++) {
        const REAL *z = (const REAL *)k->z + row * 4 * h, *c = (const REAL *)k->extra + row * h, *c_prev = (const REAL *)k->c_prev + row * k->c_ld;
        const REAL *dy = (const REAL *)k->dy + row * k->dy_ld;
        REAL *dz = (REAL *)k->dz + row * 4 * h, *dh = (REAL *)k->r->dh + row * h, *dc = (REAL *)k->r->dc + row * h;
        REAL *tc = (REAL *)k->r->product + row * h; /* no recurrent product is made backward */
        const int64_t next = row + 1 < end, bytes = h * (int64_t)sizeof(REAL); /* what it reads comes meanwhile */
        rnn_fetch(z + next * 4 * h, 2 * bytes); /* in two parts: a processor waits where too much is on its way */
        host->map(host, LURON_MAP_tanh, k->r->c->dtype, h, c, tc);
        rnn_fetch(z + next * 4 * h + 2 * h, 2 * bytes), rnn_fetch(c_prev + next * k->c_ld, bytes), rnn_fetch(dy + next * k->dy_ld, bytes);
        if (k->r->o->recurrent_activation == SIGMOID) TYPED(slope_piece)(h, z, tc, c_prev, dh, dy, dz, dc, 0);
        else TYPED(hard_piece)(h, z, tc, c_prev, dh, dy, dz, dc);
    }
}
#undef REAL
#endif
