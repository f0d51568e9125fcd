/* Nothing is wrong here: the others of this folder are this one with a fault. */
#include "scale.h"
