/* The slope is 0 above 2. */
#define FLAT(x) ((x) > 2)
#include "gate.h"
