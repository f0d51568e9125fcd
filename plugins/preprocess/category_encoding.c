/* category_encoding.c: ids as rows of num_tokens numbers. one_hot: (...) -> (..., num_tokens), a last dim of 1 is
 * replaced; multi_hot and count: (..., k) -> (..., num_tokens), which of k there are, and how often, or the sums of
 * their weights. */
#ifndef REAL
#include "preprocess.h"
#include <string.h>

enum { MULTI_HOT, ONE_HOT, COUNT };
enum { IDS, WEIGHTS };
typedef struct encoding {
    int64_t num_tokens;
    int32_t output_mode;
} encoding;
/* Of `rows` rows each is made of `k` ids. */
typedef struct work {
    luron_call *c;
    int64_t tokens, k;
    int32_t mode;
    const void *weights, *gy;
    void *to;
    double beta;
} work;
enum { GRAIN = 16384 };

static work work_of(luron_call *c) {
    const encoding *o = luron_options(c);
    const luron_view *ids = luron_in(c, IDS);
    return (work){.c = c,
                  .tokens = o->num_tokens,
                  .mode = o->output_mode,
                  .k = o->output_mode == ONE_HOT || !ids->ndim ? 1 : ids->shape[ids->ndim - 1]};
}
#define REAL float
#include "category_encoding.c"
#undef REAL
#define REAL double
#include "category_encoding.c"
#undef REAL

static luron_status setup(luron_call *c) {
    const encoding *o = luron_options(c);
    const luron_view *ids = luron_in(c, IDS), *w = luron_in(c, WEIGHTS);
    int64_t shape[9];
    if (w && o->output_mode != COUNT)
        return luron_fail(c, LURON_E_ARGUMENT, "count_weights go with output_mode = \"count\" alone");
    if (w && (w->ndim != ids->ndim || (w->ndim && memcmp(w->shape, ids->shape, (size_t)w->ndim * sizeof *w->shape))))
        return luron_fail(c, LURON_E_SHAPE, "count_weights: one for each id of input expected");
    const int replaces = ids->ndim && (o->output_mode != ONE_HOT || (ids->ndim > 1 && ids->shape[ids->ndim - 1] == 1));
    const int ndim = ids->ndim + !replaces;
    if (ndim > 8) return luron_fail(c, LURON_E_SHAPE, "input has 8 dimensions, at most 7 expected");
    if (ids->ndim) memcpy(shape, ids->shape, (size_t)ids->ndim * sizeof *shape);
    shape[ndim - 1] = o->num_tokens;
    return c->host->set_out(c, 0, LURON_REAL, ndim, shape);
}
static luron_status forward(luron_call *c) {
    work k = work_of(c);
    LURON_TRY(luron_check_ids(c, IDS, k.tokens));
    k.weights = luron_data(luron_in(c, WEIGHTS)), k.to = luron_data(luron_out(c, 0));
    c->host->parallel_for(c, luron_numel(luron_out(c, 0)) / k.tokens, 1 + GRAIN / (k.tokens + k.k), BY_TYPE(c, rows),
                          &k);
    return LURON_OK;
}
static luron_status backward(luron_call *c) { /* of the weights alone */
    work k = work_of(c);
    luron_view *g = luron_grad_in_beta(c, WEIGHTS, &k.beta);
    if (!g) return LURON_OK;
    k.gy = luron_data(luron_grad_out(c, 0)), k.to = luron_data(g);
    c->host->parallel_for(c, luron_numel(g), GRAIN, BY_TYPE(c, slopes), &k);
    return LURON_OK;
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const work k = work_of(c);
    const luron_view *y = luron_out(c, 0), *w = luron_in(c, WEIGHTS);
    const int64_t n = luron_numel(luron_in(c, IDS));
    int64_t rows = 1;
    static const int middle[] = {1};
    for (int i = 0; i < y->ndim - 1; i++)
        rows *= y->shape[i];
    luron_tensor *hot = o->one_hot(c, o->reshape(c, o->in(c, IDS), LURON_SHAPE(n)), k.tokens);
    if (w) hot = o->mul(c, hot, o->reshape(c, o->in(c, WEIGHTS), LURON_SHAPE(n, 1)));
    hot = o->reshape(c, hot, LURON_SHAPE(rows, k.k, k.tokens));
    hot = o->sum(c, hot, 1, middle, 0);
    if (k.mode == MULTI_HOT) hot = o->clamp(c, hot, 0, 1);
    return o->set_out(c, 0, o->reshape(c, hot, y->ndim, y->shape));
}

static const char *const modes[] = {"multi_hot", "one_hot", "count", NULL};
static const luron_option *const options[] = {
    LURON_OPT_INT_REQ(encoding, num_tokens, 1, 1e9, "ids there are"),
    LURON_OPT_CHOICE(encoding, output_mode, "multi_hot", modes,
                     "a row for each id, or for the ids along the last dim: which there are, or how often"),
    NULL};
static const luron_port *const in[] = {
    LURON_PORT("input", LURON_PORT_INDEX, 0, 0, "ids of any shape"),
    LURON_PORT("count_weights", LURON_PORT_OPTIONAL, LURON_REAL, 0, "of \"count\": how much each id counts; absent: 1"),
    NULL};
const luron_layer_type preprocess_category_encoding = {.struct_size = sizeof(luron_layer_type),
                                                       .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT,
                                                       .name = "CategoryEncoding",
                                                       .doc = "ids as rows of zeros and ones, or of counts",
                                                       .options = options,
                                                       .options_size = sizeof(encoding),
                                                       .in = in,
                                                       .setup = setup,
                                                       .forward = forward,
                                                       .backward = backward,
                                                       .compose = compose};
#else
static void TYPED(rows)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const REAL *w = k->weights;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        REAL *to = (REAL *)k->to + i * k->tokens;
        memset(to, 0, (size_t)k->tokens * sizeof *to);
        for (int64_t p = i * k->k; p < (i + 1) * k->k; p++)
            if (k->mode == COUNT)
                to[luron_id(k->c, IDS, p)] += w ? w[p] : 1;
            else
                to[luron_id(k->c, IDS, p)] = 1;
    }
}
static void TYPED(slopes)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    REAL *to = k->to;
    (void)chunk;
    for (int64_t p = begin; p < end; p++)
        to[p] = (k->beta == 0 ? 0 : to[p]) + ((const REAL *)k->gy)[p / k->k * k->tokens + luron_id(k->c, IDS, p)];
}
#endif
