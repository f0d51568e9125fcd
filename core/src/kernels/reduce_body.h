/* reduce_body.h -- reductions for one dtype, included by reduce.c and reduce_ints.c once for each, which define
 *
 *   T, A      type of the elements, type in which they are accumulated
 *   IS_NAN    IS_NAN(v)
 *   LOWEST, HIGHEST  what MAX and MIN start from
 *   SERVES    SERVES(id): is that asked for with this dtype?
 *   NAME      NAME(x): x with the suffix of the dtype
 *   ADD_LANES optional: adds numbers in order to the lanes of a sum
 *
 * A tile is `width` outputs along the innermost kept dim, at most COLUMNS: neighbours, where that reads memory in
 * order. */

/* One more number v. A NaN stays. mean: SQUARES alone. */
static inline __attribute__((always_inline)) A NAME(step)(const int fn, A acc, A v, A mean) {
    switch (fn) {
    case SQUARES:
        return acc + (v - mean) * (v - mean);
    case LURON__REDUCE_PROD:
        return acc * v;
    case LURON__REDUCE_MAX:
        return ((v > acc) | IS_NAN(v)) ? v : acc;
    case LURON__REDUCE_MIN:
        return ((v < acc) | IS_NAN(v)) ? v : acc;
    default:
        return acc + v;
    }
}

static inline __attribute__((always_inline)) A NAME(join)(const int fn, A a, A b) {
    return NAME(step)(fn == SQUARES ? LURON__REDUCE_SUM : fn, a, b, 0);
}

static inline __attribute__((always_inline)) A NAME(start)(const int fn) {
    return fn == LURON__REDUCE_PROD ? 1 : fn == LURON__REDUCE_MAX ? LOWEST : fn == LURON__REDUCE_MIN ? HIGHEST : 0;
}

/* n numbers in order, a multiple of LANES: the largest or smallest in T itself, NaN apart. As vectors of 16 bytes at most, since
 * a compiler makes branches of it. */
enum { NAME(WIDE) = 16 / sizeof(T) < LANES ? 16 / sizeof(T) : LANES };
typedef T NAME(vector) __attribute__((vector_size(NAME(WIDE) * sizeof(T))));
static __attribute__((noinline)) void NAME(extremes)(int fn, A *lane, const T *x, int64_t n) {
    enum { WIDE = NAME(WIDE), VECTORS = LANES / WIDE };
    NAME(vector) best[VECTORS], nan[VECTORS] = {0}, v;
    for (int l = 0; l < LANES; l++)
        best[l / WIDE][l % WIDE] = (T)lane[l];
    for (int64_t i = 0; i < n; i += LANES)
        for (int k = 0; k < VECTORS; k++) {
            memcpy(&v, x + i + k * WIDE, sizeof v);
            const NAME(vector) same = v;
            const __typeof__(v > same) better = fn == LURON__REDUCE_MAX ? v > best[k] : v < best[k], is_nan = v != same;
            best[k] = (NAME(vector))((better & (__typeof__(better))v) | (~better & (__typeof__(better))best[k]));
            nan[k] = (NAME(vector))((is_nan & (__typeof__(better))v) | (~is_nan & (__typeof__(better))nan[k]));
        }
    for (int l = 0; l < LANES; l++)
        lane[l] = IS_NAN(nan[l / WIDE][l % WIDE]) ? nan[l / WIDE][l % WIDE] : best[l / WIDE][l % WIDE];
}

/* n numbers for one output, from position `at` of a block on. */
static inline __attribute__((always_inline)) void NAME(line)(const int fn, A *lane, int64_t at, const T *x,
                                                             int64_t stride, int64_t n, A mean) {
    int64_t i = 0;
    for (; i < n && (at + i) % LANES; i++)
        lane[(at + i) % LANES] = NAME(step)(fn, lane[(at + i) % LANES], x[i * stride], mean);
    if ((fn == LURON__REDUCE_MAX || fn == LURON__REDUCE_MIN) && stride == 1) {
        NAME(extremes)(fn, lane, x + i, (n - i) / LANES * LANES);
        i += (n - i) / LANES * LANES;
    }
#ifdef ADD_LANES
    if (fn == LURON__REDUCE_SUM && stride == 1) {
        ADD_LANES(lane, x + i, (n - i) / LANES * LANES);
        i += (n - i) / LANES * LANES;
    }
#endif
    A sum[LANES];
    for (int l = 0; l < LANES; l++)
        sum[l] = lane[l];
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            sum[l] = NAME(step)(fn, sum[l], x[(i + l) * stride], mean);
    for (int l = 0; i < n; i++, l++)
        sum[l] = NAME(step)(fn, sum[l], x[i * stride], mean);
    for (int l = 0; l < LANES; l++)
        lane[l] = sum[l];
}

/* n numbers for each of `width` outputs. */
static inline __attribute__((always_inline)) void NAME(lines)(const int fn, A (*lane)[COLUMNS], int64_t at, const T *x,
                                                              int64_t stride, int64_t n, int width, int64_t step,
                                                              const A *mean) {
    for (int64_t i = 0; i < n; i++) {
        A *to = lane[(at + i) % LANES];
        const T *row = x + i * stride;
        for (int c = 0; c < width; c++)
            to[c] = NAME(step)(fn, to[c], row[c * step], mean[c]);
    }
}

/* `count` numbers from number `first` on, a multiple of BLOCK, for each output of a tile that begins at x. */
static inline __attribute__((always_inline)) void NAME(block)(const int fn, const luron__reduce_args *r, const T *x,
                                                              int width, int64_t first, int64_t count, const A *mean,
                                                              A *out) {
    int last = r->n_reduced - 1;
    int64_t at[LURON_MAX_DIMS], rest = first, step = r->n_kept ? r->kept_stride[r->n_kept - 1] : 0;
    for (int d = last; d >= 0; d--) {
        at[d] = rest % r->reduced[d];
        rest /= r->reduced[d];
        x += at[d] * r->reduced_stride[d];
    }
    A lane[LANES][COLUMNS], one[LANES];
    if (width == 1)
        for (int l = 0; l < LANES; l++)
            one[l] = NAME(start)(fn);
    else
        for (int l = 0; l < LANES; l++)
            for (int c = 0; c < width; c++)
                lane[l][c] = NAME(start)(fn);
    for (int64_t done = 0; done < count;) {
        int64_t run = last < 0 ? 1 : r->reduced[last] - at[last], stride = last < 0 ? 0 : r->reduced_stride[last];
        if (run > count - done) run = count - done;
        if (width == 1 && stride == 1)
            NAME(line)(fn, one, done, x, 1, run, mean[0]);
        else if (width == 1)
            NAME(line)(fn, one, done, x, stride, run, mean[0]);
        else if (step == 1)
            NAME(lines)(fn, lane, done, x, stride, run, width, 1, mean);
        else
            NAME(lines)(fn, lane, done, x, stride, run, width, step, mean);
        done += run;
        if (last < 0) break;
        at[last] += run;
        x += run * stride;
        for (int d = last; d > 0 && at[d] == r->reduced[d]; d--) {
            x += r->reduced_stride[d - 1] - at[d] * r->reduced_stride[d];
            at[d] = 0;
            at[d - 1]++;
        }
    }
    for (int half = LANES / 2; half; half /= 2)
        for (int l = 0; l < half; l++)
            for (int c = 0; c < width; c++)
                if (width == 1)
                    one[l] = NAME(join)(fn, one[l], one[l + half]);
                else
                    lane[l][c] = NAME(join)(fn, lane[l][c], lane[l + half][c]);
    for (int c = 0; c < width; c++)
        out[c] = width == 1 ? one[0] : lane[0][c];
}

static void NAME(any_block)(int fn, const luron__reduce_args *r, const void *x, int width, int64_t first,
                            const void *mean, void *out) {
    int64_t count = r->n - first < BLOCK ? r->n - first : BLOCK;
    /* clang-format off: a table */
    switch (fn) {
#define CASE(id) case id: if (SERVES(id)) NAME(block)(id, r, x, width, first, count, mean, out); break;
    CASE(LURON__REDUCE_SUM) CASE(SQUARES) CASE(LURON__REDUCE_PROD) CASE(LURON__REDUCE_MAX) CASE(LURON__REDUCE_MIN)
#undef CASE
    }
    /* clang-format on */
}

/* All numbers of a tile into total; from the blocks' results in `work` (blocks, COLUMNS) if they were made before. */
static void NAME(tile_total)(int fn, const luron__reduce_args *r, const T *x, int width, const A *work, const A *mean,
                             A *total) {
    for (int c = 0; c < width; c++)
        total[c] = NAME(start)(fn);
    for (int64_t b = 0; b * BLOCK < r->n; b++) {
        A part[COLUMNS];
        const A *from = work ? work + b * COLUMNS : part;
        if (!work) NAME(any_block)(fn, r, x, width, b * BLOCK, mean, part);
        for (int c = 0; c < width; c++)
            switch (b == 0 ? -1 : fn) {
            case -1:
                total[c] = from[c];
                break;
            case LURON__REDUCE_PROD:
                total[c] = NAME(join)(LURON__REDUCE_PROD, total[c], from[c]);
                break;
            case LURON__REDUCE_MAX:
                total[c] = NAME(join)(LURON__REDUCE_MAX, total[c], from[c]);
                break;
            case LURON__REDUCE_MIN:
                total[c] = NAME(join)(LURON__REDUCE_MIN, total[c], from[c]);
                break;
            default:
                total[c] = NAME(join)(LURON__REDUCE_SUM, total[c], from[c]);
            }
    }
}

/* One pass over a tile; with work, its blocks are shared out over threads. */
static void NAME(pass)(int fn, const luron__reduce_args *r, const T *x, int width, int threads, A *work, const A *mean,
                       A *total) {
    if (work) {
        luron__reduce_job job = {.r = r,
                                 .fn = fn,
                                 .width = width,
                                 .x = x,
                                 .mean = mean,
                                 .work = work,
                                 .row = COLUMNS * sizeof(A),
                                 .block = NAME(any_block)};
        int64_t blocks = (r->n + BLOCK - 1) / BLOCK, grain = GRAIN / (BLOCK * (int64_t)width);
        luron__parallel_for(threads, blocks, grain < 1 ? 1 : grain, luron__reduce_blocks, &job);
    }
    NAME(tile_total)(fn, r, x, width, work, mean, total);
}

static void NAME(tile)(const luron__reduce_args *r, int64_t offset, int64_t output, int width, int threads,
                       void *work) {
    const T *x = (const T *)r->x + offset;
    A total[COLUMNS], mean[COLUMNS] = {0};
    if (r->fn == LURON__REDUCE_VAR) {
        NAME(pass)(LURON__REDUCE_SUM, r, x, width, threads, work, mean, total);
        for (int c = 0; c < width; c++)
            mean[c] = r->n ? total[c] / (A)r->n : 0;
    }
    int fn = r->fn == LURON__REDUCE_MEAN ? LURON__REDUCE_SUM : r->fn == LURON__REDUCE_VAR ? SQUARES : r->fn;
    NAME(pass)(fn, r, x, width, threads, work, mean, total);
    T *y = (T *)r->y + output;
    bool divide = r->fn == LURON__REDUCE_MEAN || r->fn == LURON__REDUCE_VAR;
    for (int c = 0; c < width; c++)
        if (divide)
            y[c] = (T)((double)total[c] / r->divisor);
        else
            y[c] = (T)total[c];
}

/* The first largest or smallest, NaN before all. */
static void NAME(arg_tile)(const luron__reduce_args *r, int64_t offset, int64_t output, int width, int threads,
                           void *work) {
    int64_t stride = r->n_reduced ? r->reduced_stride[0] : 0, step = r->n_kept ? r->kept_stride[r->n_kept - 1] : 0;
    const T *x = (const T *)r->x + offset;
    int64_t *y = (int64_t *)r->y + output;
    bool smallest = r->fn == LURON__REDUCE_ARGMIN;
    T best[COLUMNS];
    (void)threads, (void)work;
    for (int c = 0; c < width; c++)
        best[c] = x[c * step], y[c] = r->base;
    for (int64_t i = 1; i < r->n; i++) {
        const T *row = x + i * stride;
        for (int c = 0; c < width; c++) {
            T v = row[c * step];
            if ((smallest ? v < best[c] : v > best[c]) || (IS_NAN(v) && !IS_NAN(best[c])))
                best[c] = v, y[c] = r->base + i;
        }
    }
}
