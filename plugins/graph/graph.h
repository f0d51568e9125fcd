/* graph.h -- what the files of this plugin share. Nodes have rows, x (n, in); edge_index (2, e) holds the sources of
 * the edges and then their targets, and what is said goes from source to target. Names, options and numbers are those
 * of PyTorch Geometric. Sums over the edges of a node are made by one thread in the order of the edges. */
#ifndef GRAPH_H
#define GRAPH_H
#include "../loops.h"

enum { X, EDGES, EDGE_WEIGHT }; /* ports */

/* The edges by one of their ends: those of node i are at first[i] to first[i + 1] - 1, in the order in which they come.
 */
typedef struct graph_ends {
    int64_t n, e;
    int64_t *first; /* (n + 1) */
    int64_t *edge;  /* (e): number of the edge */
    int64_t *other; /* (e): the node at its other end */
} graph_ends;

enum { BY_SOURCE, BY_TARGET };
/** Bytes of the lists of one graph_ends, a multiple of 64. */
int64_t graph_ends_bytes(int64_t n, int64_t e);
/** Sort; at: graph_ends_bytes of memory. The ids are checked. */
void graph_sort(const luron_call *c, graph_ends *to, int by, char *at);
/** Nodes and edges of a call. */
static inline int64_t graph_nodes(const luron_call *c) { return luron_in(c, X)->shape[0]; }
static inline int64_t graph_edges(const luron_call *c) { return luron_in(c, EDGES)->shape[1]; }
static inline int64_t graph_source(const luron_call *c, int64_t e) { return luron_id(c, EDGES, e); }
static inline int64_t graph_target(const luron_call *c, int64_t e) { return luron_id(c, EDGES, graph_edges(c) + e); }
static inline int64_t graph_size(const luron_call *c) { return c->dtype == LURON_F64 ? 8 : 4; }
static inline int64_t graph_round(int64_t bytes) { return (bytes + 63) & ~(int64_t)63; }
/** Bytes of n numbers of the layer's dtype in the scratch memory. */
static inline int64_t graph_bytes(const luron_call *c, int64_t n) { return graph_round(n * graph_size(c)); }
/** A matrix of the layer's dtype; shape must outlive it. */
static inline luron_view graph_matrix(const luron_call *c, void *data, int64_t *shape) {
    return (luron_view){.data = data,
                        .device_type = 1,
                        .ndim = 2,
                        .dtype_code = (uint8_t)(c->dtype >> 8),
                        .dtype_bits = (uint8_t)c->dtype,
                        .dtype_lanes = 1,
                        .shape = shape};
}

/** out = op(a) op(b) + beta out + bias; flags: LURON_TRANS_A, LURON_TRANS_B. */
static inline luron_status graph_product(luron_call *c, uint32_t flags, const luron_view *a, const luron_view *b,
                                         const luron_view *bias, luron_view *out, double beta) {
    return c->host->gemm(c, &(luron_gemm){sizeof(luron_gemm), flags, a, b, bias, out, beta});
}

/* One pass: rows of `to` become the sums of coef[edge] times the rows of `from` at the other end, plus self[i] times
 * their own. All of rows of `wide` numbers. */
typedef struct graph_pass {
    const luron_call *c;
    graph_ends ends;
    int64_t wide;
    const void *coef;        /* (e), NULL: 1 */
    const void *self;        /* (n), NULL: 0 */
    const void *from, *bias; /* bias: (wide), or NULL */
    void *to;
    int adds; /* to what is there */
} graph_pass;
void graph_run(luron_call *c, graph_pass *p);

/* A product of rows, in eight sums that are added by halves. */
#define DOT(T)                                                                                                         \
    INLINE T dot_##T(const T *a, const T *b, int64_t n) {                                                              \
        T lane[8] = {0};                                                                                               \
        int64_t i = 0;                                                                                                 \
        for (; i + 8 <= n; i += 8)                                                                                     \
            for (int l = 0; l < 8; l++)                                                                                \
                lane[l] += a[i + l] * b[i + l];                                                                        \
        for (int l = 0; i < n; i++, l++)                                                                               \
            lane[l] += a[i] * b[i];                                                                                    \
        for (int l = 0; l < 4; l++)                                                                                    \
            lane[l] += lane[l + 4];                                                                                    \
        return (lane[0] + lane[2]) + (lane[1] + lane[3]);                                                              \
    }
DOT(float)
DOT(double)

/** Shapes of x, of edge_index and, where it is given, of edge_weight; out (n, out_channels). */
luron_status graph_setup(luron_call *c, int64_t in_channels, int64_t out_channels);

/* ---- in ops --------------------------------------------------------------------------------------------------------
 */
luron_tensor *graph_end(luron_call *c, const luron_ops *o, int row); /* (e): 0 the sources, 1 the targets */
/** The rows of h, weighed by coef (e), NULL: 1, summed at the targets. */
luron_tensor *graph_gather(luron_call *c, const luron_ops *o, luron_tensor *h, luron_tensor *coef);

#define TYPES(T) T(gcn) T(sage) T(gin) T(gat) T(gatv2) T(mean_pool) T(add_pool) T(max_pool)
#define DECLARE(name) extern const luron_layer_type graph_##name;
TYPES(DECLARE)
extern const luron_port *const graph_in[]; /* x and edge_index */

#endif
