/* unit_normalization.c: y = x / max(|x|, 1e-12), |x| the Euclidean length along an axis. */
#include "preprocess.h"

typedef struct unit {
    int64_t axis;
} unit;

static luron_status setup(luron_call *c) {
    int axis;
    LURON_TRY(preprocess_axis(c, ((const unit *)luron_options(c))->axis, &axis));
    return luron_set_out_like(c, 0, luron_in(c, 0));
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const int axis = (int)((const unit *)luron_options(c))->axis;
    luron_tensor *x = o->in(c, 0);
    return o->set_out(c, 0, o->div(c, x, o->maximum(c, o->norm(c, x, 2, 1, &axis, 1), o->scalar(c, 1e-12))));
}

static const luron_option *const options[] = {LURON_OPT_AXIS(unit, axis, -1, "the dim along which the length is 1"),
                                              NULL};
const luron_layer_type preprocess_unit_normalization = {.struct_size = sizeof(luron_layer_type),
                                                        .flags = LURON_LAYER_F64,
                                                        .name = "UnitNormalization",
                                                        .doc = "length 1 along an axis",
                                                        .options = options,
                                                        .options_size = sizeof(unit),
                                                        .setup = setup,
                                                        .compose = compose};
