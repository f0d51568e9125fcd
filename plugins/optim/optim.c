/* optim.c -- the plugin: optimisers with the names, options and numbers of PyTorch's; Lion and FTRL with
 * Keras's, LAMB and LARS with their papers'. */
#include "optim.h"

static const luron_optim_type *const optims[] = { &optim_sgd, &optim_adam, &optim_adamw, &optim_rmsprop, &optim_adagrad, &optim_nadam,
    &optim_radam, &optim_adamax, &optim_adadelta, &optim_rprop, &optim_lion, &optim_asgd, &optim_lamb, &optim_muon, &optim_adafactor,
    &optim_lars, &optim_ftrl, NULL };
LURON_PLUGIN_DEFINE(optim) = {
    .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "optim", .version = "0.1.0", .optims = optims
};
