/* A checkpoint that was damaged (R6): changed bits, cuts, more bytes, blocks exchanged or zero. Each is refused before
 * libhdf5 sees it, and the error names the file before it, which is whole. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "bar.h"
#include "hdf5_count.h"
#include "saver.h"
#include "test_files.h"

#include <stdbool.h>

static char name[400], prev[410];
static int expected_opens;

/* What is wrong with the answer to a damaged file; NULL: nothing. */
static const char *judge(luron_ctx *ctx, bool has_prev) {
    static char text[1200];
    luron_checkpoint *c = NULL;
    luron_status status = luron_checkpoint_load(&c, ctx, name, 1);
    snprintf(text, sizeof text, "%s", luron_ctx_error(ctx));
    if (!status) {
        luron_checkpoint_free(c);
        return "it was accepted";
    }
    if (status != LURON_E_CHECKSUM && status != LURON_E_FORMAT) return text;
    if (c || strncmp(text, name, strlen(name))) return "the error does not say which file";
    if (hdf5_opens != expected_opens) return "libhdf5 has seen it";
    return (strstr(text, prev) != NULL) == has_prev ? NULL : has_prev ? "the previous file is not offered" : text;
}

static int damaged(luron_ctx *ctx, const void *data, size_t n, bool has_prev, const char *what, size_t where) {
    write_bytes(name, data, n);
    const char *wrong = judge(ctx, has_prev);
    if (wrong) print_message("%s %zu: %s\n", what, where, wrong);
    return wrong != NULL;
}

/* A checkpoint of a few KiB, and one before it. */
static bytes make_files(luron_ctx *ctx) {
    saver s = {ctx, test_folder, 3, 1500};
    int step;
    assert_ok(ctx, luron_ctx_set_threads(ctx, 1));
    snprintf(name, sizeof name, "%s", in_folder("bits.h5"));
    snprintf(prev, sizeof prev, "%s.prev", name);
    for (int i = 0; i < 2; i++)
        assert_ok(ctx, saver_save(&s, name, i, 1));
    hdf5_opens = 0;
    assert_int_equal(saver_load(&s, name, &step), SAVER_WHOLE);
    assert_int_equal(hdf5_opens, 1); /* the count works */
    expected_opens = 1;
    return read_bytes(name);
}

static int flip_bits(luron_ctx *ctx, bytes b, int n, uint64_t *seed) {
    int bad = 0;
    for (int i = 0; i < n; i++) {
        size_t bit = i < 256 ? 8 * (b.n - 32) + (size_t)i : test_random(seed) % (8 * b.n); /* all of the trailer */
        b.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        bad += damaged(ctx, b.data, b.n, true, "bit", bit);
        b.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    return bad;
}

static int cut_and_append(luron_ctx *ctx, bytes b, int cuts, uint64_t *seed) {
    int bad = 0;
    unsigned char *more = malloc(b.n + 5000);
    memcpy(more, b.data, b.n);
    for (int i = 0; i < cuts; i++) { /* all short ones, those near the end, any */
        size_t n = i < 40 ? (size_t)i : i < 80 ? b.n - 1 - (size_t)(i - 40) : test_random(seed) % b.n;
        bad += damaged(ctx, b.data, n, true, "cut to", n);
    }
    for (int i = 0; i < cuts / 4; i++) {
        size_t n = 1 + test_random(seed) % 4096;
        for (size_t k = 0; k < n; k++)
            more[b.n + k] = i % 2 ? (unsigned char)test_random(seed) : 0;
        if (i % 4 == 3 && n >= 32) memcpy(more + b.n + n - 32, b.data + b.n - 32, 32); /* and the trailer once more */
        bad += damaged(ctx, more, b.n + n, true, "bytes appended:", n);
    }
    free(more);
    return bad;
}

static int exchange_and_clear(luron_ctx *ctx, bytes b, int n, uint64_t *seed, int *tried) {
    static const size_t sizes[] = {16, 512, 4096};
    int bad = 0;
    unsigned char *changed = malloc(b.n);
    for (int i = 0; i < n; i++) {
        const size_t size = sizes[i % 3], places = b.n / size;
        const size_t from = test_random(seed) % places * size, to = test_random(seed) % places * size;
        memcpy(changed, b.data, b.n);
        if (i % 2)
            memset(changed + from, 0, size);
        else
            memcpy(changed + from, b.data + to, size), memcpy(changed + to, b.data + from, size);
        if (memcmp(changed, b.data, b.n) == 0) continue; /* it is the same file */
        bad += damaged(ctx, changed, b.n, true, i % 2 ? "zeros at" : "exchanged at", from);
        ++*tried;
    }
    free(changed);
    return bad;
}

static void test_corrupt_is_refused(void **state) {
    luron_ctx *ctx = *state;
    bar b = bar_begin("R6", "damaged checkpoints", 2);
    const int flips = bar_is_long() ? 4000 : 500, cuts = bar_is_long() ? 1000 : 160;
    uint64_t seed = b.seed;
    bytes whole = make_files(ctx);
    int n = flips + cuts + cuts / 4;
    int bad = flip_bits(ctx, whole, flips, &seed) + cut_and_append(ctx, whole, cuts, &seed) +
              exchange_and_clear(ctx, whole, cuts, &seed, &n);
    free(whole.data);
    assert_int_equal(bar_end(&b, n, bad), 0);
}

/* The file before it is offered only where that can be read. */
static void test_corrupt_previous_is_not_offered(void **state) {
    luron_ctx *ctx = *state;
    luron_checkpoint *c = NULL;
    bytes b = make_files(ctx);
    assert_int_equal(unlink(name), 0);
    assert_fails(ctx, luron_checkpoint_load(&c, ctx, name, 1), LURON_E_IO,
                 "No such file or directory; the one saved before it is whole: ");
    assert_int_equal(symlink("bits.h5", in_folder("link.h5")), 0);
    write_bytes(name, b.data, b.n - 1);
    assert_fails(ctx, luron_checkpoint_load(&c, ctx, in_folder("link.h5"), 1), LURON_E_CHECKSUM, "bits.h5.prev");
    for (int i = 0; i < 4; i++) {
        b.data[100] ^= 1;
        if (i == 0) write_bytes(prev, b.data, b.n);
        if (i == 1) write_bytes(prev, b.data, b.n - 32);
        if (i == 2) write_bytes(prev, b.data, 0);
        if (i == 3) assert_true(unlink(prev) == 0 && mkfifo(prev, 0600) == 0);
        assert_int_equal(damaged(ctx, b.data, i % 2 ? b.n - 1 : b.n / 2, false, "kind", (size_t)i), 0);
    }
    free(b.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_corrupt_is_refused),
        test_case(test_corrupt_previous_is_not_offered),
    };
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
