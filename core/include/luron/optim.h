/* optim.h -- optimisers: plugin types over groups of parameters. Rules: tensor.h. */
#ifndef LURON_OPTIM_H
#define LURON_OPTIM_H
#include "luron/model.h"
LURON_BEGIN_DECLS

typedef struct luron_optim luron_optim;

/** An optimiser of the named type without groups yet; `args` are the defaults of its groups. */
LURON_API LURON_NODISCARD luron_status luron_optim_new(luron_optim **out, luron_ctx *ctx, const char *type, int n_args, const luron_arg *args);
LURON_API void luron_optim_free(luron_optim *optim);
/** Add a group of parameters (leaves, each in one group only; a frozen one stays as it is until it is unfrozen). names[i] is what the checkpoint
 *  calls state of params[i], a path "encoder.linear2/weight"; NULL: "0", "1", ...; in messages and for
 *  luron_optim_param_name these count in the index base of the context. `args` override the defaults.     */
LURON_API LURON_NODISCARD luron_status luron_optim_add(luron_optim *optim, luron_ctx *ctx, int n, luron_tensor *const *params, const char *const *names, int n_args, const luron_arg *args);

/** The same for all parameters of a model, under the model's names. */
LURON_API LURON_NODISCARD luron_status luron_optim_add_model(luron_optim *optim, luron_ctx *ctx, const luron_model *model, int n_args, const luron_arg *args);

LURON_API const luron_type *luron_optim_type_of(const luron_optim *optim);
LURON_API int luron_optim_n_groups(const luron_optim *optim);
/** Value of option i of the type in a group, and setting it between steps ("lr"). */
LURON_API luron_arg luron_optim_option(const luron_optim *optim, int group, int i);
LURON_API LURON_NODISCARD luron_status luron_optim_set(luron_optim *optim, luron_ctx *ctx, int group, const luron_arg *arg);
LURON_API int luron_optim_n_params(const luron_optim *optim, int group);
LURON_API luron_tensor *luron_optim_param(const luron_optim *optim, int group, int i);
LURON_API const char *luron_optim_param_name(const luron_optim *optim, int group, int i);

/** One step with the gradients that are there; parameters without one are left alone. Refused, with nothing changed,
 *  when a gradient is not finite (LURON_E_NONFINITE: the text names the step and the parameter).                     */
LURON_API LURON_NODISCARD luron_status luron_optim_step(luron_optim *optim, luron_ctx *ctx);
/** Drop all gradients. */
LURON_API LURON_NODISCARD luron_status luron_optim_zero_grad(luron_optim *optim, luron_ctx *ctx);
/** Steps made so far. */
LURON_API int64_t luron_optim_steps(const luron_optim *optim);

/* What a checkpoint keeps: per parameter the state tensors of the type ("exp_avg", in the type's order; they exist
 * from the moment the parameter is added, or an option is set that needs them; NULL: not kept with the options of the
 * group), per group the scalars, and the number of steps.                                                            */
LURON_API int luron_optim_n_states(const luron_optim *optim);
LURON_API const char *luron_optim_state_name(const luron_optim *optim, int s);
LURON_API luron_tensor *luron_optim_state(const luron_optim *optim, int group, int i, int s);
LURON_API int luron_optim_n_scalars(const luron_optim *optim);
LURON_API const char *luron_optim_scalar_name(const luron_optim *optim, int s);
LURON_API double luron_optim_scalar(const luron_optim *optim, int group, int s);
LURON_API void luron_optim_set_scalar(luron_optim *optim, int group, int s, double value);
/** Of the optimiser and of each of its parameters, as if all had had a gradient every time. */
LURON_API void luron_optim_set_steps(luron_optim *optim, int64_t steps);

LURON_END_DECLS
#endif
