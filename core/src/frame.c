/* The frame of a call: what a plugin sees of its layer and inputs, the checks before it sees anything, and the text of
 * what went wrong.                                                                                                   */
#include "strict.h"

#include <stdio.h>
#include <string.h>

/* ---- opening and closing ----------------------------------------------------------------------------------------- */
static luron_status place_inputs(luron__frame *f, int n) {
    luron_call *c = &f->call;
    if (n <= LURON__FEW_IN) {
        c->n_in = f->n_operands = n;
        c->in = f->few.in, c->grad_in = f->few.grad_in, c->fresh_in = f->few.fresh;
        f->in_view = f->few.in_view, f->grad_in_view = f->few.grad_in_view;
        f->operand = f->few.operand, f->keep = f->few.keep;
        memset(f->few.in, 0, sizeof f->few.in);
        memset(f->few.grad_in, 0, sizeof f->few.grad_in);
        memset(f->few.operand, 0, sizeof f->few.operand);
        return LURON_OK;
    }
    size_t m = (size_t)n, all = m + LURON__MAX_SLOTS;
    f->block_bytes =
        m * (2 * sizeof(luron_view) + 2 * sizeof(luron_view *) + 1) + all * (sizeof(luron_tensor *) + sizeof(bool));
    LURON_TRY(luron__alloc(&f->block, f->ctx, f->block_bytes));
    f->in_view = f->block, f->grad_in_view = f->in_view + m;
    c->in = (luron_view **)(f->grad_in_view + m), c->grad_in = c->in + m;
    f->operand = (luron_tensor **)(c->grad_in + m);
    f->keep = (bool *)(f->operand + all);
    c->fresh_in = (uint8_t *)(f->keep + all);
    c->n_in = f->n_operands = n;
    return LURON_OK;
}

luron_status luron__frame_open(luron__frame *f, luron_ctx *ctx, luron_layer *layer, luron__code *code, int n_in) {
    memset(f, 0, offsetof(luron__frame, unzeroed));
    f->ctx = ctx, f->layer = layer, f->code = code, f->type = code->type;
    f->seed = ctx->seed;
    for (int s = 0; s < LURON__MAX_SLOTS; s++) f->param_at[s] = f->out_ndim[s] = -1;
    luron_call *c = &f->call;
    c->struct_size = sizeof *c, c->host = luron__host(f->ctx->isa), c->internal = f;
    c->index_base = ctx->index_base;
    c->out = f->out_at, c->param = f->param_ptr, c->state = f->state_at, c->saved = f->saved_at;
    c->grad_out = f->grad_out_at, c->grad_param = f->grad_param_at, c->fresh_param = f->fresh_param;
    c->options = code->options, c->dtype = layer->dtype;
    c->n_out = f->type->n_out;
    if (layer->training) c->flags |= LURON_CALL_TRAINING;
    return place_inputs(f, n_in);
}

void luron__frame_close(luron__frame *f) {
    for (int i = 0; f->operand && i < f->n_operands; i++) luron_tensor_unref(f->operand[i]);
    for (int s = 0; s < LURON__MAX_SLOTS; s++) { /* most slots are empty */
        if (f->state[s]) luron_tensor_unref(f->state[s]);
        if (f->saved[s]) luron_tensor_unref(f->saved[s]);
        if (f->composed[s]) luron_tensor_unref(f->composed[s]);
    }
    for (int64_t i = 0; i < f->n_handles; i++) luron_tensor_unref(f->handles[i]);
    luron__free(f->ctx, f->handles, (size_t)f->cap_handles * sizeof *f->handles);
    luron__pool_free(f->ctx->pool, f->call.scratch, (size_t)f->scratch_bytes);
    luron__free(f->ctx, f->block, f->block_bytes);
}

/* ---- running a callback ------------------------------------------------------------------------------------------ */
luron_status luron__frame_note(luron__frame *f, luron_status status) {
    int none = LURON_OK;
    atomic_compare_exchange_strong(&f->status, &none, status);
    return status;
}

static luron_status judge(luron__frame *f, const char *what, luron_status status) {
    luron_status first = atomic_load(&f->status);
    if (first || !status) return first;
    bool known = status < 0 && status >= LURON_STATUS_LAST;
    return luron__fail(f->ctx, known ? status : LURON_E_PLUGIN, "plugin '%s' failed in %s and did not say why (%s)",
                       f->type->plugin, what, luron_status_text(status));
}

luron_status luron__frame_call(luron__frame *f, luron__phase phase, const char *what,
                               luron_status (*fn)(luron_call *)) {
    f->phase = phase;
    return judge(f, what, fn(&f->call));
}

luron_status luron__frame_compose(luron__frame *f) {
    const luron_layer *outer = f->ctx->within;
    f->phase = LURON__PHASE_COMPOSE;
    const bool strict = f->ctx->strict && !f->hostile.trusted;
    const uint64_t before = strict ? luron__strict_hash(f) : 0;
    f->ctx->within = f->layer;
    luron_status status = judge(f, "compose", f->type->layer.compose(&f->call, luron__ops_table()));
    f->ctx->within = outer;
    LURON_TRY(status);
    for (int i = 0; i < f->call.n_out; i++)
        LURON__CHECK(f->ctx, f->composed[i], LURON_E_PLUGIN, "plugin '%s' set no output %d in compose", f->type->plugin,
                     i);
    return strict ? luron__strict_compose(f, before) : LURON_OK;
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */
static const char *in_name(const luron__frame *f, int i) {
    const luron_port *port = luron__port_in(f->type, i);
    return port ? port->name : "input"; /* none: one input too many */
}

luron_status luron__frame_explain(luron__frame *f, luron_status status) {
    char text[sizeof f->ctx->error], options[384], given[320], shape[LURON__SHAPE_TEXT];
    memcpy(text, f->ctx->error, sizeof text);
    size_t at = 0;
    given[0] = 0;
    for (int i = 0; i < f->call.n_in; i++) {
        const luron_view *v = f->call.in[i];
        if (!v) continue;
        int n = snprintf(given + at, sizeof given - at, "%s%s %s", at ? ", " : "; given ", in_name(f, i),
                         luron_shape_text(shape, sizeof shape, v->ndim, v->shape));
        if (n < 0 || (size_t)n >= sizeof given - at) {
            snprintf(given + (at < sizeof given - 6 ? at : sizeof given - 6), 6, ", ...");
            break;
        }
        at += (size_t)n;
    }
    luron__options_text(options, sizeof options, f->ctx, f->type, f->code->options);
    const char *name = f->layer->name ? f->layer->name : "";
    return luron__fail(f->ctx, status, "layer %s%s%s%s: %s%s", *name ? "'" : "", name, *name ? "' = " : "", options,
                       text, given);
}

/* ---- inputs ------------------------------------------------------------------------------------------------------ */
const luron_port *luron__port_in(const luron_type *type, int i) {
    if (i < type->n_in) return &type->in[i];
    const luron_port *last = type->n_in ? &type->in[type->n_in - 1] : NULL;
    return last && last->flags & LURON_PORT_VARIADIC ? last : NULL;
}

void luron__frame_set_in(luron__frame *f, int i, luron_view view) {
    f->in_view[i] = view;
    f->call.in[i] = &f->in_view[i];
}

void luron__frame_show_dims(luron__frame *f, const luron_dims *ins) {
    for (int i = 0; i < f->call.n_in; i++)
        if (ins[i].dtype)
            luron__frame_set_in(f, i,
                                (luron_view){.device_type = 1,
                                             .ndim = ins[i].ndim,
                                             .dtype_code = (uint8_t)(ins[i].dtype >> 8),
                                             .dtype_bits = (uint8_t)ins[i].dtype,
                                             .dtype_lanes = 1,
                                             .shape = (int64_t *)ins[i].shape});
}

void luron__frame_mark_ids(luron__frame *f) {
    for (int i = 0; i < f->call.n_in; i++)
        if (f->call.in[i] && luron__port_in(f->type, i)->flags & LURON_PORT_INDEX)
            f->in_view[i].dtype_code = LURON_IDS >> 8;
}

static luron_status wrong_count(luron__frame *f, int least, int most) {
    int n = f->call.n_in, wanted = n < least ? least : most;
    char names[128] = "";
    for (int i = 0; i < most; i++) {
        const luron_port *port = luron__port_in(f->type, i);
        size_t at = strlen(names);
        snprintf(names + at, sizeof names - at, "%s%s%s", i ? ", " : "", port->name,
                 port->flags & LURON_PORT_VARIADIC   ? " ..."
                 : port->flags & LURON_PORT_OPTIONAL ? " (optional)"
                                                     : "");
    }
    return luron__fail(f->ctx, LURON_E_ARGUMENT, "%s%d input%s expected (%s), got %d", least < most ? "at least " : "",
                       wanted, wanted == 1 ? "" : "s", names, n);
}

static luron_status check_count(luron__frame *f) {
    int least = 0, most = 0, n = f->call.n_in;
    const luron_port *port;
    for (int i = 0; (port = luron__port_in(f->type, i)) && (i == 0 || i < f->type->n_in); i++) {
        most = i + 1;
        if (!(port->flags & LURON_PORT_OPTIONAL)) least = i + 1;
    }
    if (n < least || !(n == 0 || luron__port_in(f->type, n - 1))) return wrong_count(f, least, most);
    for (int i = 0; i < n; i++) {
        port = luron__port_in(f->type, i);
        LURON__CHECK(f->ctx,
                     f->call.in[i] || (port->flags & LURON_PORT_OPTIONAL && !(port->flags & LURON_PORT_VARIADIC)),
                     LURON_E_ARGUMENT, "input '%s' is absent and not optional", port->name);
    }
    return LURON_OK;
}

static bool is_real(uint32_t dtype) { return dtype == LURON_F32 || dtype == LURON_F64; }

/* Does the dtype of the layer come from its tensors? Otherwise it is that of the first real input. */
static bool has_real_tensors(const luron_layer *layer) {
    for (int s = 0; s < LURON__MAX_SLOTS; s++)
        if (layer->param[s].tensor || (layer->state[s].tensor && layer->state[s].dtype == LURON_REAL)) return true;
    return false;
}

static luron_status check_real(luron__frame *f, int i, bool owned, int *first) {
    uint32_t dtype = luron_dtype(f->call.in[i]);
    const char *name = in_name(f, i), *is = luron_dtype_name(dtype), *doc = luron__port_in(f->type, i)->doc;
    doc = doc && *doc != '(' ? doc : ""; /* a shape alone says nothing of what goes there */
    LURON__CHECK(f->ctx, is_real(dtype), LURON_E_DTYPE, "%s is %s, float32 or float64 is expected: cast it to float32%s%s%s",
                 name, is, *doc ? " (" : "", doc, *doc ? ")" : "");
    LURON__CHECK(f->ctx, dtype == LURON_F32 || f->type->layer.flags & LURON_LAYER_F64, LURON_E_DTYPE,
                 "%s is float64 and this type serves float32 alone: cast it to float32", name);
    if (*first < 0 && !owned) f->call.dtype = dtype;
    if (*first < 0) *first = i;
    if (dtype == f->call.dtype) return LURON_OK;
    const char *wants = luron_dtype_name(f->call.dtype);
    if (owned)
        return luron__fail(f->ctx, LURON_E_DTYPE,
                           "%s is %s, the layer's parameters are %s: cast the input to %s or the layer to %s", name, is,
                           wants, wants, is);
    return luron__fail(f->ctx, LURON_E_DTYPE, "%s is %s, %s is %s: cast one of them", name, is, in_name(f, *first),
                       wants);
}

luron_status luron__frame_check_ins(luron__frame *f) {
    LURON_TRY(check_count(f));
    bool owned = has_real_tensors(f->layer);
    int first = -1;
    for (int i = 0; i < f->call.n_in; i++) {
        const luron_view *v = f->call.in[i];
        if (!v) continue;
        const luron_port *port = luron__port_in(f->type, i);
        uint32_t dtype = luron_dtype(v);
        if (port->flags & LURON_PORT_INDEX)
            LURON__CHECK(f->ctx,
                         port->dtype ? dtype == port->dtype
                                     : dtype == LURON_I64 || dtype == LURON_I32 || dtype == LURON_U8,
                         LURON_E_DTYPE, "%s is %s: ids are %s: cast it to int64", in_name(f, i), luron_dtype_name(dtype),
                         port->dtype ? luron_dtype_name(port->dtype) : "int64, int32 or uint8");
        else if (port->flags & LURON_PORT_MASK && !luron_dtype_is_float(dtype))
            LURON__CHECK(f->ctx, dtype == LURON_B8, LURON_E_DTYPE, "%s is %s: a mask is bool, or numbers that are added",
                         in_name(f, i), luron_dtype_name(dtype));
        else if (port->dtype == LURON_REAL)
            LURON_TRY(check_real(f, i, owned, &first));
        else
            LURON__CHECK(f->ctx, dtype == port->dtype, LURON_E_DTYPE, "%s is %s, %s is expected: cast it",
                         in_name(f, i), luron_dtype_name(dtype), luron_dtype_name(port->dtype));
        LURON__CHECK(f->ctx, port->ndim == 0 || v->ndim == port->ndim, LURON_E_SHAPE,
                     "%s has %d dimension%s, %d expected%s%s", in_name(f, i), v->ndim, v->ndim == 1 ? "" : "s",
                     port->ndim, port->doc && *port->doc ? ": " : "", port->doc ? port->doc : "");
    }
    luron__frame_mark_ids(f);
    return LURON_OK;
}

/* ---- parameters, state, scratch ---------------------------------------------------------------------------------- */
void luron__frame_show_param(luron__frame *f, int s, const luron_tensor *t) {
    f->param_view[s] = luron__view(t);
    f->param_ptr[s] = &f->param_view[s];
    if (f->call.n_param <= s) f->call.n_param = s + 1;
}

void luron__frame_show_params(luron__frame *f) {
    for (int s = 0; s < LURON__MAX_SLOTS; s++)
        if (f->layer->param[s].tensor) luron__frame_show_param(f, s, f->layer->param[s].tensor);
}

luron_status luron__frame_open_state(luron__frame *f, bool writable) {
    for (int s = 0; s < LURON__MAX_SLOTS; s++) {
        luron_tensor *t = luron__frame_state(f, s)->tensor;
        if (!t) continue;
        if (writable)
            f->state[s] = luron_tensor_ref(t);
        else {
            LURON_TRY(luron__tensor_make(&f->state[s], f->ctx, t->dtype, t->ndim, t->shape));
            LURON_TRY(luron_tensor_copy(f->ctx, f->state[s], t));
        }
        f->state_view[s] = luron__view(f->state[s]);
        f->state_at[s] = &f->state_view[s];
        f->call.n_state = s + 1;
    }
    return LURON_OK;
}

luron_status luron__frame_open_scratch(luron__frame *f) {
    if (f->scratch_bytes == 0) return LURON_OK;
    f->call.scratch = luron__take(f->ctx, (size_t)f->scratch_bytes);
    return f->call.scratch ? LURON_OK : luron__nomem(f->ctx, (size_t)f->scratch_bytes);
}

bool luron__frees_in(const luron_type *type) {
    return luron__is_elementwise(type) ? (type->elementwise.flags & LURON_EW_FROM_Y) != 0
                                       : (type->layer.flags & LURON_LAYER_FREES_IN) != 0;
}
bool luron__frees_out(const luron_type *type) {
    return luron__is_elementwise(type) ? !(type->elementwise.flags & LURON_EW_FROM_Y)
                                       : (type->layer.flags & LURON_LAYER_FREES_OUT) != 0;
}

/* ---- setup ------------------------------------------------------------------------------------------------------- */
luron_status luron__frame_setup(luron__frame *f) {
    luron_call *c = &f->call;
    if (f->type->layer.setup)
        LURON_TRY(luron__frame_call(f, LURON__PHASE_SETUP, "setup", f->type->layer.setup));
    else if (luron__is_composite(f->type))
        return LURON_OK; /* compose says it */
    else {
        LURON__CHECK(f->ctx, c->n_in > 0 && c->in[0] && c->n_out == 1, LURON_E_PLUGIN,
                     "plugin '%s' gives no setup, which only a type with one output like its first input may leave out",
                     f->type->plugin);
        f->phase = LURON__PHASE_SETUP;
        luron_status status = c->host->set_out(c, 0, c->dtype, c->in[0]->ndim, c->in[0]->shape);
        if (status) return atomic_load(&f->status);
    }
    for (int i = 0; i < c->n_out && !luron__is_composite(f->type); i++)
        LURON__CHECK(f->ctx, f->out_ndim[i] >= 0, LURON_E_PLUGIN, "plugin '%s' set no shape for output %d in setup",
                     f->type->plugin, i);
    return f->ctx->strict ? luron__strict_setup(f) : LURON_OK;
}
