/* Makes zeros of the negative numbers of its input, where a second run finds none. */
#define WRITES_INPUT
#include "scale.h"
