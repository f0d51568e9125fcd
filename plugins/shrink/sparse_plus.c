/* sparse_plus.c: y = 0 up to -1, x from 1 on, (x + 1)^2 / 4 between. */
#include "shrink.h"
#define VALUE (x <= -1 ? 0 : x >= 1 ? x : (x + 1) * (x + 1) / 4)
#define GRAD (x <= -1 ? 0 : x >= 1 ? gy : gy * (x + 1) / 2)
#define REAL float
#include "../activation/loops.h"
#define REAL double
#include "../activation/loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0), *one = o->scalar(c, 1), *far = o->ge(c, x, one);
    luron_tensor *y = o->scale(c, o->square(c, o->scale(c, o->where(c, far, one, x), 1, 1)), 0.25, 0);
    y = o->where(c, far, x, y);
    return o->set_out(c, 0, o->where(c, o->le(c, x, o->scalar(c, -1)), o->scalar(c, 0), y));
}
ACTIVATION(sparse_plus, "SparsePlus", "0 up to -1, x from 1 on, a parabola between", LURON_EW_IN_PLACE);
