/* loops.h -- for plugins whose loops are written once for all reals: a file includes itself with REAL float and double.
 * Loops in float may be compiled for vectors of 32 bytes too: the same arithmetic in the same order, and no multiply-add
 * in place of two (-ffp-contract=off), so the bits do not depend on which of them runs.                                */
#ifndef LOOPS_H
#define LOOPS_H
#include <luron/plugin.h>

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define TYPED(name) JOIN(name, REAL)
/** name_float or name_double; c: anything with a dtype. */
#define BY_TYPE(c, name) ((c)->dtype == LURON_F64 ? JOIN(name, double) : JOIN(name, float))

/* A function is compiled as its caller is. */
#define INLINE static inline __attribute__((always_inline))
#define LOOP INLINE void
/* WIDE(name, (parameters), (arguments)): name, of which name_float is a LOOP, as name_wide. BY_VECTORS chooses among the
 * three; c: anything with a dtype and a host. WIDE_PASS(name): of a function for parallel_for.                         */
#if defined(__x86_64__)
#define WIDE(name, parameters, arguments)                                                                              \
    static __attribute__((target("avx2"))) void JOIN(name, wide) parameters { JOIN(name, float) arguments; }
#define BY_VECTORS(c, name)                                                                                            \
    ((c)->dtype == LURON_F64 ? JOIN(name, double) : (c)->host->vector_bytes >= 32 ? JOIN(name, wide) : JOIN(name, float))
#else
#define WIDE(name, parameters, arguments)
#define BY_VECTORS(c, name) BY_TYPE(c, name)
#endif
#define WIDE_PASS(name) WIDE(name, (void *arg, int64_t begin, int64_t end, int64_t chunk), (arg, begin, end, chunk))

/* Sums in double of eight lanes, two vectors, which compilers leave scalar where they are an array. QUAD: four reals at p. */
typedef double quad __attribute__((vector_size(32)));
typedef float four_float __attribute__((vector_size(16), aligned(4), may_alias));
typedef double four_double __attribute__((vector_size(32), aligned(8), may_alias));
#define QUAD(p) __builtin_convertvector(*(const TYPED(four) *)(p), quad)
#define FOLDED(low, high) (((low[0] + high[0]) + (low[2] + high[2])) + ((low[1] + high[1]) + (low[3] + high[3])))

#endif
