/* lua_file.c -- checkpoints, and tensors in files of other formats. luron/checkpoint.lua makes model:save and luron.load
 * of it. Reading gives nil, message, code; writing raises. */
#include "lua_util.h"

#include <string.h>

static luron_checkpoint *checkpoint_at(lua_State *L, int arg) { return lr_object(L, arg, &lr_checkpoint_key, "checkpoint"); }

static int l_checkpoint_new(lua_State *L) {
    void **box = lr_box(L, &lr_checkpoint_key);
    luron_checkpoint *c = NULL;
    luron_status status = luron_checkpoint_new(&c, lr_ctx(L));
    *box = c;
    return lr_done(L, status, 1);
}

/* checkpoint_load(path, verify) */
static int l_checkpoint_load(lua_State *L) {
    lua_settop(L, 2);
    const char *path = lr_string(L, 1, "path");
    int verify = lr_opt_boolean(L, 2, "verify", 1);
    void **box = lr_box(L, &lr_checkpoint_key);
    luron_checkpoint *c = NULL;
    luron_status status = luron_checkpoint_load(&c, lr_ctx(L), path, verify);
    *box = c;
    if (status != LURON_OK) return lr_nil(L, status);
    return lr_done(L, status, 1);
}

static int l_set_model(lua_State *L) {
    luron_checkpoint *c = checkpoint_at(L, 1);
    luron_model *model = lr_object(L, 2, &lr_model_key, "model");
    return lr_done(L, luron_checkpoint_set_model(c, lr_ctx(L), model), 0);
}

static int l_set_optim(lua_State *L) {
    luron_checkpoint *c = checkpoint_at(L, 1);
    luron_optim *optim = lr_object(L, 2, &lr_optim_key, "optimiser");
    return lr_done(L, luron_checkpoint_set_optim(c, lr_ctx(L), optim), 0);
}

static int l_set_tensor(lua_State *L) {
    luron_checkpoint *c = checkpoint_at(L, 1);
    const char *path = lr_string(L, 2, "path");
    luron_tensor *t = lr_tensor(L, 3, "tensor");
    return lr_done(L, luron_checkpoint_set_tensor(c, lr_ctx(L), path, t), 0);
}

static int l_set_text(lua_State *L) {
    luron_checkpoint *c = checkpoint_at(L, 1);
    const char *path = lr_string(L, 2, "path"), *text = lr_string(L, 3, "text");
    return lr_done(L, luron_checkpoint_set_text(c, lr_ctx(L), path, text), 0);
}

/* write(path[, format[, keep_prev[, nonfinite]]]) */
static int l_write(lua_State *L) {
    lua_settop(L, 5);
    luron_checkpoint *c = checkpoint_at(L, 1);
    const char *path = lr_string(L, 2, "path"), *format = lua_isnil(L, 3) ? NULL : lr_string(L, 3, "format");
    int keep_prev = lr_opt_boolean(L, 4, "keep_prev", 0);
    luron_checkpoint_allow_nonfinite(c, lr_opt_boolean(L, 5, "nonfinite", 0));
    luron_status status = luron_checkpoint_save(c, lr_ctx(L), path, format, keep_prev);
    if (status == LURON_E_NONFINITE) return lr_error(L, "%s; nonfinite = true among the options writes it all the same", luron_ctx_error(lr_ctx(L)));
    return lr_done(L, status, 0);
}

/* model(): the model the file describes; false if it holds parameters alone; nil, message, code. */
static int l_model(lua_State *L) {
    lua_settop(L, 1);
    checkpoint_at(L, 1);
    void **box = lr_box(L, &lr_model_key);
    luron_model *model = NULL;
    luron_status status = luron_checkpoint_model(&model, lr_ctx(L), checkpoint_at(L, 1));
    *box = model;
    if (status != LURON_OK) return lr_nil(L, status);
    if (!model) lua_pushboolean(L, 0);
    return lr_done(L, status, 1);
}

static int result(lua_State *L, luron_status status) {
    if (status != LURON_OK) return lr_nil(L, status);
    lua_pushboolean(L, 1);
    return 1;
}

static int l_restore(lua_State *L) {
    luron_checkpoint *c = checkpoint_at(L, 1);
    luron_model *model = lr_object(L, 2, &lr_model_key, "model");
    return result(L, luron_checkpoint_restore(lr_ctx(L), c, model));
}

static int l_restore_optim(lua_State *L) {
    luron_checkpoint *c = checkpoint_at(L, 1);
    luron_optim *optim = lr_object(L, 2, &lr_optim_key, "optimiser");
    return result(L, luron_checkpoint_restore_optim(lr_ctx(L), c, optim));
}

static int l_restore_random(lua_State *L) {
    return result(L, luron_checkpoint_restore_random(lr_ctx(L), checkpoint_at(L, 1)));
}

static int l_tensor(lua_State *L) {
    luron_checkpoint *c = checkpoint_at(L, 1);
    lr_push_tensor(L, luron_checkpoint_tensor(c, lr_string(L, 2, "path")));
    return 1;
}

static int l_text(lua_State *L) {
    luron_checkpoint *c = checkpoint_at(L, 1);
    lua_pushstring(L, luron_checkpoint_text(c, lr_string(L, 2, "path")));
    return 1;
}

static int paths(lua_State *L, const char *(*at)(const luron_checkpoint *, int)) {
    const char *path;
    lua_settop(L, 1);
    checkpoint_at(L, 1);
    lua_newtable(L);
    for (int i = 0; (path = at(checkpoint_at(L, 1), i)); i++) {
        lua_pushstring(L, path);
        lua_rawseti(L, 2, i + 1);
    }
    return 1;
}

static int l_tensors(lua_State *L) { return paths(L, luron_checkpoint_tensor_path); }
static int l_texts(lua_State *L) { return paths(L, luron_checkpoint_text_path); }

/* ---- other files ----------------------------------------------------------------------------------------------------------- */
static int file_gc(lua_State *L) {
    luron_file **box = lua_touserdata(L, 1);
    luron_file *file = *box;
    *box = NULL;
    luron_file_free(file);
    return 0;
}

/* Set field `key` of the table on top to an attribute; a JSON list becomes a table. */
static void put_attribute(lua_State *L, const char *key, const char *text) {
    if (!text) return;
    if (*text == '[') lr_push_json(L, text);
    else lua_pushstring(L, text);
    lua_setfield(L, -2, key);
}

/* One tensor of a file: { name =, tensor =, ids =, classes =, ... } */
static void push_entry(lua_State *L, const luron_file *file, int i) {
    static const char *const keys[] = { "column", "columns", "classes", "description", "units", NULL };
    lua_newtable(L);
    lua_pushstring(L, luron_file_name(file, i));
    lua_setfield(L, -2, "name");
    lua_pushboolean(L, luron_file_is_ids(file, i));
    lua_setfield(L, -2, "ids");
    lr_push_tensor(L, luron_file_tensor(file, i));
    lua_setfield(L, -2, "tensor");
    for (int k = 0; keys[k]; k++) put_attribute(L, keys[k], luron_file_text(file, i, keys[k]));
}

/* Push a copy of the options at idx without `format`, whose value is returned (NULL: none; it stays in the options). */
static const char *split_format(lua_State *L, int idx) {
    const char *format = NULL;
    if (lr_field(L, idx, "format") != LUA_TNIL) {
        if (lua_type(L, -1) != LUA_TSTRING) lr_argerror(L, idx, "format: string expected, got %s", lr_got(L, -1));
        format = lua_tostring(L, -1);
    }
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, idx)) {
        if (lua_type(L, -2) == LUA_TSTRING && strcmp(lua_tostring(L, -2), "format") == 0) {
            lua_pop(L, 1);
            continue;
        }
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
    return format;
}

/* read_file(path[, { format =, options of the format }]): list of entries; nil, message, code. */
static int l_read_file(lua_State *L) {
    luron_arg args[LR_MAX_ARGS];
    const char *path = lr_string(L, 1, "path"), *format = NULL;
    int n = 0;
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) {
        if (!lua_istable(L, 2)) return lr_typeerror(L, 2, "options", "table");
        format = split_format(L, 2);
        lua_pushnil(L);
        int any = lua_next(L, 3);
        lua_settop(L, 3);
        if (any && !format) return lr_argerror(L, 2, "options are those of a format: name it, { format = \"csv\", ... }");
        const luron_type *type = NULL;
        luron_status found = any ? luron_type_find(&type, lr_ctx(L), LURON_KIND_FORMAT, format) : LURON_OK;
        if (found != LURON_OK) return lr_raise(L, found);
        if (any) n = lr_type_args(L, type, 3, 3, 0, args);
    }
    luron_file **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, file_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    luron_status status = luron_file_read(box, lr_ctx(L), path, format, n, args);
    if (status != LURON_OK) return lr_nil(L, status);
    lua_newtable(L);
    for (int i = 0; i < luron_file_n_tensors(*box); i++) {
        push_entry(L, *box, i);
        lua_rawseti(L, -2, i + 1);
    }
    return lr_done(L, LURON_OK, 1);
}

static const luaL_Reg methods[] = {
    { "set_model", l_set_model }, { "set_optim", l_set_optim }, { "set_tensor", l_set_tensor }, { "set_text", l_set_text },
    { "write", l_write }, { "model", l_model }, { "restore", l_restore }, { "restore_optim", l_restore_optim },
    { "restore_random", l_restore_random }, { "tensor", l_tensor }, { "text", l_text }, { "tensors", l_tensors },
    { "texts", l_texts }, { NULL, NULL },
};
static const luaL_Reg functions[] = {
    { "checkpoint_new", l_checkpoint_new }, { "checkpoint_load", l_checkpoint_load }, { "read_file", l_read_file }, { NULL, NULL },
};

void lr_open_file(lua_State *L) {
    lr_setfuncs(L, functions);
    lr_metatable(L, &lr_checkpoint_key, "luron.checkpoint");
    lr_setfuncs(L, methods);
    lua_getfield(L, -3, "methods");
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "checkpoint");
    lua_pop(L, 3);
}
