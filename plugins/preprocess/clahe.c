/* clahe.c -- ContrastLimitedAdaptiveHistogramEqualization, Keras's: each tile of a channel has a table of what its
 * numbers become, by how often they come there; a place takes what the tables of the four tiles around say. It draws
 * nothing and works in eval mode too. */
#include "image.h"

enum { BINS = 256 };
typedef struct clahe {
    luron_floats value_range;
    double clip_limit;
    luron_ints tile_grid_size;
} clahe;
/* An axis of n places: tiles of `size`, the last ones filled up by what is reflected. */
typedef struct axis {
    int dim;
    int64_t n, tiles, size;
} axis;
/* Of `tiles` tiles some may lie wholly behind the last place: the first of them is seen from there, the others are not.
 */
static axis axis_of(luron_call *c, const luron_ops *o, luron_tensor *x, int dim, int64_t tiles) {
    const int64_t n = o->size(c, x, dim), size = (n + tiles - 1) / tiles, seen = (n + size - 1) / size + 1;
    return (axis){dim, n, seen < tiles ? seen : tiles, size};
}

static luron_status check_values(luron_call *c) {
    return image_check_values(c, &((const clahe *)luron_options(c))->value_range);
}
static luron_tensor *ids_of(luron_call *c, const luron_ops *o, luron_tensor *whole) {
    return o->cast(c, o->scale(c, whole, 1, (double)c->index_base), LURON_I64);
}
/* x as long as all tiles: a b c | c b a | a ... */
static luron_tensor *filled(luron_call *c, const luron_ops *o, luron_tensor *x, axis a) {
    const int64_t all = a.tiles * a.size;
    if (all == a.n) return x;
    luron_tensor *at = o->remainder(c, image_line(c, o, a.dim, all), o->scalar(c, 2 * (double)a.n));
    at = o->minimum(c, at, o->scale(c, at, -1, 2 * (double)a.n - 1));
    return o->index_select(c, x, a.dim, ids_of(c, o, o->reshape(c, at, LURON_SHAPE(all))));
}
/* The tables of the tiles, (planes, tiles BINS): for each number, how many of the tile's are not more, from 0 to 255;
 * none counts more than the limit, and what is beyond it is shared out among all numbers alike. */
static luron_tensor *tables(luron_call *c, const luron_ops *o, luron_tensor *bins, axis down, axis along) {
    static const int order[] = {0, 1, 3, 2, 4}, last[] = {1};
    const int64_t planes = o->size(c, bins, 0) * o->size(c, bins, 1), tiles = down.tiles * along.tiles;
    const double n = (double)(down.size * along.size), limit = ((const clahe *)luron_options(c))->clip_limit * n / BINS;
    bins = filled(c, o, filled(c, o, bins, down), along);
    bins = o->permute(c, o->reshape(c, bins, LURON_SHAPE(planes, down.tiles, down.size, along.tiles, along.size)), 5,
                      order);
    bins = ids_of(c, o, o->reshape(c, bins, LURON_SHAPE(planes * tiles, down.size * along.size)));
    luron_tensor *none = o->expand(c, o->scalar(c, 0), LURON_SHAPE(planes * tiles, BINS));
    luron_tensor *ones = o->expand(c, o->scalar(c, 1), LURON_SHAPE(planes * tiles, down.size * along.size));
    luron_tensor *counts = o->scatter_add(c, o->contiguous(c, none), 1, bins, ones);
    if (limit > 0) {
        luron_tensor *kept = o->clamp(c, counts, 0, limit);
        luron_tensor *rest = o->sum(c, o->sub(c, counts, kept), 1, last, 1);
        counts = o->add(c, kept, o->scale(c, rest, 1.0 / BINS, 0));
    }
    luron_tensor *up_to = o->cumsum(c, counts, 1), *first = o->narrow(c, up_to, 1, 0, 1);
    luron_tensor *others = o->scale(c, first, -1, n), *zero = o->scalar(c, 0);
    others = o->where(c, o->eq(c, others, zero), o->scalar(c, 1), others);
    luron_tensor *table = o->div(c, o->scale(c, o->sub(c, up_to, first), 255, 0), others);
    return o->reshape(c, o->clamp(c, table, 0, 255), LURON_SHAPE(planes, tiles * BINS));
}
/* The tile whose middle is at or before a place of the axis, and how far on the way to the next one that is. */
static luron_tensor *tile_of(luron_call *c, const luron_ops *o, axis a, luron_tensor **share) {
    luron_tensor *at = o->scale(c, image_line(c, o, a.dim, a.n), 1 / (double)a.size, -0.5), *tile = o->floor(c, at);
    *share = o->sub(c, at, tile);
    return tile;
}
static luron_status equalise(luron_call *c, const luron_ops *o) {
    const clahe *p = luron_options(c);
    const image_range v = image_values(&p->value_range);
    luron_tensor *x = image_batch(c, o), *down_share, *along_share, *seen[2][2];
    if (!luron_numel(luron_in(c, 0))) return image_give(c, o, x);
    const axis down = axis_of(c, o, x, 2, p->tile_grid_size.at[0]),
               along = axis_of(c, o, x, 3, p->tile_grid_size.at[1]);
    const int64_t n = o->size(c, x, 0), channels = o->size(c, x, 1);
    const double step = 255 / (v.high - v.low);
    luron_tensor *is_number = o->eq(c, x, x), *bins = o->scale(c, x, step, -v.low * step);
    bins = o->trunc(c, o->clamp(c, o->where(c, is_number, bins, o->scalar(c, 0)), 0, BINS - 1));
    luron_tensor *table = tables(c, o, bins, down, along);
    luron_tensor *top = tile_of(c, o, down, &down_share), *left = tile_of(c, o, along, &along_share);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) {
            luron_tensor *row = o->clamp(c, o->scale(c, top, 1, i), 0, (double)(down.tiles - 1));
            luron_tensor *column = o->clamp(c, o->scale(c, left, 1, j), 0, (double)(along.tiles - 1));
            luron_tensor *tile = o->add(c, o->scale(c, o->cast(c, row, LURON_F64), (double)along.tiles, 0),
                                        o->cast(c, column, LURON_F64)); /* float32 has not all ids */
            luron_tensor *at = o->add(c, o->cast(c, bins, LURON_F64), o->scale(c, tile, BINS, 0));
            at = ids_of(c, o, o->reshape(c, at, LURON_SHAPE(n * channels, down.n * along.n)));
            seen[i][j] = o->reshape(c, o->gather(c, table, 1, at), LURON_SHAPE(n, channels, down.n, along.n));
        }
    luron_tensor *above = image_mixed(c, o, seen[0][0], seen[0][1], along_share);
    luron_tensor *y = image_mixed(c, o, above, image_mixed(c, o, seen[1][0], seen[1][1], along_share), down_share);
    y = o->where(c, is_number, o->scale(c, y, 1 / step, v.low), x); /* NaN stays, and counts as the least */
    return image_give(c, o, y);
}

static const luron_option *const options[] = {
    IMAGE_VALUES(clahe),
    LURON_OPT_FLOAT(clahe, clip_limit, 4, 0, 1e9,
                    "how many times its even share a number may count at most; 0: no limit"),
    LURON_OPT_INTS(clahe, tile_grid_size, 8, 1, 1e3, 2, 2, "tiles down and along"), NULL};
const luron_layer_type preprocess_clahe =
    IMAGE_TYPE_(0, "ContrastLimitedAdaptiveHistogramEqualization",
                "each channel with all values equally often around each place, in eval mode too", options,
                sizeof(clahe), check_values, image_setup, equalise);
