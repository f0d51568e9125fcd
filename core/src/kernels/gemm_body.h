/* gemm_body.h -- the blocked matrix product around the kernels of gemm_kernel.h: included once per dtype and
 * instruction set, in two parts. With GEMM_STORE defined: the struct that the kernels need. Then, with
 *
 *   PANELS                 {width, rows of a tile at most, kernel}, widths falling
 *   ONE_ROW                the same for a product of one row with several of the widest panels at once
 *   TRANSPOSE(from, ld, to, panel), TN    as in gemm_row.h, and its VL
 *   MOST_WIDTH, LEAST_WIDTH    of the widest and the narrowest panel
 *
 * a (M,K), b (K,N) -> c (M,N). A is read in place; panels of B are packed where they are not used in place. */
#ifdef GEMM_STORE
/* How one panel of columns is stored: bounds, and what stands in the way of a plain store. */
typedef struct NAME(store) {
    T *c, *acc; /* acc: sums of the blocks so far: a scratch tile, or c itself while beta is 0 */
    const T *bias;
    int64_t ldc, ldacc;
    T beta;
    int cols;         /* of the panel */
    bool first, last; /* block of k */
    bool plain;       /* nothing is in the way: whole rows of sums are what c gets */
} NAME(store);

typedef struct NAME(panel) {
    int width, rows;
    void (*kernel)(int rows, bool trans_a, int64_t k, const T *a, int64_t lda, const T *b, int64_t ldb, int64_t next,
                   const NAME(store) * s, int64_t row);
} NAME(panel);
#undef GEMM_STORE
#else

static const NAME(panel) NAME(panels)[] = PANELS, NAME(one_row) = ONE_ROW,
                         NAME(turned_row) = {NAME(turned_width), 1, NAME(turned)};
static const int NAME(widths)[LURON__GEMM_WIDTHS] = WIDTHS;

/* n rows, `ld` apart, of `width` numbers; width is a constant where this is inlined. */
static inline __attribute__((always_inline)) void NAME(copy_rows)(const T *from, int64_t ld, int64_t n, const int width,
                                                                  T *to) {
    for (int64_t i = 0; i < n; i++, from += ld, to += width)
#pragma GCC unroll 8
        for (int c = 0; c < width; c += LEAST_WIDTH) {
            __attribute__((vector_size(LEAST_WIDTH * sizeof(T)))) T v;
            memcpy(&v, from + c, sizeof v);
            memcpy(to + c, &v, sizeof v);
        }
}

/* Rows k .. k + n of the panel of columns j .. j + cols of op(b), as n rows of `width` numbers, filled up with zeros.
 */
static void NAME(pack_panel)(const luron__gemm_args *g, int64_t k, int64_t n, int64_t j, int cols, int width, T *to) {
    const T *b = g->b;
    if (!(g->flags & LURON_TRANS_B)) {
        const T *from = b + k * g->ldb + j;
        if (cols == MOST_WIDTH) {
            NAME(copy_rows)(from, g->ldb, n, MOST_WIDTH, to);
            return;
        }
        for (int64_t i = 0; i < n; i++, from += g->ldb, to += width) {
            for (int c = 0; c < cols; c++)
                to[c] = from[c];
            for (int c = cols; c < width; c++)
                to[c] = 0;
        }
        return;
    }
    const T *from = b + j * g->ldb + k;
    int64_t i = 0, whole = n - n % TN;
    int c = 0;
    for (; c + TN <= cols; c += TN)
        for (i = 0; i < whole; i += TN)
            TRANSPOSE(from + c * g->ldb + i, g->ldb, to + i * width + c, width);
    for (i = 0; i < n; i++) {
        int first = i < whole ? c : 0;
        for (int at = first; at < cols; at++)
            to[i * width + at] = from[at * g->ldb + i];
        for (int at = cols; at < width; at++)
            to[i * width + at] = 0;
    }
}

static void NAME(pack)(const luron__gemm_args *g, void *to) {
    T *at = to;
    for (int64_t j = 0; j < g->n;) {
        int width = NAME(widths)[luron__gemm_width(NAME(widths), g->n - j)];
        NAME(pack_panel)(g, 0, g->k, j, g->n - j < width ? (int)(g->n - j) : width, width, at);
        at += g->k * width;
        j += width;
    }
}

/* Rows m0 .. m1 of the `cols` columns from j on: of one panel, or of several full ones. */
static void NAME(multiply_panel)(const luron__gemm_args *g, int64_t m0, int64_t m1, int64_t j, int cols,
                                 const NAME(panel) * p, bool in_place, T *work) {
    int64_t blocks = g->k > LURON__GEMM_K ? (g->k + LURON__GEMM_K - 1) / LURON__GEMM_K : 1;
    int64_t each = g->k / blocks, longer = g->k % blocks, k = 0;
    bool trans_a = (g->flags & LURON_TRANS_A) != 0, trans_b = (g->flags & LURON_TRANS_B) != 0;
    NAME(store)
    s = {.c = (T *)g->c + m0 * g->ldc + j,
         .bias = g->bias ? (const T *)g->bias + j : NULL,
         .ldc = g->ldc,
         .beta = (T)g->beta,
         .cols = cols};
    s.acc = s.c;
    s.ldacc = s.ldc;
    if (s.beta != 0) {
        s.acc = work + LURON__GEMM_K * LURON__GEMM_PANEL / (int)sizeof(T);
        s.ldacc = p->width;
    }
    int width = p->width < MOST_WIDTH ? p->width : MOST_WIDTH;
    int64_t tiles = (m1 - m0 + p->rows - 1) / p->rows, rows = (m1 - m0) / tiles, one_more = (m1 - m0) % tiles;
    for (int64_t block = 0; block < blocks; block++) {
        int64_t n = each + (block < longer), ldb = width, next = n * width;
        const T *b = work;
        if (g->packed)
            b = (const T *)g->packed + j * g->k + k * width, next = g->k * width; /* panels before j are full */
        else if (in_place)
            b = (const T *)g->b + (trans_b ? j * g->ldb + k : k * g->ldb + j), ldb = g->ldb, next = width;
        else
            for (int c = 0; c < cols; c += width)
                NAME(pack_panel)(g, k, n, j + c, cols - c < width ? cols - c : width, width, work + c * n);
        s.first = block == 0;
        s.last = block == blocks - 1;
        s.plain = s.first && s.last && cols == p->width && s.beta == 0 && !s.bias;
        for (int64_t tile = 0, row = 0; tile < tiles; tile++) {
            int height = (int)(rows + (tile < one_more));
            const T *a = (const T *)g->a + (trans_a ? k * g->lda + m0 + row : (m0 + row) * g->lda + k);
            p->kernel(height, trans_a, n, a, g->lda, b, ldb, next, &s, row);
            row += height;
        }
        k += n;
    }
}

static void NAME(tile)(const luron__gemm_args *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, void *work) {
    bool in_order = !g->packed && !(g->flags & LURON_TRANS_B);
    const NAME(panel) *one_row = g->packed || in_order ? &NAME(one_row) : &NAME(turned_row);
    /* Of short rows far apart, or a power of two apart, a cache holds few. */
    bool small = MOST_WIDTH * sizeof(T) > 128 && g->ldb * (int64_t)sizeof(T) % 1024 != 0 &&
                 g->k * g->ldb * (int64_t)sizeof(T) < LURON__GEMM_IN_PLACE_B;
    for (int64_t j = n0; j < n1;) {
        const NAME(panel) *p = &NAME(panels)[luron__gemm_width(NAME(widths), n1 - j)];
        if (m1 - m0 == 1 && n1 - j >= one_row->width) p = one_row;
        int cols = n1 - j < p->width ? (int)(n1 - j) : p->width;
        bool in_place = in_order && cols == p->width && (small || m1 - m0 <= LURON__GEMM_IN_PLACE_M);
        if (p == &NAME(turned_row)) in_place = true;
        NAME(multiply_panel)(g, m0, m1, j, cols, p, in_place, work);
        j += p->width;
    }
}

#undef PANELS
#undef WIDTHS
#undef ONE_ROW
#undef TRANSPOSE
#undef TN
#undef MOST_WIDTH
#undef LEAST_WIDTH
#endif
