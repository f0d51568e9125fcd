/* lua_util.h -- what the files of the Lua module share.
 *
 * Rules: a box (userdata) is made with NULL in it and filled afterwards, so that a Lua error cannot leak; arguments are
 * checked before core is called; no core pointer is held across a call that can raise or run Lua code (a finalizer, which
 * any allocation may run, closes nothing at once: box_close); dims, positions and ids count
 * from 1 in Lua and are converted here. Every failure raises a text at the line of the user's own Lua code.          */
#ifndef LUA_UTIL_H
#define LUA_UTIL_H
#include "luron/luron.h"

#include <lauxlib.h>
#include <lua.h>

enum { LR_KINDS = 10 /* of userdata */ };

/* ---- one of these per lua_State --------------------------------------------------------------------------------------- */
/* What a box, a userdata with a pointer to it, holds. They are linked, since boxes made while a lua_State closes get no
 * finalizer; nor does one that dies where Lua has no stack left for it, so links are no part of the userdata. */
typedef struct lr_link {
    void *object; /* NULL: closed */
    void *parked; /* closed by a finalizer: goes with the box */
    struct lr_link *before, *after;
    const char *key;
    int noted;  /* can be found by its address: lua_held.c */
    int is_new; /* made since the last look: keeps all held values */
    int in_plan; /* the number of the last step that called it while it was noted, 0: none has: closing it ends plans */
} lr_link;
typedef struct lr_state lr_state;
/* A Lua value that core holds on to, by a pointer to this at the head of a block: lua_held.c. */
typedef struct lr_held {
    struct lr_held *before, *after, *next; /* the ring of all; next: on the list of those that core has released */
    lr_state *S;
    void *ud;            /* what core knows it by */
    lua_Integer serial; /* key of the value in tables */
    int ref;            /* registry reference, LUA_NOREF: kept by boxes, LUA_REFNIL: dropped */
    void (*release)(struct lr_held *); /* frees the block */
    int (*keeps)(struct lr_held *, luron_held *to); /* the references into core that it has itself: how many, into `to` if not NULL */
} lr_held;
struct lr_state {
    luron_ctx *ctx;    /* NULL once the lua_State closes */
    int refs;          /* held by Lua and by held values */
    int64_t threshold, least; /* live bytes from which a collection is due; what was left by the last one, or less */
    int64_t n_boxes, most_boxes; /* open ones; from how many a collection is due */
    lua_State *L;      /* what callbacks run on; NULL outside calls that may make any */
    lua_State *running; /* what called last: where luron_ctx_set_locate looks; NULL: there is no line */
    lua_State *noting;  /* the thread in which a step is noted for a plan, NULL: none is; lua_plan.c keeps it alive */
    int n_notings;      /* the number of the step that was noted last */
    int failed;        /* a callback raised an error, which lr_raise raises again */
    int scope;         /* registry reference of the list of the innermost luron.scope, LUA_NOREF: none */
    const void *metatables[LR_KINDS]; /* by number of the key, once one was looked for */
    lr_link boxes;     /* head of the ring of all boxes */
    lr_link *spare;    /* links without a box, by `after` */
    lr_held held;      /* head of the ring of held values */
    lr_held *dead;     /* those that core has released: lr_drain frees them */
    lua_Integer serial, looked; /* of the last held value; of the last that was there in a look */
    int64_t n_held, n_weak; /* all; those that boxes keep */
    int before_step;   /* a function is called before each step of an optimiser */
    int notes;         /* there was one once: all boxes are noted from then on */
    int64_t skip;      /* collections to let pass before the next look */
    int rescue;        /* a value died and was not to: what dies with it may belong to it */
    char own[1024];    /* "@.../luron/": how the sources of luron's own Lua files begin */
};

/** The state; raises if the lua_State is closing. What a step does that has yielded ends to be noted. */
lr_state *lr_get(lua_State *L);
/** The same, NULL instead of an error. */
lr_state *lr_peek(lua_State *L);
/** The state has gone: nobody finds it any more. */
void lr_forget_state(void);
/** Make the place for errors of callbacks. */
void lr_open_errors(lua_State *L);
static inline luron_ctx *lr_ctx(lua_State *L) { return lr_get(L)->ctx; }

/* ---- values that core holds ------------------------------------------------------------------------------------------------ */
/** A registry reference for the value on top, which it takes: for lr_hold, which cannot raise. */
int lr_held_ref(lua_State *L);
/** Hold it, until core lets go of `ud` and calls lr_released(h), which in the end calls release(h). */
void lr_hold(lr_state *S, lr_held *h, int ref, void *ud, void (*release)(lr_held *));
void lr_released(void *held);
/** Push the value; nil and 0 if it was dropped. */
int lr_push_value(lua_State *L, lr_held *h);
/** Drop the value before core lets go. */
void lr_unhold(lua_State *L, lr_held *h);
/** Free what core has released. L NULL: the lua_State has gone. */
void lr_drain(lua_State *L, lr_state *S);
/** Note the box at idx, so that it can keep values alive; the one on top, which was made just now. */
void lr_note_box(lua_State *L, int idx);
/** The layer, model or optimiser at idx is called; if a step is noted, its plan does not outlive this handle's being closed. */
void lr_called(lua_State *L, int idx);
void lr_note_new_box(lua_State *L, lr_state *S);
/** For the finalizer of the object at 1: does it live on, to be finalized once more? And of a box. */
int lr_lives_on(lua_State *L);
int lr_box_lives_on(lua_State *L);

/* ---- errors --------------------------------------------------------------------------------------------------------------- */
/** Push "file:line: " of the innermost Lua code that is not luron's own ("" if there is none). */
void lr_where(lua_State *L);
/* They return int only for `return lr_error(...)`. */
#define LR_RAISES __attribute__((noreturn))
/** Raise at the user's line. */
LR_RAISES int lr_error(lua_State *L, const char *fmt, ...);
/** "bad argument #1 to 'narrow' (text)"; for a method the object is not counted. */
enum { LR_FIELD = -1 }; /* as arg: the value is put into a field of what the function is named after */
LR_RAISES int lr_argerror(lua_State *L, int arg, const char *fmt, ...);
/** "bad argument #1 to 'narrow' (dim: integer expected, got string)". */
LR_RAISES int lr_typeerror(lua_State *L, int arg, const char *name, const char *expected);
/** Push what came, for messages: a number, a quoted string, or the name of the type. Returns the text. */
const char *lr_got(lua_State *L, int idx);
/** Raise core's error (or the error of the callback that failed). */
LR_RAISES int lr_raise(lua_State *L, luron_status status);
/** The same after writing into a tensor: what core calls copy or fill is named as in the program, "add_: ...". */
LR_RAISES int lr_raise_write(lua_State *L, luron_status status, const char *subject);
/** Raise unless LURON_OK. Returns n. */
int lr_done(lua_State *L, luron_status status, int n);
/** Push nil, message, code. */
int lr_nil(lua_State *L, luron_status status);
/** The object at 1, a `kind` ("layer"), has no method or field at 2: raise, with names that are near. */
LR_RAISES int lr_no_field(lua_State *L, const char *kind);

/* ---- arguments -------------------------------------------------------------------------------------------------------------- */
lua_Integer lr_integer(lua_State *L, int arg, const char *name);
lua_Integer lr_integer_in(lua_State *L, int arg, const char *name, lua_Integer min, lua_Integer max);
double lr_number(lua_State *L, int arg, const char *name);
double lr_opt_number(lua_State *L, int arg, const char *name, double dflt);
const char *lr_string(lua_State *L, int arg, const char *name);
int lr_opt_boolean(lua_State *L, int arg, const char *name, int dflt);
/** A dim: from 1, negative from the end. Gives it from 0, negative as it is. */
int lr_dim(lua_State *L, int arg, const char *name);
/** nil: none (0); a dim; or a list of dims. Fills dims, returns how many. */
int lr_dims(lua_State *L, int arg, int dims[LURON_MAX_DIMS]);
/** Dims at arguments first..last, or one list of them at first (nil: none). */
int lr_dim_list(lua_State *L, int first, int last, int dims[LURON_MAX_DIMS]);
/** dim[, keepdim] at arg and behind it. Without a dim it is `otherwise`, and `all` is set. */
typedef struct lr_over {
    int all, dim, keep;
} lr_over;
lr_over lr_dim_keep(lua_State *L, int arg, int otherwise);
/** Sizes at arguments first..last, or one list of them at first; each >= min (0, or -1 where one may be left open). */
int lr_sizes(lua_State *L, int first, int last, int64_t min, int64_t shape[LURON_MAX_DIMS]);
/** A dtype by name. */
uint32_t lr_dtype(lua_State *L, int arg, const char *name);
/** The dtype in the options table at arg, which may have these keys; the default one if there is none. */
uint32_t lr_dtype_option(lua_State *L, int arg, const char *const *keys);
/** A list of at most 8 pairs of sizes; returns how many. */
int lr_pairs(lua_State *L, int arg, int64_t before[LURON_MAX_DIMS], int64_t after[LURON_MAX_DIMS]);
/** The name of a reduction: LURON_SUM ... */
int lr_how_to_reduce(lua_State *L, int arg);
/** { rtol =, atol =, equal_nan = } or nil; PyTorch's where they are not given. */
typedef struct lr_closeness {
    double rtol, atol;
    int equal_nan;
} lr_closeness;
lr_closeness lr_closeness_at(lua_State *L, int arg);
/** Is the value at idx a table with at least one key that is a string, or with nothing in it? */
int lr_is_options(lua_State *L, int idx);
/** Push field `key` of the options table at arg (nil if arg is none or nil). Returns its Lua type. */
int lr_field(lua_State *L, int arg, const char *key);
/** Raise unless every key of the options table at arg is in the NULL-terminated list. */
void lr_only(lua_State *L, int arg, const char *const *keys);

/* ---- boxes -------------------------------------------------------------------------------------------------------------------- */
/* Metatables are kept in the registry under the address of these. */
extern const char lr_keys[LR_KINDS];
#define lr_tensor_key lr_keys[0]
#define lr_layer_key lr_keys[1]
#define lr_model_key lr_keys[2]
#define lr_optim_key lr_keys[3]
#define lr_checkpoint_key lr_keys[4]
#define lr_node_key lr_keys[5]
#define lr_guard_key lr_keys[6]
#define lr_tracer_key lr_keys[7]
#define lr_plan_key lr_keys[8]
#define lr_ready_key lr_keys[9]
/* ... and these things: the state, names of functions for messages, methods of tensors. */
extern const char lr_state_key, lr_names_key, lr_methods_key;
/** A metatable under `key` with __name, __index = methods (or left to the caller), __gc and __close; leaves it and the
 *  methods table (on top) on the stack. */
void lr_metatable(lua_State *L, const char *key, const char *name);
/** Release everything that is still in boxes. */
void lr_release_all(lr_state *S);
/** Put functions into the table on top and note their names for error messages. */
void lr_setfuncs(lua_State *L, const luaL_Reg *funcs);
/** Note the name of the function on top. */
void lr_name_function(lua_State *L, const char *name);
/** The same for one that runs when an object is called: messages do not count the object among the arguments. */
void lr_name_call(lua_State *L, const char *name);
/** The userdata at idx if it has the metatable of that key, else NULL. */
void *lr_userdata(lua_State *L, int idx, const char *key);
/** The same for who has the state; NULL: it is looked for. */
void *lr_userdata_in(lua_State *L, lr_state *S, int idx, const char *key);
/** The pointer in the box at idx, which is one. */
static inline void **lr_slot(lua_State *L, int idx) { return &(*(lr_link **)lua_touserdata(L, idx))->object; }
/** The pointer in a box of that kind, a pointer to NULL if it was closed; NULL if the value is something else. */
void **lr_test(lua_State *L, int idx, const char *key);
/** Push an empty box. */
void **lr_box(lua_State *L, const char *key);
/** The layer in this box is one that a function keeps for its next call. */
void lr_mark_kept(void **box);
/** Close all such boxes; the functions make new ones. */
void lr_close_kept(lr_state *S);
/** Push an empty tensor box; an open luron.scope notes it. */
luron_tensor **lr_new_tensor(lua_State *L);
/** Push a box of the kind `key` with an object of which it takes over the caller's reference, also when it raises. */
void lr_push_held(lua_State *L, const char *key, void *object);
/** Push a box with one more reference to t; nil for NULL. */
void lr_push_tensor(lua_State *L, luron_tensor *t);
/** The tensor at idx, NULL if it is none; raises for a closed one. */
luron_tensor *lr_to_tensor(lua_State *L, int idx);
luron_tensor *lr_tensor(lua_State *L, int arg, const char *name);
/** Push an array of the tensors in the list at argument i, borrowed: nothing may run that could close one. */
luron_tensor **lr_tensors(lua_State *L, int i, int *n);
/** The ids at argument i, a tensor or a list; replaces the list by a tensor. */
luron_tensor *lr_ids(lua_State *L, int i);
/** Fill t with the number or boolean at idx. */
luron_status lr_fill(lua_State *L, luron_tensor *t, int idx);
/** Does the table at idx have keys that are no positions in a list? Then the first of them is pushed. Not every such key is found. */
int lr_other_key(lua_State *L, int idx);
/** Push a guard that has set recording or the like, and sets it back when it is closed. */
void lr_push_guard(lua_State *L, int (*set)(luron_ctx *ctx, int on), int on);
/** Raise unless the value at arg can be called. */
void lr_callable(lua_State *L, int arg, const char *name);
/** Inserts two values below all others of the running C function: from now on tensor boxes are noted in a list at 2. Left
 *  open it ends with the function. */
void lr_scope_begin(lua_State *L);
/** End it: note no more. */
void lr_scope_end(lua_State *L);
/** Close the boxes that are in the list but not in the set at keep; the scope that is open now takes over the rest. Without
 *  one, keep may be 0 for none. */
void lr_scope_close(lua_State *L, int list, int keep);
/** Put the tensors in the value on top, alone or in plain tables, into the set at idx. Does it have any? */
int lr_scope_keep(lua_State *L, int idx);
/** The object of another kind at arg, or an error. `what`: "layer". */
void *lr_object(lua_State *L, int arg, const char *key, const char *what);
/** Build a tensor from a nested table or number at idx (arg: for messages) into a new box on top. dtype 0: by what is in it. */
luron_tensor *lr_tensor_from_lua(lua_State *L, int idx, int arg, uint32_t dtype);
/** Element at an offset from the data pointer, as a Lua value. */
void lr_push_element(lua_State *L, const void *data, uint32_t dtype, int64_t at);
/** Push an iterator over the list of pairs { name1, value1, ... } on top (which it takes): for name, value in it do. */
void lr_push_pairs(lua_State *L);

#define LR_MAX_VALUES 256
/** The list { node, out, node, out, ... } of values of a model at arg, outputs from 1; node -1: absent. Returns how many. */
int lr_values(lua_State *L, int arg, luron_value vs[LR_MAX_VALUES]);
/** Push the value of a JSON text; nil if it is none. */
void lr_push_json(lua_State *L, const char *text);

/* ---- options of types ------------------------------------------------------------------------------------------------------------ */
#define LR_MAX_ARGS 64
/** Options of `type` from the arguments first..last; arg numbers in messages as they are. Strings point into the Lua
 *  values. Keys that are names of input ports are skipped if `ports`. Returns how many. */
int lr_type_args(lua_State *L, const luron_type *type, int first, int last, int ports, luron_arg args[LR_MAX_ARGS]);
/** The same of a lazy layer: those behind the first, which its first input says. */
int lr_lazy_args(lua_State *L, const luron_type *type, int first, int last, luron_arg args[LR_MAX_ARGS]);
/** The names of a type's options from `first` on, counted from 0, with commas between them, on the stack. */
const char *lr_push_option_names(lua_State *L, const luron_type *type, int first);
/** What an optimiser calls otherwise than PyTorch or Keras do; NULL: nothing. */
const char *lr_optim_hint(const luron_type *type, const char *name);
/** The option with its range as Lua counts. */
luron_option lr_shown_option(const luron_option *o);
/** One value at idx for option o. */
void lr_arg_value(lua_State *L, int arg, int idx, const luron_option *o, luron_arg *out);
/** Push the value of an option as Lua sees it. */
void lr_push_arg(lua_State *L, const luron_option *o, const luron_arg *a);
/** Push "in_features = 3, bias = true". */
void lr_push_options_text(lua_State *L, const luron_type *type, luron_arg (*get)(const void *, int), const void *of);

/* ---- parts: each puts its functions into the module table on top of the stack -------------------------------------------------------- */
void lr_open_missing(lua_State *L);
void lr_open_tensor(lua_State *L);
void lr_open_create(lua_State *L);
void lr_open_ops(lua_State *L);
void lr_open_views(lua_State *L);
void lr_open_arrange(lua_State *L);
void lr_open_linalg(lua_State *L);
void lr_open_sparse(lua_State *L);
void lr_open_indexing(lua_State *L);
void lr_open_autograd(lua_State *L);
void lr_open_function(lua_State *L);
void lr_open_scope(lua_State *L);
void lr_open_recompute(lua_State *L);
void lr_open_held(lua_State *L);
void lr_open_hooks(lua_State *L);
void lr_open_layer(lua_State *L);
void lr_open_call(lua_State *L);
void lr_open_types(lua_State *L);
void lr_open_model(lua_State *L);
void lr_open_tracer(lua_State *L);
void lr_open_plan(lua_State *L);
/** The step that is noted has been left in the middle, by a yield or an error: its plan is refused and ended. */
void lr_leave_noting(lua_State *L, lr_state *S);
void lr_open_profile(lua_State *L);
void lr_open_nodes(lua_State *L);
void lr_open_optim(lua_State *L);
void lr_open_json(lua_State *L);
void lr_open_file(lua_State *L);
/** Put the function on top (left there) under `name` into the methods of tensors as well. */
void lr_add_method(lua_State *L, const char *name);
/** __index of tensors, and the text of one. */
int lr_tensor_index(lua_State *L);
/** x[mask] of the tensor and the bool tensor at 1 and 2. */
int lr_mask_index(lua_State *L);
/** x[mask] = value, which is at 3. */
int lr_mask_newindex(lua_State *L);
/** Is the value at idx a tensor of ids, or a list of them? */
int lr_is_ids(lua_State *L, int idx);
/** x[ids] and x[{ ids, ids }] of the tensor at 1 and what is at 2; the same = value, which is at 3. */
int lr_ids_index(lua_State *L);
int lr_ids_newindex(lua_State *L);
/** In x, the tensor at 1, at these ids the value at 3: number, boolean, table or tensor. */
int lr_put(lua_State *L, int n, luron_tensor *const *ids);
int lr_tensor_newindex(lua_State *L);
int lr_tensor_tostring(lua_State *L);
/** If an argument from 2 on is a node of a graph: make a node (results on the stack) and return 1. */
int lr_call_on_nodes(lua_State *L);
/** If an argument is one, do what the method of nodes with this name does; returns the number of results, 0: it is none. */
int lr_method_on_nodes(lua_State *L, const char *name);
int lr_is_node(lua_State *L, int idx);
/** If the list at 1 (to be joined along what is at 2 by the function `name`) has such a node: push a node, return 1. */
int lr_join_nodes(lua_State *L, const char *name);
/** Raise while a trace is on: what follows would depend on the mode. */
void lr_refuse_mode(lua_State *L);
/** Raise while a trace is on if the numbers of t, which are about to be read, come from what goes in. */
void lr_refuse_reading(lua_State *L, const luron_tensor *t, const char *how);
/** Push the function of the layer type with this function name ("relu"), or return 0. */
int lr_push_function(lua_State *L, const char *name);
enum { LR_MAX_INS = 64 /* inputs of a layer */ };
int lr_layer_call(lua_State *L); /* __call of layers (lua_call.c) */

/* ---- callbacks ------------------------------------------------------------------------------------------------------------------------ */
/** Callbacks run on L until lr_leave; returns what was before. */
lua_State *lr_enter(lua_State *L);
void lr_leave(lua_State *L, lua_State *before);
/** lua_pcall in a callback of core, without a result. An error is kept for lr_raise. */
luron_status lr_callback(lua_State *L, lr_state *S, int n_args);
/** Keep the error value on top (popped) for lr_raise; returns LURON_E_CALLBACK. */
luron_status lr_keep_error(lua_State *L, lr_state *S);

#endif
