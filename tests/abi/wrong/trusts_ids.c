/* Looks whether its ids are too large, and not whether they are ids at all: a negative one reads before the row. */
#include <luron/plugin.h>

static luron_status setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0), *ids = luron_in(c, 1);
    if (x->shape[0] != ids->shape[0]) return luron_fail(c, LURON_E_SHAPE, "as many ids as rows expected");
    return c->host->set_out(c, 0, LURON_REAL, LURON_SHAPE(x->shape[0]));
}
static luron_status forward(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    for (int64_t i = 0; i < x->shape[0]; i++) {
        const int64_t id = luron_id(c, 1, i);
        if (id >= x->shape[1]) return c->host->bad_id(c, 1, i, x->shape[1]);
        luron_f32(luron_out(c, 0))[i] = luron_f32(x)[i * x->shape[1] + id];
    }
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    const luron_view *x = luron_in(c, 0);
    luron_view *g = luron_grad_in(c, 0);
    for (int64_t i = 0; g && i < x->shape[0]; i++)
        luron_f32(g)[i * x->shape[1] + luron_id(c, 1, i)] += luron_f32(luron_grad_out(c, 0))[i];
    return LURON_OK;
}
static const luron_port *const in[] = { LURON_PORT("input", 0, LURON_REAL, 2, "rows"), LURON_PORT("ids", LURON_PORT_INDEX, 0, 1, "one a row"), NULL };
static const luron_layer_type type = { .struct_size = sizeof type, .name = "WrongPick", .doc = "a number of each row", .in = in, .setup = setup,
                                       .forward = forward, .backward = backward };
static const luron_layer_type *const layers[] = { &type, NULL };
LURON_PLUGIN_DEFINE(wrong) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "wrong", .version = "1", .layers = layers };
