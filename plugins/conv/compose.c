/* compose.c -- the convolution in ops, for second derivatives: a matrix product for each tap of the kernel, added in order. */
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

/* What tap number `at` reads, as (n, groups, channels of a group, pixels). */
static luron_tensor *taken(luron_call *c, const luron_ops *o, const conv_shapes *s, luron_tensor *x, int64_t at) {
    const conv *opt = luron_options(c);
    int64_t pixels = 1;
    for (int d = s->dims - 1; d >= 0; d--) {
        const int64_t k = at % opt->kernel_size.at[d];
        at /= opt->kernel_size.at[d];
        pixels *= s->y[d + 2];
        x = o->slice(c, x, d + 2, k * opt->dilation.at[d], (s->y[d + 2] - 1) * opt->stride.at[d] + 1, opt->stride.at[d]);
    }
    const int64_t shape[4] = { s->x[0], opt->groups, opt->in_channels / opt->groups, pixels };
    return o->reshape(c, x, 4, shape);
}

luron_status conv_compose(luron_call *c, const luron_ops *o) {
    const conv *opt = luron_options(c);
    luron_tensor *x = o->in(c, 0), *w = o->param(c, CONV_WEIGHT), *y = NULL;
    int64_t sizes[5], taps = 1;
    conv_shapes s;
    for (int i = 0; i < o->ndim(c, x) && i < 5; i++) sizes[i] = o->size(c, x, i);
    LURON_TRY(conv_shapes_of(c, o->ndim(c, x), sizes, &s));
    if (s.unbatched) x = o->unsqueeze(c, x, 0);
    if (!s.copies) x = o->pad(c, x, s.dims, s.before, s.after, 0);
    for (int d = 0; d < s.dims && s.copies; d++) x = with_border(c, o, x, d + 2, s.before[d], s.after[d]);
    for (int d = 0; d < s.dims; d++) taps *= opt->kernel_size.at[d];
    const int64_t each[4] = { opt->groups, opt->out_channels / opt->groups, opt->in_channels / opt->groups, taps };
    w = o->reshape(c, w, 4, each);
    for (int64_t k = 0; k < taps; k++) {
        luron_tensor *product = o->matmul(c, o->select(c, w, 3, k), taken(c, o, &s, x, k), 0);
        y = y ? o->add(c, y, product) : product;
    }
    y = o->reshape(c, y, s.dims + 2, s.y);
    if (o->param(c, CONV_BIAS)) {
        const int64_t channels[4] = { opt->out_channels, 1, 1, 1 };
        y = o->add(c, y, o->reshape(c, o->param(c, CONV_BIAS), s.dims + 1, channels));
    }
    return o->set_out(c, 0, s.unbatched ? o->squeeze(c, y, 0) : y);
}
