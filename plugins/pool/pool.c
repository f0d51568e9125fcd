/* pool.c -- the plugin: poolings with the names, options and numbers of PyTorch's, and what its files share. */
#include "pool.h"

#define LISTED(id) &pool_##id,
static const luron_layer_type *const layers[] = {POOLS(LISTED) NULL};
LURON_PLUGIN_DEFINE(pool) = {.struct_size = sizeof(luron_plugin),
                             .abi_major = LURON_ABI_MAJOR,
                             .name = "pool",
                             .version = "0.1.0",
                             .layers = layers};

const luron_port *const pool_in1[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(n, c, l) or (c, l)"), NULL};
const luron_port *const pool_in2[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(n, c, h, w) or (c, h, w)"), NULL};
const luron_port *const pool_in3[] = {LURON_PORT("input", 0, LURON_REAL, 0, "(n, c, d, h, w) or (c, d, h, w)"), NULL};
enum { GRAIN = 16384 };

/* ---- shapes ------------------------------------------------------------------------------------------------------ */
/* Windows of dim d (`at` in the shape, for messages) by PyTorch's rule: with ceil_mode the last one may reach over the
 * end, but it begins within the input or the padding before it. */
static luron_status count_windows(luron_call *c, planes *p, int d, int at) {
    const int64_t wide = p->apart[d] * (p->kernel[d] - 1) + 1, room = p->in[d] + 2 * p->pad[d] - wide;
    if (2 * p->pad[d] > wide)
        return luron_fail(c, LURON_E_ARGUMENT, "padding %lld is more than half of the window's size %lld",
                          (long long)p->pad[d], (long long)wide);
    const int64_t most = room + (p->o->ceil_mode ? p->step[d] - 1 : 0);
    if (most < 0)
        return luron_fail(
            c, LURON_E_SHAPE,
            "a window of size %lld does not fit dimension %lld, which has size %lld and padding %lld on both sides",
            (long long)wide, (long long)luron_shown(c, at), (long long)p->in[d], (long long)p->pad[d]);
    p->out[d] = most / p->step[d] + 1;
    if (p->o->ceil_mode && (p->out[d] - 1) * p->step[d] >= p->in[d] + p->pad[d]) p->out[d]--;
    return LURON_OK;
}

static luron_status open_dim(luron_call *c, planes *p, int d, int k) {
    const pool *o = p->o;
    const int at = p->first + k;
    p->in[d] = luron_in(c, 0)->shape[at];
    if (p->in[d] < 1)
        return luron_fail(c, LURON_E_SHAPE, "input has size 0 in dimension %lld, at least 1 expected",
                          (long long)luron_shown(c, at));
    if (p->adaptive) {
        p->out[d] = o->output_size.at[k] ? o->output_size.at[k] : p->in[d];
        return LURON_OK;
    }
    p->kernel[d] = o->kernel_size.at[k], p->pad[d] = o->padding.at[k];
    p->step[d] = o->stride.at[k] ? o->stride.at[k] : p->kernel[d];
    p->apart[d] = o->dilation.n ? o->dilation.at[k] : 1;
    return count_windows(c, p, d, at);
}

luron_status pool_begin(luron_call *c, planes *p) {
    static const char *const wanted[] = {"(n, c, l) or (c, l)", "(n, c, h, w) or (c, h, w)",
                                         "(n, c, d, h, w) or (c, d, h, w)"};
    const luron_view *x = luron_in(c, 0);
    const pool *o = luron_options(c);
    *p = (planes){.o = o, .n = 1, .in_size = 1, .out_size = 1};
    p->dims = (int)(o->kernel_size.n ? o->kernel_size.n : o->output_size.n);
    if (x->ndim != p->dims + 1 && x->ndim != p->dims + 2)
        return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, %s expected", (int)x->ndim, wanted[p->dims - 1]);
    p->first = x->ndim - p->dims;
    for (int d = 0; d < POOL_DIMS; d++)
        p->in[d] = p->out[d] = p->kernel[d] = p->step[d] = p->apart[d] = 1;
    for (int i = 0; i < p->first; i++)
        p->n *= x->shape[i];
    return LURON_OK;
}

luron_status pool_count(luron_call *c, planes *p) {
    for (int d = 0; d < POOL_DIMS; d++) {
        p->in_size *= p->in[d];
        if (p->in_size > INT32_MAX || p->out[d] > INT32_MAX)
            return luron_fail(c, LURON_E_UNSUPPORTED, "planes of more than 2^31 - 1 numbers");
        p->out_size *= p->out[d];
    }
    return LURON_OK;
}

luron_status pool_open(luron_call *c, planes *p) {
    LURON_TRY(pool_begin(c, p));
    p->adaptive = p->o->kernel_size.n == 0;
    for (int k = 0; k < p->dims; k++)
        LURON_TRY(open_dim(c, p, POOL_DIMS - p->dims + k, k));
    return pool_count(c, p);
}

int pool_out_shape(const luron_call *c, const planes *p, int64_t *shape) {
    const luron_view *x = luron_in(c, 0);
    for (int i = 0; i < x->ndim; i++)
        shape[i] = i < p->first ? x->shape[i] : p->out[POOL_DIMS - x->ndim + i];
    return x->ndim;
}
luron_status pool_set_out(luron_call *c, planes *p) {
    int64_t shape[8];
    LURON_TRY(pool_open(c, p));
    return c->host->set_out(c, 0, LURON_REAL, pool_out_shape(c, p, shape), shape);
}

double pool_span(const planes *p, int d, int64_t i, int64_t *lo, int64_t *hi) {
    if (p->adaptive) {
        *lo = i * p->in[d] / p->out[d], *hi = ((i + 1) * p->in[d] + p->out[d] - 1) / p->out[d];
        return (double)(*hi - *lo);
    }
    const int64_t from = i * p->step[d] - p->pad[d], end = from + p->kernel[d];
    const int64_t padded = end < p->in[d] + p->pad[d] ? end : p->in[d] + p->pad[d];
    *lo = from > 0 ? from : 0, *hi = end < p->in[d] ? end : p->in[d];
    return (double)(p->o->count_include_pad ? padded - from : *hi - *lo);
}

int64_t pool_grain(const planes *p) { return 1 + GRAIN / (p->in_size + p->out_size); }

/* ---- in ops ------------------------------------------------------------------------------------------------------ */
luron_tensor *pool_padded(luron_call *c, const luron_ops *o, const planes *p, luron_tensor *x, double value) {
    int64_t before[POOL_DIMS], after[POOL_DIMS];
    for (int k = 0; k < p->dims; k++) {
        const int d = POOL_DIMS - p->dims + k;
        const int64_t end = (p->out[d] - 1) * p->step[d] + p->apart[d] * (p->kernel[d] - 1) + 1 - p->pad[d];
        before[k] = p->pad[d], after[k] = end > p->in[d] ? end - p->in[d] : 0;
    }
    return o->pad(c, x, p->dims, before, after, value);
}

luron_tensor *pool_place(luron_call *c, const luron_ops *o, const planes *p, int d, luron_tensor *x, int64_t k) {
    const int dim = o->ndim(c, x) - POOL_DIMS + d;
    return o->slice(c, x, dim, k * p->apart[d], (p->out[d] - 1) * p->step[d] + 1, p->step[d]);
}

luron_tensor *pool_adaptive(luron_call *c, const luron_ops *o, const planes *p,
                            luron_tensor *(*one)(luron_call *, const luron_ops *, luron_tensor *, int dim)) {
    luron_tensor *x = o->in(c, 0);
    for (int d = POOL_DIMS - 1; d >= POOL_DIMS - p->dims; d--) {
        const int dim = o->ndim(c, x) - POOL_DIMS + d;
        luron_tensor *piece[POOL_JOINED], *all = NULL;
        for (int64_t i = 0; i < p->out[d];) {
            int n = 0;
            if (all) piece[n++] = all;
            for (int64_t lo, hi; n < POOL_JOINED && i < p->out[d]; i++) {
                pool_span(p, d, i, &lo, &hi);
                piece[n++] = one(c, o, o->narrow(c, x, dim, lo, hi - lo), dim);
            }
            all = o->cat(c, n, piece, dim);
        }
        x = all;
    }
    return x;
}
