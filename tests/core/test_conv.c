/* The convolution kernels: bit for bit against loops that state the rule of their sums (kernels/conv.h), over random
 * shapes, on every instruction set that is here. */
#include "internal.h"
#include "kernels/conv_part.h"
#include "tensor_assert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CANARY = 0x5a, ROOM = 64 };

/* ---- a small generator, so that failures repeat ------------------------------------------------------------------ */
static uint32_t next(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}
static int64_t among(uint32_t *seed, int64_t least, int64_t most) { return least + next(seed) % (most - least + 1); }

/* ---- one convolution ----------------------------------------------------------------------------------------------
 */
enum { FORWARD, GRAD_INPUT, GRAD_WEIGHT };
typedef struct problem {
    luron__conv_args g;
    int64_t n[4]; /* numbers of x, w, gy, bias */
    char *data[4];
    int size;
} problem;

static int64_t volume(const int64_t *d) { return d[0] * d[1] * d[2]; }
static double at(const problem *p, const char *from, int64_t i) {
    return p->size == 4 ? ((const float *)(const void *)from)[i] : ((const double *)(const void *)from)[i];
}

static bool outputs(luron__conv_args *g, const int64_t *after) {
    for (int d = 0; d < 3; d++) {
        const int64_t room = g->in[d] + g->before[d] + after[d] - g->dilation[d] * (g->kernel[d] - 1) - 1;
        if (room < 0) return false;
        g->out[d] = room / g->stride[d] + 1;
    }
    return true;
}

static void fill(problem *p, uint32_t *seed) {
    luron__conv_args *g = &p->g;
    p->size = (int)luron_dtype_size(g->dtype);
    p->n[0] = g->images * g->c_in * volume(g->in);
    p->n[1] = g->c_out * (g->c_in / g->groups) * volume(g->kernel);
    p->n[2] = g->images * g->c_out * volume(g->out);
    p->n[3] = g->c_out;
    const bool sparse = next(seed) % 2; /* few numbers of gy are not 0, as behind max pooling */
    for (int i = 0; i < 4; i++) {
        p->data[i] = malloc((size_t)(p->n[i] * p->size + 1)); /* exactly: reads past the end are found */
        assert_non_null(p->data[i]);
        for (int64_t k = 0; k < p->n[i]; k++) {
            const double v = sparse && i == 2 && next(seed) % 8 ? 0 : (double)next(seed) / 8388608.0 - 1;
            if (p->size == 4)
                ((float *)(void *)p->data[i])[k] = (float)v;
            else
                ((double *)(void *)p->data[i])[k] = v;
        }
    }
    g->x = p->data[0], g->w = p->data[1], g->gy = p->data[2];
}

static void drop(problem *p) {
    for (int i = 0; i < 4; i++)
        free(p->data[i]);
}

/* ---- the rule ------------------------------------------------------------------------------------------------------
 */
/* Ascending terms of one sum: chains in ceil(n / 512) equal blocks, the longer ones first. */
typedef struct term {
    double w, x;
} term;
static double chain(const problem *p, const term *t, int64_t n) {
    const int64_t blocks = n > 512 ? (n + 511) / 512 : 1;
    const bool fused = p->g.isa != LURON__ISA_PLAIN;
    double y = 0;
    for (int64_t b = 0; b < blocks; b++) {
        float s = 0;
        double d = 0;
        for (int64_t m = n / blocks + (b < n % blocks); m > 0; m--, t++) {
            if (p->size == 4)
                s = fused ? fmaf((float)t->w, (float)t->x, s) : (float)t->w * (float)t->x + s;
            else
                d = fused ? fma(t->w, t->x, d) : t->w * t->x + d;
        }
        if (p->size == 4)
            y = b ? (float)y + s : s;
        else
            y = b ? y + d : d;
    }
    return y;
}

/* y + beta c + bias, rounded after each. */
static double finish(const problem *p, double y, double c, const double *bias) {
    const double beta = p->g.beta;
    if (p->size == 8) {
        if (beta != 0) y = y + beta * c;
        return bias ? y + *bias : y;
    }
    float f = (float)y;
    if (beta != 0) {
        const float more = (float)beta * (float)c;
        f = f + more;
    }
    return bias ? f + (float)*bias : f;
}

static void split(const int64_t *d, int64_t i, int64_t *to) {
    to[2] = i % d[2], to[1] = i / d[2] % d[1], to[0] = i / d[2] / d[1];
}

static double rule_forward(const problem *p, int64_t image, int64_t c, int64_t pixel, term *terms) {
    const luron__conv_args *g = &p->g;
    const int64_t taps = volume(g->kernel), c_in = g->c_in / g->groups, first = c / (g->c_out / g->groups) * c_in;
    int64_t q[3], n = 0, k[3], s[3];
    split(g->out, pixel, q);
    for (int64_t i = 0; i < c_in * taps; i++) {
        bool inside = true;
        split(g->kernel, i % taps, k);
        for (int d = 0; d < 3; d++) {
            s[d] = q[d] * g->stride[d] + k[d] * g->dilation[d] - g->before[d];
            inside &= s[d] >= 0 && s[d] < g->in[d];
        }
        const int64_t channel = image * g->c_in + first + i / taps;
        terms[n++] =
            (term){at(p, g->w, c * c_in * taps + i),
                   inside ? at(p, g->x, ((channel * g->in[0] + s[0]) * g->in[1] + s[1]) * g->in[2] + s[2]) : 0};
    }
    return chain(p, terms, n);
}

static double rule_input(const problem *p, int64_t image, int64_t c, int64_t pixel, term *terms) {
    const luron__conv_args *g = &p->g;
    const int64_t taps = volume(g->kernel), c_in = g->c_in / g->groups, c_out = g->c_out / g->groups, group = c / c_in;
    int64_t q[3], n = 0, k[3], s[3];
    split(g->in, pixel, q);
    for (int64_t o = group * c_out; o < (group + 1) * c_out; o++)
        for (int64_t i = 0; i < taps; i++) {
            bool there = true, inside = true;
            split(g->kernel, i, k);
            for (int d = 0; d < 3; d++) {
                const int64_t place = q[d] + g->before[d] - k[d] * g->dilation[d];
                there &= place % g->stride[d] == 0;
                s[d] = place / g->stride[d];
                inside &= s[d] >= 0 && s[d] < g->out[d];
            }
            if (!there) continue;
            const int64_t channel = image * g->c_out + o;
            terms[n++] =
                (term){at(p, g->w, (o * c_in + c % c_in) * taps + i),
                       inside ? at(p, g->gy, ((channel * g->out[0] + s[0]) * g->out[1] + s[1]) * g->out[2] + s[2]) : 0};
        }
    return chain(p, terms, n);
}

/* In float64, and the sum of the magnitudes, for the bound of the error. */
static double exact_weight(const problem *p, int64_t c, int64_t k, double *magnitude, int64_t *count) {
    const luron__conv_args *g = &p->g;
    const int64_t taps = volume(g->kernel), c_in = g->c_in / g->groups, first = c / (g->c_out / g->groups) * c_in;
    int64_t t[3], q[3], s[3];
    double y = 0;
    *magnitude = 0, *count = 0;
    split(g->kernel, k % taps, t);
    for (int64_t image = 0; image < g->images; image++)
        for (int64_t pixel = 0; pixel < volume(g->out); pixel++) {
            bool inside = true;
            split(g->out, pixel, q);
            for (int d = 0; d < 3; d++) {
                s[d] = q[d] * g->stride[d] + t[d] * g->dilation[d] - g->before[d];
                inside &= s[d] >= 0 && s[d] < g->in[d];
            }
            if (!inside) continue;
            const int64_t channel = image * g->c_in + first + k / taps;
            const double v = at(p, g->gy, (image * g->c_out + c) * volume(g->out) + pixel) *
                             at(p, g->x, ((channel * g->in[0] + s[0]) * g->in[1] + s[1]) * g->in[2] + s[2]);
            y += v, *magnitude += fabs(v), ++*count;
        }
    return y;
}

/* ---- running -------------------------------------------------------------------------------------------------------
 */
/* The result on so many threads; what is around it and behind `work` has to stay. Caller frees. */
static char *run(const problem *p, int what, int threads, const char *before, int64_t n) {
    static void (*const fn[])(const luron__conv_args *, int, void *) = {luron__conv, luron__conv_grad_input,
                                                                        luron__conv_grad_weight};
    luron__conv_args g = p->g;
    const int64_t bytes = luron__conv_work(&g, threads);
    char *to = malloc((size_t)(n * p->size + 2 * ROOM)), *work = malloc((size_t)bytes + ROOM);
    assert_true(to && work);
    memset(to, CANARY, (size_t)(n * p->size + 2 * ROOM));
    memset(work, 0xff, (size_t)bytes); /* NaN: nothing is read that was not written */
    memset(work + bytes, CANARY, ROOM);
    memcpy(to + ROOM, before, (size_t)(n * p->size));
    g.to = to + ROOM;
    fn[what](&g, threads, work);
    for (int i = 0; i < ROOM; i++)
        assert_true(to[i] == CANARY && to[ROOM + n * p->size + i] == CANARY && work[bytes + i] == CANARY);
    free(work);
    return to;
}

static void check(problem *p, int what, uint32_t *seed, const char *name) {
    static const int threads[] = {1, 2, 3, 8};
    const luron__conv_args *g = &p->g;
    const int64_t n = p->n[what == FORWARD ? 2 : what == GRAD_INPUT ? 0 : 1];
    char *before = malloc((size_t)(n * p->size + 1)), *first = NULL;
    term *terms = malloc(sizeof *terms * (size_t)((g->c_in + g->c_out) * volume(g->kernel) + 1));
    for (int64_t i = 0; i < n; i++)
        if (p->size == 4)
            ((float *)(void *)before)[i] = g->beta == 0 ? NAN : (float)i; /* beta 0 does not read */
        else
            ((double *)(void *)before)[i] = g->beta == 0 ? NAN : (double)i;
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        char *to = run(p, what, threads[t], before, n);
        if (t == 0)
            first = to;
        else {
            if (memcmp(first + ROOM, to + ROOM, (size_t)(n * p->size)))
                fail_msg("%s: other bits with %d threads", name, threads[t]);
            free(to);
        }
    }
    const int64_t pixels = volume(what == FORWARD ? g->out : g->in), channels = what == FORWARD ? g->c_out : g->c_in;
    const int64_t k = g->c_in / g->groups * volume(g->kernel), step = n > 4000 ? n / 2000 : 1;
    for (int64_t i = n > 4000 ? next(seed) % step : 0; i < n; i += step) {
        const double got = at(p, first + ROOM, i), was = at(p, before, i);
        double want, bound = 0, magnitude;
        int64_t count;
        if (what == GRAD_WEIGHT) {
            want = exact_weight(p, i / k, i % k, &magnitude, &count) + (g->beta != 0 ? g->beta * was : 0);
            bound = (p->size == 4 ? 6e-8 : 1.2e-16) * (double)(count + 8) * (magnitude + fabs(g->beta != 0 ? was : 0));
        } else {
            const int64_t c = i / pixels % channels, image = i / pixels / channels;
            const double bias = what == FORWARD && g->bias ? at(p, g->bias, c) : 0;
            want = what == FORWARD ? rule_forward(p, image, c, i % pixels, terms)
                                   : rule_input(p, image, c, i % pixels, terms);
            want = finish(p, want, was, what == FORWARD && g->bias ? &bias : NULL);
        }
        if (!(fabs(got - want) <= bound))
            fail_msg("%s: number %lld is %.17g, not %.17g", name, (long long)i, got, want);
    }
    free(before), free(first), free(terms);
}

static void check_all(luron__conv_args g, uint32_t seed) {
    static const char *const names[] = {"forward", "gradient of the input", "gradient of the weight"};
    for (int isa = 0; isa < LURON__ISA_COUNT; isa++) {
        if (luron__isa_pick(luron__isa_name(isa)) != isa) continue;
        for (int f64 = 0; f64 < 2; f64++) {
            uint32_t s = seed;
            problem p = {.g = g};
            p.g.dtype = f64 ? LURON_F64 : LURON_F32, p.g.isa = isa;
            fill(&p, &s);
            for (int what = 0; what < 3; what++) {
                char name[512];
                p.g.beta = s % 3 == 0 ? 0 : s % 3 == 1 ? 1 : -0.5;
                p.g.bias = next(&s) % 2 ? p.data[3] : NULL;
                snprintf(name, sizeof name,
                         "%s %s %s: %lld images, %lld groups, %lld -> %lld channels, in %lld %lld %lld, out %lld %lld "
                         "%lld, kernel %lld "
                         "%lld %lld, stride %lld %lld %lld, dilation %lld %lld %lld, padding %lld %lld %lld",
                         luron__isa_name(isa), f64 ? "float64" : "float32", names[what], (long long)g.images,
                         (long long)g.groups, (long long)g.c_in, (long long)g.c_out, (long long)g.in[0],
                         (long long)g.in[1], (long long)g.in[2], (long long)g.out[0], (long long)g.out[1],
                         (long long)g.out[2], (long long)g.kernel[0], (long long)g.kernel[1], (long long)g.kernel[2],
                         (long long)g.stride[0], (long long)g.stride[1], (long long)g.stride[2],
                         (long long)g.dilation[0], (long long)g.dilation[1], (long long)g.dilation[2],
                         (long long)g.before[0], (long long)g.before[1], (long long)g.before[2]);
                check(&p, what, &s, name);
            }
            drop(&p);
        }
    }
}

static void test_conv_random_shapes(void **state) {
    (void)state;
    uint32_t seed = 12;
    luron__parallel_always(true);
    for (int tried = 0, done = 0; done < 160; tried++) {
        const int dims = 1 + tried % 3;
        luron__conv_args g = {.images = among(&seed, 0, 9) / 3, .groups = among(&seed, 1, 3)};
        if (next(&seed) % 2) g.groups = 1;
        g.c_in = g.groups * among(&seed, 1, 5), g.c_out = g.groups * among(&seed, 1, 19);
        int64_t after[3] = {0};
        for (int d = 0; d < 3; d++) {
            g.in[d] = g.kernel[d] = g.stride[d] = g.dilation[d] = 1;
            if (d < 3 - dims) continue;
            g.in[d] = among(&seed, 1, dims == 1 ? 70 : dims == 2 ? 20 : 7);
            g.kernel[d] = among(&seed, 1, 5);
            if (next(&seed) % 2) g.stride[d] = among(&seed, 1, 4);
            if (next(&seed) % 3 == 0) g.dilation[d] = among(&seed, 1, 3);
            if (next(&seed) % 2) g.before[d] = among(&seed, 0, 7), after[d] = among(&seed, 0, 7);
        }
        if (!outputs(&g, after)) continue;
        check_all(g, next(&seed));
        done++;
    }
    luron__parallel_always(false);
}

/* Beyond the sizes of blocks: chains over 512, several bands across and along, parts of images, sets of taps, pixels
 * over a run; all of a 1 x 1 in place. */
static void test_conv_large_shapes(void **state) {
    (void)state;
    static const luron__conv_args cases[] = {
        {.images = 9, .groups = 1, .c_in = 1, .c_out = 6, .in = {1, 28, 28}, .kernel = {1, 5, 5}},
        {.images = 9, .groups = 1, .c_in = 6, .c_out = 16, .in = {1, 12, 12}, .kernel = {1, 5, 5}},
        {.images = 3, .groups = 2, .c_in = 6, .c_out = 10, .in = {1, 13, 9}, .kernel = {1, 3, 2}, .before = {0, 2, 1}},
        {.images = 3, .groups = 1, .c_in = 3, .c_out = 8, .in = {1, 20, 300}, .kernel = {1, 3, 3}, .before = {0, 1, 1}},
        {.images = 2, .groups = 1, .c_in = 60, .c_out = 9, .in = {1, 9, 9}, .kernel = {1, 3, 3}, .before = {0, 1, 1}},
        {.images = 9,
         .groups = 1,
         .c_in = 16,
         .c_out = 16,
         .in = {1, 32, 32},
         .kernel = {1, 3, 3},
         .before = {0, 1, 1}},
        {.images = 1,
         .groups = 1,
         .c_in = 2,
         .c_out = 3,
         .in = {1, 1, 5000},
         .kernel = {1, 1, 25},
         .before = {0, 0, 12}},
        {.images = 1, .groups = 1, .c_in = 40, .c_out = 5, .in = {1, 70, 90}, .kernel = {1, 3, 3}, .stride = {0, 2, 2}},
        {.images = 3, .groups = 1, .c_in = 33, .c_out = 17, .in = {1, 9, 13}, .kernel = {1, 1, 1}},
        {.images = 2, .groups = 1, .c_in = 20, .c_out = 40, .in = {1, 32, 32}, .kernel = {1, 1, 1}},
        {.images = 2,
         .groups = 24,
         .c_in = 24,
         .c_out = 24,
         .in = {1, 30, 30},
         .kernel = {1, 3, 3},
         .before = {0, 1, 1}},
        {.images = 1,
         .groups = 2,
         .c_in = 8,
         .c_out = 12,
         .in = {9, 11, 17},
         .kernel = {3, 3, 3},
         .before = {1, 1, 1},
         .stride = {2, 1, 3}},
        {.images = 2, .groups = 1, .c_in = 3, .c_out = 5, .in = {1, 24, 24}, .kernel = {1, 8, 8}, .stride = {1, 8, 8}},
        /* depths that no tap reaches, and one tap that is not at the first */
        {.images = 2, .groups = 1, .c_in = 3, .c_out = 70, .in = {5, 8, 9}, .kernel = {1, 3, 3}, .before = {0, 1, 1}, .stride = {2, 2, 2}},
        {.images = 2, .groups = 1, .c_in = 6, .c_out = 90, .in = {6, 12, 12}, .kernel = {1, 1, 1}, .stride = {2, 2, 2}},
        {.images = 3, .groups = 1, .c_in = 2, .c_out = 5, .in = {4, 3, 3}, .kernel = {1, 1, 1}, .before = {1, 0, 0}, .stride = {2, 1, 1}},
        {.images = 8, .groups = 1, .c_in = 1, .c_out = 256, .in = {1, 16, 16}, .kernel = {1, 3, 3}, .before = {1, 1, 1}, .stride = {2, 2, 2}},
        {.images = 2, .groups = 2, .c_in = 4, .c_out = 6, .in = {2, 7, 7}, .kernel = {1, 2, 2}, .before = {2, 0, 0}, .stride = {3, 2, 2}},
        {.images = 2, .groups = 1, .c_in = 1200, .c_out = 2, .in = {1, 2, 3}, .kernel = {1, 2, 2}, .before = {0, 1, 1}},
        {.images = 1,
         .groups = 1,
         .c_in = 1,
         .c_out = 1,
         .in = {1, 1, 3},
         .kernel = {1, 1, 1},
         .before = {0, 0, 40},
         .stride = {1, 1, 50}},
    };
    luron__parallel_always(true);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        luron__conv_args g = cases[i];
        for (int d = 0; d < 3; d++) {
            g.dilation[d] = 1;
            if (!g.stride[d]) g.stride[d] = 1;
        }
        assert_true(outputs(&g, g.before));
        check_all(g, (uint32_t)i);
    }
    luron__parallel_always(false);
}

/* Many weights for few places (kernels/conv_deep.c), with strides, dilation, groups and depths. */
static void test_conv_deep_shapes(void **state) {
    (void)state;
    uint32_t seed = 5;
    int made = 0, summed = 0;
    luron__parallel_always(true);
    for (int done = 0; done < 6;) {
        const int dims = 1 + done % 3;
        luron__conv_args g = {.images = among(&seed, 1, done % 3 ? 4 : 20), .groups = among(&seed, 1, 2)};
        g.c_in = g.groups * among(&seed, 60, 90), g.c_out = g.groups * among(&seed, 250, 270);
        int64_t after[3] = {0};
        for (int d = 0; d < 3; d++) {
            g.in[d] = g.kernel[d] = g.stride[d] = g.dilation[d] = 1;
            if (d < 3 - dims) continue;
            g.in[d] = among(&seed, 1, dims == 1 ? 20 : dims == 2 ? 9 : 4);
            g.kernel[d] = dims == 1 ? among(&seed, 7, 9) : dims == 2 ? 3 : 2;
            if (next(&seed) % 3 == 0) g.stride[d] = 2;
            if (next(&seed) % 4 == 0) g.dilation[d] = 2;
            g.before[d] = among(&seed, 0, g.kernel[d]), after[d] = among(&seed, 0, g.kernel[d]);
        }
        if (!outputs(&g, after)) continue;
        g.dtype = LURON_F32;
        const luron__conv_part p = luron__conv_part_of(&g, false, NULL);
        made += luron__conv_is_deep(&p), summed += luron__conv_sums_deep(&p);
        check_all(g, next(&seed));
        done++;
    }
    luron__parallel_always(false);
    assert_true(made >= 3 && summed >= 4);
}

/* Shares of images that are unlike: the shorter ones' product is cut into more tiles here, which want more memory. */
static void test_conv_deep_shares(void **state) {
    (void)state;
    static const struct {
        int64_t images, c_in, c_out, side;
        int threads;
    } cases[] = {{211, 64, 256, 3, 6}, {193, 128, 128, 4, 12}, {38, 64, 512, 8, 16}};
    uint32_t seed = 3;
    luron__parallel_always(true);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        problem p = {.g = {.dtype = LURON_F32, .isa = luron__isa_pick(NULL), .images = cases[i].images, .groups = 1, .c_in = cases[i].c_in,
            .c_out = cases[i].c_out, .in = {1, cases[i].side, cases[i].side}, .kernel = {1, 3, 3}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}}};
        assert_true(outputs(&p.g, p.g.before));
        fill(&p, &seed);
        p.g.x = NULL;
        char *before = calloc((size_t)p.n[0], sizeof(float)), *one = run(&p, GRAD_INPUT, 1, before, p.n[0]);
        char *many = run(&p, GRAD_INPUT, cases[i].threads, before, p.n[0]);
        assert_memory_equal(one + ROOM, many + ROOM, (size_t)p.n[0] * sizeof(float));
        free(before), free(one), free(many);
        drop(&p);
    }
    luron__parallel_always(false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv_deep_shapes),
        cmocka_unit_test(test_conv_deep_shares),
        cmocka_unit_test(test_conv_random_shapes),
        cmocka_unit_test(test_conv_large_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
