/* l1.c: |input - target|; the derivative at 0 is 0. */
#include "loss.h"
#define TERM (x > t ? x - t : t - x)
#define GRAD_X ((x > t) - (x < t))
#define GRAD_T ((x < t) - (x > t))
#define REAL float
#include "pointwise.h"
#define REAL double
#include "pointwise.h"

static luron_tensor *composed(luron_call *c, const luron_ops *o) { return o->abs(c, o->sub(c, o->in(c, INPUT), o->in(c, TARGET))); }
LOSS_POINTWISE_TYPE(NULL, NULL, 0)
LOSS_POINTWISE
static const luron_option *const options[] = { LOSS_REDUCTION, NULL };
const luron_layer_type loss_l1 = { LOSS_TYPE("L1Loss", "l1_loss", "absolute error"), .in = loss_pair, LOSS_POINTWISE_MEMBERS };
