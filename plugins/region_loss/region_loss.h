/* region_loss.h -- what the files of this plugin share. A file is a type. */
#ifndef REGION_LOSS_H
#define REGION_LOSS_H
#include "../composed_loss.h"

#define REGION_LOSSES(X) X(dice) X(tversky) X(binary_focal)
#define REGION_LOSS_DECLARE(id) extern const luron_layer_type region_loss_##id;
REGION_LOSSES(REGION_LOSS_DECLARE)

/* The options of all types; each lists those it has. */
typedef struct region_loss {
    double alpha, beta, gamma, eps, smooth, label_smoothing;
    int32_t per, from_logits, apply_class_balancing, reduction;
} region_loss;
#define REGION_REDUCTION LOSS_REDUCTION(region_loss)
extern const char *const region_pers[];
#define REGION_OPTIONS                                                                                                 \
    LURON_OPT_CHOICE(region_loss, per, "batch", region_pers,                                                           \
                     "what is one region: all, an example, a class of all, or of each"),                               \
        LURON_OPT_FLOAT(region_loss, smooth, 0.0, 0, 1e9, "added above and below the line"),                           \
        LURON_OPT_FLOAT(region_loss, eps, 1e-7, 0, 1, "added below the line"), REGION_REDUCTION
/** The sum of x over each region. */
luron_tensor *region_sum(luron_call *c, const luron_ops *o, luron_tensor *x);
/** Shapes that fit, and dimensions for `per`. */
luron_status region_check(luron_call *c);
/** 1 - (above + smooth) / (below + smooth + eps), reduced. */
luron_status region_loss_of(luron_call *c, const luron_ops *o, luron_tensor *above, luron_tensor *below);
#endif
