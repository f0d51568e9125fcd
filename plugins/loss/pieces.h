/* pieces.h -- losses of one term an element for one REAL, included by loss.c: what is the same for all types. */
/* Elements first .. first + n; p as it is broadcast, or 1. */
INLINE loss_piece TYPED(open_piece)(const pointwise *k, int64_t first, int64_t n, REAL *p, const REAL *u, const REAL *v) {
    if (k->p)
        for (int64_t i = 0; i < n; i++) p[i] = ((const REAL *)k->p)[broadcast_at(k->pv, k->shape, first + i)];
    return (loss_piece) { .o = k->o, .n = n, .x = (const REAL *)k->x + first, .t = (const REAL *)k->t + first, .p = p, .u = u, .v = v };
}
INLINE int64_t TYPED(within)(int64_t at, int64_t end) { return end - at < LOSS_PIECE ? end - at : LOSS_PIECE; }

JOIN(LOSS_LOOP, REAL) void TYPED(terms)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const pointwise *k = arg;
    REAL p[LOSS_PIECE], u[LOSS_PIECE] = { 0 }, v[LOSS_PIECE] = { 0 }, terms[LOSS_PIECE];
    quad low = { 0 }, high = { 0 };
    double rest = 0;
    for (int i = 0; i < LOSS_PIECE; i++) p[i] = 1;
    for (int64_t at = begin, n; at < end; at += n) {
        n = TYPED(within)(at, end);
        loss_piece piece = TYPED(open_piece)(k, at, n, p, u, v);
        functions(k, &piece, 2, u, v);
        run(k, &piece, LOSS_TERM, terms);
        for (int64_t i = 0; k->w && i < n; i++) terms[i] *= ((const REAL *)k->w)[broadcast_at(k->wv, k->shape, at + i)];
        if (k->each) {
            memcpy((REAL *)k->each + at, terms, (size_t)n * sizeof(REAL));
            continue;
        }
        int64_t i = 0;
        for (; i + 8 <= n; i += 8) low += QUAD(terms + i), high += QUAD(terms + i + 4);
        for (; i < n; i++) rest += (double)terms[i];
    }
    k->sums[chunk] = FOLDED(low, high) + rest;
}

/* What slopes are multiplied by: the gradient of the result, and the weight. */
LOOP TYPED(put_slopes)(int64_t n, const REAL *restrict by, const REAL *restrict slope, double beta, void *gradient, int64_t first) {
    REAL *restrict to = (REAL *)gradient + first;
    if (beta != 0)
        for (int64_t i = 0; i < n; i++) to[i] = to[i] + by[i] * slope[i];
    else
        for (int64_t i = 0; i < n; i++) to[i] = by[i] * slope[i];
}
JOIN(LOSS_LOOP, REAL) void TYPED(slopes)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const pointwise *k = arg;
    REAL p[LOSS_PIECE], u[LOSS_PIECE] = { 0 }, v[LOSS_PIECE] = { 0 }, slope[LOSS_PIECE], by[LOSS_PIECE];
    (void)chunk;
    for (int i = 0; i < LOSS_PIECE; i++) p[i] = 1, by[i] = (REAL)k->scale;
    for (int64_t at = begin, n; at < end; at += n) {
        n = TYPED(within)(at, end);
        loss_piece piece = TYPED(open_piece)(k, at, n, p, u, v);
        for (int64_t i = 0; k->gy && i < n; i++) by[i] = (REAL)k->scale * ((const REAL *)k->gy)[at + i];
        for (int64_t i = 0; k->w && i < n; i++)
            by[i] = (k->gy ? by[i] : (REAL)k->scale) * ((const REAL *)k->w)[broadcast_at(k->wv, k->shape, at + i)];
        functions(k, &piece, k->gt ? 2 : k->type->slope_needs, u, v);
        for (int what = LOSS_GRAD_X; what <= LOSS_GRAD_T; what++) {
            void *gradient = what == LOSS_GRAD_X ? k->gx : k->gt;
            if (!gradient) continue;
            run(k, &piece, what, slope);
            TYPED(put_slopes)(n, by, slope, what == LOSS_GRAD_X ? k->beta_x : k->beta_t, gradient, at);
        }
    }
}
#undef REAL
