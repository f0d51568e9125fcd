/* local_response.c: y = x / (k + alpha m)^beta, where m is the mean square of `size` channels around x's; channels that
 * are not there count as 0. Krizhevsky et al., 2012. And y = x / max(|x|_p, eps) of the vectors along a dimension. */
#include "normalize.h"

static luron_status compose_response(luron_call *c, const luron_ops *o) {
    const normalize *opt = luron_options(c);
    const luron_view *v = luron_in(c, 0);
    if (v->ndim < 3)
        return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, (n, c, ...) with at least 3 expected",
                          (int)v->ndim);
    int64_t before[8] = {opt->size / 2}, after[8] = {(opt->size - 1) / 2};
    luron_tensor *x = o->in(c, 0), *sum = NULL, *squares = o->pad(c, o->square(c, x), v->ndim - 1, before, after, 0);
    for (int64_t i = 0; i < opt->size; i++) {
        luron_tensor *part = o->narrow(c, squares, 1, i, v->shape[1]);
        sum = i ? o->add(c, sum, part) : part;
    }
    sum = o->scale(c, sum, opt->alpha / (double)opt->size, opt->k);
    return o->set_out(c, 0, o->div(c, x, o->pow(c, sum, o->scalar(c, opt->beta))));
}

static luron_status compose_unit(luron_call *c, const luron_ops *o) {
    const normalize *opt = luron_options(c);
    const int ndim = luron_in(c, 0)->ndim;
    if (opt->dim < -ndim || opt->dim >= ndim)
        return luron_fail(c, LURON_E_RANGE, "dim is %lld, input has %d dimensions", (long long)luron_shown(c, opt->dim),
                          ndim);
    const int dim = (int)(opt->dim < 0 ? opt->dim + ndim : opt->dim);
    luron_tensor *x = o->in(c, 0), *length = o->norm(c, x, opt->p, 1, &dim, 1);
    return o->set_out(c, 0, o->div(c, x, o->clamp(c, length, opt->eps, INFINITY)));
}

static const luron_option *const of_response[] = {
    LURON_OPT_INT_REQ(normalize, size, 1, 1e4, "channels of a mean"),
    LURON_OPT_FLOAT(normalize, alpha, 1e-4, 0, 1e9, "times the mean square"),
    LURON_OPT_FLOAT(normalize, beta, 0.75, 0, 10, "power of the divisor"),
    LURON_OPT_FLOAT(normalize, k, 1, 0, 1e9, "added to the mean square"), NULL};
static const luron_option *const of_unit[] = {
    LURON_OPT_FLOAT(normalize, p, 2, 1, 1e9, "of the p-norm: 2 gives lengths"),
    LURON_OPT_AXIS(normalize, dim, 1, "along which the vectors lie"), NORMALIZE_EPS, NULL};
static const luron_port *const in[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(n, c, ...)"), NULL};
const luron_layer_type normalize_local_response = {.struct_size = sizeof(luron_layer_type),
                                                   .flags = LURON_LAYER_F64,
                                                   .name = "LocalResponseNorm",
                                                   .doc = "each number over the size of those in channels around it",
                                                   .options = of_response,
                                                   .options_size = sizeof(normalize),
                                                   .in = in,
                                                   .compose = compose_response};
const luron_layer_type normalize_unit = {.struct_size = sizeof(luron_layer_type),
                                         .flags = LURON_LAYER_F64,
                                         .name = "Normalize",
                                         .function = "normalize",
                                         .doc = "vectors of length 1",
                                         .options = of_unit,
                                         .options_size = sizeof(normalize),
                                         .compose = compose_unit};
