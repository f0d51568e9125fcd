/* The gradient of the input has the weight twice, which is 1 at first. */
#define BEGINS_WITH_1
#define SLOPE_OF_X w[i % size] * w[i % size]
#include "scale.h"
