#include "saver.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

luron_status saver_save(const saver *s, const char *path, int step, int keep_prev) {
    luron_checkpoint *c;
    char text[64];
    luron_status status = luron_checkpoint_new(&c, s->ctx);
    if (status) return status;
    const int64_t n = s->elements;
    for (int i = 0; i < s->tensors && !status; i++) {
        luron_tensor *t;
        snprintf(text, sizeof text, "parameters/layer%d/weight", i);
        status = luron_tensor_full(&t, s->ctx, LURON_F32, 1, &n, step);
        if (status) break;
        status = luron_checkpoint_set_tensor(c, s->ctx, text, t);
        luron_tensor_unref(t);
    }
    snprintf(text, sizeof text, "%d", step);
    if (!status) status = luron_checkpoint_set_text(c, s->ctx, "training/step", text);
    if (!status) status = luron_checkpoint_save(c, s->ctx, path, NULL, keep_prev);
    luron_checkpoint_free(c);
    return status;
}

static int check(const saver *s, const luron_checkpoint *c, int *step) {
    const char *text = luron_checkpoint_text(c, "training/step"), *path;
    if (!text) return SAVER_INCOMPLETE;
    *step = atoi(text);
    int weights = 0;
    for (int i = 0; (path = luron_checkpoint_tensor_path(c, i)); i++) {
        if (strncmp(path, "parameters/", 11)) continue;
        luron_tensor *t = luron_checkpoint_tensor(c, path);
        const float *x = luron_tensor_data(t);
        for (int64_t k = 0; k < luron_tensor_numel(t); k++)
            if (x[k] != (float)*step) return SAVER_TORN;
        weights++;
    }
    return weights == s->tensors ? SAVER_WHOLE : SAVER_INCOMPLETE;
}

int saver_load(const saver *s, const char *path, int *step) {
    luron_checkpoint *c;
    *step = -1;
    if (access(path, F_OK)) return SAVER_MISSING;
    if (luron_checkpoint_load(&c, s->ctx, path, 1)) return SAVER_REFUSED;
    int result = check(s, c, step);
    luron_checkpoint_free(c);
    return result;
}

int saver_temporaries(const saver *s, const char *name, int *links) {
    char prefix[100], path[600];
    int own = 0;
    *links = 0;
    snprintf(prefix, sizeof prefix, "%s.tmp.", name);
    DIR *dir = opendir(s->folder);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        struct stat st;
        if (strncmp(e->d_name, prefix, strlen(prefix))) continue;
        snprintf(path, sizeof path, "%s/%s", s->folder, e->d_name);
        if (lstat(path, &st)) continue;
        if (st.st_nlink > 1)
            ++*links;
        else
            own++;
    }
    closedir(dir);
    return own;
}

void saver_clear(const saver *s) {
    char path[600];
    DIR *dir = opendir(s->folder);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        snprintf(path, sizeof path, "%s/%s", s->folder, e->d_name);
        if (e->d_name[0] != '.') assert_int_equal(unlink(path), 0);
    }
    closedir(dir);
}
