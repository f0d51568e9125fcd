/* optim_groups.h -- what optim.c and reload_optim.c share: an optimiser and its groups of parameters. */
#ifndef LURON_OPTIM_GROUPS_H
#define LURON_OPTIM_GROUPS_H
#include "call.h"

enum { MAX_SCALARS = 64 }; /* the loader lets no type have more */

typedef struct param {
    luron_tensor *tensor;
    char *name;         /* for messages: of one without a name, its number in the index base */
    int64_t number;     /* ... and from 0, which is what files call it; -1: it has a name */
    luron_tensor *grad; /* during a step: contiguous; NULL: left alone */
    int64_t steps;      /* made with a gradient: one that is unfrozen late begins at 1 */
} param;
typedef struct group {
    void *options;
    int n;
    param *params;
    luron_tensor **states; /* n_states for each parameter in turn; NULL: not kept with these options so far */
    double *scalars;
} group;
struct luron_optim {
    luron__live live; /* first */
    luron__pool *pool;
    const luron_type *type; /* owned */
    void *defaults;
    int n_states, n_scalars;
    group *groups;
    int64_t n_groups, cap_groups, n_params, steps;
    void *scratch, *work; /* of types that see whole parameters */
    int64_t scratch_bytes, work_bytes;
};

/** Ask a type that sees whole parameters whether it takes this one, and how much scratch it wants: *scratch_bytes
 * grows. */
luron_status luron__optim_setup(int64_t *scratch_bytes, luron_ctx *ctx, const luron_type *type, const void *options,
                                double *scalars, const param *p);

#endif
