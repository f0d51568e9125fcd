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

/* Sums over k numbers of `rows` rows of a, lda apart, times two groups of VL rows of b, of which the second reads what is `ahead`
 * numbers further on, in a and in b: of each row of a the first group's, then the second's. rows is a constant where it is
 * inlined. */
static inline __attribute__((always_inline)) void NAME(chains)(const int rows, int64_t k, const T *a, int64_t lda, const T *b,
                                                               int64_t ldb, int64_t ahead, VEC *to) {
    const int step = rows == 1 ? 2 * NAME(piece) : NAME(piece);
    const int64_t next = VL * ldb + ahead;
    int64_t i = 0;
    VEC sum[4], x[4];
    LURON__UNROLL(4)
    for (int c = 0; c < rows * 2; c++)
        sum[c] = (VEC){0};
    for (; i + step <= k; i += step)
        LURON__UNROLL(8)
        for (int at = 0; at < 2 * step; at += NAME(piece)) {
            const int group = at / step, k0 = at % step;
            NAME(columns)(b + group * next + i + k0, ldb, x);
            LURON__UNROLL(4)
            for (int c = 0; c < NAME(piece); c++)
                LURON__UNROLL(2)
                for (int r = 0; r < rows; r++)
                    sum[r * 2 + group] = FMA(SET1(a + group * ahead + r * lda + i + k0 + c), x[c], sum[r * 2 + group]);
        }
    LURON__UNROLL(4)
    for (int c = 0; c < rows * 2; c++)
        to[c] = sum[c];
}

static LURON__ONCE void NAME(sums)(int rows, int64_t k, const T *a, int64_t lda, const T *b, int64_t ldb, int64_t ahead, VEC *sum) {
    if (rows == 1)
        NAME(chains)(1, k, a, lda, b, ldb, ahead, sum);
    else
        NAME(chains)(2, k, a, lda, b, ldb, ahead, sum);
    const int64_t next = VL * ldb + ahead;
    LURON__UNROLL(1)
    for (int64_t i = k - k % (rows == 1 ? 2 * NAME(piece) : NAME(piece)); i < k; i++)
        LURON__UNROLL(1)
        for (int c = 0; c < rows * 2; c++) {
            const T *from = b + i + c % 2 * next;
            VEC x = {0};
            LURON__UNROLL(8)
            for (int j = 0; j < VL; j++)
                x[j] = from[j * ldb];
            sum[c] = FMA(SET1(a + i + c / 2 * lda + c % 2 * ahead), x, sum[c]);
        }
}

/* A luron__gemm_few_fn: two vectors of columns at once. */
static int64_t NAME(few)(const luron__gemm_args *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1) {
    const NAME(split) blocks = NAME(split_of)(g->k, LURON__GEMM_K);
    /* Of rows so far apart a cache holds few: the groups read two blocks of k at once, each the one and then the other. */
    const bool far = g->ldb * (int64_t)sizeof(T) % LURON__GEMM_FAR == 0 && blocks.longer == 0;
    NAME(store) s = {.ldc = g->ldc, .ldto = g->ldc, .beta = (T)g->beta, .cols = 2 * VL, .first = true, .last = true};
    for (; n1 - n0 >= 2 * VL; n0 += 2 * VL)
        for (int64_t row = m0; row < m1; row += 2) {
            const int rows = m1 - row > 1 ? 2 : 1;
            const T *a = (const T *)g->a + row * g->lda, *b = (const T *)g->b + n0 * g->ldb;
            VEC sum[4], turn[2][4];
            for (int64_t block = 0, turns; block < blocks.n; block += turns) {
                const int64_t k = blocks.each + (block < blocks.longer);
                turns = far && block + 1 < blocks.n ? 2 : 1;
                LURON__UNROLL(1)
                for (int64_t t = 0, ahead = turns == 1 ? 0 : k; t < turns; t++, ahead = -ahead, a += k, b += k)
                    NAME(sums)(rows, k, a, g->lda, b, g->ldb, ahead, turn[t]);
                LURON__UNROLL(1)
                for (int i = 0; i < rows * 2 * turns; i++) {
                    const int t = i / (rows * 2), c = i % (rows * 2);
                    const VEC x = turn[turns == 1 ? 0 : t ^ c % 2][c];
                    if (block + t == 0) sum[c] = x;
                    else sum[c] = sum[c] + x;
                }
            }
            s.c = s.to = (T *)g->c + row * g->ldc + n0;
            if (g->bias) s.bias = (const T *)g->bias + n0;
            VNAME(finish)(&s, 0, 0, rows, 2, sum);
        }
    return n0;
}
#undef HALVES
#undef TURN
