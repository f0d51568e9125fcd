/* saver.h -- a state that shows when it is torn: its number in a text and in every element of many tensors. */
#ifndef SAVER_H
#define SAVER_H
#include "tensor_assert.h"

/* Sanitized programs fork and save ten times as slowly: the short form of a check is shorter there. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SAVER_IS_SLOW 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#undef SAVER_IS_SLOW
#define SAVER_IS_SLOW 1
#endif
#ifndef SAVER_IS_SLOW
#define SAVER_IS_SLOW 0
#endif

typedef struct saver {
    luron_ctx *ctx;
    const char *folder;
    int tensors, elements;
} saver;

/* What a file can be; a number of its own for each kind of bad. */
enum { SAVER_WHOLE, SAVER_MISSING = 2, SAVER_REFUSED, SAVER_INCOMPLETE, SAVER_TORN = 6 };

/** Save state number `step`. */
luron_status saver_save(const saver *s, const char *path, int step, int keep_prev);
/** SAVER_WHOLE and the number that the file holds; else what is wrong. All tensors of any checkpoint have to hold it.
 */
int saver_load(const saver *s, const char *path, int *step);
/** Temporaries of `name`: with bytes of their own (returned), and second names of an old file. */
int saver_temporaries(const saver *s, const char *name, int *links);
/** Remove all files of the folder. */
void saver_clear(const saver *s);
#endif
