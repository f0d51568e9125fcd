/* edges.c: edges sorted by an end, by counting: stable, and linear in nodes and edges. Sums over them. from (n, wide),
 * coef (e), self (n) -> to (n, wide). */
#ifndef REAL
#include "graph.h"

enum { GRAIN = 32768 };

int64_t graph_ends_bytes(int64_t n, int64_t e) { return graph_round((n + 1 + 2 * e) * (int64_t)sizeof(int64_t)); }

void graph_sort(const luron_call *c, graph_ends *to, int by, char *at) {
    const int64_t n = to->n = graph_nodes(c), e = to->e = graph_edges(c);
    int64_t *first = to->first = (int64_t *)(void *)at;
    to->edge = first + n + 1, to->other = to->edge + e;
    for (int64_t i = 0; i <= n; i++)
        first[i] = 0;
    for (int64_t k = 0; k < e; k++)
        first[by == BY_TARGET ? graph_target(c, k) : graph_source(c, k)]++;
    for (int64_t i = 1; i <= n; i++)
        first[i] += first[i - 1];
    for (int64_t k = e - 1; k >= 0; k--) { /* from the end: first[] comes to its place */
        const int64_t s = graph_source(c, k), t = graph_target(c, k), place = --first[by == BY_TARGET ? t : s];
        to->edge[place] = k, to->other[place] = by == BY_TARGET ? s : t;
    }
}

#define REAL float
#include "edges.c"
#undef REAL
WIDE_PASS(rows)
#define REAL double
#include "edges.c"
#undef REAL

void graph_run(luron_call *c, graph_pass *p) {
    const int64_t each = p->ends.n ? (p->ends.e / p->ends.n + 2) * (p->wide + 1) : 1;
    p->c = c;
    c->host->parallel_for(c, p->ends.n, 1 + GRAIN / each, BY_VECTORS(c, rows), p);
}
#else
LOOP TYPED(rows)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const graph_pass *p = arg;
    const REAL *coef = p->coef, *self = p->self, *bias = p->bias;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        REAL *restrict to = (REAL *)p->to + i * p->wide;
        for (int64_t j = 0; !p->adds && j < p->wide; j++)
            to[j] = 0;
        for (int64_t k = p->ends.first[i]; k < p->ends.first[i + 1]; k++) {
            const REAL *restrict from = (const REAL *)p->from + p->ends.other[k] * p->wide;
            const REAL times = coef ? coef[p->ends.edge[k]] : 1;
            for (int64_t j = 0; j < p->wide; j++)
                to[j] += times * from[j];
        }
        const REAL *restrict own = (const REAL *)p->from + i * p->wide;
        for (int64_t j = 0; self && j < p->wide; j++)
            to[j] += self[i] * own[j];
        for (int64_t j = 0; bias && j < p->wide; j++)
            to[j] += bias[j];
    }
}
#endif
