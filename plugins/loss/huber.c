/* huber.c: d^2 / 2 for |d| <= delta, else delta (|d| - delta / 2), with d = input - target. */
#include "loss.h"
#define DELTA ((REAL)o->delta)
#define D (x > t ? x - t : t - x)
#define TERM (D <= DELTA ? D * D / 2 : DELTA * (D - DELTA / 2))
#define GRAD_X (x - t > DELTA ? DELTA : x - t < -DELTA ? -DELTA : x - t) /* that of NaN is NaN */
#define GRAD_T (-(GRAD_X))
#define REAL float
#include "pointwise.h"
#define REAL double
#include "pointwise.h"

static luron_tensor *composed(luron_call *c, const luron_ops *o) {
    const double delta = ((const loss *)c->options)->delta;
    luron_tensor *d = o->sub(c, o->in(c, INPUT), o->in(c, TARGET)), *size = o->abs(c, d);
    luron_tensor *near = o->scale(c, o->square(c, d), 0.5, 0), *far = o->scale(c, size, delta, -delta * delta / 2);
    return o->where(c, o->le(c, size, o->scalar(c, delta)), near, far);
}
LOSS_POINTWISE_TYPE(NULL, NULL, 0)
LOSS_POINTWISE
static const luron_option *const options[] = { LURON_OPT_FLOAT(loss, delta, 1.0, 1e-300, 1e300, "where the square ends"),
    LOSS_REDUCTION, NULL };
const luron_layer_type loss_huber = { LOSS_TYPE("HuberLoss", "huber_loss", "squared error near 0, absolute error beyond delta"),
    .in = loss_pair, LOSS_POINTWISE_MEMBERS };
