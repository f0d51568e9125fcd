/* pad.c -- the plugin: paddings, crops, upsampling and shuffles with the names, options and numbers of PyTorch's
 * (crops: Keras's), and the places of the input that a place of the output is made of. */
#include "pad.h"

#define LISTED(id) &pad_##id,
static const luron_layer_type *const layers[] = {PADS(LISTED) NULL};
LURON_PLUGIN_DEFINE(pad) = {.struct_size = sizeof(luron_plugin),
                            .abi_major = LURON_ABI_MAJOR,
                            .name = "pad",
                            .version = "0.1.0",
                            .layers = layers};

const luron_port *const pad_in1[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(..., length)"), NULL};
const luron_port *const pad_in2[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(..., height, width)"), NULL};
const luron_port *const pad_in3[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(..., depth, height, width)"), NULL};

luron_status pad_begin(luron_call *c, int ndim, const int64_t *sizes, int dims, pad *p) {
    if (ndim < dims)
        return luron_fail(c, LURON_E_SHAPE, "input has %d dimension%s, at least %d expected: (..., %s)", ndim,
                          ndim == 1 ? "" : "s", dims,
                          dims == 1   ? "length"
                          : dims == 2 ? "height, width"
                                      : "depth, height, width");
    p->dims = dims, p->ndim = ndim, p->planes = 1;
    for (int d = 0; d < PAD_DIMS; d++)
        p->axis[d] = (pad_axis){.in = 1, .out = 1, .taps = 1, .scale = 1};
    for (int i = 0; i < ndim - dims; i++)
        p->planes *= sizes[i];
    for (int k = 0; k < dims; k++)
        if ((pad_axis_of(p, k)->in = sizes[ndim - dims + k]) < 1)
            return luron_fail(c, LURON_E_SHAPE, "input has size 0 in dimension %lld, at least 1 expected",
                              (long long)luron_shown(c, ndim - dims + k));
    return LURON_OK;
}

/* ---- places ------------------------------------------------------------------------------------------------------ */
/* The place of an axis that stands at place i of the output; -1: none. Reflections are about the ends of the input,
 * also where the other end is cut; circles are of what is left of it (PyTorch's). */
static int64_t border_place(int mode, const pad_axis *a, int64_t i) {
    const int64_t k = i - a->before, cut = a->before < 0 ? -a->before : 0;
    const int64_t end = a->in - (a->after < 0 ? -a->after : 0);
    if (mode == PAD_CIRCULAR) return k < cut ? k + end - cut : k >= end ? k - end + cut : k;
    if (k >= 0 && k < a->in) return k;
    if (mode == PAD_CONSTANT) return -1;
    if (mode == PAD_REPLICATE) return k < 0 ? 0 : a->in - 1;
    return k < 0 ? -k : 2 * (a->in - 1) - k;
}

/* Where the middle of output place i lies in the input. For the nearest place it is rounded as in PyTorch, in the
 * precision of the numbers and with one rounding for product and sum; weights have no such steps. */
static double source(const pad_axis *a, int64_t i, double shift) { return fma(a->scale, (double)i + shift, -shift); }
static double rounded_source(const luron_call *c, const pad_axis *a, int64_t i, double shift) {
    if (c->dtype == LURON_F64) return source(a, i, shift);
    return fmaf((float)a->scale, (float)i + (float)shift, -(float)shift);
}
static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }
static double within(double x, double lo, double hi) { return x < lo ? lo : x > hi ? hi : x; }

/* Keys's cubic with a = -0.75, as in PyTorch: the weight of a place so far away. */
static double cubic(double x) {
    const double a = -0.75;
    x = fabs(x);
    return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}

static void area_taps(const pad_axis *a, int64_t i, pad_taps *to) {
    const int64_t lo = i * a->in / a->out, hi = ((i + 1) * a->in + a->out - 1) / a->out;
    to->n = hi - lo, to->at[0] = lo, to->weight[0] = 1 / (double)(hi - lo);
}

/* Two places about the middle, or four, those beside the input moved to its ends. */
static void weighed_taps(int mode, const pad_axis *a, int64_t i, pad_taps *to) {
    double at = source(a, i, a->aligned ? 0 : 0.5);
    if (mode == PAD_LINEAR) at = within(at, 0, (double)(a->in - 1));
    const int64_t first = (int64_t)floor(at) - (mode == PAD_CUBIC);
    const double part = at - floor(at);
    to->n = mode == PAD_CUBIC ? 4 : 2;
    for (int t = 0; t < to->n; t++) {
        to->at[t] = first + t < 0 ? 0 : at_most(first + t, a->in - 1);
        to->weight[t] = mode == PAD_CUBIC ? cubic(part + 1 - t) : t ? part : 1 - part;
    }
}

void pad_taps_of(const luron_call *c, const pad *p, int d, int64_t i, pad_taps *to) {
    const pad_axis *a = &p->axis[d];
    *to = (pad_taps){.n = 1, .at = {i}, .weight = {1}};
    if (d < PAD_DIMS - p->dims) return;
    switch (p->mode) {
    case PAD_NEAREST:
        to->at[0] = at_most((int64_t)floorf((float)rounded_source(c, a, i, 0)), a->in - 1);
        return;
    case PAD_NEAREST_EXACT:
        to->at[0] =
            at_most((int64_t)floorf((float)(within(rounded_source(c, a, i, 0.5), 0, (double)a->in) + 0.5)), a->in - 1);
        return;
    case PAD_LINEAR:
    case PAD_CUBIC:
        weighed_taps(p->mode, a, i, to);
        return;
    case PAD_AREA:
        area_taps(a, i, to);
        return;
    default:
        to->at[0] = border_place(p->mode, a, i);
    }
}
