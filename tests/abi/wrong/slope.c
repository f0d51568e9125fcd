/* The slope is wrong for one half of the numbers. */
#define SLOPE
#include "wave.h"
