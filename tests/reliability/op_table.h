/* op_table.h -- the lines of op_list.h as tables. */
#ifndef OP_TABLE_H
#define OP_TABLE_H
#include "generate.h"

#include "op_inputs.h"

#include <math.h>

#define DIMS(...)                                                                                                      \
    (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)), (const int[]) { __VA_ARGS__ }
#define ANY -2.0, 2.0
#define POSITIVE 0.3, 2.7
#define ABOVE_1 1.2, 2.7
#define UNIT -0.9, 0.9
#define S(letter) (g->size[(int)(#letter)[0]])

typedef struct op {
    const char *name, *spec;
    double lo, hi;
    int n_out;
    luron_status (*call)(luron_tensor **out, luron_ctx *ctx, luron_tensor *const *in, const generated *g);
} op;

#define SKIP(...)
#define OP_CALL_(name, line) op_##name##_##line
#define OP_CALL(name, line) OP_CALL_(name, line)
#define OP(name, spec, range, n_out, ...)                                                                              \
    static luron_status OP_CALL(name, __LINE__)(luron_tensor * *out, luron_ctx * ctx, luron_tensor *const *in,         \
                                                const generated *g) {                                                  \
        (void)g;                                                                                                       \
        return __VA_ARGS__;                                                                                            \
    }
#include "op_list.h"
#undef OP
#define OP(name, spec, range, n_out, ...) {#name, spec, range, n_out, OP_CALL(name, __LINE__)},
static const op ops[] = {
#include "op_list.h"
};
#undef OP
#undef SKIP
enum { N_OPS = sizeof ops / sizeof *ops };

/* One line with inputs: what is applied again and again. */
typedef struct op_bench {
    const op *op;
    generated g;
} op_bench;
static inline luron_status op_apply(luron_tensor **outs, luron_ctx *ctx, void *ud) {
    const op_bench *b = ud;
    luron_tensor *ins[GENERATE_MAX_IN];
    LURON_TRY(generate_inputs(ins, ctx, &b->g));
    luron_status status = b->op->call(outs, ctx, ins, &b->g);
    for (int i = 0; i < b->g.n_in; i++)
        luron_tensor_unref(ins[i]);
    return status;
}
#endif
