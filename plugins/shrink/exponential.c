/* exponential.c: y = exp(x), core's own kernel. */
#include "shrink.h"
#define HOST_FN LURON_MAP_exp
#define ARG x
#define VALUE u
#define FROM_Y
#define GRAD (gy * y)
#define REAL float
#include "../activation/loops.h"
#define REAL double
#include "../activation/loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) { return o->set_out(c, 0, o->exp(c, o->in(c, 0))); }
ACTIVATION(exponential, "Exponential", "exp(x)", LURON_EW_FROM_Y | LURON_EW_IN_PLACE);
