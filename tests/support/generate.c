#include "generate.h"

#include "test_files.h"

#include <ctype.h>
#include <math.h>

typedef struct input {
    char kind, bound; /* 'r' real, '=' without a gradient, '@' that and ids, '#' ids, '!' distinct ids, '?' bool, '-'
                         absent; the letter that bounds ids */
    bool star;
    char dims[LURON_MAX_DIMS + 1];
    int ndim;
    int64_t shape[LURON_MAX_DIMS];
} input;
typedef struct drawing {
    input in[GENERATE_MAX_IN];
    int n, n_star;
    int64_t star[LURON_MAX_DIMS];
    variant v;
    uint64_t random;
} drawing;

uint64_t generate_random(uint64_t *state) { return test_random(state); }
static int64_t below(drawing *d, int64_t n) { return (int64_t)(test_random(&d->random) % (uint64_t)n); }
static double unit(drawing *d) { return (double)(test_random(&d->random) >> 11) * 0x1p-53; }

const char *variant_name(variant v) {
    static const char *const names[] = {"plain", "ones", "empty", "strided", "broadcast", "shared", "", "large"};
    return names[v];
}

/* ---- sizes ------------------------------------------------------------------------------------------------------- */
static void parse(drawing *d, const char *spec) {
    memset(d->in, 0, sizeof d->in);
    d->n = 1;
    for (input *in = d->in; *spec; spec++) {
        if (*spec == ',') {
            in = &d->in[d->n++];
            assert_true(d->n <= GENERATE_MAX_IN);
        } else if (*spec == '*') {
            in->star = true;
        } else if (*spec == '#' || *spec == '?' || *spec == '-' || *spec == '=' || *spec == '@') {
            in->kind = *spec;
        } else if (*spec == '<' || *spec == '!') {
            if (*spec == '!') in->kind = '!';
            in->bound = *++spec;
        } else if (*spec != ' ') {
            in->dims[strlen(in->dims)] = *spec;
        }
        if (!in->kind) in->kind = 'r';
    }
}

static bool has_stars(const drawing *d) {
    for (int i = 0; i < d->n; i++)
        if (d->in[i].star) return true;
    return false;
}

/* LARGE: tens of thousands of elements, of which the kernels make several pieces of work; more would only take longer. */
static int64_t draw_size(drawing *d) {
    size_t dims = 1, letters = 0;
    if (d->v == ONES) return 1;
    if (d->v != LARGE) return 2 + below(d, 3);
    for (int i = 0; i < d->n; i++) {
        size_t n = strlen(d->in[i].dims), digits = 0;
        for (size_t k = 0; k < n; k++) digits += isdigit(d->in[i].dims[k]) != 0;
        if (n > dims) dims = n;
        if (n - digits > letters) letters = n - digits;
    }
    if (letters > 3) return 14 + below(d, 6);
    if (letters == 3 && dims > 3) return 32 + below(d, 12);
    return dims > 2 ? 45 + below(d, 20) : dims == 2 ? 190 + below(d, 60) : 300 + below(d, 60);
}

static void draw_sizes(drawing *d, generated *g) {
    bool letters = false;
    for (int c = 'A'; c <= 'z'; c++) g->size[c] = draw_size(d);
    for (int c = '0'; c <= '9'; c++) g->size[c] = c - '0';
    for (int i = 0; i < d->n; i++) letters = letters || d->in[i].dims[0];
    d->n_star = d->v == LARGE                         ? 1 + !letters
                : d->v == EMPTY || d->v == BROADCAST ? 1 + (int)below(d, 2)
                                                      : (int)below(d, letters ? 3 : 4);
    for (int i = 0; i < d->n_star; i++) d->star[i] = d->v != LARGE ? draw_size(d) : letters ? 3 : 311 - 10 * i;
}

/* One of the dims that may have size 0. */
static bool make_empty(drawing *d, generated *g) {
    char may[64] = "";
    for (int i = 0; i < d->n; i++)
        for (const char *c = d->in[i].dims; *c; c++)
            if (islower(*c) && !strchr(may, *c)) may[strlen(may)] = *c;
    int n = (int)strlen(may), all = n + (has_stars(d) ? d->n_star : 0);
    if (!all) return false;
    int k = (int)below(d, all);
    if (k < n)
        g->size[(int)may[k]] = 0;
    else
        d->star[k - n] = 0;
    return true;
}

/* The dims of the star for one input: the last ones, some of size 1. */
static void add_star(drawing *d, input *in, int i) {
    bool thin = d->v == BROADCAST && i > 0;
    int from = thin ? (int)below(d, d->n_star + 1) : 0;
    for (int k = from; k < d->n_star; k++)
        in->shape[in->ndim++] = thin && below(d, 2) ? 1 : d->star[k];
}

static void shapes(drawing *d, generated *g) {
    for (int i = 0; i < d->n; i++) {
        input *in = &d->in[i];
        if (in->star) add_star(d, in, i);
        for (const char *c = in->dims; *c; c++)
            in->shape[in->ndim++] = isdigit(*c) ? *c - '0' : g->size[(int)*c];
        if (in->kind == '!' && in->shape[0] > g->size[(int)in->bound]) fail_msg("more ids than there are to differ");
    }
}

/* SHARED: every letter the same size, so that inputs which can be one tensor are. */
static bool can_share(drawing *d, generated *g) {
    int first = -1, n = 0;
    for (int c = 'A'; c <= 'z'; c++)
        g->size[c] = 3;
    for (int i = 0; i < d->n; i++) {
        if (d->in[i].kind != 'r') continue;
        if (first < 0) first = i;
        const char *a = d->in[i].dims, *b = d->in[first].dims;
        if (strlen(a) != strlen(b) || d->in[i].star != d->in[first].star) return false;
        for (int k = 0; a[k]; k++)
            if ((a[k] <= '9' ? a[k] : '3') != (b[k] <= '9' ? b[k] : '3')) return false; /* a digit is a size */
        n++;
    }
    return n > 1;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */
static int64_t count(const input *in) {
    int64_t n = 1;
    for (int k = 0; k < in->ndim; k++)
        n *= in->shape[k];
    return n;
}

/* All real numbers of a drawing: n that differ by (hi - lo) / 2n at least, in random order, off multiples of 1/2. */
static double *numbers(drawing *d, int64_t n, double lo, double hi) {
    double *v = malloc(sizeof *v * (size_t)(n ? n : 1));
    assert_non_null(v);
    for (int64_t i = 0; i < n; i++) {
        double at = 2 * (lo + (hi - lo) * ((double)i + 0.25 + 0.5 * unit(d)) / (double)n), whole = floor(at);
        v[i] = (whole + 0.02 + 0.96 * (at - whole)) / 2;
    }
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t k = below(d, i + 1);
        double kept = v[i];
        v[i] = v[k], v[k] = kept;
    }
    return v;
}

/* The same values, dims in opposite order in memory, every second element of it. */
static luron_tensor *restride(luron_ctx *ctx, luron_tensor *t) {
    luron_tensor *base, *half, *back;
    int64_t shape[LURON_MAX_DIMS];
    int dims[LURON_MAX_DIMS], n = luron_tensor_ndim(t);
    if (n == 0) return t;
    for (int k = 0; k < n; k++) {
        shape[n - 1 - k] = luron_tensor_size(t, k) * (k == 0 ? 2 : 1);
        dims[k] = n - 1 - k;
    }
    assert_ok(ctx, luron_tensor_full(&base, ctx, luron_tensor_dtype(t), n, shape, 1));
    assert_ok(ctx, luron_slice(&half, ctx, base, -1, 0, shape[n - 1], 2));
    assert_ok(ctx, luron_permute(&back, ctx, half, n, dims));
    assert_ok(ctx, luron_tensor_copy(ctx, back, t));
    luron_tensor_unref(base);
    luron_tensor_unref(half);
    luron_tensor_unref(t);
    return back;
}

static luron_tensor *make_ids(drawing *d, luron_ctx *ctx, const generated *g, const input *in) {
    int64_t n = count(in), bound = g->size[(int)in->bound], rows = in->ndim ? in->shape[0] : 1,
            each = rows ? n / rows : 0;
    double *v = malloc(sizeof *v * (size_t)(n ? n : 1));
    assert_non_null(v);
    for (int64_t k = 0; k < n; k++)
        v[k] = (double)below(d, in->kind == '?' ? 2 : bound);
    for (int64_t k = 0; k < n && in->kind == '!'; k++)
        v[k] = (double)(((int64_t)v[k % each] + k / each) % bound);
    for (int64_t k = 0; k < n && in->kind != '?'; k++)
        v[k] += luron_ctx_index_base(ctx);
    luron_tensor *t = tensor_of(ctx, in->kind == '?' ? LURON_B8 : LURON_I64, in->ndim, in->shape, v);
    free(v);
    return t;
}

/* A real input without a gradient, around 1: weights; or rows of an id and places within a picture. */
static luron_tensor *make_fixed(drawing *d, luron_ctx *ctx, const generated *g, const input *in, uint32_t dtype) {
    int64_t n = count(in);
    double *v = malloc(sizeof *v * (size_t)(n ? n : 1));
    assert_non_null(v);
    for (int64_t k = 0; k < n; k++)
        v[k] = in->kind == '=' ? 0.5 + unit(d) : 0.1 + 0.8 * unit(d);
    for (int64_t k = 0; in->kind == '@' && k < n; k += in->shape[in->ndim - 1])
        v[k] = (double)(below(d, g->size[(int)in->bound]) + luron_ctx_index_base(ctx));
    luron_tensor *t = tensor_of(ctx, dtype, in->ndim, in->shape, v);
    free(v);
    return t;
}

static luron_tensor *make_real(drawing *d, generated *g, luron_ctx *ctx, int i, const double *from, uint32_t dtype) {
    input *in = &d->in[i];
    g->expand_to[i] = -1;
    if (d->v == BROADCAST && !in->star && in->ndim && in->shape[0] > 1 && !isdigit(in->dims[0])) {
        g->expand_to[i] = in->shape[0];
        in->shape[0] = 1;
    }
    luron_tensor *t = tensor_of(ctx, dtype, in->ndim, in->shape, from);
    if (d->v == STRIDED) t = restride(ctx, t);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, t, 1));
    return t;
}

int generate(generated *g, luron_ctx *ctx, const char *spec, variant v, uint64_t seed, double lo, double hi,
             uint32_t dtype) {
    drawing d = {.v = v, .random = seed};
    int64_t n = 0, at = 0;
    int shared = -1;
    memset(g, 0, sizeof *g);
    parse(&d, spec);
    draw_sizes(&d, g);
    if (v == EMPTY && !make_empty(&d, g)) return 0;
    if (v == SHARED && !can_share(&d, g)) return 0;
    shapes(&d, g);
    int recording = luron_ctx_set_recording(ctx, 0);
    for (int i = 0; i < d.n; i++)
        n += d.in[i].kind == 'r' ? count(&d.in[i]) : 0;
    double *values = numbers(&d, n, lo, hi);
    g->n_in = d.n;
    for (int i = 0; i < d.n; i++) {
        g->real[i] = d.in[i].kind == 'r';
        if (d.in[i].kind == '-') continue;
        if (!g->real[i]) {
            const bool fixed = d.in[i].kind == '=' || d.in[i].kind == '@';
            g->in[i] = fixed ? make_fixed(&d, ctx, g, &d.in[i], dtype) : make_ids(&d, ctx, g, &d.in[i]);
        } else if (v == SHARED && shared >= 0) {
            g->in[i] = luron_tensor_ref(g->in[shared]);
            g->expand_to[i] = -1;
        } else {
            g->in[i] = make_real(&d, g, ctx, i, values + at, dtype);
            if (shared < 0) shared = i;
        }
        at += g->real[i] ? count(&d.in[i]) : 0;
    }
    free(values);
    luron_ctx_set_recording(ctx, recording);
    return 1;
}

void generate_free(generated *g) {
    for (int i = 0; i < g->n_in; i++)
        luron_tensor_unref(g->in[i]);
    g->n_in = 0;
}

luron_status generate_inputs(luron_tensor **ins, luron_ctx *ctx, const generated *g) {
    for (int i = 0; i < g->n_in; i++) {
        ins[i] = NULL;
        if (!g->in[i]) continue;
        if (!g->real[i] || g->expand_to[i] < 0) {
            ins[i] = luron_tensor_ref(g->in[i]);
            continue;
        }
        int64_t shape[LURON_MAX_DIMS];
        memcpy(shape, luron_tensor_shape(g->in[i]), sizeof(int64_t) * (size_t)luron_tensor_ndim(g->in[i]));
        shape[0] = g->expand_to[i];
        luron_status status = luron_expand(&ins[i], ctx, g->in[i], luron_tensor_ndim(g->in[i]), shape);
        if (!status) continue;
        while (i-- > 0)
            luron_tensor_unref(ins[i]);
        return status;
    }
    return LURON_OK;
}

int generate_leaves(luron_tensor **leaves, const generated *g) {
    int n = 0;
    for (int i = 0; i < g->n_in; i++) {
        bool seen = !g->real[i];
        for (int k = 0; k < n; k++)
            seen = seen || leaves[k] == g->in[i];
        if (!seen) leaves[n++] = g->in[i];
    }
    return n;
}
