/* Plans: what a step finds and does not make. A change of it since is seen, and a step that changes it is refused. */
#include "fake_layers.h"
#include "training.h"

#include <math.h>
#include <stdbool.h>

/* What the steps here find: layers, one of them made of ops (Affine), a model, an optimiser, a tensor that an op reads.
 */
typedef struct things {
    luron_layer *linear, *affine;
    luron_model *model;
    luron_optim *optim;
    luron_tensor *w, *x;
} things;
static things now; /* of the running test: steps have no argument for it */

static luron_tensor *row(luron_ctx *ctx, double first) {
    return tensor_of(ctx, LURON_F32, 2, (const int64_t[]){1, 3}, (const double[]){first, 2, -1});
}

static void make_things(luron_ctx *ctx) {
    luron_value v;
    luron_layer *inner = make_linear(ctx, 3, 2);
    luron_arg lr = {.name = "lr", .kind = LURON_ARG_NUMBER, .number = 0.1};
    const luron_type *type;
    if (luron_type_find(&type, ctx, LURON_KIND_LAYER, "Affine"))
        assert_ok(ctx, luron_plugin_add(ctx, &luron_plugin_fakes, NULL));
    now = (things){.linear = make_linear(ctx, 3, 3), .x = row(ctx, 1), .w = row(ctx, 0.5)};
    assert_ok(ctx, luron_layer_new(&now.affine, ctx, "Affine", 0, NULL));
    assert_ok(ctx, luron_model_new(&now.model, ctx));
    assert_ok(ctx, luron_model_input(&v, ctx, now.model, NULL));
    assert_ok(ctx, luron_model_add(&v, ctx, now.model, NULL, inner, 1, &v));
    luron_layer_unref(inner);
    assert_ok(ctx, luron_tensor_set_requires_grad(ctx, now.w, 1));
    assert_ok(ctx, luron_optim_new(&now.optim, ctx, "SGD", 1, &lr));
    assert_ok(ctx, luron_optim_add(now.optim, ctx, 1, &now.w, NULL, 0, NULL));
}
static void free_things(void) {
    luron_optim_free(now.optim);
    luron_model_unref(now.model);
    luron_layer_unref(now.affine);
    luron_layer_unref(now.linear);
    luron_tensor_unref(now.w);
    luron_tensor_unref(now.x);
}

/* ---- a step that uses all of them ----------------------------------------------------------------------------------
 */
typedef luron_status step_fn(luron_tensor **out, luron_ctx *ctx, luron_tensor *x);

/* sum(model(linear(x) * w)) + sum(affine(x)), its gradients and a step. */
static luron_status whole(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *t[7] = {NULL};
    luron_status status = luron_optim_zero_grad(now.optim, ctx);
    for (int i = 0; i < 2 && !status; i++) {
        status = luron_tensor_set_grad(ctx, luron_layer_param(now.linear, i), NULL);
        if (!status) status = luron_tensor_set_grad(ctx, luron_layer_param(now.affine, i), NULL);
        if (!status) status = luron_tensor_set_grad(ctx, luron_model_param(now.model, i, NULL, 0), NULL);
    }
    if (!status) status = luron_layer_apply(&t[0], ctx, now.linear, 1, &x);
    if (!status) status = luron_mul(&t[1], ctx, t[0], now.w);
    if (!status) status = luron_model_run(&t[2], ctx, now.model, 1, &t[1]);
    if (!status) status = luron_sum(&t[3], ctx, t[2], 0, NULL, 0);
    if (!status) status = luron_layer_apply(&t[4], ctx, now.affine, 1, &x);
    if (!status) status = luron_sum(&t[5], ctx, t[4], 0, NULL, 0);
    if (!status) status = luron_add(&t[6], ctx, t[3], t[5]);
    if (!status) status = luron_backward(ctx, t[6], NULL, 0);
    if (!status) status = luron_optim_step(now.optim, ctx);
    if (!status) *out = luron_tensor_ref(t[6]);
    for (int i = 0; i < 7; i++)
        luron_tensor_unref(t[i]);
    return status;
}

static luron_plan *plan_of(luron_ctx *ctx, step_fn *fn) {
    luron_plan *plan;
    luron_tensor *y = NULL;
    assert_ok(ctx, luron_plan_begin(&plan, ctx, 1, &now.x));
    assert_ok(ctx, fn(&y, ctx, now.x));
    assert_ok(ctx, luron_plan_end(plan, ctx, 1, &y));
    luron_tensor_unref(y);
    return plan;
}

/* NULL: it fits. */
static void assert_misfit(luron_ctx *ctx, const luron_plan *plan, const char *part) {
    const char *why;
    assert_int_equal(luron_plan_fits(plan, ctx, 1, &now.x, &why), !part);
    if (!part)
        assert_null(why);
    else if (!why || !strstr(why, part))
        fail_msg("'%s' is not in '%s'", part, why ? why : "nothing");
}

static luron_status leave_gradient(luron_ctx *ctx, void *ud, luron_tensor *grad, luron_tensor **instead) {
    (void)ctx, (void)ud, (void)grad, (void)instead;
    return LURON_OK;
}
static luron_status leave_outputs(luron_ctx *ctx, void *ud, int n_in, luron_tensor *const *ins, int n_out,
                                  luron_tensor *const *outs, luron_tensor **instead) {
    (void)ctx, (void)ud, (void)n_in, (void)ins, (void)n_out, (void)outs, (void)instead;
    return LURON_OK;
}
static const luron_layer_hook forward_hook = {.struct_size = sizeof forward_hook, .forward = leave_outputs};

static void test_plan_seen_is_frozen_or_not(void **state) {
    luron_ctx *ctx = *state;
    make_things(ctx);
    luron_plan *plan = plan_of(ctx, whole);
    if (luron_plan_refusal(plan)) fail_msg("refused: %s", luron_plan_refusal(plan));
    luron_tensor *leaves[] = {now.w, luron_layer_param(now.linear, 0), luron_layer_param(now.linear, 1),
                              luron_layer_param(now.affine, 0), luron_model_param(now.model, 1, NULL, 0)};
    assert_misfit(ctx, plan, NULL);
    for (int i = 0; i < 5; i++) {
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, leaves[i], 0));
        assert_misfit(ctx, plan, "frozen or unfrozen");
        assert_ok(ctx, luron_tensor_set_requires_grad(ctx, leaves[i], 1));
        assert_misfit(ctx, plan, NULL);
    }
    luron_plan_free(plan);
    free_things();
}

static void test_plan_seen_has_hooks(void **state) {
    luron_ctx *ctx = *state;
    int64_t id;
    make_things(ctx);
    luron_plan *plan = plan_of(ctx, whole);
    assert_ok(ctx, luron_tensor_add_hook(&id, ctx, now.w, leave_gradient, NULL, NULL));
    assert_misfit(ctx, plan, "hook");
    assert_ok(ctx, luron_tensor_remove_hook(ctx, now.w, id));
    assert_ok(ctx, luron_layer_add_hook(&id, ctx, now.affine, &forward_hook, NULL));
    assert_misfit(ctx, plan, "hook");
    assert_ok(ctx, luron_layer_remove_hook(ctx, now.affine, id));
    assert_ok(ctx, luron_model_add_hook(&id, ctx, now.model, &forward_hook, NULL));
    assert_misfit(ctx, plan, "hook");
    assert_ok(ctx, luron_model_remove_hook(ctx, now.model, id));
    assert_misfit(ctx, plan, NULL);
    luron_plan_free(plan);
    free_things();
}

static void test_plan_seen_has_other_parts(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *other;
    luron_value v;
    make_things(ctx);
    luron_plan *plan = plan_of(ctx, whole);
    luron_layer_set_training(now.affine, 0); /* its mode might tell its ops what to do */
    assert_misfit(ctx, plan, "another mode");
    luron_layer_set_training(now.affine, 1);
    luron_ctx_set_higher(ctx, 1);
    assert_misfit(ctx, plan, "settings");
    luron_ctx_set_higher(ctx, 0);
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F64));
    assert_misfit(ctx, plan, "settings");
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, LURON_F32));
    luron_tensor *was = luron_tensor_ref(luron_layer_param(now.affine, 0));
    assert_ok(ctx, luron_copy(&other, ctx, was));
    assert_ok(ctx, luron_layer_set_param(ctx, now.affine, 0, other));
    assert_misfit(ctx, plan, "parameter");
    assert_ok(ctx, luron_layer_set_param(ctx, now.affine, 0, was));
    assert_misfit(ctx, plan, NULL);
    assert_ok(ctx, luron_layer_set_dtype(ctx, now.affine, LURON_F64)); /* another memory behind the same tensor */
    assert_misfit(ctx, plan, "memory");
    assert_ok(ctx, luron_model_add(&v, ctx, now.model, NULL, now.linear, 1, &(luron_value){0}));
    assert_misfit(ctx, plan, "a layer or model");
    luron_tensor_unref(was), luron_tensor_unref(other);
    luron_plan_free(plan);
    free_things();
}

/* ---- steps that change what they find ---------------------------------------------------------------------------- */
static luron_status plain(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return luron_scale(out, ctx, x, 2, 0);
}
static luron_status seeds(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_ctx_seed(ctx, 3);
    return plain(out, ctx, x);
}
static luron_status sets_rate(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_arg lr = {.name = "lr", .kind = LURON_ARG_NUMBER, .number = 0.2};
    LURON_TRY(luron_optim_set(now.optim, ctx, 0, &lr));
    return plain(out, ctx, x);
}
static luron_status adds_group(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *weight = luron_layer_param(now.linear, 0);
    LURON_TRY(luron_optim_add(now.optim, ctx, 1, &weight, NULL, 0, NULL));
    return plain(out, ctx, x);
}
static luron_status sets_param(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    LURON_TRY(luron_layer_set_param(ctx, now.linear, 0, luron_layer_param(now.linear, 0)));
    return plain(out, ctx, x);
}
static luron_status hooks(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    int64_t id;
    LURON_TRY(luron_tensor_add_hook(&id, ctx, now.w, leave_gradient, NULL, NULL));
    return plain(out, ctx, x);
}
static luron_status retains(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *y;
    LURON_TRY(luron_mul(&y, ctx, now.w, x));
    luron_status status = luron_tensor_retain_grad(ctx, y);
    luron_tensor_unref(y);
    return status ? status : plain(out, ctx, x);
}
static luron_status stops_recording(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_ctx_set_recording(ctx, 0);
    return plain(out, ctx, x);
}
static luron_status looks(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    int was = luron_ctx_set_detect_anomaly(ctx, 1);
    luron_status status = plain(out, ctx, x);
    luron_ctx_set_detect_anomaly(ctx, was);
    return status;
}
static luron_status detached(luron_tensor **out, luron_ctx *ctx, luron_status status, luron_tensor *y) {
    if (!status) status = luron_detach(out, ctx, y);
    luron_tensor_unref(y);
    return status;
}
/* Twice in one step: in eval, then in training. */
static luron_status switches(luron_tensor **out, luron_ctx *ctx, luron_tensor *x, luron_layer *layer) {
    luron_tensor *y;
    luron_layer_set_training(layer, 0);
    LURON_TRY(luron_layer_apply(&y, ctx, layer, 1, &x));
    luron_layer_set_training(layer, 1);
    return detached(out, ctx, LURON_OK, y);
}
static luron_status switches_fused(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return switches(out, ctx, x, now.linear);
}
static luron_status switches_composite(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return switches(out, ctx, x, now.affine);
}
static luron_status freezes(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *y;
    LURON_TRY(luron_tensor_set_requires_grad(ctx, now.w, 0));
    LURON_TRY(luron_mul(&y, ctx, now.w, x));
    LURON_TRY(luron_tensor_set_requires_grad(ctx, now.w, 1));
    return detached(out, ctx, LURON_OK, y);
}
static luron_status takes_gradient(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    return luron_mul(out, ctx, luron_tensor_grad(now.w), x);
}
static luron_status steps_first(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    LURON_TRY(luron_optim_step(now.optim, ctx));
    return plain(out, ctx, x);
}
static luron_status gives_gradient(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    LURON_TRY(plain(out, ctx, x));
    return luron_tensor_set_grad(ctx, x, *out);
}
static luron_status saves(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_checkpoint *file;
    LURON_TRY(luron_checkpoint_new(&file, ctx));
    luron_status status = luron_checkpoint_save(file, ctx, "", NULL, 0);
    luron_checkpoint_free(file);
    return status == LURON_OK ? LURON_E_INTERNAL : plain(out, ctx, x); /* the name is empty */
}
static luron_status says_so(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_ctx_refuse_plan(ctx, "reads the clock");
    return plain(out, ctx, x);
}

static void test_plan_seen_is_not_changed_in_the_step(void **state) {
    luron_ctx *ctx = *state;
    const struct {
        step_fn *fn;
        const char *why;
    } cases[] = {
        {seeds, "seeds random numbers"},
        {sets_rate, "changes options of an optimiser"},
        {adds_group, "adds parameters to an optimiser"},
        {sets_param, "puts a parameter into a layer"},
        {hooks, "registers a hook"},
        {retains, "retain_grad"},
        {stops_recording, "switches settings"},
        {looks, "detect_anomaly"},
        {switches_fused, "switches the mode of a layer"},
        {switches_composite, "switches the mode of a layer"},
        {freezes, "changes what was there before"},
        {takes_gradient, "uses gradients that were there before"},
        {steps_first, "uses gradients that were there before"},
        {gives_gradient, "makes what is given to it"},
        {saves, "writes a file"},
        {says_so, "reads the clock"},
    };
    luron_ctx_refuse_plan(ctx, "nothing is noted");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_things(ctx);
        luron_tensor *grad = row(ctx, 4);
        assert_ok(ctx, luron_tensor_set_grad(ctx, now.w, grad));
        luron_tensor_unref(grad);
        luron_plan *plan = plan_of(ctx, cases[i].fn);
        const char *why = luron_plan_refusal(plan);
        if (!why || !strstr(why, cases[i].why)) fail_msg("'%s' is not in '%s'", cases[i].why, why ? why : "nothing");
        luron_plan_free(plan);
        luron_ctx_set_recording(ctx, 1);
        free_things();
    }
}

/* ---- what a run leaves that fails -------------------------------------------------------------------------------- */
static luron_status root(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *y, *s;
    LURON_TRY(luron_optim_zero_grad(now.optim, ctx));
    LURON_TRY(luron_mul(&y, ctx, now.w, x));
    luron_status status = luron_sum(&s, ctx, y, 0, NULL, 0);
    luron_tensor_unref(y);
    LURON_TRY(status);
    status = luron_backward(ctx, s, NULL, 0);
    if (!status) status = luron_optim_step(now.optim, ctx);
    if (!status) *out = luron_tensor_ref(s);
    luron_tensor_unref(s);
    return status;
}
static luron_status fills(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    LURON_TRY(luron_tensor_fill(ctx, luron_layer_param(now.linear, 1), 7));
    return root(out, ctx, x);
}
static luron_status unrecorded(luron_tensor **out, luron_ctx *ctx,
                               luron_tensor *x) { /* written into outside of the tape */
    int was = luron_ctx_set_recording(ctx, 0);
    luron_status status = luron_tensor_fill(ctx, luron_layer_param(now.linear, 1), 7);
    luron_ctx_set_recording(ctx, was);
    return status ? status : root(out, ctx, x);
}

static void test_plan_says_whether_it_changed_something(void **state) {
    luron_ctx *ctx = *state;
    step_fn *const fns[] = {root, unrecorded};
    for (int i = 0; i < 2; i++) {
        make_things(ctx);
        luron_plan *plan = plan_of(ctx, fns[i]);
        luron_tensor *out, *bad = row(ctx, INFINITY), *grad = luron_tensor_ref(luron_tensor_grad(now.w));
        assert_null(luron_plan_refusal(plan));
        assert_fails(ctx, luron_plan_run(&out, plan, ctx, 1, &bad), LURON_E_NONFINITE, "not finite");
        assert_int_equal(luron_plan_changed(plan), i);
        assert_ptr_equal(luron_tensor_grad(now.w),
                         i ? NULL : grad); /* zero_grad was done: as the step would leave it */
        assert_ok(ctx, luron_plan_run(&out, plan, ctx, 1, &now.x));
        luron_tensor_unref(out), luron_tensor_unref(bad), luron_tensor_unref(grad);
        luron_plan_free(plan);
        free_things();
    }
    make_things(ctx); /* a parameter that is being recorded is not written into */
    luron_tensor *out;
    assert_fails(ctx, fills(&out, ctx, now.x), LURON_E_STATE, "cannot be changed in place");
    free_things();
}

/* ---- what two notings tell --------------------------------------------------------------------------------------- */
static double factor;
static luron_status affine_of(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *number, *y;
    LURON_TRY(luron_exp(&y, ctx, x));
    LURON_TRY(luron_scalar(&number, ctx, factor));
    luron_status status = luron_mul(out, ctx, y, number);
    luron_tensor_unref(y), luron_tensor_unref(number);
    return status;
}

static void test_plan_names_its_things(void **state) {
    luron_ctx *ctx = *state;
    static const char *const names[] = {"exp", "mul"};
    uint64_t a, b;
    make_things(ctx);
    factor = 2;
    luron_plan *first = plan_of(ctx, affine_of);
    factor = 3;
    luron_plan *second = plan_of(ctx, affine_of);
    assert_int_equal(luron_plan_n_steps(first), 2);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(luron_plan_step(first, i, &a), names[i]);
        assert_string_equal(luron_plan_step(second, i, &b), names[i]);
        assert_int_equal(a == b, i == 0);
    }
    assert_null(luron_plan_step(first, 2, &a));
    assert_null(luron_plan_step(first, -1, NULL));
    luron_plan_free(first), luron_plan_free(second);
    luron_plan *all = plan_of(ctx, whole);
    bool seen[4] = {false};
    for (int64_t i = 0; i < luron_plan_n_steps(all); i++) {
        const char *name = luron_plan_step(all, i, NULL), *wanted[] = {"Linear", "backward", "tanh", "SGD"};
        for (int k = 0; k < 4; k++)
            seen[k] = seen[k] || strcmp(name, wanted[k]) == 0;
    }
    for (int k = 0; k < 4; k++)
        assert_true(seen[k]);
    luron_plan_free(all);
    free_things();
}

/* ---- layers that the step makes ------------------------------------------------------------------------------------ */
static bool keeps, draws;
static void place_of(void *ud, char *buf, size_t n) { snprintf(buf, n, "%s", (const char *)ud); }

/* A layer that is gone when the step is over, unless it is kept in now.affine. */
static luron_status makes_layer(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_layer *layer = keeps ? luron_layer_ref(now.affine) : NULL;
    if (draws) luron_layer_unref(make_linear(ctx, 3, 2));
    if (!layer) LURON_TRY(luron_layer_new(&layer, ctx, "Tanh", 0, NULL));
    luron_status status = luron_layer_apply(out, ctx, layer, 1, &x);
    luron_layer_unref(layer);
    return status;
}
static luron_status keeps_layer(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    if (!keeps) {
        luron_layer_unref(now.affine);
        LURON_TRY(luron_layer_new(&now.affine, ctx, "Tanh", 0, NULL));
        luron_ctx_keep_layer(ctx, now.affine);
        keeps = true;
    }
    return makes_layer(out, ctx, x);
}

static void test_plan_seen_makes_layers(void **state) {
    luron_ctx *ctx = *state;
    make_things(ctx);
    keeps = draws = false;
    luron_plan *first = plan_of(ctx, makes_layer);
    const uint64_t hash = luron_plan_hash(first);
    assert_null(luron_plan_refusal(first));
    assert_string_equal(luron_plan_made(first, 0), "");
    assert_null(luron_plan_made(first, 1));
    assert_null(luron_plan_made(first, -1));
    luron_plan_free(first); /* the next layer may have its address */
    luron_ctx_set_locate(ctx, place_of, "step.lua:4");
    luron_plan *second = plan_of(ctx, makes_layer);
    assert_string_equal(luron_plan_made(second, 0), "step.lua:4");
    assert_true(luron_plan_hash(second) != hash);
    luron_plan *made = plan_of(ctx, keeps_layer), *kept = plan_of(ctx, keeps_layer);
    assert_true(luron_plan_hash(made) == luron_plan_hash(kept));
    assert_null(luron_plan_made(made, 0));
    draws = true;
    luron_plan *drawn = plan_of(ctx, makes_layer);
    assert_string_equal(luron_plan_refusal(drawn), "makes a layer, Linear, and draws its parameters: make it outside of the step (step.lua:4)");
    luron_ctx_set_locate(ctx, NULL, NULL);
    luron_ctx_keep_layer(ctx, now.affine); /* nothing is noted */
    luron_plan_free(second), luron_plan_free(made), luron_plan_free(kept), luron_plan_free(drawn);
    free_things();
}

/* ---- which things they are ----------------------------------------------------------------------------------------- */
static luron_status detach(luron_tensor **out, luron_ctx *ctx, luron_status status, luron_tensor *y) {
    if (!status) status = luron_detach(out, ctx, y);
    luron_tensor_unref(y);
    return status;
}
static luron_status applies_linear(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *y = NULL;
    const luron_status status = luron_layer_apply(&y, ctx, now.linear, 1, &x);
    return detach(out, ctx, status, y);
}
static luron_status applies_affine(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *y = NULL;
    const luron_status status = luron_layer_apply(&y, ctx, now.affine, 1, &x);
    return detach(out, ctx, status, y);
}
static luron_status runs_model(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *y = NULL;
    const luron_status status = luron_model_run(&y, ctx, now.model, 1, &x);
    return detach(out, ctx, status, y);
}
static luron_status multiplies(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *y = NULL;
    const luron_status status = luron_mul(&y, ctx, x, now.w);
    return detach(out, ctx, status, y);
}
static luron_status steps(luron_tensor **out, luron_ctx *ctx, luron_tensor *x) {
    luron_tensor *y = NULL, *sum = NULL;
    luron_status status = luron_optim_zero_grad(now.optim, ctx);
    if (!status) status = luron_mul(&y, ctx, x, now.w);
    if (!status) status = luron_sum(&sum, ctx, y, 0, NULL, 0);
    if (!status) status = luron_backward(ctx, sum, NULL, 0);
    if (!status) status = luron_optim_step(now.optim, ctx);
    luron_tensor_unref(y);
    *out = sum;
    return status;
}

/* Others that are like them, made when they are gone, so that some lie where they were, are others. */
static void test_plan_tells_things_from_others_at_their_place(void **state) {
    luron_ctx *ctx = *state;
    step_fn *const fns[] = {applies_linear, applies_affine, runs_model, multiplies, steps};
    for (size_t i = 0; i < sizeof fns / sizeof *fns; i++) {
        uint64_t hash[4];
        for (int k = 0; k < 4; k++) {
            if (k % 2 == 0) make_things(ctx);
            luron_plan *plan = plan_of(ctx, fns[i]);
            assert_null(luron_plan_refusal(plan));
            hash[k] = luron_plan_hash(plan);
            luron_plan_free(plan);
            if (k % 2) free_things();
        }
        assert_true(hash[0] == hash[1] && hash[2] == hash[3]);
        assert_true(hash[0] != hash[2]);
    }
}

/* What the program has done with. */
static void test_plan_seen_drops(void **state) {
    luron_ctx *ctx = *state;
    make_things(ctx);
    for (int k = 0; k < 5; k++) {
        luron_plan *all = plan_of(ctx, whole), *one = plan_of(ctx, applies_linear);
        const void *used[] = {now.linear, now.affine, now.model, now.optim, now.w};
        const char *why = NULL;
        luron_ctx_drop_plans(ctx, NULL);
        assert_true(luron_plan_fits(all, ctx, 1, &now.x, NULL) && luron_plan_fits(one, ctx, 1, &now.x, NULL));
        luron_ctx_drop_plans(ctx, used[k]);
        assert_int_equal(luron_plan_fits(one, ctx, 1, &now.x, NULL), k != 0);
        assert_int_equal(luron_plan_fits(all, ctx, 1, &now.x, &why), k == 4); /* a tensor is none of them */
        if (k < 4) assert_string_equal(why, "a layer, model or optimiser that it uses was closed");
        luron_plan_free(all), luron_plan_free(one);
    }
    free_things();
}

/* The k-th allocation fails while a step is noted: the step fails or the plan is refused, and nothing is lost. */
static void test_plan_seen_without_memory(void **state) {
    luron_ctx *ctx = *state;
    int64_t k = 1, blocks;
    bool done = false;
    make_things(ctx);
    luron_plan_free(plan_of(ctx, whole));
    for (blocks = luron_ctx_live_blocks(ctx); !done; k++) {
        luron_plan *plan = NULL;
        luron_tensor *y = NULL;
        luron_ctx_fail_alloc(ctx, k, 0);
        luron_status status = luron_plan_begin(&plan, ctx, 1, &now.x), ended = LURON_OK;
        if (!status) {
            status = whole(&y, ctx, now.x);
            ended = luron_plan_end(plan, ctx, status ? -1 : 1, &y);
        }
        luron_ctx_fail_alloc(ctx, 0, 0);
        assert_true(status == LURON_OK || status == LURON_E_NOMEM);
        assert_true(ended == LURON_OK || ended == LURON_E_NOMEM);
        done = !status && !ended && !luron_plan_refusal(plan);
        if (!status && luron_plan_refusal(plan)) assert_non_null(strstr(luron_plan_refusal(plan), "not enough memory"));
        luron_tensor_unref(y);
        luron_plan_free(plan);
        assert_ok(ctx, whole(&y, ctx, now.x)); /* gradients are there again */
        luron_tensor_unref(y);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    }
    assert_true(k > 50);
    free_things();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_plan_seen_is_frozen_or_not),
        test_case(test_plan_seen_has_hooks),
        test_case(test_plan_seen_has_other_parts),
        test_case(test_plan_seen_is_not_changed_in_the_step),
        test_case(test_plan_says_whether_it_changed_something),
        test_case(test_plan_names_its_things),
        test_case(test_plan_seen_makes_layers),
        test_case(test_plan_tells_things_from_others_at_their_place),
        test_case(test_plan_seen_drops),
        test_case(test_plan_seen_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
