/* test_files.h -- a folder for the files of one test program, and whole files as bytes. */
#ifndef TEST_FILES_H
#define TEST_FILES_H
#include "tensor_assert.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char test_folder[200];

/* Group fixtures. */
static inline int test_folder_new(void **state) {
    const char *tmp = getenv("TMPDIR");
    (void)state;
    if (!tmp || strlen(tmp) > 150)
        tmp = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm"; /* in memory: syncs take no time */
    snprintf(test_folder, sizeof test_folder, "%s/luron-test-XXXXXX", tmp);
    return mkdtemp(test_folder) ? 0 : -1;
}
static inline int test_folder_free(void **state) {
    char command[300];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", test_folder);
    return system(command);
}

/* "FOLDER/name"; the last four stay valid. */
static inline const char *in_folder(const char *name) {
    static char paths[4][400];
    static int next;
    next = (next + 1) % 4;
    snprintf(paths[next], sizeof paths[next], "%s/%s", test_folder, name);
    return paths[next];
}

typedef struct bytes {
    unsigned char *data;
    size_t n;
} bytes;
static inline bytes read_bytes(const char *path) {
    bytes b = { NULL, 0 };
    FILE *f = fopen(path, "rb");
    if (!f) {
        print_error("%s cannot be opened\n", path);
        fail();
    }
    fseek(f, 0, SEEK_END);
    b.n = (size_t)ftell(f);
    rewind(f);
    b.data = malloc(b.n + 1);
    assert_int_equal(fread(b.data, 1, b.n, f), b.n);
    fclose(f);
    return b;
}
static inline void write_bytes(const char *path, const void *data, size_t n) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}
static inline void write_string(const char *path, const char *text) { write_bytes(path, text, strlen(text)); }

/* Files in the folder whose name begins so. */
static inline int count_files(const char *prefix) {
    DIR *dir = opendir(test_folder);
    int n = 0;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
    closedir(dir);
    return n;
}

/* A small generator for the tests' own choices; seeds are fixed, so that a failure comes again. */
static inline uint64_t test_random(uint64_t *state) {
    uint64_t x = *state += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}
#endif
