/* pointwise.h -- the loops of a loss of one term an element, for one REAL, from what its file defines:
 *   TERM             the loss, in x (input), t (target), p (pos_weight), u, v and o (the options); times the weight
 *   GRAD_X, GRAD_T   its derivatives in x and t, in the same
 *   U_ARG, V_ARG    optional: of what u and v are functions of the host, which its type names; V_ARG may use u      */
#define EACH(expression)                                                                                               \
    for (int64_t i = 0; i < k->n; i++) {                                                                               \
        const REAL x = xs[i], t = ts[i], p = ps[i], u = us[i], v = vs[i];                                              \
        (void)x, (void)t, (void)p, (void)u, (void)v;                                                                   \
        to[i] = (REAL)(expression);                                                                                    \
    }                                                                                                                  \
    break
JOIN(LOSS_LOOP, REAL) void TYPED(piece)(const loss_piece *k) {
    const loss options_of = *k->o, *const o = &options_of; /* no store changes a copy */
    const REAL *xs = k->x, *ts = k->t, *ps = k->p, *us = k->u, *vs = k->v;
    REAL *restrict to = k->to;
    (void)o;
    switch (k->what) {
    case LOSS_TERM: EACH(TERM);
    case LOSS_GRAD_X: EACH(GRAD_X);
    case LOSS_GRAD_T: EACH(GRAD_T);
#ifdef U_ARG
    case LOSS_U: EACH(U_ARG);
#endif
#ifdef V_ARG
    case LOSS_V: EACH(V_ARG);
#endif
    default: break;
    }
}
#undef EACH
#undef REAL
