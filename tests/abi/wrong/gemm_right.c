/* The same, as LURON_LAYER_GEMM_LAST wants it: nothing is wrong here. */
#define FLAGS LURON_LAYER_GEMM_LAST
#define BIAS_IN_GEMM
#include "product.h"
