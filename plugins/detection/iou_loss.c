/* iou_loss.c: how far two lists of boxes are from lying on each other, 1 - IoU and a term for boxes that do not
 * overlap: GIoULoss (Rezatofighi et al., 2019), DIoULoss and CIoULoss (Zheng et al., 2020), with torchvision's numbers.
 */
#include "../composed_loss.h"
#include "detection.h"

enum { PREDICTED, TRUE_BOXES };
enum { X1, Y1, X2, Y2, CORNERS };
#define EPS 1e-7 /* where nothing else is given */
typedef struct iou_loss {
    double eps;
    int32_t constant_alpha, reduction;
} iou_loss;
typedef struct boxes {
    luron_tensor *at[CORNERS], *w, *h;
} boxes;

static luron_status check(luron_call *c) {
    const luron_view *x = luron_in(c, PREDICTED);
    if (x->ndim < 1 || x->shape[x->ndim - 1] != CORNERS)
        return luron_fail(c, LURON_E_SHAPE, "boxes1: (..., 4) expected, x1, y1, x2, y2 of each box");
    return loss_same_shape(c, TRUE_BOXES, "boxes2", PREDICTED, "boxes1");
}
static void measure(luron_call *c, const luron_ops *o, boxes *b) {
    b->w = o->sub(c, b->at[X2], b->at[X1]), b->h = o->sub(c, b->at[Y2], b->at[Y1]);
}
static boxes boxes_of(luron_call *c, const luron_ops *o, int port) {
    boxes b;
    for (int i = 0; i < CORNERS; i++)
        b.at[i] = o->select(c, o->in(c, port), luron_in(c, port)->ndim - 1, i);
    measure(c, o, &b);
    return b;
}
/* Of two boxes what both cover, or the smallest one around them. */
static boxes joined(luron_call *c, const luron_ops *o, const boxes *a, const boxes *b, int around) {
    boxes r;
    for (int i = 0; i < CORNERS; i++)
        r.at[i] = (i < X2) != around ? o->maximum(c, a->at[i], b->at[i]) : o->minimum(c, a->at[i], b->at[i]);
    measure(c, o, &r);
    return r;
}
static luron_tensor *area(luron_call *c, const luron_ops *o, const boxes *b) { return o->mul(c, b->w, b->h); }
/* The intersection over the union, which is given too. */
static luron_tensor *iou_of(luron_call *c, const luron_ops *o, const boxes *a, const boxes *b, double eps,
                            luron_tensor **all) {
    const boxes both = joined(c, o, a, b, 0);
    luron_tensor *zero = o->scalar(c, 0);
    luron_tensor *meet = o->logical_and(c, o->gt(c, both.w, zero), o->gt(c, both.h, zero));
    luron_tensor *common = o->where(c, meet, area(c, o, &both), zero);
    *all = o->sub(c, o->add(c, area(c, o, a), area(c, o, b)), common);
    return o->div(c, common, o->scale(c, *all, 1, eps));
}
/* The squared distance of the centres over that of the corners of the box around both. */
static luron_tensor *apart(luron_call *c, const luron_ops *o, const boxes *a, const boxes *b, double eps) {
    const boxes around = joined(c, o, a, b, 1);
    luron_tensor *far = NULL, *wide = o->add(c, o->square(c, around.w), o->square(c, around.h));
    for (int d = X1; d <= Y1; d++) {
        luron_tensor *twice = o->sub(c, o->add(c, a->at[d], a->at[d + X2]), o->add(c, b->at[d], b->at[d + X2]));
        luron_tensor *square = o->square(c, o->scale(c, twice, 0.5, 0));
        far = far ? o->add(c, far, square) : square;
    }
    return o->div(c, far, o->scale(c, wide, 1, eps));
}
/* The mean of none is 0: a picture without an object loses nothing. */
static luron_status reduced(luron_call *c, const luron_ops *o, luron_tensor *loss) {
    const int32_t reduction = ((const iou_loss *)luron_options(c))->reduction;
    const int none = luron_numel(luron_in(c, PREDICTED)) == 0;
    return loss_reduced(c, o, loss, reduction == LOSS_MEAN && none ? LOSS_SUM : reduction);
}

static luron_status compose_giou(luron_call *c, const luron_ops *o) {
    LURON_TRY(check(c));
    const boxes a = boxes_of(c, o, PREDICTED), b = boxes_of(c, o, TRUE_BOXES), around = joined(c, o, &a, &b, 1);
    const double eps = ((const iou_loss *)luron_options(c))->eps;
    luron_tensor *all, *iou = iou_of(c, o, &a, &b, eps, &all), *whole = area(c, o, &around);
    luron_tensor *below = o->scale(c, whole, 1, eps);
    return reduced(c, o, o->add(c, o->scale(c, iou, -1, 1), o->div(c, o->sub(c, whole, all), below)));
}
static luron_status compose_diou(luron_call *c, const luron_ops *o) {
    LURON_TRY(check(c));
    const boxes a = boxes_of(c, o, PREDICTED), b = boxes_of(c, o, TRUE_BOXES);
    const double eps = ((const iou_loss *)luron_options(c))->eps;
    luron_tensor *all, *iou = iou_of(c, o, &a, &b, eps, &all);
    return reduced(c, o, o->add(c, o->scale(c, iou, -1, 1), apart(c, o, &a, &b, eps)));
}
/* The distance and the ratio of the sides: v = 4 / pi^2 (difference of atan(w / h))^2, weighed by v / (1 - IoU + v +
 * eps). As in torchvision the rest has an eps of its own, 1e-7. */
static luron_status compose_ciou(luron_call *c, const luron_ops *o) {
    const iou_loss *r = luron_options(c);
    LURON_TRY(check(c));
    const boxes a = boxes_of(c, o, PREDICTED), b = boxes_of(c, o, TRUE_BOXES);
    luron_tensor *all, *rest = o->scale(c, iou_of(c, o, &a, &b, EPS, &all), -1, 1);
    luron_tensor *turn = o->sub(c, o->atan(c, o->div(c, b.w, b.h)), o->atan(c, o->div(c, a.w, a.h)));
    const double half_turn = acos(-1);
    luron_tensor *v = o->scale(c, o->square(c, turn), 4 / (half_turn * half_turn), 0);
    luron_tensor *alpha = o->div(c, v, o->scale(c, o->add(c, rest, v), 1, r->eps));
    if (r->constant_alpha) alpha = o->detach(c, alpha);
    return reduced(c, o, o->add(c, o->add(c, rest, apart(c, o, &a, &b, EPS)), o->mul(c, alpha, v)));
}

#define EPS_OPTION LURON_OPT_FLOAT(iou_loss, eps, EPS, 0, 1, "added below the lines")
static const luron_option *const options[] = {EPS_OPTION, LOSS_REDUCTION(iou_loss), NULL};
static const luron_option *const options_ciou[] = {
    EPS_OPTION,
    LURON_OPT_(iou_loss, constant_alpha, LURON_BOOL, LURON_OPTION_GRADIENT, 1, 0, 0, NULL, NULL, 0, 0,
               "the weight of the ratio of sides has no gradient, as in the paper"),
    LOSS_REDUCTION(iou_loss), NULL};
static const luron_port *const in[] = {LURON_PORT("boxes1", 0, LURON_REAL, 0, "boxes (..., 4): x1, y1, x2, y2"),
                                       LURON_PORT("boxes2", 0, LURON_REAL, 0, "as boxes1: what they should be"), NULL};
#define IOU_LOSS(id, type_options, type_name, call_name, text)                                                         \
    const luron_layer_type detection_##id = {.struct_size = sizeof(luron_layer_type),                                  \
                                             .flags = LURON_LAYER_F64 | LURON_LAYER_LOSS,                              \
                                             .name = type_name,                                                        \
                                             .function = call_name,                                                    \
                                             .doc = text,                                                              \
                                             .options = type_options,                                                  \
                                             .options_size = sizeof(iou_loss),                                         \
                                             .in = in,                                                                 \
                                             .compose = compose_##id};
IOU_LOSS(giou, options, "GIoULoss", "generalized_box_iou_loss",
         "1 - IoU of boxes, and how empty the smallest box around both is")
IOU_LOSS(diou, options, "DIoULoss", "distance_box_iou_loss", "1 - IoU of boxes, and how far apart their centres are")
IOU_LOSS(ciou, options_ciou, "CIoULoss", "complete_box_iou_loss",
         "1 - IoU of boxes, the distance of their centres and the ratio of their sides")
