/* test_soak.c -- R24: long runs in one process: training steps, models built and released, files written and read.
 * After a warm-up the memory of the process grows by 1 MiB at most, and open files and the blocks of the context stay.
 */
#include "bar.h"
#include "hash.h"
#include "test_files.h"

#include "network.h"
#include "process.h"

#ifdef __SANITIZE_ADDRESS__
enum { SLOW = 20, RSS_TELLS = 0 }; /* freed memory is kept in quarantine; leaks are LeakSanitizer's */
#else
enum { SLOW = 1, RSS_TELLS = 1 };
#endif
enum { ALLOWED = 1 << 20 };

static network net;

static void step(luron_ctx *ctx) { assert_ok(ctx, network_step(ctx, &net)); }

static void build(luron_ctx *ctx) {
    network other = network_new(ctx, 30, 40, 5, 8, "AdamW");
    assert_ok(ctx, network_step(ctx, &other));
    network_free(&other);
}

static void save_and_load(luron_ctx *ctx) {
    luron_checkpoint *c, *back;
    luron_model *model;
    assert_ok(ctx, luron_checkpoint_new(&c, ctx));
    assert_ok(ctx, luron_checkpoint_set_model(c, ctx, net.model));
    assert_ok(ctx, luron_checkpoint_set_optim(c, ctx, net.optim));
    assert_ok(ctx, luron_checkpoint_save(c, ctx, in_folder("soak.h5"), NULL, 1));
    assert_ok(ctx, luron_checkpoint_load(&back, ctx, in_folder("soak.h5"), 1));
    assert_ok(ctx, luron_checkpoint_model(&model, ctx, back));
    assert_ok(ctx, luron_checkpoint_restore_optim(ctx, back, net.optim));
    luron_model_unref(model);
    luron_checkpoint_free(back);
    luron_checkpoint_free(c);
}

/* A tenth of the rounds warms up. @return failures. */
static int soak(luron_ctx *ctx, const char *what, void (*round)(luron_ctx *), int n) {
    int warm = n / 10 < 5 ? 5 : n / 10, failures = 0;
    for (int i = 0; i < warm; i++)
        round(ctx);
    long rss = process_rss();
    int files = process_files();
    int64_t blocks = luron_ctx_live_blocks(ctx), held = luron_ctx_live_bytes(ctx);
    for (int i = 0; i < n; i++)
        round(ctx);
    long grown = process_rss() - rss;
    int64_t more = luron_ctx_live_blocks(ctx) - blocks;
    printf("%d times %s: %ld KiB more\n", n, what, grown / 1024);
    if (RSS_TELLS && grown > ALLOWED) print_error("%s: memory grew by %ld bytes\n", what, grown), failures++;
    if (process_files() != files)
        print_error("%s: %d files are open, before %d\n", what, process_files(), files), failures++;
    if (more || luron_ctx_live_bytes(ctx) != held)
        print_error("%s: %lld blocks more\n", what, (long long)more), failures++;
    return failures;
}

static void test_soak(void **state) {
    luron_ctx *ctx = *state;
    bar b = bar_begin("R24", "soak in C: steps, builds, files", 24);
    int share = (bar_is_long() ? 1 : 5) * SLOW, failures = 0;
    luron_ctx_seed(ctx, b.seed);
    net = network_new(ctx, 30, 40, 5, 16, "Adam");
    failures += soak(ctx, "a training step", step, 10000 / share);
    failures += soak(ctx, "a model built and released", build, 1000 / share);
    failures += soak(ctx, "saved and loaded", save_and_load, (bar_is_long() ? 1000 : 500) / share);
    network_free(&net);
    assert_int_equal(bar_end(&b, 12000 / share, failures), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {test_case(test_soak)};
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
