/* wrong_layers.h -- types that do wrong what their option `how` says, for test_strict.c; with "none" they are right, and
 * with "grad_left", which leaves gradients alone: the host zeroes them. To be included before cmocka.h, whose macro `fail`
 * would take the place of host->fail.
 *
 * Wrong: y = x * weight + bias over the last of two dims; FakeWave: an element-wise function; WrongOptim: plain
 * descent.  */
#ifndef WRONG_LAYERS_H
#define WRONG_LAYERS_H
#define LURON_PLUGIN_STATIC
#include "luron/plugin.h"

#include <math.h>
#include <string.h>

#define WRONG_WAYS(X)                                                                                                  \
    X(none)                                                                                                            \
    X(narrow) X(wide) X(past) X(before) X(nan) X(unwritten) X(input) X(param) X(options) X(state_in_eval) X(error)     \
        X(scratch) X(static_forward) X(order) X(outside) X(reads_output) X(past_saved) X(past_scratch)                 \
            X(grad_unwritten) X(grad_store) X(grad_store_param) X(grad_adds_to_unset) X(grad_past) X(grad_nan)         \
                X(grad_out) X(grad_state) X(saved_unset) X(changes_saved) X(static_backward) X(reads_freed)            \
                    X(setup_again) X(setup_reads) X(compose_differs) X(compose_fails) X(raw_ids) X(negative) X(grad_left)
enum {
#define WRONG_ENUM(name) WRONG_##name,
    WRONG_WAYS(WRONG_ENUM)
#undef WRONG_ENUM
        WRONG_COUNT
};
static const char *const wrong_ways[] = {
#define WRONG_NAME(name) #name,
    WRONG_WAYS(WRONG_NAME)
#undef WRONG_NAME
        NULL};
typedef struct wrong {
    int32_t how;
} wrong;
enum { WEIGHT, BIAS };
static int wrong_how(const luron_call *c) { return ((const wrong *)luron_options(c))->how; }

static luron_status wrong_declare(luron_call *c) {
    LURON_TRY(c->host->declare_param(c, WEIGHT, "weight", LURON_SHAPE(4), luron_init_uniform(0.5, 1.5)));
    LURON_TRY(c->host->declare_param(c, BIAS, "bias", LURON_SHAPE(4), luron_init_uniform(0.5, 1.5)));
    return c->host->declare_state(c, 0, "calls", LURON_REAL, LURON_SHAPE(1), luron_init_zeros());
}

static luron_status wrong_setup(luron_call *c) {
    static int64_t asked; /* what a plugin must not have */
    const luron_view *x = luron_in(c, 0), *ids = luron_in(c, 1);
    const int how = wrong_how(c);
    if (x->shape[1] != 4) return luron_fail(c, LURON_E_SHAPE, "input of 4 features expected");
    LURON_TRY(c->host->declare_saved(c, 0, LURON_REAL, LURON_SHAPE(x->shape[0], 4)));
    LURON_TRY(c->host->declare_scratch(c, 4 * x->shape[0]));
    if (how == WRONG_setup_reads && ids && ids->data) LURON_TRY(luron_check_ids(c, 1, 3));
    if (how == WRONG_setup_again) return c->host->set_out(c, 0, LURON_REAL, LURON_SHAPE(x->shape[0], 4 + asked++ % 2));
    if (how == WRONG_narrow) return c->host->set_out(c, 0, LURON_REAL, LURON_SHAPE(x->shape[0], 3));
    if (how == WRONG_wide) return c->host->set_out(c, 0, LURON_REAL, LURON_SHAPE(x->shape[0], 5));
    if (how == WRONG_negative) return c->host->set_out(c, 0, LURON_REAL, LURON_SHAPE(-x->shape[0], 4));
    return luron_set_out_like(c, 0, x);
}

typedef struct wrong_sum {
    const float *x;
    float total;
} wrong_sum;
static void wrong_add(void *arg, int64_t begin, int64_t end, int64_t chunk) { /* a race: all pieces add to one number */
    wrong_sum *s = arg;
    (void)chunk;
    for (int64_t i = begin; i < end; i++)
        s->total += s->x[i] * 1.1f;
}

/* The faults of forward that come after the right result. */
static luron_status wrong_after(luron_call *c, int64_t n) {
    static int calls;
    const luron_view *x = luron_in(c, 0), *ids = luron_in(c, 1);
    float *y = luron_f32(luron_out(c, 0)), *scratch = luron_scratch(c);
    wrong_sum sum = {luron_f32(x), 0};
    switch (wrong_how(c)) {
    case WRONG_past:
        y[n] = 1;
        break;
    case WRONG_before:
        y[-1] = 1;
        break;
    case WRONG_nan:
        y[n / 2] = NAN;
        break;
    case WRONG_input:
        luron_f32(x)[0] += 1;
        break;
    case WRONG_param:
        luron_f32(luron_param(c, WEIGHT))[1] = 0;
        break;
    case WRONG_options:
        ((wrong *)luron_options(c))->how = WRONG_none;
        break;
    case WRONG_state_in_eval:
        luron_f32(luron_state(c, 0))[0] += 1;
        break;
    case WRONG_error:
        return luron_fail(c, LURON_E_RANGE, "not today");
    case WRONG_scratch:
        y[0] += scratch[1];
        break;
    case WRONG_static_forward:
        y[0] += (float)calls++;
        break;
    case WRONG_order:
        c->host->parallel_for(c, n, 3, wrong_add, &sum);
        y[0] = sum.total;
        break;
    case WRONG_outside:
        y[0] += luron_f32(x)[n] > 0 ? 1.0f : 2.0f;
        break;
    case WRONG_past_saved:
        luron_f32(luron_saved(c, 0))[n + 3] = 1;
        break;
    case WRONG_past_scratch:
        scratch[x->shape[0]] = 1;
        break;
    case WRONG_raw_ids:
        y[0] += (float)*(const int64_t *)ids->data;
        break;
    default:
        break;
    }
    return LURON_OK;
}

static luron_status wrong_forward(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    const float *w = luron_f32(luron_param(c, WEIGHT)), *b = luron_f32(luron_param(c, BIAS)), *in = luron_f32(x);
    float *y = luron_f32(luron_out(c, 0)), *saved = luron_f32(luron_saved(c, 0));
    const int64_t n = luron_numel(x);
    if (luron_in(c, 1) && wrong_how(c) != WRONG_raw_ids) LURON_TRY(luron_check_ids(c, 1, 3));
    for (int64_t i = 0; i < n; i++) {
        if (wrong_how(c) != WRONG_saved_unset) saved[i] = in[i];
        if (wrong_how(c) == WRONG_unwritten && i == n - 1) break;
        y[i] = in[i] * w[i % 4] + b[i % 4];
        if (wrong_how(c) == WRONG_reads_output) y[i] = y[(i + 1) % n] * 0.5f;
    }
    if (luron_is_training(c) && wrong_how(c) != WRONG_state_in_eval) luron_f32(luron_state(c, 0))[0] += 1;
    return wrong_after(c, n);
}

static luron_status wrong_backward(luron_call *c) {
    static int calls;
    const int how = wrong_how(c);
    const luron_view *out = luron_grad_out(c, 0);
    const float *gy = luron_f32(out), *w = luron_f32(luron_param(c, WEIGHT)), *in = luron_f32(luron_in(c, 0));
    const float *x = how == WRONG_reads_freed ? in : luron_f32(luron_saved(c, 0));
    const int64_t n = luron_numel(out);
    double beta = 0;
    if (how == WRONG_grad_left) return LURON_OK;
    luron_view *view = luron_grad_in_beta(c, 0, &beta);
    float *gx = luron_f32(view), *gw = luron_f32(luron_grad_param(c, WEIGHT)),
          *gb = luron_f32(luron_grad_param(c, BIAS));
    for (int64_t i = 0; i < n; i++) {
        const float g = gy[i] * w[i % 4];
        if (gx && !(how == WRONG_grad_unwritten && i == 2))
            gx[i] = beta == 0                 ? (how == WRONG_grad_adds_to_unset ? gx[i] + g : g)
                    : how == WRONG_grad_store ? g
                                              : gx[i] + g;
        if (gw) gw[i % 4] += gy[i] * x[i];
        if (gb) gb[i % 4] = (how == WRONG_grad_store_param && i < 4 ? 0 : gb[i % 4]) + gy[i];
    }
    switch (how) {
    case WRONG_grad_past:
        if (gb) gb[4] = 1;
        break;
    case WRONG_grad_nan:
        if (gw) gw[0] = NAN;
        break;
    case WRONG_grad_out:
        ((float *)out->data)[0] = 0;
        break;
    case WRONG_grad_state:
        luron_f32(luron_state(c, 0))[0] += 1;
        break;
    case WRONG_changes_saved:
        luron_f32(luron_saved(c, 0))[0] += 1;
        break;
    case WRONG_static_backward:
        if (gw) gw[0] += (float)calls++;
        break;
    default:
        break;
    }
    return LURON_OK;
}

static luron_status wrong_compose(luron_call *c, const luron_ops *o) {
    luron_tensor *y = o->add(c, o->mul(c, o->in(c, 0), o->param(c, WEIGHT)), o->param(c, BIAS));
    if (wrong_how(c) == WRONG_compose_fails) return luron_fail(c, LURON_E_UNSUPPORTED, "no ops for it");
    return o->set_out(c, 0, wrong_how(c) == WRONG_compose_differs ? o->neg(c, y) : y);
}

static const luron_option *const wrong_options[] = {LURON_OPT_CHOICE(wrong, how, "none", wrong_ways, "what goes wrong"),
                                                    NULL};
static const luron_port *const wrong_in[] = {
    LURON_PORT("input", 0, LURON_REAL, 2, "(n, 4)"),
    LURON_PORT("ids", LURON_PORT_OPTIONAL | LURON_PORT_INDEX, LURON_I64, 1, "(m)"), NULL};
static const luron_layer_type wrong_type = {.struct_size = sizeof wrong_type,
                                            .flags = LURON_LAYER_FREES_IN | LURON_LAYER_FREES_OUT,
                                            .name = "Wrong",
                                            .options = wrong_options,
                                            .options_size = sizeof(wrong),
                                            .in = wrong_in,
                                            .declare = wrong_declare,
                                            .setup = wrong_setup,
                                            .forward = wrong_forward,
                                            .backward = wrong_backward,
                                            .compose = wrong_compose};

/* ---- element-wise --------------------------------------------------------------------------------------------------
 */
#define WAVE_WAYS "none", "past", "tail", "static", "nan", "derive_past", "derive_reads_x", "derive_tail"
static const char *const wave_ways[] = {WAVE_WAYS, NULL};
enum {
    WAVE_NONE,
    WAVE_PAST,
    WAVE_TAIL,
    WAVE_STATIC,
    WAVE_NAN,
    WAVE_DERIVE_PAST,
    WAVE_DERIVE_READS_X,
    WAVE_DERIVE_TAIL
};
static void wave_apply(const luron_run *r) { /* tanh, by its own formula so that y alone gives the slope */
    static int calls;
    const int how = ((const wrong *)r->options)->how;
    const float *x = r->x;
    float *y = r->to;
    for (int64_t i = 0; i < r->n; i++)
        y[i] = how == WAVE_NAN && x[i] > 1 ? INFINITY : tanhf(x[i]);
    if (how == WAVE_PAST) y[r->n] = 1;
    if (how == WAVE_TAIL && r->n < 4) y[0] *= 1.0001f;
    if (how == WAVE_STATIC) y[0] += (float)calls++;
}
static void wave_derive(const luron_run *r) {
    const int how = ((const wrong *)r->options)->how;
    const float *x = r->x, *y = r->y, *gy = r->gy;
    float *gx = r->to;
    for (int64_t i = 0; i < r->n; i++) {
        const float t = how == WAVE_DERIVE_READS_X ? tanhf(x[i]) : y[i];
        gx[i] = gy[i] * (1 - t * t);
    }
    if (how == WAVE_DERIVE_PAST) gx[-1] = 1;
    if (how == WAVE_DERIVE_TAIL && r->n < 4) gx[0] *= 1.0001f;
}
static const luron_option *const wave_options[] = {LURON_OPT_CHOICE(wrong, how, "none", wave_ways, "what goes wrong"),
                                                   NULL};
static const luron_elementwise wave_fn = {.struct_size = sizeof wave_fn,
                                          .flags = LURON_EW_FROM_Y | LURON_EW_IN_PLACE,
                                          .apply = wave_apply,
                                          .derive = wave_derive};
static const luron_layer_type wave_type = {.struct_size = sizeof wave_type,
                                           .name = "FakeWave",
                                           .options = wave_options,
                                           .options_size = sizeof(wrong),
                                           .elementwise = &wave_fn};

/* ---- compose alone ----------------------------------------------------------------------------------------------- */
static const char *const ops_ways[] = {"none", "static", "nan", "input", NULL};
static luron_status ops_compose(luron_call *c, const luron_ops *o) {
    static int calls;
    const int how = wrong_how(c);
    luron_tensor *x = o->in(c, 0);
    if (how == 1) return o->set_out(c, 0, o->scale(c, x, 1, calls++));
    if (how == 2) return o->set_out(c, 0, o->log(c, o->scale(c, o->square(c, x), -1, -1)));
    if (how == 3) luron_f32(luron_in(c, 0))[0] += 1;
    return o->set_out(c, 0, o->square(c, x));
}
static const luron_option *const ops_options[] = {LURON_OPT_CHOICE(wrong, how, "none", ops_ways, "what goes wrong"),
                                                  NULL};
static const luron_layer_type ops_type = {.struct_size = sizeof ops_type,
                                          .name = "WrongOps",
                                          .options = ops_options,
                                          .options_size = sizeof(wrong),
                                          .compose = ops_compose};

/* ---- an optimiser ------------------------------------------------------------------------------------------------ */
static const char *const optim_ways[] = {"none",   "past", "before",  "gradient",     "scalar", "tail",
                                         "static", "nan",  "options", "begin_static", NULL};
enum {
    OPTIM_NONE,
    OPTIM_PAST,
    OPTIM_BEFORE,
    OPTIM_GRADIENT,
    OPTIM_SCALAR,
    OPTIM_TAIL,
    OPTIM_STATIC,
    OPTIM_NAN,
    OPTIM_OPTIONS,
    OPTIM_BEGIN_STATIC
};
static void wrong_begin(luron_step *s) {
    static int calls;
    s->scalars[0] += 1;
    if (((const wrong *)s->options)->how == OPTIM_BEGIN_STATIC) s->scalars[0] += calls++;
}
static void wrong_step(luron_step *s) {
    static int calls;
    const float *g = s->grad;
    float *p = s->param, *m = s->state[0];
    for (int64_t i = 0; i < s->n; i++) {
        m[i] = 0.5f * m[i] + g[i];
        p[i] -= 0.1f * m[i];
    }
    switch (((const wrong *)s->options)->how) {
    case OPTIM_PAST:
        m[s->n] = 0;
        break;
    case OPTIM_BEFORE:
        p[-2] = 0;
        break;
    case OPTIM_GRADIENT:
        ((float *)s->grad)[0] = 0;
        break;
    case OPTIM_SCALAR:
        s->scalars[0] += 1;
        break;
    case OPTIM_TAIL:
        if (s->n < 4) p[0] *= 1.01f;
        break;
    case OPTIM_STATIC:
        p[0] += (float)calls++;
        break;
    case OPTIM_NAN:
        p[0] /= 0 * m[0];
        break;
    case OPTIM_OPTIONS:
        ((wrong *)s->options)->how = OPTIM_NONE;
        break;
    default:
        break;
    }
}
static const luron_option *const optim_options[] = {LURON_OPT_CHOICE(wrong, how, "none", optim_ways, "what goes wrong"),
                                                    NULL};
static const char *const optim_state[] = {"momentum", NULL}, *const optim_scalars[] = {"count", NULL};
static const luron_optim_type optim_type = {.struct_size = sizeof optim_type,
                                            .name = "WrongOptim",
                                            .options = optim_options,
                                            .options_size = sizeof(wrong),
                                            .state = optim_state,
                                            .scalars = optim_scalars,
                                            .begin = wrong_begin,
                                            .step = wrong_step};

static const luron_layer_type *const wrong_layers[] = {&wrong_type, &wave_type, &ops_type, NULL};
static const luron_optim_type *const wrong_optims[] = {&optim_type, NULL};
LURON_PLUGIN_DEFINE(wrongs) = {.struct_size = sizeof(luron_plugin),
                               .abi_major = LURON_ABI_MAJOR,
                               .name = "wrongs",
                               .version = "1",
                               .layers = wrong_layers,
                               .optims = wrong_optims};

#endif
