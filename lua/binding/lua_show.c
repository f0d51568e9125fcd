/* lua_show.c -- the text of a tensor: shape, dtype, and its numbers in columns. Beyond 1,000 elements only the first and
 * last three positions of each dim are shown. */
#include "lua_util.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { EDGE = 3, WHOLE = 1000, LINE = 100, CELL = 32 };

typedef struct show {
    luaL_Buffer *b;
    const char *data;
    uint32_t dtype;
    int ndim, width, decimals, abbreviated;
    enum { BOOLEAN, INTEGER, FIXED, SCIENTIFIC } how;
    int64_t shape[LURON_MAX_DIMS], strides[LURON_MAX_DIMS];
    double largest, smallest; /* magnitudes of the finite numbers shown */
    int whole;                /* all of them are whole numbers */
} show;

/* Position shown as number k of a dim, -1: "...", -2: past the last. */
static int64_t shown(const show *s, int dim, int64_t k) {
    int64_t n = s->shape[dim];
    if (!s->abbreviated || n <= 2 * EDGE) return k < n ? k : -2;
    return k < EDGE ? k : k == EDGE ? -1 : k <= 2 * EDGE ? n - 2 * EDGE + k - 1 : -2;
}

static double number(const show *s, int64_t at) {
    switch (s->dtype) {
    case LURON_F32: return ((const float *)s->data)[at];
    case LURON_F64: return ((const double *)s->data)[at];
    case LURON_I32: return ((const int32_t *)s->data)[at];
    case LURON_I64: return (double)((const int64_t *)s->data)[at];
    default: return ((const uint8_t *)s->data)[at];
    }
}

static void cell(const show *s, int64_t at, char text[CELL]) {
    double v = number(s, at);
    if (s->how == BOOLEAN)
        snprintf(text, CELL, "%s", v != 0 ? "true" : "false");
    else if (s->dtype == LURON_I64)
        snprintf(text, CELL, "%lld", (long long)((const int64_t *)s->data)[at]);
    else if (s->how == INTEGER)
        snprintf(text, CELL, "%.0f", v);
    else if (isnan(v))
        snprintf(text, CELL, "nan");
    else if (isinf(v))
        snprintf(text, CELL, v > 0 ? "inf" : "-inf");
    else
        snprintf(text, CELL, s->how == FIXED ? "%.*f" : "%.*e", s->decimals, v);
}

/* Visit every element shown. */
static void visit(show *s, int dim, int64_t at, void (*fn)(show *, int64_t)) {
    if (dim == s->ndim || dim == LURON_MAX_DIMS) {
        fn(s, at);
        return;
    }
    for (int64_t k = 0, i; (i = shown(s, dim, k)) != -2; k++)
        if (i >= 0) visit(s, dim + 1, at + i * s->strides[dim], fn);
}

static void measure(show *s, int64_t at) {
    double v = fabs(number(s, at));
    if (!isfinite(v)) return;
    if (v > s->largest) s->largest = v;
    if (v != 0 && v < s->smallest) s->smallest = v;
    if (v != floor(v)) s->whole = 0;
}

static void widen(show *s, int64_t at) {
    char text[CELL];
    cell(s, at, text);
    int n = (int)strlen(text);
    if (n > s->width) s->width = n;
}

static void row(show *s, int64_t at) {
    char text[CELL], padded[2 * CELL];
    int used = 0, dim = s->ndim - 1;
    for (int64_t k = 0, i; (i = shown(s, dim, k)) != -2; k++) {
        if (i < 0)
            snprintf(text, sizeof text, "...");
        else
            cell(s, at + i * s->strides[dim], text);
        int n = snprintf(padded, sizeof padded, "  %*s", i < 0 ? 3 : s->width, text);
        if (used && used + n > LINE) {
            luaL_addstring(s->b, "\n  ");
            used = 2;
        }
        luaL_addstring(s->b, padded);
        used += n;
    }
}

static void block(show *s, int dim, int64_t at, const char *title) {
    if (dim == s->ndim - 1) {
        luaL_addchar(s->b, '\n');
        row(s, at);
        return;
    }
    for (int64_t k = 0, i; (i = shown(s, dim, k)) != -2; k++) {
        if (i < 0) {
            luaL_addstring(s->b, "\n  ...");
            continue;
        }
        int64_t to = at + i * s->strides[dim];
        if (dim >= s->ndim - 2) {
            block(s, dim + 1, to, "");
            continue;
        }
        char text[192];
        snprintf(text, sizeof text, "%s%lld, ", title, (long long)i + 1);
        if (dim == s->ndim - 3) {
            luaL_addstring(s->b, "\n[");
            luaL_addstring(s->b, text);
            luaL_addstring(s->b, ":, :]");
        }
        block(s, dim + 1, to, text);
    }
}

static void choose(show *s) {
    s->how = s->dtype == LURON_B8 ? BOOLEAN : INTEGER;
    if (!luron_dtype_is_float(s->dtype)) return;
    s->smallest = INFINITY;
    s->whole = 1;
    visit(s, 0, 0, measure);
    int wide = s->largest >= 1e8 || (s->largest > 0 && s->largest < 1e-4) ||
               (s->smallest < 1e-4 && s->largest / s->smallest > 1e6);
    s->how = wide ? SCIENTIFIC : FIXED;
    s->decimals = s->how == FIXED && s->whole && s->largest >= 1e4 ? 1 : 4;
}

int lr_tensor_tostring(lua_State *L) {
    lua_settop(L, 1);
    void **box = lr_test(L, 1, &lr_tensor_key);
    if (!box) return lr_typeerror(L, 1, "tensor", "tensor");
    if (!*box) {
        lua_pushliteral(L, "tensor (closed)");
        return 1;
    }
    luron_tensor **held = lr_new_tensor(L);
    luron_tensor *t = lr_tensor(L, 1, "tensor");
    uint32_t dtype = luron_tensor_dtype(t);
    lr_refuse_reading(L, t, "tostring");
    if (dtype == LURON_F16 || dtype == LURON_BF16) {
        luron_status status = luron_cast(held, lr_ctx(L), t, LURON_F32);
        if (status != LURON_OK) return lr_raise(L, status);
    } else {
        *held = luron_tensor_ref(t);
    }
    t = *held; /* on the stack, so that nothing can close it */
    show s = { .data = luron_tensor_data(t), .dtype = luron_tensor_dtype(t), .ndim = luron_tensor_ndim(t) };
    memcpy(s.shape, luron_tensor_shape(t), (size_t)s.ndim * sizeof *s.shape);
    memcpy(s.strides, luron_tensor_strides(t), (size_t)s.ndim * sizeof *s.strides);
    s.abbreviated = luron_tensor_numel(t) > WHOLE;
    char text[192];
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    s.b = &b;
    luaL_addstring(&b, "tensor ");
    luaL_addstring(&b, luron_shape_text(text, sizeof text, s.ndim, s.shape));
    luaL_addchar(&b, ' ');
    luaL_addstring(&b, luron_dtype_name(dtype));
    if (luron_tensor_requires_grad(t)) luaL_addstring(&b, luron_tensor_is_leaf(t) ? " requires_grad" : " on the tape");
    if (luron_tensor_numel(t) > 0) {
        choose(&s);
        visit(&s, 0, 0, widen);
        if (s.ndim == 0) {
            cell(&s, 0, text);
            luaL_addstring(&b, "\n  ");
            luaL_addstring(&b, text);
        } else {
            block(&s, 0, 0, "");
        }
    }
    luaL_pushresult(&b);
    return 1;
}
