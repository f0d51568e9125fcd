/* model_names.c -- paths of layers: what may be one, and those that are given by type and number. */
#include "graph.h"

#include <stdio.h>
#include <string.h>

luron_status luron__check_path(luron_ctx *ctx, const char *what, const char *path) {
    size_t n = strnlen(path, LURON__MAX_PATH + 1);
    LURON__CHECK(ctx, n > 0 && n <= LURON__MAX_PATH, LURON_E_ARGUMENT, "%s: name of 1 to %d bytes expected, got %s%zu",
                 what, LURON__MAX_PATH, n > LURON__MAX_PATH ? "more than " : "",
                 n > LURON__MAX_PATH ? n - 1 : n);
    LURON__CHECK(ctx, luron__is_utf8(path), LURON_E_ARGUMENT, "%s: name is not UTF-8", what);
    for (const char *p = path; *p; p++) {
        LURON__CHECK(ctx, (unsigned char)*p >= 32 && *p != 127 && *p != '/', LURON_E_ARGUMENT,
                     "%s: name '%.64s' has a '/' or a control character", what, path);
        LURON__CHECK(ctx, *p != '.' || (p > path && p[1] && p[1] != '.'), LURON_E_ARGUMENT,
                     "%s: name '%.64s' has an empty part between dots", what, path);
    }
    return LURON_OK;
}

/* "CrossEntropyLoss" -> "cross_entropy_loss". Where the function's name is the type's up to case and underscores, its
 * author has said where the words end: "ReLU" with "relu" -> "relu". */
static void snake(char to[80], const luron_type *type) {
    const char *name = luron_type_name(type), *f = luron_type_function(type), *p = name;
    for (const char *q = f; q && (*q || *p); q++) {
        if (*q == '_') continue;
        if ((*p | 32) != (*q | 32)) f = q = NULL;
        if (!q) break;
        p++;
    }
    if (f) {
        snprintf(to, 80, "%s", f);
        return;
    }
    size_t n = 0;
    for (p = name; *p && n < 76; p++) {
        bool upper = *p >= 'A' && *p <= 'Z', after_small = p > name && p[-1] >= 'a' && p[-1] <= 'z';
        bool before_small = p > name && p[-1] >= 'A' && p[-1] <= 'Z' && p[1] >= 'a' && p[1] <= 'z';
        if (upper && (after_small || before_small)) to[n++] = '_';
        to[n++] = upper ? (char)(*p | 32) : *p;
    }
    to[n] = 0;
}

static bool begins_with_part(const char *path, const char *part) {
    size_t n = strlen(part);
    return !strncmp(path, part, n) && (path[n] == 0 || path[n] == '.');
}

static bool is_taken(const luron_model *m, const luron_type *type, const char *name) {
    if (type) return luron__model_layer_index(m, name) >= 0;
    for (int64_t i = 0; i < m->n_layers; i++)
        if (begins_with_part(m->layers[i].path, name)) return true;
    return false;
}

luron_status luron__model_next_name(char to[96], luron_model *m, luron_ctx *ctx, const luron_type *type) {
    char word[80] = "model";
    int64_t i = 0;
    if (type) snake(word, type);
    while (i < m->n_counts && m->counts[i].type != type) i++;
    if (i == m->n_counts) {
        LURON_TRY(luron__grow(ctx, &m->counts, &m->cap_counts, i + 1, sizeof *m->counts));
        m->counts[m->n_counts++] = (luron__name_count){ type, 0 };
    }
    do snprintf(to, 96, "%s%d", word, ++m->counts[i].n);
    while (is_taken(m, type, to));
    return LURON_OK;
}

void luron__model_unname(luron_model *m, const luron_type *type) {
    for (int64_t i = 0; i < m->n_counts; i++)
        if (m->counts[i].type == type && m->counts[i].n) m->counts[i].n--;
}
