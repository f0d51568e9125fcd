/* bench_floor.c -- what this machine can do: the floors under the workloads of run.sh, as one line of JSON.
 *
 *   bench_floor [--threads N] [--file PATH] [--quick]
 *
 * peak: multiply-adds of float32 in registers, FLOP/s; l2, ram: bytes/s read from 512 KiB and 128 MiB; dice: seconds of
 * a training step of a 3-8-2 network in straight-line C; with a file: bytes/s of 100 MB, written with fsync and read.
 * peak, l2 and ram are of all threads together. Medians; on one thread the time on the processor. */
#include "support/bench.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

enum { MOST_ROUNDS = 7, MOST_THREADS = 64, CHAINS = 12, MEGABYTES = 100 };
typedef struct work {
    const float *numbers;
    long n, repeats;
    void (*fn)(const struct work *);
} work;

static int n_threads = 1, n_rounds = MOST_ROUNDS;
static volatile float sink;

static double median(double *times) {
    qsort(times, (size_t)n_rounds, sizeof *times, bench_ascending);
    return times[n_rounds / 2];
}

/* ---- arithmetic -------------------------------------------------------------------------------------------------- */
/* CHAINS independent chains of multiply-adds, as many as hide the latency; gives the floating-point operations of a
 * turn. */
#define DEFINE_CHAINS(name, attribute, vector, set1, fma, add, first)                                                  \
    attribute static void name(const work *w) {                                                                        \
        vector sums[CHAINS], x = set1(0.999f), y = set1(1e-3f);                                                        \
        for (int i = 0; i < CHAINS; i++)                                                                               \
            sums[i] = set1((float)i);                                                                                  \
        for (long k = 0; k < w->repeats; k++) {                                                                        \
            _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) sums[i] = fma(sums[i], x, y);                    \
        }                                                                                                              \
        for (int i = 1; i < CHAINS; i++)                                                                               \
            sums[0] = add(sums[0], sums[i]);                                                                           \
        sink = first(sums[0]);                                                                                         \
    }
#if defined(__x86_64__)
DEFINE_CHAINS(chains_16, __attribute__((target("avx512f"))), __m512, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_add_ps,
              _mm512_cvtss_f32)
DEFINE_CHAINS(chains_8, __attribute__((target("avx2,fma"))), __m256, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_add_ps,
              _mm256_cvtss_f32)
#define MUL_ADD_4(a, x, y) _mm_add_ps(_mm_mul_ps(a, x), y)
DEFINE_CHAINS(chains_4, , __m128, _mm_set1_ps, MUL_ADD_4, _mm_add_ps, _mm_cvtss_f32)
#elif defined(__aarch64__)
#define FMA_4(a, x, y) vfmaq_f32(y, a, x)
#define FIRST_4(a) vgetq_lane_f32(a, 0)
DEFINE_CHAINS(chains_4, , float32x4_t, vdupq_n_f32, FMA_4, vaddq_f32, FIRST_4)
#else
#define SAME(a) (a)
#define MUL_ADD(a, x, y) ((a) * (x) + (y))
#define ADD(a, b) ((a) + (b))
DEFINE_CHAINS(chains_1, , float, SAME, MUL_ADD, ADD, SAME)
#endif

/* Read all numbers, again and again. */
#if defined(__x86_64__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
static void read_all(const work *w) {
    float total = 0;
    for (long r = 0; r < w->repeats; r++) {
        float sums[64] = {0};
        for (long k = 0; k + 64 <= w->n; k += 64)
            for (int i = 0; i < 64; i++)
                sums[i] += w->numbers[k + i];
        total += sums[r & 63];
    }
    sink = total;
}

static void *on_thread(void *w) {
    ((const work *)w)->fn(w);
    return NULL;
}

/* Seconds of w done by all threads at once, each with a part of the numbers from `apart` numbers on. */
static double time_of(work w, long apart) {
    pthread_t threads[MOST_THREADS];
    work parts[MOST_THREADS];
    double times[MOST_ROUNDS];
    clockid_t clock = n_threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
    for (int r = 0; r < n_rounds; r++) {
        double start = bench_now(clock);
        for (int i = 1; i < n_threads; i++) {
            parts[i] = w;
            parts[i].numbers += apart * i;
            if (pthread_create(&threads[i], NULL, on_thread, &parts[i])) exit(1);
        }
        w.fn(&w);
        for (int i = 1; i < n_threads; i++)
            pthread_join(threads[i], NULL);
        times[r] = bench_now(clock) - start;
    }
    return median(times);
}

static double flops_of(void (*fn)(const work *), int lanes) {
    static const float none[1];
    work w = {none, 0, 2000000, fn};
    return 2.0 * lanes * CHAINS * (double)w.repeats * n_threads / time_of(w, 0);
}

static double peak(void) {
#if defined(__x86_64__)
    double best = flops_of(chains_4, 4), other;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && (other = flops_of(chains_8, 8)) > best)
        best = other;
    if (__builtin_cpu_supports("avx512f") && (other = flops_of(chains_16, 16)) > best) best = other;
    return best;
#elif defined(__aarch64__)
    return flops_of(chains_4, 4);
#else
    return flops_of(chains_1, 1);
#endif
}

/* Bytes a second; each thread reads `bytes` of its own. */
static double bandwidth(long bytes, long repeats) {
    long n = bytes / 4;
    float *numbers = aligned_alloc(64, (size_t)bytes * (size_t)n_threads);
    if (!numbers) exit(1);
    for (long i = 0; i < n * n_threads; i++)
        numbers[i] = (float)(i & 7);
    double seconds = time_of((work){numbers, n, repeats, read_all}, n);
    free(numbers);
    return (double)bytes * (double)repeats * n_threads / seconds;
}

/* ---- dice -------------------------------------------------------------------------------------------------------- */
typedef struct net {
    float w1[3][8], b1[8], w2[8][2], b2[2];
} net;

/* Add the gradient of one example to g. */
static void example(const net *q, net *g, const float *x, float target) {
    float h[8], z = q->b2[1] - q->b2[0];
    for (int j = 0; j < 8; j++) {
        float v = q->b1[j] + x[0] * q->w1[0][j] + x[1] * q->w1[1][j] + x[2] * q->w1[2][j];
        h[j] = v > 0 ? v : 0;
        z += h[j] * (q->w2[j][1] - q->w2[j][0]);
    }
    float dz = (1 / (1 + expf(-z)) - target) / 16;
    for (int j = 0; j < 8; j++) {
        float d = h[j] > 0 ? dz * (q->w2[j][1] - q->w2[j][0]) : 0;
        g->w2[j][0] -= h[j] * dz, g->w2[j][1] += h[j] * dz;
        g->b1[j] += d;
        for (int k = 0; k < 3; k++)
            g->w1[k][j] += x[k] * d;
    }
    g->b2[0] -= dz, g->b2[1] += dz;
}

static double dice(void) {
    enum { STEPS = 13 * 200 };
    static float x[216][3], y[216];
    net q;
    float *all = (float *)&q, *grads;
    for (int k = 0; k < 216; k++) {
        int d[3] = {k / 36 + 1, k / 6 % 6 + 1, k % 6 + 1};
        for (int j = 0; j < 3; j++)
            x[k][j] = ((float)d[j] - 3.5f) / 1.7078f;
        y[k] = d[0] + d[1] + d[2] > 10;
    }
    for (size_t i = 0; i < sizeof q / 4; i++)
        all[i] = (float)(i * 7 % 13) / 13 - 0.5f;
    double times[MOST_ROUNDS];
    for (int r = 0; r < n_rounds; r++) {
        double start = bench_now(CLOCK_THREAD_CPUTIME_ID);
        for (int s = 0; s < STEPS; s++) {
            net g = {0};
            grads = (float *)&g;
            for (int i = 0; i < 16; i++) {
                int at = (s * 16 + i) * 37 % 216;
                example(&q, &g, x[at], y[at]);
            }
            for (size_t i = 0; i < sizeof q / 4; i++)
                all[i] -= 0.1f * grads[i];
        }
        times[r] = (bench_now(CLOCK_THREAD_CPUTIME_ID) - start) / STEPS;
    }
    sink = all[0];
    return median(times);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */
/* All of `bytes` to or from the file. */
static void transfer(int file, char *at, long bytes, int is_write) {
    while (bytes > 0) {
        ssize_t n = is_write ? write(file, at, (size_t)bytes) : read(file, at, (size_t)bytes);
        if (n <= 0) {
            perror("bench_floor: file");
            exit(1);
        }
        at += n, bytes -= n;
    }
}

static void files(const char *path, double *write_speed, double *read_speed) {
    long bytes = MEGABYTES * 1000000L;
    double writes[MOST_ROUNDS], reads[MOST_ROUNDS];
    char *block = malloc((size_t)bytes);
    if (!block) exit(1);
    memset(block, 7, (size_t)bytes);
    for (int r = 0; r < n_rounds; r++) {
        double start = bench_now(CLOCK_MONOTONIC);
        int file = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
        transfer(file, block, bytes, 1);
        if (fsync(file)) exit(1);
        writes[r] = bench_now(CLOCK_MONOTONIC) - start;
        lseek(file, 0, SEEK_SET);
        start = bench_now(CLOCK_MONOTONIC);
        transfer(file, block, bytes, 0);
        reads[r] = bench_now(CLOCK_MONOTONIC) - start;
        close(file);
        unlink(path);
    }
    free(block);
    *write_speed = (double)bytes / median(writes), *read_speed = (double)bytes / median(reads);
}

int main(int argc, char **argv) {
    const char *path = NULL;
    double write_speed = 0, read_speed = 0;
    for (int i = 1; i < argc; i++) {
        if (i + 1 < argc && strcmp(argv[i], "--threads") == 0)
            n_threads = atoi(argv[++i]);
        else if (i + 1 < argc && strcmp(argv[i], "--file") == 0)
            path = argv[++i];
        else if (strcmp(argv[i], "--quick") == 0)
            n_rounds = 5;
        else
            return fprintf(stderr, "bench_floor: unknown argument '%s'\n", argv[i]), 2;
    }
    if (n_threads < 1 || n_threads > MOST_THREADS) return fputs("bench_floor: bad --threads\n", stderr), 2;
    if (path) files(path, &write_speed, &read_speed);
    printf("{\"threads\":%d,\"peak\":%.4g,\"l2\":%.4g,\"ram\":%.4g,\"dice\":%.4g,\"write\":%.4g,\"read\":%.4g}\n",
           n_threads, peak(), bandwidth(512 << 10, 1000), bandwidth(128 << 20, 1), dice(), write_speed, read_speed);
    return 0;
}
