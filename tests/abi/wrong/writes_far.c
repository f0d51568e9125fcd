/* Writes behind its output, beyond guard bytes. */
#define WRITES_PAST 4096
#include "scale.h"
