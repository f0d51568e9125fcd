/* rescaling.c: y = scale x + offset. */
#ifndef REAL
#include "preprocess.h"

typedef struct rescaling {
    double scale, offset;
} rescaling;
#define REAL float
#include "rescaling.c"
#undef REAL
#define REAL double
#include "rescaling.c"
#undef REAL

static void apply(const luron_run *r) { BY_TYPE(r, apply)(r); }
static void derive(const luron_run *r) { BY_TYPE(r, derive)(r); }
static luron_status compose(luron_call *c, const luron_ops *o) {
    const rescaling *p = luron_options(c);
    return o->set_out(c, 0, o->scale(c, o->in(c, 0), p->scale, p->offset));
}

static const luron_option *const options[] = {LURON_OPT_(rescaling, scale, LURON_FLOAT, LURON_OPTION_REQUIRED, 0, 0, 0,
                                                         NULL, NULL, 0, 0, "factor: 1 / 255 for bytes"),
                                              LURON_OPT_FLOAT(rescaling, offset, 0, 0, 0, "added after it"), NULL};
static const luron_elementwise elementwise = {sizeof elementwise, LURON_EW_FROM_Y | LURON_EW_IN_PLACE, apply, derive};
const luron_layer_type preprocess_rescaling = {.struct_size = sizeof(luron_layer_type),
                                               .flags = LURON_LAYER_F64,
                                               .name = "Rescaling",
                                               .doc = "scale * x + offset",
                                               .options = options,
                                               .options_size = sizeof(rescaling),
                                               .compose = compose,
                                               .elementwise = &elementwise};
#else
static void TYPED(apply)(const luron_run *r) {
    const rescaling *o = r->options;
    const REAL *x = r->x, scale = (REAL)o->scale, offset = (REAL)o->offset;
    REAL *to = r->to;
    for (int64_t i = 0; i < r->n; i++)
        to[i] = scale * x[i] + offset;
}
static void TYPED(derive)(const luron_run *r) {
    const REAL *gy = r->gy, scale = (REAL)((const rescaling *)r->options)->scale;
    REAL *to = r->to;
    for (int64_t i = 0; i < r->n; i++)
        to[i] = gy[i] * scale;
}
#endif
