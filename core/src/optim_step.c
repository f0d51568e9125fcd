/* optim_step.c -- the step of an optimiser. Parameters that lie one behind the other make one run, and runs are cut into chunks
 * of a fixed size; types that want it so see every parameter whole. A step is all or nothing: what can fail is done before the
 * first number changes.                                                                                                  */
#include "graph.h"
#include "guard.h"
#include "optim_groups.h"
#include "plan.h"
#include "profile.h"
#include "strict.h"

#include <string.h>

enum { GRAIN = 8192 }; /* elements of a chunk */

typedef struct job {
    luron_step step; /* for the start of the tensor */
    const luron_optim_type *type;
    size_t item;
    int n_states;
} job;

/* The call behind a step, with what it may use. */
static void open_step(luron__frame *f, const luron_optim *o, luron_ctx *ctx, const group *g, const param *p) {
    luron__optim_call(f, o->type, ctx, g->options, p->tensor->dtype, LURON__PHASE_RUN);
    f->work = o->work, f->call.scratch = o->scratch;
}

static bool has_dims(const luron_tensor *t, const luron_dims *dims) {
    return t->dtype == dims->dtype && t->ndim == dims->ndim &&
        memcmp(t->shape, dims->shape, (size_t)t->ndim * sizeof *t->shape) == 0;
}

static luron_status check_finite(const luron_optim *o, luron_ctx *ctx, const param *p) {
    if (!luron__has_nonfinite(ctx, p->grad)) return LURON_OK; /* looks at bits: a sum of squares may overflow by itself */
    char text[LURON__NUMBERS_TEXT];
    return luron__fail(ctx, LURON_E_NONFINITE, "step %lld: gradient of '%s' is not finite: %s; no parameter was changed",
                       (long long)(o->steps + 1), p->name, luron__numbers_text(text, sizeof text, ctx, p->grad));
}

/* A contiguous gradient that is finite and fits its parameter, into p->grad; NULL: there is none. */
static luron_status take_gradient(luron_optim *o, luron_ctx *ctx, const group *g, int i) {
    param *p = &g->params[i];
    if (!p->tensor->grad || !p->tensor->requires_grad) return LURON_OK;
    bool bound = luron__optim_is_whole(o); /* scratch and state are for what it was */
    for (int s = 0; s < o->n_states; s++) bound = bound || g->states[i * o->n_states + s];
    LURON__CHECK(ctx, !bound || has_dims(p->tensor, &p->dims), LURON_E_STATE,
                 "%s: parameter '%s' has another shape or dtype than when it was added", luron__optim_name(o), p->name);
    LURON_TRY(luron_contiguous(&p->grad, ctx, p->tensor->grad));
    return luron__is_known_finite(p->grad) ? LURON_OK : check_finite(o, ctx, p);
}

static luron_status take_gradients(luron_optim *o, luron_ctx *ctx) {
    for (int64_t k = 0; k < o->n_groups; k++)
        for (int i = 0; i < o->groups[k].n; i++) LURON_TRY(take_gradient(o, ctx, &o->groups[k], i));
    return LURON_OK;
}

static void step_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const job *j = arg;
    luron_step s = j->step;
    void *state[LURON__MAX_SLOTS];
    const size_t skip = (size_t)begin * j->item;
    (void)chunk;
    for (int i = 0; i < j->n_states; i++) state[i] = j->step.state[i] ? (char *)j->step.state[i] + skip : NULL;
    s.n = end - begin, s.param = (char *)s.param + skip, s.grad = (const char *)s.grad + skip, s.state = state;
    j->type->step(&s);
}

/* Which of its states a group keeps, a bit each. */
static uint64_t kept_by(const luron_optim *o, const group *g) {
    uint64_t kept = 0;
    for (int s = 0; s < o->n_states; s++) kept |= (uint64_t)(luron__optim_keeps(o, g->options, s) ? 1 : 0) << s;
    return kept;
}

/* State s of parameter i; NULL: not kept, or, of types that see whole parameters, of no elements. */
static luron_tensor *state_of(const luron_optim *o, const group *g, uint64_t kept, int i, int s) {
    return kept >> s & 1 ? g->states[i * o->n_states + s] : NULL;
}

/* Step number t of a parameter, for the start of its tensor. step: of the group; state: room for the pointers. */
static void show_param(luron_step *step, const luron_optim *o, const group *g, uint64_t kept, int i, int64_t t, void **state) {
    const param *p = &g->params[i];
    for (int s = 0; s < o->n_states; s++) {
        const luron_tensor *has = state_of(o, g, kept, i, s);
        state[s] = has ? luron__data(has) : NULL;
    }
    step->dtype = p->tensor->dtype, step->t = t, step->n = luron_tensor_numel(p->tensor);
    step->param = luron__data(p->tensor), step->grad = luron__data(p->grad), step->state = state;
}

/* Step number t of a group. */
static luron_step make_step(const luron_ctx *ctx, const group *g, int64_t t) {
    return (luron_step) { .struct_size = sizeof(luron_step), .dtype = g->params[0].tensor->dtype, .host = luron__host(ctx->isa),
                          .options = g->options, .scalars = g->scalars, .t = t };
}

/* Strict mode: the coming step of a parameter on copies. */
static luron_status look_at_param(luron_optim *o, luron_ctx *ctx, const group *g, int i, double *scalars) {
    const param *p = &g->params[i];
    void *state[LURON__MAX_SLOTS + 1] = { NULL };
    luron__frame f;
    luron_view whole = luron__view(p->tensor);
    luron_step s = make_step(ctx, g, p->steps + 1);
    show_param(&s, o, g, kept_by(o, g), i, p->steps + 1, state);
    s.scalars = scalars;
    if (luron__optim_is_whole(o)) {
        open_step(&f, o, ctx, g, p);
        s.whole = &whole, s.call = &f.call;
    }
    int64_t sizes[LURON__MAX_SLOTS + 1] = { 0 };
    for (int k = 0; k < o->n_states; k++) sizes[k] = state[k] ? luron_tensor_numel(g->states[i * o->n_states + k]) : 0;
    return luron__strict_step(ctx, o->type, &s, luron_tensor_numel(p->tensor), sizes, o->n_scalars, p->name);
}

/* The same of a group. */
static luron_status look_at(luron_optim *o, luron_ctx *ctx, const group *g) {
    double scalars[MAX_SCALARS] = { 0 };
    memcpy(scalars, g->scalars, (size_t)o->n_scalars * sizeof *scalars);
    if (o->type->optim.begin) {
        luron_step s = make_step(ctx, g, o->steps + 1);
        LURON_TRY(luron__strict_begin(ctx, o->type, &s, o->n_scalars));
        s.scalars = scalars;
        o->type->optim.begin(&s);
    }
    for (int i = 0; i < g->n; i++)
        if (g->params[i].grad) LURON_TRY(look_at_param(o, ctx, g, i, scalars));
    return LURON_OK;
}

/* All of a parameter at once; loops and products within run in parallel. */
static luron_status step_whole(const luron_optim *o, luron_ctx *ctx, const group *g, const param *p, luron_step *step) {
    luron__frame f;
    luron_view whole = luron__view(p->tensor);
    if (step->n <= 0) return LURON_OK;
    open_step(&f, o, ctx, g, p);
    step->whole = &whole, step->call = &f.call;
    o->type->optim.step(step);
    luron_status failed = atomic_load(&f.status);
    return failed ? luron__wrap(ctx, failed, "%s: parameter '%s'", luron__optim_name(o), p->name) : LURON_OK;
}

/* What a step does to parameter i beside the numbers. */
static void count_step(const luron_optim *o, group *g, uint64_t kept, int i) {
    g->params[i].steps++;
    luron__touch(g->params[i].tensor->storage);
    for (int s = 0; kept >> s; s++) {
        luron_tensor *has = state_of(o, g, kept, i, s);
        if (has) luron__touch(has->storage);
    }
}

/* Does b begin behind a, which shows all of its storage, of so many bytes, in their block? */
static bool is_behind(const luron_tensor *a, const luron_tensor *b, size_t bytes) {
    return a->storage->in && a->storage->in == b->storage->in && a->storage->bytes == bytes &&
        luron__data(b) == luron__data(a) + luron__aligned(bytes);
}

/* Does parameter i, in the same step of its own, lie behind the one before it, and so do its gradient and its state? */
static bool goes_on(const luron_optim *o, const group *g, uint64_t kept, int i) {
    const param *p = &g->params[i], *before = p - 1;
    const size_t bytes = luron__tensor_bytes(before->tensor);
    if (!p->grad || p->tensor->dtype != before->tensor->dtype || p->steps + 1 != before->steps) return false;
    if (!is_behind(before->grad, p->grad, bytes) || !is_behind(before->tensor, p->tensor, bytes)) return false;
    for (int s = 0; kept >> s; s++)
        if (kept >> s & 1 && !is_behind(state_of(o, g, kept, i - 1, s), state_of(o, g, kept, i, s), bytes)) return false;
    return true;
}

/* The run of elements that `step` shows, which is the plugin's then, to write into. */
static void step_elements(const luron_optim *o, const luron_ctx *ctx, luron_step *step) {
    if (step->n <= 0) return;
    if (step->n <= GRAIN) {
        o->type->optim.step(step);
        return;
    }
    job j = { .step = *step, .type = &o->type->optim, .item = (size_t)luron_dtype_size(step->dtype), .n_states = o->n_states };
    luron__parallel_for(ctx->threads, step->n, GRAIN, step_chunk, &j);
}

static luron_status step_group(luron_optim *o, luron_ctx *ctx, group *g) {
    void *state[LURON__MAX_SLOTS + 1];
    luron_status status = LURON_OK;
    const bool is_whole = luron__optim_is_whole(o);
    const uint64_t kept = kept_by(o, g);
    if (o->type->optim.begin) {
        luron_step first = make_step(ctx, g, o->steps);
        o->type->optim.begin(&first);
    }
    for (int i = 0, end; i < g->n && !status; i = end) {
        const param *p = &g->params[i];
        end = i + 1;
        if (!p->grad) continue;
        count_step(o, g, kept, i);
        luron_step step = make_step(ctx, g, p->steps);
        show_param(&step, o, g, kept, i, p->steps, state);
        if (is_whole) {
            status = step_whole(o, ctx, g, p, &step);
            continue;
        }
        while (end < g->n && goes_on(o, g, kept, end)) count_step(o, g, kept, end++);
        const luron_tensor *last = g->params[end - 1].tensor;
        step.n = (luron__data(last) - (char *)step.param) / luron_dtype_size(step.dtype) + luron_tensor_numel(last);
        step_elements(o, ctx, &step);
    }
    return status;
}

/* The step with the gradients that were taken; status: of taking them. Those that are held are let go of. */
static luron_status step_taken(luron_optim *o, luron_ctx *ctx, luron_status status, bool held) {
    if (status == LURON_OK && luron__optim_is_whole(o))
        status = luron__optim_reserve(o, ctx, &o->work, &o->work_bytes, luron__gemm_most_work(ctx->threads));
    for (int64_t k = 0; k < o->n_groups && ctx->strict && status == LURON_OK; k++) status = look_at(o, ctx, &o->groups[k]);
    if (status == LURON_OK) o->steps++;
    for (int64_t k = 0; k < o->n_groups; k++) {
        group *g = &o->groups[k];
        if (status == LURON_OK) status = step_group(o, ctx, g);
        for (int i = 0; i < g->n; i++) {
            if (held) luron_tensor_unref(g->params[i].grad);
            g->params[i].grad = NULL;
        }
    }
    return status;
}

luron_status luron_optim_step(luron_optim *o, luron_ctx *ctx) {
    const bool was = ctx->recording;
    luron__span span = luron__span_of(ctx);
    ctx->recording = false;
    luron_status status = take_gradients(o, ctx);
    ctx->recording = was;
    if (!status) luron__plan_optim(ctx, o);
    luron_plan *plan = luron__plan_pause(ctx);
    status = step_taken(o, ctx, status, true);
    luron__plan_resume(ctx, plan);
    luron__span_end_other(&span, ctx, o->type);
    return status;
}

/* ---- for plans ------------------------------------------------------------------------------------------------------------- */
int64_t luron__optim_n_params(const luron_optim *o) { return o->n_params; }

static param *nth_param(const luron_optim *o, int64_t i) {
    for (int64_t k = 0; k < o->n_groups; i -= o->groups[k++].n)
        if (i < o->groups[k].n) return &o->groups[k].params[i];
    return NULL;
}

luron__optim_param luron__optim_param_at(const luron_optim *o, int64_t i) {
    const param *p = nth_param(o, i);
    return (luron__optim_param) { p->tensor, p->grad };
}

/* A header of a parameter, and the parameter as it is now. */
static bool same_tensor(const luron_tensor *header, const luron_tensor *t) {
    return t && t->storage == header->storage && t->offset == header->offset && luron__same_shape(t, header);
}
bool luron__optim_has(const luron_optim *o, const luron_tensor *headers, int64_t n, int step) {
    if (o->n_params != n) return false;
    for (int64_t k = 0; k < o->n_groups; k++)
        for (const param *p = o->groups[k].params, *end = p + o->groups[k].n; p < end; p++, headers += step)
            if (!same_tensor(headers, p->tensor)) return false;
    return true;
}

luron_status luron__optim_step_with(luron_optim *o, luron_ctx *ctx, luron_tensor *const *grads, bool finite) {
    luron_status status = LURON_OK;
    for (int64_t k = 0; k < o->n_groups; k++)
        for (param *p = o->groups[k].params, *end = p + o->groups[k].n; p < end && !status; p++) {
            p->grad = *grads++;
            if (p->grad && !finite) status = check_finite(o, ctx, p);
        }
    return step_taken(o, ctx, status, false);
}

luron_status luron_optim_zero_grad(luron_optim *o, luron_ctx *ctx) {
    for (int64_t k = 0; k < o->n_groups; k++)
        for (int i = 0; i < o->groups[k].n; i++) LURON_TRY(luron_tensor_set_grad(ctx, o->groups[k].params[i].tensor, NULL));
    return LURON_OK;
}

