/* Strict mode for optimisers: begin and step on copies, each run of a step in memory of its own exact size. */
#include "strict.h"

#include <stdio.h>
#include <string.h>

enum { WHOLE = 16384, PIECE = 3, MOST = LURON__MAX_SLOTS + 2 /* parameter, gradient, state */ };

typedef struct steps {
    luron_ctx *ctx;
    const luron_type *type;
    const luron_step *start;
    const char *name; /* of the parameter */
    int64_t n;
    const int64_t *state_n; /* elements of each state: n, or what the setup of a type that is uncut asked for */
    int n_states, n_scalars;
    size_t item;
    luron__guard guard[MOST];
    char *result[2][MOST]; /* of the first run and of the one that is compared; [1] the gradient, which stays NULL */
    double *scalars;
    void *options;
} steps;

LURON_PRINTF(3, 4) static luron_status found(const steps *s, const char *what, const char *fmt, ...) {
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return luron__fail(s->ctx, LURON_E_PLUGIN, "%s: plugin '%s': %s %s", s->type->optim.name, s->type->plugin, what,
                       text);
}

static const char *name_of(char to[160], const steps *s, int k) {
    if (k == 0)
        snprintf(to, 160, "parameter '%.120s'", s->name);
    else if (k == 1)
        snprintf(to, 160, "the gradient of '%.120s'", s->name);
    else
        snprintf(to, 160, "state '%s' of '%.80s'", s->type->optim.state[k - 2], s->name);
    return to;
}

/* Number k of a run that begins at the start: parameter, gradient, state; NULL: state that these options do not keep. */
static const void *source(const steps *s, int k) {
    return k == 0 ? s->start->param : k == 1 ? s->start->grad : s->start->state[k - 2];
}

/* Elements of it in all. */
static int64_t numbers(const steps *s, int k) { return k < 2 ? s->n : s->state_n[k - 2]; }
/* Bytes of it in a run of n elements; one that is uncut sees the whole state. */
static size_t run_bytes(const steps *s, int k, int64_t n) {
    const bool uncut = s->type->optim.flags & LURON_OPTIM_WHOLE;
    return (size_t)(uncut ? numbers(s, k) : n) * s->item;
}

static luron_status check_constant(const steps *s, const char *what, bool scalars_too) {
    const luron_step *st = s->start;
    const size_t size = (size_t)s->type->optim.options_size;
    if (st->options && memcmp(s->options, st->options, size)) return found(s, what, "changes the options");
    if (scalars_too && s->n_scalars && memcmp(s->scalars, st->scalars, (size_t)s->n_scalars * sizeof *s->scalars))
        return found(s, what, "changes a scalar, which only begin may");
    return LURON_OK;
}

static luron_status check_memory(const steps *s, int64_t from, size_t bytes) {
    char name[160];
    for (int k = 0; k < 2 + s->n_states; k++) {
        const int64_t damage = source(s, k) ? luron__guard_damage(&s->guard[k]) : 0;
        if (damage)
            return found(s, "step", "writes %lld bytes %s of its run of %s", (long long)(damage < 0 ? -damage : damage),
                         damage < 0 ? "before the start" : "past the end", name_of(name, s, k));
    }
    if (memcmp(s->guard[1].data, (const char *)s->start->grad + (size_t)from * s->item, bytes))
        return found(s, "step", "changes %s", name_of(name, s, 1));
    return LURON_OK;
}

/* The whole tensor in runs of `grain`; what parameter and state become goes into result[which]. */
static luron_status run_all(steps *s, int64_t grain, int which) {
    const bool uncut = s->type->optim.flags & LURON_OPTIM_WHOLE;
    if (uncut) grain = s->n;
    for (int64_t from = 0; from < s->n; from += grain) {
        luron_step st = *s->start;
        luron_view whole;
        void *state[LURON__MAX_SLOTS];
        st.n = s->n - from < grain ? s->n - from : grain;
        const size_t at = (size_t)from * s->item;
        for (int k = 0; k < 2 + s->n_states; k++) {
            if (k >= 2) state[k - 2] = NULL;
            if (!source(s, k)) continue;
            char *to = luron__guard_place(&s->guard[k], run_bytes(s, k, st.n), s->item, which == 1, 0);
            memcpy(to, (const char *)source(s, k) + at, run_bytes(s, k, st.n));
            if (k >= 2) state[k - 2] = to;
        }
        st.param = s->guard[0].data, st.grad = s->guard[1].data, st.state = state;
        if (st.whole) whole = *st.whole, whole.data = st.param, whole.byte_offset = 0, st.whole = &whole;
        s->type->optim.step(&st);
        LURON_TRY(check_memory(s, from, run_bytes(s, 1, st.n)));
        LURON_TRY(check_constant(s, "step", true));
        for (int k = 0; k < 2 + s->n_states; k++)
            if (k != 1 && source(s, k)) memcpy(s->result[which][k] + at, s->guard[k].data, run_bytes(s, k, st.n));
    }
    return LURON_OK;
}

static luron_status compare(const steps *s, const char *fault) {
    char name[160];
    for (int k = 0; k < 2 + s->n_states; k++) {
        for (int64_t i = 0; k != 1 && source(s, k) && i < numbers(s, k); i++)
            if (memcmp(s->result[0][k] + (size_t)i * s->item, s->result[1][k] + (size_t)i * s->item, s->item))
                return found(s, "step", "gives other bits in %s, element %lld, %s", name_of(name, s, k),
                             (long long)(i + s->ctx->index_base), fault);
    }
    return LURON_OK;
}

static luron_status check_finite(const steps *s) {
    char name[160];
    for (int k = 0; k < 2 + s->n_states; k++)
        if (source(s, k) && luron__first_nonfinite(s->start->dtype, numbers(s, k), source(s, k)) >= 0) return LURON_OK;
    for (int k = 0; k < 2 + s->n_states; k++) {
        const int64_t at =
            k == 1 || !source(s, k) ? -1 : luron__first_nonfinite(s->start->dtype, numbers(s, k), s->result[0][k]);
        if (at >= 0)
            return found(s, "step", "gives %s in %s, element %lld, from finite numbers",
                         luron__nonfinite_text(luron__element(s->start->dtype, s->result[0][k], at)),
                         name_of(name, s, k), (long long)(at + s->ctx->index_base));
    }
    return LURON_OK;
}

/* ---- around it --------------------------------------------------------------------------------------------------- */
static luron_status open_steps(steps *s, int64_t most) {
    luron_ctx *ctx = s->ctx;
    while (s->type->optim.state && s->type->optim.state[s->n_states])
        s->n_states++;
    s->item = s->start->dtype == LURON_F64 ? 8 : 4;
    const size_t options = (size_t)s->type->optim.options_size;
    LURON_TRY(luron__alloc(&s->options, ctx, options + 1));
    if (s->start->options) memcpy(s->options, s->start->options, options);
    LURON_TRY(luron__alloc(&s->scalars, ctx, (size_t)(s->n_scalars + 1) * sizeof *s->scalars));
    if (s->n_scalars) memcpy(s->scalars, s->start->scalars, (size_t)s->n_scalars * sizeof *s->scalars);
    for (int k = 0; most && k < 2 + s->n_states; k++) {
        LURON_TRY(luron__guard_open(&s->guard[k], ctx, run_bytes(s, k, most)));
        for (int r = 0; r < 2 && k != 1; r++)
            LURON_TRY(luron__alloc(&s->result[r][k], ctx, (size_t)numbers(s, k) * s->item + 1));
    }
    return LURON_OK;
}

static void close_steps(steps *s) {
    for (int k = 0; k < MOST; k++) {
        luron__guard_close(&s->guard[k]);
        for (int r = 0; r < 2; r++)
            if (s->result[r][k]) luron__free(s->ctx, s->result[r][k], (size_t)numbers(s, k) * s->item + 1);
    }
    luron__free(s->ctx, s->options, (size_t)s->type->optim.options_size + 1);
    luron__free(s->ctx, s->scalars, (size_t)(s->n_scalars + 1) * sizeof *s->scalars);
}

luron_status luron__strict_step(luron_ctx *ctx, const luron_type *type, const luron_step *start, int64_t n,
                                const int64_t *state_n, int n_scalars, const char *name) {
    steps s = {.ctx = ctx, .type = type, .start = start, .n = n, .state_n = state_n, .n_scalars = n_scalars, .name = name};
    const bool uncut = type->optim.flags & LURON_OPTIM_WHOLE;
    if (n == 0) return LURON_OK;
    luron_status status = open_steps(&s, uncut ? n : WHOLE);
    if (!status) status = run_all(&s, WHOLE, 0);
    if (!status) status = run_all(&s, WHOLE, 1);
    if (!status) status = compare(&s, "when it is run again with the same data: it keeps something between calls");
    if (!status && !uncut) status = run_all(&s, PIECE, 1);
    if (!status) status = compare(&s, "when the run is cut into pieces of 3: element i may depend on element i alone");
    if (!status) status = check_finite(&s);
    close_steps(&s);
    return status;
}

luron_status luron__strict_begin(luron_ctx *ctx, const luron_type *type, const luron_step *start, int n_scalars) {
    steps s = {.ctx = ctx, .type = type, .start = start, .n_scalars = n_scalars, .name = ""};
    const size_t bytes = (size_t)n_scalars * sizeof(double);
    luron__guard g[2] = {{0}};
    luron_status status = open_steps(&s, 0);
    for (int r = 0; r < 2 && !status; r++) {
        luron_step st = *start;
        status = luron__guard_open(&g[r], ctx, bytes);
        if (status) break;
        st.scalars = luron__guard_place(&g[r], bytes, sizeof(double), r == 1, 0);
        if (bytes) memcpy(st.scalars, start->scalars, bytes);
        type->optim.begin(&st);
        if (luron__guard_damage(&g[r])) status = found(&s, "begin", "writes outside the scalars");
        if (!status) status = check_constant(&s, "begin", false);
    }
    if (!status && bytes && memcmp(g[0].data, g[1].data, bytes))
        status = found(&s, "begin",
                       "gives other scalars when it is run again with the same data: it keeps something between calls");
    for (int r = 0; r < 2; r++)
        luron__guard_close(&g[r]);
    close_steps(&s);
    return status;
}
