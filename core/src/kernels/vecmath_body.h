/* vecmath_body.h -- functions of one number over a run, for one T: included with T, NAME(f) and C(name), the C
 * library's function of that name for T. Elements do not depend on their place: any cut of a run gives equal bits. */

/* y may be x: element i is read before it is written and no other is touched, which ivdep states. */
#define UNARY(name, expr)                                                                                              \
    static void NAME(name)(int64_t n, const T *x, T *y) {                                                              \
        _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                                         \
            const T v = x[i];                                                                                          \
            y[i] = (expr);                                                                                             \
        }                                                                                                              \
    }

UNARY(neg, -v)
UNARY(abs, C(fabs)(v))
UNARY(sign, (T)((v > 0) - (v < 0)))
UNARY(square, v *v)
UNARY(reciprocal, 1 / v)
UNARY(sqrt, C(sqrt)(v))
UNARY(rsqrt, 1 / C(sqrt)(v))
UNARY(exp, C(exp)(v))
UNARY(expm1, C(expm1)(v))
UNARY(log, C(log)(v))
UNARY(log1p, C(log1p)(v))
UNARY(log2, C(log2)(v))
UNARY(log10, C(log10)(v))
UNARY(sin, C(sin)(v))
UNARY(cos, C(cos)(v))
UNARY(tan, C(tan)(v))
UNARY(asin, C(asin)(v))
UNARY(acos, C(acos)(v))
UNARY(atan, C(atan)(v))
UNARY(sinh, C(sinh)(v))
UNARY(cosh, C(cosh)(v))
UNARY(asinh, C(asinh)(v))
UNARY(acosh, C(acosh)(v))
UNARY(atanh, C(atanh)(v))
UNARY(tanh, C(tanh)(v))
UNARY(sigmoid, v < (sizeof(T) == 4 ? -87 : -708) ? C(exp)(v) : 1 / (1 + C(exp)(-v))) /* exp(-v) may be infinite */
UNARY(erf, C(erf)(v))
UNARY(floor, C(floor)(v))
UNARY(ceil, C(ceil)(v))
UNARY(round, C(rint)(v)) /* ties to even: nobody changes the rounding mode */
UNARY(trunc, C(trunc)(v))
#undef UNARY

static void NAME(map)(uint32_t fn, int64_t n, const T *x, T *y) {
    switch (fn) {
#define CASE(name)                                                                                                     \
    case LURON_MAP_##name:                                                                                             \
        NAME(name)(n, x, y);                                                                                           \
        break;
        LURON_UNARY_MAP(CASE) LURON__UNARY_MORE(CASE)
#undef CASE
    default:
        break;
    }
}
