/* resize.c -- forward and backward by tables of places. A line of the output is a line of the input, or several of them
 * in a sum, of which then the places along w are taken. Forward is cut by lines of the output, backward by planes, so
 * that no two pieces write to one place; sums are in the order of the tables and of the memory. */
#ifndef REAL
#include "pad.h"
enum {
    GRAIN = 16384,
    PARTS = 32
}; /* numbers a piece of work, at least; pieces, at most: each has a line to write to */
enum { D, H, W };
#define REAL float
#include "resize.c"
#define REAL double
#include "resize.c"

static int64_t grain(int64_t n, int64_t each) {
    const int64_t least = GRAIN / (each + 1) + 1, even = (n + PARTS - 1) / PARTS;
    return even > least ? even : least;
}
static luron_status open_on(luron_call *c, pad_open *open, pad *p) {
    *p = (pad){.mode = PAD_CONSTANT};
    LURON_TRY(open(c, luron_in(c, 0)->ndim, luron_in(c, 0)->shape, p));
    for (int k = 0; k < p->dims; k++) {
        const pad_axis *a = pad_axis_of(p, k);
        if (a->out < 1)
            return luron_fail(c, LURON_E_SHAPE, "output would have size %lld in dimension %lld, at least 1 expected",
                              (long long)a->out, (long long)luron_shown(c, p->ndim - p->dims + k));
    }
    return LURON_OK;
}
static int64_t table_bytes(const pad *p) {
    int64_t n = 0;
    for (int d = 0; d < PAD_DIMS; d++)
        n += p->axis[d].out * p->axis[d].taps;
    return n * (int64_t)(sizeof(int64_t) + sizeof(double));
}

luron_status pad_setup(luron_call *c, pad_open *open) {
    pad p;
    int64_t shape[8];
    LURON_TRY(open_on(c, open, &p));
    for (int i = 0; i < p.ndim; i++)
        shape[i] = i < p.ndim - p.dims ? luron_in(c, 0)->shape[i] : p.axis[PAD_DIMS - p.ndim + i].out;
    LURON_TRY(c->host->declare_scratch(c, table_bytes(&p) + PARTS * p.axis[W].in * (int64_t)sizeof(double)));
    return c->host->set_out(c, 0, LURON_REAL, p.ndim, shape);
}

/* Outputs in a row that are neighbours as in the input: the longest such piece is copied. */
static void find_run(pad_axis *a) {
    for (int64_t i = 0, n; i < a->out && a->taps == 1; i += n) {
        for (n = 1; i + n < a->out && a->at[i] >= 0 && a->at[i + n] == a->at[i] + n;)
            n++;
        if (a->at[i] >= 0 && n > a->run_size) a->run = i, a->run_size = n;
    }
}
static void fill(const luron_call *c, pad *p, void *memory) {
    double *next = memory;
    for (int d = 0; d < PAD_DIMS; d++) {
        pad_axis *a = &p->axis[d];
        a->weight = next, a->at = (int64_t *)(next + a->out * a->taps);
        next += 2 * a->out * a->taps;
        for (int64_t i = 0; i < a->out; i++) {
            pad_taps to;
            pad_taps_of(c, p, d, i, &to);
            for (int64_t t = 0; t < a->taps; t++) {
                a->at[i * a->taps + t] = t >= to.n ? -1 : p->mode == PAD_AREA ? to.at[0] + t : to.at[t];
                a->weight[i * a->taps + t] = t >= to.n ? 0 : p->mode == PAD_AREA ? to.weight[0] : to.weight[t];
            }
        }
        find_run(a);
    }
    p->lines = next;
}

luron_status pad_forward(luron_call *c, pad_open *open) {
    pad p;
    LURON_TRY(open_on(c, open, &p));
    fill(c, &p, luron_scratch(c));
    p.from = luron_data(luron_in(c, 0)), p.to = luron_data(luron_out(c, 0));
    const int64_t lines = p.planes * p.axis[D].out * p.axis[H].out;
    c->host->parallel_for(c, lines, grain(lines, p.axis[W].out + p.axis[W].in), BY_TYPE(c, take_lines), &p);
    return LURON_OK;
}
luron_status pad_backward(luron_call *c, pad_open *open) {
    pad p;
    LURON_TRY(open_on(c, open, &p));
    fill(c, &p, luron_scratch(c));
    p.from = luron_data(luron_grad_out(c, 0)), p.to = luron_data(luron_grad_in_beta(c, 0, &p.beta));
    const int64_t each = p.axis[D].out * p.axis[H].out * (p.axis[W].out + p.axis[W].in);
    if (p.to) c->host->parallel_for(c, p.planes, grain(p.planes, each), BY_TYPE(c, give_planes), &p);
    return LURON_OK;
}
#else
/* ---- forward ----------------------------------------------------------------------------------------------------- */
static void TYPED(add_line)(REAL *restrict to, const REAL *restrict from, REAL weight, int64_t n, int first) {
    if (first)
        for (int64_t k = 0; k < n; k++)
            to[k] = weight * from[k];
    else
        for (int64_t k = 0; k < n; k++)
            to[k] += weight * from[k];
}
/* What line j of depth i is made of: a line of the plane x, `mix`, or NULL: the value. */
static const REAL *TYPED(line_of)(const pad *p, const REAL *x, int64_t i, int64_t j, REAL *mix) {
    const pad_axis *d = &p->axis[D], *h = &p->axis[H];
    const int64_t width = p->axis[W].in;
    if (d->taps == 1 && h->taps == 1)
        return d->at[i] < 0 || h->at[j] < 0 ? NULL : x + (d->at[i] * h->in + h->at[j]) * width;
    int first = 1;
    for (int64_t s = i * d->taps; s < (i + 1) * d->taps && d->at[s] >= 0; s++)
        for (int64_t t = j * h->taps; t < (j + 1) * h->taps && h->at[t] >= 0; t++, first = 0)
            TYPED(add_line)(mix, x + (d->at[s] * h->in + h->at[t]) * width, (REAL)(d->weight[s] * h->weight[t]), width,
                            first);
    return mix;
}
static void TYPED(take)(const pad *p, const REAL *from, REAL *to) {
    const pad_axis *w = &p->axis[W];
    const int64_t *at = w->at, end = w->run + w->run_size, taps = w->taps;
    const REAL value = (REAL)p->value;
    if (!from) {
        for (int64_t i = 0; i < w->out; i++)
            to[i] = value;
    } else if (taps == 1) {
        for (int64_t i = 0; i < w->run; i++)
            to[i] = at[i] < 0 ? value : from[at[i]];
        if (w->run_size) memcpy(to + w->run, from + at[w->run], (size_t)w->run_size * sizeof(REAL));
        for (int64_t i = end; i < w->out; i++)
            to[i] = at[i] < 0 ? value : from[at[i]];
    } else if (taps == 2 && p->mode == PAD_LINEAR) {
        for (int64_t i = 0; i < w->out; i++)
            to[i] = (REAL)w->weight[2 * i] * from[at[2 * i]] + (REAL)w->weight[2 * i + 1] * from[at[2 * i + 1]];
    } else {
        for (int64_t i = 0; i < w->out; i++) {
            REAL sum = 0;
            for (int64_t t = i * taps; t < (i + 1) * taps && at[t] >= 0; t++)
                sum += (REAL)w->weight[t] * from[at[t]];
            to[i] = sum;
        }
    }
}
static void TYPED(take_lines)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const pad *p = arg;
    const int64_t in = p->axis[D].in * p->axis[H].in * p->axis[W].in, lines = p->axis[D].out * p->axis[H].out;
    REAL *mix = (REAL *)p->lines + chunk * p->axis[W].in;
    for (int64_t n = begin; n < end; n++) {
        const int64_t i = n % lines / p->axis[H].out, j = n % p->axis[H].out;
        const REAL *x = (const REAL *)p->from + n / lines * in;
        TYPED(take)(p, TYPED(line_of)(p, x, i, j, mix), (REAL *)p->to + n * p->axis[W].out);
    }
}

/* ---- backward ---------------------------------------------------------------------------------------------------- */
/* The gradient of a line goes to the places along w that it was made of. */
static void TYPED(give)(const pad_axis *w, const REAL *from, REAL *to) {
    const int64_t end = w->run + w->run_size, taps = w->taps;
    if (taps == 1) {
        for (int64_t i = 0; i < w->run; i++)
            if (w->at[i] >= 0) to[w->at[i]] += from[i];
        if (w->run_size) {
            REAL *run = to + w->at[w->run];
            for (int64_t i = 0; i < w->run_size; i++)
                run[i] += from[w->run + i];
        }
        for (int64_t i = end; i < w->out; i++)
            if (w->at[i] >= 0) to[w->at[i]] += from[i];
        return;
    }
    for (int64_t i = 0; i < w->out; i++)
        for (int64_t t = i * taps; t < (i + 1) * taps && w->at[t] >= 0; t++)
            to[w->at[t]] += (REAL)w->weight[t] * from[i];
}
static void TYPED(give_line)(const pad *p, const REAL *from, int64_t i, int64_t j, REAL *mix, REAL *gx) {
    const pad_axis *d = &p->axis[D], *h = &p->axis[H];
    const int64_t width = p->axis[W].in;
    if (d->taps == 1 && h->taps == 1) {
        if (d->at[i] >= 0 && h->at[j] >= 0) TYPED(give)(&p->axis[W], from, gx + (d->at[i] * h->in + h->at[j]) * width);
        return;
    }
    memset(mix, 0, (size_t)width * sizeof(REAL));
    TYPED(give)(&p->axis[W], from, mix);
    for (int64_t s = i * d->taps; s < (i + 1) * d->taps && d->at[s] >= 0; s++)
        for (int64_t t = j * h->taps; t < (j + 1) * h->taps && h->at[t] >= 0; t++)
            TYPED(add_line)(gx + (d->at[s] * h->in + h->at[t]) * width, mix, (REAL)(d->weight[s] * h->weight[t]), width,
                            0);
}
static void TYPED(give_planes)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const pad *p = arg;
    const int64_t in = p->axis[D].in * p->axis[H].in * p->axis[W].in, lines = p->axis[D].out * p->axis[H].out;
    REAL *mix = (REAL *)p->lines + chunk * p->axis[W].in, *to = p->to;
    if (p->beta == 0) memset(to + begin * in, 0, (size_t)((end - begin) * in) * sizeof(REAL));
    for (int64_t n = begin * lines; n < end * lines; n++)
        TYPED(give_line)(p, (const REAL *)p->from + n * p->axis[W].out, n % lines / p->axis[H].out, n % p->axis[H].out,
                         mix, to + n / lines * in);
}
#undef REAL
#endif
