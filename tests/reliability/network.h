/* network.h -- a classifier in training, of any optimiser type: data, model, steps. For checks of bits and of memory.
 */
#ifndef NETWORK_H
#define NETWORK_H
#include "tensor_assert.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct network {
    int in, hidden, out, batch;
    luron_model *model;
    luron_optim *optim;
} network;

static inline luron_status network_add(luron_value *v, luron_ctx *ctx, luron_model *model, const char *type,
                                       const char *json) {
    luron_layer *layer;
    LURON_TRY(luron_layer_from_json(&layer, ctx, type, json));
    luron_status status = luron_model_add(v, ctx, model, NULL, layer, 1, v);
    luron_layer_unref(layer);
    return status;
}

/** Linear, GELU, Dropout, Linear. On failure nothing is left. */
static inline luron_status network_model(luron_ctx *ctx, network *n) {
    char first[96], last[96];
    luron_model *model;
    luron_value v;
    snprintf(first, sizeof first, "{\"in_features\": %d, \"out_features\": %d}", n->in, n->hidden);
    snprintf(last, sizeof last, "{\"in_features\": %d, \"out_features\": %d}", n->hidden, n->out);
    LURON_TRY(luron_model_new(&model, ctx));
    luron_status status = luron_model_input(&v, ctx, model, NULL);
    if (!status) status = network_add(&v, ctx, model, "Linear", first);
    if (!status) status = network_add(&v, ctx, model, "GELU", NULL);
    if (!status) status = network_add(&v, ctx, model, "Dropout", "{\"p\": 0.3}");
    if (!status) status = network_add(&v, ctx, model, "Linear", last);
    if (status)
        luron_model_unref(model);
    else
        n->model = model;
    return status;
}

static inline luron_status network_optim(luron_ctx *ctx, network *n, const char *type) {
    luron_tensor *params[8], *t;
    char names[8][64];
    const char *name_list[8];
    luron_optim *optim;
    const bool matrices_only = strcmp(type, "Muon") == 0;
    int k = 0;
    for (int i = 0; (t = luron_model_param(n->model, i, names[k], sizeof names[k])); i++)
        if (!matrices_only || luron_tensor_ndim(t) >= 2) params[k] = t, name_list[k] = names[k], k++;
    LURON_TRY(luron_optim_new(&optim, ctx, type, 0, NULL));
    luron_status status = luron_optim_add(optim, ctx, k, params, name_list, 0, NULL);
    if (status)
        luron_optim_free(optim);
    else
        n->optim = optim;
    return status;
}

static inline network network_new(luron_ctx *ctx, int in, int hidden, int out, int batch, const char *optim) {
    network n = {.in = in, .hidden = hidden, .out = out, .batch = batch};
    assert_ok(ctx, network_model(ctx, &n));
    assert_ok(ctx, network_optim(ctx, &n, optim));
    return n;
}
static inline void network_free(network *n) {
    luron_optim_free(n->optim);
    luron_model_unref(n->model);
}

/** Cross-entropy of a random batch (the class is the largest of the first numbers); *loss on the tape. */
static inline luron_status network_loss(luron_tensor **loss, luron_ctx *ctx, network *n) {
    luron_tensor *ins[2] = {NULL, NULL}, *x = NULL, *some = NULL;
    luron_layer *criterion = NULL;
    luron_status status = luron_tensor_new(&x, ctx, LURON_F32, LURON_SHAPE(n->batch, n->in));
    if (!status) status = luron_tensor_normal(ctx, x, 0, 1);
    if (!status) status = luron_narrow(&some, ctx, x, 1, 0, n->out);
    if (!status) status = luron_argmax(&ins[1], ctx, some, 1, 0); /* something that can be learnt */
    if (!status) status = luron_model_run(&ins[0], ctx, n->model, 1, &x);
    if (!status) status = luron_layer_new(&criterion, ctx, "CrossEntropyLoss", 0, NULL);
    if (!status) status = luron_layer_apply(loss, ctx, criterion, 2, ins);
    luron_layer_unref(criterion);
    luron_tensor *made[] = {x, some, ins[0], ins[1]};
    for (int i = 0; i < 4; i++)
        luron_tensor_unref(made[i]);
    return status;
}

static inline luron_status network_step(luron_ctx *ctx, network *n) {
    luron_tensor *loss;
    LURON_TRY(network_loss(&loss, ctx, n));
    luron_status status = luron_backward(ctx, loss, NULL, 0);
    luron_tensor_unref(loss);
    if (!status) status = luron_optim_step(n->optim, ctx);
    if (!status) status = luron_optim_zero_grad(n->optim, ctx);
    return status;
}

#endif
