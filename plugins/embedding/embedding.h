/* embedding.h -- what tables of rows by ids share: their options, their weight, rows within limits, and positions
 * sorted by id for the gradient. Ids are those of port 0. */
#ifndef EMBEDDING_H
#define EMBEDDING_H
#include <luron/plugin.h>

typedef struct embedding {
    int64_t num_embeddings, embedding_dim, padding_idx;
    double max_norm, norm_type; /* max_norm 0: none */
    int32_t scale_grad_by_freq;
    int32_t mode, include_last_offset; /* of EmbeddingBag */
    luron_named_init weight_init;
} embedding;
#define EMBEDDING_LIMITS                                                                                               \
    LURON_OPT_(embedding, max_norm, LURON_FLOAT, LURON_OPTION_GRADIENT, 0, 0, 1e30, NULL, NULL, 0, 0,                  \
               "rows of a larger norm are shortened as they are read, the gradient is theirs; 0: none"),               \
        LURON_OPT_FLOAT(embedding, norm_type, 2, 0.1, 100, "p of that norm"),                                          \
        LURON_OPT_(embedding, scale_grad_by_freq, LURON_BOOL, LURON_OPTION_GRADIENT, 0, 0, 0, NULL, NULL, 0, 0,        \
                   "divide a row's gradient by how often its id occurs")

/* ---- embedding.c ------------------------------------------------------------------------------------------------ */
/** weight (num_embeddings, embedding_dim), normal unless weight_init says otherwise; its row padding_idx is zeros,
 *  negative: none. An error if there is no such row. */
luron_status embedding_declare(luron_call *c);
/** Sorts n positions by counting: order (n) lists them by id, ascending, first (num + 1) where those of an id begin. */
void embedding_sort(const luron_call *c, int64_t num, int64_t n, int64_t *first, int64_t *order);

/* ---- rows.c ----------------------------------------------------------------------------------------------------- */
/** What a row is multiplied by so that its norm is at most max_norm; 1: it is. */
double embedding_share(const luron_call *c, const void *row);
/** Rows of w (num, dim) by ids (n), within the limits, in ops. */
luron_tensor *embedding_rows(luron_call *c, const luron_ops *o, luron_tensor *w, luron_tensor *ids);
#endif
