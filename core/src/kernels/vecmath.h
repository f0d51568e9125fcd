/* vecmath.h -- what vecmath.c and the functions of each instruction set share. */
#ifndef LURON_VECMATH_H
#define LURON_VECMATH_H
#include "luron/plugin.h"

/* Functions of one number that came after LURON_UNARY_MAP, which is frozen: by the C library, under ids that plugins do not
 * know. */
#define LURON__UNARY_MORE(X) X(asinh) X(acosh) X(atanh)
enum { LURON_MAP_asinh = LURON_MAP_COUNT, LURON_MAP_acosh, LURON_MAP_atanh, LURON__MAP_COUNT };

/** y[i] = f(x[i]); y may be x. NULL in a table: as in plain C. */
typedef void luron__map_f32_fn(int64_t n, const float *x, float *y);
/** y[i] = f(a[i], b[i]), where a step is 0 of one number for all; y may be a or b. */
typedef struct luron__pairs {
    void (*remainder_f32)(int64_t n, const float *a, int sa, const float *b, int sb, float *y);
    void (*atan2_f32)(int64_t n, const float *a, int sa, const float *b, int sb, float *y);
    void (*remainder_f64)(int64_t n, const double *a, int sa, const double *b, int sb, double *y);
} luron__pairs;
/** Those of an instruction set, of which one step at least is 1; NULL: by the C library, number by number. */
const luron__pairs *luron__pairs_of(int isa);
/** luron__normals of vecmath_f32.h; all have the same bits. */
typedef void luron__normals_fn(int64_t pairs, const uint32_t *w, double mean, double deviation, float *y);
#if defined(__x86_64__)
luron__normals_fn luron__normals_avx2, luron__normals_avx512;
extern const luron__pairs luron__pairs_avx2, luron__pairs_avx512;
extern luron__map_f32_fn *const luron__map_avx2[LURON_MAP_COUNT], *const luron__map_avx512[LURON_MAP_COUNT];
#elif defined(__aarch64__)
luron__normals_fn luron__normals_neon;
extern const luron__pairs luron__pairs_neon;
extern luron__map_f32_fn *const luron__map_neon[LURON_MAP_COUNT];
#endif

#endif
