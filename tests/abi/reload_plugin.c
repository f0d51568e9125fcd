/* reload_plugin.c -- what test_reload.c loads again and again: layers of every kind, an optimiser and a format in
 * float32. FACTOR is in all their arithmetic; the other macros make the one difference of a case. */
#include <luron/plugin.h>
#ifndef FACTOR
#define FACTOR 2
#endif
#ifndef MINOR
#define MINOR 0
#endif
#ifndef PLUGIN_NAME
#define PLUGIN_NAME "reloaded"
#endif
#ifndef GAIN_MAX
#define GAIN_MAX 100
#endif
#ifndef LAZY_SLOT
#define LAZY_SLOT 0
#endif
#ifndef LAZY_NAME
#define LAZY_NAME "weight"
#endif
#ifndef KEEP_DEFAULT
#define KEEP_DEFAULT 0.5
#endif

/* ---- Gain: y = (x weight + bias) gain scale FACTOR, x (n, features); scale is a state ------------------------------
 */
#ifdef REORDER
enum { BIAS, UNUSED, WEIGHT };
enum { SCALE, CALLS };
typedef struct gain {
    int64_t added;
    const char *note;
    double gain;
    luron_ints sizes;
    int64_t features;
    luron_named_init start;
    int32_t mode;
} gain;
#else
enum { WEIGHT, BIAS };
enum { CALLS, SCALE };
typedef struct gain {
    int64_t features;
    double gain;
    int64_t added;
    int32_t mode;
    const char *note;
    luron_named_init start;
    luron_ints sizes;
} gain;
#endif
static const char *const modes[] = {
#ifdef ADDED
    "third",
#endif
    "first", "second", NULL};

static luron_status gain_declare(luron_call *c) {
    const gain *o = luron_options(c);
#ifdef DECLARE_FAILS
    return luron_fail(c, LURON_E_UNSUPPORTED, "not today");
#endif
#ifdef WIDE
    LURON_TRY(c->host->declare_param(c, WEIGHT, "weight", LURON_SHAPE(o->features, 2), luron_init_constant(1)));
#elif defined(RENAMED)
    LURON_TRY(c->host->declare_param(c, WEIGHT, "kernel", LURON_SHAPE(o->features), luron_init_constant(1)));
#else
    LURON_TRY(c->host->declare_param(c, WEIGHT, "weight", LURON_SHAPE(o->features), luron_init_uniform(1, 2)));
#endif
    LURON_TRY(c->host->declare_param(c, BIAS, "bias", LURON_SHAPE(o->features), luron_init_uniform(-1, 1)));
    LURON_TRY(c->host->declare_state(c, CALLS, "calls", LURON_I64, 0, NULL, luron_init_zeros()));
#ifdef MORE_STATE
    LURON_TRY(c->host->declare_state(c, 2, "more", LURON_F32, 0, NULL, luron_init_zeros()));
#endif
#ifdef LESS_STATE
    return LURON_OK;
#endif
    return c->host->declare_state(c, SCALE, "scale", LURON_REAL, 0, NULL, luron_init_constant(3));
}
static luron_status gain_setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    LURON_TRY(c->host->declare_saved(c, 0, LURON_F32, 0, NULL));
    return luron_set_out_like(c, 0, x);
}
static float gain_of(const luron_call *c) {
    const gain *o = luron_options(c);
    float f = (float)o->gain * FACTOR * (o->note && o->note[0] == 'h' ? 1 : 0) * (float)o->sizes.at[1];
    f *= modes[o->mode][0] == 's' ? 1 : 0;
#ifdef ADDED
    f *= (float)o->added;
#endif
    return luron_state(c, SCALE) ? f * *luron_f32(luron_state(c, SCALE)) : f;
}
static luron_status gain_forward(luron_call *c) {
    const float *x = luron_f32(luron_in(c, 0)), *w = luron_f32(luron_param(c, WEIGHT)),
                *b = luron_f32(luron_param(c, BIAS)), f = gain_of(c);
    const int64_t n = luron_numel(luron_in(c, 0)), m = ((const gain *)luron_options(c))->features;
    for (int64_t i = 0; i < n; i++)
        luron_f32(luron_out(c, 0))[i] = (x[i] * w[i % m] + b[i % m]) * f;
    *luron_f32(luron_saved(c, 0)) = FACTOR;
    if (luron_is_training(c)) ++*luron_i64(luron_state(c, CALLS));
    return LURON_OK;
}
static luron_status gain_backward(luron_call *c) {
    const float *x = luron_f32(luron_in(c, 0)), *w = luron_f32(luron_param(c, WEIGHT)),
                *gy = luron_f32(luron_grad_out(c, 0)), f = gain_of(c);
    const int64_t n = luron_numel(luron_in(c, 0)), m = ((const gain *)luron_options(c))->features;
    float *gx = luron_f32(luron_grad_in(c, 0)), *gw = luron_f32(luron_grad_param(c, WEIGHT)),
          *gb = luron_f32(luron_grad_param(c, BIAS));
    if (*luron_f32(luron_saved(c, 0)) != FACTOR) return luron_fail(c, LURON_E_INTERNAL, "saved by other code");
    for (int64_t i = 0; i < n; i++) {
        if (gx) gx[i] += gy[i] * w[i % m] * f;
        if (gw) gw[i % m] += gy[i] * x[i] * f;
        if (gb) gb[i % m] += gy[i] * f;
    }
    return LURON_OK;
}
static luron_status gain_compose(luron_call *c, const luron_ops *o) {
    return o->set_out(
        c, 0, o->scale(c, o->add(c, o->mul(c, o->in(c, 0), o->param(c, WEIGHT)), o->param(c, BIAS)), gain_of(c), 0));
}
static const luron_option *const gain_options[] = {
#ifdef ADDED
    LURON_OPT_INT(gain, added, 4, 0, 10, "new"),
#endif
    LURON_OPT_INT_REQ(gain, features, 1, 1e9, "size of the last dimension"),
#ifdef NEEDS
    &(const luron_option){sizeof(luron_option), LURON_FLOAT, LURON_OPTION_REQUIRED, (uint32_t)offsetof(gain, gain),
                          "factor", NULL, 0, 0, 0, NULL, NULL, 0, 0},
#else
    LURON_OPT_FLOAT(gain, gain, 1, 0, GAIN_MAX, "times"),
#endif
    LURON_OPT_CHOICE(gain, mode, "second", modes, "of no use"),
#ifndef NO_NOTE
    LURON_OPT_STRING(gain, note, "here", "begins with h"),
#endif
    LURON_OPT_INITIALISER(gain, start, "of no use"),
    LURON_OPT_INTS(gain, sizes, 1, 0, 9, 2, 2, "the second one counts"),
    NULL};
static const luron_port *const gain_out[] = {LURON_PORT("y", 0, LURON_REAL, 0, NULL),
#ifdef TWO_OUTS
                                             LURON_PORT("z", 0, LURON_REAL, 0, NULL),
#endif
                                             NULL};
static const luron_port *const gain_in[] = {LURON_PORT("x", 0, LURON_REAL, 2, NULL),
#ifdef NEW_INPUT
                                            LURON_PORT("more", 0, LURON_REAL, 0, NULL),
#elif defined(ADDED)
                                            LURON_PORT("more", LURON_PORT_OPTIONAL, LURON_REAL, 0, NULL),
#endif
                                            NULL};
static const luron_layer_type gain_type = {.struct_size = sizeof gain_type,
                                           .flags = LURON_LAYER_FREES_OUT,
                                           .name = "Gain",
                                           .options = gain_options,
                                           .options_size = sizeof(gain),
                                           .out = gain_out,
                                           .in = gain_in,
                                           .declare = gain_declare,
                                           .setup = gain_setup,
                                           .forward = gain_forward,
                                           .backward = gain_backward,
                                           .compose = gain_compose};

/* ---- Twist: element-wise; Mix: in ops; Lazy: y = x weight, whose size comes from x --------------------------------
 */
typedef struct twist {
    double by;
} twist;
static void twist_apply(const luron_run *r) {
    for (int64_t i = 0; i < r->n; i++)
        ((float *)r->to)[i] = ((const float *)r->x)[i] * (float)((const twist *)r->options)->by * FACTOR;
}
static void twist_derive(const luron_run *r) {
    for (int64_t i = 0; i < r->n; i++)
        ((float *)r->to)[i] = ((const float *)r->gy)[i] * (float)((const twist *)r->options)->by * FACTOR;
}
static const luron_elementwise twist_function = {
    .struct_size = sizeof twist_function, .apply = twist_apply, .derive = twist_derive};
static const luron_option *const twist_options[] = {LURON_OPT_FLOAT(twist, by, 1, 0, 0, "times"), NULL};
static const luron_layer_type twist_type = {.struct_size = sizeof twist_type,
                                            .name = "Twist",
                                            .function = "twist",
                                            .doc = "times by",
                                            .options = twist_options,
                                            .options_size = sizeof(twist),
                                            .elementwise = &twist_function};

static luron_status mix_compose(luron_call *c, const luron_ops *o) {
    return o->set_out(c, 0, o->scale(c, o->square(c, o->in(c, 0)), FACTOR, 0));
}
static const luron_layer_type mix_type = {.struct_size = sizeof mix_type, .name = "Mix", .compose = mix_compose};

static luron_status lazy_setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    LURON_TRY(c->host->declare_param(c, LAZY_SLOT, LAZY_NAME, LURON_SHAPE(x->shape[1]), luron_init_uniform(1, 2)));
    return luron_set_out_like(c, 0, x);
}
static luron_status lazy_forward(luron_call *c) {
    const float *x = luron_f32(luron_in(c, 0)), *w = luron_f32(luron_param(c, LAZY_SLOT));
    const int64_t n = luron_numel(luron_in(c, 0)), m = luron_in(c, 0)->shape[1];
    for (int64_t i = 0; i < n; i++)
        luron_f32(luron_out(c, 0))[i] = x[i] * w[i % m] * FACTOR;
    return LURON_OK;
}
static luron_status lazy_backward(luron_call *c) {
    const int64_t n = luron_numel(luron_in(c, 0)), m = luron_in(c, 0)->shape[1];
    const float *x = luron_f32(luron_in(c, 0)), *w = luron_f32(luron_param(c, LAZY_SLOT)),
                *gy = luron_f32(luron_grad_out(c, 0));
    float *gx = luron_f32(luron_grad_in(c, 0)), *gw = luron_f32(luron_grad_param(c, LAZY_SLOT));
    for (int64_t i = 0; i < n; i++) {
        if (gx) gx[i] += gy[i] * w[i % m] * FACTOR;
        if (gw) gw[i % m] += gy[i] * x[i] * FACTOR;
    }
    return LURON_OK;
}
static const luron_layer_type lazy_type = {.struct_size = sizeof lazy_type,
                                           .name = "Lazy",
                                           .setup = lazy_setup,
                                           .forward = lazy_forward,
                                           .backward = lazy_backward};

static const luron_layer_type fresh_type = {.struct_size = sizeof fresh_type,
                                            .name = "Fresh",
                                            .function = "fresh",
                                            .elementwise = &twist_function,
                                            .options = twist_options,
                                            .options_size = sizeof(twist)};

/* ---- Heavy: p -= lr FACTOR (m + a v), where m and v remember the gradients, and a grows with every step --------- */
#ifdef REORDER
typedef struct heavy {
    double added, keep, lr;
} heavy;
enum { V, M };
static const char *const heavy_state[] = {"v", "m", NULL}, *const heavy_scalars[] = {"b", "a", NULL};
enum { B, A };
#else
typedef struct heavy {
    double lr, keep, added;
} heavy;
enum { M, V };
static const char *const heavy_state[] = {"m",
#ifndef OPTIM_STATE
                                          "v",
#endif
                                          NULL},
                         *const heavy_scalars[] = {"a", "b", NULL};
enum { A, B };
#endif
static void heavy_begin(luron_step *s) { s->scalars[A] += 0.125, s->scalars[B] = (double)s->t; }
static void heavy_step(luron_step *s) {
    const heavy *o = s->options;
    float *p = s->param, *m = s->state[M];
#ifdef OPTIM_STATE
    float *v = m;
#else
    float *v = s->state[V];
#endif
    const float *g = s->grad, keep = (float)o->keep, lr = (float)o->lr * FACTOR, a = (float)s->scalars[A];
    for (int64_t i = 0; i < s->n; i++) {
        m[i] = keep * m[i] + g[i];
        if (v) v[i] = keep * v[i] + m[i] * (float)(s->scalars[B] > 2);
        p[i] -= lr * (m[i] + (v ? a * v[i] : 0));
    }
}
static const luron_option *const heavy_options[] = {
#ifdef ADDED
    LURON_OPT_FLOAT(heavy, added, 5, 0, 10, "new"),
#endif
    LURON_OPT_FLOAT(heavy, lr, 0.01, 0, 1, "learning rate"), LURON_OPT_FLOAT(heavy, keep, KEEP_DEFAULT, 0, 1, "kept"),
    NULL};
#ifdef KEEPS /* v where `keep` is large alone */
static int heavy_keeps(const void *options, int i) { return i != V || ((const heavy *)options)->keep > 0.6; }
#else
#define heavy_keeps NULL
#endif
static const luron_optim_type heavy_type = {.struct_size = sizeof heavy_type,
                                            .keeps = heavy_keeps,
                                            .name = "Heavy",
                                            .options = heavy_options,
                                            .options_size = sizeof(heavy),
                                            .state = heavy_state,
                                            .scalars = heavy_scalars,
                                            .begin = heavy_begin,
                                            .step = heavy_step};

/* ---- Broad: p -= FACTOR times the mean of the gradient, which it finds by way of ROOM floats of scratch an element -
 */
#ifndef ROOM
#define ROOM 1
#endif
#ifndef TOTALS
#define TOTALS 1
#endif
static const char *const broad_state[] = {"total", NULL};
static luron_status broad_setup(luron_step *s) {
#ifdef SETUP_FAILS
    return luron_fail(s->call, LURON_E_SHAPE, "not this one");
#endif
    LURON_TRY(s->call->host->declare_state(s->call, 0, "total", LURON_REAL, LURON_SHAPE(TOTALS), luron_init_constant(3)));
    return s->call->host->declare_scratch(s->call, s->n * ROOM * (int64_t)sizeof(float));
}
static void broad_step(luron_step *s) {
    float *room = luron_scratch(s->call), sum = 0;
    for (int64_t i = 0; i < s->n * ROOM; i++)
        room[i] = ((const float *)s->grad)[i / ROOM] / ROOM;
    for (int64_t i = 0; i < s->n * ROOM; i++)
        sum += room[i];
    ((float *)s->state[0])[0] += sum;
    for (int64_t i = 0; i < s->n; i++)
        ((float *)s->param)[i] -= FACTOR * sum / (float)s->whole->shape[0];
}
static const luron_optim_type broad_type = {.struct_size = sizeof broad_type,
                                            .flags = LURON_OPTIM_WHOLE,
                                            .name = "Broad",
                                            .state = broad_state,
                                            .setup = broad_setup,
                                            .step = broad_step};

/* ---- a format: a file that begins with RLD1 holds FACTOR ----------------------------------------------------------
 */
static int probe(luron_io *io, const luron_tree *t, const uint8_t *head, uint64_t n) {
    return (void)io, (void)t, n >= 4 && head[0] == 'R' && head[3] == '1' ? 100 : 0;
}
static luron_status read_file(luron_io *io, const luron_tree *t, const luron_source *s) {
    return (void)s, t->add_tensor(io, t->root(io), "factor", LURON_F32, 0, NULL, 0) ? LURON_OK : LURON_E_NOMEM;
}
static luron_status read_tensor(luron_io *io, const luron_tree *t, const luron_source *s, luron_node *node,
                                uint64_t where, uint64_t first, uint64_t n, void *to) {
    (void)io, (void)t, (void)s, (void)node, (void)where, (void)first, (void)n;
    *(float *)to = FACTOR;
    return LURON_OK;
}
static const luron_format_type format = {.struct_size = sizeof format,
                                         .name = "reloaded_file",
                                         .probe = probe,
                                         .read = read_file,
                                         .read_tensor = read_tensor};

static const luron_layer_type *const layers[] = {
#ifdef NEW_TYPE
    &fresh_type,
#endif
    &twist_type, &mix_type, &lazy_type,
#ifndef NO_GAIN
    &gain_type,
#endif
    NULL};
static const luron_optim_type *const optims[] = {
#ifndef NO_HEAVY
    &heavy_type,
#endif
    &broad_type, NULL};
static const luron_format_type *const formats[] = {&format, NULL};
#ifdef INIT_FAILS
static luron_status init(luron_call *c) { return luron_fail(c, LURON_E_UNSUPPORTED, "no accelerator"); }
#else
static luron_status init(luron_call *c) { return (void)c, LURON_OK; }
#endif
extern const void *const reload_kept[];
const void *const reload_kept[] = {&fresh_type, &gain_type, &heavy_type}; /* used in every case */
LURON_PLUGIN_DEFINE(reloaded) = {.struct_size = sizeof(luron_plugin),
                                 .abi_major = LURON_ABI_MAJOR,
                                 .abi_minor = MINOR,
                                 .name = PLUGIN_NAME,
                                 .version = "1",
                                 .layers = layers,
                                 .optims = optims,
                                 .formats = formats,
                                 .init = init};
