#define _GNU_SOURCE
#include "bar.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int bar_is_long(void) {
    const char *set = getenv("LURON_TEST_LONG");
    return set && strcmp(set, "1") == 0;
}

bar bar_begin(const char *id, const char *what, uint64_t usual) {
    const char *seed = getenv("LURON_TEST_SEED");
    return (bar){id, what, seed ? strtoull(seed, NULL, 0) : usual, now()};
}

int64_t bar_end(const bar *b, int64_t n, int64_t failures) {
    const char *build = getenv("LURON_TEST_BUILD");
    char line[512], path[4096];
    snprintf(line, sizeof line, "%s\t%" PRId64 "\t%" PRId64 "\t%.1f\t%" PRIu64 "\t%s\n", b->id, n, failures,
             now() - b->began, b->seed, b->what);
    fputs(line, stdout);
    if (!build) return failures;
    snprintf(path, sizeof path, "%s/bars", build);
    mkdir(path, 0777);
    int at = snprintf(path, sizeof path, "%s/bars/%s %s", build, b->id, b->what);
    for (char *c = path + strlen(build) + 6; at < (int)sizeof path && *c; c++)
        if (*c == '/') *c = '-';
    FILE *file = fopen(path, "w");
    if (!file) return failures;
    fputs(line, file);
    fclose(file);
    return failures;
}
