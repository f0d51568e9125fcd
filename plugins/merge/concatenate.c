/* concatenate.c: the inputs one behind the other along dim. */
#include "merge.h"
typedef struct concatenate {
    int64_t dim;
} concatenate;
enum { JOINED = 32 };

static luron_status check(luron_call *c, int dim) {
    const luron_view *first = luron_in(c, 0);
    for (int i = 1; i < c->n_in; i++) {
        const luron_view *v = luron_in(c, i);
        if (v->ndim != first->ndim)
            return luron_fail(c, LURON_E_SHAPE, "input %d has %d dimensions, input 1 has %d", i + 1, (int)v->ndim,
                              (int)first->ndim);
        for (int d = 0; d < v->ndim; d++)
            if (d != dim && v->shape[d] != first->shape[d])
                return luron_fail(c, LURON_E_SHAPE, "input %d has size %lld in dimension %lld, input 1 has %lld", i + 1,
                                  (long long)v->shape[d], (long long)luron_shown(c, d), (long long)first->shape[d]);
    }
    return LURON_OK;
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *piece[JOINED], *all = o->in(c, 0);
    int dim;
    LURON_TRY(merge_dim(c, "dim", ((const concatenate *)luron_options(c))->dim, 0, &dim));
    LURON_TRY(check(c, dim));
    for (int i = 1; i < c->n_in;) {
        int n = 0;
        piece[n++] = all;
        while (n < JOINED && i < c->n_in)
            piece[n++] = o->in(c, i++);
        all = o->cat(c, n, piece, dim);
    }
    return o->set_out(c, 0, all);
}
static const luron_option *const options[] = {LURON_OPT_AXIS(concatenate, dim, -1, "along which they are joined"),
                                              NULL};
const luron_layer_type merge_concatenate = {.struct_size = sizeof(luron_layer_type),
                                            .flags = LURON_LAYER_F64,
                                            .name = "Concatenate",
                                            .doc = "the inputs one behind the other",
                                            .options = options,
                                            .options_size = sizeof(concatenate),
                                            .in = merge_many,
                                            .compose = compose};
