/* bce_with_logits.c: the loss of bce.c at sigmoid(x), (1 - t) x + (1 + (p - 1) t) L with L = log(1 + exp(-x)). */
#include "loss.h"
#define U_ARG (x > 0 ? -x : x) /* u = exp(-|x|) */
#define V_ARG u                /* v = log(1 + u) */
#define UP ((x > 0 ? 1 : u) / (1 + u))
#define DOWN ((x > 0 ? u : 1) / (1 + u))
#define L ((x > 0 ? 0 : -x) + v)
#define TERM ((x > 0 ? (1 - t) * x : -p * t * x) + (1 + (p - 1) * t) * v) /* no large numbers that cancel */
#define GRAD_X ((1 - t) * UP - p * t * DOWN)                              /* of the sigmoids of x and -x */
#define GRAD_T ((p - 1) * L - x)
#define REAL float
#include "pointwise.h"
#define REAL double
#include "pointwise.h"

static luron_tensor *composed(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, INPUT), *t = o->in(c, TARGET), *zero = o->scalar(c, 0);
    luron_tensor *up = o->gt(c, x, zero), *down = o->neg(c, x);
    luron_tensor *l = o->add(c, o->where(c, up, zero, down), o->log1p(c, o->exp(c, o->where(c, up, down, x))));
    if (luron_in(c, POS_WEIGHT)) l = o->mul(c, l, o->scale(c, o->mul(c, o->scale(c, o->in(c, POS_WEIGHT), 1, -1), t), 1, 1));
    return o->add(c, o->mul(c, o->scale(c, t, -1, 1), x), l);
}
static int function_u(const loss *o) { return (void)o, LURON_MAP_exp; }
static int function_v(const loss *o) { return (void)o, LURON_MAP_log1p; }
LOSS_POINTWISE_TYPE(function_u, function_v, 1)
LOSS_POINTWISE
static const luron_option *const options[] = { LOSS_REDUCTION, NULL };
static const luron_port *const in[] = { LURON_PORT("input", 0, LURON_REAL, 0, "logits"),
    LURON_PORT("target", 0, LURON_REAL, 0, "as input, from 0 to 1"),
    LURON_PORT("weight", LURON_PORT_OPTIONAL, LURON_REAL, 0, "of each term, broadcast to input"),
    LURON_PORT("pos_weight", LURON_PORT_OPTIONAL, LURON_REAL, 0, "of the positive part, broadcast to input"), NULL };
const luron_layer_type loss_bce_with_logits = { LOSS_TYPE("BCEWithLogitsLoss", "bce_with_logits_loss", "cross entropy of yes-or-no logits"),
    .in = in, LOSS_POINTWISE_MEMBERS };
