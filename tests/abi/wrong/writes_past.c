/* Writes one number behind its output. */
#define WRITES_PAST 0
#include "scale.h"
