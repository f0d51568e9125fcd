/* What messages say of the tape. */
#include "call.h"
#include "hooks.h"

#include <stdio.h>
#include <string.h>

const char *luron__node_text(char *buf, size_t n, const luron__node *node) {
    const luron_layer *layer = node->layer ? node->layer->layer : NULL;
    const char *name = layer && layer->name ? layer->name : "";
    if (layer)
        snprintf(buf, n, "layer %s%.80s%s%s", *name ? "'" : "", name, *name ? "' = " : "",
                 luron_type_name(node->layer->code->type));
    else if (node->type)
        snprintf(buf, n, "layer %s", luron_type_name(node->type));
    else
        snprintf(buf, n, "'%.80s'", node->function ? node->function->name : node->label ? node->label : node->op->name);
    size_t at = strlen(buf);
    if (node->where && at < n) snprintf(buf + at, n - at, " (applied at %.100s)", node->where);
    return buf;
}

const char *luron__operand_text(char *buf, size_t n, const luron_ctx *ctx, const luron__node *node, int i) {
    const struct luron__layer_call *lc = node->layer;
    snprintf(buf, n, "operand %d", i + ctx->index_base);
    if (!lc) return buf;
    const luron_port *port = i < lc->n_in ? luron__port_in(lc->code->type, i) : NULL;
    snprintf(buf, n, "input '%s'", port ? port->name : "input");
    for (int s = 0; s < LURON__MAX_SLOTS; s++)
        if (lc->param_at[s] == i && lc->layer->param[s].name) snprintf(buf, n, "parameter '%s'", lc->layer->param[s].name);
    return buf;
}

static luron_status fail_used(luron_ctx *ctx, const luron__node *node, bool is_root) {
    char text[LURON__NODE_TEXT];
    luron__node_text(text, sizeof text, node);
    if (node->used == LURON__USED_IN_VAIN)
        return luron__fail(
            ctx, LURON_E_STATE,
            "backward through %s: the tape was partly used by a backward that failed: compute the result again", text);
    return luron__fail(
        ctx, LURON_E_STATE, "backward through %s a second time: %s", text,
        is_root ? "the first has used the tape up: give that one retain_graph, or compute the tensor again"
                : "a backward from another result has used up the part of the tape that the two share: give that one "
                  "retain_graph, or go back from the sum of the two once");
}

static luron_status fail_changed(luron_ctx *ctx, const luron__node *node, int i) {
    char text[LURON__NODE_TEXT], operand[128], shape[LURON__SHAPE_TEXT];
    bool is_in = i < node->n_in, is_param = node->layer && is_in && i >= node->layer->n_in;
    const luron_tensor *t = is_in ? node->in[i] : node->out[i - node->n_in];
    if (is_in)
        luron__operand_text(operand, sizeof operand, ctx, node, i);
    else
        snprintf(operand, sizeof operand, "output %d", i - node->n_in + ctx->index_base);
    return luron__fail(ctx, LURON_E_STATE,
                       "backward: %s of %s was changed in place after it was saved for the gradient (shape %s, version "
                       "%llu, saved %llu): %s",
                       operand, luron__node_text(text, sizeof text, node),
                       luron_shape_text(shape, sizeof shape, t->ndim, t->shape),
                       (unsigned long long)luron_tensor_version(t), (unsigned long long)node->version[i],
                       is_param ? "change parameters, as a step of an optimiser does, after the backward"
                                : "change a clone of it, or change it after the backward");
}

luron_status luron__node_check(luron_ctx *ctx, const luron__node *node, bool is_root) {
    if (node->used) return fail_used(ctx, node, is_root);
    for (int i = 0; i < node->n_in + node->n_out; i++) {
        const luron_tensor *t = i < node->n_in ? node->in[i] : node->out[i - node->n_in];
        if (t && node->version[i] != UINT64_MAX && node->version[i] != luron_tensor_version(t))
            return fail_changed(ctx, node, i);
    }
    return LURON_OK;
}

luron_status luron__check_root(luron_ctx *ctx, const luron_tensor *y, const luron_tensor *g) {
    char a[LURON__SHAPE_TEXT], b[LURON__SHAPE_TEXT];
    if (y->requires_grad && (g ? luron__same_shape(y, g) && g->dtype == y->dtype : luron_tensor_numel(y) == 1))
        return LURON_OK;
    luron_shape_text(a, sizeof a, y->ndim, y->shape);
    LURON__CHECK(ctx, y->requires_grad || !y->unrecorded, LURON_E_STATE,
                 "backward: the tensor of shape %s was made while nothing was recorded (no_grad, or a backward without "
                 "create_graph): compute it with recording on",
                 a);
    LURON__CHECK(ctx, y->requires_grad, LURON_E_STATE,
                 "backward: the tensor of shape %s depends on nothing that requires a gradient (say so of a leaf, "
                 "before computing with it)",
                 a);
    LURON__CHECK(ctx, g, LURON_E_SHAPE,
                 "backward: a tensor of one element expected, got shape %s (reduce it with sum or mean, or give the "
                 "gradient of that shape)",
                 a);
    LURON__CHECK(ctx, luron__same_shape(y, g), LURON_E_SHAPE, "backward: gradient of shape %s expected, got %s", a,
                 luron_shape_text(b, sizeof b, g->ndim, g->shape));
    return luron__fail(ctx, LURON_E_DTYPE, "backward: gradient of dtype %s expected, got %s",
                       luron_dtype_name(y->dtype), luron_dtype_name(g->dtype));
}
