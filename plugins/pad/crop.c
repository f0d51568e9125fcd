/* crop.c -- Keras's crops: numbers taken from both ends of dims, or all but the middle. */
#include "pad.h"
typedef struct crop {
    luron_ints cropping; /* the first dim's before and after first, as in Keras */
    int64_t height, width;
} crop;

static luron_status cropping(luron_call *c, int ndim, const int64_t *sizes, pad *p) {
    const luron_ints *given = &((const crop *)luron_options(c))->cropping;
    LURON_TRY(pad_begin(c, ndim, sizes, (int)(given->n / 2), p));
    for (int k = 0; k < p->dims; k++) {
        pad_axis *a = pad_axis_of(p, k);
        a->before = -given->at[2 * k], a->after = -given->at[2 * k + 1];
        a->out = a->in + a->before + a->after;
    }
    return LURON_OK;
}
static luron_status center(luron_call *c, int ndim, const int64_t *sizes, pad *p) {
    const crop *o = luron_options(c);
    LURON_TRY(pad_begin(c, ndim, sizes, 2, p));
    for (int k = 0; k < 2; k++) {
        pad_axis *a = pad_axis_of(p, k);
        a->out = k ? o->width : o->height;
        if (a->out > a->in)
            return luron_fail(c, LURON_E_SHAPE, "input has %s %lld, %lld expected or more", k ? "width" : "height",
                              (long long)a->in, (long long)a->out);
        a->before = -((a->in - a->out) / 2), a->after = a->out - a->in - a->before;
    }
    return LURON_OK;
}
PAD_FUNCTIONS(cropping)
PAD_FUNCTIONS(center)

#define CROPPING(n, order)                                                                                             \
    static const luron_option *const options##n[] = {                                                                  \
        LURON_OPT_INTS_REQ(crop, cropping, 0, 1e6, 2 * n, 2 * n, "from all sides, or " order), NULL}
CROPPING(1, "left, right");
CROPPING(2, "top, bottom, left, right");
CROPPING(3, "front, back, top, bottom, left, right");
static const luron_option *const middle[] = {LURON_OPT_INT_REQ(crop, height, 1, 1e6, "of what is left"),
                                             LURON_OPT_INT_REQ(crop, width, 1, 1e6, "of what is left"), NULL};
const luron_layer_type pad_cropping1d =
    PAD_TYPE("Cropping1d", NULL, "takes off both ends", options1, sizeof(crop), pad_in1, cropping);
const luron_layer_type pad_cropping2d =
    PAD_TYPE("Cropping2d", NULL, "takes off the sides of images", options2, sizeof(crop), pad_in2, cropping);
const luron_layer_type pad_cropping3d =
    PAD_TYPE("Cropping3d", NULL, "takes off the sides of volumes", options3, sizeof(crop), pad_in3, cropping);
const luron_layer_type pad_center_crop =
    PAD_TYPE("CenterCrop", "center_crop", "the middle of images", middle, sizeof(crop), pad_in2, center);
