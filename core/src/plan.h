/* plan.h (private) -- what a context notes while a plan is made, and what a plan is. Each luron__plan_... of the first part
 * does nothing while no plan is made; a failure in it refuses the plan, never the step.                                */
#ifndef LURON_SRC_PLAN_H
#define LURON_SRC_PLAN_H
#include "call.h"
#include "luron/plan.h"

/* ---- noting (plan.c) --------------------------------------------------------------------------------------------- */
/** What is computed until luron__plan_resume is part of one thing that is noted as a whole. */
static inline luron_plan *luron__plan_pause(luron_ctx *ctx) {
    luron_plan *plan = ctx->plan;
    ctx->plan = NULL;
    return plan;
}
static inline void luron__plan_resume(luron_ctx *ctx, luron_plan *plan) { ctx->plan = plan; }
/** The step cannot be repeated, because it ... ("reads numbers by item"). */
void luron__plan_refuse(luron_ctx *ctx, const char *what);
/** The hash says from here which storage, layer, model or optimiser the step uses, by the `number` of the thing. */
void luron__plan_mix_which(luron_plan *plan, const void *thing, atomic_ullong *number);
void luron__plan_op(luron_ctx *ctx, const luron__apply *a);
/** A frame that ran forward or backward. fresh_in, fresh_param: as they were before. */
void luron__plan_layer(luron_ctx *ctx, luron__frame *f, bool backward, const uint8_t *fresh_in, const uint8_t *fresh_param);
void luron__plan_copy(luron_ctx *ctx, luron_tensor *t, const luron_tensor *src);
void luron__plan_fill(luron_ctx *ctx, luron_tensor *t, double value);
/** t, float32, gets the uniform numbers of a stream of the draw at `position`. */
void luron__plan_draw(luron_ctx *ctx, luron_tensor *t, uint64_t position, int stream);
void luron__plan_add(luron_ctx *ctx, luron_tensor *t, const luron_tensor *g);
void luron__plan_zero(luron_ctx *ctx, luron_tensor *t);
/** The value that a backward begins at. */
void luron__plan_root(luron_ctx *ctx, luron_tensor *y);
/** A gradient that a backward begins with, which may come from outside. NULL: ones. */
void luron__plan_seed(luron_ctx *ctx, luron_tensor *gy);
/** The program put numbers into t, which is new. */
void luron__plan_constant(luron_ctx *ctx, luron_tensor *t);
/** A write in place is about to happen: it has to be noted, or refuses the plan. */
void luron__plan_writes(luron_ctx *ctx, const char *what);
/** A leaf gets another gradient, or (zeroed) none. */
void luron__plan_leaf(luron_ctx *ctx, luron_tensor *leaf, bool zeroed);
/** A gradient is added to one that was there before the step. */
void luron__plan_adds_to(luron_ctx *ctx, const luron_tensor *leaf);
void luron__plan_optim(luron_ctx *ctx, luron_optim *o);
/** A layer that is made of ops, or a model, is applied (plan_seen.c). */
void luron__plan_applies(luron_ctx *ctx, luron_layer *layer, luron_model *model);
/** A layer was made: where it runs, the step is unlike any other (plan_seen.c). */
void luron__plan_makes(luron_ctx *ctx, const luron_layer *layer);
/** The context goes. */
void luron__plan_abandon(luron_plan *p);
/** A storage was made; nobody holds it any more: true if the plan keeps it. */
void luron__plan_born(luron_plan *p, luron__storage *s);
bool luron__plan_keeps(luron__storage *s);

/* ---- for optim.c: the parameters of an optimiser in order, and its step with gradients that are given ---------------- */
typedef struct luron__optim_param {
    luron_tensor *tensor, *grad; /* grad: of the coming step, NULL: none */
} luron__optim_param;
int64_t luron__optim_n_params(const luron_optim *o);
luron__optim_param luron__optim_param_at(const luron_optim *o, int64_t i);
/** Are its parameters as the n headers, `step` apart, show them? */
bool luron__optim_has(const luron_optim *o, const luron_tensor *headers, int64_t n, int step);
/** finite: all gradients are known to be. */
luron_status luron__optim_step_with(luron_optim *o, luron_ctx *ctx, luron_tensor *const *grads, bool finite);

/* ---- the plan ---------------------------------------------------------------------------------------------------- */
typedef enum luron__plan_kind {
    LURON__PLAN_OP,
    LURON__PLAN_FORWARD,
    LURON__PLAN_BACKWARD,
    LURON__PLAN_COPY,
    LURON__PLAN_ADD,
    LURON__PLAN_FILL,
    LURON__PLAN_DRAW,
    LURON__PLAN_ZERO,
    LURON__PLAN_ROOT,
    LURON__PLAN_OPTIM
} luron__plan_kind;

/* Where a view of a frame has its data. */
typedef struct luron__plan_view {
    luron_view *view;
    luron__storage *storage;
    int input;      /* of the plan, which it shows; -1: none */
    int64_t offset; /* bytes */
    int64_t *dims;  /* shape and strides */
} luron__plan_view;

typedef struct luron__plan_step { /* first what every run looks at */
    luron__plan_kind kind;
    int n;         /* headers: operands, the one that is written last */
    bool fused;    /* done by the step of a frame beside it (plan_fuse.c) */
    bool draws;    /* FORWARD, BACKWARD, DRAW: has a position of its own */
    bool lasting;  /* changes what was there before the step */
    int stream;    /* DRAW */
    luron__frame *frame; /* FORWARD, BACKWARD */
    luron_tensor *headers;
    int64_t n_inputs; /* views of inputs of the plan, the first ones */
    uint8_t *fresh; /* BACKWARD: of the inputs, then of the parameters */
    luron_optim *optim;
    luron__plan_view *views;
    int64_t n_views;
    luron_tensor **in; /* OPTIM: the gradients; NULL: none */
    luron_tensor *flat; /* OPTIM: all of them, one behind the other; NULL: they lie elsewhere */
    uint64_t draw;  /* counted from the position at the beginning of the step */
    int64_t told;   /* FORWARD, BACKWARD: elements that host->made or host->wants was told of */
    double value; /* FILL */
    uint64_t hash; /* of the plan up to here */
    const char *made;    /* the layer was made in the step, at this line; NULL: it was there before */
    luron__packed *packed; /* parameters of the frame, by slot */
    luron__apply apply; /* OP: in and out point to the headers */
} luron__plan_step;

typedef struct luron__plan_store { /* a storage that the step uses */
    luron__storage *storage;       /* one reference, or the plan's own */
    bool born;                     /* during the step */
    bool constant;                 /* the program put the numbers there */
    bool kept;                     /* nobody else holds it */
    bool moved;                    /* its data are in the block ... */
    size_t at;                     /* ... there */
    int input;                     /* -1: none */
    bool shared;                   /* another input lies in it too */
    int64_t first, last;           /* steps that use it */
    bool written_first;
} luron__plan_store;

typedef struct luron__plan_grad {
    luron_tensor *leaf, *grad; /* as the step left it; NULL: none */
    bool zeroed;               /* it was let go of before it got another */
    bool own;                  /* it has a storage to itself, into which other plans may write it too */
    bool flat;                 /* it lies in the block of an optimiser's gradients */
    int64_t first, last;       /* how many steps were made when it first and last changed */
} luron__plan_grad;

typedef struct luron__plan_tensor { /* one that was there before the step, and is no result of an op */
    luron_tensor *tensor;           /* one reference */
    luron__storage *storage;
    bool requires_grad, hooked;
} luron__plan_tensor;

typedef struct luron__plan_owner { /* a layer that is made of ops, or a model: one reference */
    luron_layer *layer;
    luron__code *code;
    luron_tensor **params; /* of the layer, by slot; not held */
    bool training;
    luron_model *model;
    int64_t n_nodes;
} luron__plan_owner;

typedef struct luron__plan_layer_made { /* in the step */
    const luron_layer *layer;           /* not held */
    struct luron__plan_layer_made *before;
    char place[100]; /* "file:line", or empty */
} luron__plan_layer_made;

typedef struct luron__plan_chunk { /* of memory that is the plan's until its end */
    _Alignas(16) struct luron__plan_chunk *next;
    size_t bytes, used; /* with this */
} luron__plan_chunk;

struct luron_plan {
    luron__pool *pool;
    luron_ctx *ctx; /* while it is noted */
    luron_ctx *of;  /* which lists it; NULL: none */
    luron_plan *before, *after;
    char refusal[256];
    bool is_over, ended; /* the step is; and it can be repeated */
    bool emptied; /* of all that it held */
    bool changed; /* a run that failed: it had changed what was there before */
    const char *pending; /* a write in place that is not noted yet */
    bool recording, higher;
    uint32_t default_dtype;
    int index_base;
    uint32_t number; /* its inputs have this one and those behind it, which no other plan of the process has */
    uint64_t position, draws, hash;
    const void *thread; /* that runs it; NULL: there is no other */
    int n_in, n_out;
    luron_tensor *ins;     /* headers */
    luron_tensor **given;  /* while it is noted */
    luron__storage *inputs; /* stand for those of the inputs: n_in */
    luron_tensor *outs;    /* headers */
    luron_tensor **same;   /* outs that are not made by the step; NULL: made */
    luron__plan_step *steps;
    int64_t n_steps, cap_steps;
    luron__plan_store *stores;
    int64_t n_stores, cap_stores;
    luron__plan_grad *grads;
    int64_t n_grads, cap_grads;
    luron__plan_tensor *tensors;
    int64_t n_tensors, cap_tensors;
    luron__plan_owner *owners;
    int64_t n_owners, cap_owners;
    luron__plan_layer_made *made; /* the last one first; while it is noted */
    luron__plan_chunk *chunks;
    luron__storage **written; /* what it made and does not have in its block: n_written */
    int64_t n_written;
    const void *block; /* of the context, that its views show; NULL: they show nothing yet */
    size_t block_bytes, scratch_bytes;
};
#define LURON__PLAN_REFS (1 << 30) /* of a header: nobody counts them down */

/** What the program, or garbage of its, still holds of what the step made stays as it is: runs have memory of their own for it, but for
 *  gradients that they leave. After everything was noted. */
luron_status luron__plan_part(luron_plan *plan, luron_ctx *ctx);
/** Lay out the block, after everything was noted (plan_memory.c). It is made before the first run: a plan may never run. */
luron_status luron__plan_lay_out(luron_plan *plan, luron_ctx *ctx);
/** Before a run: the block of the context is large enough, and what the plan shows lies in it. Nothing has changed if there is no memory. */
luron_status luron__plan_open(luron_plan *plan, luron_ctx *ctx);
/** A gradient of the plan that has a storage to itself, made by the step and no part of a block yet. NULL: it is not so. */
luron__plan_grad *luron__plan_own_grad(luron_plan *plan, const luron_tensor *header);
/** Whatever steps first .. last see of `was` is in `is` from now on; last is behind all steps where it comes out of the plan. */
void luron__plan_move(luron_plan *plan, int64_t first, int64_t last, const luron__storage *was, luron__storage *is);
/** Whatever of the plan looked into `from` looks into `to`. */
void luron__plan_replace(luron_plan *plan, luron__storage *from, luron__storage *to);

/* What the plans of a context have together (plan_shared.c). */
/** Into the list, as the one that ran last; out of it; out of it for good; all of them emptied, for the context goes. */
void luron__plan_link(luron_plan *plan, luron_ctx *ctx);
void luron__plan_unlink(luron_plan *plan);
void luron__plan_leave(luron_plan *plan);
void luron__plans_close(luron_ctx *ctx);
/** Let go of the block, which the next run makes again. false: there is none, or a plan runs. */
bool luron__plans_trim(luron_ctx *ctx);
/** Memory is short: let go of something that the next run makes again, or of the plan that was not run for longest. false: of nothing. */
bool luron__plans_spare(luron_ctx *ctx);
/** Let go of all that it holds: it can be run no more. */
void luron__plan_empty(luron_plan *plan);
/** The block of the context is large enough for the plan. */
luron_status luron__plan_block(luron_plan *plan, luron_ctx *ctx);
/** Gradients go where another plan leaves those of the same leaves. The plan is not listed. */
void luron__plan_share_grads(luron_plan *plan, luron_ctx *ctx);
/** All gradients that the optimiser of step s reads, as another plan has them, one reference. NULL: none has. */
luron_tensor *luron__plan_same_flat(const luron_ctx *ctx, const luron__plan_step *s);
void luron__panels_unref(luron__pool *pool, luron__panels *panels); /* NULL allowed */

/** Let layers do the element-wise steps beside them, tile by tile (plan_fuse.c); before the block is laid out. */
void luron__plan_fuse(luron_plan *plan, luron_ctx *ctx);
/** Point the first n views of a step at their data. */
void luron__plan_refresh(luron__plan_step *s, int64_t n);

/** Zeroed memory that is the plan's until its end. NULL: there is none, and the plan is refused. */
void *luron__plan_memory(luron_plan *plan, size_t bytes);

/* What a step finds and does not make: a plan is one for it as it was (plan_seen.c). */
void luron__plan_see(luron_plan *plan, luron_tensor *t);
/** After everything was noted: it is as it was seen, or the plan is refused. */
void luron__plan_settle_seen(luron_plan *plan, luron_ctx *ctx);
/** Why the plan does not fit what is there now; NULL: it does. */
const char *luron__plan_misfit_seen(const luron_plan *plan, const luron_ctx *ctx);
bool luron__plan_frame_fits(const luron__frame *f);
void luron__plan_forget_seen(luron_plan *plan);
/** Where the step made the layer; NULL: it did not. */
const char *luron__plan_made_at(const luron_plan *plan, const luron_layer *layer);
/** The inputs that were given are let go of. */
void luron__plan_drop_given(luron_plan *plan);

#endif
