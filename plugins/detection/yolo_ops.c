/* yolo_ops.c: the loss of yolo_loss.c in ops, for second derivatives. */
#include "../composed_loss.h"
#include "detection.h"

/* Of the true boxes, each (n, boxes). */
typedef struct truths {
    luron_tensor *id, *at[4], *there; /* class as it stands; x, y, w, h; bool: is it a box? */
    luron_tensor *cell[2], *anchor;   /* column and row, anchor of all */
} truths;

static luron_tensor *least(luron_call *c, const luron_ops *o, luron_tensor *x, double value) {
    return o->ge(c, x, o->scalar(c, value));
}
static luron_tensor *share(luron_call *c, const luron_ops *o, luron_tensor *both, luron_tensor *a, luron_tensor *b) {
    return o->div(c, both, o->sub(c, o->add(c, a, b), both));
}
static luron_tensor *best_anchor(luron_call *c, const luron_ops *o, const yolo_shapes *s, const truths *t) {
    luron_tensor *shares[YOLO_MOST], *area = o->mul(c, t->at[YOLO_W], t->at[YOLO_H]);
    for (int k = 0; k < s->anchors; k++) {
        luron_tensor *w = o->scalar(c, s->width[k]), *h = o->scalar(c, s->height[k]);
        luron_tensor *both = o->mul(c, o->minimum(c, t->at[YOLO_W], w), o->minimum(c, t->at[YOLO_H], h));
        shares[k] = share(c, o, both, area, o->mul(c, w, h));
    }
    luron_tensor *best = o->argmax(c, o->stack(c, s->anchors, shares, 2), 2, 0);
    return o->scale(c, o->cast(c, best, c->dtype), 1, -(double)c->index_base);
}
static truths read_truths(luron_call *c, const luron_ops *o, const yolo_shapes *s) {
    luron_tensor *all = o->detach(c, o->in(c, YOLO_TARGET));
    truths t = {.id = o->select(c, all, 2, 0)};
    t.there = least(c, o, t.id, (double)c->index_base);
    for (int f = 0; f < 4; f++) /* what is no box may hold anything */
        t.at[f] = o->where(c, t.there, o->select(c, all, 2, 1 + f), o->scalar(c, 0.5));
    for (int d = 0; d < 2; d++) {
        const double cells = (double)(d == YOLO_X ? s->w : s->h);
        t.cell[d] = o->clamp(c, o->floor(c, o->scale(c, t.at[d], cells, 0)), 0, cells - 1);
    }
    t.anchor = best_anchor(c, o, s, &t);
    return t;
}
/* bool (n, here, h, w): boxes of the head whose IoU with a true one is above the threshold. */
static luron_tensor *ignored(luron_call *c, const luron_ops *o, const yolo_shapes *s, luron_tensor *x,
                             const truths *t) {
    luron_tensor *box[4], *of[4], *side[2];
    const int64_t boxes = s->here * s->cells, most = luron_in(c, YOLO_TARGET)->shape[1];
    yolo_boxes(c, o, s, o->detach(c, x), box);
    for (int f = 0; f < 4; f++) {
        box[f] = o->reshape(c, box[f], LURON_SHAPE(s->n, boxes, 1));
        of[f] = o->reshape(c, t->at[f], LURON_SHAPE(s->n, 1, most));
    }
    for (int d = 0; d < 2; d++) {
        luron_tensor *half = o->scale(c, box[YOLO_W + d], 0.5, 0), *of_half = o->scale(c, of[YOLO_W + d], 0.5, 0);
        luron_tensor *end = o->minimum(c, o->add(c, box[d], half), o->add(c, of[d], of_half));
        luron_tensor *begin = o->maximum(c, o->sub(c, box[d], half), o->sub(c, of[d], of_half));
        side[d] = o->clamp(c, o->sub(c, end, begin), 0, INFINITY);
    }
    luron_tensor *area = o->mul(c, box[YOLO_W], box[YOLO_H]), *of_area = o->mul(c, of[YOLO_W], of[YOLO_H]);
    luron_tensor *iou = share(c, o, o->mul(c, side[0], side[1]), area, of_area);
    luron_tensor *above = o->gt(c, iou, o->scalar(c, s->o->ignore_thresh));
    above = o->logical_and(c, above, o->reshape(c, t->there, LURON_SHAPE(s->n, 1, most)));
    static const int of_truths[] = {2};
    return o->reshape(c, o->any(c, above, 1, of_truths, 0), LURON_SHAPE(s->n, s->here, s->h, s->w));
}
static luron_tensor *bce(luron_call *c, const luron_ops *o, luron_tensor *z, luron_tensor *target) {
    return o->sub(c, loss_softplus(c, o, z), o->mul(c, z, target));
}
/* The losses of true boxes, from the numbers of their anchors, (n, boxes, fields). */
static luron_tensor *objects(luron_call *c, const luron_ops *o, const yolo_shapes *s, luron_tensor *z,
                             const truths *t) {
    const double scale = s->o->scale_xy;
    luron_tensor *sum = NULL, *anchors[2] = {o->scalar(c, 0), o->scalar(c, 0)};
    for (int k = 0; k < s->here; k++) {
        luron_tensor *is = o->eq(c, t->anchor, o->scalar(c, k));
        anchors[0] = o->where(c, is, o->scalar(c, s->width[k]), anchors[0]);
        anchors[1] = o->where(c, is, o->scalar(c, s->height[k]), anchors[1]);
    }
    for (int d = 0; d < 2; d++) {
        const double cells = (double)(d == YOLO_X ? s->w : s->h);
        luron_tensor *within = o->sub(c, o->scale(c, t->at[d], cells, 0), t->cell[d]);
        within = o->scale(c, within, 1 / scale, (scale - 1) / 2 / scale);
        luron_tensor *ratio = o->div(c, t->at[YOLO_W + d],
                                     o->where(c, o->gt(c, anchors[d], o->scalar(c, 0)), anchors[d], o->scalar(c, 1)));
        luron_tensor *off = o->square(c, o->sub(c, o->select(c, z, 2, YOLO_W + d), o->log(c, ratio)));
        luron_tensor *one = o->add(c, bce(c, o, o->select(c, z, 2, YOLO_X + d), within), o->scale(c, off, 0.5, 0));
        sum = sum ? o->add(c, sum, one) : one;
    }
    sum = o->mul(c, sum, o->scale(c, o->mul(c, t->at[YOLO_W], t->at[YOLO_H]), -1, 2));
    sum = o->add(c, sum, loss_softplus(c, o, o->neg(c, o->select(c, z, 2, YOLO_OBJECT))));
    luron_tensor *ids = o->where(c, t->there, t->id, o->scalar(c, (double)c->index_base));
    luron_tensor *right = o->one_hot(c, o->cast(c, ids, LURON_I64), s->o->classes);
    luron_tensor *classes = o->narrow(c, z, 2, YOLO_CLASS, s->o->classes);
    classes = s->o->softmax ? o->neg(c, o->mul(c, right, o->log_softmax(c, classes, 2))) : bce(c, o, classes, right);
    static const int of_classes[] = {2};
    return o->add(c, sum, o->sum(c, classes, 1, of_classes, 0));
}
/* The place of each true box among the boxes of the head, (n, boxes), -1: it has none, or a later one has it. */
static luron_tensor *places(luron_call *c, const luron_ops *o, const yolo_shapes *s, const truths *t) {
    const int64_t most = luron_in(c, YOLO_TARGET)->shape[1];
    luron_tensor *none = o->scalar(c, -1), *row = o->add(c, o->scale(c, t->anchor, (double)s->h, 0), t->cell[YOLO_Y]);
    luron_tensor *at = o->cast(c, o->add(c, o->scale(c, row, (double)s->w, 0), t->cell[YOLO_X]), LURON_F64);
    luron_tensor *own = o->logical_and(c, t->there, o->lt(c, t->anchor, o->scalar(c, s->here)));
    none = o->cast(c, none, LURON_F64), at = o->where(c, own, at, none);
    luron_tensor *one = o->reshape(c, at, LURON_SHAPE(s->n, most, 1)),
                 *other = o->reshape(c, at, LURON_SHAPE(s->n, 1, most));
    luron_tensor *count = detection_count(c, o, most);
    luron_tensor *later = o->lt(c, o->reshape(c, count, LURON_SHAPE(most, 1)), count);
    static const int of_others[] = {2};
    luron_tensor *lost = o->any(c, o->logical_and(c, o->eq(c, one, other), later), 1, of_others, 0);
    return o->where(c, lost, none, at);
}

luron_status yolo_loss_compose(luron_call *c, const luron_ops *o) {
    static const int all_but_first[] = {1, 2, 3}, of_truths[] = {2}, of_boxes[] = {1}, fields_last[] = {0, 1, 3, 4, 2};
    yolo_shapes s;
    LURON_TRY(yolo_shapes_of(c, &s));
    const int64_t most = luron_in(c, YOLO_TARGET)->shape[1], boxes = s.here * s.cells;
    luron_tensor *x = yolo_input(c, o, &s), *zero = o->scalar(c, 0), *y = zero;
    const truths t = read_truths(c, o, &s);
    luron_tensor *place = places(c, o, &s, &t), *first = o->cast(c, zero, LURON_F64);
    luron_tensor *has = o->ge(c, place, first);
    luron_tensor *box = o->reshape(c, detection_count(c, o, boxes), LURON_SHAPE(1, boxes, 1));
    luron_tensor *taken = o->eq(c, o->cast(c, box, LURON_F64), o->reshape(c, place, LURON_SHAPE(s.n, 1, most)));
    taken = o->reshape(c, o->any(c, taken, 1, of_truths, 0), LURON_SHAPE(s.n, s.here, s.h, s.w));
    luron_tensor *silent = o->logical_or(c, taken, ignored(c, o, &s, x, &t));
    luron_tensor *empty = o->where(c, silent, zero, loss_softplus(c, o, yolo_field(c, o, x, YOLO_OBJECT)));
    y = o->sum(c, empty, 3, all_but_first, 0);
    if (most > 0) {
        luron_tensor *ids =
            o->cast(c, o->scale(c, o->where(c, has, place, first), 1, (double)c->index_base), LURON_I64);
        ids = o->expand(c, o->reshape(c, ids, LURON_SHAPE(s.n, most, 1)), LURON_SHAPE(s.n, most, s.fields));
        luron_tensor *z = o->reshape(c, o->permute(c, x, 5, fields_last), LURON_SHAPE(s.n, boxes, s.fields));
        z = o->gather(c, z, 1, ids);
        y = o->add(c, y, o->sum(c, o->where(c, has, objects(c, o, &s, z, &t), zero), 1, of_boxes, 0));
    }
    return loss_reduced(c, o, y, s.o->reduction);
}
