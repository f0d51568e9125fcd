/* compose.c -- convolutions in ops, for second derivatives: a matrix product for each tap of the kernel, added in order. */
#include "conv.h"

/* x with a border along `dim`, of the kind that the options say. */
static luron_tensor *with_border(luron_call *c, const luron_ops *o, luron_tensor *x, int dim, int64_t before, int64_t after) {
    const int mode = ((const conv *)luron_options(c))->padding_mode;
    const int64_t size = o->size(c, x, dim);
    luron_tensor *parts[3] = { NULL, x, NULL };
    int64_t shape[5];
    if (mode == CONV_REPLICATE)
        for (int i = 0; i < o->ndim(c, x); i++) shape[i] = -1;
    for (int side = 0; side < 2; side++) {
        const int64_t n = side ? after : before;
        if (n == 0) continue;
        if (mode == CONV_REPLICATE) {
            shape[dim] = n;
            parts[2 * side] = o->expand(c, o->narrow(c, x, dim, side ? size - 1 : 0, 1), o->ndim(c, x), shape);
        } else if (mode == CONV_REFLECT)
            parts[2 * side] = o->flip(c, o->narrow(c, x, dim, side ? size - 1 - n : 1, n), 1, &dim);
        else
            parts[2 * side] = o->narrow(c, x, dim, side ? 0 : size - n, n);
    }
    if (!parts[0]) return after ? o->cat(c, 2, parts + 1, dim) : x;
    return o->cat(c, after ? 3 : 2, parts, dim);
}

int64_t conv_taps(const conv *o) {
    int64_t taps = 1;
    for (int d = 0; d < o->kernel_size.n; d++) taps *= o->kernel_size.at[d];
    return taps;
}

luron_status conv_opened(luron_tensor **out, luron_call *c, const luron_ops *o, conv_shapes *s) {
    luron_tensor *x = o->in(c, 0);
    LURON_TRY(conv_shapes_of(c, luron_in(c, 0)->ndim, luron_in(c, 0)->shape, s));
    if (s->unbatched) x = o->unsqueeze(c, x, 0);
    if (!s->copies) x = o->pad(c, x, s->dims, s->before, s->after, 0);
    for (int d = 0; d < s->dims && s->copies; d++) x = with_border(c, o, x, d + 2, s->before[d], s->after[d]);
    *out = x;
    return LURON_OK;
}

/* Along the last `dims` dims, what tap number `at` of the kernel reads of x, `sizes` numbers a dim. */
static luron_tensor *tap(luron_call *c, const luron_ops *o, luron_tensor *x, int dims, int64_t at, const int64_t *sizes) {
    const conv *opt = luron_options(c);
    const int first = o->ndim(c, x) - dims;
    for (int d = dims - 1; d >= 0; d--) {
        const int64_t k = at % opt->kernel_size.at[d], step = opt->stride.at[d];
        at /= opt->kernel_size.at[d];
        x = o->slice(c, x, first + d, k * opt->dilation.at[d], (sizes[d] - 1) * step + 1, step);
    }
    return x;
}

luron_tensor *conv_product(luron_call *c, const luron_ops *o, const conv_shapes *s, luron_tensor *x, luron_tensor *w, int64_t groups, int64_t out_channels) {
    const conv *opt = luron_options(c);
    const int64_t each[4] = { groups, out_channels / groups, opt->in_channels / groups, conv_taps(opt) };
    int64_t read[4] = { s->x[0], groups, opt->in_channels / groups, 1 }, sizes[5] = { s->x[0], out_channels };
    luron_tensor *y = NULL;
    for (int d = 0; d < s->dims; d++) read[3] *= sizes[d + 2] = s->y[d + 2];
    w = o->reshape(c, w, 4, each);
    for (int64_t k = 0; k < each[3]; k++) {
        luron_tensor *taken = o->reshape(c, tap(c, o, x, s->dims, k, s->y + 2), 4, read);
        luron_tensor *product = o->matmul(c, o->select(c, w, 3, k), taken, 0);
        y = y ? o->add(c, y, product) : product;
    }
    return o->reshape(c, y, s->dims + 2, sizes);
}

luron_tensor *conv_with_bias(luron_call *c, const luron_ops *o, luron_tensor *y, luron_tensor *bias) {
    if (!bias) return y;
    const int64_t channels[4] = { o->size(c, bias, 0), 1, 1, 1 };
    return o->add(c, y, o->reshape(c, bias, o->ndim(c, y) - 1, channels));
}

/* 0, times, 2 times ... as dim `dim` of 6; exact, whatever the layer's dtype. */
static luron_tensor *steps(luron_call *c, const luron_ops *o, int dim, int64_t n, int64_t times) {
    const int64_t one[1] = { 1 }, size[1] = { n };
    int64_t shape[6] = { 1, 1, 1, 1, 1, 1 };
    shape[dim] = n;
    luron_tensor *ones = o->expand(c, o->reshape(c, o->cast(c, o->scalar(c, 1), LURON_F64), 1, one), 1, size);
    return o->reshape(c, o->scale(c, o->cumsum(c, ones, 0), (double)times, -(double)times), 6, shape);
}
luron_tensor *conv_ids(luron_call *c, const luron_ops *o, int dims, const int64_t *places, const int64_t *sizes) {
    const conv *opt = luron_options(c);
    const int64_t flat[1] = { -1 };
    luron_tensor *ids = o->cast(c, o->scalar(c, (double)c->index_base), LURON_F64);
    int64_t line = 1;
    for (int d = dims - 1; d >= 0; line *= sizes[d--]) {
        ids = o->add(c, ids, steps(c, o, d, opt->kernel_size.at[d], opt->dilation.at[d] * line));
        ids = o->add(c, ids, steps(c, o, 3 + d, places[d], opt->stride.at[d] * line));
    }
    return o->cast(c, o->reshape(c, ids, 1, flat), LURON_I64);
}

luron_tensor *conv_added(luron_call *c, const luron_ops *o, luron_tensor *blocks, int dims, const int64_t *places, const int64_t *sizes) {
    int64_t shape[5] = { o->size(c, blocks, 0), o->size(c, blocks, 1), 1 };
    const int64_t one[3] = { 1, 1, 1 };
    for (int d = 0; d < dims; d++) shape[2] *= sizes[d];
    luron_tensor *zeros = o->contiguous(c, o->expand(c, o->reshape(c, o->scalar(c, 0), 3, one), 3, shape));
    luron_tensor *sum = o->index_add(c, zeros, 2, conv_ids(c, o, dims, places, sizes), blocks);
    for (int d = 0; d < dims; d++) shape[d + 2] = sizes[d];
    return o->reshape(c, sum, dims + 2, shape);
}
