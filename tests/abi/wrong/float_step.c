/* An optimiser that knows descent in float64 and goes anywhere in float32. */
#include <luron/plugin.h>

typedef struct descent { double lr; } descent;
static void step(luron_step *s) {
    const double lr = ((const descent *)s->options)->lr;
    for (int64_t i = 0; i < s->n; i++)
        if (s->dtype == LURON_F64) ((double *)s->param)[i] -= lr * ((const double *)s->grad)[i];
        else ((float *)s->param)[i] += 0.001f;
}
static const luron_option *const options[] = { LURON_OPT_FLOAT(descent, lr, 0.1, 0, 10, "length of a step"), NULL };
static const luron_optim_type type = { .struct_size = sizeof type, .name = "WrongStep", .doc = "descent in float64", .options = options,
                                       .options_size = sizeof(descent), .step = step };
static const luron_optim_type *const optims[] = { &type, NULL };
LURON_PLUGIN_DEFINE(wrong) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "wrong", .version = "1", .optims = optims };
