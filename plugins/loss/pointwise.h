/* pointwise.h -- the loops of a loss of one term an element, for one REAL, from what its file defines:
 *   TERM            the loss, in x (input), t (target), p (pos_weight) and o (the options); times the weight
 *   GRAD_X, GRAD_T  its derivatives in x and t                                                                        */
static void TYPED(terms)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const pointwise *k = arg;
    const loss *o = k->o;
    const REAL *xs = k->x, *ts = k->t, *ws = k->w, *ps = k->p;
    REAL *each = k->each;
    double sum = 0;
    for (int64_t i = begin; i < end; i++) {
        const REAL x = xs[i], t = ts[i], p = ps ? ps[loss_broadcast_at(k->pv, k->shape, i)] : 1;
        REAL term = (REAL)(TERM);
        (void)p, (void)o;
        if (ws) term *= ws[loss_broadcast_at(k->wv, k->shape, i)];
        if (each) each[i] = term;
        else sum += term;
    }
    k->sums[chunk] = sum;
}

static void TYPED(slopes)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const pointwise *k = arg;
    const loss *o = k->o;
    const REAL *xs = k->x, *ts = k->t, *ws = k->w, *ps = k->p, *gys = k->gy;
    REAL *gx = k->gx, *gt = k->gt;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const REAL x = xs[i], t = ts[i], p = ps ? ps[loss_broadcast_at(k->pv, k->shape, i)] : 1;
        REAL g = (REAL)k->scale;
        (void)x, (void)t, (void)p, (void)o;
        if (gys) g *= gys[i];
        if (ws) g *= ws[loss_broadcast_at(k->wv, k->shape, i)];
        if (gx) gx[i] = (REAL)(k->beta_x != 0 ? gx[i] + g * (GRAD_X) : g * (GRAD_X));
        if (gt) gt[i] = (REAL)(k->beta_t != 0 ? gt[i] + g * (GRAD_T) : g * (GRAD_T));
    }
}
#undef REAL
