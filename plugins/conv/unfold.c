/* unfold.c -- Unfold and Fold (im2col and col2im), each the gradient of the other.
 * x (n, c, h, w) <-> blocks (n, c * kernel, places). Work is cut by planes of x; each place is summed in the order of
 * the taps. */
#ifndef REAL
#include "conv.h"
enum { GRAIN = 16384 };

typedef struct blocks {
    int unbatched;
    int64_t n, c, x[2], y[2], kernel[2], stride[2], padding[2], dilation[2], taps;
    const void *from;
    void *to;
    double beta;
} blocks;
#define REAL float
#define NAME(x) x##_float
#include "unfold.c"
#define REAL double
#define NAME(x) x##_double
#include "unfold.c"

/* What is Fold's: it alone has output_size. */
static int folds(const luron_call *c) { return ((const conv *)luron_options(c))->output_size.n > 0; }

/* Places of the kernel on an image of the sizes b->x. */
static luron_status count(luron_call *c, blocks *b) {
    const conv *o = luron_options(c);
    b->taps = conv_taps(o);
    for (int d = 0; d < 2; d++) {
        b->kernel[d] = o->kernel_size.at[d], b->stride[d] = o->stride.at[d], b->padding[d] = o->padding.at[d],
        b->dilation[d] = o->dilation.at[d];
        const int64_t wide = b->dilation[d] * (b->kernel[d] - 1) + 1, room = b->x[d] + 2 * b->padding[d] - wide;
        if (room < 0)
            return luron_fail(c, LURON_E_SHAPE, "%s %lld, %lld with padding: the kernel takes %lld%s",
                              folds(c) ? "output_size is" : "input has size", (long long)b->x[d],
                              (long long)(b->x[d] + 2 * b->padding[d]), (long long)wide,
                              b->dilation[d] > 1 ? " with its dilation" : "");
        b->y[d] = room / b->stride[d] + 1;
    }
    return LURON_OK;
}
static luron_status unfold_shapes(luron_call *c, blocks *b) {
    const int ndim = luron_in(c, 0)->ndim;
    const int64_t *sizes = luron_in(c, 0)->shape;
    int64_t rows;
    *b = (blocks){.unbatched = ndim == 3, .n = 1};
    if (ndim != 3 && ndim != 4)
        return luron_fail(c, LURON_E_SHAPE,
                          "input has %d dimensions, 4 expected, or 3 without a batch: (n, c, height, width)", ndim);
    if (ndim == 4) b->n = *sizes++;
    b->c = sizes[0], b->x[0] = sizes[1], b->x[1] = sizes[2];
    if (b->c < 1) return luron_fail(c, LURON_E_SHAPE, "input has no channels, 1 or more expected");
    LURON_TRY(count(c, b));
    if (__builtin_mul_overflow(b->c, b->taps, &rows))
        return luron_fail(c, LURON_E_SHAPE,
                          "%lld channels times %lld numbers of the kernel are more than an int64 can hold",
                          (long long)b->c, (long long)b->taps);
    return LURON_OK;
}
static luron_status fold_shapes(luron_call *c, blocks *b) {
    const int ndim = luron_in(c, 0)->ndim;
    const int64_t *sizes = luron_in(c, 0)->shape;
    const conv *o = luron_options(c);
    *b = (blocks){.unbatched = ndim == 2, .n = 1, .x = {o->output_size.at[0], o->output_size.at[1]}};
    if (ndim != 2 && ndim != 3)
        return luron_fail(c, LURON_E_SHAPE,
                          "input has %d dimensions, 3 expected, or 2 without a batch: (n, c * kernel, places)", ndim);
    if (ndim == 3) b->n = *sizes++;
    LURON_TRY(count(c, b));
    if (sizes[0] < 1 || sizes[0] % b->taps)
        return luron_fail(c, LURON_E_SHAPE, "input has %lld rows, a multiple of the kernel's %lld numbers expected",
                          (long long)sizes[0], (long long)b->taps);
    if (sizes[1] != b->y[0] * b->y[1])
        return luron_fail(c, LURON_E_SHAPE, "input has %lld places, the kernel has %lld x %lld on output_size",
                          (long long)sizes[1], (long long)b->y[0], (long long)b->y[1]);
    b->c = sizes[0] / b->taps;
    return LURON_OK;
}
static luron_status open(luron_call *c, blocks *b) { return folds(c) ? fold_shapes(c, b) : unfold_shapes(c, b); }

/* Blocks of an image, or the image of blocks. */
static void run(luron_call *c, blocks *b, int sums, const luron_view *from, luron_view *to) {
    void (*fn)(void *, int64_t, int64_t, int64_t) = c->dtype == LURON_F64 ? take_double : take_float;
    if (sums) fn = c->dtype == LURON_F64 ? give_double : give_float;
    b->from = luron_data(from), b->to = luron_data(to);
    c->host->parallel_for(c, b->n * b->c, GRAIN / (b->taps * b->y[0] * b->y[1] + b->x[0] * b->x[1]) + 1, fn, b);
}
static luron_status setup(luron_call *c) {
    blocks b;
    LURON_TRY(open(c, &b));
    const int64_t columns[3] = {b.n, b.c * b.taps, b.y[0] * b.y[1]}, image[4] = {b.n, b.c, b.x[0], b.x[1]};
    return c->host->set_out(c, 0, LURON_REAL, (folds(c) ? 4 : 3) - b.unbatched,
                            (folds(c) ? image : columns) + b.unbatched);
}
static luron_status forward(luron_call *c) {
    blocks b;
    LURON_TRY(open(c, &b));
    run(c, &b, folds(c), luron_in(c, 0), luron_out(c, 0));
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    blocks b;
    LURON_TRY(open(c, &b));
    luron_view *gx = luron_grad_in_beta(c, 0, &b.beta);
    if (gx) run(c, &b, !folds(c), luron_grad_out(c, 0), gx);
    return LURON_OK;
}

/* ---- in ops ------------------------------------------------------------------------------------------------------ */
static luron_status unfold_compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0);
    blocks b;
    LURON_TRY(open(c, &b));
    const int64_t padded[2] = {b.x[0] + 2 * b.padding[0], b.x[1] + 2 * b.padding[1]},
                  flat[3] = {b.n, b.c, padded[0] * padded[1]};
    const int64_t shape[3] = {b.n, b.c * b.taps, b.y[0] * b.y[1]};
    x = o->reshape(c, o->pad(c, x, 2, b.padding, b.padding, 0), 3, flat);
    x = o->index_select(c, x, 2, conv_ids(c, o, 2, b.y, padded));
    return o->set_out(c, 0, o->reshape(c, x, 3 - b.unbatched, shape + b.unbatched));
}
static luron_status fold_compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0);
    blocks b;
    LURON_TRY(open(c, &b));
    const int64_t padded[2] = {b.x[0] + 2 * b.padding[0], b.x[1] + 2 * b.padding[1]};
    const int64_t each[3] = {b.n, b.c, b.taps * b.y[0] * b.y[1]}, shape[4] = {b.n, b.c, b.x[0], b.x[1]};
    x = conv_added(c, o, o->reshape(c, x, 3, each), 2, b.y, padded);
    for (int d = 0; d < 2; d++)
        x = o->narrow(c, x, d + 2, b.padding[d], b.x[d]);
    return o->set_out(c, 0, o->reshape(c, x, 4 - b.unbatched, shape + b.unbatched));
}

#define OPTIONS                                                                                                        \
    LURON_OPT_INTS_REQ(conv, kernel_size, 1, 1e6, 2, 2, "size of the blocks"),                                         \
        LURON_OPT_INTS(conv, dilation, 1, 1, 1e6, 2, 2, "distance of the numbers of a block"),                         \
        LURON_OPT_INTS(conv, padding, 0, 0, 1e6, 2, 2, "zeros on both sides of the image"),                            \
        LURON_OPT_INTS(conv, stride, 1, 1, 1e6, 2, 2, "step from block to block"), NULL
static const luron_option *const unfold_options[] = {OPTIONS};
static const luron_option *const fold_options[] = {
    LURON_OPT_INTS_REQ(conv, output_size, 1, 1e6, 2, 2, "height and width of the image"), OPTIONS};
static const luron_port *const unfold_in[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(n, c, height, width)"), NULL};
static const luron_port *const fold_in[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(n, c * kernel, places)"), NULL};
#define TYPE(type_name, text, part)                                                                                    \
    {.struct_size = sizeof(luron_layer_type),                                                                          \
     .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_IN | LURON_LAYER_FREES_OUT,                                          \
     .name = type_name,                                                                                                \
     .doc = text,                                                                                                      \
     .options = part##_options,                                                                                        \
     .options_size = sizeof(conv),                                                                                     \
     .in = part##_in,                                                                                                  \
     .setup = setup,                                                                                                   \
     .forward = forward,                                                                                               \
     .backward = backward,                                                                                             \
     .compose = part##_compose}
const luron_layer_type conv_unfold =
    TYPE("Unfold", "the blocks that a kernel takes of an image, as columns (n, c * kernel, places)", unfold);
const luron_layer_type conv_folded = TYPE("Fold", "the sum of blocks where they lie in an image", fold);
#else
/* Places i of [0, n) for which step * i + first lies within [0, size): from *lo to before *hi. */
static void NAME(span)(int64_t first, int64_t step, int64_t n, int64_t size, int64_t *lo, int64_t *hi) {
    *lo = first < 0 ? (-first + step - 1) / step : 0;
    *hi = first >= size ? 0 : (size - 1 - first) / step + 1;
    if (*lo > n) *lo = n;
    if (*hi > n) *hi = n;
    if (*hi < *lo) *hi = *lo;
}
/* One tap over one plane: its lines of y[0] x y[1] places; what lies beside the image is 0. */
static void NAME(take_tap)(const blocks *b, const REAL *x, int64_t at, REAL *to) {
    const int64_t top = at / b->kernel[1] * b->dilation[0] - b->padding[0],
                  left = at % b->kernel[1] * b->dilation[1] - b->padding[1];
    const int64_t step = b->stride[1], width = b->y[1];
    int64_t lo, hi;
    NAME(span)(left, step, width, b->x[1], &lo, &hi);
    for (int64_t i = 0; i < b->y[0]; i++, to += width) {
        const int64_t line = top + i * b->stride[0], inside = line >= 0 && line < b->x[0];
        const int64_t begin = inside ? lo : 0, end = inside ? hi : 0;
        const REAL *from = x + (inside ? line * b->x[1] : 0);
        if (b->beta != 0) {
            for (int64_t j = begin; j < end; j++)
                to[j] += from[left + j * step];
            continue;
        }
        for (int64_t j = 0; j < begin; j++)
            to[j] = 0;
        if (step == 1)
            for (int64_t j = begin; j < end; j++)
                to[j] = from[left + j];
        else
            for (int64_t j = begin; j < end; j++)
                to[j] = from[left + j * step];
        for (int64_t j = end; j < width; j++)
            to[j] = 0;
    }
}
static void NAME(take)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const blocks *b = arg;
    const int64_t places = b->y[0] * b->y[1];
    (void)chunk;
    for (int64_t plane = begin; plane < end; plane++)
        for (int64_t k = 0; k < b->taps; k++)
            NAME(take_tap)(b, (const REAL *)b->from + plane * b->x[0] * b->x[1], k,
                           (REAL *)b->to + (plane * b->taps + k) * places);
}
static void NAME(give_tap)(const blocks *b, const REAL *from, int64_t at, REAL *x) {
    const int64_t top = at / b->kernel[1] * b->dilation[0] - b->padding[0],
                  left = at % b->kernel[1] * b->dilation[1] - b->padding[1];
    const int64_t step = b->stride[1];
    int64_t lo, hi;
    NAME(span)(left, step, b->y[1], b->x[1], &lo, &hi);
    for (int64_t i = 0; i < b->y[0]; i++, from += b->y[1]) {
        const int64_t line = top + i * b->stride[0];
        if (line < 0 || line >= b->x[0]) continue;
        REAL *to = x + line * b->x[1];
        for (int64_t j = lo; j < hi; j++)
            to[left + j * step] += from[j];
    }
}
static void NAME(give)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const blocks *b = arg;
    const int64_t places = b->y[0] * b->y[1], size = b->x[0] * b->x[1];
    (void)chunk;
    for (int64_t plane = begin; plane < end; plane++) {
        REAL *x = (REAL *)b->to + plane * size;
        for (int64_t i = 0; i < size && b->beta == 0; i++)
            x[i] = 0;
        for (int64_t k = 0; k < b->taps; k++)
            NAME(give_tap)(b, (const REAL *)b->from + (plane * b->taps + k) * places, k, x);
    }
}
#undef NAME
#undef REAL
#endif
