/* Random numbers: Philox against its published vectors, distributions, and what the bits depend on. All seeds are
 * fixed, so no test is a matter of luck; a right generator would exceed a bound once in a million seeds.             */
#include "internal.h"
#include "tensor_assert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 200000 };

static luron_tensor *fresh(luron_ctx *ctx, uint32_t dtype, int64_t n) {
    luron_tensor *t;
    assert_ok(ctx, luron_tensor_new(&t, ctx, dtype, 1, &n));
    return t;
}

typedef luron_status (*draw_fn)(luron_ctx *ctx, luron_tensor *t);
static luron_status uniform_(luron_ctx *ctx, luron_tensor *t) { return luron_tensor_uniform(ctx, t, -1, 3); }
static luron_status normal_(luron_ctx *ctx, luron_tensor *t) { return luron_tensor_normal(ctx, t, 1, 2); }
static luron_status bernoulli_(luron_ctx *ctx, luron_tensor *t) { return luron_tensor_bernoulli(ctx, t, 0.3); }
static const draw_fn draws[] = {uniform_, normal_, bernoulli_};
enum { N_DRAWS = 3 };

/* ---- the generator ---------------------------------------------------------------------------------------------- */

/* kat_vectors of Random123 for philox4x32, 10 rounds. */
static void test_random_philox_known_answers(void **state) {
    (void)state;
    static const uint32_t want[3][4] = {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                                        {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
                                        {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
    uint32_t out[4];
    luron__philox(0, 0, 0, 0, out);
    assert_memory_equal(out, want[0], sizeof out);
    luron__philox(UINT64_MAX, 0xffffffffffff, 0xffffffff, 0xffffffffffff, out);
    assert_memory_equal(out, want[1], sizeof out);
    luron__philox(0x299f31d0a4093822, 0x734413198a2e, 0x85a308d3, 0x0370243f6a88, out); /* word 3 is 0370 7344 */
    assert_memory_equal(out, want[2], sizeof out);
}

static void test_random_uniform_series_cut_anywhere(void **state) {
    (void)state;
    float all[1000], part[1000];
    double all_f64[1000], part_f64[1000];
    luron__uniform_f32(7, 8, 9, 0, 1000, all);
    luron__uniform_f64(7, 8, 9, 0, 1000, all_f64);
    for (int64_t first = 0, n = 1; first + n <= 1000; first += n, n = n * 3 % 271) {
        luron__uniform_f32(7, 8, 9, first, n, part);
        luron__uniform_f64(7, 8, 9, first, n, part_f64);
        assert_memory_equal(part, all + first, (size_t)n * sizeof *part);
        assert_memory_equal(part_f64, all_f64 + first, (size_t)n * sizeof *part_f64);
    }
}

/* ---- what the bits depend on ------------------------------------------------------------------------------------ */

static void test_random_element_depends_on_its_position_alone(void **state) {
    luron_ctx *ctx = *state;
    for (int d = 0; d < N_DRAWS; d++)
        for (int wide = 0; wide < 2; wide++) {
            uint32_t dtype = wide ? LURON_F64 : LURON_F32;
            luron_tensor *few = fresh(ctx, dtype, 7), *many = fresh(ctx, dtype, 1000), *head;
            luron_ctx_set_random_state(ctx, 5, 11);
            assert_ok(ctx, draws[d](ctx, few));
            luron_ctx_set_random_state(ctx, 5, 11);
            assert_ok(ctx, draws[d](ctx, many));
            assert_ok(ctx, luron_narrow(&head, ctx, many, 0, 0, 7));
            assert_tensor_same(few, head);
            luron_tensor_unref(few);
            luron_tensor_unref(many);
            luron_tensor_unref(head);
        }
}

static void test_random_same_bits_at_any_thread_count(void **state) {
    luron_ctx *ctx = *state;
    static const int threads[] = {1, 2, 3, 8};
    for (int d = 0; d < N_DRAWS; d++)
        for (int wide = 0; wide < 2; wide++) {
            luron_tensor *first = NULL;
            for (int i = 0; i < 4; i++) {
                luron_tensor *t = fresh(ctx, wide ? LURON_F64 : LURON_F32, MANY + 3);
                assert_ok(ctx, luron_ctx_set_threads(ctx, threads[i]));
                luron_ctx_seed(ctx, 17);
                assert_ok(ctx, draws[d](ctx, t));
                if (!first)
                    first = t;
                else {
                    assert_tensor_same(t, first);
                    luron_tensor_unref(t);
                }
            }
            luron_tensor_unref(first);
        }
}

static void test_random_strided_targets(void **state) {
    luron_ctx *ctx = *state;
    for (int d = 0; d < N_DRAWS; d++) {
        luron_tensor *base, *t, *turned, *plain;
        assert_ok(ctx, luron_tensor_full(&base, ctx, LURON_F32, LURON_SHAPE(40, 2, 31), 99));
        assert_ok(ctx, luron_select(&t, ctx, base, 1, 1));
        assert_ok(ctx, luron_transpose(&turned, ctx, t, 0, 1)); /* (31, 40) */
        assert_ok(ctx, luron_tensor_new(&plain, ctx, LURON_F32, LURON_SHAPE(31, 40)));
        luron_ctx_seed(ctx, 3);
        assert_ok(ctx, draws[d](ctx, turned));
        luron_ctx_seed(ctx, 3);
        assert_ok(ctx, draws[d](ctx, plain));
        assert_tensor_same(turned, plain);
        luron_tensor *rest;
        assert_ok(ctx, luron_select(&rest, ctx, base, 1, 0)); /* between the rows: untouched */
        double sum = 0, value[1240];
        assert_ok(ctx, luron_tensor_read(ctx, rest, LURON_F64, value));
        for (int i = 0; i < 1240; i++) sum += value[i];
        assert_true(sum == 99.0 * 1240);
        luron_tensor *all[] = {base, t, turned, plain, rest};
        for (int i = 0; i < 5; i++) luron_tensor_unref(all[i]);
    }
}

static void test_random_each_draw_takes_one_position(void **state) {
    luron_ctx *ctx = *state;
    uint64_t seed, position;
    luron_tensor *t = fresh(ctx, LURON_F32, 100), *u = fresh(ctx, LURON_F32, 100), *ids,
                 *none = fresh(ctx, LURON_F32, 0);
    luron_ctx_seed(ctx, 42);
    assert_ok(ctx, uniform_(ctx, t));
    assert_ok(ctx, uniform_(ctx, u));
    assert_memory_not_equal(luron_tensor_data(t), luron_tensor_data(u), 400);
    assert_ok(ctx, luron_tensor_permutation(&ids, ctx, 5));
    assert_ok(ctx, normal_(ctx, none));
    for (int kind = LURON_INIT_ZEROS; kind <= LURON_INIT_NORMAL; kind++)
        assert_ok(ctx, luron__init_tensor(ctx, t, (luron_init){kind, 0, 0, 1}));
    luron_ctx_random_state(ctx, &seed, &position);
    assert_int_equal(seed, 42);
    assert_int_equal(position, 8);
    assert_ok(ctx, uniform_(ctx, t));
    luron_ctx_set_random_state(ctx, 42, 8); /* the number of the draw brings it back */
    assert_ok(ctx, uniform_(ctx, u));
    assert_tensor_same(t, u);
    luron_ctx_seed(ctx, 43);
    luron_ctx_set_random_state(ctx, 43, 8);
    assert_ok(ctx, uniform_(ctx, u));
    assert_memory_not_equal(luron_tensor_data(t), luron_tensor_data(u), 400);
    luron_tensor *all[] = {t, u, ids, none};
    for (int i = 0; i < 4; i++) luron_tensor_unref(all[i]);
}

/* ---- distributions ---------------------------------------------------------------------------------------------- */
typedef struct moments {
    double mean, variance, skew, kurtosis;
} moments;

static moments moments_of(const double *x, int n) {
    moments m = {0};
    for (int i = 0; i < n; i++) m.mean += x[i] / n;
    for (int i = 0; i < n; i++) m.variance += (x[i] - m.mean) * (x[i] - m.mean) / n;
    for (int i = 0; i < n; i++) {
        double z = (x[i] - m.mean) / sqrt(m.variance);
        m.skew += z * z * z / n;
        m.kurtosis += z * z * z * z / n;
    }
    return m;
}

/** Chi-square of counts against equal expectations, as a standard normal (Wilson and Hilferty). */
static double chi_square_z(const int *count, int cells, int n) {
    double sum = 0, expect = (double)n / cells, k = cells - 1;
    for (int i = 0; i < cells; i++) sum += (count[i] - expect) * (count[i] - expect) / expect;
    return (cbrt(sum / k) - (1 - 2 / (9 * k))) / sqrt(2 / (9 * k));
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/** Kolmogorov and Smirnov: sqrt(n) times the largest distance; 2.7 is exceeded once in a million. */
static double ks_distance(double *x, int n, double (*cdf)(double)) {
    double most = 0;
    qsort(x, (size_t)n, sizeof *x, by_value);
    for (int i = 0; i < n; i++) {
        double f = cdf(x[i]), up = fabs((i + 1.0) / n - f), down = fabs(f - (double)i / n);
        most = fmax(most, fmax(up, down));
    }
    return most * sqrt(n);
}

static double uniform_cdf(double x) { return (x + 1) / 4; }
static double normal_cdf(double x) { return 0.5 * erfc(-(x - 1) / 2 / sqrt(2)); }

static double *drawn(luron_ctx *ctx, draw_fn draw, uint32_t dtype, uint64_t seed) {
    luron_tensor *t = fresh(ctx, dtype, MANY);
    double *x = malloc(MANY * sizeof *x);
    assert_non_null(x);
    luron_ctx_seed(ctx, seed);
    assert_ok(ctx, draw(ctx, t));
    assert_ok(ctx, luron_tensor_read(ctx, t, LURON_F64, x));
    luron_tensor_unref(t);
    return x;
}

/* Five standard errors each: 5 sigma is one in 1.7 million. */
static void test_random_uniform_distribution(void **state) {
    for (int wide = 0; wide < 2; wide++) {
        double *x = drawn(*state, uniform_, wide ? LURON_F64 : LURON_F32, 1);
        moments m = moments_of(x, MANY);
        int count[64] = {0};
        for (int i = 0; i < MANY; i++) {
            assert_true(x[i] >= -1 && x[i] < 3);
            count[(int)((x[i] + 1) * 16)]++;
        }
        assert_true(fabs(m.mean - 1) < 5 * sqrt(16.0 / 12 / MANY));
        assert_true(fabs(m.variance - 16.0 / 12) < 5 * sqrt((256.0 / 80 - 256.0 / 144) / MANY));
        assert_true(fabs(chi_square_z(count, 64, MANY)) < 5);
        assert_true(ks_distance(x, MANY, uniform_cdf) < 2.7);
        free(x);
    }
}

static void test_random_normal_distribution(void **state) {
    for (int wide = 0; wide < 2; wide++) {
        double *x = drawn(*state, normal_, wide ? LURON_F64 : LURON_F32, 2);
        moments m = moments_of(x, MANY);
        int count[64] = {0};
        for (int i = 0; i < MANY; i++) {
            int cell = (int)(normal_cdf(x[i]) * 64);
            count[cell < 64 ? cell : 63]++;
        }
        assert_true(fabs(m.mean - 1) < 5 * sqrt(4.0 / MANY));
        assert_true(fabs(m.variance - 4) < 5 * sqrt(2 * 16.0 / MANY));
        assert_true(fabs(m.skew) < 5 * sqrt(6.0 / MANY));
        assert_true(fabs(m.kurtosis - 3) < 5 * sqrt(24.0 / MANY));
        assert_true(fabs(chi_square_z(count, 64, MANY)) < 5);
        double pairs = 0; /* the two numbers of a pair have nothing in common */
        for (int i = 0; i < MANY; i += 2) pairs += (x[i] - 1) * (x[i + 1] - 1) / 4 / (MANY / 2);
        assert_true(fabs(pairs) < 5 / sqrt(MANY / 2));
        assert_true(ks_distance(x, MANY, normal_cdf) < 2.7);
        assert_true(x[0] < 1 - 2 * 4 &&
                    x[MANY - 1] > 1 + 2 * 4); /* tails: beyond 4 deviations there are about 6 a side */
        free(x);
    }
}

/* Number by number, from the words of the generator. */
static void test_random_normal_is_box_muller(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *narrow = fresh(ctx, LURON_F32, 1001), *wide = fresh(ctx, LURON_F64, 1001);
    luron_ctx_seed(ctx, 21);
    assert_ok(ctx, luron_tensor_normal(ctx, narrow, 1, 2));
    assert_ok(ctx, luron_tensor_normal(ctx, wide, 1, 2));
    double turn = 2 * acos(-1), want[2][1001];
    for (int j = 0; j < 1001; j++) {
        uint32_t a[4], b[4];
        luron__philox(21, 0, 0, (uint64_t)j / 4, a);
        luron__philox(21, 1, 0, (uint64_t)j / 2, b);
        uint64_t first = (b[0] | (uint64_t)b[1] << 32) >> 11, second = (b[2] | (uint64_t)b[3] << 32) >> 11;
        double angle[2] = {turn * a[j % 4 / 2 * 2 + 1] * 0x1p-32, turn * (double)second * 0x1p-53};
        double u[2] = {(a[j % 4 / 2 * 2] + 1.0) * 0x1p-32, (double)(first + 1) * 0x1p-53};
        for (int k = 0; k < 2; k++) want[k][j] = 1 + 2 * sqrt(-2 * log(u[k])) * (j % 2 ? sin(angle[k]) : cos(angle[k]));
    }
    assert_tensor_close(narrow, want[0], 1001, 0, 5e-6); /* angles up to 2 pi in float32, radii up to 6.7 */
    assert_tensor_close(wide, want[1], 1001, 0, 1e-14);
    luron_tensor_unref(narrow);
    luron_tensor_unref(wide);
}

static void test_random_bernoulli_distribution(void **state) {
    static const uint32_t dtypes[] = {LURON_F32, LURON_F64, LURON_F16, LURON_BF16,
                                      LURON_I64, LURON_I32, LURON_U8,  LURON_B8};
    luron_ctx *ctx = *state;
    double *first = drawn(ctx, bernoulli_, LURON_F32, 3), sum = 0;
    for (int i = 0; i < MANY; i++) {
        assert_true(first[i] == 0 || first[i] == 1);
        sum += first[i];
    }
    assert_true(fabs(sum / MANY - 0.3) < 5 * sqrt(0.3 * 0.7 / MANY));
    for (int d = 1; d < 8; d++) {
        double *x = drawn(ctx, bernoulli_, dtypes[d], 3);
        assert_memory_equal(x, first, MANY * sizeof *x); /* the same choice in every dtype */
        free(x);
    }
    free(first);
    luron_tensor *t = fresh(ctx, LURON_U8, MANY);
    for (int p = 0; p < 2; p++) {
        assert_ok(ctx, luron_tensor_bernoulli(ctx, t, p));
        for (int i = 0; i < MANY; i++) assert_int_equal(((uint8_t *)luron_tensor_data(t))[i], p);
    }
    luron_tensor_unref(t);
}

/* Draws at neighbouring positions, seeds and streams have nothing in common. */
static void test_random_series_are_independent(void **state) {
    (void)state;
    enum { N = 20000 };
    static float base[N], other[N];
    static const uint64_t states[][3] = {{0, 0, 1}, {0, 1, 0}, {1, 0, 0}, {1ull << 32, 0, 0}, {0, 1ull << 32, 0}};
    luron__uniform_f32(0, 0, 0, 0, N, base);
    for (int s = 0; s < 5; s++) {
        double sum = 0;
        luron__uniform_f32(states[s][0], states[s][1], (uint32_t)states[s][2], 0, N, other);
        for (int i = 0; i < N; i++) sum += (base[i] - 0.5) * (other[i] - 0.5) * 12 / N;
        assert_true(fabs(sum) < 5 / sqrt(N));
        assert_memory_not_equal(base, other, sizeof base);
    }
}

/* ---- permutations ----------------------------------------------------------------------------------------------- */

static void test_random_permutation_is_one(void **state) {
    luron_ctx *ctx = *state;
    static const int64_t sizes[] = {0, 1, 2, 3, 10, 1001, 65536};
    static unsigned char seen[65536];
    for (int base = 0; base < 2; base++) {
        luron_ctx_set_index_base(ctx, base);
        for (int i = 0; i < 7; i++) {
            luron_tensor *t;
            assert_ok(ctx, luron_tensor_permutation(&t, ctx, sizes[i]));
            assert_int_equal(luron_tensor_dtype(t), LURON_I64);
            assert_shape(t, sizes[i]);
            memset(seen, 0, sizeof seen);
            const int64_t *ids = luron_tensor_data(t);
            for (int64_t k = 0; k < sizes[i]; k++) {
                assert_in_range(ids[k] - base, 0, sizes[i] - 1);
                assert_int_equal(seen[ids[k] - base]++, 0);
            }
            luron_tensor_unref(t);
        }
    }
}

/* All 24 orders of four are equally frequent. */
static void test_random_permutation_distribution(void **state) {
    luron_ctx *ctx = *state;
    enum { ROUNDS = 24000 };
    int count[256] = {0}, orders[24], n = 0;
    for (int i = 0; i < ROUNDS; i++) {
        luron_tensor *t;
        assert_ok(ctx, luron_tensor_permutation(&t, ctx, 4));
        const int64_t *ids = luron_tensor_data(t);
        count[ids[0] << 6 | ids[1] << 4 | ids[2] << 2 | ids[3]]++;
        luron_tensor_unref(t);
    }
    for (int i = 0; i < 256; i++)
        if (count[i]) {
            assert_in_range(n, 0, 23);
            orders[n++] = count[i];
        }
    assert_int_equal(n, 24);
    assert_true(fabs(chi_square_z(orders, 24, ROUNDS)) < 5);
}

/* ---- errors ----------------------------------------------------------------------------------------------------- */

static void test_random_refuses(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *t = fresh(ctx, LURON_F32, 3), *ids = fresh(ctx, LURON_I64, 3), *wide, *one = fresh(ctx, LURON_F32, 1),
                 *p = NULL;
    uint64_t seed, position;
    assert_fails(ctx, luron_tensor_uniform(ctx, ids, 0, 1), LURON_E_DTYPE, "uniform: a real dtype expected, got int64");
    assert_fails(ctx, luron_tensor_normal(ctx, ids, 0, 1), LURON_E_DTYPE, "normal: a real dtype expected, got int64");
    assert_fails(ctx, luron_tensor_uniform(ctx, t, 1, 0), LURON_E_ARGUMENT,
                 "uniform: finite ends, the lower one first, expected, got 1 and 0");
    assert_fails(ctx, luron_tensor_uniform(ctx, t, NAN, 0), LURON_E_ARGUMENT, "uniform");
    assert_fails(ctx, luron_tensor_uniform(ctx, t, -INFINITY, 0), LURON_E_ARGUMENT, "uniform");
    assert_fails(ctx, luron_tensor_uniform(ctx, t, -1e300, 1e300), LURON_E_ARGUMENT, "too far for float32");
    assert_fails(ctx, luron_tensor_normal(ctx, t, 0, -1), LURON_E_ARGUMENT,
                 "normal: a finite mean and a deviation of 0 or more expected, got 0 and -1");
    assert_fails(ctx, luron_tensor_bernoulli(ctx, t, 1.5), LURON_E_ARGUMENT,
                 "bernoulli: a probability of 0 to 1 expected, got 1.5");
    assert_fails(ctx, luron_tensor_bernoulli(ctx, t, NAN), LURON_E_ARGUMENT, "bernoulli");
    assert_fails(ctx, luron_tensor_permutation(&p, ctx, -1), LURON_E_ARGUMENT, "permutation: n is -1");
    assert_fails(ctx, luron__init_tensor(ctx, t, (luron_init){99, 0, 0, 0}), LURON_E_ARGUMENT, "kind 99");
    assert_ok(ctx, luron_expand(&wide, ctx, one, LURON_SHAPE(5)));
    assert_fails(ctx, luron_tensor_uniform(ctx, wide, 0, 1), LURON_E_STATE, "uniform: an expanded tensor");
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, t, 1));
    assert_fails(ctx, luron_tensor_normal(ctx, t, 0, 1), LURON_E_STATE, "normal");
    assert_fails(ctx, luron_tensor_bernoulli(ctx, t, 0.5), LURON_E_STATE, "bernoulli");
    luron_ctx_random_state(ctx, &seed, &position);
    assert_int_equal(position, 0); /* a draw that fails takes no number */
    uint64_t version = luron_tensor_version(t);
    luron_ctx_set_recording(ctx, 0);
    assert_ok(ctx, luron_tensor_normal(ctx, t, 0, 1));
    assert_true(luron_tensor_version(t) > version);
    luron_tensor *all[] = {t, ids, wide, one};
    for (int i = 0; i < 4; i++) luron_tensor_unref(all[i]);
}

/* The upper end is never reached, by rounding neither. */
static void test_random_uniform_leaves_out_its_end(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *t = fresh(ctx, LURON_F32, MANY);
    assert_ok(ctx, luron_tensor_uniform(ctx, t, 1, 1 + 0x1p-22)); /* two floats lie within */
    const float *x = luron_tensor_data(t);
    int low = 0;
    for (int i = 0; i < MANY; i++) {
        assert_true(x[i] == 1 || x[i] == 1 + 0x1p-23f);
        low += x[i] == 1;
    }
    assert_true(low > MANY / 5 && low < MANY / 2);
    assert_ok(ctx, luron_tensor_uniform(ctx, t, 2, 2));
    for (int i = 0; i < MANY; i++) assert_true(x[i] == 2);
    luron_tensor_unref(t);
}

/* Nor does rounding to 16 bits reach it. */
static void test_random_uniform_of_16_bits_leaves_out_its_end(void **state) {
    luron_ctx *ctx = *state;
    static const struct {
        uint32_t dtype;
        double a, b, last;
    } cases[] = {{LURON_F16, 0, 1, 1 - 0x1p-11},       {LURON_BF16, 0, 1, 1 - 0x1p-8}, {LURON_F16, -2, -1, -1 - 0x1p-10},
                 {LURON_BF16, -1, 0, -0x1p-133},       {LURON_F16, 1, 1 + 0x1p-10, 1}, {LURON_F16, 3, 3, 3},
                 {LURON_F16, 60000, 1e5, 65504}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        luron_tensor *t = fresh(ctx, cases[k].dtype, MANY), *largest, *least;
        double x, y;
        assert_ok(ctx, luron_tensor_uniform(ctx, t, cases[k].a, cases[k].b));
        assert_ok(ctx, luron_amax(&largest, ctx, t, 0, NULL, 0));
        assert_ok(ctx, luron_amin(&least, ctx, t, 0, NULL, 0));
        assert_ok(ctx, luron_tensor_item(&x, ctx, largest));
        assert_ok(ctx, luron_tensor_item(&y, ctx, least));
        assert_true(x <= cases[k].last && y >= cases[k].a);
        luron_tensor_unref(t), luron_tensor_unref(largest), luron_tensor_unref(least);
    }
}

static void test_random_init(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *t = fresh(ctx, LURON_F32, 1000), *u = fresh(ctx, LURON_F32, 1000);
    assert_ok(ctx, luron__init_tensor(ctx, t, luron_init_constant(2.5)));
    for (int i = 0; i < 1000; i++) assert_true(((float *)luron_tensor_data(t))[i] == 2.5f);
    assert_ok(ctx, luron__init_tensor(ctx, t, luron_init_zeros()));
    for (int i = 0; i < 1000; i++) assert_true(((float *)luron_tensor_data(t))[i] == 0);
    luron_ctx_seed(ctx, 9);
    assert_ok(ctx, luron__init_tensor(ctx, t, luron_init_uniform(-1, 3)));
    luron_ctx_seed(ctx, 9);
    assert_ok(ctx, uniform_(ctx, u));
    assert_tensor_same(t, u);
    luron_ctx_seed(ctx, 9);
    assert_ok(ctx, luron__init_tensor(ctx, t, luron_init_normal(1, 2)));
    luron_ctx_seed(ctx, 9);
    assert_ok(ctx, normal_(ctx, u));
    assert_tensor_same(t, u);
    luron_tensor_unref(t);
    luron_tensor_unref(u);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_random_philox_known_answers),
        test_case(test_random_uniform_series_cut_anywhere),
        test_case(test_random_element_depends_on_its_position_alone),
        test_case(test_random_same_bits_at_any_thread_count),
        test_case(test_random_strided_targets),
        test_case(test_random_each_draw_takes_one_position),
        test_case(test_random_uniform_distribution),
        test_case(test_random_normal_distribution),
        test_case(test_random_normal_is_box_muller),
        test_case(test_random_bernoulli_distribution),
        test_case(test_random_series_are_independent),
        test_case(test_random_permutation_is_one),
        test_case(test_random_permutation_distribution),
        test_case(test_random_refuses),
        test_case(test_random_uniform_leaves_out_its_end),
        test_case(test_random_uniform_of_16_bits_leaves_out_its_end),
        test_case(test_random_init),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
