/* graph_types.h -- layer types for the tests of models, made here so that no plugin file is needed, and graphs of them. */
#ifndef GRAPH_TYPES_H
#define GRAPH_TYPES_H
#include "graph.h"
#include "tensor_assert.h"

#include <stdlib.h>
#include <string.h>

/* ---- types: Affine (y = x w + b by rows, composed), Halve (element-wise), TwoSums (two outputs), WithMask (optional input)  */
typedef struct affine { int64_t in, out; int32_t bias; } affine;
static luron_status affine_declare(luron_call *c) {
    const affine *o = luron_options(c);
    LURON_TRY(c->host->declare_param(c, 0, "weight", LURON_SHAPE(o->out, o->in), luron_init_uniform(-1, 1)));
    if (o->bias) LURON_TRY(c->host->declare_param(c, 1, "bias", LURON_SHAPE(o->out), luron_init_uniform(-1, 1)));
    return c->host->declare_state(c, 0, "runs", LURON_REAL, LURON_SHAPE(1), luron_init_zeros());
}
static luron_status affine_compose(luron_call *c, const luron_ops *o) {
    luron_tensor *y = o->matmul(c, o->in(c, 0), o->param(c, 0), LURON_TRANS_B);
    return o->set_out(c, 0, ((const affine *)luron_options(c))->bias ? o->add_row(c, y, o->param(c, 1)) : y);
}
static const luron_option *const affine_options[] = { LURON_OPT_INT_REQ(affine, in, 1, 1e9, NULL),
                                                      LURON_OPT_INT_REQ(affine, out, 1, 1e9, NULL),
                                                      LURON_OPT_BOOL(affine, bias, 1, NULL), NULL };
static const luron_port *const affine_in[] = { LURON_PORT("input", 0, LURON_REAL, 2, NULL), NULL };
static const luron_layer_type affine_type = { .struct_size = sizeof affine_type, .flags = LURON_LAYER_F64,
                                              .name = "Affine", .options = affine_options,
                                              .options_size = sizeof(affine),
                                              .in = affine_in, .declare = affine_declare, .compose = affine_compose,
                                                  .data_version = 2 };

static void halve(const luron_run *r) {
    for (int64_t i = 0; i < r->n; i++) ((float *)r->to)[i] = ((const float *)r->x)[i] * 0.5f;
}
static void halve_gradient(const luron_run *r) {
    for (int64_t i = 0; i < r->n; i++) ((float *)r->to)[i] = ((const float *)r->gy)[i] * 0.5f;
}
static const luron_elementwise halve_fn = { sizeof halve_fn, 0, halve, halve_gradient };
static const luron_layer_type halve_type = { .struct_size = sizeof halve_type, .name = "HALVElyReLU",
                                             .function = "halvely_relu", .elementwise = &halve_fn };

static luron_status sums_compose(luron_call *c, const luron_ops *o) {
    luron_tensor *a = o->in(c, 0), *b = o->in(c, 1);
    LURON_TRY(o->set_out(c, 0, o->add(c, a, b)));
    return o->set_out(c, 1, o->sub(c, a, b));
}
static const luron_port *const sums_in[] = { LURON_PORT("a", 0, LURON_REAL, 0, NULL),
                                             LURON_PORT("b", 0, LURON_REAL, 0, NULL), NULL };
static const luron_port *const sums_out[] = { LURON_PORT("sum", 0, LURON_REAL, 0, NULL),
                                              LURON_PORT("difference", 0, LURON_REAL, 0, NULL), NULL };
static const luron_layer_type sums_type = { .struct_size = sizeof sums_type, .flags = LURON_LAYER_F64,
                                            .name = "TwoSumsOfXYLoss", .in = sums_in, .out = sums_out,
                                            .compose = sums_compose };

static luron_status mask_compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0);
    return o->set_out(c, 0, luron_in(c, 1) ? o->mul(c, x, o->in(c, 1)) : o->scale(c, x, 1, 0));
}
static const luron_port *const mask_in[] = { LURON_PORT("input", 0, LURON_REAL, 0, NULL),
                                             LURON_PORT("mask", LURON_PORT_OPTIONAL, LURON_REAL, 0, NULL), NULL };
static const luron_layer_type mask_type = { .struct_size = sizeof mask_type, .name = "Masked", .in = mask_in,
                                            .compose = mask_compose };

static const luron_layer_type *const layers[] = { &affine_type, &halve_type, &sums_type, &mask_type, NULL };
static const luron_plugin plugin = { .struct_size = sizeof plugin, .abi_major = LURON_ABI_MAJOR, .name = "graphtest",
                                     .version = "3.1", .layers = layers };

/* ---- helpers --------------------------------------------------------------------------------------------------- */
static inline int setup(void **state) {
    return test_ctx_new(state) || luron_plugin_add(*state, &plugin, NULL);
}

static inline luron_layer *make(luron_ctx *ctx, const char *type, const char *options) {
    luron_layer *layer;
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, type, options));
    return layer;
}

/* Add a new layer; the model then owns it. */
static inline luron_value add(luron_ctx *ctx, luron_model *m, const char *name, const char *type, const char *options,
                       int n_in, const luron_value *ins) {
    luron_value v;
    luron_layer *layer = make(ctx, type, options);
    assert_ok(ctx, luron_model_add(&v, ctx, m, name, layer, n_in, ins));
    luron_layer_unref(layer);
    return v;
}

/* x -> Affine 3-4 -> Halve -> Affine 4-2 */
static inline luron_model *chain(luron_ctx *ctx) {
    luron_model *m;
    luron_value v;
    assert_ok(ctx, luron_model_new(&m, ctx));
    assert_ok(ctx, luron_model_input(&v, ctx, m, NULL));
    v = add(ctx, m, NULL, "Affine", "{\"in\": 3, \"out\": 4}", 1, &v);
    v = add(ctx, m, NULL, "HALVElyReLU", NULL, 1, &v);
    add(ctx, m, NULL, "Affine", "{\"in\": 4, \"out\": 2}", 1, &v);
    return m;
}

static inline luron_tensor *batch(luron_ctx *ctx) {
    return tensor_of(ctx, LURON_F32, 2, (const int64_t[]){ 2, 3 }, (const double[]){ 1, -2, 3, 0.5, 0.25, -1 });
}

static inline luron_tensor *run1(luron_ctx *ctx, luron_model *m, luron_tensor *x) {
    luron_tensor *y;
    assert_ok(ctx, luron_model_run(&y, ctx, m, 1, &x));
    return y;
}

/* A chain with a layer that stands twice, a tied parameter and a frozen one. */
static inline luron_model *rich(luron_ctx *ctx) {
    luron_model *m = chain(ctx);
    luron_value v = { 0, 0 }, w, outs[2];
    w = add(ctx, m, "head.tied", "Affine", "{\"in\": 3, \"out\": 4, \"bias\": false}", 1, &v);
    assert_ok(ctx, luron_layer_set_param(ctx, luron_model_find(m, "head.tied"), 0,
                                         luron_layer_param(luron_model_find(m, "affine1"), 0)));
    assert_ok(ctx, luron_model_add(&outs[0], ctx, m, NULL, luron_model_find(m, "affine2"), 1, &w));
    const luron_value masked[2] = { outs[0], { -1, 0 } };
    outs[1] = add(ctx, m, "\xe5\xb1\x82", "Masked", NULL, 2, masked);
    assert_ok(ctx, luron_model_set_outputs(ctx, m, 2, outs));
    assert_ok(ctx, luron_model_freeze(ctx, m, "affine2/bias", 1));
    return m;
}

static inline void assert_same_graph(luron_ctx *ctx, luron_model *a, luron_model *b) {
    char *s, *t;
    assert_ok(ctx, luron_model_to_json(&s, ctx, a));
    assert_ok(ctx, luron_model_to_json(&t, ctx, b));
    assert_string_equal(s, t);
    luron_text_free(ctx, s);
    luron_text_free(ctx, t);
    assert_ptr_equal(luron_layer_param(luron_model_find(b, "head.tied"), 0),
                     luron_layer_param(luron_model_find(b, "affine1"), 0));
}

#define model_test(f) cmocka_unit_test_setup_teardown(f, setup, test_ctx_free)

#endif
