--- What `luron plugin new` writes, by kind. NAME stands for the plugin (my_layer), TYPE for its type (MyLayer).
local templates = {}

templates.activation = {
  source = [=[
/* NAME.c: x times sigmoid(beta x), a function of one number at a time. Build: make */
#include <luron/plugin.h>
#include <math.h>

typedef struct settings { double beta; } settings; /* the options, as the host stores them */

static float sigmoid(float v) { return 1.0f / (1.0f + expf(-v)); }

/* to = f(x), for a run of n numbers. Element i of the result depends on element i alone. */
static void apply(const luron_run *r) {
    const float beta = (float)((const settings *)r->options)->beta, *x = r->x;
    float *y = r->to;
    for (int64_t i = 0; i < r->n; i++) y[i] = x[i] * sigmoid(beta * x[i]);
}

/* to = gy f'(x): gy is what comes back, the gradient of the result. */
static void derive(const luron_run *r) {
    const float beta = (float)((const settings *)r->options)->beta, *x = r->x, *gy = r->gy;
    float *gx = r->to;
    for (int64_t i = 0; i < r->n; i++) {
        const float s = sigmoid(beta * x[i]);
        gx[i] = gy[i] * (s + beta * x[i] * s * (1 - s));
    }
}

/* The same in functions that can be differentiated again: for second derivatives. May be left out. */
static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *x = o->in(c, 0);
    return o->set_out(c, 0, o->mul(c, x, o->sigmoid(c, o->scale(c, x, ((const settings *)luron_options(c))->beta, 0))));
}

static const luron_option *const options[] = { LURON_OPT_FLOAT(settings, beta, 1.0, -100, 100, "steepness"), NULL };
static const luron_elementwise fn = { .struct_size = sizeof fn, .apply = apply, .derive = derive };
static const luron_layer_type type = {
    .struct_size = sizeof type, .name = "TYPE", .function = "NAME", .doc = "x * sigmoid(beta * x)",
    .options = options, .options_size = sizeof(settings), .compose = compose, .elementwise = &fn };
static const luron_layer_type *const layers[] = { &type, NULL };
LURON_PLUGIN_DEFINE(NAME) = {
    .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "NAME", .version = "0.1.0", .layers = layers };
]=],
  use = "`nn.TYPE()` is a layer, `nn.NAME(x)` and `x:NAME()` are the function.",
  training = [=[
local model = nn.Sequential { nn.Linear(1, 8), nn.TYPE(), nn.Linear(8, 1) }
local opt = luron.optim.Adam(model, { lr = 0.02 })
local function loss() return nn.mse_loss(model(x), x * x) end
]=],
}

templates.layer = {
  source = [=[
/* NAME.c: y = x * weight + bias, with a weight and a bias for each feature of the last dimension; x (..., size). Build: make */
#include <luron/plugin.h>

enum { WEIGHT, BIAS }; /* slots of the parameters */
typedef struct settings { int64_t size; int32_t bias; } settings; /* the options, as the host stores them */

/* When the layer is made: parameters, from the options alone. They belong to the host, which trains and saves them. */
static luron_status declare(luron_call *c) {
    const settings *o = luron_options(c);
    LURON_TRY(c->host->declare_param(c, WEIGHT, "weight", LURON_SHAPE(o->size), luron_init_constant(1)));
    return o->bias ? c->host->declare_param(c, BIAS, "bias", LURON_SHAPE(o->size), luron_init_zeros()) : LURON_OK;
}

/* When the shapes of the inputs are known: check sizes, say what comes out. */
static luron_status setup(luron_call *c) {
    const settings *o = luron_options(c);
    const luron_view *x = luron_in(c, 0);
    if (x->ndim < 1 || x->shape[x->ndim - 1] != o->size)
        return luron_fail(c, LURON_E_SHAPE, "input of shape (..., %lld) expected", (long long)o->size);
    return luron_set_out_like(c, 0, x);
}

static luron_status forward(luron_call *c) {
    const int64_t n = luron_numel(luron_in(c, 0)), size = ((const settings *)luron_options(c))->size;
    const float *x = luron_f32(luron_in(c, 0)), *w = luron_f32(luron_param(c, WEIGHT)), *b = luron_f32(luron_param(c, BIAS));
    float *y = luron_f32(luron_out(c, 0));
    for (int64_t i = 0; i < n; i++) y[i] = x[i] * w[i % size] + (b ? b[i % size] : 0);
    return LURON_OK;
}

/* Gradients are ADDED into memory that is zeroed for us; NULL: that one is not wanted. */
static luron_status backward(luron_call *c) {
    const luron_view *g = luron_grad_out(c, 0);
    const int64_t n = luron_numel(g), size = ((const settings *)luron_options(c))->size;
    const float *gy = luron_f32(g), *x = luron_f32(luron_in(c, 0)), *w = luron_f32(luron_param(c, WEIGHT));
    float *gx = luron_f32(luron_grad_in(c, 0)), *gw = luron_f32(luron_grad_param(c, WEIGHT));
    float *gb = luron_f32(luron_grad_param(c, BIAS));
    for (int64_t i = 0; i < n; i++) {
        if (gx) gx[i] += gy[i] * w[i % size];
        if (gw) gw[i % size] += gy[i] * x[i];
        if (gb) gb[i % size] += gy[i];
    }
    return LURON_OK;
}

/* forward in functions that can be differentiated again: for second derivatives. May be left out. */
static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *y = o->mul(c, o->in(c, 0), o->param(c, WEIGHT)), *b = o->param(c, BIAS);
    return o->set_out(c, 0, b ? o->add(c, y, b) : y);
}

static const luron_option *const options[] = {
    LURON_OPT_INT_REQ(settings, size, 1, 1e9, "size of the last dimension"),
    LURON_OPT_BOOL(settings, bias, 1, "add a bias"), NULL };
static const luron_layer_type type = {
    .struct_size = sizeof type, .flags = LURON_LAYER_FREES_OUT, .name = "TYPE", .doc = "x * weight + bias",
    .options = options, .options_size = sizeof(settings), .declare = declare, .setup = setup, .forward = forward,
    .backward = backward, .compose = compose };
static const luron_layer_type *const layers[] = { &type, NULL };
LURON_PLUGIN_DEFINE(NAME) = {
    .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "NAME", .version = "0.1.0", .layers = layers };
]=],
  use = "`nn.TYPE(3)` is a layer for inputs (..., 3), with the parameters `weight` and `bias`.",
  training = [=[
local model = nn.Sequential { nn.TYPE(1), nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1) }
local opt = luron.optim.Adam(model, { lr = 0.02 })
local function loss() return nn.mse_loss(model(x), x * x) end
]=],
}

templates.loss = {
  source = [=[
/* NAME.c: the mean of sqrt(1 + d^2) - 1 with d = input - target: a parabola near 0, straight lines far away. Build: make */
#include <luron/plugin.h>

/* When the shapes of the inputs are known: check sizes, say what comes out: one number, of no dimension. */
static luron_status setup(luron_call *c) {
    const luron_view *x = luron_in(c, 0), *t = luron_in(c, 1);
    int same = x->ndim == t->ndim;
    for (int i = 0; same && i < x->ndim; i++) same = x->shape[i] == t->shape[i];
    if (!same) return luron_fail(c, LURON_E_SHAPE, "input and target of one shape expected");
    return c->host->set_out(c, 0, LURON_REAL, 0, NULL);
}

/* The loss in functions of tensors: its gradient follows from theirs, for both real types and to any order. */
static luron_status compose(luron_call *c, const luron_ops *o) {
    luron_tensor *d = o->sub(c, o->in(c, 0), o->in(c, 1));
    luron_tensor *each = o->scale(c, o->sqrt(c, o->scale(c, o->square(c, d), 1, 1)), 1, -1);
    return o->set_out(c, 0, o->mean(c, each, 0, NULL, 0));
}

static const luron_port *const in[] = {
    LURON_PORT("input", 0, LURON_REAL, 0, "any shape"), LURON_PORT("target", 0, LURON_REAL, 0, "as input"), NULL };
static const luron_layer_type type = {
    .struct_size = sizeof type, .flags = LURON_LAYER_LOSS | LURON_LAYER_F64, .name = "TYPE", .function = "NAME",
    .doc = "mean of sqrt(1 + (input - target)^2) - 1", .in = in, .setup = setup, .compose = compose };
static const luron_layer_type *const layers[] = { &type, NULL };
LURON_PLUGIN_DEFINE(NAME) = {
    .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "NAME", .version = "0.1.0", .layers = layers };
]=],
  use = "`nn.NAME(output, target)` is the loss, `nn.TYPE()` the same as a layer.",
  training = [=[
local model = nn.Sequential { nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1) }
local opt = luron.optim.Adam(model, { lr = 0.02 })
local function loss() return nn.NAME(model(x), x * x) end
]=],
}

templates.optimizer = {
  source = [=[
/* NAME.c: gradient descent with momentum. Build: make */
#include <luron/plugin.h>

typedef struct settings { double lr, momentum; } settings; /* the options, as the host stores them; lr may change between steps */

/* One run of a parameter, for T = float or double. Element i of the result depends on element i alone. */
#define STEP(T)                                                      \
    do {                                                             \
        const T lr = (T)o->lr, kept = (T)o->momentum, *g = s->grad;  \
        T *p = s->param, *velocity = s->state[0];                    \
        for (int64_t i = 0; i < s->n; i++) {                         \
            velocity[i] = kept * velocity[i] + g[i];                 \
            p[i] -= lr * velocity[i];                                \
        }                                                            \
    } while (0)

static void step(luron_step *s) {
    const settings *o = s->options;
    if (s->dtype == LURON_F64) STEP(double);
    else STEP(float);
}

static const luron_option *const options[] = {
    LURON_OPT_FLOAT(settings, lr, 0.01, 0, 1e300, "length of a step"),
    LURON_OPT_FLOAT(settings, momentum, 0.9, 0, 1, "share of the velocity that is kept"), NULL };
static const char *const state[] = { "velocity", NULL }; /* tensors shaped like the parameter, zero at first, saved */
static const luron_optim_type type = {
    .struct_size = sizeof type, .name = "TYPE", .doc = "gradient descent with momentum", .options = options,
    .options_size = sizeof(settings), .state = state, .step = step };
static const luron_optim_type *const optims[] = { &type, NULL };
LURON_PLUGIN_DEFINE(NAME) = {
    .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "NAME", .version = "0.1.0", .optims = optims };
]=],
  use = "`luron.optim.TYPE(model, { lr = 0.01 })` is the optimiser.",
  training = [=[
local model = nn.Sequential { nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1) }
local opt = luron.optim.TYPE(model, { lr = 0.02 })
local function loss() return nn.mse_loss(model(x), x * x) end
]=],
}

templates.makefile = [=[
# make: NAME.so.  make check: looks for faults, and trains a little with it.
LURON ?= LURON_COMMAND
PREFIX := $(shell dirname "$$(dirname "$$(readlink -f "$$(command -v $(LURON))")")")
CFLAGS ?= -O2 -Wall -Wextra

NAME.so: NAME.c
	$(CC) $(CFLAGS) -shared -fPIC -I$(PREFIX)/include -o $@ $< -lm

check: NAME.so
	$(LURON) plugin check ./NAME.so
	$(LURON) test.lua

clean:
	rm -f NAME.so

.PHONY: check clean
]=]

templates.test = [=[
--- A tiny training with the plugin: `make check` runs it behind `luron plugin check`.
local luron = require "luron"
local nn = luron.nn
assert(luron.load_plugin "./NAME.so")
luron.seed(1)

local x = luron.rand(64, 1) * 2 - 1
TRAINING
local first = loss():item()
for _ = 1, 300 do
  local value = loss()
  opt:zero_grad()
  value:backward()
  opt:step()
end
local last = loss():item()
print(string.format("loss %.4f at first, %.4f after 300 steps", first, last))
assert(last < first / 4, "it does not learn")
]=]

templates.readme = [=[
# NAME

A plugin for Luron, begun by `luron plugin new`. USE

    make                 # NAME.so
    make check           # looks for faults, and trains a little with it
    export LURON_PLUGIN_PATH="$PWD"      # luron finds it from now on, in this terminal

`NAME.c` is all there is to it: one file, one header, nothing to link. `luron plugin info ./NAME.so` shows what it registers;
docs/plugins.md of Luron is the guide.
]=]

return templates
