/* transpose.c -- copying a matrix whose columns lie in order to where its rows do. */
#include "kernels/kernels.h"
#include "kernels/tasks.h"

/* So many rows and columns at a time: a column of the tile is about what a cache line holds, and rows a power of two apart share
 * few places of a cache. */
enum { ROWS = 16, COLUMNS = 8 };

#define TRANSPOSE(bits)                                                                                                \
    static void transpose_##bits(int64_t rows, int64_t columns, const void *from, int64_t from_stride, void *to,      \
                                 int64_t to_stride) {                                                                  \
        const uint##bits##_t *restrict p = from;                                                                       \
        uint##bits##_t *restrict q = to;                                                                               \
        int64_t i = 0, j = 0;                                                                                          \
        for (i = 0; i + ROWS <= rows; i += ROWS) {                                                                     \
            for (j = 0; j + COLUMNS <= columns; j += COLUMNS)                                                          \
                for (int r = 0; r < ROWS; r++)                                                                         \
                    for (int c = 0; c < COLUMNS; c++)                                                                  \
                        q[(i + r) * to_stride + j + c] = p[(j + c) * from_stride + i + r];                             \
            for (; j < columns; j++)                                                                                   \
                for (int r = 0; r < ROWS; r++)                                                                         \
                    q[(i + r) * to_stride + j] = p[j * from_stride + i + r];                                           \
        }                                                                                                              \
        for (; i < rows; i++)                                                                                          \
            for (j = 0; j < columns; j++)                                                                              \
                q[i * to_stride + j] = p[j * from_stride + i];                                                         \
    }
TRANSPOSE(8)
TRANSPOSE(16)
TRANSPOSE(32)
TRANSPOSE(64)

void luron__transpose(int size, int64_t rows, int64_t columns, const void *from, int64_t from_stride, void *to,
                      int64_t to_stride) {
    switch (size) {
    case 1:
        transpose_8(rows, columns, from, from_stride, to, to_stride);
        break;
    case 2:
        transpose_16(rows, columns, from, from_stride, to, to_stride);
        break;
    case 4:
        transpose_32(rows, columns, from, from_stride, to, to_stride);
        break;
    default:
        transpose_64(rows, columns, from, from_stride, to, to_stride);
        break;
    }
}
