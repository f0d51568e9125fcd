/* hold.c -- sequences of unequal length, and masked places. A row that is held goes through a step as if there were
 * none: its states stay, and backward what is carried passes by. Behind the end of a sequence the output is 0, as
 * behind PyTorch's pack_padded_sequence; under a mask it stays, as in Keras. The gates of a held row are kept as zeros,
 * from which its gradients come out as zeros. */
#include "recurrent.h"
#include <string.h>

static const luron_view *lengths_of(luron_call *c, const cell *k) { return luron_in(c, k->has_c ? C_0 + 1 : H_0 + 1); }
static const luron_view *mask_of(luron_call *c, const cell *k) { return luron_in(c, k->has_c ? C_0 + 2 : H_0 + 2); }
int rnn_holds(luron_call *c, const cell *k) { return lengths_of(c, k) || mask_of(c, k); }

luron_status rnn_check_holds(const run *r) {
    const luron_view *lengths = lengths_of(r->c, r->cell), *mask = mask_of(r->c, r->cell);
    if (lengths && lengths->shape[0] != r->n)
        return luron_fail(r->c, LURON_E_SHAPE, "lengths has %lld numbers, %lld expected: n",
                          (long long)lengths->shape[0], (long long)r->n);
    if (mask && (mask->shape[0] != r->n || mask->shape[1] != r->t))
        return luron_fail(r->c, LURON_E_SHAPE, "mask has shape (%lld, %lld), (%lld, %lld) expected: n, t",
                          (long long)mask->shape[0], (long long)mask->shape[1], (long long)r->n, (long long)r->t);
    return LURON_OK;
}
luron_status rnn_check_lengths(const run *r) {
    const int64_t *lengths = luron_i64(lengths_of(r->c, r->cell));
    for (int64_t i = 0; lengths && i < r->n; i++)
        if (lengths[i] < 0 || lengths[i] > r->t)
            return luron_fail(r->c, LURON_E_RANGE,
                              "length %lld of sequence %lld: 0 to %lld expected, the places of the input",
                              (long long)lengths[i], (long long)luron_shown(r->c, i), (long long)r->t);
    return LURON_OK;
}
static int is_over(const run *r, int64_t row, int64_t at) {
    const int64_t *lengths = luron_i64(lengths_of(r->c, r->cell));
    return lengths && at >= lengths[row];
}
static int is_held(const run *r, int64_t row, int64_t at) {
    const uint8_t *mask = luron_data(mask_of(r->c, r->cell));
    return is_over(r, row, at) || (mask && !mask[row * r->t + at]);
}
static void clear(const run *r, char *to, int64_t n) { memset(to, 0, (size_t)(n * r->size)); }
static void copy(const run *r, const char *from, char *to) { memcpy(to, from, (size_t)(r->h * r->size)); }
static char *row_of(const run *r, char *p, int64_t row, int64_t ld) { return rnn_at(r, p, row * ld); }

void rnn_hold_input(const run *r) {
    for (int64_t at = 0; at < r->t; at++)
        for (int64_t row = 0; row < r->n; row++)
            if (is_held(r, row, at)) clear(r, row_of(r, r->x, at * r->n + row, r->in), r->in);
}
void rnn_hold(const step *k, int64_t at) {
    const run *r = k->r;
    const int64_t extra = r->cell->extra * r->h;
    for (int64_t row = 0; row < r->n; row++) {
        if (!is_held(r, row, at)) continue;
        char *prev = row_of(r, k->prev, row, k->prev_ld), *kept = row_of(r, k->extra, row, extra),
             *out = row_of(r, k->out, row, r->t * r->out);
        clear(r, row_of(r, k->z, row, r->wide), r->wide);
        if (kept) clear(r, kept, extra);
        if (r->cell->has_c) copy(r, row_of(r, k->c_prev, row, k->c_ld), kept);
        copy(r, prev, row_of(r, k->h, row, r->out));
        if (out && is_over(r, row, at))
            clear(r, out, r->h);
        else if (out)
            copy(r, prev, out);
    }
}
static void add(const run *r, const char *from, char *to) {
    for (int64_t j = 0; j < r->h; j++)
        if (r->size == 8)
            ((double *)to)[j] += ((const double *)from)[j];
        else
            ((float *)to)[j] += ((const float *)from)[j];
}
void rnn_hold_aside(step *k, int64_t at) {
    const run *r = k->r;
    char *dh = r->held, *dc = rnn_at(r, dh, r->n * r->h), *dy = rnn_at(r, dc, r->n * r->h);
    for (int64_t row = 0; row < r->n; row++) {
        const char *direct = row_of(r, (char *)k->dy, row, k->dy_ld);
        char *to = row_of(r, dy, row, r->h), *carried[2] = {row_of(r, r->dh, row, r->h), row_of(r, r->dc, row, r->h)};
        copy(r, direct, to);
        if (!is_held(r, row, at)) continue;
        copy(r, carried[0], row_of(r, dh, row, r->h)), copy(r, carried[1], row_of(r, dc, row, r->h));
        if (!is_over(r, row, at)) add(r, direct, row_of(r, dh, row, r->h));
        clear(r, carried[0], r->h), clear(r, carried[1], r->h), clear(r, to, r->h);
    }
    k->dy = dy, k->dy_ld = r->h;
}
void rnn_hold_back(const step *k, int64_t at) {
    const run *r = k->r;
    char *dh = r->held, *dc = rnn_at(r, dh, r->n * r->h);
    for (int64_t row = 0; row < r->n; row++)
        if (is_held(r, row, at)) {
            copy(r, row_of(r, dh, row, r->h), row_of(r, r->dh, row, r->h));
            copy(r, row_of(r, dc, row, r->h), row_of(r, r->dc, row, r->h));
        }
}
luron_tensor *rnn_composed_holds(const run *r, const luron_ops *o, int ends) {
    luron_call *c = r->c;
    const int port = r->cell->has_c ? C_0 + 1 : H_0 + 1;
    luron_tensor *seen = NULL;
    if (lengths_of(c, r->cell)) {
        luron_tensor *places = o->cumsum(c, o->expand(c, o->scalar(c, 1), LURON_SHAPE(r->t, 1)), 0); /* from 1 */
        seen = o->unsqueeze(c, o->le(c, places, o->cast(c, o->in(c, port), c->dtype)), 2);
    }
    if (ends || !mask_of(c, r->cell)) return seen;
    luron_tensor *mask = o->unsqueeze(c, o->transpose(c, o->in(c, port + 1), 0, 1), 2);
    return seen ? o->logical_and(c, seen, mask) : mask;
}
