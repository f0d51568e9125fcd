/* softmax2d.c: softmax over the channels of images. x (n,C,h,w) or (C,h,w). */
#include "gate.h"

static luron_status compose(luron_call *c, const luron_ops *o) {
    const int ndim = luron_in(c, 0)->ndim;
    if (ndim != 3 && ndim != 4)
        return luron_fail(c, LURON_E_SHAPE, "input has %d dimensions, expected (n, channels, h, w) or (channels, h, w)",
                          ndim);
    return o->set_out(c, 0, o->softmax(c, o->in(c, 0), -3));
}
const luron_layer_type gate_softmax2d = {
    GATE_TYPE("Softmax2d", "softmax2d", "softmax over the channels at each place of an image")};
