/* io_shim.so: a program that cannot call the shim opens files instead. In Lua:
 *   io.open("/io-shim/arm AT ACTION ERROR STICKY FOLDER")   numbers as in io_shim.h
 *   io.open "/io-shim/off"   then os.getenv "IO_SHIM_CALLS" and "IO_SHIM_FIRED" (0, 1) */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "io_shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char place[] = "/io-shim/";

static void command(const char *text) {
    static char folder[PATH_MAX];
    char number[16];
    io_plan plan = {.folder = folder};
    int sticky, n = 0;
    if (sscanf(text, "arm %d %d %d %d %n", &plan.at, &plan.action, &plan.error, &sticky, &n) == 4 && n) {
        plan.sticky = sticky;
        snprintf(folder, sizeof folder, "%s", text + n);
        io_shim_arm(&plan);
        return;
    }
    io_shim_disarm();
    snprintf(number, sizeof number, "%d", io_shim_calls());
    setenv("IO_SHIM_CALLS", number, 1);
    setenv("IO_SHIM_FIRED", io_shim_fired() ? "1" : "0", 1);
}

typedef FILE *open_fn(const char *, const char *);
static FILE *open_file(const char *name, const char *path, const char *mode) {
    if (strncmp(path, place, strlen(place)) == 0) {
        command(path + strlen(place));
        errno = ENOENT;
        return NULL;
    }
    void *next = dlsym(RTLD_NEXT, name);
    open_fn *real;
    memcpy(&real, &next, sizeof real);
    return real(path, mode);
}
FILE *fopen(const char *path, const char *mode) { return open_file("fopen", path, mode); }
FILE *fopen64(const char *path, const char *mode) { return open_file("fopen64", path, mode); }
