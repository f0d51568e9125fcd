/* mix.c -- MixUp and CutMix: in training each image of a batch, and its row of probabilities, with another of the
 * batch: images (n, c, h, w), labels (n, classes) -> both as they came. MixUp adds the two by shares; CutMix puts a
 * rectangle of the other one in. */
#include "image.h"

enum { IMAGES, LABELS };
typedef struct mix {
    double alpha;
    luron_floats factor;
} mix;

static luron_status setup(luron_call *c) {
    const luron_view *x = luron_in(c, IMAGES), *t = luron_in(c, LABELS);
    if (t->ndim != 2)
        return luron_fail(c, LURON_E_SHAPE,
                          "labels has %d dimension%s, (n, classes) expected: a row of probabilities for each image, "
                          "which one_hot makes of class ids",
                          t->ndim, t->ndim == 1 ? "" : "s");
    if (x->shape[0] != t->shape[0])
        return luron_fail(c, LURON_E_SHAPE, "there are %lld images and %lld rows of labels", (long long)x->shape[0],
                          (long long)t->shape[0]);
    LURON_TRY(luron_set_out_like(c, IMAGES, x));
    return luron_set_out_like(c, LABELS, t);
}
static luron_status give(luron_call *c, const luron_ops *o, luron_tensor *images, luron_tensor *labels) {
    LURON_TRY(o->set_out(c, IMAGES, images));
    return o->set_out(c, LABELS, labels);
}
static int stays(luron_call *c) { return image_stays(c) || !luron_numel(luron_in(c, LABELS)); }
/* Which image each is mixed with: the batch in another order, which leaves some where they are. */
static luron_tensor *others(luron_call *c, const luron_ops *o, int stream) {
    return o->argsort(c, o->uniform(c, stream, LURON_SHAPE(luron_in(c, IMAGES)->shape[0])), 0, 0);
}
static luron_tensor *labels_of(luron_call *c, const luron_ops *o, luron_tensor *order, luron_tensor *share) {
    luron_tensor *t = o->in(c, LABELS), *row = o->reshape(c, share, LURON_SHAPE(-1, 1));
    return image_mixed(c, o, o->index_select(c, t, 0, order), t, row);
}

static luron_status mix_up(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, IMAGES);
    if (stays(c)) return give(c, o, x, o->in(c, LABELS));
    luron_tensor *alpha = o->scalar(c, ((const mix *)luron_options(c))->alpha), *order = others(c, o, 0);
    luron_tensor *share = o->narrow(c, image_shares(c, o, 1, o->size(c, x, 0), 2, alpha), 1, 0, 1);
    luron_tensor *images = image_mixed(c, o, o->index_select(c, x, 0, order), x, share);
    return give(c, o, images, labels_of(c, o, order, share));
}
/* The shares are Beta's of a number that is drawn for the batch; 1 - share is the rectangle's part of the image. */
static luron_status cut_mix(luron_call *c, const luron_ops *o) {
    const image_range f = image_factor(&((const mix *)luron_options(c))->factor, 0);
    luron_tensor *x = o->in(c, IMAGES);
    if (stays(c)) return give(c, o, x, o->in(c, LABELS));
    luron_tensor *order = others(c, o, 0);
    luron_tensor *alpha = o->scale(c, o->uniform(c, 1, LURON_SHAPE(1, 1, 1, 1)), f.high - f.low, f.low + 1e-6);
    luron_tensor *shares = image_shares(c, o, 2, o->size(c, x, 0), 2, alpha),
                 *side = o->sqrt(c, o->narrow(c, shares, 1, 1, 1));
    luron_tensor *rows = image_part(c, o, 6, 2, o->size(c, x, 2), side);
    luron_tensor *columns = image_part(c, o, 7, 3, o->size(c, x, 3), side);
    luron_tensor *images = o->where(c, o->logical_and(c, rows, columns), o->index_select(c, x, 0, order), x);
    return give(c, o, images, labels_of(c, o, order, o->narrow(c, shares, 1, 0, 1)));
}

static const luron_option *const mix_up_options[] = {
    LURON_OPT_FLOAT(mix, alpha, 0.2, 1e-6, 1e6,
                    "of the beta distribution of the shares: small: nearly one image alone, 1: all shares alike"),
    NULL};
static const luron_option *const cut_mix_options[] = {
    LURON_OPT_FLOATS(
        mix, factor, 1, 0, 1, 1, 2,
        "alpha of the beta distribution of the shares, drawn for each batch: two bounds, or f for { 0, f }"),
    NULL};
static const luron_port *const in[] = {
    LURON_PORT("images", 0, LURON_REAL, 4, "(n, c, h, w)"),
    LURON_PORT("labels", 0, LURON_REAL, 0, "probabilities (n, classes), which one_hot makes of class ids"), NULL};
static const luron_port *const out[] = {LURON_PORT("images", 0, LURON_REAL, 4, "as they came"),
                                        LURON_PORT("labels", 0, LURON_REAL, 2, "as they came"), NULL};
#define TYPE(id, title, text)                                                                                          \
    const luron_layer_type preprocess_##id = {.struct_size = sizeof(luron_layer_type),                                 \
                                              .flags = LURON_LAYER_F64 | LURON_LAYER_RANDOM,                           \
                                              .name = title,                                                           \
                                              .doc = text,                                                             \
                                              .options = id##_options,                                                 \
                                              .options_size = sizeof(mix),                                             \
                                              .in = in,                                                                \
                                              .out = out,                                                              \
                                              .setup = setup,                                                          \
                                              .compose = id}
TYPE(mix_up, "MixUp", "images and labels each mixed with others of the batch, when training");
TYPE(cut_mix, "CutMix", "a rectangle of each image from another of the batch, the labels by its part, when training");
