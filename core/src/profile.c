/* Where the time of a context goes. Spans nest: each adds what no span within it has to its part. */
#include "profile.h"

#include <string.h>
#include <time.h>

typedef struct part {
    luron_layer *layer;     /* owned; NULL: not a layer */
    const luron_type *type; /* owned; of the optimiser; NULL: a layer, or backwards */
    luron_profile_part sum; /* names are set when it is asked for */
} part;
struct luron__profile {
    part *parts;
    int64_t n, cap, last; /* last: found last; the next one is mostly near */
    double began, ended;  /* ended 0: it is on */
    double taken;         /* seconds that ended spans have */
    int64_t flops_taken;
    atomic_llong flops;
    double gradients; /* bytes of those of the backward that has just run */
    int depth;        /* open spans */
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */
static bool is_part(const part *p, const luron_layer *layer, const luron_type *type) {
    return p->layer == layer && p->type == type;
}

/* NULL: there is no memory for another one; a profile is no reason to fail. */
static part *part_of(luron__profile *p, luron_ctx *ctx, luron_layer *layer, const luron_type *type) {
    for (int64_t d = 0; d <= p->n / 2 && p->n; d++) {
        const int64_t near[] = {(p->last + d) % p->n, (p->last + p->n - d) % p->n};
        for (int i = 0; i < 2; i++)
            if (is_part(&p->parts[near[i]], layer, type)) return &p->parts[p->last = near[i]];
    }
    if (luron__grow(ctx, &p->parts, &p->cap, p->n + 1, sizeof *p->parts)) return NULL;
    part *new = &p->parts[p->last = p->n++];
    *new = (part){luron_layer_ref(layer), luron__type_ref(type), {.kind = LURON_PROFILE_BACKWARD}};
    if (layer) new->sum.kind = LURON_PROFILE_LAYER;
    if (type) new->sum.kind = LURON_PROFILE_OPTIM;
    return new;
}

static void clear(luron__profile *p) {
    for (int64_t i = 0; i < p->n; i++) {
        luron_layer_unref(p->parts[i].layer);
        luron__type_unref(p->parts[i].type);
    }
    p->n = 0;
}

/* ---- spans ------------------------------------------------------------------------------------------------------- */
void luron__span_begin(luron__span *span, luron__profile *p) {
    p->depth++;
    *span = (luron__span){p, now(), p->taken, atomic_load(&p->flops), p->flops_taken};
}

/* What the span has that no span within it has. */
static double take(luron__span *span, int64_t *flops) {
    luron__profile *p = span->profile;
    const double own = now() - span->began - (p->taken - span->within);
    *flops = atomic_load(&p->flops) - span->flops - (p->flops_taken - span->flops_within);
    p->taken += own, p->flops_taken += *flops;
    p->depth--;
    return own;
}

static double bytes_of(luron_view *const *views, int n) {
    double bytes = 0;
    for (int i = 0; i < n; i++)
        if (views[i] && views[i]->data) bytes += (double)luron_numel(views[i]) * (views[i]->dtype_bits / 8);
    return bytes;
}

/* A composite has its outputs in handles, the others in views. */
static double outputs(const luron__frame *f, double *bytes) {
    double n = 0;
    for (int i = 0; i < f->call.n_out; i++) {
        const luron_tensor *t = f->composed[i];
        const luron_view *v = f->call.out[i];
        if (!t && !v) continue;
        const double numel = (double)(t ? luron_tensor_numel(t) : luron_numel(v));
        n += numel;
        if (t)
            *bytes += numel * luron_dtype_size(t->dtype);
        else if (v->data)
            *bytes += numel * (v->dtype_bits / 8);
    }
    return n;
}

void luron__profile_gradients(luron__profile *p, const luron__frame *f) {
    const luron_call *c = &f->call;
    if (p)
        p->gradients =
            bytes_of(c->grad_in, c->n_in) + bytes_of(c->grad_param, c->n_param) + bytes_of(c->grad_out, c->n_out);
}

void luron__span_end_layer(luron__span *span, const luron__frame *f, bool backward) {
    if (!span->profile) return;
    int64_t flops;
    const double own = take(span, &flops);
    part *to = part_of(span->profile, f->ctx, f->layer, NULL);
    if (!to) return;
    const luron_call *c = &f->call;
    double bytes = bytes_of(c->in, c->n_in) + bytes_of(c->param, c->n_param);
    const double elements = outputs(f, &bytes), done = flops ? (double)flops : elements;
    luron_profile_part *s = &to->sum;
    *(backward ? &s->backward_calls : &s->calls) += 1;
    *(backward ? &s->backward : &s->forward) += own;
    *(backward ? &s->backward_flops : &s->forward_flops) += done;
    s->bytes += bytes + (backward ? span->profile->gradients : 0);
    span->profile->gradients = 0;
}

void luron__span_end_other(luron__span *span, luron_ctx *ctx, const luron_type *type) {
    if (!span->profile) return;
    int64_t flops;
    const double own = take(span, &flops);
    part *to = part_of(span->profile, ctx, NULL, type);
    if (!to) return;
    luron_profile_part *s = &to->sum;
    *(type ? &s->calls : &s->backward_calls) += 1;
    *(type ? &s->forward : &s->backward) += own;
    *(type ? &s->forward_flops : &s->backward_flops) += (double)flops;
}

void luron__profile_products(luron__profile *p, int64_t times, int64_t m, int64_t n, int64_t k) {
    if (p) atomic_fetch_add(&p->flops, 2 * times * m * n * k);
}

/* ---- public ------------------------------------------------------------------------------------------------------ */
luron_status luron_profile_begin(luron_ctx *ctx) {
    luron__profile *p = ctx->profiled;
    LURON__CHECK(ctx, !p || p->depth == 0, LURON_E_STATE,
                 "profile: it cannot begin within a layer, a backward or a step");
    if (!p) LURON_TRY(luron__alloc(&p, ctx, sizeof *p));
    clear(p);
    p->began = now(), p->ended = 0;
    ctx->profile = ctx->profiled = p;
    return LURON_OK;
}

void luron_profile_end(luron_ctx *ctx) {
    if (ctx->profile) ctx->profile->ended = now();
    ctx->profile = NULL;
}

double luron_profile_seconds(const luron_ctx *ctx) {
    const luron__profile *p = ctx->profiled;
    return p ? (ctx->profile ? now() : p->ended) - p->began : 0;
}

int luron_profile_at(luron_profile_part *out, const luron_ctx *ctx, int i) {
    const luron__profile *p = ctx->profiled;
    if (!p || i < 0 || i >= p->n) return 0;
    const part *from = &p->parts[i];
    *out = from->sum;
    out->name = from->layer ? luron_layer_name(from->layer) : "";
    out->type = from->layer  ? luron_type_name(luron_layer_type_of(from->layer))
                : from->type ? luron_type_name(from->type)
                             : "";
    return 1;
}

void luron__profile_free(luron_ctx *ctx) {
    luron__profile *p = ctx->profiled;
    if (!p) return;
    ctx->profile = ctx->profiled = NULL;
    clear(p);
    luron__free(ctx, p->parts, (size_t)p->cap * sizeof *p->parts);
    luron__free(ctx, p, sizeof *p);
}
