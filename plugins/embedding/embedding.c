/* embedding.c: y = rows of weight by ids. ids (...), weight (num, dim) -> y (..., dim). A row's gradient is the sum over the
 * positions of its id in ascending order: ids are sorted by counting, and a row is added up by one thread.             */
#ifndef REAL
#include "embedding.h"
#include <string.h>
/* first (num + 1): where the positions of an id begin in `order`, which lists positions by id, ascending. */
typedef struct work { luron_call *c; int64_t dim, padding; char *weight; const char *gy; char *to; int64_t *first, *order; double beta; int by_freq; } work;
enum { GRAIN = 16384 };
#define REAL float
#define NAME(x) x##_float
#include "embedding.c"
#define REAL double
#define NAME(x) x##_double
#include "embedding.c"

luron_status embedding_declare(luron_call *c) {
    const embedding *o = luron_options(c);
    const int64_t num = o->num_embeddings, padding = o->padding_idx;
    if (padding >= num)
        return luron_fail(c, LURON_E_ARGUMENT, "padding_idx is %lld, an id within num_embeddings = %lld expected",
            (long long)luron_shown(c, padding), (long long)num);
    luron_init init = luron_init_or(&o->weight_init, luron_init_normal(0, 1));
    if (padding >= 0) init = luron_init_zero_row(init, padding);
    return c->host->declare_param(c, 0, "weight", LURON_SHAPE(num, o->embedding_dim), init);
}
void embedding_sort(const luron_call *c, int64_t num, int64_t n, int64_t *first, int64_t *order) {
    for (int64_t i = 0; i <= num; i++) first[i] = 0;
    for (int64_t i = 0; i < n; i++) first[luron_id(c, 0, i)]++;
    for (int64_t i = 1; i <= num; i++) first[i] += first[i - 1];
    for (int64_t i = n - 1; i >= 0; i--) order[--first[luron_id(c, 0, i)]] = i; /* from the end: first[] comes to its place */
}
static luron_status setup(luron_call *c) {
    const embedding *o = luron_options(c);
    const luron_view *ids = luron_in(c, 0);
    int64_t shape[8];
    if (ids->ndim > 7) return luron_fail(c, LURON_E_SHAPE, "input has 8 dimensions, at most 7 expected");
    if (ids->ndim) memcpy(shape, ids->shape, (size_t)ids->ndim * sizeof *shape);
    shape[ids->ndim] = o->embedding_dim;
    LURON_TRY(c->host->set_out(c, 0, LURON_REAL, ids->ndim + 1, shape));
    return c->host->declare_scratch(c, (o->num_embeddings + 1 + luron_numel(ids)) * (int64_t)sizeof(int64_t));
}
static luron_status forward(luron_call *c) {
    const embedding *o = luron_options(c);
    work k = { .c = c, .dim = o->embedding_dim, .weight = luron_data(luron_param(c, 0)), .to = luron_data(luron_out(c, 0)) };
    LURON_TRY(luron_check_ids(c, 0, o->num_embeddings));
    c->host->parallel_for(c, luron_numel(luron_in(c, 0)), 1 + GRAIN / k.dim, c->dtype == LURON_F64 ? copy_double : copy_float, &k);
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    const embedding *o = luron_options(c);
    const int64_t n = luron_numel(luron_in(c, 0)), num = o->num_embeddings;
    work k = { .c = c, .dim = o->embedding_dim, .padding = o->padding_idx, .gy = luron_data(luron_grad_out(c, 0)), .first = luron_scratch(c), .by_freq = o->scale_grad_by_freq };
    k.to = luron_data(luron_grad_param_beta(c, 0, &k.beta)), k.order = k.first + num + 1;
    if (!k.to) return LURON_OK;
    embedding_sort(c, num, n, k.first, k.order);
    c->host->parallel_for(c, num, 1 + GRAIN / k.dim, c->dtype == LURON_F64 ? add_double : add_float, &k);
    return LURON_OK;
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const embedding *e = luron_options(c);
    const luron_view *ids = luron_in(c, 0);
    int64_t shape[8];
    luron_tensor *w = o->param(c, 0), *flat = o->reshape(c, o->in(c, 0), LURON_SHAPE(luron_numel(ids)));
    if (e->padding_idx >= 0) { /* its row goes in without a gradient */
        luron_tensor *part[3] = { o->narrow(c, w, 0, 0, e->padding_idx), o->detach(c, o->narrow(c, w, 0, e->padding_idx, 1)),
            o->narrow(c, w, 0, e->padding_idx + 1, e->num_embeddings - e->padding_idx - 1) };
        w = o->cat(c, 3, part, 0);
    }
    if (ids->ndim) memcpy(shape, ids->shape, (size_t)ids->ndim * sizeof *shape);
    shape[ids->ndim] = e->embedding_dim;
    return o->set_out(c, 0, o->reshape(c, embedding_rows(c, o, w, flat), ids->ndim + 1, shape));
}
static const luron_option *const options[] = {
    LURON_OPT_INT_REQ(embedding, num_embeddings, 1, 1e9, "ids there are"), LURON_OPT_INT_REQ(embedding, embedding_dim, 1, 1e9, "numbers of an id"),
    LURON_OPT_ID(embedding, padding_idx, -1, "id whose row begins as zeros and gets no gradient; negative: none"), EMBEDDING_LIMITS,
    LURON_OPT_INITIALISER(embedding, weight_init, "first weights; nil: normal"), NULL };
static const luron_port *const in[] = { LURON_PORT("input", LURON_PORT_INDEX, 0, 0, "ids of any shape"), NULL };
static const luron_layer_type type = { .struct_size = sizeof type, .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT, .name = "Embedding",
    .doc = "rows of a table by ids", .options = options, .options_size = sizeof(embedding), .in = in,
    .declare = embedding_declare, .setup = setup, .forward = forward, .backward = backward, .compose = compose };
extern const luron_layer_type embedding_bag;
static const luron_layer_type *const layers[] = { &type, &embedding_bag, NULL };
LURON_PLUGIN_DEFINE(embedding) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "embedding", .version = "0.1.0",
    .layers = layers };
#else
static void NAME(copy)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        REAL *to = (REAL *)k->to + i * k->dim;
        const REAL *row = (const REAL *)k->weight + luron_id(k->c, 0, i) * k->dim, share = (REAL)embedding_share(k->c, row);
        memcpy(to, row, (size_t)k->dim * sizeof(REAL));
        for (int64_t j = 0; share != 1 && j < k->dim; j++) to[j] *= share;
    }
}
static void NAME(add)(void *arg, int64_t begin, int64_t end, int64_t chunk) { /* the gradient of rows begin.. */
    const work *k = arg;
    (void)chunk;
    for (int64_t id = begin; id < end; id++) {
        REAL *to = (REAL *)k->to + id * k->dim;
        const REAL share = (REAL)(k->by_freq ? 1 / (double)(k->first[id + 1] - k->first[id]) : 1);
        if (k->beta == 0) memset(to, 0, (size_t)k->dim * sizeof *to);
        for (int64_t p = k->first[id]; id != k->padding && p < k->first[id + 1]; p++) {
            const REAL *gy = (const REAL *)k->gy + k->order[p] * k->dim;
            for (int64_t j = 0; j < k->dim; j++) to[j] += gy[j] * share;
        }
    }
}
#undef NAME
#undef REAL
#endif
