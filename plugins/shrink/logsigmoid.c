/* logsigmoid.c: y = log(sigmoid(x)) = min(x, 0) - log(1 + u), u = exp(-|x|). */
#include "shrink.h"
#define HOST_FN LURON_MAP_exp
#define ARG (x < 0 ? x : -x)
#define THEN_FN LURON_MAP_log1p
#define VALUE ((x < 0 ? x : 0) - u)
#define GRAD (gy * (x < 0 ? 1 : u) / (1 + u))
#define REAL float
#include "../activation/loops.h"
#define REAL double
#include "../activation/loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0), *down = o->lt(c, x, o->scalar(c, 0));
    luron_tensor *u = o->exp(c, o->where(c, down, x, o->neg(c, x)));
    return o->set_out(c, 0, o->sub(c, o->where(c, down, x, o->scalar(c, 0)), o->log1p(c, u)));
}
ACTIVATION(logsigmoid, "LogSigmoid", "log(sigmoid(x)), without overflow", LURON_EW_IN_PLACE);
