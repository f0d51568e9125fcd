/* hooks.h -- functions that a user hangs on tensors, layers and models. hooks.c keeps the lists and runs those of
 * tensors, hooks_layer.c those of layers and models.                                                                 */
#ifndef LURON_HOOKS_H
#define LURON_HOOKS_H
#include "internal.h"

typedef struct luron__hook {
    struct luron__hook *next; /* by ascending id */
    atomic_int refs;          /* by the list, and by who runs it: a hook may remove itself */
    int64_t id;
    int out;              /* which output of a node */
    luron_tensor *keeper; /* retain_grad: this header, not held, keeps the gradient; there is no function then */
    luron_tensor_hook of_tensor;
    luron_layer_hook of_layer; /* zero-extended copy */
    void *ud;
    void (*release)(void *ud);
} luron__hook;

struct luron__hooks {
    atomic_int refs; /* by the owner, and by calls on the tape that run them in their backward */
    luron__pool *pool;
    luron__hook *first;
};

/** A copy of `hook` at the end of the list at *hooks, which is made if there is none. *id is its number. */
luron_status luron__hooks_add(int64_t *id, luron_ctx *ctx, luron__hooks **hooks, const luron__hook *hook);
/** Remove the hook of that number. The list goes with the last one, unless somebody else holds it. */
luron_status luron__hooks_remove(luron_ctx *ctx, luron__hooks **hooks, int64_t id, const char *what);
void luron__hooks_unref(luron__hooks *hooks); /* NULL allowed */
/** The hook behind number `id` with one more reference, NULL: none. For loops in which hooks come and go. */
luron__hook *luron__hooks_after(luron__hooks *hooks, int64_t id);
void luron__hook_unref(luron__pool *pool, luron__hook *hook);

/** Run the hooks of output `out` (of a leaf: 0) on its complete gradient *g, which they may replace. */
luron_status luron__hooks_gradient(luron_tensor **g, luron_ctx *ctx, luron__hooks *hooks, int out);
/** The header is going: it keeps no gradient any more. */
void luron__hooks_forget(luron__hooks *hooks, const luron_tensor *keeper);

/** A layer or a model; the other is NULL. */
typedef struct luron__owner {
    luron_layer *layer;
    luron_model *model;
} luron__owner;
/** Apply an owner that has hooks, with them: around luron__layer_run (call.c) or luron__model_run (model.c). */
luron_status luron__apply_hooked(luron_tensor **outs, luron_ctx *ctx, luron__owner owner, int n_in,
                                 luron_tensor *const *ins, int n_out);
luron_status luron__layer_run(luron_tensor **outs, luron_ctx *ctx, luron_layer *layer, int n_in,
                              luron_tensor *const *ins);
luron_status luron__model_run(luron_tensor **outs, luron_ctx *ctx, luron_model *model, int n_in,
                              luron_tensor *const *ins);

/** What the nodes on both sides of a call with backward hooks share; NULL: the node is none of these. */
typedef struct luron__gates luron__gates;
const luron__gates *luron__gates_of(const luron__node *node);
luron__owner luron__gates_owner(const luron__gates *g);
int luron__gates_refs(const luron__gates *g);

/** Where a backward keeps gradients of outputs for the hooks that want them together with those of inputs; freed with
 * it. */
void **luron__run_carried(luron__run *run);
void luron__carried_free(luron_ctx *ctx, void *carried);

#endif
