/* Says that backward does not read the input, and reads it. */
#define FLAGS LURON_LAYER_FREES_IN
#include "scale.h"
