/* gemm_row.h -- few rows times a transposed b, included once per dtype and instruction set behind gemm_kernel.h. Turning b on the
 * way to the sums costs less than packing what few rows read.
 *
 *   TURN(x)         as in turn.h
 *   HALVES(p, q)    the 16 bytes at p and those at q, where a vector has 32
 *
 * and gives TRANSPOSE(from, ld, to, panel), which writes VL rows of VL numbers at `from` as columns at `to`. */
#ifndef HALVES
#define HALVES(p, q) VNAME(load)(p)
#endif

enum { NAME(piece) = 16 / (int)sizeof(T) }; /* numbers of a row that are turned at once */

static inline __attribute__((always_inline)) void NAME(columns)(const T *from, int64_t ld, VEC *x) {
    LURON__UNROLL(4)
    for (int r = 0; r < NAME(piece); r++)
        x[r] = HALVES(from + r * ld, from + (r + NAME(piece)) * ld);
    TURN(x);
}

static LURON__ONCE void NAME(transpose)(const T *from, int64_t ld, T *to, int64_t panel) {
    for (int i = 0; i < VL; i += NAME(piece)) {
        VEC x[NAME(piece)];
        NAME(columns)(from + i, ld, x);
        LURON__UNROLL(4)
        for (int c = 0; c < NAME(piece); c++, to += panel)
            memcpy(to, &x[c], sizeof(VEC));
    }
}
#define TRANSPOSE NAME(transpose)

/* Sums over k numbers of `rows` rows of a, lda apart, times groups of VL rows of b, of which every second reads what is `ahead`
 * numbers further on, in a and in b: of each row of a the first group's, then the second's. rows and groups, which give at most
 * four sums, are constants where it is inlined. */
static inline __attribute__((always_inline)) void NAME(chains)(const int rows, const int groups, int64_t k, const T *a, int64_t lda,
                                                               const T *b, int64_t ldb, int64_t ahead, VEC *to) {
    const int step = rows == 1 ? 2 * NAME(piece) : NAME(piece);
    int64_t i = 0;
    VEC sum[4], x[4];
    LURON__UNROLL(4)
    for (int c = 0; c < rows * groups; c++)
        sum[c] = (VEC){0};
    for (; i + step <= k; i += step)
        LURON__UNROLL(8)
        for (int at = 0; at < groups * step; at += NAME(piece)) {
            const int group = at / step, k0 = at % step;
            const int64_t further = group % 2 * ahead + i + k0;
            NAME(columns)(b + group * VL * ldb + further, ldb, x);
            LURON__UNROLL(4)
            for (int c = 0; c < NAME(piece); c++)
                LURON__UNROLL(2)
                for (int r = 0; r < rows; r++)
                    sum[r * groups + group] = FMA(SET1(a + r * lda + further + c), x[c], sum[r * groups + group]);
        }
    LURON__UNROLL(4)
    for (int c = 0; c < rows * groups; c++)
        to[c] = sum[c];
}

static LURON__ONCE void NAME(sums)(int rows, int groups, int64_t k, const T *a, int64_t lda, const T *b, int64_t ldb, int64_t ahead,
                                   VEC *sum) {
    if (groups == 4)
        NAME(chains)(1, 4, k, a, lda, b, ldb, 0, sum);
    else if (rows == 1)
        NAME(chains)(1, 2, k, a, lda, b, ldb, ahead, sum);
    else
        NAME(chains)(2, 2, k, a, lda, b, ldb, ahead, sum);
    LURON__UNROLL(1)
    for (int64_t i = k - k % (rows == 1 ? 2 * NAME(piece) : NAME(piece)); i < k; i++)
        LURON__UNROLL(1)
        for (int c = 0; c < rows * groups; c++) {
            const int64_t further = i + c % groups % 2 * ahead;
            const T *from = b + c % groups * VL * ldb + further;
            VEC x = {0};
            LURON__UNROLL(8)
            for (int j = 0; j < VL; j++)
                x[j] = from[j * ldb];
            sum[c] = FMA(SET1(a + c / groups * lda + further), x, sum[c]);
        }
}

/* A luron__gemm_few_fn: two vectors of columns at once; of one row four, for two chains would wait for their own sums. */
static int64_t NAME(few)(const luron__gemm_args *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
    const NAME(split) blocks = NAME(split_of)(g->k, LURON__GEMM_K);
    /* Of rows so far apart a cache holds few: the groups read two blocks of k at once, each the one and then the other. */
    const bool far = g->ldb * (int64_t)sizeof(T) % LURON__GEMM_FAR == 0 && blocks.longer == 0;
    NAME(store) s = {.ldc = g->ldc, .ldacc = g->ldc, .ldto = g->ldc, .beta = (T)g->beta, .first = true, .last = true};
    const bool holds = g->ldb * (int64_t)sizeof(T) % 2048 != 0; /* does a cache hold a piece of each row of four vectors? */
    for (int groups; n1 - n0 >= 2 * VL; n0 += groups * VL) {
        groups = m1 - m0 == 1 && holds && n1 - n0 >= 4 * VL ? 4 : 2;
        for (int64_t row = m0; row < m1; row += 2) {
            const int rows = m1 - row > 1 ? 2 : 1;
            const T *a = (const T *)g->a + row * g->lda, *b = (const T *)g->b + n0 * g->ldb;
            VEC sum[4], turn[2][4];
            for (int64_t block = 0, turns; block < blocks.n; block += turns) {
                const int64_t k = blocks.each + (block < blocks.longer);
                turns = far && block + 1 < blocks.n ? 2 : 1;
                LURON__UNROLL(1)
                for (int64_t t = 0, ahead = turns == 1 ? 0 : k; t < turns; t++, ahead = -ahead, a += k, b += k)
                    NAME(sums)(rows, groups, k, a, g->lda, b, g->ldb, ahead, turn[t]);
                LURON__UNROLL(1)
                for (int i = 0; i < rows * groups * turns; i++) {
                    const int t = i / (rows * groups), c = i % (rows * groups);
                    const VEC x = turn[turns == 1 ? 0 : t ^ c % 2][c];
                    if (block + t == 0) sum[c] = x;
                    else sum[c] = sum[c] + x;
                }
            }
            s.c = s.acc = s.to = (T *)g->c + row * g->ldc + n0, s.cols = groups * VL;
            if (g->bias) s.bias = (const T *)g->bias + n0;
            VNAME(finish)(&s, 0, 0, rows, groups, sum);
        }
    }
    return n0;
}

enum { NAME(line_vecs) = 4096 / (int)sizeof(VEC), NAME(line_rows) = 8 }; /* of a page, which a processor reads ahead in */

/* sum[v] += rows of b, ldb apart, times numbers of a, a_step apart; rows is a constant where it is inlined. */
static inline __attribute__((always_inline)) void NAME(line_add)(const int rows, const T *a, int64_t a_step, const T *b, int64_t ldb,
                                                                 int64_t vecs, VEC *sum) {
    VEC y[NAME(line_rows)];
    LURON__UNROLL(8)
    for (int r = 0; r < rows; r++)
        y[r] = SET1(a + r * a_step);
    for (int64_t v = 0; v < vecs; v++, b += VL) {
        VEC s = sum[v];
        LURON__UNROLL(8)
        for (int r = 0; r < rows; r++)
            s = FMA(y[r], VNAME(load)(b + r * ldb), s);
        sum[v] = s;
    }
}

/* A luron__gemm_line_fn. */
static void NAME(line)(const luron__gemm_args *g, int64_t n0, int64_t n1) {
    const NAME(split) blocks = NAME(split_of)(g->k, LURON__GEMM_K);
    const int64_t a_step = g->flags & LURON_TRANS_A ? g->lda : 1;
    NAME(store) s = {.ldc = g->ldc, .ldacc = g->ldc, .ldto = g->ldc, .beta = (T)g->beta, .first = true, .last = true};
    for (int64_t most = NAME(line_vecs) * VL, cols; n0 < n1; n0 += cols) {
        VEC sum[NAME(line_vecs)], all[NAME(line_vecs)];
        cols = n1 - n0 < most ? n1 - n0 : most;
        const int64_t vecs = cols / VL, some = cols % VL;
        const T *a = g->a, *b = (const T *)g->b + n0;
        for (int64_t block = 0; block < blocks.n; block++) {
            const int64_t k = blocks.each + (block < blocks.longer);
            VEC *to = block == 0 ? all : sum, last = {0};
            int64_t i = 0;
            memset(to, 0, (size_t)vecs * sizeof(VEC));
            for (; i + NAME(line_rows) <= k; i += NAME(line_rows))
                NAME(line_add)(NAME(line_rows), a + i * a_step, a_step, b + i * g->ldb, g->ldb, vecs, to);
            for (; i < k; i++)
                NAME(line_add)(1, a + i * a_step, a_step, b + i * g->ldb, g->ldb, vecs, to);
            if (some) {
                for (i = 0; i < k; i++)
                    last = FMA(SET1(a + i * a_step), LOAD_SOME(b + i * g->ldb + vecs * VL, (int)some), last);
                to[vecs] = last;
            }
            for (int64_t v = 0; v < vecs + (some > 0) && block > 0; v++)
                all[v] = all[v] + sum[v];
            a += k * a_step, b += k * g->ldb;
        }
        s.c = s.acc = s.to = (T *)g->c + n0, s.cols = (int)cols;
        if (g->bias) s.bias = (const T *)g->bias + n0;
        VNAME(finish)(&s, 0, 0, 1, (int)(vecs + (some > 0)), all);
    }
}
#undef HALVES
#undef TURN
