/* hardswish.c: y = x hardsigmoid(x). */
#include "activation.h"
#define VALUE (x <= -3 ? 0 : x >= 3 ? x : x * (x + 3) / 6)
#define GRAD (x <= -3 ? 0 : x >= 3 ? gy : gy * (x / 3 + (REAL)0.5))
#define REAL float
#include "loops.h"
#define REAL double
#include "loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0), *far = o->ge(c, x, o->scalar(c, 3)), *zero = o->scalar(c, 0);
    luron_tensor *near = o->where(c, far, zero, x); /* its square cannot overflow where it is not wanted */
    luron_tensor *y = o->where(c, far, x, o->scale(c, o->mul(c, near, o->scale(c, near, 1, 3)), 1.0 / 6, 0));
    return o->set_out(c, 0, o->where(c, o->le(c, x, o->scalar(c, -3)), zero, y));
}
ACTIVATION(hardswish, "Hardswish", "x * hardsigmoid(x)", LURON_EW_IN_PLACE);
