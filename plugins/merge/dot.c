/* dot.c: products of vectors along one dim of each input, example by example, as Keras's Dot: (n, a..., k) and
 * (n, b..., k) -> (n, a..., b...), and (n, 1) of two rows. With `normalize` the vectors have length 1: cosines. */
#include "merge.h"
#include <math.h>
typedef struct dot {
    int64_t dim1, dim2;
    int32_t normalize;
} dot;

/* Input i as (n, rest, k): dim `dim` last. The sizes of `rest` go behind the *n in `shape`. */
static luron_tensor *vectors(luron_call *c, const luron_ops *o, int i, int dim, int *n, int64_t *shape) {
    const luron_view *v = luron_in(c, i);
    const int normalize = ((const dot *)luron_options(c))->normalize, last = 2;
    int order[8], m = 0;
    int64_t flat[3] = {v->shape[0], 1, v->shape[dim]};
    for (int d = 0; d < v->ndim; d++)
        if (d != dim) order[m++] = d;
    order[m] = dim;
    for (int d = 1; d < m; d++)
        flat[1] *= shape[(*n)++] = v->shape[order[d]];
    luron_tensor *x = o->reshape(c, o->permute(c, o->in(c, i), v->ndim, order), 3, flat);
    if (!normalize) return x;
    luron_tensor *length = o->sum(c, o->square(c, x), 1, &last, 1);
    return o->mul(c, x, o->rsqrt(c, o->clamp(c, length, 1e-14, INFINITY))); /* Keras's least length is 1e-7 */
}

static luron_status check(luron_call *c, int *dim1, int *dim2) {
    const dot *opt = luron_options(c);
    const luron_view *a = luron_in(c, 0), *b = luron_in(c, 1);
    if (a->ndim < 2 || b->ndim < 2)
        return luron_fail(c, LURON_E_SHAPE, "input %d has %d dimensions, (n, ...) with at least 2 expected",
                          a->ndim < 2 ? 1 : 2, (int)(a->ndim < 2 ? a->ndim : b->ndim));
    LURON_TRY(merge_dim(c, "dim1", opt->dim1, 0, dim1));
    LURON_TRY(merge_dim(c, "dim2", opt->dim2, 1, dim2));
    if (*dim1 == 0 || *dim2 == 0) return luron_fail(c, LURON_E_ARGUMENT, "dim%d is the batch", *dim1 == 0 ? 1 : 2);
    if (a->shape[0] != b->shape[0])
        return luron_fail(c, LURON_E_SHAPE, "batches of %lld and %lld examples", (long long)a->shape[0],
                          (long long)b->shape[0]);
    if (a->shape[*dim1] != b->shape[*dim2])
        return luron_fail(c, LURON_E_SHAPE, "vectors of size %lld and %lld", (long long)a->shape[*dim1],
                          (long long)b->shape[*dim2]);
    if (a->ndim + b->ndim - 3 > 8)
        return luron_fail(c, LURON_E_SHAPE, "the result would have %d dimensions", (int)(a->ndim + b->ndim - 3));
    return LURON_OK;
}

static luron_status compose(luron_call *c, const luron_ops *o) {
    int dim1, dim2, n = 1;
    LURON_TRY(check(c, &dim1, &dim2));
    int64_t shape[16] = {luron_in(c, 0)->shape[0]};
    luron_tensor *a = vectors(c, o, 0, dim1, &n, shape), *b = vectors(c, o, 1, dim2, &n, shape);
    if (n == 1) shape[n++] = 1;
    return o->set_out(c, 0, o->reshape(c, o->matmul(c, a, b, LURON_TRANS_B), n, shape));
}

static const luron_option *const options[] = {
    LURON_OPT_AXIS(dot, dim1, -1, "of the first input: summed over"),
    LURON_OPT_AXIS(dot, dim2, -1, "of the second input"),
    LURON_OPT_BOOL(dot, normalize, 0, "vectors of length 1: cosines of the angles between them"), NULL};
static const luron_port *const in[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(n, ...)"),
                                       LURON_PORT("other", 0, LURON_REAL, 0, "(n, ...)"), NULL};
const luron_layer_type merge_dot = {.struct_size = sizeof(luron_layer_type),
                                    .flags = LURON_LAYER_F64,
                                    .name = "Dot",
                                    .doc = "products of the vectors along one dimension, example by example",
                                    .options = options,
                                    .options_size = sizeof(dot),
                                    .in = in,
                                    .compose = compose};
