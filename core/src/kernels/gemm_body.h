/* gemm_body.h -- the blocked matrix product, included once per dtype by gemm_plain.c and gemm_avx2.c, which define
 *
 *   T, VEC    element type and a gcc vector of it; a tile has VEC_ROWS rows and NR = 2 vectors of columns
 *   FMA       FMA(a, b, c): the multiply-add of this instruction set, on vectors
 *   NAME      NAME(x): x with a suffix of dtype and instruction set
 *   TRANSPOSE optional: TRANSPOSE(src, ld, dst) writes VL rows of VL numbers at src as columns of a panel at dst
 *
 * a (M,K), b (K,N) -> c (M,N). Vectors lie along N, never along K, so an element is the same chain of multiply-adds
 * wherever it stands in a tile. A is read in place; panels of B are packed where they are not used in place. */
#define VL ((int)(sizeof(VEC) / sizeof(T)))
#define NR (2 * VL)

/* How one panel of columns is stored: bounds, and what stands in the way of a plain store. */
typedef struct NAME(store) {
    T *c, *acc; /* acc: sums of the blocks so far: a scratch tile, or c itself while beta is 0 */
    const T *bias;
    int64_t ldc, ldacc;
    T beta;
    int cols;         /* of the panel, <= NR */
    bool first, last; /* block of k */
    bool plain;       /* nothing is in the way: whole rows of sums are what c gets */
} NAME(store);

static inline VEC NAME(load)(const T *p) {
    VEC v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline VEC NAME(load_some)(const T *p, int n) {
    T part[NR / 2] = {0};
    if (n > 0) memcpy(part, p, (size_t)(n < VL ? n : VL) * sizeof(T));
    return NAME(load)(part);
}

/* Add what came before, beta c and the bias to half a row of sums, and write `cols` numbers of it. */
static inline void NAME(store_half)(const NAME(store) *s, int64_t row, int half, VEC v) {
    int at = half * VL, cols = s->cols - at;
    bool full = cols >= VL;
    if (cols <= 0) return;
    T *acc = s->acc + row * s->ldacc + at, *c = s->c + row * s->ldc + at, *to = s->last ? c : acc;
    if (!s->first) v = (full ? NAME(load)(acc) : NAME(load_some)(acc, cols)) + v;
    if (s->last) {
        if (s->beta != 0) v = v + s->beta * (full ? NAME(load)(c) : NAME(load_some)(c, cols));
        if (s->bias) v = v + (full ? NAME(load)(s->bias + at) : NAME(load_some)(s->bias + at, cols));
    }
    memcpy(to, &v, full ? sizeof v : (size_t)cols * sizeof(T));
}

/* The sums of a tile in the general case. Not inlined into the kernel of each height, which would be most of the code.
 */
static __attribute__((noinline)) void NAME(store_tile)(const NAME(store) *s, int64_t row, int rows,
                                                       const VEC (*sum)[2]) {
    for (int r = 0; r < rows; r++) {
        NAME(store_half)(s, row + r, 0, sum[r][0]);
        NAME(store_half)(s, row + r, 1, sum[r][1]);
    }
}

/* `rows` x NR sums over k; rows, and which of the strides of A is 1, are constants where this is inlined. */
static inline __attribute__((always_inline)) void NAME(tile)(const int rows, int64_t k, const T *a, int64_t row_stride,
                                                             int64_t k_stride, const T *b, int64_t ldb,
                                                             const NAME(store) *s, int64_t row) {
    VEC sum[VEC_ROWS][2];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = (VEC){0};
    for (int64_t i = 0; i < k; i++, a += k_stride, b += ldb) {
        VEC b0 = NAME(load)(b), b1 = NAME(load)(b + VL);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            VEC x = a[r * row_stride] - (VEC){0}; /* in every lane, -0 too */
            sum[r][0] = FMA(x, b0, sum[r][0]);
            sum[r][1] = FMA(x, b1, sum[r][1]);
        }
    }
    if (s->plain) {
        T *c = s->c + row * s->ldc;
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++, c += s->ldc) {
            memcpy(c, &sum[r][0], sizeof(VEC));
            memcpy(c + VL, &sum[r][1], sizeof(VEC));
        }
        return;
    }
    VEC out[VEC_ROWS][2];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
        out[r][0] = sum[r][0];
        out[r][1] = sum[r][1];
    }
    NAME(store_tile)(s, row, rows, (const VEC(*)[2])out);
}

#define ROWS(r)                                                                                                        \
    case r:                                                                                                            \
        if (trans_a)                                                                                                   \
            NAME(tile)(r, k, a, 1, lda, b, ldb, s, row);                                                               \
        else                                                                                                           \
            NAME(tile)(r, k, a, lda, 1, b, ldb, s, row);                                                               \
        break;
static void NAME(rows)(int rows, bool trans_a, int64_t k, const T *a, int64_t lda, const T *b, int64_t ldb,
                       const NAME(store) *s, int64_t row) {
    switch (rows) {
        ROWS(1)
        ROWS(2)
        ROWS(3)
        ROWS(4)
        ROWS(5)
        ROWS(6)
    }
}
#undef ROWS

/* Rows k .. k + n of the panel of columns j .. j + cols of op(b), as n rows of NR numbers, filled up with zeros. */
static void NAME(pack)(const luron__gemm_args *g, int64_t k, int64_t n, int64_t j, int cols, T *to) {
    const T *b = g->b;
    if (!(g->flags & LURON_TRANS_B)) {
        const T *from = b + k * g->ldb + j;
        for (int64_t i = 0; i < n; i++, from += g->ldb, to += NR) {
            VEC v0 = cols == NR ? NAME(load)(from) : NAME(load_some)(from, cols), v1;
            v1 = cols == NR ? NAME(load)(from + VL) : NAME(load_some)(from + VL, cols - VL);
            memcpy(to, &v0, sizeof v0);
            memcpy(to + VL, &v1, sizeof v1);
        }
        return;
    }
    const T *from = b + j * g->ldb + k;
    int64_t i = 0;
#ifdef TRANSPOSE
    if (cols == NR)
        for (; i + VL <= n; i += VL) {
            TRANSPOSE(from + i, g->ldb, to + i * NR);
            TRANSPOSE(from + i + VL * g->ldb, g->ldb, to + i * NR + VL);
        }
#endif
    for (; i < n; i++) {
        for (int c = 0; c < cols; c++)
            to[i * NR + c] = from[c * g->ldb + i];
        for (int c = cols; c < NR; c++)
            to[i * NR + c] = 0;
    }
}

/* Rows m0 .. m1 of the panel of columns from j on. */
static void NAME(panel)(const luron__gemm_args *g, int64_t m0, int64_t m1, int64_t j, T *work) {
    int64_t blocks = g->k > LURON__GEMM_K ? (g->k + LURON__GEMM_K - 1) / LURON__GEMM_K : 1;
    int64_t each = g->k / blocks, longer = g->k % blocks, k = 0;
    bool trans_a = (g->flags & LURON_TRANS_A) != 0;
    int cols = g->n - j < NR ? (int)(g->n - j) : NR;
    bool in_place = cols == NR && !(g->flags & LURON_TRANS_B) && m1 - m0 <= LURON__GEMM_IN_PLACE;
    NAME(store)
    s = {.c = (T *)g->c + m0 * g->ldc + j,
         .bias = g->bias ? (const T *)g->bias + j : NULL,
         .ldc = g->ldc,
         .beta = (T)g->beta,
         .cols = cols};
    s.acc = s.c;
    s.ldacc = s.ldc;
    if (s.beta != 0) {
        s.acc = work + LURON__GEMM_K * NR;
        s.ldacc = NR;
    }
    int64_t tiles = (m1 - m0 + VEC_ROWS - 1) / VEC_ROWS, rows = (m1 - m0) / tiles, one_more = (m1 - m0) % tiles;
    for (int64_t block = 0; block < blocks; block++) {
        int64_t n = each + (block < longer);
        const T *b = in_place ? (const T *)g->b + k * g->ldb + j : work;
        if (!in_place) NAME(pack)(g, k, n, j, cols, work);
        s.first = block == 0;
        s.last = block == blocks - 1;
        s.plain = s.first && s.last && cols == NR && s.beta == 0 && !s.bias;
        for (int64_t tile = 0, row = 0; tile < tiles; tile++) {
            int height = (int)(rows + (tile < one_more));
            const T *a = (const T *)g->a + (trans_a ? k * g->lda + m0 + row : (m0 + row) * g->lda + k);
            NAME(rows)(height, trans_a, n, a, g->lda, b, in_place ? g->ldb : NR, &s, row);
            row += height;
        }
        k += n;
    }
}

void NAME(luron__gemm_tile)(const luron__gemm_args *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, void *work) {
    for (int64_t j = n0; j < n1; j += NR)
        NAME(panel)(g, m0, m1, j, work);
}

#undef VL
#undef NR
