/* columns.h -- the table while it is read. */
#ifndef CSV_COLUMNS_H
#define CSV_COLUMNS_H
#include "csv_plugin.h"

typedef struct csv_options {
    const char *delimiter, *columns, *target;
    int64_t skip;
    int32_t header, target_kind, dtype;
} csv_options;
typedef struct csv_class {
    const char *text;
    size_t n;
    int64_t code; /* in order of first appearance, then in sorted order */
} csv_class;
typedef struct csv_column {
    const char *name;
    int is_text, is_target, is_wanted;
    int64_t at;     /* place among the numbers, -1: not among them */
    int64_t *codes; /* class of each row, -1: missing; NULL: numbers */
    csv_class *classes, **table;
    int64_t n_classes, cap;
} csv_column;
typedef struct csv_table {
    luron_io *io;
    const luron_tree *t;
    const csv_options *o;
    locale_t plain;
    csv_cursor first; /* at the first row of values */
    int has_header;
    int64_t line, n_columns, n_rows, n_numbers;
    csv_column *columns;
    void *data, *target;
} csv_table;
luron_status csv_fail_line(const csv_table *b, int64_t line, const char *why);
/** Which columns are wanted and what for; memory for them. */
luron_status csv_choose(csv_table *b);
luron_status csv_take_class(csv_table *b, csv_column *k, int64_t row, const csv_cell *cell);
/** Sort classes, and give the tensors to the host. */
luron_status csv_announce(csv_table *b);
#endif
