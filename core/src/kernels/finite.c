/* finite.c -- are all numbers finite? A number is not when every bit of its exponent is set; adding a one at the lowest
 * of these then carries into the sign bit, which is all that the loops collect. */
#include "kernels/kernels.h"
#include "luron/luron.h"

#include <string.h>

/* Does any element, masked, reach the sign bit when to_sign is added? Compiled for vectors of 32 bytes too. */
#define SCAN_LOOP static inline __attribute__((always_inline)) int
#define SCAN(name, word, bytes)                                                                                        \
    SCAN_LOOP name##_loop(int64_t n, const char *x, int64_t step, word mask, word to_sign) {                           \
        const word sign = (word)((word)1 << (8 * bytes - 1));                                                          \
        word acc = 0, bits;                                                                                            \
        if (step == 1)                                                                                                 \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                memcpy(&bits, x + bytes * i, bytes);                                                                   \
                acc = (word)(acc | (word)((bits & mask) + to_sign));                                                   \
            }                                                                                                          \
        else                                                                                                           \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                memcpy(&bits, x + bytes * step * i, bytes);                                                            \
                acc = (word)(acc | (word)((bits & mask) + to_sign));                                                   \
            }                                                                                                          \
        return (acc & sign) != 0;                                                                                      \
    }                                                                                                                  \
    SCAN_AS(name, name, word, )                                                                                        \
    SCAN_AS(name##_wide, name, word, WIDE)
#define SCAN_AS(name, loop, word, how)                                                                                 \
    how static int name(int64_t n, const char *x, int64_t step, word mask, word to_sign) {                             \
        return loop##_loop(n, x, step, mask, to_sign);                                                                 \
    }
#if defined(__x86_64__)
#define WIDE __attribute__((target("avx2")))
#define HAS_WIDE luron__has_avx2()
#else
#define WIDE
#define HAS_WIDE 0
#endif
SCAN(scan_16, uint16_t, 2)
SCAN(scan_32, uint32_t, 4)
SCAN(scan_64, uint64_t, 8)
#undef SCAN
#define RUN_SCAN(name, n, x, step, mask, to_sign) (HAS_WIDE ? name##_wide : name)(n, x, step, mask, to_sign)

int luron__any_nonfinite(uint32_t dtype, int64_t n, const void *x, int64_t step) {
    switch (dtype) {
    case LURON_F32:
        return RUN_SCAN(scan_32, n, x, step, 0x7f800000u, 0x00800000u);
    case LURON_F64:
        return RUN_SCAN(scan_64, n, x, step, 0x7ff0000000000000u, 0x0010000000000000u);
    case LURON_F16:
        return RUN_SCAN(scan_16, n, x, step, 0x7c00u, 0x0400u);
    case LURON_BF16:
        return RUN_SCAN(scan_16, n, x, step, 0x7f80u, 0x0080u);
    default:
        return 0;
    }
}

int luron__any_nan(uint32_t dtype, int64_t n, const void *x, int64_t step) {
    switch (dtype) {
    case LURON_F32:
        return RUN_SCAN(scan_32, n, x, step, 0x7fffffffu, 0x007fffffu);
    case LURON_F64:
        return RUN_SCAN(scan_64, n, x, step, 0x7fffffffffffffffu, 0x000fffffffffffffu);
    case LURON_F16:
        return RUN_SCAN(scan_16, n, x, step, 0x7fffu, 0x03ffu);
    case LURON_BF16:
        return RUN_SCAN(scan_16, n, x, step, 0x7fffu, 0x007fu);
    default:
        return 0;
    }
}
