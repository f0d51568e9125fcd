/* roi_pool.c: regions of images, each cut into p by q bins of whole numbers, of which the largest is taken (Girshick,
 * 2015): torchvision's roi_pool, but that bins end where they do exactly; there, in float, some reach a number further. A bin beside the image gives 0. NaN counts as the largest. Sums over regions go in
 * their order. */
#ifndef REAL
#include "detection.h"

enum { GRAIN = 16384 };
enum { IMAGE, WON }; /* what is saved */
typedef struct work {
    roi_shapes s;
    const void *x, *rois, *gy;
    void *y, *gx;
    int32_t *image, *won; /* of each region; of each output, the place in its plane, or -1 */
} work;

/* Bin p of `out` of a region that begins at `start` and is `length` long: the numbers [bin[0], bin[1]) of `size`. */
static void bin_of(int64_t start, int64_t length, int64_t p, int64_t out, int64_t size, int64_t bin[2]) {
    bin[0] = p * length / out + start, bin[1] = ((p + 1) * length + out - 1) / out + start;
    for (int i = 0; i < 2; i++)
        bin[i] = bin[i] < 0 ? 0 : bin[i] > size ? size : bin[i];
}
#define REAL float
#include "roi_pool.c"
#undef REAL
#define REAL double
#include "roi_pool.c"
#undef REAL

static luron_status setup(luron_call *c) {
    roi_shapes s;
    LURON_TRY(roi_shapes_of(c, &s));
    LURON_TRY(c->host->declare_saved(c, IMAGE, LURON_I32, LURON_SHAPE(s.rois)));
    const int64_t shape[4] = {s.rois, s.channels, s.out[ROI_Y], s.out[ROI_X]};
    LURON_TRY(c->host->set_out(c, 0, LURON_REAL, 4, shape));
    return c->host->declare_saved(c, WON, LURON_I32, 4, shape);
}
static luron_status work_of(luron_call *c, work *k) {
    *k = (work){.image = luron_data(luron_saved(c, IMAGE)), .won = luron_data(luron_saved(c, WON))};
    return roi_shapes_of(c, &k->s);
}
static luron_status forward(luron_call *c) {
    work k;
    LURON_TRY(work_of(c, &k));
    LURON_TRY(roi_images(c, &k.s, k.image));
    k.x = luron_data(luron_in(c, ROI_INPUT)), k.rois = luron_data(luron_in(c, ROI_ROIS));
    k.y = luron_data(luron_out(c, 0));
    c->host->parallel_for(c, k.s.rois * k.s.channels, GRAIN / (4 * k.s.out[0] * k.s.out[1]) + 1, BY_TYPE(c, largest),
                          &k);
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    work k;
    LURON_TRY(detection_no_gradient(c, ROI_ROIS, "rois"));
    luron_view *gx = luron_grad_in(c, ROI_INPUT);
    if (!gx) return LURON_OK;
    LURON_TRY(work_of(c, &k));
    k.gx = luron_data(gx), k.gy = luron_data(luron_grad_out(c, 0));
    c->host->parallel_for(c, k.s.n * k.s.channels, GRAIN / (k.s.rois * k.s.out[0] * k.s.out[1] + 1) + 1,
                          BY_TYPE(c, give), &k);
    return LURON_OK;
}

/* x rounded, halves away from 0. */
static luron_tensor *rounded(luron_call *c, const luron_ops *o, luron_tensor *x) {
    return o->cast(c, o->mul(c, o->sign(c, x), o->floor(c, o->scale(c, o->abs(c, x), 1, 0.5))), LURON_F64);
}
/* bool (k, out, size): is a row or column of a bin? */
static luron_tensor *members(luron_call *c, const luron_ops *o, const roi_shapes *s, int d) {
    luron_tensor *start = rounded(c, o, roi_column(c, o, roi_low(d))), *bin[2];
    luron_tensor *length = o->sub(c, rounded(c, o, roi_column(c, o, roi_high(d))), start);
    length = o->clamp(c, o->scale(c, length, 1, 1), 1, INFINITY);
    luron_tensor *p = o->cast(c, detection_count(c, o, s->out[d]), LURON_F64);
    luron_tensor *out = o->cast(c, o->scalar(c, (double)s->out[d]), LURON_F64);
    for (int i = 0; i < 2; i++) {
        bin[i] = o->div(c, o->mul(c, o->scale(c, p, 1, i), length), out);
        bin[i] = o->unsqueeze(c, o->add(c, i ? o->ceil(c, bin[i]) : o->floor(c, bin[i]), start), 2);
    }
    luron_tensor *at = o->cast(c, detection_count(c, o, s->size[d]), LURON_F64);
    return o->logical_and(c, o->ge(c, at, bin[0]), o->lt(c, at, bin[1]));
}
/* The largest along the rows, then along the columns; of none 0. */
static luron_status compose(luron_call *c, const luron_ops *o) {
    static const int of_rows[] = {3}, of_columns[] = {4};
    roi_shapes s;
    LURON_TRY(roi_shapes_of(c, &s));
    luron_tensor *none = o->scalar(c, -INFINITY), *zero = o->scalar(c, 0);
    luron_tensor *rows = members(c, o, &s, ROI_Y), *columns = members(c, o, &s, ROI_X);
    luron_tensor *in_rows = o->reshape(c, rows, LURON_SHAPE(s.rois, 1, s.out[ROI_Y], s.size[ROI_Y], 1));
    luron_tensor *in_columns = o->reshape(c, columns, LURON_SHAPE(s.rois, 1, 1, s.out[ROI_X], s.size[ROI_X]));
    luron_tensor *x = o->where(c, in_rows, o->unsqueeze(c, roi_inputs(c, o), 2), none);
    x = o->unsqueeze(c, o->amax(c, x, 1, of_rows, 0), 3);
    x = o->amax(c, o->where(c, in_columns, x, none), 1, of_columns, 0);
    luron_tensor *has = o->logical_and(c, o->any(c, in_rows, 1, of_rows, 0), o->any(c, in_columns, 1, of_columns, 0));
    return o->set_out(c, 0, o->where(c, has, x, zero));
}

static const luron_option *const options[] = {ROI_OPTIONS, NULL};
static const luron_port *const out[] = {
    LURON_PORT("output", 0, LURON_REAL, 4, "(k, channels, output_size): of each region"), NULL};
const luron_layer_type detection_roi_pool = {.struct_size = sizeof(luron_layer_type),
                                             .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT | LURON_LAYER_FREES_IN,
                                             .name = "RoIPool",
                                             .function = "roi_pool",
                                             .doc =
                                                 "regions of images as pictures of one size, the largest of each bin",
                                             .options = options,
                                             .options_size = sizeof(roi),
                                             .in = roi_in,
                                             .out = out,
                                             .setup = setup,
                                             .forward = forward,
                                             .backward = backward,
                                             .compose = compose};
#else
/* Where a region begins along a dim, and its length of at least 1. */
INLINE void TYPED(span)(const work *k, int64_t r, int d, int64_t *start, int64_t *length) {
    const REAL *box = (const REAL *)k->rois + r * DETECTION_ROW, scale = (REAL)k->s.o->spatial_scale;
    *start = (int64_t)round(box[roi_low(d)] * scale);
    *length = (int64_t)round(box[roi_high(d)] * scale) - *start + 1;
    if (*length < 1) *length = 1;
}
/* Channels of regions. */
static void TYPED(largest)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const int64_t *size = k->s.size, *out = k->s.out, n = out[ROI_Y] * out[ROI_X];
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const int64_t r = i / k->s.channels;
        const REAL *x =
            (const REAL *)k->x + (k->image[r] * k->s.channels + i % k->s.channels) * size[ROI_Y] * size[ROI_X];
        int64_t start[ROI_DIMS], length[ROI_DIMS];
        for (int d = 0; d < ROI_DIMS; d++)
            TYPED(span)(k, r, d, &start[d], &length[d]);
        for (int64_t b = 0; b < n; b++) {
            int64_t rows[2], columns[2], won = -1;
            bin_of(start[ROI_Y], length[ROI_Y], b / out[ROI_X], out[ROI_Y], size[ROI_Y], rows);
            bin_of(start[ROI_X], length[ROI_X], b % out[ROI_X], out[ROI_X], size[ROI_X], columns);
            for (int64_t row = rows[0]; row < rows[1]; row++)
                for (int64_t at = row * size[ROI_X] + columns[0]; at < row * size[ROI_X] + columns[1]; at++)
                    if (won < 0 || x[at] > x[won] || (x[at] != x[at] && x[won] == x[won])) won = at;
            k->won[i * n + b] = (int32_t)won;
            ((REAL *)k->y)[i * n + b] = won < 0 ? 0 : x[won];
        }
    }
}
/* Gradients of channels of images. */
static void TYPED(give)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const int64_t n = k->s.out[ROI_Y] * k->s.out[ROI_X];
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        REAL *gx = (REAL *)k->gx + i * k->s.size[ROI_Y] * k->s.size[ROI_X];
        for (int64_t r = 0; r < k->s.rois; r++) {
            const int64_t from = (r * k->s.channels + i % k->s.channels) * n;
            for (int64_t b = from; k->image[r] == i / k->s.channels && b < from + n; b++)
                if (k->won[b] >= 0) gx[k->won[b]] += ((const REAL *)k->gy)[b];
        }
    }
}
#endif
