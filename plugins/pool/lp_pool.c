/* lp_pool.c: the p-norm of each window: (sum x^p)^(1/p). A window that ceil_mode lets reach over the end counts as if
 * what is missing were like the mean of the rest, as in PyTorch. The gradient of a norm of 0 is 0. */
#include "pool.h"

static luron_status setup(luron_call *c) {
    planes p;
    return pool_set_out(c, &p);
}
static luron_status compose(luron_call *c, const luron_ops *o) {
    planes p;
    LURON_TRY(pool_open(c, &p));
    const int is_length = p.o->norm_type == 2; /* a product and a root are much quicker than powers */
    luron_tensor *x = o->in(c, 0), *one = o->scalar(c, 1);
    x = is_length ? o->mul(c, x, x) : o->pow(c, x, o->scalar(c, p.o->norm_type));
    x = pool_padded(c, o, &p, x, 0);
    for (int d = POOL_DIMS - 1; d >= POOL_DIMS - p.dims; d--) {
        x = pool_added_up(c, o, &p, d, x);
        if (p.o->ceil_mode) x = o->div(c, o->scale(c, x, (double)p.kernel[d], 0), pool_divisors(c, o, &p, d));
    }
    luron_tensor *zero = o->scalar(c, 0), *none = o->eq(c, x, zero);
    x = o->where(c, none, one, x);
    x = is_length ? o->sqrt(c, x) : o->pow(c, x, o->scalar(c, 1 / p.o->norm_type));
    return o->set_out(c, 0, o->where(c, none, zero, x));
}
#define TYPES(n)                                                                                                       \
    static const luron_option *const options##n[] = {LURON_OPT_(pool, norm_type, LURON_FLOAT, LURON_OPTION_REQUIRED,   \
                                                                0, 0.1, 10, NULL, NULL, 0, 0,                          \
                                                                "p: 1 gives sums, 2 lengths"),                         \
                                                     POOL_KERNEL(n), POOL_STRIDE(n), POOL_CEIL, NULL};                 \
    const luron_layer_type pool_lp##n##d =                                                                             \
        POOL_TYPE("LPPool" #n "d", "the p-norm of each window", options##n, pool_in##n, setup, NULL, NULL, compose);
TYPES(1) TYPES(2) TYPES(3)
