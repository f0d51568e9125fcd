/* reload.h -- what the files of a plugin's reload share. First everything is made that will be needed (rebind), which
 * can fail and changes nothing; then it is put into place (switch), which cannot fail. */
#ifndef LURON_RELOAD_H
#define LURON_RELOAD_H
#include "internal.h"

/* Why a layer or an optimiser cannot go on with the new type: "option 'gain' is gone; parameter 'w' is new". */
struct luron__diffs {
    int n;
    char text[700];
};
LURON_PRINTF(2, 3) void luron__diff(luron__diffs *diffs, const char *fmt, ...);

/* ---- reload_layer.c ---------------------------------------------------------------------------------------------- */
/** What a layer gets. */
typedef struct luron__next_layer luron__next_layer;
/** Bind the options again, run declare (and setup, if it declared slots before) of `type` and match what they declare
 * with what the layer has. NULL if that gave differences. */
luron_status luron__layer_rebind(luron__next_layer **out, luron_ctx *ctx, luron_layer *layer, const luron_type *type,
                                 luron__diffs *diffs);
/** The layer gets it. The contents of the type that it has and of `type` of the rebind have been exchanged before, so
 * that the calls on the tape, which go on with the old code, get the latter. */
void luron__layer_switch(luron_layer *layer, luron__next_layer *next);
void luron__next_layer_free(luron__next_layer *next);

/* ---- optim.c ----------------------------------------------------------------------------------------------------- */
typedef struct luron__next_optim luron__next_optim;
luron_status luron__optim_rebind(luron__next_optim **out, luron_ctx *ctx, luron_optim *optim, const luron_type *type,
                                 luron__diffs *diffs);
/** The contents of the two types have not been exchanged yet. */
void luron__optim_switch(luron_optim *optim, luron__next_optim *next);
void luron__next_optim_free(luron_optim *optim, luron__next_optim *next);

#endif
