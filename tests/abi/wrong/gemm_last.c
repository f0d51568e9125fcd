/* Says that its output comes from one gemm and is not touched after it, and adds the bias behind it. */
#define FLAGS LURON_LAYER_GEMM_LAST
#include "product.h"
