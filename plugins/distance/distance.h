/* distance.h -- what the files of this plugin share. A file is a type. */
#ifndef DISTANCE_H
#define DISTANCE_H
#include "../composed_loss.h"

#define DISTANCES(X)                                                                                                   \
    X(cosine_similarity)                                                                                               \
    X(pairwise_distance) X(cosine_similarity_loss) X(cosine_embedding) X(triplet_margin)                               \
        X(triplet_margin_with_distance) X(circle)
#define DISTANCE_DECLARE(id) extern const luron_layer_type distance_##id;
DISTANCES(DISTANCE_DECLARE)

/* The options of all types; each lists those it has. */
typedef struct distance {
    int64_t dim;
    double p, eps, margin, gamma;
    int32_t keepdim, swap, distance, reduction, remove_diagonal;
} distance;
#define DISTANCE_REDUCTION LOSS_REDUCTION(distance)
#define DISTANCE_P LURON_OPT_FLOAT(distance, p, 2.0, 0, 1e300, "power of the norm")
#define DISTANCE_SWAP                                                                                                  \
    LURON_OPT_BOOL(distance, swap, 0, "the negative is also held against the positive, and the nearer counts")
#define DISTANCE_TYPE(type_name, call_name, text)                                                                      \
    .struct_size = sizeof(luron_layer_type), .flags = LURON_LAYER_F64, .name = type_name, .function = call_name,       \
    .doc = text, .options = options, .options_size = sizeof(distance), .in = in, .compose = compose
static inline luron_status distance_reduced(luron_call *c, const luron_ops *o, luron_tensor *terms) {
    return loss_reduced(c, o, terms, ((const distance *)luron_options(c))->reduction);
}
/** a b / (max(|a|, eps) max(|b|, eps)) along a dimension. */
static inline luron_tensor *distance_cosine(luron_call *c, const luron_ops *o, luron_tensor *a, luron_tensor *b,
                                            int dim, double eps) {
    luron_tensor *of_a = o->clamp(c, o->norm(c, a, 2, 1, &dim, 1), eps, INFINITY);
    luron_tensor *of_b = o->clamp(c, o->norm(c, b, 2, 1, &dim, 1), eps, INFINITY);
    return o->sum(c, o->mul(c, o->div(c, a, of_a), o->div(c, b, of_b)), 1, &dim, 0);
}
/** The norm of a - b + eps along the last dimension. */
static inline luron_tensor *distance_norm(luron_call *c, const luron_ops *o, luron_tensor *a, luron_tensor *b, double p,
                                          double eps, int keep) {
    const int last = -1;
    return o->norm(c, o->scale(c, o->sub(c, a, b), 1, eps), p, 1, &last, keep);
}
typedef luron_tensor *distance_fn(luron_call *c, const luron_ops *o, luron_tensor *a, luron_tensor *b);
/** Triplets: max(margin + d(anchor, positive) - d(anchor, negative), 0), reduced. */
luron_status distance_triplets(luron_call *c, const luron_ops *o, distance_fn *d);
extern const luron_port *const distance_triplet_ports[];
#endif
