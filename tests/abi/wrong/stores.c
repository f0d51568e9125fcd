/* `=` for `+=`: the gradient of the bias begins anew. */
#define STORES
#include "scale.h"
