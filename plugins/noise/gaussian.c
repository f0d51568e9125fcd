/* gaussian.c: Keras's noises by normal numbers z: y = x + stddev z, and y = x (1 + sqrt(rate / (1 - rate)) z). A normal
 * number comes from two uniform ones (Box and Muller, 1958), which are drawn again in backward. */
#ifndef REAL
#include "noise.h"
#include <math.h>
typedef struct gaussian {
    double rate, stddev;
} gaussian;
typedef struct drawn {
    luron_call *c;
    int times; /* multiplied, not added */
    double deviation, beta;
    const void *x;
    void *y;
} drawn;
enum { PIECE = 512, GRAIN = 4096 };
static const double turn = 6.283185307179586; /* 2 pi */
#define REAL float
#define NAME(x) x##_float
#include "gaussian.c"
#define REAL double
#define NAME(x) x##_double
#include "gaussian.c"

static double spread(luron_call *c, int times) {
    const gaussian *o = luron_options(c);
    return times ? sqrt(o->rate / (1 - o->rate)) : o->stddev;
}
static luron_status declare_dropout(luron_call *c) {
    return ((const gaussian *)luron_options(c))->rate < 1
               ? LURON_OK
               : luron_fail(c, LURON_E_ARGUMENT, "rate is 1, a number below expected: nothing would be left");
}
static luron_status forward(luron_call *c, int times) {
    drawn k = {c, times, spread(c, times), 0, luron_data(luron_in(c, 0)), luron_data(luron_out(c, 0))};
    c->host->parallel_for(c, luron_numel(luron_in(c, 0)), GRAIN, c->dtype == LURON_F64 ? shake_double : shake_float,
                          &k);
    return LURON_OK;
}
/* With a deviation of 0 numbers go through as they are: so does the gradient of what is added to. */
static luron_status backward(luron_call *c, int times) {
    drawn k = {c, times, times ? spread(c, times) : 0, 0, luron_data(luron_grad_out(c, 0)), NULL};
    luron_view *gx = luron_grad_in_beta(c, 0, &k.beta);
    k.y = luron_data(gx);
    if (gx) c->host->parallel_for(c, luron_numel(gx), GRAIN, c->dtype == LURON_F64 ? shake_double : shake_float, &k);
    return LURON_OK;
}
static luron_status composed(luron_call *c, const luron_ops *o, int times) {
    luron_tensor *x = o->in(c, 0);
    const double deviation = spread(c, times);
    int64_t shape[8];
    const int ndim = o->ndim(c, x);
    if (!luron_is_training(c) || deviation == 0) return o->set_out(c, 0, x);
    for (int i = 0; i < ndim; i++)
        shape[i] = o->size(c, x, i);
    luron_tensor *far = o->sqrt(c, o->scale(c, o->log(c, o->scale(c, o->uniform(c, 0, ndim, shape), -1, 1)), -2, 0));
    luron_tensor *way = o->cos(c, o->scale(c, o->uniform(c, 1, ndim, shape), turn, 0));
    luron_tensor *z = o->scale(c, o->mul(c, far, way), deviation, times);
    return o->set_out(c, 0, times ? o->mul(c, x, z) : o->add(c, x, z));
}

#define RATE                                                                                                           \
    LURON_OPT_(gaussian, rate, LURON_FLOAT, LURON_OPTION_REQUIRED, 0, 0, 1, NULL, NULL, 0, 0,                          \
               "variance rate / (1 - rate): that of a dropout with this probability")
#define STDDEV                                                                                                         \
    LURON_OPT_(gaussian, stddev, LURON_FLOAT, LURON_OPTION_REQUIRED, 0, 0, 1e9, NULL, NULL, 0, 0,                      \
               "standard deviation of what is added")
#define TYPE(id, type_name, by, option, says, text)                                                                    \
    static const luron_option *const options_##id[] = {option, NULL};                                                  \
    static luron_status forward_##id(luron_call *c) { return forward(c, by); }                                         \
    static luron_status backward_##id(luron_call *c) { return backward(c, by); }                                       \
    static luron_status compose_##id(luron_call *c, const luron_ops *o) { return composed(c, o, by); }                 \
    const luron_layer_type noise_##id = {.struct_size = sizeof(luron_layer_type),                                      \
                                         .flags = NOISE_FLAGS,                                                         \
                                         .name = type_name,                                                            \
                                         .doc = text,                                                                  \
                                         .options = options_##id,                                                      \
                                         .options_size = sizeof(gaussian),                                             \
                                         .declare = says,                                                              \
                                         .forward = forward_##id,                                                      \
                                         .backward = backward_##id,                                                    \
                                         .compose = compose_##id};
TYPE(gaussian_dropout, "GaussianDropout", 1, RATE, declare_dropout,
     "multiplies by normal numbers of mean 1 when training")
TYPE(gaussian_noise, "GaussianNoise", 0, STDDEV, NULL, "adds normal numbers of mean 0 when training")
#else
/* Normal numbers first .. first + n of the call. */
static void NAME(normal)(luron_call *c, int64_t first, int64_t n, REAL *z) {
    const luron_host *h = c->host;
    const uint32_t dtype = c->dtype;
    float u[PIECE];
    REAL way[PIECE];
    h->rand_uniform(c, 0, first, n, u);
    for (int64_t i = 0; i < n; i++)
        z[i] = 1 - (REAL)u[i]; /* within (0, 1] */
    h->map(h, LURON_MAP_log, dtype, n, z, z);
    for (int64_t i = 0; i < n; i++)
        z[i] *= -2;
    h->map(h, LURON_MAP_sqrt, dtype, n, z, z);
    h->rand_uniform(c, 1, first, n, u);
    for (int64_t i = 0; i < n; i++)
        way[i] = (REAL)u[i] * (REAL)turn;
    h->map(h, LURON_MAP_cos, dtype, n, way, way);
    for (int64_t i = 0; i < n; i++)
        z[i] *= way[i];
}
static void NAME(shake)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const drawn *k = arg;
    const REAL *x = k->x, deviation = (REAL)k->deviation;
    const int draws = luron_is_training(k->c) && k->deviation != 0;
    REAL *y = k->y, z[PIECE] = {0};
    (void)chunk;
    for (int64_t at = begin; at < end; at += PIECE) {
        const int64_t n = end - at < PIECE ? end - at : PIECE;
        if (draws) NAME(normal)(k->c, at, n, z);
        for (int64_t i = 0; i < n; i++) {
            const REAL v = k->times ? x[at + i] * (z[i] * deviation + 1) : x[at + i] + z[i] * deviation;
            y[at + i] = k->beta != 0 ? y[at + i] + v : v;
        }
    }
}
#undef NAME
#undef REAL
#endif
