/* checkpoint_entries.c -- the lists behind a checkpoint: tensors and texts in order of making, found by path. */
#include "io.h"

#include <string.h>

/* Place of path in the order, and whether it is there. */
static int64_t place(const luron__entries *list, const char *path, bool *there) {
    int64_t low = 0, high = list->n;
    while (low < high) {
        int64_t mid = (low + high) / 2;
        if (strcmp(list->at[list->sorted[mid]].path, path) < 0) low = mid + 1;
        else high = mid;
    }
    *there = low < list->n && strcmp(list->at[list->sorted[low]].path, path) == 0;
    return low;
}

const luron__entry *luron__entry_find(const luron__entries *list, const char *path) {
    bool there;
    int64_t i = place(list, path, &there);
    return there ? &list->at[list->sorted[i]] : NULL;
}

luron_status luron__entry_put(luron__entries *list, luron_ctx *ctx, const luron__entry *from, bool replace) {
    bool there;
    int64_t i = place(list, from->path, &there);
    LURON__CHECK(ctx, !there || replace, LURON_E_ARGUMENT, "there are two things called '%.600s'", from->path);
    luron__entry e = *from;
    e.path = e.text = NULL;
    if (!there) {
        LURON_TRY(luron__grow(ctx, &list->at, &list->cap, list->n + 1, sizeof *list->at));
        LURON_TRY(luron__grow(ctx, &list->sorted, &list->sorted_cap, list->n + 1, sizeof *list->sorted));
        LURON_TRY(luron__strdup(&e.path, ctx, from->path));
    }
    luron_status status = luron__strdup(&e.text, ctx, from->text);
    if (status) {
        luron__strfree(ctx->pool, e.path);
        return status;
    }
    luron_tensor_ref(e.tensor);
    if (there) {
        luron__entry *old = &list->at[list->sorted[i]];
        luron_tensor_unref(old->tensor);
        luron__strfree(ctx->pool, old->text);
        e.path = old->path;
        *old = e;
        return LURON_OK;
    }
    memmove(list->sorted + i + 1, list->sorted + i, (size_t)(list->n - i) * sizeof *list->sorted);
    list->sorted[i] = list->n;
    list->at[list->n++] = e;
    return LURON_OK;
}

static void free_entry(luron__pool *pool, const luron__entry *e) {
    luron__strfree(pool, e->path);
    luron__strfree(pool, e->text);
    luron_tensor_unref(e->tensor);
}

void luron__entries_truncate(luron__pool *pool, luron__entries *list, int64_t n) {
    int64_t kept = 0;
    for (int64_t i = 0; i < list->n; i++)
        if (list->sorted[i] < n) list->sorted[kept++] = list->sorted[i];
    while (list->n > n) free_entry(pool, &list->at[--list->n]);
}

void luron__entries_free(luron__pool *pool, luron__entries *list) {
    luron__entries_truncate(pool, list, 0);
    luron__pool_free(pool, list->at, (size_t)list->cap * sizeof *list->at);
    luron__pool_free(pool, list->sorted, (size_t)list->sorted_cap * sizeof *list->sorted);
}
