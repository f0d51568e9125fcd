/* elementwise_fns.c -- what element-wise ops do to a run: see elementwise.h. */
#include "kernels/elementwise.h"
#include "kernels/kernels.h"
#include "kernels/vecmath.h"

#include <math.h>
#include <string.h>

/* ---- one element, where an expression is too little ---------------------------------------------------------------
 * floor_divide and remainder follow Lua: // rounds down, % has the sign of the divisor. */
#define REAL_ONE(T, S, suffix)                                                                                         \
    static inline T root_##S(T a) { return a == -(T)INFINITY ? (T)INFINITY : sqrt##suffix(a) + 0; }  /* as pow has it */ \
    static inline T pow_one_##S(T a, T b, int *found) {                                                                \
        (void)found;                                                                                                   \
        if (b == 2) return a * a;                                                                                      \
        if (b == 3) return a * a * a;                                                                                  \
        if (b == (T)0.5) return root_##S(a);                                                                           \
        return b == (T)-0.5 ? 1 / root_##S(a) : b == -1 ? 1 / a : pow##suffix(a, b);                                   \
    }                                                                                                                  \
    static inline T floor_divide_one_##S(T a, T b, int *found) {                                                       \
        (void)found;                                                                                                   \
        return floor##suffix(a / b);                                                                                   \
    }                                                                                                                  \
    static inline T remainder_one_##S(T a, T b, int *found) {                                                          \
        (void)found;                                                                                                   \
        T m = fmod##suffix(a, b);                                                                                      \
        return m != 0 && (m < 0) != (b < 0) ? m + b : m;                                                               \
    }                                                                                                                  \
    static inline T atan2_one_##S(T a, T b, int *found) {                                                              \
        (void)found;                                                                                                   \
        return atan2##suffix(a, b);                                                                                    \
    }
REAL_ONE(float, f32, f)
REAL_ONE(double, f64, )

/* Integers wrap around, which C leaves undefined for signed ones. */
#define WRAP(T, u, op, v) ((T)((uint64_t)(u)op(uint64_t)(v)))

static inline int64_t pow_one_i64(int64_t a, int64_t b, int *found) {
    uint64_t result = 1, square = (uint64_t)a;
    if (b < 0) *found |= LURON__EW_NEGATIVE_POWER;
    for (; b > 0; b >>= 1, square *= square)
        if (b & 1) result *= square;
    return (int64_t)result;
}

static inline int64_t floor_divide_one_i64(int64_t a, int64_t b, int *found) {
    if (b == 0) *found |= LURON__EW_DIVISION_BY_ZERO;
    if (b == 0 || b == -1) return WRAP(int64_t, 0, -, a);
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static inline int64_t remainder_one_i64(int64_t a, int64_t b, int *found) {
    if (b == 0) *found |= LURON__EW_DIVISION_BY_ZERO;
    if (b == 0 || b == -1) return 0;
    int64_t m = a % b;
    return m != 0 && (m < 0) != (b < 0) ? m + b : m;
}

#define T float
#define BITS uint32_t
#define DTYPE LURON_F32
#define NAME(f) f##_f32
#include "kernels/elementwise_body.h"
#undef T
#undef DTYPE
#undef NAME
#undef BITS
#define T double
#define BITS uint64_t
#define DTYPE LURON_F64
#define NAME(f) f##_f64
#include "kernels/elementwise_body.h"
#undef T
#undef DTYPE
#undef NAME
#define T int64_t
#define DTYPE LURON_I64
#define NAME(f) f##_i64
#define WHOLE
#include "kernels/elementwise_body.h"
#undef T
#undef NAME
#define T int32_t
#define NAME(f) f##_i32
#define NARROW
#define NO_COMPARISON
#include "kernels/elementwise_body.h"
#undef NO_COMPARISON
#undef T
#undef NAME
#define T uint8_t
#define NAME(f) f##_u8
#include "kernels/elementwise_body.h"

/* ---- logic: runs of bool --------------------------------------------------------------------------------------- */
#define LOGICAL(name, op)                                                                                              \
    static int name(int64_t n, const uint8_t *a, int sa, const uint8_t *b, int sb, uint8_t *restrict y) {              \
        if (sa && sb) {                                                                                                \
            for (int64_t i = 0; i < n; i++)                                                                            \
                y[i] = a[i] op b[i];                                                                                   \
            return 0;                                                                                                  \
        }                                                                                                              \
        const uint8_t *x = sa ? a : b, one = sa ? *b : *a;                                                             \
        for (int64_t i = 0; i < n; i++)                                                                                \
            y[i] = x[i] op one;                                                                                        \
        return 0;                                                                                                      \
    }
LOGICAL(logical_and, &)
LOGICAL(logical_or, |)
LOGICAL(logical_xor, ^)
static int logical(int32_t id, int64_t n, const uint8_t *a, int sa, const uint8_t *b, int sb, uint8_t *y) {
    switch (id) {
    case LURON__BINARY_logical_and:
        return logical_and(n, a, sa, b, sb, y);
    case LURON__BINARY_logical_or:
        return logical_or(n, a, sa, b, sb, y);
    default:
        return logical_xor(n, a, sa, b, sb, y);
    }
}

/* ---- choice of the function ------------------------------------------------------------------------------------ */
/* Element 0, computed, written to the others of a run of one value. */
static void spread(int64_t n, void *out, uint32_t dtype) {
    luron__convert(dtype, (char *)out + luron_dtype_size(dtype), 1, dtype, out, 0, n - 1);
}

/* Has the instruction set a quicker loop? */
static bool by_pairs(const luron__ew *e, int32_t id, int64_t n, const void *a, int sa, const void *b, int sb, void *out) {
    const luron__pairs *pairs = id == LURON__BINARY_remainder || id == LURON__BINARY_atan2 ? luron__pairs_of(e->isa) : NULL;
    const uint32_t run = e->in[0].run;
    if (!pairs) return false;
    if (run == LURON_F32)
        (id == LURON__BINARY_atan2 ? pairs->atan2_f32 : pairs->remainder_f32)(n, a, sa, b, sb, out);
    else if (run == LURON_F64 && id == LURON__BINARY_remainder)
        pairs->remainder_f64(n, a, sa, b, sb, out);
    else
        return false;
    return true;
}

int luron__ew_binary(const luron__ew *e, int64_t n, const void *const *in, const int *step, void *out) {
    int32_t id = e->id, first = 0, found;
    if (id == LURON__BINARY_gt)
        id = LURON__BINARY_lt, first = 1;
    else if (id == LURON__BINARY_ge)
        id = LURON__BINARY_le, first = 1;
    const void *a = in[first], *b = in[!first];
    int sa = step[first], sb = step[!first], one = !sa && !sb;
    int64_t count = one ? 1 : n;
    if (one) sa = sb = 1;
    if (by_pairs(e, id, count, a, sa, b, sb, out)) {
        if (one) spread(n, out, e->out.run);
        return 0;
    }
    switch (e->in[0].run) {
    case LURON_F32:
        found = binary_f32[id](count, a, sa, b, sb, out);
        break;
    case LURON_F64:
        found = binary_f64[id](count, a, sa, b, sb, out);
        break;
    case LURON_I64:
        found = binary_i64[id](count, a, sa, b, sb, out);
        break;
    case LURON_I32:
        found = binary_i32[id](count, a, sa, b, sb, out);
        break;
    case LURON_U8:
        found = binary_u8[id](count, a, sa, b, sb, out);
        break;
    default:
        found = logical(id, count, a, sa, b, sb, out);
        break;
    }
    if (one) spread(n, out, e->out.run);
    return found;
}

int luron__ew_unary(const luron__ew *e, int64_t n, const void *const *in, const int *step, void *out) {
    luron__map(e->isa, (uint32_t)e->id, e->in[0].run, step[0] ? n : 1, in[0], out);
    if (!step[0]) spread(n, out, e->out.run);
    return 0;
}

int luron__ew_where(const luron__ew *e, int64_t n, const void *const *in, const int *step, void *out) {
    switch (e->in[1].run) {
    case LURON_F32:
        return where_f32(n, in[0], step[0], in[1], step[1], in[2], step[2], out);
    case LURON_F64:
        return where_f64(n, in[0], step[0], in[1], step[1], in[2], step[2], out);
    default:
        return where_i64(n, in[0], step[0], in[1], step[1], in[2], step[2], out);
    }
}

static int number_of_run(const luron__ew *e, int64_t n, const void *in, void *out) {
#define NUMBER(S)                                                                                                      \
    switch (e->id) {                                                                                                   \
    case LURON__NUMBER_SCALE:                                                                                          \
        return scale_##S(n, in, e->num, out);                                                                          \
    case LURON__NUMBER_CLAMP:                                                                                          \
        return clamp_##S(n, in, e->num, out);                                                                          \
    case LURON__NUMBER_ISFINITE:                                                                                       \
        return isfinite_##S(n, in, out);                                                                               \
    default:                                                                                                           \
        return isnan_##S(n, in, out);                                                                                  \
    }
    switch (e->in[0].run) {
    case LURON_F32:
        NUMBER(f32)
    case LURON_F64:
        NUMBER(f64)
    case LURON_I64:
        NUMBER(i64)
    default:
        break;
    }
    const uint8_t *x = in; /* bool: not */
    uint8_t *y = out;
    for (int64_t i = 0; i < n; i++)
        y[i] = !x[i];
    return 0;
}

int luron__ew_number(const luron__ew *e, int64_t n, const void *const *in, const int *step, void *out) {
    int found = number_of_run(e, step[0] ? n : 1, in[0], out);
    if (!step[0]) spread(n, out, e->out.run);
    return found;
}
