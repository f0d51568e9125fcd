/* fourier.c -- frames, windows and waves, for the layers of this plugin. */
#include "audio.h"

luron_tensor *audio_line(luron_call *c, const luron_ops *o, int64_t n, double step, double first) {
    luron_tensor *one = o->reshape(c, o->cast(c, o->scalar(c, 1), LURON_F64), LURON_SHAPE(1));
    return o->scale(c, o->cumsum(c, o->expand(c, one, LURON_SHAPE(n)), 0), step, first - step);
}
luron_tensor *audio_column(luron_call *c, const luron_ops *o, luron_tensor *x) { return o->unsqueeze(c, x, 1); }
/* Places of x from 0 in the context's base. */
static luron_tensor *ids_of(luron_call *c, const luron_ops *o, luron_tensor *places) {
    const int64_t flat[1] = {-1};
    return o->cast(c, o->reshape(c, o->scale(c, places, 1, (double)c->index_base), 1, flat), LURON_I64);
}

luron_tensor *audio_window(luron_call *c, const luron_ops *o, int64_t n, int64_t turn, int terms, const double *at) {
    luron_tensor *sum = audio_line(c, o, n, 0, at[0]);
    for (int k = 1; k < terms; k++) {
        luron_tensor *angles = audio_line(c, o, n, 6.283185307179586 * k / (double)turn, 0);
        sum = o->add(c, sum, o->scale(c, o->cos(c, angles), k % 2 ? -at[k] : at[k], 0));
    }
    return sum;
}

luron_tensor *audio_frames(luron_call *c, const luron_ops *o, luron_tensor *x, int64_t frames, int64_t length,
                           int64_t stride) {
    luron_tensor *first = audio_column(c, o, audio_line(c, o, frames, (double)stride, 0));
    x = o->index_select(c, x, 1, ids_of(c, o, o->add(c, first, audio_line(c, o, length, 1, 0))));
    return o->reshape(c, x, LURON_SHAPE(o->size(c, x, 0) * frames, length));
}

luron_tensor *audio_waves(luron_call *c, const luron_ops *o, int64_t times, int64_t bins, int64_t turn, int sines) {
    luron_tensor *angles = audio_line(c, o, turn, 6.283185307179586 / (double)turn, 0);
    luron_tensor *wave = sines ? o->sin(c, angles) : o->cos(c, angles), *none = o->scale(c, wave, 0, 0);
    /* What rounding leaves of zeros would decide which side of a half turn an angle is on. */
    luron_tensor *one_turn = o->where(c, o->gt(c, o->abs(c, wave), o->scale(c, none, 1, 1e-9)), wave, none);
    luron_tensor *turns = o->mul(c, audio_column(c, o, audio_line(c, o, times, 1, 0)), audio_line(c, o, bins, 1, 0));
    luron_tensor *ids = ids_of(c, o, o->remainder(c, turns, o->cast(c, o->scalar(c, (double)turn), LURON_F64)));
    return o->reshape(c, o->index_select(c, o->cast(c, one_turn, c->dtype), 0, ids), LURON_SHAPE(times, bins));
}
