/* initialisers.c -- first values of parameters, by name: "xavier_uniform(1.4)". Each takes one position of the context,
 * so that a change of one initialiser does not change the numbers of the others.
 *
 * Glorot and Bengio, AISTATS 2010 (xavier); He et al., ICCV 2015 (kaiming); LeCun et al., Efficient BackProp, 1998;
 * Saxe et al., ICLR 2014 (orthogonal); Martens, ICML 2010 (sparse).                                                  */
#define _GNU_SOURCE
#include "internal.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGS = 2, MAX_TEXT = 128 };

typedef struct initialiser {
    const char *name, *args[MAX_ARGS], *doc; /* args: names, NULL past the last */
    double defaults[MAX_ARGS];
    int32_t kind;
    int min_dims, max_dims;
} initialiser;

/* "mode" takes the words fan_in and fan_out, which stand for 0 and 1. */
static const initialiser list[] = {
    {"zeros", {0}, "0", {0}, LURON_INIT_ZEROS, 0, LURON_MAX_DIMS},
    {"ones", {0}, "1", {1}, LURON_INIT_CONSTANT, 0, LURON_MAX_DIMS},
    {"constant", {"value"}, "value", {0}, LURON_INIT_CONSTANT, 0, LURON_MAX_DIMS},
    {"uniform", {"low", "high"}, "uniform from low to high", {0, 1}, LURON_INIT_UNIFORM, 0, LURON_MAX_DIMS},
    {"normal", {"mean", "std"}, "normal", {0, 1}, LURON_INIT_NORMAL, 0, LURON_MAX_DIMS},
    {"trunc_normal",
     {"mean", "std"},
     "normal, cut off at mean - 2 std and mean + 2 std",
     {0, 1},
     LURON_INIT_TRUNC_NORMAL,
     0,
     LURON_MAX_DIMS},
    {"xavier_uniform",
     {"gain"},
     "uniform within gain sqrt(6 / (fan_in + fan_out)); Keras: glorot_uniform",
     {1, 0},
     LURON_INIT_XAVIER_UNIFORM,
     2,
     LURON_MAX_DIMS},
    {"xavier_normal",
     {"gain"},
     "normal of std gain sqrt(2 / (fan_in + fan_out))",
     {1, 0},
     LURON_INIT_XAVIER_NORMAL,
     2,
     LURON_MAX_DIMS},
    {"kaiming_uniform",
     {"slope", "mode"},
     "uniform within sqrt(6 / ((1 + slope^2) fan)), for leaky relu of that slope; Keras: he_uniform",
     {0, 0},
     LURON_INIT_KAIMING_UNIFORM,
     2,
     LURON_MAX_DIMS},
    {"kaiming_normal",
     {"slope", "mode"},
     "normal of std sqrt(2 / ((1 + slope^2) fan))",
     {0, 0},
     LURON_INIT_KAIMING_NORMAL,
     2,
     LURON_MAX_DIMS},
    {"lecun_uniform", {0}, "uniform within sqrt(3 / fan_in)", {0}, LURON_INIT_LECUN_UNIFORM, 2, LURON_MAX_DIMS},
    {"lecun_normal",
     {0},
     "normal of std sqrt(1 / fan_in), cut off at two deviations as in Keras",
     {0},
     LURON_INIT_LECUN_NORMAL,
     2,
     LURON_MAX_DIMS},
    {"eye", {"gain"}, "gain on the diagonal of a matrix, else 0; Keras: identity", {1, 0}, LURON_INIT_EYE, 2, 2},
    {"dirac", {"groups"}, "passes channels of a convolution through as they are", {1, 0}, LURON_INIT_DIRAC, 3, 5},
    {"orthogonal",
     {"gain"},
     "rows (or columns, of which there are fewer) at right angles, of length gain",
     {1, 0},
     LURON_INIT_ORTHOGONAL,
     2,
     LURON_MAX_DIMS},
    {"sparse", {"part", "std"}, "normal, with that part of each column 0", {0.9, 0.01}, LURON_INIT_SPARSE, 2, 2},
};
enum { N = sizeof list / sizeof *list };

/* Keras's names where they differ. */
static const char *const other_names[][2] = {
    {"glorot_uniform", "xavier_uniform"},
    {"glorot_normal", "xavier_normal"},
    {"he_uniform", "kaiming_uniform"},
    {"he_normal", "kaiming_normal"},
    {"identity", "eye"},
    {"random_uniform", "uniform(-0.05, 0.05)"},
    {"random_normal", "normal(0, 0.05)"},
    {"truncated_normal", "trunc_normal(0, 0.05)"},
};

static const initialiser *of_kind(int32_t kind) {
    for (int i = 0; i < N; i++)
        if (list[i].kind == kind) return &list[i];
    return NULL;
}

const char *luron_initialiser_name(int i) { return i >= 0 && i < N ? list[i].name : NULL; }
const char *luron_initialiser_doc(int i) { return i >= 0 && i < N ? list[i].doc : NULL; }
const char *luron_initialiser_arg(int i, int k) {
    return i >= 0 && i < N && k >= 0 && k < MAX_ARGS ? list[i].args[k] : NULL;
}

/* ---- text ------------------------------------------------------------------------------------------------------- */
static luron_status unknown(luron_ctx *ctx, const char *what, const char *name, size_t n) {
    char names[512] = "";
    for (int i = 0; i < N; i++) {
        size_t at = strlen(names);
        snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "", list[i].name);
    }
    for (size_t i = 0; i < sizeof other_names / sizeof *other_names; i++)
        if (strlen(other_names[i][0]) == n && strncmp(other_names[i][0], name, n) == 0)
            return luron__fail(ctx, LURON_E_ARGUMENT, "%s: no initialiser '%s'; here it is '%s'", what,
                               other_names[i][0], other_names[i][1]);
    return luron__fail(ctx, LURON_E_ARGUMENT, "%s: no initialiser '%.*s'; there are: %s", what, (int)(n < 40 ? n : 40),
                       name, names);
}

static void skip_space(const char **at) {
    while (**at == ' ')
        ++*at;
}

static bool read_value(const char **at, const char *arg, double *value) {
    if (strcmp(arg, "mode") == 0) {
        const size_t in = strlen("fan_in"), out = strlen("fan_out");
        if (strncmp(*at, "fan_out", out) == 0) return *value = 1, *at += out, true;
        if (strncmp(*at, "fan_in", in) == 0) return *value = 0, *at += in, true;
        return false;
    }
    char *end;
    if (!(isdigit((unsigned char)**at) || **at == '-' || **at == '.')) return false; /* no "inf" */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* the program's own may write 0,5 */
    if (!c) return false;
    *value = strtod_l(*at, &end, c);
    freelocale(c);
    if (end == *at) return false;
    *at = end;
    return isfinite(*value);
}

/* "(0, 0.02)" behind the name. */
static bool read_args(const char *at, const initialiser *i, double *values) {
    skip_space(&at);
    if (!*at) return true;
    if (*at++ != '(') return false;
    skip_space(&at);
    for (int k = 0; *at != ')'; k++) {
        if (k >= MAX_ARGS || !i->args[k] || !read_value(&at, i->args[k], &values[k])) return false;
        skip_space(&at);
        if (*at == ',')
            at++;
        else if (*at != ')')
            return false;
        skip_space(&at);
    }
    at++;
    skip_space(&at);
    return !*at;
}

static luron_status check_values(luron_ctx *ctx, const char *what, const initialiser *i, const double *v) {
    const bool spread =
        i->kind == LURON_INIT_NORMAL || i->kind == LURON_INIT_TRUNC_NORMAL || i->kind == LURON_INIT_SPARSE;
    LURON__CHECK(ctx, !spread || v[1] >= 0, LURON_E_ARGUMENT, "%s: %s: std of at least 0 expected, got %g", what,
                 i->name, v[1]);
    LURON__CHECK(ctx, i->kind != LURON_INIT_UNIFORM || v[0] <= v[1], LURON_E_ARGUMENT,
                 "%s: %s: low %g is above high %g", what, i->name, v[0], v[1]);
    LURON__CHECK(ctx, i->kind != LURON_INIT_SPARSE || (v[0] >= 0 && v[0] <= 1), LURON_E_ARGUMENT,
                 "%s: %s: part from 0 to 1 expected, got %g", what, i->name, v[0]);
    LURON__CHECK(ctx, i->kind != LURON_INIT_DIRAC || (v[0] >= 1 && v[0] == trunc(v[0])), LURON_E_ARGUMENT,
                 "%s: %s: groups: positive integer expected, got %g", what, i->name, v[0]);
    return LURON_OK;
}

luron_status luron__init_parse(luron_init *out, luron_ctx *ctx, const char *what, const char *text) {
    size_t n = 0;
    LURON__CHECK(ctx, text && strnlen(text, MAX_TEXT) < MAX_TEXT, LURON_E_ARGUMENT,
                 "%s: name of an initialiser expected", what);
    while (isalnum((unsigned char)text[n]) || text[n] == '_')
        n++;
    const initialiser *found = NULL;
    for (int i = 0; i < N && !found; i++)
        if (strlen(list[i].name) == n && strncmp(list[i].name, text, n) == 0) found = &list[i];
    if (!found) return unknown(ctx, what, text, n ? n : strlen(text));
    double values[MAX_ARGS] = {found->defaults[0], found->defaults[1]};
    if (!read_args(text + n, found, values)) {
        const char *a = found->args[0], *b = found->args[1];
        return luron__fail(ctx, LURON_E_ARGUMENT, "%s: %s%s%s%s%s%s expected, got '%s'", what, found->name,
                           a ? "(" : "", a ? a : "", b ? ", " : "", b ? b : "", a ? ")" : "", text);
    }
    LURON_TRY(check_values(ctx, what, found, values));
    *out = (luron_init){found->kind, 0, values[0], values[1]};
    return LURON_OK;
}

/* ---- numbers ---------------------------------------------------------------------------------------------------- */
/* Of a weight [out, in, ...]: fan_in numbers go into one output, fan_out outputs read one input. */
static void fans(const luron_tensor *t, double *in, double *out) {
    double field = 1;
    for (int d = 2; d < t->ndim; d++)
        field *= (double)t->shape[d];
    *in = (double)t->shape[1] * field;
    *out = (double)t->shape[0] * field;
}

static luron_status within(luron_ctx *ctx, luron_tensor *t, double bound) {
    return luron_tensor_uniform(ctx, t, -bound, bound);
}

static luron_status by_fans(luron_ctx *ctx, luron_tensor *t, luron_init init) {
    double in, out;
    fans(t, &in, &out);
    const double fan = init.b != 0 ? out : in;
    if (in == 0 || out == 0) return luron_tensor_uniform(ctx, t, 0, 0); /* no numbers */
    switch (init.kind) {
    case LURON_INIT_XAVIER_UNIFORM:
        return within(ctx, t, fabs(init.a) * sqrt(6 / (in + out)));
    case LURON_INIT_XAVIER_NORMAL:
        return luron_tensor_normal(ctx, t, 0, fabs(init.a) * sqrt(2 / (in + out)));
    case LURON_INIT_KAIMING_UNIFORM:
        return within(ctx, t, sqrt(6 / ((1 + init.a * init.a) * fan)));
    case LURON_INIT_KAIMING_NORMAL:
        return luron_tensor_normal(ctx, t, 0, sqrt(2 / ((1 + init.a * init.a) * fan)));
    case LURON_INIT_LECUN_UNIFORM:
        return within(ctx, t, sqrt(3 / in));
    default: /* the deviation of what is left between the cuts is 0.8796 of that before */
        return luron__trunc_normal(ctx, t, 0, sqrt(1 / in) / 0.87962566103423978);
    }
}

/* Element (k, c, d...) is 1 if c is the channel k passes through and d the middle of the field. */
static luron_status write_dirac(luron_ctx *ctx, luron_tensor *t, int64_t groups) {
    LURON__CHECK(ctx, t->shape[0] % groups == 0, LURON_E_SHAPE,
                 "dirac: %lld outputs are not cut evenly into %lld groups", (long long)t->shape[0], (long long)groups);
    const int64_t per_group = t->shape[0] / groups;
    int64_t middle = 0;
    const double one = 1;
    LURON_TRY(luron_tensor_fill(ctx, t, 0));
    if (luron_tensor_numel(t) == 0) return LURON_OK;
    for (int d = 2; d < t->ndim; d++)
        middle += t->shape[d] / 2 * t->strides[d];
    for (int64_t k = 0; k < t->shape[0]; k++) {
        if (k % per_group >= t->shape[1]) continue;
        char *to =
            luron__data(t) + (k * t->strides[0] + k % per_group * t->strides[1] + middle) * luron_dtype_size(t->dtype);
        luron__convert(t->dtype, to, 1, LURON_F64, &one, 1, 1);
    }
    return LURON_OK;
}

static luron_status write_eye(luron_ctx *ctx, luron_tensor *t, double gain) {
    LURON_TRY(luron_tensor_fill(ctx, t, 0));
    for (int64_t i = 0; i < t->shape[0] && i < t->shape[1]; i++)
        luron__convert(t->dtype, luron__data(t) + i * (t->strides[0] + t->strides[1]) * luron_dtype_size(t->dtype), 1,
                       LURON_F64, &gain, 1, 1);
    return LURON_OK;
}

/* n rows of length m >= n, made orthogonal one after the other; twice, for what the first time leaves. That is Q of QR
 * with a positive diagonal of R, as in PyTorch.                                                                      */
static void orthogonalise(double *x, int64_t n, int64_t m) {
    for (int64_t i = 0; i < n; i++) {
        double *row = x + i * m;
        for (int64_t again = 0; again < 2; again++)
            for (int64_t k = 0; k < i; k++) {
                double dot = 0;
                for (int64_t j = 0; j < m; j++)
                    dot += row[j] * x[k * m + j];
                for (int64_t j = 0; j < m; j++)
                    row[j] -= dot * x[k * m + j];
            }
        double square = 0;
        for (int64_t j = 0; j < m; j++)
            square += row[j] * row[j];
        const double scale = square > 0 ? 1 / sqrt(square) : 0;
        for (int64_t j = 0; j < m; j++)
            row[j] *= scale;
    }
}

static luron_status write_orthogonal(luron_ctx *ctx, luron_tensor *t, double gain) {
    const int64_t rows = t->shape[0], columns = rows ? luron_tensor_numel(t) / rows : 0,
                  few = rows < columns ? rows : columns, many = rows < columns ? columns : rows;
    luron_tensor *work, *flat = NULL, *turned = NULL;
    LURON_TRY(luron_tensor_new(&work, ctx, LURON_F64, 2, (int64_t[]){few, many}));
    luron_status status = luron_tensor_normal(ctx, work, 0, 1);
    if (!status) {
        orthogonalise((double *)(void *)luron__data(work), few, many);
        for (int64_t i = 0; i < few * many; i++)
            ((double *)(void *)luron__data(work))[i] *= gain;
        status = luron_transpose(&turned, ctx, work, 0, 1);
    }
    if (!status) status = luron_contiguous(&flat, ctx, rows <= columns ? work : turned);
    luron_tensor *shaped = NULL;
    if (!status) status = luron_reshape(&shaped, ctx, flat, t->ndim, t->shape);
    if (!status) status = luron_tensor_copy(ctx, t, shaped);
    luron_tensor_unref(shaped);
    luron_tensor_unref(flat);
    luron_tensor_unref(turned);
    luron_tensor_unref(work);
    return status;
}

/* Which rows of a column are 0 is the head of a permutation of them. */
static luron_status write_sparse(luron_ctx *ctx, luron_tensor *t, double part, double std) {
    const int64_t rows = t->shape[0], zeros = (int64_t)ceil(part * (double)rows);
    const double zero = 0;
    int64_t *order;
    const size_t bytes = (size_t)(rows ? rows : 1) * sizeof *order;
    LURON_TRY(luron_tensor_normal(ctx, t, 0, std));
    LURON_TRY(luron__alloc(&order, ctx, bytes));
    for (int64_t c = 0; c < t->shape[1]; c++) {
        uint32_t word[4];
        for (int64_t i = 0; i < rows; i++)
            order[i] = i;
        for (int64_t i = 0; i < zeros; i++) {
            luron__philox(ctx->seed, ctx->position - 1, 1, (uint64_t)(c * rows + i), word);
            const int64_t k = i + (int64_t)(((uint64_t)word[0] * (uint64_t)(rows - i)) >> 32), kept = order[i];
            order[i] = order[k], order[k] = kept;
            luron__convert(t->dtype,
                           luron__data(t) + (order[i] * t->strides[0] + c * t->strides[1]) * luron_dtype_size(t->dtype),
                           1, LURON_F64, &zero, 1, 1);
        }
    }
    luron__free(ctx, order, bytes);
    return LURON_OK;
}

static luron_status write_fixed(luron_ctx *ctx, luron_tensor *t, luron_init init) {
    LURON_TRY(init.kind == LURON_INIT_EYE     ? write_eye(ctx, t, init.a)
              : init.kind == LURON_INIT_DIRAC ? write_dirac(ctx, t, (int64_t)init.a)
                                              : luron_tensor_fill(ctx, t, init.kind == LURON_INIT_ZEROS ? 0 : init.a));
    ctx->position++;
    return LURON_OK;
}

static luron_status write_all(luron_ctx *ctx, luron_tensor *t, luron_init init) {
    const initialiser *i = of_kind(init.kind);
    char shape[LURON__SHAPE_TEXT];
    LURON__CHECK(ctx, i, LURON_E_ARGUMENT, "an initialiser of kind %d is unknown", (int)init.kind);
    LURON__CHECK(ctx, t->ndim >= i->min_dims && t->ndim <= i->max_dims, LURON_E_SHAPE,
                 "%s: %d%s dimensions expected, got shape %s", i->name, i->min_dims,
                 i->max_dims == i->min_dims ? "" : " or more",
                 luron_shape_text(shape, sizeof shape, t->ndim, t->shape));
    switch (init.kind) {
    case LURON_INIT_UNIFORM:
        return luron_tensor_uniform(ctx, t, init.a, init.b);
    case LURON_INIT_NORMAL:
        return luron_tensor_normal(ctx, t, init.a, init.b);
    case LURON_INIT_TRUNC_NORMAL:
        return luron__trunc_normal(ctx, t, init.a, init.b);
    case LURON_INIT_ORTHOGONAL:
        return write_orthogonal(ctx, t, init.a);
    case LURON_INIT_SPARSE:
        return write_sparse(ctx, t, init.a, init.b);
    case LURON_INIT_ZEROS:
    case LURON_INIT_CONSTANT:
    case LURON_INIT_EYE:
    case LURON_INIT_DIRAC:
        return write_fixed(ctx, t, init);
    default:
        return by_fans(ctx, t, init);
    }
}

bool luron__init_draws(luron_init init) {
    return init.kind != LURON_INIT_ZEROS && init.kind != LURON_INIT_CONSTANT && init.kind != LURON_INIT_EYE &&
           init.kind != LURON_INIT_DIRAC;
}

luron_status luron__init_tensor(luron_ctx *ctx, luron_tensor *t, luron_init init) {
    const int64_t row = (int64_t)init.reserved - 1;
    LURON__CHECK(ctx, row < 0 || (t->ndim > 0 && row < t->shape[0]), LURON_E_ARGUMENT,
                 "an initialiser leaves row %lld zero: there is no such row", (long long)row);
    LURON_TRY(write_all(ctx, t, init));
    if (row < 0) return LURON_OK;
    luron_tensor *view;
    LURON_TRY(luron_select(&view, ctx, t, 0, row));
    luron_status status = luron_tensor_fill(ctx, view, 0);
    luron_tensor_unref(view);
    return status;
}

luron_status luron_tensor_init(luron_ctx *ctx, luron_tensor *t, const char *text) {
    luron_init init;
    LURON_TRY(luron__init_parse(&init, ctx, "init", text));
    LURON__CHECK(ctx, luron_dtype_is_float(t->dtype), LURON_E_DTYPE, "init: a real dtype expected, got %s",
                 luron_dtype_name(t->dtype));
    LURON__CHECK(ctx, luron_tensor_is_leaf(t), LURON_E_STATE,
                 "init: the tensor was made by recorded operations, a leaf expected");
    int was = luron_ctx_set_recording(ctx, 0);
    luron_status status = luron__init_tensor(ctx, t, init);
    luron_ctx_set_recording(ctx, was);
    return status;
}
