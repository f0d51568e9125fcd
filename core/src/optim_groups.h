/* optim_groups.h -- what optim.c, optim_step.c, optim_options.c and reload_optim.c share: an optimiser and its groups of parameters. */
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
    luron_dims dims;    /* when it was added */
} param;
typedef struct group {
    void *options;
    int n;
    param *params;
    luron_tensor **states; /* n_states for each parameter in turn; NULL: none, or not kept with these options so far */
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

static inline const char *luron__optim_name(const luron_optim *o) { return o->type->optim.name; }
static inline bool luron__optim_is_whole(const luron_optim *o) { return o->type->optim.flags & LURON_OPTIM_WHOLE; }
static inline bool luron__optim_keeps(const luron_optim *o, const void *options, int s) { return !o->type->optim.keeps || o->type->optim.keeps(options, s); }

/** The call behind what a type does, through which its plugin reaches what the host can do. Nothing of it is allocated. */
void luron__optim_call(luron__frame *f, const luron_type *type, luron_ctx *ctx, const void *options, uint32_t dtype, luron__phase phase);
/** A block of at least so many bytes; what was in it is lost. */
luron_status luron__optim_reserve(luron_optim *o, luron_ctx *ctx, void **block, int64_t *have, int64_t bytes);

/** Ask a type that sees whole parameters whether it takes this one, how much scratch it wants (*scratch_bytes grows)
 * and what state; of other types the state is like the parameter. */
luron_status luron__optim_setup(int64_t *scratch_bytes, luron__wants *wants, luron_ctx *ctx, const luron_type *type,
                                const void *options, double *scalars, const param *p);
/** Make the state of a parameter that these options want and that is not there yet, in the type's order.
 * @return LURON_E_STATE where what is there has another shape than is wanted now. */
luron_status luron__optim_states(luron_tensor **states, luron_ctx *ctx, const luron_type *type, const void *options,
                                 const luron__wants *wants, const param *p);
/** What parameter i needs with these options, which may be others than the group's. The shapes of state stay what they
 *  were; what is made stays, whatever fails. */
luron_status luron__optim_setup_param(luron_optim *o, luron_ctx *ctx, group *g, int i, const void *options);

#endif
