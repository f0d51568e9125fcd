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
/** luron__normals of vecmath_f32.h; all have the same bits. */
typedef void luron__normals_fn(int64_t pairs, const uint32_t *w, double mean, double deviation, float *y);
#if defined(__x86_64__)
luron__normals_fn luron__normals_avx2, luron__normals_avx512;
extern luron__map_f32_fn *const luron__map_avx2[LURON_MAP_COUNT], *const luron__map_avx512[LURON_MAP_COUNT];
#elif defined(__aarch64__)
luron__normals_fn luron__normals_neon;
extern luron__map_f32_fn *const luron__map_neon[LURON_MAP_COUNT];
#endif

#endif
