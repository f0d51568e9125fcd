/* discretization.c: the bin of each number: the first one is below the first of the boundaries, the last one from the
 * last of them on. The boundaries, ascending, are zeros until luron.adapt sets them, or fits quantiles. */
#include "preprocess.h"

typedef struct discretization {
    int64_t num_bins;
} discretization;

static luron_status declare(luron_call *c) {
    const discretization *o = luron_options(c);
    return c->host->declare_state(c, 0, "bin_boundaries", LURON_REAL, LURON_SHAPE(o->num_bins - 1), luron_init_zeros());
}
static luron_status setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    return c->host->set_out(c, 0, LURON_I64, x->ndim, x->shape);
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    return o->set_out(c, 0, o->searchsorted(c, o->state(c, 0), o->in(c, 0), 1));
}

static const luron_option *const options[] = {LURON_OPT_INT_REQ(discretization, num_bins, 1, 1e6, "bins there are"),
                                              NULL};
static const luron_port *const in[] = {LURON_PORT("input", 0, LURON_REAL, 0, "numbers of any shape"), NULL};
static const luron_port *const out[] = {
    LURON_PORT("output", LURON_PORT_INDEX, LURON_I64, 0, "as input: the bin of each"), NULL};
const luron_layer_type preprocess_discretization = {.struct_size = sizeof(luron_layer_type),
                                                    .flags = LURON_LAYER_F64,
                                                    .name = "Discretization",
                                                    .doc =
                                                        "numbers as ids of bins, as for CategoryEncoding or Embedding",
                                                    .options = options,
                                                    .options_size = sizeof(discretization),
                                                    .in = in,
                                                    .out = out,
                                                    .declare = declare,
                                                    .setup = setup,
                                                    .compose = compose};
