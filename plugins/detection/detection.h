/* detection.h -- what the files of this plugin share. A file is a type, but for the losses of boxes. A box is its
 * corners (x1, y1, x2, y2), x to the right and y down. Where the first of a row's numbers is an id, it counts as the
 * context does (DESIGN.md, Counting). */
#ifndef DETECTION_H
#define DETECTION_H
#include "../loops.h"

#include <math.h>

#define DETECTIONS(X) X(nms) X(giou) X(diou) X(ciou) X(roi_align) X(roi_pool) X(yolo) X(yolo_loss)
#define DETECTION_DECLARE(id) extern const luron_layer_type detection_##id;
DETECTIONS(DETECTION_DECLARE)

enum { DETECTION_ROW = 5 }; /* numbers of a row: an id and a box */

/** Number i of a tensor of reals. */
static inline double detection_at(const luron_view *v, int64_t i) {
    return luron_dtype(v) == LURON_F64 ? luron_f64(v)[i] : (double)luron_f32(v)[i];
}
/** The id that row `row` of port `port` begins with, from 0; what is no whole number is an error. */
luron_status detection_id(luron_call *c, int port, const char *name, int64_t row, int64_t *id);
/** An error if a gradient of the port is wanted. */
luron_status detection_no_gradient(luron_call *c, int port, const char *name);
/** 0, 1 ... n - 1 in ops. */
luron_tensor *detection_count(luron_call *c, const luron_ops *o, int64_t n);

/* ---- regions of interest: x (n, channels, h, w), rois (k, 5): image, box -> y (k, channels, p, q) ------------------
 */
enum { ROI_INPUT, ROI_ROIS };
enum { ROI_Y, ROI_X, ROI_DIMS };
typedef struct roi {
    luron_ints output_size;
    double spatial_scale;
    int64_t sampling_ratio;
    int32_t aligned;
} roi;
typedef struct roi_shapes {
    const roi *o;
    int64_t n, channels, rois;
    int64_t size[ROI_DIMS], out[ROI_DIMS]; /* of an image, and of what is made of a region */
} roi_shapes;
#define ROI_OPTIONS                                                                                                    \
    LURON_OPT_INTS_REQ(roi, output_size, 1, 1e4, 2, 2, "height and width of what is made of a region"),                \
        LURON_OPT_FLOAT(roi, spatial_scale, 1.0, 1e-6, 1e6, "what the boxes are multiplied by: 1 / stride of input")
extern const luron_port *const roi_in[];

/** The shapes of the call, or an error that says what does not fit. */
luron_status roi_shapes_of(luron_call *c, roi_shapes *s);
/** The image of each region, from 0, or an error; and boxes that are finite numbers. */
luron_status roi_images(luron_call *c, const roi_shapes *s, int32_t *image);
/** Of each region its image, in ops. */
luron_tensor *roi_inputs(luron_call *c, const luron_ops *o);
/** In ops: column `at` of the boxes, scaled, (k, 1). */
luron_tensor *roi_column(luron_call *c, const luron_ops *o, int at);
/** The first and the last corner of a box along a dim. */
static inline int roi_low(int dim) { return dim == ROI_Y ? 2 : 1; }
static inline int roi_high(int dim) { return dim == ROI_Y ? 4 : 3; }

/* ---- yolo heads: x (n, anchors * (5 + classes), h, w), of each anchor x, y, w, h, objectness, classes --------------
 */
enum { YOLO_MOST = 64, YOLO_BOX = 5 };
enum { YOLO_X, YOLO_Y, YOLO_W, YOLO_H, YOLO_OBJECT, YOLO_CLASS };
typedef struct yolo {
    const char *anchors, *other_anchors;
    int64_t classes;
    luron_ints stride;
    double scale_xy, ignore_thresh;
    int32_t softmax, reduction;
} yolo;
typedef struct yolo_shapes {
    const yolo *o;
    int64_t n, h, w, cells, fields;             /* cells: h w; fields: numbers of an anchor */
    int here, anchors;                          /* anchors of this head, which come first; of all */
    double width[YOLO_MOST], height[YOLO_MOST]; /* as parts of the picture */
} yolo_shapes;
#define YOLO_OPTIONS                                                                                                   \
    LURON_OPT_STRING(yolo, anchors, "116,90, 156,198, 373,326",                                                        \
                     "width,height of each anchor in pixels; those of YOLOv3's coarsest head unless given"),           \
        LURON_OPT_INT_REQ(yolo, classes, 1, 1e6, "classes there are"),                                                 \
        LURON_OPT_INTS(yolo, stride, 32, 1, 1e6, 2, 2, "pixels of the picture that a cell is high and wide"),          \
        LURON_OPT_FLOAT(yolo, scale_xy, 1.0, 1, 10, "how far centres reach beyond their cells, YOLOv4's scale_x_y"),   \
        LURON_OPT_BOOL(yolo, softmax, 0, "one class a box, by softmax, as YOLOv2; false: each by itself")

/** Anchors that can be read, at construction. */
luron_status yolo_declare(luron_call *c);
/** The shapes of the call, or an error that says what does not fit. */
luron_status yolo_shapes_of(luron_call *c, yolo_shapes *s);
/** The input in ops, (n, anchors, fields, h, w), and of its fields one. */
luron_tensor *yolo_input(luron_call *c, const luron_ops *o, const yolo_shapes *s);
luron_tensor *yolo_field(luron_call *c, const luron_ops *o, luron_tensor *x, int field);
/** In ops, each (n, anchors, h, w), as parts of the picture: centres, widths and heights of the boxes. */
void yolo_boxes(luron_call *c, const luron_ops *o, const yolo_shapes *s, luron_tensor *x, luron_tensor *box[4]);

/* What yolo_loss.c and its form in ops share: target (n, boxes, 5), class, centre and size of each. */
enum { YOLO_TARGET = 1 };
luron_status yolo_loss_compose(luron_call *c, const luron_ops *o);
#endif
