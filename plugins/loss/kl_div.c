/* kl_div.c: t (log t - x) of log-probabilities x and probabilities t (0 log 0 = 0), or exp(t) (t - x) with log_target. */
#include "loss.h"
#define U_ARG t /* u = exp(t) or log(t) */
#define TERM (o->log_target ? u * (t - x) : (t == 0 ? 0 : t * u) - t * x)
#define GRAD_X (o->log_target ? -u : -t)
#define GRAD_T (o->log_target ? u * (t - x + 1) : u + 1 - x)
#define REAL float
#include "pointwise.h"
#define REAL double
#include "pointwise.h"

static luron_tensor *composed(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, INPUT), *t = o->in(c, TARGET), *zero = o->scalar(c, 0);
    if (((const loss *)c->options)->log_target) return o->mul(c, o->exp(c, t), o->sub(c, t, x));
    luron_tensor *none = o->eq(c, t, zero), *log_t = o->log(c, o->where(c, none, o->scalar(c, 1), t));
    return o->sub(c, o->where(c, none, zero, o->mul(c, t, log_t)), o->mul(c, t, x));
}
static int function_u(const loss *o) { return o->log_target ? LURON_MAP_exp : LURON_MAP_log; }
LOSS_POINTWISE_TYPE(function_u, NULL, 1)
LOSS_POINTWISE
static const luron_option *const options[] = { LURON_OPT_BOOL(loss, log_target, 0, "the target holds log-probabilities"),
    LURON_OPT_CHOICE(loss, reduction, "mean", loss_reductions_batch, "\"batchmean\", sum over batch size, is the divergence"), NULL };
static const luron_port *const in[] = { LURON_PORT("input", 0, LURON_REAL, 0, "log-probabilities"),
    LURON_PORT("target", 0, LURON_REAL, 0, "as input"), NULL };
const luron_layer_type loss_kl_div = { LOSS_TYPE("KLDivLoss", "kl_div", "Kullback-Leibler divergence of the target from the input"),
    .in = in, LOSS_POINTWISE_MEMBERS };
