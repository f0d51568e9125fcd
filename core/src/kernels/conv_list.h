/* conv_list.h -- for x86-64 with AVX2 and BMI2: what conv_avx2.c and conv_avx512.c list the numbers that are not 0 with. */
#include <immintrin.h>
#include <stdint.h>

/* Places of those of 8 numbers that are not 0: a byte for each, of which those are kept. */
static inline int list_8(const float *g, int at, int32_t *list) {
    const __m256 is = _mm256_cmp_ps(_mm256_loadu_ps(g), _mm256_setzero_ps(), _CMP_NEQ_UQ);
    const unsigned mask = (unsigned)_mm256_movemask_ps(is);
    const uint64_t bytes = _pdep_u64(mask, 0x0101010101010101) * 0xff;
    const __m128i kept = _mm_cvtsi64_si128((long long)_pext_u64(0x0706050403020100, bytes));
    const __m256i places = _mm256_add_epi32(_mm256_cvtepu8_epi32(kept), _mm256_set1_epi32(at));
    _mm256_storeu_si256((__m256i *)(void *)list, places);
    return __builtin_popcount(mask);
}
