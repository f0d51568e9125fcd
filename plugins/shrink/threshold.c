/* threshold.c: y = x above the threshold, else value. */
#include "shrink.h"
typedef struct threshold { double threshold, value; } threshold;
#define OPTIONS threshold
#define VALUE (x <= (REAL)o->threshold ? (REAL)o->value : x)
#define GRAD (x <= (REAL)o->threshold ? 0 : gy)
#define REAL float
#include "../activation/loops.h"
#define REAL double
#include "../activation/loops.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    const threshold *t = c->options;
    luron_tensor *x = o->in(c, 0);
    return o->set_out(c, 0, o->where(c, o->le(c, x, o->scalar(c, t->threshold)), o->scalar(c, t->value), x));
}
#define NEEDED(name, doc) LURON_OPT_(threshold, name, LURON_FLOAT, LURON_OPTION_REQUIRED, 0, 0, 0, NULL, NULL, 0, 0, doc)
static const luron_option *const options[] = { NEEDED(threshold, "up to which x is replaced"), NEEDED(value, "by this"), NULL };
ACTIVATION(threshold, "Threshold", "x above threshold, else value", LURON_EW_IN_PLACE, WITH_OPTIONS(threshold));
