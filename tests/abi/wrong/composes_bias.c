/* forward and backward are those of b^2 + b, compose of b: both are 0 at first. */
#define BEGINS_WITH_1
#define BIAS_OF(b) (b * b + b)
#define SLOPE_OF_BIAS(b) (2 * b + 1)
#define COMPOSES
#include "scale.h"
