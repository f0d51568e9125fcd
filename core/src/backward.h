/* backward.h -- what backward.c and backward_collect.c share: one backward in progress. */
#ifndef LURON_BACKWARD_H
#define LURON_BACKWARD_H
#include "internal.h"

typedef struct slot {
    luron_tensor *grad;
    bool target;        /* a leaf to accumulate into, or an x of luron_grad */
    bool wanted;        /* a target, or the output of a node that leads to one */
    bool no_minus_zero; /* grad is known to have no -0.0 in it; a sum keeps it so */
} slot;
/* A node or leaf that was found. A node carries its slot, and gets back at the end what it carried for a backward
 * further out. Leaves may be in use by other threads, so theirs are in a table. */
typedef struct mark {
    luron__node *node; /* one of the two */
    luron_tensor *leaf;
    const luron__run *run; /* of a node: as it was */
    int64_t slot;          /* of a node: as it was; of a leaf: its own */
    bool was_used;
} mark;
typedef struct place {
    const luron_tensor *leaf;
    int64_t slot;
} place;
/* retain_grad: set when all has gone well. */
typedef struct retained {
    luron_tensor *keeper, *grad; /* owned */
} retained;
enum { FEW_LEAVES = 32 /* places of a table that needs no block */ };
struct luron__run {
    luron__run *outer;
    bool create_graph, retain, accumulates;
    uint64_t stop_seq;  /* this node and older ones are what the gradient is taken with respect to, at most */
    uint64_t first_seq; /* operands of this node and of older ones lead to nothing that is wanted; 0: none is so old */
    mark *marks;        /* nodes and leaves in order of finding */
    int64_t n_marks, cap_marks, n_slots, cap_slots;
    luron__node **nodes; /* by descending seq */
    int64_t n_nodes;
    slot *slots;
    place *places, few[FEW_LEAVES]; /* open addressing; a power of two; leaf NULL: empty */
    int64_t n_leaves, n_places;
    retained *retained;
    int64_t n_retained, cap_retained;
    void *carried;
    int n_y;
    luron_tensor *const *ys;
};

/** Collect what leads from ys back to stop_seq and first_seq, which are set; the innermost backward is this one until
 *  luron__run_end, which is to be called whatever came of it. failed: nodes that were used have been so in vain. */
luron_status luron__run_begin(luron__run *run, luron_ctx *ctx, int n_y, luron_tensor *const *ys);
void luron__run_end(luron__run *run, luron_ctx *ctx, bool failed);
/** Where the gradient of x is, NULL: x leads to nothing that was asked for. */
slot *luron__run_slot_of(luron__run *run, const luron_tensor *x);
/** Which nodes lead to a target: sets `wanted`. */
void luron__run_find_wanted(luron__run *run);
/** The operands of a used node are gone: where it may lead to what is wanted, it has to be walked to say so. */
bool luron__run_lost(const luron__run *run, const luron__node *node);

#endif
