/* Its gradient is another where it comes with the value. */
#define FACTOR 1.5
#include "both.h"
