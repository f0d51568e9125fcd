/* The one file that knows OpenMP. Work is cut by its size alone, so results never depend on the number of threads.
 *
 * Waking a thread costs more than small work does, and beside a busy program a parallel region can take milliseconds,
 * for its last thread waits for a core. So a loop runs on several threads where that was measured to pay: each loop's
 * time on one thread is remembered, and where regions came out later in sum than one thread would have, the next ones
 * stay on one thread for a while, the longer the more often it happens. How many threads a region has follows the work
 * of the loops of late. What is decided changes the time alone, never a result.                                        */
#include "internal.h"

#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_THREADS = 256, LOOPS = 64, MOST_STRIKES = 3, REVIEW = 64 };
#define WORTH 50e-6         /* seconds of work for each thread that are worth waking them for, */
#define WORTH_AWAKE 12.5e-6 /* and while they spin, */
#define AWAKE 150e-6        /* which they do for 200 us after a region, if the luron program is what runs (lua/cli/main.c) */
#define LOST 5e-3           /* seconds that may be lost in sum, and what a late region counts for at most: about a time slice of another program */
#define SOON 10e-3          /* after another region; one after a pause, which makes or wakes the threads, says nothing about the next */
#define WAIT 0.1            /* on one thread when that was too much, twice as long after each strike of late */

/* One loop as it was last met: what it is known by, and its seconds on one thread. */
typedef struct loop {
    void (*fn)(void *arg, int64_t begin, int64_t end, int64_t chunk);
    int64_t n, grain;
    double seconds;
} loop;

/* About the machine, not about a context: one for each thread that opens regions. */
static _Thread_local struct guard {
    loop loops[LOOPS];
    double ended;         /* when the last region did */
    double until;         /* one thread alone till then */
    luron__lateness late; /* of the regions so far */
    int team;             /* threads of a region */
    int met, most;        /* of the loops since that was reviewed: how many, the most threads that they might have, */
    double work, squares; /* and the sums of their seconds and of the squares of these */
    bool always;
} guard;

/* A child of fork has none of its parent's threads, but OpenMP would wait for them. Of the process, as they are. */
static atomic_bool is_child;
static void become_child(void) { atomic_store(&is_child, true); }
static void watch_fork(void) { pthread_atfork(NULL, NULL, become_child); }

/* Must loops stay on the thread that they are called on? */
static bool is_alone(void) { return atomic_load_explicit(&is_child, memory_order_relaxed) || omp_in_parallel(); }

int luron__default_threads(void) {
    const char *text = getenv("LURON_NUM_THREADS");
    if (text && *text) {
        char *end;
        const long n = strtol(text, &end, 10);
        return *end || n < 1 || n > MAX_THREADS ? 0 : (int)n;
    }
    const int n = omp_get_max_threads();
    return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
}

const void *luron__this_thread(void) { return &guard; }

static double seconds_of(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
static double now(void) { return seconds_of(CLOCK_MONOTONIC); }

void luron__parallel_always(bool on) { guard.always = on; }

/* libgomp ends the threads that a smaller region leaves out, and makes them anew for the next one, which takes longer than
 * most loops: so all regions have as many, however few chunks there are, and the number changes seldom. */
static int team_of(int threads) {
    if (guard.always) return threads;
    if (guard.team < 2 || guard.team > threads) guard.team = threads;
    return guard.team;
}

int luron__team_wanted(double work, double squares, int team, int most) {
    const double wanted = work > 0 ? squares / work / WORTH : 0;
    if (wanted > 0.5 * team && wanted < 1.5 * team) return team;
    return wanted < 2 ? 2 : wanted < most ? (int)(wanted + 0.5) : most;
}

/* A loop of so many seconds on one thread, the lesser of the last two, since any may have waited for a core. */
static void review(double seconds) {
    guard.work += seconds, guard.squares += seconds * seconds;
    if (++guard.met < REVIEW) return;
    guard.team = luron__team_wanted(guard.work, guard.squares, guard.team, guard.most);
    guard.met = guard.most = 0, guard.work = guard.squares = 0;
}

int luron__threads_for(int threads, double seconds) {
    if (threads <= 1 || is_alone()) return 1;
    if (threads > guard.most) guard.most = threads;
    const int team = team_of(threads);
    if (guard.always) return team;
    if (seconds < WORTH_AWAKE * team) return 1;
    double t = now();
    return t >= guard.until && (seconds >= WORTH * team || t - guard.ended < AWAKE) ? team : 1;
}

double luron__judge(luron__lateness *late, double lost) {
    late->debt += lost < LOST ? lost : LOST;
    if (late->debt > LOST) {
        const double wait = WAIT * (double)(1 << late->strikes);
        *late = (luron__lateness){0, late->strikes < MOST_STRIKES ? late->strikes + 1 : MOST_STRIKES};
        return wait;
    }
    if (late->debt < -LOST) *late = (luron__lateness){0, late->strikes > 0 ? late->strikes - 1 : 0};
    return 0;
}

typedef struct chunks {
    void (*fn)(void *arg, int64_t begin, int64_t end, int64_t chunk);
    void *arg;
    int64_t n, grain, count;
} chunks;

static loop *loop_of(const chunks *k) {
    uint64_t h = ((uint64_t)(uintptr_t)k->fn * 31 + (uint64_t)k->n) * 31 + (uint64_t)k->grain;
    loop *l = &guard.loops[(h * 0x9E3779B97F4A7C15u) >> 58]; /* one of 64 */
    if (l->fn != k->fn || l->n != k->n || l->grain != k->grain) *l = (loop){k->fn, k->n, k->grain, -1};
    return l;
}

static void run_chunk(const chunks *k, int64_t c) {
    k->fn(k->arg, c * k->grain, c == k->count - 1 ? k->n : (c + 1) * k->grain, c);
}

/* What is a thread's own of a region, in a cache line of its own. */
typedef struct share {
    _Alignas(64) atomic_int_fast64_t next;
    int64_t end;
    double work; /* seconds of its thread */
} share;

/* Each thread begins with its own share, which is the same in every region of that many chunks, since what it left there is
 * in its cache; then it helps others. */
static void run_shares(const chunks *k, share *shares, int threads, int me) {
    for (int i = 0; i < threads; i++) {
        share *s = &shares[(me + i) % threads];
        while (atomic_load_explicit(&s->next, memory_order_relaxed) < s->end) { /* a look at what is done costs others nothing */
            int64_t c = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed);
            if (c < s->end) run_chunk(k, c);
        }
    }
}

/* The chunks from `first` on, by several threads. @return seconds of work, all threads together. */
static double run_region(const chunks *k, int64_t first, int threads) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    share shares[MAX_THREADS];
    double start = now(), sum = 0;
    pthread_once(&once, watch_fork);
    for (int64_t t = 0, n = k->count - first, at = first; t < threads; t++) {
        int64_t end = at + n / threads + (t < n % threads);
        shares[t] = (share){.next = at, .end = end};
        at = end;
    }
#pragma omp parallel num_threads(threads)
    {
        const int me = omp_get_thread_num();
        double began = seconds_of(CLOCK_THREAD_CPUTIME_ID);
        run_shares(k, shares, threads, me);
        shares[me].work = seconds_of(CLOCK_THREAD_CPUTIME_ID) - began;
    }
    for (int t = 0; t < threads; t++) sum += shares[t].work;
    bool judged = start - guard.ended < SOON;
    guard.ended = now();
    const double wait = judged ? luron__judge(&guard.late, guard.ended - start - sum) : 0;
    if (wait > 0) guard.until = guard.ended + wait;
    return sum;
}

void luron__parallel_for(int threads, int64_t n, int64_t grain, void (*fn)(void *arg, int64_t begin, int64_t end, int64_t chunk), void *arg) {
    if (n <= 0) return;
    if (grain < 1) grain = 1;
    if (n <= grain) {
        fn(arg, 0, n, 0);
        return;
    }
    const chunks k = {fn, arg, n, grain, n / grain + (n % grain != 0)};
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    if (guard.always && threads > k.count) threads = (int)k.count;
    if (threads <= 1 || k.count <= 1 || is_alone()) {
        for (int64_t c = 0; c < k.count; c++) run_chunk(&k, c);
        return;
    }
    double seconds = guard.always ? WORTH : loop_of(&k)->seconds, done = 0, start = now();
    int64_t c = 0;
    if (seconds < 0) { /* a new one: the first chunk tells */
        run_chunk(&k, c++);
        done = now() - start;
        seconds = done * (double)k.count;
    }
    const int team = c < k.count ? luron__threads_for(threads, seconds) : 1;
    if (team > 1) {
        seconds = done + run_region(&k, c, team);
    } else {
        for (; c < k.count; c++) run_chunk(&k, c);
        seconds = now() - start;
    }
    loop *l = loop_of(&k); /* sought again, since a chunk may have had loops of its own */
    if (l->seconds >= 0) review(l->seconds < seconds ? l->seconds : seconds);
    l->seconds = seconds;
}
