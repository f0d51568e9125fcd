/* celu.c: y = x if x > 0, else alpha (exp(x / alpha) - 1). */
#include "shrink.h"
typedef struct celu { double alpha; } celu;
#define OPTIONS celu
#define HOST_FN LURON_MAP_expm1
#define DERIVE_FN LURON_MAP_exp
#define ARG (x > 0 ? 0 : x / (REAL)o->alpha)
#define VALUE (x > 0 ? x : (REAL)o->alpha * u)
#define GRAD (x > 0 ? gy : gy * u)
#define REAL float
#include "../activation/loops.h"
#define REAL double
#include "../activation/loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    const double alpha = ((const celu *)c->options)->alpha;
    luron_tensor *x = o->in(c, 0), *zero = o->scalar(c, 0), *up = o->gt(c, x, zero);
    luron_tensor *below = o->expm1(c, o->scale(c, o->where(c, up, zero, x), 1 / alpha, 0));
    return o->set_out(c, 0, o->where(c, up, x, o->scale(c, below, alpha, 0)));
}
static const luron_option *const options[] = { LURON_OPT_FLOAT(celu, alpha, 1.0, 1e-6, 1e6, "scale of the part below 0"), NULL };
ACTIVATION(celu, "CELU", "x if positive, else alpha * (exp(x / alpha) - 1)", LURON_EW_IN_PLACE, WITH_OPTIONS(celu));
