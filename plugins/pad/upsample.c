/* upsample.c -- other sizes for sequences (n, c, w), images (n, c, h, w) and volumes (n, c, d, h, w): PyTorch's
 * Upsample, which makes smaller ones too. */
#include "pad.h"
typedef struct upsample {
    luron_ints size;
    luron_floats scale_factor; /* none, or one that is 0: not given */
    int32_t mode, align_corners, recompute_scale_factor;
} upsample;
static const char *const modes[] = {"nearest",   "nearest-exact", "linear", "bilinear",
                                    "trilinear", "bicubic",       "area",   NULL};
enum { NEAREST, EXACT, LINEAR, BILINEAR, TRILINEAR, BICUBIC, AREA };

static luron_status check_rank(luron_call *c, int ndim, int mode) {
    const int wanted = mode == LINEAR ? 3 : mode == BILINEAR || mode == BICUBIC ? 4 : mode == TRILINEAR ? 5 : 0;
    if (ndim < 3 || ndim > 5)
        return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, 3 to 5 expected: (n, c, ...)", ndim);
    if (!wanted || ndim == wanted) return LURON_OK;
    return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, mode '%s' takes %d: (n, c, %s)", ndim, modes[mode],
                      wanted,
                      wanted == 3   ? "length"
                      : wanted == 4 ? "height, width"
                                    : "depth, height, width");
}
static luron_status check_options(luron_call *c, const upsample *o, int mode, int aligned) {
    if ((o->size.n > 0) == (o->scale_factor.n > 1 || (o->scale_factor.n == 1 && o->scale_factor.at[0] > 0)))
        return luron_fail(c, LURON_E_ARGUMENT, "size or scale_factor has to be given%s",
                          o->size.n > 0 ? ", not both" : "");
    if (aligned && (mode == NEAREST || mode == EXACT || mode == AREA))
        return luron_fail(c, LURON_E_ARGUMENT,
                          "align_corners goes with linear, bilinear, trilinear and bicubic, mode is '%s'", modes[mode]);
    return LURON_OK;
}

/* Rows of the table below go by PyTorch's rules: a scale_factor is the scale itself, unless it is computed anew from
 * the sizes. */
static luron_status open_as(luron_call *c, int ndim, const int64_t *sizes, pad *p, int mode, int aligned) {
    static const int of[] = {PAD_NEAREST, PAD_NEAREST_EXACT, PAD_LINEAR, PAD_LINEAR, PAD_LINEAR, PAD_CUBIC, PAD_AREA};
    const upsample *o = luron_options(c);
    LURON_TRY(check_rank(c, ndim, mode));
    LURON_TRY(pad_begin(c, ndim, sizes, ndim - 2, p));
    if (o->size.n > 1 && o->size.n != p->dims)
        return luron_fail(c, LURON_E_SHAPE, "size has %lld numbers, the input %d dimensions behind (n, c)",
                          (long long)o->size.n, p->dims);
    if (!o->size.n && o->scale_factor.n > 1 && o->scale_factor.n != p->dims)
        return luron_fail(c, LURON_E_SHAPE, "scale_factor has %lld numbers, the input %d dimensions behind (n, c)",
                          (long long)o->scale_factor.n, p->dims);
    p->mode = of[mode];
    for (int k = 0; k < p->dims; k++) {
        pad_axis *a = pad_axis_of(p, k);
        const int scaled = !o->size.n && !o->recompute_scale_factor;
        const double factor = o->scale_factor.at[o->scale_factor.n > 1 ? k : 0];
        a->out = o->size.n ? o->size.at[o->size.n > 1 ? k : 0] : (int64_t)((double)a->in * factor);
        a->aligned = aligned;
        if (a->out < 1) continue; /* refused with its size */
        a->scale = aligned  ? a->out > 1 ? (double)(a->in - 1) / (double)(a->out - 1) : 0
                   : scaled ? 1 / factor
                            : (double)a->in / (double)a->out;
        if (p->mode == PAD_LINEAR && a->out == a->in) a->scale = 1; /* as in PyTorch, whatever scale_factor says */
        a->taps = p->mode == PAD_LINEAR  ? 2
                  : p->mode == PAD_CUBIC ? 4
                  : p->mode == PAD_AREA  ? (a->in + a->out - 1) / a->out + 1
                                         : 1;
    }
    return LURON_OK;
}
static luron_status declare(luron_call *c) {
    const upsample *o = luron_options(c);
    return check_options(c, o, o->mode, o->align_corners);
}
static luron_status declare_plain(luron_call *c) { return check_options(c, luron_options(c), BILINEAR, 0); }
static luron_status any(luron_call *c, int ndim, const int64_t *sizes, pad *p) {
    const upsample *o = luron_options(c);
    return open_as(c, ndim, sizes, p, o->mode, o->align_corners);
}
static luron_status nearest(luron_call *c, int ndim, const int64_t *sizes, pad *p) {
    return open_as(c, ndim, sizes, p, NEAREST, 0);
}
static luron_status bilinear(luron_call *c, int ndim, const int64_t *sizes, pad *p) {
    return open_as(c, ndim, sizes, p, BILINEAR, 1);
}
PAD_FUNCTIONS(any)
PAD_FUNCTIONS(nearest)
PAD_FUNCTIONS(bilinear)

#define SIZE(n) LURON_OPT_INTS(upsample, size, 0, 1, 1e6, 0, n, "of the output, one number for all dims or one a dim")
#define SCALE(n)                                                                                                       \
    LURON_OPT_FLOATS(upsample, scale_factor, 0, 0, 1e6, 0, n,                                                          \
                     "in place of size: output places an input place, one number for all dims or one a dim")
static const luron_option *const options[] = {
    SIZE(3),
    SCALE(3),
    LURON_OPT_CHOICE(upsample, mode, "nearest", modes, "how places between are made"),
    LURON_OPT_BOOL(upsample, align_corners, 0, "the middles of the corners stay where they are, not their outer sides"),
    LURON_OPT_BOOL(upsample, recompute_scale_factor, 0, "the scale is what the sizes make of scale_factor"),
    NULL};
static const luron_option *const plain[] = {SIZE(2), SCALE(2), NULL};
static const luron_port *const in[] = {
    LURON_PORT("input", 0, LURON_REAL, 0, "(n, c, length), (n, c, height, width) or (n, c, depth, height, width)"),
    NULL};
static const luron_port *const in2[] = {LURON_PORT("input", 0, LURON_REAL, 4, "(n, c, height, width)"), NULL};
const luron_layer_type pad_upsample = PAD_CHECKED("Upsample", "interpolate", "another size, by what lies near", options,
                                                  sizeof(upsample), in, declare, any);
const luron_layer_type pad_nearest2d =
    PAD_CHECKED("UpsamplingNearest2d", NULL, "another size of images, each number the nearest one", plain,
                sizeof(upsample), in2, declare_plain, nearest);
const luron_layer_type pad_bilinear2d =
    PAD_CHECKED("UpsamplingBilinear2d", NULL, "another size of images, between four numbers; align_corners is true",
                plain, sizeof(upsample), in2, declare_plain, bilinear);
