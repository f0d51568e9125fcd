/* positions.h -- waves of positions: sin and cos of position / base^(pair / pairs). Angles are float64 whatever the
 * layer's dtype: at place 5000 those of float32 have 3 digits left. */
#ifndef POSITIONS_H
#define POSITIONS_H
#include "attention.h"

typedef struct waves {
    luron_call *c;
    int port; /* of positions (t) or (n, t); absent: offset, offset + 1 ...; negative: there is none */
    int64_t n, per, t, pairs, offset; /* per: sequences one after the other that share their positions */
    double base;
    int64_t m;       /* sets of positions: 1, or n */
    char *sin, *cos; /* (m, t, pairs), of the layer's dtype */
} waves;

/** The port fits n sequences of t places? */
luron_status waves_check(luron_call *c, int port, int64_t n, int64_t t);
/** Bytes that waves_make writes to. */
int64_t waves_bytes(const waves *w);
/** sin and cos at `to`; an error if an id is none. */
luron_status waves_make(waves *w, char *to);
/** x, y: rows (n per, t, heads, d), `places` and `heads` steps apart; pairs of the first features turned by their
 * waves, or back; the other features as they are. y may be x. Adds to y where beta is not 0. */
typedef struct turn {
    const waves *w;
    const char *x;
    char *y;
    int64_t heads, d, sequence, place, head; /* steps in numbers */
    int interleaved, back;
    double beta;
} turn;
void waves_turn(const turn *k);

/** Angles (1 or n per, t, pairs) in ops, float64. */
luron_tensor *waves_angles(const waves *w, const luron_ops *o);
/** x (m or n, t, heads, d) turned, in ops. */
luron_tensor *waves_turned(const waves *w, const luron_ops *o, luron_tensor *x, int interleaved);
#define POSITIONS_PORT                                                                                                 \
    LURON_PORT("positions", LURON_PORT_OPTIONAL | LURON_PORT_INDEX, 0, 0,                                              \
               "(t) or (n, t): the place of each in its sequence; absent: one after the other")
#endif
