/* embedding.h -- what tables of rows by ids share: their weight, and positions sorted by id for its gradient. Ids are
 * those of port 0. */
#ifndef EMBEDDING_H
#define EMBEDDING_H
#include <luron/plugin.h>

/** weight (num, dim), normal unless `own` says otherwise; its row `padding` is zeros, negative: none. An error if there is
 * no such row. */
luron_status embedding_declare(luron_call *c, int64_t num, int64_t dim, int64_t padding, const luron_named_init *own);
/** Sorts n positions by counting: order (n) lists them by id, ascending, first (num + 1) where those of an id begin. */
void embedding_sort(const luron_call *c, int64_t num, int64_t n, int64_t *first, int64_t *order);
#endif
