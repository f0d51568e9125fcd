#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strtod_l */
#endif
#include "csv_plugin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int csv_next_row(csv_cursor *c) {
    while (c->p < c->end && (*c->p == '\n' || *c->p == '\r')) c->line += *c->p++ == '\n';
    return c->p < c->end;
}

/* Behind a cell: a delimiter, the end of the line, or the end. */
static int end_cell(csv_cursor *c, csv_cell *cell) {
    cell->last = 1;
    if (c->p == c->end) return 1;
    if (*c->p == c->delimiter) {
        c->p++;
        cell->last = 0;
    } else {
        if (*c->p == '\r') c->p++;
        if (c->p < c->end && *c->p == '\n') {
            c->p++;
            c->line++;
        }
    }
    return 1;
}

static int quoted_cell(csv_cursor *c, csv_cell *cell) {
    const char *start = ++c->p;
    size_t n = 0;
    int copied = 0;
    for (;; n++, c->p++) {
        if (c->p == c->end || n == CSV_MAX_CELL) {
            c->error = "a quote is not closed";
            return 0;
        }
        if (*c->p == '"') {
            if (c->p + 1 == c->end || c->p[1] != '"') break;
            if (!copied) memcpy(c->scratch, start, n);
            copied = 1;
            c->p++;
        }
        if (copied) c->scratch[n] = *c->p;
        c->line += *c->p == '\n';
    }
    c->p++;
    cell->text = copied ? c->scratch : start, cell->n = n;
    while (c->p < c->end && *c->p == ' ' && c->delimiter != ' ') c->p++;
    if (c->p < c->end && *c->p != c->delimiter && *c->p != '\n' && *c->p != '\r') {
        c->error = "there is something behind a closing quote";
        return 0;
    }
    return end_cell(c, cell);
}

int csv_next_cell(csv_cursor *c, csv_cell *cell) {
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t') && *c->p != c->delimiter) c->p++;
    if (c->p < c->end && *c->p == '"') return quoted_cell(c, cell);
    const char *start = c->p;
    while (c->p < c->end && *c->p != c->delimiter && *c->p != '\n' && *c->p != '\r') c->p++;
    const char *stop = c->p;
    while (stop > start && (stop[-1] == ' ' || stop[-1] == '\t')) stop--;
    cell->text = start, cell->n = (size_t)(stop - start);
    if (cell->n > CSV_MAX_CELL) {
        c->error = "a field is longer than 65536 bytes";
        return 0;
    }
    return end_cell(c, cell);
}

static int is_word(const csv_cell *cell, const char *word) {
    return cell->n == strlen(word) && strncasecmp(cell->text, word, cell->n) == 0;
}

/* Up to 2^53 and a power of ten up to 22 are exact as doubles, and so is then their product or quotient, rounded once
 * (Clinger, 1990). All else goes to the C library. */
static double scale(uint64_t digits, int power, int negative) {
    static const double tens[] = { 1,    1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    double x = power < 0 ? (double)digits / tens[-power] : (double)digits * tens[power];
    return negative ? -x : x;
}

int csv_number(const csv_cell *cell, locale_t plain, double *value) {
    static const char *const none[] = { "", "na", "n/a", "nan", "null", NULL };
    *value = NAN;
    for (int i = 0; none[i]; i++)
        if (is_word(cell, none[i])) return CSV_MISSING;
    const char *p = cell->text, *end = p + cell->n;
    int negative = *p == '-', any = 0, exact = 1, point = 0;
    int64_t power = 0, exponent = 0;
    uint64_t digits = 0;
    if (*p == '-' || *p == '+') p++;
    csv_cell rest = { p, (size_t)(end - p), 0 };
    if (is_word(&rest, "inf") || is_word(&rest, "infinity")) {
        *value = negative ? -INFINITY : INFINITY;
        return CSV_NUMBER;
    }
    for (; p < end && ((*p >= '0' && *p <= '9') || (*p == '.' && !point)); p++) {
        if (*p == '.') {
            point = 1;
            continue;
        }
        any = 1;
        if (digits < UINT64_MAX / 10 - 9) digits = 10 * digits + (uint64_t)(*p - '0'), power -= point;
        else exact = 0;
    }
    if (!any) return CSV_TEXT;
    if (p < end && (*p == 'e' || *p == 'E')) {
        int down = 0;
        if (++p < end && (*p == '-' || *p == '+')) down = *p++ == '-';
        if (p == end) return CSV_TEXT;
        for (; p < end && *p >= '0' && *p <= '9'; p++)
            exponent = exponent < 100000 ? 10 * exponent + *p - '0' : exponent;
        power += down ? -exponent : exponent;
    }
    if (p != end) return CSV_TEXT;
    if (exact && digits <= (uint64_t)1 << 53 && power >= -22 && power <= 22) {
        *value = scale(digits, (int)power, negative);
        return CSV_NUMBER;
    }
    char text[512];
    if (cell->n >= sizeof text) return CSV_TEXT;
    memcpy(text, cell->text, cell->n);
    text[cell->n] = 0;
    *value = strtod_l(text, NULL, plain);
    return CSV_NUMBER;
}

int csv_is_text(const char *p, size_t n) {
    const unsigned char *s = (const unsigned char *)p;
    for (size_t i = 0; i < n;) {
        int more = s[i] < 0x80 ? 0 : s[i] >= 0xf5 || s[i] < 0xc2 ? -1 : s[i] >= 0xf0 ? 3 : s[i] >= 0xe0 ? 2 : 1;
        if (more < 0 || (s[i] < 0x20 && s[i] != '\t' && s[i] != '\n' && s[i] != '\r') || s[i] == 0x7f ||
            n - i <= (size_t)more)
            return 0;
        if ((s[i] == 0xe0 && s[i + 1] < 0xa0) || (s[i] == 0xed && s[i + 1] > 0x9f) ||
            (s[i] == 0xf0 && s[i + 1] < 0x90) || (s[i] == 0xf4 && s[i + 1] > 0x8f))
            return 0;
        for (int k = 1; k <= more; k++)
            if ((s[i + (size_t)k] & 0xc0) != 0x80) return 0;
        i += 1 + (size_t)more;
    }
    return 1;
}
