/* glu.c: y = a sigmoid(b) of the halves a and b of x along dim. Dauphin et al., 2017. */
#ifndef REAL
#include "../loops.h"
#include "gate.h"
typedef struct work {
    const luron_call *c;
    int64_t half; /* numbers of a half that lie in one piece */
    const void *x, *gy;
    void *to;
    double beta;
} work;
enum { PIECE = 512, GRAIN = 16384 };
#define REAL float
#include "glu.c"
#define REAL double
#include "glu.c"
WIDE_PASS(pieces)

static luron_status setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    int64_t shape[8];
    int at = 0;
    LURON_TRY(gate_dim(c, &at));
    if (x->shape[at] % 2)
        return luron_fail(c, LURON_E_SHAPE, "input has size %lld in dimension %lld: two halves expected",
                          (long long)x->shape[at], (long long)luron_shown(c, at));
    for (int i = 0; i < x->ndim; i++) shape[i] = i == at ? x->shape[i] / 2 : x->shape[i];
    return c->host->set_out(c, 0, LURON_REAL, x->ndim, shape);
}
static luron_status run(luron_call *c, const luron_view *gy, void *to, double beta) {
    const luron_view *x = luron_in(c, 0);
    work k = {c, 1, luron_data(x), gy ? luron_data(gy) : NULL, to, beta};
    int at = 0;
    LURON_TRY(gate_dim(c, &at));
    for (int i = at; i < x->ndim; i++) k.half *= i == at ? x->shape[i] / 2 : x->shape[i];
    c->host->parallel_for(c, luron_numel(x) / 2, GRAIN, BY_VECTORS(c, pieces), &k);
    return LURON_OK;
}
static luron_status forward(luron_call *c) { return run(c, NULL, luron_data(luron_out(c, 0)), 0); }
static luron_status backward(luron_call *c) {
    double beta = 0;
    luron_view *gx = luron_grad_in_beta(c, 0, &beta);
    return gx ? run(c, luron_grad_out(c, 0), luron_data(gx), beta) : LURON_OK;
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    int at = 0;
    LURON_TRY(gate_dim(c, &at));
    const int64_t n = luron_in(c, 0)->shape[at];
    luron_tensor *x = o->in(c, 0);
    return o->set_out(c, 0, o->mul(c, o->narrow(c, x, at, 0, n / 2), o->sigmoid(c, o->narrow(c, x, at, n / 2, n / 2))));
}
static const luron_option *const options[] = {LURON_OPT_AXIS(gate, dim, -1, "that is halved"), NULL};
const luron_layer_type gate_glu = {GATE_TYPE("GLU", "glu", "one half times the sigmoid of the other"),
                                   GATE_OPTIONS,
                                   .setup = setup,
                                   .forward = forward,
                                   .backward = backward};
#else
/* y, or from gy the gradient of x. Number i of the halves has its a at i + half (i / half) of x. */
LOOP TYPED(pieces)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const int adds = k->beta != 0;
    REAL s[PIECE];
    (void)chunk;
    for (int64_t i = begin, m; i < end; i += m) {
        const int64_t left = k->half - i % k->half, most = end - i < PIECE ? end - i : PIECE, at = i + i / k->half * k->half;
        const REAL *a = (const REAL *)k->x + at, *gy = k->gy ? (const REAL *)k->gy + i : NULL;
        REAL *y = (REAL *)k->to + i, *restrict ga = (REAL *)k->to + at, *restrict gb = ga + k->half;
        m = left < most ? left : most;
        k->c->host->map(k->c->host, LURON_MAP_sigmoid, k->c->dtype, m, a + k->half, s);
        if (!k->gy)
            for (int64_t j = 0; j < m; j++) y[j] = a[j] * s[j];
        else
            for (int64_t j = 0; j < m; j++) {
                const REAL da = gy[j] * s[j], db = gy[j] * a[j] * (s[j] * (1 - s[j]));
                ga[j] = adds ? ga[j] + da : da;
                gb[j] = adds ? gb[j] + db : db;
            }
    }
}
#undef REAL
#endif
