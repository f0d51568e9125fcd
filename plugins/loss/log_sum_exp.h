/* log_sum_exp.h -- the probabilities exp(x - lse) of classes that lie `stride` apart, and the gradient, in pieces for the host's
 * vectorised exp. lse is log_sum_exp.c's. Included once for each REAL.                                                */
/* The sum of n numbers: in 8 lanes, so that one number does not wait for the one before. */
INLINE double TYPED(total)(int64_t n, const REAL *x) {
    double sum = 0;
    int64_t j = 0;
    if (n >= 8) {
        double lane[8] = { 0 };
        for (; j + 8 <= n; j += 8)
            for (int l = 0; l < 8; l++) lane[l] += (double)x[j + l];
        for (int l = 0; l < 8; l++) sum += lane[l];
    }
    for (; j < n; j++) sum += x[j];
    return sum;
}

/* Rows of n numbers less what stands for each row. Of two numbers, n is a constant where this is inlined. */
LOOP TYPED(less_lse)(int64_t rows, const int64_t n, const REAL *x, const double *lse, REAL *e) {
    for (int64_t i = 0; i < rows; i++, x += n, e += n)
        for (int64_t j = 0; j < n; j++) e[j] = (REAL)(x[j] - lse[i]);
}

/* Probabilities of at most LOSS_PIECE classes from `at` on; returns how many. */
INLINE int64_t TYPED(probabilities)(const luron_call *c, const REAL *x, int64_t n, int64_t stride, double lse, int64_t at,
                                           REAL *e) {
    const int64_t m = n - at < LOSS_PIECE ? n - at : LOSS_PIECE;
    for (int64_t j = 0; j < m; j++) e[j] = (REAL)(x[(at + j) * stride] - lse);
    c->host->map(c->host, LURON_MAP_exp, c->dtype, m, e, e);
    return m;
}

/* All probabilities of `rows` rows that lie side by side. */
LOOP TYPED(probabilities_of_rows)(const luron_call *c, const REAL *x, int64_t rows, int64_t n, const double *lse, REAL *e) {
    if (n == 2) TYPED(less_lse)(rows, 2, x, lse, e);
    else TYPED(less_lse)(rows, n, x, lse, e);
    c->host->map(c->host, LURON_MAP_exp, c->dtype, rows * n, e, e);
}

/* Rows from i on that are beside each other, at most LOSS_PIECE; 0: each row is a run. */
INLINE int64_t TYPED(beside)(const classes *k, int64_t i, int64_t end) {
    const int64_t m = k->inner == 1 ? 0 : loss_beside(k, i, end);
    return m < LOSS_PIECE ? m : LOSS_PIECE;
}
/* Rows from i on that are one run of at most LOSS_PIECE numbers; 0: a row is not one run, or too long. */
INLINE int64_t TYPED(run)(const classes *k, int64_t i, int64_t end) {
    const int64_t m = k->inner == 1 && k->n < LOSS_PIECE ? LOSS_PIECE / k->n : 0;
    return end - i < m ? end - i : m;
}
/* The gradient of n logits that lie side by side: all times their probabilities p, less `own` at id, if that is one of them; added to gx or put. */
LOOP TYPED(put_slopes)(int64_t n, double all, const REAL *restrict p, int64_t id, double own, int adds, REAL *restrict gx) {
    const int has_target = id >= 0 && id < n;
    const double d = has_target ? all * p[id] - own : 0, target = adds && has_target ? gx[id] + d : d;
    if (adds)
        for (int64_t j = 0; j < n; j++) gx[j] = (REAL)(gx[j] + all * p[j]);
    else
        for (int64_t j = 0; j < n; j++) gx[j] = (REAL)(all * p[j]);
    if (has_target) gx[id] = (REAL)target;
}
/* The gradient of m rows that lie side by side, put there, where all classes weigh the same; es: their probabilities. What
 * slope computes, in one run for all. */
LOOP TYPED(put_rows)(const classes *k, int64_t i, int64_t m, const REAL *restrict es, REAL *restrict gx) {
    const double g = k->scale;
    const int64_t n = k->n, *restrict ids = k->ids ? k->ids + i : NULL;
    const int64_t base = ids ? k->c->index_base : 0, ignored = ids ? loss_ignored(k) : k->o->ignore_index;
    for (int64_t j = 0; j < m * n; j++) gx[j] = (REAL)(g * es[j]);
    for (int64_t r = 0; r < m; r++, es += n, gx += n) {
        const int64_t id = ids ? ids[r] : luron_id(k->c, TARGET, i + r);
        if (id != ignored) gx[id - base] = (REAL)(g * es[id - base] - g);
        else for (int64_t j = 0; j < n; j++) gx[j] = 0;
    }
}
/* The gradient of m <= LOSS_PIECE rows that lie beside each other, class by class for all of them. */
LOOP TYPED(slopes_beside)(const classes *k, const REAL *restrict x, REAL *restrict gx, int64_t i, int64_t m) {
    const REAL *w = k->w;
    const double s = k->o->label_smoothing, spread = s / (double)k->n, *lse = k->lse + i, weight_sum = k->weight_sum;
    double all[LOSS_PIECE], own[LOSS_PIECE], shares[LOSS_PIECE]; /* of the probabilities, the target, and every class */
    int64_t ids[LOSS_PIECE];                                    /* -1: counts for nothing */
    REAL e[LOSS_PIECE];
    for (int64_t r = 0; r < m; r++) {
        const int64_t id = luron_id(k->c, TARGET, i + r);
        const int counts = id != k->o->ignore_index;
        const double part = (1 - s) * (counts && w ? w[id] : 1), g = !counts ? 0 : k->gy ? k->scale * ((const REAL *)k->gy)[i + r] : k->scale;
        ids[r] = counts ? id : -1, all[r] = g * (part + spread * weight_sum), own[r] = g * part, shares[r] = g * spread;
    }
    for (int64_t j = 0; j < k->n; j++, x += k->inner, gx += k->inner) {
        const double wj = spread > 0 && w ? w[j] : 1;
        for (int64_t r = 0; r < m; r++) e[r] = (REAL)(x[r] - lse[r]);
        k->c->host->map(k->c->host, LURON_MAP_exp, k->c->dtype, m, e, e);
        for (int64_t r = 0; r < m; r++) {
            const double d = (ids[r] < 0 ? 0 : all[r] * e[r]) - shares[r] * wj;
            e[r] = (REAL)(ids[r] == j ? d - own[r] : d);
        }
        if (k->beta_x != 0)
            for (int64_t r = 0; r < m; r++) gx[r] += e[r];
        else
            memcpy(gx, e, (size_t)m * sizeof(REAL));
    }
}
/* Of soft targets: weight times smoothed target. */
INLINE double TYPED(mixed)(const classes *k, const REAL *t, int64_t j) {
    const double s = k->o->label_smoothing;
    return ((1 - s) * t[j * k->inner] + s / (double)k->n) * (k->w ? ((const REAL *)k->w)[j] : 1);
}
/* The term of a row of classes that lie side by side and weigh the same, in 8 lanes as `total`. */
LOOP TYPED(soft_term)(const classes *k, const REAL *restrict t, const REAL *restrict x, double lse, double *term) {
    const double keep = 1 - k->o->label_smoothing, spread = k->o->label_smoothing / (double)k->n;
    const int64_t n = k->n;
    double lane[8] = { 0 };
    int64_t j = 0;
    for (; j + 8 <= n; j += 8)
        for (int l = 0; l < 8; l++) lane[l] += (keep * t[j + l] + spread) * (lse - x[j + l]);
    for (; j < n; j++) lane[0] += (keep * t[j] + spread) * (lse - x[j]);
    for (int l = 0; l < 8; l++) *term += lane[l];
}
/* The slopes of such a row, e its probabilities. */
LOOP TYPED(soft_slopes)(const classes *k, int64_t n, const REAL *restrict t, const REAL *restrict e, double g, double all, REAL *restrict d) {
    const double keep = 1 - k->o->label_smoothing, spread = k->o->label_smoothing / (double)k->n;
    for (int64_t j = 0; j < n; j++) d[j] = (REAL)(g * (e[j] * all - (keep * t[j] + spread)));
}
/* Put d, m numbers, `step` apart, or add them to what is there. */
LOOP TYPED(put)(int64_t m, const REAL *restrict d, double beta, REAL *restrict to, int64_t step) {
    if (beta == 0 && step == 1) memcpy(to, d, (size_t)m * sizeof *d);
    else for (int64_t j = 0; j < m; j++) to[j * step] = beta != 0 ? to[j * step] + d[j] : d[j];
}
