/* Half the gradient on purpose in backward alone: what differences do not judge, compose does. */
#define PLAIN_COMPOSE
#include "own_gradient.h"
