/* Never comes back. */
#define HANGS
#include "wave.h"
