/* gru.c: gates r, z, n: r = sigmoid(x_r + h_r), z = sigmoid(x_z + h_z), h = (1 - z) n + z h'; x_. = W_ih x + b_ih. As in
 * PyTorch n = tanh(x_n + r (W_hn h' + b_hn)); with reset_after = false n = tanh(x_n + W_hn (r h') + b_hn), Keras's other
 * form. z (n,3h) -> h (n,h); a row of extra is W_hn h' + b_hn, or r h'.                                                */
#ifndef REAL
#include "recurrent.h"
#define REAL float
#include "gru.c"
#define REAL double
#include "gru.c"
WIDE_PASS(gates) WIDE_PASS(rows) WIDE_PASS(slopes) WIDE_PASS(reset_slopes)

static void pass(const run *r, step *k, void (*fn)(void *, int64_t, int64_t, int64_t)) { r->c->host->parallel_for(r->c, r->n, rnn_grain(r), fn, k); }
static luron_status step_forward(const run *r, step *k) {
    const int64_t h = r->h, cols = r->split ? 2 * h : 3 * h;
    const matrix prev = { k->prev, r->n, h, k->prev_ld };
    LURON_TRY(rnn_recurrent(r, LURON_TRANS_B, prev, k->part, 0, (matrix) { r->product, r->n, cols, 3 * h }, 0));
    pass(r, k, BY_VECTORS(r->c, gates));
    if (r->split)
        LURON_TRY(rnn_recurrent(r, LURON_TRANS_B, (matrix) { k->extra, r->n, h, h }, k->part, 1, (matrix) { rnn_at(r, r->product, 2 * h), r->n, h, 3 * h }, 0));
    pass(r, k, BY_VECTORS(r->c, rows));
    return LURON_OK;
}
static luron_status step_backward(const run *r, step *k) {
    const int64_t h = r->h, cols = r->split ? 2 * h : 3 * h;
    pass(r, k, BY_VECTORS(r->c, slopes));
    if (r->split) {
        LURON_TRY(rnn_recurrent(r, 0, (matrix) { rnn_at(r, k->dz, 2 * h), r->n, h, 3 * h }, k->part, 1, (matrix) { r->dreset, r->n, h, h }, 0));
        pass(r, k, BY_VECTORS(r->c, reset_slopes));
    }
    if (!k->wants_prev) return LURON_OK;
    return rnn_recurrent(r, 0, (matrix) { k->dzh, r->n, cols, 3 * h }, k->part, 0, (matrix) { r->dh, r->n, h, h }, 1);
}
static luron_tensor *step_compose(const run *r, const luron_ops *o, luron_tensor *z, luron_tensor *prev, luron_tensor **c, luron_tensor *w_hh,
                                  luron_tensor *b_hh) {
    luron_call *k = r->c;
    const int64_t h = r->h, cols = r->split ? 2 * h : 3 * h;
    luron_tensor *a = o->matmul(k, prev, r->split ? o->narrow(k, w_hh, 0, 0, cols) : w_hh, LURON_TRANS_B), *gate[3], *n;
    (void)c;
    if (b_hh) a = o->add_row(k, a, r->split ? o->narrow(k, b_hh, 0, 0, cols) : b_hh);
    for (int i = 0; i < 3; i++) gate[i] = o->narrow(k, z, 1, i * h, h);
    for (int i = 0; i < 2; i++) gate[i] = gate_composed(k, o, r->o->recurrent_activation, o->add(k, gate[i], o->narrow(k, a, 1, i * h, h)));
    if (!r->split) n = o->mul(k, gate[0], o->narrow(k, a, 1, 2 * h, h));
    else {
        n = o->matmul(k, o->mul(k, gate[0], prev), o->narrow(k, w_hh, 0, 2 * h, h), LURON_TRANS_B);
        if (b_hh) n = o->add_row(k, n, o->narrow(k, b_hh, 0, 2 * h, h));
    }
    n = o->tanh(k, o->add(k, gate[2], n));
    return o->add(k, n, o->mul(k, gate[1], o->sub(k, prev, n)));
}
const cell rnn_cell_gru = { .gates = 3, .extra = 1, .forward = step_forward, .backward = step_backward, .compose = step_compose };

RNN_TYPE_CALLBACKS(rnn_cell_gru)
#define RESET_AFTER LURON_OPT_BOOL(recurrent, reset_after, 1, "the reset gate is applied after the recurrent product; false: before")
static const luron_option *const options[] = { RNN_SIZES, RNN_LAYERS, RNN_BIAS, RNN_SEQUENCE, RESET_AFTER, RNN_GATES, RNN_INITS, NULL };
static const luron_option *const options_one[] = { RNN_SIZES, RNN_BIAS, RESET_AFTER, RNN_GATES, RNN_INITS, NULL };
const luron_layer_type rnn_gru = { RNN_TYPE("GRU", "gated recurrent unit over sequences"), .options = options, .in = rnn_in, .out = rnn_out,
    .flags = LURON_LAYER_F64 | LURON_LAYER_RANDOM | LURON_LAYER_FREES_OUT };
const luron_layer_type rnn_gru_one = { RNN_TYPE("GRUCell", "a step of a gated recurrent unit"), .options = options_one, .in = rnn_cell_in,
    .out = rnn_cell_out, .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT };
#else
/* r and z; extra; with reset_after what n is the tanh of, else its input product. */
LOOP TYPED(gates)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const step *k = arg;
    const int64_t h = k->r->h;
    (void)chunk;
    for (int64_t row = begin; row < end; row++) {
        REAL *z = (REAL *)k->z + row * 3 * h, *n = z + 2 * h, *extra = (REAL *)k->extra + row * h;
        const REAL *x = rnn_input_row(k, row), *a = (const REAL *)k->r->product + row * 3 * h, *prev = (const REAL *)k->prev + row * k->prev_ld;
        const REAL *b = (const REAL *)k->b_ih + 2 * h, *c = (const REAL *)k->b_hh + 2 * h;
        TYPED(rnn_sum)(2 * h, x, (const REAL *)k->b_ih, a, (const REAL *)k->b_hh, z);
        TYPED(gate)(k->r->c, k->r->o->recurrent_activation, 2 * h, z);
        x += 2 * h, a += 2 * h;
        if (k->r->split) {
            _Pragma("GCC ivdep") for (int64_t j = 0; j < h; j++) n[j] = x[j] + b[j], extra[j] = z[j] * prev[j];
        } else {
            _Pragma("GCC ivdep") for (int64_t j = 0; j < h; j++) {
                const REAL y = a[j] + c[j];
                extra[j] = y, n[j] = x[j] + b[j] + z[j] * y;
            }
        }
    }
}
LOOP TYPED(rows)(void *arg, int64_t begin, int64_t end, int64_t chunk) { /* n and h */
    const step *k = arg;
    const luron_host *host = k->r->c->host;
    const int64_t h = k->r->h;
    (void)chunk;
    for (int64_t row = begin; row < end; row++) {
        REAL *z = (REAL *)k->z + row * 3 * h, *n = z + 2 * h, *to = (REAL *)k->h + row * k->r->out;
        REAL *out = k->out ? (REAL *)k->out + row * k->r->t * k->r->out : to;
        const REAL *u = z + h, *prev = (const REAL *)k->prev + row * k->prev_ld;
        const REAL *a = (const REAL *)k->r->product + row * 3 * h + 2 * h, *c = (const REAL *)k->b_hh + 2 * h;
        if (k->r->split) {
            _Pragma("GCC ivdep") for (int64_t j = 0; j < h; j++) n[j] += a[j] + c[j];
        }
        host->map(host, LURON_MAP_tanh, k->r->c->dtype, h, n, n);
        _Pragma("GCC ivdep") for (int64_t j = 0; j < h; j++) out[j] = to[j] = n[j] + u[j] * (prev[j] - n[j]);
    }
}
LOOP TYPED(slopes_rows)(const step *k, int64_t begin, int64_t end, int hard) {
    const int64_t h = k->r->h;
    for (int64_t row = begin; row < end; row++) {
        const REAL *reset = (const REAL *)k->z + row * 3 * h, *u = reset + h, *n = u + h, *extra = (const REAL *)k->extra + row * h;
        const REAL *prev = (const REAL *)k->prev + row * k->prev_ld, *dy = (const REAL *)k->dy + row * k->dy_ld;
        REAL *dz = (REAL *)k->dz + row * 3 * h, *dzh = (REAL *)k->dzh + row * 3 * h, *dh = (REAL *)k->r->dh + row * h;
        for (int64_t j = 0; j < h; j++) {
            const REAL all = dh[j] + dy[j], into_n = all * (1 - u[j]) * (1 - n[j] * n[j]);
            dz[h + j] = all * (prev[j] - n[j]) * TYPED(gate_slope)(u[j], hard);
            dz[2 * h + j] = into_n;
            dh[j] = all * u[j];
            if (k->r->split) continue; /* the reset gate's follows from a product */
            dz[j] = into_n * extra[j] * TYPED(gate_slope)(reset[j], hard);
            dzh[j] = dz[j], dzh[h + j] = dz[h + j], dzh[2 * h + j] = into_n * reset[j];
        }
    }
}
SELDOM TYPED(hard_slopes)(const step *k, int64_t begin, int64_t end) { TYPED(slopes_rows)(k, begin, end, 1); }
LOOP TYPED(slopes)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const step *k = arg;
    (void)chunk;
    if (k->r->o->recurrent_activation == HARD) TYPED(hard_slopes)(k, begin, end);
    else TYPED(slopes_rows)(k, begin, end, 0);
}
LOOP TYPED(reset_slopes_rows)(const step *k, int64_t begin, int64_t end, int hard) {
    const int64_t h = k->r->h;
    for (int64_t row = begin; row < end; row++) {
        const REAL *reset = (const REAL *)k->z + row * 3 * h, *prev = (const REAL *)k->prev + row * k->prev_ld, *back = (const REAL *)k->r->dreset + row * h;
        REAL *dz = (REAL *)k->dz + row * 3 * h, *dh = (REAL *)k->r->dh + row * h;
        for (int64_t j = 0; j < h; j++) {
            dz[j] = back[j] * prev[j] * TYPED(gate_slope)(reset[j], hard);
            dh[j] += back[j] * reset[j];
        }
    }
}
SELDOM TYPED(hard_reset_slopes)(const step *k, int64_t begin, int64_t end) { TYPED(reset_slopes_rows)(k, begin, end, 1); }
LOOP TYPED(reset_slopes)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const step *k = arg;
    (void)chunk;
    if (k->r->o->recurrent_activation == HARD) TYPED(hard_reset_slopes)(k, begin, end);
    else TYPED(reset_slopes_rows)(k, begin, end, 0);
}
#undef REAL
#endif
