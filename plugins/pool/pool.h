/* pool.h -- what the files of this plugin share: windows over planes. An input (n, c, d, h, w) or (c, d, h, w) is n c
 * planes of three dims, of which the types for 1 and 2 dims have leading sizes of 1. Planes are pooled one by one, so
 * that work can be cut between them; within a plane the order is fixed. */
#ifndef POOL_PLUGIN_H
#define POOL_PLUGIN_H
#include "../loops.h"
#include <math.h>
#include <string.h>

#define POOLS(X)                                                                                                       \
    X(max1d)                                                                                                           \
    X(max2d) X(max3d) X(avg1d) X(avg2d) X(avg3d) X(adaptive_max1d) X(adaptive_max2d) X(adaptive_max3d)                 \
        X(adaptive_avg1d) X(adaptive_avg2d) X(adaptive_avg3d) X(max_ids1d) X(max_ids2d) X(max_ids3d) X(adaptive_max_ids1d) X(adaptive_max_ids2d) X(adaptive_max_ids3d) X(unpool1d)       \
            X(unpool2d) X(unpool3d) X(lp1d) X(lp2d) X(lp3d) X(fractional2d) X(fractional3d)
#define POOL_DECLARE(id) extern const luron_layer_type pool_##id;
POOLS(POOL_DECLARE)

/* The options of all types; each lists those it has. A window has kernel_size or output_size, one number a dim. */
typedef struct pool {
    luron_ints kernel_size, stride, padding, dilation, output_size;
    int64_t divisor_override;
    int32_t ceil_mode, count_include_pad;
    double norm_type, output_ratio;
} pool;
#define POOL_KERNEL(n) LURON_OPT_INTS_REQ(pool, kernel_size, 1, 1e6, n, n, "size of the window")
#define POOL_STRIDE(n) LURON_OPT_INTS(pool, stride, 0, 0, 1e6, n, n, "step from window to window; 0: kernel_size")
#define POOL_PADDING(n, what) LURON_OPT_INTS(pool, padding, 0, 0, 1e6, n, n, what)
#define POOL_DILATION(n) LURON_OPT_INTS(pool, dilation, 1, 1, 1e6, n, n, "step from place to place in a window")
#define POOL_CEIL LURON_OPT_BOOL(pool, ceil_mode, 0, "a last window that reaches over the end too")
#define POOL_OUTPUT(n)                                                                                                 \
    LURON_OPT_INTS_REQ(pool, output_size, 0, 1e6, n, n, "size of the output, 1: one window over all; 0: as the input")
#define POOL_FLAGS (LURON_LAYER_F64 | LURON_LAYER_FREES_IN | LURON_LAYER_FREES_OUT)
#define POOL_FIELDS(type_name, text, opts, ports, set, fore, back, comp)                                               \
    .struct_size = sizeof(luron_layer_type), .flags = POOL_FLAGS, .name = type_name, .doc = text, .options = opts,     \
    .options_size = sizeof(pool), .in = ports, .setup = set, .forward = fore, .backward = back, .compose = comp
#define POOL_TYPE(...)                                                                                                 \
    { POOL_FIELDS(__VA_ARGS__) }
extern const luron_port *const pool_in1[], *const pool_in2[], *const pool_in3[];

enum { POOL_D, POOL_H, POOL_W, POOL_DIMS };
enum { POOL_JOINED = 64 }; /* tensors in one cat */
typedef struct planes {
    const pool *o;
    int adaptive, dims, first; /* dims of the type; the place of the first in the input's shape */
    int64_t n;                 /* planes */
    int64_t in[POOL_DIMS], out[POOL_DIMS], kernel[POOL_DIMS], step[POOL_DIMS], pad[POOL_DIMS], apart[POOL_DIMS];
    int64_t in_size, out_size;
    const void *x, *gy;
    void *y, *gx;
    int32_t *win;  /* place in its plane of each output's number, -1: none (max) */
    double *share; /* numbers a window divides by, along w (average) */
    int64_t *span; /* the first place of each of those windows, and the end of its places */
    double beta;
} planes;

/** What an input of the layer's rank says: options, dims, planes; the sizes are 1. @return an error for another. */
luron_status pool_begin(luron_call *c, planes *p);
/** The numbers of a plane, in and out, from its dims; or an error: places are 32-bit integers. */
luron_status pool_count(luron_call *c, planes *p);
/** Sizes of the call's layer, with errors for ranks and windows that do not fit. */
luron_status pool_open(luron_call *c, planes *p);
/** The output's sizes, as many as the input has. @return how many. */
int pool_out_shape(const luron_call *c, const planes *p, int64_t *shape);
/** Open and set the output. */
luron_status pool_set_out(luron_call *c, planes *p);
/** Window i along dim d of an average: places from *lo to before *hi; @return how many it divides by. */
double pool_span(const planes *p, int d, int64_t i, int64_t *lo, int64_t *hi);
/** Planes for a piece of work. */
int64_t pool_grain(const planes *p);
/** x, the input or of its last dims, with `value` around it, wide enough for all windows. */
luron_tensor *pool_padded(luron_call *c, const luron_ops *o, const planes *p, luron_tensor *x, double value);
/** What place k of all windows along dim d holds: x is padded. */
luron_tensor *pool_place(luron_call *c, const luron_ops *o, const planes *p, int d, luron_tensor *x, int64_t k);
/** An adaptive pooling in ops: `one` makes size 1 of dim `dim`; its results are joined, dim after dim. */
luron_tensor *pool_adaptive(luron_call *c, const luron_ops *o, const planes *p,
                            luron_tensor *(*one)(luron_call *, const luron_ops *, luron_tensor *, int dim));

/** Max pooling: outputs and winners' places, and the gradient that goes to them. */
luron_status pool_max_setup(luron_call *c);
luron_status pool_max_forward(luron_call *c);
luron_status pool_max_backward(luron_call *c);
/** Are the windows 2 x 2, side by side? Outputs and winners of those; gx, of which nothing is there before, from gy. */
int pool_is_squares(const planes *p);
void pool_choose_squares(const planes *p, luron_call *c);
void pool_spread_squares(const planes *p, luron_call *c);
/** Windows of two numbers of a row, side by side? */
int pool_is_pairs(const planes *p);
/** Of planes whose winners are saved: gx from gy. */
luron_status pool_max_spread(luron_call *c, planes *p);
/** The sums of windows along dim d of x, which is padded, and what an average divides them by, which broadcasts. */
luron_tensor *pool_added_up(luron_call *c, const luron_ops *o, const planes *p, int d, luron_tensor *x);
luron_tensor *pool_divisors(luron_call *c, const luron_ops *o, const planes *p, int d);

#endif
