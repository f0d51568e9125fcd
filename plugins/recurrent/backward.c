/* backward.c: back through time, from gradients of y, h_n, c_n to those of x, h_0, c_0 and the parameters. The gradients
 * of the gates are held for a block of steps, from the last, and all products over them are made while they are in cache.
 * Those of weights are gathered turned, with the gates along a row, where that is small beside the sequences.         */
#include "recurrent.h"

/* Where the gradients of a call go; NULL: not wanted. */
typedef struct wanted { char *x, *h_0, *c_0; double beta_x, beta_h, beta_c; } wanted;
/* The same of a part's parameters. */
typedef struct weights {
    luron_view *to[4];
    double given[4]; /* betas of those */
    double beta[4];  /* 0: nothing is gathered yet */
} weights;
/* Times [lo, hi) of one direction of a layer, whose gradients of gates are held. */
typedef struct block { int64_t layer, d, lo, hi; } block;

/* The matrix of weight_ih or weight_hh that is gathered turned; NULL: added in its place. */
static char *turned(const run *r, int which, int64_t cols) { return rnn_turns(r, cols) ? which == W_IH ? r->turned_ih : r->turned_hh : NULL; }
static luron_status add_weight(const run *r, const weights *w, int which, int64_t first, matrix dz, matrix from) {
    char *to = luron_data(w->to[which]), *gathered = turned(r, which, from.cols);
    if (!to) return LURON_OK;
    if (gathered)
        return rnn_product(r, LURON_TRANS_A, from, dz, (matrix) { rnn_at(r, gathered, first), from.cols, dz.cols, r->wide }, w->beta[which]);
    return rnn_product(r, LURON_TRANS_A, dz, from, (matrix) { rnn_at(r, to, first * from.cols), dz.cols, from.cols, from.cols }, w->beta[which]);
}
/* Columns [first, first + cols) of the gradients of the gates at times [lo, hi) of a block. */
static matrix gate_gradients(const run *r, const block *b, char *dz, int64_t lo, int64_t hi, int64_t first, int64_t cols) {
    return (matrix) { rnn_at(r, dz, (lo - b->lo) * r->n * r->wide + first), (hi - lo) * r->n, cols, r->wide };
}
/* weight_hh: with the states before those times, which lie one step earlier in the output, or are h_0. */
static luron_status add_recurrent(const run *r, weights *w, const block *b) {
    const int64_t part = b->layer * r->dirs + b->d, first = rnn_time(r, b->d, 0), cols = r->split ? r->wide - r->h : r->wide;
    int64_t lo = b->lo, hi = b->hi;
    char *y = rnn_at(r, r->y, b->layer * r->t * r->n * r->out + b->d * r->h);
    if (r->split)
        LURON_TRY(add_weight(r, w, W_HH, cols, gate_gradients(r, b, r->dz, lo, hi, cols, r->h),
            (matrix) { rnn_at(r, r->extra, (part * r->t + lo) * r->n * r->h), (hi - lo) * r->n, r->h, r->h }));
    if (lo <= first && first < hi) {
        char *prev = rnn_initial(r, H_0, part);
        if (prev != r->zero || w->beta[W_HH] == 0)
            LURON_TRY(add_weight(r, w, W_HH, 0, gate_gradients(r, b, r->dzh, first, first + 1, 0, cols), (matrix) { prev, r->n, r->h, r->h }));
        w->beta[W_HH] = 1;
        if (b->d) hi--;
        else lo++;
    }
    if (lo < hi)
        LURON_TRY(add_weight(r, w, W_HH, 0, gate_gradients(r, b, r->dzh, lo, hi, 0, cols),
            (matrix) { rnn_at(r, y, (b->d ? lo + 1 : lo - 1) * r->n * r->out), (hi - lo) * r->n, r->h, r->out }));
    w->beta[W_HH] = 1;
    return LURON_OK;
}
static luron_status add_input(const run *r, weights *w, const block *b, char *x) {
    const int64_t in = b->layer ? r->out : r->in;
    if (!w->to[W_IH]) return LURON_OK;
    if (b->layer || !r->letters)
        LURON_TRY(add_weight(r, w, W_IH, 0, gate_gradients(r, b, r->dz, b->lo, b->hi, 0, r->wide),
            (matrix) { rnn_at(r, x, b->lo * r->n * in), (b->hi - b->lo) * r->n, in, in }));
    w->beta[W_IH] = 1;
    return LURON_OK;
}
static luron_view rows_of(const run *r, char *data, int64_t *shape) {
    return (luron_view) { .data = data, .ndim = 2, .dtype_code = (uint8_t)(r->c->dtype >> 8), .dtype_bits = (uint8_t)r->c->dtype, .dtype_lanes = 1,
        .shape = shape };
}
/* Are the rows of dz added letter by letter? The biases then get the sum of the letters' rows, whoever else asks. */
static int sums_letters(const run *r, const weights *w, int64_t layer) {
    return layer == 0 && r->letters && (w->to[W_IH] || w->to[B_IH] || w->to[B_HH]);
}
/* Sums of rows for the biases: of dz, and of dzh where that is another. */
static luron_status add_biases(const run *r, weights *w, const block *b) {
    for (int i = sums_letters(r, w, b->layer); i <= (r->dzh != r->dz); i++) {
        int64_t shape[2] = { (b->hi - b->lo) * r->n, r->wide }, one[2] = { 1, r->wide };
        luron_view rows = rows_of(r, i ? r->dzh : r->dz, shape), sums = rows_of(r, rnn_at(r, r->sums, i * r->wide), one);
        if (w->to[B_IH] || w->to[B_HH]) LURON_TRY(r->c->host->sum_to(r->c, &rows, &sums, w->beta[B_IH]));
    }
    w->beta[B_IH] = 1;
    return LURON_OK;
}
/* From r->dz and r->dzh of a block to what is gathered, and to r->dx if that is wanted; the second direction adds. */
static luron_status end_block(const run *r, weights *w, const block *b, char *x, int wants_x) {
    const int64_t in = b->layer ? r->out : r->in, rows = (b->hi - b->lo) * r->n;
    LURON_TRY(add_input(r, w, b, x));
    LURON_TRY(add_recurrent(r, w, b));
    LURON_TRY(add_biases(r, w, b));
    if (!wants_x) return LURON_OK;
    return rnn_product(r, 0, (matrix) { r->dz, rows, r->wide, r->wide },
        (matrix) { luron_data(rnn_param(r, b->layer * r->dirs + b->d, W_IH)), r->wide, in, in },
        (matrix) { rnn_at(r, r->dx, b->lo * r->n * in), rows, in, in }, b->d > 0);
}
static weights open_weights(const run *r, int64_t layer, int64_t part) {
    weights w = { { NULL }, { 0 }, { 0 } };
    const int64_t cols[2] = { layer ? r->out : r->in, r->h };
    for (int i = 0; i < (r->o->bias ? 4 : 2); i++) {
        w.to[i] = luron_grad_param_beta(r->c, rnn_slot(r, part, i), &w.given[i]);
        if (i < B_IH && !turned(r, i, cols[i])) w.beta[i] = w.given[i];
    }
    if (sums_letters(r, &w, layer))
        rnn_move(&(move) { r, r->zero, r->turned_ih, r->in + 1, 1, r->wide, 0, 0, r->wide, 0, 0 });
    return w;
}
/* What is gathered to where it goes. */
static luron_status close_weights(const run *r, int64_t layer, const weights *w) {
    const int64_t cols[2] = { layer ? r->out : r->in, r->h };
    int64_t shape[2] = { r->in + 1, r->wide }, one[2] = { 1, r->wide };
    luron_view letters = rows_of(r, r->turned_ih, shape), sums_of = rows_of(r, r->sums, one);
    if (sums_letters(r, w, layer) && (w->to[B_IH] || w->to[B_HH])) LURON_TRY(r->c->host->sum_to(r->c, &letters, &sums_of, 0));
    for (int i = W_IH; i <= W_HH; i++)
        if (w->to[i] && turned(r, i, cols[i])) rnn_turn(r, turned(r, i, cols[i]), cols[i], r->wide, luron_data(w->to[i]), w->given[i]);
    for (int i = B_IH; i <= B_HH; i++) {
        const char *sums = rnn_at(r, r->sums, i == B_HH && r->dzh != r->dz ? r->wide : 0);
        if (w->to[i]) rnn_move(&(move) { r, sums, luron_data(w->to[i]), 1, 1, r->wide, 0, 0, 0, 0, w->given[i] });
    }
    return LURON_OK;
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
/* Where the gradient of the output of a step comes from: of the last layer's from the call's; a cell's comes with h. */
static void see_output(const run *r, int64_t layer, int64_t d, int64_t at, step *k) {
    const luron_view *g = r->o->num_layers ? luron_grad_out(r->c, 0) : NULL;
    if (layer < r->layers - 1) k->dy = rnn_at(r, r->dy, at * r->n * r->out + d * r->h), k->dy_ld = r->out;
    else if (g) k->dy = rnn_at(r, luron_data(g), at * r->out + d * r->h), k->dy_ld = r->t * r->out;
    else k->dy = r->zero, k->dy_ld = 0;
}
/* Gradients of the output (t, n, out) -> r->dx (t, n, in), if it is wanted. */
static luron_status backward_part(const run *r, const wanted *to, int64_t layer, int64_t d, char *x, int wants_x) {
    const int64_t part = layer * r->dirs + d, first = r->o->num_layers != 0;
    weights w = open_weights(r, layer, part);
    block b = { layer, d, 0, 0 };
    LURON_TRY(rnn_pack(r, part, 0));
    take_final(r, (int)first, part, r->dh);
    if (r->cell->has_c) take_final(r, (int)first + 1, part, r->dc);
    for (int64_t s = r->t - 1; s >= 0; s--) {
        step k = rnn_step(r, layer, d, s);
        const int64_t at = rnn_time(r, d, s), begin = s / r->block * r->block;
        if (s == r->t - 1 || s == begin + r->block - 1) {
            const int64_t end = rnn_time(r, d, begin);
            b.lo = d ? at : end, b.hi = (d ? end : at) + 1;
        }
        see_output(r, layer, d, at, &k);
        k.dz = rnn_at(r, r->dz, (at - b.lo) * r->n * r->wide), k.dzh = rnn_at(r, r->dzh, (at - b.lo) * r->n * r->wide);
        k.wants_prev = s > 0 || to->h_0;
        if (r->holds) rnn_hold_aside(&k, at);
        LURON_TRY(r->cell->backward(r, &k));
        if (r->holds) rnn_hold_back(&k, at);
        if (sums_letters(r, &w, layer)) rnn_add_letters(&k);
        if (s == begin) LURON_TRY(end_block(r, &w, &b, x, wants_x));
    }
    give_initial(r, part, r->dh, to->h_0, to->beta_h);
    give_initial(r, part, r->dc, to->c_0, to->beta_c);
    return close_weights(r, layer, &w);
}

luron_status rnn_backward(luron_call *c, const cell *k) {
    run r = rnn_open(c, k);
    wanted to = { 0 };
    to.x = luron_data(luron_grad_in_beta(c, INPUT, &to.beta_x));
    to.h_0 = luron_data(luron_grad_in_beta(c, H_0, &to.beta_h));
    if (k->has_c) to.c_0 = luron_data(luron_grad_in_beta(c, C_0, &to.beta_c));
    if (!rnn_turns(&r, r.in) || r.t * r.n == 0 || *r.letters < 0) r.letters = NULL;
    if (!r.letters) rnn_take_input(&r);
    for (int64_t layer = r.layers - 1; layer >= 0; layer--) {
        char *x = rnn_layer_input(&r, layer), *swap = r.dy;
        for (int64_t d = 0; d < r.dirs; d++) LURON_TRY(backward_part(&r, &to, layer, d, x, layer || to.x));
        r.dy = r.dx, r.dx = swap;
        if (layer && rnn_thins(&r)) rnn_thin(&r, layer - 1, r.dy, r.dy);
    }
    if (to.x) rnn_swap(&r, r.dy, to.x, r.t, r.n, r.in, to.beta_x);
    return LURON_OK;
}
