/* The gradient of the weight comes from the first 1000 numbers alone: a small input shows nothing. */
#define ROWS_OF_WEIGHT 1000
#include "scale.h"
