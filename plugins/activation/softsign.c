/* softsign.c: y = x / (1 + |x|). */
#include "activation.h"
#define D (1 + (x < 0 ? -x : x))
#define VALUE (x / D)
#define GRAD (gy / (D * D))
#define REAL float
#include "loops.h"
#define REAL double
#include "loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0);
    return o->set_out(c, 0, o->div(c, x, o->scale(c, o->abs(c, x), 1, 1)));
}
ACTIVATION(softsign, "Softsign", "x / (1 + |x|)", LURON_EW_IN_PLACE);
