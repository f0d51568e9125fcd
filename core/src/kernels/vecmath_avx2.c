/* vecmath_avx2.c -- exp, tanh, ... of float32 for x86-64 with AVX2 and FMA. */
#if defined(__x86_64__)
#define TABLE luron__map_avx2
#define PAIRS luron__pairs_avx2
#define NORMALS luron__normals_avx2
#include "kernels/vecmath_isa.h"
#else
typedef int luron__vecmath_avx2_is_for_x86; /* ISO C wants one declaration in a file */
#endif
