/* Writes one number behind its output. */
#define WRITES_PAST
#include "scale.h"
