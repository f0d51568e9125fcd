/* call.h -- a call of a layer while it is made or run: frame.c makes it, call.c and call_backward.c run it, host.c and
 * compose.c serve it. Private to these, layer.c, tape.c, tape_text.c and guard.c.                                   */
#ifndef LURON_CALL_H
#define LURON_CALL_H
#include "internal.h"

enum { LURON__FEW_IN = 8 /* inputs that need no block of their own */ };
typedef enum luron__phase {
    LURON__PHASE_DECLARE,
    LURON__PHASE_SETUP,
    LURON__PHASE_RUN,
    LURON__PHASE_COMPOSE,
    LURON__PHASE_OPTIM /* setup of an optimiser */
} luron__phase;

/* What the tape keeps of a call for its backward. */
struct luron__layer_call {
    luron_layer *layer; /* owned */
    luron__code *code;  /* owned: what the layer ran; it never changes */
    uint32_t flags, dtype;
    uint64_t seed, position;
    int64_t scratch_bytes;
    int index_base, n_in;
    int param_at[LURON__MAX_SLOTS]; /* which operand of the node is in the slot; -1: none */
    luron_tensor *saved[LURON__MAX_SLOTS];
};

/* The state tensors that the setup of an optimiser asks for a parameter; like the parameter and zero where it does not say. */
typedef struct luron__wants {
    int n;
    luron_dims state[LURON__MAX_SLOTS]; /* ndim -1: none */
    double start[LURON__MAX_SLOTS];     /* their first value */
} luron__wants;

/* What strict mode changes while it looks at a callback (strict.h). */
typedef struct luron__hostile {
    int order;     /* of the pieces of parallel_for: 1 on one thread, -1 from the last, -2 the odd ones first; 0: as always */
    bool trusted;  /* do not look: this is the look */
    int64_t grain; /* of element-wise runs; 0: as always */
    const void *watched; /* gemms that write there are counted; bits: what the last one left there */
    int64_t gemms;
    uint64_t bits;
} luron__hostile;

/* Numbers at b as luron__gemm_pack left them: behind this, for all plans of the context that multiply by them. */
typedef struct luron__panels {
    _Alignas(64) int refs;
    uint32_t flags;
    bool counted; /* by luron_plan_kept_bytes */
    size_t bytes;     /* with this */
    uint64_t version; /* of what was packed, plus 1; 0: nothing is */
    const void *b;
    int64_t n, k;
} luron__panels;
static inline bool luron__panels_are_of(const luron__panels *panels, const luron__gemm_args *g) {
    return panels->b == g->b && panels->flags == (g->flags & LURON_TRANS_B) && panels->n == g->n && panels->k == g->k;
}
/* A parameter of a plan's frame, for products while it stays what it is. */
typedef struct luron__packed {
    luron__panels *panels; /* one reference; NULL: not packed */
    uint64_t version; /* of the parameter in the last run, plus 1 */
} luron__packed;
/** The panels of a parameter that p has none of: NULL if it has changed since the last run (plan_shared.c). */
const void *luron__panels_of(luron__packed *p, const luron_ctx *ctx, const luron__gemm_args *g, uint64_t version);

/* A product of a plan's frame, with what was found of its operands: in the next run it is most likely the same. */
typedef struct luron__product {
    luron__gemm_args args;
    struct luron__operand {
        const void *data; /* NULL: nothing is known yet */
        int64_t shape[2], strides[2];
    } a, b, out;
    uint32_t flags; /* as given */
    bool is_small;
} luron__product;
enum { LURON__PRODUCTS = 3 /* of a frame, its first ones */ };

/* Element-wise work for elements first .. first + n, within bounds (plan_fuse.c). */
typedef struct luron__fused luron__fused;
void luron__fused_run(const luron__fused *f, int64_t first, int64_t n);

typedef struct luron__frame { /* first what every call looks at */
    luron_call call; /* what the plugin sees; call.internal points back here */
    luron_ctx *ctx;
    const luron_type *type; /* of the code */
    uint64_t seed;
    luron__phase phase;
    atomic_int status; /* the first failure */
    _Atomic int64_t told;       /* elements that made or wants was told of */
    luron__fused *fused; /* in a plan: what is done tile by tile; NULL: nothing */
    const uint8_t *both; /* in a plan: forward makes the gradients too, of which these are fresh before; NULL: it does not */
    luron__packed *packed; /* by slot of parameters; NULL: nothing is kept packed */
    luron__product *products; /* in a plan: LURON__PRODUCTS; NULL: none */
    const void *thread;       /* that runs it: others may multiply in its loops, out of turn; NULL: there are none */
    int n_products;           /* made in this run */
    void *work; /* of products, where they may not allocate */
    luron__hostile hostile;
    luron_layer *layer;
    luron__code *code;      /* of the layer, now or when the call was recorded */
    int64_t scratch_bytes;
    int n_operands;         /* the inputs, then the parameters */
    luron_tensor **operand; /* owned, contiguous; NULL: absent */
    bool *keep;             /* for the tape */
    int param_at[LURON__MAX_SLOTS];
    luron_tensor *state[LURON__MAX_SLOTS], *saved[LURON__MAX_SLOTS]; /* owned */
    luron_tensor **handles;                                          /* of compose: owned */
    int64_t n_handles, cap_handles;
    luron_tensor *composed[LURON__MAX_SLOTS]; /* outputs of compose: owned */
    void *block;                              /* where the arrays over inputs are, if there are many */
    size_t block_bytes;
    luron__wants *wants; /* in the setup of an optimiser */
    luron_view *in_view, *grad_in_view;
    luron_view *out_at[LURON__MAX_SLOTS], *param_ptr[LURON__MAX_SLOTS], *state_at[LURON__MAX_SLOTS],
        *saved_at[LURON__MAX_SLOTS], *grad_out_at[LURON__MAX_SLOTS], *grad_param_at[LURON__MAX_SLOTS];
    uint8_t fresh_param[LURON__MAX_SLOTS];
    int out_ndim[LURON__MAX_SLOTS]; /* -1: setup has not said */
    int unzeroed;                   /* from here on nothing is cleared by luron__frame_open */
    luron_dims out[LURON__MAX_SLOTS], saved_dims[LURON__MAX_SLOTS];
    luron_view out_view[LURON__MAX_SLOTS], param_view[LURON__MAX_SLOTS], state_view[LURON__MAX_SLOTS],
        saved_view[LURON__MAX_SLOTS], grad_out_view[LURON__MAX_SLOTS], grad_param_view[LURON__MAX_SLOTS];
    struct {
        luron_view *in[LURON__FEW_IN], *grad_in[LURON__FEW_IN];
        luron_view in_view[LURON__FEW_IN], grad_in_view[LURON__FEW_IN];
        luron_tensor *operand[LURON__FEW_IN + LURON__MAX_SLOTS];
        bool keep[LURON__FEW_IN + LURON__MAX_SLOTS];
        uint8_t fresh[LURON__FEW_IN];
    } few;
} luron__frame;

/* ---- frame.c ----------------------------------------------------------------------------------------------------- */
/** An empty frame. luron__frame_close takes it down, also after a failure to open it. */
luron_status luron__frame_open(luron__frame *f, luron_ctx *ctx, luron_layer *layer, luron__code *code, int n_in);
void luron__frame_close(luron__frame *f);
/** Run a callback of the plugin; `what` is its name. @return its status, or that of the first failure it noted. */
luron_status luron__frame_call(luron__frame *f, luron__phase phase, const char *what, luron_status (*fn)(luron_call *));
luron_status luron__frame_compose(luron__frame *f);
/** Note a failure whose text is set already; the first one counts. */
luron_status luron__frame_note(luron__frame *f, luron_status status);
/** Put the layer with its options before the error text and the given shapes behind it. */
luron_status luron__frame_explain(luron__frame *f, luron_status status);

/** Input i of a type that takes any number of its last input; NULL: there is none. */
const luron_port *luron__port_in(const luron_type *type, int i);
/** Point input i at a view (of a tensor, or of a shape without data). */
void luron__frame_set_in(luron__frame *f, int i, luron_view view);
/** Inputs that are shapes without data, dtype 0: absent. */
void luron__frame_show_dims(luron__frame *f, const luron_dims *ins);
/** Check the inputs against the ports and settle the dtype of the call; index inputs get the dtype that luron_id alone reads. */
luron_status luron__frame_check_ins(luron__frame *f);
void luron__frame_mark_ids(luron__frame *f);
/** Views of parameter slot s, or of every slot of the layer that is declared. */
void luron__frame_show_param(luron__frame *f, int s, const luron_tensor *t);
void luron__frame_show_params(luron__frame *f);
/** Run setup, or take outputs that are like input 0, and judge what it said. */
luron_status luron__frame_setup(luron__frame *f);
/** State: the layer's own tensors where the call may write them, copies otherwise. */
luron_status luron__frame_open_state(luron__frame *f, bool writable);
/** Scratch memory around a callback. */
luron_status luron__frame_open_scratch(luron__frame *f);

/** The slots as this code has them, which may have been that of the layer once. */
static inline const luron__slot *luron__code_param(const luron__code *code, const luron_layer *layer, int s) {
    return code->was ? &code->was->param[s] : &layer->param[s];
}
static inline const luron__slot *luron__frame_param(const luron__frame *f, int s) {
    return luron__code_param(f->code, f->layer, s);
}
static inline const luron__slot *luron__frame_state(const luron__frame *f, int s) {
    return f->code->was ? &f->code->was->state[s] : &f->layer->state[s];
}
static inline bool luron__is_composite(const luron_type *type) {
    return !type->layer.forward && !type->layer.elementwise;
}
static inline bool luron__is_elementwise(const luron_type *type) {
    return !type->layer.forward && type->layer.elementwise;
}
bool luron__frees_in(const luron_type *type);
bool luron__frees_out(const luron_type *type);

/* ---- layer.c ----------------------------------------------------------------------------------------------------- */
/** Takes over the options, also on failure. */
luron_status luron__code_new(luron__code **out, luron_ctx *ctx, const luron_type *type, void *options);
/** Run declare. */
luron_status luron__layer_declare(luron_ctx *ctx, luron_layer *layer);

/* ---- lazy.c ------------------------------------------------------------------------------------------------------ */
luron_status luron__lazy_new(luron_ctx *ctx, luron_layer *layer, int axis);
/** Set the draws of its first numbers aside, from the position of now on. */
luron_status luron__lazy_set_aside(luron_ctx *ctx, luron_layer *layer);
luron_status luron__lazy_copy(luron_ctx *ctx, luron_layer *to, const luron_layer *from);
void luron__lazy_free(luron_layer *layer);
/** luron__layer_run and luron_layer_infer of a layer that waits. */
luron_status luron__lazy_run(luron_tensor **outs, luron_ctx *ctx, luron_layer *layer, int n_in, luron_tensor *const *ins);
luron_status luron__lazy_infer(luron_dims *out_dims, luron_ctx *ctx, luron_layer *layer, int n_in, const luron_dims *in_dims);

/* ---- host.c ------------------------------------------------------------------------------------------------------ */
/** What host->fail does, for the files of core. */
luron_status luron__frame_fail(luron__frame *f, luron_status status, const char *fmt, ...) LURON_PRINTF(3, 4);
/** Do the numbers of v lie one behind the other, without gaps? */
static inline bool luron__in_one_piece(const luron_view *v) {
    int64_t stride = 1;
    if (!v->strides || luron_numel(v) == 0) return true;
    for (int d = v->ndim - 1; d >= 0; stride *= v->shape[d--])
        if (v->shape[d] > 1 && v->strides[d] != stride) return false;
    return true;
}
/* Matrix products, as in plugin.h (host_gemm.c). */
luron_status luron__host_gemm(luron_call *c, const luron_gemm *g);
int64_t luron__host_gemm_packed_bytes(luron_call *c, const luron_gemm *g);
luron_status luron__host_gemm_pack(luron_call *c, const luron_gemm *g, void *to);
luron_status luron__host_gemm_packed(luron_call *c, const luron_gemm *g, const void *packed);

/** host->made and host->wants, as in plugin.h. */
void luron__host_tell(luron_call *c, int64_t first, int64_t n);

/* Convolution, as in plugin.h (host_conv.c). */
int64_t luron__host_conv_work(luron_call *c, const luron_conv *v);
luron_status luron__host_conv(luron_call *c, const luron_conv *v);
luron_status luron__host_conv_grad_input(luron_call *c, const luron_conv *v);
luron_status luron__host_conv_grad_weight(luron_call *c, const luron_conv *v);
enum { LURON__EW_GRAIN = 16384 }; /* elements of one chunk of an element-wise function */

/* ---- call_backward.c --------------------------------------------------------------------------------------------- */
void luron__elementwise_forward(luron__frame *f);
/** Forward and backward of a fused type, in a frame that shows all its tensors. After backward, gradients that the plugin left
 *  untouched are zero. */
luron_status luron__frame_forward(luron__frame *f);
luron_status luron__frame_backward(luron__frame *f);
/** Both at once, of a type that can; with the gradients of its inputs as f->both says. */
luron_status luron__frame_forward_backward(luron__frame *f);

#endif
