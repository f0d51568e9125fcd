/* roi.c: what RoIAlign and RoIPool share. */
#include "detection.h"

static const double FAR = 1e9; /* boxes that lie beyond it are none */

const luron_port *const roi_in[] = {
    LURON_PORT("input", 0, LURON_REAL, 4, "(n, channels, h, w)"),
    LURON_PORT("rois", 0, LURON_REAL, 2, "(k, 5): the image, an id, and x1, y1, x2, y2 of each region"), NULL};

luron_status roi_shapes_of(luron_call *c, roi_shapes *s) {
    const luron_view *x = luron_in(c, ROI_INPUT), *rois = luron_in(c, ROI_ROIS);
    *s = (roi_shapes){.o = luron_options(c), .n = x->shape[0], .channels = x->shape[1], .rois = rois->shape[0]};
    if (rois->shape[1] != DETECTION_ROW)
        return luron_fail(c, LURON_E_SHAPE, "rois: (%lld, 5) expected, the image and x1, y1, x2, y2 of each region",
                          (long long)s->rois);
    for (int d = 0; d < ROI_DIMS; d++) {
        s->size[d] = x->shape[2 + d], s->out[d] = s->o->output_size.at[d];
        if (s->size[d] < 1)
            return luron_fail(c, LURON_E_SHAPE, "input has size 0 in dimension %lld, at least 1 expected",
                              (long long)luron_shown(c, 2 + d));
    }
    return s->size[0] <= INT32_MAX / s->size[1]
               ? LURON_OK
               : luron_fail(c, LURON_E_SHAPE, "an image of more than 2147483647 places");
}
luron_status roi_images(luron_call *c, const roi_shapes *s, int32_t *image) {
    for (int64_t r = 0; r < s->rois; r++) {
        int64_t id;
        LURON_TRY(detection_id(c, ROI_ROIS, "rois", r, &id));
        if (id < 0 || id >= s->n)
            return luron_fail(c, LURON_E_RANGE, "rois: image %lld in row %lld, input has images %lld to %lld",
                              (long long)(id + luron_shown(c, 0)), (long long)luron_shown(c, r),
                              (long long)luron_shown(c, 0), (long long)(s->n - 1 + luron_shown(c, 0)));
        image[r] = (int32_t)id;
        for (int i = 1; i < DETECTION_ROW; i++) {
            const double at = detection_at(luron_in(c, ROI_ROIS), r * DETECTION_ROW + i);
            if (!(fabs(at * s->o->spatial_scale) <= FAR))
                return luron_fail(c, LURON_E_ARGUMENT,
                                  "rois: %g in column %lld of row %lld, a place within %g expected", at,
                                  (long long)luron_shown(c, i), (long long)luron_shown(c, r), FAR);
        }
    }
    return LURON_OK;
}
luron_tensor *roi_inputs(luron_call *c, const luron_ops *o) {
    luron_tensor *image = o->select(c, o->detach(c, o->in(c, ROI_ROIS)), 1, 0);
    return o->index_select(c, o->in(c, ROI_INPUT), 0, o->cast(c, image, LURON_I64));
}
luron_tensor *roi_column(luron_call *c, const luron_ops *o, int at) {
    luron_tensor *column = o->narrow(c, o->detach(c, o->in(c, ROI_ROIS)), 1, at, 1);
    return o->scale(c, column, ((const roi *)luron_options(c))->spatial_scale, 0);
}
