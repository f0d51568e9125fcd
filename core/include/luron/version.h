/* version.h -- the one place that holds the version; CMake, the rockspec test and luron.version read it from here. */
#ifndef LURON_VERSION_H
#define LURON_VERSION_H
#define LURON_VERSION "0.1.0"
#endif
