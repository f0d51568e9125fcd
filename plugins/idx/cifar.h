/* cifar.h -- the second format of the plugin idx. */
#ifndef CIFAR_H
#define CIFAR_H
#include <luron/plugin.h>

extern const luron_format_type cifar;
#endif
