/* steps.c: sequences (n, t, features): a row repeated, steps that are only padding set to 0, and what
 * nn.TimeDistributed takes apart and puts together. */
#include "shape.h"
#include <string.h>
typedef struct steps {
    int64_t n;
    double mask_value;
} steps;

static luron_status compose_repeat(luron_call *c, const luron_ops *o) {
    const luron_view *x = luron_in(c, 0);
    if (x->ndim != 2)
        return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, (n, features) expected", (int)x->ndim);
    const int64_t shape[] = {x->shape[0], ((const steps *)c->options)->n, x->shape[1]};
    return o->set_out(c, 0, o->contiguous(c, o->expand(c, o->unsqueeze(c, o->in(c, 0), 1), 3, shape)));
}
static luron_status compose_masking(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0);
    const int last = o->ndim(c, x) - 1;
    if (last < 1) return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, (n, t, ...) expected", last + 1);
    luron_tensor *kept = o->any(c, o->ne(c, x, o->scalar(c, ((const steps *)c->options)->mask_value)), 1, &last, 0);
    LURON_TRY(o->set_out(c, 0, o->where(c, o->unsqueeze(c, kept, last), x, o->scalar(c, 0))));
    return o->set_out(c, 1, kept);
}
static luron_status compose_unflatten(luron_call *c, const luron_ops *o) {
    const luron_view *x = luron_in(c, 0), *like = luron_in(c, 1);
    int64_t shape[8];
    if (x->ndim < 1 || x->ndim > 7 || like->ndim < 2)
        return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions and like %d, (n t, ...) and (n, t, ...) expected",
                          (int)x->ndim, (int)like->ndim);
    if (x->shape[0] != like->shape[0] * like->shape[1])
        return luron_fail(c, LURON_E_SHAPE, "input has %lld rows, like has %lld times %lld", (long long)x->shape[0],
                          (long long)like->shape[0], (long long)like->shape[1]);
    memcpy(shape, like->shape, 2 * sizeof *shape),
        memcpy(shape + 2, x->shape + 1, (size_t)(x->ndim - 1) * sizeof *shape);
    return o->set_out(c, 0, o->reshape(c, o->in(c, 0), x->ndim + 1, shape));
}
static const luron_option *const of_repeat[] = {LURON_OPT_INT_REQ(steps, n, 1, 1e9, "how often"), NULL};
static const luron_option *const of_masking[] = {
    LURON_OPT_FLOAT(steps, mask_value, 0, 0, 0, "what a step to be skipped is filled with"), NULL};
static const luron_port *const sequence[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(n, t, ...)"), NULL};
static const luron_port *const masked[] = {LURON_PORT("output", 0, LURON_REAL, 0, "like the input"),
                                           LURON_PORT("mask", 0, LURON_B8, 0, "(n, t), false: a step to be skipped"),
                                           NULL};
static const luron_port *const split[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(n t, ...)"),
                                          LURON_PORT("like", 0, LURON_REAL, 0, "(n, t, ...)"), NULL};
const luron_layer_type shape_repeat_vector = SHAPE_TYPE(
    "RepeatVector", "makes a sequence of every row, the same at all steps", of_repeat, steps, compose_repeat);
const luron_layer_type shape_masking = {.struct_size = sizeof(luron_layer_type),
                                        .flags = LURON_LAYER_F64,
                                        .name = "Masking",
                                        .doc = "zeros steps that hold mask_value alone, and tells which",
                                        .options = of_masking,
                                        .options_size = sizeof(steps),
                                        .in = sequence,
                                        .out = masked,
                                        .compose = compose_masking};
const luron_layer_type shape_unflatten_steps = {.struct_size = sizeof(luron_layer_type),
                                                .flags = LURON_LAYER_F64,
                                                .name = "UnflattenSteps",
                                                .doc = "makes a sequence again of rows, one for each step",
                                                .in = split,
                                                .compose = compose_unflatten};
