/* The length budgets of the design: what a type costs to write, counted in lines of code (neither empty nor a comment). */
#include "tensor_assert.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines of code of a file; block comments start a line of their own in these files or follow code. */
static int count(const char *path) {
    FILE *f = fopen(path, "r");
    char line[1024];
    int n = 0, inside = 0;
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        const char *text = line + strspn(line, " \t\n");
        const int opens = !strncmp(text, "/*", 2);
        if (*text && !inside && !opens) n++;
        if (opens) inside = 1;
        if (strstr(line, "*/")) inside = 0;
    }
    fclose(f);
    return n;
}

static int longest_line(const char *path) {
    FILE *f = fopen(path, "r");
    char line[1024];
    size_t most = 0;
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (strcspn(line, "\n") > most) most = strcspn(line, "\n");
    fclose(f);
    return (int)most;
}

/* Types that are more than the others of their folder. */
static int budget_of(const char *file, int budget) {
    static const struct { const char *file; int budget; } larger[] = { { "prelu.c", 90 }, { "lamb.c", 70 }, { "muon.c", 70 },
        { "adafactor.c", 145 }, { "cross_entropy.c", 100 } };
    for (size_t i = 0; i < sizeof larger / sizeof *larger; i++)
        if (!strcmp(file, larger[i].file)) return larger[i].budget;
    return budget;
}

/* Every .c of a plugin's folder but the one of the plugin's own name. */
static void check(const char *folder, const char *file, int budget) {
    char path[4096];
    snprintf(path, sizeof path, "%s/plugins/%s/%s", getenv("LURON_TEST_SOURCE"), folder, file);
    const int n = count(path), wide = longest_line(path);
    if (n > budget) fail_msg("plugins/%s/%s has %d lines, at most %d are allowed", folder, file, n, budget);
    if (wide > 160) fail_msg("plugins/%s/%s has a line of %d characters", folder, file, wide); /* no lines saved that way */
}

static void check_folder(const char *folder, int budget, int least) {
    char path[4096];
    int files = 0;
    snprintf(path, sizeof path, "%s/plugins/%s", getenv("LURON_TEST_SOURCE"), folder);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        const size_t n = strlen(e->d_name), own = strlen(folder);
        if (n < 3 || strcmp(e->d_name + n - 2, ".c") || (n == own + 2 && !strncmp(e->d_name, folder, own))) continue;
        check(folder, e->d_name, budget_of(e->d_name, budget));
        files++;
    }
    closedir(dir);
    assert_true(files >= least);
}

static void test_lengths_elementwise(void **state) {
    (void)state;
    check_folder("activation", 30, 19);
    check_folder("shrink", 30, 10);
}
static void test_lengths_loss(void **state) {
    (void)state;
    check_folder("loss", 85, 10);
    check_folder("error_loss", 85, 5);
    check_folder("region_loss", 85, 3);
    check_folder("distance", 85, 6);
}
static void test_lengths_optim(void **state) {
    (void)state;
    check_folder("optim", 50, 4);
}
static void test_lengths_layers_with_parameters(void **state) {
    (void)state;
    check("linear", "linear.c", 90);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_lengths_elementwise), cmocka_unit_test(test_lengths_loss), cmocka_unit_test(test_lengths_optim),
                                        cmocka_unit_test(test_lengths_layers_with_parameters) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
