/* conv_sparse_kernel.h -- gradients of a convolution with few channels from an output's gradient that is mostly 0, as
 * behind max pooling and ReLU: only what is not 0 is walked through. Included by conv_kernel.h for vectors of 8 floats,
 * with
 *
 *   LIST_8(g, at, list)    write the places (from `at` on) of those of 8 numbers that are not 0, tell how many
 *
 * A term of 0 leaves a chain of multiply-adds as it is, so the bits are those of the kernels that add all. */

/* Places of the numbers among n that are not 0, ascending; the list has room for 8 more. */
static int VNAME(list)(const float *g, int n, int32_t *list) {
    int found = 0, i = 0;
    for (; i + 8 <= n; i += 8)
        found += LIST_8(g + i, i, list + found);
    for (; i < n; i++) {
        list[found] = i;
        found += g[i] != 0;
    }
    return found;
}

/* Lines of taps: sums[row] += the chain of g[e] x[place[e] + offset[row] ..]. */
static inline __attribute__((always_inline)) void VNAME(lines)(const int rows, const luron__conv_sparse_job *j,
                                                               int64_t row) {
    VEC sum[10];
    const float *x[10];
    LURON__UNROLL(10)
    for (int r = 0; r < rows; r++) {
        sum[r] = (VEC){0};
        x[r] = j->x + j->offset[row + r];
    }
    for (int i = 0; i < j->n; i++) {
        const int32_t e = j->list[i];
        const int64_t at = j->place[e];
        VEC y = SET1(j->g + e);
        KEEP(y);
        LURON__UNROLL(10)
        for (int r = 0; r < rows; r++)
            sum[r] = FMA(y, VNAME(load)(x[r] + at), sum[r]);
    }
    LURON__UNROLL(10)
    for (int r = 0; r < rows; r++) {
        float *to = j->sums + (row + r) * VL;
        VEC s = j->first ? sum[r] : (VEC)(VNAME(load)(to) + sum[r]);
        VNAME(store)(to, s);
    }
}
#define LINES(n)                                                                                                       \
    for (; row + n <= j->rows; row += n)                                                                               \
    VNAME(lines)(n, j, row)
static void VNAME(sparse_weight)(const luron__conv_sparse_job *j) {
    int64_t row = 0;
    LINES(10);
    LINES(5);
    LINES(3);
    LINES(1);
}
#undef LINES

/* x (pixels, 8 channels): each g goes to all taps; pixels from the last to the first, so that taps ascend for each x.
 * `width` taps lie side by side; a constant where it is inlined. */
static inline __attribute__((always_inline)) void VNAME(taps)(const int width, const luron__conv_sparse_job *j) {
    const int64_t taps = j->rows, *const offset = j->offset;
    for (int i = j->n - 1; i >= 0; i--) {
        const int32_t e = j->list[i];
        float *const to = j->sums + j->place[e];
        const float *w = j->x;
        VEC y = SET1(j->g + e);
        KEEP(y);
        for (int64_t t = 0; t < taps; t += width, w += width * VL) {
            float *x = to + offset[t];
#pragma GCC unroll 5
            for (int k = 0; k < width; k++) {
                VEC s = FMA(y, VNAME(load)(w + k * VL), VNAME(load)(x + k * VL));
                VNAME(store)(x + k * VL, s);
            }
        }
    }
}
static void VNAME(sparse_input)(const luron__conv_sparse_job *j) {
    if (j->width == 5)
        VNAME(taps)(5, j);
    else if (j->width == 3)
        VNAME(taps)(3, j);
    else
        VNAME(taps)(1, j);
}
