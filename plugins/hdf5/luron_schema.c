/* The schema luron over hdf5: docs/file-format.md. */
#include "hdf5_plugin.h"

#include <string.h>

enum { FORMAT_VERSION = 1 };

/* What of the model's side stands below /model; the rest stands at the top. */
static const char *const in_model[] = { "architecture", "parameters", "state", NULL };
static const char *const at_top[] = { "optimizer", "training", "preprocessing", NULL };
static const char *const about[] = { "luron_version", "isa", NULL }; /* attributes of the file */

static luron_status copy_attributes(luron_io *io, const luron_tree *t, luron_node *to, luron_node *from) {
    const char *key;
    for (int64_t i = 0; (key = t->key(io, from, i)); i++) {
        int64_t number;
        uint64_t n;
        const char *text = t->text(io, from, key, &n);
        if (t->integer(io, from, key, &number)) LURON_TRY(t->set_integer(io, to, key, number));
        else LURON_TRY(t->set_text(io, to, key, text, n));
    }
    return LURON_OK;
}

/* Levels are few: the host refuses deep trees. */
static luron_status copy(luron_io *io, const luron_tree *t, luron_node *parent, luron_node *from) {
    uint64_t n;
    const char *name = t->name(io, from), *text = t->value(io, from, &n);
    const luron_view *v = t->tensor(io, from);
    luron_node *to = v      ? t->map_tensor(io, parent, name, from, v->ndim, NULL)
                     : text ? t->add_text(io, parent, name, text, n)
                            : t->group(io, parent, name),
               *child;
    if (!to) return LURON_E_FORMAT; /* the host has noted why */
    LURON_TRY(copy_attributes(io, t, to, from));
    for (int64_t i = 0; !v && !text && (child = t->child(io, from, i)); i++) LURON_TRY(copy(io, t, to, child));
    return LURON_OK;
}

static luron_status copy_named(luron_io *io, const luron_tree *t, luron_node *parent, luron_node *from,
                               const char *const *names) {
    for (; from && *names; names++) {
        luron_node *node = t->find(io, from, *names);
        if (node) LURON_TRY(copy(io, t, parent, node));
    }
    return LURON_OK;
}

static luron_status copy_about(luron_io *io, const luron_tree *t, luron_node *to, luron_node *from) {
    for (int i = 0; about[i]; i++) {
        uint64_t n;
        const char *text = t->text(io, from, about[i], &n);
        if (text) LURON_TRY(t->set_text(io, to, about[i], text, n));
    }
    return LURON_OK;
}

static int probe(luron_io *io, const luron_tree *t, const uint8_t *head, uint64_t n) {
    (void)head, (void)n;
    const char *format = t->text(io, t->root(io), "format", NULL);
    return format && strcmp(format, "luron") == 0 ? 100 : 0;
}

static luron_status read_model(luron_io *io, const luron_tree *t, const luron_source *source) {
    (void)source;
    luron_node *root = t->root(io), *model = t->model(io);
    int64_t version;
    if (!t->integer(io, root, "format_version", &version))
        return t->fail(io, LURON_E_FORMAT, "the attribute format_version is missing, or no integer");
    if (version > FORMAT_VERSION)
        return t->fail(io, LURON_E_VERSION,
                       "the file has format_version %lld, this luron reads up to %d: a newer luron is needed",
                       (long long)version, FORMAT_VERSION);
    if (version < 1) return t->fail(io, LURON_E_FORMAT, "format_version is %lld", (long long)version);
    LURON_TRY(copy_about(io, t, model, root));
    LURON_TRY(copy_named(io, t, model, t->find(io, root, "model"), in_model));
    return copy_named(io, t, model, root, at_top);
}

static luron_status write_model(luron_io *io, const luron_tree *t) {
    luron_node *root = t->root(io), *model = t->model(io), *group = t->group(io, root, "model");
    if (!group) return LURON_E_FORMAT;
    LURON_TRY(t->set_text(io, root, "format", "luron", 5));
    LURON_TRY(t->set_integer(io, root, "format_version", FORMAT_VERSION));
    LURON_TRY(copy_about(io, t, root, model));
    LURON_TRY(copy_named(io, t, group, model, in_model));
    return copy_named(io, t, root, model, at_top);
}

const luron_format_type luron_schema = { .struct_size = sizeof luron_schema,
                                         .name = "luron",
                                         .doc = "a checkpoint of luron: model, optimiser, training state",
                                         .over = "hdf5",
                                         .probe = probe,
                                         .read = read_model,
                                         .write = write_model };
