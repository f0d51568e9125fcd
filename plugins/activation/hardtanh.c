/* hardtanh.c: y = x within [min_val, max_val], else the nearer end, where the derivative is 0. */
#include "activation.h"
typedef struct hardtanh { double min_val, max_val; } hardtanh;
#define OPTIONS hardtanh
#define VALUE (x <= (REAL)o->min_val ? (REAL)o->min_val : x >= (REAL)o->max_val ? (REAL)o->max_val : x)
#define FROM_Y
#define GRAD (y <= (REAL)o->min_val || y >= (REAL)o->max_val ? 0 : gy)
#define REAL float
#include "loops.h"
#define REAL double
#include "loops.h"

static luron_status declare(luron_call *c) {
    const hardtanh *o = c->options;
    if (o->min_val < o->max_val) return LURON_OK;
    return luron_fail(c, LURON_E_ARGUMENT, "min_val is %g, expected less than max_val, %g", o->min_val, o->max_val);
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const hardtanh *opt = c->options;
    luron_tensor *x = o->in(c, 0), *lo = o->scalar(c, opt->min_val), *hi = o->scalar(c, opt->max_val);
    return o->set_out(c, 0, o->where(c, o->le(c, x, lo), lo, o->where(c, o->ge(c, x, hi), hi, x)));
}
static const luron_option *const options[] = { LURON_OPT_FLOAT(hardtanh, min_val, -1.0, 0, 0, "lower end"),
    LURON_OPT_FLOAT(hardtanh, max_val, 1.0, 0, 0, "upper end"), NULL };
ACTIVATION(hardtanh, "Hardtanh", "x cut off at min_val and max_val", LURON_EW_FROM_Y | LURON_EW_IN_PLACE, WITH_OPTIONS(hardtanh),
           .declare = declare);
