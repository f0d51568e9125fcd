/* checkpoint.h -- files: checkpoints of models and training, and tensors in other files. Rules: tensor.h.
 * docs/file-format.md says what is in a checkpoint. No file can run code.                                            */
#ifndef LURON_CHECKPOINT_H
#define LURON_CHECKPOINT_H
#include "luron/model.h"
#include "luron/optim.h"
LURON_BEGIN_DECLS

/** A checkpoint in memory: what is to be saved, or what was read. Everything but texts is shared, not copied. */
typedef struct luron_checkpoint luron_checkpoint;
LURON_API LURON_NODISCARD luron_status luron_checkpoint_new(luron_checkpoint **out, luron_ctx *ctx);
LURON_API void luron_checkpoint_free(luron_checkpoint *c);

/* To save: */
LURON_API LURON_NODISCARD luron_status luron_checkpoint_set_model(luron_checkpoint *c, luron_ctx *ctx, luron_model *model);
LURON_API LURON_NODISCARD luron_status luron_checkpoint_set_optim(luron_checkpoint *c, luron_ctx *ctx, luron_optim *optim);
/** A tensor of the user's own at a path of one of the groups "parameters", "state", "training", "preprocessing":
 *  "parameters/encoder.gate/weight". For modules whose forward is a script. */
LURON_API LURON_NODISCARD luron_status luron_checkpoint_set_tensor(luron_checkpoint *c, luron_ctx *ctx, const char *path, luron_tensor *t);
/** A text: "training/epoch" = "3", "preprocessing/classes" = JSON. */
LURON_API LURON_NODISCARD luron_status luron_checkpoint_set_text(luron_checkpoint *c, luron_ctx *ctx, const char *path, const char *text);
/** Write in the format (NULL: "luron") under a temporary name in the same folder, sync, rename, sync the folder.
 *  The random state of ctx goes in with "training/". keep_prev: the old file stays as PATH.prev.
 *  Whatever fails, PATH holds the old file or the new one, whole; processes that save to one path do no harm.
 *  @return LURON_E_IO with path and reason, LURON_E_NONFINITE with the name of a parameter that is not finite (or state
 *  that is NaN); the old file is then untouched. */
LURON_API LURON_NODISCARD luron_status luron_checkpoint_save(luron_checkpoint *c, luron_ctx *ctx, const char *path, const char *format, int keep_prev);
/** Save weights that are not finite too: to look at them. */
LURON_API void luron_checkpoint_allow_nonfinite(luron_checkpoint *c, int on);

/* To read: */
/** Read and check the whole file at `path`. verify 0: accept a file without or with a wrong trailer: for files of known
 *  origin alone, since the library behind the format may not survive a damaged one. Where PATH is missing or
 *  damaged and PATH.prev is whole, the error says so.
 *  @return LURON_E_IO, LURON_E_FORMAT, LURON_E_VERSION, LURON_E_CHECKSUM. */
LURON_API LURON_NODISCARD luron_status luron_checkpoint_load(luron_checkpoint **out, luron_ctx *ctx, const char *path, int verify);
/** Make the model that the file describes; NULL (and LURON_OK) if it holds parameters without an architecture. */
LURON_API LURON_NODISCARD luron_status luron_checkpoint_model(luron_model **out, luron_ctx *ctx, const luron_checkpoint *c);
/** Put parameters and state into an existing model: all or nothing. @return LURON_E_MISMATCH listing all differences. */
LURON_API LURON_NODISCARD luron_status luron_checkpoint_restore(luron_ctx *ctx, const luron_checkpoint *c, luron_model *model);
/** State, scalars, steps and options into an optimiser over the same parameters: all or nothing. */
LURON_API LURON_NODISCARD luron_status luron_checkpoint_restore_optim(luron_ctx *ctx, const luron_checkpoint *c, luron_optim *optim);
/** The random state of the context. @return LURON_E_NOT_FOUND if the file has none. */
LURON_API LURON_NODISCARD luron_status luron_checkpoint_restore_random(luron_ctx *ctx, const luron_checkpoint *c);
/** Tensor or text at a path; borrowed; NULL: none. */
LURON_API luron_tensor *luron_checkpoint_tensor(const luron_checkpoint *c, const char *path);
LURON_API const char *luron_checkpoint_text(const luron_checkpoint *c, const char *path);
/** Path of tensor or text i, NULL past the last. */
LURON_API const char *luron_checkpoint_tensor_path(const luron_checkpoint *c, int i);
LURON_API const char *luron_checkpoint_text_path(const luron_checkpoint *c, int i);

/* ---- tensors in files of other formats (idx, csv): read whole ------------------------------------------------------ */
typedef struct luron_file luron_file;
/** Read the tensors of a file; format NULL: by its first bytes. Columns of ids are put into the context's index base. */
LURON_API LURON_NODISCARD luron_status luron_file_read(luron_file **out, luron_ctx *ctx, const char *path, const char *format, int n_args, const luron_arg *args);
LURON_API void luron_file_free(luron_file *file);
LURON_API int luron_file_n_tensors(const luron_file *file);
LURON_API const char *luron_file_name(const luron_file *file, int i);
LURON_API luron_tensor *luron_file_tensor(const luron_file *file, int i);
LURON_API int luron_file_is_ids(const luron_file *file, int i);
/** Attribute of tensor i (-1: of the file); NULL: none. */
LURON_API const char *luron_file_text(const luron_file *file, int i, const char *key);

LURON_END_DECLS
#endif
