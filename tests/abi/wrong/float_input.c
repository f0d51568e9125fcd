/* In float32 the gradient of the input is twice as large. */
#define OF_X IN_FLOAT(2, 1)
#include "doubles.h"
