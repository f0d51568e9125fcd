/* yolo.c: what a head of YOLO says, as boxes, objectness and probabilities of classes (Redmon and Farhadi, YOLO9000,
 * 2017, section 2, and YOLOv3, 2018, section 2.1). A cell in column i and row j of a grid w wide and h high has for
 * each anchor x = (i + sigmoid(tx)) / w, y = (j + sigmoid(ty)) / h, width = anchor width exp(tw), height = anchor
 * height exp(th), of the picture; with scale_xy s, Darknet's scale_x_y, s sigmoid(t) - (s - 1) / 2 in place of
 * sigmoid(t). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strtod_l: a program's locale may have commas in its numbers */
#endif
#include "detection.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

/* Pairs of numbers above 0, parted by commas or spaces. @return how many pairs, or -1: they are none. */
static int read_pairs(locale_t plain, const char *text, double *width, double *height, int most) {
    int n = 0;
    for (text += strspn(text, ", "); *text; text += strspn(text, ", ")) {
        char *end;
        const double size = strtod_l(text, &end, plain);
        if (end == text || !strchr(", ", *end) || !(size > 0 && size <= 1e9) || n == 2 * most) return -1;
        *(n % 2 ? &height[n / 2] : &width[n / 2]) = size;
        n++, text = end;
    }
    return n % 2 ? -1 : n / 2;
}
static luron_status read_anchors(luron_call *c, yolo_shapes *s) {
    const yolo *o = s->o = luron_options(c);
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain) return luron_fail(c, LURON_E_NOMEM, "not enough memory");
    s->here = read_pairs(plain, o->anchors, s->width, s->height, YOLO_MOST);
    const int more = s->here < 1 ? 0 : read_pairs(plain, o->other_anchors ? o->other_anchors : "", s->width + s->here, s->height + s->here,
                                                  YOLO_MOST - s->here);
    freelocale(plain);
    if (s->here < 1)
        return luron_fail(c, LURON_E_ARGUMENT,
                          "anchors: pairs of numbers above 0 such as \"10,13, 16,30\" expected, 1 to %d, got \"%.80s\"",
                          YOLO_MOST, o->anchors);
    if (more < 0)
        return luron_fail(c, LURON_E_ARGUMENT,
                          "other_anchors: pairs of numbers above 0 expected, at most %d, got \"%.80s\"",
                          YOLO_MOST - s->here, o->other_anchors);
    s->anchors = s->here + more;
    return LURON_OK;
}
luron_status yolo_declare(luron_call *c) {
    yolo_shapes s;
    return read_anchors(c, &s);
}
luron_status yolo_shapes_of(luron_call *c, yolo_shapes *s) {
    const luron_view *x = luron_in(c, 0);
    LURON_TRY(read_anchors(c, s));
    s->n = x->shape[0], s->h = x->shape[2], s->w = x->shape[3];
    s->cells = s->h * s->w, s->fields = YOLO_BOX + s->o->classes;
    if (x->shape[1] != s->here * s->fields)
        return luron_fail(c, LURON_E_SHAPE,
                          "input: (%lld, %lld, %lld, %lld) expected, 5 numbers and %lld classes of each of %d anchors",
                          (long long)s->n, (long long)(s->here * s->fields), (long long)s->h, (long long)s->w,
                          (long long)s->o->classes, s->here);
    for (int k = 0; k < s->anchors; k++) {
        s->width[k] /= (double)(s->o->stride.at[1] * s->w);
        s->height[k] /= (double)(s->o->stride.at[0] * s->h);
    }
    return s->cells <= INT32_MAX / s->here ? LURON_OK
                                           : luron_fail(c, LURON_E_SHAPE, "a head of more than 2147483647 boxes");
}

luron_tensor *yolo_input(luron_call *c, const luron_ops *o, const yolo_shapes *s) {
    return o->reshape(c, o->in(c, 0), LURON_SHAPE(s->n, s->here, s->fields, s->h, s->w));
}
luron_tensor *yolo_field(luron_call *c, const luron_ops *o, luron_tensor *x, int field) {
    return o->select(c, x, 2, field);
}
void yolo_boxes(luron_call *c, const luron_ops *o, const yolo_shapes *s, luron_tensor *x, luron_tensor *box[4]) {
    luron_tensor *column = detection_count(c, o, s->w);
    luron_tensor *row = o->reshape(c, detection_count(c, o, s->h), LURON_SHAPE(s->h, 1));
    for (int f = YOLO_X; f <= YOLO_Y; f++) {
        const double scale = s->o->scale_xy;
        luron_tensor *within = o->scale(c, o->sigmoid(c, yolo_field(c, o, x, f)), scale, (1 - scale) / 2);
        const int64_t cells = f == YOLO_X ? s->w : s->h;
        box[f] = o->scale(c, o->add(c, within, f == YOLO_X ? column : row), 1 / (double)cells, 0);
    }
    for (int f = YOLO_W; f <= YOLO_H; f++) {
        luron_tensor *size[YOLO_MOST], *times = o->exp(c, yolo_field(c, o, x, f));
        for (int k = 0; k < s->here; k++)
            size[k] = o->scalar(c, f == YOLO_W ? s->width[k] : s->height[k]);
        box[f] = o->mul(c, times, o->reshape(c, o->stack(c, s->here, size, 0), LURON_SHAPE(s->here, 1, 1)));
    }
}

static luron_status setup(luron_call *c) {
    yolo_shapes s;
    LURON_TRY(yolo_shapes_of(c, &s));
    const int64_t boxes = s.here * s.cells;
    LURON_TRY(c->host->set_out(c, 0, LURON_REAL, LURON_SHAPE(s.n, boxes, 4)));
    LURON_TRY(c->host->set_out(c, 1, LURON_REAL, LURON_SHAPE(s.n, boxes)));
    return c->host->set_out(c, 2, LURON_REAL, LURON_SHAPE(s.n, boxes, s.o->classes));
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    static const int classes_last[] = {0, 1, 3, 4, 2};
    yolo_shapes s;
    LURON_TRY(yolo_shapes_of(c, &s));
    luron_tensor *x = yolo_input(c, o, &s), *box[4], *corner[4];
    const int64_t boxes = s.here * s.cells;
    yolo_boxes(c, o, &s, x, box);
    for (int i = 0; i < 4; i++)
        corner[i] = o->add(c, box[i % 2], o->scale(c, box[2 + i % 2], i < 2 ? -0.5 : 0.5, 0));
    LURON_TRY(o->set_out(c, 0, o->reshape(c, o->stack(c, 4, corner, 4), LURON_SHAPE(s.n, boxes, 4))));
    luron_tensor *object = o->sigmoid(c, yolo_field(c, o, x, YOLO_OBJECT));
    LURON_TRY(o->set_out(c, 1, o->reshape(c, object, LURON_SHAPE(s.n, boxes))));
    luron_tensor *classes = o->permute(c, o->narrow(c, x, 2, YOLO_CLASS, s.o->classes), 5, classes_last);
    classes = o->reshape(c, classes, LURON_SHAPE(s.n, boxes, s.o->classes));
    return o->set_out(c, 2, s.o->softmax ? o->softmax(c, classes, 2) : o->sigmoid(c, classes));
}

static const luron_option *const options[] = {YOLO_OPTIONS, NULL};
static const luron_port *const in[] = {
    LURON_PORT("input", 0, LURON_REAL, 4, "(n, anchors * (5 + classes), h, w): x, y, w, h, objectness, classes"), NULL};
static const luron_port *const out[] = {
    LURON_PORT("boxes", 0, LURON_REAL, 3, "(n, anchors * h * w, 4): x1, y1, x2, y2 as parts of the picture"),
    LURON_PORT("objectness", 0, LURON_REAL, 2, "(n, anchors * h * w): the probability that there is an object"),
    LURON_PORT("probabilities", 0, LURON_REAL, 3, "(n, anchors * h * w, classes): of each class, if there is one"),
    NULL};
const luron_layer_type detection_yolo = {.struct_size = sizeof(luron_layer_type),
                                         .flags = LURON_LAYER_F64,
                                         .name = "Yolo",
                                         .function = "yolo",
                                         .doc = "a head of YOLO as boxes, objectness and probabilities",
                                         .options = options,
                                         .options_size = sizeof(yolo),
                                         .in = in,
                                         .out = out,
                                         .declare = yolo_declare,
                                         .setup = setup,
                                         .compose = compose};
