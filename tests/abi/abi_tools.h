/* abi_tools.h -- folders and commands for the ABI tests. LURON_TEST_SOURCE is the source tree, CC the compiler (cc). */
#ifndef ABI_TOOLS_H
#define ABI_TOOLS_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <luron/luron.h>

#ifdef __SANITIZE_ADDRESS__
#define UNDER_SANITIZER true /* sanitizers add symbols and constructors of their own */
#else
#define UNDER_SANITIZER false
#endif

static inline const char *source_tree(void) {
    const char *s = getenv("LURON_TEST_SOURCE");
    if (!s) fail_msg("LURON_TEST_SOURCE is not set: run the test through ctest");
    return s ? s : "";
}

/* Run a shell command; gives its exit status. Its output goes where the test's goes. */
static inline int shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline int shell(const char *fmt, ...) {
    char command[4096];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(command, sizeof command, fmt, args);
    va_end(args);
    assert_true(n > 0 && n < (int)sizeof command);
    return system(command);
}

/* First line that a command prints, "" if it prints nothing. */
static inline void first_line(char *line, int n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static inline void first_line(char *line, int n, const char *fmt, ...) {
    char command[4096];
    va_list args;
    va_start(args, fmt);
    vsnprintf(command, sizeof command, fmt, args);
    va_end(args);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    line[0] = 0;
    if (!fgets(line, n, p)) line[0] = 0;
    pclose(p);
    line[strcspn(line, "\n")] = 0;
}

/* A new folder of this test, removed by remove_folder. */
static inline void make_folder(char path[64]) {
    strcpy(path, "/tmp/luron-abi-XXXXXX");
    assert_non_null(mkdtemp(path));
}
static inline void remove_folder(const char *path) { assert_int_equal(shell("rm -rf '%s'", path), 0); }

static inline void write_bytes(const char *path, const void *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* The whole file; free it. */
static inline char *read_bytes(const char *path, size_t *n) {
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    char *bytes = malloc((size_t)st.st_size + 1);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    *n = fread(bytes, 1, (size_t)st.st_size, f);
    assert_int_equal(*n, st.st_size);
    bytes[*n] = 0;
    fclose(f);
    return bytes;
}

/* Build fake_plugin.c with the given -D flags. */
static inline void build_fake(const char *to, const char *flags) {
    if (shell("${CC:-cc} -O1 -shared -fPIC -I'%s/core/include' %s -o '%s' '%s/tests/abi/fake_plugin.c'", source_tree(),
              flags, to, source_tree()))
        fail_msg("cannot build the fake plugin with %s", flags);
}

/* The status is `status` and the error text has `part` in it. */
static inline void expect_error(luron_ctx *ctx, luron_status got, luron_status status, const char *part) {
    if (got != status || !strstr(luron_ctx_error(ctx), part))
        fail_msg("%s with '%s' expected, got %s: %s", luron_status_name(status), part, luron_status_name(got),
                 luron_ctx_error(ctx));
}

#endif
