/* The last numbers of a run are computed in another way than those within. */
#define TAIL
#include "wave.h"
