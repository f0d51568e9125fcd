/* fake_plugin.c -- a good plugin with one element-wise type; macros spoil it, one for each case of test_loader.c. */
#include <luron/plugin.h>
#ifndef MAJOR
#define MAJOR LURON_ABI_MAJOR
#endif
#ifndef MINOR
#define MINOR 0
#endif
#ifndef PLUGIN_SIZE
#define PLUGIN_SIZE sizeof(luron_plugin)
#endif
#ifndef LAYER_SIZE
#define LAYER_SIZE sizeof(fake_layer_type)
#endif
#ifndef NAME
#define NAME "fake"
#endif
#ifndef TYPE
#define TYPE "FakeLayer"
#endif
#ifndef FACTOR
#define FACTOR 2
#endif

/* What a later header may look like: fields appended. */
typedef struct fake_layer_type {
    luron_layer_type known;
#ifdef LONGER
    const char *later[4];
#endif
} fake_layer_type;

#ifdef UNDEFINED
extern int luron_is_not_there(void);
int luron_uses_what_is_not_there(void);
int luron_uses_what_is_not_there(void) { return luron_is_not_there(); }
#endif

static void apply(const luron_run *r) {
    const float *x = r->x;
    float *y = r->to;
    for (int64_t i = 0; i < r->n; i++) y[i] = x[i] * FACTOR;
}
static void derive(const luron_run *r) {
    const float *gy = r->gy;
    float *gx = r->to;
    for (int64_t i = 0; i < r->n; i++) gx[i] = gy[i] * FACTOR;
}

#ifdef INIT_TEXT
static luron_status init(luron_call *c) { return luron_fail(c, LURON_E_UNSUPPORTED, "no %s here", INIT_TEXT); }
#elif defined(INIT_LEAKS)
#include <stdlib.h>
static void *leaked; /* what a careless plugin leaves behind when it fails */
static luron_status init(luron_call *c) {
    leaked = malloc(1000);
    return luron_fail(c, LURON_E_STATE, "%s", leaked ? "failed half-way" : "no memory");
}
#elif defined(INIT_SILENT)
static luron_status init(luron_call *c) {
    (void)c;
    return LURON_E_STATE;
}
#elif defined(INIT_GOOD)
static luron_status init(luron_call *c) {
    /* its call serves fail and extension alone */
    int good = !c->host->extension(c->host, "org.example.nothing/1") && !LURON_HAS(c->host, gemm) &&
        c->host->abi_minor == LURON_ABI_MINOR;
    return good ? LURON_OK : luron_fail(c, LURON_E_INTERNAL, "another call expected");
}
#else
#define NO_INIT
#endif

#ifdef NO_APPLY
#define APPLY NULL
#else
#define APPLY apply
#endif
#ifdef OPTION /* one option, of a schema that is wrong */
typedef struct fake_options {
    int64_t count;
    int32_t mode;
} fake_options;
static const char *const modes[] = { "a", "b", NULL };
static const luron_option *const options[] = { OPTION, NULL };
#define OPTIONS .options = options, .options_size = sizeof(fake_options),
const char *const *fake_modes(void);
const char *const *fake_modes(void) { return modes; }
#else
#define OPTIONS
#endif
static const luron_elementwise fn = { .struct_size = sizeof fn, .apply = APPLY, .derive = derive };
void (*fake_apply(void))(const luron_run *);
void (*fake_apply(void))(const luron_run *) { return apply; }
#ifdef SHORTER
static luron_status past_the_end(luron_call *c) { return luron_fail(c, LURON_E_INTERNAL, "not to be called"); }
#endif
static const fake_layer_type type = {
    .known = { .struct_size = LAYER_SIZE, .name = TYPE, .elementwise = &fn, OPTIONS },
#ifdef LONGER
    .later = { "a", "b", "c", "d" },
#endif
#ifdef SHORTER /* what lies behind the end of an older struct is none of it: a type that is element-wise may not have this one */
    .known.forward_backward = past_the_end,
#endif
};
#ifdef TWICE
static const luron_layer_type *const layers[] = { &type.known, &type.known, NULL };
#elif defined(NO_TYPES)
static const luron_layer_type *const layers[] = { NULL };
const luron_layer_type *fake_type(void);
const luron_layer_type *fake_type(void) { return &type.known; }
#else
static const luron_layer_type *const layers[] = { &type.known, NULL };
#endif
#ifndef NO_SYMBOL
LURON_PLUGIN_DEFINE(fake) = { .struct_size = PLUGIN_SIZE, .abi_major = MAJOR, .abi_minor = MINOR, .name = NAME,
                              .version = "1", .layers = layers,
#ifndef NO_INIT
    .init = init,
#endif
};
#else
extern const void *const luron_other_symbol;
const void *const luron_other_symbol = layers;
#endif
