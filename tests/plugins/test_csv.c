#include "test_files.h"

#include <locale.h>
#include <math.h>

static luron_arg text_arg(const char *name, const char *value) {
    return (luron_arg){ .name = name, .kind = LURON_ARG_STRING, .string = value };
}
static luron_arg number_arg(const char *name, int64_t value) {
    return (luron_arg){ .name = name, .kind = LURON_ARG_INTEGER, .integer = value };
}

static luron_file *read_text(luron_ctx *ctx, const char *text, int n_args, const luron_arg *args) {
    luron_file *file;
    write_string(in_folder("table.csv"), text);
    assert_ok(ctx, luron_file_read(&file, ctx, in_folder("table.csv"), "csv", n_args, args));
    return file;
}
static luron_tensor *named(luron_file *file, const char *name, int *at) {
    for (int i = 0; i < luron_file_n_tensors(file); i++)
        if (strcmp(luron_file_name(file, i), name) == 0) return *at = i, luron_file_tensor(file, i);
    fail_msg("no tensor '%s'", name);
    return NULL;
}
static void assert_refused(luron_ctx *ctx, const char *text, int n_args, const luron_arg *args, luron_status status,
                           const char *says) {
    luron_file *file = NULL;
    write_string(in_folder("bad.csv"), text);
    assert_fails(ctx, luron_file_read(&file, ctx, in_folder("bad.csv"), "csv", n_args, args), status, says);
    if (status == LURON_E_FORMAT) assert_non_null(strstr(luron_ctx_error(ctx), "bad.csv: "));
    assert_null(file);
}

static void test_csv_numbers_and_text(void **state) {
    luron_ctx *ctx = *state;
    int at = -1;
    luron_file *file = read_text(ctx,
                                 "\xef\xbb\xbfx, \"y, z\" ,colour\r\n1,-2.5,red\r\n\r\n3e2,NA,\"blue "
                                 "\"\"ish\"\"\"\r\n.5,,red\r\n-1.,nan,\r\n",
                                 0, NULL);
    assert_int_equal(luron_file_n_tensors(file), 2);
    luron_tensor *data = named(file, "data", &at);
    assert_shape(data, 4, 2);
    assert_int_equal(luron_tensor_dtype(data), LURON_F32);
    assert_tensor_close(data, ((const double[]){ 1, -2.5, 300, NAN, 0.5, NAN, -1, NAN }), 8, 0, 0);
    assert_string_equal(luron_file_text(file, at, "columns"), "[\"x\",\"y, z\"]");
    luron_tensor *colour = named(file, "colour", &at);
    assert_true(luron_file_is_ids(file, at));
    assert_int_equal(luron_tensor_dtype(colour), LURON_I64);
    assert_tensor_close(colour, ((const double[]){ 1, 0, 1, -1 }), 4, 0, 0); /* sorted; nothing there: -1 */
    assert_string_equal(luron_file_text(file, at, "classes"), "[\"blue \\\"ish\\\"\",\"red\"]");
    assert_string_equal(luron_file_text(file, at, "column"), "colour");
    luron_file_free(file);
    luron_ctx_set_index_base(ctx, 1);
    file = read_text(ctx, "n,colour\n1,red\n2,\n3,blue\n", 0, NULL);
    assert_tensor_close(named(file, "colour", &at), ((const double[]){ 2, -1, 1 }), 3, 0, 0);
    luron_file_free(file);
    luron_ctx_set_index_base(ctx, 0);
}

static void test_csv_header(void **state) {
    luron_ctx *ctx = *state;
    int at = -1;
    luron_arg yes = text_arg("header", "yes"), no = text_arg("header", "no");
    luron_file *file = read_text(ctx, "1,2\n3,4", 0, NULL);
    assert_shape(named(file, "data", &at), 2, 2);
    assert_string_equal(luron_file_text(file, at, "columns"), "[\"column1\",\"column2\"]");
    luron_file_free(file);
    file = read_text(ctx, "1,2\n3,4", 1, &yes);
    assert_shape(named(file, "data", &at), 1, 2);
    assert_string_equal(luron_file_text(file, at, "columns"), "[\"1\",\"2\"]");
    luron_file_free(file);
    file = read_text(ctx, "a,b\nc,d\n", 1, &no);
    assert_int_equal(luron_file_n_tensors(file), 2);
    assert_string_equal(luron_file_text(file, 0, "classes"), "[\"a\",\"c\"]");
    luron_file_free(file);
    luron_arg skip_two[] = { number_arg("skip", 2), text_arg("delimiter", "tab") };
    file = read_text(ctx, "# made by\n# somebody\nx\ty\n1\t2\n", 2, skip_two);
    assert_string_equal(luron_file_text(file, 0, "columns"), "[\"x\",\"y\"]");
    luron_file_free(file);
    luron_arg semicolon = text_arg("delimiter", ";");
    file = read_text(ctx, "x;y;\n1;2;3\n", 1, &semicolon);
    assert_string_equal(luron_file_text(file, 0, "columns"), "[\"x\",\"y\",\"column3\"]");
    luron_file_free(file);
}

static void test_csv_columns_and_target(void **state) {
    luron_ctx *ctx = *state;
    const char *table = "id,size,price,kind\n7,1.5,10,b\n8,2.5,9,a\n9,3.5,10,b\n";
    int at = -1;
    luron_arg chosen[] = { text_arg("columns", "price, size"), text_arg("target", "kind") };
    luron_file *file = read_text(ctx, table, 2, chosen);
    assert_int_equal(luron_file_n_tensors(file), 2);
    assert_tensor_close(named(file, "data", &at), ((const double[]){ 1.5, 10, 2.5, 9, 3.5, 10 }), 6, 0, 0);
    assert_string_equal(luron_file_text(file, at, "columns"), "[\"size\",\"price\"]");
    assert_tensor_close(named(file, "target", &at), ((const double[]){ 1, 0, 1 }), 3, 0, 0);
    assert_string_equal(luron_file_text(file, at, "classes"), "[\"a\",\"b\"]");
    assert_string_equal(luron_file_text(file, at, "column"), "kind");
    luron_file_free(file);

    luron_arg number[] = { text_arg("target", "price"), text_arg("dtype", "float64") };
    file = read_text(ctx, table, 2, number);
    luron_tensor *target = named(file, "target", &at);
    assert_shape(target, 3);
    assert_int_equal(luron_tensor_dtype(target), LURON_F64);
    assert_false(luron_file_is_ids(file, at));
    assert_tensor_close(target, ((const double[]){ 10, 9, 10 }), 3, 0, 0);
    assert_tensor_close(named(file, "data", &at), ((const double[]){ 7, 1.5, 8, 2.5, 9, 3.5 }), 6, 0, 0);
    luron_file_free(file);

    luron_arg classes[] = { text_arg("target", "price"), text_arg("target_kind", "classes") };
    file = read_text(ctx, table, 2, classes);
    assert_tensor_close(named(file, "target", &at), ((const double[]){ 1, 0, 1 }), 3, 0, 0);
    assert_string_equal(luron_file_text(file, at, "classes"), "[\"9\",\"10\"]"); /* integers by value */
    luron_file_free(file);

    luron_arg unknown = text_arg("columns", "size,weight"), no_target = text_arg("target", "weight"),
              not_number[] = { text_arg("target", "kind"), text_arg("target_kind", "number") };
    assert_refused(ctx, table, 1, &unknown, LURON_E_ARGUMENT,
                   "columns: there is no column 'weight'; there are id, size, price, kind");
    assert_refused(ctx, table, 1, &no_target, LURON_E_ARGUMENT, "target: there is no column 'weight'");
    assert_refused(ctx, table, 2, not_number, LURON_E_FORMAT, "column 'kind' holds text");
}

/* Every number as strtod reads it, in a locale with commas too. */
static void test_csv_numbers_are_exact(void **state) {
    luron_ctx *ctx = *state;
    static const char *const texts[] = { "0",
                                         "-0",
                                         "1",
                                         "123456789012345678",
                                         "9007199254740993",
                                         "0.1",
                                         "1e22",
                                         "1e23",
                                         "1.7976931348623157e308",
                                         "4.9e-324",
                                         "2.2250738585072011e-308",
                                         "1e400",
                                         "-1e400",
                                         "1e-400",
                                         "3.14159265358979323846264338327950288",
                                         "00012.50",
                                         "1E+5",
                                         "1e-5",
                                         "123.456e-3",
                                         "0.000000000000000000000000000001",
                                         "inf",
                                         "-Infinity",
                                         "+7",
                                         "179769313486231570000000000000000000000",
                                         "5e-1",
                                         "8.5",
                                         "1.0000000000000002220446049250313" };
    enum { N = sizeof texts / sizeof *texts, RANDOM = 3000 };
    static double expect[N + RANDOM];
    char *table = malloc(64 * (N + RANDOM));
    uint64_t seed = 5;
    size_t at = 0;
    for (int i = 0; i < N + RANDOM; i++) {
        char one[64];
        if (i < N) snprintf(one, sizeof one, "%s", texts[i]);
        else if (i % 3 == 0)
            snprintf(one, sizeof one, "%.*g", 1 + (int)(test_random(&seed) % 20),
                     ldexp((double)(test_random(&seed) >> 11), (int)(test_random(&seed) % 200) - 100));
        else if (i % 3 == 1)
            snprintf(one, sizeof one, "%llu.%llue%d",
                     (unsigned long long)(test_random(&seed) >> (20 + test_random(&seed) % 40)),
                     (unsigned long long)(test_random(&seed) >> 40), (int)(test_random(&seed) % 60) - 30);
        else snprintf(one, sizeof one, "%.3f", (double)(int64_t)(test_random(&seed) >> 40) / 1000);
        expect[i] = strtod(one, NULL);
        at += (size_t)sprintf(table + at, "%s\n", one);
    }
    luron_arg args[] = { text_arg("header", "no"), text_arg("dtype", "float64") };
    const char *with_comma = setlocale(LC_NUMERIC, "de_DE.UTF-8");
    if (!with_comma) print_message("no locale with a decimal comma here: tried in C alone\n");
    luron_file *file = read_text(ctx, table, 2, args);
    setlocale(LC_NUMERIC, "C");
    luron_tensor *t = luron_file_tensor(file, 0);
    assert_shape(t, N + RANDOM, 1);
    assert_memory_equal(luron_tensor_data(t), expect, sizeof expect);
    luron_file_free(file);
    free(table);
}

static void test_csv_what_looks_like_a_number(void **state) {
    luron_ctx *ctx = *state;
    static const char *const texts[] = { "0x10", "1e",  "1e+",  "--1",     "1.2.3", ".",  "-",    "+",
                                         "1 2",  "1,5", "NaNs", "infinit", "e5",    "1f", "1_000" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char table[100];
        snprintf(table, sizeof table, "x\n\"%s\"\n2\n", texts[i]);
        luron_file *file = read_text(ctx, table, 0, NULL);
        assert_true(luron_file_is_ids(file, 0));
        luron_file_free(file);
    }
    luron_file *file = read_text(ctx, "x\n\"1\"\n 2\t\nN/A\nNULL\n", 0, NULL);
    assert_tensor_close(luron_file_tensor(file, 0), ((const double[]){ 1, 2, NAN, NAN }), 4, 0, 0);
    luron_file_free(file);
}

static void test_csv_bad_tables_are_refused(void **state) {
    luron_ctx *ctx = *state;
    luron_arg delimiters[] = { text_arg("delimiter", ""),   text_arg("delimiter", "ab"), text_arg("delimiter", "\n"),
                               text_arg("header", "maybe"), number_arg("skip", -1),      text_arg("rows", "5") };
    assert_refused(ctx, "a,b\n1,2\n3\n", 0, NULL, LURON_E_FORMAT, "line 3: 1 fields, the first row has 2");
    assert_refused(ctx, "a,b\n1,2\n\n\n3,4,5\n", 0, NULL, LURON_E_FORMAT, "line 5: 3 fields, the first row has 2");
    assert_refused(ctx, "a,b\n1,\"2\n3,4\n", 0, NULL, LURON_E_FORMAT, "line 2: a quote is not closed");
    assert_refused(ctx, "a,b\n1,\"2\"3\n", 0, NULL, LURON_E_FORMAT,
                   "line 2: there is something behind a closing quote");
    assert_refused(ctx, "a,b\n\"1\n2\",3\n4\n", 0, NULL, LURON_E_FORMAT, "line 4: 1 fields");
    assert_refused(ctx, "a,b\n", 0, NULL, LURON_E_FORMAT, "no rows below the names");
    assert_refused(ctx, "\n\r\n", 0, NULL, LURON_E_FORMAT, "there are no rows");
    assert_refused(ctx, "a,b\n1,\xff\xfe\n", 0, NULL, LURON_E_FORMAT, "line 2: a text is not UTF-8");
    assert_refused(ctx, "a\xff,b\n1,2\n", 0, NULL, LURON_E_FORMAT, "a name is not UTF-8");
    assert_refused(ctx, "kind,kind\nx,y\n", 0, NULL, LURON_E_FORMAT, "'kind' is there twice");
    for (size_t i = 0; i < sizeof delimiters / sizeof *delimiters; i++)
        assert_refused(ctx, "a,b\n1,2\n", 1, &delimiters[i], LURON_E_ARGUMENT, delimiters[i].name);
    char *wide = malloc(70002);
    memset(wide, ',', 70000);
    wide[70000] = 0;
    assert_refused(ctx, wide, 0, NULL, LURON_E_FORMAT, "more than 65536 fields");
    memset(wide, 'x', 70000);
    assert_refused(ctx, wide, 0, NULL, LURON_E_FORMAT, "longer than 65536 bytes");
    free(wide);
}

/* Any bytes give tensors or an error, and nothing leaks. */
static void test_csv_random_bytes(void **state) {
    luron_ctx *ctx = *state;
    static const char common[] = "1234567890.,,,,\n\n\n\r\"\"eE+-ab \t;\xc3\xa9\xff";
    uint64_t seed = 6;
    char text[200];
    int good = 0;
    for (int i = 0; i < 3000; i++) {
        size_t n = 1 + test_random(&seed) % (sizeof text - 1);
        for (size_t k = 0; k < n; k++) text[k] = common[test_random(&seed) % (sizeof common - 1)];
        write_bytes(in_folder("random.csv"), text, n);
        luron_file *file = NULL;
        luron_status status = luron_file_read(&file, ctx, in_folder("random.csv"), "csv", 0, NULL);
        if (!status) luron_file_free(file);
        else assert_int_equal(status, LURON_E_FORMAT);
        good += !status;
    }
    assert_true(good > 10 && good < 3000);
}

static void test_csv_chosen_by_content(void **state) {
    luron_ctx *ctx = *state;
    char command[1000];
    luron_file *file;
    write_string(in_folder("any"), "x,y\n1,2\n");
    snprintf(command, sizeof command, "gzip -c '%s' > '%s'", in_folder("any"), in_folder("any.gz"));
    assert_int_equal(system(command), 0);
    static const char *const names[] = { "any", "any.gz" };
    for (int i = 0; i < 2; i++) {
        assert_ok(ctx, luron_file_read(&file, ctx, in_folder(names[i]), NULL, 0, NULL));
        assert_tensor_close(luron_file_tensor(file, 0), ((const double[]){ 1, 2 }), 2, 0, 0);
        luron_file_free(file);
    }
    write_bytes(in_folder("binary"), "\1\2\3\0\4", 5);
    assert_fails(ctx, luron_file_read(&file, ctx, in_folder("binary"), NULL, 0, NULL), LURON_E_FORMAT,
                 "not a file that can be read");
}

/* Rows with many classes, as dates have. */
static void test_csv_many_classes(void **state) {
    luron_ctx *ctx = *state;
    enum { N = 20000 };
    char *table = malloc(40 * N + 100);
    size_t at = (size_t)sprintf(table, "name,x\n");
    for (int i = 0; i < N; i++) at += (size_t)sprintf(table + at, "n%d,%d\n", (int)((int64_t)i * 7919 % N), i);
    luron_file *file = read_text(ctx, table, 0, NULL);
    int which = -1;
    const int64_t *id = luron_tensor_data(named(file, "name", &which));
    static unsigned char seen[N];
    for (int i = 0; i < N; i++) seen[id[i]]++;
    for (int i = 0; i < N; i++) assert_int_equal(seen[i], 1);
    assert_true(strncmp(luron_file_text(file, which, "classes"), "[\"n0\",\"n1\",\"n10\",\"n100\",", 24) == 0);
    assert_int_equal(id[0], 0);
    luron_file_free(file);
    free(table);
}

static void test_csv_real_tables(void **state) {
    luron_ctx *ctx = *state;
    const char *data = getenv("LURON_DATA");
    if (!data) {
        print_message("skipped: LURON_DATA names no folder\n");
        skip();
    }
    char path[500];
    int at = -1;
    luron_file *file;
    snprintf(path, sizeof path, "%s/tabular/iris.csv", data);
    luron_arg iris[] = { number_arg("skip", 1), text_arg("target", "column5"), text_arg("target_kind", "classes") };
    assert_ok(ctx, luron_file_read(&file, ctx, path, NULL, 3, iris));
    assert_shape(named(file, "data", &at), 150, 4);
    assert_string_equal(luron_file_text(file, 1, "classes"), "[\"0\",\"1\",\"2\"]");
    luron_file_free(file);
    snprintf(path, sizeof path, "%s/tabular/digits.csv.gz", data);
    assert_ok(ctx, luron_file_read(&file, ctx, path, NULL, 0, NULL));
    assert_shape(luron_file_tensor(file, 0), 1797, 65);
    luron_file_free(file);
    snprintf(path, sizeof path, "%s/timeseries/pollution.csv.gz", data);
    assert_ok(ctx, luron_file_read(&file, ctx, path, NULL, 0, NULL));
    luron_tensor *t = named(file, "data", &at);
    assert_shape(t, 43824, 12);
    const float *x = luron_tensor_data(t);
    int missing = 0;
    for (int64_t i = 0; i < luron_tensor_numel(t); i++) missing += isnan(x[i]);
    assert_int_equal(missing, 2067);
    named(file, "cbwd", &at);
    assert_string_equal(luron_file_text(file, at, "classes"), "[\"NE\",\"NW\",\"SE\",\"cv\"]");
    luron_file_free(file);
    snprintf(path, sizeof path, "%s/nsl-kdd/KDDTest+.txt.gz", data);
    assert_ok(ctx, luron_file_read(&file, ctx, path, NULL, 0, NULL));
    assert_shape(named(file, "data", &at), 22544, 39);
    luron_file_free(file);
}

static void test_csv_every_allocation_may_fail(void **state) {
    luron_ctx *ctx = *state;
    luron_file *file = read_text(ctx, "x,y,kind\n1,2,a\n3,4,b\n", 0, NULL);
    luron_file_free(file);
    file = NULL;
    int64_t blocks = luron_ctx_live_blocks(ctx);
    for (int64_t k = 1;; k++) {
        luron_ctx_fail_alloc(ctx, k, 0);
        luron_status status = luron_file_read(&file, ctx, in_folder("table.csv"), "csv", 0, NULL);
        luron_ctx_fail_alloc(ctx, 0, 0);
        if (!status) {
            luron_file_free(file);
            assert_true(k > 10);
            break;
        }
        assert_int_equal(status, LURON_E_NOMEM);
        assert_int_equal(luron_ctx_live_blocks(ctx), blocks);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        test_case(test_csv_numbers_and_text),
        test_case(test_csv_header),
        test_case(test_csv_columns_and_target),
        test_case(test_csv_numbers_are_exact),
        test_case(test_csv_what_looks_like_a_number),
        test_case(test_csv_bad_tables_are_refused),
        test_case(test_csv_random_bytes),
        test_case(test_csv_chosen_by_content),
        test_case(test_csv_many_classes),
        test_case(test_csv_real_tables),
        test_case(test_csv_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, test_folder_new, test_folder_free);
}
