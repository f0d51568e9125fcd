/* backward.c: back through time, from gradients of y, h_n, c_n to those of x, h_0, c_0 and the parameters. Weight gradients
 * are added in blocks of steps, from the last, while the gradients of the gates are in cache.                         */
#include "recurrent.h"

enum { BLOCK_ROWS = 256 };
/* Where the gradients of a call go; NULL: not wanted. */
typedef struct wanted { char *x, *h_0, *c_0; double beta_x, beta_h, beta_c; } wanted;
/* The same of a part's parameters. */
typedef struct weights { luron_view *to[4]; double beta[4]; } weights;

static luron_status add_weight(const run *r, weights *w, int which, int64_t first, matrix dz, matrix from) {
    char *to = luron_data(w->to[which]);
    if (!to) return LURON_OK;
    return rnn_product(r, LURON_TRANS_A, dz, from, NULL, (matrix) { rnn_at(r, to, first * from.cols), dz.cols, from.cols, from.cols }, w->beta[which]);
}
/* Columns [first, first + cols) of the gradients of the gates at times [lo, hi). */
static matrix gate_gradients(const run *r, char *dz, int64_t lo, int64_t hi, int64_t first, int64_t cols) {
    return (matrix) { rnn_at(r, dz, lo * r->n * r->wide + first), (hi - lo) * r->n, cols, r->wide };
}
/* weight_hh from times [lo, hi): with the states before them, which lie one step earlier in the output, or are h_0. */
static luron_status add_recurrent(const run *r, weights *w, int64_t layer, int64_t d, int64_t lo, int64_t hi) {
    const int64_t part = layer * r->dirs + d, first = rnn_time(r, d, 0), cols = r->split ? r->wide - r->h : r->wide;
    char *y = rnn_at(r, r->y, layer * r->t * r->n * r->out + d * r->h);
    if (r->split)
        LURON_TRY(add_weight(r, w, W_HH, cols, gate_gradients(r, r->dz, lo, hi, cols, r->h),
            (matrix) { rnn_at(r, r->extra, (part * r->t + lo) * r->n * r->h), (hi - lo) * r->n, r->h, r->h }));
    if (lo <= first && first < hi) {
        LURON_TRY(add_weight(r, w, W_HH, 0, gate_gradients(r, r->dzh, first, first + 1, 0, cols), (matrix) { rnn_initial(r, H_0, part), r->n, r->h, r->h }));
        w->beta[W_HH] = 1;
        if (d) hi--;
        else lo++;
    }
    if (lo < hi)
        LURON_TRY(add_weight(r, w, W_HH, 0, gate_gradients(r, r->dzh, lo, hi, 0, cols),
            (matrix) { rnn_at(r, y, (d ? lo + 1 : lo - 1) * r->n * r->out), (hi - lo) * r->n, r->h, r->out }));
    w->beta[W_HH] = 1;
    return LURON_OK;
}
static luron_status add_weights(const run *r, weights *w, int64_t layer, int64_t d, char *x, int64_t lo, int64_t hi) {
    const int64_t in = layer ? r->out : r->in;
    LURON_TRY(add_weight(r, w, W_IH, 0, gate_gradients(r, r->dz, lo, hi, 0, r->wide), (matrix) { rnn_at(r, x, lo * r->n * in), (hi - lo) * r->n, in, in }));
    w->beta[W_IH] = 1;
    return add_recurrent(r, w, layer, d, lo, hi);
}
static luron_status add_bias(const run *r, const weights *w, int which, char *dz) {
    int64_t shape[2] = { r->t * r->n, r->wide };
    luron_view v = { .data = dz, .ndim = 2, .dtype_code = (uint8_t)(r->c->dtype >> 8), .dtype_bits = (uint8_t)r->c->dtype, .dtype_lanes = 1, .shape = shape };
    return w->to[which] ? r->c->host->sum_to(r->c, &v, w->to[which], w->beta[which]) : LURON_OK;
}

/* Gradient of a final state to where it is carried; none: zeros. */
static void take_final(const run *r, int out, int64_t part, char *to) {
    const luron_view *g = luron_grad_out(r->c, out);
    const char *from = g ? rnn_at(r, luron_data(g), part * r->n * r->h) : r->zero;
    rnn_move(&(move) { r, from, to, 1, r->n, r->h, 0, r->h, 0, r->h, 0 });
}
static void give_initial(const run *r, int64_t part, const char *from, char *to, double beta) {
    if (to) rnn_move(&(move) { r, from, rnn_at(r, to, part * r->n * r->h), 1, r->n, r->h, 0, r->h, 0, r->h, beta });
}
/* r->dy (t, n, out) -> r->dx (t, n, in), if it is wanted; the second direction adds. */
static luron_status backward_part(const run *r, const wanted *to, int64_t layer, int64_t d, char *x, int wants_x) {
    const int64_t part = layer * r->dirs + d, in = layer ? r->out : r->in, first = r->o->num_layers != 0;
    const int64_t block = r->n < BLOCK_ROWS ? BLOCK_ROWS / (r->n ? r->n : 1) : 1;
    weights w = { { NULL }, { 0 } };
    for (int i = 0; i < (r->o->bias ? 4 : 2); i++) w.to[i] = luron_grad_param_beta(r->c, rnn_slot(r, part, i), &w.beta[i]);
    take_final(r, (int)first, part, r->dh);
    if (r->cell->has_c) take_final(r, (int)first + 1, part, r->dc);
    for (int64_t s = r->t - 1, last = s; s >= 0; s--) {
        step k = rnn_step(r, layer, d, s);
        const int64_t at = rnn_time(r, d, s), from = rnn_time(r, d, last);
        k.dy = rnn_at(r, r->dy, at * r->n * r->out + d * r->h);
        k.dz = rnn_at(r, r->dz, at * r->n * r->wide), k.dzh = rnn_at(r, r->dzh, at * r->n * r->wide);
        LURON_TRY(r->cell->backward(r, &k));
        if (s % block) continue;
        LURON_TRY(add_weights(r, &w, layer, d, x, d ? from : at, (d ? at : from) + 1));
        last = s - 1;
    }
    give_initial(r, part, r->dh, to->h_0, to->beta_h);
    give_initial(r, part, r->dc, to->c_0, to->beta_c);
    LURON_TRY(add_bias(r, &w, B_IH, r->dz));
    LURON_TRY(add_bias(r, &w, B_HH, r->dzh));
    if (!wants_x) return LURON_OK;
    return rnn_product(r, 0, (matrix) { r->dz, r->t * r->n, r->wide, r->wide }, (matrix) { luron_data(rnn_param(r, part, W_IH)), r->wide, in, in }, NULL,
        (matrix) { r->dx, r->t * r->n, in, in }, d > 0);
}

/* Gradient of the output of the last layer, time-major; of a cell that comes with h. */
static void take_output(const run *r) {
    const luron_view *g = r->o->num_layers ? luron_grad_out(r->c, 0) : NULL;
    if (g) rnn_swap(r, luron_data(g), r->dy, r->n, r->t, r->out, 0);
    else rnn_move(&(move) { r, r->zero, r->dy, r->t * r->dirs, r->n, r->h, 0, r->h, r->n * r->h, r->h, 0 });
}
luron_status rnn_backward(luron_call *c, const cell *k) {
    run r = rnn_open(c, k);
    wanted to = { 0 };
    to.x = luron_data(luron_grad_in_beta(c, INPUT, &to.beta_x));
    to.h_0 = luron_data(luron_grad_in_beta(c, H_0, &to.beta_h));
    if (k->has_c) to.c_0 = luron_data(luron_grad_in_beta(c, C_0, &to.beta_c));
    take_output(&r);
    for (int64_t layer = r.layers - 1; layer >= 0; layer--) {
        char *x = rnn_layer_input(&r, layer), *swap = r.dy;
        for (int64_t d = 0; d < r.dirs; d++) LURON_TRY(backward_part(&r, &to, layer, d, x, layer || to.x));
        r.dy = r.dx, r.dx = swap;
        if (layer && rnn_thins(&r)) rnn_thin(&r, layer - 1, r.dy, r.dy);
    }
    if (to.x) rnn_swap(&r, r.dy, to.x, r.t, r.n, r.in, to.beta_x);
    return LURON_OK;
}
