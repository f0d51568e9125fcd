/* conv_part.h -- what conv.c and conv_weight.c share: a convolution as sums over taps, cut into bands, and the copies
 * of what a band reads.
 *
 * An element at place q of an axis takes the numbers at q step + offset of each tap. The forward pass steps by the
 * stride. The gradient of the input falls into one part for each place modulo the stride, which has taps of its own,
 * steps by 1, and goes to every stride-th place. For each band the lines that it reads are copied with zeros around
 * them, split by their place modulo the step, so that the kernels find whatever they want in whole vectors. */
#ifndef LURON_CONV_PART_H
#define LURON_CONV_PART_H
#include "kernels/conv_tile.h"

/** One dimension of a part. Tap k is there if base + k dilation is a multiple of `divide`; the quotient is its offset.
 */
typedef struct luron__conv_axis {
    int64_t kernel, base, dilation, divide;
    int64_t taps, first, extra; /* how many, the least offset, the greatest less the least */
    int64_t step, splits;       /* lines are kept by place modulo the step: so many kinds occur */
    int64_t source, count;      /* sizes of what is read and of what is made */
    int64_t to_first, to_step;  /* where that goes */
    int64_t band;               /* places of a band at most */
} luron__conv_axis;

/** The forward pass, or one part of the gradient of the input. */
typedef struct luron__conv_part {
    const luron__conv_args *g;
    luron__conv_axis d[3];
    bool backward, in_place; /* in_place: what it reads lies in the tensor without gaps and borders */
    int64_t channels, rows;  /* that are read and made, of a group */
    int64_t k;               /* taps of all channels */
    int64_t line, plane;     /* numbers of the copy, of one line and of one channel and depth */
    int64_t high, wide;      /* lines and numbers of one kind */
    int64_t bands[2];        /* of height and width */
    int size;
} luron__conv_part;

/** A band of one image and group, and one depth of the output: where it begins, and how many places it has. */
typedef struct luron__conv_band {
    int64_t image, group, at[3], n[3];
} luron__conv_band;

/** The forward pass (r is not looked at), or the part of the gradient at place r modulo the strides. */
luron__conv_part luron__conv_part_of(const luron__conv_args *g, bool backward, const int64_t *r);
/** A kernel of 1 that goes over all pixels: they are one line. */
luron__conv_args luron__conv_flattened(const luron__conv_args *g);
/** Offset of tap k; @return whether it is there. */
bool luron__conv_tap_at(const luron__conv_axis *a, int64_t k, int64_t *offset);
/** Where number (channel, taps) of a place stands in the copy, or in the tensor, seen from the place itself: k numbers.
 */
void luron__conv_offsets(const luron__conv_part *p, bool in_place, int64_t *to);
/** Make bands and copies of n parts of one gradient the same; the first has the most places. */
void luron__conv_share(luron__conv_part *p, int n);
/** The weights of a part of the gradient as (group, input channel, output channel, taps). */
void luron__conv_pack(const luron__conv_part *p, int threads, void *packed);
/** Bytes of the copy of one band. */
int64_t luron__conv_copy_bytes(const luron__conv_part *p);
/** Bytes of the sums of a band's blocks of taps, multiples of 64 as copies are. */
int64_t luron__conv_kept_bytes(const luron__conv_part *p);
/** What band b reads of x (or, backward, gy), `from`, to `copy`. */
void luron__conv_copy(const luron__conv_part *p, const luron__conv_band *b, const void *from, void *copy);
/** Is a band all of a group of an image? */
bool luron__conv_is_whole(const luron__conv_part *p);
/** Band i of all, which are ordered by image, group, depth, height and width. */
luron__conv_band luron__conv_band_at(const luron__conv_part *p, int64_t i);
int64_t luron__conv_bands(const luron__conv_part *p);
/** What band i reads of `from`, to be asked for beside the tiles of the band before; nothing if it is not all of
 * a group of an image, more than a cache has room for, or made with little work. */
luron__conv_ahead luron__conv_ahead_of(const luron__conv_part *p, int64_t i, const void *from);
/** Are there so many weights for so few places, in lines shorter than a vector, that those of several images go through
 * one product (conv_deep.c)? By the shapes alone. */
bool luron__conv_is_deep(const luron__conv_part *p);
/** The sums of such a part. Work: bytes. */
void luron__conv_deep(const luron__conv_part *p, int threads, void *work);
int64_t luron__conv_deep_work(const luron__conv_part *p, int threads);
/** The same for the gradient of the weights, from the part of the forward pass; of lines of any length. */
bool luron__conv_sums_deep(const luron__conv_part *p);
void luron__conv_deep_weight(const luron__conv_part *p, int threads, void *work);
int64_t luron__conv_deep_weight_work(const luron__conv_part *p, int threads);
/** Where the band begins in `from`, in elements, if it is read in place. */
int64_t luron__conv_place(const luron__conv_part *p, const luron__conv_band *b);

#endif
