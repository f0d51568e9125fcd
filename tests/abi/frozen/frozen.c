/* frozen.c -- a plugin that is compiled once against plugin-1.0.h and kept as a binary: that every later Luron runs it
 * is then a fact (test_frozen.c says what each type has to give). It uses every service of the host, every entry of
 * luron_ops, and every kind of option, port and type; C library functions it uses none, so that it depends on nothing.
 */
#ifndef FROZEN_HEADER
#define FROZEN_HEADER "plugin-1.0.h"
#endif
#include FROZEN_HEADER

/* ---- FrozenAffine: y = gain (x W^T + b), x (n, in); with ids row r times id + 1, and 0 where the id is `skip` -------
 */
enum { WEIGHT, BIAS };
enum { CALLS, SCALE };
static const char *const modes[] = {"plain", "twice", NULL};
typedef struct affine {
    int64_t in_features;
    double gain;
    int32_t bias, mode;
    const char *note;
    luron_ints sizes;
    int64_t axis, skip;
    luron_named_init weight_init;
} affine;

static luron_status affine_declare(luron_call *c) {
    const affine *o = luron_options(c);
    LURON_TRY(c->host->declare_param(c, WEIGHT, "weight", LURON_SHAPE(o->sizes.at[0], o->in_features),
                                     luron_init_or(&o->weight_init, luron_init_uniform(-1, 1))));
    if (o->bias)
        LURON_TRY(c->host->declare_param(c, BIAS, "bias", LURON_SHAPE(o->sizes.at[0]), luron_init_constant(0.5)));
    LURON_TRY(c->host->declare_state(c, CALLS, "calls", LURON_I64, 0, NULL, luron_init_zeros()));
    return c->host->declare_state(c, SCALE, "scale", LURON_REAL, LURON_SHAPE(1), luron_init_normal(2, 0));
}
static luron_status affine_setup(luron_call *c) {
    const affine *o = luron_options(c);
    const luron_view *x = luron_in(c, 0), *ids = luron_in(c, 1);
    if (x->shape[1] != o->in_features)
        return luron_fail(c, LURON_E_SHAPE, "input has %lld features, %lld expected", (long long)x->shape[1],
                          (long long)o->in_features);
    if (ids && luron_numel(ids) != x->shape[0]) return luron_fail(c, LURON_E_SHAPE, "an id for each row expected");
    LURON_TRY(c->host->declare_saved(c, 0, LURON_REAL, LURON_SHAPE(x->shape[0])));
    LURON_TRY(c->host->declare_scratch(c, x->shape[0] * o->sizes.at[0] * (int64_t)sizeof(double)));
    return c->host->set_out(c, 0, LURON_REAL, LURON_SHAPE(x->shape[0], o->sizes.at[0]));
}
/* What row r is multiplied by. */
static double affine_row(const luron_call *c, int64_t r) {
    const affine *o = luron_options(c);
    const luron_view *scale = luron_state(c, SCALE);
    double f =
        o->gain * (o->mode == 1 ? 2 : 1) * (c->dtype == LURON_F64 ? *luron_f64(scale) : (double)*luron_f32(scale));
    if (o->axis == -1 && o->note && o->note[0] == 'n') f = -f;
    if (!luron_in(c, 1)) return f;
    const int64_t id = luron_id(c, 1, r);
    return id == o->skip ? 0 : f * (double)(id + 1);
}
static double at(const luron_view *v, int64_t i) { return luron_f64(v) ? luron_f64(v)[i] : (double)luron_f32(v)[i]; }
static void put(luron_view *v, int64_t i, double value) {
    if (luron_f64(v))
        luron_f64(v)[i] = value;
    else
        luron_f32(v)[i] = (float)value;
}
static void affine_rows(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    luron_call *c = arg;
    luron_view *y = luron_out(c, 0);
    const int64_t n = y->shape[1];
    (void)chunk;
    for (int64_t i = begin * n; i < end * n; i++)
        put(y, i, at(y, i) * at(luron_saved(c, 0), i / n));
}
static luron_status affine_forward(luron_call *c) {
    const luron_gemm g = {
        sizeof g, LURON_TRANS_B, luron_in(c, 0), luron_param(c, WEIGHT), luron_param(c, BIAS), luron_out(c, 0), 0};
    const int64_t rows = luron_in(c, 0)->shape[0];
    if (!LURON_HAS(c->host, bad_id) || c->host->extension(c->host, "org.luron.frozen/1")) return LURON_E_INTERNAL;
    if (luron_in(c, 1)) LURON_TRY(luron_check_ids(c, 1, 4));
    for (int64_t r = 0; r < rows; r++)
        put(luron_saved(c, 0), r, affine_row(c, r));
    LURON_TRY(c->host->gemm(c, &g));
    c->host->parallel_for(c, rows, 2, affine_rows, c);
    if (luron_is_training(c)) ++*luron_i64(luron_state(c, CALLS));
    return LURON_OK;
}
static luron_status affine_backward(luron_call *c) {
    const luron_view *gy = luron_grad_out(c, 0);
    luron_view scaled = *gy; /* gy with its rows multiplied, in scratch */
    const int64_t n = gy->shape[1], size = luron_numel(gy);
    scaled.data = luron_scratch(c), scaled.byte_offset = 0;
    c->host->zero(c, &scaled);
    for (int64_t i = 0; i < size; i++)
        put(&scaled, i, at(gy, i) * at(luron_saved(c, 0), i / n));
    double beta;
    luron_view *gx = luron_grad_in_beta(c, 0, &beta);
    if (gx) {
        const luron_gemm g = {sizeof g, 0, &scaled, luron_param(c, WEIGHT), NULL, gx, beta};
        LURON_TRY(c->host->gemm(c, &g));
    }
    luron_view *gw = luron_grad_param(c, WEIGHT);
    if (gw) {
        const luron_gemm g = {sizeof g, LURON_TRANS_A, &scaled, luron_in(c, 0), NULL, gw, 1};
        LURON_TRY(c->host->gemm(c, &g));
    }
    luron_view *gb = luron_grad_param_beta(c, BIAS, &beta);
    return gb ? c->host->sum_to(c, &scaled, gb, beta) : LURON_OK;
}
static luron_status affine_compose(luron_call *c, const luron_ops *o) {
    const affine *a = luron_options(c);
    luron_tensor *y = o->matmul(c, o->in(c, 0), o->param(c, WEIGHT), LURON_TRANS_B), *ids = o->in(c, 1),
                 *scale = o->state(c, SCALE);
    if (a->bias) y = o->add_row(c, y, o->param(c, BIAS));
    y = o->scale(c, o->mul(c, y, scale),
                 a->gain * (a->mode == 1 ? 2 : 1) * (a->axis == -1 && a->note && a->note[0] == 'n' ? -1 : 1), 0);
    if (ids) {
        luron_tensor *row = o->cast(c, ids, c->dtype); /* in the base of the context, as one_hot takes them */
        row = o->scale(c, row, 1, 1 - (double)c->index_base);
        if (a->skip >= 0) row = o->mul(c, row, o->cast(c, o->ne(c, row, o->scalar(c, (double)a->skip + 1)), c->dtype));
        y = o->mul(c, y, o->reshape(c, row, LURON_SHAPE(-1, 1)));
    }
    return o->set_out(c, 0, y);
}
static const luron_option *const affine_options[] = {
    LURON_OPT_INT_REQ(affine, in_features, 1, 1e9, "features in"),
    LURON_OPT_FLOAT(affine, gain, 1, -100, 100, "times"),
    LURON_OPT_BOOL(affine, bias, 1, "add a bias"),
    LURON_OPT_CHOICE(affine, mode, "plain", modes, "twice: times 2"),
    LURON_OPT_STRING(affine, note, "none", "with an n first and axis -1: times -1"),
    LURON_OPT_INTS_REQ(affine, sizes, 1, 1000, 1, 2, "features out"),
    LURON_OPT_AXIS(affine, axis, 0, "a dim"),
    LURON_OPT_ID(affine, skip, -1, "id of rows that give 0"),
    LURON_OPT_INITIALISER(affine, weight_init, "first weights"),
    NULL};
static const luron_port *const affine_in[] = {LURON_PORT("input", 0, LURON_REAL, 2, "(n, in_features)"),
                                              LURON_PORT("ids", LURON_PORT_OPTIONAL | LURON_PORT_INDEX, 0, 1, "(n)"),
                                              NULL};
static const luron_layer_type affine_type = {.struct_size = sizeof affine_type,
                                             .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT,
                                             .name = "FrozenAffine",
                                             .doc = "gain (x W^T + b)",
                                             .options = affine_options,
                                             .options_size = sizeof(affine),
                                             .in = affine_in,
                                             .data_version = 3,
                                             .declare = affine_declare,
                                             .setup = affine_setup,
                                             .forward = affine_forward,
                                             .backward = affine_backward,
                                             .compose = affine_compose};

/* ---- FrozenNoise: y = x u, u uniform, drawn again in backward; a parameter whose size comes from the input ---------
 */
static luron_status noise_setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    LURON_TRY(c->host->declare_param(c, 0, "late", LURON_SHAPE(x->ndim ? x->shape[0] : 1), luron_init_constant(1)));
    return luron_set_out_like(c, 0, x);
}
static void noise_run(luron_call *c, const luron_view *from, luron_view *to, int adds) {
    const int64_t n = luron_numel(from);
    float u[16];
    for (int64_t i = 0; i < n; i += 16) {
        const int64_t m = n - i < 16 ? n - i : 16;
        c->host->rand_uniform(c, 1, i, m, u);
        for (int64_t k = 0; k < m; k++)
            luron_f32(to)[i + k] =
                (adds ? luron_f32(to)[i + k] : 0) + luron_f32(from)[i + k] * (luron_is_training(c) ? u[k] : 1);
    }
}
static luron_status noise_forward(luron_call *c) {
    noise_run(c, luron_in(c, 0), luron_out(c, 0), 0);
    return LURON_OK;
}
static luron_status noise_backward(luron_call *c) {
    luron_view *gx = luron_grad_in(c, 0);
    if (gx) noise_run(c, luron_grad_out(c, 0), gx, 1);
    return LURON_OK;
}
static const luron_layer_type noise_type = {.struct_size = sizeof noise_type,
                                            .flags = LURON_LAYER_RANDOM | LURON_LAYER_FREES_IN | LURON_LAYER_FREES_OUT,
                                            .name = "FrozenNoise",
                                            .setup = noise_setup,
                                            .forward = noise_forward,
                                            .backward = noise_backward};

/* ---- FrozenSum: the sum of any number of inputs of one shape, and how many there were -------------------------------
 */
static luron_status sum_setup(luron_call *c) {
    LURON_TRY(luron_set_out_like(c, 0, luron_in(c, 0)));
    return c->host->set_out(c, 1, LURON_I64, 0, NULL);
}
static luron_status sum_forward(luron_call *c) {
    const int64_t n = luron_numel(luron_in(c, 0));
    for (int64_t k = 0; k < n; k++) {
        float sum = 0;
        for (int i = 0; i < c->n_in; i++)
            sum += luron_f32(luron_in(c, i))[k];
        luron_f32(luron_out(c, 0))[k] = sum;
    }
    *luron_i64(luron_out(c, 1)) = c->n_in;
    return LURON_OK;
}
static luron_status sum_backward(luron_call *c) {
    const luron_view *gy = luron_grad_out(c, 0);
    for (int i = 0; i < c->n_in; i++) {
        luron_view *gx = luron_grad_in(c, i);
        for (int64_t k = 0; gx && gy && k < luron_numel(gx); k++)
            luron_f32(gx)[k] += luron_f32(gy)[k];
    }
    return LURON_OK;
}
static const luron_port *const sum_in[] = {LURON_PORT("inputs", LURON_PORT_VARIADIC, LURON_REAL, 0, "of one shape"),
                                           NULL};
static const luron_port *const sum_out[] = {LURON_PORT("sum", 0, LURON_REAL, 0, ""),
                                            LURON_PORT("count", 0, LURON_I64, 0, ""), NULL};
static const luron_layer_type sum_type = {.struct_size = sizeof sum_type,
                                          .flags = LURON_LAYER_FREES_IN | LURON_LAYER_FREES_OUT,
                                          .name = "FrozenSum",
                                          .in = sum_in,
                                          .out = sum_out,
                                          .setup = sum_setup,
                                          .forward = sum_forward,
                                          .backward = sum_backward};

/* ---- FrozenSwish: x sigmoid(beta x), by the host's map; FrozenRamp: max(x, 0), from y and in place
 * ------------------- */
typedef struct swish {
    double beta;
} swish;
static void swish_apply(const luron_run *r) {
    const double beta = ((const swish *)r->options)->beta;
    for (int64_t i = 0; i < r->n; i++) {
        if (r->dtype == LURON_F64)
            ((double *)r->to)[i] = beta * ((const double *)r->x)[i];
        else
            ((float *)r->to)[i] = (float)beta * ((const float *)r->x)[i];
    }
    r->host->map(r->host, LURON_MAP_sigmoid, r->dtype, r->n, r->to, r->to);
    for (int64_t i = 0; i < r->n; i++) {
        if (r->dtype == LURON_F64)
            ((double *)r->to)[i] *= ((const double *)r->x)[i];
        else
            ((float *)r->to)[i] *= ((const float *)r->x)[i];
    }
}
static void swish_derive(const luron_run *r) {
    const double beta = ((const swish *)r->options)->beta;
    for (int64_t i = 0; i < r->n; i++) {
        double x = r->dtype == LURON_F64 ? ((const double *)r->x)[i] : (double)((const float *)r->x)[i], z = beta * x,
               s;
        r->host->map(r->host, LURON_MAP_sigmoid, LURON_F64, 1, &z, &s);
        s += z * s * (1 - s);
        if (r->dtype == LURON_F64)
            ((double *)r->to)[i] = s * ((const double *)r->gy)[i];
        else
            ((float *)r->to)[i] = (float)(s * (double)((const float *)r->gy)[i]);
    }
}
static const luron_elementwise swish_function = {
    .struct_size = sizeof swish_function, .apply = swish_apply, .derive = swish_derive};
static const luron_option *const swish_options[] = {LURON_OPT_FLOAT(swish, beta, 1, 0, 0, "steepness"), NULL};
static const luron_layer_type swish_type = {.struct_size = sizeof swish_type,
                                            .flags = LURON_LAYER_F64,
                                            .name = "FrozenSwish",
                                            .function = "frozen_swish",
                                            .options = swish_options,
                                            .options_size = sizeof(swish),
                                            .elementwise = &swish_function};

static void ramp_apply(const luron_run *r) {
    for (int64_t i = 0; i < r->n; i++)
        ((float *)r->to)[i] = ((const float *)r->x)[i] > 0 ? ((const float *)r->x)[i] : 0;
}
static void ramp_derive(const luron_run *r) {
    for (int64_t i = 0; i < r->n; i++)
        ((float *)r->to)[i] = ((const float *)r->y)[i] > 0 ? ((const float *)r->gy)[i] : 0;
}
static const luron_elementwise ramp_function = {.struct_size = sizeof ramp_function,
                                                .flags = LURON_EW_FROM_Y | LURON_EW_IN_PLACE,
                                                .apply = ramp_apply,
                                                .derive = ramp_derive};
static const luron_layer_type ramp_type = {
    .struct_size = sizeof ramp_type, .name = "FrozenRamp", .elementwise = &ramp_function};

/* ---- FrozenOps: a loss that is the mean of everything luron_ops has; x (3, 4) within 0.1 and 0.9, ids (3) in 0 .. 3
 * -- */
static luron_status ops_compose(luron_call *c, const luron_ops *o) {
    static const int64_t row[] = {1, 4};
    static const int one = 1;
    luron_tensor *x = o->in(c, 0), *ids = o->in(c, 1), *y = o->mul(c, x, x), *sum = o->scalar(c, 0);
    if (o->ndim(c, x) != 2 || o->size(c, x, 1) != 4) return luron_fail(c, LURON_E_SHAPE, "input (3, 4) expected");
    luron_tensor *first = o->narrow(c, x, 0, 0, 1);
#define TERM(t) sum = o->add(c, sum, o->mean(c, (t), 0, NULL, 0));
#define UNARY(name) TERM(o->name(c, x))
    LURON_UNARY_MAP(UNARY)
#define BINARY(name) TERM(o->name(c, y, first))
    LURON_BINARY_MAP(BINARY)
#define COMPARE(name) TERM(o->cast(c, o->name(c, y, first), c->dtype))
    LURON_COMPARE_MAP(COMPARE)
    TERM(o->scale(c, x, 2, 1))
    TERM(o->clamp(c, x, 0.25, 0.75))
    TERM(o->where(c, o->gt(c, x, o->scalar(c, 0.5)), x, y))
    TERM(o->matmul(c, x, y, LURON_TRANS_B))
    TERM(o->matmul(c, x, y, LURON_TRANS_A))
    TERM(o->add_row(c, y, o->reshape(c, first, 1, row + 1)))
    TERM(o->sum(c, x, 1, &one, 1))
    TERM(o->amax(c, x, 1, &one, 0))
    TERM(o->mul(c, o->softmax(c, x, 1), y))
    TERM(o->log_softmax(c, x, 0))
    TERM(o->matmul(c, o->transpose(c, x, 0, 1), y, 0))
    TERM(o->expand(c, o->narrow(c, x, 1, 1, 1), 2, o->size(c, x, 0) == 3 ? (const int64_t[]){3, 5} : row))
    luron_tensor *both[] = {x, o->neg(c, y), x};
    TERM(o->cat(c, 3, both, 1))
    TERM(o->gather(c, x, 1, o->reshape(c, ids, LURON_SHAPE(3, 1))))
    TERM(o->index_select(c, y, 1, ids))
    TERM(o->mul(c, o->one_hot(c, ids, 4), x))
    TERM(o->mul(c, o->uniform(c, 1, 2, (const int64_t[]){3, 4}), x))
    return o->set_out(c, 0, sum);
}
static const luron_port *const ops_in[] = {LURON_PORT("input", 0, LURON_REAL, 2, ""),
                                           LURON_PORT("ids", LURON_PORT_INDEX, LURON_I64, 1, ""), NULL};
static const luron_layer_type ops_type = {.struct_size = sizeof ops_type,
                                          .flags = LURON_LAYER_F64 | LURON_LAYER_LOSS | LURON_LAYER_RANDOM,
                                          .name = "FrozenOps",
                                          .in = ops_in,
                                          .compose = ops_compose};

/* ---- FrozenDescent: momentum with a warm-up in begin; FrozenWhole: by the mean of the whole gradient
 * ----------------- */
typedef struct descent {
    double lr, momentum;
} descent;
static void descent_begin(luron_step *s) {
    s->scalars[0] = s->t < 4 ? (double)s->t / 4 : 1, s->scalars[1] += s->scalars[0];
}
#define DESCENT(T)                                                                                                     \
    for (int64_t i = 0; i < s->n; i++) {                                                                               \
        const T g = ((const T *)s->grad)[i];                                                                           \
        T *m = (T *)s->state[0] + i, *last = (T *)s->state[1] + i;                                                     \
        *m = (T)o->momentum * *m + g, *last = g;                                                                       \
        ((T *)s->param)[i] -= (T)(o->lr * s->scalars[0]) * *m;                                                         \
    }
static void descent_step(luron_step *s) {
    const descent *o = s->options;
    if (s->dtype == LURON_F64) DESCENT(double) else DESCENT(float)
}
static const luron_option *const descent_options[] = {
    LURON_OPT_FLOAT(descent, lr, 0.1, 0, 1e300, "learning rate"),
    LURON_OPT_FLOAT(descent, momentum, 0.5, 0, 1, "kept of the last step"), NULL};
static const char *const descent_state[] = {"momentum", "last", NULL}, *const descent_scalars[] = {"warm", "sum", NULL};
static const luron_optim_type descent_type = {.struct_size = sizeof descent_type,
                                              .name = "FrozenDescent",
                                              .doc = "momentum",
                                              .options = descent_options,
                                              .options_size = sizeof(descent),
                                              .state = descent_state,
                                              .scalars = descent_scalars,
                                              .begin = descent_begin,
                                              .step = descent_step};
static void whole_step(luron_step *s) {
    float mean = 0;
    for (int64_t i = 0; i < s->n; i++)
        mean += ((const float *)s->grad)[i];
    for (int64_t i = 0; i < s->n; i++)
        ((float *)s->param)[i] -= mean / (float)s->whole->shape[0];
}
static const luron_optim_type whole_type = {
    .struct_size = sizeof whole_type, .flags = LURON_OPTIM_WHOLE, .name = "FrozenWhole", .step = whole_step};

/* ---- frozen_file: "FRZ1", then for each tensor length of its name, name, number of elements, float32
 * ----------------- */
typedef struct file {
    double times;
} file;
static int file_probe(luron_io *io, const luron_tree *t, const uint8_t *head, uint64_t n) {
    return (void)io, (void)t, n >= 4 && head[0] == 'F' && head[1] == 'R' && head[2] == 'Z' && head[3] == '1' ? 100 : 0;
}
static luron_status file_read(luron_io *io, const luron_tree *t, const luron_source *s) {
    for (uint64_t at = 4; at < s->size;) {
        uint8_t length;
        int64_t n;
        char *name = t->alloc(io, 256);
        if (!name) return LURON_E_NOMEM;
        LURON_TRY(s->read_at(io, at, &length, 1));
        LURON_TRY(s->read_at(io, at + 1, name, length));
        LURON_TRY(s->read_at(io, at + 1 + length, &n, 8));
        name[length] = 0, at += 9u + length;
        if (n < 0 || (uint64_t)n > (s->size - at) / 4)
            return t->fail(io, LURON_E_FORMAT, "'%s' has %lld elements", name, (long long)n);
        luron_node *node = t->add_tensor(io, t->group(io, t->root(io), "tensors"), name, LURON_F32, 1, &n, at);
        if (!node) return LURON_E_FORMAT;
        LURON_TRY(t->set_text(io, node, "note", "frozen", 6));
        LURON_TRY(t->set_integer(io, node, "version", 1));
        at += 4 * (uint64_t)n;
    }
    int64_t version = 0;
    luron_node *group = t->find(io, t->root(io), "tensors");
    uint64_t n_text = 0;
    if (!group || !t->child(io, group, 0) || !t->integer(io, t->child(io, group, 0), "version", &version) ||
        version != 1)
        return t->fail(io, LURON_E_FORMAT, "nothing in it");
    if (!t->text(io, t->child(io, group, 0), "note", &n_text) || n_text != 6 || !t->key(io, t->child(io, group, 0), 0))
        return LURON_E_INTERNAL;
    return t->host(io) ? LURON_OK : LURON_E_INTERNAL;
}
static luron_status file_read_tensor(luron_io *io, const luron_tree *t, const luron_source *s, luron_node *node,
                                     uint64_t where, uint64_t first, uint64_t n, void *to) {
    LURON_TRY(s->read_at(io, where + 4 * first, to, 4 * n));
    for (uint64_t i = 0; i < n; i++)
        ((float *)to)[i] *= (float)((const file *)t->options(io))->times;
    return t->name(io, node)[0] ? LURON_OK : LURON_E_INTERNAL;
}
static luron_status file_put(luron_io *io, const luron_tree *t, luron_node *node) {
    const luron_view *v = t->tensor(io, node);
    luron_node *child;
    for (int64_t i = 0; !v && (child = t->child(io, node, i)); i++)
        LURON_TRY(file_put(io, t, child));
    if (!v || luron_dtype(v) != LURON_F32) return LURON_OK;
    const char *name = t->name(io, node);
    uint8_t length = 0;
    const int64_t n = luron_numel(v);
    float first = 0;
    while (name[length])
        length++;
    if (n) LURON_TRY(t->fetch(io, node, 0, 1, &first));
    if (n && luron_f32(v) && first != luron_f32(v)[0]) return LURON_E_INTERNAL;
    LURON_TRY(t->write(io, &length, 1));
    LURON_TRY(t->write(io, name, length));
    LURON_TRY(t->write(io, &n, 8));
    return t->write_tensor(io, node);
}
static luron_status file_write(luron_io *io, const luron_tree *t) {
    LURON_TRY(t->write(io, "FRZ1", 4));
    return file_put(io, t, t->model(io));
}
static const luron_option *const file_options[] = {
    LURON_OPT_FLOAT(file, times, 1, 0, 0, "what numbers are multiplied by"), NULL};
static const luron_format_type file_type = {.struct_size = sizeof file_type,
                                            .name = "frozen_file",
                                            .doc = "float32 alone",
                                            .options = file_options,
                                            .options_size = sizeof(file),
                                            .probe = file_probe,
                                            .read = file_read,
                                            .read_tensor = file_read_tensor,
                                            .write = file_write};

/* ---- the descriptor -------------------------------------------------------------------------------------------------
 */
static luron_status init(luron_call *c) {
    return c->host->extension(c->host, "org.luron.frozen/1") ? luron_fail(c, LURON_E_UNSUPPORTED, "nobody has that")
                                                             : LURON_OK;
}
static const luron_layer_type *const layers[] = {&affine_type, &noise_type, &sum_type, &swish_type,
                                                 &ramp_type,   &ops_type,   NULL};
static const luron_optim_type *const optims[] = {&descent_type, &whole_type, NULL};
static const luron_format_type *const formats[] = {&file_type, NULL};
LURON_PLUGIN_DEFINE(frozen) = {.struct_size = sizeof(luron_plugin),
                               .abi_major = LURON_ABI_MAJOR,
                               .abi_minor = LURON_ABI_MINOR,
                               .name = "frozen",
                               .version = "1.0",
                               .layers = layers,
                               .optims = optims,
                               .formats = formats,
                               .init = init};
