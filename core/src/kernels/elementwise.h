/* elementwise.h -- one loop for every element-wise op: any dtypes, strides and broadcasting, cut into plain runs. */
#ifndef LURON_ELEMENTWISE_H
#define LURON_ELEMENTWISE_H
#include "luron/tensor.h"

enum { LURON__EW_MAX_IN = 3 };
/* What a run function found; 0 is well. */
enum { LURON__EW_DIVISION_BY_ZERO = 1, LURON__EW_NEGATIVE_POWER = 2 };

typedef struct luron__ew luron__ew;
/** One run: n numbers to `out` from the operands; in[i] points at n numbers (step[i] 1) or one for all (step[i] 0).
 *  Element k depends on element k of the operands alone, so that a run may be cut anywhere. */
typedef int (*luron__ew_fn)(const luron__ew *e, int64_t n, const void *const *in, const int *step, void *out);

typedef struct luron__ew_operand {
    char *data;
    uint32_t dtype;                  /* in memory */
    uint32_t run;                    /* in the runs that `fn` sees */
    int64_t strides[LURON_MAX_DIMS]; /* in elements; 0 where it is broadcast */
} luron__ew_operand;

struct luron__ew {
    luron__ew_fn fn; /* NULL: convert the one operand to the output's dtype */
    int32_t id;      /* for fn */
    int isa;         /* luron__isa_pick() */
    double num[4];   /* for fn */
    int n_in, ndim;
    int64_t shape[LURON_MAX_DIMS];
    luron__ew_operand out, in[LURON__EW_MAX_IN];
};

/** Run it over all elements. @return what fn returned, or-ed together. */
int luron__elementwise(const luron__ew *e, int threads);

/* Run functions. `id` says which: of LURON_MAP_..., or of these. */
enum {
#define LURON__BINARY_ENUM(name) LURON__BINARY_##name,
    LURON_BINARY_MAP(LURON__BINARY_ENUM) LURON_COMPARE_MAP(LURON__BINARY_ENUM)
#undef LURON__BINARY_ENUM
        LURON__BINARY_COUNT
};
int luron__ew_unary(const luron__ew *e, int64_t n, const void *const *in, const int *step, void *out);
/** Arithmetic: operands and output of one of float32, float64, int64, and for what is not pow, floor_divide or remainder int32 and uint8;
 *  comparisons: of those but int32, output bool; logical_*: all bool. */
int luron__ew_binary(const luron__ew *e, int64_t n, const void *const *in, const int *step, void *out);
/** num[0] x + num[1] (id 0), min(max(x, num[0]), num[1]) (id 1), isfinite (2), isnan (3), not (4, on bool). */
int luron__ew_number(const luron__ew *e, int64_t n, const void *const *in, const int *step, void *out);
enum { LURON__NUMBER_SCALE, LURON__NUMBER_CLAMP, LURON__NUMBER_ISFINITE, LURON__NUMBER_ISNAN, LURON__NUMBER_NOT };
/** in[0] (bool) ? in[1] : in[2]. */
int luron__ew_where(const luron__ew *e, int64_t n, const void *const *in, const int *step, void *out);

#endif
