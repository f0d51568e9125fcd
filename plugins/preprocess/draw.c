/* draw.c -- what the layers draw that is not uniform. */
#include "image.h"

/* The accepted one of so many proposals; that there is none has a probability below 1e-10. */
enum { TRIES = 8 };

/* Gamma(alpha + 1)'s numbers as Marsaglia and Tsang draw them, times u^(1 / alpha), over their sum: by their
 * logarithms, for with a small alpha the numbers themselves are too small for any type. */
luron_tensor *image_shares(luron_call *c, const luron_ops *o, int stream, int64_t n, int64_t k, luron_tensor *alpha) {
    const int64_t shape[4] = {n, k, 1, TRIES};
    luron_tensor *d = o->scale(c, alpha, 1, 2.0 / 3), *x = image_normal(c, o, stream, 4, shape);
    luron_tensor *root = o->scale(c, o->mul(c, x, o->rsqrt(c, o->scale(c, d, 9, 0))), 1, 1);
    root = o->clamp(c, root, 1e-9, 1e9); /* of what was below 0 all are refused */
    luron_tensor *log_root = o->log(c, root), *cube = o->mul(c, o->square(c, root), root);
    luron_tensor *bound = o->sub(c, o->scale(c, log_root, 3, 1), cube);
    bound = o->add(c, o->scale(c, o->square(c, x), 0.5, 0), o->mul(c, d, bound));
    luron_tensor *accepted = o->lt(c, o->log1p(c, o->neg(c, o->uniform(c, stream + 2, 4, shape))), bound);
    luron_tensor *first = o->argmax(c, o->cast(c, accepted, c->dtype), 3, 1);
    luron_tensor *log_gamma = o->add(c, o->scale(c, o->gather(c, log_root, 3, first), 3, 0), o->log(c, d));
    luron_tensor *log_power = o->log1p(c, o->neg(c, o->uniform(c, stream + 3, LURON_SHAPE(n, k, 1, 1))));
    return o->softmax(c, o->add(c, log_gamma, o->div(c, log_power, alpha)), 1);
}

luron_tensor *image_part(luron_call *c, const luron_ops *o, int stream, int dim, int64_t n, luron_tensor *share) {
    luron_tensor *first = o->mul(c, image_drawn(c, o, stream), o->scale(c, share, -(double)n, (double)n));
    luron_tensor *at = image_line(c, o, dim, n), *end = o->add(c, first, o->scale(c, share, (double)n, 0));
    return o->logical_and(c, o->ge(c, at, first), o->lt(c, at, end));
}
