/* replay.h -- the power fails: from the journal of io_shim.h, every state that a file system may leave behind.
 *
 * What holds is little: after a sync of a file its bytes are there, after a sync of the folder its names are. What came
 * later may have happened or not, in any order: bytes that were not synced are lost, cut, zero, out of order or
 * garbage; of the changes of names since the last sync of the folder any set may have happened, each whole. */
#ifndef REPLAY_H
#define REPLAY_H
#include "io_shim.h"

#include <stddef.h>

enum { REPLAY_NAMES = 24 };
typedef struct replay_file {
    char name[96];
    uint64_t ino;
    unsigned char *data;
    size_t size;
} replay_file;
typedef struct replay_folder {
    replay_file files[REPLAY_NAMES];
    int n;
} replay_folder;

/** What is in a folder. */
void replay_read(replay_folder *folder, const char *path);
void replay_write(const replay_folder *folder, const char *path);
void replay_free(replay_folder *folder);

/** Is the state good? low: the mark before it, high: the one after it (the same if there is none). */
typedef bool replay_check(void *ud, const replay_folder *state, int low, int high);
typedef struct replay_result {
    int64_t states, different, bad;
} replay_result;
/** All states from `before` through the journal; equal ones are checked once. seed: of the garbage. */
replay_result replay_run(const replay_folder *before, const io_record *journal, int n, int mark_before, uint64_t seed,
                         replay_check *check, void *ud);
#endif
