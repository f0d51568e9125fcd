/* silu.c: y = x sigmoid(x), also called swish. */
#include "activation.h"
#define HOST_FN LURON_MAP_sigmoid
#define ARG x
#define VALUE (x * u)
#define GRAD (gy * u * (1 + x * (1 - u)))
#define REAL float
#include "loops.h"
#define REAL double
#include "loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0);
    return o->set_out(c, 0, o->mul(c, x, o->sigmoid(c, x)));
}
ACTIVATION(silu, "SiLU", "x * sigmoid(x)", LURON_EW_IN_PLACE);
