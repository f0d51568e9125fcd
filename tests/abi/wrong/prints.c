/* Prints. */
#define PRINTS
#include "wave.h"
