/* vecmath_avx512.c -- exp, tanh, ... of float32 for x86-64 with AVX-512. */
#if defined(__x86_64__)
#define TABLE luron__map_avx512
#define PAIRS luron__pairs_avx512
#define NORMALS luron__normals_avx512
#include "kernels/vecmath_isa.h"
#else
typedef int luron__vecmath_avx512_is_for_x86; /* ISO C wants one declaration in a file */
#endif
