/* gemm_kernel.h -- the innermost loops of the matrix product, included once per vector type by gemm_<isa>.c, with
 *
 *   T, VEC                   element type and vector of it
 *   FMA(a, b, c), SET1(p)    multiply-add on vectors; the number at p in every lane
 *   KEEP(v)                  forbid the compiler to load v again at each use
 *   LOAD_SOME(p, n), STORE_SOME(p, n, v)    the first n < lanes numbers; the others are 0 and untouched; optional
 *   NAME(x), VNAME(x)        x with a suffix of dtype and instruction set, and of the vector type too
 *
 * Vectors lie along N, never along K, so an element is the same chain of multiply-adds wherever it stands in a tile. */
#define VL ((int)(sizeof(VEC) / sizeof(T)))

static inline VEC VNAME(load)(const T *p) {
    VEC v;
    memcpy(&v, p, sizeof v);
    return v;
}

#ifndef LOAD_SOME
static inline VEC VNAME(some)(const T *p, int n) {
    VEC v = {0};
    memcpy(&v, p, (size_t)n * sizeof(T));
    return v;
}
#define LOAD_SOME(p, n) VNAME(some)(p, n)
#define STORE_SOME(p, n, v) memcpy(p, &v, (size_t)(n) * sizeof(T))
#endif

/* The sums of a tile in the general case: what came before, beta c and the bias are added. Not inlined into the kernel
 * of each height, which would be most of the code. */
static LURON__ONCE void VNAME(finish)(const NAME(store) * s, int64_t row, int col, int rows, int vecs,
                                      const VEC *sum) {
    for (int v = 0; v < vecs && v * VL < s->cols; v++) {
        int n = s->cols - v * VL;
        bool bias = s->last && s->bias, more = s->last && s->beta != 0, all = n >= VL;
        int64_t at = col + v * VL;
        T *acc = s->acc + row * s->ldacc + at, *c = s->c + row * s->ldc + at, *to = s->to + row * s->ldto + at;
        VEC b = (VEC){0};
        if (bias) b = all ? VNAME(load)(s->bias + at) : LOAD_SOME(s->bias + at, n);
        for (int r = 0; r < rows; r++, acc += s->ldacc, c += s->ldc, to += s->ldto) {
            VEC y = sum[r * vecs + v];
            if (!s->first) y = (all ? VNAME(load)(acc) : LOAD_SOME(acc, n)) + y;
            if (more) y = y + s->beta * (all ? VNAME(load)(c) : LOAD_SOME(c, n));
            if (bias) y = y + b;
            if (all)
                memcpy(to, &y, sizeof y);
            else
                STORE_SOME(to, n, y);
        }
    }
}

/* rows x (vecs vectors) sums over k; `each` of the vectors are in one panel of b, the next panel is `next` further on.
 * Copies: the panel of b goes to s->copy too. rows, vecs, each, copies and which of the strides of A is 1 are constants
 * where it is inlined. */
static inline __attribute__((always_inline)) void VNAME(tile)(const int rows, const int vecs, const int each, int64_t k,
                                                              const T *a, int64_t row_stride, int64_t k_stride,
                                                              const T *b, int64_t ldb, int64_t next, const bool copies,
                                                              const NAME(store) * s, int64_t row, int col) {
    VEC sum[24], x[8];
    T *copy = s->copy;
    if (s->adds) NAME(fetch_c)(s, row, col, rows);
    LURON__UNROLL(24)
    for (int i = 0; i < rows * vecs; i++)
        sum[i] = (VEC){0};
    for (int64_t i = 0; i < k; i++, a += k_stride, b += ldb) {
        LURON__UNROLL(8)
        for (int v = 0; v < vecs; v++) {
            x[v] = VNAME(load)(b + v / each * next + v % each * VL);
            if (rows > 1) KEEP(x[v]);
            if (copies) memcpy(copy + v * VL, &x[v], sizeof(VEC));
        }
        if (copies) copy += vecs * VL;
        LURON__UNROLL(8)
        for (int r = 0; r < rows; r++) {
            VEC y = SET1(a + r * row_stride);
            KEEP(y);
            LURON__UNROLL(8)
            for (int v = 0; v < vecs; v++)
                sum[r * vecs + v] = FMA(y, x[v], sum[r * vecs + v]);
        }
    }
    const bool adds_here = rows * vecs >= 10 && !copies; /* else it is not worth its code */
    if (s->plain && (adds_here || !s->add)) {
        int64_t ldto = s->ldto; /* which a store could change, for all a compiler knows */
        T *to = s->to + row * ldto + col;
        if (adds_here && s->add) {
            int64_t ldadd = s->ldadd;
            const T *add = s->add + row * ldadd + col;
            LURON__UNROLL(8)
            for (int r = 0; r < rows; r++, add += ldadd)
                LURON__UNROLL(8)
                for (int v = 0; v < vecs; v++)
                    sum[r * vecs + v] = VNAME(load)(add + v * VL) + sum[r * vecs + v];
        }
        LURON__UNROLL(8)
        for (int r = 0; r < rows; r++, to += ldto)
            LURON__UNROLL(8)
            for (int v = 0; v < vecs; v++)
                memcpy(to + v * VL, &sum[r * vecs + v], sizeof(VEC));
        return;
    }
    VEC out[24];
    LURON__UNROLL(24)
    for (int i = 0; i < rows * vecs; i++)
        out[i] = sum[i];
    VNAME(finish)(s, row, col, rows, vecs, out);
}

#define ROWS_IN(r, vecs, each, copies)                                                                                 \
    case r:                                                                                                            \
        if (trans_a)                                                                                                   \
            VNAME(tile)(r, vecs, each, k, a, 1, lda, b, ldb, next, copies, s, row, col);                               \
        else                                                                                                           \
            VNAME(tile)(r, vecs, each, k, a, lda, 1, b, ldb, next, copies, s, row, col);                               \
        break;
#define ROWS_OF(r, vecs, each) ROWS_IN(r, vecs, each, false)
#define ROWS(r, vecs) ROWS_OF(r, vecs, vecs)
#define ROWS_6(v) ROWS(1, v) ROWS(2, v) ROWS(3, v) ROWS(4, v) ROWS(5, v) ROWS(6, v)
#define ROWS_8(v) ROWS_6(v) ROWS(7, v) ROWS(8, v)
#define COPYING_6(v) ROWS_IN(5, v, v, true) ROWS_IN(6, v, v, true)
#define COPYING_8(v) COPYING_6(v) ROWS_IN(7, v, v, true) ROWS_IN(8, v, v, true)
/* A kernel for panels of one width, with the heights listed. */
#define PANEL_KERNEL(name, heights)                                                                                    \
    static void name(const NAME(tiles) * t, bool trans_a, int64_t k, const T *a, int64_t lda, const T *b, int64_t ldb, \
                     int64_t next, const NAME(store) * s) {                                                            \
        int64_t row = t->row, end = t->end, step = t->step;                                                            \
        int col = t->col, rows = t->rows;                                                                              \
        (void)next;                                                                                                    \
        for (; row < end; row += rows, a += step) {                                                                    \
            if (row == t->shorter) rows--, step -= t->each;                                                            \
            if (t->ahead->each) NAME(fetch)(t->ahead);                                                                 \
            switch (rows) { heights }                                                                                  \
        }                                                                                                              \
    }
