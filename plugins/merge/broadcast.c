/* broadcast.c: sum, difference, product, mean, largest and smallest of inputs that broadcast, number by number. */
#include "merge.h"
#include <stdio.h>

/* The shape of input i with sizes of 1 behind the batch, so that there are ndim of them. */
static void aligned(const luron_call *c, int i, int ndim, int64_t *shape) {
    const luron_view *v = luron_in(c, i);
    const int more = ndim - v->ndim;
    for (int d = 0; d < ndim; d++)
        shape[d] = d == 0 && v->ndim ? v->shape[0] : d <= more || !v->ndim ? 1 : v->shape[d - more];
}

static const char *shape_text(char *to, size_t n, const luron_view *v) {
    size_t at = (size_t)snprintf(to, n, "(");
    for (int d = 0; d < v->ndim && at < n; d++)
        at += (size_t)snprintf(to + at, n - at, "%s%lld", d ? ", " : "", (long long)v->shape[d]);
    if (at < n) snprintf(to + at, n - at, v->ndim == 1 ? ",)" : ")");
    return to;
}

/* Do all inputs broadcast? Each with what those before it give; *ndim: the rank of the result. */
static luron_status check_shapes(luron_call *c, int *ndim) {
    int64_t all[8] = {1, 1, 1, 1, 1, 1, 1, 1}, own[8];
    *ndim = 0;
    for (int i = 0; i < c->n_in; i++)
        if (luron_in(c, i)->ndim > *ndim) *ndim = luron_in(c, i)->ndim;
    for (int i = 0; i < c->n_in; i++) {
        aligned(c, i, *ndim, own);
        for (int d = 0; d < *ndim; d++) {
            char a[160], b[160];
            if (own[d] != 1 && all[d] != 1 && own[d] != all[d])
                return luron_fail(c, LURON_E_SHAPE, "input %d with shape %s does not broadcast with input 1, %s%s",
                                  i + 1, shape_text(a, sizeof a, luron_in(c, i)),
                                  shape_text(b, sizeof b, luron_in(c, 0)), i > 1 ? ", and those between" : "");
            if (own[d] != 1) all[d] = own[d];
        }
    }
    return LURON_OK;
}

/* All inputs, one after the other, by `join`; the result times `factor`. */
static luron_status fold(luron_call *c, const luron_ops *o,
                         luron_tensor *(*join)(luron_call *, luron_tensor *, luron_tensor *), double factor) {
    luron_tensor *all = NULL;
    int ndim;
    LURON_TRY(check_shapes(c, &ndim));
    for (int i = 0; i < c->n_in; i++) {
        int64_t shape[8];
        luron_tensor *x = o->in(c, i);
        aligned(c, i, ndim, shape);
        if (luron_in(c, i)->ndim < ndim) x = o->reshape(c, x, ndim, shape);
        all = i ? join(c, all, x) : x;
    }
    return o->set_out(c, 0, factor != 1 ? o->scale(c, all, factor, 0) : all);
}

static luron_status add(luron_call *c, const luron_ops *o) { return fold(c, o, o->add, 1); }
static luron_status subtract(luron_call *c, const luron_ops *o) { return fold(c, o, o->sub, 1); }
static luron_status multiply(luron_call *c, const luron_ops *o) { return fold(c, o, o->mul, 1); }
static luron_status average(luron_call *c, const luron_ops *o) { return fold(c, o, o->add, 1 / (double)c->n_in); }
static luron_status maximum(luron_call *c, const luron_ops *o) { return fold(c, o, o->maximum, 1); }
static luron_status minimum(luron_call *c, const luron_ops *o) { return fold(c, o, o->minimum, 1); }

static const luron_port *const two[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(n, ...)"),
                                        LURON_PORT("other", 0, LURON_REAL, 0, "(n, ...), taken from it"), NULL};
#define TYPE(id, type_name, text, ports)                                                                               \
    const luron_layer_type merge_##id = {.struct_size = sizeof(luron_layer_type),                                      \
                                         .flags = LURON_LAYER_F64,                                                     \
                                         .name = type_name,                                                            \
                                         .doc = text,                                                                  \
                                         .in = ports,                                                                  \
                                         .compose = id};
TYPE(add, "Add", "the sum of inputs that broadcast", merge_many)
TYPE(subtract, "Subtract", "the first input less the second; they broadcast", two)
TYPE(multiply, "Multiply", "the product of inputs that broadcast, number by number", merge_many)
TYPE(average, "Average", "the mean of inputs that broadcast", merge_many)
TYPE(maximum, "Maximum", "the largest of inputs that broadcast, number by number", merge_many)
TYPE(minimum, "Minimum", "the smallest of inputs that broadcast, number by number", merge_many)
