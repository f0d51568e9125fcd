/* mse.c: (input - target)^2. */
#include "loss.h"
#define TERM ((x - t) * (x - t))
#define GRAD_X (2 * (x - t))
#define GRAD_T (2 * (t - x))
#define REAL float
#include "pointwise.h"
#define REAL double
#include "pointwise.h"

static luron_tensor *composed(luron_call *c, const luron_ops *o) { return o->square(c, o->sub(c, o->in(c, INPUT), o->in(c, TARGET))); }
LOSS_POINTWISE_TYPE(NULL, NULL, 0)
LOSS_POINTWISE
static const luron_option *const options[] = { LOSS_REDUCTION, NULL };
const luron_layer_type loss_mse = { LOSS_TYPE("MSELoss", "mse_loss", "squared error"), .in = loss_pair, LOSS_POINTWISE_MEMBERS };
