#!/bin/sh
# Uninitialised reads, which the sanitizers of the default run do not see: C tests under valgrind, as tests/run.sh has
# built them. A planted one has to be reported first, or the run would prove nothing.
set -eu
cd "$(dirname "$0")/../.."
sh .ci/setup.sh valgrind
export LURON_NUM_THREADS=1 LURON_ISA=plain LURON_PLUGIN_PATH="$PWD/build/lib/luron/plugins" LURON_TEST_BUILD="$PWD/build" LURON_TEST_SOURCE="$PWD"
out=build/valgrind
rm -rf "$out"
mkdir -p "$out"
checked() { valgrind -q --error-exitcode=9 --suppressions=tests/support/valgrind.supp "$@"; }

cat >"$out/planted.c" <<'PLANTED'
#include <stdlib.h>
int main(void) {
    volatile int *x = malloc(sizeof *x);
    return *x == 42;
}
PLANTED
cc -g -O1 "$out/planted.c" -o "$out/planted"
status=0
checked "$out/planted" >"$out/planted.log" 2>&1 || status=$?
if [ $status != 9 ] || ! grep -q 'uninitialised' "$out/planted.log"; then
    cat "$out/planted.log"
    echo "the read of uninitialised memory planted in $out/planted was not reported"
    exit 1
fi

failed=0
for name in alloc tensor view index indexing arrange matmul softmax convert layer model model_ops ops_named options compose hooks \
    optim_runs plan_optim pool_plan; do
    if ! checked "build/tests/test_$name" >"$out/test_$name.log" 2>&1; then
        echo "test_$name:"
        tail -n 30 "$out/test_$name.log"
        failed=1
    fi
done
[ $failed = 0 ] || exit 1
awk '/PASSED/ { n += $4 } END { print n " tests" }' "$out"/test_*.log
