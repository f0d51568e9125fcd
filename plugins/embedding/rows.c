/* rows.c: rows of at most a norm, and gradients shared by how often an id occurs: max_norm and scale_grad_by_freq of
 * PyTorch's Embedding. PyTorch writes the shortened rows back into the table; here they are shortened as they are read.
 */
#ifndef REAL
#include "../loops.h"
#include "embedding.h"
#include <math.h>
#define EPSILON 1e-7 /* PyTorch's */
#define REAL float
#include "rows.c"
#define REAL double
#include "rows.c"

double embedding_share(const luron_call *c, const void *row) {
    const embedding *l = luron_options(c);
    if (l->max_norm <= 0) return 1;
    const double norm = BY_TYPE(c, norm)(row, l->embedding_dim, l->norm_type);
    return norm > l->max_norm ? l->max_norm / (norm + EPSILON) : 1;
}
luron_tensor *embedding_rows(luron_call *c, const luron_ops *o, luron_tensor *w, luron_tensor *ids) {
    const embedding *l = luron_options(c);
    luron_tensor *rows = o->index_select(c, w, 0, ids), *fixed;
    const int64_t n = o->size(c, rows, 0), num = o->size(c, w, 0);
    if (l->scale_grad_by_freq && n) { /* fixed + (rows - fixed) / count: the rows, with a share of the gradient */
        luron_tensor *one = o->expand(c, o->scalar(c, 1), LURON_SHAPE(n));
        luron_tensor *count = o->index_select(c, o->segment_sum(c, one, ids, num), 0, ids);
        fixed = o->detach(c, rows);
        rows = o->add(c, fixed, o->div(c, o->sub(c, rows, fixed), o->reshape(c, count, LURON_SHAPE(n, 1))));
    }
    if (l->max_norm <= 0 || !n) return rows;
    fixed = o->detach(c, rows);
    luron_tensor *norm = o->norm(c, fixed, l->norm_type, 1, (const int[]){1}, 1);
    luron_tensor *share = o->mul(c, o->reciprocal(c, o->scale(c, norm, 1, EPSILON)), o->scalar(c, l->max_norm));
    share = o->where(c, o->gt(c, norm, o->scalar(c, l->max_norm)), share, o->scalar(c, 1));
    return o->add(c, rows, o->sub(c, o->mul(c, fixed, share), fixed)); /* the gradient goes to the row as it is */
}
#else
static double TYPED(norm)(const void *row, int64_t dim, double p) {
    const REAL *x = row;
    double sum = 0;
    for (int64_t j = 0; j < dim; j++)
        sum += p == 2 ? (double)x[j] * (double)x[j] : p == 1 ? fabs((double)x[j]) : pow(fabs((double)x[j]), p);
    return p == 2 ? sqrt(sum) : p == 1 ? sum : pow(sum, 1 / p);
}
#undef REAL
#endif
