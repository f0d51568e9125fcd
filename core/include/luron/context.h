/* context.h -- a context holds what would otherwise be global: allocator, error text, random state, threads, types.
 *
 * One context must not be used by two threads at once; different contexts are independent. Tensors may outlive their
 * context: the memory behind it goes when the last of them is released.                                             */
#ifndef LURON_CONTEXT_H
#define LURON_CONTEXT_H
#include "luron/status.h"
LURON_BEGIN_DECLS

typedef struct luron_ctx luron_ctx;

/** As Lua's allocator: size 0 frees, ptr NULL allocates, NULL means failure. Must be safe to call from any thread. */
typedef void *(*luron_alloc_fn)(void *ud, void *ptr, size_t old_size, size_t new_size);

/** A new context. `alloc` NULL: malloc. @return LURON_E_NOMEM; LURON_E_ARGUMENT: LURON_ISA or LURON_NUM_THREADS in the
 *  environment asks for what there is not, and luron_ctx_error(NULL) says what is expected. */
LURON_API LURON_NODISCARD luron_status luron_ctx_new(luron_ctx **out, luron_alloc_fn alloc, void *ud);
LURON_API void luron_ctx_free(luron_ctx *ctx);

/** Text of the last error, "" if there was none; valid until the next failing call on this context. NULL: why luron_ctx_new
 *  refuses the environment, which begins with the name of the variable; "" if it does not. */
LURON_API const char *luron_ctx_error(const luron_ctx *ctx);
LURON_API luron_status luron_ctx_status(const luron_ctx *ctx);

/** Bytes now held by tensors, tape and models made with this context, and by the tables of the plugins that it knows, some tens of
 *  KiB (blocks kept in the cache are not counted). */
LURON_API int64_t luron_ctx_live_bytes(const luron_ctx *ctx);
LURON_API int64_t luron_ctx_live_blocks(const luron_ctx *ctx);

/** Bytes that may be held at most (luron_ctx_live_bytes); 0, as in a new context: no limit. What would lead above it is
 *  LURON_E_NOMEM, with the limit, what is held and what was wanted in the text. What is held already stays. For models from
 *  files of strangers: a graph of few nodes can ask for any amount when it runs.
 *  @return LURON_E_ARGUMENT below 0. */
LURON_API LURON_NODISCARD luron_status luron_ctx_set_memory_limit(luron_ctx *ctx, int64_t bytes);
LURON_API int64_t luron_ctx_memory_limit(const luron_ctx *ctx);

/** Give what is kept for reuse back to the system: blocks of the allocator, and what plans have for results in between. */
LURON_API void luron_ctx_trim(luron_ctx *ctx);

/** For tests: the k-th allocation from now (from 1) fails, with `sticky` all after it too; 0 switches it off. */
LURON_API void luron_ctx_fail_alloc(luron_ctx *ctx, int64_t k, int sticky);

/** Seed of all random numbers; also puts the draw counter back to 0. The seed of a new context is 0. */
LURON_API void luron_ctx_seed(luron_ctx *ctx, uint64_t seed);
/** The whole random state is these two numbers: seed and number of draws so far. */
LURON_API void luron_ctx_random_state(const luron_ctx *ctx, uint64_t *seed, uint64_t *position);
LURON_API void luron_ctx_set_random_state(luron_ctx *ctx, uint64_t seed, uint64_t position);

/** Threads of parallel loops, 1 to 256. Results do not depend on it. Default: LURON_NUM_THREADS, else OpenMP's. */
LURON_API LURON_NODISCARD luron_status luron_ctx_set_threads(luron_ctx *ctx, int n);
LURON_API int luron_ctx_threads(const luron_ctx *ctx);

/** Ids inside tensors count from `base`: 0 (default) or 1 (Lua). */
LURON_API void luron_ctx_set_index_base(luron_ctx *ctx, int base);
LURON_API int luron_ctx_index_base(const luron_ctx *ctx);

/** Dtype of tensors and layers for which none is given: LURON_F32 (default) or LURON_F64. */
LURON_API LURON_NODISCARD luron_status luron_ctx_set_default_dtype(luron_ctx *ctx, uint32_t dtype);
LURON_API uint32_t luron_ctx_default_dtype(const luron_ctx *ctx);

/** Writes the place in the caller's program that calls now, "train.lua:12", into buf (ends with 0); "" if it is not known. */
typedef void (*luron_locate_fn)(void *ud, char *buf, size_t n);
/** For messages: asked while luron_ctx_set_detect_anomaly is on, when something is recorded, and where a step is found to be none
 *  that a plan can repeat. NULL: nobody. */
LURON_API void luron_ctx_set_locate(luron_ctx *ctx, luron_locate_fn fn, void *ud);
/** Strict mode, 0 (off) in a new context; returns what it was. Before every callback of a plugin runs for good it runs on
 *  copies, several times, and a fault is LURON_E_PLUGIN with plugin, layer, callback and port in the text: writing outside
 *  its tensors, changing an input, results left unwritten or not finite, `=` for `+=`, other bits the second time, a wrong
 *  FREES flag ... (docs/plugins.md). 1: guard bytes. 2: memory ends where a page that cannot be touched begins, so that
 *  reading outside ends the process too: for `luron plugin check`. Some thirty times as slow as without.               */
LURON_API int luron_ctx_set_strict(luron_ctx *ctx, int level);
LURON_API int luron_ctx_strict(const luron_ctx *ctx);

/** Instruction set of the kernels in use: "avx512", "avx2", "neon" or "plain". LURON_ISA in the environment forces one; what
 *  this machine does not have is refused by luron_ctx_new. */
LURON_API const char *luron_ctx_isa(const luron_ctx *ctx);

LURON_END_DECLS
#endif
