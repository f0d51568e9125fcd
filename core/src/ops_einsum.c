/* ops_einsum.c -- einsum, from views, sums and products, which bring the gradients along. An operand is carried with
 * the label of each of its dims: a letter, or for the dims behind '...' a number counted from the last. Two operands
 * become batches of matrices: (shared and kept, of the first alone, shared and summed) @ (..., of the second alone). */
#include "internal.h"

#include <ctype.h>
#include <string.h>

enum { LETTERS = 52, LABELS = LETTERS + LURON_MAX_DIMS };
/* The dims of an operand or of the output, in order. */
typedef struct labels {
    int n;
    int at[LABELS];
} labels;
typedef struct operand {
    luron_tensor *t; /* owned */
    labels labels;
} operand;
typedef struct einsum {
    luron_ctx *ctx;
    int n;
    int64_t size[LABELS]; /* -1: not seen */
    int first[LABELS];    /* operand that gave the size */
    int left[LABELS];     /* operands still to come that have it */
    int dots;             /* dims that '...' stands for at most */
    labels out;
} einsum;

static int label_of(char c) { return c >= 'a' ? c - 'a' + 26 : c - 'A'; } /* in the order of ASCII */
static char letter_of(int label) { return (char)(label < 26 ? 'A' + label : 'a' + label - 26); }
static bool has(const labels *l, int label) {
    for (int i = 0; i < l->n; i++)
        if (l->at[i] == label) return true;
    return false;
}

/* ---- the equation --------------------------------------------------------------------------------------------------
 */
/* Letters up to a comma, the arrow or the end; -1 stands for the '...'. *s moves on. */
static luron_status read_letters(const einsum *e, const char **s, labels *to) {
    bool dots = false;
    to->n = 0;
    for (; **s && **s != ',' && strncmp(*s, "->", 2) != 0; (*s)++) {
        if (isspace((unsigned char)**s)) continue;
        LURON__CHECK(e->ctx, to->n < LABELS, LURON_E_ARGUMENT, "einsum: too many letters");
        if (strncmp(*s, "...", 3) == 0) {
            LURON__CHECK(e->ctx, !dots, LURON_E_ARGUMENT, "einsum: '...' twice in one operand");
            dots = true;
            to->at[to->n++] = -1;
            *s += 2;
            continue;
        }
        bool letter = (**s >= 'a' && **s <= 'z') || (**s >= 'A' && **s <= 'Z');
        LURON__CHECK(e->ctx, letter, LURON_E_ARGUMENT,
                     "einsum: '%c' in the equation; letters, '...', ',' and '->' expected", **s);
        to->at[to->n++] = label_of(**s);
    }
    return LURON_OK;
}

/* Note the size of a label; 1 gives way to any other. */
static luron_status note_size(einsum *e, int label, int64_t size, int number) {
    int base = e->ctx->index_base;
    if (e->size[label] == -1 || e->size[label] == 1) {
        if (e->size[label] == -1 || size != 1) e->first[label] = number;
        e->size[label] = size;
        return LURON_OK;
    }
    if (size == 1 || size == e->size[label]) return LURON_OK;
    if (label < LETTERS)
        return luron__fail(e->ctx, LURON_E_SHAPE,
                           "einsum: letter '%c' has size %lld in tensor %d, but %lld in tensor %d", letter_of(label),
                           (long long)e->size[label], e->first[label] + base, (long long)size, number + base);
    return luron__fail(e->ctx, LURON_E_SHAPE,
                       "einsum: the dims behind '...' do not broadcast: sizes %lld in tensor %d and %lld in tensor %d",
                       (long long)e->size[label], e->first[label] + base, (long long)size, number + base);
}

/* The letters of one operand as the labels of its dims. */
static luron_status label_operand(einsum *e, const labels *letters, operand *o, int number) {
    char text[LURON__SHAPE_TEXT];
    bool dots = has(letters, -1);
    int hidden = o->t->ndim - (letters->n - dots), base = e->ctx->index_base;
    LURON__CHECK(e->ctx, dots ? hidden >= 0 : hidden == 0, LURON_E_SHAPE,
                 "einsum: %d letters%s for tensor %d of shape %s", letters->n - dots, dots ? " and '...'" : "",
                 number + base, luron_shape_text(text, sizeof text, o->t->ndim, o->t->shape));
    o->labels.n = 0;
    for (int i = 0; i < letters->n; i++) {
        if (letters->at[i] >= 0)
            o->labels.at[o->labels.n++] = letters->at[i];
        else
            for (int k = hidden; k > 0; k--)
                o->labels.at[o->labels.n++] = LETTERS + k - 1;
    }
    if (dots && hidden > e->dots) e->dots = hidden;
    for (int d = 0; d < o->labels.n; d++) {
        int label = o->labels.at[d];
        for (int k = 0; k < d; k++)
            LURON__CHECK(e->ctx, o->labels.at[k] != label || o->t->shape[k] == o->t->shape[d], LURON_E_SHAPE,
                         "einsum: letter '%c' stands for sizes %lld and %lld in tensor %d", letter_of(label),
                         (long long)o->t->shape[k], (long long)o->t->shape[d], number + base);
        LURON_TRY(note_size(e, label, o->t->shape[d], number));
        bool again = false;
        for (int k = 0; k < d; k++)
            again |= o->labels.at[k] == label;
        e->left[label] += !again;
    }
    return LURON_OK;
}

static void put_dots(const einsum *e, labels *to) {
    for (int k = e->dots; k > 0; k--)
        to->at[to->n++] = LETTERS + k - 1;
}

/* Behind the arrow; or else '...' and the letters that come once, in order. */
static luron_status label_output(einsum *e, const char *s, const int *times) {
    labels letters;
    if (!*s) {
        put_dots(e, &e->out);
        for (int label = 0; label < LETTERS; label++)
            if (times[label] == 1) e->out.at[e->out.n++] = label;
    } else {
        s += 2;
        LURON_TRY(read_letters(e, &s, &letters));
        LURON__CHECK(e->ctx, !*s, LURON_E_ARGUMENT, "einsum: '%c' behind '->'; one list of letters expected", *s);
        for (int i = 0; i < letters.n; i++) {
            int label = letters.at[i];
            if (label < 0) {
                put_dots(e, &e->out);
                continue;
            }
            LURON__CHECK(e->ctx, times[label], LURON_E_ARGUMENT, "einsum: letter '%c' behind '->' is in no tensor",
                         letter_of(label));
            LURON__CHECK(e->ctx, !has(&e->out, label), LURON_E_ARGUMENT, "einsum: letter '%c' twice behind '->'",
                         letter_of(label));
            e->out.at[e->out.n++] = label;
        }
    }
    LURON__CHECK(e->ctx, e->out.n <= LURON_MAX_DIMS, LURON_E_SHAPE,
                 "einsum: the result has %d dimensions, at most %d are possible", e->out.n, LURON_MAX_DIMS);
    return LURON_OK;
}

static luron_status read_equation(einsum *e, const char *equation, operand *operands) {
    const char *s = equation;
    int times[LETTERS] = {0};
    for (int i = 0; i < e->n; i++) {
        labels letters;
        LURON_TRY(read_letters(e, &s, &letters));
        LURON_TRY(label_operand(e, &letters, &operands[i], i));
        for (int k = 0; k < letters.n; k++)
            if (letters.at[k] >= 0) times[letters.at[k]]++;
        LURON__CHECK(e->ctx, i == e->n - 1 || *s == ',', LURON_E_ARGUMENT,
                     "einsum: the equation is for %d tensors, got %d", i + 1, e->n);
        s += i < e->n - 1;
    }
    int more = 0;
    for (const char *rest = s; *rest; rest++)
        more += *rest == ',';
    LURON__CHECK(e->ctx, *s != ',', LURON_E_ARGUMENT, "einsum: the equation is for %d tensors, got %d", e->n + more,
                 e->n);
    return label_output(e, s, times);
}

/* ---- steps: each puts another tensor in place of the operand's --------------------------------------------------- */
/* t by address: a call that sets it stands in the same argument list. */
static luron_status become(operand *o, luron_status status, luron_tensor *const *t) {
    if (status) return status;
    luron_tensor_unref(o->t);
    o->t = *t;
    return LURON_OK;
}

static luron_status reshaped(operand *o, luron_ctx *ctx, int ndim, const int64_t *shape) {
    luron_tensor *t = NULL;
    luron_status status = luron_reshape(&t, ctx, o->t, ndim, shape);
    return become(o, status, &t);
}

static void drop(labels *l, int d) {
    for (l->n--; d < l->n; d++)
        l->at[d] = l->at[d + 1];
}

/* Dims a < b of one label and size become one, the last. */
static luron_status take_diagonal(operand *o, luron_ctx *ctx, int a, int b) {
    luron_tensor *t = NULL;
    int label = o->labels.at[a];
    LURON_TRY(become(o, luron_diagonal(&t, ctx, o->t, 0, a, b), &t));
    drop(&o->labels, b);
    drop(&o->labels, a);
    o->labels.at[o->labels.n++] = label;
    return LURON_OK;
}

static luron_status take_diagonals(operand *o, luron_ctx *ctx) {
    for (int b = 1; b < o->labels.n; b++)
        for (int a = 0; a < b; a++)
            if (o->labels.at[a] == o->labels.at[b]) {
                LURON_TRY(take_diagonal(o, ctx, a, b));
                b = 0;
                break;
            }
    return LURON_OK;
}

/* Is the label wanted after the operands so far? */
static bool is_kept(const einsum *e, int label) { return e->left[label] > 0 || has(&e->out, label); }

/* Sum over the dims that neither the other operand (may be NULL) nor anything later has. */
static luron_status sum_out(const einsum *e, operand *o, const operand *other) {
    int dims[LURON_MAX_DIMS], n = 0;
    luron_tensor *t = NULL;
    labels left = {.n = 0};
    for (int d = 0; d < o->labels.n; d++) {
        if (is_kept(e, o->labels.at[d]) || (other && has(&other->labels, o->labels.at[d])))
            left.at[left.n++] = o->labels.at[d];
        else
            dims[n++] = d;
    }
    if (n == 0) return LURON_OK;
    o->labels = left;
    return become(o, luron_sum(&t, e->ctx, o->t, n, dims, 0), &t);
}

/* Dims in the order of `to`, those that are missing of size 1. */
static luron_status arrange(operand *o, luron_ctx *ctx, const labels *to) {
    int dims[LURON_MAX_DIMS], n = 0;
    int64_t shape[LABELS];
    luron_tensor *t = NULL;
    for (int i = 0; i < to->n; i++)
        for (int d = 0; d < o->labels.n; d++)
            if (o->labels.at[d] == to->at[i]) dims[n++] = d;
    LURON_TRY(become(o, luron_permute(&t, ctx, o->t, n, dims), &t));
    for (int i = 0, d = 0; i < to->n; i++)
        shape[i] = has(&o->labels, to->at[i]) ? o->t->shape[d++] : 1;
    o->labels = *to;
    return n == to->n ? LURON_OK : reshaped(o, ctx, to->n, shape);
}

/* Dims of size 1 to the size that the other operand has there, for labels that both have. */
static luron_status match_sizes(operand *o, luron_ctx *ctx, const operand *other) {
    int64_t shape[LURON_MAX_DIMS];
    luron_tensor *t = NULL;
    for (int d = 0; d < o->labels.n; d++) {
        shape[d] = o->t->shape[d];
        for (int k = 0; k < other->labels.n; k++)
            if (other->labels.at[k] == o->labels.at[d] && shape[d] == 1) shape[d] = other->t->shape[k];
    }
    return become(o, luron_expand(&t, ctx, o->t, o->labels.n, shape), &t);
}

static int64_t sizes_of(const operand *o, const labels *of) {
    int64_t n = 1;
    for (int d = 0; d < o->labels.n; d++)
        if (has(of, o->labels.at[d])) n *= o->t->shape[d];
    return n;
}

static void join(labels *to, const labels *more) {
    for (int i = 0; i < more->n; i++)
        to->at[to->n++] = more->at[i];
}

/* The sizes of the labels of `l` in a or else in b. */
static void find_sizes(int64_t *shape, const labels *l, const operand *a, const operand *b) {
    for (int i = 0; i < l->n; i++) {
        for (int d = 0; d < b->labels.n; d++)
            if (b->labels.at[d] == l->at[i]) shape[i] = b->t->shape[d];
        for (int d = 0; d < a->labels.n; d++)
            if (a->labels.at[d] == l->at[i]) shape[i] = a->t->shape[d];
    }
}

static bool can_matmul(const operand *a, const operand *b) {
    return (a->t->dtype == LURON_F32 || a->t->dtype == LURON_F64) &&
           (b->t->dtype == LURON_F32 || b->t->dtype == LURON_F64);
}

/* By one matrix product; of dtypes that have none, and where nothing is summed, element by element. */
static luron_status multiply(einsum *e, operand *a, operand *b, const labels *both, const labels *of_a,
                             const labels *of_b, const labels *inner) {
    luron_tensor *t = NULL;
    labels left = *both, result = *both;
    join(&left, of_a);
    result = left;
    join(&result, of_b);
    LURON__CHECK(e->ctx, result.n + (can_matmul(a, b) ? 0 : inner->n) <= LURON_MAX_DIMS, LURON_E_SHAPE,
                 "einsum: a product of two tensors has %d dimensions, at most %d are possible", result.n,
                 LURON_MAX_DIMS);
    if (inner->n == 0 || !can_matmul(a, b)) {
        labels all = result;
        join(&all, inner);
        LURON_TRY(arrange(a, e->ctx, &all));
        LURON_TRY(arrange(b, e->ctx, &all));
        LURON_TRY(become(a, luron_mul(&t, e->ctx, a->t, b->t), &t));
        return sum_out(e, a, NULL);
    }
    labels right = *both;
    int64_t shape[LABELS], batch = sizes_of(a, both), m = sizes_of(a, of_a), k = sizes_of(a, inner),
                           n = sizes_of(b, of_b);
    join(&left, inner);
    join(&right, inner);
    join(&right, of_b);
    find_sizes(shape, &result, a, b);
    LURON_TRY(arrange(a, e->ctx, &left));
    LURON_TRY(arrange(b, e->ctx, &right));
    LURON_TRY(reshaped(a, e->ctx, 3, (const int64_t[]){batch, m, k}));
    LURON_TRY(reshaped(b, e->ctx, 3, (const int64_t[]){batch, k, n}));
    LURON_TRY(become(a, luron_matmul(&t, e->ctx, a->t, b->t), &t));
    a->labels = result;
    return reshaped(a, e->ctx, result.n, shape);
}

/* a becomes the product of both, summed over what nothing later has. */
static luron_status contract(einsum *e, operand *a, operand *b) {
    labels both = {.n = 0}, of_a = {.n = 0}, of_b = {.n = 0}, inner = {.n = 0};
    for (int d = 0; d < b->labels.n; d++)
        e->left[b->labels.at[d]]--;
    LURON_TRY(sum_out(e, a, b));
    LURON_TRY(sum_out(e, b, a));
    LURON_TRY(match_sizes(a, e->ctx, b));
    LURON_TRY(match_sizes(b, e->ctx, a));
    for (int d = 0; d < a->labels.n; d++) {
        int label = a->labels.at[d];
        labels *to = !has(&b->labels, label) ? &of_a : is_kept(e, label) ? &both : &inner;
        to->at[to->n++] = label;
    }
    for (int d = 0; d < b->labels.n; d++)
        if (!has(&a->labels, b->labels.at[d])) of_b.at[of_b.n++] = b->labels.at[d];
    return multiply(e, a, b, &both, &of_a, &of_b, &inner);
}

static luron_status run(einsum *e, const char *equation, operand *operands, luron_tensor **out) {
    operand *a = &operands[0];
    LURON_TRY(read_equation(e, equation, operands));
    for (int i = 0; i < e->n; i++)
        LURON_TRY(take_diagonals(&operands[i], e->ctx));
    for (int d = 0; d < a->labels.n; d++)
        e->left[a->labels.at[d]]--;
    if (e->n == 1) LURON_TRY(sum_out(e, a, NULL));
    for (int i = 1; i < e->n; i++)
        LURON_TRY(contract(e, a, &operands[i]));
    LURON_TRY(arrange(a, e->ctx, &e->out));
    *out = luron_tensor_ref(a->t);
    return LURON_OK;
}

/* What is computed in: the dtype that all promote to, half precision as float32. */
static uint32_t working_dtype(const luron_ctx *ctx, uint32_t *result, int n, luron_tensor *const *xs) {
    luron_tensor all = *xs[0]; /* promotion looks at dtype and rank alone */
    for (int i = 1; i < n; i++) {
        all.dtype = luron__promote(&all, xs[i], ctx->default_dtype);
        if (xs[i]->ndim > all.ndim) all.ndim = xs[i]->ndim;
    }
    *result = all.dtype;
    return all.dtype == LURON_F16 || all.dtype == LURON_BF16 ? LURON_F32 : all.dtype;
}

luron_status luron_einsum(luron_tensor **out, luron_ctx *ctx, const char *equation, int n, luron_tensor *const *xs) {
    einsum e = {.ctx = ctx, .n = n};
    operand *operands;
    luron_tensor *y = NULL;
    LURON__CHECK(ctx, n >= 1, LURON_E_ARGUMENT, "einsum: one tensor or more expected, got none");
    for (int i = 0; i < LABELS; i++)
        e.size[i] = -1;
    uint32_t result, work = working_dtype(ctx, &result, n, xs);
    bool real = luron_dtype_is_float(work);
    size_t bytes = (size_t)n * sizeof *operands;
    LURON_TRY(luron__alloc(&operands, ctx, bytes));
    luron_status status = LURON_OK;
    for (int i = 0; i < n && !status; i++)
        status = luron_cast(&operands[i].t, ctx, xs[i], real ? work : xs[i]->dtype);
    if (!status) status = run(&e, equation, operands, &y);
    if (!status) status = luron_cast(out, ctx, y, real ? result : y->dtype);
    luron_tensor_unref(y);
    for (int i = 0; i < n; i++)
        luron_tensor_unref(operands[i].t);
    luron__free(ctx, operands, bytes);
    return status;
}
