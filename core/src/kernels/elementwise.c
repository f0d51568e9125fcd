/* elementwise.c -- cutting element-wise work into runs.
 *
 * Dims are merged where all operands allow it, then the elements in row-major order are cut into chunks (by their
 * number alone) for the threads, and each chunk into runs. An operand whose elements lie in order and have the dtype
 * that the function wants is used where it is; others are converted into a small buffer, run by run.               */
#include "kernels/elementwise.h"

#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    GRAIN = 32768,  /* elements of a chunk: below it one thread */
    BUFFER = 1024,  /* elements of a run that needs a buffer */
    STRIP = 64,     /* rows that are transposed together */
    LONG_ROW = 128, /* from here on a run ends with its row, so that broadcast operands need no buffer */
    WIDEST = 8      /* bytes of an element in a run */
};

typedef struct layout {
    luron__ew_operand at;
    int size;                  /* bytes of an element in memory */
    bool linear;               /* element k lies at k */
    bool constant;             /* one element for all */
    luron__convert_fn convert; /* memory to run, or for the output run to memory */
} layout;

typedef struct job {
    const luron__ew *e;
    int ndim;
    int64_t shape[LURON_MAX_DIMS], total;
    bool by_rows;
    layout out, in[LURON__EW_MAX_IN];
    atomic_int found;
} job;

/* ---- dims that all operands step through evenly become one ----------------------------------------------------- */
static bool merges(const luron__ew_operand *p, int outer, int inner, int64_t inner_size) {
    return p->strides[outer] == p->strides[inner] * inner_size;
}

static void collapse(job *j) {
    int last = -1; /* dims so far, outermost first, in place */
    for (int d = 0; d < j->ndim; d++) {
        if (j->shape[d] == 1) continue;
        bool merge = last >= 0 && merges(&j->out.at, last, d, j->shape[d]);
        for (int i = 0; i < j->e->n_in && merge; i++)
            merge = merges(&j->in[i].at, last, d, j->shape[d]);
        if (merge)
            j->shape[last] *= j->shape[d];
        else
            j->shape[++last] = j->shape[d];
        j->out.at.strides[last] = j->out.at.strides[d];
        for (int i = 0; i < j->e->n_in; i++)
            j->in[i].at.strides[last] = j->in[i].at.strides[d];
    }
    j->ndim = last + 1;
    if (j->ndim > 0) return;
    j->ndim = 1; /* a single element */
    j->shape[0] = 1;
    j->out.at.strides[0] = 0;
    for (int i = 0; i < j->e->n_in; i++)
        j->in[i].at.strides[0] = 0;
}

/* The order of the dims does not matter to a copy: that in which the output lies is best. */
static void sort_dims(job *j) {
    luron__ew_operand *out = &j->out.at, *in = &j->in[0].at;
    for (int d = 1; d < j->ndim; d++)
        for (int k = d; k > 0 && llabs(out->strides[k]) > llabs(out->strides[k - 1]); k--) {
            int64_t size = j->shape[k], to = out->strides[k], from = in->strides[k];
            j->shape[k] = j->shape[k - 1], out->strides[k] = out->strides[k - 1], in->strides[k] = in->strides[k - 1];
            j->shape[k - 1] = size, out->strides[k - 1] = to, in->strides[k - 1] = from;
        }
}

static void describe(const job *j, layout *l, uint32_t to, uint32_t from) {
    int64_t expect = 1;
    l->linear = l->constant = true;
    for (int d = j->ndim - 1; d >= 0; d--) {
        if (l->at.strides[d] != 0) l->constant = false;
        if (l->at.strides[d] != expect && j->shape[d] != 1) l->linear = false;
        expect *= j->shape[d];
    }
    l->size = luron_dtype_size(l->at.dtype);
    l->convert = luron__convert_pick(to, from);
}

/* ---- positions ------------------------------------------------------------------------------------------------- */
static void position_of(const job *j, int64_t k, int64_t *at) {
    for (int d = j->ndim - 1; d > 0; d--) {
        at[d] = k % j->shape[d];
        k /= j->shape[d];
    }
    at[0] = k;
}

static char *address(const job *j, const layout *l, const int64_t *at) {
    int64_t offset = 0;
    for (int d = 0; d < j->ndim; d++)
        offset += at[d] * l->at.strides[d];
    return l->at.data + offset * l->size;
}

/* The n elements from position `from` on, row by row, to the buffer or (store) from it. */
static void through_rows(const job *j, const layout *l, const int64_t *from, int64_t n, char *buffer, int width,
                         bool store) {
    int64_t at[LURON_MAX_DIMS], inner = l->at.strides[j->ndim - 1], row = j->shape[j->ndim - 1];
    memcpy(at, from, sizeof at);
    char *p = address(j, l, at);
    while (n > 0) {
        int64_t piece = row - at[j->ndim - 1] < n ? row - at[j->ndim - 1] : n;
        if (store)
            l->convert(piece, buffer, 1, p, inner);
        else
            l->convert(piece, p, inner, buffer, 1);
        n -= piece;
        buffer += piece * width;
        if (n <= 0) break;
        p -= at[j->ndim - 1] * inner * l->size;
        at[j->ndim - 1] = 0;
        for (int d = j->ndim - 2; d >= 0; d--) {
            p += l->at.strides[d] * l->size;
            if (++at[d] < j->shape[d]) break;
            p -= l->at.strides[d] * j->shape[d] * l->size;
            at[d] = 0;
        }
    }
}

/* ---- one chunk ------------------------------------------------------------------------------------------------- */
/* Is the operand seen by the function where it lies, in a run that stays in one row (by_rows) or not? */
static bool in_place(const job *j, const layout *l) {
    return l->at.dtype == l->at.run && (l->linear || (j->by_rows && l->at.strides[j->ndim - 1] == 1));
}

static bool one_for_all(const job *j, const layout *l) {
    return l->constant || (j->by_rows && l->at.strides[j->ndim - 1] == 0);
}

static const void *load(const job *j, const layout *l, int64_t k, const int64_t *at, int64_t n, char *buffer,
                        int *step) {
    *step = !one_for_all(j, l);
    if (!*step) n = 1;
    char *p = l->linear ? l->at.data + k * l->size : address(j, l, at);
    if (l->at.dtype == l->at.run && (!*step || in_place(j, l))) return p;
    if (l->linear || n == 1)
        l->convert(n, p, 1, buffer, 1);
    else
        through_rows(j, l, at, n, buffer, luron_dtype_size(l->at.run), false);
    return buffer;
}

static int64_t run_limit(const job *j) {
    bool direct = in_place(j, &j->out);
    for (int i = 0; i < j->e->n_in && direct; i++)
        direct = in_place(j, &j->in[i]) || one_for_all(j, &j->in[i]);
    return direct ? INT64_MAX : BUFFER;
}

static void chunk(void *arg, int64_t begin, int64_t end, int64_t number) {
    job *j = arg;
    _Alignas(64) char buffer[LURON__EW_MAX_IN + 1][BUFFER * WIDEST];
    int64_t row = j->shape[j->ndim - 1], limit = run_limit(j), n, at[LURON_MAX_DIMS] = {0};
    int found = 0;
    (void)number;
    for (int64_t k = begin; k < end; k += n) {
        const void *in[LURON__EW_MAX_IN];
        int step[LURON__EW_MAX_IN];
        position_of(j, k, at);
        n = end - k < limit ? end - k : limit;
        if (j->by_rows && n > row - at[j->ndim - 1]) n = row - at[j->ndim - 1];
        for (int i = 0; i < j->e->n_in; i++)
            in[i] = load(j, &j->in[i], k, at, n, buffer[i], &step[i]);
        if (in_place(j, &j->out)) {
            found |=
                j->e->fn(j->e, n, in, step, j->out.linear ? j->out.at.data + k * j->out.size : address(j, &j->out, at));
            continue;
        }
        found |= j->e->fn(j->e, n, in, step, buffer[LURON__EW_MAX_IN]);
        through_rows(j, &j->out, at, n, buffer[LURON__EW_MAX_IN], luron_dtype_size(j->out.at.run), true);
    }
    if (found) atomic_fetch_or(&j->found, found);
}

/* Without a function: each row at once from memory to memory; of one number for all it is converted once. */
static void chunk_convert(void *arg, int64_t begin, int64_t end, int64_t number) {
    job *j = arg;
    int64_t row = j->shape[j->ndim - 1], n, at[LURON_MAX_DIMS] = {0};
    (void)number;
    for (int64_t k = begin; k < end; k += n) {
        position_of(j, k, at);
        n = row - at[j->ndim - 1] < end - k ? row - at[j->ndim - 1] : end - k;
        const char *from = address(j, &j->in[0], at);
        char *to = address(j, &j->out, at);
        const int64_t from_step = j->in[0].at.strides[j->ndim - 1], to_step = j->out.at.strides[j->ndim - 1];
        const bool many = from_step == 0 && n > 1;
        j->in[0].convert(many ? 1 : n, from, from_step, to, to_step);
        if (many) luron__convert(j->out.at.dtype, to + to_step * j->out.size, to_step, j->out.at.dtype, to, 0, n - 1);
    }
}

/* A copy to where rows lie in order from where another dim does, which is that dim; -1: it is no such copy. */
static int transposed_dim(const job *j) {
    const int last = j->ndim - 1;
    if (j->out.at.dtype != j->in[0].at.dtype || j->out.at.strides[last] != 1 || j->in[0].at.strides[last] == 1 || j->in[0].at.strides[last] == 0)
        return -1;
    for (int d = 0; d < last; d++)
        if (j->in[0].at.strides[d] == 1 && j->shape[d] > 1) return d;
    return -1;
}

/* Strips of the dim that lies in order in memory, for all positions in the dims before the last. */
typedef struct strips {
    const job *j;
    int dim;
    int64_t each; /* strips of one position */
} strips;

static void some_strips(void *arg, int64_t begin, int64_t end, int64_t number) {
    const strips *s = arg;
    const job *j = s->j;
    const int last = j->ndim - 1;
    (void)number;
    for (int64_t k = begin; k < end; k++) {
        int64_t at[LURON_MAX_DIMS] = {0}, rest = k / s->each, row = k % s->each * STRIP, left = j->shape[s->dim] - row;
        for (int d = last - 1; d >= 0; d--) {
            if (d == s->dim) continue;
            at[d] = rest % j->shape[d];
            rest /= j->shape[d];
        }
        at[s->dim] = row;
        luron__transpose(j->out.size, left < STRIP ? left : STRIP, j->shape[last], address(j, &j->in[0], at), j->in[0].at.strides[last],
                         address(j, &j->out, at), j->out.at.strides[s->dim]);
    }
}

static void copy_transposed(const job *j, int dim, int threads) {
    strips s = {.j = j, .dim = dim, .each = (j->shape[dim] + STRIP - 1) / STRIP};
    int64_t elements = j->shape[j->ndim - 1] * (j->shape[dim] < STRIP ? j->shape[dim] : STRIP);
    luron__parallel_for(threads, j->total / j->shape[j->ndim - 1] / j->shape[dim] * s.each, GRAIN / elements + 1, some_strips, &s);
}

int luron__elementwise(const luron__ew *e, int threads) {
    job j = {.e = e, .ndim = e->ndim, .total = luron__numel(e->ndim, e->shape)};
    if (j.total == 0) return 0;
    memcpy(j.shape, e->shape, sizeof j.shape);
    j.out.at = e->out;
    for (int i = 0; i < e->n_in; i++)
        j.in[i].at = e->in[i];
    if (!e->fn) sort_dims(&j);
    collapse(&j);
    j.by_rows = j.ndim == 1 || j.shape[j.ndim - 1] >= LONG_ROW;
    if (!e->fn) {
        describe(&j, &j.out, e->out.dtype, e->out.dtype);
        describe(&j, &j.in[0], e->out.dtype, e->in[0].dtype);
        int dim = transposed_dim(&j);
        if (dim >= 0) copy_transposed(&j, dim, threads);
        else luron__parallel_for(threads, j.total, GRAIN, chunk_convert, &j);
        return 0;
    }
    describe(&j, &j.out, e->out.dtype, e->out.run);
    for (int i = 0; i < e->n_in; i++)
        describe(&j, &j.in[i], e->in[i].run, e->in[i].dtype);
    luron__parallel_for(threads, j.total, GRAIN, chunk, &j);
    return atomic_load(&j.found);
}
