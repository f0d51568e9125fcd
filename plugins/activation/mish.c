/* mish.c: y = x tanh(log(1 + exp(x))) = x n / (n + 2) with u = exp(x), n = u (u + 2). From 20 on that is x. */
#include "activation.h"
#define HOST_FN LURON_MAP_exp
#define ARG (x > 20 ? 20 : x)
#define T (u * (u + 2) / (u * (u + 2) + 2))
#define VALUE (x * T)
#define GRAD (x > 20 ? gy : gy * (T + x * (4 * u * (u + 1) / ((u * (u + 2) + 2) * (u * (u + 2) + 2)))))
#define REAL float
#include "loops.h"
#define REAL double
#include "loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0), *u = o->exp(c, o->clamp(c, x, -INFINITY, 20));
    luron_tensor *n = o->mul(c, u, o->scale(c, u, 1, 2));
    return o->set_out(c, 0, o->mul(c, x, o->div(c, n, o->scale(c, n, 1, 2))));
}
ACTIVATION(mish, "Mish", "x * tanh(softplus(x))", LURON_EW_IN_PLACE);
