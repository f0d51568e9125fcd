/* tanh.c: y = tanh(x), core's own kernel. */
#include "activation.h"
#define HOST_FN LURON_MAP_tanh
#define ARG x
#define VALUE u
#define FROM_Y
#define GRAD (gy * (1 - y * y))
#define REAL float
#include "loops.h"
#define REAL double
#include "loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) { return o->set_out(c, 0, o->tanh(c, o->in(c, 0))); }
ACTIVATION(tanh, "Tanh", "hyperbolic tangent", LURON_EW_FROM_Y | LURON_EW_IN_PLACE);
