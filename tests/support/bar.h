/* bar.h -- the bars of reliability as numbers. A check counts what it tried and what failed, and leaves one line, which
 * tests/run.sh gathers into a table. Build in LURON_TEST_BUILD.                                                      */
#ifndef BAR_H
#define BAR_H
#include <stdint.h>

typedef struct bar {
    const char *id, *what; /* "R1", "kill -9 during save" */
    uint64_t seed;
    double began;
} bar;

/** Ask for the long form? LURON_TEST_LONG=1, as tests/run.sh --long sets it. */
int bar_is_long(void);
/** The seed of the check: LURON_TEST_SEED where it is set, to repeat a failure, else `usual`. */
bar bar_begin(const char *id, const char *what, uint64_t usual);
/** Leave the line and print it. @return `failures`, for assert_int_equal(bar_end(...), 0). */
int64_t bar_end(const bar *b, int64_t n, int64_t failures);

#endif
