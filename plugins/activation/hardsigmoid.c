/* hardsigmoid.c: y = (x + 3) / 6 within [0, 1], else the nearer end. */
#include "activation.h"
#define VALUE (x <= -3 ? 0 : x >= 3 ? 1 : (x + 3) / 6)
#define GRAD (x > -3 && x < 3 ? gy / 6 : 0)
#define REAL float
#include "loops.h"
#define REAL double
#include "loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0), *zero = o->scalar(c, 0), *one = o->scalar(c, 1);
    luron_tensor *y = o->where(c, o->ge(c, x, o->scalar(c, 3)), one, o->scale(c, o->scale(c, x, 1, 3), 1.0 / 6, 0));
    return o->set_out(c, 0, o->where(c, o->le(c, x, o->scalar(c, -3)), zero, y));
}
ACTIVATION(hardsigmoid, "Hardsigmoid", "(x + 3) / 6 cut off at 0 and 1", LURON_EW_IN_PLACE);
