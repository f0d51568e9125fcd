/* hashing.c -- integers as ids of so many bins: the last steps of splitmix64 (Stafford's 13th mix), whose upper half
 * says the bin. Keras's Hashing with another hash (it has FarmHash, of the numbers' digits). */
#include "preprocess.h"

enum { GRAIN = 8192 };
typedef struct hashing {
    int64_t num_bins;
    luron_ints mask_value;
} hashing;
typedef struct work {
    const hashing *o;
    const int64_t *from;
    int64_t *to, base;
} work;

static uint64_t hash(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}
static void bins(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const int masks = k->o->mask_value.n > 0 && k->o->num_bins > 1; /* the first bin is the mask's */
    const uint64_t n = (uint64_t)(k->o->num_bins - masks);
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const int64_t bin = (int64_t)((hash((uint64_t)k->from[i]) >> 32) * n >> 32);
        k->to[i] = (masks && k->from[i] == k->o->mask_value.at[0] ? 0 : bin + masks) + k->base;
    }
}
static luron_status setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    return c->host->set_out(c, 0, LURON_I64, x->ndim, x->shape);
}
static luron_status forward(luron_call *c) {
    work k = {luron_options(c), luron_i64(luron_in(c, 0)), luron_i64(luron_out(c, 0)), c->index_base};
    c->host->parallel_for(c, luron_numel(luron_out(c, 0)), GRAIN, bins, &k);
    return LURON_OK;
}
static luron_status backward(luron_call *c) { /* of whole numbers there is none */
    (void)c;
    return LURON_OK;
}

static const luron_option *const options[] = {
    LURON_OPT_INT_REQ(hashing, num_bins, 1, 1e9, "bins there are"),
    LURON_OPT_INTS(hashing, mask_value, 0, 0, 0, 0, 1, "number that has the first bin, alone; nil: none"), NULL};
static const luron_port *const in[] = {LURON_PORT("input", 0, LURON_I64, 0, "integers of any shape"), NULL};
static const luron_port *const out[] = {
    LURON_PORT("output", LURON_PORT_INDEX, LURON_I64, 0, "as input: the bin of each"), NULL};
const luron_layer_type preprocess_hashing = {.struct_size = sizeof(luron_layer_type),
                                             .flags = LURON_LAYER_F64,
                                             .name = "Hashing",
                                             .doc = "integers as ids of bins, by a hash",
                                             .options = options,
                                             .options_size = sizeof(hashing),
                                             .in = in,
                                             .out = out,
                                             .setup = setup,
                                             .forward = forward,
                                             .backward = backward};
