/* leaky_relu.c: y = x if x > 0, else negative_slope x. */
#include "activation.h"
typedef struct leaky_relu { double negative_slope; } leaky_relu;
#define OPTIONS leaky_relu
#define VALUE (x > 0 ? x : (REAL)o->negative_slope * x)
#define GRAD (x > 0 ? gy : (REAL)o->negative_slope * gy)
#define REAL float
#include "loops.h"
#define REAL double
#include "loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    const leaky_relu *opt = c->options;
    luron_tensor *x = o->in(c, 0);
    return o->set_out(c, 0, o->where(c, o->gt(c, x, o->scalar(c, 0)), x, o->scale(c, x, opt->negative_slope, 0)));
}
static const luron_option *const options[] = { LURON_OPT_FLOAT(leaky_relu, negative_slope, 0.01, 0, 0, "slope below 0"), NULL };
ACTIVATION(leaky_relu, "LeakyReLU", "x if positive, else negative_slope * x", LURON_EW_IN_PLACE, WITH_OPTIONS(leaky_relu));
