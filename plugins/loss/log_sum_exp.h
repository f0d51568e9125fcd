/* log_sum_exp.h -- log(sum exp(x)) over n classes that lie `stride` apart, the probabilities exp(x - lse) and the gradient,
 * in pieces for the host's vectorised exp. Included once for each REAL.                                               */
INLINE double TYPED(log_sum_exp)(const luron_call *c, const REAL *x, int64_t n, int64_t stride) {
    REAL top = x[0], e[LOSS_PIECE];
    for (int64_t j = 1; j < n; j++)
        if (x[j * stride] > top) top = x[j * stride];
    double sum = 0;
    for (int64_t at = 0; at < n; at += LOSS_PIECE) {
        const int64_t m = n - at < LOSS_PIECE ? n - at : LOSS_PIECE;
        for (int64_t j = 0; j < m; j++) e[j] = x[(at + j) * stride] - top;
        c->host->map(c->host, LURON_MAP_exp, c->dtype, m, e, e);
        for (int64_t j = 0; j < m; j++) sum += e[j];
    }
    return (double)top + log(sum);
}

/* The largest and the sum of n numbers: in 8 lanes, so that one number does not wait for the one before. */
INLINE REAL TYPED(largest)(int64_t n, const REAL *x) {
    REAL top = x[0];
    int64_t j = 0;
    if (n >= 8) {
        REAL lane[8];
        for (int l = 0; l < 8; l++) lane[l] = x[l];
        for (j = 8; j + 8 <= n; j += 8)
            for (int l = 0; l < 8; l++) lane[l] = x[j + l] > lane[l] ? x[j + l] : lane[l];
        for (int l = 0; l < 8; l++) top = lane[l] > top ? lane[l] : top;
    }
    for (; j < n; j++) top = x[j] > top ? x[j] : top;
    return top;
}
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

/* Rows of n numbers less what stands for each row. Of a few numbers, n is a constant where this is inlined. */
LOOP TYPED(less_tops)(int64_t rows, const int64_t n, const REAL *x, REAL *tops, REAL *e) {
    for (int64_t i = 0; i < rows; i++, x += n, e += n) {
        const REAL top = tops[i] = TYPED(largest)(n, x);
        for (int64_t j = 0; j < n; j++) e[j] = x[j] - top;
    }
}
LOOP TYPED(less_lse)(int64_t rows, const int64_t n, const REAL *x, const double *lse, REAL *e) {
    for (int64_t i = 0; i < rows; i++, x += n, e += n)
        for (int64_t j = 0; j < n; j++) e[j] = (REAL)(x[j] - lse[i]);
}

/* The same of `rows` rows of n <= LOSS_PIECE / rows classes that lie side by side: their exp, into e, is one run. */
LOOP TYPED(log_sums_exp)(const luron_call *c, const REAL *x, int64_t rows, int64_t n, double *lse, REAL *e) {
    REAL tops[LOSS_PIECE];
    if (n == 2) TYPED(less_tops)(rows, 2, x, tops, e);
    else TYPED(less_tops)(rows, n, x, tops, e);
    c->host->map(c->host, LURON_MAP_exp, c->dtype, rows * n, e, e);
    for (int64_t i = 0; i < rows; i++, e += n) {
        const double sum = n == 2 ? (double)e[0] + (double)e[1] : TYPED(total)(n, e);
        lse[i] = (double)tops[i] + log(sum);
    }
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

/* Rows from i on that are one run of at most LOSS_PIECE numbers; 0: a row is not one run, or too long. */
INLINE int64_t TYPED(run)(const classes *k, int64_t i, int64_t end) {
    const int64_t m = k->inner == 1 && k->n < LOSS_PIECE ? LOSS_PIECE / k->n : 0;
    return end - i < m ? end - i : m;
}
/* The gradient of n logits that lie side by side: all times their probabilities p, less `own` at id; added to gx or put. */
LOOP TYPED(put_slopes)(int64_t n, double all, const REAL *restrict p, int64_t id, double own, int adds, REAL *restrict gx) {
    const double d = all * p[id] - own, target = adds ? gx[id] + d : d;
    if (adds)
        for (int64_t j = 0; j < n; j++) gx[j] = (REAL)(gx[j] + all * p[j]);
    else
        for (int64_t j = 0; j < n; j++) gx[j] = (REAL)(all * p[j]);
    gx[id] = (REAL)target;
}
/* The gradient of m rows that lie side by side, put there, where all classes weigh the same; es: their probabilities. What
 * slope computes, in one run for all. */
LOOP TYPED(put_rows)(const classes *k, int64_t i, int64_t m, const REAL *restrict es, REAL *restrict gx) {
    const double g = k->scale;
    for (int64_t j = 0; j < m * k->n; j++) gx[j] = (REAL)(g * es[j]);
    for (int64_t r = 0; r < m; r++, es += k->n, gx += k->n) {
        const int64_t id = luron_id(k->c, TARGET, i + r);
        if (id != k->o->ignore_index) gx[id] = (REAL)(g * es[id] - g);
        else for (int64_t j = 0; j < k->n; j++) gx[j] = 0;
    }
}
