/* The services for convolution: what a plugin passes is checked, and made the arguments of the kernels. */
#include "call.h"
#include "kernels/conv.h"
#include "profile.h"

enum { X, W, GY, BIAS, VIEWS };
static const char *const names[VIEWS] = {"x", "w", "gy", "bias"};

#define CHECK(f, cond, status, ...)                                                                                    \
    do {                                                                                                               \
        if (!(cond)) return luron__frame_fail((f), (status), __VA_ARGS__);                                             \
    } while (0)

/* The views by their parts in the convolution, `out` in place of the one that is made; for conv_work `made` is VIEWS.
 */
static luron_status collect(const luron_view **to, luron__frame *f, const char *service, const luron_conv *v,
                            int made) {
    const char *plugin = f->type->plugin;
    const luron_view *given[VIEWS] = {v->x, v->w, v->gy, v->bias};
    if (made < VIEWS) given[made] = v->out;
    const uint32_t dtype = given[X] ? luron_dtype(given[X]) : LURON_F32;
    for (int i = 0; i < VIEWS; i++) {
        to[i] = given[i];
        if (i == BIAS && (!given[i] || made != GY)) continue;
        CHECK(f, given[i], LURON_E_PLUGIN, "plugin '%s': %s: %s is needed", plugin, service,
              i == made ? "out" : names[i]);
        CHECK(f, given[i]->ndim >= 0 && given[i]->ndim <= 5, LURON_E_PLUGIN,
              "plugin '%s': %s: %s has %d dimensions, 5 at most expected", plugin, service, i == made ? "out" : names[i],
              given[i]->ndim);
        CHECK(f, made == VIEWS || given[i]->data || luron_numel(given[i]) == 0, LURON_E_PLUGIN,
              "plugin '%s': %s: %s has no data (freed by a flag of the type?)", plugin, service,
              i == made ? "out" : names[i]);
        CHECK(f, (dtype == LURON_F32 || dtype == LURON_F64) && luron_dtype(given[i]) == dtype, LURON_E_PLUGIN,
              "plugin '%s': %s: %s is %s, x is %s", plugin, service, names[i], luron_dtype_name(luron_dtype(given[i])),
              luron_dtype_name(dtype));
    }
    return LURON_OK;
}

/* What is made shares no memory with what it is made of; none of them has strides of its own. */
static luron_status check_memory(luron__frame *f, const char *service, const luron_view *const *views, int made) {
    for (int i = 0; i < VIEWS; i++) {
        const luron_view *v = views[i], *out = views[made];
        if (!v) continue;
        CHECK(f, luron__in_one_piece(v), LURON_E_PLUGIN, "plugin '%s': %s: %s has strides: one piece of memory expected",
              f->type->plugin, service, i == made ? "out" : names[i]);
        const int64_t size = v->dtype_bits / 8;
        const char *at = luron_data(v), *to = luron_data(out);
        CHECK(f, i == made || !at || !to || at >= to + luron_numel(out) * size || to >= at + luron_numel(v) * size,
              LURON_E_PLUGIN, "plugin '%s': %s: out shares memory with %s", f->type->plugin, service, names[i]);
    }
    return LURON_OK;
}

static luron_status check_shapes(luron__frame *f, const char *service, const luron_conv *v,
                                 const luron_view *const *views) {
    const luron_view *x = views[X], *w = views[W], *gy = views[GY];
    bool fits = x->ndim >= 3 && x->ndim <= 5 && w->ndim == x->ndim && gy->ndim == x->ndim && v->groups >= 1;
    int64_t channels;
    fits = fits && x->shape[0] == gy->shape[0] && w->shape[0] == gy->shape[1] && w->shape[0] % v->groups == 0 &&
           !__builtin_mul_overflow(w->shape[1], v->groups, &channels) && x->shape[1] == channels;
    if (fits && views[BIAS]) fits = luron_numel(views[BIAS]) == w->shape[0];
    if (!fits) {
        char text[VIEWS][LURON__SHAPE_TEXT];
        for (int i = 0; i < VIEWS; i++)
            luron_shape_text(text[i], sizeof text[i], views[i] ? views[i]->ndim : 0, views[i] ? views[i]->shape : NULL);
        return luron__frame_fail(f, LURON_E_PLUGIN,
                                 "plugin '%s': %s: shapes do not fit: x %s, w %s, output %s, bias %s, %lld groups",
                                 f->type->plugin, service, text[X], text[W], text[GY],
                                 views[BIAS] ? text[BIAS] : "none", (long long)v->groups);
    }
    for (int d = 0; d < x->ndim - 2; d++)
        CHECK(f, v->stride[d] >= 1 && v->dilation[d] >= 1 && v->padding[d] >= 0 && w->shape[d + 2] >= 1, LURON_E_PLUGIN,
              "plugin '%s': %s: dimension %d has kernel %lld, stride %lld, dilation %lld, padding %lld",
              f->type->plugin, service, d, (long long)w->shape[d + 2], (long long)v->stride[d],
              (long long)v->dilation[d], (long long)v->padding[d]);
    return LURON_OK;
}

static luron_status arguments(luron__conv_args *to, luron__frame *f, const char *service, const luron_conv *v,
                              int made) {
    const luron_view *views[VIEWS];
    CHECK(f, v, LURON_E_PLUGIN, "plugin '%s': %s: no luron_conv", f->type->plugin, service);
    LURON_TRY(collect(views, f, service, v, made));
    if (made != GY) views[BIAS] = NULL;
    LURON_TRY(check_shapes(f, service, v, views));
    if (made < VIEWS) LURON_TRY(check_memory(f, service, views, made));
    const luron_view *x = views[X], *w = views[W], *gy = views[GY];
    *to = (luron__conv_args){.dtype = luron_dtype(x), .isa = f->ctx->isa, .groups = v->groups, .beta = v->beta};
    to->images = x->shape[0], to->c_in = x->shape[1], to->c_out = w->shape[0];
    const int absent = 5 - x->ndim;
    for (int d = 0; d < 3; d++) {
        const int i = d - absent;
        to->in[d] = i < 0 ? 1 : x->shape[i + 2], to->out[d] = i < 0 ? 1 : gy->shape[i + 2];
        to->kernel[d] = i < 0 ? 1 : w->shape[i + 2], to->before[d] = i < 0 ? 0 : v->padding[i];
        to->stride[d] = i < 0 ? 1 : v->stride[i], to->dilation[d] = i < 0 ? 1 : v->dilation[i];
    }
    to->x = luron_data(x), to->w = luron_data(w), to->gy = luron_data(gy), to->bias = luron_data(views[BIAS]);
    if (made < VIEWS) to->to = luron_data(v->out);
    return LURON_OK;
}

int64_t luron__host_conv_work(luron_call *c, const luron_conv *v) {
    luron__frame *f = c->internal;
    luron__conv_args g;
    CHECK(f, f->phase == LURON__PHASE_SETUP, LURON_E_STATE, "plugin '%s': conv_work can be called in setup alone",
          f->type->plugin);
    LURON_TRY(arguments(&g, f, "conv_work", v, VIEWS));
    return luron__conv_work(&g, f->ctx->threads);
}

static void tell(void *arg, int64_t first, int64_t n) { luron__host_tell(arg, first, n); }

/* The number of threads may have grown since setup: no more than there is memory for take part. */
static luron_status run(luron_call *c, const luron_conv *v, const char *service, int made,
                        void (*fn)(const luron__conv_args *, int, void *)) {
    luron__frame *f = c->internal;
    luron__conv_args g;
    LURON_TRY(arguments(&g, f, service, v, made));
    char *scratch = c->scratch, *work = v->work ? v->work : scratch;
    const int64_t room =
        scratch && work >= scratch && work <= scratch + f->scratch_bytes ? scratch + f->scratch_bytes - work : 0;
    int threads = f->ctx->threads;
    while (threads > 0 && luron__conv_work(&g, threads) > room)
        threads--;
    CHECK(f, threads > 0, LURON_E_PLUGIN,
          "plugin '%s': %s: work has %lld bytes of the scratch memory, conv_work says %lld are needed", f->type->plugin,
          service, (long long)room, (long long)luron__conv_work(&g, 1));
    if (made == GY && v->flags & LURON_CONV_MADE) g.made = tell, g.made_arg = c;
    fn(&g, threads, work);
    luron__profile_products(f->ctx->profile, g.images, g.out[0] * g.out[1] * g.out[2], g.c_out,
                            g.c_in / g.groups * g.kernel[0] * g.kernel[1] * g.kernel[2]);
    return LURON_OK;
}

luron_status luron__host_conv(luron_call *c, const luron_conv *v) { return run(c, v, "conv", GY, luron__conv); }
luron_status luron__host_conv_grad_input(luron_call *c, const luron_conv *v) {
    return run(c, v, "conv_grad_input", X, luron__conv_grad_input);
}
luron_status luron__host_conv_grad_weight(luron_call *c, const luron_conv *v) {
    return run(c, v, "conv_grad_weight", W, luron__conv_grad_weight);
}
