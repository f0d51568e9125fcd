/* tanhshrink.c: y = x - tanh(x). */
#include "shrink.h"
#define HOST_FN LURON_MAP_tanh
#define ARG x
#define VALUE (x - u)
#define GRAD ((void)x, gy * u * u)
#define REAL float
#include "../activation/loops.h"
#define REAL double
#include "../activation/loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0);
    return o->set_out(c, 0, o->sub(c, x, o->tanh(c, x)));
}
ACTIVATION(tanhshrink, "Tanhshrink", "x - tanh(x)", LURON_EW_IN_PLACE);
