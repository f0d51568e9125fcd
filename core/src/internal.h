/* internal.h -- what the files of core share. Names with two underscores (luron__x) are not exported. */
#ifndef LURON_INTERNAL_H
#define LURON_INTERNAL_H
#include "luron/luron.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>

/* ---- errors (context.c) --------------------------------------------------------------------------------------------- */
/** Set the error text; returns `status`. Set once, at the origin. */
luron_status luron__fail(luron_ctx *ctx, luron_status status, const char *fmt, ...) LURON_PRINTF(3, 4);
luron_status luron__vfail(luron_ctx *ctx, luron_status status, const char *fmt, va_list args);
/** Put "subject: " before the text that is set; returns `status`. */
luron_status luron__wrap(luron_ctx *ctx, luron_status status, const char *fmt, ...) LURON_PRINTF(3, 4);
luron_status luron__nomem(luron_ctx *ctx, size_t bytes);
/** Put text behind the text in buf, of n bytes; what has no room is cut off. */
void luron__append(char *buf, size_t n, const char *fmt, ...) LURON_PRINTF(3, 4);
#define LURON__CHECK(ctx, cond, status, ...)                                                                             \
    do {                                                                                                                 \
        if (!(cond)) return luron__fail((ctx), (status), __VA_ARGS__);                                                   \
    } while (0)
/** Buffer for luron_shape_text. */
#define LURON__SHAPE_TEXT 192
/** Buffer for luron__node_text. */
#define LURON__NODE_TEXT 256

/* ---- memory (alloc.c): every byte of core comes from the pool of a context. Sized, so that blocks carry no header ------ */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(LURON_DEBUG)
#define LURON__HOSTILE 1 /* no cache, which would hide use after free; fresh and freed blocks hold NaN */
#else
#define LURON__HOSTILE 0
#endif
typedef struct luron__pool luron__pool;
luron__pool *luron__pool_new(luron_alloc_fn alloc, void *ud);
void luron__pool_release(luron__pool *pool); /* freed when the last block has gone too */
void *luron__pool_alloc(luron__pool *pool, size_t bytes); /* 64-byte aligned; NULL: none left. bytes 0 gives a block */
void luron__pool_free(luron__pool *pool, void *ptr, size_t bytes); /* ptr NULL allowed; from any thread */
int64_t luron__pool_bytes(luron__pool *pool);
int64_t luron__pool_blocks(luron__pool *pool);
void luron__pool_set_limit(luron__pool *pool, int64_t bytes); /* 0: none. A block that would lead above it is not given */
int64_t luron__pool_limit(luron__pool *pool);
/** Bytes held when the limit refused the last block; -1: one came since, or there was no more. */
int64_t luron__pool_refused(luron__pool *pool);
int64_t luron__pool_given(luron__pool *pool); /* bytes of all blocks ever given: how cost grows, for tests */
void luron__pool_trim(luron__pool *pool);
/** What a reload of a plugin has to find: layers and optimisers. First member of both; counts their references. They stand
 *  in a list of the pool of their type until nothing of them is left but their own block.                              */
typedef struct luron__live {
    struct luron__live *before, *after;
    atomic_int refs;
    int kind;             /* luron_kind */
    atomic_ullong number; /* luron__number_of */
} luron__live;
void luron__live_begin(luron__live *live, luron__pool *pool, int kind); /* with one reference */
bool luron__live_unref(luron__live *live);                              /* true: it was the last */
void luron__live_end(luron__live *live, luron__pool *pool);
int64_t luron__live_count(luron__pool *pool);
/** What tells one thing of a pool from all others, those at the address of one that is gone too. `number`: the thing's own,
 *  0 at first; it gets one when it is first asked for.                                                                   */
uint64_t luron__number_of(atomic_ullong *number, luron__pool *pool);
/** One more reference to each of them, in the order of making. *again: another thread is taking one down, which is left
 *  out, or there is no room for all. @return how many were taken. */
int64_t luron__live_take(luron__live **to, int64_t room, luron__pool *pool, bool *again);
void luron__pool_fail(luron__pool *pool, int64_t k, bool sticky);

/** luron__pool_alloc in the thread of the context, for which plans are let go of if memory is short. */
void *luron__take(luron_ctx *ctx, size_t bytes);
/** Allocation for core's own structs: sets the error. Zeroed. Free with luron__free and the same size. */
luron_status luron__alloc(void *out /* T ** */, luron_ctx *ctx, size_t bytes);
void luron__free(luron_ctx *ctx, void *ptr, size_t bytes);
/** Grow a zeroed-at-end array to hold at least n items; *cap is updated. */
luron_status luron__grow(luron_ctx *ctx, void *array /* T ** */, int64_t *cap, int64_t n, size_t item);
/** Copy of a string; free with luron__strfree. s NULL gives NULL. */
luron_status luron__strdup(char **out, luron_ctx *ctx, const char *s);
void luron__strfree(luron__pool *pool, char *s);

/* ---- hashes: FNV-1a ------------------------------------------------------------------------------------------------------- */
#define LURON__HASH_BEGIN UINT64_C(14695981039346656037)
static inline uint64_t luron__hash(uint64_t h, const void *data, size_t n) {
    for (size_t i = 0; i < n; i++) h = (h ^ ((const unsigned char *)data)[i]) * UINT64_C(1099511628211);
    return h;
}

/* ---- context -------------------------------------------------------------------------------------------------------------- */
typedef struct luron__registry luron__registry; /* types and plugins: registry.c */
typedef struct luron__run luron__run;           /* one backward in progress: tape.c */
typedef struct luron__profile luron__profile;   /* profile.c */
struct luron_ctx {
    luron__pool *pool;
    char error[1024];
    luron_status status;
    bool recording, higher; /* higher: keep what second derivatives of fused layers need */
    bool recomputing;       /* a forward is repeated: state stays as it is */
    int index_base, threads, isa;
    int strict; /* look for faults of plugins: strict.h. 2: memory at the edge of pages */
    uint32_t default_dtype;
    uint64_t seed, position; /* random state */
    uint64_t seq;            /* of the last tape node, from 1 */
    luron__run *run;         /* innermost backward */
    int depth;               /* nested backwards */
    luron_tracer *trace;      /* notes what is applied; NULL: none (tracer.c) */
    struct luron_plan *plan;  /* notes what is done to memory; NULL: none (plan.c) */
    struct luron_plan *plans, *replayed; /* all that can be run, but the one that runs; that one (plan_shared.c) */
    void *block;              /* of results of plans, NULL: none */
    size_t block_bytes;
    struct luron__profile *profile, *profiled; /* times layers; NULL: off. profiled: what was found last (profile.c) */
    int64_t hook;            /* number of the last hook */
    bool anomaly;            /* guard.c: look at every number that is computed */
    bool shapes_only;        /* ops infer, and give tensors without storage: luron__infer_named */
    luron_locate_fn locate;  /* NULL: nobody can say */
    void *locate_ud;
    const luron_layer *within; /* the composite layer whose ops run now, for messages */
    luron__registry *registry;
    /* Asked before a tensor that a layer declares is made, where not NULL: refuses it, or gives one (*t) to take its place. */
    luron_status (*declaring)(luron_tensor **t, luron_ctx *ctx, bool is_state, const char *name, uint32_t dtype, int ndim,
                              const int64_t *shape);
    const void *declaring_for;
};

/* ---- tensors (tensor.c) ---------------------------------------------------------------------------------------------------- */
/* Memory of several storages: a file that was read whole, small parameters. It goes with the last of them. */
enum { LURON__SHELF = 32768, LURON__PLACE = 64, LURON__PLACES = LURON__SHELF / LURON__PLACE };
typedef struct luron__block {
    atomic_int refs;
    luron__pool *pool;
    void *data;
    size_t bytes;
    /* Of a shelf: whether each of its places is taken, how many are, and where to look for the next. */
    bool is_shelf, taken[LURON__PLACES];
    size_t n_taken, next;
    bool is_aside; /* on the pool's list of shelves with room */
    struct luron__block *before, *after;
} luron__block;
/** Uninitialised. NULL: no memory, nothing noted. */
luron__block *luron__block_new(luron__pool *pool, size_t bytes);
void luron__block_unref(luron__block *b); /* NULL allowed */
/** Let go of it for a storage, whose place is then free. */
void luron__block_leave(luron__block *b, const void *data, size_t bytes);
/** What a storage takes up in a block. */
static inline size_t luron__aligned(size_t bytes) { return (bytes + LURON__PLACE - 1) / LURON__PLACE * LURON__PLACE; }
/** A place for at most LURON__SHELF bytes behind the last that was given, or behind others that are in the way: *at, in the shelf
 *  of the pool, a block which the caller lets go of. NULL: no memory, nothing noted. */
luron__block *luron__shelf(size_t *at, luron__pool *pool, size_t bytes);

typedef struct luron__storage {
    atomic_int refs;
    luron__pool *pool;
    void *data;
    size_t bytes;
    luron__block *in; /* data is part of this one; NULL: a block of its own */
    atomic_ullong version; /* times changed in place */
    uint64_t finite;       /* version + 1 at which all of it was found to be finite; 0: not known */
    struct luron_plan *plan; /* made in a step that is being noted; NULL: no */
    atomic_ullong number;    /* luron__number_of */
    bool gradient;           /* of a leaf, now or once */
} luron__storage;

/** Note that it was changed. No locked instruction: whoever writes to a storage is alone with it. */
static inline void luron__touch(luron__storage *s) {
    const uint64_t version = atomic_load_explicit(&s->version, memory_order_relaxed);
    atomic_store_explicit(&s->version, version + 1, memory_order_relaxed);
}

typedef struct luron__node luron__node;   /* a node of the tape */
typedef struct luron__hooks luron__hooks; /* hooks of one tensor, node, layer or model: hooks.h */
struct luron_tensor {
    atomic_int refs;
    atomic_int slots;    /* of layers, in which it stands: luron__slot_put */
    uint32_t dtype;
    int ndim;
    bool requires_grad;  /* leaf that wants a gradient, or made by a node */
    bool is_number;      /* luron_scalar: takes part in promotion as a number */
    bool unrecorded;     /* computed while recording was off: for the message of backward */
    bool retains;        /* not a leaf, and keeps its gradient: a hook of the node points here */
    uint32_t given;      /* number of the input of a plan that it is, or shows a part of; 0: none */
    int node_out;        /* which output of node */
    int64_t shape[LURON_MAX_DIMS], strides[LURON_MAX_DIMS];
    int64_t offset;      /* in elements */
    luron__storage *storage; /* NULL: shape alone (a shadow on the tape) */
    luron__pool *pool;
    luron__node *node;   /* what made it, owned; NULL: a leaf */
    luron_tensor *grad;
    luron__hooks *hooks; /* of a leaf; those of others hang on the node */
};

/** May tensors that stay lie in one block? Each on its own shows a sanitizer what is written beside it, and a plan that is being
 *  noted moves what is made meanwhile. */
static inline bool luron__may_share(const luron_ctx *ctx) { return !LURON__HOSTILE && !ctx->plan; }
/** Uninitialised contiguous tensor; shape already checked. */
luron_status luron__tensor_make(luron_tensor **out, luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape);
/** The same for a slot of a layer. A small parameter lies behind the small one that was made before it. */
luron_status luron__tensor_make_slot(luron_tensor **out, luron_ctx *ctx, bool is_param, uint32_t dtype, int ndim, const int64_t *shape);
/** Contiguous tensor over the bytes of a block from `at` on, a multiple of 64. */
luron_status luron__tensor_in_block(luron_tensor **out, luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape,
                                    luron__block *block, size_t at);
/** Another header over the storage of t, not on the tape. */
luron_status luron__tensor_alias(luron_tensor **out, luron_ctx *ctx, const luron_tensor *t);
/** The strides of its shape in one piece. */
void luron__set_contiguous(luron_tensor *t);
/** Check sizes >= 0, ndim, and that bytes fit; *numel may be NULL. */
luron_status luron__check_shape(luron_ctx *ctx, uint32_t dtype, int ndim, const int64_t *shape, int64_t *numel);
int64_t luron__numel(int ndim, const int64_t *shape);
bool luron__same_shape(const luron_tensor *a, const luron_tensor *b);
/** Wrap a dim counted from 0, negative from the end, or fail naming `what` ("sum: dim"). Errors count in the index base. */
luron_status luron__wrap_dim(int *dim, luron_ctx *ctx, const char *what, int ndim);
/** Shape that a and b broadcast to, or an error with both shapes that names `what`. */
luron_status luron__broadcast(luron_ctx *ctx, const char *what, const luron_tensor *a, const luron_tensor *b, int *ndim, int64_t *shape);
/** View with data, for kernels and plugins. shape and strides point into t. */
luron_view luron__view(const luron_tensor *t);
static inline char *luron__data(const luron_tensor *t) {
    return (char *)t->storage->data + t->offset * (int64_t)((t->dtype & 0xff) / 8); /* luron_dtype_size of one that is known */
}
/** Bytes of a contiguous tensor. */
static inline size_t luron__tensor_bytes(const luron_tensor *t) {
    return (size_t)luron__numel(t->ndim, t->shape) * (size_t)((t->dtype & 0xff) / 8);
}
uint32_t luron__promote(const luron_tensor *a, const luron_tensor *b, uint32_t default_dtype);
/** May t be written in place now? Sets the error that says why not. */
luron_status luron__check_writable(luron_ctx *ctx, const char *what, const luron_tensor *t, const luron_tensor *src);

/* ---- ops and the tape (tape.c). A node holds an op and its attributes, never a closure: one record, many uses ------------------ */
typedef struct luron__attrs {
    int64_t at[2 * LURON_MAX_DIMS]; /* dims, shape, start and length ...: each op says what */
    double num[4];
    int32_t n, flags; /* flags: the op's id */
} luron__attrs;

typedef enum luron__attr_kind {
    LURON__ATTR_END,   /* no attribute: the last of a list */
    LURON__ATTR_INT,   /* at[place] */
    LURON__ATTR_DIM,   /* at[place]: from 0, negative from the end */
    LURON__ATTR_BOOL,  /* at[place]: 0 or 1 */
    LURON__ATTR_DTYPE, /* at[place] */
    LURON__ATTR_INTS,  /* n numbers from at[place] on: a shape, widths */
    LURON__ATTR_DIMS,  /* bits of at[place], one a dim, then one a dim from the end (-1 first); none: all dims */
    LURON__ATTR_NUM,   /* num[place] */
    LURON__ATTR_BASE   /* at[place]: the index base of the context at the time of the call; stands in no file */
} luron__attr_kind;
/** An attribute of an op: its name in files, and where luron__attrs has it. */
typedef struct luron__op_attr {
    const char *name;
    luron__attr_kind kind;
    int place;
} luron__op_attr;

typedef struct luron__op luron__op;
/** One application while it is computed. */
typedef struct luron__apply {
    const luron__op *op;
    int n_in;
    luron_tensor *const *in;
    luron__attrs attrs;
    /* filled by infer: */
    uint32_t dtype;
    int ndim;
    int64_t shape[LURON_MAX_DIMS];
    bool is_view; /* out shares the storage of in[0], with: */
    int64_t strides[LURON_MAX_DIMS], offset;
    luron_tensor *out; /* for compute */
} luron__apply;

struct luron__op {
    const char *name;
    /** Which operands `gradient` reads; of the others the tape keeps the shape alone. */
    uint32_t saves;
    /** Check operands and attributes, which a file may have set: nothing in them is trusted. Say dtype and shape of the
     *  output (and strides and offset of a view). Attributes get their plain form (a dim from the end counts from 0). */
    luron_status (*infer)(luron_ctx *ctx, luron__apply *a);
    /** Fill a->out, which is contiguous and uninitialised. NULL for views. */
    luron_status (*compute)(luron_ctx *ctx, luron__apply *a);
    /** Gradient for operand i, in ops. NULL: not differentiable, the output needs no gradient. The caller sums it down
     *  to the operand's shape and casts it to its dtype. *out left NULL: no gradient flows (also for integer operands). */
    luron_status (*gradient)(luron_tensor **out, luron_ctx *ctx, const luron__node *node, luron_tensor *g, int i);
    /* For those who have the op by its name (models, files, traces): */
    const luron__op_attr *attrs; /* NULL: none */
    int32_t n_in;             /* operands; -1: one or more */
    int32_t id;               /* what attrs.flags has to be */
    uint32_t flags;
    uint32_t ids_in;  /* bits of the operands that are ids: LURON__SAVE_IN */
    uint32_t optional; /* ... of those that may be absent, NULL */
    uint32_t carries; /* ... of those whose elements are the elements of the output, so that ids stay ids */
    bool is_part; /* a view of some elements of in[0], each once, whose gradient is 0 elsewhere */
    /** What a model does with this name, if it is more than to apply the op: other ops, which alone are on the tape. An op
     *  that has this alone (ops_named.c) is applied by models only. */
    luron_status (*call)(luron_tensor **out, luron_ctx *ctx, const luron__op *op, int n_in, luron_tensor *const *in,
                         const luron__attrs *attrs);
};
#define LURON__OP_BY_NUMBERS 1u  /* the shape of the output depends on the numbers of an operand */
#define LURON__OP_GIVES_IDS 2u   /* the output has ids, which count from the index base */
#define LURON__OP_ELEMENTWISE 4u /* one FLOP an element */
#define LURON__SAVE_IN(i) (1u << (i))
#define LURON__SAVE_ALL_IN 0x7fffffffu
#define LURON__SAVE_OUT 0x80000000u

/** May operand i be absent? */
static inline bool luron__may_miss(const luron__op *op, int i) { return i < 30 && op->optional >> i & 1; }

enum luron__used { LURON__UNUSED, LURON__USED, LURON__USED_IN_VAIN /* by a backward that failed */ };
struct luron__node {
    atomic_int refs; /* held by outputs */
    const luron__op *op;
    uint64_t seq;    /* order of recording */
    int n_in, n_out;
    enum luron__used used; /* consumed by a backward that did not retain it */
    luron__attrs attrs;
    luron_tensor **in;      /* operands: the tensor itself, or a shadow without storage */
    uint64_t *version;      /* of the storage of saved operands, then of saved outputs */
    uint8_t *wants;         /* operand i wants a gradient */
    luron_tensor **out;     /* headers of the outputs without node: shapes, and storage if saved */
    struct luron__layer_call *layer; /* layer node (call.c) */
    const luron_function *function; void *ud; /* luron_record */
    luron__hooks *hooks;    /* of its outputs; NULL: none */
    const luron_type *type; /* of a layer node that is used, owned: for messages */
    char *label;            /* the name of a function that is used; NULL: not known */
    char *where;            /* the place in the caller's program, where the context was told to note it */
    luron__pool *pool;
    luron__node *next_dead;
    size_t bytes; /* of this block */
    const luron__run *run;
    int64_t slot;
};

/* ---- all ops by name (ops_table.c; those that are several: ops_named.c) */
const luron__op *luron__op_find(const char *name); /* NULL: none */
const luron__op *luron__op_at(int i);              /* NULL past the last */
extern const luron__op *const luron__ops_unary[], *const luron__ops_binary[], *const luron__ops_elementwise[], *const luron__ops_matmul[],
    *const luron__ops_reduce[], *const luron__ops_view[], *const luron__ops_join[], *const luron__ops_index[], *const luron__ops_scan[],
    *const luron__ops_softmax[], *const luron__ops_sort[], *const luron__ops_move[], *const luron__ops_make[], *const luron__ops_diagonal[],
    *const luron__ops_order[], *const luron__ops_put[], *const luron__ops_sparse[], *const luron__ops_scatter[],
    *const luron__ops_unique[], *const luron__ops_linalg[],
    *const luron__ops_linalg_factor[], *const luron__ops_named[];
/** Apply an op as models do. */
luron_status luron__apply_named(luron_tensor **out, luron_ctx *ctx, const luron__op *op, int n_in, luron_tensor *const *in,
                                const luron__attrs *attrs);
/** Dtype and shape of what that gives, from those of the operands, which need no numbers. */
luron_status luron__infer_named(luron_dims *out, luron_ctx *ctx, const luron__op *op, int n_in, luron_tensor *const *in,
                                const luron__attrs *attrs);
/** For luron__op.call: operand 0 in a real dtype, then the op. */
luron_status luron__call_real(luron_tensor **out, luron_ctx *ctx, const luron__op *op, int n_in, luron_tensor *const *in,
                              const luron__attrs *attrs);
/* For infer. Wrap at[place] as a dim of a tensor of ndim dims; the bits of at[place] as dims, none for all; a dtype; a flag. */
luron_status luron__attr_dim(luron_ctx *ctx, luron__apply *a, int place, int ndim);
luron_status luron__attr_dims(luron_ctx *ctx, luron__apply *a, int place, int ndim);
/** Those bits as a list, for functions that take one: from 0, negative from the end. */
typedef struct luron__dims {
    int n, at[2 * LURON_MAX_DIMS + 1];
} luron__dims;
luron__dims luron__dims_of(int64_t bits);
luron_status luron__attr_dtype(luron_ctx *ctx, const luron__apply *a, int place);
luron_status luron__attr_bool(luron_ctx *ctx, const luron__apply *a, int place, const char *name);
luron_status luron__attr_count(luron_ctx *ctx, const luron__apply *a); /* attrs.n from 0 to LURON_MAX_DIMS */
luron_status luron__attr_base(luron_ctx *ctx, const luron__apply *a, int place);

/** Infer, compute, record. n_in operands; attrs may be NULL. */
luron_status luron__apply_op(luron_tensor **out, luron_ctx *ctx, const luron__op *op, int n_in, luron_tensor *const *in,
                             const luron__attrs *attrs);
/** to[...] = from converted to dtype, where `to` has from's shape and these strides (ops_join.c). */
void luron__copy_into(luron_ctx *ctx, uint32_t dtype, char *to, const int64_t *to_strides, const luron_tensor *from);
/** Zeros of `shape` with g at every step-th position from start along dim: the gradient of a slice (ops_join.c). */
luron_status luron__pad_slice(luron_tensor **out, luron_ctx *ctx, luron_tensor *g, int ndim, const int64_t *shape, int dim,
                              int64_t start, int64_t step);
/** All elements of t from src, which broadcasts to it, converted (ops_inplace.c). */
void luron__copy_in_place(luron_ctx *ctx, luron_tensor *t, const luron_tensor *src);
/** Does the number fit into a tensor of that dtype? `what`: "fill: value" (ops_inplace.c). */
luron_status luron__check_number(luron_ctx *ctx, const char *what, double value, uint32_t dtype);
/** t[...] += g, of t's shape and dtype, in the elements that t sees, each of which is one of its own (ops_inplace.c). */
void luron__add_in_place(luron_ctx *ctx, luron_tensor *t, const luron_tensor *g);
/** Does an application to these operands have to be recorded? */
bool luron__wants_tape(const luron_ctx *ctx, int n_in, luron_tensor *const *in);
/** A node over operands (NULL operands allowed) and outputs, which are attached to it. saved_in[i] / saved_out[i]: keep the
 *  storage. On failure nothing is attached. Outputs must be fresh and not on the tape. *node is NULL if no output is real. */
luron_status luron__node_record(luron__node **node, luron_ctx *ctx, const luron__op *op, const luron__attrs *attrs,
                                int n_in, luron_tensor *const *in, const bool *saved_in, int n_out, luron_tensor *const *out,
                                const bool *saved_out);
/** Output k of a node as a tensor of the tape (one more reference), for gradients written in terms of the output. */
luron_status luron__node_output(luron_tensor **out, luron_ctx *ctx, const luron__node *node, int k);
void luron__node_unref(luron__node *node);
void luron__storage_unref(luron__storage *s);
/** Mark the node as consumed by a backward: its operands, its hooks and what it saved go. */
void luron__node_use(luron__node *node);
/** Are the saved tensors of the node still there and unchanged? Sets the error that says what happened. is_root: it made
 *  what the backward begins at. */
luron_status luron__node_check(luron_ctx *ctx, const luron__node *node, bool is_root);
/** Can a backward begin at y, with the gradient g (NULL: none is given)? */
luron_status luron__check_root(luron_ctx *ctx, const luron_tensor *y, const luron_tensor *g);
/** "'mul'", "layer 'enc.1' = Linear" for messages, with the place where it was applied, if that was noted. Returns buf. */
const char *luron__node_text(char *buf, size_t n, const luron__node *node);
/** "operand 2" (counted in the index base), "input 'x'" or "parameter 'weight'" of a node. Returns buf. */
const char *luron__operand_text(char *buf, size_t n, const luron_ctx *ctx, const luron__node *node, int i);

/** Where the gradient of operand x is collected in a backward in progress: a pointer to a tensor, NULL in it: nothing yet.
 *  NULL: this backward does not want the gradient of x. */
luron_tensor **luron__run_slot(luron__run *run, const luron_tensor *x);
/** Add g to it (keeps a reference, or adds into memory that nobody else sees). g is summed down to x's shape and cast. */
luron_status luron__run_add(luron__run *run, luron_ctx *ctx, const luron_tensor *x, luron_tensor *g);
/** luron_grad over the nodes recorded behind `stop_seq` alone: what is older counts as given. */
luron_status luron__grad_since(luron_tensor **outs, luron_ctx *ctx, uint64_t stop_seq, int n_y, luron_tensor *const *ys,
                               luron_tensor *const *gys, int n_x, luron_tensor *const *xs, uint32_t flags);
bool luron__run_creates_graph(const luron__run *run);

/* ---- tracing (tracer.c): each is called while ctx->trace is set, or does nothing without it */
luron_status luron__tracer_check_op(luron_ctx *ctx, const luron__op *op, int n_in, luron_tensor *const *in);
luron_status luron__tracer_op(luron_ctx *ctx, const luron__op *op, const luron__attrs *attrs, int n_in, luron_tensor *const *in,
                              luron_tensor *out);
luron_status luron__tracer_layer_call(luron_ctx *ctx, luron_layer *layer, int n_in, luron_tensor *const *ins, int n_out,
                                      luron_tensor *const *outs);
/** A tensor is about to be changed in place; random numbers are about to be drawn. */
luron_status luron__tracer_check_write(luron_ctx *ctx, const char *how, const luron_tensor *x);
luron_status luron__tracer_check_draw(luron_ctx *ctx, const char *how);

/* layer nodes: call.c */
extern const luron__op luron__op_layer, luron__op_function;
struct luron__layer_call;
/** Backward of a layer node: grads[k] is the gradient of output k or NULL. Adds into the slots of its operands. */
luron_status luron__layer_backward(luron_ctx *ctx, luron__run *run, luron__node *node, luron_tensor *const *grads);
void luron__layer_call_free(luron__pool *pool, struct luron__layer_call *call);

/* Pieces of the tape that are made again: recompute.c */
extern const luron__op luron__op_recompute;
/* The user data that a node with a function was recorded with (luron_record, luron_recompute). */
const void *luron__function_ud(const luron__node *node);
luron_status luron__recompute_backward(luron_ctx *ctx, luron__run *run, luron__node *node, luron_tensor *const *grads);

/* ---- threads (parallel.c) ----------------------------------------------------------------------------------------------------- */
/** fn(arg, begin, end, chunk) for chunks of `grain` (cut by n and grain alone) on up to `threads` threads. */
void luron__parallel_for(int threads, int64_t n, int64_t grain, void (*fn)(void *arg, int64_t begin, int64_t end, int64_t chunk),
                         void *arg);
/** How many of `threads` threads a loop gets now that takes one thread so many seconds. Who cuts work finer for threads asks before. */
int luron__threads_for(int threads, double seconds);
/** Threads of a region, of `most`, after loops of so many seconds of work together, and seconds squared: what the loop that a second
 * of work is in, on average, is worth; `team`, what they are now, unless that is far off. */
int luron__team_wanted(double work, double squares, int team, int most);
/** Regions that came out later than one thread would have. */
typedef struct luron__lateness {
    double debt; /* seconds lost in sum, less those gained */
    int strikes; /* how often that was too much, lately */
} luron__lateness;
/** One more region, later by `lost` seconds (less than 0: sooner). Those in time pay for those that come late. @return seconds
 *  for which loops are to stay on one thread. */
double luron__judge(luron__lateness *late, double lost);
/** For tests: the calling thread's regions run on all threads, however late they come out on a busy machine. */
void luron__parallel_always(bool on);
/** An address that no other thread has. */
const void *luron__this_thread(void);
/** What LURON_NUM_THREADS says, else OpenMP; 0: that is no number from 1 to 256. */
int luron__default_threads(void);

/* ---- random numbers (random.c): Philox4x32-10 (Salmon et al., SC'11), keyed by seed; counter (j / 4, stream, position) -------------- */
void luron__philox(uint64_t seed, uint64_t position, uint32_t stream, uint64_t block, uint32_t out[4]);
/** Uniform numbers first .. first + n of (seed, position, stream) in [0, 1): 24 bits for float, 53 for double. */
void luron__uniform_f32(uint64_t seed, uint64_t position, uint32_t stream, int64_t first, int64_t n, float *to);
void luron__uniform_f64(uint64_t seed, uint64_t position, uint32_t stream, int64_t first, int64_t n, double *to);
/** Normal numbers within two deviations of the mean. */
luron_status luron__trunc_normal(luron_ctx *ctx, luron_tensor *t, double mean, double deviation);

/* ---- initialisers (initialisers.c) ---------------------------------------------------------------------------------------------- */
/** Fill t as an initialiser says; takes one position of the context. */
luron_status luron__init_tensor(luron_ctx *ctx, luron_tensor *t, luron_init init);
/** Does such an initialiser draw random numbers? */
bool luron__init_draws(luron_init init);
/** "normal(0, 0.02)" as numbers; `what` goes into messages. */
luron_status luron__init_parse(luron_init *out, luron_ctx *ctx, const char *what, const char *text);

/* ---- kernels on pointers: kernels/ ------------------------------------------------------------------------------------------------ */
#include "kernels/kernels.h"

/* ---- types (registry.c, plugin.c, reload.c). A reload puts new contents behind the same address ------------------ */
struct luron_type {
    atomic_int refs;
    luron_kind kind;
    luron__pool *pool;
    bool gone; /* the plugin was reloaded and has it no more: nobody finds it */
    /* what a reload exchanges: */
    char *plugin, *plugin_version, *path;
    const luron_plugin *from; /* NULL: linked into the program, there is no file */
    uint32_t abi_minor;       /* that the plugin needs */
    luron_layer_type layer; /* the host's zero-extended copies; one of the three by kind */
    luron_optim_type optim;
    luron_format_type format;
    luron_elementwise elementwise; /* layer.elementwise points here */
    int n_options, n_in, n_out;
    luron_option *options; /* copies, n_options */
    luron_port *in, *out;  /* copies */
};
luron_status luron__registry_new(luron__registry **out, luron_ctx *ctx);
void luron__registry_free(luron__registry *r);
luron_type *luron__type_ref(const luron_type *type);
void luron__type_unref(const luron_type *type);
/** Changes (insert, delete, replace, regardless of case) from a to b; names longer than 63 are far from all. */
int luron__edit_distance(const char *a, const char *b);

/* ---- option structs (options.c) ----------------------------------------------------------------------------------------------------- */
/** A zeroed options struct of `type` filled from args and defaults; `what` ("Linear") goes into messages. Its strings are
 *  owned by it. base NULL: the schema's defaults, else a struct to copy what args do not name from. */
luron_status luron__options_new(void **out, luron_ctx *ctx, const luron_type *type, const char *what, const void *base, int n_args,
                                const luron_arg *args);
void luron__options_free(luron__pool *pool, const luron_type *type, void *options);
luron_arg luron__options_get(const luron_type *type, const void *options, int i);
bool luron__is_utf8(const char *s);
/** A struct of `type` with the values of `from`, one of type `was`, by name; what is new takes its default. NULL, and the
 *  reasons in *diffs, if a value has no place or does not fit, or one that is required is new. */
typedef struct luron__diffs luron__diffs;
luron_status luron__options_rebind(void **out, luron_ctx *ctx, const luron_type *type, const luron_type *was, const void *from,
                                   luron__diffs *diffs);
/** Set one option of a struct in place. */
luron_status luron__options_set(luron_ctx *ctx, const luron_type *type, const char *what, void *options, const luron_arg *arg);
/** "Linear { in_features = 3, out_features = 8, bias = true }" into buf; places count as the context does. */
const char *luron__options_text(char *buf, size_t n, const luron_ctx *ctx, const luron_type *type, const void *options);
/** What files call a parameter of an optimiser: its name, or its number from 0, written into buf (optim.c). */
const char *luron__optim_file_name(char buf[24], const luron_optim *o, int group, int i);
/** Options of all groups of an optimiser, made first and then put in their place together (optim_options.c): one entry a
 *  group, NULL until it is made. */
luron_status luron__optim_next_new(void ***next, luron_optim *o, luron_ctx *ctx);
luron_status luron__optim_next_make(void **next, luron_optim *o, luron_ctx *ctx, int group, int n, const luron_arg *args);
void luron__optim_next_exchange(void **next, luron_optim *o); /* all are made; again: back to those of before */
void luron__optim_next_free(void **next, luron_optim *o);
/** Steps in which a parameter of an optimiser had a gradient (optim.c). */
int64_t luron__optim_param_steps(const luron_optim *o, int group, int i);
void luron__optim_set_param_steps(luron_optim *o, int group, int i, int64_t steps);
/** A model as a checkpoint describes it (c NULL: luron_model_from_json). What its layers declare has to be in c, or is
 *  refused before memory is taken for it (model_json.c). */
luron_status luron__model_of_file(luron_model **out, luron_ctx *ctx, const char *json, const luron_checkpoint *c);
/** Options from a JSON object (json_t *, options_json.c and model_json.c alone include jansson) and back. */
luron_status luron__args_from_json(luron_arg **args, int *n, luron_ctx *ctx, const void *json_object);
#define LURON__MAX_JSON (16 << 20) /* bytes that are read, and so written */
/** Parse JSON text: length, depth and duplicate keys are checked; *out is a json_t *. `what` goes into messages. */
luron_status luron__json_parse(void **out, luron_ctx *ctx, const char *what, const char *text);
void luron__json_free(void *json);
/** The same from JSON text (NULL: no options). */
luron_status luron__args_from_text(luron_arg **args, int *n, luron_ctx *ctx, const char *json);
void luron__args_free(luron_ctx *ctx, luron_arg *args, int n);
void *luron__options_to_json(const luron_type *type, const void *options); /* json_t *, new reference; NULL: no memory */

/* ---- layers (layer.c, call.c) ------------------------------------------------------------------------------------ */
#define LURON__MAX_SLOTS 16 /* parameters, state tensors, saved tensors of one layer */
typedef struct luron__slot {
    char *name;
    luron_tensor *tensor; /* NULL: slot not declared */
    luron_init init;
    uint32_t dtype; /* as declared: LURON_REAL or a fixed one */
} luron__slot;
typedef struct luron__slots {
    luron__slot param[LURON__MAX_SLOTS], state[LURON__MAX_SLOTS];
} luron__slots;
/** What a layer runs. The calls on the tape share it: after a reload they go on with the one that they were made by. */
typedef struct luron__code {
    atomic_int refs;
    luron__pool *pool;
    const luron_type *type; /* owned */
    void *options;
    luron__slots *was; /* owned: the slots as this code has them, once the layer runs another; NULL: those of the layer */
} luron__code;
luron__code *luron__code_ref(luron__code *code);
void luron__code_unref(luron__code *code);

/** Of a layer whose first input says its first option (lazy.c). */
typedef struct luron__lazy luron__lazy;

struct luron_layer {
    luron__live live; /* first */
    luron__pool *pool;
    luron__code *code; /* owned */
    char *name;
    bool training, waits; /* waits: a lazy layer before its first input */
    uint32_t dtype;
    luron__slot param[LURON__MAX_SLOTS], state[LURON__MAX_SLOTS];
    luron__hooks *hooks; /* NULL: none */
    luron_dims *late_ins; /* inputs for which setup declared slots, NULL: it declared none */
    int n_late_ins;
    luron__lazy *lazy; /* NULL: it was made with its size */
};
/** Put t, whose reference is taken over, into an empty slot. */
static inline void luron__slot_put(luron__slot *slot, luron_tensor *t) {
    atomic_fetch_add_explicit(&t->slots, 1, memory_order_relaxed);
    slot->tensor = t;
}
static inline void luron__slot_clear(luron__slot *slot) {
    luron_tensor *t = slot->tensor;
    if (t) atomic_fetch_sub_explicit(&t->slots, 1, memory_order_relaxed);
    slot->tensor = NULL;
    luron_tensor_unref(t);
}
void luron__slots_free(luron__pool *pool, luron__slot *slots); /* LURON__MAX_SLOTS of them */
void luron__was_free(luron__pool *pool, luron__slots *was);
/** The numbers of t in another dtype behind the same header; its gradient goes (layer.c). */
luron_status luron__tensor_convert(luron_ctx *ctx, luron_tensor *t, uint32_t dtype);
const luron_host *luron__host(int isa); /* the table of services: host.c */
const luron_ops *luron__ops_table(void); /* compose.c */

#endif
