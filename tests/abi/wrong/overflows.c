/* NaN from 89 on: e^x / (1 + e^x). */
#define NAIVE
#include "gate.h"
