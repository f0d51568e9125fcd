/* norm.h -- what the files of this plugin share. Statistics are summed in double in an order that follows from the
 * shapes alone; groups (of what shares a mean and a variance) are worked on one by one, so that work can be cut between
 * them.   */
#ifndef NORM_H
#define NORM_H
#include "../loops.h"
#include <math.h>
#include <string.h>

#define NORMS(X) X(batch1d) X(batch2d) X(batch3d) X(instance1d) X(instance2d) X(instance3d) X(group) X(layer) X(rms)
#define NORM_DECLARE(id) extern const luron_layer_type norm_##id;
NORMS(NORM_DECLARE)

enum { WEIGHT, BIAS };       /* parameters */
enum { MEAN, VAR, BATCHES }; /* state */
enum { NORM_LANES = 8, NORM_GRAIN = 16384 };
/* The options of all types; each lists those it has. */
typedef struct norm {
    luron_ints normalized_shape;
    int64_t num_features, num_groups, num_channels;
    double eps, momentum;
    int32_t affine, elementwise_affine, bias, track_running_stats, cumulative, unbiased;
    luron_named_init weight_init, bias_init;
} norm;
#define NORM_EPS LURON_OPT_FLOAT(norm, eps, 1e-5, 0, 1e9, "added to the variance")
#define NORM_INITS                                                                                                     \
    LURON_OPT_INITIALISER(norm, weight_init, "first weights; nil: ones"),                                              \
        LURON_OPT_INITIALISER(norm, bias_init, "first biases; nil: zeros")
#define NORM_RUNNING(tracked)                                                                                          \
    LURON_OPT_BOOL(norm, track_running_stats, tracked, "keep running values, which eval mode takes"),                  \
        LURON_OPT_BOOL(norm, cumulative, 0, "running values are means over all batches, whatever momentum says"),      \
        LURON_OPT_BOOL(norm, unbiased, 1, "running_var from n - 1, as in PyTorch; false: from n, as in Keras")
#define NORM_MOMENTUM                                                                                                  \
    LURON_OPT_FLOAT(norm, momentum, 0.1, 0, 1, "share of the new batch in running values: 1 minus Keras's")

/* ---- x (n, channels, places): batch, instance and group norm ----------------------------------------------------- */
typedef struct channels {
    luron_call *c;
    const norm *o;
    int64_t n, channels, places, groups;
    int64_t rows, apart; /* a group has as many rows of `places` numbers, one every `apart` rows */
    int64_t count;       /* numbers in a group */
    int own;             /* statistics of the input, not running ones */
    const void *x, *gy, *w, *b, *running_mean, *running_var;
    void *y, *gx;
    double *stats; /* mean and 1 / deviation of each group */
    double *work;  /* forward: variance of each group; backward: two sums of each row */
    double *slopes; /* backward: what all of a group's gradients lose, and for each deviation */
    double beta;
} channels;
/** Parameters weight and bias of `size` numbers. */
luron_status norm_declare_affine(luron_call *c, int64_t size);
/** Parameters and state of a type with num_features. */
luron_status norm_declare_features(luron_call *c);
/** Output like the input, memory for statistics. `k` from norm_channels. */
luron_status norm_channels_setup(luron_call *c, const channels *k);
/** Sizes of x, whose channels are at dim `at`; a group: the whole batch of a channel (`groups` 0), or a part of an
 * image. */
channels norm_channels(luron_call *c, int at, int64_t groups);
luron_status norm_channels_forward(luron_call *c, channels k);
luron_status norm_channels_backward(luron_call *c, channels k);
/** (x - mean) / sqrt(var + eps) in ops. */
luron_tensor *norm_composed(luron_call *c, const luron_ops *o, luron_tensor *x, luron_tensor *mean, luron_tensor *var);
/** Statistics over the dims listed, or the running ones of channels at dim `at`, then weight and bias. */
luron_status norm_compose_channels(luron_call *c, const luron_ops *o, int own, int at, int n_dims, const int *dims);
/** x times weight plus bias, which stand at dim `at`. */
luron_tensor *norm_compose_affine(luron_call *c, const luron_ops *o, luron_tensor *x, int at);

/* ---- x (rows, size): layer and RMS norm -------------------------------------------------------------------------- */
luron_status norm_rows_declare(luron_call *c);
luron_status norm_rows_setup(luron_call *c);
/** centred: with a mean; eps is added to the variance, or to the mean of squares. */
luron_status norm_rows_forward(luron_call *c, int centred, double eps);
luron_status norm_rows_backward(luron_call *c, int centred);

#endif
