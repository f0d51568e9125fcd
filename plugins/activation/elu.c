/* elu.c: y = x if x > 0, else alpha (exp(x) - 1). */
#include "activation.h"
typedef struct elu { double alpha; } elu;
#define OPTIONS elu
#define HOST_FN LURON_MAP_expm1
#define DERIVE_FN LURON_MAP_exp /* exact where 1 + expm1(x) is not */
#define ARG (x > 0 ? 0 : x)
#define VALUE (x > 0 ? x : (REAL)o->alpha * u)
#define GRAD (x > 0 ? gy : gy * (REAL)o->alpha * u)
#define REAL float
#include "loops.h"
#define REAL double
#include "loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0), *zero = o->scalar(c, 0), *up = o->gt(c, x, zero);
    luron_tensor *below = o->expm1(c, o->where(c, up, zero, x)); /* never of a large x: 0 times infinity has no gradient */
    return o->set_out(c, 0, o->where(c, up, x, o->scale(c, below, ((const elu *)c->options)->alpha, 0)));
}
static const luron_option *const options[] = { LURON_OPT_FLOAT(elu, alpha, 1.0, 0, 0, "scale of the part below 0"), NULL };
ACTIVATION(elu, "ELU", "x if positive, else alpha * (exp(x) - 1)", LURON_EW_IN_PLACE, WITH_OPTIONS(elu));
