/* relu.c: y = max(x, 0); the derivative at 0 is 0, NaN stays NaN. */
#include "activation.h"
#define VALUE (x <= 0 ? 0 : x)
#define FROM_Y
#define GRAD (y <= 0 ? 0 : gy)
#define REAL float
#include "loops.h"
#define REAL double
#include "loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0), *zero = o->scalar(c, 0);
    return o->set_out(c, 0, o->where(c, o->le(c, x, zero), zero, x));
}
ACTIVATION(relu, "ReLU", "max(x, 0)", LURON_EW_FROM_Y | LURON_EW_IN_PLACE | LURON_EW_RISES);
