/* The slope is 0 below -3, where it is small. */
#define FLAT(x) ((x) < -3)
#include "gate.h"
