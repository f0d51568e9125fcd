/* turn.h -- LURON__TURN_F32 and _F64: a square of vectors of 16 bytes, rows for columns; with _X2 of vectors of 32 bytes, each half
 * for itself. */
#ifndef LURON_TURN_H
#define LURON_TURN_H

#define LURON__TURN_F32(p)                                                                                             \
    do {                                                                                                               \
        const __typeof__(*(p)) q0 = __builtin_shufflevector(p[0], p[1], 0, 4, 1, 5),                                   \
                               q1 = __builtin_shufflevector(p[0], p[1], 2, 6, 3, 7),                                   \
                               q2 = __builtin_shufflevector(p[2], p[3], 0, 4, 1, 5),                                   \
                               q3 = __builtin_shufflevector(p[2], p[3], 2, 6, 3, 7);                                   \
        p[0] = __builtin_shufflevector(q0, q2, 0, 1, 4, 5), p[1] = __builtin_shufflevector(q0, q2, 2, 3, 6, 7);        \
        p[2] = __builtin_shufflevector(q1, q3, 0, 1, 4, 5), p[3] = __builtin_shufflevector(q1, q3, 2, 3, 6, 7);        \
    } while (0)
#define LURON__TURN_F64(p)                                                                                             \
    do {                                                                                                               \
        const __typeof__(*(p)) q0 = p[0];                                                                              \
        p[0] = __builtin_shufflevector(q0, p[1], 0, 2), p[1] = __builtin_shufflevector(q0, p[1], 1, 3);                \
    } while (0)

#define LURON__TURN_F32_X2(p)                                                                                          \
    do {                                                                                                               \
        const __typeof__(*(p)) q0 = __builtin_shufflevector(p[0], p[1], 0, 8, 1, 9, 4, 12, 5, 13),                     \
                               q1 = __builtin_shufflevector(p[0], p[1], 2, 10, 3, 11, 6, 14, 7, 15),                   \
                               q2 = __builtin_shufflevector(p[2], p[3], 0, 8, 1, 9, 4, 12, 5, 13),                     \
                               q3 = __builtin_shufflevector(p[2], p[3], 2, 10, 3, 11, 6, 14, 7, 15);                   \
        p[0] = __builtin_shufflevector(q0, q2, 0, 1, 8, 9, 4, 5, 12, 13);                                              \
        p[1] = __builtin_shufflevector(q0, q2, 2, 3, 10, 11, 6, 7, 14, 15);                                            \
        p[2] = __builtin_shufflevector(q1, q3, 0, 1, 8, 9, 4, 5, 12, 13);                                              \
        p[3] = __builtin_shufflevector(q1, q3, 2, 3, 10, 11, 6, 7, 14, 15);                                            \
    } while (0)
#define LURON__TURN_F64_X2(p)                                                                                          \
    do {                                                                                                               \
        const __typeof__(*(p)) q0 = p[0];                                                                              \
        p[0] = __builtin_shufflevector(q0, p[1], 0, 4, 2, 6), p[1] = __builtin_shufflevector(q0, p[1], 1, 5, 3, 7);    \
    } while (0)

#endif
