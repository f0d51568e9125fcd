/* tracer_ids.c -- which values of a trace are ids. Ids count as the context does (from 1 in Lua, from 0 in C), other
 * numbers count as they were written. A value is ids if an op says so (argmax), or if it is an integer input that
 * comes, as it is or shifted, where an op or layer takes ids. Where one kind meets the other, tracer_model.c puts to_ids
 * or from_ids. */
#include "tracer_steps.h"

#include <string.h>

bool luron__takes_ids(const luron__step *s, int i) {
    if (s->kind == LURON__STEP_OP) return i < 30 && s->op->ids_in >> i & 1;
    if (s->kind != LURON__STEP_LAYER) return false;
    const luron_type *type = s->layer->code->type;
    int last = type->n_in - 1;
    return last >= 0 && type->in[i < last ? i : last].flags & LURON_PORT_INDEX;
}

bool luron__carries(const luron__step *s, int i) {
    if (s->kind != LURON__STEP_OP || !(s->op->carries >> (i < 30 ? i : 30) & 1)) return false;
    return strcmp(s->op->name, "cast") != 0 || s->attrs.at[0] != LURON_B8;
}

static bool shifts(const luron__step *s) {
    return s->kind == LURON__STEP_OP && (strcmp(s->op->name, "add") == 0 || strcmp(s->op->name, "sub") == 0);
}

/* Bit 0: what it is goes where ids are taken. */
static void mark_wanted(uint8_t *wanted, const luron_tracer *t) {
    for (int64_t k = t->n_steps - 1; k >= 0; k--) {
        const luron__step *s = &t->steps[k];
        for (int i = 0; i < s->n_in; i++) {
            bool passes = s->kind == LURON__STEP_OP && wanted[s->first] && (luron__carries(s, i) || shifts(s));
            if (s->ins[i] >= 0 && (luron__takes_ids(s, i) || passes)) wanted[s->ins[i]] = 1;
        }
    }
}

luron_status luron__tracer_ids(uint8_t **is_ids, luron_ctx *ctx, const luron_tracer *t) {
    uint8_t *wanted, *ids;
    size_t bytes = (size_t)t->n_values + 1;
    LURON_TRY(luron__alloc(&wanted, ctx, bytes));
    luron_status status = luron__alloc(&ids, ctx, bytes);
    if (status) {
        luron__free(ctx, wanted, bytes);
        return status;
    }
    mark_wanted(wanted, t);
    for (int64_t k = 0; k < t->n_steps; k++) {
        const luron__step *s = &t->steps[k];
        bool whole = s->n_out && !luron_dtype_is_float(t->values[s->first].tensor->dtype);
        if (s->kind == LURON__STEP_INPUT) ids[s->first] = wanted[s->first] && whole;
        if (s->kind != LURON__STEP_OP) continue;
        ids[s->first] = (s->op->flags & LURON__OP_GIVES_IDS) != 0;
        for (int i = 0; i < s->n_in; i++)
            if (s->ins[i] >= 0 && luron__carries(s, i) && ids[s->ins[i]]) ids[s->first] = 1;
    }
    luron__free(ctx, wanted, bytes);
    *is_ids = ids;
    return LURON_OK;
}
