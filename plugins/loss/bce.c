/* bce.c: -(t log x + (1 - t) log(1 - x)) of probabilities x, the logarithms held at -100 as in PyTorch. */
#include "loss.h"
#define U_ARG x  /* u = log(x) */
#define V_ARG -x /* v = log(1 - x) */
#define LOG_X (u < -100 ? -100 : u)
#define LOG_NOT_X (v < -100 ? -100 : v)
#define TERM ((t - 1) * LOG_NOT_X - t * LOG_X)
#define SPREAD ((1 - x) * x)
#define GRAD_X ((x - t) / (SPREAD > (REAL)1e-12 ? SPREAD : (REAL)1e-12))
#define GRAD_T (LOG_NOT_X - LOG_X)
#define REAL float
#include "pointwise.h"
#define REAL double
#include "pointwise.h"

static int function_u(const loss *o) { return (void)o, LURON_MAP_log; }
static int function_v(const loss *o) { return (void)o, LURON_MAP_log1p; }
LOSS_POINTWISE_TYPE(function_u, function_v, 0)
static luron_status check(luron_call *c) {
    const luron_view *x = luron_in(c, INPUT);
    const int64_t n = luron_numel(x);
    for (int64_t i = 0; i < n; i++) {
        const double p = c->dtype == LURON_F64 ? luron_f64(x)[i] : (double)luron_f32(x)[i];
        if (!(p >= 0 && p <= 1))
            return luron_fail(c, LURON_E_RANGE, "input has %g at element %lld, expected probabilities from 0 to 1 "
                              "(BCEWithLogitsLoss takes any number)", p, (long long)luron_shown(c, i));
    }
    return LURON_OK;
}
static luron_status forward(luron_call *c) {
    LURON_TRY(check(c));
    return loss_pointwise_forward(c, &type);
}
static luron_status backward(luron_call *c) { return loss_pointwise_backward(c, &type); }
static luron_status both(luron_call *c) {
    LURON_TRY(check(c));
    return loss_pointwise_both(c, &type);
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, INPUT), *t = o->in(c, TARGET);
    const double least = exp(-100); /* 0 itself would give a gradient of 0 times infinity */
    luron_tensor *log_x = o->clamp(c, o->log(c, o->clamp(c, x, least, 1)), -100, 0);
    luron_tensor *log_not_x = o->clamp(c, o->log(c, o->clamp(c, o->scale(c, x, -1, 1), least, 1)), -100, 0);
    luron_tensor *terms = o->sub(c, o->mul(c, o->scale(c, t, 1, -1), log_not_x), o->mul(c, t, log_x));
    return loss_pointwise_finish(c, o, terms);
}
static const luron_option *const options[] = { LOSS_REDUCTION, NULL };
static const luron_port *const in[] = { LURON_PORT("input", 0, LURON_REAL, 0, "probabilities"),
    LURON_PORT("target", 0, LURON_REAL, 0, "as input, from 0 to 1"),
    LURON_PORT("weight", LURON_PORT_OPTIONAL, LURON_REAL, 0, "of each term, broadcast to input"), NULL };
const luron_layer_type loss_bce = { LOSS_TYPE("BCELoss", "bce_loss", "cross entropy of yes-or-no probabilities"), .in = in,
    LOSS_POINTWISE_MEMBERS };
