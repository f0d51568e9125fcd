/* multi_label_margin.c: the sum over targets t and classes j that are none of max(1 - x[t] + x[j], 0), over C. x (n,C)
 * or (C); target: class ids as many as there are classes, of which those before the first negative one count. */
#ifndef REAL
#include "../loops.h"
#include "margin_loss.h"
#include <string.h>
typedef struct work {
    luron_call *c;
    int64_t n;
    const void *x, *gy;
    void *to;
    int32_t *right;
    double scale, beta;
    double *sums;
} work;
#define REAL float
#include "multi_label_margin.c"
#define REAL double
#include "multi_label_margin.c"

static int32_t reduction_of(const luron_call *c) { return ((const margin_loss *)luron_options(c))->reduction; }
static work open_work(luron_call *c) {
    const luron_view *x = luron_in(c, INPUT);
    const int64_t n = x->shape[x->ndim - 1], rows = x->ndim == 2 ? x->shape[0] : 1;
    const double scale = (reduction_of(c) == LOSS_MEAN ? 1 / (double)rows : 1) / (double)n;
    return (work){.c = c, .n = n, .x = luron_data(x), .scale = scale, .sums = luron_scratch(c)};
}
static luron_status setup(luron_call *c) {
    const luron_view *x = luron_in(c, INPUT);
    LURON_TRY(margin_check_classes(c));
    LURON_TRY(loss_same_shape(c, TARGET, "target", INPUT, "input"));
    LURON_TRY(c->host->declare_scratch(c, luron_numel(x) * (int64_t)sizeof(int32_t) +
                                              (x->ndim == 2 ? x->shape[0] : 1) * (int64_t)sizeof(double)));
    return c->host->set_out(c, 0, LURON_REAL, reduction_of(c) == LOSS_NONE && x->ndim == 2, x->shape);
}
/* Run over rows; a row has C counts of its targets, behind all sums. */
static void over_rows(work *k, void (*fn)(void *, int64_t, int64_t, int64_t)) {
    const int64_t rows = luron_numel(luron_in(k->c, INPUT)) / k->n;
    k->right = (int32_t *)(k->sums + rows);
    k->c->host->parallel_for(k->c, rows, 1 + 4096 / k->n, fn, k);
}
static luron_status forward(luron_call *c) {
    const luron_view *x = luron_in(c, INPUT);
    work k = open_work(c);
    double sum = 0;
    for (int64_t i = 0, counts = 1; i < luron_numel(x); i++) {
        const int64_t id = luron_id(c, TARGET, i);
        counts = i % k.n == 0 || counts;
        if (counts && id == INT64_MIN) return c->host->bad_id(c, TARGET, i, k.n);
        counts = counts && id >= 0;
        if (counts && id >= k.n) return c->host->bad_id(c, TARGET, i, k.n);
    }
    if (reduction_of(c) == LOSS_NONE) k.to = luron_data(luron_out(c, 0));
    over_rows(&k, BY_TYPE(c, rows));
    if (k.to) return LURON_OK;
    for (int64_t i = 0; i < luron_numel(x) / k.n; i++)
        sum += k.sums[i];
    k.to = luron_data(luron_out(c, 0));
    sum = reduction_of(c) == LOSS_MEAN && !luron_numel(x) ? NAN : sum * k.scale;
    if (c->dtype == LURON_F64)
        *(double *)k.to = sum;
    else
        *(float *)k.to = (float)sum;
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    work k = open_work(c);
    k.to = luron_data(luron_grad_in_beta(c, INPUT, &k.beta)), k.gy = luron_data(luron_grad_out(c, 0));
    if (k.to) over_rows(&k, BY_TYPE(c, slopes));
    return LURON_OK;
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const luron_view *x = luron_in(c, INPUT);
    const int last = x->ndim - 1, both[2] = {-2, -1};
    const int64_t n = x->shape[last], first = luron_shown(c, 0);
    luron_tensor *scores = o->in(c, INPUT), *ids = o->in(c, TARGET), *least = o->cast(c, o->scalar(c, 0), LURON_I64);
    luron_tensor *counts = o->cumprod(c, o->cast(c, o->ge(c, ids, least), c->dtype), last),
                 *kept = o->cast(c, counts, LURON_I64);
    ids = o->mul(c, ids, kept); /* what does not count is read as the first class, with a weight of 0 */
    if (first) ids = o->add(c, ids, o->cast(c, o->eq(c, kept, least), LURON_I64));
    luron_tensor *none = o->scatter_add(c, o->sub(c, counts, counts), last, ids, counts);
    none = o->cast(c, o->eq(c, none, o->scalar(c, 0)), c->dtype);
    luron_tensor *right = o->unsqueeze(c, o->gather(c, scores, last, ids), -1);
    luron_tensor *y = loss_above(c, o, o->scale(c, o->sub(c, o->unsqueeze(c, scores, -2), right), 1, 1));
    y = o->mul(c, o->mul(c, y, o->unsqueeze(c, none, -2)), o->unsqueeze(c, counts, -1));
    return margin_reduced(c, o, o->scale(c, o->sum(c, y, 2, both, 0), 1 / (double)n, 0));
}
static const luron_option *const options[] = {MARGIN_REDUCTION, NULL};
static const luron_port *const in[] = {
    LURON_PORT("input", 0, LURON_REAL, 0, "scores, (n, classes) or (classes)"),
    LURON_PORT("target", LURON_PORT_INDEX, 0, 0, "class ids, as input; a negative one ends a row"), NULL};
const luron_layer_type margin_loss_multi_label_margin = {
    LOSS_TYPE(margin_loss, "MultiLabelMarginLoss", "multilabel_margin_loss",
              "by how much other classes come within 1 of the right ones"),
    .setup = setup, .forward = forward, .backward = backward};
#else
/* How often each class is a target of row i. */
INLINE void TYPED(targets)(const work *k, int64_t i, int32_t *right) {
    memset(right, 0, (size_t)k->n * sizeof *right);
    for (int64_t j = i * k->n; j < (i + 1) * k->n && luron_id(k->c, TARGET, j) >= 0; j++)
        right[luron_id(k->c, TARGET, j)]++;
}
static void TYPED(rows)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const REAL *x = (const REAL *)k->x + i * k->n;
        int32_t *right = k->right + i * k->n;
        double sum = 0;
        TYPED(targets)(k, i, right);
        for (int64_t id = 0; id < k->n; id++) {
            const REAL bound = x[id] - 1;
            double part = 0; /* of many terms: what is added to a small number is rounded less */
            for (int64_t j = 0; right[id] && j < k->n; j++)
                part += !right[j] && x[j] > bound ? (double)(x[j] - bound) : 0;
            sum += part * right[id];
        }
        k->sums[i] = sum;
        if (k->to) ((REAL *)k->to)[i] = (REAL)(sum * k->scale);
    }
}
static void TYPED(slopes)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const int each = ((const margin_loss *)luron_options(k->c))->reduction == LOSS_NONE;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const REAL *x = (const REAL *)k->x + i * k->n, g = (REAL)(k->scale * ((const REAL *)k->gy)[each ? i : 0]);
        REAL *gx = (REAL *)k->to + i * k->n;
        int32_t *right = k->right + i * k->n;
        TYPED(targets)(k, i, right);
        for (int64_t j = 0; k->beta == 0 && j < k->n; j++)
            gx[j] = 0;
        for (int64_t id = 0; id < k->n; id++) {
            const REAL bound = x[id] - 1, times = g * (REAL)right[id];
            int64_t within = 0;
            for (int64_t j = 0; right[id] && j < k->n; j++)
                if (!right[j] && x[j] > bound) gx[j] += times, within++;
            gx[id] -= times * (REAL)within;
        }
    }
}
#undef REAL
#endif
