/* Ends the process with a signal. */
#define CRASHES
#include "wave.h"
