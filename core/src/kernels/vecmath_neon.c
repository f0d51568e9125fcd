/* vecmath_neon.c -- exp, tanh, ... of float32 for 64-bit ARM. */
#if defined(__aarch64__)
#define TABLE luron__map_neon
#define PAIRS luron__pairs_neon
#define NORMALS luron__normals_neon
#include "kernels/vecmath_isa.h"
#else
typedef int luron__vecmath_neon_is_for_arm; /* ISO C wants one declaration in a file */
#endif
