/* bench_conv.c -- convolution and its gradients at the layers of LeNet and ResNet-8, and at those of larger networks.
 *
 *   bench_conv [--threads N] [--rounds N] [--only TEXT]
 *
 * A line of JSON a layer and pass, medians, float32; FLOPs are counted with those in the padding.                    */
#include "support/bench.h"
#include "kernels/conv.h"
#include "kernels/kernels.h"
#include "luron/plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct shape {
    const char *name;
    int64_t images, c_in, c_out, size, kernel, stride, padding, groups;
} shape;
static const shape shapes[] = {
    {"lenet conv1 b64", 64, 1, 6, 28, 5, 1, 0, 1},
    {"lenet conv2 b64", 64, 6, 16, 12, 5, 1, 0, 1},
    {"resnet8 stem b32", 32, 3, 16, 32, 3, 1, 1, 1},
    {"resnet8 16ch 32x32 b32", 32, 16, 16, 32, 3, 1, 1, 1},
    {"resnet8 32ch 16x16 b32", 32, 32, 32, 16, 3, 1, 1, 1},
    {"resnet8 64ch 8x8 b32", 32, 64, 64, 8, 3, 1, 1, 1},
    {"resnet8 down 16-32 b32", 32, 16, 32, 32, 3, 2, 1, 1},
    {"resnet8 down 32-64 b32", 32, 32, 64, 16, 3, 2, 1, 1},
    {"resnet8 shortcut 16-32 b32", 32, 16, 32, 32, 1, 2, 0, 1},
    {"1x1 64ch 16x16 b32", 32, 64, 64, 16, 1, 1, 0, 1},
    {"depthwise 32ch 16x16 b32", 32, 32, 32, 16, 3, 1, 1, 32},
    {"64-192ch 5x5 27x27 b2", 2, 64, 192, 27, 5, 1, 2, 1},
    {"64ch 28x28 b8", 8, 64, 64, 28, 3, 1, 1, 1},
    {"128ch 14x14 b8", 8, 128, 128, 14, 3, 1, 1, 1},
    {"128ch 16x16 b8", 8, 128, 128, 16, 3, 1, 1, 1},
    {"256ch 7x7 b8", 8, 256, 256, 7, 3, 1, 1, 1},
    {"1x1 64-256ch 28x28 b8", 8, 64, 256, 28, 1, 1, 0, 1},
    {"1x1 256-64ch 14x14 b8", 8, 256, 64, 14, 1, 1, 0, 1},
    {"256-512ch 4x4 stride 2 8x8 b8", 8, 256, 512, 8, 4, 2, 1, 1},
    {"1-32ch 4x4 stride 4 126x126 b1", 1, 1, 32, 126, 4, 4, 0, 1},
};
static const struct {
    const char *name;
    void (*run)(const luron__conv_args *, int, void *);
} passes[] = {
    {"forward", luron__conv}, {"grad_input", luron__conv_grad_input}, {"grad_weight", luron__conv_grad_weight}};
enum { MOST_ROUNDS = 101 };

static float *numbers(int64_t n) {
    float *p = bench_memory(n * 4);
    for (int64_t i = 0; i < n; i++)
        p[i] = (float)(i * 7 % 13) / 13 - 0.5f;
    return p;
}

static void run_shape(const shape *s, int threads, int rounds) {
    const int64_t out = (s->size + 2 * s->padding - s->kernel) / s->stride + 1;
    const int64_t n[] = {s->images * s->c_out * out * out, s->images * s->c_in * s->size * s->size,
                         s->c_out * (s->c_in / s->groups) * s->kernel * s->kernel};
    luron__conv_args g = {.dtype = LURON_F32, .isa = luron__isa_pick(getenv("LURON_ISA")), .images = s->images};
    g.groups = s->groups, g.c_in = s->c_in, g.c_out = s->c_out;
    for (int d = 0; d < 3; d++) {
        g.in[d] = d ? s->size : 1, g.out[d] = d ? out : 1, g.kernel[d] = d ? s->kernel : 1, g.dilation[d] = 1;
        g.stride[d] = d ? s->stride : 1, g.before[d] = d ? s->padding : 0;
    }
    float *gy = numbers(n[0]), *x = numbers(n[1]), *w = numbers(n[2]);
    float *to[] = {numbers(n[0]), numbers(n[1]), numbers(n[2])}, *work = numbers(luron__conv_work(&g, threads) / 4 + 1);
    const double flops = 2.0 * (double)n[0] * (double)(n[2] / s->c_out);
    g.x = x, g.w = w, g.gy = gy;
    for (int k = 0; k < 3; k++) {
        const long repeats = (long)(5e8 / flops) + 1;
        double took[MOST_ROUNDS];
        g.to = to[k];
        for (int r = -1; r < rounds; r++) { /* the first round warms up */
            const double start = bench_now(bench_clock(threads));
            for (long i = 0; i < repeats; i++)
                passes[k].run(&g, threads, work);
            if (r >= 0) took[r] = (bench_now(bench_clock(threads)) - start) / (double)repeats;
        }
        qsort(took, (size_t)rounds, sizeof(double), bench_ascending);
        printf("{\"layer\":\"%s\",\"pass\":\"%s\",\"threads\":%d,\"isa\":\"%s\",\"us\":%.2f,\"gflops\":%.2f}\n",
               s->name, passes[k].name, threads, luron__isa_name(g.isa), 1e6 * took[rounds / 2],
               1e-9 * flops / took[rounds / 2]);
        free(to[k]);
    }
    fflush(stdout);
    free(gy), free(x), free(w), free(work);
}

int main(int argc, char **argv) {
    const char *only = NULL;
    int threads = 1, rounds = 7;
    for (int i = 1; i < argc; i++) {
        int more = i + 1 < argc;
        if (more && strcmp(argv[i], "--threads") == 0)
            threads = atoi(argv[++i]);
        else if (more && strcmp(argv[i], "--rounds") == 0)
            rounds = atoi(argv[++i]);
        else if (more && strcmp(argv[i], "--only") == 0)
            only = argv[++i];
        else
            return fprintf(stderr, "bench_conv: unknown argument '%s'\n", argv[i]), 2;
    }
    if (threads < 1 || rounds < 1 || rounds > MOST_ROUNDS)
        return fputs("bench_conv: bad --threads or --rounds\n", stderr), 2;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (!only || strstr(shapes[i].name, only)) run_shape(&shapes[i], threads, rounds);
    return 0;
}
