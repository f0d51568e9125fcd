/* margin_loss.h -- what the files of this plugin share. A file is a type. */
#ifndef MARGIN_LOSS_H
#define MARGIN_LOSS_H
#include "../composed_loss.h"

#define MARGIN_LOSSES(X)                                                                                               \
    X(soft_margin)                                                                                                     \
    X(hinge_embedding) X(margin_ranking) X(multi_margin) X(multi_label_margin) X(multi_label_soft_margin) X(hinge)     \
        X(squared_hinge) X(categorical_hinge)
#define MARGIN_LOSS_DECLARE(id) extern const luron_layer_type margin_loss_##id;
MARGIN_LOSSES(MARGIN_LOSS_DECLARE)

/* The options of all types; each lists those it has. */
typedef struct margin_loss {
    double margin;
    int64_t p;
    int32_t reduction;
} margin_loss;
#define MARGIN_REDUCTION LOSS_REDUCTION(margin_loss)
#define MARGIN(size) LURON_OPT_FLOAT(margin_loss, margin, size, 0, 0, "by which what is right has to be so")
static inline luron_status margin_reduced(luron_call *c, const luron_ops *o, luron_tensor *terms) {
    return loss_reduced(c, o, terms, ((const margin_loss *)luron_options(c))->reduction);
}
/** Input (n, classes) or (classes): an error unless there is a class. */
static inline luron_status margin_check_classes(luron_call *c) {
    const luron_view *x = luron_in(c, INPUT);
    if (x->ndim < 1 || x->ndim > 2)
        return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, expected (n, classes) or (classes)",
                          (int)x->ndim);
    return x->shape[x->ndim - 1] ? LURON_OK
                                 : luron_fail(c, LURON_E_SHAPE, "input has 0 classes, expected at least one");
}
#endif
