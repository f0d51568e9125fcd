/* layer.h -- types that plugins register, and layers made from them. Rules: tensor.h.
 *
 * A name is looked for among the types already loaded, then in the plugins of $LURON_PLUGIN_PATH (folders separated by
 * ':'; relative ones, and those into which everybody may write, are ignored), then in the folder luron/plugins beside
 * libluron. A plugin is loaded when a type of it is first needed and never unloaded. A plugin is native code with the
 * rights of the process.                                                                                             */
#ifndef LURON_LAYER_H
#define LURON_LAYER_H
#include "luron/tensor.h"
LURON_BEGIN_DECLS

/* ---- types ------------------------------------------------------------------------------------------------------- */
/* Lives as long as its context or anything made from it. luron_plugin_reload gives it new contents; what was got from it
 * before (options, ports, texts) is then no longer valid.                                                             */
typedef struct luron_type luron_type;
typedef enum luron_kind { LURON_KIND_LAYER, LURON_KIND_OPTIM, LURON_KIND_FORMAT } luron_kind;

/** Find a type by name, loading its plugin if need be. @return LURON_E_NOT_FOUND (the text has near names and the
 *  plugins that were refused), LURON_E_PLUGIN if the plugin that has it is refused. */
LURON_API LURON_NODISCARD luron_status luron_type_find(const luron_type **out, luron_ctx *ctx, luron_kind kind, const char *name);
/** Find a layer type by its function name ("relu"). */
LURON_API LURON_NODISCARD luron_status luron_function_find(const luron_type **out, luron_ctx *ctx, const char *function);
LURON_API const char *luron_type_name(const luron_type *type);
LURON_API const char *luron_type_function(const luron_type *type); /* NULL: none */
LURON_API const char *luron_type_doc(const luron_type *type);
LURON_API uint32_t luron_type_flags(const luron_type *type); /* LURON_LAYER_LOSS ... */
/** Option i in the schema's order, NULL past the last. */
LURON_API const luron_option *luron_type_option(const luron_type *type, int i);
/** Input or output port i of a layer type, NULL past the last. */
LURON_API const luron_port *luron_type_in(const luron_type *type, int i);
LURON_API const luron_port *luron_type_out(const luron_type *type, int i);
LURON_API const char *luron_type_plugin(const luron_type *type);
LURON_API const char *luron_type_plugin_version(const luron_type *type);
LURON_API const char *luron_type_plugin_path(const luron_type *type);
/** Lowest minor of the plugin ABI that its plugin needs. */
LURON_API int luron_type_plugin_abi(const luron_type *type);
/** How a layer type computes: bits. */
#define LURON_FORM_ELEMENTWISE 1u
#define LURON_FORM_FUSED 2u   /* forward and backward */
#define LURON_FORM_COMPOSE 4u /* in ops: alone, or beside one of the others for higher derivatives */
LURON_API uint32_t luron_type_forms(const luron_type *type);

/** Load the plugin file at `path` (a name with a '/'). All its types are registered, or none. @return LURON_E_PLUGIN. */
LURON_API LURON_NODISCARD luron_status luron_plugin_load(luron_ctx *ctx, const char *path);
/** Register a plugin linked into the program (LURON_PLUGIN_STATIC). */
LURON_API LURON_NODISCARD luron_status luron_plugin_add(luron_ctx *ctx, const luron_plugin *plugin, const char *path);
/** Load the file of plugin `name` again, while training goes on: all layers and optimisers of its types get the new code, or
 *  none does. Their options are bound by name (a new one takes its default); parameters, state of layers and of optimisers,
 *  and scalars have to be the same by name, shape and dtype, in any order, and stay. Types that are not in use may go, new
 *  ones come. What is on the tape runs the code that it was recorded by. No other thread may be in a call or use a type of
 *  the plugin meanwhile; they may let go of layers. Each time a copy of the file stays in memory: nothing is unloaded.
 *  @return LURON_E_NOT_FOUND if no such plugin is loaded (the text has near names), LURON_E_UNSUPPORTED if it is linked into
 *  the program, LURON_E_PLUGIN if the new file is refused (the text says why); then nothing has changed. */
LURON_API LURON_NODISCARD luron_status luron_plugin_reload(luron_ctx *ctx, const char *name);
/** Load every plugin on the path; those that are refused are skipped. */
LURON_API LURON_NODISCARD luron_status luron_plugin_load_all(luron_ctx *ctx);
/** Path of plugin file i that was looked at so far, NULL past the last; *reason: why it was refused, NULL if it was not. */
LURON_API const char *luron_plugin_file(luron_ctx *ctx, int i, const char **reason);
/** Write the index of the plugins in `dir`: which file has which names. @return LURON_E_IO. */
LURON_API LURON_NODISCARD luron_status luron_plugin_index(luron_ctx *ctx, const char *dir);
/** Registered type i of a kind in order of registration, NULL past the last. */
LURON_API const luron_type *luron_type_at(luron_ctx *ctx, luron_kind kind, int i);

/* ---- arguments: values for options, by name or (name NULL) by position in the schema's order ------------------------- */
typedef enum luron_arg_kind { LURON_ARG_INTEGER, LURON_ARG_NUMBER, LURON_ARG_BOOLEAN, LURON_ARG_STRING, LURON_ARG_INTS, LURON_ARG_FLOATS } luron_arg_kind;
typedef struct luron_arg {
    const char *name;
    luron_arg_kind kind;
    int64_t integer; /* also the boolean */
    double number;
    const char *string;
    __extension__ union { /* by the kind; C11's, which a program in C99 may have too */
        luron_ints ints;
        luron_floats floats;
    };
} luron_arg;

/* ---- layers ------------------------------------------------------------------------------------------------------------ */
typedef struct luron_layer luron_layer;

/** A layer of the named type. Axes and ids among the arguments count from 0. Parameters exist at once, initialised,
 *  of the default dtype, and require gradients. @return LURON_E_NOT_FOUND, LURON_E_ARGUMENT (the text lists the valid
 *  options), LURON_E_PLUGIN. */
LURON_API LURON_NODISCARD luron_status luron_layer_new(luron_layer **out, luron_ctx *ctx, const char *type, int n_args, const luron_arg *args);
/** A layer whose first option, a size such as in_features, is that of dim `axis` (negative: from the last) of its first input;
 *  `args` are for the options behind it. Until then the option is 0 and there are no parameters, then those that a layer has
 *  that was given the size here, the same numbers included. The first call, and luron_model_summary with a shape, are for
 *  one thread. @return LURON_E_ARGUMENT if the first option is no whole number. */
LURON_API LURON_NODISCARD luron_status luron_layer_new_lazy(luron_layer **out, luron_ctx *ctx, const char *type, int axis, int n_args, const luron_arg *args);
/** Give such a layer its size without an input, or with 0 let it wait for one again; the parameters that it had are no
 *  longer its own. @return LURON_E_STATE if it was made with its size. */
LURON_API LURON_NODISCARD luron_status luron_layer_resize(luron_ctx *ctx, luron_layer *layer, int64_t size);
/** @return LURON_E_STATE, with what to do, if the layer waits for its first input and so has no parameters yet; LURON_OK if
 *  it waits but has no tensors at any size. */
LURON_API LURON_NODISCARD luron_status luron_layer_check_sized(luron_ctx *ctx, const luron_layer *layer);
/** The same with options as a JSON object, "{\"in_features\": 3}" (NULL: none). */
LURON_API LURON_NODISCARD luron_status luron_layer_from_json(luron_layer **out, luron_ctx *ctx, const char *type, const char *options);
/** A layer of the same type and options with copies of parameters and state. */
LURON_API LURON_NODISCARD luron_status luron_layer_clone(luron_layer **out, luron_ctx *ctx, luron_layer *layer);
LURON_API luron_layer *luron_layer_ref(luron_layer *layer);
LURON_API void luron_layer_unref(luron_layer *layer);

LURON_API const luron_type *luron_layer_type_of(const luron_layer *layer);
/** Path for error messages, "enc.1"; "" at first. Set by models. */
LURON_API const char *luron_layer_name(const luron_layer *layer);
LURON_API LURON_NODISCARD luron_status luron_layer_set_name(luron_ctx *ctx, luron_layer *layer, const char *name);
/** Value of option i of its type, whatever its kind (choices as strings). */
LURON_API luron_arg luron_layer_option(const luron_layer *layer, int i);
/** Training mode, on at first: dropout drops, running state moves. */
LURON_API void luron_layer_set_training(luron_layer *layer, int on);
LURON_API int luron_layer_is_training(const luron_layer *layer);
/** LURON_F32 or LURON_F64. Casts parameters and real state in place (ties hold); their gradients are dropped. */
LURON_API uint32_t luron_layer_dtype(const luron_layer *layer);
LURON_API LURON_NODISCARD luron_status luron_layer_set_dtype(luron_ctx *ctx, luron_layer *layer, uint32_t dtype);

/** Parameter or state i: names "weight", "bias" in slot order; borrowed; NULL past the last. Absent slots are skipped. */
LURON_API int luron_layer_n_params(const luron_layer *layer);
LURON_API luron_tensor *luron_layer_param(const luron_layer *layer, int i);
LURON_API const char *luron_layer_param_name(const luron_layer *layer, int i);
LURON_API int luron_layer_n_states(const luron_layer *layer);
LURON_API luron_tensor *luron_layer_state(const luron_layer *layer, int i);
LURON_API const char *luron_layer_state_name(const luron_layer *layer, int i);
/** Put another tensor of the same shape and dtype in the place of parameter i: tying. Whether it requires a gradient stays
 *  as it is (luron_tensor_set_requires_grad). */
LURON_API LURON_NODISCARD luron_status luron_layer_set_param(luron_ctx *ctx, luron_layer *layer, int i, luron_tensor *t);
/** Draw the parameters anew and put the state back. */
LURON_API LURON_NODISCARD luron_status luron_layer_reset(luron_ctx *ctx, luron_layer *layer);

/** Number of outputs the layer gives. */
LURON_API int luron_layer_n_outs(const luron_layer *layer);
/** Apply to n_in inputs (NULL for an absent optional one); fills outs[0 .. n_outs). */
LURON_API LURON_NODISCARD luron_status luron_layer_apply(luron_tensor **outs, luron_ctx *ctx, luron_layer *layer, int n_in, luron_tensor *const *ins);

/* ---- hooks: of layers, and of models (model.h) --------------------------------------------------------------------- */
/** What is called before and after a layer is applied and in its backward; any may be NULL. instead[i], NULL at first, may
 *  be set to a tensor (owned) that takes the place of number i; nothing given may be changed in place. A failure is
 *  that of the call, or of the backward. Number i of inputs may be NULL (absent), as may gradients (none).           */
typedef struct luron_layer_hook {
    uint32_t struct_size, reserved; /* sizeof(luron_layer_hook): what lies beyond it is not read */
    /** Before: other inputs. */
    luron_status (*forward_pre)(luron_ctx *ctx, void *ud, int n_in, luron_tensor *const *ins, luron_tensor **instead);
    /** After: other outputs. */
    luron_status (*forward)(luron_ctx *ctx, void *ud, int n_in, luron_tensor *const *ins, int n_out, luron_tensor *const *outs, luron_tensor **instead);
    /** In a backward that wants gradients of inputs, or if no input requires one: other gradients of inputs, of the same
     *  shape. Needs recording in the forward; hooks added after it are not called.                                   */
    luron_status (*backward)(luron_ctx *ctx, void *ud, int n_in, luron_tensor *const *grad_ins, int n_out, luron_tensor *const *grad_outs, luron_tensor **instead);
    void (*release)(void *ud); /* with the layer, or when the hook is removed; from any thread */
} luron_layer_hook;
/** Hang a copy of `hook` on a layer. Hooks run in order of adding. Copies of the layer do not have them, nor do files. They
 *  are not to be added or removed while another thread runs the layer. *id is above 0.                               */
LURON_API LURON_NODISCARD luron_status luron_layer_add_hook(int64_t *id, luron_ctx *ctx, luron_layer *layer, const luron_layer_hook *hook, void *ud);
/** @return LURON_E_NOT_FOUND if the layer has no such hook (any more). */
LURON_API LURON_NODISCARD luron_status luron_layer_remove_hook(luron_ctx *ctx, luron_layer *layer, int64_t id);

/** Shapes and dtypes of the outputs for given inputs, without computing: for summaries. out_dims has room for n_outs. */
typedef struct luron_dims {
    uint32_t dtype;
    int ndim;
    int64_t shape[LURON_MAX_DIMS];
} luron_dims;
LURON_API LURON_NODISCARD luron_status luron_layer_infer(luron_dims *out_dims, luron_ctx *ctx, luron_layer *layer, int n_in, const luron_dims *in_dims);

LURON_END_DECLS
#endif
