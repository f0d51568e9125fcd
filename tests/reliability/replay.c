#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "replay.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- folders ----------------------------------------------------------------------------------------------------- */
static void fail_if(bool bad, const char *what) {
    if (!bad) return;
    perror(what);
    abort();
}

void replay_read(replay_folder *folder, const char *path) {
    char full[PATH_MAX];
    struct stat st;
    DIR *dir = opendir(path);
    fail_if(!dir, path);
    folder->n = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        snprintf(full, sizeof full, "%s/%s", path, e->d_name);
        if (stat(full, &st) || !S_ISREG(st.st_mode)) continue;
        fail_if(folder->n == REPLAY_NAMES, "too many files");
        replay_file *f = &folder->files[folder->n++];
        snprintf(f->name, sizeof f->name, "%.95s", e->d_name);
        f->ino = st.st_ino, f->size = (size_t)st.st_size, f->data = malloc(f->size + 1);
        FILE *file = fopen(full, "rb");
        fail_if(!file || fread(f->data, 1, f->size, file) != f->size, full);
        fclose(file);
    }
    closedir(dir);
}

void replay_write(const replay_folder *folder, const char *path) {
    char full[PATH_MAX];
    for (int i = 0; i < folder->n; i++) {
        const replay_file *f = &folder->files[i];
        snprintf(full, sizeof full, "%s/%s", path, f->name);
        FILE *file = fopen(full, "wb");
        fail_if(!file || fwrite(f->data, 1, f->size, file) != f->size || fclose(file), full);
    }
}

void replay_free(replay_folder *folder) {
    for (int i = 0; i < folder->n; i++)
        free(folder->files[i].data);
    folder->n = 0;
}

/* ---- what is on the disk for certain, and what may be -------------------------------------------------------------
 */
enum { MAX_INODES = 64, MAX_PENDING = 256, MAX_CHANGES = 10 };
typedef struct inode {
    uint64_t ino;
    unsigned char *data; /* as of its last sync */
    size_t size, live;   /* live: with the writes since */
    const io_record *pending[MAX_PENDING];
    int n_pending;
} inode;
typedef struct name {
    char name[96];
    uint64_t ino; /* 0: none */
} name;
typedef struct change { /* of names: one call */
    name parts[2];
    int n;
} change;
typedef struct disk {
    inode inodes[MAX_INODES];
    int n_inodes;
    name names[REPLAY_NAMES]; /* as of the last sync of the folder */
    int n_names;
    change changes[MAX_CHANGES];
    int n_changes;
    name live[REPLAY_NAMES];
    int n_live;
    uint64_t seed, given;
} disk;

static void set_name(name *names, int *n, const char *text, uint64_t ino) {
    int i = 0;
    while (i < *n && strcmp(names[i].name, text))
        i++;
    fail_if(i == REPLAY_NAMES, "too many names");
    if (i == *n) ++*n;
    snprintf(names[i].name, sizeof names[i].name, "%.95s", text);
    names[i].ino = ino;
}

static inode *find_inode(disk *d, uint64_t ino) {
    for (int i = 0; i < d->n_inodes; i++)
        if (d->inodes[i].ino == ino) return &d->inodes[i];
    fail_if(d->n_inodes == MAX_INODES, "too many inodes");
    inode *f = &d->inodes[d->n_inodes++];
    memset(f, 0, sizeof *f);
    f->ino = ino;
    return f;
}

static void apply_write(unsigned char *data, const io_record *r) { memcpy(data + r->offset, r->data, (size_t)r->size); }

/* The bytes are on the disk. */
static void settle(inode *f) {
    f->data = realloc(f->data, f->live + 1);
    if (f->live > f->size) memset(f->data + f->size, 0, f->live - f->size);
    for (int i = 0; i < f->n_pending; i++)
        apply_write(f->data, f->pending[i]);
    f->size = f->live, f->n_pending = 0;
}

static void change_names(disk *d, const name *parts, int n) {
    if (d->n_changes == MAX_CHANGES) { /* the oldest one has happened by now */
        for (int i = 0; i < d->changes[0].n; i++)
            set_name(d->names, &d->n_names, d->changes[0].parts[i].name, d->changes[0].parts[i].ino);
        memmove(d->changes, d->changes + 1, sizeof *d->changes * --d->n_changes);
    }
    change *c = &d->changes[d->n_changes++];
    c->n = n;
    for (int i = 0; i < n; i++) {
        c->parts[i] = parts[i];
        set_name(d->live, &d->n_live, parts[i].name, parts[i].ino);
    }
}

static uint64_t live_inode(const disk *d, const char *text) {
    for (int i = 0; i < d->n_live; i++)
        if (strcmp(d->live[i].name, text) == 0) return d->live[i].ino;
    return 0;
}

static name named(const char *text, uint64_t ino) {
    name n = {.ino = ino};
    snprintf(n.name, sizeof n.name, "%.95s", text);
    return n;
}

/* A number that the file system gave again: the file that had it before gets another one. */
static void rename_inode(disk *d, inode *f) {
    const uint64_t old = f->ino, new = ++d->given | 1ull << 63;
    f->ino = new;
    for (int i = 0; i < d->n_names; i++)
        if (d->names[i].ino == old) d->names[i].ino = new;
    for (int i = 0; i < d->n_live; i++)
        if (d->live[i].ino == old) d->live[i].ino = new;
    for (int i = 0; i < d->n_changes; i++)
        for (int k = 0; k < d->changes[i].n; k++)
            if (d->changes[i].parts[k].ino == old) d->changes[i].parts[k].ino = new;
}

static void do_open(disk *d, const io_record *r) {
    inode *f = find_inode(d, r->ino);
    if (live_inode(d, r->name) == r->ino) { /* an old file, cut to nothing: that may be on the disk at once */
        f->size = f->live = 0, f->n_pending = 0;
        return;
    }
    rename_inode(d, f);
    find_inode(d, r->ino);
    change_names(d, (name[]){named(r->name, r->ino)}, 1);
}

static void do_rename(disk *d, const io_record *r) {
    if (live_inode(d, r->to) == r->ino) return; /* both are the same file: nothing happens */
    change_names(d, (name[]){named(r->to, r->ino), named(r->name, 0)}, 2);
}

/* @return false: nothing that the disk could tell. */
static bool do_record(disk *d, const io_record *r) {
    if (r->error) return false;
    switch (r->op) {
    case IO_OPEN:
        if (!r->created) return false;
        do_open(d, r);
        break;
    case IO_WRITE: {
        inode *f = find_inode(d, r->ino);
        fail_if(f->n_pending == MAX_PENDING, "too many writes");
        f->pending[f->n_pending++] = r;
        if ((size_t)(r->offset + r->size) > f->live) f->live = (size_t)(r->offset + r->size);
        break;
    }
    case IO_SYNC:
        if (!r->folder)
            settle(find_inode(d, r->ino));
        else {
            memcpy(d->names, d->live, sizeof d->names);
            d->n_names = d->n_live, d->n_changes = 0;
        }
        break;
    case IO_RENAME:
        do_rename(d, r);
        break;
    case IO_LINK:
        change_names(d, (name[]){named(r->to, r->ino)}, 1);
        break;
    case IO_UNLINK:
        change_names(d, (name[]){named(r->name, 0)}, 1);
        break;
    case IO_MARK:
        break;
    default:
        return false;
    }
    return true;
}

/* ---- the states -------------------------------------------------------------------------------------------------- */
enum { NONE, ALL, ZEROS, FIRST_HALF, LAST_ALONE, CUT, HOLES, GARBAGE, KINDS }; /* of what was not synced */

static uint64_t next_random(uint64_t *state) {
    uint64_t x = *state += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    return x ^ x >> 27;
}

static void bytes_of(disk *d, const inode *f, int kind, replay_file *to) {
    size_t size = kind == NONE ? f->size : f->live;
    to->data = calloc(f->live + f->size + 1, 1);
    memcpy(to->data, f->data ? f->data : (unsigned char *)"", f->size);
    if (kind != NONE && kind != ZEROS)
        for (int i = 0; i < f->n_pending; i++)
            if (!(kind == FIRST_HALF && i > f->n_pending / 2) && !(kind == LAST_ALONE && i + 1 < f->n_pending))
                apply_write(to->data, f->pending[i]);
    if (kind == FIRST_HALF && f->n_pending == 1) memset(to->data + size / 2, 0, size - size / 2);
    if (kind == CUT) size = f->size + (f->live - f->size) / 2;
    for (size_t at = f->size; kind == HOLES && at < size; at += 1024)
        memset(to->data + at, 0, size - at < 512 ? size - at : 512);
    for (size_t at = f->size + (f->live - f->size) / 3; kind == GARBAGE && at < size && at < f->size + 4096; at++)
        to->data[at] = (unsigned char)next_random(&d->seed);
    to->size = size;
}

static uint64_t hash_state(const replay_folder *state, int low, int high) {
    uint64_t h = (uint64_t)low * 31 + (uint64_t)high + 0xcbf29ce484222325u;
    for (int i = 0; i < state->n; i++) {
        const replay_file *f = &state->files[i];
        const char *tail = strstr(f->name, ".tmp."); /* whose number is chance */
        for (const char *c = f->name; *c && c != tail; c++)
            h = (h ^ (unsigned char)*c) * 0x100000001b3u;
        h = (h ^ f->size ^ (tail != NULL)) * 0x100000001b3u;
        for (size_t k = 0; k < f->size; k++)
            h = (h ^ f->data[k]) * 0x100000001b3u;
    }
    return h;
}

typedef struct seen {
    uint64_t *hashes;
    bool *good;
    int n, cap;
} seen;

static bool check_once(seen *s, replay_result *result, const replay_folder *state, int low, int high,
                       replay_check *check, void *ud) {
    uint64_t h = hash_state(state, low, high);
    for (int i = 0; i < s->n; i++)
        if (s->hashes[i] == h) return s->good[i];
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 256;
        s->hashes = realloc(s->hashes, (size_t)s->cap * sizeof *s->hashes);
        s->good = realloc(s->good, (size_t)s->cap * sizeof *s->good);
    }
    bool good = check(ud, state, low, high);
    s->hashes[s->n] = h, s->good[s->n++] = good;
    result->different++;
    return good;
}

/* One set of changes of names; true: a file that is not whole on the disk has a name, so that its bytes matter. */
static bool make_state(disk *d, unsigned set, int kind, replay_folder *state) {
    name names[REPLAY_NAMES];
    int n = d->n_names;
    bool dirty = false;
    memcpy(names, d->names, sizeof names);
    for (int i = 0; i < d->n_changes; i++)
        for (int k = 0; set >> i & 1 && k < d->changes[i].n; k++)
            set_name(names, &n, d->changes[i].parts[k].name, d->changes[i].parts[k].ino);
    state->n = 0;
    for (int i = 0; i < n; i++) {
        if (!names[i].ino) continue;
        inode *f = find_inode(d, names[i].ino);
        replay_file *to = &state->files[state->n++];
        memcpy(to->name, names[i].name, sizeof to->name);
        bytes_of(d, f, kind, to);
        dirty = dirty || f->n_pending;
    }
    return dirty;
}

static int next_mark(const io_record *journal, int n, int from, int low) {
    for (int i = from; i < n; i++)
        if (journal[i].op == IO_MARK) return journal[i].mark;
    return low;
}

static disk *new_disk(const replay_folder *before, uint64_t seed) {
    disk *d = calloc(1, sizeof *d);
    fail_if(!d, "calloc");
    d->seed = seed;
    for (int i = 0; i < before->n; i++) {
        const replay_file *from = &before->files[i];
        inode *f = find_inode(d, from->ino);
        f->data = realloc(f->data, from->size + 1);
        memcpy(f->data, from->data, from->size);
        f->size = f->live = from->size;
        set_name(d->names, &d->n_names, from->name, from->ino);
        set_name(d->live, &d->n_live, from->name, from->ino);
    }
    return d;
}

replay_result replay_run(const replay_folder *before, const io_record *journal, int n, int mark_before, uint64_t seed,
                         replay_check *check, void *ud) {
    disk *d = new_disk(before, seed);
    replay_result result = {0};
    seen known = {0};
    int low = mark_before;
    for (int i = -1; i < n; i++) {
        if (i >= 0 && journal[i].op == IO_MARK) low = journal[i].mark;
        if (i >= 0 && !do_record(d, &journal[i])) continue;
        int high = next_mark(journal, n, i + 1, low);
        for (unsigned set = 0; set < 1u << d->n_changes; set++)
            for (int kind = 0; kind < KINDS; kind++) {
                replay_folder state;
                bool dirty = make_state(d, set, kind, &state);
                result.states++;
                result.bad += !check_once(&known, &result, &state, low, high, check, ud);
                replay_free(&state);
                if (!dirty) break;
            }
    }
    for (int i = 0; i < d->n_inodes; i++)
        free(d->inodes[i].data);
    free(known.hashes);
    free(known.good);
    free(d);
    return result;
}
