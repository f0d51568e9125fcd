/* An optimiser that counts its steps in a static, which no checkpoint has. */
#include <luron/plugin.h>

typedef struct descent { double lr; } descent;
static void step(luron_step *s) {
    static int64_t calls;
    const double lr = ((const descent *)s->options)->lr / (double)(1 + calls++ / 8);
    for (int64_t i = 0; i < s->n; i++)
        if (s->dtype == LURON_F64) ((double *)s->param)[i] -= lr * ((const double *)s->grad)[i];
        else ((float *)s->param)[i] -= (float)lr * ((const float *)s->grad)[i];
}
static const luron_option *const options[] = { LURON_OPT_FLOAT(descent, lr, 0.1, 0, 10, "length of a step"), NULL };
static const luron_optim_type type = { .struct_size = sizeof type, .name = "WrongDescent", .doc = "descent that slows down", .options = options,
                                       .options_size = sizeof(descent), .step = step };
static const luron_optim_type *const optims[] = { &type, NULL };
LURON_PLUGIN_DEFINE(wrong) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "wrong", .version = "1", .optims = optims };
