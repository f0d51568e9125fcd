/* deform_conv.c -- DeformConv2d, torchvision's deformable convolution, version 1 and with a mask 2. Of each image, what
 * the taps read is laid out (channels * taps, places), and a matrix product a group does the rest. Where they read is
 * found once for all channels of an offset group. Sums over images and channels go in their order. */
#ifndef REAL
#include "deform_conv.h"

#include <math.h>

enum { GRAIN = 16384 };
/* Four numbers around each of offset groups * taps * places, arrays one behind the other: rows and columns within x,
 * the parts that each has, 0 beside x, and 1 or 0: is it within x. */
enum { ROW0, ROW1, COLUMN0, COLUMN1, WHERES };
enum { ABOVE, UNDER, LEFT, RIGHT, IN_ABOVE, IN_UNDER, IN_LEFT, IN_RIGHT, PARTS };
typedef struct work {
    const deform *o;
    deform_shapes s;
    int64_t table, row; /* numbers of an array of the table; of a row of columns */
    int32_t *where;
    void *part, *columns, *gcolumns;
    const void *x, *offset, *mask, *bias; /* of one image; the bias of all */
    void *y, *gx, *goffset, *gmask;
} work;

luron_status deform_shapes_of(luron_call *c, deform_shapes *s) {
    const deform *o = luron_options(c);
    const luron_view *x = luron_in(c, DEFORM_INPUT), *offset = luron_in(c, DEFORM_OFFSET),
                     *mask = luron_in(c, DEFORM_MASK);
    *s = (deform_shapes){x->shape[0], x->shape[1], x->shape[2], x->shape[3],
                         .taps = o->kernel_size.at[0] * o->kernel_size.at[1]};
    if (s->c != o->in_channels)
        return luron_fail(c, LURON_E_SHAPE, "input has %lld channels, in_channels is %lld", (long long)s->c,
                          (long long)o->in_channels);
    int64_t out[2];
    for (int d = 0; d < 2; d++) {
        const int64_t span = o->dilation.at[d] * (o->kernel_size.at[d] - 1) + 1,
                      wide = x->shape[2 + d] + 2 * o->padding.at[d];
        if (x->shape[2 + d] < 1 || wide < span)
            return luron_fail(c, LURON_E_SHAPE, "input has size %lld, %lld with padding: the kernel takes %lld",
                              (long long)x->shape[2 + d], (long long)wide, (long long)span);
        out[d] = (wide - span) / o->stride.at[d] + 1;
    }
    s->p = out[0], s->q = out[1], s->places = s->p * s->q, s->offset_groups = offset->shape[1] / (2 * s->taps);
    if (offset->shape[0] != s->n || offset->shape[2] != s->p || offset->shape[3] != s->q ||
        offset->shape[1] % (2 * s->taps) || s->offset_groups < 1 || s->c % s->offset_groups)
        return luron_fail(
            c, LURON_E_SHAPE,
            "offset: (%lld, %lld, %lld, %lld) expected, or so many channels for each offset group, %lld channels a multiple "
            "of the groups",
            (long long)s->n, (long long)(2 * s->taps), (long long)s->p, (long long)s->q, (long long)s->c);
    if (mask && (mask->shape[0] != s->n || mask->shape[1] != s->offset_groups * s->taps || mask->shape[2] != s->p ||
                 mask->shape[3] != s->q))
        return luron_fail(c, LURON_E_SHAPE, "mask: (%lld, %lld, %lld, %lld) expected: one for each two of offset",
                          (long long)s->n, (long long)(s->offset_groups * s->taps), (long long)s->p, (long long)s->q);
    return s->h <= INT32_MAX / s->w ? LURON_OK
                                    : luron_fail(c, LURON_E_SHAPE, "an image of more than 2147483647 places");
}

static luron_status declare(luron_call *c) {
    const deform *o = luron_options(c);
    if (o->in_channels % o->groups || o->out_channels % o->groups)
        return luron_fail(c, LURON_E_ARGUMENT,
                          "in_channels, %lld, and out_channels, %lld, have to be multiples of groups, %lld",
                          (long long)o->in_channels, (long long)o->out_channels, (long long)o->groups);
    const int64_t shape[4] = {o->out_channels, o->in_channels / o->groups, o->kernel_size.at[0], o->kernel_size.at[1]};
    const double bound =
        1 / sqrt((double)shape[1] * (double)shape[2] * (double)shape[3]); /* kaiming_uniform of slope sqrt(5) */
    const luron_init own = luron_init_uniform(-bound, bound);
    LURON_TRY(c->host->declare_param(c, DEFORM_WEIGHT, "weight", 4, shape, luron_init_or(&o->weight_init, own)));
    return o->bias ? c->host->declare_param(c, DEFORM_BIAS, "bias", 1, shape, luron_init_or(&o->bias_init, own))
                   : LURON_OK;
}

/* Bytes of parts of the scratch memory, each at a multiple of 64. */
static int64_t rounded(int64_t bytes) { return (bytes + 63) / 64 * 64; }
static luron_status work_of(luron_call *c, work *k) {
    *k = (work){.o = luron_options(c)};
    LURON_TRY(deform_shapes_of(c, &k->s));
    k->table = k->s.offset_groups * k->s.taps * k->s.places, k->row = k->s.places;
    char *at = luron_scratch(c);
    if (!at) return LURON_OK;
    const int64_t size = (c->dtype & 0xff) / 8;
    k->where = (int32_t *)(void *)at, at += rounded(WHERES * k->table * 4);
    k->part = at, at += rounded(PARTS * k->table * size);
    k->columns = at, at += rounded(k->s.c * k->s.taps * k->row * size);
    k->gcolumns = at;
    return LURON_OK;
}
static luron_status setup(luron_call *c) {
    work k;
    int64_t columns;
    const int64_t size = (c->dtype & 0xff) / 8;
    LURON_TRY(work_of(c, &k));
    if (__builtin_mul_overflow(k.s.c * k.s.taps, k.row * size, &columns) || columns > INT64_MAX / 16)
        return luron_fail(c, LURON_E_SHAPE, "channels times taps times places are more than an int64 can hold");
    LURON_TRY(c->host->declare_scratch(c, rounded(WHERES * k.table * 4) + rounded(PARTS * k.table * size) +
                                              2 * rounded(columns)));
    return c->host->set_out(c, 0, LURON_REAL, LURON_SHAPE(k.s.n, k.o->out_channels, k.s.p, k.s.q));
}

/* ---- the products, a group at a time ----------------------------------------------------------------------------- */
typedef struct matrix {
    luron_view v;
    int64_t shape[2];
} matrix;
static void matrix_of(const luron_call *c, matrix *m, const void *data, int64_t group, int64_t rows, int64_t columns) {
    const int64_t size = (c->dtype & 0xff) / 8;
    m->shape[0] = rows, m->shape[1] = columns;
    m->v = (luron_view){.data = (char *)data + group * rows * columns * size,
                        .ndim = 2,
                        .shape = m->shape,
                        .dtype_code = (uint8_t)(c->dtype >> 8),
                        .dtype_bits = (uint8_t)c->dtype,
                        .dtype_lanes = 1};
}
/* y = w columns + beta y; gcolumns = w^T gy; gw = gy columns^T + beta gw: whichever of the three is `to`. */
static luron_status product(luron_call *c, const work *k, const void *w, const void *columns, const void *y,
                            const void *to, double beta) {
    const int64_t g = k->o->groups, out = k->o->out_channels / g, in = k->s.c / g * k->s.taps;
    for (int64_t i = 0; i < g; i++) {
        matrix mw, mc, my;
        matrix_of(c, &mw, w, i, out, in), matrix_of(c, &mc, columns, i, in, k->row),
            matrix_of(c, &my, y, i, out, k->row);
        luron_gemm p = {.struct_size = sizeof p, .beta = beta};
        if (to == y)
            p.a = &mw.v, p.b = &mc.v, p.out = &my.v;
        else if (to == columns)
            p.a = &mw.v, p.b = &my.v, p.out = &mc.v, p.flags = LURON_TRANS_A;
        else
            p.a = &my.v, p.b = &mc.v, p.out = &mw.v, p.flags = LURON_TRANS_B;
        LURON_TRY(c->host->gemm(c, &p));
    }
    return LURON_OK;
}

/* The row of the table that row i of columns, a channel's tap, goes by. */
static inline int64_t row_of(const work *k, int64_t i) {
    return i / k->s.taps / (k->s.c / k->s.offset_groups) * k->s.taps + i % k->s.taps;
}
#define REAL float
#include "deform_conv.c"
#undef REAL
#define REAL double
#include "deform_conv.c"
#undef REAL
WIDE_PASS(find)
WIDE_PASS(read_taps)
WIDE_PASS(give_input)
WIDE_PASS(give_mask)
WIDE_PASS(give_offset)

static const void *image_of(const luron_call *c, const luron_view *v, int64_t i) {
    if (!v) return NULL;
    return (const char *)luron_data(v) + i * v->shape[1] * v->shape[2] * v->shape[3] * ((c->dtype & 0xff) / 8);
}
static int64_t grain(const work *k) { return GRAIN / (k->row + 1) + 1; }
/* What the taps read of image i. */
static void columns_of(luron_call *c, work *k, int64_t i) {
    k->x = image_of(c, luron_in(c, DEFORM_INPUT), i), k->offset = image_of(c, luron_in(c, DEFORM_OFFSET), i);
    k->mask = image_of(c, luron_in(c, DEFORM_MASK), i);
    c->host->parallel_for(c, k->s.offset_groups * k->s.taps, grain(k), BY_VECTORS(c, find), k);
    c->host->parallel_for(c, k->s.c * k->s.taps, grain(k), BY_VECTORS(c, read_taps), k);
}
static luron_status forward(luron_call *c) {
    work k;
    LURON_TRY(work_of(c, &k));
    k.bias = luron_data(luron_param(c, DEFORM_BIAS));
    for (int64_t i = 0; i < k.s.n; i++) {
        columns_of(c, &k, i);
        k.y = (void *)image_of(c, luron_out(c, 0), i);
        if (k.bias) c->host->parallel_for(c, k.o->out_channels, grain(&k), BY_TYPE(c, fill), &k);
        LURON_TRY(product(c, &k, luron_data(luron_param(c, DEFORM_WEIGHT)), k.columns, k.y, k.y, k.bias ? 1 : 0));
    }
    return LURON_OK;
}

static luron_status give_bias(luron_call *c) {
    double beta;
    luron_view *gb = luron_grad_param_beta(c, DEFORM_BIAS, &beta);
    if (!gb) return LURON_OK;
    int64_t sizes[3] = {gb->shape[0], 1, 1};
    luron_view channels = *gb;
    channels.shape = sizes, channels.ndim = 3, channels.strides = NULL;
    return c->host->sum_to(c, luron_grad_out(c, 0), &channels, beta);
}
static luron_status backward(luron_call *c) {
    work k;
    double beta = 1;
    LURON_TRY(work_of(c, &k));
    luron_view *gx = luron_grad_in(c, DEFORM_INPUT), *go = luron_grad_in(c, DEFORM_OFFSET),
               *gm = luron_grad_in(c, DEFORM_MASK);
    luron_view *gw = luron_grad_param(c, DEFORM_WEIGHT);
    const void *w = luron_data(luron_param(c, DEFORM_WEIGHT));
    for (int64_t i = 0; i < k.s.n; i++) {
        const void *gy = image_of(c, luron_grad_out(c, 0), i);
        columns_of(c, &k, i);
        if (gw) LURON_TRY(product(c, &k, luron_data(gw), k.columns, gy, luron_data(gw), beta));
        if (!gx && !go && !gm) continue;
        LURON_TRY(product(c, &k, w, k.gcolumns, gy, k.gcolumns, 0));
        k.gx = (void *)image_of(c, gx, i), k.goffset = (void *)image_of(c, go, i), k.gmask = (void *)image_of(c, gm, i);
        const int64_t rows = k.s.offset_groups * k.s.taps, some = 1 + grain(&k) * k.s.offset_groups / k.s.c;
        if (gm) c->host->parallel_for(c, rows, some, BY_VECTORS(c, give_mask), &k);
        if (k.mask) c->host->parallel_for(c, k.s.c * k.s.taps, grain(&k), BY_TYPE(c, masked), &k);
        if (gx) c->host->parallel_for(c, k.s.c, 1 + grain(&k) / k.s.taps, BY_VECTORS(c, give_input), &k);
        if (go) c->host->parallel_for(c, rows, some, BY_VECTORS(c, give_offset), &k);
    }
    return give_bias(c);
}

/* ---- the type ---------------------------------------------------------------------------------------------------- */
static const luron_option *const options[] = {
    LURON_OPT_INT_REQ(deform, in_channels, 1, 1e9, "channels in"),
    LURON_OPT_INT_REQ(deform, out_channels, 1, 1e9, "channels out"),
    LURON_OPT_INTS_REQ(deform, kernel_size, 1, 1e4, 2, 2, "size of the kernel"),
    LURON_OPT_INTS(deform, stride, 1, 1, 1e6, 2, 2, "step of the kernel"),
    LURON_OPT_INTS(deform, padding, 0, 0, 1e6, 2, 2, "zeros on both sides"),
    LURON_OPT_INTS(deform, dilation, 1, 1, 1e6, 2, 2, "distance of the numbers that the kernel takes"),
    LURON_OPT_INT(deform, groups, 1, 1, 1e9, "sets of channels, each with a kernel of its own"),
    LURON_OPT_BOOL(deform, bias, 1, "add a bias"),
    LURON_OPT_INITIALISER(deform, weight_init,
                          "first weights; nil: uniform within 1 / sqrt(numbers that go into an output)"),
    LURON_OPT_INITIALISER(deform, bias_init, "first biases; nil: as the weights"),
    NULL};
static const luron_port *const in[] = {
    LURON_PORT("input", 0, LURON_REAL, 4, "(n, in_channels, h, w)"),
    LURON_PORT("offset", 0, LURON_REAL, 4,
               "(n, 2 * offset groups * taps, p, q): rows and columns by which each tap moves"),
    LURON_PORT("mask", LURON_PORT_OPTIONAL, LURON_REAL, 4,
               "(n, offset groups * taps, p, q): what each tap is multiplied by"),
    NULL};
static const luron_layer_type deform_conv2d = {.struct_size = sizeof(luron_layer_type),
                                               .flags = LURON_LAYER_F64 | LURON_LAYER_FREES_OUT,
                                               .name = "DeformConv2d",
                                               .doc = "convolution whose kernel reads where offsets say",
                                               .options = options,
                                               .options_size = sizeof(deform),
                                               .in = in,
                                               .declare = declare,
                                               .setup = setup,
                                               .forward = forward,
                                               .backward = backward,
                                               .compose = deform_compose};
static const luron_layer_type *const layers[] = {&deform_conv2d, NULL};
LURON_PLUGIN_DEFINE(deform_conv) = {.struct_size = sizeof(luron_plugin),
                                    .abi_major = LURON_ABI_MAJOR,
                                    .name = "deform_conv",
                                    .version = "0.1.0",
                                    .layers = layers};
#else
/* Along an axis of `size` numbers: the two places around `at` and their parts. */
INLINE void TYPED(around)(REAL at, int64_t size, int32_t where[2], REAL part[2], REAL inside[2]) {
    const int near = at > -1 && at < (REAL)size;
    const REAL low = near ? (REAL)floor(at) : 0;
    const int32_t first = (int32_t)low;
    inside[0] = near && first >= 0, inside[1] = near && first + 1 < size;
    where[0] = first > 0 ? first : 0, where[1] = first + 1 < size ? first + 1 : first;
    part[0] = inside[0] * (1 - (at - low)), part[1] = inside[1] * (at - low);
    if (!near) part[0] = at != at ? at : 0, part[1] = 0; /* no number stays none */
}
/* Rows of the table: where a tap of an offset group reads, for all places. */
LOOP TYPED(find)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const deform *o = k->o;
    (void)chunk;
    for (int64_t r = begin; r < end; r++) {
        const int64_t tap = r % k->s.taps;
        const REAL *dy = (const REAL *)k->offset + 2 * r * k->row, *dx = dy + k->row;
        const int64_t y = tap / o->kernel_size.at[1] * o->dilation.at[0] - o->padding.at[0];
        const int64_t x = tap % o->kernel_size.at[1] * o->dilation.at[1] - o->padding.at[1];
        for (int64_t p = 0; p < k->row; p++) {
            int32_t row[2], column[2], *where = k->where + r * k->row + p;
            REAL v[2], h[2], in_v[2], in_h[2], *part = (REAL *)k->part + r * k->row + p;
            TYPED(around)((REAL)(y + p / k->s.q * o->stride.at[0]) + dy[p], k->s.h, row, v, in_v);
            TYPED(around)((REAL)(x + p % k->s.q * o->stride.at[1]) + dx[p], k->s.w, column, h, in_h);
            for (int i = 0; i < 2; i++) {
                where[(ROW0 + i) * k->table] = row[i] * (int32_t)k->s.w, where[(COLUMN0 + i) * k->table] = column[i];
                part[(ABOVE + i) * k->table] = v[i], part[(LEFT + i) * k->table] = h[i];
                part[(IN_ABOVE + i) * k->table] = in_v[i], part[(IN_LEFT + i) * k->table] = in_h[i];
            }
        }
    }
}
/* The arrays of one row of the table. */
#define ROW_OF(k, r)                                                                                                   \
    const int64_t step = (k)->table;                                                                                   \
    const int32_t *const top = (k)->where + (r) * (k)->row, *const below = top + step, *const left = below + step,     \
                         *const right = left + step;                                                                   \
    const REAL *const part = (const REAL *)(k)->part + (r) * (k)->row

/* What a tap reads at place p, by its row of the table. */
#define READ(p)                                                                                                        \
    (part[ABOVE * step + p] *                                                                                          \
         (part[LEFT * step + p] * x[top[p] + left[p]] + part[RIGHT * step + p] * x[top[p] + right[p]]) +               \
     part[UNDER * step + p] *                                                                                          \
         (part[LEFT * step + p] * x[below[p] + left[p]] + part[RIGHT * step + p] * x[below[p] + right[p]]))

/* Rows (channel, tap) of columns. */
LOOP TYPED(read_taps)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const REAL *x = (const REAL *)k->x + i / k->s.taps * k->s.h * k->s.w;
        const REAL *mask = k->mask ? (const REAL *)k->mask + row_of(k, i) * k->row : NULL;
        REAL *restrict to = (REAL *)k->columns + i * k->row;
        ROW_OF(k, row_of(k, i));
        for (int64_t p = 0; p < k->row; p++)
            to[p] = READ(p);
        for (int64_t p = 0; mask && p < k->row; p++)
            to[p] *= mask[p];
    }
}
static void TYPED(fill)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    (void)chunk;
    for (int64_t i = begin * k->row; i < end * k->row; i++)
        ((REAL *)k->y)[i] = ((const REAL *)k->bias)[i / k->row];
}
/* What a channel's tap reads was multiplied by the mask: so is its gradient, once the mask has its own. */
static void TYPED(masked)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    (void)chunk;
    for (int64_t i = begin; i < end; i++) {
        const REAL *mask = (const REAL *)k->mask + row_of(k, i) * k->row;
        REAL *g = (REAL *)k->gcolumns + i * k->row;
        for (int64_t p = 0; p < k->row; p++)
            g[p] *= mask[p];
    }
}
/* Gradients of the channels of x, each a sum over taps and places in their order. */
LOOP TYPED(give_input)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    (void)chunk;
    for (int64_t i = begin * k->s.taps; i < end * k->s.taps; i++) {
        const REAL *g = (const REAL *)k->gcolumns + i * k->row;
        REAL *to = (REAL *)k->gx + i / k->s.taps * k->s.h * k->s.w;
        ROW_OF(k, row_of(k, i));
        for (int64_t p = 0; p < k->row; p++) {
            const REAL a = part[ABOVE * step + p] * g[p], b = part[UNDER * step + p] * g[p];
            to[top[p] + left[p]] += part[LEFT * step + p] * a, to[top[p] + right[p]] += part[RIGHT * step + p] * a;
            to[below[p] + left[p]] += part[LEFT * step + p] * b, to[below[p] + right[p]] += part[RIGHT * step + p] * b;
        }
    }
}
/* Gradients of the mask and of offsets: sums over the channels of an offset group in their order. */
LOOP TYPED(give_mask)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const int64_t channels = k->s.c / k->s.offset_groups;
    (void)chunk;
    for (int64_t r = begin; r < end; r++) {
        REAL *restrict to = (REAL *)k->gmask + r * k->row;
        ROW_OF(k, r);
        for (int64_t channel = r / k->s.taps * channels; channel < (r / k->s.taps + 1) * channels; channel++) {
            const REAL *x = (const REAL *)k->x + channel * k->s.h * k->s.w;
            const REAL *g = (const REAL *)k->gcolumns + (channel * k->s.taps + r % k->s.taps) * k->row;
            for (int64_t p = 0; p < k->row; p++)
                to[p] += g[p] * READ(p);
        }
    }
}
LOOP TYPED(give_offset)(void *arg, int64_t begin, int64_t end, int64_t chunk) {
    const work *k = arg;
    const int64_t channels = k->s.c / k->s.offset_groups;
    (void)chunk;
    for (int64_t r = begin; r < end; r++) {
        REAL *restrict dy = (REAL *)k->goffset + 2 * r * k->row, *restrict dx = dy + k->row;
        ROW_OF(k, r);
        for (int64_t channel = r / k->s.taps * channels; channel < (r / k->s.taps + 1) * channels; channel++) {
            const REAL *x = (const REAL *)k->x + channel * k->s.h * k->s.w;
            const REAL *g = (const REAL *)k->gcolumns + (channel * k->s.taps + r % k->s.taps) * k->row;
            for (int64_t p = 0; p < k->row; p++) {
                const REAL v00 = x[top[p] + left[p]], v01 = x[top[p] + right[p]], v10 = x[below[p] + left[p]],
                           v11 = x[below[p] + right[p]];
                const REAL above = part[LEFT * step + p] * v00 + part[RIGHT * step + p] * v01;
                const REAL under = part[LEFT * step + p] * v10 + part[RIGHT * step + p] * v11;
                const REAL before = part[ABOVE * step + p] * v00 + part[UNDER * step + p] * v10;
                const REAL after = part[ABOVE * step + p] * v01 + part[UNDER * step + p] * v11;
                dy[p] += g[p] * (part[IN_UNDER * step + p] * under - part[IN_ABOVE * step + p] * above);
                dx[p] += g[p] * (part[IN_RIGHT * step + p] * after - part[IN_LEFT * step + p] * before);
            }
        }
    }
}
#undef READ
#undef ROW_OF
#endif
