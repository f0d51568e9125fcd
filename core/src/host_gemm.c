/* The services for matrix products: what a plugin passes is checked, and made the arguments of the kernel. */
#include "call.h"
#include "profile.h"
#include "strict.h"

#define CHECK(f, cond, status, ...)                                                                                    \
    do {                                                                                                               \
        if (!(cond)) return luron__frame_fail((f), (status), __VA_ARGS__);                                             \
    } while (0)

static int64_t row_stride(const luron_view *v) { return v->strides && v->shape[0] > 1 ? v->strides[0] : v->shape[1]; }
/* Does each row of a matrix lie in one piece, behind the one before, and all of them within what an address can tell? */
static bool has_rows(const luron_view *v) {
    if (!v->strides || luron_numel(v) == 0) return true;
    const int64_t rows = v->shape[0], stride = v->strides[0];
    return (v->shape[1] <= 1 || v->strides[1] == 1) && (rows <= 1 || (stride >= v->shape[1] && stride <= INT64_MAX / 16 / rows));
}

static luron_status check_operand(luron__frame *f, const char *service, const char *name, const luron_view *v, int ndim,
                                  uint32_t dtype, bool with_data) {
    const char *plugin = f->type->plugin;
    CHECK(f, !with_data || v->data, LURON_E_PLUGIN, "plugin '%s': %s: %s has no data (freed by a flag of the type?)",
          plugin, service, name);
    CHECK(f, (dtype == LURON_F32 || dtype == LURON_F64) && luron_dtype(v) == dtype, LURON_E_PLUGIN,
          "plugin '%s': %s: %s is %s, out is %s", plugin, service, name, luron_dtype_name(luron_dtype(v)),
          luron_dtype_name(dtype));
    CHECK(f, ndim == 0 ? v->ndim >= 0 && v->ndim <= LURON_MAX_DIMS : v->ndim == ndim, LURON_E_PLUGIN,
          "plugin '%s': %s: %s has %d dimensions, %d expected", plugin, service, name, v->ndim, ndim ? ndim : 1);
    CHECK(f, ndim != 2 || has_rows(v), LURON_E_PLUGIN, "plugin '%s': %s: %s has strides (%lld, %lld), (%lld or more, 1) expected",
          plugin, service, name, (long long)v->strides[0], (long long)v->strides[1], (long long)v->shape[1]);
    CHECK(f, ndim != 0 || luron__in_one_piece(v), LURON_E_PLUGIN, "plugin '%s': %s: %s has strides: one piece of memory expected", plugin, service, name);
    return LURON_OK;
}

static luron_status check_shapes(luron__frame *f, const char *service, const luron_gemm *g, const luron__gemm_args *k) {
    const bool ta = g->flags & LURON_TRANS_A, tb = g->flags & LURON_TRANS_B;
    if (g->b->shape[tb] == k->k && g->out->shape[0] == k->m && g->out->shape[1] == k->n &&
        (!g->bias || luron_numel(g->bias) == k->n))
        return LURON_OK;
    char a[LURON__SHAPE_TEXT], b[LURON__SHAPE_TEXT], out[LURON__SHAPE_TEXT], bias[LURON__SHAPE_TEXT] = "none";
    if (g->bias) luron_shape_text(bias, sizeof bias, g->bias->ndim, g->bias->shape);
    return luron__frame_fail(f, LURON_E_PLUGIN, "plugin '%s': %s: shapes do not fit: a %s%s, b %s%s, bias %s, out %s",
                             f->type->plugin, service, luron_shape_text(a, sizeof a, 2, g->a->shape),
                             ta ? " transposed" : "", luron_shape_text(b, sizeof b, 2, g->b->shape),
                             tb ? " transposed" : "", bias, luron_shape_text(out, sizeof out, 2, g->out->shape));
}

/* What is said of b. */
static inline luron__gemm_args of_b(const luron__frame *f, const luron_gemm *g) {
    const bool tb = g->flags & LURON_TRANS_B;
    return (luron__gemm_args){.dtype = luron_dtype(g->b),
                              .flags = g->flags & (LURON_TRANS_A | LURON_TRANS_B),
                              .k = g->b->shape[tb],
                              .n = g->b->shape[!tb],
                              .b = luron_data(g->b),
                              .ldb = row_stride(g->b),
                              .isa = f->ctx->isa};
}

/* The panels of b, if it is a parameter that has not changed since the last run. NULL: multiply by b itself. */
static const void *packed_param(luron__frame *f, const luron_view *b, const luron__gemm_args *g) {
    int slot = 0;
    while (slot < f->call.n_param && f->param_ptr[slot] != b)
        slot++;
    if (slot == f->call.n_param || g->ldb != b->shape[1]) return NULL;
    luron__packed *p = &f->packed[slot];
    uint64_t version = luron_tensor_version(f->layer->param[slot].tensor) + 1;
    if (!p->panels || p->panels->version != version || !luron__panels_are_of(p->panels, g)) return luron__panels_of(p, f->ctx, g, version);
    p->version = version;
    return p->panels + 1;
}

static bool is_matrix(const luron_view *v, uint32_t dtype) { return v->data && v->ndim == 2 && luron_dtype(v) == dtype && has_rows(v); }

/* Is there nothing for check_operands to say? */
static bool is_plain(const luron_gemm *g, uint32_t dtype) {
    return (dtype == LURON_F32 || dtype == LURON_F64) && is_matrix(g->a, dtype) && is_matrix(g->b, dtype) && is_matrix(g->out, dtype) &&
           (!g->bias || (g->bias->data && g->bias->ndim == 1 && luron_dtype(g->bias) == dtype && luron__in_one_piece(g->bias)));
}

static luron_status check_operands(luron__frame *f, const char *service, const luron_gemm *g, uint32_t dtype, const void *packed) {
    LURON_TRY(check_operand(f, service, "a", g->a, 2, dtype, true));
    LURON_TRY(check_operand(f, service, "b", g->b, 2, dtype, !packed));
    LURON_TRY(check_operand(f, service, "out", g->out, 2, dtype, true));
    return g->bias ? check_operand(f, service, "bias", g->bias, 0, dtype, true) : LURON_OK;
}

/* Numbers of an operand: rows of n, `stride` apart. */
typedef struct place {
    const char *at;
    int64_t rows, n, stride;
} place;

/* Where their bytes overlap: do numbers of out and v? They may lie beside each other in longer rows. */
static bool meet(place out, place v, int64_t size) {
    if (v.rows * v.n == 0 || out.rows * out.n == 0) return false;
    if (out.rows == 1) out.stride = v.stride;
    if (v.rows == 1) v.stride = out.stride; /* one row may lie beside those of any matrix */
    const int64_t apart = v.at - out.at, column = (apart / size % v.stride + v.stride) % v.stride;
    return v.stride != out.stride || apart % size != 0 || column < out.n || column + v.n > v.stride;
}
static inline bool overlap(const place *out, const place *v, int64_t size) {
    return v->at && v->at < out->at + ((out->rows - 1) * out->stride + out->n) * size &&
           out->at < v->at + ((v->rows - 1) * v->stride + v->n) * size;
}

static inline luron_status check_apart(luron__frame *f, const char *service, const luron__gemm_args *k, const luron_gemm *g) {
    const int64_t size = k->dtype == LURON_F64 ? 8 : 4;
    const place out = {k->c, k->m, k->n, k->ldc};
    const place of[] = {{k->a, g->a->shape[0], g->a->shape[1], k->lda}, {k->b, g->b->shape[0], g->b->shape[1], k->ldb}, {k->bias, 1, k->n, k->n}};
    for (int i = 0; i < 3; i++)
        CHECK(f, !overlap(&out, &of[i], size) || !meet(out, of[i], size), LURON_E_PLUGIN, "plugin '%s': %s: out shares memory with %s",
              f->type->plugin, service, (const char *[]){"a", "b", "bias"}[i]);
    return LURON_OK;
}

/* Is it this thread that runs the frame? What the frame keeps is not for another one, which a plugin's loop may have brought here. */
static bool is_own(const luron__frame *f) { return !f->thread || f->thread == luron__this_thread(); }

/* The product, in memory of the frame or of the pool. */
static luron_status compute(luron__frame *f, luron__gemm_args *k, const luron_view *b) {
    if (luron__gemm_small(k)) return LURON_OK;
    if (!k->packed && f->packed && is_own(f)) k->packed = packed_param(f, b, k);
    int64_t bytes = f->work ? 0 : luron__gemm_work(k, f->ctx->threads);
    void *work = bytes ? luron__take(f->ctx, (size_t)bytes) : f->work;
    if (bytes && !work) return luron__frame_note(f, luron__nomem(f->ctx, (size_t)bytes));
    luron__gemm(k, f->ctx->threads, work);
    if (bytes) luron__pool_free(f->ctx->pool, work, (size_t)bytes);
    return LURON_OK;
}

/* ---- products that come again ------------------------------------------------------------------------------------ */
static inline bool is_operand(const struct luron__operand *o, const luron_view *v, uint32_t dtype) {
    return luron_data(v) == o->data && v->ndim == 2 && luron_dtype(v) == dtype && v->shape[0] == o->shape[0] && v->shape[1] == o->shape[1] &&
           (v->strides ? v->strides[0] : v->shape[1]) == o->strides[0] && (v->strides ? v->strides[1] : 1) == o->strides[1];
}
static inline bool is_known(const luron__product *p, const luron_gemm *g) {
    const luron__gemm_args *k = &p->args;
    return p->out.data && p->flags == g->flags && is_operand(&p->a, g->a, k->dtype) && is_operand(&p->b, g->b, k->dtype) &&
           is_operand(&p->out, g->out, k->dtype) && luron_data(g->bias) == k->bias &&
           (!g->bias || (k->bias && g->bias->ndim == 1 && g->bias->shape[0] == k->n && luron_dtype(g->bias) == k->dtype && luron__in_one_piece(g->bias)));
}

static struct luron__operand operand_of(const luron_view *v) {
    return (struct luron__operand){luron_data(v), {v->shape[0], v->shape[1]}, {v->strides ? v->strides[0] : v->shape[1], v->strides ? v->strides[1] : 1}};
}
static void note(luron__product *p, const luron_gemm *g, const luron__gemm_args *k) {
    *p = (luron__product){*k, operand_of(g->a), operand_of(g->b), operand_of(g->out), g->flags, luron__gemm_is_small(k)};
}

/* The place of the next product of a frame. NULL: there is none. */
static luron__product *next_product(luron__frame *f) {
    if (!f->products || !is_own(f) || f->n_products == LURON__PRODUCTS) return NULL;
    return &f->products[f->n_products++];
}

static luron_status multiply_again(luron__frame *f, luron__product *p, const luron_gemm *g) {
    p->args.beta = g->beta;
    if (p->is_small) {
        luron__gemm_small_run(&p->args);
        return LURON_OK;
    }
    luron__gemm_args k = p->args; /* which get panels */
    return compute(f, &k, g->b);
}

static luron_status multiply(luron_call *c, const char *service, const luron_gemm *g, const void *packed) {
    luron__frame *f = c->internal;
    CHECK(f, g && g->a && g->b && g->out, LURON_E_PLUGIN, "plugin '%s': %s: a, b and out are needed", f->type->plugin,
          service);
    luron__product *product = packed ? NULL : next_product(f);
    if (product && is_known(product, g)) return multiply_again(f, product, g);
    const uint32_t dtype = luron_dtype(g->out);
    const bool is_usual = is_plain(g, dtype);
    if (!is_usual) LURON_TRY(check_operands(f, service, g, dtype, packed));
    const bool ta = g->flags & LURON_TRANS_A;
    luron__gemm_args k = of_b(f, g);
    k.m = g->a->shape[ta], k.k = g->a->shape[!ta];
    k.a = luron_data(g->a), k.c = luron_data(g->out), k.bias = luron_data(g->bias), k.packed = packed;
    k.lda = row_stride(g->a), k.ldc = row_stride(g->out), k.beta = g->beta;
    LURON_TRY(check_shapes(f, service, g, &k));
    LURON_TRY(check_apart(f, service, &k, g));
    if (product && is_usual) note(product, g, &k);
    LURON_TRY(compute(f, &k, g->b));
    if (f->ctx->profile) luron__profile_products(f->ctx->profile, 1, k.m, k.n, k.k);
    if (f->hostile.watched == k.c) luron__strict_note_gemm(f, g->out);
    return LURON_OK;
}

luron_status luron__host_gemm(luron_call *c, const luron_gemm *g) { return multiply(c, "gemm", g, NULL); }

luron_status luron__host_gemm_packed(luron_call *c, const luron_gemm *g, const void *packed) {
    luron__frame *f = c->internal;
    static const char none[1]; /* of an empty b nothing is read */
    if (!packed && g && g->b && luron_numel(g->b) == 0) packed = none;
    CHECK(f, packed, LURON_E_PLUGIN, "plugin '%s': gemm_packed: nothing is packed", f->type->plugin);
    return multiply(c, "gemm_packed", g, packed);
}

static luron_status check_b(luron__frame *f, const char *service, const luron_gemm *g, bool with_data) {
    const char *plugin = f->type->plugin;
    CHECK(f, g && g->b, LURON_E_PLUGIN, "plugin '%s': %s: b is needed", plugin, service);
    const uint32_t dtype = luron_dtype(g->b);
    CHECK(f, dtype == LURON_F32 || dtype == LURON_F64, LURON_E_PLUGIN,
          "plugin '%s': %s: b is %s, float32 or float64 expected", plugin, service, luron_dtype_name(dtype));
    return check_operand(f, service, "b", g->b, 2, dtype, with_data);
}

int64_t luron__host_gemm_packed_bytes(luron_call *c, const luron_gemm *g) {
    luron__frame *f = c->internal;
    LURON_TRY(check_b(f, "gemm_packed_bytes", g, false));
    const luron__gemm_args k = of_b(f, g);
    return luron__gemm_packed_bytes(&k);
}

luron_status luron__host_gemm_pack(luron_call *c, const luron_gemm *g, void *to) {
    luron__frame *f = c->internal;
    LURON_TRY(check_b(f, "gemm_pack", g, true));
    CHECK(f, to || luron_numel(g->b) == 0, LURON_E_PLUGIN, "plugin '%s': gemm_pack: there is no memory to write to",
          f->type->plugin);
    const luron__gemm_args k = of_b(f, g);
    luron__gemm_pack(&k, to);
    return LURON_OK;
}
