/* bench_start.c -- from the start of a program to its end, for run.sh: takes orders on standard input, answers in JSON.
 *
 *   bench_start WHAT STARTS COMMAND [ARGUMENT...]
 *
 * "round" starts the command STARTS times and gives the medians: seconds on the wall and on the processor, and the peak
 * of its memory in bytes, as the system counted them for the child. "finish" gives what the last one printed. */
#include "support/bench.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
enum { MOST_STARTS = 31 };
static char printed[256];

static double median(double *v, int n) {
    qsort(v, (size_t)n, sizeof *v, bench_ascending);
    return v[n / 2];
}

/* The first line that the child prints, without what JSON would have to escape. */
static void keep_output(int from) {
    size_t n = 0;
    ssize_t got;
    while (n + 1 < sizeof printed && (got = read(from, printed + n, sizeof printed - 1 - n)) > 0)
        n += (size_t)got;
    printed[n] = 0;
    printed[strcspn(printed, "\n\"\\")] = 0;
}

/* Start the command and wait for it. @return 0, or -1 if it failed. */
static int start(char **command, double *wall, double *cpu, double *peak) {
    int ends[2], status = 0;
    pid_t child;
    struct rusage used;
    posix_spawn_file_actions_t actions;
    if (pipe(ends) || posix_spawn_file_actions_init(&actions)) return -1;
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    double began = bench_now(CLOCK_MONOTONIC);
    int failed = posix_spawnp(&child, command[0], &actions, NULL, command, environ);
    close(ends[1]);
    posix_spawn_file_actions_destroy(&actions);
    if (!failed) {
        keep_output(ends[0]);
        failed = wait4(child, &status, 0, &used) != child || status != 0;
    }
    *wall = bench_now(CLOCK_MONOTONIC) - began;
    close(ends[0]);
    if (failed) return -1;
    *cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    *peak = 1024.0 * (double)used.ru_maxrss;
    return 0;
}

int main(int argc, char **argv) {
    char line[64];
    double wall[MOST_STARTS], cpu[MOST_STARTS], peak[MOST_STARTS];
    int n = argc > 3 ? atoi(argv[2]) : 0;
    if (n < 1 || n > MOST_STARTS) return fputs("usage: bench_start WHAT STARTS COMMAND [ARGUMENT...]\n", stderr), 2;
    if (start(argv + 3, wall, cpu, peak)) { /* and the files are in memory from now on */
        printf("{\"skip\":\"%s fails to start or to end well\"}\n", argv[3]);
        return 1;
    }
    printf("{\"ready\":true,\"what\":\"%s\"}\n", argv[1]);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) && strncmp(line, "finish", 6) != 0) {
        for (int i = 0; i < n; i++)
            if (start(argv + 3, &wall[i], &cpu[i], &peak[i])) return 1;
        printf("{\"process\":{\"wall\":%.6g,\"cpu\":%.6g,\"peak\":%.6g}}\n", median(wall, n), median(cpu, n),
               median(peak, n));
        fflush(stdout);
    }
    printf("{\"process\":{\"printed\":\"%s\"}}\n", printed);
    return 0;
}
