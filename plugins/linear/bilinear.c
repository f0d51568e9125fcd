/* bilinear.c: y = x1^T W x2 + b.  x1 (..., in1), x2 (..., in2), W (out, in1, in2), b (out) -> y (..., out). */
#include <luron/plugin.h>
#include <math.h>
#include <string.h>

enum { WEIGHT, BIAS };
typedef struct bilinear {
    int64_t in1_features, in2_features, out_features;
    int32_t bias;
    luron_named_init weight_init, bias_init;
} bilinear;
extern const luron_layer_type linear_bilinear;

static luron_status declare(luron_call *c) {
    const bilinear *o = luron_options(c);
    const double r = 1 / sqrt((double)o->in1_features);
    const luron_init own = luron_init_uniform(-r, r);
    LURON_TRY(c->host->declare_param(c, WEIGHT, "weight",
                                     LURON_SHAPE(o->out_features, o->in1_features, o->in2_features),
                                     luron_init_or(&o->weight_init, own)));
    if (!o->bias) return LURON_OK;
    return c->host->declare_param(c, BIAS, "bias", LURON_SHAPE(o->out_features), luron_init_or(&o->bias_init, own));
}

/* Rows of both inputs, which have the same dims but the last. */
static luron_status check(luron_call *c, int64_t *rows) {
    const bilinear *o = luron_options(c);
    const int64_t features[] = {o->in1_features, o->in2_features};
    const luron_view *a = luron_in(c, 0);
    *rows = 1;
    for (int i = 0; i < 2; i++) {
        const luron_view *v = luron_in(c, i);
        if (v->ndim < 1)
            return luron_fail(c, LURON_E_SHAPE, "input%d has no dimension, (..., features) expected", i + 1);
        if (v->shape[v->ndim - 1] != features[i])
            return luron_fail(c, LURON_E_SHAPE, "input%d has %lld features, in%d_features is %lld", i + 1,
                              (long long)v->shape[v->ndim - 1], i + 1, (long long)features[i]);
        if (v->ndim != a->ndim || memcmp(v->shape, a->shape, (size_t)(a->ndim - 1) * sizeof *a->shape) != 0)
            return luron_fail(c, LURON_E_SHAPE, "the inputs differ in more than their features");
    }
    for (int d = 0; d < a->ndim - 1; d++)
        *rows *= a->shape[d];
    return LURON_OK;
}

/* x1 W for all outputs at once is one product, (rows, out in2); each part of it with x2 is a number. */
static luron_status compose(luron_call *c, const luron_ops *o) {
    const bilinear *opt = luron_options(c);
    const luron_view *v = luron_in(c, 0);
    const int64_t in1 = opt->in1_features, in2 = opt->in2_features, out = opt->out_features;
    const int last = 2;
    int64_t rows, shape[8];
    LURON_TRY(check(c, &rows));
    luron_tensor *a = o->reshape(c, o->in(c, 0), LURON_SHAPE(rows, in1)),
                 *b = o->reshape(c, o->in(c, 1), LURON_SHAPE(rows, 1, in2));
    luron_tensor *w = o->reshape(c, o->transpose(c, o->param(c, WEIGHT), 0, 1), LURON_SHAPE(in1, out * in2));
    luron_tensor *y = o->mul(c, o->reshape(c, o->matmul(c, a, w, 0), LURON_SHAPE(rows, out, in2)), b);
    y = o->sum(c, y, 1, &last, 0);
    if (o->param(c, BIAS)) y = o->add_row(c, y, o->param(c, BIAS));
    memcpy(shape, v->shape, (size_t)v->ndim * sizeof *shape);
    shape[v->ndim - 1] = out;
    return o->set_out(c, 0, o->reshape(c, y, v->ndim, shape));
}

static const luron_option *const options[] = {
    LURON_OPT_INT_REQ(bilinear, in1_features, 1, 1e9, "features of the first input"),
    LURON_OPT_INT_REQ(bilinear, in2_features, 1, 1e9, "features of the second"),
    LURON_OPT_INT_REQ(bilinear, out_features, 1, 1e9, "features out"),
    LURON_OPT_BOOL(bilinear, bias, 1, "add a bias"),
    LURON_OPT_INITIALISER(bilinear, weight_init, "first weights; nil: uniform within 1 / sqrt(in1_features)"),
    LURON_OPT_INITIALISER(bilinear, bias_init, "first biases; nil: as the weights"),
    NULL};
static const luron_port *const in[] = {LURON_PORT("input1", 0, LURON_REAL, 0, "(..., in1_features)"),
                                       LURON_PORT("input2", 0, LURON_REAL, 0, "(..., in2_features)"), NULL};
const luron_layer_type linear_bilinear = {.struct_size = sizeof(luron_layer_type),
                                          .flags = LURON_LAYER_F64,
                                          .name = "Bilinear",
                                          .doc = "x1^T W x2 + b",
                                          .options = options,
                                          .options_size = sizeof(bilinear),
                                          .in = in,
                                          .declare = declare,
                                          .compose = compose};
