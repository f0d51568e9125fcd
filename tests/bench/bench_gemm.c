/* bench_gemm.c -- the matrix product at the shapes of training small networks, beside other libraries.
 *
 *   bench_gemm [--threads N] [--rounds N] [--only TEXT | --shape 64x128x784TN] [name=library.so ...]
 *
 * A library is one with cblas_sgemm (OpenBLAS, BLIS) or dnnl_sgemm (oneDNN). Ours runs with b in place and with b
 * packed beforehand. All contenders take turns in every round; a line of JSON a shape and contender, medians, float32.
 */
#include "support/bench.h"
#include "kernels/kernels.h"
#include "luron/plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct shape {
    const char *name;
    int64_t m, n, k;
    int trans_a, trans_b;
} shape;
static const shape shapes[] = {
    {"fc784-128 fwd b64", 64, 128, 784, 0, 0},
    {"fc784-128 fwd b64 NT", 64, 128, 784, 0, 1},
    {"fc784-128 dW b64", 784, 128, 64, 1, 0},
    {"fc784-128 dW^T b64", 128, 784, 64, 1, 0},
    {"fc128-10 fwd b64", 64, 10, 128, 0, 0},
    {"fc128-10 fwd b64 NT", 64, 10, 128, 0, 1},
    {"fc128-10 dX b64", 64, 128, 10, 0, 1},
    {"fc128-10 dW b64", 128, 10, 64, 1, 0},
    {"fc784-1024 fwd b256", 256, 1024, 784, 0, 0},
    {"fc1024-1024 fwd b128", 128, 1024, 1024, 0, 0},
    {"fc1024-1024 fwd b256", 256, 1024, 1024, 0, 0},
    {"fc1024-1024 dX b256", 256, 1024, 1024, 0, 1},
    {"fc1024-1024 dW b256", 1024, 1024, 256, 1, 0},
    {"gemv 784-128", 1, 128, 784, 0, 0},
    {"gemv 784-128 NT", 1, 128, 784, 0, 1},
    {"gemv 1024-1024", 1, 1024, 1024, 0, 0},
    {"square 512", 512, 512, 512, 0, 0},
    {"square 2048", 2048, 2048, 2048, 0, 0},
    {"lenet conv1 img", 6, 576, 25, 0, 0},
    {"lenet conv1 b64", 6, 36864, 25, 0, 0},
    {"lenet conv2 img", 16, 64, 150, 0, 0},
    {"lenet conv2 b64", 16, 4096, 150, 0, 0},
    {"lenet conv2 dcol b64", 150, 4096, 16, 1, 0},
    {"lenet conv2 dW b64", 16, 150, 4096, 0, 1},
    {"lenet fc256-120 b64", 64, 120, 256, 0, 0},
    {"resnet8 16ch img", 16, 1024, 144, 0, 0},
    {"resnet8 32ch img", 32, 256, 288, 0, 0},
    {"resnet8 64ch img", 64, 64, 576, 0, 0},
    {"resnet8 32ch b32", 32, 8192, 288, 0, 0},
    {"resnet8 64ch b32", 64, 2048, 576, 0, 0},
    {"lstm h128 step b32", 32, 512, 128, 0, 0},
    {"lstm h128 input b32xT64", 2048, 512, 65, 0, 0},
    {"lstm out b32xT64", 2048, 65, 128, 0, 0},
    {"dice 3-8 b16", 16, 8, 3, 0, 0},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes, MOST_CONTENDERS = 8, MOST_ROUNDS = 101 };

typedef void cblas_fn(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
typedef int dnnl_fn(char, char, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *, int64_t, float,
                    float *, int64_t);

typedef struct contender {
    const char *name;
    cblas_fn *cblas;
    dnnl_fn *dnnl;
    int packed;
    double took[MOST_ROUNDS];
} contender;

typedef struct bench {
    const shape *s;
    int threads;
    float *a, *b, *c, *packed;
    void *work;
    luron__gemm_args g;
} bench;

static void multiply(const bench *x, const contender *c) {
    const shape *s = x->s;
    int m = (int)s->m, n = (int)s->n, k = (int)s->k, lda = s->trans_a ? m : k, ldb = s->trans_b ? k : n;
    if (c->cblas)
        c->cblas(101, s->trans_a ? 112 : 111, s->trans_b ? 112 : 111, m, n, k, 1, x->a, lda, x->b, ldb, 0, x->c, n);
    else if (c->dnnl)
        c->dnnl(s->trans_a ? 'T' : 'N', s->trans_b ? 'T' : 'N', m, n, k, 1, x->a, lda, x->b, ldb, 0, x->c, n);
    else {
        luron__gemm_args g = x->g;
        if (c->packed) g.packed = x->packed;
        luron__gemm(&g, x->threads, x->work);
    }
}

static double time_of(const bench *x, const contender *c, long repeats) {
    double start = bench_now(bench_clock(x->threads));
    for (long i = 0; i < repeats; i++)
        multiply(x, c);
    return (bench_now(bench_clock(x->threads)) - start) / (double)repeats;
}

static void run_shape(const shape *s, contender *all, int n_all, int threads, int rounds) {
    bench x = {.s = s, .threads = threads};
    x.a = bench_memory(s->m * s->k * 4), x.b = bench_memory(s->k * s->n * 4), x.c = bench_memory(s->m * s->n * 4);
    for (int64_t i = 0; i < s->m * s->k; i++)
        x.a[i] = (float)(i * 7 % 13) / 13 - 0.5f;
    for (int64_t i = 0; i < s->k * s->n; i++)
        x.b[i] = (float)(i * 5 % 11) / 11 - 0.5f;
    x.g = (luron__gemm_args){.dtype = LURON_F32, .m = s->m, .n = s->n, .k = s->k, .a = x.a, .b = x.b, .c = x.c};
    x.g.flags = (s->trans_a ? LURON_TRANS_A : 0) | (s->trans_b ? LURON_TRANS_B : 0);
    x.g.lda = s->trans_a ? s->m : s->k, x.g.ldb = s->trans_b ? s->k : s->n, x.g.ldc = s->n;
    x.g.isa = luron__isa_pick(getenv("LURON_ISA"));
    x.work = bench_memory(luron__gemm_work(&x.g, threads));
    x.packed = bench_memory(luron__gemm_packed_bytes(&x.g));
    luron__gemm_pack(&x.g, x.packed);
    double flops = 2.0 * (double)s->m * (double)s->n * (double)s->k;
    for (int r = -1; r < rounds; r++) /* the first round warms up */
        for (int i = 0; i < n_all; i++) {
            long repeats = (long)(2e9 / flops * (threads > 1 ? 1.5 : 1)) / 4 + 1; /* about 5 ms */
            double t = time_of(&x, &all[i], repeats > 200000 ? 200000 : repeats);
            if (r >= 0) all[i].took[r] = t;
        }
    for (int i = 0; i < n_all; i++) {
        qsort(all[i].took, (size_t)rounds, sizeof(double), bench_ascending);
        double t = all[i].took[rounds / 2];
        printf("{\"shape\":\"%s\",\"m\":%d,\"n\":%d,\"k\":%d,\"op\":\"%s%s\",\"threads\":%d,\"isa\":\"%s\",\"name\":\"%"
               "s\","
               "\"us\":%.3f,\"gflops\":%.2f}\n",
               s->name, (int)s->m, (int)s->n, (int)s->k, s->trans_a ? "T" : "N", s->trans_b ? "T" : "N", threads,
               luron__isa_name(x.g.isa), all[i].name, 1e6 * t, 1e-9 * flops / t);
    }
    fflush(stdout);
    free(x.a), free(x.b), free(x.c), free(x.work), free(x.packed);
}

static int add_library(contender *c, char *argument) {
    char *path = strchr(argument, '=');
    if (!path) return fprintf(stderr, "bench_gemm: name=library.so expected, got '%s'\n", argument), -1;
    *path++ = 0;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) return fprintf(stderr, "bench_gemm: %s\n", dlerror()), -1;
    *c = (contender){.name = argument};
    *(void **)&c->cblas = dlsym(library, "cblas_sgemm");
    *(void **)&c->dnnl = dlsym(library, "dnnl_sgemm");
    if (c->cblas || c->dnnl) return 0;
    return fprintf(stderr, "bench_gemm: %s has neither cblas_sgemm nor dnnl_sgemm\n", path), -1;
}

static int read_shape(shape *s, const char *text) {
    char a, b, end;
    long long m, n, k;
    if (sscanf(text, "%lldx%lldx%lld%c%c%c", &m, &n, &k, &a, &b, &end) != 5 || m < 1 || n < 1 || k < 1) return -1;
    if ((a != 'N' && a != 'T') || (b != 'N' && b != 'T')) return -1;
    *s = (shape){text, m, n, k, a == 'T', b == 'T'};
    return 0;
}

int main(int argc, char **argv) {
    static contender all[MOST_CONTENDERS] = {{.name = "luron"}, {.name = "luron packed", .packed = 1}};
    const char *only = NULL;
    shape one = {NULL, 0, 0, 0, 0, 0};
    int n = 2, threads = 1, rounds = 7;
    for (int i = 1; i < argc; i++) {
        int more = i + 1 < argc;
        if (more && strcmp(argv[i], "--threads") == 0)
            threads = atoi(argv[++i]);
        else if (more && strcmp(argv[i], "--rounds") == 0)
            rounds = atoi(argv[++i]);
        else if (more && strcmp(argv[i], "--only") == 0)
            only = argv[++i];
        else if (more && strcmp(argv[i], "--shape") == 0 && read_shape(&one, argv[i + 1]) == 0)
            i++;
        else if (n < MOST_CONTENDERS && add_library(&all[n], argv[i]) == 0)
            n++;
        else
            return 2;
    }
    if (threads < 1 || rounds < 1 || rounds > MOST_ROUNDS)
        return fputs("bench_gemm: bad --threads or --rounds\n", stderr), 2;
    if (one.name) run_shape(&one, all, n, threads, rounds);
    for (int i = 0; i < N_SHAPES && !one.name; i++)
        if (!only || strstr(shapes[i].name, only)) run_shape(&shapes[i], all, n, threads, rounds);
    return 0;
}
