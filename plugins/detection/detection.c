/* detection.c -- the plugin: what detectors of objects need, with the numbers of torchvision and Darknet. */
#include "detection.h"

#define LISTED(id) &detection_##id,
static const luron_layer_type *const layers[] = {DETECTIONS(LISTED) NULL};
LURON_PLUGIN_DEFINE(detection) = {.struct_size = sizeof(luron_plugin),
                                  .abi_major = LURON_ABI_MAJOR,
                                  .name = "detection",
                                  .version = "0.1.0",
                                  .layers = layers};

luron_status detection_id(luron_call *c, int port, const char *name, int64_t row, int64_t *id) {
    const double value = detection_at(luron_in(c, port), row * DETECTION_ROW);
    if (!(fabs(value) < 1e9) || value != floor(value))
        return luron_fail(c, LURON_E_ARGUMENT, "%s: whole number expected in column %lld, got %g in row %lld", name,
                          (long long)luron_shown(c, 0), value, (long long)luron_shown(c, row));
    *id = (int64_t)value - luron_shown(c, 0);
    return LURON_OK;
}
luron_status detection_no_gradient(luron_call *c, int port, const char *name) {
    double beta;
    if (!luron_grad_in_beta(c, port, &beta)) return LURON_OK;
    return luron_fail(c, LURON_E_GRADIENT, "%s has no gradient: give %s:detach()", name, name);
}
luron_tensor *detection_count(luron_call *c, const luron_ops *o, int64_t n) {
    return o->scale(c, o->cumsum(c, o->expand(c, o->scalar(c, 1), LURON_SHAPE(n)), 0), 1, -1);
}
