/* squareplus.c: y = (x + s) / 2 with s = sqrt(x^2 + b); below 0 as b / (2 (s - x)), which loses nothing. */
#include "shrink.h"
typedef struct squareplus { double b; } squareplus;
#define OPTIONS squareplus
#define HOST_FN LURON_MAP_sqrt
#define ARG (x * x + (REAL)o->b)
#define S (x > (REAL)1e9 || x < -(REAL)1e9 ? (x < 0 ? -x : x) : u) /* whose square may be too large */
#define VALUE (x < 0 ? (REAL)o->b / (2 * (S - x)) : (x + S) / 2)
#define GRAD (x < 0 ? gy * ((REAL)o->b / (2 * (S - x))) / S : S > 0 ? gy * (x + S) / (2 * S) : gy / 2)
#define REAL float
#include "../activation/loops.h"
#define REAL double
#include "../activation/loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    const double b = ((const squareplus *)c->options)->b;
    luron_tensor *x = o->in(c, 0), *down = o->lt(c, x, o->scalar(c, 0)), *far = o->gt(c, o->abs(c, x), o->scalar(c, 1e9));
    luron_tensor *near = o->where(c, far, o->scalar(c, 1), x), *s = o->sqrt(c, o->scale(c, o->square(c, near), 1, b));
    s = o->where(c, far, o->abs(c, x), s);
    luron_tensor *below = o->where(c, down, o->sub(c, s, x), o->scalar(c, 1));
    below = o->scale(c, o->reciprocal(c, below), b / 2, 0);
    return o->set_out(c, 0, o->where(c, down, below, o->scale(c, o->add(c, x, s), 0.5, 0)));
}
static const luron_option *const options[] = { LURON_OPT_FLOAT(squareplus, b, 4.0, 1e-6, 1e6, "how round it is at 0"), NULL };
ACTIVATION(squareplus, "Squareplus", "(x + sqrt(x^2 + b)) / 2", LURON_EW_IN_PLACE, WITH_OPTIONS(squareplus));
