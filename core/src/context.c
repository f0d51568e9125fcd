#include "plan.h"
#include "profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

luron_status luron_ctx_new(luron_ctx **out, luron_alloc_fn alloc, void *ud) {
    const int isa = luron__isa_pick(getenv("LURON_ISA")), threads = luron__default_threads();
    if (isa < 0 || threads < 1) return LURON_E_ARGUMENT; /* refused_environment has the text */
    luron__pool *pool = luron__pool_new(alloc, ud);
    if (!pool) return LURON_E_NOMEM;
    luron_ctx *ctx = luron__pool_alloc(pool, sizeof *ctx);
    if (!ctx) {
        luron__pool_release(pool);
        return LURON_E_NOMEM;
    }
    memset(ctx, 0, sizeof *ctx);
    ctx->pool = pool;
    ctx->recording = true;
    ctx->threads = threads;
    ctx->default_dtype = LURON_F32;
    ctx->isa = isa;
    luron_status status = luron__registry_new(&ctx->registry, ctx);
    if (status) {
        luron_ctx_free(ctx);
        return status;
    }
    *out = ctx;
    return LURON_OK;
}

void luron_ctx_free(luron_ctx *ctx) {
    if (!ctx) return;
    luron__pool *pool = ctx->pool;
    if (ctx->plan) luron__plan_empty(ctx->plan);
    luron__plans_close(ctx);
    luron__profile_free(ctx);
    if (ctx->registry) luron__registry_free(ctx->registry);
    luron__pool_free(pool, ctx, sizeof *ctx);
    luron__pool_release(pool);
}

/* Why there is no context; there is none to hold a text. */
static const char *refused_environment(void) {
#define EXPECTED "LURON_ISA: an instruction set of this machine expected, "
    static const char *const has[LURON__ISA_COUNT] = {
        [LURON__ISA_PLAIN] = EXPECTED "'plain'",
        [LURON__ISA_AVX2] = EXPECTED "'avx2' or 'plain'",
        [LURON__ISA_AVX512] = EXPECTED "'avx512', 'avx2' or 'plain'",
        [LURON__ISA_NEON] = EXPECTED "'neon' or 'plain'",
    };
#undef EXPECTED
    static _Thread_local char text[160];
    const bool is_isa = luron__isa_pick(getenv("LURON_ISA")) < 0;
    if (!is_isa && luron__default_threads() > 0) return "";
    snprintf(text, sizeof text, "%s, got '%.40s'", is_isa ? has[luron__isa_pick(NULL)] : "LURON_NUM_THREADS: whole number from 1 to 256 expected",
             getenv(is_isa ? "LURON_ISA" : "LURON_NUM_THREADS"));
    return text;
}

const char *luron_ctx_error(const luron_ctx *ctx) { return ctx ? ctx->error : refused_environment(); }
luron_status luron_ctx_status(const luron_ctx *ctx) { return ctx->status; }
int64_t luron_ctx_live_bytes(const luron_ctx *ctx) { return luron__pool_bytes(ctx->pool); }
int64_t luron_ctx_live_blocks(const luron_ctx *ctx) { return luron__pool_blocks(ctx->pool); }
luron_status luron_ctx_set_memory_limit(luron_ctx *ctx, int64_t bytes) {
    LURON__CHECK(ctx, bytes >= 0, LURON_E_ARGUMENT, "memory limit: a number of bytes, or 0 for none, expected, got %lld",
                 (long long)bytes);
    luron__pool_set_limit(ctx->pool, bytes);
    return LURON_OK;
}
int64_t luron_ctx_memory_limit(const luron_ctx *ctx) { return luron__pool_limit(ctx->pool); }
void luron_ctx_trim(luron_ctx *ctx) {
    luron__plans_trim(ctx);
    luron__pool_trim(ctx->pool);
}
void luron_ctx_fail_alloc(luron_ctx *ctx, int64_t k, int sticky) { luron__pool_fail(ctx->pool, k, sticky); }

void luron_ctx_seed(luron_ctx *ctx, uint64_t seed) { luron_ctx_set_random_state(ctx, seed, 0); }
void luron_ctx_random_state(const luron_ctx *ctx, uint64_t *seed, uint64_t *position) {
    *seed = ctx->seed, *position = ctx->position;
}
void luron_ctx_set_random_state(luron_ctx *ctx, uint64_t seed, uint64_t position) {
    luron__plan_refuse(ctx, "seeds random numbers: do that outside of the step");
    ctx->seed = seed, ctx->position = position;
}

luron_status luron_ctx_set_threads(luron_ctx *ctx, int n) {
    LURON__CHECK(ctx, n >= 1 && n <= 256, LURON_E_ARGUMENT, "threads: 1 to 256 expected, got %d", n);
    ctx->threads = n;
    return LURON_OK;
}
int luron_ctx_threads(const luron_ctx *ctx) { return ctx->threads; }

void luron_ctx_set_index_base(luron_ctx *ctx, int base) { ctx->index_base = base != 0; }
int luron_ctx_index_base(const luron_ctx *ctx) { return ctx->index_base; }

luron_status luron_ctx_set_default_dtype(luron_ctx *ctx, uint32_t dtype) {
    LURON__CHECK(ctx, dtype == LURON_F32 || dtype == LURON_F64, LURON_E_DTYPE, "default dtype: float32 or float64 expected, got %s",
                 luron_dtype_name(dtype));
    ctx->default_dtype = dtype;
    return LURON_OK;
}
uint32_t luron_ctx_default_dtype(const luron_ctx *ctx) { return ctx->default_dtype; }
int luron_ctx_set_strict(luron_ctx *ctx, int level) {
    int was = ctx->strict;
    if (level > 0) luron__plan_refuse(ctx, "runs in strict mode");
    ctx->strict = level < 0 ? 0 : level > 2 ? 2 : level;
    return was;
}
int luron_ctx_strict(const luron_ctx *ctx) { return ctx->strict; }

const char *luron_ctx_isa(const luron_ctx *ctx) { return luron__isa_name(ctx->isa); }

luron_status luron__vfail(luron_ctx *ctx, luron_status status, const char *fmt, va_list args) {
    vsnprintf(ctx->error, sizeof ctx->error, fmt, args);
    return ctx->status = status;
}

luron_status luron__fail(luron_ctx *ctx, luron_status status, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    luron__vfail(ctx, status, fmt, args);
    va_end(args);
    return status;
}

void luron__append(char *buf, size_t n, const char *fmt, ...) {
    size_t at = strlen(buf);
    va_list args;
    va_start(args, fmt);
    vsnprintf(buf + at, n - at, fmt, args);
    va_end(args);
}

luron_status luron__wrap(luron_ctx *ctx, luron_status status, const char *fmt, ...) {
    char old[sizeof ctx->error];
    memcpy(old, ctx->error, sizeof old);
    va_list args;
    va_start(args, fmt);
    vsnprintf(ctx->error, sizeof ctx->error, fmt, args);
    va_end(args);
    size_t n = strlen(ctx->error);
    if (n + 3 < sizeof ctx->error) {
        memcpy(ctx->error + n, ": ", 3);
        size_t room = sizeof ctx->error - n - 3, have = strlen(old);
        memcpy(ctx->error + n + 2, old, have < room ? have : room);
        ctx->error[n + 2 + (have < room ? have : room)] = 0;
    }
    return status;
}

luron_status luron__nomem(luron_ctx *ctx, size_t bytes) {
    const int64_t held = luron__pool_refused(ctx->pool);
    if (held >= 0)
        return luron__fail(ctx, LURON_E_NOMEM, "not enough memory: %zu bytes wanted, %lld are held, the limit is %lld", bytes,
                           (long long)held, (long long)luron__pool_limit(ctx->pool));
    return luron__fail(ctx, LURON_E_NOMEM, "not enough memory: %zu bytes wanted", bytes);
}
