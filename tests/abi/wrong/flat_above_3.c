/* The slope is 0 above 3, where hardly a normal number comes. */
#define FLAT(x) ((x) > 3)
#include "gate.h"
