/* bag.c: sums, means or largest of rows of weight, bag by bag. ids (b, n), or (n) in bags that begin at offsets (b);
 * weight (num, dim) -> y (b, dim). An empty bag gives 0; padding_idx counts in none. A row's gradient is the sum over
 * the positions of its id in ascending order, as in embedding.c. */
#ifndef REAL
#include "../loops.h"
#include "embedding.h"
#include <math.h>
#include <string.h>
enum { IDS, OFFSETS, WEIGHTS };
enum { SUM, MEAN, MAX };
typedef struct work {
    luron_call *c;
    const embedding *o;
    int64_t n, bags, dim, padding;
    const void *w, *weights, *gy;
    void *to;
    int64_t *win;                /* of max: the position that each number came from, -1: none */
    int64_t *of, *first, *order; /* the bag of a position, -1: none; where an id's positions begin in order */
    int64_t *seen;               /* ids of a bag that count */
    double beta;
} work;
enum { GRAIN = 16384 };
extern const luron_layer_type embedding_bag;
static int64_t begins(const work *k, int64_t b) {
    if (!luron_in(k->c, OFFSETS)) return b * (k->bags ? k->n / k->bags : 0);
    return b == k->bags && !k->o->include_last_offset ? k->n : luron_id(k->c, OFFSETS, b);
}
#define REAL float
#include "bag.c"
#define REAL double
#include "bag.c"

static luron_status declare(luron_call *c) {
    const embedding *o = luron_options(c);
    if (o->scale_grad_by_freq && o->mode == MAX)
        return luron_fail(c, LURON_E_ARGUMENT, "scale_grad_by_freq goes with mode \"sum\" or \"mean\", got \"max\"");
    return embedding_declare(c);
}
static luron_status open_bags(luron_call *c, work *k) {
    const embedding *o = luron_options(c);
    const luron_view *ids = luron_in(c, IDS), *offsets = luron_in(c, OFFSETS), *weights = luron_in(c, WEIGHTS);
    *k = (work){.c = c, .o = o, .n = luron_numel(ids), .dim = o->embedding_dim, .padding = o->padding_idx};
    if (ids->ndim != (offsets ? 1 : 2))
        return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, %s expected", (int)ids->ndim,
                          offsets ? "a row of ids, as there are offsets,"
                                  : "(bags, ids), or a row of ids and offsets,");
    if (offsets && (offsets->ndim != 1 || (o->include_last_offset && offsets->shape[0] < 1)))
        return luron_fail(c, LURON_E_SHAPE, "offsets: a row%s expected",
                          o->include_last_offset ? " of at least 1" : "");
    if (weights && (o->mode != SUM || weights->ndim != ids->ndim ||
                    memcmp(weights->shape, ids->shape, (size_t)ids->ndim * sizeof *ids->shape) != 0))
        return luron_fail(c, o->mode != SUM ? LURON_E_ARGUMENT : LURON_E_SHAPE, "per_sample_weights %s",
                          o->mode != SUM ? "go with mode \"sum\" alone" : "do not have the shape of the input");
    k->bags = offsets ? offsets->shape[0] - o->include_last_offset : ids->shape[0];
    k->w = luron_data(luron_param(c, 0)), k->weights = luron_data(weights), k->win = luron_data(luron_saved(c, 0));
    return LURON_OK;
}
static luron_status setup(luron_call *c) {
    work k;
    LURON_TRY(open_bags(c, &k));
    LURON_TRY(c->host->set_out(c, 0, LURON_REAL, LURON_SHAPE(k.bags, k.dim)));
    LURON_TRY(c->host->declare_saved(c, 0, LURON_I64, LURON_SHAPE(k.o->mode == MAX ? k.bags * k.dim : 0)));
    return c->host->declare_scratch(c, (k.o->num_embeddings + 1 + 2 * k.n + k.bags) * (int64_t)sizeof(int64_t));
}
static luron_status check_offsets(const work *k) {
    luron_call *c = k->c;
    if (!luron_in(c, OFFSETS)) return LURON_OK;
    LURON_TRY(luron_check_ids(c, OFFSETS, k->n + 1));
    for (int64_t b = 0, n = luron_numel(luron_in(c, OFFSETS)); b < n; b++) {
        const int64_t at = luron_id(c, OFFSETS, b), before = b ? luron_id(c, OFFSETS, b - 1) : 0;
        if (b ? at < before : at != 0)
            return luron_fail(c, LURON_E_ARGUMENT, "offsets: %lld at position %lld, %s %lld expected",
                              (long long)luron_shown(c, at), (long long)luron_shown(c, b),
                              b ? "at least" : "they begin with", (long long)luron_shown(c, before));
    }
    return LURON_OK;
}
static luron_status forward(luron_call *c) {
    work k;
    LURON_TRY(open_bags(c, &k));
    LURON_TRY(luron_check_ids(c, IDS, k.o->num_embeddings));
    LURON_TRY(check_offsets(&k));
    k.to = luron_data(luron_out(c, 0));
    c->host->parallel_for(c, k.bags, 1 + GRAIN / k.dim, BY_TYPE(c, gather), &k);
    return LURON_OK;
}
/* Positions by id, and their bags. */
static void sort(work *k) {
    const int64_t num = k->o->num_embeddings;
    k->first = luron_scratch(k->c), k->order = k->first + num + 1, k->of = k->order + k->n, k->seen = k->of + k->n;
    embedding_sort(k->c, num, k->n, k->first, k->order);
    for (int64_t p = 0; p < k->n; p++)
        k->of[p] = -1;
    for (int64_t b = 0; b < k->bags; b++) {
        k->seen[b] = 0;
        for (int64_t p = begins(k, b), stop = begins(k, b + 1); p < stop; p++)
            k->of[p] = b, k->seen[b] += luron_id(k->c, IDS, p) != k->padding;
    }
}
static luron_status backward(luron_call *c) {
    work k;
    LURON_TRY(open_bags(c, &k));
    sort(&k);
    k.gy = luron_data(luron_grad_out(c, 0));
    if ((k.to = luron_data(luron_grad_in_beta(c, WEIGHTS, &k.beta))))
        c->host->parallel_for(c, k.n, 1 + GRAIN / k.dim, BY_TYPE(c, of_weights), &k);
    if ((k.to = luron_data(luron_grad_param_beta(c, 0, &k.beta))))
        c->host->parallel_for(c, k.o->num_embeddings, 1 + GRAIN / k.dim, BY_TYPE(c, of_rows), &k);
    return LURON_OK;
}

/* ---- in ops: positions and ids as doubles, which hold them exactly ---------------------------------------------- */
typedef struct places {
    luron_tensor *bag, *counts; /* the bag of each position, as an id; whether it counts, (n, 1) */
} places;
static places find_places(luron_call *c, const luron_ops *o, const work *k) {
    const double base = (double)c->index_base;
    luron_tensor *one = o->expand(c, o->cast(c, o->scalar(c, 1), LURON_F64), LURON_SHAPE(k->n));
    luron_tensor *at = o->scale(c, o->cumsum(c, one, 0), 1, base - 1), *which,
                 *counts = o->ge(c, at, o->scale(c, one, 0, 0));
    if (luron_in(c, OFFSETS)) {
        luron_tensor *offsets = o->cast(c, o->in(c, OFFSETS), LURON_F64);
        if (k->o->include_last_offset) counts = o->lt(c, at, o->narrow(c, offsets, 0, k->bags, 1));
        which = o->cast(c, o->searchsorted(c, o->narrow(c, offsets, 0, 0, k->bags), at, 1), LURON_F64);
        which = o->scale(c, which, 1, -1);
    } else {
        const double length = (double)(k->bags ? k->n / k->bags : 1);
        which = o->scale(c, o->floor(c, o->scale(c, at, 1 / length, (0.5 - base) / length)), 1,
                         base); /* 0.5: far from a border */
    }
    luron_tensor *ids = o->cast(c, o->reshape(c, o->in(c, IDS), LURON_SHAPE(k->n)), LURON_F64);
    if (k->padding >= 0)
        counts = o->logical_and(c, counts, o->ne(c, ids, o->scale(c, one, 0, (double)k->padding + base)));
    return (places){o->cast(c, which, LURON_I64), o->reshape(c, counts, LURON_SHAPE(k->n, 1))};
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    work k;
    LURON_TRY(open_bags(c, &k));
    if (k.n == 0 || k.bags == 0)
        return o->set_out(c, 0, o->contiguous(c, o->expand(c, o->scalar(c, 0), LURON_SHAPE(k.bags, k.dim))));
    const places at = find_places(c, o, &k);
    luron_tensor *rows = embedding_rows(c, o, o->param(c, 0), o->reshape(c, o->in(c, IDS), LURON_SHAPE(k.n)));
    luron_tensor *zero = o->scalar(c, 0), *least = o->scalar(c, -INFINITY);
    if (k.o->mode == MAX) {
        luron_tensor *most = o->segment_max(c, o->where(c, at.counts, rows, least), at.bag, k.bags);
        return o->set_out(c, 0, o->where(c, o->eq(c, most, least), zero, most));
    }
    if (luron_in(c, WEIGHTS)) rows = o->mul(c, rows, o->reshape(c, o->in(c, WEIGHTS), LURON_SHAPE(k.n, 1)));
    luron_tensor *sum = o->segment_sum(c, o->where(c, at.counts, rows, zero), at.bag, k.bags);
    if (k.o->mode == SUM) return o->set_out(c, 0, sum);
    luron_tensor *n = o->segment_sum(c, o->cast(c, at.counts, c->dtype), at.bag, k.bags);
    return o->set_out(c, 0, o->div(c, sum, o->clamp(c, n, 1, INFINITY)));
}

static const char *const modes[] = {"sum", "mean", "max", NULL};
static const luron_option *const options[] = {
    LURON_OPT_INT_REQ(embedding, num_embeddings, 1, 1e9, "ids there are"),
    LURON_OPT_INT_REQ(embedding, embedding_dim, 1, 1e9, "numbers of an id"),
    LURON_OPT_CHOICE(embedding, mode, "mean", modes, "what is made of a bag's rows"),
    LURON_OPT_BOOL(embedding, include_last_offset, 0, "offsets end with where the last bag ends"),
    LURON_OPT_ID(embedding, padding_idx, -1, "id that counts in no bag and gets no gradient; negative: none"),
    EMBEDDING_LIMITS,
    LURON_OPT_INITIALISER(embedding, weight_init, "first weights; nil: normal"),
    NULL};
static const luron_port *const in[] = {
    LURON_PORT("input", LURON_PORT_INDEX, 0, 0, "ids, (bags, n), or a row of them with offsets"),
    LURON_PORT("offsets", LURON_PORT_INDEX | LURON_PORT_OPTIONAL, 0, 0,
               "positions in the row at which bags begin, ascending"),
    LURON_PORT("per_sample_weights", LURON_PORT_OPTIONAL, LURON_REAL, 0,
               "as the input: times each row, in mode \"sum\""),
    NULL};
const luron_layer_type embedding_bag = {.struct_size = sizeof(luron_layer_type),
                                        .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT,
                                        .name = "EmbeddingBag",
                                        .doc = "sums, means or largest of rows of a table by bags of ids",
                                        .options = options,
                                        .options_size = sizeof(embedding),
                                        .in = in,
                                        .declare = declare,
                                        .setup = setup,
                                        .forward = forward,
                                        .backward = backward,
                                        .compose = compose};
#else
static void TYPED(gather)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    (void)chunk;
    for (int64_t b = begin; b < end; b++) {
        REAL *to = (REAL *)k->to + b * k->dim;
        int64_t *win = k->o->mode == MAX ? k->win + b * k->dim : NULL, seen = 0;
        for (int64_t j = 0; j < k->dim; j++)
            to[j] = 0;
        for (int64_t j = 0; win && j < k->dim; j++)
            win[j] = -1;
        for (int64_t p = begins(k, b), stop = begins(k, b + 1); p < stop; p++) {
            const int64_t id = luron_id(k->c, IDS, p);
            const REAL *row = (const REAL *)k->w + id * k->dim, times = k->weights ? ((const REAL *)k->weights)[p] : 1;
            const REAL share = (REAL)embedding_share(k->c, row);
            if (id == k->padding) continue;
            seen++;
            for (int64_t j = 0; !win && j < k->dim; j++)
                to[j] += row[j] * share * times;
            for (int64_t j = 0; win && j < k->dim; j++) {
                const REAL x = row[j] * share;
                if (win[j] < 0 || x > to[j] || x != x) to[j] = x, win[j] = p;
            }
        }
        for (int64_t j = 0; k->o->mode == MEAN && seen && j < k->dim; j++)
            to[j] /= (REAL)seen;
    }
}
static void TYPED(of_rows)(void *arg, int64_t begin, int64_t end, int64_t chunk) { /* the gradient of rows begin.. */
    const work *k = arg;
    (void)chunk;
    for (int64_t id = begin; id < end; id++) {
        REAL *to = (REAL *)k->to + id * k->dim;
        const REAL share = (REAL)(k->o->scale_grad_by_freq ? 1 / (double)(k->first[id + 1] - k->first[id]) : 1);
        if (k->beta == 0) memset(to, 0, (size_t)k->dim * sizeof *to);
        for (int64_t i = k->first[id]; id != k->padding && i < k->first[id + 1]; i++) {
            const int64_t p = k->order[i], b = k->of[p];
            if (b < 0) continue;
            const REAL *gy = (const REAL *)k->gy + b * k->dim;
            const REAL times = k->weights           ? ((const REAL *)k->weights)[p]
                               : k->o->mode == MEAN ? 1 / (REAL)k->seen[b]
                                                    : 1;
            for (int64_t j = 0; j < k->dim; j++)
                if (k->o->mode != MAX || k->win[b * k->dim + j] == p) to[j] += gy[j] * times * share;
        }
    }
}
static void TYPED(of_weights)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    (void)chunk;
    for (int64_t p = begin; p < end; p++) {
        const int64_t id = luron_id(k->c, IDS, p), b = id != k->padding ? k->of[p] : -1;
        const REAL *row = (const REAL *)k->w + id * k->dim, share = b >= 0 ? (REAL)embedding_share(k->c, row) : 0;
        double sum = 0;
        for (int64_t j = 0; b >= 0 && j < k->dim; j++)
            sum += (double)(row[j] * share) * (double)((const REAL *)k->gy)[b * k->dim + j];
        REAL *to = (REAL *)k->to + p;
        *to = (REAL)(k->beta != 0 ? (double)*to + sum : sum);
    }
}
#undef REAL
#endif
