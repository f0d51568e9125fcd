/* adafactor.c: of a matrix the mean squares of its rows and of its columns alone are kept, r and c, and v = r c / mean(r); of a
 * vector v itself. u = g / max(sqrt(v), eps1), p -= max(eps2, rms(p)) min(lr, 1 / sqrt(t)) u / max(1, rms(u) / d) (Shazeer and
 * Stern, 2018, as PyTorch has it). More than two dims are a pile of matrices. Sums go over whole rows in fixed chunks.         */
#ifndef REAL
#include "optim.h"
#include <string.h>
typedef struct adafactor { double lr, beta2_decay, eps1, eps2, d, weight_decay; int32_t maximize; } adafactor;
enum { GRAIN = 16384, COLUMNS = 256 };
enum { ROW_VAR, COL_VAR, VARIANCE };
typedef struct job { /* a vector has rows of one number and no columns to sum over */
    luron_step *s;
    int64_t rows, cols, height;    /* height: rows of one matrix */
    double *sums, *means, *column; /* of each chunk; mean(r) of each matrix; of each column */
    double share, least, kept, by; /* share: of the new squares; least: eps1; kept: of p; by: what u is taken off with */
} job;
static int64_t grain_of(int64_t cols) { return cols < GRAIN ? GRAIN / cols : 1; } /* rows of a chunk */
static double sum_of(const job *j) {
    double sum = 0;
    for (int64_t k = 0; k * grain_of(j->cols) < j->rows; k++) sum += j->sums[k];
    return sum;
}
#define REAL float
#include "adafactor.c"
#define REAL double
#include "adafactor.c"

static void lay_out(job *j) {
    const luron_view *w = j->s->whole;
    const int n = w->ndim;
    j->cols = n > 1 ? w->shape[n - 1] : 1, j->height = n > 1 ? w->shape[n - 2] : 1;
    j->rows = j->cols ? j->s->n / j->cols : 0;
}
static const char *const state[] = { "row_var", "col_var", "variance", NULL };
static luron_status setup(luron_step *s) {
    static const int64_t nothing[] = { 0 };
    job j = { .s = s };
    const int n = s->whole->ndim;
    for (int i = ROW_VAR; i <= VARIANCE; i++) {
        int64_t shape[8];
        for (int d = 0; d < n; d++) shape[d] = s->whole->shape[d];
        if (n > 1 && i < VARIANCE) shape[i == ROW_VAR ? n - 1 : n - 2] = 1;
        const int kept = (i == VARIANCE) == (n < 2);
        LURON_TRY(s->host->declare_state(s->call, i, state[i], LURON_REAL, kept ? n : 1, kept ? shape : nothing, luron_init_zeros()));
    }
    if (s->n == 0) return LURON_OK;
    lay_out(&j);
    const int64_t chunks = j.rows / grain_of(j.cols) + 1, piles = j.rows / j.height;
    return s->host->declare_scratch(s->call, (chunks + piles + (n > 1 ? piles * j.cols : 0)) * (int64_t)sizeof(double));
}
static void step(luron_step *s) {
    const adafactor *o = s->options;
    const double t = (double)s->t, n = (double)s->n, slow = 1 / sqrt(t), machine = s->dtype == LURON_F64 ? 0x1p-52 : 0x1p-23;
    job j = { .s = s, .share = pow(t, o->beta2_decay), .least = o->eps1 > 0 ? o->eps1 : machine, .kept = 1 - o->lr * o->weight_decay };
    lay_out(&j);
    const int64_t grain = grain_of(j.cols);
    j.sums = luron_scratch(s->call), j.means = j.sums + j.rows / grain + 1, j.column = j.means + j.rows / j.height;
    s->host->parallel_for(s->call, j.rows, grain, BY_TYPE(s, see_rows), &j);
    const double rms = sqrt(sum_of(&j) / n);
    j.by = (rms > o->eps2 ? rms : o->eps2) * (o->lr < slow ? o->lr : slow);
    if (s->whole->ndim > 1) {
        s->host->parallel_for(s->call, s->n / j.height, COLUMNS, BY_TYPE(s, see_columns), &j);
        BY_TYPE(s, see_means)(&j);
    }
    s->host->parallel_for(s->call, j.rows, grain, BY_TYPE(s, measure), &j);
    const double length = sqrt(sum_of(&j) / n) / o->d;
    j.by /= length > 1 ? length : 1;
    s->host->parallel_for(s->call, j.rows, grain, BY_TYPE(s, move), &j);
}
static const luron_option *const options[] = { OPT_LR(adafactor, 1e-2),
    LURON_OPT_FLOAT(adafactor, beta2_decay, -0.8, -ANY_SIZE, 0, "step t takes t^beta2_decay of the new squares"),
    OPT(adafactor, eps1, 0, ANY_SIZE, "least root of the mean square; 0: the dtype's own"),
    OPT(adafactor, eps2, 1e-3, ANY_SIZE, "least size of the parameter that steps go by"),
    LURON_OPT_FLOAT(adafactor, d, 1, 1, ANY_SIZE, "steps of a larger root mean square are shortened to this"),
    OPT_WEIGHT_DECAY(adafactor, 0, "times lr, taken off the parameter"), OPT_MAXIMIZE(adafactor), NULL };
const luron_optim_type optim_adafactor = { .struct_size = sizeof(luron_optim_type), .flags = LURON_OPTIM_WHOLE, .name = "Adafactor",
    .doc = "Adam without momentum that keeps a row and a column in place of a matrix", .options = options, .options_size = sizeof(adafactor),
    .state = state, .setup = setup, .step = step };
#else
/* Rows: mean squares of the gradient, and |p|^2 of a chunk. */
static void TYPED(see_rows)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const job *j = arg;
    const REAL *p = j->s->param, *g = j->s->grad;
    REAL *row = j->s->state[ROW_VAR] ? j->s->state[ROW_VAR] : j->s->state[VARIANCE];
    double of_p = 0;
    for (int64_t i = begin; i < end; i++) {
        double squares = 0;
        for (int64_t k = i * j->cols; k < (i + 1) * j->cols; k++) of_p += (double)p[k] * (double)p[k], squares += (double)g[k] * (double)g[k];
        row[i] += (REAL)j->share * ((REAL)(squares / (double)j->cols) - row[i]);
    }
    j->sums[chunk] = of_p;
}
/* Columns of all matrices in turn. */
static void TYPED(see_columns)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const job *j = arg;
    REAL *col = j->s->state[COL_VAR];
    (void)chunk;
    memset(j->column + begin, 0, (size_t)(end - begin) * sizeof *j->column);
    for (int64_t m = begin / j->cols; m * j->cols < end; m++) {
        const int64_t first = m * j->cols, from = begin > first ? begin - first : 0, to = end - first < j->cols ? end - first : j->cols;
        for (int64_t i = 0; i < j->height; i++) {
            const REAL *g = (const REAL *)j->s->grad + (m * j->height + i) * j->cols;
            for (int64_t k = from; k < to; k++) j->column[first + k] += (double)g[k] * (double)g[k];
        }
    }
    for (int64_t k = begin; k < end; k++) col[k] += (REAL)j->share * ((REAL)(j->column[k] / (double)j->height) - col[k]);
}
static void TYPED(see_means)(const job *j) {
    const REAL *row = j->s->state[ROW_VAR];
    for (int64_t m = 0; m * j->height < j->rows; m++) {
        double sum = 0;
        for (int64_t i = 0; i < j->height; i++) sum += (double)row[m * j->height + i];
        j->means[m] = sum / (double)j->height > j->least ? sum / (double)j->height : j->least;
    }
}
/* What row i of u is made of; a vector has 1 for its column and its mean. */
typedef struct TYPED(line) { const REAL *g, *col; REAL row, mean, least; } TYPED(line);
static TYPED(line) TYPED(line_of)(const job *j, int64_t i) {
    static const REAL one = 1;
    const REAL *g = (const REAL *)j->s->grad + i * j->cols, *row = j->s->state[ROW_VAR], *col = j->s->state[COL_VAR], *v = j->s->state[VARIANCE];
    const REAL least = (REAL)(j->least * j->least);
    if (!row) return (TYPED(line)) { g, &one, v[i], one, least };
    return (TYPED(line)) { g, col + i / j->height * j->cols, row[i], (REAL)j->means[i / j->height], least };
}
static inline REAL TYPED(way)(const TYPED(line) *l, int64_t k) {
    const REAL v = l->row * l->col[k] / l->mean;
    return l->g[k] / ROOT(v > l->least ? v : l->least);
}
static void TYPED(measure)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const job *j = arg;
    double of_u = 0;
    for (int64_t i = begin; i < end; i++) {
        const TYPED(line) l = TYPED(line_of)(j, i);
        for (int64_t k = 0; k < j->cols; k++) of_u += (double)TYPED(way)(&l, k) * (double)TYPED(way)(&l, k);
    }
    j->sums[chunk] = of_u;
}
static void TYPED(move)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const job *j = arg;
    const REAL by = (REAL)(((const adafactor *)j->s->options)->maximize ? -j->by : j->by), kept = (REAL)j->kept;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const TYPED(line) l = TYPED(line_of)(j, i);
        REAL *p = (REAL *)j->s->param + i * j->cols;
        for (int64_t k = 0; k < j->cols; k++) p[k] = kept * p[k] - by * TYPED(way)(&l, k);
    }
}
#undef REAL
#endif
