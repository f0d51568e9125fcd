/* sparse_sigmoid.c: y = (x + 1) / 2 within [0, 1], else the nearer end. */
#include "shrink.h"
#define VALUE (x <= -1 ? 0 : x >= 1 ? 1 : (x + 1) / 2)
#define GRAD (x > -1 && x < 1 ? gy / 2 : 0)
#define REAL float
#include "../activation/loops.h"
#define REAL double
#include "../activation/loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0), *one = o->scalar(c, 1), *zero = o->scalar(c, 0);
    luron_tensor *y = o->where(c, o->ge(c, x, one), one, o->scale(c, x, 0.5, 0.5));
    return o->set_out(c, 0, o->where(c, o->le(c, x, o->scalar(c, -1)), zero, y));
}
ACTIVATION(sparse_sigmoid, "SparseSigmoid", "(x + 1) / 2 cut off at 0 and 1", LURON_EW_IN_PLACE);
