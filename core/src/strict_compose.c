/* Strict mode for setup and compose, which touch no numbers: the same again, and what came of it. */
#include "strict.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

luron_status luron__strict_found(luron__frame *f, const char *what, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return luron__frame_fail(f, LURON_E_PLUGIN, "plugin '%s': %s %s", f->type->plugin, what, text);
}

/* A fault that showed itself as an error of the plugin, whose text is set. */
static luron_status found_failing(luron__frame *f, const char *what, const char *fault) {
    char why[300];
    snprintf(why, sizeof why, "%.299s", f->ctx->error);
    atomic_store(&f->status, LURON_OK);
    return luron__strict_found(f, what, "%s: %s", fault, why);
}

/* ---- setup ------------------------------------------------------------------------------------------------------- */
typedef struct answer {
    int out_ndim[LURON__MAX_SLOTS], n_saved;
    int64_t scratch;
    luron_dims out[LURON__MAX_SLOTS], saved[LURON__MAX_SLOTS];
} answer;

static void note_dims(luron_dims *to, const luron_dims *from) {
    to->dtype = from->dtype, to->ndim = from->ndim;
    memcpy(to->shape, from->shape, (size_t)from->ndim * sizeof *from->shape);
}

static void note_answer(answer *a, const luron__frame *f) {
    memset(a, 0, sizeof *a);
    memcpy(a->out_ndim, f->out_ndim, sizeof a->out_ndim);
    a->n_saved = f->call.n_saved, a->scratch = f->scratch_bytes;
    for (int i = 0; i < f->call.n_out; i++)
        if (f->out_ndim[i] >= 0) note_dims(&a->out[i], &f->out[i]);
    for (int i = 0; i < f->call.n_saved; i++)
        if (f->call.saved[i]) note_dims(&a->saved[i], &f->saved_dims[i]);
}

static luron_status setup_again(luron__frame *f, answer *first, answer *second, const char *fault) {
    for (int i = 0; i < f->call.n_out; i++)
        f->call.out[i] = NULL; /* as it was the first time */
    if (f->type->layer.setup(&f->call) || atomic_load(&f->status)) return found_failing(f, "setup", fault);
    note_answer(second, f);
    return memcmp(first, second, sizeof *first) ? luron__strict_found(f, "setup", "%s", fault) : LURON_OK;
}

/* setup again, with other numbers in the inputs. */
static luron_status setup_blindly(luron__frame *f, answer *first, answer *second) {
    luron_view *views;
    const int n = f->call.n_in;
    LURON_TRY(luron__alloc(&views, f->ctx, (size_t)(n + 1) * sizeof *views));
    luron_status status = LURON_OK;
    int made = 0;
    for (; made < n && !status; made++) {
        views[made] = f->in_view[made];
        luron_view *v = f->call.in[made];
        if (!v) continue;
        void *block = NULL;
        status = luron__alloc(&block, f->ctx, (size_t)(luron_numel(v) * (v->dtype_bits / 8)) + 1);
        if (!status) luron__fill_unset(luron_dtype(v), luron_numel(v), block);
        v->data = block, v->byte_offset = 0;
    }
    if (!status)
        status = setup_again(f, first, second, "reads the numbers of its inputs, of which only shapes are known");
    for (int i = 0; i < made; i++) {
        luron_view *v = f->call.in[i];
        if (!v) continue;
        luron__free(f->ctx, v->data, (size_t)(luron_numel(v) * (v->dtype_bits / 8)) + 1);
        *v = views[i];
    }
    luron__free(f->ctx, views, (size_t)(n + 1) * sizeof *views);
    return status;
}

luron_status luron__strict_setup(luron__frame *f) {
    answer *both;
    if (!f->type->layer.setup) return LURON_OK;
    LURON_TRY(luron__alloc(&both, f->ctx, 2 * sizeof *both));
    note_answer(&both[0], f);
    luron_status status = setup_again(f, &both[0], &both[1], "gives another answer when it is asked again");
    if (!status) status = setup_blindly(f, &both[0], &both[1]);
    luron__free(f->ctx, both, 2 * sizeof *both);
    return status;
}

/* ---- compose ----------------------------------------------------------------------------------------------------- */
static const luron_view *operand_at(const luron__frame *f, int k) {
    const luron_call *c = &f->call;
    return k < c->n_in ? c->in[k] : k < c->n_in + c->n_param ? c->param[k - c->n_in] : NULL;
}

static uint64_t hash_view(uint64_t h, const luron_view *v) {
    const void *p = luron_data(v);
    return p ? luron__hash(h, p, (size_t)luron_numel(v) * (v->dtype_bits / 8)) : h;
}

uint64_t luron__strict_hash(const luron__frame *f) {
    uint64_t h = LURON__HASH_BEGIN;
    for (int k = 0; k < f->call.n_in + f->call.n_param; k++)
        h = hash_view(h, operand_at(f, k));
    return h;
}

void luron__strict_note_gemm(luron__frame *f, const luron_view *out) {
    f->hostile.gemms++;
    f->hostile.bits = hash_view(LURON__HASH_BEGIN, out);
}

luron_status luron__strict_gemm_last(luron__frame *f, const char *what, const luron_view *v, const char *name) {
    if (f->hostile.gemms == 1 && f->hostile.bits == hash_view(LURON__HASH_BEGIN, v)) return LURON_OK;
    if (f->hostile.gemms == 1)
        return luron__strict_found(f, what, "changes %s behind the gemm, though LURON_LAYER_GEMM_LAST is set", name);
    return luron__strict_found(f, what, "makes %s in %lld gemms, though LURON_LAYER_GEMM_LAST is set: one expected", name,
                               (long long)f->hostile.gemms);
}

/* Are all operands there, not empty, and finite? */
static bool operands_finite(const luron__frame *f) {
    for (int k = 0; k < f->call.n_in + f->call.n_param; k++) {
        const luron_view *v = operand_at(f, k);
        if (!v) continue;
        if (!luron_data(v) || !luron_numel(v) ||
            luron__first_nonfinite(luron_dtype(v), luron_numel(v), luron_data(v)) >= 0)
            return false;
    }
    return true;
}

/* compose once more, unrecorded, into f->composed. */
static luron_status compose_again(luron__frame *f) {
    int recording = luron_ctx_set_recording(f->ctx, 0);
    f->hostile.trusted = true; /* its caller looks at it */
    luron_status status = luron__frame_compose(f);
    f->hostile.trusted = false;
    luron_ctx_set_recording(f->ctx, recording);
    return status;
}

static void drop_composed(luron__frame *f) {
    for (int k = 0; k < LURON__MAX_SLOTS; k++)
        luron_tensor_unref(f->composed[k]);
    memset(f->composed, 0, sizeof f->composed);
}

static luron_status compare_output(luron__frame *f, int k, const luron_tensor *a, const luron_tensor *b, bool finite) {
    const int64_t n = luron_tensor_numel(a);
    const char *name = f->type->out[k].name;
    const bool same = luron__same_shape(a, b) && a->dtype == b->dtype;
    if (!same || memcmp(luron__data(a), luron__data(b), (size_t)(n * luron_dtype_size(a->dtype))))
        return luron__strict_found(f, "compose", "gives another output '%s' when it is run again with the same data",
                                   name);
    const int64_t at = finite ? luron__first_nonfinite(a->dtype, n, luron__data(a)) : -1;
    if (at < 0) return LURON_OK;
    return luron__strict_found(f, "compose", "gives %s in output '%s', element %lld, from finite numbers",
                               luron__nonfinite_text(luron__element(a->dtype, luron__data(a), at)), name,
                               (long long)(at + f->call.index_base));
}

luron_status luron__strict_compose(luron__frame *f, uint64_t before) {
    luron_tensor *first[LURON__MAX_SLOTS];
    memcpy(first, f->composed, sizeof first);
    memset(f->composed, 0, sizeof f->composed);
    luron_status status = compose_again(f);
    if (!status && luron__strict_hash(f) != before)
        status = luron__strict_found(f, "compose", "changes an input or a parameter");
    const bool finite = operands_finite(f);
    for (int k = 0; k < f->call.n_out && !status; k++) {
        luron_tensor *a, *b = NULL;
        status = luron_contiguous(&a, f->ctx, first[k]);
        if (status) break;
        status = luron_contiguous(&b, f->ctx, f->composed[k]);
        if (!status) status = compare_output(f, k, a, b, finite);
        luron_tensor_unref(a);
        luron_tensor_unref(b);
    }
    drop_composed(f);
    memcpy(f->composed, first, sizeof first);
    return status;
}

/* ---- compose beside forward -------------------------------------------------------------------------------------- */
static luron_status compare_forward(luron__frame *f, int k, const void *forward, const luron_tensor *t) {
    const luron_view *out = f->call.out[k];
    const uint32_t dtype = luron_dtype(out);
    const double tol = dtype == LURON_F64 ? 1e-8 : 1e-3; /* sums in another order */
    if (t->dtype != dtype || luron_tensor_numel(t) != luron_numel(out))
        return luron__strict_found(f, "compose", "gives output '%s' another shape or dtype than forward",
                                   f->type->out[k].name);
    for (int64_t i = 0; i < luron_numel(out) && (dtype == LURON_F32 || dtype == LURON_F64); i++) {
        const double a = luron__element(dtype, forward, i), b = luron__element(dtype, luron__data(t), i);
        if (isfinite(a) && isfinite(b) && !(fabs(a - b) <= tol * (1 + fabs(a))))
            return luron__strict_found(f, "compose",
                                       "gives %.7g in output '%s', element %lld, where forward gives %.7g", b,
                                       f->type->out[k].name, (long long)(i + f->call.index_base), a);
    }
    return LURON_OK;
}

luron_status luron__strict_against_compose(luron__frame *f, const void *const *outs) {
    luron_status status = compose_again(f);
    if (status) status = found_failing(f, "compose", "fails where forward does not");
    for (int k = 0; k < f->call.n_out && !status; k++) {
        luron_tensor *t;
        status = luron_contiguous(&t, f->ctx, f->composed[k]);
        if (status) break;
        status = compare_forward(f, k, outs[k], t);
        luron_tensor_unref(t);
    }
    drop_composed(f);
    return status;
}
