/* The services for packed products, by a layer type that uses and misuses them. Before cmocka.h, whose macro `fail`
 * would take the place of host->fail. */
#define LURON_PLUGIN_STATIC
#include "luron/plugin.h"

#include <string.h>

typedef struct product {
    int32_t how;
} product;
enum { PLAIN, TURNED, NO_B, DTYPE, RANK, NO_DATA, NO_MEMORY, NOTHING, SHAPES, COLUMNS, ROWS, BACKWARDS, FAR, GAPS, SAME, WITHIN, BIAS, BESIDE };
static const char *const ways[] = {"plain",   "turned", "no_b",      "dtype", "rank",   "no_data", "no_memory", "nothing",
                                   "shapes",  "columns", "rows", "backwards", "far", "gaps", "same", "within",  "bias", "beside", NULL};
static int how(const luron_call *c) { return ((const product *)luron_options(c))->how; }
/* b of out = x b: (m, n), or turned (n, m). */
static luron_gemm product_of(const luron_call *c) {
    const luron_gemm g = {.struct_size = sizeof g,
                          .flags = how(c) == TURNED ? LURON_TRANS_B : 0,
                          .a = luron_in(c, 0),
                          .b = luron_in(c, 1),
                          .out = luron_out(c, 0)};
    return g;
}
static luron_status setup(luron_call *c) {
    const int64_t shape[2] = {luron_in(c, 0)->shape[0], luron_in(c, 1)->shape[how(c) != TURNED]};
    luron_view b = *luron_in(c, 1);
    luron_gemm g = product_of(c);
    g.b = how(c) == NO_B ? NULL : &b;
    if (how(c) == DTYPE) b.dtype_code = LURON_I64 >> 8, b.dtype_bits = 64;
    if (how(c) == RANK) b.ndim = 1;
    b.data = NULL; /* the shape is enough */
    const int64_t bytes = c->host->gemm_packed_bytes(c, &g);
    if (bytes < 0) return (luron_status)bytes;
    LURON_TRY(c->host->declare_scratch(c, bytes));
    return c->host->set_out(c, 0, LURON_REAL, 2, shape);
}
/* Of a (2, 3) and b (3, 4): views with strides, and memory that is shared. */
static luron_status multiply_views(luron_call *c) {
    luron_gemm g = product_of(c);
    luron_view a = *g.a, out = *g.out, bias = out;
    int64_t strides[2] = {3, 1}, out_strides[2] = {4, 1}, n = 4;
    float both[2][11] = {{0}}; /* out, a and in the first row bias beside each other, or two numbers of each row shared */
    const float *from = luron_data(&a);
    g.a = &a, g.out = &out;
    switch (how(c)) {
    case COLUMNS: strides[0] = 6, strides[1] = 2, a.strides = strides; break;
    case ROWS: out_strides[0] = 3, out.strides = out_strides; break;
    case BACKWARDS: strides[0] = -3, a.strides = strides; break;
    case FAR: strides[0] = INT64_MAX / 4, a.strides = strides; break;
    case GAPS: bias.ndim = 1, bias.shape = &n, bias.strides = &n, bias.data = both, bias.byte_offset = 0, g.bias = &bias; break;
    case SAME: a.data = out.data, a.byte_offset = out.byte_offset, strides[0] = 4, a.strides = strides; break;
    case BIAS: bias.ndim = 1, bias.shape = &n, bias.strides = NULL, g.bias = &bias; break;
    default: /* WITHIN, BESIDE */
        strides[0] = out_strides[0] = 11;
        a.data = &both[0][how(c) == BESIDE ? 4 : 2], out.data = both, a.byte_offset = out.byte_offset = 0;
        a.strides = strides, out.strides = out_strides;
        bias.ndim = 1, bias.shape = &n, bias.strides = NULL, bias.data = &both[0][7], bias.byte_offset = 0, g.bias = &bias;
    }
    for (int i = 0; i < 6 && how(c) == BESIDE; i++)
        both[i / 3][4 + i % 3] = from[i];
    luron_status status = c->host->gemm(c, &g);
    for (int i = 0; i < 2 && how(c) == BESIDE; i++)
        memcpy((float *)luron_data(luron_out(c, 0)) + 4 * i, both[i], 4 * sizeof(float));
    return status;
}
static luron_status forward(luron_call *c) {
    if (how(c) >= COLUMNS) return multiply_views(c);
    luron_gemm g = product_of(c);
    luron_view b = *g.b;
    if (how(c) == NO_DATA) b.data = NULL, g.b = &b;
    LURON_TRY(c->host->gemm_pack(c, &g, how(c) == NO_MEMORY ? NULL : luron_scratch(c)));
    if (how(c) == SHAPES) g.a = g.out;
    b.data = NULL, g.b = &b;
    return c->host->gemm_packed(c, &g, how(c) == NOTHING ? NULL : luron_scratch(c));
}
static luron_status backward(luron_call *c) { return luron_fail(c, LURON_E_GRADIENT, "there is none"); }
static const luron_option *const options[] = {LURON_OPT_CHOICE(product, how, "plain", ways, "what is done"), NULL};
static const luron_port *const in[] = {LURON_PORT("a", 0, LURON_REAL, 2, "(k, m)"),
                                       LURON_PORT("b", 0, LURON_REAL, 2, "(m, n)"), NULL};
static const luron_port *const out[] = {LURON_PORT("output", 0, LURON_REAL, 2, "(k, n)"), NULL};
static const luron_layer_type product_type = {.struct_size = sizeof product_type,
                                              .flags = LURON_LAYER_F64,
                                              .name = "Product",
                                              .options = options,
                                              .options_size = sizeof(product),
                                              .in = in,
                                              .out = out,
                                              .setup = setup,
                                              .forward = forward,
                                              .backward = backward};
static const luron_layer_type *const layers[] = {&product_type, NULL};
LURON_PLUGIN_DEFINE(products) = {.struct_size = sizeof(luron_plugin),
                                 .abi_major = LURON_ABI_MAJOR,
                                 .name = "products",
                                 .version = "1",
                                 .layers = layers};

#include "luron/luron.h"
#include "tensor_assert.h"

#include <stdio.h>

static int setup_test(void **state) {
    if (test_ctx_new(state)) return -1;
    return luron_plugin_add(*state, &luron_plugin_products, NULL) == LURON_OK ? 0 : -1;
}
static luron_layer *product_layer(luron_ctx *ctx, const char *way, uint32_t dtype) {
    char text[64];
    luron_layer *layer;
    snprintf(text, sizeof text, "{\"how\": \"%s\"}", way);
    assert_ok(ctx, luron_ctx_set_default_dtype(ctx, dtype));
    assert_ok(ctx, luron_layer_from_json(&layer, ctx, "Product", text));
    return layer;
}

/* Packed beforehand a product has the bits that it has otherwise. */
static void test_host_gemm_packed(void **state) {
    luron_ctx *ctx = *state;
    static const int64_t shapes[][3] = {{5, 3, 2}, {32, 128, 512}, {1, 600, 65}, {7, 1100, 17},
                                        {0, 3, 4}, {3, 0, 4},      {3, 4, 0}};
    for (int is_double = 0; is_double < 2; is_double++)
        for (int turned = 0; turned < 2; turned++)
            for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
                const int64_t *s = shapes[i], a[2] = {s[0], s[1]}, b[2] = {s[turned ? 2 : 1], s[turned ? 1 : 2]};
                const uint32_t dtype = is_double ? LURON_F64 : LURON_F32;
                luron_layer *layer = product_layer(ctx, ways[turned ? TURNED : PLAIN], dtype);
                luron_tensor *x[2], *right = NULL, *packed, *plain;
                assert_ok(ctx, luron_tensor_new(&x[0], ctx, dtype, 2, a));
                assert_ok(ctx, luron_tensor_new(&x[1], ctx, dtype, 2, b));
                for (int k = 0; k < 2; k++)
                    assert_ok(ctx, luron_tensor_normal(ctx, x[k], 0, 1));
                if (turned) assert_ok(ctx, luron_transpose(&right, ctx, x[1], 0, 1));
                assert_ok(ctx, luron_matmul(&plain, ctx, x[0], turned ? right : x[1]));
                assert_ok(ctx, luron_layer_apply(&packed, ctx, layer, 2, x));
                assert_tensor_same(packed, plain);
                luron_tensor *all[] = {x[0], x[1], right, plain, packed};
                for (size_t k = 0; k < sizeof all / sizeof *all; k++)
                    luron_tensor_unref(all[k]);
                luron_layer_unref(layer);
            }
}

static void test_host_gemm_packed_misuse(void **state) {
    luron_ctx *ctx = *state;
    static const char *const texts[] = {
        [NO_B] = "plugin 'products': gemm_packed_bytes: b is needed",
        [DTYPE] = "plugin 'products': gemm_packed_bytes: b is int64, float32 or float64 expected",
        [RANK] = "plugin 'products': gemm_packed_bytes: b has 1 dimensions, 2 expected",
        [NO_DATA] = "plugin 'products': gemm_pack: b has no data",
        [NO_MEMORY] = "plugin 'products': gemm_pack: there is no memory to write to",
        [NOTHING] = "plugin 'products': gemm_packed: nothing is packed",
        [SHAPES] = "plugin 'products': gemm_packed: shapes do not fit: a (2, 4), b (3, 4)",
        [COLUMNS] = "plugin 'products': gemm: a has strides (6, 2), (3 or more, 1) expected",
        [ROWS] = "plugin 'products': gemm: out has strides (3, 1), (4 or more, 1) expected",
        [BACKWARDS] = "plugin 'products': gemm: a has strides (-3, 1), (3 or more, 1) expected",
        [FAR] = "plugin 'products': gemm: a has strides (2305843009213693951, 1), (3 or more, 1) expected",
        [GAPS] = "plugin 'products': gemm: bias has strides: one piece of memory expected",
        [SAME] = "plugin 'products': gemm: out shares memory with a",
        [WITHIN] = "plugin 'products': gemm: out shares memory with a",
        [BIAS] = "plugin 'products': gemm: out shares memory with bias",
    };
    luron_tensor *x[2] = {tensor_of(ctx, LURON_F32, 2, (const int64_t[]){2, 3}, NULL),
                          tensor_of(ctx, LURON_F32, 2, (const int64_t[]){3, 4}, NULL)},
                 *y;
    for (int i = NO_B; i <= BIAS; i++) {
        luron_layer *layer = product_layer(ctx, ways[i], LURON_F32);
        assert_fails(ctx, luron_layer_apply(&y, ctx, layer, 2, x), LURON_E_PLUGIN, texts[i]);
        luron_layer_unref(layer);
    }
    luron_tensor_unref(x[0]);
    luron_tensor_unref(x[1]);
}

/* The columns of two matrices in the rows of one. */
static void test_host_gemm_beside_its_operand(void **state) {
    luron_ctx *ctx = *state;
    luron_tensor *x[2] = {tensor_of(ctx, LURON_F32, 2, (const int64_t[]){2, 3}, (const double[]){1, 2, 3, 4, 5, 6}),
                          tensor_of(ctx, LURON_F32, 2, (const int64_t[]){3, 4}, (const double[]){1, 0, 0, 2, 0, 1, 0, 2, 0, 0, 1, 2})},
                 *y, *right;
    luron_layer *layer = product_layer(ctx, "beside", LURON_F32);
    assert_ok(ctx, luron_layer_apply(&y, ctx, layer, 2, x));
    assert_ok(ctx, luron_matmul(&right, ctx, x[0], x[1]));
    assert_tensor_same(y, right);
    luron_tensor *all[] = {x[0], x[1], y, right};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        luron_tensor_unref(all[k]);
    luron_layer_unref(layer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_host_gemm_packed, setup_test, test_ctx_free),
        cmocka_unit_test_setup_teardown(test_host_gemm_packed_misuse, setup_test, test_ctx_free),
        cmocka_unit_test_setup_teardown(test_host_gemm_beside_its_operand, setup_test, test_ctx_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
