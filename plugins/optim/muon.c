/* muon.c: for matrices. b is a running mean of g, and p -= lr' X, where X is b with its singular values brought near 1 by ns_steps
 * steps of X <- a X + (b A + c A^2) X, A = X X^T, on the shorter side (Jordan et al., 2024), in the parameter's dtype, where
 * PyTorch rounds to bfloat16. More than two dims are [out, rest].                                                               */
#ifndef REAL
#include "optim.h"
#include <string.h>
typedef struct muon { double lr, momentum, weight_decay, ns_a, ns_b, ns_c, eps; int64_t ns_steps; int32_t nesterov, adjust_lr_fn; } muon;
static int64_t cols_of(const luron_view *v) { return v->shape[0] ? luron_numel(v) / v->shape[0] : 0; }
static void product(luron_step *s, uint32_t flags, const luron_view *a, const luron_view *b, luron_view *out, double beta) {
    (void)s->host->gemm(s->call, &(const luron_gemm) { sizeof(luron_gemm), flags, a, b, NULL, out, beta }); /* the host keeps its failure */
}
static double rate(const muon *o, int64_t rows, int64_t cols) {
    const double wide = (double)rows / (double)cols, most = (double)(rows > cols ? rows : cols);
    return o->lr * (o->adjust_lr_fn == 0 ? sqrt(wide > 1 ? wide : 1) : o->adjust_lr_fn == 1 ? 0.2 * sqrt(most) : 1);
}
#define REAL float
#include "muon.c"
#define REAL double
#include "muon.c"

static luron_status setup(luron_step *s) {
    if (s->whole->ndim < 2) return luron_fail(s->call, LURON_E_SHAPE, "%d dims, at least 2 expected: give it to another optimiser", s->whole->ndim);
    const int64_t rows = s->whole->shape[0], cols = cols_of(s->whole), least = rows < cols ? rows : cols;
    return s->host->declare_scratch(s->call, 2 * (s->n + least * least) * (s->dtype == LURON_F64 ? 8 : 4));
}
static void step(luron_step *s) { BY_TYPE(s, step)(s); }
static const char *const adjust[] = { "original", "match_rms_adamw", "none", NULL }, *const state[] = { "momentum_buffer", NULL };
static const luron_option *const options[] = { OPT_LR(muon, 1e-3), OPT_WEIGHT_DECAY(muon, 0.1, "times lr, taken off the parameter"),
    OPT(muon, momentum, 0.95, 1, "share of the mean gradient that is kept"), LURON_OPT_BOOL(muon, nesterov, 1, "look ahead along the momentum"),
    LURON_OPT_FLOAT(muon, ns_a, 3.4445, 0, 0, "times X"), LURON_OPT_FLOAT(muon, ns_b, -4.775, 0, 0, "times A X"),
    LURON_OPT_FLOAT(muon, ns_c, 2.0315, 0, 0, "times A^2 X"), OPT(muon, eps, 1e-7, ANY_SIZE, "least norm to divide by"),
    LURON_OPT_INT(muon, ns_steps, 5, 0, 99, "steps to orthogonality"),
    LURON_OPT_CHOICE(muon, adjust_lr_fn, "original", adjust, "lr by shape: times sqrt(max(1, rows / cols)), times 0.2 sqrt(max(rows, cols))"), NULL };
const luron_optim_type optim_muon = { .struct_size = sizeof(luron_optim_type), .flags = LURON_OPTIM_WHOLE, .name = "Muon", .setup = setup, .step = step,
    .doc = "orthogonal steps for the matrices of hidden layers", .options = options, .options_size = sizeof(muon), .state = state };
#else
/* The mean of the gradient, and into x the matrix to be made orthogonal, of norm 1. */
static void TYPED(start)(luron_step *s, REAL *x) {
    const muon *o = s->options;
    const REAL momentum = (REAL)o->momentum, rest = (REAL)(1 - o->momentum), *grad = s->grad;
    REAL *b = s->state[0];
    double squares = 0;
    for (int64_t i = 0; i < s->n; i++) {
        b[i] = momentum * b[i] + rest * grad[i];
        x[i] = o->nesterov ? momentum * b[i] + rest * grad[i] : b[i];
        squares += (double)x[i] * (double)x[i];
    }
    const REAL norm = (REAL)(sqrt(squares) > o->eps ? sqrt(squares) : o->eps);
    for (int64_t i = 0; i < s->n; i++) x[i] /= norm;
}
static void TYPED(step)(luron_step *s) {
    const muon *o = s->options;
    int64_t whole[2] = { s->whole->shape[0], cols_of(s->whole) }, tall = whole[0] > whole[1], square[2] = { whole[tall], whole[tall] };
    const REAL b = (REAL)o->ns_b, c = (REAL)o->ns_c, lr = (REAL)rate(o, whole[0], whole[1]), kept = (REAL)(1 - o->lr * o->weight_decay);
    REAL *x = luron_scratch(s->call), *next = x + s->n, *gram = next + s->n, *poly = gram + square[0] * square[0], *p = s->param;
    luron_view v = { x, 1, 0, 2, s->whole->dtype_code, s->whole->dtype_bits, 1, whole, NULL, 0 }, to = v, g = v, q = v;
    g.data = gram, q.data = poly, g.shape = q.shape = square;
    TYPED(start)(s, x);
    for (int64_t k = 0; k < o->ns_steps; k++) {
        v.data = x, to.data = next;
        product(s, tall ? LURON_TRANS_A : LURON_TRANS_B, &v, &v, &g, 0);
        product(s, 0, &g, &g, &q, 0);
        for (int64_t i = 0; i < square[0] * square[0]; i++) poly[i] = b * gram[i] + c * poly[i];
        memcpy(next, x, (size_t)s->n * sizeof *x);
        product(s, 0, tall ? &v : &q, tall ? &q : &v, &to, o->ns_a);
        next = x, x = to.data;
    }
    for (int64_t i = 0; i < s->n; i++) p[i] = kept * p[i] - lr * x[i];
}
#undef REAL
#endif
