/* conv.h -- convolution of one to three spatial dimensions, and its gradients. The rule that fixes the bits:
 *
 *   - an element of the output, or of the input's gradient, is one chain of multiply-adds from +0 over ascending
 *     (channel, depth, height, width) of the kernel, taps in the padding taken as 0 or left out, in ceil(n / 512) equal
 *     blocks added in order; then beta times what was there, then the bias;
 *   - an element of the weight's gradient is a sum of chains of multiply-adds from +0 over the pixels, in ascending
 *     order, of blocks of at most 256: whole lines, or pieces of a line, of the bands of kernels/conv_part.h. Many
 * bands are summed in parts, whose number follows from the shapes; the parts are added in order. Where weights are many
 * and places few (luron__conv_sums_deep) a block is all places of several images, at most 512, in equal shares.
 *
 * Zeros in gy may be left out, which changes no sum of finite numbers (but for the sign of a 0 that underflowed); an
 * infinity or NaN that only zeros would have met adds none then. Where no tap reaches, a gradient with beta 1 is left as
 * it is. */
#ifndef LURON_KERNELS_CONV_H
#define LURON_KERNELS_CONV_H
#include <stdint.h>

/** Arrays: depth, height, width; a dimension that is not there has size, kernel, stride and dilation 1. All are
 *  contiguous: x (images, c_in, in), w (c_out, c_in / groups, kernel), gy (images, c_out, out), bias (c_out) or NULL.
 */
typedef struct luron__conv_args {
    uint32_t dtype; /* LURON_F32 or LURON_F64 */
    int isa;
    int64_t images, groups, c_in, c_out;
    int64_t in[3], out[3], kernel[3], stride[3], dilation[3], before[3];
    const void *x, *w, *gy, *bias;
    void *to; /* like gy, x or w */
    double beta;
    void (*made)(void *arg, int64_t first, int64_t n); /* or NULL: luron__conv calls it for elements of `to` that are done */
    void *made_arg;
} luron__conv_args;

/** Bytes that each of the functions below needs as `work` for that many threads; from the shapes alone. */
int64_t luron__conv_work(const luron__conv_args *g, int threads);
/** to = x * w + beta to + bias. */
void luron__conv(const luron__conv_args *g, int threads, void *work);
/** to = the gradient of x, from w and gy, + beta to. */
void luron__conv_grad_input(const luron__conv_args *g, int threads, void *work);
/** to = the gradient of w, from x and gy, + beta to. */
void luron__conv_grad_weight(const luron__conv_args *g, int threads, void *work);

#endif
