/* positions.c: waves, and what turns with them. x (n,t,heads,d) -> y as x. */
#ifndef REAL
#include "positions.h"
enum { GRAIN = 4096 };
static const luron_view *positions_of(const waves *w) { return w->port < 0 ? NULL : luron_in(w->c, w->port); }
#define REAL float
#include "positions.c"
#define REAL double
#include "positions.c"
WIDE_PASS(turn_rows)

luron_status waves_check(luron_call *c, int port, int64_t n, int64_t t) {
    const luron_view *v = luron_in(c, port);
    if (!v || (v->ndim == 1 && v->shape[0] == t) || (v->ndim == 2 && v->shape[0] == n && v->shape[1] == t))
        return LURON_OK;
    return luron_fail(c, LURON_E_SHAPE, "positions: shape (%lld) or (%lld, %lld) expected", (long long)t, (long long)n,
                      (long long)t);
}
static int64_t sets_of(const waves *w) { return positions_of(w) && positions_of(w)->ndim == 2 ? w->n : 1; }
int64_t waves_bytes(const waves *w) { return 2 * sets_of(w) * w->t * w->pairs * attention_size(w->c); }
luron_status waves_make(waves *w, char *to) {
    if (positions_of(w)) LURON_TRY(luron_check_ids(w->c, w->port, INT64_C(1) << 53));
    w->m = sets_of(w), w->sin = to, w->cos = to + waves_bytes(w) / 2;
    w->c->host->parallel_for(w->c, w->m * w->t, 1 + GRAIN / (16 * w->pairs + 1), BY_TYPE(w->c, make), w);
    return LURON_OK;
}
void waves_turn(const turn *k) {
    turn copy = *k;
    k->w->c->host->parallel_for(k->w->c, k->w->n * k->w->per * k->w->t, 1 + 4 * GRAIN / (k->heads * k->d + 1),
                                BY_VECTORS(k->w->c, turn_rows), &copy);
}

/* 0, 1 ... n - 1 in float64. */
static luron_tensor *counted(luron_call *c, const luron_ops *o, int64_t n) {
    luron_tensor *ones = o->expand(c, o->cast(c, o->scalar(c, 1), LURON_F64), LURON_SHAPE(n));
    return o->sub(c, o->cumsum(c, ones, 0), ones);
}
luron_tensor *waves_angles(const waves *w, const luron_ops *o) {
    luron_call *c = w->c;
    luron_tensor *at = positions_of(w)
                           ? o->scale(c, o->cast(c, o->in(c, w->port), LURON_F64), 1, -(double)luron_shown(c, 0))
                           : o->scale(c, counted(c, o, w->t), 1, (double)w->offset);
    at = o->reshape(c, at, LURON_SHAPE(sets_of(w), 1, w->t, 1));
    if (sets_of(w) > 1 && w->per > 1) at = o->expand(c, at, LURON_SHAPE(w->n, w->per, w->t, 1));
    at = o->reshape(c, at, LURON_SHAPE(sets_of(w) > 1 ? w->n * w->per : sets_of(w), w->t, 1));
    return o->mul(c, at, o->exp(c, o->scale(c, counted(c, o, w->pairs), -log(w->base) / (double)w->pairs, 0)));
}
luron_tensor *waves_turned(const waves *w, const luron_ops *o, luron_tensor *x, int interleaved) {
    luron_call *c = w->c;
    const int64_t n = 2 * w->pairs, d = o->size(c, x, 3);
    luron_tensor *angles = o->unsqueeze(c, waves_angles(w, o), 2), *turned[2];
    luron_tensor *cos = o->cast(c, o->cos(c, angles), c->dtype), *sin = o->cast(c, o->sin(c, angles), c->dtype);
    luron_tensor *a = interleaved ? o->slice(c, x, 3, 0, n - 1, 2) : o->narrow(c, x, 3, 0, w->pairs);
    luron_tensor *b = interleaved ? o->slice(c, x, 3, 1, n - 1, 2) : o->narrow(c, x, 3, w->pairs, w->pairs);
    turned[0] = o->sub(c, o->mul(c, a, cos), o->mul(c, b, sin));
    turned[1] = o->add(c, o->mul(c, b, cos), o->mul(c, a, sin));
    luron_tensor *y = interleaved ? o->stack(c, 2, turned, 4) : o->cat(c, 2, turned, 3);
    if (interleaved) y = o->reshape(c, y, LURON_SHAPE(o->size(c, x, 0), w->t, o->size(c, x, 2), n));
    luron_tensor *whole[2] = {y, o->narrow(c, x, 3, n, d - n)};
    return n < d ? o->cat(c, 2, whole, 3) : y;
}
#else
static void TYPED(make)(void *arg, int64_t begin, int64_t end, int64_t chunk) { /* places */
    const waves *w = arg;
    const int given = positions_of(w) != NULL;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const double place = (double)(given ? luron_id(w->c, w->port, i) : w->offset + i);
        for (int64_t j = 0; j < w->pairs; j++) {
            const double angle = place * exp(-log(w->base) * (double)j / (double)w->pairs);
            ((REAL *)w->sin)[i * w->pairs + j] = (REAL)sin(angle),
                                            ((REAL *)w->cos)[i * w->pairs + j] = (REAL)cos(angle);
        }
    }
}
/* A row: pairs `apart`, the next one `step` behind. */
LOOP TYPED(turn_row)(int64_t pairs, const REAL *x, REAL *y, const REAL *sine, const REAL *cosine, int64_t apart,
                     int64_t step, int back, int add) {
    _Pragma("GCC ivdep") for (int64_t j = 0; j < pairs; j++) {
        const REAL a = x[j * step], b = x[j * step + apart], s = back ? -sine[j] : sine[j], c = cosine[j];
        const REAL p = a * c - b * s, q = b * c + a * s;
        y[j * step] = add ? y[j * step] + p : p, y[j * step + apart] = add ? y[j * step + apart] + q : q;
    }
}
LOOP TYPED(turn_rows)(void *arg, int64_t begin, int64_t end, int64_t chunk) { /* places of all sequences */
    const turn *k = arg;
    const waves *w = k->w;
    const int add = k->beta != 0;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const int64_t set = w->m > 1 ? i / w->t / w->per : 0, wave = (set * w->t + i % w->t) * w->pairs,
                      first = i / w->t * k->sequence + i % w->t * k->place;
        const REAL *sine = (const REAL *)w->sin + wave, *cosine = (const REAL *)w->cos + wave;
        for (int64_t h = 0; h < k->heads; h++) {
            const REAL *x = (const REAL *)k->x + first + h * k->head;
            REAL *y = (REAL *)k->y + first + h * k->head;
            if (k->interleaved)
                TYPED(turn_row)(w->pairs, x, y, sine, cosine, 1, 2, k->back, add);
            else
                TYPED(turn_row)(w->pairs, x, y, sine, cosine, w->pairs, 1, k->back, add);
            for (int64_t j = 2 * w->pairs; j < k->d && (x != y || add); j++)
                y[j] = add ? y[j] + x[j] : x[j];
        }
    }
}
#undef REAL
#endif
