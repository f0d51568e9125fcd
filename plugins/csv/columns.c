#include "columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

luron_status csv_fail_line(const csv_table *b, int64_t line, const char *why) {
    return b->t->fail(b->io, LURON_E_FORMAT, "line %lld: %s", (long long)line, why);
}

/* ---- choosing ---------------------------------------------------------------------------------------------------- */
static csv_column *find_column(const csv_table *b, const char *name, size_t n) {
    for (int64_t i = 0; i < b->n_columns; i++)
        if (strlen(b->columns[i].name) == n && memcmp(b->columns[i].name, name, n) == 0) return &b->columns[i];
    return NULL;
}

static luron_status no_column(const csv_table *b, const char *option, const char *name, size_t n) {
    char names[400];
    size_t at = 0;
    names[0] = 0;
    for (int64_t i = 0; i < b->n_columns && at + 60 < sizeof names; i++) {
        int wrote = snprintf(names + at, sizeof names - at, "%s%.40s", i ? ", " : "", b->columns[i].name);
        at += wrote > 0 ? (size_t)wrote : 0;
    }
    return b->t->fail(b->io, LURON_E_ARGUMENT, "%s: there is no column '%.*s'; there are %s", option,
                      (int)(n < 100 ? n : 100), name, names);
}

static luron_status mark_wanted(csv_table *b) {
    const char *p = b->o->columns, *target = b->o->target;
    for (int64_t i = 0; !*p && i < b->n_columns; i++) b->columns[i].is_wanted = 1;
    while (*p) {
        size_t n = strcspn(p, ","), blank = strspn(p, " "), used = n;
        if (blank > n) blank = n;
        while (used > blank && p[used - 1] == ' ') used--;
        csv_column *k = find_column(b, p + blank, used - blank);
        if (!k) return no_column(b, "columns", p + blank, used - blank);
        k->is_wanted = 1;
        p += n + (p[n] == ',');
    }
    if (!*target) return LURON_OK;
    csv_column *k = find_column(b, target, strlen(target));
    if (!k) return no_column(b, "target", target, strlen(target));
    if (k->is_text && b->o->target_kind == 2)
        return b->t->fail(b->io, LURON_E_FORMAT, "target: column '%s' holds text, numbers expected", target);
    k->is_target = k->is_wanted = 1;
    return LURON_OK;
}

luron_status csv_choose(csv_table *b) {
    uint64_t size = b->o->dtype ? 8 : 4, rows = (uint64_t)b->n_rows;
    LURON_TRY(mark_wanted(b));
    for (int64_t i = 0; i < b->n_columns; i++) {
        csv_column *k = &b->columns[i];
        k->at = -1;
        if (!k->is_wanted) continue;
        if (k->is_text || (k->is_target && b->o->target_kind == 1)) {
            k->codes = b->t->alloc(b->io, rows * sizeof *k->codes);
            if (!k->codes) return LURON_E_NOMEM;
        } else {
            k->at = k->is_target ? 0 : b->n_numbers++;
            if (k->is_target && !(b->target = b->t->alloc(b->io, rows * size))) return LURON_E_NOMEM;
        }
    }
    b->data = b->t->alloc(b->io, rows * size * (uint64_t)b->n_numbers); /* fields that are there in the text bound it */
    return b->data ? LURON_OK : LURON_E_NOMEM;
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */
static uint64_t hash(const char *p, size_t n) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ (uint8_t)p[i]) * 0x100000001b3u;
    return h ^ h >> 31;
}

static csv_class **slot(csv_class **table, int64_t cap, const char *text, size_t n) {
    uint64_t i = hash(text, n);
    for (;; i++) {
        csv_class **at = &table[i & (uint64_t)(cap - 1)];
        if (!*at || ((*at)->n == n && memcmp((*at)->text, text, n) == 0)) return at;
    }
}

static luron_status grow(csv_table *b, csv_column *k) {
    int64_t cap = k->cap ? 2 * k->cap : 64;
    csv_class *classes = b->t->alloc(b->io, (uint64_t)cap / 2 * sizeof *classes),
              **table = b->t->alloc(b->io, (uint64_t)cap * sizeof *table);
    if (!classes || !table) return LURON_E_NOMEM;
    if (k->n_classes) memcpy(classes, k->classes, (size_t)k->n_classes * sizeof *classes);
    memset(table, 0, (size_t)cap * sizeof *table);
    for (int64_t i = 0; i < k->n_classes; i++) *slot(table, cap, classes[i].text, classes[i].n) = &classes[i];
    k->classes = classes, k->table = table, k->cap = cap;
    return LURON_OK;
}

luron_status csv_take_class(csv_table *b, csv_column *k, int64_t row, const csv_cell *cell) {
    double value;
    k->codes[row] = -1;
    if (csv_number(cell, b->plain, &value) == CSV_MISSING) return LURON_OK;
    if (2 * k->n_classes >= k->cap) LURON_TRY(grow(b, k));
    csv_class **at = slot(k->table, k->cap, cell->text, cell->n);
    if (!*at) {
        if (!csv_is_text(cell->text, cell->n))
            return csv_fail_line(b, b->line, "a text is not UTF-8, or has control characters");
        char *copy = b->t->alloc(b->io, cell->n + 1);
        if (!copy) return LURON_E_NOMEM;
        memcpy(copy, cell->text, cell->n);
        *at = &k->classes[k->n_classes];
        **at = (csv_class){ copy, cell->n, k->n_classes };
        k->n_classes++;
    }
    k->codes[row] = (*at)->code;
    return LURON_OK;
}

static int is_integer(const csv_class *k, long long *value) {
    char text[20] = "", *end;
    if (!k->n || k->n >= sizeof text) return 0;
    memcpy(text, k->text, k->n);
    *value = strtoll(text, &end, 10);
    return !*end;
}

/* Integers by value, before all else by bytes: "2" before "10". */
static int compare(const void *a, const void *b) {
    const csv_class *x = a, *y = b;
    long long i = 0, j = 0;
    int x_is = is_integer(x, &i), y_is = is_integer(y, &j);
    if (x_is != y_is) return y_is - x_is;
    if (x_is && i != j) return i < j ? -1 : 1;
    int order = memcmp(x->text, y->text, x->n < y->n ? x->n : y->n);
    return order ? order : x->n < y->n ? -1 : x->n > y->n;
}

/* As scikit-learn's LabelEncoder: ids in the order of the sorted classes. */
static luron_status sort_classes(csv_table *b, csv_column *k) {
    int64_t *rank = b->t->alloc(b->io, ((uint64_t)k->n_classes + 1) * sizeof *rank);
    if (!rank) return LURON_E_NOMEM;
    if (k->n_classes) qsort(k->classes, (size_t)k->n_classes, sizeof *k->classes, compare);
    for (int64_t i = 0; i < k->n_classes; i++) rank[k->classes[i].code] = i;
    for (int64_t i = 0; i < b->n_rows; i++)
        if (k->codes[i] >= 0) k->codes[i] = rank[k->codes[i]];
    return LURON_OK;
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */
static char *put_quoted(char *to, const char *text, size_t n) {
    *to++ = '"';
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') *to++ = '\\';
        if (c < 0x20) to += sprintf(to, "\\u%04x", c);
        else *to++ = (char)c;
    }
    *to++ = '"';
    return to;
}

static luron_status set_classes(csv_table *b, const csv_column *k, luron_node *node) {
    uint64_t room = 3;
    for (int64_t i = 0; i < k->n_classes; i++) room += 6 * k->classes[i].n + 4;
    char *json = b->t->alloc(b->io, room), *p = json;
    if (!json) return LURON_E_NOMEM;
    *p++ = '[';
    for (int64_t i = 0; i < k->n_classes; i++) {
        if (i) *p++ = ',';
        p = put_quoted(p, k->classes[i].text, k->classes[i].n);
    }
    *p++ = ']';
    return b->t->set_text(b->io, node, "classes", json, (uint64_t)(p - json));
}

static luron_status set_columns(csv_table *b, luron_node *node) {
    uint64_t room = 3;
    for (int64_t i = 0; i < b->n_columns; i++) room += 6 * strlen(b->columns[i].name) + 4;
    char *json = b->t->alloc(b->io, room), *p = json;
    if (!json) return LURON_E_NOMEM;
    *p++ = '[';
    for (int64_t i = 0; i < b->n_columns; i++) {
        const csv_column *k = &b->columns[i];
        if (k->at < 0 || k->is_target) continue;
        if (p > json + 1) *p++ = ',';
        p = put_quoted(p, k->name, strlen(k->name));
    }
    *p++ = ']';
    return b->t->set_text(b->io, node, "columns", json, (uint64_t)(p - json));
}

/* Names of tensors have no '/' and no control characters. */
static char *tensor_name(csv_table *b, const char *name) {
    size_t n = strlen(name);
    char *copy = b->t->alloc(b->io, n + 1);
    if (!copy) return NULL;
    for (size_t i = 0; i <= n; i++)
        copy[i] = name[i] == '/' || (i < n && (unsigned char)name[i] < 0x20) ? '_' : name[i];
    return copy;
}

static luron_status announce_column(csv_table *b, csv_column *k) {
    char *name = tensor_name(b, k->is_target ? "target" : k->name);
    if (!name) return LURON_E_NOMEM;
    const void *data = k->codes ? (void *)k->codes : b->target;
    uint32_t dtype = k->codes ? LURON_I64 : b->o->dtype ? LURON_F64 : LURON_F32;
    luron_node *node =
        b->t->add_tensor(b->io, b->t->root(b->io), name, dtype, LURON_SHAPE(b->n_rows), (uint64_t)(uintptr_t)data);
    if (!node) return LURON_E_FORMAT;
    LURON_TRY(b->t->set_text(b->io, node, "column", k->name, strlen(k->name)));
    if (!k->codes) return LURON_OK;
    LURON_TRY(sort_classes(b, k));
    LURON_TRY(set_classes(b, k, node));
    return b->t->set_ids(b->io, node);
}

luron_status csv_announce(csv_table *b) {
    if (b->n_numbers) {
        luron_node *node = b->t->add_tensor(b->io, b->t->root(b->io), "data", b->o->dtype ? LURON_F64 : LURON_F32,
                                            LURON_SHAPE(b->n_rows, b->n_numbers), (uint64_t)(uintptr_t)b->data);
        if (!node) return LURON_E_FORMAT;
        LURON_TRY(set_columns(b, node));
    }
    for (int64_t i = 0; i < b->n_columns; i++)
        if (b->columns[i].codes || (b->columns[i].is_target && b->columns[i].is_wanted))
            LURON_TRY(announce_column(b, &b->columns[i]));
    return LURON_OK;
}
