/* tensor_assert.c -- see tensor_assert.h. Uses the public interface alone, as half of the tests see no more. */
#include "tensor_assert.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the context of the running test holds; luron_ctx_new hands its address to `counted`. */
typedef struct counts {
    atomic_llong bytes, blocks;
} counts;
typedef struct fixture {
    luron_ctx *ctx;
    counts held;
} fixture;
static fixture current; /* cmocka runs one test at a time */

static void *counted(void *ud, void *ptr, size_t old_size, size_t new_size) {
    counts *held = ud;
    if (new_size == 0) {
        if (ptr) {
            held->blocks--;
            held->bytes -= (long long)old_size;
        }
        free(ptr);
        return NULL;
    }
    void *fresh = realloc(ptr, new_size);
    if (!fresh) return NULL;
    held->bytes += (long long)new_size - (ptr ? (long long)old_size : 0);
    if (!ptr) held->blocks++;
    return fresh;
}

int test_ctx_new(void **state) {
    if (luron_ctx_new(&current.ctx, counted, &current.held) != LURON_OK) return -1;
    *state = current.ctx;
    return 0;
}

int test_ctx_free(void **state) {
    luron_ctx_free(*state);
    long long blocks = current.held.blocks, bytes = current.held.bytes;
    current.held.blocks = 0; /* the next test starts from nothing */
    current.held.bytes = 0;
    if (blocks || bytes) print_error("%lld blocks, %lld bytes were not released\n", blocks, bytes);
    return blocks || bytes ? -1 : 0;
}

void assert_ok_(luron_ctx *ctx, luron_status status, const char *expr, const char *file, int line) {
    if (status == LURON_OK) return;
    print_error("%s\n  gave %s: %s\n", expr, luron_status_name(status), luron_ctx_error(ctx));
    _fail(file, line);
}

void assert_fails_(luron_ctx *ctx, luron_status got, luron_status status, const char *part, const char *expr,
                   const char *file, int line) {
    if (got == status && strstr(luron_ctx_error(ctx), part)) return;
    print_error("%s\n  gave %s: %s\n  expected %s: ... %s ...\n", expr, luron_status_name(got),
                got ? luron_ctx_error(ctx) : "", luron_status_name(status), part);
    _fail(file, line);
}

luron_tensor *tensor_of(luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape, const double *values) {
    luron_tensor *wide = NULL, *t = NULL;
    const int64_t none = 0;
    if (ndim == 0) shape = &none; /* NULL will do for the caller */
    if (!values) {
        assert_ok(ctx, luron_tensor_full(&t, ctx, dtype, ndim, shape, 0));
        return t;
    }
    assert_ok(ctx, luron_tensor_from(&wide, ctx, LURON_F64, ndim, shape, values));
    if (dtype == LURON_F64) return wide;
    assert_ok(ctx, luron_cast(&t, ctx, wide, dtype));
    luron_tensor_unref(wide);
    return t;
}

static double half_value(unsigned bits) {
    int exponent = bits >> 10 & 31;
    double fraction = bits & 1023;
    double size = exponent == 31 ? (fraction ? NAN : INFINITY)
                  : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                 : ldexp(fraction, -24);
    return bits & 0x8000 ? -size : size;
}

/* Element at p; its own conversions, so that a wrong one in the library cannot hide. */
static double value_at(uint32_t dtype, const char *p) {
    union {
        float f;
        uint32_t u;
    } bits;
    uint16_t half;
    switch (dtype) {
    case LURON_F32:
        return *(const float *)(const void *)p;
    case LURON_F64:
        return *(const double *)(const void *)p;
    case LURON_I64:
        return (double)*(const int64_t *)(const void *)p;
    case LURON_I32:
        return *(const int32_t *)(const void *)p;
    case LURON_U8:
    case LURON_B8:
        return *(const uint8_t *)p;
    default:
        break;
    }
    memcpy(&half, p, sizeof half);
    if (dtype == LURON_F16) return half_value(half);
    bits.u = (uint32_t)half << 16;
    return bits.f;
}

static const char *element(const luron_tensor *t, int64_t k) {
    int64_t offset = 0;
    const int64_t *shape = luron_tensor_shape(t), *strides = luron_tensor_strides(t);
    for (int d = luron_tensor_ndim(t) - 1; d >= 0; d--) {
        offset += k % shape[d] * strides[d];
        k /= shape[d];
    }
    return (const char *)luron_tensor_data(t) + offset * luron_dtype_size(luron_tensor_dtype(t));
}

static const char *describe(char *buf, size_t n, const luron_tensor *t) {
    char shape[160];
    snprintf(buf, n, "%s %s", luron_dtype_name(luron_tensor_dtype(t)),
             luron_shape_text(shape, sizeof shape, luron_tensor_ndim(t), luron_tensor_shape(t)));
    return buf;
}

void assert_tensor_close_(const luron_tensor *t, const double *expect, int64_t n, double rtol, double atol,
                          const char *what, const char *file, int line) {
    char text[200];
    if (luron_tensor_numel(t) != n) {
        print_error("%s: %s, expected %lld elements\n", what, describe(text, sizeof text, t), (long long)n);
        _fail(file, line);
    }
    int64_t worst = -1;
    double excess = 0;
    for (int64_t k = 0; k < n; k++) {
        double got = value_at(luron_tensor_dtype(t), element(t, k)), want = expect[k], over;
        if (isnan(got) || isnan(want))
            over = isnan(got) && isnan(want) ? 0 : INFINITY;
        else if (isinf(got) || isinf(want))
            over = got == want ? 0 : INFINITY;
        else
            over = fabs(got - want) - atol - rtol * fabs(want);
        if (over > excess) worst = k, excess = over;
    }
    if (worst < 0) return;
    print_error("%s: %s, worst at element %lld: got %.17g, expected %.17g (rtol %g, atol %g)\n", what,
                describe(text, sizeof text, t), (long long)worst, value_at(luron_tensor_dtype(t), element(t, worst)),
                expect[worst], rtol, atol);
    _fail(file, line);
}

void assert_tensor_same_(const luron_tensor *a, const luron_tensor *b, const char *what, const char *file, int line) {
    char text[2][200];
    int64_t n = luron_tensor_numel(a);
    int size = luron_dtype_size(luron_tensor_dtype(a));
    describe(text[0], sizeof text[0], a), describe(text[1], sizeof text[1], b);
    if (strcmp(text[0], text[1])) {
        print_error("%s: %s, expected %s\n", what, text[0], text[1]);
        _fail(file, line);
    }
    bool plain = luron_tensor_is_contiguous(a) && luron_tensor_is_contiguous(b);
    if (plain && !memcmp(luron_tensor_data(a), luron_tensor_data(b), (size_t)n * (size_t)size)) return;
    for (int64_t k = 0; k < n; k++) {
        if (!memcmp(element(a, k), element(b, k), (size_t)size)) continue;
        print_error("%s: %s, bits differ at element %lld: got %.17g, expected %.17g\n", what, text[0], (long long)k,
                    value_at(luron_tensor_dtype(a), element(a, k)), value_at(luron_tensor_dtype(b), element(b, k)));
        _fail(file, line);
    }
}

void assert_shape_(const luron_tensor *t, size_t ndim, const int64_t *shape, const char *what, const char *file,
                   int line) {
    char got[160], want[160];
    luron_shape_text(got, sizeof got, luron_tensor_ndim(t), luron_tensor_shape(t));
    luron_shape_text(want, sizeof want, (int)ndim, shape);
    if (!strcmp(got, want)) return;
    print_error("%s: shape %s, expected %s\n", what, got, want);
    _fail(file, line);
}
