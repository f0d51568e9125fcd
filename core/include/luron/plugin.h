/* plugin.h -- the plugin ABI of Luron, complete alone: a plugin includes this file and links to nothing.
 *
 *   cc -O2 -shared -fPIC -o swish.so swish.c -lm
 *
 * A plugin exports one constant, made by LURON_PLUGIN_DEFINE, that lists layer types, optimiser types and formats.
 * The host judges it before any code of the plugin runs. docs/plugins.md is the guide; the rules in short:
 *   - every struct with `struct_size` grows at its end only; the host copies what both sides know into a zeroed
 *     struct of its own, so NULL and 0 are always the safe meaning. Structs marked frozen never grow;
 *   - views are row-major and contiguous; shapes are in elements; axes and ids count from 0;
 *   - a plugin starts no thread, keeps no mutable global, prints nothing and never exits: it returns a status, and
 *     luron_fail(call, status, "message") says why (the host adds the layer, its options and the given shapes);
 *   - tags in brackets say where a callback or service may be used: [setup] in `declare` and `setup`, [run] in
 *     `forward` and `backward` (no allocation: a replayed plan calls it), [any] everywhere.                          */
#ifndef LURON_PLUGIN_H
#define LURON_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LURON_ABI_MAJOR 1u /* layout or meaning changed: the host refuses another major */
#define LURON_ABI_MINOR 0u /* fields appended: old plugins go on working                 */

/* ---- status: the one list; it makes the enum, the names, the texts and luron.status in Lua -------------------- */
#define LURON_STATUS_MAP(X)                                                                                            \
    X(NOMEM, -1, "not enough memory")                                                                                  \
    X(SHAPE, -2, "shapes do not fit")                                                                                  \
    X(DTYPE, -3, "wrong dtype")                                                                                        \
    X(RANGE, -4, "index or id out of range")                                                                           \
    X(ARGUMENT, -5, "invalid argument")                                                                                \
    X(NOT_FOUND, -6, "not found")                                                                                      \
    X(STATE, -7, "not possible in this state")                                                                         \
    X(GRADIENT, -8, "no gradient can be given")                                                                        \
    X(IO, -9, "input or output failed")                                                                                \
    X(FORMAT, -10, "not a file of this format, or damaged")                                                            \
    X(VERSION, -11, "made by a newer version")                                                                         \
    X(CHECKSUM, -12, "checksum differs: truncated or altered")                                                         \
    X(MISMATCH, -13, "does not match the model")                                                                       \
    X(PLUGIN, -14, "plugin refused")                                                                                   \
    X(NONFINITE, -15, "not a finite number")                                                                           \
    X(UNSUPPORTED, -16, "not supported")                                                                               \
    X(CALLBACK, -17, "a callback failed")                                                                              \
    X(INTERNAL, -18, "error in luron itself")
typedef int32_t luron_status;
enum {
    LURON_OK = 0,
#define LURON_STATUS_ENUM(name, value, text) LURON_E_##name = (value),
    LURON_STATUS_MAP(LURON_STATUS_ENUM)
#undef LURON_STATUS_ENUM
    LURON_STATUS_LAST = -18
};
/** Return the status of `e` unless it is LURON_OK. */
#define LURON_TRY(e)                                                                                                   \
    do {                                                                                                               \
        luron_status luron_try_ = (e);                                                                                 \
        if (luron_try_ != LURON_OK) return luron_try_;                                                                 \
    } while (0)

#if defined(__GNUC__)
#define LURON_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define LURON_PRINTF(fmt, args)
#endif

/* ---- dtypes: DLPack's code << 8 | bits ------------------------------------------------------------------------ */
#define LURON_REAL 0u /* "as the layer is": float32 or float64 */
#define LURON_F32 0x220u
#define LURON_F64 0x240u
#define LURON_F16 0x210u
#define LURON_BF16 0x410u
#define LURON_I64 0x040u
#define LURON_I32 0x020u
#define LURON_U8 0x108u
#define LURON_B8 0x608u /* bool, a byte 0 or 1 */
#define LURON_IDS 0x300u /* in the dtype of an index port's view: read it by luron_id alone */

/* ---- frozen structs: never grow, so they may be passed by value and kept in arrays ----------------------------- */
typedef struct luron_view { /* a DLTensor */
    void *data;
    int32_t device_type, device_id, ndim;
    uint8_t dtype_code, dtype_bits;
    uint16_t dtype_lanes;
    int64_t *shape, *strides;
    uint64_t byte_offset;
} luron_view;
typedef struct luron_ints { /* value of a LURON_INTS option */
    int64_t n, at[8]; /* n -1, -2 ...: the first, second ... of `choices` in place of numbers */
} luron_ints;
typedef struct luron_floats { /* value of a LURON_FLOATS option */
    int64_t n; double at[8];
} luron_floats;
typedef struct luron_init {
    int32_t kind, reserved; /* reserved: 0, or what luron_init_zero_row puts there */
    double a, b;
} luron_init;
enum {
    LURON_INIT_ZEROS,
    LURON_INIT_CONSTANT,     /* a */
    LURON_INIT_UNIFORM,      /* [a, b) */
    LURON_INIT_NORMAL,       /* mean a, deviation b */
    LURON_INIT_TRUNC_NORMAL, /* the same within two deviations */
    /* of a weight [out, in, ...], where fan_in numbers go into one output and fan_out outputs read one input: */
    LURON_INIT_XAVIER_UNIFORM, LURON_INIT_XAVIER_NORMAL,   /* gain a */
    LURON_INIT_KAIMING_UNIFORM, LURON_INIT_KAIMING_NORMAL, /* slope a; b 0: fan_in, 1: fan_out */
    LURON_INIT_LECUN_UNIFORM, LURON_INIT_LECUN_NORMAL,
    LURON_INIT_EYE,        /* gain a */
    LURON_INIT_DIRAC,      /* groups a */
    LURON_INIT_ORTHOGONAL, /* gain a */
    LURON_INIT_SPARSE      /* part a of each column 0, others of deviation b */
};
typedef struct luron_named_init { /* value of a LURON_INITIALISER option */
    const char *text;             /* "xavier_uniform(1.4)", owned by the host; NULL: the layer's own choice */
    luron_init init;
} luron_named_init;

typedef struct luron_host luron_host;
typedef struct luron_call luron_call;
typedef struct luron_tensor luron_tensor;
typedef struct luron_io luron_io;
typedef struct luron_node luron_node;

/* ---- options: the host parses, checks, and stores the values in the type's own struct --------------------------- */
enum {
    LURON_INT = 1, /* int64_t                                       */
    LURON_FLOAT,   /* double                                        */
    LURON_BOOL,    /* int32_t, 0 or 1                               */
    LURON_STRING,  /* const char *, owned by the host               */
    LURON_CHOICE,  /* int32_t, index into `choices`                 */
    LURON_INTS,    /* luron_ints                                    */
    LURON_AXIS,    /* int64_t from 0, -1 is the last; Lua counts from 1 */
    LURON_ID,      /* int64_t from 0; a negative value stands for "none"; Lua counts from 1 */
    LURON_INITIALISER, /* luron_named_init */
    LURON_FLOATS       /* luron_floats, finite */
};
#define LURON_OPTION_REQUIRED 1u
#define LURON_OPTION_GRADIENT 2u /* another value than the default, of a bool true, changes gradients on purpose: they are compared with compose, not with differences */
typedef struct luron_option {
    uint32_t struct_size, kind, flags, offset; /* offset of the member in the options struct */
    const char *name, *doc;
    double default_number, min, max; /* min < max: a range, checked by the host */
    const char *default_string;      /* LURON_STRING; for LURON_CHOICE the default choice */
    const char *const *choices;      /* NULL-terminated; of LURON_INTS: words that may stand in place of numbers, or NULL */
    int64_t n_min, n_max;            /* LURON_INTS, LURON_FLOATS: how many; one number is repeated to n_min */
} luron_option;
/* One line an option, C only (C++ fills the struct); each gives &(const luron_option){...}, for a NULL-terminated
 * array. `type` is the options struct, `name` its member and the option's name.                                    */
#define LURON_OPT_(type, name, kind, flags, dflt, min, max, str, choices, n_min, n_max, doc)                           \
    &(const luron_option) { sizeof(luron_option), kind, flags, (uint32_t)offsetof(type, name), #name, doc, dflt, min,  \
                            max, str, choices, n_min, n_max }
#define LURON_OPT_INT(type, name, dflt, min, max, doc) LURON_OPT_(type, name, LURON_INT, 0, dflt, min, max, NULL, NULL, 0, 0, doc)
#define LURON_OPT_INT_REQ(type, name, min, max, doc) LURON_OPT_(type, name, LURON_INT, LURON_OPTION_REQUIRED, 0, min, max, NULL, NULL, 0, 0, doc)
#define LURON_OPT_FLOAT(type, name, dflt, min, max, doc) LURON_OPT_(type, name, LURON_FLOAT, 0, dflt, min, max, NULL, NULL, 0, 0, doc)
#define LURON_OPT_BOOL(type, name, dflt, doc) LURON_OPT_(type, name, LURON_BOOL,  0, dflt, 0, 0, NULL, NULL, 0, 0, doc)
#define LURON_OPT_STRING(type, name, dflt, doc) LURON_OPT_(type, name, LURON_STRING, 0, 0, 0, 0, dflt, NULL, 0, 0, doc)
#define LURON_OPT_CHOICE(type, name, dflt, choices, doc) LURON_OPT_(type, name, LURON_CHOICE, 0, 0, 0, 0, dflt, choices, 0, 0, doc)
#define LURON_OPT_INTS(type, name, dflt, min, max, n_min, n_max, doc) LURON_OPT_(type, name, LURON_INTS, 0, dflt, min, max, NULL, NULL, n_min, n_max, doc)
#define LURON_OPT_INTS_REQ(type, name, min, max, n_min, n_max, doc) LURON_OPT_(type, name, LURON_INTS, LURON_OPTION_REQUIRED, 0, min, max, NULL, NULL, n_min, n_max, doc)
#define LURON_OPT_INTS_OR(type, name, dflt, min, max, n_min, n_max, choices, doc) LURON_OPT_(type, name, LURON_INTS, 0, dflt, min, max, NULL, choices, n_min, n_max, doc)
#define LURON_OPT_AXIS(type, name, dflt, doc) LURON_OPT_(type, name, LURON_AXIS, 0, dflt, 0, 0, NULL, NULL, 0, 0, doc)
#define LURON_OPT_ID(type, name, dflt, doc) LURON_OPT_(type, name, LURON_ID, 0, dflt, 0, 0, NULL, NULL, 0, 0, doc)
#define LURON_OPT_FLOATS(type, name, dflt, min, max, n_min, n_max, doc) LURON_OPT_(type, name, LURON_FLOATS, 0, dflt, min, max, NULL, NULL, n_min, n_max, doc)
#define LURON_OPT_FLOATS_REQ(type, name, min, max, n_min, n_max, doc) LURON_OPT_(type, name, LURON_FLOATS, LURON_OPTION_REQUIRED, 0, min, max, NULL, NULL, n_min, n_max, doc)

/* First values of a parameter by name, "kaiming_normal"; without one luron_init_or takes what the layer does itself. */
#define LURON_OPT_INITIALISER(type, name, doc) LURON_OPT_(type, name, LURON_INITIALISER, 0, 0, 0, 0, NULL, NULL, 0, 0, doc)

/* ---- ports: what goes in and out --------------------------------------------------------------------------------- */
typedef struct luron_port {
    uint32_t struct_size, flags;
    const char *name, *doc;
    uint32_t dtype; /* LURON_REAL, or what it must be; 0 with LURON_PORT_INDEX: any integer */
    int32_t ndim;   /* 0: any */
} luron_port;
#define LURON_PORT_OPTIONAL 1u /* may be absent: its view is NULL                                       */
#define LURON_PORT_VARIADIC 2u /* the last port only: one or more                                       */
#define LURON_PORT_INDEX 4u    /* holds ids, in the context's base: read by luron_id; never a gradient  */
#define LURON_PORT_MASK 8u     /* with dtype LURON_REAL: bool will do too, as in attention masks            */
#define LURON_PORT(name, flags, dtype, ndim, doc) &(const luron_port) { sizeof(luron_port), flags, name, doc, dtype, ndim }

/* ---- a call: one application of one layer. The host makes it and owns it; it lives on the tape or in a plan ------- */
struct luron_call { /* read it through the inline functions below, never the fields */
    uint32_t struct_size, flags;
    const luron_host *host;
    const void *options;
    int32_t n_in, n_out, n_param, n_state, n_saved;
    uint32_t dtype; /* the layer's: LURON_F32 or LURON_F64 */
    luron_view **in, **out, **param, **state, **saved, **grad_in, **grad_out, **grad_param;
    uint8_t *fresh_in, *fresh_param; /* 1: this gradient's memory holds nothing yet */
    void *scratch;
    uint64_t random_position;
    int64_t index_base;
    void *internal;
};
#define LURON_CALL_TRAINING 1u
#define LURON_CALL_RECORDING 2u
#define LURON_CALL_LARGEST 4u

/* ---- host services ---------------------------------------------------------------------------------------------- */
typedef struct luron_gemm { /* out = op(a) op(b) + beta out + bias; 2-d views of either real type. Strides may be longer than rows; out shares no memory */
    uint32_t struct_size, flags;
    const luron_view *a, *b, *bias; /* bias: one row, or NULL */
    luron_view *out;
    double beta;
} luron_gemm;
#define LURON_TRANS_A 1u
#define LURON_TRANS_B 2u

typedef struct luron_conv { /* convolution of 1 to 3 dimensions: x (n, channels, ...), w (out channels, channels / groups, ...), gy (n, out channels, ...) */
    uint32_t struct_size, flags; /* flags: 0, or LURON_CONV_MADE */
    const luron_view *x, *w, *gy, *bias; /* bias: one number an output channel, or NULL */
    luron_view *out; /* what is made; its shape, or that of gy, says how far the output goes: beyond x there are zeros */
    int64_t stride[3], padding[3], dilation[3], groups; /* a number a dimension; padding: before the first */
    double beta;
    void *work; /* conv_work bytes of the scratch memory; NULL: all of it */
} luron_conv;
#define LURON_CONV_MADE 1u /* `conv` makes output 0 of the layer as it will be, and calls `made` for it */

/* Functions of one number. The list gives host->map its ids, luron_ops its entries, and core its ops. Frozen. */
#define LURON_UNARY_MAP(X)                                                                                             \
    X(neg) X(abs) X(sign) X(square) X(reciprocal) X(sqrt) X(rsqrt) X(exp) X(expm1) X(log) X(log1p) X(log2) X(log10)    \
    X(sin) X(cos) X(tan) X(asin) X(acos) X(atan) X(sinh) X(cosh) X(tanh) X(sigmoid) X(erf) X(floor) X(ceil) X(round)   \
    X(trunc)
enum {
#define LURON_MAP_ENUM(name) LURON_MAP_##name,
    LURON_UNARY_MAP(LURON_MAP_ENUM)
#undef LURON_MAP_ENUM
    LURON_MAP_COUNT
};
/* Functions of two tensors that broadcast; the second group gives bool. Frozen. */
#define LURON_BINARY_MAP(X) X(add) X(sub) X(mul) X(div) X(pow) X(maximum) X(minimum) X(floor_divide) X(remainder) X(atan2)
#define LURON_COMPARE_MAP(X) X(eq) X(ne) X(lt) X(le) X(gt) X(ge) X(logical_and) X(logical_or) X(logical_xor)

struct luron_host {
    uint32_t struct_size, abi_minor;
    /** [any] Note why the call fails; from any thread of the call, the first one counts. @return `status`. */
    luron_status (*fail)(luron_call *, luron_status status, const char *fmt, ...) LURON_PRINTF(3, 4);
    /** [any] A named power of the host, "luron.profile/1", or NULL. */
    const void *(*extension)(const luron_host *, const char *id);
    /* [setup] */
    luron_status (*set_out)(luron_call *, int i, uint32_t dtype, int ndim, const int64_t *shape);
    luron_status (*declare_param)(luron_call *, int slot, const char *name, int ndim, const int64_t *shape, luron_init);
    luron_status (*declare_state)(luron_call *, int slot, const char *name, uint32_t dtype, int ndim, const int64_t *shape, luron_init);
    luron_status (*declare_saved)(luron_call *, int slot, uint32_t dtype, int ndim, const int64_t *shape); /* forward to backward */
    luron_status (*declare_scratch)(luron_call *, int64_t bytes); /* contents do not survive the callback */
    /* [run] */
    luron_status (*gemm)(luron_call *, const luron_gemm *);
    luron_status (*sum_to)(luron_call *, const luron_view *src, luron_view *dst, double beta); /* dst = sum of src over the dims dst lacks + beta dst */
    void (*zero)(luron_call *, luron_view *);
    void (*rand_uniform)(luron_call *, int stream, int64_t first, int64_t n, float *to); /* [0,1), numbers first.. of this call */
    void (*parallel_for)(luron_call *, int64_t n, int64_t grain, void (*fn)(void *arg, int64_t begin, int64_t end, int64_t chunk), void *arg);
    void (*map)(const luron_host *, uint32_t fn, uint32_t dtype, int64_t n, const void *x, void *y); /* LURON_MAP_exp ...; y may be x */
    luron_status (*bad_id)(luron_call *, int i, int64_t k, int64_t n); /* the message for id k of port i, not within n */
    /** [setup] Bytes of scratch that the three below need, from the shapes of x, w and gy (luron_out, after set_out); negative: refused, a status. */
    int64_t (*conv_work)(luron_call *, const luron_conv *);
    /* [run] out = x * w + beta out + bias; the gradients of x, from w and gy, and of w, from x and gy, + beta out */
    luron_status (*conv)(luron_call *, const luron_conv *), (*conv_grad_input)(luron_call *, const luron_conv *), (*conv_grad_weight)(luron_call *, const luron_conv *);
    /** [any] Bytes that gemm_pack writes, from flags and b, of which the shape is enough; negative: refused, a status. */
    int64_t (*gemm_packed_bytes)(luron_call *, const luron_gemm *);
    /* [run] op(b) in the order in which gemm reads it, best at a multiple of 64, for many products with the same b; gemm with what that left, of b the shape alone is looked at: the same bits, sooner */
    luron_status (*gemm_pack)(luron_call *, const luron_gemm *, void *to), (*gemm_packed)(luron_call *, const luron_gemm *, const void *packed);
    /** Of the vectors for which a loop may be compiled (__attribute__((target("avx2")))) and called: 16, or on x86-64 32 with AVX2 and FMA, 64 with AVX-512 too. */
    int64_t vector_bytes;
    /* [run] Of a layer with one output, from any thread of the call, each element once: in forward, elements first .. first + n of it are what
     * they will be; in backward, those of its gradient are about to be read for the first time. A plan does then what is element by element, in the cache. */
    void (*made)(luron_call *, int64_t first, int64_t n), (*wants)(luron_call *, int64_t first, int64_t n);
};
/** Is the host new enough for `field`, and does it offer it? */
#define LURON_HAS(h, field) ((h)->struct_size >= offsetof(luron_host, field) + sizeof((h)->field) && (h)->field)

/* ---- what plugins use on a call ---------------------------------------------------------------------------------- */
#define luron_fail(c, ...) ((c)->host->fail((c), __VA_ARGS__))
#ifndef __cplusplus /* rank and a compound literal where (ndim, shape) is wanted */
#define LURON_SHAPE(...) (int)(sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), (const int64_t[]){ __VA_ARGS__ }
#endif
static inline luron_view *luron_at_(luron_view **v, int32_t n, int i) { return v && i >= 0 && i < n ? v[i] : NULL; }
static inline const luron_view *luron_in(const luron_call *c, int i) { return luron_at_(c->in, c->n_in, i); } /* NULL: absent */
static inline luron_view *luron_out(const luron_call *c, int i) { return luron_at_(c->out, c->n_out, i); } /* in setup: its shape, after set_out */
static inline const luron_view *luron_param(const luron_call *c, int slot) { return luron_at_(c->param, c->n_param, slot); }
static inline luron_view *luron_state(const luron_call *c, int slot) { return luron_at_(c->state, c->n_state, slot); }
static inline luron_view *luron_saved(const luron_call *c, int slot) { return luron_at_(c->saved, c->n_saved, slot); }
static inline const luron_view *luron_grad_out(const luron_call *c, int i) { return luron_at_(c->grad_out, c->n_out, i); }
static inline const void *luron_options(const luron_call *c) { return c->options; }
static inline void *luron_scratch(const luron_call *c) { return c->scratch; }
/** In forward: each number of the output is the first largest (or NaN) of some of the input, and its gradient goes there. A plan may do a LURON_EW_RISES layer behind it. */
static inline void luron_takes_largest(luron_call *c) { c->flags |= LURON_CALL_LARGEST; }
static inline int luron_is_training(const luron_call *c) { return (c->flags & LURON_CALL_TRAINING) != 0; }
static inline luron_view *luron_grad_beta_(luron_view *v, uint8_t *fresh, int i, double *beta) {
    if (!v) return NULL;
    *beta = fresh[i] ? 0.0 : 1.0;
    fresh[i] = 0;
    return v;
}
static inline luron_view *luron_grad_zeroed_(luron_call *c, luron_view *v, uint8_t *fresh, int i) {
    if (v && fresh[i]) {
        c->host->zero(c, v);
        fresh[i] = 0;
    }
    return v;
}
/** The gradient to ADD into, zeroed for you; NULL: not wanted. */
static inline luron_view *luron_grad_in(luron_call *c, int i) { return luron_grad_zeroed_(c, luron_at_(c->grad_in, c->n_in, i), c->fresh_in, i); }
static inline luron_view *luron_grad_param(luron_call *c, int i) { return luron_grad_zeroed_(c, luron_at_(c->grad_param, c->n_param, i), c->fresh_param, i); }
/** The same, not zeroed: with *beta 0 store every element, with 1 add. */
static inline luron_view *luron_grad_in_beta(luron_call *c, int i, double *beta) { return luron_grad_beta_(luron_at_(c->grad_in, c->n_in, i), c->fresh_in, i, beta); }
static inline luron_view *luron_grad_param_beta(luron_call *c, int i, double *beta) { return luron_grad_beta_(luron_at_(c->grad_param, c->n_param, i), c->fresh_param, i, beta); }

static inline int64_t luron_numel(const luron_view *v) {
    int64_t n = 1;
    for (int32_t i = 0; i < v->ndim; i++) n *= v->shape[i];
    return n;
}
static inline uint32_t luron_dtype(const luron_view *v) { return (uint32_t)v->dtype_code << 8 | v->dtype_bits; }
static inline void *luron_typed_(const luron_view *v, uint32_t dtype) { return v && v->data && luron_dtype(v) == dtype ? (void *)((char *)v->data + v->byte_offset) : NULL; }
/** The elements whatever their dtype; NULL: the view has none. */
static inline void *luron_data(const luron_view *v) { return v && v->data ? (void *)((char *)v->data + v->byte_offset) : NULL; }
/** The elements, or NULL if the view has another dtype. */
static inline float *luron_f32(const luron_view *v) { return (float *)luron_typed_(v, LURON_F32); }
static inline double *luron_f64(const luron_view *v) { return (double *)luron_typed_(v, LURON_F64); }
static inline int64_t *luron_i64(const luron_view *v) { return (int64_t *)luron_typed_(v, LURON_I64); }
/** Id k of index port i, counted from 0 whatever the context's base; negative: none, or not an id. */
static inline int64_t luron_id(const luron_call *c, int i, int64_t k) {
    const luron_view *v = c->in[i];
    const char *p = (const char *)v->data + v->byte_offset;
    int64_t id = v->dtype_bits == 64 ? ((const int64_t *)(const void *)p)[k] : v->dtype_bits == 32 ? ((const int32_t *)(const void *)p)[k] : ((const uint8_t *)p)[k];
    return id < 0 ? id : id >= c->index_base ? id - c->index_base : INT64_MIN; /* a 0 where ids count from 1 is no id */
}
/** A place counted from 0 (an axis, an id; negative: from the end) as the user counts it, for messages. */
static inline int64_t luron_shown(const luron_call *c, int64_t at) { return at < 0 ? at : at + c->index_base; }
/** All of index port i within n, or an error that names the first that is not. */
static inline luron_status luron_check_ids(luron_call *c, int i, int64_t n) {
    int64_t count = luron_numel(c->in[i]);
    for (int64_t k = 0; k < count; k++)
        if (luron_id(c, i, k) < 0 || luron_id(c, i, k) >= n) return c->host->bad_id(c, i, k, n);
    return LURON_OK;
}
static inline luron_status luron_set_out_like(luron_call *c, int i, const luron_view *v) { return c->host->set_out(c, i, luron_dtype(v), v->ndim, v->shape); }
static inline luron_init luron_init_(int32_t kind, double a, double b) {
    luron_init init = { 0, 0, 0, 0 };
    init.kind = kind, init.a = a, init.b = b;
    return init;
}
static inline luron_init luron_init_zeros(void) { return luron_init_(LURON_INIT_ZEROS, 0, 0); }
static inline luron_init luron_init_constant(double a) { return luron_init_(LURON_INIT_CONSTANT, a, 0); }
static inline luron_init luron_init_uniform(double a, double b) { return luron_init_(LURON_INIT_UNIFORM, a, b); }
static inline luron_init luron_init_normal(double mean, double deviation) { return luron_init_(LURON_INIT_NORMAL, mean, deviation); }
/** The same but for one row (of dim 0), which is zeros. */
static inline luron_init luron_init_zero_row(luron_init init, int64_t row) {
    init.reserved = (int32_t)(row + 1);
    return init;
}
/** What the option says, else `own`. */
static inline luron_init luron_init_or(const luron_named_init *option, luron_init own) { return option->text ? option->init : own; }

/* ---- element-wise functions: what a plan can fuse ------------------------------------------------------------------ */
typedef struct luron_run { /* a plain run of n numbers; it may be cut anywhere: element i depends on i alone */
    uint32_t struct_size, dtype;
    const luron_host *host;
    const void *options;
    int64_t n;
    const void *x, *y, *gy;
    void *to; /* apply: to = f(x).  derive: to = gy f'(x), stored; gy and to may be the same */
} luron_run;
typedef struct luron_elementwise {
    uint32_t struct_size, flags;
    void (*apply)(const luron_run *);
    void (*derive)(const luron_run *);
} luron_elementwise;
#define LURON_EW_FROM_Y 1u   /* derive reads y and never x (relu, tanh, sigmoid) */
#define LURON_EW_IN_PLACE 2u /* `to` may be x                                    */
#define LURON_EW_RISES 4u    /* f never falls, and where it rises it is x: gy goes on as it is, elsewhere 0, by y (relu): see luron_takes_largest */

enum { LURON_SUM, LURON_PROD, LURON_MEAN, LURON_AMAX, LURON_AMIN }; /* what scatter_reduce does */

/* ---- forward in differentiable ops. Handles belong to the call; NULL in gives NULL out; the first error sticks ------ */
typedef struct luron_ops {
    uint32_t struct_size, reserved;
    luron_tensor *(*in)(luron_call *, int i);
    luron_tensor *(*param)(luron_call *, int slot);
    luron_tensor *(*state)(luron_call *, int slot); /* to read */
    luron_status (*set_out)(luron_call *, int i, luron_tensor *); /* reports the sticky error */
    int (*ndim)(luron_call *, luron_tensor *);
    int64_t (*size)(luron_call *, luron_tensor *, int dim);
#define LURON_OPS_UNARY(name) luron_tensor *(*name)(luron_call *, luron_tensor *);
    LURON_UNARY_MAP(LURON_OPS_UNARY)
#undef LURON_OPS_UNARY
#define LURON_OPS_BINARY(name) luron_tensor *(*name)(luron_call *, luron_tensor *, luron_tensor *);
    LURON_BINARY_MAP(LURON_OPS_BINARY)
    LURON_COMPARE_MAP(LURON_OPS_BINARY)
#undef LURON_OPS_BINARY
    luron_tensor *(*scalar)(luron_call *, double value); /* 0-d, of the layer's dtype: a second operand */
    luron_tensor *(*scale)(luron_call *, luron_tensor *, double times, double plus); /* times x + plus */
    luron_tensor *(*clamp)(luron_call *, luron_tensor *, double min, double max);
    luron_tensor *(*where)(luron_call *, luron_tensor *cond, luron_tensor *a, luron_tensor *b);
    luron_tensor *(*matmul)(luron_call *, luron_tensor *, luron_tensor *, uint32_t flags); /* LURON_TRANS_A, _B */
    luron_tensor *(*add_row)(luron_call *, luron_tensor *x, luron_tensor *row);
    luron_tensor *(*sum)(luron_call *, luron_tensor *, int n_dims, const int *dims, int keep); /* n_dims 0: all */
    luron_tensor *(*mean)(luron_call *, luron_tensor *, int n_dims, const int *dims, int keep);
    luron_tensor *(*amax)(luron_call *, luron_tensor *, int n_dims, const int *dims, int keep);
    luron_tensor *(*softmax)(luron_call *, luron_tensor *, int dim);
    luron_tensor *(*log_softmax)(luron_call *, luron_tensor *, int dim);
    luron_tensor *(*reshape)(luron_call *, luron_tensor *, int ndim, const int64_t *shape); /* one size may be -1 */
    luron_tensor *(*transpose)(luron_call *, luron_tensor *, int dim0, int dim1);
    luron_tensor *(*narrow)(luron_call *, luron_tensor *, int dim, int64_t start, int64_t length);
    luron_tensor *(*expand)(luron_call *, luron_tensor *, int ndim, const int64_t *shape);
    luron_tensor *(*cat)(luron_call *, int n, luron_tensor *const *, int dim);
    luron_tensor *(*gather)(luron_call *, luron_tensor *, int dim, luron_tensor *ids);
    luron_tensor *(*index_select)(luron_call *, luron_tensor *, int dim, luron_tensor *ids);
    luron_tensor *(*one_hot)(luron_call *, luron_tensor *ids, int64_t n); /* of the layer's dtype */
    luron_tensor *(*cast)(luron_call *, luron_tensor *, uint32_t dtype);
    luron_tensor *(*uniform)(luron_call *, int stream, int ndim, const int64_t *shape); /* the numbers of rand_uniform */
    /* The others of core, as in ops.h, indexing.h, linalg.h and sparse.h; those whose shape depends on numbers are left out. */
    luron_tensor *(*logical_not)(luron_call *, luron_tensor *), *(*isfinite)(luron_call *, luron_tensor *), *(*isnan)(luron_call *, luron_tensor *);
    luron_tensor *(*prod)(luron_call *, luron_tensor *, int n_dims, const int *dims, int keep);
    luron_tensor *(*amin)(luron_call *, luron_tensor *, int n_dims, const int *dims, int keep);
    luron_tensor *(*any)(luron_call *, luron_tensor *, int n_dims, const int *dims, int keep);
    luron_tensor *(*all)(luron_call *, luron_tensor *, int n_dims, const int *dims, int keep);
    luron_tensor *(*logsumexp)(luron_call *, luron_tensor *, int n_dims, const int *dims, int keep);
    luron_tensor *(*var)(luron_call *, luron_tensor *, int n_dims, const int *dims, int keep, double correction);
    luron_tensor *(*std)(luron_call *, luron_tensor *, int n_dims, const int *dims, int keep, double correction);
    luron_tensor *(*norm)(luron_call *, luron_tensor *, double p, int n_dims, const int *dims, int keep);
    luron_tensor *(*quantile)(luron_call *, luron_tensor *, double q, int dim, int keep);
    luron_tensor *(*argmax)(luron_call *, luron_tensor *, int dim, int keep), *(*argmin)(luron_call *, luron_tensor *, int dim, int keep);
    luron_tensor *(*sum_to)(luron_call *, luron_tensor *, int ndim, const int64_t *shape);
    luron_tensor *(*cumsum)(luron_call *, luron_tensor *, int dim), *(*cumprod)(luron_call *, luron_tensor *, int dim);
    luron_tensor *(*logcumsumexp)(luron_call *, luron_tensor *, int dim), *(*diff)(luron_call *, luron_tensor *, int64_t n, int dim);
    /* Of two results the first is returned; the other (NULL: not wanted) is a handle like it. */
    luron_tensor *(*cummax)(luron_call *, luron_tensor *, int dim, luron_tensor **ids), *(*cummin)(luron_call *, luron_tensor *, int dim, luron_tensor **ids);
    luron_tensor *(*sort)(luron_call *, luron_tensor *, int dim, int descending, luron_tensor **ids);
    luron_tensor *(*topk)(luron_call *, luron_tensor *, int64_t k, int dim, int largest, luron_tensor **ids);
    luron_tensor *(*median)(luron_call *, luron_tensor *, int dim, int keep, luron_tensor **ids), *(*mode)(luron_call *, luron_tensor *, int dim, int keep, luron_tensor **ids);
    luron_tensor *(*kthvalue)(luron_call *, luron_tensor *, int64_t k, int dim, int keep, luron_tensor **ids);
    luron_tensor *(*argsort)(luron_call *, luron_tensor *, int dim, int descending);
    luron_tensor *(*permute)(luron_call *, luron_tensor *, int ndim, const int *dims), *(*movedim)(luron_call *, luron_tensor *, int n, const int *from, const int *to);
    luron_tensor *(*squeeze)(luron_call *, luron_tensor *, int dim), *(*unsqueeze)(luron_call *, luron_tensor *, int dim);
    luron_tensor *(*select)(luron_call *, luron_tensor *, int dim, int64_t at);
    luron_tensor *(*slice)(luron_call *, luron_tensor *, int dim, int64_t start, int64_t length, int64_t step);
    luron_tensor *(*diagonal)(luron_call *, luron_tensor *, int64_t offset, int dim1, int dim2), *(*diag)(luron_call *, luron_tensor *, int64_t offset);
    luron_tensor *(*contiguous)(luron_call *, luron_tensor *), *(*detach)(luron_call *, luron_tensor *);
    luron_tensor *(*stack)(luron_call *, int n, luron_tensor *const *, int dim);
    luron_tensor *(*flip)(luron_call *, luron_tensor *, int n_dims, const int *dims), *(*roll)(luron_call *, luron_tensor *, int64_t shift, int dim);
    luron_tensor *(*tile)(luron_call *, luron_tensor *, int ndim, const int64_t *times);
    luron_tensor *(*pad)(luron_call *, luron_tensor *, int n_dims, const int64_t *before, const int64_t *after, double value);
    luron_tensor *(*tril)(luron_call *, luron_tensor *, int64_t diagonal), *(*triu)(luron_call *, luron_tensor *, int64_t diagonal);
    luron_tensor *(*masked_fill)(luron_call *, luron_tensor *, luron_tensor *mask, double value), *(*masked_scatter)(luron_call *, luron_tensor *, luron_tensor *mask, luron_tensor *src);
    luron_tensor *(*scatter)(luron_call *, luron_tensor *, int dim, luron_tensor *ids, luron_tensor *src), *(*scatter_add)(luron_call *, luron_tensor *, int dim, luron_tensor *ids, luron_tensor *src);
    luron_tensor *(*scatter_reduce)(luron_call *, luron_tensor *, int dim, luron_tensor *ids, luron_tensor *src, int how /* LURON_SUM ... */, int include_self);
    luron_tensor *(*index_add)(luron_call *, luron_tensor *, int dim, luron_tensor *ids, luron_tensor *src), *(*index_copy)(luron_call *, luron_tensor *, int dim, luron_tensor *ids, luron_tensor *src);
    luron_tensor *(*index_fill)(luron_call *, luron_tensor *, int dim, luron_tensor *ids, double value), *(*take)(luron_call *, luron_tensor *, luron_tensor *ids);
    luron_tensor *(*segment_sum)(luron_call *, luron_tensor *, luron_tensor *ids, int64_t count), *(*segment_mean)(luron_call *, luron_tensor *, luron_tensor *ids, int64_t count);
    luron_tensor *(*segment_max)(luron_call *, luron_tensor *, luron_tensor *ids, int64_t count), *(*segment_min)(luron_call *, luron_tensor *, luron_tensor *ids, int64_t count);
    luron_tensor *(*searchsorted)(luron_call *, luron_tensor *sorted, luron_tensor *values, int right);
    luron_tensor *(*isclose)(luron_call *, luron_tensor *, luron_tensor *, double rtol, double atol, int equal_nan);
    luron_tensor *(*einsum)(luron_call *, const char *equation, int n, luron_tensor *const *);
    luron_tensor *(*outer)(luron_call *, luron_tensor *, luron_tensor *), *(*dot)(luron_call *, luron_tensor *, luron_tensor *), *(*trace)(luron_call *, luron_tensor *);
    luron_tensor *(*solve)(luron_call *, luron_tensor *, luron_tensor *), *(*inverse)(luron_call *, luron_tensor *), *(*det)(luron_call *, luron_tensor *), *(*cholesky)(luron_call *, luron_tensor *);
    luron_tensor *(*solve_triangular)(luron_call *, luron_tensor *, luron_tensor *, int upper, int unitriangular);
    luron_tensor *(*slogdet)(luron_call *, luron_tensor *, luron_tensor **logabsdet), *(*qr)(luron_call *, luron_tensor *, luron_tensor **r), *(*eigh)(luron_call *, luron_tensor *, luron_tensor **q);
    luron_tensor *(*svd)(luron_call *, luron_tensor *, luron_tensor **s, luron_tensor **vh);
    /* A sparse matrix in compressed rows: offsets (M + 1) and cols (entries), values (entries) or NULL: 1. */
    luron_tensor *(*csr_matmul)(luron_call *, luron_tensor *offsets, luron_tensor *cols, luron_tensor *values, int64_t n_cols, luron_tensor *x);
    luron_tensor *(*csr_sample)(luron_call *, luron_tensor *offsets, luron_tensor *cols, int64_t n_cols, luron_tensor *g, luron_tensor *x);
    luron_tensor *(*asinh)(luron_call *, luron_tensor *), *(*acosh)(luron_call *, luron_tensor *), *(*atanh)(luron_call *, luron_tensor *);
} luron_ops;

/* ---- layer type ------------------------------------------------------------------------------------------------------ */
typedef struct luron_layer_type {
    uint32_t struct_size, flags;
    const char *name, *function, *doc; /* "ReLU"; "relu" for x:relu() and nn.relu(x), NULL: none */
    const luron_option *const *options;
    uint64_t options_size; /* sizeof the options struct */
    const luron_port *const *in, *const *out; /* NULL: one, of the layer's dtype */
    uint32_t data_version, reserved;
    luron_status (*declare)(luron_call *);  /* at construction, options alone: parameters and state */
    luron_status (*setup)(luron_call *);    /* shapes known: outputs, saved, scratch, late parameters; pure. NULL: output like input */
    luron_status (*forward)(luron_call *), (*backward)(luron_call *); /* [run] */
    luron_status (*compose)(luron_call *, const luron_ops *); /* forward again, in ops */
    const luron_elementwise *elementwise;   /* the host then makes forward and backward */
    luron_status (*forward_backward)(luron_call *); /* [run] optional, beside them: both at once, where the outputs' gradients are known before; the same bits */
} luron_layer_type;
#define LURON_LAYER_LOSS 1u       /* scalar output */
#define LURON_LAYER_F64 2u        /* serves float64 too */
#define LURON_LAYER_RANDOM 4u     /* draws numbers when training: the call gets a position */
#define LURON_LAYER_FREES_IN 8u   /* backward reads no input data (shapes stay) */
#define LURON_LAYER_FREES_OUT 16u /* backward reads no output data */
#define LURON_LAYER_GEMM_LAST 32u /* out 0 and grad_in 0 each come from one gemm and are not touched after it */

/* ---- optimiser type --------------------------------------------------------------------------------------------------- */
typedef struct luron_step {
    uint32_t struct_size, dtype;
    const luron_host *host;
    const void *options;
    double *scalars;
    int64_t t, n; /* t: number of this step from 1: in begin of the optimiser's, in step of those in which the parameter
                     had a gradient; n: elements in this run */
    void *param;
    const void *grad;
    void *const *state;
    const luron_view *whole; /* LURON_OPTIM_WHOLE alone: the tensor with its shape */
    void *internal;
    luron_call *call; /* LURON_OPTIM_WHOLE alone, NULL in begin: for gemm, sum_to, parallel_for and luron_scratch; in setup for
                         fail, declare_scratch and declare_state */
} luron_step;
typedef struct luron_optim_type {
    uint32_t struct_size, flags;
    const char *name, *doc;
    const luron_option *const *options;
    uint64_t options_size;
    const char *const *state;    /* NULL-terminated: tensors shaped like the parameter, zero at first, unless setup says otherwise: "exp_avg" */
    const char *const *scalars;  /* NULL-terminated: doubles, one set a group, zero at first, saved: "beta1_t" */
    void (*begin)(luron_step *); /* once a step and group; the only place that changes scalars; optional */
    void (*step)(luron_step *);  /* any run: element i of the result depends on element i alone; LURON_OPTIM_WHOLE: all of it */
    int (*keeps)(const void *options, int i); /* is state i kept with these options? If not it is NULL in the step; NULL: all are */
    luron_status (*setup)(luron_step *); /* LURON_OPTIM_WHOLE alone, optional: a parameter is added or its options change, `whole` has its shape and no data;
                                            declare_state(call, i, name, LURON_REAL, shape, init) gives state i another shape, which options set later may
                                            not change, or a constant to begin with; without elements: NULL in the step */
} luron_optim_type;
#define LURON_OPTIM_WHOLE 1u

/* ---- formats: a container turns bytes into a tree, a schema maps a container's tree to a model and back ----------------- */
typedef struct luron_source {
    uint32_t struct_size, reserved;
    uint64_t size;
    const char *path; /* NULL: inside another file */
    luron_status (*read_at)(luron_io *, uint64_t at, void *to, uint64_t n);
    const void *data; /* all of it, where it is in memory; NULL: read_at alone */
} luron_source;
typedef struct luron_tree { /* services; nodes are groups or tensors, owned by the io */
    uint32_t struct_size, reserved;
    luron_node *(*root)(luron_io *), *(*model)(luron_io *); /* the file's side, the model's side */
    luron_node *(*group)(luron_io *, luron_node *, const char *name); /* the child group, made if absent */
    luron_node *(*find)(luron_io *, luron_node *, const char *path);  /* NULL: none */
    luron_node *(*child)(luron_io *, luron_node *, int64_t i);        /* in order of making; NULL: past the last */
    const char *(*name)(luron_io *, luron_node *);
    const char *(*text)(luron_io *, luron_node *, const char *key, uint64_t *n); /* NULL: none; n may be NULL */
    const char *(*key)(luron_io *, luron_node *, int64_t i); /* names of the attributes; NULL: past the last */
    luron_status (*set_text)(luron_io *, luron_node *, const char *key, const char *text, uint64_t n);
    luron_node *(*add_tensor)(luron_io *, luron_node *, const char *name, uint32_t dtype, int ndim, const int64_t *shape, uint64_t where);
    luron_node *(*map_tensor)(luron_io *, luron_node *, const char *name, luron_node *from, int ndim, const int *perm); /* renamed, axes permuted; perm NULL: as they are */
    const luron_view *(*tensor)(luron_io *, luron_node *); /* shape and dtype, data NULL unless in memory and in order; NULL: a group */
    luron_status (*fail)(luron_io *, luron_status, const char *fmt, ...) LURON_PRINTF(3, 4);
    luron_status (*write)(luron_io *, const void *, uint64_t n), (*write_tensor)(luron_io *, luron_node *); /* sequential writers */
    luron_status (*fetch)(luron_io *, luron_node *, uint64_t first, uint64_t n, void *to); /* elements, for writers with their own file */
    const char *(*path)(luron_io *); /* the temporary to create; the host syncs and renames */
    const void *(*options)(luron_io *);
    void *(*alloc)(luron_io *, uint64_t bytes);  /* lives until the io ends; NULL: no memory, already reported */
    luron_status (*set_ids)(luron_io *, luron_node *); /* this tensor holds ids from 0: Lua counts them from 1 */
    const luron_host *(*host)(luron_io *);
    luron_node *(*add_text)(luron_io *, luron_node *, const char *name, const char *text, uint64_t n); /* a text as a node of its own: of any length */
    const char *(*value)(luron_io *, luron_node *, uint64_t *n); /* the text of such a node, NULL: another node; n may be NULL */
    luron_status (*set_integer)(luron_io *, luron_node *, const char *key, int64_t value); /* an attribute that is a number; `text` gives it in decimal */
    int (*integer)(luron_io *, luron_node *, const char *key, int64_t *value); /* 1: there is such an attribute and it is a number */
} luron_tree;
typedef struct luron_format_type {
    uint32_t struct_size, flags;
    const char *name, *doc;
    const char *over; /* NULL: a container (hdf5, idx). "hdf5": a schema over that (luron, keras) */
    const luron_option *const *options;
    uint64_t options_size;
    int (*probe)(luron_io *, const luron_tree *, const uint8_t *head, uint64_t n); /* 0 no, 100 certain */
    luron_status (*read)(luron_io *, const luron_tree *, const luron_source *); /* announce; load no tensor data */
    luron_status (*read_tensor)(luron_io *, const luron_tree *, const luron_source *, luron_node *, uint64_t where, uint64_t first, uint64_t n, void *to); /* elements */
    luron_status (*write)(luron_io *, const luron_tree *);
} luron_format_type;
#define LURON_FORMAT_OWN_FILE 1u /* write creates tree->path itself; otherwise it calls tree->write in order */
#define LURON_FORMAT_SEALED 2u   /* a container: the host ends its files with a checksum and `read` sees none with a wrong one */
#define LURON_FORMAT_PLAIN 4u    /* `where` is the byte of the file at which a tensor begins, as it is in memory: the host reads it without read_tensor */

/* ---- the one exported symbol --------------------------------------------------------------------------------------------- */
typedef struct luron_plugin {
    uint32_t struct_size, abi_major, abi_minor /* the lowest it needs */, reserved;
    const char *name, *version;
    const luron_layer_type *const *layers;
    const luron_optim_type *const *optims;
    const luron_format_type *const *formats;
    luron_status (*init)(luron_call *); /* optional; its call serves fail and extension alone */
} luron_plugin;

#if defined(__GNUC__)
#define LURON_EXPORT __attribute__((visibility("default")))
#else
#define LURON_EXPORT
#endif
#ifdef LURON_PLUGIN_STATIC
#define LURON_PLUGIN_SYMBOL_(id) luron_plugin_##id
#else
#define LURON_PLUGIN_SYMBOL_(id) luron_plugin_main
#endif
#ifdef __cplusplus
#define LURON_PLUGIN_DEFINE(id) extern "C" LURON_EXPORT const luron_plugin LURON_PLUGIN_SYMBOL_(id); const luron_plugin LURON_PLUGIN_SYMBOL_(id)
#else
#define LURON_PLUGIN_DEFINE(id) extern LURON_EXPORT const luron_plugin LURON_PLUGIN_SYMBOL_(id); const luron_plugin LURON_PLUGIN_SYMBOL_(id)
#endif

#ifdef __cplusplus
}
#endif
#endif
