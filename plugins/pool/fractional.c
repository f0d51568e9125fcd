/* fractional.c: the largest of windows whose steps vary by chance, so that an output has any size (Graham, 2015; the
 * places are PyTorch's). Without samples of its own a call draws them in training; in eval mode all are a half. */
#ifndef REAL
#include "pool.h"
typedef struct fractions {
    luron_call *c;
    planes p;
    const void *samples; /* (planes, dims), NULL: drawn */
} fractions;
#define REAL float
#include "fractional.c"
#define REAL double
#include "fractional.c"

static luron_status out_size(luron_call *c, planes *p, int d, int k) {
    const pool *o = p->o;
    const int64_t in = p->in[d], wide = p->kernel[d] = o->kernel_size.at[k];
    p->out[d] = o->output_size.at[k] ? o->output_size.at[k] : (int64_t)((double)in * o->output_ratio);
    if (p->out[d] < 1)
        return luron_fail(c, LURON_E_SHAPE, "the output would have size 0 in dimension %lld",
                          (long long)luron_shown(c, p->first + k));
    if (p->out[d] + wide - 1 > in)
        return luron_fail(c, LURON_E_SHAPE, "%lld windows of size %lld do not fit dimension %lld, which has size %lld",
                          (long long)p->out[d], (long long)wide, (long long)luron_shown(c, p->first + k),
                          (long long)in);
    return LURON_OK;
}
static luron_status check_samples(luron_call *c, const planes *p) {
    const luron_view *s = luron_in(c, 1);
    if (s && (s->ndim < 1 || luron_numel(s) != p->n * p->dims || s->shape[s->ndim - 1] != p->dims))
        return luron_fail(c, LURON_E_SHAPE, "samples: (n, c, %d) expected, a number for each plane and dimension",
                          p->dims);
    return LURON_OK;
}
static luron_status open_planes(luron_call *c, planes *p) {
    LURON_TRY(pool_begin(c, p));
    for (int k = 0; k < p->dims; k++) {
        p->in[POOL_DIMS - p->dims + k] = luron_in(c, 0)->shape[p->first + k];
        LURON_TRY(out_size(c, p, POOL_DIMS - p->dims + k, k));
    }
    LURON_TRY(pool_count(c, p));
    return check_samples(c, p);
}
static luron_status setup(luron_call *c) {
    planes p;
    int64_t shape[8];
    LURON_TRY(open_planes(c, &p));
    LURON_TRY(c->host->set_out(c, 0, LURON_REAL, pool_out_shape(c, &p, shape), shape));
    return c->host->declare_saved(c, 0, LURON_I32, LURON_SHAPE(p.n * p.out_size));
}
static luron_status forward(luron_call *c) {
    fractions k = {.c = c, .samples = luron_data(luron_in(c, 1))};
    LURON_TRY(open_planes(c, &k.p));
    LURON_TRY(BY_TYPE(c, check)(c, &k));
    k.p.x = luron_data(luron_in(c, 0)), k.p.y = luron_data(luron_out(c, 0)), k.p.win = luron_data(luron_saved(c, 0));
    c->host->parallel_for(c, k.p.n, pool_grain(&k.p), BY_TYPE(c, largest), &k);
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    planes p;
    double beta;
    LURON_TRY(open_planes(c, &p));
    if (luron_grad_in_beta(c, 1, &beta))
        return luron_fail(c, LURON_E_GRADIENT, "samples have no gradient: give a tensor that does not require one");
    return pool_max_spread(c, &p);
}

/* (n, dims): a sample for each plane and dimension, and the column of dim d: of two dims the last comes first. */
static luron_tensor *samples_of(luron_call *c, const luron_ops *o, const planes *p) {
    const int64_t shape[] = {p->n, p->dims};
    if (luron_in(c, 1)) return o->reshape(c, o->in(c, 1), 2, shape);
    return luron_is_training(c) ? o->uniform(c, 0, 2, shape) : o->expand(c, o->scalar(c, 0.5), 2, shape);
}
static int column(const planes *p, int d) { return p->dims == 2 ? POOL_W - d : d; }
/* Where the windows along dim d begin, (n, out): as begins() has it. */
static luron_tensor *first_places(luron_call *c, const luron_ops *o, const planes *p, int d, luron_tensor *samples) {
    const int64_t out = p->out[d], room = p->in[d] - p->kernel[d];
    const double step = out > 1 ? (double)room / (double)(out - 1) : 0;
    luron_tensor *sample = o->narrow(c, samples, 1, column(p, d), 1), *end = o->scalar(c, (double)room);
    luron_tensor *i = o->scale(c, o->cumsum(c, o->expand(c, o->scalar(c, 1), LURON_SHAPE(1, out)), 1), 1, -1);
    luron_tensor *at =
        o->sub(c, o->floor(c, o->scale(c, o->add(c, i, sample), step, 0)), o->floor(c, o->scale(c, sample, step, 0)));
    return o->where(c, o->eq(c, i, o->scalar(c, (double)(out - 1))), end, o->minimum(c, at, end));
}
/* Dim by dim, as MaxPool's: of equal numbers the first wins. */
static luron_status compose(luron_call *c, const luron_ops *o) {
    planes p;
    LURON_TRY(open_planes(c, &p));
    int64_t shape[8] = {p.n, p.in[POOL_D], p.in[POOL_H], p.in[POOL_W]};
    luron_tensor *x = o->reshape(c, o->in(c, 0), 4, shape), *samples = samples_of(c, o, &p);
    for (int d = POOL_DIMS - 1; d >= POOL_DIMS - p.dims; d--) {
        int64_t line[] = {p.n, 1, 1, 1};
        luron_tensor *best = NULL, *first = first_places(c, o, &p, d, samples);
        line[1 + d] = shape[1 + d] = p.out[d];
        for (int64_t k = 0; k < p.kernel[d]; k++) {
            luron_tensor *at = o->cast(c, o->scale(c, first, 1, (double)(k + c->index_base)), LURON_I64);
            luron_tensor *v = o->gather(c, x, 1 + d, o->expand(c, o->reshape(c, at, 4, line), 4, shape));
            best = k ? o->where(c, o->logical_or(c, o->gt(c, v, best), (o->isnan)(c, v)), v, best) : v;
        }
        x = best;
    }
    const int ndim = pool_out_shape(c, &p, shape);
    return o->set_out(c, 0, o->reshape(c, x, ndim, shape));
}

#define TYPES(n, shapes)                                                                                               \
    static const luron_option *const options##n[] = {                                                                  \
        POOL_KERNEL(n), LURON_OPT_INTS(pool, output_size, 0, 0, 1e6, n, n, "size of the output; 0: by output_ratio"),  \
        LURON_OPT_FLOAT(pool, output_ratio, 0.5, 0, 1, "size of the output, as a part of the input's"), NULL};         \
    static const luron_port *const in##n[] = {LURON_PORT("input", 0, LURON_REAL, 0, shapes),                           \
                                              LURON_PORT("samples", LURON_PORT_OPTIONAL, LURON_REAL, 0,                \
                                                         "(n, c, " #n "), within [0, 1), in place of chance"),         \
                                              NULL};                                                                   \
    const luron_layer_type pool_fractional##n##d = {.struct_size = sizeof(luron_layer_type),                           \
                                                    .flags = POOL_FLAGS | LURON_LAYER_RANDOM,                          \
                                                    .name = "FractionalMaxPool" #n "d",                                \
                                                    .doc = "the largest of windows at random steps",                   \
                                                    .options = options##n,                                             \
                                                    .options_size = sizeof(pool),                                      \
                                                    .in = in##n,                                                       \
                                                    .setup = setup,                                                    \
                                                    .forward = forward,                                                \
                                                    .backward = backward,                                              \
                                                    .compose = compose};
TYPES(2, "(n, c, h, w) or (c, h, w)") TYPES(3, "(n, c, d, h, w) or (c, d, h, w)")
#else
/* Where window i along a dim begins, by PyTorch's rule. */
static int64_t TYPED(begins)(const planes *p, int d, int64_t i, REAL sample) {
    const int64_t room = p->in[d] - p->kernel[d];
    if (i == p->out[d] - 1) return room;
    const REAL step = (REAL)room / (REAL)(p->out[d] - 1);
    const int64_t at = (int64_t)(((REAL)i + sample) * step) - (int64_t)(sample * step);
    return at < room ? at : room; /* products are rounded */
}
static luron_status TYPED(check)(luron_call *c, const fractions *k) {
    const REAL *s = k->samples;
    for (int64_t i = 0; s && i < k->p.n * k->p.dims; i++)
        if (!(s[i] >= 0 && s[i] < 1))
            return luron_fail(c, LURON_E_RANGE, "samples: %g is not within [0, 1)", (double)s[i]);
    return LURON_OK;
}
/* The numbers of a plane, one a dim; PyTorch's of two dims are of the last one first. */
static void TYPED(sampled)(const fractions *k, int64_t plane, REAL *to) {
    const int dims = k->p.dims;
    float u[POOL_DIMS] = {0.5F, 0.5F, 0.5F};
    if (!k->samples && luron_is_training(k->c)) k->c->host->rand_uniform(k->c, 0, plane * dims, dims, u);
    for (int i = 0; i < dims; i++) {
        const REAL s = k->samples ? ((const REAL *)k->samples)[plane * dims + i] : (REAL)u[i];
        to[dims == 2 ? POOL_W - i : i] = s;
    }
}
static int32_t TYPED(window)(const planes *p, const REAL *x, int64_t d0, int64_t h0, int64_t w0) {
    int64_t best = (d0 * p->in[POOL_H] + h0) * p->in[POOL_W] + w0;
    for (int64_t d = d0; d < d0 + p->kernel[POOL_D]; d++)
        for (int64_t h = h0; h < h0 + p->kernel[POOL_H]; h++)
            for (int64_t w = w0; w < w0 + p->kernel[POOL_W]; w++) {
                const int64_t at = (d * p->in[POOL_H] + h) * p->in[POOL_W] + w;
                if (x[at] > x[best] || x[at] != x[at]) best = at;
            }
    return (int32_t)best;
}
static void TYPED(largest)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const fractions *k = arg;
    const planes *p = &k->p;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const REAL *x = (const REAL *)p->x + i * p->in_size;
        REAL sample[POOL_DIMS] = {0};
        int64_t at = i * p->out_size;
        TYPED(sampled)(k, i, sample);
        for (int64_t d = 0; d < p->out[POOL_D]; d++)
            for (int64_t h = 0; h < p->out[POOL_H]; h++)
                for (int64_t w = 0; w < p->out[POOL_W]; w++, at++) {
                    p->win[at] = TYPED(window)(p, x, TYPED(begins)(p, POOL_D, d, sample[POOL_D]),
                                               TYPED(begins)(p, POOL_H, h, sample[POOL_H]),
                                               TYPED(begins)(p, POOL_W, w, sample[POOL_W]));
                    ((REAL *)p->y)[at] = x[p->win[at]];
                }
    }
}
#undef REAL
#endif
