/* sigmoid.c: y = 1 / (1 + exp(-x)), core's own kernel. */
#include "activation.h"
#define HOST_FN LURON_MAP_sigmoid
#define ARG x
#define VALUE u
#define FROM_Y
#define GRAD (gy * y * (1 - y))
#define REAL float
#include "loops.h"
#define REAL double
#include "loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) { return o->set_out(c, 0, o->sigmoid(c, o->in(c, 0))); }
ACTIVATION(sigmoid, "Sigmoid", "1 / (1 + exp(-x))", LURON_EW_FROM_Y | LURON_EW_IN_PLACE);
