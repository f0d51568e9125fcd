/* fake_layers.h -- layer types for the tests of layers, as a plugin linked into the program: one for each way in which a
 * type can use the host, and Bad, which misuses it as its option says. To be included before cmocka.h, whose macro
 * `fail` would take the place of host->fail.                                                                         */
#ifndef FAKE_LAYERS_H
#define FAKE_LAYERS_H
#define LURON_PLUGIN_STATIC
#include "luron/plugin.h"

#include <math.h>
#include <string.h>

#define FAKE __attribute__((unused)) static

FAKE double fake_get(const luron_view *v, int64_t i) {
    return luron_dtype(v) == LURON_F64 ? luron_f64(v)[i] : luron_f32(v)[i];
}
FAKE void fake_put(luron_view *v, int64_t i, double x) {
    if (luron_dtype(v) == LURON_F64)
        luron_f64(v)[i] = x;
    else
        luron_f32(v)[i] = (float)x;
}
FAKE void fake_add(luron_view *v, int64_t i, double x) { fake_put(v, i, fake_get(v, i) + x); }

/* ---- element-wise: Square from x, Tanh from y -------------------------------------------------------------------- */
typedef struct fake_square {
    double times;
} fake_square;
static void square_apply(const luron_run *r) {
    double k = ((const fake_square *)r->options)->times;
    for (int64_t i = 0; i < r->n; i++)
        if (r->dtype == LURON_F64)
            ((double *)r->to)[i] = k * ((const double *)r->x)[i] * ((const double *)r->x)[i];
        else
            ((float *)r->to)[i] = (float)k * ((const float *)r->x)[i] * ((const float *)r->x)[i];
}
static void square_derive(const luron_run *r) {
    double k = ((const fake_square *)r->options)->times;
    for (int64_t i = 0; i < r->n; i++)
        if (r->dtype == LURON_F64)
            ((double *)r->to)[i] = ((const double *)r->gy)[i] * 2 * k * ((const double *)r->x)[i];
        else
            ((float *)r->to)[i] = ((const float *)r->gy)[i] * 2 * (float)k * ((const float *)r->x)[i];
}
static luron_status square_compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0);
    return o->set_out(c, 0, o->scale(c, o->mul(c, x, x), ((const fake_square *)luron_options(c))->times, 0));
}
static const luron_option *const square_options[] = {LURON_OPT_FLOAT(fake_square, times, 1.0, 0, 0, "factor"), NULL};
static const luron_elementwise square_fn = {
    .struct_size = sizeof square_fn, .apply = square_apply, .derive = square_derive};
static const luron_layer_type square_type = {.struct_size = sizeof square_type,
                                             .flags = LURON_LAYER_F64,
                                             .name = "Square",
                                             .options = square_options,
                                             .options_size = sizeof(fake_square),
                                             .elementwise = &square_fn,
                                             .compose = square_compose};

static void tanh_apply(const luron_run *r) { r->host->map(r->host, LURON_MAP_tanh, r->dtype, r->n, r->x, r->to); }
static void tanh_derive(const luron_run *r) { /* reads y alone: x is NULL here */
    for (int64_t i = 0; i < r->n; i++)
        if (r->dtype == LURON_F64)
            ((double *)r->to)[i] =
                ((const double *)r->gy)[i] * (1 - ((const double *)r->y)[i] * ((const double *)r->y)[i]);
        else
            ((float *)r->to)[i] = ((const float *)r->gy)[i] * (1 - ((const float *)r->y)[i] * ((const float *)r->y)[i]);
}
static luron_status tanh_compose(luron_call *c, const luron_ops *o) {
    return o->set_out(c, 0, o->tanh(c, o->in(c, 0)));
}
static const luron_elementwise tanh_fn = {
    .struct_size = sizeof tanh_fn, .flags = LURON_EW_FROM_Y, .apply = tanh_apply, .derive = tanh_derive};
static const luron_layer_type tanh_type = {.struct_size = sizeof tanh_type,
                                           .flags = LURON_LAYER_F64,
                                           .name = "FakeTanh",
                                           .elementwise = &tanh_fn,
                                           .compose = tanh_compose};
static const luron_layer_type plain_tanh_type = {
    .struct_size = sizeof plain_tanh_type, .flags = LURON_LAYER_F64, .name = "NoCompose", .elementwise = &tanh_fn};

/* ---- Pair: a (n), b (n) or absent, weight (n) -> w a b, sum w a (a scalar); b absent stands for 1. Saved: w a. --- */
enum { A, B };
typedef struct fake_pair {
    int64_t n;
} fake_pair;
static luron_status pair_declare(luron_call *c) {
    return c->host->declare_param(c, 3, "weight", LURON_SHAPE(((const fake_pair *)luron_options(c))->n),
                                  luron_init_uniform(0.5, 1.5));
}
static luron_status pair_setup(luron_call *c) {
    LURON_TRY(luron_set_out_like(c, 0, luron_in(c, A)));
    LURON_TRY(c->host->declare_saved(c, 1, LURON_REAL, 1, luron_in(c, A)->shape));
    LURON_TRY(c->host->declare_scratch(c, 8 * luron_numel(luron_in(c, A))));
    LURON_TRY(c->host->set_out(c, 1, LURON_REAL, 0, NULL));
    const luron_view *shape = luron_out(c, 0); /* serves as one after set_out, without numbers */
    return shape->shape[0] == luron_in(c, A)->shape[0] && luron_dtype(shape) == c->dtype && !luron_data(shape) ? LURON_OK : LURON_E_STATE;
}
static luron_status pair_forward(luron_call *c) {
    const luron_view *a = luron_in(c, A), *b = luron_in(c, B), *w = luron_param(c, 3);
    double sum = 0, *wa = luron_scratch(c);
    for (int64_t i = 0; i < luron_numel(a); i++) {
        wa[i] = fake_get(w, i) * fake_get(a, i);
        fake_put(luron_saved(c, 1), i, wa[i]);
        fake_put(luron_out(c, 0), i, wa[i] * (b ? fake_get(b, i) : 1));
        sum += wa[i];
    }
    fake_put(luron_out(c, 1), 0, sum);
    return LURON_OK;
}
static luron_status pair_backward(luron_call *c) { /* adds, into what the host zeroes */
    const luron_view *a = luron_in(c, A), *b = luron_in(c, B), *w = luron_param(c, 3), *g0 = luron_grad_out(c, 0),
                     *g1 = luron_grad_out(c, 1);
    luron_view *gb = luron_grad_in(c, B), *gw = luron_grad_param(c, 3), *ga = luron_grad_in(c, A);
    for (int64_t i = 0; i < luron_numel(a); i++) {
        double g = (g0 ? fake_get(g0, i) * (b ? fake_get(b, i) : 1) : 0) + (g1 ? fake_get(g1, 0) : 0);
        if (ga) fake_add(ga, i, g * fake_get(w, i));
        if (gw) fake_add(gw, i, g * fake_get(a, i));
        if (gb && g0) fake_add(gb, i, fake_get(g0, i) * fake_get(luron_saved(c, 1), i));
    }
    return LURON_OK;
}
static luron_status pair_compose(luron_call *c, const luron_ops *o) {
    luron_tensor *wa = o->mul(c, o->param(c, 3), o->in(c, A));
    LURON_TRY(o->set_out(c, 0, o->in(c, B) ? o->mul(c, wa, o->in(c, B)) : wa));
    return o->set_out(c, 1, o->sum(c, wa, 0, NULL, 0));
}
static const luron_option *const pair_options[] = {LURON_OPT_INT_REQ(fake_pair, n, 1, 1e6, "size"), NULL};
static const luron_port *const pair_in[] = {LURON_PORT("a", 0, LURON_REAL, 1, "(n)"),
                                            LURON_PORT("b", LURON_PORT_OPTIONAL, LURON_REAL, 1, "(n)"), NULL};
static const luron_port *const pair_out[] = {LURON_PORT("product", 0, LURON_REAL, 1, "(n)"),
                                             LURON_PORT("sum", 0, LURON_REAL, 0, "a number"), NULL};
static const luron_layer_type pair_type = {.struct_size = sizeof pair_type,
                                           .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT,
                                           .name = "Pair",
                                           .options = pair_options,
                                           .options_size = sizeof(fake_pair),
                                           .in = pair_in,
                                           .out = pair_out,
                                           .declare = pair_declare,
                                           .setup = pair_setup,
                                           .forward = pair_forward,
                                           .backward = pair_backward,
                                           .compose = pair_compose};

/* ---- Mix: any number of x_k of one shape -> sum (k + 1) x_k, gradients stored where they may be. Reads no input again  */
static luron_status mix_forward(luron_call *c) {
    for (int64_t i = 0; i < luron_numel(luron_in(c, 0)); i++) {
        double sum = 0;
        for (int k = 0; k < c->n_in; k++) sum += (k + 1) * fake_get(luron_in(c, k), i);
        fake_put(luron_out(c, 0), i, sum);
    }
    return LURON_OK;
}
static luron_status mix_backward(luron_call *c) {
    for (int k = c->n_in - 1; k >= 0; k--) {
        double beta;
        luron_view *g = luron_grad_in_beta(c, k, &beta);
        if (!g) continue;
        for (int64_t i = 0; i < luron_numel(g); i++)
            fake_put(g, i, (k + 1) * fake_get(luron_grad_out(c, 0), i) + (beta ? fake_get(g, i) : 0));
    }
    return luron_in(c, 0)->data || luron_out(c, 0)->data
               ? luron_fail(c, LURON_E_INTERNAL, "data that the flags let go are here")
               : LURON_OK;
}
static luron_status mix_compose(luron_call *c, const luron_ops *o) {
    luron_tensor *sum = o->in(c, 0);
    for (int k = 1; k < c->n_in; k++) sum = o->add(c, sum, o->scale(c, o->in(c, k), k + 1, 0));
    return o->set_out(c, 0, sum);
}
static const luron_port *const mix_in[] = {LURON_PORT("xs", LURON_PORT_VARIADIC, LURON_REAL, 0, "one shape"), NULL};
static luron_status mix_setup(luron_call *c) {
    for (int k = 1; k < c->n_in; k++)
        if (luron_numel(luron_in(c, k)) != luron_numel(luron_in(c, 0)))
            return luron_fail(c, LURON_E_SHAPE, "input %d has another size", k);
    return luron_set_out_like(c, 0, luron_in(c, 0));
}
static const luron_layer_type mix_type = {.struct_size = sizeof mix_type,
                                          .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_IN | LURON_LAYER_FREES_OUT,
                                          .name = "Mix",
                                          .in = mix_in,
                                          .setup = mix_setup,
                                          .forward = mix_forward,
                                          .backward = mix_backward,
                                          .compose = mix_compose};

/* ---- Noise: x u in training, u uniform of stream 2, drawn again in backward; x in eval mode ---------------------- */
static luron_status noise_times(luron_call *c, const luron_view *from, luron_view *to, int add) {
    for (int64_t i = 0; i < luron_numel(from); i++) {
        float u = 1;
        if (luron_is_training(c)) c->host->rand_uniform(c, 2, i, 1, &u);
        fake_put(to, i, fake_get(from, i) * u + (add ? fake_get(to, i) : 0));
    }
    return LURON_OK;
}
static luron_status noise_forward(luron_call *c) { return noise_times(c, luron_in(c, 0), luron_out(c, 0), 0); }
static luron_status noise_backward(luron_call *c) {
    luron_view *g = luron_grad_in(c, 0);
    return g ? noise_times(c, luron_grad_out(c, 0), g, 1) : LURON_OK;
}
static luron_status noise_compose(luron_call *c, const luron_ops *o) {
    const luron_view *x = luron_in(c, 0);
    luron_tensor *y = o->in(c, 0);
    if (luron_is_training(c)) y = o->mul(c, y, o->uniform(c, 2, x->ndim, x->shape));
    return o->set_out(c, 0, y);
}
static const luron_layer_type noise_type = {.struct_size = sizeof noise_type,
                                            .flags = LURON_LAYER_F64 | LURON_LAYER_RANDOM | LURON_LAYER_FREES_IN |
                                                     LURON_LAYER_FREES_OUT,
                                            .name = "Noise",
                                            .forward = noise_forward,
                                            .backward = noise_backward,
                                            .compose = noise_compose};
static const luron_layer_type noise_ops_type = {.struct_size = sizeof noise_ops_type,
                                                .flags = LURON_LAYER_F64 | LURON_LAYER_RANDOM,
                                                .name = "NoiseOps",
                                                .compose = noise_compose};

/* ---- Counter: x + count, and the state `count` goes up by one; it writes it in eval mode and in backward too (a bug)  */
static luron_status counter_declare(luron_call *c) {
    return c->host->declare_state(c, 0, "count", LURON_REAL, 0, NULL, luron_init_constant(3));
}
static luron_status counter_forward(luron_call *c) {
    luron_view *count = luron_state(c, 0);
    for (int64_t i = 0; i < luron_numel(luron_in(c, 0)); i++)
        fake_put(luron_out(c, 0), i, fake_get(luron_in(c, 0), i) + fake_get(count, 0));
    fake_add(count, 0, 1);
    return LURON_OK;
}
static luron_status counter_backward(luron_call *c) {
    luron_view *g = luron_grad_in(c, 0);
    fake_add(luron_state(c, 0), 0, 100);
    for (int64_t i = 0; g && i < luron_numel(g); i++) fake_add(g, i, fake_get(luron_grad_out(c, 0), i));
    return LURON_OK;
}
static luron_status counter_compose(luron_call *c, const luron_ops *o) {
    return o->set_out(c, 0, o->add(c, o->in(c, 0), o->state(c, 0)));
}
static const luron_layer_type counter_type = {.struct_size = sizeof counter_type,
                                              .flags = LURON_LAYER_F64,
                                              .name = "Counter",
                                              .declare = counter_declare,
                                              .forward = counter_forward,
                                              .backward = counter_backward,
                                              .compose = counter_compose};

/* ---- Table: ids -> rows of a table; classes ---------------------------------------------------------------------- */
typedef struct fake_table {
    int64_t n, width;
} fake_table;
static luron_status table_declare(luron_call *c) {
    const fake_table *o = luron_options(c);
    return c->host->declare_param(c, 0, "rows", LURON_SHAPE(o->n, o->width), luron_init_normal(0, 1));
}
static luron_status table_setup(luron_call *c) {
    int64_t shape[8];
    const luron_view *ids = luron_in(c, 0);
    for (int d = 0; d < ids->ndim; d++) shape[d] = ids->shape[d];
    shape[ids->ndim] = ((const fake_table *)luron_options(c))->width;
    return c->host->set_out(c, 0, LURON_REAL, ids->ndim + 1, shape);
}
static luron_status table_forward(luron_call *c) {
    const fake_table *o = luron_options(c);
    if (luron_i64(luron_in(c, 0))) return luron_fail(c, LURON_E_INTERNAL, "ids must not read as int64");
    LURON_TRY(luron_check_ids(c, 0, o->n));
    for (int64_t i = 0; i < luron_numel(luron_in(c, 0)); i++)
        for (int64_t k = 0; k < o->width; k++)
            fake_put(luron_out(c, 0), i * o->width + k, fake_get(luron_param(c, 0), luron_id(c, 0, i) * o->width + k));
    return LURON_OK;
}
static luron_status table_backward(luron_call *c) {
    const fake_table *o = luron_options(c);
    luron_view *g = luron_grad_param(c, 0);
    if (luron_grad_in(c, 0)) return luron_fail(c, LURON_E_INTERNAL, "ids have no gradient");
    for (int64_t i = 0; g && i < luron_numel(luron_in(c, 0)); i++)
        for (int64_t k = 0; k < o->width; k++)
            fake_add(g, luron_id(c, 0, i) * o->width + k, fake_get(luron_grad_out(c, 0), i * o->width + k));
    return LURON_OK;
}
static luron_status table_compose(luron_call *c, const luron_ops *o) { /* one-hot rows times the table */
    const fake_table *t = luron_options(c);
    return o->set_out(c, 0, o->matmul(c, o->one_hot(c, o->in(c, 0), t->n), o->param(c, 0), 0));
}
static const luron_option *const table_options[] = {LURON_OPT_INT_REQ(fake_table, n, 1, 1e6, "rows"),
                                                    LURON_OPT_INT_REQ(fake_table, width, 1, 1e6, "columns"), NULL};
static const luron_port *const table_in[] = {LURON_PORT("ids", LURON_PORT_INDEX, 0, 0, "ids of rows"), NULL};
static const luron_layer_type table_type = {.struct_size = sizeof table_type,
                                            .flags = LURON_LAYER_F64,
                                            .name = "Table",
                                            .options = table_options,
                                            .options_size = sizeof(fake_table),
                                            .in = table_in,
                                            .declare = table_declare,
                                            .setup = table_setup,
                                            .forward = table_forward,
                                            .backward = table_backward,
                                            .compose = table_compose};

/* ---- Lazy: y = x W, W (features of the first input, 2), in ops alone, declared in setup; Affine: ops alone, no setup  */
static luron_status lazy_setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    LURON_TRY(c->host->declare_param(c, 0, "weight", LURON_SHAPE(x->shape[1], 2), luron_init_uniform(-1, 1)));
    return c->host->set_out(c, 0, LURON_REAL, LURON_SHAPE(x->shape[0], 2));
}
static luron_status lazy_compose(luron_call *c, const luron_ops *o) {
    return o->set_out(c, 0, o->matmul(c, o->in(c, 0), o->param(c, 0), 0));
}
static const luron_port *const lazy_in[] = {LURON_PORT("input", 0, LURON_REAL, 2, "(n, features)"), NULL};
static const luron_layer_type lazy_type = {.struct_size = sizeof lazy_type,
                                           .flags = LURON_LAYER_F64,
                                           .name = "Lazy",
                                           .in = lazy_in,
                                           .setup = lazy_setup,
                                           .compose = lazy_compose};
static luron_status affine_declare(luron_call *c) {
    LURON_TRY(c->host->declare_param(c, 0, "w", LURON_SHAPE(3, 2), luron_init_uniform(-1, 1)));
    return c->host->declare_param(c, 1, "b", LURON_SHAPE(2), luron_init_uniform(-1, 1));
}
static luron_status affine_compose(luron_call *c, const luron_ops *o) {
    luron_tensor *h = o->tanh(c, o->add_row(c, o->matmul(c, o->in(c, 0), o->param(c, 0), 0), o->param(c, 1)));
    return o->set_out(c, 0, o->mul(c, h, o->scalar(c, 2)));
}
static const luron_layer_type affine_type = {.struct_size = sizeof affine_type,
                                             .flags = LURON_LAYER_F64,
                                             .name = "Affine",
                                             .in = lazy_in,
                                             .declare = affine_declare,
                                             .compose = affine_compose};

/* ---- Narrow: float32 alone --------------------------------------------------------------------------------------- */
static luron_status narrow_forward(luron_call *c) {
    for (int64_t i = 0; i < luron_numel(luron_in(c, 0)); i++)
        luron_f32(luron_out(c, 0))[i] = luron_f32(luron_in(c, 0))[i] * luron_f32(luron_in(c, 0))[i];
    return LURON_OK;
}
static luron_status narrow_backward(luron_call *c) {
    luron_view *g = luron_grad_in(c, 0);
    for (int64_t i = 0; g && i < luron_numel(g); i++)
        luron_f32(g)[i] += 2 * luron_f32(luron_in(c, 0))[i] * luron_f32(luron_grad_out(c, 0))[i];
    return LURON_OK;
}
static const luron_layer_type narrow_type = {
    .struct_size = sizeof narrow_type, .name = "Narrow", .forward = narrow_forward, .backward = narrow_backward};

#include "fake_bad.h"

static const luron_layer_type *const fake_layers[] = {
    &square_type, &tanh_type,      &plain_tanh_type, &pair_type,    &mix_type,
    &noise_type,  &noise_ops_type, &counter_type,    &table_type,   &lazy_type,
    &affine_type, &narrow_type,    &bad_type,        &bad_ops_type, NULL};
LURON_PLUGIN_DEFINE(fakes) = {.struct_size = sizeof(luron_plugin),
                              .abi_major = LURON_ABI_MAJOR,
                              .name = "fakes",
                              .version = "1",
                              .layers = fake_layers};

#endif
