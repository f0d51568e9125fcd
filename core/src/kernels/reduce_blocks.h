/* reduce_blocks.h -- what reduce.c and reduce_ints.c share. */
#ifndef LURON_REDUCE_BLOCKS_H
#define LURON_REDUCE_BLOCKS_H
#include "internal.h"
#include "kernels/reduce.h"
#include "kernels/unroll.h"

#include <string.h>

enum { LANES = 16, BLOCK = 4096, COLUMNS = 64, GRAIN = 32768, SHORT_RUN = 16, SQUARES = LURON__REDUCE_SQUARES /* of x - mean, 0 but for VAR */ };

/** The blocks of one tile, each into a row of work. */
typedef struct luron__reduce_job {
    const luron__reduce_args *r;
    int fn, width;
    const void *x, *mean;
    void *work;
    size_t row;
    void (*block)(int fn, const luron__reduce_args *r, const void *x, int width, int64_t first, const void *mean,
                  void *out);
} luron__reduce_job;
void luron__reduce_blocks(void *job, int64_t begin, int64_t end, int64_t chunk);

/** Has each output one run of numbers in order, of at most a block? */
bool luron__reduce_by_rows(const luron__reduce_args *r);
/** `width` outputs from `output` on, whose numbers begin at `offset`. */
typedef void luron__reduce_tile_fn(const luron__reduce_args *r, int64_t offset, int64_t output, int width, int threads,
                                   void *work);
/** Of int64 and bool: values, then ids. */
extern luron__reduce_tile_fn *const luron__reduce_i64[2], *const luron__reduce_b8[2];

#endif
