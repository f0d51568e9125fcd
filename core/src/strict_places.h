/* strict_places.h -- what strict.c and strict_places.c share: the memory that a plugin sees in strict mode. */
#ifndef LURON_STRICT_PLACES_H
#define LURON_STRICT_PLACES_H
#include "strict.h"

typedef enum place_role { IN, PARAM, STATE, OUT, SAVED, GRAD_OUT, GRAD_IN, GRAD_PARAM, SCRATCH } place_role;

/* What a run has that the first one had not. None of it may change a bit of the result (ADDED: adds to it). */
typedef enum variation {
    FIRST,
    AGAIN,    /* nothing */
    ORDER,    /* the pieces of parallel_for in another order, on one thread */
    ORDER_2,  /* and in yet another */
    CUT,      /* element-wise: runs of 3 numbers */
    IN_PLACE, /* element-wise: result and operand in one memory */
    CLEAN,    /* other numbers in scratch */
    FILL,     /* other numbers in outputs, saved and fresh gradients */
    GUARDS,   /* other numbers around the tensors */
    FREED,    /* other numbers in one tensor that a flag says is not read */
    BASE,     /* ids count from the other base */
    ADDED     /* the gradients hold something already */
} variation;

typedef struct place { /* memory that the plugin sees */
    place_role role;
    int slot, same; /* same: an earlier place that is this very memory, -1: none */
    luron_view *view, was;
    const void *original; /* NULL: freed, or scratch */
    uint32_t dtype;
    int64_t n;
    size_t size, bytes;
    bool written, fresh; /* written: by this callback; fresh: a gradient that holds nothing yet */
    bool left;           /* a fresh gradient that the first run did not take */
    luron__guard guard;
    char *now, *first; /* its memory in this run; what the first run left, if it is written */
} place;

typedef struct strict {
    luron__frame *f;
    luron_status (*run)(luron__frame *);
    const char *what; /* "forward" */
    place *places;
    int n, cap, freed; /* freed: which one FREED changes */
    int64_t base;
    const void *options; /* the layer's: the plugin sees a copy */
    void *scratch, *options_copy;
    uint8_t *fresh_in, fresh_param[LURON__MAX_SLOTS];
} strict;

/** Find every place that the plugin can see in the frame. To be taken down by luron__places_close, also after a
 * failure. */
luron_status luron__places_open(strict *s, bool backward);
void luron__places_close(strict *s);
/** The frame as it was. */
void luron__places_put_back(strict *s);
/** The contents of place i before a run. false: this variation cannot be had here. */
bool luron__place_prepare(strict *s, int i, variation v);

/** "the gradient of input 'x'" into `to`. */
const char *luron__place_name(char to[128], const strict *s, const place *p);
bool luron__place_is_grad(const place *p);
bool luron__place_is_index(const strict *s, const place *p);
/** Does the plugin find numbers there? */
bool luron__place_holds(const place *p);
/** Ids counted from `base` counted from the other one. false: some id has no place there. */
bool luron__place_shift_ids(const place *p, void *data, int64_t base);
/** Size of what a gradient has held before in ADDED: not small beside the gradient. */
double luron__place_scale(const place *p);

#endif
