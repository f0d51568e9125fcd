/* hardshrink.c: y = 0 within [-lambd, lambd], else x. */
#include "shrink.h"
typedef struct hardshrink { double lambd; } hardshrink;
#define OPTIONS hardshrink
#define BOUND ((REAL)o->lambd)
#define VALUE (x >= -BOUND && x <= BOUND ? 0 : x)
#define GRAD (x >= -BOUND && x <= BOUND ? 0 : gy)
#define REAL float
#include "../activation/loops.h"
#define REAL double
#include "../activation/loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0), *bound = o->scalar(c, ((const hardshrink *)c->options)->lambd);
    return o->set_out(c, 0, o->where(c, o->le(c, o->abs(c, x), bound), o->scalar(c, 0), x));
}
static const luron_option *const options[] = { LURON_OPT_FLOAT(hardshrink, lambd, 0.5, 0, 1e300, "up to where it is 0"), NULL };
ACTIVATION(hardshrink, "Hardshrink", "0 near 0, else x", LURON_EW_IN_PLACE, WITH_OPTIONS(hardshrink));
