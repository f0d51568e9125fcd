/* elementwise_body.h -- run functions of two operands for one T: included with T, BITS, NAME(f) and, for integers, WHOLE; NARROW leaves
 * out what is not done to integers of fewer than 64 bits, NO_COMPARISON comparisons.
 * The loops differ only in which operand is one number for all; every element is computed by the same expression.   */

/* y[i] = expr of u, v; one of the steps is 1 */
#define BINARY(name, R, expr)                                                                                          \
    static int NAME(name)(int64_t n, const T *a, int sa, const T *b, int sb, void *out) {                              \
        R *restrict y = out;                                                                                           \
        if (sa && sb) {                                                                                                \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                const T u = a[i], v = b[i];                                                                            \
                y[i] = (R)(expr);                                                                                      \
            }                                                                                                          \
        } else if (sa) {                                                                                               \
            const T v = *b;                                                                                            \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                const T u = a[i];                                                                                      \
                y[i] = (R)(expr);                                                                                      \
            }                                                                                                          \
        } else {                                                                                                       \
            const T u = *a;                                                                                            \
            for (int64_t i = 0; i < n; i++) {                                                                          \
                const T v = b[i];                                                                                      \
                y[i] = (R)(expr);                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        return 0;                                                                                                      \
    }
/* The same for what costs a call an element anyhow. */
#define BINARY_CALL(name, expr)                                                                                        \
    static int NAME(name)(int64_t n, const T *a, int sa, const T *b, int sb, void *out) {                              \
        T *restrict y = out;                                                                                           \
        int found = 0;                                                                                                 \
        for (int64_t i = 0; i < n; i++)                                                                                \
            y[i] = NAME(expr)(a[i * sa], b[i * sb], &found);                                                           \
        return found;                                                                                                  \
    }

#ifdef WHOLE
BINARY(add, T, WRAP(T, u, +, v))
BINARY(sub, T, WRAP(T, u, -, v))
BINARY(mul, T, WRAP(T, u, *, v))
#else
BINARY(add, T, u + v)
BINARY(sub, T, u - v)
BINARY(mul, T, u *v)
BINARY(div, T, u / v)
#endif
/* a NaN on either side wins */
BINARY(maximum, T, u > v || u != u ? u : v)
BINARY(minimum, T, u < v || u != u ? u : v)
#ifndef NO_COMPARISON
BINARY(eq, uint8_t, u == v)
BINARY(ne, uint8_t, u != v)
BINARY(lt, uint8_t, u < v)
BINARY(le, uint8_t, u <= v)
#endif
#ifndef NARROW
BINARY_CALL(any_pow, pow_one)
/* Powers that pow is mostly used for, without it. */
static int NAME(pow)(int64_t n, const T *a, int sa, const T *b, int sb, void *out) {
    T *restrict y = out;
    if (!sb && *b == 2) return NAME(mul)(n, a, sa, a, sa, out);
#define POWER(power, expr)                                                                                             \
    if (!sb && *b == (power)) {                                                                                        \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            const T u = a[i];                                                                                          \
            y[i] = (expr);                                                                                             \
        }                                                                                                              \
        return 0;                                                                                                      \
    }
    POWER(3, NAME(pow_one)(u, 3, &(int){0}))
#ifndef WHOLE
    POWER((T)0.5, NAME(root)(u))
    POWER((T)-0.5, 1 / NAME(root)(u))
    POWER(-1, 1 / u)
#endif
#undef POWER
    return NAME(any_pow)(n, a, sa, b, sb, out);
}
BINARY_CALL(floor_divide, floor_divide_one)
BINARY_CALL(remainder, remainder_one)
#ifndef WHOLE
BINARY_CALL(atan2, atan2_one)
#endif

static int NAME(scale)(int64_t n, const T *x, const double *num, T *restrict y) {
    const T times = (T)num[0], plus = (T)num[1];
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] * times + plus;
    return 0;
}

static int NAME(clamp)(int64_t n, const T *x, const double *num, T *restrict y) {
    T lo, hi;
    luron__convert(DTYPE, &lo, 1, LURON_F64, &num[0], 1, 1);
    luron__convert(DTYPE, &hi, 1, LURON_F64, &num[1], 1, 1);
    for (int64_t i = 0; i < n; i++) {
        T v = x[i];
        v = v < lo ? lo : v; /* a NaN stays */
        y[i] = v > hi ? hi : v;
    }
    return 0;
}

static int NAME(isfinite)(int64_t n, const T *x, uint8_t *restrict y) {
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] - x[i] == 0;
    return 0;
}

static int NAME(isnan)(int64_t n, const T *x, uint8_t *restrict y) {
    for (int64_t i = 0; i < n; i++) {
        const T v = x[i], same = v; /* two names: clang warns of a whole number that is compared with itself */
        y[i] = v != same;
    }
    return 0;
}

/* By their bits, since a compiler makes a branch of a choice between numbers, which nobody could predict. */
static inline T NAME(choose)(uint8_t cond, T a, T b) {
    BITS p, q, mask = (BITS)0 - (BITS)(cond != 0);
    memcpy(&p, &a, sizeof p);
    memcpy(&q, &b, sizeof q);
    p = (p & mask) | (q & ~mask);
    memcpy(&a, &p, sizeof a);
    return a;
}
static int NAME(where)(int64_t n, const uint8_t *cond, int sc, const T *a, int sa, const T *b, int sb, T *restrict y) {
    if (sc && sa && sb)
        for (int64_t i = 0; i < n; i++)
            y[i] = NAME(choose)(cond[i], a[i], b[i]);
    else if (sc && sa)
        for (int64_t i = 0; i < n; i++)
            y[i] = NAME(choose)(cond[i], a[i], *b);
    else if (sc && sb)
        for (int64_t i = 0; i < n; i++)
            y[i] = NAME(choose)(cond[i], *a, b[i]);
    else
        for (int64_t i = 0; i < n; i++)
            y[i] = NAME(choose)(cond[i * sc], a[i * sa], b[i * sb]);
    return 0;
}
#endif

typedef int (*NAME(binary_fn))(int64_t n, const T *a, int sa, const T *b, int sb, void *out);
static const NAME(binary_fn) NAME(binary)[LURON__BINARY_COUNT] = {[LURON__BINARY_add] = NAME(add),
                                                                  [LURON__BINARY_sub] = NAME(sub),
                                                                  [LURON__BINARY_mul] = NAME(mul),
#ifndef WHOLE
                                                                  [LURON__BINARY_div] = NAME(div),
                                                                  [LURON__BINARY_atan2] = NAME(atan2),
#endif
#ifndef NARROW
                                                                  [LURON__BINARY_pow] = NAME(pow),
                                                                  [LURON__BINARY_floor_divide] = NAME(floor_divide),
                                                                  [LURON__BINARY_remainder] = NAME(remainder),
#endif
                                                                  [LURON__BINARY_maximum] = NAME(maximum),
#ifndef NO_COMPARISON
                                                                  [LURON__BINARY_eq] = NAME(eq),
                                                                  [LURON__BINARY_ne] = NAME(ne),
                                                                  [LURON__BINARY_lt] = NAME(lt),
                                                                  [LURON__BINARY_le] = NAME(le),
#endif
                                                                  [LURON__BINARY_minimum] = NAME(minimum)};

#undef BINARY
#undef BINARY_CALL
