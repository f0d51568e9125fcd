/* softshrink.c: y = 0 within [-lambd, lambd], else x less lambd towards 0. */
#include "shrink.h"
typedef struct softshrink { double lambd; } softshrink;
#define OPTIONS softshrink
#define BOUND ((REAL)o->lambd)
#define VALUE (x > BOUND ? x - BOUND : x < -BOUND ? x + BOUND : x * 0)
#define GRAD (x >= -BOUND && x <= BOUND ? 0 : gy)
#define REAL float
#include "../activation/loops.h"
#define REAL double
#include "../activation/loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    const double bound = ((const softshrink *)c->options)->lambd;
    luron_tensor *x = o->in(c, 0), *zero = o->scale(c, x, 0, 0);
    luron_tensor *below = o->where(c, o->lt(c, x, o->scalar(c, -bound)), o->scale(c, x, 1, bound), zero);
    return o->set_out(c, 0, o->where(c, o->gt(c, x, o->scalar(c, bound)), o->scale(c, x, 1, -bound), below));
}
static const luron_option *const options[] = { LURON_OPT_FLOAT(softshrink, lambd, 0.5, 0, 1e300, "up to where it is 0"), NULL };
ACTIVATION(softshrink, "Softshrink", "x, lambd nearer to 0", LURON_EW_IN_PLACE, WITH_OPTIONS(softshrink));
