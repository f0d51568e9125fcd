/* smooth_l1.c: d^2 / (2 beta) for |d| < beta, else |d| - beta / 2, with d = input - target; beta 0 is the L1 loss. */
#include "loss.h"
#define BETA ((REAL)o->beta)
#define D (x > t ? x - t : t - x)
#define TERM (D < BETA ? D * D / (2 * BETA) : D - BETA / 2)
#define GRAD_X (D >= BETA ? (REAL)((x > t) - (x < t)) : (x - t) / BETA) /* that of NaN is NaN */
#define GRAD_T (-(GRAD_X))
#define REAL float
#include "pointwise.h"
#define REAL double
#include "pointwise.h"

static luron_tensor *composed(luron_call *c, const luron_ops *o) {
    const double beta = ((const loss *)c->options)->beta;
    luron_tensor *d = o->sub(c, o->in(c, INPUT), o->in(c, TARGET)), *size = o->abs(c, d);
    if (beta == 0) return size;
    luron_tensor *near = o->scale(c, o->square(c, d), 0.5 / beta, 0), *far = o->scale(c, size, 1, -beta / 2);
    return o->where(c, o->lt(c, size, o->scalar(c, beta)), near, far);
}
LOSS_POINTWISE_TYPE(NULL, NULL, 0)
LOSS_POINTWISE
static const luron_option *const options[] = { LURON_OPT_FLOAT(loss, beta, 1.0, 0, 1e300, "where the square ends"),
    LOSS_REDUCTION, NULL };
const luron_layer_type loss_smooth_l1 = { LOSS_TYPE("SmoothL1Loss", "smooth_l1_loss", "squared error near 0, absolute error beyond beta"),
    .in = loss_pair, LOSS_POINTWISE_MEMBERS };
