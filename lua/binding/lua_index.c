/* lua_index.c -- x[i], x[{ {1,3}, {}, -1 }], x["1:3, :, -1"], x["..., 1"]: views; and assignment through them. Tensors of ids and masks
 * are for lua_indexing.c and lua_arrange.c.                                                                              */
#include "lua_util.h"

#include <stdlib.h>
#include <string.h>

typedef struct item {
    enum { ALL, AT, RANGE, REST } kind; /* REST: as many dims as are left, "..." */
    int64_t first, last, step; /* as given, from 1, negative from the end */
} item;
typedef struct items {
    int n;
    item at[LURON_MAX_DIMS + 1];
} items;

static item *more(lua_State *L, items *p) {
    if (p->n > LURON_MAX_DIMS) lr_error(L, "index: a tensor has at most %d dims", LURON_MAX_DIMS);
    item *it = &p->at[p->n++];
    *it = (item){ ALL, 1, -1, 1 };
    return it;
}

/* ---- "1:3, :, -1" ---------------------------------------------------------------------------------------------------------- */
static int is_slice_text(const char *s) {
    return *s && s[strspn(s, "0123456789:,-. \t")] == '\0';
}

static const char *blank(const char *s) { return s + strspn(s, " \t"); }

static int number_at(const char **s, int64_t *out) {
    char *end;
    const char *from = blank(*s);
    if (*from != '-' && (*from < '0' || *from > '9')) return 0;
    *out = strtoll(from, &end, 10);
    if (end == from) return 0;
    *s = blank(end);
    return 1;
}

static void parse_text(lua_State *L, const char *text, items *p) {
    const char *s = blank(text);
    for (;;) {
        item *it = more(L, p);
        s = blank(s);
        int first = number_at(&s, &it->first);
        if (*s == ':') {
            it->kind = RANGE;
            s = blank(s + 1);
            number_at(&s, &it->last);
            if (*s == ':') {
                s = blank(s + 1);
                if (!number_at(&s, &it->step)) break;
            }
        } else if (first) {
            it->kind = AT;
        } else if (strncmp(s, "...", 3) == 0) {
            it->kind = REST;
            s = blank(s + 3);
        } else {
            break;
        }
        if (*s == '\0') return;
        if (*s != ',') break;
        s++;
    }
    lr_error(L, "index: '%s' is no list of positions and ranges such as '1:3, :, -1' or '..., 1'", text);
}

/* ---- { {1,3}, {}, -1 } -------------------------------------------------------------------------------------------------------- */
static int64_t whole(lua_State *L, int idx, const char *what) {
    int ok = 0;
    int64_t v = lua_type(L, idx) == LUA_TNUMBER ? (int64_t)lua_tointegerx(L, idx, &ok) : 0;
    if (!ok) lr_error(L, "index: %s: integer expected, got %s", what, lr_got(L, idx));
    return v;
}

static void parse_table(lua_State *L, int idx, items *p) {
    size_t n = lua_rawlen(L, idx);
    if (lr_other_key(L, idx)) lr_error(L, "index: a list of positions and ranges expected, got the key %s", lr_got(L, -1));
    for (size_t i = 1; i <= n; i++) {
        item *it = more(L, p);
        int type = lua_rawgeti(L, idx, (lua_Integer)i);
        if (type == LUA_TTABLE) {
            size_t k = lua_rawlen(L, -1);
            if (k > 3 || k == 1) lr_error(L, "index: a range is {}, { first, last } or { first, last, step }, got %I numbers", (lua_Integer)k);
            int64_t *to[3] = { &it->first, &it->last, &it->step };
            for (size_t j = 0; j < k; j++) {
                lua_rawgeti(L, -1, (lua_Integer)j + 1);
                *to[j] = whole(L, -1, "a range");
                lua_pop(L, 1);
            }
            if (k) it->kind = RANGE;
        } else {
            it->kind = AT;
            it->first = whole(L, -1, "position, {} or { first, last }");
        }
        lua_pop(L, 1);
    }
}

/* ---- check against the shape: afterwards everything counts from 0 -------------------------------------------------------------- */
static int64_t from_end(int64_t i, int64_t size) { return i < 0 ? i + size + 1 : i; }

/* Put a whole dim in the place of "..." for each that nothing else stands for. */
static void spread(lua_State *L, items *p, int ndim) {
    int rest = -1, left = ndim - p->n + 1;
    for (int i = 0; i < p->n; i++) {
        if (p->at[i].kind != REST) continue;
        if (rest >= 0) lr_error(L, "index: '...' may stand there once");
        rest = i;
    }
    if (rest < 0 || left < 0) return;
    memmove(&p->at[rest + left], &p->at[rest + 1], (size_t)(p->n - rest - 1) * sizeof *p->at);
    for (int i = 0; i < left; i++) p->at[rest + i] = (item){ ALL, 1, -1, 1 };
    p->n = ndim;
}

static void check(lua_State *L, const luron_tensor *x, items *p) {
    char text[192];
    int ndim = luron_tensor_ndim(x);
    luron_shape_text(text, sizeof text, ndim, luron_tensor_shape(x));
    spread(L, p, ndim);
    if (p->n > ndim) lr_error(L, "index: %d positions for a tensor of shape %s", p->n, text);
    for (int d = 0; d < p->n; d++) {
        item *it = &p->at[d];
        int64_t size = luron_tensor_size(x, d), first = from_end(it->first, size), last = from_end(it->last, size);
        if (it->kind == ALL) continue;
        if (it->kind == AT) {
            if (it->first == 0) lr_error(L, "index: positions count from 1 (or from the end: -1), got 0");
            if (first < 1 || first > size)
                lr_error(L, "index: position %I is not within 1..%I, dim %d of %s%s", (lua_Integer)it->first, (lua_Integer)size, d + 1, text,
                         first == size + 1 ? "; pairs(x) walks the rows" : "");
            it->first = first - 1;
            continue;
        }
        if (it->step < 1) lr_error(L, "index: step: positive integer expected, got %I", (lua_Integer)it->step);
        if (it->first == 0) lr_error(L, "index: positions count from 1 (or from the end: -1), got 0");
        if (first < 1 || last > size || last < first - 1)
            lr_error(L, "index: range %I:%I is not within 1..%I, dim %d of %s", (lua_Integer)it->first, (lua_Integer)it->last, (lua_Integer)size, d + 1, text);
        it->first = first - 1;
        it->last = last - first + 1; /* positions passed over */
    }
}

static luron_status apply(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, const items *p) {
    luron_tensor *now = luron_tensor_ref(x);
    luron_status status = LURON_OK;
    for (int i = 0, dim = 0; i < p->n && status == LURON_OK; i++) {
        const item *it = &p->at[i];
        luron_tensor *next = NULL;
        if (it->kind == AT)
            status = luron_select(&next, ctx, now, dim, it->first);
        else if (it->kind == RANGE)
            status = luron_slice(&next, ctx, now, dim, it->first, it->last, it->step);
        if (it->kind != AT) dim++;
        if (!next) continue;
        luron_tensor_unref(now);
        now = next;
    }
    if (status == LURON_OK)
        *out = now;
    else
        luron_tensor_unref(now);
    return status;
}

/* Push the view of argument 1 that argument 2 names. */
static luron_tensor **view(lua_State *L) {
    items p = { 0 };
    switch (lua_type(L, 2)) {
    case LUA_TNUMBER:
        p.n = 1;
        p.at[0] = (item){ AT, whole(L, 2, "position"), 0, 1 };
        break;
    case LUA_TSTRING: parse_text(L, lua_tostring(L, 2), &p); break;
    case LUA_TTABLE: parse_table(L, 2, &p); break;
    default:
        if (lr_test(L, 2, &lr_tensor_key)) lr_error(L, "index: a mask (bool) or ids (int64, int32 or uint8) expected, got a tensor of %s", luron_dtype_name(luron_tensor_dtype(lr_to_tensor(L, 2))));
        lr_error(L, "index: position, table or string expected, got %s", lr_got(L, 2));
    }
    luron_tensor **out = lr_new_tensor(L);
    luron_tensor *x = lr_tensor(L, 1, "tensor");
    check(L, x, &p);
    luron_status status = apply(out, lr_ctx(L), x, &p);
    if (status != LURON_OK) lr_raise(L, status);
    return out;
}

int lr_tensor_index(lua_State *L) {
    lua_settop(L, 2);
    if (lua_type(L, 2) == LUA_TSTRING) {
        lua_pushvalue(L, 2);
        if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
        lua_pop(L, 1);
        if (!is_slice_text(lua_tostring(L, 2))) {
            if (!lr_push_function(L, lua_tostring(L, 2))) return lr_no_field(L, "tensor");
            lua_pushvalue(L, 2);
            lua_pushvalue(L, -2);
            lua_rawset(L, lua_upvalueindex(1));
            return 1;
        }
    }
    lr_tensor(L, 1, "tensor");
    luron_tensor *mask = lr_to_tensor(L, 2);
    if (mask && luron_tensor_dtype(mask) == LURON_B8) return lr_mask_index(L);
    if (lr_is_ids(L, 2)) return lr_ids_index(L);
    view(L);
    return lr_done(L, LURON_OK, 1);
}

int lr_tensor_newindex(lua_State *L) {
    lua_settop(L, 3);
    lr_tensor(L, 1, "tensor");
    if (lua_type(L, 2) == LUA_TSTRING && !is_slice_text(lua_tostring(L, 2)))
        return lr_error(L, "a tensor has no field '%s' to set", lua_tostring(L, 2));
    luron_tensor *mask = lr_to_tensor(L, 2);
    if (mask && luron_tensor_dtype(mask) == LURON_B8) return lr_mask_newindex(L);
    if (lr_is_ids(L, 2)) return lr_ids_newindex(L);
    luron_tensor **to = view(L);
    luron_ctx *ctx = lr_ctx(L);
    luron_status status;
    if (lua_type(L, 3) == LUA_TNUMBER || lua_type(L, 3) == LUA_TBOOLEAN) {
        status = lr_fill(L, *to, 3);
    } else {
        luron_tensor *src = lua_istable(L, 3) ? lr_tensor_from_lua(L, 3, 3, luron_tensor_dtype(*to)) : lr_to_tensor(L, 3);
        if (!src) return lr_error(L, "x[i] = value: number, boolean, table or tensor expected, got %s", lr_got(L, 3));
        status = luron_tensor_copy(ctx, *to, src);
    }
    if (status != LURON_OK) return lr_raise_write(L, status, "x[i] = value");
    return lr_done(L, status, 0);
}

