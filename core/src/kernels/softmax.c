/* softmax.c -- x (rows, n) -> y (rows, n): exp(x - max) / sum, or (x - max) - log(sum). A row's bits depend on it
 * alone. */
#include "internal.h"

#include <math.h>

enum { LANES = 8, PIECE = 256 };

#define T float
#define DTYPE LURON_F32
#define NAME(x) x##_f32
#include "kernels/softmax_body.h"
#undef T
#undef DTYPE
#undef NAME
#define T double
#define DTYPE LURON_F64
#define NAME(x) x##_f64
#include "kernels/softmax_body.h"

void luron__softmax_rows(int isa, uint32_t dtype, int64_t rows, int64_t n, const void *x, void *y, int log) {
    for (int64_t r = 0; r < rows; r++)
        if (dtype == LURON_F64)
            row_f64(isa, n, (const double *)x + r * n, (double *)y + r * n, log != 0);
        else
            row_f32(isa, n, (const float *)x + r * n, (float *)y + r * n, log != 0);
}
