/* csv_plugin.h -- scan.c cuts text into cells and reads numbers; csv.c makes tensors of columns. */
#ifndef CSV_PLUGIN_H
#define CSV_PLUGIN_H
#include <locale.h>
#include <luron/plugin.h>

enum { CSV_MAX_CELL = 65536, CSV_MAX_COLUMNS = 65536 };

typedef struct csv_cursor {
    const char *p, *end;
    int64_t line;
    char delimiter;
    char *scratch; /* CSV_MAX_CELL bytes: a quoted cell with doubled quotes */
    const char *error;
} csv_cursor;
typedef struct csv_cell { /* without blanks around it */
    const char *text;
    size_t n;
    int last; /* of its row */
} csv_cell;
/** Skip empty lines. @return 0 at the end. */
int csv_next_row(csv_cursor *c);
/** @return 0: c->error says what is wrong. */
int csv_next_cell(csv_cursor *c, csv_cell *cell);

enum { CSV_NUMBER, CSV_MISSING, CSV_TEXT };
/** What a cell is, and its value (NaN: missing). `plain`: the C locale, whatever the program has set. */
int csv_number(const csv_cell *cell, locale_t plain, double *value);
/** Is it UTF-8 without control characters? */
int csv_is_text(const char *p, size_t n);
#endif
