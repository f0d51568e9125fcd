/* io_shim.h -- the calls that a save or a load makes to the system: counted, written down, made to fail, to do half, or
 * to be the last thing that the process does. Linked into a test program it catches the calls of core; as io_shim.so it
 * is preloaded into any other, which tells it what to do by opening "/io-shim/..." (io_shim_preload.c). */
#ifndef IO_SHIM_H
#define IO_SHIM_H
#include <stdbool.h>
#include <stdint.h>

enum { /* what is called; a set is a sum of 1u << these */
       IO_OPEN,
       IO_STAT,
       IO_READ,
       IO_WRITE,
       IO_SYNC,
       IO_CLOSE,
       IO_RENAME,
       IO_LINK,
       IO_UNLINK,
       IO_MODE,
       IO_LOCK,
       IO_DUP,
       IO_MARK, /* by io_shim_mark */
       IO_OPS
};
enum {                /* what happens at the call that the plan picks */
       IO_FAIL,       /* it is not made and gives the error (a close is made) */
       IO_FAIL_AFTER, /* it is made, and gives the error all the same */
       IO_SHORT,      /* a read or write does half */
       IO_KILL,       /* the process dies before it */
       IO_KILL_HALF,  /* after it; after half of a write */
       IO_POWER_CUT,  /* dies before it, and what was not synced is cut off */
       IO_POWER_ZERO  /* ... is there as zeros */
};
enum {                            /* faults that are planted in every call, to see that the checks find them */
       IO_FORGET_SYNC = 1,        /* a file is not synced */
       IO_FORGET_FOLDER_SYNC = 2, /* a folder is not */
       IO_RENAME_FIRST = 4,       /* a file is synced after it was renamed */
       IO_IN_PLACE = 8            /* no temporary: the file is cut to nothing and written anew */
};

typedef struct io_plan {
    const char *folder; /* calls on this folder and files in it alone */
    unsigned ops;       /* those that are counted; 0: all */
    int at;             /* act at this call, the first is 1; 0: never */
    int action, error;
    bool sticky; /* and at all after it */
    unsigned plant;
    int link_error; /* every link() gives this error */
} io_plan;

typedef struct io_record {
    int op, error; /* 0: it worked */
    uint64_t ino;
    bool folder, created;
    char name[96], to[96]; /* below the folder; of the folder itself "" */
    int64_t offset, size;
    unsigned char *data; /* of writes */
    int mark;
} io_record;

/** Forget what was, and watch. */
void io_shim_arm(const io_plan *plan);
/** Let all calls through; count and journal stay until the next arm. */
void io_shim_disarm(void);
int io_shim_calls(void);
/** Did the action happen? */
bool io_shim_fired(void);
const io_record *io_shim_journal(int *n);
/** A line of one's own in the journal. */
void io_shim_mark(int mark);
/** The journal in words, on standard output. */
void io_shim_print(void);
const char *io_op_name(int op);
#endif
