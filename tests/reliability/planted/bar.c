/* bar.c -- a bar with as many failures as the argument says. */
#include "bar.h"

#include <stdlib.h>

int main(int argc, char **argv) {
    bar b = bar_begin("R0", "planted", 1);
    bar_end(&b, 10, argc > 1 ? atoi(argv[1]) : 0);
    return 0;
}
