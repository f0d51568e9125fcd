/* conv_weight_kernel.h -- the innermost loops of the weight's gradient, included by conv_kernel.h for one vector type
 * of each dtype. Vectors lie along the output's channels, so a weight is one chain of multiply-adds over the pixels. */
/* rows taps x (vecs vectors) of channels; rows and vecs are constants where it is inlined. */
static inline __attribute__((always_inline)) void VNAME(weights)(const int rows, const int vecs,
                                                                 const luron__conv_weight_job *j, int64_t tap) {
    VEC sum[12], x[2];
    const T *b = j->b;
    T *to = (T *)j->sum + tap * vecs * VL;
    LURON__UNROLL(12)
    for (int i = 0; i < rows * vecs; i++)
        sum[i] = (VEC){0};
    for (int64_t line = 0; line < j->lines; line++) {
        const T *a[9];
        LURON__UNROLL(9)
        for (int r = 0; r < rows; r++)
            a[r] = (const T *)j->a + j->offset[tap + r] + line * j->line_a;
        for (int64_t i = 0; i < j->columns; i++, b += vecs * VL) {
            LURON__UNROLL(2)
            for (int v = 0; v < vecs; v++) {
                x[v] = VNAME(load)(b + v * VL);
                KEEP(x[v]);
            }
            LURON__UNROLL(9)
            for (int r = 0; r < rows; r++) {
                VEC y = SET1(a[r] + i);
                KEEP(y);
                LURON__UNROLL(2)
                for (int v = 0; v < vecs; v++)
                    sum[r * vecs + v] = FMA(y, x[v], sum[r * vecs + v]);
            }
        }
    }
    LURON__UNROLL(12)
    for (int i = 0; i < rows * vecs; i++, to += VL) {
        VEC s = j->first ? sum[i] : (VEC)(VNAME(load)(to) + sum[i]);
        VNAME(store)(to, s);
    }
}

#define WEIGHTS(r, vecs)                                                                                               \
    case r:                                                                                                            \
        VNAME(weights)(r, vecs, j, tap);                                                                               \
        break;
static void VNAME(weight)(const luron__conv_weight_job *j) {
#ifdef PAIRS
    const int most = 6;
#else
    const int most = j->width == VL ? 9 : 6; /* chains enough to hide how long a multiply-add takes */
#endif
    const int64_t tiles = (j->taps + most - 1) / most;
    for (int64_t tile = 0, tap = 0; tile < tiles; tile++) { /* equal ones */
        const int rows = (int)(j->taps / tiles + (tile < j->taps % tiles));
        if (j->ahead) luron__conv_fetch(j->ahead);
#ifndef PAIRS
        if (j->width == VL) switch (rows) {
                WEIGHTS(1, 1)
                WEIGHTS(2, 1) WEIGHTS(3, 1) WEIGHTS(4, 1) WEIGHTS(5, 1) WEIGHTS(6, 1) WEIGHTS(7, 1) WEIGHTS(8, 1)
                    WEIGHTS(9, 1)
            }
        else
#endif
            switch (rows) { WEIGHTS(1, 2) WEIGHTS(2, 2) WEIGHTS(3, 2) WEIGHTS(4, 2) WEIGHTS(5, 2) WEIGHTS(6, 2) }
        tap += rows;
    }
}
#undef WEIGHTS

#ifdef TURN
/* Pieces of as many rows and pixels as 16 bytes have numbers are turned in registers: those of a cache line of each row
 * first, for rows may lie where a cache holds few of them. */
static void VNAME(turn)(const void *rows, int64_t ld, int64_t n, int c, int width, void *turned) {
    typedef __attribute__((vector_size(16))) T piece;
    enum { N = 16 / (int)sizeof(T), LINE = 64 / (int)sizeof(T) };
    const T *from = rows;
    T *to = turned;
    const int whole = c / N * N;
    const int64_t pixels = n / N * N;
    if (c == 1 && width == VL) { /* of a depthwise convolution */
        for (int64_t i = 0; i < n; i++)
            VNAME(store)(to + i * VL, (VEC){from[i]});
        return;
    }
    for (int64_t at = 0; at < pixels; at += LINE) {
        const int64_t end = at + LINE < pixels ? at + LINE : pixels;
        for (int r = 0; r < whole; r += N)
            for (int64_t i = at; i < end; i += N) {
                piece p[N];
                for (int k = 0; k < N; k++)
                    memcpy(&p[k], from + (r + k) * ld + i, sizeof(piece));
                TURN(p);
                for (int k = 0; k < N; k++)
                    memcpy(to + (i + k) * width + r, &p[k], sizeof(piece));
            }
    }
    for (int64_t k = 0; k < n; k++) {
        T *line = to + k * width;
        for (int r = k < pixels ? whole : 0; r < c; r++)
            line[r] = from[r * ld + k];
        for (int r = c; r < width; r++)
            line[r] = 0;
    }
}
#endif
