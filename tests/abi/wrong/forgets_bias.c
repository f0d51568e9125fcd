/* Gives no gradient of the bias where that of the weight is not wanted. */
#define FORGETS_BIAS
#include "scale.h"
