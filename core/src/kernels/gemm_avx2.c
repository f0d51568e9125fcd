/* gemm_avx2.c -- the matrix product for x86-64 with AVX2 and FMA: one rounding a multiply-add, vectors of 32 bytes.
 * Compiled with -mavx2 -mfma; called only where the processor has both.                                              */
#if defined(__x86_64__)
#include "kernels/gemm_tile.h"

#include <immintrin.h>

#define VEC_ROWS 6

static inline void transpose_f32(const float *from, int64_t ld, float *to, int64_t panel) {
    __m256 r[8], s[8];
    for (int i = 0; i < 8; i++)
        r[i] = _mm256_loadu_ps(from + i * ld);
    for (int i = 0; i < 8; i += 2) {
        s[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        s[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        r[i] = _mm256_shuffle_ps(s[i], s[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(s[i], s[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(s[i + 1], s[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(s[i + 1], s[i + 3], 0xee);
    }
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_ps(to + i * panel, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
        _mm256_storeu_ps(to + (i + 4) * panel, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
}

static inline void transpose_f64(const double *from, int64_t ld, double *to, int64_t panel) {
    __m256d r0 = _mm256_loadu_pd(from), r1 = _mm256_loadu_pd(from + ld), r2 = _mm256_loadu_pd(from + 2 * ld),
            r3 = _mm256_loadu_pd(from + 3 * ld);
    __m256d s0 = _mm256_unpacklo_pd(r0, r1), s1 = _mm256_unpackhi_pd(r0, r1), s2 = _mm256_unpacklo_pd(r2, r3),
            s3 = _mm256_unpackhi_pd(r2, r3);
    _mm256_storeu_pd(to, _mm256_permute2f128_pd(s0, s2, 0x20));
    _mm256_storeu_pd(to + panel, _mm256_permute2f128_pd(s1, s3, 0x20));
    _mm256_storeu_pd(to + 2 * panel, _mm256_permute2f128_pd(s0, s2, 0x31));
    _mm256_storeu_pd(to + 3 * panel, _mm256_permute2f128_pd(s1, s3, 0x31));
}

#define T float
#define VEC __m256
#define FMA _mm256_fmadd_ps
#define TRANSPOSE(from, ld, to) transpose_f32(from, ld, to, 16)
#define NAME(x) x##_f32_avx2
#include "kernels/gemm_body.h"
#undef T
#undef VEC
#undef FMA
#undef TRANSPOSE
#undef NAME

#define T double
#define VEC __m256d
#define FMA _mm256_fmadd_pd
#define TRANSPOSE(from, ld, to) transpose_f64(from, ld, to, 8)
#define NAME(x) x##_f64_avx2
#include "kernels/gemm_body.h"

#else
typedef int luron__gemm_avx2_is_for_x86; /* ISO C wants one declaration in a file */
#endif
