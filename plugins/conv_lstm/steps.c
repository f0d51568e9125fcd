/* steps.c: forward and backward on the host's convolutions: one over all steps of the input, and one for each step of
 * the state. Kept are the gates (n,t,4 out,size), and the states of all steps, (t,n,out,size) each. */
#ifndef REAL
#include "conv_lstm.h"
enum { GATES, STATES, CELLS }; /* saved */
/* A run: m numbers of a state of one sequence, `all` of all of them. Scratch: the recurrent convolution, or the
 * gradient of a step's gates (n,4 out,size); backward those of all gates, and of h and c; tanh of c; the host's. */
typedef struct steps {
    plane p;
    luron_call *c;
    int64_t m, all, size, s; /* s: the step at hand */
    char *z, *h, *cell, *y;  /* saved; y: the output, NULL in backward */
    char *r, *dz, *dh, *dc, *tc, *work;
    const char *first[2], *dy; /* h_0 and c_0, the gradient of the output; NULL: none */
    int has_h;                 /* is there a state before the step? */
} steps;
#define REAL float
#include "steps.c"
#define REAL double
#include "steps.c"
WIDE_PASS(rows)
WIDE_PASS(slopes)

    static char *at(const steps *k, char *p, int64_t numbers) {
    return p ? p + numbers * k->size : NULL;
}
/* A tensor of the numbers at `data`: (n, channels, sizes). */
typedef struct shaped {
    luron_view v;
    int64_t shape[5];
} shaped;
static void shape_as(shaped *s, const steps *k, char *data, int64_t n, int64_t channels, const int64_t *sizes) {
    const uint32_t dtype = k->c->dtype;
    s->shape[0] = n, s->shape[1] = channels;
    memcpy(s->shape + 2, sizes, (size_t)k->p.input.dims * sizeof *sizes);
    s->v = (luron_view){.data = data,
                        .ndim = k->p.input.dims + 2,
                        .dtype_code = (uint8_t)(dtype >> 8),
                        .dtype_bits = (uint8_t)dtype,
                        .dtype_lanes = 1,
                        .shape = s->shape};
}
/* What a convolution over a window is given. */
static luron_conv service(const steps *k, const window *w, const luron_view *x, const luron_view *weight,
                          const luron_view *gy, luron_view *out, double beta) {
    luron_conv v = {
        .struct_size = sizeof v, .x = x, .w = weight, .gy = gy, .out = out, .groups = 1, .beta = beta, .work = k->work};
    for (int d = 0; d < w->dims; d++)
        v.stride[d] = w->stride[d], v.padding[d] = w->before[d], v.dilation[d] = w->dilation[d];
    return v;
}
/* The input and its convolution; a state and its. */
static void shape_input(const steps *k, char *x, char *z, shaped *from, shaped *to) {
    shape_as(from, k, x, k->p.n * k->p.t, k->p.o->in_channels, k->p.input.in);
    shape_as(to, k, z, k->p.n * k->p.t, 4 * k->p.o->out_channels, k->p.input.out);
}
static void shape_state(const steps *k, char *h, char *z, shaped *from, shaped *to) {
    shape_as(from, k, h, k->p.n, k->p.o->out_channels, k->p.state.in);
    shape_as(to, k, z, k->p.n, 4 * k->p.o->out_channels, k->p.state.out);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */
static steps sizes_of(const plane *p) {
    steps k = {.p = *p, .c = p->c, .m = p->o->out_channels * p->pixels, .size = p->c->dtype == LURON_F64 ? 8 : 4};
    k.all = p->n * k.m;
    return k;
}
/* Lays out the scratch memory from base, NULL: none; what the host needs is last. @return bytes before that. */
static int64_t lay_out(steps *k, char *base) {
    const int64_t numbers[5] = {4 * k->all, 4 * k->all * k->p.t, k->all, k->all, k->all};
    char **const to[5] = {&k->r, &k->dz, &k->dh, &k->dc, &k->tc};
    int64_t bytes = 0;
    for (int i = 0; i < 5; i++) {
        *to[i] = base ? base + bytes : NULL;
        bytes += (numbers[i] * k->size + 63) / 64 * 64;
    }
    k->work = base ? base + bytes : NULL;
    return bytes;
}
luron_status conv_lstm_memory(const plane *p) {
    luron_call *c = p->c;
    steps k = sizes_of(p);
    shaped from, to;
    shape_input(&k, NULL, NULL, &from, &to);
    const luron_conv input = service(&k, &p->input, &from.v, luron_param(c, WEIGHT_IH), &to.v, NULL, 0);
    const int64_t first = c->host->conv_work(c, &input);
    if (first < 0) return (luron_status)first;
    shape_state(&k, NULL, NULL, &from, &to);
    const luron_conv state = service(&k, &p->state, &from.v, luron_param(c, WEIGHT_HH), &to.v, NULL, 0);
    const int64_t second = c->host->conv_work(c, &state);
    if (second < 0) return (luron_status)second;
    LURON_TRY(c->host->declare_saved(c, GATES, LURON_REAL, LURON_SHAPE(p->n, p->t, 4 * k.m)));
    for (int i = STATES; i <= CELLS; i++)
        LURON_TRY(c->host->declare_saved(c, i, LURON_REAL, LURON_SHAPE(p->t, p->n, k.m)));
    return c->host->declare_scratch(c, lay_out(&k, NULL) + (first > second ? first : second));
}
static luron_status open_steps(luron_call *c, steps *k) {
    plane p;
    LURON_TRY(conv_lstm_open(c, &p));
    *k = sizes_of(&p);
    lay_out(k, luron_scratch(c));
    k->z = luron_data(luron_saved(c, GATES)), k->h = luron_data(luron_saved(c, STATES)),
    k->cell = luron_data(luron_saved(c, CELLS));
    for (int i = 0; i < 2; i++)
        k->first[i] = luron_data(luron_in(c, H_0 + i));
    return LURON_OK;
}
/* The state before step s; NULL: zeros. */
static char *before(const steps *k, int64_t s) { return s ? at(k, k->h, (s - 1) * k->all) : (char *)k->first[0]; }
static void pass(steps *k, void (*fn)(void *, int64_t, int64_t, int64_t)) {
    k->c->host->parallel_for(k->c, k->p.n, 1 + 16384 / (4 * k->m + 1), fn, k);
}

/* ---- forward ----------------------------------------------------------------------------------------------------- */
luron_status conv_lstm_forward(luron_call *c) {
    steps k;
    shaped from, to;
    LURON_TRY(open_steps(c, &k));
    const int steps_out = k.p.at == 2;
    k.y = steps_out ? luron_data(luron_out(c, 0)) : NULL;
    shape_input(&k, luron_data(luron_in(c, INPUT)), k.z, &from, &to);
    luron_conv v = service(&k, &k.p.input, &from.v, luron_param(c, WEIGHT_IH), NULL, &to.v, 0);
    v.bias = luron_param(c, BIAS);
    LURON_TRY(c->host->conv(c, &v));
    for (k.s = 0; k.s < k.p.t; k.s++) {
        k.has_h = before(&k, k.s) != NULL;
        if (k.has_h) {
            shape_state(&k, before(&k, k.s), k.r, &from, &to);
            const luron_conv state = service(&k, &k.p.state, &from.v, luron_param(c, WEIGHT_HH), NULL, &to.v, 0);
            LURON_TRY(c->host->conv(c, &state));
        }
        pass(&k, BY_VECTORS(c, rows));
    }
    const size_t bytes = (size_t)(k.all * k.size);
    if (bytes) memcpy(luron_data(luron_out(c, steps_out)), at(&k, k.h, (k.p.t - 1) * k.all), bytes);
    if (bytes) memcpy(luron_data(luron_out(c, steps_out + 1)), at(&k, k.cell, (k.p.t - 1) * k.all), bytes);
    return LURON_OK;
}

/* ---- backward ---------------------------------------------------------------------------------------------------- */
static void take(const steps *k, const luron_view *g, char *to) {
    const size_t bytes = (size_t)(k->all * k->size);
    if (bytes && luron_data(g))
        memcpy(to, luron_data(g), bytes);
    else if (bytes)
        memset(to, 0, bytes);
}
static luron_status step_back(steps *k, luron_view *gw, int wants_before) {
    luron_call *c = k->c;
    shaped h, z;
    pass(k, BY_VECTORS(c, slopes));
    shape_state(k, before(k, k->s), k->r, &h, &z);
    if (gw && before(k, k->s)) {
        const luron_conv v = service(k, &k->p.state, &h.v, NULL, &z.v, gw, 1);
        LURON_TRY(c->host->conv_grad_weight(c, &v));
    }
    if (!wants_before) return LURON_OK;
    shape_state(k, k->dh, k->r, &h, &z);
    const luron_conv v = service(k, &k->p.state, NULL, luron_param(c, WEIGHT_HH), &z.v, &h.v, 0);
    return c->host->conv_grad_input(c, &v);
}
/* From the gradients of all gates to those of the input and its parameters. */
static luron_status input_back(const steps *k) {
    luron_call *c = k->c;
    shaped x, z;
    double beta;
    shape_input(k, luron_data(luron_in(c, INPUT)), k->dz, &x, &z);
    luron_view *gw = luron_grad_param_beta(c, WEIGHT_IH, &beta);
    if (gw) {
        const luron_conv v = service(k, &k->p.input, &x.v, NULL, &z.v, gw, beta);
        LURON_TRY(c->host->conv_grad_weight(c, &v));
    }
    luron_view *gb = luron_grad_param_beta(c, BIAS, &beta);
    if (gb) {
        int64_t channels[4] = {4 * k->p.o->out_channels, 1, 1, 1};
        luron_view to = *gb;
        to.shape = channels, to.ndim = k->p.input.dims + 1, to.strides = NULL;
        LURON_TRY(c->host->sum_to(c, &z.v, &to, beta));
    }
    luron_view *gx = luron_grad_in_beta(c, INPUT, &beta);
    if (!gx) return LURON_OK;
    x.v.data = luron_data(gx);
    const luron_conv v = service(k, &k->p.input, NULL, luron_param(c, WEIGHT_IH), &z.v, &x.v, beta);
    return c->host->conv_grad_input(c, &v);
}
luron_status conv_lstm_backward(luron_call *c) {
    steps k;
    LURON_TRY(open_steps(c, &k));
    const int steps_out = k.p.at == 2;
    luron_view *gw = luron_grad_param(c, WEIGHT_HH), *firsts[2] = {luron_grad_in(c, H_0), luron_grad_in(c, C_0)};
    k.dy = steps_out ? luron_data(luron_grad_out(c, 0)) : NULL;
    take(&k, luron_grad_out(c, steps_out), k.dh), take(&k, luron_grad_out(c, steps_out + 1), k.dc);
    for (k.s = k.p.t - 1; k.s >= 0; k.s--)
        LURON_TRY(step_back(&k, gw, k.s > 0 || firsts[0]));
    for (int i = 0; i < 2; i++)
        if (firsts[i]) BY_TYPE(c, add)(k.all, i ? k.dc : k.dh, luron_data(firsts[i]));
    return input_back(&k);
}
#else
static void TYPED(add)(int64_t n, const void *from, void *to) {
    for (int64_t j = 0; j < n; j++)
        ((REAL *)to)[j] += ((const REAL *)from)[j];
}
LOOP TYPED(rows)(void *arg, int64_t begin, int64_t end, int64_t chunk) { /* sequences */
    const steps *k = arg;
    const luron_host *host = k->c->host;
    const int64_t m = k->m, done = k->s * k->all;
    (void)chunk;
    for (int64_t row = begin; row < end; row++) {
        REAL *z = (REAL *)k->z + (row * k->p.t + k->s) * 4 * m, *c = (REAL *)k->cell + done + row * m,
             *h = (REAL *)k->h + done + row * m;
        const REAL *r = (const REAL *)k->r + row * 4 * m, *i = z, *f = z + m, *g = z + 2 * m, *o = z + 3 * m;
        const REAL *last = k->s ? c - k->all : k->first[1] ? (const REAL *)k->first[1] + row * m : NULL;
        for (int64_t j = 0; k->has_h && j < 4 * m; j++)
            z[j] += r[j];
        TYPED(gate)(k->c, k->p.o->recurrent_activation, 2 * m, z);
        host->map(host, LURON_MAP_tanh, k->c->dtype, m, g, z + 2 * m);
        TYPED(gate)(k->c, k->p.o->recurrent_activation, m, z + 3 * m);
        for (int64_t j = 0; j < m; j++)
            c[j] = last ? f[j] * last[j] + i[j] * g[j] : i[j] * g[j];
        host->map(host, LURON_MAP_tanh, k->c->dtype, m, c, h);
        for (int64_t j = 0; j < m; j++)
            h[j] *= o[j];
        if (k->y) memcpy((REAL *)k->y + (row * k->p.t + k->s) * m, h, (size_t)m * sizeof *h);
    }
}
LOOP TYPED(slopes)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const steps *k = arg;
    const int64_t m = k->m;
    const int hard = k->p.o->recurrent_activation == HARD;
    (void)chunk;
    for (int64_t row = begin; row < end; row++) {
        const int64_t place = row * k->p.t + k->s;
        const REAL *i = (const REAL *)k->z + place * 4 * m, *f = i + m, *g = f + m, *o = g + m,
                   *c = (const REAL *)k->cell + k->s * k->all + row * m;
        const REAL *last = k->s ? c - k->all : k->first[1] ? (const REAL *)k->first[1] + row * m : NULL;
        const REAL *dy = k->dy ? (const REAL *)k->dy + place * m : NULL, *dh = (const REAL *)k->dh + row * m;
        REAL *dc = (REAL *)k->dc + row * m, *tc = (REAL *)k->tc + row * m, *dz = (REAL *)k->r + row * 4 * m;
        k->c->host->map(k->c->host, LURON_MAP_tanh, k->c->dtype, m, c, tc);
        for (int64_t j = 0; j < m; j++) {
            const REAL all = dy ? dh[j] + dy[j] : dh[j], into_c = dc[j] + all * o[j] * (1 - tc[j] * tc[j]);
            dz[j] = into_c * g[j] * TYPED(gate_slope)(i[j], hard);
            dz[m + j] = last ? into_c * last[j] * TYPED(gate_slope)(f[j], hard) : 0;
            dz[2 * m + j] = into_c * i[j] * (1 - g[j] * g[j]);
            dz[3 * m + j] = all * tc[j] * TYPED(gate_slope)(o[j], hard);
            dc[j] = into_c * f[j];
        }
        memcpy((REAL *)k->dz + place * 4 * m, dz, (size_t)(4 * m) * sizeof *dz);
    }
}
#undef REAL
#endif
