/* softplus.c: y = log(1 + exp(beta x)) / beta, and x itself where beta x is above the threshold. */
#include "activation.h"
typedef struct softplus { double beta, threshold; } softplus;
#define OPTIONS softplus
#define BX ((REAL)o->beta * x)
#define HOST_FN LURON_MAP_exp /* of -|beta x|, which cannot overflow */
#define ARG (BX > 0 ? -BX : BX)
#define THEN_FN LURON_MAP_log1p
#define VALUE (BX > (REAL)o->threshold ? x : ((BX > 0 ? BX : 0) + u) / (REAL)o->beta)
#define GRAD (BX > (REAL)o->threshold ? gy : gy * (BX > 0 ? 1 : u) / (1 + u))
#define REAL float
#include "loops.h"
#define REAL double
#include "loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    const softplus *opt = c->options;
    luron_tensor *x = o->in(c, 0), *bx = o->scale(c, x, opt->beta, 0), *zero = o->scalar(c, 0);
    luron_tensor *far = o->gt(c, bx, o->scalar(c, opt->threshold)), *up = o->gt(c, bx, zero);
    luron_tensor *tail = o->log1p(c, o->exp(c, o->where(c, up, o->neg(c, bx), bx)));
    luron_tensor *y = o->scale(c, o->add(c, o->where(c, up, bx, zero), tail), 1 / opt->beta, 0);
    return o->set_out(c, 0, o->where(c, far, x, y));
}
static const luron_option *const options[] = { LURON_OPT_FLOAT(softplus, beta, 1.0, 0, 0, "sharpness"),
    LURON_OPT_FLOAT(softplus, threshold, 20.0, 0, 0, "above it, beta * x counts as large and the result is x"), NULL };
ACTIVATION(softplus, "Softplus", "log(1 + exp(beta * x)) / beta", LURON_EW_IN_PLACE, WITH_OPTIONS(softplus));
