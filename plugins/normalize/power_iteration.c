/* power_iteration.c: the directions u and v in which a matrix stretches most, kept as state: u^T W v is its largest
 * singular value. When training every application goes on by some steps of power iteration: u = W v, v = W^T u, of
 * length 1 each. Both count as constant. Miyato et al., 2018: what spectral normalisation divides by. */
#ifndef REAL
#include "normalize.h"
enum { U, V };
#define REAL float
#include "power_iteration.c"
#define REAL double
#include "power_iteration.c"

static luron_status declare(luron_call *c) {
    const normalize *o = luron_options(c);
    const luron_init init = luron_init_normal(0, 1);
    LURON_TRY(c->host->declare_state(c, U, "u", LURON_REAL, LURON_SHAPE(o->rows), init));
    return c->host->declare_state(c, V, "v", LURON_REAL, LURON_SHAPE(o->columns), init);
}
static luron_status setup(luron_call *c) {
    const normalize *o = luron_options(c);
    const luron_view *w = luron_in(c, 0);
    if (w->ndim != 2 || w->shape[0] != o->rows || w->shape[1] != o->columns)
        return luron_fail(c, LURON_E_SHAPE, "weight: a matrix of %lld rows and %lld columns expected",
                          (long long)o->rows, (long long)o->columns);
    LURON_TRY(c->host->set_out(c, U, LURON_REAL, LURON_SHAPE(o->rows)));
    return c->host->set_out(c, V, LURON_REAL, LURON_SHAPE(o->columns));
}
/* to = W from, or of W turned, then of length 1. */
static luron_status turn(luron_call *c, uint32_t flags, luron_view *from, luron_view *to) {
    int64_t from_shape[2] = {from->shape[0], 1}, to_shape[2] = {to->shape[0], 1};
    luron_view b = *from, out = *to;
    b.ndim = out.ndim = 2, b.shape = from_shape, out.shape = to_shape, b.strides = out.strides = NULL;
    luron_gemm g = {sizeof g, flags, luron_in(c, 0), &b, NULL, &out, 0};
    LURON_TRY(c->host->gemm(c, &g));
    BY_TYPE(c, shorten)(luron_data(to), to->shape[0], ((const normalize *)luron_options(c))->eps);
    return LURON_OK;
}
static luron_status forward(luron_call *c) {
    const normalize *o = luron_options(c);
    luron_view *u = luron_state(c, U), *v = luron_state(c, V);
    for (int64_t i = 0; luron_is_training(c) && i < o->n_power_iterations; i++) {
        LURON_TRY(turn(c, 0, v, u));
        LURON_TRY(turn(c, LURON_TRANS_A, u, v));
    }
    const size_t size = c->dtype == LURON_F64 ? sizeof(double) : sizeof(float);
    memcpy(luron_data(luron_out(c, U)), luron_data(u), (size_t)o->rows * size);
    memcpy(luron_data(luron_out(c, V)), luron_data(v), (size_t)o->columns * size);
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    double beta;
    if (!luron_grad_in_beta(c, 0, &beta)) return LURON_OK;
    return luron_fail(c, LURON_E_GRADIENT, "weight has no gradient here: give weight:detach()");
}

static const luron_option *const options[] = {
    LURON_OPT_INT_REQ(normalize, rows, 1, 1e9, "of the matrix"),
    LURON_OPT_INT_REQ(normalize, columns, 1, 1e9, "of the matrix"),
    LURON_OPT_INT(normalize, n_power_iterations, 1, 1, 1e6, "steps an application when training"), NORMALIZE_EPS, NULL};
static const luron_port *const in[] = {LURON_PORT("weight", 0, LURON_REAL, 2, "(rows, columns)"), NULL};
static const luron_port *const out[] = {LURON_PORT("u", 0, LURON_REAL, 1, "(rows): left singular vector"),
                                        LURON_PORT("v", 0, LURON_REAL, 1, "(columns): right one"), NULL};
const luron_layer_type normalize_power_iteration = {
    .struct_size = sizeof(luron_layer_type),
    .flags = LURON_LAYER_F64,
    .name = "PowerIteration",
    .doc = "the vectors of a matrix's largest singular value, step by step",
    .options = options,
    .options_size = sizeof(normalize),
    .in = in,
    .out = out,
    .declare = declare,
    .setup = setup,
    .forward = forward,
    .backward = backward};
#else
static void TYPED(shorten)(void *vector, int64_t n, double eps) {
    REAL *x = vector;
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    const double length = sqrt(sum) > eps ? sqrt(sum) : eps;
    for (int64_t i = 0; i < n; i++)
        x[i] = (REAL)((double)x[i] / length);
}
#undef REAL
#endif
