/* loss.h -- what the files of this plugin share. A file is a type. Sums run in chunks cut by size alone: each chunk adds
 * up in double, in order (or eight sums of terms in turn), and the chunks' sums are added in order, so that results do not
 * depend on threads.                                                                                                  */
#ifndef LOSS_H
#define LOSS_H
#include "../loops.h"
#include <math.h>
#include <string.h>

#define LOSSES(X)                                                                                                      \
    X(cross_entropy) X(soft_cross_entropy) X(nll) X(mse) X(l1) X(huber) X(smooth_l1) X(bce) X(bce_with_logits) X(kl_div) \
    X(focal) X(generalized_cross_entropy)
#define LOSS_DECLARE(id) extern const luron_layer_type loss_##id;
LOSSES(LOSS_DECLARE)

typedef void loss_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk);
enum { INPUT, TARGET, WEIGHT, POS_WEIGHT };                  /* ports */
enum { LOSS_MEAN, LOSS_SUM, LOSS_NONE, LOSS_BATCHMEAN };     /* choices of `reduction` */
extern const char *const loss_reductions[], *const loss_reductions_batch[];
extern const luron_port *const loss_pair[]; /* input of any shape, target as input */
/* The options of all types; each lists those it has. */
typedef struct loss {
    double delta, beta, label_smoothing, alpha, gamma, q;
    int64_t ignore_index;
    int32_t log_target, from_logits, reduction;
} loss;
#define LOSS_REDUCTION LURON_OPT_CHOICE(loss, reduction, "mean", loss_reductions, "of the losses; \"none\" keeps each")
#define LOSS_IGNORE LURON_OPT_ID(loss, ignore_index, -100, "target id that counts for nothing")
#define LOSS_SMOOTHING LURON_OPT_FLOAT(loss, label_smoothing, 0.0, 0, 1, "share of the target spread evenly over the classes")
#define LOSS_LOGITS LURON_OPT_BOOL(loss, from_logits, 1, "input holds logits; false: probabilities")
#define LOSS_TYPE(type_name, call_name, text)                                                                          \
    .struct_size = sizeof(luron_layer_type), .name = type_name, .function = call_name, .doc = text, .options = options, \
    .options_size = sizeof(loss)

/** An error if the gradient of an input that has none is wanted. */
luron_status loss_no_gradient(luron_call *c, int port, const char *name);
/** The gradient of a reduced result; 1 where terms are kept, whose gradients are read one by one. */
double loss_reduced_gradient(const luron_call *c);
/** The sum or mean (of `count` terms) in ops, as `reduction` says. */
luron_tensor *loss_reduce(luron_call *c, const luron_ops *o, luron_tensor *terms, luron_tensor *count);

/* ---- losses of one term an element (pointwise.h): input and target of one shape ------------------------------------------ */
enum { LOSS_PIECE = 256 }; /* elements that are worked off at once */
/* One step over n elements. p, u and v hold something always, whether or not they are used. */
typedef struct loss_piece {
    const loss *o;
    enum { LOSS_TERM, LOSS_GRAD_X, LOSS_GRAD_T, LOSS_U, LOSS_V } what;
    int64_t n;
    const void *x, *t, *p, *u, *v;
    void *to;
} loss_piece;
/* A type: its loops for float, vectors of floats and double; u and v: functions of the host, or -1; of these GRAD_X reads so many. */
typedef struct loss_pointwise {
    void (*piece[3])(const loss_piece *k);
    int (*u)(const loss *o), (*v)(const loss *o);
    int slope_needs;
} loss_pointwise;
#define LOSS_LOOP_float INLINE
#define LOSS_LOOP_double static __attribute__((cold)) /* small, where float is quick */
luron_status loss_pointwise_setup(luron_call *c);
luron_status loss_pointwise_forward(luron_call *c, const loss_pointwise *type);
luron_status loss_pointwise_backward(luron_call *c, const loss_pointwise *type);
luron_status loss_pointwise_both(luron_call *c, const loss_pointwise *type);
/** Reduce terms times the optional weight, in ops. */
luron_status loss_pointwise_finish(luron_call *c, const luron_ops *o, luron_tensor *terms);
#if defined(__x86_64__)
#define LOSS_PIECES { piece_float, piece_wide, piece_double }
#else
#define LOSS_PIECES { piece_float, piece_float, piece_double }
#endif
/* `type`, from the loops; more members may follow. */
#define LOSS_POINTWISE_TYPE(...)                                                                                       \
    WIDE(piece, (const loss_piece *k), (k))                                                                            \
    static const loss_pointwise type = { LOSS_PIECES, __VA_ARGS__ };
/* forward, backward, both and compose, the last from composed() of the file. */
#define LOSS_POINTWISE                                                                                                 \
    static luron_status forward(luron_call *c) { return loss_pointwise_forward(c, &type); }                            \
    static luron_status backward(luron_call *c) { return loss_pointwise_backward(c, &type); }                          \
    static luron_status both(luron_call *c) { return loss_pointwise_both(c, &type); }                                  \
    static luron_status compose(luron_call *c, const luron_ops *o) { return loss_pointwise_finish(c, o, composed(c, o)); }
#define LOSS_POINTWISE_MEMBERS                                                                                         \
    .flags = LURON_LAYER_F64 | LURON_LAYER_LOSS | LURON_LAYER_FREES_OUT, .setup = loss_pointwise_setup,                \
    .forward = forward, .backward = backward, .forward_backward = both, .compose = compose

/* ---- losses over classes: input (n, C, d...) or (C), class j of row i at (i / inner) C inner + j inner + i % inner -------- */
typedef struct classes {
    luron_call *c;
    const loss *o;
    int64_t rows, n, inner; /* rows = all but the classes; n classes */
    const void *x, *t, *w, *gy;
    const int64_t *ids;     /* the targets, where they are ids of 64 bits */
    void *each, *gx, *gt;
    double *lse;            /* log-sum-exp of each row, kept for backward */
    double *sums, scale, weight_sum, beta_x, beta_t;
    loss_chunk *terms, *slopes; /* of both at once */
} classes;
/* What stands in `ids` for a target that counts for nothing. */
static inline int64_t loss_ignored(const classes *k) {
    const int64_t ignored = k->o->ignore_index;
    return ignored < 0 || ignored == INT64_MAX ? ignored : ignored + k->c->index_base;
}
static inline int64_t loss_row_at(const classes *k, int64_t i) {
    return k->inner == 1 ? i * k->n : i / k->inner * k->n * k->inner + i % k->inner;
}
/* Rows from i on that lie beside each other in every class: places of one example. */
static inline int64_t loss_beside(const classes *k, int64_t i, int64_t end) {
    const int64_t rest = k->inner - i % k->inner;
    return end - i < rest ? end - i : rest;
}
/* Of rows that lie beside each other as many as are worth a run of exp. */
static inline int64_t loss_row_grain(const classes *k) {
    const int64_t least = k->inner < LOSS_PIECE ? k->inner : LOSS_PIECE, grain = 1 + 4096 / k->n;
    return grain < least ? least : grain;
}
/* The logarithm of a sum of exponentials of which one is 1: at least 1, or NaN. The way of Sun's fdlibm, within an ulp, without
 * branches, so that those of several rows are a vector. x = 2^k (1 + f), f from sqrt(1/2) - 1 to sqrt(2) - 1. */
INLINE double loss_log(double x) {
    const uint64_t half = (uint64_t)0x3fe6a09e << 32, one = (uint64_t)0x3ff00000 << 32, integer = (uint64_t)0x43300000 << 32;
    uint64_t bits;
    double k, f;
    memcpy(&bits, &x, sizeof bits);
    bits += one - half;
    const uint64_t part = (bits & (((uint64_t)1 << 52) - 1)) + half, exponent = bits >> 52 | integer;
    memcpy(&f, &part, sizeof f);
    memcpy(&k, &exponent, sizeof k);
    k -= 0x1p52 + 1023, f -= 1;
    const double s = f / (2 + f), z = s * s, w = z * z, square = 0.5 * f * f;
    const double even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
    const double odd = z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
    return s * (square + (even + odd)) + k * 1.90821492927058770002e-10 - square + f + k * 6.93147180369123816490e-01 + (x - x);
}
/** Check shapes; outputs, scratch, and saved[0]: as many doubles as rows + `extra`. */
luron_status loss_classes_setup(luron_call *c, int soft, int extra);
/** Fill k for forward or backward from the call. */
void loss_classes_open(classes *k, luron_call *c);
static inline classes loss_classes_of(luron_call *c) {
    classes k;
    loss_classes_open(&k, c);
    return k;
}
/** Run over rows in chunks that leave a sum each; their total. */
double loss_rows(classes *k, loss_chunk *fn);
/** Of targets that are ids: terms of all rows, and their slopes chunk by chunk behind them, unless NULL. saved[0] ends with
 *  the weights of the targets that count. */
luron_status loss_ids_forward(luron_call *c, loss_chunk *terms, loss_chunk *slopes);
luron_status loss_ids_backward(luron_call *c, loss_chunk *slopes);
/** k->lse of rows begin to end. */
void loss_put_lse(const classes *k, int64_t begin, int64_t end);
/** Put the result of forward in its place, unless each loss is kept. */
void loss_put(luron_call *c, double value);
/** Logarithms of the probabilities, as from_logits says. */
luron_tensor *loss_log_probabilities(luron_call *c, const luron_ops *o);
/** The same loss in ops from log-probabilities and target ids. */
luron_status loss_compose_ids(luron_call *c, const luron_ops *o, luron_tensor *logp);

#endif
