/* bench_latency.c -- predictions one at a time from C, for run.sh: takes orders on standard input, answers in JSON.
 *
 *   bench_latency FILE CALLS
 *
 * FILE is a checkpoint of a model with one input (1, n). "round" calls it CALLS times by luron_model_run, then by a
 * plan, and gives p50 and p99 in seconds; "finish" gives the sum of the outputs. */
#include "support/bench.h"
#include "luron/luron.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 784, MOST_CALLS = 100000 };
typedef struct bench {
    luron_ctx *ctx;
    luron_checkpoint *file;
    luron_model *model;
    luron_plan *plan;
    luron_tensor *x;
    double took[MOST_CALLS], sum;
} bench;

static luron_status run(bench *b, int is_planned, luron_tensor **y) {
    return is_planned ? luron_plan_run(y, b->plan, b->ctx, 1, &b->x) : luron_model_run(y, b->ctx, b->model, 1, &b->x);
}

/* Load the model and note a plan of it. */
static luron_status prepare(bench *b, const char *path) {
    static float numbers[INPUTS];
    luron_tensor *y = NULL;
    for (int i = 0; i < INPUTS; i++)
        numbers[i] = (float)(i * 7 % 13) / 13;
    luron_status status = luron_checkpoint_load(&b->file, b->ctx, path, 1);
    if (!status) status = luron_checkpoint_model(&b->model, b->ctx, b->file);
    if (status) return status;
    luron_model_set_training(b->model, 0);
    luron_ctx_set_recording(b->ctx, 0);
    status = luron_tensor_from(&b->x, b->ctx, LURON_F32, 2, (int64_t[]){1, INPUTS}, numbers);
    if (!status) status = luron_plan_begin(&b->plan, b->ctx, 1, &b->x);
    if (status) return status;
    status = luron_model_run(&y, b->ctx, b->model, 1, &b->x);
    luron_status ended = luron_plan_end(b->plan, b->ctx, status ? -1 : 1, &y);
    luron_tensor_unref(y);
    return status ? status : ended;
}

static luron_status round_of(bench *b, int calls, int is_planned) {
    for (int i = -100; i < calls; i++) { /* the first are no part of it */
        luron_tensor *y = NULL;
        double start = bench_now(CLOCK_MONOTONIC);
        luron_status status = run(b, is_planned, &y);
        if (status) return status;
        if (i >= 0) b->took[i] = bench_now(CLOCK_MONOTONIC) - start;
        luron_tensor_unref(y);
    }
    qsort(b->took, (size_t)calls, sizeof(double), bench_ascending);
    printf("%s\"%s\":{\"p50\":%.4g,\"p99\":%.4g}", is_planned ? "," : "{", is_planned ? "C, planned" : "C",
           b->took[calls / 2], b->took[calls - 1 - calls / 100]);
    return LURON_OK;
}

static luron_status finish(bench *b) {
    for (int is_planned = 0; is_planned < 2; is_planned++) {
        luron_tensor *y = NULL;
        luron_status status = run(b, is_planned, &y);
        if (status) return status;
        double sum = 0;
        for (int64_t i = 0; i < luron_tensor_numel(y); i++)
            sum += (double)((const float *)luron_tensor_data(y))[i];
        luron_tensor_unref(y);
        printf("%s\"%s\":{\"sum\":%.7g}", is_planned ? "," : "{", is_planned ? "C, planned" : "C", sum);
    }
    return LURON_OK;
}

int main(int argc, char **argv) {
    static bench b;
    char line[64];
    int calls = argc == 3 ? atoi(argv[2]) : 0, is_over = 0;
    if (calls < 1 || calls > MOST_CALLS) return fputs("usage: bench_latency FILE CALLS\n", stderr), 2;
    if (luron_ctx_new(&b.ctx, NULL, NULL)) return 1;
    luron_status status = luron_ctx_set_threads(b.ctx, 1);
    if (!status) status = prepare(&b, argv[1]);
    if (!status) printf("{\"ready\":true,\"what\":\"Luron %s\"}\n", LURON_VERSION);
    while (!status && !is_over && fflush(stdout) == 0 && fgets(line, sizeof line, stdin)) {
        is_over = strncmp(line, "finish", 6) == 0;
        if (is_over)
            status = finish(&b);
        else if (!(status = round_of(&b, calls, 0)))
            status = round_of(&b, calls, 1);
        puts("}");
    }
    if (status) fprintf(stderr, "bench_latency: %s (%s)\n", luron_ctx_error(b.ctx), luron_status_name(status));
    luron_tensor_unref(b.x);
    luron_plan_free(b.plan);
    luron_model_unref(b.model);
    luron_checkpoint_free(b.file);
    luron_ctx_free(b.ctx);
    return status != LURON_OK;
}
