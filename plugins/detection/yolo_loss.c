/* yolo_loss.c: the loss of a head of YOLOv3 (Redmon and Farhadi, 2018). Each true box belongs to the cell that its
 * centre lies in and to the anchor, of all heads, whose width and height have the best IoU with its own (section 2.1);
 * of two that belong to one the last counts. With t what the numbers of its anchor should be, and BCE the binary cross
 * entropy of a logit, it gives (2 - width height) (BCE(tx) + BCE(ty) + (tw - log(width / anchor width))^2 / 2 + the
 * same of th)
 *   + BCE(objectness, 1) + the sum over classes of BCE(class, is it this one)
 * and every other box of the head BCE(objectness, 0), unless its IoU with a true box is above ignore_thresh. The paper
 * has squared errors of x and y, and Darknet's yolo_layer.c the gradients of what stands here, among them 2 - width
 * height. With scale_xy s the sigmoid of tx is to be (x + (s - 1) / 2) / s, which makes the box right. softmax: the
 * cross entropy of the class, as in YOLO9000. */
#ifndef REAL
#include "../composed_loss.h"
#include "detection.h"

static const double SLACK = 1e-4; /* that a true box may lie beside the picture, by rounding */
enum { GRAIN = 4096 };
enum { SAVED_GRADIENT };
typedef struct work {
    luron_call *c;
    yolo_shapes s;
    int64_t most; /* true boxes that a picture may have */
    const void *x, *gy;
    void *saved, *gx;
    double beta, *loss; /* loss: of each picture */
    int32_t *owner;     /* of each box of the head its true box, or -1 */
} work;

/* A true box that is there: its class from 0, its centre and its size. */
typedef struct truth {
    int64_t id;
    double x, y, w, h;
    double column, row; /* of the centre, in cells */
} truth;
/* In the dtype of the call, as the form in ops has it: what lies on a border belongs to one cell. */
static double in_cells(const work *k, double at, int64_t cells) {
    return k->c->dtype == LURON_F32 ? (double)((float)at * (float)cells) : at * (double)cells;
}
static int truth_of(const work *k, int64_t image, int64_t j, truth *t) {
    const luron_view *v = luron_in(k->c, YOLO_TARGET);
    const int64_t at = (image * k->most + j) * DETECTION_ROW;
    *t = (truth){(int64_t)detection_at(v, at) - luron_shown(k->c, 0), detection_at(v, at + 1), detection_at(v, at + 2),
                 detection_at(v, at + 3), detection_at(v, at + 4), 0, 0};
    t->column = in_cells(k, t->x, k->s.w), t->row = in_cells(k, t->y, k->s.h);
    return t->id >= 0;
}
/* Of two boxes with the centres (x, y). */
static double iou(const double a[4], const truth *b) {
    const double w = fmin(a[0] + a[2] / 2, b->x + b->w / 2) - fmax(a[0] - a[2] / 2, b->x - b->w / 2);
    const double h = fmin(a[1] + a[3] / 2, b->y + b->h / 2) - fmax(a[1] - a[3] / 2, b->y - b->h / 2);
    const double both = w > 0 && h > 0 ? w * h : 0;
    return both / (a[2] * a[3] + b->w * b->h - both);
}
static int64_t cell_of(double at, int64_t cells) {
    const int64_t cell = (int64_t)at;
    return at < 0 ? 0 : cell < cells ? cell : cells - 1;
}
static int best_anchor(const yolo_shapes *s, const truth *t) {
    int best = 0;
    double most = -1;
    for (int k = 0; k < s->anchors; k++) {
        const double both = fmin(t->w, s->width[k]) * fmin(t->h, s->height[k]);
        const double share = both / (t->w * t->h + s->width[k] * s->height[k] - both);
        if (share > most) most = share, best = k;
    }
    return best;
}
static double softplus(double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

#define REAL float
#include "yolo_loss.c"
#undef REAL
#define REAL double
#include "yolo_loss.c"
#undef REAL

static luron_status shapes_of(luron_call *c, work *k) {
    const luron_view *t = luron_in(c, YOLO_TARGET);
    *k = (work){.c = c, .most = t->shape[1]};
    LURON_TRY(yolo_shapes_of(c, &k->s));
    if (t->shape[0] != k->s.n || t->shape[2] != DETECTION_ROW)
        return luron_fail(c, LURON_E_SHAPE,
                          "target: (%lld, %lld, 5) expected, class, x, y, w, h of the boxes of each picture",
                          (long long)k->s.n, (long long)k->most);
    if (k->s.h < 1 || k->s.w < 1)
        return luron_fail(c, LURON_E_SHAPE, "input has no cells, %lld by %lld", (long long)k->s.h, (long long)k->s.w);
    return LURON_OK;
}
static luron_status setup(luron_call *c) {
    work k;
    LURON_TRY(shapes_of(c, &k));
    const luron_view *x = luron_in(c, 0);
    LURON_TRY(c->host->declare_saved(c, SAVED_GRADIENT, LURON_REAL, x->ndim, x->shape));
    LURON_TRY(c->host->declare_scratch(c, k.s.n * (8 + 4 * k.s.here * k.s.cells)));
    const int64_t shape[1] = {k.s.n};
    return c->host->set_out(c, 0, LURON_REAL, k.s.o->reduction == LOSS_NONE, shape);
}
static luron_status check_truth(luron_call *c, const work *k) {
    for (int64_t row = 0; row < k->s.n * k->most; row++) {
        truth t;
        int64_t id;
        LURON_TRY(detection_id(c, YOLO_TARGET, "target", row, &id));
        const long long image = (long long)luron_shown(c, row / k->most), j = (long long)luron_shown(c, row % k->most);
        if (id >= k->s.o->classes)
            return luron_fail(c, LURON_E_RANGE,
                              "target: class %lld of box %lld of picture %lld, there are %lld to %lld",
                              (long long)luron_shown(c, id), j, image, (long long)luron_shown(c, 0),
                              (long long)luron_shown(c, k->s.o->classes - 1));
        if (!truth_of(k, row / k->most, row % k->most, &t)) continue;
        const double least = -SLACK, most = 1 + SLACK;
        if (!(t.x >= least && t.x <= most && t.y >= least && t.y <= most && t.w > 0 && t.w <= most && t.h > 0 &&
              t.h <= most))
            return luron_fail(
                c, LURON_E_ARGUMENT,
                "target: box %lld of picture %lld has the centre (%g, %g) and the size (%g, %g): parts of "
                "the picture, from 0 to 1, expected",
                j, image, t.x, t.y, t.w, t.h);
    }
    return LURON_OK;
}
static luron_status forward(luron_call *c) {
    work k;
    LURON_TRY(shapes_of(c, &k));
    LURON_TRY(check_truth(c, &k));
    k.x = luron_data(luron_in(c, 0)), k.saved = luron_data(luron_saved(c, SAVED_GRADIENT));
    k.loss = luron_scratch(c), k.owner = (int32_t *)(void *)(k.loss + k.s.n);
    c->host->parallel_for(c, k.s.n, 1, BY_TYPE(c, picture), &k);
    BY_TYPE(c, put)(&k, luron_data(luron_out(c, 0)));
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    work k;
    LURON_TRY(detection_no_gradient(c, YOLO_TARGET, "target"));
    LURON_TRY(shapes_of(c, &k));
    luron_view *gx = luron_grad_in_beta(c, 0, &k.beta);
    if (!gx) return LURON_OK;
    k.gx = luron_data(gx), k.gy = luron_data(luron_grad_out(c, 0)),
    k.saved = luron_data(luron_saved(c, SAVED_GRADIENT));
    c->host->parallel_for(c, luron_numel(gx), GRAIN, BY_TYPE(c, give), &k);
    return LURON_OK;
}

static const luron_option *const options[] = {
    YOLO_OPTIONS, LURON_OPT_STRING(yolo, other_anchors, "", "those of other heads, to which a box may belong"),
    LURON_OPT_FLOAT(yolo, ignore_thresh, 0.5, 0, 1, "a box with a higher IoU with a true one need not be no object"),
    LURON_OPT_CHOICE(yolo, reduction, "mean", loss_reductions, "of the losses of the pictures; \"none\" keeps each"),
    NULL};
static const luron_port *const in[] = {
    LURON_PORT("input", 0, LURON_REAL, 4, "(n, anchors * (5 + classes), h, w): as of Yolo"),
    LURON_PORT(
        "target", 0, LURON_REAL, 3,
        "(n, boxes, 5): class, centre x, y, width, height, as parts of the picture; below the first class: no box"),
    NULL};
const luron_layer_type detection_yolo_loss = {.struct_size = sizeof(luron_layer_type),
                                              .flags = LURON_LAYER_F64 | LURON_LAYER_LOSS | LURON_LAYER_FREES_OUT |
                                                       LURON_LAYER_FREES_IN,
                                              .name = "YoloLoss",
                                              .function = "yolo_loss",
                                              .doc = "of a head of YOLOv3, from true boxes",
                                              .options = options,
                                              .options_size = sizeof(yolo),
                                              .in = in,
                                              .declare = yolo_declare,
                                              .setup = setup,
                                              .forward = forward,
                                              .backward = backward,
                                              .compose = yolo_loss_compose};
#else
/* The binary cross entropy of a logit, and its gradient. */
static double TYPED(bce)(REAL z, double target, REAL *g) {
    *g = (REAL)(sigmoid(z) - target);
    return softplus(z) - target * (double)z;
}
/* Classes of the box of one anchor: logits at x, one a step. */
static double TYPED(classes)(const work *k, const REAL *x, REAL *g, int64_t id) {
    const int64_t n = k->s.o->classes, step = k->s.cells;
    double sum = 0, most = -INFINITY;
    for (int64_t i = 0; i < n && !k->s.o->softmax; i++)
        sum += TYPED(bce)(x[i * step], i == id, &g[i * step]);
    if (!k->s.o->softmax) return sum;
    for (int64_t i = 0; i < n; i++)
        most = x[i * step] > most ? x[i * step] : most;
    for (int64_t i = 0; i < n; i++)
        sum += exp(x[i * step] - most);
    for (int64_t i = 0; i < n; i++)
        g[i * step] = (REAL)(exp(x[i * step] - most) / sum - (i == id));
    return log(sum) + most - (double)x[id * step];
}
/* What a true box has from the numbers of its anchor. */
static double TYPED(object)(const work *k, const truth *t, int anchor, const REAL *x, REAL *g) {
    const yolo_shapes *s = &k->s;
    const double big = 2 - t->w * t->h, scale = s->o->scale_xy;
    const double within[2] = {t->column - (double)cell_of(t->column, s->w), t->row - (double)cell_of(t->row, s->h)};
    const double size[2] = {log(t->w / s->width[anchor]), log(t->h / s->height[anchor])};
    double sum = 0;
    for (int d = 0; d < 2; d++) {
        REAL *at = &g[(YOLO_X + d) * s->cells], *of_size = &g[(YOLO_W + d) * s->cells];
        const double off = (double)x[(YOLO_W + d) * s->cells] - size[d];
        sum += TYPED(bce)(x[(YOLO_X + d) * s->cells], (within[d] + (scale - 1) / 2) / scale, at) + off * off / 2;
        *at = (REAL)(*at * big), *of_size = (REAL)(off * big);
    }
    return sum * big + TYPED(bce)(x[YOLO_OBJECT * s->cells], 1, &g[YOLO_OBJECT * s->cells]) +
           TYPED(classes)(k, &x[YOLO_CLASS * s->cells], &g[YOLO_CLASS * s->cells], t->id);
}
/* Is the IoU of a box of the head with a true one above the threshold? */
static int TYPED(ignored)(const work *k, int64_t image, int anchor, int64_t cell, const REAL *x) {
    const yolo_shapes *s = &k->s;
    const double scale = s->o->scale_xy, shift = (scale - 1) / 2;
    const double box[4] = {((double)(cell % s->w) + scale * sigmoid(x[YOLO_X * s->cells]) - shift) / (double)s->w,
                           ((double)(cell / s->w) + scale * sigmoid(x[YOLO_Y * s->cells]) - shift) / (double)s->h,
                           exp(x[YOLO_W * s->cells]) * s->width[anchor], exp(x[YOLO_H * s->cells]) * s->height[anchor]};
    truth t;
    for (int64_t j = 0; j < k->most; j++)
        if (truth_of(k, image, j, &t) && iou(box, &t) > s->o->ignore_thresh) return 1;
    return 0;
}
/* Losses of pictures, and their gradients. */
static void TYPED(picture)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const yolo_shapes *s = &k->s;
    const int64_t boxes = s->here * s->cells;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        int32_t *owner = k->owner + i * boxes;
        double sum = 0;
        truth t;
        for (int64_t b = 0; b < boxes; b++)
            owner[b] = -1;
        for (int64_t j = 0; j < k->most; j++) {
            if (!truth_of(k, i, j, &t)) continue;
            const int anchor = best_anchor(s, &t);
            if (anchor < s->here)
                owner[anchor * s->cells + cell_of(t.row, s->h) * s->w + cell_of(t.column, s->w)] = (int32_t)j;
        }
        for (int64_t b = 0; b < boxes; b++) {
            const int64_t anchor = b / s->cells, at = (i * s->here + anchor) * s->fields * s->cells + b % s->cells;
            const REAL *x = (const REAL *)k->x + at;
            REAL *g = (REAL *)k->saved + at;
            for (int64_t f = 0; f < s->fields; f++)
                g[f * s->cells] = 0;
            if (owner[b] >= 0) {
                truth_of(k, i, owner[b], &t);
                sum += TYPED(object)(k, &t, (int)anchor, x, g);
            } else if (!TYPED(ignored)(k, i, (int)anchor, b % s->cells, x)) {
                sum += TYPED(bce)(x[YOLO_OBJECT * s->cells], 0, &g[YOLO_OBJECT * s->cells]);
            }
        }
        k->loss[i] = sum;
    }
}
static void TYPED(put)(const work *k, void *to) {
    REAL *y = to;
    double sum = 0;
    for (int64_t i = 0; i < k->s.n; i++)
        sum += k->loss[i];
    for (int64_t i = 0; i < k->s.n && k->s.o->reduction == LOSS_NONE; i++)
        y[i] = (REAL)k->loss[i];
    if (k->s.o->reduction != LOSS_NONE) *y = (REAL)(k->s.o->reduction == LOSS_SUM ? sum : sum / (double)k->s.n);
}
static void TYPED(give)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const int64_t each = k->s.here * k->s.fields * k->s.cells;
    const REAL *gy = k->gy, share = k->s.o->reduction == LOSS_MEAN ? 1 / (REAL)k->s.n : 1;
    REAL *gx = k->gx;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const REAL g = gy[k->s.o->reduction == LOSS_NONE ? i / each : 0] * share * ((const REAL *)k->saved)[i];
        gx[i] = k->beta != 0 ? gx[i] + g : g;
    }
}
#endif
