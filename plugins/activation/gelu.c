/* gelu.c: y = x (1 + u) / 2 with u = erf(x / sqrt 2), or u = tanh(sqrt(2 / pi) (x + 0.044715 x^3)). */
#include "activation.h"
typedef struct gelu { int32_t approximate; } gelu;
#define K 0.79788456080286535588 /* sqrt(2 / pi) */
#define B 0.044715
#define OPTIONS gelu
#define HOST_FN (o->approximate ? LURON_MAP_tanh : LURON_MAP_erf)
#define ARG (o->approximate ? (REAL)K * x * (1 + (REAL)B * x * x) : (REAL)0.70710678118654752440 * x)
#define VALUE (x * (1 + u) / 2)
#define MORE (!o->approximate)
#define MORE_FN LURON_MAP_exp
#define MORE_ARG (x * x / -2)
#define SLOPE (o->approximate ? (1 - u * u) * (REAL)K * (1 + 3 * (REAL)B * x * x) : (REAL)K * v)
#define GRAD (gy * (1 + u + x * SLOPE) / 2) /* SLOPE: du/dx */
#define REAL float
#include "loops.h"
#define REAL double
#include "loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0), *u;
    if (((const gelu *)c->options)->approximate)
        u = o->tanh(c, o->scale(c, o->mul(c, x, o->scale(c, o->square(c, x), B, 1)), K, 0));
    else
        u = o->erf(c, o->scale(c, x, 0.70710678118654752440, 0));
    return o->set_out(c, 0, o->mul(c, x, o->scale(c, u, 0.5, 0.5)));
}
static const char *const forms[] = { "none", "tanh", NULL };
static const luron_option *const options[] = { LURON_OPT_CHOICE(gelu, approximate, "none", forms, "exact, or by tanh"), NULL };
ACTIVATION(gelu, "GELU", "x times the normal distribution function of x", LURON_EW_IN_PLACE, WITH_OPTIONS(gelu));
