/* The services that a plugin gets as a table: setting up, arithmetic, random numbers, loops. */
#include "plan.h"
#include "profile.h"
#include "strict.h"

#include <stdio.h>
#include <string.h>

static luron__frame *frame_of(luron_call *c) { return c->internal; }
static const char *plugin_of(const luron__frame *f) { return f->type->plugin; }

/* ---- failing ----------------------------------------------------------------------------------------------------- */
static luron_status vfail(luron__frame *f, luron_status status, const char *fmt, va_list args) {
    if (status >= 0 || status < LURON_STATUS_LAST) status = LURON_E_PLUGIN;
    int none = LURON_OK;
    if (atomic_compare_exchange_strong(&f->status, &none, status)) luron__vfail(f->ctx, status, fmt, args);
    return status;
}

luron_status luron__frame_fail(luron__frame *f, luron_status status, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    status = vfail(f, status, fmt, args);
    va_end(args);
    return status;
}

LURON_PRINTF(3, 4) static luron_status host_fail(luron_call *c, luron_status status, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    status = vfail(frame_of(c), status, fmt, args);
    va_end(args);
    return status;
}

static const void *host_extension(const luron_host *host, const char *id) {
    (void)host, (void)id;
    return NULL;
}

#define CHECK(f, cond, status, ...)                                                                                    \
    do {                                                                                                               \
        if (!(cond)) return luron__frame_fail((f), (status), __VA_ARGS__);                                             \
    } while (0)

/* ---- setting up -------------------------------------------------------------------------------------------------- */
/* What every service of setup looks at first: an earlier failure, the phase, the slot. */
static luron_status enter_setup(luron__frame *f, const char *service, bool declare_too, const char *what, int slot,
                                int n) {
    luron_status status = atomic_load(&f->status);
    if (status) return status;
    bool allowed = f->phase == LURON__PHASE_SETUP || (declare_too && f->phase == LURON__PHASE_DECLARE);
    CHECK(f, allowed, LURON_E_STATE, "plugin '%s': %s can be called in %ssetup alone", plugin_of(f), service,
          declare_too ? "declare and " : "");
    CHECK(f, slot >= 0 && slot < n, LURON_E_PLUGIN, "plugin '%s': %s: %s %d is not within 0 to %d", plugin_of(f),
          service, what, slot, n - 1);
    return LURON_OK;
}

static luron_status check_shape(luron__frame *f, const char *service, const char *what, int i, uint32_t dtype, int ndim,
                                const int64_t *shape) {
    CHECK(f, shape || ndim <= 0, LURON_E_PLUGIN, "plugin '%s': %s: no shape for %s %d", plugin_of(f), service, what, i);
    if (!luron__check_shape(f->ctx, dtype, ndim, shape, NULL)) return LURON_OK;
    return luron__frame_note(
        f, luron__wrap(f->ctx, LURON_E_PLUGIN, "plugin '%s': %s: %s %d", plugin_of(f), service, what, i));
}

static luron_status host_set_out(luron_call *c, int i, uint32_t dtype, int ndim, const int64_t *shape) {
    luron__frame *f = frame_of(c);
    LURON_TRY(enter_setup(f, "set_out", false, "output", i, c->n_out));
    if (dtype == LURON_REAL) dtype = c->dtype;
    LURON_TRY(check_shape(f, "set_out", "output", i, dtype, ndim, shape));
    const luron_port *port = &f->type->out[i];
    uint32_t wanted = port->flags & LURON_PORT_INDEX ? dtype : port->dtype ? port->dtype : c->dtype;
    CHECK(f, dtype == wanted, LURON_E_PLUGIN, "plugin '%s': set_out: output %d is %s, its port says %s", plugin_of(f),
          i, luron_dtype_name(dtype), luron_dtype_name(wanted));
    CHECK(f, port->ndim == 0 || port->ndim == ndim, LURON_E_PLUGIN,
          "plugin '%s': set_out: output %d has %d dimensions, its port says %d", plugin_of(f), i, ndim, port->ndim);
    f->out[i].dtype = dtype, f->out[i].ndim = f->out_ndim[i] = ndim;
    if (ndim) memcpy(f->out[i].shape, shape, (size_t)ndim * sizeof *shape);
    f->out_view[i] = (luron_view){.ndim = ndim, .shape = f->out[i].shape, .dtype_lanes = 1, .dtype_code = (uint8_t)(dtype >> 8),
                                  .dtype_bits = (uint8_t)dtype}; /* for services that ask for shapes */
    c->out[i] = &f->out_view[i];
    return LURON_OK;
}

static luron_status check_slot_name(luron__frame *f, const char *service, int slot, const char *name) {
    const char *bad = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    CHECK(f, name && *name && strlen(name) < 64 && name[strspn(name, bad)] == 0, LURON_E_PLUGIN,
          "plugin '%s': %s: slot %d needs a name of 1 to 63 letters, digits and underscores", plugin_of(f), service,
          slot);
    for (int s = 0; s < LURON__MAX_SLOTS; s++) {
        const luron__slot *p = &f->layer->param[s], *q = &f->layer->state[s];
        CHECK(f, !(p->tensor && strcmp(p->name, name) == 0) && !(q->tensor && strcmp(q->name, name) == 0),
              LURON_E_PLUGIN, "plugin '%s': %s: the name '%s' is taken", plugin_of(f), service, name);
    }
    return LURON_OK;
}

/* A reload of the plugin has to run setup again to see which slots it declares. */
static luron_status note_ins(luron__frame *f) {
    luron_layer *layer = f->layer;
    const int n = f->call.n_in;
    if (f->phase != LURON__PHASE_SETUP || layer->late_ins) return LURON_OK;
    luron_status status = luron__alloc(&layer->late_ins, f->ctx, (size_t)n * sizeof *layer->late_ins);
    if (status) return luron__frame_note(f, status);
    layer->n_late_ins = n;
    for (int i = 0; i < n; i++) {
        const luron_view *v = f->call.in[i];
        luron_dims *d = &layer->late_ins[i];
        if (!v) continue;
        const bool ids = v->dtype_code == LURON_IDS >> 8; /* the bits are those of the integer that it hides */
        d->dtype = !ids ? luron_dtype(v) : v->dtype_bits == 64 ? LURON_I64 : v->dtype_bits == 32 ? LURON_I32 : LURON_U8;
        d->ndim = v->ndim;
        memcpy(d->shape, v->shape, (size_t)v->ndim * sizeof *d->shape);
    }
    return LURON_OK;
}

static void refuse_plan(luron__frame *f) {
    char text[160];
    snprintf(text, sizeof text, "makes a layer, %.60s, and draws its parameters: make it outside of the step", f->type->layer.name);
    luron__plan_refuse(f->ctx, text);
}

/* A tensor in a slot of the layer, initialised. Declared again (setup is run for every call): must be the same. */
static luron_status fill_slot(luron__frame *f, const char *service, int i, luron__slot *slot, const char *name,
                              uint32_t declared, int ndim, const int64_t *shape, luron_init init) {
    static const int64_t no_shape[1] = {0};
    if (ndim == 0) shape = no_shape;
    uint32_t dtype = declared == LURON_REAL ? f->call.dtype : declared;
    LURON_TRY(check_shape(f, service, "slot", i, dtype, ndim, shape));
    if (slot->tensor) {
        char a[LURON__SHAPE_TEXT], b[LURON__SHAPE_TEXT];
        const luron_tensor *t = slot->tensor;
        CHECK(f, f->phase == LURON__PHASE_SETUP && name && strcmp(name, slot->name) == 0 && t->dtype == dtype,
              LURON_E_PLUGIN, "plugin '%s': %s: slot %d is declared twice", plugin_of(f), service, i);
        CHECK(f, t->ndim == ndim && memcmp(t->shape, shape, (size_t)ndim * sizeof *shape) == 0, LURON_E_SHAPE,
              "%s has shape %s since an earlier input, this input needs %s", name,
              luron_shape_text(a, sizeof a, t->ndim, t->shape), luron_shape_text(b, sizeof b, ndim, shape));
        return LURON_OK;
    }
    LURON_TRY(check_slot_name(f, service, i, name));
    LURON_TRY(note_ins(f));
    CHECK(f, f->call.dtype == f->layer->dtype, LURON_E_DTYPE,
          "the input is %s, the layer's parameters would be %s: cast the input, or set the dtype of the layer",
          luron_dtype_name(f->call.dtype), luron_dtype_name(f->layer->dtype));
    luron_tensor *t = NULL;
    char *copy = NULL;
    luron_status status = LURON_OK;
    const bool is_state = slot >= f->layer->state && slot < f->layer->state + LURON__MAX_SLOTS;
    if (f->ctx->declaring) status = f->ctx->declaring(&t, f->ctx, is_state, name, dtype, ndim, shape);
    if (!status && !t) {
        if (f->phase == LURON__PHASE_DECLARE && luron__init_draws(init)) refuse_plan(f);
        status = luron__tensor_make_slot(&t, f->ctx, !is_state, dtype, ndim, shape);
        if (!status) status = luron__init_tensor(f->ctx, t, init);
    }
    if (!status) status = luron__strdup(&copy, f->ctx, name);
    if (status) {
        luron_tensor_unref(t);
        return luron__frame_note(f, status);
    }
    *slot = (luron__slot){copy, NULL, init, declared};
    luron__slot_put(slot, t);
    return LURON_OK;
}

static luron_status host_declare_param(luron_call *c, int slot, const char *name, int ndim, const int64_t *shape,
                                       luron_init init) {
    luron__frame *f = frame_of(c);
    LURON_TRY(enter_setup(f, "declare_param", true, "slot", slot, LURON__MAX_SLOTS));
    luron__slot *p = &f->layer->param[slot];
    bool is_new = !p->tensor;
    LURON_TRY(fill_slot(f, "declare_param", slot, p, name, LURON_REAL, ndim, shape, init));
    if (is_new) p->tensor->requires_grad = true;
    luron__frame_show_param(f, slot, p->tensor);
    return LURON_OK;
}

/* State of another shape than the parameter's, for an optimiser. */
static luron_status want_state(luron__frame *f, int slot, const char *name, uint32_t dtype, int ndim,
                               const int64_t *shape, luron_init init) {
    luron_status status = atomic_load(&f->status);
    if (status) return status;
    CHECK(f, slot >= 0 && slot < f->wants->n, LURON_E_PLUGIN,
          "plugin '%s': declare_state: slot %d, but the type lists %d state tensors", plugin_of(f), slot, f->wants->n);
    CHECK(f, name && strcmp(name, f->type->optim.state[slot]) == 0, LURON_E_PLUGIN,
          "plugin '%s': declare_state: slot %d is '%s' in the type's list, not '%s'", plugin_of(f), slot,
          f->type->optim.state[slot], name ? name : "");
    CHECK(f, dtype == LURON_REAL || dtype == f->call.dtype, LURON_E_PLUGIN,
          "plugin '%s': declare_state: '%s' is %s, the parameter's %s expected", plugin_of(f), name,
          luron_dtype_name(dtype), luron_dtype_name(f->call.dtype));
    CHECK(f, init.kind == LURON_INIT_ZEROS || init.kind == LURON_INIT_CONSTANT, LURON_E_PLUGIN,
          "plugin '%s': declare_state: '%s' has an initialiser of kind %d, zeros or a constant expected", plugin_of(f), name, init.kind);
    LURON_TRY(check_shape(f, "declare_state", "slot", slot, f->call.dtype, ndim, shape));
    luron_dims *want = &f->wants->state[slot];
    f->wants->start[slot] = init.kind == LURON_INIT_CONSTANT ? init.a : 0;
    want->ndim = ndim;
    for (int d = 0; d < ndim; d++) {
        want->shape[d] = shape[d];
        if (shape[d] == 0) want->ndim = -1;
    }
    return LURON_OK;
}

static luron_status host_declare_state(luron_call *c, int slot, const char *name, uint32_t dtype, int ndim,
                                       const int64_t *shape, luron_init init) {
    luron__frame *f = frame_of(c);
    if (f->phase == LURON__PHASE_OPTIM) return want_state(f, slot, name, dtype, ndim, shape, init);
    LURON_TRY(enter_setup(f, "declare_state", true, "slot", slot, LURON__MAX_SLOTS));
    return fill_slot(f, "declare_state", slot, &f->layer->state[slot], name, dtype, ndim, shape, init);
}

static luron_status host_declare_saved(luron_call *c, int slot, uint32_t dtype, int ndim, const int64_t *shape) {
    luron__frame *f = frame_of(c);
    LURON_TRY(enter_setup(f, "declare_saved", false, "slot", slot, LURON__MAX_SLOTS));
    if (dtype == LURON_REAL) dtype = c->dtype;
    LURON_TRY(check_shape(f, "declare_saved", "slot", slot, dtype, ndim, shape));
    f->saved_dims[slot].dtype = dtype, f->saved_dims[slot].ndim = ndim;
    if (ndim) memcpy(f->saved_dims[slot].shape, shape, (size_t)ndim * sizeof *shape);
    f->saved_view[slot] = (luron_view){.ndim = ndim, .shape = f->saved_dims[slot].shape};
    f->saved_at[slot] = &f->saved_view[slot];
    if (c->n_saved <= slot) c->n_saved = slot + 1;
    return LURON_OK;
}

static luron_status host_declare_scratch(luron_call *c, int64_t bytes) {
    luron__frame *f = frame_of(c);
    if (f->phase != LURON__PHASE_OPTIM) LURON_TRY(enter_setup(f, "declare_scratch", false, "slot", 0, 1));
    CHECK(f, bytes >= 0 && bytes < (int64_t)1 << 60, LURON_E_PLUGIN, "plugin '%s': declare_scratch: %lld bytes",
          plugin_of(f), (long long)bytes);
    if (f->scratch_bytes < bytes) f->scratch_bytes = bytes;
    return LURON_OK;
}

/* ---- arithmetic -------------------------------------------------------------------------------------------------- */
static void *data_of(const luron_view *v) { return (char *)v->data + v->byte_offset; }

static luron_status host_sum_to(luron_call *c, const luron_view *src, luron_view *dst, double beta) {
    luron__frame *f = frame_of(c);
    CHECK(f, src && dst && src->data && dst->data, LURON_E_PLUGIN,
          "plugin '%s': sum_to: src and dst with data are needed", plugin_of(f));
    uint32_t dtype = luron_dtype(dst);
    CHECK(f, (dtype == LURON_F32 || dtype == LURON_F64) && luron_dtype(src) == dtype, LURON_E_PLUGIN,
          "plugin '%s': sum_to: src is %s, dst is %s", plugin_of(f), luron_dtype_name(luron_dtype(src)),
          luron_dtype_name(dtype));
    CHECK(f, dst->ndim >= 0 && dst->ndim <= LURON_MAX_DIMS && src->ndim >= 0 && src->ndim <= LURON_MAX_DIMS, LURON_E_PLUGIN,
          "plugin '%s': sum_to: src has %d dimensions, dst %d: %d at most expected", plugin_of(f), src->ndim, dst->ndim, LURON_MAX_DIMS);
    if (src->ndim == 2 && dst->ndim == 1 && dst->shape[0] == src->shape[1]) { /* the gradient of a bias */
        luron__sum_to(dtype, 2, src->shape, data_of(src), (const int64_t[]){1, src->shape[1]}, data_of(dst), beta, f->ctx->threads);
        return LURON_OK;
    }
    bool fits = src->ndim >= dst->ndim;
    for (int i = 1; fits && i <= dst->ndim; i++)
        fits = dst->shape[dst->ndim - i] == 1 || dst->shape[dst->ndim - i] == src->shape[src->ndim - i];
    if (!fits) {
        char a[LURON__SHAPE_TEXT], b[LURON__SHAPE_TEXT];
        return luron__frame_fail(f, LURON_E_PLUGIN, "plugin '%s': sum_to: src %s does not sum to dst %s", plugin_of(f),
                                 luron_shape_text(a, sizeof a, src->ndim, src->shape),
                                 luron_shape_text(b, sizeof b, dst->ndim, dst->shape));
    }
    int64_t kept[LURON_MAX_DIMS];
    for (int i = 0; i < src->ndim; i++)
        kept[i] = i < src->ndim - dst->ndim ? 1 : dst->shape[i - (src->ndim - dst->ndim)];
    luron__sum_to(dtype, src->ndim, src->shape, data_of(src), kept, data_of(dst), beta, f->ctx->threads);
    return LURON_OK;
}

static void host_zero(luron_call *c, luron_view *v) {
    (void)c;
    if (v && v->data) memset(data_of(v), 0, (size_t)(luron_numel(v) * (v->dtype_bits / 8)));
}

static void host_rand_uniform(luron_call *c, int stream, int64_t first, int64_t n, float *to) {
    if (first >= 0 && n >= 0 && n <= INT64_MAX - first) luron__uniform_f32(frame_of(c)->seed, c->random_position, (uint32_t)stream, first, n, to);
    else (void)luron__frame_fail(frame_of(c), LURON_E_PLUGIN, "plugin '%s': rand_uniform: %lld numbers from %lld on", plugin_of(frame_of(c)),
                                 (long long)n, (long long)first);
}

static void host_parallel_for(luron_call *c, int64_t n, int64_t grain,
                              void (*fn)(void *arg, int64_t begin, int64_t end, int64_t chunk), void *arg) {
    const int order = frame_of(c)->hostile.order;
    if (grain < 1) grain = 1;
    const int64_t pieces = n / grain + (n % grain != 0);
    if (order >= 0) luron__parallel_for(order ? 1 : frame_of(c)->ctx->threads, n, grain, fn, arg);
    else for (int64_t i = 0; i < pieces; i++) {
        const int64_t chunk = order == -1 ? pieces - 1 - i : i < pieces / 2 ? 2 * i + 1 : 2 * (i - pieces / 2);
        fn(arg, chunk * grain, chunk == pieces - 1 ? n : (chunk + 1) * grain, chunk);
    }
}

/* It knows no call, and so no context: a table for each instruction set. */
#define HOST_MAP(name, isa)                                                                                            \
    static void host_map_##name(const luron_host *host, uint32_t fn, uint32_t dtype, int64_t n, const void *x,         \
                                void *y) {                                                                             \
        (void)host;                                                                                                    \
        if (fn < LURON_MAP_COUNT) luron__map(isa, fn, dtype, n, x, y);                                                 \
    }
HOST_MAP(plain, LURON__ISA_PLAIN)
HOST_MAP(avx2, LURON__ISA_AVX2)
HOST_MAP(avx512, LURON__ISA_AVX512)
HOST_MAP(neon, LURON__ISA_NEON)

/* ---- ids --------------------------------------------------------------------------------------------------------- */
static luron_status host_bad_id(luron_call *c, int i, int64_t k, int64_t n) {
    luron__frame *f = frame_of(c);
    const luron_view *v = luron_in(c, i);
    CHECK(f, v && v->data && k >= 0 && k < luron_numel(v), LURON_E_PLUGIN,
          "plugin '%s': bad_id: input %d has no position %lld", plugin_of(f), i, (long long)k);
    const char *p = data_of(v);
    long long raw = v->dtype_bits == 64   ? ((const int64_t *)(const void *)p)[k]
                    : v->dtype_bits == 32 ? ((const int32_t *)(const void *)p)[k]
                                          : ((const uint8_t *)p)[k];
    int64_t base = c->index_base, at[LURON_MAX_DIMS], rest = k;
    char where[LURON__SHAPE_TEXT];
    for (int d = v->ndim - 1; d >= 0; d--) {
        at[d] = rest % v->shape[d] + base;
        rest /= v->shape[d];
    }
    if (v->ndim > 1)
        luron_shape_text(where, sizeof where, v->ndim, at);
    else
        snprintf(where, sizeof where, "%lld", (long long)(k + base));
    const luron_port *port = luron__port_in(f->type, i);
    return luron__frame_fail(
        f, LURON_E_RANGE, "%s: id %lld at position %s is not within %lld to %lld%s", port->name, raw, where,
        (long long)base, (long long)(n - 1 + base),
        base == 1 && raw == 0 ? " (ids count from 1 here: 0 is no id; add 1 to labels that count from 0)" : "");
}

/* ---- tiles ------------------------------------------------------------------------------------------------------- */
void luron__host_tell(luron_call *c, int64_t first, int64_t n) {
    luron__frame *f = frame_of(c);
    const luron_view *v = luron_out(c, 0);
    const int64_t numel = v ? luron_numel(v) : 0;
    if (first < 0 || n < 0 || first > numel || n > numel - first) {
        luron__frame_fail(f, LURON_E_PLUGIN, "plugin '%s': made or wants: elements %lld to %lld of %lld", plugin_of(f), (long long)first,
                          (long long)(first + n), (long long)numel);
        return;
    }
    atomic_fetch_add_explicit(&f->told, n, memory_order_relaxed);
    if (f->fused) luron__fused_run(f->fused, first, n);
}

#define HOST(map_fn, bytes)                                                                                                   \
    {.struct_size = sizeof(luron_host),                                                                                \
     .abi_minor = LURON_ABI_MINOR,                                                                                     \
     .fail = host_fail,                                                                                                \
     .extension = host_extension,                                                                                      \
     .set_out = host_set_out,                                                                                          \
     .declare_param = host_declare_param,                                                                              \
     .declare_state = host_declare_state,                                                                              \
     .declare_saved = host_declare_saved,                                                                              \
     .declare_scratch = host_declare_scratch,                                                                          \
     .gemm = luron__host_gemm,                                                                                         \
     .sum_to = host_sum_to,                                                                                            \
     .zero = host_zero,                                                                                                \
     .rand_uniform = host_rand_uniform,                                                                                \
     .parallel_for = host_parallel_for,                                                                                \
     .map = map_fn,                                                                                                    \
     .bad_id = host_bad_id,                                                                                            \
     .conv_work = luron__host_conv_work,                                                                               \
     .conv = luron__host_conv,                                                                                         \
     .conv_grad_input = luron__host_conv_grad_input,                                                                   \
     .conv_grad_weight = luron__host_conv_grad_weight,                                                                 \
     .gemm_packed_bytes = luron__host_gemm_packed_bytes,                                                               \
     .gemm_pack = luron__host_gemm_pack,                                                                               \
     .gemm_packed = luron__host_gemm_packed,                                                                           \
     .vector_bytes = bytes,                                                                                            \
     .made = luron__host_tell,                                                                                         \
     .wants = luron__host_tell}
static const luron_host tables[LURON__ISA_COUNT] = {[LURON__ISA_PLAIN] = HOST(host_map_plain, 16),
                                                    [LURON__ISA_AVX2] = HOST(host_map_avx2, 32),
                                                    [LURON__ISA_AVX512] = HOST(host_map_avx512, 64),
                                                    [LURON__ISA_NEON] = HOST(host_map_neon, 16)};
const luron_host *luron__host(int isa) { return &tables[isa]; }
