/* letters.c: an input of letters, a one among zeros or zeros alone in every row: its product with weight_ih is a choice of
 * rows, and its gradient a sum for each. The bits of the product are those of the whole one, for a chain of multiply-adds
 * passes over zeros; but a weight or gradient that is not finite reaches its own letter alone.                        */
#ifndef REAL
#include "recurrent.h"
enum { GRAIN = 16384 };
#define REAL float
#include "letters.c"
#define REAL double
#include "letters.c"
WIDE_PASS(add)

void rnn_find_letters(run *r, const char *x) {
    int32_t *letters = luron_data(luron_saved(r->c, SAVED_LETTERS));
    r->letters = NULL;
    if (!rnn_turns(r, r->in) || r->t * r->n == 0) return;
    if (BY_TYPE(r->c, find)(r, x, letters)) r->letters = letters;
    else *letters = -1;
}
void rnn_add_letters(step *k) { k->r->c->host->parallel_for(k->r->c, k->r->wide, 1 + GRAIN / (k->r->n + 1), BY_VECTORS(k->r->c, add), k); }
#else
/* Where the one is; n: all are zeros; -1: neither. */
static int32_t TYPED(letter)(const REAL *x, int32_t n) {
    uint32_t ones = 0, others = 0, at = 0;
    for (int32_t j = 0; j < n; j++) {
        ones += x[j] == 1, others += x[j] != 0;
        at += x[j] == 1 ? (uint32_t)j : 0;
    }
    if (ones > 1 || others != ones) return -1;
    return ones ? (int32_t)at : n;
}
static int TYPED(find)(const run *r, const char *x, int32_t *to) {
    for (int64_t i = 0; i < r->n; i++)
        for (int64_t s = 0; s < r->t; s++) {
            const int32_t at = TYPED(letter)((const REAL *)x + (i * r->t + s) * r->in, (int32_t)r->in);
            if (at < 0) return 0;
            to[s * r->n + i] = at;
        }
    return 1;
}
LOOP TYPED(add_row)(int64_t n, const REAL *restrict from, REAL *restrict to) {
    for (int64_t j = 0; j < n; j++) to[j] += from[j];
}
/* Columns of all rows, one behind the other. */
LOOP TYPED(add)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const step *k = arg;
    const int64_t wide = k->r->wide;
    (void)chunk;
    for (int64_t i = 0; i < k->r->n; i++)
        TYPED(add_row)(end - begin, (const REAL *)k->dz + i * wide + begin, (REAL *)k->r->turned_ih + k->letters[i] * wide + begin);
}
#undef REAL
#endif
