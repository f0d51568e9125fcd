/* roi_align.c: regions of images, each read between four numbers at places of a grid and averaged over p by q bins (He
 * et al., 2017): torchvision's roi_align. A mean over a grid is a weighted sum of rows of weighted sums of columns, so
 * that of each region the weights of rows and of columns are found once, and a region that reaches far beside its image
 * costs no more than the image. Sums over regions go in their order. */
#ifndef REAL
#include "detection.h"

#include <string.h>

enum { GRAIN = 16384 };
typedef struct work {
    roi_shapes s;
    const void *x, *rois, *gy;
    void *y, *gx;
    int32_t *image;                             /* of each region */
    int32_t *first[ROI_DIMS], *count[ROI_DIMS]; /* of each bin of each region, the rows or columns that have a weight */
    void *weight[ROI_DIMS];                     /* and of all rows or columns in it theirs */
} work;

#define REAL float
#include "roi_align.c"
#undef REAL
#define REAL double
#include "roi_align.c"
#undef REAL

/* The next part of the scratch memory, from `at` on, at a multiple of 64. @return the bytes that it takes. */
static int64_t part(char **at, void *to, int64_t bytes) {
    if (*at) {
        memcpy(to, at, sizeof *at);
        *at += (bytes + 63) / 64 * 64;
    }
    return (bytes + 63) / 64 * 64;
}
static luron_status work_of(luron_call *c, work *k, int64_t *bytes) {
    *k = (work){0};
    LURON_TRY(roi_shapes_of(c, &k->s));
    char *at = luron_scratch(c);
    *bytes = part(&at, &k->image, k->s.rois * 4);
    for (int d = 0; d < ROI_DIMS; d++) {
        int64_t bins, weights;
        if (__builtin_mul_overflow(k->s.rois, k->s.out[d] * 8, &bins) ||
            __builtin_mul_overflow(bins, k->s.size[d], &weights) || weights > INT64_MAX / 8)
            return luron_fail(c, LURON_E_SHAPE, "regions times bins times places are more than an int64 can hold");
        *bytes +=
            part(&at, &k->first[d], bins / 2) + part(&at, &k->count[d], bins / 2) + part(&at, &k->weight[d], weights);
    }
    return LURON_OK;
}
static luron_status setup(luron_call *c) {
    work k;
    int64_t bytes;
    LURON_TRY(work_of(c, &k, &bytes));
    LURON_TRY(c->host->declare_scratch(c, bytes));
    return c->host->set_out(c, 0, LURON_REAL, LURON_SHAPE(k.s.rois, k.s.channels, k.s.out[ROI_Y], k.s.out[ROI_X]));
}
/* The weights of all regions. */
static luron_status find_all(luron_call *c, work *k) {
    int64_t bytes;
    LURON_TRY(work_of(c, k, &bytes));
    k->x = luron_data(luron_in(c, ROI_INPUT)), k->rois = luron_data(luron_in(c, ROI_ROIS));
    LURON_TRY(roi_images(c, &k->s, k->image));
    c->host->parallel_for(c, k->s.rois, GRAIN / (k->s.out[0] * k->s.size[0] + k->s.out[1] * k->s.size[1]) + 1,
                          BY_TYPE(c, find), k);
    return LURON_OK;
}
static int64_t grain(const work *k, int64_t times) {
    return GRAIN / (k->s.out[ROI_Y] * k->s.out[ROI_X] * times + 1) + 1;
}
static luron_status forward(luron_call *c) {
    work k;
    LURON_TRY(find_all(c, &k));
    k.y = luron_data(luron_out(c, 0));
    c->host->parallel_for(c, k.s.rois * k.s.channels, grain(&k, 4), BY_TYPE(c, read), &k);
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    work k;
    LURON_TRY(detection_no_gradient(c, ROI_ROIS, "rois"));
    luron_view *gx = luron_grad_in(c, ROI_INPUT);
    if (!gx) return LURON_OK;
    LURON_TRY(find_all(c, &k));
    k.gx = luron_data(gx), k.gy = luron_data(luron_grad_out(c, 0));
    c->host->parallel_for(c, k.s.n * k.s.channels, grain(&k, 4 * k.s.rois), BY_TYPE(c, give), &k);
    return LURON_OK;
}

/* The weights along a dim, (k, out, size): a bin reads at s of its grid where at = start + bin (p + (s + 1/2) / grid),
 * rows low and low + 1, which a hat over each row gives. Where the grid follows from the region its step is above 1/2
 * (or it has one place), so that 2 size + 5 places from the first that can matter are all that do. */
static luron_tensor *weights(luron_call *c, const luron_ops *o, const roi_shapes *s, int d) {
    const int64_t size = s->size[d], out = s->out[d], ratio = s->o->sampling_ratio;
    const int64_t places = ratio > 0 ? ratio : 2 * size + 5;
    luron_tensor *start = o->scale(c, roi_column(c, o, roi_low(d)), 1, s->o->aligned ? -0.5 : 0);
    luron_tensor *length = o->sub(c, roi_column(c, o, roi_high(d)), roi_column(c, o, roi_low(d)));
    if (!s->o->aligned) length = o->clamp(c, length, 1, INFINITY);
    luron_tensor *bin = o->scale(c, length, 1 / (double)out, 0);
    luron_tensor *all = ratio > 0 ? o->scalar(c, (double)ratio) : o->clamp(c, o->ceil(c, bin), 0, INFINITY);
    luron_tensor *grid = o->clamp(c, all, 1, INFINITY), *step = o->unsqueeze(c, o->div(c, bin, grid), 2);
    if (ratio <= 0) all = o->unsqueeze(c, all, 2); /* (k, 1, 1), as step */
    luron_tensor *from = o->unsqueeze(c, o->add(c, start, o->mul(c, bin, detection_count(c, o, out))), 2);
    luron_tensor *at = detection_count(c, o, places);
    if (ratio <= 0) {
        luron_tensor *before = o->div(c, o->scale(c, from, -1, -1), step);
        before = o->where(c, o->gt(c, step, o->scalar(c, 0)), before, o->scalar(c, 0));
        at = o->add(c, at, o->clamp(c, o->floor(c, o->scale(c, before, 1, -0.5)), 0, INFINITY));
    }
    luron_tensor *of_grid = o->lt(c, at, all);
    at = o->add(c, from, o->mul(c, o->scale(c, at, 1, 0.5), step));
    luron_tensor *inside = o->logical_and(c, o->ge(c, at, o->scalar(c, -1)), o->le(c, at, o->scalar(c, (double)size)));
    inside = o->unsqueeze(c, o->logical_and(c, inside, of_grid), 3);
    at = o->unsqueeze(c, o->clamp(c, at, 0, (double)(size - 1)), 3);
    luron_tensor *hat = o->scale(c, o->abs(c, o->sub(c, at, detection_count(c, o, size))), -1, 1);
    hat = o->where(c, inside, o->clamp(c, hat, 0, INFINITY), o->scalar(c, 0));
    const int dims[1] = {2};
    luron_tensor *sum = o->sum(c, hat, 1, dims, 0);
    return o->div(c, sum, ratio > 0 ? grid : o->unsqueeze(c, grid, 2));
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    roi_shapes s;
    LURON_TRY(roi_shapes_of(c, &s));
    luron_tensor *rows = o->unsqueeze(c, weights(c, o, &s, ROI_Y), 1);
    luron_tensor *columns = o->unsqueeze(c, weights(c, o, &s, ROI_X), 1);
    luron_tensor *part = o->matmul(c, rows, roi_inputs(c, o), 0);
    return o->set_out(c, 0, o->matmul(c, part, columns, LURON_TRANS_B));
}

static const luron_option *const options[] = {
    ROI_OPTIONS,
    LURON_OPT_INT(roi, sampling_ratio, -1, -1, 1000,
                  "places along each side of a bin; 0 or -1: as many as the bin is numbers high or wide, rounded up"),
    LURON_OPT_BOOL(roi, aligned, 0, "numbers of input lie at the middles of pixels; false: at their corners"), NULL};
static const luron_port *const out[] = {
    LURON_PORT("output", 0, LURON_REAL, 4, "(k, channels, output_size): of each region"), NULL};
const luron_layer_type detection_roi_align = {.struct_size = sizeof(luron_layer_type),
                                              .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT,
                                              .name = "RoIAlign",
                                              .function = "roi_align",
                                              .doc = "regions of images as pictures of one size, read between numbers",
                                              .options = options,
                                              .options_size = sizeof(roi),
                                              .in = roi_in,
                                              .out = out,
                                              .setup = setup,
                                              .forward = forward,
                                              .backward = backward,
                                              .compose = compose};
#else
/* One place of a grid: the weights of the one or two numbers around it. lo, hi: the ends of what has a weight. */
INLINE void TYPED(place)(REAL *weight, REAL at, REAL share, int64_t size, int64_t *lo, int64_t *hi) {
    if (at < -1 || at > (REAL)size) return;
    if (at < 0) at = 0;
    if (at > (REAL)(size - 1)) at = (REAL)(size - 1);
    const int64_t low = (int64_t)at, high = low + 1 < size ? low + 1 : low;
    weight[low] += share * (1 - (at - (REAL)low));
    weight[high] += share * (at - (REAL)low);
    if (low < *lo) *lo = low;
    if (high > *hi) *hi = high;
}
/* The bins of regions along a dim. */
static void TYPED(bins)(const work *k, int64_t r, int d) {
    const roi *o = k->s.o;
    const int64_t size = k->s.size[d], out = k->s.out[d];
    const REAL *box = (const REAL *)k->rois + r * DETECTION_ROW, scale = (REAL)o->spatial_scale;
    const REAL start = box[roi_low(d)] * scale - (o->aligned ? (REAL)0.5 : 0);
    REAL length = box[roi_high(d)] * scale - box[roi_low(d)] * scale;
    if (!o->aligned && length < 1) length = 1;
    const REAL bin = length / (REAL)out;
    const int64_t grid = o->sampling_ratio > 0 ? o->sampling_ratio : (int64_t)ceil(bin);
    for (int64_t p = 0; p < out; p++) {
        REAL *weight = (REAL *)k->weight[d] + (r * out + p) * size;
        const REAL from = start + (REAL)p * bin, step = grid > 0 ? bin / (REAL)grid : 0;
        int64_t lo = size, hi = -1, s = 0, end = grid;
        memset(weight, 0, sizeof(REAL) * (size_t)size);
        if (o->sampling_ratio <= 0 && step > 0) { /* leave out what lies beside the image, but for a place or two */
            const REAL before = floor((-1 - from) / step) - 1, after = ceil(((REAL)size - from) / step) + 1;
            if (before > 0) s = before < (REAL)grid ? (int64_t)before : grid;
            if (after < (REAL)grid) end = after > 0 ? (int64_t)after : 0;
        }
        for (; s < end; s++)
            TYPED(place)(weight, from + ((REAL)s + (REAL)0.5) * step, 1 / (REAL)grid, size, &lo, &hi);
        k->first[d][r * out + p] = (int32_t)(lo < size ? lo : 0);
        k->count[d][r * out + p] = (int32_t)(hi < lo ? 0 : hi - lo + 1);
    }
}
static void TYPED(find)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    (void)chunk;
    for (int64_t r = begin; r < end; r++)
        for (int d = 0; d < ROI_DIMS; d++)
            TYPED(bins)(arg, r, d);
}
/* A bin of rows or of columns: the first that has a weight, how many have, and their weights. */
#define BIN(d, at, name)                                                                                               \
    const int64_t name##_from = k->first[d][at], name##s = k->count[d][at];                                            \
    const REAL *const name##_weight = (const REAL *)k->weight[d] + (at)*k->s.size[d] + name##_from

/* Channels of regions. */
static void TYPED(read)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const int64_t p = k->s.out[ROI_Y], q = k->s.out[ROI_X], w = k->s.size[ROI_X];
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const int64_t r = i / k->s.channels;
        const REAL *x = (const REAL *)k->x + (k->image[r] * k->s.channels + i % k->s.channels) * k->s.size[ROI_Y] * w;
        for (int64_t bin = 0; bin < p * q; bin++) {
            REAL sum = 0;
            BIN(ROI_Y, r * p + bin / q, row);
            BIN(ROI_X, r * q + bin % q, column);
            for (int64_t a = 0; a < rows; a++) {
                const REAL *from = x + (row_from + a) * w + column_from;
                REAL along = 0;
                for (int64_t b = 0; b < columns; b++)
                    along += column_weight[b] * from[b];
                sum += row_weight[a] * along;
            }
            ((REAL *)k->y)[i * p * q + bin] = sum;
        }
    }
}
/* Gradients of channels of images: sums over regions in their order. */
static void TYPED(give)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const int64_t p = k->s.out[ROI_Y], q = k->s.out[ROI_X], w = k->s.size[ROI_X];
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        REAL *gx = (REAL *)k->gx + i * k->s.size[ROI_Y] * w;
        for (int64_t r = 0; r < k->s.rois; r++) {
            if (k->image[r] != i / k->s.channels) continue;
            const REAL *gy = (const REAL *)k->gy + (r * k->s.channels + i % k->s.channels) * p * q;
            for (int64_t bin = 0; bin < p * q; bin++) {
                BIN(ROI_Y, r * p + bin / q, row);
                BIN(ROI_X, r * q + bin % q, column);
                for (int64_t a = 0; a < rows; a++) {
                    REAL *to = gx + (row_from + a) * w + column_from;
                    const REAL g = row_weight[a] * gy[bin];
                    for (int64_t b = 0; b < columns; b++)
                        to[b] += column_weight[b] * g;
                }
            }
        }
    }
}
#undef BIN
#endif
