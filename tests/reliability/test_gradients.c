/* test_gradients.c -- R16: the gradients of every function of the headers, first and second order, over random shapes:
 * sizes of 1 and 0, broadcast, strided, and one tensor for all inputs. Functions are found in the headers themselves.
 */
#include "bar.h"
#include "differences.h"
#include "tensor_assert.h"

#include "op_table.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
enum { ROUNDS = 2, ROUNDS_LONG = 10 };
#else
enum { ROUNDS = 10, ROUNDS_LONG = 60 };
#endif

/* The cases of a line in one variant. @return failures; adds to n and worst. */
static int check_op(luron_ctx *ctx, const op *o, variant v, uint64_t seed, int64_t *n, double *worst) {
    op_bench b = {.op = o};
    int failures = 0;
    if (!generate(&b.g, ctx, o->spec, v, seed, o->lo, o->hi, LURON_F64)) return 0;
    for (int order = 1; order <= 2; order++) {
        differences d = {.fn = op_apply, .ud = &b, .n_out = o->n_out, .seed = seed};
        d.n_x = generate_leaves(d.x, &b.g);
        int right = differences_check(&d, ctx, order);
        if (right != 1) {
            print_error("luron_%s \"%s\" %s, seed %llu: %s\n", o->name, o->spec, variant_name(v),
                        (unsigned long long)seed, d.text);
            failures++;
        }
        if (d.worst > *worst) *worst = d.worst;
        ++*n;
    }
    generate_free(&b.g);
    return failures;
}

static void test_gradients_of_every_op(void **state) {
    luron_ctx *ctx = *state;
    bar b = bar_begin("R16", "gradients of ops", 16);
    int64_t n = 0, failures = 0;
    int rounds = bar_is_long() ? ROUNDS_LONG : ROUNDS, worst_at = 0;
    double worst = 0;
    for (int k = 0; k < N_OPS; k++) {
        uint64_t seed = b.seed + (uint64_t)k * 1000;
        for (int r = 0; r < rounds; r++) {
            luron_ctx_set_index_base(ctx, r % 2);
            for (int v = 0; v < N_VARIANTS; v++) {
                double was = worst;
                failures += check_op(ctx, &ops[k], (variant)v, seed++, &n, &worst);
                if (worst > was) worst_at = k;
            }
        }
    }
    luron_ctx_set_index_base(ctx, 0);
    printf("worst error %.2g of max(gradient, 1), at %s\n", worst, ops[worst_at].name);
    assert_int_equal(bar_end(&b, n, failures), 0);
}

/* ---- every function has a line ----------------------------------------------------------------------------------- */
static const char *const skipped[] = {
#define OP(...)
#define SKIP(name, why) #name,
#include "op_list.h"
#undef OP
#undef SKIP
};

static bool has_line(const char *name) {
    for (int k = 0; k < N_OPS; k++)
        if (!strcmp(ops[k].name, name)) return true;
    for (size_t k = 0; k < sizeof skipped / sizeof *skipped; k++)
        if (!strcmp(skipped[k], name)) return true;
    return false;
}

/* All headers as the preprocessor gives them, so that what lists of names declare is there too. */
static char *preprocessed(void) {
    const char *source = getenv("LURON_TEST_SOURCE");
    char command[2048];
    size_t n = 0, room = 4 << 20;
    char *text = malloc(room);
    if (!source || !text) fail_msg("LURON_TEST_SOURCE is not set: run the test through ctest");
    snprintf(command, sizeof command,
             "for h in '%s'/core/include/luron/*.h; do echo \"#include \\\"$h\\\"\"; done | ${CC:-cc} -E -P "
             "-I'%s/core/include' -",
             source, source);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    n = fread(text, 1, room - 1, p);
    assert_int_equal(pclose(p), 0);
    text[n] = 0;
    return text;
}

/* The next "luron_NAME(luron_tensor **" that is declared; NULL: none. */
static const char *next_function(const char *at, char name[64]) {
    for (const char *open; (open = strchr(at, '(')); at = open + 1) {
        const char *end = open, *arg = open + 1;
        while (end > at && isspace((unsigned char)end[-1]))
            end--;
        const char *begin = end;
        while (begin > at && (isalnum((unsigned char)begin[-1]) || begin[-1] == '_'))
            begin--;
        while (isspace((unsigned char)*arg))
            arg++;
        if (end - begin < 7 || end - begin > 69 || strncmp(begin, "luron_", 6)) continue;
        if (strncmp(arg, "luron_tensor", 12)) continue;
        for (arg += 12; isspace((unsigned char)*arg); arg++) {
        }
        if (arg[0] != '*' || arg[1 + (arg[1] == ' ')] != '*') continue;
        snprintf(name, 64, "%.*s", (int)(end - begin - 6), begin + 6);
        return open + 1;
    }
    return NULL;
}

static void test_gradients_no_function_is_forgotten(void **state) {
    (void)state;
    bar b = bar_begin("R16", "functions with a line", 0);
    char *text = preprocessed(), name[64];
    int64_t n = 0, failures = 0;
    for (const char *at = text; (at = next_function(at, name)); n++) {
        if (has_line(name)) continue;
        print_error("luron_%s has no line in tests/reliability/op_list.h\n", name);
        failures++;
    }
    for (size_t k = 0; k < sizeof skipped / sizeof *skipped; k++) {
        char call[80];
        snprintf(call, sizeof call, "luron_%s(", skipped[k]);
        if (strstr(text, call)) continue;
        print_error("luron_%s is on the list of those without a gradient, and no header declares it\n", skipped[k]);
        failures++;
    }
    free(text);
    assert_true(n > 100);
    assert_int_equal(bar_end(&b, n, failures), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_gradients_of_every_op),
                                       test_case(test_gradients_no_function_is_forgotten)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
