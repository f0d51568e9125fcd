/* Value and gradient in one pass, as they are one by one: nothing is wrong here. */
#include "both.h"
