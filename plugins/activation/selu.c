/* selu.c: y = S x if x > 0, else S A (exp(x) - 1): the pair that keeps mean 0 and variance 1 (Klambauer et al., 2017). */
#include "activation.h"
#define A 1.6732632423543772848170429916717
#define S 1.0507009873554804934193349852946
#define HOST_FN LURON_MAP_expm1
#define ARG (x > 0 ? 0 : x)
#define VALUE ((REAL)S * (x > 0 ? x : (REAL)A * u))
#define FROM_Y
#define GRAD (y > 0 ? gy * (REAL)S : gy * (y + (REAL)(S * A)))
#define REAL float
#include "loops.h"
#define REAL double
#include "loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0), *zero = o->scalar(c, 0), *up = o->gt(c, x, zero);
    luron_tensor *below = o->expm1(c, o->where(c, up, zero, x));
    return o->set_out(c, 0, o->where(c, up, o->scale(c, x, S, 0), o->scale(c, below, S * A, 0)));
}
ACTIVATION(selu, "SELU", "ELU with the fixed scales that normalise", LURON_EW_FROM_Y | LURON_EW_IN_PLACE);
