/* In float32 the gradient of the weight is twice as large. */
#define OF_WEIGHT IN_FLOAT(2, 1)
#include "doubles.h"
