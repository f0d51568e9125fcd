/* resize_ops.c -- the same in ops, for second derivatives: dim after dim, in pieces that are joined. A piece is a run
 * of outputs that are neighbours in the input (forwards, backwards, or all of one place), a run of the value, or one
 * output with its weights. */
#include "pad.h"
enum { JOINED = 64 };

/* The one place that output i is made of; -1: none. */
static int64_t place(const luron_call *c, const pad *p, int d, int64_t i) {
    pad_taps t;
    pad_taps_of(c, p, d, i, &t);
    return t.at[0];
}
static luron_tensor *weighed(luron_call *c, const luron_ops *o, const pad *p, int d, luron_tensor *x, int dim,
                             int64_t i) {
    luron_tensor *sum = NULL;
    pad_taps t;
    pad_taps_of(c, p, d, i, &t);
    if (p->mode == PAD_AREA) return o->mean(c, o->narrow(c, x, dim, t.at[0], t.n), 1, &dim, 1);
    for (int k = 0; k < t.n; k++) {
        luron_tensor *part = o->scale(c, o->narrow(c, x, dim, t.at[k], 1), t.weight[k], 0);
        sum = sum ? o->add(c, sum, part) : part;
    }
    return sum;
}
/* What has size 1 along `dim`, or everywhere, as large as x, with size n along `dim`. */
static luron_tensor *repeated(luron_call *c, const luron_ops *o, luron_tensor *what, luron_tensor *x, int dim,
                              int64_t n) {
    int64_t shape[8];
    const int ndim = o->ndim(c, x);
    for (int i = 0; i < ndim; i++)
        shape[i] = i == dim ? n : o->size(c, x, i);
    return o->expand(c, what, ndim, shape);
}

/* The piece that begins at output *i, which is moved to its end. */
static luron_tensor *piece(luron_call *c, const luron_ops *o, const pad *p, int d, luron_tensor *x, int dim,
                           int64_t *i) {
    const pad_axis *a = &p->axis[d];
    const int64_t begin = *i;
    if (p->mode >= PAD_LINEAR) return weighed(c, o, p, d, x, dim, (*i)++);
    const int64_t first = place(c, p, d, begin);
    int64_t n = 1, step = 0;
    if (begin + 1 < a->out && first >= 0) {
        const int64_t second = place(c, p, d, begin + 1);
        step = second < 0 ? 2 : second - first; /* 2: alone */
    }
    if (step >= -1 && step <= 1)
        while (begin + n < a->out && place(c, p, d, begin + n) == (first < 0 ? -1 : first + n * step))
            n++;
    *i = begin + n;
    if (first < 0) return repeated(c, o, o->scalar(c, p->value), x, dim, n);
    luron_tensor *part = o->narrow(c, x, dim, step == -1 && n > 1 ? first - n + 1 : first, step == 0 ? 1 : n);
    if (step == 0 && n > 1) return repeated(c, o, part, x, dim, n);
    return step == -1 && n > 1 ? o->flip(c, part, 1, &dim) : part;
}

luron_status pad_compose(luron_call *c, const luron_ops *o, pad_open *open) {
    luron_tensor *x = o->in(c, 0);
    pad p = {.mode = PAD_CONSTANT};
    LURON_TRY(open(c, luron_in(c, 0)->ndim, luron_in(c, 0)->shape, &p));
    for (int k = 0; k < p.dims; k++) {
        const int d = PAD_DIMS - p.dims + k, dim = p.ndim - p.dims + k;
        luron_tensor *all = NULL;
        for (int64_t i = 0; i < p.axis[d].out;) {
            luron_tensor *parts[JOINED];
            int n = 0;
            if (all) parts[n++] = all;
            while (n < JOINED && i < p.axis[d].out)
                parts[n++] = piece(c, o, &p, d, x, dim, &i);
            all = n == 1 ? parts[0] : o->cat(c, n, parts, dim);
        }
        x = all;
    }
    return o->set_out(c, 0, x);
}
