/* All pieces of a parallel loop add to one number: the sum depends on who comes first. */
#include <luron/plugin.h>

typedef struct job { const float *x; float sum; } job;
static void add(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    job *j = arg;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) j->sum += j->x[i];
}
static luron_status setup(luron_call *c) { return c->host->set_out(c, 0, LURON_REAL, 0, NULL); }
static luron_status forward(luron_call *c) {
    job j = { luron_f32(luron_in(c, 0)), 0 };
    c->host->parallel_for(c, luron_numel(luron_in(c, 0)), 16, add, &j);
    luron_f32(luron_out(c, 0))[0] = j.sum;
    return LURON_OK;
}
static luron_status backward(luron_call *c) {
    luron_view *g = luron_grad_in(c, 0);
    for (int64_t i = 0; g && i < luron_numel(g); i++) luron_f32(g)[i] += luron_f32(luron_grad_out(c, 0))[0];
    return LURON_OK;
}
static const luron_layer_type type = { .struct_size = sizeof type, .name = "WrongSum", .doc = "the sum of x", .setup = setup,
                                       .forward = forward, .backward = backward };
static const luron_layer_type *const layers[] = { &type, NULL };
LURON_PLUGIN_DEFINE(wrong) = { .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "wrong", .version = "1", .layers = layers };
