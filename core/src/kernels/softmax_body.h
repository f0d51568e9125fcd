/* softmax_body.h -- rows of softmax for one dtype, included by softmax.c for T float and double. */

static T NAME(largest)(int64_t n, const T *x) {
    T lane[LANES];
    for (int l = 0; l < LANES; l++)
        lane[l] = -(T)INFINITY;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
    for (; i < n; i++)
        lane[0] = x[i] > lane[0] ? x[i] : lane[0];
    for (int l = 1; l < LANES; l++)
        lane[0] = lane[l] > lane[0] ? lane[l] : lane[0];
    return lane[0];
}

/* Sum of n numbers, n <= PIECE, in lanes. */
static double NAME(sum)(int64_t n, const T *x) {
    double lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] += x[i + l];
    for (int l = 0; i < n; i++, l++)
        lane[l] += x[i];
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* x (n) -> y (n); y may be x. A NaN or +infinity in x, or nothing but -infinity, makes all of y NaN. */
static void NAME(row)(int isa, int64_t n, const T *x, T *y, bool is_log) {
    T top = NAME(largest)(n, x), e[PIECE];
    double sum = 0;
    for (int64_t i = 0; i < n; i += PIECE) {
        int64_t part = n - i < PIECE ? n - i : PIECE;
        T *to = is_log ? e : y + i;
        for (int64_t k = 0; k < part; k++)
            to[k] = x[i + k] - top;
        luron__map(isa, LURON_MAP_exp, DTYPE, part, to, to);
        sum += NAME(sum)(part, to);
    }
    if (is_log) {
        T log_sum = (T)log(sum);
        for (int64_t i = 0; i < n; i++)
            y[i] = (x[i] - top) - log_sum;
    } else {
        T total = (T)sum;
        for (int64_t i = 0; i < n; i++)
            y[i] = y[i] / total;
    }
}
