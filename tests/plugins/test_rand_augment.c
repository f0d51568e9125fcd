/* RandAugment and AugMix: what they make of an image is what Keras's layers make of it
 * (tests/data/make_rand_augment.py), chosen as often, in chains and means of them as Keras's; the weights of those have
 * the moments of their distributions. */
#include "layer_check.h"
#include "made.h"

#include "../data/rand_augment_reference.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What compares many draws or differences takes minutes under a sanitizer, which sees the same calls in the other tests. */
#ifdef __SANITIZE_ADDRESS__
enum { IS_SLOW = 1 };
#else
enum { IS_SLOW = 0 };
#endif
enum { LAYERS = 11, CONTRAST = 9, SOME = 7, CASES = 3, MOST = 64, RESULTS = 128 };
/* The layers in AugMix's order; of each the options that are made of the factor. */
static const struct {
    const char *type, *options;
} layers[LAYERS] = {
    {"RandomShear", "\"x_factor\": [%g, %g], \"y_factor\": [%g, %g]"},
    {"RandomTranslation", "\"height_factor\": [%g, %g], \"width_factor\": [%g, %g]"},
    {"RandomRotation", "\"factor\": [%g, %g]"},
    {"RandomPosterization", NULL}, /* 1 bit, or others */
    {"Solarization", "\"addition_factor\": [%g, %g], \"threshold_factor\": [%g, %g]"},
    {"AutoContrast", ""},
    {"Equalization", ""},
    {"RandomBrightness", "\"factor\": [%g, %g]"},
    {"RandomColorDegeneration", "\"factor\": [%g, %g]"},
    {"RandomContrast", "\"factor\": [%g, %g]"},
    {"RandomSharpness", "\"factor\": [%g, %g]"},
};
static int64_t numbers(size_t k) {
    return rand_augment_cases[k].shape[0] * rand_augment_cases[k].shape[1] * rand_augment_cases[k].shape[2];
}
static double at(const luron_tensor *x, int64_t i) {
    return luron_tensor_dtype(x) == LURON_F64 ? ((const double *)luron_tensor_data(x))[i]
                                              : (double)((const float *)luron_tensor_data(x))[i];
}
/* `type` with the options of case k and others. */
static luron_layer *layer_with(luron_ctx *ctx, const char *type, size_t k, const char *others) {
    char options[400];
    snprintf(options, sizeof options, "{%s%s}", rand_augment_cases[k].options, others);
    return layer_of(ctx, type, options);
}
static luron_tensor *drawn(luron_ctx *ctx, luron_layer *layer, luron_tensor *x, uint64_t seed) {
    luron_tensor *y;
    luron_ctx_seed(ctx, seed);
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 1, &x));
    return y;
}

/* ---- RandAugment --------------------------------------------------------------------------------------------------
 */
/* Is y, from `first` on, x with its distance from each channel's mean times one number of the factor's, cut off. */
static int is_contrast(const luron_tensor *x, const luron_tensor *y, int64_t first, size_t k, double tol) {
    const int64_t each = numbers(k) / 3;
    const double f = rand_augment_cases[k].factor;
    double means[3] = {0}, low, high, times = 0, farthest = 0, most = 0;
    assert_int_equal(sscanf(rand_augment_cases[k].options, "\"value_range\": [%lf, %lf]", &low, &high), 2);
    for (int64_t i = 0; i < 3 * each; i++)
        means[i / each] += at(x, first + i) / (double)each;
    for (int64_t i = 0; i < 3 * each; i++) {
        const double far = at(x, first + i) - means[i / each], got = at(y, first + i);
        if (fabs(far) > farthest && got > low && got < high)
            farthest = fabs(far), times = (got - means[i / each]) / far;
    }
    for (int64_t i = 0; i < 3 * each; i++) {
        const double far = at(x, first + i) - means[i / each];
        most = fmax(most, fabs(fmin(fmax(means[i / each] + times * far, low), high) - at(y, first + i)));
    }
    return most < 20 * tol && times >= 1 - f - 1e-4 && times <= 1 + f + 1e-4;
}
/* Which layer makes y of the case's x. */
static int layer_that_made(const luron_tensor *x, const luron_tensor *y, int64_t image, size_t k) {
    const int64_t n = numbers(k);
    double largest = 1;
    for (int64_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(rand_augment_cases[k].x[i]));
    const double tol = (luron_tensor_dtype(y) == LURON_F64 ? 1e-12 : 2e-6) * largest;
    for (int v = 0; v < rand_augment_cases[k].n; v++) {
        double most = 0;
        for (int64_t i = 0; i < n; i++)
            most = fmax(most, fabs(at(y, image * n + i) - rand_augment_cases[k].by[v].y[i]));
        if (most <= tol) return rand_augment_cases[k].by[v].layer;
    }
    return is_contrast(x, y, image * n, k, tol) ? CONTRAST : -1;
}
/* Four images of a batch: one layer for all, each as often as the others. */
static void test_rand_augment_is_keras_s(void **state) {
    luron_ctx *ctx = *state;
    enum { DRAWS = 440, IMAGES = 4 };
    for (size_t k = 0; k < 2 * CASES; k++) {
        const uint32_t dtype = k % 2 ? LURON_F64 : LURON_F32;
        const int64_t *own = rand_augment_cases[k / 2].shape, shape[] = {IMAGES, own[0], own[1], own[2]};
        double values[IMAGES * MOST];
        int found[LAYERS] = {0};
        for (int64_t i = 0; i < IMAGES * numbers(k / 2); i++)
            values[i] = rand_augment_cases[k / 2].x[i % numbers(k / 2)];
        luron_ctx_set_index_base(ctx, k % 2);
        assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
        luron_layer *layer = layer_with(ctx, "RandAugment", k / 2, ", \"num_ops\": 1");
        luron_tensor *x = tensor_of(ctx, dtype, 4, shape, values);
        for (uint64_t seed = 0; seed < DRAWS; seed++) {
            luron_tensor *y = drawn(ctx, layer, x, seed);
            const int first = layer_that_made(x, y, 0, k / 2);
            if (first < 0) fail_msg("case %d, seed %d: none of Keras's", (int)k, (int)seed);
            for (int image = 1; image < IMAGES; image++)
                assert_int_equal(layer_that_made(x, y, image, k / 2), first);
            found[first]++;
            luron_tensor_unref(y);
        }
        for (int i = 0; i < LAYERS; i++)
            assert_in_range(found[i], 40 - 30, 40 + 30); /* five standard errors */
        luron_tensor_unref(x);
        luron_layer_unref(layer);
    }
}

/* A layer alone, at the factor of case k. */
static luron_layer *alone(luron_ctx *ctx, int i, size_t k) {
    const double f = rand_augment_cases[k].factor;
    const char *type = layers[i].type, *range = strstr(rand_augment_cases[k].options, ", \"factor\""),
               *between = strstr(rand_augment_cases[k].options, ", \"interpolation\"");
    const int is_moved = i < 3, bits = (int)(8 * f);
    char own[200], options[400];
    if (layers[i].options)
        snprintf(own, sizeof own, layers[i].options, f, f, f, f);
    else
        snprintf(own, sizeof own, "\"factor\": %d", bits < 1 ? 1 : bits);
    const char *rest = is_moved ? between + 2 : rand_augment_cases[k].options;
    snprintf(options, sizeof options, "{%s%s%.*s}", own, *own ? ", " : "",
             is_moved ? (int)strlen(rest) : (int)(range - rest), rest);
    return layer_of(ctx, type, options);
}
/* With the same seed the first layer is the same whatever num_ops: what the second makes of its result is what one of
 * the layers alone does, for one of some seeds. */
static void test_rand_augment_goes_on(void **state) {
    luron_ctx *ctx = *state;
    enum { DRAWS = 60, TRIES = 8 };
    luron_layer *each[LAYERS];
    int found[LAYERS] = {0};
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    luron_layer *once = layer_with(ctx, "RandAugment", 0, ", \"num_ops\": 1"),
                *twice = layer_with(ctx, "RandAugment", 0, ", \"num_ops\": 2");
    luron_tensor *x = tensor_of(ctx, LURON_F64, 3, rand_augment_cases[0].shape, rand_augment_cases[0].x);
    for (int i = 0; i < LAYERS; i++)
        each[i] = alone(ctx, i, 0);
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        luron_tensor *y = drawn(ctx, once, x, seed), *z = drawn(ctx, twice, x, seed);
        int by = -1;
        for (int i = 0; i < LAYERS && by < 0; i++)
            for (uint64_t try = 0; try < TRIES && by < 0; try++) {
                luron_tensor *own = drawn(ctx, each[i], y, try);
                double most = 0;
                for (int64_t j = 0; j < numbers(0); j++)
                    most = fmax(most, fabs(at(own, j) - at(z, j)));
                if (most < 1e-9) by = i;
                luron_tensor_unref(own);
            }
        if (by < 0 && is_contrast(y, z, 0, 0, 1e-9)) by = CONTRAST;
        assert_true(by >= 0);
        found[by]++;
        luron_tensor_unref(y), luron_tensor_unref(z);
    }
    for (int i = 0; i < 3; i++)
        assert_true(found[i] > 0);
    for (int i = 0; i < LAYERS; i++)
        luron_layer_unref(each[i]);
    luron_tensor_unref(x);
    luron_layer_unref(once), luron_layer_unref(twice);
}

/* ---- AugMix --------------------------------------------------------------------------------------------------------
 */
/* What chains may make of x, a number of it less x's. */
typedef struct results {
    int n;
    double of[RESULTS][MOST];
} results;
/* Are `b` of n results, less x, what y less x is; b: by least squares. */
static int fits(const results *all, const int *which, int n, const double *y, int64_t size, double *b) {
    double a[3][4] = {{0}}, left = 0;
    for (int i = 0; i < n; i++)
        for (int64_t k = 0; k < size; k++) {
            for (int j = 0; j < n; j++)
                a[i][j] += all->of[which[i]][k] * all->of[which[j]][k];
            a[i][n] += all->of[which[i]][k] * y[k];
        }
    for (int i = 0; i < n; i++) /* positive definite: no pivot is looked for */
        for (int row = 0; row < n; row++) {
            const double times = a[row][i] / a[i][i];
            for (int j = 0; j <= n && row != i; j++)
                a[row][j] -= times * a[i][j];
        }
    for (int i = 0; i < n; i++)
        b[i] = a[i][n] / a[i][i];
    for (int64_t k = 0; k < size; k++) {
        double made = 0;
        for (int i = 0; i < n; i++)
            made += b[i] * all->of[which[i]][k];
        left = fmax(left, fabs(made - y[k]));
    }
    for (int i = 0; i < n; i++)
        if (!(b[i] > (n > 1 ? 1e-6 : 0) && b[i] <= 1)) return 0;
    return left < 1e-7; /* of numbers up to 255 */
}
/* The weights of n different results of which y is made, with x; 0: there are not as many. */
static int weights_of(const results *all, const double *y, int64_t size, int n, double *b) {
    int which[3] = {0, 1, 2};
    while (which[n - 1] < all->n) {
        if (fits(all, which, n, y, size, b)) return 1;
        int i = n - 1;
        while (i > 0 && which[i] + 1 == (i == n - 1 ? all->n : which[i + 1]))
            i--;
        for (which[i]++, i++; i < n; i++)
            which[i] = which[i - 1] + 1;
    }
    return 0;
}
static void differences(luron_tensor *y, size_t k, double *to) {
    for (int64_t i = 0; i < numbers(k); i++)
        to[i] = at(y, i) - rand_augment_cases[k].x[i];
}
/* The results of the first layers, as Keras has them, and their number. */
static int results_of(size_t k, int first, results *all) {
    all->n = 0;
    for (int v = 0; v < rand_augment_cases[k].n; v++) {
        if (rand_augment_cases[k].by[v].layer >= first) continue;
        for (int64_t i = 0; i < numbers(k); i++)
            all->of[all->n][i] = rand_augment_cases[k].by[v].y[i] - rand_augment_cases[k].x[i];
        all->n++;
    }
    return all->n;
}

/* Moments around `middle`, against those expected within five standard errors, which the sample gives. */
typedef struct sample {
    int n;
    double of[10000];
} sample;
static void check_moment(const sample *s, double middle, int power, double expected, const char *what) {
    double mean = 0, spread = 0;
    for (int i = 0; i < s->n; i++)
        mean += pow(s->of[i] - middle, power) / s->n;
    for (int i = 0; i < s->n; i++)
        spread += pow(pow(s->of[i] - middle, power) - mean, 2) / s->n;
    if (fabs(mean - expected) > 5 * sqrt(spread / s->n))
        fail_msg("%s: moment %d of %d numbers is %g, %g expected", what, power, s->n, mean, expected);
}
/* Mean, variance, skewness and kurtosis of Beta(a, b). */
static void check_beta(const sample *s, double a, double b, const char *what) {
    const double mean = a / (a + b), variance = a * b / ((a + b) * (a + b) * (a + b + 1));
    const double excess =
        6 * ((a - b) * (a - b) * (a + b + 1) - a * b * (a + b + 2)) / (a * b * (a + b + 2) * (a + b + 3));
    check_moment(s, mean, 1, 0, what);
    check_moment(s, mean, 2, variance, what);
    check_moment(s, mean, 3, 2 * (b - a) * sqrt(a + b + 1) / ((a + b + 2) * sqrt(a * b)) * variance * sqrt(variance),
                 what);
    check_moment(s, mean, 4, (excess + 3) * variance * variance, what);
}
/* AugMix of case 0 on its image, `draws` times: how often it stays and is no mean of as many of `all` as there are
 * chains; else the image's weight and the first chain's part of the others. */
typedef struct mix {
    results all;
    int still, unlike;
    sample kept, share;
} mix;
static void draw_mixes(luron_ctx *ctx, mix *m, const char *options, int draws, int chains) {
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    luron_layer *layer = layer_with(ctx, "AugMix", 0, options);
    luron_tensor *x = tensor_of(ctx, LURON_F64, 3, rand_augment_cases[0].shape, rand_augment_cases[0].x);
    for (int seed = 0; seed < draws; seed++) {
        double d[MOST], b[3], most = 0, sum = 0;
        luron_tensor *y = drawn(ctx, layer, x, (uint64_t)seed);
        differences(y, 0, d);
        luron_tensor_unref(y);
        for (int64_t i = 0; i < numbers(0); i++)
            most = fmax(most, fabs(d[i]));
        if (most < 1e-10) {
            m->still++;
            continue;
        }
        if (!weights_of(&m->all, d, numbers(0), chains, b)) {
            m->unlike++;
            continue;
        }
        for (int i = 0; i < chains; i++)
            sum += b[i];
        m->kept.of[m->kept.n++] = 1 - sum, m->share.of[m->share.n++] = b[0] / sum;
    }
    luron_tensor_unref(x);
    luron_layer_unref(layer);
}

/* A chain of one layer, or of none: x and the layer's result, weighted by numbers of Beta(alpha, alpha). There are
 * enough for 1 that numbers of the gamma distribution of a shape less by a third would be told. */
static void test_aug_mix_weighs_the_image(void **state) {
    if (IS_SLOW) skip();
    static const struct {
        double alpha;
        int draws;
    } cases[] = {{0.2, 1200}, {1, 10000}, {20, 1200}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const int draws = cases[k].draws, bound = (int)(5 * sqrt(draws * 7.0 / 64));
        char options[100];
        mix m = {.still = 0};
        results_of(0, SOME, &m.all);
        snprintf(options, sizeof options, ", \"num_chains\": 1, \"chain_depth\": 1, \"all_ops\": false, \"alpha\": %g",
                 cases[k].alpha);
        draw_mixes(*state, &m, options, draws, 1);
        assert_int_equal(m.unlike, 0);
        assert_in_range(m.still, draws / 8 - bound, draws / 8 + bound); /* nothing: one of eight */
        check_beta(&m.kept, cases[k].alpha, cases[k].alpha, "the image's weight");
    }
}
/* Three chains of different layers, which are not all of the draws: their parts of what is not the image's are
 * Dirichlet's, of which each is Beta(alpha, 2 alpha)'s. */
static void test_aug_mix_weighs_the_chains(void **state) {
    if (IS_SLOW) skip();
    static const double alphas[] = {0.5, 1, 4};
    for (size_t a = 0; a < sizeof alphas / sizeof *alphas; a++) {
        char options[100];
        mix m = {.still = 0};
        results_of(0, SOME, &m.all);
        snprintf(options, sizeof options, ", \"chain_depth\": 1, \"all_ops\": false, \"alpha\": %g", alphas[a]);
        draw_mixes(*state, &m, options, 800, 3);
        assert_in_range(m.kept.n, 800 * 0.41 - 70, 800 * 0.41 + 70); /* 7 * 6 * 5 of 8^3 */
        check_beta(&m.kept, alphas[a], alphas[a], "the image's weight");
        check_beta(&m.share, alphas[a], 2 * alphas[a], "a chain's weight");
    }
}
/* With all layers one of twelve draws nothing, one the contrast, whose results are not known, eight of ten the others'.
 */
static void test_aug_mix_of_all_layers(void **state) {
    mix m = {.still = 0};
    results_of(0, LAYERS, &m.all);
    draw_mixes(*state, &m, ", \"num_chains\": 1, \"chain_depth\": 1", 600, 1);
    assert_in_range(m.still, 50 - 34, 50 + 34);
    assert_in_range(m.unlike, 50 - 34, 50 + 34);
    m = (mix){.still = 0};
    results_of(0, SOME, &m.all);
    draw_mixes(*state, &m, ", \"num_chains\": 1, \"chain_depth\": 1", 600, 1);
    assert_in_range(m.unlike, 200 - 58, 200 + 58);
}

/* What a layer makes of what another has made, or of x itself: all that a chain of two may come to. */
static void chains_of_two(luron_ctx *ctx, results *all) {
    enum { TRIES = 5 };
    results first;
    const int n = results_of(0, SOME, &first);
    memset(first.of[n], 0, sizeof first.of[n]);
    all->n = 0;
    for (int v = 0; v <= n; v++) {
        double before[MOST];
        for (int64_t i = 0; i < numbers(0); i++)
            before[i] = rand_augment_cases[0].x[i] + first.of[v][i];
        luron_tensor *x = tensor_of(ctx, LURON_F64, 3, rand_augment_cases[0].shape, before);
        for (int i = 0; i < SOME; i++) {
            luron_layer *layer = alone(ctx, i, 0);
            for (uint64_t try = 0; try < (i == 0 ? TRIES : 1); try++) { /* a shear has two signs */
                luron_tensor *y = drawn(ctx, layer, x, try);
                differences(y, 0, all->of[all->n++]);
                luron_tensor_unref(y);
            }
            luron_layer_unref(layer);
        }
        luron_tensor_unref(x);
    }
}
static void test_aug_mix_has_chains(void **state) {
    mix m = {.still = 0};
    assert_ok(*state, luron_ctx_set_default_dtype(*state, LURON_F64));
    chains_of_two(*state, &m.all);
    draw_mixes(*state, &m, ", \"num_chains\": 1, \"chain_depth\": 2, \"all_ops\": false", 200, 1);
    assert_int_equal(m.unlike, 0);
    assert_true(m.kept.n > 150);
}

/* ---- gradients -----------------------------------------------------------------------------------------------------
 */
static void test_rand_augment_gradients(void **state) {
    if (IS_SLOW) skip();
#define WIDE "\"value_range\": [-9, 9]"
    static const layer_case cases[] = {
        {"RandAugment", "{" WIDE "}", 1, {{INPUT_SHAPE(2, 3, 2, 2)}}, .tol = 1e-6},
        {"RandAugment",
         "{\"num_ops\": 1, \"interpolation\": \"nearest\", " WIDE "}",
         1,
         {{INPUT_SHAPE(3, 2, 1)}},
         .tol = 1e-6,
         .order = 2},
        {"RandAugment", NULL, 1, {{INPUT_SHAPE(0, 3, 2, 4)}}, .tol = 1e-6},
        {"AugMix", "{\"num_chains\": 2, \"chain_depth\": 1, " WIDE "}", 1, {{INPUT_SHAPE(3, 2, 2)}}, .tol = 1e-6},
        {"AugMix",
         "{\"all_ops\": false, \"num_chains\": 2, \"chain_depth\": 1, " WIDE "}",
         1,
         {{INPUT_SHAPE(1, 2, 2)}},
         .tol = 1e-6,
         .order = 2},
        {"AugMix", NULL, 1, {{INPUT_SHAPE(3, 0, 4)}}, .tol = 1e-6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        layer_check(*state, &cases[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_rand_augment_is_keras_s),   test_case(test_rand_augment_goes_on),
        test_case(test_rand_augment_gradients),    test_case(test_aug_mix_weighs_the_image),
        test_case(test_aug_mix_weighs_the_chains), test_case(test_aug_mix_of_all_layers),
        test_case(test_aug_mix_has_chains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
