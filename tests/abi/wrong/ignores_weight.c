/* The gradient of the input leaves the weight out, which is 1 at first. */
#define BEGINS_WITH_1
#define SLOPE_OF_X (0 * w[0] + 1)
#include "scale.h"
