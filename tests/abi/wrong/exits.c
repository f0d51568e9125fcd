/* Ends the process as if all were well. */
#define EXITS
#include "wave.h"
