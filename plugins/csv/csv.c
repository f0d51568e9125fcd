/* Tables as text: numbers become one tensor, columns of text become class ids. Two passes: the first finds out what the
 * columns hold, the second takes the values.                                                                            */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* newlocale */
#endif
#include "../gunzip.h"
#include "columns.h"

#include <stdio.h>

static const char *const header_choices[] = { "auto", "yes", "no", NULL };
static const char *const target_choices[] = { "auto", "classes", "number", NULL };
static const char *const dtype_choices[] = { "float32", "float64", NULL };
static const luron_option *const option_list[] = {
    LURON_OPT_STRING(csv_options, delimiter, ",", "one character, or 'tab'"),
    LURON_OPT_CHOICE(csv_options, header, "auto", header_choices, "the first row has names; auto: it has no number"),
    LURON_OPT_INT(csv_options, skip, 0, 0, 1e9, "lines to leave out at the start"),
    LURON_OPT_STRING(csv_options, columns, "", "names of the columns wanted, with commas; '': all"),
    LURON_OPT_STRING(csv_options, target, "", "name of the column that becomes the tensor 'target'; '': none"),
    LURON_OPT_CHOICE(csv_options, target_kind, "auto", target_choices, "auto: classes if the target is text"),
    LURON_OPT_CHOICE(csv_options, dtype, "float32", dtype_choices, "of the numbers"),
    NULL
};

static int probe(luron_io *io, const luron_tree *t, const uint8_t *head, uint64_t n) {
    uint8_t text[4096];
    (void)io, (void)t;
    n = gunzip_head(head, n, text, sizeof text);
    for (int cut = 0; cut < 4 && n; cut++, n--) /* the head may end within a character */
        if (csv_is_text((const char *)text, n)) return memchr(text, '\n', n) ? 50 : 20;
    return 0;
}

static luron_status start(csv_table *b, const char *text, uint64_t n) {
    const char *d = b->o->delimiter;
    b->first = (csv_cursor){ .p = text, .end = text + n, .line = 1, .delimiter = strcmp(d, "tab") == 0 ? '\t' : d[0] };
    if ((d[0] && d[1] && strcmp(d, "tab")) || !b->first.delimiter || strchr("\n\r\"", b->first.delimiter))
        return b->t->fail(b->io, LURON_E_ARGUMENT, "delimiter is '%.20s', one character or 'tab' expected", d);
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) b->first.p += 3;
    for (int64_t i = 0; i < b->o->skip && b->first.p < b->first.end; i++) {
        const char *stop = memchr(b->first.p, '\n', (size_t)(b->first.end - b->first.p));
        b->first.p = stop ? stop + 1 : b->first.end;
        b->first.line++;
    }
    b->first.scratch = b->t->alloc(b->io, CSV_MAX_CELL);
    return b->first.scratch ? LURON_OK : LURON_E_NOMEM;
}

/* ---- the first row: how many columns, and their names ------------------------------------------------------------ */
static luron_status count_columns(csv_table *b) {
    csv_cursor c = b->first;
    csv_cell cell;
    double value;
    int numbers = 0;
    if (!csv_next_row(&c)) return b->t->fail(b->io, LURON_E_FORMAT, "there are no rows");
    do {
        if (!csv_next_cell(&c, &cell)) return csv_fail_line(b, c.line, c.error);
        numbers += csv_number(&cell, b->plain, &value) == CSV_NUMBER;
        if (++b->n_columns > CSV_MAX_COLUMNS) return csv_fail_line(b, c.line, "more than 65536 fields");
    } while (!cell.last);
    b->has_header = b->o->header == 1 || (b->o->header == 0 && !numbers);
    b->columns = b->t->alloc(b->io, (uint64_t)b->n_columns * sizeof *b->columns);
    if (!b->columns) return LURON_E_NOMEM;
    memset(b->columns, 0, (size_t)b->n_columns * sizeof *b->columns);
    return LURON_OK;
}

static luron_status name_columns(csv_table *b) {
    csv_cursor c = b->first;
    (void)csv_next_row(&c);
    for (int64_t i = 0; i < b->n_columns; i++) {
        char number[32];
        csv_cell cell = { number, (size_t)snprintf(number, sizeof number, "column%lld", (long long)i + 1), 0 }, given;
        if (b->has_header) {
            (void)csv_next_cell(&c, &given);
            if (given.n) cell = given;
        }
        if (!csv_is_text(cell.text, cell.n)) return csv_fail_line(b, b->first.line, "a name is not UTF-8");
        char *name = b->t->alloc(b->io, cell.n + 1);
        if (!name) return LURON_E_NOMEM;
        memcpy(name, cell.text, cell.n);
        name[cell.n] = 0;
        b->columns[i].name = name;
    }
    if (b->has_header) b->first = c;
    return LURON_OK;
}

/* ---- passes ------------------------------------------------------------------------------------------------------ */
static luron_status each_row(csv_table *b,
                             luron_status (*use)(csv_table *, int64_t row, int64_t column, const csv_cell *)) {
    csv_cursor c = b->first;
    csv_cell cell;
    for (b->n_rows = 0; csv_next_row(&c); b->n_rows++) {
        int64_t column = 0;
        b->line = c.line;
        do {
            if (!csv_next_cell(&c, &cell)) return csv_fail_line(b, b->line, c.error);
            if (column < b->n_columns) LURON_TRY(use(b, b->n_rows, column, &cell));
            column++;
        } while (!cell.last);
        if (column != b->n_columns)
            return b->t->fail(b->io, LURON_E_FORMAT, "line %lld: %lld fields, the first row has %lld",
                              (long long)b->line, (long long)column, (long long)b->n_columns);
    }
    return LURON_OK;
}

static luron_status judge(csv_table *b, int64_t row, int64_t column, const csv_cell *cell) {
    double value;
    (void)row;
    if (!b->columns[column].is_text && csv_number(cell, b->plain, &value) == CSV_TEXT) b->columns[column].is_text = 1;
    return LURON_OK;
}

static luron_status take(csv_table *b, int64_t row, int64_t column, const csv_cell *cell) {
    csv_column *k = &b->columns[column];
    double value;
    if (k->codes) return csv_take_class(b, k, row, cell);
    if (k->at < 0) return LURON_OK;
    csv_number(cell, b->plain, &value);
    void *data = k->is_target ? b->target : b->data;
    int64_t i = k->is_target ? row : row * b->n_numbers + k->at;
    if (b->o->dtype) ((double *)data)[i] = value;
    else ((float *)data)[i] = (float)value;
    return LURON_OK;
}

static luron_status read_table(csv_table *b) {
    LURON_TRY(count_columns(b));
    LURON_TRY(name_columns(b));
    LURON_TRY(each_row(b, judge));
    if (!b->n_rows) return b->t->fail(b->io, LURON_E_FORMAT, "there are no rows below the names");
    LURON_TRY(csv_choose(b));
    LURON_TRY(each_row(b, take));
    return csv_announce(b);
}

static luron_status read_csv(luron_io *io, const luron_tree *t, const luron_source *source) {
    csv_table b = { .io = io, .t = t, .o = t->options(io), .plain = newlocale(LC_ALL_MASK, "C", (locale_t)0) };
    const uint8_t *text = NULL;
    uint64_t n = 0;
    if (!b.plain) return t->fail(io, LURON_E_NOMEM, "not enough memory");
    luron_status status = gunzip_all(io, t, source, &text, &n);
    if (!status) status = start(&b, (const char *)text, n);
    if (!status) status = read_table(&b);
    freelocale(b.plain);
    return status;
}

static luron_status read_values(luron_io *io, const luron_tree *t, const luron_source *source, luron_node *node,
                                uint64_t where, uint64_t first, uint64_t n, void *to) {
    uint64_t size = t->tensor(io, node)->dtype_bits / 8;
    (void)source;
    memcpy(to, (const char *)(uintptr_t)where + first * size, n * size);
    return LURON_OK;
}

static const luron_format_type csv = { .struct_size = sizeof csv,
                                       .name = "csv",
                                       .doc = "tables as text; gzip too",
                                       .options = option_list,
                                       .options_size = sizeof(csv_options),
                                       .probe = probe,
                                       .read = read_csv,
                                       .read_tensor = read_values };
static const luron_format_type *const formats[] = { &csv, NULL };
LURON_PLUGIN_DEFINE(csv) = {
    .struct_size = sizeof(luron_plugin), .abi_major = LURON_ABI_MAJOR, .name = "csv", .version = "1", .formats = formats
};
