/* normalize.h -- what the files of this plugin share: normalisations without running state of the batch or parameters.
 */
#ifndef NORMALIZE_H
#define NORMALIZE_H
#include "../loops.h"
#include <math.h>
#include <string.h>

#define NORMALIZATIONS(X) X(local_response) X(unit) X(power_iteration)
#define NORMALIZE_DECLARE(id) extern const luron_layer_type normalize_##id;
NORMALIZATIONS(NORMALIZE_DECLARE)

/* The options of all types; each lists those it has. */
typedef struct normalize {
    int64_t size, dim, rows, columns, n_power_iterations;
    double alpha, beta, k, p, eps;
} normalize;
#define NORMALIZE_EPS LURON_OPT_FLOAT(normalize, eps, 1e-12, 0, 1e9, "least length that is divided by")

#endif
