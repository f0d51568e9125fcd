/* runs.h -- calling element-wise functions and optimiser steps of a plugin by hand, with the host's own services, to cut
 * their runs at will; and layers at several thread counts.                                                            */
#ifndef RUNS_H
#define RUNS_H
#include "tensor_assert.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A layer that notes the host's table, registered as a plugin linked into the program. */
static const luron_host *runs_seen;
static inline luron_status runs_note(luron_call *c) {
    runs_seen = c->host;
    return LURON_OK;
}
static inline const luron_host *runs_host(luron_ctx *ctx) {
    static const luron_layer_type type = { .struct_size = sizeof type, .name = "RunsProbe", .doc = "notes the host", .declare = runs_note, .setup = runs_note,
                                           .forward = runs_note, .backward = runs_note };
    static const luron_layer_type *const layers[] = { &type, NULL };
    static const luron_plugin plugin = { .struct_size = sizeof plugin, .abi_major = LURON_ABI_MAJOR, .name = "runs", .version = "1", .layers = layers };
    luron_layer *layer;
    assert_ok(ctx, luron_plugin_add(ctx, &plugin, "runs"));
    assert_ok(ctx, luron_layer_new(&layer, ctx, "RunsProbe", 0, NULL));
    luron_layer_unref(layer);
    assert_non_null(runs_seen);
    return runs_seen;
}

/* The descriptor of a plugin of the build. */
static inline const luron_plugin *runs_plugin(const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.so", getenv("LURON_PLUGIN_PATH"), name);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) fail_msg("%s", dlerror());
    const luron_plugin *plugin = dlsym(handle, "luron_plugin_main");
    assert_non_null(plugin);
    return plugin;
}

/* Options at their defaults, or (variant 1) with every switch on, the last choice, and 0.5 for what is 0. */
union runs_options { char bytes[512]; double align; int64_t align_int; };
static inline void runs_fill(union runs_options *to, const luron_option *const *options, int variant) {
    memset(to, 0, sizeof *to);
    for (int i = 0; options && options[i]; i++) {
        const luron_option *o = options[i];
        int32_t small = (int32_t)o->default_number;
        const double number = variant && o->default_number == 0 ? 0.5 : o->default_number;
        switch (o->kind) {
        case LURON_FLOAT: memcpy(to->bytes + o->offset, &number, sizeof number); break;
        case LURON_BOOL: small = variant ? 1 : small; memcpy(to->bytes + o->offset, &small, sizeof small); break;
        case LURON_CHOICE:
            for (small = 0; variant && o->choices[small + 1];) small++;
            memcpy(to->bytes + o->offset, &small, sizeof small);
            break;
        default: fail_msg("option '%s' has a kind that this test does not fill", o->name);
        }
    }
}

/* Output and gradients of a layer with the same bits at 1, 2, 3 and 8 threads. Inputs of `shape` (2-d): n_real of them,
 * uniform in [0.01, 0.99), then ids if given.                                                                         */
static inline void runs_threads(luron_ctx *ctx, const char *type, const char *options, int n_real, const int64_t *shape, luron_tensor *ids) {
    static const int threads[] = { 1, 2, 3, 8 };
    luron_tensor *in[4] = { NULL }, *first[4] = { NULL };
    luron_layer *layer;
    const int was = luron_ctx_threads(ctx);
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, type, options));
    for (int i = 0; i < n_real; i++) {
        assert_ok(ctx, luron_tensor_new(&in[i], ctx, LURON_F32, 2, shape));
        assert_ok(ctx, luron_tensor_uniform(ctx, in[i], 0.01, 0.99));
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, in[i], 1));
    }
    if (ids) in[n_real] = luron_tensor_ref(ids);
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        luron_tensor *got[4] = { NULL }, *v;
        assert_ok(ctx, luron_ctx_set_threads(ctx, threads[t]));
        luron_ctx_seed(ctx, 7);
        assert_ok(ctx, luron_layer_apply(&got[3], ctx, layer, n_real + (ids != NULL), in));
        assert_ok(ctx, luron_tensor_new(&v, ctx, LURON_F32, luron_tensor_ndim(got[3]), luron_tensor_shape(got[3])));
        assert_ok(ctx, luron_tensor_uniform(ctx, v, -1, 1));
        luron_tensor *wanted[3] = { in[0], n_real > 1 ? in[1] : NULL, luron_layer_param(layer, 0) };
        for (int i = 0; i < 3; i++)
            if (wanted[i]) assert_ok(ctx, luron_tensor_set_grad(ctx, wanted[i], NULL));
        assert_ok(ctx, luron_backward(ctx, got[3], v, 0));
        luron_tensor_unref(v);
        for (int i = 0; i < 3; i++)
            if (wanted[i]) got[i] = luron_tensor_ref(luron_tensor_grad(wanted[i]));
        for (int i = 0; i < 4; i++) {
            if (t == 0) first[i] = got[i];
            else if (got[i]) {
                assert_tensor_same_(got[i], first[i], type, __FILE__, __LINE__);
                luron_tensor_unref(got[i]);
            }
        }
    }
    for (int i = 0; i < 4; i++) luron_tensor_unref(first[i]), luron_tensor_unref(in[i]);
    luron_layer_unref(layer);
    assert_ok(ctx, luron_ctx_set_threads(ctx, was));
}

#endif
