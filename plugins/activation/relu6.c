/* relu6.c: y = min(max(x, 0), 6). */
#include "activation.h"
#define VALUE (x <= 0 ? 0 : x >= 6 ? 6 : x)
#define FROM_Y
#define GRAD (y <= 0 || y >= 6 ? 0 : gy)
#define REAL float
#include "loops.h"
#define REAL double
#include "loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0), *zero = o->scalar(c, 0), *six = o->scalar(c, 6);
    luron_tensor *y = o->where(c, o->ge(c, x, six), six, x);
    return o->set_out(c, 0, o->where(c, o->le(c, x, zero), zero, y));
}
ACTIVATION(relu6, "ReLU6", "min(max(x, 0), 6)", LURON_EW_FROM_Y | LURON_EW_IN_PLACE | LURON_EW_RISES);
