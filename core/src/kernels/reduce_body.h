/* reduce_body.h -- reductions for one dtype, included by reduce.c and reduce_ints.c once for each, which define
 *
 *   T, A      type of the elements, type in which they are accumulated
 *   IS_NAN    IS_NAN(v)
 *   LOWEST, HIGHEST  what MAX and MIN start from
 *   SERVES    SERVES(id): is that asked for with this dtype?
 *   BY_AVX2   optional: what is done most is compiled for it too
 *   WIDEN     optional: WIDEN(v, to), four of T as A, by what AVX2 has for it
 *   NAME      NAME(x): x with the suffix of the dtype
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

/* The lanes in one, the same as by join: without a NaN a maximum or minimum is one instruction, where a compiler makes of a choice
 * that looks for it a branch that nobody could predict. */
static inline __attribute__((always_inline)) A NAME(fold_extremes)(const int fn, T *lane) {
    int is_nan = 0;
    for (int l = 0; l < LANES; l++) is_nan |= IS_NAN(lane[l]);
    LURON__UNROLL(4) for (int half = LANES / 2; half; half /= 2)
        LURON__UNROLL(8) for (int l = 0; l < half; l++) {
            const T v = lane[l + half], acc = lane[l];
            if (is_nan)
                lane[l] = (T)NAME(join)(fn, acc, v);
            else
                lane[l] = fn == LURON__REDUCE_MAX ? (v > acc ? v : acc) : v < acc ? v : acc;
        }
    return lane[0];
}

/* Numbers in order from lane 0 on, as vectors of 16 bytes, or of 32 where there are such; a compiler makes branches of wider ones. */
#define EXTREMES(name, bytes)                                                                                          \
    typedef T NAME(name##_vector) __attribute__((vector_size((bytes) < LANES * sizeof(T) ? (bytes) : LANES * sizeof(T)))); \
    static inline __attribute__((always_inline)) void NAME(name)(const int fn, T *lane, const T *x, int64_t n) {       \
        enum { WIDE = sizeof(NAME(name##_vector)) / sizeof(T), VECTORS = LANES / WIDE };                               \
        NAME(name##_vector) best[VECTORS], v;                                                                          \
        memcpy(best, lane, sizeof best);                                                                               \
        for (int64_t i = 0; i < n; i += LANES)                                                                         \
            LURON__UNROLL(16) for (int k = 0; k < VECTORS; k++) {                                                      \
                memcpy(&v, x + i + k * WIDE, sizeof v);                                                                \
                const NAME(name##_vector) same = v;                                                                    \
                const __typeof__(v > same) better = (fn == LURON__REDUCE_MAX ? v > best[k] : v < best[k]) | (v != same);\
                best[k] = (NAME(name##_vector))((better & (__typeof__(better))v) |                                     \
                                                (~better & (__typeof__(better))best[k]));                              \
            }                                                                                                          \
        memcpy(lane, best, sizeof best);                                                                               \
    }
EXTREMES(extremes, 16)

/* SUMS: n numbers to the lanes, a multiple of LANES. COLUMN: every LANES-th of n numbers to one lane of each of `many` outputs
 * that lie in order, a multiple of 4. In vectors of `per` numbers of A; wider ones than there are confuse a compiler. */
#define SUMS(target, name, column, per, widen)                                                                         \
    typedef A NAME(name##_to) __attribute__((vector_size(per * sizeof(A))));                                           \
    typedef A NAME(name##_at) __attribute__((vector_size(per * sizeof(A)), aligned(sizeof(A)), may_alias));            \
    typedef T NAME(name##_from) __attribute__((vector_size(per * sizeof(T)), aligned(sizeof(T)), may_alias));          \
    static target inline __attribute__((always_inline)) void NAME(name##_step)(const int fn, NAME(name##_to) *acc,     \
                                                                               const T *x, NAME(name##_to) mean) {     \
        NAME(name##_to) v = widen(*(const NAME(name##_from) *)x, NAME(name##_to));                                     \
        const NAME(name##_to) old = *acc, same = v;                                                                    \
        if (fn == SQUARES) v -= mean, v *= v;                                                                          \
        if (fn == LURON__REDUCE_MAX || fn == LURON__REDUCE_MIN) {                                                      \
            const __typeof__(v > old) nan = v != same, better = nan | (fn == LURON__REDUCE_MAX ? v > old : v < old);   \
            *acc = (NAME(name##_to))((better & (__typeof__(nan))v) | (~better & (__typeof__(nan))old));                \
        } else                                                                                                         \
            *acc = fn == LURON__REDUCE_PROD ? old * v : old + v;                                                       \
    }                                                                                                                  \
    static target inline __attribute__((always_inline)) void NAME(name)(const int fn, A *lane, const T *x, int64_t n,  \
                                                                        A mean, const bool fresh) {                    \
        NAME(name##_to) total[LANES / per], means = mean - (NAME(name##_to)){0};                                       \
        LURON__UNROLL(16) for (int k = 0; k < LANES / per; k++) {                                                      \
            if (fresh)                                                                                                 \
                total[k] = NAME(start)(fn) - (NAME(name##_to)){0};                                                     \
            else                                                                                                       \
                total[k] = *(NAME(name##_at) *)(lane + per * k);                                                       \
        }                                                                                                              \
        for (int64_t i = 0; i < n; i += LANES)                                                                         \
            LURON__UNROLL(16) for (int k = 0; k < LANES / per; k++) NAME(name##_step)(fn, &total[k], x + i + per * k, means);\
        LURON__UNROLL(16) for (int k = 0; k < LANES / per; k++) *(NAME(name##_at) *)(lane + per * k) = total[k];       \
    }                                                                                                                  \
    static target inline __attribute__((always_inline)) void NAME(column)(                                             \
        const int fn, A *lane, const T *x, int64_t stride, int64_t n, const A *mean, const int many, bool fresh) {     \
        NAME(name##_to) total[LANES / per], means[LANES / per];                                                        \
        LURON__UNROLL(16) for (int k = 0; k < many / per; k++) {                                                       \
            if (fresh)                                                                                                 \
                total[k] = NAME(start)(fn) - (NAME(name##_to)){0};                                                     \
            else                                                                                                       \
                total[k] = *(NAME(name##_at) *)(lane + per * k);                                                       \
            means[k] = *(const NAME(name##_at) *)(mean + per * k);                                                     \
        }                                                                                                              \
        for (int64_t i = 0; i < n; i += LANES) {                                                                       \
            if (i + LANES < n) __builtin_prefetch(x + (i + LANES) * stride);                                           \
            LURON__UNROLL(16) for (int k = 0; k < many / per; k++)                                                     \
                NAME(name##_step)(fn, &total[k], x + i * stride + per * k, means[k]);                                  \
        }                                                                                                              \
        LURON__UNROLL(16) for (int k = 0; k < many / per; k++) *(NAME(name##_at) *)(lane + per * k) = total[k];        \
    }
SUMS(, sums, column, 2, __builtin_convertvector)

static inline __attribute__((always_inline)) void NAME(fold)(const int fn, A *lane) {
    for (int half = LANES / 2; half; half /= 2)
        for (int l = 0; l < half; l++)
            lane[l] = NAME(join)(fn, lane[l], lane[l + half]);
}

/* RUN: n numbers in order to the lanes, from lane 0 on. WHOLE: the result of up to a block of them alone. LINES: n numbers for
 * each of `width` outputs that lie in order, `at` being their lane. */
#define LANE_FUNCTIONS(target, run, whole, lines, extremes, sums, column)                                              \
    static target inline __attribute__((always_inline)) void NAME(run##_one)(const int fn, A *lane, const T *x,        \
                                                                             int64_t n, A mean, const bool fresh) {    \
        const int64_t most = n / LANES * LANES;                                                                        \
        if (fn == LURON__REDUCE_MAX || fn == LURON__REDUCE_MIN) {                                                      \
            T few[LANES];                                                                                              \
            for (int l = 0; l < LANES; l++) few[l] = (T)lane[l];                                                       \
            NAME(extremes)(fn, few, x, most);                                                                          \
            for (int l = 0; l < LANES; l++) lane[l] = few[l];                                                          \
        } else                                                                                                         \
            NAME(sums)(fn, lane, x, most, mean, fresh);                                                                \
        for (int64_t i = most; i < n; i++) lane[i - most] = NAME(step)(fn, lane[i - most], x[i], mean);                \
    }                                                                                                                  \
    static target __attribute__((noinline)) void NAME(run)(int fn, A *lane, const T *x, int64_t n, A mean) {           \
        FOR_FN(fn, NAME(run##_one)(id, lane, x, n, mean, false))                                                              \
    }                                                                                                                  \
    static target inline __attribute__((always_inline)) A NAME(whole##_one)(const int fn, const T *x, int64_t n,       \
                                                                            A mean) {                                  \
        const int64_t most = n / LANES * LANES;                                                                        \
        if (fn == LURON__REDUCE_MAX || fn == LURON__REDUCE_MIN) {                                                      \
            T few[LANES];                                                                                              \
            for (int l = 0; l < LANES; l++) few[l] = (T)NAME(start)(fn);                                               \
            NAME(extremes)(fn, few, x, most);                                                                          \
            for (int64_t i = most; i < n; i++) few[i - most] = (T)NAME(step)(fn, few[i - most], x[i], 0);              \
            return NAME(fold_extremes)(fn, few);                                                                       \
        }                                                                                                              \
        A lane[LANES];                                                                                                 \
        NAME(run##_one)(fn, lane, x, n, mean, true);                                                                   \
        NAME(fold)(fn, lane);                                                                                          \
        return lane[0];                                                                                                \
    }                                                                                                                  \
    static target __attribute__((noinline)) A NAME(whole)(int fn, const T *x, int64_t n, A mean) {                     \
        FOR_FN(fn, return NAME(whole##_one)(id, x, n, mean))                                                           \
        return 0;                                                                                                      \
    }                                                                                                                  \
    static target inline __attribute__((always_inline)) void NAME(lines##_one)(                                        \
        const int fn, A(*lane)[COLUMNS], int64_t at, const T *x, int64_t stride, int64_t n, int width, const A *mean, \
        bool fresh) {                                                                                                  \
        enum { MANY = 16, AHEAD = 8 };                                                                                 \
        for (int64_t i = 0; i < n && i < LANES; i++, x += stride) {                                                    \
            A *to = lane[(at + i) % LANES];                                                                            \
            for (int k = 0; k < width && i + AHEAD < n; k += 64 / (int)sizeof(T)) __builtin_prefetch(x + AHEAD * stride + k);\
            int c = 0;                                                                                                 \
            for (; c + MANY <= width; c += MANY) NAME(column)(fn, to + c, x + c, stride, n - i, mean + c, MANY, fresh);\
            for (; c + 4 <= width; c += 4) NAME(column)(fn, to + c, x + c, stride, n - i, mean + c, 4, fresh);         \
            for (; c < width; c++) {                                                                                   \
                if (fresh) to[c] = NAME(start)(fn);                                                                    \
                for (int64_t k = 0; k < n - i; k += LANES)                                                             \
                    to[c] = NAME(step)(fn, to[c], x[k * stride + c], mean[c]);                                         \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static target __attribute__((noinline)) void NAME(lines)(int fn, A(*lane)[COLUMNS], int64_t at, const T *x,        \
                                                             int64_t stride, int64_t n, int width, const A *mean,      \
                                                             bool fresh) {                                             \
        FOR_FN(fn, NAME(lines##_one)(id, lane, at, x, stride, n, width, mean, fresh))                                  \
    }                                                                                                                  \
    static target __attribute__((noinline)) void NAME(lines##_fold)(int fn, A(*lane)[COLUMNS], int used, int width) {  \
        FOR_FN(fn, NAME(fold_lines)(id, lane, used, width))                                                            \
    }
/* clang-format off: a table */
#define FOR_FN(fn, does)                                                                                               \
    switch (fn) {                                                                                                      \
    CASE(LURON__REDUCE_SUM, does) CASE(SQUARES, does) CASE(LURON__REDUCE_PROD, does) CASE(LURON__REDUCE_MAX, does)     \
    CASE(LURON__REDUCE_MIN, does)                                                                                      \
    }
#define CASE(name, does) case name: { enum { id = name }; if (SERVES(id)) { does; } break; }
/* clang-format on */

/* The first `used` of the lanes of each output into lane 0. */
static inline __attribute__((always_inline)) void NAME(fold_lines)(const int fn, A (*lane)[COLUMNS], int used,
                                                                   int width) {
    for (int half = used / 2; half; half /= 2)
        for (int l = 0; l < half; l++)
            for (int c = 0; c < width; c++)
                lane[l][c] = NAME(join)(fn, lane[l][c], lane[l + half][c]);
}

#ifdef BY_AVX2
LANE_FUNCTIONS(__attribute__((cold)), run, whole, lines, extremes, sums, column) /* nearly everywhere there is AVX2 */
EXTREMES(wide_extremes, 32)
#ifndef WIDEN
#define WIDEN __builtin_convertvector
#endif
SUMS(__attribute__((target("avx2"))), wide_sums, wide_column, 4, WIDEN)
LANE_FUNCTIONS(__attribute__((target("avx2"))), wide_run, wide_whole, wide_lines, wide_extremes, wide_sums, wide_column)
#define PICK(name) (luron__has_avx2() ? NAME(wide_##name) : NAME(name))
#else
LANE_FUNCTIONS(, run, whole, lines, extremes, sums, column)
#define PICK(name) NAME(name)
#endif

/* n numbers for one output, from position `at` of a block on. */
static void NAME(line)(int fn, A *lane, int64_t at, const T *x, int64_t stride, int64_t n, A mean) {
    int64_t i = 0;
    FOR_FN(fn, for (; i < n && ((at + i) % LANES || stride != 1); i++)
                   lane[(at + i) % LANES] = NAME(step)(id, lane[(at + i) % LANES], x[i * stride], mean))
    if (i < n) PICK(run)(fn, lane, x + i, n - i, mean);
}

/* n numbers for each of `width` outputs. */
static void NAME(lines_apart)(int fn, A (*lane)[COLUMNS], int64_t at, const T *x, int64_t stride, int64_t n, int width,
                              int64_t step, const A *mean) {
    FOR_FN(fn, for (int64_t i = 0; i < n; i++) for (int c = 0; c < width; c++) lane[(at + i) % LANES][c] =
                   NAME(step)(id, lane[(at + i) % LANES][c], x[i * stride + c * step], mean[c]))
}

/* The block from number `first` on, a multiple of BLOCK, for each output of a tile that begins at x. */
static void NAME(block)(int fn, const luron__reduce_args *r, const void *from, int width, int64_t first,
                        const void *means, void *to) {
    const T *x = from;
    const A *mean = means;
    A *out = to, lane[LANES][COLUMNS], one[LANES];
    int64_t at[LURON_MAX_DIMS], rest = first, step = r->n_kept ? r->kept_stride[r->n_kept - 1] : 0;
    int64_t count = r->n - first < BLOCK ? r->n - first : BLOCK;
    int last = r->n_reduced - 1, used = LANES; /* the lanes that get numbers, or a few more */
    for (int d = last; d >= 0; d--) {
        at[d] = rest % r->reduced[d];
        rest /= r->reduced[d];
        x += at[d] * r->reduced_stride[d];
    }
    while (used / 2 >= count) used /= 2;
    /* One run in order is no sum yet when it begins. */
    const bool fresh = width > 1 && step == 1 && last >= 0 && r->reduced[last] - at[last] >= count;
    for (int l = 0; l < LANES; l++)
        one[l] = NAME(start)(fn);
    for (int l = fresh && count < LANES ? (int)count : fresh ? LANES : 0; l < used && width > 1; l++)
        for (int c = 0; c < width; c++)
            lane[l][c] = one[0];
    for (int64_t done = 0; done < count;) {
        int64_t run = last < 0 ? 1 : r->reduced[last] - at[last], stride = last < 0 ? 0 : r->reduced_stride[last];
        if (run > count - done) run = count - done;
        if (width == 1)
            NAME(line)(fn, one, done, x, stride, run, *mean);
        else if (step == 1)
            PICK(lines)(fn, lane, done, x, stride, run, width, mean, fresh);
        else
            NAME(lines_apart)(fn, lane, done, x, stride, run, width, step, mean);
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
    if (width > 1) {
        PICK(lines_fold)(fn, lane, used, width);
        memcpy(out, lane[0], (size_t)width * sizeof *out);
        return;
    }
    FOR_FN(fn, NAME(fold)(id, one))
    *out = one[0];
}

/* All numbers of a tile into total; from the blocks' results in `work` (blocks, COLUMNS) if they were made before. */
static void NAME(tile_total)(int fn, const luron__reduce_args *r, const T *x, int width, const A *work, const A *mean,
                             A *total) {
    if (luron__reduce_by_rows(r) && (width == 1 || r->n >= SHORT_RUN)) { /* what the rest looks at takes longer than a short sum */
        const int64_t step = r->n_kept ? r->kept_stride[r->n_kept - 1] : 0;
        for (int c = 0; c < width; c++) total[c] = PICK(whole)(fn, x + c * step, r->n, mean[c]);
        return;
    }
    for (int c = 0; c < width; c++)
        total[c] = NAME(start)(fn);
    for (int64_t b = 0; b * BLOCK < r->n; b++) {
        A part[COLUMNS];
        const A *from = work ? work + b * COLUMNS : part;
        if (!work) NAME(block)(fn, r, x, width, b * BLOCK, mean, part);
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
                                 .block = NAME(block)};
        int64_t blocks = (r->n + BLOCK - 1) / BLOCK, grain = GRAIN / (BLOCK * (int64_t)width);
        luron__parallel_for(threads, blocks, grain < 1 ? 1 : grain, luron__reduce_blocks, &job);
    }
    NAME(tile_total)(fn, r, x, width, work, mean, total);
}

static void NAME(tile)(const luron__reduce_args *r, int64_t offset, int64_t output, int width, int threads,
                       void *work) {
    const T *x = (const T *)r->x + offset;
    A total[COLUMNS], mean[COLUMNS];
    memset(mean, 0, (size_t)width * sizeof *mean);
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
        else if (SERVES(SQUARES) && fn == r->fn && fn == SQUARES)
            ((double *)r->y)[output + c] = total[c];
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
#undef EXTREMES
#undef SUMS
#undef WIDEN
#undef LANE_FUNCTIONS
#undef FOR_FN
#undef CASE
#undef PICK
