/* Half the gradient on purpose, in backward and in compose: nothing is wrong here. */
#include "own_gradient.h"
