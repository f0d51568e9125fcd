/* error_loss.h -- what the files of this plugin share. A file is a type; a term for each number of input. */
#ifndef ERROR_LOSS_H
#define ERROR_LOSS_H
#include "../composed_loss.h"

#define ERROR_LOSSES(X) X(poisson_nll) X(gaussian_nll) X(log_cosh) X(mape) X(msle)
#define ERROR_LOSS_DECLARE(id) extern const luron_layer_type error_loss_##id;
ERROR_LOSSES(ERROR_LOSS_DECLARE)

/* The options of all types; each lists those it has. */
typedef struct error_loss {
    double eps;
    int32_t log_input, full, reduction;
} error_loss;
#define ERROR_REDUCTION LOSS_REDUCTION(error_loss)
#define ERROR_EPS(least, text) LURON_OPT_FLOAT(error_loss, eps, least, 0, 1e300, text)

/** Check the shapes of input and target and reduce `terms` of them. */
typedef luron_tensor *error_terms(luron_call *c, const luron_ops *o, luron_tensor *x, luron_tensor *t);
static inline luron_status error_compose(luron_call *c, const luron_ops *o, error_terms *terms) {
    LURON_TRY(loss_same_shape(c, TARGET, "target", INPUT, "input"));
    return loss_reduced(c, o, terms(c, o, o->in(c, INPUT), o->in(c, TARGET)),
                        ((const error_loss *)luron_options(c))->reduction);
}
#endif
