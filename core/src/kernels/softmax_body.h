/* softmax_body.h -- softmax and its gradient for one dtype, included by softmax.c once for each, with TARGET before its functions and
 * WIDEN(v), four of T in double. */

static TARGET T NAME(largest)(int64_t n, const T *x) {
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
typedef double NAME(quad) __attribute__((vector_size(32)));
typedef T NAME(four) __attribute__((vector_size(4 * sizeof(T)), aligned(sizeof(T)), may_alias));
static TARGET double NAME(sum)(int64_t n, const T *x) {
    double lane[LANES];
    int64_t i = 0;
    NAME(quad) low = {0}, high = {0};
    for (; i + LANES <= n; i += LANES) {
        low += WIDEN(*(const NAME(four) *)(x + i));
        high += WIDEN(*(const NAME(four) *)(x + i + 4));
    }
    memcpy(lane, &low, sizeof low), memcpy(lane + 4, &high, sizeof high);
    for (int l = 0; i < n; i++, l++)
        lane[l] += x[i];
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* x (n) -> y (n); y may be x. A NaN or +infinity in x, or nothing but -infinity, makes all of y NaN. */
static TARGET void NAME(row)(const luron__softmax_args *a, const T *x, T *y) {
    const int64_t n = a->n;
    T top = NAME(largest)(n, x), e[PIECE];
    double sum = 0;
    for (int64_t i = 0; i < n; i += PIECE) {
        int64_t part = n - i < PIECE ? n - i : PIECE;
        T *to = a->log ? e : y + i;
        _Pragma("GCC ivdep") for (int64_t k = 0; k < part; k++) to[k] = x[i + k] - top;
        luron__map(a->isa, LURON_MAP_exp, a->dtype, part, to, to);
        sum += NAME(sum)(part, to);
    }
    if (a->log) {
        T log_sum = (T)log(sum);
        _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) y[i] = (x[i] - top) - log_sum;
    } else {
        T total = (T)sum;
        for (int64_t i = 0; i < n; i++)
            y[i] = y[i] / total;
    }
}

/* x (n, w) -> y (n, w), each column for itself, `inner` from row to row: w <= COLUMNS. Rows that lie in one piece go together. */
static TARGET void NAME(columns)(const luron__softmax_args *a, int64_t w, const T *x, T *y) {
    const int64_t n = a->n, stride = a->inner, step = w == stride ? PIECE / w : 1;
    T top[COLUMNS], e[PIECE];
    double sum[COLUMNS];
    for (int64_t c = 0; c < w; c++)
        top[c] = -(T)INFINITY, sum[c] = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t c = 0; c < w; c++)
            top[c] = x[i * stride + c] > top[c] ? x[i * stride + c] : top[c];
    for (int64_t i = 0; i < n; i += step) {
        const int64_t rows = n - i < step ? n - i : step;
        T *to = a->log ? e : y + i * stride;
        for (int64_t r = 0; r < rows; r++)
            _Pragma("GCC ivdep") for (int64_t c = 0; c < w; c++) to[r * w + c] = x[(i + r) * stride + c] - top[c];
        luron__map(a->isa, LURON_MAP_exp, a->dtype, rows * w, to, to);
        for (int64_t r = 0; r < rows; r++)
            for (int64_t c = 0; c < w; c++)
                sum[c] += to[r * w + c];
    }
    T total[COLUMNS];
    for (int64_t c = 0; c < w; c++)
        total[c] = (T)(a->log ? log(sum[c]) : sum[c]);
    for (int64_t i = 0; i < n; i++, x += stride, y += stride)
        if (a->log)
            _Pragma("GCC ivdep") for (int64_t c = 0; c < w; c++) y[c] = (x[c] - top[c]) - total[c];
        else
            for (int64_t c = 0; c < w; c++)
                y[c] = y[c] / total[c];
}

/* `to` may be g, as ivdep states; e is exp(y), step 0: one sum for all. */
static TARGET inline void NAME(gradient_run)(bool is_log, int64_t n, const T *g, const T *y, const T *e, const T *sum,
                                             int step, T *to) {
    if (is_log)
        _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) to[i] = g[i] - e[i] * sum[i * step];
    else
        _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) to[i] = y[i] * (g[i] - sum[i * step]);
}

/* g, y (n) -> to (n): y (g - sum(g y)), or of the logarithm g - exp(y) sum(g). */
static TARGET void NAME(gradient_row)(const luron__softmax_args *a, const T *g, const T *y, T *to) {
    const int64_t n = a->n;
    T e[PIECE];
    double sum = 0;
    for (int64_t i = 0; i < n; i += PIECE) {
        int64_t part = n - i < PIECE ? n - i : PIECE;
        if (!a->log)
            for (int64_t k = 0; k < part; k++)
                e[k] = g[i + k] * y[i + k];
        sum += NAME(sum)(part, a->log ? g + i : e);
    }
    const T total = (T)sum;
    for (int64_t i = 0; i < n; i += PIECE) {
        int64_t part = n - i < PIECE ? n - i : PIECE;
        if (a->log) luron__map(a->isa, LURON_MAP_exp, a->dtype, part, y + i, e);
        NAME(gradient_run)(a->log, part, g + i, y + i, e, &total, 0, to + i);
    }
}

/* The same of columns. */
static TARGET void NAME(gradient_columns)(const luron__softmax_args *a, int64_t w, const T *g, const T *y, T *to) {
    const int64_t n = a->n, stride = a->inner, step = w == stride ? PIECE / w : 1;
    double sum[COLUMNS];
    T e[PIECE], total[COLUMNS];
    for (int64_t c = 0; c < w; c++)
        sum[c] = 0;
    for (int64_t i = 0; i < n; i++)
        if (a->log)
            for (int64_t c = 0; c < w; c++)
                sum[c] += g[i * stride + c];
        else
            for (int64_t c = 0; c < w; c++)
                sum[c] += g[i * stride + c] * y[i * stride + c];
    for (int64_t c = 0; c < w; c++)
        total[c] = (T)sum[c];
    for (int64_t i = 0; i < n; i += step, g += step * stride, y += step * stride, to += step * stride) {
        const int64_t rows = n - i < step ? n - i : step;
        if (a->log) luron__map(a->isa, LURON_MAP_exp, a->dtype, rows * w, y, e);
        for (int64_t r = 0; r < rows; r++)
            NAME(gradient_run)(a->log, w, g + r * stride, y + r * stride, e + r * w, total, 1, to + r * stride);
    }
}

static TARGET void NAME(some)(const luron__softmax_args *a, int64_t begin, int64_t end) {
    const int64_t width = luron__softmax_width(a), tiles = (a->inner + width - 1) / width;
    for (int64_t t = begin; t < end; t++) {
        const int64_t first = t % tiles * width, w = a->inner - first < width ? a->inner - first : width;
        const int64_t at = t / tiles * a->n * a->inner + first;
        const T *x = (const T *)a->x + at, *g = (const T *)a->g + at;
        T *to = (T *)a->to + at;
        if (a->g)
            a->inner == 1 ? NAME(gradient_row)(a, g, x, to) : NAME(gradient_columns)(a, w, g, x, to);
        else
            a->inner == 1 ? NAME(row)(a, x, to) : NAME(columns)(a, w, x, to);
    }
}
