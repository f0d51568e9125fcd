/* positions.h -- angles of positions, in float64 whatever the layer's dtype: at place 5000 a float32 has 3 digits left. */
#ifndef POSITIONS_H
#define POSITIONS_H
#include "attention.h"

/** The port `positions` (t) or (n, t) fits n sequences of t places? */
luron_status positions_check(luron_call *c, int port, int64_t n, int64_t t);
/** Angles (m, t, pairs), m 1 or n, in float64: position / base^(pair / pairs); without positions offset, offset + 1 ... */
luron_tensor *positions_angles(luron_call *c, const luron_ops *o, int port, int64_t t, int64_t pairs, double base,
                               int64_t offset);
#define POSITIONS_PORT                                                                                                 \
    LURON_PORT("positions", LURON_PORT_OPTIONAL | LURON_PORT_INDEX, 0, 0,                                              \
               "(t) or (n, t): the place of each in its sequence; absent: one after the other")
#endif
