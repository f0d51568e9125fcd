/* Loops over threads: every chunk runs once, however it is decided where; and a child of fork does not wait for threads that it
 * does not have. */
#include "internal.h"
#include "tensor_assert.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 4096 };
typedef struct seen {
    int64_t n, grain;
    int spin;     /* how much work a chunk is */
    bool nested;  /* each chunk has a loop of its own */
    atomic_int times[MOST];
    atomic_int wrong;
} seen;

static void see_inner(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    (void)begin, (void)end, (void)chunk;
    atomic_fetch_add((atomic_int *)arg, 1);
}

static void see(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    seen *s = arg;
    int64_t least = begin + s->grain < s->n ? begin + s->grain : s->n;
    if (begin != chunk * s->grain || end != least) atomic_store(&s->wrong, 1);
    for (volatile int i = 0; i < s->spin; i++) {}
    if (s->nested) {
        atomic_int inner = 0;
        luron__parallel_for(4, 7, 2, see_inner, &inner);
        if (inner != 4) atomic_store(&s->wrong, 1);
    }
    for (int64_t i = begin; i < end; i++) atomic_fetch_add(&s->times[i], 1);
}

static void run_and_check(seen *s, int threads) {
    s->wrong = 0;
    for (int64_t i = 0; i < s->n; i++) s->times[i] = 0;
    luron__parallel_for(threads, s->n, s->grain, see, s);
    assert_int_equal(s->wrong, 0);
    for (int64_t i = 0; i < s->n; i++) assert_int_equal(s->times[i], 1);
}

/* The first time, remembered as small and as large, on threads that are awake or kept from the loop. */
static void test_parallel_runs_each_chunk_once(void **state) {
    static seen s;
    static const int threads[] = {1, 2, 3, 8, 1000};
    (void)state;
    for (int always = 0; always < 2; always++) {
        luron__parallel_always(always);
        for (s.n = 0; s.n <= MOST; s.n = s.n < 4 ? s.n + 1 : s.n * 5)
            for (s.grain = 1; s.grain <= s.n + 1; s.grain = s.grain * 3 + 1)
                for (int t = 0; t < 5; t++)
                    for (int again = 0; again < 3; again++) {
                        s.spin = again == 1 ? 2000 : 0;
                        s.nested = (s.n + s.grain + t) % 4 == 0;
                        run_and_check(&s, threads[t]);
                    }
    }
    luron__parallel_always(false);
}

/* The first chunk ends when all others have: those of its thread's share too, which another one must take. */
typedef struct held {
    atomic_int others;
    int expected;
    bool in_time;
} held;

static void hold_the_first(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    held *h = arg;
    (void)begin, (void)end;
    if (chunk > 0) {
        atomic_fetch_add(&h->others, 1);
        return;
    }
    for (int ms = 0; ms < 20000 && atomic_load(&h->others) < h->expected; ms++) usleep(1000);
    h->in_time = atomic_load(&h->others) == h->expected;
}

static void test_parallel_threads_help_one_that_is_held_up(void **state) {
    (void)state;
    luron__parallel_always(true);
    for (int threads = 2; threads <= 5; threads++) {
        held h = {.expected = 40};
        luron__parallel_for(threads, 41, 1, hold_the_first, &h);
        assert_true(h.in_time);
    }
    luron__parallel_always(false);
}

static void test_parallel_small_work_stays_on_one_thread(void **state) {
    (void)state;
    luron__parallel_always(true);
    assert_int_equal(luron__threads_for(3, 0), 3);
    luron__parallel_always(false);
    assert_int_equal(luron__threads_for(3, 1e-6), 1);
    assert_int_equal(luron__threads_for(16, 100e-6), 1); /* many threads want more of it */
    assert_int_equal(luron__threads_for(1, 1), 1);
}

/* Of n loops of so many seconds each. */
static int wanted(int n, double seconds, int team, int most) { return luron__team_wanted(n * seconds, n * seconds * seconds, team, most); }

static void test_parallel_threads_follow_the_work(void **state) {
    (void)state;
    assert_int_equal(wanted(64, 10e-3, 16, 16), 16);
    assert_int_equal(wanted(64, 300e-6, 16, 16), 6); /* 50 us each */
    assert_int_equal(wanted(64, 300e-6, 6, 16), 6);
    assert_int_equal(wanted(64, 420e-6, 6, 16), 6); /* not worth the change */
    assert_int_equal(wanted(64, 1e-3, 6, 16), 16);
    assert_int_equal(wanted(64, 1e-6, 6, 16), 2);
    assert_int_equal(wanted(64, 0, 6, 16), 2);
    assert_int_equal(luron__team_wanted(60 * 10e-6 + 4 * 5e-3, 60 * 1e-10 + 4 * 25e-6, 2, 16), 16); /* most work is in four long ones */
}

static void test_parallel_late_regions_keep_loops_on_one_thread(void **state) {
    (void)state;
    luron__lateness late = {0};
    assert_true(luron__judge(&late, 1) == 0); /* one alone, however late */
    assert_true(luron__judge(&late, 1e-3) == 0.1);
    assert_true(late.debt == 0 && late.strikes == 1);
    for (int i = 0; i < 3; i++) /* what is gained pays for what is lost */
        assert_true(luron__judge(&late, i % 2 ? 4e-3 : -4e-3) == 0);
    static const double waits[] = {0.2, 0.4, 0.8, 0.8}; /* twice as long each time, up to that */
    for (int i = 0; i < 4; i++) {
        double wait = 0;
        for (int k = 0; k < 3 && wait == 0; k++)
            wait = luron__judge(&late, 1);
        assert_true(fabs(wait - waits[i]) < 1e-9);
    }
    for (int i = 0; i < 3; i++) /* five milliseconds gained are a strike less */
        assert_true(luron__judge(&late, -6e-3) == 0);
    assert_int_equal(late.strikes, 0);
    assert_true(luron__judge(&late, 6e-3) == 0 && luron__judge(&late, 6e-3) == 0.1);
}

static void test_parallel_in_a_child_of_fork(void **state) {
    static seen s = {.n = 64, .grain = 1};
    (void)state;
    luron__parallel_always(true);
    run_and_check(&s, 2); /* makes threads, which the child will not have */
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(20);
        luron__parallel_for(2, s.n, s.grain, see, &s);
        int twice = 0;
        for (int64_t i = 0; i < s.n; i++) twice += s.times[i] == 2;
        _exit(twice == s.n && luron__threads_for(2, 1) == 1 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    luron__parallel_always(false);
}

static void assert_refused(const char *name, const char *value, const char *text) {
    luron_ctx *ctx = NULL;
    setenv(name, value, 1);
    assert_int_equal(luron_ctx_new(&ctx, NULL, NULL), LURON_E_ARGUMENT);
    assert_null(ctx);
    assert_string_equal(luron_ctx_error(NULL), text);
}

static void test_parallel_wrong_environment_is_refused(void **state) {
    const char *const wrong[] = {"abc", "0", "-1", "257", "1000", "2x", " ", "99999999999999999999"};
    char *isa = getenv("LURON_ISA"), *threads = getenv("LURON_NUM_THREADS");
    (void)state;
    if (isa) isa = strdup(isa);
    if (threads) threads = strdup(threads);
    assert_string_equal(luron_ctx_error(NULL), "");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[128];
        snprintf(text, sizeof text, "LURON_NUM_THREADS: whole number from 1 to 256 expected, got '%s'", wrong[i]);
        assert_refused("LURON_NUM_THREADS", wrong[i], text);
    }
    unsetenv("LURON_NUM_THREADS");
    assert_int_equal(setenv("LURON_ISA", "foo", 1), 0);
    assert_memory_equal(luron_ctx_error(NULL), "LURON_ISA: an instruction set of this machine expected, '", 57);
    assert_refused("LURON_ISA", "foo", luron_ctx_error(NULL));

    luron_ctx *ctx;
    setenv("LURON_ISA", "plain", 1);
    setenv("LURON_NUM_THREADS", "256", 1);
    assert_int_equal(luron_ctx_new(&ctx, NULL, NULL), LURON_OK);
    assert_string_equal(luron_ctx_isa(ctx), "plain");
    assert_int_equal(luron_ctx_threads(ctx), 256);
    luron_ctx_free(ctx);
    setenv("LURON_ISA", "", 1);
    setenv("LURON_NUM_THREADS", "", 1);
    assert_int_equal(luron_ctx_new(&ctx, NULL, NULL), LURON_OK);
    luron_ctx_free(ctx);
    isa ? setenv("LURON_ISA", isa, 1) : unsetenv("LURON_ISA");
    threads ? setenv("LURON_NUM_THREADS", threads, 1) : unsetenv("LURON_NUM_THREADS");
    free(isa);
    free(threads);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parallel_runs_each_chunk_once),
        cmocka_unit_test(test_parallel_threads_help_one_that_is_held_up),
        cmocka_unit_test(test_parallel_small_work_stays_on_one_thread),
        cmocka_unit_test(test_parallel_threads_follow_the_work),
        cmocka_unit_test(test_parallel_late_regions_keep_loops_on_one_thread),
        cmocka_unit_test(test_parallel_in_a_child_of_fork),
        cmocka_unit_test(test_parallel_wrong_environment_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
