/* pixels.c -- composites that move numbers between channels and places: PixelShuffle, PixelUnshuffle, ChannelShuffle.
 */
#include "pad.h"
typedef struct pixels {
    int64_t upscale_factor, downscale_factor, groups;
} pixels;

/* x (..., c, h, w) as (planes, its sizes): `shape` gets the sizes of x. */
static luron_status open_image(luron_call *c, const luron_ops *o, luron_tensor *x, int64_t *shape, int64_t *planes) {
    const int ndim = o->ndim(c, x);
    if (ndim < 3)
        return luron_fail(c, LURON_E_SHAPE, "input has %d dimension%s, at least 3 expected: (..., c, height, width)",
                          ndim, ndim == 1 ? "" : "s");
    *planes = 1;
    for (int i = 0; i < ndim; i++)
        shape[i] = o->size(c, x, i);
    for (int i = 0; i < ndim - 3; i++)
        *planes *= shape[i];
    return LURON_OK;
}
static luron_status multiple(luron_call *c, const char *what, int64_t size, const char *of, int64_t n) {
    if (size % n == 0) return LURON_OK;
    return luron_fail(c, LURON_E_SHAPE, "input has %s %lld, a multiple of %s, %lld, expected", what, (long long)size,
                      of, (long long)n);
}

static luron_status shuffle(luron_call *c, const luron_ops *o) {
    const int64_t r = ((const pixels *)luron_options(c))->upscale_factor;
    luron_tensor *x = o->in(c, 0);
    const int ndim = o->ndim(c, x), order[] = {0, 1, 4, 2, 5, 3};
    int64_t shape[8], planes;
    LURON_TRY(open_image(c, o, x, shape, &planes));
    int64_t *image = shape + ndim - 3;
    LURON_TRY(multiple(c, "channels", image[0], "upscale_factor squared", r * r));
    const int64_t parts[] = {planes, image[0] / (r * r), r, r, image[1], image[2]};
    image[0] = parts[1], image[1] *= r, image[2] *= r;
    return o->set_out(c, 0, o->reshape(c, o->permute(c, o->reshape(c, x, 6, parts), 6, order), ndim, shape));
}
static luron_status unshuffle(luron_call *c, const luron_ops *o) {
    const int64_t r = ((const pixels *)luron_options(c))->downscale_factor;
    luron_tensor *x = o->in(c, 0);
    const int ndim = o->ndim(c, x), order[] = {0, 1, 3, 5, 2, 4};
    int64_t shape[8], planes;
    LURON_TRY(open_image(c, o, x, shape, &planes));
    int64_t *image = shape + ndim - 3;
    LURON_TRY(multiple(c, "height", image[1], "downscale_factor", r));
    LURON_TRY(multiple(c, "width", image[2], "downscale_factor", r));
    const int64_t parts[] = {planes, image[0], image[1] / r, r, image[2] / r, r};
    image[0] *= r * r, image[1] = parts[2], image[2] = parts[4];
    return o->set_out(c, 0, o->reshape(c, o->permute(c, o->reshape(c, x, 6, parts), 6, order), ndim, shape));
}
static luron_status channels(luron_call *c, const luron_ops *o) {
    const int64_t groups = ((const pixels *)luron_options(c))->groups;
    luron_tensor *x = o->in(c, 0);
    const int ndim = o->ndim(c, x);
    int64_t shape[8], rest = 1;
    if (ndim < 3)
        return luron_fail(c, LURON_E_SHAPE, "input has %d dimension%s, at least 3 expected: (n, c, ...)", ndim,
                          ndim == 1 ? "" : "s");
    for (int i = 0; i < ndim; i++)
        shape[i] = o->size(c, x, i);
    for (int i = 2; i < ndim; i++)
        rest *= shape[i];
    LURON_TRY(multiple(c, "channels", shape[1], "groups", groups));
    const int64_t parts[] = {shape[0], groups, shape[1] / groups, rest};
    return o->set_out(c, 0, o->reshape(c, o->transpose(c, o->reshape(c, x, 4, parts), 1, 2), ndim, shape));
}

static const luron_option *const up[] = {LURON_OPT_INT_REQ(pixels, upscale_factor, 1, 1e4, "times as high and wide"),
                                         NULL};
static const luron_option *const down[] = {
    LURON_OPT_INT_REQ(pixels, downscale_factor, 1, 1e4, "part of the height and width"), NULL};
static const luron_option *const sets[] = {
    LURON_OPT_INT_REQ(pixels, groups, 1, 1e9, "sets of channels, of which one each in turn follows"), NULL};
static const luron_port *const in[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(..., c, height, width)"), NULL};
static const luron_port *const in_any[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(n, c, ...)"), NULL};
#define TYPE(type_name, function_name, text, opts, ports, fn)                                                          \
    {.struct_size = sizeof(luron_layer_type),                                                                          \
     .flags = LURON_LAYER_F64,                                                                                         \
     .name = type_name,                                                                                                \
     .function = function_name,                                                                                        \
     .doc = text,                                                                                                      \
     .options = opts,                                                                                                  \
     .options_size = sizeof(pixels),                                                                                   \
     .in = ports,                                                                                                      \
     .compose = fn}
const luron_layer_type pad_pixel_shuffle =
    TYPE("PixelShuffle", "pixel_shuffle", "channels become places: (..., c r^2, h, w) to (..., c, h r, w r)", up, in,
         shuffle);
const luron_layer_type pad_pixel_unshuffle =
    TYPE("PixelUnshuffle", "pixel_unshuffle", "places become channels: (..., c, h r, w r) to (..., c r^2, h, w)", down,
         in, unshuffle);
const luron_layer_type pad_channel_shuffle =
    TYPE("ChannelShuffle", "channel_shuffle", "the channels of groups take turns", sets, in_any, channels);
