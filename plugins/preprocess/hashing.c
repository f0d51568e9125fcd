/* hashing.c -- Hashing and HashedCrossing: integers, or several together, as ids of so many bins: the last steps of
 * splitmix64 (Stafford's 13th mix), whose upper half says the bin. Keras's with another hash (it has FarmHash, of the
 * numbers' digits). */
#include "preprocess.h"
#include <string.h>

enum { GRAIN = 8192 };
typedef struct hashing {
    int64_t num_bins;
    luron_ints mask_value;
} hashing;
typedef struct crossing {
    int64_t num_bins;
} crossing;
static uint64_t hash(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}
static int64_t bin_of(uint64_t hashed, int64_t bins) { return (int64_t)((hashed >> 32) * (uint64_t)bins >> 32); }

/* ---- Hashing ----------------------------------------------------------------------------------------------------- */
static void bins(void *call, int64_t begin, int64_t end, int64_t chunk) {
    luron_call *c = call;
    const hashing *o = luron_options(c);
    const int masks = o->mask_value.n > 0 && o->num_bins > 1; /* the first bin is the mask's */
    const int64_t *from = luron_i64(luron_in(c, 0)), n = o->num_bins - masks;
    int64_t *to = luron_i64(luron_out(c, 0));
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const int64_t bin = bin_of(hash((uint64_t)from[i]), n);
        to[i] = (masks && from[i] == o->mask_value.at[0] ? 0 : bin + masks) + c->index_base;
    }
}
static luron_status setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    return c->host->set_out(c, 0, LURON_I64, x->ndim, x->shape);
}
static luron_status forward(luron_call *c) {
    c->host->parallel_for(c, luron_numel(luron_out(c, 0)), GRAIN, bins, c);
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

/* ---- HashedCrossing ---------------------------------------------------------------------------------------------- */
/* The hash of each number goes into the next one's: of a single number it is Hashing's. */
static void crossed(void *call, int64_t begin, int64_t end, int64_t chunk) {
    luron_call *c = call;
    const int64_t n = ((const crossing *)luron_options(c))->num_bins;
    int64_t *to = luron_i64(luron_out(c, 0));
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        uint64_t all = 0;
        for (int p = 0; p < c->n_in; p++)
            all = hash(all ^ (uint64_t)luron_i64(luron_in(c, p))[i]);
        to[i] = bin_of(all, n) + c->index_base;
    }
}
static luron_status cross_setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    for (int p = 1; p < c->n_in; p++) {
        const luron_view *other = luron_in(c, p);
        if (other->ndim != x->ndim || (x->ndim && memcmp(other->shape, x->shape, (size_t)x->ndim * sizeof *x->shape)))
            return luron_fail(c, LURON_E_SHAPE,
                              "input %lld has another shape than the first: integers of one shape expected",
                              (long long)luron_shown(c, p));
    }
    return setup(c);
}
static luron_status cross(luron_call *c) {
    c->host->parallel_for(c, luron_numel(luron_out(c, 0)), GRAIN, crossed, c);
    return LURON_OK;
}
static const luron_option *const cross_options[] = {LURON_OPT_INT_REQ(crossing, num_bins, 1, 1e9, "bins there are"),
                                                    NULL};
static const luron_port *const cross_in[] = {
    LURON_PORT("input", 0, LURON_I64, 0, "integers of any shape"),
    LURON_PORT("others", LURON_PORT_VARIADIC, LURON_I64, 0, "integers, as input"), NULL};
const luron_layer_type preprocess_hashed_crossing = {.struct_size = sizeof(luron_layer_type),
                                                     .flags = LURON_LAYER_F64,
                                                     .name = "HashedCrossing",
                                                     .doc = "several integers together as ids of bins, by a hash",
                                                     .options = cross_options,
                                                     .options_size = sizeof(crossing),
                                                     .in = cross_in,
                                                     .out = out,
                                                     .setup = cross_setup,
                                                     .forward = cross,
                                                     .backward = backward};
