/* ctc.c -- the plugin `sequence_loss`: -log of the probability that a sequence, with blanks anywhere and anything
 * repeated, gives the target. log_probs (n,t,C), targets (n,s) or all one behind the other -> scalar, or (n). Graves et
 * al., 2006. The sums run over the places of the target with blanks around each, 2 s + 1 of them, in logarithms and in
 * double. The gradient is that of log_probs alone; PyTorch's has exp(log_probs) added, which log_softmax takes away
 * again.                                                  */
#ifndef REAL
#include "../loops.h"
#include <math.h>

enum { LOG_PROBS, TARGETS, INPUT_LENGTHS, TARGET_LENGTHS };
enum { MEAN, SUM, NONE };
typedef struct ctc {
    int64_t blank;
    int32_t reduction, zero_infinity, batch_first;
} ctc;
typedef struct work {
    luron_call *c;
    const ctc *o;
    int64_t n, t, classes, step_n, step_t; /* steps between sequences and times, in numbers */
    int64_t s;                             /* numbers in a row of targets; -1: one behind the other */
    int64_t total;                         /* numbers in targets */
    const void *x, *gy;
    void *gx;
    double *alpha, *loss; /* saved: (t, 2 s + 1) of each sequence, and its loss */
    double *sums;         /* scratch of backward: two rows of 2 s + 1, and one of classes, for each sequence */
    double beta;
} work;
/* One sequence: its times, length, and where its targets begin. */
typedef struct sequence {
    int64_t i, times, length, first;
} sequence;

static int64_t length_of(const luron_call *c, int port, int64_t i, int64_t all) {
    const luron_view *v = luron_in(c, port);
    return v ? luron_i64(v)[i] : all;
}
static sequence sequence_of(const work *k, int64_t i) {
    sequence q = {i, length_of(k->c, INPUT_LENGTHS, i, k->t), length_of(k->c, TARGET_LENGTHS, i, k->s), i * k->s};
    if (k->s >= 0) return q;
    q.first = 0;
    for (int64_t j = 0; j < i; j++)
        q.first += length_of(k->c, TARGET_LENGTHS, j, 0);
    return q;
}
static double *alpha_of(const work *k, const sequence *q) { return k->alpha + k->t * (2 * q->first + q->i); }
/* The class of place j: a blank at even ones. */
static int64_t class_at(const work *k, const sequence *q, int64_t j) {
    return j % 2 ? luron_id(k->c, TARGETS, q->first + j / 2) : k->o->blank;
}
/* May place j be come to from two before? Not over a letter, nor from the same letter. */
static int skips(const work *k, const sequence *q, int64_t j) {
    return j % 2 && j > 1 && class_at(k, q, j) != class_at(k, q, j - 2);
}
/* Times that the targets take: one each, and one between two that are the same. */
static int64_t needed(const work *k, const sequence *q) {
    int64_t need = q->length;
    for (int64_t j = 1; j < q->length; j++)
        need += luron_id(k->c, TARGETS, q->first + j) == luron_id(k->c, TARGETS, q->first + j - 1);
    return need;
}
static double log_add(double a, double b, double d) {
    const double top = fmax(fmax(a, b), d);
    /* fmax passes a NaN over, a sum does not. */
    return top == -INFINITY ? a + b + d : top + log(exp(a - top) + exp(b - top) + exp(d - top));
}

/* What the loss of a sequence counts. */
static double weight_of(const work *k, const sequence *q) {
    return k->o->reduction == MEAN ? 1 / ((double)k->n * (double)(q->length > 0 ? q->length : 1)) : 1;
}

#define REAL float
#include "ctc.c"
#define REAL double
#include "ctc.c"

static work open_work(luron_call *c) {
    const luron_view *x = luron_in(c, LOG_PROBS), *t = luron_in(c, TARGETS);
    const ctc *o = luron_options(c);
    const int batched = x->ndim == 3, at = o->batch_first;
    work k = {.c = c,
              .o = o,
              .n = batched ? x->shape[!at] : 1,
              .t = batched ? x->shape[at] : x->shape[0],
              .classes = x->shape[x->ndim - 1],
              .total = luron_numel(t),
              .x = luron_data(x),
              .sums = luron_scratch(c)};
    k.s = batched && t->ndim == 1 ? -1 : t->shape[t->ndim - 1];
    k.step_n = (at ? k.t : 1) * k.classes, k.step_t = (at || !batched ? 1 : k.n) * k.classes;
    k.loss = luron_data(luron_saved(c, 0)), k.alpha = k.loss ? k.loss + k.n : NULL;
    return k;
}
static luron_status check_lengths_shape(luron_call *c, int port, const char *name, const work *k) {
    const luron_view *v = luron_in(c, port);
    if (!v || luron_numel(v) == k->n) return LURON_OK;
    return luron_fail(c, LURON_E_SHAPE, "%s has %lld numbers, expected one for each of %lld sequences", name,
                      (long long)luron_numel(v), (long long)k->n);
}
static luron_status setup(luron_call *c) {
    const luron_view *x = luron_in(c, LOG_PROBS), *t = luron_in(c, TARGETS);
    const ctc *o = luron_options(c);
    if (x->ndim != 2 && x->ndim != 3)
        return luron_fail(c, LURON_E_SHAPE,
                          "log_probs has %d dimensions, expected (n, times, classes) or (times, classes)",
                          (int)x->ndim);
    if (t->ndim < 1 || t->ndim > x->ndim - 1)
        return luron_fail(c, LURON_E_SHAPE,
                          "targets has %d dimensions, expected (n, length), or all one behind the other", (int)t->ndim);
    const work k = open_work(c);
    if (o->blank < 0 || o->blank >= k.classes)
        return luron_fail(c, LURON_E_ARGUMENT, "blank is %lld, log_probs has %lld classes",
                          (long long)luron_shown(c, o->blank), (long long)k.classes);
    if (t->ndim == 2 && t->shape[0] != k.n)
        return luron_fail(c, LURON_E_SHAPE, "targets has %lld rows, log_probs has %lld sequences",
                          (long long)t->shape[0], (long long)k.n);
    if (k.s < 0 && !luron_in(c, TARGET_LENGTHS))
        return luron_fail(c, LURON_E_SHAPE, "targets are one behind the other: target_lengths are needed");
    LURON_TRY(check_lengths_shape(c, INPUT_LENGTHS, "input_lengths", &k));
    LURON_TRY(check_lengths_shape(c, TARGET_LENGTHS, "target_lengths", &k));
    LURON_TRY(c->host->declare_saved(c, 0, LURON_F64, LURON_SHAPE(k.n + k.t * (2 * k.total + k.n))));
    LURON_TRY(c->host->declare_scratch(c, (2 * (2 * k.total + k.n) + k.n * k.classes) * (int64_t)sizeof(double)));
    return c->host->set_out(c, 0, LURON_REAL, o->reduction == NONE && x->ndim == 3, &k.n);
}
/* Ids that are classes and no blanks, and that the times are enough for: a time each, and one between two that are the
 * same. */
static luron_status check_letters(const work *k, const sequence *q) {
    luron_call *c = k->c;
    const int64_t need = needed(k, q);
    for (int64_t j = 0; j < q->length; j++) {
        const int64_t id = luron_id(c, TARGETS, q->first + j);
        if (id < 0 || id >= k->classes) return c->host->bad_id(c, TARGETS, q->first + j, k->classes);
        if (id == k->o->blank)
            return luron_fail(c, LURON_E_RANGE, "targets has the blank, %lld, at element %lld of sequence %lld",
                              (long long)luron_shown(c, id), (long long)luron_shown(c, j),
                              (long long)luron_shown(c, q->i));
    }
    if (need <= q->times || k->o->zero_infinity) return LURON_OK;
    return luron_fail(c, LURON_E_RANGE,
                      "targets of sequence %lld need %lld times, and it has %lld: its loss is infinite (zero_infinity "
                      "= true counts it as 0)",
                      (long long)luron_shown(c, q->i), (long long)need, (long long)q->times);
}
static luron_status check_numbers(const work *k) {
    luron_call *c = k->c;
    for (int64_t i = 0, sum = 0; i < k->n; i++) {
        const int64_t times = length_of(c, INPUT_LENGTHS, i, k->t), length = length_of(c, TARGET_LENGTHS, i, k->s);
        const int64_t most = k->s < 0 ? k->total - sum : k->s;
        if (times < 0 || times > k->t)
            return luron_fail(c, LURON_E_RANGE, "input_lengths has %lld at element %lld, log_probs has %lld times",
                              (long long)times, (long long)luron_shown(c, i), (long long)k->t);
        if (length < 0 || length > most)
            return luron_fail(c, LURON_E_RANGE,
                              "target_lengths has %lld at element %lld, targets has %lld numbers for it",
                              (long long)length, (long long)luron_shown(c, i), (long long)most);
        const sequence q = {i, times, length, k->s < 0 ? sum : i * k->s};
        LURON_TRY(check_letters(k, &q));
        sum += length;
    }
    return LURON_OK;
}
static luron_status forward(luron_call *c) {
    work k = open_work(c);
    LURON_TRY(check_numbers(&k));
    c->host->parallel_for(c, k.n, 1, BY_TYPE(c, alphas), &k);
    void *y = luron_data(luron_out(c, 0));
    double sum = k.n || k.o->reduction != MEAN ? 0 : NAN;
    for (int64_t i = 0; i < k.n; i++) {
        const sequence q = sequence_of(&k, i);
        const double loss = k.loss[i] == INFINITY && k.o->zero_infinity ? 0 : k.loss[i];
        sum += weight_of(&k, &q) * loss;
        if (k.o->reduction != NONE) continue;
        if (c->dtype == LURON_F64)
            ((double *)y)[i] = loss;
        else
            ((float *)y)[i] = (float)loss;
    }
    if (k.o->reduction == NONE) return LURON_OK;
    if (c->dtype == LURON_F64)
        *(double *)y = sum;
    else
        *(float *)y = (float)sum;
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    work k = open_work(c);
    k.gx = luron_data(luron_grad_in_beta(c, LOG_PROBS, &k.beta)), k.gy = luron_data(luron_grad_out(c, 0));
    if (k.gx) c->host->parallel_for(c, k.n, 1, BY_TYPE(c, slopes), &k);
    return LURON_OK;
}
/* ---- the same in ops, for second derivatives: what cannot be has a very small logarithm ---------------------------
 */
enum { LOWEST = -1000000000 };
static luron_tensor *lowest(luron_call *c, const luron_ops *o, int64_t n, int64_t places) {
    return o->expand(c, o->scalar(c, LOWEST), LURON_SHAPE(n, places));
}
/* 1, 2 ... in a row (1, n). */
static luron_tensor *count(luron_call *c, const luron_ops *o, int64_t n) {
    return o->cumsum(c, o->expand(c, o->scalar(c, 1), LURON_SHAPE(1, n)), 1);
}
/* A column (n, 1) of lengths. */
static luron_tensor *lengths(luron_call *c, const luron_ops *o, int port, const work *k, int64_t all) {
    luron_tensor *t = luron_in(c, port) ? o->cast(c, o->in(c, port), c->dtype)
                                        : o->expand(c, o->scalar(c, (double)all), LURON_SHAPE(k->n));
    return o->reshape(c, t, LURON_SHAPE(k->n, 1));
}
/* The classes of all places (n, 2 s + 1), blanks behind the end. */
static luron_tensor *places_of(luron_call *c, const luron_ops *o, const work *k, int64_t s, luron_tensor *length) {
    luron_tensor *ids = o->in(c, TARGETS), *at = count(c, o, s);
    luron_tensor *blank = o->cast(c, o->scalar(c, (double)luron_shown(c, k->o->blank)), LURON_I64);
    if (k->s < 0 && s > 0) { /* the row of each, from where it begins */
        luron_tensor *from = o->sub(c, o->cumsum(c, length, 0), length);
        luron_tensor *index = o->clamp(c, o->scale(c, o->add(c, from, at), 1, -1), 0, (double)(s - 1));
        index = o->cast(c, o->scale(c, index, 1, (double)luron_shown(c, 0)), LURON_I64);
        ids = o->index_select(c, ids, 0, o->reshape(c, index, LURON_SHAPE(k->n * s)));
    }
    ids = o->where(c, o->le(c, at, length), o->cast(c, o->reshape(c, ids, LURON_SHAPE(k->n, s)), LURON_I64), blank);
    luron_tensor *two[2] = {o->expand(c, blank, LURON_SHAPE(k->n, s)), ids}, *rows[2];
    rows[0] = o->reshape(c, o->stack(c, 2, two, 2), LURON_SHAPE(k->n, 2 * s)),
    rows[1] = o->expand(c, blank, LURON_SHAPE(k->n, 1));
    return o->cat(c, 2, rows, 1);
}
/* -log of the probability of each sequence (n). */
static luron_tensor *losses(luron_call *c, const luron_ops *o, const work *k, luron_tensor *x, int64_t s,
                            luron_tensor *length) {
    const int64_t places = 2 * s + 1;
    const int first = 0, row = 1, rest[2] = {1, 2};
    if (k->t == 0) return o->sum(c, x, 2, rest, 0);
    luron_tensor *ids = places_of(c, o, k, s, length), *times = lengths(c, o, INPUT_LENGTHS, k, k->t), *skip = NULL;
    luron_tensor *e = o->gather(c, x, 2, o->expand(c, o->unsqueeze(c, ids, 1), LURON_SHAPE(k->n, k->t, places)));
    if (s > 0) skip = o->ne(c, o->narrow(c, ids, 1, 2, places - 2), o->narrow(c, ids, 1, 0, places - 2));
    luron_tensor *a = o->select(c, e, 1, 0), *low = lowest(c, o, k->n, 1), *parts[2];
    if (s > 0)
        parts[0] = o->narrow(c, a, 1, 0, 2), parts[1] = lowest(c, o, k->n, places - 2), a = o->cat(c, 2, parts, 1);
    for (int64_t t = 1; t < k->t; t++) {
        luron_tensor *ways[3] = {a, NULL, NULL};
        if (s > 0) {
            parts[0] = low, parts[1] = o->narrow(c, a, 1, 0, places - 1), ways[1] = o->cat(c, 2, parts, 1);
            parts[0] = lowest(c, o, k->n, 2), parts[1] = o->where(c, skip, o->narrow(c, a, 1, 0, places - 2), low),
            ways[2] = o->cat(c, 2, parts, 1);
        }
        luron_tensor *next = s > 0 ? o->logsumexp(c, o->stack(c, 3, ways, 0), 1, &first, 0) : a;
        a = o->where(c, o->gt(c, times, o->scalar(c, (double)t)), o->add(c, next, o->select(c, e, 1, t)), a);
    }
    luron_tensor *end = o->scale(c, length, 2, 1), *at = count(c, o, places);
    luron_tensor *last = o->logical_or(c, o->eq(c, at, end), o->eq(c, at, o->scale(c, end, 1, -1)));
    luron_tensor *loss = o->neg(c, o->logsumexp(c, o->where(c, last, a, low), 1, &row, 0)), *zero = o->scalar(c, 0);
    luron_tensor *none = o->logical_or(c, o->gt(c, loss, o->scalar(c, -LOWEST / 2)),
                                       o->eq(c, o->reshape(c, times, LURON_SHAPE(k->n)), zero));
    return o->where(c, none, zero, loss);
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    const work k = open_work(c);
    const int64_t s = k.s < 0 ? k.total : k.s;
    luron_tensor *x = o->in(c, LOG_PROBS);
    if (luron_in(c, LOG_PROBS)->ndim == 2)
        x = o->unsqueeze(c, x, 0);
    else if (!k.o->batch_first)
        x = o->transpose(c, x, 0, 1);
    luron_tensor *length = lengths(c, o, TARGET_LENGTHS, &k, k.s), *y = losses(c, o, &k, x, s, length);
    if (k.o->reduction == NONE)
        return o->set_out(c, 0, luron_in(c, LOG_PROBS)->ndim == 3 ? y : o->reshape(c, y, 0, NULL));
    if (k.o->reduction == SUM) return o->set_out(c, 0, o->sum(c, y, 0, NULL, 0));
    y = o->div(c, y, o->clamp(c, o->reshape(c, length, LURON_SHAPE(k.n)), 1, INFINITY));
    return o->set_out(c, 0, o->mean(c, y, 0, NULL, 0));
}
static const char *const reductions[] = {"mean", "sum", "none", NULL};
static const luron_option *const options[] = {
    LURON_OPT_ID(ctc, blank, 0, "the class that stands for no letter"),
    LURON_OPT_CHOICE(ctc, reduction, "mean", reductions,
                     "of the losses, each over the length of its target; \"none\" keeps each"),
    LURON_OPT_BOOL(ctc, zero_infinity, 0, "a target that is too long counts as 0; false: it is an error"),
    LURON_OPT_BOOL(ctc, batch_first, 1,
                   "log_probs are (n, times, classes); false: (times, n, classes), PyTorch's order"),
    NULL};
static const luron_port *const in[] = {
    LURON_PORT("log_probs", 0, LURON_REAL, 0, "(n, times, classes) or (times, classes)"),
    LURON_PORT("targets", LURON_PORT_INDEX, 0, 0, "class ids, (n, length), or all one behind the other"),
    LURON_PORT("input_lengths", LURON_PORT_OPTIONAL, LURON_I64, 0, "times of each sequence, (n)"),
    LURON_PORT("target_lengths", LURON_PORT_OPTIONAL, LURON_I64, 0, "of each sequence, (n)"), NULL};
static const luron_layer_type type = {.struct_size = sizeof type,
                                      .flags = LURON_LAYER_F64 | LURON_LAYER_LOSS | LURON_LAYER_FREES_OUT,
                                      .name = "CTCLoss",
                                      .function = "ctc_loss",
                                      .doc = "connectionist temporal classification: sequences that are not aligned",
                                      .options = options,
                                      .options_size = sizeof(ctc),
                                      .in = in,
                                      .setup = setup,
                                      .forward = forward,
                                      .backward = backward,
                                      .compose = compose};
static const luron_layer_type *const layers[] = {&type, NULL};
LURON_PLUGIN_DEFINE(sequence_loss) = {.struct_size = sizeof(luron_plugin),
                                      .abi_major = LURON_ABI_MAJOR,
                                      .name = "sequence_loss",
                                      .version = "0.1.0",
                                      .layers = layers};
#else
/* alpha[t][j]: log of the probability of all ways to be at place j at time t. */
static void TYPED(alphas)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const sequence q = sequence_of(k, i);
        if (needed(k, &q) > q.times) {
            k->loss[i] = INFINITY;
            continue;
        }
        const int64_t places = 2 * q.length + 1;
        const REAL *x = (const REAL *)k->x + i * k->step_n;
        double *now = alpha_of(k, &q), *last = now;
        for (int64_t t = 0; t < q.times; t++, x += k->step_t, last = now, now += places)
            for (int64_t j = 0; j < places; j++) {
                double ways = j < 2 ? 0 : -INFINITY;
                if (t > 0)
                    ways = log_add(last[j], j > 0 ? last[j - 1] : -INFINITY, skips(k, &q, j) ? last[j - 2] : -INFINITY);
                now[j] = ways + (double)x[class_at(k, &q, j)];
            }
        if (q.times == 0)
            k->loss[i] = 0;
        else
            k->loss[i] = -log_add(last[places - 1], q.length ? last[places - 2] : -INFINITY, -INFINITY);
    }
}
/* The same from the end, each place's share of the probability, and the gradient: minus the shares of each class. */
static void TYPED(slopes)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const sequence q = sequence_of(k, i);
        const int64_t places = 2 * q.length + 1, out = k->o->reduction == NONE ? i : 0;
        double *now = k->sums + 2 * (2 * q.first + i), *next = now + places;
        double *share = k->sums + 2 * (2 * k->total + k->n) + i * k->classes;
        const double g = k->loss[i] < INFINITY ? weight_of(k, &q) * (double)((const REAL *)k->gy)[out]
                         : k->o->zero_infinity ? 0
                                               : NAN;
        for (int64_t t = k->t - 1; t >= 0; t--) {
            const REAL *x = (const REAL *)k->x + i * k->step_n + t * k->step_t;
            REAL *gx = (REAL *)k->gx + i * k->step_n + t * k->step_t;
            const double *alpha = alpha_of(k, &q) + t * places;
            for (int64_t c = 0; c < k->classes; c++)
                share[c] = 0;
            for (int64_t j = 0; t < q.times && j < places && k->loss[i] < INFINITY; j++) {
                double ways = j >= places - 2 ? 0 : -INFINITY;
                if (t < q.times - 1)
                    ways = log_add(next[j], j + 1 < places ? next[j + 1] : -INFINITY,
                                   j + 2 < places && skips(k, &q, j + 2) ? next[j + 2] : -INFINITY);
                now[j] = ways + (double)x[class_at(k, &q, j)];
                if (alpha[j] > -INFINITY && ways > -INFINITY)
                    share[class_at(k, &q, j)] += exp(alpha[j] + ways + k->loss[i]);
            }
            for (int64_t c = 0; c < k->classes; c++) {
                const double d = t < q.times ? -g * (k->loss[i] < INFINITY ? share[c] : 1) : 0;
                gx[c] = (REAL)(k->beta != 0 ? gx[c] + d : d);
            }
            double *swap = now;
            now = next, next = swap;
        }
    }
}
#undef REAL
#endif
