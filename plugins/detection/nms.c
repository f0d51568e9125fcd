/* nms.c: of boxes that overlap those with the best scores. A box is left out if its IoU with a better one that is kept,
 * of the same class, is above a threshold: torchvision's nms and batched_nms. boxes (k, 4), scores (k) -> keep (k): ids
 * of boxes in descending order of scores, of equal ones the earlier first, then -1. What is NaN comes first, and what
 * has an IoU of NaN stays. */
#ifndef REAL
#include "detection.h"

#include <string.h>

enum { BOXES, SCORES, CLASSES };
typedef struct nms {
    double iou_threshold;
} nms;
typedef struct work {
    const luron_call *c;
    int64_t n;
    const void *boxes, *scores;
    int64_t *order, *other; /* n each: ids by scores, and room to sort */
    uint8_t *out;           /* 1: left out */
} work;

#define REAL float
#include "nms.c"
#undef REAL
#define REAL double
#include "nms.c"
#undef REAL

static luron_status setup(luron_call *c) {
    const int64_t n = luron_in(c, BOXES)->shape[0];
    const luron_view *classes = luron_in(c, CLASSES);
    if (luron_in(c, BOXES)->shape[1] != 4)
        return luron_fail(c, LURON_E_SHAPE, "boxes: (%lld, 4) expected, x1, y1, x2, y2 of each box", (long long)n);
    if (luron_in(c, SCORES)->shape[0] != n)
        return luron_fail(c, LURON_E_SHAPE, "scores: (%lld) expected, one for each box", (long long)n);
    if (classes && classes->shape[0] != n)
        return luron_fail(c, LURON_E_SHAPE, "classes: (%lld) expected, one for each box", (long long)n);
    LURON_TRY(c->host->declare_scratch(c, n * (int64_t)(2 * sizeof(int64_t) + 1)));
    return c->host->set_out(c, 0, LURON_I64, LURON_SHAPE(n));
}
static luron_status forward(luron_call *c) {
    work k = {.c = c, .n = luron_in(c, BOXES)->shape[0]};
    if (luron_in(c, CLASSES)) LURON_TRY(luron_check_ids(c, CLASSES, INT64_MAX));
    k.boxes = luron_data(luron_in(c, BOXES)), k.scores = luron_data(luron_in(c, SCORES));
    k.order = luron_scratch(c), k.other = k.order + k.n, k.out = (uint8_t *)(k.other + k.n);
    BY_TYPE(c, sort)(&k);
    BY_TYPE(c, suppress)(&k);
    int64_t *to = luron_i64(luron_out(c, 0)), kept = 0;
    for (int64_t i = 0; i < k.n; i++)
        if (!k.out[i]) to[kept++] = k.order[i] + c->index_base;
    while (kept < k.n)
        to[kept++] = -1;
    return LURON_OK;
}
static luron_status backward(luron_call *c) { /* of ids there is none */
    (void)c;
    return LURON_OK;
}

static const luron_option *const options[] = {
    LURON_OPT_FLOAT(nms, iou_threshold, 0.5, 0, 1, "a box that overlaps a better one by more is left out"), NULL};
static const luron_port *const in[] = {LURON_PORT("boxes", 0, LURON_REAL, 2, "(k, 4): x1, y1, x2, y2"),
                                       LURON_PORT("scores", 0, LURON_REAL, 1, "(k)"),
                                       LURON_PORT("classes", LURON_PORT_OPTIONAL | LURON_PORT_INDEX, 0, 1,
                                                  "(k): boxes of other classes do not count; absent: all are of one"),
                                       NULL};
static const luron_port *const out[] = {
    LURON_PORT("keep", LURON_PORT_INDEX, LURON_I64, 1, "(k): the boxes that stay, the best first, then -1"), NULL};
const luron_layer_type detection_nms = {.struct_size = sizeof(luron_layer_type),
                                        .flags = LURON_LAYER_F64,
                                        .name = "NonMaxSuppression",
                                        .doc = "of boxes that overlap those with the best scores",
                                        .options = options,
                                        .options_size = sizeof(nms),
                                        .in = in,
                                        .out = out,
                                        .setup = setup,
                                        .forward = forward,
                                        .backward = backward};
#else
/* Does a come before b where it does not stand before it already? */
static int TYPED(better)(REAL a, REAL b) { return a > b || (a != a && b == b); }
/* Merges of runs that grow: equal scores keep their order. */
static void TYPED(sort)(work *k) {
    const REAL *score = k->scores;
    for (int64_t i = 0; i < k->n; i++)
        k->order[i] = i;
    for (int64_t run = 1; run < k->n; run *= 2) {
        for (int64_t from = 0; from < k->n; from += 2 * run) {
            const int64_t middle = from + run < k->n ? from + run : k->n;
            const int64_t end = middle + run < k->n ? middle + run : k->n;
            for (int64_t a = from, b = middle, to = from; to < end; to++) {
                const int second = a == middle || (b < end && TYPED(better)(score[k->order[b]], score[k->order[a]]));
                k->other[to] = k->order[second ? b++ : a++];
            }
        }
        int64_t *swap = k->order;
        k->order = k->other, k->other = swap;
    }
}
static void TYPED(suppress)(work *k) {
    const double threshold = ((const nms *)luron_options(k->c))->iou_threshold;
    const int classes = luron_in(k->c, CLASSES) != NULL;
    if (k->n > 0) memset(k->out, 0, (size_t)k->n);
    for (int64_t i = 0; i < k->n; i++) {
        const REAL *a = (const REAL *)k->boxes + 4 * k->order[i], area = (a[2] - a[0]) * (a[3] - a[1]);
        const int64_t own = classes ? luron_id(k->c, CLASSES, k->order[i]) : 0;
        for (int64_t j = i + 1; j < k->n && !k->out[i]; j++) {
            if (k->out[j] || (classes && luron_id(k->c, CLASSES, k->order[j]) != own)) continue;
            const REAL *b = (const REAL *)k->boxes + 4 * k->order[j];
            const REAL w = (a[2] < b[2] ? a[2] : b[2]) - (a[0] > b[0] ? a[0] : b[0]);
            const REAL h = (a[3] < b[3] ? a[3] : b[3]) - (a[1] > b[1] ? a[1] : b[1]);
            const REAL both = (w > 0 ? w : 0) * (h > 0 ? h : 0);
            k->out[j] = (double)(both / (area + (b[2] - b[0]) * (b[3] - b[1]) - both)) > threshold;
        }
    }
}
#endif
