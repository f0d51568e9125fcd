/* loops.h -- apply and derive of an element-wise type for one REAL, from what its file defines:
 *   VALUE         f(x), an expression in x, u and o (the options, an OPTIONS)
 *   GRAD          gy f'(x), in gy, x, u and o; with FROM_Y defined in gy, y and o
 *   HOST_FN, ARG  optional: u = HOST_FN(ARG), a function of the host; HOST_FN may look at o
 *   DERIVE_FN     optional: what is in the place of HOST_FN in derive
 *   THEN_FN       optional: u = THEN_FN(HOST_FN(ARG)) in apply
 *   MORE          optional, with MORE_FN and MORE_ARG: v = MORE_FN(MORE_ARG) for GRAD, where this holds of o                                */
#if defined(HOST_FN) && !defined(DERIVE_FN)
#define DERIVE_FN HOST_FN
#endif
LOOP TYPED(apply)(const luron_run *r) {
#ifdef OPTIONS
    const OPTIONS options_of = *(const OPTIONS *)r->options, *const o = &options_of; /* no store changes a copy */
#endif
    const REAL *xs = r->x;
    REAL *to = r->to;
#ifdef HOST_FN
    REAL us[PIECE];
    for (int64_t at = 0, m; (m = piece(r, at)) > 0; at += m) {
        for (int64_t i = 0; i < m; i++) {
            const REAL x = xs[at + i];
            us[i] = ARG;
        }
        r->host->map(r->host, HOST_FN, r->dtype, m, us, us);
#ifdef THEN_FN
        r->host->map(r->host, THEN_FN, r->dtype, m, us, us);
#endif
        for (int64_t i = 0; i < m; i++) {
            const REAL x = xs[at + i], u = us[i];
            (void)x;
            to[at + i] = VALUE;
        }
    }
#else
    for (int64_t i = 0; i < r->n; i++) {
        const REAL x = xs[i];
        to[i] = VALUE;
    }
#endif
}

LOOP TYPED(derive)(const luron_run *r) {
#ifdef OPTIONS
    const OPTIONS options_of = *(const OPTIONS *)r->options, *const o = &options_of; /* no store changes a copy */
    (void)o;
#endif
    const REAL *gys = r->gy;
    REAL *to = r->to;
#if defined(FROM_Y)
    const REAL *ys = r->y;
    for (int64_t i = 0; i < r->n; i++) {
        const REAL y = ys[i], gy = gys[i];
        (void)y;
        to[i] = GRAD;
    }
#elif defined(DERIVE_FN)
    const REAL *xs = r->x;
    REAL us[PIECE];
#ifdef MORE
    REAL vs[PIECE];
#endif
    for (int64_t at = 0, m; (m = piece(r, at)) > 0; at += m) {
        for (int64_t i = 0; i < m; i++) {
            const REAL x = xs[at + i];
            us[i] = ARG;
        }
        r->host->map(r->host, DERIVE_FN, r->dtype, m, us, us);
#ifdef MORE
        for (int64_t i = 0; i < m; i++) {
            const REAL x = xs[at + i];
            vs[i] = MORE ? MORE_ARG : 0;
        }
        if (MORE) r->host->map(r->host, MORE_FN, r->dtype, m, vs, vs);
#endif
        for (int64_t i = 0; i < m; i++) {
            const REAL x = xs[at + i], gy = gys[at + i], u = us[i];
#ifdef MORE
            const REAL v = vs[i];
#endif
            to[at + i] = GRAD;
        }
    }
#else
    const REAL *xs = r->x;
    for (int64_t i = 0; i < r->n; i++) {
        const REAL x = xs[i], gy = gys[i];
        to[i] = GRAD;
    }
#endif
}
#undef REAL
