/* gates.h -- gates of recurrent cells: sigmoid, or Keras's hard_sigmoid, clamp(x / 6 + 1 / 2, 0, 1), which is seldom
 * asked for: small rather than fast. */
#ifndef GATES_H
#define GATES_H
#include "loops.h"

enum { SIGMOID, HARD }; /* of `recurrent_activation` */
static const char *const gate_names[] = {"sigmoid", "hard_sigmoid", NULL};

#define SELDOM static __attribute__((cold, noinline, unused)) void
#define GATE(T)                                                                                                        \
    SELDOM gate_hard_##T(int64_t n, T *z) {                                                                            \
        for (int64_t j = 0; j < n; j++)                                                                                \
            z[j] = (z[j] < -3 ? 0 : z[j] > 3 ? 6 : z[j] + 3) / 6;                                                      \
    }                                                                                                                  \
    LOOP gate_##T(const luron_call *c, int kind, int64_t n, T *z) {                                                    \
        if (kind == SIGMOID)                                                                                           \
            c->host->map(c->host, LURON_MAP_sigmoid, c->dtype, n, z, z);                                               \
        else                                                                                                           \
            gate_hard_##T(n, z);                                                                                       \
    }                                                                                                                  \
    INLINE T gate_slope_##T(T gate, int hard) {                                                                        \
        return !hard ? gate * (1 - gate) : gate > 0 && gate < 1 ? (T)1 / 6 : 0;                                        \
    }
GATE(float)
GATE(double)
#undef GATE
/** A gate in ops. */
static inline luron_tensor *gate_composed(luron_call *c, const luron_ops *o, int kind, luron_tensor *x) {
    if (kind == SIGMOID) return o->sigmoid(c, x);
    return o->scale(c, o->clamp(c, o->scale(c, x, 1, 3), 0, 6), 1.0 / 6, 0);
}
#endif
