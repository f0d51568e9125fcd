/* gemm_row.h -- one row times a transposed b, included once per dtype and instruction set behind gemm_kernel.h with its
 * widest VEC. Turning b on the way to the sums costs less than packing what is read once.
 *
 *   TRANSPOSE(from, ld, to, panel)    writes VL rows of VL numbers at `from` as columns at `to`; optional */
#ifndef TRANSPOSE
static inline void NAME(transpose)(const T *from, int64_t ld, T *to, int64_t panel) {
    for (int i = 0; i < VL; i++)
        for (int j = 0; j < VL; j++)
            to[i * panel + j] = from[j * ld + i];
}
#define TRANSPOSE NAME(transpose)
#endif

enum { NAME(turned_vecs) = 4, NAME(turned_width) = NAME(turned_vecs) * VL };
/* A kernel for turned_width rows of b, each a column of what comes out. */
static void NAME(turned)(const NAME(tiles) * t, bool trans_a, int64_t k, const T *a, int64_t lda, const T *b, int64_t ldb,
                         int64_t next, const NAME(store) * s) {
    T turned[NAME(turned_vecs)][VL * VL];
    VEC sum[NAME(turned_vecs)] = {0};
    int64_t i = 0, step = trans_a ? lda : 1;
    (void)next;
    for (; i + VL <= k; i += VL, a += VL * step) {
        for (int v = 0; v < NAME(turned_vecs); v++)
            TRANSPOSE(b + v * VL * ldb + i, ldb, turned[v], VL);
        LURON__UNROLL(16)
        for (int r = 0; r < VL; r++) {
            VEC y = SET1(a + r * step);
            LURON__UNROLL(4)
            for (int v = 0; v < NAME(turned_vecs); v++)
                sum[v] = FMA(y, VNAME(load)(turned[v] + r * VL), sum[v]);
        }
    }
    for (; i < k; i++, a += step) {
        for (int j = 0; j < NAME(turned_width); j++)
            turned[j / VL][j % VL] = b[j * ldb + i];
        for (int v = 0; v < NAME(turned_vecs); v++)
            sum[v] = FMA(SET1(a), VNAME(load)(turned[v]), sum[v]);
    }
    VNAME(finish)(s, t->row, t->col, t->rows, NAME(turned_vecs), sum);
}
